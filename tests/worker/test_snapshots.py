import importlib
import io
import os
import pathlib
import sys
import unittest
from unittest import mock

from cells import Cells, SnapshotFile, load, save
from varro_worker import snapshot_file, snapshot_groups, snapshots
from varro_worker.snapshot_file import Damaged


def segments_of(file, footer):
    return {",".join(entry["names"]): entry for entry in snapshot_file.read_footer(file.fd, footer)["segments"]}


def write_over(file, offset, data):
    os.pwrite(file.fd, data, offset)


class Increments(unittest.TestCase):
    def test_nothing_is_written_when_nothing_changed(self):
        with SnapshotFile() as file:
            cells = Cells().run("import random\na = [1]\nclass A: pass\nb = A()\ndef f(): return a")
            first = save(cells, file.fd)
            size = os.fstat(file.fd).st_size
            again = save(cells, file.fd, first["footer"])
            self.assertEqual((again["footer"], again["bytes"]), (first["footer"], 0))
            self.assertEqual(os.fstat(file.fd).st_size, size)
            self.assertEqual(again["saved"], first["saved"])

    def test_only_the_group_that_changed_is_written(self):
        with SnapshotFile() as file:
            cells = Cells().run("import numpy\nbig = numpy.zeros(1_000_000)\nsmall = [1]\nother = [small]")
            first = save(cells, file.fd)
            second = save(cells.run("small.append(2)"), file.fd, first["footer"])
            self.assertLess(second["bytes"], 10_000)
            before, after = segments_of(file, first["footer"]), segments_of(file, second["footer"])
            self.assertEqual(before["big"], after["big"])
            self.assertNotEqual(before["other,small"], after["other,small"])
            third = save(cells.run("big[5] = 1"), file.fd, second["footer"])
            self.assertGreater(third["bytes"], 8_000_000)

    def test_a_change_of_what_is_shared_alone_is_a_change(self):
        with SnapshotFile() as file:
            cells = Cells().run("x, y = [0], [0]\na, b = [x, y], [x, y]\ndel x, y")
            first = save(cells, file.fd)
            second = save(cells.run("b.reverse()"), file.fd, first["footer"])
            self.assertGreater(second["bytes"], 0)
            restored, _ = load(file.fd, second["footer"])
            self.assertTrue(restored.value("b[0] is a[1] and b[1] is a[0]"))

    def test_views_that_moved_within_equal_numbers_are_a_change(self):
        with SnapshotFile() as file:
            cells = Cells().run("import numpy\na = numpy.zeros(100)\nb = a[:10]")
            first = save(cells, file.fd)
            second = save(cells.run("b = a[10:20]"), file.fd, first["footer"])
            restored, _ = load(file.fd, second["footer"])
            restored.run("a[10] = 5")
            self.assertEqual(restored.value("b[0]"), 5)

    def test_older_footers_stay_valid(self):
        with SnapshotFile() as file:
            cells = Cells().run("a = [1]\nb = 'x'")
            footers = [save(cells, file.fd)["footer"]]
            for number in range(2, 5):
                footers.append(save(cells.run(f"a.append({number})"), file.fd, footers[-1])["footer"])
            for count, footer in enumerate(footers, 1):
                restored, report = load(file.fd, footer)
                self.assertEqual(len(restored.names["a"]), count)
                self.assertEqual(report["restored"], ["a", "b"])

    def test_a_variable_that_was_deleted_does_not_come_back(self):
        with SnapshotFile() as file:
            cells = Cells().run("a = 1\nb = 2")
            first = save(cells, file.fd)
            second = save(cells.run("del a"), file.fd, first["footer"])
            self.assertNotIn("a", load(file.fd, second["footer"])[0].names)
            self.assertIn("a", load(file.fd, first["footer"])[0].names)

    def test_a_base_that_cannot_be_read_is_as_none(self):
        with SnapshotFile() as file:
            cells = Cells().run("a = [1]")
            first = save(cells, file.fd)
            write_over(file, first["footer"] + 50, b"garbage")
            second = save(cells, file.fd, first["footer"])
            self.assertEqual(load(file.fd, second["footer"])[0].names["a"], [1])

    def test_a_new_file_needs_no_base_and_holds_no_more_than_the_variables(self):
        with SnapshotFile() as old, SnapshotFile() as new:
            cells = Cells().run("a = bytes(100_000)")
            footer = save(cells, old.fd)["footer"]
            for _ in range(5):
                footer = save(cells.run("a += b'x'"), old.fd, footer)["footer"]
            save(cells, new.fd)
            self.assertGreater(os.fstat(old.fd).st_size, 600_000)
            self.assertLess(os.fstat(new.fd).st_size, 120_000)


class Limits(unittest.TestCase):
    def test_what_fits_exactly_is_saved_and_one_byte_more_is_listed(self):
        with SnapshotFile() as file:
            cells = Cells().run("a = bytes(50_000)")
            size = save(cells, file.fd)["total_bytes"] - segments_of(file, save(cells, file.fd)["footer"])[""]["parts"][0][0]
            self.assertEqual(save(cells, file.fd, bytes_max=size)["saved"], ["a"])
            report = save(cells, file.fd, bytes_max=size - 1)
            self.assertEqual(report["saved"], [])
            self.assertIn("larger than the", report["lost"][0]["reason"])

    def test_small_variables_are_not_lost_to_large_ones(self):
        with SnapshotFile() as file:
            cells = Cells().run("large, small, larger = bytes(60_000), 'x', bytes(90_000)")
            report = save(cells, file.fd, bytes_max=120_000)
            self.assertEqual(report["saved"], ["large", "small"])
            self.assertEqual([entry["name"] for entry in report["lost"]], ["larger"])
            self.assertIn("more than was left of the", report["lost"][0]["reason"])

    def test_the_number_of_variables_is_limited(self):
        with SnapshotFile() as file, mock.patch.object(snapshots, "VARIABLES_MAX", 3):
            self.assertEqual(len(save(Cells().run("a = b = c = 1"), file.fd)["lost"]), 0)
            report = save(Cells().run("a = b = c = d = 1"), file.fd)
            self.assertEqual([entry["name"] for entry in report["lost"]], ["a"])

    def test_streams_beyond_the_memory_for_them_are_pickled_twice_and_come_back(self):
        with SnapshotFile() as file, mock.patch.object(snapshot_groups, "KEPT_BYTES_MAX", 100_000):
            cells = Cells().run("lists = [list(range(i, i + 20_000)) for i in range(4)]\nfirst = lists[0]\nx = [first]\n"
                                "import numpy\nn = numpy.arange(50_000)")
            report = save(cells, file.fd)
            self.assertEqual(report["lost"], [])
            self.assertEqual(save(cells, file.fd, report["footer"])["bytes"], 0)
            restored, report = load(file.fd, report["footer"])
            self.assertEqual(report["lost"], [])
            self.assertTrue(restored.value("x[0] is first is lists[0] and lists[3][-1] == 20_002 and n[-1] == 49_999"))

    def test_a_second_pickling_that_fails_loses_that_variable_only(self):
        with SnapshotFile() as file, mock.patch.object(snapshot_groups, "KEPT_BYTES_MAX", 10):
            report = save(Cells().run("count = [0]\nclass Once:\n    def __reduce__(s):\n        count[0] += 1\n"
                                      "        if count[0] > 1: raise ValueError('only once')\n        return list, ()\n"
                                      "a = [Once()]\nb = [1]"), file.fd)
            self.assertIn({"name": "a", "reason": "saving it failed with ValueError: only once"}, report["lost"])
            self.assertEqual(load(file.fd, report["footer"])[0].names["b"], [1])

    def test_many_variables_with_many_objects_are_no_burden(self):
        # Were the memo copied for each variable, this would be 4,000 copies of a million entries.
        with SnapshotFile() as file:
            cells = Cells().run("table = [[i] for i in range(200_000)]\n"
                                "for i in range(2_000):\n    globals()[f'v{i}'] = table[i]\n    globals()[f'n{i}'] = i")
            report = save(cells, file.fd)
            self.assertEqual(report["lost"], [])
            restored, _ = load(file.fd, report["footer"])
            self.assertTrue(restored.value("v1999 is table[1999] and n7 == 7"))


class Damage(unittest.TestCase):
    def saved(self, file):
        return save(Cells().run("import numpy\na = ['precious']\nb = numpy.arange(100_000)\nc = 3"), file.fd)["footer"]

    def test_a_damaged_stream_loses_its_variables_only(self):
        with SnapshotFile() as file:
            footer = self.saved(file)
            write_over(file, segments_of(file, footer)["a"]["offset"] + 3, b"\xff")
            cells, report = load(file.fd, footer)
            self.assertEqual(report["lost"], [{"name": "a", "reason": "this part of the snapshot file is damaged"}])
            self.assertEqual(cells.names["c"], 3)
            self.assertNotIn("a", cells.names)

    def test_a_damaged_buffer_loses_its_variables_only(self):
        with SnapshotFile() as file:
            footer = self.saved(file)
            entry = segments_of(file, footer)["b"]
            write_over(file, entry["offset"] + entry["parts"][0][0] + 500_000, b"\xff")
            cells, report = load(file.fd, footer)
            self.assertEqual([loss["name"] for loss in report["lost"]], ["b"])
            self.assertEqual(cells.names["a"], ["precious"])

    def test_a_file_that_was_cut_off_is_refused_with_a_sentence(self):
        with SnapshotFile() as file:
            footer = self.saved(file)
            for size in (footer + 60, footer + 10, footer, 4, 0):
                os.ftruncate(file.fd, size)
                with self.assertRaises(Damaged):
                    load(file.fd, footer)

    def test_a_half_written_snapshot_does_not_disturb_the_next(self):
        with SnapshotFile() as file:
            footer = self.saved(file)
            os.pwrite(file.fd, b"half of something", os.fstat(file.fd).st_size)
            second = save(Cells().run("a = 5"), file.fd, footer)["footer"]
            self.assertEqual(load(file.fd, second)[0].names["a"], 5)
            self.assertEqual(load(file.fd, footer)[0].names["c"], 3)

    def test_a_footer_that_lies_is_refused(self):
        with SnapshotFile() as file:
            footer = self.saved(file)
            good = snapshot_file.read_footer(file.fd, footer)
            size = os.fstat(file.fd).st_size
            lies = [
                [], {}, {**good, "segments": 7}, {**good, "lost": [7]}, {**good, "python": None},
                {**good, "segments": [{**good["segments"][0], "offset": -1}]},
                {**good, "segments": [{**good["segments"][0], "offset": True}]},
                {**good, "segments": [{**good["segments"][0], "parts": []}]},
                {**good, "segments": [{**good["segments"][0], "parts": [[1 << 62, ""]]}]},
                {**good, "segments": [{**good["segments"][0], "names": [3]}]},
                {**good, "segments": [good["segments"][0]] * (snapshot_file.SEGMENTS_MAX + 1)},
            ]
            for lie in lies:
                end = snapshot_file.write_footer(file.fd, size, lie)
                with self.subTest(str(lie)[:80]), self.assertRaises(Damaged):
                    snapshot_file.read_footer(file.fd, size)
                size = end
            snapshot_file.write_footer(file.fd, size, good)
            self.assertEqual(snapshot_file.read_footer(file.fd, size), good)

    def test_a_footer_nested_without_end_is_refused(self):
        with SnapshotFile() as file, mock.patch.object(snapshot_file, "encoded", lambda _: b"[" * 100_000):
            offset = snapshot_file.end_of(file.fd)
            snapshot_file.write_footer(file.fd, offset, None)
            with self.assertRaises(Damaged):
                snapshot_file.read_footer(file.fd, offset)

    def test_what_fails_while_loading_takes_only_what_holds_it(self):
        with SnapshotFile() as file:
            footer = save(Cells().run(
                "class Needy:\n    def __init__(s, one, two): pass\n    def __reduce__(s): return Needy, (1,)\n"
                "class Fussy:\n    def __setstate__(s, state): raise ValueError('no')\n"
                "first = []\nneedy = [first, Needy(1, 2)]\nfine = [1]\nholder = {'x': needy}\nother = [first, fine]\n"
                "fussy = Fussy()\nfussy.x = first\nand_it = (fussy,)\nclass Sub(Fussy): pass\ndef f(): return Needy\n"
                "kinds = [Needy, Sub, f]"), file.fd)["footer"]
            cells, report = load(file.fd, footer)
            reasons = {loss["name"]: loss["reason"] for loss in report["lost"]}
            self.assertEqual(reasons.keys(), {"needy", "holder", "fussy", "and_it"})
            for name in ("needy", "holder"):
                self.assertIn("restoring it failed with TypeError", reasons[name])
            for name in ("fussy", "and_it"):
                self.assertEqual(reasons[name], "restoring it failed with ValueError: no")
            self.assertTrue(cells.value("other[0] is first and other[1] is fine and fine == [1]"))
            self.assertTrue(cells.value("kinds == [Needy, Sub, f] and f() is Needy and issubclass(Sub, Fussy)"))

    def test_a_class_whose_instance_cannot_be_restored_comes_back_with_its_other_instances(self):
        with SnapshotFile() as file:
            footer = save(Cells().run(
                "import numpy\nclass A:\n    def __init__(s, x): s.x = x\n    def __setstate__(s, state):\n"
                "        if state['x'] is None: raise KeyError('x')\n        s.__dict__.update(state)\n"
                "good, bad, better = A(numpy.zeros(100_000)), A(None), A(2)\nview = good.x[:5]"), file.fd)["footer"]
            cells, report = load(file.fd, footer)
            self.assertEqual(report["lost"], [{"name": "bad", "reason": "restoring it failed with KeyError: 'x'"}])
            self.assertTrue(cells.value("type(good) is type(better) is A and better.x == 2 and good.x.sum() == 0"))
            cells.run("good.x[0] = 7")
            self.assertEqual(cells.value("view[0]"), 7)

    def test_a_module_that_is_gone_takes_only_what_needs_it(self):
        with SnapshotFile() as file:
            module = pathlib.Path(file.folder.name, "going.py")
            module.write_text("class Thing: pass\n")
            sys.path.insert(0, file.folder.name)
            self.addCleanup(sys.path.remove, file.folder.name)
            footer = save(Cells().run("import going\nshared = [1]\nthing = [going.Thing(), shared]\nplain = [shared]"),
                          file.fd)["footer"]
            module.unlink()
            del sys.modules["going"]
            importlib.invalidate_caches()
            cells, report = load(file.fd, footer)
            self.assertEqual({loss["name"] for loss in report["lost"]}, {"going", "thing"})
            self.assertTrue(all(loss["reason"] == "the module going is not there any more" for loss in report["lost"]))
            self.assertTrue(cells.value("plain[0] is shared"))

    def test_code_of_another_python_is_not_loaded_but_data_is(self):
        with SnapshotFile() as file:
            with mock.patch.object(snapshots, "PYTHON", "3.2"):
                footer = save(Cells().run("a = [1]\ndef f(): pass"), file.fd)["footer"]
            cells, report = load(file.fd, footer)
            self.assertEqual(cells.names["a"], [1])
            self.assertIn("code of Python 3.2", report["lost"][0]["reason"])


class TheRest(unittest.TestCase):
    def test_random_generators_go_on_where_they_stood(self):
        with SnapshotFile() as file:
            cells = Cells().run("import random, numpy\nrandom.seed(3)\nnumpy.random.seed(3)")
            footer = save(cells, file.fd)["footer"]
            expected = cells.value("(random.random(), numpy.random.rand())")
            restored, _ = load(file.fd, footer)
            self.assertEqual(restored.value("(random.random(), numpy.random.rand())"), expected)

    def test_folder_environment_and_settings_come_back(self):
        with SnapshotFile() as file:
            folder = os.getcwd()
            try:
                cells = Cells().run("import os, numpy, pandas, sys\nos.chdir('/usr')\nos.environ['MY_OWN'] = 'x'\n"
                                    "pandas.set_option('display.max_rows', 7)\nnumpy.set_printoptions(precision=2)")
                footer = save(cells, file.fd)["footer"]
                cells.run("os.chdir('/')\ndel os.environ['MY_OWN']\npandas.reset_option('display.max_rows')\n"
                          "numpy.set_printoptions(precision=8)")
                restored, _ = load(file.fd, footer)
                self.assertEqual(restored.value("(os.getcwd(), os.environ['MY_OWN'], numpy.get_printoptions()['precision'],"
                                                " pandas.get_option('display.max_rows'))"), ("/usr", "x", 2, 7))
            finally:
                Cells().run(f"import os, numpy, pandas\nos.chdir({folder!r})\nos.environ.pop('MY_OWN', 0)\n"
                            "pandas.reset_option('display.max_rows')\nnumpy.set_printoptions(precision=8)")

    def test_a_setting_that_cannot_be_saved_does_not_matter(self):
        with SnapshotFile() as file:
            cells = Cells().run("a = 1")
            state = {"random": (i for i in []), "folder": "/usr"}
            here = os.getcwd()
            self.addCleanup(os.chdir, here)
            footer = save(cells, file.fd, state=state)["footer"]
            self.assertEqual(load(file.fd, footer)[0].names["a"], 1)
            self.assertEqual(os.getcwd(), "/usr")
            self.assertIsNone(snapshots.proof_of([], state))

    def test_names_of_ipython_are_left_alone(self):
        names = {"_i": "x", "_i3": "x", "_ih": ["x"], "_oh": {}, "_dh": [], "_3": 1, "In": [], "mine": 1, "_": 2, "_i_": 3}
        found = snapshots.variables_of(names, {"In": names["In"]})
        self.assertEqual(dict(found), {"mine": 1, "_": 2, "_i_": 3})

    def test_a_hidden_name_that_a_cell_has_taken_is_a_variable(self):
        self.assertEqual(snapshots.variables_of({"open": 5}, {"open": open}), [("open", 5)])

    def test_a_last_result_that_cannot_be_saved_is_not_worth_a_word(self):
        with SnapshotFile() as file:
            report = save(Cells().run("_ = (i for i in [])\n__ = [4]"), file.fd)
            self.assertEqual((report["saved"], report["lost"]), (["__"], []))

    def test_what_prints_while_it_is_pickled_is_saved(self):
        with SnapshotFile() as file, mock.patch("sys.stdout", io.StringIO()):
            report = save(Cells().run("class A:\n    def __getstate__(s): print('x'); return {'y': 1}\na = A()"), file.fd)
            self.assertEqual(load(file.fd, report["footer"])[0].value("a.y"), 1)

    def test_a_disk_that_is_full_is_an_error_and_older_snapshots_stay(self):
        with SnapshotFile() as file:
            footer = save(Cells().run("a = 1"), file.fd)["footer"]
            with mock.patch.object(snapshot_file.os, "pwritev", side_effect=OSError(28, "No space left on device")):
                with self.assertRaises(OSError):
                    save(Cells().run("a = 2"), file.fd, footer)
            self.assertEqual(load(file.fd, footer)[0].names["a"], 1)


if __name__ == "__main__":
    unittest.main()
