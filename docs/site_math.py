"""A hook of mkdocs: equations as MathML, which browsers draw without a script or a font from elsewhere."""

import html
import re
import xml.etree.ElementTree as ET
from typing import Any

from latex2mathml.converter import convert

ARITHMATEX = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
ACCENTS = "\u0302^\u00af\u02d9\u02dc~\u2192\u02c7\u00a8\u2015"  # hat, bar, dot, tilde, vec, check, ddot, overline
MATHML = "http://www.w3.org/1998/Math/MathML"


def mathml(latex: str, display: str) -> str:
    """LaTeX as MathML, display "inline" or "block"; ValueError where a command is not known and would be shown as it is."""
    plain = re.sub(r"\\(begin|end)\{(?:aligned|split)\}", r"\\\1{align*}", latex)  # the converter knows but this one
    plain = re.sub(r"\\tag\{([^{}]*)\}", r"\\qquad\\text{(\1)}", plain)
    plain = re.sub(r"\\mathrm\{(\w)\}", r"\\text{\1}", plain)  # a single letter would be slanted
    try:
        found = ET.fromstring(convert(plain, display=display))
    except Exception as error:  # the converter has many of its own, and IndexError besides; a stray & is no XML
        raise ValueError(f"{latex!r} is no LaTeX that can be drawn: {error!r}") from error
    for item in found.iter():
        if "\\" in (item.text or ""):
            raise ValueError(f"{latex!r} has the command {item.text}, which can not be drawn")
        if item.tag == f"{{{MATHML}}}mover" and len(item) == 2 and (item[1].text or "") in ACCENTS:
            item.set("accent", "true")  # browsers do not infer it
            wide = len(item[0]) > 1 or len(item[0].text or "") > 1
            item[1].set("stretchy", "true" if wide else "false")
        if item.tag == f"{{{MATHML}}}msup" and item[1].text == "\u2032":  # a prime is raised by its own shape
            item.tag, item[1].tag = f"{{{MATHML}}}mrow", f"{{{MATHML}}}mo"
            item[1].set("lspace", "0")
            item[1].set("rspace", "0")
    for row in list(found.iter()):
        spaced(row)
    ET.register_namespace("", MATHML)
    return ET.tostring(found, encoding="unicode")


def spaced(row: ET.Element) -> None:
    """Thin spaces around the functions of a row, such as tanh in "alpha tanh a", where browsers set none."""
    if row.tag not in (f"{{{MATHML}}}{name}" for name in ("mrow", "mtd", "math", "mstyle")):
        return
    children = list(row)
    for i in reversed(range(len(children))):
        base = children[i]
        while base.tag in (f"{{{MATHML}}}msup", f"{{{MATHML}}}msub", f"{{{MATHML}}}msubsup"):
            base = base[0]
        if base.tag not in (f"{{{MATHML}}}mi", f"{{{MATHML}}}mo") or not re.fullmatch("[a-zA-Z]{2,}", base.text or ""):
            continue
        if base.tag == f"{{{MATHML}}}mo":  # \\operatorname, around which there is more space than around a sum
            base.set("lspace", "0")
            base.set("rspace", "0")
        for at, beside in ((i + 1, children[i + 1 : i + 2]), (i, children[max(i - 1, 0) : i])):
            if beside and beside[0].tag != f"{{{MATHML}}}mo":
                row.insert(at, ET.Element(f"{{{MATHML}}}mspace", width="0.167em"))


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Called by mkdocs with the HTML of each page."""

    def drawn(match: re.Match[str]) -> str:
        try:
            return mathml(html.unescape(match[2]).strip(), "inline" if match[1] == "span" else "block")
        except ValueError as error:
            raise ValueError(f"{page.file.src_path}: {error}") from error

    return ARITHMATEX.sub(drawn, content)
