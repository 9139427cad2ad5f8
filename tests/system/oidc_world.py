"""A real provider of OpenID Connect on loopback (npm oidc-provider), which also makes mischief, and people who visit it."""

import contextlib
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
class OidcTest(SystemTest):
    """One provider and one varro a class. Everybody is called as at the provider, and in the group "staff"."""

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

    @contextlib.contextmanager
    def own_server(self, **more):
        """A server of this test's own, which the provider knows meanwhile."""
        with self.start(arguments=self.arguments, env=self.settings(**more)) as varro:
            self.provider.control(client=f"http://127.0.0.1:{varro.port}")
            try:
                yield varro
            finally:
                self.provider.control(client=f"http://127.0.0.1:{self.varro.port}", mode="")
