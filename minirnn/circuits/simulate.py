"""What a circuit does, from its components: Kirchhoff's current law at every node, integrated by `scipy.integrate`.

Nothing here knows a weight, a tau or a network. Symbols as in `design`; V_j = G v0 r_j are the rails and E_k the sources:

    (1)  r = phi(v / v0)  where the state is a current,   r = v / v0  where it is a rate
    (2)  J_i = sum_j s_ij g_ij V_j + sum_k s_ik g_ik E_k + I_i    into a node at 0 V

    (3)  passive           C_i dv_i/dt = J_i - (1/rho_i + sum_j g_ij + sum_k g_ik) v_i
    (4)  op-amp, current   C_i dv_i/dt = J_i - g_sum_i v_i
    (5)  op-amp, rate      C_i dv_i/dt = g_state_i (d_i - v_i)
    (6)  the drive         d_i = v0 phi(J_i / (g_sum_i v0))  in the rate form,  J_i / g_sum_i  in the current form
    (7)  the readout       g_sum_l y_l = sum_j s_lj g_lj V_j + I_l

`clocked`: one after the other in each period, both linear and so solved exactly, theta the time that a switch is closed,

    (8)  the sample  m_i <- d_i,   after more time constants of the first switch than a double has digits
    (9)  the state   v_i <- m_i + (v_i - m_i) exp(-theta g_state_i / C_i)

Amplifiers are ideal: they take no current, give any, and are faster than all else.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import expit

from .design import CLOSED, Circuit

Array = np.ndarray[Any, Any]

PHI: dict[str, Callable[[Array], Array]] = {  # the saturating stage, volts over volts
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0.0),
    "sigmoid": expit,
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "linear": lambda a: a,
}


class Traces(NamedTuple):
    """Voltages at the ends of steps: time (T+1,) in ms, state (T+1, B, N), output (T, B, O), both in V; output[t] at time[t + 1].

    Over `v0` they are h and z of the network.
    """

    time: Array
    state: Array
    output: Array


def simulate(circuit: Circuit, x: Any, dt: float, *, rise: float = 0.0, rtol: float = 1e-9, atol: float = 1e-11) -> Traces:
    """Run a circuit on inputs x (T, B, I), each held for dt ms; all trials start at `v_start`.

    rise (ms): how long an input takes, linearly, from one value to the next, at the start of a step (0 before the first); less than
    dt. Of a clocked circuit, whose period dt must be, the inputs are taken when they have settled. rtol, atol (over v0): of the
    integrator, an explicit Runge-Kutta pair of order 8.
    """
    x = np.asarray(x, np.float64)
    I = circuit.g_in.shape[1]
    if x.ndim != 3 or x.shape[2] != I or not np.isfinite(x).all():
        raise ValueError(f"x must be finite and (T, B, {I}) for this circuit, got {x.shape}")
    dt, rise = float(dt), float(rise)
    if not (np.isfinite(dt) and dt > 0 and 0 <= rise < dt):
        raise ValueError(f"dt must be positive and rise at least 0 and below dt, got dt = {dt:g} and rise = {rise:g}")
    if circuit.period is not None and circuit.period != dt:
        raise ValueError(f"dt must be the period of the clock, {circuit.period:g} ms, got {dt:g}")
    T, B, _ = x.shape
    E = circuit.input_gain * circuit.v0 * x
    state = np.empty((T + 1, B, len(circuit.C)))
    state[0] = circuit.v_start
    if circuit.period is None:
        _integrate(circuit, state, E, dt, rise, rtol, atol)
    else:
        theta = CLOSED * circuit.period
        kept = np.exp(-theta * circuit.g_state / circuit.C)
        for t in range(T):
            m = _drive(circuit, state[t], E[t])  # (8)
            state[t + 1] = m + (state[t] - m) * kept  # (9)
    rails = _rails(circuit, state[1:])
    J = rails @ (circuit.s_out * circuit.g_out).T + (0.0 if circuit.I_out is None else circuit.I_out)  # (7)
    return Traces(np.arange(T + 1) * dt, state, J / circuit.g_sum_out)  # (7)


def _rails(c: Circuit, v: Array) -> Array:
    """V (.., N) on the direct rails."""
    r = v / c.v0 if c.form == "rate" else PHI[c.phi](v / c.v0)  # (1)
    return c.gain * c.v0 * r


def _current(c: Circuit, v: Array, E: Array) -> Array:
    """J (.., N), what flows into the summing nodes."""
    J: Array = _rails(c, v) @ (c.s_rec * c.g_rec).T + E @ (c.s_in * c.g_in).T + (0.0 if c.I_rec is None else c.I_rec)  # (2)
    return J


def _drive(c: Circuit, v: Array, E: Array) -> Array:
    """d (.., N), the voltage behind the summing amplifier and, in the rate form, the saturating stage."""
    a = _current(c, v, E) / c.g_sum  # (6)
    return c.v0 * PHI[c.phi](a / c.v0) if c.form == "rate" else a  # (6)


def _slope(c: Circuit, v: Array, E: Array) -> Array:
    """dv/dt (.., N) in V/ms."""
    if not c.one_node:
        return c.g_state * (_drive(c, v, E) - v) / c.C  # (5)
    hanging = c.g_sum + c.g_rec.sum(axis=1) + c.g_in.sum(axis=1) if c.design == "passive" else c.g_sum
    return (_current(c, v, E) - hanging * v) / c.C  # (3) (4)


def _integrate(c: Circuit, state: Array, E: Array, dt: float, rise: float, rtol: float, atol: float) -> None:
    """Fill state[1:]; the integrator starts anew wherever an input changes."""
    T, B, _ = E.shape
    changes = [t for t in range(T) if t == 0 or (E[t] != E[t - 1]).any()]
    for start, end in zip(changes, [*changes[1:], T], strict=True):
        before = E[start - 1] if start else np.zeros_like(E[0])
        pieces = [(start * dt, start * dt + rise, before, E[start])] if rise else []
        pieces.append((start * dt + rise, end * dt, E[start], E[start]))
        v = state[start]
        for begin, finish, first, last in pieces:

            def slope(t: float, y: Array, begin: float = begin, finish: float = finish, a: Array = first, b: Array = last) -> Array:
                now = a + (b - a) * ((t - begin) / (finish - begin))
                return _slope(c, y.reshape(B, -1), now).ravel()

            ends = [t for t in range(start + 1, end + 1) if begin < t * dt <= finish]
            at = [t * dt for t in ends] or [finish]
            found = solve_ivp(slope, (begin, finish), v.ravel(), "DOP853", at, rtol=rtol, atol=atol * c.v0)
            if not found.success:
                raise ValueError(f"the circuit can not be integrated at {begin:g} ms: {found.message}")
            values = found.y.T.reshape(len(at), B, -1)
            if ends:
                state[start + 1 : end + 1] = values
            v = values[-1]
