"""Loss against FLOPs spent."""
import unittest

from support import run_of
from analysis.budgets import Curve, at_budget, budget_grid, contest, curves, pareto_front
from analysis.paper import baseline
from analysis.runs import Results


class BudgetTest(unittest.TestCase):
    def test_between_two_points_it_is_a_line_over_log_flops(self):
        one = Curve([10, 1000, 4000], [3.0, 2.0, 1.5])
        self.assertAlmostEqual(at_budget([one], 100), 2.5)
        self.assertAlmostEqual(at_budget([one], 2000), 1.75)
        self.assertEqual(at_budget([one], 1000), 2.0)
        self.assertEqual(at_budget([one], 4000), 1.5)

    def test_there_is_nothing_before_the_first_point_or_after_the_last(self):
        one = Curve([10, 1000], [3.0, 2.0])
        self.assertIsNone(at_budget([one], 9))
        self.assertIsNone(at_budget([one], 1001))

    def test_of_several_curves_the_one_with_the_nearest_points_counts(self):
        coarse, fine = Curve([10, 1000], [3.0, 2.0]), Curve([50, 200], [2.9, 2.5])
        self.assertAlmostEqual(at_budget([coarse, fine], 100), 2.7)
        self.assertAlmostEqual(at_budget([coarse, fine], 100), at_budget([fine, coarse], 100))

    def test_a_grid_of_round_numbers(self):
        self.assertEqual(budget_grid(1e12, 1.6e12), [1e12, 1.5e12])
        self.assertEqual(budget_grid(4e12, 2e13), [5e12, 7e12, 1e13, 1.5e13, 2e13])

    def test_curves_are_of_longer_trainings_too_but_not_of_other_rates(self):
        mlp = baseline("mlp")
        results = Results([run_of(mlp, 1, (2.5, 2.4, 2.3)), run_of(mlp, 1, (2.5, 2.4, 2.3, 2.2), epochs=4),
                           run_of(mlp, 1, (9, 8, 7), learning_rate=1e-3), run_of(mlp, 2, (2.6, 2.5, 2.4), flops=(0, 0))])
        found = curves(results, "mlp")
        self.assertEqual(list(found), [1])
        short, long = sorted(found[1], key=lambda one: len(one.flops))
        self.assertEqual(short.nll, [2.5, 2.4, 2.3])
        self.assertEqual(long.flops, [25, 50, 75, 100])

    def test_who_leads(self):
        runs = [run_of(baseline("mlp"), seed, (2.5 + seed / 100, 2.4, 2.3), flops=(3e12, 0)) for seed in (1, 2)]
        runs += [run_of(baseline("attention"), seed, (2.6, 2.5, 2.2, 2.1 + seed / 100), flops=(4e12, 0))
                 for seed in (1, 2)]
        rows = {row.budget: row for row in contest(Results(runs))}
        self.assertEqual(list(rows), [1e12, 1.5e12, 2e12, 3e12])
        self.assertEqual(rows[1e12].order, ["mlp", "attention"])
        self.assertEqual(rows[3e12].order, ["attention", "mlp"])
        self.assertAlmostEqual(rows[1e12].samples["mlp"].mean, 2.515)

    def test_pareto_front(self):
        self.assertEqual(pareto_front([(3, 2.0), (1, 3.0), (2, 3.5), (4, 2.0), (5, 1.0)]), [(1, 3.0), (3, 2.0), (5, 1.0)])


if __name__ == "__main__":
    unittest.main()
