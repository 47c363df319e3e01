"""Reads the JSON files that the programs of bench/ write."""
import json
import statistics
import sys
from operator import itemgetter


class Entry:
    """One benchmark: its times in seconds, one a repetition, and what it counted."""

    def __init__(self):
        self.repetitions = []

    def add(self, repetition):
        self.repetitions.append(repetition)

    def all(self, name):
        return [repetition[name] for repetition in self.repetitions if name in repetition]

    def get(self, name, missing=None):
        """The median of a counter over repetitions."""
        values = self.all(name)
        return statistics.median(values) if values else missing

    @property
    def times(self):
        return self.all("seconds")

    @property
    def seconds(self):
        return statistics.median(self.times)


class Results:
    """What one program measured: the context, and entries by name in the order of the program."""

    def __init__(self, content):
        self.context = content["context"]
        self.entries = {}
        place = itemgetter("family_index", "per_family_instance_index")  # repetitions ran in any order
        for item in sorted(content["benchmarks"], key=place):
            if item.get("run_type", "iteration") != "iteration" or item.get("error_occurred"):
                continue
            name = item.get("run_name", item["name"])
            for suffix in ("/real_time", "/manual_time"):
                name = name.removesuffix(suffix)
            repetition = {key: value for key, value in item.items() if isinstance(value, (int, float))}
            repetition["seconds"] = item["real_time"] / PER_SECOND[item["time_unit"]]
            self.entries.setdefault(name, Entry()).add(repetition)

    def number(self, name):
        return float(self.context[name])


PER_SECOND = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1}


def read(path):
    try:
        return Results(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: no results of benchmarks: {type(error).__name__}: {error}")


def read_all(path):
    """Results by program, of a folder of such files or of one file."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        sys.exit(f"{path}: no JSON file in it")
    return {file.stem: read(file) for file in files}
