"""nginx and Caddy with TLS and HTTP/2 in front, with the configurations of docs/proxy.md: logins, and streams as they come."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

from cells import until
from harness import WAIT_SECONDS, AccountsTest
from test_proxy_auth import NGINX, Nginx, documented, free_port

CADDY = shutil.which("caddy")
NAME = "varro.example.org"
VISITOR = "127.0.0.5"  # who comes through a proxy at 127.0.0.1


class Certificate:
    """Its own authority, for NAME."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-certificate-"))
        self.directory.chmod(0o755)
        self.file, self.key = self.directory / "certificate.pem", self.directory / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
                        "-keyout", self.key, "-out", self.file], check=True, capture_output=True, timeout=WAIT_SECONDS)

    def remove(self):
        shutil.rmtree(self.directory)


class TlsNginx(Nginx):
    def __init__(self, text, varro, certificate):
        self.certificate = certificate
        super().__init__(text, varro)

    def adapted(self, text, varro):
        text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;")
        text = text.replace("/etc/ssl/varro.pem", str(self.certificate.file))
        text = text.replace("/etc/ssl/varro.key", str(self.certificate.key))
        return text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{varro.port}")


class Caddy:
    """One of the documented sites, on a free port of loopback, in front of a varro."""

    def __init__(self, text, varro, certificate):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-caddy-"))
        self.port = free_port()
        text = text.replace(f"{NAME} {{", f"https://{NAME}:{self.port} {{\n    bind 127.0.0.1\n"
                                          f"    tls {certificate.file} {certificate.key}", 1)
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{varro.port}")
        file = self.directory / "Caddyfile"
        file.write_text("{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}\n" + text)
        homes = {name: str(self.directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        self.log = (self.directory / "log").open("wb")
        self.popen = subprocess.Popen([CADDY, "run", "--adapter", "caddyfile", "--config", file], stdin=subprocess.DEVNULL,
                                      stdout=self.log, stderr=self.log, env={**os.environ, **homes})
        until(self.answers, "Caddy listens")

    def answers(self):
        if self.popen.poll() is not None:
            raise RuntimeError(f"Caddy ended: {(self.directory / 'log').read_text()}")
        return Nginx.listens(self.port)

    def stop(self):
        self.popen.send_signal(signal.SIGTERM)
        self.popen.wait(WAIT_SECONDS)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Curl:
    """A browser that speaks HTTP/2, by the command of that name."""

    def __init__(self, port, certificate):
        self.port, self.directory = port, pathlib.Path(tempfile.mkdtemp(prefix="varro-curl-"))
        self.arguments = ["curl", "--silent", "--show-error", "--http2", "--noproxy", "*", "--interface", VISITOR, "--cacert",
                          certificate.file,
                          "--resolve", f"{NAME}:{port}:127.0.0.1", "--cookie", self.jar, "--cookie-jar", self.jar]

    @property
    def jar(self):
        return self.directory / "cookies"

    def address(self, path):
        return f"https://{NAME}:{self.port}{path}"

    def ask(self, path, form=None, token=None):
        """Status, version of HTTP, body."""
        more = [] if form is None else ["--data", urllib.parse.urlencode(form), "--header", f"Origin: {self.address('')}"]
        if token:
            more += ["--header", f"X-CSRF-Token: {token}"]
        done = subprocess.run([*self.arguments, *more, "--write-out", "\n%{http_code} %{http_version}", self.address(path)],
                              capture_output=True, text=True, timeout=WAIT_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        body, _, told = done.stdout.rpartition("\n")
        status, version = told.split()
        return int(status), version, body

    @contextlib.contextmanager
    def stream(self, path):
        """The lines of an answer as they come."""
        with subprocess.Popen([*self.arguments, "--no-buffer", self.address(path)], stdout=subprocess.PIPE,
                              text=True) as popen:
            try:
                yield popen.stdout
            finally:
                popen.terminate()

    def remove(self):
        shutil.rmtree(self.directory)


def csrf_of(page):
    return re.search(r'name="csrf" value="([^"]*)"', page)[1]


class Behind:
    """What holds behind either."""

    names = ("ada",)

    @classmethod
    def prepare(cls):
        super().prepare()
        (cls.data / "varro.toml").write_text(documented("toml")[0])

    def start(self):
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        certificate = Certificate()
        self.addCleanup(certificate.remove)
        proxy = self.proxy(certificate)
        self.addCleanup(proxy.stop)
        self.browser = Curl(proxy.port, certificate)
        self.addCleanup(self.browser.remove)

    def log_in(self):
        status, version, page = self.browser.ask("/login")
        self.assertEqual((status, version), (200, "2"))
        status, _, _ = self.browser.ask("/login", {"username": "ada", "password": "ada-password", "csrf": csrf_of(page)})
        self.assertEqual(status, 303)
        return csrf_of(self.browser.ask("/")[2])

    def test_a_login_a_turn_and_events_that_come_while_it_runs(self):
        token = self.log_in()
        jar = self.browser.jar.read_text()
        session = next(line.split("\t") for line in jar.splitlines() if "varro_session" in line)
        self.assertEqual(session[3], "TRUE", "the cookie is for https only")
        status, version, reply = self.browser.ask("/chat/send", {"message": "Wait. [[text: Done.]] [[hold: x1]]"}, token)
        self.assertEqual((status, version), (200, "2"))
        address = re.search(r'data-stream-url="([^"]*)"', reply)[1].replace("&amp;", "&")
        with self.browser.stream(address) as lines:
            # The model says nothing yet: what comes now was not held back.
            first = next(line for line in lines if line.startswith("event:"))
            self.assertEqual(first.strip(), "event: progress")
            self.model.control("POST", "/__release")
            told = "".join(lines)
        self.assertIn("event: content", told)
        self.assertIn("Done.", told)
        self.assertIn("event: done", told)

    def test_addresses_for_machines_are_not_handed_on(self):
        for path in ("/metrics", "/readyz"):
            self.assertEqual(self.browser.ask(path)[0], 404)

    def test_where_visitors_are_is_told_by_the_proxy(self):
        self.log_in()
        _, _, page = self.browser.ask("/account")
        self.assertIn(VISITOR, page)


class BehindNginx(Behind, AccountsTest):
    def proxy(self, certificate):
        self.assertTrue(NGINX, "there is no nginx; bin/setup --test installs it")
        return TlsNginx(documented("nginx")[0], self.varro, certificate)


class BehindCaddy(Behind, AccountsTest):
    def proxy(self, certificate):
        self.assertTrue(CADDY, "there is no Caddy; bin/setup --test installs it")
        return Caddy(documented("caddy")[0], self.varro, certificate)


if __name__ == "__main__":
    unittest.main()
