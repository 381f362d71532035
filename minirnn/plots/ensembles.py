"""What many networks have in common: shares with intervals, means against a parameter, beside published ones."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE, figure

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


def spectra_by_task(
    clouds: Mapping[str, Mapping[str, tuple[Array, Array]]], *, margin: float = 0.02, wide: int = 0
) -> tuple[Figure, list[Axes]]:
    """A page after arXiv 1906.01094, Fig 6: a row per label, a column per task, and below them `wide` Axes to draw on.

    clouds[label][task]: eigenvalues of all networks together before and after training, complex, of any number. All panels have
    the unit circle and one scale; what ends beyond 1 + margin is red.
    """
    tasks = list(dict.fromkeys(task for row in clouds.values() for task in row))
    columns, below = max(len(tasks), 3), 1 if wide else 0
    made, axes = figure(len(clouds) + below, columns, 1.2 + 2.2 * columns, 0.5 + 2.4 * len(clouds) + 3.2 * below)
    most = [float(np.abs(values).max(initial=0)) for row in clouds.values() for pair in row.values() for values in pair]
    reach = 1.08 * max([1.2, *most])
    angle = np.linspace(0, 2 * np.pi, 361)
    for i, (label, row) in enumerate(clouds.items()):
        for j, ax in enumerate(axes[i]):
            if j >= len(tasks):
                ax.set_visible(False)
                continue
            before, after = row[tasks[j]]
            out = np.abs(after) > 1 + margin
            ax.plot(np.cos(angle), np.sin(angle), color=BLACK, lw=0.7)
            for values, mark, style, name in (
                (before, ".", {"color": GREY, "ms": 3, "alpha": 0.7}, "before training"),
                (after[~out], ".", {"color": BLUE, "ms": 3.5, "alpha": 0.7}, "after"),
                (after[out], "D", {"color": RED, "ms": 2.8}, f"after, beyond {1 + margin:g}"),
            ):
                ax.plot(values.real, values.imag, mark, mew=0, label=name, **style)
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=(-1, 0, 1), yticks=(-1, 0, 1), aspect="equal")
            ax.set(title=tasks[j] if i == 0 else "", xlabel="Re" if i == len(clouds) - 1 else "")
            ax.tick_params(labelleft=j == 0)
        axes[i, 0].set_ylabel(f"{label}\nIm")
    with rc_context(STYLE):
        handles, labels = axes[0, 0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper center", ncols=3, markerscale=2)
        grid = axes[0, 0].get_gridspec()
        for ax in axes[len(clouds) :].flat:
            ax.remove()
        edges = np.linspace(0, columns, wide + 1).round().astype(int)
        return made, [made.add_subplot(grid[-1, a:b]) for a, b in pairwise(edges)]


def counts(
    ax: Axes, x: Array, y: Array, sizes: Array, medians: Array, *, published: tuple[Array, Array] | None = None, xlabel: str = "",
    ylabel: str = "",
) -> None:  # fmt: skip
    """Networks x, y (n,), their medians (S,) at `sizes` (S,), and published networks as black diamonds. Equal ones lie apart."""
    moved = np.zeros(len(x))
    for k in range(len(x)):
        same = np.flatnonzero((x == x[k]) & (y == y[k]))
        moved[k] = 4.0 * (np.flatnonzero(same == k)[0] - (len(same) - 1) / 2)
    ax.plot(x + moved, y, "o", color=BLUE, ms=4.5, mec="white", mew=0.4, alpha=0.7, label="networks")
    ax.plot(sizes, medians, "-", color=BLUE, lw=1.6, label="median")
    highest = float(np.max(y, initial=1.0))
    if published is not None:
        ax.plot(*published, "D", color=BLACK, ms=5.5, label="published")
        highest = max(highest, float(published[1].max()))
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.05 * highest, 1.1 * highest))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    with rc_context(STYLE):
        ax.legend()


KINDS = ((GREY, 0.6), (SKY, 0.6), (BLUE, 1.0), (ORANGE, 0.5), (ORANGE, 1.0), (RED, 1.0), (GREEN, 1.0))


def stacked_by_task(
    panels: Mapping[str, Mapping[str, tuple[int, Mapping[str, Sequence[float]]]]], kinds: Sequence[str], *, columns: int = 4
) -> Figure:
    """A panel per task, in it a group of bars per condition, one per ensemble, stacked of the shares of `kinds`.

    panels[task][ensemble]: number of networks, and per condition the share (0 to 1) of each kind. Under each bar the first
    letter of its ensemble.
    """
    columns = min(columns, len(panels) + 1)
    rows = -(-(len(panels) + 1) // columns)
    made, axes = figure(rows, columns, max(3.6 * columns, 7.2), 0.4 + 3.1 * rows, sharey=True)
    ensembles = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    for ax, (task, panel) in zip(axes.flat, panels.items(), strict=False):
        groups = list(dict.fromkeys(which for _, found in panel.values() for which in found))
        width = 0.84 / len(ensembles)
        for i, (_, found) in enumerate(panel.values()):
            for g, which in enumerate(groups):
                x, bottom = g + (i - (len(panel) - 1) / 2) * width, 0.0
                for share, (colour, alpha) in zip(found.get(which, ()), KINDS, strict=False):
                    if share:
                        ax.bar(x, 100 * share, 0.9 * width, bottom=100 * bottom, color=colour, alpha=alpha, lw=0)
                    bottom += share
                ax.text(x, -2.5, ensembles[i][0], ha="center", va="top", fontsize=8.5)
        ax.set_xticks(np.arange(len(groups)), groups)
        ax.tick_params(axis="x", length=0, pad=13)
        ax.set(xlim=(-0.55, max(len(groups), 1) - 0.45), ylim=(0, 100))
        ax.set_title(f"{task} (networks: {', '.join(str(n) for n, _ in panel.values())})")
    for ax in axes[:, 0]:
        ax.set_ylabel("of those that succeed (%)")
    for ax in list(axes.flat)[len(panels) :]:
        ax.axis("off")
    with rc_context(STYLE):
        key = list(axes.flat)[len(panels)]
        for name, (colour, alpha) in zip(kinds, KINDS, strict=False):
            key.bar(0, 0, color=colour, alpha=alpha, label=name)
        key.legend(title="\n".join(f"{name[0]}: {name}" for name in ensembles), loc="center", alignment="left")
    return made


def dots_by_task(
    tasks: Sequence[str], found: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    published: Mapping[str, Sequence[Sequence[float]]] | None = None, *, beyond: Mapping[str, float] | None = None,
) -> Figure:  # fmt: skip
    """A column of Axes per quantity, a line per task, and on it the networks of each ensemble, with a bar at their median.

    found[quantity][ensemble]: values per task. published: per quantity and task, black diamonds. beyond[quantity]: where the axis
    ends; infinite values are triangles there.
    """
    published, beyond = published or {}, beyond or {}
    made, axes = figure(1, len(found), 1.6 + 2.4 * len(found), 1.5 + 0.75 * len(tasks), sharey=True)
    for ax, (quantity, ensembles) in zip(axes[0], found.items(), strict=True):
        end = beyond.get(quantity)
        for k, (name, values) in enumerate(ensembles.items()):
            colour = COLOURS[k % len(COLOURS)]
            for t, of_task in enumerate(values):
                y = t + (k - (len(ensembles) - 1) / 2) * 0.26
                x = np.sort(np.asarray(of_task, float))
                scatter = y + 0.09 * (np.arange(len(x)) % 3 - 1)
                inside = np.isfinite(x)
                ax.plot(x[inside], scatter[inside], "o", color=colour, ms=3.5, mew=0, alpha=0.6)
                if end is not None:
                    ax.plot(np.full((~inside).sum(), 1.06 * end), scatter[~inside], ">", color=colour, ms=4, mew=0, alpha=0.6)
                if len(x):
                    low, high = x[(len(x) - 1) // 2], x[len(x) // 2]
                    middle = (low + high) / 2 if np.isfinite(high) or end is None else 1.06 * end
                    ax.plot([middle, middle], [y - 0.13, y + 0.13], color=colour, lw=2.4)
            ax.plot([], [], "o", color=colour, ms=4, label=name)
        for t, marks in enumerate(published.get(quantity, ())):
            ax.plot(marks, np.full(len(marks), t), "D", color=BLACK, ms=4.5, mew=0)
        ax.plot([], [], "D", color=BLACK, ms=4.5, label="published")
        for t in range(1, len(tasks)):
            ax.axhline(t - 0.5, color=GREY, lw=0.5, alpha=0.5)
        ax.set_xlabel(quantity)
        ax.set_xlim(*((-0.03 * end, 1.12 * end) if end is not None else (min(0.0, ax.get_xlim()[0]), ax.get_xlim()[1])))
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes[0, 0].set_yticks(np.arange(len(tasks)), tasks)
    axes[0, 0].set_ylim(len(tasks) - 0.5, -0.5)
    with rc_context(STYLE):
        handles, labels = axes[0, 0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return made


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


def groups(ax: Axes, found: Mapping[str, Array], *, ylabel: str) -> None:
    """Single networks found[label] (n,) side by side, and a line at the mean of each group."""
    for k, values in enumerate(found.values()):
        if len(values) == 0:
            continue
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(k + spread, values, "o", color=COLOURS[k % len(COLOURS)], ms=5, mec="white", mew=0.4)
        ax.hlines(values.mean(), k - 0.3, k + 0.3, color=BLACK, lw=1.6)
    ax.set_xticks(range(len(found)), list(found))
    ax.set(xlim=(-0.6, len(found) - 0.4), ylabel=ylabel)
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
