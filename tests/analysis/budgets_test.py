"""Loss against FLOPs spent."""
import re
import unittest

from support import SCRIPTS, run_of
from analysis.budgets import (Curve, all_positions, at_budget, budget_grid, contest, curves, envelope, paper_curve,
                              pareto_front, reached)
from analysis.claims import findings
from analysis.paper import ALL_POSITIONS, baseline
from analysis.runs import Results

MLP, ATTENTION, TRANSFORMER = map(baseline, ("mlp", "attention", "transformer"))


def mlp(seed, **changes):
    return run_of(MLP, seed, (2.5 + seed / 100, 2.4, 2.3), flops=(3e12, 0), **changes)


def attention(seed, **changes):
    return run_of(ATTENTION, seed, (2.6, 2.5, 2.2 - seed / 100, 2.1), flops=(4e12, 0), **changes)


def rows_of(*runs):
    return {row.budget: row for row in contest(Results(runs))}


class CurveTest(unittest.TestCase):
    def test_between_two_points_it_is_a_line_over_log_flops(self):
        one = Curve([10, 1000, 4000], [3.0, 2.0, 1.5])
        self.assertAlmostEqual(at_budget(one, 100), 2.5)
        self.assertAlmostEqual(at_budget(one, 2000), 1.75)
        self.assertEqual(at_budget(one, 1000), 2.0)
        self.assertEqual(at_budget(one, 4000), 1.5)

    def test_there_is_nothing_before_the_first_point_or_after_the_last(self):
        one = Curve([10, 1000], [3.0, 2.0])
        self.assertIsNone(at_budget(one, 9))
        self.assertIsNone(at_budget(one, 1001))

    def test_several_trainings_together_reach_the_lowest_of_any_until_then(self):
        long, fine = Curve([100, 200, 300, 400], [2.5, 2.3, 2.2, 2.4]), Curve([10, 20, 30, 110], [3.0, 2.8, 2.9, 2.6])
        self.assertEqual(envelope([long, fine]), Curve([10, 20, 100, 200, 300, 400], [3.0, 2.8, 2.5, 2.3, 2.2, 2.2]))
        self.assertEqual(envelope([long, fine]), envelope([fine, long]))

    def test_curves_are_of_longer_trainings_too_but_not_of_other_rates(self):
        results = Results([run_of(MLP, 1, (2.5, 2.4, 2.3)), run_of(MLP, 1, (2.5, 2.4, 2.3, 2.2), epochs=4),
                           run_of(MLP, 1, (9, 8, 7), learning_rate=1e-3), run_of(MLP, 1, (9, 8, 7), batch=32),
                           run_of(MLP, 1, (9, 8, 7), evaluation_windows=50),
                           run_of(MLP, 2, (2.6, 2.5, 2.4), flops=(0, 0))])
        found = curves(results, "mlp")
        self.assertEqual(list(found), [1])
        short, long = sorted(found[1], key=lambda one: len(one.flops))
        self.assertEqual(short.nll, [2.5, 2.4, 2.3])
        self.assertEqual(long.flops, [25, 50, 75, 100])

    def test_a_longer_training_extends_a_shorter_one_and_a_finer_one_comes_before(self):
        results = Results([run_of(MLP, 1, (2.5, 2.4, 2.3), flops=(300, 0)),
                           run_of(MLP, 1, (2.5, 2.4, 2.3, 2.2), flops=(400, 0), epochs=4),
                           run_of(MLP, 1, (2.9, 2.8), flops=(20, 0), windows=5000, epochs=2)])
        self.assertEqual(reached(results, "mlp"),
                         {1: Curve([10, 20, 100, 200, 300, 400], [2.9, 2.8, 2.5, 2.4, 2.3, 2.2])})

    def test_runs_of_an_older_text_are_no_curves(self):
        old = {**run_of(MLP, 1, (9, 9, 9)), "dataset": {"name": MLP.dataset, "sha256": "old"}}
        self.assertEqual(len(curves(Results([old]), "mlp")[1]), 1)
        results = Results([old, run_of(MLP, 1, (2.5, 2.4), epochs=2)])
        self.assertEqual([one.nll for one in curves(results, "mlp")[1]], [[2.5, 2.4]])

    def test_the_papers_curve_has_our_flops(self):
        self.assertEqual(paper_curve(Results([mlp(1)]), "mlp"), Curve([1e12, 2e12, 3e12], [2.57, 2.42, 2.33]))
        self.assertIsNone(paper_curve(Results([mlp(1)]), "attention"))


class AllPositionsTest(unittest.TestCase):
    def test_training_costs_more_and_the_optimizer_the_same(self):
        results = all_positions(Results([run_of(ATTENTION, 1, (2.5, 2.4), flops=(100, 10)),
                                         run_of(MLP, 1, (2.5, 2.4), flops=(100, 10)),
                                         run_of(MLP, 1, (2.9, 2.8), flops=(20, 2), windows=5000)]))
        whole = 100 * ALL_POSITIONS["attention"] + 10
        self.assertEqual(reached(results, "attention")[1].flops, [whole / 2, whole])
        self.assertEqual(reached(results, "mlp")[1].flops, [11, 22, 55, 110])

    def test_the_factors_are_those_of_flops_md(self):
        text = (SCRIPTS.parent / "docs" / "flops.md").read_text(encoding="utf-8")
        multiples = text[text.index("multiple of slm"):]
        for model, factor in ALL_POSITIONS.items():
            [found] = re.findall(rf"^{model} +1 +[\d,]+ +1\.00 +([\d.]+) ", multiples, re.MULTILINE)
            self.assertEqual(float(found), round(factor, 2))


class ContestTest(unittest.TestCase):
    def test_a_grid_of_round_numbers_and_whole_budgets(self):
        self.assertEqual(budget_grid(1e12, 1.6e12), [1e12])
        self.assertEqual(budget_grid(4e12, 2e13), [5e12, 1e13, 2e13])
        self.assertEqual(budget_grid(1e12, 2e13, [4e12, 5.3e12]), [1e12, 2e12, 4e12, 5.3e12, 1e13, 2e13])

    def test_who_leads(self):
        rows = rows_of(*map(mlp, (1, 2)), *map(attention, (1, 2)))
        self.assertEqual(list(rows), [1e12, 2e12, 3e12, 4e12])
        self.assertEqual(rows[1e12].order, ["mlp", "attention"])
        self.assertEqual(rows[3e12].order, ["attention", "mlp"])
        self.assertEqual([row.owner for row in rows.values()], [None, None, "mlp", "attention"])
        self.assertAlmostEqual(rows[1e12].samples["mlp"].mean, 2.515)

    def test_the_mlp_is_compared_within_seeds_that_both_have(self):
        rows = rows_of(*map(mlp, (1, 2, 3)), *map(attention, (2, 3, 4)))
        for difference, expected in zip(rows[3e12].differences, (0.12, 0.13), strict=True):
            self.assertAlmostEqual(difference, expected)
        self.assertAlmostEqual(rows[3e12].paper, 2.33 - 2.23)

    def test_beyond_its_trainings_a_model_keeps_its_lowest_but_the_mlp_is_not_compared(self):
        row = rows_of(mlp(1), mlp(2), attention(1), attention(2))[4e12]
        self.assertEqual(row.ended, {"mlp"})
        self.assertAlmostEqual(row.samples["mlp"].mean, 2.3)
        self.assertEqual(row.differences, [])
        self.assertIsNone(row.paper)

    def test_the_best_model_with_attention_is_compared(self):
        def long_mlp(seed):
            return run_of(MLP, seed, (2.5, 2.3 + seed / 100), flops=(2e13, 0), epochs=2)
        def transformer(seed):
            return run_of(TRANSFORMER, seed, (3.0, 2.9, 2.8, 2.0), flops=(4e13, 0))
        rows = rows_of(*map(mlp, (1, 2)), *map(long_mlp, (1, 2)), *map(attention, (1, 2)), *map(transformer, (1, 2)))
        row = rows[2e13]
        self.assertEqual((row.best, row.ended), ("attention", {"attention"}))  # it needed only 4e12
        self.assertAlmostEqual(sum(row.differences), 0.2 * 2)
        self.assertNotIn("transformer", rows[5e12].samples)
        self.assertEqual(rows[4e13].best, "transformer")

    def test_where_no_training_reaches_there_is_no_row(self):
        short, late = run_of(MLP, 1, (2.5,), flops=(1e12, 0), epochs=1), run_of(TRANSFORMER, 1, flops=(2e13, 0))
        self.assertEqual(list(rows_of(short, late)), [1e12, 1e13, 2e13])

    def test_pareto_front(self):
        points = [(3, 2.0), (1, 3.0), (2, 3.5), (4, 2.0), (5, 1.0)]
        self.assertEqual(pareto_front(points), [(1, 3.0), (3, 2.0), (5, 1.0)])


class ClaimTest(unittest.TestCase):
    def of_budgets(self, *runs):
        return {one.budget: one for one in findings(Results(runs)) if one.budget}

    def test_each_budget_with_two_seeds_is_a_comparison(self):
        self.assertEqual(self.of_budgets(mlp(1), attention(1)), {})
        found = self.of_budgets(*map(mlp, (1, 2)), *map(attention, (1, 2)))
        self.assertEqual(list(found), [1e12, 3e12])  # at 2e12 the made-up losses have no spread
        self.assertLess(found[1e12].comparison.difference, 0)
        self.assertIn("3.00e12 exact FLOPs (MLP's whole budget)", found[3e12].compared)
        self.assertIn("+0.1000: holds", found[3e12].paper)

    def test_a_model_that_was_trained_for_less_cannot_lose(self):
        def long_mlp(seed):
            return run_of(MLP, seed, (2.2, 1.9 + seed / 100), flops=(2e13, 0), epochs=2)
        def transformer(seed):
            return run_of(TRANSFORMER, seed, (3.0, 2.9), flops=(2e13, 0), epochs=2)
        found = self.of_budgets(*map(long_mlp, (1, 2)), *map(attention, (1, 2)), *map(transformer, (1, 2)))
        self.assertEqual(found[2e13].remark, "higher loss, but trained for less")


if __name__ == "__main__":
    unittest.main()
