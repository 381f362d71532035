"""Fixed and slow points of a network, its linearisation there, and the landscape of its speed (Sussillo & Barak 2013).

The map G is a forward Euler step (`minirnn.reference`, 2 to 4) with the input held constant, I = W_in x + b_rec:

    (1)  a    = W_rec h + I                                         rate form
         G(h) = (1 - leak) h + gain phi(a)
    (1c) G(h) = (1 - leak) h + gain (W_rec phi(h) + I)              current form
    (2)  J    = dG/dh = diag(1 - leak) + diag(gain phi'(a)) W_rec
    (2c) J    = diag(1 - leak) + diag(gain) W_rec diag(phi'(h))
    (3)  q(h) = 1/2 |G(h) - h|^2,    dq/dh = (J - 1)^T (G(h) - h)   Neural Computation 25:626
    (4)  J r_k = lambda_k r_k,    l_k^H J = lambda_k l_k^H          the map is stable where all |lambda| < 1
    (5)  mu_k = (lambda_k - 1) / dt                                 the network in continuous time: Re mu < 0, or Re lambda < 1
    (6)  f    = |arg lambda| / (2 pi dt)                            the map's frequency
         f    = |Im mu| / (2 pi)                                    in continuous time

G(h) - h is dt dh/dt, whatever tau (one per unit as well) and drive: both systems have the same fixed points, and (5) is exact.
Stability they need not share: an eigenvalue with Re lambda < 1 and |lambda| > 1 is an oscillation of the map alone.

A unit of `relu` has a kink where its argument is 0, and (2) takes 0 for the derivative there. Newton steps can then go round in
circles between linear regions; the search keeps a step only if q falls, and what has come to a stop on a kink is dropped, or a
slow point if it is slow enough. Where a fixed point lies on a kink, as the origin does without bias and input, the
eigenvalues are those of one side and decide nothing: see `FixedPoints.kink`.

Everything is float64. Shapes: N units, S starts, K points; W_rec (to, from).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import linalg, optimize, special

Array = np.ndarray[Any, Any]

MARGIN = 1e-9  # an eigenvalue this close to the border of stability is on neither side: rounding decides
NEAR = 0.1  # a fixed point this close to where the descent of q stopped is what it was descending to
ON_KINK = 1e-9  # an argument of relu this close to 0 is one

PHI: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {  # phi(a) and phi'(a)
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "relu": (lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
    "sigmoid": (special.expit, lambda a: special.expit(a) * special.expit(-a)),
    "softplus": (lambda a: np.logaddexp(0, a), special.expit),
    "linear": (lambda a: a, np.ones_like),
}


@dataclass(frozen=True, eq=False)
class Dynamics:
    """The map G of one step under a constant input; it is called as one: G(h), for h (.., N).

    W_rec (N, N), (to, from). input_current (N,) or a number: I = W_in x + b_rec. leak, gain (N,) or numbers: dt/tau, and what
    multiplies phi; None for a gain that equals the leak. phi: tanh, relu, sigmoid, softplus, linear. form: "rate", "current".
    """

    W_rec: Array
    input_current: Any = 0.0
    leak: Any = 1.0
    gain: Any = None
    phi: str = "tanh"
    form: Literal["rate", "current"] = "rate"

    def __post_init__(self) -> None:
        W = np.asarray(self.W_rec, np.float64)
        if W.ndim != 2 or W.shape[0] != W.shape[1] or not len(W) or not np.isfinite(W).all():
            raise ValueError(f"W_rec must be a finite (N, N) matrix, got shape {W.shape}")
        if self.phi not in PHI:
            raise ValueError(f"phi must be one of {', '.join(PHI)}, got {self.phi!r}")
        if self.form not in ("rate", "current"):
            raise ValueError(f'form must be "rate" or "current", got {self.form!r}')
        object.__setattr__(self, "W_rec", W)
        if self.gain is None:
            object.__setattr__(self, "gain", self.leak)
        for name in ("input_current", "leak", "gain"):
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape not in ((), (len(W),)) or not np.isfinite(value).all():
                raise ValueError(f"{name} must be a finite number or ({len(W)},), got shape {value.shape}")
            object.__setattr__(self, name, np.broadcast_to(value, (len(W),)))
        if not (self.leak > 0).all():
            raise ValueError(f"leak must be positive, got {self.leak.min():g}")

    def __call__(self, h: Any) -> Array:
        """G(h), (.., N)."""
        return np.asarray(h, np.float64) + self.velocity(h)

    def velocity(self, h: Any) -> Array:
        """G(h) - h, (.., N)."""
        h = np.asarray(h, np.float64)
        value = PHI[self.phi][0]
        if self.form == "current":
            return self.gain * (value(h) @ self.W_rec.T + self.input_current) - self.leak * h  # (1c)
        return self.gain * value(self._argument(h)) - self.leak * h  # (1)

    def jacobian(self, h: Any) -> Array:
        """J, (.., N, N), row = to, column = from."""
        h = np.asarray(h, np.float64)
        slope = PHI[self.phi][1](self._argument(h))
        if self.form == "current":
            return np.diag(1 - self.leak) + self.gain[:, None] * self.W_rec * slope[..., None, :]  # (2c)
        return np.diag(1 - self.leak) + (self.gain * slope)[..., :, None] * self.W_rec  # (2)

    def q(self, h: Any) -> Array:
        """1/2 |G(h) - h|^2, (..)."""
        return 0.5 * (self.velocity(h) ** 2).sum(axis=-1)  # (3)

    def q_gradient(self, h: Any) -> Array:
        """dq/dh, (.., N), without forming J."""
        h = np.asarray(h, np.float64)
        slope, v = PHI[self.phi][1](self._argument(h)), self.velocity(h)
        if self.form == "current":
            return slope * ((self.gain * v) @ self.W_rec) - self.leak * v  # (3)
        return (self.gain * slope * v) @ self.W_rec - self.leak * v  # (3)

    def kink(self, h: Any) -> Array:
        """(..) distance of the closest argument of phi to the kink of relu; infinite for the others."""
        h = np.asarray(h, np.float64)
        return np.abs(self._argument(h)).min(axis=-1) if self.phi == "relu" else np.full(h.shape[:-1], np.inf)

    def _argument(self, h: Array) -> Array:
        """What phi is applied to."""
        return h if self.form == "current" else h @ self.W_rec.T + self.input_current  # (1)

    def in_time_constants(self) -> "Dynamics":
        """The map with leak 1: its G(h) - h is tau dh/dt and its q that of the flow, which does not shrink with dt."""
        return Dynamics(self.W_rec, self.input_current, 1.0, self.gain / self.leak, self.phi, self.form)


class Modes(NamedTuple):
    """Eigenvalues and eigenvectors of a Jacobian, the largest modulus first; of a complex pair Im > 0 first."""

    values: Array  # (N,) complex
    right: Array  # (N, N) complex, a column per mode, of length 1
    left: Array  # (N, N) complex, likewise; turned so that l_k^H r_k >= 0
    overlap: Array  # (N,) l_k^H r_k: left / overlap is the dual basis; 0 where modes coincide (J is defective)


class FixedPoints(NamedTuple):
    """Fixed points first, then slow ones; among each those with fewer unstable modes first."""

    h: Array  # (K, N)
    q: Array  # (K,)
    fixed: Array  # (K,) whether G(h) = h to rounding, or h is slow only
    eigenvalues: Array  # (K, N) complex, of the map, as in `Modes`; by (3) a minimum of q that is slow only has one of 1
    stable: Array  # (K,) all |lambda| < 1
    unstable: Array  # (K,) number of modes with |lambda| > 1
    stable_flow: Array  # (K,) all Re lambda < 1: stable in continuous time
    unstable_flow: Array  # (K,) number of modes with Re lambda > 1
    kink: Array  # (K,) distance of the closest argument to a kink; below ON_KINK stability is not decided
    found: Array  # (K,) number of starts that ended here
    dropped: int  # number of starts that ended nowhere


class Landscape(NamedTuple):
    """The speed of the map on a plane: rows are v, columns u."""

    u: Array  # (U,)
    v: Array  # (V,)
    log10_q: Array  # (V, U)
    flow_u: Array  # (V, U) G(h) - h along the first direction
    flow_v: Array  # (V, U)
    in_plane: Array  # (V, U) share of |G(h) - h| that stays in the plane, 0 to 1


def starts(h: Any, rng: np.random.Generator, *, per_trial: int = 200, noise: float = 0.1) -> Array:
    """(B per_trial, N) states drawn from the trajectories h (T, B, N), the same number from each trial, plus N(0, noise^2)."""
    h = np.asarray(h, np.float64)
    if h.ndim != 3 or 0 in h.shape:
        raise ValueError(f"h must be (T, B, N), got shape {h.shape}")
    T, B, N = h.shape
    chosen = h[rng.integers(T, size=(B, per_trial)), np.arange(B)[:, None]]
    return (chosen + noise * rng.standard_normal(chosen.shape)).reshape(-1, N)


def find(
    dynamics: Dynamics, starts: Any, *, fixed_below: float = 1e-12, slow_below: float = 1e-6, merge: float = 1e-3,
    residual: float = 1e-12,
) -> FixedPoints:  # fmt: skip
    """The fixed and slow points to which a minimisation of q from starts (S, N) leads.

    From each start Powell's hybrid method (scipy's "hybr": Newton steps within a trusted distance, with (2), which must make
    |G(h) - h| smaller), and, where that leaves q >= fixed_below, gradient descent of q ("L-BFGS-B", with (3)), then the
    former once more. What has q < slow_below is kept, merged where closer than `merge` (Euclidean), and, where
    q < fixed_below, taken by Newton steps to |G(h) - h| < residual max(1, |h|). Only what gets there is fixed. A continuum of
    fixed points, as of a linear network with an eigenvalue 1, comes as many.

    q is that of the map, which shrinks with leak^2; for small steps search `dynamics.in_time_constants()`, and take the
    eigenvalues from `dynamics.jacobian`.
    """
    points = np.atleast_2d(np.asarray(starts, np.float64))
    N = len(dynamics.W_rec)
    if points.ndim != 2 or points.shape[1] != N or not np.isfinite(points).all():
        raise ValueError(f"starts must be finite and (S, {N}), got shape {points.shape}")
    ends = np.array([_minimise(dynamics, h, fixed_below, slow_below) for h in points]).reshape(-1, N)
    q = dynamics.q(ends)
    slow = np.flatnonzero(q < slow_below)
    first, owner = _merged(ends[slow], q[slow], merge)
    found = np.bincount(owner, minlength=len(first))
    polished = [_polished(dynamics, h, residual if dynamics.q(h) < fixed_below else np.inf) for h in ends[slow][first]]
    ends = np.array(polished).reshape(-1, N)
    fixed = _is_fixed(dynamics, ends, residual)
    # those that polishing brought together; the fixed ones come first, so that none of them ends as a slow point
    first, owner = _merged(ends, np.where(fixed, -1.0, dynamics.q(ends)), merge)
    found = np.bincount(owner, found, minlength=len(first)).astype(int)
    ends, fixed = ends[first], fixed[first]
    values = np.array([_sorted(linalg.eigvals(dynamics.jacobian(h))) for h in ends], complex).reshape(-1, N)
    unstable, unstable_flow = (np.abs(values) > 1 + MARGIN).sum(axis=1), (values.real > 1 + MARGIN).sum(axis=1)
    order = np.lexsort((-found, unstable, ~fixed))
    ends, fixed, found, values, unstable, unstable_flow = (
        array[order] for array in (ends, fixed, found, values, unstable, unstable_flow)
    )
    stable = np.all(np.abs(values) < 1 - MARGIN, axis=1)
    stable_flow = np.all(values.real < 1 - MARGIN, axis=1)
    return FixedPoints(
        ends, dynamics.q(ends), fixed, values, stable, unstable, stable_flow, unstable_flow, dynamics.kink(ends), found,
        len(points) - int(found.sum()),
    )  # fmt: skip


def modes(jacobian: Any) -> Modes:
    """Eigenvalues, right and left eigenvectors of J (N, N)."""
    J = np.asarray(jacobian, np.float64)
    values, left, right = linalg.eig(J, left=True, right=True)  # (4)
    values = values.astype(complex)
    order = np.lexsort((-values.imag, -np.abs(values)))  # as in _sorted
    values, left, right = values[order], left[:, order].astype(complex), right[:, order].astype(complex)
    overlap = (left.conj() * right).sum(axis=0)
    size = np.abs(overlap)
    left = left * np.where(size > 0, overlap / np.where(size > 0, size, 1), 1)
    return Modes(values, right, left, size)


def continuous(eigenvalues: Any, dt: float = 1.0) -> Array:
    """The eigenvalues mu (1/ms) in continuous time from those of the map's Jacobian; stable where Re mu < 0."""
    return (np.asarray(eigenvalues, complex) - 1) / dt  # (5)


def frequency(eigenvalues: Any, dt: float = 1.0, *, time: Literal["map", "continuous"] = "map") -> Array:
    """The frequencies (Hz) at which modes oscillate, from the eigenvalues of the map's Jacobian; dt in ms."""
    if time == "map":
        return 1000 * np.abs(np.angle(eigenvalues)) / (2 * np.pi * dt)  # (6)
    if time == "continuous":
        return 1000 * np.abs(continuous(eigenvalues, dt).imag) / (2 * np.pi)  # (6)
    raise ValueError(f'time must be "map" or "continuous", got {time!r}')


def coordinates(h: Any, centre: Any, directions: Any) -> Array:
    """(.., 2) where the states h (.., N) are in the plane centre + u directions[0] + v directions[1] (their closest point)."""
    D = _plane(directions)
    return (np.asarray(h, np.float64) - np.asarray(centre, np.float64)) @ np.linalg.pinv(D)


def landscape(dynamics: Dynamics, centre: Any, directions: Any, u: Any, v: Any) -> Landscape:
    """log10 q and the flow on the grid centre + u directions[0] + v directions[1]; centre (N,), directions (2, N), u, v (U,), (V,).

    The plane is a section through the states, not a projection of them: between two fixed points of the plane the map may
    leave it (`in_plane` tells how much), and a fixed point that lies off the plane leaves no trace. log10 q is at least -32.
    """
    D = _plane(directions)
    u, v = np.asarray(u, np.float64), np.asarray(v, np.float64)
    h = np.asarray(centre, np.float64) + u[None, :, None] * D[0] + v[:, None, None] * D[1]
    moved = dynamics.velocity(h)
    flow = moved @ np.linalg.pinv(D)
    size = np.linalg.norm(moved, axis=-1)
    in_plane = np.linalg.norm(flow @ D, axis=-1) / np.where(size > 0, size, 1)
    log10_q = np.log10(np.maximum(dynamics.q(h), 1e-32))
    return Landscape(u, v, log10_q, flow[..., 0], flow[..., 1], np.minimum(in_plane, 1))


def _plane(directions: Any) -> Array:
    D = np.asarray(directions, np.float64)
    if D.ndim != 2 or len(D) != 2 or np.linalg.matrix_rank(D) < 2:
        raise ValueError(f"directions must be two that span a plane, (2, N), got shape {D.shape}")
    return D


def _sorted(values: Array) -> Array:
    return values[np.lexsort((-values.imag, -np.abs(values)))]


def _newton(dynamics: Dynamics, start: Array) -> Array:
    """Where Powell's hybrid method leads, or the start if that is no worse."""
    one = np.eye(len(start))
    end = optimize.root(
        dynamics.velocity, start, jac=lambda h: dynamics.jacobian(h) - one, method="hybr", options={"xtol": 1e-12}
    ).x
    return end if dynamics.q(end) < dynamics.q(start) else start  # this way round NaN is worse


def _minimise(dynamics: Dynamics, start: Array, enough: float, slow_below: float) -> Array:
    """Where Newton steps lead from here or, if they get stuck, gradient descent of q and Newton steps again.

    The latter may leave a slow point only for a fixed point close by, of which the descent had stopped short.
    """
    newton = _newton(dynamics, start)
    if dynamics.q(newton) < enough:
        return newton
    slow = optimize.minimize(
        lambda h: float(dynamics.q(h)), newton, jac=dynamics.q_gradient, method="L-BFGS-B",
        options={"ftol": 0.0, "gtol": 1e-12, "maxiter": 500},
    ).x  # fmt: skip
    if not dynamics.q(slow) < dynamics.q(newton):
        slow = newton
    end = _newton(dynamics, slow)
    near = dynamics.q(end) < enough and np.linalg.norm(end - slow) < NEAR
    return end if near or not dynamics.q(slow) < slow_below else slow


def _is_fixed(dynamics: Dynamics, h: Array, residual: float) -> Array:
    """(..) whether |G(h) - h| < residual max(1, |h|)."""
    return np.linalg.norm(dynamics.velocity(h), axis=-1) < residual * np.maximum(1, np.linalg.norm(h, axis=-1))


def _polished(dynamics: Dynamics, h: Array, residual: float) -> Array:
    """Newton steps that make |G(h) - h| smaller, until it is below residual max(1, |h|), or no step does."""
    one = np.eye(len(h))
    while not _is_fixed(dynamics, h, residual):
        left, matrix = dynamics.velocity(h), dynamics.jacobian(h) - one
        for solve in (np.linalg.solve, lambda a, b: np.linalg.lstsq(a, b, rcond=1e-10)[0]):  # the latter at an eigenvalue 1
            try:
                moved = h - solve(matrix, left)
            except np.linalg.LinAlgError:
                continue
            if np.linalg.norm(dynamics.velocity(moved)) < 0.9 * np.linalg.norm(left):
                h = moved
                break
        else:
            return h
    return h


def _merged(points: Array, rank: Array, reach: float) -> tuple[Array, Array]:
    """The points that stay, (K,), taken in the order of `rank`, and for each point (S,) which of them stands for it."""
    stay: list[int] = []
    owner = np.zeros(len(points), int)
    for k in np.argsort(rank, kind="stable"):
        apart = np.linalg.norm(points[stay] - points[k], axis=1)
        if len(stay) and apart.min() < reach:
            owner[k] = apart.argmin()
        else:
            owner[k] = len(stay)
            stay.append(int(k))
    return np.array(stay, int), owner
