"""A worker in a process of its own, without a sandbox, and the server's end of its socket."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from cells import LIBRARY, WORKER

START = ("import sys; sys.path.insert(0, sys.argv[1])\nfrom varro_worker import library\n"
         "from varro_worker.worker import Worker\nlibrary.load(sys.argv[3])\n"
         "worker = Worker()\nworker.bind(int(sys.argv[2]))\nworker.serve()")
LIMITS = {"output_bytes": 4_000, "images": 3, "image_bytes": 1 << 20, "table_rows": 5, "table_columns": 5,
          "displays": 4, "display_bytes": 1_000, "displays_bytes": 2_000}


class Cell:
    def __init__(self):
        self.outputs, self.slots, self.status, self.received = [], {}, None, 0
        self.begun, self.duration_us, self.processor_us = False, None, None

    def take(self, output):
        """As the server does it."""
        self.received += 1
        slot = output.pop("slot", None)
        if output["type"] == "clear":
            self.outputs.clear()
            self.slots.clear()
        elif slot in self.slots:
            self.outputs[self.slots[slot]] = output
        else:
            if slot is not None:
                self.slots[slot] = len(self.outputs)
            self.outputs.append(output)

    def text(self, name="stdout"):
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)

    def of_type(self, kind):
        return [output for output in self.outputs if output["type"] == kind]


class ShellProcess:
    def __init__(self, **more):
        self.folder = tempfile.TemporaryDirectory(prefix="varro-cells-")
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(60)
        environment = {**os.environ, "HOME": self.folder.name, "IPYTHONDIR": f"{self.folder.name}/.ipython",
                       "MPLCONFIGDIR": f"{self.folder.name}/.matplotlib", **more}
        command = [sys.executable, "-B", "-W", "ignore", "-c", START, WORKER, str(theirs.fileno()), LIBRARY]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=self.folder.name, env=environment)
        theirs.close()
        self.count = 0
        assert self.receive()["op"] == "ready"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.folder.cleanup()

    def send(self, frame, descriptor=None):
        body = json.dumps(frame).encode()
        socket.send_fds(self.socket, [struct.pack(">I", len(body)) + body], [] if descriptor is None else [descriptor])

    def receive(self):
        def exactly(size):
            data = b""
            while len(data) < size:
                part = self.socket.recv(size - len(data))
                if not part:
                    raise EOFError
                data += part
            return data

        return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))

    def run(self, code, **limits):
        self.count += 1
        self.send({"op": "execute", "id": self.count, "tag": "", "code": code, "limits": {**LIMITS, **limits}})
        cell = Cell()
        while True:
            frame = self.receive()
            assert frame["id"] == self.count
            if frame["op"] == "done":
                cell.status, cell.duration_us = frame["status"], frame["duration_us"]
                cell.processor_us = frame["processor_us"]
                return cell
            if frame["op"] == "begun":
                cell.begun = True
            else:
                cell.take(frame["output"])

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
