"""From differences to verdicts, by the rule of docs/judging.md."""
from typing import NamedTuple

from .paper import CLAIMS
from .seeds import SIGNIFICANT, holm

HOLDS, CONTRADICTED, OPEN = "holds", "contradicted", "not distinguishable"
TEXTS = {"valid": "validation", "test": "test"}


class Decision(NamedTuple):
    p: float
    sign: int  # 1 for a claim, −1 against it, 0 where there is nothing to decide by


NEITHER = Decision(1.0, 0)


def on_both_texts(texts):
    """From a comparison on each text: the larger p, and a direction where both agree."""
    found = list(texts.values())
    if None in found:
        return NEITHER
    signs = {(one.difference > 0) - (one.difference < 0) for one in found}
    return Decision(max(one.p for one in found), signs.pop()) if len(signs) == 1 else NEITHER


def times(decision, count):
    return decision._replace(p=min(1.0, count * decision.p))


def all_of(decisions):
    """Of what needs all its parts: the largest p if all speak for it; against it speaks any, at its p times their
    number."""
    against = [one for one in decisions if one.sign < 0]
    if against:
        return times(min(against), len(decisions))
    return max(decisions) if decisions and all(one.sign > 0 for one in decisions) else NEITHER


def any_of(decisions):
    """Of what needs one of its parts: the smallest p of those that speak for it, times the number of parts; against it
    speak all together."""
    speaking = [one for one in decisions if one.sign > 0]
    if speaking:
        return times(min(speaking), len(decisions))
    return max(decisions) if decisions and all(one.sign < 0 for one in decisions) else NEITHER


def alone(decision):
    """Of a part that is shown by itself: as if it were one of the claims."""
    return times(decision, len(CLAIMS))


def corrected(decisions):
    """Of all claims, for each other."""
    return [one._replace(p=p) for one, p in zip(decisions, holm([one.p for one in decisions]))]


def verdict(decision):
    """Of a corrected decision."""
    if decision.p >= SIGNIFICANT or decision.sign == 0:
        return OPEN
    return HOLDS if decision.sign > 0 else CONTRADICTED
