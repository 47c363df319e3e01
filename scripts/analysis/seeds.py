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
    difference: float  # of the means
    half_width: float  # of its 95 % confidence interval
    p: float           # two-sided
    effect: float      # Hedges' g: in standard deviations of one run, corrected for small samples; nan for 1 degree
    chance: float      # 95 % of the differences of two single runs lie closer to their mean than this


def small_sample_correction(degrees):
    """Of a difference in standard deviations, Hedges' approximation. One degree of freedom allows none."""
    return 1 - 3 / (4 * degrees - 1) if degrees > 1 else math.nan


def welch_degrees(a, b, variances):
    """Degrees of freedom of the sum of two variances that were estimated from the samples, after Welch and
    Satterthwaite."""
    return sum(variances)**2 / (variances[0]**2 / (a.n - 1) + variances[1]**2 / (b.n - 1))


def welch(a, b):
    """The mean of `a` less that of `b`, by Welch's test; nothing with fewer than 2 runs each or no spread at all."""
    if a.n < 2 or b.n < 2 or a.deviation + b.deviation == 0:
        return None
    variances = a.deviation**2, b.deviation**2
    of_means = variances[0] / a.n, variances[1] / b.n
    error, degrees = math.sqrt(sum(of_means)), welch_degrees(a, b, of_means)
    difference = a.mean - b.mean
    p = two_sided_p(difference / error, degrees)
    pooled = math.sqrt(((a.n - 1) * variances[0] + (b.n - 1) * variances[1]) / (a.n + b.n - 2))
    effect = small_sample_correction(a.n + b.n - 2) * difference / pooled
    chance = quantile(CONFIDENCE, welch_degrees(a, b, variances)) * math.sqrt(sum(variances))
    return Comparison(difference, quantile(CONFIDENCE, degrees) * error, p, effect, chance)


def paired(differences):
    """The mean of differences within pairs, by Student's test; nothing with fewer than 2 or no spread at all."""
    sample = Sample(differences)
    if sample.n < 2 or sample.deviation == 0:
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


def opposite_pairs(a, b):
    """Of the pairs of one run each, how many differ in the other direction than the means; and of how many."""
    sign = math.copysign(1, a.mean - b.mean)
    return sum(sign * (x - y) < 0 for x in a.values for y in b.values), a.n * b.n
