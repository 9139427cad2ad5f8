"""Hostile cells against a whole server, as root and as a service user.

Every attack of attacks/ runs in a chat of its own, after the honest use of the same things there. Meanwhile another
chat has to answer in its normal time; afterwards the attacked chat's block says what happened, the server is well, and
the attacked chat runs its next cell.
"""

import os
import pathlib
import re
import secrets
import shutil
import socket
import statistics
import tempfile
import time
import unittest
import urllib.parse

import harness
from attacks import PRELUDE, exhaustion, files, kernel, links, network, processes, protocol, snapshots
from cells import Chat, until
from harness import Client, Model, Varro

SERVICE_USER = 65534
NORMAL_FACTOR = 40  # how much longer a cell of another chat may take during an attack
NORMAL_SECONDS_MIN = 4.0  # below this nothing is called slow: other programs use the machine, too
SERVER_BYTES_MAX = 512 << 20
FILES_SLACK = 40  # descriptors of the server that may be open more than at the start
MEMORY_MIB, TMP_MIB, FILE_MIB, WORKSPACE_MIB = 1024, 32, 32, 64
SETTINGS = f"""
[shell]
cell_max_ms = 10000
interrupt_grace_ms = 1000
memory_bytes_max = {MEMORY_MIB << 20}
tmp_bytes_max = {TMP_MIB << 20}
file_bytes_max = {FILE_MIB << 20}
"""
TABLES = (files, network, kernel, processes, exhaustion, protocol)


class Traps:
    """Sockets of the host that no shell may reach; whoever connects stays in their queue."""

    def __init__(self, directory):
        self.abstract = "varro-attack-" + secrets.token_hex(8)
        self.sockets = []
        for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, str(directory / "trap.sock")),
                                (socket.AF_UNIX, "\0" + self.abstract)):
            trap = socket.socket(family)
            trap.bind(address)
            trap.listen(8)
            trap.setblocking(False)
            self.sockets.append(trap)
        os.chmod(directory / "trap.sock", 0o777)
        self.port = self.sockets[0].getsockname()[1]

    def caught(self):
        found = []
        for trap in self.sockets:
            try:
                found.append((trap.accept()[0].close(), trap.getsockname()))
            except BlockingIOError:
                pass
        return found

    def close(self):
        for trap in self.sockets:
            trap.close()


class Attacks:
    user = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-attacks-"))
        cls.directory.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.data = cls.directory / "data"
        cls.data.mkdir()
        if cls.user is not None:
            os.chown(cls.data, cls.user, cls.user)
        cls.secret = secrets.token_hex(16)
        (cls.directory / "host.txt").write_text(cls.secret)
        (cls.data / "host-key.txt").write_text(cls.secret)
        (cls.directory / "varro.toml").write_text(SETTINGS)
        cls.traps = Traps(cls.directory)
        cls.addClassCleanup(cls.traps.close)
        cls.model = Model()
        cls.addClassCleanup(cls.model.stop)
        cls.varro = Varro(cls.data, cls.model, user=cls.user, binary=cls.copied_programs(),
                          arguments=["--config", str(cls.directory / "varro.toml")], env={"HOST_SECRET": cls.secret})
        cls.client = Client(cls.varro)
        cls.neighbour = Chat(cls.client)
        cls.neighbour.run(f"secret = '{cls.secret}'\nprint(open('secret.txt', 'w').write(secret))")
        cls.normal = statistics.median(cls.neighbour.run("print(6 * 7)").seconds for _ in range(9))
        cls.worst = (0.0, "")
        cls.files_open = cls.open_files()

    @classmethod
    def tearDownClass(cls):
        print(f"\n{cls.__name__}: a cell of another chat took {cls.normal * 1000:.0f} ms before, at most "
              f"{cls.worst[0]:.1f} times that during: {cls.worst[1]}", flush=True)
        code, _ = cls.varro.stop()
        assert code == 0, (code, cls.varro.errors())
        assert cls.secret not in cls.varro.errors(), "the secret is in the log"
        until(lambda: not cls.left_processes(), "no process of the server is left")

    @classmethod
    def copied_programs(cls):
        """Where the service user can execute them; the path tells their processes from all others."""
        for program in pathlib.Path(harness.VARRO).parent.glob("varro*"):
            if program.is_file() and os.access(program, os.X_OK) and program.name not in ("varro-model", "varro-load"):
                shutil.copy2(program, cls.directory / program.name)
                (cls.directory / program.name).chmod(0o755)
        return str(cls.directory / pathlib.Path(harness.VARRO).name)

    @classmethod
    def left_processes(cls):
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    line = pathlib.Path(f"/proc/{name}/cmdline").read_bytes()
                except OSError:
                    continue
                if str(cls.directory).encode() in line:
                    found.append((name, line))
        return found

    @classmethod
    def open_files(cls):
        try:
            return len(os.listdir(f"/proc/{cls.varro.pid}/fd"))
        except PermissionError:  # the server does not let itself be looked into
            return 0

    def filled(self, text):
        marks = {"DATA": self.data, "HOST": self.directory, "OTHER": self.neighbour.chat_id, "PID": self.varro.pid,
                 "PORT": self.varro.port, "TRAP_PORT": self.traps.port, "ABSTRACT": self.traps.abstract,
                 "FIRST": self.secret[:16], "SECOND_BACKWARDS": self.secret[:15:-1], "MEMORY_MIB": MEMORY_MIB,
                 "TMP_MIB": TMP_MIB, "TMP_MOST": TMP_MIB * 3 // 4, "FILE_MIB": FILE_MIB, "WORKSPACE_MIB": WORKSPACE_MIB}
        for mark, value in marks.items():
            text = text.replace(f"@{mark}@", str(value))
        return text

    def others_answer(self, during):
        cell = self.neighbour.run("print(6 * 7, len(secret))")
        self.assertEqual((cell.state, cell.stdout.strip()), ("done", "42 32"), during)
        ratio = cell.seconds / self.normal
        type(self).worst = max(self.worst, (ratio, during))
        self.assertLess(cell.seconds, max(NORMAL_FACTOR * self.normal, NORMAL_SECONDS_MIN), during)

    def server_is_well(self):
        self.assertIsNone(self.varro.popen.poll(), "the server ended")
        for path in ("/healthz", "/readyz", f"/chat/{self.neighbour.chat_id}"):
            self.assertEqual(self.client.get(path).status, 200, path)
        status = pathlib.Path(f"/proc/{self.varro.pid}/status").read_text()
        self.assertLess(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10, SERVER_BYTES_MAX)
        self.assertLess(self.open_files(), self.files_open + FILES_SLACK)
        self.assertEqual(self.traps.caught(), [])

    def honest(self, chat, twin, says):
        cell = chat.run(self.filled(PRELUDE + twin))
        self.assertEqual(cell.state, "done", cell)
        for text in says:
            self.assertIn(self.filled(text), cell.text)

    def attacked(self, chat, attack):
        running = chat.start(self.filled(PRELUDE + attack.code))
        if attack.stop_at:
            running.wait_for_file(attack.stop_at)
        self.others_answer(attack.name)
        if attack.stop_at and not running.is_over():
            self.assertEqual(running.stop(), 204)
        return running.result()

    def check(self, attack):
        chat = Chat(self.client)
        try:
            self.honest(chat, attack.twin, attack.twin_says)
            cell = self.attacked(chat, attack)
            for said in attack.told:
                self.assertRegex(cell.text, self.filled(said))
            for text in attack.never:
                self.assertNotIn(text, cell.text)
            self.assertNotIn(self.secret, cell.html)
            self.assertIsNotNone(cell.state, "the block of the cell has no end")
            self.server_is_well()
            again = chat.run("print('again', 6 * 7)")
            self.assertEqual((again.state, again.stdout.strip()), ("done", "again 42"), again)
            self.others_answer("after: " + attack.name)
        finally:
            chat.client.post(f"/chat/{chat.chat_id}/cancel")
            chat.delete()


def test_of(attack):
    def test(self):
        if attack.waits_for and "VARRO_ATTACKS_ALL" not in os.environ:
            self.skipTest(attack.waits_for)
        self.check(attack)
    return test


for table in TABLES:
    for each in table.ATTACKS:
        assert not hasattr(Attacks, each.method()), each.name
        setattr(Attacks, each.method(), test_of(each))


class Links(Attacks):
    """Links, pipes and races in the workspace, against the routes that read and write there."""

    def in_chat(self, code):
        chat = Chat(self.client)
        self.addCleanup(chat.delete)
        cell = chat.run(self.filled(PRELUDE + code))
        self.assertEqual(cell.state, "done", cell)
        return chat


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

    setattr(Links, "test_download_of_" + name.replace(" ", "_"), test)

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

    setattr(Links, "test_upload_onto_" + name.replace(" ", "_"), test)


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
        (self.directory / "varro.toml").write_text(SETTINGS + "live_max = 1\n")
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


for test in (test_a_hostile_pickle_runs_only_in_the_sandbox_of_its_chat,
             test_a_snapshot_that_somebody_replaced_harms_nobody):
    setattr(Links, test.__name__, unittest.skipUnless("VARRO_ATTACKS_ALL" in os.environ, "no snapshots yet")(test))

for test in (test_uploads_by_hostile_names_stay_in_the_workspace,
             test_a_list_of_strange_files_shows_no_link_and_runs_nothing,
             test_a_race_between_a_file_and_a_link_never_shows_the_other_side):
    setattr(Links, test.__name__, test)


@unittest.skipUnless(os.geteuid() == 0, "the test does not run as root")
class AttacksOnARootServer(Links, unittest.TestCase):
    pass


class AttacksOnAServiceUser(Links, unittest.TestCase):
    user = SERVICE_USER if os.geteuid() == 0 else None


if __name__ == "__main__":
    unittest.main(verbosity=2)
