#!/usr/bin/env python3
"""Writes docs/frontier.md from the results of the study of the frontier, and draws its figures where this Python has
matplotlib: which family of models leads at which budget, by exact FLOPs and by seconds, and a law for each family.

    scripts/frontier.py [docs/results/frontier.jsonl] [--out docs/frontier.md] [--date 2026-11-29] [--draws 200]
    scripts/frontier.py [docs/results/frontier.jsonl] --law docs/results/frontier_law.json

The second writes what examples/advise stands on, instead: laws and rates, of families with scores enough.

Seconds are those of frontier_seconds.json beside the results, where it is. Of lines of one training at one budget
the last one counts. --quick lines are left out.
"""
import argparse
import datetime
import json
import os
import pathlib
import sys

from analysis.frontier_findings import findings
from analysis.frontier_laws import DRAWS, exponent_table, law_table, laws
from analysis.frontier_leads import answer_text, counting_text, leader_table, missing_text, noise_text
from analysis.frontier_lines import CHARACTERS, FAMILIES, WORDS, Frontier, read_lines, seconds_of
from analysis.frontier_tables import (best_by, blocks_of, depth_points, least_text, ngram_table, point_table,
                                      rate_table, seconds_table, sweep_table, swept, word_tables)
from analysis.text import number

FIGURES = {"frontier": "Loss against exact FLOPs of every family, its best models joined by a line",
           "frontier_seconds": "The same against seconds of training",
           "frontier_sizes": "Loss against parameters at each budget, by family",
           "frontier_sweeps": "Context and depth at equal FLOPs",
           "frontier_words": "Loss on words against exact FLOPs"}
LARGEST = 1e14  # FLOPs
METHOD = (
    "Every model is trained with AdamW (β 0.9 and 0.99, decay 0.1 of matrices and tables, no clipping): a warm-up, a "
    "constant rate, and over the last fifth of each budget a branch in which the rate falls to zero on a line, so that "
    "one training serves several budgets. Transformers, GRU and minGRU learn at every position of their windows, which "
    "begin anywhere in the text; the linear model and the MLP predict the token after a window. "
    "**Rates** and tokens a step are searched at 3e12 FLOPs and below, at two sizes of each family, trained on the "
    "first 80 % of Tiny Shakespeare and scored on the next tenth: 20 settings, of the larger size of attention, "
    "transformers, GRU and minGRU 9 or 10, where the best of the others lay. A size has the setting of the nearest searched "
    "size, at the searched budget nearest to the middle of its own, and once more at each budget that was searched the "
    "setting that was best there; the rate is multiplied by the root of the ratio of widths, and from the size on at "
    "which that rule was checked by the factor that was best there. Sizes from that one on are trained with a dropout "
    "of 0.1, too. "
    "**Scored** is the text as nanoGPT cuts it: models learn from its first nine tenths, a score is the mean loss of "
    "every token of the last tenth but the first, each predicted once by windows at a stride of half the context (by "
    "the linear model, the MLP and n-grams from a window of its own): the same targets for every model. The size of a "
    "family, with or without dropout, is the one with the lowest score itself, of up to about ten models a budget, "
    "which flatters every family by about as much as seeds differ; sweeps over context and depth, which only some "
    "families have, are compared by themselves. "
    "**Words** are of PTB and WikiText-2 as the corpora cut them, without the tokens for ends of lines that published "
    "perplexities and those of the leaderboard count, scored on the test text, with a dropout of 0.1, the "
    "two searched sizes of the three leading families, one seed, and of three rates the one that was best for the "
    "smaller size on the validation text. "
    "**Budgets** are exact FLOPs of training and optimizer, as executed; scoring has a column of its own. What n-grams "
    "add up and look up is not counted.")


def drawn(frontier, words, price, folder):
    """Draws what there is; the names of the figures."""
    try:
        from analysis import frontier_figures as figures
        from analysis.style import save, set_up
    except SystemExit:  # said already
        return {name for name in FIGURES if (folder / f"{name}.png").exists()}
    set_up()
    folder.mkdir(parents=True, exist_ok=True)
    found = {"frontier": figures.draw_frontier(frontier), "frontier_seconds": figures.draw_seconds(frontier, price),
             "frontier_sizes": figures.draw_sizes(frontier), "frontier_sweeps": figures.draw_sweeps(frontier),
             "frontier_words": figures.draw_words(words)}
    for name, figure in found.items():
        if figure:
            save(figure, folder / name)
    return {name for name, figure in found.items() if figure}


def section(title, lines, figures=()):
    """Nothing where there are no lines."""
    if not lines:
        return []
    shown = [text for name in figures for text in (f"![{FIGURES[name]}](figures/{name}.png)", "")]
    return [f"## {title}", "", *shown, "\n".join(lines).rstrip(), ""]


def told(text, lines):
    return [text, "", *lines] if lines else []


def sweep(text, points, value, name):
    """A table of a sweep and what it says; nothing where there are no points."""
    return [*told(text, sweep_table(points, value, name)), "", least_text(points, value), ""] if points else []


def spent_text(lines):
    """All that the results cost, trunks counted once."""
    chosen, training, evaluation = {}, 0.0, 0.0
    for line in lines:
        if "diverged" not in line and not line["quick"]:
            chosen.setdefault(line["key"], {})[line["budget"]] = line["flops"]
    for of_key in chosen.values():
        evaluation += sum(flops["evaluation"] for flops in of_key.values())
        # Of each budget the branch, a fifth, and of the largest the trunk, too.
        totals = [flops["total"] for flops in of_key.values()]
        training += sum(totals) / 5 + 0.8 * max(totals)
    return f"All of it has cost about {number(training)} FLOPs of training and {number(evaluation)} of scoring."


def document(lines, times, source, out, date, draws):
    frontier = Frontier(lines)
    searches = {name: Frontier(lines, name, part="selection") for name in (CHARACTERS, *WORDS)}
    words = {name: Frontier(lines, name) for name in WORDS}
    price = seconds_of(times)
    have = drawn(frontier, words, price, out.parent / "figures")

    def shown(*names):
        return [name for name in names if name in have]
    fitted = laws(frontier, draws)
    machines = sorted({f"{line.get('cpu', 'unknown machine')}, {line.get('compiler', 'unknown compiler')}, slm "
                       f"{line.get('version', '?')}" for line in frontier.all})
    context = best_by(swept(frontier, "context"), lambda point: point.model.context)
    depth = best_by(depth_points(frontier), blocks_of)
    link = os.path.relpath(source, out.parent)
    text = ["# What a small compute budget buys", "",
            f"Written by `scripts/frontier.py {source}` on {date}; do not edit by hand.", "",
            "Losses are nats per character of the last tenth of Tiny Shakespeare, of words nats per word, less is better. "
            "All families have one plain recipe; entries of the [leaderboard](leaderboard.md), each of which has a recipe "
            "of its own, can have less at equal FLOPs, by more than families lie apart here.", "",
            *(f"{said}\n" for said in (missing_text(frontier, words), noise_text(frontier), answer_text(frontier),
                                       counting_text(frontier)) if said),
            *([f"![{FIGURES['frontier']}](figures/frontier.png)", ""] if "frontier" in have else []),
            f"- Of [{source.name}]({link}) {len(frontier.all)} lines are scores of Tiny Shakespeare's last tenth; "
            f"{len(frontier.diverged)} of these diverged.",
            f"- Made by: {'; '.join(machines)}. {spent_text(lines)}",
            "- Again: `scripts/reproduce.sh frontier --out docs/results`, which makes what is missing.", ""]
    text += section("Which family leads", told(
        "The lowest loss of each family at each budget, mean of its seeds. “By” is its distance to the next family, with "
        "the seeds of that; p says how probable such a distance is by seeds alone (Welch's t with the noise of either "
        "family, after Holm for all budgets), and bold is the lowest where it is below 0.05. Bold n-grams have less than "
        "all that was trained. † is the smallest or the largest size that had the budget: another one may be better."
        + " 1e14 FLOPs are for the three families that led before." * (LARGEST in frontier.budgets()),
        leader_table(frontier)))
    text += section("By seconds", told(
        "Steps times the median of a step on an idle machine (`frontier --time`); the lowest loss that a family has "
        "within so many seconds.", seconds_table(frontier, price)), shown("frontier_seconds"))
    text += section("Which size", ["Loss over parameters: too small a model cannot learn what the budget pays for, too "
                                   "large a one has too few steps."] * ("frontier_sizes" in have),
                    shown("frontier_sizes"))
    sweeps = sweep("Windows of T tokens at equal FLOPs and equal tokens a step:", context,
                   lambda point: point.model.context, "T")
    sweeps += sweep("Blocks at equal FLOPs and about equal parameters:", depth, blocks_of, "blocks")
    text += section("Context and depth", sweeps, shown("frontier_sweeps"))
    text += section("A law for each family", told(
        "L = E + A / N^α + B / D'^β with N parameters and D' effective tokens: those of a text that is read again "
        "count less, D' = U + U R* (1 − exp(−(D / U − 1) / R*)) (Muennighoff et al. 2023). Least squares over the best "
        "model of each size at each budget, without dropout, E, A and B by variable projection; in brackets 95 % of "
        f"{draws} draws of a wild bootstrap of whole trainings. “Not known” are numbers whose term has no part in the "
        "loss, or that the search ended with at the edge of what it may try. Sizes differ in their context, too, and a "
        "linear model in nothing but that and its width: N stands for both. The last column is the part of the losses' "
        "variance that the law has. With A and B: `scripts/frontier.py --law`.", law_table(fitted)))
    text += section("Exact FLOPs beside 6ND", told(
        "Exponents over compute of the loss above E and of the parameters of the best size, where compute is exact FLOPs "
        "and where it is 6ND (N all parameters, D tokens that are predicted): at each budget by the one or the other the "
        "size with the lowest loss on lines between its own. In brackets 95 % of the bootstrap. These exponents of "
        "parameters are of what was trained, on a text that is soon read again, which counts for less than new text; the "
        "law's a is for texts that are never read again.",
        exponent_table(fitted)))
    of_words = []
    for name, lines_of_text in word_tables(words, price).items():
        said = [said for said in (answer_text(words[name]), counting_text(words[name])) if said]
        of_words += [f"**{WORDS[name]}.** {' '.join(said)}", "", *lines_of_text, ""]
    text += section("Words", of_words, shown("frontier_words"))
    text += section("n-grams", told("Scores by order; bold is a smoothing's best.", ngram_table(frontier)))
    text += section("How", [METHOD])
    text += section("The search", told(
        "The best of each search, on the text for selections: the tenth before the last, of words the validation text. "
        "At the edge are best settings beyond which none was tried: another one may be better.", rate_table(searches)))
    text += section("Every model", point_table(frontier))
    return "\n".join(text).rstrip() + "\n"


def write_law(lines, path):
    found = findings(Frontier(lines), Frontier(lines, part="selection"))
    if not found:
        sys.exit(f"frontier.py: without n-grams of {CHARACTERS} there is nothing to compare texts by")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path, nargs="?", default=pathlib.Path("docs/results/frontier.jsonl"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/frontier.md"))
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="of the page (default: today)")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--law", type=pathlib.Path, help="write the laws and rates for the advisor there, no page")
    arguments = parser.parse_args()
    if arguments.draws < 1:
        parser.error("--draws: expected 1 or more")
    try:
        lines = read_lines(arguments.results)
        if arguments.law:
            write_law(lines, arguments.law)
            return
        if not Frontier(lines).lines:
            quick = " but those of --quick, of which there is no page" if any(line["quick"] for line in lines) else ""
            sys.exit(f"frontier.py: {arguments.results} has no scores of {CHARACTERS}{quick}")
        seconds = arguments.results.parent / "frontier_seconds.json"
        times = json.loads(seconds.read_text(encoding="utf-8")) if seconds.exists() else {}
        arguments.out.write_text(document(lines, times, arguments.results, arguments.out, arguments.date,
                                          arguments.draws), encoding="utf-8")
    except OSError as error:
        sys.exit(f"frontier.py: {error.filename}: {error.strerror}")
    print(arguments.out)


if __name__ == "__main__":
    main()
