"""Reads the results of the study of the frontier: a line for each model that was scored."""
import json
import math
import statistics
from typing import NamedTuple

from .lines import parsed_lines
from .seeds import CONFIDENCE
from .student import quantile

CHARACTERS = "tiny_shakespeare"
WORDS = {"ptb": "PTB", "wikitext-2": "WikiText-2"}
NGRAM = "ngram"
FAMILIES = {NGRAM: "n-grams", "linear": "linear", "mlp": "MLP", "attention": "self-attention, 1 block",
            "transformer": "transformer, 2–6 blocks", "gru": "GRU", "mingru": "minGRU"}
TRAINED = [family for family in FAMILIES if family != NGRAM]
SWEEPS = ("context", "depth")  # stages that vary one thing of few models
RIVALS = "rivals"  # seeds for the comparison alone: the laws were fitted, and the advisor proved, before them
NEEDED = ("key", "stage", "quick", "text", "part", "family", "size", "seed", "budget", "parameters", "tokens")


class Model(NamedTuple):
    """What is the same for all seeds and budgets of a training."""
    family: str
    size: str
    context: int
    tokens_per_step: int
    rate: float
    dropout: float

    @property
    def text(self):
        """Sizes of models that see a fixed window begin with it."""
        context = "" if self.size.startswith("T ") else f", T {self.context}"
        return f"{self.size}{context}{f', dropout {self.dropout:g}' if self.dropout else ''}"


class Point(NamedTuple):
    """A model at a budget: one line for each seed."""
    model: Model
    budget: float
    lines: tuple

    @property
    def nll(self):
        return statistics.fmean(line["nll"] for line in self.lines)

    @property
    def parameters(self):
        return self.lines[0]["parameters"]

    @property
    def stage(self):
        """That of its first seed."""
        return self.lines[0]["stage"]

    @property
    def flops(self):
        """Exact FLOPs of training and optimizer, which are a little less than the budget."""
        return self.lines[0]["flops"]["total"]


def parse(text):
    """A `ValueError`, `TypeError` or `KeyError` says why a line is no result."""
    line = json.loads(text)
    for key in NEEDED:
        line[key]
    if "diverged" not in line:
        line["nll"] + line["flops"]["total"]
    return line


def read_lines(path):
    """The results of a file. A line that is none is named on standard error and left out."""
    return [line for _, line in parsed_lines(path, parse, "not a result")]


def model_of(line):
    return Model(line["family"], line["size"], line.get("context", 0), line.get("tokens_per_step", 0),
                 line.get("rate", 0.0), line.get("dropout", 0.0))


class Frontier:
    """Results of one text. Of lines of one training at one budget the last one counts; trainings that diverged are
    counted and in no mean."""

    def __init__(self, lines, text=CHARACTERS, part="score", quick=False):
        chosen = {}
        for line in lines:
            if line["text"] == text and line["part"] == part and line["quick"] == quick:
                chosen[line["key"], line["budget"]] = line
        self.all = list(chosen.values())
        self.lines = [line for line in self.all if "diverged" not in line]
        self.ngrams = sorted((line for line in self.lines if line["family"] == NGRAM), key=lambda line: line["nll"])
        self.trained = [line for line in self.lines if line["family"] != NGRAM]

    @property
    def diverged(self):
        return [line for line in self.all if "diverged" in line]

    def budgets(self):
        return sorted({line["budget"] for line in self.trained})

    def points(self, **chosen):
        """All models at all budgets whose lines have these values."""
        return self.points_of(self.trained, **chosen)

    @staticmethod
    def points_of(lines, **chosen):
        """Those of some lines."""
        found = {}
        for line in lines:
            if all(line.get(key) == value for key, value in chosen.items()):
                found.setdefault((model_of(line), line["budget"]), {})[line["seed"]] = line
        return [Point(model, budget, tuple(seeds[seed] for seed in sorted(seeds)))
                for (model, budget), seeds in found.items()]

    def compared(self, **chosen):
        """Those that families are compared by: without what sweeps trained, which not all families have."""
        return self.without(SWEEPS, **chosen)

    def fitted(self, family):
        """Those that a family's law is fitted to."""
        return self.without((*SWEEPS, RIVALS), family=family)

    def without(self, stages, **chosen):
        """Points of what other stages trained."""
        return self.points_of([line for line in self.trained if line["stage"] not in stages], **chosen)

    def best(self, family, budget):
        """The model of a family with the lowest mean at a budget; nothing without one."""
        return min(self.compared(family=family, budget=budget), key=lambda point: point.nll, default=None)

    def families(self):
        """Those that were trained, in their order."""
        present = {line["family"] for line in self.trained}
        return [family for family in FAMILIES if family in present]

    def envelope(self, family, cost):
        """(cost, loss, point) of a family from cheap to dear: the points that nothing cheaper of it beats. `cost`
        gives nothing where it is not known."""
        priced = sorted(((cost(point), point.nll, point) for point in self.compared(family=family)
                         if cost(point) is not None), key=lambda one: one[:2])
        found = []
        for one in priced:
            if not found or one[1] < found[-1][1]:
                found.append(one)
        return found


def lowest(points, key):
    """Of points with equal keys the one with the lowest loss."""
    best = {}
    for point in points:
        if key(point) not in best or point.nll < best[key(point)].nll:
            best[key(point)] = point
    return list(best.values())


class Noise(NamedTuple):
    """How far seeds of one training lie apart: a standard deviation pooled over trainings."""
    deviation: float
    degrees: int

    def difference(self, n=1, other=1):
        """Beyond which means of so many seeds differ by more than seeds do, at 95 % (Student)."""
        return quantile(CONFIDENCE, self.degrees) * self.deviation * math.sqrt(1 / n + 1 / other)


def noise(points):
    """Nothing where no model has two seeds."""
    squares, degrees = 0.0, 0
    for point in points:
        losses = [line["nll"] for line in point.lines]
        if len(losses) > 1:
            squares += statistics.variance(losses) * (len(losses) - 1)
            degrees += len(losses) - 1
    return Noise(math.sqrt(squares / degrees), degrees) if degrees else None


def noise_by_family(points):
    """Of each family that has two seeds of a model: families differ in how far their seeds lie apart."""
    found = {family: noise([point for point in points if point.model.family == family])
             for family in {point.model.family for point in points}}
    return {family: its for family, its in found.items() if its}


def seconds_of(times):
    """The price of a point in seconds: steps times the median of a step on an idle machine, where it was timed."""
    def price(point):
        time = next((times[line["key"]] for line in point.lines if line["key"] in times), None)
        return time and time["step"] * point.lines[0]["steps"]
    return price
