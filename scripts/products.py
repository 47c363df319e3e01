#!/usr/bin/env python3
"""Losses of trainings with products of bfloat16 beside those of the same seeds at full precision, as a table:

    scripts/products.py [--runs docs/results/runs.jsonl] [--rounded docs/results/bfloat16.jsonl]
                        [--leaderboard docs/results/leaderboard.jsonl]

Those of study 1 come from `tiny_shakespeare --products bfloat16 --seeds 5 --eval-windows 2000`: the losses are those of
the last epoch's steps. Those of the GPT come from `nanogpt_cpu --seeds 5 --set products=bfloat16`: of the last tenth of
its steps, and its score.
"""
import argparse
import pathlib

from analysis.leaderboard_lines import read_lines, settings_of
from analysis.runs import has_diverged, label, read_runs, row_of, setting_of
from analysis.seeds import Sample, within_seeds
from analysis.tables import table

RESULTS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "results"
NOT_OF_STEPS = ("evaluation_windows", "products")


def of_steps(run):
    return row_of(run), *[value for name, value in setting_of(run).items() if name not in NOT_OF_STEPS]


def study_rows(runs, rounded):
    """By model the losses by seed, at full precision and rounded."""
    full = {}
    for run in runs:
        if not has_diverged(run) and not run.get("quick") and "products" not in run["config"]:
            full.setdefault(of_steps(run), {})[run["seed"]] = run["epochs"][-1]["train_nll"]
    found = {}
    for run in rounded:
        if not has_diverged(run) and not run.get("quick") and run["config"].get("products") == "bfloat16":
            name = label(row_of(run)) + f", {len(run['epochs'])} epochs"
            its = found.setdefault(name, (full.get(of_steps(run), {}), {}))
            its[1][run["seed"]] = run["epochs"][-1]["train_nll"]
    return found


def board_rows(lines):
    """The same of an entry of the leaderboard, of its steps and of its score."""
    found = {}
    for line in lines:
        if line["target"] != "board" or line["quick"] or "diverged" in line:
            continue
        setting = settings_of(line)
        place = {"full": 0, "bfloat16": 1}[setting.pop("products")]
        its = found.setdefault((line["entry"], repr(sorted(setting.items()))), [({}, {}), ({}, {})])
        its[0][place][line["seed"]], its[1][place][line["seed"]] = line["train_nll"], line["nll"]
    named = {}
    for (entry, _), (steps, score) in found.items():
        if steps[1]:
            named[f"`{entry}`"], named[f"`{entry}`, its score"] = steps, score
    return named


def rows(found):
    body = []
    for name, (full, rounded) in found.items():
        difference = Sample(within_seeds(rounded, full).values())
        at_full, at_rounded = (Sample([losses[seed] for seed in full.keys() & rounded.keys()]) for losses in (full, rounded))
        body.append([name, str(difference.n), f"{at_full.mean:.4f} ± {at_full.deviation:.4f}",
                     f"{at_rounded.mean:.4f} ± {at_rounded.deviation:.4f}",
                     f"{difference.mean:+.4f} ± {difference.half_width():.4f}",
                     "yes" if abs(difference.mean) <= at_full.deviation else "no"])
    return body


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=pathlib.Path, default=RESULTS / "runs.jsonl")
    parser.add_argument("--rounded", type=pathlib.Path, default=RESULTS / "bfloat16.jsonl")
    parser.add_argument("--leaderboard", type=pathlib.Path, default=RESULTS / "leaderboard.jsonl")
    arguments = parser.parse_args()
    found = study_rows(read_runs(arguments.runs), read_runs(arguments.rounded)) | board_rows(
        read_lines(arguments.leaderboard))
    print("\n".join(table(["training", "seeds", "full, ± a standard deviation", "bfloat16", "difference by seed, 95 %",
                           "within the spread"], rows(found))))


if __name__ == "__main__":
    main()
