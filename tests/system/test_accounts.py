"""Users, logins, and chats that belong to one of them."""

import pathlib
import re
import tempfile
import threading
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

    def test_the_streams_and_the_run_of_a_disabled_user_end_and_others_go_on(self):
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
                    until(lambda: self.model.state()["open"] == 2, "both runs ask the model")
                    self.assertEqual(run_varro("user", "disable", "dora", "--data", str(data)).returncode, 0)
                    list(ended)  # it ends
                    until(lambda: self.model.state()["open"] == 1, "her request is closed, and his is not")
                    self.model.control("POST", "/__release")
                    self.assertIn("done", [event.name for event in other])
                self.assertEqual(run_varro("user", "enable", "dora", "--data", str(data)).returncode, 0)
                dora = Client(server)
                self.assertEqual(dora.login("dora", "dora-password").status, 303)
                self.assertIn("stopped", dora.get(f"/chat/{chats[0]}").text.lower())


class Joining(SystemTest):
    """From an empty data directory to people who joined by links."""

    def run_here(self, *arguments):
        result = run_varro(*arguments, "--data", str(self.data), env=self.env)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def serve(self):
        return self.start(data=self.data, arguments=("--auth", "accounts"), env=self.env)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"
        self.env = {"VARRO_AUTH_SIGN_UP": "invitation"}

    @staticmethod
    def first_admin(server):
        return re.search(r"opens http://127\.0\.0\.1:\d+(/join/[0-9a-f]{64}) ", server.popen.stdout.readline())[1]

    @staticmethod
    def fill(client, path, **fields):
        """The form of a page, with the token that it carries."""
        page = client.get(path)
        token = re.search(r'name="csrf" value="([^"]*)"', page.text)
        if page.status != 200 or not token:
            return page
        return client.post(path, {**fields, "csrf": token[1]}, headers={"Origin": f"http://127.0.0.1:{client.server.port}"})

    def join(self, server, path, name):
        client = Client(server)
        reply = self.fill(client, path, username=name, password=f"{name}-password", again=f"{name}-password")
        if reply.status == 303:
            client.csrf = re.search(r'name="csrf" value="([^"]*)"', client.get("/").text)[1]
        return client, reply

    def test_the_first_start_prints_a_link_for_the_first_admin_and_a_later_one_makes_it_void(self):
        with self.serve() as server:
            former = self.first_admin(server)
            self.assertEqual(Client(server).get(former).status, 200)
        for file in self.data.glob("varro.db*"):
            self.assertNotIn(former.rpartition("/")[2].encode(), file.read_bytes())
        with self.serve() as server:
            link = self.first_admin(server)
            self.assertEqual(self.join(server, former, "mallory")[1].status, 404)
            ada, reply = self.join(server, link, "ada")
            self.assertEqual((reply.status, reply.headers["location"]), (303, "/"))
            self.assertEqual(ada.turn("[[text: hello]]")[0].status, 200)
            self.assertEqual(self.join(server, link, "mallory")[1].status, 404)
        self.assertRegex(self.run_here("user", "list"), r"(?m)^ada\tactive\t[0-9-]+\tadmin\t[0-9-]+$")
        with self.serve() as server:
            server.popen.terminate()
            self.assertEqual(server.popen.stdout.read(), "")

    def test_an_admin_who_cannot_log_in_by_the_mode_counts_for_nothing(self):
        env = {"VARRO_AUTH_MODE": "proxy", "VARRO_SERVER_TRUSTED_PROXIES": "127.0.0.1",
               "VARRO_PROXY_GROUPS_HEADER": "X-Groups", "VARRO_PROXY_ADMIN_VALUES": "admins"}
        ada = Client(None, headers={"X-Forwarded-User": "ada", "X-Groups": "admins"})
        with self.start(data=self.data, env=env) as ada.server:
            self.assertEqual(ada.get("/admin").status, 200)
        with self.serve() as server:  # which none of its own accounts looks after
            eve, reply = self.join(server, self.first_admin(server), "eve")
            self.assertEqual(reply.status, 303)
            refused = eve.post("/admin/people/disable", {"name": "eve"})
            self.assertEqual(refused.status, 422)
            self.assertIn("last admin", refused.text)
        with self.start(data=self.data, env=env) as ada.server:
            ada.csrf = re.search(r'name="csrf" value="([^"]*)"', ada.get("/admin").text)[1]
            refused = ada.post("/admin/people/disable", {"name": "ada"})
            self.assertEqual(refused.status, 422)
            self.assertIn("last admin", refused.text)
            refused = run_varro("user", "disable", "ada", "--data", str(self.data), env=env)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("last admin", refused.stderr)
            self.assertEqual(ada.post("/admin/people/disable", {"name": "eve"}).status, 303)

    def test_an_invitation_and_a_reset_link_from_the_command_line_work_while_the_server_runs(self):
        with self.serve() as server:
            admin, _ = self.join(server, self.first_admin(server), "ada")
            path = "/join/" + self.run_here("user", "invite").strip().rpartition("/")[2]
            results = [None] * 6

            def attempt(number):
                results[number] = self.join(server, path, f"bob{number}")[1].status

            threads = [threading.Thread(target=attempt, args=(number,)) for number in range(len(results))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(results.count(303), 1, results)
            self.assertLessEqual(set(results), {303, 404, 503})
            bob = f"bob{results.index(303)}"
            self.assertEqual(len(re.findall(r"(?m)^bob", self.run_here("user", "list"))), 1)
            session = Client(server)
            self.assertEqual(session.login(bob, f"{bob}-password").status, 303)
            reset = "/reset/" + self.run_here("user", "reset-link", bob).strip().rpartition("/")[2]
            self.assertEqual(self.fill(Client(server), reset, password="new-password", again="new-password").status, 200)
            self.assertEqual(session.get("/").status, 303)
            self.assertEqual(self.fill(Client(server), reset, password="newer-password", again="newer-password").status, 404)
            self.assertEqual(Client(server).login(bob, f"{bob}-password").status, 401)
            self.assertEqual(Client(server).login(bob, "new-password").status, 303)
            self.assertEqual(admin.get("/").status, 200)

    def test_a_password_that_is_changed_ends_other_sessions_and_their_streams(self):
        with self.serve() as server:
            ada, _ = self.join(server, self.first_admin(server), "ada")
            elsewhere = Client(server)
            self.assertEqual(elsewhere.login("ada", "ada-password").status, 303)
            chat = ada.send("[[hold]][[text: later]]").chat_id
            with ada.stream(chat) as stream, elsewhere.stream(chat) as ended:
                form = {"current": "ada-password", "password": "new-password", "again": "new-password"}
                self.assertEqual(ada.post("/account/password", form).status, 303)
                self.assertNotIn("done", [event.name for event in ended])
                until(lambda: self.model.state()["open"] == 1, "the run asks the model")
                self.model.control("POST", "/__release")
                self.assertIn("done", [event.name for event in stream])
            self.assertEqual(elsewhere.get("/").status, 303)
            self.assertEqual(ada.get("/account").status, 200)

    def test_the_last_admin_stays_and_nobody_is_invited_where_sign_up_is_closed(self):
        with self.serve() as server:
            self.join(server, self.first_admin(server), "ada")
        for arguments in (("disable", "ada"), ("role", "ada", "user")):
            refused = run_varro("user", *arguments, "--data", str(self.data))
            self.assertEqual(refused.returncode, 1)
            self.assertIn("last admin", refused.stderr)
        closed = run_varro("user", "invite", "--data", str(self.data))
        self.assertEqual((closed.returncode, closed.stdout), (1, ""))
        self.assertIn("auth.sign_up", closed.stderr)


class Throttle(SystemTest):
    arguments = ("--auth", "accounts")

    def test_attempts_are_throttled(self):
        statuses = [Client(self.varro).login("mallory", f"guess {i}").status for i in range(12)]
        self.assertNotIn(429, statuses[:10])
        self.assertEqual(statuses[10:], [429, 429])


if __name__ == "__main__":
    unittest.main(verbosity=2)
