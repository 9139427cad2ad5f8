"""Settings of the standard library, numpy and IPython that cells change for all that follows, such as precision.

Each is (capture, restore); capture gives None when there is nothing to remember.
"""
import csv
import decimal
import locale
import logging
import socket
import sys
import warnings

from .own import __builtins__

initial_filters = None  # of warnings, before any cell


def begin():
    """In the warm interpreter, or in a shell that was not forked from one."""
    global initial_filters
    if initial_filters is None:
        initial_filters = warnings.filters[:]


# Flags are results of calculations, and no settings.
CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def decimal_contexts():
    """Of this thread and of new ones."""
    return [({name: getattr(context, name) for name in CONTEXT}, [signal for signal, on in context.traps.items() if on])
            for context in (decimal.getcontext(), decimal.DefaultContext)]


def restore_decimal_contexts(contexts):
    for context, (values, traps) in zip((decimal.getcontext(), decimal.DefaultContext), contexts):
        for name, value in values.items():
            setattr(context, name, value)
        for signal in context.traps:
            context.traps[signal] = signal in traps


def warning_filters():
    return None if warnings.filters == initial_filters else warnings.filters[:]


def restore_warning_filters(filters):
    warnings.filters[:] = filters
    warnings._filters_mutated()


def restore_locale(name):
    if name != locale.setlocale(locale.LC_ALL):
        locale.setlocale(locale.LC_ALL, name)


def int_digits():
    return sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else None


def loggers():
    """Levels, and what logging.basicConfig() has set up for the cells' streams."""
    levels = {name: logger.level for name, logger in logging.root.manager.loggerDict.items()
              if isinstance(logger, logging.Logger) and logger.level}
    handlers = [("stderr" if handler.stream is sys.stderr else "stdout", handler.level, handler.formatter)
                for handler in logging.root.handlers
                if type(handler) is logging.StreamHandler and handler.stream in (sys.stdout, sys.stderr)]
    disabled = logging.root.manager.disable
    return {"root": logging.root.level, "levels": levels, "handlers": handlers, "disabled": disabled}


def restore_loggers(state):
    logging.disable(state["disabled"])
    logging.root.setLevel(state["root"])
    for name, level in state["levels"].items():
        logging.getLogger(name).setLevel(level)
    for stream, level, formatter in state["handlers"]:
        handler = logging.StreamHandler(getattr(sys, stream))
        handler.setLevel(level)
        handler.setFormatter(formatter)
        logging.root.addHandler(handler)


def numpy_errors():
    numpy = sys.modules.get("numpy")
    return numpy and numpy.geterr()


def restore_numpy_errors(errors):
    import numpy

    numpy.seterr(**errors)


OF_PROCESS = {
    "decimal": (decimal_contexts, restore_decimal_contexts),
    "warnings": (warning_filters, restore_warning_filters),
    "locale": (lambda: locale.setlocale(locale.LC_ALL), restore_locale),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "digits of integers": (int_digits, lambda count: sys.set_int_max_str_digits(count)),
    "csv": (csv.field_size_limit, csv.field_size_limit),
    "socket timeout": (socket.getdefaulttimeout, socket.setdefaulttimeout),
    "logging": (loggers, restore_loggers),
    "numpy errors": (numpy_errors, restore_numpy_errors),
}

PLAIN_TEXT = ("float_precision", "pprint", "max_seq_length", "max_width")


def ipython(shell):
    plain = shell.display_formatter.formatters["text/plain"]
    return shell.ast_node_interactivity, {name: getattr(plain, name) for name in PLAIN_TEXT}


def restore_ipython(shell, state):
    shell.ast_node_interactivity, plain = state
    for name, value in plain.items():
        setattr(shell.display_formatter.formatters["text/plain"], name, value)


OF_SHELL = {"IPython": (ipython, restore_ipython)}
