#!/usr/bin/env python3
"""Draws the runs of a results file, as SVG and PNG: loss by epoch, and test NLL against training FLOPs beside the
paper's points. Runs of different studies, data and --quick runs get figures of their own; of runs that differ
in nothing but the time they were made, the last one counts.

    scripts/plot.py results/runs.jsonl --out results/figures
"""
import argparse
import collections
import json
import math
import pathlib
import re
import statistics
import sys

from runs import MODELS, configuration, dataset_of, read_runs, reported, variant_label

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
except ImportError:
    print("plot.py: no figures, as this Python has no matplotlib: apt-get install python3-matplotlib, then "
          "/usr/bin/python3 scripts/plot.py", file=sys.stderr)
    sys.exit(3)

DATASETS = {"tiny_shakespeare": "Tiny Shakespeare", "ptb": "PTB", "wikitext-2": "WikiText-2",
            "synthetic": "synthetic corpus"}
# Okabe and Ito's colours, told apart by the colour-blind; the four models have the first four.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
NLL = "nats per token"

Series = collections.namedtuple("Series", "label runs paper colour marker")


def series_of(runs):
    """The runs by model and configuration, each with one run a seed, ordered as the models are listed above."""
    found = {}
    for run in runs:
        key = (run["model"], json.dumps(configuration(run), sort_keys=True))
        found.setdefault(key, {})[run.get("seed")] = run
    order = list(MODELS)
    keys = sorted(found, key=lambda key: order.index(key[0]) if key[0] in order else len(order))
    by_model = collections.Counter(model for model, _ in keys)
    result = []
    for place, key in enumerate(keys):
        model, variants = key[0], list(found[key].values())
        label = MODELS.get(model, model)
        if by_model[model] > 1:
            label += variant_label(configuration(variants[0]), [json.loads(k[1]) for k in keys if k[0] == model])
        single = model in order and max(by_model.values()) == 1
        style = order.index(model) if single else place
        paper = reported(variants[0])
        result.append(Series(label, variants, paper, COLOURS[style % len(COLOURS)], MARKERS[style % len(MARKERS)]))
    return result


def spread(values):
    """Mean and standard deviation (0 of a single value)."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def by_epoch(runs, key):
    """Epochs, means and deviations over the runs that have the epoch and a number there."""
    columns = []
    for epoch in range(max(len(run["epochs"]) for run in runs)):
        values = [run["epochs"][epoch].get(key) for run in runs if epoch < len(run["epochs"])]
        values = [value for value in values if isinstance(value, (int, float))]
        if values:
            columns.append((epoch + 1, *spread(values)))
    return [list(column) for column in zip(*columns)] if columns else [[], [], []]


def floor_line(axes, runs):
    floors = [run["floor_nll"] for run in runs if isinstance(run.get("floor_nll"), (int, float))]
    if floors:
        axes.axhline(floors[-1], color="0.35", linewidth=1, linestyle=(0, (1, 1.5)))
        axes.annotate(f"entropy of the corpus, {floors[-1]:.3f}", (0.99, floors[-1]), (0, -4), va="top", ha="right",
                      xycoords=axes.get_yaxis_transform(), textcoords="offset points", fontsize=8, color="0.35")


def draw_losses(axes, series):
    for one in series:
        for key, style in (("train_nll", dict(linestyle="--", linewidth=1.2, marker=".", markersize=5)),
                           ("valid_nll", dict(linestyle="-", linewidth=1.8, marker=one.marker, markersize=5))):
            epochs, means, deviations = by_epoch(one.runs, key)
            axes.plot(epochs, means, color=one.colour, **style)
            if len(one.runs) > 1 and epochs:
                low, high = zip(*((m - d, m + d) for m, d in zip(means, deviations)))
                axes.fill_between(epochs, low, high, color=one.colour, alpha=0.15, linewidth=0)
        if one.paper and one.paper.valid_nll:
            values = one.paper.valid_nll
            axes.plot(range(1, len(values) + 1), values, color=one.colour, linestyle=":", linewidth=1,
                      marker=one.marker, markersize=9, markerfacecolor="none")
    floor_line(axes, [run for one in series for run in one.runs])
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"NLL ({NLL})")
    axes.set_xlim(0.8, max(len(run["epochs"]) for one in series for run in one.runs) + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles = [Line2D([], [], color=one.colour, marker=one.marker, markersize=5, label=one.label) for one in series]
    handles += [Line2D([], [], color="0.3", linewidth=1.8, label="validation"),
                Line2D([], [], color="0.3", linewidth=1.2, linestyle="--", marker=".", markersize=5, label="train")]
    if any(one.paper and one.paper.valid_nll for one in series):
        handles.append(Line2D([], [], color="0.3", linestyle=":", linewidth=1, marker="o", markersize=9,
                              markerfacecolor="none", label="paper, validation"))
    if any(len(one.runs) > 1 for one in series):
        handles.append(matplotlib.patches.Patch(color="0.3", alpha=0.15, linewidth=0, label="± 1 std. dev."))
    return handles


def power_of_ten(value, _):
    """2e13 as 2 × 10¹³."""
    digits, exponent = f"{value:.1e}".split("e")
    digits = digits.removesuffix(".0")
    return rf"$10^{{{int(exponent)}}}$" if digits == "1" else rf"${digits} \times 10^{{{int(exponent)}}}$"


def note(axes, text, point, above, **options):
    axes.annotate(text, point, (15, 3 if above else -10), textcoords="offset points", fontsize=9, **options)


def draw_cost(axes, series):
    for one in series:
        points = [(run["flops_2pn"], run["test_nll"]) for run in one.runs
                  if isinstance(run.get("test_nll"), (int, float)) and run.get("flops_2pn", 0) > 0]
        if points:
            flops, losses = zip(*points)
            mean, deviation = spread(losses)
            axes.errorbar(flops[-1], mean, yerr=deviation if len(points) > 1 else None, color=one.colour,
                          marker=one.marker, markersize=5, capsize=5, linestyle="none", zorder=3)
            if len(points) > 1:
                axes.scatter(flops, losses, color=one.colour, marker="_", s=500, linewidth=0.7, zorder=2)
            above = not one.paper or mean >= one.paper.test_nll
            note(axes, f"{mean:.3f}", (flops[-1], mean), above)
        if one.paper:
            axes.plot(one.paper.flops_2pn, one.paper.test_nll, color=one.colour, marker=one.marker, markersize=13, markerfacecolor="none",
                      markeredgewidth=1.2, linestyle="none", zorder=2)
            point = (one.paper.flops_2pn, one.paper.test_nll)
            note(axes, f"paper {one.paper.test_nll:.3f}", point, not points or not above, color="0.4")
    floor_line(axes, [run for one in series for run in one.runs])
    axes.set_xscale("log")
    axes.set_xlabel("training FLOPs, estimated as 2 × parameters × tokens")
    axes.set_ylabel(f"test NLL ({NLL})")
    axes.margins(x=0.16, y=0.12)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.08)  # room for the numbers beside the last point
    decades = math.log10(high / low)
    steps = (1,) if decades > 2.5 else (1, 2, 5) if decades > 1 else (1, 1.5, 2, 3, 4, 6, 8)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.xaxis.set_minor_formatter(NullFormatter())
    return cost_legend(series)


def cost_legend(series):
    def entry(label, marker, size, **options):
        return Line2D([], [], color=options.pop("color", "0.3"), marker=marker, markersize=size, linestyle="none",
                      label=label, **options)

    handles = [entry(one.label, one.marker, 6, color=one.colour) for one in series]
    seeds = {len(one.runs) for one in series}
    if max(seeds) > 1:
        count = f"{max(seeds)} seeds" if len(seeds) == 1 else "the seeds"
        handles += [entry("one seed", "_", 14, markeredgewidth=0.7),
                    entry(f"mean of {count},\n± 1 std. dev.", "o", 6)]
    if any(one.paper for one in series):
        handles.append(entry("paper, one seed", "o", 12, markerfacecolor="none"))
    return handles


def draw_figure(path, title, series, draw):
    figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    handles = draw(axes, series)
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, labelspacing=0.8)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=150)
    plt.close(figure)
    print(f"{path}.svg, {path.name}.png")


def slug(text):
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def figure_names(groups):
    """A file name for each group of runs; where only the data's checksum differs, a number tells them apart."""
    names = {}
    for key in groups:
        study, (dataset, _), quick = key
        parts = [slug(study)] + [slug(dataset)] * (slug(dataset) not in slug(study)) + ["quick"] * quick
        name = "_".join(parts)
        same = sum(re.fullmatch(re.escape(name) + r"(_data\d+)?", other) is not None for other in names.values())
        names[key] = f"{name}_data{same + 1}" if same else name
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path, help="runs.jsonl: one JSON object a line")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results/figures"),
                        help="folder of the figures (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        runs = [run for run in read_runs(arguments.runs) if run["epochs"]]
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"plot.py: {error.filename}: {error.strerror}")
    if not runs:
        sys.exit(f"plot.py: {arguments.runs} has no runs to draw")

    matplotlib.rcParams["svg.hashsalt"] = "slm"  # the same runs give the same file
    groups = collections.defaultdict(list)
    for run in runs:
        groups[str(run["study"]), dataset_of(run), bool(run.get("quick"))].append(run)
    for key, name in figure_names(groups).items():
        study, (dataset, _), quick = key
        shown = DATASETS.get(dataset, dataset)
        title = shown if slug(study) == slug(dataset) else f"{study.replace('_', ' ')}, {shown}"
        title = title[:1].upper() + title[1:]
        title += " (quick run, a tenth of the windows)" if quick else ""
        series = series_of(groups[key])
        draw_figure(arguments.out / f"{name}_loss", title, series, draw_losses)
        draw_figure(arguments.out / f"{name}_flops", title, series, draw_cost)


if __name__ == "__main__":
    main()
