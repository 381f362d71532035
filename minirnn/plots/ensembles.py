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


def bulk(ax: Axes, before: Array, after: Array, circles: tuple[float, float], *, title: str = "", reach: float = 1.4) -> None:
    """Eigenvalues (n,) of several networks before (grey) and after training, outer and inner circle of theory, the unit circle."""
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=BLACK, lw=0.9, ls=":", label="unit circle")
    ax.plot(before.real, before.imag, ".", color=GREY, ms=2.5, mew=0, alpha=0.5, label="before")
    ax.plot(after.real, after.imag, ".", color=BLUE, ms=3.2, mew=0, alpha=0.6, label="after")
    for k, radius in enumerate(circles):
        if radius > 0:
            ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=RED, lw=1.8, label="closed form" if k == 0 else None)
    ticks = (-1, 0, 1)
    ax.set(
        xlim=(-reach, reach),
        ylim=(-reach, reach),
        xticks=ticks,
        yticks=ticks,
        aspect="equal",
        xlabel="Re",
        ylabel="Im",
        title=title,
    )
    with rc_context(STYLE):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, markerscale=2.5)


def radii(
    ax: Axes, found: Mapping[str, tuple[Array, Array, Array]], theory: float, *, xlabel: str, ylabel: str,
    xlim: tuple[float, float],
) -> None:  # fmt: skip
    """Radii found["start, state"] = x (S,), mean (S,), error (S,) on the authors' axis, 0 to 1.32, with the closed form.

    A start has a colour, open symbols and broken lines are before training.
    """
    ax.axhline(theory, color=RED, lw=1.6, label="closed form", zorder=1)
    starts = list(dict.fromkeys(label.split(",")[0] for label in found))
    for label, (x, mean, error) in found.items():
        k, after = starts.index(label.split(",")[0]), label.endswith("after")
        moved = x + ((k - 0.5) * 0.012 * (xlim[1] - xlim[0]))
        ax.errorbar(
            moved, mean, error, fmt="os"[k % 2] + ("-" if after else "--"), color=COLOURS[k], mfc=COLOURS[k] if after else "white",
            ms=5, lw=1.2, elinewidth=1, capsize=2, label=label,
        )  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=xlim, ylim=(0, 1.32))
    with rc_context(STYLE):
        ax.legend(loc="upper right", fontsize=9)


def groups(ax: Axes, found: Mapping[str, Array], *, ylabel: str, log: bool = False) -> None:
    """Single networks found[label] (n,) side by side, and a line at the mean of each group."""
    for k, values in enumerate(found.values()):
        if len(values) == 0:
            continue
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(k + spread, values, "o", color=COLOURS[k % len(COLOURS)], ms=5, mec="white", mew=0.4)
        ax.hlines(values.mean(), k - 0.3, k + 0.3, color=BLACK, lw=1.6)
    ax.set_xticks(range(len(found)), list(found))
    ax.set(xlim=(-0.6, len(found) - 0.4), ylabel=ylabel)
    if log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(0, None)


def falling(
    ax: Axes, found: Mapping[str, Sequence[tuple[Array, Array]]], threshold: float, *, xlabel: str, legend: bool = False,
) -> None:  # fmt: skip
    """Losses of single networks found[label] = [(x (E,), loss (E,)), ..] on a logarithmic axis, a colour per label."""
    for k, (label, curves) in enumerate(found.items()):
        for run, (x, loss) in enumerate(curves):
            ax.plot(x, loss, color=COLOURS[k % len(COLOURS)], lw=1.2, alpha=0.8, label=label if run == 0 else None)
    ax.axhline(threshold, color=BLACK, lw=1, ls=":", label="threshold")
    ax.set(xlabel=xlabel, ylabel="training loss", yscale="log")
    if legend:
        with rc_context(STYLE):
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
