"""Hostile workspaces, neighbours and snapshots against a whole server, as root and as a service user."""

import os
import pathlib
import secrets
import tempfile
import time
import unittest
import urllib.parse

from attacked_server import NORMAL_SECONDS_MIN, SETTINGS, AttackedServer, as_root, service_user
from attacks import PRELUDE, links, snapshots
from cells import Chat, until
from harness import Client, Varro


class Attacks(AttackedServer):
    pass


for name, code, path in links.DOWNLOADS:
    def test(self, code=code, path=path):
        chat = self.in_chat(links.HONEST + code)
        begin = time.monotonic()
        reply = chat.get("/files/" + urllib.parse.quote(self.filled(path)))
        self.assertIn(reply.status, (400, 404), reply.text[:200])
        self.assertNotIn(self.secret, reply.text)
        self.assertLess(time.monotonic() - begin, NORMAL_SECONDS_MIN)
        self.assertEqual(chat.get("/files/own.txt").text, "own text")
        self.assertEqual(chat.get("/files/sub/own.txt").text, "own text")
        self.server_is_well()

    setattr(Attacks, "test_download_of_" + name.replace(" ", "_"), test)

for name, code in links.UPLOADS:
    def test(self, code=code):
        chat = self.in_chat(links.HONEST + code)
        reply = chat.upload("data.csv", b"uploaded")
        self.assertEqual(reply.status, 201, reply.text[:200])
        self.assertEqual(chat.get("/files/data.csv").text, "uploaded")
        self.assertEqual(chat.get("/files/own.txt").text, "own text")
        self.assertEqual((self.directory / "host.txt").read_text(), self.secret)
        self.assertEqual(self.neighbour.get("/files/secret.txt").text, self.secret)
        self.assertFalse((self.data / "planted.txt").exists())
        self.assertEqual(chat.run("print(open('data.csv').read())").stdout.strip(), "uploaded")
        self.server_is_well()

    setattr(Attacks, "test_upload_onto_" + name.replace(" ", "_"), test)


def test_uploads_by_hostile_names_stay_in_the_workspace(self):
    chat = self.in_chat(links.HONEST + "os.symlink('@HOST@', 'host')")
    for name in ("../up.txt", "host/up.txt", "/up.txt", "..", "sub/../../up.txt", "..\\\\up.txt"):
        self.assertIn(chat.upload(name, b"uploaded").status, (201, 400, 422), name)
    for place in (self.directory, self.data, self.data / "workspaces"):
        self.assertFalse((place / "up.txt").exists(), place)
    self.assertIn("up.txt", chat.files())
    self.server_is_well()


def test_a_list_of_strange_files_shows_no_link_and_runs_nothing(self):
    chat = self.in_chat(links.STRANGE_NAMES.replace("@NAMES@", ascii(links.NAMES)))
    listed = chat.get("/files")
    self.assertEqual(listed.status, 200)
    self.assertNotIn("<script>alert", listed.text)
    self.assertNotIn("<img", listed.text)
    self.assertIn("own.txt", chat.files())
    self.assertIn("sub/own.txt", chat.files())
    for path in chat.files():
        self.assertFalse(path.startswith(("root", "up/", "host", "pipe")), path)
        self.assertNotIn("secret", path)
    self.server_is_well()


def test_a_race_between_a_file_and_a_link_never_shows_the_other_side(self):
    chat = self.in_chat(links.HONEST)
    running = chat.start(self.filled(PRELUDE + links.RACE))
    running.wait_for_file("running")
    seen = set()
    for _ in range(150):
        for path in ("swap.txt", "place/host.txt", "place-link/host.txt", "link"):
            reply = chat.get("/files/" + path)
            self.assertIn(reply.status, (200, 404))
            seen.add(reply.text if reply.status == 200 else None)
        self.assertNotIn("host.txt", [p for p in chat.files() if not p.startswith(("place/", "place-link/"))])
    self.assertIn("own text", seen)
    self.assertEqual(seen - {None}, {"own text"})
    self.others_answer("a race of links")
    running.stop()
    running.result()
    self.server_is_well()


def test_chats_cannot_reach_each_other(self):
    listening = self.in_chat(links.LISTENING)
    self.assertEqual(listening.run(links.REACHING).stdout.count("REACHED"), 5)
    other = self.in_chat("pass").run(PRELUDE + links.REACHING)
    self.assertEqual((other.state, other.stdout.count("REACHED")), ("done", 0), other)
    self.assertEqual(other.stdout.count("alone"), 5, other)


def test_a_daemon_ends_with_its_chat(self):
    number = str(10**6 + secrets.randbelow(10**8))
    chat = self.in_chat(links.DAEMON.replace("@NUMBER@", number))

    def lives():
        return any(number.encode() in line for line in self.command_lines().values())

    until(lives, "the daemon runs")
    self.assertEqual(chat.run("print('with a daemon')").stdout, "with a daemon\n")
    self.assertTrue(lives())
    self.assertEqual(chat.delete(), 204)
    until(lambda: not lives(), "the daemon ends with its chat")


class Sleepers:
    """A server that has room for one shell: whoever starts a second puts the first to sleep."""

    def __init__(self, world):
        self.world = world
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sleepers-", dir=world.directory))
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.data.mkdir()
        if world.user is not None:
            os.chown(self.data, world.user, world.user)
        (self.directory / "varro.toml").write_text(SETTINGS + "live_max = 1\nstarting_max = 1\n")
        self.varro = Varro(self.data, world.model, user=world.user, binary=str(world.directory / "varro"),
                           arguments=["--config", str(self.directory / "varro.toml")])
        self.other = Chat(Client(self.varro))

    def asleep(self, code):
        """A chat that ran this and sleeps."""
        chat = Chat(self.other.client)
        cell = chat.run(self.world.filled(code))
        assert cell.state == "done", cell
        assert self.other.run("print('mine now')").stdout == "mine now\n"
        return chat


def test_a_hostile_pickle_runs_only_in_the_sandbox_of_its_chat(self):
    sleepers = Sleepers(self)
    self.addCleanup(sleepers.varro.stop)
    chat = sleepers.asleep(snapshots.HOSTILE)
    cell = chat.run("print('kept', kept, open('woken.txt').read())")
    self.assertIn("kept 42 woken as 1000 in /workspace", cell.text)
    self.assertNotIn("ESCAPED", cell.text)
    self.assertFalse((self.directory / "planted.txt").exists())
    self.assertEqual(sleepers.other.run("import os\nprint(os.listdir('.'))").stdout.strip().splitlines()[-1], "[]")
    self.server_is_well()


def test_a_snapshot_that_somebody_replaced_harms_nobody(self):
    sleepers = Sleepers(self)
    self.addCleanup(sleepers.varro.stop)
    hostile = snapshots.RAW_PICKLE.replace(b"@HOST@", str(self.directory).encode())
    for replaced in (lambda old: hostile, lambda old: old[:-10] + os.urandom(10), lambda old: old[:len(old) // 2],
                     lambda old: b"", lambda old: bytes(b ^ 0x55 for b in old), lambda old: old + hostile):
        chat = sleepers.asleep("kept = 42\nprint('ready')")
        file = sleepers.data / "snapshots" / f"{chat.chat_id}.snap"
        file.write_bytes(replaced(file.read_bytes()))
        cell = chat.run("print('awake', 6 * 7)")
        self.assertIn("awake 42", cell.stdout, cell)
        self.assertFalse((self.directory / "planted.txt").exists())
        self.assertEqual(sleepers.other.client.get("/readyz").status, 200)
    self.server_is_well()


def test_a_forged_snapshot_runs_only_in_the_sandbox_of_its_chat(self):
    sleepers = Sleepers(self)
    self.addCleanup(sleepers.varro.stop)
    chat = sleepers.asleep("kept = 42\nprint('ready')")
    file = sleepers.data / "snapshots" / f"{chat.chat_id}.snap"
    file.write_bytes(snapshots.forged(file.read_bytes(), self.filled(snapshots.PAYLOAD)))
    cell = chat.run("print('awake', open('woken.txt').read())")
    self.assertIn("awake woken as 1000 in /workspace", cell.text)
    self.assertNotIn("ESCAPED", cell.text)
    self.assertFalse((self.directory / "planted.txt").exists())
    self.server_is_well()


def test_variables_that_do_their_worst_while_they_are_saved_stop_nobody(self):
    sleepers = Sleepers(self)
    self.addCleanup(sleepers.varro.stop)
    for name, body in snapshots.STATES.items():
        code = snapshots.HOSTILE_STATE.replace("@BODY@", "\n".join("        " + line for line in body.split("\n")))
        chat = sleepers.asleep(code)
        cell = chat.run("print('awake', 6 * 7)")
        self.assertIn("awake 42", cell.stdout, (name, cell))
        chat.delete()
    self.server_is_well()


for test in (test_a_hostile_pickle_runs_only_in_the_sandbox_of_its_chat,
             test_a_forged_snapshot_runs_only_in_the_sandbox_of_its_chat, test_variables_that_do_their_worst_while_they_are_saved_stop_nobody,
             test_a_snapshot_that_somebody_replaced_harms_nobody, test_chats_cannot_reach_each_other, test_a_daemon_ends_with_its_chat,
             test_uploads_by_hostile_names_stay_in_the_workspace,
             test_a_list_of_strange_files_shows_no_link_and_runs_nothing,
             test_a_race_between_a_file_and_a_link_never_shows_the_other_side):
    setattr(Attacks, test.__name__, test)


@as_root
class AttacksOnARootServer(Attacks, unittest.TestCase):
    pass


class AttacksOnAServiceUser(Attacks, unittest.TestCase):
    user = service_user


if __name__ == "__main__":
    unittest.main(verbosity=2)
