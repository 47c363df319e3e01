"""Results folders brought together in one."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from support import appending, run_of
import merge_runs
from analysis.paper import baseline

MLP = baseline("mlp")


class MergeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.into = self.folder / "into"

    def results(self, name, runs, text=None):
        """A results folder: each run with its weights and losses, the text being who wrote them."""
        folder = self.folder / name
        for run in runs:
            for key in ("weights", "losses"):
                path = folder / run[key]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text or f"{key} of {run['seed']}")
        folder.mkdir(exist_ok=True)
        (folder / "runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))
        return folder

    def run_with_files(self, seed, **changes):
        name = f"{changes.pop('name', 'mlp')}-seed{seed}.safetensors"
        return {**run_of(MLP, seed=seed, **changes), "weights": f"weights/{name}", "losses": f"losses/{name}"}

    def lines(self, folder):
        return (folder / "runs.jsonl").read_text().splitlines()

    def merged(self, *folders):
        """What was said, on standard output and error."""
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            return merge_runs.merge(list(folders), self.into), errors.getvalue()

    def test_adds_lines_as_they_are_and_copies_files(self):
        first = self.results("first", [self.run_with_files(1), self.run_with_files(3)])
        second = self.results("second", [self.run_with_files(2), self.run_with_files(3)])
        said, errors = self.merged(first, second / "runs.jsonl")
        self.assertIn("3 runs added, 1 there already, 6 files copied", said)
        self.assertEqual(errors, "")
        self.assertEqual(self.lines(self.into), self.lines(first) + self.lines(second)[:1])
        for seed in (1, 2, 3):
            for key in ("weights", "losses"):
                self.assertEqual((self.into / f"{key}/mlp-seed{seed}.safetensors").read_text(), f"{key} of {seed}")
        self.assertIn("0 runs added, 4 there already, 0 files copied", self.merged(first, second)[0])
        self.assertEqual(len(self.lines(self.into)), 3)

    def test_refuses_other_losses_and_names_both(self):
        first = self.results("first", [self.run_with_files(1), self.run_with_files(2)])
        second = self.results("second", [self.run_with_files(3), self.run_with_files(2, test=2.125)])
        with self.assertRaises(merge_runs.Contradiction) as caught:
            self.merged(first, second)
        for part in ("seed 2", f"{first / 'runs.jsonl'}:2", f"{second / 'runs.jsonl'}:2", "differs from the test on"):
            self.assertIn(part, str(caught.exception))
        self.assertEqual(self.lines(self.into), [])
        self.assertFalse((self.into / "weights").exists())
        self.merged(first)
        with self.assertRaises(merge_runs.Contradiction):
            self.merged(second)
        self.assertEqual(self.lines(self.into), self.lines(first))

    def test_refuses_a_file_of_two_runs(self):
        first = self.results("first", [self.run_with_files(1, epochs=2)])
        second = self.results("second", [self.run_with_files(1, epochs=3)])
        with self.assertRaises(merge_runs.Contradiction) as caught:
            self.merged(first, second)
        self.assertIn("weights/mlp-seed1.safetensors would be of two runs", str(caught.exception))
        self.assertEqual(self.lines(self.into), [])

    def test_of_equal_runs_in_a_file_the_last_one_counts(self):
        first = self.results("first", [self.run_with_files(1, test=3), self.run_with_files(1, test=2)])
        self.merged(first)
        self.assertEqual(self.lines(self.into), self.lines(first)[1:])

    def test_files_of_a_run_that_is_there_stay(self):
        self.results("into", [self.run_with_files(1)], text="mine")
        self.merged(self.results("first", [self.run_with_files(1)], text="theirs"))
        self.assertEqual((self.into / "weights/mlp-seed1.safetensors").read_text(), "mine")

    def test_what_was_left_by_a_merge_that_was_broken_off_is_replaced(self):
        first = self.results("first", [self.run_with_files(1)])
        (self.into / "weights").mkdir(parents=True)
        (self.into / "weights/mlp-seed1.safetensors").write_text("half")
        self.merged(first)
        self.assertEqual((self.into / "weights/mlp-seed1.safetensors").read_text(), "weights of 1")

    def test_lines_that_were_cut_off_are_named_and_left_out(self):
        first = self.results("first", [self.run_with_files(1), self.run_with_files(2)])
        text = (first / "runs.jsonl").read_bytes()
        (first / "runs.jsonl").write_bytes(text[:-20])
        self.into.mkdir()
        (self.into / "runs.jsonl").write_bytes(text[:20])
        said, errors = self.merged(first)
        self.assertIn("1 runs added", said)
        self.assertIn(f"{first / 'runs.jsonl'}:2: left out, not a run", errors)
        self.assertIn(f"{self.into / 'runs.jsonl'}:1: left out, not a run", errors)
        self.assertEqual((self.into / "runs.jsonl").read_bytes(), text[:20] + b"\n" + text.splitlines(True)[0])

    def test_a_missing_file_is_named(self):
        first = self.results("first", [self.run_with_files(1)])
        (first / "weights/mlp-seed1.safetensors").unlink()
        said, errors = self.merged(first)
        self.assertIn("1 runs added", said)
        self.assertIn("1 files that runs name are not there, the first weights/mlp-seed1.safetensors of ", errors)

    def test_names_of_files_stay_in_the_folder(self):
        first = self.results("first", [self.run_with_files(1)])
        (first / "runs.jsonl").write_text(json.dumps({**self.run_with_files(1), "weights": "../other"}) + "\n")
        said, errors = self.merged(first)
        self.assertIn("0 runs added", said)
        self.assertIn("a file outside of its folder", errors)

    def test_refuses_itself(self):
        self.results("into", [self.run_with_files(1)])
        with self.assertRaises(merge_runs.Contradiction):
            self.merged(self.into)

    def test_waits_for_who_appends(self):
        first = self.results("first", [self.run_with_files(1)])
        self.into.mkdir()
        line = json.dumps(self.run_with_files(2)) + "\n"
        with appending(self.into / "runs.jsonl", line):
            self.assertEqual(self.merged(first)[1], "")
        self.assertEqual(self.lines(self.into), [line.strip()] + self.lines(first))


if __name__ == "__main__":
    unittest.main()
