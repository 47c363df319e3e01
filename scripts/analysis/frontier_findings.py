"""What the advisor takes from the study of the frontier: a law for each family, and the rates that were best."""
from .frontier_law import bootstrap, fit
from .frontier_lines import CHARACTERS
from .frontier_tables import observations

DRAWS = 40  # laws of the bootstrap that are kept
SEARCHES = ("search", "check")  # stages


def best_points(points):
    """Of points of one size at one budget the one with the lowest loss."""
    best = {}
    for point in points:
        key = point.lines[0]["stage"], point.model.family, point.model.size, point.budget
        if key not in best or point.nll < best[key].nll:
            best[key] = point
    return list(best.values())


def rounded(law):
    return [float(f"{number:.5g}") for number in law[:6]]


def law_of(frontier, search, family):
    """From the scores, or where there are too few of them, from the best of the search; nothing where these are too
    few, too."""
    for points in (frontier.points(family=family), best_points(search.points(family=family))):
        chosen = observations(points)
        if law := fit(chosen):
            budgets = [point.budget for point in points]
            return {"law": rounded(law), "residual": float(f"{law.residual:.3g}"), "points": len(chosen),
                    "budgets": [min(budgets), max(budgets)],
                    "draws": [rounded(drawn) for drawn in bootstrap(chosen, law, DRAWS)]}
    return None


def findings(frontier, search):
    """Of the text of characters. Without n-grams, which the advisor compares texts by, there are none."""
    if not frontier.ngrams:
        return None
    families = sorted({*frontier.families(), *search.families()})
    found = {family: law for family in families if (law := law_of(frontier, search, family))}
    points = best_points(point for point in search.points() if point.lines[0]["stage"] in SEARCHES)
    settings = [{"stage": point.lines[0]["stage"], "family": point.model.family, "size": point.model.size,
                 "budget": point.budget, "tokens_per_step": point.model.tokens_per_step, "rate": point.model.rate,
                 "nll": point.nll} for point in points]
    settings.sort(key=lambda one: (one["stage"], one["family"], one["size"], one["budget"]))
    return {"text": CHARACTERS, "vocabulary": frontier.ngrams[0]["config"]["vocabulary"],
            "counting": min(line["nll"] for line in frontier.ngrams
                            if line["config"]["smoothing"] == "kneser_ney"),
            "families": found, "settings": settings}
