"""A law for each family, and what exponents of compute follow from its points."""
import math
from typing import NamedTuple

from .frontier_law import HIGH, LOW, Observation, bootstrap, explained, exponent, fit, interval
from .frontier_lines import FAMILIES, lowest
from .text import fixed, signed, table

DRAWS = 200


def observations(points):
    """What the law of a family is fitted to: the best of each size without dropout at each budget."""
    chosen = [point for point in points if not point.model.dropout]
    return [Observation(point.parameters, point.lines[0]["tokens"], point.lines[0]["train_tokens"], point.nll,
                        point.model.size, point.budget, point.lines[0]["flops_6nd"])
            for point in lowest(chosen, lambda point: (point.model.size, point.budget))]


class Fitted(NamedTuple):
    """A family's law, with what it was fitted to and what it could have been."""
    law: tuple
    observations: list
    drawn: list  # (law, observations)

    def interval(self, value):
        return interval([law for law, _ in self.drawn], value)


def laws(frontier, draws=DRAWS):
    """By family, of families with enough points; at the contexts and depths of sweeps a law does not look."""
    found = {}
    for family in frontier.families():
        points = observations(frontier.fitted(family))
        if (law := fit(points)) is not None:
            found[family] = Fitted(law, points, bootstrap(points, law, draws))
    return found


def with_interval(value, found, digits=2, least=-math.inf, most=math.inf):
    """A number and its interval; ends of that at the edge of what the search may try are only bounds."""
    if math.isnan(value):
        return "not known"
    low, high = found or (math.nan, math.nan)
    return (f"{fixed(value, digits)} ({'≤ ' * (low <= least)}{fixed(low, digits)} – "
            f"{'≥ ' * (high >= most)}{fixed(high, digits)})")


def law_table(fitted):
    """A number that ends at the edge of what it may be, or that has no part in the loss, is none that the points
    say."""
    rows = []
    for family, its in fitted.items():
        law, cells = its.law, []
        for at, (value, digits, is_free) in enumerate((
                (lambda one: one.alpha, 2, law.A > 0), (lambda one: one.beta, 2, law.B > 0),
                (lambda one: one.repetitions, 1, law.B > 0))):
            least, most = LOW[at] * 1.05, HIGH[at] / 1.05
            cells.append(with_interval(value(law), its.interval(value), digits, least, most)
                         if is_free and least < value(law) < most else "not known")
        rows.append([FAMILIES[family], str(len(its.observations)),
                     with_interval(law.E, its.interval(lambda one: one.E)), *cells,
                     with_interval(law.growth, its.interval(lambda one: one.growth)), fixed(law.residual, 4),
                     f"{100 * explained(its.observations, law):.1f} %"])
    head = ["family", "points", "E", "α", "β", "R*", "N ~ C^a, a", "residual", "of the variance"]
    return table(head, rows) if rows else []


def optima(observations_of_family, cost, budgets):
    """(budget, loss, parameters) of the best size at each budget by a cost, on straight lines of loss over the
    logarithm of the cost between the points of a size; budgets that a size was not trained for are left out."""
    sizes, found = {}, []
    for one in observations_of_family:
        sizes.setdefault(one.parameters, []).append((cost(one), one.nll))
    for budget in budgets:
        at_budget = [(nll, parameters) for parameters, curve in sizes.items()
                     if (nll := between(sorted(curve), budget)) is not None]
        if at_budget:
            found.append((budget, *min(at_budget)))
    return found


def between(curve, cost):
    """The loss of a curve at a cost, also a little beyond its ends; nothing further out."""
    if len(curve) < 2:
        return None
    if not curve[0][0] / BEYOND <= cost <= curve[-1][0] * BEYOND:
        return None
    after = next((at for at in range(1, len(curve) - 1) if cost <= curve[at][0]), len(curve) - 1)
    (left, loss), (right, other) = curve[after - 1:after + 1]
    return loss + math.log(cost / left) / math.log(right / left) * (other - loss)


BEYOND = 1.25  # by which exact FLOPs and 6ND of one model differ
COSTS = (lambda one: one.budget, lambda one: one.flops_6nd)


def exponents(law, points, ratio):
    """Of the excess loss and of the parameters of the best size, over exact FLOPs and over 6ND: four, of which some
    may be unknown. Budgets by 6ND are the exact ones times a ratio, so that both are within what was trained."""
    budgets, found = sorted({one.budget for one in points}), []
    for part in (1, 2):
        for cost, factor in zip(COSTS, (1, ratio)):
            best = optima(points, cost, [budget * factor for budget in budgets])
            found.append(exponent([(one[0], one[1] - law.E if part == 1 else one[2]) for one in best]))
    return found


def exponent_table(fitted):
    """What the choice of FLOPs does to exponents."""
    rows = []
    for family, its in fitted.items():
        ratios = sorted(one.flops_6nd / one.budget for one in its.observations)
        middle = ratios[len(ratios) // 2]
        drawn = [exponents(law, points, middle) for law, points in its.drawn]
        cells = []
        for at, value in enumerate(exponents(its.law, its.observations, middle)):
            spread = interval([one[at] for one in drawn], lambda x: math.nan if x is None else x)
            low, high = spread or (math.nan, math.nan)
            cells.append("–" if value is None else f"{signed(value, 3)} ({signed(low, 3)} – {signed(high, 3)})")
        rows.append([FAMILIES[family], *cells, f"{ratios[0]:.2f} – {ratios[-1]:.2f}"])
    head = ["family", "loss − E, exact", "loss − E, 6ND", "parameters, exact", "parameters, 6ND", "6ND / exact"]
    return table(head, rows) if rows else []
