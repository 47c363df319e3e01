#!/usr/bin/env python3
"""Writes docs/api.md: every public name of slm, how a function is called, and the first sentence of its comment, header
after header.

    scripts/api.py           writes it
    scripts/api.py --check   says what is missing or outdated in it, and which name has no comment

Public is what stands in namespace slm or in one that it opens for people (init, flops): not in `detail`, and not
the kernels, which operations call.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
INCLUDE = ROOT / "include" / "slm"
HIDDEN = {"detail", "kernels", "simd"}
TRANSPARENT = {"SLM_INSTRUCTION_SET"}

HEAD = """# Every public name

By header, in the order in which headers include each other; each name with what its comment says first, functions with
what they take and return, each of several by the same name. The headers have the rest: shapes, formulas, errors, and what
PyTorch calls it. Written by `scripts/api.py`, and a test compares.
"""

# A declaration at the left margin, behind `template <…>`, `requires …` and attributes.
DECLARATIONS = [re.compile(pattern) for pattern in (
    r"^(?:enum class|enum|struct|class)\s+(\w+)\b(?!\s*<)(?!\s*;)",
    r"^concept\s+(\w+)\s*=",
    r"^using\s+(\w+)\s*=",
    r"^inline constexpr (?:[\w:<>,\s]+\s)?(\w+)(?:\{|\s*=|\[)",
)]
FUNCTION = re.compile(
    r"^(?!using |return |static_assert|namespace |extern |friend |&?&?requires)(?!.*\boperator)"
    r"[\w:<>,&*+\-\s\[\].]+?[\s&*](\w+)\(")
SKIPPED = re.compile(r"^(?:#|\}|\)|public:|private:|$)")
GUIDE = re.compile(r"^\w+\(.*\)?(?:\s*->|;)|^\w+\(const Index \(&\)")


def first_sentence(lines):
    """The text of a comment up to its first full stop; sources and equivalents at the right margin, and lines of shapes
    and gradients, are left out."""
    shown = lines[:1]
    for line in lines[1:]:
        if "→" in line or re.match(r"\s+d\w+[^ ]* [+−]=", line):
            break
        shown.append(line)
    lines = shown
    text = " ".join(re.sub(r"\s{3,}(?:PyTorch:|[A-Z][\w ,.&()-]+\d{4}).*$", "", line) for line in lines)
    text = re.sub(r"\s+", " ", text).strip()
    quoted = re.match(r'("[^"]*")', text)
    if quoted:
        return quoted.group(1)
    match = re.match(r"((?:[^\"]|\"[^\"]*\")*?(?:(?<! al)(?<!alg)(?<!eq)(?<!sec)\.|(?<=\w{3}):))(?=\s|$)", text)
    return (match.group(1) if match else text).rstrip(".:").strip()


def strip_prefix(text):
    """A declaration without `template <…>`, `requires …` and attributes in front."""
    while True:
        before = text
        text = text.strip()
        if text.startswith("template"):
            text = skip_brackets(text[len("template"):].lstrip(), "<", ">")
        elif text.startswith("requires"):
            text = skip_requirement(text[len("requires"):].lstrip())
        elif text.startswith("[["):
            text = text[text.index("]]") + 2:]
        if text == before:
            return text


def skip_brackets(text, opening, closing):
    depth = 0
    for i, letter in enumerate(text):
        if letter == opening:
            depth += 1
        elif letter == closing and text[i - 1] != "-":
            depth -= 1
            if depth == 0:
                return text[i + 1:]
    return ""


def skip_requirement(text):
    """Terms joined by && and ||: a name with arguments, or anything in parentheses."""
    while True:
        text = text.lstrip().lstrip("!")
        if text.startswith("("):
            text = skip_brackets(text, "(", ")")
        else:
            match = re.match(r"(?:requires\s*)?[\w:]+", text)
            if not match:
                return text
            text = text[match.end():]
            if text.startswith("<"):
                text = skip_brackets(text, "<", ">")
            if match.group().startswith("requires"):
                text = skip_brackets(text, "{", "}")
        joined = re.match(r"\s*(?:&&|\|\|)", text)
        if not joined:
            return text
        text = text[joined.end():]


def call_of(text, match):
    """How a function is called whose declaration begins as FUNCTION has it: `(T a, U b) → R`."""
    before, behind = text[:match.start(1)], text[match.end(1):]
    rest = skip_brackets(behind, "(", ")")
    taken = behind[:len(behind) - len(rest)]
    trailing = re.match(r"\s*(?:const\s*)?->\s*([^{;]+)", rest)
    given = re.sub(r"\b(?:inline|constexpr|static|extern|SLM_\w+)\b", "", before)
    given = re.sub(r"\s+", " ", trailing.group(1) if trailing else given).strip()
    taken = re.sub(r"\s+", " ", re.sub(r"\[\[\w+\]\] ", "", taken)).replace("( ", "(")
    return taken + (f" → {given}" if given != "void" else "")


def names_of(header):
    """{name: (ways to call it, first sentence or None)} of what a header declares for people, in its order."""
    found, spaces, comment = {}, [], []
    lines = header.read_text().split("\n")
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("namespace") or line.startswith("inline namespace"):
            match = re.match(r"(?:inline )?namespace ([\w:]*)", line)
            spaces.append(match.group(1))
            comment = []
        elif line.startswith("}  // namespace"):
            spaces.pop()
        elif line.startswith("///"):
            comment.append(line[3:])
        elif line.startswith("//") or SKIPPED.match(line) or line.startswith(" "):
            comment = []
        else:
            block = [line]
            while not re.search(r"[;{}]\s*(?://.*)?$", lines[i]) and i + 1 < len(lines):
                i += 1
                block.append(lines[i].split("//")[0] if "//" in lines[i] else lines[i])
            path = [part for space in spaces for part in space.split("::") if part not in TRANSPARENT]
            if path and path[0] == "slm" and not HIDDEN & set(path):
                add_declaration(found, path[1:], strip_prefix(" ".join(block)), comment)
            comment = []
        i += 1
    return found


def add_declaration(found, path, text, comment):
    if GUIDE.match(text) or re.search(r"=\s*delete;$", text.strip()):
        return
    for pattern in (*DECLARATIONS, FUNCTION):
        match = pattern.match(text)
        if not match:
            continue
        name = "::".join(path + [match.group(1)])
        if name == "enum_names" or re.fullmatch(r"\w+_names", name):
            return  # what enum_names of the enumeration's own header gives
        sentence = first_sentence(comment) if comment else None
        calls, said = found.get(name, ([], None))
        call = call_of(text, match) if pattern is FUNCTION else ""
        found[name] = (calls + [call] * (call not in calls), said or sentence)
        return


def headers():
    """All, those of a folder beside each other, folders in the order of docs/design.md."""
    design = (ROOT / "docs" / "design.md").read_text()
    folders = re.findall(r"^\| `([a-z]+)` \|", design.split("## One direction")[1].split("\n## ")[0], re.M)
    for folder in folders:
        yield from sorted((INCLUDE / folder).rglob("*.hpp"))


def page():
    text, silent = HEAD, []
    for header in headers():
        names = names_of(header)
        where = header.relative_to(INCLUDE)
        silent += [f"{where}: {name}" for name, (_, said) in names.items() if not said]
        if names:
            text += f"\n## {where}\n\n"
            for name, (calls, said) in names.items():
                if said:
                    text += f"- `{name}{calls[0]}`: {said}\n"
                    text += "".join(f"  - or `{name}{call}`\n" for call in calls[1:] if call)
    return text, silent


def main():
    text, silent = page()
    for name in silent:
        print(f"api.py: {name} has no comment", file=sys.stderr)
    if sys.argv[1:] == ["--check"]:
        there = PAGE.read_text().split("\n") if PAGE.exists() else []
        for line in text.split("\n"):
            if line not in there:
                print(f"api.py: docs/api.md lacks: {line}", file=sys.stderr)
        if "\n".join(there) != text:
            sys.exit("api.py: docs/api.md is outdated: run scripts/api.py")
    elif not sys.argv[1:]:
        PAGE.write_text(text)
    else:
        sys.exit(__doc__)
    if silent:
        sys.exit(1)


if __name__ == "__main__":
    main()
