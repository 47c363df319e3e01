"""Loss against exact FLOPs spent: what each architecture reaches with a budget."""
import bisect
import math
from typing import NamedTuple

from .paper import ALL_POSITIONS, REPORTED, baseline, protocol_setting
from .runs import Results, dataset_of, setting_of, training_flops, valid_losses
from .seeds import Sample, within_seeds

ARCHITECTURES = ("linear", "mlp", "attention", "transformer")
WITH_ATTENTION = ("attention", "transformer")
SAME = 1e-9  # relative: budgets that differ by less are equal but for rounding
NEAR = 0.1   # relative: a round budget as near as this to a model's whole one would say the same again
STEPS = (1, 2, 5)  # of the round budgets within a power of ten


class Curve(NamedTuple):
    """Validation NLL over one training, or what several reach together."""

    flops: list  # exact, of training and optimizer
    nll: list


def curve(run):
    """At the end of each epoch. Nothing where FLOPs were not counted or a loss is not finite."""
    total, losses = training_flops(run), valid_losses(run)
    if not total or not losses:
        return None
    return Curve([total * (i + 1) / len(losses) for i in range(len(losses))], losses)


def curves(results, model):
    """By seed, the curves of study 1's model. Longer trainings count too, and those that validate after fewer
    windows: at a constant learning rate, a training is the beginning of a longer one."""
    wanted = protocol_setting(baseline(model), results.quick)
    runs = results.all(baseline(model))
    found = {}
    for run in runs:
        one, setting = curve(run), setting_of(run)
        same = all(setting[name] == value for name, value in wanted.items() if name not in ("epochs", "windows"))
        if one and same and dataset_of(run) == dataset_of(runs[-1]):
            found.setdefault(run["seed"], []).append(one)
    return found


def pareto_front(points):
    """Those of (cost, loss, …) that no other undercuts in both, by cost."""
    front = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def envelope(of_seed):
    """What several trainings reach together: the lowest NLL of any of them with at most so many FLOPs, from the first
    validation to the end of the longest."""
    points = [point for one in of_seed for point in zip(*one)]
    front = pareto_front(points)
    end = max(flops for flops, _ in points)
    if front[-1][0] < end:
        front.append((end, front[-1][1]))
    return Curve(*map(list, zip(*front)))


def reached(results, model):
    """By seed, what the trainings of study 1's model reach together."""
    return {seed: envelope(of_seed) for seed, of_seed in curves(results, model).items()}


def at_budget(one, budget):
    """NLL after `budget` FLOPs: on a straight line over log FLOPs between two points. Nothing before the first point
    or after the last."""
    right = bisect.bisect_left(one.flops, budget * (1 - SAME))
    if right == len(one.flops):
        return None
    if one.flops[right] <= budget * (1 + SAME):
        return one.nll[right]
    if right == 0:
        return None
    share = math.log(budget / one.flops[right - 1]) / math.log(one.flops[right] / one.flops[right - 1])
    return one.nll[right - 1] + share * (one.nll[right] - one.nll[right - 1])


def seeds_at(found, budget):
    """NLL by seed, of the seeds that have the budget."""
    return {seed: value for seed, one in found.items() if (value := at_budget(one, budget)) is not None}


def whole_budgets(results):
    """By model, the FLOPs of its training as the protocol has it: of the MLP and of those with attention."""
    runs = {model: results.of(baseline(model)) for model in ("mlp", *WITH_ATTENTION)}
    return {model: flops for model, of_model in runs.items() if of_model and (flops := training_flops(of_model[0]))}


def budget_grid(low, high, whole=()):
    """Whole budgets and the round numbers between the two that are not near them."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = [step * 10.0**exponent for exponent in exponents for step in STEPS]
    between = [number for number in numbers if low <= number <= high]
    return sorted({*whole, *(number for number in between if all(abs(number / one - 1) > NEAR for one in whole))})


class AtBudget(NamedTuple):
    budget: float
    owner: str         # the model that the protocol gives it; nothing for a round number
    samples: dict      # by architecture: of the seeds that have the budget, or of their ends where none has
    ended: set         # architectures whose trainings all end before
    order: list        # architectures, the lowest mean first
    best: str          # of those with attention
    differences: list  # MLP less `best`, within seeds; none where all trainings of either side end before
    paper: float       # that difference in the paper's curves; nothing where they do not reach


def contest(results):
    """For each budget of a grid who leads, of the architectures that have runs there, and how the MLP compares with
    the best model with attention. A model that was trained for less keeps its lowest: it needed no more."""
    found = {model: seeds for model in ARCHITECTURES if (seeds := reached(results, model))}
    paper = {model: one for model in ARCHITECTURES if (one := paper_curve(results, model))}
    owners = {flops: model for model, flops in whole_budgets(results).items()}
    starts = [one.flops[0] for seeds in found.values() for one in seeds.values()]
    ends = {model: max(one.flops[-1] for one in seeds.values()) for model, seeds in found.items()}
    rows = []
    for budget in budget_grid(min(starts), max(ends.values()), owners) if found else []:
        values = {model: seeds_at(seeds, min(budget, ends[model])) for model, seeds in found.items()}
        values = {model: seeds for model, seeds in values.items() if seeds}
        ended = {model for model in values if ends[model] < budget * (1 - SAME)}
        trained = values.keys() - ended
        if not trained:  # some stop before, the others start later
            continue
        samples = {model: Sample(seeds.values()) for model, seeds in values.items()}
        order = sorted(samples, key=lambda model: samples[model].mean)
        best = next((model for model in order if model in WITH_ATTENTION), None)
        both = "mlp" in trained and not trained.isdisjoint(WITH_ATTENTION)
        differences = within_seeds(values["mlp"], values[best]) if both else []
        reported = [at_budget(paper[model], budget) if model in paper else None for model in ("mlp", best)]
        rows.append(AtBudget(budget, owners.get(budget), samples, ended, order, best, differences,
                             None if None in reported else reported[0] - reported[1]))
    return rows


def all_positions(results):
    """The runs of study 1 with the FLOPs that they would have executed, had they computed every position."""
    return Results([with_all_positions(run) for model in ARCHITECTURES for run in results.all(baseline(model))],
                   results.quick)


def with_all_positions(run):
    flops = run.get("flops", {})
    return {**run, "flops": {**flops, "training": flops.get("training", 0) * ALL_POSITIONS[run["model"]]}}


def paper_curve(results, model):
    """The paper's validation NLL of a model of study 1, over what an epoch of it executes here; nothing for --quick
    runs, whose epochs are shorter."""
    runs, losses = results.of(baseline(model)), REPORTED[baseline(model)].valid_nll
    return curve({**runs[0], "epochs": [{"valid_nll": nll} for nll in losses]}) if runs and not results.quick else None
