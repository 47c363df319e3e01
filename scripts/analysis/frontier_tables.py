"""The tables of docs/frontier.md but for who leads and the laws."""
import math

from .frontier_lines import FAMILIES, NGRAM, lowest, noise
from .seeds import Sample
from .text import fixed, mean_text, number, table


def sample_of(point):
    return Sample(line["nll"] for line in point.lines)


def budget_of(point):
    return point.budget


def ngram_table(frontier):
    orders = sorted({line["config"]["order"] for line in frontier.ngrams})
    rows = []
    for smoothing in sorted({line["config"]["smoothing"] for line in frontier.ngrams}):
        losses = {line["config"]["order"]: line["nll"] for line in frontier.ngrams
                  if line["config"]["smoothing"] == smoothing}
        best = min(losses.values())
        rows.append([smoothing.replace("_", "-").title(),
                     *(("**{}**" if losses[order] == best else "{}").format(fixed(losses[order], 4))
                       if order in losses else "–" for order in orders)])
    return table(["n", *map(str, orders)], rows) if rows else []


def point_table(frontier):
    """Every model at every budget."""
    rows = []
    order = list(FAMILIES)
    points = sorted(frontier.points(), key=lambda point: (order.index(point.model.family),
                                                          point.lines[0]["parameters"], point.budget, point.model))
    for point in points:
        line, model = point.lines[0], point.model
        rows.append([FAMILIES[model.family], model.text, f"{line['parameters']:,}", number(point.budget, 0),
                     mean_text(sample_of(point)), str(len(point.lines)), f"{line['train_nll']:.3f}",
                     f"{line['steps']:,}", f"{model.tokens_per_step:,}", f"{model.rate:.3g}",
                     fixed(line["tokens"] / line["train_tokens"], 2), number(point.flops),
                     number(line["flops_6nd"]), number(line["flops"]["evaluation"])])
    head = ["family", "model", "parameters", "budget", "NLL, mean ± 95 %", "n", "train NLL", "steps", "tokens a step",
            "rate", "epochs", "exact FLOPs", "6ND", "evaluation FLOPs"]
    return table(head, rows) if rows else []


def seconds_table(frontier, price):
    """Who leads at how many seconds, of round numbers, beside n-grams that are counted in as many; nothing where nothing
    was timed."""
    curves = {family: frontier.envelope(family, price) for family in frontier.families()}
    curves = {family: curve for family, curve in curves.items() if curve}
    if not curves:
        return []
    last = max(curve[-1][0] for curve in curves.values())
    seconds = [a * 10 ** b for b in range(0, 6) for a in (1, 3) if a * 10 ** b <= 3 * last]
    rows = []
    for limit in seconds:
        best = {family: reached[-1] for family, curve in curves.items()
                if (reached := [one for one in curve if one[0] <= limit])}
        if not best:
            continue
        leader = min(best, key=lambda family: best[family][1])
        counted = next((line["nll"] for line in frontier.ngrams if line["seconds"] <= limit), math.inf)
        bold = "**" * (counted < best[leader][1])
        rows.append([f"{limit:,}", *((f"**{best[family][1]:.3f}**" if family == leader else f"{best[family][1]:.3f}")
                                     if family in best else "–" for family in curves),
                     f"{bold}{counted:.3f}{bold}" if math.isfinite(counted) else "–",
                     FAMILIES[leader], best[leader][2].model.text, number(best[leader][2].budget, 0)])
    return table(["seconds", *(FAMILIES[family] for family in curves), FAMILIES[NGRAM], "leads", "with", "its budget"],
                 rows)


def sweep_table(points, value, name):
    """Losses of a sweep: budgets down, values of what is swept across, the best in bold."""
    values = sorted({value(point) for point in points})
    rows = []
    for family, budget in sorted({(point.model.family, point.budget) for point in points}):
        found = {value(point): point for point in points if (point.model.family, point.budget) == (family, budget)}
        lowest = min(found, key=lambda at: found[at].nll)
        rows.append([FAMILIES[family], number(budget, 0),
                     *(("**{}**" if at == lowest else "{}").format(mean_text(sample_of(found[at]), 3))
                       if at in found else "–" for at in values),
                     str(max(len(point.lines) for point in found.values()))])
    return table(["family", "FLOPs", *(f"{name} {at}" for at in values), "n"], rows) if rows else []


def least_text(points, value):
    """Which value of a sweep loses least at each budget, and which ones seeds do not tell from it."""
    floor, said = noise(points), []
    for family, budget in sorted({(point.model.family, point.budget) for point in points}):
        found = sorted((point for point in points if (point.model.family, point.budget) == (family, budget)), key=value)
        best = min(found, key=lambda point: point.nll)
        near = [str(value(point)) for point in found if floor and point is not best
                and point.nll - best.nll <= floor.difference(len(point.lines), len(best.lines))]
        said.append(f"{FAMILIES[family]} at {number(budget, 0)} FLOPs: {value(best)}"
                    + f" (not told from it: {', '.join(near)})" * bool(near))
    return f"Least loss: {'; '.join(said)}."


def swept(frontier, stage):
    """Points of what a stage's trainings are: those of its models, whichever stage made them."""
    models = {(point.model.family, point.model.size, point.model.dropout) for point in frontier.points(stage=stage)}
    budgets = {point.budget for point in frontier.points(stage=stage)}
    return [point for point in frontier.points()
            if (point.model.family, point.model.size, point.model.dropout) in models and point.budget in budgets]


def blocks_of(point):
    return int(point.model.size.split(" x ")[0])


def best_by(points, value):
    """Of points with one family, budget and value the one with the lowest loss."""
    return lowest(points, lambda point: (point.model.family, point.budget, value(point)))


def depth_points(frontier):
    """Those of the sweep over depth, one of whose models a sweep over contexts may have trained first."""
    of_stage = frontier.points(stage="depth")
    sizes, contexts = [point.parameters for point in of_stage], {point.model.context for point in of_stage}
    others = [point for point in frontier.points(stage="context", family="transformer")
              if not point.model.dropout and point.model.context in contexts
              and 0.8 * min(sizes) < point.parameters < 1.2 * max(sizes)]
    return of_stage + others


def rate_table(searches):
    """What the searches found, by the name of their text: the best rate and batch of each searched model at each
    budget, and whether they lie at the edge of what was tried."""
    rows, order = [], list(FAMILIES)
    groups = {}
    for text, frontier in searches.items():
        for point in frontier.points():
            groups.setdefault((point.stage, text, point.model.family, point.model.size, point.budget),
                              []).append(point)
    for (stage, text, family, size, budget), found in sorted(groups.items(), key=lambda one: (
            one[0][0], one[0][1], order.index(one[0][2]), one[0][4], one[0][3])):
        best = min(found, key=lambda point: point.nll)
        tokens = {point.model.tokens_per_step for point in found}
        rates = {point.model.rate for point in found if point.model.tokens_per_step == best.model.tokens_per_step}
        edges = [name for name, values, at in (("batch", tokens, best.model.tokens_per_step),
                                               ("rate", rates, best.model.rate))
                 if len(values) > 1 and at in (min(values), max(values))]
        rows.append([stage, text, FAMILIES[family], size, number(budget, 0), f"{best.model.tokens_per_step:,}",
                     f"{best.model.rate:.3g}", fixed(best.nll, 3), str(len(found)), ", ".join(edges) or "–"])
    head = ["stage", "text", "family", "size", "FLOPs", "tokens a step", "rate", "NLL", "tried", "at the edge"]
    return table(head, rows) if rows else []


def word_tables(frontiers, price):
    """By text the lines of a table: the best model of each family at every budget, with what it costs by `price` in
    seconds, beside the best n-grams."""
    found = {}
    for name, frontier in frontiers.items():
        rows = []
        for budget in frontier.budgets():
            best = {family: point for family in frontier.families() if (point := frontier.best(family, budget))}
            leader = min(best, key=lambda family: best[family].nll)
            for family, point in best.items():
                loss = mean_text(sample_of(point), 3)
                seconds = price(point)
                rows.append([number(budget, 0), FAMILIES[family], point.model.text,
                             f"{point.lines[0]['parameters']:,}", f"**{loss}**" if family == leader else loss,
                             f"{math.exp(point.nll):.0f}", fixed(point.lines[0]["tokens"]
                                                                 / point.lines[0]["train_tokens"], 2),
                             f"{seconds:,.0f}" if seconds else "–"])
        for line in frontier.ngrams[:1]:
            rows.append(["–", FAMILIES["ngram"], line["size"].replace("_", "-"), f"{line['parameters']:,}",
                         fixed(line["nll"], 3), f"{math.exp(line['nll']):.0f}", "–", f"{line['seconds']:.1f}"])
        if rows:
            found[name] = table(["FLOPs", "family", "model", "parameters", "NLL", "perplexity", "epochs", "seconds"],
                                rows)
    return found
