"""Cells that write beyond the quota of their workspace in ways that a look does not find, as root and as a service user.

The data directory is a file system of its own, so that what is written to it is what the server and its shells write.
"""

import os
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

from attacked_server import SETTINGS, WORKSPACE_MIB, AttackedServer, service_user
from attacks import PRELUDE, quotas
from cells import Chat, RunningCell, python, until
from harness import Client

BEYOND_MIB = 32  # what may be written beyond the quota, on any file system and beside other programs
TRIES = 3  # a busy machine that holds up the thread which looks lets more through; a way around it does so each time
QUIET_SECONDS = 1.0  # without growth: what a cell left has ended


class Space:
    """What a file system holds, and the most that it held since the start."""

    def __init__(self, path):
        self.path, self.most, self.begin = path, 0, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def used(self):
        now = os.statvfs(self.path)
        return (now.f_blocks - now.f_bfree) * now.f_frsize

    def watch(self):
        while not self.over.wait(0.002):
            self.most = max(self.most, self.used())

    def __enter__(self):
        self.begin = self.most = self.used()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def grown_mib(self):
        return self.most - self.begin >> 20


@unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
class Quotas(AttackedServer):
    @classmethod
    def setUpClass(cls):
        mount = pathlib.Path(tempfile.mkdtemp(prefix="varro-quotas-"))
        cls.addClassCleanup(mount.rmdir)
        subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=1g,mode=755", "varro-test", str(mount)])
        cls.addClassCleanup(subprocess.call, ["umount", "-l", str(mount)])
        cls.mount = mount
        former, tempfile.tempdir = tempfile.tempdir, str(mount)
        try:
            super().setUpClass()
        finally:
            tempfile.tempdir = former

    def settle(self, space):
        """Until nothing grows any more."""
        last, since = space.used(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.01)
            if space.used() > last + (1 << 20):
                last, since = space.used(), time.monotonic()

    def check(self, attack):
        for tries_left in reversed(range(TRIES)):
            if self.is_held(attack, may_fail=tries_left > 0):
                break

    def is_held(self, attack, may_fail):
        chat = Chat(self.client)
        try:
            self.honest(chat, attack.twin, attack.twin_says)
            with Space(self.mount) as space:
                cell = chat.run(self.filled(PRELUDE + attack.code))
                self.settle(space)
            for said in attack.told:
                self.assertRegex(cell.text, said)
            self.assertNotIn("ESCAPED", cell.text)
            print(f"{attack.name}: {space.grown_mib()} MiB", flush=True)
            if may_fail and space.grown_mib() > WORKSPACE_MIB + BEYOND_MIB:
                return False
            self.assertLessEqual(space.grown_mib(), WORKSPACE_MIB + BEYOND_MIB)
            if attack.stays_full:
                reply = chat.upload("more", b"x" * 1000)
                self.assertEqual(reply.status, 413, reply.text)
                self.assertIn("quota", reply.text)
            again = chat.run("import shutil, os\nos.chmod('.', 0o700)\nfor top, directories, files in os.walk('.'):\n"
                             "    for name in directories: os.chmod(os.path.join(top, name), 0o700)\n"
                             "for name in os.listdir('.'):\n"
                             "    shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)\nprint('again', 6 * 7)")
            self.assertEqual((again.state, again.stdout.strip()), ("done", "again 42"), again)
            self.assertEqual(chat.upload("more", b"x" * 1000).status, 201)
            self.others_answer("after: " + attack.name)
            self.server_is_well()
            return True
        finally:
            chat.delete()


for each in quotas.ATTACKS:
    setattr(Quotas, each.method(), lambda self, attack=each: self.check(attack))


class QuotasOfARootServer(Quotas, unittest.TestCase):
    pass


class QuotasOfAServiceUser(Quotas, unittest.TestCase):
    user = service_user


if __name__ == "__main__":
    unittest.main(verbosity=2)
