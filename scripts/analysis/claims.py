"""The comparisons that the paper's claims rest on, of our runs."""
import math
from typing import NamedTuple

from .budgets import contest
from .paper import MODELS, REPORTED, baseline, positions, sweep, words
from .runs import dataset_label, training_flops, valid_losses
from .seeds import SIGNIFICANT, Comparison, Sample, holm, paired, within_seeds
from .text import number, signed


class Finding(NamedTuple):
    claim: str         # its number; "–" for a question that the paper's table raises
    part: str          # what of it
    compared: str      # such that a positive difference speaks for it
    differences: list  # within seeds
    comparison: Comparison  # nothing where there are too few seeds for a test
    paper: str         # its difference, and what one seed alone says
    budget: float = None    # in FLOPs, of a comparison at equal ones
    remark: str = ""        # of a comparison that says nothing for or against the claim
    corrected: float = math.nan  # p after Holm


def finding(claim, part, compared, differences, reported, words=("holds", "does not hold"), **options):
    """With what the paper's one seed says where there is something to compare it with."""
    comparison = paired(differences)
    paper = "not asked" if reported is None else says(reported, comparison, differences, words)
    return Finding(claim, part, compared, differences, comparison, paper, **options)


def says(reported, comparison, differences, words=("holds", "does not hold")):
    """What the paper's difference of two single runs says, beside what chance makes of such a difference, and how many
    of our seeds would have said the same."""
    text = f"{signed(reported)}: {words[0] if reported > 0 else words[1]}"
    if comparison and abs(reported) < comparison.chance:
        text += ", within chance"
    if differences:
        same = sum(difference * reported > 0 for difference in differences)
        text += f"; {same} of our {len(differences)} seeds {'says' if same == 1 else 'say'} so"
    return text


def losses(results, row, **changes):
    """By seed."""
    return {run["seed"]: run["test_nll"] for run in results.of(row, **changes)}


def of_tests(results, claim, part, compared, worse, better, **options):
    """Test NLL of two rows of the protocol."""
    differences = within_seeds(losses(results, worse), losses(results, better))
    return finding(claim, part, compared, differences, REPORTED[worse].test_nll - REPORTED[better].test_nll, **options)


def of_budgets(results):
    """Validation NLL of the MLP and of the best model with attention after the same FLOPs. That a model which was
    trained for less has a higher loss is no evidence."""
    for row in contest(results):
        if not row.differences:
            continue
        name, spent = MODELS[row.best], f"{number(row.budget)} exact FLOPs"
        if row.owner:
            spent += f" ({MODELS[row.owner]}'s whole budget)"
        one = finding("1", name, f"MLP − {name}, validation NLL after {spent}", row.differences, row.paper,
                      budget=row.budget)
        if one.comparison:
            short = row.best in row.ended and one.comparison.difference < 0
            yield one._replace(remark="higher loss, but trained for less") if short else one


def of_end(results, other):
    """Test NLL of the MLP and of a model with attention at the end of the protocol's trainings, with what the second
    spent on it beside the first: they are not equal, so that this is no evidence of loss per FLOP."""
    runs = [results.of(baseline(model)) for model in (other, "mlp")]
    spent = [training_flops(of_model[0]) if of_model else None for of_model in runs]
    if None in spent:
        return []
    exact, paper = spent[0] / spent[1], REPORTED[baseline(other)].flops_2pn / REPORTED[baseline("mlp")].flops_2pn
    part = f"{MODELS[other]}, each at its end ({exact:.1f} times the MLP's exact FLOPs, {paper:.2f} times its 2PN)"
    found = of_tests(results, "1", part, f"MLP − {MODELS[other]}, test NLL at the end", baseline("mlp"),
                     baseline(other), words=("lower loss", "higher loss"))
    return [found._replace(remark=trade(found.comparison, exact))]


def trade(comparison, cost):
    """Of a model that has `cost` times the FLOPs of what it is compared with."""
    if comparison is None or comparison.p >= SIGNIFICANT:
        return "loss not distinguishable, " + ("costs more" if cost > 1 else "costs less")
    if comparison.difference > 0:
        return "lower loss, but costs more" if cost > 1 else "lower loss, and costs less"
    return "higher loss, and costs more" if cost > 1 else "higher loss, but costs less"


def of_overfitting(results, dataset):
    """Within runs, the best validation NLL of the later epochs against the best of the first two."""
    runs = [run for run in results.of(words(dataset)) if valid_losses(run)]
    valid = [valid_losses(run) for run in runs]
    name, last = dataset_label(dataset), len(REPORTED[words(dataset)].valid_nll)
    part = name
    if runs:
        best = " or ".join(str(epoch) for epoch in sorted({run["best_epoch"] for run in runs}))
        part += f", best epoch {best}, {signed(Sample(nll[-1] - min(nll) for nll in valid).mean, 2)} after epoch {last}"
    return finding("5", part, f"{name}, validation NLL: best of epochs 3 to {last} − best of 1 and 2",
                   [rise(nll) for nll in valid], rise(REPORTED[words(dataset)].valid_nll))


def rise(nll):
    return min(nll[2:]) - min(nll[:2])


def tuned_rate(results, row):
    """The learning rate with the lowest mean of the best validation NLL over the seeds that all swept rates have;
    nothing where only one was swept or they have no seed in common. A rate at which a seed diverged is out."""
    valid = {}
    for rate in results.rates(row):
        if results.diverged(row, learning_rate=rate):
            continue
        runs = results.of(row, learning_rate=rate)
        valid[rate] = {run["seed"]: run["epochs"][run["best_epoch"] - 1]["valid_nll"] for run in runs}
    common = set.intersection(*map(set, valid.values())) if len(valid) > 1 else ()
    return min(valid, key=lambda rate: Sample(valid[rate][seed] for seed in common).mean) if common else None


def of_tuned(results):
    """RoPE against learned positions, each at the learning rate that is best for it."""
    rates = [tuned_rate(results, positions(variant)) for variant in ("RoPE", "learned")]
    if None in rates:
        return []
    a, b = (losses(results, positions(variant), learning_rate=rate)
            for variant, rate in zip(("RoPE", "learned"), rates))
    found = finding("3", "each at its best learning rate", f"RoPE at {rates[0]:g} − learned at {rates[1]:g}",
                    within_seeds(a, b), None)
    return [found] if found.comparison else []


def findings(results):
    """All comparisons, those with a verdict with their p corrected for each other."""
    found = [*of_budgets(results), *of_end(results, "attention"), *of_end(results, "transformer"),
             of_tests(results, "2", "linear, T = 128 worse than T = 32", "linear: T = 128 − T = 32",
                      sweep("linear", "T = 128"), sweep("linear", "T = 32")),
             of_tests(results, "2", "transformer, L = 4 worse than L = 3", "transformer: L = 4 − L = 3",
                      sweep("transformer", "L = 4"), sweep("transformer", "L = 3")),
             of_tests(results, "3", "at the paper's learning rate", "RoPE − learned", positions("RoPE"),
                      positions("learned")),
             *of_tuned(results),
             *(of_tests(results, "4", MODELS[other], f"linear − {MODELS[other]}", baseline("linear"), baseline(other))
               for other in ("mlp", "attention", "transformer")),
             *(of_overfitting(results, dataset) for dataset in ("ptb", "wikitext-2")),
             of_tests(results, "–", "self-attention, H = 2 worse than H = 1", "self-attention: H = 2 − H = 1",
                      sweep("attention", "H = 2"), sweep("attention", "H = 1"))]
    family = [place for place, one in enumerate(found) if one.comparison and not one.remark]
    for place, p in zip(family, holm([found[place].comparison.p for place in family])):
        found[place] = found[place]._replace(corrected=p)
    return found
