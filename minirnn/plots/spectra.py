"""Spectra and distributions of weights: arrays of `minirnn.analysis.spectra` and `.weights` on an Axes that is given."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, STYLE

Array = np.ndarray[Any, Any]

TIME = "viridis"  # told apart by colour-blind readers, and monotonic in grey print


def eigenvalues(
    ax: Axes, after: Array, before: Array | None = None, *, outliers: Array | None = None,
    largest_real: complex | None = None, largest_complex: complex | None = None,
    title: str = "", reach: float | None = None,
) -> None:  # fmt: skip
    """Eigenvalues (N,) with the unit circle and the line Re = 1, over those before training in grey (1906.01094, Fig 6).

    outliers (N,) bool: those of `after` that stand out. The two that lead get a ring each, NaN none.
    """
    _circle(ax, 1.0, GREY, "-")
    ax.axvline(1.0, color=GREY, lw=1, ls=":")
    marked = np.zeros(len(after), bool) if outliers is None else outliers
    if before is not None:
        _points(ax, before, "o", "before", mfc="none", mec=GREY, ms=5, mew=0.9)
    _points(ax, after[~marked], "o", "after" if before is not None else "", color=BLUE, mec="white", mew=0.4, ms=4.5)
    if marked.any():
        _points(ax, after[marked], "D", "outlier", color=RED, mec="white", mew=0.4, ms=5.5)
    for value, marker, colour, label in (
        (largest_real, "s", BLACK, "largest Re"),
        (largest_complex, "o", GREEN, "largest complex"),
    ):
        if value is not None and np.isfinite(value):
            _points(ax, np.array([value]), marker, label, mfc="none", mec=colour, ms=12, mew=1.5)
    _frame(ax, reach or _reach(1.05, after, before), title)
    _legend(ax)


def ring(
    ax: Axes, eigenvalues: Array, outer: float, inner: float | None = None, *, theory: tuple[float, float, float] | None = None,
    title: str = "", reach: float | None = None,
) -> None:  # fmt: skip
    """Eigenvalues (N,) of an E/I matrix with its measured radii (dashed), the unit circle (dotted) and theory (lines).

    theory: outer and inner radius and the real outlier, `minirnn.analysis.spectra.ei_theory`; an inner radius of 0 has no circle,
    and an outlier inside the outer one no cross. A disc has no inner radius to measure: None.
    """
    _circle(ax, 1.0, GREY, ":", "unit circle")
    _points(ax, eigenvalues, "o", "", color=BLUE, mec="white", mew=0.3, ms=4)
    if theory is not None:
        _circle(ax, theory[0], RED, "-", "theory", 2.0)
        if theory[1] > 0:
            _circle(ax, theory[1], RED, "-", "", 2.0)
        if abs(theory[2]) > theory[0]:
            _points(ax, np.array([complex(theory[2])]), "x", "", color=RED, ms=10, mew=2)
    _circle(ax, outer, BLACK, "--", "measured", 1.3)
    if inner is not None:
        _circle(ax, inner, BLACK, "--", "", 1.3)
    _frame(ax, reach or _reach(1.05, eigenvalues), title)
    _legend(ax)


def histogram(ax: Axes, edges: Array, density: Array, gaussian: Array, *, title: str = "", colour: str = BLUE) -> None:
    """Density (bins,) of weights between edges (bins + 1,), and the fitted normal one (bins + 1,) at the edges."""
    ax.stairs(density, edges, fill=True, color=colour, alpha=0.6, lw=0, label="weights")
    ax.plot(edges, gaussian, color=BLACK, lw=1.6, label="normal")
    ax.set(xlabel="weight", ylabel="density", title=title, ylim=(0, None))
    with rc_context(STYLE):
        ax.legend(loc="upper left")


def signed_histograms(ax: Axes, edges: Array, positive: Array, negative: Array, *, title: str = "") -> None:
    """Counts (bins,) of positive weights upward and of negative ones downward, over |w| between edges (bins + 1,)."""
    ax.stairs(positive, edges, fill=True, color=RED, alpha=0.75, lw=0, label="positive")
    ax.stairs(-np.asarray(negative), edges, fill=True, color=BLUE, alpha=0.75, lw=0, label="negative")
    ax.axhline(0, color=BLACK, lw=0.8)
    ax.set(xlabel="|weight|", ylabel="connections", title=title, xlim=(0, edges[-1]))
    ax.set_ylim(-1.1 * max(negative.max(initial=0), 1), 1.1 * max(positive.max(initial=0), 1))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(lambda count, _: f"{abs(count):g}")
    with rc_context(STYLE):
        ax.legend(loc="upper right")


def active_eigenvalues(ax: Axes, eigenvalues: Array, time: Array, *, title: str = "", reach: float | None = None) -> Any:
    """Eigenvalues (S, N) of the active units, NaN where there are fewer, coloured by time (S,); returns what a colour bar needs."""
    _circle(ax, 1.0, GREY, "-")
    ax.axvline(1.0, color=GREY, lw=1, ls=":")
    there = np.isfinite(eigenvalues)
    shown = eigenvalues[there]
    when = np.broadcast_to(np.asarray(time)[:, None], eigenvalues.shape)[there]
    points = ax.scatter(shown.real, shown.imag, c=when, cmap=TIME, s=10, lw=0)
    _frame(ax, reach or _reach(1.05, shown), title)
    return points


def eigenvalue_paths(ax: Axes, paths: Array, *, margin: float = 0.02, title: str = "", reach: float | None = None) -> None:
    """Paths (epochs, N) of eigenvalues, `minirnn.analysis.spectra.paths`, from hollow to filled.

    Those that end outside 1 + margin are red, those that began there and do not end there orange.
    """
    _circle(ax, 1.0, GREY, "-")
    ax.axvline(1.0, color=GREY, lw=1, ls=":")
    ends = np.abs(paths[-1]) > 1 + margin
    begins = (np.abs(paths[0]) > 1 + margin) & ~ends
    for group, colour, label, order in (
        (~ends & ~begins, BLUE, "inside", 2),
        (begins, ORANGE, "comes inside", 3),
        (ends, RED, "ends outside", 4),
    ):
        if group.any():
            chosen = paths[:, group]
            ax.plot(chosen.real, chosen.imag, "-", color=colour, lw=1.0, zorder=order)
            _points(ax, chosen[0], "o", "", mfc="white", mec=colour, ms=3.5, mew=0.8, zorder=order)
            _points(ax, chosen[-1], "o", label, color=colour, mec="white", mew=0.3, ms=4.5, zorder=order + 1)
    _frame(ax, reach or _reach(1.05, paths.ravel()), title)
    _legend(ax)


def regression(
    ax: Axes, initial: Array, trained: Array, slope: float, intercept: float, *, name: str = "", title: str = ""
) -> None:
    """A moment of K networks before (K,) and after training (K,), its regression line, and the line of no change."""
    both = np.concatenate([initial, trained])
    room = 0.06 * (np.ptp(both) or 1.0)
    span = np.array([both.min() - room, both.max() + room])
    ax.plot(span, span, color=GREY, lw=1, ls=":", label="no change")
    if np.isfinite(slope):
        ends = np.array([initial.min(), initial.max()])
        ax.plot(ends, slope * ends + intercept, color=RED, label=f"slope {slope:.2f}")
    ax.plot(initial, trained, "o", color=BLUE, mec="white", mew=0.4, ms=5.5)
    ax.set(xlim=span, ylim=span, aspect="equal", title=title)
    ax.set(xlabel=f"{name} untrained".strip(), ylabel=f"{name} trained".strip())
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    with rc_context(STYLE):
        ax.legend(loc="upper left")


def _circle(ax: Axes, radius: float, colour: str, line: str, label: str = "", width: float = 1.0) -> None:
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=colour, ls=line, lw=width, label=label or None)


def _points(ax: Axes, values: Array, marker: str, label: str, **style: Any) -> None:
    ax.plot(values.real, values.imag, marker, label=label or None, **style)


def _reach(least: float, *arrays: Array | None) -> float:
    return 1.08 * max([least] + [float(np.abs(values).max(initial=0.0)) for values in arrays if values is not None])


def _frame(ax: Axes, reach: float, title: str) -> None:
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="Re", ylabel="Im", title=title)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))


def _legend(ax: Axes) -> None:
    """Below the Axes: inside, some spectrum fills every place."""
    labels = ax.get_legend_handles_labels()[1]
    if labels:
        with rc_context(STYLE):
            ax.legend(
                loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, handletextpad=0.3, columnspacing=1.2, markerscale=0.8
            )
