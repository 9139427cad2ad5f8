"""The file that holds a shell's memory: append-only, one per chat.

    file    = "VARROSN1" (segment | footer)*
    segment = STREAM BUFFER*                    a pickle stream, then the large buffers that it refers to, back to back
    footer  = "VFT1" LENGTH SHA256 INDEX        LENGTH (4 bytes, big-endian) and SHA256 (32 bytes) are those of INDEX

INDEX is JSON: {"python": "3.11", "segments": [SEGMENT, …], "lost": [{"name": …, "reason": …}, …]}, a SEGMENT
{"names": […], "offset": N, "parts": [[BYTES, SHA256], …], "content": HEX, "code": BOOL}.

A snapshot is found by its footer's offset, and the footers before it stay valid: segments are never moved. The first
part is the stream: one pickle per name, in order, with one memo; no names: the pickle is what snapshot_state captured.
The other parts are the buffers. "content" tells whether the variables have changed since, "code" that only the same
version of Python can read the segment. What was cut off while it was written is dead weight that nothing refers to.
"""
from .own import __builtins__, Thread, decoded, encoded, hashlib, mmap, os, queue, struct

MAGIC = b"VARROSN1"
FOOTER_HEAD = struct.Struct(">4sI32s")
FOOTER_MAGIC = b"VFT1"
FOOTER_BYTES_MAX = 16 << 20
SEGMENTS_MAX = 50_000  # of one footer
PARTS_MAX = 200_000  # of one footer
FILE_BYTES_MAX = 1 << 40
AT_ONCE_BYTES = 4 << 20  # read and hashed at a time
MAPPED_BYTES_MIN = 1 << 20  # from this size a buffer gets pages of its own
CHUNKS_AT_ONCE = 512  # fewer than IOV_MAX


class Damaged(Exception):
    """The file does not hold what it should; the text says what."""


class CannotWrite(OSError):
    """The disk is full, or the like."""


def write_at(fd, offset, chunks):
    """Writes the chunks one after the other; the offset behind them."""
    views = [memoryview(chunk).cast("B") for chunk in chunks if memoryview(chunk).nbytes]
    first = 0
    while first < len(views):
        try:
            count = os.pwritev(fd, views[first: first + CHUNKS_AT_ONCE], offset)
        except OSError as error:
            raise CannotWrite(error.errno, error.strerror) from None
        offset += count
        while first < len(views) and count >= views[first].nbytes:
            count -= views[first].nbytes
            first += 1
        if count:
            views[first] = views[first][count:]
    return offset


def end_of(fd):
    """Where the next segment goes; an empty file gets its head."""
    end = os.fstat(fd).st_size
    return end if end else write_at(fd, 0, [MAGIC])


def write_footer(fd, offset, index):
    body = encoded(index)
    if len(body) > FOOTER_BYTES_MAX:
        raise OverflowError("the list of variables is too long")
    return write_at(fd, offset, [FOOTER_HEAD.pack(FOOTER_MAGIC, len(body), hashlib.sha256(body).digest()), body])


def is_count(value, limit):
    return type(value) is int and 0 <= value <= limit


def is_part(value, limit):
    return isinstance(value, list) and len(value) == 2 and is_count(value[0], limit) and isinstance(value[1], str)


def is_segment(entry, size):
    return (isinstance(entry, dict) and isinstance(entry.get("names"), list)
            and all(isinstance(name, str) for name in entry["names"]) and is_count(entry.get("offset"), size)
            and isinstance(entry.get("parts"), list) and len(entry["parts"]) > 0
            and all(is_part(part, size) for part in entry["parts"])
            and entry["offset"] + sum(part[0] for part in entry["parts"]) <= size
            and isinstance(entry.get("content"), str) and isinstance(entry.get("code"), bool))


def is_loss(entry):
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("reason"), str)


def is_index(index, size):
    return (isinstance(index, dict) and isinstance(index.get("python"), str)
            and isinstance(index.get("segments"), list) and len(index["segments"]) <= SEGMENTS_MAX
            and all(is_segment(entry, size) for entry in index["segments"])
            and sum(len(entry["parts"]) for entry in index["segments"]) <= PARTS_MAX
            and isinstance(index.get("lost"), list) and all(map(is_loss, index["lost"])))


def read_footer(fd, offset):
    size = os.fstat(fd).st_size
    if not is_count(offset, min(size, FILE_BYTES_MAX)) or os.pread(fd, len(MAGIC), 0) != MAGIC:
        raise Damaged("the snapshot file is not one, or it is cut off")
    head = os.pread(fd, FOOTER_HEAD.size, offset)
    magic, length, sha256 = FOOTER_HEAD.unpack(head) if len(head) == FOOTER_HEAD.size else (b"", 0, b"")
    if magic != FOOTER_MAGIC or length > FOOTER_BYTES_MAX:
        raise Damaged("there is no list of variables at this place of the snapshot file")
    body = os.pread(fd, length, offset + FOOTER_HEAD.size)
    if len(body) != length or hashlib.sha256(body).digest() != sha256:
        raise Damaged("the snapshot's list of variables is damaged")
    try:
        index = decoded(body)
    except (ValueError, RecursionError):
        index = None
    if not is_index(index, size):
        raise Damaged("the snapshot's list of variables cannot be read")
    return index


class Checks:
    """Hashes what was read beside the reading of more."""

    def __init__(self):
        self.work = queue.SimpleQueue()
        self.damaged = False
        self.thread = None

    def add(self, views, sha256):
        if self.thread is None:
            self.thread = Thread(target=self.run, name="varro-check", daemon=True)
            self.thread.start()
        self.work.put((views, sha256))

    def run(self):
        while (item := self.work.get()) is not None:
            views, sha256 = item
            found = hashlib.sha256()
            while (view := views.get()) is not None:
                found.update(view)
            self.damaged = self.damaged or found.hexdigest() != sha256

    def finish(self):
        """Raises when any part was not what was once written."""
        if self.thread is not None:
            self.work.put(None)
            self.thread.join()
            self.thread = None
        if self.damaged:
            raise Damaged("this part of the snapshot file is damaged")


def read_part(fd, offset, size, views):
    """Bytes that can be written to, as arrays must be. What has been read goes into views as well."""
    buffer = (mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) if size >= MAPPED_BYTES_MIN
              else bytearray(size))
    view, at = memoryview(buffer), 0
    while at < size:
        count = os.preadv(fd, [view[at: at + AT_ONCE_BYTES]], offset + at)
        if count == 0:
            raise Damaged("the snapshot file is cut off")
        views.put(view[at: at + count])
        at += count
    return buffer


def read_segment(fd, entry, checks):
    """(stream, buffers). The stream has been verified; the buffers are once checks.finish() returns."""
    offset, buffers = entry["offset"], []
    for size, sha256 in entry["parts"]:
        views = queue.SimpleQueue()
        if buffers:
            checks.add(views, sha256)
        try:
            buffers.append(read_part(fd, offset, size, views))
        except MemoryError:
            raise Damaged("there is not enough memory to read it") from None
        finally:
            views.put(None)
        if len(buffers) == 1 and hashlib.sha256(buffers[0]).hexdigest() != sha256:
            raise Damaged("this part of the snapshot file is damaged")
        offset += size
    return buffers[0], buffers[1:]
