#!/usr/bin/env python3
"""Writes docs/results.md from a results file: for every row of the paper's table its figure and ours over seeds,
and for each of its claims a verdict.

    scripts/report.py [docs/results/runs.jsonl] [--out docs/results.md] [--date 2026-11-21]

Of runs that differ in nothing but the time they were made, the last one counts. --quick runs, and runs with
settings other than the paper's, are left out.
"""
import argparse
import collections
import datetime
import json
import math
import pathlib
import statistics
import sys

from runs import MODELS, REPORTED, configuration, dataset_of, read_runs

try:
    from scipy import stats
except ImportError:
    sys.exit("report.py: this Python has no scipy: apt-get install python3-scipy, then /usr/bin/python3 scripts/report.py")

STUDIES = {
    "tiny_shakespeare": "1. Baselines, Tiny Shakespeare",
    "sweeps": "2. Sweeps, Tiny Shakespeare",
    "word_level": "3. Word level, PTB and WikiText-2",
    "positions": "4. Learned positions against RoPE, Tiny Shakespeare",
}
SIGNIFICANT = 0.05


class Sample:
    """Test losses of one row over seeds."""

    def __init__(self, values):
        self.values = list(values)
        self.n = len(self.values)
        self.mean = statistics.fmean(self.values)
        self.deviation = statistics.stdev(self.values) if self.n > 1 else math.nan

    def half_width(self):
        """Of the 95 % confidence interval of the mean, after Student."""
        if self.n < 2:
            return math.nan
        return stats.t.ppf(0.975, self.n - 1) * self.deviation / math.sqrt(self.n)

    def text(self):
        return f"{self.mean:.4f}" + (f" ± {self.half_width():.4f}" if self.n > 1 else "")

    def away(self, figure):
        """How far `figure` is from the mean, in standard deviations of one run."""
        return (self.mean - figure) / self.deviation if self.n > 1 and self.deviation > 0 else math.nan


Comparison = collections.namedtuple("Comparison", "difference p effect")


def compare(a, b):
    """Mean of `a` minus mean of `b`, Welch's two-sided p, and Hedges' g; nothing with fewer than 2 runs each."""
    if a.n < 2 or b.n < 2:
        return None
    p = stats.ttest_ind(a.values, b.values, equal_var=False).pvalue
    pooled = math.sqrt(((a.n - 1) * a.deviation**2 + (b.n - 1) * b.deviation**2) / (a.n + b.n - 2))
    correction = 1 - 3 / (4 * (a.n + b.n) - 9)
    effect = correction * (a.mean - b.mean) / pooled if pooled > 0 else math.inf
    return Comparison(a.mean - b.mean, float(p), effect)


def verdict(comparison, holds_if_positive=True):
    if comparison is None:
        return "not tested: fewer than 2 seeds"
    if not comparison.p < SIGNIFICANT:
        return "not distinguishable"
    return "holds" if (comparison.difference > 0) == holds_if_positive else "does not hold"


def number(value, digits=2):
    if math.isnan(value):
        return "–"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def signed(value, form):
    return "–" if math.isnan(value) else f"{value:+{form}}".replace("-", "−")


class Results:
    """The paper's rows with the runs that reproduce them."""

    def __init__(self, runs):
        self.runs = collections.defaultdict(dict)
        for run in runs:
            if run.get("quick") or "test_nll" not in run:
                continue
            key = (run["study"], dataset_of(run)[0], run["model"], run.get("variant", ""))
            if key in REPORTED and run["parameters"] == REPORTED[key].parameters and is_paper_setting(run, key):
                self.runs[key][run["seed"]] = run

    def of(self, *key):
        return [run for _, run in sorted(self.runs[key].items())] if key in self.runs else []

    def sample(self, *key):
        runs = self.of(*key)
        return Sample(run["test_nll"] for run in runs) if runs else None


def is_paper_setting(run, key):
    config = configuration(run)
    return all(config.get(name) == value for name, value in REPORTED[key].training.items())


def study_table(results, study):
    lines = ["| model | seeds | parameters | paper's test NLL | ours, mean ± 95 % | paper − ours | in std. dev. | "
             "best epoch | exact FLOPs | paper's 2PN | seconds |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    found = False
    for key, reported in REPORTED.items():
        runs = results.of(*key)
        if key[0] != study or not runs:
            continue
        found = True
        sample = results.sample(*key)
        name = MODELS.get(key[2], key[2]) + (f", {key[3]}" if key[3] else "")
        if key[1] != "tiny_shakespeare":
            name += f" on {key[1]}"
        best = sorted({run["best_epoch"] for run in runs})
        epochs = f"{best[0]}" if len(best) == 1 else f"{best[0]} – {best[-1]}"
        seconds = statistics.median(run["seconds"] for run in runs)
        lines.append("| " + " | ".join([
            name, str(sample.n), f"{reported.parameters:,}", f"{reported.test_nll:.4f}", sample.text(),
            signed(reported.test_nll - sample.mean, ".4f"), signed(-sample.away(reported.test_nll), ".1f"),
            f"{epochs} of {len(runs[0]['epochs'])}", number(runs[0]["flops"]["training"] + runs[0]["flops"]["optimizer"]),
            number(reported.flops_2pn), f"{seconds:.0f}"]) + " |")
    return lines if found else []


def at_budget(run, budget):
    """Validation NLL after `budget` exact FLOPs, between epochs on a straight line; nothing outside the run."""
    points = [(epoch["flops"], epoch["valid_nll"]) for epoch in run["epochs"] if "flops" in epoch]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= budget <= x1:
            return y0 + (y1 - y0) * (budget - x0) / (x1 - x0)
    return None


def claim_rows(results):
    """(claim, what was compared, comparison, verdict, what the paper's single seed says)"""
    base = "tiny_shakespeare"

    def pair(claim, left, right, texts):
        a, b = results.sample(*left), results.sample(*right)
        if a is None or b is None:
            return
        result = compare(a, b)
        paper = REPORTED[left].test_nll - REPORTED[right].test_nll
        yield claim, texts, result, verdict(result), f"{signed(paper, '.4f')}"

    mlp, attention = results.of(base, base, "mlp", ""), results.of(base, base, "attention", "")
    if mlp and attention:
        budget = min(run["epochs"][-1]["flops"] for run in mlp)
        same = [at_budget(run, budget) for run in attention]
        if all(value is not None for value in same):
            result = compare(Sample(run["epochs"][-1]["valid_nll"] for run in mlp), Sample(same))
            yield ("1", f"MLP − self-attention, validation NLL at the MLP's whole budget of {number(budget)} exact FLOPs",
                   result, verdict(result), "not asked: its curves are over epochs")
    yield from pair("1", (base, base, "mlp", ""), (base, base, "attention", ""), "MLP − self-attention, test NLL at the end")
    yield from pair("2", ("sweeps", base, "linear", "T = 128"), ("sweeps", base, "linear", "T = 32"),
                    "linear: T = 128 − T = 32")
    yield from pair("2", ("sweeps", base, "transformer", "L = 4"), ("sweeps", base, "transformer", "L = 3"),
                    "transformer: L = 4 − L = 3")
    yield from pair("–", ("sweeps", base, "attention", "H = 2"), ("sweeps", base, "attention", "H = 1"),
                    "self-attention: H = 2 − H = 1")
    yield from pair("3", ("positions", base, "transformer", "RoPE"), ("positions", base, "transformer", "learned"),
                    "RoPE − learned")
    for other in ("mlp", "attention", "transformer"):
        yield from pair("4", (base, base, "linear", ""), (base, base, other, ""), f"linear − {MODELS[other]}")


def claims(results):
    rows = list(claim_rows(results))
    lines = []
    if rows:
        lines += ["| claim | compared | difference | p (Welch) | Hedges' g | verdict | the paper's one seed |",
                  "|---|---|---|---|---|---|---|"]
        for claim, text, result, what, paper in rows:
            figures = [signed(result.difference, ".4f"), f"{result.p:.2g}", signed(result.effect, ".1f")] if result else ["–"] * 3
            lines.append("| " + " | ".join([claim, text, *figures, what, paper]) + " |")
    for dataset in ("ptb", "wikitext-2"):
        runs = results.of("word_level", dataset, "transformer", "")
        if runs:
            best = [run["best_epoch"] for run in runs]
            lines += ["", f"Claim 5 on {dataset}: best epochs {', '.join(map(str, best))} of {len(runs[0]['epochs'])}: "
                      + ("holds." if max(best) <= 2 else "does not hold in every run.")]
    return lines


CLAIMS = """1. Attention-based models beat MLPs in loss per FLOP, even at this scale.
2. More depth or more context without enough optimisation can make the loss worse.
3. RoPE does worse than learned positions at this scale.
4. Nonlinear models are far better than the linear baseline.
5. Word-level models overfit after 1 to 2 epochs under the token cap."""


def document(results, source, date):
    everything = [run for runs in results.runs.values() for run in runs.values()]
    machines = sorted({f"{run['cpu']}, {run['compiler']}, slm {run['version']}" for run in everything})
    threads = sorted({run["threads"] for run in everything})
    data = sorted({f"{dataset_of(run)[0]} (checksum {dataset_of(run)[1].strip(chr(34))[:16]}…)" for run in everything})
    seeds = sorted({run["seed"] for run in everything})
    lines = ["# Results", "",
             f"Written by `scripts/report.py {source}` on {date}; do not edit by hand. What the figures mean for the "
             "project stands in [notes.md](notes.md).", "",
             f"- Runs: {len(everything)} of {len(results.runs)} rows, seeds {', '.join(map(str, seeds))}; each line of "
             f"[{source.name}](results/{source.name}) is one.",
             f"- Made by: {'; '.join(machines)}; threads: {', '.join(map(str, threads))} (they change no result).", f"- Data: {'; '.join(data)}.",
             "- Again: `scripts/reproduce.sh STUDY --seeds K`, with STUDY one of "
             + ", ".join(f"`{study}`" for study in STUDIES) + ".",
             "", "NLL in nats per token. ± is the 95 % confidence interval of the mean over seeds (Student's t). "
             "“In std. dev.” divides the difference by the standard deviation of one run. Exact FLOPs are those of "
             "training and optimizer as executed (see [flops.md](flops.md)). Seconds are medians of whole runs, with "
             "evaluation, on a shared machine: no benchmark."]
    for study, title in STUDIES.items():
        table = study_table(results, study)
        if table:
            lines += ["", f"## {title}", "", *table]
    verdicts = claims(results)
    if verdicts:
        lines += ["", "## Claims", "", CLAIMS, "",
                  "A positive difference speaks for the claim. “Holds” and “does not hold” need p < "
                  f"{SIGNIFICANT} in Welch's two-sided test over seeds. The row marked – is no claim, but a question the paper's "
                  "table raises.", "", *verdicts]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path, nargs="?", default=pathlib.Path("docs/results/runs.jsonl"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/results.md"))
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="of the report (default: today)")
    arguments = parser.parse_args()
    try:
        results = Results(read_runs(arguments.runs))
        if not results.runs:
            sys.exit(f"report.py: {arguments.runs} has no run with the paper's settings")
        arguments.out.write_text(document(results, arguments.runs, arguments.date), encoding="utf-8")
    except OSError as error:
        sys.exit(f"report.py: {error.filename}: {error.strerror}")
    print(arguments.out)


if __name__ == "__main__":
    main()
