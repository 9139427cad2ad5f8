"""Groups of variables as pickle streams, and what tells whether two of them must be one."""
import datetime
import decimal
import enum
import fractions
import logging
import pathlib
import re
import sys
import types
import uuid

from . import snapshot_pickles
from .own import __builtins__, hashlib
from .snapshot_file import write_at
from .snapshot_reasons import TooLarge

IN_STREAM_BYTES_MAX = 64 << 10  # smaller buffers stay in the stream
KEPT_BYTES_MAX = 64 << 20  # of streams in memory; what is more is pickled a second time
WRITE_BYTES = 1 << 20

# Objects of these types are never a reason to save two variables together: they do not change.
UNCHANGING = {int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented), tuple, frozenset,
              range, slice, types.CodeType, types.BuiltinFunctionType, types.ModuleType, re.Pattern, decimal.Decimal,
              fractions.Fraction, uuid.UUID, datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
              datetime.timezone}
UNCHANGING_BASES = (enum.Enum, pathlib.PurePath, logging.Logger)
UNCHANGING_MODULES = ("pandas._libs.tslibs", "pandas.core.dtypes.dtypes", "pandas.core.indexes")


def changes(kind, _known={}):
    """Whether objects of this type can change."""
    known = _known.get(kind)
    if known is None:
        numpy = sys.modules.get("numpy")
        known = _known[kind] = not (
            kind in UNCHANGING or issubclass(kind, UNCHANGING_BASES)
            or str(kind.__module__).startswith(UNCHANGING_MODULES)
            or numpy is not None and issubclass(kind, (numpy.dtype, numpy.generic, numpy.ufunc)))
    return known


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Sink:
    """Takes one stream: hashes it, and keeps it while there is room."""

    def __init__(self, session):
        self.session = session
        self.hash = hashlib.sha256()
        self.chunks = []  # None: there was no room
        self.stream_bytes = self.bytes = self.kept_bytes = 0
        self.buffers = []

    def write(self, data):
        count = memoryview(data).nbytes
        self.count(count)
        self.stream_bytes += count
        self.hash.update(data)
        if self.chunks is not None:
            self.chunks.append(data)
            self.kept_bytes += count
            self.session.kept_bytes += count
            if self.session.kept_bytes > KEPT_BYTES_MAX:
                self.drop()

    def drop(self):
        """The stream is pickled again when it is needed."""
        self.chunks = None
        self.session.kept_bytes -= self.kept_bytes
        self.kept_bytes = 0

    def take_buffer(self, buffer):
        view = buffer.raw()
        if view.nbytes < IN_STREAM_BYTES_MAX:
            return True
        self.count(view.nbytes)
        self.buffers.append(view)
        return False

    def count(self, count):
        self.bytes += count
        if self.bytes > self.session.bytes_max:
            raise TooLarge

    def parts(self):
        return [[self.stream_bytes, self.hash.hexdigest()]] + [[view.nbytes, self.session.hash_of(view)]
                                                                for view in self.buffers]


class FileSink(Sink):
    """Writes the stream to the file as it comes, from an offset on."""

    def __init__(self, session, offset):
        super().__init__(session)
        self.end, self.pending, self.pending_bytes = offset, [], 0

    def write(self, data):
        count = memoryview(data).nbytes
        self.count(count)
        self.stream_bytes += count
        self.hash.update(data)
        self.pending.append(data)
        self.pending_bytes += count
        if self.pending_bytes >= WRITE_BYTES:
            self.flush()

    def flush(self):
        self.end = write_at(self.session.fd, self.end, self.pending)
        self.pending, self.pending_bytes = [], 0


class Group:
    """Variables in one stream."""

    def __init__(self, session, sink=None, shared_bases=(), watched=False):
        self.sink = sink or Sink(session)
        self.pickler = snapshot_pickles.Pickler(self.sink, session.namespace, shared_bases)
        self.visited = []  # every object as it is pickled; what matters is also kept alive by the pickler
        if watched:
            self.pickler.persistent_id = self.visited.append  # gives None, which means: nothing special
        self.places = {}  # id of an object that can change: its place
        self.names = []
        self.content = None  # not simply the hash of what is written, when groups were joined
        self.joined = self  # another group that holds these variables as well

    def add(self, name, value):
        self.pickler.dump(value)
        self.names.append(name)

    def find_places(self):
        """Where each object that can change stands in the stream. Views of an array stand in the array."""
        pickler = self.pickler
        kinds = {kind for kind in set(map(type, self.visited)) if changes(kind)}
        definitions = {kind for kind in kinds if issubclass(kind, (types.FunctionType, type))}
        pairs = [(id(obj), place) for place, obj in enumerate(self.visited) if type(obj) in kinds]
        pairs.reverse()  # the first place counts
        self.places = dict(pairs)
        by_name = {id(obj) for obj in self.visited if type(obj) in definitions} - pickler.by_value
        for key in by_name | pickler.private:
            self.places.pop(key, None)
        for key, (_, views) in pickler.arrays.items():
            self.places[key] = sorted(views.values())
        self.visited.clear()

    def shares_memory(self):
        return any(len(views) > 1 for _, views in self.pickler.arrays.values())

    def entry(self, offset):
        parts = self.sink.parts()
        content = self.content or sha256(repr((self.names, parts)).encode())
        return {"names": self.names, "offset": offset, "parts": parts, "content": content,
                "code": bool(self.pickler.by_value)}
