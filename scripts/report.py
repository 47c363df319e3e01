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

from analysis.budgets import all_positions
from analysis.claims import findings
from analysis.paper import ALL_POSITIONS, MODELS, REPORTED, RUNS, STUDIES, positions, protocol_setting
from analysis.runs import Results, dataset_of, read_runs
from analysis.seeds import SIGNIFICANT
from analysis.tables import (TIMED_THREADS, budget_table, claims_table, fastest, rate_table, study_table, uncapped_table,
                             unreported_table)
from analysis.verdicts import NO_RUNS, verdict_lines

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
FIGURES = {  # by section, with what they show
    "tiny_shakespeare": [("architectures", "The four architectures, with the sizes of study 1"),
                         ("tiny_shakespeare_loss", "Training and validation loss of the four baselines"),
                         ("tiny_shakespeare_flops", "Test loss of the four baselines against training FLOPs")],
    "sweeps": [("sweeps", "Test loss against context, hidden width, heads and layers")],
    "word_level": [("ptb_loss", "Loss curves of PTB"), ("wikitext-2_loss", "Loss curves of WikiText-2"),
                   ("word_level_flops", "Test loss of the word-level models against training FLOPs")],
    "positions": [("positions_loss", "Loss curves of learned positions and RoPE"),
                  ("positions_flops", "Test loss of the position variants against training FLOPs")],
    "rates": [("learning_rate", "Test loss of learned positions and RoPE against the learning rate")],
    "budgets": [("iso_flop", "Validation loss against exact FLOPs spent")],
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


def preamble(results, source, out, date):
    notes, flops = (os.path.relpath(DOCS / name, out.resolve().parent) for name in ("notes.md", "flops.md"))
    everything = [run for row in RUNS for run in results.all(row)]
    machines = sorted({", ".join((run.get("cpu") or "unknown machine", run.get("compiler") or "unknown compiler",
                                  f"slm {run.get('version', '?')}")) for run in everything})
    timed = filter(None, (fastest(results.of(row)) for row in RUNS))
    timed_on = " or ".join(sorted({run.get("cpu") or "unknown machine" for run in timed}))
    threads = sorted({run["threads"] for run in everything if run.get("threads")})
    data = sorted({f"{name} (checksum {checksum[:16]}…)" for name, checksum in map(dataset_of, everything)})
    link = os.path.relpath(source, out.parent)
    return [
        "# Results", "",
        f"Written by `scripts/report.py {source}` on {date}; do not edit by hand. What the figures mean for the "
        f"project stands in [notes.md]({notes}).", "",
        f"- Runs: {len(everything)}, each a line of [{source.name}]({link}).",
        f"- Made by: {'; '.join(machines)}; threads: {', '.join(map(str, threads)) or 'unknown'} (they change no result).",
        f"- Data: {'; '.join(data)}.",
        "- Again: `scripts/reproduce.sh STUDY --seeds K`, with STUDY one of "
        + ", ".join(f"`{study}`" for study in STUDIES) + "; the sweep of learning rates is `positions --variant "
        "learned,RoPE --learning-rate 3e-4,1e-3,3e-3`, without the token caps it is `word_level --cap none`; more budgets "
        "for claim 1 are `tiny_shakespeare` with `--model`, `--epochs` and `--windows`.", "",
        "NLL in nats per token. ± is the 95 % confidence interval of a mean over seeds (Student's t). “In "
        "std. dev.” is the distance of the paper's figure from our mean in standard deviations of one run; “p "
        "of one more run” is how probable it is that one more seed of ours lies that far off. Exact FLOPs are "
        f"those of training and optimizer as executed (see [flops.md]({flops})). Seconds are of whole runs "
        f"with their evaluations, of the fastest seed that was made with {TIMED_THREADS} threads"
        f"{f' ({timed_on})' if timed_on else ''}: other runs shared the machine with other work.", ""]


def verdict_section(found, leads):
    """`leads`: who is in the lead at which budget, were every position computed."""
    asides = {"1": [f"were every position computed, as in the paper's program, these would lead: {leads} "
                    "([table](#claim-1-were-every-position-computed))"] if leads else []}
    return ["Each comparison holds, does not hold, or is not distinguishable; [the last table]"
            "(#the-comparisons-behind-the-verdicts) says how that is tested. Claims 1, 4 and 5 hold if all their "
            "comparisons do, and do not hold if any does not; those of claim 1 are at equal budgets. Claim 2 holds if "
            "any of its comparisons does, and does not hold if all do not. Claim 3 is judged with each variant at its "
            "own best learning rate, and by the paper's rate as long as those runs are missing. Otherwise a claim is "
            "not distinguishable, also where a comparison lacks its runs.", "", *verdict_lines(found, asides)]


def claim_lines(found):
    lines = claims_table(found)
    return lines and [
        "A positive difference speaks for the claim. Runs of one seed draw the same training windows, so that models "
        "do not vary independently of each other: each comparison is of the differences within seeds, over the seeds "
        "that both have, by Student's paired t test (claim 5: of the differences within runs). p is two-sided; Holm's "
        "correction is over all rows that have a verdict, and “holds” and “does not hold” need a corrected p below "
        f"{SIGNIFICANT}. Where the FLOPs are not equal, a lower loss is no evidence for claim 1, and the row has no "
        "verdict. g is the mean difference in standard deviations of the differences, with Hedges' correction for "
        "few seeds. “Within chance”: if there were no difference on average, that of one seed would be larger than "
        "the paper's in over 5 % of cases. “Not asked”: the paper has no such runs. Rows marked – are no claim, but a "
        "question that the paper's table raises.", "", *lines]


def with_leads(lines, leads):
    """What `budget_table` gives, below a text."""
    return ["", *lines, "", f"In the lead where more than one has runs: {leads or 'nowhere'}."]


def budget_lines(lines, leads):
    return lines and [
        "The lowest validation NLL that a model reaches with at most so many exact FLOPs (training and optimizer, "
        "without evaluation), mean ± 95 % over the seeds that have the budget. Of each seed all trainings of the model "
        "count whose text, T, evaluation windows, batch and learning rate are the protocol's, whatever their epochs "
        "and windows an epoch; between two validations it is a straight line over log FLOPs. A dash: no training is "
        "as short. In brackets: none is as long, so that the model might be lower. Bold leads. The budgets are round "
        "numbers and what the protocol gives to the model that is named. The last columns compare the MLP with "
        "self-attention or transformer, whichever has the lower mean there, within the seeds that both have, where "
        "the MLP and one of the two were trained for as long; their p is not corrected.",
        *with_leads(lines, leads)]


def all_positions_lines(lines, leads):
    factors = " and ".join(f"{factor:.3g} ({MODELS[model]})" for model, factor in ALL_POSITIONS.items() if factor > 1)
    return lines and [
        "Exact FLOPs are of what was executed, and in the last block slm computes only what the prediction of the one "
        "token after the window needs. Computing every position, as the paper's program does, multiplies the FLOPs of "
        f"training by {factors}; linear model and MLP have nothing to leave out. The same runs at that price:",
        *with_leads(lines, leads)]


def document(results, source, out, date):
    folder = out.parent / "figures"
    found = findings(results)
    budgets, at_all_positions = budget_table(results), budget_table(all_positions(results))
    lines = preamble(results, source, out, date)
    lines += section("Verdicts", verdict_section(found, at_all_positions[1]))
    for study, title in STUDIES.items():
        rows = study_table(results, study)
        lines += section(title, rows + NOTES.get(study, []) if rows else [], FIGURES[study], folder)
        if study == "word_level":
            lines += section("3b. Word level without the token caps", uncapped_table(results))
        if study == "positions":
            lines += section("4b. Learned positions and RoPE, each tuned", rate_lines(results), FIGURES["rates"],
                             folder)
            lines += section("4c. Variants that the paper does not report", unreported_table(results))
    lines += section("Claim 1 at every budget", budget_lines(*budgets), FIGURES["budgets"], folder)
    lines += section("Claim 1, were every position computed", all_positions_lines(*at_all_positions))
    lines += section("The comparisons behind the verdicts", claim_lines(found))
    return "\n".join(lines).rstrip() + "\n"


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
        results = Results(read_runs(arguments.runs))
        if not any(results.of(row) for row in REPORTED):
            sys.exit(f"report.py: {arguments.runs} has no run with the paper's settings")
        arguments.out.write_text(document(results, arguments.runs, arguments.out, arguments.date), encoding="utf-8")
    except OSError as error:
        sys.exit(f"report.py: {error.filename}: {error.strerror}")
    print(arguments.out)


if __name__ == "__main__":
    main()
