"""Accounts that the kernel keeps for a host user or for the machine, and so for all shells together."""

from attacks import Attack

HOLD = r'''
open("running", "w").close()
while True:
    time.sleep(1)
'''

# Passes a descriptor, and has pipes of the usual size for itself and for a program.
PASSES = r'''
import os, socket
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [0])
passed = socket.recv_fds(b, 1, 1)[1]
print("passed", len(passed))
[os.close(descriptor) for descriptor in passed], a.close(), b.close()
'''
PIPES = r'''
import fcntl, os, subprocess
ends = os.pipe()
print("pipe", fcntl.fcntl(ends[1], 1032), subprocess.run(["cat"], input=b"y" * 300_000, capture_output=True).stdout.count(b"y"))
[os.close(end) for end in ends]
'''

FCNTL = r'''
import fcntl
def command(what, descriptor, number, argument=0):
    attempt(what, lambda: fcntl.fcntl(descriptor, number, argument))
'''

ATTACKS = [
    Attack("takes all watchers of files", r'''
made = 0
while _libc.inotify_init() >= 0:
    made += 1
print("ESCAPED with" if made > 8 else "inotify:", made, os.strerror(ctypes.get_errno()))
''' + HOLD, told=(r"inotify: \d Too many open files", r"[Ss]topped"), stop_at="running", victim=r'''
import ctypes, os
libc = ctypes.CDLL(None)
watcher = libc.inotify_init()
print(watcher >= 0, libc.inotify_add_watch(watcher, b"/workspace", 0x100) >= 0)
os.close(watcher)
''', twin=r'''
watcher = _libc.inotify_init()
print("watches", _libc.inotify_add_watch(watcher, b"/workspace", 0x100))
open("watched", "w").close()
print("told of", os.read(watcher, 4096)[16:23].decode())
os.close(watcher)
''', twin_says=("watches 1", "told of watched")),

    Attack("puts as many descriptors in flight as it can", r'''
held, count = [], 0
try:
    while count < 100_000:
        held.append(socket.socketpair())
        for _ in range(20):
            socket.send_fds(held[-1][0], [b"x"], [0] * 50)
            count += 50
    print("ESCAPED with", count)
except OSError as error:
    print("in flight:", error)
''' + HOLD, told=(r"in flight: .*Too many references", r"[Ss]topped"), stop_at="running", own_users=True,
           victim=PASSES, twin=PASSES, twin_says=("passed 1",)),

    Attack("takes all pages of pipes", r'''
import fcntl
def take(held):
    try:
        while True:
            held.append(os.pipe())
    except OSError:
        pass
for _ in range(10):
    ready = os.pipe()
    if os.fork() == 0:
        take([])
        os.write(ready[1], b"x")
        while True:
            time.sleep(1)
    os.read(ready[0], 1)
size = fcntl.fcntl(os.pipe()[1], 1032)
print("ESCAPED with" if size > 8192 else "its own pipes have", size)
''' + HOLD, told=(r"its own pipes have \d+", r"[Ss]topped"), stop_at="running", own_users=True, victim=PIPES,
           twin=PIPES, twin_says=("pipe 65536 300000",)),

    Attack("becomes another host user", r'''
print("mapped", content("/proc/self/uid_map").split()[::2])
host = int(content("/proc/self/uid_map").split()[1])
for user in {0, 1, host, host - 1, host + 1, 1_900_000_000, 65_534} - {1000}:
    attempt(f"setuid {user}", lambda: os.setuid(user))
    attempt(f"setreuid {user}", lambda: os.setreuid(user, -1))
    attempt(f"setresuid {user}", lambda: os.setresuid(-1, -1, user))
    attempt(f"chown to {user}", lambda: os.chown("/workspace", user, -1))
print("still", os.getresuid(), [line.split()[1:] for line in content("/proc/self/status").splitlines() if b"Uid" in line])
import shutil
shutil.copy("/usr/bin/id", "mine")
os.chmod("mine", 0o6755)
print("program", subprocess.run(["./mine", "-u"], capture_output=True, text=True).stdout)
maps = os.open("/proc/self/uid_map", os.O_WRONLY)
attempt("map again", lambda: os.write(maps, f"0 {host} 1".encode()))
denied("unshare", 0x10000000)
''', told=(r"setuid 0: .*(not permitted|Invalid argument)", r"still \(1000, 1000, 1000\)", r"program 1000",
           r"map again: .*not permitted", r"unshare: .*not permitted"), twin=r'''
os.setresuid(1000, 1000, 1000)
os.chown("/workspace", 1000, -1)
print("its own", os.stat("/workspace").st_uid)
''', twin_says=("its own 1000",)),

    Attack("takes leases of whatever it can reach", FCNTL + r'''
own = open("own.txt", "w")
for name in os.listdir("/proc/self/fd"):
    try:
        kind = os.stat(f"/proc/self/fd/{name}").st_mode
    except OSError:
        continue
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        for lease in (fcntl.F_RDLCK, fcntl.F_WRLCK):
            command("lease", int(name), 1024, lease)
            command("delegation", int(name), 1040, struct.pack("IHH", 0, lease, 0))
command("notice", os.open(".", os.O_RDONLY), 1026, 0x3F)
''' + HOLD, told=(r"lease: .*not permitted", r"notice: .*not permitted", r"[Ss]topped"), stop_at="running",
           twin=FCNTL + r'''
own = open("own.txt", "w")
fcntl.lockf(own, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("locked", fcntl.fcntl(own, fcntl.F_GETFL) & os.O_ACCMODE)
''', twin_says=("locked 1",)),

    Attack("fills the memory for compiled filters", r'''
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
one = bytes.fromhex("06000000ffff0000")
code = ctypes.create_string_buffer(bytes.fromhex("0400000001000000") * 4000 + one)
program = Program(4001, ctypes.cast(code, ctypes.c_void_p).value)
pair = socket.socketpair()
for option in (26, 50, 51, 52):
    attempt(f"option {option}", lambda: pair[0].setsockopt(socket.SOL_SOCKET, option, bytes(program)))
print("prctl:", "ESCAPED" if _libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0 else os.strerror(ctypes.get_errno()))
denied("seccomp", 1, 0, ctypes.byref(program))
''', told=(r"option 26: .*not permitted", r"prctl: Invalid argument", r"seccomp: Function not implemented"), twin=r'''
a, b = socket.socketpair()
a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print("name", _libc.prctl(15, b"honest", 0, 0, 0))
''', twin_says=("name 0",)),

    Attack("opens sockets whose buffers nothing bounds", r'''
for family, kind, protocol in ((2, 1, 262), (2, 5, 132), (10, 5, 132), (2, 2, 136), (2, 6, 33), (16, 3, 0), (38, 5, 0),
                               (30, 1, 0), (40, 1, 0), (17, 3, 0), (29, 3, 1)):
    attempt(f"socket {family} {kind} {protocol}", lambda: socket.socket(family, kind, protocol))
attempt("pair of another family", lambda: socket.socketpair(30, 1))
for option in (7, 8, 32, 33):
    attempt(f"option {option}", lambda: socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, option, 1 << 24))
''', told=(r"socket 2 1 262: .*not supported", r"pair of another family: .*not supported", r"option 7: .*not permitted"),
           twin=r'''
for family in (socket.AF_INET, socket.AF_INET6):
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind(("localhost", 0)); listener.listen()
        client.connect(listener.getsockname()); server, _ = listener.accept()
        payload = os.urandom(8 << 20)
        threading.Thread(target=lambda: (server.sendall(payload), server.close())).start()
        received = b"".join(iter(lambda: client.recv(1 << 20), b""))
        print(family.name, received == payload)
''', twin_says=("AF_INET True", "AF_INET6 True")),
]
