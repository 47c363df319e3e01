#!/usr/bin/env python3
"""Two ranks of one thread against one process of two, in turn: a step of the same batch, whole in the process, or in two
parts, whichever is faster there; in two parts over the ranks.

    bench/distributed/against_threads.py [--build build/release] [--rounds 9] [--models transformer,gpt,mlp]
"""
import argparse
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
from program import Failed, Program  # noqa: E402

MPIRUN = HERE.parents[1] / "tests" / "distributed" / "mpirun.sh"
STEPS = {"transformer": 8, "learned": 8, "rope": 8, "gpt2": 1}  # a turn; of the others
OTHERS = 20


def started(name, command, threads):
    os.environ["OMP_NUM_THREADS"] = str(threads)
    return Program(name, command, patience=120)


def compare(build, model, rounds):
    step = [str(build / "bench" / "distributed" / "ranks_step"), "--model", model, "--parts"]
    train = f"train {STEPS.get(model, OTHERS)}"
    with started("one process", step + ["1"], 2) as whole, started("one process, 2 parts", step + ["2"], 2) as parts, \
            started("two ranks", [str(MPIRUN), "2", *step, "2"], 1) as ranks:
        seconds = {"whole": [], "parts": [], "ranks": [], "sum": []}
        for _ in range(rounds):
            seconds["whole"].append(whole.ask(train))
            seconds["ranks"].append(ranks.ask(train))
            seconds["sum"].append(ranks.ask("sum"))
            seconds["parts"].append(parts.ask(train))
        sent = ranks.ask("bytes")
    best = min(("whole", "parts"), key=lambda its: statistics.median(seconds[its]))
    ratios = sorted(one / two for one, two in zip(seconds[best], seconds["ranks"]))
    share = statistics.median(s / step for s, step in zip(seconds["sum"], seconds["ranks"]))
    one, two = (statistics.median(seconds[its]) * 1e3 for its in (best, "ranks"))
    print(f"| {model} | {one:.1f} ({best}) | {two:.1f} | {statistics.median(ratios) * 100:.0f} % "
          f"({ratios[0] * 100:.0f}–{ratios[-1] * 100:.0f}) | {share * 100:.1f} % | {sent / 1e6:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build" / "release")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", default="transformer,gpt,mlp")
    options = parser.parse_args()
    print("| model | one process, ms | two ranks, ms | speed of two ranks | of it the exchange | MB sent |\n"
          "|---|---|---|---|---|---|", flush=True)
    for model in options.models.split(","):
        compare(options.build.resolve(), model, options.rounds)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"against_threads.py: {failure}")
