"""Attention against the MLP, products by four libraries, and how a training step grows."""
import re

from style import BLUE, GREEN, GREY, ORANGE, RED, ones_twos_fives, plt, powers_of_two, save, tidy

LAYERS = {"attention": ("causal self-attention", BLUE, "o"),
          "mlp_equal_flops": ("MLP of equal FLOPs", ORANGE, "s"),
          "mlp_equal_parameters": ("MLP of equal parameters", GREEN, "^")}
MULTIPLIERS = {"slm": (BLUE, "o"), "Eigen": (ORANGE, "s"), "OpenBLAS": (GREEN, "^"), "oneDNN": (RED, "D")}
SWEEPS = {"window/T": "window T (tokens), 4 windows", "width/C": "width C (features)",
          "depth/L": "depth L (blocks)", "batch/B": "batch B (windows)"}
TOKENS = 4096  # of attention against the MLP


def matching(results, pattern):
    """(groups of the pattern, entry) of every benchmark of that name."""
    for name, entry in results.entries.items():
        match = re.fullmatch(pattern, name)
        if match:
            yield match.groups(), entry


def draw_attention_mlp(results, out):
    """Both passes: time a token and speed, over the window and over the width."""
    figure, rows = plt.subplots(2, 2, figsize=(8, 6), layout="constrained", sharey="row")
    sweeps = [(r"T:(\d+)/C:128", "window T (tokens), at width 128"), (r"T:128/C:(\d+)", "width C, at 128 tokens")]
    for column, (pattern, text) in enumerate(sweeps):
        seen = []
        for kind, (label, colour, marker) in LAYERS.items():
            points = sorted((int(size), entry.seconds * 1e6 / TOKENS, entry.get("%peak"))
                            for (size,), entry in matching(results, rf"{kind}/{pattern}/forward\+backward"))
            sizes, times, shares = zip(*points)
            seen += sizes
            for axes, values in ((rows[0][column], times), (rows[1][column], shares)):
                axes.plot(sizes, values, color=colour, marker=marker, markersize=5, label=label)
        for axes in rows[:, column]:
            powers_of_two(axes, seen)
        rows[0][column].set_yscale("log")
        ones_twos_fives(rows[0][column].yaxis)
        rows[1][column].set_ylim(0, 105)
        rows[1][column].set_xlabel(text)
    rows[0][0].set_ylabel("forward and backward (µs a token)")
    rows[1][0].set_ylabel("share of the machine's product peak (%)")
    rows[0][0].legend()
    tidy(*rows.flat)
    save(figure, out / "bench_attention_mlp")


def draw_products(results, out):
    """Share of a core's peak that each library reaches, shape by shape."""
    shares = {}
    for (name, shape, by), entry in matching(results, r"(.+)/(\d+x\d+x\d+)/(?:add|assign)/(\w+)"):
        shares.setdefault(f"{name}, {shape.replace('x', ' × ')}", {})[by] = entry.get("%core")
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.26 * len(shares)), layout="constrained")
    for row, values in enumerate(shares.values()):
        axes.plot([min(values.values()), max(values.values())], [row, row], color="0.8", zorder=1)
    for by, (colour, marker) in MULTIPLIERS.items():
        there = [(values[by], row) for row, values in enumerate(shares.values()) if by in values]
        if there:
            axes.plot(*zip(*there), linestyle="none", color=colour, marker=marker, markersize=6, label=by, clip_on=False)
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of a core's peak (%), one thread; products are rows × columns × depth")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    tidy(axes)
    save(figure, out / "bench_products")


def draw_powers(axes, sizes, start):
    """What would grow from `start` as T and as T²."""
    middle = len(sizes) // 2
    for power, name, side in ((1, "as T", {"xytext": (5, -3), "ha": "left", "va": "top"}),
                              (2, "as T²", {"xytext": (-5, 3), "ha": "right", "va": "bottom"})):
        line = [start * (size / sizes[0]) ** power for size in sizes]
        axes.plot(sizes, line, color="0.6", linewidth=1, linestyle=":")
        axes.annotate(name, (sizes[middle], line[middle]), textcoords="offset points", color="0.4", fontsize=8,
                      **side)


def draw_scaling(results, out):
    """A training step's time a token, speed and memory, over window, width, depth and batch."""
    figure, rows = plt.subplots(3, 4, figsize=(9, 7), layout="constrained", sharey="row", sharex="col")
    threads = sorted({int(count) for (count,), _ in matching(results, r".*/threads:(\d+)")})
    styles = dict(zip(threads, [(ORANGE, "s", "-"), (BLUE, "o", "-"), (GREEN, "^", "-"), (RED, "D", "-")]))
    for column, (sweep, text) in enumerate(SWEEPS.items()):
        time, speed, memory = rows[:, column]
        for count in threads:
            points = sorted((int(size), entry) for (size,), entry in
                            matching(results, rf"{sweep}:(\d+)/threads:{count}"))
            sizes = [size for size, _ in points]
            colour, marker, line = styles[count]
            drawn = {"color": colour, "marker": marker, "markersize": 4.5, "linestyle": line,
                     "label": f"{count} thread" + "s" * (count > 1)}
            time.plot(sizes, [entry.seconds * 1e6 / entry.get("tokens") for _, entry in points], **drawn)
            speed.plot(sizes, [entry.get("%peak") for _, entry in points], **drawn)
        memory.plot(sizes, [entry.get("tape bytes") / 2**20 for _, entry in points], color="black", marker="o",
                    markersize=4.5, label="activations,\nwith gradients")
        memory.plot(sizes, [entry.get("parameter bytes") / 2**20 for _, entry in points], color=GREY, marker="x",
                    markersize=5, linestyle="--", label="parameters,\nwith gradients\nand optimizer")
        if sweep == "window/T":
            draw_powers(memory, sizes, points[0][1].get("tape bytes") / 2**20)
        powers_of_two(memory, sizes, most=4)
        for axes in (time, memory):
            axes.set_yscale("log")
            ones_twos_fives(axes.yaxis)
        speed.set_ylim(0, 105)
        memory.set_xlabel(text)
    largest = max(entry.get("tape bytes") for entry in results.entries.values())
    rows[2][0].set_ylim(top=4 * largest / 2**20)  # what T² would need does not matter in full
    rows[0][0].set_ylabel("training step (µs a token)")
    rows[1][0].set_ylabel("share of the product peak\nof as many threads (%)")
    rows[2][0].set_ylabel("memory (MiB)")
    rows[0][0].legend()
    rows[2][1].legend(fontsize=8)
    tidy(*rows.flat)
    save(figure, out / "bench_scaling")
