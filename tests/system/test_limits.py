"""Limits of users hold while runs are on: beside each other, and over kills of the server."""

import concurrent.futures
import http.client
import sqlite3
import threading
import unittest

from cells import Chat, until
from harness import WAIT_SECONDS, AccountsTest, Client, contents, run_varro
from limit_world import INPUT, MODEL, OUTPUT, PRICES, OwnServer, limit

RUNS = 50
KILLS = 2


def error_text(events):
    (block,) = [each for each in contents(events) if each.block.kind == "error"]
    return block.data


class Parallel(OwnServer):
    """Many runs of one user share what the user may use."""

    def billed(self):
        """What the vendor has billed: requests that it has begun to answer."""
        return [bill for bill in self.model.control("GET", "/__billed") if bill["told"] != "refused"]

    def runs_on(self):
        return self.number("SELECT count(*) FROM runs WHERE status = 'running'")

    def send_all(self, server, count):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            replies = list(pool.map(lambda _: Client(server).send("An endless turn."), range(count)))
        self.assertEqual({reply.status for reply in replies}, {200})
        return [reply.chat_id for reply in replies]

    def follow(self, server, chats):
        """The texts of the blocks that ended the turns of these chats."""
        with concurrent.futures.ThreadPoolExecutor(len(chats)) as pool:
            list(pool.map(lambda chat: Client(server).events(chat), chats))
        return [Client(server).get(f"/chat/{chat}").text for chat in chats]

    def test_parallel_runs_pass_a_limit_of_tokens_by_one_request_each_at_most_over_kills_too(self):
        each = INPUT + OUTPUT
        most = 6 * RUNS * each
        server = self.start(PRICES + f"[limits]\ntokens_per_day = {most}\ncontact = 'it@example.org'\n")
        chats = self.send_all(server, RUNS)
        for kill in range(KILLS):
            # What a kill cut off is noted by an estimate, which may be more than was billed: the limit may come first.
            until(lambda: len(self.billed()) >= 2 * RUNS * (kill + 1) or not self.runs_on(), "requests are made")
            server.kill()
            server = self.start(PRICES + f"[limits]\ntokens_per_day = {most}\ncontact = 'it@example.org'\n")
        pages = self.follow(server, chats)
        for page in pages:
            self.assertIn(f"of {most} tokens of today are used (tokens_per_day)", page)
            self.assertIn("at 00:00 UTC. For more before that, ask it@example.org.", page)
            self.assertIn('data-status="limit"', page)
        billed = sum(bill["input"] + bill["output"] for bill in self.billed())
        # A request that a kill cut off is billed, and in the ledger as lost: it counts like any other.
        self.assertLessEqual(billed, most + RUNS * each)
        with sqlite3.connect(self.data / "varro.db") as database:
            (noted,) = database.execute("SELECT sum(tokens) FROM usage_days").fetchone()
            (rows,) = database.execute("SELECT sum(input_tokens + output_tokens + cache_read_tokens +"
                                       " cache_write_5m_tokens + cache_write_1h_tokens) FROM usage").fetchone()
        self.assertEqual(noted, rows)
        self.assertGreaterEqual(noted, most)

    def test_parallel_runs_pass_a_limit_of_money_by_one_request_each_at_most(self):
        server = self.start(PRICES + f"[limits]\nmoney_per_month = {2 * RUNS}\n")
        pages = self.follow(server, self.send_all(server, RUNS))
        for page in pages:
            self.assertIn(f"of {2 * RUNS}.00 EUR of this month are used (money_per_month)", page)
        billed = len(self.billed())
        self.assertGreaterEqual(billed, 2 * RUNS)
        self.assertLessEqual(billed, 3 * RUNS)

    def test_one_run_makes_exactly_as_many_requests_as_the_limit_says(self):
        for requests, expected in ((4, 4), (5, 5), (6, 6)):
            with self.subTest(requests=requests):
                self.setUp()
                server = self.start(PRICES + f"[limits]\nmodel_requests_per_day = {requests}\n")
                _, events = Client(server).turn("An endless turn.")
                self.assertIn(f"{requests} of {requests} model requests of today", error_text(events))
                self.assertEqual(len(self.billed()), expected)

    def test_the_edge_of_a_limit_of_tokens(self):
        each = INPUT + OUTPUT
        for most, requests in ((2 * each - 1, 2), (2 * each, 2), (2 * each + 1, 3)):
            with self.subTest(most=most):
                self.setUp()
                server = self.start(PRICES + f"[limits]\ntokens_per_day = {most}\n")
                _, events = Client(server).turn("An endless turn.")
                self.assertIn("tokens of today", error_text(events))
                self.assertEqual(len(self.billed()), requests)

    def test_a_limit_that_is_raised_lets_the_chat_go_on_and_one_that_is_set_ends_a_run_that_is_on(self):
        server = self.start(PRICES + "[limits]\nmodel_requests_per_day = 1\n")
        client = Client(server)
        reply, events = client.turn("A short turn.")
        self.assertNotIn("error", [each.block.kind for each in contents(events)])
        _, events = client.turn("Another short one.", reply.chat_id)
        self.assertIn("1 of 1 model requests", error_text(events))
        page = client.get("/").text
        self.assertIn("Limit reached: 1 of 1 model requests of today", page)
        limit(self.data, "set", "--everybody", "model_requests_per_day", "0")

        def goes_on():
            events = client.turn("A short turn.", reply.chat_id)[1]
            return "error" not in [each.block.kind for each in contents(events)]

        until(goes_on, "the limit is gone")
        self.assertNotIn("Limit reached", client.get("/").text)
        on = client.send("An endless turn.")
        limit(self.data, "set", "--user", "local", "tokens_per_day", "1")
        client.events(on.chat_id, after=on.after)
        self.assertIn("of 1 tokens of today are used", client.get(f"/chat/{on.chat_id}").text)
        self.assertIn("user local\ttokens_per_day\t1", limit(self.data, "list"))

    def test_processor_time_of_cells_is_limited_before_each_cell(self):
        server = self.start("[limits]\ncell_cpu_seconds_per_day = 1\n")
        burn = "[[python: import time\nwhile time.process_time() < 1.5: pass]]"
        _, events = Client(server).turn("First. " + burn + " [[python: print('never')]]")
        self.assertIn("of 1 seconds of processor time", error_text(events))
        shown = "".join(each.data for each in contents(events))
        self.assertIn("Not run. Limit reached", shown)


class Uploads(OwnServer):
    """Bytes that are uploaded in a day count before they are stored, and over kills."""

    MOST, EACH = 100_000, 20_000
    COUNTED = "SELECT sum(upload_bytes) FROM usage_days"

    def settings(self):
        return f"[limits]\nupload_bytes_per_day = {self.MOST}\ncontact = 'it@example.org'\n"

    def begin(self, server):
        reply, _ = Client(server).turn("A short turn.")
        return Chat(Client(server), reply.chat_id)

    def stored_bytes(self, chat):
        return sum(file.stat().st_size for file in (self.data / "workspaces" / str(chat.chat_id)).glob("*"))

    def assert_refused(self, reply):
        self.assertEqual(reply.status, 413, reply.text)
        self.assertIn("Limit reached: 97.7 KiB of 97.7 KiB for uploads of today are used (upload_bytes_per_day), and "
                      "these files have ", reply.text)
        self.assertIn("at 00:00 UTC. For more before that, ask it@example.org.", reply.text)

    def test_uploads_side_by_side_use_a_day_up_to_its_last_byte_over_a_kill_and_go_on_when_it_is_raised(self):
        server = self.start(self.settings())
        chat = self.begin(server)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(lambda n: Chat(Client(server), chat.chat_id).upload(f"{n}.bin", b"x" * self.EACH),
                                    range(10)))
        self.assertEqual(sorted(reply.status for reply in replies), [201] * 5 + [413] * 5)
        self.assertEqual(self.stored_bytes(chat), self.MOST)
        self.assert_refused(chat.upload("more.bin", b"x"))
        self.assertEqual(chat.upload("empty.bin", b"").status, 201)
        server.kill()
        server = self.start(self.settings())
        client = Client(server)
        chat = Chat(client, chat.chat_id)
        self.assert_refused(chat.upload("more.bin", b"x"))
        message = (b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nA short turn.\r\n'
                   b'--b\r\nContent-Disposition: form-data; name="file"; filename="m.bin"\r\n\r\nx\r\n--b--\r\n')
        chats = self.number("SELECT count(*) FROM chats")
        self.assert_refused(client.request("POST", "/chat/send", body=message,
                                           headers={"Content-Type": "multipart/form-data; boundary=b"}))
        self.assertEqual(self.number("SELECT count(*) FROM chats"), chats)
        self.assertEqual(self.number(self.COUNTED), self.MOST)
        # It is a limit of files only.
        self.assertNotIn("error", [each.block.kind for each in contents(client.turn("A short turn.")[1])])
        self.assertIn("Limit reached: 97.7 KiB of 97.7 KiB", client.get("/").text)
        limit(self.data, "set", "--user", "local", "upload_bytes_per_day", str(self.MOST + 3))
        until(lambda: chat.upload("three.bin", b"xxx").status == 201, "the limit is raised")
        self.assertEqual(chat.upload("more.bin", b"x").status, 413)
        limit(self.data, "clear", "--user", "local", "upload_bytes_per_day")
        limit(self.data, "set", "--everybody", "upload_bytes_per_day", "0")
        until(lambda: chat.upload("more.bin", b"x").status == 201, "the limit is gone")

    def test_what_is_stored_when_the_server_is_killed_has_been_counted(self):
        for _ in range(KILLS):
            server = self.start("")
            chat = self.begin(server)
            before = self.number(self.COUNTED) or 0
            acknowledged, over = [], threading.Event()

            def upload(worker):
                uploading = Chat(Client(server), chat.chat_id)
                for n in range(1_000_000):
                    try:
                        reply = uploading.upload(f"{worker}-{n}.bin", b"x" * 1_000)
                    except (OSError, http.client.HTTPException):
                        return
                    if over.is_set() or reply.status != 201:
                        return
                    acknowledged.append(n)

            threads = [threading.Thread(target=upload, args=(worker,), daemon=True) for worker in range(4)]
            for thread in threads:
                thread.start()
            until(lambda: len(acknowledged) >= 40, "files are uploaded")
            server.kill()
            over.set()
            for thread in threads:
                thread.join(WAIT_SECONDS)
            server = self.start("")
            counted = self.number(self.COUNTED) - before
            self.assertGreaterEqual(self.stored_bytes(chat), 1_000 * len(acknowledged))
            self.assertGreaterEqual(counted, self.stored_bytes(chat))
            self.assertLessEqual(counted, self.stored_bytes(chat) + 4 * 1_000)
            server.stop()


class Disk(OwnServer):
    """What all chats of a user take on the disk: files, snapshots of variables, earlier files and messages."""

    MIB = 1 << 20
    SETTINGS = "[limits]\ncontact = 'it@example.org'\n"
    TEXT = (r"Limit reached: [\d.]+ MiB of [\d.]+ MiB of the disk are used \(disk_bytes\), [\d.]+ MiB by files, [\d.]+ MiB "
            r"by snapshots of variables, [\d.]+ MiB by earlier files and [\d.]+ \w+ by messages")
    PARTS = ("workspace_bytes", "snapshot_bytes", "versions_bytes", "history_bytes")

    def size(self, *parts):
        return self.number("SELECT " + " + ".join(f"coalesce(sum({part}), 0)" for part in parts or self.PARTS)
                           + " FROM chats")

    def set_limit(self, most):
        limit(self.data, "set", "--user", "local", "disk_bytes", str(most))

    def assert_refused(self, chat, client):
        cell = chat.run("print('never')")
        self.assertIn("Not run. Limit reached: ", cell.html)
        self.assertRegex(cell.html, self.TEXT + r"\. Delete chats that you do not need, or files of other chats, or ask "
                                                r"it@example.org\.")
        self.assertNotIn("never", cell.stdout)
        refused = chat.upload("more.bin", b"x" * 1_000)
        self.assertEqual(refused.status, 413, refused.text)
        self.assertRegex(refused.text, self.TEXT + r", and this would take 1000 bytes more\. Delete files or chats")
        fork = client.post(f"/chat/{chat.chat_id}/fork", {"turn": "1"})
        self.assertEqual(fork.status, 413, fork.text)
        self.assertRegex(fork.text, self.TEXT)

    def test_cells_uploads_and_forks_end_at_the_limit_of_the_disk_over_a_kill_and_deleting_frees_it(self):
        server = self.start(self.SETTINGS)
        client = Client(server)
        chat = Chat(client)
        chat.run(f"import os\nkept = os.urandom({5 * self.MIB})\nopen('a.bin', 'wb').write(os.urandom({6 * self.MIB}))")
        chat.run("print('its files are kept before this one')")
        for part, least in (("workspace_bytes", 6), ("snapshot_bytes", 5), ("versions_bytes", 6)):
            until(lambda: self.size(part) >= least * self.MIB, part)
        # What is beside the chat's own files reaches the limit.
        self.set_limit(self.size("snapshot_bytes", "versions_bytes") - self.MIB)  # a snapshot written anew may be smaller
        until(lambda: "Not run. Limit reached" in chat.run("1").html, "the limit is in force")
        self.assert_refused(chat, client)
        self.assertRegex(client.get("/").text, self.TEXT)
        server.kill()
        server = self.start(self.SETTINGS)
        client = Client(server)
        chat = Chat(client, chat.chat_id)
        self.assert_refused(chat, client)
        # A message without a cell is none of it.
        self.assertNotIn("error", [each.block.kind for each in contents(client.turn("A short turn.")[1])])
        self.set_limit(0)
        until(lambda: chat.upload("small.bin", b"x").status == 201, "there is no limit")
        forked = client.post(f"/chat/{chat.chat_id}/fork", {"turn": "1"})
        self.assertEqual(forked.status, 303, forked.text)
        fork = Chat(client, int(forked.headers["location"].rsplit("/", 1)[1]))
        until(lambda: self.number(f"SELECT workspace_bytes FROM chats WHERE id = {fork.chat_id}") >= 6 * self.MIB,
              "the files of a fork count before it has a shell")
        self.assertGreater(self.number(f"SELECT snapshot_bytes FROM chats WHERE id = {fork.chat_id}"), 0)
        self.assertEqual(fork.delete(), 204)
        self.set_limit(1)
        until(lambda: chat.upload("small.bin", b"x").status == 413, "there is a limit again")
        self.assertEqual(chat.delete(), 204)
        until(lambda: self.size("workspace_bytes", "snapshot_bytes", "versions_bytes") == 0, "its files count no more")

    def test_a_cell_that_passes_the_limit_is_stopped_and_the_next_one_may_delete(self):
        server = self.start(self.SETTINGS)
        chat = Chat(Client(server))
        chat.run(f"open('a.bin', 'wb').write(bytes({2 * self.MIB}))")
        until(lambda: self.size("workspace_bytes") >= 2 * self.MIB, "its files are measured")
        self.set_limit(1)
        until(lambda: chat.upload("small.bin", b"x").status == 413, "there is a limit")
        self.set_limit(self.size() + 8 * self.MIB)
        until(lambda: chat.upload("small.bin", b"x").status == 201, "it is raised")
        chat.run("1")  # its shell has learned what is left
        cell = chat.run(f"i = 0\nwhile True:\n    open(f'b{{i}}', 'wb').write(bytes({self.MIB}))\n    i += 1")
        self.assertIn("(disk_bytes)", cell.html)
        self.assertIn("The workspace is over its quota, and the cell was stopped", cell.html)
        written = sum(file.stat().st_size for file in (self.data / "workspaces" / str(chat.chat_id)).iterdir())
        self.assertLess(written, 40 * self.MIB)
        cell = chat.run("import os\nfor name in os.listdir('.'): os.remove(name)\nprint('deleted', 6 * 7)")
        self.assertEqual(cell.stdout.strip(), "deleted 42", cell)


class Groups(AccountsTest):
    names = ("anna", "ben", "carl", "dora", "emil")

    @classmethod
    def prepare(cls):
        super().prepare()
        for group, name in (("analysts", "anna"), ("collectors", "dora")):
            added = run_varro("group", "add", group, name, "--data", str(cls.data))
            assert added.returncode == 0, added.stderr
        limit(cls.data, "set", "--group", "analysts", "model_requests_per_day", "1")
        limit(cls.data, "set", "--user", "ben", "models", "openai:*")
        limit(cls.data, "set", "--user", "carl", "chats", "1")
        limit(cls.data, "set", "--everybody", "upload_bytes_per_day", "1")
        limit(cls.data, "set", "--group", "collectors", "upload_bytes_per_day", "1000")

    def test_a_limit_of_a_group_holds_for_its_members_alone(self):
        anna, carl = self.logged_in("anna"), self.logged_in("carl")
        reply, _ = anna.turn("One. [[text: Yes.]]")
        _, events = anna.turn("Two. [[text: No.]]", reply.chat_id)
        self.assertIn("1 of 1 model requests", error_text(events))
        reply, _ = carl.turn("One. [[text: Yes.]]")
        for _ in range(3):
            _, events = carl.turn("Another. [[text: Yes.]]", reply.chat_id)
            self.assertNotIn("error", [each.block.kind for each in contents(events)])
        self.assertNotIn("Limit reached", carl.get("/").text)
        refused = carl.send("A second chat. [[text: No.]]")
        self.assertEqual(refused.status, 403)
        self.assertIn("You have 1 chats, and may have 1", refused.text)
        self.assertEqual(carl.post(f"/chat/{reply.chat_id}/fork", {"turn": 1}).status, 403)

    def test_the_bytes_of_one_user_are_not_anothers(self):
        dora, emil = self.logged_in("dora"), self.logged_in("emil")
        chats = [Chat(client, client.turn("One. [[text: Yes.]]")[0].chat_id) for client in (dora, emil)]
        self.assertEqual(chats[0].upload("a.bin", b"x" * 1_000).status, 201)
        self.assertEqual(chats[0].upload("b.bin", b"x").status, 413)
        self.assertEqual(chats[1].upload("a.bin", b"xx").status, 413)
        self.assertEqual(chats[1].upload("b.bin", b"x").status, 201)

    def test_models_that_a_user_may_not_use_are_not_offered_and_refused(self):
        ben = self.logged_in("ben")
        self.assertNotIn(MODEL, ben.get("/").text)
        refused = ben.send("Hello.", model=MODEL)
        self.assertEqual(refused.status, 403)
        self.assertIn(f"The model {MODEL} is not among those that you may use", refused.text)
        self.assertIn(MODEL, self.logged_in("anna").get("/").text)


if __name__ == "__main__":
    unittest.main()
