"""What nobody uses goes by the rules of its owner's groups, whatever happens meanwhile, and what is in use stays."""

import contextlib
import json
import pathlib
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from cells import Chat, until
from harness import VARRO_CRASHING, WAIT_SECONDS, Client, Model, Varro, run_varro

ACCOUNTS = ("--auth", "accounts")
DAY_US = 86_400_000_000
STEPS = ("retire_chat", "retire_committed", "retire_gone")
# ada is in no group; ben is a researcher, whose chats stay, but not their files.
RULES = """
[retention]
chats_unused_days = 365
attachments_unused_days = 30
[retention.group.research]
chats_unused_days = 0
"""


def connect(data):
    return contextlib.closing(sqlite3.connect(data / "varro.db", timeout=WAIT_SECONDS))


def query(data, sql):
    with connect(data) as database:
        return database.execute(sql).fetchall()


def make_old(data, chat, days):
    """As if it had been used so many days ago last."""
    at = time.time_ns() // 1000 - days * DAY_US
    with connect(data) as database, database:
        database.execute("UPDATE chats SET updated_at = ?, used_at = 0 WHERE id = ?", (at, chat))


def has_files(data, chat):
    return any(path.exists() for path in (data / f"workspaces/{chat}", data / f"versions/{chat}",
                                          data / f"snapshots/{chat}.snap"))


def plant(client, word):
    chat = Chat(client)
    chat.run(f"open('{word}.txt', 'w').write('contents of {word}')\nkept = 'variable of {word}'\nprint('output of {word}')")
    assert chat.upload("upload.txt", f"upload of {word}".encode()).status == 201
    return chat.chat_id


class Retention(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="varro-retention-")
        cls.planted = pathlib.Path(cls.directory.name) / "planted"
        cls.planted.mkdir()
        for name in ("ada", "ben"):
            added = run_varro("user", "add", name, "--password-stdin", "--data", str(cls.planted), stdin=f"{name}-password\n")
            assert added.returncode == 0, added.stderr
        added = run_varro("group", "add", "research", "ben", "--data", str(cls.planted))
        assert added.returncode == 0, added.stderr
        cls.model = Model()
        server = Varro(cls.planted, cls.model, arguments=ACCOUNTS)
        ada, ben = Client(server), Client(server)
        assert ada.login("ada", "ada-password").status == 303
        assert ben.login("ben", "ben-password").status == 303
        cls.old = plant(ada, "oldest")
        cls.middle = plant(ada, "middle")
        cls.fresh = plant(ada, "fresh")
        cls.bens = plant(ben, "researched")
        until(lambda: query(cls.planted, "SELECT count(DISTINCT chat_id) FROM snapshots")[0][0] == 4, "snapshots")
        server.stop()

    @classmethod
    def tearDownClass(cls):
        cls.model.stop()
        cls.directory.cleanup()

    @contextlib.contextmanager
    def copy(self, rules=RULES, old=True):
        with tempfile.TemporaryDirectory(prefix="varro-retention-") as directory:
            data = pathlib.Path(directory) / "data"
            subprocess.run(["cp", "-a", str(self.planted), str(data)], check=True)
            (data / "varro.toml").write_text(rules)
            if old:
                self.make_all_old(data)
            yield data

    def make_all_old(self, data):
        for chat, days in ((self.old, 400), (self.middle, 40), (self.bens, 400)):
            make_old(data, chat, days)

    @contextlib.contextmanager
    def serve(self, data, **kw):
        server = Varro(data, self.model, arguments=ACCOUNTS, **kw)
        try:
            yield server
        finally:
            if server.popen.poll() is None:
                server.stop()

    def logged_in(self, server, name):
        client = Client(server)
        self.assertEqual(client.login(name, f"{name}-password").status, 303)
        return client

    def command(self, data, verb, *arguments, **kw):
        return run_varro("retention", verb, *arguments, "--data", str(data), **kw)

    def ended_jobs(self, data):
        return query(data, "SELECT chats, attachments, bytes > 0 FROM retention_jobs WHERE ended_at > 0 ORDER BY id")

    def told(self, data, action):
        rows = query(data, f"SELECT way, details FROM audit WHERE action = '{action}' ORDER BY id")
        return [(way, json.loads(details)) for way, details in rows]

    def check_all_is_there(self, data):
        self.assertEqual(len(query(data, "SELECT id FROM chats")), 4)
        for chat in (self.old, self.middle, self.fresh, self.bens):
            self.assertTrue(has_files(data, chat))

    def check_retired(self, data, jobs=1):
        """What the rules say is gone, once, and nothing else."""
        self.assertEqual([chat for chat, in query(data, "SELECT id FROM chats ORDER BY id")],
                         sorted((self.middle, self.fresh, self.bens)))
        for table in ("messages", "runs", "snapshots", "chat_prefixes"):
            self.assertEqual(query(data, f"SELECT count(*) FROM {table} WHERE chat_id = {self.old}"), [(0,)], table)
        for chat in (self.old, self.middle, self.bens):
            self.assertFalse(has_files(data, chat), chat)
            self.assertFalse((data / f"workspaces/{chat}.deleted").exists())
        self.assertTrue(has_files(data, self.fresh))
        for chat in (self.middle, self.bens):
            self.assertGreater(query(data, f"SELECT count(*) FROM messages WHERE chat_id = {chat}")[0][0], 0)
        self.assertEqual(query(data, "SELECT count(*) FROM retired_chats"), [(0,)])
        self.assertEqual(query(data, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.ended_jobs(data)[:1], [(1, 2, 1)])
        told = self.told(data, "retention.done")
        self.assertEqual(len(told), jobs)
        way, details = told[0]
        self.assertEqual((way, details["chats"], details["attachments"]), ("server", 1, 2))
        self.assertGreater(details["bytes"], 0)
        self.assertEqual(query(data, "SELECT count(*) FROM audit WHERE action = 'chat.deleted'"), [(0,)])
        verified = run_varro("audit", "verify", "--data", str(data))
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_the_preview_says_what_would_go_and_changes_nothing(self):
        with self.copy() as data:
            by_user = self.command(data, "preview")
            self.assertEqual((by_user.returncode, by_user.stderr), (0, ""))
            lines = [line.split("\t") for line in by_user.stdout.splitlines()[1:]]
            self.assertEqual([line[:3] for line in lines], [["ada", "1", "1"], ["ben", "0", "1"]])
            self.assertTrue(all(int(line[4]) > 0 for line in lines))
            by_chat = self.command(data, "preview", "--chats")
            lines = [line.split("\t") for line in by_chat.stdout.splitlines()[1:]]
            self.assertEqual([[line[0], line[1], line[3]] for line in lines],
                             [[str(self.old), "ada", "all"], [str(self.middle), "ada", "files and variables"],
                              [str(self.bens), "ben", "files and variables"]])
            self.assertNotIn("oldest", by_chat.stdout)  # no title
            self.check_all_is_there(data)
            self.assertEqual(self.told(data, "retention.asked"), [])

    def test_without_a_rule_nothing_goes(self):
        with self.copy(rules="[retention]\nchats_unused_days = 0\n") as data:
            preview = self.command(data, "preview")
            self.assertEqual((preview.returncode, preview.stdout), (0, ""))
            self.assertIn("no rule", preview.stderr)
            self.assertEqual(self.command(data, "run").returncode, 1)
            self.check_all_is_there(data)
            self.assertEqual(query(data, "SELECT count(*) FROM retention_jobs"), [(0,)])

    def test_without_a_server_the_command_does_it(self):
        with self.copy() as data:
            done = self.command(data, "run")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("deleted 1 chats, and the files of 2 others", done.stdout)
            self.check_retired(data)
            self.assertEqual([way for way, _ in self.told(data, "retention.asked")], ["command line"])
            again = self.command(data, "run")
            self.assertIn("deleted 0 chats, and the files of 0 others", again.stdout)
            self.assertEqual(len(self.command(data, "preview", "--chats").stdout.splitlines()), 1)

    def test_a_server_does_it_by_itself_and_the_page_says_what_is_gone(self):
        with self.copy() as data:
            with self.serve(data) as server:
                until(lambda: self.ended_jobs(data), "the daily job is over")
                ada = self.logged_in(server, "ada")
                self.assertEqual(ada.get(f"/chat/{self.old}").status, 404)
                page = ada.get(f"/chat/{self.middle}")
                self.assertEqual(page.status, 200)
                self.assertIn("output of middle", page.text)
                self.assertIn("were deleted on", page.text)
                self.assertNotIn("were deleted on", ada.get(f"/chat/{self.fresh}").text)
                missing = ada.get(f"/chat/{self.middle}/files/middle.txt")
                self.assertEqual(missing.status, 404)
                self.assertIn("were deleted on", missing.text)
                self.assertEqual(ada.get(f"/chat/{self.fresh}/files/fresh.txt").text, "contents of fresh")
                until(lambda: not re.search(rf"/chat/{self.old}\b", ada.get("/chats?q=oldest").text), "the search has followed")
                self.assertRegex(ada.get("/chats?q=middle").text, rf"/chat/{self.middle}\b")
                chat = Chat(ada, self.middle)
                cell = chat.run("import os\nprint([f for f in os.listdir() if f.endswith('.txt')], 'kept' in globals())")
                self.assertEqual(cell.state, "done", cell)
                self.assertIn("[] False", cell.stdout)
                self.assertNotIn("were deleted on", ada.get(f"/chat/{self.middle}").text)
                self.assertEqual(self.told(data, "retention.asked"), [])
            with self.serve(data):
                pass
            # Within a day there is no second one; the stop has waited for the look.
            self.assertEqual(query(data, "SELECT count(*) FROM retention_jobs"), [(1,)])
            self.assertFalse(has_files(data, self.old))

    def test_what_is_in_use_stays_while_the_command_has_a_server_delete_the_rest(self):
        with self.copy(old=False) as data, self.serve(data) as server:
            until(lambda: self.ended_jobs(data), "the daily job is over, which had nothing to do")
            ada = self.logged_in(server, "ada")
            running = Chat(ada).start("open('runs', 'w').write('x')\nimport time\ntime.sleep(600)")
            running.wait_for_file("runs")
            asked = ada.send("[[hold: x1]][[text: over]]")
            until(lambda: self.model.state()["open"] == 1, "the model is asked")
            idle = Chat(ada)
            idle.run("kept = 'still here'\nopen('idle.txt', 'w').write('x')")
            self.make_all_old(data)
            for chat in (running.chat_id, asked.chat_id, idle.chat_id):
                make_old(data, chat, 1_000)
            done = self.command(data, "run")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("deleted 1 chats, and the files of 2 others", done.stdout)
            self.assertIn("the server", done.stderr)
            self.assertFalse(running.is_over())
            self.assertEqual(self.model.state()["open"], 1)
            self.assertEqual(idle.run("print(kept, open('idle.txt').read())").stdout, "still here x\n")
            self.assertEqual(running.stop(), 204)
            running.result()
            self.assertEqual(ada.post(f"/chat/{asked.chat_id}/cancel").status, 204)
            self.assertEqual(ada.get(f"/chat/{self.old}").status, 404)
            self.assertFalse(has_files(data, self.middle))
            self.assertEqual([details["chats"] for _, details in self.told(data, "retention.done")], [0, 1])

    def test_who_looks_at_a_chat_uses_it(self):
        with self.copy(old=False) as data, self.serve(data) as server:
            until(lambda: self.ended_jobs(data), "the daily job is over, which had nothing to do")
            self.make_all_old(data)
            ada = self.logged_in(server, "ada")
            self.assertEqual(ada.get(f"/chat/{self.old}").status, 200)
            until(lambda: query(data, f"SELECT used_at FROM chats WHERE id = {self.old}")[0][0] > 0, "the look is noted")
            done = self.command(data, "run")
            self.assertIn("deleted 0 chats, and the files of 2 others", done.stdout)
            self.assertEqual(ada.get(f"/chat/{self.old}").status, 200)
            self.assertTrue(has_files(data, self.old))

    def test_the_command_again_goes_on_where_a_crash_has_cut_it_off(self):
        for step in [f"{name}:{count}" for name in STEPS for count in (1, 2)] + ["retire_end:1"]:
            with self.subTest(step=step), self.copy() as data:
                crashed = self.command(data, "run", env={"VARRO_CRASH_AT": step}, binary=VARRO_CRASHING)
                self.assertEqual(crashed.returncode, -signal.SIGKILL, crashed.stderr)
                done = self.command(data, "run")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("deleted 1 chats, and the files of 2 others", done.stdout)
                self.check_retired(data)

    def test_a_start_goes_on_where_a_crash_has_cut_it_off(self):
        for step in [f"{name}:{count}" for name in STEPS for count in (1, 3)] + ["retire_end:1"]:
            with self.subTest(step=step), self.copy() as data:
                server = Varro(data, self.model, arguments=ACCOUNTS, binary=VARRO_CRASHING, env={"VARRO_CRASH_AT": step},
                               wait=False)
                self.assertEqual(server.popen.wait(WAIT_SECONDS), -signal.SIGKILL, step)
                server.close()
                with self.serve(data):
                    until(lambda: self.ended_jobs(data), "the job is over")
                self.check_retired(data)

    def test_files_that_came_after_a_crash_stay(self):
        """The rows say that the files are gone, but somebody used the chat before they went."""
        with self.copy() as data:
            crashed = self.command(data, "run", env={"VARRO_CRASH_AT": "retire_committed:2"}, binary=VARRO_CRASHING)
            self.assertEqual(crashed.returncode, -signal.SIGKILL, crashed.stderr)
            self.assertEqual(query(data, "SELECT chat_id FROM retired_chats"), [(self.middle,)])
            with connect(data) as database, database:
                database.execute("UPDATE chats SET used_at = ? WHERE id = ?", (time.time_ns() // 1000, self.middle))
            done = self.command(data, "run")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(has_files(data, self.middle))
            self.assertEqual(query(data, f"SELECT files_deleted_at FROM chats WHERE id = {self.middle}"), [(0,)])
            self.assertEqual(query(data, "SELECT count(*) FROM retired_chats"), [(0,)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
