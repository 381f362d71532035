"""Tutorial 8, Dale's law and noise: weights, gradients and spectra under a sign constraint; what a noise parameter means."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...dale import Dale, Part
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _signs(rng: np.random.Generator, N: int) -> Array:
    """(N,) of 1 and -1, both there, in no order."""
    d = rng.choice([-1.0, 1.0], N)
    d[rng.permutation(N)[:2]] = 1.0, -1.0
    return d


def _raw(rng: np.random.Generator) -> Draw:
    N = int(rng.integers(4, 8))
    return Draw((rng.standard_normal((N, N)), _signs(rng, N)))


def _with_gradient(rng: np.random.Generator) -> Draw:
    N = int(rng.integers(4, 8))
    return Draw((rng.standard_normal((N, N)), rng.standard_normal((N, N)), _signs(rng, N)))


def _part(by: Any, d: Array) -> Part:
    return Dale(d > 0, by=by).constraint(len(d), 1, 1, np.float64).W_rec


def _gradients(W_bar: Array, V: Array, d: Array) -> list[Array]:
    found = []
    for by in ("abs", "rectify"):
        V_bar = W_bar.copy()
        _part(by, d).adjoint(V_bar, V)  # (1*) of minirnn.dale
        found.append(V_bar)
    return found


def _projected(V: Array, d: Array) -> Array:
    after = V.copy()
    _part("projection", d).project(after)
    return after


def _start(rng: np.random.Generator) -> Draw:
    N, gain, share = int(rng.integers(20, 300)), float(rng.uniform(0.5, 2)), float(rng.uniform(0.55, 0.9))
    return Draw((N, gain, share), {"N": N, "sqrt(N)": math.sqrt(N), "gain": gain})


def _outlier(
    mean: Callable[[float, int], float] = lambda g, N: g * math.sqrt(2 / (math.pi * N)),
    net: Callable[[int, float], float] = lambda N, share: N * (2 * share - 1),
    radius: Callable[[float, int], float] = lambda g, N: g * math.sqrt(1 - 2 / math.pi),
) -> Callable[[int, float, float], tuple[float, float]]:
    """(8.4) and (8.5), or a mistake in one of their parts."""
    return lambda N, gain, share: (mean(gain, N) * net(N, share), radius(gain, N))


def _per_step(rng: np.random.Generator) -> Draw:
    alpha, p = float(rng.uniform(0.05, 0.8)), float(rng.uniform(0.02, 0.5))
    return Draw((p, alpha), {"alpha": alpha, "sqrt(alpha)": math.sqrt(alpha), "p": p, "sqrt(2)": math.sqrt(2)})


def _meaning(
    sigma: Callable[[float, float], float] = lambda p, a: p / math.sqrt(2 * a),
    std: Callable[[float, float], float] = lambda p, a: p / math.sqrt(a * (2 - a)),
) -> Callable[[float, float], tuple[float, float]]:
    """(8.7) and (8.8), or a mistake in one of them."""
    return lambda p, alpha: (sigma(p, alpha), std(p, alpha))


_POST = "Weights are (to, from): a row is what a unit receives, a column what it sends. Which of them has one sign by Dale's law?"

EXERCISES = {
    "dale-weights": Exercise(
        "dale_weights(V, d) -> W (N, N)",
        ("W",),
        _raw,
        lambda V, d: _part("abs", d).effective(V),
        lambda: [
            Mistake("signs on the rows", _POST, lambda V, d: d[:, None] * np.abs(V)),
            Mistake(
                "the diagonal matrix entry by entry",
                "V * np.diag(d) multiplies entry by entry, and off its diagonal np.diag(d) is 0. Which connections are left?",
                lambda V, d: np.abs(V) * np.diag(d),
            ),
            Mistake("the modulus is missing", "What if an entry of V is negative?", lambda V, d: V * d),
            Mistake(
                "rectified", "That is the next parametrisation: here the modulus is asked for.", lambda V, d: np.maximum(V, 0) * d
            ),
            Mistake("the signs are missing", "All weights excite: where are the signs d?", lambda V, d: np.abs(V)),
            Mistake("signs on both sides", "D |V| D: one side is enough.", lambda V, d: d[:, None] * np.abs(V) * d),
        ],
    ),
    "raw-gradients": Exercise(
        "raw_gradients(W_bar, V, d) -> (V_bar where W = |V| D, V_bar where W = [V]_+ D)",
        ("abs_bar", "rectify_bar"),
        _with_gradient,
        _gradients,
        lambda: [
            Mistake(
                "the sign of V is missing",
                "What is the derivative of |V| where V is negative?",
                lambda W, V, d: (W * d, W * d * (V > 0)),
            ),
            Mistake(
                "the rectifier's slope is missing",
                "What is the derivative of [V]_+ where V is negative?",
                lambda W, V, d: (W * d * np.sign(V), W * d),
            ),
            Mistake(
                "both slopes are missing",
                "|V| and [V]_+ have derivatives of their own.",
                lambda W, V, d: (W * d, W * d),
            ),
            Mistake(
                "D is missing",
                "W is p(V) times d: the chain rule has a factor d.",
                lambda W, V, d: (W * np.sign(V), W * (V > 0)),
            ),
            Mistake("D on the rows", _POST, lambda W, V, d: (W * d[:, None] * np.sign(V), W * d[:, None] * (V > 0))),
            Mistake(
                "V for its sign",
                "The derivative of |V| is a sign, not the weight.",
                lambda W, V, d: (W * d * V, W * d * np.maximum(V, 0)),
            ),
            Mistake(
                "exchanged",
                "First the gradient for |V|, then that for [V]_+.",
                lambda W, V, d: (W * d * (V > 0), W * d * np.sign(V)),
            ),
        ],
    ),
    "project": Exercise(
        "project(V, d) -> V after the projection",
        ("V",),
        _raw,
        _projected,
        lambda: [
            Mistake("the wrong half", "That keeps what has the wrong sign.", lambda V, d: np.where(V * d < 0, V, 0)),
            Mistake(
                "folded, not cut", "A weight of the wrong sign becomes 0, not one of the right sign.", lambda V, d: np.abs(V) * d
            ),
            Mistake("signs on the rows", _POST, lambda V, d: np.where(V * d[:, None] < 0, 0, V)),
            Mistake("all rectified", "Inhibitory units send negative weights.", lambda V, d: np.maximum(V, 0)),
            Mistake(
                "rectified and signed",
                "By projection V is the weight itself, with its sign.",
                lambda V, d: np.maximum(V, 0) * d,
            ),
        ],
    ),
    "ei-outlier": Exercise(
        "ei_outlier(N, gain, share) -> (outlier, radius)",
        ("outlier", "radius"),
        _start,
        _outlier(),
        lambda: [
            Mistake(
                "mean of V for mean of |V|",
                "The mean of |V| is not its standard deviation: a factor is missing.",
                _outlier(mean=lambda g, N: g / math.sqrt(N)),
            ),
            Mistake(
                "sqrt(2/pi) without its root",
                "The mean of the modulus of a standard normal number is the root of 2/pi.",
                _outlier(mean=lambda g, N: g * 2 / math.pi / math.sqrt(N)),
            ),
            Mistake(
                "excitation alone", "Inhibitory columns count as well, with a minus.", _outlier(net=lambda N, share: N * share)
            ),
            Mistake("all excite", "Inhibitory columns count with a minus.", _outlier(net=lambda N, share: N)),
            Mistake("radius of V", "|V| varies less than V: what is the variance of |V|?", _outlier(radius=lambda g, N: g)),
            Mistake(
                "variance for radius", "That is the square of it (but for g).", _outlier(radius=lambda g, N: g * (1 - 2 / math.pi))
            ),
            Mistake("squared radius", "That is the square of it.", _outlier(radius=lambda g, N: g * g * (1 - 2 / math.pi))),
            Mistake(
                "standard deviation for radius",
                "Girko's radius is the standard deviation of an entry times the root of N.",
                _outlier(radius=lambda g, N: g * math.sqrt((1 - 2 / math.pi) / N)),
            ),
        ],
    ),
    "per-step-noise": Exercise(
        "per_step_noise(p, alpha) -> (sigma, std)",
        ("sigma", "std"),
        _per_step,
        _meaning(),
        lambda: [
            Mistake("multiplied", "Solve p = sqrt(2 alpha) sigma for sigma.", _meaning(sigma=lambda p, a: p * math.sqrt(2 * a))),
            Mistake("the root is missing", "Solve p = sqrt(2 alpha) sigma for sigma.", _meaning(sigma=lambda p, a: p / (2 * a))),
            Mistake("the 2 is missing", "Solve p = sqrt(2 alpha) sigma for sigma.", _meaning(sigma=lambda p, a: p / math.sqrt(a))),
            Mistake(
                "variance for standard deviation",
                "std is the root of the variance.",
                _meaning(std=lambda p, a: p * p / (a * (2 - a))),
            ),
            Mistake(
                "p for sigma",
                "sigma^2 / (1 - alpha/2) holds for sigma, and p is not sigma.",
                _meaning(std=lambda p, a: p / math.sqrt(1 - a / 2)),
            ),
            Mistake(
                "the leak not squared",
                "The variance of (1 - alpha) h is (1 - alpha)^2 Var(h).",
                _meaning(std=lambda p, a: p / math.sqrt(a)),
            ),
        ],
    ),
}
