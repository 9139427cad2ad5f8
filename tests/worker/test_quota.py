"""The line about a workspace that is over its quota."""
import os
import tempfile
import unittest

import cells  # noqa: F401  (it makes the worker's modules known)
from varro_worker import quota


class Quota(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = directory.name

    def write(self, name, size):
        os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
        with open(os.path.join(self.path, name), "wb") as file:
            file.write(b"x" * size)

    def line(self, megabytes, files):
        return quota.line(self.path, {"workspace_bytes": megabytes << 20, "workspace_files": files})

    def test_at_the_quota_nothing_is_said_and_beyond_it_the_line_counts(self):
        self.write("a", 1 << 20)
        self.write("inner/b", 1 << 20)
        self.assertEqual(self.line(3, 3), "")
        self.assertRegex(self.line(1, 3), r"over its quota: it holds [23] MiB in 3 files, and may hold 1 MiB")
        self.assertRegex(self.line(3, 2), r"more than 2 files")

    def test_links_are_not_followed_and_what_vanishes_is_no_error(self):
        os.symlink("/usr", os.path.join(self.path, "usr"))
        self.assertEqual(quota.usage(self.path, 10)[1], 1)
        self.assertEqual(quota.usage(os.path.join(self.path, "gone"), 10), (0, 0))

    def test_counting_ends_beyond_the_quota(self):
        for n in range(30):
            self.write(f"f{n}", 1)
        self.assertEqual(quota.usage(self.path, 10)[1], 11)

    def test_without_limits_nothing_is_counted(self):
        self.assertEqual(quota.line(self.path, {}), "")


if __name__ == "__main__":
    unittest.main()
