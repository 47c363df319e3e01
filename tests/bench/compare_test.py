"""scripts/bench/compare.py on results whose answer is known."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import HERE, SCRIPTS

from compare import compare, describe, spread
from results import read, read_all

OLD, NEW = HERE / "old" / "operations.json", HERE / "new" / "operations.json"


class Reading(unittest.TestCase):
    def test_repetitions_are_read_and_aggregates_are_not(self):
        entry = read(OLD).entries["slower/B:1"]
        self.assertEqual(entry.times, [100e-6, 101e-6, 102e-6, 99e-6, 100e-6])
        self.assertEqual(entry.seconds, 100e-6)

    def test_units(self):
        self.assertEqual(read(OLD).entries["in nanoseconds"].times, [1e-6] * 5)

    def test_a_file_of_something_else_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for text in ("", "{}", "[1]"):
                path = pathlib.Path(folder) / "x.json"
                path.write_text(text)
                with self.assertRaises(SystemExit) as refusal:
                    read(path)
                self.assertIn("x.json: no results of benchmarks", str(refusal.exception))
            path.unlink()
            with self.assertRaises(SystemExit):
                read_all(pathlib.Path(folder))


class Comparing(unittest.TestCase):
    def setUp(self):
        changes, self.too_few = compare(read(OLD), read(NEW))
        self.changes = {change.name: change.ratio for change in changes}

    def test_slower_and_faster_are_found(self):
        self.assertAlmostEqual(self.changes["slower/B:1"], 1.2)
        self.assertAlmostEqual(self.changes["faster"], 0.5)

    def test_the_same_is_no_change(self):
        self.assertNotIn("the same", self.changes)

    def test_a_change_within_the_spread_is_none(self):
        self.assertNotIn("noisy", self.changes)

    def test_a_small_change_is_none_however_steady(self):
        self.assertNotIn("three percent", self.changes)

    def test_one_disturbed_repetition_hides_nothing_and_means_nothing(self):
        self.assertNotIn("one outlier", self.changes)
        self.assertAlmostEqual(self.changes["slower with an outlier"], 1.3)

    def test_a_slower_clock_is_no_slower_code(self):
        self.assertNotIn("slower clock", self.changes)

    def test_what_waits_for_memory_is_not_faster_because_the_clock_is_slower(self):
        self.assertNotIn("slower clock, same time", self.changes)

    def test_slower_in_both_measures_counts_as_the_lesser(self):
        self.assertAlmostEqual(self.changes["slower beyond the clock"], 1.5)

    def test_few_repetitions_are_not_judged(self):
        self.assertEqual(self.too_few, ["two repetitions"])

    def test_only_what_both_have_is_compared(self):
        self.assertEqual(set(self.changes), {"slower/B:1", "faster", "slower with an outlier",
                                             "slower beyond the clock"})

    def test_spread_is_the_standard_deviation_of_normal_numbers(self):
        quartile = 0.67449
        self.assertAlmostEqual(spread([10 - quartile, 10, 10 + quartile]), 0.05, places=4)  # quartiles at half of it
        self.assertEqual(spread([1, 1, 1, 1, 50]), 0)


class Saying(unittest.TestCase):
    def test_lines(self):
        lines = describe("operations", read(OLD), read(NEW))
        self.assertIn("11 benchmarks compared, 1 new, 2 of the old run are gone", lines[0])
        self.assertIn("  note: threads was 2, is 1", lines)
        self.assertIn("  slower: slower/B:1, 1.20 of the old time (noise 5%)", lines)
        self.assertIn("  faster: faster, 0.50 of the old time (noise 5%)", lines)
        self.assertIn("  1 not judged: less than 3 repetitions", lines)
        self.assertEqual(describe("operations", read(OLD), read(OLD))[-1], "  nothing slower or faster beyond noise")

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, str(SCRIPTS / "compare.py"), *map(str, arguments)],
                              text=True, capture_output=True)

    def test_files_and_folders(self):
        for old in (OLD, OLD.parent):
            for new in (NEW, NEW.parent):
                with self.subTest(old=old, new=new):
                    answer = self.run_script(old, new)
                    self.assertEqual(answer.returncode, 0, answer.stderr)
                    self.assertIn("slower: slower/B:1", answer.stdout)

    def test_nothing_in_common(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.json"
            other.write_bytes(NEW.read_bytes())
            answer = self.run_script(OLD.parent, folder)
            self.assertEqual(answer.returncode, 1)
            self.assertIn("no program in common", answer.stderr)


if __name__ == "__main__":
    unittest.main()
