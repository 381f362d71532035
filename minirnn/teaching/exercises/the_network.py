"""Tutorial 2, the network: what a step at rest does, the radius of random spectra, how fast two copies part."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _at_rest(rng: np.random.Generator) -> Draw:
    """The leading mu is complex, and not that of the leading lambda: else some mistakes give the right number."""
    while True:
        N, alpha = int(rng.integers(4, 8)), float(rng.uniform(0.2, 0.8))
        W_rec = rng.standard_normal((N, N))
        values = np.linalg.eigvals(W_rec)
        mu = 1 - alpha + alpha * values
        largest = np.abs(mu).max()
        if mu.real.max() < 0.98 * largest and abs(mu[np.abs(values).argmax()]) < 0.98 * largest:
            return Draw((W_rec, alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha})


def _step_matrix(W_rec: Array, alpha: float) -> Array:
    return (1 - alpha) * np.eye(len(W_rec)) + alpha * W_rec  # (2.1)


def _largest(values: Array) -> float:
    return float(np.abs(values).max())


def _entries(rng: np.random.Generator) -> Draw:
    std, N, p = float(rng.uniform(0.02, 0.2)), int(rng.integers(20, 400)), float(rng.uniform(0.1, 0.6))
    return Draw((std, N, p), {"N": N, "p": p, "sqrt(N)": math.sqrt(N), "sqrt(p)": math.sqrt(p), "std": std})


def _two_copies(rng: np.random.Generator) -> Draw:
    N, steps, alpha, eps = int(rng.integers(4, 9)), int(rng.integers(10, 20)), float(rng.uniform(0.2, 0.6)), 1e-4
    v = rng.standard_normal(N)
    W_rec = 2 / math.sqrt(N) * rng.standard_normal((N, N))
    return Draw((W_rec, rng.uniform(-1, 1, N), v / np.linalg.norm(v), alpha, steps, eps), {"steps": steps, "alpha": alpha})


def _separation(
    log: Callable[[float], float] = math.log,
    *,
    mean: bool = True,
    back: bool = True,
    turns: bool = True,
    moves: bool = True,
    ends: bool = False,
    perturbed: bool = False,
) -> Callable[..., float]:
    """(2.7), or one of the mistakes."""

    def rate(W_rec: Array, h: Array, v: Array, alpha: float, steps: int, eps: float) -> float:
        def step(state: Array) -> Array:
            return (1 - alpha) * state + alpha * np.tanh(W_rec @ state)

        if ends:
            other = h + eps * v
            for _ in range(steps):
                h, other = step(h), step(other)
            return log(float(np.linalg.norm(other - h)) / eps) / steps
        total = 0.0
        for _ in range(steps):
            other, after = step(h + eps * v), step(h)
            d = (other - after) / eps
            size = float(np.linalg.norm(d))
            total += log(size)
            if turns:
                v = d / size if back else d
            if moves:
                h = other if perturbed else after
        return total / steps if mean else total

    return rate


EXERCISES = {
    "growth": Exercise(
        "growth(W_rec, alpha) -> the largest |mu| of a step at rest",
        ("growth",),
        _at_rest,
        lambda W_rec, alpha: _largest(np.linalg.eigvals(_step_matrix(W_rec, alpha))),  # (2.2)
        lambda: [
            Mistake(
                "the leak is missing",
                "Of a small state 1 - alpha stays in each step, whatever the weights do.",
                lambda W, a: _largest(a * np.linalg.eigvals(W)),
            ),
            Mistake(
                "the spectral radius of W_rec",
                "That is right for alpha = 1 alone. What is the eigenvalue of (2.1)?",
                lambda W, a: _largest(np.linalg.eigvals(W)),
            ),
            Mistake(
                "moduli before the leak",
                "|1 - alpha + alpha lambda| is not 1 - alpha + alpha |lambda|: a complex number first gets its leak.",
                lambda W, a: 1 - a + a * _largest(np.linalg.eigvals(W)),
            ),
            Mistake(
                "the largest real part",
                "A complex or negative mu may be the largest in modulus.",
                lambda W, a: float(np.linalg.eigvals(_step_matrix(W, a)).real.max()),
            ),
            Mistake(
                "the leak on one number",
                "Which eigenvalue is the largest may change with the leak: take the largest after it.",
                lambda W, a: float(abs(1 - a + a * max(np.linalg.eigvals(W), key=abs))),
            ),
            Mistake(
                "a singular value",
                "The norm tells what one step can do at most. After many steps the eigenvalues decide.",
                lambda W, a: float(np.linalg.norm(_step_matrix(W, a), 2)),
            ),
            Mistake(
                "eigenvalues of a symmetric matrix",
                "eigvalsh looks at half of the matrix and takes it for symmetric. This one is not.",
                lambda W, a: _largest(np.linalg.eigvalsh(_step_matrix(W, a))),
            ),
            Mistake(
                "the leak everywhere",
                "NumPy adds a number to every entry. The leak is on the diagonal alone.",
                lambda W, a: _largest(np.linalg.eigvals((1 - a) + a * W)),
            ),
        ],
    ),
    "girko-radius": Exercise(
        "girko_radius(std, N, p) -> the radius",
        ("radius",),
        _entries,
        lambda std, N, p: std * math.sqrt(p * N),  # (2.3)
        lambda: [
            Mistake(
                "sparseness ignored", "Most entries are 0: what is the variance of an entry then?", lambda s, N, p: s * math.sqrt(N)
            ),
            Mistake("p outside the root", "p multiplies the variance.", lambda s, N, p: s * p * math.sqrt(N)),
            Mistake("the root is missing", "The variance has to be turned into a length.", lambda s, N, p: s * p * N),
            Mistake("variance for radius", "That is the square of it.", lambda s, N, p: s * s * p * N),
            Mistake("N forgotten", "The more units send to one, the more it receives.", lambda s, N, p: s * math.sqrt(p)),
            Mistake("p divided", "Fewer connections, smaller radius.", lambda s, N, p: s * math.sqrt(N / p)),
        ],
    ),
    "separation-rate": Exercise(
        "separation_rate(W_rec, h, v, alpha, steps, eps) -> mean of log |d| per step",
        ("rate",),
        _two_copies,
        _separation(),
        lambda: [
            Mistake(
                "the copy is never brought back",
                "Without that the distance soon is as large as the states themselves, and can grow no more.",
                _separation(ends=True),
            ),
            Mistake(
                "the direction keeps its length",
                "v is to have length 1 again before the next step, or growth is counted again and again.",
                _separation(back=False),
            ),
            Mistake("the direction is not renewed", "The next kick goes along d, not along the first v.", _separation(turns=False)),
            Mistake("the state stands still", "h has to move on as well.", _separation(moves=False)),
            Mistake("the wrong copy goes on", "The state that goes on is the one without the kick.", _separation(perturbed=True)),
            Mistake("sum for mean", "Per step: divide by their number.", _separation(mean=False)),
            Mistake(
                "growth itself, not its logarithm",
                "Growth multiplies over the steps; only logarithms may be averaged.",
                _separation(lambda size: size),
            ),
            Mistake("logarithm to the base 10", "Natural logarithms are asked for.", _separation(math.log10)),
            Mistake("logarithm to the base 2", "Natural logarithms are asked for.", _separation(math.log2)),
        ],
    ),
}
