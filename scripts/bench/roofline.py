"""The roofline: every operation between what the machine can compute and what its memory can carry."""
import re
import textwrap

from labels import place_labels
from style import BLUE, ORANGE, plt, save, tidy

LOW, HIGH = 0.03, 100  # FLOP per byte
SIZE = "B:64/C:128"
# What networks spend their time in has a name in the figure, so that names have room; the tables have all.
NAMED = ("add", "causal_attention", "cross_entropy", "dropout", "embedding", "gelu", "gru", "layer_norm", "linear",
         "linear_cross_entropy", "lstm", "matmul", "multiply", "relu", "rms_norm", "rotary_embedding", "silu", "softmax")
PASSES = {"forward": "forward pass", "forward+backward": "forward and backward pass"}


def points_of(results, direction):
    """(name, FLOP/B, GFLOP/s) of the operations that compute, and the names of those that only move numbers, or
    hardly do anything else."""
    points, still = [], []
    for name, entry in results.entries.items():
        match = re.fullmatch(rf"(\w+)/{re.escape(direction)}/{SIZE}", name)
        if not match:
            continue
        if entry.get("FLOP/B", 0) > LOW:
            points.append((match[1], entry.get("FLOP/B"), entry.get("FLOP/s") / 1e9))
        else:
            still.append(match[1])
    return sorted(points), sorted(still)


def draw_roofs(axes, results):
    peak = results.number("peak_gflops")
    registers = int(results.context["threads"]) * results.number("core_gflops")
    roofs = [("cache_gbytes", "shared cache", BLUE, 0.25, {"xytext": (-4, 2), "ha": "right", "va": "bottom"}),
             ("memory_gbytes", "memory", ORANGE, 0.3, {"xytext": (6, -2), "ha": "left", "va": "top"})]
    for key, place, colour, at, side in roofs:
        bandwidth = results.number(key)
        ridge = peak / bandwidth
        axes.plot([LOW, ridge], [LOW * bandwidth, peak], color=colour, linewidth=1.2)
        axes.annotate(f"{bandwidth:.0f} GB/s from {place}", (at * ridge, at * peak), textcoords="offset points",
                      fontsize=8, color=colour, **side)
    first_ridge = peak / results.number("cache_gbytes")
    axes.plot([first_ridge, HIGH], [peak, peak], color="0.3", linewidth=1.2)
    axes.plot([first_ridge, HIGH], [registers, registers], color="0.3", linewidth=1.0, linestyle=":")
    for height, text, side in ((registers, f"{registers:.0f} GFLOP/s\nin registers", "bottom"),
                               (peak, f"{peak:.0f} GFLOP/s:\nproducts\nin cache", "top")):
        axes.annotate(text, (HIGH, height), (5, 0), textcoords="offset points", va=side, fontsize=8, color="0.3",
                      annotation_clip=False)


def draw_roofline(results, out):
    figure, both = plt.subplots(2, 1, figsize=(7.5, 9), layout="constrained", sharex=True, sharey=True, dpi=150)
    notes = []
    speeds = []
    for axes, (direction, title) in zip(both, PASSES.items()):
        points, still = points_of(results, direction)
        speeds += [speed for _, _, speed in points]
        notes.append((axes, points, still))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(title)
        axes.set_ylabel("speed (GFLOP/s)")
        draw_roofs(axes, results)
        tidy(axes)
    both[0].set_xlim(LOW, HIGH)
    both[0].set_ylim(min(speeds) / 2, 2 * int(results.context["threads"]) * results.number("core_gflops"))
    both[1].set_xlabel("arithmetic intensity (FLOP per byte that the operation must read or write)")
    for axes, points, still in notes:
        for named, colour, layer in ((False, "0.65", 2), (True, "black", 3)):
            shown = [(x, y) for name, x, y in points if (name in NAMED) == named]
            if shown:
                axes.plot(*zip(*shown), "o", markersize=4.5, color=colour, zorder=layer)
        if still:
            axes.annotate(textwrap.fill("no FLOPs, or hardly any: " + ", ".join(still), 80), (1, 0), (-4, 4), ha="right",
                          xycoords="axes fraction", textcoords="offset points", fontsize=7.5, color="0.3")
    figure.canvas.draw()
    figure.set_layout_engine("none")  # names are placed on axes that stay where they are
    for axes, points, _ in notes:
        place_labels(axes, [point for point in points if point[0] in NAMED])
    save(figure, out / "bench_roofline")
