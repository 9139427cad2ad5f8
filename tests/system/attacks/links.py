"""What a workspace may hold to lead the server's own hands elsewhere."""

HONEST = r'''
os.makedirs("sub", exist_ok=True)
for path in ("own.txt", "sub/own.txt"):
    with open(path, "w") as file:
        file.write("own text")
'''

# What a cell makes, and the path below the workspace that is then asked for.
DOWNLOADS = [
    ("a link to a file of the host", "os.symlink('@HOST@/host.txt', 'link')", "link"),
    ("a link to the database", "os.symlink('@DATA@/varro.db', 'link.db')", "link.db"),
    ("a relative link out", "os.symlink('../@OTHER@/secret.txt', 'link.txt')", "link.txt"),
    ("a file behind a linked directory", "os.symlink('../@OTHER@', 'directory')", "directory/secret.txt"),
    ("a file behind a linked root", "os.symlink('/', 'root')", "root@HOST@/host.txt"),
    ("a link to proc", "os.symlink('/proc/self/environ', 'environ')", "environ"),
    ("a link by proc", "os.symlink('/proc/self/cwd/varro.db', 'magic')", "magic"),
    ("a link to its own file", "os.symlink('own.txt', 'alias')", "alias"),
    ("a loop of links", "os.symlink('loop', 'loop')", "loop"),
    ("a pipe that nobody writes to", "os.mkfifo('pipe')", "pipe"),
    ("a socket", "socket.socket(socket.AF_UNIX).bind('sock')", "sock"),
    ("a directory", "os.makedirs('folder', exist_ok=True)", "folder"),
    ("a path with dots", "pass", "../@OTHER@/secret.txt"),
    ("a path with dots inside", "pass", "sub/../../@OTHER@/secret.txt"),
    ("an absolute path", "pass", "@HOST@/host.txt"),
    ("a name with a zero byte", "pass", "own.txt\0.png"),
]

# Names that a list has to show as text; what they would do to a page or a terminal is in them.
NAMES = ["<script>alert(1).csv", "\"><img src=x onerror=alert(1)>.csv", "quote'&amp;.txt", "line\nbreak.txt", "\x1b[2Jclear.txt",
         "right\u202eto.left", "x" * 255, "percent%2e%2e%2fx.txt", " blank "]

STRANGE_NAMES = HONEST + r'''
for name in @NAMES@:
    with open(name, "w") as file:
        file.write("strange")
with open(b"not utf-8 \xff\xfe.txt", "w") as file:
    file.write("strange")
os.symlink("/", "root"); os.symlink("..", "up"); os.symlink("@HOST@", "host"); os.mkfifo("pipe")
deep = "."
for n in range(60):
    deep += "/d"
    os.mkdir(deep)
'''

# The file and a link to the secret change places as fast as they can.
RACE = HONEST + r'''
with open("swap.txt", "w") as file:
    file.write("own text")
os.symlink("@HOST@/host.txt", "link")
os.makedirs("place", exist_ok=True)
with open("place/host.txt", "w") as file:
    file.write("own text")
os.symlink("@HOST@", "place-link")
libc = ctypes.CDLL(None)
open("running", "w").close()
while True:
    libc.renameat2(-100, b"swap.txt", -100, b"link", 2)
    libc.renameat2(-100, b"place", -100, b"place-link", 2)
'''

# What stands where an upload is about to be written.
UPLOADS = [
    ("a link to a file of the host", "os.symlink('@HOST@/host.txt', 'data.csv')"),
    ("a link to a file that is not there", "os.symlink('@DATA@/planted.txt', 'data.csv')"),
    ("a link to another workspace", "os.symlink('../@OTHER@/secret.txt', 'data.csv')"),
    ("a pipe", "os.mkfifo('data.csv')"),
    ("a hard link to its own file", "os.link('own.txt', 'data.csv')"),
]

# One chat opens every door that it has, the other one knocks at the same doors.
DOORS = r'''
import os, socket
doors = {"port": (socket.AF_INET, ("127.0.0.1", 45678)), "abstract": (socket.AF_UNIX, "\0varro-door"),
         "tmp": (socket.AF_UNIX, "/tmp/door"), "workspace": (socket.AF_UNIX, "/workspace/door")}
shared = "/dev/shm/shared-door" if os.path.isdir("/dev/shm") else "/tmp/shared-door"
'''
LISTENING = DOORS + r'''
held = []
for family, address in doors.values():
    held.append(socket.socket(family))
    held[-1].bind(address), held[-1].listen(8)
open(shared, "w").close()
'''
REACHING = DOORS + r'''
for name, (family, address) in doors.items():
    with socket.socket(family) as client:
        try:
            client.connect(address)
            print(name, "REACHED")
        except OSError:
            print(name, "alone")
print("memory", "REACHED" if os.path.exists(shared) else "alone")
'''

DAEMON = r'''
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        os.execvp("sleep", ["sleep", "@NUMBER@"])
    os._exit(0)
os.wait()
'''
