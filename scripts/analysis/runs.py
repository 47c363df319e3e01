"""Reads the results file of the studies: one JSON object a line."""
import json
import math
import sys

from .lines import parsed_lines
from .losses import Losses
from .paper import DATASETS, MODELS, RUNS, SETTING, Row, protocol_setting


def parse_run(line):
    """The run of a line. A `ValueError`, `TypeError` or `KeyError` says why it is none."""
    run = json.loads(line)
    for key in ("study", "model", "config", "seed", "parameters", "epochs", "best_epoch", "seconds"):
        run[key]
    dataset_of(run)
    if not has_diverged(run):
        run["test_nll"]
    return run


def read_runs(path):
    """The runs of a file. A line that is none is named on standard error and left out; a training that diverged is
    named there as well."""
    runs = []
    for number, run in parsed_lines(path, parse_run, "not a run"):
        if has_diverged(run):
            print(f"{path}:{number}: diverged, and in no mean: {label(row_of(run))}, seed {run['seed']}, "
                  f"learning rate {run['config']['learning_rate']}", file=sys.stderr)
        runs.append(run)
    return runs


def has_diverged(run):
    """Its loss was not finite at some step: it has no test NLL."""
    return "diverged" in run


def dataset_of(run):
    """Name and checksum."""
    return run["dataset"]["name"], run["dataset"].get("sha256", "")


def row_of(run):
    return Row(run["study"], run["dataset"]["name"], run["model"], run.get("variant", ""))


def label(row):
    return MODELS.get(row.model, row.model) + (f", {row.variant}" if row.variant else "")


def dataset_label(name):
    return DATASETS.get(name, name)


def setting_of(run):
    """How a run was trained, as the protocol says it of its rows."""
    return {name: run["config"].get(name) for name in SETTING}


def training_flops(run):
    """Exact FLOPs of training and optimizer; nothing where the run was made before they were counted."""
    flops = run.get("flops", {})
    return flops.get("training", 0) + flops.get("optimizer", 0) or None


def read_times(folder):
    """What the studies' --time has measured, by row; nothing where there is no such file."""
    path = folder and folder / "seconds.json"
    return json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}


def valid_losses(run):
    """By epoch; nothing where one is not finite, for which JSON has null."""
    losses = [epoch["valid_nll"] for epoch in run["epochs"]]
    return losses if all(isinstance(loss, (int, float)) for loss in losses) else None


def finished(seeds):
    """Of runs by seed, in the order of the seeds, those that did not diverge."""
    return [seeds[seed] for seed in sorted(seeds) if not has_diverged(seeds[seed])]


class Results:
    """Runs by row and setting. Of runs that differ in nothing but the time they were made and slm's version, the last
    one counts; of those of several texts, those of the last one's. Trainings that diverged have no loss
    to take a mean over: they are counted and never given."""

    def __init__(self, runs, quick=False, folder=None):
        """Takes --quick runs only, or no such runs. In `folder` is the results file, beside which losses by window
        and times are."""
        self.quick, self.folder = quick, folder
        self.times = read_times(folder)
        self.found, self.blocks_by_epoch = {}, {}
        for run in runs:
            if bool(run.get("quick")) == quick:
                settings = self.found.setdefault(row_of(run), {})
                seeds = settings.pop(self._key(setting_of(run)), {})
                if any(dataset_of(other) != dataset_of(run) for other in seeds.values()):
                    seeds = {}
                seeds[run["seed"]] = run
                settings[self._key(setting_of(run))] = seeds  # the last one of the row now

    @staticmethod
    def _key(setting):
        return tuple(setting[name] for name in SETTING)

    def of(self, row, **changes):
        """The runs of one of the protocol's rows in the order of their seeds, trained as the protocol says but for
        `changes`."""
        return finished(self._made(row, changes))

    def diverged(self, row, **changes):
        """How many of them diverged."""
        made = self._made(row, changes)
        return len(made) - len(finished(made))

    def _made(self, row, changes):
        setting = protocol_setting(row, self.quick)
        return self.found.get(row, {}).get(self._key({**setting, **changes}), {}) if setting else {}

    def time(self, row):
        """Seconds of a row's step and evaluated window; nothing where they were not measured."""
        return self.times.get(", ".join((row.study, row.dataset, row.model, row.variant)))

    def seconds(self, run):
        """Of a whole training with the evaluations on the paper's windows, as long as its steps take where nothing
        else runs; nothing where that was not measured."""
        time, setting = self.time(row_of(run)), setting_of(run)
        if time is None:
            return None
        steps = setting["epochs"] * math.ceil(setting["windows"] / setting["batch"])
        return steps * time["step"] + (setting["epochs"] + 1) * setting["evaluation_windows"] * time["evaluated_window"]

    def blocks(self, run, epoch, text):
        """Mean losses of the blocks of windows spread over "valid" or "test", after an epoch of a run; nothing where
        it was made before they were kept."""
        if not run.get("losses"):
            return None
        key = run["losses"], text
        if key not in self.blocks_by_epoch:
            self.blocks_by_epoch[key] = Losses(self.folder, run).epochs(text)
        return self.blocks_by_epoch[key][epoch - 1]

    def all(self, row):
        """All runs of a row, however they were trained."""
        return [run for seeds in self.found.get(row, {}).values() for run in finished(seeds)]

    def rows(self, study):
        """Those of a study that have runs, in the protocol's order."""
        order = [row._replace(dataset="") for row in RUNS]
        rows = [row for row in self.found
                if row.study == study and row._replace(dataset="") in order and self.all(row)]
        return sorted(rows, key=lambda row: order.index(row._replace(dataset="")))

    def shown(self, row):
        """What a figure shows of a row: runs as the protocol says, or where there are none, trained as the last one
        was."""
        return self.of(row) or [runs for seeds in self.found[row].values() if (runs := finished(seeds))][-1]

    def rates(self, row, diverged=False):
        """Learning rates that a row was trained with, everything else being the protocol's; with `diverged` also those
        at which all trainings diverged."""
        rates = {run["config"]["learning_rate"] for seeds in self.found.get(row, {}).values() for run in seeds.values()}
        return sorted(rate for rate in rates if self.of(row, learning_rate=rate)
                      or diverged and self.diverged(row, learning_rate=rate))
