"""Saves a shell's variables into a snapshot file and loads them again. The file's format: snapshot_file.

Variables that share an object that can change are one group, saved in one pickle stream, so that they share it again.
To find the groups each variable is pickled on its own first, the newest first: one that an earlier stream already holds
(an Axes of a Figure, a list's element) joins that stream at no cost. Streams that turn out to share something are then
pickled again as one. What was pickled is not written when the snapshot before holds the same.
"""
import sys

from . import snapshot_classes, snapshot_pickles, snapshot_rescue, snapshot_state
from .own import __builtins__, gc, io, operator, os, pickle, re, types
from .snapshot_file import CannotWrite, Checks, Damaged, end_of, read_footer, read_segment, write_at, write_footer
from .snapshot_groups import UNCHANGING, FileSink, Group, Sink, sha256
from .snapshot_reasons import bytes_text, why_not_loaded, why_not_saved

VARIABLES_MAX = 20_000
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

NAMES_OF_IPYTHON = re.compile(r"_(i{1,3}|i\d+|ih|oh|dh|\d+)$")
LAST_RESULTS = ("_", "__", "___")  # saved when that is possible, but not worth a word when it is not
PLAIN = UNCHANGING - {tuple, frozenset, slice}  # types whose objects do not even refer to what can change
PROVEN_MEMBERS_MAX = 100  # of a tuple or frozenset that is looked into


class Session:
    """One call of save()."""

    def __init__(self, namespace, fd, bytes_max, refused, on_variable):
        self.namespace, self.fd, self.bytes_max = namespace, fd, bytes_max
        self.refused, self.on_variable = refused, on_variable
        self.kept_bytes = 0
        self.hashes = {}  # (address, size) of a buffer: its hash; many variables may refer to the same
        self.lost = []

    def hash_of(self, view):
        numpy = sys.modules.get("numpy")
        if numpy is None or not view.nbytes:
            return sha256(view)
        key = numpy.frombuffer(view, numpy.uint8).__array_interface__["data"][0], view.nbytes
        if key not in self.hashes:
            self.hashes[key] = sha256(view)
        return self.hashes[key]

    def lose(self, name, reason):
        if name not in LAST_RESULTS:
            self.lost.append({"name": name, "reason": reason})

    # --- groups

    def pickle_each(self, variables):
        """The groups found so far, and which of them holds each object that can change."""
        groups, holders = [], {}
        for number, (name, value) in enumerate(variables):
            self.on_variable(number)
            if name in self.refused:
                self.lose(name, self.refused[name])
                continue
            holder = holders.get(id(value))
            group = holder or Group(self, watched=True)
            try:
                group.add(name, value)
                if holder is None:
                    group.find_places()
                    groups.append(group)
            except BaseException as error:
                self.lose(name, why_not_saved(value, error, self.bytes_max))
                group.sink.drop()  # it may hold half a pickle
                continue
            if holder is None:
                for key in group.places:
                    other = holders.setdefault(key, group)
                    if other is not group:
                        self.join(group, other)
        return groups

    @staticmethod
    def root(group):
        while group.joined is not group:
            group.joined = group.joined.joined
            group = group.joined
        return group

    def join(self, one, other):
        one, other = self.root(one), self.root(other)
        if one is not other:
            one.joined = other

    def merge(self, groups, order):
        """Streams that share something become one."""
        together = {}
        for group in groups:
            together.setdefault(id(self.root(group)), []).append(group)
        merged = []
        for members in together.values():
            if len(members) == 1 and not members[0].shares_memory():
                merged.append(members[0])
                continue
            content, bases = self.content_of(members), shared_bases(members)
            names = sorted((name for member in members for name in member.names), key=order.get)
            if len(members) == 1 and not bases:
                merged.append(members[0])
                continue
            for member in members:
                member.sink.drop()
            try:
                self.on_variable(order[names[0]])
                group = self.pickle_together(names, bases, Sink(self))
            except BaseException as error:
                for name in names:
                    self.lose(name, why_not_saved(self.namespace[name], error, self.bytes_max))
                continue
            group.content = content
            merged.append(group)
        return merged

    def pickle_together(self, names, bases, sink):
        group = Group(self, sink, bases)
        for name in names:
            group.add(name, self.namespace[name])
        return group

    def content_of(self, members):
        """Changes whenever the joint stream would: with a member, or with what they share."""
        shared = {}
        for number, member in enumerate(members):
            for key, place in member.places.items():
                shared.setdefault(key, []).append((number, place))
        pairs = sorted(repr(where) for where in shared.values() if len(where) > 1 or isinstance(where[0][1], list))
        return sha256(repr(([(member.names, member.sink.parts()) for member in members], pairs)).encode())

    # --- writing

    def fit(self, groups):
        """Small groups first, as many as the limit allows."""
        left, kept = self.bytes_max, set()
        for group in sorted(groups, key=lambda group: group.sink.bytes):
            left -= group.sink.bytes
            if left >= 0:
                kept.add(id(group))
                continue
            for name in group.names:
                size, limit = bytes_text(group.sink.bytes), bytes_text(self.bytes_max)
                self.lose(name, f"it needs {size}, more than was left of the {limit} that a snapshot can hold")
        return [group for group in groups if id(group) in kept]

    def write(self, group, offset):
        """(entry, end) of the group at this offset."""
        if group.sink.chunks is None:
            content = group.entry(offset)["content"]
            sink = FileSink(self, offset)
            group = self.pickle_together(group.names, group.pickler.shared_bases, sink)
            sink.flush()
            group.content = content
            return group.entry(offset), write_at(self.fd, sink.end, sink.buffers)
        return group.entry(offset), write_at(self.fd, offset, group.sink.chunks + group.sink.buffers)


def shared_bases(members):
    """The arrays in whose memory at least two arrays of the group stand, unless hardly any of it is reachable."""
    bases = {}
    for member in members:
        for key, (base, views) in member.pickler.arrays.items():
            bases.setdefault(key, (base, {}))[1].update(views)
    return {key for key, (base, views) in bases.items()
            if len(views) > 1 and base.nbytes <= 4 * sum(place[-1] for place in views.values())}


def variables_of(namespace, hidden):
    """The user's variables, the newest first: later ones tend to refer to earlier ones."""
    return [(name, value) for name, value in reversed(list(namespace.items()))
            if type(name) is str and not NAMES_OF_IPYTHON.match(name)
            and not (name in hidden and hidden[name] is value)]


def base_segments(fd, footer):
    try:
        index = None if footer is None else read_footer(fd, footer)
    except Damaged:
        index = None
    if index is None or index["python"] != PYTHON:
        return {}, None
    return {(tuple(entry["names"]), entry["content"]): entry for entry in index["segments"]}, index


def save(namespace, fd, base=None, *, bytes_max=1 << 30, hidden=None, state=None, refused=None,
         on_variable=lambda number: None):
    """Appends a snapshot of the namespace to the file; returns a report.

    base: offset of the footer whose segments can be used again. bytes_max: of all variables of the snapshot together.
    hidden: {name: value} that are not the user's. state: as snapshot_state captured it. refused: {name: reason} not to
    be tried. on_variable is told the number of each variable, in the order of variables_of(), before it is touched.

    The report: footer (offset; base when nothing changed), bytes (appended), total_bytes, saved, lost. Raises
    CannotWrite when the disk is full or the like; the footers before stay valid.
    """
    session = Session(namespace, fd, bytes_max, refused or {}, on_variable)
    variables = variables_of(namespace, hidden or {})
    for name, _ in variables[VARIABLES_MAX:]:
        session.lose(name, f"there are more than {VARIABLES_MAX} variables")
    variables = variables[:VARIABLES_MAX]
    order = {name: number for number, (name, _) in enumerate(variables)}
    groups = session.fit(session.merge(session.pickle_each(variables), order))
    state = state_group(session, snapshot_state.capture() if state is None else state)
    known, base_index = base_segments(fd, base)
    start = offset = end_of(fd)
    entries = []
    for group in [state] + groups:
        entry = group.entry(offset)
        if (tuple(entry["names"]), entry["content"]) in known:
            entries.append(known[tuple(entry["names"]), entry["content"]])
            continue
        try:
            entry, offset = session.write(group, offset)
            entries.append(entry)
        except CannotWrite:
            raise
        except BaseException as error:  # it was pickled before, but not a second time
            for name in group.names:
                session.lose(name, why_not_saved(namespace[name], error, bytes_max))
    saved = sorted((name for entry in entries for name in entry["names"]), key=order.get, reverse=True)
    report = {"footer": base, "bytes": 0, "total_bytes": sum(size for entry in entries for size, _ in entry["parts"]),
              "saved": saved, "lost": session.lost[::-1]}
    if base_index is None or entries != base_index["segments"] or report["lost"] != base_index["lost"]:
        index = {"python": PYTHON, "segments": entries, "lost": report["lost"]}
        end = write_footer(fd, offset, index)
        report.update(footer=offset, bytes=end - start)
    return report


def can_be_pickled(session, value):
    try:
        Group(session).pickler.dump(value)
        return True
    except BaseException:
        return False


def state_group(session, captured):
    group = Group(session)
    count = captured.get(snapshot_state.COUNT, 0)
    group.pickler.dump({name: value for name, value in captured.items()
                        if name != snapshot_state.COUNT and can_be_pickled(session, value)})
    group.content = group.sink.hash.hexdigest()
    group.pickler.dump(count)
    return group


def proof_of(variables, captured):
    """Something that differs once a variable has changed; None when that cannot be told without looking into them."""
    try:
        values = proven_values(variables)
        return None if values is None else (values, pickle.dumps({**captured, snapshot_state.COUNT: 0}, 5))
    except Exception:  # some setting is an object of the cells, or a hostile type does not even want to be looked up
        return None


def proven_values(variables):
    values = []
    for name, value in variables:
        function = type(value) is types.FunctionType
        if function:
            inside = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
            if value.__closure__ or value.__dict__ or not all(type(item) in PLAIN for item in inside):
                return None
        elif type(value) in (tuple, frozenset):
            if len(value) > PROVEN_MEMBERS_MAX or not all(type(item) in PLAIN for item in value):
                return None
        elif type(value) not in PLAIN:
            return None
        values += [name, value] + ([value.__code__, value.__defaults__] if function else [])
    return values


def is_unchanged(before, now):
    return before[1] == now[1] and len(before[0]) == len(now[0]) and all(map(operator.is_, before[0], now[0]))


def load_segment(fd, entry):
    """[(name, value, None)], and (name, None, error) of what is lost."""
    checks, values, failed = Checks(), [], False
    names = entry["names"] or [None, None]
    snapshot_classes.made.clear()
    try:
        try:
            stream, buffers = read_segment(fd, entry, checks)
            unpickler = pickle.Unpickler(io.BytesIO(stream), buffers=buffers)
            for name in names:
                values.append((name, unpickler.load(), None))
        except Damaged:
            raise
        except BaseException:
            failed = True
        checks.finish()
    except Damaged as error:
        return [(name, None, error) for name in names]
    if failed:
        snapshot_classes.made.clear()
        values = snapshot_rescue.rescued(stream, buffers, names)
    return values


def load(namespace, fd, footer, *, shell=None):
    """Puts the variables of a snapshot into the namespace; returns a report: restored, lost.

    Raises Damaged when there is no snapshot at that place. lost also names what could not be saved in the first place.
    Only for a file that this same shell's user wrote: loading runs what the file says.
    """
    index = read_footer(fd, footer)
    lost, values = list(index["lost"]), []
    here, lent = os.getcwd(), []  # entries of sys.path while variables are loaded: the state may lead to another folder
    collecting = gc.isenabled()
    gc.disable()
    snapshot_pickles.live = namespace
    try:
        for entry in index["segments"]:
            if entry["code"] and index["python"] != PYTHON:
                error = Damaged(f"it holds code of Python {index['python']}, and this is {PYTHON}")
                found = [(name, None, error) for name in entry["names"]]
            else:
                found = load_segment(fd, entry)
            if not entry["names"]:
                if found and isinstance(found[0][1], dict):
                    lost += snapshot_state.restore({**found[0][1], snapshot_state.COUNT: found[1][1]}, shell)
                    folders = [here, *found[0][1].get(snapshot_state.MODULES, ())]
                    lent = [folder for folder in folders if folder not in sys.path]
                    sys.path.extend(lent)
                continue
            values.extend((name, value) for name, value, error in found if error is None)
            lost.extend({"name": name, "reason": why_not_loaded(error)} for name, _, error in found
                        if error is not None and name not in LAST_RESULTS)
    finally:
        snapshot_pickles.live = None
        for entry in lent:
            if entry in sys.path:
                sys.path.remove(entry)
        if collecting:
            gc.enable()
    for name, value in reversed(values):
        namespace[name] = value
    return {"restored": [name for name, _ in reversed(values)], "lost": lost}
