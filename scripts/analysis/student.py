"""Student's t distribution, with the standard library alone: the report needs no scipy, the tests compare with it."""
import math

PRECISION = 1e-15


def incomplete_beta(x, a, b):
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges faster
        return 1 - incomplete_beta(1 - x, b, a)
    factor = math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)) / a
    # Lentz's way to evaluate 1 / (1 + d1 / (1 + d2 / (1 + ...))).
    tiny = 1e-300
    numerator, denominator, value = 1.0, 0.0, 1.0
    for i in range(1000):
        m = i // 2
        if i == 0:
            term = 1.0
        elif i % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        denominator = 1 / (1 + term * denominator or tiny)
        numerator = 1 + term / numerator or tiny
        value *= numerator * denominator
        if i > 0 and abs(numerator * denominator - 1) < PRECISION:
            break
    return factor * (value - 1)


def two_sided_p(t, degrees):
    """How probable a value is that lies as far from 0 as `t` or farther."""
    return incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def quantile(confidence, degrees):
    """The t that values lie beyond on either side with probability 1 - `confidence`: 2.776 for 95 % and 4 degrees of
    freedom."""
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > PRECISION * high and (middle := (low + high) / 2) not in (low, high):
        if two_sided_p(middle, degrees) > 1 - confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2
