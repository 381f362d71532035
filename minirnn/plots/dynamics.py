"""Fixed points, landscapes, Jacobians, end states, unit frequencies and shifted trials, on an Axes that is given."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE

Array = np.ndarray[Any, Any]

TRIALS = ((ORANGE, "-"), (GREEN, "-"), (SKY, "-"), (BLACK, "-"), (ORANGE, "--"), (GREEN, "--"), (SKY, "--"), (BLACK, "--"))
HALO = [withStroke(linewidth=2.5, foreground="white")]


def fixed_points(
    ax: Axes, points: Array, stable: Array, unstable: Array, *, fixed: Array | None = None, trajectories: Array | None = None,
    names: Sequence[str] = (), components: Sequence[str] = ("PC 1", "PC 2"),
) -> None:  # fmt: skip
    """Points (K, 2) in a plane: stable ones are discs, others diamonds with their number of unstable modes, slow ones triangles.

    fixed (K,): False for a slow point. trajectories (T, B, 2): trials, each with a dot where it ends; names (B,): theirs.
    """
    for b in range(0 if trajectories is None else trajectories.shape[1]):
        assert trajectories is not None
        colour, line = TRIALS[b % len(TRIALS)]
        name = names[b] if b < len(names) else None
        ax.plot(*trajectories[:, b].T, color=colour, ls=line, lw=1.2, label=name, zorder=2)
        ax.plot(*trajectories[-1, b], "o", color=colour, ms=3, zorder=2)
    fixed = np.ones(len(points), bool) if fixed is None else fixed
    kinds = (
        (fixed & stable, "o", BLUE, 8, "stable"), (fixed & ~stable, "D", RED, 7, "unstable"), (~fixed, "^", GREY, 6, "slow"),
    )  # fmt: skip
    for which, marker, colour, size, label in kinds:
        if which.any():
            ax.plot(*points[which].T, marker, color=colour, ms=size, mec="white", mew=0.8, ls="", label=label, zorder=5)
    for (x, y), count in zip(points[fixed & ~stable], unstable[fixed & ~stable], strict=True):
        ax.annotate(
            str(count), (x, y), (5, 4), textcoords="offset points", color=RED, fontsize=9, path_effects=HALO, zorder=6
        )  # fmt: skip
    ax.set(xlabel=components[0], ylabel=components[1])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    with rc_context(STYLE):
        ax.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # points may be anywhere in the picture


def landscape(
    ax: Axes, u: Array, v: Array, log10_q: Array, flow_u: Array, flow_v: Array, *, trial: Array | None = None,
    components: Sequence[str] = ("PC 1", "PC 2"), limits: tuple[float, float] | None = None,
) -> Any:  # fmt: skip
    """log10 q (V, U) on the grid u (U,), v (V,), dark where slow, and the flow's lines; returns the image, for a colour bar.

    trial: (T, 2), a trajectory in this plane. limits: the range of log10 q, its 1 % quantile and its maximum by default.
    """
    low, high = limits or (float(np.quantile(log10_q, 0.01)), float(log10_q.max()))
    image = ax.pcolormesh(u, v, log10_q, cmap="cividis", vmin=low, vmax=high, shading="gouraud", rasterized=True)
    if flow_u.any() or flow_v.any():
        ax.streamplot(u, v, flow_u, flow_v, color="white", linewidth=0.5, arrowsize=0.7, density=1.1)
    if trial is not None:
        ax.plot(*trial.T, color=BLACK, lw=1.8, zorder=4)
        ax.plot(*trial.T, color=ORANGE, lw=1.0, zorder=4, label="trial")
        ax.plot(*trial[-1], "o", color=ORANGE, mec=BLACK, ms=5, zorder=4)
    ax.set(xlim=(u[0], u[-1]), ylim=(v[0], v[-1]), xlabel=components[0], ylabel=components[1])
    return image


def jacobian_eigenvalues(ax: Axes, eigenvalues: Array, *, title: str = "", reach: float | None = None) -> None:
    """Eigenvalues (N,) of the map's Jacobian with the unit circle, the map's border of stability, and that of continuous time.

    Discs are stable, squares unstable in the map alone, diamonds, right of the dotted line Re = 1, in continuous time as well.
    """
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=GREY, lw=1)
    ax.axvline(1.0, color=GREY, lw=1, ls=":")
    both, outside = eigenvalues.real > 1, np.abs(eigenvalues) > 1
    for which, marker, colour, size in ((~outside, "o", BLUE, 4.5), (outside & ~both, "s", ORANGE, 5.5), (both, "D", RED, 5.5)):
        ax.plot(eigenvalues[which].real, eigenvalues[which].imag, marker, ms=size, color=colour, mec="white", mew=0.4)
    reach = 1.08 * max(1.05, float(np.abs(eigenvalues).max())) if reach is None else reach
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="Re", ylabel="Im")
    ax.set_title(f"{title}{': ' if title else ''}{int(outside.sum())} unstable, {int(both.sum())} in continuous time")


def end_state(
    ax: Axes, h: Array, label: str, frequency: float = float("nan"), *, dt: float = 1.0, units: int = 6,
    shown: int | None = None, title: str = "",
) -> None:  # fmt: skip
    """The last states h (T, N) of the units that move most, and what they were labelled; frequency (Hz): NaN for none.

    shown: how many steps, by default five periods, but at least 40; 150 where there are none.
    """
    if shown is None:
        shown = 150 if np.isnan(frequency) else max(40, round(5000 / (frequency * dt)))
    part = h[-shown:]
    most = np.sort(np.argsort(-h.std(axis=0), kind="stable")[:units])
    t = (np.arange(len(part)) - len(part)) * dt
    mark = "o" if len(part) <= 60 else ""  # few steps a period: the line between them is no motion
    for unit, colour in zip(most, (BLUE, ORANGE, GREEN, RED, SKY, BLACK) * (1 + units // 6), strict=False):
        ax.plot(t, part[:, unit], marker=mark, ms=2.5, color=colour, lw=0.7 if mark else 1.1)
    said = label if np.isnan(frequency) else f"{label}, {frequency:.2f} Hz"
    ax.set_title(f"{title}{': ' if title else ''}{said}")
    ax.set(xlim=(t[0], 0), xlabel="time before the end (ms)", ylabel="state")
    reach = max(1.05, 1.05 * float(np.abs(part[:, most]).max()))
    ax.set_ylim(-reach, reach)


def unit_frequencies(ax: Axes, counts: Array, edges: Array, *, mark: float | None = None, title: str = "") -> None:
    """Histogram of the units' frequencies (Hz); mark: a frequency to compare with, such as that of the summed power."""
    ax.stairs(counts, edges, fill=True, color=BLUE, alpha=0.85)
    if mark is not None:
        ax.axvline(mark, color=RED, lw=1.6, ls="--", label=f"dominant, {mark:.1f} Hz")
        with rc_context(STYLE):
            ax.legend()
    ax.set(xlabel="frequency of a unit (Hz)", ylabel="units", title=title)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def onsets(
    ax: Axes, outputs: Sequence[Array], onsets: Sequence[float], *, dt: float = 1.0, aligned: bool = True,
    target: Array | None = None, title: str = "",
) -> None:  # fmt: skip
    """The outputs (T,) of the same trial with different onsets (ms), from early (light) to late (dark); after arXiv 1906.01094,
    Fig 12.

    aligned: time runs from the stimulus, so that the outputs of a network that is invariant to shifts coincide.
    target (T,): that of the last onset, dashed.
    """
    for k, (z, onset) in enumerate(zip(outputs, onsets, strict=True)):
        t = np.arange(len(z)) * dt - (onset if aligned else 0)
        strength = 0.3 + 0.7 * (k + 1) / len(onsets)
        ax.plot(t, z, color=BLUE, alpha=strength, lw=2.4 - 1.4 * k / max(len(onsets) - 1, 1), label=f"onset {onset:g} ms")
        if target is not None and k == len(onsets) - 1:
            ax.plot(
                np.arange(len(target)) * dt - (onset if aligned else 0), target, color=BLACK, lw=1.3, ls=(0, (4, 2)), label="target"
            )
    if aligned:
        ax.axvline(0, color=GREY, lw=1, ls=":")
    ax.set(xlabel="time from the stimulus (ms)" if aligned else "time (ms)", ylabel="output", title=title)
    with rc_context(STYLE):
        ax.legend(fontsize=8.5)
