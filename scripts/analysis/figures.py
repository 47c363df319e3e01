"""The paper's figures from our runs, with the paper's points."""
import math
from typing import NamedTuple

from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from .ngrams import nll_on, order_of, smoothing_of
from .paper import REPORTED, Reported
from .runs import dataset_label, label
from .seeds import Sample, within_seeds
from .style import (BASELINE, COLOURS, MARKERS, NLL, PAPER, WIDTH, entry, floor_line, flops_axis, labelled_line,
                    legend_below, legend_beside, plt)
from .text import span_text

INTERVAL = "mean of the seeds, ± 95 %"
MARK = 4  # points from the middle of a mark to its edge
NARROWEST = 3  # from the least to the most FLOPs on an axis, as a factor
BESIDE = 0.07  # epochs between two series, whose bars would hide each other
APART = 0.24   # epochs between our marks and the paper's, where there is one series


class Series(NamedTuple):
    label: str
    runs: list
    paper: Reported  # or nothing
    colour: str
    marker: str


def series_of(runs_by_row):
    """One for each row, styled by its place."""
    rows = list(runs_by_row)
    if len({row.dataset for row in rows}) > 1:
        names = [dataset_label(row.dataset) for row in rows]
    elif len({row.model for row in rows}) > 1:
        names = [label(row) for row in rows]
    else:
        names = [row.variant or label(row) for row in rows]
    return [Series(name, runs_by_row[row], REPORTED.get(row), COLOURS[place % len(COLOURS)],
                   MARKERS[place % len(MARKERS)]) for place, (row, name) in enumerate(zip(rows, names))]


def reach(sample):
    """Of its bar to either side: the interval's half width, nothing for one value."""
    return 0 if math.isnan(sample.half_width()) else sample.half_width()


def errorbar(axes, x, samples, **options):
    """Means, with the interval where there are two values or more."""
    widths = [reach(sample) for sample in samples]
    axes.errorbar(x, [sample.mean for sample in samples], yerr=widths if any(widths) else None, **options)


def band(axes, x, samples, colour):
    """The intervals of a curve of means."""
    axes.fill_between(x, [sample.mean - reach(sample) for sample in samples],
                      [sample.mean + reach(sample) for sample in samples], color=colour, alpha=0.2, linewidth=0)


def joined_seeds(axes, x, found, **style):
    """Figures by seed at several places: each seed's joined by a thin line, and the means with their intervals."""
    for seed in sorted(set().union(*found)):
        points = [(place, of_seeds[seed]) for place, of_seeds in zip(x, found) if seed in of_seeds]
        axes.plot(*zip(*points), color=style["color"], linewidth=0.7, marker=".", markersize=4, alpha=0.45, zorder=2)
    errorbar(axes, x, [Sample(of_seeds.values()) for of_seeds in found], markersize=5, linewidth=1.4, zorder=3, **style)


def ngram_line(axes, run, text):
    """What an n-gram model reaches, where there is one; returns its entries of a legend, one or none."""
    if not run:
        return []
    axes.axhline(nll_on(run, text), **BASELINE)
    return [entry(ngram_label(run, text), **BASELINE)]


def ngram_label(run, text, on=""):
    return f"n-gram{on}, {smoothing_of(run)},\norder {order_of(run)}: {nll_on(run, text):.3f}"


def n_of(runs):
    return f"n = {len(runs)}"


def by_epoch(runs, key):
    """Epochs and samples over the runs that have a number there."""
    columns = []
    for epoch in range(max(len(run["epochs"]) for run in runs)):
        values = [run["epochs"][epoch].get(key) for run in runs if epoch < len(run["epochs"])]
        values = [value for value in values if isinstance(value, (int, float))]
        if values:
            columns.append((epoch + 1, Sample(values)))
    return zip(*columns) if columns else ((), ())


def draw_losses(series, title="", ngram=None):
    """Training and validation loss by epoch, with the title before the panels' names."""
    alone = len(series) == 1
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharey=not alone)
    for axes, key, name in zip(panels, ("train_nll", "valid_nll"), ("training", "validation")):
        for i, one in enumerate(series):
            aside = (i - (len(series) - 1) / 2) * BESIDE
            style = {"color": one.colour, "marker": one.marker}
            epochs, samples = by_epoch(one.runs, key)
            reported = getattr(one.paper, key) if one.paper else ()
            apart = APART / 2 if alone and reported else 0
            errorbar(axes, [epoch + aside - apart for epoch in epochs], samples, markersize=4, linewidth=1.5, **style)
            axes.plot([epoch + aside + apart for epoch in range(1, len(reported) + 1)], reported, linestyle=":",
                      linewidth=1, **style, **PAPER)
        axes.set_title(f"{title}, {name}" if title else name.capitalize(), loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_ylabel(f"NLL ({NLL})" if alone or axes is panels[0] else "")
    floor_line(panels[1], [run for one in series for run in one.runs])
    baseline = ngram_line(panels[1], ngram, "valid")
    handles = [entry(f"{one.label}, {n_of(one.runs)}", color=one.colour, marker=one.marker, linestyle="-")
               for one in series]
    handles.append(entry(INTERVAL, marker="o", markersize=4, linestyle="-"))
    if any(one.paper and one.paper.valid_nll for one in series):
        trains = any(one.paper and one.paper.train_nll for one in series)
        handles.append(entry("paper, one seed" + ("" if trains else "\n(validation only)"), marker="o", linestyle=":",
                             linewidth=1, **PAPER))
    legend_below(figure, [*handles, *baseline])
    return figure


def draw_cost(series, counted="", ngrams=()):
    """Test NLL against training FLOPs as the paper counts them, with `counted` for what is special about that, and
    n-gram models, which have none."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    notes, bars = [], []
    for one in series:
        sample, flops = Sample(run["test_nll"] for run in one.runs), one.runs[-1]["flops_2pn"]
        errorbar(axes, [flops], [sample], color=one.colour, marker=one.marker, markersize=5, linestyle="none", zorder=3)
        above = not one.paper or sample.mean >= one.paper.test_nll
        notes.append((f"{sample.mean:.3f}", (flops, sample.mean), above, "0.1"))
        bars.append((flops, sample))
        if one.paper:
            point = (one.paper.flops_2pn, one.paper.test_nll)
            axes.plot(*point, color=one.colour, marker=one.marker, linestyle="none", **PAPER)
            notes.append((f"paper {one.paper.test_nll:.3f}", point, not above, "0.4"))
            bars.append((one.paper.flops_2pn, Sample([one.paper.test_nll])))
    floor_line(axes, [run for one in series for run in one.runs])
    for ngram in ngrams:
        on = f" on {dataset_label(ngram['dataset']['name'])}" if len(ngrams) > 1 else ""
        labelled_line(axes, nll_on(ngram, "test"), ngram_label(ngram, "test", on).replace("\n", " "))
    axes.set_xscale("log")
    axes.margins(x=0.2, y=0.15)
    low, high = axes.get_xlim()
    wider = max(1, (NARROWEST / (high / low))**0.5)  # or models of nearly the same cost would look far apart
    low, high = low / wider, high * wider
    axes.set_xlim(low, high * (high / low)**0.1)  # room for the numbers beside the last point
    flops_axis(axes, "training FLOPs, estimated as 2 × parameters × tokens" + (f"\n({counted})" if counted else ""))
    axes.set_ylabel(f"test NLL ({NLL})")
    handles = [entry(f"{one.label}, {n_of(one.runs)}", color=one.colour, marker=one.marker) for one in series]
    handles.append(entry(INTERVAL, marker="o", markersize=5))
    if any(one.paper for one in series):
        handles.append(entry("paper, one seed", marker="o", **PAPER))
    legend_beside(axes, handles)
    figure.canvas.draw()  # or the points have no place on the page yet
    taken = [bar_box(axes, flops, sample) for flops, sample in bars]
    for text, point, above, colour in notes:
        taken.append(place_note(axes, text, point, above, taken, color=colour))
    return figure


def bar_box(axes, flops, sample):
    """Where a sample's mean and interval lie on the page."""
    ends = [(flops, sample.mean - reach(sample)), (flops, sample.mean + reach(sample))]
    return Bbox(axes.transData.transform(ends))


def place_note(axes, text, point, above, taken, **options):
    """At the first of the places right, left, above and below of a point that is not `taken` and lies on the axes;
    returns its box."""
    height = 2 if above else -9
    places = [((9, height), "left"), ((-9, height), "right"), ((0, 8), "center"), ((0, -14), "center")]
    note = axes.annotate(text, point, (0, 0), textcoords="offset points", fontsize=8, **options)
    left, _, right, _ = axes.get_window_extent().extents
    for offset, alignment in places:
        note.set(position=offset, ha=alignment)
        box = note.get_window_extent()
        free = not any(Bbox.intersection(box.padded(MARK * axes.figure.dpi / 72), other) for other in taken)
        if free and left <= box.x0 and box.x1 <= right:
            return box
    note.set(position=places[0][0], ha=places[0][1])
    return note.get_window_extent()


SWEPT = {"linear": "context T (tokens)", "mlp": "hidden width h (features)", "attention": "heads H",
         "transformer": "layers L"}


def draw_sweeps(runs_by_row, ngram=None):
    """Test NLL against each swept hyperparameter, and within seeds how far it is from that with the value that shares
    most seeds with the others, the first of equal ones."""
    figure, panels = plt.subplots(2, len(SWEPT), figsize=(WIDTH, 4.8))
    baseline = []
    for place, (of_model, (model, name)) in enumerate(zip(panels.T, SWEPT.items())):
        rows = [row for row in runs_by_row if row.model == model]
        of_model[0].set_title(label(rows[0]._replace(variant="")) if rows else f"{model}: no runs yet", loc="left")
        if not rows:
            continue
        style = {"color": COLOURS[place], "marker": MARKERS[place]}
        values = [int(row.variant.split("=")[1]) for row in rows]
        tests = [{run["seed"]: run["test_nll"] for run in runs_by_row[row]} for row in rows]
        reported = [REPORTED[row].test_nll if row in REPORTED else math.nan for row in rows]
        base = max(range(len(tests)), key=lambda place: sum(len(tests[place].keys() & test.keys()) for test in tests))
        steps = [(value, found) for value, test in zip(values, tests) if (found := within_seeds(test, tests[base]))]
        joined_seeds(of_model[0], values, tests, **style)
        joined_seeds(of_model[1], *zip(*steps), **style)
        for axes, paper in zip(of_model, (reported, [one - reported[base] for one in reported])):
            axes.plot(values, paper, linestyle=":", linewidth=1, **style, **PAPER)
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_locator(FixedLocator(values))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.margins(x=0.15, y=0.12)
        floor_line(of_model[0], [run for row in rows for run in runs_by_row[row]])
        shared = [len(found) for value, found in steps if value != values[base]]
        of_model[1].set_title(f"n = {span_text(shared or [len(tests[base])])}", loc="left")
        of_model[1].set_xlabel(name)
    panels[0][0].set_ylabel(f"test NLL ({NLL})")
    panels[1][0].set_ylabel("difference to that at 0,\nwithin seeds")
    if ngram:  # too far below to be drawn without flattening all else
        baseline = [entry(f"{ngram_label(ngram, 'test')}, below", linestyle="none")]
    legend_below(figure, [entry(INTERVAL, marker="o", linestyle="-"), entry("one seed", linestyle="-", linewidth=0.7),
                          entry("paper, one seed", marker="o", linestyle=":", linewidth=1, **PAPER), *baseline])
    return figure
