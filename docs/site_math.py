"""A hook of mkdocs: equations as MathML, which browsers draw without a script or a font from elsewhere."""

import html
import re
from typing import Any

from latex2mathml.converter import convert

ARITHMATEX = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def mathml(latex: str, display: str) -> str:
    """LaTeX as MathML, display "inline" or "block"; ValueError where a command is not known and would be shown as it is."""
    try:
        found = convert(latex, display=display)
    except Exception as error:  # the converter has many of its own, and IndexError besides
        raise ValueError(f"{latex!r} is no LaTeX that can be drawn: {error!r}") from error
    if unknown := re.search(r">\s*(?:\\|&#x0005C;)([a-zA-Z]+)", found):
        raise ValueError(f"{latex!r} has the command \\{unknown[1]}, which can not be drawn")
    return found


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Called by mkdocs with the HTML of each page."""

    def drawn(match: re.Match[str]) -> str:
        try:
            return mathml(html.unescape(match[2]).strip(), "inline" if match[1] == "span" else "block")
        except ValueError as error:
            raise ValueError(f"{page.file.src_path}: {error}") from error

    return ARITHMATEX.sub(drawn, content)
