"""The audit: who did what is told, also by the command line, and whoever changes it is found."""

import pathlib
import re
import sqlite3
import tempfile
import threading
import unittest

from cells import until
from harness import AccountsTest, Client, Varro, run_varro


class Audit(AccountsTest):
    names = ("alice", "bob")

    def audit(self, *arguments):
        done = run_varro("audit", *arguments, "--data", str(self.data))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def actions(self, *arguments):
        return [tuple(line.split("\t")[2:]) for line in self.audit("list", *arguments).splitlines()]

    def test_logins_logouts_and_deletions_are_told_with_who_how_and_from_where(self):
        alice = self.logged_in("alice")
        reply, _ = alice.turn("[[text: hello]]")
        self.assertEqual(alice.request("DELETE", f"/chat/{reply.chat_id}").status, 204)
        self.assertEqual(alice.post("/logout").status, 303)
        self.assertEqual(Client(self.varro).login("alice", "wrong-password").status, 401)
        until(lambda: any("login.refused" in row for row in self.actions("--user", "alice")), "the refusal is told")
        told = self.actions("--user", "alice")
        for action in ("login", "logout"):
            self.assertTrue(any(row[:4] == ("alice", "browser", "127.0.0.1", action) for row in told), (action, told))
        self.assertIn(("alice", "browser", "127.0.0.1", "chat.deleted", f"chat {reply.chat_id}", "{}"), told)
        refused = next(row for row in told if row[3] == "login.refused")
        self.assertEqual((refused[0], refused[4]), ("-", "alice"))
        self.assertNotIn("wrong-password", self.audit("list"))
        self.assertTrue(any(row[1] == "command line" and row[3] == "user.added" for row in told))

    def test_a_turn_is_no_event_of_the_audit(self):
        bob = self.logged_in("bob")
        before = self.audit("list")
        bob.turn("[[text: hello]]")
        bob.turn("[[python: 1 + 1]]")
        self.assertEqual(self.audit("list"), before)


class Chain(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.data = pathlib.Path(scratch.name) / "data"
        for name in ("ada", "bob", "cid"):
            self.run_here("user", "add", name, "--admin", "--password-stdin", stdin=f"{name}-password\n")

    def run_here(self, *arguments, stdin="", code=0):
        done = run_varro(*arguments, "--data", str(self.data), stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr if code else done.stdout

    def test_it_holds_while_a_server_and_commands_write_and_the_server_is_killed(self):
        for _ in range(3):
            server = Varro(self.data, arguments=("--auth", "accounts"))
            threads = [threading.Thread(target=lambda: Client(server).login("ada", "ada-password")) for _ in range(4)]
            for thread in threads:
                thread.start()
            self.run_here("user", "disable", "bob")
            self.run_here("user", "enable", "bob")
            for thread in threads:
                thread.join()
            server.kill()
            self.assertIn("each as it was written", self.run_here("audit", "verify"))
        Varro(self.data, arguments=("--auth", "accounts")).stop()  # takes over what the killed one left running
        told = self.run_here("audit", "list")
        self.assertEqual(told.count("user.disabled"), 3)
        self.assertGreaterEqual(len(re.findall(r"\tlogin\t", told)), 3)
        numbers = [int(line.split("\t")[0]) for line in told.splitlines()]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_what_was_changed_or_cut_off_is_found(self):
        head = self.run_here("audit", "head").strip()
        self.run_here("audit", "verify", "--head", head)
        with sqlite3.connect(self.data / "varro.db") as database:
            with self.assertRaisesRegex(sqlite3.DatabaseError, "never changed"):
                database.execute("UPDATE audit SET details = '{}'")
            with self.assertRaisesRegex(sqlite3.DatabaseError, "never deleted"):
                database.execute("DELETE FROM audit")
        database.close()
        database = sqlite3.connect(self.data / "varro.db")
        database.execute("DROP TRIGGER audit_kept")
        last = head.split(":")[0]
        database.execute(f"DELETE FROM audit WHERE id = {last}")
        database.commit()
        self.run_here("audit", "verify")
        self.assertIn(f"the end is cut off: row {last}", self.run_here("audit", "verify", "--head", head, code=1))
        database.execute("DELETE FROM audit WHERE id = 1")
        database.commit()
        database.close()
        self.assertIn("row 1 is missing", self.run_here("audit", "verify", code=1))


if __name__ == "__main__":
    unittest.main()
