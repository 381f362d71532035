"""Which room may know which: the arrows of CONTRIBUTING.md, read off the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minirnn

ROOT = Path(minirnn.__file__).parent

# room: (rooms of minirnn it may import, other libraries it may import); the standard library is free
ALLOWED = {
    "kernels": ({"kernels"}, {"numpy", "numba", "llvmlite"}),
    "reference": (set(), {"numpy"}),
    "randomness": (set(), {"numpy"}),
    "noise": (set(), {"numpy"}),
    "trials": (set(), {"numpy"}),
    "files": (set(), {"numpy"}),
    "plots": ({"plots"}, {"numpy", "matplotlib"}),
    "circuits": ({"circuits"}, {"numpy", "scipy"}),
    "analysis": ({"analysis"}, {"numpy", "scipy"}),
    "signals": ({"signals"}, {"numpy", "scipy"}),
    "tasks": ({"tasks", "trials", "randomness"}, {"numpy", "scipy"}),
    "engine": ({"kernels", "reference", "trials"}, {"numpy", "numba", "llvmlite", "threadpoolctl"}),
    "initial": ({"engine"}, {"numpy", "scipy"}),
    "optimizer": ({"engine", "reference"}, {"numpy"}),
    "interop": (
        {"interop", "dale", "files", "network", "optimizer", "randomness", "reference", "trials"},
        {"numpy", "h5py", "neurogym"},
    ),
    "checkpoint": ({"files", "network", "optimizer", "reference"}, {"numpy", "filelock"}),
    "dale": ({"reference", "trials"}, {"numpy"}),
    "network": ({"dale", "engine", "files", "initial", "interop", "noise", "randomness", "reference", "trials"}, {"numpy"}),
    "checks": (set(), {"numpy", "scipy"}),
    "integrators": (set(), {"numpy", "scipy"}),
    "procedures": ({"analysis", "integrators", "network", "randomness", "reference"}, {"numpy", "scipy"}),
    "studies": (
        {
            "analysis",
            "checks",
            "initial",
            "integrators",
            "network",
            "procedures",
            "randomness",
            "reference",
            "signals",
            "tasks",
            "train",
            "trials",
        },
        {"numpy"},
    ),
    "gradcheck": ({"checks", "network", "randomness", "reference", "trials"}, {"numpy", "scipy"}),
    "second_order": ({"network", "randomness", "reference", "trials"}, {"numpy", "scipy"}),
    "gradient_flow": ({"network", "reference", "trials"}, {"numpy", "scipy"}),
    "gallery": ({"gallery", "checks", "dale", "engine", "network", "optimizer", "randomness", "reference", "trials"}, {"numpy"}),
    "teaching": (
        {
            "analysis",
            "checks",
            "dale",
            "gallery",
            "gradient_flow",
            "initial",
            "network",
            "plots",
            "reference",
            "tasks",
            "teaching",
            "trials",
        },
        {"numpy", "scipy", "IPython", "ipywidgets"},
    ),
    "train": (
        {"checkpoint", "engine", "files", "network", "optimizer", "randomness", "reference", "tasks", "trials"},
        {"numpy", "tqdm"},
    ),
    "curriculum": ({"checkpoint", "files", "network", "optimizer", "randomness", "train"}, {"numpy"}),
    "ensembles": (
        {
            "analysis",
            "ensembles",
            "checkpoint",
            "dale",
            "engine",
            "files",
            "initial",
            "network",
            "optimizer",
            "plots",
            "tasks",
            "train",
            "trials",
        },
        {"numpy", "scipy", "tqdm"},
    ),
    "study_commands": (
        {"engine", "ensembles", "files", "initial", "network", "plots", "studies", "tasks", "train"},
        {"numpy", "distributed"},
    ),
    "cli": (
        {
            "analysis",
            "checkpoint",
            "circuits",
            "dale",
            "engine",
            "files",
            "gradcheck",
            "initial",
            "network",
            "optimizer",
            "plots",
            "recordings",
            "reference",
            "report",
            "study_commands",
            "tasks",
            "train",
            "trials",
        },
        {"numpy", "scipy"},
    ),
    "recordings": ({"files", "plots", "signals"}, {"numpy"}),
    "report": (
        {"analysis", "checkpoint", "network", "plots", "tasks"},
        {"numpy"},
    ),
    "__init__": ({"checks", "dale", "ensembles", "gradcheck", "network", "optimizer", "reference", "train", "trials"}, set()),
    "__main__": ({"cli"}, set()),
}


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path):
    """(rooms of minirnn, other libraries) that this file imports anywhere in it."""
    ours, theirs = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            theirs |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                theirs.add(node.module.split(".")[0])
                continue
            package = path.relative_to(ROOT).parent.parts
            package = package[: len(package) - (node.level - 1)] if node.level > 1 else package
            if package:
                ours.add(package[0])
            elif node.module:
                ours.add(node.module.split(".")[0])
            else:
                ours |= {name.name for name in node.names}
    return ours, theirs - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_each_room_imports_only_what_it_may(path):
    ours, theirs = ALLOWED[room(path)]
    found_ours, found_theirs = imported(path)
    assert found_ours <= ours
    assert found_theirs <= theirs


def test_a_kernel_file_calls_nothing_jitted_in_another_file():
    # numba's cache watches only the file a function is written in
    for path in (ROOT / "kernels").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert [name.name for name in node.names] == ["kernel"]


def test_importing_minirnn_is_light():
    heavy = ("numba", "matplotlib", "scipy", "minirnn.kernels.dynamics")
    code = f"import sys, minirnn, minirnn.tasks; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
