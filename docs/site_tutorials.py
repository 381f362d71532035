"""Tutorials as pages: the notebook is run, and its cells and what they gave become Markdown and pictures.

`tutorials/build.py` makes the notebooks, `notebook(path)` with the solutions and `student(path)` without, cell by cell alike.
"""

import base64
import functools
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbclient import NotebookClient

NUMBERED = "[0-9][0-9]_*.py"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Head(NamedTuple):
    """What the table of tutorials says of one."""

    number: str
    title: str
    minutes: str
    learn: str


def builder(folder: Path) -> Any:
    """The module `build.py` of this folder."""
    spec = importlib.util.spec_from_file_location("tutorials_build", folder / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def run(notebook: Any, folder: Path, environment: dict[str, str], timeout: float) -> Any:
    """The notebook with its outputs; an error in a cell is raised. folder: where it is run."""
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"} | environment  # figures go inline
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    return client.execute(env=environment)


def fence(text: str, language: str = "text") -> str:
    """A fenced block, whose fence is longer than any within."""
    longest = max((len(run) for run in re.findall(r"~{3,}", text)), default=2)
    ticks = "~" * (longest + 1)
    return f"{ticks} {{.{language}}}\n{text.rstrip()}\n{ticks}"


def indented(text: str) -> str:
    """By four spaces."""
    return "\n".join("    " + line if line.strip() else "" for line in text.splitlines())


def plain(text: str) -> str:
    """Without the codes of a terminal; of a line that was written over, what stood last."""
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in ANSI.sub("", text).split("\n")).strip("\n")


def outputs(cell: Any, stem: str, folder: Path) -> list[str]:
    """What a cell gave: text, and pictures written to the folder as stem_1.png, .."""
    found: list[str] = []
    text = ""
    for output in [*cell.outputs, None]:
        if output is not None and output.output_type == "stream":
            text += output.text
            continue
        if text.strip():
            found.append(f'<div class="output" markdown>\n\n{fence(plain(text))}\n\n</div>')
        text = ""
        data = {} if output is None else output.data
        if "image/png" in data:
            name = f"{stem}_{sum('![' in block for block in found) + 1}.png"
            (folder / name).write_bytes(base64.b64decode(data["image/png"]))
            found.append(f"![What the code above draws]({name})")
        elif "application/vnd.jupyter.widget-view+json" in data:
            pass  # a slider moves nothing without a kernel; the sweep above it is there
        elif "text/markdown" in data:
            found.append(data["text/markdown"])
        elif "text/plain" in data:
            found.append(f'<div class="output" markdown>\n\n{fence(plain(data["text/plain"]))}\n\n</div>')
    return found


def plain_markdown(text: str) -> str:
    """A notebook's Markdown as mkdocs reads it alike: a blank line before a list, and around equations on lines of their own."""
    parts = re.split(r"(^ *(?:```|~~~).*?^ *(?:```|~~~) *$)", text, flags=re.MULTILINE | re.DOTALL)
    for i in range(0, len(parts), 2):
        part = re.sub(r"^\$\$.+?\$\$[ \t]*$", r"\n\g<0>\n", parts[i], flags=re.MULTILINE | re.DOTALL)
        item = r"(?:[-*]|\d+\.) "
        parts[i] = re.sub(rf"^((?!{item}|\s).*\S.*\n)(?={item})", r"\1\n", part, flags=re.MULTILINE)
    return "".join(parts)


def page(executed: Any, student: Any, stem: str, folder: Path, linked: Callable[[str], str], script: str) -> str:
    """The page of a tutorial: `executed` with solutions and outputs, `student` with the stubs of its exercises.

    linked: makes the links of its prose those of the site. script: where the page of its source is.
    """
    if len(executed.cells) != len(student.cells):
        raise ValueError(f"{stem}: {len(executed.cells)} cells with solutions but {len(student.cells)} without")
    blocks: list[str] = []
    for i, (cell, stub) in enumerate(zip(executed.cells, student.cells, strict=True)):
        if cell.cell_type == "markdown":
            blocks.append(linked(plain_markdown(cell.source)))
        elif cell.cell_type == "code" and cell.source.strip():
            if cell.metadata.get("exercise"):
                blocks.append(fence(stub.source, "python"))
                blocks.append('??? success "A solution"\n\n' + indented(fence(cell.source, "python")))
            else:
                blocks.append(fence(cell.source, "python"))
            blocks += outputs(cell, f"{stem}_{i}", folder)
    blocks.append(
        f"---\n\n*To work in it: [the notebook]({stem}.ipynb){{ download }}, with the exercises open, or "
        f"[the script it is made of]({script}). What stands here was written by running it, solutions and all.*"
    )
    return "\n\n".join(blocks) + "\n"


def head(path: Path, notebook: Any) -> Head:
    """Number, title, minutes and what is learnt, from the first cell of prose: heading, **Minutes**, the list **You will**."""
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title = re.search(r"^# +(?:\d+\. +)?(.+)$", first, re.MULTILINE)
    if title is None:
        raise ValueError(f"{path.name}: its first Markdown cell has no title")
    minutes = re.search(r"\*\*Minutes\*\*:\s*(\d[^\n*]*)", first)
    will = re.search(r"\*\*You will\*\*:?\s*((?:^[-*] .*\n?(?:^ +\S.*\n?)*)+)", first, re.MULTILINE)
    items = re.sub(r"^[-*] +", "", will[1], flags=re.MULTILINE).split() if will else []
    return Head(path.stem[:2], title[1].strip(), minutes[1].strip().rstrip(".") if minutes else "", " ".join(items))


def write(scripts: list[Path], staging: Any, *, fast: bool, scratch: Path, timeout: float = 3600) -> list[tuple[str, Head]]:
    """Run these tutorials, in `scratch`; pages, pictures and notebooks become part of the site; (stem, head) of each."""
    build = builder(scripts[0].parent)
    into = staging.folder / "tutorials"
    into.mkdir()
    environment = {"PYTHONPATH": str(staging.root)} | ({"MINIRNN_FAST": "1"} if fast else {})
    found = []
    for path in scripts:
        print(f"running {path.name}", flush=True)
        notebook, student = build.notebook(path), build.student(path)
        try:
            executed = run(notebook, scratch, environment, timeout)
        except Exception as error:
            raise ValueError(f"{path.name} failed: {ANSI.sub('', str(error))}") from error
        origin = f"tutorials/{path.name}"
        script = "../" + (staging.source(origin) if (staging.root / origin).is_file() else f"tutorials/{path.name}")
        linked = functools.partial(staging.linked, origin)
        about = head(path, notebook)
        found.append((path.stem, about._replace(learn=linked(about.learn))))
        (into / f"{path.stem}.md").write_text(page(executed, student, path.stem, into, linked, script))
        if not (staging.root / origin).is_file():  # a folder elsewhere
            shutil.copy(path, into)
        nbformat.write(student, into / f"{path.stem}.ipynb")
    return found


def table(found: list[tuple[str, Head]]) -> str:
    """The page of all tutorials."""
    lines = [
        "# Tutorials",
        "",
        "Each is a notebook to work through: read, run, and write what is left open. A solution is folded below each exercise.",
        "",
    ]
    if not found:
        return "\n".join([*lines, "This build of the site was made without them."]) + "\n"
    lines += ["| | tutorial | minutes | you will |", "|---|---|---|---|"]
    for stem, h in found:
        cells = [h.number, f"[{h.title}]({stem}.md)", h.minutes, h.learn.replace("|", "\\|")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
