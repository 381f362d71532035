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
            Mistake("nothing is done", "Where are the modulus and the signs?", lambda V, d: V),
            Mistake(
                "projected",
                "That sets entries of the wrong sign to 0: here the modulus is asked for.",
                lambda V, d: np.where(V * d < 0, 0, V),
            ),
            Mistake("on the rows, without a modulus", _POST, lambda V, d: d[:, None] * V),
            Mistake(
                "signs sorted",
                "d may be in any order: unit j has the sign d[j].",
                lambda V, d: np.abs(V) * np.sort(d)[::-1],
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
                "the parametrisation for its derivative",
                "(8.2) has the derivatives of |V| and [V]_+, not |V| and [V]_+ themselves.",
                lambda W, V, d: (W * d * np.abs(V), W * d * np.maximum(V, 0)),
            ),
            Mistake(
                "[V]_+ for its derivative",
                "What is the slope of [V]_+ where V is positive?",
                lambda W, V, d: (W * d * np.sign(V), W * d * np.maximum(V, 0)),
            ),
            Mistake(
                "W_bar is missing", "(8.2) is a product: the error comes first.", lambda W, V, d: (np.sign(V) * d, (V > 0) * d)
            ),
            Mistake(
                "of the gradient's sign, not of V's",
                "It is V that the modulus and the rectifier act on, not W_bar.",
                lambda W, V, d: (np.abs(W) * d, np.maximum(W, 0) * d),
            ),
            Mistake(
                "the gradient rectified",
                "It is V that the rectifier acts on, not W_bar.",
                lambda W, V, d: (W * d * np.sign(V), np.maximum(W, 0) * d),
            ),
            Mistake(
                "the rectifier of V d",
                "[V]_+ D: V is rectified first, whatever the sign of the unit.",
                lambda W, V, d: (W * d * np.sign(V), W * d * (V * d > 0)),
            ),
            Mistake(
                "signs and slopes of V d",
                "|V| and [V]_+ know nothing of d: it comes after them, as a factor.",
                lambda W, V, d: (W * np.sign(V * d) * d, W * (V * d > 0) * d),
            ),
            Mistake(
                "d inside the slope",
                "|V| and [V]_+ know nothing of d: it comes after them, as a factor.",
                lambda W, V, d: (W * np.sign(V * d), W * (V * d > 0)),
            ),
            Mistake(
                "the wrong half of the rectifier",
                "Where V is negative [V]_+ is 0: what is its slope there?",
                lambda W, V, d: (W * d * np.sign(V), W * d * (V < 0)),
            ),
            Mistake(
                "the diagonal matrix entry by entry",
                "* goes entry by entry, and off its diagonal np.diag(d) is 0: which gradients are left?",
                lambda W, V, d: (W * np.sign(V) * np.diag(d), W * (V > 0) * np.diag(d)),
            ),
            Mistake(
                "a product of matrices",
                "(8.2) is entry by entry: each W_ij depends on its own V_ij alone.",
                lambda W, V, d: (W @ (np.sign(V) * d), W @ ((V > 0) * d)),
            ),
            Mistake(
                "D is missing in the first",
                "W is p(V) times d: the chain rule has a factor d.",
                lambda W, V, d: (W * np.sign(V), W * d * (V > 0)),
            ),
            Mistake(
                "D is missing in the second",
                "W is p(V) times d: the chain rule has a factor d.",
                lambda W, V, d: (W * d * np.sign(V), W * (V > 0)),
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
            Mistake(
                "cut, without its sign",
                "Inhibitory units send negative weights.",
                lambda V, d: np.maximum(V * d, 0),
            ),
            Mistake("nothing is cut", "Which entries have not the sign of their column?", lambda V, d: V),
            Mistake("all inhibit", "Excitatory units send positive weights.", lambda V, d: np.minimum(V, 0)),
            Mistake(
                "inhibitory columns are 0",
                "A negative weight of an inhibitory unit has the right sign.",
                lambda V, d: np.where(d > 0, V, 0),
            ),
            Mistake("the mask alone", "That is where V is kept: V itself is asked for.", lambda V, d: (V * d > 0).astype(float)),
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
            Mistake(
                "excitation counted twice",
                "(8.4): N_E - N_I. How many units inhibit, if a share f excites?",
                _outlier(net=lambda N, share: 2 * N * share),
            ),
            Mistake(
                "shares multiplied", "(8.4): N_E - N_I is a difference.", _outlier(net=lambda N, share: N * share * (1 - share))
            ),
            Mistake(
                "variance for s",
                "s is a standard deviation, g / sqrt(N), not its square.",
                lambda N, gain, share: (
                    gain**2 * math.sqrt(2 / math.pi) * (2 * share - 1),
                    gain**2 * math.sqrt((1 - 2 / math.pi) / N),
                ),
            ),
            Mistake("exchanged", "First the outlier, then the radius.", lambda *arguments: _outlier()(*arguments)[::-1]),
            Mistake(
                "the mean not squared",
                "The variance is the mean of the square less the square of the mean.",
                lambda N, gain, share: (
                    _outlier()(N, gain, share)[0],
                    math.sqrt(N * abs(gain**2 / N - gain * math.sqrt(2 / (math.pi * N)))),
                ),
            ),
            Mistake(
                "standard deviation less mean",
                "The variance is the mean of the square less the square of the mean: take the root last.",
                _outlier(radius=lambda g, N: g * (1 - math.sqrt(2 / math.pi))),
            ),
            Mistake(
                "2/pi for its square",
                "(8.3): the mean is s sqrt(2/pi), and its square?",
                _outlier(radius=lambda g, N: g * math.sqrt(1 - math.sqrt(2 / math.pi))),
            ),
            Mistake(
                "square of the mean added",
                "The variance is the mean of the square less the square of the mean.",
                _outlier(radius=lambda g, N: g * math.sqrt(1 + 2 / math.pi)),
            ),
            Mistake(
                "mean for standard deviation",
                "(8.5) asks for the variance of |v|, not for its mean.",
                _outlier(radius=lambda g, N: g * math.sqrt(2 / math.pi)),
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
                "the root on alpha alone missing",
                "Solve p = sqrt(2 alpha) sigma for sigma.",
                _meaning(sigma=lambda p, a: p / (math.sqrt(2) * a)),
            ),
            Mistake("p squared", "Solve p = sqrt(2 alpha) sigma for sigma.", _meaning(sigma=lambda p, a: p * p / (2 * a))),
            Mistake("the root of p too", "p is a standard deviation already.", _meaning(sigma=lambda p, a: math.sqrt(p / (2 * a)))),
            Mistake("divided by alpha", "Solve p = sqrt(2 alpha) sigma for sigma.", _meaning(sigma=lambda p, a: p / a)),
            Mistake(
                "multiplied, and so in both",
                "Solve p = sqrt(2 alpha) sigma for sigma.",
                lambda p, a: (p * math.sqrt(2 * a), p * math.sqrt(2 * a) / math.sqrt(1 - a / 2)),
            ),
            Mistake(
                "the root is missing, and so in both",
                "Solve p = sqrt(2 alpha) sigma for sigma.",
                lambda p, a: (p / (2 * a), p / (2 * a) / math.sqrt(1 - a / 2)),
            ),
            Mistake(
                "the 2 is missing, and so in both",
                "Solve p = sqrt(2 alpha) sigma for sigma.",
                lambda p, a: (p / math.sqrt(a), p / math.sqrt(a) / math.sqrt(1 - a / 2)),
            ),
            Mistake("exchanged", "First sigma, then the standard deviation.", lambda p, a: _meaning()(p, a)[::-1]),
            Mistake(
                "sigma for the standard deviation",
                "h fluctuates by sigma as the step goes to 0 alone: (8.8).",
                _meaning(std=lambda p, a: p / math.sqrt(2 * a)),
            ),
            Mistake("no root", "The variance has p^2, and std is its root.", _meaning(std=lambda p, a: p / (a * (2 - a)))),
            Mistake(
                "the leak not squared, no root",
                "Take the variance of both sides of h = (1 - alpha) h + p n.",
                _meaning(std=lambda p, a: p / a),
            ),
            Mistake("p not squared", "The variance of p n is p^2.", _meaning(std=lambda p, a: math.sqrt(p / (a * (2 - a))))),
            Mistake(
                "the variance added on the wrong side",
                "Var = (1 - alpha)^2 Var + p^2: bring both Var to one side.",
                _meaning(std=lambda p, a: p / math.sqrt(1 + (1 - a) ** 2)),
            ),
            Mistake(
                "alpha for the leak",
                "What is left of h after a step is 1 - alpha, not alpha.",
                _meaning(std=lambda p, a: p / math.sqrt(1 - a * a)),
            ),
            Mistake(
                "1 is missing",
                "Var = (1 - alpha)^2 Var + p^2: bring both Var to one side.",
                _meaning(std=lambda p, a: p / (1 - a)),
            ),
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
