#!/usr/bin/env python3
"""Draws the runs of a results file, as SVG and PNG: the paper's figures with its points beside ours, loss against
exact FLOPs spent, and the sweep of learning rates, as far as there are runs.

    scripts/plot.py results/runs.jsonl --out results/figures

Runs on the synthetic corpus and --quick runs get figures of their own. Of runs that differ in nothing but the time
they were made and slm's version, the last one counts.
"""
import argparse
import pathlib
import sys

from analysis.budget_figures import draw_claim_1, draw_iso_flop, draw_learning_rates
from analysis.claims import attention_lines
from analysis.figures import draw_cost, draw_losses, draw_sweeps, series_of
from analysis.ngrams import best_ngrams
from analysis.paper import CHARACTERS, DATASETS, REPORTED, STUDIES, UNREPORTED, positions, protocol_setting
from analysis.runs import Results, dataset_label, dataset_of, read_runs
from analysis.style import save, set_up

SYNTHETIC = "synthetic"


def of_texts(ngrams, rows):
    """Of n-gram models by text, those of the rows' texts."""
    return [ngrams[dataset] for dataset in dict.fromkeys(row.dataset for row in rows) if dataset in ngrams]


def figures_of(results):
    """(name, rows of the protocol that it shows runs of, figure) for each study that has runs."""
    shown = {study: {row: results.shown(row) for row in results.rows(study)}
             for study in STUDIES}
    ngrams = {dataset: best[0] for dataset in DATASETS if (best := best_ngrams(results, dataset))}
    ngram = ngrams.get(CHARACTERS)
    if runs := shown["tiny_shakespeare"]:
        yield "tiny_shakespeare_loss", runs, draw_losses(series_of(runs), ngram=ngram)
        yield "tiny_shakespeare_flops", runs, draw_cost(series_of(runs), ngrams=of_texts(ngrams, runs))
        yield "iso_flop", (), draw_iso_flop(results, ngram)
        yield "claim_1", (), draw_claim_1(attention_lines(results))
    if runs := shown["sweeps"]:
        yield "sweeps", runs, draw_sweeps(runs, ngram)
    if runs := shown["word_level"]:
        for row, of_row in runs.items():
            yield f"{row.dataset}_loss", [row], draw_losses(series_of({row: of_row}), dataset_label(row.dataset),
                                                            ngrams.get(row.dataset))
        yield "word_level_flops", runs, draw_cost(series_of(runs), ngrams=of_texts(ngrams, runs))
    if runs := shown["positions"]:
        compared = {row: of_row for row, of_row in runs.items() if row not in UNREPORTED}
        yield "positions_loss", compared or runs, draw_losses(series_of(compared or runs), ngram=ngram)
        learned = positions("learned")
        counted, used = REPORTED[learned].context_2pn, protocol_setting(learned)["context"]
        yield "positions_flops", runs, draw_cost(series_of(runs),
                                                 f"with T = {counted} for {used}, as the paper counts them",
                                                 of_texts(ngrams, runs))
        yield "learning_rate", (), draw_learning_rates(results, ngram)


def draw(runs, folder, out):
    """All figures of runs whose results file is in a folder: of the synthetic corpus and of --quick runs apart."""
    set_up()
    for synthetic in (False, True):
        for quick in (False, True):
            of_kind = [run for run in runs if (dataset_of(run)[0] == SYNTHETIC) == synthetic]
            marks = f"{SYNTHETIC}_" * synthetic + "quick_" * quick
            kind = ["synthetic corpus"] * synthetic + ["quick run, a tenth of the windows"] * quick
            results = Results(of_kind, quick, folder)
            for name, rows, figure in figures_of(results):
                if figure:
                    changed = any(not results.of(row) for row in rows)
                    if titles := kind + ["settings other than the paper's"] * changed:
                        figure.suptitle(", ".join(titles), fontsize=9)
                    save(figure, out / (marks + name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path, help="runs.jsonl: one JSON object a line")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results/figures"),
                        help="folder of the figures (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        runs = [run for run in read_runs(arguments.runs) if run["epochs"]]
        if not runs:
            sys.exit(f"plot.py: {arguments.runs} has no runs to draw")
        arguments.out.mkdir(parents=True, exist_ok=True)
        draw(runs, arguments.runs.parent, arguments.out)
    except OSError as error:
        sys.exit(f"plot.py: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
