"""What our seeds say to the paper's claims, in words."""
from itertools import groupby

from .claims import Line
from .judging import OPEN, TEXTS, alone, corrected, verdict
from .text import number, p_text, signed

NO_RUNS = "No runs yet."
MISSING = "runs are missing"
FEW_SEEDS = "fewer than 2 seeds of both sides have losses on the whole texts"


def difference_text(found, digits=4):
    """With its interval; a dash where there is none."""
    return f"{signed(found.difference, digits)} ± {found.half_width:.{digits}f}" if found else "–"


def p_equals(p):
    return f"p = {p_text(p)}".replace("= <", "<")


def alone_text(decision):
    """Of a part that is shown by itself."""
    return f"{p_equals(decision.p)}, {p_text(alone(decision).p)} corrected"


def undecidable(part):
    """Whether there is nothing to decide it by."""
    return None in part.texts.values()


def misses_runs(part):
    """Whether it lacks seeds that are planned, or, if it is a line, whether there is nothing to decide a budget by."""
    if isinstance(part, Line):
        return any(undecidable(at) for _, at in part.budgets)
    return undecidable(part) or part.seeds < part.planned


def verdict_text(decision, parts):
    """What is not decided because runs are missing is told apart from what they do not decide."""
    missing = verdict(decision) == OPEN and any(misses_runs(part) for part in parts)
    return MISSING if missing else verdict(decision)


def seeds_text(part):
    return f"n = {part.seeds}" + (f" of {part.planned}" if part.seeds < part.planned else "")


def part_text(part):
    """A line on one comparison."""
    if undecidable(part):
        return f"{part.name}: {MISSING} ({FEW_SEEDS})"
    on_texts = ", ".join(f"{name} {difference_text(part.texts[text], 3)}" for text, name in TEXTS.items())
    found = alone_text(part.decision) if part.decision.sign else "the texts disagree"
    return f"{part.name}: {verdict_text(alone(part.decision), [part])} ({on_texts}, {seeds_text(part)}; {found})"


def budget_span(budgets):
    low, high = (number(row.budget) for row, _ in (budgets[0], budgets[-1]))
    return f"at {len(budgets)} budgets from {low} to {high}" if len(budgets) > 1 else f"at {low}"


def lead_text(part):
    """Who leads at a budget, by the budget's own p, which is not corrected."""
    if undecidable(part):
        return MISSING
    if verdict(part.decision) == OPEN:
        return "neither leads"
    return f"{part.name if part.decision.sign > 0 else 'MLP'} leads"


def line_text(one):
    """A line on one comparison at budgets, neighbours with the same outcome together."""
    if not one.budgets:
        return f"{one.name}: {OPEN} (no budget that both sides were trained for)"
    groups = [list(group) for _, group in groupby(one.budgets, lambda at: lead_text(at[1]))]
    leads = "; ".join(f"{lead_text(group[0][1])} {budget_span(group)}" for group in groups)
    p = f"; {alone_text(one.decision)}" if one.decision.sign else ""
    return f"{one.name}: {verdict_text(alone(one.decision), [one])} ({leads}{p})"


def text_of(part):
    return line_text(part) if isinstance(part, Line) else part_text(part)


def verdict_lines(found, asked=()):
    """The claims with what was found about each, and what was asked beside them."""
    lines = []
    for claim, decision in zip(found, corrected([claim.decision for claim in found])):
        why = claim.needs + (f"; {p_equals(decision.p)} after Holm" if decision.sign else "")
        lines += [f"{claim.number}. {claim.text}", f"   - **Verdict: {verdict_text(decision, claim.parts)}** ({why})",
                  *(f"   - {text_of(part)}" for part in claim.parts)]
    shown = [part_text(part) for part in asked]
    return [*lines, *(["", "What the paper's table raises beside its claims:", "", *(f"- {text}" for text in shown)]
                      if shown else [])]
