"""What the paper reports and how its runs are trained: Bhatti, arXiv 2512.20877v1 (2025), and its published experiment
log. The figures stand in examples/studies/protocol.hpp alone. They are read from docs/results/protocol.json, which is
what the program examples/protocol prints; a test compares the two."""
import json
import pathlib
from typing import NamedTuple

PROTOCOL = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "results" / "protocol.json")
                      .read_text(encoding="utf-8"))


class Row(NamedTuple):
    """What a run is of: the protocol's rows, and the same of other data."""

    study: str
    dataset: str
    model: str
    variant: str = ""


class Reported(NamedTuple):
    parameters: int
    flops_2pn: float
    context_2pn: int  # the T that it was computed with
    test_nll: float
    train_nll: list  # by epoch, where the paper or its log has it
    valid_nll: list


MODELS = {"linear": "linear", "mlp": "MLP", "attention": "self-attention", "transformer": "transformer",
          "ngram": "n-gram"}
DATASETS = {"tiny_shakespeare": "Tiny Shakespeare", "ptb": "PTB", "wikitext-2": "WikiText-2",
            "synthetic": "synthetic corpus"}
STUDIES = {
    "tiny_shakespeare": "1. Baselines, Tiny Shakespeare",
    "sweeps": "2. Sweeps, Tiny Shakespeare",
    "word_level": "3. Word level, PTB and WikiText-2",
    "positions": "4. Positions, Tiny Shakespeare",
}
CLAIMS = {
    "1": "Attention-based models beat MLPs in loss per FLOP, even at this scale.",
    "2": "More depth or more context without enough optimisation can make the loss worse.",
    "3": "RoPE does worse than learned positions at this scale.",
    "4": "Nonlinear models are far better than the linear baseline.",
    "5": "Word-level models overfit after 1 to 2 epochs under the token cap.",
}

CHARACTERS = "tiny_shakespeare"


def baseline(model):
    return Row("tiny_shakespeare", CHARACTERS, model)


def sweep(model, variant):
    return Row("sweeps", CHARACTERS, model, variant)


def words(dataset):
    return Row("word_level", dataset, "transformer")


def positions(variant):
    return Row("positions", CHARACTERS, "transformer", variant)


RUNS = {Row(run["study"], run["dataset"], run["model"], run["variant"]): run for run in PROTOCOL["runs"]}
REPORTED = {row: Reported(**run["reported"]) for row, run in RUNS.items() if "reported" in run}
UNREPORTED = tuple(row for row in RUNS if row not in REPORTED)

# To train on, of each dataset: of a capped one, as the paper uses it.
TRAIN_TOKENS = {data["name"]: data["tokens"][0] for data in PROTOCOL["datasets"]}

# FLOPs of training when every position is computed, as the paper's program does, by those of what the loss needs: of
# study 1.
ALL_POSITIONS = {row.model: run["flops"]["all_positions"] / run["flops"]["training"]
                 for row, run in RUNS.items() if row.study == "tiny_shakespeare"}

# What the config of a run says of its training, beside the model's sizes.
SETTING = ("context", "batch", "windows", "epochs", "evaluation_windows", "learning_rate", "cap", "products")


def protocol_setting(row, quick=False):
    """How the protocol trains a row, of whatever data; nothing for a row that it does not have."""
    run = next((run for known, run in RUNS.items() if row._replace(dataset=known.dataset) == known), None)
    if not run:
        return None
    config = {**run["config"], **(run["quick"] if quick else {})}
    return {name: config.get(name) for name in SETTING}
