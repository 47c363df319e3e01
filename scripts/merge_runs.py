#!/usr/bin/env python3
"""Brings runs of several results folders together in one: those of machines that share no folder.

    scripts/merge_runs.py FOLDER… --into results

Each FOLDER has a runs.jsonl, and beside it the weights and losses that its runs name: lines are added to that of
--into as they are, files are copied. A run that several have with the same losses is taken once; where they have other
losses, bit for bit, both are named and nothing is written. Studies may add their runs to --into at the same time.
"""
import argparse
import filecmp
import os
import pathlib
import shutil
import sys
from typing import NamedTuple

from analysis.locked import locked
from analysis.runs import label, parse_run, row_of
from compare_runs import difference, identity


class Source(NamedTuple):
    """A line of a results file."""
    path: pathlib.Path
    number: int
    line: bytes
    run: dict

    def __str__(self):
        return f"{self.path}:{self.number}"

    def name(self):
        run = self.run
        return f"{run['study']}: {label(row_of(run))} on {run['dataset']['name']}, seed {run['seed']}"

    def files(self):
        """Those that the run names, relative to the folder of its results file."""
        return [pathlib.PurePosixPath(self.run[key]) for key in ("weights", "losses") if self.run.get(key)]


class Contradiction(Exception):
    """What keeps runs from standing in one file."""


def runs_of(path, text):
    """The runs of a results file by their identity. Of equal ones the last one counts, as everywhere; a line that is
    none is named on standard error and left out."""
    runs = {}
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            run = parse_run(line.decode())
            if any(file.is_absolute() or ".." in file.parts for file in Source(path, number, line, run).files()):
                raise ValueError("it names a file outside of its folder")
            runs[identity(run)] = Source(path, number, line, run)
        except (ValueError, TypeError, KeyError) as error:
            print(f"{path}:{number}: left out, not a run: {type(error).__name__} {error}", file=sys.stderr)
    return runs


def united(target, others):
    """The runs that the target lacks, each once. Raises a `Contradiction` that names all there are."""
    known, added, wrong = dict(target), {}, []
    for runs in others:
        for key, source in runs.items():
            if key not in known:
                known[key] = added[key] = source
            elif text := difference(source.run, known[key].run):
                wrong.append(f"{source.name()}: {source} {text}, of {known[key]}")
    owners = {}
    for key, source in known.items():
        for file in source.files():
            other = owners.setdefault(file, source)
            if other is not source and key in added:
                wrong.append(f"{file} would be of two runs: {other}, {other.name()}, and {source}, {source.name()}")
    if wrong:
        raise Contradiction("\n".join(wrong))
    return list(added.values())


def copy(source, target):
    """Copies a file as a whole or not at all. Whether it was not there yet."""
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.with_name(f"{target.name}.tmp-{os.getpid()}")
    try:
        shutil.copyfile(source, written)
        with open(written, "rb+") as file:
            os.fsync(file.fileno())
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)
    return True


def append(file, lines):
    """Adds lines to a locked file: all of them or none."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    text = b"".join(line + b"\n" for line in lines)
    if size and file.read(1) != b"\n":  # its last line was cut off, which must not swallow ours
        text = b"\n" + text
    try:
        while text:
            text = text[file.write(text):]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise


def merge(folders, into):
    """What was done, in a line."""
    results = [folder / "runs.jsonl" if folder.is_dir() else folder for folder in folders]
    others = [runs_of(path, path.read_bytes()) for path in results]
    into.mkdir(parents=True, exist_ok=True)
    target = into / "runs.jsonl"
    if any(target.exists() and path.samefile(target) for path in results):
        raise Contradiction(f"{target} is to be merged into itself")
    with locked(target) as file:
        file.seek(0)
        added = united(runs_of(target, file.readall()), others)
        copied, missing = 0, []
        for source in added:
            for name in source.files():
                if (source.path.parent / name).exists():
                    copied += copy(source.path.parent / name, into / name)
                else:
                    missing.append(f"{name} of {source}")
        append(file, [source.line for source in added])
    if missing:
        print(f"{len(missing)} files that runs name are not there, the first {missing[0]}", file=sys.stderr)
    there = sum(map(len, others)) - len(added)
    return f"{target}: {len(added)} runs added, {there} there already, {copied} files copied"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=pathlib.Path, nargs="+", metavar="FOLDER", help="or its results file")
    parser.add_argument("--into", type=pathlib.Path, required=True, metavar="FOLDER", help="made where it is missing")
    arguments = parser.parse_args()
    try:
        print(merge(arguments.folders, arguments.into))
    except Contradiction as error:
        sys.exit(f"{error}\nmerge_runs.py: nothing was written")
    except OSError as error:
        sys.exit(f"merge_runs.py: {error.filename or arguments.into}: {error.strerror}")


if __name__ == "__main__":
    main()
