#!/usr/bin/env python3
"""Draws the JSON files of the benchmarks, as SVG and PNG: a roofline with every operation on it, attention against
the MLP, products by several libraries, and how a training step grows.

    scripts/bench/plot.py results/bench [--out docs/figures]
"""
import argparse
import pathlib
import sys

from figures import draw_attention_mlp, draw_products, draw_scaling
from results import read_all
from roofline import draw_roofline

FIGURES = {"operations": draw_roofline, "attention_mlp": draw_attention_mlp, "gemm": draw_products,
           "scaling": draw_scaling}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="folder of the figures (default: FOLDER)")
    arguments = parser.parse_args()
    out = arguments.out or arguments.folder
    out.mkdir(parents=True, exist_ok=True)
    programs = read_all(arguments.folder)
    for program, draw in FIGURES.items():
        if program in programs:
            draw(programs[program], out)
        else:
            print(f"plot.py: {arguments.folder} has no {program}.json: its figure is left out", file=sys.stderr)


if __name__ == "__main__":
    main()
