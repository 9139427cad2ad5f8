"""A data directory that is full: the user reads so, nothing is damaged, and all goes on once there is room."""

import contextlib
import pathlib
import sqlite3
import subprocess
import tempfile
import unittest

from cells import Chat, python
from harness import Client, Model, Varro

DISK_BYTES = 24 << 20


@contextlib.contextmanager
def small_disk():
    with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", directory],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest(f"no small disk can be mounted: {mounted.stderr.strip()}")
        try:
            yield pathlib.Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.disk = self.enterContext(small_disk())
        self.disk.chmod(0o755)
        self.model = Model()
        self.addCleanup(self.model.stop)
        self.data = self.disk / "data"
        self.server = self.started()

    def started(self):
        server = Varro(self.data, self.model)
        self.addCleanup(server.stop)
        self.client = Client(server)
        return server

    def fill(self):
        with open(self.disk / "fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self):
        (self.disk / "fill").unlink()

    def check_database(self):
        with contextlib.closing(sqlite3.connect(self.data / "varro.db")) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_a_message_is_refused_and_can_be_sent_again(self):
        chat = Chat(self.client)
        self.assertEqual(chat.run("print(1)").stdout, "1\n")
        self.fill()
        refused = self.client.send(python("print(2)"), chat.chat_id)
        self.assertGreaterEqual(refused.status, 500)
        self.assertIn("disk is full", refused.text)
        self.assertEqual(self.client.get("/healthz").status, 200)
        self.assertEqual(self.client.get(f"/chat/{chat.chat_id}").status, 200)
        self.make_room()
        self.assertEqual(chat.run("print(3)").stdout, "3\n")
        self.server.stop()
        self.check_database()

    def test_an_answer_that_finds_it_full_says_so_and_is_closed_later(self):
        chat = Chat(self.client)
        chat.run("kept = 1")
        # The cell fills the disk of its own server, and keeps nothing open.
        running = chat.start("file = open('fill', 'wb', buffering=0)\ntry:\n    while True: file.write(bytes(4096))\n"
                             "except OSError as error: print(error)\nfile.close()")
        cell = running.result()
        self.assertEqual(cell.state, "running")  # nothing is shown that was not stored
        self.assertEqual(cell.events[-1].name, "done")
        self.assertIn("disk is full", cell.events[-1].data)
        page = chat.get("").text
        self.assertIn("disk is full", page)
        self.assertIn('data-state="stopped"', page)
        self.assertNotIn('data-state="running"', page)
        (self.data / "workspaces" / str(chat.chat_id) / "fill").unlink()
        self.assertEqual(chat.run("print(kept)").stdout, "1\n")
        self.assertNotIn("disk is full", chat.get("").text)
        self.server.kill()
        self.started()
        self.assertEqual(Chat(self.client, chat.chat_id).run("print('after')").stdout, "after\n")
        self.check_database()

    def test_a_server_that_cannot_start_says_why(self):
        self.server.stop()
        for file in self.data.rglob("*"):
            if file.is_file():
                file.unlink()
        self.fill()
        with self.assertRaisesRegex(RuntimeError, "full|No space"):
            self.started()
        self.make_room()
        self.started()


if __name__ == "__main__":
    unittest.main()
