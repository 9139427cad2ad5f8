"""When an interrupt may reach the user's code."""
import _posixsubprocess
import functools
import os
import subprocess
import sys
from asyncio import CancelledError

from .own import __builtins__, threading

CONTEXTS_MAX = 100  # of an exception, looked at; they may be a circle


def is_handling_an_interrupt():
    """Whether an `except`, a `finally` or an `__exit__` is under way for an earlier interrupt: a second one, which is
    sent in case that the first was lost, must not cut off what a cell saves then."""
    error = sys.exc_info()[1]
    for _ in range(CONTEXTS_MAX):
        if error is None or isinstance(error, (KeyboardInterrupt, CancelledError)):
            break
        error = error.__context__
    return isinstance(error, (KeyboardInterrupt, CancelledError))


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
        again, self.seen = self.seen, True
        if self.held:
            self.pending = True
        elif not (again and is_handling_an_interrupt()):
            raise KeyboardInterrupt

    def hold(self):
        """From here on an interrupt waits for release(). On the main thread only, like release()."""
        self.held += 1

    def release(self):
        self.held -= 1
        if self.pending and not self.held:
            self.pending = False
            if self.armed:
                raise KeyboardInterrupt

    def __enter__(self):
        if threading.get_ident() == self.main:
            self.hold()
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()
        if threading.get_ident() == self.main:
            self.release()


def hold_while_forking(interrupts):
    """What a callback of os.register_at_fork() raises is printed and forgotten, and so would be an interrupt in it."""

    def held(fork):
        @functools.wraps(fork)
        def fork_without_interrupt(*arguments):
            if threading.get_ident() != interrupts.main:
                return fork(*arguments)
            interrupts.hold()
            try:
                made = fork(*arguments)
            except BaseException:
                interrupts.release()
                raise
            if made == 0 or isinstance(made, tuple) and made[0] == 0:
                interrupts.pending = False  # it was meant for the parent
                interrupts.held = 0
            else:
                interrupts.release()
            return made

        return fork_without_interrupt

    os.fork, os.forkpty = held(os.fork), held(os.forkpty)
    # Callbacks run there only with preexec_fn; by this name up to Python 3.10, by that one since.
    _posixsubprocess.fork_exec = held(_posixsubprocess.fork_exec)
    if hasattr(subprocess, "_fork_exec"):
        subprocess._fork_exec = _posixsubprocess.fork_exec
