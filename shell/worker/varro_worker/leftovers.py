"""Threads and processes that a cell leaves behind."""
import functools
import sys
import threading as cells_threading
import weakref

from .own import __builtins__, operator, os, threading
from .tracebacks import is_users_file

# Names of threads of the worker, and of asyncio for a child that has ended, begin so.
OWN_THREADS = ("varro-", "waitpid-", "asyncio-waitpid-")
NAMED_MAX = 8  # of each kind in the line
NAME_CHARACTERS_MAX = 60


# Where libraries keep the pids of processes that only help them, and end by themselves.
HELPING_PROCESSES = (
    ("multiprocessing.resource_tracker", "_resource_tracker._pid"),
    ("multiprocessing.forkserver", "_forkserver._forkserver_pid"),
    ("joblib.externals.loky.backend.resource_tracker", "_resource_tracker._pid"),
    ("joblib.externals.loky.reusable_executor", "_executor._processes"),
)

started_by_libraries = weakref.WeakSet()


def watch_starts():
    """From here on it is known of a thread whether a library has started it or a cell."""
    start = cells_threading.Thread.start

    @functools.wraps(start)
    def watched(thread):
        if not is_users_file(sys._getframe(1).f_code.co_filename):
            started_by_libraries.add(thread)
        return start(thread)

    cells_threading.Thread.start = watched


def is_helping(thread, frame):
    """Whether it is there for a library: one that waits for work, such as a pool's, or that ends with the process, such
    as tqdm's, and has nothing of the cells to do."""
    if thread not in started_by_libraries or frame is None:
        return False
    running = []
    while frame is not None:
        if is_users_file(frame.f_code.co_filename):
            return False
        if frame.f_globals.get("__name__") == "concurrent.futures.thread":
            running.append(frame.f_code.co_name)
        frame = frame.f_back
    return thread.daemon or running == ["_worker"]


def helping_pids():
    pids = set()
    for module, place in HELPING_PROCESSES:
        try:
            found = operator.attrgetter(place)(sys.modules[module])
        except (KeyError, AttributeError):
            continue
        pids.update([found] if isinstance(found, int) else list(found or ()))
    return pids


def short(text):
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= NAME_CHARACTERS_MAX else text[: NAME_CHARACTERS_MAX - 1] + "…"


def processes():
    """{pid: (parent, start time, name)} of all that live."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                head, _, tail = file.read(4096).decode("utf-8", "replace").rpartition(")")
        except OSError:
            continue
        fields = tail.split()
        if len(fields) > 19 and fields[0] not in "ZX":
            found[int(entry)] = (int(fields[1]), int(fields[19]), head.partition("(")[2])
    return found


class Leftovers:
    """Knows what has been reported; everything is reported once."""

    def __init__(self, own_pids=lambda: (), own_loop=lambda: None):
        self.own_pids, self.own_loop = own_pids, own_loop  # children and an event loop that are not the cells'
        self.threads, self.known = set(), set()

    def is_own(self, thread):
        loop = self.own_loop()
        return loop is not None and getattr(getattr(thread, "_target", None), "__self__", None) is loop

    def new_threads(self):
        frames = sys._current_frames()
        running = {thread.ident: thread for thread in threading.enumerate()
                   if thread is not threading.main_thread() and not thread.name.startswith(OWN_THREADS)
                   and not self.is_own(thread) and not is_helping(thread, frames.get(thread.ident))}
        new = [thread for ident, thread in running.items() if ident not in self.threads]
        self.threads = set(running)
        return [f"“{short(thread.name)}”" for thread in new]

    def new_processes(self):
        found, me, own = processes(), os.getpid(), set(self.own_pids())
        if me == 2:  # the first of a sandbox is its init, and takes over the orphans
            ours = {pid for pid in found if pid > 2}
        else:
            ours, more = set(), {me}
            while more:
                more = {pid for pid, (parent, _, _) in found.items() if parent in more and pid not in ours}
                ours |= more
        ours -= own | helping_pids()
        marks = {(pid, found[pid][1]) for pid in ours}
        new = sorted(pid for pid, start in marks - self.known)
        self.known = marks
        return [f"{pid} ({short(found[pid][2])})" for pid in new]

    def line(self):
        """For the cell's stderr, or None."""
        try:
            parts = [counted("thread", self.new_threads()),
                     counted("process", self.new_processes())]
        except Exception:  # /proc is not there, or a thread of the cells has a name that raises
            return None
        parts = [part for part in parts if part]
        return f"Still running after this cell: {'; '.join(parts)}.\n" if parts else None


def counted(noun, names):
    if not names:
        return None
    plural = noun if len(names) == 1 else noun + ("es" if noun.endswith("s") else "s")
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"{plural} {', '.join(names[:NAMED_MAX])}{more}"
