"""How the figures of the benchmarks look, and how they are saved."""
import sys

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
except ImportError:
    sys.exit("plot.py: this Python has no matplotlib: apt-get install python3-matplotlib, then /usr/bin/python3 "
             "scripts/bench/plot.py")

# Okabe and Ito's colours, which the colour-blind can tell apart; a marker for each, for print without colour.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"

matplotlib.rcParams.update({
    "svg.hashsalt": "slm",  # the same numbers give the same file
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
})


def tidy(*all_axes):
    for axes in all_axes:
        axes.grid(True, which="major", color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)


def plain_numbers(axis):
    """1,024 instead of 2^10 on a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_formatter(NullFormatter())


def ones_twos_fives(axis):
    """Ticks at 1, 2, 5, 10, … of a logarithmic axis."""
    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    plain_numbers(axis)


def powers_of_two(axes, values, most=6):
    """A logarithmic axis with ticks at the values, at every other one where there are more than `most`."""
    values = sorted(set(values))
    axes.set_xscale("log", base=2)
    axes.set_xticks(values if len(values) <= most else values[::2])
    axes.xaxis.set_minor_locator(NullLocator())
    plain_numbers(axes.xaxis)


def save(figure, path):
    figure.savefig(f"{path}.svg", metadata={"Date": None})
    figure.savefig(f"{path}.png", dpi=150)
    plt.close(figure)
    print(f"{path}.svg, {path.name}.png")
