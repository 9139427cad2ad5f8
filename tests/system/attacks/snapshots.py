"""Snapshots whose loading runs code: it may run only inside the sandbox of the chat that wrote them."""

import hashlib
import json
import pickle
import struct

# Loading this variable runs a program of its choice; what it was able to do stands in the workspace afterwards.
PAYLOAD = r'''
import os, socket
report = [f"woken as {os.getuid()} in {os.getcwd()}"]
def attempt(what, action):
    try:
        action()
        report.append(f"{what}: ESCAPED")
    except Exception as error:
        report.append(f"{what}: {error}")
attempt("plant", lambda: open("@HOST@/planted.txt", "w"))
attempt("read", lambda: open("@HOST@/host.txt").read())
attempt("other", lambda: open("@DATA@/workspaces/@OTHER@/secret.txt").read())
attempt("connect", lambda: socket.create_connection(("127.0.0.1", @TRAP_PORT@), 3))
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\0@ABSTRACT@"))
with open("/workspace/woken.txt", "a") as file:
    file.write("\n".join(report) + "\n")
'''

HOSTILE = f'''
class Hostile:
    def __reduce__(self):
        return exec, ({PAYLOAD!r}, {{}})
hostile, kept = Hostile(), 42
print("ready")
'''

# A file put in the place of a chat's snapshot: as a pickle it starts a program on whatever machine loads it.
RAW_PICKLE = b"\x80\x04cposix\nsystem\n(S'touch @HOST@/planted.txt; touch /workspace/planted.txt'\ntR."

# Variables that do their worst while they are saved; the chat has to go on, asleep or not.
STATES = {
    "loops": "while True: pass",
    "sleeps": "import time; time.sleep(10**6)",
    "exits": "import os; os._exit(0)",
    "crashes": "import ctypes; ctypes.string_at(8)",
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "takes memory": "held = [bytearray(b'x') * (64 << 20) for _ in range(100)]",
    "is huge": "return bytearray(b'x') * (600 << 20)",
    "forks": "import os\nwhile True: os.fork()",
    "closes everything": "import os; os.closerange(3, 4096)",
    "recurses": "return self.__getstate__()",
    "raises": "raise KeyboardInterrupt",
}

HOSTILE_STATE = """
class Hostile:
    def __getstate__(self):
@BODY@
    __reduce_ex__ = lambda self, protocol: (Hostile, (), self.__getstate__())
kept, hostile = 42, Hostile()
print("ready")
"""


class Loaded:
    """Runs the payload when its pickle is loaded."""

    def __init__(self, payload):
        self.payload = payload

    def __reduce__(self):
        return exec, (self.payload, {})


def forged(old, payload):
    """The file with its newest list of variables replaced, all sums right, so that loading it loads this pickle."""
    footer = old.rindex(b"VFT1")
    length = struct.unpack_from(">4sI32s", old, footer)[1]
    index = json.loads(old[footer + 40:footer + 40 + length])
    stream = pickle.dumps(Loaded(payload))
    place = footer + (64 << 10)
    index["segments"] = [{"names": ["kept"], "offset": place, "parts": [[len(stream), hashlib.sha256(stream).hexdigest()]],
                          "content": "", "code": False}]
    body = json.dumps(index).encode()
    head = struct.pack(">4sI32s", b"VFT1", len(body), hashlib.sha256(body).digest())
    return (old[:footer] + head + body).ljust(place, b"\0") + stream
