"""Exercises of tutorial 7: the Jacobian of a step, products of Jacobians, the largest exponent, reading a pulse back.

Equation numbers are those of `minirnn.gradient_flow`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...gradient_flow import jacobian
from ...network import Network
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


# ---- (6)


def _draw_step(rng: np.random.Generator) -> Draw:
    N = int(rng.integers(3, 7))
    alpha = float(rng.uniform(0.1, 0.45))
    r, W_rec = np.tanh(rng.standard_normal(N)), rng.standard_normal((N, N))
    return Draw((r, W_rec, alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha})


def _step_jacobian(r: Array, W_rec: Array, alpha: float) -> Array:
    N = len(r)
    net = Network(np.zeros((N, 1)), W_rec, np.zeros((1, N)), tau=1 / alpha, dt=1.0)
    return jacobian(net, np.zeros(N), r)


def _step_mistakes() -> Sequence[Mistake]:
    def of(kind: str) -> Callable[..., Array]:
        def one(r: Array, W_rec: Array, alpha: float) -> Array:
            slope, unit = 1 - r * r, np.eye(len(r))
            leak = (1 - alpha) * unit
            made: dict[str, Array] = {
                "slope on the sending side": leak + alpha * W_rec * slope,
                "leak forgotten": alpha * slope[:, None] * W_rec,
                "alpha forgotten": leak + slope[:, None] * W_rec,
                "leak is alpha": alpha * unit + alpha * slope[:, None] * W_rec,
                "state itself for the leak": unit + alpha * slope[:, None] * W_rec,
                "leak in every entry": 1 - alpha + alpha * slope[:, None] * W_rec,
                "slope forgotten": leak + alpha * W_rec,
                "square forgotten": leak + alpha * (1 - r)[:, None] * W_rec,
                "tanh taken again": leak + alpha * (1 - np.tanh(r) ** 2)[:, None] * W_rec,
                "activation for its slope": leak + alpha * r[:, None] * W_rec,
                "W_rec transposed": leak + alpha * slope[:, None] * W_rec.T,
                "diagonal matrix times W_rec entry by entry": leak + alpha * np.diag(slope) * W_rec,
                "slope on the leak too": slope[:, None] * (leak + alpha * W_rec),
                "alpha and 1 - alpha exchanged": alpha * unit + (1 - alpha) * slope[:, None] * W_rec,
                "one row for all": leak + alpha * slope @ W_rec,
                "1 forgotten": leak + alpha * (r * r)[:, None] * W_rec,
            }
            return made[kind]

        return one

    words = {
        "slope on the sending side": "phi' belongs to the unit that receives: which rows or columns does it multiply?",
        "leak forgotten": "The state has a second way to the next state, without W_rec.",
        "alpha forgotten": "The drive enters the next state with a factor.",
        "leak is alpha": "What share of the old state is kept?",
        "state itself for the leak": "The old state is kept but for a share alpha.",
        "leak in every entry": "A unit keeps its own state alone: which entries of J are that?",
        "slope forgotten": "Between W_rec h and the next state there is the activation.",
        "square forgotten": "What is the derivative of tanh in terms of r = tanh(a)?",
        "tanh taken again": "r is tanh(a) already.",
        "activation for its slope": "J is made of derivatives.",
        "W_rec transposed": "J[i, j] says how unit j now acts on unit i next: weights are (to, from).",
        "diagonal matrix times W_rec entry by entry": "The product of two matrices is @; * keeps the diagonal alone.",
        "slope on the leak too": "The leak does not go through tanh.",
        "alpha and 1 - alpha exchanged": "What share of the old state is kept?",
        "one row for all": "A vector @ a matrix is one row, a sum over units. J has one row per unit that receives.",
        "1 forgotten": "What is the derivative of tanh in terms of r = tanh(a)?",
    }
    return [Mistake(kind, text, of(kind)) for kind, text in words.items()]


# ---- (7)


def _draw_products(rng: np.random.Generator) -> Draw:
    T, N = (int(n) for n in rng.permutation([2, 3, 4, 5])[:2])
    return Draw((rng.standard_normal((T, N, N)),), {})


def _products(J: Array) -> Array:
    P = [np.eye(J.shape[1])]
    for step in J[::-1]:
        P.append(P[-1] @ step)  # (7)
    return np.array(P[::-1])


def _product_mistakes() -> Sequence[Mistake]:
    def forward(J: Array) -> Array:
        P = [np.eye(J.shape[1])]
        for step in J:
            P.append(step @ P[-1])
        return np.array(P)

    def entrywise(J: Array) -> Array:
        P = [np.eye(J.shape[1])]
        for step in J[::-1]:
            P.append(P[-1] * step)
        return np.array(P[::-1])

    def other_order(J: Array) -> Array:
        P = [np.eye(J.shape[1])]
        for step in J[::-1]:
            P.append(step @ P[-1])
        return np.array(P[::-1])

    def forward_other_order(J: Array) -> Array:
        P = [np.eye(J.shape[1])]
        for step in J:
            P.append(P[-1] @ step)
        return np.array(P)

    def first_left_out(J: Array) -> Array:
        return np.array([np.zeros_like(J[0]), *_products(J)[1:]])

    def ones(J: Array) -> Array:
        P = [np.ones_like(J[0])]
        for step in J[::-1]:
            P.append(P[-1] @ step)
        return np.array(P[::-1])

    def one_late(J: Array) -> Array:
        P = _products(J)
        return np.array([*P[1:], P[-1]])

    def transposed(J: Array) -> Array:
        return _products(np.swapaxes(J, 1, 2))

    def of_last(J: Array) -> Array:
        return np.array([np.linalg.matrix_power(step, len(J) - t) for t, step in enumerate(J)] + [np.eye(J.shape[1])])

    return [
        Mistake("other order", "J_t acts first, on the state at t. On which side of the product does it stand?", other_order),
        Mistake("from the start", "This is dh_t/dh_0. What is asked for ends at T: P_T is 1.", forward),
        Mistake(
            "not turned round", "These are the right products: P_t belongs to index t, and P_T = 1 comes last.",
            lambda J: _products(J)[::-1],
        ),
        Mistake("entry by entry", "The product of two matrices is @, not *.", entrywise),
        Mistake(
            "from the start, other order", "P_t ends at T: P_T is 1, and P_t follows from P_(t+1).", forward_other_order,
        ),
        Mistake("P_0 left out", "The loop is to reach t = 0.", first_left_out),
        Mistake("ones for the identity", "A matrix of ones is not the identity.", ones),
        Mistake("one step missing", "P_t begins with J_t, not with the Jacobian after it.", one_late),
        Mistake("Jacobians transposed", "The product is of J, not of its transpose.", transposed),
        Mistake("a power of one Jacobian", "Every step has a Jacobian of its own.", of_last),
        Mistake("last step only", "All steps from t to T take part.", lambda J: np.array([*J, np.eye(J.shape[1])])),
    ]  # fmt: skip


# ---- (10), of one direction


def _draw_exponent(rng: np.random.Generator) -> Draw:
    T, N = int(rng.integers(5, 12)), int(rng.integers(3, 6))
    return Draw((rng.standard_normal((T, N, N)), rng.standard_normal(N)), {"T": T, "log(10)": np.log(10), "log(2)": np.log(2)})


def _growths(J: Array, v: Array) -> Array:
    """Norms of J_t v for a v of length 1, step by step."""
    v, found = v / np.linalg.norm(v), []
    for step in J:
        v = step @ v  # (9)
        found.append(np.linalg.norm(v))
        v = v / found[-1]
    return np.array(found)


def _exponent_mistakes() -> Sequence[Mistake]:
    def unscaled(J: Array, v: Array) -> Any:
        v, found = v / np.linalg.norm(v), []
        for step in J:
            v = step @ v
            found.append(np.log(np.linalg.norm(v)))
        return np.mean(found)

    def length_of_start(J: Array, v: Array) -> Any:
        return (np.log(_growths(J, v)).sum() + np.log(np.linalg.norm(v))) / len(J)

    def last(J: Array, v: Array) -> Any:
        return np.log(_growths(J, v))[-1]

    def never_scaled(J: Array, v: Array) -> Any:
        return unscaled(J, v) + np.log(np.linalg.norm(v))

    def same_direction(J: Array, v: Array) -> Any:
        return np.mean([np.log(np.linalg.norm(step @ v) / np.linalg.norm(v)) for step in J])

    def singular_values(J: Array, v: Array) -> Any:
        return np.mean([np.log(np.linalg.norm(step, 2)) for step in J])

    return [
        Mistake(
            "never scaled back", "The norm after t steps has the growth of all of them: start each step with length 1.", unscaled
        ),
        Mistake(
            "never scaled, nor at the start",
            "The norm after t steps has the growth of all of them, and the length of v: start each step with length 1.",
            never_scaled,
        ),
        Mistake("v not renewed", "Each step starts from the direction that the step before left.", same_direction),
        Mistake("largest growth of each step", "What counts is how much this v grows, not what could grow most.", singular_values),
        Mistake("length of the start counted", "v may have any length: what counts is by how much it grows.", length_of_start),
        Mistake("sum for the mean", "An exponent is a rate: per step.", lambda J, v: np.log(_growths(J, v)).sum()),
        Mistake(
            "logarithm of the mean", "Growths of steps multiply, so it is their logarithms that are averaged.",
            lambda J, v: np.log(_growths(J, v).mean()),
        ),
        Mistake("logarithm forgotten", "The exponent is a rate: e^(exponent) is the growth.", lambda J, v: _growths(J, v).mean()),
        Mistake(
            "transposed", "v is a change of the state, and goes forward: J v.",
            lambda J, v: np.log(_growths(np.swapaxes(J, 1, 2), v)).mean(),
        ),
        Mistake("backwards in time", "Which Jacobian acts first?", lambda J, v: np.log(_growths(J[::-1], v)).mean()),
        Mistake("last step only", "The mean is over all steps.", last),
    ]  # fmt: skip


# ---- reading a pulse back


def _draw_accuracy(rng: np.random.Generator) -> Draw:
    # two broad clouds that overlap, few trials for the means and many to be told apart: other readers read other shares
    B, N, C = int(rng.integers(14, 21)), int(rng.integers(8, 11)), int(rng.integers(600, 900))
    place, apart = rng.standard_normal(N), rng.standard_normal(N)
    apart *= 2 / np.linalg.norm(apart)
    sizes, shifts = (B, B, C, C), (0.7, 0, 1, -0.2)
    spread = rng.uniform(0.3, 2, N)
    arrays = tuple(
        place + spread * rng.standard_normal((size, N)) + shift * apart for size, shift in zip(sizes, shifts, strict=True)
    )
    return Draw(arrays, {"C": C, "(2 C)": 2 * C, "100": 100})


def _nearer(states: Array, own: Array, other: Array) -> Array:
    return ((states - own) ** 2).sum(axis=1) < ((states - other) ** 2).sum(axis=1)


def _accuracy(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
    a, b = pulse.mean(axis=0), none.mean(axis=0)
    return np.concatenate([_nearer(new_pulse, a, b), _nearer(new_none, b, a)]).mean()


def _accuracy_mistakes() -> Sequence[Mistake]:
    def of_one(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _nearer(new_pulse, pulse.mean(axis=0), none.mean(axis=0)).mean()

    def of_other(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _nearer(new_none, none.mean(axis=0), pulse.mean(axis=0)).mean()

    def same(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _accuracy(pulse, none, pulse, none)

    def own_means(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _accuracy(new_pulse, new_none, new_pulse, new_none)

    def says_pulse(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        a, b = pulse.mean(axis=0), none.mean(axis=0)
        return np.concatenate([_nearer(new_pulse, a, b), _nearer(new_none, a, b)]).mean()

    def first(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _accuracy(pulse[:1], none[:1], new_pulse, new_none)

    def with_distance(distance: Callable[[Array], Array]) -> Callable[..., Any]:
        def read(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
            a, b = pulse.mean(axis=0), none.mean(axis=0)
            hits = [distance(new_pulse - a) < distance(new_pulse - b), distance(new_none - b) < distance(new_none - a)]
            return np.concatenate(hits).mean()

        return read

    def nearest(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        def to(states: Array, old: Array) -> Array:
            return np.array(((states[:, None] - old) ** 2).sum(axis=2).min(axis=1))

        hits = [to(new_pulse, pulse) < to(new_pulse, none), to(new_none, none) < to(new_none, pulse)]
        return np.concatenate(hits).mean()

    def all_trials(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _accuracy(np.concatenate([pulse, new_pulse]), np.concatenate([none, new_none]), new_pulse, new_none)

    def exchanged(pulse: Array, none: Array, new_pulse: Array, new_none: Array) -> Any:
        return _accuracy(new_pulse, new_none, pulse, none)

    return [
        Mistake(
            "squares forgotten", "Differences of both signs cancel in a sum: nearer is the smaller sum of squares.",
            with_distance(lambda d: d.sum(axis=1)),
        ),
        Mistake(
            "square of the sum", "First the squares, then the sum over units.", with_distance(lambda d: np.abs(d.sum(axis=1))),
        ),
        Mistake(
            "sizes for squares", "Nearer means the smaller sum of squares.", with_distance(lambda d: np.abs(d).sum(axis=1)),
        ),
        Mistake(
            "each unit by itself", "The sum over units comes before the comparison: a trial is judged as a whole.",
            with_distance(lambda d: d.ravel() ** 2),
        ),
        Mistake(
            "summed over trials", "Each trial has a distance: the sum is over units.", with_distance(lambda d: (d**2).sum(axis=0)),
        ),
        Mistake("nearest trial", "Each new trial is compared with two means, not with every old trial.", nearest),
        Mistake("new trials in the means", "The new trials are to be judged by means that they had no part in.", all_trials),
        Mistake("trials with the pulse alone", "Trials without the pulse can be mistaken too.", of_one),
        Mistake("trials without the pulse alone", "Trials with the pulse can be mistaken too.", of_other),
        Mistake("tested on what it was made from", "Which trials make the means, and which are to be told apart?", same),
        Mistake("old and new exchanged", "Which trials make the means, and which are to be told apart?", exchanged),
        Mistake("means of the new trials", "The new trials are to be judged by means that they had no part in.", own_means),
        Mistake("share that looks like a pulse", "For a trial without the pulse, which answer is the right one?", says_pulse),
        Mistake("one trial for the mean", "All trials of a kind make its mean.", first),
        Mistake(
            "share of mistakes", "The right ones are to be counted.",
            lambda *arrays: 1 - _accuracy(*arrays),
        ),
        Mistake(
            "number, not share", "How many trials are there in all?",
            lambda *arrays: _accuracy(*arrays) * (len(arrays[2]) + len(arrays[3])),
        ),
    ]  # fmt: skip


EXERCISES: dict[str, Exercise] = {
    "step-jacobian": Exercise(
        "step_jacobian(r, W_rec, alpha) -> J (N, N)", ("J",), _draw_step, _step_jacobian, _step_mistakes
    ),
    "jacobian-products": Exercise(
        "products(J) -> P (T + 1, N, N), from J (T, N, N)", ("P",), _draw_products, _products, _product_mistakes
    ),
    "largest-exponent": Exercise(
        "largest_exponent(J, v) -> a number, from J (T, N, N) and v (N,)", ("exponent",),
        _draw_exponent, lambda J, v: np.log(_growths(J, v)).mean(), _exponent_mistakes,  # (10)
    ),
    "pulse-accuracy": Exercise(
        "pulse_accuracy(pulse, none, new_pulse, new_none) -> a number from 0 to 1", ("accuracy",),
        _draw_accuracy, _accuracy, _accuracy_mistakes,
    ),
}  # fmt: skip
