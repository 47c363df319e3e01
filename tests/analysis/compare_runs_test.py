"""Runs beside those of another results file, and the files of losses that belong to them."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from support import appending, losses_file, ngram, run_of
import compare_runs
from analysis.losses import Losses
from analysis.paper import baseline
from analysis.runs import read_runs

MLP = baseline("mlp")


class LossesTest(unittest.TestCase):
    def test_windows_blocks_and_epochs(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            losses_file(folder / "losses/a.safetensors",
                        {"spread.test": ("H", "U16", [250], range(250)), "paper.valid": ("H", "U16", [1], [4608]),
                         "epochs.valid": ("f", "F32", [2, 3], [1, 2, 3, 4, 5, 6.5])}, {"loss_step": "0.00048828125"})
            losses = Losses(folder, {"losses": "losses/a.safetensors"})
            self.assertEqual(losses.windows("paper.valid"), [2.25])
            blocks = losses.blocks("test")
            self.assertEqual([2048 * block for block in (*blocks[:2], blocks[-1])], [0.5, 3, 248])
            self.assertEqual(len(blocks), 100)
            self.assertEqual(losses.epochs("valid"), [[1, 2, 3], [4, 5, 6.5]])


class CompareTest(unittest.TestCase):
    def compared(self, runs, others):
        return compare_runs.compare(runs, others)

    def test_same_differing_and_missing(self):
        run = run_of(MLP, seed=1)
        self.assertEqual(self.compared([run], [run])[1:], (1, 0))
        lines, same, differing = self.compared([run_of(MLP, seed=1, valid=(2.5, 2.25))], [run])
        self.assertEqual((same, differing), (0, 1))
        self.assertIn("differs from epoch 2 on, by 0.15 at most", lines[0])
        self.assertIn("differs from the test on, by 0.4 at most", self.compared([run_of(MLP, test=2)], [run])[0][0])
        self.assertIn("not in the other file", self.compared([run_of(MLP, seed=2)], [run])[0][0])
        self.assertIn("not in the other file", self.compared([run_of(MLP, learning_rate=1)], [run])[0][0])

    def test_ngram_models(self):
        run = ngram("Kneser-Ney", 5, 1.75, 1.5)
        self.assertEqual(self.compared([run], [run]),
                         (["ngrams: n-gram, Kneser-Ney, n = 5 on tiny_shakespeare: same bits"], 1, 0))
        self.assertIn("differs from epoch 1 on, by 0.25 at most",
                      self.compared([run], [ngram("Kneser-Ney", 5, 2.0, 1.5)])[0][0])

    def test_publish_replaces_adds_and_copies(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = (pathlib.Path(folder) / name / "runs.jsonl" for name in ("mine", "published"))
            old = [run_of(MLP, seed=seed) for seed in (1, 2)]
            new = [{**run_of(MLP, seed=seed, test=2), "losses": f"losses/{seed}.safetensors"} for seed in (2, 3)]
            for path, runs in ((source, new), (target, old)):
                path.parent.mkdir()
                path.write_text("".join(json.dumps(run) + "\n" for run in runs))
            for seed in (2, 3):
                losses_file(source.parent / f"losses/{seed}.safetensors", {}, {"seed": str(seed)})
            with mock.patch.object(sys, "argv", ["", str(source), "--with", str(target), "--publish"]), \
                    contextlib.redirect_stdout(io.StringIO()) as out:
                compare_runs.main()
            self.assertIn("0 with the same losses, 1 with others, 1 not in", out.getvalue())
            self.assertEqual(read_runs(target), [old[0], *new])
            for seed in (2, 3):
                name = f"losses/{seed}.safetensors"
                self.assertEqual((target.parent / name).read_bytes(), (source.parent / name).read_bytes())

    def test_publish_loses_no_line_that_is_being_added(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder) / "mine.jsonl", pathlib.Path(folder) / "runs.jsonl"
            runs = [run_of(MLP, seed=seed) for seed in (1, 2)]
            with appending(target, json.dumps(runs[0]) + "\n"):
                compare_runs.publish(source, target, runs[1:])
            self.assertEqual(read_runs(target), runs)


if __name__ == "__main__":
    unittest.main()
