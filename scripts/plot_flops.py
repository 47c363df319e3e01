#!/usr/bin/env python3
"""Draws what the four architectures' FLOPs are made of, and how far other rules of counting are from slm's exact
count, as SVG and PNG. Reads what examples/flops prints:

    build/release/examples/flops --study all --json | scripts/plot_flops.py --out docs/figures
"""
import argparse
import json
import pathlib
import sys

from analysis.paper import MODELS

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter
except ImportError:
    print("plot_flops.py: no figures, as this Python has no matplotlib: apt-get install python3-matplotlib, then "
          "/usr/bin/python3 scripts/plot_flops.py", file=sys.stderr)
    sys.exit(3)

# Parts by what their names end in, the first that fits; Okabe and Ito's colours.
GROUPS = [("queries, keys, values, output map", ("attention.qkv", "attention.proj"), "#0072B2"),
          ("attention: scores and sums", ("blocks.attention",), "#56B4E9"),
          ("feed-forward and hidden layers", ("feed_forward.up", "feed_forward.down", "hidden.0", "hidden.1"),
           "#009E73"),
          ("head", ("head",), "#E69F00"),
          ("norms", ("norm", "norm1", "norm2"), "#CC79A7"),
          ("embeddings, loss, what is between layers", ("",), "#999999"),
          ("optimizer", (), "#000000")]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
COLOURS = ["#000000", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#0072B2", "#999999"]


def group_of(part):
    return next(i for i, (_, ends, _) in enumerate(GROUPS) if any(part.endswith(end) for end in ends))


def groups_of(model):
    """FLOPs of a training step by group."""
    sums = [0] * len(GROUPS)
    for part in model["parts"]:
        sums[group_of(part["part"])] += part["forward"]["flops"] + part["backward"]["flops"]
        sums[-1] += part["optimizer"]["flops"]
    return sums


def draw_parts(models):
    figure, axes = plt.subplots(figsize=(9, 3.6))
    for row, model in enumerate(models):
        sums = groups_of(model)
        total, left = sum(sums), 0
        for flops, (_, _, colour) in zip(sums, GROUPS):
            axes.barh(row, 100 * flops / total, left=left, color=colour, height=0.65)
            left += 100 * flops / total
        tokens = model["batch"] * model["context"]
        axes.annotate(f"{total / tokens / 1e6:.2f} MFLOP a token", (100, row), (6, 0), va="center",
                      textcoords="offset points", annotation_clip=False)
    axes.set_yticks(range(len(models)), [MODELS[model["model"]] for model in models])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of a training step's FLOPs, as executed (%)")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for _, _, colour in GROUPS]
    axes.legend(handles, [name for name, _, _ in GROUPS], loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3,
                frameon=False, fontsize=8)
    return figure


def draw_conventions(models):
    figure, axes = plt.subplots(figsize=(9, 4.6))
    names = list(models[0]["training"]["conventions"])
    for i, name in enumerate(names):
        for place, model in enumerate(models):
            training = model["training"]
            exact = training["forward"]["flops"] + training["backward"]["flops"]
            axes.plot(place + (i - (len(names) - 1) / 2) * 0.09, training["conventions"][name] / exact,
                      marker=MARKERS[i], color=COLOURS[i], linestyle="none", markersize=7,
                      label=name if place == 0 else None)
    for place in range(len(models) - 1):
        axes.axvline(place + 0.5, color="0.9", linewidth=1)
    axes.axhline(1, color="0.3", linewidth=1)
    axes.annotate("slm's exact count", (0.005, 1), (0, -4), va="top", xycoords=axes.get_yaxis_transform(),
                  textcoords="offset points", fontsize=8, color="0.3")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    labels = []
    for model in models:
        labels.append(f"{MODELS[model['model']]}\nV = {model['vocabulary']:,}, T = {model['context']}")
    axes.set_xticks(range(len(models)), labels, fontsize=8)
    axes.set_xlim(-0.5, len(models) - 0.5)
    axes.set_ylabel("FLOPs of the training,\nas a multiple of those executed")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=8)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="?", default="-", help="JSON of examples/flops (default: standard input)")
    parser.add_argument("--out", default="docs/figures", type=pathlib.Path, help="folder (default: docs/figures)")
    arguments = parser.parse_args()
    try:
        text = sys.stdin.read() if arguments.counts == "-" else pathlib.Path(arguments.counts).read_text()
        counts = json.loads(text)
        baselines = [count for count in counts if count["study"] == 1]
        words = [count for count in counts if count["study"] == 3]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"plot_flops.py: needs the output of flops --study all --json: {error}")
    if not baselines or not words:
        sys.exit("plot_flops.py: needs studies 1 and 3: flops --study all --json")
    plt.rcParams.update({"svg.hashsalt": "slm", "font.size": 9})
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures = {"flops_parts": draw_parts(baselines), "flops_conventions": draw_conventions(baselines + words)}
    for name, figure in figures.items():
        figure.savefig(arguments.out / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
        figure.savefig(arguments.out / f"{name}.png", dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main()
