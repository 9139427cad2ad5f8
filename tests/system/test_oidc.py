"""Logins at a real provider of OpenID Connect on loopback (npm oidc-provider), which also makes mischief."""

import http.cookiejar
import json
import pathlib
import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from cells import until
from harness import ROOT, WAIT_SECONDS, Client, Model, Process, SystemTest, Varro, run_varro


class Provider(Process):
    def __init__(self):
        super().__init__(["node", str(ROOT / "tests" / "support" / "oidc_provider.mjs")])
        self.issuer = f"http://127.0.0.1:{self.port}"

    def control(self, **order):
        request = urllib.request.Request(self.issuer + "/__control", json.dumps(order).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as reply:
            return json.load(reply)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Answer:
    def __init__(self, reply):
        self.status, self.headers, self.url = reply.status, reply.headers, reply.url
        self.text = reply.read().decode()

    @property
    def location(self):
        return urllib.parse.urljoin(self.url, self.headers["Location"])


class Person:
    """A browser without a screen that visits both Varro and the provider."""

    def __init__(self, varro):
        self.varro = varro
        self.base = f"http://127.0.0.1:{varro.port}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), NoRedirect)

    def open(self, url, form=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            return Answer(self.opener.open(urllib.parse.urljoin(self.base, url), data, timeout=WAIT_SECONDS))
        except urllib.error.HTTPError as refused:
            return Answer(refused)

    def way_back(self, name, page="/"):
        """Logs in at the provider: where it sends the browser back to, which is not visited yet."""
        answer = self.open("/login/oidc?" + urllib.parse.urlencode({"next": page}))
        assert answer.status == 303, (answer.status, answer.text)
        while True:
            if answer.status == 200:
                action = re.search(r'action="([^"]*)"', answer.text)[1]
                answer = self.open(urllib.parse.urljoin(answer.url, action), {"login": name})
            assert answer.status in (302, 303), (answer.status, answer.text)
            if answer.location.startswith(self.base):
                return answer.location
            answer = self.open(answer.location)

    def log_in(self, name, page="/"):
        return self.open(self.way_back(name, page))

    def cookie(self, name):
        return next((each.value for each in self.jar if each.name == name), None)

    def client(self):
        """What pages and streams are asked with."""
        client = Client(self.varro)
        client.cookies["varro_session"] = self.cookie("varro_session")
        client.csrf = re.search(r'name="csrf" value="([^"]*)"', client.get("/").text)[1]
        return client


def is_in(client):
    return client.get("/").status == 200


@unittest.skipUnless(shutil.which("node") and (ROOT / "node_modules" / "oidc-provider").exists(),
                     "needs node and the npm package oidc-provider: run bin/setup")
class Oidc(SystemTest):
    arguments = ("--auth", "oidc")

    @classmethod
    def settings(cls, **more):
        return {"VARRO_OIDC_ISSUER": cls.provider.issuer, "VARRO_OIDC_CLIENT_ID": "varro",
                "VARRO_OIDC_CLIENT_SECRET": "hush-hush", "VARRO_OIDC_LABEL": "Log in with Example",
                "VARRO_OIDC_RECHECK_SECONDS": "2", "VARRO_OIDC_GROUPS_CLAIM": "groups",
                "VARRO_OIDC_ADMIN_VALUES": "varro-admins", "VARRO_OIDC_ALLOWED_GROUPS": "staff",
                "VARRO_AUTH_ATTEMPTS_WINDOW_SECONDS": "1", **more}

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="varro-system-")
        cls.data = pathlib.Path(cls.directory) / "data"
        cls.model = Model()
        cls.provider = Provider()
        cls.varro = Varro(cls.data, cls.model, arguments=cls.arguments, env=cls.settings())
        cls.provider.control(client=f"http://127.0.0.1:{cls.varro.port}")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.provider.stop()

    def setUp(self):
        self.provider.control(mode="")
        for name in ("ada", "bob"):
            self.provider.control(user=name, groups=["staff"])

    def users(self):
        return run_varro("user", "list", "--data", str(self.data)).stdout

    def logged_in(self, name):
        person = Person(self.varro)
        answer = person.log_in(name)
        self.assertEqual(answer.status, 303, answer.text)
        return person

    def assert_refused(self, person, answer, status=403):
        self.assertEqual(answer.status, status, answer.text)
        self.assertIsNone(person.cookie("varro_session"))

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

    def test_who_leaves_the_groups_that_are_let_in_is_out_in_every_browser(self):
        browsers = [self.logged_in("ada").client() for _ in range(2)]
        self.provider.control(user="ada", groups=["others"])
        for each in browsers:
            until(lambda each=each: not is_in(each), "ada is out")
        stranger = Person(self.varro)
        answer = stranger.log_in("ada")
        self.assert_refused(stranger, answer)
        self.assertIn("none of the groups", answer.text)

    def test_tokens_that_are_not_what_they_should_be_are_refused(self):
        for mode in ("issuer", "nonce", "audience", "expired", "future", "none", "signature", "hmac", "sender"):
            with self.subTest(mode):
                self.provider.control(mode=mode)
                person = Person(self.varro)
                self.assert_refused(person, person.log_in("ada"))
                self.provider.control(mode="")
                self.assertEqual(person.log_in("ada").status, 303)

    def test_an_answer_is_taken_once(self):
        ada = Person(self.varro)
        back = ada.way_back("ada")
        flow = ada.cookie("varro_oidc")
        self.assertEqual(ada.open(back).status, 303)
        self.assertEqual(ada.open(back).status, 403)
        # Also from who kept the cookie; and the code alone, in a login of their own, is worth nothing.
        thief = Client(self.varro)
        thief.cookies["varro_oidc"] = flow
        self.assertEqual(thief.get(back.removeprefix(ada.base)).status, 403)
        other = Person(self.varro)
        fields = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
        own = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(other.way_back("bob")).query))
        self.assert_refused(other, other.open("/login/oidc/callback?" + urllib.parse.urlencode(
            {**own, "code": fields["code"]})))

    def test_nobody_is_logged_in_by_an_answer_that_another_browser_began(self):
        mallory, victim = Person(self.varro), Person(self.varro)
        back = mallory.way_back("bob")
        self.assert_refused(victim, victim.open(back))
        victim.open("/login/oidc")
        self.assert_refused(victim, victim.open(back))
        # Mallory's own login was not used up by it.
        self.assertEqual(mallory.open(back).status, 303)

    def test_a_login_that_the_provider_refuses_says_so(self):
        person = Person(self.varro)
        self.assert_refused(person, person.log_in("nobody-of-that-name"))
        self.assertEqual(person.log_in("ada").status, 303)

    def test_an_address_that_fails_again_and_again_has_to_wait(self):
        with self.start(arguments=self.arguments,
                        env=self.settings(VARRO_AUTH_ATTEMPTS_WINDOW_SECONDS="600")) as varro:
            attacker = Client(varro)
            states = [attacker.get(f"/login/oidc/callback?state={i}&code=x").status for i in range(31)]
            self.assertEqual(states, [403] * 30 + [429])

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

    def test_an_order_to_log_out_that_the_provider_did_not_sign_ends_nothing(self):
        ada = self.logged_in("ada").client()
        stranger = Client(self.varro)
        for token in ("", "x", "e30.e30.e30", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."):
            self.assertEqual(stranger.post("/logout/backchannel", {"logout_token": token}).status, 400, token)
        self.assertTrue(is_in(ada))

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
