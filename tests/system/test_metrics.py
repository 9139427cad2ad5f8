"""/metrics: who may read it, what it tells after a chat, and that Prometheus' own tool, the dashboard and the alerts go with it."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from cells import Chat, until
from harness import ROOT, Client, SystemTest

TOKEN = "a-token-that-nobody-guesses"
DASHBOARD = ROOT / "docs" / "grafana.json"
ALERTS = ROOT / "docs" / "alerts.yaml"
PRICE = """
[prices]
currency = "EUR"
[[price]]
model = "anthropic:claude-sonnet-4-5"
from = 2020-01-01
input = 3
output = 15
"""


def samples(text):
    """The value of each sample, by its name with its labels."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def promtool(directory):
    """Debian's promtool, which is unpacked and not installed; None where it cannot be had."""
    if found := shutil.which("promtool"):
        return found
    if not shutil.which("apt-get"):
        return None
    got = subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=directory, capture_output=True, timeout=240,
                         check=False)
    packages = list(pathlib.Path(directory).glob("prometheus_*.deb"))
    if got.returncode != 0 or not packages:
        return None
    subprocess.run(["dpkg-deb", "--extract", str(packages[0]), directory], check=True)
    return os.path.join(directory, "usr", "bin", "promtool")


class Metrics(SystemTest):
    environment = {"VARRO_METRICS_TOKEN": TOKEN}

    @classmethod
    def prepare(cls):
        configuration = pathlib.Path(cls.directory) / "varro.toml"
        configuration.write_text(PRICE)
        cls.arguments = ("--config", str(configuration))

    def read(self, **kw):
        return self.client.get("/metrics", **kw)

    def wait_for(self, name, least=1):
        """A sample, once it has this value: some are noted by a thread that nobody waits for."""
        until(lambda: samples(self.read().text).get(name, 0) >= least, f"{name} of {least}")

    def test_a_turn_with_a_cell_is_seen_in_every_number_that_it_changes(self):
        chat = Chat(self.client)
        self.assertEqual(chat.run("print(6 * 7)").stdout.strip(), "42")
        for name in ("varro_first_node_seconds_count", "varro_node_added_seconds_count", "varro_commit_seconds_count",
                     "varro_writes_total", 'varro_cells_total{status="ok"}',
                     'varro_shell_start_seconds_count{result="started"}',
                     'varro_model_request_seconds_count{outcome="answered",provider="anthropic"}',
                     'varro_tokens_total{class="input",model="anthropic:claude-sonnet-4-5"}',
                     'varro_tokens_total{class="output",model="anthropic:claude-sonnet-4-5"}',
                     "varro_render_seconds_count", 'varro_requests_total{status="200"}', "varro_processor_seconds_total"):
            with self.subTest(name):
                self.wait_for(name, least=1e-6 if name.endswith("_seconds_total") else 1)
        found = samples(self.read().text)
        self.assertGreater(found['varro_cost_total{currency="EUR",model="anthropic:claude-sonnet-4-5"}'], 0)
        self.assertEqual(sum(v for k, v in found.items() if k.startswith("varro_shell_states{")), found["varro_shells"])
        for actor in ("chat_registry", "http_gateway", "shell_host", "store_reader"):
            self.assertGreaterEqual(found[f'varro_actor_answer_seconds{{actor="{actor}"}}'], 0)
        self.assertGreater(found["varro_machine_available_bytes"], 0)

    def test_first_nodes_are_counted_once_a_turn_and_nodes_each(self):
        before = samples(self.read().text)
        chat = Chat(self.client)
        chat.run("print(1)")  # an answer with a call, its result, the last answer
        self.wait_for("varro_node_added_seconds_count", before.get("varro_node_added_seconds_count", 0) + 3)
        found = samples(self.read().text)
        self.assertEqual(found["varro_first_node_seconds_count"] - before.get("varro_first_node_seconds_count", 0), 1)
        self.assertEqual(found["varro_node_added_seconds_count"] - before.get("varro_node_added_seconds_count", 0), 3)

    def test_a_failure_of_the_vendor_is_told_by_its_kind(self):
        name = 'varro_model_request_seconds_count{outcome="refused",provider="anthropic"}'
        before = samples(self.read().text).get(name, 0)
        self.client.turn("[[error: 400]]")
        self.wait_for(name, before + 1)

    def test_only_this_machine_and_who_has_the_token_may_read(self):
        self.assertEqual(self.read().status, 200)
        passed_on = {"X-Forwarded-For": "127.0.0.1"}
        self.assertEqual(self.read(headers=passed_on).status, 403)
        with_token = {**passed_on, "Authorization": f"Bearer {TOKEN}"}
        self.assertEqual(self.read(headers=with_token).status, 200)
        refused = self.read(headers={**passed_on, "Authorization": f"Bearer {TOKEN[:-1]}"})
        self.assertEqual((refused.status, "varro_" in refused.text), (401, False))
        self.assertIn("Bearer", refused.headers["www-authenticate"])

    def test_neither_users_nor_chats_nor_words_are_told(self):
        chat = Chat(self.client)
        chat.run("print('pomegranate')")
        text = self.read().text
        self.assertNotIn("pomegranate", text)
        labels = set(re.findall(r'(\w+)="', text))
        self.assertEqual(labels - {"le", "status", "state", "result", "provider", "outcome", "model", "class", "currency",
                                   "actor", "version"}, set())

    def test_prometheus_own_tool_finds_nothing_to_complain_of(self):
        with tempfile.TemporaryDirectory() as directory:
            tool = promtool(directory)
            if tool is None:
                self.skipTest("SKIPPED: promtool is not here, and Debian's package cannot be had")
            Chat(self.client).run("print(1)")
            checked = subprocess.run([tool, "check", "metrics"], input=self.read().text, text=True, capture_output=True,
                                     check=False)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
            rules = subprocess.run([tool, "check", "rules", str(ALERTS)], text=True, capture_output=True, check=False)
            self.assertEqual(rules.returncode, 0, rules.stdout + rules.stderr)

    def test_the_dashboard_and_the_alerts_use_only_numbers_that_there_are(self):
        Chat(self.client).run("print(1)")
        self.wait_for('varro_cost_total{currency="EUR",model="anthropic:claude-sonnet-4-5"}', 1e-12)
        self.wait_for("varro_render_seconds_count")
        there = {re.sub(r"\{.*", "", name) for name in samples(self.read().text)}
        expressions = [ALERTS.read_text()]
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            expressions += [target["expr"] for target in panel.get("targets", [])]
        used = {name for each in expressions for name in re.findall(r"\bvarro_[a-z_]+", each)}
        self.assertGreater(len(used), 10)
        self.assertEqual(used - there, set())


if __name__ == "__main__":
    unittest.main()
