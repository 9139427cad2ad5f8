"""Takes snapshots beside the running cells: a forked copy writes while the shell goes on.

For the loop that owns the shell, which calls between two cells and on the main thread only:

    writer = SnapshotWriter(shell, drop=lambda: …)   drop: closes, in the copy, what only the worker may hold
    writer.begin(frame, fd)       {"op": "snapshot", "id": N, "base": OFFSET or null, "bytes_max": N, "seconds_max": N}
                                  and the file's descriptor, which is the writer's from here on
    writer.fds()                  to poll for reading beside the socket
    writer.pids()                 of children that are the writer's
    writer.timeout()              seconds until collect() must be called in any case, or None
    writer.collect()              the answers that are ready, as frames to be sent; never waits
    restore(shell, frame, fd)     {"op": "restore", "id": N, "footer": OFFSET}: the answer; closes the descriptor

Answers: {"op": "snapshot", "id": N, "status": "ok", "footer": OFFSET, "bytes": appended, "total_bytes": …,
"saved": […], "lost": [{"name", "reason"}, …]}, where bytes 0 and the footer of the base say that nothing has changed;
{"op": "restore", "id": N, "status": "ok", "restored": […], "lost": […]}; or "status": "failed" and a "reason" instead.
Lists are cut at LISTED_MAX; "saved_more", "restored_more" and "lost_more" count the rest. Requests wait for the one in
flight. The copy's memory is the shell's own, shared until one of them writes to it.
"""
import sys

from . import snapshot_pickles, snapshot_state, snapshots
from .library import fork
from .own import (__builtins__, Thread, _signal, decoded, encoded, gc, mmap, os, resource, select, signal, struct,
                  threading, time, types)
from .snapshot_file import Damaged
from .snapshot_reasons import one_line, text_of

BYTES_MAX = 512 << 20
SECONDS_MAX = 60
GRACE_SECONDS = 5  # for the copy's own alarm to end it
ATTEMPTS_MAX = 4  # each leaves out the variable that ended the one before
REPORT_BYTES_MAX = 8 << 20
NAME_CHARACTERS_MAX = 120  # of a variable, in an answer
LISTED_MAX = 2_000  # names in each list of an answer
STACK_BYTES = 256 << 20  # for objects that are nested deeply
RECURSION_MAX = 40_000
NICENESS = 10
NOTHING_YET = 0xFFFFFFFF
NO_DESCRIPTOR = {"status": "failed", "reason": "the shell has too many open files"}
NO_PROCESS = {"status": "failed", "reason": "no further process could be started for it"}
NO_PACKAGE = {"status": "failed", "reason": "the package cloudpickle is not installed for this Python"}


def listed(report):
    """The report with lists that fit into a frame."""
    for key in ("saved", "restored", "lost"):
        entries = report.get(key)
        if entries is None:
            continue
        if len(entries) > LISTED_MAX:
            report[f"{key}_more"] = len(entries) - LISTED_MAX
        report[key] = [entry[:NAME_CHARACTERS_MAX] if isinstance(entry, str)
                       else {**entry, "name": entry["name"][:NAME_CHARACTERS_MAX]} for entry in entries[:LISTED_MAX]]
    return report


def why_failed(error):
    if isinstance(error, MemoryError):
        return "there was not enough memory for it"
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"the snapshot file could not be written: {error.strerror}")
    return one_line(f"{type(error).__name__}: {text_of(error)}")


def on_deep_stack(work):
    """Calls it in a thread whose stack is large enough for deep recursion, or here when there is no room for one."""
    outcome = []

    def run():
        try:
            outcome.extend((work(), None))
        except BaseException as error:
            outcome.extend((None, error))

    limit, size = sys.getrecursionlimit(), threading.stack_size()
    try:
        threading.stack_size(STACK_BYTES)
        sys.setrecursionlimit(RECURSION_MAX)
        thread = Thread(target=run)
        thread.start()
        thread.join()
    except (RuntimeError, MemoryError):
        sys.setrecursionlimit(limit)
        run()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    result, error = outcome
    if error is not None:
        raise error
    return result


class Copy:
    """A forked copy that saves, seen from the shell."""

    def __init__(self, pid, pipe, progress, names):
        self.pid, self.pipe, self.progress, self.names = pid, pipe, progress, names
        self.received = bytearray()
        self.pidfd = os.pidfd_open(pid)
        self.report = None

    def fds(self):
        return [self.pidfd] if self.pipe is None else [self.pipe, self.pidfd]

    def read(self):
        while self.pipe is not None:
            try:
                data = os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                return
            self.received += data
            if not data or len(self.received) > REPORT_BYTES_MAX:
                os.close(self.pipe)
                self.pipe = None

    def is_over(self):
        self.read()
        ended = select.select([self.pidfd], [], [], 0)[0]
        if not ended:
            return False
        self.read()
        if len(self.received) <= REPORT_BYTES_MAX:
            try:
                self.report = decoded(self.received)
            except ValueError:
                pass
        return True

    def end(self):
        """Why it ended; nothing of it is left."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL) if self.report is None else None
        try:
            status = os.waitpid(self.pid, 0)[1]
        except ChildProcessError:  # a cell waited for all children
            status = None
        for fd in self.fds():
            os.close(fd)
        return status

    def culprit(self):
        """The variable at which it ended without a report."""
        number = struct.unpack("I", self.progress[:4])[0]
        return self.names[number] if number < len(self.names) else None


class SnapshotWriter:
    def __init__(self, shell, drop=lambda: None, namespace=None, hidden=None):
        self.shell, self.drop = shell, drop
        self.namespace = shell.user_ns if namespace is None else namespace
        self.hidden = dict(self.namespace) if hidden is None else hidden
        snapshot_state.begin()
        self.waiting = []  # (frame, fd), the first of which is in flight when there is a copy
        self.copy = None
        self.deadline = None
        self.attempts = 0
        self.dangerous = {}  # name: (value, reason) of what ended a copy; not tried again
        self.state = self.proof = None  # of the snapshot in flight
        self.last = None  # (proof, its answer) of the one before
        self.answers = []

    # --- for the loop

    def begin(self, frame, fd):
        self.waiting.append((frame, fd))
        if len(self.waiting) == 1:
            self.attempts = 0
            self.start()

    def fds(self):
        return self.copy.fds() if self.copy else []

    def pids(self):
        """Of the copies, which are children of this process."""
        return [self.copy.pid] if self.copy else []

    def timeout(self):
        if self.answers:
            return 0
        return None if self.copy is None else max(self.deadline - time.monotonic(), 0)

    def finish_copy(self):
        """Waits until collect() has its answer."""
        while self.copy and not self.is_over():
            select.select(self.fds(), [], [], self.timeout())

    def collect(self):
        while self.copy and self.is_over():
            self.finish()
        answers, self.answers = self.answers, []
        return answers

    # ---

    def is_over(self):
        return self.copy.is_over() or time.monotonic() >= self.deadline

    def start(self):
        frame, fd = self.waiting[0]
        if snapshot_pickles.CloudPickler is None:
            self.answer(NO_PACKAGE)
            return
        if fd is None:
            self.answer(NO_DESCRIPTOR)
            return
        variables = snapshots.variables_of(self.namespace, self.hidden)
        # Now, because a fork gives the copy random numbers of its own.
        self.state = snapshot_state.capture(self.shell)
        self.proof = snapshots.proof_of(variables, self.state)
        if self.proof is not None and self.last is not None and self.last[1]["footer"] == frame.get("base") \
                and snapshots.is_unchanged(self.last[0], self.proof):
            self.answer({**self.last[1], "bytes": 0})
            return
        seconds = max(int(frame.get("seconds_max") or SECONDS_MAX), 1)
        try:
            self.copy = self.forked(frame, fd, [name for name, _ in variables], seconds)
            self.deadline = time.monotonic() + seconds + GRACE_SECONDS
        except (OSError, MemoryError):  # too many processes, open files, too little memory
            self.answer(NO_PROCESS)

    def forked(self, frame, fd, names, seconds):
        progress = mmap.mmap(-1, mmap.PAGESIZE)
        progress[:4] = struct.pack("I", NOTHING_YET)
        reading, writing = os.pipe()
        pid = -1
        try:
            os.set_blocking(reading, False)
            pid = fork(seconds)
            if pid == 0:
                self.save_in_copy(frame, fd, writing, progress)
            if pid < 0:
                raise OSError("it could not be forked")
            return Copy(pid, reading, progress, names)
        except (OSError, MemoryError):
            os.close(reading)
            if pid > 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            raise
        finally:
            os.close(writing)

    def finish(self):
        copy, self.copy = self.copy, None
        status = copy.end()
        if isinstance(copy.report, dict):
            self.last = (self.proof, copy.report) if self.proof is not None and "footer" in copy.report else None
            self.answer(copy.report)
            return
        self.attempts += 1
        name = copy.culprit()
        if name is None or self.attempts >= ATTEMPTS_MAX or name not in self.namespace:
            self.answer({"status": "failed", "reason": "the process that wrote it ended unexpectedly"})
            return
        late = time.monotonic() >= self.deadline or status is not None and os.WIFSIGNALED(status) \
            and os.WTERMSIG(status) == signal.SIGALRM
        reason = "saving it took too long" if late else "Python ended while it was being saved"
        self.dangerous[name] = (self.namespace[name], reason)
        self.start()

    def answer(self, report):
        frame, fd = self.waiting.pop(0)
        if fd is not None:
            os.close(fd)
        self.answers.append({"op": "snapshot", "id": frame["id"], **report})
        if self.waiting:
            self.attempts = 0
            self.start()

    def refused(self):
        return {name: reason for name, (value, reason) in self.dangerous.items() if self.namespace.get(name) is value}

    # --- in the copy

    def save_in_copy(self, frame, fd, pipe, progress):
        try:
            _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)
            _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
            _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
            self.drop()
            quiet()
            report = on_deep_stack(lambda: self.report_of(frame, fd, progress))
            data = encoded(listed(report))
            while data:
                data = data[os.write(pipe, data):]
        finally:
            os._exit(0)

    def report_of(self, frame, fd, progress):
        def on_variable(number):
            progress[:4] = struct.pack("I", number)

        start = os.fstat(fd).st_size
        try:
            report = snapshots.save(self.namespace, fd, frame.get("base"), hidden=self.hidden, state=self.state,
                                    bytes_max=frame.get("bytes_max") or BYTES_MAX, refused=self.refused(),
                                    on_variable=on_variable)
            progress[:4] = struct.pack("I", NOTHING_YET)
            if report["bytes"]:
                os.fsync(fd)
            return {"status": "ok", **report}
        except BaseException as error:
            progress[:4] = struct.pack("I", NOTHING_YET)
            reason = why_failed(error)
        try:
            os.ftruncate(fd, start)  # half a snapshot would only take room
        except OSError:
            pass
        return {"status": "failed", "reason": reason}


def quiet():
    """Nothing that pickling prints or traces may reach the cells, and their speed comes first."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = open(null, "w", closefd=False)
    sys.settrace(None)
    sys.setprofile(None)
    gc.disable()
    try:
        os.nice(NICENESS)
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    except OSError:
        pass
    # Pickle would find the cells' own names here and save them as nothing but names.
    sys.modules["__main__"] = types.ModuleType("__main__")


def restore(shell, frame, fd, namespace=None):
    answer = {"op": "restore", "id": frame["id"]}
    try:
        if snapshot_pickles.CloudPickler is None:
            return {**answer, **NO_PACKAGE}
        if fd is None:
            return {**answer, **NO_DESCRIPTOR}
        report = snapshots.load(shell.user_ns if namespace is None else namespace, fd, frame["footer"], shell=shell)
        return listed({**answer, "status": "ok", **report})
    except Damaged as error:
        return {**answer, "status": "failed", "reason": one_line(text_of(error))}
    except BaseException as error:
        return {**answer, "status": "failed", "reason": why_failed(error)}
    finally:
        if fd is not None:
            os.close(fd)
