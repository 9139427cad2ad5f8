import base64
import json
import re
import unittest

from cells import SnapshotFile
from shell_process import LIMITS, ShellProcess


class WithShell(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shell = ShellProcess()
        cls.addClassCleanup(cls.shell.close)

    def run_cell(self, code, status="ok", **limits):
        cell = self.shell.run(code, **limits)
        self.assertEqual(cell.status, status, cell.outputs)
        return cell

    def rich(self, code, **limits):
        outputs = self.run_cell(code, **limits).outputs
        self.assertEqual([output["type"] for output in outputs], ["rich"], outputs)
        return outputs[0]


class Times(WithShell):
    def test_the_processor_time_of_a_cell_is_its_own_and_that_of_its_children_which_have_ended(self):
        work = "sum(range(20_000_000))"
        self.assertGreater(self.run_cell(work).processor_us, 0)
        child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {work!r}], check=True)"
        self.assertGreater(self.run_cell(child).processor_us, self.run_cell("None").processor_us)


class Displays(WithShell):
    def test_markdown_latex_html_and_json_keep_their_form(self):
        for kind, code, data in (("text/markdown", "Markdown('# a')", "# a"), ("text/latex", "Latex('$x$')", "$x$"),
                                 ("text/html", "HTML('<b>a</b>')", "<b>a</b>"),
                                 ("application/json", "JSON({'a': [1]})", '{"a": [1]}')):
            for form in (f"display({code})", code):
                with self.subTest(form):
                    output = self.rich(f"from IPython.display import *\n{form}")
                    self.assertEqual((output["media_type"], output["data"]), (kind, data))

    def test_the_model_reads_the_text_of_html(self):
        output = self.rich("from IPython.display import HTML\nHTML('<style>b{}</style><p>One &amp; two<p>three"
                           "<script>alert()</script>')")
        self.assertEqual(output["text"], "One & two\nthree")

    def test_the_model_reads_an_object_s_own_text_when_there_is_one(self):
        output = self.rich("class A:\n    def _repr_html_(s): return '<b>x</b>'\n    def __repr__(s): return 'A of 3'\nA()")
        self.assertEqual((output["data"], output["text"]), ("<b>x</b>", "A of 3"))

    def test_pictures_come_before_html_and_tables_are_data(self):
        cell = self.run_cell("class A:\n    def _repr_html_(s): return 'x'\n    def _repr_svg_(s): return '<svg/>'\nA()")
        self.assertEqual([output["type"] for output in cell.outputs], ["image"])
        cell = self.run_cell("import pandas\npandas.DataFrame({'a': [1]})")
        self.assertEqual([output["type"] for output in cell.outputs], ["table"])

    def test_a_plotly_chart_is_its_data_and_a_summary(self):
        output = self.rich("class Figure:\n    def _repr_mimebundle_(s, include=None, exclude=None):\n"
                           "        return {'application/vnd.plotly.v1+json': {'data': [{'type': 'bar', 'name': 'n',"
                           " 'x': [1, 2], 'y': [3, 4]}, {'y': [1]}], 'layout': {'title': {'text': 'Sales'}}},"
                           " 'text/html': 'x' * 10_000_000}\nFigure()")
        self.assertEqual(output["media_type"], "application/vnd.plotly.v1+json")
        self.assertEqual(json.loads(output["data"])["layout"]["title"]["text"], "Sales")
        self.assertEqual(output["text"],
                         "Plotly chart “Sales”: bar “n” with 2 points, scatter with 1 points")

    def test_an_altair_chart_is_its_specification_and_a_summary(self):
        output = self.rich("import sys, types\nm = sys.modules['altair.vegalite.v5.api'] = types.ModuleType('x')\n"
                           "class TopLevelMixin:\n    def _repr_html_(s): return '<script src=elsewhere>'\n"
                           "TopLevelMixin.__module__ = 'altair.vegalite.v5.api'\n"
                           "class Chart(TopLevelMixin):\n    def to_dict(s): return {'$schema': 'x/vega-lite/v5.8.0.json',"
                           " 'mark': {'type': 'point'}, 'encoding': {'x': {'field': 'a'}},"
                           " 'data': {'name': 'd'}, 'datasets': {'d': [{'a': 1}, {'a': 2}]}}\nChart()")
        self.assertEqual(output["media_type"], "application/vnd.vegalite.v5+json")
        self.assertEqual(output["text"], "Vega-Lite chart: point; x a; 2 rows")

    def test_a_chart_whose_data_is_nonsense_is_still_shown(self):
        output = self.rich("display({'application/vnd.plotly.v1+json': {'data': 7}}, raw=True)")
        self.assertEqual((output["data"], output["text"]), ('{"data": 7}', "A chart"))

    def test_json_that_holds_itself_is_shown_as_text(self):
        cell = self.run_cell("from IPython.display import JSON\na = []\na.append(a)\nJSON({'a': a})")
        self.assertIn("JSON object", cell.outputs[0]["text"])

    def test_a_display_of_exactly_the_limit_is_shown_and_one_byte_more_is_not(self):
        code = "from IPython.display import HTML\nHTML('é' + 'x' * {})"
        self.assertEqual(len(self.rich(code.format(LIMITS["display_bytes"] - 2))["data"].encode()), 1_000)
        cell = self.run_cell(code.format(LIMITS["display_bytes"] - 1))
        self.assertIn("A display of 1001 bytes of text/html was left out; the limit is 1000 bytes.", cell.text("stderr"))
        self.assertIn("HTML object", cell.outputs[-1]["text"])

    def test_the_displays_of_a_cell_are_limited_in_number_and_together(self):
        cell = self.run_cell("from IPython.display import *\nfor i in range(6): display(Markdown('x'))")
        self.assertEqual(len(cell.of_type("rich")), 4)
        self.assertIn("the cell has shown too many", cell.text("stderr"))
        cell = self.run_cell("for i in range(3): display(Markdown('x' * 900))")
        self.assertEqual(len(cell.of_type("rich")), 2)

    def test_text_that_is_displayed_stays_text(self):
        self.assertEqual(self.run_cell("display('a', 5)").text(), "'a'\n5\n")


class ReplacedDisplays(WithShell):
    def test_an_update_takes_the_place_of_the_display(self):
        cell = self.run_cell("h = display('one', display_id=True)\nprint('between')\nh.update('two')\nh.update('three')")
        self.assertEqual([output["text"] for output in cell.outputs], ["'three'", "between\n"])
        self.assertEqual(cell.received, 3)

    def test_a_thousand_updates_cost_one(self):
        cell = self.run_cell("from IPython.display import *\nh = display(Markdown('0'), display_id=True)\n"
                             "for i in range(1000): h.update(Markdown(str(i)))")
        self.assertEqual([output["data"] for output in cell.outputs], ["999"])
        self.assertLess(cell.received, 4)

    def test_an_update_may_be_of_another_kind_and_one_that_is_too_large_changes_nothing(self):
        cell = self.run_cell("from IPython.display import *\nh = display('one', display_id=True)\n"
                             "h.update(Markdown('two'))\nh.update({'text/html': 'x' * 5_000}, raw=True)")
        self.assertEqual(cell.outputs[0]["data"], "two")

    def test_updates_never_use_up_what_a_cell_may_show(self):
        cell = self.run_cell("from IPython.display import *\nh = display(Markdown('0'), display_id=True)\n"
                             "for i in range(50): h.update(Markdown(str(i)))\nfor i in range(3): display(Markdown('x'))")
        self.assertEqual([output["data"] for output in cell.outputs], ["49", "x", "x", "x"])

    def test_an_update_of_what_is_not_there_is_shown(self):
        cell = self.run_cell("from IPython.display import *\nupdate_display('new', display_id='none')")
        self.assertEqual([output["text"] for output in cell.outputs], ["'new'"])

    def test_a_display_far_behind_much_text_can_be_updated(self):
        cell = self.run_cell("print('x' * 5_000)\nh = display('one', display_id=True)\nh.update('two')")
        self.assertEqual(cell.of_type("value")[0]["text"], "'two'")

    def test_clear_output_takes_away_what_was_shown(self):
        cell = self.run_cell("from IPython.display import *\nprint('before')\ndisplay(Markdown('x'))\nclear_output()\n"
                             "print('after')")
        self.assertEqual([output["text"] for output in cell.outputs], ["after\n"])

    def test_with_wait_it_stays_until_there_is_something_new(self):
        self.assertEqual(self.run_cell("print('stays')\nclear_output(wait=True)").text(), "stays\n")
        self.assertEqual(self.run_cell("print('goes')\nclear_output(wait=True)\nprint('new')").text(), "new\n")

    def test_an_animation_of_a_hundred_figures_shows_the_last(self):
        cell = self.run_cell("from IPython.display import *\nfor i in range(100):\n    clear_output(wait=True)\n"
                             "    display({'image/png': __import__('base64').b64encode(b'%d' % i).decode()}, raw=True)\n"
                             "    print(i)")
        self.assertEqual(base64.b64decode(cell.of_type("image")[0]["data"]), b"99")
        self.assertEqual(cell.text(), "99\n")
        self.assertLess(cell.received, 6)

    def test_what_was_cleared_does_not_count_in_the_next_cell(self):
        self.run_cell("print('x')\nclear_output()")
        self.assertEqual(self.run_cell("print('y')").text(), "y\n")


class Magics(WithShell):
    def test_timeit_and_time(self):
        self.assertIn("loop", self.run_cell("%timeit -n 2 -r 2 1 + 1").text())
        cell = self.run_cell("%%time\nx = 5\nx")
        self.assertIn("Wall time", cell.text())
        self.assertEqual(cell.of_type("value")[0]["text"], "5")

    def test_what_is_not_taken_apart_is_what_ipython_leaves_alone(self):
        cells = ["pass", "x = 1", "x=%pwd", "x = !ls", "%pwd", "!ls", "x?", "?x", "for i in y:\n    pass",
                 "  a = 1\n  b = 2", "\n\nx\ny", ">>> 1\n1", "In [1]: x\ny", "[ins] In [1]: x\ny", "if a:\n    %time b",
                 "a = 5 % 3\nb = a != 2", "s = '''\n%time\n'''", "ls", "exit", "import os", "del x", "f 1\n2", ",f 1\n2",
                 ";f 1\n2", "/f 1\n2", "x = 1;", "... 1\n... 2", "a = [\n  1]\n", "# a?\nb", "a\x0cb", "if x: pass",
                 "é = 1\né", "", "return", "%%time\nx", "x = (1,\n%time)", "for x in y: pass\n"]
        cell = self.run_cell("from IPython.core.interactiveshell import InteractiveShell as Base\nip = get_ipython()\n"
                             f"print([c for c in {cells!r} if ip.transform_cell(c) != Base.transform_cell(ip, c)])\n"
                             "from varro_worker.ipython_shell import is_plain_python\n"
                             f"print(sum(map(is_plain_python, {cells!r})))")
        self.assertEqual(cell.text().split("\n")[0], "[]")
        self.assertGreater(int(cell.text().split("\n")[1]), 7)

    def test_a_transformer_that_a_cell_brings_sees_all_cells(self):
        self.run_cell("get_ipython().input_transformers_post.append(\n"
                      "    lambda lines: [line.replace('old', 'new') for line in lines])")
        self.assertEqual(self.run_cell("if 1:\n    print('old')").text(), "new\n")
        self.run_cell("get_ipython().input_transformers_post.clear()")

    def test_matplotlib_inline_shows_each_figure_once(self):
        cell = self.run_cell("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);")
        self.assertEqual(len(cell.of_type("image")), 1)
        self.assertEqual(len(self.run_cell("plt.plot([2, 1]);\nplt.show()").of_type("image")), 1)

    def test_bash_and_shell_commands(self):
        cell = self.run_cell("%%bash\necho one; echo two >&2")
        self.assertEqual((cell.text(), cell.text("stderr")), ("one\n", "two\n"))
        self.assertEqual(self.run_cell("!echo three").text(), "three\n")
        self.assertEqual(self.run_cell("x = !echo four\nx[0]").of_type("value")[0]["text"], "'four'")

    def test_input_raises_at_once(self):
        for call in ("input('name?')", "import getpass; getpass.getpass()"):
            self.assertIn("does not work here", self.run_cell(call, "failed").of_type("error")[0]["message"])

    def test_top_level_await_and_the_last_result(self):
        self.assertEqual(self.run_cell("import asyncio\nawait asyncio.sleep(0, 7)").of_type("value")[0]["text"], "7")
        self.assertEqual(self.run_cell("_ + 1").of_type("value")[0]["text"], "8")


class Floods(WithShell):
    """What comes through the descriptors faster than anybody could read it: its beginning and its end are shown."""

    WRITE = "import os\ndef write(first, last):\n    for n in range(first, last, 1000):\n" \
            "        os.write(1, b''.join(b'%07d\\n' % i for i in range(n, min(n + 1000, last))))\n"
    LINES = 1_000_000  # of eight bytes each

    def test_the_beginning_and_the_end_are_whole_and_what_lies_between_is_counted(self):
        text = self.run_cell(f"{self.WRITE}write(0, {self.LINES})\nprint('the end')", output_bytes=64 << 10).text()
        begin, count, end = re.split(r"\n\[(\d+) bytes left out\]\n", text)
        self.assertEqual(len(begin) + int(count) + len(end), 8 * self.LINES + len("the end\n"))
        first = [int(line) for line in begin.splitlines()]
        self.assertEqual(first, list(range(len(first))))
        lines = end.splitlines()
        self.assertEqual(lines.pop(), "the end")
        last = [int(line) for line in lines[1:]]  # the first may be cut
        self.assertGreater(len(last), 1000)
        self.assertEqual(last, list(range(self.LINES - len(last), self.LINES)))

    def test_what_is_printed_in_between_stands_where_it_was_printed(self):
        text = self.run_cell(f"{self.WRITE}write(0, {self.LINES})\nprint('now')\nwrite(0, 500)\nprint('the end')",
                             output_bytes=64 << 10).text()
        self.assertRegex(text, rf"{self.LINES - 1:07d}\nnow\n0000000\n(?:\d{{7}}\n){{499}}the end\n$")

    def test_no_character_is_cut_where_bytes_are_left_out(self):
        text = self.run_cell("import os\nfor n in range(9_000):\n    os.write(1, b'\\xe2\\x82\\xac' * 333 + b'\\n')",
                             output_bytes=64 << 10).text()
        begin, end = re.split(r"\n\[\d+ bytes left out\]\n", text)
        self.assertEqual(set(begin + end), {"€", "\n"})

    def test_a_cell_says_that_it_has_begun_before_anything_else(self):
        self.assertTrue(self.run_cell("1").begun)


class LeftOver(WithShell):
    def test_a_thread_and_a_process_are_named_in_one_line_once(self):
        cell = self.run_cell("import threading, subprocess\nstop = threading.Event()\n"
                             "threading.Thread(target=stop.wait, name='mine').start()\np = subprocess.Popen(['sleep', '99'])\n"
                             "p.pid")
        pid = cell.of_type("value")[0]["text"]
        self.assertEqual(cell.text("stderr"), f"Still running after this cell: thread “mine”; process {pid} (sleep).\n")
        self.assertEqual(self.run_cell("stop.set(); p.kill(); p.wait();").text("stderr"), "")

    LIBRARY = ("import sys, threading, types\nlibrary = types.ModuleType('library')\n"
               "exec(compile('''import threading\nclass Monitor(threading.Thread):\n    def __init__(self, wait):\n"
               "        super().__init__(daemon=True, name='library_monitor')\n        self.wait = wait\n        self.start()\n"
               "    def run(self): self.wait()\ndef helper(work, daemon):\n    threading.Thread(target=work, daemon=daemon).start()\n"
               "''', '/usr/lib/library.py', 'exec'), library.__dict__)\nstop = threading.Event()")

    def left_over(self, code):
        return self.run_cell(code).text("stderr")

    def test_a_library_s_own_thread_is_not_worth_a_word(self):
        self.run_cell(self.LIBRARY)
        self.assertEqual(self.left_over("m = library.Monitor(stop.wait)"), "")
        self.assertEqual(self.left_over("library.helper(stop.wait, True)"), "")
        self.run_cell("stop.set()")

    def test_one_that_runs_a_cell_s_code_is_and_one_that_keeps_the_process(self):
        self.run_cell(self.LIBRARY)
        self.assertIn("“library_monitor”", self.left_over("go = threading.Event()\ndef mine():\n    go.set()\n    stop.wait()\n"
                                                          "m = library.Monitor(mine)\ngo.wait();"))
        for code in ("library.helper(stop.wait, False)", "threading.Thread(target=stop.wait, daemon=True).start()",
                     "class Own(threading.Thread):\n    def __init__(s):\n        super().__init__(daemon=True)\n"
                     "        s.start()\n    def run(s): stop.wait()\nown = Own()"):
            with self.subTest(code):
                self.assertIn("Still running after this cell: thread “Thread-", self.left_over(code))
        self.run_cell("stop.set()")

    def test_a_pool_that_waits_for_work_is_not_and_one_that_works_is(self):
        self.run_cell("import concurrent.futures, threading, asyncio\nstop, go = threading.Event(), threading.Event()\n"
                      "pool = concurrent.futures.ThreadPoolExecutor(1)")
        self.assertIn("ThreadPoolExecutor", self.left_over("def work():\n    go.set()\n    stop.wait()\n"
                                                           "f = pool.submit(work)\ngo.wait();"))
        self.assertEqual(self.left_over("stop.set()\nf.result()\npool._idle_semaphore.acquire();"), "")

    def test_a_library_s_own_process_is_not_worth_a_word(self):
        cell = self.run_cell("from multiprocessing import resource_tracker\nresource_tracker.ensure_running()\n"
                             "type(resource_tracker._resource_tracker._pid)")
        self.assertEqual([output["text"] for output in cell.outputs], ["int"])

    def test_magics_leave_nothing(self):
        self.assertEqual(self.run_cell("%%bash\ntrue").outputs, [])
        self.assertEqual(self.run_cell("!true").outputs, [])


class Memory(WithShell):
    def snapshot(self, shell, file, base=None):
        shell.send({"op": "snapshot", "id": 9, "base": base}, file.fd)
        return shell.receive()

    def test_a_shell_takes_up_where_another_ended(self):
        with SnapshotFile() as file:
            self.run_cell("import pandas as pd, enum, dataclasses\nd = pd.DataFrame({'a': [1, 2]})\nalso = d\n"
                          "@dataclasses.dataclass\nclass P:\n    x: int\np = P(4)\ndef f(): return p.x + len(d)\n"
                          "g = (i for i in [])\n%load_ext autoreload\n%autoreload 2\nimport random; random.seed(5)\n"
                          "import matplotlib.pyplot as plt; fig, ax = plt.subplots(); plt.close()")
            answer = self.snapshot(self.shell, file)
            self.assertEqual(answer["status"], "ok", answer)
            self.assertEqual([loss["name"] for loss in answer["lost"]], ["g"])
            self.assertIn("fig", answer["saved"])
            expected = self.run_cell("random.random()").outputs
            other = ShellProcess()
            self.addCleanup(other.close)
            other.send({"op": "restore", "id": 4, "footer": answer["footer"]}, file.fd)
            restored = other.receive()
            self.assertEqual((restored["op"], restored["id"], restored["status"]), ("restore", 4, "ok"))
            self.assertEqual(restored["restored"], answer["saved"])
            self.assertEqual(other.run("random.random()").outputs, expected)
            cell = other.run("(also is d, p == P(4), f(), ax.figure is fig, type(p).__module__)")
            self.assertEqual(cell.outputs[0]["text"], "(True, True, 6, True, '__main__')")
            cell = other.run("get_ipython().magics_manager.registry['AutoreloadMagics']._reloader.check_all")
            self.assertEqual(cell.outputs[0]["text"], "True")
            traceback = other.run("def h(): f(1)\nh()").of_type("error")[0]["traceback"]
            self.assertIn("takes 0 positional arguments", traceback)
            again = self.snapshot(other, file, answer["footer"])
            self.assertEqual(again["status"], "ok")

    def test_only_what_cells_changed_in_the_environment_comes_back(self):
        with SnapshotFile() as file:
            first, second = ShellProcess(SHELLS_OWN="old", GONE="x"), ShellProcess(SHELLS_OWN="new", GONE="x")
            self.addCleanup(first.close)
            self.addCleanup(second.close)
            first.run("import os\nos.environ['MINE'] = 'kept'\ndel os.environ['GONE']")
            footer = self.snapshot(first, file)["footer"]
            second.send({"op": "restore", "id": 4, "footer": footer}, file.fd)
            second.receive()
            cell = second.run("os.environ['MINE'], os.environ['SHELLS_OWN'], 'GONE' in os.environ")
            self.assertEqual(cell.outputs[0]["text"], "('kept', 'new', False)")

    def test_a_cell_runs_while_a_snapshot_is_written(self):
        with SnapshotFile() as file:
            self.run_cell("import numpy as np\nbig = np.zeros(4_000_000)")
            self.shell.send({"op": "snapshot", "id": 9, "base": None}, file.fd)
            self.shell.send({"op": "execute", "id": 77, "tag": "", "code": "big[0] = 1\nprint('ran')", "limits": LIMITS})
            frames = []
            while {"done", "snapshot"} - {frame["op"] for frame in frames}:
                frames.append(self.shell.receive())
            self.assertEqual("".join(frame["output"]["text"] for frame in frames if frame["op"] == "output"), "ran\n")
            self.assertEqual(next(frame for frame in frames if frame["op"] == "snapshot")["status"], "ok")

    def test_a_request_without_a_descriptor_is_a_failure_not_an_end(self):
        self.shell.send({"op": "restore", "id": 5, "footer": 8})
        self.assertEqual(self.shell.receive()["reason"], "the shell has too many open files")
        self.assertEqual(self.run_cell("print(1)").text(), "1\n")

    def test_names_of_the_shell_itself_are_not_saved(self):
        with SnapshotFile() as file:
            other = ShellProcess()
            self.addCleanup(other.close)
            other.run("1 + 1")
            answer = self.snapshot(other, file)
            self.assertEqual((answer["saved"], answer["lost"]), (["_"], []))


if __name__ == "__main__":
    unittest.main()
