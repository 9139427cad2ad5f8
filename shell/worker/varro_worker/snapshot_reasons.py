"""Why a variable could not be saved, in words for people."""
from .own import __builtins__, re

REASON_CHARACTERS_MAX = 200

# By the type's module and name; the module None stands for any.
KINDS = {
    ("builtins", "generator"): "a generator",
    ("builtins", "async_generator"): "a generator",
    ("builtins", "coroutine"): "a coroutine",
    ("builtins", "frame"): "a running function's frame",
    ("builtins", "traceback"): "a traceback",
    ("builtins", "memoryview"): "a memory view",
    ("weakref", "ReferenceType"): "a weak reference",
    ("builtins", "weakref"): "a weak reference",
    ("_thread", "lock"): "a lock",
    ("_thread", "RLock"): "a lock",
    ("_thread", "_local"): "a thread's own data",
    ("threading", "Condition"): "a lock",
    ("threading", "Event"): "a lock",
    ("threading", "Semaphore"): "a lock",
    ("threading", "BoundedSemaphore"): "a lock",
    ("threading", "Thread"): "a thread",
    ("threading", "Timer"): "a thread",
    ("concurrent.futures.thread", "ThreadPoolExecutor"): "a pool of threads",
    ("concurrent.futures.process", "ProcessPoolExecutor"): "a pool of processes",
    ("multiprocessing.pool", "Pool"): "a pool of processes",
    ("multiprocessing.pool", "ThreadPool"): "a pool of threads",
    ("multiprocessing.context", "Process"): "a process",
    ("subprocess", "Popen"): "a process",
    ("queue", "Queue"): "a queue between threads",
    ("_queue", "SimpleQueue"): "a queue between threads",
    ("_asyncio", "Task"): "a task",
    ("_asyncio", "Future"): "a future",
    ("concurrent.futures._base", "Future"): "a future",
    ("asyncio.unix_events", "_UnixSelectorEventLoop"): "an event loop",
    ("sqlite3", "Connection"): "a database connection",
    ("sqlite3", "Cursor"): "a database cursor",
    ("socket", "socket"): "a network connection",
    ("ssl", "SSLContext"): "a network connection's settings",
    ("ssl", "SSLSocket"): "a network connection",
    ("select", "poll"): "a poll object",
    ("select", "epoll"): "a poll object",
    ("mmap", "mmap"): "a mapped file",
    ("_io", "TextIOWrapper"): "an open file",
    ("_io", "BufferedReader"): "an open file",
    ("_io", "BufferedWriter"): "an open file",
    ("_io", "BufferedRandom"): "an open file",
    ("_io", "FileIO"): "an open file",
    ("tempfile", "_TemporaryFileWrapper"): "an open file",
    ("tempfile", "TemporaryDirectory"): "a temporary folder",
    ("_ctypes", "PyCPointerType"): "a pointer",
}


class Refused(Exception):
    """We know why this object cannot be saved: the text completes "it holds …"."""


class TooLarge(Exception):
    """More bytes than a snapshot may have."""


def kind_of(value):
    for kind in type(value).__mro__:
        words = KINDS.get((kind.__module__, kind.__qualname__))
        if words:
            return words
    return None


def kind_named(text):
    """The words for the type that Python's own "cannot pickle 'socket' object" names."""
    found = re.search(r"[Cc]an(?:not|'t) pickle '?([\w.]+)'? objects?", text)
    if not found:
        return None
    module, _, name = found[1].rpartition(".")
    for (known_module, known_name), words in KINDS.items():
        if name == known_name and module in ("", known_module):
            return words
    return f"a {name}"


def one_line(text):
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= REASON_CHARACTERS_MAX else text[: REASON_CHARACTERS_MAX - 1] + "…"


def text_of(error):
    try:
        return str(error)
    except Exception:
        return ""


def bytes_text(count):
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g} {unit}"
        count /= 1024
    return f"{count:.4g} GiB"


def why_not_saved(value, error, bytes_max):
    """One short sentence without a full stop."""
    try:
        return reason_of(value, error, bytes_max)
    except Exception:  # the object's own type gets in the way
        return "saving it failed"


def reason_of(value, error, bytes_max):
    if isinstance(error, TooLarge):
        return f"it is larger than the {bytes_text(bytes_max)} that a snapshot can hold"
    kind, text = kind_of(value), text_of(error)
    if kind:
        return f"{text if isinstance(error, Refused) else kind} cannot be saved"
    if isinstance(error, Refused):
        return one_line(f"it holds {text}, which cannot be saved")
    if isinstance(error, RecursionError) or "recursion" in text:
        return "it is nested too deeply, or without end"
    if isinstance(error, MemoryError):
        return "there was not enough memory to save it"
    named = kind_named(text)
    if named:
        return one_line(f"it holds {named}, which cannot be saved")
    name = type(error).__name__
    return one_line(f"saving it failed with {name}: {text}" if text else f"saving it failed with {name}")


def why_not_loaded(error):
    if isinstance(error, ModuleNotFoundError) and error.name:
        return one_line(f"the module {error.name} is not there any more")
    name, text = type(error).__name__, text_of(error)
    if name in ("Damaged", "Gone"):
        return one_line(text)
    return one_line(f"restoring it failed with {name}: {text}" if text else f"restoring it failed with {name}")
