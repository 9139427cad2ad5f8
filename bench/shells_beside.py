"""What shells are measured beside: a fresh process in a sandbox for each chat, and Jupyter's kernel."""

import json
import os
import subprocess
import time

PYTHON = "/usr/bin/python3"
CELL = """import numpy, pandas as pd, matplotlib.pyplot as plt
print("sum", pd.DataFrame({"a": numpy.arange(4)}).a.sum())"""

# One process: start IPython as a shell does, run the cell, say so.
FRESH = """
import sys
from traitlets.config import Config
from IPython.core.interactiveshell import InteractiveShell
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_cell(sys.argv[1])
sys.stdout.flush()
sys.stdin.read()
"""

KERNEL = """
import json, sys, time
from jupyter_client.manager import KernelManager
times = []
for _ in range(int(sys.argv[1])):
    begin = time.perf_counter()
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    client.execute(sys.argv[2])
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream" and "sum 6" in message["content"]["text"]:
            break
    times.append(time.perf_counter() - begin)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(times))
"""


def fresh_arguments(script):
    links = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            links += ["--symlink", f"usr/{name}", f"/{name}"]
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "HOME", "/tmp",
            "--setenv", "PATH", "/usr/bin", "--setenv", "MPLBACKEND", "Agg", "--setenv", "OPENBLAS_NUM_THREADS", "1",
            "--ro-bind", "/usr", "/usr", *links, "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
            "--ro-bind-try", "/etc/matplotlibrc", "/etc/matplotlibrc", "--ro-bind-try", "/etc/fonts", "/etc/fonts",
            "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/tmp", PYTHON, "-I", "-B", "-c", script, CELL]


def starts_of_fresh(count):
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        process = subprocess.Popen(fresh_arguments(FRESH), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        line = process.stdout.readline()
        times.append(time.perf_counter() - begin)
        process.stdin.close()
        process.wait()
        process.stdout.close()
        if "sum 6" not in line:
            raise RuntimeError(f"the fresh process failed: {line!r}")
    return times


def starts_of_kernel(count, directory):
    """None, and why, where it cannot be installed."""
    environment = directory / "kernel"
    try:
        if not environment.exists():
            subprocess.run([PYTHON, "-m", "venv", "--system-site-packages", environment], check=True,
                           capture_output=True)
            subprocess.run([environment / "bin/pip", "install", "-q", "ipykernel", "jupyter_client"], check=True,
                           capture_output=True, text=True, timeout=600)
            subprocess.run([environment / "bin/python", "-m", "ipykernel", "install", "--sys-prefix"], check=True,
                           capture_output=True)
        done = subprocess.run([environment / "bin/python", "-c", KERNEL, str(count), CELL], check=True,
                              capture_output=True, text=True, timeout=600, env={**os.environ, "MPLBACKEND": "Agg"})
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"ipykernel is left out: {error} {getattr(error, 'stderr', '') or ''}"[:300]
    return json.loads(done.stdout), ""
