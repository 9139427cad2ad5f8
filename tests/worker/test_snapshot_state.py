import os
import unittest

from cells import SnapshotFile
from shell_process import ShellProcess

# (cell, what it changes): the second shell has what the first had, and not what a new one has.
SETTINGS = [
    ("import decimal\ndecimal.getcontext().prec = 50", "decimal.getcontext().prec, str(decimal.Decimal(1) / 3)"),
    ("decimal.getcontext().rounding = decimal.ROUND_DOWN\ndecimal.getcontext().traps[decimal.Inexact] = False\n"
     "decimal.getcontext().traps[decimal.DivisionByZero] = False", "str(decimal.Decimal(1) / 0), decimal.getcontext().rounding"),
    ("decimal.DefaultContext.prec = 40", "decimal.Context().prec"),
    ("import re, warnings\nwarnings.filterwarnings('ignore', message='noise')\nwarnings.simplefilter('error', UserWarning)",
     "[f[0] for f in warnings.filters if f[2] is UserWarning], [f[0] for f in warnings.filters if f[1] == re.compile('noise', re.I)]"),
    ("import numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=2)", "np.geterr(), repr(np.array([1/3]))"),
    ("import sys\nsys.setrecursionlimit(7_000)", "sys.getrecursionlimit()"),
    ("sys.set_int_max_str_digits(10_000)", "sys.get_int_max_str_digits()"),
    ("import csv\ncsv.field_size_limit(777_777)", "csv.field_size_limit()"),
    ("import socket\nsocket.setdefaulttimeout(2.5)", "socket.getdefaulttimeout()"),
    ("import logging\nlogging.basicConfig(level=logging.INFO, format='%(levelname)s|%(message)s')\n"
     "logging.getLogger('chatty').setLevel(logging.ERROR)",
     "logging.root.level, logging.getLogger('chatty').level, [h.formatter._fmt for h in logging.root.handlers]"),
    ("import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()", "time.localtime(0).tm_hour"),
    ("import locale\nlocale.setlocale(locale.LC_ALL, 'C.UTF-8')", "locale.setlocale(locale.LC_ALL)"),
    ("import pandas as pd\npd.options.display.float_format = '{:.1f}'.format", "str(pd.Series([1/3]))"),
    ("%precision 3", "get_ipython().display_formatter.formatters['text/plain'].float_format"),
    ("get_ipython().ast_node_interactivity = 'all'", "get_ipython().ast_node_interactivity"),
]


class AfterARestart(unittest.TestCase):
    def setUp(self):
        self.file = SnapshotFile()
        self.addCleanup(self.file.__exit__)
        self.first, self.second = ShellProcess(), ShellProcess()
        self.addCleanup(self.first.close)
        self.addCleanup(self.second.close)

    def run_cell(self, code):
        cell = self.first.run(code)
        self.assertEqual(cell.status, "ok", cell.outputs)

    def restart(self):
        """What is lost. The second shell has the first one's workspace."""
        self.first.send({"op": "snapshot", "id": 9, "base": None}, self.file.fd)
        answer = self.first.receive()
        self.assertEqual((answer["status"], answer["lost"]), ("ok", []), answer)
        self.second.send({"op": "restore", "id": 4, "footer": answer["footer"]}, self.file.fd)
        restored = self.second.receive()
        self.assertEqual(restored["status"], "ok", restored)
        return restored["lost"]

    def value(self, shell, expression):
        return shell.run(f"print(repr(({expression})))").text()

    def test_settings_are_as_they_were(self):
        for code, _ in SETTINGS:
            self.run_cell(code)
        imports = "import csv, decimal, locale, logging, os, re, socket, sys, time, warnings\nimport numpy as np, pandas as pd"
        self.second.run(imports)
        new = [self.value(self.second, expression) for _, expression in SETTINGS]
        expected = [self.value(self.first, expression) for _, expression in SETTINGS]
        self.assertEqual(self.restart(), [])
        for (code, expression), before, want in zip(SETTINGS, new, expected):
            with self.subTest(code):
                self.assertNotEqual(before, want)
                self.assertEqual(self.value(self.second, expression), want)

    def test_what_was_logged_before_is_logged_after_and_once(self):
        self.run_cell("import logging\nlogging.basicConfig(level=logging.INFO, format='%(message)s')")
        self.restart()
        self.assertEqual(self.second.run("logging.info('seen')").text("stderr"), "seen\n")

    def use_the_same_workspace(self):
        """As two shells of one chat do."""
        self.second.run(f"import os\nos.chdir({self.first.folder.name!r})\ndel os")

    def test_modules_come_back_wherever_the_shell_went_after_their_import(self):
        self.use_the_same_workspace()
        self.run_cell("import os\nos.makedirs('sub/package')\nopen('helper.py', 'w').write('V = 1\\nclass A: pass\\n')\n"
                      "open('sub/inner.py', 'w').write('V = 2\\n')\nopen('sub/package/__init__.py', 'w').write('V = 3\\n')\n"
                      "open('sub/package/part.py', 'w').write('V = 4\\n')\nimport helper\na = helper.A()\nos.chdir('sub')\n"
                      "import inner, package.part\nfrom package import part\nos.makedirs('deeper')\nos.chdir('deeper')")
        self.assertEqual(self.restart(), [])
        self.assertEqual(self.value(self.second, "helper.V, inner.V, package.V, part.V, type(a) is helper.A"),
                         "(1, 2, 3, 4, True)\n")
        self.assertEqual(self.value(self.second, "os.path.basename(os.getcwd()), [p for p in __import__('sys').path if 'sub' in p]"),
                         "('deeper', [])\n")

    def test_a_module_of_an_entry_that_was_taken_from_the_path_again_comes_back(self):
        self.use_the_same_workspace()
        self.run_cell("import os, sys\nos.makedirs('lib')\nopen('lib/tool.py', 'w').write('V = 5\\n')\nsys.path.insert(0, 'lib')\n"
                      "import tool\nsys.path.remove('lib')")
        self.assertEqual(self.restart(), [])
        self.assertEqual(self.value(self.second, "tool.V, 'lib' in sys.path"), "(5, False)\n")

    def test_a_file_that_is_being_read_is_found_from_another_folder(self):
        self.use_the_same_workspace()
        self.run_cell("import os\nos.makedirs('sub')\nopen('text', 'w').write('one\\ntwo\\n')\nfile = open('text')\nfile.readline()\n"
                      "os.chdir('sub')")
        self.assertEqual(self.restart(), [])
        self.assertEqual(self.value(self.second, "file.readline()"), "'two\\n'\n")

    def test_a_folder_that_is_gone_is_named_and_costs_no_variable(self):
        self.use_the_same_workspace()
        self.run_cell("import os\nos.makedirs('sub')\nos.chdir('sub')\nkept = [1]")
        before = self.value(self.first, "os.getcwd()").strip()[1:-1]
        self.first.send({"op": "snapshot", "id": 9, "base": None}, self.file.fd)
        footer = self.first.receive()["footer"]
        os.rmdir(before)
        self.second.send({"op": "restore", "id": 4, "footer": footer}, self.file.fd)
        restored = self.second.receive()
        self.assertEqual(restored["lost"], [{"name": "(folder)", "reason": f"{before} is not there any more"}])
        self.assertEqual(self.value(self.second, "kept"), "[1]\n")

    def test_a_class_of_the_cells_registers_itself_again_with_a_module(self):
        self.use_the_same_workspace()
        self.run_cell("open('plugins.py', 'w').write('ALL = []\\nclass Base:\\n    def __init_subclass__(cls): ALL.append(cls)\\n"
                      "class Keyed:\\n    def __init_subclass__(cls, key): cls.key = key\\n')\nimport plugins\n"
                      "class Mine(plugins.Base): pass\nclass Named(plugins.Keyed, key='k'): pass")
        self.assertEqual(self.restart(), [])
        self.assertEqual(self.value(self.second, "plugins.ALL == [Mine], Named.key"), "(True, 'k')\n")


if __name__ == "__main__":
    unittest.main()
