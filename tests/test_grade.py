"""Marks for notebooks that were handed in."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tutorials"))
build = pytest.importorskip("build", reason="notebooks need jupytext (extra test)")
import grade  # noqa: E402
import nbformat  # noqa: E402

SCRIPT = build.tutorials()[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_FAST", "1")
    monkeypatch.setenv("MINIRNN_FIGURES", str(tmp_path / "figures"))
    return tmp_path


def handed_in(folder, version, changes=(), name="01_one_unit.ipynb"):
    """A notebook in which the cells of some exercises read otherwise; None deletes a cell."""
    found = version(SCRIPT)
    for exercise, change in dict(changes).items():
        (cell,) = (cell for cell in found.cells if cell.metadata.get("exercise") == exercise)
        if change is None:
            found.cells.remove(cell)
        else:
            cell.source = change(cell.source)
    nbformat.write(found, folder / name)
    return folder / name


def test_the_solution_has_full_marks(folder):
    found = grade.grade(handed_in(folder, build.notebook))
    assert (found["marks"], found["of"]) == (20, 20)
    assert all(one["right"] for one in found["exercises"])


def test_the_empty_form_has_none(folder):
    found = grade.grade(handed_in(folder, build.student))
    assert found["marks"] == 0
    assert {one["mistake"] for one in found["exercises"]} == {"not answered"}


def test_each_answer_has_its_own_verdict_and_a_wrong_one_spoils_none_that_follows(folder):
    changes = {
        "euler-unit": lambda source: source.replace("h + alpha", "alpha"),
        "effective-tau": lambda source: source.replace("np.log", "np.lag"),
        "multiplier": None,
        "noisy-unit": lambda source: source + "\n1 / 0",
    }
    found = grade.grade(handed_in(folder, build.notebook, changes))
    told = {one["exercise"]: one for one in found["exercises"]}
    assert [one["mistake"] for one in found["exercises"]] == ["the change alone", "error", "missing", "error", ""]
    assert "it has to be added to h" in told["euler-unit"]["words"]
    assert "AttributeError" in told["effective-tau"]["words"]
    assert "ZeroDivisionError" in told["noisy-unit"]["words"]
    assert found["marks"] == told["step"]["of"] == 5


def test_an_answer_that_checks_something_easier_is_held_against_the_tutorials_check(folder):
    def cheat(source):
        return source.split("teaching.check")[0].replace("drive - h", "drive") + "print('euler-unit: right')"

    found = grade.grade(handed_in(folder, build.notebook, {"euler-unit": cheat}))
    assert found["exercises"][0]["mistake"] == "the leak is missing"


def test_the_command_prints_a_line_per_notebook(folder, capsys):
    good = handed_in(folder, build.notebook, name="01_one_unit_ada.ipynb")
    slow = handed_in(
        folder, build.notebook, {"euler-unit": lambda source: "while True: pass\n" + source}, name="01_one_unit_bo.ipynb"
    )
    torn = folder / "01_one_unit_cy.ipynb"
    torn.write_text("{")
    other = handed_in(folder, build.notebook, name="homework.ipynb")
    assert grade.main([str(good), "--timeout", "60"]) == 0
    assert grade.main([str(slow), "--timeout", "3"]) == 1
    assert grade.main([str(torn), str(other)]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["notebook"] for line in lines] == [str(path) for path in (good, slow, torn, other)]
    assert lines[0]["marks"] == 20
    assert lines[1]["error"] == "stopped after 3 s"
    assert "JSON" in lines[2]["error"]
    assert "the name of a notebook begins with that of its tutorial" in lines[3]["error"]
