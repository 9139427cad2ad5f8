"""SIGHUP reloads the configuration: what it changes holds at once, a wrong file changes nothing, and nothing is dropped."""

import html
import json
import os
import pathlib
import re
import shutil
import signal
import threading
import unittest

from cells import RunningCell, until
from harness import Client, Varro, contents, run_varro
from limit_world import MODEL, PRICES, OwnServer

RELOADED = "the configuration is reloaded, with changes of "
REFUSED = "the configuration is not reloaded, and the one before stays in force: "


class Reloading(OwnServer):
    def setUp(self):
        super().setUp()
        self.server = self.start("")
        self.client = Client(self.server)
        self.file = self.data / "varro.toml"

    def lines(self):
        return self.server.errors().splitlines()

    def hang_up(self, says):
        """SIGHUP, and the line of the log that tells what became of it."""
        before = len(self.lines())
        self.server.popen.send_signal(signal.SIGHUP)
        until(lambda: any(says in line for line in self.lines()[before:]), says)
        return next(line for line in self.lines()[before:] if says in line)

    def reload(self, text, says=RELOADED):
        self.file.write_text(text)
        return self.hang_up(says)

    def shown(self, key):
        """Value, origin, and what changes it, as /admin/configuration says."""
        page = self.client.get("/admin/configuration").text
        row = re.search(rf"<tr><th[^>]*><code>{re.escape(key)}</code></th>(.*?)</tr>", page, re.DOTALL)
        return [html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row[1], re.DOTALL)]


class Right(Reloading):
    def test_a_limit_holds_for_the_next_request_of_a_run_whose_stream_stays_open(self):
        self.reload("[agent]\nmodel_requests_max = 10000\n")
        run = RunningCell(self.client, "An endless turn.", None)
        until(lambda: len(self.model.requests()) > 3, "the run goes on and on")
        line = self.reload("[limits]\ntokens_per_day = 1\ncontact = 'ops@example.org'\n")
        self.assertIn("limits.tokens_per_day, limits.contact", line)
        events = run.result().events
        (block,) = [event for event in contents(events) if event.block.kind == "error"]
        self.assertIn("of 1 tokens of today are used (tokens_per_day)", block.data)
        self.assertIn("ask ops@example.org", block.data)
        self.assertEqual(events[-1].name, "done")
        # And it goes with its line.
        self.reload("")
        _, events = self.client.turn("A short turn.")
        self.assertIn("Short.", contents(events)[-1].data)

    def test_the_next_turn_costs_by_the_new_price(self):
        costs = []
        for price, cost in ((10_000, 1), (20_000, 2), (5_000, 0.5)):
            self.assertIn(f"price {MODEL}", self.reload(PRICES.replace("input = 10000", f"input = {price}")))
            self.client.turn("A short turn.")
            costs.append(int(cost * 10**9))
            until(lambda: self.number("SELECT count(*) FROM usage WHERE cost_nano IS NOT NULL") == len(costs), "its row")
            self.assertEqual(self.number("SELECT cost_nano FROM usage ORDER BY id DESC LIMIT 1"), costs[-1])
        self.assertEqual(self.number("SELECT sum(cost_nano) FROM usage"), sum(costs))

    def test_models_metrics_and_the_form_of_the_log_change(self):
        self.assertNotIn("A new model", self.client.get("/").text)
        self.assertEqual(self.client.get("/metrics").status, 200)
        line = self.reload("log_format = 'json'\nlog_requests = true\n[metrics]\nallowed_addresses = []\n"
                           "[[model]]\nprovider = 'anthropic'\nname = 'scripted-new'\nlabel = 'A new model'\n")
        self.assertEqual(json.loads(line)["level"], "info")
        self.assertIn("A new model", self.client.get("/").text)
        self.assertEqual(self.client.get("/metrics").status, 403)
        until(lambda: '"GET /metrics"' in self.server.errors(), "the line of a request")
        _, events = self.client.turn("A short turn.", model="anthropic:scripted-new")
        self.assertIn("Short.", contents(events)[-1].data)
        self.assertEqual(self.model.bodies()[-1]["model"], "scripted-new")

    def test_what_waits_for_the_next_start_is_named_and_stays(self):
        self.reload("[server]\nworkers = 3\n[limits]\nchats = 5\n",
                    "server.workers is changed in the file and takes force with the next start")
        self.assertEqual(self.shown("server.workers"), ["8", "default", "start"])
        self.assertEqual(self.shown("limits.chats"), ["5", f"{self.file}:4", "reload"])
        # The options of the command line are as strong as ever.
        self.reload("default_model = 'offline'\n", RELOADED)
        self.assertEqual(self.shown("default_model")[1], "--model")

    def test_the_audit_names_the_keys_and_no_value(self):
        self.reload("[limits]\nchats = 4711\ncontact = 'nobody@example.org'\n")

        def told():
            done = run_varro("audit", "list", "--data", str(self.data))
            return [line for line in done.stdout.splitlines() if "config.reloaded" in line]

        until(told, "the row of the audit")
        (row,) = told()
        self.assertIn("limits.chats, limits.contact", row)
        self.assertNotIn("4711", row + self.server.errors())
        self.assertNotIn("nobody@", row + self.server.errors())
        # A file that changes nothing is no row.
        self.hang_up("nothing that a reload takes has changed")
        self.assertEqual(told(), [row])
        self.assertEqual(run_varro("audit", "verify", "--data", str(self.data)).returncode, 0)


class Wrong(Reloading):
    def test_a_wrong_file_leaves_the_one_before_in_force_and_says_why(self):
        self.reload("[limits]\nchats = 5\n")
        for text, why in (("[limits\nchats = 6\n", ": not valid TOML: "),
                          ("[limits]\nchats = 6\nchat = 6\n",
                           "varro.toml:3: limits.chat: no such key; did you mean limits.chats?"),
                          ("[limits]\nchats = -1\n",
                           "varro.toml:2: limits.chats: expected an integer from 0 to 1000000000, got -1"),
                          # A key that waits for the next start is checked all the same: the file is taken as a whole.
                          ("[limits]\nchats = 6\n[server]\nport = 99999\n", "varro.toml:4: server.port: expected"),
                          ("[limits]\nchats = 6\n[[price]]\nmodel = 'm'\n", "price: needs from")):
            with self.subTest(text):
                self.assertIn(why, self.reload(text, REFUSED))
                self.assertEqual(self.shown("limits.chats")[0], "5")
        self.assertEqual(self.client.get("/healthz").status, 200)
        self.reload("[limits]\nchats = 7\n")
        self.assertEqual(self.shown("limits.chats")[0], "7")

    def test_a_file_that_cannot_be_read_or_is_gone_does_too(self):
        self.reload("[limits]\nchats = 5\n")
        self.file.unlink()
        self.assertIn(f"{self.file}: cannot be read as a configuration file", self.hang_up(REFUSED))
        self.file.mkdir()
        self.assertIn(f"{self.file}: cannot be read as a configuration file", self.hang_up(REFUSED))
        self.file.rmdir()
        self.assertEqual(self.shown("limits.chats")[0], "5")
        self.assertIn("is larger than the limit of 1 MiB", self.reload("#" * (2**20 + 1), REFUSED))
        self.reload("[limits]\nchats = 7\n")
        self.assertEqual(self.shown("limits.chats")[0], "7")


class UnderLoad(Reloading):
    def test_twenty_signals_drop_nothing_and_the_last_file_wins(self):
        over = threading.Event()
        turns, problems = [], []

        def talk():
            client, chat = Client(self.server), None
            try:
                while not over.is_set():
                    reply, events = client.turn("A short turn.", chat)
                    chat = reply.chat_id
                    turns.append((events[-1].name, contents(events)[-1].block.kind))
            except Exception as problem:  # whatever http.client says of a connection that ends
                problems.append(problem)

        def look():
            client = Client(self.server)
            try:
                while not over.is_set():
                    status = client.get("/healthz").status
                    assert status == 200, status
            except Exception as problem:
                problems.append(problem)

        threads = [threading.Thread(target=talk) for _ in range(4)] + [threading.Thread(target=look)]
        for each in threads:
            each.start()
        for i in range(1, 21):
            done = len(turns)
            # With another provider each time, so that lists of models are broken off and asked for as well.
            self.file.write_text(f"[limits]\nchats = {1000 + i}\n[provider.other]\nkind = 'openai'\n"
                                 f"base_url = 'http://127.0.0.1:{self.model.port}/v{1 + i % 2}'\n"
                                 f"[[model]]\nprovider = 'other'\nname = 'scripted-{i}'\n")
            self.server.popen.send_signal(signal.SIGHUP)
            if i % 2:  # every second one comes while the one before may be under way
                until(lambda: len(turns) > done or problems, "turns go on")
        until(lambda: self.shown("limits.chats")[0] == "1020", "the last file")
        done = len(turns)
        until(lambda: len(turns) > done + 4 or problems, "turns go on")
        over.set()
        for each in threads:
            each.join()
        self.assertEqual(problems, [])
        self.assertEqual(set(turns), {("done", "text")})
        self.assertIsNone(self.server.popen.poll())
        self.assertNotIn(REFUSED, self.server.errors())
        self.assertEqual(self.number("SELECT count(*) FROM runs WHERE status != 'completed'"), 0)
        self.assertEqual(self.server.stop()[0], 0)


class Terminal(Reloading):
    def test_a_server_ends_with_its_terminal_and_reloads_while_that_is_there(self):
        ours, theirs = os.openpty()
        launcher = ("sh", "-c", 'exec "$@" < "$0"', os.ttyname(theirs))
        data = self.data.with_name("other")
        self.addCleanup(shutil.rmtree, data, True)
        server = Varro(data, self.model, launcher=launcher)
        self.addCleanup(lambda: server.popen.poll() is None and server.stop())
        server.popen.send_signal(signal.SIGHUP)
        until(lambda: "nothing that a reload takes has changed" in server.errors(), "a reload")
        self.assertEqual(Client(server).get("/healthz").status, 200)
        os.close(theirs)
        os.close(ours)  # hangs up
        server.popen.send_signal(signal.SIGHUP)
        self.assertEqual(server.popen.wait(60), 0)
        server.close()


class Unit(unittest.TestCase):
    def test_systemd_reloads_by_the_signal(self):
        text = (pathlib.Path(__file__).resolve().parents[2] / "deploy/debian/varro.service").read_text()
        self.assertIn("\nExecReload=kill -HUP $MAINPID\n", text)


if __name__ == "__main__":
    unittest.main()
