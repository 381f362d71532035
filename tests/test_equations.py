"""A module that states numbered equations has a line for each number, and no line a number that is not stated."""

import ast
import re
from pathlib import Path

import pytest

import minirnn

ROOT = Path(minirnn.__file__).parent
STATING = ["reference.py", "kernels/rate.py", "kernels/adam.py"]


@pytest.mark.parametrize("name", STATING)
def test_stated_and_computed_equations_are_the_same(name):
    text = (ROOT / name).read_text()
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    stated = set(re.findall(r"\((\d+)\) ", docstring))
    code = text.replace(docstring, "")
    comments = " ".join(re.findall(r"#.*", code)) + " ".join(re.findall(r'"""\(.*', code))
    computed = set(re.findall(r"\((\d+)\)", comments))
    adjoint = set(re.findall(r"\((\d+)\*\)", comments))
    model = {"1"} if name != "kernels/adam.py" else set()  # (1) is the continuous model that (2) to (4) discretise
    assert stated - model == computed
    assert adjoint <= stated | computed


def test_every_forward_step_has_its_adjoint():
    for name, steps in (("reference.py", "2345678"), ("kernels/rate.py", "3467")):
        text = (ROOT / name).read_text()
        for step in steps:
            assert re.search(rf"# .*\({step}\*\)", text), f"({step}*) is not in {name}"
