"""Each tutorial runs as a notebook too, in a kernel of its own: its figures stand below the cells, and sliders do no harm."""

import sys
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="notebooks run with the extra notebooks")
pytest.importorskip("ipykernel", reason="notebooks run with the extra notebooks")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tutorials"))
build = pytest.importorskip("build", reason="notebooks need jupytext")


@pytest.mark.compiled
@pytest.mark.filterwarnings("default")  # those of Jupyter's own packages
@pytest.mark.parametrize("path", build.tutorials(), ids=lambda path: path.stem)
def test_it_runs_as_a_notebook(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_FAST", "1")
    found = build.notebook(path)
    nbclient.NotebookClient(found, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in found.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    asked = path.read_text().count("teaching.show(") + path.read_text().count("teaching.explore(")
    assert pictures >= asked > 0
    assert not [output for output in outputs if output.output_type == "error"]
    assert list(tmp_path.iterdir()) == []  # no figures folder: they are in the notebook
