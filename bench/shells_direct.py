"""varro-shells driven as varro drives it, without anything above: its control socket and the frames of a shell."""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

LIMITS = {"output_bytes": 256 << 10, "images": 20, "image_bytes": 4 << 20, "table_rows": 50, "table_columns": 50}
MESSAGE_BYTES_MAX = 64 << 10
WAIT_SECONDS = 60


def settings_of(process):
    """What a running server tells its own varro-shells; it changes with the configuration."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            arguments = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            if arguments[0].endswith(b"/varro-shells") and process.data.name.encode() in arguments[1]:
                settings = json.loads(arguments[1])
                if pathlib.Path(settings["data_dir"]) == process.data:
                    return arguments[0].decode(), settings
    raise RuntimeError("no varro-shells runs for this server")


class Supervisor:
    """A varro-shells of one's own on an empty data directory."""

    def __init__(self, program, settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-bench-"))
        self.directory.chmod(0o755)
        settings = {**settings, "data_dir": str(self.directory)}
        reading, writing = os.pipe()
        self.log = open(self.directory / "log", "w+b")
        # The program expects the pipe that it closes when it is ready as descriptor 3.
        self.process = subprocess.Popen(["/bin/sh", "-c", f'exec 3>&{writing} {writing}>&-; exec "$0" "$1"', program,
                                         json.dumps(settings)], pass_fds=[writing], stdout=self.log, stderr=self.log)
        os.close(writing)
        problem = os.read(reading, 1024)
        os.close(reading)
        if problem:
            raise RuntimeError(problem.decode())
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(WAIT_SECONDS)
        self.control.connect(str(self.directory / "shells.sock"))
        self.requests = 0
        self.send({"op": "hello"})
        while True:
            message, _ = self.receive()
            if message.get("op") == "zygote" and message["state"] == "ready":
                return

    def send(self, message):
        self.control.send(json.dumps(message).encode())

    def receive(self):
        data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES_MAX, 8)
        if not data:
            raise RuntimeError("varro-shells is gone")
        return json.loads(data), descriptors

    def start(self):
        self.requests += 1
        self.send({"op": "start", "request": self.requests, "chat": self.requests, "workspace": str(self.requests),
                   "python": "default"})
        while True:
            message, descriptors = self.receive()
            if message.get("request") == self.requests:
                if message["op"] != "started":
                    raise RuntimeError(f"no shell: {message}")
                return Shell(self, message["shell"], descriptors)

    def close(self):
        self.send({"op": "end"})
        self.process.wait(WAIT_SECONDS)
        self.control.close()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Shell:
    def __init__(self, supervisor, number, descriptors):
        self.supervisor, self.number = supervisor, number
        self.stream = socket.socket(fileno=descriptors[0])
        self.stream.setblocking(True)
        self.pidfds = descriptors[1:]
        self.cells = 0

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.stream.recv(size - len(data))
            if not part:
                raise RuntimeError("the shell is gone")
            data += part
        return bytes(data)

    def frame(self):
        return json.loads(self.exactly(struct.unpack(">I", self.exactly(4))[0]))

    def send(self, value):
        body = json.dumps(value).encode()
        self.stream.sendall(struct.pack(">I", len(body)) + body)

    def run(self, code):
        """The frames of one cell; acknowledged, as by a server that has committed them."""
        self.cells += 1
        self.send({"op": "execute", "id": self.cells, "tag": f"cell-{self.cells}", "code": code, "limits": LIMITS})
        frames = []
        while True:
            frame = self.frame()
            frames.append(frame)
            if frame["op"] == "done":
                self.supervisor.send({"op": "ack", "shell": self.number, "cell": self.cells})
                return frames

    def close(self):
        self.supervisor.send({"op": "close", "shell": self.number})
        poll = select.poll()
        poll.register(self.pidfds[0], select.POLLIN)
        poll.poll(WAIT_SECONDS * 1000)
        self.stream.close()
        for pidfd in self.pidfds:
            os.close(pidfd)

    def kill(self):
        signal.pidfd_send_signal(self.pidfds[0], signal.SIGKILL)


@contextlib.contextmanager
def supervisor(program, settings):
    one = Supervisor(program, settings)
    try:
        yield one
    finally:
        one.close()


def seconds_to_first_result(one, code):
    begin = time.perf_counter()
    shell = one.start()
    frames = shell.run(code)
    seconds = time.perf_counter() - begin
    if frames[-1]["status"] != "ok":
        raise RuntimeError(f"the cell failed: {frames}")
    return seconds, shell
