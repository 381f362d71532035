"""Temporal rescaling R, discretisation D and linearisation L of a network, in any order (arXiv 2312.15974).

The network, a time constant per unit, T = diag(tau), noise of strength sigma added to the right-hand side:

    (1)  T dh/dt = F(h, x) + sqrt(2 T) sigma xi(t),   F(h, x) = -h + phi(W_rec h + W_in x + b_rec)      rate form
    (1c)                                              F(h, x) = -h + W_rec phi(h) + W_in x + b_rec      current form
    (2)  J = -1 + diag(phi'(a)) W_rec,  dF/dx = diag(phi'(a)) W_in,  a = W_rec h + W_in x + b_rec       rate form
    (2c) J = -1 + W_rec diag(phi'(h)),  dF/dx = W_in                                                    current form

is here a system in continuous time, dh/dt = f(h, x) + q xi(t) with f = F / tau and q = sqrt(2/tau) sigma, and each procedure
makes a system of a system, whatever went before:

    (3)  R    s = t/S:  dh/ds = S f(h, x) + sqrt(S) q xi(s), its inputs x(S s);  a map stays what it is, and its step is ds = dt/S
    (4)  D    h_{n+1} = G(h_n, x_n) + sqrt(dt) q n_n,  n_n ~ N(0, 1);  G is a step of a method of `minirnn.integrators` with x
              held, Euler's G = h + dt f(h, x) if no other is named
    (5)  L    f(h*, x*) + A (h - h*) + B (x - x*) instead of f, or of G: A = df/dh, B = df/dx at (h*, x*)
    (6)       the tangents of a step of D:  M' = A M, P' = A P + B are stepped by the same method, M = 1 and P = 0 before it

For one tau for all units, R with S = tau leaves dh/ds = F. For several there is no such R: S T^-1 dh/ds keeps their ratios.

Which orders agree, and when (`Condition`; found by `compare`, not taken from here):

- R and L always. R and D if ds = dt/S, with inputs sampled at the same times; otherwise they are maps with different alpha, which
  share fixed points, not multipliers. The noise of a step depends on alpha alone, sqrt(2 alpha) sigma.
- L and D by Euler anywhere, if both keep f(h*, x*), which is 0 at an equilibrium only: h + dt f is linear in f. (If both drop it
  they agree too, on a system that is not tangent to the network.) By another method at an equilibrium only, elsewhere to
  O(dt^2) in a step; and Euler's 1 + dt A and exp(dt A) differ by O(dt^2) anywhere.
- About a trajectory they do not: Euler's and the exact one are O(dt) apart, hence so are the Jacobians (`along_trajectories`).

What no order keeps is stability, for lambda an eigenvalue of J + 1 and one tau:

    (7)  mu = (lambda - 1) / tau    in continuous time: decays if Re mu < 0, Re lambda < 1; frequency |Im lambda| / (2 pi tau)
    (8)  m  = 1 + dt mu             Euler: decays if |m| < 1, at dt = tau if |lambda| < 1; frequency |arg m| / (2 pi dt)
    (9)  |m| < 1  if and only if  dt < -2 Re mu / |mu|^2

Shapes: N units, I inputs; h (N,), x (I,), A, M (N, N), B, P (N, I); weights are (to, from). All is done in float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import expm
from scipy.optimize import root

from . import integrators, reference
from .analysis import fixed_points
from .network import Network
from .randomness import as_generator

Array = np.ndarray[Any, Any]

METHODS = ("euler", "rk4", "exact")
ROUNDING = 1e-12  # differences below it are none, relative to the size of what is compared
SOLVED = 1e-10  # the same where an integrator works to a tolerance
BELOW = 30.0  # the power of dt is read off differences this many times above those


@dataclass(frozen=True, eq=False)
class System:
    """dh/ds = value(h, x) in continuous time, h_{n+1} = value(h_n, x_n) for a map; made by `of`, `network` or a procedure.

    value: (.., N) for h (.., N), x (.., I). derivative: (A, B) = (dvalue/dh, dvalue/dx) at h (N,), x (I,).
    tau (N,): time constants in the unit of the clock, which is `unit` ms. step: of a map, in the unit of the clock; None: time is
    continuous. noise (N,): q, of a map the standard deviation in a step. affine: whether value is.
    """

    value: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], tuple[Array, Array]]
    tau: Array
    n_in: int
    noise: Array
    unit: float = 1.0
    step: float | None = None
    affine: bool = False

    @property
    def alpha(self) -> Array:
        """step / tau (N,) of a map."""
        if self.step is None:
            raise ValueError("alpha must be asked of a map: this system is in continuous time")
        return self.step / self.tau

    @property
    def step_ms(self) -> float:
        """The step of a map in ms; NaN in continuous time."""
        return math.nan if self.step is None else self.step * self.unit


def network(
    W_rec: Any, W_in: Any, b_rec: Any = 0.0, *, tau: Any = 1.0, phi: str = "tanh", form: str = "rate", sigma: float = 0.0,
    scale: Any = 1.0,
) -> System:  # fmt: skip
    """(1), (1c) as a system in continuous time, its clock in ms; W_rec (N, N), W_in (N, I), b_rec, tau (N,) or numbers.

    scale: of what is not the leak, 1 or tau for drive="literal". sigma: of noise that is added in both forms to what (1) and (1c)
    say; `Network` has it inside phi in the rate form. ValueError or TypeError, naming the argument.
    """
    W, U = (_finite(name, value, 2) for name, value in (("W_rec", W_rec), ("W_in", W_in)))
    N = len(W)
    if W.shape != (N, N) or not N:
        raise ValueError(f"W_rec must be (N, N) with N > 0, got {W.shape}")
    if len(U) != N:
        raise ValueError(f"W_in must be ({N}, I), got {U.shape}")
    b, T, c = (_per_unit(name, value, N) for name, value in (("b_rec", b_rec), ("tau", tau), ("scale", scale)))
    if not (T > 0).all():
        raise ValueError(f"tau must be positive, got {T.min():g}")
    if not (np.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"sigma must be 0 or positive, got {sigma}")
    if phi not in reference.ACTIVATIONS:
        raise ValueError(f"phi must be one of {', '.join(reference.ACTIVATIONS)}, got {phi!r}")
    if form not in ("rate", "current"):
        raise ValueError(f'form must be "rate" or "current", got {form!r}')

    def value(h: Array, x: Array) -> Array:
        if form == "current":
            return (-h + c * (reference.phi(h, phi) @ W.T + x @ U.T + b)) / T  # (1c)
        return (-h + c * reference.phi(h @ W.T + x @ U.T + b, phi)) / T  # (1)

    def derivative(h: Array, x: Array) -> tuple[Array, Array]:
        argument = h if form == "current" else h @ W.T + x @ U.T + b
        if phi == "relu" and np.abs(argument).min() < fixed_points.ON_KINK:
            raise ValueError("h must not lie on a kink of relu, where there is no derivative")
        slope = reference.phi_prime(reference.phi(argument, phi), phi)
        if form == "current":
            return (-np.eye(N) + c[:, None] * W * slope) / T[:, None], c[:, None] * U / T[:, None]  # (2c)
        gain = (c * slope / T)[:, None]
        return -np.diag(1 / T) + gain * W, gain * U  # (2)

    return System(value, derivative, T, U.shape[1], np.sqrt(2 / T) * sigma, affine=phi == "linear")  # (1)


def of(net: Network) -> System:
    """The system in continuous time of which `net` takes Euler steps, with the weights that act; noise in the current form alone.

    Its `noise` is that of which `net.noise_scale` is a step; in the rate form, where noise acts inside phi, it is 0.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    w = net.weights
    b = 0.0 if w.b_rec is None else w.b_rec
    system = network(w.W_rec, w.W_in, b, tau=net.tau, phi=net.phi, form=net.form, scale=net.gain / net.leak)
    return system if net.form == "rate" else replace(system, noise=net.noise_scale / math.sqrt(net.dt))


# ---- the three procedures


def rescale(system: System, time: float | None = None) -> System:
    """R: the system on the clock s = t / time, `time` in the unit of its present clock; by default its time constant.

    ValueError if the time is not given and the units have several time constants.
    """
    if time is None:
        if np.ptp(system.tau) > ROUNDING * system.tau.max():
            raise ValueError(f"time must be given: tau is {system.tau.min():g} .. {system.tau.max():g}, no clock makes all of it 1")
        time = float(system.tau[0])
    S = _positive("time", time)
    clock = replace(system, tau=system.tau / S, unit=system.unit * S)
    if system.step is not None:
        return replace(clock, step=system.step / S)  # (3)

    def derivative(h: Array, x: Array) -> tuple[Array, Array]:
        A, B = system.derivative(h, x)
        return S * A, S * B  # (3)

    return replace(
        clock, value=lambda h, x: S * system.value(h, x), derivative=derivative, noise=np.sqrt(S) * system.noise
    )  # (3)  # fmt: skip


def rescaled_input(x: Callable[[float], Any], time: float) -> Callable[[float], Any]:
    """What R makes of an input: s -> x(time s), for x of the time t."""
    S = _positive("time", time)
    return lambda s: x(S * s)  # (3)


def sampled_input(x: Callable[[float], Any], step: float, steps: int) -> Array:
    """What D makes of an input: x(n step) for n = 0 .. steps - 1, (steps, I)."""
    step = _positive("step", step)
    return np.array([np.atleast_1d(x(n * step)) for n in range(steps)], np.float64)


def discretise(system: System, step: float, method: str = "euler") -> System:
    """D: the map of one step of one of METHODS, in the unit of the system's clock, with the input held.

    "exact" is the flow: by `exact_linear` for an affine system, to a tolerance for others. ValueError for a map, or if the method
    is not Euler's and there is noise, which (4) is for.
    """
    dt = _positive("step", step)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if system.step is not None:
        raise ValueError(f"system must be in continuous time, got a map of step {system.step:g}")
    if method != "euler" and system.noise.any():
        raise ValueError(f'method must be "euler" for a system with noise, got {method!r}')
    N = len(system.tau)

    if method == "exact" and system.affine:

        def value(h: Array, x: Array) -> Array:
            A, _ = system.derivative(h, x)
            return integrators.exact_linear(A, system.value(h, x), h, dt)  # (4)

        def derivative(h: Array, x: Array) -> tuple[Array, Array]:
            Z = np.zeros((N + system.n_in, N + system.n_in))
            Z[:N, :N], Z[:N, N:] = system.derivative(h, x)
            E = expm(dt * Z)
            return E[:N, :N], E[:N, N:]  # (6)

    else:
        one_step = {"euler": integrators.euler, "rk4": integrators.rk4, "exact": integrators.solved}[method]

        def value(h: Array, x: Array) -> Array:
            return one_step(lambda state: system.value(state, x), h, dt)  # (4)

        def derivative(h: Array, x: Array) -> tuple[Array, Array]:
            def field(y: Array) -> Array:  # the columns of y (N, 1 + N + I) are h, M, P
                A, B = system.derivative(y[:, 0], x)
                tangents = A @ y[:, 1:]
                tangents[:, N:] += B
                return np.column_stack([system.value(y[:, 0], x), tangents])  # (6)

            y = one_step(field, np.column_stack([h, np.eye(N), np.zeros((N, system.n_in))]), dt)
            return y[:, 1 : N + 1], y[:, N + 1 :]  # (6)

    return replace(system, value=value, derivative=derivative, step=dt, noise=np.sqrt(dt) * system.noise)  # (4)


def linearise(system: System, h: Any, x: Any = None, *, keep: bool = True) -> System:
    """L: the affine system about h (N,), x (I,), by default no input, in the same coordinates, not in deviations from h.

    keep: whether the constant `drift(system, h, x)` stays, without which h is made an equilibrium that it may not be.
    """
    h, x = _point(system, h, x)
    A, B = system.derivative(h, x)
    here = system.value(h, x) if keep else (np.zeros_like(h) if system.step is None else h)
    return replace(
        system, value=lambda state, held: here + (state - h) @ A.T + (held - x) @ B.T, derivative=lambda state, held: (A, B),
        affine=True,
    )  # (5)  # fmt: skip


# ---- equilibria and stability


def drift(system: System, h: Any, x: Any = None) -> Array:
    """dh/ds of a system in continuous time, h_{n+1} - h_n of a map, at h (N,), x (I,): 0 at an equilibrium and nowhere else."""
    h, x = _point(system, h, x)
    return system.value(h, x) - (0 if system.step is None else h)


def equilibrium(system: System, x: Any = None, start: Any = None) -> Array:
    """(N,) where `drift` is 0 with the input x (I,) held, found from start (N,), by default 0.

    ValueError where the search does not come to rest, as where there is no equilibrium.
    """
    start, x = _point(system, np.zeros(len(system.tau)) if start is None else start, x)
    one = 0 if system.step is None else np.eye(len(start))
    scale = system.tau if system.step is None else 1 / system.alpha

    def residual(h: Array) -> Array:
        return scale * drift(system, h, x)

    def slope(h: Array) -> Array:
        return scale[:, None] * (system.derivative(h, x)[0] - one)

    for method in ("hybr", "lm"):  # Powell's, and where that is stuck Levenberg's and Marquardt's
        found = root(residual, start, jac=slope, method=method, options={"xtol": 1e-14}).x
        left = float(np.abs(residual(found)).max())
        if left < SOLVED * max(1.0, float(np.abs(found).max())):
            return found
    raise ValueError(f"start must lead to an equilibrium, but at the end of the search tau dh/dt is {left:g}")


class Stability(NamedTuple):
    """The modes of a system at a point, in continuous time and in Euler steps. The slowest to decay in a step last."""

    mu: Array  # (N,) complex, 1/ms
    multipliers: Array  # (N,) complex, m
    frequency: Array  # (N,) Hz, in continuous time
    map_frequency: Array  # (N,) Hz, of the map
    largest_step: Array  # (N,) ms, (9): the map of a shorter step decays in this mode; 0 if Re mu >= 0
    map_only: Array  # (N,) bool: decays in continuous time, grows in the map
    stable: bool  # in continuous time
    map_stable: bool


def stability(system: System, step: float, h: Any, x: Any = None) -> Stability:
    """Of a system in continuous time at h (N,), x (I,), and of its Euler map of this step (in the unit of its clock)."""
    if system.step is not None:
        raise ValueError(f"system must be in continuous time, got a map of step {system.step:g}")
    h, x = _point(system, h, x)
    dt = _positive("step", step) * system.unit
    mu = np.linalg.eigvals(system.derivative(h, x)[0]).astype(complex) / system.unit  # (7)
    m = 1 + dt * mu  # (8)
    order = np.lexsort((mu.imag, np.abs(m)))
    mu, m = mu[order], m[order]
    largest = np.where(mu.real < 0, -2 * mu.real / np.maximum(np.abs(mu) ** 2, np.finfo(float).tiny), 0.0)  # (9)
    decays, map_decays = mu.real < 0, np.abs(m) < 1
    return Stability(
        mu, m, fixed_points.frequency(m, dt, time="continuous"), fixed_points.frequency(m, dt), largest,
        decays & (np.abs(m) > 1), bool(decays.all()), bool(map_decays.all()),
    )  # fmt: skip


# ---- which orders agree


class Setting(NamedTuple):
    """How R, D and L are done, in any order: R and D by times in ms, L at a point of the state."""

    time: float  # S of R, ms
    step: float  # dt of D, ms
    h: Any  # (N,), h* of L
    x: Any = None  # (I,), x* of L
    ratio: float = 1.0  # D after R takes the step ds = ratio * step / time
    method: str = "euler"  # of D
    keep: bool = True  # whether L keeps the constant f(h*, x*)


class Condition(NamedTuple):
    """What has to hold for two orders to agree, and whether it does."""

    of: str  # R, D or L: what it is a condition on
    text: str
    holds: bool


class Agreement(NamedTuple):
    """Whether two orders of procedures give the same system, to rounding, or to which power of dt their steps differ.

    differences (S,): of value, derivative and noise (`difference`) at random states and inputs, for steps (S,) that are halved.
    order: the power of dt with which they fall, NaN where they are exact or too small to tell; 0 if they do not depend on dt.
    Steps that differ by O(dt^p) make trajectories, up to a fixed time, that differ by O(dt^(p-1)).
    conditions: `exact` is so if and only if all hold, for systems without special structure.
    """

    first: str
    second: str
    exact: bool
    order: float
    steps: Array
    differences: Array
    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        power = "too little to tell the power of dt" if math.isnan(self.order) else f"O(dt^{self.order:.1f})"
        verdict = "agree exactly" if self.exact else f"differ by {power}"
        said = [f"{'holds' if c.holds else 'fails'}: {c.text}" for c in self.conditions] or ["always"]
        return "\n  ".join([f"{self.first} and {self.second} {verdict} (difference {self.differences.max():.1e})", *said])


def apply(system: System, order: str, setting: Setting) -> System:
    """The procedures named by the letters R, D, L of `order`, each at most once, the first letter first.

    "RL" is L of R of the system. D after R takes the step ratio * dt / S on the new clock.
    """
    if not isinstance(order, str) or len(set(order)) < len(order) or not set(order) <= set("RDL"):
        raise ValueError(f"order must be letters of RDL, each at most once, got {order!r}")
    ratio = 1.0
    for letter in order:
        if letter == "R":
            system, ratio = rescale(system, setting.time / system.unit), setting.ratio
        elif letter == "D":
            system = discretise(system, ratio * setting.step / system.unit, setting.method)
        else:
            system = linearise(system, setting.h, setting.x, keep=setting.keep)
    return system


def compare(
    system: System, first: str, second: str, setting: Setting, other: Setting | None = None, *, halvings: int = 3, rng: Any = 0
) -> Agreement:  # fmt: skip
    """Apply the procedures in both orders, to a system in continuous time, and see whether, or to which power of dt, they agree.

    other: the setting of the second order where it is another one. Both must use the same letters. The steps are setting.step,
    and halved `halvings` times. The two results are compared by their values and derivatives at random normal h and x.
    """
    other = setting if other is None else other
    if sorted(first) != sorted(second):
        raise ValueError(f"second must have the letters of first, {first!r}, got {second!r}")
    if halvings < 1:
        raise ValueError(f"halvings must be at least 1, got {halvings}")
    rng = as_generator(rng)
    probes = [(rng.standard_normal(len(system.tau)), rng.standard_normal(system.n_in)) for _ in range(3)]
    scales = 0.5 ** np.arange(halvings + 1)
    results = [
        [apply(system, order, s._replace(step=s.step * by)) for order, s in ((first, setting), (second, other))] for by in scales
    ]
    differences = np.array([difference(a, b, probes) for a, b in results])
    solved = "D" in first and not system.affine and "exact" in (setting.method, other.method)
    floor = SOLVED if solved else ROUNDING
    exact = bool(differences.max() < floor)
    return Agreement(
        first, second, exact, math.nan if exact else _power(differences, floor), setting.step * scales, differences,
        _conditions(system, first, second, setting, other),
    )  # fmt: skip


def difference(a: System, b: System, probes: Any) -> float:
    """The largest difference of two systems' values, derivatives and noise, per ms in continuous time, at probes (h, x).

    Relative to the largest of them, or to 1 if that is less; infinite if only one is a map. Two maps are compared as maps: the
    clocks that count their steps are not.
    """
    if (a.step is None) != (b.step is None):
        return math.inf
    units = [1.0 if s.step is not None else s.unit for s in (a, b)]
    found = [np.concatenate([s.noise / math.sqrt(unit)] + [
        np.ravel(part) / unit for h, x in probes for part in (s.value(h, x), *s.derivative(h, x))
    ]) for s, unit in zip((a, b), units, strict=True)]  # fmt: skip
    return float(np.abs(found[0] - found[1]).max() / max(1.0, *(np.abs(part).max() for part in found)))


def along_trajectories(system: System, h0: Any, x: Any, step: float, *, halvings: int = 3) -> Agreement:
    """L about a trajectory: Jacobians df/dh along Euler's and along the exact one from h0 (N,), x (T, I) held for `step` each.

    The differences are the largest over the states at the same times; Euler takes 1, 2, 4 .. steps in each. O(dt).
    """
    held = np.asarray(x, np.float64)
    if held.ndim != 2 or held.shape[1] != system.n_in or not len(held):
        raise ValueError(f"x must be (T, {system.n_in}) with T > 0, got {held.shape}")
    start, _ = _point(system, h0, None)
    exact = integrators.trajectory(discretise(replace(system, noise=0 * system.noise), step, "exact").value, start, held)
    J = np.array([system.derivative(h, u)[0] for h, u in zip(exact[1:], held, strict=True)])
    steps = step * 0.5 ** np.arange(halvings + 1)
    differences = []
    for k, dt in enumerate(steps):
        states = integrators.trajectory(discretise(system, dt).value, start, held, substeps=2**k)
        found = np.array([system.derivative(h, u)[0] for h, u in zip(states[1:], held, strict=True)])
        differences.append(np.abs(found - J).max() / max(1.0, np.abs(J).max()))
    moved = np.array(differences)
    same = bool(moved.max() < SOLVED)
    resting = bool(np.abs(exact - start).max() < SOLVED)
    condition = Condition("L", "the trajectory stays at an equilibrium", resting)
    return Agreement("DL", "LD", same, math.nan if same else _power(moved, SOLVED), steps, moved, (condition,))


def _conditions(system: System, first: str, second: str, setting: Setting, other: Setting) -> tuple[Condition, ...]:
    """What the two orders depend on; nothing, for R and L."""
    said = []
    if "D" in first:
        steps = [s.step * (s.ratio if o.index("D") > o.find("R") >= 0 else 1) for o, s in ((first, setting), (second, other))]
        if "R" in first:
            said.append(Condition("D", "ds = dt/tau", math.isclose(*steps, rel_tol=ROUNDING)))
        elif steps[0] != steps[1]:
            said.append(Condition("D", "the same step", False))
        if setting.method != other.method:
            said.append(Condition("D", "the same integrator", False))
    if "L" in first:
        point = (setting.h, setting.x)
        at_rest = float(np.abs(drift(system, *point) * system.tau).max()) < SOLVED
        turned = "D" in first and (first.index("D") < first.index("L")) != (second.index("D") < second.index("L"))
        if turned or setting.keep != other.keep:
            alike = at_rest or setting.keep == other.keep
            said.append(Condition("L", "f(h*, x*) is kept in both or in neither, or is 0", alike))
        if turned and (setting.method, other.method) != ("euler", "euler"):
            said.append(Condition("L", "h* is an equilibrium, or the system is affine", at_rest or system.affine))
    return tuple(said)


def _power(differences: Array, floor: float) -> float:
    """p of differences ~ dt^p for dt that is halved, from the last two that are well above the floor; NaN if there are none."""
    pairs = [(d, half) for d, half in pairwise(differences) if half > BELOW * floor]
    return math.log2(pairs[-1][0] / pairs[-1][1]) if pairs else math.nan


# ---- arguments


def _finite(name: str, value: Any, ndim: int) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if array.ndim != ndim or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite and have {ndim} axes, got shape {array.shape}")
    return array.astype(np.float64)


def _per_unit(name: str, value: Any, N: int) -> Array:
    array = np.asarray(value)
    if array.shape not in ((), (N,)):
        raise ValueError(f"{name} must be a number or ({N},), got shape {array.shape}")
    return np.broadcast_to(_finite(name, array, array.ndim), (N,))


def _positive(name: str, value: Any) -> float:
    number = float(_finite(name, value, 0))
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def _point(system: System, h: Any, x: Any) -> tuple[Array, Array]:
    N = len(system.tau)
    h = _finite("h", h, 1)
    x = np.zeros(system.n_in) if x is None else _finite("x", x, 1)
    if h.shape != (N,):
        raise ValueError(f"h must be ({N},), got {h.shape}")
    if x.shape != (system.n_in,):
        raise ValueError(f"x must be ({system.n_in},), got {x.shape}")
    return h, x
