"""Runs the code paths that first cells take, so that what they build lazily is shared by all shells."""
import sys

LIMITS = {"output_bytes": 64 << 10, "images": 2, "image_bytes": 4 << 20, "table_rows": 5, "table_columns": 5,
          "displays": 2, "display_bytes": 1 << 20, "displays_bytes": 1 << 20}

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
