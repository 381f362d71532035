"""An extension of griffe, which reads the package for the API pages: docstrings in plain text become Markdown.

What is indented by four is kept as it stands (equations, tables). Arguments become a list, where a line or a sentence starts with
the name of one. The comment behind a field of a class becomes an item of the class' list, that behind a constant its description.
"""

import re
from collections.abc import Iterator
from typing import Any

import griffe

ERRORS = re.compile(r"(?:Raises|(?:[A-Z]\w*(?:Error|Interrupt)|Diverged)\b|Source|Sources|Shapes)\b")
COMMENT = re.compile(r"\s*\S.*\s#\s+(?!noqa|type:|fmt:|pragma)(.+)$")


def escaped(prose: str) -> str:
    """Prose whose stars, underscores and brackets mean themselves; what is between backticks is left alone."""
    parts = re.split(r"(`[^`\n]+`)", prose)
    for i in range(0, len(parts), 2):
        part = re.sub(r"([\\*_\[\]|$#`])", r"\\\1", parts[i]).replace("<", "&lt;")
        parts[i] = re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", part)
    return "".join(parts)


def paragraphs(text: str) -> Iterator[tuple[str, list[str]]]:
    """The text's blocks: ("code", lines), ("list", items) or ("prose", lines)."""
    lines = text.expandtabs().splitlines()
    i = 0
    while i < len(lines):
        if not lines[i].strip():
            i += 1
            continue
        start = i
        if lines[i].startswith("    "):
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            block = lines[start:i]
            while not block[-1].strip():
                block.pop()
            yield "code", [line[4:] for line in block]
        elif lines[i].startswith("- "):
            items: list[str] = []
            while i < len(lines) and (lines[i].startswith(("- ", "  ")) and lines[i].strip()):
                if lines[i].startswith("- "):
                    items.append(lines[i][2:].strip())
                else:
                    items[-1] += " " + lines[i].strip()
                i += 1
            yield "list", items
        else:
            while i < len(lines) and lines[i].strip() and not lines[i].startswith(("- ", "    ")):
                i += 1
            yield "prose", lines[start:i]


def argument_list(lines: list[str], names: set[str]) -> Iterator[str]:
    """A paragraph of prose as Markdown, with a list item for each argument that it describes."""
    paragraph = ""
    for line in lines:
        paragraph += ("\n\n" if paragraph and ERRORS.match(line) else " ") + line.strip()
    name = "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "(?!)"
    starts = re.compile(rf"(?:(?<=[.;] )|^)((?:{name})(?:(?:, | and )(?:{name}))*)((?: \([^)]*\))*):(?= )")
    for part in paragraph.strip().split("\n\n"):
        pieces = starts.split(part.strip())  # prose, then (names, shape, prose) again and again
        if pieces[0].strip():
            yield escaped(pieces[0].strip())
        items = []
        for k in range(1, len(pieces), 3):
            described = ", ".join(f"`{n}`" for n in re.split(", | and ", pieces[k]))
            items.append(f"- {described}{escaped(pieces[k + 1])}: {escaped(pieces[k + 2].strip())}")
        if items:
            yield "\n".join(items)


def markdown(text: str, names: set[str], known: Any = lambda path: False) -> str:
    """A docstring as Markdown. names: of the arguments; known: whether a dotted name has a place on the API pages."""
    blocks = []
    for kind, lines in paragraphs(text):
        if kind == "code":
            blocks.append("\n".join(["~~~text", *lines, "~~~"]))
        elif kind == "list":
            blocks.append("\n".join("- " + escaped(item) for item in lines))
        else:
            blocks += argument_list(lines, names)
    found = "\n\n".join(blocks)
    return re.sub(r"`(minirnn(?:\.\w+)+)`", lambda m: f"[`{m[1]}`][{m[1]}]" if known(m[1]) else m[0], found)


def comment(attribute: Any) -> str:
    """What stands behind the attribute, on the last line of its assignment."""
    if attribute.parent is None or not attribute.lineno:
        return ""
    found = COMMENT.match(attribute.lines_collection[attribute.filepath][(attribute.endlineno or attribute.lineno) - 1])
    return found[1] if found else ""


class Docstrings(griffe.Extension):
    """Rewrites the docstrings of the whole package once it is read."""

    def on_package(self, *, pkg: griffe.Module, loader: Any, **_: Any) -> None:
        """Called by griffe when a package is loaded."""

        def known(path: str) -> bool:
            parts = path.split(".")[1:]
            if any(part.startswith("_") for part in parts):
                return False
            try:
                return not pkg[parts].is_alias
            except KeyError:
                return False

        griffe.DataclassesExtension().on_package(pkg=pkg)  # makes signatures of the fields, before these are taken away
        self._rewrite(pkg, known)

    def _rewrite(self, item: Any, known: Any) -> None:
        if item.is_alias:
            return
        if item.is_attribute and item.docstring is None and comment(item):
            item.docstring = griffe.Docstring(comment(item), parent=item)
        if item.docstring is not None:
            names = {p.name.lstrip("*") for p in getattr(item, "parameters", [])} - {"self", "cls"}
            if item.is_class:
                names |= {name for name in item.members if not name.startswith("_")}
            item.docstring.value = markdown(item.docstring.value, names, known)
        if item.is_class:
            fields = [a for a in item.members.values() if a.is_attribute and a.docstring is None]
            told = [f"- `{a.name}`: {escaped(comment(a))}" for a in fields if comment(a)]
            if told:
                text = item.docstring.value if item.docstring else ""
                item.docstring = griffe.Docstring("\n".join([text, "", *told]), parent=item)
            for field in fields:  # the docstring tells them, or they are told by nothing
                del item.members[field.name]
        for member in list(item.members.values()):
            self._rewrite(member, known)
