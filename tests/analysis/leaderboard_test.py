"""The page of the leaderboard: which lines count, what an entry reaches, and what a change is worth."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import SCRIPTS
from analysis.leaderboard_lines import read_lines, rows, tried, tuning_flops
from leaderboard import (change_table, entry_table, estimate_table, paper_table, record_table, seconds_text, thresholds,
                         word_table)


def line_of(entry="gru", target="board", nll=1.7, seed=1, change="", flops=1e11, **changes):
    line = {"key": f"{entry} {target} {change} {seed} {changes.get('set')}", "entry": entry, "target": target,
            "change": change, "set": [], "quick": False, "seed": seed, "division": "plain", "config": {"context": 64},
            "recipe": {"budget": 1.01 * flops}, "parameters": 40_545, "steps": 100, "lookups": 5e8, "counted": 0,
            "flops": {"training": 0.9 * flops, "optimizer": 0.1 * flops, "total": flops, "scoring": 1e10},
            "nll": nll, "nll_of_windows": nll + 0.02}
    return {**line, **changes}


def of_seeds(*losses, **changes):
    return [line_of(nll=nll, seed=seed, **changes) for seed, nll in enumerate(losses, start=1)]


class LinesTest(unittest.TestCase):
    def test_rows_are_of_one_target_and_without_settings_by_hand(self):
        lines = [*of_seeds(1.7, 1.8), line_of(target="selection"), line_of(seed=3, set=["width=64"]),
                 line_of(seed=4, quick=True), line_of(seed=5, diverged="not finite")]
        found = rows(lines, "board")
        self.assertEqual(list(found), [("gru", "")])
        self.assertAlmostEqual(found["gru", ""].nll.mean, 1.75)

    def test_of_one_training_the_last_line_counts(self):
        self.assertAlmostEqual(rows([line_of(nll=2.0), line_of(nll=1.5)], "board")["gru", ""].nll.mean, 1.5)

    def test_an_entry_is_as_it_was_trained_last(self):
        before = line_of(target="selection", config={"context": 32}, key="before")
        lines = [before, line_of(seed=2, target="selection"), line_of()]
        self.assertEqual(len(rows(lines, "selection")["gru", ""].lines), 1)
        self.assertEqual(list(tried(lines)), [("gru", "context=32")])

    def test_tuning_is_all_that_was_trained_on_the_text_for_selections(self):
        lines = [line_of(), line_of(target="selection"), line_of(target="selection", set=["width=64"], config={"width": 64}),
                 line_of(target="selection", seed=2, diverged="not finite"), line_of("other", target="selection"),
                 line_of("counted", target="selection", flops=0),
                 line_of(target="selection", key="scored otherwise", recipe={"budget": 1.01e11, "score_context": 256})]
        count, flops = tuning_flops(lines)
        self.assertEqual(count, 4)
        self.assertAlmostEqual(flops, 4.01e11)

    def test_what_was_set_by_hand_is_told_by_what_differs_from_the_entry(self):
        lines = [line_of(), line_of(target="selection", set=["width=64"], config={"context": 64, "width": 64}),
                 line_of(target="selection", set=["budget=1e12"], recipe={"budget": 1e12}),
                 line_of("new", target="selection", set=["each_once=false"], recipe={"each_once": False})]
        self.assertEqual(list(tried(lines)), [("gru", "width=64"), ("gru", "budget=1e+12"),
                                              ("new", "context=64, each_once=false")])


class TablesTest(unittest.TestCase):
    def entries(self, *lines):
        return rows(lines, "board").values()

    def entry(self, *losses, **changes):
        return entry_table(self.entries(*of_seeds(*losses, **changes)), {}, thresholds(None))[2]

    def test_an_entry_says_what_it_reaches_and_by_how_much_less(self):
        body = self.entry(1.7, 1.8, 1.75)
        self.assertIn("| 1.88 | 1/80 |", body)
        self.assertIn("not measured yet", body)
        self.assertNotIn("seeds)", body)
        self.assertIn(" (4 seeds) |", self.entry(1.7, 1.8, 1.75, 1.75))
        self.assertIn("| 1.4697 | 1/20,000 |", self.entry(1.4, 1.4, 1.4))
        self.assertIn("| 1.4697 | 1/670 |", self.entry(1.4, 1.4, 1.4, flops=3e12))
        self.assertIn("| 1.88 | 1.2 times as many |", self.entry(1.5, 1.5, 1.5, flops=1e13))
        self.assertIn("| – | – |", self.entry(1.9, 1.9, 1.9))

    def test_what_is_reached_is_so_with_the_whole_interval_of_three_seeds(self):
        self.assertIn("| – | – |", self.entry(1.75, 1.85, 2.0))
        self.assertIn("| – | – |", self.entry(1.4, 1.4))
        self.assertIn("| 1.88 | counted |", self.entry(1.65, flops=0, seconds=0.2))

    def test_the_smaller_model_of_nanogpt_is_beaten_by_the_score_that_it_has_here(self):
        cpu = of_seeds(1.86, 1.85, 1.84, entry="nanogpt_cpu", flops=8e12)
        lines = [*cpu, *of_seeds(1.86, 1.86, 1.86)]
        known = thresholds(rows(lines, "board")["nanogpt_cpu", ""])
        entry, itself = entry_table(self.entries(*lines), {}, known)[2:]
        self.assertIn("| – | – |", entry)
        self.assertIn("| 1.88 | 1/1 |", itself)

    def test_a_record_is_the_fewest_flops_of_three_seeds_or_more(self):
        lines = [*of_seeds(1.8, 1.8, 1.8), *of_seeds(1.7, 1.7, 1.7, entry="more", flops=1e12),
                 *of_seeds(1.6, entry="one_seed", flops=1e10),
                 line_of("counted", nll=1.65, flops=0, division="mixed", seconds=0.2)]
        cpu, gpu = record_table(self.entries(*lines), thresholds(None))[2:]
        self.assertIn("| 1.00e11, 1/80 (`gru`) | – | 0, counted (`counted`) |", cpu)
        self.assertIn("not yet: 1.7000 ± 0.0000 at 1.00e12 (`more`)", gpu)

    def test_seconds_are_steps_times_the_time_of_one(self):
        row, = self.entries(*of_seeds(1.7))
        times = {row.lines[0]["key"]: {"step": 0.02}}
        self.assertEqual(seconds_text(row, times), "2")
        self.assertIn("| 2 |", entry_table([row], times, thresholds(None))[2])

    def test_a_change_is_compared_by_seeds(self):
        found = rows([*of_seeds(1.7, 1.8), *of_seeds(1.6, 1.701, change="wider"), *of_seeds(1.69, 1.82, change="odd"),
                      *of_seeds(1.9, 2.001, change="narrow"), *of_seeds(2.5, change="new")], "board")
        wider, odd, narrow, new = change_table(found, "gru")[2:]
        self.assertIn("| −0.0995 ± 0.0064 | 2 | 0.0064 | helps |", wider)
        self.assertIn("| not distinguishable |", odd)
        self.assertIn("| hurts |", narrow)
        self.assertIn("| 1 | – | one seed |", new)

    def test_changes_are_corrected_for_each_other(self):
        found = rows([*of_seeds(1.7, 1.8, 1.9), *of_seeds(1.61, 1.7, 1.79, change="a"),
                      *of_seeds(1.68, 1.81, 1.92, change="b"), *of_seeds(1.695, 1.79, 1.889, change="c"),
                      *of_seeds(1.75, 1.7, 1.95, change="d")], "board")
        a, c = (row for row in change_table(found, "gru")[2:] if row.startswith(("| a", "| c")))
        self.assertIn("| 0.013 | helps |", a)
        self.assertIn("| 0.13 | helps, uncorrected |", c)

    def test_words_have_perplexities_also_by_dynamic_evaluation(self):
        lines = [*of_seeds(4.7, 4.7, target="ptb", dynamic_nll=4.5),
                 line_of("counted", target="ptb", nll=5.0, flops=0, seconds=0.8)]
        counted, trained, published = word_table(rows(lines, "ptb").values(), (("theirs", 57.3),), {})[2:]
        self.assertIn("| **5.0000** | 148.4 | – | 0 | 40,545 | 0.8 |", counted)
        self.assertIn("| **4.7000 ± 0.0000** (2 of 3 seeds) | 109.9 | 4.5000 ± 0.0000, 90.0 |", trained)
        self.assertIn("| theirs | 4.0483 | 57.3 |", published)
        half = rows([*lines, line_of(target="ptb", seed=3)], "ptb")["gru", ""]
        self.assertIsNone(half.dynamic_nll)

    def test_the_difference_of_two_scores(self):
        self.assertIn("−0.0200", estimate_table(rows(of_seeds(1.7), "board").values())[2])
        self.assertIn("1.9000", paper_table(rows(of_seeds(1.9, target="paper"), "paper").values())[2])


class PageTest(unittest.TestCase):
    def test_the_page_of_a_few_results(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            lines = [*of_seeds(1.7, 1.71, 1.72), *of_seeds(1.6, target="selection"),
                     *of_seeds(1.5, target="selection", change="wider"), *of_seeds(1.9, target="paper"),
                     line_of("mixed", nll=1.4, division="mixed", counted=9000)]
            path = folder / "leaderboard.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "half a li", encoding="utf-8")
            done = subprocess.run([sys.executable, str(SCRIPTS / "leaderboard.py"), str(path), "--out",
                                   str(folder / "leaderboard.md"), "--date", "2026-11-29"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("left out, as it is no result", done.stderr)
            self.assertEqual(len(read_lines(path)), len(lines))
            page = (folder / "leaderboard.md").read_text(encoding="utf-8")
            for title in ("## Plain", "## Mixed with n-grams", "## Rules", "## The paper's windows", "## What pays"):
                self.assertIn(title, page)
            self.assertNotIn("## With look-ups", page)
            self.assertNotIn("## Tuning", page)


if __name__ == "__main__":
    unittest.main()
