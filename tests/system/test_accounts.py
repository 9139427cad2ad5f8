"""Users, logins, and chats that belong to one of them."""

import pathlib
import re
import tempfile
import unittest

from cells import until
from harness import AccountsTest, Client, SystemTest, blocks_of, contents, run_varro


class Accounts(AccountsTest):
    names = ("alice", "bob")

    def test_without_a_login_there_is_the_login_page_and_nothing_else(self):
        stranger = Client(self.varro)
        self.assertEqual(stranger.get("/").status, 303)
        self.assertIn("/login", stranger.get("/").headers["location"])
        self.assertEqual(stranger.send("hi").status, 403)
        with stranger.stream(1) as stream:
            self.assertEqual(stream.status, 403)
        self.assertEqual(stranger.get("/login").status, 200)
        self.assertEqual(stranger.get("/healthz").status, 200)

    def test_a_wrong_password_and_an_unknown_name_read_the_same(self):
        def attempt(name):
            reply = Client(self.varro).login(name, "wrong-password")
            return reply.status, re.sub(name, "", reply.text)

        self.assertEqual(attempt("alice")[0], attempt("nobody-here")[0])

    def test_the_cookie_is_http_only_and_the_token_is_not_in_the_database(self):
        client = Client(self.varro)
        reply = client.login("alice", "alice-password")
        cookie = next(c for c in reply.cookies if "varro_session" in c)
        self.assertIn("httponly", cookie.lower())
        self.assertIn("samesite=lax", cookie.lower())
        token = client.cookies["varro_session"].encode()
        for file in self.data.glob("varro.db*"):
            self.assertNotIn(token, file.read_bytes())

    def test_another_users_chat_stream_file_and_cancel_are_404(self):
        alice, bob = self.logged_in("alice"), self.logged_in("bob")
        reply, events = alice.turn("[[python: open('secret.txt', 'w').write('s')\nprint('secret words')]]")
        chat = reply.chat_id
        self.assertEqual(alice.get(f"/chat/{chat}/files/secret.txt").status, 200)
        for path in (f"/chat/{chat}", f"/chat/{chat}/files/secret.txt", f"/chat/{chat}/files", f"/chat/{chat}/export.json"):
            self.assertEqual(bob.get(path).status, 404, path)
        with bob.stream(chat) as stream:
            self.assertEqual(stream.status, 404)
        self.assertEqual(bob.post(f"/chat/{chat}/cancel").status, 404)
        self.assertEqual(bob.send("hi", chat_id=chat).status, 404)
        self.assertEqual(bob.request("DELETE", f"/chat/{chat}").status, 404)
        self.assertEqual(bob.request("PATCH", f"/chat/{chat}", form={"title": "mine"}).status, 404)
        self.assertEqual(bob.post(f"/chat/{chat}/edit", {"turn": 1, "message": "x"}).status, 404)
        for action in ("fork", "regenerate", "rerun"):
            self.assertEqual(bob.post(f"/chat/{chat}/{action}", {"turn": 1}).status, 404)
        self.assertEqual(bob.post(f"/chat/{chat}/branch", {"run": 1}).status, 404)
        self.assertNotIn("secret", bob.get("/chats?q=secret").text)
        self.assertEqual(alice.get(f"/chat/{chat}").status, 200)

    def test_a_form_without_the_csrf_token_is_refused(self):
        alice = self.logged_in("alice")
        token, alice.csrf = alice.csrf, None
        self.assertTrue(token)
        self.assertEqual(alice.send("[[text: hi]]").status, 403)
        self.assertEqual(alice.send("[[text: hi]]", csrf="0" * len(token)).status, 403)
        self.assertEqual(alice.send("[[text: hi]]", csrf=token).status, 200)

    def test_logout_ends_the_session_at_once(self):
        alice = self.logged_in("alice")
        cookies = dict(alice.cookies)
        self.assertEqual(alice.get("/").status, 200)
        self.assertEqual(alice.post("/logout").status, 303)
        alice.cookies = cookies
        self.assertEqual(alice.get("/").status, 303)

    def test_logout_ends_the_streams_of_its_session_and_not_the_run(self):
        alice, elsewhere = self.logged_in("alice"), self.logged_in("alice")
        chat = alice.send("[[delay: 3000]][[text: later]]").chat_id
        with alice.stream(chat) as stream, elsewhere.stream(chat) as other:
            self.assertEqual(alice.post("/logout").status, 303)
            self.assertNotIn("done", [event.name for event in stream])
            self.assertIn("done", [event.name for event in other])

    def test_a_disabled_user_is_out(self):
        run_varro("user", "add", "carol", "--data", str(self.data), "--password-stdin", stdin="carol-password\n")
        carol = self.logged_in("carol")
        self.assertEqual(carol.get("/").status, 200)
        self.assertEqual(run_varro("user", "disable", "carol", "--data", str(self.data)).returncode, 0)
        self.assertEqual(carol.get("/").status, 303)
        self.assertNotEqual(Client(self.varro).login("carol", "carol-password").status, 303)

    def test_the_streams_of_a_disabled_user_end_and_the_run_goes_on(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            data.mkdir()
            for name in ("dora", "emil"):
                run_varro("user", "add", name, "--data", str(data), "--password-stdin", stdin=f"{name}-password\n")
            with self.start(data=data, arguments=self.arguments, env={"VARRO_STREAM_KEEP_ALIVE_MS": "100"}) as server:
                dora, emil = Client(server), Client(server)
                for name, client in (("dora", dora), ("emil", emil)):
                    self.assertEqual(client.login(name, f"{name}-password").status, 303)
                chats = [client.send("[[hold]][[text: later]]").chat_id for client in (dora, emil)]
                with dora.stream(chats[0]) as ended, emil.stream(chats[1]) as other:
                    self.assertEqual(run_varro("user", "disable", "dora", "--data", str(data)).returncode, 0)
                    self.assertNotIn("done", [event.name for event in ended])
                    until(lambda: self.model.state()["open"] == 2, "both runs ask the model")
                    self.model.control("POST", "/__release")
                    self.assertIn("done", [event.name for event in other])
                self.assertEqual(run_varro("user", "enable", "dora", "--data", str(data)).returncode, 0)
                dora = Client(server)
                self.assertEqual(dora.login("dora", "dora-password").status, 303)
                self.assertIn("later", "".join(event.data for event in dora.events(chats[0], after=0)))


class Throttle(SystemTest):
    arguments = ("--auth", "accounts")

    def test_attempts_are_throttled(self):
        statuses = [Client(self.varro).login("mallory", f"guess {i}").status for i in range(12)]
        self.assertNotIn(429, statuses[:10])
        self.assertEqual(statuses[10:], [429, 429])


if __name__ == "__main__":
    unittest.main(verbosity=2)
