"""What a shell does while nobody asks it for anything."""
import os
import pathlib
import signal
import time
import unittest

from shell_process import ShellProcess

WAIT_SECONDS = 30


class Rest(unittest.TestCase):
    def setUp(self):
        self.shell = ShellProcess()
        self.addCleanup(self.shell.close)

    def until(self, what):
        end = time.monotonic() + WAIT_SECONDS
        while not what():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def threads(self):
        return len(os.listdir(f"/proc/{self.shell.process.pid}/task"))

    def until_it_rests(self):
        self.until(lambda: self.threads() == 1)

    def while_it_rests(self, command):
        """A child that a cell left behind runs the command, and has ended."""
        folder = pathlib.Path(self.shell.folder.name)
        os.mkfifo(folder / "go")
        self.shell.run("import subprocess\n"
                       f"child = subprocess.Popen('read line < go; {command}; echo x > told', shell=True)\nNone")
        self.until_it_rests()
        with open(folder / "go", "w") as go:
            go.write("now\n")
        self.until((folder / "told").exists)

    def test_a_shell_that_rests_has_one_thread_and_the_next_cell_has_its_outputs(self):
        self.until_it_rests()
        cell = self.shell.run("import os\nos.system('echo from a child')\nprint('from Python')")
        self.assertEqual(cell.text(), "from a child\nfrom Python\n")
        self.until_it_rests()
        self.assertEqual(self.shell.run("print('again')").text(), "again\n")

    def test_what_a_child_prints_meanwhile_comes_with_the_next_cell(self):
        self.while_it_rests("echo late")
        self.assertIn("late\n", self.shell.run("print('next')").text())

    def test_more_than_a_pipe_holds_is_taken_meanwhile(self):
        self.while_it_rests("seq 100000")
        self.assertIn("100000\n", self.shell.run("child.wait()\nprint('next')").text())

    def test_an_interrupt_of_a_shell_that_rests_is_nothing(self):
        self.until_it_rests()
        self.shell.process.send_signal(signal.SIGINT)
        cell = self.shell.run("print('here')")
        self.assertEqual((cell.status, cell.text()), ("ok", "here\n"))

    def test_a_cell_that_closes_its_descriptors_leaves_nothing_to_be_read(self):
        # A pipe without another end is always ready: whoever still waited for it would never sleep again.
        reading = "[o for o in gc.get_objects() if type(o).__name__ == 'Pipes'][0].decoders"
        self.assertEqual(self.shell.run(f"import gc, os\nlen({reading})").outputs[-1]["text"], "2")
        self.shell.run("os.close(1)\nos.close(2)")
        self.until(lambda: self.shell.run(f"len({reading})").outputs[-1]["text"] == "0")
        self.assertEqual(self.shell.run("print('Python still speaks')").text(), "Python still speaks\n")
        self.until_it_rests()


if __name__ == "__main__":
    unittest.main()
