"""A law of loss for a family of models: E + A / N^α + B / D^β.

N are parameters, D tokens. Where a text of U tokens is read again, D counts less, after Muennighoff et al. 2023
(arXiv 2305.16264): D' = U + U R* (1 − exp(−R / R*)) with R = D / U − 1 repetitions. For given exponents and R* the
law is linear in E, A and B, which are solved for with least squares (variable projection); the exponents and R* are
searched by Nelder and Mead's simplex. Intervals are by a wild bootstrap of whole trainings: what all points of a
training are off by is multiplied with one of six numbers of mean 0 and variance 1 (Webb 2023, doi
10.1111/caje.12661). With the standard library alone.
"""
import math
import random
import statistics
from typing import NamedTuple

START = ((0.3, 0.3, 4.0), (0.6, 0.4, 10.0), (0.3, 0.8, 4.0), (0.8, 0.8, 2.0))
LOW, HIGH = (0.02, 0.02, 0.3), (3.0, 3.0, 300.0)  # of α, β and R*
FEWEST, FEWEST_SIZES = 10, 4  # points and models of different size; the law has six numbers
WILD = tuple(sign * math.sqrt(x) for sign in (-1, 1) for x in (0.5, 1, 1.5))


class Observation(NamedTuple):
    parameters: float
    tokens: float
    text: float  # tokens of the text
    nll: float
    training: str = ""  # points of one training are off together
    budget: float = 0.0
    flops_6nd: float = 0.0


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
        """The exponent of parameters in compute where the text is never read again and compute grows as N D:
        N ~ C^growth. Nothing where either has no part in the loss."""
        return self.beta / (self.alpha + self.beta) if self.A > 0 and self.B > 0 else math.nan


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
    """Exponents and R* within their bounds, by which a point beyond them is reflected: where it were put on a bound
    instead, the simplex would find no slope there."""
    found = []
    for x, low, high in zip(logs, LOW, HIGH):
        length = math.log(high / low)
        place = (x - math.log(low)) % (2 * length)
        found.append(low * math.exp(min(place, 2 * length - place)))
    return tuple(found)


def fit(observations, starts=START):
    """The law with the least squares; nothing where there are too few points for its six numbers."""
    if len(observations) < FEWEST or len({one.parameters for one in observations}) < FEWEST_SIZES:
        return None
    best = None
    for start in starts:
        logs, error = simplex(lambda point: project(inside(point), observations)[1], [math.log(x) for x in start])
        if best is None or error < best[1]:
            best = logs, error
    exponents = inside(best[0])
    (E, A, B), error = project(exponents, observations)
    return Law(E, A, B, *exponents, math.sqrt(error / len(observations)))


def explained(observations, law):
    """The part of the losses' variance that the law has."""
    return 1 - law.residual ** 2 / statistics.pvariance([one.nll for one in observations])


def bootstrap(observations, law, draws=200, seed=1):
    """(law, observations) of losses as they could have been: those of the law, and what each training is off by times
    a number of its own. As many numbers as the law has make it lie nearer to its points than others would: what they
    are off by is widened for that."""
    wider = math.sqrt(len(observations) / (len(observations) - 6))
    names, stream, found = sorted({one.training for one in observations}), random.Random(seed), []
    for _ in range(draws):
        factors = {name: wider * stream.choice(WILD) for name in names}
        drawn = []
        for one in observations:
            expected = law.loss(one.parameters, one.tokens, one.text)
            drawn.append(one._replace(nll=expected + factors[one.training] * (one.nll - expected)))
        found.append((fit(drawn, (law[3:6], START[0])), drawn))
    return found


def interval(laws, value, confidence=0.95):
    """Of a number that a law has, over the laws of a bootstrap; nothing without them."""
    values = sorted(found for law in laws if not math.isnan(found := value(law)))
    if not values:
        return None
    last, tail = len(values) - 1, (1 - confidence) / 2
    return values[round(tail * last)], values[round((1 - tail) * last)]


def exponent(pairs):
    """The slope of log y over log x, by least squares; nothing with fewer than three pairs, or where one is not
    positive."""
    if len(pairs) < 3 or any(x <= 0 or y <= 0 for x, y in pairs):
        return None
    logs = [(math.log(x), math.log(y)) for x, y in pairs]
    mx, my = (statistics.fmean(column) for column in zip(*logs))
    spread = sum((x - mx) ** 2 for x, _ in logs)
    return sum((x - mx) * (y - my) for x, y in logs) / spread if spread > 0 else None
