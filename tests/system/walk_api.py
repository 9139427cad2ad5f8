"""Has schemathesis (PyPI) walk every operation of the API on a running server: no 5xx, and no answer that the document does
not tell of. Takes minutes, so it is a command of its own and no part of bin/test:

    VARRO=build/varro VARRO_MODEL=build/varro-model python3 -B tests/system/walk_api.py [--examples 50] [--seed 1]

Exits 0 when nothing was found, 1 when something was, 77 where schemathesis cannot be installed.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest

from api_checkers import WALKER, environment_with
from api_client import Program, new_token
from harness import Model, Varro, run_varro

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"
SKIPPED = 77
# A stream does not end while a run is on. And a chain of answers would find the walker's own name, and revoke its token:
# that operation is walked by itself, with names out of the air.
WHOLE = ("--exclude-operation-id", "streamEvents", "--exclude-operation-id", "changePerson")
BY_ITSELF = ("--include-operation-id", "changePerson", "--phases", "examples,coverage,fuzzing")


def walk(python, server, token, options, place, which):
    command = [python.parent / "schemathesis", "run", f"http://127.0.0.1:{server.port}/api/v1/openapi.json",
               "--url", f"http://127.0.0.1:{server.port}", "--header", f"Authorization: Bearer {token}",
               "--checks", CHECKS, "--max-examples", str(options.examples), "--seed", str(options.seed),
               "--request-timeout", "30", "--no-color", *which]
    return subprocess.run(command, check=False, cwd=place).returncode  # it writes a cache there


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=50, help="of each operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        python, directory = environment_with(WALKER)
    except unittest.SkipTest:
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="varro-system-") as place:
        data = pathlib.Path(place) / "data"
        data.mkdir()
        added = run_varro("user", "add", "root", "--admin", "--data", str(data), "--password-stdin",
                          stdin="root-password\n")
        assert added.returncode == 0, added.stderr
        model = Model()
        server = Varro(data, model, arguments=("--auth", "accounts"))
        try:
            token = new_token(data, "root", "read,chat,admin")
            program = Program(server, token)
            for text in ("[[python: print(1)]][[text: one]]", "[[text: two]]"):  # so that there are chats to find
                program.finish(program.begin(text))
            found = [walk(python, server, token, options, place, which) for which in (WHOLE, BY_ITSELF)]
            program.json("GET", "/chats")  # it is still there
        finally:
            server.stop()
            model.stop()
            if directory:
                directory.cleanup()
    return max(found)


if __name__ == "__main__":
    sys.exit(main())
