"""Reads the results of the leaderboard: a line for each training that was scored."""
import json
import sys
from typing import NamedTuple

from .seeds import Sample

NEEDED = ("key", "entry", "target", "change", "set", "quick", "seed", "division", "config", "recipe")


class Row(NamedTuple):
    """An entry, or it with a change, on one target: a line for each seed."""
    entry: str
    change: str
    lines: tuple

    @property
    def nll(self):
        return Sample(line["nll"] for line in self.lines)

    @property
    def flops(self):
        """The most of its seeds: what tables cost that are updated where they were read differs a little."""
        return max(line["flops"]["total"] for line in self.lines)

    def most(self, name):
        return max(line[name] for line in self.lines)

    @property
    def division(self):
        return self.lines[0]["division"]


def parse(text):
    """A `ValueError`, `TypeError` or `KeyError` says why a line is no result."""
    line = json.loads(text)
    for key in NEEDED:
        line[key]
    if "diverged" not in line:
        line["nll"] + line["flops"]["total"] + line["lookups"]
    return line


def read_lines(path):
    """The results of a file. A line that is none is named on standard error and left out."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            lines.append(parse(text))
        except (KeyError, TypeError, ValueError) as error:
            print(f"{path}:{number}: left out, as it is no result: {error!r}", file=sys.stderr)
    return lines


def scored(lines, target):
    """Of a target the lines of entries as they stand in their files, and with their changes; of a training that is
    there twice the last."""
    last = {line["key"]: line for line in lines
            if line["target"] == target and not line["quick"] and "diverged" not in line}
    return list(last.values())


def rows(lines, target):
    """Without what was set by hand."""
    found = {}
    for line in scored(lines, target):
        if not line["set"]:
            found.setdefault((line["entry"], line["change"]), []).append(line)
    return {name: Row(*name, tuple(sorted(of_name, key=lambda line: line["seed"]))) for name, of_name in found.items()}


def by_hand(lines, entry=None):
    """What was tried with settings given by hand, by these settings."""
    found = {}
    for line in scored(lines, "selection"):
        if line["set"] and entry in (None, line["entry"]):
            found.setdefault((line["entry"], tuple(line["set"])), []).append(line)
    return {name: Row(name[0], ", ".join(name[1]), tuple(of_name)) for name, of_name in found.items()}


def tuning_flops(lines, entry):
    """All that the trainings of an entry on the text for selections cost, with diverged ones at their budget."""
    spent = {}
    for line in lines:
        if line["entry"] == entry and line["target"] == "selection" and not line["quick"]:
            spent[line["key"]] = line["recipe"]["budget"] if "diverged" in line else line["flops"]["total"]
    return float(sum(spent.values()))
