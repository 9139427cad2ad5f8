"""Limits of what a user's shells may have: how many live at once."""

import unittest

from cells import Chat, until
from harness import Client
from limit_world import OwnServer, limit


def told(running, words):
    return any(words in event.data for event in running.events if event.name == "progress")


class ShellsAlive(OwnServer):
    SETTINGS = "[limits]\nshells_alive = 1\n"
    WAITS = "import os, time\nopen('begun', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('ended')"

    def test_chats_of_a_user_take_turns_with_their_one_shell_and_keep_their_variables_over_a_kill(self):
        server = self.start(self.SETTINGS)
        chats = [Chat(Client(server)) for _ in range(3)]
        for number, chat in enumerate(chats):
            self.assertEqual(chat.run(f"x = {number}\nprint('x is', x)").stdout.strip(), f"x is {number}")
        for number, chat in enumerate(chats):
            self.assertIn(f"x is {number}", chat.run("print('x is', x)").stdout)
        server.kill()
        server = self.start(self.SETTINGS)
        for number, chat in enumerate(chats):
            self.assertIn(f"x is {number}", Chat(Client(server), chat.chat_id).run("print('x is', x)").stdout)

    def test_a_cell_waits_while_the_others_shell_is_busy_and_is_told_which_limit_that_is(self):
        server = self.start(self.SETTINGS)
        first, second = Chat(Client(server)), Chat(Client(server))
        busy = first.start(self.WAITS)
        busy.wait_for_file("begun")
        waiting = second.start("print('second')")
        until(lambda: told(waiting, "1 of 1 are alive (shells_alive)"), "it is told what it waits for")
        self.assertFalse(waiting.is_over())
        self.assertEqual(first.upload("go", b"x").status, 201)
        self.assertIn("ended", busy.result().stdout)
        self.assertIn("second", waiting.result().stdout)

    def test_a_limit_that_is_raised_lets_a_cell_that_waits_go_on(self):
        server = self.start(self.SETTINGS)
        first, second = Chat(Client(server)), Chat(Client(server))
        busy = first.start(self.WAITS)
        busy.wait_for_file("begun")
        waiting = second.start("print('second')")
        until(lambda: told(waiting, "(shells_alive)"), "it waits")
        limit(self.data, "set", "--user", "local", "shells_alive", "2")
        self.assertIn("second", waiting.result().stdout)
        self.assertFalse(busy.is_over())
        self.assertEqual(first.upload("go", b"x").status, 201)
        self.assertIn("ended", busy.result().stdout)


if __name__ == "__main__":
    unittest.main()
