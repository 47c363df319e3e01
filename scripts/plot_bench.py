#!/usr/bin/env python3
"""Draws the JSON files of the benchmarks: a roofline with every operation on it, and attention against the MLP.

    scripts/plot_bench.py results/bench [--out docs/figures] [--compare OLD.json]
"""
import argparse
import json
import pathlib
import re
import sys

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import ScalarFormatter
except ImportError:
    sys.exit("plot_bench.py: this Python has no matplotlib: apt-get install python3-matplotlib, then "
             "/usr/bin/python3 scripts/plot_bench.py")

COLOURS = {"attention": "#0072B2", "mlp_equal_flops": "#E69F00", "mlp_equal_parameters": "#009E73"}
LABELS = {"attention": "causal self-attention", "mlp_equal_flops": "MLP of equal FLOPs",
          "mlp_equal_parameters": "MLP of equal parameters"}


def read(path):
    """Context and, by name, the medians over repetitions with their coefficient of variation."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"plot_bench.py: {path}: {error}")
    medians, spreads = {}, {}
    for entry in content["benchmarks"]:
        name = entry.get("run_name", entry["name"]).removesuffix("/real_time")
        if entry.get("aggregate_name", "median") == "median":
            medians[name] = entry
        elif entry["aggregate_name"] == "cv":
            spreads[name] = entry["real_time"]
    return content["context"], medians, spreads


def finish(figure, axes, path):
    axes.grid(True, which="major", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=150)
    plt.close(figure)
    print(f"{path}.svg, {path.name}.png")


def draw_attention_mlp(context, medians, out):
    """Time of forward and backward per token over the window, and the speed at which it computes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    peak = float(context["peak_gflops"]) * 1e9
    for kind, colour in COLOURS.items():
        points = []
        for name, entry in medians.items():
            match = re.fullmatch(rf"{kind}/T:(\d+)/C:128/forward\+backward", name)
            if match:
                points.append((int(match[1]), entry["real_time"] / 4096, entry["FLOP/s"] / peak * 100))
        windows, times, shares = zip(*sorted(points))
        left.plot(windows, times, color=colour, marker="o", label=LABELS[kind])
        right.plot(windows, shares, color=colour, marker="o", label=LABELS[kind])
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xlabel("window T (tokens)")
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.set_ylim(bottom=0)
        axes.grid(True, color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("forward and backward (µs a token)")
    right.set_ylabel("share of the measured peak (%)")
    left.legend(frameon=False)
    finish(figure, right, out / "attention_mlp")


def draw_roofline(context, medians, out):
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    peak = float(context["peak_gflops"])
    shown = {}
    for name, entry in medians.items():
        match = re.fullmatch(r"(\w+)/forward\+backward/B:64/C:128", name)
        if match and entry.get("FLOP/B", 0) > 0:
            shown[match[1]] = (entry["FLOP/B"], entry["FLOP/s"] / 1e9)
    bandwidth = max(speed / intensity for intensity, speed in shown.values() if intensity < 2)
    low, high = 0.02, 200
    ridge = peak / bandwidth
    axes.plot([low, ridge, high], [low * bandwidth, peak, peak], color="0.4", linewidth=1.2)
    axes.annotate(f"{peak:.0f} GFLOP/s, measured in products", (high, peak), (0, 4), ha="right", fontsize=8,
                  textcoords="offset points", color="0.3")
    axes.annotate(f"{bandwidth:.0f} GB/s, the best operation's", (low * 1.3, low * 1.3 * bandwidth), (6, -4),
                  va="top", fontsize=8, textcoords="offset points", color="0.3")
    for i, (name, (intensity, speed)) in enumerate(sorted(shown.items(), key=lambda item: item[1])):
        axes.plot(intensity, speed, marker="o", color="#0072B2", linestyle="none")
        above = i % 2 == 0
        axes.annotate(name, (intensity, speed), (0, 7 if above else -7), textcoords="offset points", ha="center",
                      va="bottom" if above else "top", fontsize=8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("arithmetic intensity (FLOP per byte across the kernel's boundary)")
    axes.set_ylabel("speed, forward and backward (GFLOP/s)")
    axes.set_title("64 windows of 128 tokens, width 128", loc="left", fontsize=11)
    finish(figure, axes, out / "roofline")


def compare(old_path, folder):
    """What changed beyond the noise of both runs, in relation to the peak of each."""
    old_context, old, old_spread = read(old_path)
    for path in sorted(folder.glob("*.json")):
        context, new, spread = read(path)
        scale = float(context["peak_gflops"]) / float(old_context["peak_gflops"])
        for name in sorted(old.keys() & new.keys()):
            ratio = new[name]["real_time"] / old[name]["real_time"] * scale
            noise = 3 * max(old_spread.get(name, 0), spread.get(name, 0), 0.02)
            if abs(ratio - 1) > noise:
                print(f"{name}: {'slower' if ratio > 1 else 'faster'}, {ratio:.2f} of the old time (noise ±{noise:.0%})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="folder of the figures (default: FOLDER)")
    parser.add_argument("--compare", type=pathlib.Path)
    arguments = parser.parse_args()
    out = arguments.out or arguments.folder
    out.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = "slm"  # the same numbers give the same file
    context, medians, _ = read(arguments.folder / "operations.json")
    draw_roofline(context, medians, out)
    context, medians, _ = read(arguments.folder / "attention_mlp.json")
    draw_attention_mlp(context, medians, out)
    if arguments.compare:
        compare(arguments.compare, arguments.folder)


if __name__ == "__main__":
    main()
