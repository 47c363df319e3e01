"""How the figures look: colours, markers, axes, legends, files."""
import math
import sys

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
except ImportError:
    print("no figures, as this Python has no matplotlib: apt-get install python3-matplotlib, and run the program with "
          "/usr/bin/python3", file=sys.stderr)
    sys.exit(3)

from .labels import spread

WIDTH = 7  # inches: a page's, so that the fonts have their size there
NLL = "nats per token"
# Okabe and Ito's colours, told apart by the colour-blind; the four models have the first four.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
BASELINE = {"color": "0.35", "linewidth": 1, "linestyle": (0, (1, 1.5))}  # a loss that no training has
PAPER = {"markerfacecolor": "none", "markersize": 9, "markeredgewidth": 1.2}  # hollow; ours are filled


def set_up():
    plt.rcParams.update({"svg.hashsalt": "slm",  # the same runs give the same file
                         "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9, "legend.fontsize": 8.5,
                         "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "axes.spines.top": False,
                         "axes.spines.right": False, "axes.grid": True, "grid.color": "0.9", "axes.axisbelow": True,
                         "legend.frameon": False, "errorbar.capsize": 3, "figure.constrained_layout.use": True})


def save(figure, path):
    figure.savefig(f"{path}.svg", metadata={"Date": None}, bbox_inches="tight")
    figure.savefig(f"{path}.png", dpi=150, bbox_inches="tight")
    plt.close(figure)
    print(f"{path}.svg, {path.name}.png")


def power_of_ten(value, _=None):
    """2e13 as 2 × 10¹³."""
    if value <= 0:
        return ""
    digits, exponent = f"{value:.1e}".split("e")
    digits = digits.removesuffix(".0")
    return rf"$10^{{{int(exponent)}}}$" if digits == "1" else rf"${digits} \times 10^{{{int(exponent)}}}$"


def flops_axis(axes, label, labelled=()):
    """A log axis with as many labels as fit, or with the given ones."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    decades = math.log10(high / low)
    steps = (1,) if decades > 2.5 else (1, 3) if decades > 1.4 else (1, 2, 5) if decades > 0.6 else range(1, 10)
    axes.xaxis.set_major_locator(FixedLocator(labelled) if labelled else LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)


def entry(label, **options):
    """Of a legend."""
    return Line2D([], [], **{"color": "0.3", "linestyle": "none", "markersize": 6, "label": label, **options})


def legend_beside(axes, handles):
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=0.8)


def legend_below(figure, handles):
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=min(len(handles), 4))


def labelled_line(axes, nll, label, at="right"):
    """Across the whole axes, at a loss that no training has."""
    axes.axhline(nll, **BASELINE)
    axes.annotate(label, (0.99 if at == "right" else 0.01, nll), (0, 3), va="bottom", ha=at,
                  xycoords=axes.get_yaxis_transform(), textcoords="offset points", fontsize=8, color="0.35")


def labels_at_ends(axes, curves):
    """(label, x, y, colour) of curves that end at x, y: their names beside the axes, moved apart where they would
    touch. After the limits are set."""
    low, high = axes.get_ylim()
    heights = spread([y for _, _, y, _ in curves], 0.045 * (high - low))
    for (label, x, y, colour), height in zip(curves, heights):
        axes.annotate(label, (x, y), (1.03, height), xycoords="data", textcoords=axes.get_yaxis_transform(),
                      va="center", fontsize=8.5, color=colour, annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6, "shrinkB": 4})


def floor_line(axes, runs):
    """The entropy of a text whose process is known."""
    floors = [run["floor_nll"] for run in runs if isinstance(run.get("floor_nll"), (int, float))]
    if floors:
        labelled_line(axes, floors[-1], f"entropy of the corpus, {floors[-1]:.3f}")
