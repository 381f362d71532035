"""docs/site.py: what it builds, and that what is wrong fails the build."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for package in (
    "mkdocs",
    "material",
    "mkdocstrings",
    "mkdocstrings_handlers.python",
    "latex2mathml",
    "nbclient",
    "ipykernel",
    "jupytext",
):
    pytest.importorskip(package)

ROOT = Path(__file__).resolve().parents[1]
OURS = ("site.py", "site_docstrings.py", "site_math.py", "site_tutorials.py", "site.css")

FILES = {  # a small repository
    "docs/index.md": "# Home\n\n[Models](models.md#rate), [studies](studies/README.md), [all](../tutorials), `minirnn/unit.py`.\n",
    "docs/models.md": "# Models\n\n## Rate\n\n"
    "[c](../minirnn/unit.py), $\\dot h = \\alpha\\tanh h$, $f'(a)$ ![](dot.png)\n\n## Two\n\nno.\n",
    "docs/studies/README.md": "# Studies\n\n| a | b |\n|---|---|\n| [one](one.md) | 1 |\n",
    "docs/studies/one.md": "# One\n\n[back](README.md)\n",
    "CONTRIBUTING.md": "# Contributing\n\nSee [home](README.md), [a page](docs/models.md).\n",
    "minirnn/__init__.py": '"""A package."""\n\nfrom .unit import step\n\n__all__ = ["step"]\n',
    "minirnn/unit.py": '''"""One unit, W_in * x and *no* emphasis (arXiv 1906.01094).

    (1)  h_{t+1} = h_t + alpha (x_t - h_t)      forward Euler
"""

from typing import NamedTuple


class Found(NamedTuple):
    """What is found."""

    h: float  # the state, in mV


def step(h, x, *, alpha=1.0):
    """(1) The state h after x, see `minirnn.unit`.

    h: a number. x (B,): the input. alpha: dt / tau.
    ValueError, naming it, where one does not fit.
    """
    return h + alpha * (x - h)  # (1)
''',
    "tutorials/build.py": '''"""Notebooks of scripts."""

import jupytext


def notebook(path):
    return jupytext.read(path, fmt="py:percent")


def student(path):
    made = notebook(path)
    for cell in made.cells:
        if cell.metadata.get("exercise"):
            cell.source = "...  # yours"
    return made
''',
    "tutorials/01_unit.py": """# %% [markdown]
# # 1. One unit
#
# **You will**
# - see what $\\tau$
#   does;
# - read [models](../docs/models.md) and [two](02_two.py).
#
# **Minutes**: 10
#
# As in
# $$h = 0$$
# $$\\begin{aligned} h &= 1 \\\\ x &= \\hat h \\end{aligned}$$
# %% exercise="double"
double = lambda h: 2 * h
# %%
print("doubled:", double(21))
# %%
from IPython.display import display
display({"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "interactive(children=())"}, raw=True)
# %%
import os
import matplotlib.pyplot as plt
plt.plot([0, 1])
print("fast" if os.environ.get("MINIRNN_FAST") == "1" else "slow");
""",
    "tutorials/02_two.py": "# %% [markdown]\n# # 2. Two units\n#\n# **Minutes**: 30 to 40\n# %%\n1 + 1\n",
}


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for name in OURS:
        shutil.copy(ROOT / "docs" / name, root / "docs")
    shutil.copy(ROOT / "mkdocs.yml", root)
    shutil.copy(ROOT / "docs/commuting.png", root / "docs/dot.png")
    return root


def build(root, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, str(root / "docs/site.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=root.parent, env=environment, timeout=3000)


def test_a_site(repository):
    done = build(repository, "--fast")
    assert done.returncode == 0, done.stderr
    site = repository / "build/site"
    page = (site / "tutorials/01_unit.html").read_text()
    assert "yours" in page and page.index("yours") < page.index("A solution") < page.index("lambda")
    assert '<details class="success">' in page  # folded
    assert "doubled: 42" in page and "fast" in page
    assert page.count("<math") == 3 and page.count('display="block"') == 2 and "<mtable" in page and "\\begin" not in page
    assert '<mover accent="true">' in page
    assert 'src="01_unit_4_1.png"' in page and (site / "tutorials/01_unit_4_1.png").exists()
    assert page.count("interactive(children") == 1  # in the code: a slider without a kernel is not shown
    assert 'href="01_unit.ipynb"' in page and "yours" in (site / "tutorials/01_unit.ipynb").read_text()
    assert 'href="02_two.html"' in page and 'href="../models.html"' in page
    assert "<li>see what" in page
    table = (site / "tutorials/index.html").read_text()
    assert "One unit" in table and "30 to 40" in table and "does; read" in table
    assert '<mspace width="0.167em" /><mi>tanh</mi>' in (site / "models.html").read_text()
    assert '<mi>f</mi><mo lspace="0" rspace="0">\u2032</mo>' in (site / "models.html").read_text()
    reference = (site / "api/unit.html").read_text()
    assert "W_in * x and *no* emphasis" in reference and 'href="https://arxiv.org/abs/1906.01094"' in reference
    assert "(1)  h_{t+1} = h_t + alpha (x_t - h_t)      forward Euler" in reference
    assert "<li>\n<code>x</code> (B,): the input." in reference.replace("<li><code>", "<li>\n<code>")
    assert "the state, in mV" in reference and "<p>ValueError, naming it" in reference
    assert 'href="#minirnn.unit"' in reference
    assert "forward Euler" in (site / "source/minirnn/unit.py.html").read_text()
    assert 'href="source/minirnn/unit.py.html"' in (site / "index.html").read_text()
    assert 'href="studies/index.html"' in (site / "index.html").read_text()
    assert 'href="index.html"' in (site / "CONTRIBUTING.html").read_text()


@pytest.mark.parametrize(
    "path, more, said",
    [
        ("docs/models.md", "[gone](nowhere.md)", "docs/models.md links to nowhere.md"),
        ("docs/models.md", "[gone](../minirnn/nowhere.py)", "links to ../minirnn/nowhere.py"),
        ("docs/models.md", "![](nowhere.png)", "links to nowhere.png"),
        ("docs/index.md", "[gone](models.md#nowhere)", "nowhere"),
        ("docs/index.md", '<a href="nowhere.html">gone</a>', "index.html leads to nowhere.html"),
        ("docs/index.md", '<a href="models.html#nowhere">gone</a>', "no such place"),
        (
            "docs/index.md",
            '<script src="https://elsewhere.example/x.js"></script>',
            "index.html fetches https://elsewhere.example/x.js",
        ),
        ("docs/index.md", '<img alt="" src="//elsewhere.example/x.png">', "index.html fetches //elsewhere.example/x.png"),
        ("docs/index.md", "[gone][minirnn.nowhere]", "Could not find cross-reference target 'minirnn.nowhere'"),
        ("docs/index.md", "$\\nowhere$", "has the command \\nowhere"),
        ("docs/site.css", '@import "https://elsewhere.example/font.css";', "site.css fetches https://elsewhere.example/font.css"),
    ],
)
def test_what_is_wrong_fails_the_build(repository, path, more, said):
    with open(repository / path, "a") as file:
        file.write(f"\n{more}\n")
    done = build(repository, "--tutorials", "none")
    assert done.returncode != 0
    assert said in done.stderr + done.stdout


@pytest.mark.parametrize(
    "more, said",
    [
        ("# %%\n1 / 0\n", "01_unit.py failed"),
        ("# %% [markdown]\n# [gone](03_three.py)\n", "tutorials/01_unit.py links to 03_three.py"),
    ],
)
def test_a_tutorial_that_fails_fails_the_build(repository, more, said):
    with open(repository / "tutorials/01_unit.py", "a") as file:
        file.write(more)
    done = build(repository)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_site_builds(tmp_path, pytestconfig):
    tutorials = () if pytestconfig.getoption("--site-tutorials") else ("--tutorials", "none")
    done = build(ROOT, "--fast", "--out", tmp_path / "site", *tutorials)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    for page in ("index", "troubleshooting", "coming-from", "models", "studies/success-rate", "bench/RESULTS", "CHANGELOG"):
        assert (site / f"{page}.html").exists()
    modules = [path for path in (ROOT / "minirnn").rglob("*.py") if not path.stem.startswith("_")]
    for path in modules:
        assert (site / "api" / f"{'.'.join(path.relative_to(ROOT / 'minirnn').with_suffix('').parts)}.html").exists()
    text = (site / "api/reference.html").read_text()
    assert "(4)  h_{t+1} = (1 - leak) h_t + gain r_t" in text  # as it stands in the docstring
