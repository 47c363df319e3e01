"""What the advisor takes from the study of the frontier: a law for each family, and the rates that were best."""
from .frontier_laws import laws
from .frontier_lines import CHARACTERS, lowest

DRAWS = 40  # laws of the bootstrap that are kept
SEARCHES = ("search", "check")  # stages


def rounded(law):
    return [float(f"{number:.5g}") for number in law[:6]]


def law_json(its):
    budgets = [one.budget for one in its.observations]
    return {"law": rounded(its.law), "residual": float(f"{its.law.residual:.3g}"), "points": len(its.observations),
            "budgets": [min(budgets), max(budgets)],
            "epochs": float(f"{max(one.tokens / one.text for one in its.observations):.3g}"),
            "reach": float(f"{max(one.parameters * one.tokens / one.text ** 2 for one in its.observations):.3g}"),
            "draws": [rounded(law) for law, _ in its.drawn]}


def findings(frontier, search):
    """Of the text of characters. Without n-grams of every order up to one, which the advisor compares texts by, there
    are none."""
    counted = {line["config"]["order"]: line["nll"] for line in frontier.ngrams
               if line["config"]["smoothing"] == "kneser_ney"}
    orders = range(1, max(counted, default=0) + 1)
    if not counted or any(order not in counted for order in orders):
        return None
    found = {family: law_json(its) for family, its in sorted(laws(frontier, DRAWS).items())}
    points = lowest([point for point in search.points() if point.stage in SEARCHES],
                    lambda point: (point.stage, point.model.family, point.model.size, point.budget))
    settings = [{"stage": point.stage, "family": point.model.family, "size": point.model.size,
                 "budget": point.budget, "tokens_per_step": point.model.tokens_per_step, "rate": point.model.rate,
                 "nll": point.nll} for point in points]
    settings.sort(key=lambda one: (one["stage"], one["family"], one["size"], one["budget"]))
    return {"text": CHARACTERS, "vocabulary": frontier.ngrams[0]["config"]["vocabulary"],
            "train_tokens": frontier.ngrams[0]["train_tokens"],
            "counting": [counted[order] for order in orders],
            "families": found, "settings": settings}
