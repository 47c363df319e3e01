#!/usr/bin/env python3
"""What the advisor's predictions are worth: on texts that its laws have not seen, every model that it offers is
trained, and compared with what was expected of it.

    scripts/advise.py --run [--data FOLDER] [--threads N]   makes the cases that docs/results/advise.jsonl lacks
    scripts/advise.py [--date DAY]                          writes docs/advise.md from it

A case is of the laws that the advisor has, docs/results/frontier_law.json: with other laws it is made again.
FOLDER holds ptb/ and wikitext-2/ (default: $SLM_DATA, ../shared/data or data).
"""
import argparse
import datetime
import hashlib
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from analysis.lines import parsed_lines
from analysis.text import number, signed, table

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "docs/results/advise.jsonl", ROOT / "docs/advise.md"
LAWS = ROOT / "docs/results/frontier_law.json"
ADVISOR = ROOT / "build/release/examples/advise"
TEXTS = {"ptb": "PTB as characters", "wikitext-2": "WikiText-2 as characters", "code": "slm's headers"}
CASES = (("code", 3e11), ("ptb", 3e11), ("code", 1e12), ("ptb", 1e12), ("wikitext-2", 1e12), ("code", 3e12),
         ("ptb", 3e12), ("wikitext-2", 3e12), ("ptb", 1e13), ("wikitext-2", 1e13))
NINETY = 1.645  # standard deviations to either side of a normal mean that hold 90 %
NEAR = 0.02  # nats between what was taken and what would have been best
# What diverged has no trained_nll.
OFFERED = ("family", "size", "parameters", "nll", "low", "high", "trained_nll", "flops")


def text_of(name, data):
    if name == "code":
        return "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "include").rglob("*.hpp")))
    return (data / name / "train.txt").read_text(encoding="utf-8")


def laws():
    """A short name of those that the advisor has."""
    return hashlib.sha256(LAWS.read_bytes()).hexdigest()[:12]


def made(advice, text, budget):
    """The line of a case, from what the advisor prints."""
    return {"case": text, "budget": budget, "laws": laws(), "text": advice["text"], "counting": advice["counting"],
            "trials": advice["trials"],
            "offers": [{name: offer.get(name) for name in OFFERED} for offer in advice["offers"]]}


def parse(text):
    line = json.loads(text)
    for offer in line["offers"]:
        inside(offer)
    return {**line, "place": CASES.index((line["case"], line["budget"]))}


def read_cases(path):
    """Of the laws that the advisor has; of a case that is there twice the last line, in the order of CASES."""
    if not path.exists():
        return []
    known = laws()
    last = {line["place"]: line for _, line in parsed_lines(path, parse, "as it is no case")
            if line.get("laws") == known}
    return [last[place] for place in sorted(last)]


def command(path, budget, threads):
    """Advises on the text of a file, and trains an offer of each family."""
    words = [ADVISOR, "--data", path, "--budget", f"{budget:g}", "--train", "6", "--json", "--out",
             ROOT / "results/advise", *(["--threads", threads] if threads else [])]
    return [str(word) for word in words]


def run(data, threads):
    there = {(line["case"], line["budget"]) for line in read_cases(RESULTS)}
    with tempfile.TemporaryDirectory() as folder:
        for text, budget in CASES:
            if (text, budget) in there:
                continue
            path = pathlib.Path(folder) / f"{text}.txt"
            path.write_text(text_of(text, data), encoding="utf-8")
            done = subprocess.run(command(path, budget, threads), stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                sys.exit(done.returncode)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(made(json.loads(done.stdout), text, budget)) + "\n")


def loss(offer):
    """What diverged has lost all."""
    return math.inf if offer["trained_nll"] is None else offer["trained_nll"]


def inside(offer):
    return offer["low"] <= loss(offer) <= offer["high"]


def best(line):
    return min(line["offers"], key=loss)


def behind(line):
    """What was taken has so much more loss than the best of what was offered."""
    return loss(line["offers"][0]) - loss(best(line))


def model(offer):
    return f"{offer['family']} {offer['size']}"


def trained(offer):
    if offer["trained_nll"] is None:
        return ["diverged", "–"]
    return [f"{offer['trained_nll']:.3f}", signed(offer["trained_nll"] - offer["nll"], 3)]


def row_of(line, offer):
    """What was expected of an offer, and what came of it."""
    return [TEXTS[line["case"]], number(line["budget"], 0), model(offer), f"{offer['nll']:.3f}",
            f"{offer['low']:.3f} – {offer['high']:.3f}", *trained(offer),
            "inside" if inside(offer) else "**outside**"]


def off_text(offers):
    """How far off predictions were, beside how far their intervals reach."""
    ended = [offer for offer in offers if offer["trained_nll"] is not None]
    if not ended:
        return "All offers diverged."
    off = math.sqrt(statistics.fmean((offer["trained_nll"] - offer["nll"]) ** 2 for offer in ended))
    reach = statistics.fmean((offer["high"] - offer["low"]) / 2 for offer in ended)
    return (f"Predictions are off by {off:.3f} nats in the root mean square; intervals reach {reach:.3f} nats to either "
            f"side in the mean, where {NINETY * off:.3f} would do for nine of ten such errors.")


def counting_text(cases):
    """Where n-grams would have been the better choice."""
    less = [loss(line["offers"][0]) - line["counting"]["nll"] for line in cases]
    less = [by for by in less if by > 0]
    if not less:
        return "In none of them n-grams of the text lose less."
    return (f"In {len(less)} of them the best n-grams of the text, which take no FLOPs, lose less than that model, by "
            f"{min(less):.2f} to {max(less):.2f} nats, as the advisor says of such cases: who wants the least loss alone "
            "counts at these budgets.")


COLUMNS = ["text", "FLOPs", "model", "expected", "90 %", "trained", "off by", ""]


def case_table(cases):
    return table([*COLUMNS, "best of the offers", "behind", "n-grams"],
                 [[*row_of(line, line["offers"][0]), f"{model(best(line))}, {loss(best(line)):.3f}",
                   f"{behind(line):.3f}", f"{line['counting']['nll']:.3f}"] for line in cases])


def offer_table(cases):
    return table([*COLUMNS, "parameters"],
                 [[*row_of(line, offer), f"{offer['parameters']:,}"] for line in cases for offer in line["offers"]])


def document(cases, date):
    firsts = [line["offers"][0] for line in cases]
    offers = [offer for line in cases for offer in line["offers"]]
    near = sum(behind(line) <= NEAR for line in cases)
    text = ["# What the advisor's predictions are worth", "",
            f"Written by `scripts/advise.py` on {date} from [advise.jsonl](results/advise.jsonl); do not edit by hand. "
            "`scripts/advise.py --run` makes what it stands on.", "",
            "`build/release/examples/advise` predicts what a budget buys for a text of one's own, from laws of another "
            "text ([frontier_law.json](results/frontier_law.json), which stand on Tiny Shakespeare), from what n-grams "
            "lose on the text, and from short trainings on it, at most a twentieth of the budget. Here are texts that "
            "the laws have not seen; every offer was trained at the same budget, with one seed.", "",
            f"**Of {len(cases)} cases the model that is taken ends within its 90 % interval in "
            f"{sum(map(inside, firsts))}**, and of all {len(offers)} offers {sum(map(inside, offers))}. In {near} of "
            f"{len(cases)} cases it is within {NEAR} nats of the best of what was offered. {counting_text(cases)} "
            f"{off_text(offers)}", "",
            f"The {len(cases)} cases are of {len({line['case'] for line in cases})} texts and no independent ones: where a "
            "text is harder than its n-grams say, all its offers lose more than expected. They were chosen before any was "
            "made: each text at each budget, but for WikiText-2 at 3e11 and the headers, the shortest text, at 1e13.", "",
            *case_table(cases), "",
            "Nats a token of the validation text. “Behind” is what the model that was taken loses more than the best of "
            "the offers, one of each family; “n-grams” is what the best of those up to order 8 lose.", "",
            "## Every offer", "", *offer_table(cases)]
    return "\n".join(text) + "\n"


def find_data(given):
    places = [given] if given else [os.environ.get("SLM_DATA"), ROOT / "../shared/data", ROOT / "data"]
    for place in places:
        if place and (pathlib.Path(place) / "ptb/train.txt").exists():
            return pathlib.Path(place)
    sys.exit("advise.py: no folder with ptb/train.txt; scripts/fetch_data.sh downloads it, --data names another")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="make what is missing, write no page")
    parser.add_argument("--data", help="folder of the corpora")
    parser.add_argument("--threads", type=int, help="of the advisor (default: all cores)")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="of the page (default: today)")
    arguments = parser.parse_args()
    if arguments.run:
        run(find_data(arguments.data), arguments.threads)
        return
    cases = read_cases(RESULTS)
    if not cases:
        sys.exit(f"advise.py: {RESULTS} has no case yet; --run makes them")
    PAGE.write_text(document(cases, arguments.date), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
