"""Statistics over seeds: means with their intervals, and differences with their tests."""
import math
import statistics
from typing import NamedTuple

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

    def deviations_to(self, figure):
        """From the mean to `figure`, in standard deviations of one run."""
        return (figure - self.mean) / self.deviation if self.n > 1 and self.deviation > 0 else math.nan

    def p_of_one_more(self, figure):
        """How probable it is that one more run of the same kind lies as far from the mean as `figure`: two-sided,
        from Student's t, as normal values would."""
        t = self.deviations_to(figure) / math.sqrt(1 + 1 / self.n)
        return math.nan if math.isnan(t) else two_sided_p(t, self.n - 1)


class Comparison(NamedTuple):
    difference: float  # the mean of those within seeds
    half_width: float  # of its 95 % confidence interval
    p: float           # two-sided
    effect: float      # Hedges' g: in standard deviations of the differences, corrected for small samples; nan for 2
    chance: float      # 95 % of the differences within one seed lie closer to their mean than this


def small_sample_correction(degrees):
    """Of a difference in standard deviations, Hedges' approximation. One degree of freedom allows none."""
    return 1 - 3 / (4 * degrees - 1) if degrees > 1 else math.nan


def within_seeds(a, b):
    """Differences of two figures by seed, over the seeds that both have."""
    return [a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())]


def paired(differences):
    """The mean of differences within pairs, by Student's test; nothing with fewer than 2 or no spread at all."""
    if len(differences) < 2 or (sample := Sample(differences)).deviation == 0:
        return None
    t = sample.mean / sample.deviation * math.sqrt(sample.n)
    effect = small_sample_correction(sample.n - 1) * sample.mean / sample.deviation
    return Comparison(sample.mean, sample.half_width(), two_sided_p(t, sample.n - 1), effect,
                      quantile(CONFIDENCE, sample.n - 1) * sample.deviation)


def holm(ps):
    """Holm's corrected p-values, in the same order: below 0.05 in a family of tests only with 5 % probability for
    any of them if no difference is real."""
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected
