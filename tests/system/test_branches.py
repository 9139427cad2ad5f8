"""Edited turns, branches and forks: variables and files are those of the conversation that one sees."""

import os
import pathlib
import re
import tempfile
import unittest

from cells import Cell, Chat, python, until
from harness import Client, SystemTest

LOOK = "import os; print(x, sorted(os.listdir()), open('a.txt').read())"


def replaced(chat, action, turn, code=None):
    """An edit or a regenerate, to its end."""
    fields = {"turn": turn}
    if code is not None:
        fields["message"] = python(code) + "[[then]][[text: over]]"
    reply = chat.client.post(f"/chat/{chat.chat_id}/{action}", fields)
    assert reply.status == 200, (reply.status, reply.text)
    return Cell(chat.client.events(chat.chat_id, after=reply.after), 0)


def versions(chat):
    """The runs that the page offers to switch to."""
    return [int(run) for run in re.findall(r"&quot;run&quot;:&quot;(\d+)&quot;", chat.get("").text)]


class Branches(SystemTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"

    def switch(self, chat, run):
        reply = chat.client.post(f"/chat/{chat.chat_id}/branch", {"run": run})
        self.assertEqual(reply.status, 303, reply.text)

    def fork(self, chat, turn):
        reply = chat.client.post(f"/chat/{chat.chat_id}/fork", {"turn": turn})
        self.assertEqual(reply.status, 303, reply.text)
        return Chat(chat.client, int(reply.headers["location"].rsplit("/", 1)[1]))

    def two_turns(self, server):
        chat = Chat(Client(server))
        chat.run("x = 1; open('a.txt', 'w').write('one')")
        chat.run("x = 2; open('a.txt', 'w').write('two'); os = __import__('os'); os.mkdir('d'); open('d/b', 'w').close()")
        return chat

    def test_an_edited_turn_finds_variables_and_files_as_they_were_before_it(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            self.assertEqual(replaced(chat, "edit", 2, LOOK).stdout, "1 ['a.txt'] one\n")

    def test_every_version_of_a_turn_keeps_its_own_files(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            replaced(chat, "edit", 2, "x = 3; open('a.txt', 'w').write('three'); open('c', 'w').close()")
            self.switch(chat, versions(chat)[0])
            self.assertEqual(chat.files(), ["a.txt", "d/b"])
            self.assertEqual(chat.run(LOOK).stdout, "2 ['a.txt', 'd'] two\n")
            self.switch(chat, versions(chat)[0])
            self.assertEqual(chat.files(), ["a.txt", "c"])
            self.assertEqual(chat.run(LOOK).stdout, "3 ['a.txt', 'c'] three\n")

    def test_a_branch_is_the_same_after_a_restart(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            replaced(chat, "edit", 2, "x = 3; open('a.txt', 'w').write('three')")
            server.stop()
        with self.start(data=self.data) as server:
            chat = Chat(Client(server), chat.chat_id)
            self.switch(chat, versions(chat)[0])
            self.assertEqual(chat.run(LOOK).stdout, "2 ['a.txt', 'd'] two\n")

    def test_asked_again_the_same_cell_does_not_see_what_it_wrote(self):
        with self.start(data=self.data) as server:
            chat = Chat(Client(server))
            cell = "import os; print(os.listdir()); open('made', 'w').close()"
            self.assertEqual(chat.run(cell).stdout, "[]\n")
            self.assertEqual(replaced(chat, "regenerate", 1).stdout, "[]\n")

    def test_an_upload_before_the_edited_turn_stays(self):
        with self.start(data=self.data) as server:
            chat = Chat(Client(server))
            chat.run("x = 1; open('a.txt', 'w').write('one')")
            self.assertEqual(chat.upload("data.csv", b"1,2").status, 201)
            chat.run("open('made', 'w').close()")
            self.assertEqual(replaced(chat, "edit", 2, LOOK).stdout, "1 ['a.txt', 'data.csv'] one\n")

    def test_a_fork_has_the_turns_variables_and_files_of_its_own(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            early, late = self.fork(chat, 1), self.fork(chat, 2)
            self.assertEqual(early.run(LOOK + "; x = 10; open('a.txt', 'w').write('ten')").stdout, "1 ['a.txt'] one\n")
            self.assertEqual(late.run(LOOK).stdout, "2 ['a.txt', 'd'] two\n")
            self.assertEqual(chat.run(LOOK).stdout, "2 ['a.txt', 'd'] two\n")
            self.assertEqual(early.run(LOOK).stdout, "10 ['a.txt'] ten\n")
            page = early.get("").text
            self.assertIn("(fork)", page)
            self.assertNotIn("&quot;two&quot;", page)
            self.assertEqual(len(early.get("/export.json").text.split('"user-prompt"')) - 1, 3)

    def test_a_fork_is_refused_where_there_is_nothing_to_fork(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            self.assertEqual(chat.client.post(f"/chat/{chat.chat_id}/fork", {"turn": 9}).status, 404)
            self.assertEqual(chat.client.post(f"/chat/{chat.chat_id}/fork", {"turn": "x"}).status, 422)
            self.assertEqual(chat.client.post("/chat/999/fork", {"turn": 1}).status, 404)
            running = chat.start("open('began', 'w').close()\nwhile True: pass")
            running.wait_for_file("began")
            self.assertEqual(chat.client.post(f"/chat/{chat.chat_id}/fork", {"turn": 1}).status, 409)
            running.stop()
            running.result()

    def test_a_file_that_is_too_large_to_keep_is_named_on_the_page(self):
        config = pathlib.Path(self.data).parent / "varro.toml"
        config.write_text("[shell]\nversions_bytes_max = 1000\n")
        with self.start(data=self.data, arguments=["--config", str(config)]) as server:
            chat = Chat(Client(server))
            chat.run("x = 1; open('a.txt', 'w').write('one'); open('large', 'w').write('1' * 2000)")
            chat.run("open('large', 'a').write('2')")
            reply = chat.client.post(f"/chat/{chat.chat_id}/edit", {"turn": 2, "message": "hello"})
            self.assertIn("Not all files are as they were in this version of the chat: large.", reply.text)
            chat.client.events(chat.chat_id)
            self.assertIn("Not all files are as they were", chat.get("").text)
            chat.run("pass")
            self.assertNotIn("Not all files are as they were", chat.get("").text)

    def test_the_files_of_a_deleted_chat_go_also_when_the_server_was_killed_before_it_could(self):
        with self.start(data=self.data) as server:
            chat = self.two_turns(server)
            other = Chat(Client(server))
            other.run("open('kept', 'w').close()")
            replaced(chat, "edit", 2, "pass")
            self.assertEqual(chat.delete(), 204)
            names = [self.data / part / f"{chat.chat_id}{suffix}"
                     for part, suffix in (("workspaces", ""), ("workspaces", ".deleted"), ("versions", ""),
                                          ("snapshots", ".snap"))]
            until(lambda: not any(map(os.path.exists, names)), "the files of the chat are gone")
            server.kill()
        for name in names[:3]:
            name.mkdir(parents=True)
        names[3].touch()
        (self.data / "workspaces" / "not-a-chat").mkdir()
        with self.start(data=self.data) as server:
            until(lambda: not any(map(os.path.exists, names)), "the files of the chat are gone")
            self.assertTrue((self.data / "workspaces" / "not-a-chat").exists())
            self.assertEqual(Chat(Client(server), other.chat_id).files(), ["kept"])


if __name__ == "__main__":
    unittest.main()
