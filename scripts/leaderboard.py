#!/usr/bin/env python3
"""Writes docs/leaderboard.md from docs/results/leaderboard.jsonl: the rules, the table of entries, and what helped.

    scripts/leaderboard.py [RESULTS] [--out PAGE] [--date DAY]
"""
import argparse
import datetime
import json
import math
import os
import pathlib
import sys
from typing import NamedTuple

from analysis.leaderboard_lines import read_lines, rows, tried, tuning_flops
from analysis.paper import REPORTED, baseline
from analysis.seeds import SIGNIFICANT, Sample, holm, within_seeds
from analysis.text import mean_text, number, p_text, signed, table

ENTRIES = pathlib.Path(__file__).resolve().parent.parent / "examples" / "leaderboard"
NANOGPT_CPU, NANOGPT_GPU = 1.88, 1.4697
NANOGPT_GPU_CONTEXT = 256
PAPER = REPORTED[baseline("transformer")].test_nll
NANOGPT_CPU_ENTRY = "nanogpt_cpu"
NANOGPT_CPU_FLOPS, NANOGPT_GPU_FLOPS, PAPER_FLOPS = 8.0e12, 2e15, 7e13
FEWEST_SEEDS = 3

RULES = (
    "**Text.** Tiny Shakespeare as nanoGPT cuts it: train, newline, valid, newline, test; the first nine tenths are "
    "for training, the last is scored. Most of that last tenth goes on with a play that the first nine have begun.",
    "**Score.** Nats per character, mean over every character of the last tenth but the first, each scored once from "
    "characters before it only. How far back a model looks is its own affair, but it begins with the tenth: the training text is not read in front "
    "of it. Weights are static: nothing is learned "
    "from what is scored.",
    "**FLOPs.** All of training and optimizer, exactly as executed: a multiply-add is two, a root or an exponential "
    "one. Numbers read from tables by tokens (look-ups) and n-grams counted are no FLOPs and have columns of their "
    "own. Nothing trained before is loaded. Scoring is counted apart.",
    "**Tuning** is on another text: trained on the first eight tenths, scored on the ninth (`--target selection`; of "
    "words `ptb-selection` and `wikitext-2-selection`, scored on the validation text). What it cost is told at the end "
    "of this page; nothing is chosen by a score of the last tenth or of a test text, the rate of a dynamic evaluation "
    "neither.",
    "**Seeds.** Three at least, 1, 2 and 3, which draw windows and weights; the mean with its 95 % confidence interval. "
    "What is only counted draws nothing and needs none.",
    "**Divisions.** Plain: a table is read by one token each. Look-ups: also by several at once. Mixed: also with "
    "counts of n-grams of the training text, in its probabilities, in what it reads or in its first weights. Entries on "
    "words say which in their files.",
    "**To enter**, add a file to `examples/leaderboard/` like those that are there. A model of one's own is a template "
    "of the scalar type as in docs/extending.md, made from a config and a `RandomArgument`; its config names it as "
    "`template <Scalar Real> using Model = …;` and has `context`, `vocabulary` and `fields`; its file includes "
    "`board/trained_entrant.hpp`. Fields whose names end "
    "in `dropout` are switched off for scoring, parameters with `tables`, `embedding` or `positions` in their names are "
    "updated with the rate of tables. Tune it with `scripts/leaderboard.sh --record NAME --target selection --set "
    "SETTING=VALUE`, which keeps what was tried (the settings are the fields of the config and of the recipe in "
    "`board/entry.hpp`; one that is unknown is answered with all their names); run `scripts/leaderboard.sh --record "
    "NAME` and, with nothing else running, `scripts/leaderboard.sh --record NAME --time`; and send the file with the "
    "lines that this adds to `docs/results/leaderboard.jsonl`. A training is known by its settings, not by its code: "
    "after a change of the code, delete its lines. `scripts/leaderboard.sh NAME` is how an entry is checked: it counts "
    "and trains anew. A model whose predictions change with what comes after them is refused.",
)
# Of each text of words: its name, and perplexities that are published of its test text.
AWD_LSTM = "AWD-LSTM (Merity et al. 2018, arXiv 1708.02182)"
WORDS = {"ptb": ("PTB", (("the small LSTM of TensorFlow's tutorial (after Zaremba et al. 2014, arXiv 1409.2329)", 115.9),
                         ("a tied LSTM of 2 x 512", 76.1), (AWD_LSTM, 57.3))),
         "wikitext-2": ("WikiText-2", ((AWD_LSTM, 65.8),))}
DIVISIONS = {"plain": "Plain", "lookups": "With look-ups", "mixed": "Mixed with n-grams"}


def seconds_text(row, times):
    if not row.flops:
        return f"{row.most('seconds'):.1f}"  # of counting
    steps = [line["steps"] * times[line["key"]]["step"] for line in row.lines if line["key"] in times]
    return f"{max(steps):.0f}" if steps else "not measured yet"


class Threshold(NamedTuple):
    """A loss of nanoGPT's."""
    loss: float   # by its own estimate
    flops: float
    score: float  # that of this board which stands for it


def thresholds(cpu):
    """The easier one first: the estimate of nanoGPT's configuration for CPUs is the score that `cpu`, its entry, has
    here, where it is trained."""
    return (Threshold(NANOGPT_CPU, NANOGPT_CPU_FLOPS, cpu.nll.mean if cpu else NANOGPT_CPU),
            Threshold(NANOGPT_GPU, NANOGPT_GPU_FLOPS, NANOGPT_GPU))


def has_seeds(row):
    """Whether it has as many as the rules ask; counting draws nothing."""
    return not row.flops or row.nll.n >= FEWEST_SEEDS


def reaches(row, threshold):
    """With its whole interval; the configuration that the threshold is of does so by itself."""
    most = row.nll.mean + (row.nll.half_width() if row.flops and row.entry != NANOGPT_CPU_ENTRY else 0)
    return has_seeds(row) and most <= threshold.score


def ratio_text(row, threshold):
    """How many times less it spent than nanoGPT's program, to two digits."""
    if not row.flops:
        return "counted"
    ratio = threshold.flops / row.flops
    if ratio < 1:
        return f"{1 / ratio:.2g} times as many"
    return f"1/{round(ratio, min(0, 1 - math.floor(math.log10(ratio)))):,.0f}"


def hardest(row, known):
    """The lowest threshold that it reaches."""
    return next((threshold for threshold in reversed(known) if reaches(row, threshold)), None)


def record_table(entries, known):
    """For each of nanoGPT's losses the fewest FLOPs with which a division reaches it, or how near it came."""
    body = []
    for threshold in known:
        cells = [f"{threshold.loss}, {number(threshold.flops, 0)} FLOPs"]
        for division in DIVISIONS:
            its = [row for row in entries if row.division == division and has_seeds(row)]
            there = [row for row in its if reaches(row, threshold)]
            if there:
                row = min(there, key=lambda row: row.flops)
                cells.append(f"{number(row.flops)}, {ratio_text(row, threshold)} (`{row.entry}`)")
            elif its:
                row = min(its, key=lambda row: row.nll.mean)
                cells.append(f"not yet: {mean_text(row.nll)} at {number(row.flops)} (`{row.entry}`)")
            else:
                cells.append("–")
        body.append(cells)
    return table(["nanoGPT's", *(title.lower() for title in DIVISIONS.values())], body)


def strict_text(entries, threshold):
    """Who would reach the threshold if the two scores of its model differed as those of an entry with shorter windows
    do, by less as its own are longer."""
    there = [row for row in entries if reaches(row, threshold) and nll_of_windows(row) is not None]
    plain = [row for row in there if row.division == "plain"]
    if not plain:
        return ""
    model = min(plain, key=lambda row: row.flops)
    context = model.lines[0]["config"]["context"]
    difference = model.nll.mean - nll_of_windows(model)
    strict = threshold._replace(score=threshold.score + difference * context / NANOGPT_GPU_CONTEXT)

    def names(rows_of_those):
        return ", ".join(f"`{row.entry}`" for row in rows_of_those) or "none"
    return (f"If the difference falls with the length of windows, which is assumed and not measured, from "
            f"{signed(difference)} of `{model.entry}` with {context} to {signed(strict.score - threshold.score)} with "
            f"{NANOGPT_GPU_CONTEXT}, {strict.score:.4f} would stand for it: of "
            f"the entries that reach {threshold.loss}, those that reach this, too: by their mean "
            f"{names(row for row in there if row.nll.mean <= strict.score)}, with their whole interval "
            f"{names(row for row in there if reaches(row, strict))}.")


def entry_table(found, times, known):
    body = []
    for row in sorted(found, key=lambda row: row.flops):
        there = hardest(row, known)
        body.append([
            f"[`{row.entry}`](../examples/leaderboard/{row.entry}.cpp)",
            loss_text(row), number(row.flops), number(row.most("lookups")),
            number(row.most("counted")) if row.most("counted") else "–",
            f"{row.most('parameters'):,}", number(max(line["flops"]["scoring"] for line in row.lines)),
            seconds_text(row, times), f"{there.loss}" if there else "–", ratio_text(row, there) if there else "–",
            f"`scripts/leaderboard.sh {row.entry}`"])
    return table(["entry", "nats per character", "FLOPs", "look-ups", "counted", "parameters", "scoring FLOPs",
                  "seconds on 2 cores", "reaches", "of nanoGPT's FLOPs", "again"], body)


def paper_table(found):
    return table(["entry", "test loss on the paper's windows", "FLOPs"],
                 [[f"`{row.entry}`", mean_text(row.nll), number(row.flops)]
                  for row in sorted(found, key=lambda row: row.flops)])


def word_table(found, published, times):
    """Entries on a text of words, and what is published of it."""
    body = [[f"[`{row.entry}`](../examples/leaderboard/{row.entry}.cpp)", loss_text(row),
             f"{math.exp(row.nll.mean):.1f}", dynamic_text(row.dynamic_nll), number(row.flops),
             f"{row.most('parameters'):,}", seconds_text(row, times), f"`scripts/leaderboard.sh {row.entry}`"]
            for row in sorted(found, key=lambda row: row.flops)]
    body += [[name, f"{math.log(perplexity):.4f}", f"{perplexity}", *["–"] * 5] for name, perplexity in published]
    return table(["entry", "nats per token", "perplexity", "by dynamic evaluation", "FLOPs", "parameters",
                  "seconds on 2 cores", "again"], body)


def loss_text(row):
    """With the seeds where they are not as many as the rules ask; where n-grams are counted none makes a difference."""
    seeds = (f" ({row.nll.n} of {FEWEST_SEEDS} seeds)" if not has_seeds(row) else
             f" ({row.nll.n} seeds)" if row.nll.n > FEWEST_SEEDS else "")
    return f"**{mean_text(row.nll)}**{seeds}"


def dynamic_text(nll):
    return f"{mean_text(nll)}, {math.exp(nll.mean):.1f}" if nll else "–"


def word_sections(lines, times):
    text = []
    for target, (title, published) in WORDS.items():
        found = [row for (_, change), row in rows(lines, target).items() if not change]
        if found:
            text += [f"**{title}**", "", *word_table(found, published, times), ""]
    return text and ["## Words", "", "The whole training text, and the whole test text scored, with a token at the end of "
                     "each line, as perplexities are published; the validation text is for tuning. Dynamic evaluation "
                     "goes on learning from what was scored, and is no score of static weights. A step of a training makes the "
                     "logits of the most frequent words (`frequent`), of its own targets and of others that it draws "
                     "(`rare`; Jean et al. 2015, arXiv 1412.2007); a score is of all.", "", *text]


def nll_of_windows(row):
    """In the mean; nothing of the paper's windows."""
    found = [line["nll_of_windows"] for line in row.lines if "nll_of_windows" in line]
    return sum(found) / len(found) if found else None


def both_scores(row):
    if row is None:
        return "not trained yet"
    return f"{nll_of_windows(row):.4f}, {row.nll.mean:.4f} ({signed(row.nll.mean - nll_of_windows(row))})"


def estimate_table(found):
    body = []
    for row in sorted(found, key=lambda row: row.flops):
        mean = nll_of_windows(row)
        if mean is not None:
            body.append([f"`{row.entry}`", f"{row.lines[0]['config']['context']}", f"{row.nll.mean:.4f}", f"{mean:.4f}",
                         signed(row.nll.mean - mean)])
    return table(["entry", "T", "score of this board", "windows of T side by side", "difference"], body)


def change_table(found, entry):
    """Each change beside the entry as it is, by the seeds that both have."""
    def by_seed(row):
        return {line["seed"]: line["nll"] for line in row.lines}

    compared = []
    for (name, change), row in found.items():
        gains = within_seeds(by_seed(row), by_seed(found[entry, ""])) if name == entry and change else {}
        if gains:
            compared.append((Sample(gains.values()), change, row))
    tested = {change: gain.p_of_zero() for gain, change, _ in compared if gain.n > 1}
    corrected = dict(zip(tested, holm(list(tested.values()))))
    body = []
    for gain, change, row in sorted(compared, key=lambda one: one[0].mean):
        p = corrected.get(change, math.nan)
        body.append([change, mean_text(row.nll), mean_text(gain, show=signed), str(gain.n), p_text(p), verdict(gain, p)])
    return table(["change", "nats per character", "difference", "seeds", "p", ""], body)


def verdict(gain, p):
    if gain.n < 2:
        return "one seed"
    if p >= SIGNIFICANT:
        return f"{direction(gain)}, uncorrected" if abs(gain.mean) > gain.half_width() else "not distinguishable"
    return direction(gain)


def direction(gain):
    return "helps" if gain.mean < 0 else "hurts"


def tried_table(found):
    return table(["entry", "with", "nats per token", "by dynamic evaluation", "seeds", "FLOPs"],
                 [[f"`{row.entry}`", f"`{row.change}`" if row.change else "as it is", f"{row.nll.mean:.4f}",
                   f"{row.dynamic_nll.mean:.4f}" if row.dynamic_nll else "–", str(row.nll.n), number(row.flops)]
                  for row in sorted(found, key=lambda row: (row.entry, row.nll.mean))])


def document(lines, times, programs, source, out, date):
    board, selection, paper = rows(lines, "board"), rows(lines, "selection"), rows(lines, "paper")
    entries = [row for (_, change), row in board.items() if not change]
    cpu = board.get((NANOGPT_CPU_ENTRY, ""))
    known = thresholds(cpu)
    machines = sorted({f"{line.get('cpu', 'unknown machine')}, {line.get('compiler', 'unknown compiler')}, slm "
                       f"{line.get('version', '?')}" for line in lines})
    link = os.path.relpath(source, out.parent)
    text = ["# The leaderboard", "", f"Written by `scripts/leaderboard.py {source}` on {date}; do not edit by hand.",
            "", "What a character of Tiny Shakespeare costs to predict: the loss of entries that anyone can send, beside "
            "the exact FLOPs of making them.", ""]
    text += [*table(["nanoGPT", "loss, by its own estimate", "FLOPs as executed",
                     "trained here: by its estimate, by this board's score"],
                    [["its configuration for CPUs", str(NANOGPT_CPU), number(NANOGPT_CPU_FLOPS, 1),
                      both_scores(cpu)],
                     ["its configuration for a GPU, at its best step", str(NANOGPT_GPU),
                      f"about {number(NANOGPT_GPU_FLOPS, 0)}", "not trained: too large for one machine"]]), ""]
    text += ["The fewest FLOPs with which an entry reaches them, its mean and the whole interval of three seeds or more:",
             "", *record_table(entries, known), "",
             f"{NANOGPT_CPU} counts as reached at the score that the same configuration has on this board, "
             f"{known[0].score:.4f}: the two scores differ ([below](#two-scores)). What the other model would have on this "
             "board nobody knows; the difference is smaller where windows are longer, and its are four times as long, so "
             f"that {NANOGPT_GPU} stands as it is. {strict_text(entries, known[-1])}".rstrip(), ""]
    for division, title in DIVISIONS.items():
        of_division = [row for row in entries if row.division == division]
        if of_division:
            text += [f"## {title}", "", *entry_table(of_division, times, known), ""]
    of_words = {entry for target in WORDS for entry, _ in rows(lines, target)}
    waiting = sorted(set(programs) - {row.entry for row in entries} - of_words)
    if waiting:
        text += ["Not trained yet: " + ", ".join(f"`{entry}`" for entry in waiting) + ".", ""]
    text += ["“Of nanoGPT's FLOPs” compares with its program at the loss that is reached. Made by: "
             f"{'; '.join(machines)}. All trainings: [{source.name}]({link}).", ""]
    text += ["## Rules", ""] + [f"- {rule}" for rule in RULES] + [""]
    text += ["## Two scores", "", "nanoGPT estimates its loss on windows of its block size that begin anywhere: the "
             "first characters of a window are predicted from few before them. This board's score gives each character at "
             "least half of the model's window, and lets an entry choose the window. Beside each other, for the same "
             "weights:", "", *estimate_table(entries), ""]
    if paper:
        text += ["## The paper's windows", "", f"The paper's transformer has {PAPER} after about "
                 f"{number(PAPER_FLOPS, 0)} FLOPs as its program executes them; trained on the study's training text "
                 "and scored on its 10,000 test windows of 128:", "", *paper_table([
                     row for (_, change), row in paper.items() if not change]), ""]
    text += word_sections(lines, times)
    changed = sorted({entry for entry, change in selection if change and (entry, "") in selection})
    if changed:
        text += ["## What pays", "", "One change at a time, on the text for selections, by the same seeds; ± is "
                 "the 95 % confidence interval of the differences by seed, p is corrected after Holm for all changes of an "
                 "entry. “Helps” and “hurts” hold for all of them together; “uncorrected” only as if this "
                 "were the one change that was tried. The budget is that of the entry, so that what "
                 "costs more gets fewer steps.", ""]
        for entry in changed:
            base = selection[entry, ""]
            text += [f"**`{entry}`**, {number(base.flops)} FLOPs: {mean_text(base.nll)}", "",
                     *change_table(selection, entry), ""]
    count, spent = tuning_flops(lines)
    others = list(tried(lines).values())
    if others:
        text += ["## Tuning", "", f"{count} trainings on texts for selections, of {number(spent)} FLOPs in all, those "
                 "above among them. What else was tried, by what differs from the entry as it is now:", "",
                 *tried_table(others), ""]
    return "\n".join(text).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path, nargs="?", default=pathlib.Path("docs/results/leaderboard.jsonl"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/leaderboard.md"))
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="of the page (default: today)")
    arguments = parser.parse_args()
    try:
        lines = read_lines(arguments.results)
        seconds = arguments.results.parent / "leaderboard_seconds.json"
        try:
            times = json.loads(seconds.read_text(encoding="utf-8")) if seconds.exists() else {}
        except ValueError as error:
            sys.exit(f"leaderboard.py: {seconds}: {error}")
        programs = [path.stem for path in ENTRIES.glob("*.cpp")]
        arguments.out.write_text(document(lines, times, programs, arguments.results, arguments.out,
                                          arguments.date),
                                 encoding="utf-8")
    except OSError as error:
        sys.exit(f"leaderboard.py: {error.filename}: {error.strerror}")
    print(arguments.out)


if __name__ == "__main__":
    main()
