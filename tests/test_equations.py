"""A module that states numbered equations has a line for each number, and no line a number that is not stated."""

import ast
import re
from pathlib import Path

import pytest

import minirnn

ROOT = Path(minirnn.__file__).parent
# the equations that no line computes: the continuous models that others discretise
STATING = {
    "reference.py": {"1", "1c"}, "kernels/dynamics.py": {"1", "1c"}, "kernels/loss.py": set(),
    "kernels/adam.py": set(), "dale.py": set(),
    "optimizer.py": set(), "noise.py": {"1"}, "analysis/fixed_points.py": set(), "analysis/end_states.py": set(),
    "analysis/pca.py": set(), "analysis/activity.py": set(), "analysis/spectra.py": set(), "analysis/weights.py": set(),
    "circuits/design.py": set(), "circuits/simulate.py": set(), "circuits/tolerance.py": set(),
    "signals/envelope.py": set(), "signals/alignment.py": set(), "signals/pitch.py": set(),
    "integrators.py": set(), "procedures.py": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", STATING)
def test_stated_and_computed_equations_are_the_same(name):
    text = (ROOT / name).read_text()
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    stated = set(re.findall(r"\((\d+c?)\) ", docstring))
    code = text.replace(docstring, "")
    comments = " ".join(re.findall(r"#.*", code)) + " ".join(re.findall(r'"""\(.*', code))
    computed = set(re.findall(r"\((\d+c?)\)", comments))
    adjoint = set(re.findall(r"\((\d+c?)\*\)", comments))
    assert stated - STATING[name] == computed
    assert adjoint <= stated | computed


def test_every_forward_step_has_its_adjoint():
    for name, steps in (
        ("reference.py", "2 3 4 5 6 7 8 2c 3c 4c 13 14"), ("kernels/dynamics.py", "3 4 6 7 2c 4c 8 9"), ("kernels/loss.py", "1"),
        ("dale.py", "1 4"),
    ):  # fmt: skip
        text = (ROOT / name).read_text()
        for step in steps.split():
            assert re.search(rf"# .*\({step}\*\)", text), f"({step}*) is not in {name}"
