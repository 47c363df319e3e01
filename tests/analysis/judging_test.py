"""The rule of docs/judging.md: from differences to verdicts."""
import unittest

import support  # noqa: F401
from analysis.crossed import Crossed
from analysis.judging import (CONTRADICTED, HOLDS, NEITHER, OPEN, Decision, all_of, alone, any_of, corrected,
                              on_both_texts, verdict)


def texts(*found):
    return dict(zip(("valid", "test"), (one and Crossed(one[0], 0.1, one[1], 5) for one in found)))


def both(*found):
    return on_both_texts(texts(*found))


FOR, WEAK, AGAINST = Decision(0.001, 1), Decision(0.03, 1), Decision(0.004, -1)


class TextsTest(unittest.TestCase):
    def test_the_larger_p_counts_where_both_agree(self):
        self.assertEqual(both((0.2, 0.01), (0.1, 0.03)), Decision(0.03, 1))
        self.assertEqual(both((-0.2, 0.04), (-0.1, 0.01)), Decision(0.04, -1))

    def test_texts_that_disagree_decide_nothing(self):
        self.assertEqual(both((0.2, 1e-6), (-0.1, 0.9)), NEITHER)

    def test_neither_does_one_alone(self):
        self.assertEqual(both((0.2, 1e-6), None), NEITHER)
        self.assertEqual(both(None, None), NEITHER)


class PartsTest(unittest.TestCase):
    def test_all_parts_have_the_largest_p_of_them(self):
        self.assertEqual(all_of([FOR, WEAK]), WEAK)
        self.assertEqual(all_of([FOR, NEITHER]), NEITHER)
        self.assertEqual(all_of([]), NEITHER)

    def test_any_part_contradicts_them_at_its_p_times_their_number(self):
        self.assertEqual(all_of([FOR, WEAK, AGAINST]), Decision(0.012, -1))
        self.assertEqual(all_of([AGAINST, NEITHER]), Decision(0.008, -1))
        self.assertEqual(all_of([Decision(0.6, -1)] * 2), Decision(1.0, -1))
        self.assertEqual(all_of([Decision(0.02, -1), Decision(0.01, -1)]), Decision(0.02, -1))

    def test_either_half_is_enough_at_twice_its_p(self):
        self.assertEqual(any_of([FOR, AGAINST]), Decision(0.002, 1))
        self.assertEqual(any_of([WEAK, FOR]), Decision(0.002, 1))
        self.assertEqual(any_of([NEITHER, WEAK]), Decision(0.06, 1))

    def test_both_halves_contradict_it(self):
        self.assertEqual(any_of([AGAINST, Decision(0.03, -1)]), Decision(0.03, -1))
        self.assertEqual(any_of([AGAINST, NEITHER]), NEITHER)


class VerdictTest(unittest.TestCase):
    def test_there_are_three(self):
        self.assertEqual(verdict(Decision(0.049, 1)), HOLDS)
        self.assertEqual(verdict(Decision(0.049, -1)), CONTRADICTED)
        self.assertEqual(verdict(Decision(0.05, 1)), OPEN)
        self.assertEqual(verdict(NEITHER), OPEN)

    def test_claims_are_corrected_for_each_other(self):
        ps = [one.p for one in corrected([FOR, AGAINST, WEAK, NEITHER, NEITHER])]
        for p, expected in zip(ps, (0.005, 0.016, 0.09, 1, 1), strict=True):
            self.assertAlmostEqual(p, expected)
        self.assertEqual([one.sign for one in corrected([FOR, AGAINST])], [1, -1])

    def test_a_part_by_itself_is_corrected_as_one_of_five(self):
        self.assertAlmostEqual(alone(FOR).p, 0.005)
        self.assertEqual(alone(Decision(0.4, -1)), Decision(1.0, -1))


if __name__ == "__main__":
    unittest.main()
