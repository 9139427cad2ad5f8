"""The socket to the server."""
from .own import __builtins__, _socket, decoded, encoded, os, socket, struct

DESCRIPTORS_AT_ONCE = 4


class Frames:
    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self.socket = _socket.socket(fileno=fd)  # socket.socket is a class that a cell can change
        self.descriptors = []  # that came with frames and were not taken yet

    def send(self, value):
        body = encoded(value)
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self):
        (size,) = struct.unpack(">I", self.exactly(4))
        return decoded(self.exactly(size))

    def descriptor(self):
        """That of the frame that was received last, or None when there was no room for it."""
        return self.descriptors.pop(0) if self.descriptors else None

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part, descriptors, _, _ = socket.recv_fds(self.socket, min(size - len(data), 1 << 20),
                                                      DESCRIPTORS_AT_ONCE, socket.MSG_CMSG_CLOEXEC)
            self.descriptors += descriptors
            if not part:
                os._exit(0)
            data += part
        return bytes(data)
