"""From comparisons to one verdict per claim."""
import unittest

from support import diverged, run_of
from analysis.claims import Finding, finding, findings, says, trade, tuned_rate
from analysis.paper import baseline, positions, sweep, words
from analysis.runs import Results
from analysis.seeds import Comparison
from analysis.verdicts import (FAILS, HOLDS, OPEN, all_parts, any_part, claim_verdict, part_lines, part_text, verdict,
                               verdict_cell, verdict_lines)


def found(claim="4", difference=0.1, p=0.01, corrected=0.01, **options):
    return Finding(claim, "part", "a − b", [difference] * 3, Comparison(difference, 0.05, p, 2, 0.04), "",
                   corrected=corrected, **options)


HELD, FAILED, UNCLEAR = found(), found(difference=-0.1), found(corrected=0.06)


class ComparisonTest(unittest.TestCase):
    def test_there_are_three_verdicts(self):
        self.assertEqual([verdict(one) for one in (HELD, FAILED, UNCLEAR)], [HOLDS, FAILS, OPEN])
        self.assertEqual(verdict(found()._replace(comparison=None)), OPEN)

    def test_what_holms_correction_took_is_said(self):
        self.assertEqual(verdict_cell(found(p=0.017, corrected=0.06)), "not distinguishable (p before Holm 0.017)")
        self.assertEqual(verdict_cell(found(p=0.07, corrected=0.2)), "not distinguishable")
        self.assertEqual(part_text(found(p=0.017, corrected=0.06)),
                         "part: not distinguishable (p before Holm 0.017; +0.100 ± 0.050, p = 0.06 after Holm)")

    def test_what_one_seed_says(self):
        comparison = Comparison(0.1, 0.05, 0.01, 2, chance=0.04)
        self.assertEqual(says(0.05, comparison, [0.1, 0.2]), "+0.0500: holds; 2 of our 2 seeds say so")
        self.assertEqual(says(0.03, comparison, [0.1, -0.1]), "+0.0300: holds, within chance; 1 of our 2 seeds says so")
        self.assertEqual(says(-0.05, None, []), "−0.0500: does not hold")

    def test_seeds_are_counted_against_the_papers_sign_not_ours(self):
        # the paper has L = 4 worse, we have it better on average: only the second seed says what the paper says
        runs = [run_of(sweep("transformer", f"L = {layers}"), seed, test=test)
                for layers, tests in ((3, (2.30, 2.30, 2.30)), (4, (2.20, 2.31, 2.25)))
                for seed, test in enumerate(tests, 1)]
        [depth] = [one for one in findings(Results(runs)) if one.comparison]
        self.assertLess(depth.comparison.difference, 0)
        self.assertEqual(depth.paper, "+0.0283: holds, within chance; 1 of our 3 seeds says so")

    def test_models_are_compared_over_the_seeds_that_both_have(self):
        runs = [run_of(positions("learned"), seed, test=2.0) for seed in (1, 2, 3, 4, 5)]
        runs += [run_of(positions("RoPE"), seed, test=2.0 + seed / 10) for seed in (2, 3, 4, 6)]
        [rope] = [one for one in findings(Results(runs)) if one.comparison]
        self.assertEqual(len(rope.differences), 3)
        self.assertAlmostEqual(rope.comparison.difference, 0.3)

    def test_lower_loss_for_more_flops_is_no_evidence(self):
        runs = [run_of(baseline("mlp"), seed, test=2.3, flops=(4e12, 0)) for seed in (1, 2, 3)]
        runs += [run_of(baseline("attention"), seed, test=2.1 + seed / 100, flops=(5e12, 0)) for seed in (1, 2, 3)]
        [end] = [one for one in findings(Results(runs)) if one.claim == "1" and one.comparison and not one.budget]
        self.assertEqual(verdict_cell(end), "lower loss, but costs more")
        self.assertTrue(end.paper.startswith("+0.1887: lower loss"))
        self.assertNotEqual(end.corrected, end.corrected)  # it has none
        self.assertEqual(claim_verdict("1", [end]), OPEN)
        self.assertEqual(trade(end.comparison, 0.5), "lower loss, and costs less")
        self.assertEqual(trade(FAILED.comparison, 0.5), "higher loss, but costs less")
        self.assertEqual(trade(None, 2), "loss not distinguishable, costs more")

    def test_the_papers_overfitting_is_held_against_chance(self):
        runs = [run_of(words("ptb"), seed, (6.5, 6.4, 6.4 + rise, 6.9)) for seed, rise in ((1, 0.01), (2, 0.3))]
        [ptb] = [one for one in findings(Results(runs)) if one.comparison]
        self.assertEqual(ptb.paper, "+0.0600: holds, within chance; 2 of our 2 seeds say so")


class ClaimTest(unittest.TestCase):
    def test_rules(self):
        for parts, of_all, of_any in (([HOLDS, HOLDS], HOLDS, HOLDS), ([HOLDS, OPEN], OPEN, HOLDS),
                                      ([HOLDS, FAILS], FAILS, HOLDS), ([FAILS, OPEN], FAILS, OPEN),
                                      ([FAILS, FAILS], FAILS, FAILS), ([OPEN], OPEN, OPEN)):
            with self.subTest(parts):
                self.assertEqual(all_parts(parts), of_all)
                self.assertEqual(any_part(parts), of_any)

    def test_a_comparison_without_a_test_keeps_a_claim_open(self):
        lacking = finding("4", "MLP", "a − b", [0.1], None)
        self.assertEqual(claim_verdict("4", [HELD, lacking]), OPEN)
        self.assertEqual(part_text(lacking), "MLP: no test with fewer than 2 seeds in common")

    def test_learning_rates_decide_once_they_are_there(self):
        at_papers, tuned = found("3"), found("3", difference=-0.1)
        self.assertEqual(claim_verdict("3", [at_papers]), HOLDS)
        self.assertIn("   - **Verdict: holds** (by the paper's learning rate, as runs at others are missing)",
                      verdict_lines([at_papers]))
        self.assertEqual(claim_verdict("3", [at_papers, tuned]), FAILS)
        self.assertIn("   - **Verdict: does not hold** (by each variant at its own best learning rate)",
                      verdict_lines([at_papers, tuned]))

    def test_a_rate_is_chosen_over_the_seeds_that_all_rates_have(self):
        def rope(seed, valid, **changes):
            return run_of(positions("RoPE"), seed, (valid,), test=2.0 + seed / 10, **changes)
        # seeds 3 and 4, which only the paper's rate has, would make it look worse
        runs = [rope(1, 1.90), rope(2, 1.91), rope(3, 2.5), rope(4, 2.5)]
        runs += [rope(seed, 1.95, learning_rate=1e-3) for seed in (1, 2)]
        runs += [run_of(positions("learned"), seed, (1.9 + rate,), test=2.0, learning_rate=rate)
                 for rate in (3e-4, 1e-3) for seed in (1, 2, 3)]
        [tuned] = [one for one in findings(Results(runs)) if one.part == "each at its best learning rate"]
        self.assertEqual(tuned.compared, "RoPE at 0.0003 − learned at 0.0003")
        self.assertEqual(len(tuned.differences), 3)

    def test_a_rate_at_which_a_seed_diverged_is_not_chosen(self):
        rope = positions("RoPE")
        runs = [run_of(rope, seed, (2.0,)) for seed in (1, 2)]
        runs += [run_of(rope, 1, (1.5,), learning_rate=3e-3), run_of(rope, 2, (1.5,), learning_rate=3e-3)]
        self.assertEqual(tuned_rate(Results(runs), rope), 3e-3)
        runs += [run_of(rope, seed, (1.9,), learning_rate=1e-3) for seed in (1, 2)]
        self.assertEqual(tuned_rate(Results([*runs, diverged(run_of(rope, 3, learning_rate=3e-3))]), rope), 1e-3)

    def test_neighbouring_budgets_with_one_verdict_are_one_line(self):
        budgets = [found("1", 0.1, budget=1e12), found("1", 0.2, corrected=0.02, budget=2e12),
                   found("1", -0.1, budget=5e12)]
        self.assertEqual(part_lines(budgets), [
            "part, at 2 budgets from 1.00e12 to 2.00e12 exact FLOPs: holds (+0.100 to +0.200, p = 0.01 to 0.02 after "
            "Holm)",
            "part, at 5.00e12 exact FLOPs: does not hold (−0.100, p = 0.01 after Holm)"])


if __name__ == "__main__":
    unittest.main()
