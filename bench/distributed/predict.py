#!/usr/bin/env python3
"""What model.py says of 1 to 1,024 machines like this one: the study's transformer in parts of 8 windows, and GPT-2's
smallest (Radford et al. 2019) in parts of one. Computing is measured here with all cores, and so is what a byte costs
beside the network, between two ranks; the network is a parameter.

    bench/distributed/predict.py [--build build/release]
"""
import argparse
import os
import pathlib
import sys

import model
import network
from program import Failed

NETWORKS = [model.Network("1 Gbit/s, 0.1 ms", 1e9, 1e-4), model.Network("10 Gbit/s, 0.05 ms", 1e10, 5e-5),
            model.Network("100 Gbit/s, 0.01 ms", 1e11, 1e-5)]
RANKS = [2 ** i for i in range(1, 11)]
# Name, windows of a part, windows of a million tokens, and how ranks_step makes a part of it.
MODELS = [("The study's transformer", 8, 8192, "transformer", ["--batch", "8"], 20),
          ("GPT-2, 124 million parameters", 1, 1024, "gpt2", ["--batch", "1", "--context", "1024", "--tied", "1"], 2)]


def rounded(seconds):
    return f"{seconds:.3g}"


def predict(name, windows, batch, machine, size):
    print(f"\n{name}: a part of {windows} windows {rounded(machine.part)} s, update {rounded(machine.update)} s, sums of "
          f"{size / 1e6:.1f} MB\n")
    print("| machines | " + " | ".join(f"{its.name}: smallest batch" for its in NETWORKS) + " | "
          + " | ".join(f"{its.name}: speed-up at {batch}" for its in NETWORKS) + " |")
    print("|---" * (1 + 2 * len(NETWORKS)) + "|")
    parts = batch // windows
    alone = model.step_seconds(1, parts, size, machine, NETWORKS[0])
    for ranks in RANKS:
        smallest = [f"{windows * model.smallest_batch(ranks, size, machine, its):,}" for its in NETWORKS]
        speed = [f"{alone / model.step_seconds(ranks, parts, size, machine, its):.1f}" if ranks <= parts else "–"
                 for its in NETWORKS]
        print(f"| {ranks:,} | " + " | ".join(smallest + speed) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=network.HERE.parents[1] / "build" / "release")
    build = parser.parse_args().build.resolve()
    os.environ["OMP_NUM_THREADS"] = "1"
    both = network.machines(build, list(network.STEPS))["transformer"][0]
    os.environ["OMP_NUM_THREADS"] = str(os.cpu_count())
    for name, windows, batch, shape, options, steps in MODELS:
        with network.ranks_step(build, shape, None, *options) as alone:
            alone.ask(f"train {steps}")
            machine = model.Machine(alone.ask("part"), alone.ask("update"), both.message, both.byte)
            size = alone.ask("message")
        predict(name, windows, batch, machine, size)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"predict.py: {failure}")
