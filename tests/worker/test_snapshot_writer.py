import os
import select
import threading
import unittest
from unittest import mock

from cells import Cells, SnapshotFile, load
from varro_worker import snapshot_pickles, snapshot_writer
from varro_worker.snapshot_writer import SnapshotWriter


class Writing(unittest.TestCase):
    def setUp(self):
        self.file = SnapshotFile()
        self.addCleanup(self.file.__exit__)
        self.cells = Cells().run("pass")
        self.numbers = 0

    def writer(self, **options):
        return SnapshotWriter(None, namespace=self.cells.names, hidden=self.cells.hidden, **options)

    def begin(self, writer, base=None, **limits):
        self.numbers += 1
        writer.begin({"op": "snapshot", "id": self.numbers, "base": base, **limits}, os.dup(self.file.fd))

    def answer(self, writer):
        """Waits as the worker's loop does."""
        while True:
            answers = writer.collect()
            if answers:
                self.assertEqual(len(answers), 1)
                return answers[0]
            select.select(writer.fds(), [], [], writer.timeout())

    def snapshot(self, writer, base=None, **limits):
        self.begin(writer, base, **limits)
        return self.answer(writer)

    def test_a_copy_saves_and_nothing_of_it_is_left(self):
        before = set(os.listdir("/proc/self/fd"))
        self.cells.run("a = [1]\nb = [a]\nl = (i for i in [])")
        answer = self.snapshot(self.writer())
        self.assertEqual((answer["op"], answer["id"], answer["status"], answer["saved"]), ("snapshot", 1, "ok", ["a", "b"]))
        self.assertEqual(answer["lost"], [{"name": "l", "reason": "a generator cannot be saved"}])
        self.assertTrue(load(self.file.fd, answer["footer"])[0].value("b[0] is a"))
        self.assertEqual(set(os.listdir("/proc/self/fd")), before)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_a_cell_goes_on_while_the_copy_saves_what_was_before(self):
        reading, writing = os.pipe()
        self.cells.names["gate"] = reading
        self.cells.run("import os\nclass Slow:\n    def __reduce__(s): os.read(gate, 1); return list, ()\n"
                       "a = [1]\nslow = Slow()")
        writer = self.writer()
        self.begin(writer)
        self.cells.run("a.append(2)")
        self.assertEqual(writer.collect(), [])
        os.write(writing, b"xx")
        answer = self.answer(writer)
        os.close(reading)
        os.close(writing)
        self.assertEqual(load(self.file.fd, answer["footer"])[0].names["a"], [1])

    def test_requests_wait_for_the_one_in_flight(self):
        self.cells.run("a = [1]")
        writer = self.writer()
        self.begin(writer)
        self.begin(writer)
        answers = []
        while len(answers) < 2:
            select.select(writer.fds(), [], [], writer.timeout())
            answers += writer.collect()
        self.assertEqual([answer["id"] for answer in answers], [1, 2])
        self.assertEqual({answer["status"] for answer in answers}, {"ok"})

    def test_what_provably_did_not_change_needs_no_copy(self):
        self.cells.run("import json\na, b = 1, ('x', 2)\ndef f(x=3): return a")
        writer = self.writer()
        first = self.snapshot(writer)
        with mock.patch.object(snapshot_writer, "fork", side_effect=AssertionError):
            again = self.snapshot(writer, first["footer"])
        self.assertEqual((again["footer"], again["bytes"], again["saved"]), (first["footer"], 0, first["saved"]))
        changed = self.snapshot(writer, first["footer"]) if self.cells.run("a = 2") else None
        self.assertGreater(changed["bytes"], 0)

    def test_changes_that_cannot_be_disproved_are_looked_for(self):
        for code, change in (("a = [1]", "a.append(2)"), ("class A: pass", "A.x = 1"), ("a = ([],)", "a[0].append(1)"),
                             ("def f(x=[]): pass", "f.__defaults__[0].append(1)"), ("def f(): pass", "f.mark = 1"),
                             ("import random", "random.random()"), ("import os", "os.environ['VARRO_X'] = '1'")):
            with self.subTest(code):
                self.addCleanup(os.environ.pop, "VARRO_X", None)
                self.cells = Cells().run(code)
                writer = self.writer()
                first = self.snapshot(writer)
                self.cells.run(change)
                self.assertGreater(self.snapshot(writer, first["footer"])["bytes"], 0)

    def test_what_ends_python_is_left_out_and_named(self):
        self.cells.run("import os\nclass Bomb:\n    def __reduce__(s): os._exit(3)\na, bomb, b = [1], Bomb(), [2]")
        answer = self.snapshot(self.writer())
        self.assertEqual(answer["lost"], [{"name": "bomb", "reason": "Python ended while it was being saved"}])
        self.assertIn("b", answer["saved"])
        self.assertEqual(load(self.file.fd, answer["footer"])[0].names["a"], [1])

    def test_what_crashes_python_is_left_out_and_named(self):
        self.cells.run("import os, signal\nclass Bomb:\n    def __reduce__(s): os.kill(os.getpid(), signal.SIGKILL)\n"
                       "a, bomb = [1], Bomb()")
        answer = self.snapshot(self.writer())
        self.assertEqual([loss["name"] for loss in answer["lost"]], ["bomb"])

    def test_what_takes_for_ever_is_left_out_and_named(self):
        self.cells.run("import threading\nclass Wait:\n    def __reduce__(s): threading.Event().wait()\na, wait = [1], Wait()")
        answer = self.snapshot(self.writer(), seconds_max=1)
        self.assertEqual(answer["lost"], [{"name": "wait", "reason": "saving it took too long"}])

    def test_too_many_such_variables_are_a_failure(self):
        self.cells.run("import os\nclass Bomb:\n    def __reduce__(s): os._exit(3)\na, b, c, d, e = (Bomb() for _ in range(5))")
        answer = self.snapshot(self.writer())
        self.assertEqual((answer["status"], answer["reason"]), ("failed", "the process that wrote it ended unexpectedly"))

    def test_a_dangerous_variable_is_tried_again_once_it_is_another_object(self):
        self.cells.run("import os\nclass Bomb:\n    def __reduce__(s): os._exit(3)\na = Bomb()")
        writer = self.writer()
        self.assertEqual(len(self.snapshot(writer)["lost"]), 1)
        self.cells.run("a = [5]")
        self.assertIn("a", self.snapshot(writer)["saved"])

    def test_what_pickling_prints_or_starts_does_not_reach_the_shell(self):
        self.cells.run("import os, sys, threading, subprocess\nclass Loud:\n    def __reduce__(s):\n"
                       "        print('loud'); os.write(2, b'loud'); threading.Thread(target=print).start()\n"
                       "        subprocess.Popen(['sleep', '0'])\n        return list, ()\na = Loud()")
        reading, writing = os.pipe()
        saved = os.dup(1), os.dup(2)
        os.dup2(writing, 1), os.dup2(writing, 2)
        try:
            answer = self.snapshot(self.writer())
        finally:
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
            [os.close(fd) for fd in (*saved, writing)]
        self.assertEqual(answer["saved"][-2:], ["Loud", "a"])
        self.assertEqual(os.read(reading, 10), b"")
        os.close(reading)
        self.assertEqual(threading.active_count(), 1)

    def test_handlers_of_forks_are_not_run_in_the_shell(self):
        called = []
        os.register_at_fork(before=lambda: called.append("before"), after_in_parent=lambda: called.append("after"))
        self.cells.run("a = [1]")
        self.assertEqual(self.snapshot(self.writer())["status"], "ok")
        self.assertEqual(called, [])

    def test_what_only_the_worker_may_hold_is_dropped_in_the_copy(self):
        reading, writing = os.pipe()
        self.cells.names["socket"] = writing
        self.cells.run("import os\nclass Writes:\n    def __reduce__(s): os.write(socket, b'x'); return list, ()\na = Writes()")
        answer = self.snapshot(self.writer(drop=lambda: os.close(writing)))
        self.assertEqual(answer["lost"], [])
        self.assertEqual(select.select([reading], [], [], 0)[0], [])
        self.snapshot(self.writer())
        self.assertEqual(os.read(reading, 1), b"x")
        [os.close(fd) for fd in (reading, writing)]

    def test_a_file_that_cannot_be_written_is_a_failure_with_a_reason(self):
        self.cells.run("a = [1]")
        writer = self.writer()
        writer.begin({"id": 1, "base": None}, os.open("/dev/full", os.O_RDWR))
        self.assertEqual(self.answer(writer)["reason"], "the snapshot file could not be written: No space left on device")
        self.assertEqual(self.snapshot(writer)["status"], "ok")

    def test_half_a_snapshot_is_cut_off_again(self):
        import resource

        self.cells.run("a = list(range(300_000))")
        answer = self.snapshot(self.writer())
        size = os.fstat(self.file.fd).st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, limits[1]))
        self.cells.run("a.append(1)")
        failed = self.snapshot(self.writer(), answer["footer"])
        self.assertEqual((failed["status"], failed["reason"]),
                         ("failed", "the snapshot file could not be written: File too large"))
        self.assertEqual(os.fstat(self.file.fd).st_size, size)

    def test_a_python_without_cloudpickle_says_so(self):
        with mock.patch.object(snapshot_pickles, "CloudPickler", None):
            self.assertIn("cloudpickle is not installed", self.snapshot(self.writer())["reason"])
            answer = snapshot_writer.restore(None, {"id": 1, "footer": 8}, os.dup(self.file.fd), {})
            self.assertIn("cloudpickle is not installed", answer["reason"])

    def test_a_shell_without_room_for_another_process_goes_on(self):
        import resource

        self.cells.run("a = [1]")
        writer = self.writer()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.begin(writer)
        first = self.answer(writer)
        fd = os.dup(self.file.fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (fd + 1, limits[1]))
        try:
            writer.begin({"id": 2, "base": None}, fd)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(self.answer(writer)["reason"], "no further process could be started for it")
        with mock.patch.object(snapshot_writer, "fork", return_value=-1):
            self.assertEqual(self.snapshot(writer)["status"], "failed")
        self.assertEqual(self.snapshot(writer, first["footer"])["bytes"], 0)

    def test_hostile_types_and_names_do_not_end_the_shell(self):
        self.cells.run("class M(type):\n    def __hash__(c): raise RuntimeError('no')\n    def __eq__(c, o): raise RuntimeError\n"
                       "class A(metaclass=M): pass\na, fine = A(), [1]\n"
                       "class Name(str):\n    def __hash__(s): return 7\nglobals()[Name('x')] = 1\nglobals()[5] = 1")
        answer = self.snapshot(self.writer())
        self.assertEqual({loss["name"] for loss in answer["lost"]}, {"A", "a"})
        self.assertIn("fine", answer["saved"])

    def test_long_lists_of_names_are_cut(self):
        self.cells.run("for i in range(3_000): globals()[f'v{i}'] = i")
        answer = self.snapshot(self.writer())
        self.assertEqual((len(answer["saved"]), answer["saved_more"]), (2_000, 1_001))

    def test_long_names_are_cut_in_the_answer_only(self):
        name = "n" * 200
        self.cells.run(f"{name} = 5\n{'g' * 200} = (i for i in [])")
        answer = self.snapshot(self.writer())
        self.assertEqual((answer["saved"], answer["lost"][0]["name"]), (["n" * 120], "g" * 120))
        self.assertEqual(load(self.file.fd, answer["footer"])[0].names[name], 5)

    def test_deeply_nested_objects_are_saved_and_endless_ones_refused(self):
        self.cells.run("deep = None\nfor _ in range(2_000): deep = {'next': deep}\n"
                       "class Endless:\n    def __reduce__(s): return list, ([Endless()],)\nendless = Endless()")
        answer = self.snapshot(self.writer())
        self.assertIn("deep", answer["saved"])
        self.assertEqual(answer["lost"], [{"name": "endless", "reason": "it is nested too deeply, or without end"}])


class Restoring(unittest.TestCase):
    def test_the_answer_says_what_came_back(self):
        with SnapshotFile() as file:
            from cells import save

            footer = save(Cells().run("a = [1]\ng = (i for i in [])"), file.fd)["footer"]
            names = {}
            answer = snapshot_writer.restore(None, {"id": 4, "footer": footer}, os.dup(file.fd), names)
            self.assertEqual(answer, {"op": "restore", "id": 4, "status": "ok", "restored": ["a"],
                                      "lost": [{"name": "g", "reason": "a generator cannot be saved"}]})
            self.assertEqual(names["a"], [1])

    def test_a_snapshot_that_is_not_there_is_a_failure_with_a_sentence(self):
        with SnapshotFile() as file:
            answer = snapshot_writer.restore(None, {"id": 4, "footer": 9}, os.dup(file.fd), {})
            self.assertEqual(answer["status"], "failed")
            self.assertIn("cut off", answer["reason"])


if __name__ == "__main__":
    unittest.main()
