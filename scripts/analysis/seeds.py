"""Statistics over seeds: means with their intervals, and the correction for several tests."""
import math
import statistics

from .student import quantile, two_sided_p

CONFIDENCE = 0.95
SIGNIFICANT = 0.05


class Sample:
    """A figure of several runs that differ in their seed."""

    def __init__(self, values):
        self.values = [float(value) for value in values]
        self.n = len(self.values)
        self.mean = statistics.fmean(self.values)
        self.deviation = statistics.stdev(self.values) if self.n > 1 else math.nan

    def half_width(self):
        """Of the 95 % confidence interval of the mean, after Student."""
        if self.n < 2:
            return math.nan
        return quantile(CONFIDENCE, self.n - 1) * self.deviation / math.sqrt(self.n)

    def p_of_zero(self):
        """How probable a mean as far from 0 is where there is nothing but chance: two-sided, from Student's t."""
        if self.n < 2:
            return math.nan
        error = self.deviation / math.sqrt(self.n)
        return two_sided_p(self.mean / error, self.n - 1) if error > 0 else float(self.mean == 0)

    def deviations_to(self, figure):
        """From the mean to `figure`, in standard deviations of one run."""
        return (figure - self.mean) / self.deviation if self.n > 1 and self.deviation > 0 else math.nan

    def p_of_one_more(self, figure):
        """How probable it is that one more run of the same kind lies as far from the mean as `figure`: two-sided,
        from Student's t, as normal values would."""
        t = self.deviations_to(figure) / math.sqrt(1 + 1 / self.n)
        return math.nan if math.isnan(t) else two_sided_p(t, self.n - 1)


def within_seeds(a, b):
    """Differences of two figures by seed, of the seeds that both have."""
    return {seed: a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())}


def holm(ps):
    """Holm's corrected p-values, in the same order: below 0.05 in a family of tests only with 5 % probability for
    any of them if no difference is real."""
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected
