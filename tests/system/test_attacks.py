"""Hostile cells against a whole server, as root and as a service user.

Every attack of attacks/ runs in a chat of its own, after the honest use of the same things there. Meanwhile another
chat has to answer in its normal time, and to get of the kernel what it got before; afterwards the attacked chat's block says what happened, the server is well, and
the attacked chat runs its next cell. VARRO_ATTACKS_ALL runs also those that wait for something.
"""

import os
import pathlib
import unittest

from attacked_server import AttackedServer, as_root, service_user
from attacks import PRELUDE, accounts, exhaustion, files, kernel, network, processes, protocol
from cells import Chat

LATE_CELLS = 10  # of a shell that is about to be found broken
SHELL_USER, USERS_OF_SHELLS = 1_900_000_000, range(2_100_000_000, 2_140_000_000)
TABLES = (files, network, kernel, processes, exhaustion, accounts, protocol)


class Attacks(AttackedServer):
    def victim_sees(self, attack):
        cell = self.neighbour.run(attack.victim) if attack.victim else None
        return cell and (cell.state, cell.stdout)

    def attacked(self, chat, attack):
        before = self.victim_sees(attack)
        running = chat.start(self.filled(PRELUDE + attack.code))
        if attack.stop_at:
            running.wait_for_file(attack.stop_at)
        self.others_answer(attack.name)
        self.assertEqual(self.victim_sees(attack), before, "during: " + attack.name)
        if attack.stop_at:
            self.others_start(attack.name)
        if attack.stop_at and not running.is_over():
            self.assertEqual(running.stop(), 204)
        result = running.result()
        self.assertEqual(self.victim_sees(attack), before, "after: " + attack.name)
        return result

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
            for _ in range(LATE_CELLS if attack.ends_late else 0):
                if again.state != "done":
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
        if attack.own_users:
            self.need_own_users()
        self.check(attack)
    return test


for table in TABLES:
    for each in table.ATTACKS:
        assert not hasattr(Attacks, each.method()), each.name
        setattr(Attacks, each.method(), test_of(each))


@as_root
class AttacksOnARootServer(Attacks, unittest.TestCase):
    def host_user(self, chat):
        """Of the processes of a chat's shell, which the host knows by a file that one of them has open."""
        cell = chat.run("import os; held = open('held.txt', 'w'); print(os.fstat(held.fileno()).st_ino)")
        inode = int(cell.stdout)
        return next(user for user, number in self.open_inodes() if number == inode)

    @staticmethod
    def open_inodes():
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                user = process.stat().st_uid
                for file in (process / "fd").iterdir():
                    yield user, file.stat().st_ino
            except OSError:  # it has ended, or a file has no inode to be asked for
                continue

    def test_each_shell_has_a_host_user_of_its_own_and_none_on_disk(self):
        self.need_own_users()
        chat = self.in_chat("""
import shutil
os.makedirs("a/b"), open("a/b/file", "w").close(), os.symlink("/etc/passwd", "a/link"), os.mkfifo("a/fifo")
shutil.copy("/usr/bin/true", "a/program"), os.chmod("a/program", 0o6755), os.link("a/program", "a/other")
""")
        users = [self.host_user(each) for each in (chat, self.neighbour)]
        self.assertNotEqual(users[0], users[1])
        self.assertTrue(all(user in USERS_OF_SHELLS for user in users), users)
        workspace = self.data / "workspaces" / str(chat.chat_id)
        found = [workspace, *workspace.rglob("*")]
        self.assertGreater(len(found), 7)
        self.assertEqual({(path.lstat().st_uid, path.lstat().st_gid) for path in found}, {(SHELL_USER, SHELL_USER)})
        self.assertEqual(chat.get("/files/a/program").status, 200)


class AttacksOnAServiceUser(Attacks, unittest.TestCase):
    user = service_user


if __name__ == "__main__":
    unittest.main(verbosity=2)
