"""The gallery of planted bugs: no false alarm, no bug that nothing sees, and nothing of it stays behind."""

import inspect
import re
import subprocess
import sys

import pytest

from minirnn import gallery, reference

ROOMS = sorted({bug.room for bug in gallery.BUGS})
DIFFERENCES = ("central differences", "complex step", "Taylor")


@pytest.fixture(scope="module")
def matrix():
    return gallery.matrix()


def cell(matrix, bug, check):
    row = [b.name for b in matrix.bugs].index(bug)
    return matrix.cells[row][[c.name for c in matrix.checks].index(check)]


@pytest.mark.parametrize("room", ROOMS)
def test_the_shipped_modules_pass_every_check(room):
    verdicts = gallery.verdicts(gallery.shipped(room))
    assert False in verdicts
    assert True not in verdicts


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_planted_with_its_own_line_passes_every_check(room):
    bug = next(bug for bug in gallery.BUGS if bug.room == room)
    assert True not in gallery.verdicts(gallery.planted(bug._replace(wrong=bug.line)))


@pytest.mark.compiled
def test_every_bug_is_seen_by_a_check(matrix):
    assert [bug.name for bug, row in zip(matrix.bugs, matrix.cells, strict=True) if True not in row] == []


@pytest.mark.compiled
def test_every_check_that_looks_sees_a_bug(matrix):
    for check, column in zip(matrix.checks, zip(*matrix.cells, strict=True), strict=True):
        assert True in column, check.name


def test_each_line_is_there_once_and_is_changed():
    for bug in gallery.BUGS:
        lines = [line.strip() for line in inspect.getsource(gallery.shipped(bug.room)).splitlines()]
        assert lines.count(bug.line) == 1, bug.name
        assert bug.wrong != bug.line
        assert "\n" not in bug.wrong


def test_there_are_at_least_25_of_different_names():
    assert len(gallery.BUGS) >= 25
    assert len({bug.name for bug in gallery.BUGS}) == len(gallery.BUGS)
    assert len({(bug.room, bug.line, bug.wrong) for bug in gallery.BUGS}) == len(gallery.BUGS)
    for bug in gallery.BUGS:
        assert bug.story.endswith(".")


def test_a_line_that_is_not_there_once_is_an_error():
    bug = gallery.BUGS[0]
    for line, times in (("h = 0", 0), ('if name == "tanh":', 2)):
        with pytest.raises(ValueError, match=f"leak dropped: the line must occur once in reference, found {times} times"):
            gallery.planted(bug._replace(line=line))


@pytest.mark.compiled
def test_what_finite_differences_miss_is_named_in_the_table(matrix):
    unseen = matrix.unseen_by_differences
    assert unseen
    text = str(matrix)
    last = " ".join(text[text.index("finite differences cannot see") :].split())
    names = "; ".join(bug.name for bug in unseen)
    assert last == f"finite differences cannot see {len(unseen)} of {len(matrix.bugs)} bugs: {names}"
    lines = text.splitlines()
    for bug in matrix.bugs:
        assert sum(re.match(rf"{bug.room} +{re.escape(bug.name)}  ", line) is not None for line in lines) == 1
    assert max(map(len, lines)) <= 132


@pytest.mark.compiled
def test_differences_are_blind_where_loss_and_gradient_agree(matrix):
    for check in DIFFERENCES:
        for bug in ("noise dropped", "noise times gain", "x_bar without phi'", "exponential for Euler", "answer of 10 wrong"):
            assert cell(matrix, bug, check) is False
        for bug in ("gain dropped (4*)", "W_rec transposed", "mask dropped", "factor 2 dropped (6*)"):
            assert cell(matrix, bug, check) is True
        assert cell(matrix, "clipped by array", check) is None
    # the kernels take leak and gain as they are given; only what starts from dt and tau can tell
    assert cell(matrix, "exponential for Euler", "kernel") is False
    assert cell(matrix, "exponential for Euler", "closed form") is True
    assert cell(matrix, "noise dropped", "kernel") is True
    assert cell(matrix, "x_bar without phi'", "dot product") is True


def test_planting_leaves_the_shipped_modules_alone():
    rooms = {room: gallery.shipped(room) for room in ROOMS}
    before, rollout = dict(sys.modules), reference.rollout
    for room in ROOMS:
        bug = next(bug for bug in gallery.BUGS if bug.room == room)
        module = gallery.planted(bug)
        assert module is not rooms[room]
        assert module.__file__ == rooms[room].__file__
        with pytest.raises(SyntaxError):
            gallery.planted(bug._replace(wrong="return )"))
        with pytest.raises(NameError):
            gallery.planted(bug._replace(line="import numpy as np", wrong="no_such_name"))
    assert dict(sys.modules) == before
    assert all(sys.modules[name] is module for name, module in before.items())
    assert gallery.planted(gallery.BUGS[0]).rollout is not rollout
    assert reference.rollout is rollout
    assert gallery.shipped("reference") is reference


@pytest.mark.compiled
def test_the_command_prints_the_matrix(matrix):
    out = subprocess.run([sys.executable, "-m", "minirnn.gallery"], check=True, capture_output=True, text=True).stdout
    assert out == f"{matrix}\n"
