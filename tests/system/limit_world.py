"""A server with one user, "local", whose limits a test sets."""

import contextlib
import pathlib
import sqlite3
import tempfile
import unittest

from harness import Model, Varro, run_varro

MODEL = "anthropic:claude-sonnet-4-5"
INPUT, OUTPUT = 100, 10  # less than what Varro takes a request for whose answer nobody has read
# Each answer is one more cell, for ever: only a limit ends such a turn. What it costs is the same each time.
ENDLESS = {"rules": [
    {"when": {"user_contains": "endless"},
     "answer": {"python": "1", "usage": {"input": INPUT, "output": OUTPUT}}},
    {"when": {"user_contains": "short"}, "answer": {"text": "Short.", "usage": {"input": INPUT, "output": OUTPUT}}},
]}
PRICES = f"""
[agent]
resumes_max = 100
model_requests_max = 10000
[prices]
currency = "EUR"
[[price]]
model = "{MODEL}"
from = 2020-01-01
input = 10000
output = 0
"""  # so that a request costs exactly one euro


def limit(data, verb, *arguments):
    done = run_varro("limit", verb, "--data", str(data), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


class OwnServer(unittest.TestCase):
    """A server for each test, whose one user is "local"."""

    def setUp(self):
        self.model = Model(ENDLESS)
        self.addCleanup(self.model.stop)
        directory = tempfile.TemporaryDirectory(prefix="varro-limits-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"
        self.data.mkdir()

    def start(self, settings=PRICES):
        (self.data / "varro.toml").write_text(settings)
        server = Varro(self.data, self.model)
        self.addCleanup(lambda: server.popen.poll() is None and server.stop())
        return server

    def number(self, query):
        with contextlib.closing(sqlite3.connect(self.data / "varro.db")) as database:
            return database.execute(query).fetchone()[0]
