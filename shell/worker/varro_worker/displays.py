"""Figures and tables as the frames hold them."""
import importlib.abc
import importlib.util
import functools
import io
import sys

CELL_TEXT_CHARACTERS_MAX = 500  # of one table cell
TABLE_TEXT_CHARACTERS_MAX = 256 << 10  # of one table


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
