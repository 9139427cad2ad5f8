from shell_process import ShellProcess
from test_cells import WithShell


class Interrupts(WithShell):
    """What Python would swallow is not lost: at a fork it waits, and elsewhere a second one follows."""

    COME = "import os, signal, subprocess, multiprocessing\ndef come():\n    os.kill(os.getpid(), signal.SIGINT)\n"

    def test_one_in_a_callback_at_a_fork_is_not_lost(self):
        forks = ("pid = os.fork()\nif pid == 0: os._exit(0)", "pid, _ = os.forkpty()\nif pid == 0: os._exit(0)",
                 "subprocess.run(['true'], preexec_fn=lambda: None)",
                 "multiprocessing.get_context('fork').Process(target=int).start()")
        for when in ("before", "after_in_parent"):
            for fork in forks:
                with self.subTest(f"{when} {fork}"):
                    shell = ShellProcess()
                    self.addCleanup(shell.close)
                    cell = shell.run(f"{self.COME}os.register_at_fork({when}=come)\n{fork}\nprint('went on')")
                    self.assertEqual((cell.status, cell.text()), ("interrupted", ""), cell.outputs)

    def test_one_that_was_meant_for_the_parent_does_not_end_the_child(self):
        shell = ShellProcess()
        self.addCleanup(shell.close)
        cell = shell.run(f"{self.COME}reading, writing = os.pipe()\nos.register_at_fork(before=come)\n"
                         "pid = os.fork()\nif pid == 0:\n    os.write(writing, b'child')\n    os._exit(0)")
        self.assertEqual(cell.status, "interrupted", cell.outputs)
        self.assertEqual(shell.run("os.read(reading, 9)").outputs[0]["text"], "b'child'")

    def test_the_child_can_be_interrupted_itself(self):
        cell = self.run_cell(f"{self.COME}child = os.fork()\nif child == 0:\n    try: come()\n"
                             "    except KeyboardInterrupt: os._exit(7)\n    os._exit(0)\n"
                             "os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])")
        self.assertEqual(cell.outputs[-1]["text"], "7")

    def test_a_second_one_reaches_a_cell_that_has_lost_the_first(self):
        cell = self.run_cell(f"{self.COME}class Lost:\n    def __del__(self): come()\nLost()\n"
                             "print('went on')\ncome()\nprint('not reached')", "interrupted")
        self.assertEqual(cell.text(), "went on\n")

    def test_a_second_one_does_not_cut_off_what_a_cell_does_because_of_the_first(self):
        ways = ("try: come()\nexcept KeyboardInterrupt:\n    come(); print('saved')",
                "try:\n    try: come()\n    finally:\n        come(); print('saved')\nexcept KeyboardInterrupt: pass",
                "class Saving:\n    def __enter__(self): pass\n    def __exit__(self, *error):\n"
                "        come(); print('saved'); return True\nwith Saving(): come()",
                "try: come()\nexcept KeyboardInterrupt:\n    try: 1 / 0\n    except ZeroDivisionError:\n"
                "        come(); print('saved')")
        for way in ways:
            with self.subTest(way):
                cell = self.run_cell(self.COME + way)
                self.assertEqual((cell.status, cell.text()), ("ok", "saved\n"), cell.outputs)
