"""What all pictures share: colours, the style, making a figure and writing it."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

# Okabe and Ito's colours, told apart by colour-blind readers and in grey print
BLACK, ORANGE, SKY, GREEN, BLUE, RED, GREY = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#8A8A8A"
INPUTS = (ORANGE, GREEN, RED, SKY)

STYLE: Any = {
    "font.size": 11.0, "axes.titlesize": 11.0, "axes.labelsize": 11.0, "legend.fontsize": 9.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "lines.linewidth": 1.6,
    "figure.constrained_layout.use": True, "savefig.dpi": 160.0, "figure.facecolor": "white",
}  # fmt: skip


def figure(rows: int, columns: int, width: float, height: float, **subplots: Any) -> tuple[Figure, Array]:
    """A figure in the package's style, independent of any window or backend, and its Axes (rows, columns). Sizes in inches."""
    with rc_context(STYLE):
        made = Figure(figsize=(width, height))
        axes = made.subplots(rows, columns, squeeze=False, **subplots)
    return made, axes


def save(made: Figure, path: Any, ending: str = ".png") -> None:
    """Write the figure in the package's style to a path or file; `ending` (.png, .pdf, .svg, ..) is the format."""
    with rc_context(STYLE):
        made.savefig(path, format=ending.removeprefix(".") or "png")
