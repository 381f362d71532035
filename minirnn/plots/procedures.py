"""Rescaling, discretisation and linearisation: the commuting diagram, and what the time step does."""

from collections.abc import Sequence
from itertools import product
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE

Array = np.ndarray[Any, Any]

COLOURS = {"R": ORANGE, "D": BLUE, "L": GREEN}
# the systems at the corners of each square: where it starts, after the first letter, after the second, after both
SQUARES = {
    "RD": (r"$\tau\,\dot h = F(h, x)$", r"$dy/ds = F(y, x)$", r"$h_{n+1} = h_n + \frac{dt}{\tau} F$", r"$y_{n+1} = y_n + ds\,F$"),
    "RL": (
        r"$\tau\,\dot h = F(h, x)$", r"$dy/ds = F(y, x)$", r"$\tau\,\dot h = F^* + J(h - h^*)$", r"$dy/ds = F^* + J(y - h^*)$",
    ),
    "LD": (
        r"$\dot h = f(h, x)$", r"$\dot h = f^* + A(h - h^*)$", r"$h_{n+1} = G(h_n, x_n)$", r"$h_{n+1} = G^* + M(h_n - h^*)$",
    ),
}  # fmt: skip
NAMES = {"R": "rescale", "D": "discretise", "L": "linearise"}


def commuting(axes: Sequence[Axes], found: Sequence[Any]) -> None:
    """The three squares of two procedures and the cube of all three, an Axes each, from `studies.commutations`.

    An arrow carries the conditions on it that failed in a case where the orders differed. Below each diagram are the cases: those
    in which the orders agreed, with the largest difference, and those in which they did not, with its power of dt.
    """
    for ax, letters in zip(axes, (*SQUARES, "RDL"), strict=True):
        cases = [case for case in found if sorted(case.first) == sorted(letters)]
        failed = [c for case in cases if not case.exact for c in case.conditions if not c.holds]
        needed = {of: list(dict.fromkeys(c.text for c in failed if c.of == of)) for of in letters}
        if len(letters) == 2:
            _square(ax, letters, needed)
        else:
            _cube(ax)
        differ = [case for case in cases if not case.exact]
        sign = "=" if not differ else "= if"
        title = " and ".join(NAMES[letter] for letter in letters) if len(letters) == 2 else "all three, in any order"
        ax.set_title(title)
        if len(letters) == 2:
            ax.text(0.5, 0.72, sign, ha="center", va="center", fontsize=17, color=GREEN if not differ else GREY)
        for k, case in enumerate(sorted(cases, key=lambda case: not case.exact)):
            power = "dt" if f"{case.order:.0f}" == "1" else f"dt$^{{{case.order:.0f}}}$"
            said = f"{case.difference:.0e}" if case.exact else f"O({power})"
            name = case.case if len(letters) == 2 else f"{case.first}, {case.second}: {case.case}"
            y = 0.30 - 0.058 * k
            colour = GREEN if case.exact else RED
            ax.text(-0.28, y, "=" if case.exact else r"$\neq$", color=colour, fontsize=10, va="center", family="DejaVu Sans")
            ax.text(-0.19, y, name, fontsize=9, va="center")
            ax.text(1.28, y, said, color=colour, fontsize=9, va="center", ha="right")
        ax.set(xlim=(-0.32, 1.32), ylim=(-0.12, 1.08))
        ax.axis("off")


def _square(ax: Axes, letters: str, conditions: dict[str, list[str]]) -> None:
    across, down = letters[0], letters[1]
    corners = ((0.0, 1.0), (1.0, 1.0), (0.0, 0.44), (1.0, 0.44))
    for (x, y), text in zip(corners, SQUARES[letters], strict=True):
        ax.text(x, y, text, ha="center", va="center", fontsize=10.5)
    for y in (1.0, 0.44):
        _arrow(ax, (0.31, y), (0.67, y), COLOURS[across])
        ax.text(0.49, y + 0.02, across, ha="center", va="bottom", color=COLOURS[across], fontweight="bold")
    for x in (0.0, 1.0):
        _arrow(ax, (x, 0.94), (x, 0.51), COLOURS[down])
        ax.text(x - 0.03, 0.72, down, ha="right", va="center", color=COLOURS[down], fontweight="bold")
    text = "\n".join(fill(line, 34) for line in conditions[across])
    ax.text(0.49, 0.975, text, ha="center", va="top", color=COLOURS[across], fontsize=8, linespacing=1.2)
    text = "\n".join(fill(line, 11) for line in conditions[down])
    ax.text(1.03, 0.72, text, ha="left", va="center", color=COLOURS[down], fontsize=8, linespacing=1.2)


def _cube(ax: Axes) -> None:
    """A corner for each set of procedures done, an edge for each procedure."""
    vectors = {"R": np.array([0.52, 0.0]), "D": np.array([0.0, -0.36]), "L": np.array([0.3, 0.2])}
    start = np.array([0.1, 0.83])
    for done in product((0, 1), repeat=3):
        at = start + sum(bit * v for bit, v in zip(done, vectors.values(), strict=True))
        for bit, (letter, v) in zip(done, vectors.items(), strict=True):
            if not bit:
                _arrow(ax, at + 0.04 * v / np.hypot(*v), at + v - 0.04 * v / np.hypot(*v), COLOURS[letter])
                if sum(done) in (0, 2):
                    x, y = at + v / 2 + {"R": (0.0, 0.03), "D": (-0.03, 0.0), "L": (-0.03, 0.02)}[letter]
                    ax.text(x, y, letter, color=COLOURS[letter], ha="center", va="center", fontweight="bold")
        ax.plot(*at, "o", color=BLACK, ms=6 if sum(done) in (0, 3) else 3.5)
    ax.text(0.04, 0.87, "network", ha="center", va="bottom", fontsize=9)
    ax.text(0.98, 0.64, "affine map,\ns = t/$\\tau$", ha="left", va="center", fontsize=9)


def _arrow(ax: Axes, start: Any, end: Any, colour: str) -> None:
    ax.annotate(
        "", tuple(end), tuple(start), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
    )


def convergence(ax: Axes, steps: Array, errors: Array, orders: Array, methods: Sequence[str], *, title: str = "") -> None:
    """Errors (methods, S) against the steps (S,) in ms; the order of each is in the legend, a dotted line its whole number."""
    for method, row, order, colour in zip(methods, errors, orders, (RED, GREEN, BLUE), strict=True):
        name = f"{method}: " + ("to rounding" if np.isnan(order) else f"order {order:.2f}")
        ax.loglog(steps, np.maximum(row, 1e-16), "o-", color=colour, ms=4, label=name)
        if np.isfinite(order):
            ax.loglog(steps, row[-1] * (steps / steps[-1]) ** round(order), ":", color=colour, lw=1)
    ax.set(xlabel="step (ms)", ylabel="largest error of a state", title=title)
    ax.set_ylim(1e-16, 1e5 * max(1.0, float(errors.max())))  # room for the legend
    with rc_context(STYLE):
        ax.legend(loc="upper left")


def map_only(
    ax: Axes, eigenvalues: Array, marked: Array, alphas: Sequence[float], *, frequency: float = float("nan"), title: str = ""
) -> None:  # fmt: skip
    """Eigenvalues lambda (N,) of J + 1: left of the line all decays in continuous time, inside its circle in Euler steps of alpha.

    marked (N,) bool: those that decay in continuous time and grow in steps of alpha = 1; frequency: of the one that grows most.
    """
    turn = np.exp(1j * np.linspace(0, 2 * np.pi, 361))
    for alpha, colour in zip(alphas, (BLACK, GREY, SKY, ORANGE), strict=False):
        circle = 1 - 1 / alpha + turn / alpha  # |1 + alpha (lambda - 1)| = 1
        ax.plot(circle.real, circle.imag, color=colour, lw=1.1, label=rf"$\alpha$ = {alpha:g}")
    ax.axvline(1.0, color=GREEN, lw=1.2, ls="--", label="continuous")
    ax.plot(eigenvalues[~marked].real, eigenvalues[~marked].imag, "o", color=BLUE, ms=4, mec="white", mew=0.4)
    ax.plot(eigenvalues[marked].real, eigenvalues[marked].imag, "D", color=RED, ms=5, mec="white", mew=0.4)
    if np.isfinite(frequency):
        title = f"{title}{': ' if title else ''}only in Euler's steps: {frequency:.1f} Hz"
    reach = 1.25 * max(1.0, float(np.abs(eigenvalues).max()))
    ax.set(xlim=(-1.6 * reach, reach), ylim=(-1.3 * reach, 1.3 * reach), aspect="equal", title=title)
    ax.set(xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$")
    with rc_context(STYLE):
        ax.legend(loc="lower left", fontsize=8)


def step_and_flow(
    ax: Axes, discrete: Array, continuous: Array, dt: float, *, shown: int = 30, title: str = "",
) -> None:  # fmt: skip
    """The last states of a trial by Euler with alpha = 1, (steps, N), dt ms apart, and in continuous time, dt / 2 apart.

    The unit is that which moves most in the former; shown: how many dt.
    """
    unit = int(np.ptp(discrete, axis=0).argmax())
    count = min(shown, len(discrete) - 1, (len(continuous) - 1) // 2)
    t = dt * np.arange(-count, 1)
    ax.plot(t, discrete[-count - 1 :, unit], "o-", color=RED, ms=3, lw=0.8, label=r"Euler, $\alpha$ = 1")
    ax.plot(dt / 2 * np.arange(-2 * count, 1), continuous[-2 * count - 1 :, unit], color=GREEN, lw=1.8, label="continuous")
    ax.set(xlabel="time before the end (ms)", ylabel=f"state of unit {unit}", title=title)
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.05, high + 0.05 + 0.25 * (high - low))  # room for the legend
    with rc_context(STYLE):
        ax.legend(loc="upper left", ncols=2)
