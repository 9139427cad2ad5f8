"""Programs that act for users by tokens: made while the server runs, used as curl would, revoked and run out."""

import json
import pathlib
import re
import sqlite3
import tempfile
import unittest

from cells import until
from harness import AccountsTest, Client, run_varro

TOKEN = r"varro_([0-9a-f]{12})_[0-9a-f]{64}"
QUICK_STREAMS = {"VARRO_STREAM_KEEP_ALIVE_MS": "100"}


class Program(Client):
    """No cookies and no forms: a header field."""

    def __init__(self, server, token):
        super().__init__(server)
        self.fields = {"Authorization": f"Bearer {token}"}

    def request(self, method, path, headers=None, **kw):
        reply = super().request(method, path, headers={**self.fields, **(headers or {})}, **kw)
        assert not reply.cookies, reply.cookies
        return reply

    def stream(self, chat_id, **kw):
        return super().stream(chat_id, headers=self.fields, **kw)


class Tokens(AccountsTest):
    names = ("alice", "bob")

    def command(self, *arguments, data=None):
        return run_varro("token", *arguments, "--data", str(data or self.data))

    def create(self, user, *arguments, data=None):
        made = self.command("create", "a script", "--user", user, *arguments, data=data)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertRegex(made.stdout, rf"^{TOKEN}\n$")
        self.assertNotIn(made.stdout.strip(), made.stderr)
        return made.stdout.strip()

    def program(self, user, *arguments):
        return Program(self.varro, self.create(user, *arguments))

    def test_a_program_sends_follows_and_exports_without_a_browser(self):
        program = self.program("alice", "--scope", "chat")
        reply, events = program.turn("[[python: print(6 * 7)]][[text: It is 42.]]")
        self.assertIn("It is 42.", "".join(event.data for event in events))
        self.assertEqual(events[-1].name, "done")
        chat = reply.chat_id
        self.assertIn(f"/chat/{chat}", program.get("/chats").text)
        self.assertIn("It is 42.", json.dumps(json.loads(program.get(f"/chat/{chat}/export.json").text)))
        self.assertEqual(program.request("PATCH", f"/chat/{chat}", form={"title": "By a program"}).status, 204)
        self.assertEqual(program.request("DELETE", f"/chat/{chat}").status, 204)

    def test_a_token_to_read_changes_nothing_and_reads_nobody_elses_chats(self):
        reply, _ = self.logged_in("alice").turn("[[text: hello]]")
        chat = reply.chat_id
        program = self.program("alice")
        self.assertEqual(program.get(f"/chat/{chat}").status, 200)
        refused = program.send("more", chat_id=chat)
        self.assertEqual(refused.status, 403)
        self.assertIn('error="insufficient_scope", scope="chat"', refused.headers["www-authenticate"])
        self.assertEqual(program.request("DELETE", f"/chat/{chat}").status, 403)
        self.assertEqual(program.get("/account").status, 403)
        self.assertEqual(program.post("/account/tokens", {"label": "x", "scope": "read", "expires": "1d"}).status, 403)
        other = self.program("bob", "--scope", "chat")
        self.assertEqual(other.get(f"/chat/{chat}").status, 404)
        self.assertEqual(other.send("more", chat_id=chat).status, 404)
        with other.stream(chat) as stream:
            self.assertEqual(stream.status, 404)

    def test_a_bad_token_is_refused_whatever_cookie_comes_with_it(self):
        alice = self.logged_in("alice")
        revoked = self.create("alice")
        self.assertEqual(self.command("revoke", revoked).returncode, 0)
        for token in (revoked, revoked[:-1], "nonsense"):
            refused = alice.get("/", headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(refused.status, 401)
            self.assertIn('error="invalid_token"', refused.headers["www-authenticate"])
        self.assertEqual(alice.get("/").status, 200)

    def test_tokens_are_listed_and_stored_without_their_secrets(self):
        token = self.create("bob", "--scope", "read,chat", "--expires", "2d")
        id, secret = re.fullmatch(TOKEN, token)[1], token.rpartition("_")[2]
        listed = self.command("list", "--user", "bob").stdout
        self.assertRegex(listed, rf"(?m)^{id}\tbob\tread,chat\t\d{{4}}-\d\d-\d\d\tnever\ta script$")
        self.assertNotIn(secret, listed)
        for file in self.data.glob("varro.db*"):
            self.assertNotIn(secret.encode(), file.read_bytes())
        Program(self.varro, token).get("/chats")
        used = rf"(?m)^{id}\tbob\tread,chat\t\S+\t\d{{4}}-\d\d-\d\d\ta script$"
        until(lambda: re.search(used, self.command("list", "--user", "bob").stdout), "the use is noted")

    def test_a_demoted_or_disabled_user_takes_the_tokens_along(self):
        run_varro("user", "add", "carol", "--admin", "--data", str(self.data), "--password-stdin", stdin="carol-password\n")
        run_varro("user", "add", "dora", "--admin", "--data", str(self.data), "--password-stdin", stdin="dora-password\n")
        self.assertEqual(self.command("create", "x", "--user", "bob", "--scope", "admin").returncode, 1)
        program = self.program("carol", "--scope", "read,admin")
        self.assertEqual(run_varro("user", "role", "carol", "user", "--data", str(self.data)).returncode, 0)
        self.assertEqual(program.get("/chats").status, 200)
        self.assertEqual(run_varro("user", "disable", "carol", "--data", str(self.data)).returncode, 0)
        self.assertEqual(program.get("/chats").status, 401)
        self.assertEqual(run_varro("user", "enable", "carol", "--data", str(self.data)).returncode, 0)
        self.assertEqual(program.get("/chats").status, 401)

    def test_a_page_makes_a_token_that_works_and_revokes_it(self):
        alice = self.logged_in("alice")
        made = alice.post("/account/tokens", {"label": "from the page", "scope": "chat", "expires": "7d"})
        token = re.search(TOKEN, made.text)
        program = Program(self.varro, token[0])
        self.assertEqual(program.turn("[[text: hello]]")[0].status, 200)
        self.assertNotIn(token[0], alice.get("/account").text)
        self.assertEqual(alice.post("/account/tokens/revoke", {"id": token[1]}).status, 303)
        self.assertEqual(program.send("more").status, 401)

    def test_what_tokens_do_is_in_the_audit(self):
        token = self.create("alice", "--scope", "chat")
        id = re.fullmatch(TOKEN, token)[1]
        program = Program(self.varro, token)
        chat = program.turn("[[text: gone soon]]")[0].chat_id
        self.assertEqual(program.request("DELETE", f"/chat/{chat}").status, 204)
        self.assertEqual(self.command("revoke", id).returncode, 0)
        database = sqlite3.connect(self.data / "varro.db")
        rows = database.execute("SELECT action, way FROM audit WHERE subject IN (?, ?) ORDER BY id",
                                (f"token {id}", f"chat {chat}")).fetchall()
        database.close()
        self.assertEqual(rows, [("token.made", "command line"), ("chat.deleted", "token"), ("token.revoked", "command line")])


class Streams(AccountsTest):
    """With a server of their own, whose keep-alives come soon."""

    names = ("alice",)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.fresh = pathlib.Path(directory.name) / "data"
        self.fresh.mkdir()
        run_varro("user", "add", "alice", "--data", str(self.fresh), "--password-stdin", stdin="alice-password\n")

    create = Tokens.create
    command = Tokens.command

    def test_a_token_is_answered_only_while_its_user_could_log_in_by_the_mode(self):
        token = self.create("alice", data=self.fresh)
        elsewhere = {"VARRO_SERVER_TRUSTED_PROXIES": "127.0.0.1", "VARRO_OIDC_ISSUER": "http://127.0.0.1:9",
                     "VARRO_OIDC_CLIENT_ID": "varro"}

        def told():
            listed = run_varro("audit", "list", "--action", "login.refused", "--data", str(self.fresh), "--csv").stdout
            return listed.count("cannot log in by auth.mode")

        for mode, status, refused in (("accounts", 200, 0), ("oidc", 401, 1), ("proxy", 401, 2), ("accounts", 200, 2)):
            with self.start(data=self.fresh, arguments=("--auth", mode), env=elsewhere) as server:
                reply = Program(server, token).get("/chats")
                self.assertEqual(reply.status, status, mode)
                self.assertEqual("auth.mode" in reply.text, status == 401)
                until(lambda refused=refused: told() == refused, "the audit is told")

    def follow_until_it_ends(self, arguments, end):
        """A stream of a run that a model holds: with the token that ends, and with one that stays."""
        with self.start(data=self.fresh, arguments=self.arguments, env=QUICK_STREAMS) as server:
            stays = Program(server, self.create("alice", "--scope", "chat", data=self.fresh))
            chat = stays.send("[[hold]][[text: later]]").chat_id
            token = self.create("alice", *arguments, data=self.fresh)
            with stays.stream(chat) as other, Program(server, token).stream(chat) as ended:
                self.assertEqual(ended.status, 200)
                end(token)
                self.assertNotIn("done", [event.name for event in ended])
                self.assertEqual(Program(server, token).get("/chats").status, 401)
                until(lambda: self.model.state()["open"] == 1, "the run asks the model")
                self.model.control("POST", "/__release")
                self.assertIn("done", [event.name for event in other])

    def test_a_stream_ends_with_its_token_and_the_run_goes_on(self):
        def revoke(token):
            self.assertEqual(self.command("revoke", token, data=self.fresh).returncode, 0)

        self.follow_until_it_ends((), revoke)

    def test_a_stream_ends_when_its_token_runs_out(self):
        def run_out(token):
            database = sqlite3.connect(self.fresh / "varro.db")
            with database:
                changed = database.execute("UPDATE tokens SET expires_at = created_at + 1 WHERE id = ?",
                                           (re.fullmatch(TOKEN, token)[1],))
                self.assertEqual(changed.rowcount, 1)
            database.close()

        self.follow_until_it_ends(("--expires", "30m"), run_out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
