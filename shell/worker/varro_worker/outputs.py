"""Everything a cell prints and shows, in order and within its limits.

Python's streams write into Outputs directly; what child processes or C code write to descriptors 1 and 2 arrives
through pipes that are emptied before each Python write.
"""
from .own import __builtins__, _signal, base64, collections, contextlib, os, threading
from .pipes import Pipes
from .terminal import Terminal, as_shown
from .text import boundary, clipped, utf8

TRACEBACK_BYTES_MAX = 16 << 10
MESSAGE_BYTES_MAX = 4 << 10
ERRORS_MAX = 20  # of one cell
AT_ONCE_MAX = 64  # lines of a cell that are sent as they come, so that a crash does not take them
BETWEEN_BYTES_MAX = 8 << 10  # printed by threads between two cells
FLOOD_TAILS = 4  # times what is shown of a flood's end: escape sequences, and what is written over, do not count


def image_bytes(output):
    """Of the picture whose data is base64."""
    data = output["data"]
    return len(data) // 4 * 3 - data[-2:].count("=")


class Outputs:
    """What the cell in flight produced, in order and within its limits.

    Of the streams' text the first half of the budget is sent as it comes; of what follows the newest half is kept and
    sent at the end, after a line that counts what lies between.
    """

    def __init__(self, guard):
        """Without a cell and without a way out: as the warm interpreter makes it, long before the shell exists."""
        self.frames, self.guard = None, guard
        self.cell = None
        self.between = collections.deque()
        self.child = False  # we are a forked copy: the descriptors are the only way out
        take = lambda name, text: self.append(name, utf8(text))
        self.pipes = Pipes(guard, take, self.flush, self.flood_room, self.skip)
        os.register_at_fork(after_in_child=self.forked)
        self.reset({"output_bytes": 0, "images": 0, "image_bytes": 0, "table_rows": 0, "table_columns": 0})

    def open(self, frames):
        """In the shell's own process: takes over descriptors 1 and 2 and begins to read them."""
        self.frames = frames
        self.between.clear()
        self.reset(self.limits)
        self.pipes.open()

    def close(self):
        self.pipes.close()
        self.frames = None

    def reset(self, limits):
        self.limits = limits
        self.head_left = limits["output_bytes"] // 2
        self.tail_max = limits["output_bytes"] - self.head_left
        self.values_left = limits["output_bytes"]
        self.images_left = self.tables_left = limits["images"]
        self.errors_left = ERRORS_MAX
        self.displays_left = limits.get("displays", 0)
        self.display_bytes_left = limits.get("displays_bytes", 0)
        self.shown_left = limits.get("shown_bytes", 1 << 62)  # of images and rich outputs together
        self.images_dropped = 0
        self.failed = False
        self.terminals = {"stdout": Terminal(), "stderr": Terminal()}
        self.unsent, self.kept, self.tail = [], [], collections.deque()
        self.tail_bytes = self.dropped_bytes = 0
        self.at_once = AT_ONCE_MAX
        self.slots = {}  # display id: its output, as it was last shown
        self.slot_count = 0
        self.sent_slots, self.replacements = set(), {}
        self.target = None  # (display id, whether it replaces) of the next output
        self.held = self.budget = None  # after the first clear: what was shown since, and what was left then
        self.clear_waits = False

    def forked(self):
        if self.frames is None:  # this is how a shell begins
            return
        self.child = True
        self.guard.lock = threading.RLock()
        self.guard.held = 0
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        self.frames.socket.close()

    # --- from Python

    def write(self, name, data):
        if self.child:
            fd = 1 if name == "stdout" else 2
            while data:
                data = data[os.write(fd, data):]
            return
        with self.guard:
            self.pipes.take_all()
            self.append(name, data)

    def append(self, name, data):
        if not data:
            return
        if self.clear_waits:
            self.clear_now()
        if self.cell is None:
            self.between.append((name, data[-BETWEEN_BYTES_MAX:]))
            while sum(len(text) for _, text in self.between) > BETWEEN_BYTES_MAX:
                self.between.popleft()
            return
        for other, terminal in self.terminals.items():
            if other != name and not terminal.is_live and not terminal.is_empty():
                self.pass_on(other, terminal.rest())
        self.pass_on(name, self.terminals[name].taken(data))

    def flood_room(self):
        """Bytes of the pipes that may wait, because only the newest of them will be sent, when the cell ends."""
        floods = self.cell is not None and self.head_left == 0 and not self.clear_waits
        return FLOOD_TAILS * self.tail_max if floods else 0

    def skip(self, count):
        """Bytes of a flood that nobody will see."""
        self.dropped_bytes += count

    def settle(self):
        """What the terminals hold will not change any more."""
        for name, terminal in self.terminals.items():
            self.pass_on(name, terminal.rest())

    def pass_on(self, name, data):
        if not data:
            return
        if self.head_left > 0:
            cut = boundary(data, min(len(data), self.head_left))
            part, data = data[:cut], data[cut:]
            self.head_left = 0 if data else self.head_left - len(part)
            self.unsent.append((name, part))
            if self.at_once and part.endswith(b"\n"):
                self.at_once -= 1
                self.flush()
        if data:
            self.append_tail(name, data)

    def append_tail(self, name, data):
        last = self.tail[-1] if self.tail else None
        if isinstance(last, list) and last[0] == name and len(last[1]) < 4096:
            last[1] += data
        else:
            self.tail.append([name, bytearray(data)])
        self.tail_bytes += len(data)
        while self.tail_bytes > self.tail_max:
            first = self.tail[0]
            if not isinstance(first, list):
                self.kept.append(self.tail.popleft())
                continue
            excess = self.tail_bytes - self.tail_max
            if len(first[1]) > excess:
                while excess < len(first[1]) and first[1][excess] & 0xC0 == 0x80:
                    excess += 1
                del first[1][:excess]
            else:
                excess = len(first[1])
                self.tail.popleft()
            self.tail_bytes -= excess
            self.dropped_bytes += excess

    def display(self, output):
        if self.child:
            return
        with self.guard:
            self.pipes.take_all()
            if self.cell is None:
                return
            if self.clear_waits:
                self.clear_now()
            if self.takes_place(output):
                return
            self.settle()
            if self.tail or self.dropped_bytes:
                self.tail.append(output)
            else:
                self.flush()
                self.send(output)

    # --- displays that replace others

    @contextlib.contextmanager
    def at(self, display_id, update):
        """The next output is display(…, display_id=…), or an update of it."""
        known = self.slots.get(display_id) if update else None
        self.target = None if display_id is None else (display_id, update)
        self.charge(known, 1)
        try:
            yield
        finally:
            if self.target is not None:  # nothing came
                self.charge(known, -1)
            self.target = None

    def charge(self, output, count):
        kind = output and output["type"]
        if kind == "image":
            self.images_left += count
            self.shown_left += count * image_bytes(output)
        elif kind == "table":
            self.tables_left += count
        elif kind == "rich":
            self.displays_left += count
            size = len(utf8(output["data"]))
            self.display_bytes_left += count * size
            self.shown_left += count * size
        elif kind == "value":
            self.values_left += count * len(utf8(output["text"]))

    def takes_place(self, output):
        if self.target is None:
            return False
        (display_id, update), self.target = self.target, None
        known = self.slots.get(display_id) if update else None
        if known is None:
            self.slot_count += 1
            output["slot"] = self.slot_count
            self.slots[display_id] = output
            return False
        output["slot"] = known["slot"]
        if output["slot"] in self.sent_slots:
            self.replacements[output["slot"]] = self.slots[display_id] = output
        else:
            known.clear()
            known.update(output)
        return True

    def clear(self, wait):
        """clear_output(): what the cell has shown goes away; with wait, once there is something new."""
        if self.child:
            return
        with self.guard:
            self.pipes.take_all()
            if self.cell is None:
                return
            self.clear_waits = True
            if not wait:
                self.clear_now()

    def clear_now(self):
        self.clear_waits = False
        names = ("head_left", "values_left", "images_left", "tables_left", "displays_left", "display_bytes_left",
                 "shown_left")
        if self.held is None:
            # From here on everything waits for the end of the cell, so that a thousand clears cost one.
            self.send({"type": "clear"})
            self.budget = [getattr(self, name) for name in names]
        else:
            for name, value in zip(names, self.budget):
                setattr(self, name, value)
        for terminal in self.terminals.values():
            terminal.forget()
        self.images_dropped = self.tail_bytes = self.dropped_bytes = 0
        self.held, self.unsent, self.kept, self.tail = [], [], [], collections.deque()
        self.slots, self.replacements, self.sent_slots = {}, {}, set()

    def release(self):
        """Nothing is held back any longer: the cell ends."""
        held, self.held = self.held or [], None
        for output in held:
            self.send(output)

    def rich(self, output):
        """Whether it was shown. It is not when it is too large: then something simpler is."""
        if output is None:
            return False
        output["text"] = as_shown(output["text"])
        size = len(utf8(output["data"]))
        limit = min(self.limits.get("display_bytes", 0), self.display_bytes_left)
        if self.displays_left <= 0 or size > limit:
            what = f"A display of {size} bytes of {output['media_type']}"
            why = f"the limit is {limit} bytes" if self.displays_left > 0 else "the cell has shown too many"
            self.write("stderr", utf8(f"{what} was left out; {why}.\n"))
            return False
        if not self.may_show(f"A display of {size} bytes of {output['media_type']}", size):
            return False
        self.displays_left -= 1
        self.display_bytes_left -= size
        self.display(output)
        return True

    def may_show(self, what, size):
        """Takes it from what the cell may show altogether; says so when there is no room."""
        if size > self.shown_left:
            self.write("stderr", utf8(f"{what} was left out: {self.limits.get('shown_why')}.\n"))
            return False
        self.shown_left -= size
        return True

    def image(self, media_type, data):
        if self.images_left <= 0:
            self.images_dropped += 1
            return
        self.images_left -= 1
        limit = self.limits["image_bytes"]
        if len(data) > limit:
            self.write("stderr", utf8(f"An image of {len(data)} bytes was left out; the limit is {limit} bytes.\n"))
            return
        if not self.may_show(f"An image of {len(data)} bytes", len(data)):
            return
        self.display({"type": "image", "media_type": media_type, "data": base64.b64encode(data).decode()})

    def value(self, text):
        data = clipped(utf8(as_shown(text)), self.limits["output_bytes"] // 2)
        if len(data) > self.values_left:
            self.write("stdout", data + b"\n")
            return
        self.values_left -= len(data)
        self.display({"type": "value", "text": data.decode("utf-8", "replace")})

    def error(self, name, message, text):
        self.failed = True
        if self.errors_left <= 0:
            return
        self.errors_left -= 1
        self.display({
            "type": "error",
            "name": clipped(utf8(name), 256).decode("utf-8", "replace"),
            "message": clipped(utf8(as_shown(message)), MESSAGE_BYTES_MAX).decode("utf-8", "replace"),
            "traceback": clipped(utf8(as_shown(text)), TRACEBACK_BYTES_MAX).decode("utf-8", "replace"),
        })

    # --- to the server

    def send(self, output):
        if self.held is not None:
            self.held.append(output)
            return
        if "slot" in output:
            self.sent_slots.add(output["slot"])
        self.frames.send({"op": "output", "id": self.cell, "output": output})

    def send_text(self, name, data):
        self.send({"type": "stream", "name": name, "text": bytes(data).decode("utf-8", "replace")})

    def flush(self):
        """Sends what came; whether there is a cell."""
        if self.cell is None or not self.unsent:
            return self.cell is not None
        unsent, self.unsent = self.unsent, []
        run = []
        for name, data in unsent:
            if run and run[0] != name:
                self.send_text(run[0], b"".join(run[1:]))
                run = []
            run = run or [name]
            run.append(data)
        self.send_text(run[0], b"".join(run[1:]))
        return True

    def begin(self, cell, limits):
        with self.guard:
            self.pipes.take_all()
            self.reset(limits)
            self.cell = cell
            while self.between:
                self.append(*self.between.popleft())
        self.pipes.go_on()

    def end(self, status, duration, processor):
        if self.images_dropped:
            self.write("stderr", b"%d further images were left out.\n" % self.images_dropped)
        with self.guard:
            self.pipes.take_all()
            self.pipes.finish()
            self.settle()
            self.flush()
            self.release()
            for output in self.kept:
                self.send(output)
            if self.dropped_bytes:
                name = next((item[0] for item in self.tail if isinstance(item, list)), "stdout")
                self.send_text(name, b"\n[%d bytes left out]\n" % self.dropped_bytes)
            for item in self.tail:
                if isinstance(item, list):
                    self.send_text(*item)
                else:
                    self.send(item)
            for output in self.replacements.values():
                self.send(output)
            cell, self.cell = self.cell, None
            self.frames.send({"op": "done", "id": cell, "status": status, "duration_us": int(duration * 1e6),
                              "processor_us": max(int(processor * 1e6), 0)})
            self.reset(self.limits)
