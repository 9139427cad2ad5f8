"""Accounts that the kernel keeps for a host user or for the machine, and so for all shells together."""

from attacks import Attack

HOLD = r'''
open("running", "w").close()
while True:
    time.sleep(1)
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
