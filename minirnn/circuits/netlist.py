"""A circuit as a list of components, and as a SPICE netlist (written for ngspice, plain enough for others).

Nodes, counted from 1: `n3` the state of unit 3, `p3` and `m3` its rails +V and -V, `q3` the virtual ground of its summing
amplifier, `a3` what that gives, `d3` what drives the state, `k3` the sample of a clocked unit; `e1` and `f1` an input, direct and
inverted; `z1` an output. Amplifiers are ideal sources: E elements, for operational amplifiers with a gain of OPEN_LOOP, and B
elements for the saturating stage.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .design import CLOSED, SETTLED, Circuit

Array = np.ndarray[Any, Any]

OPEN_LOOP = 1e8
PHI = {
    "tanh": "tanh({0})", "relu": "max({0}, 0)", "sigmoid": "1 / (1 + exp(-({0})))",
    "softplus": "max({0}, 0) + ln(1 + exp(-abs({0})))", "linear": "{0}",
}  # fmt: skip
SAMPLE = 1e-3  # uF, of the capacitor that samples
SWITCH_ON = 1e-6  # kOhm, of the switch before a clocked unit's resistor
SLOPE = 1e-4  # of a period: how long a clock takes to rise or fall


class Component(NamedTuple):
    """A resistor (kOhm), capacitor (uF) or current source (mA, from node a to node b through it)."""

    name: str
    a: str
    b: str
    value: float
    unit: str


def components(circuit: Circuit) -> list[Component]:
    """Every resistor, capacitor and current source; what a connection of weight 0 would need is not there."""
    return list(_components(circuit))


def _components(c: Circuit) -> Iterator[Component]:
    I = c.g_in.shape[1]
    at, after = ("n", "") if c.design == "passive" else ("q", "u")  # where currents are summed; the amplifier's output

    def to(node: str, label: str, g: Array, s: Array, rails: str) -> Iterator[Component]:
        for j in np.flatnonzero(g):
            yield Component(f"R{label}_{j + 1}", node, f"{rails[int(s[j] < 0)]}{j + 1}", float(1 / g[j]), "kOhm")

    for i in range(len(c.C)):
        u, node = i + 1, f"{at}{i + 1}"
        yield from to(node, f"{u}", c.g_rec[i], c.s_rec[i], "pm")
        if I:
            yield from to(node, f"in{u}", c.g_in[i], c.s_in[i], "ef")
        if c.I_rec is not None and c.I_rec[i]:
            yield Component(f"I{u}", "0", node, float(c.I_rec[i]), "mA")
        if c.g_sum[i]:
            yield Component(f"Rsum{u}", node, f"{after}{u}" if after else "0", float(1 / c.g_sum[i]), "kOhm")
        if c.one_node:
            yield Component(f"C{u}", node, f"{after}{u}" if after else "0", float(c.C[i]), "uF")
        else:
            yield Component(f"Rstate{u}", f"{'y' if c.period else 'd'}{u}", f"n{u}", float(1 / c.g_state[i]), "kOhm")
            yield Component(f"C{u}", f"n{u}", "0", float(c.C[i]), "uF")
        if c.period:
            yield Component(f"Csample{u}", f"k{u}", "0", SAMPLE, "uF")
    for l in range(len(c.g_sum_out)):
        yield from to(f"qz{l + 1}", f"out{l + 1}", c.g_out[l], c.s_out[l], "pm")
        if c.I_out is not None and c.I_out[l]:
            yield Component(f"Iout{l + 1}", "0", f"qz{l + 1}", float(c.I_out[l]), "mA")
        yield Component(f"Rsumout{l + 1}", f"qz{l + 1}", f"uz{l + 1}", float(1 / c.g_sum_out[l]), "kOhm")


def netlist(
    circuit: Circuit, x: Any, dt: float, *, rise: float | None = None, step: float | None = None, title: str = "network"
) -> str:
    """The text of a netlist that runs one trial, x (T, I), each input held for dt ms, from `v_start`; ngspice -b -r OUT.raw FILE.

    rise (ms): of an input, by default dt / 1000, as of `simulate`. step (ms): the integrator's largest, by default a hundredth of
    dt (of a period for a clocked circuit, whose clock the netlist holds). Saved are the states `n` and the outputs `z`.
    """
    c = circuit
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or len(x) == 0 or x.shape[1] != c.g_in.shape[1] or not np.isfinite(x).all():
        raise ValueError(f"x must be one trial, finite and (T, {c.g_in.shape[1]}) with T > 0, got {x.shape}")
    if c.period is not None and c.period != dt:
        raise ValueError(f"dt must be the period of the clock, {c.period:g} ms, got {dt:g}")
    rise = dt * 1e-3 if rise is None else float(rise)
    if not 0 < rise < dt:
        raise ValueError(f"rise must be positive and below dt = {dt:g} ms, got {rise:g}")
    step = dt / 100 if step is None else float(step)
    N, O = len(c.C), len(c.g_sum_out)
    lines = [f"* {title}: {N} units, {c.design} design, {c.form} form, {c.phi}; V, Ohm, F, A, s"]
    for k in range(x.shape[1]):
        lines += [_source(k + 1, c.input_gain * c.v0 * x[:, k], dt, rise), f"Ef{k + 1} f{k + 1} 0 0 e{k + 1} 1"]
    suffix = {"kOhm": "k", "uF": "u", "mA": "m"}
    starts = {f"C{i + 1}": v for i, v in enumerate(c.v_start)}
    for part in _components(c):
        start = f" IC={starts[part.name]:.17g}" if part.name in starts else ""
        start = " IC=0" if part.name.startswith("Csample") else start
        lines.append(f"{part.name} {part.a} {part.b} {part.value:.17g}{suffix[part.unit]}{start}")
    for i in range(N):
        lines += _amplifiers(c, i + 1)
    for l in range(1, O + 1):
        lines += [f"Ez{l} uz{l} 0 0 qz{l} {OPEN_LOOP:g}", f"Ezz{l} z{l} 0 0 uz{l} 1"]
    if c.period is not None:
        lines += _clock(c.period)
    saved = [f"v(n{i + 1})" for i in range(N)] + [f"v(z{l + 1})" for l in range(O)]
    lines += [f".save {' '.join(saved[k : k + 12])}" for k in range(0, len(saved), 12)]
    lines += [
        ".options reltol=1e-6 abstol=1e-15 vntol=1e-9 chgtol=1e-18 method=gear maxord=4"
        if c.period is None
        else ".options reltol=1e-6 vntol=1e-9",
        f".tran {_ms(dt)} {_ms(dt * len(x))} 0 {_ms(step)} uic",
        ".end",
    ]
    return "\n".join(lines) + "\n"


def _amplifiers(c: Circuit, u: int) -> list[str]:
    """Everything of unit u that is not a resistor, a capacitor or a bias."""
    lines = []
    if c.design != "passive":
        lines.append(f"Ea{u} u{u} 0 0 q{u} {OPEN_LOOP:g}")
        summed = f"n{u}" if c.one_node else f"a{u}"
        lines.append(f"En{u} {summed} 0 0 u{u} 1")
    if not c.one_node:
        passed = _phi(c.phi, f"V(a{u})", c.v0) if c.form == "rate" else f"V(a{u})"
        lines.append(f"Bd{u} d{u} 0 V = {passed}")
    if c.period is not None:
        lines += [f"Sa{u} d{u} k{u} clka 0 sample", f"Ek{u} b{u} 0 k{u} 0 1", f"Sb{u} b{u} y{u} clkb 0 pass"]
    rate = f"V(n{u})" if c.form == "rate" else _phi(c.phi, f"V(n{u})", c.v0)
    return [*lines, f"Bp{u} p{u} 0 V = {c.gain!r} * ({rate})", f"Em{u} m{u} 0 0 p{u} 1"]


def _phi(phi: str, voltage: str, v0: float) -> str:
    return f"{v0!r} * ({PHI[phi].format(f'{voltage} / {v0!r}')})"


def _clock(period: float) -> list[str]:
    """Two clocks that are never high at once, and the switches they close half way up and open half way down."""
    slope, theta = SLOPE * period, CLOSED * period
    gap = (period / 2 - theta) / 2
    lines = []
    for name, start in (("a", gap), ("b", period / 2 + gap)):
        times = (start, slope, slope, theta - slope, period)
        lines.append(f"Vclk{name} clk{name} 0 PULSE(0 1 {' '.join(map(_ms, times))})")
    resistance = theta * 1e-3 / SETTLED / (SAMPLE * 1e-6)  # ohm
    return [
        *lines, f".model sample SW(VT=0.5 VH=0 RON={resistance:.6g} ROFF=1e15)",
        f".model pass SW(VT=0.5 VH=0 RON={SWITCH_ON * 1e3:g} ROFF=1e15)",
    ]  # fmt: skip


def _source(k: int, values: Array, dt: float, rise: float) -> str:
    """A source that is 0 before the first step; a corner at each step's end makes the simulator stop there."""
    corners = [(0.0, 0.0)]
    for t, value in enumerate(values):
        corners += [(t * dt + rise, value), ((t + 1) * dt, value)]
    pairs = [f"{_ms(time)} {value:.17g}" for time, value in corners]
    return f"Ve{k} e{k} 0 PWL(" + "\n+ ".join(" ".join(pairs[j : j + 6]) for j in range(0, len(pairs), 6)) + ")"


def _ms(time: float) -> str:
    return f"{time:.15g}m"
