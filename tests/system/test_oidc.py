"""Logins at a real provider of OpenID Connect on loopback: sessions, groups, tokens, logouts, outages."""

import pathlib
import re
import tempfile
import unittest
import urllib.parse

from cells import until
from harness import Client, run_varro
from oidc_world import OidcTest, Person, is_in


class Oidc(OidcTest):
    def test_the_page_has_a_button_and_nothing_takes_a_password(self):
        stranger = Client(self.varro)
        page = stranger.get("/login").text
        self.assertIn("Log in with Example", page)
        self.assertNotIn("password", page)
        self.assertEqual(stranger.get("/").status, 303)
        for path in ("/login", "/join", "/join/x", "/reset/x"):
            self.assertEqual(stranger.post(path, {"username": "ada", "password": "ada-password"}).status, 404, path)

    def test_who_logs_in_at_the_provider_has_an_account_and_their_own_chats(self):
        ada = self.logged_in("ada")
        chat = ada.client().turn("[[text: hello]]")[0].chat_id
        self.assertRegex(self.users(), r"(?m)^ada\b")
        self.assertEqual(self.logged_in("ada").client().get(f"/chat/{chat}").status, 200)
        self.assertEqual(self.logged_in("bob").client().get(f"/chat/{chat}").status, 404)
        self.assertNotIn("eyJ", self.varro.errors())

    def test_after_the_login_only_our_own_pages_are_led_to(self):
        for asked, led in (("/account", "/account"), ("https://evil.example/", "/"), ("//evil.example/", "/"),
                           ("/login/oidc", "/"), ("/\\evil.example", "/")):
            answer = Person(self.varro).log_in("ada", page=asked)
            self.assertEqual((answer.status, answer.headers["Location"]), (303, led))

    def test_each_login_is_a_new_session_and_the_one_before_ends(self):
        ada = self.logged_in("ada")
        former = ada.client()
        self.assertEqual(ada.log_in("ada").status, 303)
        self.assertNotEqual(former.cookies["varro_session"], ada.cookie("varro_session"))
        self.assertFalse(is_in(former))

    def test_groups_and_role_follow_the_provider(self):
        ada = self.logged_in("ada").client()
        self.provider.control(user="ada", groups=["staff", "varro-admins"])
        until(lambda: re.search(r"(?m)^ada\b.*\badmin\b", self.users()), "ada is an admin")
        self.assertIn("varro-admins", run_varro("group", "list", "--data", str(self.data)).stdout)
        self.provider.control(user="ada", groups=["staff"])
        until(lambda: not re.search(r"(?m)^ada\b.*\badmin\b", self.users()), "ada is no admin any more")
        self.assertTrue(is_in(ada))

    def test_who_is_removed_at_the_provider_is_out_and_so_are_the_streams(self):
        ada, bob = self.logged_in("ada").client(), self.logged_in("bob").client()
        chats = [client.send("[[hold]][[text: later]]").chat_id for client in (ada, bob)]
        with ada.stream(chats[0]) as ended, bob.stream(chats[1]) as other:
            self.provider.control(remove="ada")
            self.assertNotIn("done", [event.name for event in ended])
            self.assertFalse(is_in(ada))
            until(lambda: self.model.state()["open"] == 2, "both runs ask the model")
            self.model.control("POST", "/__release")
            self.assertIn("done", [event.name for event in other])
        self.assertTrue(is_in(bob))
        stranger = Person(self.varro)
        self.assert_refused(stranger, stranger.log_in("ada"))

    def token_of(self, client):
        """A token that reads, made on the page of the account."""
        page = client.post("/account/tokens", {"label": "a script", "scope": "read", "expires": "1d"})
        self.assertEqual(page.status, 200, page.text)
        return re.search(r"varro_[0-9a-f]{12}_[0-9a-f]{64}", page.text)[0]

    def status_with(self, token):
        return Client(self.varro).get("/chats", headers={"Authorization": f"Bearer {token}"}).status

    def audit(self):
        return run_varro("audit", "list", "--data", str(self.data), "--csv").stdout

    def test_tokens_work_until_their_user_loses_access_and_the_audit_says_so(self):
        for how in ({"remove": "ada"}, {"user": "ada", "groups": ["others"]}):
            with self.subTest(how):
                ada, bob = self.logged_in("ada").client(), self.logged_in("bob").client()
                self.assertNotIn('name="current"', ada.get("/account").text)
                token, other = self.token_of(ada), self.token_of(bob)
                self.assertEqual((self.status_with(token), self.status_with(other)), (200, 200))
                self.provider.control(**how)
                until(lambda token=token: self.status_with(token) == 401, "ada's token ends")
                self.assertEqual(self.status_with(other), 200)
                self.provider.control(user="ada", groups=["staff"])
                self.assertEqual(self.logged_in("ada").client().get("/").status, 200)
                self.assertEqual(self.status_with(token), 401)
        told = self.audit()
        for words in ("not confirmed by " + self.provider.issuer, "refused by " + self.provider.issuer,
                      "tokens_revoked"):
            self.assertIn(words, told)
        login = next(line for line in told.splitlines() if ",login," in line)
        self.assertIn(self.provider.issuer, login)
        self.assertIn("127.0.0.1", login)
        self.assertEqual(run_varro("audit", "verify", "--data", str(self.data)).returncode, 0)

    def test_an_admin_disables_somebody_who_logs_in_at_the_provider_but_changes_no_role_of_its_telling(self):
        self.provider.control(user="root", groups=["staff", "varro-admins"])
        root, bob = self.logged_in("root").client(), self.logged_in("bob").client()
        token = self.token_of(bob)
        self.assertEqual(self.status_with(token), 200)
        self.assertIn("by the login (oidc.admin_values)", root.get("/admin?q=bob").text)
        refused = root.post("/admin/people/make-admin", {"name": "bob"})
        self.assertEqual(refused.status, 422)
        self.assertIn("oidc.admin_values", refused.text)
        self.assertEqual(root.post("/admin/people/revoke-tokens", {"name": "bob"}).status, 303)
        self.assertEqual(self.status_with(token), 401)
        self.assertTrue(is_in(bob))
        token = self.token_of(bob)
        self.assertEqual(root.post("/admin/people/disable", {"name": "bob"}).status, 303)
        self.assertFalse(is_in(bob))
        self.assertEqual(self.status_with(token), 401)
        stranger = Person(self.varro)
        self.assert_refused(stranger, stranger.log_in("bob"))
        self.assertEqual(root.post("/admin/people/enable", {"name": "bob"}).status, 303)
        self.assertTrue(is_in(self.logged_in("bob").client()))

    def test_who_leaves_the_groups_that_are_let_in_is_out_in_every_browser(self):
        browsers = [self.logged_in("ada").client() for _ in range(2)]
        self.provider.control(user="ada", groups=["others"])
        for each in browsers:
            until(lambda each=each: not is_in(each), "ada is out")
        stranger = Person(self.varro)
        answer = stranger.log_in("ada")
        self.assert_refused(stranger, answer)
        self.assertIn("none of the groups", answer.text)

    def test_the_provider_may_change_its_keys(self):
        ada = self.logged_in("ada").client()
        self.provider.control(rotate=True)
        until(lambda: Person(self.varro).log_in("ada").status == 303, "a login with the new keys")
        asked = self.provider.control()["/token"]
        until(lambda: self.provider.control()["/token"] > asked + 2, "logins were looked at again")
        self.assertTrue(is_in(ada))

    def test_a_logout_leads_to_the_provider_and_ends_both(self):
        ada = self.logged_in("ada")
        client = ada.client()
        answer = ada.open("/logout", {"csrf": client.csrf})
        self.assertEqual(answer.status, 200)
        self.assertFalse(is_in(client))
        address = answer.headers["Refresh"].removeprefix("0; url=")
        self.assertTrue(address.startswith(self.provider.issuer + "/session/end?"))
        self.assertIn("id_token_hint=", address)
        back = self.leave(ada, address)
        self.assertTrue(back.startswith(ada.base + "/login"), back)
        # The provider asks again who it is.
        answer = ada.open("/login/oidc")
        while answer.status in (302, 303):
            self.assertFalse(answer.location.startswith(ada.base), answer.location)
            answer = ada.open(answer.location)
        self.assertIn('name="login"', answer.text)

    def leave(self, person, address):
        """Logs out at the provider; where it leads then."""
        page = person.open(address)
        self.assertEqual(page.status, 200, page.text)
        xsrf = re.search(r'name="xsrf" value="([^"]*)"', page.text)[1]
        action = re.search(r'action="([^"]*)"', page.text)[1]
        done = person.open(urllib.parse.urljoin(page.url, action), {"xsrf": xsrf, "logout": "yes"})
        self.assertIn(done.status, (302, 303), done.text)
        return done.location

    def test_a_logout_elsewhere_ends_the_session_here_at_once(self):
        with self.start(arguments=self.arguments, env=self.settings(VARRO_OIDC_RECHECK_SECONDS="3600")) as varro:
            self.provider.control(client=f"http://127.0.0.1:{varro.port}")
            try:
                ada, bob = Person(varro), Person(varro)
                self.assertEqual((ada.log_in("ada").status, bob.log_in("bob").status), (303, 303))
                client = ada.client()
                chat = client.send("[[hold]][[text: later]]").chat_id
                with client.stream(chat) as stream:
                    self.leave(ada, self.provider.issuer + "/session/end")
                    self.assertNotIn("done", [event.name for event in stream])
                self.assertFalse(is_in(client))
                self.assertTrue(is_in(bob.client()))
                self.assertIn("logged out at " + self.provider.issuer,
                              run_varro("audit", "list", "--data", str(varro.data), "--csv").stdout)
                self.model.control("POST", "/__release")
            finally:
                self.provider.control(client=f"http://127.0.0.1:{self.varro.port}")

    def test_while_the_provider_is_away_sessions_last_for_a_time_and_nobody_new_comes_in(self):
        with self.start(arguments=self.arguments, env=self.settings(VARRO_OIDC_RECHECK_SECONDS="1")) as varro:
            self.provider.control(client=f"http://127.0.0.1:{varro.port}")
            try:
                person = Person(varro)
                back = person.way_back("ada")
                self.assertEqual(person.open(back).status, 303)
                ada = person.client()
                other = Person(varro)
                waiting = other.way_back("bob")
                self.provider.control(mode="down")
                self.assertTrue(is_in(ada))
                self.assertEqual(other.open(waiting).status, 503)
                until(lambda: not is_in(ada), "ada's session ends, because nobody confirms it")
                self.provider.control(mode="")
                self.assertEqual(Person(varro).log_in("ada").status, 303)
            finally:
                self.provider.control(client=f"http://127.0.0.1:{self.varro.port}", mode="")

    def test_a_description_of_another_issuer_lets_nobody_in(self):
        self.provider.control(mode="discovery")
        with self.start(arguments=self.arguments, env=self.settings()) as varro:
            self.assertEqual(Client(varro).get("/login/oidc").status, 503)
            self.assertIn("another issuer", varro.errors())

    def test_sessions_outlive_a_restart_and_end_with_another_mode(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            try:
                with self.start(data=data, arguments=self.arguments, env=self.settings()) as varro:
                    self.provider.control(client=f"http://127.0.0.1:{varro.port}")
                    person = Person(varro)
                    self.assertEqual(person.log_in("ada").status, 303)
                    client = person.client()
                with self.start(data=data, arguments=self.arguments, env=self.settings()) as client.server:
                    self.assertTrue(is_in(client))
                with self.start(data=data, arguments=("--auth", "accounts")) as client.server:
                    self.assertFalse(is_in(client))
                with self.start(data=data, arguments=self.arguments, env=self.settings()) as client.server:
                    self.assertFalse(is_in(client))
            finally:
                self.provider.control(client=f"http://127.0.0.1:{self.varro.port}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
