"""Circuits: a schematic of the first two units, and how a task fares with components that are off."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Polygon, Rectangle

from .style import BLACK, BLUE, GREEN, GREY, INPUTS, ORANGE, RED

Array = np.ndarray[Any, Any]

ZIGZAG = (0.0, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.0)


def schematic(ax: Axes, g_rec: Array, s_rec: Array, g_in: Array, s_in: Array, *, design: str, form: str, phi: str = "tanh") -> None:
    """Two units of a circuit: conductances in mS and rails (+1 direct, -1 inverted) as of `minirnn.circuits.Circuit`.

    Columns are the inputs and the units' rails, each direct and inverted; a resistor stands where a connection takes its current,
    with its value in kOhm. The amplifiers are ideal; the inverters behind the rails are drawn as circles.
    """
    I, M = min(g_in.shape[1], 2), min(len(g_rec), 2)
    names = [f"{sign}E{k + 1}" for k in range(I) for sign in "+-"] + [f"{sign}V{j + 1}" for j in range(M) for sign in "+-"]
    colours = [INPUTS[k % len(INPUTS)] for k in range(I) for _ in "+-"] + [(BLUE, RED)[j] for j in range(M) for _ in "+-"]
    columns = np.arange(len(names)) * 1.5
    one_node = design == "op-amp" and form == "current"
    top, drop = (2.0, 5.4) if one_node else (1.2, 4.6)
    stage = columns[-1] + 2.4  # where the rows meet the units
    for x, name, colour in zip(columns, names, colours, strict=True):
        ax.plot([x, x], [top, -drop * (M - 1) - 1.9], color=colour, lw=1.3, zorder=1)
        ax.text(x, top + 0.15, name.replace("-", "\N{MINUS SIGN}"), ha="center", va="bottom", color=colour)
    for i in range(M):
        y = -drop * i
        _wire(ax, (columns[0] + 0.45, y), (stage, y))
        values = [(g_in[i, k], s_in[i, k]) for k in range(I)] + [(g_rec[i, j], s_rec[i, j]) for j in range(M)]
        for c, (g, s) in enumerate(values):
            if g == 0:
                continue  # an open circuit
            x = columns[2 * c + int(s < 0)]
            ax.plot(x, y - 1.5, "o", color=colours[2 * c], ms=4, zorder=4)
            _wire(ax, (x, y - 1.5), (x + 0.55, y - 1.5))
            _resistor(ax, (x + 0.55, y - 1.5), (x + 0.55, y), _ohm(1 / g))
            ax.plot(x + 0.55, y, "o", color=BLACK, ms=3, zorder=4)
        end = _passive(ax, stage, y, phi) if design == "passive" else _active(ax, stage, y, design, form, phi)
        colour = (BLUE, RED)[i]
        ax.text(end + 0.75, y, f"+V{i + 1}", va="center", color=colour)
        _wire(ax, (end, y), (end + 0.65, y))
        _wire(ax, (end + 0.2, y), (end + 0.2, y - 0.95))
        ax.add_patch(Circle((end + 0.2, y - 1.15), 0.2, fc="white", ec=BLACK, zorder=3))
        ax.text(end + 0.2, y - 1.15, "\N{MINUS SIGN}1", ha="center", va="center", fontsize=6.5, zorder=4)
        _wire(ax, (end + 0.4, y - 1.15), (end + 0.65, y - 1.15))
        ax.text(end + 0.75, y - 1.15, f"\N{MINUS SIGN}V{i + 1}", va="center", color=colour)
    ax.set_xlim(columns[0] - 0.6, end + 1.7)
    ax.set_ylim(-drop * (M - 1) - 2.6, top + (1.4 if one_node else 0.8))
    ax.set_aspect("equal")
    ax.axis("off")
    ax.set_title(f"{design}, {form} form" + ("" if M == len(g_rec) else f": {M} of {len(g_rec)} units"))


def _passive(ax: Axes, x: float, y: float, phi: str) -> float:
    """The node with C and rho to earth, then the saturating amplifier; where its output is."""
    _wire(ax, (x, y), (x + 2.6, y))
    for at, part, label in ((x + 0.3, _resistor, r"$\rho$"), (x + 1.3, _capacitor, "C")):
        part(ax, (at, y - 1.5), (at, y), label)
        ax.plot(at, y, "o", color=BLACK, ms=3, zorder=4)
        _earth(ax, at, y - 1.5)
    ax.text(x + 0.8, y + 0.15, "v", ha="center", style="italic")
    return _amplifier(ax, x + 2.6, y, f"G {phi}")


def _active(ax: Axes, x: float, y: float, design: str, form: str, phi: str) -> float:
    """A summing amplifier or integrator, the saturating stage before or behind the R and C that carry the state."""
    one_node = design == "op-amp" and form == "current"
    _wire(ax, (x, y), (x + 0.6, y))
    out = _amplifier(ax, x + 0.6, y, r"$\Sigma$")
    _wire(ax, (x + 0.3, y), (x + 0.3, y + 1.1))
    _wire(ax, (out, y), (out, y + 1.1))
    _resistor(ax, (x + 0.3, y + 1.1), (out, y + 1.1), "R")
    if one_node:
        _wire(ax, (x + 0.3, y + 1.1), (x + 0.3, y + 2.15))
        _wire(ax, (out, y + 1.1), (out, y + 2.15))
        _capacitor(ax, (x + 0.3, y + 2.15), (out, y + 2.15), "C")
        ax.text(out + 0.95, y + 0.55, "v", ha="center", style="italic")
    _wire(ax, (out, y), (out + 0.4, y))
    ax.add_patch(Circle((out + 0.6, y), 0.2, fc="white", ec=BLACK, zorder=3))
    ax.text(out + 0.6, y, "\N{MINUS SIGN}1", ha="center", va="center", fontsize=6.5, zorder=4)
    x = out + 0.8
    if form == "rate":
        x = _box(ax, x, y, phi)
    if design == "clocked":
        x = _switch(ax, x, y, "A")
        ax.plot(x, y, "o", color=BLACK, ms=3, zorder=4)
        _capacitor(ax, (x, y - 1.5), (x, y), "")
        _earth(ax, x, y - 1.5)
        x = _amplifier(ax, x + 0.6, y, "1", start=x)
        x = _switch(ax, x, y, "B")
    if not one_node:
        _resistor(ax, (x, y), (x + 1.4, y), "R")
        x += 1.4
        ax.plot(x + 0.2, y, "o", color=BLACK, ms=3, zorder=4)
        _capacitor(ax, (x + 0.2, y - 1.5), (x + 0.2, y), "C")
        _earth(ax, x + 0.2, y - 1.5)
        ax.text(x + 0.2, y + 0.15, "v", ha="center", style="italic")
        x = _amplifier(ax, x + 1.1, y, "1", start=x)
    return _box(ax, x, y, phi) if form == "current" else x


def _ohm(kilo: float) -> str:
    """A resistance, given in kOhm, to three digits."""
    for limit, size, unit in ((1e3, 1e-3, "\N{GREEK CAPITAL LETTER OMEGA}"), (1e6, 1.0, "k"), (1e9, 1e3, "M")):
        if kilo * 1e3 < limit:
            return f"{kilo / size:.3g}{unit}"
    return f"{kilo / 1e6:.3g}G"


def _wire(ax: Axes, a: tuple[float, float], b: tuple[float, float]) -> None:
    ax.plot([a[0], b[0]], [a[1], b[1]], color=BLACK, lw=1.2, solid_capstyle="round", zorder=2)


def _along(a: tuple[float, float], b: tuple[float, float], t: Any, side: Any) -> tuple[Array, Array]:
    """Points a fraction t of the way from a to b, and `side` off it."""
    start, way = np.array(a, float), np.subtract(b, a).astype(float)
    normal = np.array([-way[1], way[0]]) / np.hypot(*way)
    points = start + np.outer(t, way) + np.outer(side, normal)
    return points[:, 0], points[:, 1]


def _label(ax: Axes, a: tuple[float, float], b: tuple[float, float], text: str, off: float = 0.25) -> None:
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    if a[0] == b[0]:
        ax.text(x + off, y, text, ha="left", va="center", fontsize=7.5, rotation=90 if len(text) > 3 else 0)
    else:
        ax.text(x, y + off, text, ha="center", va="bottom", fontsize=9)


def _resistor(ax: Axes, a: tuple[float, float], b: tuple[float, float], text: str) -> None:
    t = np.concatenate([[0.0], np.linspace(0.25, 0.75, len(ZIGZAG)), [1.0]])
    side = 0.3 * np.concatenate([[0.0], ZIGZAG, [0.0]])
    ax.plot(*_along(a, b, t, side), color=BLACK, lw=1.2, zorder=3)
    _label(ax, a, b, text)


def _capacitor(ax: Axes, a: tuple[float, float], b: tuple[float, float], text: str) -> None:
    length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
    near, far = 0.5 - 0.09 / length, 0.5 + 0.09 / length
    for ends in ((0.0, near), (far, 1.0)):
        ax.plot(*_along(a, b, ends, (0.0, 0.0)), color=BLACK, lw=1.2, zorder=3)
    for at in (near, far):
        ax.plot(*_along(a, b, (at, at), (-0.3, 0.3)), color=BLACK, lw=1.8, zorder=3)
    _label(ax, a, b, text, 0.35)


def _earth(ax: Axes, x: float, y: float) -> None:
    for k, width in enumerate((0.3, 0.2, 0.1)):
        ax.plot([x - width, x + width], [y - 0.12 * k, y - 0.12 * k], color=BLACK, lw=1.2)


def _amplifier(ax: Axes, x: float, y: float, text: str, *, start: float | None = None) -> float:
    if start is not None:
        _wire(ax, (start, y), (x, y))
    ax.add_patch(Polygon([(x, y - 0.75), (x, y + 0.75), (x + 1.4, y)], fc="white", ec=BLACK, lw=1.2, zorder=3))
    ax.text(x + 0.45, y, text, ha="center", va="center", fontsize=9 if text in ("1", r"$\Sigma$") else 6.5, zorder=4)
    return x + 1.4


def _box(ax: Axes, x: float, y: float, text: str) -> float:
    _wire(ax, (x, y), (x + 0.3, y))
    ax.add_patch(Rectangle((x + 0.3, y - 0.45), 1.5, 0.9, fc="white", ec=BLACK, lw=1.2, zorder=3))
    ax.text(x + 1.05, y, text, ha="center", va="center", fontsize=9, zorder=4)
    _wire(ax, (x + 1.8, y), (x + 2.1, y))
    return x + 2.1


def _switch(ax: Axes, x: float, y: float, text: str) -> float:
    _wire(ax, (x, y), (x + 0.3, y))
    _wire(ax, (x + 0.3, y), (x + 0.95, y + 0.4))
    ax.plot([x + 0.3, x + 1.0], [y, y], "o", mfc="white", mec=BLACK, ms=4, zorder=4)
    _wire(ax, (x + 1.0, y), (x + 1.3, y))
    ax.text(x + 0.6, y + 0.5, text, ha="center", va="bottom", fontsize=9)
    return x + 1.3


def tolerances(ax: Axes, percent: Array, distances: Array, works: Array, *, nominal: float) -> None:
    """Mean distance of each circuit (S, D) against the tolerance of its resistors (S,), in %; works (S, D); nominal: exact ones.

    A dot is a circuit, green where it performs the task and orange where it does not; above it stands how many of them do.
    """
    spread = np.linspace(-0.25, 0.25, distances.shape[1]) if distances.shape[1] > 1 else np.zeros(1)
    for s in range(len(percent)):
        for good, colour, marker in ((True, GREEN, "o"), (False, ORANGE, "x")):
            chosen = works[s] == good
            ax.plot(s + spread[chosen], distances[s, chosen], marker, color=colour, ms=4, label=_told(good) if s == 0 else None)
        ax.plot([s - 0.3, s + 0.3], [np.median(distances[s])] * 2, color=BLACK, lw=1.4, label="median" if s == 0 else None)
        said = f"{works[s].sum()}/{works.shape[1]}"
        ax.text(s, 1.01, said, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)
    ax.axhline(nominal, color=GREY, lw=1.2, ls="--", label="exact components", zorder=1)
    ax.set_yscale("log")
    ax.set_xticks(range(len(percent)), [f"{p:g}" for p in percent])
    ax.set(xlabel="tolerance of the resistors (%)", ylabel="mean distance")
    ax.legend(loc="upper left", frameon=False)


def _told(good: bool) -> str:
    return "performs the task" if good else "does not"
