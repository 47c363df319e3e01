"""The tables of docs/results.md."""
from .budgets import ARCHITECTURES, contest
from .claims import losses, tuned_rate
from .paper import MODELS, REPORTED, TRAIN_TOKENS, UNREPORTED, positions, words
from .runs import dataset_label, label, training_flops
from .seeds import Sample, paired
from .text import mean_text, number, p_text, signed, span_text, table
from .verdicts import verdict_cell

TIMED_THREADS = 2


def row_label(row):
    return label(row) + (f" on {dataset_label(row.dataset)}" if row.study == "word_level" else "")


def fastest(runs):
    """The fastest run with two threads; None without one."""
    timed = [run for run in runs if run.get("threads") == TIMED_THREADS]
    return min(timed, key=lambda run: (run["seconds"], run["seed"]), default=None)


def seconds_text(runs):
    run = fastest(runs)
    return f"{run['seconds']:.0f} (seed {run['seed']})" if run else "–"


def our_cells(runs):
    """Best epoch, exact FLOPs and seconds."""
    return [f"{span_text([run['best_epoch'] for run in runs])} of {len(runs[0]['epochs'])}",
            number(training_flops(runs[0])), seconds_text(runs)]


def study_table(results, study):
    """The paper's rows beside ours; no lines without runs."""
    rows, missing = [], []
    for row, reported in REPORTED.items():
        if row.study != study:
            continue
        runs = results.of(row)
        if not runs:
            missing.append(row_label(row))
            continue
        sample = Sample(losses(results, row).values())
        rows.append([row_label(row), str(sample.n), f"{reported.parameters:,}", f"{reported.test_nll:.4f}",
                     mean_text(sample), signed(reported.test_nll - sample.mean),
                     signed(sample.deviations_to(reported.test_nll), 1),
                     p_text(sample.p_of_one_more(reported.test_nll)), *our_cells(runs), number(reported.flops_2pn)])
    head = ["model", "seeds", "parameters", "paper's test NLL", "ours, mean ± 95 %", "paper − ours", "in std. dev.",
            "p of one more run", "best epoch", "exact FLOPs", "seconds", "paper's 2PN"]
    lines = table(head, rows) if rows else []
    if rows and missing:
        lines += ["", f"No runs yet: {'; '.join(missing)}."]
    return lines


def plain_table(rows):
    """Rows that the paper has no figure of: (name, runs)."""
    cells = []
    for name, runs in rows:
        sample = Sample(run["test_nll"] for run in runs)
        cells.append([name, str(sample.n), f"{runs[0]['parameters']:,}", mean_text(sample), *our_cells(runs)])
    head = ["model", "seeds", "parameters", "test NLL, mean ± 95 %", "best epoch", "exact FLOPs", "seconds"]
    return table(head, cells) if cells else []


def unreported_table(results):
    """Variants without a figure in the paper beside learned positions, from which each differs in one thing."""
    rows = [(row_label(row), runs) for row in (positions("learned"), *UNREPORTED) if (runs := results.of(row))]
    return plain_table(rows) if len(rows) > 1 else []


def uncapped_table(results):
    rows = []
    for row in (words("ptb"), words("wikitext-2")):
        if whole := results.of(row, cap="none"):
            capped = results.of(row)
            rows += [(f"{row_label(row)}, {TRAIN_TOKENS[row.dataset]:,} train tokens", capped)] * bool(capped)
            rows.append((f"{row_label(row)}, all its train tokens", whole))
    return plain_table(rows)


def rate_table(results):
    """Learned and rotary positions by learning rate; no lines where only one was made."""
    rates = sorted({rate for variant in ("learned", "RoPE")
                    for rate in results.rates(positions(variant), diverged=True)})
    if len(rates) < 2:
        return []
    rows = []
    for rate in rates:
        cells = [f"{rate:g}"]
        for variant in ("learned", "RoPE"):
            runs = results.of(positions(variant), learning_rate=rate)
            valid = Sample(run["epochs"][run["best_epoch"] - 1]["valid_nll"] for run in runs) if runs else None
            text = mean_text(Sample(run["test_nll"] for run in runs)) if runs else "–"
            best = tuned_rate(results, positions(variant)) == rate
            count = results.diverged(positions(variant), learning_rate=rate)
            cells += [f"{len(runs)}, {count} diverged" if count else str(len(runs)),
                      f"{valid.mean:.4f}" if valid else "–", f"**{text}**" if best else text]
        rows.append(cells)
    return table(["learning rate", "learned: seeds", "valid NLL", "test NLL, mean ± 95 %", "RoPE: seeds", "valid NLL",
                  "test NLL, mean ± 95 %"], rows)


def budget_table(results):
    """Who leads at which budget, and in words who leads those with a contest."""
    cells, leads = [], []
    for row in contest(results):
        leader = row.order[0]
        if len(row.order) > 1:
            if not leads or leads[-1][0] != leader:
                leads.append([leader, row.budget, row.budget])
            leads[-1][2] = row.budget
        texts = [mean_text(row.samples.get(model), 3) for model in ARCHITECTURES]
        texts = [f"({text})" if model in row.ended else text for model, text in zip(ARCHITECTURES, texts)]
        texts[ARCHITECTURES.index(leader)] = f"**{texts[ARCHITECTURES.index(leader)]}**"
        spent = number(row.budget) + (f", {MODELS[row.owner]}" if row.owner else "")
        cells.append([spent, *texts, *contest_cells(row)])
    head = ["exact FLOPs", *(MODELS[model] for model in ARCHITECTURES), "MLP − best with attention", "seeds", "p"]
    texts = [f"{MODELS[model]} " + (f"from {number(low)} to {number(high)}" if low < high else f"at {number(low)}")
             for model, low, high in leads]
    return (table(head, cells) if cells else []), ", ".join(texts)


def contest_cells(row):
    """Difference, seeds and p of the MLP and the best model with attention at a budget."""
    if not row.differences:
        return ["–", "–", "–"]
    comparison = paired(row.differences)
    return [mean_text(Sample(row.differences), 3, signed), str(len(row.differences)),
            p_text(comparison.p) if comparison else "–"]


def claims_table(found):
    rows = []
    for finding in found:
        if comparison := finding.comparison:
            rows.append([finding.claim, finding.compared, str(len(finding.differences)),
                         f"{signed(comparison.difference)} ± {comparison.half_width:.4f}", p_text(comparison.p),
                         p_text(finding.corrected), signed(comparison.effect, 1), verdict_cell(finding),
                         finding.paper])
    return table(["claim", "compared", "seeds", "difference ± 95 %", "p", "p, Holm", "g", "verdict",
                  "the paper's one seed"], rows) if rows else []
