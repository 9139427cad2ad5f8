"""When an interrupt may reach the user's code."""
import threading


class Interrupts:
    """SIGINT raises KeyboardInterrupt in a running cell, but neither between cells nor inside our own bookkeeping."""

    def __init__(self):
        self.armed = False
        self.seen = False
        self.pending = False
        self.held = 0
        self.main = threading.get_ident()
        self.lock = threading.RLock()

    def on_signal(self, *_):
        if not self.armed:
            return
        self.seen = True
        if self.held:
            self.pending = True
        else:
            raise KeyboardInterrupt

    def __enter__(self):
        if threading.get_ident() == self.main:
            self.held += 1
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()
        if threading.get_ident() == self.main:
            self.held -= 1
            if self.pending and not self.held:
                self.pending = False
                if self.armed:
                    raise KeyboardInterrupt
