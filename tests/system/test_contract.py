"""Every status code of the HTTP contract, and requests that are not HTTP."""

import socket
import unittest

from harness import Client, SystemTest, contents


class StatusCodes(SystemTest):
    def raw(self, request):
        with socket.create_connection(("127.0.0.1", self.varro.port), timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer

    def test_pages(self):
        self.assertEqual(self.client.get("/").status, 200)
        reply, _ = self.client.turn("[[text: hi]]")
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}").status, 200)
        self.assertEqual(self.client.get("/chat/999999").status, 404)
        self.assertEqual(self.client.get("/nowhere").status, 404)
        self.assertEqual(self.client.get("/healthz").status, 200)
        self.assertEqual(self.client.get("/readyz").status, 200)
        metrics = self.client.get("/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertIn("# TYPE", metrics.text)

    def test_send(self):
        self.assertEqual(self.client.send("").status, 422)
        self.assertEqual(self.client.send(" \n\t ").status, 422)
        self.assertEqual(self.client.send("[[text: hi]]", chat_id=999999).status, 404)
        self.assertEqual(self.client.send("x" * ((1 << 20) + 1)).status, 413)
        self.assertEqual(self.client.send("hi", model="nobody:nothing").status, 422)
        held = self.client.send("[[hold]][[text: later]]")
        self.assertEqual(held.status, 200)
        again = self.client.send("[[text: second]]", chat_id=held.chat_id)
        self.assertEqual(again.status, 409)
        self.assertEqual(self.client.post(f"/chat/{held.chat_id}/cancel").status, 204)
        self.client.events(held.chat_id)
        self.assertEqual(self.client.post(f"/chat/{held.chat_id}/cancel").status, 409)
        self.assertEqual(self.client.post("/chat/999999/cancel").status, 404)
        self.assertEqual(self.client.send("[[text: second]]", chat_id=held.chat_id).status, 200)

    def test_a_new_chat_is_titled_by_its_first_30_characters(self):
        reply, _ = self.client.turn("A question that is quite a bit longer than that [[text: hi]]")
        self.assertIn("A question that is quite a bit", self.client.get("/chats").text)

    def test_streams(self):
        with self.client.stream(999999) as stream:
            self.assertEqual(stream.status, 404)
        reply, _ = self.client.turn("[[text: hi]]")
        with self.client.stream(reply.chat_id) as stream:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.content_type.startswith("text/event-stream"))
            self.assertEqual([e.name for e in stream], ["content", "done"])

    def test_history_list_rename_and_delete(self):
        reply, _ = self.client.turn("[[text: findable words]] needle-in-the-haystack")
        listed = self.client.get("/chats?q=needle-in-the")
        self.assertEqual(listed.status, 200)
        self.assertIn(f"/chat/{reply.chat_id}", listed.text)
        renamed = self.client.request("PATCH", f"/chat/{reply.chat_id}", form={"title": "A <new> name"})
        self.assertEqual(renamed.status, 204)
        self.assertIn("A &lt;new&gt; name", self.client.get(f"/chat/{reply.chat_id}").text)
        self.assertEqual(self.client.request("PATCH", "/chat/999999", form={"title": "x"}).status, 404)
        self.assertEqual(self.client.request("DELETE", f"/chat/{reply.chat_id}").status, 204)
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}").status, 404)
        self.assertEqual(self.client.request("DELETE", f"/chat/{reply.chat_id}").status, 404)
        self.assertFalse((self.data / "workspaces" / str(reply.chat_id)).exists())

    def test_files_go_into_the_workspace_and_come_back(self):
        reply, _ = self.client.turn("[[text: hi]]")
        body = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="data.csv"\r\n'
                b"Content-Type: text/csv\r\n\r\na,b\n1,2\n\r\n--b--\r\n")
        up = self.client.request("POST", f"/chat/{reply.chat_id}/files", body=body,
                                 headers={"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(up.status, 201)
        down = self.client.get(f"/chat/{reply.chat_id}/files/data.csv")
        self.assertEqual((down.status, down.body), (200, b"a,b\n1,2\n"))
        _, events = self.client.turn("[[python: print(open('/workspace/data.csv').read())]]", reply.chat_id)
        self.assertIn("1,2", contents(events)[1].data)
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}/files/none.csv").status, 404)
        for attack in ("../varro.db", "..%2f..%2fvarro.db", "%2e%2e/varro.db", "/etc/passwd"):
            self.assertIn(self.client.get(f"/chat/{reply.chat_id}/files/{attack}").status, (400, 404), attack)

    def test_a_first_message_can_carry_a_file(self):
        body = b"".join(b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part for part in (
            (b"message", b"", b"[[python: print(open('first.txt').read())]]"),
            (b"files", b'; filename="first.txt"', b"uploaded first"))) + b"--b--\r\n"
        reply = self.client.request("POST", "/chat/send", body=body,
                                    headers={"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(reply.status, 200)
        events = self.client.events(reply.chat_id, after=reply.after)
        self.assertIn("uploaded first", contents(events)[1].data)

    def test_a_link_out_of_the_workspace_is_not_followed(self):
        reply, _ = self.client.turn("[[python: import os\nos.symlink('/etc/passwd', 'link')\nopen('own', 'w').write('x')]]")
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}/files/link").status, 404)
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}/files/own").body, b"x")

    def test_exports(self):
        reply, _ = self.client.turn("[[python: print('exported')]]")
        for kind in ("ipynb", "md", "json"):
            exported = self.client.get(f"/chat/{reply.chat_id}/export.{kind}")
            self.assertEqual(exported.status, 200)
            self.assertIn("exported", exported.text)
        self.assertEqual(self.client.get("/chat/999999/export.json").status, 404)

    def test_edit_and_regenerate_replace_the_turn(self):
        reply, _ = self.client.turn("An untitled question, asked first of all [[text: first answer]]")
        edited = self.client.post(f"/chat/{reply.chat_id}/edit", {"turn": 1, "message": "[[text: better answer]]"})
        self.assertEqual(edited.status, 200)
        self.client.events(reply.chat_id)
        page = self.client.get(f"/chat/{reply.chat_id}").text
        self.assertIn("better answer", page)
        self.assertNotIn("first answer", page)
        self.assertEqual(self.client.post(f"/chat/{reply.chat_id}/regenerate").status, 200)
        self.client.events(reply.chat_id)
        self.assertEqual(self.client.get(f"/chat/{reply.chat_id}").text.count('data-block="text"'), 1)

    def test_wrong_methods_and_malformed_requests(self):
        self.assertEqual(self.client.get("/chat/send").status, 405)
        for request in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"GET\r\n\r\n",
                        b"POST /chat/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                        b"POST /chat/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                        b"GET / HTTP/1.1\r\n\r\n", b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            answer = self.raw(request)
            self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 505")),
                            (request, answer[:80]))
        huge = self.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (64 << 10) + b"\r\n\r\n")
        self.assertIn(b" 431 ", huge.split(b"\r\n")[0])
        self.assertEqual(self.client.get("/healthz").status, 200)

    def test_another_site_cannot_reach_a_local_varro(self):
        self.assertIn(self.client.get("/", headers={"Host": "evil.example"}).status, (400, 403, 421))
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            reply = self.client.post("/chat/send", {"message": "[[text: hi]]"}, headers=headers)
            self.assertEqual(reply.status, 403, headers)
        own = {"Origin": f"http://127.0.0.1:{self.varro.port}", "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.client.post("/chat/send", {"message": "[[text: hi]]"}, headers=own).status, 200)

    def test_security_headers(self):
        headers = self.client.get("/").headers
        self.assertIn("script-src 'self'", headers["content-security-policy"])
        self.assertNotIn("unsafe-inline", headers["content-security-policy"])
        self.assertEqual(headers["x-content-type-options"], "nosniff")


if __name__ == "__main__":
    unittest.main(verbosity=2)
