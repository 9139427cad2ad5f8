"""The lines of cells, for tracebacks."""
import ast
import sys

from IPython.core.compilerop import CachingCompiler

from .own import __builtins__, linecache

# Under these names magics compile what they time.
TIMED = ("<timed exec>", "<timed eval>", "<magic-timeit>")
TEMPLATE = "def inner(_it, _timer)"  # of %timeit, around the code


class Compiler(CachingCompiler):
    """Knows also the lines of what a magic compiles: they are the cell's, from some line on."""

    cell = "<cell>"
    lines_before = None  # the body of a cell magic, such as %%time
    source = body = None  # what was parsed last; the first of a cell magic

    def get_code_name(self, raw_code, transformed_code, number):
        return f"<cell {number}>"

    def cache(self, transformed_code, number=0, raw_code=None):
        self.cell = super().cache(transformed_code, number, raw_code=raw_code)
        lines = (raw_code or "").splitlines()
        first = next((number for number, line in enumerate(lines) if line.strip()), 0)
        is_magic = bool(lines) and lines[first].startswith("%%")
        self.lines_before, self.body = first + 1 if is_magic else None, None
        if is_magic:
            self.remember(self.cell, raw_code)
        return self.cell

    @staticmethod
    def remember(name, source):
        entry = len(source), None, [line + "\n" for line in source.splitlines()], name
        linecache.cache[name] = getattr(sys.modules["linecache"], "_ipython_cache", {})[name] = entry

    def ast_parse(self, source, filename="<unknown>", symbol="exec"):
        if TEMPLATE not in source:
            self.source = source
        return super().ast_parse(source, filename, symbol)

    def __call__(self, source, filename, symbol):
        if filename in TIMED and isinstance(source, ast.AST):
            if self.lines_before is not None and self.body is None:
                self.body = self.source
            if self.body is not None and self.body is self.source:
                filename = self.cell
                ast.increment_lineno(source, self.lines_before)
            else:
                filename = f"{self.cell[:-1]}, {filename[1:]}"
                self.remember(filename, self.source or "")
        return super().__call__(source, filename, symbol)
