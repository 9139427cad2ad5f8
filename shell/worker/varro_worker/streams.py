"""sys.stdout and sys.stderr of the cells."""
from .own import __builtins__, codecs, io

from .text import utf8


class StreamBytes(io.RawIOBase):
    def __init__(self, outputs, name, fd):
        self.outputs, self.name, self.fd = outputs, name, fd
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def write(self, data):
        data = bytes(data)
        self.outputs.write(self.name, utf8(self.decoder.decode(data)))
        return len(data)

    def close(self):
        pass


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr."""

    encoding, errors, line_buffering, mode = "utf-8", "replace", True, "w"

    def __init__(self, outputs, name, fd):
        self.outputs, self.name, self.fd = outputs, f"<{name}>", fd
        self.stream = name
        self.buffer = StreamBytes(outputs, name, fd)

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.outputs.write(self.stream, utf8(text))
        return len(text)

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def reconfigure(self, **_):
        pass

    def close(self):
        pass
