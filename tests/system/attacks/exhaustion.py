"""Memory, disk, output and the stack."""

from attacks import Attack

ATTACKS = [
    Attack("a memory bomb of one process", r'''
held = []
while True:
    held.append(bytearray(b"x") * (64 << 20))
    if len(held) > @MEMORY_MIB@ // 64:
        print("ESCAPED: holds", len(held) * 64, "MiB")
        break
''', told=(r"MemoryError|killed.*memory|memory.*killed|memory ran out",), twin=r'''
import numpy
print("an array of", numpy.ones(25_000_000).nbytes)
''', twin_says=("an array of 200000000",)),

    Attack("a memory bomb of many processes", r'''
open("running", "w").close()
for _ in range(6):
    if os.fork() == 0:
        held = bytearray(b"x") * (@MEMORY_MIB@ * 2 // 5 << 20)
        while True:
            time.sleep(1)
print("all are running", flush=True)
time.sleep(6)
held = [int(content(f"/proc/{name}/statm").split()[1]) * 4096 for name in os.listdir("/proc") if name.isdigit()]
print("ESCAPED: together", sum(held) >> 20, "MiB" if sum(held) > @MEMORY_MIB@ << 20 else "")
''', told=(r"memory",), twin=r'''
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    print("pool", sum(pool.map(len, [bytes(10 << 20)] * 4)) >> 20)
''', twin_says=("pool 40",)),

    Attack("hides memory in shared mappings, pipes and sockets", r'''
held = []
def fill(what, one, most):
    count = 0
    try:
        for count in range(most):
            held.append(one())
        print(f"{what}: {count + 1} of them")
    except Exception as error:
        print(f"{what}: {error} after {count}")
def shared():
    area = mmap.mmap(-1, 128 << 20)
    for at in range(0, len(area), 4096):
        area[at] = 1
    return area
def pipe():
    import fcntl
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[1], 1031, 1 << 20)
        print("ESCAPED: a larger pipe")
    except OSError:
        pass
    os.set_blocking(ends[1], False)
    try:
        while True:
            os.write(ends[1], b"x" * 65536)
    except BlockingIOError:
        return ends
fill("shared mappings", shared, @MEMORY_MIB@ // 128 + 1)
held.clear()
fill("pipes", pipe, 2000)
held.clear()
''', told=(r"shared mappings: .*(memory|after)", r"pipes: .*Too many open files"),
           twin="print(len(mmap.mmap(-1, 64 << 20)) >> 20, 'MiB shared')", twin_says=("64 MiB shared",)),

    Attack("fills tmp", r'''
for directory in ("/tmp", "/dev/shm"):
    written, files = 0, 0
    try:
        while written < 4 * @TMP_MIB@ << 20:
            with open(f"{directory}/fill{files}", "wb", buffering=0) as file:
                for _ in range(8):
                    written += file.write(b"x" * (1 << 20))
            files += 1
        print(f"{directory}: ESCAPED with {written >> 20} MiB")
    except OSError as error:
        print(f"{directory}: {error.strerror} after {written >> 20} MiB")
''', told=(r"/tmp: No space left on device after \d+ MiB", r"/dev/shm: (No space left|No such file|Permission denied|Read-only)"),
           twin=r'''
open("/tmp/most", "wb").write(b"x" * (@TMP_MIB@ * 3 // 4 << 20))
print("wrote", os.path.getsize("/tmp/most") >> 20); os.remove("/tmp/most")
''', twin_says=("wrote @TMP_MOST@",)),

    Attack("thousands of files in tmp", r'''
count = 0
try:
    while count < 300_000:
        open(f"/tmp/{count}", "w").close()
        count += 1
    print("ESCAPED with", count)
except OSError as error:
    print(f"{error.strerror} after {count}")
''', told=(r"No space left on device after \d+",), twin=r'''
for n in range(500):
    open(f"/tmp/few{n}", "w").close()
print("made", len([name for name in os.listdir("/tmp") if name.startswith("few")]))
''', twin_says=("made 500",)),

    Attack("a file without an end", r'''
def write():
    with open("huge", "wb", buffering=0) as file:
        for _ in range(4 * @FILE_MIB@):
            file.write(b"x" * (1 << 20))
def sparse():
    with open("sparse", "wb") as file:
        file.truncate(1 << 42)
def allocate():
    with open("allocated", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 1 << 40)
attempt("write", write), attempt("sparse", sparse), attempt("allocate", allocate)
print("size", os.path.getsize("huge") <= @FILE_MIB@ << 20)
os.remove("huge")
''', told=(r"write: .*(File too large|quota|No space)", r"sparse: .*(too large|quota)", "size True"), twin=r'''
open("data.bin", "wb").write(b"x" * (10 << 20)); print("wrote", os.path.getsize("data.bin"))
''', twin_says=("wrote 10485760",)),

    Attack("fills its workspace", r'''
count = 0
try:
    while count << 20 < 2 * @WORKSPACE_MIB@ << 20:
        with open(f"part{count}", "wb") as file:
            file.write(b"x" * (8 << 20))
        count += 8
    print("wrote", count, "MiB")
except OSError as error:
    print("refused:", error)
''', told=(r"(?i)workspace.*(quota|limit|full|large|MiB|bytes)",), twin=r'''
open("data.bin", "wb").write(b"x" * (10 << 20)); print("wrote", os.path.getsize("data.bin"))
''', twin_says=("wrote 10485760",)),

    Attack("thousands of files in its workspace", r'''
count = 0
try:
    while count < 30_000:
        open(f"file{count}", "w").close()
        count += 1
except OSError as error:
    print("refused:", error)
print("made", count)
''', told=(r"(?i)workspace.*quota.*files",), twin=r'''
for n in range(200):
    open(f"few{n}", "w").close()
print("made", len([name for name in os.listdir(".") if name.startswith("few")]))
''', twin_says=("made 200",)),

    Attack("renames thousands of directories while they are measured", r'''
count = 4500
for n in range(count):
    os.makedirs(f"d{n % 50}/e{n}")
turns, end = 0, time.monotonic() + 5
while time.monotonic() < end:
    n = turns % count
    os.rename(f"d{n % 50}/e{n}", f"d{n % 50}/f{n}")
    os.rename(f"d{n % 50}/f{n}", f"d{n % 50}/e{n}")
    turns += 1
print("turned", turns > 1000)
''', told=("turned True",), twin=r'''
os.makedirs("one/two")
os.rename("one", "three")
print("renamed", os.listdir("three"))
''', twin_says=("renamed ['two']",)),

    Attack("prints 1 GB", r'''
line = "x" * (1 << 20)
for n in range(1024):
    print(n, line)
print("the end")
''', told=(r"\[\d{9,} bytes left out\]", r"the end"), twin="print('y' * 1000)\nprint('the end')", twin_says=("y" * 1000, "the end")),

    Attack("floods its descriptors with 1 GB", r'''
block = b"\xff\0<script>" * (1 << 16)
for n in range(1 << 30 >> 19):
    os.write(1 + n % 2, block)
subprocess.run("yes | head -c 300M; echo the end", shell=True)
''', told=(r"\[\d{8,} bytes left out\]", r"the end"), twin="os.write(1, b'plain bytes \\xff')", twin_says=("plain bytes",)),

    Attack("floods displays and errors", r'''
from IPython.display import HTML, Image, Markdown, display
class Loud:
    def __repr__(self):
        return "loud " * 1000
for n in range(3000):
    display(Loud())
import base64
pixel = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
for n in range(1000):
    display(Image(pixel))
for n in range(1000):
    get_ipython().showtraceback((ValueError, ValueError("loud " * 1000), None))
print("the end")
''', told=(r"loud", r"left out|more output than the limits"),
           twin="from IPython.display import display\ndisplay(1, 'two')", twin_says=("1", "two")),

    Attack("shows values that are too large or do not end", r'''
import pandas
class Endless:
    def __repr__(self):
        return "e" * (20 << 20)
class Liar:
    def __repr__(self):
        return 42
print(len(repr(Endless())))
display(Endless()), display(Liar()), display(pandas.DataFrame({"a": range(3_000_000)}))
display({n: "v" * 1000 for n in range(20_000)})
nested = []
for _ in range(200_000):
    nested = [nested]
try:
    display(nested)
except RecursionError as error:
    print("deep:", error)
del nested
raise ValueError("m" * (20 << 20))
''', told=(r"left out", r"ValueError|more output than the limits"), twin="{'a': [1, 2]}", twin_says=("{'a': [1, 2]}",)),

    Attack("recurses without an end", r'''
def down(n):
    return down(n + 1)
attempt("function", lambda: down(0))
attempt("source", lambda: eval("(" * 100_000 + ")" * 100_000))
attempt("operators", lambda: eval("-" * 200_000 + "1"))
down(0)
''', told=(r"function: maximum recursion depth exceeded", r"RecursionError"), twin=r'''
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
print("depth", depth(900))
''', twin_says=("depth 900",)),

    Attack("recurses until the stack ends", r'''
sys.setrecursionlimit(1 << 30)
class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x"[:0])
print("falling", flush=True)
import functools
f = lambda x: x
for _ in range(500_000):
    f = functools.partial(f)
Deep().x
''', told=(r"segmentation fault|RecursionError|MemoryError|killed|signal",), twin="print(sys.getrecursionlimit() >= 1000)",
           twin_says=("True",)),

    Attack("opens everything that it can", r'''
held = []
try:
    while True:
        held.append(socket.socketpair())
except OSError as error:
    print("ESCAPED" if len(held) > 5000 else "refused:", error)
''', told=(r"Too many open files",), twin=r'''
held = [open("/dev/null") for _ in range(200)]
print("opened", len(held)); [f.close() for f in held]
''', twin_says=("opened 200",)),
]
