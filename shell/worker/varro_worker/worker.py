"""What runs cells in a shell's process: its limits, its loop."""
import asyncio
import sys
import warnings

from . import ipython_shell
from .displays import (ImportHook, figure_png, need_no_nbformat, show_by, show_pictures_here,
                       shows_something)
from .frames import Frames
from .interrupts import Interrupts, hold_while_forking
from . import library, quota
from .leftovers import Leftovers, watch_starts
from .outputs import Outputs
# _signal, because signal's own functions make enumerations of what they take, which costs each shell pages.
from .own import __builtins__, _signal, errno, gc, os, resource, select, time
from .snapshot_writer import SnapshotWriter, restore
from .streams import Stream
from .text import utf8
from .tracebacks import message_of, traceback_text

# Without work, after which a shell gives memory back; more than once only when threads are in the way.
REST_SECONDS = (1.0, 4.0, 16.0)
MEMORY_RESERVE_BYTES = 32 << 20  # kept from user code, so that running out of memory can be reported


def limit_memory(reserve):
    """Leaves this much of the address space unused, or gives it free."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (max(hard - reserve, 0), hard))


def processor_seconds():
    """Of this process, with its threads, and of its children that have ended and were waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Worker:
    """Made in the warm interpreter, bound to a socket in the shell that is forked from it."""

    def __init__(self):
        self.pid = self.frames = None
        self.remembers_cells = True  # in In and _i, but not those of a rehearsal
        self.interrupts = Interrupts()
        hold_while_forking(self.interrupts)
        watch_starts()
        self.outputs = Outputs(self.interrupts)
        self.streams = Stream(self.outputs, "stdout", 1), Stream(self.outputs, "stderr", 2)
        self.shell = ipython_shell.make_shell(self.outputs, lambda: limit_memory(0))
        self.has_shown = False  # the cell has called show()
        sys.meta_path.insert(0, ImportHook({
            "matplotlib.pyplot": show_by(self.show), "PIL.ImageShow": show_pictures_here,
            "plotly.io._renderers": need_no_nbformat}))
        warnings.filterwarnings("ignore", message="Matplotlib is currently using agg")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        warnings.filterwarnings("ignore", message="To exit: use 'exit'")
        # The cells' __main__ is IPython's module, not ours, and nothing of ours can be taken for a file of theirs.
        sys.modules["__main__"] = self.shell.user_module

    def bind(self, socket_fd):
        self.pid = os.getpid()
        _signal.signal(_signal.SIGINT, self.interrupts.on_signal)
        self.frames = Frames(socket_fd)
        self.outputs.open(self.frames)
        self.restore_streams()
        os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"  # its own choice brings 4 MB of script with each cell
        self.snapshots = SnapshotWriter(self.shell, drop=self.frames.socket.close)
        self.leftovers = Leftovers(self.snapshots.pids, self.magics_loop)
        sys.argv = [""]
        sys.path.insert(0, "")

    def unbind(self):
        """After a rehearsal."""
        self.outputs.close()
        self.frames.socket.close()
        self.pid = self.frames = self.snapshots = self.leftovers = None

    def restore_streams(self):
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self.streams

    def magics_loop(self):
        """The event loop of %%bash and its like, whose thread stays."""
        return getattr(self.shell.magics_manager.registry.get("ScriptMagics"), "event_loop", None)

    def show(self):
        self.show_figures()
        self.has_shown = True

    def show_figures(self, late=False):
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or not hasattr(pyplot, "get_fignums"):
            return
        for number in pyplot.get_fignums():
            if not shows_something(pyplot.figure(number), late):
                continue
            if self.outputs.images_left <= 0:
                self.outputs.images_dropped += 1
                continue
            try:
                self.outputs.image("image/png", figure_png(pyplot.figure(number)))
            except Exception as error:
                text = f"Figure {number} could not be drawn: {type(error).__name__}: {message_of(error)}\n"
                self.outputs.write("stderr", utf8(text))
        pyplot.close("all")

    def run(self, code):
        """The status of the cell."""
        interrupts, shell = self.interrupts, self.shell
        interrupts.seen = interrupts.pending = self.has_shown = False
        _signal.signal(_signal.SIGINT, interrupts.on_signal)
        limit_memory(MEMORY_RESERVE_BYTES)
        try:
            interrupts.armed = True
            result = shell.run_cell(code, store_history=self.remembers_cells)
            error = result.error_before_exec or result.error_in_exec
            self.show_figures(late=self.has_shown)
            sys.modules["ctypes"].CDLL(None).fflush(None) if "ctypes" in sys.modules else None
            interrupts.armed = False
        except BaseException as raised:
            interrupts.armed = False
            error = raised
            self.report(raised)
        if interrupts.seen and isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            return "interrupted"
        return "failed" if error is not None or self.outputs.failed else "ok"

    def report(self, error):
        """What IPython has not caught."""
        told = type(error), error, error.__traceback__
        try:
            self.shell.showtraceback(told)
        except Exception:  # a cell has changed IPython itself
            self.outputs.error(told[0].__name__, message_of(error), traceback_text(*told))

    def execute(self, frame):
        self.restore_streams()
        # The server counts on it: a cell of which it has not heard this may be run elsewhere.
        with self.interrupts:
            self.frames.send({"op": "begun", "id": frame["id"]})
        self.outputs.begin(frame["id"], frame["limits"])
        started, processor = time.perf_counter(), processor_seconds()
        try:
            status = self.run(frame["code"])
        except KeyboardInterrupt:  # it came while the cell was ending
            status = "interrupted"
        except MemoryError:
            status = "failed"
        finally:
            self.interrupts.armed = False
        duration, processor = time.perf_counter() - started, processor_seconds() - processor
        if os.getpid() != self.pid:  # the cell forked, and this is the copy
            os._exit(0)
        limit_memory(0)
        if self.outputs.failed:
            gc.collect()
        if self.shell.exit_asked:
            with self.interrupts:
                self.outputs.pipes.take_all()
                self.outputs.settle()
                self.outputs.flush()
                self.outputs.release()
            os._exit(0)
        for line in (self.leftovers.line(), quota.line(self.workspace, frame["limits"])):
            if line:
                self.outputs.write("stderr", utf8(line))
        self.outputs.end(status, duration, processor)

    def serve(self):
        self.get_ready()
        while True:
            self.wait()
            self.handle(self.frames.receive())

    def get_ready(self):
        self.workspace = os.getcwd()  # before a cell may change it
        self.last_cell = 0
        self.cell_before = {}  # by the id of a snapshot that is under way
        self.frames.send({"op": "ready", "python": sys.version.split()[0], "pid": self.pid})

    def handle(self, frame):
        if frame["op"] == "execute":
            self.execute(frame)
            self.last_cell = frame["id"]
        elif frame["op"] == "snapshot":
            self.cell_before[frame["id"]] = self.last_cell
            self.snapshots.begin(frame, self.frames.descriptor())
        elif frame["op"] == "restore":
            answer = restore(self.shell, frame, self.frames.descriptor())
            with self.interrupts:
                self.frames.send(answer)
        else:
            os._exit(0)

    def wait(self):
        """For a frame; meanwhile, the answers of snapshots go out, and memory is given back once nothing comes."""
        rests = list(REST_SECONDS)
        while True:
            for answer in self.snapshots.collect():
                answer["cell"] = self.cell_before.pop(answer["id"], 0)
                with self.interrupts:
                    self.frames.send(answer)
            socket, printed = self.frames.socket.fileno(), self.outputs.pipes.fds()
            timeout = self.snapshots.timeout()
            may_rest = timeout is None and rests
            fds = [socket, *printed, *self.snapshots.fds()]
            ready = select.select(fds, [], [], rests[0] if may_rest else timeout)[0]
            if socket in ready:
                return
            if not ready and may_rest:
                rests = rests[1:] if self.rest() else []
            elif not set(ready).isdisjoint(printed):
                with self.interrupts:
                    self.outputs.pipes.take_all()

    def rest(self):
        """Gives memory back; whether it is worth another try."""
        self.outputs.pipes.rest()
        return library.loaded.varro_image_give_back() == -errno.EBUSY
