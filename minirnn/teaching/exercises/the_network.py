"""Tutorial 2, the network: what a step at rest does, the radius of random spectra, how fast two copies part."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _at_rest(rng: np.random.Generator) -> Draw:
    """The leading mu is complex, neither that of the leading lambda nor rightmost: else some mistakes give the right number."""
    while True:
        N, alpha = int(rng.integers(4, 8)), float(rng.uniform(0.2, 0.8))
        W_rec = rng.standard_normal((N, N))
        values = np.linalg.eigvals(W_rec)
        mu = 1 - alpha + alpha * values
        largest = np.abs(mu).max()
        others = (mu.real.max(), abs(mu[mu.real.argmax()]), abs(mu[np.abs(values).argmax()]))
        if max(others) < 0.98 * largest:
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
    first_alone: bool = False,
    early: bool = False,
    last: bool = False,
    exact: bool = False,
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
        total, kick = 0.0, eps
        for _ in range(steps):
            if early:
                h = step(h)
            other, after = step(h + kick * v), step(h)
            d = (other - after) / eps
            if exact:
                d = (1 - alpha) * v + alpha * (1 - np.tanh(W_rec @ h) ** 2) * (W_rec @ v)
            size = float(np.linalg.norm(d))
            total = log(size) + (0 if last else total)
            kick = 1.0 if first_alone else eps
            if turns:
                v = d / size if back else d
            if moves and not early:
                h = other if perturbed else after
        return total / steps if mean and not last else total

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
                "the largest by its real part",
                "NumPy orders complex numbers by their real parts: take the moduli first, and then the largest.",
                lambda W, a: float(abs(np.linalg.eigvals(_step_matrix(W, a)).max())),
            ),
            Mistake(
                "the largest modulus of a real part",
                "The modulus of a complex number has two parts.",
                lambda W, a: _largest(np.linalg.eigvals(_step_matrix(W, a)).real),
            ),
            Mistake(
                "nothing is forgotten", "1 + alpha lambda: where is the leak?", lambda W, a: _largest(1 + a * np.linalg.eigvals(W))
            ),
            Mistake(
                "leak and step exchanged",
                "alpha belongs to W_rec, 1 - alpha to what stays.",
                lambda W, a: _largest(a + (1 - a) * np.linalg.eigvals(W)),
            ),
            Mistake(
                "singular values of W_rec",
                "(2.2) is about eigenvalues, which may be complex.",
                lambda W, a: 1 - a + a * float(np.linalg.norm(W, 2)),
            ),
            Mistake(
                "the smallest modulus",
                "That part is forgotten first.",
                lambda W, a: float(np.abs(np.linalg.eigvals(_step_matrix(W, a))).min()),
            ),
            Mistake(
                "its logarithm",
                "The factor of one step is asked for.",
                lambda W, a: math.log(_largest(np.linalg.eigvals(_step_matrix(W, a)))),
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
            Mistake("std for variance", "s^2 is a variance: square std first.", lambda s, N, p: math.sqrt(s * p * N)),
            Mistake(
                "variance of presence",
                "p (1 - p) is the variance of 0 and 1. The entries that are there have mean 0: what is the mean of their squares?",
                lambda s, N, p: s * math.sqrt(N * p * (1 - p)),
            ),
            Mistake("1 - p for p", "p of the entries are there.", lambda s, N, p: s * math.sqrt(N * (1 - p))),
            Mistake("the variance alone", "That is s^2. What does (2.3) make of it?", lambda s, N, p: p * s * s),
            Mistake("s^2 for s", "(2.3) has s, the root of the variance.", lambda s, N, p: p * s * s * math.sqrt(N)),
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
            Mistake(
                "not divided by eps",
                "What grows is compared with the kick: in (2.7) d is a difference divided by eps.",
                lambda W, h, v, a, steps, eps: _separation()(W, h, v, a, steps, eps) + math.log(eps),
            ),
            Mistake(
                "the kick is not small",
                "The copy is brought back to the distance eps, not 1.",
                _separation(first_alone=True),
            ),
            Mistake("h moves on too early", "Both F in (2.7) start from the same h.", _separation(early=True)),
            Mistake("the last step alone", "(2.7) is a mean over all steps.", _separation(last=True)),
            Mistake(
                "the last step alone, divided by all",
                "(2.7) is a mean over all steps: add up the logarithms.",
                lambda W, h, v, a, steps, eps: _separation(last=True)(W, h, v, a, steps, eps) / steps,
            ),
            Mistake(
                "the exponential of it",
                "Lambda is the mean logarithm itself.",
                lambda *arguments: math.exp(_separation()(*arguments)),
            ),
            Mistake(
                "derivatives for differences",
                "That is what (2.7) becomes as eps goes to 0. Here a kick of the size eps is asked for.",
                _separation(exact=True),
            ),
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
