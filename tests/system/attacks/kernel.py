"""Mounts, namespaces, and the corners of the kernel that a shell has no use for."""

from attacks import Attack

HONEST_PROCESSES = r'''
import concurrent.futures, multiprocessing
print("subprocess", subprocess.run(["sh", "-c", "echo $((6*7))"], capture_output=True, text=True).stdout.strip())
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print("threads", sum(pool.map(abs, range(-8, 0))))
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=lambda: queue.put(40 + 2))
child.start(); print("multiprocessing", queue.get()); child.join()
pid = os.fork()
if pid == 0:
    os._exit(7)
print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
'''

HONEST_MEMORY = r'''
import sqlite3, numpy
anonymous = mmap.mmap(-1, 1 << 20)
anonymous[:2] = b"hi"
if os.fork() == 0:
    anonymous[:2] = b"ok"
    os._exit(0)
os.wait()
print("shared memory", bytes(anonymous[:2]))
numpy.memmap("array.bin", dtype="f8", mode="w+", shape=1000)[:] = 1.5
print("file in memory", numpy.memmap("array.bin", dtype="f8").sum())
with sqlite3.connect("own.db") as base:
    base.execute("CREATE TABLE IF NOT EXISTS t(x)"); base.execute("INSERT INTO t VALUES (42)")
print("sqlite", base.execute("SELECT max(x) FROM t").fetchone()[0])
'''

MACHINE_CODE = r'''
def execute(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
'''

ATTACKS = [
    Attack("mounts and leaves its root", r'''
for name, arguments in dict(mount=(b"none", b"/tmp", b"tmpfs", 0, 0), umount2=(b"/proc", 2), pivot_root=(b"/tmp", b"/tmp"),
        chroot=(b"/tmp",), open_tree=(-100, b"/", 1), move_mount=(-1, b"", -100, b"/tmp", 4), fsopen=(b"tmpfs", 0),
        fsmount=(-1, 0, 0), fspick=(-100, b"/", 0), mount_setattr=(-100, b"/", 0x8000, 0, 0)).items():
    denied(name, *arguments)
denied("mount", b"none", b"/", None, 0x20 | 0x1000, None)   # remount, bind: not read-only any more
denied("mount", b"/dev/vda", b"/tmp", b"ext4", 0, None)
handle = (ctypes.c_ubyte * 136)(128)
denied("name_to_handle_at", -100, b"/usr", handle, ctypes.byref(ctypes.c_int()), 0)
denied("open_by_handle_at", -100, handle, 0)
print("mount program:", subprocess.run(["mount", "-t", "tmpfs", "x", "/tmp"], capture_output=True, text=True).stderr.strip())
''', told=(r"mount: Operation not permitted", r"open_by_handle_at: Operation not permitted"),
           twin=HONEST_PROCESSES, twin_says=("subprocess 42", "threads 36", "multiprocessing 42", "fork 7")),

    Attack("changes the memory that every shell starts from", r'''
images = [line.split() for line in open("/proc/self/maps") if "varro-image" in line]
begin, end = (int(part, 16) for part in next(fields for fields in images if fields[1] == "r--p")[0].split("-"))
before = ctypes.string_at(begin, 8192)
def madvise(advice):
    ctypes.set_errno(0)
    return os.strerror(ctypes.get_errno()) if _libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), advice) else None
print("remove:", madvise(9) or "ESCAPED")
attempt("open", lambda: os.open(f"/proc/self/map_files/{begin:x}-{end:x}", os.O_RDWR))
_libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), 3)
ctypes.memset(begin, 88, 4096)
with open("/proc/self/mem", "r+b", buffering=0) as memory:
    memory.seek(begin + 4096); memory.write(b"Y" * 4096)
print("own copy:", ctypes.string_at(begin, 8192) == b"X" * 4096 + b"Y" * 4096)
madvise(4)
print("original:", "as before" if ctypes.string_at(begin, 8192) == before else "ESCAPED")
''', told=(r"remove: (Operation not permitted|Permission denied|Invalid argument)", r"open: .*(permitted|denied|No such)",
            r"own copy: True", r"original: as before"), twin=HONEST_MEMORY, twin_says=("sqlite 42",)),

    Attack("makes and enters namespaces", r'''
flags = dict(mount=0x20000, cgroup=0x2000000, uts=0x4000000, ipc=0x8000000, user=0x10000000, pid=0x20000000, net=0x40000000)
for what, flag in flags.items():
    result, error = syscall("unshare", flag)
    print(f"unshare {what}:", error or "ESCAPED")
    result, error = syscall("clone", flag | signal.SIGCHLD)
    if result == 0:
        os._exit(0)
    print(f"clone {what}:", error or "ESCAPED")
arguments = (ctypes.c_uint64 * 11)(flags["user"], 0, 0, 0, signal.SIGCHLD)
result, error = syscall("clone3", ctypes.byref(arguments), 88)
if result == 0:
    os._exit(0)
print("clone3:", error or "ESCAPED")
for name in ("mnt", "user", "pid", "net"):
    for pid in (1, "self"):
        try:
            descriptor = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        except OSError as error:
            print(f"{pid} {name}: {error}")
        else:
            denied("setns", descriptor, 0)
for program in (["unshare", "-Ur", "id"], ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "id"]):
    try:
        done = subprocess.run(program, capture_output=True, text=True)
        print(program[0], "program:", "ESCAPED" if done.returncode == 0 else done.stderr.strip())
    except OSError as error:
        print(program[0], "program:", error)
''', told=(r"unshare user: Operation not permitted", r"clone user: Operation not permitted",
           r"clone3: Function not implemented|clone3: Operation not permitted"),
           twin=HONEST_PROCESSES, twin_says=("subprocess 42", "threads 36", "multiprocessing 42", "fork 7")),

    Attack("uses keyrings, io_uring, BPF and other corners of the kernel", r'''
text = (ctypes.c_ubyte * 256)()
for name, arguments in dict(add_key=(b"user", b"k", b"v", 1, -3), request_key=(b"user", b"k", None, -3),
        keyctl=(0, -3, 1), io_uring_setup=(8, text), io_uring_enter=(-1, 1, 0, 0, 0, 0), io_uring_register=(-1, 0, 0, 0),
        bpf=(0, text, 128), perf_event_open=(text, 0, -1, -1, 0), userfaultfd=(0x1,), kexec_load=(0, 0, 0, 0),
        init_module=(text, 1, b""), finit_module=(0, b"", 0), delete_module=(b"ext4", 0), reboot=(1, 2, 3),
        sethostname=(b"x", 1), personality=(0x0040000,), memfd_create=(b"x", 0), memfd_secret=(0,), swapon=(b"x", 0),
        shmget=(0, 4096, 0o1600), msgget=(0, 0o1600), semget=(0, 1, 0o1600), clock_settime=(0, text), acct=(b"x",),
        quotactl=(0, b"x", 0, 0), syslog=(3, text, 16), fanotify_init=(0, 0), mlockall=(1,), setuid=(0,),
        vmsplice=(1, text, 1, 0)).items():
    denied(name, *arguments)
''', told=(r"add_key: Operation not permitted", r"io_uring_setup: Operation not permitted", r"bpf: Operation not permitted",
           r"keyctl: Operation not permitted"),
           twin=HONEST_MEMORY, twin_says=("shared memory b'ok'", "file in memory 1500.0", "sqlite 42")),

    Attack("calls the kernel by another ABI", MACHINE_CODE + r'''
print("calling", flush=True)
if platform.machine() != "x86_64":
    print("refused: this machine has one ABI")
else:
    # 32 bit: getpid is 20 there, which the 64-bit filter does not speak of. push rbx; mov eax,20; int 0x80; pop rbx; ret
    print("ESCAPED as", execute(bytes.fromhex("53b814000000cd805bc3")))
''', told=(r"calling", r"system call of a kind|segmentation fault|refused"),
           twin=MACHINE_CODE + r'''
if platform.machine() == "x86_64":
    print("compiled at run time:", execute(bytes.fromhex("b82a000000c3")))
else:
    print("compiled at run time: 42")
''', twin_says=("compiled at run time: 42",)),

    Attack("calls the kernel by x32 numbers", r'''
print("calling", flush=True)
result, error = syscall(0x40000000 + 39) if platform.machine() == "x86_64" else (-1, "refused")
print("x32 getpid:", error or f"ESCAPED with {result}")
''', told=(r"calling", r"system call of a kind|Function not implemented|not permitted|refused"),
           twin="print('pid', syscall(39)[0] > 0)", twin_says=("pid True",)),

    Attack("types into terminals", r'''
import fcntl
for number in (0, 1, 2):
    for what, request in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C)):
        attempt(f"{what} on {number}", lambda: fcntl.ioctl(number, request, b"x"))
attempt("controlling terminal", lambda: os.open("/dev/tty", os.O_RDWR))
''', told=(r"TIOCSTI on 0: .*(not permitted|Inappropriate)", r"controlling terminal: .*(No such|denied)"),
           twin='print("is a terminal:", os.isatty(0))', twin_says=("is a terminal: False",)),
]
