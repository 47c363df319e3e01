#!/usr/bin/env python3
"""Says of the runs of one results file whether another has the same losses, bit for bit: your runs beside the
published ones, or runs that were made again.

    scripts/compare_runs.py results/runs.jsonl [--with docs/results/runs.jsonl] [--publish]

With --publish the other file gets the runs: those that it has are replaced where they stand, others are added, and the
files of losses by window that they name are copied beside it.
"""
import argparse
import json
import pathlib
import shutil
import sys

from analysis.locked import locked
from analysis.runs import dataset_of, label, read_runs, row_of, setting_of

PUBLISHED = pathlib.Path(__file__).resolve().parent.parent / "docs" / "results" / "runs.jsonl"


def identity(run):
    """What makes a training the one that it is."""
    return row_of(run), dataset_of(run), *setting_of(run).values(), run["seed"], bool(run.get("quick"))


def losses(run):
    """By epoch, and of the test."""
    return [*([epoch.get("train_nll"), epoch["valid_nll"]] for epoch in run["epochs"]), [run.get("test_nll")]]


def difference(run, other):
    """Empty where all losses have the same bits."""
    mine, its = losses(run), losses(other)
    if len(mine) != len(its):
        return f"{len(mine) - 1} epochs, the other {len(its) - 1}"
    for place, (a, b) in enumerate(zip(mine, its), start=1):
        if a != b:
            where = f"epoch {place}" if place < len(mine) else "the test"
            numbers = [abs(x - y) for x, y in zip(sum(mine, []), sum(its, [])) if None not in (x, y)]
            return f"differs from {where} on, by {max(numbers, default=0):.2g} at most"
    return ""


def compare(runs, others):
    """Lines on all runs, and how many of those that both files have are the same and how many differ."""
    known, lines, same, differing = {identity(other): other for other in others}, [], 0, 0
    for run in runs:
        name = f"{run['study']}: {label(row_of(run))} on {run['dataset']['name']}"
        if rate := run["config"].get("learning_rate"):  # n-gram models have none
            name += f", {len(run['epochs'])} epochs, learning rate {rate:g}, seed {run['seed']}"
        other = known.get(identity(run))
        if other is None:
            lines.append(f"{name}: not in the other file")
        elif text := difference(run, other):
            differing += 1
            lines.append(f"{name}: {text}")
        else:
            same += 1
            lines.append(f"{name}: same bits")
    return lines, same, differing


def merged(runs, lines):
    """The lines of a results file with the runs in their places, and then those that it lacks. Of equal runs the last
    one counts."""
    found = {identity(json.loads(line)): line for line in lines}
    found.update((identity(run), json.dumps(run, ensure_ascii=False, separators=(",", ":"))) for run in runs)
    return list(found.values())


def publish(source, target, runs):
    for run in runs:
        if name := run.get("losses"):
            (target.parent / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / name, target.parent / name)
    with locked(target) as file:  # what a study adds meanwhile waits, and goes to the new file
        file.seek(0)
        lines = merged(runs, file.readall().decode().splitlines())
        written = target.with_name(target.name + ".new")
        written.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        written.replace(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path)
    parser.add_argument("--with", dest="other", type=pathlib.Path, default=PUBLISHED, help="(default: %(default)s)")
    parser.add_argument("--publish", action="store_true", help="write the runs into the other file")
    arguments = parser.parse_args()
    try:
        runs, others = read_runs(arguments.runs), read_runs(arguments.other)
        lines, same, differing = compare(runs, others)
        print("\n".join(lines))
        print(f"{same} with the same losses, {differing} with others, {len(runs) - same - differing} not in "
              f"{arguments.other}")
        if arguments.publish:
            publish(arguments.runs, arguments.other, runs)
    except OSError as error:
        sys.exit(f"compare_runs.py: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
