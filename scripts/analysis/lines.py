"""Reads a file of results that is only ever added to: a line of JSON for each."""
import sys


def parsed_lines(path, parse, why):
    """(number, what `parse` makes of it) of each line that is not blank. One for which it raises a `ValueError`,
    `TypeError` or `KeyError` is named on standard error with the reason, and left out."""
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            parsed = parse(text)
        except (ValueError, TypeError, KeyError) as error:
            print(f"{path}:{number}: left out, {why}: {type(error).__name__} {error}", file=sys.stderr)
            continue
        yield number, parsed
