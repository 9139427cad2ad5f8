"""nginx in front, with the configurations of docs/proxy.md: who visitors are, and where they come from."""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from cells import until
from harness import Client, ROOT, SystemTest, run_varro

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def documented(language):
    """The blocks of docs/proxy.md in this language, in their order."""
    text = (ROOT / "docs" / "proxy.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """One of the documented servers, on a free port of loopback, in front of a varro."""

    def __init__(self, text, varro, users=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-nginx-"))
        self.directory.chmod(0o755)
        self.port = free_port()
        (self.directory / "users").write_text("".join(f"{name}:{{PLAIN}}{name}-password\n" for name in users))
        self.text = self.adapted(text, varro)
        self.write(self.text)
        self.popen = subprocess.Popen(
            [NGINX, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf"), "-e", "errors.log"],
            stdin=subprocess.DEVNULL)
        until(self.answers, "nginx listens")

    def adapted(self, text, varro):
        """Without TLS."""
        text = re.sub(r"\n *ssl_certificate[^\n]*", "", text)
        text = re.sub(r"listen 443 ssl( http2)?;", f"listen 127.0.0.1:{self.port};", text)
        text = text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{varro.port}")
        return text.replace("/etc/nginx/varro.users", str(self.directory / "users"))

    def write(self, text):
        temporary = "".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/errors.log;"
            f"events {{ worker_connections 256; }} http {{ access_log off; {temporary}\n{text} }}\n")

    def answers(self):
        if self.popen.poll() is not None:
            raise RuntimeError(f"nginx ended: {(self.directory / 'errors.log').read_text()}")
        return self.listens(self.port)

    @staticmethod
    def listens(port):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return True

    def change(self, before, after):
        """Another configuration; connections that are open keep the one before."""
        assert before in self.text
        self.text = self.text.replace(before, after)
        self.write(self.text)
        self.popen.send_signal(signal.SIGHUP)

    def stop(self):
        self.popen.terminate()
        self.popen.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)


def says(user, groups="staff", **more):
    return {"X-Forwarded-User": user, "X-Forwarded-Groups": groups, **more}


class ProxyTest(SystemTest):
    configuration = 0  # which of the documented ones
    users = ()

    @classmethod
    def setUpClass(cls):
        assert NGINX, "there is no nginx; bin/setup --test installs it"
        super().setUpClass()
        cls.nginx = Nginx(documented("nginx")[cls.configuration], cls.varro, cls.users)

    @classmethod
    def prepare(cls):
        cls.data.mkdir(parents=True)
        file = pathlib.Path(cls.directory) / "varro.toml"
        file.write_text(documented("toml")[cls.configuration])
        cls.arguments = ("--config", str(file))

    @classmethod
    def tearDownClass(cls):
        cls.nginx.stop()
        super().tearDownClass()


class Identities(ProxyTest):
    configuration = 1
    users = ("ada", "bob", "eve")  # eve is in no group

    def through(self, name, **headers):
        """A browser that nginx knows, with the token of its page if there is one."""
        password = base64.b64encode(f"{name}:{name}-password".encode()).decode()
        client = Client(self.nginx, headers={"Authorization": f"Basic {password}", **headers})
        token = re.search(r'name="csrf" value="([^"]*)"', client.get("/").text)
        client.csrf = token[1] if token else None
        return client

    def direct(self, source, headers):
        return Client(self.varro, headers=headers, source=source)

    def role_of(self, name):
        listed = run_varro("user", "list", "--data", str(self.data)).stdout
        return {line.split("\t")[0]: line.split("\t")[3] for line in listed.splitlines()}.get(name)

    def groups_of(self, name):
        listed = run_varro("group", "list", "--data", str(self.data)).stdout
        return [line.split("\t")[0] for line in listed.splitlines() if line.split("\t")[1] == name]

    def test_whom_nginx_names_is_a_user_with_groups_and_a_role(self):
        ada, bob = self.through("ada"), self.through("bob")
        self.assertIn(">ada<", ada.get("/").text)
        self.assertIn(">bob<", bob.get("/").text)
        self.assertEqual(self.role_of("ada"), "admin")
        self.assertEqual(self.role_of("bob"), "user")
        self.assertEqual(self.groups_of("ada"), ["admins", "staff"])
        self.assertEqual(self.groups_of("bob"), ["staff"])
        self.assertFalse(ada.cookies)

    def test_who_is_in_no_allowed_group_or_unknown_to_nginx_is_refused(self):
        eve = self.through("eve")
        page = eve.get("/")
        self.assertEqual(page.status, 403)
        self.assertIn("none of the groups", page.text)
        self.assertIsNone(self.role_of("eve"))
        self.assertEqual(Client(self.nginx).get("/").status, 401)

    def test_chats_belong_to_who_made_them_and_forms_to_whose_they_are(self):
        ada, bob = self.through("ada"), self.through("bob")
        reply, events = ada.turn("[[python: print(6 * 7)]][[text: done]]")
        self.assertIn("42", "".join(event.data for event in events))
        self.assertEqual(ada.get(f"/chat/{reply.chat_id}").status, 200)
        self.assertEqual(bob.get(f"/chat/{reply.chat_id}").status, 404)
        self.assertNotEqual(ada.csrf, bob.csrf)
        bob.csrf = ada.csrf
        self.assertEqual(bob.send("[[text: hi]]").status, 403)
        bob.csrf = None
        self.assertEqual(bob.send("[[text: hi]]").status, 403)
        foreign = self.through("ada", Origin="https://elsewhere.example")
        self.assertEqual(foreign.send("[[text: hi]]").status, 403)

    def test_events_come_through_while_the_run_is_on(self):
        ada = self.through("ada")
        chat = ada.send("[[hold]][[text: later]]").chat_id
        with ada.stream(chat) as stream:
            events = iter(stream)
            first = next(events)  # the model has not answered yet: nginx keeps nothing back
            self.assertNotEqual(first.name, "done")
            until(lambda: self.model.state()["open"] == 1, "the run asks the model")
            self.model.control("POST", "/__release")
            self.assertIn("done", [event.name for event in events])

    def test_what_a_visitor_says_of_themselves_nginx_replaces(self):
        for forged in (says("ada", "staff,admins"), {"x-forwarded-user": "ada"}, {"X_Forwarded_User": "ada"},
                       {"X-FORWARDED-GROUPS": "staff,admins"}, {"X_Forwarded_Groups": "staff,admins"}):
            with self.subTest(forged):
                self.assertIn(">bob<", self.through("bob", **forged).get("/").text)
                self.assertEqual(self.role_of("bob"), "user")
        self.assertEqual(self.through("eve", **says("ada")).get("/").status, 403)

    def test_without_the_proxy_in_between_nobody_is_believed(self):
        own, other = self.direct("127.0.0.1", says("ada")), self.direct("127.0.0.2", says("ada"))
        self.assertEqual(own.get("/").status, 200)  # the twin: this address is the proxy's
        for more in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}):
            with self.subTest(more):
                other.headers = says("ada", **more)
                page = other.get("/")
                self.assertEqual(page.status, 403)
                self.assertIn("server.trusted_proxies", page.text)
                self.assertEqual(other.send("[[text: hi]]").status, 403)
        self.assertEqual(other.get("/healthz").status, 200)

    def test_a_program_comes_through_the_proxy_by_its_token_and_not_past_it(self):
        self.through("ada")  # has an account now
        made = run_varro("token", "create", "a script", "--user", "ada", "--data", str(self.data))
        self.assertEqual(made.returncode, 0, made.stderr)
        token = {"Authorization": f"Bearer {made.stdout.strip()}"}
        self.assertEqual(Client(self.nginx, headers=token).get("/chats").status, 200)
        # Whatever else it says of itself, it is answered for its token.
        program = Client(self.nginx, headers={**token, **says("bob", "staff,admins")})
        self.assertIn(">ada<", program.get("/").text)
        past = Client(self.varro, headers=token, source="127.0.0.2").get("/chats")
        self.assertEqual(past.status, 403)
        self.assertIn("server.trusted_proxies", past.text)
        for other in ("Bearer", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer varro", "Basic eDp5"):
            refused = Client(self.nginx, headers={"Authorization": other}).get("/chats")
            self.assertEqual(refused.status, 401, other)
            self.assertIn("Basic", refused.headers["www-authenticate"])  # nginx asks for a password
        unknown = Client(self.nginx, headers={"Authorization": f"Bearer varro_{'0' * 12}_{'0' * 64}"}).get("/chats")
        self.assertEqual(unknown.status, 401)
        self.assertIn("invalid_token", unknown.headers["www-authenticate"])

    def test_another_user_on_the_same_connection_is_another_visitor(self):
        ada = self.through("ada")
        chat = ada.turn("[[text: hers]]")[0].chat_id
        visitor = self.direct("127.0.0.1", says("ada", "staff,admins"))
        self.assertEqual(visitor.get(f"/chat/{chat}").status, 200)
        visitor.headers = says("bob")
        self.assertEqual(visitor.get(f"/chat/{chat}").status, 404)
        visitor.csrf = ada.csrf
        self.assertEqual(visitor.send("[[text: hi]]").status, 403)

    def test_there_is_nothing_to_log_in_with(self):
        ada = self.through("ada")
        self.assertEqual(ada.get("/login").headers["location"], "/")
        for path in ("/login", "/join"):
            self.assertEqual(ada.post(path, {"username": "ada", "password": "ada-password"}).status, 404)
        self.assertEqual(ada.get("/join").status, 404)


class Removal(ProxyTest):
    """Somebody leaves a group while the proxy and the server run."""

    configuration = 1
    users = ("ada", "bob")
    environment = {"VARRO_STREAM_KEEP_ALIVE_MS": "100"}
    through = Identities.through

    def test_who_left_the_group_is_out_and_so_are_open_streams(self):
        ada, bob = self.through("ada"), self.through("bob")
        chats = [client.send("[[hold]][[text: later]]").chat_id for client in (ada, bob)]
        with ada.stream(chats[0]) as goes_on, bob.stream(chats[1]) as ended:
            self.nginx.change('"staff";', '"guests";')
            until(lambda: bob.get("/chats").status == 403, "nginx tells the other group")
            self.assertNotIn("done", [event.name for event in ended])
            until(lambda: self.model.state()["open"] == 2, "both runs ask the model")
            self.model.control("POST", "/__release")
            self.assertIn("done", [event.name for event in goes_on])
        self.nginx.change('"guests";', '"staff";')
        # For a moment workers of nginx with the other configuration take connections, too.
        until(lambda: "later" in "".join(event.data for event in bob.events(chats[1], after=0)), "bob sees his answer")


class Addresses(ProxyTest):
    """Accounts of Varro's own, whose visitors come from several addresses by one proxy."""

    environment = {"VARRO_AUTH_ATTEMPTS_MAX": "2"}

    @classmethod
    def prepare(cls):
        super().prepare()
        run_varro("user", "add", "ada", "--data", str(cls.data), "--password-stdin", stdin="ada-password\n")

    def attempt(self, name, source, server=None, **headers):
        return Client(server or self.nginx, headers=headers, source=source).login(name, "wrong-password").status

    def test_attempts_are_counted_for_the_address_behind_the_proxy(self):
        self.assertEqual(self.attempt("a", "127.0.0.11"), 401)
        self.assertEqual(self.attempt("b", "127.0.0.11", **{"X-Forwarded-For": "192.0.2.1"}), 401)
        self.assertEqual(self.attempt("c", "127.0.0.11"), 429)
        for forged in ("192.0.2.2", "127.0.0.1", "192.0.2.3, 127.0.0.1", "unknown", "," * 1000):
            self.assertEqual(self.attempt("d", "127.0.0.11", **{"X-Forwarded-For": forged}), 429, forged)
        self.assertEqual(self.attempt("e", "127.0.0.12"), 401)  # everybody else goes on

    def test_who_is_no_proxy_cannot_say_where_they_are(self):
        for name in "fg":
            self.assertEqual(self.attempt(name, "127.0.0.13", self.varro, **{"X-Forwarded-For": f"192.0.2.{ord(name)}"}), 401)
        self.assertEqual(self.attempt("h", "127.0.0.13", self.varro, **{"X-Forwarded-For": "192.0.2.200"}), 429)

    def test_the_list_of_browser_sessions_has_the_address_and_cookies_go_by_the_proxys_word(self):
        ada = Client(self.nginx, source="127.0.0.14", headers={"X-Forwarded-Proto": "https"})  # nginx says http
        reply = ada.login("ada", "ada-password")
        self.assertEqual(reply.status, 303)
        self.assertNotIn("secure", "".join(reply.cookies).lower())
        self.assertIn("127.0.0.14", ada.get("/account").text)
        self.nginx.change("$scheme", "https")
        until(lambda: "secure" in "".join(Client(self.nginx).get("/login").cookies).lower(), "nginx says https")


if __name__ == "__main__":
    unittest.main()
