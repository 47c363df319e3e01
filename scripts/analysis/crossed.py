"""Differences that would come out otherwise with other seeds and with other passages of a text: docs/judging.md."""
import math
import statistics
from typing import NamedTuple

from .seeds import CONFIDENCE
from .student import quantile, two_sided_p


class Crossed(NamedTuple):
    difference: float
    half_width: float  # of its 95 % confidence interval
    p: float           # two-sided
    seeds: int


def bootstrap_variance(rows):
    """Of the mean of rows of equal length, when n − 1 of the n rows and m − 1 of the m columns are drawn with
    replacement, independently of each other: that of infinitely many draws, in closed form."""
    n, m = len(rows), len(rows[0])
    means = [statistics.fmean(row) for row in rows]
    mean = statistics.fmean(means)
    of_rows = sum((one - mean)**2 for one in means) / (n * (n - 1))
    centred = [[value - of_row for value in row] for row, of_row in zip(rows, means)]
    common = sum(statistics.fmean(column)**2 for column in zip(*centred))
    squares = sum(value * value for row in centred for value in row) / n
    return of_rows + (common + (squares - common) / (n - 1)) / (m * (m - 1))


def crossed(rows):
    """The mean of differences by seed and block; nothing with fewer than 2 seeds or blocks, or no spread at all."""
    if len(rows) < 2 or len(rows[0]) < 2 or (variance := bootstrap_variance(rows)) <= 0:
        return None
    mean, error, degrees = statistics.fmean(map(statistics.fmean, rows)), math.sqrt(variance), len(rows) - 1
    return Crossed(mean, quantile(CONFIDENCE, degrees) * error, two_sided_p(mean / error, degrees), len(rows))
