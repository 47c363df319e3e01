"""The figures of docs/frontier.md."""
import math

from .frontier_lines import FAMILIES, TRAINED, WORDS, lowest, noise
from .frontier_tables import best_by, blocks_of, budget_of, depth_points, swept
from .style import COLOURS, MARKERS, NLL, WIDTH, entry, flops_axis, labelled_line, labels_at_ends, legend_below, plt


def style_of(family):
    place = TRAINED.index(family)
    return {"color": COLOURS[place], "marker": MARKERS[place]}


def ngram_line(axes, frontier, at="right"):
    if frontier.ngrams:
        best = frontier.ngrams[0]
        labelled_line(axes, best["nll"], f"{best['config']['order']}-grams, counted, {best['nll']:.3f}", at)


def noise_bar(axes, frontier):
    """How far single trainings have to be apart, as a bar in a corner, which is no part of the data."""
    found = noise(frontier.compared())
    if found is None:
        return
    width, (low, high) = axes.get_xlim(), axes.get_ylim()
    at, across = low + 0.06 * (high - low), axes.get_yaxis_transform()
    axes.errorbar([0.03], [at], yerr=[found.difference() / 2], color="0.2", linewidth=1.5, capsize=3, transform=across)
    axes.text(0.05, at, f"up to {found.difference():.3f} by seeds alone", transform=across, va="center", fontsize=8,
              color="0.3")
    axes.set_xlim(width), axes.set_ylim(low, high)


def draw_curves(frontier, cost, label):
    """Every model as a point, each family's best as a line; nothing without costs."""
    curves = {family: frontier.envelope(family, cost) for family in frontier.families()}
    if not any(curves.values()):
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 4.8))
    for family, curve in curves.items():
        points = [(cost(point), point.nll) for point in frontier.compared(family=family) if cost(point) is not None]
        axes.scatter(*zip(*points), s=9, alpha=0.3, linewidths=0, **style_of(family))
        axes.plot([one[0] for one in curve], [one[1] for one in curve], linewidth=1.8, markersize=4.5,
                  **style_of(family))
    # What was not learned at all would press the curves together.
    best = [one[1] for curve in curves.values() for one in curve] + [line["nll"] for line in frontier.ngrams[:1]]
    low, high = min(best), max(best)
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.margins(x=0.05)
    ngram_line(axes, frontier, at="left")
    flops_axis(axes, label)
    axes.set_ylabel(f"loss ({NLL})")
    labels_at_ends(axes, [(FAMILIES[family], *curve[-1][:2], style_of(family)["color"])
                          for family, curve in curves.items() if curve])
    noise_bar(axes, frontier)
    return figure


def draw_frontier(frontier):
    return draw_curves(frontier, budget_of, "FLOPs of training and optimizer, as executed, at most")


def draw_seconds(frontier, price):
    return draw_curves(frontier, price, "seconds of training, where nothing else runs")


def draw_sizes(frontier):
    """Loss against parameters at each budget, a panel for each family: which size a budget wants."""
    families = [family for family in frontier.families()
                if len({point.parameters for point in frontier.compared(family=family)}) > 1]
    if not families:
        return None
    columns = min(3, len(families))
    figure, panels = plt.subplots(math.ceil(len(families) / columns), columns, squeeze=False, sharex=True,
                                  figsize=(WIDTH, 2.5 * math.ceil(len(families) / columns)))
    budgets = frontier.budgets()
    shades = plt.get_cmap("viridis")(range(0, 256, max(1, 230 // max(1, len(budgets) - 1))))
    for axes in panels.flat[len(families):]:
        axes.set_visible(False)
    for axes, family in zip(panels.flat, families):
        for budget, shade in zip(budgets, shades):
            best = lowest(frontier.compared(family=family, budget=budget), lambda point: point.parameters)
            best.sort(key=lambda point: point.parameters)
            if best:
                axes.plot([point.parameters for point in best], [point.nll for point in best], color=shade, marker="o",
                          markersize=3.5, linewidth=1.2)
        axes.set_xscale("log")
        axes.set_title(FAMILIES[family], loc="left", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel(f"loss ({NLL})")
    for axes in panels[-1]:
        axes.set_xlabel("parameters")
    legend_below(figure, [entry(f"{budget:.0e} FLOPs".replace("e+", "e"), color=shade, marker="o", linestyle="-",
                                markersize=3.5) for budget, shade in zip(budgets, shades)])
    return figure


def draw_sweeps(frontier):
    """Context and depth at equal FLOPs; nothing where neither was swept."""
    sweeps = [(best_by(swept(frontier, "context"), lambda point: point.model.context),
               lambda point: point.model.context, "context (tokens)"),
              (best_by(depth_points(frontier), blocks_of), blocks_of, "blocks, at about equal parameters")]
    if not any(points for points, _, _ in sweeps):
        return None
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.4))
    for axes, (points, value, label) in zip(panels, sweeps):
        for place, key in enumerate(sorted({(point.model.family, point.budget) for point in points})):
            chosen = sorted((point for point in points if (point.model.family, point.budget) == key), key=value)
            axes.plot([value(point) for point in chosen], [point.nll for point in chosen], markersize=4.5,
                      linestyle="-" if place % 2 else "--", **style_of(key[0]),
                      label=f"{FAMILIES[key[0]]}, {key[1]:.0e}".replace("e+", "e"))
            for point in chosen:
                axes.scatter([value(point)] * len(point.lines), [line["nll"] for line in point.lines], s=6, alpha=0.5,
                             linewidths=0, color=style_of(key[0])["color"])
        if points and "context" in label:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.set_xlabel(label)
        if points:
            axes.legend(fontsize=7.5)
    panels[0].set_ylabel(f"loss ({NLL})")
    return figure


def draw_words(frontiers):
    frontiers = {name: frontier for name, frontier in frontiers.items() if frontier.trained}
    if not frontiers:
        return None
    figure, panels = plt.subplots(1, len(frontiers), figsize=(WIDTH, 3.4), squeeze=False)
    shown = {}
    for axes, (name, frontier) in zip(panels[0], frontiers.items()):
        for family in frontier.families():
            curve = frontier.envelope(family, budget_of)
            axes.plot([one[0] for one in curve], [one[1] for one in curve], markersize=4.5, **style_of(family))
            shown[family] = entry(FAMILIES[family], linestyle="-", **{**style_of(family), "markersize": 4.5})
        ngram_line(axes, frontier, at="left")
        axes.margins(0.08)
        flops_axis(axes, "FLOPs of training and optimizer, at most", frontier.budgets())
        axes.set_title(WORDS[name], loc="left")
    panels[0][0].set_ylabel(f"loss ({NLL})")
    legend_below(figure, list(shown.values()))
    return figure
