"""Exercises of tutorial 5: descent, momentum, the decayed rate, clipping. Adam itself is `teaching.check_adam`.

(12) is of `minirnn.reference`, the other numbers are the tutorial's.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import reference
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


# ---- (1) gradient descent


def _draw_descent(rng: np.random.Generator) -> Draw:
    B, K, n = (int(k) for k in rng.permutation([2, 3, 4, 5])[:3])
    A, b, lr = rng.standard_normal((K, K)), rng.standard_normal(K), float(rng.uniform(0.05, 0.3))
    return Draw((lambda theta: np.tanh(theta @ A.T + b), rng.standard_normal((B, K)), lr, n), {"lr": lr})


def _descent(gradient: Callable[[Array], Array], theta: Array, lr: float, n: int) -> Array:
    path = [theta]
    for _ in range(n):
        path.append(path[-1] - lr * gradient(path[-1]))  # (1)
    return np.array(path)


def _descent_mistakes() -> Sequence[Mistake]:
    def first_gradient(gradient: Callable[[Array], Array], theta: Array, lr: float, n: int) -> Array:
        return np.array([theta - k * lr * gradient(theta) for k in range(n + 1)])

    def changes(gradient: Callable[[Array], Array], theta: Array, lr: float, n: int) -> Array:
        path = _descent(gradient, theta, lr, n)
        return np.array([theta, *(path[1:] - path[:-1])])

    def one_array(gradient: Callable[[Array], Array], theta: Array, lr: float, n: int) -> Array:
        return np.array([_descent(gradient, theta, lr, n)[-1]] * (n + 1))

    def ahead(gradient: Callable[[Array], Array], theta: Array, lr: float, n: int) -> Array:
        return _descent(gradient, theta, lr, n + 1)[1:]

    return [
        Mistake("climbs", "The loss grows along the gradient.", lambda f, theta, lr, n: _descent(f, theta, -lr, n)),
        Mistake("rate forgotten", "How far does an update go?", lambda f, theta, lr, n: _descent(f, theta, 1.0, n)),
        Mistake(
            "gradient of the start", "Each update wants the gradient where it is now, not where the path began.", first_gradient
        ),
        Mistake("the changes alone", "The path holds the points, not the steps between them.", changes),
        Mistake(
            "one array, many times",
            "All points are the last one: theta -= .. changes the array that is in the path already, theta = theta - .. makes "
            "a new one.",
            one_array,
        ),
        Mistake("start left out", "The path begins with theta itself.", ahead),
        Mistake(
            "normalised", "The gradient enters with its length.",
            lambda f, theta, lr, n: _descent(lambda at: f(at) / np.linalg.norm(f(at)), theta, lr, n),
        ),
    ]  # fmt: skip


# ---- (12) momentum


def _draw_momentum(rng: np.random.Generator) -> Draw:
    shape = tuple(int(k) for k in rng.permutation([2, 3, 4])[:2])
    theta, m, g = rng.standard_normal((3, *shape))
    lr, momentum = float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.5, 0.8))
    return Draw((theta, m, g, lr, momentum), {"lr": lr, "momentum": momentum, "(1 - momentum)": 1 - momentum})


def _momentum_mistakes() -> Sequence[Mistake]:
    return [
        Mistake(
            "moved by the old velocity",
            "The velocity is renewed first, and then moved by.",
            lambda theta, m, g, lr, momentum: (theta + m, momentum * m - lr * g),
        ),
        Mistake(
            "velocity uphill",
            "In (12) the velocity is what is added to theta: which way does g turn it?",
            lambda theta, m, g, lr, momentum: (theta + momentum * m + lr * g, momentum * m + lr * g),
        ),
        Mistake(
            "velocity taken away",
            "This moves theta as it should, but its m is the opposite of that of (12), which it is given.",
            lambda theta, m, g, lr, momentum: (theta - (momentum * m + lr * g), momentum * m + lr * g),
        ),
        Mistake(
            "moved against the velocity",
            "The velocity of (12) points downhill already.",
            lambda theta, m, g, lr, momentum: (theta - (momentum * m - lr * g), momentum * m - lr * g),
        ),
        Mistake(
            "a mean, as in Adam",
            "The gradient is not weighed with 1 - momentum here: velocities add up.",
            lambda theta, m, g, lr, momentum: reference.sgd(theta, m, (1 - momentum) * g, lr, momentum),
        ),
        Mistake(
            "rate on the velocity too",
            "lr is in the velocity already.",
            lambda theta, m, g, lr, momentum: (theta + lr * (momentum * m - lr * g), momentum * m - lr * g),
        ),
        Mistake(
            "rate on the move instead",
            "(12) has lr in the velocity: with a rate that changes it makes a difference.",
            lambda theta, m, g, lr, momentum: (theta + lr * (momentum * m - g), momentum * m - g),
        ),
        Mistake(
            "rate on the move instead, velocity uphill",
            "This is PyTorch's form. (12) has lr in the velocity, which points downhill.",
            lambda theta, m, g, lr, momentum: (theta - lr * (momentum * m + g), momentum * m + g),
        ),
        Mistake(
            "rate forgotten",
            "By how much does one gradient change the velocity?",
            lambda theta, m, g, lr, momentum: (theta + momentum * m - g, momentum * m - g),
        ),
        Mistake(
            "old velocity returned",
            "The next update is to go on from the new velocity.",
            lambda theta, m, g, lr, momentum: (theta + momentum * m - lr * g, m),
        ),
        Mistake(
            "gradient twice",
            "The velocity holds the gradient already.",
            lambda theta, m, g, lr, momentum: (theta + momentum * m - 2 * lr * g, momentum * m - lr * g),
        ),
        Mistake(
            "friction forgotten",
            "What share of the old velocity is kept?",
            lambda theta, m, g, lr, momentum: (theta + m - lr * g, m - lr * g),
        ),
        Mistake(
            "momentum on the gradient too",
            "mu belongs to the old velocity alone.",
            lambda theta, m, g, lr, momentum: (theta + momentum * (m - lr * g), momentum * (m - lr * g)),
        ),
        Mistake(
            "1 - momentum for momentum",
            "mu is the share that is kept.",
            lambda theta, m, g, lr, momentum: (theta + (1 - momentum) * m - lr * g, (1 - momentum) * m - lr * g),
        ),
        Mistake(
            "the two exchanged",
            "theta is returned first.",
            lambda theta, m, g, lr, momentum: reference.sgd(theta, m, g, lr, momentum)[::-1],
        ),
        Mistake(
            "no momentum",
            "The old velocity is lost.",
            lambda theta, m, g, lr, momentum: (theta - lr * g, -lr * g),
        ),
    ]


# ---- (6) decay


def _draw_rate(rng: np.random.Generator) -> Draw:
    lr, decay, updates = float(rng.uniform(0.01, 0.2)), float(rng.uniform(0.01, 0.1)), int(rng.integers(2, 30))
    return Draw((lr, decay, updates), {"lr": lr, "decay": decay})


def _rate_mistakes() -> Sequence[Mistake]:
    return [
        Mistake("one ahead", "The first update comes after no other.", lambda lr, decay, n: lr / (1 + decay * (n + 1))),
        Mistake("one behind", "How many updates were done?", lambda lr, decay, n: lr / (1 + decay * (n - 1))),
        Mistake("exponential", "That falls much faster: Keras divides.", lambda lr, decay, n: lr * np.exp(-decay * n)),
        Mistake("a power", "decay is multiplied by the updates.", lambda lr, decay, n: lr / (1 + decay) ** n),
        Mistake("a power of 1 - decay", "decay is multiplied by the updates.", lambda lr, decay, n: lr * (1 - decay) ** n),
        Mistake("bracket forgotten", "Which is lr divided by, 1 or the whole sum?", lambda lr, decay, n: lr / 1 + decay * n),
        Mistake("decay forgotten", "How fast does the rate fall?", lambda lr, decay, n: lr / (1 + n)),
        Mistake("updates forgotten", "The more updates were done, the smaller is the rate.", lambda lr, decay, n: lr / (1 + decay)),
        Mistake("straight line", "That would cross 0.", lambda lr, decay, n: lr * (1 - decay * n)),
        Mistake("the 1 forgotten", "Before the first update the rate is lr itself.", lambda lr, decay, n: lr / (decay * n)),
        Mistake("multiplied", "The rate is to fall.", lambda lr, decay, n: lr * (1 + decay * n)),
    ]


# ---- (7) clipping


def _draw_clip(rng: np.random.Generator) -> Draw:
    N, I = (int(k) for k in rng.permutation([2, 3, 4, 5])[:2])
    g_in, g_rec = rng.standard_normal((N, I)), rng.standard_normal((N, N))
    seeds: Any = rng.bit_generator.seed_seq
    which = seeds.n_children_spawned % 3
    rng.spawn(1)
    longer = (g_in, g_rec, g_rec)[which]  # of three draws each array is the longer one in one that is clipped ..
    longer *= 2 * np.hypot(np.linalg.norm(g_in), np.linalg.norm(g_rec)) / np.linalg.norm(longer)
    total = float(np.hypot(np.linalg.norm(g_in), np.linalg.norm(g_rec)))
    limit = total * (0.3, 1.4, 0.6)[which]  # .. and one is to be left as it is
    return Draw((g_in, g_rec, limit), {"limit": limit, "norm": total})


def _clipped(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
    factor = min(1.0, limit / float(np.sqrt((g_in**2).sum() + (g_rec**2).sum())))  # (7)
    return factor * g_in, factor * g_rec


def _clip_mistakes() -> Sequence[Mistake]:
    def by(norm: Callable[[Array, Array], float]) -> Callable[..., Any]:
        def made(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
            factor = min(1.0, limit / norm(g_in, g_rec))
            return factor * g_in, factor * g_rec

        return made

    def always(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
        factor = limit / float(np.sqrt((g_in**2).sum() + (g_rec**2).sum()))
        return factor * g_in, factor * g_rec

    def to_unit(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
        norm = float(np.sqrt((g_in**2).sum() + (g_rec**2).sum()))
        return (g_in / norm, g_rec / norm) if norm > limit else (g_in, g_rec)

    def each(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, ...]:
        return tuple(min(1.0, limit / float(np.linalg.norm(g))) * g for g in (g_in, g_rec))

    def rows(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, ...]:
        return tuple(np.minimum(1.0, limit / np.linalg.norm(g, axis=1, keepdims=True)) * g for g in (g_in, g_rec))

    def one_alone(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
        return g_in, _clipped(g_in, g_rec, limit)[1]

    def with_factor(of: Callable[[float], float]) -> Callable[..., Any]:
        def made(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
            factor = of(limit / float(np.sqrt((g_in**2).sum() + (g_rec**2).sum())))
            return factor * g_in, factor * g_rec

        return made

    return [
        Mistake("each array by itself", "That is Keras 3's: the arrays shrink differently, and the direction turns.", each),
        Mistake(
            "each entry by itself",
            "Entries that are cut turn the direction.",
            lambda g_in, g_rec, limit: (np.clip(g_in, -limit, limit), np.clip(g_rec, -limit, limit)),
        ),
        Mistake("always scaled", "What is to happen to a gradient that is shorter than the limit?", always),
        Mistake("to the length 1", "The limit says how long it may be.", to_unit),
        Mistake(
            "norms added", "The norm of both together is not the sum of the two.",
            by(lambda a, b: float(np.linalg.norm(a) + np.linalg.norm(b))),
        ),
        Mistake(
            "largest norm for the total", "Both arrays make up one vector.",
            by(lambda a, b: float(max(np.linalg.norm(a), np.linalg.norm(b)))),
        ),
        Mistake("root forgotten", "The sum of squares is the norm's square.", by(lambda a, b: float((a**2).sum() + (b**2).sum()))),
        Mistake(
            "largest singular value", "np.linalg.norm(g, 2) of a matrix is not the root of its sum of squares.",
            by(lambda a, b: float(np.hypot(np.linalg.norm(a, 2), np.linalg.norm(b, 2)))),
        ),
        Mistake("norm of g_in alone", "Both arrays make up one vector.", by(lambda a, b: float(np.linalg.norm(a)))),
        Mistake("norm of g_rec alone", "Both arrays make up one vector.", by(lambda a, b: float(np.linalg.norm(b)))),
        Mistake(
            "mean for the sum", "The norm is the root of the sum of squares, however many entries there are.",
            by(lambda a, b: float(np.sqrt(((a**2).sum() + (b**2).sum()) / (a.size + b.size)))),
        ),
        Mistake("each row by itself", "There is one norm, of everything together.", rows),
        Mistake("g_in left as it is", "Both arrays are scaled, by one factor.", one_alone),
        Mistake("max for min", "Is a short gradient to grow?", with_factor(lambda ratio: max(1.0, ratio))),
        Mistake("upside down", "Which of the two is divided by the other?", with_factor(lambda ratio: min(1.0, 1 / ratio))),
        Mistake("limit on the wrong side", "Which of the two is divided by the other?", _grown),
    ]  # fmt: skip


def _grown(g_in: Array, g_rec: Array, limit: float) -> tuple[Array, Array]:
    norm = float(np.sqrt((g_in**2).sum() + (g_rec**2).sum()))
    return (norm / limit * g_in, norm / limit * g_rec) if norm > limit else (g_in, g_rec)


EXERCISES: dict[str, Exercise] = {
    "descent-path": Exercise(
        "descend(gradient, theta, lr, n) -> the path (n + 1, *theta.shape)", ("path",), _draw_descent, _descent, _descent_mistakes
    ),
    "momentum-step": Exercise(
        "momentum_step(theta, m, g, lr, momentum) -> (theta, m)", ("theta", "m"), _draw_momentum, reference.sgd, _momentum_mistakes
    ),
    "decayed-rate": Exercise(
        "decayed_rate(lr, decay, updates) -> the rate, a number", ("rate",),
        _draw_rate, lambda lr, decay, updates: lr / (1 + decay * updates), _rate_mistakes,
    ),
    "clip-globally": Exercise(
        "clip(g_in, g_rec, limit) -> (g_in, g_rec)", ("g_in", "g_rec"), _draw_clip, _clipped, _clip_mistakes
    ),
}  # fmt: skip
