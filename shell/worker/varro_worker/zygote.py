"""The warm interpreter: imports once what shells need, then forks a shell for each request.

CONTROL is a SOCK_SEQPACKET socket to varro-shells, one JSON object a message:
  to here    {"op":"start","shell":N,"workspace":PATH,"user":UID,"less_memory":BYTES} with the shell's stream socket
             and, where it has a host user of its own (UID), its workspace as a mount; less_memory: than the limit says
  from here  {"op":"ready","python":VERSION,"problems":[{"package","error"}]}
             {"op":"started","shell":N,"pid":PID} with pidfds of the shell's first process and of its Python
             {"op":"failed","shell":N,"why":TEXT}
             {"op":"ended","shell":N,"status":WAIT_STATUS}
SETTINGS: {"preload":[PACKAGE…],"limits":{…},"skip":{PACKAGE:REASON},"library":PATH of shell/entry,
"sandbox":null or {"init","filter" (paths),"shown":[DIRECTORY…],"users":null or the descriptor of a user namespace}}.
All shells are copies of this process, so it holds no secret and nothing of any chat.
"""
import ctypes
import errno
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import traceback

import varro_worker
from varro_worker import library

MESSAGE_BYTES_MAX = 64 << 10
PR_SET_PDEATHSIG = 1
SHELL_USER = 1000  # inside
PASSING = (errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM)  # of a send
RETRY_MS = 100  # until it is tried again

# Of the standard library: what most chats use, and what must be refreshed after a fork.
STANDARD = ("asyncio", "collections", "csv", "datetime", "decimal", "itertools", "math", "multiprocessing", "pathlib",
            "random", "re", "sqlite3", "ssl", "statistics", "tempfile", "urllib.request", "uuid", "zoneinfo")


def import_everything():
    """All of the worker's own modules: its archive cannot be read from inside a shell."""
    for module in pkgutil.iter_modules(varro_worker.__path__):
        importlib.import_module(f"varro_worker.{module.name}")


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("program", ctypes.c_char_p)]


class Plan(ctypes.Structure):
    """varro_entry_plan of shell/entry/entry.h."""

    _fields_ = [("shown", ctypes.POINTER(ctypes.c_char_p)), ("links", ctypes.POINTER(ctypes.c_char_p)),
                ("workspace", ctypes.c_char_p), ("kept", ctypes.POINTER(ctypes.c_int32)),
                ("filter", ctypes.POINTER(Filter)),
                *((name, ctypes.c_uint64) for name in ("tmp_bytes", "file_bytes", "address_bytes", "open_files",
                                                       "processes")),
                *((name, ctypes.c_uint32) for name in ("kept_count", "uid_inside", "gid_inside", "uid_outside",
                                                       "gid_outside")),
                *((name, ctypes.c_int32) for name in ("init", "report", "mount"))]


class Result(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in ("init_pid", "init_pidfd", "python_pid", "python_pidfd")]


def texts(values):
    return (ctypes.c_char_p * (len(values) + 1))(*(os.fsencode(value) for value in values), None)


def address_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def thread_count():
    return len(os.listdir("/proc/self/task"))


class Started:
    """A shell as the warm interpreter knows it."""

    def __init__(self, shell, pid, pidfd):
        self.shell, self.pid, self.pidfd = shell, pid, pidfd


class SandboxEntry:
    """Forks into a sandbox, by shell/entry."""

    def __init__(self, settings, limits):
        self.init = os.open(settings["init"], os.O_RDONLY | os.O_CLOEXEC)
        with open(settings["filter"], "rb") as file:
            program = file.read()
        self.filter = Filter(len(program) // 8, program)
        if settings["users"] is not None:
            os.closerange(settings["users"], settings["users"] + 1)  # bubblewrap is in it
        links = [(os.readlink(path), path) for path in self.system_paths() if os.path.islink(path)]
        shown = [path for path in self.system_paths() if not os.path.islink(path)] + settings["shown"]
        self.shown, self.links = texts(shown), texts([text for pair in links for text in pair])
        kept = list(library_descriptors())
        self.kept_libraries = kept
        self.plan = Plan(
            shown=self.shown, links=self.links, filter=ctypes.pointer(self.filter), tmp_bytes=limits["tmp_bytes"],
            file_bytes=limits["file_bytes"], open_files=limits["open_files"], processes=limits["processes"],
            uid_inside=SHELL_USER, gid_inside=SHELL_USER, gid_outside=os.getgid(), init=self.init)
        self.memory_bytes, self.address_bytes = limits["memory_bytes"], 0

    def settle(self):
        """Makes the image of the memory that shells start from (shell/entry/image.h); the last step of warming up."""
        moved = library.loaded.varro_image_make()
        if moved < 0:
            warn(f"shells will need more memory, because no image could be made: {os.strerror(-moved)}")
        self.address_bytes = address_bytes() + self.memory_bytes

    @staticmethod
    def system_paths():
        names = ("usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
        return [f"/{name}" for name in names if os.path.lexists(f"/{name}")]

    def fork(self, request, stream, mount=-1):
        """None in the shell, else what started and its Python's pidfd."""
        plan, result = self.plan, Result(-1, -1, -1, -1)
        reading, writing = os.pipe()
        kept = sorted([*self.kept_libraries, stream, writing])
        kept_numbers = (ctypes.c_int32 * len(kept))(*kept)
        plan.workspace, plan.report = os.fsencode(request["workspace"]), writing
        plan.uid_outside, plan.mount = request.get("user", os.getuid()), mount
        plan.kept, plan.kept_count = kept_numbers, len(kept)
        plan.address_bytes = self.address_bytes - request.get("less_memory", 0)
        ctypes.pythonapi.PyOS_BeforeFork()
        code = library.loaded.varro_enter(ctypes.byref(plan), ctypes.byref(result))
        if code == 1:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            return None
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        os.close(writing)
        with open(reading, "rb") as report:
            problem = report.read(1024).decode(errors="replace")  # until the sandbox is shut
        if code < 0 or problem:
            if result.init_pidfd >= 0:
                signal.pidfd_send_signal(result.init_pidfd, signal.SIGKILL)
                os.close(result.init_pidfd)
                os.waitpid(result.init_pid, 0)
            if result.python_pidfd >= 0:
                os.close(result.python_pidfd)
            raise OSError(problem or os.strerror(-code))
        return Started(request["shell"], result.init_pid, result.init_pidfd), result.python_pidfd


class PlainEntry:
    """Forks without any isolation, for sandbox = false."""

    def __init__(self, limits):
        self.limits = limits
        self.address_bytes = address_bytes() + limits["memory_bytes"]
        self.kept_libraries = list(library_descriptors())
        self.prctl = ctypes.CDLL(None).prctl

    def settle(self):
        pass

    def fork(self, request, stream):
        pid = os.fork()
        if pid != 0:
            pidfd = os.pidfd_open(pid)
            return Started(request["shell"], pid, pidfd), os.dup(pidfd)
        self.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.setsid()
        os.umask(0o077)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        previous = 2
        for kept in sorted([*self.kept_libraries, stream]):
            os.closerange(previous + 1, kept)
            previous = kept
        os.closerange(previous + 1, 1 << 20)
        for name, value in (("CORE", 0), ("FSIZE", self.limits["file_bytes"]), ("NOFILE", self.limits["open_files"]),
                            ("AS", self.address_bytes - request.get("less_memory", 0))):
            kind = getattr(resource, f"RLIMIT_{name}")
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
        workspace = request["workspace"]
        os.chdir(workspace)
        os.environ.update(HOME=workspace, XDG_CACHE_HOME=f"{workspace}/.cache", IPYTHONDIR=f"{workspace}/.ipython",
                          MPLCONFIGDIR=f"{workspace}/.matplotlib")
        return None


def warn(text):
    os.write(2, f"{text[:1000]}\n".encode())


def library_descriptors():
    """Files that libraries keep open and go on reading, such as matplotlib's fonts."""
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            path = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        prefixes = ("/usr/", os.path.join(sys.prefix, ""), os.path.join(sys.base_prefix, ""))
        if number > 2 and path.startswith(prefixes) and os.path.isfile(path):
            yield number


def refresh():
    """What two copies of one process must not share."""
    import multiprocessing.process
    import ssl
    import tempfile

    # Two shells have the same pid, each in its namespace, which is what OpenSSL would tell copies apart by.
    ssl.RAND_add(os.urandom(64), 64.0)
    multiprocessing.process.current_process().authkey = os.urandom(32)
    tempfile._name_sequence = None
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "uuid" in sys.modules:
        sys.modules["uuid"]._last_timestamp = None


class Zygote:
    def __init__(self, control, settings):
        self.control = socket.socket(fileno=control)
        self.settings = settings
        self.environment, self.environment_data = dict(os.environ), dict(os.environ._data)
        self.problems = []
        self.shells = {}  # by the number of the pidfd
        self.unsent = []

    def preload(self):
        skip = self.settings["skip"]
        self.problems += [{"package": package, "error": reason} for package, reason in skip.items()]
        for package in (*STANDARD, *self.settings["preload"]):
            if package in skip:
                continue
            try:
                importlib.import_module(package)
            except Exception as error:  # of the package's own code
                self.problems.append({"package": package, "error": f"{type(error).__name__}: {error}"[:500]})
            if thread_count() > 1:
                # A copy of a process with threads can hang in a lock that nobody holds any more.
                self.start_again_without(package)

    def start_again_without(self, package):
        skip = {**self.settings["skip"], package: "it starts threads when it is imported, which cannot be forked"}
        settings = json.dumps({**self.settings, "skip": skip})
        os.set_inheritable(self.control.fileno(), True)
        archive = sys.argv[0]
        os.execv(sys.executable, [sys.executable, "-I", "-B", archive, str(self.control.fileno()), settings])

    def warm(self):
        from .warm import exercise, rehearse
        from .worker import Worker

        library.load(self.settings["library"])
        self.worker = Worker()
        self.preload()
        exercise(self.worker, self.problems)
        if thread_count() > 1:
            raise SystemExit("the warm interpreter has threads, although no single package starts them")
        try:
            rehearse(self.worker)
        except Exception as error:  # some package does what no shell of ours has done yet
            warn(f"shells will need more memory, because their rehearsal failed: {type(error).__name__}: {error}")
        limits, sandbox = self.settings["limits"], self.settings["sandbox"]
        self.entry = SandboxEntry(sandbox, limits) if sandbox else PlainEntry(limits)
        refresh()  # what this sets up at its first time is set up here
        gc.collect()
        gc.freeze()
        ctypes.CDLL(None).malloc_trim(0)
        self.entry.settle()

    def send(self, message, descriptors=()):
        """Later, when the kernel has no room for it now: other programs use up the same accounts, and to end for that
        would end all shells."""
        data = json.dumps(message).encode()
        if self.unsent or not self.is_sent(data, descriptors):
            self.unsent.append((data, [os.dup(descriptor) for descriptor in descriptors]))

    def is_sent(self, data, descriptors):
        try:
            socket.send_fds(self.control, [data], descriptors)
        except OSError as error:
            if error.errno not in PASSING:
                raise
            return False
        return True

    def flush(self):
        while self.unsent and self.is_sent(*self.unsent[0]):
            for descriptor in self.unsent.pop(0)[1]:
                os.close(descriptor)

    def start(self, request, stream, *mount):
        shell = request["shell"]
        try:
            made = self.entry.fork(request, stream, *mount)
        except OSError as error:
            self.send({"op": "failed", "shell": shell, "why": str(error)})
            return
        if made is None:
            self.become_shell(stream)
        started, python = made
        self.shells[started.pidfd] = started
        self.ended.register(started.pidfd, select.POLLIN)
        self.send({"op": "started", "shell": shell, "pid": started.pid}, [started.pidfd, python])
        os.close(python)

    def become_shell(self, stream):
        try:
            if self.settings["sandbox"] and os.environ._data != self.environment_data:
                os.environ.clear()
                os.environ.update(self.environment)
            refresh()
            self.worker.bind(stream)
            self.worker.serve()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        os._exit(70)

    def reap(self, pidfd):
        started = self.shells.pop(pidfd)
        self.ended.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(started.pid, 0)
        self.send({"op": "ended", "shell": started.shell, "status": status})

    def serve(self):
        self.ended = select.poll()  # epoll has an account of the host user, which others may have used up
        control = self.control.fileno()
        self.ended.register(control, select.POLLIN)
        self.send({"op": "ready", "python": sys.version.split()[0], "problems": self.problems})
        while True:
            for number, _ in self.ended.poll(RETRY_MS if self.unsent else None):
                if number != control:
                    self.reap(number)
                    continue
                data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES_MAX, 4)
                if not data:
                    return
                request = json.loads(data)
                if descriptors:
                    self.start(request, *descriptors)
                else:
                    self.send({"op": "failed", "shell": request["shell"], "why": "no descriptors are left"})
                for descriptor in descriptors:
                    os.close(descriptor)
            self.flush()


def main(control, settings):
    zygote = Zygote(control, settings)
    zygote.warm()
    zygote.serve()
    os._exit(0)
