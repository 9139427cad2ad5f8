"""What a cell is told when its workspace is over the quota; the server is who enforces it."""
from .own import __builtins__, os

BLOCK_BYTES = 512  # of os.stat


def usage(path, files_max):
    """Bytes on disk, and files and directories; counting ends beyond files_max."""
    total = count = 0
    waiting = [path]
    while waiting and count <= files_max:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * BLOCK_BYTES
                    count += 1
                    if count > files_max:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue
    return total, count


def line(path, limits):
    """A line for the end of the cell; empty while all is well."""
    bytes_max, files_max = limits.get("workspace_bytes"), limits.get("workspace_files")
    if not bytes_max or not files_max:
        return ""
    total, count = usage(path, files_max)
    if total <= bytes_max and count <= files_max:
        return ""
    files = f"more than {files_max}" if count > files_max else str(count)
    return (f"The workspace is over its quota: it holds {-(-total >> 20)} MiB in {files} files, and may hold "
            f"{bytes_max >> 20} MiB in {files_max} files. Delete some: uploads are refused, and cells that write more "
            "are stopped.\n")
