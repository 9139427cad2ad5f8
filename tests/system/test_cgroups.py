"""Shells in cgroups of their own: what a whole shell may use, and what becomes of its group.

Needs a cgroup v2 to divide: as root on a machine whose service manager uses cgroup v2, or in a unit with Delegate=yes.
"""

import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import unittest

from attacked_server import SERVICE_USER, as_root, copy_programs
from cells import Chat, until
from cgroups import Group, Unit, enter_unit_with_delegation, is_systemd, place
from harness import Client, Model, Varro, run_varro
from test_outliving import supervisors_of

RUN_SECONDS_MAX = 280
SKIPPED = 77  # the exit code by which ctest knows
MEMORY_MIB, PROCESSES, CPU_PERCENT = 256, 40, 50
UNSHARED_MIB = 64  # what a shell may have besides, for pages that it no longer shares
SETTINGS = f"""
[shell]
memory_bytes_max = {MEMORY_MIB << 20}
processes_max = {PROCESSES}
cpu_percent_max = {CPU_PERCENT}
snapshot_max_seconds = 2
preload = []
"""
# Children that each hold some memory until the cell is over.
HOLD = """
import os, signal
children, (reading, writing) = [], os.pipe()
for _ in range(PROCESSES):
    children.append(os.fork())
    if children[-1] == 0:
        held = bytearray(b"x") * (MIB << 20)
        os.write(writing, b"x")
        signal.pause()
os.close(writing)
held = 0
while held < PROCESSES and os.read(reading, 1):
    held += 1
print("held by", held)
"""
END = """
for child in children:
    os.kill(child, signal.SIGKILL)
print("ended", sorted({os.waitpid(child, 0)[1] for child in children}))
"""
FORK = """
import os, signal
children = []
try:
    while len(children) < 200:
        children.append(os.fork())
        if children[-1] == 0:
            signal.pause()
except OSError as error:
    print(error.strerror)
print("forked", len(children))
open("forked", "w").close()
""" + END
# What three processes get of the processors in two seconds, in percent of one.
BUSY = """
import os, time
begin = time.monotonic()
children = [os.fork() for _ in range(2)]
while time.monotonic() < begin + 2: pass
if 0 in children:
    os._exit(0)
for child in children:
    os.waitpid(child, 0)
used = os.times()
print("percent", int(100 * (sum(used[:4]) - sum(before[:4])) / (time.monotonic() - begin)))
"""


def value(path):
    return path.read_text().strip()


def counter(path, name):
    return int(re.search(rf"^{name} (\d+)$", path.read_text(), re.MULTILINE)[1])


if __name__ == "__main__":
    enter_unit_with_delegation(RUN_SECONDS_MAX)
PLACE, REASON = place()


class World:
    """A server in a group that this test, or systemd, has made for it: `self.group`."""

    user = None

    @classmethod
    def setUpClass(cls):
        programs = pathlib.Path(tempfile.mkdtemp(prefix="varro-cgroups-"))
        cls.addClassCleanup(shutil.rmtree, programs, ignore_errors=True)
        programs.chmod(0o755)
        cls.binary = copy_programs(programs)
        cls.model = Model()
        cls.addClassCleanup(cls.model.stop)

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-cgroups-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.data.mkdir()
        if self.user is not None:
            os.chown(self.data, self.user, self.user)
        self.settings = self.directory / "varro.toml"
        self.settings.write_text(SETTINGS)
    def chat_with_group(self, client):
        """A chat whose shell has begun, and the shell's group."""
        before = self.group.shells()
        chat = Chat(client)
        self.assertEqual(chat.run("import os; before = os.times(); print(6 * 7)").stdout, "42\n")
        added = [path for path in self.group.shells() if path not in before]
        self.assertEqual(len(added), 1, (before, added))
        return chat, added[0]

    def check_limits(self, group):
        self.assertEqual(value(group / "memory.max"), str(MEMORY_MIB + UNSHARED_MIB << 20))
        self.assertEqual(value(group / "pids.max"), str(PROCESSES))
        self.assertEqual(value(group / "cpu.max"), f"{CPU_PERCENT * 1000} 100000")
        self.assertGreaterEqual(len(value(group / "cgroup.procs").split()), 2)



@unittest.skipIf(PLACE is None, REASON)
class Cgroups(World):
    def setUp(self):
        super().setUp()
        self.group = Group(PLACE, self.user)
        self.addCleanup(self.group.remove)

    def serve(self, group=None):
        server = Varro(self.data, self.model, binary=self.binary, launcher=(group or self.group).launcher(),
                       arguments=["--config", str(self.settings)])
        self.addCleanup(lambda: server.popen.poll() is None and server.stop())
        return server, Client(server)

    def hold(self, processes, mib):
        return HOLD.replace("PROCESSES", str(processes)).replace("MIB", str(mib))

    def test_memory_of_a_whole_shell_is_limited_and_the_user_reads_why(self):
        _, client = self.serve()
        other, _ = self.chat_with_group(client)
        chat, group = self.chat_with_group(client)
        self.check_limits(group)
        cell = chat.run(self.hold(3, MEMORY_MIB // 4) + END)  # the twin: below the limit
        self.assertEqual((cell.state, cell.stdout), ("done", "held by 3\nended [9]\n"), cell)
        self.assertEqual(counter(group / "memory.events", "oom_kill"), 0)
        # Without one of them the others have room.
        cell = chat.run(self.hold(4, (MEMORY_MIB + UNSHARED_MIB) * 5 // 16) + "while True: signal.pause()\n")
        self.assertEqual(cell.state, "stopped", cell)
        self.assertRegex(cell.reason, rf"memory limit of {MEMORY_MIB} MiB.*variables are kept", cell)
        self.assertIn(counter(group / "memory.events", "oom_kill"), (1, 2))
        cell = chat.run(END + "print(before is not None)")
        self.assertEqual(cell.stdout, "ended [9]\nTrue\n", cell)
        self.assertEqual(other.run("print(before is not None)").stdout, "True\n")

    def test_a_python_that_uses_more_than_its_shell_may_ends_and_the_user_reads_why(self):
        server, client = self.serve()
        chat, group = self.chat_with_group(client)
        (group / "memory.max").write_text(str(MEMORY_MIB // 3 << 20))  # below the limit of each process
        cell = chat.run(f"held = bytearray(b'x') * ({MEMORY_MIB // 2} << 20)")
        self.assertRegex(cell.reason, rf"more memory than the limit of {MEMORY_MIB} MiB and was killed", cell)
        until(lambda: not group.exists(), "the group is gone")
        self.assertEqual(chat.run("print('again')").stdout, "again\n")
        self.assertEqual(server.popen.poll(), None)

    def test_one_process_reaches_its_own_limit_before_the_groups(self):
        _, client = self.serve()
        chat, group = self.chat_with_group(client)
        cell = chat.run("held = []\nwhile True: held.append(bytearray(b'x') * (1 << 20))")
        self.assertIn("MemoryError", cell.text, cell)
        self.assertEqual(counter(group / "memory.events", "oom_kill"), 0)
        self.assertRegex(chat.run("print(len(held), before is not None)").stdout, r"^\d+ True$")

    def test_processes_of_a_shell_are_limited(self):
        _, client = self.serve()
        chat, group = self.chat_with_group(client)
        cell = chat.run(FORK)
        self.assertRegex(cell.stdout, r"^Resource temporarily unavailable\nforked (\d+)\nended")
        self.assertLess(int(re.search(r"forked (\d+)", cell.stdout)[1]), PROCESSES)
        # The limit of the group alone, without that of each user.
        (group / "pids.max").write_text(str(PROCESSES // 2))
        refused = counter(group / "pids.events", "max")
        cell = chat.run(FORK)
        self.assertLess(int(re.search(r"forked (\d+)", cell.stdout)[1]), PROCESSES // 2)
        self.assertGreater(counter(group / "pids.events", "max"), refused)
        self.assertEqual(chat.run("print(sum(1 for _ in range(9)))\n!echo program").stdout, "9\nprogram\n")

    def test_processor_time_of_a_shell_is_limited(self):
        _, client = self.serve()
        chat, group = self.chat_with_group(client)
        begin = counter(group / "cpu.stat", "usage_usec")
        cell = chat.run("before = os.times()" + BUSY)
        percent = int(re.search(r"percent (\d+)", cell.stdout)[1])
        used = (counter(group / "cpu.stat", "usage_usec") - begin) / 1e6
        self.assertLess(percent, CPU_PERCENT * 1.2, cell)
        self.assertLess(used / cell.seconds, CPU_PERCENT / 100 * 1.2)
        self.assertGreater(counter(group / "cpu.stat", "nr_throttled"), 0)
        (group / "cpu.max").write_text("max")
        cell = chat.run("before = os.times()" + BUSY)
        self.assertGreater(int(re.search(r"percent (\d+)", cell.stdout)[1]), CPU_PERCENT * 1.2, cell)

    def test_a_group_ends_with_its_shell_and_all_of_them_with_the_server(self):
        server, client = self.serve()
        chat, group = self.chat_with_group(client)
        other, others_group = self.chat_with_group(client)
        chat.run("import subprocess\nchild = subprocess.Popen(['sleep', '1000'])")
        chat.delete()
        until(lambda: not group.exists(), "the group of the deleted chat is gone")
        self.assertTrue(others_group.exists())
        self.assertEqual(server.stop()[0], 0)
        self.assertEqual(self.group.shells(), [])

    def test_groups_outlive_a_killed_server(self):
        server, client = self.serve()
        chat, group = self.chat_with_group(client)
        server.kill()
        # Else a service manager could not put the next one there.
        until(lambda: value(self.group.path / "cgroup.subtree_control") == "", "a server can be started in the group")
        self.assertTrue(group.exists())
        server, client = self.serve()
        self.assertEqual(Chat(client, chat.chat_id).run("print(before is not None)").stdout, "True\n")
        self.assertEqual(self.group.shells(), [group])
        self.check_limits(group)
        _, new = self.chat_with_group(client)
        self.check_limits(new)
        server.stop()
        self.assertEqual(self.group.shells(), [])

    def test_what_a_killed_supervisor_leaves_is_cleared_by_the_next(self):
        server, client = self.serve()
        chat, group = self.chat_with_group(client)
        _, idle = self.chat_with_group(client)
        (supervisor,) = supervisors_of(self.data)
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: supervisors_of(self.data) - {supervisor} or chat.run("1").state == "done", "another one is there")
        cell = Chat(client).run("print(6 * 7)")
        self.assertEqual(cell.stdout, "42\n", cell)
        until(lambda: not group.exists() and not idle.exists(), "the former groups are gone")
        for new in self.group.shells():
            self.check_limits(new)
        self.assertGreater(len(self.group.shells()), 0)

    def test_code_does_not_see_its_group_and_cannot_leave_it(self):
        _, client = self.serve()
        chat, group = self.chat_with_group(client)
        inside = set(value(group / "cgroup.procs").split())
        cell = chat.run("""
import os, pathlib
print(os.path.exists("/sys/fs/cgroup"), " - cgroup" in pathlib.Path("/proc/self/mountinfo").read_text())
print(pathlib.Path("/proc/self/cgroup").read_text(), end="")
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
os.makedirs("mine", exist_ok=True)
for flags in (0, 1 << 12):
    print("mount", libc.mount(b"none", b"mine", b"cgroup2", flags, None), os.strerror(ctypes.get_errno()))
print("unshare", libc.unshare(0x2000000), os.strerror(ctypes.get_errno()))
for name in ("/proc/self/cgroup", "/proc/1/cgroup"):
    try:
        open(name, "w").write("0")
        print("ESCAPED")
    except OSError as error:
        print(error.strerror)
""")
        self.assertEqual(cell.state, "done", cell)
        self.assertNotIn("ESCAPED", cell.text)
        self.assertTrue(cell.stdout.startswith(f"False False\n0::/../{group.name}\n"), cell)  # nothing above
        self.assertEqual(cell.stdout.count("mount -1"), 2)
        self.assertIn("unshare -1", cell.stdout)
        self.assertGreaterEqual(len(inside & set(value(group / "cgroup.procs").split())), 2)

    def test_the_doctor_tells_whether_whole_shells_are_limited(self):
        group = Group(PLACE, self.user, delegated=False)
        self.addCleanup(group.remove)
        for where, said in ((self.group, "ok .*cgroup v2"), (group, "warn .*Delegate=yes")):
            done = run_varro("doctor", "--data", str(self.data), "--config", str(self.settings),
                             binary=self.binary, launcher=where.launcher())
            self.assertRegex(re.sub(r"\n +", " ", done.stdout), f"(?m)^{said}")
            self.assertEqual(where.shells(), [])

    def test_without_delegation_the_limits_of_each_process_hold(self):
        group = Group(PLACE, self.user, delegated=False)
        self.addCleanup(group.remove)
        _, client = self.serve(group)
        chat = Chat(client)
        self.assertEqual(chat.run("print(6 * 7)").stdout, "42\n")
        self.assertEqual([path for path in group.path.iterdir() if path.is_dir()], [])
        cell = chat.run(self.hold(6, MEMORY_MIB // 4) + "while True: signal.pause()\n")
        self.assertRegex(cell.reason, rf"memory.*{MEMORY_MIB} MiB", cell)


@as_root
@unittest.skipUnless(is_systemd(), "no systemd here")
@unittest.skipIf(PLACE is None, REASON)
class Units(World):
    def setUp(self):
        super().setUp()
        self.group = Unit(self.directory, [self.binary, "serve", "--listen", "127.0.0.1:0", "--data", str(self.data),
                                           "--config", str(self.settings), "--model", "anthropic:claude-sonnet-4-5"],
                          {"ANTHROPIC_API_KEY": "sk-test-0000",
                           "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.model.port}"}, self.user)
        self.addCleanup(self.group.stop)

    def test_systemd_starts_a_killed_server_again_beside_its_shells(self):
        client = Client(self.group.server(1))
        chat, group = self.chat_with_group(client)
        self.check_limits(group)
        for start in (2, 3):
            os.kill(self.group.main_pid(), signal.SIGKILL)
            client = Client(self.group.server(start))
            self.assertEqual(Chat(client, chat.chat_id).run("print(before is not None)").stdout, "True\n")
            self.assertIn(group, self.group.shells())
            self.check_limits(group)
            self.check_limits(self.chat_with_group(client)[1])
        # systemd ends a unit of which the kernel has ended a process, unless it is told otherwise.
        server = self.group.main_pid()
        (group / "memory.max").write_text(str(MEMORY_MIB // 3 << 20))
        cell = Chat(client, chat.chat_id).run(f"held = bytearray(b'x') * ({MEMORY_MIB // 2} << 20)")
        self.assertRegex(cell.reason, "memory", cell)
        until(lambda: not group.exists(), "the group is gone")
        self.assertEqual(Chat(client, chat.chat_id).run("print('again')").stdout, "again\n")
        self.assertEqual((self.group.main_pid(), self.group.show("ActiveState")), (server, "active"))
        self.group.stop()
        self.assertFalse(self.group.path.exists())


@as_root
class CgroupsOfARootServer(Cgroups, unittest.TestCase):
    pass


class CgroupsOfAServiceUser(Cgroups, unittest.TestCase):
    user = SERVICE_USER if os.geteuid() == 0 else None


class UnitsOfARootServer(Units, unittest.TestCase):
    pass


class UnitsOfAServiceUser(Units, unittest.TestCase):
    user = SERVICE_USER


if __name__ == "__main__":
    if PLACE is None:
        print(f"skipped: {REASON}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
