"""Distance against the connections removed (arXiv 1906.01094, Fig 14)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, STYLE, figure

Array = np.ndarray[Any, Any]

TITLES = {
    "a": "a: all weaker than t",
    "b": "b: positive, weaker than t",
    "c": "c: negative, weaker than t",
    "d": "d: slice of the positive",
    "e": "e: slice of the negative",
    "f": "f: the strongest",
}
LOOKS = ((BLACK, "o", "-"), (ORANGE, "^", "-"), (GREEN, "v", "--"), (BLUE, "s", "-"))  # A and B in the colours of their inputs


def damage(
    ax: Axes, percent: Array, distances: Array, *, below: Array | None = None, above: Array | None = None,
    names: Sequence[str] = ("00", "10", "01", "11"), lines: Sequence[float] = (1.0, 1.5), title: str = "",
) -> None:  # fmt: skip
    """Distances (S, C) against the percentage removed (S,), a curve per type of trial, and lines at `lines`.

    below, above (S, C): how far to shade on either side. By the paper, above 1 the task is impaired, above 1.5 destroyed.
    """
    for c, name in enumerate(names):
        colour, marker, dashes = LOOKS[c % len(LOOKS)]
        d = distances[:, c]
        if below is not None and above is not None:
            ax.fill_between(percent, d - below[:, c], d + above[:, c], color=colour, alpha=0.2, lw=0)
        ax.plot(percent, d, color=colour, marker=marker, ls=dashes, ms=3.5, lw=1.3, label=name)
    for line, dashes in zip(lines, (":", "--"), strict=False):
        ax.axhline(line, color=GREY, lw=1.2, ls=dashes, zorder=1, label=f"d = {line:g}")
    end = float(percent.max()) or 1.0
    ax.set_xlim(-0.02 * end, 1.02 * end)
    ax.set_ylim(0, None)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_title(title)


def variants(
    rows: Mapping[str, Mapping[str, tuple[Array, Array, Array | None, Array | None]]], *,
    names: Sequence[str] = ("00", "10", "01", "11"), axis: str = "removed (%)", top: float | None = None,
    lines: Sequence[float] = (1.0, 1.5), legend: str = "inputs A B",
) -> Figure:  # fmt: skip
    """One page, a row per network or ensemble by name and a column per variant: percent, distances, below, above of `damage`.

    top: where to cut the axis of the distances, which all panels share; nothing is cut by default. legend: its title.
    """
    shown = list(dict.fromkeys(variant for row in rows.values() for variant in row))
    made, axes = figure(len(rows), len(shown), 2.9 * len(shown), 0.9 + 2.3 * len(rows), sharex="col", sharey=True)
    for k, (label, row) in enumerate(rows.items()):
        for ax, variant in zip(axes[k], shown, strict=True):
            if variant not in row:
                ax.set_visible(False)
                continue
            percent, distances, below, above = row[variant]
            first = next(name for name, other in rows.items() if variant in other)
            title = TITLES.get(variant, variant) if label == first else ""
            damage(ax, percent, distances, below=below, above=above, names=names, lines=lines, title=title)
        axes[k, 0].set_ylabel(f"{label}\ndistance")
    tops = [np.max(d if above is None else d + above) for row in rows.values() for _, d, _, above in row.values()]
    axes[0, 0].set_ylim(0, 1.05 * max(tops) if top is None else top)
    for ax in axes[-1]:
        ax.set_xlabel(axis)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    with rc_context(STYLE):
        made.legend(handles, labels, title=legend, loc="outside right center")
    return made
