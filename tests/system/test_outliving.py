"""What outlives which process: cells and shells over a crash of the server, of their supervisor, and over sleep."""

import os
import pathlib
import signal
import sqlite3
import tempfile
import unittest

from cells import Chat, later, until
from harness import Client, SystemTest, supervisors_of


# Appends to a file once, says that it runs, and goes on when it is told to.
SLOW = """
import os
with open('ran.txt', 'a') as file: file.write('ran\\n')
token = object()
open('running', 'w').close()
while not os.path.exists('go'): pass
print('finished after', os.getpid() > 0)
open('over', 'w').close()
"""
# What neither a snapshot nor running the cell again brings back.
BORN = """
import uuid
born = uuid.uuid4().hex
held = (text for text in [born])
print(born)
"""


class Outliving(SystemTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"
        self.addCleanup(self.end_supervisors)

    def end_supervisors(self):
        for pid in supervisors_of(self.data):  # only after a failure: they would wait an hour for a server
            os.kill(pid, signal.SIGKILL)

    def workspace(self, chat):
        return self.data / "workspaces" / str(chat.chat_id)

    def check_delivered_once(self, server, chat):
        client = Client(server)
        again = Chat(client, chat.chat_id)
        shown = '<pre class="stream stdout">finished after True'
        until(lambda: shown in client.get(f"/chat/{chat.chat_id}").text, "the cell's result is on the page")
        self.assertEqual(client.get(f"/chat/{chat.chat_id}").text.count(shown), 1)
        self.assertEqual((self.workspace(chat) / "ran.txt").read_text(), "ran\n")
        rows = sqlite3.connect(f"file:{self.data}/varro.db?mode=ro", uri=True).execute(
            "SELECT json FROM messages WHERE chat_id = ?", (chat.chat_id,)).fetchall()
        self.assertEqual(sum(row[0].count('"part_kind":"tool-return"') for row in rows), 1)
        client.events(chat.chat_id)  # until the turn is over
        cell = again.run("print(type(token).__name__)")
        self.assertEqual(cell.stdout, "object\n", cell)
        self.assertEqual((self.workspace(chat) / "ran.txt").read_text(), "ran\n")

    def slow_cell(self, server):
        chat = Chat(Client(server))
        running = chat.start(SLOW)
        running.wait_for_file("running")
        return chat

    def test_a_cell_goes_on_while_its_server_is_killed_and_its_result_is_delivered_once(self):
        with self.start(data=self.data) as first:
            chat = self.slow_cell(first)
            first.kill()
        with self.start(data=self.data) as second:
            self.assertEqual(Chat(Client(second), chat.chat_id).upload("go", b"").status, 201)
            self.check_delivered_once(second, chat)

    def test_a_cell_goes_on_while_its_server_is_replaced(self):
        with self.start(data=self.data, arguments=["--keep-shells"]) as first:
            chat = self.slow_cell(first)
            self.assertEqual(first.stop()[0], 0)
        with self.start(data=self.data) as second:
            (self.workspace(chat) / "go").touch()
            self.check_delivered_once(second, chat)

    def test_many_cells_go_on_over_a_crash_and_each_result_is_delivered_once(self):
        with self.start(data=self.data) as first:
            chats = [self.slow_cell(first) for _ in range(12)]
            for chat in chats[::2]:
                (self.workspace(chat) / "go").touch()
            first.kill()
        for chat in chats[::2]:
            until((self.workspace(chat) / "over").exists, "the cell ended without a server")
        with self.start(data=self.data) as second:
            for chat in chats[1::2]:
                (self.workspace(chat) / "go").touch()
            for chat in chats:
                self.check_delivered_once(second, chat)

    def test_a_cell_that_ended_while_no_server_was_there_is_delivered_once(self):
        with self.start(data=self.data) as first:
            chat = self.slow_cell(first)
            first.kill()
        (self.workspace(chat) / "go").touch()
        until((self.workspace(chat) / "over").exists, "the cell ended without a server")
        with self.start(data=self.data) as second:
            self.check_delivered_once(second, chat)
            second.kill()
        with self.start(data=self.data) as third:
            self.assertEqual(Client(third).get(f"/chat/{chat.chat_id}").text.count("finished after True"), 1)

    def test_idle_shells_outlive_a_crash_with_what_cannot_be_saved(self):
        with self.start(data=self.data) as first:
            chat = Chat(Client(first))
            born = chat.run(BORN).stdout
            first.kill()
        with self.start(data=self.data) as second:
            self.assertEqual(Chat(Client(second), chat.chat_id).run("print(next(held))").stdout, born)

    def test_keep_shells_keeps_them_over_a_stop_and_without_it_they_end(self):
        for arguments, kept in ((["--keep-shells"], True), ([], False)):
            with tempfile.TemporaryDirectory() as directory:
                data = pathlib.Path(directory) / "data"
                with self.start(data=data, arguments=arguments) as first:
                    chat = Chat(Client(first))
                    born = chat.run(BORN).stdout
                    self.assertEqual(first.stop()[0], 0)
                self.assertEqual(bool(supervisors_of(data)), kept)
                with self.start(data=data) as second:
                    cell = Chat(Client(second), chat.chat_id).run("print(next(held) if 'held' in globals() else 'gone')")
                    self.assertEqual(cell.stdout == born, kept, cell)
                until(lambda: not supervisors_of(data), "the supervisor of shells ended with its server")

    def test_a_killed_supervisor_loses_its_shells_and_the_server_carries_on(self):
        with self.start(data=self.data) as server:
            chat, other = Chat(Client(server)), Chat(Client(server))
            other.run("idle = 1")
            running = chat.start(SLOW)
            running.wait_for_file("running")
            found = supervisors_of(self.data)
            self.assertEqual(len(found), 1)
            os.kill(found.pop(), signal.SIGKILL)
            cell = running.result()
            self.assertEqual(cell.state, "failed")
            self.assertRegex(cell.reason, "(?i)(lost|ended|killed|gone)")
            self.assertEqual(chat.run("print(6 * 7)").stdout.strip(), "42")
            self.assertIn("42", other.run("print(6 * 7)").stdout)
            self.assertEqual(Client(server).get("/readyz").status, 200)
            self.assertEqual((self.workspace(chat) / "ran.txt").read_text(), "ran\n")

    def test_a_shell_that_had_to_sleep_wakes_with_its_variables_and_says_what_is_not_back(self):
        settings = pathlib.Path(self.data.parent) / "varro.toml"
        settings.write_text("[shell]\nlive_max = 1\nstarting_max = 1\n")
        with self.start(data=self.data, arguments=["--config", str(settings)]) as server:
            chat, other = Chat(Client(server)), Chat(Client(server))
            chat.run("import pandas\nwith open('ran.txt', 'a') as f: f.write('ran\\n')\n"
                     "x = [1]\ny = x\nframe = pandas.DataFrame({'a': [1, 2]})\nlines = (n for n in x)")
            self.assertEqual(other.run("print('other')").stdout, "other\n")
            cell = chat.run("print(x is y, frame.a.sum(), 'lines' in globals())")
            self.assertIn("True 3 False\n", cell.stdout)
            self.assertRegex(cell.text, "lines")
            self.assertEqual((self.workspace(chat) / "ran.txt").read_text(), "ran\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
