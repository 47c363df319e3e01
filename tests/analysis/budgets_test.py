"""Loss against what training costs."""
import re
import unittest

from support import SCRIPTS, run_of
from analysis.budgets import (Point, all_positions, at_budget, budget_grid, contest, curves, envelope, executed, nll_of,
                              paper_curve, reached, seeds_at, two_pn)
from analysis.paper import ALL_POSITIONS, baseline
from analysis.runs import Results

MLP, ATTENTION, TRANSFORMER = map(baseline, ("mlp", "attention", "transformer"))


def mlp(seed, **changes):
    return run_of(MLP, seed, (2.5 + seed / 100, 2.4, 2.3), flops=(3e12, 0), **changes)


def attention(seed, **changes):
    return run_of(ATTENTION, seed, (2.6, 2.5, 2.2 - seed / 100, 2.1), flops=(4e12, 0), **changes)


def rows_of(*runs, price=executed):
    return {row.budget: row for row in contest(Results(runs), price)}


def line_of(spent, nll):
    """Points of no run."""
    return [Point(*point) for point in zip(spent, nll)]


def pairs(one):
    return [point[:2] for point in one]


class CurveTest(unittest.TestCase):
    def test_between_two_points_it_is_a_line_over_log_flops(self):
        one = line_of([10, 1000, 4000], [3.0, 2.0, 1.5])
        for budget, nll in ((100, 2.5), (2000, 1.75), (1000, 2.0), (4000, 1.5)):
            self.assertAlmostEqual(nll_of(at_budget(one, budget)), nll)
        self.assertEqual([share for share, _ in at_budget(one, 2000)], [0.5, 0.5])

    def test_there_is_nothing_before_the_first_point_or_after_the_last(self):
        one = line_of([10, 1000], [3.0, 2.0])
        self.assertIsNone(at_budget(one, 9))
        self.assertIsNone(at_budget(one, 1001))
        self.assertEqual(seeds_at({1: one}, 9), {})

    def test_several_trainings_together_reach_the_lowest_of_any_until_then(self):
        long, fine = line_of([100, 200, 300, 400], [2.5, 2.3, 2.2, 2.4]), line_of([10, 20, 30, 110], [3, 2.8, 2.9, 2.6])
        self.assertEqual(envelope([long, fine]), line_of([10, 20, 100, 200, 300, 400], [3, 2.8, 2.5, 2.3, 2.2, 2.2]))
        self.assertEqual(envelope([long, fine]), envelope([fine, long]))

    def test_the_end_of_a_training_has_the_weights_of_its_best_epoch(self):
        run = run_of(MLP, 1, (2.5, 2.3, 2.4))
        *_, end = envelope(curves(Results([run]), "mlp", executed)[1])
        self.assertEqual((end.spent, end.nll, end.run, end.epoch), (100, 2.3, run, 2))

    def test_two_trainings_with_the_same_point(self):
        results = Results([run_of(MLP, 1, (2.5, 2.4), flops=(50, 0), epochs=2),
                           run_of(MLP, 1, (2.5, 2.4, 2.3), flops=(75, 0))])
        self.assertEqual(pairs(reached(results, "mlp", executed)[1]), [(25, 2.5), (50, 2.4), (75, 2.3)])

    def test_curves_are_of_longer_trainings_too_but_not_of_other_rates(self):
        results = Results([run_of(MLP, 1, (2.5, 2.4, 2.3)), run_of(MLP, 1, (2.5, 2.4, 2.3, 2.2), epochs=4),
                           run_of(MLP, 1, (9, 8, 7), learning_rate=1e-3), run_of(MLP, 1, (9, 8, 7), batch=32),
                           run_of(MLP, 1, (9, 8, 7), evaluation_windows=50),
                           run_of(MLP, 2, (2.6, 2.5, 2.4), flops=(0, 0))])
        found = curves(results, "mlp", executed)
        self.assertEqual(list(found), [1])
        short, long = sorted(found[1], key=len)
        self.assertEqual([point.nll for point in short], [2.5, 2.4, 2.3])
        self.assertEqual([point.spent for point in long], [25, 50, 75, 100])

    def test_a_longer_training_extends_a_shorter_one_and_a_finer_one_comes_before(self):
        results = Results([run_of(MLP, 1, (2.5, 2.4, 2.3), flops=(300, 0)),
                           run_of(MLP, 1, (2.5, 2.4, 2.3, 2.2), flops=(400, 0), epochs=4),
                           run_of(MLP, 1, (2.9, 2.8), flops=(20, 0), windows=5000, epochs=2)])
        self.assertEqual(pairs(reached(results, "mlp", executed)[1]),
                         [(10, 2.9), (20, 2.8), (100, 2.5), (200, 2.4), (300, 2.3), (400, 2.2)])

    def test_runs_of_an_older_text_are_no_curves(self):
        old = {**run_of(MLP, 1, (9, 9, 9)), "dataset": {"name": MLP.dataset, "sha256": "old"}}
        self.assertEqual(len(curves(Results([old]), "mlp", executed)[1]), 1)
        results = Results([old, run_of(MLP, 1, (2.5, 2.4), epochs=2)])
        self.assertEqual([[point.nll for point in one] for one in curves(results, "mlp", executed)[1]], [[2.5, 2.4]])

    def test_the_papers_curve_has_our_flops(self):
        self.assertEqual(pairs(paper_curve(Results([mlp(1)]), "mlp", executed)),
                         [(1e12, 2.57), (2e12, 2.42), (3e12, 2.33)])
        self.assertIsNone(paper_curve(Results([mlp(1)]), "attention", executed))


class PriceTest(unittest.TestCase):
    def test_every_position_makes_training_cost_more_and_the_optimizer_the_same(self):
        results = Results([run_of(ATTENTION, 1, (2.5, 2.4), flops=(100, 10)),
                           run_of(MLP, 1, (2.5, 2.4), flops=(100, 10)),
                           run_of(MLP, 1, (2.9, 2.8), flops=(20, 2), windows=5000)])
        whole = 100 * ALL_POSITIONS["attention"] + 10
        spent = {model: [point.spent for point in reached(results, model, all_positions)[1]]
                 for model in ("attention", "mlp")}
        self.assertEqual(spent, {"attention": [whole / 2, whole], "mlp": [11, 22, 55, 110]})

    def test_the_factors_are_those_of_flops_md(self):
        text = (SCRIPTS.parent / "docs" / "flops.md").read_text(encoding="utf-8")
        multiples = text[text.index("multiple of slm"):]
        for model, factor in ALL_POSITIONS.items():
            [found] = re.findall(rf"^{model} +1 +[\d,]+ +1\.00 +([\d.]+) ", multiples, re.MULTILINE)
            self.assertEqual(float(found), round(factor, 2))

    def test_2pn_is_the_papers(self):
        run = {**run_of(MLP), "parameters": 4_285_377}
        self.assertEqual(two_pn(run), 2 * 4_285_377 * 128 * 50_000 * 3)
        self.assertEqual(two_pn({**run, "config": {**run["config"], "epochs": 6}}), 2 * two_pn(run))

    def test_what_was_made_before_flops_were_counted_has_no_price(self):
        run = run_of(MLP)
        del run["flops"]
        self.assertEqual((executed(run), all_positions(run)), (None, None))


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

    def test_the_trainings_behind_a_budget_by_seed(self):
        row = rows_of(*map(mlp, (1, 2, 3)), *map(attention, (2, 4)))[3e12]
        self.assertEqual({model: list(seeds) for model, seeds in row.trained.items()},
                         {"mlp": [1, 2, 3], "attention": [2, 4]})
        [(share, point)] = row.trained["attention"][4]
        self.assertEqual((share, point.run["seed"], point.epoch), (1, 4, 3))

    def test_beyond_its_trainings_a_model_keeps_its_lowest_but_was_not_trained_for_it(self):
        row = rows_of(mlp(1), mlp(2), attention(1), attention(2))[4e12]
        self.assertEqual(set(row.trained), {"attention"})
        self.assertAlmostEqual(row.samples["mlp"].mean, 2.3)

    def test_the_better_with_attention_is_one_that_was_trained_for_it(self):
        def transformer(seed):
            return run_of(TRANSFORMER, seed, (3.0, 2.9, 2.8, 2.0), flops=(4e13, 0))
        rows = rows_of(*map(mlp, (1, 2)), *map(attention, (1, 2)), *map(transformer, (1, 2)))
        better = {budget: row.better_with_attention() for budget, row in rows.items()}
        self.assertEqual((better[4e12], better[2e13]), ("attention", "transformer"))
        self.assertEqual(rows[2e13].order[0], "attention")  # its end at 4e12 is lower
        self.assertIsNone(rows_of(mlp(1))[1e12].better_with_attention())

    def test_where_no_training_reaches_there_is_no_row(self):
        short, late = run_of(MLP, 1, (2.5,), flops=(1e12, 0), epochs=1), run_of(TRANSFORMER, 1, flops=(2e13, 0))
        self.assertEqual(list(rows_of(short, late)), [1e12, 1e13, 2e13])


if __name__ == "__main__":
    unittest.main()
