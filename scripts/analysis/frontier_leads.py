"""Which family leads at which budget, and whether by more than seeds differ."""
from typing import NamedTuple

from .frontier_lines import FAMILIES, NGRAM, SWEEPS, TRAINED, WORDS, noise
from .text import fixed, number, table


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
    sizes = {other.parameters for other in frontier.compared(family=point.model.family, budget=point.budget)}
    at_edge = len(sizes) > 1 and point.parameters in (min(sizes), max(sizes))
    return point.model.text + (" †" if at_edge else "")


def leader_table(frontier):
    """Of each budget: the best of every family, the leader in bold where it leads by more than seeds differ, what it
    is, and what it costs to use."""
    families, rows, floor = frontier.families(), [], noise(frontier.compared())
    counted = frontier.ngrams[0]["nll"] if frontier.ngrams else None
    for lead in leads(frontier):
        cells, first, second, told = [], lead.first, lead.next, lead.is_told(floor)
        for family in families:
            text = fixed(lead.best[family].nll, 3) if family in lead.best else "–"
            cells.append(f"**{text}**" if family == first.model.family and told else text)
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
    floor, runs = noise(frontier.compared()), []
    for lead in leads(frontier):
        family = lead.first.model.family
        if runs and runs[-1][0] == family:
            runs[-1][1].append(lead)
        else:
            runs.append((family, [lead]))
    sentences = []
    for family, of_run in runs:
        first, last = number(of_run[0].budget, 0), number(of_run[-1].budget, 0)
        sizes = [lead.first.parameters for lead in of_run]
        sizes = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
        told = sum(bool(lead.is_told(floor)) for lead in of_run)
        beyond = ("how far seeds lie apart is not known yet" if floor is None else
                  f"at {told} of {len(of_run)} budgets by more than seeds differ")
        sentences.append(f"{f'At {first}' if first == last else f'From {first} to {last}'} FLOPs **{FAMILIES[family]}** "
                         f"has the lowest loss of what was trained, with {sizes} parameters ({beyond}).")
    return " ".join(sentences)


def missing_text(frontier, words):
    """Families that have no scores yet, and other parts of the study, from the frontiers of characters and of words."""
    without = [FAMILIES[family] for family in TRAINED if family not in frontier.families()]
    without += [f"the sweep over {stage}" for stage in SWEEPS if not frontier.points(stage=stage)]
    without += [WORDS[name] for name, of_text in words.items() if not of_text.families()]
    return f"**Not trained yet:** {', '.join(without)}. What follows is of all else." if without else ""


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


def noise_text(frontier):
    """The noise floor in a sentence: of the models that are compared, and of others, which learn at another pace."""
    found = noise(frontier.compared())
    if found is None:
        return "No training has two seeds yet: the noise floor is not known."
    of_sweeps = noise([point for point in frontier.points() if point.stage in SWEEPS])
    others = f"; {of_sweeps.deviation:.4f} in the sweeps over context and depth" if of_sweeps else ""
    return (f"**Noise floor.** Seeds of one training at one budget differ with a standard deviation of "
            f"{found.deviation:.4f} nats (pooled, {found.degrees} degrees of freedom{others}): two single trainings that lie "
            f"less than {found.difference():.3f} apart are not told apart. All scores are of one passage; how far they "
            f"would be from those of another is no part of that.")
