"""Tracebacks with the user's own lines only."""
from .own import __builtins__, os, traceback

FRAMES_MAX = 30  # of one traceback: the outermost 10 and the innermost 20


def workspace():
    try:
        return os.getcwd() + "/"
    except OSError:  # a cell has removed the folder that it is in
        return "/workspace/"


def is_users_file(name):
    return name.startswith(("<cell ", "/workspace/", workspace()))


def shorten(trace, depth=0):
    """Leaves only the frames of cells and workspace files, also in the causes; drops causes that have none."""
    frames = [frame for frame in trace.stack if is_users_file(frame.filename)]
    if len(frames) > FRAMES_MAX:
        gap = traceback.FrameSummary("…", 0, f"{len(frames) - FRAMES_MAX} frames left out", lookup_line=False, line="")
        frames = frames[:10] + [gap] + frames[-20:]
    trace.stack = traceback.StackSummary.from_list(frames)
    for name in ("__cause__", "__context__"):
        other = getattr(trace, name)
        if other is not None:
            shorten(other, depth + 1)
            if not other.stack or depth > 5:
                setattr(trace, name, None)
    for other in getattr(trace, "exceptions", None) or ():
        shorten(other, depth + 1)


def traceback_text(kind, value, tb):
    try:
        return full_text(kind, value, tb)
    except Exception:  # the exception's own methods get in the way, or a library that a cell has changed
        return f"{kind.__name__}: {message_of(value)}"


def full_text(kind, value, tb):
    trace = traceback.TracebackException(kind, value, tb, compact=True)
    shorten(trace)
    lines = list(trace.format() if trace.stack or getattr(trace, "exceptions", None) else trace.format_exception_only())
    return "".join(lines).rstrip("\n")


def message_of(value):
    try:
        return str(value)
    except Exception:
        return "<exception str() failed>"
