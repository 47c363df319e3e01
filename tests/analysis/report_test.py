"""report.py and plot.py from a fixed results file: runs.jsonl beside this file, of made-up losses."""
import contextlib
import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import RUNS, SCRIPTS, diverged, ngram, run_of, with_losses
from analysis.budgets import all_positions, whole_budgets
from analysis.paper import REPORTED, Row, baseline, positions, protocol_setting, sweep, words
from analysis.runs import Results, read_runs
from analysis.tables import (inside_intervals, ngram_table, rate_table, study_table, uncapped_table,
                             unreported_table)
from analysis.text import number
from analysis.verdicts import FEW_SEEDS


def results_of_file():
    with contextlib.redirect_stderr(io.StringIO()):
        return Results(read_runs(RUNS))


def run(script, *arguments):
    command = [sys.executable, SCRIPTS / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class RunsTest(unittest.TestCase):
    def test_a_line_that_is_no_run_is_named_and_left_out(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            runs = read_runs(RUNS)
        self.assertEqual(len(runs), len(RUNS.read_text().splitlines()) - 1)
        self.assertIn("runs.jsonl:62: left out, not a run", errors.getvalue())

    def test_a_training_that_diverged_is_named_and_in_no_mean(self):
        row = baseline("mlp")
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as errors:
            file = pathlib.Path(folder) / "runs.jsonl"
            file.write_text(json.dumps(run_of(row)) + "\n" + json.dumps(diverged(run_of(row, seed=7))) + "\n")
            results = Results(read_runs(file))
        self.assertIn("runs.jsonl:2: diverged, and in no mean: MLP, seed 7, learning rate 0.0003", errors.getvalue())
        self.assertEqual([run["seed"] for run in results.of(row)], [1])
        self.assertEqual(results.diverged(row), 1)

    def test_a_row_of_which_all_diverged_is_not_shown(self):
        results = Results([diverged(run_of(baseline("mlp"))), run_of(baseline("linear")),
                           diverged(run_of(baseline("linear"), windows=500))])
        self.assertEqual(results.rows("tiny_shakespeare"), [baseline("linear")])
        self.assertEqual(len(results.shown(baseline("linear"))), 1)

    def test_the_table_of_learning_rates_counts_what_diverged(self):
        rope = positions("RoPE")
        results = Results([run_of(rope), run_of(rope, learning_rate=1e-3),
                           diverged(run_of(rope, seed=2, learning_rate=1e-3)),
                           diverged(run_of(rope, learning_rate=3e-3))])
        counts = [line.split("|")[3].strip() for line in rate_table(results)[2:]]
        self.assertEqual(counts, ["1", "1, 1 diverged", "0, 1 diverged"])

    def test_the_last_run_of_a_seed_counts(self):
        losses = [run["test_nll"] for run in results_of_file().of(baseline("linear"))]
        self.assertEqual(losses, [3.0, 3.1, 3.2])

    def test_runs_with_other_settings_are_apart(self):
        results = results_of_file()
        self.assertEqual(results.rates(positions("RoPE")), [3e-4, 1e-3, 3e-3])
        self.assertEqual(len(results.of(words("ptb"))), 3)
        self.assertEqual(len(results.of(words("ptb"), cap="none")), 1)
        self.assertEqual(len(results.of(baseline("mlp"))), 3)
        self.assertEqual(len(results.all(baseline("mlp"))), 6)
        other_context = Results([run_of(positions("RoPE"), context=64)])
        self.assertEqual(other_context.of(positions("RoPE")), [])

    def test_runs_of_another_text_replace_those_before_and_those_of_another_version_do_not(self):
        row = baseline("linear")
        old = [{**run_of(row, seed), "version": "0.1.0"} for seed in (1, 2, 3)]
        new = {**run_of(row, 1), "version": "0.2.0"}
        other_text = {**run_of(row, 1), "version": "0.1.0", "dataset": {"name": row.dataset, "sha256": "1e"}}
        self.assertEqual(len(Results(old).of(row)), 3)
        self.assertEqual(Results([*old, new]).of(row), [new, *old[1:]])
        self.assertEqual(Results([*old, other_text]).of(row), [other_text])

    def test_quick_runs_are_apart(self):
        with contextlib.redirect_stderr(io.StringIO()):
            quick = Results(read_runs(RUNS), quick=True)
        self.assertEqual([run["test_nll"] for run in quick.of(baseline("linear"))], [4.0])
        self.assertEqual(protocol_setting(baseline("linear"), quick=True)["windows"], 5000)

    def test_the_protocols_settings(self):
        self.assertEqual(len(REPORTED), 20)
        self.assertEqual(protocol_setting(sweep("linear", "T = 32"))["context"], 32)
        self.assertEqual(protocol_setting(words("ptb"))["windows"], 79935)
        self.assertEqual(protocol_setting(positions("SwiGLU"))["epochs"], 8)
        self.assertEqual(protocol_setting(Row("tiny_shakespeare", "synthetic", "mlp"))["epochs"], 3)
        self.assertIsNone(protocol_setting(Row("tiny_shakespeare", "tiny_shakespeare", "rnn")))


class TableTest(unittest.TestCase):
    def of_study(self, *runs, study="tiny_shakespeare"):
        return [line for line in study_table(Results(list(runs)), study)[2:] if line.startswith("|")]

    def test_the_whole_texts_have_columns_of_their_own(self):
        with tempfile.TemporaryDirectory() as folder:
            runs = [with_losses(pathlib.Path(folder), run_of(baseline("linear"), seed, (3.0,)), [[3.2, 3.3 + seed]],
                                [[3.5, 3.6 + seed]]) for seed in (1, 2)]
        [line] = self.of_study(*runs)
        self.assertIn(" | 4.0000 ± 3.1766 | 4.3000 ± 3.1766 | 1 of 1 |", line)
        [line] = self.of_study(*runs, run_of(baseline("linear"), 3, (3.0,)))
        self.assertIn("(n = 2)", line)

    def test_the_best_order_of_each_smoothing_is_below_the_papers_rows(self):
        runs = [ngram("Kneser-Ney", 4, 1.9, 2.2), ngram("Kneser-Ney", 5, 1.8, 2.1), ngram("Kneser-Ney", 6, 1.85, 2.0),
                ngram("Witten-Bell", 5, 1.75, 2.05), ngram("Kneser-Ney", 2, 5.0, 5.1, "ptb"),
                ngram("Kneser-Ney", 5, 1.1, 1.2, cap="none")]
        *_, best, second = self.of_study(run_of(baseline("linear")), *runs)
        self.assertEqual(best, "| n-gram, Witten-Bell of order 5, on Tiny Shakespeare | – | 5,000 | – | 2.0500 | – | – "
                               "| – | 2.7500 | 3.0500 | – | – | 1.2 | – |")
        self.assertIn("| n-gram, Kneser-Ney of order 5, on Tiny Shakespeare | – | 5,000 | – | 2.1000 |", second)
        [_, words_] = self.of_study(run_of(words("ptb")), *runs, study="word_level")
        self.assertTrue(words_.startswith("| n-gram, Kneser-Ney of order 2, on PTB |"))
        self.assertEqual(self.of_study(*runs), [])  # alone they are no study

    def test_they_are_in_the_other_tables_of_their_text_too(self):
        runs = [run_of(positions(variant), learning_rate=rate) for variant in ("learned", "RoPE")
                for rate in (3e-4, 1e-3)]
        runs += [run_of(positions("SwiGLU")), run_of(words("ptb")), run_of(words("ptb"), cap="none")]
        runs += [ngram("Kneser-Ney", 5, 1.8, 2.1), ngram("Kneser-Ney", 3, 5.0, 5.1, "ptb"),
                 ngram("Kneser-Ney", 4, 4.5, 4.6, "ptb", cap="none")]
        results = Results(runs)
        self.assertEqual(rate_table(results)[-1], "| n-gram, Kneser-Ney of order 5, on Tiny Shakespeare | – | – | 1.8000 "
                                                  "| 2.1000 | 2.8000 | 3.1000 |")
        self.assertIn("| n-gram, Kneser-Ney of order 5, on Tiny Shakespeare | – | 5,000 | 2.1000 |",
                      unreported_table(results)[-1])
        self.assertIn("| n-gram, Kneser-Ney of order 4, on PTB | – | 4,000 | 4.6000 |", uncapped_table(results)[-1])

    def test_all_orders(self):
        lines = ngram_table(Results([ngram("Kneser-Ney", 10, 1.9, 2.2), ngram("Kneser-Ney", 2, 1.8, 2.1),
                                     ngram("Witten-Bell", 3, 6.0, 6.1, "ptb")]))[2:]
        self.assertEqual(lines, [
            "| PTB | Witten-Bell | **3** | 3,000 | 6.0000 | 6.1000 | 7.0000 | 7.1000 | 1.2 |",
            "| Tiny Shakespeare | Kneser-Ney | **2** | 2,000 | 1.8000 | 2.1000 | 2.8000 | 3.1000 | 1.2 |",
            "| Tiny Shakespeare | Kneser-Ney | 10 | 10,000 | 1.9000 | 2.2000 | 2.9000 | 3.2000 | 1.2 |"])
        self.assertEqual(ngram_table(Results([run_of(baseline("mlp"))])), [])

    def test_prediction_intervals(self):
        linear, mlp = baseline("linear"), baseline("mlp")
        runs = [run_of(linear, seed, test=REPORTED[linear].test_nll + seed / 100) for seed in (-1, 1)]
        self.assertEqual(inside_intervals(Results(runs)), (1, 1))
        runs += [run_of(mlp, seed, test=REPORTED[mlp].test_nll + 1 + seed / 1000) for seed in (1, 2, 3)]
        self.assertEqual(inside_intervals(Results(runs)), (1, 2))
        self.assertEqual(inside_intervals(Results([run_of(linear)])), (0, 0))


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "results.md"
            done = run("report.py", RUNS, "--out", out, "--date", "2026-01-02")
            assert done.returncode == 0, done.stderr
            cls.text = out.read_text(encoding="utf-8")

    def has(self, line):
        self.assertIn(line, self.text)

    def test_rows(self):
        # 3.0, 3.1, 3.2: half width 4.3027 · 0.1 / √3. 3 · 782 steps of 7.5 ms and 4 · 10,000 windows of 50 µs.
        self.has("| linear | 3 | 1,073,345 | 3.0549 | 3.1000 ± 0.2484 | −0.0451 | −0.5 | 0.73 | – | – | 3 of 3 | "
                 "1.00e12 | 20 | 4.12e13 |")
        self.has("where nothing else runs (2 threads of a quiet machine, medians, by `scripts/all_runs.sh --time`)")
        self.has("| transformer on WikiText-2 | 1 | 8,958,077 | 6.8875 | 6.9000 | −0.0125 | – | – | – | – | 1 of 8 |")
        self.has("No runs yet: linear, T = 64; MLP, h = 128;")
        self.has("| transformer on PTB, all its train tokens | 1 | 2,975,631 | 5.9000 | – | – | 8 of 8 |")
        self.has("| transformer, SwiGLU | 2 | 400,000 | 1.9150 ± 0.0635 |")
        self.has("| learned | **0.001** | 3 | 1.8020 ± 0.0025 | 1.9200 ± 0.0248 | – | – |")
        self.has("| RoPE | **0.001** | 3 | 1.7520 ± 0.0025 | 1.8700 ± 0.0248 | – | – |")

    def test_the_papers_figures_and_our_prediction_intervals(self):
        inside, of = inside_intervals(results_of_file())
        self.has(f"**{inside} of the paper's 20 figures lie inside our 95 % prediction intervals**")
        self.has(f"; of {20 - of} there are fewer than 2 seeds of ours")

    def test_budgets(self):
        self.has("| 1.00e12 | 2.920 ± 0.025 | 2.620 ± 0.025 | **2.520 ± 0.025** | – | 3 / 3 / 3 / – |")
        self.has("| 3.00e12, MLP | (2.920 ± 0.025) | 2.320 ± 0.025 | **2.250 ± 0.000** | – | 3 / 3 / 3 / – |")
        self.has("| 5.00e12 | (2.920 ± 0.025) | 2.200 ± 0.000 | **(2.170 ± 0.025)** | – | 3 / 3 / 3 / – |")
        self.has("In the lead where more than one has runs: self-attention from 1.00e12 to 5.00e12, MLP from "
                 "1.00e13 to 2.00e13, transformer at 4.00e13.")

    def test_budgets_at_other_prices(self):
        whole = Results([run_of(baseline("attention"), flops=(0.9 * 4e12, 0.1 * 4e12))])
        [price] = whole_budgets(whole, all_positions)
        self.has("## Claim 1, were every position computed\n")
        self.has(f"| {number(price)}, self-attention | (2.920 ± 0.025) | **(2.140 ± 0.025)** | 2.170 ± 0.025 |")
        self.has("## Claim 1 by 2PN\n")
        self.has("| 1.65e14, MLP |")

    def test_longer_trainings_stay_out_of_the_protocols_tables(self):
        self.has("| MLP | 3 | 4,285,377 | 2.3222 | 2.3500 ± 0.1242 |")

    def test_runs_of_older_versions_leave_the_claims_open(self):
        self.assertEqual(self.text.count("**Verdict: runs are missing**"), 5)
        self.has("   - self-attention, as executed: runs are missing (runs are missing at 4 budgets from 1.00e12 to "
                 "4.00e12)\n")
        self.has(f"   - MLP: runs are missing ({FEW_SEEDS})\n")
        self.has("| 2 | transformer: L = 4 − L = 3 | – | – | – | – | – | runs are missing | +0.0283; 2 of our 3 "
                 "seeds have its sign |")

    def test_a_run_that_does_not_say_where_it_was_made(self):
        with tempfile.TemporaryDirectory() as folder:
            some, out = pathlib.Path(folder) / "some.jsonl", pathlib.Path(folder) / "some.md"
            some.write_text(json.dumps(run_of(baseline("linear"))) + "\n", encoding="utf-8")
            self.assertEqual(run("report.py", some, "--out", out).returncode, 0)
            self.assertIn("- Made by: unknown machine, unknown compiler, slm ?; threads: unknown",
                          out.read_text(encoding="utf-8"))

    def test_a_file_of_losses_that_is_missing_is_named(self):
        runs = [{**run_of(baseline(model), seed), "losses": "losses/none.safetensors"}
                for model in ("linear", "mlp") for seed in (1, 2)]
        with tempfile.TemporaryDirectory() as folder:
            some = pathlib.Path(folder) / "some.jsonl"
            some.write_text("".join(json.dumps(one) + "\n" for one in runs), encoding="utf-8")
            done = run("report.py", some, "--out", pathlib.Path(folder) / "some.md")
        self.assertEqual(done.returncode, 1)
        self.assertIn("losses/none.safetensors: No such file", done.stderr)

    def test_what_has_no_runs_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            some, out = pathlib.Path(folder) / "some.jsonl", pathlib.Path(folder) / "some.md"
            some.write_text(RUNS.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
            self.assertEqual(run("report.py", some, "--out", out).returncode, 0)
            text = out.read_text(encoding="utf-8")
            self.assertIn("## 3. Word level, PTB and WikiText-2\n\nNo runs yet.\n", text)
            self.assertIn("| linear | 1 |", text)
            some.write_text("", encoding="utf-8")
            empty = run("report.py", some, "--out", out)
            self.assertEqual(empty.returncode, 1)
            self.assertIn("no run with the paper's settings", empty.stderr)
            missing = run("report.py", pathlib.Path(folder) / "none.jsonl")
            self.assertEqual(missing.returncode, 1)
            self.assertIn("none.jsonl: No such file", missing.stderr)


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "no matplotlib")
class PlotTest(unittest.TestCase):
    def test_every_figure_is_drawn(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("plot.py", RUNS, "--out", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            names = ["iso_flop", "learning_rate", "positions_flops", "positions_loss", "ptb_loss", "quick_iso_flop",
                     "quick_tiny_shakespeare_flops", "quick_tiny_shakespeare_loss", "sweeps",
                     "synthetic_tiny_shakespeare_flops", "synthetic_tiny_shakespeare_loss", "tiny_shakespeare_flops",
                     "tiny_shakespeare_loss", "wikitext-2_loss", "word_level_flops"]
            files = sorted(path.name for path in pathlib.Path(folder).iterdir())
            self.assertEqual(files, sorted(f"{name}.{kind}" for name in names for kind in ("png", "svg")))

    def test_what_every_figure_of_losses_says(self):
        names = ("iso_flop", "claim_1", "tiny_shakespeare_loss", "tiny_shakespeare_flops")
        with tempfile.TemporaryDirectory() as folder:
            blocks = {"mlp": [[2.5, 2.6]] * 3, "attention": [[2.4, 2.6]] * 3}
            runs = [with_losses(pathlib.Path(folder), run_of(baseline(model), seed, (2.6, 2.5, 2.4), flops=(4e12, 0)),
                                of_model, of_model) for seed in (1, 2) for model, of_model in blocks.items()]
            runs += [ngram("Kneser-Ney", 5, 1.75, 1.5), ngram("Kneser-Ney", 6, 1.8, 1.4)]
            some = pathlib.Path(folder) / "some.jsonl"
            some.write_text("".join(json.dumps(one) + "\n" for one in runs), encoding="utf-8")
            done = run("plot.py", some, "--out", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            texts = {name: (pathlib.Path(folder) / f"{name}.svg").read_text("utf-8") for name in names}
        self.assertIn("as executed, n = 2", texts.pop("claim_1"))
        for name, nll in zip(texts, ("1.750", "1.750", "1.500")):
            self.assertIn(f"order 5: {nll}", texts[name])
            self.assertIn("MLP, n = 2", texts[name])
        self.assertIn("Were every position computed", texts["iso_flop"])

    def test_trainings_of_other_settings_are_drawn_and_say_so(self):
        short = run_of(baseline("mlp"), valid=(2.9,), flops=(1e11, 0), windows=5000, epochs=1)
        long = run_of(baseline("mlp"), valid=(2.6, 2.5, 2.4), flops=(4e12, 0))
        with tempfile.TemporaryDirectory() as folder:
            some, out = pathlib.Path(folder) / "some.jsonl", pathlib.Path(folder)
            for runs in ([short], [short, long]):
                some.write_text("".join(json.dumps(one) + "\n" for one in runs), encoding="utf-8")
                done = run("plot.py", some, "--out", out)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue((out / "iso_flop.svg").exists())
                changed = "settings other than the paper's" in (out / "tiny_shakespeare_flops.svg").read_text("utf-8")
                self.assertEqual(changed, runs == [short])

    def test_the_architectures_are_drawn(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("plot_architectures.py", "--out", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr, "")
            self.assertTrue((pathlib.Path(folder) / "architectures.svg").exists())


if __name__ == "__main__":
    unittest.main()
