"""The tables of the claims in docs/results.md: who reaches what with a budget, and the comparisons."""
from .budgets import ARCHITECTURES
from .claims import Line
from .judging import TEXTS, alone
from .paper import MODELS
from .text import mean_text, number, p_text, signed, span_text, table
from .verdicts import difference_text, verdict_text

COMPARISON_COLUMNS = ["n", *(f"{name} text, mean ± 95 %" for name in TEXTS.values()), "p"]


def budget_table(rows):
    """What `contest` says of each budget, and in words who leads those with a contest."""
    cells, leads = [], []
    for row in rows:
        leader = row.order[0]
        if len(row.order) > 1:
            if not leads or leads[-1][0] != leader:
                leads.append([leader, row.budget, row.budget])
            leads[-1][2] = row.budget
        texts = [mean_text(row.samples.get(model), 3) for model in ARCHITECTURES]
        texts = [text if model in row.trained or text == "–" else f"({text})"
                 for model, text in zip(ARCHITECTURES, texts)]
        texts[ARCHITECTURES.index(leader)] = f"**{texts[ARCHITECTURES.index(leader)]}**"
        seeds = [str(row.samples[model].n) if model in row.samples else "–" for model in ARCHITECTURES]
        cells.append([budget_text(row), *texts, " / ".join(seeds)])
    texts = [f"{MODELS[model]} " + (f"from {number(low)} to {number(high)}" if low < high else f"at {number(low)}")
             for model, low, high in leads]
    head = ["budget", *(MODELS[model] for model in ARCHITECTURES), "n"]
    return (table(head, cells) if cells else []), ", ".join(texts)


def budget_text(row):
    return number(row.budget) + (f", {MODELS[row.owner]}" if row.owner else "")


def comparison_cells(part):
    """Seeds, the difference on either text, and the larger p where both have one sign."""
    return [str(part.seeds) if part.seeds else "–", *(difference_text(part.texts[text]) for text in TEXTS),
            p_text(part.decision.p) if part.decision.sign else "–"]


def line_table(lines):
    """The comparisons of claim 1's lines, budget by budget; no lines without one."""
    compared = [(row, part) for line in lines for row, part in line.budgets]
    if not any(part.seeds for _, part in compared):
        return []
    return table(["budget", "compared", *COMPARISON_COLUMNS],
                 [[budget_text(row), part.compared, *comparison_cells(part)] for row, part in compared])


def paper_text(part):
    """Its difference of two single runs, and how many of our seeds have the same sign."""
    if part.reported is None:
        return "–"
    same = sum(one * part.reported > 0 for one in part.ours)
    have = "has" if same == 1 else "have"
    return signed(part.reported) + (f"; {same} of our {len(part.ours)} seeds {have} its sign" if part.ours else "")


def claims_table(claims, asked):
    """Every part of every claim; a line of claim 1 with what its budgets have in common."""
    rows = []
    for claim, part in [*((claim.number, part) for claim in claims for part in claim.parts),
                        *(("–", part) for part in asked)]:
        found, paper = (line_cells(part), "–") if isinstance(part, Line) else (comparison_cells(part), paper_text(part))
        decision = alone(part.decision)
        rows.append([claim, part.compared, *found, p_text(decision.p) if decision.sign else "–",
                     verdict_text(decision, [part]), paper])
    return table(["claim", "compared", *COMPARISON_COLUMNS, "p, corrected", "verdict by itself",
                  "the paper's difference"], rows)


def line_cells(line):
    """Of a line: from the least to the largest difference."""
    parts = [part for _, part in line.budgets if part.seeds]
    spans = []
    for text in TEXTS:
        found = [part.texts[text].difference for part in parts]
        spans.append(f"{signed(min(found))} to {signed(max(found))}" if found else "–")
    return [span_text([part.seeds for part in parts]) if parts else "–", *spans,
            p_text(line.decision.p) if line.decision.sign else "–"]
