#!/usr/bin/env python3
"""Writes docs/results.md from a results file: for every row of the paper's table its figure and ours over seeds,
and for each of its claims a verdict.

    scripts/report.py [docs/results/runs.jsonl] [--out docs/results.md] [--date 2026-11-21]

Of runs that differ in nothing but the time they were made and slm's version, the last one counts. --quick runs, and
runs with settings that no section is about, are left out.
"""
import argparse
import datetime
import os
import pathlib
import sys

from analysis.budgets import all_positions, contest, executed, two_pn
from analysis.claim_tables import budget_table, claims_table, line_table
from analysis.claims import claims, questions
from analysis.ngrams import best_ngrams, name_of, nll_on
from analysis.paper import ALL_POSITIONS, CHARACTERS, MODELS, REPORTED, RUNS, STUDIES, positions, protocol_setting
from analysis.runs import Results, dataset_of, read_runs
from analysis.tables import (inside_intervals, ngram_table, rate_table, study_table, uncapped_table,
                             unreported_table)
from analysis.verdicts import NO_RUNS, verdict_lines

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
FIGURES = {  # by section, with what they show
    "tiny_shakespeare": [("architectures", "The four architectures of study 1, and the transformer of study 4"),
                         ("tiny_shakespeare_loss", "Training and validation loss of the four baselines"),
                         ("tiny_shakespeare_flops", "Test loss of the four baselines against training FLOPs")],
    "sweeps": [("sweeps", "Test loss against context, hidden width, heads and layers, and differences within seeds")],
    "word_level": [("ptb_loss", "Loss curves of PTB"), ("wikitext-2_loss", "Loss curves of WikiText-2"),
                   ("word_level_flops", "Test loss of the word-level models against training FLOPs")],
    "positions": [("positions_loss", "Loss curves of learned positions and RoPE"),
                  ("positions_flops", "Test loss of the position variants against training FLOPs")],
    "rates": [("learning_rate", "Test loss of learned positions and RoPE against the learning rate, and the "
               "difference within seeds")],
    "budgets": [("iso_flop", "Validation loss against FLOPs spent, as executed and were every position computed"),
                ("claim_1", "What the MLP loses beside models with attention on the whole texts, at the budgets that have "
                 "runs there")],
}
LEARNED = positions("learned")
COUNTED, USED = REPORTED[LEARNED].context_2pn, protocol_setting(LEARNED)["context"]
NOTES = {
    "positions": ["", f"The paper's 2PN of this study was computed with T = {COUNTED}, as its log says, although "
                  f"T = {USED} was used: with {USED} it is {USED / COUNTED:g} times as much."],
}


def section(title, lines, figures=(), folder=None):
    """With the figures that are there."""
    text = [f"## {title}", "", *(lines or [NO_RUNS]), ""]
    for name, shown in figures if lines else ():
        if folder and (folder / f"{name}.png").exists():
            text += [f"![{shown}](figures/{name}.png)", ""]
    return text


def link_to(page, out):
    """A page of docs, as the report links it."""
    return os.path.relpath(DOCS / page, out.resolve().parent)


def preamble(results, source, out, date):
    everything = [run for row in RUNS for run in results.all(row)]
    machines = sorted({", ".join((run.get("cpu") or "unknown machine", run.get("compiler") or "unknown compiler",
                                  f"slm {run.get('version', '?')}")) for run in everything})
    times = [time for row in RUNS if (time := results.time(row))]
    timed_on = " or ".join(sorted({f"{time['threads']} threads of {time['cpu']}" for time in times}))
    threads = sorted({run["threads"] for run in everything if run.get("threads")})
    data = sorted({f"{name} (checksum {checksum[:16]}…)" for name, checksum in map(dataset_of, everything)})
    link = os.path.relpath(source, out.parent)
    return [
        "# Results", "",
        f"Written by `scripts/report.py {source}` on {date}; do not edit by hand. What the figures mean for the "
        f"project stands in [notes.md]({link_to('notes.md', out)}).", "",
        f"- Runs: {len(everything)} trainings, each a line of [{source.name}]({link}); n-grams have theirs, too.",
        f"- Made by: {'; '.join(machines)}; threads: {', '.join(map(str, threads)) or 'unknown'} (they change no "
        "result).",
        f"- Data: {'; '.join(data)}.",
        "- Again: `scripts/reproduce.sh STUDY --seeds K`, with STUDY one of "
        + ", ".join(f"`{study}`" for study in STUDIES) + "; the sweep of learning rates is `positions --variant "
        "learned,RoPE --learning-rate 3e-4,1e-3,3e-3`, without the token caps it is `word_level --cap none`; more "
        "budgets for claim 1 are `tiny_shakespeare` with `--model`, `--epochs` and `--windows`.", "",
        prediction_text(results), "",
        "NLL in nats per token; n counts seeds. ± is the 95 % confidence interval of a mean over seeds (Student's t). "
        "The paper evaluates on the first windows of a text; beside its figures stand ours on the same passages. "
        "“Whole validation text” and “whole test text” are of windows spread evenly over the whole of either, on which "
        f"the claims are judged ([judging.md]({link_to('judging.md', out)})); a dash there: made before runs were "
        "evaluated on them. “In std. dev.” is the distance of the paper's figure from our mean in standard deviations "
        "of one run; “p of one more run” is how probable it is that one more seed of ours lies that far off. Exact "
        f"FLOPs are those of training and optimizer as executed (see [flops.md]({link_to('flops.md', out)})). Seconds "
        "are a whole training's with its evaluations on the paper's windows, as long as its steps take where nothing "
        "else runs"
        f"{f' ({timed_on}, medians, by `scripts/all_runs.sh --time`)' if timed_on else ''}: most runs were made beside "
        f"other work. {whole_time_text(results)}".rstrip(), ""]


def whole_time_text(results):
    """What one seed of each study takes; nothing unless all its rows were timed."""
    texts, whole = [], 0
    for study in STUDIES:
        seconds = [results.seconds(runs[0]) for row in REPORTED if row.study == study and (runs := results.of(row))]
        if not seconds or None in seconds:
            return ""
        texts.append(f"{sum(seconds):.0f} of `{study}`")
        whole += sum(seconds)
    return f"One seed of all rows of the paper's table is {whole / 60:.0f} minutes: {', '.join(texts)} (seconds)."


def prediction_text(results):
    inside, of = inside_intervals(results)
    few = len(REPORTED) - of
    return (f"**{inside} of the paper's {len(REPORTED)} figures lie inside our 95 % prediction intervals**: where one "
            "more seed of ours would lie with a probability of 95 %"
            + (f"; of {few} there are fewer than 2 seeds of ours to say so." if few else "."))


def verdict_section(found, asked, out):
    return [f"By the rule of [judging.md]({link_to('judging.md', out)}): on windows spread over the whole validation "
            "and the whole test text, each part by the larger p of both texts, where both have one direction. The five "
            f"claims are corrected for each other after Holm; a part that is shown by itself has {len(found)} times "
            "its p (“corrected”). [The last table](#the-comparisons-behind-the-verdicts) has all comparisons.", "",
            *verdict_lines(found, asked)]


def claim_lines(found, asked):
    lines = claims_table(found, asked)
    return [
        "A positive difference speaks for the claim. It is within seeds and passages, over the seeds that both sides "
        "have; ± is its 95 % interval, for other seeds and other passages alike. p is the larger of both texts, "
        f"two-sided, a dash where they disagree or runs are missing; corrected it is {len(found)} times as much, for a "
        "part that is shown by itself. Claim 1's lines have the least and the largest difference of their budgets, "
        "which the tables above have one by one; their p is the largest of all budgets or, where one speaks against "
        "the claim, the smallest of those times the number of budgets. “The paper's difference” is of two single runs "
        "on its own passage. Rows marked – are no claim, but a question that the paper's table raises.", "", *lines]


def budget_lines(rows, lines, text):
    """The tables of one price: who reaches what, and claim 1's lines."""
    table, leads = budget_table(rows)
    compared = line_table(lines)
    return table and [text, "", *table, "", f"In the lead where more than one has runs: {leads or 'nowhere'}.",
                      *(["", "Claim 1's comparisons, on the whole texts (p is not corrected):", "", *compared]
                        if compared else [])]


def budget_sections(results, lines, folder):
    """What is reached at every budget, by each of three prices."""
    factors = " and ".join(f"{factor:.4g} ({MODELS[model]})" for model, factor in ALL_POSITIONS.items() if factor > 1)
    executed_text = (
        "The lowest NLL on the paper's validation windows that a model reaches with at most so many exact FLOPs "
        "(training and optimizer, without evaluation), mean ± 95 % over the seeds that have the budget. Of each seed "
        "all trainings of the model count whose text, T, evaluation windows, batch and learning rate are the "
        "protocol's, whatever their epochs and windows an epoch; between two validations it is a straight line over "
        "log FLOPs. A dash: no training is as short. In brackets: none is as long, so that the model might be lower. "
        "Bold leads. n: seeds of the four models. The budgets are round numbers and what the protocol gives to the "
        "model that is named. What is compared is the loss on the whole texts of what this choice of epochs reaches."
        + "".join(f" {name_of(run)}, which trains nothing, has {nll_on(run, 'valid'):.3f} after {run['seconds']:.1f} s."
                  for run in best_ngrams(results, CHARACTERS)))
    positions_text = (
        "Exact FLOPs are of what was executed, and in the last block slm computes only what the prediction of the one "
        "token after the window needs. Computing every position, as the paper's program does, multiplies the FLOPs of "
        f"training by {factors}; linear model and MLP have nothing to leave out. The same runs at that price:")
    two_pn_text = "The same runs by the paper's own rule, 2 × parameters × tokens trained on:"
    return [
        *section("Claim 1 at every budget", budget_lines(contest(results, executed), lines[:2], executed_text),
                 FIGURES["budgets"], folder),
        *section("Claim 1, were every position computed",
                 budget_lines(contest(results, all_positions), lines[2:3], positions_text)),
        *section("Claim 1 by 2PN", budget_lines(contest(results, two_pn), lines[3:], two_pn_text))]


def document(results, source, out, date):
    folder = out.parent / "figures"
    found, asked = claims(results), questions(results)
    lines = preamble(results, source, out, date)
    lines += section("Verdicts", verdict_section(found, asked, out))
    for study, title in STUDIES.items():
        rows = study_table(results, study)
        lines += section(title, rows + NOTES.get(study, []) if rows else [], FIGURES[study], folder)
        if study == "word_level":
            lines += section("3b. Word level without the token caps", uncapped_table(results))
        if study == "positions":
            lines += section("4b. Learned positions and RoPE, each tuned", rate_lines(results), FIGURES["rates"],
                             folder)
            lines += section("4c. Variants that the paper does not report", unreported_table(results))
    lines += section("n-gram models", ngram_lines(results))
    lines += budget_sections(results, found[0].parts, folder)
    lines += section("The comparisons behind the verdicts", claim_lines(found, asked))
    return "\n".join(lines).rstrip() + "\n"


def ngram_lines(results):
    lines = ngram_table(results)
    return lines and ["Baselines that no claim is about: counts of the training text, smoothed after Kneser and Ney or "
                      "after Witten and Bell, on the windows that the studies evaluate on. Bold: the order with the "
                      "lowest validation NLL. The same runs stand in all tables and figures of a text, also of studies "
                      "that evaluate on fewer windows.", "", *lines]


def rate_lines(results):
    lines = rate_table(results)
    return lines and ["Bold: the rate with the lowest validation NLL (best epochs, mean over the seeds that all rates "
                      "have; a rate at which a seed diverged is out), which is the one compared under claim 3.", "",
                      *lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path, nargs="?", default=pathlib.Path("docs/results/runs.jsonl"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/results.md"))
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="of the report (default: today)")
    arguments = parser.parse_args()
    try:
        results = Results(read_runs(arguments.runs), folder=arguments.runs.parent)
        if not any(results.of(row) for row in REPORTED):
            sys.exit(f"report.py: {arguments.runs} has no run with the paper's settings")
        arguments.out.write_text(document(results, arguments.runs, arguments.out, arguments.date), encoding="utf-8")
    except OSError as error:
        sys.exit(f"report.py: {error.filename}: {error.strerror}")
    print(arguments.out)


if __name__ == "__main__":
    main()
