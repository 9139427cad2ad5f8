"""Nothing is lost: the server is killed at any instant, and everything that was acknowledged or shown is still there.

    test_crashes.py [--kills N] [--seed S]

kills the server N times at random instants under load. ctest runs 25; `--kills 500` takes about fifteen minutes and
belongs to every change of how turns are committed, published or taken up again.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest

from cells import Chat, python, until
from crash_world import CELL, Cut, Talk, Talker, World
from harness import VARRO, VARRO_CRASHING, WAIT_SECONDS, Client, Model

TALKS = 10
RESUMES_MAX = 3  # agent.resumes_max

options = argparse.Namespace(kills=25, seed=None)


class CrashTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.model = Model()
        self.addCleanup(self.model.stop)
        self.world = World(pathlib.Path(directory.name) / "data", self.model)
        self.addCleanup(self.stop)

    def stop(self):
        if self.world.server is not None:
            self.world.server.stop()  # and with it the shells
        else:
            self.world.start().stop()


class AtAnyInstant(CrashTest):
    def random_ends(self, kills, interrupted, end=World.kill, shells_end=True):
        world, rng = self.world, random.Random(options.seed)
        begin = time.monotonic()
        world.start()
        start_seconds = time.monotonic() - begin
        world.kill()
        talkers = [Talker(world, f"{options.seed} {n}") for n in range(TALKS)]
        on = 0
        for n in range(kills):
            if not shells_end and rng.random() < 0.15:  # in the middle of a start
                server = world.launch(wait=False)
                time.sleep(rng.uniform(0, 2 * start_seconds))
                server.kill()
                continue
            world.start()
            world.wait(lambda: all(talker.checked is world.server for talker in talkers), f"checks after kill {n}")
            if shells_end:  # with their server, or their runs: until cells run again
                seen = world.counts["results seen"]
                world.wait(lambda: world.counts["results seen"] >= seen + TALKS, "cells run")
            time.sleep(rng.uniform(0, 0.1) if rng.random() < 0.3 else rng.uniform(0, 1.5))
            on += any(talker.talk.run_is_on for talker in talkers)
            end(world)
            if n % 20 == 19:
                world.check_model()
        world.start()
        world.over = True
        for talker in talkers:
            talker.join(2 * WAIT_SECONDS)
            world.wait(lambda: True, "")
            self.assertFalse(talker.is_alive(), talker.talk)
        self.wait_until_no_run_is_on()
        world.check_end(interrupted)
        print(f"{kills} kills in {time.monotonic() - begin:.0f} s, {on} while a run was on, start {start_seconds:.3f} s: "
              + ", ".join(f"{count} {what}" for what, count in sorted(world.counts.items())), file=sys.stderr)
        self.assertGreater(on, kills // 2)
        self.assertGreater(world.counts["turns"], TALKS)
        self.assertGreater(world.counts["cells"], TALKS)

    def wait_until_no_run_is_on(self):
        """Also of chats whose first reply nobody got."""
        open_runs = "SELECT chat_id FROM runs WHERE status = 'running'"
        for chat_id, in self.world.query(open_runs):
            Client(self.world.server).events(chat_id)
        self.assertEqual(self.world.query(open_runs), [])

    def test_random_kills_lose_nothing_and_run_nothing_twice(self):
        self.random_ends(options.kills, {RESUMES_MAX}, shells_end=False)

    def test_random_kills_with_interrupted_runs(self):
        self.world.env["VARRO_AGENT_AFTER_RESTART"] = "interrupt"
        self.random_ends(max(options.kills // 5, 4), {0})

    def test_random_stops_leave_histories_that_go_on(self):
        self.random_ends(max(options.kills // 10, 3), set(range(RESUMES_MAX + 1)), World.stop)


# What a turn does while it is killed at each of these: thinking and two cells of one response, then a text.
TURN = "[[thinking: hm]]{first}{second}[[then]][[text: over]]"
# The step and its passing; whether the message is there afterwards.
IN_A_TURN = [
    ("turn_commit", 1, False), ("turn_committed", 1, True), ("run_start", 1, True), ("turn_reply", 1, True),
    ("store_commit", 1, False), ("store_committed", 1, True),
    ("model_request", 1, True), ("model_response", 1, True), ("model_request", 2, True), ("model_response", 2, True),
    ("node_commit", 1, True), ("node_committed", 1, True), ("node_publish", 1, True),  # the response
    ("cell_execute", 1, True), ("cell_result", 1, True), ("node_commit", 2, True), ("node_committed", 2, True),
    ("cell_acknowledge", 1, True), ("node_publish", 2, True), ("store_commit", 2, True), ("store_committed", 2, True),
    ("cell_execute", 2, True), ("cell_result", 2, True), ("node_commit", 3, True), ("cell_acknowledge", 2, True),
    ("store_commit", 3, True), ("store_committed", 3, True), ("snapshot_commit", 1, True),
    ("snapshot_committed", 1, True), ("node_commit", 4, True), ("node_publish", 4, True),
    ("end_commit", 1, True), ("end_committed", 1, True),
]


class Release(unittest.TestCase):
    def test_the_server_that_people_run_has_no_fault_points(self):
        name = b"VARRO_CRASH_AT"
        self.assertIn(name, pathlib.Path(VARRO_CRASHING).read_bytes())
        self.assertNotIn(name, pathlib.Path(VARRO).read_bytes())


class AtEachStep(CrashTest):
    def chat_with_a_turn(self):
        """A chat whose shell knows a variable, on a healthy server."""
        talk = Talk(self.world, "steps")
        talk.leaves = 0
        talk.connect()
        self.say(talk, python("kept = 'still here'\nprint('set')"))
        snapshots = "SELECT 1 FROM snapshots WHERE chat_id = ?"
        until(lambda: self.world.query(snapshots, talk.chat_id), "a snapshot for the edits")
        return talk

    def say(self, talk, directives):
        talk.turns += 1
        talk.pending = f"turn-{talk.number}.{talk.turns}"
        reply = talk.client.send(f"{talk.pending}: {directives}", talk.chat_id)
        self.assertEqual(reply.status, 200, reply.text)
        talk.acknowledge(reply)
        talk.follow()

    def crash(self, talk, point, act):
        """The server of this act is killed at the point."""
        self.world.kill()
        name, passing = point
        server = self.world.launch(binary=VARRO_CRASHING, env={"VARRO_CRASH_AT": f"{name}:{passing}"}, wait=False)
        try:
            server.wait_until_ready()
            talk.client = Client(server)
            act()
        except (OSError, RuntimeError, Cut):
            pass
        code = server.popen.wait(WAIT_SECONDS)
        server.close()
        self.assertEqual(code, -signal.SIGKILL, f"{point} was not passed")
        self.world.start()
        talk.connect()

    def check_usable(self, talk):
        """What holds after every crash; and the chat goes on, in the same shell."""
        talk.check()
        if talk.run_is_on:
            talk.follow()
            talk.check()
        self.assertFalse(talk.run_is_on)
        self.say(talk, python("print('kept is', kept)"))
        self.assertIn("kept is still here", "".join(html for _, html in talk.seen.values() if html))
        talk.check()

    def test_of_a_turn(self):
        self.world.start()
        for name, passing, kept in IN_A_TURN:
            with self.subTest(step=name, passing=passing):
                talk = self.chat_with_a_turn()
                cells = [python(CELL.format(name=f"cell-{talk.number}.2.{n}", seconds=0)) for n in range(2)]
                self.crash(talk, (name, passing), lambda: self.say(talk, TURN.format(first=cells[0], second=cells[1])))
                talk.check()
                self.assertEqual(len(talk.acknowledged), 2 if kept else 1)
                self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def test_of_a_run_that_is_taken_up_again(self):
        self.world.start()
        for name in ("resume_commit", "resume_committed"):
            with self.subTest(step=name):
                talk = self.chat_with_a_turn()
                talk.client.send(f"turn-{talk.number}.2: [[hold: x1]][[text: late]]", talk.chat_id)
                until(lambda: self.model.state()["open"] == 1, "the model is asked")
                talk.acknowledged.append(f"turn-{talk.number}.2")
                talk.turns = 2
                self.crash(talk, (name, 1), lambda: None)
                self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def texts(self, talk):
        return [text for text in ("first answer", "second answer")
                if text in talk.client.get(f"/chat/{talk.chat_id}").text]

    def test_of_an_edit(self):
        self.world.start()
        for name, replaced in (("edit_commit", False), ("edit_committed", True)):
            with self.subTest(step=name):
                talk = self.chat_with_a_turn()
                self.say(talk, "[[text: first answer]]")
                edited = {"turn": 2, "message": f"turn-{talk.number}.2: again [[text: second answer]]"}
                self.crash(talk, (name, 1), lambda: talk.client.post(f"/chat/{talk.chat_id}/edit", edited))
                if replaced:
                    talk.forget_turn(2)
                talk.client.events(talk.chat_id)
                self.assertEqual(self.texts(talk), ["second answer" if replaced else "first answer"])
                self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def test_of_a_switch_of_branches(self):
        self.world.start()
        for name, switched in (("branch_commit", False), ("branch_committed", True)):
            with self.subTest(step=name):
                talk = self.chat_with_a_turn()
                self.say(talk, "[[text: first answer]]")
                first = self.world.query("SELECT max(id) FROM runs WHERE chat_id = ?", talk.chat_id)[0][0]
                edited = {"turn": 2, "message": f"turn-{talk.number}.2: again [[text: second answer]]"}
                self.assertEqual(talk.client.post(f"/chat/{talk.chat_id}/edit", edited).status, 200)
                talk.forget_turn(2)
                talk.client.events(talk.chat_id)
                self.crash(talk, (name, 1), lambda: talk.client.post(f"/chat/{talk.chat_id}/branch", {"run": first}))
                self.assertEqual(self.texts(talk), ["first answer" if switched else "second answer"])
                self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def test_of_a_fork(self):
        self.world.start()
        for name, forked in (("fork_commit", False), ("fork_committed", True)):
            with self.subTest(step=name):
                talk = self.chat_with_a_turn()
                self.say(talk, python("open('mine.txt', 'w').write('mine')"))
                newest = self.world.query("SELECT max(id) FROM chats WHERE ?", 1)[0][0]
                self.crash(talk, (name, 1), lambda: talk.client.post(f"/chat/{talk.chat_id}/fork", {"turn": 2}))
                there = self.world.query("SELECT id FROM chats WHERE id > ?", newest)
                self.assertEqual(len(there), 1 if forked else 0)
                if forked:
                    cell = Chat(talk.client, there[0][0]).run("print(kept, open('mine.txt').read())")
                    self.assertEqual(cell.stdout, "still here mine\n")
                else:  # and nothing of it is in the chat that comes next
                    other = Chat(talk.client)
                    self.assertEqual(other.run("import os\nprint(os.listdir(), 'kept' in globals())").stdout, "[] False\n")
                self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def test_of_a_deletion(self):
        self.world.start()
        for name, gone in (("delete_commit", False), ("delete_committed", True)):
            with self.subTest(step=name):
                talk = self.chat_with_a_turn()
                self.assertEqual(Chat(talk.client, talk.chat_id).upload("mine.txt", b"mine").status, 201)
                files = [self.world.data / "workspaces" / str(talk.chat_id) / "mine.txt",
                         self.world.data / "snapshots" / f"{talk.chat_id}.snap"]
                self.assertEqual([file.exists() for file in files], [True, True])
                self.crash(talk, (name, 1), talk.delete)
                if gone:
                    self.assertEqual(talk.client.get(f"/chat/{talk.chat_id}").status, 404)
                    until(lambda: not any(file.exists() for file in files), "the files of a deleted chat are removed")
                else:
                    self.assertEqual([file.exists() for file in files], [True, True])
                    self.check_usable(talk)
        self.world.check_end({RESUMES_MAX})

    def test_of_a_first_message_with_a_file(self):
        """The chat is not there; its file must not turn up in the chat that comes next."""
        self.world.start()
        talk = self.chat_with_a_turn()
        form = ("--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nlook\r\n"
                "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"secret.txt\"\r\n"
                "Content-Type: text/plain\r\n\r\nmine\r\n--b--\r\n").encode()
        self.crash(talk, ("turn_commit", 1), lambda: talk.client.request(
            "POST", "/chat/send", body=form, headers={"Content-Type": "multipart/form-data; boundary=b"}))
        self.assertEqual(len(list(self.world.data.glob("workspaces/*/secret.txt"))), 1)
        other = Talk(self.world, "other")
        other.connect()
        self.say(other, python("import os\nprint(os.listdir())"))
        self.assertEqual(Chat(other.client, other.chat_id).files(), [])
        self.check_usable(talk)


def read_options():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--kills", type=int, default=options.kills)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    known, rest = parser.parse_known_args()
    options.kills, options.seed = known.kills, known.seed
    print(f"seed {options.seed}", file=sys.stderr)
    return sys.argv[:1] + rest


if __name__ == "__main__":
    unittest.main(argv=read_options(), verbosity=2)
