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


def limits(
    ax: Axes, x: Array, curves: Array, *, line: float, span: tuple[float, float], label: str = "published limit",
    marked: Array | None = None, title: str = "",
) -> None:  # fmt: skip
    """Curves (networks, S) over x (S,), thin, and their mean; a line at a height, and a range of x, the published one.

    marked (networks, S) bool: points to be crossed out.
    """
    ax.axvspan(*span, color=ORANGE, alpha=0.3, lw=0, label=label)
    ax.axhline(line, color=GREY, lw=1.2, ls=":")
    for k, curve in enumerate(curves):
        ax.plot(x, curve, color=SKY, lw=0.9, label="each network" if k == 0 else None)
        if marked is not None:
            ax.plot(x[marked[k]], curve[marked[k]], "x", color=RED, ms=4, mew=0.9)
    if marked is not None and marked.any():
        ax.plot([], [], "x", color=RED, ms=4, mew=0.9, label="rule of success fails")
    if len(curves):
        ax.plot(x, curves.mean(axis=0), color=BLACK, lw=2.0, label="mean")
    ax.set_title(title)
    with rc_context(STYLE):
        ax.legend(loc="upper left")
