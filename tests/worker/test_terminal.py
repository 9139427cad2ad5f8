import unittest

from cells import Cells  # noqa: F401  (it makes the worker's modules known)
from shell_process import ShellProcess
from varro_worker.terminal import BYTES_HELD_MAX, BYTES_PLAYED_MAX, LINES_HELD_MAX, Terminal, as_shown

# (what was written, what a terminal shows of it)
SHOWN = [
    ("plain\ntext\n", "plain\ntext\n"),
    ("\rstep 1/5\rstep 2/5\rstep 5/5\n", "step 5/5\n"),
    ("step 1\rstep 2\rstep 3\r", "step 3"),
    ("a long first state\rshort\n", "shortg first state\n"),
    ("one\r\ntwo\r\n", "one\ntwo\n"),
    ("one\r\r\ntwo\r", "one\ntwo"),
    ("99%\b\b\b100%\n", "100%\n"),
    ("ab\b\b\b\bc\n", "cb\n"),
    ("x\b \b\n", "\n"),
    ("\x1b[31mred\x1b[0m plain\n", "red plain\n"),
    ("\x1b[1;38;5;196mA\x1b[48;2;1;2;3mB\x1b[38:2::1:2:3mC\x1b[m\n", "ABC\n"),
    ("\x1b]0;a title\x07text \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "text link\n"),
    ("\x1b(B\x1b=\x1b[?25lhidden cursor\x1b[?25h\x1b7\x1b8\x1b>\x1bM\n", "hidden cursor\n"),
    ("\x1bP1$r\x1b\\\x1b_app\x1b\\ok\n", "ok\n"),
    ("50%\x1b[2K\r100%\n", "100%\n"),
    ("a longer text\r\x1b[Kend\n", "end\n"),
    ("abcdef\x1b[3D\x1b[K!\n", "abc!\n"),
    ("ab\x1b[5Gx\x1b[2Cy\x1b[1Gz\n", "zb  x  y\n"),
    ("abc\x1b[1K\n", "\n"),
    ("bar: 100%\r         \rdone\n", "done\n"),
    ("trailing blanks  \n", "trailing blanks  \n"),
    ("\router 1\n\rinner 1\x1b[A\router 2\n\rinner 2\x1b[A\n\n", "outer 2\ninner 2\n"),
    ("bell\x07, null\x00, delete\x7f and a\ttab\n", "bell, null\x00, delete\x7f and a\ttab\n"),
    ("ünïcödé 中文 😀\rÜ\n", "Ünïcödé 中文 😀\n"),
    ("\x1b[99999999999999C.\r\n", " " * BYTES_HELD_MAX + ".\n"),
    ("\x1b[999999999999999999999999999999999999999999999999999999mx\n", "x\n"),
    ("a\x1b[", "a"),
    ("1\x1b[H\x1b[2J\x1b[3Jnew\n", "new\n"),
]
# Complete lines that nothing has said will be written over are not held back; so these only when they come at once.
AT_ONCE = [
    ("1\n2\n3\x1b[2F0\x1b[2E4\n", "0\n2\n4\n"),
    ("1\n2\n\x1b[1A\x1b[J3\n", "1\n3\n"),
    ("gone\nall gone\x1b[H\x1b[2J\x1b[3Jnew\n", "new\n"),
]


class WhatATerminalShows(unittest.TestCase):
    def passed_on(self, parts):
        terminal = Terminal()
        return "".join(terminal.taken(part.encode()).decode() for part in parts) + terminal.rest().decode()

    def test_as_a_whole(self):
        for written, shown in SHOWN + AT_ONCE:
            with self.subTest(written):
                self.assertEqual(self.passed_on([written]), shown)
                self.assertEqual(as_shown(written), shown)

    def test_a_flood_of_controls_is_passed_on_in_the_end(self):
        terminal, flood = Terminal(), b"step\r" * 20_000
        passed = [terminal.taken(flood) for _ in range(2 * BYTES_PLAYED_MAX // len(flood))]
        self.assertEqual(passed[0], b"")
        self.assertEqual(passed[-1], flood)
        self.assertLess(sum(map(len, passed)), 1.1 * BYTES_PLAYED_MAX)

    def test_wherever_it_is_cut(self):
        for written, shown in SHOWN:
            for size in (1, 2, 3, 5):
                with self.subTest(written, size=size):
                    parts = [written[at: at + size] for at in range(0, len(written), size)]
                    self.assertEqual(self.passed_on(parts), shown)

    def test_a_block_of_lines_that_is_drawn_again_and_again_is_there_no_more_than_twice(self):
        frames = [f"total {i}\n  part {i}\n" + "\x1b[2A" for i in range(50)]
        self.assertEqual(self.passed_on([*frames, "\n\n"]), "total 49\n  part 49\n")
        lines = [line for frame in frames for line in frame.splitlines(keepends=True)]
        self.assertEqual(self.passed_on([*lines, "\n\n"]), "total 0\n  part 0\ntotal 49\n  part 49\n")

    def test_plain_lines_go_on_at_once_and_their_beginnings_wait(self):
        terminal = Terminal()
        self.assertEqual(terminal.taken(b"one\ntwo\nthr"), b"one\ntwo\n")
        self.assertEqual(terminal.taken(b"ee\n"), b"three\n")
        self.assertTrue(terminal.is_empty())

    def test_no_more_is_held_than_there_is_room_for(self):
        for text in ("x" * 100, "\rx" * 100, "\x1b[1mx", "\r1\n" * 10, "\x1b[A\r1\n", "é\b", "\x1b]0;" + "t" * 100):
            with self.subTest(text[:8]):
                terminal, passed = Terminal(), 0
                for _ in range(3_000):
                    passed += len(terminal.taken(text.encode()))
                    held = sum(map(len, terminal.rows)) + len(terminal.sequence)
                    self.assertLessEqual(held, 3 * BYTES_HELD_MAX)
                    self.assertLessEqual(len(terminal.rows), LINES_HELD_MAX + 1)

    def test_a_line_longer_than_that_loses_nothing(self):
        text = "x" * (BYTES_HELD_MAX - 1) + "yz" + "w" * 5
        self.assertEqual(self.passed_on([text[:BYTES_HELD_MAX - 1], "yz", "w" * 5]), text)
        self.assertEqual(self.passed_on([text]), text)
        self.assertEqual(self.passed_on(["\x1b[1m" + text]), text)


class OfCells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shell = ShellProcess()
        cls.addClassCleanup(cls.shell.close)

    def test_a_progress_bar_is_one_line_and_does_not_use_up_what_a_cell_may_print(self):
        cell = self.shell.run("import sys\nfor i in range(2_001):\n    print(f'\\rstep {i}/2000', end='')\n"
                              "    sys.stdout.flush()\nprint()\nprint('done')")
        self.assertEqual(cell.outputs, [{"type": "stream", "name": "stdout", "text": "step 2000/2000\ndone\n"}])

    def test_a_bar_on_stderr_between_prints_is_one_line(self):
        cell = self.shell.run("import sys\nfor i in range(4):\n    print(f'\\r{i}', end='', file=sys.stderr)\n    print('line', i)\n"
                              "print(file=sys.stderr)")
        self.assertEqual((cell.text(), cell.text("stderr")), ("line 0\nline 1\nline 2\nline 3\n", "3\n"))

    def test_text_before_a_picture_or_an_error_stays_before_it(self):
        cell = self.shell.run("from IPython.display import *\nprint('before', end='')\ndisplay(Markdown('x'))\n"
                              "print('\\r1', end='')\nprint('\\r2', end='')\n1 / 0")
        self.assertEqual([output.get("text", output.get("name")) for output in cell.outputs],
                         ["before", "", "2", "ZeroDivisionError"])

    def test_the_last_line_comes_without_its_end(self):
        self.assertEqual(self.shell.run("print('end', end='')").text(), "end")
        self.assertEqual(self.shell.run("print('\\rend', end='\\r')").text(), "end")
        self.assertEqual(self.shell.run("pass").text(), "")

    def test_order_between_the_two_streams_is_kept(self):
        cell = self.shell.run("import sys\nprint('a', end='')\nprint('b', end='', file=sys.stderr)\nprint('c', end='')")
        self.assertEqual([output["text"] for output in cell.outputs], ["a", "b", "c"])

    def test_child_processes_are_heard_in_the_same_way(self):
        cell = self.shell.run("!printf '\\033[32mgreen\\033[0m\\r1%%\\r2%%\\n'; printf 'x\\rerr\\n' >&2")
        self.assertEqual((cell.text(), cell.text("stderr")), ("2%een\n", "err\n"))

    def test_values_and_errors_have_no_colours(self):
        cell = self.shell.run("class A:\n    def __repr__(s): return '\\x1b[31mred\\x1b[0m'\nA()")
        self.assertEqual(cell.outputs[0]["text"], "red")
        error = self.shell.run("raise ValueError('\\x1b[31mred\\x1b[0m')").of_type("error")[0]
        self.assertEqual(error["message"], "red")
        self.assertNotIn("\x1b", error["traceback"])

    def test_what_a_cell_leaves_unfinished_does_not_reach_the_next(self):
        self.shell.run("print('\\x1b[', end='')")
        self.assertEqual(self.shell.run("print('1mx')").text(), "1mx\n")

    def test_the_end_of_a_shell_does_not_take_its_last_words(self):
        shell = ShellProcess()
        self.addCleanup(shell.close)
        shell.send({"op": "execute", "id": 1, "tag": "", "code": "print('\\rlast words', end='')\nexit()",
                    "limits": {"output_bytes": 4_000, "images": 1, "image_bytes": 1, "table_rows": 1, "table_columns": 1}})
        self.assertEqual(shell.receive()["op"], "begun")
        self.assertEqual(shell.receive()["output"]["text"], "last words")


if __name__ == "__main__":
    unittest.main()
