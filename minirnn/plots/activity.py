"""What units do: time courses, sorted heat maps, trajectories with epochs, sorted connections, task variance, a schema.

Each function draws arrays on an Axes that it is given, and returns what it had to work out for that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.ticker import MaxNLocator

from .drawing import trial, weights
from .style import BLACK, BLUE, GREEN, GREY, INPUTS, ORANGE, RED, SKY, STYLE

Array = np.ndarray[Any, Any]

# a colour and a line style for each epoch, in turn, so that they differ in grey print too
EPOCHS = ((GREY, ":"), (ORANGE, "-"), (GREEN, (0, (3, 1))), (BLUE, "-"), (RED, "-"), (SKY, "-"), (BLACK, "-"))
AUTHORS_EPOCHS = (("yellow", "-"), ("magenta", "-"), ("red", "-"), ("green", "-"))


def epochs(onset: float, pulse: float, gap: float, steps: int, *, dt: float = 1.0) -> dict[str, tuple[int, int]]:
    """Steps [start, stop) of the four epochs of a trial of that many steps, from the task's own times (ms), without empty ones."""
    edges = [0, *np.rint(np.cumsum([onset, pulse, gap]) / dt).astype(int).tolist(), steps]
    spans = zip(("initial", "stimulus", "gap", "final"), edges[:-1], edges[1:], strict=True)
    return {name: (start, stop) for name, start, stop in spans if stop > start}


def units(
    ax: Axes, h: Array, *, dt: float = 1.0, n: int = 25, spans: Mapping[str, tuple[int, int]] | None = None, title: str = ""
) -> Array:
    """Time courses of up to n units of h (T, N), evenly spaced by number, one above the other, to one scale; which they are.

    spans: epochs as steps [start, stop), whose bounds are drawn.
    """
    shown = np.unique(np.linspace(0, h.shape[1] - 1, min(n, h.shape[1])).round().astype(int))
    step = 0.7 * max(float(np.ptp(h[:, shown], axis=0).max()), 1e-9)
    t = np.arange(len(h)) * dt
    for row, unit in enumerate(shown):
        ax.axhline(row * step, color=GREY, lw=0.4, alpha=0.6)
        ax.plot(t, h[:, unit] + row * step, color=(BLUE, BLACK)[row % 2], lw=1.0)
    for start, _ in (spans or {}).values():
        if start > 0:
            ax.axvline(start * dt, color=GREY, lw=1, ls=":")
    labelled = np.arange(0, len(shown), max(1, len(shown) // 5))
    ax.set_yticks(labelled * step, [str(unit) for unit in shown[labelled]])
    ax.set(xlim=(0, len(h) * dt), ylim=(-1.5 * step, (len(shown) + 0.5) * step), xlabel="time (ms)", ylabel="unit", title=title)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    return shown


def heat_map(ax: Axes, h: Array, order: Array, *, dt: float = 1.0, normalise: bool = True, title: str = "") -> tuple[Any, Array]:
    """Units of h (T, N) in this order, the first on top (`analysis.activity.peak_order`); the image and what it shows (n, T).

    normalise: each unit from its least, 0, to its largest, 1; else the values, red for positive, blue for negative.
    """
    shown = h.T[order]
    if normalise:
        low, high = shown.min(axis=1, keepdims=True), shown.max(axis=1, keepdims=True)
        shown = np.divide(shown - low, high - low, out=np.zeros(shown.shape), where=high > low)
        colours: dict[str, Any] = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
    else:
        reach = float(np.abs(shown).max()) or 1.0
        colours = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    image = ax.imshow(
        shown, aspect="auto", interpolation="nearest", extent=(0, len(h) * dt, len(shown) - 0.5, -0.5), **colours
    )  # fmt: skip
    ax.set(xlabel="time (ms)", ylabel="unit, by time of peak", title=title)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    return image, shown


def trajectory(
    ax: Any, curves: Array, spans: Mapping[str, tuple[int, int]] | None = None, *, convention: str = "textbook",
    stable: Array | None = None, unstable: Array | None = None, marks: Mapping[str, int] | None = None, title: str = "",
    legend: bool = True,
) -> None:  # fmt: skip
    """A trajectory (T, 2) on an Axes, or (T, 3) on one with projection="3d" (plots.figure(.., subplot_kw=..)).

    spans: epochs as steps [start, stop), a colour each (`epochs`); start and stop have triangles. convention: "textbook", colours
    that colour-blind readers tell apart, or "authors": initial yellow, stimulus magenta, gap red, final green, start red, stop
    blue, seen from elevation 10, azimuth 70. stable, unstable: fixed points (F, 2 or 3) in the same coordinates
    (`analysis.pca.project`), full and open. marks: steps to be named in the picture.
    """
    T, K = curves.shape
    three = ax.name == "3d"
    if K != (3 if three else 2):
        raise ValueError(f"curves must be (T, {3 if three else 2}) for this Axes, got {curves.shape}")
    if convention not in ("textbook", "authors"):
        raise ValueError(f"convention must be one of textbook, authors, got {convention!r}")
    authors = convention == "authors"
    palette = AUTHORS_EPOCHS if authors else EPOCHS
    for k, (name, (start, stop)) in enumerate((spans or {"": (0, T)}).items()):
        colour, line = palette[k % len(palette)] if spans else (BLUE, "-")
        piece = curves[start : stop + 1]  # to the first point of the next, so that the curve has no gap
        ax.plot(*piece.T, color=colour, ls=line, lw=2.0, label=name or None)
    # a 3-D Axes sorts by depth, unless markers are lifted above the curve
    dots: dict[str, Any] = {"ls": "none", "zorder": 10}
    ends = ("red", "blue") if authors else (RED, BLACK)
    # before the ends, so that a stop at a fixed point is seen on it
    for points, name, face in ((stable, "stable", SKY), (unstable, "unstable", "none")):
        if points is not None and len(points):
            ax.plot(*np.asarray(points).T, marker="o", ms=12, mfc=face, mec=BLACK, mew=1.5, label=f"{name} fixed point", **dots)
    for at, (name, marker, colour) in zip((0, T - 1), (("start", "^", ends[0]), ("stop", "v", ends[1])), strict=True):
        shape = "^" if authors else marker
        ax.plot(*curves[at : at + 1].T, marker=shape, color=colour, ms=8, mec="white", mew=0.8, label=name, **dots)
    for name, at in (marks or {}).items():
        ax.plot(*curves[at : at + 1].T, marker="s", ms=5, color=BLACK, **dots)
        ax.text(*curves[at], f" {name}", fontsize=9, zorder=11)
    if three:
        ax.view_init(elev=10, azim=70) if authors else ax.view_init(elev=25, azim=-60)
        ax.set_box_aspect(None, zoom=0.85)  # else the label of the third axis is cut off
        ax.set_zlabel("component 3")
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_major_locator(MaxNLocator(3))
            axis.set_tick_params(labelsize=9, pad=0)
            axis.labelpad = 2
    ax.set(xlabel="component 1", ylabel="component 2", title=title)
    if legend:
        with rc_context(STYLE):
            above = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.9), "ncols": 4, "columnspacing": 1.0}  # the corners are used
            ax.legend(**(above if three else {"loc": "best"}))


def panels(
    x: Array, target: Array, z: Array, h: Array, curves: Array, spans: Mapping[str, tuple[int, int]], titles: Sequence[str], *,
    dt: float = 1.0, convention: str = "textbook", stable: Array | None = None, unstable: Array | None = None,
) -> Figure:  # fmt: skip
    """After arXiv 1906.01094, Figs 7-11: a row per trial of x (T, B, I), target and z (T, B, O), h (T, B, N), curves (T, B, 3).

    Left: input, target and output above 25 units; right: the trajectory. h are the states after each input, h[1:] of a run.
    """
    B = x.shape[1]
    with rc_context(STYLE):
        made = Figure(figsize=(10.0, 0.5 + 4.2 * B))
        for b, part in enumerate(made.subfigures(B, 1, squeeze=False)[:, 0]):
            grid = part.add_gridspec(2, 2, width_ratios=(1, 1.2), height_ratios=(1, 1.3))
            trial(part.add_subplot(grid[0, 0]), x[:, b], target[:, b], z[:, b], dt=dt, title=titles[b])
            units(part.add_subplot(grid[1, 0]), h[:, b], dt=dt, spans=spans)
            space = part.add_subplot(grid[:, 1], projection="3d")
            trajectory(space, curves[:, b], spans, convention=convention, stable=stable, unstable=unstable, legend=False)
        handles, labels = space.get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper center", ncols=len(labels) if len(labels) <= 6 else 4)
    return made


def connectivity(
    ax: Axes, W: Array, signs: Array | None = None, *, title: str = "", reach: float | None = None
) -> tuple[Any, Array]:
    """W (to, from) with rows and columns in one order: units that excite, then those that inhibit; the image and the order (N,).

    signs: (N,) of the sending units, those of a Dale network; by default the sign of the sum of what a unit sends. Within a sign
    the strongest in sum comes first.
    """
    sent = W.sum(axis=0)
    sign = np.sign(sent if signs is None else np.asarray(signs))
    order = np.lexsort((-np.abs(sent), -sign))
    image = weights(ax, W[np.ix_(order, order)], title=title, reach=reach)
    bound = int((sign > 0).sum()) - 0.5
    if 0 < bound < len(W) - 1:
        ax.axvline(bound, color=BLACK, lw=1)
        ax.axhline(bound, color=BLACK, lw=1)
    ax.set(xlabel="from unit (excitatory | inhibitory)", ylabel="to unit")
    return image, order


def task_variance(
    ax: Axes, variance: Array, contexts: Sequence[Any], order: Array | None = None, labels: Array | None = None, *, title: str = ""
) -> Any:
    """Task variance (N, C), 0 to 1, a column per unit in this order (`analysis.activity.clusters`), a row per context; the image.

    labels: (N,) the cluster of each unit; lines part them.
    """
    order = np.arange(len(variance)) if order is None else order
    image = ax.imshow(variance[order].T, aspect="auto", interpolation="nearest", cmap="viridis", vmin=0.0, vmax=1.0)
    if labels is not None:
        for bound in np.flatnonzero(np.diff(labels[order])):
            ax.axvline(bound + 0.5, color="white", lw=2.5)
            ax.axvline(bound + 0.5, color=BLACK, lw=1)
    ax.set_yticks(range(len(contexts)), [str(name) for name in contexts])
    ax.set(xlabel="unit, by cluster" if labels is not None else "unit", title=title)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return image


def schema(
    ax: Axes, inputs: Sequence[str] = ("A", "B"), outputs: Sequence[str] = ("output",), *, n: int = 12,
    signs: Array | None = None, connections: Array | None = None, title: str = "",
) -> Array:  # fmt: skip
    """A network as in arXiv 1906.01094, Fig. 1: inputs, a circle of n recurrent units, outputs; returns the units' places (n, 2).

    signs: (n,) +1 or -1 for Dale's principle: red units with arrows, blue ones with bars at the ends. connections: (n, n) bool,
    (to, from), which to draw; by default a few, that stand for all.
    """
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    radius = min(0.14, 2.0 / n)
    if connections is None:
        connections = np.zeros((n, n), bool)
        sender = np.arange(n)
        connections[(sender + 5) % n, sender] = True
        connections[(sender[::2] - 2) % n, sender[::2]] = True
    colours = [GREY if signs is None else RED if signs[unit] > 0 else BLUE for unit in range(n)]

    def arrow(
        start: Any, stop: Any, colour: str, style: str = "-|>", *, rad: float = 0.0, lw: float = 1.0, gap: float = 0.0
    ) -> None:
        start, stop = np.asarray(start, float), np.asarray(stop, float)
        along = gap * (stop - start) / np.linalg.norm(stop - start)
        ax.add_patch(
            FancyArrowPatch(
                start + along, stop - along, arrowstyle=style, mutation_scale=9 if style == "-|>" else 3, color=colour, lw=lw,
                connectionstyle=f"arc3,rad={rad}", shrinkA=0, shrinkB=0, zorder=1,
            )
        )  # fmt: skip

    for to, sender in zip(*np.nonzero(connections), strict=True):
        if to != sender:
            style = "-|>" if signs is None or signs[sender] > 0 else "|-|,widthA=0,widthB=1.3"
            arrow(places[sender], places[to], colours[sender], style, rad=0.12, lw=0.9, gap=radius + 0.02)
    for unit in range(n):
        ax.add_patch(Circle(tuple(places[unit]), radius, facecolor=colours[unit], edgecolor=BLACK, lw=0.8, zorder=3))
    ring = 1.0 + radius + 0.1
    ax.add_patch(Circle((0, 0), ring, fill=False, edgecolor=BLACK, lw=1.0, ls=(0, (4, 2)), zorder=0))
    for side, names in ((-1.0, inputs), (1.0, outputs)):
        heights = np.linspace(0.55, -0.55, len(names)) if len(names) > 1 else np.zeros(1)
        for k, (name, y) in enumerate(zip(names, heights, strict=True)):
            colour = INPUTS[k % len(INPUTS)] if side < 0 and signs is None else BLACK  # red and blue are signs then
            edge = (side * np.sqrt(ring**2 - y**2), y)
            away = (side * (ring + 0.75), y)
            start, stop = (away, edge) if side < 0 else (edge, away)
            arrow(start, stop, colour, lw=2.2)
            ax.text(away[0] + 0.08 * side, y, name, ha="right" if side < 0 else "left", va="center", color=BLACK)
    for x_at, name in ((-ring - 0.4, "in"), (ring + 0.4, "out")):
        ax.text(x_at, 0.7, f"$W_{{\\mathrm{{{name}}}}}$", ha="center", va="bottom")
    ax.text(0, -ring - 0.1, "$W_{\\mathrm{rec}}$", ha="center", va="top")
    ax.set(xlim=(-ring - 1.5, ring + 1.5), ylim=(-ring - 0.4, ring + 0.1), aspect="equal", title=title)
    ax.axis("off")
    return places
