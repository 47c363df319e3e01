"""A law of loss for a family of models: E + A / N^α + B / D^β.

N are parameters, D tokens. Where a text of U tokens is read again, D counts less, after Muennighoff et al. 2023
(arXiv 2305.16264): D' = U + U R* (1 − exp(−R / R*)) with R = D / U − 1 repetitions. For given exponents and R* the
law is linear in E, A and B, which are solved for with least squares (variable projection); the exponents and R* are
searched by Nelder and Mead's simplex. With the standard library alone.
"""
import math
import random
import statistics
from typing import NamedTuple

START = ((0.3, 0.3, 4.0), (0.6, 0.4, 10.0), (0.3, 0.8, 4.0), (0.8, 0.8, 2.0))
LOW, HIGH = (0.02, 0.02, 0.3), (3.0, 3.0, 300.0)  # of α, β and R*
FEWEST = 8  # points; the law has six numbers


class Observation(NamedTuple):
    parameters: float
    tokens: float
    text: float  # tokens of the text
    nll: float
    training: str = ""  # points of one training are drawn together


class Law(NamedTuple):
    E: float
    A: float
    B: float
    alpha: float
    beta: float
    repetitions: float
    residual: float  # root of the mean square

    def loss(self, parameters, tokens, text):
        return (self.E + self.A * parameters ** -self.alpha
                + self.B * effective_tokens(tokens, text, self.repetitions) ** -self.beta)

    @property
    def growth(self):
        """The exponent of parameters in compute where the text is never read again: N ~ C^growth."""
        return self.beta / (self.alpha + self.beta)


def effective_tokens(tokens, text, repetitions):
    if tokens <= text:
        return tokens
    return text + text * repetitions * (1 - math.exp(-(tokens / text - 1) / repetitions))


def solve(matrix, right):
    """A small system of equations by Gauss's elimination; nothing where it is singular."""
    n = len(right)
    rows = [[*matrix[i], right[i]] for i in range(n)]
    for column in range(n):
        pivot = max(range(column, n), key=lambda i: abs(rows[i][column]))
        if abs(rows[pivot][column]) < 1e-14:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for i in range(column + 1, n):
            factor = rows[i][column] / rows[column][column]
            for k in range(column, n + 1):
                rows[i][k] -= factor * rows[column][k]
    solution = [0.0] * n
    for i in reversed(range(n)):
        solution[i] = (rows[i][n] - sum(rows[i][k] * solution[k] for k in range(i + 1, n))) / rows[i][i]
    return solution


def not_negative(columns, values):
    """Least squares whose coefficients are 0 or more: the best of all choices of columns, of which there are few."""
    best, best_error = [0.0] * len(columns), math.inf
    for mask in range(1, 1 << len(columns)):
        chosen = [k for k in range(len(columns)) if mask >> k & 1]
        gram = [[sum(map(lambda a, b: a * b, columns[i], columns[j])) for j in chosen] for i in chosen]
        right = [sum(map(lambda a, b: a * b, columns[i], values)) for i in chosen]
        found = solve(gram, right)
        if found is None or min(found) < 0:
            continue
        error = sum((value - sum(c * columns[k][i] for c, k in zip(found, chosen))) ** 2
                    for i, value in enumerate(values))
        if error < best_error:
            best = [0.0] * len(columns)
            for c, k in zip(found, chosen):
                best[k] = c
            best_error = error
    return best, best_error


def project(exponents, observations):
    """E, A and B for given exponents and R*, and the sum of squares that is left. Columns have a mean of 1, so that
    the equations are well conditioned."""
    alpha, beta, repetitions = exponents
    sizes = [one.parameters ** -alpha for one in observations]
    tokens = [effective_tokens(one.tokens, one.text, repetitions) ** -beta for one in observations]
    scales = [1.0, statistics.fmean(sizes), statistics.fmean(tokens)]
    columns = [[1.0] * len(observations), [x / scales[1] for x in sizes], [x / scales[2] for x in tokens]]
    found, error = not_negative(columns, [one.nll for one in observations])
    return [c / scale for c, scale in zip(found, scales)], error


def simplex(f, start, steps=160):
    """Nelder and Mead's search for a minimum of f near a point; returns the point and its value."""
    n = len(start)
    corners = [list(start)] + [[x + (0.25 if k == i else 0) for k, x in enumerate(start)] for i in range(n)]
    found = sorted(((f(corner), corner) for corner in corners), key=lambda one: one[0])
    for _ in range(steps):
        if found[-1][0] - found[0][0] < 1e-12:
            break
        middle = [statistics.fmean(corner[k] for _, corner in found[:-1]) for k in range(n)]
        worst = found[-1][1]

        def at(factor):
            corner = [m + factor * (m - w) for m, w in zip(middle, worst)]
            return f(corner), corner
        one = at(1)
        if one[0] < found[0][0]:
            further = at(2)
            found[-1] = further if further[0] < one[0] else one
        elif one[0] < found[-2][0]:
            found[-1] = one
        else:
            closer = at(0.5) if one[0] < found[-1][0] else at(-0.5)
            if closer[0] < found[-1][0]:
                found[-1] = closer
            else:
                best = found[0][1]
                shrunk = [[(b + c) / 2 for b, c in zip(best, corner)] for _, corner in found[1:]]
                found = [found[0]] + [(f(corner), corner) for corner in shrunk]
        found.sort(key=lambda one: one[0])
    return found[0][1], found[0][0]


def inside(logs):
    return tuple(min(max(math.exp(x), low), high) for x, low, high in zip(logs, LOW, HIGH))


def fit(observations, starts=START):
    """The law with the least squares; nothing where there are too few points for its six numbers."""
    if len(observations) < FEWEST:
        return None
    best = None
    for start in starts:
        logs, error = simplex(lambda point: project(inside(point), observations)[1], [math.log(x) for x in start])
        if best is None or error < best[1]:
            best = logs, error
    exponents = inside(best[0])
    (E, A, B), error = project(exponents, observations)
    return Law(E, A, B, *exponents, math.sqrt(error / len(observations)))


def bootstrap(observations, law, draws=200, seed=1):
    """Laws of trainings drawn anew with replacement, each from the law of all."""
    by_training = {}
    for one in observations:
        by_training.setdefault(one.training, []).append(one)
    names, stream, laws = sorted(by_training), random.Random(seed), []
    start = [(law.alpha, law.beta, law.repetitions)]
    for _ in range(draws):
        drawn = [one for name in stream.choices(names, k=len(names)) for one in by_training[name]]
        if (found := fit(drawn, start)) is not None:
            laws.append(found)
    return laws


def interval(laws, value, confidence=0.95):
    """Of a number that a law has, over the laws of a bootstrap; nothing without them."""
    values = sorted(value(law) for law in laws)
    if not values:
        return None
    last, tail = len(values) - 1, (1 - confidence) / 2
    return values[round(tail * last)], values[round((1 - tail) * last)]


def exponent(pairs):
    """The slope of log y over log x, by least squares; nothing with fewer than three pairs of positive numbers."""
    logs = [(math.log(x), math.log(y)) for x, y in pairs if x > 0 and y > 0]
    if len(logs) < 3:
        return None
    mx, my = (statistics.fmean(column) for column in zip(*logs))
    spread = sum((x - mx) ** 2 for x, _ in logs)
    return sum((x - mx) * (y - my) for x, y in logs) / spread if spread > 0 else None
