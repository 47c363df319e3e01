"""What the paper reports: Bhatti, arXiv 2512.20877v1 (2025), and its published experiment log."""
from typing import NamedTuple


class Row(NamedTuple):
    """What a run is of: the protocol's rows, and the same of other data."""

    study: str
    dataset: str
    model: str
    variant: str = ""


class Reported(NamedTuple):
    parameters: int
    flops_2pn: float
    test_nll: float
    train_nll: tuple = ()  # by epoch, where the paper or its log has it; read off a plot for the baselines
    valid_nll: tuple = ()


MODELS = {"linear": "linear", "mlp": "MLP", "attention": "self-attention", "transformer": "transformer"}
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


REPORTED = {
    baseline("linear"): Reported(1073345, 4.12e13, 3.0549, valid_nll=(3.10, 3.03, 2.97)),
    baseline("mlp"): Reported(4285377, 1.65e14, 2.3222, valid_nll=(2.57, 2.42, 2.33)),
    baseline("attention"): Reported(231617, 1.19e13, 2.1335, valid_nll=(2.46, 2.32, 2.23, 2.14)),
    baseline("transformer"): Reported(430785, 2.21e13, 2.0058, valid_nll=(2.31, 2.15, 2.09, 2.00)),
    sweep("linear", "T = 32"): Reported(274625, 1.05e12, 2.5135),
    sweep("linear", "T = 64"): Reported(540865, 4.15e12, 2.7006),
    sweep("linear", "T = 128"): Reported(1073345, 1.65e13, 3.0496),
    sweep("mlp", "h = 128"): Reported(2130497, 3.27e13, 2.5482),
    sweep("mlp", "h = 256"): Reported(4285377, 6.58e13, 2.5115),
    sweep("mlp", "h = 512"): Reported(8693441, 1.34e14, 2.5002),
    sweep("attention", "H = 1"): Reported(231617, 3.56e12, 2.3482),
    sweep("attention", "H = 2"): Reported(231617, 3.56e12, 2.4033),
    sweep("attention", "H = 4"): Reported(231617, 3.56e12, 2.3055),
    sweep("transformer", "L = 2"): Reported(298305, 4.58e12, 2.3034),
    sweep("transformer", "L = 3"): Reported(430785, 6.62e12, 2.2795),
    sweep("transformer", "L = 4"): Reported(563265, 8.65e12, 2.3078),
    words("ptb"): Reported(2975631, 2.44e14, 6.1896,
                           (6.41, 5.62, 5.15, 4.71, 4.37, 3.99, 3.68, 3.37),
                           (6.51, 6.44, 6.50, 6.70, 6.89, 7.09, 7.37, 7.55)),
    words("wikitext-2"): Reported(8958077, 7.33e14, 6.8875,
                                  (6.67, 5.73, 5.17, 4.68, 4.23, 3.80, 3.45, 3.10),
                                  (6.81, 6.85, 6.94, 7.13, 7.37, 7.61, 7.90, 8.08)),
    positions("learned"): Reported(430785, 2.21e13, 1.9738,
                                   (2.632, 2.265, 2.144, 2.057, 1.980, 1.929, 1.881, 1.861),
                                   (2.351, 2.208, 2.125, 2.033, 1.983, 1.924, 1.898, 1.868)),
    positions("RoPE"): Reported(414401, 2.12e13, 2.0096,
                                (2.647, 2.374, 2.259, 2.192, 2.139, 2.086, 2.036, 1.975),
                                (2.433, 2.293, 2.220, 2.169, 2.122, 2.071, 2.040, 1.999)),
}

# Without results in the paper: its log defines SwiGLU, the control without positions is ours.
UNREPORTED = (positions("no positions"), positions("SwiGLU"))

# FLOPs of training when every position is computed, as the paper's program does, by those of what the loss needs:
# the multiples that docs/flops.md has for study 1.
ALL_POSITIONS = {"linear": 1.0, "mlp": 1.0, "attention": 6.71, "transformer": 1.38}


def protocol_setting(row, quick=False):
    """How the protocol trains a row, of whatever data; nothing for a row that it does not have."""
    if not any(row._replace(dataset=known.dataset) == known for known in (*REPORTED, *UNREPORTED)):
        return None
    setting = {"context": 128, "batch": 64, "learning_rate": 3e-4, "cap": None}
    if row.study == "sweeps":
        setting.update(windows=30000, epochs=2, evaluation_windows=5000)
        if row.model == "linear":
            setting.update(context=int(row.variant.split("=")[1]))
    elif row.study == "word_level":
        setting.update(context=64, batch=32, windows=79935, epochs=8, evaluation_windows=19935)
    else:
        epochs = 8 if row.study == "positions" else 3 if row.model in ("linear", "mlp") else 4
        setting.update(windows=50000, epochs=epochs, evaluation_windows=10000)
    if quick:
        setting.update(windows=setting["windows"] // 10, evaluation_windows=setting["evaluation_windows"] // 10)
    return setting
