"""What many networks have in common: shares with intervals, means against a parameter, beside published ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE

Array = np.ndarray[Any, Any]

COLOURS = (BLUE, ORANGE, GREEN, RED, SKY, GREY)


def shares(
    ax: Axes, groups: Sequence[str], found: Mapping[str, Sequence[tuple[float, float, float]]],
    published: Mapping[str, Sequence[float]] | None = None, *, ylabel: str = "networks that succeed (%)",
) -> None:  # fmt: skip
    """Bars per group: found[label] = (share, low, high) per group, in that order; published[label]: shares, drawn as lines."""
    published = {} if published is None else published
    width = 0.8 / len(found)
    for k, (label, values) in enumerate(found.items()):
        x = np.arange(len(groups)) + (k - (len(found) - 1) / 2) * width
        share, low, high = 100 * np.array(values, float).reshape(len(groups), 3).T
        ax.bar(x, share, 0.92 * width, color=COLOURS[k], alpha=0.75, label=label)
        ax.errorbar(x, share, [share - low, high - share], fmt="none", ecolor=BLACK, elinewidth=0.9, capsize=2)
        if label in published:
            at = 100 * np.array(published[label], float)
            ax.hlines(at, x - width / 2, x + width / 2, color=BLACK, lw=2.2, label="published" if k == 0 else "")
    ax.set_xticks(np.arange(len(groups)), groups)
    ax.set_ylim(0, 105)
    ax.set_ylabel(ylabel)
    with rc_context(STYLE):
        ax.legend(ncols=len(found) + 1, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def means(
    ax: Axes, found: Mapping[str, tuple[Array, Array, Array]], *, xlabel: str, ylabel: str,
    each: Mapping[str, tuple[Array, Array]] | None = None, legend: bool = True,
) -> None:  # fmt: skip
    """Curves found[label] = x (S,), mean (S,), error (S,), a bar of one error each way; each[label] = x, y of single networks."""
    for k, (label, (x, mean, error)) in enumerate(found.items()):
        colour = COLOURS[k % len(COLOURS)]
        if each is not None and label in each:
            ax.plot(*each[label], ".", color=colour, ms=3.5, alpha=0.35)
        ax.errorbar(x, mean, error, fmt="os^Dv*"[k % 6] + "-", color=colour, ms=4.5, lw=1.5, elinewidth=1, capsize=2, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if legend:
        with rc_context(STYLE):
            ax.legend()


def guides(ax: Axes, levels: Mapping[str, float], mark: float | None = None, *, unit: str = "ms") -> None:
    """Dashed horizontal lines at levels[label], named beside the right end, and a dotted vertical one at `mark`."""
    for label, level in levels.items():
        ax.axhline(level, color=GREY, lw=1.1, ls="--", zorder=1)
        ax.annotate(label, (1, level), (3, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
                    fontsize=9, color=GREY)  # fmt: skip
    if mark is not None:
        ax.axvline(mark, color=GREY, lw=1.1, ls=":", zorder=1)
        ax.annotate(f"{mark:g} {unit}", (mark, 1), (3, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
                    va="top", fontsize=9, color=GREY)  # fmt: skip


def legend_above(ax: Axes) -> None:
    """The legend above the Axes, where it hides nothing."""
    labels = ax.get_legend_handles_labels()[1]
    if labels:
        with rc_context(STYLE):
            ax.legend(ncols=len(labels), loc="lower center", bbox_to_anchor=(0.5, 1.0))


def points(ax: Axes, groups: Mapping[str, tuple[Array, Array]], *, xlabel: str, ylabel: str, floor: float | None = None) -> None:
    """A point per network, groups[label] = x (n,), y (n,); floor: both axes logarithmic, and what is below it drawn there."""
    for k, (label, (x, y)) in enumerate(groups.items()):
        shown = (x, y) if floor is None else (np.maximum(x, floor), np.maximum(y, floor))
        ax.plot(*shown, "os^Dv*"[k % 6], color=COLOURS[k % len(COLOURS)], ms=5.5, mec="white", mew=0.4, alpha=0.85, label=label)
    if floor is not None:
        ax.set(xscale="log", yscale="log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
