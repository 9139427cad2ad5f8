"""Limits of what a user's shells may have: how many live at once, and how much memory each has."""

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


class ShellMemory(OwnServer):
    FILL = "def fill():\n    try: return len(bytearray(400 << 20))\n    except MemoryError: return 'too much'\nprint('got', fill())"

    def test_a_shell_has_the_memory_that_its_user_may_have_when_it_starts_and_no_more_than_the_server_gives(self):
        server = self.start(f"[shell]\nmemory_bytes_max = {1 << 30}\n[limits]\nshell_memory_bytes = {300 << 20}\n")
        first, second = Chat(Client(server)), Chat(Client(server))
        self.assertEqual(first.run(self.FILL).stdout.strip(), "got too much")
        limit(self.data, "set", "--user", "local", "shell_memory_bytes", str(2 << 30))

        def has_more():
            chat = Chat(Client(server))  # each with a shell of its own
            text = chat.run(self.FILL).stdout.strip()
            self.assertEqual(chat.delete(), 204)
            return text == f"got {400 << 20}"

        until(has_more, "the limit is raised")
        self.assertEqual(second.run(self.FILL.replace("400", "1100")).stdout.strip(), "got too much")
        # A shell that lives has what it was given.
        self.assertEqual(first.run("print('got', fill())").stdout.strip(), "got too much")


if __name__ == "__main__":
    unittest.main()
