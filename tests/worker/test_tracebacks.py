import unittest

from shell_process import ShellProcess


class TracebacksOfMagics(unittest.TestCase):
    """The line that raised is in the traceback, with the number that it has in the cell."""

    @classmethod
    def setUpClass(cls):
        cls.shell = ShellProcess()
        cls.addClassCleanup(cls.shell.close)
        cls.shell.run("def f(x):\n    return 1 / x")

    def lines(self, code):
        errors = self.shell.run(code).of_type("error")
        self.assertEqual(len(errors), 1, errors)
        # The marks below a line differ between versions of Python.
        return [line.strip() for line in errors[0]["traceback"].split("\n") if line.strip("~^ ")]

    def test_of_a_cell_that_is_timed(self):
        for code, number, line in (("%%time\na = 1\nb = 0\na / b", 4, "a / b"), ("%%time\na / b\nc = 1", 2, "a / b"),
                                   ("%%time\nf(0)", 2, "f(0)"), ("\n\n%%time\na = 1\nb = 0\n\na / b\n", 7, "a / b"),
                                   ("%%time\nfor i in [1]:\n    if i:\n        f(0)", 4, "f(0)")):
            with self.subTest(code):
                lines = self.lines(code)
                self.assertRegex(lines[1], rf'File "<cell \d+>", line {number}, in <module>')
                self.assertEqual(lines[2], line)
                self.assertEqual(lines[-1], "ZeroDivisionError: division by zero")

    def test_marks_stand_below_what_they_mean(self):
        text = self.shell.run("%%time\na = 1\na / 0").of_type("error")[0]["traceback"]
        if "^" in text:
            self.assertIn("    a / 0\n    ~~^~~\n", text)

    def test_of_a_cell_that_is_run_many_times(self):
        lines = self.lines("%%timeit -n1 -r1\ny = 1\nf(0)")
        self.assertIn("f(0)", lines)
        self.assertRegex("\n".join(lines), r'File "<cell \d+>", line 3, in inner\nf\(0\)\n')

    def test_of_a_line(self):
        for code in ("%time f(0)", "x = 1\n%time f(0)", "%timeit -n1 -r1 f(0)", "%%time\nx = 1\n%time f(0)\n",
                     "%%capture out\nf(0)", "%time x = f(0)"):
            with self.subTest(code):
                lines = self.lines(code)
                self.assertTrue({"f(0)", "x = f(0)"} & set(lines), lines)
                self.assertEqual(lines[-2:], ["return 1 / x", "ZeroDivisionError: division by zero"])
                self.assertNotIn("x = 1", lines)

    def test_a_function_of_a_timed_cell_has_its_lines_later_on(self):
        self.shell.run("%%time\ndef g(x):\n    y = x\n    return y / 0")
        self.assertEqual(self.shell.run("%%time\nz = 1").status, "ok")
        lines = self.lines("g(1)")
        self.assertEqual([lines[-2], lines[-3][-12:]], ["return y / 0", "line 4, in g"])
        self.assertEqual(self.shell.run("import inspect\nprint(inspect.getsource(g))").text().strip(),
                         "def g(x):\n    y = x\n    return y / 0")

    def test_a_cell_in_a_folder_that_is_gone_has_its_traceback(self):
        shell = ShellProcess()
        self.addCleanup(shell.close)
        shell.run("import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')")
        error = shell.run("1 / 0").of_type("error")[0]
        self.assertIn('File "<cell 2>", line 1, in <module>', error["traceback"])


if __name__ == "__main__":
    unittest.main()
