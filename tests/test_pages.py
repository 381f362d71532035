"""What the pages with code say is so: their lines run as they stand, and print what is shown, digits aside."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

from minirnn import cli

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```(python|sh)\n(.*?)```\n(?:\n```text\n(.*?)\n```\n)?", re.DOTALL)
NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)%?")


def without_digits(text):
    """The words of an output, line by line: numbers differ in their last digits between machines, and which entry is the worst."""
    lines = [" ".join(NUMBER.sub("#", line).split()) for line in text.strip().splitlines()]
    return [re.sub(r"\[ ", "[", line) for line in lines if not line.startswith("worst entry")]


@pytest.mark.compiled
@pytest.mark.parametrize("page", ["index.md", "troubleshooting.md", "coming-from.md"])
def test_the_lines_of_a_page_run_and_print_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "tests/data/psychrnn_dale.npz", "weights.npz")
    names, ran = {"__name__": "page"}, 0
    for language, code, shown in BLOCK.findall((ROOT / "docs" / page).read_text()):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if language == "python":
                exec(compile(code, page, "exec"), names)
            elif code.strip() != "pip install .":
                for command in code.strip().splitlines():
                    program, *arguments = command.split()
                    assert program == "minirnn" and cli.main(arguments) == 0, command
        if language == "python":
            assert without_digits(printed.getvalue()) == without_digits(shown), code
        ran += 1
    assert ran > 3
    if page == "index.md":
        for made in ("and.png", "and.npz", "gradient-flow.png", "and_analysis/trajectories.png", "and_analysis/landscape.png"):
            assert (tmp_path / made).exists()


def test_the_front_page_installs_as_the_readme_does():
    assert "```sh\npip install .\n```" in (ROOT / "docs/index.md").read_text()
    assert "pip install . " in (ROOT / "README.md").read_text()
