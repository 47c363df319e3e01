#!/usr/bin/env python3
"""Draws the paper's four architectures as SVG and PNG, the transformer as in study 1 and, of learned positions, as in
study 4. The other sizes are those of study 1.

    scripts/plot_architectures.py --out docs/figures
"""
import argparse
import pathlib
import sys

from analysis.paper import MODELS, RUNS, baseline, positions
from analysis.style import plt, save, set_up

from matplotlib.patches import FancyBboxPatch, Rectangle

COLUMN, BOX, GAP = 1.75, 1.42, 0.17  # inches
LINE = 0.155                              # of text
FILLS = {"data": "white", "embedding": "#CFE5F3", "linear": "#FBE3B8", "attention": "#BFE3D4", "norm": "#E6E6E6"}
OUTPUT, NORM = ("data", "logits of the\nnext token, V"), ("norm", "layer norm")


def config_of(model):
    return RUNS[baseline(model)]["config"]


def window(T, C):
    """What a model begins with that reads a window at once."""
    return [("data", f"T = {T} tokens"), ("embedding", f"token embedding\nV × {C}"),
            ("data", f"concatenation\nT · {C}")]


def linear():
    config = config_of("linear")
    T, C = config["context"], config["width"]
    return [*window(T, C), ("linear", f"linear\nT · {C} → V"), OUTPUT], [], []


def mlp():
    config = config_of("mlp")
    T, C, hidden = config["context"], config["width"], config["hidden"]
    return [*window(T, C), ("linear", f"linear, ReLU, dropout\nT · {C} → {hidden}"),
            ("linear", f"linear, ReLU, dropout\n{hidden} → {hidden}"), ("linear", f"linear\n{hidden} → V"),
            OUTPUT], [], []


def with_attention(row):
    """Below, in and above its blocks, with the ways around what each block adds."""
    config = RUNS[row]["config"]
    T, C, hidden = config["context"], config["width"], config["feed_forward"]
    dropout = ", dropout" if config["attention_dropout"] else ""
    attention = ("attention", f"causal self-attention,\n{config['heads']} heads{dropout}")
    feed_forward = ("linear", f"linear, ReLU, linear,\ndropout\n{C} → {hidden} → {C}")
    add = "dropout, add" if config["residual_dropout"] else "add"
    if config["norm"] == "pre":
        block = [NORM, attention, ("norm", add), NORM, feed_forward, ("norm", add)]
        ways = [(0, 2), (3, 5)]
    else:
        block = [attention, ("norm", f"{add}, layer norm"), feed_forward, ("norm", f"{add}, layer norm")]
        ways = [(0, 1), (2, 3)]
    return ([("data", f"T = {T} tokens"), ("embedding", f"token + position\nembedding, {C}")], (block, ways),
            [("norm", "last position,\nlayer norm"), ("linear", f"linear\n{C} → V"), OUTPUT])


def of_blocks(name, row):
    return name, RUNS[row]["config"]["layers"], with_attention(row)


ARCHITECTURES = [  # with the number of blocks
    (MODELS["linear"], 0, linear()),
    (MODELS["mlp"], 0, mlp()),
    *(of_blocks(MODELS[model], baseline(model)) for model in ("attention", "transformer")),
    of_blocks("transformer, study 4", positions("learned")),
]


def height(text):
    return LINE * (text.count("\n") + 1) + 0.1


class Column:
    """Boxes above each other, with an arrow from each to the next."""

    def __init__(self, axes, middle):
        self.axes, self.middle, self.top = axes, middle, 0.0

    def arrow(self, start, end):
        self.axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "0.25", "linewidth": 1,
                                                       "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8})

    def add(self, kind, text, gap=GAP):
        """Returns where the arrow into the box begins and where the box's middle is."""
        begin = self.top
        bottom = begin + gap if begin else begin
        if begin:
            self.arrow((self.middle, begin), (self.middle, bottom))
        tall = height(text)
        self.axes.add_patch(FancyBboxPatch((self.middle - BOX / 2, bottom), BOX, tall, linewidth=0.9,
                                           facecolor=FILLS[kind], edgecolor="0.7" if kind == "data" else "0.25",
                                           boxstyle="round,pad=0,rounding_size=0.05"))
        self.axes.text(self.middle, bottom + tall / 2, text, ha="center", va="center", fontsize=8, linespacing=1.1)
        self.top = bottom + tall
        return begin, bottom + tall / 2

    def residual(self, begin, end):
        """A way around the boxes in between, from the arrow at height `begin` to the box at height `end`."""
        side, low = self.middle - BOX / 2 - 0.1, begin + GAP / 2
        self.axes.plot([self.middle, side, side], [low, low, end], color="0.25", linewidth=1, solid_joinstyle="round")
        self.arrow((side, end), (self.middle - BOX / 2, end))

    def blocks(self, boxes, ways, count):
        """A frame around the boxes, which stand for `count` blocks of the same kind."""
        frame = self.top + GAP * 0.25
        starts, middles = zip(*(self.add(*box) for box in boxes))
        for first, last in ways:
            self.residual(starts[first], middles[last])
        self.axes.add_patch(Rectangle((self.middle - BOX / 2 - 0.15, frame), BOX + 0.21, self.top + GAP * 0.5 - frame,
                                      fill=False, edgecolor="0.45", linewidth=0.9, linestyle=(0, (3, 2))))
        self.axes.text(self.middle + BOX / 2 + 0.05, self.top + GAP * 0.7,
                       "1 block" if count == 1 else f"{count} blocks", ha="right", va="bottom", fontsize=8)


def draw():
    width = COLUMN * len(ARCHITECTURES)
    figure = plt.figure(figsize=(width, 5.85))
    axes = figure.add_axes((0, 0, 1, 1))
    highest = 0
    for place, (name, count, (below, block, above)) in enumerate(ARCHITECTURES):
        column = Column(axes, (place + 0.5) * COLUMN)
        for box in below:
            column.add(*box)
        if block:
            column.blocks(*block, count)
        for i, box in enumerate(above):
            column.add(*box, gap=2 * GAP if i == 0 else GAP)  # room for the number of blocks
        axes.text(column.middle, -0.12, name, ha="center", va="top", fontsize=10, fontweight="bold")
        highest = max(highest, column.top)
    axes.set_xlim(0, width)
    axes.set_ylim(-0.32, highest + 0.05)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="docs/figures", type=pathlib.Path, help="folder (default: docs/figures)")
    arguments = parser.parse_args()
    set_up()
    plt.rcParams["figure.constrained_layout.use"] = False  # each box is placed by hand
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        save(draw(), arguments.out / "architectures")
    except OSError as error:
        sys.exit(f"plot_architectures.py: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
