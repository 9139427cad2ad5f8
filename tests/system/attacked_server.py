"""A server that is attacked: with secrets to find, traps to fall into, and another chat that has to answer meanwhile."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import tempfile
import unittest

import harness
from attacks import PRELUDE
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
workspace_bytes_max = {WORKSPACE_MIB << 20}
workspace_files_max = 10000
snapshot_max_seconds = 2
"""
# What another chat does meanwhile: it computes, starts a program and a thread, and writes a file.
ORDINARY = """
import subprocess, threading
thread = threading.Thread(target=print, args=(6 * 7, len(secret)), kwargs={"end": " "})
thread.start(), thread.join()
print(subprocess.call(["true"]), open("ordinary.txt", "w").write("ordinary\\n"))
"""


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


def copy_programs(directory):
    """Where the service user can execute them; the path tells their processes from all others."""
    for program in pathlib.Path(harness.VARRO).parent.glob("varro*"):
        if program.is_file() and os.access(program, os.X_OK) and program.name not in ("varro-model", "varro-load"):
            shutil.copy2(program, directory / program.name)
            (directory / program.name).chmod(0o755)
    return str(directory / pathlib.Path(harness.VARRO).name)


class AttackedServer:
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
        cls.varro = Varro(cls.data, cls.model, user=cls.user, binary=copy_programs(cls.directory),
                          arguments=["--config", str(cls.directory / "varro.toml")], env={"HOST_SECRET": cls.secret})
        cls.client = Client(cls.varro)
        cls.neighbour = Chat(cls.client)
        cls.neighbour.run(f"secret = '{cls.secret}'\nprint(open('secret.txt', 'w').write(secret))")
        cls.normal = statistics.median(cls.neighbour.run(ORDINARY).seconds for _ in range(9))
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

    @staticmethod
    def command_lines():
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                found[int(name)] = pathlib.Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                pass
        return found

    @classmethod
    def left_processes(cls):
        return {pid: line for pid, line in cls.command_lines().items() if str(cls.directory).encode() in line}

    @classmethod
    def supervisors(cls):
        return {pid for pid, line in cls.left_processes().items() if b"varro-shells" in line.split(b"\0")[0]}

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
        cell = self.neighbour.run(ORDINARY)
        self.assertEqual((cell.state, cell.stdout.strip()), ("done", "42 32 0 9"), during)
        ratio = cell.seconds / self.normal
        type(self).worst = max(self.worst, (ratio, during))
        self.assertLess(cell.seconds, max(NORMAL_FACTOR * self.normal, NORMAL_SECONDS_MIN), during)

    def need_own_users(self):
        """Where the file system has what they need, a root server without host users for its shells is a failure."""
        kind = subprocess.run(["stat", "--file-system", "--format=%T", self.data], capture_output=True, text=True).stdout
        if self.user is not None:
            self.skipTest("only root can give each shell a host user of its own")
        if kind.strip() not in ("ext2/ext3", "xfs", "btrfs"):
            self.skipTest(f"a file system of the kind {kind.strip()} may have no id-mapped mounts")
        self.assertIn("each shell has a host user of its own", (self.data / "shells.log").read_text())

    def others_start(self, during):
        chat = Chat(self.client)
        self.assertEqual(chat.run("print(6 * 7)").stdout.strip(), "42", during)
        chat.delete()

    def in_chat(self, code):
        chat = Chat(self.client)
        self.addCleanup(chat.delete)
        cell = chat.run(self.filled(PRELUDE + code))
        self.assertEqual(cell.state, "done", cell)
        return chat

    def server_is_well(self):
        self.assertIsNone(self.varro.popen.poll(), "the server ended")
        for path in ("/healthz", "/readyz", f"/chat/{self.neighbour.chat_id}"):
            self.assertEqual(self.client.get(path).status, 200, path)
        for pid in {self.varro.pid} | self.supervisors():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertLess(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10, SERVER_BYTES_MAX, status)
        self.assertLess(self.open_files(), self.files_open + FILES_SLACK)
        self.assertEqual(self.traps.caught(), [])

    def honest(self, chat, twin, says):
        cell = chat.run(self.filled(PRELUDE + twin))
        self.assertEqual(cell.state, "done", cell)
        for text in says:
            self.assertIn(self.filled(text), cell.text)


as_root = unittest.skipUnless(os.geteuid() == 0, "the test does not run as root")
service_user = SERVICE_USER if os.geteuid() == 0 else None
