"""Pictures of a tutorial: a file in a script, a picture in a notebook; a sweep everywhere, a slider where there are widgets."""

import sys
import types

import pytest

from minirnn import plots, teaching


@pytest.fixture
def made():
    figure, axes = plots.figure(1, 1, 2, 2)
    axes[0, 0].plot([1, 2])
    return figure


@pytest.fixture
def notebook(monkeypatch):
    """A stand-in for a notebook's kernel; what it is asked to show, and the sliders made."""
    shown, sliders = [], []
    ipython, display, widgets = (types.ModuleType(name) for name in ("IPython", "IPython.display", "ipywidgets"))
    ipython.get_ipython = lambda: type("ZMQInteractiveShell", (), {})()
    ipython.display = display
    display.Image = lambda data: data
    display.display = shown.append
    widgets.FloatSlider = lambda **settings: settings
    widgets.interact = lambda redraw, value: (sliders.append(value), redraw(value["value"]))
    for module in (ipython, display, widgets):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return shown, sliders


def test_a_script_writes_the_figure_and_says_where(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIRNN_FIGURES", str(tmp_path / "a" / "b"))
    teaching.show(made, "01_first")
    path = tmp_path / "a" / "b" / "01_first.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"[{path}]\n"


def test_without_a_setting_it_is_the_folder_figures(made, tmp_path, monkeypatch):
    monkeypatch.delenv("MINIRNN_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    teaching.show(made, "x")
    assert (tmp_path / "figures" / "x.png").exists()


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "c:x"])
def test_a_name_that_is_no_files_name_is_an_error(made, name):
    with pytest.raises(ValueError, match="name must be a file's name without its ending"):
        teaching.show(made, name)


def test_a_notebook_shows_the_figure_and_writes_nothing(made, notebook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    teaching.show(made, "x")
    (png,) = notebook[0]
    assert png.startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_sweep_draws_each_value_in_a_panel_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRNN_FIGURES", str(tmp_path))
    seen = []
    teaching.explore(lambda ax, value: seen.append((ax, value)), [0.1, 2.0], label="gain", name="sweep")
    assert [value for _, value in seen] == [0.1, 2.0]
    assert [ax.get_title() for ax, _ in seen] == ["gain = 0.1", "gain = 2"]
    assert (tmp_path / "sweep.png").exists()


def test_without_values_a_sweep_is_an_error():
    with pytest.raises(ValueError, match="values must hold at least one value"):
        teaching.explore(print, [], label="gain", name="sweep")


def test_a_notebook_with_widgets_has_a_slider_too(notebook):
    shown, sliders = notebook
    seen = []
    teaching.explore(lambda ax, value: seen.append(value), [0.5, 0.1, 2.0], label="gain", name="sweep")
    assert seen == [0.5, 0.1, 2.0, 0.1]
    assert len(shown) == 2
    assert (sliders[0]["min"], sliders[0]["max"], sliders[0]["description"]) == (0.1, 2.0, "gain")


def test_a_notebook_without_widgets_has_the_sweep_alone(notebook, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    teaching.explore(lambda ax, value: None, [1.0], label="gain", name="sweep")
    assert len(notebook[0]) == 1
