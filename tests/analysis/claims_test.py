"""The comparisons behind the claims, of made-up losses by block."""
import math
import pathlib
import random
import statistics
import tempfile
import unittest

from support import diverged, run_of, with_losses
from analysis.claims import claims, questions, tuned_rate
from analysis.judging import CONTRADICTED, HOLDS, NEITHER, OPEN, verdict
from analysis.paper import ALL_POSITIONS, baseline, positions, sweep, words
from analysis.runs import Results

LINEAR, MLP, ATTENTION, TRANSFORMER = map(baseline, ("linear", "mlp", "attention", "transformer"))
PASSAGES = (0.3, -0.2, 0.1, -0.2)  # what they add to every model's loss


def scatter(*names):
    """What a training adds to the losses of the passages; nothing on average."""
    generator = random.Random(str(names))
    drawn = [generator.gauss(0, 0.01) for _ in PASSAGES]
    return [one - statistics.fmean(drawn) for one in drawn]


class MadeUp(unittest.TestCase):
    """Runs whose files of losses are in a folder of the test's."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_of(self, row, seed, valid, test, best=None, on_passage=None, **changes):
        """With these means on the whole texts after each epoch; on the paper's passage the validation's, or others."""
        on_passage = on_passage or valid
        run = run_of(row, seed, on_passage, **changes)
        run["best_epoch"] = best or 1 + on_passage.index(min(on_passage))
        blocks = [[[mean + sum(both) for both in zip(PASSAGES, scatter(row, seed, text, epoch))]
                   for epoch, mean in enumerate(means)] for text, means in (("valid", valid), ("test", test))]
        return with_losses(self.folder, run, *blocks)

    def runs_of(self, row, *valid, seeds=(1, 2, 3), **changes):
        """One for each seed, whose losses on the test text are 0.2 higher."""
        return [self.run_of(row, seed, list(valid), [nll + 0.2 for nll in valid], **changes) for seed in seeds]

    def claims(self, *runs):
        return {one.number: one for one in claims(Results(runs, folder=self.folder))}

    def part(self, number, place, *runs):
        return self.claims(*runs)[number].parts[place]


class EndTest(MadeUp):
    def test_both_texts_with_the_weights_of_the_best_epoch(self):
        context = self.part("2", 0, *self.runs_of(sweep("linear", "T = 128"), 4.0, 3.0),
                            *self.runs_of(sweep("linear", "T = 32"), 2.0, 2.5, best=1))
        for text in ("valid", "test"):
            self.assertAlmostEqual(context.texts[text].difference, 1.0, places=6)
        self.assertEqual(context.seeds, 3)

    def test_seeds_that_one_side_lacks_are_left_out(self):
        context = self.part("2", 0, *self.runs_of(sweep("linear", "T = 128"), 3.0, seeds=(1, 2, 3, 4)),
                            *self.runs_of(sweep("linear", "T = 32"), 2.5, seeds=(2, 3, 5)))
        self.assertEqual(context.seeds, 2)

    def test_runs_without_losses_on_the_whole_texts_are_missing(self):
        old = [run_of(sweep("linear", f"T = {T}"), seed, test=T / 32) for T in (128, 32) for seed in (1, 2, 3)]
        context = self.part("2", 0, *old)
        self.assertEqual(context.texts, {"valid": None, "test": None})
        self.assertEqual(verdict(context.decision), OPEN)
        self.assertEqual(len(context.ours), 3)

    def test_the_halves_of_claim_2(self):
        claim = self.claims(*self.runs_of(sweep("linear", "T = 128"), 3.0),
                            *self.runs_of(sweep("linear", "T = 32"), 2.5),
                            *self.runs_of(sweep("transformer", "L = 4"), 2.2),
                            *self.runs_of(sweep("transformer", "L = 3"), 2.4))["2"]
        context, depth = claim.parts
        self.assertEqual((context.decision.sign, depth.decision.sign), (1, -1))
        self.assertAlmostEqual(claim.decision.p, 2 * context.decision.p)
        self.assertEqual(claim.decision.sign, 1)

    def test_claim_4_needs_all_three(self):
        linear, mlp = self.runs_of(LINEAR, 3.0), self.runs_of(MLP, 2.4)
        attention, transformer = self.runs_of(ATTENTION, 2.2), self.runs_of(TRANSFORMER, 2.1)
        for which, expected in ((mlp, OPEN), (mlp + attention, OPEN), (mlp + attention + transformer, HOLDS),
                                (self.runs_of(MLP, 3.6) + attention + transformer, CONTRADICTED)):
            self.assertEqual(verdict(self.claims(*linear, *which)["4"].decision), expected)

    def test_seeds_are_counted_against_the_papers_sign_on_its_passage(self):
        runs = [run_of(sweep("transformer", f"L = {layers}"), seed, test=test)
                for layers, tests in ((3, (2.30, 2.30, 2.30)), (4, (2.20, 2.31, 2.25)))
                for seed, test in enumerate(tests, 1)]
        depth = self.part("2", 1, *runs)
        self.assertAlmostEqual(depth.reported, 0.0283)
        self.assertEqual([one > 0 for one in depth.ours], [False, True, False])

    def test_what_is_asked_beside_the_claims(self):
        [heads] = questions(Results([*self.runs_of(sweep("attention", "H = 2"), 2.6),
                                     *self.runs_of(sweep("attention", "H = 1"), 2.5)], folder=self.folder))
        self.assertAlmostEqual(heads.texts["test"].difference, 0.1, places=6)


class PositionsTest(MadeUp):
    def runs(self, *rates_and_losses):
        return [run for rate, learned, rope in rates_and_losses
                for variant, nll in (("learned", learned), ("RoPE", rope))
                for run in self.runs_of(positions(variant), nll, learning_rate=rate)]

    def test_at_the_papers_rate_and_each_at_its_best(self):
        papers, tuned = self.part("3", slice(2), *self.runs((3e-4, 2.0, 2.1), (1e-3, 1.9, 2.2), (3e-3, 2.3, 1.8)))
        self.assertAlmostEqual(papers.texts["valid"].difference, 0.1, places=6)
        self.assertEqual(tuned.compared, "RoPE at 0.003 − learned at 0.001")
        self.assertAlmostEqual(tuned.texts["test"].difference, -0.1, places=6)
        self.assertAlmostEqual(papers.reported, 0.0358)
        self.assertIsNone(tuned.reported)

    def test_a_rate_that_was_not_tried_leaves_it_open(self):
        papers, tuned = self.part("3", slice(2), *self.runs((3e-4, 2.0, 2.1), (1e-3, 1.9, 2.2)))
        self.assertEqual(papers.seeds, 3)
        self.assertEqual((tuned.seeds, tuned.decision), (0, NEITHER))

    def test_a_rate_is_chosen_over_the_seeds_that_all_rates_have(self):
        rope = positions("RoPE")
        # seeds 3 and 4, which only the paper's rate has, would make it look worse
        runs = [run_of(rope, seed, (nll,)) for seed, nll in ((1, 1.90), (2, 1.91), (3, 2.5), (4, 2.5))]
        runs += [run_of(rope, seed, (nll,), learning_rate=rate) for rate, nll in ((1e-3, 1.95), (3e-3, 2.2))
                 for seed in (1, 2)]
        self.assertEqual(tuned_rate(Results(runs), rope), 3e-4)

    def test_a_rate_at_which_a_seed_diverged_is_not_chosen(self):
        rope = positions("RoPE")
        runs = [run_of(rope, seed, (nll,), learning_rate=rate) for rate, nll in ((3e-4, 2.0), (1e-3, 1.9), (3e-3, 1.5))
                for seed in (1, 2)]
        self.assertEqual(tuned_rate(Results(runs), rope), 3e-3)
        self.assertEqual(tuned_rate(Results([*runs, diverged(run_of(rope, 3, learning_rate=3e-3))]), rope), 1e-3)


class WordsTest(MadeUp):
    def test_the_last_epoch_against_the_lower_of_the_first_two(self):
        # the second epoch is lower on the validation text, the first on the test text
        later = [6.6, 6.7, 6.8, 6.9, 7.0, 7.1]
        runs = [self.run_of(words("ptb"), seed, [6.5, 6.4, *later], [6.1, 6.2, *later]) for seed in (1, 2, 3)]
        ptb = self.part("5", 0, *runs)
        self.assertAlmostEqual(ptb.texts["valid"].difference, 0.7, places=6)
        self.assertAlmostEqual(ptb.texts["test"].difference, 1.0, places=6)
        self.assertEqual(verdict(ptb.decision), HOLDS)
        self.assertAlmostEqual(ptb.reported, 7.55 - 6.44)
        self.assertAlmostEqual(statistics.fmean(ptb.ours), 0.7)

    def test_what_still_gets_better_contradicts_the_claim(self):
        runs = [self.run_of(words("ptb"), seed, nll, nll) for seed in (1, 2, 3)
                for nll in [[6.5, 6.4, 6.3, 6.2, 6.1, 6.0, 5.9, 5.8 + seed / 100]]]
        self.assertEqual(self.part("5", 0, *runs).decision.sign, -1)
        self.assertEqual(self.claims(*runs)["5"].decision.sign, -1)  # although WikiText-2 has no runs

    def test_runs_with_a_loss_that_is_not_finite_are_not_counted(self):
        runs = [run_of(words("ptb"), seed, (6.5, 6.4, *[6.6] * 5, None if seed == 3 else 6.7)) for seed in (1, 2, 3)]
        self.assertEqual(len(self.part("5", 0, *runs).ours), 2)


class LinesTest(MadeUp):
    """Claim 1. Trainings cost 1e12 an epoch, where nothing else is said."""

    def mlp(self, *valid, epoch=1e12, **changes):
        return self.runs_of(MLP, *(valid or (2.5, 2.4, 2.3)), flops=(len(valid or "123") * epoch, 0), **changes)

    def attention(self, *valid, epoch=1e12, **changes):
        valid = valid or (2.4, 2.3, 2.2, 2.1)
        return self.runs_of(ATTENTION, *valid, flops=(len(valid) * epoch, 0), **changes)

    def lines(self, *runs):
        return self.claims(*runs)["1"].parts

    def budgets(self, *runs):
        """Of the first line."""
        return {row.budget: part for row, part in self.lines(*runs)[0].budgets}

    def test_every_budget_that_both_sides_were_trained_for(self):
        budgets = self.budgets(*self.mlp(), *self.attention())
        self.assertEqual(list(budgets), [1e12, 2e12, 3e12])  # the MLP ends at 3e12
        for part in budgets.values():
            self.assertAlmostEqual(part.texts["test"].difference, 0.1, places=6)
            self.assertEqual(part.seeds, 3)

    def test_a_line_without_budgets_decides_nothing(self):
        transformer = self.lines(*self.mlp(), *self.attention())[1]
        self.assertEqual((transformer.budgets, transformer.decision), ([], NEITHER))

    def test_a_line_is_decided_at_all_its_budgets(self):
        line = self.lines(*self.mlp(2.5, 2.4, 2.3), *self.attention(2.9, 2.3, 2.2, 2.1))[0]
        parts = [part for _, part in line.budgets]
        self.assertEqual([part.decision.sign for part in parts], [-1, 1, 1])
        self.assertEqual(line.decision.sign, -1)
        self.assertAlmostEqual(line.decision.p, 3 * parts[0].decision.p)

    def test_between_two_epochs_blocks_are_on_a_line_over_log_flops(self):
        budgets = self.budgets(*self.mlp(3.0, 2.0, epoch=4e12), *self.attention(*[1.5] * 8))
        self.assertAlmostEqual(budgets[5e12].texts["test"].difference, 1.5 - math.log(5 / 4) / math.log(2), places=6)

    def test_a_longer_training_goes_on_where_the_protocols_ends(self):
        budgets = self.budgets(*self.mlp(), *self.mlp(2.6, 2.5, 2.4, 2.2, epochs=4), *self.attention())
        self.assertAlmostEqual(budgets[3e12].texts["valid"].difference, 0.1, places=6)
        self.assertAlmostEqual(budgets[4e12].texts["valid"].difference, 0.1, places=6)

    def test_the_epoch_is_chosen_on_the_papers_windows(self):
        # of the MLP lowest there after epoch 2, on the whole texts after epoch 3
        budgets = self.budgets(*self.mlp(2.9, 2.8, 2.0, on_passage=[2.5, 2.3, 2.4]), *self.attention())
        self.assertAlmostEqual(budgets[3e12].texts["valid"].difference, 2.8 - 2.2, places=6)

    def test_every_position_takes_the_better_with_attention(self):
        line = self.lines(*self.mlp(epoch=1e12 * ALL_POSITIONS["attention"]), *self.attention(),
                          *self.runs_of(TRANSFORMER, 2.5, 2.0, flops=(8e12, 0), epochs=2))[2]
        names = [part.name for _, part in line.budgets]
        self.assertEqual(names, ["transformer", "self-attention"])  # at the second the transformer has ended

    def test_2pn_counts_parameters_and_tokens(self):
        line = self.lines(*self.mlp(), *self.attention())[3]
        # an epoch is 2 × 1 parameter × 128 × 50,000 tokens
        self.assertEqual([row.budget for row, _ in line.budgets], [2e7, 3 * 1.28e7])

    def test_claim_1_needs_all_four_lines(self):
        runs = [*self.mlp(), *self.attention()]
        self.assertEqual(self.lines(*runs)[0].decision.sign, 1)
        self.assertEqual(self.claims(*runs)["1"].decision, NEITHER)  # no transformer

    def test_trainings_without_losses_by_window_have_no_part(self):
        old = [run_of(MLP, seed, (2.5, 2.4, 2.3), flops=(3e12, 0)) for seed in (1, 2, 3)]
        line = self.lines(*old, *self.attention())[0]
        self.assertEqual([part.seeds for _, part in line.budgets], [0, 0, 0])
        self.assertEqual(line.decision, NEITHER)


if __name__ == "__main__":
    unittest.main()
