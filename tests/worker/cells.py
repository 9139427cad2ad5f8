"""A shell's namespace for tests, without IPython: cells are executed as if they were in the module __main__."""
import itertools
import linecache
import os
import pathlib
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = ROOT / "shell" / "worker"
LIBRARY = os.environ.get("VARRO_ENTRY", str(ROOT / "build" / "shell" / "libvarro_entry.so"))
sys.path.insert(0, str(WORKER))

from varro_worker import library

library.load(LIBRARY)

numbers = itertools.count(1)


class Cells:
    def __init__(self):
        self.module = types.ModuleType("__main__")
        self.names = self.module.__dict__
        self.hidden = dict(self.names)

    def run(self, code):
        file = f"<cell {next(numbers)}>"
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
        before = sys.modules["__main__"]
        sys.modules["__main__"] = self.module
        try:
            exec(compile(code, file, "exec"), self.names)
        finally:
            sys.modules["__main__"] = before
        self.hidden.setdefault("__builtins__", self.names["__builtins__"])
        return self

    def value(self, expression):
        return eval(expression, self.names)


class SnapshotFile:
    """An open file in a folder of its own that vanishes with it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="varro-snapshots-")
        self.path = os.path.join(self.folder.name, "chat.snap")
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        self.folder.cleanup()


def save(cells, fd, base=None, **limits):
    """As the forked copy does it: the state was captured before, and the cells' module cannot be found by name."""
    from varro_worker import snapshot_state, snapshot_writer, snapshots

    limits.setdefault("state", snapshot_state.capture())
    before = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        return snapshot_writer.on_deep_stack(
            lambda: snapshots.save(cells.names, fd, base, hidden=cells.hidden, **limits))
    finally:
        sys.modules["__main__"] = before


def load(fd, footer):
    from varro_worker import snapshots

    cells = Cells()
    before = sys.modules["__main__"]
    sys.modules["__main__"] = cells.module
    try:
        return cells, snapshots.load(cells.names, fd, footer)
    finally:
        sys.modules["__main__"] = before
