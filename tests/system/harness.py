"""Starts varro and varro-model as a newcomer would, and talks to them over HTTP.

Everything binds to loopback on a free port; processes are stopped by their id; data lives in temporary directories.
"""

import contextlib
import http.client
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
VARRO = os.environ.get("VARRO", str(ROOT / "build" / "varro"))
VARRO_CRASHING = os.environ.get("VARRO_CRASHING", str(pathlib.Path(VARRO).parent / "varro-crashing"))
VARRO_MODEL = os.environ.get("VARRO_MODEL", str(ROOT / "build" / "varro-model"))
OURS = ("ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_", "VARRO_")  # variables that a developer's shell may have
WAIT_SECONDS = 60  # the longest that anything here may take; no test waits for a time to pass


class Process:
    """A server that says on stdout where it listens."""

    def __init__(self, argv, env=None, user=None, wait=True):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        clean.update(env or {})
        self.stderr = tempfile.TemporaryFile()
        rights = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.popen = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self.stderr, env=clean, text=True, **rights)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self):
        line = self.popen.stdout.readline()
        found = re.search(r"listening on http://(.+):(\d+)", line)
        if not found:
            self.popen.wait(WAIT_SECONDS)
            raise RuntimeError(f"{self.popen.args[0]} did not start: {line!r} {self.errors()}")
        self.host, self.port = found[1], int(found[2])

    @property
    def pid(self):
        return self.popen.pid

    def close(self):
        self.popen.stdout.close()
        self.errors_text = self.errors()
        self.stderr.close()

    def errors(self):
        if self.stderr.closed:
            return self.errors_text
        # Not by reading on: the server writes where this file is read, for they share one position.
        size = os.fstat(self.stderr.fileno()).st_size
        return os.pread(self.stderr.fileno(), size, 0).decode(errors="replace")

    def stop(self):
        """SIGTERM; the exit code and the seconds it took."""
        begin = time.monotonic()
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            code = self.popen.wait(WAIT_SECONDS)
        finally:
            self.close()
        return code, time.monotonic() - begin

    def kill(self):
        self.popen.kill()
        self.popen.wait(WAIT_SECONDS)
        self.close()

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))


class Model(Process):
    """The scripted model server; prompts carry what it shall answer (bench/README.md)."""

    def __init__(self, script=None):
        argv = [VARRO_MODEL, "--listen", "127.0.0.1:0"]
        if script is not None:
            self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
            json.dump(script, self.file)
            self.file.flush()
            argv += ["--script", self.file.name]
        super().__init__(argv)

    def control(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        connection.request(method, path)
        body = connection.getresponse().read().decode()
        connection.close()
        return json.loads(body)

    def requests(self):
        return self.control("GET", "/__requests")

    def state(self):
        return self.control("GET", "/__state")

    def bodies(self):
        return [r["body"] for r in self.requests() if isinstance(r.get("body"), dict)]


class Varro(Process):
    def __init__(self, data, model=None, vendor="anthropic", arguments=(), env=None, user=None, binary=None,
                 wait=True, launcher=(), default_model=None):
        environment = dict(env or {})
        argv = [*launcher, binary or VARRO, "serve", "--listen", "127.0.0.1:0", "--data", str(data)]
        if model is not None and vendor == "anthropic":
            environment["ANTHROPIC_API_KEY"] = "sk-test-0000"
            environment["ANTHROPIC_BASE_URL"] = f"http://127.0.0.1:{model.port}"
            argv += ["--model", default_model or "anthropic:claude-sonnet-4-5"]
        elif model is not None:
            environment["OPENAI_API_KEY"] = "sk-test-0000"
            environment["OPENAI_BASE_URL"] = f"http://127.0.0.1:{model.port}/v1"
            argv += ["--model", default_model or "openai:gpt-4o"]
        else:
            argv += ["--model", "offline"]
        super().__init__(argv + list(arguments), environment, user, wait)
        self.data = pathlib.Path(data)


class Reply:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.cookies = [v for k, v in response.getheaders() if k.lower() == "set-cookie"]
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def chat_id(self):
        return int(re.search(r"/chat/stream/(\d+)", self.text)[1])

    @property
    def after(self):
        return int(re.search(r"/chat/stream/\d+\?after=(\d+)", self.text)[1])


class Client:
    """A browser without a screen: keeps cookies, sends the CSRF token that pages carry. `headers` go with each request,
    which comes from the address `source`."""

    def __init__(self, server, headers=None, source=None):
        self.server = server
        self.headers = headers or {}
        self.source = (source, 0) if source else None
        self.cookies = {}
        self.csrf = None

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.port, WAIT_SECONDS, self.source)

    def request(self, method, path, form=None, headers=None, body=None):
        connection = self.connect()
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if self.csrf and method not in ("GET", "HEAD"):
            sent.setdefault("X-CSRF-Token", self.csrf)
        if form is not None:
            body = urllib.parse.urlencode(form)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=sent)
            with connection.getresponse() as response:
                reply = Reply(response, response.read())
        for cookie in reply.cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, form=None, **kw):
        return self.request("POST", path, form=form or {}, **kw)

    def send(self, message, chat_id=None, **fields):
        form = {"message": message, **fields}
        if chat_id is not None:
            form["chat_id"] = chat_id
        return self.post("/chat/send", form)

    def login(self, name, password):
        page = self.get("/login").text
        token = re.search(r'name="csrf" value="([^"]*)"', page)
        reply = self.post("/login", {"username": name, "password": password, "csrf": token[1] if token else ""})
        if reply.status == 303:
            token = re.search(r'name="csrf" value="([^"]*)"', self.get("/").text)
            self.csrf = token[1] if token else None
        return reply

    @contextlib.contextmanager
    def stream(self, chat_id, after=None, last_event_id=None, headers=None):
        headers = {**self.headers, **(headers or {})}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        path = f"/chat/stream/{chat_id}" + ("" if after is None else f"?after={after}")
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as response:
                yield Stream(response)

    def events(self, chat_id, **kw):
        """Every event until the stream ends."""
        with self.stream(chat_id, **kw) as stream:
            return list(stream)

    def turn(self, message, chat_id=None, **fields):
        """Sends and follows to the end: the reply and its events."""
        reply = self.send(message, chat_id, **fields)
        assert reply.status == 200, (reply.status, reply.text)
        return reply, self.events(reply.chat_id, after=reply.after)


class Event:
    def __init__(self, name, data, id):
        self.name, self.data, self.id = name, data, id
        self.at = 0.0  # time.monotonic() of its arrival, where somebody looks at that

    @property
    def block(self):
        return Block.of(self.data)

    def __repr__(self):
        return f"Event({self.name!r}, id={self.id!r}, {self.data[:80]!r})"


class Stream:
    def __init__(self, response):
        self.status = response.status
        self.content_type = response.getheader("Content-Type", "")
        self.response = response

    def __iter__(self):
        fields = {"data": []}
        while line := self.response.readline():
            line = line.decode().rstrip("\n")
            if not line:
                if "event" in fields:
                    number = fields.get("id")
                    yield Event(fields["event"], "\n".join(fields["data"]), None if number is None else int(number))
                fields = {"data": []}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "data":
                    fields["data"].append(value)
                else:
                    fields[name] = value


class Block:
    """What DESIGN promises of a block's element."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.id = attributes.get("id")
        self.kind = attributes["data-block"]
        self.seq = int(attributes["data-seq"])
        self.state = attributes.get("data-state")

    def __repr__(self):
        return f"{self.kind}[{self.id}@{self.seq} {self.state or ''}]"

    @staticmethod
    def of(text):
        return blocks_of(text)[0]


def blocks_of(text):
    found = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            if "data-block" in attributes:
                found.append(Block(attributes))

    Parser().feed(text)
    return found


def contents(events):
    return [event for event in events if event.name == "content"]


def kinds(events):
    return [event.block.kind for event in contents(events)]


def run_varro(*arguments, env=None, stdin="", binary=None, launcher=()):
    """A command that ends by itself."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    clean.update(env or {})
    return subprocess.run([*launcher, binary or VARRO, *arguments], input=stdin, text=True, capture_output=True,
                          timeout=WAIT_SECONDS, env=clean)


def supervisors_of(data):
    """The varro-shells of one data directory; others may run on the same machine. One that has forked for a moment counts
    once: until a child becomes another program, it looks like its parent."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(b"/varro-shells") and f'"{data}"'.encode() in arguments[1]:
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{entry}/stat").read_text()
                found[int(entry)] = int(status.rpartition(")")[2].split()[1])
    return {pid for pid, parent in found.items() if parent not in found}


class SystemTest(unittest.TestCase):
    """One model server a class, one varro a class; tests that need their own start them with self.start()."""

    vendor = "anthropic"
    arguments = ()
    environment = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="varro-system-")
        cls.data = pathlib.Path(cls.directory) / "data"
        cls.model = Model()
        cls.prepare()
        cls.varro = Varro(cls.data, cls.model, cls.vendor, cls.arguments, cls.environment)
        cls.client = Client(cls.varro)

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        cls.varro.stop()
        cls.model.stop()
        shutil.rmtree(cls.directory, ignore_errors=True)

    @contextlib.contextmanager
    def start(self, **kw):
        """A varro of this test's own, on a fresh data directory unless one is given."""
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            kw.setdefault("data", pathlib.Path(directory) / "data")
            kw.setdefault("model", self.model)
            server = Varro(**kw)
            try:
                yield server
            finally:
                if server.popen.poll() is None:
                    server.stop()


class AccountsTest(SystemTest):
    """A varro with these accounts; each one's password is NAME-password."""

    arguments = ("--auth", "accounts")
    names = ()

    @classmethod
    def prepare(cls):
        cls.data.mkdir(parents=True)
        for name in cls.names:
            added = run_varro("user", "add", name, "--data", str(cls.data), "--password-stdin",
                              stdin=f"{name}-password\n")
            assert added.returncode == 0, added.stderr

    def logged_in(self, name):
        client = Client(self.varro)
        self.assertEqual(client.login(name, f"{name}-password").status, 303)
        return client
