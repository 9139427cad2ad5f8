"""Runs and shells that wait are served round robin by user, told their places, stopped, stored, and taken up again.

Who was first is read from the model server's log of requests, never from a clock.
"""

import contextlib
import json
import pathlib
import re
import sqlite3
import tempfile
import threading
import unittest

from cells import python, until
from harness import Client, Model, Varro, run_varro

CONFIG = """
[agent]
runs_max = 2
resumes_max = 100
[shell]
live_max = {shells}
starting_max = 1
"""


def held(name):
    """A prompt whose first request waits for a release; the next one with the same history is answered."""
    return f"{name}: say it. [[hold: x1]] [[text: Said {name}.]]"


def metric(client, name):
    return int(re.search(rf"^{name} (\d+)$", client.get("/metrics").text, re.MULTILINE)[1])


def progress_in(events):
    return [re.sub(r"<[^>]*>", "", event.data).strip() for event in events if event.name == "progress"]


class Fairness(unittest.TestCase):
    users = ("anna", "bert")

    def setUp(self):
        self.cleanup = contextlib.ExitStack()
        self.addCleanup(self.cleanup.close)
        directory = self.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="varro-fairness-"))
        self.data = pathlib.Path(directory) / "data"
        self.data.mkdir()
        self.model = Model()
        self.cleanup.callback(self.model.stop)

    def start(self, shells=10):
        (self.data / "varro.toml").write_text(CONFIG.format(shells=shells))
        if not (self.data / "varro.db").exists():
            for name in self.users:
                added = run_varro("user", "add", name, "--data", str(self.data), "--password-stdin",
                                  stdin=f"{name}-password\n")
                self.assertEqual(added.returncode, 0, added.stderr)
        server = Varro(self.data, self.model, arguments=("--auth", "accounts"))
        self.cleanup.callback(lambda: server.popen.poll() is None and server.stop())
        return server

    def logged_in(self, server, name):
        client = Client(server)
        self.assertEqual(client.login(name, f"{name}-password").status, 303)
        return client

    def send(self, client, prompt):
        reply = client.send(prompt)
        self.assertEqual(reply.status, 200, reply.text)
        return reply

    def asked(self):
        """The names of the prompts in the order in which the model was asked."""
        return [re.search(r"(\w+): say it", json.dumps(body["messages"]))[1] for body in self.model.bodies()
                if "messages" in body]

    def watch(self, client, reply):
        """Follows the stream on a thread: a list that grows by its events."""
        events = []

        def follow():
            with client.stream(reply.chat_id, after=reply.after) as stream:
                for event in stream:
                    events.append(event)

        thread = threading.Thread(target=follow)
        thread.start()
        self.cleanup.callback(thread.join)
        return events

    def finish(self, client, replies):
        """Lets the model answer until these turns are over: their last events."""
        over = threading.Event()

        def release():
            while not over.wait(0.05):
                self.model.control("POST", "/__release")

        thread = threading.Thread(target=release)
        thread.start()
        try:
            return [json.loads(client.events(reply.chat_id, after=reply.after)[-1].data) for reply in replies]
        finally:
            over.set()
            thread.join()

    def test_the_first_run_of_another_user_begins_when_one_of_twenty_has_ended(self):
        server = self.start()
        anna, bert = self.logged_in(server, "anna"), self.logged_in(server, "bert")
        many = [self.send(anna, held(f"a{i}")) for i in range(20)]
        until(lambda: len(self.asked()) == 2, "two runs are on")
        one = self.send(bert, held("b"))
        self.assertEqual(metric(bert, "varro_runs_waiting"), 19)
        last = self.watch(anna, many[-1])
        mine = self.watch(bert, one)
        until(lambda: "Waiting for a free place: 18th of your own, 18 before it" in progress_in(list(last)), "her place")
        until(lambda: "Waiting for a free place: 1st of your own, 0 before it" in progress_in(list(mine)), "his place")
        self.assertEqual(anna.post(f"/chat/{many[0].chat_id}/cancel").status, 204)
        until(lambda: len(self.asked()) == 3, "a third one is on")
        self.assertEqual(self.asked()[2], "b")
        until(lambda: "Waiting for a free place: 18th of your own, 17 before it" in progress_in(list(last)), "it moves")
        ends = self.finish(bert, [one]) + self.finish(anna, many[1:])
        self.assertEqual({end["status"] for end in ends}, {"completed"})
        self.assertEqual(metric(bert, "varro_runs_waiting"), 0)

    def test_a_run_that_waits_can_be_stopped(self):
        client = self.logged_in(self.start(), "anna")
        replies = [self.send(client, held(name)) for name in ("a", "b", "c", "d")]
        until(lambda: len(self.asked()) == 2, "two runs are on")
        self.assertEqual(client.post(f"/chat/{replies[2].chat_id}/cancel").status, 204)
        events = client.events(replies[2].chat_id, after=replies[2].after)
        self.assertEqual(json.loads(events[-1].data)["status"], "cancelled")
        self.assertEqual(metric(client, "varro_runs_waiting"), 1)
        ends = self.finish(client, [replies[0], replies[1], replies[3]])
        self.assertEqual({end["status"] for end in ends}, {"completed"})
        self.assertNotIn("c", self.asked())

    def test_after_a_kill_runs_that_waited_stand_in_the_queue_again_and_all_finish(self):
        server = self.start()
        client = self.logged_in(server, "anna")
        replies = [self.send(client, held(f"a{i}")) for i in range(8)]
        until(lambda: len(self.asked()) == 2, "two runs are on")
        server.kill()
        until(lambda: self.model.state()["open"] == 0, "the requests of the killed server are gone")
        client.server = self.start()
        ends = self.finish(client, replies)
        self.assertEqual([end["status"] for end in ends], ["completed"] * 8)
        for i, reply in enumerate(replies):
            self.assertIn(f"Said a{i}.", client.get(f"/chat/{reply.chat_id}").text)
        self.assertLessEqual(self.model.state()["most_open"], 2)

    def test_a_stop_does_not_wait_for_runs_that_wait(self):
        server = self.start()
        client = self.logged_in(server, "anna")
        for i in range(6):
            self.send(client, held(f"a{i}"))
        until(lambda: len(self.asked()) == 2, "two runs are on")
        code, _ = server.stop()
        self.assertEqual(code, 0)
        with contextlib.closing(sqlite3.connect(self.data / "varro.db")) as db:
            self.assertEqual(db.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall(),
                             [("interrupted", 6)])
        self.assertEqual(len(self.asked()), 2)

    def test_a_run_that_waits_for_a_shell_is_told_its_place(self):
        client = self.logged_in(self.start(shells=1), "anna")
        gate = "import os, time\nopen('begun', 'w').close()\nwhile not os.path.exists('end'): time.sleep(0.01)"
        first = self.send(client, python(gate))
        workspace = self.data / "workspaces" / str(first.chat_id)
        until((workspace / "begun").exists, "the first cell is on")
        second = self.send(client, python("6 * 7"))
        events = self.watch(client, second)
        waiting = "Waiting for a free Python shell: 1st of your own, 0 before it"
        until(lambda: waiting in progress_in(list(events)), "its place")
        self.assertEqual(metric(client, "varro_shells_waiting"), 1)
        (workspace / "end").write_text("")
        until(lambda: any(event.name == "done" for event in list(events)), "the second turn ends")
        lines = progress_in(list(events))
        self.assertIn("Running tools…", lines[lines.index(waiting):])
        self.assertIn("Done: 42", client.get(f"/chat/{second.chat_id}").text)
        self.assertEqual(metric(client, "varro_shells_waiting"), 0)


if __name__ == "__main__":
    unittest.main()
