"""Runs the cells of one shell: the Python process inside the sandbox.

Started as: python3 -I -B worker.py SOCKET LIMITS. SOCKET is the number of a stream socket that speaks the frames of
shell/frames.hpp, LIMITS a JSON object of process limits. Everything a cell prints goes through Outputs, which keeps the
order: Python's streams write into it directly, and what child processes or C code write to descriptors 1 and 2 arrives
through pipes that are emptied before each Python write. The cells' code shares this process, so the server trusts
nothing that comes from here; what this file guards against is accident.
"""
import ast  # noqa: F401  (imported before the workspace is on the path, so that no file there can stand in)
import asyncio
import base64
import builtins
import codecs
import collections
import functools
import gc
import getpass
import importlib.abc
import importlib.util
import io
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import types
import warnings

TABLE_TYPE = "application/vnd.varro.table"
CELL_TEXT_CHARACTERS_MAX = 500  # of one table cell
TABLE_TEXT_CHARACTERS_MAX = 256 << 10  # of one table
TRACEBACK_BYTES_MAX = 16 << 10
MESSAGE_BYTES_MAX = 4 << 10
ERRORS_MAX = 20  # of one cell
FRAMES_MAX = 30  # of one traceback: the outermost 10 and the innermost 20
AT_ONCE_MAX = 64  # lines of a cell that are sent as they come, so that a crash does not take them; later ones in batches
BATCH_SECONDS = 0.1
BETWEEN_BYTES_MAX = 8 << 10  # printed by threads between two cells
MEMORY_RESERVE_BYTES = 32 << 20  # kept from user code, so that running out of memory can be reported


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


class Outputs:
    """What the cell in flight produced, in order and within its limits.

    Of the streams' text the first half of the budget is sent as it comes; of what follows the newest half is kept and
    sent at the end, after a line that counts what lies between.
    """

    def __init__(self, frames, guard):
        self.frames, self.guard = frames, guard
        self.cell = None
        self.between = collections.deque()
        self.child = False  # we are a forked copy: the descriptors are the only way out
        self.pipes = {}
        for name, fd in (("stdout", 1), ("stderr", 2)):
            reading, writing = os.pipe()
            os.dup2(writing, fd, inheritable=True)
            os.close(writing)
            os.set_blocking(reading, False)
            self.pipes[reading] = (name, codecs.getincrementaldecoder("utf-8")("replace"))
        self.ready = select.poll()
        for fd in self.pipes:
            self.ready.register(fd, select.POLLIN)
        self.wake_reading, self.wake_writing = os.pipe()
        os.register_at_fork(after_in_child=self.forked)
        self.reset({"output_bytes": BETWEEN_BYTES_MAX, "images": 0, "image_bytes": 0, "table_rows": 0, "table_columns": 0})
        threading.Thread(target=self.read_pipes, daemon=True, name="varro-output").start()

    def reset(self, limits):
        self.limits = limits
        self.head_left = limits["output_bytes"] // 2
        self.tail_max = limits["output_bytes"] - self.head_left
        self.values_left = limits["output_bytes"]
        self.images_left = self.tables_left = limits["images"]
        self.errors_left = ERRORS_MAX
        self.images_dropped = 0
        self.failed = False
        self.unsent, self.kept, self.tail = [], [], collections.deque()
        self.tail_bytes = self.dropped_bytes = 0
        self.at_once = AT_ONCE_MAX

    def forked(self):
        self.child = True
        self.guard.lock = threading.RLock()
        self.guard.held = 0
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.frames.socket.close()

    # --- from descriptors 1 and 2

    def read_pipes(self):
        poll = select.poll()
        for fd in (*self.pipes, self.wake_reading):
            poll.register(fd, select.POLLIN)
        while True:
            ready = poll.poll(None if self.cell is None else BATCH_SECONDS * 1000)
            with self.guard:
                for fd, _ in ready:
                    if fd == self.wake_reading:
                        os.read(fd, 64)
                    else:
                        self.take(fd)
                self.flush()

    def take(self, fd):
        # One read is enough: a pipe holds no more than this, so all that was written before us is in it.
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        name, decoder = self.pipes[fd]
        self.append(name, utf8(decoder.decode(data)))

    def take_all(self):
        for fd, _ in self.ready.poll(0):
            self.take(fd)

    # --- from Python

    def write(self, name, data):
        if self.child:
            fd = 1 if name == "stdout" else 2
            while data:
                data = data[os.write(fd, data):]
            return
        with self.guard:
            self.take_all()
            self.append(name, data)

    def append(self, name, data):
        if not data:
            return
        if self.cell is None:
            self.between.append((name, data[-BETWEEN_BYTES_MAX:]))
            while sum(len(text) for _, text in self.between) > BETWEEN_BYTES_MAX:
                self.between.popleft()
            return
        if self.head_left > 0:
            cut = boundary(data, min(len(data), self.head_left))
            part, data = data[:cut], data[cut:]
            self.head_left = 0 if data else self.head_left - len(part)
            self.unsent.append((name, part))
            if self.at_once and part.endswith(b"\n"):
                self.at_once -= 1
                self.flush()
        if data:
            self.append_tail(name, data)

    def append_tail(self, name, data):
        last = self.tail[-1] if self.tail else None
        if isinstance(last, list) and last[0] == name and len(last[1]) < 4096:
            last[1] += data
        else:
            self.tail.append([name, bytearray(data)])
        self.tail_bytes += len(data)
        while self.tail_bytes > self.tail_max:
            first = self.tail[0]
            if not isinstance(first, list):
                self.kept.append(self.tail.popleft())
                continue
            excess = self.tail_bytes - self.tail_max
            if len(first[1]) > excess:
                while excess < len(first[1]) and first[1][excess] & 0xC0 == 0x80:
                    excess += 1
                del first[1][:excess]
            else:
                excess = len(first[1])
                self.tail.popleft()
            self.tail_bytes -= excess
            self.dropped_bytes += excess

    def display(self, output):
        if self.child:
            return
        with self.guard:
            self.take_all()
            if self.cell is None:
                return
            if self.tail or self.dropped_bytes:
                self.tail.append(output)
            else:
                self.flush()
                self.send(output)

    def image(self, media_type, data):
        if self.images_left <= 0:
            self.images_dropped += 1
            return
        self.images_left -= 1
        limit = self.limits["image_bytes"]
        if len(data) > limit:
            self.write("stderr", utf8(f"An image of {len(data)} bytes was left out; the limit is {limit} bytes.\n"))
            return
        self.display({"type": "image", "media_type": media_type, "data": base64.b64encode(data).decode()})

    def value(self, text):
        data = clipped(utf8(text), self.limits["output_bytes"] // 2)
        if len(data) > self.values_left:
            self.write("stdout", data + b"\n")
            return
        self.values_left -= len(data)
        self.display({"type": "value", "text": data.decode("utf-8", "replace")})

    def error(self, name, message, text):
        self.failed = True
        if self.errors_left <= 0:
            return
        self.errors_left -= 1
        self.display({
            "type": "error",
            "name": clipped(utf8(name), 256).decode("utf-8", "replace"),
            "message": clipped(utf8(message), MESSAGE_BYTES_MAX).decode("utf-8", "replace"),
            "traceback": clipped(utf8(text), TRACEBACK_BYTES_MAX).decode("utf-8", "replace"),
        })

    # --- to the server

    def send(self, output):
        self.frames.send({"op": "output", "id": self.cell, "output": output})

    def send_text(self, name, data):
        self.send({"type": "stream", "name": name, "text": bytes(data).decode("utf-8", "replace")})

    def flush(self):
        if self.cell is None or not self.unsent:
            return
        unsent, self.unsent = self.unsent, []
        run = []
        for name, data in unsent:
            if run and run[0] != name:
                self.send_text(run[0], b"".join(run[1:]))
                run = []
            run = run or [name]
            run.append(data)
        self.send_text(run[0], b"".join(run[1:]))

    def begin(self, cell, limits):
        with self.guard:
            self.take_all()
            self.reset(limits)
            self.cell = cell
            while self.between:
                self.append(*self.between.popleft())
        os.write(self.wake_writing, b"x")

    def end(self, status, duration):
        if self.images_dropped:
            self.write("stderr", b"%d further images were left out.\n" % self.images_dropped)
        with self.guard:
            self.take_all()
            for name, decoder in self.pipes.values():
                self.append(name, utf8(decoder.decode(b"", True)))
            self.flush()
            for output in self.kept:
                self.send(output)
            if self.dropped_bytes:
                name = next((item[0] for item in self.tail if isinstance(item, list)), "stdout")
                self.send_text(name, b"\n[%d bytes left out]\n" % self.dropped_bytes)
            for item in self.tail:
                if isinstance(item, list):
                    self.send_text(*item)
                else:
                    self.send(item)
            cell, self.cell = self.cell, None
            self.frames.send({"op": "done", "id": cell, "status": status, "duration_us": int(duration * 1e6)})
            self.reset(self.limits)


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


# --- figures and tables ---------------------------------------------------------------------------------------------


def figure_png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def formatted_figure(figure):
    """For display(figure) or a figure as the last expression: it is not shown again at the end of the cell."""
    data = figure_png(figure)
    sys.modules["matplotlib.pyplot"].close(figure) if "matplotlib.pyplot" in sys.modules else None
    return data


class PyplotHook(importlib.abc.MetaPathFinder):
    """Gives pyplot our show() when it is imported: matplotlib costs 50 MiB, so nothing imports it beforehand."""

    def __init__(self, show):
        self.show = show

    def find_spec(self, name, path, target=None):
        if name != "matplotlib.pyplot":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            module.show = functools.wraps(module.show)(lambda *_, **__: self.show())

        spec.loader.exec_module = exec_module
        return spec


def short(value):
    text = str(value)
    return text if len(text) <= CELL_TEXT_CHARACTERS_MAX else text[: CELL_TEXT_CHARACTERS_MAX - 1] + "…"


def safe(value):
    try:
        return short(value)
    except Exception as error:
        return f"<{type(error).__name__} in str()>"


def column_texts(column):
    """A column's values as pandas prints them."""
    try:
        from pandas.io.formats.format import format_array

        texts = [short(text.strip()) for text in format_array(column._values, None)]
        if len(texts) == len(column):
            return texts
    except Exception:
        pass
    return [safe(value) for value in column]


def index_texts(index):
    try:
        return [short(text) for text in index.astype(str)] if index.nlevels == 1 else [safe(value) for value in index]
    except Exception:
        return [safe(value) for value in index]


def table_of(frame, limits):
    pandas = sys.modules["pandas"]
    if isinstance(frame, pandas.Series):
        frame = frame.to_frame()
    part = frame.iloc[: limits["table_rows"], : limits["table_columns"]]
    index_name = " / ".join("" if name is None else short(name) for name in part.index.names).strip(" /")
    texts = [index_texts(part.index)] + [column_texts(part.iloc[:, i]) for i in range(part.shape[1])]
    rows, left = [], TABLE_TEXT_CHARACTERS_MAX
    for row in zip(*texts):
        left -= sum(map(len, row))
        if left < 0:
            break
        rows.append(list(row))
    return {
        "type": "table",
        "columns": [index_name] + [safe(name) for name in part.columns],
        "dtypes": [str(getattr(part.index, "dtype", "object"))] + [str(kind) for kind in part.dtypes],
        "rows": rows,
        "rows_total": int(frame.shape[0]),
        "columns_total": int(frame.shape[1]),
    }


# --- tracebacks -----------------------------------------------------------------------------------------------------


def is_users(frame):
    return frame.filename.startswith(("<cell ", "/workspace/", os.getcwd() + "/"))


def shorten(trace, depth=0):
    """Leaves only the frames of cells and workspace files, also in the causes; drops causes that have none."""
    frames = [frame for frame in trace.stack if is_users(frame)]
    if len(frames) > FRAMES_MAX:
        gap = traceback.FrameSummary("…", 0, f"{len(frames) - FRAMES_MAX} frames left out", lookup_line=False, line="")
        frames = frames[:10] + [gap] + frames[-20:]
    trace.stack = traceback.StackSummary.from_list(frames)
    for name in ("__cause__", "__context__"):
        other = getattr(trace, name)
        if other is not None:
            shorten(other, depth + 1)
            if not other.stack or depth > 5:
                setattr(trace, name, None)
    for other in getattr(trace, "exceptions", None) or ():
        shorten(other, depth + 1)


def traceback_text(kind, value, tb):
    trace = traceback.TracebackException(kind, value, tb, compact=True)
    shorten(trace)
    lines = list(trace.format() if trace.stack or getattr(trace, "exceptions", None) else trace.format_exception_only())
    return "".join(lines).rstrip("\n")


def message_of(value):
    try:
        return str(value)
    except Exception:
        return "<exception str() failed>"


# --- IPython --------------------------------------------------------------------------------------------------------


def make_shell(outputs, relax_memory):
    from IPython.core.compilerop import CachingCompiler
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.error import StdinNotImplementedError, UsageError
    from IPython.core.formatters import BaseFormatter
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import ObjectName, Type, Unicode
    from traitlets.config import Config

    def show(data, as_value):
        if isinstance(data.get(TABLE_TYPE), dict) and outputs.tables_left > 0:
            outputs.tables_left -= 1
            outputs.display(data[TABLE_TYPE])
            return
        for media_type in ("image/png", "image/jpeg", "image/svg+xml"):
            image = data.get(media_type)
            if isinstance(image, str):
                image = utf8(image) if media_type == "image/svg+xml" else base64.b64decode(image)
            if isinstance(image, bytes):
                outputs.image(media_type, image)
                return
        for media_type in ("text/markdown", "text/latex", "text/plain"):
            text = data.get(media_type)
            if isinstance(text, str):
                outputs.value(text) if as_value else outputs.write("stdout", utf8(text + "\n"))
                return

    class TableFormatter(BaseFormatter):
        format_type = Unicode(TABLE_TYPE)
        print_method = ObjectName("_repr_varro_table_")
        _return_type = dict

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            show(format_dict, True)

        def finish_displayhook(self):
            pass

        def update_user_ns(self, result):
            # IPython's own keeps _ only together with the growing cache of all results.
            names = self.shell.user_ns
            names["___"], names["__"], names["_"] = names.get("__"), names.get("_"), result

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, source=None, **_):
            show(data, False)

        def clear_output(self, wait=False):
            pass

    class Compiler(CachingCompiler):
        def get_code_name(self, raw_code, transformed_code, number):
            return f"<cell {number}>"

    class Shell(InteractiveShell):
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)
        compiler_class = Type(Compiler)
        exit_asked = False

        def ask_exit(self):
            self.exit_asked = True

        def enable_gui(self, gui=None):
            pass

        def showtraceback(self, exc_tuple=None, *_, **__):
            relax_memory()
            kind, value, tb = exc_tuple or sys.exc_info()
            if kind is None:
                return
            if outputs.guard.seen and issubclass(kind, asyncio.CancelledError):
                kind, value, tb = KeyboardInterrupt, KeyboardInterrupt(), None
            if issubclass(kind, UsageError):
                outputs.error(kind.__name__, message_of(value), f"{kind.__name__}: {message_of(value)}")
            else:
                outputs.error(kind.__name__, message_of(value), traceback_text(kind, value, tb))

        def showsyntaxerror(self, *_, **__):
            self.showtraceback()

        def system(self, cmd):
            """!cmd: the child's output comes through the pipes; an interrupt ends the command with all it started."""
            with subprocess.Popen(self.var_expand(cmd, depth=1), shell=True, executable=os.environ.get("SHELL"),
                                  start_new_session=True) as child:
                try:
                    self.user_ns["_exit_code"] = child.wait()
                except BaseException:
                    os.killpg(child.pid, signal.SIGKILL)
                    raise

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.banner1 = ""
    shell = Shell.instance(config=config)
    shell.loop_runner = run_coroutine
    formatter = shell.display_formatter
    tables = TableFormatter(parent=formatter)
    for name in ("DataFrame", "Series"):
        tables.for_type_by_name(f"pandas.core.{'frame' if name == 'DataFrame' else 'series'}", name,
                                lambda frame: table_of(frame, outputs.limits))
    formatter.formatters[TABLE_TYPE] = tables
    formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", formatted_figure)
    formatter.active_types = ["text/plain", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml",
                              TABLE_TYPE]

    def no_input(*_, **__):
        raise StdinNotImplementedError("input() does not work here: nobody can type into a running cell. "
                                       "Put the value into the code.")

    builtins.input = no_input
    getpass.getpass = no_input
    return shell


def run_coroutine(coroutine):
    """A cell with top-level await. An interrupt cancels it: left pending, it would go on inside the next cell."""
    loop = run_coroutine.loop = run_coroutine.loop or asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except KeyboardInterrupt:
        task.cancel()
        return loop.run_until_complete(task)


run_coroutine.loop = None


# --- the worker -----------------------------------------------------------------------------------------------------


def limit_process(limits):
    for name in ("CORE", "FSIZE", "NOFILE", "NPROC", "AS"):
        if name in limits:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limits[name], limits[name]))


def limit_memory(reserve):
    """Leaves this much of the address space unused, or gives it free."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (max(hard - reserve, 0), hard))


class Worker:
    def __init__(self, socket_fd):
        self.pid = os.getpid()
        self.interrupts = Interrupts()
        signal.signal(signal.SIGINT, self.interrupts.on_signal)
        self.frames = Frames(socket_fd)
        import IPython.core.interactiveshell  # noqa: F401  (while descriptor 2 still leads to the server's log)

        self.outputs = Outputs(self.frames, self.interrupts)
        self.streams = Stream(self.outputs, "stdout", 1), Stream(self.outputs, "stderr", 2)
        self.restore_streams()
        self.shell = make_shell(self.outputs, lambda: limit_memory(0))
        sys.meta_path.insert(0, PyplotHook(self.show_figures))
        warnings.filterwarnings("ignore", message="Matplotlib is currently using agg")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        warnings.filterwarnings("ignore", message="To exit: use 'exit'")
        sys.argv = [""]
        sys.path.insert(0, "")

    def restore_streams(self):
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self.streams

    def show_figures(self):
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or not hasattr(pyplot, "get_fignums"):
            return
        for number in pyplot.get_fignums():
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
        interrupts.seen = interrupts.pending = False
        signal.signal(signal.SIGINT, interrupts.on_signal)
        limit_memory(MEMORY_RESERVE_BYTES)
        try:
            interrupts.armed = True
            result = shell.run_cell(code, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            self.show_figures()
            sys.modules["ctypes"].CDLL(None).fflush(None) if "ctypes" in sys.modules else None
            interrupts.armed = False
        except BaseException as raised:
            interrupts.armed = False
            error = raised
            shell.showtraceback((type(raised), raised, raised.__traceback__))
        if interrupts.seen and isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            return "interrupted"
        return "failed" if error is not None or self.outputs.failed else "ok"

    def execute(self, frame):
        self.restore_streams()
        self.outputs.begin(frame["id"], frame["limits"])
        started = time.perf_counter()
        try:
            status = self.run(frame["code"])
        except KeyboardInterrupt:  # it came while the cell was ending
            status = "interrupted"
        except MemoryError:
            status = "failed"
        finally:
            self.interrupts.armed = False
        duration = time.perf_counter() - started
        if os.getpid() != self.pid:  # the cell forked, and this is the copy
            os._exit(0)
        limit_memory(0)
        if self.outputs.failed:
            gc.collect()
        if self.shell.exit_asked:
            with self.interrupts:
                self.outputs.take_all()
                self.outputs.flush()
            os._exit(0)
        self.outputs.end(status, duration)

    def serve(self):
        self.frames.send({"op": "ready", "python": sys.version.split()[0], "pid": self.pid})
        while True:
            frame = self.frames.receive()
            if frame["op"] == "execute":
                self.execute(frame)
            else:
                os._exit(0)


def main():
    limit_process(json.loads(sys.argv[2]))
    worker = Worker(int(sys.argv[1]))
    # The cells' __main__ is IPython's module, not this file.
    sys.modules["__main__"] = worker.shell.user_module if isinstance(worker.shell.user_module, types.ModuleType) else None
    worker.serve()


main()
