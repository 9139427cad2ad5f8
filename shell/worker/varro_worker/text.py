"""Text as UTF-8, cut without tearing characters."""
from .own import __builtins__


def clipped(data, limit):
    """At most `limit` bytes of UTF-8 text: head and tail, with a line that counts what is missing."""
    if len(data) <= limit:
        return data
    head, tail = boundary(data, limit // 2), boundary(data, len(data) - limit // 2)
    return data[:head] + b"\n[%d bytes left out]\n" % (tail - head) + data[tail:]


def boundary(data, position):
    """The nearest start of a character at or before the position."""
    while 0 < position < len(data) and data[position] & 0xC0 == 0x80:
        position -= 1
    return position


def utf8(text):
    return text.encode("utf-8", "replace")
