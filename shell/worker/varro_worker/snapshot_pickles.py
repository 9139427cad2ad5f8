"""How variables become bytes: cloudpickle, and what it does not do for a shell.

Functions of the cells are bound to the live namespace again, closures keep sharing their variables, views keep sharing
their array, classes and dataclasses of the cells come back whole, files that were being read are opened again.

The functions that rebuild objects are part of the file format: streams name them.
"""
import dataclasses
import functools
import io
import sys
import types
import typing
import weakref

try:
    from cloudpickle import CloudPickler
except ImportError:  # an operator's own Python may lack it; its shells work, but do not remember
    CloudPickler = None

from . import snapshot_classes
from .own import __builtins__, linecache, os
from .snapshot_reasons import Refused

SOURCE_CHARACTERS_MAX = 256 << 10  # of one cell

live = None  # the namespace that is being restored

# --- rebuilding


def function(code, name, closure):
    return types.FunctionType(code, live, name, None, closure)


def function_state(made, state):
    attributes, own, source = state
    for name, value in attributes.items():
        setattr(made, name, value)
    made.__dict__.update(own)
    file = made.__code__.co_filename
    if source and file not in linecache.cache:
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)


def cell():
    return types.CellType()


def cell_state(made, contents):
    made.cell_contents = contents[0]


def reopened(name, mode, encoding, errors, position):
    file = open(name, mode, encoding=encoding, errors=errors)
    file.seek(position)
    return file


def view(base, c_order, offset, shape, strides, dtype, writeable):
    import numpy

    made = numpy.ndarray(shape, dtype, base if c_order else base.T, offset, strides)
    made.flags.writeable = writeable
    return made


def memory_view(obj):
    return memoryview(obj)


def lru_cached(wrapped, maxsize, typed):
    return functools.lru_cache(maxsize, typed)(wrapped)


def cached(wrapped, name, doc):
    made = functools.cached_property(wrapped)
    made.attrname, made.__doc__ = name, doc
    return made


def weak_reference(kind, target, callback):
    return kind(target, callback)


def dead_reference(kind):
    class Gone:
        def method(self):
            pass

    return kind(Gone().method if kind is weakref.WeakMethod else Gone())


def weak_dictionary(kind, pairs):
    return kind(pairs)


def generic_item():
    return typing.Generic.__class_getitem__.__func__


def type_variable(kind, name, constraints, settings, module):
    made = kind(name, *constraints, **settings)
    try:
        made.__module__ = module
    except AttributeError:
        pass
    return made


def dataclass_mark(name):
    return getattr(dataclasses, name)


def new_type(name, supertype, module):
    made = typing.NewType(name, supertype)
    made.__module__ = module
    return made


def this_shell():
    from IPython import get_ipython

    return get_ipython()


# --- reducing


def reduce_function(pickler, made):
    if made is getattr(typing.Generic.__class_getitem__, "__func__", None):  # each generic NamedTuple has it
        return generic_item, ()
    if made.__globals__ is not pickler.namespace:
        return pickler.from_cloudpickle(made)
    attributes = {name: getattr(made, name) for name in ("__qualname__", "__defaults__", "__kwdefaults__", "__doc__",
                                                         "__annotations__", "__module__")}
    pickler.by_value.add(id(made))
    state = attributes, made.__dict__, pickler.source_of(made.__code__.co_filename)
    return function, (made.__code__, made.__name__, made.__closure__), state, None, None, function_state


def reduce_cell(pickler, made):
    try:
        contents = (made.cell_contents,)
    except ValueError:
        return cell, ()
    return cell, (), contents, None, None, cell_state


def path_of(file):
    """Its name may be relative to a folder that the shell has left since."""
    try:
        path = os.readlink(f"/proc/self/fd/{file.fileno()}")
    except OSError:
        path = ""
    return path if os.path.exists(path) else os.path.abspath(file.name)


def reduce_file(pickler, file):
    if file.closed:
        raise Refused("a closed file")
    if file.writable():
        raise Refused("a file that is open for writing")
    if not isinstance(file.name, str) or not file.seekable():
        raise Refused("an open file that has no name to open it by again")
    try:
        position = file.tell()
    except OSError:
        raise Refused("a file that is being read line by line") from None
    text = isinstance(file, io.TextIOWrapper)
    return reopened, (path_of(file), "r" if text else "rb", file.encoding if text else None,
                      file.errors if text else None, position)


def reduce_memory_view(pickler, made):
    if made.format != "B" or not made.c_contiguous or made.ndim != 1 or made.nbytes != memoryview(made.obj).nbytes:
        raise Refused("a memory view")
    return memory_view, (made.obj,)


def reduce_cached_property(pickler, made):
    return cached, (made.func, made.attrname, made.__doc__)


def reduce_weak_reference(pickler, reference):
    target = reference()
    if target is None:
        return dead_reference, (type(reference),)
    return weak_reference, (type(reference), target, reference.__callback__)


def reduce_weak_dictionary(pickler, dictionary):
    return weak_dictionary, (type(dictionary), list(dictionary.items()))


def reduce_type_variable(pickler, made):
    if made.__module__ != "__main__":
        return NotImplemented
    settings = {"covariant": made.__covariant__, "contravariant": made.__contravariant__, "bound": made.__bound__} \
        if hasattr(made, "__bound__") else {}
    return type_variable, (type(made), made.__name__, getattr(made, "__constraints__", ()), settings, made.__module__)


def reduce_lru_cache(pickler, made):
    if made.__module__ != "__main__":
        return NotImplemented
    parameters = made.cache_parameters()
    return lru_cached, (made.__wrapped__, parameters["maxsize"], parameters["typed"])


def reduce_mark(pickler, mark):
    for name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY"):
        if mark is getattr(dataclasses, name, None):
            return dataclass_mark, (name,)
    return NotImplemented


def reduce_new_type(pickler, made):
    if made.__module__ != "__main__":
        return NotImplemented
    return new_type, (made.__name__, made.__supertype__, made.__module__)


def reduce_array(pickler, array):
    """Arrays that share their memory with another are saved as views once the pickler has been told to."""
    if id(array) in pickler.private:
        return NotImplemented
    kind, base = type(array), array
    while type(base.base) is kind:
        base = base.base
    if base.dtype.hasobject or not (base.flags.c_contiguous or base.flags.f_contiguous):
        return NotImplemented
    offset = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    place = offset, array.shape, array.strides
    pickler.arrays.setdefault(id(base), (base, {}))[1][id(array)] = (*place, array.nbytes)
    if array is base or id(base) not in pickler.shared_bases:
        return NotImplemented
    return view, (base, base.flags.c_contiguous, *place, array.dtype, array.flags.writeable)


REDUCERS = {
    types.FunctionType: reduce_function,
    types.CellType: reduce_cell,
    io.TextIOWrapper: reduce_file,
    io.BufferedReader: reduce_file,
    io.BufferedWriter: reduce_file,
    io.BufferedRandom: reduce_file,
    io.FileIO: reduce_file,
    memoryview: reduce_memory_view,
    functools._lru_cache_wrapper: reduce_lru_cache,
    functools.cached_property: reduce_cached_property,
    typing.NewType: reduce_new_type,
    weakref.ref: reduce_weak_reference,
    weakref.WeakMethod: reduce_weak_reference,
    weakref.WeakKeyDictionary: reduce_weak_dictionary,
    weakref.WeakValueDictionary: reduce_weak_dictionary,
}
REDUCERS.update((getattr(typing, name), reduce_type_variable) for name in ("TypeVar", "ParamSpec", "TypeVarTuple")
                if hasattr(typing, name))
REDUCERS.update((type(getattr(dataclasses, name)), reduce_mark)
                for name in ("MISSING", "KW_ONLY", "_FIELD", "_HAS_DEFAULT_FACTORY") if hasattr(dataclasses, name))


def private_parts(index):
    """What a pandas Index is made of: it does not change, so that tables need not be saved together for its sake."""
    parts = [getattr(index, name, None) for name in ("_data", "_levels", "_codes", "_cache")]
    for part in list(parts):
        parts.append(getattr(part, "_ndarray", None))
        parts.append(getattr(part, "_data", None))
        if isinstance(part, (list, tuple)):
            parts.extend(part)
    return parts


class Pickler(CloudPickler or object):
    def __init__(self, sink, namespace, shared_bases=()):
        super().__init__(sink, protocol=5, buffer_callback=sink.take_buffer)
        self.namespace, self.shared_bases = namespace, shared_bases
        self.by_value = set()  # ids of functions and classes whose definition is in the stream
        self.private = set()  # ids of arrays that only an Index refers to
        self.arrays = {}  # id of an array that owns memory: (itself, {id of an array in it: (offset, shape, strides)})
        self.class_numbers, self.careful = {}, {}  # of snapshot_classes
        self.sources = {}  # of the cells that define functions: for tracebacks and inspect
        self.kept = []  # what only we refer to: without it ids would be used twice
        self.reducers = dict(REDUCERS)
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if hasattr(numpy, "ndarray"):
            self.reducers[numpy.ndarray] = reduce_array
        self.index_type = getattr(pandas, "Index", ())
        interactive = sys.modules.get("IPython.core.interactiveshell")
        self.shell_type = getattr(interactive, "InteractiveShell", ())

    def reducer_override(self, obj):
        reduce = self.reducers.get(type(obj))
        if reduce is not None:
            return reduce(self, obj)
        if issubclass(type(obj), self.index_type):
            parts = private_parts(obj)
            self.private.update(map(id, parts))
            self.kept.append(parts)
            return NotImplemented
        if issubclass(type(obj), self.shell_type):
            return this_shell, ()
        reduced = self.from_cloudpickle(obj)
        return snapshot_classes.reduce_instance(self, obj) if reduced is NotImplemented else reduced

    def source_of(self, file):
        if file not in self.sources:
            entry = linecache.cache.get(file) if file.startswith("<cell ") else None
            self.sources[file] = "".join(entry[2]) if entry and entry[0] <= SOURCE_CHARACTERS_MAX else None
        return self.sources[file]

    def from_cloudpickle(self, obj):
        reduced = super().reducer_override(obj)
        if not isinstance(reduced, tuple) or not isinstance(obj, (type, types.FunctionType)):
            return reduced
        name = reduced[0].__name__
        if name.startswith("_make"):
            self.by_value.add(id(obj))
        if name == "_make_skeleton_class":
            return snapshot_classes.reduce_class(self, obj, reduced[2][0])
        if name == "_make_skeleton_enum":
            return snapshot_classes.reduce_enum(self, obj, reduced[2][0])
        return reduced
