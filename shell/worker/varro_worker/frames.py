"""The socket to the server."""
import json
import os
import socket
import struct


class Frames:
    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self.socket = socket.socket(fileno=fd)

    def send(self, value):
        body = json.dumps(value).encode()
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self):
        (size,) = struct.unpack(">I", self.exactly(4))
        return json.loads(self.exactly(size))

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(min(size - len(data), 1 << 20))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)
