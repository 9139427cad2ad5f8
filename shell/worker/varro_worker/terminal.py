"""What a terminal would have shown in the end: without what was written over, and without escape sequences.

A progress bar writes the same line over and over. The last lines that may still be written over are held back, so that
one line of it comes out, and counts.
"""
from .own import __builtins__, re

LINES_HELD_MAX = 16  # that the cursor can go back to
BYTES_HELD_MAX = 8 << 10  # of lines that are not complete or may be written over
SEQUENCE_CHARACTERS_MAX = 4 << 10
BYTES_PLAYED_MAX = 16 << 20  # of a cell's stream, with controls; a flood beyond them is passed on as it is

# What does something: the bell, a step back, the return to the line's beginning, escape sequences. All else is text.
CONTROLS = tuple(bytes((code,)) for code in (0x07, 0x08, 0x0d, 0x1b))
COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
TOKEN = re.compile(r"[^\x07\x08\x0a\x0d\x1b]+"
                   r"|\x1b(?:\[([0-?]*)[ -/]*([@-~])"  # parameters and what is to be done
                   r"|[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
                   r"|[ -/]+[0-~]|[0-OQ-WYZ\\`-~=>])"
                   r"|[\x07\x08\x0a\x0d\x1b]")
UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")


def is_controlled(data):
    return any(control in data for control in CONTROLS)


class Terminal:
    """Of one stream."""

    def __init__(self):
        self.bytes_left = BYTES_PLAYED_MAX
        self.forget()

    def forget(self):
        self.rows, self.row, self.column = [""], 0, 0
        self.sequence = ""  # the beginning of an escape sequence
        self.returned = False  # the cursor was moved back, and nothing was written since
        self.is_live = False  # something was written after that
        self.goes_up = False  # the cursor has been in lines above

    def is_empty(self):
        return len(self.rows) == 1 and not self.rows[0] and not self.sequence

    def taken(self, data):
        """What of it, and of what was held, can go on. Whole characters in UTF-8 both."""
        if b"\x1b" in data and not self.sequence:
            data = COLOURS.sub(b"", data)
        if not is_controlled(data) and not self.is_live and not self.returned and not self.sequence:
            end = data.rfind(b"\n") + 1
            if end == 0 and len(self.rows[0]) + len(data) <= BYTES_HELD_MAX:
                self.rows[0] += data.decode()
                self.column = len(self.rows[0])
                return b""
            held, rest = self.rows[0].encode(), data[end:]
            if len(rest) > BYTES_HELD_MAX or end == 0:
                end, rest = len(data), b""
            self.rows[0] = rest.decode()
            self.column = len(self.rows[0])
            return held + data[:end]
        if self.bytes_left < len(data):
            return self.rest() + data
        self.bytes_left -= len(data)
        self.play(self.sequence + data.decode())
        return self.released()

    def rest(self):
        """All that is held."""
        text = "\n".join(self.visible(self.rows))
        self.forget()
        return text.encode("utf-8", "replace")

    def visible(self, rows):
        """Without the blanks by which something was wiped out."""
        return [row.rstrip(" ") for row in rows] if self.is_live else rows

    def released(self):
        if not self.is_live:
            count = self.row
        else:
            count = max(len(self.rows) - LINES_HELD_MAX, 0)
            if sum(map(len, self.rows)) > BYTES_HELD_MAX:
                count = max(count, self.row)
        if count == 0 and len(self.rows[-1]) > BYTES_HELD_MAX:
            return self.rest()
        done, self.rows = self.rows[:count], self.rows[count:]
        self.row = max(self.row - count, 0)
        text = "".join(row + "\n" for row in self.visible(done))
        if self.rows == [""] and not self.goes_up:
            self.is_live = False
        return text.encode("utf-8", "replace")

    def play(self, text):
        cut = UNFINISHED.search(text, max(len(text) - SEQUENCE_CHARACTERS_MAX, 0))
        self.sequence = cut.group() if cut else ""
        for token in TOKEN.finditer(text, 0, cut.start() if cut else len(text)):
            found = token.group()
            if token[2]:
                self.obey(token[2], token[1])
            elif found == "\n":
                self.end_line()
            elif found == "\r":
                self.move(0)
            elif found == "\b":
                self.move(self.column - 1)
            elif found[0] not in "\x07\x1b":
                self.put(found)

    def move(self, column):
        self.column = max(column, 0)
        self.returned = True

    def put(self, text):
        self.is_live = self.is_live or self.returned
        self.returned = False
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[:self.column] + text + row[self.column + len(text):]
        self.column += len(text)

    def end_line(self):
        self.returned = False
        self.row += 1
        self.column = 0
        if self.row == len(self.rows):
            self.rows.append("")
        else:
            self.returned = True

    def obey(self, command, parameters):
        numbers = [int(part) if part.isdigit() else 0 for part in parameters[:40].split(";")]
        count = min(max(numbers[0], 1), BYTES_HELD_MAX)
        if command == "K":
            self.erase_in_line(numbers[0])
        elif command == "J":
            if numbers[0] == 0:
                del self.rows[self.row + 1:]
                self.erase_in_line(0)
            elif numbers[0] in (2, 3):
                self.rows, self.row = [""], 0
        elif command in "AF":
            self.goes_up = self.is_live = True
            self.row = max(self.row - count, 0)
            self.move(0 if command == "F" else self.column)
        elif command in "BE":
            self.row = min(self.row + count, len(self.rows) - 1)
            self.move(0 if command == "E" else self.column)
        elif command == "C":
            self.move(self.column + count)
        elif command == "D":
            self.move(self.column - count)
        elif command in "G`":
            self.move(count - 1)
        elif command in "Hf":
            self.row = 0
            self.move(0)

    def erase_in_line(self, which):
        row = self.rows[self.row]
        self.is_live = True
        if which == 0:
            self.rows[self.row] = row[:self.column]
        elif which == 1:
            self.rows[self.row] = " " * min(self.column + 1, len(row)) + row[self.column + 1:]
        elif which == 2:
            self.rows[self.row] = ""


def as_shown(text):
    """The same for a text that is there as a whole."""
    if text.isprintable() or not is_controlled(text.encode("utf-8", "replace")):
        return text
    terminal = Terminal()
    terminal.play(text)
    return "\n".join(terminal.visible(terminal.rows))
