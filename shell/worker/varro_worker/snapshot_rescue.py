"""What can still be had of a stream in which something cannot be restored: all variables that do not hold it.

Pickle ends at the first error, and what comes later may refer to what came before. Here something else is put in the
place of what fails, and the stream is read to its end. Slow, and needed seldom.
"""
import types

from . import snapshot_classes, snapshot_pickles
from .own import __builtins__, gc, io, pickle

# They are called with what they change and its state.
STATE_SETTERS = (snapshot_classes.class_state, snapshot_classes.enum_state, snapshot_classes.instance_state,
                 snapshot_pickles.function_state, snapshot_pickles.cell_state)


class Lost:
    """Stands where something could not be restored."""

    def __init__(self, error):
        self.error = error


class Rescuer(pickle._Unpickler):
    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream, buffers):
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self.losses = []
        self.broken = {}  # id: (object, Lost) of what was made, but did not get its state

    def lose(self, error, among=()):
        lost = next((item for item in among if isinstance(item, Lost)), None) or Lost(error)
        self.losses.append(lost)
        return lost

    def making(step, operands):
        """An opcode that makes something of the topmost operands."""
        def attempt(self):
            top = self.stack[-operands:]
            below = len(self.stack) - operands
            arguments = [item for part in top for item in (part if type(part) is tuple else (part,))]
            try:
                if any(isinstance(item, Lost) for item in arguments):
                    raise ValueError
                step(self)
            except Exception as error:
                lost = self.lose(error, arguments)
                self.stack[below:] = [lost]
                if top[0] in STATE_SETTERS or "setstate" in getattr(top[0], "__name__", ""):
                    self.broken[id(arguments[1])] = arguments[1], lost

        return attempt

    def filling(step):
        """An opcode that leaves on the stack what it changes."""
        def attempt(self):
            below = len(self.stack) - 1 if step is pickle._Unpickler.load_build else None
            try:
                step(self)
            except Exception as error:
                lost = self.lose(error, self.stack[-2:])
                if below is not None:
                    del self.stack[below:]
                self.broken[id(self.stack[-1])] = self.stack[-1], lost

        return attempt

    for _code, _operands in ((pickle.REDUCE, 2), (pickle.NEWOBJ, 2), (pickle.NEWOBJ_EX, 3), (pickle.STACK_GLOBAL, 2)):
        dispatch[_code[0]] = making(dispatch[_code[0]], _operands)
    for _code in (pickle.BUILD, pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS, pickle.ADDITEMS):
        dispatch[_code[0]] = filling(dispatch[_code[0]])

    def loss_in(self, value):
        """The first Lost that the value leads to."""
        seen, waiting = {id(snapshot_pickles.live)}, [value]
        while waiting:
            item = waiting.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if type(item) is Lost:
                return item
            if id(item) in self.broken:
                return self.broken[id(item)][1]
            if type(item) is types.ModuleType or isinstance(item, type) and item.__module__ != snapshot_classes.CELLS:
                continue
            waiting.extend(gc.get_referents(item))
        return None


def rescued(stream, buffers, names):
    """[(name, value, None)] and, of what is lost, [(name, None, error)]."""
    rescuer, found = Rescuer(stream, buffers), []
    for number, name in enumerate(names):
        before = len(rescuer.losses)
        try:
            value = rescuer.load()
        except BaseException as error:  # not even the stream is whole
            return found + [(name, None, error) for name in names[number:]]
        lost = rescuer.losses[before] if len(rescuer.losses) > before else rescuer.loss_in(value)
        found.append((name, None, lost.error) if lost else (name, value, None))
    return found
