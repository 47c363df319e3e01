#!/usr/bin/env python3
"""Trains a model of study 1 with PyTorch exactly as the study's program does, and prints its losses: to see whether a
difference from the paper is slm's.

    bench/peers/pytorch_study.py --model linear --seeds 3 --data ../shared/data/tiny_shakespeare
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import torch
from torch.nn import functional as F

from pytorch_models import PEERS

PROTOCOL = pathlib.Path(__file__).resolve().parents[2] / "docs" / "results" / "protocol.json"
CONFIGS = {run["model"]: run["config"] for run in json.loads(PROTOCOL.read_text(encoding="utf-8"))["runs"]
           if run["study"] == "tiny_shakespeare"}


def read(folder):
    texts = [(folder / f"{split}.txt").read_text(encoding="utf-8") for split in ("train", "valid", "test")]
    token = {character: i for i, character in enumerate(sorted(set("".join(texts))))}
    return [torch.tensor([token[character] for character in text]) for text in texts]


def windows(text, starts, T):
    """Windows (B, T) and the token after each, (B)."""
    return text[starts[:, None] + torch.arange(T)], text[starts + T]


@torch.no_grad()
def evaluate(model, text, peer, count):
    model.eval()
    total = 0.0
    for first in range(0, count, peer.batch):
        inputs, targets = windows(text, torch.arange(first, min(first + peer.batch, count)), peer.context)
        total += F.cross_entropy(last(model(inputs)), targets, reduction="sum").item()
    return total / count


def last(logits):
    return logits if logits.dim() == 2 else logits[:, -1]


def train(name, seed, texts):
    peer, config = PEERS[name], CONFIGS[name]
    count, evaluated = config["windows"], config["evaluation_windows"]
    torch.manual_seed(seed)
    model = peer.model(None)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    best, best_state, losses = float("inf"), None, []
    for _ in range(config["epochs"]):
        model.train()
        starts = torch.randint(len(texts[0]) - peer.context, (count,))
        total = 0.0
        for first in range(0, count, peer.batch):
            inputs, targets = windows(texts[0], starts[first:first + peer.batch], peer.context)
            optimizer.zero_grad()
            loss = F.cross_entropy(last(model(inputs)), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        valid = evaluate(model, texts[1], peer, evaluated)
        losses.append(f"{total / count:.4f}/{valid:.4f}")
        if valid < best:
            best, best_state = valid, {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(best_state)
    return losses, evaluate(model, texts[2], peer, evaluated)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=CONFIGS, default="linear")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data/tiny_shakespeare"))
    arguments = parser.parse_args()
    try:
        texts = read(arguments.data)
    except OSError as error:
        sys.exit(f"pytorch_study.py: {error.filename}: {error.strerror}")
    tests = []
    for seed in range(1, arguments.seeds + 1):
        start = time.time()
        losses, test = train(arguments.model, seed, texts)
        tests.append(test)
        print(f"{arguments.model}, seed {seed}: train/valid NLL by epoch {', '.join(losses)}; test NLL {test:.4f}; "
              f"{time.time() - start:.0f} s", flush=True)
    if len(tests) > 1:
        print(f"{arguments.model}: test NLL {statistics.fmean(tests):.4f} ± {statistics.stdev(tests):.4f} (std. dev.) over "
              f"{len(tests)} seeds, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
