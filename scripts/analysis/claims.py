"""The paper's claims, and what our seeds say to them."""
from typing import NamedTuple

from .budgets import curves, sample_at
from .paper import REPORTED, baseline, positions, sweep, words
from .runs import dataset_label, training_flops, valid_losses
from .seeds import SIGNIFICANT, Comparison, Sample, holm, opposite_pairs, paired, welch
from .text import number, seeds_text, signed


class Finding(NamedTuple):
    claim: str         # its number; "–" for a question that the paper's table raises
    part: str          # what of it
    compared: str      # such that a positive difference speaks for it
    comparison: Comparison
    seeds: str
    paper: str         # its difference, and what one seed alone says
    corrected: float = 1.0  # p after Holm


def verdict(finding):
    """Of one comparison, after correction for the number of comparisons."""
    direction = "holds" if finding.comparison.difference > 0 else "does not hold"
    if finding.corrected < SIGNIFICANT:
        return direction
    if finding.comparison.p < SIGNIFICANT:
        return f"{direction}, but not after Holm"
    return "not distinguishable"


def losses(results, row, **changes):
    return [run["test_nll"] for run in results.of(row, **changes)]


def says(difference, comparison):
    """What the paper's difference of two single runs says, beside what chance makes of two single runs."""
    text = f"{signed(difference)}: {'holds' if difference > 0 else 'does not hold'}"
    return text + (", within chance" if abs(difference) < comparison.chance else "")


def of_tests(results, claim, part, compared, worse, better):
    """Test NLL of two rows of the protocol."""
    values = losses(results, worse), losses(results, better)
    if not all(values):
        return
    a, b = map(Sample, values)
    comparison = welch(a, b)
    if comparison is None:
        return
    opposite, pairs = opposite_pairs(a, b)
    paper = says(REPORTED[worse].test_nll - REPORTED[better].test_nll, comparison)
    if opposite:
        paper += f"; of our {pairs} pairs of single runs {opposite} {'says' if opposite == 1 else 'say'} the opposite"
    yield Finding(claim, part, compared, comparison, seeds_text(a, b), paper)


def of_ends(results, other, name):
    """Test NLL of the MLP and of a model with attention at the end of the protocol's trainings, with what the second
    spent on it beside the first."""
    runs = [results.of(baseline(model)) for model in (other, "mlp")]
    if not all(runs):
        return
    spent = [training_flops(of_model[0]) for of_model in runs]
    paper = [REPORTED[baseline(model)].flops_2pn for model in (other, "mlp")]
    exact = f"{spent[0] / spent[1]:.1f}" if all(spent) else "?"
    part = f"{name}, each at its end ({exact} times the MLP's exact FLOPs, {paper[0] / paper[1]:.2f} times its 2PN)"
    yield from of_tests(results, "1", part, f"MLP − {name}, test NLL at the end", baseline("mlp"), baseline(other))


def of_budgets(results, other, name):
    """Validation NLL of the MLP and of a model with attention after the same FLOPs: at the whole budget that the
    protocol gives to either."""
    found = {model: curves(results, model) for model in ("mlp", other)}
    for owner, whose in (("mlp", "the MLP's whole"), (other, "its own whole")):
        runs = results.of(baseline(owner))
        budget = training_flops(runs[0]) if runs else None
        a, b = (sample_at(found[model], budget) if budget else None for model in ("mlp", other))
        comparison = welch(a, b) if a and b else None
        if comparison:
            spent = f"{number(budget)} exact FLOPs, {whose} budget"
            yield Finding("1", f"{name}, after {spent}", f"MLP − {name}, validation NLL after {spent}", comparison,
                          seeds_text(a, b), "not asked: its curves are over epochs")


def of_overfitting(results, dataset):
    """Within runs, the best validation NLL of the later epochs against the best of the first two."""
    runs = [run for run in results.of(words(dataset)) if valid_losses(run)]
    valid = [valid_losses(run) for run in runs]
    comparison = paired([rise(nll) for nll in valid]) if valid else None
    if comparison is None:
        return
    name, reported = dataset_label(dataset), REPORTED[words(dataset)].valid_nll
    best = " or ".join(str(epoch) for epoch in sorted({run["best_epoch"] for run in runs}))
    after = Sample(nll[-1] - min(nll) for nll in valid).mean
    yield Finding("5", f"{name}, best epoch {best}, {signed(after, 2)} after epoch {len(valid[0])}",
                  f"{name}, validation NLL: best of epochs 3 to {len(valid[0])} − best of 1 and 2", comparison,
                  str(len(runs)), f"{signed(rise(reported))}: {'holds' if rise(reported) > 0 else 'does not hold'}")


def rise(nll):
    return min(nll[2:]) - min(nll[:2])


def findings(results):
    """All comparisons that have runs, with their p corrected for each other."""
    found = []
    for other, name in (("attention", "self-attention"), ("transformer", "transformer")):
        found += of_budgets(results, other, name)
        found += of_ends(results, other, name)
    found += of_tests(results, "2", "linear, T = 128 worse than T = 32", "linear: T = 128 − T = 32",
                      sweep("linear", "T = 128"), sweep("linear", "T = 32"))
    found += of_tests(results, "2", "transformer, L = 4 worse than L = 3", "transformer: L = 4 − L = 3",
                      sweep("transformer", "L = 4"), sweep("transformer", "L = 3"))
    found += of_tests(results, "3", "at the paper's learning rate", "RoPE − learned", positions("RoPE"),
                      positions("learned"))
    found += of_tuned(results)
    for other, name in (("mlp", "MLP"), ("attention", "self-attention"), ("transformer", "transformer")):
        found += of_tests(results, "4", name, f"linear − {name}", baseline("linear"), baseline(other))
    for dataset in ("ptb", "wikitext-2"):
        found += of_overfitting(results, dataset)
    found += of_tests(results, "–", "self-attention, H = 2 worse than H = 1", "self-attention: H = 2 − H = 1",
                      sweep("attention", "H = 2"), sweep("attention", "H = 1"))
    corrected = holm([finding.comparison.p for finding in found])
    return [finding._replace(corrected=p) for finding, p in zip(found, corrected)]


def tuned_rate(results, row):
    """The learning rate with the lowest mean of the best validation NLL among those that were swept; nothing where
    only one was."""
    means = {}
    for rate in results.rates(row):
        runs = results.of(row, learning_rate=rate)
        means[rate] = Sample(run["epochs"][run["best_epoch"] - 1]["valid_nll"] for run in runs).mean
    return min(means, key=means.get) if len(means) > 1 else None


def of_tuned(results):
    """RoPE against learned positions, each at the learning rate that is best for it."""
    rates = [tuned_rate(results, positions(variant)) for variant in ("RoPE", "learned")]
    if None in rates:
        return
    a, b = (Sample(losses(results, positions(variant), learning_rate=rate))
            for variant, rate in zip(("RoPE", "learned"), rates))
    comparison = welch(a, b)
    if comparison:
        yield Finding("3", "each at its best learning rate", f"RoPE at {rates[0]:g} − learned at {rates[1]:g}",
                      comparison, seeds_text(a, b), "not asked: one learning rate")
