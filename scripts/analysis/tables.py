"""The tables of the studies in docs/results.md."""
from .claims import losses, tuned_rate
from .judging import TEXTS
from .ngrams import best_ngrams, name_of, ngrams, nll_on, order_of, smoothing_of, texts_with_ngrams
from .paper import REPORTED, TRAIN_TOKENS, UNREPORTED, positions, words
from .runs import dataset_label, label, training_flops
from .seeds import SIGNIFICANT, Sample
from .text import mean_text, number, p_text, signed, span_text, table

VALID, TEST = (f"{name} NLL, mean ± 95 %" for name in TEXTS.values())  # on the paper's windows
WHOLE_TEXTS = [f"whole {name} text" for name in TEXTS.values()]


def row_label(row):
    return label(row) + (f" on {dataset_label(row.dataset)}" if row.study == "word_level" else "")


def our_cells(results, runs):
    """Best epoch, exact FLOPs and seconds."""
    seconds = results.seconds(runs[0])
    return [f"{span_text([run['best_epoch'] for run in runs])} of {len(runs[0]['epochs'])}",
            number(training_flops(runs[0])), "–" if seconds is None else f"{seconds:.0f}"]


def whole_text_cells(runs):
    """NLL on windows spread over the whole texts, of the runs that have it: with their number where not all do."""
    cells = []
    for text in TEXTS:
        found = [run["epochs"][run["best_epoch"] - 1].get(f"spread_{text}_nll") for run in runs]
        found = [nll for nll in found if nll is not None]
        few = f" (n = {len(found)})" if len(found) < len(runs) else ""
        cells.append(mean_text(Sample(found)) + few if found else "–")
    return cells


def ngram_rows(results, dataset, head, cap=None):
    """Of each smoothing the best order, with what it has of a table's columns and dashes for the rest."""
    rows = []
    for run in best_ngrams(results, dataset, cap):
        valid, test = (f"{nll_on(run, text):.4f}" for text in TEXTS)
        cells = {head[0]: f"{name_of(run)}, on {dataset_label(dataset)}", "parameters": f"{run['parameters']:,}",
                 VALID: valid, TEST: test, **dict(zip(WHOLE_TEXTS, whole_text_cells([run]))),
                 "seconds": f"{run['seconds']:.1f}"}
        rows.append([cells.get(column, "–") for column in head])
    return rows


def study_table(results, study):
    """The paper's rows beside ours, and n-gram models of the same texts; no lines without runs."""
    rows, missing, texts = [], [], []
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
                     p_text(sample.p_of_one_more(reported.test_nll)), *whole_text_cells(runs),
                     *our_cells(results, runs), number(reported.flops_2pn)])
        texts += [row.dataset] if row.dataset not in texts else []
    head = ["model", "n", "parameters", "paper's test NLL", TEST, "paper − ours", "in std. dev.", "p of one more run",
            *WHOLE_TEXTS, "best epoch", "exact FLOPs", "seconds", "paper's 2PN"]
    rows += [cells for dataset in texts for cells in ngram_rows(results, dataset, head)]
    lines = table(head, rows) if rows else []
    if rows and missing:
        lines += ["", f"No runs yet: {'; '.join(missing)}."]
    return lines


def inside_intervals(results):
    """How many of the paper's figures lie inside the 95 % prediction interval of one more run of ours, of how many
    whose rows have 2 seeds or more."""
    samples = [(Sample(found), reported) for row, reported in REPORTED.items()
               if len(found := losses(results, row).values()) > 1]
    ps = [sample.p_of_one_more(reported.test_nll) for sample, reported in samples]
    return sum(p >= SIGNIFICANT for p in ps), len(ps)


PLAIN_HEAD = ["model", "n", "parameters", TEST, *WHOLE_TEXTS, "best epoch", "exact FLOPs", "seconds"]


def plain_row(results, name, runs):
    """Of a table of what the paper has no figure of."""
    sample = Sample(run["test_nll"] for run in runs)
    return [name, str(sample.n), f"{runs[0]['parameters']:,}", mean_text(sample), *whole_text_cells(runs),
            *our_cells(results, runs)]


def unreported_table(results):
    """Variants without a figure in the paper beside learned positions, from which each differs in one thing."""
    learned = positions("learned")
    rows = [plain_row(results, row_label(row), runs) for row in (learned, *UNREPORTED) if (runs := results.of(row))]
    return table(PLAIN_HEAD, rows + ngram_rows(results, learned.dataset, PLAIN_HEAD)) if len(rows) > 1 else []


def uncapped_table(results):
    rows = []
    for row in (words("ptb"), words("wikitext-2")):
        if whole := results.of(row, cap="none"):
            if capped := results.of(row):
                rows.append(plain_row(results, f"{row_label(row)}, {TRAIN_TOKENS[row.dataset]:,} train tokens", capped))
            rows.append(plain_row(results, f"{row_label(row)}, all its train tokens", whole))
            rows += ngram_rows(results, row.dataset, PLAIN_HEAD, cap="none")
    return table(PLAIN_HEAD, rows) if rows else []


def rate_table(results):
    """Learned and rotary positions by learning rate; no lines where only one was made."""
    rates = {variant: results.rates(positions(variant), diverged=True) for variant in ("learned", "RoPE")}
    if len(set().union(*rates.values())) < 2:
        return []
    rows = []
    for variant, of_variant in rates.items():
        row = positions(variant)
        best = tuned_rate(results, row)
        for rate in of_variant:
            runs, count = results.of(row, learning_rate=rate), results.diverged(row, learning_rate=rate)
            valid = Sample(run["epochs"][run["best_epoch"] - 1]["valid_nll"] for run in runs) if runs else None
            test = Sample(run["test_nll"] for run in runs) if runs else None
            rows.append([variant, f"**{rate:g}**" if rate == best else f"{rate:g}",
                         f"{len(runs)}, {count} diverged" if count else str(len(runs)), mean_text(valid),
                         mean_text(test), *whole_text_cells(runs)])
    head = ["positions", "learning rate", "n", VALID, TEST, *WHOLE_TEXTS]
    return table(head, rows + ngram_rows(results, positions("learned").dataset, head))


def ngram_table(results):
    """All orders; the best of each smoothing in bold."""
    rows = []
    for dataset in texts_with_ngrams(results):
        best = best_ngrams(results, dataset)
        for run in ngrams(results, dataset):
            order = f"**{order_of(run)}**" if run in best else str(order_of(run))
            rows.append([dataset_label(dataset), smoothing_of(run), order, f"{run['parameters']:,}",
                         *(f"{nll_on(run, text):.4f}" for text in TEXTS), *whole_text_cells([run]),
                         f"{run['seconds']:.1f}"])
    return table(["text", "smoothing", "order", "parameters", "validation NLL", "test NLL", *WHOLE_TEXTS, "seconds"],
                 rows) if rows else []
