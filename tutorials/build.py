"""Notebooks out of the tutorials, for students and with solutions, from one source.

    python tutorials/build.py --out build/notebooks

A tutorial is a percent script (`# %%` begins a cell) that runs as plain Python. A cell marked `# %% exercise="name"` holds, between
`### BEGIN SOLUTION` and `### END SOLUTION` (nbgrader's markers), what a student is to write: their version has a line that raises
NotImplementedError there. Cell i of one version is cell i of the other. Needs jupytext (extra `notebooks`).
"""

import argparse
from pathlib import Path
from typing import Any

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def tutorials() -> list[Path]:
    """The scripts, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def stub(source: str) -> str:
    """The source with each solution replaced by what stands in its place. ValueError where the markers do not pair."""
    kept: list[str] = []
    inside = False
    for line in source.splitlines():
        marker = line.strip()
        if marker == BEGIN:
            if inside:
                raise ValueError(f"{BEGIN} within a solution: {source}")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [f"{indent}# YOUR CODE HERE", f"{indent}raise NotImplementedError()"]
        elif marker == END:
            if not inside:
                raise ValueError(f"{END} without {BEGIN}: {source}")
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"{BEGIN} without {END}: {source}")
    return "\n".join(kept)


def solved(source: str) -> str:
    """The source without the markers."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def notebook(path: Path, change: Any = solved) -> Any:
    """The tutorial as a notebook, `change` (`solved` or `stub`) applied to each cell of code."""
    found = jupytext.read(path)
    found.metadata = nbformat.NotebookNode(
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"}, language_info={"name": "python"}
    )
    for number, cell in enumerate(found.cells):
        cell["id"] = f"cell-{number:03d}"  # the same file from the same source
        if cell.cell_type == "code":
            if (BEGIN in cell.source) != ("exercise" in cell.metadata):
                raise ValueError(f"{path.name}, cell {number}: a solution needs the mark exercise=.. and the mark a solution")
            cell.source = change(cell.source)
    return found


def student(path: Path) -> Any:
    """The version without solutions."""
    return notebook(path, stub)


def build(out: Path) -> list[Path]:
    """Write out/student/NAME.ipynb and out/solution/NAME.ipynb of each tutorial."""
    written = []
    for path in tutorials():
        for kind, change in (("student", stub), ("solution", solved)):
            target = out / kind / f"{path.stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook(path, change), target)
            written.append(target)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/notebooks"), help="folder to write to (default: %(default)s)")
    for file in build(parser.parse_args().out):
        print(file)
