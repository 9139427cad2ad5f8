"""shell/entry/image.h: a copy of a process drops what is as it was, and nothing else."""
import subprocess
import sys
import unittest

from cells import LIBRARY

# What each case runs in an interpreter of its own, which stands for the warm one.
PRELUDE = """
import ctypes, errno, hashlib, mmap, os, random, sys, threading
library = ctypes.PyDLL(sys.argv[1])
make, give_back = library.varro_image_make, library.varro_image_give_back
make.restype = give_back.restype = ctypes.c_long
held = [bytearray(random.Random(n).randbytes(100 + 37 * n)) for n in range(2000)]
names = {f"name {n}": [n, str(n), (n, {n})] for n in range(20000)}

def digest():
    parts = [hashlib.sha256(b"".join(held)).hexdigest(), hashlib.sha256(repr(names).encode()).hexdigest()]
    return parts

def mappings(kind):
    with open("/proc/self/maps") as file:
        for line in file:
            fields = line.split(None, 5)
            if len(fields) == 6 and "varro-image" in fields[5] and fields[1] == kind:
                yield tuple(int(part, 16) for part in fields[0].split("-"))

def private_bytes():
    total = 0
    with open("/proc/self/smaps") as file:
        ours = False
        for line in file:
            if "-" in line.split()[0]:
                ours = "varro-image" in line
            elif ours and line.startswith("Anonymous:"):
                total += int(line.split()[1]) << 10
    return total

def in_a_copy(function):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0

libc = ctypes.CDLL(None, use_errno=True)
before = digest()
assert give_back() == 0  # there is none yet
moved = make()
assert moved > 1 << 20, moved
assert digest() == before
"""


class ImageTest(unittest.TestCase):
    def case(self, code, prelude=PRELUDE):
        done = subprocess.run([sys.executable, "-I", "-B", "-c", prelude + code, LIBRARY], capture_output=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())

    def test_reading_costs_nothing_that_lasts(self):
        self.case("""
def copy():
    walk = [list(value) for value in names.values()]  # counts references up, on every page that holds one of them
    del walk
    most = private_bytes()
    given = give_back()
    assert given > 1 << 20, given
    assert private_bytes() < most // 3, (most, private_bytes())
    assert digest() == before
in_a_copy(copy)
""")

    def test_what_was_changed_stays_changed(self):
        self.case("""
def copy():
    random.seed(7)
    expected = [bytes(value) for value in held]
    for round in range(30):
        for n in random.sample(range(len(held)), 300):
            at = random.randrange(len(held[n]))
            if round % 3 == 2:
                held[n][:] = random.Random(n).randbytes(100 + 37 * n)  # as it was
            else:
                held[n][at] ^= random.randrange(1, 256)
            expected[n] = bytes(held[n])
            names[f"name {n}"] = [round]
        assert give_back() >= 0
        assert [bytes(value) for value in held] == expected
        assert all(names[name] for name in names)
in_a_copy(copy)
assert digest() == before  # nothing of it is here
in_a_copy(lambda: None if digest() == before else sys.exit("a later copy is different"))
""")

    def test_a_copy_of_a_copy(self):
        self.case("""
def copy():
    held[5][:] = b"changed"
    give_back()
    def second():
        assert held[5] == b"changed"
        held[6][:] = b"too"
        give_back()
        assert (held[5], held[6]) == (b"changed", b"too")
    in_a_copy(second)
    assert held[6] != b"too"
in_a_copy(copy)
""")

    def test_not_while_there_are_threads(self):
        self.case("""
def copy():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    assert give_back() == -errno.EBUSY
    stop.set()
    thread.join()
    assert give_back() > 0
in_a_copy(copy)
""")

    def test_not_made_while_there_are_threads(self):
        self.case("""
stop = threading.Event()
thread = threading.Thread(target=stop.wait)
thread.start()
assert make() == -errno.EBUSY
assert not list(mappings("rw-p"))
stop.set()
thread.join()
assert make() > 0
assert make() == -errno.EINVAL  # once
""", PRELUDE.partition("moved = make()")[0])

    def test_other_memory_in_the_place_of_the_image_is_left_alone(self):
        # It would read as zeros afterwards, for it has no file behind it.
        self.case("""
def copy():
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    replaced = 0
    for begin, end in list(mappings("rw-p")):
        if end - begin < 256 << 10:
            continue
        page = (begin + end) // 2 & -4096
        content = ctypes.string_at(page, 4096)
        MAP_FIXED_ANONYMOUS_PRIVATE = 0x32
        assert libc.mmap(page, 4096, 3, MAP_FIXED_ANONYMOUS_PRIVATE, -1, 0) == page
        ctypes.memmove(page, content, 4096)
        assert give_back() >= 0
        assert ctypes.string_at(page, 4096) == content
        replaced += any(content)
    assert replaced
in_a_copy(copy)
""")

    def test_memory_that_may_not_be_touched_is_not(self):
        self.case("""
def copy():
    begin, end = next((begin, end) for begin, end in mappings("rw-p") if end - begin > 1 << 20)
    page = (begin + end) // 2 & -4096
    ctypes.memmove(page, ctypes.string_at(page, 4096), 4096)  # now it is a copy
    assert libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 0) == 0
    give_back()
    assert libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 3) == 0
    assert digest() == before
in_a_copy(copy)
""")

    def test_nobody_can_write_to_what_the_others_see(self):
        self.case("""
def copy():
    begin, end = next(mappings("r--p"))
    at = begin + 8192
    content = ctypes.string_at(at, 16)
    MADV_REMOVE, MADV_DONTNEED = 9, 4
    assert libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), MADV_REMOVE) != 0
    assert not [name for name in os.listdir("/proc/self/fd") if "image" in os.path.realpath(f"/proc/self/fd/{name}")]
    try:
        file = os.open(f"/proc/self/map_files/{begin:x}-{end:x}", os.O_RDWR)
    except OSError:
        pass  # not without rights over the whole machine
    else:
        for attempt in (lambda: os.pwrite(file, b"x" * 16, 8192), lambda: os.ftruncate(file, 0),
                        lambda: mmap.mmap(file, 4096)):
            try:
                attempt()
            except (OSError, ValueError):
                continue
            raise AssertionError("the image could be written to")
    assert libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), 3) == 0
    ctypes.memmove(at, b"x" * 16, 16)  # a copy of this process's own
    assert ctypes.string_at(at, 16) == b"x" * 16
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(at + 4096)
        memory.write(b"y" * 16)
    libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), MADV_DONTNEED)
    assert ctypes.string_at(at, 16) == content
begin = next(mappings("r--p"))[0]
image = hashlib.sha256(ctypes.string_at(begin, moved)).hexdigest()
in_a_copy(copy)
assert hashlib.sha256(ctypes.string_at(begin, moved)).hexdigest() == image
assert digest() == before
""")

    def test_a_signal_waits(self):
        self.case("""
import signal
def copy():
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    for _ in range(50):
        give_back()
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert digest() == before and seen
in_a_copy(copy)
""")

    def test_memory_that_grows_and_shrinks(self):
        self.case("""
def copy():
    for round in range(20):
        more = [bytes(1000 + n) for n in range(5000)] + [bytearray(1 << 20) for _ in range(8)]
        give_back()
        assert all(len(value) == 1000 + n for n, value in enumerate(more[:5000]))
        del more
        libc.malloc_trim(0)
        give_back()
    assert digest() == before
in_a_copy(copy)
""")


if __name__ == "__main__":
    unittest.main()
