"""From the weights of a network to the components of an analogue circuit, and back (the subject of arXiv 2304.06487).

A unit's state is a voltage, v = v0 h, an input channel a voltage source E_k = G_in v0 x_k. Each unit offers its rate on two rails,
+V_j and -V_j, V_j = G v0 r_j, since no resistor is negative. A weight is a conductance g from a rail to a summing node and the sign
s of that rail; a bias is a current source. Units throughout: V, kOhm, mS, uF, mA, ms, in which kOhm uF is ms and V mS is mA.

    (1)  g_ij = |w_ij| / (G R),   s_ij = sign of w_ij;   0, an open circuit, where w_ij = 0
    (2)  g_ik = |w_ik| / (G_in R)  of an input,   g_lj = |w_lj| / (G R)  of the readout, a summing amplifier
    (3)  I_i = v0 b_i / R
    (4)  C_i = tau_i / R

R is the feedback resistor of the amplifier that sums, or, in the passive design, all that hangs on the node, in parallel: there a
leak resistor rho_i to earth brings the row to 1 / R, which is possible only where the load of no row is above 1.

    (5)  1 / rho_i = 1 / R - sum_j g_ij - sum_k g_ik
    (6)  load_i = sum_j |w_ij| / G + sum_k |w_ik| / G_in <= 1
    (7)  remedy: gains of the rails and sources, the least powers of two with
         sum_k |w_ik| / G_in <= 1/2,   then   sum_j |w_ij| / G <= 1 - sum_k |w_ik| / G_in   in every row

G >= 1 and G_in >= 1; the G_in that is asked for is above 1 only where the inputs would take more than half of a row.
Backwards, with 1 / R_i = 1 / rho_i + sum_j g_ij + sum_k g_ik in the passive design and R_i = R in the others:

    (8)  w_ij = s_ij g_ij G R_i,   w_ik = s_ik g_ik G_in R_i,   b_i = I_i R_i / v0,   tau_i = R_i C_i

DESIGNS, beside the form of the network each is for:

    passive   current   resistors, capacitor and leak on one node, then the saturating amplifier
    op-amp    current   integrator, feedback R in parallel with C; any weights, one tau whatever the rows hold
    op-amp    rate      summing amplifier, saturating stage, then R and C as a low-pass filter, and a buffer
    clocked   both      the stages of op-amp, but R C behind two switches: a sampled system, as the Euler map is

The first three are the continuous network. The Euler map with alpha = dt/tau near 1 is another system (its oscillations beyond
|lambda| = 1 have no counterpart), which `clocked` realises: in the first half of a period of dt a capacitor samples what drives the
unit, in the second half, for theta = CLOSED dt, the state relaxes towards the sample,

    (9)  v <- v + (1 - exp(-theta / (R C))) (sample - v),   so that   R_i C_i = -theta / log(1 - dt/tau_i)

and SETTLED time constants fit into theta where dt = tau. With R, v0 and the gains powers of two, as by default, (1) to (5) and (8)
lose nothing: the round trip gives each weight and tau back bit for bit, in float32 and float64. (In (5) the error of 1 / rho_i is
at most half the spacing of the numbers below 1 / R, so the exactly rounded sum of the row is 1 / R again.) The exceptions: with
other R, v0 or gains the last bits of float64 may differ; tau of `clocked` is exact at dt = tau, otherwise to rounding; nothing may
underflow. A resistance, 1 / g, is a rounded number: from it float32 weights come back bit for bit, float64 ones to 1 or 2 units in
the last place.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

DESIGNS = ("passive", "op-amp", "clocked")
PHI = ("tanh", "relu", "sigmoid", "softplus", "linear")
CLOSED = 0.375  # of a period: how long each of the two switches is closed; both are open between
SETTLED = 64.0  # time constants after which a capacitor has its final voltage: exp(-64) is 2e-28


class Weights(NamedTuple):
    """What a circuit realises, float64: shapes as of `Network`, tau (N,) in ms; None where there is no bias."""

    W_in: Array
    W_rec: Array
    W_out: Array
    b_rec: Array | None
    b_out: Array | None
    h0: Array
    tau: Array


class Circuit(NamedTuple):
    """Components. Conductances in mS (0: open circuit), signs +1 or -1 of the rail, capacitances in uF, currents in mA.

    design, form, phi: as `design` was told. v0 (V), gain, input_gain: of the module's equations. period (ms): of the clock, None
    without one. g_sum (N,): rho's conductance ("passive"), or the feedback's. g_state (N,): of the low-pass filter, zeros where the
    summing node itself carries the state.
    """

    design: str
    form: str
    phi: str
    v0: float
    gain: float
    input_gain: float
    period: float | None
    g_in: Array  # (N, I)
    s_in: Array
    g_rec: Array  # (N, N)
    s_rec: Array
    g_out: Array  # (O, N)
    s_out: Array
    g_sum: Array  # (N,)
    g_state: Array  # (N,)
    g_sum_out: Array  # (O,)
    C: Array  # (N,)
    I_rec: Array | None  # (N,)
    I_out: Array | None  # (O,)
    v_start: Array  # (N,) V

    @property
    def one_node(self) -> bool:
        """Whether the node that sums currents is also the one that carries the state."""
        return self.design == "passive" or (self.design == "op-amp" and self.form == "current")


def load(W_in: Any, W_rec: Any, *, gain: float = 1.0, input_gain: float = 1.0) -> Array:
    """(N,) how much of 1/R the connections of each row of a passive circuit take (6): it can be built where none is above 1."""
    W_in, W_rec = _matrix("W_in", W_in), _matrix("W_rec", W_rec)
    if len(W_in) != len(W_rec):
        raise ValueError(f"W_in must have a row for each of the {len(W_rec)} of W_rec, got {W_in.shape}")
    gain, input_gain = _positive("gain", gain), _positive("input_gain", input_gain)
    rows = np.abs(np.concatenate([W_rec / gain, W_in / input_gain], axis=1)).tolist()
    return np.array([math.fsum(row) for row in rows])  # (6)


def remedy(W_in: Any, W_rec: Any) -> tuple[float, float]:
    """(gain, input_gain) with which these weights have a passive circuit (7)."""
    W_in, W_rec = _matrix("W_in", W_in), _matrix("W_rec", W_rec)
    gain = input_gain = 1.0
    while load(W_in, 0 * W_rec, input_gain=input_gain).max(initial=0.0) > 0.5:
        input_gain *= 2  # (7)
    while load(W_in, W_rec, gain=gain, input_gain=input_gain).max(initial=0.0) > 1:
        gain *= 2  # (7)
    return gain, input_gain


def design(
    W_in: Any, W_rec: Any, W_out: Any, b_rec: Any = None, b_out: Any = None, h0: Any = None, *, tau: Any = 1.0,
    design: Literal["passive", "op-amp", "clocked"] = "op-amp", form: Literal["rate", "current"] = "rate", phi: str = "tanh",
    dt: float | None = None, R: float = 64.0, v0: float = 1.0, gain: float | None = None, input_gain: float | None = None,
) -> Circuit:  # fmt: skip
    """The components of a network (1 to 5, 9).

    W_in (N, I), W_rec (N, N), W_out (O, N), biases, h0: as of `Network`. tau in ms, a number or (N,). dt in ms: the period of the
    clock, for "clocked" alone. R in kOhm; v0 in V: the voltage of a state 1. gain, input_gain: 1 by default, for "passive" those of
    `remedy`. ValueError where an array does not fit, or a passive circuit can not be built.
    """
    for name, value, choices in (("design", design, DESIGNS), ("form", form, ("rate", "current")), ("phi", phi, PHI)):
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    if design == "passive" and form != "current":
        raise ValueError(f'form must be "current" for the passive design, whose node sums what has passed phi, got {form!r}')
    if (dt is None) == (design == "clocked"):
        raise ValueError(f'dt must be given for the "clocked" design and only for it, got dt = {dt} for {design!r}')
    W_in, W_rec, W_out = _matrix("W_in", W_in), _matrix("W_rec", W_rec), _matrix("W_out", W_out)
    N = len(W_rec)
    for name, W, shape in (("W_rec", W_rec, (N, N)), ("W_in", W_in, (N, W_in.shape[1])), ("W_out", W_out, (len(W_out), N))):
        if W.shape != shape or N == 0:
            raise ValueError(f"{name} must be {shape} with N > 0 units, got {W.shape}")
    b_rec = None if b_rec is None else _vector("b_rec", b_rec, N)
    b_out = None if b_out is None else _vector("b_out", b_out, len(W_out))
    h0 = np.zeros(N) if h0 is None else _vector("h0", h0, N)
    tau = _vector("tau", np.broadcast_to(tau, (N,)) if np.ndim(tau) == 0 else tau, N)
    if (tau <= 0).any():
        raise ValueError(f"tau must be positive, got {tau.min():g}")
    R, v0 = _positive("R", R), _positive("v0", v0)
    if design == "passive" and (gain is None or input_gain is None):
        remedied = remedy(W_in, W_rec)
        gain, input_gain = remedied[0] if gain is None else gain, remedied[1] if input_gain is None else input_gain
    gain = _positive("gain", 1.0 if gain is None else gain)
    input_gain = _positive("input_gain", 1.0 if input_gain is None else input_gain)

    g_rec, g_out = np.abs(W_rec) / (gain * R), np.abs(W_out) / (gain * R)  # (1) (2)
    g_in = np.abs(W_in) / (input_gain * R)  # (2)
    g_sum, g_state, C = np.full(N, 1 / R), np.full(N, 1 / R), tau / R  # (4)
    if design == "clocked":
        dt = _positive("dt", dt)
        if (tau < dt).any():
            raise ValueError(f"tau must be at least dt = {dt:g} ms, got {tau.min():g}")
        with np.errstate(divide="ignore"):
            constants = np.minimum(SETTLED, -np.log1p(-dt / tau))
        C = CLOSED * dt / constants / R  # (9)
    elif form == "current":
        g_state = np.zeros(N)
    if design == "passive":
        heavy = load(W_in, W_rec, gain=gain, input_gain=input_gain)
        if heavy.max() > 1:
            raise ValueError(
                f"gain must be larger: row {int(heavy.argmax())} of a passive circuit has the load {heavy.max():.4g}, above 1, "
                f"with gain = {gain:g} and input_gain = {input_gain:g}; remedy(W_in, W_rec) gives {remedy(W_in, W_rec)}, "
                f'and design="op-amp" has no such limit'
            )
        rows = np.concatenate([g_rec, g_in], axis=1).tolist()
        g_sum = np.array([max(math.fsum([1 / R, *(-g for g in row)]), 0.0) for row in rows])  # (5)
    I_rec, I_out = (None if b is None else v0 * b / R for b in (b_rec, b_out))  # (3)
    return Circuit(
        design, form, phi, v0, gain, input_gain, dt, g_in, _signs(W_in), g_rec, _signs(W_rec), g_out, _signs(W_out), g_sum, g_state,
        np.full(len(W_out), 1 / R), C, I_rec, I_out, v0 * h0,
    )  # fmt: skip


def weights(circuit: Circuit) -> Weights:
    """The network that a circuit realises (8)."""
    c = circuit
    total = c.g_sum  # 1 / R_i
    if c.design == "passive":
        total = np.array([math.fsum(row) for row in np.concatenate([c.g_sum[:, None], c.g_rec, c.g_in], axis=1).tolist()])
    R, R_out = 1 / total, 1 / c.g_sum_out
    W_rec, W_in = c.s_rec * c.g_rec * c.gain * R[:, None], c.s_in * c.g_in * c.input_gain * R[:, None]  # (8)
    W_out = c.s_out * c.g_out * c.gain * R_out[:, None]  # (8)
    b_rec = None if c.I_rec is None else c.I_rec * R / c.v0  # (8)
    b_out = None if c.I_out is None else c.I_out * R_out / c.v0  # (8)
    tau = c.C * (R if c.one_node else 1 / c.g_state)  # (8)
    if c.period is not None:
        tau = c.period / -np.expm1(-CLOSED * c.period / tau)  # (9)
    return Weights(W_in, W_rec, W_out, b_rec, b_out, c.v_start / c.v0, tau)


def _signs(W: Array) -> Array:
    """+1 or -1; a weight of -0.0 is an open circuit on the inverted rail."""
    return np.copysign(1.0, W)


def _positive(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def _finite(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def _matrix(name: str, value: Any) -> Array:
    array = _finite(name, value)
    if array.ndim != 2:
        raise ValueError(f"{name} must have two axes, (to, from), got {array.shape}")
    return array


def _vector(name: str, value: Any, size: int) -> Array:
    array = _finite(name, value)
    if array.shape != (size,):
        raise ValueError(f"{name} must be ({size},), got {array.shape}")
    return array
