#!/usr/bin/env python3
"""Times slm against PyTorch, the two in turn on the same machine, after checking that they compute the same loss.

    bench/peers/compare.py [--models transformer,mlp] [--rounds 7] [--out results/peers.json]

PyTorch runs at the best setting known: OpenBLAS built for OpenMP (Debian's libopenblas0-openmp), one pool of
threads, and a malloc that keeps its memory. Run it on a machine that does nothing else. The model gpt2, not among
the default ones, has the shapes of GPT-2's smallest: it takes three gigabytes for each program.
"""
import argparse
import glob
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ["linear", "mlp", "attention", "transformer", "learned", "rope", "ptb", "wikitext2", "gpt", "gru", "lstm"]
LARGE = ["gpt2"]  # only where asked for
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "20000000000", "MALLOC_ARENA_MAX": "1"}


class Program:
    """A process that answers one line for each line it is sent."""

    def __init__(self, name, command, environment=None):
        self.name = name
        try:
            self.process = subprocess.Popen(command, env=environment, text=True, bufsize=1,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            sys.exit(f"compare.py: cannot start {command[0]}: {error.strerror}")

    def read(self, expected):
        line = self.process.stdout.readline().strip()
        if not line:
            sys.exit(f"compare.py: {self.name} ended (exit code {self.process.wait()}) where {expected} was expected")
        return line

    def wait_until_ready(self):
        line = self.read('"ready"')
        if line != "ready":
            sys.exit(f'compare.py: {self.name} said "{line}" where "ready" was expected')

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
        except BrokenPipeError:
            pass  # it ended: reading its answer tells
        line = self.read(f'the answer to "{command}"')
        try:
            return float(line)
        except ValueError:
            sys.exit(f'compare.py: {self.name} answered "{line}" to "{command}" where a number was expected')

    def blas(self):
        """The BLAS library the process has loaded, or "unknown"."""
        try:
            maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()
        except OSError:
            return "unknown"
        files = {line.split()[-1] for line in maps.splitlines() if "/" in line}
        return next((file for file in sorted(files) if "blas" in pathlib.Path(file).name), "unknown")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def python_with_torch(wanted):
    for python in [wanted] if wanted else [sys.executable, "/usr/bin/python3"]:
        try:
            if subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0:
                return python
        except OSError:
            pass
    sys.exit("compare.py: found no Python with PyTorch; apt-get install python3-torch, or name one with --python")


def pytorch_environment(threads, openblas):
    environment = os.environ | MALLOC | {"OMP_NUM_THREADS": str(threads)}
    folder = openblas or next(iter(glob.glob("/usr/lib/*/openblas-openmp")), None)
    if folder:
        inherited = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = folder + (":" + inherited if inherited else "")
    return environment, folder


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def measure(programs, command, rounds):
    """Seconds per step of each program, the programs taking turns: {name: [a time for each round]}."""
    times = {program.name: [] for program in programs}
    for _ in range(rounds):
        for program in programs:
            time.sleep(0.05)  # until the idle threads of the other one have stopped spinning
            times[program.name].append(program.ask(command))
    return times


def summary(times):
    """The times with their ratio, PyTorch's by slm's in each round: as many times the tokens a second."""
    ratios = [theirs / ours for ours, theirs in zip(times["slm"], times["PyTorch"])]
    low, median, high = quartiles(ratios)
    return times | {"ratio": {"median": median, "quartiles": [low, high], "min": min(ratios), "max": max(ratios)}}


def compare(model, arguments, python, environment, folder):
    """Losses, times and memory of one model, or None where the two programs do not compute the same."""
    weights = os.path.join(folder, model + ".safetensors")
    options = ["--model", model, "--threads", str(arguments.threads)]
    if arguments.dropout is not None:
        options += ["--dropout", str(arguments.dropout)]
    peer = [python, str(HERE / "pytorch_step.py"), *options] + ["--shortcut"] * arguments.shortcut
    made = subprocess.run([*peer, "--make-weights", weights], env=environment)
    if made.returncode != 0:
        sys.exit(f"compare.py: pytorch_step.py --make-weights failed for {model}")

    programs = []
    try:
        programs.append(Program("slm", [arguments.slm, *options, "--weights", weights]))
        programs[0].wait_until_ready()
        programs.append(Program("PyTorch", [*peer, "--weights", weights], environment))
        programs[1].wait_until_ready()
        # After three training steps, before the file of weights is read.
        result = {"blas": programs[1].blas(), "tokens": programs[0].ask("tokens"),
                  "peak_mib": {program.name: program.ask("memory") for program in programs}}
        result["loss"] = {program.name: program.ask("loss") for program in programs}
        ours, theirs = result["loss"]["slm"], result["loss"]["PyTorch"]
        if not abs(ours - theirs) <= arguments.tolerance * abs(theirs):
            print(f"{model}: not the same model: with the same weights slm's loss is {ours:.7g} and PyTorch's "
                  f"{theirs:.7g}; not timed", file=sys.stderr)
            return None
        for phase in ("train", "eval"):
            result[phase] = summary(measure(programs, f"{phase} {arguments.steps}", arguments.rounds))
        return result
    finally:
        for program in programs:
            program.stop()


HEADER = ["model", "step", "slm, ms", "PyTorch, ms", "ratio", "tokens/s, slm / PyTorch", "peak MiB, slm / PyTorch",
          "of PyTorch's"]


def row(model, phase, result):
    cells, medians = [model, phase], {}
    for name in ("slm", "PyTorch"):
        low, medians[name], high = quartiles(result[phase][name])
        cells.append(f"{1e3 * medians[name]:.2f} ({1e3 * low:.2f}–{1e3 * high:.2f})")
    ratio = result[phase]["ratio"]
    cells.append(f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})")
    cells.append(" / ".join(f"{result['tokens'] / medians[name]:,.0f}" for name in medians))
    peak = result["peak_mib"]
    cells += [f"{peak['slm']:.0f} / {peak['PyTorch']:.0f}", f"{peak['slm'] / peak['PyTorch']:.0%}"]
    return "| " + " | ".join(cells) + " |"


def cpu_name():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help="comma-separated (default: %(default)s; also " + ", ".join(LARGE) + ")")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7, help="turns of each program (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=3, help="steps in a turn (default: %(default)s)")
    parser.add_argument("--dropout", type=float, help="for both programs (default: that of the study)")
    parser.add_argument("--shortcut", action="store_true",
                        help="let PyTorch, too, compute the last block for the last position alone")
    parser.add_argument("--tolerance", type=float, default=1e-5,
                        help="largest relative difference of the losses (default: %(default)s)")
    parser.add_argument("--slm", default=str(HERE.parents[1] / "build/release/bench/peers/slm_step"),
                        help="the program slm_step (default: %(default)s)")
    parser.add_argument("--python", help="a Python with PyTorch (default: this one, or /usr/bin/python3)")
    parser.add_argument("--openblas", metavar="FOLDER", help="folder of an OpenMP OpenBLAS's libblas.so.3")
    parser.add_argument("--out", metavar="FILE", help="write everything measured as JSON")
    arguments = parser.parse_args()
    arguments.models = arguments.models.split(",")
    unknown = [model for model in arguments.models if model not in MODELS + LARGE]
    if unknown:
        parser.error(f"unknown model {unknown[0]}; the models are {', '.join(MODELS + LARGE)}")
    if min(arguments.rounds, arguments.steps, arguments.threads) < 1:
        parser.error("--rounds, --steps and --threads must be at least 1")
    return arguments


def main():
    arguments = parse_arguments()
    if not os.access(arguments.slm, os.X_OK):
        sys.exit(f"compare.py: no program {arguments.slm}; build it with the release preset, or name it with --slm")
    python = python_with_torch(arguments.python)
    environment, openblas = pytorch_environment(arguments.threads, arguments.openblas)
    if not openblas:
        print("Note: libopenblas0-openmp is not installed, so PyTorch does not run at its best: the ratios flatter "
              "slm.\napt-get install libopenblas0-openmp puts that right.", file=sys.stderr)
    if os.getloadavg()[0] > 0.5:
        print(f"Note: the machine is busy (load {os.getloadavg()[0]:.1f}): expect a wide spread.", file=sys.stderr)
    results = {}
    print(f"{cpu_name()}, {arguments.threads} threads; {arguments.rounds} turns of {arguments.steps} steps each.")
    print("Milliseconds: median (quartiles). Ratio: PyTorch / slm, median of the rounds (smallest–largest). Memory: of "
          "the whole process, after training.\n")
    print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
    with tempfile.TemporaryDirectory(prefix="slm-peers-") as folder:
        for model in arguments.models:
            result = compare(model, arguments, python, environment, folder)
            if result:
                results[model] = result
                print(row(model, "train", result), row(model, "eval", result), sep="\n", flush=True)
    blas = sorted({result["blas"] for result in results.values()})
    print(f"\nPyTorch's BLAS: {', '.join(blas)}")
    if arguments.out:
        settings = {name: environment[name] for name in [*MALLOC, "OMP_NUM_THREADS"]}
        report = {"cpu": cpu_name(), "threads": arguments.threads, "steps": arguments.steps,
                  "shortcut": arguments.shortcut, "dropout": arguments.dropout, "openmp_openblas": bool(openblas),
                  "environment": settings, "unit": "seconds per step, one number a turn", "models": results}
        pathlib.Path(arguments.out).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(arguments.out).write_text(json.dumps(report, indent=1) + "\n")
    if len(results) < len(arguments.models):
        sys.exit(1)


if __name__ == "__main__":
    main()
