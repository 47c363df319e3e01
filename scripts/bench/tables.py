#!/usr/bin/env python3
"""Writes the results of the benchmarks as Markdown tables, ready for docs/benchmarks.md.

    scripts/bench/tables.py results/bench [--out tables.md]
"""
import argparse
import pathlib
import re
import statistics
import sys

from results import read_all

TOKENS = 4096  # of attention against the MLP


def table(header, rows):
    """Markdown; the first column left, numbers right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value, digits=3):
    """Three significant digits, with commas from a thousand on."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:.{digits}g}"


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{number(seconds * scale)} {unit}"
    return f"{number(seconds * 1e9)} ns"


def size_text(count):
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= scale:
            return f"{number(count / scale)} {unit}"
    return f"{number(count / 2**10)} KiB"


def spread_text(entry):
    """Distance of the quartiles, in percent of the median."""
    if len(entry.times) < 3:
        return "–"
    low, median, high = statistics.quantiles(entry.times, n=4, method="inclusive")
    return f"{(high - low) / median:.0%}"


def matching(results, pattern):
    for name, entry in results.entries.items():
        match = re.fullmatch(pattern, name)
        if match:
            yield match.groups(), entry


def both_passes(results, pattern):
    """Entries of (forward, forward and backward) by what the pattern's first group says, in alphabetical order."""
    found = {}
    for (name, direction), entry in matching(results, pattern):
        found.setdefault(name, {})[direction] = entry
    return sorted((name, passes["forward"], passes["forward+backward"]) for name, passes in found.items()
                  if len(passes) == 2)


def passes_table(results, pattern, first):
    rows = []
    for name, forward, both in both_passes(results, pattern):
        rate = [number(both.get("FLOP/s") / 1e9), f"{both.get('%peak'):.0f} %", number(both.get("B/s") / 1e9),
                number(both.get("FLOP/B"))]
        rows.append([name, duration(forward.seconds), duration(both.seconds), spread_text(both), *rate])
    return table([first, "forward", "both passes", "spread", "GFLOP/s", "of the peak", "GB/s", "FLOP/B"], rows)


def operations(results):
    return passes_table(results, r"(\w+)/(forward|forward\+backward)/B:64/C:128",
                        "operation, 64 windows of 128, width 128")


def layers(results):
    return passes_table(results, r"(.+)/C:128/(forward|forward\+backward)", "layer, 64 windows of 128, width 128")


def attention_mlp(results):
    kinds = ["attention", "mlp_equal_flops", "mlp_equal_parameters"]
    found = {}
    for (kind, T, C), entry in matching(results, r"(\w+)/T:(\d+)/C:(\d+)/forward\+backward"):
        found.setdefault((int(T), int(C)), {})[kind] = entry
    rows = []
    for (T, C), entries in sorted(found.items()):
        row = [f"{T:,}", f"{C:,}"]
        for kind in kinds:
            entry = entries[kind]
            row.append(f"{number(entry.seconds * 1e6 / TOKENS)} ({entry.get('%peak'):.0f} %)")
        row.append(number(entries["attention"].seconds / entries["mlp_equal_flops"].seconds))
        rows.append(row)
    return table(["T", "width", "attention, µs a token (of the peak)", "MLP of equal FLOPs",
                  "MLP of equal parameters", "attention : MLP of equal FLOPs"], rows)


def steps(results):
    found = {}
    for (name, threads), entry in matching(results, r"(\w+/\w+)/threads:(\d+)"):
        found.setdefault(name, {})[int(threads)] = entry
    if not found:
        return ""
    most = max(count for entries in found.values() for count in entries)
    rows = []
    for name, entries in found.items():
        one, all_threads = entries[1], entries[most]
        memory = all_threads.get("tape bytes")
        rows.append([name.replace("/", ", "), duration(one.seconds), duration(all_threads.seconds),
                     spread_text(all_threads), number(one.seconds / all_threads.seconds),
                     f"{all_threads.get('tokens/s'):,.0f}", number(all_threads.get("FLOP/s") / 1e9),
                     f"{all_threads.get('%peak'):.0f} %", size_text(memory) if memory else "–"])
    return table(["model", "1 thread", f"{most} threads", "spread", "times as fast", "tokens/s", "GFLOP/s",
                  "of the peak", "activations"], rows)


def scaling(results):
    texts = []
    for sweep, first in (("window/T", "T, 4 windows"), ("width/C", "width"), ("depth/L", "blocks"),
                         ("batch/B", "windows")):
        found = {}
        for (size, threads), entry in matching(results, rf"{sweep}:(\d+)/threads:(\d+)"):
            found.setdefault(int(size), {})[int(threads)] = entry
        rows = []
        for size, entries in sorted(found.items()):
            most = max(entries)
            entry, tokens = entries[most], entries[most].get("tokens")
            rows.append([f"{size:,}", *(number(entries[count].seconds * 1e6 / tokens) for count in sorted({1, most})),
                         number(entries[1].seconds / entry.seconds), number(entry.get("FLOP") / tokens / 1e6),
                         f"{entry.get('%peak'):.0f} %", size_text(entry.get("tape bytes")),
                         size_text(entry.get("tape bytes") / tokens), size_text(entry.get("parameter bytes"))])
        if rows:
            times = ["µs a token, 1 thread"] + [f"{most} threads"] * (most > 1)
            texts.append(table([first, *times, "times as fast", "MFLOP a token", "of the peak", "activations",
                                "a token", "parameters and optimizer"], rows))
    return "\n\n".join(texts)


def products(results):
    found, names = {}, []
    for (name, by), entry in matching(results, r"(.+/\d+x\d+x\d+)/(?:add|assign)/(\w+)"):
        found.setdefault(name, {})[by] = entry
    names = sorted({by for entries in found.values() for by in entries}, key=["slm", "Eigen", "OpenBLAS",
                                                                              "oneDNN"].index)
    rows = []
    for name, entries in found.items():
        best = max(entry.get("%core") for entry in entries.values())
        cells = [f"{entries[by].get('%core'):.0f} %" if by in entries else "–" for by in names]
        rows.append([re.sub(r"(?<=\d)x(?=\d)", " × ", name.replace("/", ", ")),
                     *(f"**{cell}**" if by in entries and entries[by].get("%core") == best else cell
                       for by, cell in zip(names, cells))])
    return table(["product, rows × columns × depth", *names], rows)


def generation(results):
    found = {}
    for (name, length, cache), entry in matching(results, r"(\w+)/length:(\d+)/cache:([01])"):
        found.setdefault((name, int(length)), {})[cache] = entry
    rows = [[name, f"{length:,}", f"{entries['1'].get('tokens/s'):,.0f}", f"{entries['0'].get('tokens/s'):,.0f}",
             number(entries["0"].seconds / entries["1"].seconds)]
            for (name, length), entries in found.items() if len(entries) == 2]
    return table(["model", "text, tokens", "tokens/s, keys and values kept", "not kept", "times as fast"],
                 sorted(rows, key=lambda row: (row[0], int(row[1].replace(",", "")))))


def decoding(results):
    found = {}
    for (name, weights, texts), entry in matching(results, r"([\w.]+)/(\w+)/texts:(\d+)"):
        found.setdefault((name, int(texts)), {})[weights] = entry
    rows = []
    for (name, texts), entries in sorted(found.items()):
        for weights, entry in entries.items():
            # Two formats did not take turns with one another, but each with the loop.
            rows.append([name, str(texts), weights, f"{entry.get('tokens/s'):,.0f}",
                         number(entry.get("of reading") / entries["full"].get("of reading")),
                         f"{entry.get('of reading'):.0%}", number(entry.get("barriers/token"))])
    return table(["model", "texts", "weights", "tokens/s", "times full", "of a loop that reads the floats",
                  "barriers a token"], rows)


SECTIONS = {"operations": ("Operations", operations), "layers": ("Layers", layers),
            "attention_mlp": ("Causal self-attention against an MLP, forward and backward", attention_mlp),
            "gemm": ("Products in float on one thread, share of the core's peak", products),
            "steps": ("Training steps and evaluation batches", steps),
            "scaling": ("How a training step grows", scaling),
            "generation": ("Generation", generation),
            "decoding": ("Decoding", decoding)}


def describe(results):
    """What the numbers were made with."""
    context = results.context
    return (f"{context['cpu']}, {context['threads']} threads, {context['compiler']}, `{context['flags'].strip()}`, "
            f"Eigen {context['eigen']}, products by {context['gemm']}, {context['date'][:10]}. Peaks: products that "
            f"stay in cache {results.number('peak_gflops'):.0f} GFLOP/s on all threads, registers alone "
            f"{results.number('core_gflops'):.0f} GFLOP/s on one core; triad {results.number('memory_gbytes'):.0f} "
            f"GB/s from memory, {results.number('cache_gbytes'):.0f} GB/s from cache. Medians over "
            f"{max(len(entry.times) for entry in results.entries.values())} repetitions; spread is the distance of "
            f"their quartiles. A share of the peak is one of products that were measured in the same seconds.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="file to write (default: standard output)")
    arguments = parser.parse_args()
    programs = read_all(arguments.folder)
    known = [name for name in SECTIONS if name in programs]
    if not known:
        sys.exit(f"tables.py: {arguments.folder} has results of none of {', '.join(SECTIONS)}")
    parts = [describe(programs[known[0]])]
    for name in known:
        title, write = SECTIONS[name]
        parts += [f"### {title}", write(programs[name])]
    text = "\n\n".join(parts) + "\n"
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
