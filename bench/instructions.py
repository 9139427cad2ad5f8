#!/usr/bin/env python3
"""Instructions of the server for a fixed start, fixed turns and a fixed page, against a baseline.

    python3 bench/instructions.py [--build build] [--baseline bench/instructions.json] [--write] [--functions 15]
                                  [--config varro.toml]

Times are noisy and depend on the machine; the number of instructions that a program needs for the same work does not,
or by less than a percent here. The server runs under callgrind (Debian's `valgrind`), some fifty times slower, with a
scripted model beside it. Counted is what runs in the server's own process, without the kernel and without shells.

A row that is more than GROWTH_MAX above the baseline is an error (exit code 1), and the functions that grew are listed.
`--write` makes the baseline anew. It holds for one compiler, one build type and one processor family: elsewhere nothing
is judged, which is said (exit code 3).
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROWTH_MAX = 0.05  # of a row, as a share
TURNS = 40  # of each kind; the first WARM_UP of them are not counted
WARM_UP = 10
PAGES = 20
NO_VERDICT = 3
FUNCTIONS_KEPT = 60  # of a row of the baseline; another one counts as grown from nothing
LISTED_BYTES = 110  # of a function's name
TEXT = "[[text: An **answer** with `code` and a $formula$.]]"
CELL = "[[python: print(40 + 2)]][[text: It is 42.]]"


def functions_of(path):
    """Instructions by function, without those of the functions that it calls, from a file in callgrind's format."""
    cost, function, library, of_callee = collections.Counter(), "", "", False
    with open(path, errors="replace") as lines:
        for line in lines:
            if line.startswith("ob="):
                library = line[3:].strip().rpartition("/")[2]
            elif line.startswith("fn="):
                function = line[3:].strip()
                if function.startswith("0x"):  # a library without symbols
                    function = f"{library} {function}"
            elif line.startswith("calls="):
                of_callee = True
            elif line[:1].isdigit():
                if not of_callee:
                    cost[function] += int(line.split()[1])
                of_callee = False
    return cost


class Counted:
    """A server under callgrind; each look writes what has been counted since the one before."""

    def __init__(self, directory, model, data, arguments):
        from harness import Varro
        self.out = pathlib.Path(directory) / "callgrind"
        self.looks = 0
        self.varro = Varro(data, model, arguments=arguments, launcher=(
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", "--compress-strings=no",
            "--compress-pos=no"))

    def look(self):
        done = subprocess.run(["callgrind_control", "--dump", str(self.varro.pid)], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"callgrind_control: {done.stdout}{done.stderr}")
        self.looks += 1
        return functions_of(f"{self.out}.{self.looks}")


def measure(server_arguments):
    """{row: (how often, Counter of functions)}"""
    from harness import Client, Model
    rows = {}
    with tempfile.TemporaryDirectory(prefix="varro-instructions-") as directory:
        model = Model()
        server = Counted(directory, model, pathlib.Path(directory) / "data", server_arguments)
        try:
            client = Client(server.varro)
            rows["start"] = (1, server.look())

            def turns(message, count, chat=None):
                for _ in range(count):
                    reply = client.send(message, chat)
                    client.events(reply.chat_id)
                return reply.chat_id

            for name, message in (("text turn in a new chat", TEXT), ("turn with a cell in a new chat", CELL)):
                turns(message, WARM_UP)
                server.look()
                turns(message, TURNS - WARM_UP)
                rows[name] = (TURNS - WARM_UP, server.look())
            chat = turns(TEXT, 1)
            turns(TEXT, TURNS - 1, chat)
            client.get(f"/chat/{chat}")
            server.look()
            for _ in range(PAGES):
                client.get(f"/chat/{chat}")
            rows[f"page of {TURNS} turns"] = (PAGES, server.look())
        finally:
            server.varro.stop()
            model.stop()
    return rows


def conditions(build):
    """What a count depends on besides the sources."""
    cache = (build / "CMakeCache.txt").read_text()

    def cached(name):
        found = re.search(rf"(?m)^{name}:[A-Z]+=(.*)$", cache)
        return found[1] if found else ""

    compiler = subprocess.run([cached("CMAKE_CXX_COMPILER") or "c++", "-dumpfullversion", "-dumpversion"],
                              capture_output=True, text=True, check=False).stdout.strip()
    flags = re.search(r"(?m)^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text())
    return {"compiler": compiler, "build type": cached("CMAKE_BUILD_TYPE"), "sanitizers": cached("VARRO_SANITIZE"),
            "libc": "-".join(platform.libc_ver()), "machine": platform.machine(),
            "vectors": "avx2" if flags and " avx2" in flags[1] else "none"}


def readable(names):
    try:
        done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return dict(zip(names, names))
    return dict(zip(names, done.stdout.split("\n")))


def grown(before, now, count, listed):
    """Lines on the functions that grew most, in instructions for each start, turn or page."""
    each = {name: round(cost / count) for name, cost in now.items()}
    growth = sorted(((cost - before.get(name, 0), name) for name, cost in each.items()), reverse=True)[:listed]
    names = readable([name for _, name in growth])
    return [f"    {more:+,}  (of {each[name]:,})  {names[name][:LISTED_BYTES]}" for more, name in growth if more > 0]


def judge(rows, baseline, listed):
    """Prints the table and what grew; whether no row is above its bar."""
    print("| instructions for each | now | baseline | change |\n| --- | --- | --- | --- |")
    worse = []
    for name, (count, functions) in rows.items():
        now = round(sum(functions.values()) / count)
        old = baseline.get(name)
        if old is None:
            print(f"| {name} | {now:,} | – | – |")
            continue
        change = now / old["sum"] - 1
        print(f"| {name} | {now:,} | {old['sum']:,} | {change:+.1%} |")
        if change > GROWTH_MAX:
            worse.append(f"{name}: {change:+.1%}, more than {GROWTH_MAX:.0%}; the functions that grew most:")
            worse += grown(old["functions"], functions, count, listed)
    print("\n".join(worse))
    return not worse


def as_baseline(rows):
    out = {}
    for name, (count, functions) in rows.items():
        kept = {function: round(cost / count) for function, cost in functions.most_common(FUNCTIONS_KEPT)}
        out[name] = {"sum": round(sum(functions.values()) / count), "functions": kept}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--baseline", default=str(ROOT / "bench" / "instructions.json"))
    parser.add_argument("--write", action="store_true", help="makes the baseline")
    parser.add_argument("--functions", type=int, default=15, help="how many that grew are listed for a row")
    parser.add_argument("--config", help="of the server: what it costs beside the baseline")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    os.environ["VARRO"], os.environ["VARRO_MODEL"] = str(build / "varro"), str(build / "varro-model")
    sys.path.insert(0, str(ROOT / "tests" / "system"))
    here = conditions(build)
    rows = measure(("--config", arguments.config) if arguments.config else ())
    file = pathlib.Path(arguments.baseline)
    if arguments.write:
        file.write_text(json.dumps({"conditions": here, "rows": as_baseline(rows)}, indent=1) + "\n")
    stored = json.loads(file.read_text())
    fits = stored["conditions"] == here
    good = judge(rows, stored["rows"] if fits else {}, arguments.functions)
    if not fits:
        print(f"No verdict: the baseline was made with {stored['conditions']}, this is {here}.")
        return NO_VERDICT
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
