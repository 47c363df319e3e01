"""Statistics against values of textbooks, of R, and of scipy where it is installed."""
import importlib.util
import math
import unittest

import support  # noqa: F401
from analysis.seeds import Sample, holm, within_seeds
from analysis.student import quantile, two_sided_p

class StudentTest(unittest.TestCase):
    def test_quantiles_of_textbook_tables(self):
        for degrees, t in ((1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)):
            self.assertAlmostEqual(quantile(0.95, degrees), t, delta=0.0005)
        self.assertAlmostEqual(quantile(0.99, 4), 4.604, delta=0.0005)

    def test_closed_forms(self):
        for t in (0, 0.1, 1, 3, 50):
            self.assertAlmostEqual(two_sided_p(t, 1), 1 - 2 / math.pi * math.atan(t), places=13)
            self.assertAlmostEqual(two_sided_p(-t, 2), 1 - t / math.sqrt(2 + t * t), places=13)

    @unittest.skipUnless(importlib.util.find_spec("scipy"), "no scipy")
    def test_against_scipy(self):
        from scipy import stats
        for degrees in (1, 1.7, 3.3, 8, 20, 500.5):
            for t in (0.001, 0.5, 2.776, 10, 100):
                expected = 2 * stats.t.sf(t, degrees)
                if expected > 1e-250:
                    self.assertLess(abs(two_sided_p(t, degrees) / expected - 1), 1e-9)
            for confidence in (0.5, 0.95, 0.999):
                expected = stats.t.ppf((1 + confidence) / 2, degrees)
                self.assertLess(abs(quantile(confidence, degrees) / expected - 1), 1e-7)


class SampleTest(unittest.TestCase):
    def test_interval_of_a_mean(self):
        sample = Sample([3.0, 3.1, 3.2])
        self.assertAlmostEqual(sample.mean, 3.1)
        self.assertAlmostEqual(sample.deviation, 0.1)
        self.assertAlmostEqual(sample.half_width(), 4.302653 * 0.1 / math.sqrt(3), places=6)
        self.assertAlmostEqual(sample.deviations_to(3.3), 2)

    def test_one_more_run(self):
        # t = 2 / sqrt(4/3) with 2 degrees of freedom
        self.assertAlmostEqual(Sample([1, 2, 3]).p_of_one_more(4), 1 - math.sqrt(3 / 5), places=12)

    def test_one_value_has_no_spread(self):
        sample = Sample([2.5])
        for value in (sample.half_width(), sample.deviations_to(3), sample.p_of_one_more(3)):
            self.assertTrue(math.isnan(value))


class SeveralTest(unittest.TestCase):
    def test_differences_are_within_the_seeds_that_both_have(self):
        self.assertEqual(within_seeds({3: 5, 1: 2, 2: 9}, {1: 1, 3: 1, 4: 7}), {1: 1, 3: 4})
        self.assertEqual(within_seeds({1: 2}, {2: 1}), {})

    def test_holm(self):
        # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
        for corrected, expected in zip(holm([0.01, 0.04, 0.03, 0.005]), (0.03, 0.06, 0.06, 0.02)):
            self.assertAlmostEqual(corrected, expected)
        self.assertEqual(holm([0.6, 0.7]), [1.0, 1.0])
        self.assertEqual(holm([]), [])


if __name__ == "__main__":
    unittest.main()
