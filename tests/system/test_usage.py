"""The ledger of usage equals what the vendor bills, to the token, over turns with faults, stops and kills of the server.

`test_usage.py --turns 1000` makes a longer run.
"""

import collections
import csv
import io
import pathlib
import random
import re
import sqlite3
import sys
import tempfile
import threading
import unittest

from cells import until
from harness import Client, Model, Varro, run_varro

TURNS = 200
CHATS = 8
KILLS = 4
RELEASED_SECONDS = 0.1  # so often
MODEL = "anthropic:claude-sonnet-4-5"
CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
PRICES = dict(zip(CLASSES, (3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000)))  # micro-units for a million
CONFIG = f"""
[model_client]
backoff_first_ms = 1
backoff_max_ms = 5
[agent]
resumes_max = 100
[prices]
currency = "EUR"
[[price]]
model = "{MODEL}"
from = 2020-01-01
input = 3.00
output = 15.00
cache_read = 0.30
cache_write_5m = 3.75
cache_write_1h = 6.00
"""
# What prompts cannot say: usage with a cache.
SCRIPT = {"rules": [{"when": {"user_contains": "from the cache"},
                     "answer": {"text": "Read.", "usage": {"input": 7, "cache_read": 1234, "cache_write": 56, "output": 9}}}]}
PROMPTS = [
    "Say it. [[text: Said.]]",
    "Answer from the cache.",
    "Compute. [[thinking: A cell.]] [[python: sum(range(10))]]",
    "Compute twice. [[python: 1 + 1]] [[python: 2 + 2]] [[text: Both.]]",
    "Be overloaded first. [[text: Now.]] [[error: 529 x1]]",
    "Fail in the middle. [[text: A text that breaks off before it has come to its end.]] [[drop-middle: x1]]",
    "Fail before anything. [[text: Here.]] [[drop: x2]]",
    "Fail at the end. [[text: A text whose end is an error.]] [[stream-error: 529 x1]]",
    "Refuse for good. [[error: 400]]",
]
STOPPED = [
    "Stop this before it begins. [[text: Never.]] [[hold: x1]]",
    "Stop this in the middle. [[text: A half of this is on its way, and no more.]] [[hold-middle: x1]]",
    "Stop this whenever. [[text: Maybe.]]",
]


class Talk(threading.Thread):
    """One chat, turn after turn, until there are enough or the server is gone."""

    def __init__(self, server, chat, take, dice):
        super().__init__()
        self.client, self.chat, self.take, self.dice = Client(server), chat, take, dice
        self.problem, self.stops = None, 0

    def run(self):
        try:
            while self.take():
                self.turn()
        except Exception as problem:  # whatever http.client says of a server that is gone
            self.problem = problem

    def turn(self):
        stops = self.dice.random() < 0.2
        reply = self.client.send(self.dice.choice(STOPPED if stops else PROMPTS), self.chat)
        if reply.status != 200:
            raise AssertionError(f"{reply.status} {reply.text}")
        self.chat = reply.chat_id
        if stops:
            self.stops += 1
            stopped = self.client.post(f"/chat/{self.chat}/cancel")
            if stopped.status not in (204, 409):  # 409: the answer was there already
                raise AssertionError(f"{stopped.status} {stopped.text}")
        self.client.events(self.chat, after=reply.after)


class Usage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model(SCRIPT)
        cls.directory = tempfile.TemporaryDirectory(prefix="varro-usage-")
        cls.data = pathlib.Path(cls.directory.name) / "data"
        cls.data.mkdir()
        (cls.data / "varro.toml").write_text(CONFIG)
        cls.dice = random.Random(7)
        cls.chats = [None] * CHATS
        cls.lock = threading.Lock()
        cls.stops = 0

    @classmethod
    def tearDownClass(cls):
        cls.model.stop()
        cls.directory.cleanup()

    def talk(self, server, turns, kill):
        """So many turns in all chats; the kill comes when the last one has begun, and a model is asked for sure."""
        left = turns

        def take():
            nonlocal left
            with self.lock:
                left -= 1
                return left >= 0

        talks = [Talk(server, chat, take, random.Random(self.dice.random())) for chat in self.chats]
        for each in talks:
            each.start()
        if kill:
            until(lambda: self.release() and left <= 0, "the turns have begun", RELEASED_SECONDS)
            self.model.control("DELETE", "/__requests")
            words = f"Be asked when server {server.pid} dies."
            asked = Client(server).send(words + " [[text: Again.]] [[hold: x1]]")
            self.assertEqual(asked.status, 200)
            until(lambda: words in str(self.model.bodies()), "the model is asked")
            server.kill()
        until(lambda: self.release() and not any(each.is_alive() for each in talks), "the turns are over", RELEASED_SECONDS)
        for each in talks:
            self.assertTrue(kill or each.problem is None, each.problem)
        self.chats = [each.chat for each in talks] + ([asked.chat_id] if kill else [])
        self.stops += sum(each.stops for each in talks)

    def release(self):
        """A stopped message and the next one are one to the vendor, who waits again where the first one said so."""
        return self.model.control("POST", "/__release")

    def wait_for_runs(self, server):
        """Runs that the kill has cut off go on, and end; also those that nobody stops any more."""
        followers = [threading.Thread(target=Client(server).events, args=(chat,)) for chat in filter(None, self.chats)]
        for each in followers:
            each.start()
        until(lambda: self.release() and not any(each.is_alive() for each in followers), "all runs have ended")
        self.chats = self.chats[:CHATS]

    def read(self, query):
        database = sqlite3.connect(self.data / "varro.db")
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(query)]
        database.close()
        return rows

    def tokens(self, row):
        return {name: row[f"{name}_tokens"] for name in CLASSES}

    def billed(self, bill):
        return {"input": bill["input"], "output": bill["output"], "cache_read": bill["cache_read"],
                "cache_write_5m": bill["cache_write"], "cache_write_1h": 0}

    def test_the_ledger_equals_the_bill_to_the_token(self):
        for phase in range(KILLS + 1):
            server = Varro(self.data, self.model)
            self.wait_for_runs(server)
            self.talk(server, TURNS // (KILLS + 1), kill=phase < KILLS)
        deleted = self.chats.pop()
        self.assertEqual(Client(server).request("DELETE", f"/chat/{deleted}").status, 204)
        until(lambda: self.model.state()["open"] == 0, "no request is under way")
        csv_text = run_varro("usage", "--by", "model", "--csv", "--data", str(self.data)).stdout
        self.assertEqual(server.stop()[0], 0)
        self.rows = self.read("SELECT * FROM usage ORDER BY id")
        self.requests = [row for row in self.rows if row["kind"] == "model"]
        self.bills = self.model.control("GET", "/__billed")
        self.check_bills()
        self.check_estimates()
        self.check_costs()
        self.check_messages()
        self.check_cells()
        self.check_deleted(deleted)
        self.check_command(csv_text)

    def check_bills(self):
        exact = {row["vendor_id"]: row for row in self.requests if row["outcome"] == "answered"}
        told = {bill["id"]: bill for bill in self.bills if bill["told"] == "whole"}
        self.assertEqual(len(exact), sum(row["outcome"] == "answered" for row in self.requests), "one answer, one row")
        for id, row in exact.items():
            self.assertEqual(row["estimated"], 0)
            self.assertEqual(self.tokens(row), self.billed(told[id]))
        # An answer that came while the server was killed, or its user stopped it, was read by nobody. Such a request is
        # in the ledger as an estimate.
        unread = [bill for id, bill in told.items() if id not in exact]
        lost = sum(row["outcome"] in ("lost", "stopped") for row in self.requests)
        self.assertLessEqual(len(unread), lost)
        total, whole = collections.Counter(), collections.Counter()
        for row in exact.values():
            total.update(self.tokens(row))
        for bill in told.values():
            if bill["id"] in exact:
                whole.update(self.billed(bill))
        self.assertEqual(total, whole)
        self.assertGreater(len(exact), TURNS // 2)
        print(f"\n{len(exact)} requests to the token: {dict(total)}; {len(unread)} answers that nobody read; "
              f"rows {dict(collections.Counter(row['outcome'] for row in self.requests))}; "
              f"bills {dict(collections.Counter(bill['told'] for bill in self.bills))}", file=sys.stderr)

    def check_estimates(self):
        """Whatever the vendor accepted and did not tell to the end is there, marked."""
        unsure = {"broken", "stopped", "lost"}
        for row in self.requests:
            self.assertEqual(row["estimated"] == 1, row["outcome"] in unsure, row)
            if row["estimated"]:
                self.assertGreater(row["input_tokens"] + row["cache_read_tokens"], 0)
        estimates = sum(row["estimated"] for row in self.requests)
        whole = {row["vendor_id"] for row in self.requests if row["outcome"] == "answered"}
        untold = [bill for bill in self.bills if bill["told"] in ("none", "part")]
        unread = [bill for bill in self.bills if bill["told"] == "whole" and bill["id"] not in whole]
        # A kill may come before a request is sent, or while one that failed waits to be tried again: a run has one
        # estimate more then. What failed in the very moment of a kill may be missing, one at most for each run.
        cut_off_max = KILLS * (CHATS + 1)
        count = collections.Counter(row["outcome"] for row in self.requests)
        self.assertGreaterEqual(estimates, len(untold) + len(unread) - cut_off_max)
        self.assertLessEqual(count["broken"], len(untold) + len(unread))
        self.assertLessEqual(count["lost"], cut_off_max)
        self.assertGreaterEqual(count["lost"], KILLS)
        self.assertLessEqual(count["stopped"], self.stops)
        refused = sum(bill["told"] == "refused" for bill in self.bills)
        rows = [row for row in self.requests if row["outcome"] == "refused"]
        # A refusal that came when its user had stopped the request was read by nobody.
        self.assertLessEqual(refused - len(rows), cut_off_max + count["stopped"])
        self.assertLessEqual(len(rows), refused)
        self.assertEqual(sum(sum(self.tokens(row).values()) for row in rows), 0)
        self.assertTrue(unsure | {"refused", "answered"} >= {row["outcome"] for row in self.requests})
        self.assertTrue({"broken", "stopped", "lost", "refused"} <= {row["outcome"] for row in self.requests})

    def check_costs(self):
        for row in self.requests:
            pico = sum(count * PRICES[name] for name, count in self.tokens(row).items())
            self.assertEqual(row["cost_nano"], (pico + 500) // 1000)
            self.assertEqual(row["currency"], "EUR")

    def check_messages(self):
        """Each answer in the history has its row, and none has two."""
        answers = {(row["chat_id"], row["seq"]) for row in self.read("SELECT * FROM messages WHERE kind = 'response'")}
        noted = [(row["chat_id"], row["seq"]) for row in self.requests if row["seq"] != 0]
        self.assertEqual(len(noted), len(set(noted)))
        self.assertLessEqual(answers, set(noted))

    def check_cells(self):
        cells = [row for row in self.rows if row["kind"] == "cell"]
        done = [row for row in cells if row["outcome"] == "ok"]
        self.assertGreater(len(done), 0)
        for row in done:
            self.assertGreater(row["wall_us"], 0)
            self.assertIsNotNone(row["processor_us"])

    def check_deleted(self, chat):
        self.assertEqual(self.read(f"SELECT count(*) AS n FROM messages WHERE chat_id = {chat}")[0]["n"], 0)
        self.assertTrue(any(row["chat_id"] == chat for row in self.rows))

    def check_command(self, text):
        lines = {line["model"]: line for line in csv.DictReader(io.StringIO(text))}
        line = lines[MODEL]
        self.assertEqual(int(line["requests"]), len(self.requests))
        for name in CLASSES:
            self.assertEqual(int(line[f"{name}_tokens"]), sum(row[f"{name}_tokens"] for row in self.requests))
        units, decimals = line["cost"].split(".")
        self.assertEqual(int(units) * 10**9 + int(decimals.ljust(9, "0")), sum(row["cost_nano"] for row in self.requests))
        self.assertTrue(re.fullmatch(r"\d+", lines[""]["cells"]))


if __name__ == "__main__":
    if "--turns" in sys.argv:
        at = sys.argv.index("--turns")
        TURNS = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main()
