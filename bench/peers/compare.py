#!/usr/bin/env python3
"""Times slm against PyTorch at its best, the two in turn on the same machine, after checking that they compute the
same loss.

    bench/peers/compare.py [--models transformer,mlp] [--rounds 7] [--python FILE | --root FOLDER] [--out FILE]

PyTorch's best is the fastest, for each model and for training and evaluation apart, of attention written out
("plain"), scaled_dot_product_attention ("fused") and torch.compile ("compiled") of either: a short trial against slm
chooses it. A variant that the version lacks, that fails, or whose loss is another one is named and left out.

PyTorch runs with the best settings known: one pool of threads, a malloc that keeps its memory and, where it is a
distribution's that takes the system's BLAS, OpenBLAS built for OpenMP (Debian's libopenblas0-openmp). Run it on a
machine that does nothing else. newer_pytorch.sh makes a newer PyTorch than the system's. The model gpt2, not among
the default ones, has the shapes of GPT-2's smallest: it takes three gigabytes for each of up to four programs.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

from program import Failed, Program
from pytorch_peer import HERE, PyTorchPeer

MODELS = ["linear", "mlp", "attention", "transformer", "learned", "rope", "ptb", "wikitext2", "gpt", "gru", "lstm"]
LARGE = ["gpt2"]  # only where asked for
VARIANTS = ["plain", "fused", "compiled", "compiled+fused"]  # of pytorch_models.py, which needs PyTorch
PHASES = ["train", "eval"]
TRIAL_ROUNDS = 3
PAUSE = 0.25  # seconds until the idle threads of the other program have stopped spinning


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def measure(slm, pytorch, command, rounds):
    """Seconds per step of both, who take turns, and their ratio in each round, PyTorch's by slm's: as many times the
    tokens a second."""
    times = {"slm": [], "PyTorch": []}
    for _ in range(rounds):
        for program, its_times in zip((slm, pytorch), times.values()):
            time.sleep(PAUSE)
            its_times.append(program.ask(command))
    ratios = [theirs / ours for ours, theirs in zip(*times.values())]
    low, median, high = quartiles(ratios)
    return times | {"ratio": {"median": median, "quartiles": [low, high], "min": min(ratios), "max": max(ratios)}}


def variants_of(model, wanted, about):
    """The variants to try, and why the others of `wanted` are left out."""
    applicable = [variant for variant in wanted if model in about["attention"] or "fused" not in variant]
    left_out = {variant: about["variants"][variant] for variant in applicable if about["variants"][variant]}
    return [variant for variant in applicable if variant not in left_out], left_out


def ask_loss(slm, pytorch, tolerance):
    """PyTorch's loss of the weights in the file, which must be slm's."""
    ours, theirs = slm.ask("loss"), pytorch.ask("loss")
    if not abs(ours - theirs) <= tolerance * abs(theirs):
        raise Failed(pytorch, f"not the same model: with the same weights slm's loss is {ours:.7g} and PyTorch's "
                              f"{theirs:.7g}")
    return theirs


def find_best(model, slm, running, result, arguments, peer):
    """Tries the variants one by one; {phase: the fastest variant}, whose programs are left in `running`."""
    to_try, result["left_out"] = variants_of(model, arguments.variants, peer.about)
    best = {}
    for variant in to_try:
        command = peer.command("pytorch_step.py", *step_options(model, arguments), "--variant", variant, "--weights",
                               peer.inside(model + ".safetensors"), *["--shortcut"] * arguments.shortcut,
                               *["--fused-adam"] * arguments.fused_adam)
        try:
            program = running[variant] = Program(f"PyTorch ({variant})", command, arguments.patience)
            program.wait_until_ready()
            peak = program.ask("memory")  # after three training steps, before the file of weights is read
            loss = ask_loss(slm, program, arguments.tolerance)
            trial = {phase: measure(slm, program, f"{phase} {arguments.steps}", TRIAL_ROUNDS) for phase in PHASES}
        except Failed as failure:
            if failure.program is slm:
                raise
            result["left_out"][variant] = str(failure)
        else:
            result["peak_mib"][variant], result["loss"][variant] = peak, loss
            for phase in PHASES:
                result["trial"][phase][variant] = trial[phase]["ratio"]["median"]
            best = {phase: min(ratios, key=ratios.get) for phase, ratios in result["trial"].items()}
        for loser in set(running) - {"slm", *best.values()}:
            running.pop(loser).stop()
    if not best:
        raise Failed(None, "; ".join(f"{variant}: {reason}" for variant, reason in result["left_out"].items()))
    return best


def step_options(model, arguments):
    options = ["--model", model, "--threads", str(arguments.threads)]
    return options if arguments.dropout is None else [*options, "--dropout", str(arguments.dropout)]


def compare(model, arguments, peer):
    """Losses, times and memory of one model."""
    weights = model + ".safetensors"
    options = step_options(model, arguments)
    made = subprocess.run(peer.command("pytorch_step.py", *options, "--make-weights", peer.inside(weights)))
    if made.returncode != 0:
        raise Failed(None, "pytorch_step.py --make-weights failed")
    running = {}
    try:
        slm = running["slm"] = Program(
            "slm", [arguments.slm, *options, "--products", arguments.products, "--weights",
                    os.path.join(peer.folder, weights)], arguments.patience)
        slm.wait_until_ready()
        result = {"tokens": slm.ask("tokens"), "peak_mib": {"slm": slm.ask("memory")}, "loss": {"slm": slm.ask("loss")},
                  "trial": {phase: {} for phase in PHASES}}
        for phase, variant in find_best(model, slm, running, result, arguments, peer).items():
            times = measure(slm, running[variant], f"{phase} {arguments.steps}", arguments.rounds)
            result[phase] = times | {"variant": variant}
        return result
    finally:
        for program in running.values():
            program.stop()


HEADER = ["model", "step", "slm, ms", "PyTorch, ms", "PyTorch's best", "ratio", "tokens/s, slm / PyTorch",
          "peak MiB, slm / PyTorch", "of PyTorch's"]


def row(model, phase, result):
    cells, medians = [model, phase], {}
    for name in ("slm", "PyTorch"):
        low, medians[name], high = quartiles(result[phase][name])
        cells.append(f"{1e3 * medians[name]:.2f} ({1e3 * low:.2f}–{1e3 * high:.2f})")
    variant, ratio = result[phase]["variant"], result[phase]["ratio"]
    cells.append(variant)
    cells.append(f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})")
    cells.append(" / ".join(f"{result['tokens'] / medians[name]:,.0f}" for name in medians))
    ours, theirs = result["peak_mib"]["slm"], result["peak_mib"][variant]
    cells += [f"{ours:.0f} / {theirs:.0f}", f"{ours / theirs:.0%}"]
    return "| " + " | ".join(cells) + " |"


def left_out_text(results):
    """Which variants were left out and why, each reason once, with its models."""
    models = {}
    for model, result in results.items():
        for variant, reason in result["left_out"].items():
            models.setdefault((variant, reason), []).append(model)
    return "".join(f"Left out: {variant} ({', '.join(names)}): {reason}\n"
                   for (variant, reason), names in models.items())


def cpu_name():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def names_of(parser, what, text, known):
    names = text.split(",")
    for name in names:
        if name not in known:
            parser.error(f"unknown {what} {name}; the {what}s are {', '.join(known)}")
    return names


def parse_arguments(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS),
                        help="comma-separated (default: %(default)s; also " + ", ".join(LARGE) + ")")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="of PyTorch to try (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7, help="turns of each program (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=3, help="steps in a turn (default: %(default)s)")
    parser.add_argument("--dropout", type=float, help="for both programs (default: that of the study)")
    parser.add_argument("--products", choices=("full", "bfloat16"), default="full",
                        help="of slm's training steps; PyTorch's are in float (default: %(default)s)")
    parser.add_argument("--shortcut", action="store_true",
                        help="let PyTorch, too, compute the last block for the last position alone")
    parser.add_argument("--fused-adam", action="store_true",
                        help="let PyTorch update by Adam's fused kernel (on CPU from version 2.4 on)")
    parser.add_argument("--tolerance", type=float, default=1e-5,
                        help="largest relative difference of the losses (default: %(default)s)")
    parser.add_argument("--patience", type=float, default=600, metavar="SECONDS",
                        help="for an answer, and for torch.compile to compile (default: %(default)s)")
    parser.add_argument("--slm", default=str(HERE.parents[1] / "build/release/bench/peers/slm_step"),
                        help="the program slm_step (default: %(default)s)")
    parser.add_argument("--python", help="a Python with PyTorch, such as that of a virtual environment (default: this "
                                         "one, or /usr/bin/python3)")
    parser.add_argument("--root", metavar="FOLDER", help="the Python is the one inside this root folder (needs root)")
    parser.add_argument("--openblas", metavar="FOLDER",
                        help="folder of an OpenMP OpenBLAS's libblas.so.3, as the Python sees it (default: Debian's "
                             "for a PyTorch that takes the system's BLAS, none for another)")
    parser.add_argument("--out", metavar="FILE", help="write everything measured as JSON")
    arguments = parser.parse_args(words)
    arguments.models = names_of(parser, "model", arguments.models, MODELS + LARGE)
    arguments.variants = names_of(parser, "variant", arguments.variants, VARIANTS)
    if min(arguments.rounds, arguments.steps, arguments.threads) < 1:
        parser.error("--rounds, --steps and --threads must be at least 1")
    return arguments


def compare_all(arguments, peer):
    """Prints the table; {model: its result} of those that were timed."""
    print(f"{cpu_name()}, {arguments.threads} threads; {arguments.rounds} turns of {arguments.steps} steps each.")
    print(f"{peer.name()}.")
    print("Milliseconds: median (quartiles). Ratio: PyTorch / slm, median of the rounds (smallest–largest). Memory: of "
          "the whole process, after training.\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|", flush=True)
    results = {}
    for model in arguments.models:
        try:
            result = results[model] = compare(model, arguments, peer)
        except Failed as failure:
            print(f"{model}: not timed: {failure}", file=sys.stderr)
            continue
        print(*(row(model, phase, result) for phase in PHASES), sep="\n", flush=True)
    print("\n" + left_out_text(results), end="")
    return results


def main(words=None):
    arguments = parse_arguments(words)
    if not os.access(arguments.slm, os.X_OK):
        sys.exit(f"compare.py: no program {arguments.slm}; build it with the release preset, or name it with --slm")
    if os.getloadavg()[0] > 0.5:
        print(f"Note: the machine is busy (load {os.getloadavg()[0]:.1f}): expect a wide spread.", file=sys.stderr)
    pythons = [arguments.python] if arguments.python else [sys.executable, "/usr/bin/python3"][bool(arguments.root):]
    with PyTorchPeer(pythons, arguments.root, arguments.openblas, arguments.threads) as peer:
        if peer.about["system_blas"] and not peer.openblas:
            print("Note: libopenblas0-openmp is not installed, so PyTorch does not run at its best: the ratios flatter "
                  "slm.\napt-get install libopenblas0-openmp puts that right.", file=sys.stderr)
        compiled = [variant for variant in arguments.variants if "compiled" in variant]
        if not peer.about["compiled_for"] and any(not peer.about["variants"][variant] for variant in compiled):
            print("Note: torch.compile has no compiler, or lacks headers for vector instructions: its variants do not "
                  "run at their best.", file=sys.stderr)
        results = compare_all(arguments, peer)
        report = {"cpu": cpu_name(), "threads": arguments.threads, "steps": arguments.steps,
                  "shortcut": arguments.shortcut, "dropout": arguments.dropout, "products": arguments.products,
                  "fused_adam": arguments.fused_adam,
                  "pytorch": {"python": peer.python, "root": peer.root, "openblas": peer.openblas,
                              "settings": peer.settings, **peer.about},
                  "unit": "seconds per step, one number a turn", "models": results}
    if arguments.out:
        pathlib.Path(arguments.out).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(arguments.out).write_text(json.dumps(report, indent=1) + "\n")
    if len(results) < len(arguments.models):
        sys.exit(1)


if __name__ == "__main__":
    main()
