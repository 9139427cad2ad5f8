"""Started as: python3 -I -B ARCHIVE SOCKET LIMITS.

SOCKET is the number of a stream socket that speaks the frames of shell/frames.hpp, LIMITS a JSON object of process
limits. The cells' code shares this process, so the server trusts nothing that comes from here; what the worker guards
against is accident.
"""
import json
import resource
import sys


def limit_process(limits):
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


limit_process(json.loads(sys.argv[2]))

from varro_worker.worker import main  # noqa: E402  (what it imports counts towards the limits)

sys.path.remove(sys.argv[0])
main(int(sys.argv[1]))
