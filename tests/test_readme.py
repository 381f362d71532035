"""What the README says is so."""

import re
from pathlib import Path

import numpy as np
import pytest

from minirnn import tasks

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.compiled
def test_the_example_runs_and_its_network_succeeds(tmp_path, monkeypatch, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert "complex" in capsys.readouterr().out
    assert tasks.success(names["z"], names["trials"], names["task"])
    assert names["h"].shape == (201, 4, 50)
    np.testing.assert_array_equal(names["net"].weights.W_rec, names["result"].network.weights.W_rec)


def test_ci_runs_the_readmes_test_command():
    (command,) = (line.strip() for line in README.splitlines() if line.strip().endswith("pytest"))
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_file_that_the_documents_name_is_there():
    for document in ROOT.glob("*.md"):
        text = document.read_text()
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / link).exists(), f"{document.name} links to {link}"
        for name in re.findall(r"`((?:tests|bench|minirnn)/[\w/.]+)`", text):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_the_table_of_contributing_names_rooms_that_are_there():
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## Rules")[0]
    for name in re.findall(r"`([\w/]+\.py|[\w]+/)`", table):
        assert (ROOT / "minirnn" / name).exists() or (ROOT / name).exists(), name
