"""Reads the results file of the studies (one JSON object a line) and knows the paper's results."""
import json
import sys

# arXiv 2512.20877v1: (dataset, parameters, epochs) → training FLOPs, test NLL, validation NLL by epoch. The
# baselines' validation NLL is read off the paper's plot.
PAPER = {
    ("tiny_shakespeare", 1073345, 3): (4.12e13, 3.0549, [3.10, 3.03, 2.97]),
    ("tiny_shakespeare", 4285377, 3): (1.65e14, 2.3222, [2.57, 2.42, 2.33]),
    ("tiny_shakespeare", 231617, 4): (1.19e13, 2.1335, [2.46, 2.32, 2.23, 2.14]),
    ("tiny_shakespeare", 430785, 4): (2.21e13, 2.0058, [2.31, 2.15, 2.09, 2.00]),
    ("ptb", 2975631, 8): (2.44e14, 6.1896, [6.51, 6.44, 6.50, 6.70, 6.89, 7.09, 7.37, 7.55]),
    ("wikitext-2", 8958077, 8): (7.33e14, 6.8875, [6.81, 6.85, 6.94, 7.13, 7.37, 7.61, 7.90, 8.08]),
    ("tiny_shakespeare", 430785, 8): (2.21e13, 1.9738, [2.351, 2.208, 2.125, 2.033, 1.983, 1.924, 1.898, 1.868]),
    ("tiny_shakespeare", 414401, 8): (2.12e13, 2.0096, [2.433, 2.293, 2.220, 2.169, 2.122, 2.071, 2.040, 1.999]),
}


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
            print(f"plot.py: {path}:{number}: left out, not a run: {type(error).__name__} {error}", file=sys.stderr)
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
