#!/usr/bin/env python3
"""Shells measured from outside, beside what one would use otherwise; prints a table in Markdown.

    python3 bench/shells.py [--starts 200] [--fresh 40] [--kernels 40] [--live 1,100,1000] [--build build] [--user UID]

In one run: the time from asking for a new chat's first cell to its result, beside a fresh bubblewrap with IPython and
an ipykernel (taken from the package index into a temporary virtual environment; left out when that fails); memory of
live shells; starts per second; going to sleep and waking. The cell imports numpy, pandas and matplotlib everywhere.
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from shells_beside import CELL, PYTHON, starts_of_fresh, starts_of_kernel

ROOT = pathlib.Path(__file__).resolve().parents[1]
SMALL_CELLS = ("""import pandas as pd
frame = pd.DataFrame({"a": range(1000)})
print(frame.a.sum())""", """import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 3, 2])
plt.show()""")
LARGER_CELLS = ("""import numpy as np
frame = pd.DataFrame({"group": np.arange(1000) % 7, "value": np.random.rand(1000)})
frame.groupby("group").value.describe()""", """frame.groupby("group").value.mean().plot.bar()
plt.title("means")
plt.show()""")
STAGES = {("pass",): 9 << 20, SMALL_CELLS: 18 << 20, LARGER_CELLS: 32 << 20}  # and what a shell needs at most after it
MEMORY_SHARE = 0.85  # of the memory that is available; more shells than fit into it are left out
MACHINE_WIDE_MIN = 50  # shells from which on the memory of the whole machine says something
HELD = {"nothing but a number": 0, "a DataFrame of 1 MB": 1 << 17, "a DataFrame of 100 MB": 100 << 17}  # rows
ROUNDS = 5
SETTLING_SECONDS, SETTLING_MAX = 3.0, 10  # between two looks at memory, and how many at most
CHATS_AT_ONCE = 4  # chats that are driven at the same time where the rate matters


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ms(seconds):
    return f"{seconds * 1000:,.1f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


def mib(size):
    return f"{size / (1 << 20):,.1f}"


class Table:
    def __init__(self, *head):
        self.rows = [head, ["---"] * len(head)]

    def row(self, *cells):
        self.rows.append(cells)
        print("   ".join(str(cell) for cell in cells), file=sys.stderr, flush=True)

    def __str__(self):
        return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows) + "\n"


class World:
    """A varro on a data directory of its own, and the scripted model."""

    def __init__(self, arguments, settings=""):
        from harness import Client, Model, Varro
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="varro-bench-"))
        self.directory.chmod(0o755)
        (self.directory / "data").mkdir()
        (self.directory / "varro.toml").write_text(settings)
        build = pathlib.Path(arguments.build).resolve()
        binary = build / "varro"
        if arguments.user is not None:
            os.chown(self.directory / "data", arguments.user, arguments.user)
            for program in build.glob("varro*"):
                if program.is_file() and os.access(program, os.X_OK):
                    shutil.copy2(program, self.directory)
            binary = self.directory / "varro"
        self.model = Model()
        self.varro = Varro(self.directory / "data", self.model, user=arguments.user, binary=str(binary),
                           arguments=["--config", str(self.directory / "varro.toml")])
        self.client = Client(self.varro)

    def chat(self):
        from cells import Chat
        return Chat(self.client)

    def close(self):
        self.varro.stop()
        self.model.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self):
        """All that the server started, also what no longer is its child by the path of its data or its user."""
        parents, found = {}, {self.varro.pid}
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    stat = pathlib.Path(f"/proc/{name}/stat").read_text()
                    parents[int(name)] = int(stat.rsplit(")", 1)[1].split()[1])
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            grown = bool(more)
            found |= more
        return found - {self.varro.pid}


@contextlib.contextmanager
def world(arguments, settings=""):
    one = World(arguments, settings)
    try:
        yield one
    finally:
        one.close()


def first_result(one):
    """A new chat's first cell through the whole path: HTTP, model, shell, commit, event stream."""
    chat = one.chat()
    cell = chat.run(CELL)
    if "sum 6" not in cell.stdout:
        raise RuntimeError(f"the cell failed: {cell}")
    return cell.result_seconds, chat


def starts_of_varro(arguments, count):
    with world(arguments) as one:
        chat = first_result(one)[1]
        path = [chat.run("print('sum 6')").result_seconds for _ in range(max(count // 4, 1))]
        times = []
        for _ in range(count):
            seconds, chat = first_result(one)
            times.append(seconds)
            chat.delete()
        return times, path


@contextlib.contextmanager
def supervisor_alone(arguments):
    """A varro-shells as varro starts it."""
    import shells_direct
    with world(arguments) as one:
        first_result(one)
        program, settings = shells_direct.settings_of(one.varro)
    with shells_direct.supervisor(program, settings) as one:
        yield one


def starts_of_supervisor(arguments, count):
    """From the request for a shell to the end of its first cell."""
    import shells_direct
    times = []
    with supervisor_alone(arguments) as one:
        for _ in range(count):
            seconds, shell = shells_direct.seconds_to_first_result(one, CELL)
            times.append(seconds)
            shell.close()
    return times


def rate_of_supervisor(arguments):
    with supervisor_alone(arguments) as one:
        begin = time.perf_counter()
        shells = [one.start() for _ in range(arguments.starts)]
        rate = arguments.starts / (time.perf_counter() - begin)
        for shell in shells:
            shell.close()
        return rate


def rate_of_varro(arguments):
    with world(arguments) as one:
        first_result(one)
        with concurrent.futures.ThreadPoolExecutor(CHATS_AT_ONCE) as pool:
            begin = time.perf_counter()
            list(pool.map(lambda _: first_result(one), range(arguments.starts)))
            return arguments.starts / (time.perf_counter() - begin)


def pss_of(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, StopIteration):
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10
    return total


def memory_used():
    """Of the whole machine: page tables and what else the kernel holds for a process count, too."""
    fields = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return -(int(fields["MemAvailable"].split()[0]) << 10)


class Memory:
    def __init__(self, one):
        self.one = one
        self.before = self.now()

    def now(self):
        """Once nothing falls any more: shells give memory back when they have had nothing to do for a second."""
        pss = pss_of(self.one.processes())
        for _ in range(SETTLING_MAX):
            time.sleep(SETTLING_SECONDS)
            before, pss = pss, pss_of(self.one.processes())
            if pss > before * 0.998:
                break
        return memory_used(), pss

    def each(self, count):
        used, pss = self.now()
        return (used - self.before[0]) / count, (pss - self.before[1]) / count


def memory_of_varro(arguments, table):
    for count in arguments.live:
        with world(arguments, f"[shell]\nlive_max = {max(count + 10, 200)}\n") as one:
            first_result(one)[1].delete()
            memory = Memory(one)
            chats, figures = [one.chat() for _ in range(count)], []
            with concurrent.futures.ThreadPoolExecutor(CHATS_AT_ONCE) as pool:
                for cells, needed in STAGES.items():
                    if count * needed > -memory.before[0] * MEMORY_SHARE:
                        figures += ["the machine is too small", ""]
                        continue
                    for code in cells:
                        cells_run = list(pool.map(lambda chat, code=code: chat.run(code), chats))
                        failed = [cell for cell in cells_run if cell.state != "done"]
                        if failed:
                            raise RuntimeError(f"{len(failed)} of {count} cells failed: {failed[0]}")
                    used, pss = memory.each(count)
                    # What other programs take and give meanwhile is more than a few shells need.
                    figures += [mib(used) if count >= MACHINE_WIDE_MIN else "–", mib(pss)]
            status = pathlib.Path(f"/proc/{one.varro.pid}/status").read_text()
            server = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
            table.row(f"{count:,}", *figures, mib(int(server) << 10))


def sleep_and_wake(arguments, table):
    """A server with room for one shell: a cell in the other chat puts the first to sleep."""
    for name, rows in HELD.items():
        with world(arguments, "[shell]\nlive_max = 1\nstarting_max = 1\nmemory_bytes_max = 4294967296\n") as one:
            chat, other = one.chat(), one.chat()
            chat.run("import numpy as np, pandas as pd\nkept = 42\n"
                     f"frame = pd.DataFrame({{'a': np.random.rand({rows})}})\n"
                     "open('ran.txt', 'a').write('x')")
            same = statistics.median(chat.run("print(kept)").result_seconds for _ in range(5))
            new = other.run("print('there')").result_seconds
            woken = chat.run("print(kept, len(frame), len(open('ran.txt').read()))")
            if f"42 {rows} 1" not in woken.stdout:
                table.row(name, "left out: sleeping shells are not woken from snapshots yet", "", "")
                return
            table.row(name, ms(same), ms(new), ms(woken.result_seconds))


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    python = subprocess.run([PYTHON, "--version"], capture_output=True, text=True).stdout.strip()
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, {python}"


def compare_starts(arguments, directory):
    table = Table("start to first result", "starts", "p50 ms", "p99 ms", "whole path is faster by", "varro-shells by")
    times, path, alone, fresh, kernel, why = [], [], [], [], [], ""
    # In turns, so that what else the machine does meets all of them.
    for part in range(ROUNDS):
        def share(of, part=part):
            return of // ROUNDS + (part < of % ROUNDS)

        new, live = starts_of_varro(arguments, share(arguments.starts))
        times, path = times + new, path + live
        alone += starts_of_supervisor(arguments, share(arguments.starts))
        fresh += starts_of_fresh(share(arguments.fresh))
        if not why:
            new, why = starts_of_kernel(share(arguments.kernels), directory)
            kernel += new or []
    own, shells = statistics.median(times), statistics.median(alone)
    table.row("Varro, the whole path: HTTP, model, shell, commit, stream", len(times), ms(own),
              ms(percentile(times, 0.99)), "", "")
    table.row("varro-shells alone: asked for a shell, first result", len(alone), ms(shells),
              ms(percentile(alone, 0.99)), "", "")
    table.row("the whole path in a shell that is there", len(path), ms(statistics.median(path)),
              ms(percentile(path, 0.99)), "", "")
    others = [("a fresh bubblewrap and IPython", fresh)] + ([("an ipykernel, no sandbox", kernel)] if kernel else [])
    for name, measured in others:
        table.row(name, len(measured), ms(statistics.median(measured)), ms(percentile(measured, 0.99)),
                  f"{statistics.median(measured) / own:.1f} ×", f"{statistics.median(measured) / shells:.1f} ×")
    return table, why


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--fresh", type=int, default=40)
    parser.add_argument("--kernels", type=int, default=40)
    parser.add_argument("--live", type=lambda text: [int(n) for n in text.split(",") if n], default=[1, 100, 1000])
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--user", type=int, help="run the server as this user (only as root)")
    parser.add_argument("--only", default="starts,rate,memory,sleep")
    arguments = parser.parse_args()
    os.environ.setdefault("VARRO_MODEL", str(pathlib.Path(arguments.build).resolve() / "varro-model"))
    sys.path.insert(0, str(ROOT / "tests" / "system"))
    parts, only = [f"On {machine()}.\n"], arguments.only.split(",")
    with tempfile.TemporaryDirectory() as directory:
        if "starts" in only:
            table, why = compare_starts(arguments, pathlib.Path(directory))
            parts += [str(table), why]
    if "rate" in only:
        table = Table("starts per second", "")
        table.row("varro-shells alone, one after the other, without a cell", f"{rate_of_supervisor(arguments):,.0f}")
        table.row(f"the whole path to a first result, {CHATS_AT_ONCE} chats at once",
                  f"{rate_of_varro(arguments):,.0f}")
        parts.append(str(table))
    if "memory" in only:
        table = Table("live shells, MiB each", "idle", "PSS", "after a pandas and a plot cell", "PSS",
                      "after a group-by and a bar chart", "PSS", "the server, RSS MiB")
        memory_of_varro(arguments, table)
        parts.append(str(table))
    if "sleep" in only:
        table = Table("a shell that holds", "its next cell ms", "another shell while it goes to sleep ms",
                      "its next cell after it slept ms")
        sleep_and_wake(arguments, table)
        parts.append(str(table))
    print("\n".join(part for part in parts if part))


if __name__ == "__main__":
    main()
