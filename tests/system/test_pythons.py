"""Two Pythons of the operator's, each in its chats: the system's, and a virtual environment."""

import pathlib
import subprocess
import tempfile
import unittest

from cells import Chat, python, until
from harness import Client, Model, Varro, run_varro

SETTINGS = """
[shell.python.system]
interpreter = "/usr/bin/python3"

[shell.python.project]
interpreter = "{environment}/bin/python"
preload = ["numpy", "of_the_project", "not_installed_anywhere"]

[shell.python.unusual]
interpreter = "{environment}/bin/python"
preload = ["unusual"]
"""


class TwoPythons(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.directory.chmod(0o755)
        private = cls.directory / "private"
        private.mkdir(mode=0o700)  # a root server's shells run as another user, who could not get there
        environment = private / "environment"
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", environment],
                       check=True)
        packages = next(environment.glob("lib/python3*/site-packages"))
        (packages / "of_the_project.py").write_text("import os\nanswer, loaded_by = 42, os.getpid()\n")
        (packages / "unusual.py").write_text("import os\nos.memfd_create = None  # which a rehearsal needs\n")
        cls.settings = cls.directory / "varro.toml"
        cls.settings.write_text(SETTINGS.format(environment=environment))
        cls.environment = environment
        cls.model = Model()
        cls.addClassCleanup(cls.model.stop)
        cls.start()

    @classmethod
    def start(cls):
        cls.server = Varro(cls.directory / "data", cls.model, arguments=["--config", str(cls.settings)])
        cls.addClassCleanup(cls.server.stop)
        cls.client = Client(cls.server)

    def chat(self, code, name=None):
        """A chat with this Python, after its first cell."""
        reply = self.client.send(python(code), **({} if name is None else {"python": name}))
        self.assertEqual(reply.status, 200, reply.text)
        self.client.events(reply.chat_id, after=reply.after)
        return Chat(self.client, reply.chat_id)

    def test_each_chat_has_the_python_that_it_was_started_with(self):
        where = "import sys\nprint(sys.prefix)"
        ours, theirs, usual = self.chat("x = 1", "project"), self.chat("x = 2", "system"), self.chat("x = 3")
        self.assertEqual(ours.run(where).stdout.strip(), str(self.environment))
        self.assertEqual(theirs.run(where).stdout.strip(), "/usr")
        self.assertEqual(usual.run(where).stdout.strip(), "/usr")
        self.assertEqual([chat.run("print(x)").stdout for chat in (ours, theirs, usual)], ["1\n", "2\n", "3\n"])

    def test_packages_of_the_environment_are_there_and_were_loaded_before(self):
        ours, theirs = self.chat("x = 1", "project"), self.chat("x = 1", "system")
        code = "import sys, os\nprint('of_the_project' in sys.modules)\nimport of_the_project as p\nprint(p.answer)"
        self.assertEqual(ours.run(code).stdout, "True\n42\n")
        self.assertIn("ModuleNotFoundError", theirs.run("import of_the_project").text)

    def test_its_programs_are_its_own(self):
        ours = self.chat("x = 1", "project")
        child = ours.run("import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', "
                         "'import of_the_project; print(of_the_project.answer)'], capture_output=True, text=True).stdout)")
        self.assertEqual(child.stdout.strip(), "42")

    def test_the_environment_cannot_be_written_to(self):
        ours = self.chat("x = 1", "project")
        cell = ours.run(f"open({str(self.environment / 'mine')!r}, 'w')")
        self.assertRegex(cell.text, "Read-only file system|Permission denied")

    def test_a_package_that_disturbs_the_rehearsal_costs_memory_only(self):
        chat = self.chat("x = 1", "unusual")
        self.assertEqual(chat.run("import os\nprint(x, os.memfd_create, len(In))").stdout, "1 None 3\n")

    def test_a_name_that_is_not_there_is_refused(self):
        refused = self.client.send("hello", python="nowhere")
        self.assertEqual(refused.status, 422)

    def test_the_doctor_names_the_package_that_is_missing(self):
        done = run_varro("doctor", "--config", str(self.settings), "--data", str(self.directory / "other"))
        self.assertIn("not_installed_anywhere", done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^ok +shell: Python system")

    def test_the_state_is_there_after_the_server_was_killed(self):
        ours = self.chat("import of_the_project\nkept = of_the_project", "project")
        until(lambda: list((self.directory / "data" / "snapshots").glob(f"{ours.chat_id}.snap")), "a snapshot")
        self.server.kill()
        type(self).start()
        again = Chat(self.client, ours.chat_id)
        self.assertEqual(again.run("import sys\nprint(kept.answer, sys.prefix)").stdout, f"42 {self.environment}\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
