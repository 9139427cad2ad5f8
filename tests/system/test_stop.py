"""A stop that somebody holds up: it is broken off, says who hung, and leaves shells only on purpose."""

import contextlib
import os
import pathlib
import signal
import tempfile
import unittest

from cells import until
from harness import VARRO_CRASHING, Client, SystemTest, supervisors_of

BUSY = "[[python: open('running', 'w').close()\nwhile True: pass]]"
# A turn that is on when the stop comes, and a thread of the server that goes no further.
HELD_UP = {
    "a session": ("node_commit:1", "[[python: x = 1]]", "chat {chat}: it has not answered"),
    "the database": ("store_commit:2", "[[python: x = 1]]", "chat {chat}: what is being committed"),
}


class HeldUp(SystemTest):
    def setUp(self):
        self.ending = []
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def begin(self, message, **arguments):
        """A server with a turn on its way; its data directory's shells are ended with the test."""
        data = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="varro-system-"))) / "data"
        self.stack.callback(lambda: [os.kill(pid, signal.SIGKILL) for pid in supervisors_of(data)])
        server = self.stack.enter_context(self.start(data=data, **arguments))
        reply = Client(server).send(message)
        self.assertEqual(reply.status, 200, reply.text)
        return server, reply.chat_id

    def end(self, server):
        code, _ = server.stop()
        return code, server.errors()

    def test_who_hung_is_named_and_no_shell_is_left(self):
        begun = {}
        for name, (point, message, _) in HELD_UP.items():
            begun[name] = self.begin(message, binary=VARRO_CRASHING, env={"VARRO_HANG_AT": point})
        stopped_shells, chat = self.begin(BUSY)
        until(lambda: (stopped_shells.data / "workspaces" / str(chat) / "running").exists(), "the cell runs")
        (shells,) = supervisors_of(stopped_shells.data)
        os.kill(shells, signal.SIGSTOP)
        begun["varro-shells"] = (stopped_shells, chat)

        # Side by side: each takes the whole time that a stop may.
        for server, _ in begun.values():
            server.popen.terminate()
        for name, (server, chat) in begun.items():
            with self.subTest(name):
                code, errors = self.end(server)
                self.assertEqual(code, 1, errors)
                said = HELD_UP[name][2].format(chat=chat) if name in HELD_UP else "the shells: their end"
                self.assertIn(said, errors)
                self.assertIn("The shells were ended", errors)
                self.assertEqual(supervisors_of(server.data), set())

    def test_shells_that_are_to_be_kept_are_there_after_a_stop_that_was_broken_off(self):
        server, _ = self.begin("[[python: x = 1]]", binary=VARRO_CRASHING, env={"VARRO_HANG_AT": "store_commit:2"},
                               arguments=["--keep-shells"])
        # The chat's shell starts beside the turn, not before its answer.
        until(lambda: supervisors_of(server.data), "the shells run")
        before = supervisors_of(server.data)
        code, errors = self.end(server)
        self.assertEqual(code, 1, errors)
        self.assertIn("The shells are kept", errors)
        self.assertEqual(supervisors_of(server.data), before)

    def test_a_stop_that_nobody_holds_up_says_nothing_and_exits_0(self):
        server, _ = self.begin(BUSY)
        code, errors = self.end(server)
        self.assertEqual(code, 0, errors)
        self.assertNotIn("awaited", errors)
        self.assertEqual(supervisors_of(server.data), set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
