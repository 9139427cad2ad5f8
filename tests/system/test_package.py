"""The Debian package: installed, upgraded, removed and purged, in a copy of this machine's root that nobody else sees.

The root is an overlay over the machine's own, in a mount namespace, so that the dependencies are there; /run is empty, so that
no systemd is. Needs root, dpkg and overlayfs.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from cells import Chat, until
from harness import OURS, ROOT, VARRO, WAIT_SECONDS, Client, Model, Process

SKIPPED = 77  # the exit code by which ctest knows
BUILD = pathlib.Path(VARRO).resolve().parent
UNIT = "/usr/lib/systemd/system/varro.service"
CONFIGURATION = "/etc/varro/varro.toml"
COMMAND_SECONDS = 240
MAKE_ROOT = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/changed" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changed,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs tmpfs mnt
mkdir mnt/machine
pivot_root . mnt/machine
echo ready
exec cat
"""


class Root:
    """A root of its own; `run` runs a command in it."""

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="varro-package-")
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MAKE_ROOT, "sh", self.place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            why = self.holder.stderr.read()
            self.close()
            raise unittest.SkipTest(f"no root of its own can be made here: {why.strip()}")

    def close(self):
        """Also what a server left behind here, which --keep-shells is for."""
        with contextlib.suppress(OSError):  # where there came no root to be
            mounts = os.stat(f"/proc/{self.holder.pid}/ns/mnt").st_ino
            ours = os.stat("/proc/self/ns/mnt").st_ino
            for entry in filter(str.isdigit, os.listdir("/proc")) if mounts != ours else ():
                with contextlib.suppress(OSError):
                    if int(entry) != self.holder.pid and os.stat(f"/proc/{entry}/ns/mnt").st_ino == mounts:
                        os.kill(int(entry), signal.SIGKILL)
        self.holder.stdin.close()
        self.holder.wait(WAIT_SECONDS)  # its mounts go with it
        self.holder.stdout.close()
        self.holder.stderr.close()
        os.rmdir(self.place)

    @property
    def enter(self):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--"]

    def run(self, *command, env=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        clean.update({"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
                      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})})
        return subprocess.run([*self.enter, *command], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                              timeout=COMMAND_SECONDS, env=clean, check=False)

    def text(self, path):
        done = self.run("cat", path)
        return done.stdout if done.returncode == 0 else None

    def put(self, path, text):
        subprocess.run([*self.enter, "sh", "-c", 'cat >"$1"', "sh", path], input=text, text=True, check=True)


def make_package(directory):
    done = subprocess.run(["cpack", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(directory / "cpack")],
                          cwd=BUILD, text=True, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    made = list((directory / "cpack").glob("varro_*.deb"))
    assert done.returncode == 0 and len(made) == 1, done.stdout + done.stderr
    return made[0]


def with_another_version(package, version, directory):
    """The same package as a later one."""
    unpacked = directory / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(unpacked)], check=True)
    control = unpacked / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    later = directory / f"varro_{version}.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--build", "--root-owner-group", str(unpacked), str(later)], check=True,
                   capture_output=True)
    return later


def service(root, model):
    """What the unit starts, as its user, on a free port and with a scripted model; nobody has to log in."""
    unit = root.text(UNIT)
    command = re.search(r"(?m)^ExecStart=(.*)$", unit)[1].split()
    user = re.search(r"(?m)^User=(.*)$", unit)[1]
    return Process([*root.enter, "setpriv", "--reuid", user, "--regid", user, "--init-groups", "--", *command,
                    "--listen", "127.0.0.1:0", "--auth", "local", "--model", "anthropic:claude-sonnet-4-5"],
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ANTHROPIC_API_KEY": "sk-test-0000",
                        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.port}"})


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-package-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, True)
        cls.package = make_package(cls.directory)
        cls.model = Model()
        cls.addClassCleanup(cls.model.stop)
        cls.later = with_another_version(cls.package, "999.0", cls.directory)

    def root(self):
        root = Root()
        self.addCleanup(root.close)
        return root

    def dpkg(self, root, *arguments):
        """Packages come into the root by its standard input, because its /tmp is its own."""
        done = root.run("dpkg", *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def install(self, root, package):
        with open(package, "rb") as file:
            subprocess.run([*root.enter, "sh", "-c", "cat >/tmp/varro.deb"], stdin=file, check=True)
        return self.dpkg(root, "--install", "/tmp/varro.deb")

    def control(self, field):
        return subprocess.run(["dpkg-deb", "--field", str(self.package), field], text=True, capture_output=True,
                              check=True).stdout.strip()

    def test_an_installed_server_answers_as_its_own_user_and_an_upgrade_keeps_what_is_there(self):
        root = self.root()
        told = self.install(root, self.package)
        self.assertIn("a cell ran", told, "the doctor runs at the end")
        self.assertIn("varro user add NAME --admin", told)
        data = root.run("stat", "-c", "%U:%G %a", "/var/lib/varro").stdout.strip()
        self.assertEqual(data, "varro:varro 700")
        secrets = root.run("stat", "-c", "%U:%G %a", "/etc/varro/environment").stdout.strip()
        self.assertEqual(secrets, "root:root 600")
        added = root.run("sh", "-c", "echo a-long-password | runuser -u varro -- varro user add ada --admin"
                                     f" --password-stdin --config {CONFIGURATION}")
        self.assertEqual(added.returncode, 0, added.stderr)

        configuration = root.text(CONFIGURATION) + "\n[chat]\nresident_max = 77\n"
        root.put(CONFIGURATION, configuration)
        with contextlib.ExitStack() as cleanup:
            first = service(root, self.model)
            cleanup.callback(lambda: first.popen.poll() is None and first.stop())
            chat = Chat(Client(first))
            # No snapshot holds a generator: only the shell itself knows where it stands.
            self.assertEqual(chat.run("numbers = (n for n in (41, 42))\nprint(next(numbers))").stdout.strip(), "41")

            told = self.install(root, self.later)
            self.assertEqual(root.text(CONFIGURATION), configuration, "what somebody wrote there stays")
            self.assertEqual(root.run("dpkg-query", "-W", "-f", "${Version}", "varro").stdout, "999.0")
            self.assertNotIn("user add NAME", told, "that is for the first time")
            self.assertEqual(first.stop()[0], 0)

            second = service(root, self.model)
            cleanup.callback(lambda: second.popen.poll() is None and second.stop())
            chat.client.server = second
            after = chat.run("print(next(numbers))")
            self.assertEqual(after.stdout.strip(), "42", f"the shell goes on: {after}")
            chat.delete()

    def test_a_removal_ends_the_shells_and_a_purge_leaves_the_chats_only(self):
        root = self.root()
        self.install(root, self.package)
        server = service(root, self.model)
        try:
            Chat(Client(server)).run("x = 1")
        finally:
            server.stop()
        processes = lambda: root.run("pgrep", "-u", "varro", "-x", "varro-shells").stdout.split()
        self.assertEqual(len(processes()), 1, "--keep-shells in the unit keeps them")

        self.dpkg(root, "--remove", "varro")
        until(lambda: not processes(), "the end of varro-shells, with what the system has to do for that")
        for gone in ("/usr/bin/varro", "/usr/lib/varro", UNIT):
            self.assertNotEqual(root.run("test", "-e", gone).returncode, 0, gone)
        self.assertIsNotNone(root.text(CONFIGURATION))

        told = self.dpkg(root, "--purge", "varro")
        self.assertNotEqual(root.run("test", "-e", "/etc/varro").returncode, 0, root.run("ls", "/etc/varro").stdout)
        self.assertEqual(root.run("test", "-e", "/var/lib/varro/varro.db").returncode, 0)
        self.assertIn("rm -rf /var/lib/varro", told)
        self.assertEqual(root.run("runuser", "-u", "varro", "--", "true").returncode, 0, "the files have an owner still")

    def test_what_the_doctor_misses_does_not_fail_the_installation(self):
        root = self.root()
        root.run("mv", "/usr/bin/bwrap", "/usr/bin/bwrap-moved")
        told = self.install(root, self.package)
        self.assertIn("bubblewrap is missing", told)
        self.assertIn("FAIL say what is still missing", told)

    def test_it_depends_on_what_the_server_starts(self):
        needed = self.control("Depends")
        for package in ("adduser", "bubblewrap", "ca-certificates", "python3-ipython", "python3-cloudpickle", "libcaf",
                        "libsqlite3-0", "libc6"):
            self.assertIn(package, needed)
        setup = (ROOT / "bin" / "setup").read_text()
        for package in re.findall(r"\b(?:python3-\w+|bubblewrap)\b", setup):
            self.assertIn(package, needed + self.control("Recommends"), "bin/setup installs it for the source tree")

    def test_its_files_are_where_debian_wants_them(self):
        listed = subprocess.run(["dpkg-deb", "--contents", str(self.package)], text=True, capture_output=True,
                                check=True).stdout
        paths = [line.split(None, 5)[5] for line in listed.splitlines()]
        files = [path[1:] for path in paths if not path.endswith("/")]
        allowed = ("/etc/varro/", "/etc/apparmor.d/varro", "/usr/bin/varro", "/usr/lib/varro/", UNIT,
                   "/usr/share/doc/varro/")
        self.assertEqual([path for path in files if not path.startswith(allowed)], [])
        for line in listed.splitlines():
            self.assertRegex(line, r"^[-dl]\S+ root/root ")
            self.assertNotRegex(line[1:10], "[sS]", "no set-uid program")
        self.assertIn("/usr/bin/varro -> ../lib/varro/varro", files)
        self.assertEqual({pathlib.Path(p).name for p in files if p.startswith("/usr/lib/varro/")},
                         {"varro", "varro-shells", "varro-pictures", "varro-markdown"})
        conffiles = subprocess.run(["dpkg-deb", "--info", str(self.package), "conffiles"], text=True, capture_output=True,
                                   check=True).stdout.split()
        self.assertEqual(sorted(conffiles), sorted(p for p in files if p.startswith("/etc/")))

    def test_it_can_be_removed_when_somebody_has_deleted_its_user(self):
        root = self.root()
        self.install(root, self.package)
        self.assertEqual(root.run("deluser", "--system", "varro").returncode, 0)
        self.dpkg(root, "--remove", "varro")

    def test_the_unit_has_none_of_the_lines_that_do_not_go(self):
        unit = (ROOT / "deploy" / "debian" / "varro.service").read_text()
        there = set(re.findall(r"(?m)^(\w+)=", unit))
        forbidden = set(re.findall(r"`(\w+)=", (ROOT / "docs" / "service.md").read_text().partition("These do not go")[2]))
        self.assertIn("RestrictSUIDSGID", forbidden)
        self.assertEqual(there & forbidden, set())

    def test_systemd_understands_the_unit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        root = self.root()
        self.install(root, self.package)
        done = root.run("systemd-analyze", "verify", "--man=no", UNIT)
        about = [line for line in (done.stdout + done.stderr).splitlines() if "varro" in line]
        self.assertEqual(about, [])

    def test_lintian_finds_no_error(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not here")
        # Nobody is there to write to: it is built by who installs it.
        left_out = "bogus-mail-host,bogus-mail-host-in-debian-changelog"
        done = subprocess.run(["lintian", "--fail-on", "error", "--allow-root", "--suppress-tags", left_out,
                               str(self.package)], text=True, capture_output=True, timeout=COMMAND_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Filter(unittest.TestCase):
    def test_the_containers_filter_is_the_engines_own_with_the_calls_that_make_sandboxes(self):
        own = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount", "bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["clone3", "kexec_load"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(own, file)
            file.flush()
            done = subprocess.run([sys.executable, "-B", str(ROOT / "deploy" / "seccomp.py"), file.name], text=True,
                                  capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = json.loads(done.stdout)
        self.assertEqual(made["defaultAction"], "SCMP_ACT_ERRNO")
        self.assertEqual(made["syscalls"][:2], own["syscalls"][:2])
        self.assertEqual(made["syscalls"][2]["names"], ["kexec_load"])
        allowed = [rule for rule in made["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" and "includes" not in rule]
        self.assertIn("pivot_root", allowed[-1]["names"])
        self.assertNotIn("bpf", {name for rule in allowed for name in rule["names"]})

    def test_what_is_no_filter_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"names": []}')
            file.flush()
            done = subprocess.run([sys.executable, "-B", str(ROOT / "deploy" / "seccomp.py"), file.name], text=True,
                                  capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no profile", done.stderr)


def main():
    missing = [name for name in ("cpack", "dpkg", "dpkg-deb", "dpkg-shlibdeps", "file", "unshare", "nsenter", "runuser",
                                 "setpriv", "adduser") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if os.geteuid() != 0 or missing:
        print("test_package: SKIPPED: the package is not tried:",
              "needs " + ", ".join(missing) if missing else "only root can install it", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()


if __name__ == "__main__":
    main()
