"""The worker's own builtins and modules, as they were before any cell ran.

A cell may put something else in the place of a function of the standard library, for a test or by mistake. That reaches
the cells and the libraries that they use. Did it reach the worker, it would break the protocol, and the shell would be
ended with all its variables. A module of the worker takes from here what it uses; __builtins__ is where Python looks up
the builtins of the functions that are defined below its import.
"""
import base64
import builtins
import codecs
import collections
import contextlib
import errno
import gc
import hashlib
import importlib.util
import io
import json
import linecache
import mmap
import operator
import os
import pickle
import queue
import random
import re
import resource
import select
import signal
import socket
import struct
import threading
import time
import traceback
import types
import _signal
import _socket

__builtins__ = dict(vars(builtins))


def own(module):
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(module.__dict__)
    return copy


for _name, _module in list(globals().items()):
    if type(_module) is types.ModuleType and _module not in (builtins, importlib):
        globals()[_name] = own(_module)

# json's own functions are methods of classes that a cell can reach; what they do is done in C.
_pieces_of = json.encoder.c_make_encoder({}, None, json.encoder.c_encode_basestring_ascii, None, ": ", ", ",
                                         False, False, True)
_scan = json.decoder.JSONDecoder().scan_once


def encoded(value):
    """What json.dumps() makes of it: varro-shells knows frames by these very bytes. Only for Python's plain types."""
    return "".join(_pieces_of(value, 0)).encode()


def decoded(data):
    """The value of JSON without blanks around it. Raises ValueError when it is not that."""
    text = data.decode()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end != len(text):
        raise ValueError("not JSON")
    return value


def executed(name):
    """The module once more, with what is from here: not even its inside can be reached by a cell."""
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    module.__builtins__ = __builtins__
    spec.loader.exec_module(module)
    for name, value in vars(module).items():
        if isinstance(value, types.ModuleType) and isinstance(globals().get(name), types.ModuleType):
            setattr(module, name, globals()[name])
    return module


_cache = linecache.cache  # has the sources of cells, and is one for all
linecache = executed("linecache")
linecache.cache = _cache
_check_files = linecache.checkcache
linecache.checkcache = lambda name=None: None if name and name.startswith("<") else _check_files(name)
traceback = executed("traceback")
# The worker's threads are not among those that a cell sees.
Thread = executed("threading").Thread
