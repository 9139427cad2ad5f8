#!/usr/bin/env python3
"""Makes varro-seccomp.json of an engine's default filter of system calls: the same, and what sandboxes are made with.

Usage: seccomp.py DEFAULT.json >varro-seccomp.json

DEFAULT.json is seccomp/default.json of https://github.com/moby/profiles for Docker, and
/usr/share/containers/seccomp.json for Podman; both have the same form.

The calls make namespaces and mounts. A process without capabilities gets nothing by them but within a user namespace of
its own. Shells themselves have a filter besides, which refuses them.
"""

import json
import sys

ALLOWED = ["clone", "clone3", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
           "open_tree", "pivot_root", "sethostname", "setns", "umount2", "unshare"]


def widened(profile):
    """A copy of the profile that allows these calls, whatever a rule of before said of them."""
    rules = []
    for rule in profile["syscalls"]:
        if rule["action"] == "SCMP_ACT_ALLOW":
            rules.append(rule)  # two rules that allow a call do not contradict each other
            continue
        names = [name for name in rule["names"] if name not in ALLOWED]
        if names:
            rules.append({**rule, "names": names})
    rules.append({"names": ALLOWED, "action": "SCMP_ACT_ALLOW", "comment": "the sandboxes of Varro's shells"})
    return {**profile, "syscalls": rules}


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            made = widened(json.load(file))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"seccomp.py: {sys.argv[1]} is no profile in the form of Docker's: {error!r}", file=sys.stderr)
        return 1
    json.dump(made, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
