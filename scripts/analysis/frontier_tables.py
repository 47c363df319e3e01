"""The tables of docs/frontier.md."""
import math
from typing import NamedTuple

from .frontier_law import HIGH, LOW, Observation, bootstrap, explained, exponent, fit, interval
from .frontier_lines import FAMILIES, NGRAM, SWEEPS, TRAINED, lowest, noise
from .seeds import Sample
from .text import fixed, mean_text, number, signed, table

DRAWS = 200


def model_text(model):
    """Sizes of models that see a fixed window begin with it."""
    context = "" if model.size.startswith("T ") else f", T {model.context}"
    return f"{model.size}{context}{f', dropout {model.dropout:g}' if model.dropout else ''}"


def sample_of(point):
    return Sample(line["nll"] for line in point.lines)


def parameters_of(point):
    return point.lines[0]["parameters"]


def budget_of(point):
    return point.budget


class Lead(NamedTuple):
    """Who leads at a budget, and who is next."""
    budget: float
    best: dict  # of each family, the lowest first

    @property
    def first(self):
        return next(iter(self.best.values()))

    @property
    def next(self):
        """Of another family; nothing where one was trained alone."""
        return list(self.best.values())[1] if len(self.best) > 1 else None

    @property
    def by(self):
        return self.next.nll - self.first.nll

    def is_told(self, found):
        """Whether seeds do not explain the lead; nothing where it is not known how far they lie apart."""
        if found is None or self.next is None:
            return None
        return self.by > found.difference(len(self.first.lines), len(self.next.lines))


def leads(frontier):
    found = []
    for budget in frontier.budgets():
        best = [point for family in frontier.families() if (point := frontier.best(family, budget))]
        if best:
            best.sort(key=lambda point: point.nll)
            found.append(Lead(budget, {point.model.family: point for point in best}))
    return found


def size_text(frontier, point):
    """A model, with a mark where no smaller or no larger one of its family had the budget."""
    sizes = {parameters_of(other) for other in frontier.compared(family=point.model.family, budget=point.budget)}
    at_edge = len(sizes) > 1 and parameters_of(point) in (min(sizes), max(sizes))
    return model_text(point.model) + (" †" if at_edge else "")


def leader_table(frontier):
    """Of each budget: the best of every family, the leader in bold where it leads by more than seeds differ, what it
    is, and what it costs to use."""
    families, rows, floor = frontier.families(), [], noise(frontier.points())
    counted = frontier.ngrams[0]["nll"] if frontier.ngrams else None
    for lead in leads(frontier):
        cells, first, second, told = [], lead.first, lead.next, lead.is_told(floor)
        for family in families:
            text = fixed(lead.best[family].nll, 3) if family in lead.best else "–"
            cells.append(f"**{text}**" if family == first.model.family and told is not False else text)
        line = first.lines[0]
        if counted is not None:
            text = fixed(counted, 3)
            cells.append(f"**{text}**" if counted < first.nll else text)
        by = "–" if second is None else (f"{lead.by:.3f} to {FAMILIES[second.model.family]} (n = {len(second.lines)})"
                                         f"{', not told apart' if told is False else ''}")
        rows.append([number(lead.budget, 0), *cells, FAMILIES[first.model.family], size_text(frontier, first),
                     f"{line['parameters']:,}", str(len(first.lines)), by,
                     number(line["flops"]["evaluation"] / line["scored_tokens"])])
    head = ["FLOPs", *(FAMILIES[family] for family in families), *([FAMILIES[NGRAM]] if counted is not None else []),
            "leads", "with", "parameters", "n", "by", "FLOPs a token scored"]
    return table(head, rows) if rows else []


def answer_text(frontier):
    """Who leads from which budget to which, in sentences."""
    floor, runs = noise(frontier.points()), []
    for lead in leads(frontier):
        family = lead.first.model.family
        if runs and runs[-1][0] == family:
            runs[-1][1].append(lead)
        else:
            runs.append((family, [lead]))
    sentences = []
    for family, of_run in runs:
        first, last = number(of_run[0].budget, 0), number(of_run[-1].budget, 0)
        sizes = [parameters_of(lead.first) for lead in of_run]
        sizes = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
        told = sum(bool(lead.is_told(floor)) for lead in of_run)
        beyond = ("how far seeds lie apart is not known yet" if floor is None else
                  f"at {told} of {len(of_run)} budgets by more than seeds differ")
        sentences.append(f"{f'At {first}' if first == last else f'From {first} to {last}'} FLOPs **{FAMILIES[family]}** "
                         f"has the lowest loss of what was trained, with {sizes} parameters ({beyond}).")
    return " ".join(sentences)


def missing_text(frontier):
    """Families that have no scores yet."""
    without = [FAMILIES[family] for family in TRAINED if family not in frontier.families()]
    return f"**Not trained yet:** {', '.join(without)}. Who leads is said of the others." if without else ""


def counting_text(frontier):
    """What n-grams have, and from which budget on a training has less; nothing without n-grams."""
    if not frontier.ngrams:
        return ""
    best = frontier.ngrams[0]
    name = f"{best['config']['smoothing'].replace('_', '-').title()} {best['config']['order']}-grams"
    reached = [lead.budget for lead in leads(frontier) if lead.first.nll < best["nll"]]
    beaten = (f"a training has less from {number(min(reached), 0)} FLOPs on" if reached
              else "no training so far has less at any budget")
    return (f"{name}, counted in {best['seconds']:.1f} s, have {best['nll']:.4f} (the best of "
            f"{len(frontier.ngrams)} that were tried): {beaten}.")


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
            f"less than {found.difference():.3f} apart are not told apart. All scores are of one passage; how far they "
            f"would be from those of another is no part of that.")


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
    return lowest(points, lambda point: (point.model.family, point.budget, value(point)))


def depth_points(frontier):
    """Those of the sweep over depth, one of whose models a sweep over contexts may have trained first."""
    of_stage = frontier.points(stage="depth")
    sizes, contexts = [parameters_of(point) for point in of_stage], {point.model.context for point in of_stage}
    others = [point for point in frontier.points(stage="context", family="transformer")
              if not point.model.dropout and point.model.context in contexts
              and 0.8 * min(sizes) < parameters_of(point) < 1.2 * max(sizes)]
    return of_stage + others


def observations(points):
    """What the law of a family is fitted to: the best of each size without dropout at each budget, but for sweeps, at
    whose contexts and depths the law does not look."""
    chosen = [point for point in points if not point.model.dropout and point.stage not in SWEEPS]
    return [Observation(parameters_of(point), point.lines[0]["tokens"], point.lines[0]["train_tokens"], point.nll,
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
    """By family, of families with enough points."""
    found = {}
    for family in frontier.families():
        points = observations(frontier.points(family=family))
        if (law := fit(points)) is not None:
            found[family] = Fitted(law, points, bootstrap(points, law, draws))
    return found


def with_interval(value, found, digits=2):
    if math.isnan(value):
        return "not known"
    low, high = found or (math.nan, math.nan)
    return f"{fixed(value, digits)} ({fixed(low, digits)} – {fixed(high, digits)})"


def law_table(fitted):
    """A number that ends at the edge of what it may be, or that has no part in the loss, is none that the points
    say."""
    rows = []
    for family, its in fitted.items():
        law, cells = its.law, []
        for at, (value, digits, is_free) in enumerate((
                (lambda one: one.alpha, 2, law.A > 0), (lambda one: one.beta, 2, law.B > 0),
                (lambda one: one.repetitions, 1, law.B > 0))):
            is_known = is_free and LOW[at] * 1.05 < value(law) < HIGH[at] / 1.05
            cells.append(with_interval(value(law), its.interval(value), digits) if is_known else "not known")
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
                         fixed(line["nll"], 3), f"{math.exp(line['nll']):.0f}", "–"])
        if rows:
            found[name] = table(["FLOPs", "family", "model", "parameters", "NLL", "perplexity", "epochs"], rows)
    return found
