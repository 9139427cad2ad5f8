"""Programs of PyPI that judge the API: installed into an environment of their own, where the network lets them."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import venv

VALIDATORS = ("openapi-spec-validator==0.8.5", "openapi-core==0.23.1")
WALKER = ("schemathesis==4.32.5",)
INSTALL_SECONDS = 150  # much less than what a test may take as a whole


def environment_with(packages):
    """The Python of an environment that has these. VARRO_CHECKERS: one that has them already. Skips, and says so, where
    they cannot be had."""
    if python := os.environ.get("VARRO_CHECKERS"):
        return pathlib.Path(python), None
    directory = tempfile.TemporaryDirectory(prefix="varro-checkers-")
    python = pathlib.Path(directory.name) / "bin" / "python"
    try:
        venv.create(directory.name, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--retries", "1", "--timeout", "15", *packages], check=True,
                       capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        directory.cleanup()
        words = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        print(f"SKIPPED: {', '.join(packages)} cannot be installed: {words[-1] if words else error}", file=sys.stderr)
        raise unittest.SkipTest("PyPI cannot be reached") from error
    return python, directory
