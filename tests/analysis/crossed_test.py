"""The error of a difference that varies with seeds and with passages, as docs/judging.md says."""
import math
import random
import statistics
import unittest

import support  # noqa: F401
from analysis.crossed import bootstrap_variance, crossed

# Student (1908), "The probable error of a mean": hours of sleep gained with two drugs. R's help on t.test has them.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def table(generator, seeds, blocks, of_seed, of_block, of_both):
    passages = [generator.gauss(0, of_block) for _ in range(blocks)]
    rows = []
    for _ in range(seeds):
        seed = generator.gauss(0, of_seed)
        rows.append([1 + seed + passage + generator.gauss(0, of_both) for passage in passages])
    return rows


class CrossedTest(unittest.TestCase):
    def test_the_closed_form_is_the_variance_of_draws(self):
        generator = random.Random(1)
        rows = table(generator, 4, 12, 0.3, 0.8, 0.5)
        drawn = []
        for _ in range(40_000):
            of_rows, of_columns = generator.choices(rows, k=3), generator.choices(range(12), k=11)
            drawn.append(statistics.fmean(row[column] for row in of_rows for column in of_columns))
        self.assertAlmostEqual(bootstrap_variance(rows) / statistics.pvariance(drawn), 1, delta=0.03)

    def test_where_seeds_alone_vary_it_is_students_paired_test(self):
        # R: t = -4.0621, df = 9, p-value = 0.002833, interval -2.4598858 to -0.7001142
        found = crossed([[a - b] * 100 for a, b in zip(FIRST, SECOND)])
        self.assertAlmostEqual(found.difference, -1.58)
        self.assertAlmostEqual(found.p, 0.002833, places=6)
        self.assertAlmostEqual(found.half_width, (2.4598858 - 0.7001142) / 2, places=6)
        self.assertEqual(found.seeds, 10)

    def test_where_passages_alone_vary_it_is_the_variance_of_their_mean(self):
        passages = [0.1, 0.5, 0.2, 0.9, 0.4]
        self.assertAlmostEqual(bootstrap_variance([passages] * 3), statistics.variance(passages) / 5)

    def test_intervals_cover(self):
        generator = random.Random(2)
        for setting in ((0.3, 0.0, 0.0), (0.1, 1.0, 0.3), (0.2, 0.5, 2.0)):
            covered = 0
            for _ in range(400):
                found = crossed(table(generator, 3, 20, *setting))
                covered += abs(found.difference - 1) < found.half_width
            self.assertGreater(covered / 400, 0.92, setting)

    def test_nothing_to_test(self):
        self.assertIsNone(crossed([[1.0, 2.0]]))
        self.assertIsNone(crossed([[1.0], [2.0]]))
        self.assertIsNone(crossed([[1.0, 1.0], [1.0, 1.0]]))
        self.assertTrue(math.isclose(crossed([[1.0, 1.0], [2.0, 2.0]]).difference, 1.5))


if __name__ == "__main__":
    unittest.main()
