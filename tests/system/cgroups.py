"""Groups of cgroup v2 for tests: as a service manager makes them for a unit with Delegate=yes."""

import contextlib
import os
import pathlib
import re
import secrets
import subprocess
import sys

from cells import until

MOUNT = pathlib.Path("/sys/fs/cgroup")
CONTROLLERS = {"memory", "pids", "cpu"}
RUNNER = "test-runner"  # beside the groups of the tests: a group that is divided has no processes of its own


def words(path):
    return set(path.read_text().split())


def own_group():
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::/"):
            return MOUNT / line.removeprefix("0::/")
    return None


def is_delegated(group):
    try:
        return os.getxattr(group, "user.delegate") == b"1" and os.access(group / "cgroup.procs", os.W_OK)
    except OSError:
        return False


def place():
    """Where groups can be made, and else why not: as (directory or None, reason)."""
    own = own_group()
    if own is None or not (MOUNT / "cgroup.controllers").exists():
        return None, f"no cgroup v2 at {MOUNT}"
    if own.name == RUNNER:
        return own.parent, ""
    try:
        if is_delegated(own):
            (own / RUNNER).mkdir(exist_ok=True)
            for pid in words(own / "cgroup.procs"):
                (own / RUNNER / "cgroup.procs").write_text(pid)
            (own / "cgroup.subtree_control").write_text("+memory +pids +cpu")
            return own, ""
    except OSError as error:
        return None, f"{own} is delegated, and cannot be divided: {error}"
    if os.geteuid() != 0:
        return None, f"{own} is not delegated to this user (systemd: Delegate=yes)"
    missing = CONTROLLERS - words(MOUNT / "cgroup.subtree_control")
    return (None, f"cgroup v2 has not the controllers {sorted(missing)} here") if missing else (MOUNT, "")


def is_systemd():
    return os.path.isdir("/run/systemd/system")


def shells_in(group):
    return sorted(path for path in group.glob("shell-*") if path.is_dir())


def enter_unit_with_delegation(seconds_max):
    """Runs this program again in a unit of systemd's, if there is one to ask and no group was given already."""
    own = own_group()
    if os.geteuid() != 0 or own is None or is_delegated(own) or not is_systemd():
        return
    variables = [f"--setenv={name}" for name in os.environ if name.startswith(("VARRO", "PATH", "LANG"))]
    os.execvp("systemd-run", ["systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--same-dir", *variables,
                              "--property=Delegate=yes", f"--property=RuntimeMaxSec={seconds_max}",
                              *sys.orig_argv])


class Group:
    """A group that is given away to a user, or is not."""

    def __init__(self, directory, user=None, delegated=True):
        self.user = user
        self.path = directory / f"varro-test-{secrets.token_hex(6)}"
        self.path.mkdir()
        if delegated:
            os.setxattr(self.path, "user.delegate", b"1")
        if delegated and user is not None:
            for name in (".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"):
                os.chown(self.path / name, user, user)

    def launcher(self):
        """Goes before the command of a process that shall be in the group."""
        user = [] if self.user is None else ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.path), *user]

    def shells(self):
        return shells_in(self.path)

    def remove(self):
        (self.path / "cgroup.kill").write_text("1")
        until(lambda: "populated 0" in (self.path / "cgroup.events").read_text(), "the group is empty")
        for directory, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(directory)


class Unit:
    """A server as a service of systemd, with what the documentation names for it."""

    class Server:
        def __init__(self, port):
            self.port = int(port)

    def __init__(self, directory, argv, env, user=None):
        self.name = f"varro-test-{secrets.token_hex(6)}.service"
        self.path = MOUNT / "system.slice" / self.name
        self.output = directory / "output.txt"
        properties = ["Delegate=yes", "KillMode=process", "Restart=on-failure", "RestartSec=0",
                      f"StandardOutput=append:{self.output}", *([] if user is None else [f"User={user}"])]
        subprocess.run(["systemd-run", "--quiet", f"--unit={self.name}", *(f"--property={each}" for each in properties),
                        *(f"--setenv={name}={value}" for name, value in env.items()), *argv], check=True)

    def shells(self):
        return shells_in(self.path)

    def show(self, name):
        done = subprocess.run(["systemctl", "show", "--value", f"--property={name}", self.name], capture_output=True,
                              text=True, check=True)
        return done.stdout.strip()

    def main_pid(self):
        return int(self.show("MainPID"))

    def server(self, start):
        """Once it has been started so many times and listens."""
        def ports():
            return re.findall(r"listening on http://.*:(\d+)", self.output.read_text()) if self.output.exists() else []
        until(lambda: len(ports()) >= start or self.show("ActiveState") == "failed", f"start {start} of the server")
        assert len(ports()) == start, (ports(), self.show("Result"), self.show("NRestarts"))
        return self.Server(ports()[-1])

    def stop(self):
        subprocess.run(["systemctl", "stop", self.name], check=False, capture_output=True)
        subprocess.run(["systemctl", "reset-failed", self.name], check=False, capture_output=True)
