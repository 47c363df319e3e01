#!/usr/bin/env python3
"""Says which benchmarks became slower or faster beyond noise.

    scripts/bench/compare.py OLD NEW

OLD and NEW are JSON files of one program, or folders of them. A change counts when the medians over repetitions
differ by 5 % and by four times the spread of both runs' repetitions, twice: in plain time, and in time by the clock
of a core that was measured beside each repetition. A machine that is slower today makes everything slower in the
first way, what waits for memory perhaps not by as much as the clock.
"""
import argparse
import collections
import math
import pathlib
import statistics

from results import read_all

LEAST_CHANGE = 0.05
SPREADS = 4
LEAST_REPETITIONS = 3
CLOCK = "core FLOP/s"

Change = collections.namedtuple("Change", "name ratio noise")


def spread(values):
    """Standard deviation by the median's measure, from the distance of the quartiles of normal numbers, so that one
    disturbed repetition does not count."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 1.349 / median


def ratio_and_noise(old, new):
    noise = SPREADS * math.hypot(spread(old), spread(new))
    return statistics.median(new) / statistics.median(old), max(noise, LEAST_CHANGE)


def in_clock(entry):
    """Times in what a core could compute meanwhile; None where the clock was not measured."""
    clock = entry.all(CLOCK)
    return [time * speed for time, speed in zip(entry.times, clock)] if len(clock) == len(entry.times) else None


def compare_entries(name, old, new):
    """The change of one benchmark, None where there is none beyond noise."""
    measures = [(old.times, new.times)]
    clocked = in_clock(old), in_clock(new)
    if all(clocked):
        measures.append(clocked)
    found = [ratio_and_noise(*measure) for measure in measures]
    slower = all(ratio > 1 + noise for ratio, noise in found)
    faster = all(ratio < 1 / (1 + noise) for ratio, noise in found)
    if not slower and not faster:
        return None
    ratio, noise = min(found, key=lambda measure: abs(math.log(measure[0])))
    return Change(name, ratio, noise)


def compare(old, new):
    """Changes of all benchmarks that both results have, and the names of those with too few repetitions."""
    changes, too_few = [], []
    for name, entry in new.entries.items():
        before = old.entries.get(name)
        if before is None:
            continue
        if min(len(before.times), len(entry.times)) < LEAST_REPETITIONS:
            too_few.append(name)
            continue
        change = compare_entries(name, before, entry)
        if change:
            changes.append(change)
    return changes, too_few


def different_settings(old, new):
    """What else is not as it was, so that times may differ for other reasons than the code."""
    keys = ("cpu", "compiler", "flags", "gemm", "threads")
    return [f"{key} was {old.context.get(key)}, is {new.context.get(key)}" for key in keys
            if old.context.get(key) != new.context.get(key)]


def describe(program, old, new):
    """Lines about one program."""
    changes, too_few = compare(old, new)
    both = sum(name in old.entries for name in new.entries)
    lines = [f"{program}: {both} benchmarks compared" +
             (f", {len(new.entries) - both} new" if len(new.entries) > both else "") +
             (f", {len(old.entries) - both} of the old run are gone" if len(old.entries) > both else "")]
    lines += [f"  note: {text}" for text in different_settings(old, new)]
    if too_few:
        lines.append(f"  {len(too_few)} not judged: less than {LEAST_REPETITIONS} repetitions")
    for change in sorted(changes, key=lambda change: -change.ratio):
        word = "slower" if change.ratio > 1 else "faster"
        lines.append(f"  {word}: {change.name}, {change.ratio:.2f} of the old time (noise {change.noise:.0%})")
    if not changes:
        lines.append("  nothing slower or faster beyond noise")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    arguments = parser.parse_args()
    old, new = read_all(arguments.old), read_all(arguments.new)
    if arguments.old.is_file() != arguments.new.is_file():  # one file is of the program of its name
        wanted = (old if arguments.old.is_file() else new).keys()
        old, new = ({name: results[name] for name in results if name in wanted} for results in (old, new))
    elif arguments.old.is_file():
        old = dict(zip(new, old.values()))
    common = [program for program in new if program in old]
    if not common:
        parser.exit(1, "compare.py: the two have no program in common\n")
    for program in common:
        print("\n".join(describe(program, old[program], new[program])))
    for program in sorted(old.keys() - new.keys()):
        print(f"{program}: only in the old run")


if __name__ == "__main__":
    main()
