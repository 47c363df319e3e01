"""Which family leads at which budget, and whether by more than seeds differ."""
import math
from typing import NamedTuple

from .frontier_lines import FAMILIES, NGRAM, SWEEPS, TRAINED, WORDS, noise, noise_by_family
from .seeds import SIGNIFICANT, holm
from .student import two_sided_p
from .text import fixed, number, p_text, table


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

    def p(self, noises):
        """How probable a difference as large is where there is nothing but chance: two-sided, after Welch, with the
        noise of either family, of one that has no two seeds the largest that is known; nothing where none is."""
        if self.next is None or not noises:
            return None
        largest = max(noises.values(), key=lambda noise: noise.deviation)
        parts = [(its.deviation ** 2 / len(point.lines), its.degrees) for point in (self.first, self.next)
                 for its in [noises.get(point.model.family, largest)]]
        variance = sum(part for part, _ in parts)
        if variance == 0:
            return float(self.by == 0)
        return two_sided_p(self.by / math.sqrt(variance),
                           variance ** 2 / sum(part ** 2 / degrees for part, degrees in parts))


def leads(frontier):
    found = []
    for budget in frontier.budgets():
        best = [point for family in frontier.families() if (point := frontier.best(family, budget))]
        if best:
            best.sort(key=lambda point: point.nll)
            found.append(Lead(budget, {point.model.family: point for point in best}))
    return found


def corrected_ps(found, frontier):
    """Of each lead, corrected after Holm for all of them."""
    noises = noise_by_family(frontier.compared())
    ps = [lead.p(noises) for lead in found]
    corrected = iter(holm([p for p in ps if p is not None]))
    return [None if p is None else next(corrected) for p in ps]


def is_told(p):
    return p is not None and p < SIGNIFICANT


def size_text(frontier, point):
    """A model, with a mark where no smaller or no larger one of its family had the budget."""
    sizes = {other.parameters for other in frontier.compared(family=point.model.family, budget=point.budget)}
    at_edge = len(sizes) > 1 and point.parameters in (min(sizes), max(sizes))
    return point.model.text + (" †" if at_edge else "")


def leader_table(frontier):
    """Of each budget: the best of every family, the leader in bold where it leads by more than seeds differ, what it
    is, and what it costs to use."""
    families, rows, found = frontier.families(), [], leads(frontier)
    counted = frontier.ngrams[0]["nll"] if frontier.ngrams else None
    for lead, p in zip(found, corrected_ps(found, frontier)):
        cells, first, second = [], lead.first, lead.next
        for family in families:
            text = fixed(lead.best[family].nll, 3) if family in lead.best else "–"
            cells.append(f"**{text}**" if family == first.model.family and is_told(p) else text)
        line = first.lines[0]
        if counted is not None:
            text = fixed(counted, 3)
            cells.append(f"**{text}**" if counted < first.nll else text)
        by = "–" if second is None else (f"{lead.by:.3f} to {FAMILIES[second.model.family]}, "
                                         f"{size_text(frontier, second)} (n = {len(second.lines)})")
        rows.append([number(lead.budget, 0), *cells, FAMILIES[first.model.family], size_text(frontier, first),
                     f"{line['parameters']:,}", str(len(first.lines)), by, "–" if p is None else p_text(p),
                     number(line["flops"]["evaluation"] / line["scored_tokens"])])
    head = ["FLOPs", *(FAMILIES[family] for family in families), *([FAMILIES[NGRAM]] if counted is not None else []),
            "leads", "with", "parameters", "n", "by", "p", "FLOPs a token scored"]
    return table(head, rows) if rows else []


def answer_text(frontier):
    """Who leads from which budget to which, in sentences."""
    found, runs = leads(frontier), []
    for lead, p in zip(found, corrected_ps(found, frontier)):
        family = lead.first.model.family
        if runs and runs[-1][0] == family:
            runs[-1][1].append((lead, p))
        else:
            runs.append((family, [(lead, p)]))
    sentences = []
    for family, of_run in runs:
        first, last = number(of_run[0][0].budget, 0), number(of_run[-1][0].budget, 0)
        sizes = [lead.first.parameters for lead, _ in of_run]
        sizes = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
        told = [number(lead.budget, 0) for lead, p in of_run if is_told(p)]
        beyond = ("how far seeds lie apart is not known" if all(p is None for _, p in of_run) else
                  f"at {len(told)} of {len(of_run)} budgets by more than seeds differ"
                  + f": {', '.join(told)}" * (0 < len(told) < len(of_run)))
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
    reached = [lead for lead in leads(frontier) if lead.first.nll < best["nll"]]
    beaten = "no training so far has less at any budget"
    if reached:
        beaten = f"a training has less from {number(reached[0].budget, 0)} FLOPs on"
        noises = noise_by_family(frontier.compared())
        if (its := noises.get(reached[0].first.model.family)) and its.deviation > 0:
            by = best["nll"] - reached[0].first.nll
            p = two_sided_p(by * math.sqrt(len(reached[0].first.lines)) / its.deviation, its.degrees)
            beaten += f" (there by {by:.3f}, which seeds may explain)" * (p >= SIGNIFICANT)
    return (f"{name}, counted in {best['seconds']:.1f} s, have {best['nll']:.4f} (the best of "
            f"{len(frontier.ngrams)} that were tried): {beaten}.")


def noise_text(frontier):
    """The noise floor in a sentence: of the models that are compared, and of others, which learn at another pace."""
    found = noise(frontier.compared())
    if found is None:
        return "No training has two seeds yet: the noise floor is not known."
    of_sweeps = noise([point for point in frontier.points() if point.stage in SWEEPS])
    others = f"; {of_sweeps.deviation:.4f} in the sweeps over context and depth" if of_sweeps else ""
    by_family = ", ".join(f"{FAMILIES[family]} {its.deviation:.4f} ({its.degrees})" for family, its in
                          sorted(noise_by_family(frontier.compared()).items(), key=lambda one: one[1].deviation))
    return (f"**Noise floor.** Seeds of one training at one budget differ with a standard deviation of "
            f"{found.deviation:.4f} nats (pooled, {found.degrees} degrees of freedom{others}): two single trainings that lie "
            f"less than {found.difference():.3f} apart are not told apart. By family, with the degrees of freedom: "
            f"{by_family}; who leads is decided by these. All scores are of one passage; how far they "
            f"would be from those of another is no part of that.")
