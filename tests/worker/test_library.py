"""varro_worker/library.py: copies of a process that has other threads."""
import os
import signal
import subprocess
import sys
import unittest

from cells import LIBRARY, WORKER

# Another thread asks for the interpreter's lock exactly while the process is being copied: getchar(), called by the
# kernel's own list of what to do before a fork, waits with the lock until its byte is there.
CODE = """
import ctypes, os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from varro_worker import library
library.load(sys.argv[2])
libc = ctypes.PyDLL(None)
reading, writing = os.pipe()
os.dup2(reading, 0)
libc.__register_atfork.argtypes = [ctypes.c_void_p] * 4
libc.__register_atfork(ctypes.cast(libc.getchar, ctypes.c_void_p), None, None, None)
def wants_the_lock():
    while True:
        pass
threading.Thread(target=wants_the_lock, daemon=True).start()
writer = os.posix_spawn("/bin/sh", ["sh", "-c", f"sleep 0.2; echo xx >&{writing}"], {},
                        file_actions=[(os.POSIX_SPAWN_DUP2, writing, writing)])
pid = COPY
if pid == 0:
    os._exit(len(threading.enumerate()))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
os._exit(0)
"""


class Library(unittest.TestCase):
    def status_of_copy(self, copy):
        done = subprocess.run([sys.executable, "-I", "-B", "-c", CODE.replace("COPY", copy), WORKER, LIBRARY],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return int(done.stdout)

    def test_a_copy_does_not_wait_for_a_thread_that_it_does_not_have(self):
        self.assertEqual(self.status_of_copy("library.fork(20)"), 1)

    def test_a_copy_is_ended_after_its_time(self):
        code = ("import sys, os, time\nsys.path.insert(0, sys.argv[1])\nfrom varro_worker import library\n"
                "library.load(sys.argv[2])\npid = library.fork(1)\n"
                "if pid == 0:\n    while True: time.sleep(60)\n"
                "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))")
        done = subprocess.run([sys.executable, "-I", "-B", "-c", code, WORKER, LIBRARY], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.stdout.strip(), str(-signal.SIGALRM), done.stderr)


if __name__ == "__main__":
    unittest.main()
