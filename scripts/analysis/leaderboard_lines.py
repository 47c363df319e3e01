"""Reads the results of the leaderboard: a line for each training that was scored."""
import json
from typing import NamedTuple

from .lines import parsed_lines
from .seeds import Sample

SELECTIONS = ("selection", "ptb-selection", "wikitext-2-selection")  # targets that entries are tuned on
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
    def dynamic_nll(self):
        """By dynamic evaluation; None where a line has none."""
        found = [line.get("dynamic_nll") for line in self.lines]
        return None if None in found else Sample(found)

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
    return [line for _, line in parsed_lines(path, parse, "as it is no result")]


def scored(lines, target):
    """Of a target the lines of entries as they stand in their files, and with their changes; of a training that is
    there twice the last."""
    last = {line["key"]: line for line in lines
            if line["target"] == target and not line["quick"] and "diverged" not in line}
    return list(last.values())


# What trainings that were recorded before there was the setting had.
ADDED = {"products": "full", "dynamic_rate": 0, "dynamic_stride": 0, "table_dropout": 0,
         "weight_dropout": 0, "layers": 1, "tied": False, "frequent": 0, "rare": 0}


def settings_of(line):
    return {**ADDED, **line["config"], **line["recipe"]}


def settings_now(lines):
    """Those of each entry and change as they stand in its file: as they were trained last."""
    return {(line["entry"], line["change"]): settings_of(line) for line in lines
            if not line["set"] and not line["quick"]}


def rows(lines, target):
    """Entries and changes as they stand in their files now: without what was set by hand, or once stood there."""
    now, found = settings_now(lines), {}
    for line in scored(lines, target):
        name = line["entry"], line["change"]
        if not line["set"] and settings_of(line) == now[name]:
            found.setdefault(name, []).append(line)
    return {name: Row(*name, tuple(sorted(of_name, key=lambda line: line["seed"]))) for name, of_name in found.items()}


def tried(lines):
    """All else that was tried on texts for selections, by what differs from the entry as it is now."""
    now, found = settings_now(lines), {}
    for line in (line for target in SELECTIONS for line in scored(lines, target)):
        its = settings_of(line)
        if not line["set"] and its == now[line["entry"], line["change"]]:
            continue
        base = {**ADDED, **now.get((line["entry"], ""), {})}
        different = ", ".join(f"{name}={shown(value)}" for name, value in its.items() if base.get(name) != value)
        found.setdefault((line["entry"], different), []).append(line)
    return {name: Row(*name, tuple(of_name)) for name, of_name in found.items()}


def shown(value):
    """As a command line has it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


# Of a recipe, what is done with a model that is trained.
OF_SCORING = ("score_context", "score_stride", "dynamic_rate", "dynamic_stride", "ngram_order", "ngram_weight")


def training_of(line):
    """By what a training is told from others, however its model was scored."""
    settings = {name: value for name, value in settings_of(line).items() if name not in OF_SCORING}
    return line["target"], line["seed"], line["entry"], json.dumps(settings, sort_keys=True)


def tuning_flops(lines):
    """How many trainings there were on texts for selections, and what they cost, diverged ones at their budget."""
    spent = {training_of(line): line["recipe"]["budget"] if "diverged" in line else line["flops"]["total"]
             for line in lines if line["target"] in SELECTIONS and not line["quick"]}
    made = [flops for flops in spent.values() if flops > 0]  # counting is no training
    return len(made), float(sum(made))
