"""A program that uses /api/v1: JSON in, JSON out, a token instead of a cookie."""

import contextlib
import json

from harness import Client, Stream, run_varro

API = "/api/v1"


def new_token(data, user, scopes="chat"):
    made = run_varro("token", "create", "a script", "--user", user, "--scope", scopes, "--data", str(data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class Program(Client):
    """`token` None: of a server without accounts."""

    def __init__(self, server, token=None):
        super().__init__(server, {"Authorization": f"Bearer {token}"} if token else None)

    def ask(self, method, path, body=None, headers=None, raw=None):
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        return self.request(method, path if path.startswith("/api") else API + path, body=raw, headers=headers)

    def json(self, method, path, body=None, status=200, **kw):
        """The answer's value; the status has to be this one."""
        reply = self.ask(method, path, body, **kw)
        assert reply.status == status, (method, path, reply.status, reply.text)
        if status == 204:
            assert not reply.body, reply.text
            return None
        assert reply.headers["content-type"] == "application/json", reply.headers
        return json.loads(reply.text)

    def problem(self, method, path, status, body=None, **kw):
        """The problem's details, as RFC 9457 has them."""
        reply = self.ask(method, path, body, **kw)
        assert reply.status == status, (method, path, reply.status, reply.text)
        assert reply.headers["content-type"] == "application/problem+json", (path, reply.headers)
        if method == "HEAD":
            return reply, None
        problem = json.loads(reply.text)
        assert problem["status"] == status and problem["type"] == "about:blank", problem
        assert problem["title"] and problem["detail"], problem
        # It names this occurrence: by the path, and by what the log calls the request.
        assert problem["instance"].endswith("#" + reply.headers["x-request-id"]), (problem, reply.headers)
        return reply, problem

    def begin(self, message, **fields):
        return self.json("POST", "/chats", {"message": message, **fields}, 201)

    @contextlib.contextmanager
    def watch(self, address, last_event_id=None):
        headers = dict(self.headers)
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request("GET", address, headers=headers)
            with connection.getresponse() as response:
                yield Stream(response)

    def events_of(self, started, **kw):
        with self.watch(started["events"], **kw) as stream:
            assert stream.status == 200 and stream.content_type == "text/event-stream", stream.content_type
            return [(event, json.loads(event.data)) for event in stream]

    def finish(self, started):
        """Follows the run to its end: its parts as they are then, and how it ended."""
        events = self.events_of(started)
        assert events[-1][0].name == "done", events
        parts = {}
        for event, value in events:
            if event.name == "content":
                parts[value["id"]] = value
        return list(parts.values()), events[-1][1]

    def pages(self, path, name):
        """All entries of a list, and of how many pages."""
        entries, pages, cursor = [], 0, None
        while pages < 1_000:
            mark = "&" if "?" in path else "?"
            page = self.json("GET", path + (f"{mark}cursor={cursor}" if cursor else ""))
            entries += page[name]
            pages += 1
            cursor = page.get("next")
            if cursor is None:
                return entries, pages
        raise AssertionError("the pages do not end")
