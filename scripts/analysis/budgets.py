"""Loss against exact FLOPs spent: what each architecture reaches with a budget."""
import bisect
import math
from typing import NamedTuple

from .paper import baseline, protocol_setting
from .runs import setting_of, training_flops, valid_losses
from .seeds import Sample, welch

ARCHITECTURES = ("linear", "mlp", "attention", "transformer")
SAME = 1e-9  # relative: budgets that differ by less are equal but for rounding
STEPS = (1, 1.5, 2, 3, 5, 7)  # of the budgets within a power of ten


class Curve(NamedTuple):
    """Validation NLL over one training."""

    flops: list  # exact, of training and optimizer, at the end of each epoch
    nll: list


def curve(run):
    """Nothing where FLOPs were not counted or a loss is not finite."""
    total, losses = training_flops(run), valid_losses(run)
    if not total or not losses:
        return None
    return Curve([total * (i + 1) / len(losses) for i in range(len(losses))], losses)


def curves(results, model):
    """By seed, the curves of study 1's model. Longer trainings count too, and those that validate more often: at a
    constant learning rate, a training is the beginning of a longer one."""
    wanted = protocol_setting(baseline(model), results.quick)
    free = ("epochs", "windows")
    found = {}
    for run in results.all(baseline(model)):
        one, setting = curve(run), setting_of(run)
        if one and all(setting[name] == value for name, value in wanted.items() if name not in free):
            found.setdefault(run["seed"], []).append(one)
    return found


def at_budget(curves_of_seed, budget):
    """NLL after `budget` FLOPs: on a straight line over log FLOPs between the nearest two points that one of the
    curves has around it. Nothing where no curve reaches that far down or up."""
    best = None
    for flops, nll in curves_of_seed:
        right = bisect.bisect_left(flops, budget * (1 - SAME))
        if right == len(flops):
            continue
        if flops[right] <= budget * (1 + SAME):
            return nll[right]
        if right == 0:
            continue
        gap = math.log(flops[right] / flops[right - 1])
        if best is None or gap < best[0]:
            share = math.log(budget / flops[right - 1]) / gap
            best = gap, nll[right - 1] + share * (nll[right] - nll[right - 1])
    return best[1] if best else None


def sample_at(found, budget):
    """Over the seeds that have the budget; nothing if none has."""
    values = [value for _, one in sorted(found.items()) if (value := at_budget(one, budget)) is not None]
    return Sample(values) if values else None


def budget_grid(low, high):
    """Round numbers between the two."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**exponent for exponent in exponents for step in STEPS if low <= step * 10.0**exponent <= high]


class AtBudget(NamedTuple):
    budget: float
    samples: dict       # by architecture
    order: list         # architectures, the lowest mean first
    comparison: object  # of the second with the first; nothing where there is none


def contest(results):
    """For each budget of a grid who leads, of the architectures that have runs there."""
    found = {model: curves(results, model) for model in ARCHITECTURES}
    ends = [end for seeds in found.values() for of_seed in seeds.values() for one in of_seed
            for end in (one.flops[0], one.flops[-1])]
    rows = []
    for budget in budget_grid(min(ends), max(ends)) if ends else []:
        samples = {model: sample for model in ARCHITECTURES if (sample := sample_at(found[model], budget))}
        order = sorted(samples, key=lambda model: samples[model].mean)
        if order:
            second = welch(samples[order[1]], samples[order[0]]) if len(order) > 1 else None
            rows.append(AtBudget(budget, samples, order, second))
    return rows


def pareto_front(points):
    """Those of (cost, loss, …) that no other undercuts in both, by cost."""
    front = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front
