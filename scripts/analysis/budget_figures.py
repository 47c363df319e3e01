"""Loss against exact FLOPs spent, and against the learning rate."""
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from .budgets import ARCHITECTURES, curves, envelope, paper_curve, pareto_front, seeds_at
from .figures import INTERVAL, errorbar
from .paper import MODELS, REPORTED, baseline, positions, protocol_setting
from .runs import training_flops
from .seeds import Sample
from .style import COLOURS, MARKERS, NLL, PAPER, WIDTH, entry, flops_axis, legend_beside, plt

POINTS_OF_FRONT = 400


def draw_iso_flop(results):
    """Validation NLL over training for each architecture, the paper's with its epochs at our FLOPs, test NLL at the
    end of the paper's trainings, and what no architecture undercuts; nothing without counted runs."""
    found = {model: seeds for model in ARCHITECTURES if (seeds := curves(results, model))}
    if not found:
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 4.2))
    points, handles = [], []
    for model, seeds in found.items():
        place = ARCHITECTURES.index(model)
        style = {"color": COLOURS[place], "marker": MARKERS[place]}
        for one in (one for of_seed in seeds.values() for one in of_seed):
            axes.plot(one.flops, one.nll, color=COLOURS[place], linewidth=0.6, alpha=0.5)
        reached = {seed: envelope(of_seed) for seed, of_seed in seeds.items()}
        ends = sorted({flops for one in reached.values() for flops in one.flops})
        means = [Sample(seeds_at(reached, flops).values()).mean for flops in ends]
        axes.plot(ends, means, markersize=4, linewidth=1.6, markevery=max(1, len(ends) // 8), **style)
        points += [(flops, Sample(values.values()).mean) for flops in spaced(ends[0], ends[-1], POINTS_OF_FRONT)
                   if (values := seeds_at(reached, flops))]  # a budget between two seeds' trainings may have none
        handles.append(entry(MODELS[model], markersize=4, linestyle="-", **style))
        if paper := paper_curve(results, model):
            axes.plot(*paper, linestyle=":", linewidth=1, zorder=3, **style, **{**PAPER, "markersize": 7})
        if runs := results.of(baseline(model)):
            errorbar(axes, [training_flops(runs[0])], [Sample(run["test_nll"] for run in runs)], markersize=7,
                     linestyle="none", zorder=4, **{**style, "marker": "_"})
    axes.plot(*zip(*pareto_front(points)), drawstyle="steps-post", color="0.82", linewidth=7,
              solid_joinstyle="round", zorder=0)
    axes.set_xscale("log")
    axes.margins(x=0.06)
    flops_axis(axes, "exact FLOPs spent on training and optimizer")
    axes.set_ylabel(f"NLL ({NLL})")
    handles += [entry("validation, the lowest\nso far, mean of seeds", linestyle="-", marker="o", markersize=4),
                entry("validation, one training", linestyle="-", linewidth=0.6),
                entry("paper's validation, one\nseed, at our FLOPs", linestyle=":", linewidth=1, marker="o",
                      **{**PAPER, "markersize": 7}),
                entry("test at the end, ± 95 %", marker="_", markersize=9),
                entry("Pareto front of\nthe means", linestyle="-", linewidth=7, color="0.82")]
    legend_beside(axes, handles)
    return figure


def spaced(low, high, count):
    """From one to the other, equally far apart on a log axis."""
    return [low * (high / low)**(i / (count - 1)) for i in range(count)]


def draw_learning_rates(results):
    """Test NLL of each position variant against the learning rate; nothing where only one was made."""
    shown = [variant for variant in ("learned", "RoPE") if len(results.rates(positions(variant))) > 1]
    if not shown:
        return None
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    all_rates = set()
    for place, variant in enumerate(("learned", "RoPE")):
        if variant not in shown:
            continue
        row, style = positions(variant), {"color": COLOURS[place], "marker": MARKERS[place]}
        rates, aside = results.rates(row), 0.985 if place == 0 else 1.015  # so that the bars hide nothing
        samples = [Sample(run["test_nll"] for run in results.of(row, learning_rate=rate)) for rate in rates]
        all_rates.update(rates)
        for rate, sample in zip(rates, samples):
            axes.plot([rate * aside] * sample.n, sample.values, marker="_", markersize=9, color=COLOURS[place],
                      linestyle="none", alpha=0.6)
        errorbar(axes, [rate * aside for rate in rates], samples, markersize=5, linewidth=1.4, zorder=3, **style)
        axes.plot(protocol_setting(row)["learning_rate"] * aside, REPORTED[row].test_nll, linestyle="none", zorder=4,
                  **style, **PAPER)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(all_rates)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.1, y=0.1)
    axes.set_xlabel("learning rate of Adam")
    axes.set_ylabel(f"test NLL ({NLL})")
    handles = [entry(variant, color=COLOURS[place], marker=MARKERS[place], linestyle="-")
               for place, variant in enumerate(("learned", "RoPE")) if variant in shown]
    handles += [entry(INTERVAL, marker="o", markersize=5), entry("one seed", marker="_", markersize=9),
                entry("paper, one seed", marker="o", **PAPER)]
    legend_beside(axes, handles)
    return figure
