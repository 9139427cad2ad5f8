"""Lines of the log and ids of requests: an answer, its error page and its line have the same id, and no line tells words."""

import json
import re
import socket
import unittest

from cells import Chat, until
from harness import WAIT_SECONDS, AccountsTest, Client, SystemTest

ID = re.compile(r"^[0-9a-f]{16}$")


class Ids(SystemTest):
    def test_every_answer_has_an_id_of_its_own_and_an_error_page_shows_it(self):
        ids = [self.client.get(path).headers["x-request-id"] for path in ("/", "/healthz", "/assets/app.css", "/healthz")]
        for each in ids:
            self.assertRegex(each, ID)
        self.assertEqual(len(set(ids)), len(ids))
        for reply in (self.client.get("/no/such/page"), self.client.get("/chat/99999"),
                      self.client.get("/", headers={"Host": "elsewhere.example"})):
            self.assertGreaterEqual(reply.status, 400)
            self.assertIn(f"Request {reply.headers['x-request-id']}", reply.text)

    def test_a_stream_has_an_id_too(self):
        chat = Chat(self.client)
        chat.run("print(1)")
        ids = [self.client.get(path).headers["x-request-id"]
               for path in (f"/chat/stream/{chat.chat_id}", f"/api/v1/chats/{chat.chat_id}/events")]
        for each in ids:
            self.assertRegex(each, ID)
        self.assertNotEqual(*ids)

    def test_what_is_no_request_has_an_id_too(self):
        with socket.create_connection(("127.0.0.1", self.varro.port), WAIT_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/9.9\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        self.assertRegex(answer, r"^HTTP/1.1 505 ")
        said = re.search(r"\r\nX-Request-Id: ([0-9a-f]{16})\r\n", answer)
        self.assertIn(f"Request {said[1]}", answer)

    def test_what_a_client_calls_its_request_is_not_taken(self):
        self.assertRegex(self.client.get("/", headers={"X-Request-Id": "mine"}).headers["x-request-id"], ID)

    def test_what_a_trusted_proxy_calls_it_is_if_it_is_sane(self):
        with self.start(env={"VARRO_SERVER_TRUSTED_PROXIES": "127.0.0.1"}) as server:
            client = Client(server)
            self.assertEqual(client.get("/", headers={"X-Request-Id": "proxy-1.a"}).headers["x-request-id"], "proxy-1.a")
            for bad in ("a b", "x" * 65, "<b>"):
                self.assertRegex(client.get("/", headers={"X-Request-Id": bad}).headers["x-request-id"], ID)


class Lines(AccountsTest):
    names = ("ada",)
    environment = {"VARRO_LOG_FORMAT": "json", "VARRO_LOG_REQUESTS": "true"}

    def lines(self):
        return [json.loads(line) for line in self.varro.errors().splitlines()]

    def line_of(self, holds, what):
        until(lambda: any(holds(line) for line in self.lines()), what)
        return next(line for line in self.lines() if holds(line))

    def test_each_event_is_a_line_that_says_whose_it_is_and_none_tells_words(self):
        client = self.logged_in("ada")
        chat = Chat(client)
        chat.run("print('pomegranate')")
        answered = client.get(f"/chats?q=pomegranate-{chat.chat_id}")
        files = client.get(f"/chat/{chat.chat_id}/files")
        line = self.line_of(lambda line: line.get("request") == files.headers["x-request-id"], "the line of a request")
        self.assertEqual((line["msg"], line["chat"], line["status"]), ("GET /chat/{chat}/files", chat.chat_id, "200"))
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        user = line["user"]
        searched = self.line_of(lambda line: line.get("request") == answered.headers["x-request-id"], "the search's line")
        self.assertEqual((searched["msg"], searched["user"]), ("GET /chats", user))
        for what in ("a run begins", "a run ends"):
            run = self.line_of(lambda line, what=what: line["msg"] == what, what)
            self.assertEqual((run["user"], run["chat"]), (user, chat.chat_id))
            self.assertGreater(run["run"], 0)
        ended = self.line_of(lambda line: line["msg"] == "a run ends", "the end")
        self.assertEqual((ended["status"], ended["model_requests"]), ("completed", "2"))
        told = self.varro.errors()
        for secret in ("pomegranate", "ada-password", client.cookies["varro_session"], client.csrf, "sk-test"):
            self.assertNotIn(secret, told)

    def test_an_address_that_holds_a_secret_or_is_not_there_is_not_told(self):
        client = Client(self.varro)
        for path in ("/join/a-secret-link", "/no/such/secret-page"):
            reply = client.get(path)
            line = self.line_of(lambda line: line.get("request") == reply.headers["x-request-id"], path)
            self.assertNotIn("user", line)
        self.assertNotIn("secret", self.varro.errors())


class Logfmt(SystemTest):
    environment = {"VARRO_LOG_FORMAT": "logfmt"}

    def test_lines_are_names_and_values(self):
        Chat(self.client).run("print(1)")
        until(lambda: "a run ends" in self.varro.errors(), "the end of the run in the log")
        pair = r'[a-z_]+=(?:[^\s"=]+|"(?:[^"\\]|\\.)*")'
        for line in self.varro.errors().splitlines():
            self.assertRegex(line, rf"^time=\S+ level=(error|warning|info) msg=.*$")
            self.assertRegex(line, rf"^{pair}( {pair})*$")

    def test_requests_are_not_told_unless_asked_for(self):
        self.client.get("/healthz")
        Chat(self.client).run("print(2)")
        until(lambda: "a run ends" in self.varro.errors(), "the end of the run in the log")
        self.assertNotIn("GET ", self.varro.errors())


if __name__ == "__main__":
    unittest.main()
