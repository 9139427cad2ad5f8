"""Figures and tables as the frames hold them."""
import importlib.abc
import importlib.util
import functools
import sys
import types

from .own import __builtins__, io

CELL_TEXT_CHARACTERS_MAX = 500  # of one table cell
TABLE_TEXT_CHARACTERS_MAX = 256 << 10  # of one table
LEVELS = " / "  # between the names of an index with several levels


def figure_png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def formatted_figure(figure):
    """For display(figure) or a figure as the last expression: it is not shown again at the end of the cell."""
    if not shows_something(figure, late=False):
        return None
    data = figure_png(figure)
    sys.modules["matplotlib.pyplot"].close(figure) if "matplotlib.pyplot" in sys.modules else None
    return data


def shows_something(figure, late):
    """Whether there is more on it than a white page. late: what calls such as plt.xticks() make of nothing, because
    they come after show(), does not count either."""
    try:
        own = [figure.patch, *figure.axes]
        rest = [child for child in figure.get_children() if child not in own]
        return any(child.get_visible() for child in rest) or \
            any(axes_show_something(axes, late) for axes in figure.axes)
    except Exception:  # axes of another kind than matplotlib's own
        return True


def axes_show_something(axes, late):
    texts = axes.get_title(), axes.get_title("left"), axes.get_title("right"), axes.get_xlabel(), axes.get_ylabel()
    if axes.get_visible() and (any(texts) or axes.texts or axes.tables or axes.artists or axes.get_legend()):
        return True
    return axes.get_visible() and (axes.has_data() or axes.axison and not late)


class ImportHook(importlib.abc.MetaPathFinder):
    """Changes modules when they are imported: some cost 50 MiB, so nothing imports them beforehand."""

    def __init__(self, changes):
        self.changes = changes  # by the module's name: a function that takes the module

    def find_spec(self, name, path, target=None):
        change = self.changes.pop(name, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


def show_by(show):
    """For matplotlib.pyplot."""

    def change(module):
        module.show = functools.wraps(module.show)(lambda *_, **__: show())

    return change


def show_pictures_here(module):
    """For PIL.ImageShow, which would sooner start a program that has no screen to show the picture on."""
    if hasattr(module, "IPythonViewer"):
        module.register(module.IPythonViewer, 0)


def need_no_nbformat(module):
    """For plotly.io._renderers, which wants to know the version of nbformat and nothing else of it."""
    if getattr(module, "nbformat", 0) is None:
        module.nbformat = types.SimpleNamespace(__version__="5.0.0")


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
    """A row's or a column's name each; the names of several levels are joined as those of the levels are."""
    try:
        if hasattr(index, "levels"):
            parts = [index.get_level_values(number).astype(str) for number in range(index.nlevels)]
            return [short(LEVELS.join(texts)) for texts in zip(*parts)]
        return [short(text) for text in index.astype(str)]
    except Exception:
        return [safe(value) for value in index]


def column_names(columns):
    return index_texts(columns) if hasattr(columns, "levels") else [safe(name) for name in columns]


def table_of(frame, limits):
    pandas = sys.modules["pandas"]
    if isinstance(frame, pandas.Series):
        frame = frame.to_frame()
    part = frame.iloc[: limits["table_rows"], : limits["table_columns"]]
    index_name = LEVELS.join("" if name is None else short(name) for name in part.index.names).strip(" /")
    texts = [index_texts(part.index)] + [column_texts(part.iloc[:, i]) for i in range(part.shape[1])]
    rows, left = [], TABLE_TEXT_CHARACTERS_MAX
    for row in zip(*texts):
        left -= sum(map(len, row))
        if left < 0:
            break
        rows.append(list(row))
    return {
        "type": "table",
        "columns": [index_name] + column_names(part.columns),
        "dtypes": [str(getattr(part.index, "dtype", "object"))] + [str(kind) for kind in part.dtypes],
        "rows": rows,
        "rows_total": int(frame.shape[0]),
        "columns_total": int(frame.shape[1]),
    }
