"""Pictures of a tutorial, the same in a script and in a notebook, and sliders where a parameter is worth feeling."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import plots


def show(made: Any, name: str) -> None:
    """Show a figure: in a notebook below the cell, in a script as figures/`name`.png, whose path is printed.

    made: a figure of `minirnn.plots` or any of matplotlib. The folder is MINIRNN_FIGURES where that is set.
    """
    if not name or any(c in name for c in '/\\:*?"<>|'):
        raise ValueError(f"name must be a file's name without its ending, got {name!r}")
    if _in_notebook():
        from IPython.display import Image, display

        png = io.BytesIO()
        plots.save(made, png)
        display(Image(data=png.getvalue()))
        return
    folder = Path(os.environ.get("MINIRNN_FIGURES", "figures"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    plots.save(made, path)
    print(f"[{path}]")


def explore(
    draw: Callable[[Any, Any], None],
    values: Sequence[float],
    *,
    label: str,
    name: str,
    width: float = 3.2,
    height: float = 3.0,
    **subplots: Any,
) -> None:
    """A sweep: draw(ax, value) once per value, side by side; in a notebook with ipywidgets a slider below it.

    label: what is swept, with its unit, the title of each panel. The slider goes from the least value to the largest. Further
    arguments are those of matplotlib's `subplots` (sharey=True, ..).
    """
    if not len(values):
        raise ValueError("values must hold at least one value, got none")
    made, axes = plots.figure(1, len(values), width * len(values), height, **subplots)
    for ax, value in zip(axes[0], values, strict=True):
        draw(ax, value)
        ax.set_title(f"{label} = {value:g}")
    show(made, name)
    if _in_notebook():
        _slider(draw, values, label, width, height)


def _slider(draw: Callable[[Any, Any], None], values: Sequence[float], label: str, width: float, height: float) -> None:
    try:
        import ipywidgets
    except ImportError:
        return

    def redraw(value: float) -> None:
        made, axes = plots.figure(1, 1, 1.6 * width, 1.4 * height)
        draw(axes[0, 0], value)
        axes[0, 0].set_title(f"{label} = {value:g}")
        show(made, "slider")

    low, high = float(min(values)), float(max(values))
    slider = ipywidgets.FloatSlider(
        value=low,
        min=low,
        max=high,
        step=(high - low) / 50 or 1.0,
        description=label,
        continuous_update=False,
        readout_format=".3g",
    )
    ipywidgets.interact(redraw, value=slider)


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
