"""What our seeds say to the paper's claims."""
from itertools import groupby

from .paper import CLAIMS
from .seeds import SIGNIFICANT
from .text import number, p_text, signed

HOLDS, FAILS, OPEN = "holds", "does not hold", "not distinguishable"
NO_RUNS = "No runs yet."


def verdict(finding):
    """Of one comparison, after correction for the number of comparisons."""
    if finding.comparison is None or finding.corrected >= SIGNIFICANT:
        return OPEN
    return HOLDS if finding.comparison.difference > 0 else FAILS


def all_parts(verdicts):
    return FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS


def any_part(verdicts):
    return HOLDS if HOLDS in verdicts else OPEN if OPEN in verdicts else FAILS


def last_part(verdicts):
    return verdicts[-1]


RULES = {"1": all_parts, "2": any_part, "3": last_part, "4": all_parts, "5": all_parts}


def claim_verdict(claim, found):
    """Of a claim from the comparisons that are about it."""
    parts = [verdict(finding) for finding in found if finding.claim == claim and not finding.remark]
    return RULES[claim](parts or [OPEN])


def before_holm(finding):
    """Of a comparison from which Holm's correction took its verdict; one item or none."""
    taken = verdict(finding) == OPEN and finding.comparison.p < SIGNIFICANT
    return [f"p before Holm {p_text(finding.comparison.p)}"] if taken else []


def verdict_cell(finding):
    return finding.remark or " ".join([verdict(finding), *(f"({text})" for text in before_holm(finding))])


def part_text(finding):
    """A line on one comparison."""
    if finding.comparison is None:
        return f"{finding.part}: no test with fewer than 2 seeds in common"
    difference = f"{signed(finding.comparison.difference, 3)} ± {finding.comparison.half_width:.3f}"
    if finding.remark:
        return f"{finding.part}: {finding.remark} ({difference}), so no evidence"
    p = f"p = {p_text(finding.corrected)} after Holm".replace("= <", "<")
    return f"{finding.part}: {verdict(finding)} ({'; '.join([*before_holm(finding), f'{difference}, {p}'])})"


def budget_text(found):
    """A line on comparisons with the same verdict at neighbouring budgets."""
    low, high = (number(one.budget) for one in (found[0], found[-1]))
    where = f"at {len(found)} budgets from {low} to {high}" if len(found) > 1 else f"at {low}"
    differences = span(signed(pick(one.comparison.difference for one in found), 3) for pick in (min, max))
    text = f"{found[0].part}, {where} exact FLOPs: {found[0].remark or verdict(found[0])} ({differences}"
    if found[0].remark:
        return f"{text}), so no evidence"
    p = "p = " + span(p_text(pick(one.corrected for one in found)) for pick in (min, max))
    return f"{text}, {p} after Holm)".replace("= <", "<")


def span(texts):
    return " to ".join(dict.fromkeys(texts))


def part_lines(found):
    lines = []
    for (at_budgets, *_), group in groupby(found, lambda one: (bool(one.budget), one.part, one.remark, verdict(one))):
        lines += [budget_text(list(group))] if at_budgets else map(part_text, group)
    return lines


def basis(claim, found):
    """What a claim's verdict rests on."""
    if RULES[claim] is last_part:
        tuned = sum(finding.claim == claim for finding in found) > 1
        return "by each variant at its own best learning rate" if tuned else (
            "by the paper's learning rate, as runs at others are missing")
    return "one part is enough" if RULES[claim] is any_part else "it needs all parts"


def verdict_lines(found, asides=None):
    """The claims with what was found about each, and by claim what else there is to say."""
    lines = []
    for claim, text in CLAIMS.items():
        lines.append(f"{claim}. {text}")
        of_claim = [finding for finding in found if finding.claim == claim]
        if any(one.comparison for one in of_claim):
            lines.append(f"   - **Verdict: {claim_verdict(claim, found)}** ({basis(claim, found)})")
            lines += [f"   - {line}" for line in [*part_lines(of_claim), *(asides or {}).get(claim, [])]]
        else:
            lines.append(f"   - {NO_RUNS}")
    questions = [f"- {part_text(one)}" for one in found if one.claim == "–" and one.comparison]
    return [*lines, *(["", "What the paper's table raises beside its claims:", "", *questions] if questions else [])]
