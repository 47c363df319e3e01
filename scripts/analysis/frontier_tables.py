"""The tables of docs/frontier.md."""
import math

from .frontier_law import HIGH, LOW, Observation, bootstrap, exponent, fit, interval
from .frontier_lines import FAMILIES, noise
from .seeds import Sample
from .text import fixed, mean_text, number, signed, table

DRAWS = 200
SWEEPS = ("context", "depth")  # stages


def model_text(model):
    dropout = f", dropout {model.dropout:g}" if model.dropout else ""
    return f"{model.size}, T {model.context}{dropout}"


def sample_of(point):
    return Sample(line["nll"] for line in point.lines)


def budget_of(point):
    return point.budget


def leader_table(frontier):
    """Of each budget: the best of every family, the leader in bold, and whether it leads by more than seeds differ."""
    families, rows = frontier.families(), []
    for budget in frontier.budgets():
        best = {family: point for family in families if (point := frontier.best(family, budget))}
        if not best:
            continue
        order = sorted(best, key=lambda family: best[family].nll)
        cells = []
        for family in families:
            text = fixed(best[family].nll, 3) if family in best else "–"
            cells.append(f"**{text}**" if family == order[0] else text)
        first = best[order[0]]
        lead = fixed(best[order[1]].nll - first.nll, 3) if len(order) > 1 else "–"
        rows.append([number(budget, 0), *cells, FAMILIES[order[0]], model_text(first.model),
                     f"{first.lines[0]['parameters']:,}", str(len(first.lines)), lead])
    head = ["FLOPs", *(FAMILIES[family] for family in families), "leads", "with", "parameters", "seeds", "by"]
    return table(head, rows) if rows else []


def counting_text(frontier):
    """What n-grams have, and from which budget on a training has less; nothing without n-grams."""
    if not frontier.ngrams:
        return ""
    best = frontier.ngrams[0]
    name = f"{best['config']['smoothing'].replace('_', '-').title()} {best['config']['order']}-grams"
    reached = [budget for budget in frontier.budgets()
               if any((point := frontier.best(family, budget)) and point.nll < best["nll"]
                      for family in frontier.families())]
    beaten = (f"a training has less from {number(min(reached), 0)} FLOPs on" if reached
              else "no training has less at any budget")
    return (f"{name}, counted in {best['seconds']:.1f} s without a FLOP, have {best['nll']:.4f}: {beaten}.")


def ngram_table(frontier):
    orders = sorted({line["config"]["order"] for line in frontier.ngrams})
    rows = []
    for smoothing in sorted({line["config"]["smoothing"] for line in frontier.ngrams}):
        losses = {line["config"]["order"]: line["nll"] for line in frontier.ngrams
                  if line["config"]["smoothing"] == smoothing}
        lowest = min(losses.values())
        rows.append([smoothing.replace("_", "-").title(),
                     *(("**{}**" if losses[order] == lowest else "{}").format(fixed(losses[order], 4))
                       if order in losses else "–" for order in orders)])
    return table(["n", *map(str, orders)], rows) if rows else []


def noise_text(frontier):
    """The noise floor in a sentence."""
    found = noise(frontier.points())
    if found is None:
        return "No training has two seeds yet: the noise floor is not known."
    return (f"**Noise floor.** Seeds of one training at one budget differ with a standard deviation of "
            f"{found.deviation:.4f} nats (pooled, {found.degrees} degrees of freedom): two single trainings that lie "
            f"less than {found.difference:.3f} apart are not told apart. The scored text is one passage, of which the "
            f"same holds for all models.")


def point_table(frontier):
    """Every model at every budget."""
    rows = []
    order = list(FAMILIES)
    points = sorted(frontier.points(), key=lambda point: (order.index(point.model.family),
                                                          point.lines[0]["parameters"], point.budget, point.model))
    for point in points:
        line, model = point.lines[0], point.model
        rows.append([FAMILIES[model.family], model_text(model), f"{line['parameters']:,}", number(point.budget, 0),
                     mean_text(sample_of(point)), str(len(point.lines)), f"{line['train_nll']:.3f}",
                     f"{line['steps']:,}", f"{model.tokens_per_step:,}", f"{model.rate:.3g}",
                     fixed(line["tokens"] / line["train_tokens"], 2), number(point.flops),
                     number(line["flops_6nd"]), number(line["flops"]["evaluation"])])
    head = ["family", "model", "parameters", "budget", "NLL, mean ± 95 %", "n", "train NLL", "steps", "tokens a step",
            "rate", "epochs", "exact FLOPs", "6ND", "evaluation FLOPs"]
    return table(head, rows) if rows else []


def seconds_table(frontier, price):
    """Who leads at how many seconds, of round numbers; nothing where nothing was timed."""
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
        rows.append([f"{limit:,}", *((f"**{best[family][1]:.3f}**" if family == leader else f"{best[family][1]:.3f}")
                                     if family in best else "–" for family in curves),
                     FAMILIES[leader], model_text(best[leader][2].model), number(best[leader][2].budget, 0)])
    return table(["seconds", *(FAMILIES[family] for family in curves), "leads", "with", "its budget"], rows)


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
    best = {}
    for point in points:
        key = point.model.family, point.budget, value(point)
        if key not in best or point.nll < best[key].nll:
            best[key] = point
    return list(best.values())


def observations(points):
    """What the law of a family is fitted to: its models without dropout, each at each budget, but for those of sweeps,
    at whose contexts and depths the law does not look."""
    return [Observation(point.lines[0]["parameters"], point.lines[0]["tokens"], point.lines[0]["train_tokens"],
                        point.nll, point.lines[0]["key"])
            for point in points if not point.model.dropout and point.lines[0]["stage"] not in SWEEPS]


def laws(frontier, draws=DRAWS):
    """By family the law and those of its bootstrap, of families with enough points."""
    found = {}
    for family in frontier.families():
        points = observations(frontier.points(family=family))
        law = fit(points)
        if law is not None:
            found[family] = law, bootstrap(points, law, draws), len(points)
    return found


def with_interval(value, found, digits=2):
    if found is None or math.isnan(value):
        return fixed(value, digits)
    return f"{value:.{digits}f} ({found[0]:.{digits}f} – {found[1]:.{digits}f})"


def law_table(fitted):
    rows = []
    for family, (law, drawn, count) in fitted.items():
        cells = [with_interval(get(law), interval(drawn, get), digits)
                 for get, digits in ((lambda one: one.E, 2), (lambda one: one.alpha, 2), (lambda one: one.beta, 2),
                                     (lambda one: one.repetitions, 1), (lambda one: one.growth, 2))]
        edges = ", ".join(name for name, value, low, high in zip("αβR", law[3:6], LOW, HIGH)
                          if not low * 1.01 < value < high / 1.01)
        rows.append([FAMILIES[family], str(count), *cells, edges or "–", number(law.A), number(law.B),
                     fixed(law.residual, 4)])
    head = ["family", "points", "E", "α", "β", "R*", "N ~ C^a, a", "at the edge", "A", "B", "residual"]
    return table(head, rows) if rows else []


def exponent_table(frontier, fitted):
    """What the choice of FLOPs does to exponents: of the excess loss and of the best model's parameters over compute,
    exact or 6ND, along the best model at each budget."""
    rows = []
    for family, (law, _, _) in fitted.items():
        best = [point for budget in frontier.budgets() if (point := frontier.best(family, budget))]
        exact = [(point.flops, point) for point in best]
        by_rule = [(point.lines[0]["flops_6nd"], point) for point in best]
        ratios = [rule / spent for (spent, _), (rule, _) in zip(exact, by_rule)]
        if not ratios:
            continue
        cells = []
        for get in (lambda point: point.nll - law.E, lambda point: point.lines[0]["parameters"]):
            for pairs in (exact, by_rule):
                slope = exponent([(x, get(point)) for x, point in pairs])
                cells.append("–" if slope is None else signed(slope, 3))
        rows.append([FAMILIES[family], *cells, f"{min(ratios):.2f} – {max(ratios):.2f}"])
    head = ["family", "loss − E, exact", "loss − E, 6ND", "parameters, exact", "parameters, 6ND", "6ND / exact"]
    return table(head, rows) if rows else []


def rate_table(frontier):
    """What the search found: the best rate and batch of each searched model at each budget, and whether they lie at
    the edge of what was tried."""
    rows, order = [], list(FAMILIES)
    points = [point for point in frontier.points() if point.lines[0]["stage"] in ("search", "check", "word_rates")]
    groups = {}
    for point in points:
        groups.setdefault((point.lines[0]["stage"], point.model.family, point.model.size, point.budget),
                          []).append(point)
    for (stage, family, size, budget), found in sorted(groups.items(), key=lambda one: (
            one[0][0], order.index(one[0][1]), one[0][3], one[0][2])):
        best = min(found, key=lambda point: point.nll)
        tokens = {point.model.tokens_per_step for point in found}
        rates = {point.model.rate for point in found if point.model.tokens_per_step == best.model.tokens_per_step}
        edges = [name for name, values, at in (("batch", tokens, best.model.tokens_per_step),
                                               ("rate", rates, best.model.rate))
                 if len(values) > 1 and at in (min(values), max(values))]
        rows.append([stage, FAMILIES[family], size, number(budget, 0), f"{best.model.tokens_per_step:,}",
                     f"{best.model.rate:.3g}", fixed(best.nll, 3), str(len(found)), ", ".join(edges) or "–"])
    head = ["stage", "family", "size", "FLOPs", "tokens a step", "rate", "NLL", "tried", "at the edge"]
    return table(head, rows) if rows else []


def word_tables(frontiers):
    """By text the lines of a table: every model at every budget, beside the best n-grams."""
    found = {}
    for name, frontier in frontiers.items():
        rows = []
        for budget in frontier.budgets():
            best = {family: point for family in frontier.families() if (point := frontier.best(family, budget))}
            leader = min(best, key=lambda family: best[family].nll)
            for family, point in best.items():
                loss = mean_text(sample_of(point), 3)
                rows.append([number(budget, 0), FAMILIES[family], model_text(point.model),
                             f"{point.lines[0]['parameters']:,}", f"**{loss}**" if family == leader else loss,
                             f"{math.exp(point.nll):.0f}", fixed(point.lines[0]["tokens"]
                                                                 / point.lines[0]["train_tokens"], 2)])
        for line in frontier.ngrams[:1]:
            rows.append(["–", FAMILIES["ngram"], line["size"].replace("_", "-"), f"{line['parameters']:,}",
                         fixed(line["nll"], 3), f"{math.exp(line['nll']):.0f}", "1.00"])
        if rows:
            found[name] = table(["FLOPs", "family", "model", "parameters", "NLL", "perplexity", "epochs"], rows)
    return found
