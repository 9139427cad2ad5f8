"""What child processes and C code write to descriptors 1 and 2."""
from .own import __builtins__, Thread, codecs, collections, os, select

AT_ONCE_BYTES = 64 << 10  # a pipe holds no more, so one read takes all that was written before
BATCH_SECONDS = 0.1  # between the batches in which later lines of a cell are sent


class Pipes:
    """Stand behind the two descriptors. A thread empties them, or, while the shell rests, its loop.

    Of a flood only the newest bytes will be shown, so they wait here as they came: decoding what nobody reads would
    take most of the time. take_all() passes on what waits.
    """

    def __init__(self, guard, append, flush, room, skipped):
        """append(name, text) takes what came, flush() sends it on and tells whether a cell is running. room() is how
        many bytes may wait here, skipped(count) is told of those that were older. All are called with the guard
        held."""
        self.guard, self.append, self.flush, self.room, self.skipped = guard, append, flush, room, skipped
        self.waiting, self.waiting_bytes = collections.deque(), 0  # (descriptor, bytes)
        self.decoders = {}  # by descriptor: the stream's name and its decoder
        self.ready = select.poll()
        self.thread = None
        self.stopping = False

    def open(self):
        for name, fd in (("stdout", 1), ("stderr", 2)):
            reading, writing = os.pipe()
            os.dup2(writing, fd, inheritable=True)
            os.close(writing)
            os.set_blocking(reading, False)
            self.decoders[reading] = (name, codecs.getincrementaldecoder("utf-8")("replace"))
            self.ready.register(reading, select.POLLIN)
        self.wake_reading, self.wake_writing = os.pipe()
        self.go_on()

    def close(self):
        """The opposite of open(), but for descriptors 1 and 2."""
        self.rest()
        for fd in (*self.decoders, self.wake_reading, self.wake_writing):
            os.close(fd)
        self.decoders, self.ready = {}, select.poll()

    def go_on(self):
        """With a cell, which the thread has to know of."""
        if self.thread is not None:
            os.write(self.wake_writing, b"x")
            return
        self.stopping = False
        self.thread = Thread(target=self.read, daemon=True, name="varro-output")
        self.thread.start()

    def rest(self):
        """Between two cells: ends the thread."""
        if self.thread is not None:
            self.stopping = True
            os.write(self.wake_writing, b"x")
            self.thread.join()
            self.thread = None

    def fds(self):
        """What take_all() has to be called for, because no thread does it."""
        return list(self.decoders) if self.thread is None else []

    def read(self):
        poll = select.poll()
        for fd in (*self.decoders, self.wake_reading):
            poll.register(fd, select.POLLIN)
        running = False
        while True:
            ready = poll.poll(BATCH_SECONDS * 1000 if running else None)
            with self.guard:
                for fd, _ in ready:
                    if fd == self.wake_reading:
                        os.read(fd, 64)
                    elif fd in self.decoders:
                        self.take(fd)
                    else:
                        poll.unregister(fd)
                running = self.flush()
                if self.stopping:
                    return

    def take(self, fd):
        try:
            data = os.read(fd, AT_ONCE_BYTES)
        except BlockingIOError:
            return
        if data and self.room() > 0:
            self.put_aside(fd, data)
            return
        self.pass_on_waiting()
        name, decoder = self.decoders[fd]
        if not data:  # nobody has the other end any more: the cell has closed its descriptor
            self.ready.unregister(fd)
            del self.decoders[fd]
        self.append(name, decoder.decode(data, not data))

    def put_aside(self, fd, data):
        self.waiting.append((fd, data))
        self.waiting_bytes += len(data)
        while self.waiting_bytes - len(self.waiting[0][1]) >= self.room():
            old, skipped = self.waiting.popleft()
            self.waiting_bytes -= len(skipped)
            self.decoders[old][1].reset()  # half a character before the gap
            self.skipped(len(skipped))

    def pass_on_waiting(self):
        waiting, self.waiting, self.waiting_bytes = self.waiting, collections.deque(), 0
        for fd, data in waiting:
            name, decoder = self.decoders[fd]
            self.append(name, decoder.decode(data))

    def take_all(self):
        for fd, _ in self.ready.poll(0):
            self.take(fd)
        self.pass_on_waiting()

    def finish(self):
        """Half a character is all that will come of it."""
        for name, decoder in self.decoders.values():
            self.append(name, decoder.decode(b"", True))
