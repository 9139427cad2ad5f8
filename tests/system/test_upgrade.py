"""An upgrade: another varro takes over what the one before has left, while runs go on and pages are open.

VARRO_BEFORE names the varro of another build, with its helpers beside it; without it varro is upgraded from itself with
a varro-shells of another version (varro-shells-before). VARRO_UPGRADE_RUNS says how many runs go on, 200 for the measure
that is asked for."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from cells import Chat, python, until
from crash_world import check_history
from harness import VARRO, WAIT_SECONDS, Client, SystemTest, blocks_of, run_varro, supervisors_of
from test_viewers import Crowd, Viewer

RUNS = int(os.environ.get("VARRO_UPGRADE_RUNS", "20"))
VARRO_SHELLS_BEFORE = pathlib.Path(VARRO).parent / "varro-shells-before"
PROGRAMS = ("varro", "varro-pictures", "varro-markdown")

# What neither a snapshot nor running the cell again brings back, and what a snapshot does.
BORN = """
import uuid
born = uuid.uuid4().hex
kept = born
held = (text for text in [born])
print(born)
"""
# Each writes one line: a cell that ran twice has two.
HOLD = """
import os, time
with open('effects.txt', 'a') as file: file.write('hold\\n')
open('running', 'w').close()
while not os.path.exists('go'): time.sleep(0.01)
print('held on')
"""
STEP = """
import time
with open('effects.txt', 'a') as file: file.write('step{n}\\n')
time.sleep({seconds})
print('step {n} of', kept)
"""


def turn_of(kind):
    """A run that is in a cell, waits for its model or is between the two when the server is replaced."""
    steps = [STEP.format(n=n, seconds=0.3 if kind == "cells" else 0) for n in range(3)]
    cells = [HOLD, *steps] if kind == "hold" else steps
    delay = "[[delay: 1500]]" if kind == "model" else "[[delay: 30]]"
    return "go:" + "".join("[[then]]" + delay + python(cell) for cell in cells) + "[[then]][[text: **over**]]", len(cells)


class Replaced(SystemTest):
    """A data directory that one program leaves to another."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.place = pathlib.Path(directory.name)
        self.data = self.place / "data"
        self.addCleanup(self.end_supervisors)

    def end_supervisors(self):
        for pid in supervisors_of(self.data):
            os.kill(pid, signal.SIGKILL)

    def workspace(self, chat_id):
        return self.data / "workspaces" / str(chat_id)

    def start_new(self, **kw):
        context = self.start(data=self.data, **kw)
        server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return server


class Upgrade(Replaced):
    def before(self):
        """The program that is upgraded."""
        if "VARRO_BEFORE" in os.environ:
            return os.environ["VARRO_BEFORE"]
        if not VARRO_SHELLS_BEFORE.exists():
            self.skipTest(f"neither VARRO_BEFORE nor {VARRO_SHELLS_BEFORE} is there: NO UPGRADE WAS TESTED")
        place = self.place / "before"
        place.mkdir()
        for source, name in [(VARRO_SHELLS_BEFORE, "varro-shells")] + [(pathlib.Path(VARRO).parent / p, p) for p in PROGRAMS]:
            try:
                os.link(source, place / name)
            except OSError:  # another file system
                shutil.copy2(source, place / name)
        return str(place / "varro")

    async def replace_server(self, first, chats, holding):
        """Viewers follow all runs over the change; the new server and what they have."""
        crowd = Crowd(first, seed=0)
        crowd.rng.random = lambda: 1.0  # nobody leaves of themselves
        viewers = [Viewer(crowd, chat) for chat in chats]
        watching = [asyncio.ensure_future(viewer.watch_turn()) for viewer in viewers]
        await asyncio.to_thread(until, lambda: all((self.workspace(chat) / "running").exists() for chat in holding),
                                "the cells run")
        crowd.server = None
        code, _ = await asyncio.to_thread(first.stop)
        self.assertEqual(code, 0, first.errors())
        self.assertTrue(any(not each.done() for each in watching), "all runs were over before the upgrade")
        second = await asyncio.to_thread(self.start_new)
        crowd.server = second
        crowd.changed.set()
        for chat in holding:
            (self.workspace(chat) / "go").touch()
        await asyncio.wait_for(asyncio.gather(*watching), 4 * WAIT_SECONDS)
        return second, viewers

    def check_chat(self, client, viewer, cells):
        page = client.get(f"/chat/{viewer.chat_id}").text
        self.assertEqual(list(viewer.blocks), [block.id for block in blocks_of(page)])
        for html in viewer.blocks.values():
            self.assertIn(html, page)
        messages = json.loads(client.get(f"/chat/{viewer.chat_id}/export.json").body)
        check_history(messages, False)
        returns = [part for message in messages for part in message["parts"] if part["part_kind"] == "tool-return"]
        self.assertEqual(len(returns), 1 + cells)
        self.assertTrue(all(part["outcome"] == "success" for part in returns), returns)
        effects = (self.workspace(viewer.chat_id) / "effects.txt").read_text().split()
        self.assertEqual(len(effects), cells, effects)
        self.assertEqual(len(effects), len(set(effects)), effects)

    def test_under_many_runs_an_upgrade_loses_no_row_no_event_and_no_variable(self):
        before = self.before()
        with self.start(data=self.data, binary=before, arguments=["--keep-shells"]) as first, \
                concurrent.futures.ThreadPoolExecutor(16) as many:
            client = Client(first)
            chats = [Chat(client) for _ in range(RUNS)]
            born = list(many.map(lambda chat: chat.run(BORN).stdout, chats))
            self.assertEqual(len(set(born)), RUNS)
            kinds = [("hold", "model", "cells")[n % 3] for n in range(RUNS)]
            turns = [turn_of(kind) for kind in kinds]
            replies = list(many.map(lambda n: client.send(turns[n][0], chats[n].chat_id), range(RUNS)))
            self.assertEqual({reply.status for reply in replies}, {200})
            ids = [chat.chat_id for chat in chats]
            holding = [id for id, kind in zip(ids, kinds) if kind == "hold"]
            old = supervisors_of(self.data)
            second, viewers = asyncio.run(self.replace_server(first, ids, holding))
        client = Client(second)
        self.assertEqual(supervisors_of(self.data), old)
        self.assertIn("is still at work", second.errors())
        with concurrent.futures.ThreadPoolExecutor(16) as many:
            list(many.map(lambda n: self.check_chat(client, viewers[n], turns[n][1]), range(RUNS)))
            again = list(many.map(lambda chat: Chat(client, chat).run("print(next(held))"), ids))
            self.assertEqual([cell.stdout for cell in again], born)
            doctor = run_varro("doctor", "--data", str(self.data))
            self.assertRegex(doctor.stdout, r"warn  shells: an older varro-shells is still at work, since 20\d\d-")
            self.assertEqual(set(many.map(lambda chat: Chat(client, chat).delete(), ids)), {204})
        until(lambda: supervisors_of(self.data) and not supervisors_of(self.data) & old, "varro-shells was replaced")
        self.assertEqual(Chat(client).run("print(6 * 7)").stdout, "42\n")
        self.assertEqual(len(supervisors_of(self.data)), 1)

    def test_with_another_configuration_cells_end_and_then_their_shells_sleep(self):
        settings = self.place / "varro.toml"
        settings.write_text("[shell]\nopen_files_max = 200\n")
        with self.start(data=self.data, arguments=["--keep-shells"]) as first:
            chat, idle = Chat(Client(first)), Chat(Client(first))
            born = [each.run(BORN).stdout.strip() for each in (chat, idle)]
            running = chat.start(HOLD)
            running.wait_for_file("running")
            self.assertEqual(first.stop()[0], 0)
        old = supervisors_of(self.data)
        second = self.start_new(arguments=["--config", str(settings)])
        client = Client(second)
        (self.workspace(chat.chat_id) / "go").touch()
        client.events(chat.chat_id, last_event_id=0)
        self.assertIn('<pre class="stream stdout">held on', client.get(f"/chat/{chat.chat_id}").text)
        until(lambda: supervisors_of(self.data) and not supervisors_of(self.data) & old, "varro-shells was replaced")
        for each, born_there in zip((chat, idle), born):
            cell = Chat(client, each.chat_id).run(
                "import resource; print(kept, 'held' in globals(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])")
            self.assertIn(f"{born_there} False 200\n", cell.stdout)
            self.assertIn("because the server has another configuration of shells", cell.text)
            self.assertRegex(cell.text, r"Back: [^.]*\bkept\b")
            self.assertRegex(cell.text, r"Not back: [^.]*\bheld\b")
        self.assertEqual((self.workspace(chat.chat_id) / "effects.txt").read_text(), "hold\n")


# Answers at shells.sock as no varro-shells of ours does, and never goes by itself.
STRANGER = """
import os, socket, sys, time
os.chdir(sys.argv[1])
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind('shells.sock')
server.listen(4)
print('there', flush=True)
while True:
    peer, _ = server.accept()
    try:
        peer.recv(65536)
        for answer in sys.argv[2:]:
            peer.send(answer.encode())
        peer.recv(65536)
    except OSError:
        pass
    peer.close()
"""


class Strangers(Replaced):
    """What cannot be taken over is ended, and the server works."""

    @contextlib.contextmanager
    def stranger(self, *answers):
        process = subprocess.Popen([sys.executable, "-c", STRANGER, str(self.data), *answers], stdout=subprocess.PIPE,
                                   text=True)
        try:
            self.assertEqual(process.stdout.readline(), "there\n")
            yield process
        finally:
            process.kill()
            process.wait(WAIT_SECONDS)
            process.stdout.close()

    def test_chats_whose_shells_speak_another_protocol_are_told_what_came_back(self):
        with self.start(data=self.data) as first:
            chat, other = Chat(Client(first)), Chat(Client(first))
            born = chat.run(BORN).stdout.strip()
            other.run(BORN)
        answers = [json.dumps(each) for each in (
            {"op": "hello", "protocol": 1, "fingerprint": "0", "pid": 1},
            {"op": "shell", "shell": 1, "user": 1, "chat": chat.chat_id, "python": "default", "status": None, "cells": []},
            {"op": "census"})]
        with self.stranger(*answers) as stranger:
            second = self.start_new()
            client = Client(second)
            cell = Chat(client, chat.chat_id).run("print(kept)")
            self.assertIsNotNone(stranger.poll() or stranger.wait(WAIT_SECONDS))
        self.assertIn(f"{born}\n", cell.stdout)
        self.assertIn("could not be taken over after an upgrade", cell.text)
        self.assertRegex(cell.text, r"Back: [^.]*\bkept\b")
        self.assertRegex(cell.text, r"Not back: [^.]*\bheld\b")
        self.assertRegex(second.errors(), "it speaks protocol 1, and this server [0-9]+ to [0-9]+")
        self.assertNotIn("could not be taken over", Chat(client, other.chat_id).run("print(kept)").text)
        self.assertNotIn("could not be taken over", Chat(client, chat.chat_id).run("print(kept)").text)

    def test_what_says_nothing_that_is_known_is_ended(self):
        for answer in ('{"op":"hello"}', '{"op":"hello","protocol":"3"}', '{"op":"hello","protocol":1000000}', "[3]", "no"):
            with self.subTest(answer), tempfile.TemporaryDirectory(dir=self.place) as place:
                self.data = pathlib.Path(place) / "data"
                self.data.mkdir()
                with self.stranger(answer) as stranger, self.start(data=self.data) as server:
                    self.assertEqual(Chat(Client(server)).run("print(6 * 7)").stdout, "42\n")
                    self.assertEqual(stranger.wait(WAIT_SECONDS), -signal.SIGKILL)
                    self.assertRegex(server.errors(), "shells of an earlier varro-shells are ended")


if __name__ == "__main__":
    unittest.main(verbosity=2)
