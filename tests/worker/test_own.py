import json
import unittest

from cells import SnapshotFile
from shell_process import ShellProcess
from varro_worker.own import decoded, encoded

# Each puts something else in the place of what the worker itself uses.
PATCHES = [
    "import time\ntime.perf_counter = lambda: 0.0",
    "import time\ntime.perf_counter = time.monotonic = time.time = lambda: 0.0\ntime.sleep = None",
    "import os\nos.getpid = lambda: 1",
    "import os\nos.write = os.read = os.getcwd = os.listdir = os.scandir = os.stat = os.pipe = os.set_blocking = None",
    "import os\nos._exit = os.close = os.fstat = os.pwritev = os.waitpid = os.pidfd_open = os.environ = None",
    "import json\njson.dumps = json.loads = None",
    "import json\njson.JSONEncoder.encode = json.JSONEncoder.iterencode = json.JSONDecoder.decode = None",
    "import json, json.encoder\njson._default_encoder = json._default_decoder = json.encoder.c_make_encoder = None",
    "import struct\nstruct.pack = struct.unpack = None",
    "import threading\nthreading.get_ident = lambda: 0\nthreading.Thread = threading.RLock = threading.enumerate = None",
    "import threading\nthreading.Thread.start = threading.Thread.join = lambda *_: None",
    "import select, socket\nselect.select = select.poll = socket.socket = socket.recv_fds = socket.send_fds = None",
    "import socket\nsocket.socket.sendall = socket.socket.recvmsg = socket.socket.fileno = None",
    "import gc, resource\ngc.collect = gc.disable = resource.setrlimit = resource.getrlimit = None",
    "import signal, _signal\nsignal.signal = _signal.signal = signal.pidfd_send_signal = None",
    "import base64, codecs, collections\nbase64.b64encode = codecs.getincrementaldecoder = collections.deque = None",
    "import traceback, linecache\ntraceback.TracebackException = None\nlinecache.getline = None",
    "import hashlib, mmap, queue\nhashlib.sha256 = mmap.mmap = queue.SimpleQueue = None",
    "import builtins\nbuiltins.print = builtins.open = None",
]
# With these not even IPython works any more. The shell is to be there all the same, and to say so.
BEYOND = [
    "get_ipython().showtraceback = None",
    "get_ipython().run_cell = None",
    "import sys\nsys.setrecursionlimit(sys.getrecursionlimit() // 25)",
    "import builtins\nbuiltins.len = lambda _: 0",
    "import builtins\nbuiltins.isinstance = builtins.getattr = builtins.str = None",
    "import time\ntime.perf_counter = time.monotonic = time.time = time.sleep = None",
    "import builtins\nbuiltins.min = builtins.max = builtins.sum = builtins.map = builtins.sorted = None",
    "import builtins\nbuiltins.bytes = builtins.bytearray = builtins.memoryview = builtins.int = builtins.hash = None",
]


class PatchedLibrary(unittest.TestCase):
    """A cell that replaces a function of the standard library does so for the cells, not for the worker."""

    def shell(self):
        shell = ShellProcess()
        self.addCleanup(shell.close)
        return shell

    def test_the_shell_goes_on_and_its_variables_are_saved_and_come_back(self):
        for patch in PATCHES:
            with self.subTest(patch), SnapshotFile() as file:
                shell = self.shell()
                shell.run("import sys\nkept = [5]\nwrite = sys.stdout.write")
                self.assertEqual(shell.run(patch).status, "ok")
                cell = shell.run("write('on\\n')\nkept")
                self.assertEqual((cell.status, cell.text(), cell.of_type("value")[0]["text"]), ("ok", "on\n", "[5]"))
                self.assertGreater(cell.duration_us, 0)
                self.assertLess(cell.duration_us, 60_000_000)
                self.assertGreaterEqual(cell.processor_us, 0)
                lines = shell.run("1 / 0").of_type("error")[0]["traceback"].split("\n")
                self.assertEqual(lines[1:3], ['  File "<cell 4>", line 1, in <module>', "    1 / 0"])
                shell.send({"op": "snapshot", "id": 9, "base": None}, file.fd)
                answer = shell.receive()
                self.assertEqual(answer["status"], "ok", answer)
                shell.run("del kept")
                shell.send({"op": "restore", "id": 4, "footer": answer["footer"]}, file.fd)
                self.assertIn("kept", shell.receive()["restored"])
                self.assertEqual(shell.run("kept").of_type("value")[0]["text"], "[5]")
                shell.close()

    def test_json_is_written_as_the_library_writes_it(self):
        for value in ({"op": "done", "id": 7, "x": [1, -2.5, 1e300, None, True, "é\ud800\n\x00/\"", {}, []]}, {}, "", 0):
            self.assertEqual(encoded(value), json.dumps(value).encode())
            self.assertEqual(decoded(encoded(value)), value)
        for text in (b"", b"{", b"{} x", b"nul", b'{"a": }'):
            with self.assertRaises(ValueError):
                decoded(text)

    def test_even_what_breaks_the_interpreter_s_own_library_does_not_end_the_shell(self):
        for patch in BEYOND:
            with self.subTest(patch):
                shell = self.shell()
                shell.run(patch)
                self.assertIn(shell.run("1\n2").status, ("ok", "failed"))
                self.assertIn(shell.run("1 / 0").status, ("ok", "failed"))


if __name__ == "__main__":
    unittest.main()
