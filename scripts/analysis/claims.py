"""The paper's claims and the comparisons that they rest on, of our runs: docs/judging.md."""
import statistics
from typing import NamedTuple

from .budgets import AtBudget, all_positions, blocks_of, contest, executed, two_pn
from .crossed import crossed
from .judging import TEXTS, Decision, all_of, any_of, on_both_texts
from .paper import CLAIMS, MODELS, REPORTED, baseline, positions, sweep, words
from .runs import dataset_label, valid_losses
from .seeds import Sample, within_seeds

RATES = (3e-4, 1e-3, 3e-3)  # of which each variant of positions has a best one
PLANNED, MANY_PLANNED = 5, 10  # seeds: of most comparisons, and of those whose difference is small


class Part(NamedTuple):
    """A comparison, on both texts."""

    name: str
    compared: str  # such that a positive difference speaks for the claim
    texts: dict    # by text what was found; nothing where fewer than 2 seeds of both sides have losses by window
    reported: float = None  # the difference in the paper's figures
    ours: tuple = ()        # the same in ours, on the paper's passages, by seed
    planned: int = 0        # seeds, before which it is not called undecided

    @property
    def decision(self):
        return on_both_texts(self.texts)

    @property
    def seeds(self):
        found = self.texts["valid"]
        return found.seeds if found else 0


class Line(NamedTuple):
    """A comparison at every budget that both sides were trained for."""

    name: str
    compared: str
    budgets: list  # of (what `contest` says of it, Part)

    @property
    def decision(self):
        return all_of([part.decision for _, part in self.budgets])


class Claim(NamedTuple):
    number: str
    text: str
    needs: str  # which of its parts
    parts: list
    decision: Decision


def differences(a, b):
    """By seed that both have, and by block."""
    return [[x - y for x, y in zip(a[seed], b[seed])] for seed in sorted(a.keys() & b.keys())]


def known(blocks):
    """Without seeds of which there are none."""
    return {seed: values for seed, values in blocks.items() if values}


def at_end(results, row, text, **changes):
    """Losses by seed and block of a row's trainings, with the weights that they end with."""
    return known({run["seed"]: results.blocks(run, run["best_epoch"], text) for run in results.of(row, **changes)})


def losses(results, row, **changes):
    """On the paper's test windows, by seed."""
    return {run["seed"]: run["test_nll"] for run in results.of(row, **changes)}


def of_ends(results, name, compared, worse, better, rates=(None, None), planned=PLANNED):
    """The test losses of two rows of the protocol, each at its learning rate or else the paper's."""
    changes = [{"learning_rate": rate} if rate else {} for rate in rates]
    texts = {text: crossed(differences(at_end(results, worse, text, **changes[0]),
                                       at_end(results, better, text, **changes[1]))) for text in TEXTS}
    ours = within_seeds(losses(results, worse, **changes[0]), losses(results, better, **changes[1]))
    reported = None if any(rates) else REPORTED[worse].test_nll - REPORTED[better].test_nll
    return Part(name, compared, texts, reported, tuple(ours.values()), planned)


def line(results, name, price, other):
    """The MLP against the model with attention that `other` picks at a budget."""
    budgets = []
    for row in contest(results, price):
        model = other(row)
        if model not in row.trained or "mlp" not in row.trained:
            continue
        texts = {}
        for text in TEXTS:
            sides = [known({seed: blocks_of(results, mixed, text) for seed, mixed in row.trained[side].items()})
                     for side in ("mlp", model)]
            texts[text] = crossed(differences(*sides))
        budgets.append((row, Part(MODELS[model], f"MLP − {MODELS[model]}", texts)))
    return Line(name, f"MLP − {name}", budgets)


def attention_lines(results):
    better = "the better with attention"
    return [line(results, f"{MODELS['attention']}, as executed", executed, lambda row: "attention"),
            line(results, f"{MODELS['transformer']}, as executed", executed, lambda row: "transformer"),
            line(results, f"{better}, every position computed", all_positions, AtBudget.better_with_attention),
            line(results, f"{better}, by 2PN", two_pn, AtBudget.better_with_attention)]


def rise(first, second, last):
    """By block, from the lower of the first two to the last."""
    return [b - a for a, b in zip(min(first, second, key=statistics.fmean), last)]


def of_overfitting(results, dataset):
    """Within runs, the loss after the last epoch against the lower of those after the first two."""
    row = words(dataset)
    runs, reported, name = results.of(row), REPORTED[row].valid_nll, dataset_label(dataset)
    last = len(reported)
    texts = {}
    for text in TEXTS:
        epochs = {run["seed"]: [results.blocks(run, epoch, text) for epoch in (1, 2, last)] for run in runs}
        texts[text] = crossed([rise(*epochs[seed]) for seed in sorted(epochs) if None not in epochs[seed]])
    ours = [nll[-1] - min(nll[:2]) for run in runs if (nll := valid_losses(run))]
    return Part(name, f"{name}: after epoch {last} − lower of epochs 1 and 2", texts, reported[-1] - min(reported[:2]),
                tuple(ours), PLANNED)


def tuned_rate(results, row):
    """The learning rate with the lowest mean of the best validation NLL, on the paper's windows, over the seeds that
    all rates have; nothing where one was not tried or they have no seed in common. A rate at which a seed diverged is
    out."""
    valid = {}
    for rate in RATES:
        runs = results.of(row, learning_rate=rate)
        if results.diverged(row, learning_rate=rate):
            continue
        if not runs:
            return None
        valid[rate] = {run["seed"]: run["epochs"][run["best_epoch"] - 1]["valid_nll"] for run in runs}
    common = set.intersection(*map(set, valid.values())) if valid else ()
    return min(valid, key=lambda rate: Sample(valid[rate][seed] for seed in common).mean) if common else None


def of_positions(results):
    """RoPE against learned positions, at the paper's learning rate and each at its best one."""
    rope, learned = positions("RoPE"), positions("learned")
    rates = [tuned_rate(results, row) for row in (rope, learned)]
    name, compared = "each at its best learning rate", "RoPE − learned, each at its best learning rate"
    if None in rates:
        tuned = Part(name, compared, dict.fromkeys(TEXTS))
    else:
        compared = f"RoPE at {rates[0]:g} − learned at {rates[1]:g}"
        tuned = of_ends(results, name, compared, rope, learned, rates, MANY_PLANNED)
    return [of_ends(results, "at the paper's learning rate", "RoPE − learned", rope, learned), tuned]


def claims(results):
    """All five, by number."""
    parts = {
        "1": ("it needs all four lines", attention_lines(results)),
        "2": ("either half is enough", [
            of_ends(results, "context: linear, T = 128 worse than T = 32", "linear: T = 128 − T = 32",
                    sweep("linear", "T = 128"), sweep("linear", "T = 32")),
            of_ends(results, "depth: transformer, L = 4 worse than L = 3", "transformer: L = 4 − L = 3",
                    sweep("transformer", "L = 4"), sweep("transformer", "L = 3"), planned=MANY_PLANNED)]),
        "3": ("it needs both", of_positions(results)),
        "4": ("it needs all three", [
            of_ends(results, MODELS[other], f"linear − {MODELS[other]}", baseline("linear"), baseline(other))
            for other in ("mlp", "attention", "transformer")]),
        "5": ("it needs both", [of_overfitting(results, dataset) for dataset in ("ptb", "wikitext-2")]),
    }
    rules = {"2": any_of}
    return [Claim(number, CLAIMS[number], needs, of_claim,
                  rules.get(number, all_of)([part.decision for part in of_claim]))
            for number, (needs, of_claim) in parts.items()]


def questions(results):
    """What the paper's table raises beside its claims."""
    return [of_ends(results, "self-attention, H = 2 worse than H = 1", "self-attention: H = 2 − H = 1",
                    sweep("attention", "H = 2"), sweep("attention", "H = 1"))]
