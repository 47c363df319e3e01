"""Reads the results file of the studies (one JSON object a line) and knows the paper's results."""
import collections
import json
import sys

MODELS = {"linear": "linear", "mlp": "MLP", "attention": "self-attention", "transformer": "transformer"}

# The table of arXiv 2512.20877v1, with the validation NLL by epoch where the paper or its log has it; that of the
# baselines is read off a plot.
Reported = collections.namedtuple("Reported", "parameters flops_2pn test_nll training valid_nll")


def baseline(epochs):
    return {"batch": 64, "windows": 50000, "epochs": epochs, "evaluation_windows": 10000, "learning_rate": 3e-4}


SWEEP = {"batch": 64, "windows": 30000, "epochs": 2, "evaluation_windows": 5000, "learning_rate": 3e-4}
WORDS = {"batch": 32, "windows": 79935, "epochs": 8, "evaluation_windows": 19935, "learning_rate": 3e-4}
CHARACTERS = "tiny_shakespeare"
REPORTED = {  # by study, dataset, model and variant
    ("tiny_shakespeare", CHARACTERS, "linear", ""): Reported(1073345, 4.12e13, 3.0549, baseline(3), [3.10, 3.03, 2.97]),
    ("tiny_shakespeare", CHARACTERS, "mlp", ""): Reported(4285377, 1.65e14, 2.3222, baseline(3), [2.57, 2.42, 2.33]),
    ("tiny_shakespeare", CHARACTERS, "attention", ""):
        Reported(231617, 1.19e13, 2.1335, baseline(4), [2.46, 2.32, 2.23, 2.14]),
    ("tiny_shakespeare", CHARACTERS, "transformer", ""):
        Reported(430785, 2.21e13, 2.0058, baseline(4), [2.31, 2.15, 2.09, 2.00]),
    ("sweeps", CHARACTERS, "linear", "T = 32"): Reported(274625, 1.05e12, 2.5135, SWEEP, None),
    ("sweeps", CHARACTERS, "linear", "T = 64"): Reported(540865, 4.15e12, 2.7006, SWEEP, None),
    ("sweeps", CHARACTERS, "linear", "T = 128"): Reported(1073345, 1.65e13, 3.0496, SWEEP, None),
    ("sweeps", CHARACTERS, "mlp", "h = 128"): Reported(2130497, 3.27e13, 2.5482, SWEEP, None),
    ("sweeps", CHARACTERS, "mlp", "h = 256"): Reported(4285377, 6.58e13, 2.5115, SWEEP, None),
    ("sweeps", CHARACTERS, "mlp", "h = 512"): Reported(8693441, 1.34e14, 2.5002, SWEEP, None),
    ("sweeps", CHARACTERS, "attention", "H = 1"): Reported(231617, 3.56e12, 2.3482, SWEEP, None),
    ("sweeps", CHARACTERS, "attention", "H = 2"): Reported(231617, 3.56e12, 2.4033, SWEEP, None),
    ("sweeps", CHARACTERS, "attention", "H = 4"): Reported(231617, 3.56e12, 2.3055, SWEEP, None),
    ("sweeps", CHARACTERS, "transformer", "L = 2"): Reported(298305, 4.58e12, 2.3034, SWEEP, None),
    ("sweeps", CHARACTERS, "transformer", "L = 3"): Reported(430785, 6.62e12, 2.2795, SWEEP, None),
    ("sweeps", CHARACTERS, "transformer", "L = 4"): Reported(563265, 8.65e12, 2.3078, SWEEP, None),
    ("word_level", "ptb", "transformer", ""):
        Reported(2975631, 2.44e14, 6.1896, WORDS, [6.51, 6.44, 6.50, 6.70, 6.89, 7.09, 7.37, 7.55]),
    ("word_level", "wikitext-2", "transformer", ""):
        Reported(8958077, 7.33e14, 6.8875, WORDS, [6.81, 6.85, 6.94, 7.13, 7.37, 7.61, 7.90, 8.08]),
    ("positions", CHARACTERS, "transformer", "learned"):
        Reported(430785, 2.21e13, 1.9738, baseline(8), [2.351, 2.208, 2.125, 2.033, 1.983, 1.924, 1.898, 1.868]),
    ("positions", CHARACTERS, "transformer", "RoPE"):
        Reported(414401, 2.12e13, 2.0096, baseline(8), [2.433, 2.293, 2.220, 2.169, 2.122, 2.071, 2.040, 1.999]),
}


def reported(run):
    """The paper's row that a run is about, or nothing."""
    row = REPORTED.get((run["study"], dataset_of(run)[0], run["model"], run.get("variant", "")))
    return row if row and row.parameters == run["parameters"] else None


def dataset_of(run):
    """Name and checksum; a dataset is an object with both, or a name alone."""
    dataset = run["dataset"]
    if isinstance(dataset, str):
        return dataset, ""
    return str(dataset["name"]), json.dumps(dataset.get("sha256", ""))


def read_runs(path):
    runs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            run = json.loads(line)
            dataset_of(run)
            missing = [key for key in ("study", "model", "parameters", "epochs") if key not in run]
            if missing:
                raise KeyError(missing[0])
            runs.append(run)
        except (ValueError, TypeError, KeyError) as error:
            print(f"{path}:{number}: left out, not a run: {type(error).__name__} {error}", file=sys.stderr)
    return runs


def configuration(run):
    config = run.get("config")
    if not isinstance(config, dict):
        return {"": config}
    return {key: value for key, value in config.items() if key not in ("seed", "threads")}


def variant_label(config, siblings):
    """What sets a configuration apart from its siblings: " (heads 2)"."""
    different = [key for key in config if any(other.get(key) != config[key] for other in siblings)]
    return " (" + ", ".join(f"{key} {config[key]}".strip() for key in different) + ")" if different else ""
