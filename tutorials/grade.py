"""Marks and words for notebooks that students hand in, as JSON.

    python tutorials/grade.py handed_in/*/03_bptt.ipynb

prints a line of JSON per notebook: marks, and of each exercise the verdict of `minirnn.teaching` (right, mistake, words). Only the
students' exercise cells are run, each in what the tutorial itself gives so far: so a wrong answer spoils no later one, and a
cell that was deleted elsewhere does not matter. A notebook runs in a process of its own, in the tutorial's fast form, and is
stopped after --timeout seconds. It is a student's code that runs: where you would not run it by hand, run this in a container.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import build
import nbformat

CHECK = re.compile(r"^(teaching\.check\w*\(.*\))\.expect_right\(\)$", re.MULTILINE)


def tutorial_of(path: Path) -> Path:
    """The tutorial that a notebook belongs to, by the beginning of its name. ValueError where there is none."""
    found = [script for script in build.tutorials() if path.stem.startswith(script.stem)]
    if not found:
        names = ", ".join(script.stem for script in build.tutorials())
        raise ValueError(f"{path}: the name of a notebook begins with that of its tutorial, one of {names}")
    return found[0]


def marks_of(script: Path) -> dict[str, int]:
    """Marks per exercise, from the tutorial's head."""
    head = build.notebook(script).cells[0].source.split("**Marks**")[-1]
    return {name: int(marks) for name, marks in re.findall(r"([a-z][\w-]*) (\d+)", head)}


def grade(path: Path) -> dict[str, Any]:
    """Marks and verdicts of a notebook, in this process."""
    script = tutorial_of(path)
    marks = marks_of(script)
    answers = {cell.metadata["exercise"]: cell.source for cell in nbformat.read(path, 4).cells if "exercise" in cell.metadata}
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(script)}
    exercises = []
    for number, cell in enumerate(build.notebook(script).cells):
        if cell.cell_type != "code":
            continue
        if "exercise" in cell.metadata:
            name = cell.metadata["exercise"]
            verdict = _verdict(answers.get(name), cell.source, dict(names))
            full = marks.get(name, 0)
            exercises.append({"exercise": name, **verdict, "marks": full if verdict["right"] else 0, "of": full})
        exec(compile(cell.source, f"{script.name}, cell {number}", "exec"), names)
    total = {"marks": sum(one["marks"] for one in exercises), "of": sum(one["of"] for one in exercises)}
    return {"notebook": str(path), "tutorial": script.stem, **total, "exercises": exercises}


def _verdict(answer: str | None, solution: str, names: dict[str, Any]) -> dict[str, Any]:
    """The verdict on an answer: the student's cell without its checks, then the tutorial's own check."""
    if answer is None:
        return {"right": False, "mistake": "missing", "words": "The cell is not there.", "differs": {}}
    try:
        exec(compile(CHECK.sub("", answer), "the answer", "exec"), names)
        found = eval(CHECK.findall(solution)[-1], names)
    except NotImplementedError:
        return {"right": False, "mistake": "not answered", "words": "The stub is still there.", "differs": {}}
    except Exception as problem:
        return {"right": False, "mistake": "error", "words": f"{type(problem).__name__}: {problem}", "differs": {}}
    told = json.loads(found.json())
    del told["exercise"]
    return told


def graded(path: Path, timeout: float) -> dict[str, Any]:
    """As `grade`, in a process of its own."""
    program = "import json, sys, pathlib, grade; json.dump(grade.grade(pathlib.Path(sys.argv[1])), open(sys.argv[2], 'w'))"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "marks.json"
        settings = {**os.environ, "MINIRNN_FAST": "1", "MINIRNN_FIGURES": folder, "PYTHONPATH": str(build.HERE)}
        command = [sys.executable, "-c", program, str(path.resolve()), str(out)]
        try:
            done = subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return {"notebook": str(path), "error": f"stopped after {timeout:g} s"}
        if done.returncode or not out.exists():
            return {"notebook": str(path), "error": (done.stderr.strip().splitlines() or ["no result"])[-1]}
        return {**json.loads(out.read_text()), "notebook": str(path)}


def main(arguments: list[str] | None = None) -> int:
    """Grade the notebooks given; 1 where one could not be graded."""
    parser = argparse.ArgumentParser(description="Marks and words for notebooks that students hand in, a line of JSON each.")
    parser.add_argument("notebooks", nargs="+", type=Path, help="notebooks whose names begin with those of their tutorials")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for a notebook (default: %(default)g)")
    given = parser.parse_args(arguments)
    failed = 0
    for path in given.notebooks:
        found = graded(path, given.timeout)
        failed |= "error" in found
        print(json.dumps(found, ensure_ascii=False), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
