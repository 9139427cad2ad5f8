"""Signals, tracing, floods of processes, and cells that do not want to end."""

from attacks import Attack

HONEST_CHILD = r'''
child = subprocess.Popen(["sleep", "60"])
child.send_signal(signal.SIGSTOP), child.send_signal(signal.SIGCONT), child.terminate()
print("own child ended with", child.wait())
try:
    signal.signal(signal.SIGALRM, lambda *_: print("own alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.01); signal.pause()
finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
'''

STILL_WORKS = 'print("threads left", threading.active_count() < 20, sum(range(10)))'

ATTACKS = [
    Attack("signals pid 1 and processes of the host", r'''
ignored = refused = 0
for number in range(1, 65):
    try:
        os.kill(1, number)
        ignored += 1
    except OSError:
        refused += 1
print(f"pid 1: {ignored} signals ignored, {refused} refused, still there: {os.path.exists('/proc/1')}")
for pid in (@PID@, @PID@ + 1, 2**22 - 1):
    attempt(f"kill {pid}", lambda: os.kill(pid, signal.SIGKILL))
attempt("group of the host", lambda: os.killpg(@PID@, signal.SIGKILL))
''', told=(r"pid 1: \d+ signals ignored, \d+ refused, still there: True|Python process",
           r"kill @PID@: .*No such process|Python process"),
           twin=HONEST_CHILD, twin_says=("own child ended with -15", "own alarm")),

    Attack("signals everyone", r'''
print("killing all", flush=True)
for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
    try:
        os.kill(-1, number)
    except OSError as error:
        print("everyone else:", error)
print("over")
''', told=(r"over|Python process",), twin=HONEST_CHILD, twin_says=("own child ended with -15",)),

    Attack("traces and reads processes", r'''
child = subprocess.Popen(["sleep", "60"])
for pid in (1, child.pid, os.getpid()):
    denied("ptrace", 16, pid, 0, 0)
    denied("ptrace", 0x4206, pid, 0, 0)
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    denied("process_vm_readv", pid, local, 1, local, 1, 0)
    denied("process_vm_writev", pid, local, 1, local, 1, 0)
    denied("kcmp", pid, os.getpid(), 2, 0, 0)
    descriptor, error = syscall("pidfd_open", pid)
    denied("pidfd_getfd", descriptor, 0, 0)
denied("ptrace", 0)
child.kill(); child.wait()
''', told=(r"ptrace: Operation not permitted", r"process_vm_readv: Operation not permitted",
           r"pidfd_getfd: Operation not permitted"),
           twin=HONEST_CHILD, twin_says=("own child ended with -15",)),

    Attack("raises its priority", r'''
attempt("nice", lambda: os.nice(-5))
attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
import resource
for name in ("RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    which = getattr(resource, name)
    hard = resource.getrlimit(which)[1]
    attempt(f"raise {name}", lambda: "no limit at all" if hard == -1 else resource.setrlimit(which, (hard, hard + 1)))
''', told=(r"nice: .*(not permitted|denied)", r"real time: .*not permitted", r"raise RLIMIT_NOFILE: .*not (permitted|allowed)"),
           twin='print("nicer", os.nice(1) >= 1)', twin_says=("nicer True",)),

    Attack("a fork bomb", r'''
def bomb():
    while True:
        try:
            if os.fork() == 0:
                pass
        except OSError as error:
            if os.getpid() == first and not said:
                said.append(print("fork:", error, flush=True))
                open("running", "w").close()
first, said = os.getpid(), []
bomb()
''', told=(r"fork: .*Resource temporarily unavailable", r"[Ss]topped|killed"), stop_at="running",
           twin=r'''
children = [os.fork() or os._exit(n) for n in range(8)]
print("children", sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
''', twin_says=("children [0, 1, 2, 3, 4, 5, 6, 7]",)),

    Attack("a flood of threads", r'''
gate, started = threading.Event(), []
try:
    while True:
        threading.Thread(target=gate.wait, daemon=True).start()
        started.append(1)
except Exception as error:
    print("ESCAPED" if len(started) > 2000 else "refused:", error)
finally:
    gate.set()
''', told=(r"refused: .*can't (start|allocate)|MemoryError|Python process",), twin=r'''
found = []
threads = [threading.Thread(target=found.append, args=(n,)) for n in range(20)]
[t.start() for t in threads], [t.join() for t in threads]
print("threads", sorted(found) == list(range(20)))
''', twin_says=("threads True",)),

    Attack("ignores its interrupt", r'''
signal.signal(signal.SIGINT, signal.SIG_IGN)
open("running", "w").close()
while True:
    pass
''', told=(r"did not end within .* of being interrupted, and its shell was killed", r"variables are gone"),
           stop_at="running", twin="kept = 'state'\nprint('kept')", twin_says=("kept",)),

    Attack("blocks and swallows its interrupt", r'''
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
open("running", "w").close()
while True:
    try:
        while True:
            time.sleep(0.01)
    except BaseException:
        pass
''', told=(r"shell was killed", r"variables are gone"), stop_at="running",
           twin="print('handler', callable(signal.getsignal(signal.SIGINT)))", twin_says=("handler True",)),

    Attack("stops itself", r'''
open("running", "w").close()
os.kill(os.getpid(), signal.SIGSTOP)
print("went on")
''', told=(r"shell was killed|went on|[Ss]topped",), stop_at="running", twin="print('fine')", twin_says=("fine",)),

    Attack("takes what the kernel counts for a user, not for a process", r'''
import resource
held = []
def take(what, one, most):
    count = 0
    try:
        while count < most:
            held.append(one())
            count += 1
        print(f"{what}: {count}")
    except OSError as error:
        print(f"{what}: {error} after {count}")
a, b = socket.socketpair()
null = os.open("/dev/null", os.O_RDONLY)
b.setblocking(False), a.setblocking(False)
take("descriptors in flight", lambda: socket.send_fds(a, [b"x"], [null] * 100), 100)
inotify = {"x86_64": 294, "aarch64": 26}[platform.machine()]
def instance():
    result, error = syscall(inotify, 0)
    if error:
        raise OSError(error)
take("inotify instances", instance, 400)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
_libc.pthread_sigqueue.argtypes = [ctypes.c_ulong, ctypes.c_int, ctypes.c_void_p]
def queue():
    error = _libc.pthread_sigqueue(threading.get_ident(), signal.SIGRTMIN, None)
    if error != 0:
        raise OSError(os.strerror(error))
take("queued signals", queue, 200_000)
import fcntl
locks = open("locks", "w+b")
take("locks", lambda: fcntl.lockf(locks, fcntl.LOCK_EX, 1, len(held) * 2), 20_000)
open("running", "w").close()
while True:
    time.sleep(1)
''', told=(r"descriptors in flight: ", r"[Ss]topped"), stop_at="running", twin=r'''
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [1, 2])
print("passed", len(socket.recv_fds(b, 1, 4)[1]))
''', twin_says=("passed 2",)),

    Attack("keeps both processors busy", r'''
children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
open("running", "w").close()
while True:
    pass
''', told=(r"[Ss]topped",), stop_at="running", twin=r'''
print("worked", subprocess.run([sys.executable, "-c", "print(sum(range(10**6)))"], capture_output=True, text=True).stdout)
''', twin_says=("worked 499999500000",)),

    Attack("exits", "print('bye', flush=True)\nos._exit(3)", told=(r"bye", r"exit code 3", r"variables are gone"),
           twin="import atexit\natexit.register(print)\nprint('registered')", twin_says=("registered",)),
    Attack("aborts", "print('bye', flush=True)\nos.abort()", told=(r"aborted|signal 6", r"variables are gone"),
           twin=STILL_WORKS, twin_says=("threads left True 45",)),
    Attack("kills itself", "print('bye', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)",
           told=(r"was killed", r"variables are gone"), twin=STILL_WORKS, twin_says=("threads left True 45",)),
    Attack("crashes", "print('bye', flush=True)\nctypes.string_at(8)", told=(r"segmentation fault", r"variables are gone"),
           twin="print(ctypes.string_at(b'pointer'))", twin_says=("b'pointer'",)),
]
