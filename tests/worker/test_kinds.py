import json
import pathlib
import subprocess
import sys
import unittest

from cells import Cells, SnapshotFile, save
from class_kinds import CLASSES
from kinds import EQUAL, REFUSED, SHARED

HERE = pathlib.Path(__file__).parent


class KindsOfVariables(unittest.TestCase):
    def restore(self, file, cases):
        checks = json.dumps([[footer, expression] for _, footer, expression in cases])
        found = subprocess.run([sys.executable, "-B", HERE / "check_kinds.py", file.path], input=checks, text=True,
                               capture_output=True, cwd=HERE, check=False)
        self.assertEqual(found.returncode, 0, found.stderr)
        for (what, _, _), problem in zip(cases, json.loads(found.stdout)):
            with self.subTest(what):
                self.assertEqual(problem, "")

    def save_and_restore(self, table):
        with SnapshotFile() as file:
            text = pathlib.Path(file.folder.name, "text")
            text.write_text("first\nsecond\n")
            cases = []
            for what, code, check in table:
                cells = Cells()
                cells.hidden["TEXT_FILE"] = cells.names["TEXT_FILE"] = str(text)
                with self.subTest(what):
                    report = save(cells.run(code), file.fd)
                    self.assertEqual(report["lost"], [])
                    cases.append((what, report["footer"], check))
            self.restore(file, cases)

    def test_what_is_restored_equal(self):
        self.save_and_restore(EQUAL)

    def test_classes_are_restored_without_running_what_made_them(self):
        self.save_and_restore(CLASSES)

    def test_what_is_restored_shared(self):
        self.save_and_restore(SHARED)

    def test_what_is_refused_has_a_reason_and_costs_nothing_else(self):
        with SnapshotFile() as file:
            cases = []
            for what, code, reasons in REFUSED:
                with self.subTest(what):
                    report = save(Cells().run("before = [1]\n" + code + "\nafter = [before]"), file.fd)
                    lost = {entry["name"]: entry["reason"] for entry in report["lost"]}
                    self.assertEqual(lost.keys(), reasons.keys())
                    for name, part in reasons.items():
                        self.assertIn(part, lost[name])
                        self.assertLessEqual(len(lost[name]), 200)
                    cells, report = self.load(file, report["footer"])
                    self.assertTrue(cells.value("after[0] is before"))
                    cases.append(report)
            self.assertEqual(len(cases), len(REFUSED))

    def load(self, file, footer):
        from cells import load

        return load(file.fd, footer)

    def test_the_table_covers_at_least_the_promised_number_of_kinds(self):
        self.assertGreaterEqual(len(EQUAL) + len(SHARED) + len(REFUSED), 52)


if __name__ == "__main__":
    unittest.main()
