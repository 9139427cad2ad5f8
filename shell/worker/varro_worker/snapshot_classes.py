"""Classes of the cells and their instances, put together again without running the cells' own code.

A class is made empty and then gets all that it had. What its __init_subclass__, the __set_name__ of its members or its
metaclass once did is in there: they must not do it again, with names that are not restored yet and without the
arguments that they had. So it is with __new__, __init__, __setattr__ and __getattr__ of instances.

The functions that rebuild objects are part of the file format: streams name them.
"""
import abc
import contextlib
import copyreg
import enum
import types

from .own import __builtins__

CELLS = "__main__"
HEAP_TYPE = 1 << 9  # of a type's __flags__: it was made by a class statement, or could have been

# Who defines one of these in a cell says for itself how its instances are saved.
OWN_WORDS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
# Of these a cell's own would be called while an instance is put together: always, with the items of a list or a
# dictionary, and where the class is called once more.
CALLED = ("__new__", "__getattr__", "__getattribute__", "__setattr__")
CALLED_WITH_ITEMS = ("__setitem__", "append", "extend")
CALLED_AGAIN = ("__init__",)

made = {}  # number: class, of the stream that is being loaded

# --- rebuilding


def is_native(kind):
    return not kind.__flags__ & HEAP_TYPE


def maker_of(metaclass):
    """The nearest metaclass that makes a class without code of a cell or a library."""
    return next(kind for kind in metaclass.__mro__ if is_native(kind) or kind in (abc.ABCMeta, enum.EnumMeta))


@contextlib.contextmanager
def without_hooks(bases):
    kinds = {kind for base in bases for kind in base.__mro__ if not is_native(kind)}
    hooks = [(kind, kind.__dict__["__init_subclass__"]) for kind in kinds if "__init_subclass__" in kind.__dict__]
    for kind, _ in hooks:
        type.__setattr__(kind, "__init_subclass__", classmethod(lambda *_, **__: None))
    try:
        yield
    finally:
        for kind, hook in hooks:
            type.__setattr__(kind, "__init_subclass__", hook)


def new_class(number, metaclass, name, bases, members):
    if number in made:  # a class that is found again among its own bases' attributes
        return made[number]
    metaclass = metaclass or types.prepare_class(name, bases)[0]
    with without_hooks(bases):
        if metaclass.__module__ != CELLS:
            try:
                kind = types.new_class(name, bases, {"metaclass": metaclass}, lambda space: space.update(members))
                return made.setdefault(number, kind)
            except Exception:  # it wants more than a name and bases
                pass
        made[number] = maker_of(metaclass).__new__(metaclass, name, bases, dict(members))
    return made[number]


def class_state(kind, state):
    attributes, subclasses = state
    assign = maker_of(type(kind)).__setattr__
    for name, value in attributes.items():
        try:
            assign(kind, name, value)
        except (AttributeError, TypeError):
            setattr(kind, name, value)
    for subclass in subclasses:
        abc.ABCMeta.register(kind, subclass)
    hook = next((base for base in kind.__mro__[1:] if "__init_subclass__" in base.__dict__), object)
    if hook.__module__ not in (CELLS, "builtins", "typing"):
        try:
            super(kind, kind).__init_subclass__()  # a library's registry does not come back by itself
        except Exception:  # it wants arguments, which nobody knows any more
            pass


def new_enum(number, metaclass, name, bases, members, attributes):
    """members: [(name, value, arguments of the native __new__)]."""
    if number in made:
        return made[number]
    space = enum.EnumMeta.__prepare__(name, bases)
    values = iter(members)

    def member(kind, *_):
        _, value, arguments = next(values)
        new = native_of(kind, "__new__").__new__(kind, *arguments)
        new._value_ = value
        return new

    for key, value in {**attributes, "__new__": member, "__init__": lambda *_: None}.items():
        space[key] = value
    for key, value, _ in members:
        space[key] = value
    with without_hooks(bases):
        kind = made[number] = enum.EnumMeta.__new__(metaclass, name, bases, space)
    return kind


def enum_state(kind, state):
    attributes, own = state
    for name in ("__init__", "__new_member__", "_new_member_"):
        if name in kind.__dict__ and name not in attributes:
            type.__delattr__(kind, name)
    for name, value in attributes.items():
        type.__setattr__(kind, name, value)
    for name, values in own.items():
        kind.__members__[name].__dict__.update(values)


def native_of(kind, name):
    """Whose method it is when those of cells and libraries are passed over."""
    return next(base for base in kind.__mro__ if name in base.__dict__ and is_native(base))


def passed_over(kind, name):
    """Whose method makes an instance again: cells are passed over, and libraries when it is an exception."""
    if issubclass(kind, BaseException):
        return native_of(kind, name)
    return next(base for base in kind.__mro__ if base.__module__ != CELLS)


def new_instance(kind, arguments):
    return passed_over(kind, "__new__").__new__(kind, *arguments)


def called_instance(kind, arguments):
    new = new_instance(kind, arguments)
    passed_over(kind, "__init__").__init__(new, *arguments)
    return new


def instance_state(new, state):
    attributes, slots, items, pairs = state
    if attributes:
        object.__getattribute__(new, "__dict__").update(attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(new, name, value)
    if items is not None:
        base = native_of(type(new), "extend")
        base.extend(new, items)
    if pairs is not None:
        base = native_of(type(new), "__setitem__")
        for key, value in pairs:
            base.__setitem__(new, key, value)


# --- reducing


def number_of(pickler, kind):
    """The same for the same class in the same stream, so that an unchanged stream has the same bytes."""
    pickler.kept.append(kind)
    return pickler.class_numbers.setdefault(id(kind), len(pickler.class_numbers))


def reduce_class(pickler, kind, attributes):
    """A class whose definition goes into the stream; attributes: what cloudpickle would set."""
    attributes = {name: value for name, value in attributes.items()
                  if type(value).__name__ != "CField" or type(value).__module__ != "_ctypes"}  # of a ctypes.Structure
    subclasses = attributes.pop("_abc_impl", ())
    members = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    for name in ("__slots__", "__orig_bases__"):
        if name in kind.__dict__:
            members[name] = kind.__dict__[name]
    if isinstance(kind.__dict__.get("__dict__"), property):
        members["__dict__"] = kind.__dict__["__dict__"]
    metaclass = type(kind)
    if metaclass is not type and is_native(metaclass):  # that of ctypes has a name, but no place; the bases have it
        metaclass = None
    arguments = number_of(pickler, kind), metaclass, kind.__name__, kind.__bases__, members
    return new_class, arguments, (attributes, list(subclasses)), None, None, class_state


def reduce_enum(pickler, kind, attributes):
    members, own = [], {}
    for name, member in kind.__members__.items():
        members.append((name, member._value_, object.__reduce_ex__(member, 2)[1][1:]))
        own[member._name_] = {key: value for key, value in member.__dict__.items() if key != "__objclass__"}
        attributes.pop(name, None)
    first = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    arguments = number_of(pickler, kind), type(kind), kind.__name__, kind.__bases__, members, first
    return new_enum, arguments, (attributes, own), None, None, enum_state


def owners(kind, names):
    """Which classes of its own, in Python, define any of the names."""
    return [base for base in kind.__mro__ if not is_native(base) and any(name in base.__dict__ for name in names)]


def needs_care(kind):
    """Whether pickle's own way would run code that is not native. Objects of libraries know what they do, but for
    exceptions, whose __init__ mostly takes other arguments than what is left of them."""
    if kind.__module__ != CELLS and not (issubclass(kind, BaseException) and not is_native(kind)):
        return False
    called = CALLED + (CALLED_WITH_ITEMS if issubclass(kind, (list, dict)) else ())
    if kind.__reduce__ is not object.__reduce__ or kind.__reduce_ex__ is not object.__reduce_ex__:
        called += CALLED_AGAIN
    speaking, called = owners(kind, OWN_WORDS), owners(kind, called)
    if issubclass(kind, BaseException):
        return not speaking and bool(called)
    # A library's own __reduce__ may call the class, and then it is the cell's __init__ that would not understand.
    if owners(kind, OWN_WORDS[1:]) or any(base.__module__ == CELLS for base in speaking):
        return False
    return any(base.__module__ == CELLS for base in called)


def reduce_instance(pickler, value):
    kind = type(value)
    if kind not in pickler.careful:
        pickler.careful[kind] = needs_care(kind)
    if not pickler.careful[kind]:
        return NotImplemented
    reduced = value.__reduce_ex__(5)
    if not isinstance(reduced, tuple):
        return NotImplemented
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if len(reduced) > 5 or not isinstance(attributes, (dict, type(None))) or not isinstance(slots, (dict, type(None))):
        return NotImplemented
    if make is copyreg.__newobj__ and arguments[0] is kind:
        make, arguments = new_instance, (kind, arguments[1:])
    elif make is kind:
        make, arguments = called_instance, (kind, arguments)
        attributes = attributes or getattr(value, "__dict__", None)  # some native types forget it
    else:
        return NotImplemented
    state = attributes, slots, None if items is None else list(items), None if pairs is None else list(pairs)
    return make, arguments, state, None, None, instance_state
