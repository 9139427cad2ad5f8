"""The drill: load on, a backup, the server is killed, restored elsewhere: all that was acknowledged before is there."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

from backups import backup, blob, check, files_of, lines_of, partial, query, restore, whole, write_manifest
from cells import Chat, until
from harness import VARRO, WAIT_SECONDS, Client, Model, Varro, run_varro, supervisors_of

CHATS = 4
BEFORE = 2  # turns of each chat that are over when the backup begins
MANY = 3_000  # files: as many as take a backup longer than a look at its directory


class Busy:
    """A chat that goes on and on: each turn writes a file, and one is uploaded after it. `done` counts what was
    acknowledged whole."""

    def __init__(self, server, number):
        self.chat, self.number, self.done = Chat(Client(server)), number, 0
        self.stopped, self.failure = threading.Event(), None
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            while not self.stopped.is_set():
                turn = self.done + 1
                cell = self.chat.run(f"open('cell-{turn}.txt', 'w').write('by {self.number} in {turn}')\n"
                                     f"open('same.bin', 'wb').write(bytes({turn}) * 1000)\nprint('turn', {turn}, 'over')")
                assert cell.stdout == f"turn {turn} over\n", cell
                assert self.chat.upload(f"upload-{turn}.txt", f"up {self.number} {turn}".encode()).status == 201
                self.done = turn
        except Exception as failure:  # after the kill, which is meant
            self.failure = failure

    def check(self, server, turns):
        client = Client(server)
        page = client.get(f"/chat/{self.chat.chat_id}").text
        for turn in range(1, turns + 1):
            assert f"turn {turn} over" in page, (self.number, turn)
            for name, text in ((f"cell-{turn}.txt", f"by {self.number} in {turn}"),
                               (f"upload-{turn}.txt", f"up {self.number} {turn}")):
                reply = client.get(f"/chat/{self.chat.chat_id}/files/{name}")
                assert (reply.status, reply.body) == (200, text.encode()), (self.number, name, reply.status)


class Drill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model()

    @classmethod
    def tearDownClass(cls):
        cls.model.stop()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-backup-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.data, self.backups, self.restored = (self.root / name for name in ("data", "backups", "restored"))
        self.addCleanup(self.end_supervisors)

    def end_supervisors(self):
        for data in (self.data, self.restored):
            for pid in supervisors_of(data):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def serve(self, data):
        server = Varro(data, self.model)
        try:
            yield server
        finally:
            if server.popen.poll() is None:
                server.stop()

    def check_sums(self, data):
        """What the days say is what the rows say."""
        ((requests, tokens, *of_days),) = query(data, """
            SELECT count(*) FILTER (WHERE outcome NOT IN ('refused', 'unsent') AND kind = 'model'),
              sum(input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens),
              (SELECT sum(requests) FROM usage_days), (SELECT sum(tokens) FROM usage_days) FROM usage""")
        self.assertEqual([requests, tokens], of_days)
        return requests, tokens

    def test_all_that_was_acknowledged_before_a_backup_under_load_is_in_what_is_restored_of_it(self):
        with self.serve(self.data) as server:
            quiet = Chat(Client(server))
            self.assertEqual(quiet.run("kept = {'answer': 42}\nprint('kept')").stdout, "kept\n")
            until(lambda: query(self.data, "SELECT count(*) FROM snapshots WHERE chat_id = ?", quiet.chat_id)[0][0] > 0,
                  "the snapshot is committed")
            busy = [Busy(server, number) for number in range(CHATS)]
            until(lambda: all(one.done >= BEFORE for one in busy) or any(one.failure for one in busy), "turns")
            self.assertEqual([one.failure for one in busy], [None] * CHATS)
            promised = [one.done for one in busy]
            tokens = self.check_sums(self.data)
            made = backup(self.data, self.backups)
            self.assertEqual([one.failure for one in busy], [None] * CHATS)
            server.kill()
            for one in busy:
                one.stopped.set()
                one.thread.join(WAIT_SECONDS)
        self.end_supervisors()
        self.assertEqual(check(made).returncode, 0)
        done = restore(self.backups, self.restored)
        self.assertEqual(done.returncode, 0, done.stderr)
        restored = self.check_sums(self.restored)
        self.assertTrue(restored[0] >= tokens[0] and restored[1] >= tokens[1], (restored, tokens))
        verified = run_varro("audit", "verify", "--data", str(self.restored))
        self.assertEqual(verified.returncode, 0, verified.stderr)
        with self.serve(self.restored) as server:
            for one, turns in zip(busy, promised):
                one.check(server, turns)
            again = Chat(Client(server), quiet.chat_id)
            self.assertEqual(again.run("print(kept['answer'])").stdout, "42\n")
            self.assertIn(f"/chat/{quiet.chat_id}", Client(server).get("/chats?q=answer").text)  # the index of the search is made anew
            self.assertEqual(Chat(Client(server), busy[0].chat.chat_id).run("print(open('cell-1.txt').read())").stdout,
                             "by 0 in 1\n")

    def test_what_did_not_change_is_shared_with_the_backup_before_and_what_did_is_not(self):
        with self.serve(self.data) as server:
            chat = Chat(Client(server))
            self.assertEqual(chat.run("for name in ('same', 'other'): open(name, 'w').write('old')\nprint(1)").stdout, "1\n")
            workspace = self.data / "workspaces" / str(chat.chat_id)
            first = backup(self.data, self.backups)
            # As if it had been made long after the files, and not within the time in which a change might not show.
            write_manifest(first, [{**line, "settled": True} if "number" in line else line for line in lines_of(first)])
            (workspace / "other").write_text("new")
            second = backup(self.data, self.backups)
            full = backup(self.data, self.backups, "--full")
        before, after, anew = files_of(first), files_of(second), files_of(full)
        same, other = (("workspace", chat.chat_id, name) for name in (b"same", b"other"))
        self.assertTrue(blob(first, before[same]).samefile(blob(second, after[same])))
        self.assertFalse(blob(second, after[same]).samefile(blob(full, anew[same])))
        self.assertFalse(blob(first, before[other]).samefile(blob(second, after[other])))
        self.assertEqual(blob(first, before[other]).read_text(), "old")
        self.assertEqual(blob(second, after[other]).read_text(), "new")
        # The first one goes, the second one is still whole.
        subprocess.run(["rm", "-r", str(first)], check=True)
        self.assertEqual(check(second).returncode, 0)

    def test_a_backup_that_is_killed_is_none_and_the_next_one_is_whole(self):
        with self.serve(self.data) as server:
            chat = Chat(Client(server))
            self.assertEqual(chat.run("print(1)").stdout, "1\n")
            workspace = self.data / "workspaces" / str(chat.chat_id)
            for number in range(MANY):
                (workspace / f"file-{number}").write_text(str(number))
            first = backup(self.data, self.backups)
            for _ in range(20):  # one that was quicker than the kill is a whole one
                command = subprocess.Popen([VARRO, "backup", str(self.backups), "--data", str(self.data), "--full"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                until(lambda: command.poll() is not None or any((path / "files/0/10").exists()
                                                                    for path in partial(self.backups)), "it has begun")
                command.kill()
                command.communicate(timeout=WAIT_SECONDS)
                if partial(self.backups):
                    break
            cut_off = partial(self.backups)
            self.assertEqual(len(cut_off), 1)
            self.assertEqual(check(cut_off[0]).returncode, 1)
            self.assertEqual(restore(cut_off[0], self.restored).returncode, 1)
            self.assertFalse(self.restored.exists())
            self.assertEqual(check(self.backups).returncode, 0)  # of the newest whole one
            newest = backup(self.data, self.backups)
            self.assertEqual(partial(self.backups), [])
            self.assertGreater(newest.name, cut_off[0].name)
            self.assertEqual(check(newest).returncode, 0)
            self.assertIn(first, whole(self.backups))


if __name__ == "__main__":
    unittest.main()
