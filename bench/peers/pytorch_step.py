#!/usr/bin/env python3
"""Times one PyTorch training step or evaluation batch, on request, so that a driver can take turns with slm_step.

After three training steps to warm up it prints "ready". Then each line of standard input is a command, answered
by one line:
  train N   N steps (clear gradients, forward, loss, backward, optimizer): seconds per step
  eval N    N evaluation batches: seconds per batch
  loss      the evaluation loss of the weights and batch of --weights, in nats
  memory    peak resident memory of the process in MiB
  quit      ends
"""
import argparse
import itertools
import resource
import sys
import time
import traceback

try:
    import torch
except ImportError:
    sys.exit("pytorch_step.py needs PyTorch: apt-get install python3-torch, then run it with /usr/bin/python3")
from torch.nn import functional as F

from pytorch_models import (COMPILED, FUSED, PEERS, VARIANTS, TransformerLM, forward_with_shortcut, fuse_attention,
                            missing, parts, slm_name)
from safetensors_file import load, save


def make_weights(path, peer, model):
    """Writes the model's weights and one batch, as a golden file: weight.NAME, tokens, targets."""
    tokens, targets = next(peer.batches(1))
    tensors = {"weight." + slm_name(name): value for name, value in model.state_dict().items()}
    save(path, tensors | {"tokens": tokens, "targets": targets}, {})


class Step:
    def __init__(self, peer, model, *, shortcut, variant, adam):
        self.model, self.shortcut, self.all_positions = model, shortcut, peer.all_positions
        if FUSED in parts(variant):
            fuse_attention(model)
        if COMPILED in parts(variant):
            self.loss = torch.compile(self.loss)
        kind = torch.optim.AdamW if peer.all_positions else torch.optim.Adam
        self.optimizer = kind(model.parameters(), lr=3e-4, **adam)
        self.batches = itertools.cycle(list(peer.batches(16)))  # more than one: nothing is learned by heart

    def loss(self, tokens, targets):
        if self.shortcut:
            logits = forward_with_shortcut(self.model, tokens)
        elif self.all_positions:
            logits = self.model(tokens, last=False).flatten(0, 1)
        else:
            logits = self.model(tokens)
        return F.cross_entropy(logits, targets.flatten())

    def train(self, count):
        self.model.train()
        start = time.perf_counter()
        for _ in range(count):
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(*next(self.batches)).backward()
            self.optimizer.step()
        return (time.perf_counter() - start) / count

    def evaluate(self, count):
        self.model.eval()
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(count):
                self.loss(*next(self.batches))
        return (time.perf_counter() - start) / count

    def loss_of(self, path):
        tensors, _ = load(path)
        weights = {name: tensors["weight." + slm_name(name)] for name in self.model.state_dict()}
        self.model.load_state_dict(weights)
        self.model.eval()
        with torch.inference_mode():
            return self.loss(tensors["tokens"], tensors["targets"]).item()


def answer(command, step, weights):
    words = command.split()
    if len(words) == 2 and words[0] in ("train", "eval") and words[1].isdecimal() and int(words[1]) > 0:
        return (step.train if words[0] == "train" else step.evaluate)(int(words[1]))
    if words == ["loss"] and weights:
        return step.loss_of(weights)
    if words == ["memory"]:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.exit(f'pytorch_step.py: expected "train N", "eval N", "loss" (with --weights), "memory" or "quit", '
             f'got "{command.strip()}"')


def reason(error):
    """An exception in one line: a compiler's error where there is one, else its first two, because torch.compile
    begins with the stage of its own that failed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if "error: " in line][:1] or lines[:2]
    return f"{type(error).__name__}: {' '.join(said)}"[:300]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=PEERS, required=True)
    parser.add_argument("--threads", type=int, help="default: OMP_NUM_THREADS, or PyTorch's choice")
    parser.add_argument("--dropout", type=float, help="default: that of the study")
    parser.add_argument("--shortcut", action="store_true",
                        help="compute the last block for the last position alone, as slm does")
    parser.add_argument("--variant", choices=VARIANTS, default=VARIANTS[0],
                        help="attention written out or fused, run as it is or compiled (default: %(default)s)")
    parser.add_argument("--fused-adam", action="store_true", help="Adam's fused kernel, on CPU from PyTorch 2.4 on")
    parser.add_argument("--weights", metavar="FILE", help="safetensors file for the command loss")
    parser.add_argument("--make-weights", metavar="FILE", help="write such a file and end")
    arguments = parser.parse_args()

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(689)
    peer = PEERS[arguments.model]
    model = peer.model(arguments.dropout)
    shortcut = arguments.shortcut and isinstance(model, TransformerLM) and not peer.all_positions
    if arguments.make_weights:
        make_weights(arguments.make_weights, peer, model)
        return

    if missing(arguments.variant):
        sys.exit(f"pytorch_step.py: {missing(arguments.variant)}")
    try:
        step = Step(peer, model, shortcut=shortcut, variant=arguments.variant,
                    adam={"fused": True} if arguments.fused_adam else {})
        step.train(3)
    except Exception as error:  # whatever a compiler may raise; compare.py shows the last line
        traceback.print_exc()
        sys.exit(f"pytorch_step.py: {reason(error)}")
    print("ready", flush=True)
    for command in sys.stdin:
        if command.strip() == "quit":
            break
        print(answer(command, step, arguments.weights), flush=True)


if __name__ == "__main__":
    main()
