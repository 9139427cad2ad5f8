"""varro doctor: says what works, what is missing and how to mend it; the exit code tells a script."""

import os
import pathlib
import socket
import sqlite3
import sys
import tempfile
import unittest

from harness import Client, Model, Varro, run_varro


# Runs a program as systemd's RestrictSUIDSGID= does: openat2 answers that there is no such call.
WITHOUT_OPENAT2 = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
openat2, load_number, is_equal, answer, allow, no_such_call = 437, 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000 | 38
code = b"".join(struct.pack("HBBI", *each) for each in (
    (load_number, 0, 0, 0), (is_equal, 0, 1, openat2), (answer, 0, 0, no_such_call), (answer, 0, 0, allow)))
held = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(held))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
    sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])
"""


class Doctor(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.data = self.root / "data"

    def model(self):
        server = Model()
        self.addCleanup(server.stop)
        return server

    def doctor(self, toml="", env=None):
        config = self.root / "varro.toml"
        config.write_text(toml)
        return run_varro("doctor", "--data", str(self.data), "--config", str(config), env=env)

    def line(self, done, topic):
        """The verdict on a topic and its remedy, if it has one."""
        lines = done.stdout.splitlines()
        at = next(i for i, line in enumerate(lines) if line[6:].startswith(topic + ":"))
        remedy = lines[at + 1].strip() if at + 1 < len(lines) and lines[at + 1].startswith(" ") else ""
        return lines[at], remedy

    def test_a_machine_on_which_a_cell_runs_is_healthy(self):
        done = self.doctor()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        verdict, _ = self.line(done, "shell")
        self.assertRegex(verdict, r"^ok .* 3\.\d+")
        self.assertFalse(self.data.exists(), "looking must not make the data directory")

    def test_a_filter_that_refuses_to_open_files_of_workspaces_is_named(self):
        self.assertTrue(self.line(self.doctor(), "workspaces")[0].startswith("ok"))
        done = run_varro("doctor", "--data", str(self.data), launcher=(sys.executable, "-c", WITHOUT_OPENAT2))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        verdict, advice = self.line(done, "workspaces")
        self.assertTrue(verdict.startswith("FAIL"), verdict)
        self.assertIn("RestrictSUIDSGID=", advice)

    def test_whether_each_shell_has_a_host_user_of_its_own_is_told_with_what_it_needs(self):
        verdict, remedy = self.line(self.doctor(), "users")
        if os.geteuid() != 0:
            self.assertTrue(verdict.startswith("warn") and "root" in remedy, verdict + remedy)
        else:
            self.assertRegex(verdict + remedy, "^ok .* of its own|^warn .*id-mapped mounts.*ext4")
        bubblewrap = self.root / "bwrap"
        bubblewrap.touch()
        bubblewrap.chmod(0o4755)
        if os.geteuid() == 0:
            verdict, _ = self.line(self.doctor(f'[shell]\nbubblewrap = "{bubblewrap}"\n'), "users")
            self.assertRegex(verdict, "^warn .*set-uid")

    def test_a_missing_sandbox_or_python_fails_with_its_remedy(self):
        for key, remedy in (("bubblewrap", "apt install bubblewrap"), ("python", "/nonexistent/program")):
            done = self.doctor(f'[shell]\n{key} = "/nonexistent/program"\n')
            self.assertEqual(done.returncode, 1, done.stdout)
            verdict, advice = self.line(done, "shell")
            self.assertTrue(verdict.startswith("FAIL"), verdict)
            self.assertIn(remedy, verdict + advice)

    def test_a_damaged_database_is_found_and_a_sound_one_is_called_sound(self):
        server = Varro(self.data, self.model())
        try:
            Client(server).turn("[[text: hello]]")
        finally:
            server.stop()
        done = self.doctor()
        self.assertTrue(self.line(done, "database")[0].startswith("ok"), done.stdout)
        database = self.data / "varro.db"
        pages = bytearray(database.read_bytes())
        size = sqlite3.connect(":memory:").execute("PRAGMA page_size").fetchone()[0]
        pages[size:size + 400] = b"\xff" * 400
        database.write_bytes(pages)
        done = self.doctor()
        self.assertEqual(done.returncode, 1, done.stdout)
        verdict, advice = self.line(done, "database")
        self.assertTrue(verdict.startswith("FAIL"), verdict)
        self.assertIn("backup", advice)

    def test_a_vendor_is_asked_and_a_wrong_key_or_a_dead_address_is_told_without_the_key(self):
        model = self.model()
        url = f"http://{model.host}:{model.port}"
        done = self.doctor(env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-secret-1"})
        self.assertEqual(done.returncode, 0, done.stdout)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            done = self.doctor(env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-secret-1"})
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("FAIL", done.stdout)
        self.assertNotIn("sk-secret-1", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
