"""Loss against exact FLOPs spent, and against the learning rate."""
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from .budgets import ARCHITECTURES, all_positions, curves, envelope, executed, nll_of, paper_curve, seeds_at
from .claims import losses
from .figures import INTERVAL, band, errorbar, joined_seeds, ngram_line
from .judging import TEXTS
from .paper import MODELS, REPORTED, positions, protocol_setting
from .seeds import Sample, within_seeds
from .style import COLOURS, MARKERS, NLL, PAPER, WIDTH, entry, flops_axis, legend_below, plt
from .text import span_text

SPENT = ((executed, "as executed"), (all_positions, "were every position computed"))
VARIANTS = ("learned", "RoPE")


def draw_iso_flop(results, ngram=None):
    """Validation NLL over training for each architecture, the paper's with its epochs at our FLOPs, and test NLL at
    the end of each training, for FLOPs as executed and were every position computed; nothing without counted runs."""
    if not any(curves(results, model, executed) for model in ARCHITECTURES):
        return None
    figure, panels = plt.subplots(1, len(SPENT), figsize=(WIDTH, 4.2), sharey=True)
    for axes, (price, title) in zip(panels, SPENT):
        seeds = [draw_budgets(axes, results, model, price) for model in ARCHITECTURES]
        baseline = ngram_line(axes, ngram, "valid")
        axes.margins(x=0.06)
        axes.set_title(title.capitalize(), loc="left")
        flops_axis(axes, "FLOPs of training and optimizer")
    panels[0].set_ylabel(f"NLL ({NLL})")
    handles = [entry(f"{MODELS[model]}, n = {n}", color=COLOURS[place], marker=MARKERS[place], markersize=4,
                     linestyle="-") for place, (model, n) in enumerate(zip(ARCHITECTURES, seeds)) if n]
    handles += [entry("validation, the lowest so\nfar, mean of seeds, ± 95 %", linestyle="-", marker="o", markersize=4),
                entry("paper's validation, one\nseed, at our FLOPs", linestyle=":", linewidth=1, marker="o", **PAPER),
                entry("test at the end of\na training, ± 95 %", marker="_", markersize=9), *baseline]
    legend_below(figure, handles)
    return figure


def draw_budgets(axes, results, model, price):
    """Of one architecture; returns how many seeds its points have, or nothing where there are no runs."""
    place = ARCHITECTURES.index(model)
    style = {"color": COLOURS[place], "marker": MARKERS[place]}
    found = curves(results, model, price)
    if not found:
        return None
    together = {seed: envelope(of_seed) for seed, of_seed in found.items()}
    ends = sorted({point.spent for one in together.values() for point in one})
    samples = [Sample(map(nll_of, seeds_at(together, spent).values())) for spent in ends]
    axes.plot(ends, [sample.mean for sample in samples], markersize=4, linewidth=1.5,
              markevery=max(1, len(ends) // 8), **style)
    band(axes, ends, samples, COLOURS[place])
    if paper := paper_curve(results, model, price):
        axes.plot([point.spent for point in paper], [point.nll for point in paper], linestyle=":", linewidth=1,
                  zorder=3, **style, **PAPER)
    tests = {}
    for *_, end in (one for of_seed in found.values() for one in of_seed):
        config = end.run["config"]
        tests.setdefault((config["windows"], config["epochs"]), []).append((end.spent, end.run["test_nll"]))
    for of_setting in tests.values():
        errorbar(axes, [of_setting[0][0]], [Sample(nll for _, nll in of_setting)], markersize=8, linestyle="none",
                 zorder=4, **{**style, "marker": "_"})
    return span_text([sample.n for sample in samples])


def draw_claim_1(lines):
    """The differences that claim 1 is judged by, of each of its lines at every budget; nothing without one."""
    if not any(part.seeds for one in lines for _, part in one.budgets):
        return None
    figure, panels = plt.subplots(2, 2, figsize=(WIDTH, 5.2))
    for axes, one in zip(panels.flat, lines):
        compared = [(row.budget, part) for row, part in one.budgets if part.seeds]
        for place, text in enumerate(TEXTS):
            axes.errorbar([budget for budget, _ in compared], [part.texts[text].difference for _, part in compared],
                          yerr=[part.texts[text].half_width for _, part in compared], color=COLOURS[place],
                          marker=MARKERS[place], markersize=4, linewidth=1.2)
        axes.axhline(0, color="0.35", linewidth=1, zorder=1)
        n = f", n = {span_text([part.seeds for _, part in compared])}" if compared else ": no runs yet"
        axes.set_title(one.compared.replace(", ", "\n", 1) + n, loc="left", fontsize=9)
        if compared:
            low, high = compared[0][0], compared[-1][0]
            room = max(1.3, (20 / (high / low)) ** 0.5)  # more than a decade, of which few ticks have a label
            axes.set_xscale("log")
            axes.set_xlim(low / room, high * room)
            flops_axis(axes, "budget (FLOPs)")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"difference ({NLL})")
    legend_below(figure, [entry(f"whole {name} text, ± 95 %", color=COLOURS[place], marker=MARKERS[place],
                                linestyle="-") for place, name in enumerate(TEXTS.values())])
    return figure


def draw_learning_rates(results, ngram=None):
    """Test NLL of each position variant against the learning rate, and the difference of the two within seeds;
    nothing where only one rate was made."""
    rows = [positions(variant) for variant in VARIANTS]
    by_rate = [{rate: losses(results, row, learning_rate=rate) for rate in results.rates(row)} for row in rows]
    if max(map(len, by_rate)) < 2:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    learned, rope = by_rate
    differences = {rate: seeds for rate in learned.keys() & rope.keys()
                   if (seeds := within_seeds(rope[rate], learned[rate]))}
    reported = [REPORTED[row].test_nll for row in rows]
    shown = [(left, VARIANTS[0], learned, reported[0], 0.985), (left, VARIANTS[1], rope, reported[1], 1.015),
             (right, "RoPE − learned", differences, reported[1] - reported[0], 1)]
    handles = []
    for place, (axes, name, found, paper, aside) in enumerate(shown):  # aside: so that bars hide nothing
        if not found:
            continue
        style = {"color": COLOURS[place], "marker": MARKERS[place]}
        rates = sorted(found)
        joined_seeds(axes, [rate * aside for rate in rates], [found[rate] for rate in rates], **style)
        axes.plot(protocol_setting(rows[0])["learning_rate"] * aside, paper, linestyle="none", zorder=4, **style,
                  **PAPER)
        n = ", ".join(str(len(found[rate])) for rate in rates)
        handles.append(entry(f"{name}, n = {n}", linestyle="-", **style))
    right.axhline(0, color="0.35", linewidth=1, zorder=1)
    for axes, name in ((left, f"test NLL ({NLL})"), (right, "difference within seeds")):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(sorted({*learned, *rope})))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.1, y=0.1)
        axes.set_xlabel("learning rate of Adam")
        axes.set_ylabel(name)
    handles += [entry(INTERVAL, marker="o", markersize=5), entry("one seed", linestyle="-", linewidth=0.7),
                entry("paper, one seed", marker="o", **PAPER), *ngram_line(left, ngram, "test")]
    legend_below(figure, handles)
    return figure
