"""A chat's shell from outside: what cells do and show, how far apart chats are, files."""

import os
import pathlib
import re
import tempfile
import unittest

from cells import Chat, later, until
from harness import Client, SystemTest


COPIED = """
import sys
def walk():
    for module in list(sys.modules.values()):
        list(vars(module).values())  # counts a reference on every page that holds one of them
def copied():
    total, image = 0, False
    for line in open("/proc/self/smaps"):
        if "-" in line.split()[0]:
            image = "varro-image" in line
        elif image and line.startswith("Anonymous:"):
            total += int(line.split()[1])
    return total
"""


class ShellTest(SystemTest):
    def chat(self):
        chat = Chat(self.client)
        self.addCleanup(lambda: chat.chat_id and chat.delete())
        return chat

    def cell(self, code, state="done"):
        cell = self.chat().run(code)
        self.assertEqual(cell.state, state, cell)
        return cell


class Cells(ShellTest):
    def test_await_works_at_the_top(self):
        chat = self.chat()
        self.assertEqual(chat.run("import asyncio\nx = await asyncio.sleep(0, 'awaited')\nprint(x)").stdout, "awaited\n")
        self.assertEqual(chat.run("async with asyncio.timeout(5):\n    print(x, 'again')").stdout, "awaited again\n")
        code = "async def f():\n    yield 1\n    yield 2\nprint([n async for n in f()])"
        self.assertEqual(chat.run(code).stdout, "[1, 2]\n")

    def test_the_last_values_have_their_names(self):
        chat = self.chat()
        self.assertEqual(chat.run("6 * 7").of("value"), "42")
        self.assertEqual(chat.run("_ + 1").of("value"), "43")
        self.assertEqual(chat.run("print(_, __)").stdout, "43 42\n")
        self.assertEqual(chat.run("'quiet';").outputs, [])

    def test_a_new_shell_remembers_nothing(self):
        cell = self.cell("print(In, Out, get_ipython().execution_count)\n"
                         "print(sorted(name for name in globals() if name.startswith('_i')))")
        self.assertRegex(cell.stdout, r"^\['', ['\"].*['\"]\] {} 1\n\['_i', '_i1', '_ih', '_ii', '_iii'\]\n$")

    def test_a_shell_that_rests_gives_memory_back(self):
        chat = self.chat()
        chat.run(COPIED)
        before = int(chat.run("walk(); print(copied())").stdout)
        kept = "kept = list(range(1000, 2000))"
        chat.run(kept)
        # Each look takes some copies itself, and is followed by the next rest.
        until(lambda: int(chat.run("print(copied())").stdout) < before / 2, "memory was given back", pause=2)
        self.assertEqual(chat.run("print(sum(kept))").stdout, f"{sum(range(1000, 2000))}\n")

    def test_magics_work(self):
        self.assertRegex(self.cell("%timeit -n 10 -r 2 sum(range(100))").stdout, r"(ns|µs|us|ms) ± .*per loop")
        self.assertRegex(self.cell("%%time\nprint('timed')").stdout, r"timed\n(.|\n)*Wall time")
        self.assertEqual(self.cell("%matplotlib inline\nprint('fine')").stdout, "fine\n")
        self.assertRegex(self.cell("%who").stdout, "Interactive namespace is empty|empty")
        self.assertIn("UsageError", self.cell("%nonsense", state="failed").text)

    def test_programs_run_beside_the_cell(self):
        self.assertEqual(self.cell("name = 'program'\n!echo from a {name}").stdout, "from a program\n")
        self.assertEqual(self.cell("lines = !printf 'a\\nb\\n'\nprint(list(lines))").stdout, "['a', 'b']\n")
        self.assertEqual(self.cell("!exit 3\nprint(_exit_code)").stdout, "3\n")
        self.assertEqual(self.cell("%%bash\nfor n in 1 2; do echo $n; done\npwd").stdout, "1\n2\n/workspace\n")
        self.assertEqual(self.cell("%%bash\necho wrong >&2").of("stderr"), "wrong\n")
        self.assertIn("CalledProcessError", self.cell("%%bash\nexit 4", state="failed").text)

    def test_an_input_raises_at_once(self):
        for call in ("input('name? ')", "import getpass\ngetpass.getpass()"):
            self.assertIn("nobody can type", self.cell(call, state="failed").text)
        self.assertEqual(self.cell("import sys\nprint(repr(sys.stdin.read()))").stdout, "''\n")

    def test_an_error_is_short_and_the_cell_before_is_kept(self):
        chat = self.chat()
        chat.run("kept = 1\ndef f():\n    return 1 / 0")
        cell = chat.run("f()")
        self.assertEqual(cell.state, "failed")
        self.assertIn("ZeroDivisionError", cell.text)
        self.assertNotIn("site-packages", cell.text)
        self.assertEqual(chat.run("print(kept)").stdout, "1\n")
        self.assertIn("SyntaxError", chat.run("def (:").text)
        self.assertEqual(chat.run("print(kept)").stdout, "1\n")

    def test_output_comes_in_the_order_in_which_it_was_written(self):
        cell = self.cell("import os, sys, subprocess\n"
                         "for n in range(3):\n"
                         "    print('out', n)\n"
                         "    print('err', n, file=sys.stderr)\n"
                         "    os.write(1, b'descriptor %d\\n' % n)\n"
                         "    subprocess.run(['echo', f'program {n}'])\n"
                         "    display(f'shown {n}')\n")
        found = re.findall(r"(out|err|descriptor|program|shown) (\d)", cell.text)
        kinds = ("out", "err", "descriptor", "program", "shown")
        self.assertEqual(found, [(kind, str(n)) for n in range(3) for kind in kinds])
        self.assertEqual(cell.of("stderr"), "err 0\nerr 1\nerr 2\n")

    def test_long_output_keeps_its_head_and_tail_and_counts_the_middle(self):
        limit = 256 << 10
        cell = self.cell("for n in range(200_000):\n    print('line', n)")
        total = sum(len(f"line {n}\n") for n in range(200_000))
        left_out = int(re.search(r"\[(\d+) bytes left out\]", cell.stdout)[1])
        self.assertTrue(cell.stdout.startswith("line 0\nline 1\n"))
        self.assertTrue(cell.stdout.endswith("line 199998\nline 199999\n"))
        kept = len(cell.stdout) - len(f"\n[{left_out} bytes left out]\n")
        self.assertEqual(kept + left_out, total)
        self.assertLessEqual(kept, limit)
        self.assertGreater(kept, limit * 9 // 10)
        exact = self.cell(f"import sys\nn = sys.stdout.write('x' * {limit - 1} + '\\n')")
        self.assertEqual((len(exact.stdout), "left out" in exact.stdout), (limit, False))

    def test_output_may_hold_any_bytes(self):
        cell = self.cell("import os\nn = os.write(1, bytes(range(256)) + b'\\n<b>&amp;</b> \\xe2\\x82\\xac')\nprint('after')")
        self.assertIn(" !\"#$%&'()*+,-./0123456789", cell.stdout)
        self.assertIn("\N{REPLACEMENT CHARACTER}", cell.stdout)
        self.assertIn("<b>&amp;</b> €after", cell.stdout)
        self.assertIn("lone", self.cell("print('lone \\ud800 surrogate')").stdout)

    def test_a_plot_a_picture_and_a_table_are_shown_as_such(self):
        chat = self.chat()
        cell = chat.run("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()")
        url = cell.of("image")
        self.assertTrue(self.client.get(url).body.startswith(b"\x89PNG"), url)
        cell = chat.run("from IPython.display import SVG\n"
                        "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><circle r=\"3\"/></svg>'))")
        self.assertIn(b"<circle", self.client.get(cell.of("image")).body)
        cell = chat.run("import pandas as pd\npd.DataFrame({'n': range(1000), 's': 'text'})")
        self.assertRegex(cell.of("table"), r"first 50 of 1,?000 rows")
        self.assertIn("text", cell.of("table"))

    def test_markdown_is_shown(self):
        self.assertIn("strong", self.cell("from IPython.display import Markdown\ndisplay(Markdown('**strong**'))").html)

    def test_other_displays_are_shown_and_do_not_run(self):
        show = "from IPython.display import HTML, JSON\n"
        cell = self.cell(show + "display(HTML('<b>bold words</b><script>alert(1)</script>'))")
        self.assertIn("bold words", cell.html)
        self.assertNotIn("<script>alert", cell.html)
        self.assertIn("key one", self.cell(show + "display(JSON({'key one': [1, 2]}))").html)
        for kind in ("application/vnd.plotly.v1+json", "application/vnd.vegalite.v5+json"):
            cell = self.cell("class Chart:\n"
                             "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
                             f"        return {{'{kind}': {{'data': [], 'layout': {{}}}}, 'text/plain': 'a chart',\n"
                             "                'text/html': '<div>drawn chart</div>'}\n"
                             "Chart()")
            self.assertRegex(cell.html, "drawn chart|a chart|files/")

    def test_a_stop_keeps_the_state(self):
        chat = self.chat()
        running = chat.start("kept = 5\nopen('running', 'w').close()\nwhile True: pass")
        running.wait_for_file("running")
        self.assertEqual(running.stop(), 204)
        cell = running.result()
        self.assertEqual(cell.state, "stopped")
        self.assertRegex(cell.reason, "(?i)stopped.*variables are kept")
        self.assertEqual(chat.run("print('kept', kept)").stdout, "kept 5\n")

    def test_a_stop_ends_programs_threads_that_wait_and_calls_into_libraries(self):
        for waiting in ("!touch running; sleep 1000", "import subprocess\nopen('running', 'w').close()\nsubprocess.run(['sleep', '1000'])",
                        "import time\nopen('running', 'w').close()\ntime.sleep(1000)",
                        "import asyncio\nopen('running', 'w').close()\nawait asyncio.sleep(1000)",
                        "import threading\nopen('running', 'w').close()\nthreading.Event().wait()"):
            chat = self.chat()
            running = chat.start("kept = 5\n" + waiting)
            running.wait_for_file("running")
            running.stop()
            self.assertEqual(running.result().state, "stopped", waiting)
            self.assertEqual(chat.run("print('kept', kept)").stdout, "kept 5\n")

    def test_a_cell_that_ignores_its_stop_is_killed_and_the_block_says_so(self):
        chat = self.chat()
        running = chat.start("import signal\nkept = 5\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                             "open('running', 'w').close()\nwhile True: pass")
        running.wait_for_file("running")
        running.stop()
        cell = running.result()
        self.assertRegex(cell.reason, r"did not end within 3 s of being interrupted, and its shell was killed")
        self.assertRegex(cell.reason, "variables are gone")
        # No earlier cell is run behind the user's back: a killed cell's variables stay gone.
        self.assertIn("NameError", chat.run("print(kept)").text)

    def test_what_a_cell_leaves_behind_is_reported(self):
        chat = self.chat()
        cell = chat.run("import subprocess, threading\nchild = subprocess.Popen(['sleep', '1000'])\n"
                        "threading.Thread(target=threading.Event().wait, daemon=True).start()")
        self.assertRegex(cell.text, r"(?i)process")
        self.assertRegex(cell.text, r"(?i)thread")
        cell = chat.run("child.kill(); print('ended', child.wait())")
        self.assertNotRegex(cell.text, r"(?i)process")
        self.assertNotRegex(self.cell("print('nothing is left')").text, "(?i)(process|thread)")


RANDOM = """
import random, numpy, uuid, ssl, tempfile, os, secrets, time
print(random.random(), random.SystemRandom().random())
print(numpy.random.rand(), numpy.random.default_rng().random())
print(uuid.uuid4(), uuid.uuid1())
print(ssl.RAND_bytes(8).hex(), os.urandom(8).hex(), secrets.token_hex(8))
print(tempfile.mktemp(), next(tempfile._get_candidate_names()))
import multiprocessing
print(bytes(multiprocessing.current_process().authkey).hex())
"""


class Apart(ShellTest):
    def test_random_numbers_differ_between_chats(self):
        first, second, third = (self.cell(RANDOM).stdout.split() for _ in range(3))
        self.assertEqual(len(first), 12)
        for a, b, c in zip(first, second, third):
            self.assertEqual(len({a, b, c}), 3, (a, b, c))
        chat = self.chat()
        seeded = "import random, numpy\nrandom.seed(1), numpy.random.seed(1)\nprint(random.random(), numpy.random.rand())"
        self.assertEqual(chat.run(seeded).stdout, self.cell(seeded).stdout)

    def test_nothing_of_one_chat_is_in_another(self):
        first = self.chat()
        first.run("import builtins, os, sys, math\nmine = 'mine'\nos.environ['MINE'] = 'mine'\nbuiltins.mine = 'mine'\n"
                  "math.mine = sys.mine = 'mine'\nos.makedirs('sub', exist_ok=True)\nos.chdir('sub')\n"
                  "open('/tmp/mine', 'w').close()\nheld = open('own.txt', 'w')\nget_ipython().mine = 'mine'\n"
                  "import pandas\npandas.set_option('display.max_rows', 3)\nimport signal\nsignal.alarm(10000)")
        cell = self.cell("import builtins, math, os, sys, pandas, signal\n"
                         "print('mine' in globals(), 'MINE' in os.environ, hasattr(builtins, 'mine'), hasattr(math, 'mine'),\n"
                         "      hasattr(sys, 'mine'), hasattr(get_ipython(), 'mine'), os.path.exists('/tmp/mine'))\n"
                         "print(os.getcwd(), os.listdir('.'), pandas.get_option('display.max_rows'), signal.alarm(0))\n"
                         "print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
                         "       if os.path.exists(f'/proc/self/fd/{n}') and 'own.txt' in os.readlink(f'/proc/self/fd/{n}')])")
        self.assertEqual(cell.stdout, "False " * 6 + "False\n/workspace [] 60 0\n[]\n")
        self.assertEqual(first.run("print(mine, os.environ['MINE'], os.getcwd(), pandas.get_option('display.max_rows'))").stdout,
                         "mine mine /workspace/sub 3\n")

    def test_the_environment_of_the_server_is_not_visible(self):
        with self.start(env={"SERVER_SECRET": "never shown"}) as server:
            chat = Chat(Client(server))
            cell = chat.run("import os\nprint(dict(os.environ))\n!env; cat /proc/*/environ")
            self.assertIn("/workspace", cell.stdout)
            for hidden in ("never shown", "SERVER_SECRET", "ANTHROPIC", "sk-test"):
                self.assertNotIn(hidden, cell.text)


class Files(ShellTest):
    def test_what_a_cell_writes_is_listed_and_can_be_downloaded(self):
        chat = self.chat()
        chat.run("import os\nopen('table.csv', 'w').write('a,b\\n1,2\\n')\nos.makedirs('deep/er')\n"
                 "open('deep/er/data.bin', 'wb').write(bytes(range(256)))\nopen('empty', 'w').close()")
        self.assertEqual(sorted(chat.files()), ["deep/er/data.bin", "empty", "table.csv"])
        self.assertIn("256", chat.get("/files").text)
        self.assertEqual(chat.get("/files/table.csv").body, b"a,b\n1,2\n")
        self.assertEqual(chat.get("/files/deep/er/data.bin").body, bytes(range(256)))
        self.assertEqual(chat.get("/files/empty").body, b"")
        chat.run("os.remove('table.csv')")
        self.assertNotIn("table.csv", chat.files())
        self.assertEqual(chat.get("/files/table.csv").status, 404)

    def test_the_list_shows_when_a_file_was_written(self):
        chat = self.chat()
        chat.run("open('new.txt', 'w').write('x')")
        self.assertRegex(chat.get("/files").text, r"<time|datetime=")

    def test_an_upload_is_there_before_the_next_cell_and_may_be_changed_by_it(self):
        chat = self.chat()
        chat.run("before = 1")
        self.assertEqual(chat.upload("data.csv", b"a\n1\n2\n").status, 201)
        self.assertEqual(chat.run("import pandas\nprint(pandas.read_csv('data.csv').a.sum())").stdout, "3\n")
        chat.run("open('data.csv', 'a').write('3\\n')")
        self.assertEqual(chat.get("/files/data.csv").body, b"a\n1\n2\n3\n")
        self.assertEqual(chat.upload("data.csv", b"a\n9\n").status, 201)
        self.assertEqual(chat.run("print(open('data.csv').read())").stdout, "a\n9\n\n")

    def test_an_upload_during_a_cell_is_seen_by_it(self):
        chat = self.chat()
        running = chat.start("import os\nopen('running', 'w').close()\nwhile not os.path.exists('late.txt'): pass\n"
                             "print(open('late.txt').read())")
        running.wait_for_file("running")
        self.assertEqual(chat.upload("late.txt", b"came later").status, 201)
        self.assertEqual(running.result().stdout, "came later\n")

    def test_a_full_workspace_is_said_and_can_be_emptied(self):
        with tempfile.TemporaryDirectory() as directory:
            settings = pathlib.Path(directory) / "varro.toml"
            settings.write_text(f"[shell]\nworkspace_bytes_max = {32 << 20}\n")
            with self.start(arguments=["--config", str(settings)]) as server:
                chat = Chat(Client(server))
                cell = chat.run("for n in range(9):\n    open(f'part{n}', 'wb').write(b'x' * (8 << 20))")
                self.assertRegex(cell.text, r"(?i)workspace")
                self.assertIn(chat.upload("more.bin", b"x" * 1024).status, (413, 507))
                chat.run("import os\n[os.remove(n) for n in os.listdir('.')]")
                self.assertEqual(chat.run("print(open('small', 'w').write('x'))").stdout, "1\n")
                self.assertEqual(chat.upload("more.bin", b"x" * 1024).status, 201)


if __name__ == "__main__":
    unittest.main(verbosity=2)
