"""Runs the code paths that first cells take, so that what they build lazily is shared by all shells."""
import contextlib
import json
import os
import signal
import socket
import struct
import sys

LIMITS = {"output_bytes": 64 << 10, "images": 2, "image_bytes": 4 << 20, "table_rows": 5, "table_columns": 5,
          "displays": 2, "display_bytes": 1 << 20, "displays_bytes": 1 << 20}

LIVES, CELLS = 8, 4  # of a rehearsal, and in each
SECONDS_MAX = 5  # for one of its snapshots

PANDAS = """
import numpy as _np, pandas as _pd
_frame = _pd.DataFrame({"a": range(1000), "b": _np.arange(1000.0) / 3, "c": ["x", "y"] * 500})
_frame.groupby("c").b.mean(); repr(_frame); str(_frame.a.sum()); _frame.describe(); _frame.merge(_frame.head(3), on="a")
_frame.sort_values("b"); _frame.to_csv(); _frame.pivot_table(index="c", values="b"); _frame.a.value_counts()
_pd.to_datetime(_pd.Series(["2024-01-01"])); _pd.date_range("2024", periods=3)
_pd.read_csv(__import__("io").StringIO("a,b\\n1,x\\n2,y\\n"))
_frame
"""

PYPLOT = """
import matplotlib.pyplot as _plt
_figure, _axes = _plt.subplots()
_axes.plot([1, 2, 3], label="q"); _axes.bar([1, 2], [3, 4]); _axes.set_title("t"); _axes.set_xlabel("x"); _axes.legend()
_plt.show()
"""


def exercise(worker, problems):
    """Leaves the shell's namespace and its counters as they were."""
    shell = worker.shell
    names, count = dict(shell.user_ns), shell.execution_count
    for package, code in ((None, "_x = 1\n_x"), ("pandas", PANDAS), ("matplotlib", PYPLOT)):
        if package is not None and package not in sys.modules:
            continue
        worker.outputs.reset(LIMITS)
        result = shell.run_cell(code, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            problems.append({"package": package or "IPython", "error": f"{type(error).__name__}: {error}"[:500]})
        worker.show_figures()
    worker.outputs.between.clear()
    shell.user_ns.clear()
    shell.user_ns.update(names)
    shell.execution_count = count


@contextlib.contextmanager
def kept():
    """What a shell changes of its process."""
    descriptors, streams = [os.dup(fd) for fd in (1, 2)], (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    handler, environment = signal.getsignal(signal.SIGINT), dict(os.environ)
    arguments, path = sys.argv, sys.path[:]
    try:
        yield
    finally:
        for fd, copy in zip((1, 2), descriptors):
            os.dup2(copy, fd)
            os.close(copy)
        sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = streams
        signal.signal(signal.SIGINT, handler)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        sys.argv, sys.path[:] = arguments, path


def rehearse(worker):
    """Lives the beginning of a shell's life, as often as it takes until Python no longer rewrites its functions' code.

    It does so at a function's eighth call, and then as it learns the types that occur there. What is not done here each
    shell does for itself, and has a copy of the page afterwards.
    """
    worker.remembers_cells = False
    try:
        with kept():
            for _ in range(LIVES):
                live(worker)
    finally:
        worker.remembers_cells = True


def live(worker):
    ours, theirs = socket.socketpair()
    with ours, open(os.memfd_create("snapshot"), "wb") as file:
        worker.bind(theirs.detach())
        try:
            worker.get_ready()
            for number in range(CELLS):
                tell(worker, ours, {"op": "execute", "id": number, "tag": "", "code": "pass", "limits": LIMITS})
                if number + 1 < CELLS:
                    snapshot = {"op": "snapshot", "id": number, "seconds_max": SECONDS_MAX}
                    tell(worker, ours, snapshot, [file.fileno()])
                    worker.snapshots.finish_copy()
        finally:
            worker.unbind()


def tell(worker, ours, frame, descriptors=()):
    body = json.dumps(frame).encode()
    socket.send_fds(ours, [struct.pack(">I", len(body)) + body], descriptors)
    worker.wait()
    worker.handle(worker.frames.receive())
