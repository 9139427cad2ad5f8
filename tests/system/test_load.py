"""varro-load by scenarios: what it does to a server, and what it says when a server stands still."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import harness

VARRO_LOAD = os.environ.get("VARRO_LOAD", str(pathlib.Path(harness.VARRO_MODEL).parent / "varro-load"))
# What a machine with other things to do makes of a run that is otherwise as it should be: its generator was late.
INVALID = 3


def load_arguments(server, directory, scenario, *arguments):
    file = pathlib.Path(directory) / "scenario.toml"
    file.write_text(scenario)
    return [VARRO_LOAD, "--url", f"http://{server.host}:{server.port}", "--scenario", str(file), *arguments]


def load(server, directory, scenario, *arguments):
    return subprocess.run(load_arguments(server, directory, scenario, *arguments), capture_output=True, text=True,
                          timeout=harness.WAIT_SECONDS, check=False)


@unittest.skipUnless(pathlib.Path(VARRO_LOAD).exists(), "varro-load is not built")
class LoadTest(harness.SystemTest):
    def setUp(self):
        self.files = tempfile.TemporaryDirectory(prefix="varro-load-")
        self.addCleanup(self.files.cleanup)
        self.result = pathlib.Path(self.files.name) / "result.json"

    def test_users_reload_reconnect_stop_edit_and_watch_without_losing_anything(self):
        scenario = """
            seed = 2
            turns_per_chat = 3
            turn_max_seconds = 40
            slow_reader_ms = 300
            thresholds = ["lost == 0", "repeated == 0", "out_of_order == 0", "malformed == 0", "failed == 0",
                          "stopped > 0", "completed >= 20"]
            [load]
            arrivals = "constant"
            rate = 8
            seconds = 4
            [turns]
            text = 6
            cell = 1
            upload = 1
            [messages]
            text = "Wait. [[delay: 300]] [[text: Here you are. t={{now_us}}us]]"
            [behaviours]
            reload = 0.15
            second_viewer = 0.15
            reconnect = 0.15
            slow_reader = 0.1
            stop = 0.15
            edit = 0.15
            """
        page, hlog = self.result.with_suffix(".html"), self.result.with_suffix(".hlog")
        done = load(self.varro, self.files.name, scenario, "--json", str(self.result), "--html", str(page),
                    "--hlog", str(hlog))
        self.assertIn(done.returncode, (0, INVALID), done.stdout + done.stderr)
        result = json.loads(self.result.read_text())
        self.assertTrue(result["passed"], done.stdout)
        counts = result["counts"]
        self.assertEqual(counts["completed"] + counts["stopped"], 32)
        self.assertGreater(result["durations"]["page"]["count"], 0)
        self.assertEqual(result["durations"]["lateness"]["count"], 32)
        self.assertEqual(result["durations"]["accepted"]["count"], 32)
        self.assertEqual(self.model.state()["refused"], 0)
        self.assertRegex(done.stderr, r"(?m)^ +1 s  \d+ turns")
        self.assertIn("<svg", page.read_text())
        self.assertRegex(hlog.read_text(), r"(?m)^Tag=turn,\d+\.\d{3},\d+\.\d{3},\d+\.\d{3},HISTF")

    def test_a_server_that_stands_still_is_charged_for_all_who_would_have_waited(self):
        scenario = """
            [load]
            arrivals = "constant"
            rate = 10
            seconds = 9
            """
        running = subprocess.Popen(load_arguments(self.varro, self.files.name, scenario, "--json", str(self.result)),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            seconds = 0
            for line in running.stderr:  # one a second
                seconds += bool(re.match(r" +\d+ s ", line))
                if seconds == 2:
                    os.kill(self.varro.pid, signal.SIGSTOP)
                if seconds == 5:
                    os.kill(self.varro.pid, signal.SIGCONT)
            running.wait(harness.WAIT_SECONDS)
        finally:
            os.kill(self.varro.pid, signal.SIGCONT)
            running.kill()
            running.wait()
            running.stderr.close()
        result = json.loads(self.result.read_text())
        self.assertEqual(result["counts"]["completed"], 90)
        turn = result["durations"]["turn"]
        self.assertGreaterEqual(turn["p99_us"], 2_500_000)
        # All those of three seconds waited for a part of them: a generator that had waited itself would show one.
        late = sum(each["completed"] for each in result["intervals"] if each["turn_p50_us"] > 500_000)
        self.assertGreaterEqual(late, 20)
        self.assertLess(turn["p50_us"], 1_000_000)

    def test_a_broken_threshold_and_a_bad_scenario_have_exit_codes_of_their_own(self):
        short = "[load]\narrivals = \"constant\"\nrate = 20\nseconds = 0.2\n"
        broken = load(self.varro, self.files.name, 'thresholds = ["turn.p50 < 1us"]\n' + short, "--no-progress")
        self.assertIn(broken.returncode, (1, INVALID))
        self.assertIn("BROKEN", broken.stdout)
        self.assertEqual(broken.stderr, "")
        bad = load(self.varro, self.files.name, short + "speed = 3\n")
        self.assertEqual(bad.returncode, 2)
        self.assertIn("scenario.toml:5: there is no key load.speed", bad.stderr)

    def test_the_scenarios_of_the_repository_are_read(self):
        for file in sorted((harness.ROOT / "bench" / "scenarios").glob("*.toml")):
            # Nobody listens on port 1: a scenario that is read fails there.
            done = subprocess.run([VARRO_LOAD, "--url", "http://127.0.0.1:1", "--scenario", str(file)],
                                  capture_output=True, text=True, timeout=harness.WAIT_SECONDS, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("GET /: ", done.stderr, file)


@unittest.skipUnless(pathlib.Path(VARRO_LOAD).exists(), "varro-load is not built")
class LoadOfManyTest(harness.AccountsTest):
    names = ("ada", "grace")

    def test_users_log_in_with_the_accounts_of_a_file(self):
        with tempfile.TemporaryDirectory(prefix="varro-load-") as directory:
            accounts = pathlib.Path(directory) / "accounts"
            accounts.write_text("".join(f"{name} {name}-password\n" for name in self.names))
            result = pathlib.Path(directory) / "result.json"
            done = load(self.varro, directory,
                        '[load]\nkind = "closed"\nusers = 2\nseconds = 1\nthink_ms = 200\n',
                        "--accounts", str(accounts), "--json", str(result))
            self.assertIn(done.returncode, (0, INVALID), done.stdout + done.stderr)
            counts = json.loads(result.read_text())["counts"]
            self.assertGreaterEqual(counts["completed"], 2)
            self.assertEqual(counts["failed"] + counts["lost"], 0)
            accounts.write_text("ada wrong\n")
            refused = load(self.varro, directory, "[load]\nrate = 1\n", "--accounts", str(accounts))
            self.assertEqual(refused.returncode, 2)
            self.assertIn("POST /login as ada: answered", refused.stderr)
        for name in self.names:
            self.assertRegex(self.logged_in(name).get("/").text, r'href="/chat/\d+"')


if __name__ == "__main__":
    unittest.main(verbosity=2)
