import os
import subprocess
import threading
import unittest
import unittest.mock

import cells  # noqa: F401  (it makes the worker's modules known)
from varro_worker.leftovers import NAMED_MAX, Leftovers


class WhatACellLeavesBehind(unittest.TestCase):
    def setUp(self):
        self.stop = threading.Event()
        self.leftovers = Leftovers()

    def thread(self, name):
        thread = threading.Thread(target=self.stop.wait, name=name)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.stop.set)  # runs before the join
        return thread

    def process(self):
        child = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def test_nothing_is_said_of_a_cell_that_leaves_nothing(self):
        self.stop.set()
        self.thread("done").join()
        subprocess.run(["true"], check=True)
        self.assertIsNone(self.leftovers.line())

    def test_a_thread_is_named_once(self):
        self.thread("counting")
        self.assertEqual(self.leftovers.line(), "Still running after this cell: thread “counting”.\n")
        self.assertIsNone(self.leftovers.line())

    def test_a_process_is_named_once_with_its_pid(self):
        child = self.process()
        self.assertEqual(self.leftovers.line(), f"Still running after this cell: process {child.pid} (sleep).\n")
        self.assertIsNone(self.leftovers.line())

    def test_a_grandchild_counts_too(self):
        reading, writing = os.pipe()
        child = subprocess.Popen(["sh", "-c", "sleep 1000 & echo $!; wait"], stdout=writing)
        grandchild = int(os.read(reading, 20))
        self.addCleanup(child.wait)
        self.addCleanup(os.kill, grandchild, 9)
        line = self.leftovers.line()
        # It may not have become sleep yet.
        self.assertRegex(line, rf"processes {child.pid} \(sh\), {grandchild} \((sh|sleep)\)")
        os.close(reading)
        os.close(writing)

    def test_a_process_that_has_ended_is_not_left_over(self):
        child = self.process()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assertIsNone(self.leftovers.line())

    def test_the_worker_s_own_do_not_count(self):
        child = self.process()
        self.leftovers.own_pids = lambda: [child.pid]
        self.thread("varro-output")
        self.assertIsNone(self.leftovers.line())

    def test_the_line_is_bounded_and_printable(self):
        for number in range(NAMED_MAX + 3):
            self.thread(f"bad\n\x1b name {number}" + "x" * 100)
        line = self.leftovers.line()
        self.assertTrue(line.startswith("Still running after this cell: threads “bad?? name "))
        self.assertTrue(line.endswith("… and 3 more.\n".replace("… and", "…” and")), line)
        self.assertLess(len(line), 1_000)
        self.assertEqual(line.count("\n"), 1)

    def test_a_thread_whose_name_raises_is_no_reason_to_fail(self):
        class Hostile(threading.Thread):
            @property
            def name(self):
                raise RuntimeError

            @name.setter
            def name(self, value):
                pass

        thread = Hostile(target=self.stop.wait)
        self.addCleanup(thread.join)
        self.addCleanup(self.stop.set)
        with unittest.mock.patch("sys.stderr"):
            thread.start()
        self.assertIsNone(self.leftovers.line())

    def test_threads_and_processes_share_the_line(self):
        self.thread("t")
        child = self.process()
        self.assertEqual(self.leftovers.line(), f"Still running after this cell: thread “t”; process {child.pid} (sleep).\n")


if __name__ == "__main__":
    unittest.main()
