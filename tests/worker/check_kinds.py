"""Reads a list of [footer, expression] from stdin, loads each from the file of argv[1]; prints what came of each."""
import json
import os
import sys

from cells import load


def check(fd, footer, expression):
    try:
        cells, report = load(fd, footer)
        sys.modules["__main__"] = cells.module
        if report["lost"]:
            return str(report["lost"])
        return "" if cells.value(expression) else f"not so after loading: {expression}"
    except BaseException as error:
        return repr(error)


descriptor = os.open(sys.argv[1], os.O_RDONLY)
json.dump([check(descriptor, *item) for item in json.load(sys.stdin)], sys.stdout)
