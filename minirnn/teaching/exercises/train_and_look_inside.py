"""Tutorial 6, train AND and look inside. States X (M, N), a row each; equation numbers are the tutorial's."""

from typing import Any

import numpy as np
from scipy.linalg import block_diag

from ...analysis.fixed_points import Dynamics
from ...analysis.fixed_points import frequency as hertz
from ...analysis.pca import pca
from ...analysis.spectra import spectrum
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _turned(axes: Array) -> Array:
    """Each row with its entry of largest size positive, as the tutorial gives it."""
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return axes * np.sign(largest)[:, None]


def _states(rng: np.random.Generator) -> Draw:
    N, k = int(rng.integers(4, 7)), int(rng.integers(2, 4))
    M = N + int(rng.integers(3, 9))
    X = rng.standard_normal((M, N)) * rng.uniform(0.5, 2, N) + rng.uniform(1, 2, N)
    return Draw((X, k), {"(M - 1)": M - 1, "M": M, "N": N})


def _components(X: Array, k: int) -> tuple[Array, Array, Array]:
    found = pca(X, k)
    return found.curves, found.axes, found.ratio


def _wrong_components(kind: str) -> Any:
    def made(X: Array, k: int) -> tuple[Array, Array, Array]:
        centred = X - X.mean(axis=0)
        if kind == "not centred":
            centred = X
        if kind == "centred over units":
            centred = X - X.mean(axis=1, keepdims=True)
        if kind == "one mean for all units":
            centred = X - X.mean()
        if kind == "units scaled to variance 1":
            centred = centred / X.std(axis=0)
        U, s, Vt = np.linalg.svd(X if kind == "mean taken off after the SVD only" else centred, full_matrices=False)
        axes = _turned(Vt[:k])
        ratio = s[:k] ** 2 / (s**2).sum()
        if kind == "singular values not squared":
            ratio = s[:k] / s.sum()
        if kind == "summed, then squared":
            ratio = s[:k] ** 2 / s.sum() ** 2
        if kind == "shares added up":
            ratio = np.cumsum(ratio)
        if kind == "shares of the first k":
            ratio = s[:k] ** 2 / (s[:k] ** 2).sum()
        if kind == "variances, not shares":
            ratio = s[:k] ** 2 / (len(X) - 1)
        if kind == "columns of V^T":
            axes = _turned(Vt[:, :k].T)
        if kind == "axes not turned":
            axes = Vt[:k]
        coordinates = centred @ axes.T
        if kind == "states projected without the mean taken off":
            coordinates = X @ axes.T
        if kind == "coordinates of norm 1":
            coordinates = centred @ axes.T / s[:k]
        if kind == "axes turned, coordinates not":
            coordinates = U[:, :k] * s[:k]
        if kind == "U alone":
            coordinates = U[:, :k]
        if kind == "coordinates turned by themselves":
            coordinates = _turned(U[:, :k].T).T * s[:k]
        return coordinates, axes, ratio

    return made


_WORDS_COMPONENTS = {
    "not centred": "Without the mean taken off, the first axis points to the mean: the axes of (2) start at the cloud's centre.",
    "mean taken off after the SVD only": "The axes too are those of X - m, see (2).",
    "centred over units": "Yours is over units, as in the authors' code. That of (2) is over rows: one number per unit.",
    "one mean for all units": "m is a row: each unit has a mean of its own.",
    "units scaled to variance 1": "(2) takes off the mean and leaves the spread of each unit as it is.",
    "singular values not squared": "A singular value is a length, a variance its square.",
    "summed, then squared": "In (3) each singular value is squared before the sum.",
    "shares added up": "(3) is the share of each axis, not of the first k together.",
    "shares of the first k": "Shares are of the variance of all components, those not asked for too.",
    "variances, not shares": "The shares of all components sum to 1.",
    "columns of V^T": "np.linalg.svd returns V^T, not V. Where in it is an axis: a row or a column?",
    "states projected without the mean taken off": "The axes are those of X - m. And the coordinates?",
    "coordinates of norm 1": "The columns of U have norm 1 whatever the spread is. What is missing in U S V^T?",
    "axes not turned": "All is right but for the signs, which are open. Call turned(axes) before you project.",
    "U alone": "The columns of U have norm 1 whatever the spread is. What is missing in U S V^T? And which sign has each?",
    "coordinates turned by themselves": "turned looks at the axes alone. Coordinates have the sign of their axis.",
    "axes turned, coordinates not": "U S goes with the axes as SVD gave them. Turn first, then project.",
}


COUNTS = ((1, 3, 2), (3, 1, 2), (2, 3, 2), (1, 2, 3))  # outside: right, left, pairs; no two rules count alike with these


def _spectrum(rng: np.random.Generator) -> Draw:
    """A matrix with known eigenvalues: some of each kind that a wrong rule takes for another, in a skew basis."""
    margin = float(rng.uniform(0.02, 0.1))
    right, left, pairs = COUNTS[rng.integers(len(COUNTS))]
    blocks = [np.array([[value]]) for value in (*rng.uniform(1.3, 1.6, right), *-rng.uniform(1.3, 1.6, left), 1 + margin / 2)]
    blocks += [_rotation(rng.uniform(1.2, 1.3), rng.uniform(0.72, 0.85))]  # outside the circle, inside the square around it
    blocks += [_rotation(rng.uniform(1.3, 1.6), rng.uniform(1.1, 2.0)) for _ in range(pairs)]
    blocks += [_rotation(rng.uniform(0.3, 0.9), rng.uniform(0.5, 2.5)) for _ in range(7)]
    number = right + left + 2 * (pairs + 1)
    inside = 1 + 2 * 7
    while True:
        skew = np.eye(inside + number) + rng.standard_normal((inside + number, inside + number)) / 4
        W = skew @ block_diag(*blocks) @ np.linalg.inv(skew)
        stretched = (np.linalg.svd(W, compute_uv=False) > 1 + margin).sum()
        symmetric = (np.abs(np.linalg.eigvalsh(W)) > 1 + margin).sum()
        if len({int(stretched), int(symmetric), number, number + 1, inside}) == 5:
            return Draw((W, margin), {})


def _rotation(radius: float, angle: float) -> Array:
    c, s = radius * np.cos(angle), radius * np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _count(rule: Any) -> Any:
    return lambda W, margin: int(rule(np.linalg.eigvals(W), margin).sum())


def _angles(rng: np.random.Generator) -> Draw:
    K, dt = int(rng.integers(3, 7)), float(rng.uniform(0.3, 3.0))
    angle = np.concatenate([[-rng.uniform(0.2, 1.0), rng.uniform(1.8, 2.8)], rng.uniform(-3, 3, K)])
    return Draw((rng.uniform(0.7, 1.3, K + 2) * np.exp(1j * angle), dt), {"dt": dt, "1000": 1000.0, "2 pi": 2 * np.pi})


def _frequency(rule: Any) -> Any:
    return lambda eigenvalue, dt: rule(np.asarray(eigenvalue), dt)


def _point(rng: np.random.Generator) -> Draw:
    N, alpha = int(rng.integers(3, 7)), float(rng.uniform(0.15, 0.45))
    W = rng.standard_normal((N, N))
    return Draw((rng.uniform(-0.9, 0.9, N), W, alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha, "N": N})


def _slope(rule: Any) -> Any:
    return lambda h, W, a: rule(h, W, a, 1 - np.tanh(W @ h) ** 2, np.eye(len(W)))


EXERCISES = {
    "principal-components": Exercise(
        "principal_components(X, k) -> (coordinates (M, k), axes (k, N), ratio (k,))",
        ("coordinates", "axes", "ratio"),
        _states,
        _components,
        lambda: [Mistake(kind, words, _wrong_components(kind)) for kind, words in _WORDS_COMPONENTS.items()],
    ),
    "outside-circle": Exercise(
        "outside(W_rec, margin) -> how many eigenvalues have |lambda| > 1 + margin",
        ("number",),
        _spectrum,
        lambda W, margin: int(spectrum(W, margin=margin).outliers.sum()),
        lambda: [
            Mistake(
                "real part for modulus",
                "Outside a circle are those whose distance from 0 is too large, in any direction.",
                _count(lambda v, m: v.real > 1 + m),
            ),
            Mistake(
                "size of the real part for modulus",
                "An eigenvalue with Re = 0 can be outside too.",
                _count(lambda v, m: np.abs(v.real) > 1 + m),
            ),
            Mistake("margin forgotten", "Those just outside do not count: margin.", _count(lambda v, m: np.abs(v) > 1)),
            Mistake("the circle of radius margin", "The circle has radius 1 + margin.", _count(lambda v, m: np.abs(v) > m)),
            Mistake(
                "a square for the circle",
                "An eigenvalue may have |lambda| > 1 where neither its real nor its imaginary part is above 1.",
                _count(lambda v, m: np.maximum(np.abs(v.real), np.abs(v.imag)) > 1 + m),
            ),
            Mistake(
                "on both sides of the circle",
                "Those well inside do not count.",
                _count(lambda v, m: np.abs(np.abs(v) - 1) > m),
            ),
            Mistake(
                "the share of them",
                "How many, not which share of all.",
                lambda W, m: float((np.abs(np.linalg.eigvals(W)) > 1 + m).mean()),
            ),
            Mistake("those inside", "These are the others.", _count(lambda v, m: np.abs(v) <= 1 + m)),
            Mistake(
                "a pair counted once",
                "A complex eigenvalue and its conjugate are two eigenvalues.",
                _count(lambda v, m: (np.abs(v) > 1 + m) & (v.imag >= 0)),
            ),
            Mistake(
                "complex ones alone",
                "A real eigenvalue can be outside as well.",
                _count(lambda v, m: (np.abs(v) > 1 + m) & (np.abs(v.imag) > 1e-9)),
            ),
            Mistake(
                "singular values",
                "Singular values say how much one step stretches. What repeats over many steps are eigenvalues.",
                lambda W, m: int((np.linalg.svd(W, compute_uv=False) > 1 + m).sum()),
            ),
            Mistake(
                "eigvalsh",
                "np.linalg.eigvalsh is for symmetric matrices and does not check. W_rec is not symmetric.",
                lambda W, m: int((np.abs(np.linalg.eigvalsh(W)) > 1 + m).sum()),
            ),
        ],
    ),
    "turns-to-hertz": Exercise(
        "frequency(eigenvalue, dt) -> Hz, for an array of complex eigenvalues of one step of dt ms",
        ("frequency",),
        _angles,
        hertz,
        lambda: [
            Mistake(
                "|Im| / |Re| for the angle",
                "That is the tangent of the angle (the authors' formula, right for small angles). What is the angle itself?",
                _frequency(lambda v, dt: 1000 * np.abs(v.imag) / np.abs(v.real) / (2 * np.pi * dt)),
            ),
            Mistake(
                "arctan of |Im| / |Re|",
                "Beyond a quarter of a turn arctan comes back. np.angle knows all four quadrants.",
                _frequency(lambda v, dt: 1000 * np.arctan(np.abs(v.imag / v.real)) / (2 * np.pi * dt)),
            ),
            Mistake(
                "negative frequencies",
                "Of a pair one angle is negative; both turn equally fast.",
                _frequency(lambda v, dt: 1000 * np.angle(v) / (2 * np.pi * dt)),
            ),
            Mistake(
                "radians for turns",
                "A whole turn is 2 pi.",
                _frequency(lambda v, dt: 1000 * np.abs(np.angle(v)) / dt),
            ),
            Mistake(
                "the period, in ms",
                "That is how long a turn lasts. A frequency says how many turns there are in a second.",
                _frequency(lambda v, dt: 2 * np.pi * dt / np.abs(np.angle(v))),
            ),
            Mistake(
                "the period, in s",
                "That is how long a turn lasts. A frequency says how many turns there are in a second.",
                _frequency(lambda v, dt: 2 * np.pi * dt / 1000 / np.abs(np.angle(v))),
            ),
            Mistake(
                "angles from 0 to 2 pi",
                "Of a pair one angle is then above pi, and its frequency is another one. Both turn equally fast.",
                _frequency(lambda v, dt: 1000 * (np.angle(v) % (2 * np.pi)) / (2 * np.pi * dt)),
            ),
            Mistake(
                "turns per step",
                "These are turns per step. How many steps are there in a second?",
                _frequency(lambda v, dt: np.abs(np.angle(v)) / (2 * np.pi)),
            ),
            Mistake(
                "radians per step",
                "This is the angle. How many turns is that, and how many steps are there in a second?",
                _frequency(lambda v, dt: np.abs(np.angle(v))),
            ),
            Mistake(
                "divided by 1000",
                "dt is in ms: are there more turns in a second than in a millisecond, or fewer?",
                _frequency(lambda v, dt: np.abs(np.angle(v)) / (2 * np.pi * dt) / 1000),
            ),
            Mistake(
                "per ms",
                "dt is in ms, Hz are turns per second.",
                _frequency(lambda v, dt: np.abs(np.angle(v)) / (2 * np.pi * dt)),
            ),
            Mistake(
                "dt forgotten",
                "The angle is turned in one step. How long does a step last?",
                _frequency(lambda v, dt: 1000 * np.abs(np.angle(v)) / (2 * np.pi)),
            ),
            Mistake(
                "multiplied by dt",
                "Longer steps, fewer turns in a second.",
                _frequency(lambda v, dt: 1000 * np.abs(np.angle(v)) * dt / (2 * np.pi)),
            ),
            Mistake(
                "imaginary part for the angle",
                "Im lambda is the rate of a flow; one step of a map turns by the angle of lambda.",
                _frequency(lambda v, dt: 1000 * np.abs(v.imag) / (2 * np.pi * dt)),
            ),
        ],
    ),
    "slope-of-a-step": Exercise(
        "slope(h, W_rec, alpha) -> J (N, N) of one step without input, at h (N,)",
        ("J",),
        _point,
        lambda h, W, a: Dynamics(W, leak=a).jacobian(h),
        lambda: [
            Mistake(
                "slopes on the columns",
                "tanh acts on what unit i receives: its slope multiplies row i of W_rec, all that leads to i.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * W * s),
            ),
            Mistake(
                "slope at h instead of at W_rec h",
                "In the rate form tanh is applied to the current W_rec h. (At a fixed point with alpha = 1 tanh(W_rec h) is h.)",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * (1 - np.tanh(h) ** 2)[:, None] * W),
            ),
            Mistake(
                "1 - h^2 for the slope",
                "tanh' = 1 - tanh^2 of the same argument, W_rec h. That this is h holds at fixed points alone; write it for any h.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * (1 - h**2)[:, None] * W),
            ),
            Mistake(
                "1 - h^2 on the columns",
                "Two things: the slope is that of unit i, which receives (row i), and its argument is W_rec h.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * W * (1 - h**2)),
            ),
            Mistake(
                "slope at h on the columns",
                "Two things: the slope is that of unit i, which receives (row i), and its argument is W_rec h.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * W * (1 - np.tanh(h) ** 2)),
            ),
            Mistake(
                "h @ W_rec for the argument",
                "a_i is the sum over j of W_ij h_j: which product of W_rec and h is that?",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * (1 - np.tanh(h @ W) ** 2)[:, None] * W),
            ),
            Mistake(
                "tanh for its slope",
                "J holds derivatives: tanh' = 1 - tanh^2.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * np.tanh(W @ h)[:, None] * W),
            ),
            Mistake(
                "the whole identity",
                "What multiplies h in the first term of (4)?",
                _slope(lambda h, W, a, s, one: one + a * s[:, None] * W),
            ),
            Mistake(
                "alpha is 1",
                "(4) has an alpha, in both terms.",
                _slope(lambda h, W, a, s, one: s[:, None] * W),
            ),
            Mistake(
                "the flow's, without alpha",
                "That is tau d(dh/dt)/dh. A step keeps h itself, and goes a part alpha of the way.",
                _slope(lambda h, W, a, s, one: s[:, None] * W - one),
            ),
            Mistake(
                "tanh not squared",
                "tanh'(a) = 1 - tanh(a)^2.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * (1 - np.tanh(W @ h))[:, None] * W),
            ),
            Mistake(
                "the leak is missing",
                "(4) has two terms. What is the derivative of the first?",
                _slope(lambda h, W, a, s, one: a * s[:, None] * W),
            ),
            Mistake(
                "alpha on the drive is missing",
                "What multiplies tanh in (4)?",
                _slope(lambda h, W, a, s, one: (1 - a) * one + s[:, None] * W),
            ),
            Mistake(
                "the linear network",
                "That is the slope at h = 0. Elsewhere tanh is flatter.",
                _slope(lambda h, W, a, s, one: (1 - a) * one + a * W),
            ),
            Mistake(
                "the flow's",
                "That is d(dh/dt)/dh. A step keeps h itself, too.",
                _slope(lambda h, W, a, s, one: a * (s[:, None] * W - one)),
            ),
            Mistake(
                "a number added to every entry",
                "(1 - alpha) stands on the diagonal: the identity matrix.",
                _slope(lambda h, W, a, s, one: (1 - a) + a * s[:, None] * W),
            ),
        ],
    ),
}
