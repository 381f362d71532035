"""The tutorials run, their stubs fail where they should, their solutions pass, and wrong answers get the right words."""

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from tutorial_mistakes import MISTAKES

from minirnn import teaching

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tutorials"))
build = pytest.importorskip("build", reason="notebooks need jupytext (extra test)")
PATHS = build.tutorials()
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
taught = pytest.mark.parametrize("path", [path for path in PATHS if path.stem != "13_for_instructors"], ids=lambda path: path.stem)


def exercises(path):
    return [cell for cell in build.notebook(path).cells if "exercise" in cell.metadata]


@pytest.mark.compiled
@each
def test_it_runs_as_a_script(path, tmp_path):
    settings = {**os.environ, "MINIRNN_FAST": "1", "MINIRNN_FIGURES": str(tmp_path / "figures"), "PYTHONPATH": str(ROOT)}
    settings["OPENBLAS_NUM_THREADS"] = "1"  # threads of two runs that wait for each other cost more than they do
    command = [sys.executable, "-W", "error::UserWarning", str(path)]
    done = subprocess.run(command, env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    names = set(re.findall(r'"(\d\d_\w+)"', path.read_text()))
    drawn = {figure.stem for figure in (tmp_path / "figures").glob("*.png")}
    assert drawn
    assert drawn == names
    assert {entry.name for entry in tmp_path.iterdir()} == {"figures"}  # nothing is left beside the pictures


@pytest.mark.compiled
@each
def test_each_stub_fails_in_its_cell_and_each_answer_gets_its_verdict(path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIRNN_FAST", "1")
    monkeypatch.setenv("MINIRNN_FIGURES", str(tmp_path / "figures"))
    monkeypatch.chdir(tmp_path)
    wrong_answers = [entry for entry in MISTAKES if entry[0] == path.stem]
    tried = 0
    names = {"__name__": "__main__", "__file__": str(path)}
    for number, (solved, stubbed) in enumerate(zip(build.notebook(path).cells, build.student(path).cells, strict=True)):
        if solved.cell_type != "code":
            assert stubbed.source == solved.source
            continue
        here = f"cell {number} of {path.name}"
        if "exercise" in solved.metadata:
            assert build.BEGIN not in stubbed.source
            with pytest.raises(NotImplementedError) as stopped:
                exec(compile(stubbed.source, here, "exec"), dict(names))
            assert traceback.extract_tb(stopped.tb)[-1].filename == here
            for _, exercise, right, wrong, words in wrong_answers:
                if exercise == solved.metadata["exercise"]:
                    assert solved.source.count(right) == 1, (exercise, right)
                    with pytest.raises(AssertionError, match=re.escape(words)):
                        exec(compile(solved.source.replace(right, wrong), here, "exec"), dict(names))
                    tried += 1
        else:
            assert stubbed.source == solved.source
        exec(compile(solved.source, here, "exec"), names)
    assert tried == len(wrong_answers)
    assert capsys.readouterr().out.count(": right (") >= len(exercises(path))


@taught
def test_it_has_exercises_that_end_in_a_check_and_wrong_answers(path):
    found = exercises(path)
    assert len(found) >= 3
    for cell in found:
        assert re.search(r"teaching\.check\w*\(.*\)\.expect_right\(\)$", cell.source)
        name = cell.metadata["exercise"]
        assert name in teaching.EXERCISES or "teaching.check(" not in cell.source
    assert len([entry for entry in MISTAKES if entry[0] == path.stem]) >= 3


@taught
def test_its_head_states_what_a_course_needs(path):
    head = build.notebook(path).cells[0].source
    number = int(path.stem[:2])
    assert head.startswith(f"# {number}. ")
    for word in ("You will", "Before", "Minutes", "Runs in", "Marks"):
        assert f"**{word}**" in head, word
    assert 45 <= int(re.search(r"\*\*Minutes\*\*: (\d+)", head)[1]) <= 85
    assert "MINIRNN_FAST=1" in head
    marks = dict(re.findall(r"([a-z][\w-]*) (\d+)", head.split("**Marks**:")[1]))
    assert sum(map(int, marks.values())) == 20
    assert {cell.metadata["exercise"] for cell in exercises(path)} <= marks.keys()
    text = "\n".join(cell.source for cell in build.notebook(path).cells)
    assert "## What to conclude" in text


def test_there_are_twelve_and_an_appendix():
    assert [int(path.stem[:2]) for path in PATHS] == list(range(1, 14))
    assert {entry[0] for entry in MISTAKES} == {path.stem for path in PATHS[:-1]}


def test_every_exercise_of_teaching_is_asked_somewhere():
    asked = {cell.metadata["exercise"] for path in PATHS for cell in exercises(path)}
    assert set(teaching.EXERCISES) <= asked


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("### BEGIN SOLUTION\nx = 1", "BEGIN SOLUTION without ### END"),
        ("x = 1\n### END SOLUTION", "END SOLUTION without ### BEGIN"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "within a solution"),
    ],
)
def test_markers_that_do_not_pair_are_an_error(source, words):
    with pytest.raises(ValueError, match=words):
        build.stub(source)


def test_a_stub_keeps_what_is_around_the_solution():
    source = "def f(x):\n    a = 1\n    ### BEGIN SOLUTION\n    b = 2\n    ### END SOLUTION\n    return x"
    assert build.stub(source) == "def f(x):\n    a = 1\n    # YOUR CODE HERE\n    raise NotImplementedError()\n    return x"
    assert build.solved(source) == "def f(x):\n    a = 1\n    b = 2\n    return x"


def test_a_solution_without_a_mark_and_a_mark_without_a_solution_are_errors(tmp_path):
    for number, text in enumerate(('# %% exercise="a"\nx = 1\n', "# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")):
        path = tmp_path / f"0{number}.py"
        path.write_text(text)
        with pytest.raises(ValueError, match="a solution needs the mark"):
            build.notebook(path)


def test_the_builder_writes_both_versions_and_the_same_again(tmp_path):
    written = build.build(tmp_path / "a")
    assert len(written) == 2 * len(PATHS)
    for path, again in zip(written, build.build(tmp_path / "b"), strict=True):
        assert path.read_bytes() == again.read_bytes()
    student, solution = (path.read_text() for path in written[:2])
    assert "raise NotImplementedError()" in student
    assert "SOLUTION" not in student + solution
    assert "raise NotImplementedError()" not in solution
