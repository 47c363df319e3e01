"""The analysis of the frontier: leaders, noise, envelopes, and the law's fit."""
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from support import SCRIPTS
from analysis.frontier_findings import findings
from analysis.frontier_law import (HIGH, LOW, WILD, Law, Observation, bootstrap, effective_tokens, exponent, fit,
                                   inside, interval, not_negative, solve)
from analysis.frontier_laws import between, exponent_table, law_table, laws, optima
from analysis.frontier_leads import answer_text, counting_text, leader_table, leads, missing_text, noise_text
from analysis.frontier_lines import Frontier, noise, noise_by_family, read_lines, seconds_of
from analysis.frontier_tables import depth_points, least_text, point_table, rate_table, seconds_table, sweep_table
from analysis.labels import spread

TRUE = Law(1.2, 30.0, 400.0, 0.5, 0.45, 8.0, 0.0)
TEXT = 1_000_000


def line_of(family="gru", size="1 x 48", budget=1e11, nll=2.0, seed=1, parameters=20_000, **changes):
    key = f"{family} {size} {changes.get('context', 32)} {changes.get('rate', 0.004)} {seed}"
    line = {"key": key, "stage": "trunks", "quick": False, "text": "tiny_shakespeare", "part": "score",
            "family": family, "size": size, "context": 32, "tokens_per_step": 1024, "rate": 0.004, "dropout": 0,
            "seed": seed, "budget": budget, "steps": 100, "parameters": parameters, "tokens": 1e6,
            "train_tokens": TEXT, "scored_tokens": 1e5, "flops_6nd": 0.9 * budget, "train_nll": nll,
            "flops": {"training": 0.99 * budget, "optimizer": 0, "total": 0.99 * budget, "evaluation": 1e9},
            "nll": nll, "seconds": 3.0}
    return {**line, **changes}


def ngram_of(order, nll, smoothing="kneser_ney", text="tiny_shakespeare"):
    return {**line_of("ngram", f"{smoothing} {order}", 0.0, nll, text=text), "seconds": 0.5,
            "config": {"order": order, "smoothing": smoothing}}


def by_law(noise_of=0.0, law=TRUE, seed=1):
    """Observations of a grid of sizes and tokens."""
    stream = random.Random(seed)
    return [Observation(N, D, TEXT, law.loss(N, D, TEXT) + stream.gauss(0, noise_of), str(N))
            for N in (2e4, 7e4, 2.5e5, 8e5, 2.5e6) for D in (2e5, 6e5, 2e6, 6e6, 2e7)]


class FindingsTest(unittest.TestCase):
    """What the advisor takes from the results."""

    def lines(self, part, **changes):
        return [line_of("gru", f"size {N}", D, TRUE.loss(N, D, TEXT), parameters=N, tokens=D, part=part, **changes)
                for N in (2e4, 7e4, 2.5e5, 9e5) for D in (2e5, 6e5, 2e6)]

    def counted(self):
        return [{**ngram_of(order, nll), "config": {"order": order, "smoothing": "kneser_ney", "vocabulary": 65}}
                for order, nll in enumerate((3.3, 2.5, 2.0, 1.5), start=1)]

    def test_a_law_comes_from_scores_and_rates_from_the_search(self):
        search = [line_of("gru", "1 x 96", 1e11, nll, rate=rate, tokens_per_step=tokens, stage="search",
                          part="selection") for nll, rate, tokens in ((2.0, 0.01, 512), (1.9, 0.005, 256))]
        lines = [*self.lines("score"), *search, *self.counted()]
        found = findings(Frontier(lines), Frontier(lines, part="selection"))
        self.assertEqual((found["vocabulary"], found["train_tokens"]), (65, TEXT))
        self.assertEqual(found["counting"], [3.3, 2.5, 2.0, 1.5])
        self.assertEqual(found["families"]["gru"]["reach"], float(f"{9e5 * 2e6 / TEXT ** 2:.3g}"))
        self.assertEqual(found["families"]["gru"]["epochs"], float(f"{2e6 / TEXT:.3g}"))
        law = found["families"]["gru"]
        self.assertEqual((law["points"], len(law["law"])), (12, 6))
        self.assertAlmostEqual(Law(*law["law"], 0.0).loss(1e5, 1e6, TEXT), TRUE.loss(1e5, 1e6, TEXT), delta=0.01)
        self.assertEqual([(one["rate"], one["tokens_per_step"]) for one in found["settings"]], [(0.005, 256)])

    def test_a_family_that_was_only_searched_has_rates_and_no_law(self):
        lines = [*self.lines("selection", stage="search"), *self.counted()]
        found = findings(Frontier(lines), Frontier(lines, part="selection"))
        self.assertEqual((found["families"], len(found["settings"])), ({}, 12))

    def test_without_n_grams_there_are_none(self):
        lines = self.lines("score")
        self.assertIsNone(findings(Frontier(lines), Frontier(lines, part="selection")))


class LabelsTest(unittest.TestCase):
    def test_labels_that_would_touch_are_moved_apart_around_their_middle(self):
        found = spread([1.0, 3.0, 1.0, 1.05], 0.1)
        self.assertEqual(found[1], 3.0)
        for place, expected in zip((0, 2, 3), (0.9166667, 1.0166667, 1.1166667)):
            self.assertAlmostEqual(found[place], expected)

    def test_a_group_that_grows_into_another_takes_it_along(self):
        found = spread([0.0, 0.0, 0.0, 1.4], 1.0)
        for place, expected in enumerate((-1.15, -0.15, 0.85, 1.85)):
            self.assertAlmostEqual(found[place], expected)

    def test_what_has_room_stays(self):
        self.assertEqual(spread([5.0, 1.0, 3.0], 2.0), [5.0, 1.0, 3.0])
        self.assertEqual(spread([], 1.0), [])


class FrontierTest(unittest.TestCase):
    def setUp(self):
        self.frontier = Frontier([
            line_of("gru", nll=2.0), line_of("gru", nll=2.02, seed=2), line_of("gru", nll=1.8, budget=1e12),
            line_of("attention", "1 x 64", nll=2.1), line_of("attention", "1 x 64", nll=1.7, budget=1e12),
            ngram_of(4, 1.99), ngram_of(5, 1.95), line_of(nll=9.0, quick=True), line_of(nll=9.0, text="ptb")])

    def test_the_lowest_mean_over_seeds_leads(self):
        first, second = leader_table(self.frontier)[2:]
        self.assertTrue(first.startswith("| 1e11 |"))
        self.assertIn("| 2.100 | 2.010 |", first)
        self.assertIn("| 2 | 0.090 to self-attention, 1 block, 1 x 64, T 32 (n = 1) | 0.075 |", first)
        self.assertIn("1.700", second)

    def test_a_lead_beyond_what_seeds_differ_by_is_bold(self):
        lines = [line_of("gru", nll=2.0 + off, seed=seed) for seed, off in ((1, 0.0), (2, 0.001), (3, 0.002))]
        row = leader_table(Frontier([*lines, line_of("mlp", nll=2.1), ngram_of(5, 1.95)]))[2]
        self.assertIn("**2.001**", row)
        self.assertIn("| 3 | 0.099 to MLP, 1 x 48, T 32 (n = 1) | 1.7e-6 |", row)
        self.assertIn("| **1.950** |", row)  # n-grams have less than either
        close = leader_table(Frontier([*lines, line_of("mlp", nll=2.002)]))[2]
        self.assertIn("| 0.45 |", close)
        self.assertNotIn("**", close)

    def test_a_family_has_its_own_noise(self):
        """As scipy's Welch test has it, where both sides are all of their families."""
        losses = {"gru": (1.4067, 1.4108, 1.4140), "transformer": (1.4256, 1.4334, 1.4135)}
        frontier = Frontier([line_of(family, nll=nll, seed=seed) for family, of_family in losses.items()
                             for seed, nll in enumerate(of_family, start=1)])
        (lead,) = leads(frontier)
        self.assertAlmostEqual(lead.p(noise_by_family(frontier.compared())), 0.130012, places=5)

    def test_seeds_for_the_comparison_are_in_no_law(self):
        frontier = Frontier([line_of("gru", nll=2.0), line_of("gru", nll=1.9, seed=2, stage="rivals")])
        self.assertAlmostEqual(frontier.best("gru", 1e11).nll, 1.95)
        self.assertEqual(frontier.fitted("gru")[0].nll, 2.0)

    def test_sizes_at_the_edge_are_marked(self):
        sizes = [line_of(size=f"1 x {N}", parameters=N, nll=nll) for N, nll in ((10, 2.0), (20, 1.9), (30, 1.95))]
        self.assertNotIn("†", leader_table(Frontier(sizes))[2])
        self.assertIn("†", leader_table(Frontier(sizes[:2]))[2])

    def test_sweeps_are_in_no_comparison_of_families(self):
        frontier = Frontier([line_of("gru", nll=2.0), line_of("transformer", nll=1.0, stage="depth")])
        self.assertIsNone(frontier.best("transformer", 1e11))
        self.assertEqual(frontier.envelope("transformer", lambda point: point.flops), [])

    def test_seeds_that_a_sweep_added_to_a_model_are_in_no_comparison_of_families(self):
        frontier = Frontier([line_of("gru", nll=2.0), line_of("gru", nll=1.0, seed=2, stage="context")])
        self.assertEqual(frontier.best("gru", 1e11).nll, 2.0)
        self.assertEqual(frontier.points()[0].nll, 1.5)

    def test_a_depth_that_a_sweep_over_contexts_trained_is_there(self):
        lines = [line_of("transformer", f"{L} x 128", context=64, stage=stage, parameters=parameters)
                 for L, stage, parameters in ((3, "depth", 700), (4, "context", 720), (6, "context", 3000))]
        self.assertEqual([point.model.size for point in depth_points(Frontier(lines))], ["3 x 128", "4 x 128"])

    def test_the_answer_names_who_leads_from_where_to_where(self):
        text = answer_text(self.frontier)
        self.assertIn("At 1e11 FLOPs **GRU**", text)
        self.assertIn("At 1e12 FLOPs **self-attention, 1 block**", text)
        self.assertIn("at 0 of 1 budgets", text)
        both = answer_text(Frontier([line_of(nll=2.0), line_of(nll=1.9, budget=1e12, parameters=50_000, size="b")]))
        self.assertIn("From 1e11 to 1e12 FLOPs **GRU**", both)
        self.assertIn("20,000 to 50,000 parameters", both)
        self.assertIn("how far seeds lie apart is not known)", both)
        missing = missing_text(self.frontier, {"ptb": Frontier([], "ptb")})
        self.assertIn("linear, MLP, transformer", missing)
        self.assertIn("the sweep over context, the sweep over depth, PTB.", missing)

    def test_of_one_training_at_one_budget_the_last_line_counts(self):
        frontier = Frontier([line_of(nll=2.0), line_of(nll=1.9)])
        self.assertEqual(frontier.best("gru", 1e11).nll, 1.9)

    def test_what_diverged_is_counted_and_in_no_mean(self):
        bad = line_of(seed=2)
        del bad["nll"]
        frontier = Frontier([line_of(nll=2.0), {**bad, "diverged": "the loss is not finite"}])
        self.assertEqual((len(frontier.diverged), frontier.best("gru", 1e11).nll), (1, 2.0))

    def test_the_noise_floor_is_pooled_over_trainings(self):
        found = noise(self.frontier.points())
        self.assertAlmostEqual(found.deviation, 0.02 / math.sqrt(2))
        self.assertEqual(found.degrees, 1)
        self.assertIn("0.0141", noise_text(self.frontier))
        self.assertIn("not known", noise_text(Frontier([line_of()])))

    def test_sweeps_have_a_noise_of_their_own(self):
        lines = [line_of(nll=nll, seed=seed, stage=stage, context=T) for stage, T, off in (("trunks", 64, 0.0), ("depth", 32, 0.1))
                 for seed, nll in ((1, 2.0), (2, 2.01 + off))]
        text = noise_text(Frontier(lines))
        self.assertIn("deviation of 0.0071 nats (pooled, 1 degrees of freedom; 0.0778 in the sweeps", text)

    def test_an_envelope_has_what_nothing_cheaper_beats(self):
        frontier = Frontier([line_of(nll=2.0), line_of(size="1 x 96", nll=2.5, budget=3e11),
                             line_of(nll=1.9, budget=1e12)])
        self.assertEqual([one[1] for one in frontier.envelope("gru", lambda point: point.flops)], [2.0, 1.9])

    def test_counting_stands_beside_training(self):
        text = counting_text(self.frontier)
        self.assertIn("1.9500", text)
        self.assertIn("less from 1e12 FLOPs on", text)
        close = [line_of("gru", nll=1.945 + off, seed=seed) for seed, off in ((1, -0.004), (2, 0.0), (3, 0.004))]
        self.assertIn("from 1e11 FLOPs on (there by 0.005, which seeds may explain)",
                      counting_text(Frontier([*close, ngram_of(5, 1.95)])))

    def test_seconds_are_steps_of_an_idle_machine(self):
        price = seconds_of({"gru 1 x 48 32 0.004 1": {"step": 0.05}})
        rows = seconds_table(self.frontier, price)[2:]
        self.assertTrue(rows[0].startswith("| 10 | **1.800** | 1.950 | GRU"))  # of 5 s each; attention was not timed
        self.assertEqual(seconds_table(self.frontier, seconds_of({})), [])

    def test_a_sweep_shows_the_best_value(self):
        points = Frontier([line_of(context=T, nll=nll) for T, nll in ((32, 2.0), (64, 1.9), (128, 1.95))]).points()
        row = sweep_table(points, lambda point: point.model.context, "T")[2]
        self.assertEqual(row, "| GRU | 1e11 | 2.000 | **1.900** | 1.950 | 1 |")
        self.assertEqual(least_text(points, lambda point: point.model.context), "Least loss: GRU at 1e11 FLOPs: 64.")

    def test_a_sweep_says_what_seeds_do_not_tell_apart(self):
        points = Frontier([line_of(context=T, nll=nll + off, seed=seed) for T, nll in ((32, 2.0), (64, 1.9), (128, 1.91))
                           for seed, off in ((1, -0.01), (2, 0.01))]).points()
        self.assertEqual(least_text(points, lambda point: point.model.context),
                         "Least loss: GRU at 1e11 FLOPs: 64 (not told from it: 128).")

    def test_a_search_says_what_lies_at_the_edge(self):
        lines = [line_of(rate=rate, nll=nll, part="selection", stage="search")
                 for rate, nll in ((0.002, 2.0), (0.004, 1.9), (0.008, 1.8))]
        self.assertIn("| rate |", rate_table({"a text": Frontier(lines, part="selection")})[2])

    def test_every_model_has_a_row(self):
        self.assertEqual(len(point_table(self.frontier)), 2 + 4)


class LawTest(unittest.TestCase):
    def test_tokens_read_again_count_less(self):
        self.assertEqual(effective_tokens(5e5, 1e6, 8), 5e5)
        self.assertAlmostEqual(effective_tokens(2e6, 1e6, 8), 1e6 * (1 + 8 * (1 - math.exp(-1 / 8))))
        self.assertLess(effective_tokens(1e12, 1e6, 8), 9.0001e6)

    def test_equations_and_least_squares(self):
        self.assertEqual(solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]), [1.0, 0.5])
        self.assertIsNone(solve([[1.0, 1.0], [1.0, 1.0]], [1.0, 2.0]))
        found, error = not_negative([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]], [3.0, 2.0, 1.0])
        self.assertAlmostEqual(found[0], 2.0)  # a slope below 0 is not allowed
        self.assertEqual(found[1], 0.0)
        self.assertAlmostEqual(error, 2.0)

    def test_a_law_is_found_again(self):
        law = fit(by_law())
        self.assertLess(law.residual, 2e-3)
        for N, D in ((5e4, 1e6), (1e6, 1e7)):
            self.assertAlmostEqual(law.loss(N, D, TEXT), TRUE.loss(N, D, TEXT), delta=5e-3)
        self.assertAlmostEqual(law.alpha, TRUE.alpha, delta=0.1)
        self.assertAlmostEqual(law.beta, TRUE.beta, delta=0.1)

    def test_too_few_points_have_none(self):
        self.assertIsNone(fit(by_law()[:5]))

    def test_intervals_hold_what_made_the_points(self):
        points = by_law(0.005)
        law = fit(points)
        drawn = bootstrap(points, law, 30)
        self.assertEqual(len(drawn), 30)
        low, high = interval([one for one, _ in drawn], lambda one: one.loss(2.5e5, 2e6, TEXT))
        self.assertLess(low, TRUE.loss(2.5e5, 2e6, TEXT))
        self.assertLess(TRUE.loss(2.5e5, 2e6, TEXT), high)
        self.assertLess(high - low, 0.02)
        self.assertIsNone(interval([], lambda one: one.E))

    def test_draws_are_off_by_as_much_as_the_points_and_a_training_as_one(self):
        points = by_law(0.01)
        law = fit(points)
        (_, drawn), = bootstrap(points, law, 1)
        for name in {one.training for one in points}:
            factors = {round((new.nll - law.loss(*new[:3])) / (old.nll - law.loss(*old[:3])), 6)
                       for old, new in zip(points, drawn) if old.training == name}
            self.assertEqual(len(factors), 1)
        self.assertAlmostEqual(sum(x * x for x in WILD) / 6, 1)
        self.assertAlmostEqual(sum(WILD), 0)

    def test_numbers_of_the_search_stay_within_their_bounds(self):
        for x in (-30.0, -1.0, 0.3, 2.0, 30.0):
            for value, low, high in zip(inside((x, x, x)), LOW, HIGH):
                self.assertTrue(low <= value <= high)
        self.assertAlmostEqual(inside((math.log(0.5), 0, 0))[0], 0.5)
        self.assertAlmostEqual(inside((math.log(3 * 1.2), 0, 0))[0], 3 / 1.2)

    def test_what_has_no_part_in_the_loss_is_not_known(self):
        law = Law(1.2, 0.0, 400.0, 0.5, 0.45, 8.0, 0.0)
        lines = [line_of(size=str(N), parameters=N, budget=6 * N * D, tokens=D, nll=law.loss(N, D, TEXT))
                 for N in (2e4, 7e4, 2e5, 2e6) for D in (3e5, 3e6, 3e7)]
        row = law_table(laws(Frontier(lines), draws=2))[2]
        self.assertEqual(row.count("not known"), 2)  # of parameters: their exponent, and how they grow
        self.assertIn("100.0 %", row)

    def test_an_exponent_is_a_slope_of_logarithms(self):
        self.assertAlmostEqual(exponent([(x, 3 * x ** -0.2) for x in (1e11, 1e12, 1e13)]), -0.2)
        self.assertIsNone(exponent([(1, 1), (2, 2)]))

    def test_tables_of_laws(self):
        lines = [line_of(size=str(N), parameters=N, budget=budget, tokens=budget / (7 * N), flops_6nd=budget * 6 / 7,
                         nll=TRUE.loss(N, budget / (7 * N), TEXT))
                 for N in (2e4, 6e4, 2e5, 6e5) for budget in (1e11, 3e11, 1e12, 3e12)]
        fitted = laws(Frontier(lines), draws=3)
        self.assertEqual(len(law_table(fitted)), 3)
        row = exponent_table(fitted)[2]
        self.assertIn("| GRU |", row)
        self.assertIn("| 0.86 – 0.86 |", row)

    def test_exponents_are_of_the_best_size_by_each_cost(self):
        # 6ND counts the larger model as cheap: by it, that one has the budget's place.
        points = [Observation(N, 0, TEXT, nll, str(N), budget, budget * ratio)
                  for N, ratio, losses in ((1e4, 1.0, (3.0, 2.0, 1.0)), (1e5, 0.1, (3.5, 2.5, 1.5)))
                  for budget, nll in zip((1e11, 1e12, 1e13), losses)]
        budgets = (1e11, 1e12, 1e13)
        self.assertEqual([one[2] for one in optima(points, lambda one: one.budget, budgets)], [1e4, 1e4, 1e4])
        by_rule = optima(points, lambda one: one.flops_6nd, budgets)
        for found, (loss, parameters) in zip(by_rule, ((2.5, 1e5), (1.5, 1e5), (1.0, 1e4))):
            self.assertAlmostEqual(found[1], loss)
            self.assertEqual(found[2], parameters)
        curve = [(1.0, 3.0), (100.0, 1.0), (1000.0, 0.9)]
        self.assertAlmostEqual(between(curve, 10.0), 2.0)
        self.assertAlmostEqual(between(curve, 100.0), 1.0)
        self.assertAlmostEqual(between(curve, 1100.0), 0.9 - 0.1 * math.log10(1.1))
        self.assertIsNone(between(curve, 1300.0))
        self.assertIsNone(between(curve[:1], 1.0))


class PageTest(unittest.TestCase):
    def test_the_page_of_a_few_results(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            lines = [line_of(nll=2.0), line_of(nll=2.01, seed=2), ngram_of(5, 1.95), line_of(text="ptb", nll=5.0),
                     ngram_of(3, 5.5, text="ptb")]
            path = folder / "frontier.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "half a li", encoding="utf-8")
            done = subprocess.run([sys.executable, str(SCRIPTS / "frontier.py"), str(path), "--out",
                                   str(folder / "frontier.md"), "--date", "2026-11-29", "--draws", "2"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("left out, not a result", done.stderr)
            page = (folder / "frontier.md").read_text(encoding="utf-8")
            self.assertIn("**Noise floor.**", page)
            self.assertIn("## Which family leads", page)
            self.assertIn("**PTB.** At 1e11 FLOPs **GRU** has the lowest loss of what was trained", page)
            self.assertIn("| – | n-grams | kneser-ney 3 | 20,000 | 5.500 | 245 | – | 0.5 |", page)
            self.assertNotIn("## By seconds", page)

    def test_without_results_it_says_so(self):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "frontier.jsonl"
            path.write_text("", encoding="utf-8")
            self.assertEqual(read_lines(path), [])
            done = subprocess.run([sys.executable, str(SCRIPTS / "frontier.py"), str(path)], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no scores", done.stderr)


if __name__ == "__main__":
    unittest.main()
