"""An Idempotency-Key: the same request is carried out once, whatever happens to the server in between."""

import json
import pathlib
import sqlite3
import tempfile
import threading
import unittest

from api_client import Program, new_token
from harness import VARRO_CRASHING, AccountsTest, Model, SystemTest, Varro

# Where a server can be killed that begins a turn: before, in and after its commit, and before its answer.
STEPS = ("turn_commit", "store_commit", "store_committed", "turn_committed", "run_start", "turn_reply")
CHANGED = ("edit_commit", "store_commit", "store_committed", "edit_committed", "run_start", "turn_reply")
FORKED = ("fork_commit", "store_commit", "store_committed", "fork_committed")


def runs_in(data):
    database = sqlite3.connect(pathlib.Path(data) / "varro.db")
    try:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]
    finally:
        database.close()


def chats_in(data):
    database = sqlite3.connect(pathlib.Path(data) / "varro.db")
    try:
        return database.execute("SELECT count(*) FROM chats").fetchone()[0]
    finally:
        database.close()


class Once(SystemTest):
    def setUp(self):
        self.program = Program(self.varro)

    def test_the_same_request_gets_the_same_answer_and_starts_no_second_run(self):
        before = runs_in(self.data)
        body, key = {"message": "[[text: once]]"}, {"Idempotency-Key": "first"}
        answers = [self.program.ask("POST", "/chats", body, headers=key) for _ in range(3)]
        self.assertEqual([answer.status for answer in answers], [201] * 3)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual([answer.headers.get("idempotency-replayed") for answer in answers], [None, "true", "true"])
        self.assertEqual(runs_in(self.data), before + 1)
        started = json.loads(answers[0].text)
        self.program.finish(started)
        chat = f"/chats/{started['chat']}"
        for path, fields in ((chat + "/turns", {"message": "[[text: again]]"}),
                             (chat + "/turns/1/edit", {"message": "[[text: other]]"}),
                             (chat + "/turns/0/regenerate", {})):
            before = runs_in(self.data)
            key = {"Idempotency-Key": f'"{path}"'}  # as the draft writes it
            first = self.program.json("POST", path, fields, 201, headers=key)
            self.program.finish(first)
            self.assertEqual(self.program.json("POST", path, fields, 201, headers=key), first)
            self.assertEqual(runs_in(self.data), before + 1)
        chats = chats_in(self.data)
        fork = self.program.json("POST", chat + "/fork", {"turn": 1}, 201, headers={"Idempotency-Key": "fork"})
        again = self.program.json("POST", chat + "/fork", {"turn": 1}, 201, headers={"Idempotency-Key": "fork"})
        self.assertEqual((again, chats_in(self.data)), (fork, chats + 1))

    def test_the_same_key_of_another_request_is_refused(self):
        key = {"Idempotency-Key": "taken"}
        started = self.program.json("POST", "/chats", {"message": "[[text: one]]", "model": ""}, 201, headers=key)
        self.program.finish(started)
        before = runs_in(self.data)
        self.program.problem("POST", "/chats", 422, {"message": "[[text: two]]"}, headers=key)
        self.program.problem("POST", f"/chats/{started['chat']}/turns", 422, {"message": "[[text: one]]"}, headers=key)
        self.assertEqual(runs_in(self.data), before)
        # The order of members and white space are no difference.
        same = self.program.json("POST", "/chats", status=201, raw=b'{"model":"",  "message": "[[text: one]]"}',
                                 headers={**key, "Content-Type": "application/json"})
        self.assertEqual(same, started)

    def test_a_key_that_is_none_is_refused_and_a_request_that_failed_can_be_sent_again(self):
        for key in ("", '""', "x" * 256, "a b", "caf\u00e9".encode().decode("latin-1")):
            self.program.problem("POST", "/chats", 400, {"message": "[[text: hi]]"}, headers={"Idempotency-Key": key})
        self.program.json("POST", "/chats", {"message": "[[text: hi]]"}, 201, headers={"Idempotency-Key": "x" * 255})
        key = {"Idempotency-Key": "mended"}
        self.program.problem("POST", "/chats/999999/turns", 404, {"message": "hi"}, headers=key)
        self.program.json("POST", "/chats", {"message": "[[text: hi]]"}, 201, headers=key)

    def test_many_at_once_start_one_run(self):
        before, answers = runs_in(self.data), []

        def send():
            answers.append(self.program.ask("POST", "/chats", {"message": "[[text: crowd]]"},
                                            headers={"Idempotency-Key": "crowd"}))
        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(runs_in(self.data), before + 1)
        made = {answer.body for answer in answers if answer.status == 201}
        self.assertEqual(len(made), 1)
        self.assertLessEqual({answer.status for answer in answers}, {201, 409})


class Users(AccountsTest):
    names = ("alice", "bob")

    def test_keys_are_each_users_own(self):
        key = {"Idempotency-Key": "same"}
        started = [Program(self.varro, new_token(self.data, name)).json(
            "POST", "/chats", {"message": "[[text: hi]]"}, 201, headers=key) for name in self.names]
        self.assertNotEqual(started[0]["chat"], started[1]["chat"])


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model()
        cls.addClassCleanup(cls.model.stop)

    def killed_at(self, step, prepare, path_of, body, count):
        """The server dies at this step of the request, which is then sent again to the next one."""
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            server = Varro(data, self.model)
            path = path_of(prepare(Program(server)))
            server.stop()
            before = count(data)
            key = {"Idempotency-Key": "over-crashes"}
            server = Varro(data, self.model, binary=VARRO_CRASHING, env={"VARRO_CRASH_AT": step})
            with self.assertRaises(OSError, msg=step):
                answered = Program(server).ask("POST", path, body, headers=key)
                raise AssertionError(f"{step} was not reached: {answered.status} {answered.text}")
            server.kill()
            server = Varro(data, self.model)
            try:
                program = Program(server)
                first = program.json("POST", path, body, 201, headers=key)
                self.assertEqual(program.json("POST", path, body, 201, headers=key), first, step)
                self.assertEqual(count(data), before + 1, step)
                if "events" in first:
                    self.assertIn(program.finish(first)[1]["status"], ("completed", "interrupted"))
            finally:
                server.stop()

    def test_a_first_message(self):
        for step in STEPS:
            with self.subTest(step=step):
                self.killed_at(step, lambda program: None, lambda _: "/chats", {"message": "[[text: hi]]"}, runs_in)

    def test_an_edit(self):
        def prepare(program):
            started = program.begin("[[text: first]]")
            program.finish(started)
            return started["chat"]
        for step in CHANGED:
            with self.subTest(step=step):
                self.killed_at(step, prepare, lambda chat: f"/chats/{chat}/turns/1/edit", {"message": "[[text: hi]]"},
                               runs_in)

    def test_a_fork(self):
        def prepare(program):
            started = program.begin("[[text: first]]")
            program.finish(started)
            return started["chat"]
        for step in FORKED:
            with self.subTest(step=step):
                self.killed_at(step, prepare, lambda chat: f"/chats/{chat}/fork", {"turn": 1}, chats_in)


if __name__ == "__main__":
    unittest.main()
