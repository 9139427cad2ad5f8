"""Cells that write beyond their workspace's quota where a look at it does not find them.

WRITE(name) writes a file of 8 MiB; with a pause it is a program that goes on for some seconds.
"""

import dataclasses

from attacks import Attack

WRITER = r'''
def WRITE(name, pause=0.02):
    with open(name, "wb", buffering=0) as file:
        file.write(b"x" * (8 << 20))
    time.sleep(pause)
'''
QUOTA = r"(?i)quota"
HONEST = r'''
for n in range(3):
    WRITE(f"part{n}")
print("wrote", sum(os.path.getsize(f"part{n}") for n in range(3)) >> 20)
for n in range(3):
    os.remove(f"part{n}")
'''
HONEST_SAYS = ("wrote 24",)


@dataclasses.dataclass
class QuotaAttack(Attack):
    """What the block says is looked for only where the cell itself is over the quota."""
    stays_full: bool = True  # what it wrote has names, so that an upload is refused afterwards


def attack(name, code, told=(QUOTA,), twin=HONEST, twin_says=HONEST_SAYS, **more):
    return QuotaAttack(name, WRITER + code, told, twin=WRITER + twin, twin_says=twin_says, **more)


ATTACKS = [
    attack("as fast as it can", r'''
for n in range(75):
    WRITE(f"f{n}", 0)
'''),
    attack("below many directories", r'''
for n in range(200):
    os.mkdir("d"); os.chdir("d")
for n in range(75):
    WRITE(f"f{n}")
'''),
    attack("into directories without any right", r'''
for name in ("hidden", "blind"):
    os.makedirs(name + "/inner"); os.chmod(name + "/inner", 0o300)
os.chmod("hidden", 0o300), os.chmod("blind", 0o100)
for n in range(75):
    WRITE(f"hidden/inner/f{n}")
''', twin=r'''
os.mkdir("closed"); os.chmod("closed", 0o300)
WRITE("closed/part")
os.chmod("closed", 0o700)
print("wrote", os.path.getsize("closed/part") >> 20); os.remove("closed/part")
''', twin_says=("wrote 8",)),
    attack("into a workspace without any right", r'''
os.chmod("/workspace", 0o300)
for n in range(75):
    WRITE(f"f{n}")
'''),
    attack("into files without a name", r'''
held = []
for n in range(75):
    held.append(os.open("u", os.O_CREAT | os.O_RDWR)); os.unlink("u")
    os.write(held[-1], b"x" * (8 << 20)); time.sleep(0.02)
print("ESCAPED with", len(held))
''', stays_full=False, twin=r'''
import tempfile
with tempfile.TemporaryFile(dir=".") as file:
    file.write(b"x" * (8 << 20)); file.seek(0); print("read", len(file.read()) >> 20)
''', twin_says=("read 8",)),
    attack("into files without a name that are mapped", r'''
held = []
for n in range(75):
    file = os.open("u", os.O_CREAT | os.O_RDWR); os.unlink("u")
    os.ftruncate(file, 8 << 20)
    held.append(mmap.mmap(file, 8 << 20)); os.close(file)
    held[-1][:] = b"x" * (8 << 20); time.sleep(0.02)
print("ESCAPED with", len(held))
''', stays_full=False, twin=r'''
with open("mapped", "wb+") as file:
    file.truncate(8 << 20)
    with mmap.mmap(file.fileno(), 8 << 20) as area:
        area[:] = b"x" * (8 << 20)
print("mapped", os.path.getsize("mapped") >> 20); os.remove("mapped")
''', twin_says=("mapped 8",)),
    attack("into files that are in flight", r'''
one, other = socket.socketpair()
for n in range(75):
    file = os.open("u", os.O_CREAT | os.O_RDWR); os.unlink("u")
    os.write(file, b"x" * (8 << 20))
    socket.send_fds(one, [b"x"], [file]); os.close(file); time.sleep(0.02)
print("ESCAPED")
''', told=(QUOTA + "|not permitted|denied",), stays_full=False),
    attack("by processes of which each holds one file", r'''
ready = os.pipe()
for n in range(30):
    if os.fork() == 0:
        file = os.open(f"u{n}", os.O_CREAT | os.O_RDWR); os.unlink(f"u{n}")
        os.write(file, b"x" * (8 << 20)); os.write(ready[1], b"x")
        time.sleep(600)
for n in range(30):
    os.read(ready[0], 1)
print("ESCAPED")
''', stays_full=False),
    attack("by names that move", r'''
over = False
def move():
    while not over:
        for name in ("a", "b"):
            os.rename(name, "c"); os.rename("c", "z" + name); os.rename("z" + name, name)
os.makedirs("a"), os.makedirs("b")
threading.Thread(target=move, daemon=True).start()
try:
    for n in range(75):
        try:
            descriptor = os.open("ab"[n % 2], os.O_RDONLY)
        except OSError:
            continue
        file = os.open(f"f{n}", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor)
        os.write(file, b"x" * (8 << 20)); os.close(file); os.close(descriptor); time.sleep(0.02)
finally:
    over = True
'''),
    attack("by allocation", r'''
for n in range(75):
    with open(f"f{n}", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 8 << 20)
    time.sleep(0.02)
''', twin=r'''
with open("sparse", "wb") as file:
    file.truncate(30 << 20)
print("sparse", os.path.getsize("sparse") >> 20); os.remove("sparse")
''', twin_says=("sparse 30",)),
    attack("although it is interrupted", r'''
n = 0
while n < 75:
    try:
        WRITE(f"f{n}"); n += 1
    except BaseException:
        pass
'''),
    attack("from threads that an interrupt does not reach", r'''
def write(of):
    for n in range(20):
        WRITE(f"f{of}-{n}")
threads = [threading.Thread(target=write, args=(of,)) for of in range(4)]
[each.start() for each in threads]
while any(each.is_alive() for each in threads):
    try:
        [each.join() for each in threads]
    except KeyboardInterrupt:
        pass
'''),
    attack("many empty files and directories", r'''
for n in range(30_000):
    open(f"f{n}", "w").close() if n % 2 else os.mkdir(f"d{n}")
''', twin='[open(f"few{n}", "w").close() for n in range(200)]\nprint("made", len(os.listdir("."))); '
          '[os.remove(f"few{n}") for n in range(200)]', twin_says=("made",)),
    # What goes on after the cell: nobody is told in its block.
    attack("by a process that stays", r'''
import subprocess
subprocess.Popen([sys.executable, "-c", """
import time
for n in range(75):
    open(f"/workspace/late{n}", "wb").write(b"x" * (8 << 20)); time.sleep(.02)
"""], start_new_session=True)
print("the cell is over")
''', told=("the cell is over",)),
    attack("by a thread that stays", r'''
def write():
    for n in range(75):
        WRITE(f"late{n}")
threading.Thread(target=write, daemon=True).start()
print("the cell is over")
''', told=("the cell is over",)),
    attack("by a handler of a signal between cells", r'''
import signal
count = 0
def write(*_):
    global count
    open(f"late{count}", "wb").write(b"x" * (8 << 20)); count += 1
signal.signal(signal.SIGALRM, write)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.02)
print("the cell is over")
''', told=("the cell is over",)),
    attack("at the end of its process", r'''
import atexit
def write():
    for n in range(75):
        WRITE(f"late{n}")
atexit.register(write)
sys.exit(0)
''', told=(".*",), stays_full=False),
]
