"""Loss against the price of training: what each architecture reaches with a budget."""
import bisect
import math
from typing import NamedTuple

from .paper import ALL_POSITIONS, REPORTED, baseline, protocol_setting
from .runs import dataset_of, setting_of, training_flops, valid_losses
from .seeds import Sample

ARCHITECTURES = ("linear", "mlp", "attention", "transformer")
WITH_ATTENTION = ("attention", "transformer")
SAME = 1e-9  # relative: budgets that differ by less are equal but for rounding
NEAR = 0.1   # relative: a round budget as near as this to a model's whole one would say the same again
STEPS = (1, 2, 5)  # of the round budgets within a power of ten


# Prices of a whole training; nothing where they are not known.

executed = training_flops


def all_positions(run):
    """Exact FLOPs of training and optimizer, had every position of the last block been computed."""
    flops = run.get("flops", {})
    return flops.get("training", 0) * ALL_POSITIONS[run["model"]] + flops.get("optimizer", 0) or None


def two_pn(run):
    """As the paper counts: 2 × parameters × tokens trained on."""
    config = run["config"]
    return 2 * run["parameters"] * config["context"] * config["windows"] * config["epochs"]


class Point(NamedTuple):
    """A model after an epoch of a training."""

    spent: float  # by a price
    nll: float    # on the paper's validation windows
    run: dict = None
    epoch: int = 0


def curve(run, price):
    """Points at the end of each epoch. Nothing where the price is not known or a loss is not finite."""
    total, losses = price(run), valid_losses(run)
    if not total or not losses:
        return None
    return [Point(total * epoch / len(losses), nll, run, epoch) for epoch, nll in enumerate(losses, start=1)]


def curves(results, model, price):
    """By seed, the curves of study 1's model. Longer trainings count too, and those that validate after fewer
    windows: at a constant learning rate, a training is the beginning of a longer one."""
    wanted = protocol_setting(baseline(model), results.quick)
    runs = results.all(baseline(model))
    found = {}
    for run in runs:
        one, setting = curve(run, price), setting_of(run)
        same = all(setting[name] == value for name, value in wanted.items() if name not in ("epochs", "windows"))
        if one and same and dataset_of(run) == dataset_of(runs[-1]):
            found.setdefault(run["seed"], []).append(one)
    return found


def envelope(of_seed):
    """What several trainings reach together: the lowest NLL of any of them for at most so much, from the first
    validation to the end of the longest."""
    points = sorted((point for one in of_seed for point in one), key=lambda point: point[:2])
    front = []
    for point in points:
        if not front or point.nll < front[-1].nll:
            front.append(point)
    if front[-1].spent < points[-1].spent:
        front.append(front[-1]._replace(spent=points[-1].spent))
    return front


def reached(results, model, price):
    """By seed, what the trainings of study 1's model reach together."""
    return {seed: envelope(of_seed) for seed, of_seed in curves(results, model, price).items()}


def at_budget(one, budget):
    """What a curve has reached for `budget`, as (share, point): between two points it is on a straight line over the
    logarithm of what is spent. Nothing before the first point or after the last."""
    right = bisect.bisect_left(one, budget * (1 - SAME), key=lambda point: point.spent)
    if right == len(one):
        return None
    if one[right].spent <= budget * (1 + SAME):
        return [(1.0, one[right])]
    if right == 0:
        return None
    share = math.log(budget / one[right - 1].spent) / math.log(one[right].spent / one[right - 1].spent)
    return [(1 - share, one[right - 1]), (share, one[right])]


def nll_of(mixed):
    return sum(share * point.nll for share, point in mixed)


def seeds_at(found, budget):
    """What has been reached by seed, of the seeds that have the budget."""
    return {seed: mixed for seed, one in found.items() if (mixed := at_budget(one, budget))}


def blocks_of(results, mixed, text):
    """Losses by block of a text, of what was reached; nothing where a run has none."""
    parts = [(share, results.blocks(point.run, point.epoch, text)) for share, point in mixed]
    if any(blocks is None for _, blocks in parts):
        return None
    return [sum(values) for values in zip(*([share * value for value in blocks] for share, blocks in parts))]


def whole_budgets(results, price):
    """By price, the model whose training as the protocol has it costs so much: the MLP and those with attention."""
    runs = {model: results.of(baseline(model)) for model in ("mlp", *WITH_ATTENTION)}
    return {spent: model for model, of_model in runs.items() if of_model and (spent := price(of_model[0]))}


def budget_grid(low, high, whole=()):
    """Whole budgets and the round numbers between the two that are not near them."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = [step * 10.0**exponent for exponent in exponents for step in STEPS]
    between = [number for number in numbers if low <= number <= high]
    return sorted({*whole, *(number for number in between if all(abs(number / one - 1) > NEAR for one in whole))})


class AtBudget(NamedTuple):
    budget: float
    owner: str      # the model that the protocol gives it; nothing for a round number
    trained: dict   # by architecture that was trained for it and seed: what was reached
    samples: dict   # by architecture: NLL on the paper's validation windows; of their ends where all end before
    order: list     # architectures, the lowest mean first

    def better_with_attention(self):
        """Of those that were trained for it; nothing where none was."""
        return next((model for model in self.order if model in WITH_ATTENTION and model in self.trained), None)


def contest(results, price):
    """For each budget of a grid what the architectures reach that have runs there. One whose trainings end before
    keeps its lowest, in brackets in the tables: no verdict rests on it."""
    found = {model: seeds for model in ARCHITECTURES if (seeds := reached(results, model, price))}
    owners = whole_budgets(results, price)
    starts = [one[0].spent for seeds in found.values() for one in seeds.values()]
    ends = {model: max(one[-1].spent for one in seeds.values()) for model, seeds in found.items()}
    rows = []
    for budget in budget_grid(min(starts), max(ends.values()), owners) if found else []:
        at = {model: seeds_at(seeds, min(budget, ends[model])) for model, seeds in found.items()}
        samples = {model: Sample(map(nll_of, seeds.values())) for model, seeds in at.items() if seeds}
        trained = {model: at[model] for model in samples if ends[model] >= budget * (1 - SAME)}
        if trained:  # or some stop before, and the others start later
            order = sorted(samples, key=lambda model: samples[model].mean)
            rows.append(AtBudget(budget, owners.get(budget), trained, samples, order))
    return rows


def paper_curve(results, model, price):
    """The paper's validation NLL of a model of study 1, over what an epoch of it costs here; nothing for --quick runs,
    whose epochs are shorter."""
    runs, losses = results.of(baseline(model)), REPORTED[baseline(model)].valid_nll
    if not runs or results.quick:
        return None
    return curve({**runs[0], "epochs": [{"valid_nll": nll} for nll in losses]}, price)
