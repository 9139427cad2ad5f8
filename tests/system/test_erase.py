"""`varro user erase`: no byte of a user stays in the data directory, whatever happens meanwhile, and others lose nothing."""

import contextlib
import pathlib
import re
import signal
import sqlite3
import subprocess
import tempfile
import unittest

from cells import Chat, python, until
from harness import VARRO_CRASHING, WAIT_SECONDS, Client, Model, Varro, run_varro

ADA = "ada-planted-name"
CHATS = 11
# What is planted in each chat: the title, the prompt, thinking, code, output, an answer, names and contents of files, an
# upload, a variable.
PLACES = ("title", "prompt", "think", "code", "output", "answer", "name", "contents", "upload")
STEPS = ("erase_chat", "erase_chat_gone", "erase_files", "erase_chats_end", "erase_account", "erase_account_gone",
         "erase_search", "erase_search_end", "erase_vacuum", "erase_vacuum_end")
ACCOUNTS = ("--auth", "accounts")


def word(chat, place):
    return f"planted-{chat:02}-{place}-qzxw"


PLANTED = [word(chat, place) for chat in range(CHATS) for place in PLACES] + [ADA, "planted-variable", "planted-branch"]


def files_below(data):
    return [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]


def found_in(data, words=tuple(PLANTED)):
    """Those of the words that are in a file or its name."""
    names = "\n".join(str(path.relative_to(data)) for path in data.rglob("*"))
    found = {each for each in words if each in names}
    for path in files_below(data):
        content = path.read_bytes()
        found |= {each for each in words if each.encode() in content}
    return found


def query(data, sql):
    with contextlib.closing(sqlite3.connect(f"file:{data}/varro.db?mode=ro", uri=True, timeout=WAIT_SECONDS)) as database:
        return database.execute(sql).fetchall()


def plant(client, number):
    chat = Chat(client)
    code = (f"# {word(number, 'code')}\nkept = 'planted-variable' * 3\nimport os\nos.makedirs('{word(number, 'name')}')\n"
            f"open('{word(number, 'name')}/file', 'w').write('{word(number, 'contents')}')\nprint('{word(number, 'output')}')")
    reply, _ = client.turn(f"{word(number, 'prompt')} [[thinking: {word(number, 'think')}]]" + python(code)
                           + f"[[then]][[text: {word(number, 'answer')}]]")
    chat.chat_id = reply.chat_id
    assert chat.upload("upload.txt", word(number, "upload").encode()).status == 201
    renamed = client.request("PATCH", f"/chat/{chat.chat_id}", form={"title": word(number, "title")})
    assert renamed.status in (200, 204), renamed.status
    return chat


def exports(server):
    """All that bob has, byte for byte."""
    bob = Client(server)
    assert bob.login("bob", "bob-password").status == 303
    chats = [chat for chat, in query(server.data, "SELECT chats.id FROM chats JOIN users ON users.id = user_id"
                                                  " WHERE name = 'bob' ORDER BY 1")]
    assert chats
    return {path: bob.get(path).body for chat in chats
            for path in [f"/chat/{chat}/export.{kind}" for kind in ("json", "md", "ipynb")] + [f"/chat/{chat}/files/bobs.txt"]}


class Erase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="varro-erase-")
        cls.planted = pathlib.Path(cls.directory.name) / "planted"
        cls.planted.mkdir()
        for name, *options in (("bob", "--admin"), (ADA,)):
            added = run_varro("user", "add", name, *options, "--password-stdin", "--data", str(cls.planted),
                              stdin=f"{name}-password\n")
            assert added.returncode == 0, added.stderr
        cls.model = Model()
        server = Varro(cls.planted, cls.model, arguments=ACCOUNTS)
        ada, bob = Client(server), Client(server)
        assert ada.login(ADA, f"{ADA}-password").status == 303
        assert bob.login("bob", "bob-password").status == 303
        chats = [plant(ada, number) for number in range(CHATS)]
        # Rights that a cell has taken, a branch that was left, and a chat that its user has deleted.
        chats[0].run("os.makedirs('closed/inner')\nos.chmod('closed/inner', 0)\nos.chmod('closed', 0)")
        edited = ada.post(f"/chat/{chats[1].chat_id}/edit", {"turn": 1, "message": "planted-branch [[text: other]]"})
        assert edited.status == 200, edited.text
        ada.events(chats[1].chat_id)
        assert chats[2].delete() == 204
        Chat(bob).run("open('bobs.txt', 'w').write('bobs contents')\nbobs = 'variable'\nprint('bobs output')")
        assert "planted-01" in ada.get("/chats?q=planted-01").text  # and so the search has an index
        saved = "SELECT count(*) FROM snapshots"
        until(lambda: query(cls.planted, saved)[0][0] >= CHATS - 1, "snapshots of the variables")
        cls.exports = exports(server)
        server.stop()
        cls.usage = cls.usage_of(cls.planted)
        cls.chats = [chat.chat_id for chat in chats]
        assert len(PLANTED) >= 100

    @classmethod
    def tearDownClass(cls):
        cls.model.stop()
        cls.directory.cleanup()

    @staticmethod
    def usage_of(data):
        return query(data, "SELECT user_id, kind, count(*), sum(input_tokens), sum(output_tokens), sum(cost_nano) FROM usage"
                           " GROUP BY 1, 2 ORDER BY 1, 2")

    @contextlib.contextmanager
    def copy(self):
        with tempfile.TemporaryDirectory(prefix="varro-erase-") as directory:
            data = pathlib.Path(directory) / "data"
            subprocess.run(["cp", "-a", str(self.planted), str(data)], check=True)
            yield data

    @contextlib.contextmanager
    def serve(self, data, **kw):
        server = Varro(data, self.model, arguments=ACCOUNTS, **kw)
        try:
            yield server
        finally:
            if server.popen.poll() is None:
                server.stop()

    def erase(self, data, **kw):
        return run_varro("user", "erase", ADA, "--yes", "--data", str(data), **kw)

    def is_done(self, data):
        return query(data, "SELECT count(*) FROM erasures WHERE step = 'done'")[0][0] == 1

    def check_erased(self, data, usage=None):
        """Nothing is left of ada, and bob is as he was."""
        self.assertEqual(found_in(data), set())
        self.assertEqual(query(data, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual([name for name, in query(data, "SELECT name FROM users WHERE name <> 'local'")], ["bob"])
        bobs = {str(chat) for chat, in query(data, "SELECT id FROM chats")}
        for part in ("workspaces", "versions", "snapshots"):
            there = {path.name.split(".")[0] for path in (data / part).iterdir()} if (data / part).exists() else set()
            self.assertLessEqual(there, bobs, part)
        if usage is not False:
            self.assertEqual(self.usage_of(data), self.usage)
        listed = run_varro("usage", "--data", str(data)).stdout
        self.assertRegex(listed, r"(?m)^erased user \d+ ")
        verified = run_varro("audit", "verify", "--data", str(data))
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertIn("forgotten", verified.stdout)
        self.assertEqual(query(data, "SELECT count(*) FROM audit WHERE action = 'user.erased'"), [(1,)])
        with self.serve(data) as server:
            self.assertEqual(exports(server), self.exports)
            bob = Client(server)
            bob.login("bob", "bob-password")
            self.assertIn("bobs", bob.get("/chats?q=bobs").text)
            self.assertNotIn("planted", bob.get("/chats?q=planted-").text.replace("q=planted-", ""))
        self.assertEqual(found_in(data), set())

    def test_what_is_planted_is_there_before(self):
        """Else nothing that is not found would mean anything."""
        there = found_in(self.planted)
        hidden = {word(2, place) for place in PLACES} | {"planted-variable"}  # deleted; in a snapshot
        self.assertEqual(set(PLANTED) - there - hidden, set())
        for part in ("workspaces", "snapshots"):
            self.assertTrue(any(str(chat) in path.name for chat in self.chats for path in (self.planted / part).iterdir()))

    def test_a_chat_that_its_user_deletes_leaves_no_row_in_the_database(self):
        chat = self.chats[2]
        for table in ("messages", "runs", "snapshots", "chat_prefixes"):
            self.assertEqual(query(self.planted, f"SELECT count(*) FROM {table} WHERE chat_id = {chat}"), [(0,)])
        for part in ("workspaces", "versions", "snapshots"):
            self.assertFalse(list((self.planted / part).glob(f"{chat}*")), part)

    def test_without_a_server_the_command_does_it(self):
        with self.copy() as data:
            done = self.erase(data)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("erased user", done.stdout)
            self.check_erased(data)
            again = self.erase(data)
            self.assertEqual(again.returncode, 1)
            self.assertIn("no user", again.stderr)

    def test_a_running_server_does_it_and_ends_what_is_on(self):
        with self.copy() as data, self.serve(data) as server:
            ada, bob = Client(server), Client(server)
            self.assertEqual(ada.login(ADA, f"{ADA}-password").status, 303)
            self.assertEqual(bob.login("bob", "bob-password").status, 303)
            running = Chat(ada).start("open('runs', 'w').write('planted-contents')\nimport time\ntime.sleep(600)")
            running.wait_for_file("runs")
            asked = ada.send("planted-prompt [[hold: x1]][[text: planted-answer]]")
            until(lambda: self.model.state()["open"] == 1, "the model is asked")
            mine = Chat(bob)
            mine.run("kept = 'still here'")
            with ada.stream(asked.chat_id, after=asked.after) as stream:
                done = self.erase(data)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("the server", done.stderr)
                list(stream)  # it ends
            until(running.is_over, "the stream of the cell has ended")
            until(lambda: self.model.state()["open"] == 0, "the request to the model is closed")
            until(lambda: re.search(r"(?m)^varro_shells 1$", bob.get("/metrics").text), "ada's shells have ended")
            self.assertEqual(ada.get("/").status, 303)
            self.assertNotEqual(Client(server).login(ADA, f"{ADA}-password").status, 303)
            self.assertEqual(mine.run("print(kept)").stdout, "still here\n")
            self.assertEqual(found_in(data, [*PLANTED, "planted-contents", "planted-prompt", "planted-answer"]), set())
            self.assertEqual(mine.delete(), 204)
            server.stop()
            self.check_erased(data, usage=False)

    def test_an_admin_erases_by_the_page_without_any_script(self):
        with self.copy() as data, self.serve(data) as server:
            ada, bob = Client(server), Client(server)
            self.assertEqual(ada.login(ADA, f"{ADA}-password").status, 303)
            self.assertEqual(bob.login("bob", "bob-password").status, 303)
            running = Chat(ada).start("open('runs', 'w').write('x')\nimport time\ntime.sleep(600)")
            running.wait_for_file("runs")
            page = bob.get(f"/admin/person?name={ADA}").text
            bob.csrf = re.search(r'name="csrf" value="([^"]*)"', page)[1]
            wrong = bob.post("/admin/person/erase", {"name": ADA, "typed": "bob"})
            self.assertEqual(wrong.status, 422)
            self.assertEqual(ada.get("/").status, 200)
            last = bob.post("/admin/person/erase", {"name": "bob", "typed": "bob"})
            self.assertEqual(last.status, 422)
            self.assertIn("last admin", last.text)
            done = bob.post("/admin/person/erase", {"name": ADA, "typed": ADA})
            self.assertEqual((done.status, done.headers["location"]), (303, "/admin?done=erase"))
            self.assertEqual(ada.get("/").status, 303)
            until(running.is_over, "the stream of the cell has ended")
            until(lambda: self.is_done(data), "the erasing is done")
            self.assertRegex(bob.get("/admin").text, r"(?s)erased user \d+.*all is deleted")
            server.stop()
            self.check_erased(data, usage=False)

    def test_the_command_again_finishes_what_a_crash_has_cut_off(self):
        for step in STEPS:
            with self.subTest(step=step), self.copy() as data:
                crashed = self.erase(data, env={"VARRO_CRASH_AT": f"{step}:1"}, binary=VARRO_CRASHING)
                self.assertEqual(crashed.returncode, -signal.SIGKILL, crashed.stderr)
                done = self.erase(data)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.check_erased(data)

    def test_a_start_finishes_what_crashes_have_cut_off(self):
        for step in [f"{name}:1" for name in STEPS] + ["erase_chat_gone:4", "erase_files:4"]:
            with self.subTest(step=step), self.copy() as data:
                begun = self.erase(data, env={"VARRO_CRASH_AT": "erase_chat:1"}, binary=VARRO_CRASHING)
                self.assertEqual(begun.returncode, -signal.SIGKILL, begun.stderr)
                server = Varro(data, self.model, arguments=ACCOUNTS, binary=VARRO_CRASHING, env={"VARRO_CRASH_AT": step},
                               wait=False)
                self.assertEqual(server.popen.wait(WAIT_SECONDS), -signal.SIGKILL, step)
                server.close()
                with self.serve(data):
                    until(lambda: self.is_done(data), "the erasing is done")
                self.check_erased(data)

    def test_a_command_that_waits_for_a_server_that_dies_does_it_itself(self):
        with self.copy() as data:
            server = Varro(data, self.model, arguments=ACCOUNTS, binary=VARRO_CRASHING,
                           env={"VARRO_CRASH_AT": "erase_account:1"})
            done = self.erase(data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.popen.wait(WAIT_SECONDS), -signal.SIGKILL)
            server.close()
            self.check_erased(data)

    def test_who_is_being_erased_is_not_enabled_again_and_the_last_admin_stays(self):
        with self.copy() as data:
            begun = self.erase(data, env={"VARRO_CRASH_AT": "erase_chat:1"}, binary=VARRO_CRASHING)
            self.assertEqual(begun.returncode, -signal.SIGKILL)
            enabled = run_varro("user", "enable", ADA, "--data", str(data))
            self.assertEqual(enabled.returncode, 1)
            self.assertIn("being erased", enabled.stderr)
            last = run_varro("user", "erase", "bob", "--yes", "--data", str(data))
            self.assertEqual(last.returncode, 1)
            self.assertIn("last admin", last.stderr)
            asked = run_varro("user", "erase", ADA, "--data", str(data), stdin=f"{ADA}\n")  # stdin is no terminal
            self.assertEqual(asked.returncode, 1)
            self.assertIn("--yes", asked.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
