"""IPython without its terminal: results, displays and errors go to Outputs."""
import asyncio
import builtins
import getpass
import keyword
import signal
import subprocess
import sys

from IPython.core.display import Image
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.formatters import BaseFormatter
from IPython.core.interactiveshell import InteractiveShell
from traitlets import ObjectName, Type, Unicode
from traitlets.config import Config

from .displays import formatted_figure, table_of
from .own import __builtins__, base64, os, re
from .rich_displays import altair_bundle, charts_of, rich_of
from .sources import Compiler
from .text import utf8
from .tracebacks import message_of, traceback_text

TABLE_TYPE = "application/vnd.varro.table"

# Where IPython's own syntax may begin; it may also be plain Python.
NOT_PLAIN = re.compile(r"^\s*(?:[%!,;/]|>>>|\.\.\.|In \[|\[(?:ins|nav)\])|=\s*[%!]|\?|\A\s", re.MULTILINE)
WORD = re.compile(r"\w+")


def is_plain_python(code):
    """Whether IPython surely leaves it as it is: then it need not be taken apart, which costs each shell a megabyte of
    pages that are no longer shared."""
    if NOT_PLAIN.search(code):
        return False
    # A single line may be a magic without its %, or call something by its mere name.
    return len(code.splitlines()) > 1 or keyword.iskeyword(WORD.match(code).group() if WORD.match(code) else "")


def make_shell(outputs, relax_memory):

    def show(data, as_value):
        if isinstance(data.get(TABLE_TYPE), dict) and outputs.tables_left > 0:
            outputs.tables_left -= 1
            outputs.display(data[TABLE_TYPE])
            return
        if any(outputs.rich(output) for output in charts_of(data)):
            return
        # A formula comes before its picture, as sympy.init_printing() offers both.
        if "text/html" not in data and any(outputs.rich(output) for output in rich_of(data, ("text/latex",))):
            return
        for media_type in ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"):
            image = data.get(media_type)
            if isinstance(image, str):
                image = utf8(image) if media_type == "image/svg+xml" else base64.b64decode(image)
            if isinstance(image, bytes):
                outputs.image(media_type, image)
                return
        if any(outputs.rich(output) for output in rich_of(data)):
            return
        text = data.get("text/plain")
        if isinstance(text, str):
            outputs.value(text) if as_value else outputs.write("stdout", utf8(text + "\n"))

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
        def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
            display_id = (transient or {}).get("display_id")
            with outputs.at(display_id, update):
                show(data, display_id is not None)

        def clear_output(self, wait=False):
            outputs.clear(wait)

    class Shell(InteractiveShell):
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)
        compiler_class = Type(Compiler)
        exit_asked = False

        def ask_exit(self):
            self.exit_asked = True

        def transformers(self):
            manager = self.input_transformer_manager
            return [*manager.cleanup_transforms, *manager.line_transforms, *manager.token_transformers,
                    *self.input_transformers_post]

        def transform_cell(self, raw_cell):
            # A cell may have brought transformers of its own.
            if is_plain_python(raw_cell) and self.transformers() == self.usual_transformers:
                return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
            return super().transform_cell(raw_cell)

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
    shell.usual_transformers = shell.transformers()
    shell.loop_runner = run_coroutine
    formatter = shell.display_formatter
    tables = TableFormatter(parent=formatter)
    for module, name in (("pandas.core.frame", "DataFrame"), ("pandas.core.series", "Series"),
                         ("pandas", "DataFrame"), ("pandas", "Series")):  # where it says that it comes from
        tables.for_type_by_name(module, name, lambda frame: table_of(frame, outputs.limits))
        for media_type in ("text/html", "text/latex"):  # tables are shown from their data
            formatter.formatters[media_type].for_type_by_name(module, name, lambda frame: None)
    formatter.formatters[TABLE_TYPE] = tables
    formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", formatted_figure)
    for version in "456":
        formatter.mimebundle_formatter.for_type_by_name(f"altair.vegalite.v{version}.api", "TopLevelMixin",
                                                        altair_bundle)
    formatter.active_types = ["text/plain", "text/markdown", "text/latex", "text/html", "application/json", "image/png",
                              "image/jpeg", "image/svg+xml", TABLE_TYPE]

    def no_input(*_, **__):
        raise StdinNotImplementedError("input() does not work here: nobody can type into a running cell. "
                                       "Put the value into the code.")

    if "webp" not in Image._ACCEPTABLE_EMBEDDINGS:  # as in later versions
        Image._ACCEPTABLE_EMBEDDINGS.append("webp")
        Image._MIMETYPES["webp"] = "image/webp"
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
