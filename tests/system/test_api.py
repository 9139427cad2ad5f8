"""A program does over /api/v1 what the page does: chats, turns, events, files, searches, and their errors."""

import json
import socket
import unittest

from api_client import API, Program, new_token
from harness import AccountsTest, SystemTest, run_varro

PLOT = "[[python: import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()]][[text: There it is.]]"


class Api(SystemTest):
    """Of one user without a password: nobody has to say who it is."""

    def setUp(self):
        self.program = Program(self.varro)

    def test_a_chat_with_a_plot_is_begun_followed_and_read(self):
        started = self.program.begin("Plot it. " + PLOT)
        self.assertEqual(started["turn"], 1)
        parts, done = self.program.finish(started)
        self.assertEqual(done["status"], "completed")
        self.assertEqual((done["chat_id"], done["run"]), (started["chat"], started["run"]))
        call = next(part for part in parts if part["kind"] == "tool_call")
        self.assertEqual(call["state"], "done")
        image = next(output for output in call["result"]["outputs"] if output["type"] == "image")
        self.assertTrue(self.program.get(image["url"]).body.startswith(b"\x89PNG"))
        self.assertEqual(parts[-1]["text"], "There it is.")
        chat = f"/chats/{started['chat']}"
        shown = self.program.json("GET", chat + "/messages")["parts"]
        self.assertEqual(shown[0]["kind"], "user")
        self.assertEqual([part for part in shown if part["id"] in {each["id"] for each in parts}], parts)
        state = self.program.json("GET", chat)
        self.assertFalse(state["running"])
        self.assertEqual(state["run"], started["run"])
        run = self.program.json("GET", f"{chat}/runs/{started['run']}")
        self.assertEqual(run["status"], "completed")
        self.assertEqual(self.program.json("GET", chat + "/runs")["runs"], [run])

    def test_a_stream_goes_on_where_it_broke_off(self):
        started = self.program.begin("[[python: print(1)]][[then]][[python: print(2)]][[text: two]]")
        whole = self.program.events_of(started)
        shown = [event for event, _ in whole if event.name == "content"]
        for broke_off in shown:
            rest = self.program.events_of(started, last_event_id=broke_off.id)
            self.assertEqual(rest[-1][0].name, "done")
            told = [event.data for event, _ in rest if event.name == "content"]
            # A message that was shown in part is told as a whole again.
            self.assertEqual(told, [event.data for event in shown][len(shown) - len(told):])
            unseen = [event for event in shown if event.id > broke_off.id]
            self.assertGreaterEqual(len(told), len(unseen))
            if broke_off is shown[-1]:
                self.assertEqual(told, [])

    def test_pages_and_programs_follow_the_same_run(self):
        started = self.program.begin("[[delay: 200]][[python: print('seen')]][[text: by both]]")
        with self.client.stream(started["chat"], after=started["seq"]) as page:
            parts, _ = self.program.finish(started)
            blocks = [event for event in page if event.name == "content"]
        self.assertIn("by both", blocks[-1].data)
        self.assertTrue(blocks[-1].data.lstrip().startswith("<"))
        self.assertEqual(parts[-1]["text"], "by both")

    def test_turns_are_edited_asked_again_branched_and_forked(self):
        first = self.program.begin("[[text: one]]")
        self.program.finish(first)
        chat = f"/chats/{first['chat']}"
        second = self.program.json("POST", chat + "/turns", {"message": "[[text: two]]"}, 201)
        self.assertEqual(second["turn"], 2)
        self.program.finish(second)
        edited = self.program.json("POST", chat + "/turns/2/edit", {"message": "[[text: other]]"}, 201)
        parts, _ = self.program.finish(edited)
        self.assertEqual(parts[-1]["text"], "other")
        again = self.program.json("POST", chat + "/turns/0/regenerate", None, 201)
        self.program.finish(again)
        run = self.program.json("GET", f"{chat}/runs/{again['run']}")
        self.assertEqual(run["alternatives"], [second["run"], edited["run"], again["run"]])
        self.program.json("POST", chat + "/branch", {"run": second["run"]}, 204)
        self.assertEqual(self.program.json("GET", chat + "/runs")["runs"][-1]["id"], second["run"])
        fork = self.program.json("POST", chat + "/fork", {"turn": 1}, 201)
        self.assertNotEqual(fork["chat"], first["chat"])
        self.assertEqual(self.program.json("GET", f"/chats/{fork['chat']}/messages")["parts"][-1]["text"], "one")

    def test_a_run_is_stopped(self):
        started = self.program.begin("[[delay: 60000]][[text: never]]")
        chat = f"/chats/{started['chat']}"
        self.assertTrue(self.program.json("GET", chat)["running"])
        self.program.problem("POST", chat + "/turns", 409, {"message": "more"})
        self.program.json("POST", chat + "/cancel", None, 204)
        self.assertEqual(self.program.finish(started)[1]["status"], "cancelled")
        self.program.problem("POST", chat + "/cancel", 409)

    def test_files_go_in_and_out(self):
        chat = self.program.begin("[[text: send me files]]")
        self.program.finish(chat)
        files = f"/chats/{chat['chat']}/files"
        stored = self.program.json("POST", files + "?name=a%20b.csv", status=201, raw=b"x,y\n1,2\n",
                                   headers={"Content-Type": "text/csv"})
        self.assertEqual(stored["files"][0]["name"], "a b.csv")
        form = (b'--b\r\nContent-Disposition: form-data; name="files"; filename="c.txt"\r\n\r\nsee\r\n--b--\r\n')
        self.program.json("POST", files, status=201, raw=form,
                          headers={"Content-Type": "multipart/form-data; boundary=b"})
        listed, pages = self.program.pages(files + "?limit=1", "files")
        self.assertEqual([file["name"] for file in listed], ["a b.csv", "c.txt"])
        self.assertEqual(pages, 2)
        got = self.program.get(listed[0]["url"])
        self.assertEqual((got.status, got.body), (200, b"x,y\n1,2\n"))
        self.program.problem("GET", files + "/none.txt", 404)
        begun = self.program.json("POST", f"/chats/{chat['chat']}/turns", {"message": PLOT}, 201)
        parts, _ = self.program.finish(begun)
        image = next(output["url"] for part in parts if part["kind"] == "tool_call"
                     for output in part["result"]["outputs"] if output["type"] == "image")
        name = image.rpartition("/")[2]  # of an attachment; a file of the workspace may have it as well
        self.program.json("POST", f"{files}?name={name}", status=201, raw=b"another one")
        listed = next(file for file in self.program.json("GET", files)["files"] if file["name"] == name)
        self.assertEqual(self.program.get(listed["url"]).body, b"another one")
        self.assertTrue(self.program.get(image).body.startswith(b"\x89PNG"))
        self.program.problem("POST", files, 422, raw=b"nameless", headers={"Content-Type": "text/plain"})
        with_file = form.replace(b"--b--\r\n", b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\n'
                                 b"[[python: print(open('c.txt').read())]][[text: read]]\r\n--b--\r\n")
        begun = self.program.json("POST", "/chats", status=201, raw=with_file,
                                  headers={"Content-Type": "multipart/form-data; boundary=b"})
        parts, _ = self.program.finish(begun)
        self.assertIn("see", json.dumps(parts))

    def test_chats_are_listed_in_pages_searched_renamed_and_deleted(self):
        with self.start() as server:
            program = Program(server)
            chats = []
            for number in range(5):
                begun = program.begin(f"Chat {number} of needles. [[text: hay]]")
                program.finish(begun)
                chats.append(begun["chat"])
            listed, pages = program.pages("/chats?limit=2", "chats")
            self.assertEqual([chat["id"] for chat in listed], chats[::-1])
            self.assertEqual(pages, 3)
            program.json("PATCH", f"/chats/{chats[0]}", {"title": "The haystack"}, 204)
            self.assertEqual(program.json("GET", f"/chats/{chats[0]}")["title"], "The haystack")
            found = program.json("GET", "/search?q=haystack")
            self.assertEqual([each["chat"]["id"] for each in found["found"]], [chats[0]])
            program.json("DELETE", f"/chats/{chats[0]}", None, 204)
            program.problem("GET", f"/chats/{chats[0]}", 404)
            self.assertEqual(program.json("GET", "/search?q=haystack")["found"], [])

    def test_messages_come_in_pages(self):
        started = self.program.begin("[[python: print(1)]][[then]][[python: print(2)]][[text: two]]")
        self.program.finish(started)
        path = f"/chats/{started['chat']}/messages"
        whole = self.program.json("GET", path)
        self.assertNotIn("next", whole)
        parts, pages = self.program.pages(path + "?limit=1", "parts")
        self.assertEqual(parts, whole["parts"])
        self.assertEqual(pages, len(parts))
        self.program.problem("GET", path + "?cursor=nonsense", 422)
        for limit in ("0", "201", "x", "-1"):
            self.program.problem("GET", f"{path}?limit={limit}", 422)
        self.program.json("GET", f"{path}?limit=200")

    def test_what_has_not_changed_is_not_sent_again(self):
        started = self.program.begin("[[text: still]]")
        self.program.finish(started)
        for path in ("/models", f"/chats/{started['chat']}", "/openapi.json"):
            first = self.program.ask("GET", path)
            self.assertEqual(first.status, 200)
            again = self.program.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(self.program.ask("GET", path, headers={"If-None-Match": '"other"'}).status, 200)
        etag = self.program.ask("GET", f"/chats/{started['chat']}").headers["etag"]
        self.program.json("PATCH", f"/chats/{started['chat']}", {"title": "Moved"}, 204)
        changed = self.program.ask("GET", f"/chats/{started['chat']}", headers={"If-None-Match": etag})
        self.assertEqual(changed.status, 200)

    def test_each_error_is_a_problem(self):
        chat = self.program.begin("[[text: here]]")
        self.program.finish(chat)
        turns = f"/chats/{chat['chat']}/turns"
        program = self.program
        program.problem("POST", "/chats", 400, raw=b"{", headers={"Content-Type": "application/json"})
        program.problem("POST", "/chats", 400, raw=b"[]", headers={"Content-Type": "application/json"})
        program.problem("POST", "/chats", 415, raw=b"message=hi",
                        headers={"Content-Type": "application/x-www-form-urlencoded"})
        program.problem("POST", "/chats", 422, {"message": 7})
        program.problem("POST", "/chats", 422, {"message": "  "})
        program.problem("POST", "/chats", 422, {"message": "hi", "model": "no:such"})
        program.problem("POST", turns, 422, {})
        program.problem("POST", "/chats", 413, {"message": "x" * (12 << 20)})
        program.problem("POST", "/chats/999999/turns", 404, {"message": "hi"})
        program.problem("GET", "/chats/99999999999999999999", 404)
        program.problem("GET", "/nothing", 404)
        program.problem("GET", "/chats/1%ff", 400)
        program.problem("GET", "/" + "x" * 3_000, 414)
        program.problem("GET", "/chats", 421, headers={"Host": "evil.example"})
        program.problem("GET", "/chats", 403, headers={"Sec-Fetch-Site": "cross-site"})
        for method, path in (("PUT", "/chats"), ("OPTIONS", "/chats"), ("QUERY", "/chats"), ("POST", "/models")):
            reply, _ = program.problem(method, path, 405)
            self.assertIn("GET", reply.headers["allow"])
        reply, problem = program.problem("GET", "/chats/999999", 404)
        self.assertRegex(problem["instance"], "^" + API + "/chats/999999#[0-9a-f]{16}$")
        program.problem("HEAD", "/chats/999999", 404)
        self.assertEqual(program.ask("HEAD", "/chats").status, 200)

    def test_what_the_front_refuses_is_a_problem_too(self):
        for head in (b"POST /api/v1/chats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
                     b"GET /api/v1/chats HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.varro.port), 20) as connection:
                connection.sendall(head)
                answer = b""
                while block := connection.recv(65536):
                    answer += block
            self.assertIn(b"\r\nContent-Type: application/problem+json\r\n", answer)
            self.assertGreaterEqual(json.loads(answer.partition(b"\r\n\r\n")[2])["status"], 400)

    def test_the_page_of_the_api_loads_nothing_from_elsewhere(self):
        page = self.client.get("/api")
        self.assertEqual(page.status, 200)
        self.assertIn("/api/v1/chats", page.text)
        self.assertNotIn("http://", page.text)
        self.assertNotIn("https://", page.text)


class Users(AccountsTest):
    names = ("alice", "bob")

    def test_a_token_needs_its_scope_and_no_other_user_is_seen(self):
        alice = Program(self.varro, new_token(self.data, "alice"))
        bob = Program(self.varro, new_token(self.data, "bob"))
        reader = Program(self.varro, new_token(self.data, "alice", "read"))
        started = alice.begin("[[text: mine]]")
        alice.finish(started)
        path = f"/chats/{started['chat']}"
        self.assertEqual(reader.json("GET", path)["id"], started["chat"])
        reply, _ = reader.problem("POST", path + "/turns", 403, {"message": "more"})
        self.assertIn('scope="chat"', reply.headers["www-authenticate"])
        for method, further in (("GET", ""), ("GET", "/messages"), ("GET", "/events"), ("DELETE", ""), ("GET", "/files"),
                                ("POST", "/cancel"), ("GET", "/runs"), ("GET", "/export.json")):
            bob.problem(method, path + further, 404)
        self.assertEqual(bob.json("GET", "/chats")["chats"], [])
        reply, _ = Program(self.varro).problem("GET", "/chats", 401)
        self.assertEqual(reply.headers["www-authenticate"], 'Bearer realm="varro"')
        Program(self.varro, "varro_nonsense").problem("GET", "/chats", 401)
        alice.problem("GET", "/tokens", 403)
        alice.problem("GET", "/admin/people", 403)

    def test_a_browser_session_needs_its_csrf_token_for_changes(self):
        browser = Program(self.varro)
        self.assertEqual(browser.login("alice", "alice-password").status, 303)
        token, browser.csrf = browser.csrf, None
        self.assertEqual(browser.json("GET", "/me"), {"name": "alice", "role": "user", "csrf_token": token})
        browser.problem("POST", "/chats", 403, {"message": "[[text: hi]]"})
        started = browser.json("POST", "/chats", {"message": "[[text: hi]]"}, 201, headers={"X-CSRF-Token": token})
        made = browser.json("POST", "/tokens", {"label": "made here", "scopes": ["read"], "expires": "1d"}, 201,
                            headers={"X-CSRF-Token": token})
        self.assertIn(started["chat"], [chat["id"] for chat in Program(self.varro, made["token"]).json("GET", "/chats")["chats"]])
        self.assertIn(made["id"], [each["id"] for each in browser.json("GET", "/tokens")["tokens"]])
        browser.json("DELETE", f"/tokens/{made['id']}", None, 204, headers={"X-CSRF-Token": token})
        Program(self.varro, made["token"]).problem("GET", "/chats", 401)
        browser.problem("POST", "/tokens", 422, {"label": "x", "scopes": ["all"], "expires": "1d"},
                        headers={"X-CSRF-Token": token})


class Admins(AccountsTest):
    names = ("alice",)

    @classmethod
    def prepare(cls):
        super().prepare()
        made = run_varro("user", "add", "root", "--admin", "--data", str(cls.data), "--password-stdin",
                         stdin="root-password\n")
        assert made.returncode == 0, made.stderr

    def test_an_admin_sees_who_is_there_and_stops_what_is_on(self):
        admin = Program(self.varro, new_token(self.data, "root", "admin"))
        alice = Program(self.varro, new_token(self.data, "alice"))
        people, pages = admin.pages("/admin/people?limit=1", "people")
        self.assertEqual(([one["name"] for one in people], pages), (["alice", "local", "root"], 3))
        started = alice.begin("[[delay: 60000]][[text: never]]")
        run = next(run for run in admin.json("GET", "/admin/live")["runs"] if run["chat"] == started["chat"])
        self.assertEqual(run["name"], "alice")
        admin.problem("POST", "/admin/live/stop", 422, {"what": "all"})
        admin.json("POST", "/admin/live/stop", {"what": "run", "user": run["user"], "chat": run["chat"]}, 204)
        self.assertEqual(alice.finish(started)[1]["status"], "cancelled")
        rows, _ = admin.pages("/admin/audit?limit=2", "rows")
        self.assertIn("work.stopped", [row["action"] for row in rows])
        self.assertEqual([row["id"] for row in rows], sorted({row["id"] for row in rows}, reverse=True))
        self.assertIn("sums", admin.json("GET", "/admin/usage?by=user"))
        self.assertIn("rows", admin.json("GET", "/admin/audit?action=" + "x" * 100))
        for path in ("audit?action=" + "x" * 101, "people?q=" + "x" * 101, "usage?by=week", "usage?since=" + "1" * 101):
            admin.problem("GET", "/admin/" + path, 422)
        admin.problem("GET", "/chats", 403)


class Limited(AccountsTest):
    names = ("alice",)
    environment = {"VARRO_LIMITS_MODEL_REQUESTS_PER_DAY": "5"}

    def test_sends_tell_what_is_left_of_the_limits(self):
        alice = Program(self.varro, new_token(self.data, "alice"))
        reply = alice.ask("POST", "/chats", {"message": "[[text: one]]"})
        self.assertEqual(reply.status, 201, reply.text)
        self.assertEqual(reply.headers["ratelimit-policy"], '"model_requests_per_day";q=5;w=86400')
        self.assertRegex(reply.headers["ratelimit"], r'^"model_requests_per_day";r=[45];t=\d+$')
        alice.finish(json.loads(reply.text))
        usage = alice.json("GET", "/usage")["limits"]
        self.assertEqual([(one["name"], one["limit"], one["used"]) for one in usage], [("model_requests_per_day", 5, 1)])


if __name__ == "__main__":
    unittest.main()
