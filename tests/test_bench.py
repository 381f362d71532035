"""The scripts of `bench/` run, on tiny sizes and without the peers that need an environment of their own. Nothing is timed here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parent.parent / "bench"


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(BENCH / script), *options], capture_output=True, text=True, timeout=300)


@pytest.fixture
def grid(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import grid

    return grid


@pytest.mark.compiled
def test_the_grid_measures_equal_peers_and_reports(grid, tmp_path, capsys):
    out = tmp_path / "grid.json"
    options = ["--quick", "--dtypes", "float64", "--peers", "minirnn", "reference", "numpy", "--threads", "1", "--out", str(out)]
    made = run("grid.py", *options)
    assert made.returncode == 0, made.stderr
    found = json.loads(out.read_text())
    assert list(found["cells"]) == ["6,10,4,2,1 float64", "5,8,1,3,2 float64"]
    for cell in found["cells"].values():
        assert cell["left_out"] == {}
        assert set(cell["seconds"]) == {"minirnn 1", "reference 1", "numpy 1"}
        for losses in cell["losses"].values():
            np.testing.assert_allclose(losses, cell["losses"]["reference 1"], rtol=1e-12)
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert out.with_suffix(".md").read_text() in made.stdout

    found["cells"]["6,10,4,2,1 float64"]["rounds"] = 12345
    out.write_text(json.dumps(found))
    grid.main([*options, "--resume"])  # nothing is left to do
    assert json.loads(out.read_text())["cells"] == found["cells"]
    grid.main(["--report-only", "--out", str(out)])
    assert capsys.readouterr().out.count("### Milliseconds per step, float64, minimum") == 2


def test_peers_whose_losses_differ_stop_the_grid(grid):
    falling = [0.5, 0.4, 0.3]
    grid.agree({"a 1": falling, "b 1": [0.5, 0.4, 0.300029]})
    with pytest.raises(ValueError, match="differ by"):
        grid.agree({"a 1": falling, "b 1": [0.5, 0.4, 0.300031]})
    with pytest.raises(ValueError, match="differ by"):
        grid.agree({"a 1": falling, "b 1": [0.5, 0.4, float("nan")]})
    with pytest.raises(ValueError, match="hardly change"):
        grid.agree({"a 1": [0.5, 0.5001, 0.5002], "b 1": [0.5, 0.5001, 0.5002]})


def test_a_worker_that_fails_says_why(grid):
    with grid.Workers(BENCH) as workers:
        worker = workers.of("numpy", 1, "float32")
        with pytest.raises(grid.Failed, match=r"numpy_optimised.*FileNotFoundError"):
            worker.ask("load", "nowhere.npz", "float32")
        worker.process.kill()
        with pytest.raises(grid.Failed, match="ended"):
            worker.ask("memory")


@pytest.mark.parametrize("text", ["50,200", "50,200,0", "1,2,3,4"])
def test_a_size_is_three_or_five_numbers(grid, text):
    assert grid.Size.read("50,200,64") == grid.PAPER
    with pytest.raises(grid.argparse.ArgumentTypeError, match="a size is"):
        grid.Size.read(text)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "script, options", [("forms.py", ["--units", "5", "--seconds", "0"]), ("sampling.py", ["--rounds", "1", "--tasks", "and"])]
)
def test_the_other_scripts_run(script, options):
    made = run(script, *options)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("| ")
