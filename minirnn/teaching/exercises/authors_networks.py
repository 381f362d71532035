"""Tutorial 10, the authors' networks. Keras' arrays: kernel (I, N), recurrent_kernel (N, N), dense_kernel (N, O); x (B, T, I)."""

from typing import Any

import numpy as np

from ...tasks.measures import distance
from ...trials import Trials
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _kernels(rng: np.random.Generator) -> Draw:
    N, I, O = (int(n) for n in rng.permutation([2, 3, 4, 5])[:3])
    return Draw((rng.standard_normal((I, N)), rng.standard_normal((N, N)), rng.standard_normal((N, O))))


def _layer(rng: np.random.Generator) -> Draw:
    B, T, I, N, O = (int(n) for n in rng.permutation([2, 3, 4, 5, 6]))
    weights = [0.7 * rng.standard_normal(shape) for shape in ((I, N), (N, N), (N, O), (O,))]
    return Draw((*weights, rng.standard_normal((B, T, I))), {"T": T, "B": B, "N": N})


def _simple_rnn(kind: str = "") -> Any:
    def run(kernel: Array, recurrent_kernel: Array, dense_kernel: Array, dense_bias: Array, x: Array) -> Array:
        B, T, _ = x.shape
        U = recurrent_kernel.T if kind == "recurrent kernel transposed" else recurrent_kernel
        h = np.zeros((B, len(U)))
        z = np.empty((B, T, dense_kernel.shape[1]))
        if kind == "a trial begins where the one before ended":
            h = np.zeros(len(U))
            for b, t in np.ndindex(B, T):
                h = np.tanh(x[b, t] @ kernel + h @ U)
                z[b, t] = h @ dense_kernel + dense_bias
            return z
        for t in range(T):
            before = h
            seen = x[:, t]
            h = np.tanh(seen @ kernel + h @ U)  # (1)
            if kind == "no activation":
                h = seen @ kernel + before @ U
            if kind == "no memory":
                h = np.tanh(seen @ kernel)
            if kind == "tanh before the sum":
                h = np.tanh(before @ U) + seen @ kernel
            read = before if kind == "read before the step" else h
            z[:, t] = read @ dense_kernel + (0 if kind == "dense bias forgotten" else dense_bias)  # (2)
        if kind == "reshaped from (T, B, O)":
            return z.swapaxes(0, 1).reshape(z.shape)
        return np.tanh(z) if kind == "tanh on the output" else z

    return run


_WORDS_RNN = {
    "recurrent kernel transposed": "Rows of h stand to the left here, as in (1): no .T. Its square shape does not warn you.",
    "read before the step": "z_t is read from the state that has seen x_t. This reads the one before, which only knows x_{t-1}.",
    "tanh on the output": "The dense layer is linear.",
    "dense bias forgotten": "(2) has a bias.",
    "no activation": "tanh is missing in (1).",
    "no memory": "The state before is missing in (1).",
    "tanh before the sum": "tanh acts on the sum of both products.",
    "a trial begins where the one before ended": "Each trial starts from h = 0.",
    "reshaped from (T, B, O)": "reshape keeps the numbers in their order in memory: trials and steps mix. Exchange the axes.",
}


def _outputs(rng: np.random.Generator) -> Draw:
    T, B, O = (int(n) for n in rng.permutation([2, 3, 4, 5, 6])[:3])
    return Draw((rng.standard_normal((T, B, O)), rng.standard_normal((T, B, O))), {"T": T, "B": B, "O": O, "T O": T * O})


def _distance(z: Array, target: Array) -> Array:
    return distance(z, Trials(np.zeros((*z.shape[:2], 0)), target))


def _answers(rng: np.random.Generator) -> Draw:
    """Outputs that are right more and more often, and differently in each part of a trial."""
    T, B = int(rng.integers(40, 60)), int(rng.integers(2, 5))
    start = int(rng.integers(11, 17))
    T += (T - start + 1) % 2  # an odd number of steps: it matters which half is the longer one
    target = np.where(np.arange(T)[:, None] >= start, rng.integers(0, 2, B), 0.0)[:, :, None].astype(float)
    z = target + rng.normal(0, 1, (T, B, 1)) * np.linspace(1.5, 0.4, T)[:, None, None] + rng.normal(0, 0.2)
    return Draw((z, target, start), {"T": T, "B": B})


def _share(z: Array, target: Array, start: int) -> Array:
    half = start + (len(z) - start) // 2
    return ((z[half:, :, 0] > 0.5) == (target[half:, :, 0] > 0.5)).mean(axis=0)


def _window(first: Any, last: Any = None) -> Any:
    def share(z: Array, target: Array, start: int) -> Array:
        part = slice(first(len(z), start), None if last is None else last(len(z), start))
        return ((z[part, :, 0] > 0.5) == (target[part, :, 0] > 0.5)).mean(axis=0)

    return share


EXERCISES = {
    "keras-to-minirnn": Exercise(
        "from_keras(kernel, recurrent_kernel, dense_kernel) -> (W_in (N, I), W_rec (N, N), W_out (O, N))",
        ("W_in", "W_rec", "W_out"),
        _kernels,
        lambda K, U, D: (K.T, U.T, D.T),  # (3)
        lambda: [
            Mistake(
                "the square one is not transposed",
                "No shape tells: U and its transpose are both (N, N). Which index of U is the sending unit, in (1)?",
                lambda K, U, D: (K.T, U, D.T),
            ),
            Mistake(
                "reshaped, not transposed",
                "reshape keeps the numbers in their order in memory and cuts the rows elsewhere. What turns K_ij into K_ji?",
                lambda K, U, D: (K.reshape(K.shape[::-1]), U.T, D.reshape(D.shape[::-1])),
            ),
            Mistake(
                "reshaped, and the square one left",
                "reshape keeps the numbers in their order in memory, and of a square array it changes nothing.",
                lambda K, U, D: (K.reshape(K.shape[::-1]), U, D.reshape(D.shape[::-1])),
            ),
            Mistake(
                "the inverse",
                "The transpose is the inverse for orthogonal matrices alone, as U is before training.",
                lambda K, U, D: (K.T, np.linalg.inv(U), D.T),
            ),
            Mistake(
                "rows reversed",
                "[::-1] turns the rows upside down. A transpose exchanges the two axes.",
                lambda K, U, D: (K.T, U[::-1], D.T),
            ),
        ],
    ),
    "simple-rnn": Exercise(
        "simple_rnn(kernel, recurrent_kernel, dense_kernel, dense_bias, x) -> z (B, T, O)",
        ("z",),
        _layer,
        _simple_rnn(),
        lambda: [Mistake(kind, words, _simple_rnn(kind)) for kind, words in _WORDS_RNN.items()],
    ),
    "distance-to-target": Exercise(
        "distance(z, target) -> (B,) of z, target (T, B, O)",
        ("distance",),
        _outputs,
        _distance,
        lambda: [
            Mistake(
                "root of the mean",
                "(4) is a sum over the steps, not divided by their number: a longer trial has a larger distance.",
                lambda z, y: np.sqrt(((z - y) ** 2).mean(axis=(0, 2))),
            ),
            Mistake(
                "a sum over outputs of distances",
                "The root comes last, after the sum over steps and outputs.",
                lambda z, y: np.sqrt(((z - y) ** 2).sum(axis=0)).sum(axis=1),
            ),
            Mistake(
                "a mean of distances",
                "(4) is not divided by anything, and its root comes last.",
                lambda z, y: np.sqrt(((z - y) ** 2).sum(axis=2)).mean(axis=0),
            ),
            Mistake(
                "summed, then squared",
                "Square each difference first: errors of opposite sign do not cancel.",
                lambda z, y: np.abs((z - y).sum(axis=(0, 2))),
            ),
            Mistake("no root", "A distance is the root of the sum of squares.", lambda z, y: ((z - y) ** 2).sum(axis=(0, 2))),
            Mistake("mean square", "(4) is the root of a sum.", lambda z, y: ((z - y) ** 2).mean(axis=(0, 2))),
            Mistake("absolute differences", "(4) squares the differences.", lambda z, y: np.abs(z - y).sum(axis=(0, 2))),
            Mistake(
                "a sum of distances",
                "The root comes last, after the sum over steps and outputs.",
                lambda z, y: np.sqrt(((z - y) ** 2).sum(axis=2)).sum(axis=0),
            ),
            Mistake(
                "lengths compared",
                "How long z is, less how long y is: two outputs can be equally long and far apart.",
                lambda z, y: np.sqrt((z**2).sum(axis=(0, 2))) - np.sqrt((y**2).sum(axis=(0, 2))),
            ),
        ],
    ),
    "held-answer": Exercise(
        "share_right(z, target, start) -> (B,) share of steps on the right side, of z, target (T, B, 1)",
        ("share",),
        _answers,
        _share,
        lambda: [
            Mistake(
                "all of the answer",
                "Only the last half of the answer counts: the output may take its time.",
                _window(lambda T, s: s),
            ),
            Mistake(
                "start not added",
                "(T - start) // 2 is how many steps of the answer are left out. From where are they counted?",
                _window(lambda T, s: (T - s) // 2),
            ),
            Mistake("half of the trial after start", "Half of the answer, not of the trial.", _window(lambda T, s: s + T // 2)),
            Mistake(
                "the longer half left out",
                "Of an odd number of steps (T - start) // 2 are left out; the rest counts.",
                _window(lambda T, s: s + (T - s + 1) // 2),
            ),
            Mistake(
                "the target not looked at",
                "This is the share of steps above 0.5. For a target of 0 these are the wrong ones.",
                lambda z, y, s: (z > 0.5)[s + (len(z) - s) // 2 :, :, 0].mean(axis=0),
            ),
            Mistake(
                "divided by the whole answer",
                "How many steps does the last half have?",
                lambda z, y, s: _share(z, y, s) * (len(z) - s - (len(z) - s) // 2) / (len(z) - s),
            ),
            Mistake("per cent", "A share lies between 0 and 1.", lambda z, y, s: 100 * _share(z, y, s)),
            Mistake(
                "compared with 95 %",
                "The share itself is asked for; it is compared in the next cell.",
                lambda z, y, s: (_share(z, y, s) >= 0.95).astype(float),
            ),
            Mistake("the whole trial", "Before `start` there is no answer to judge.", _window(lambda T, s: 0)),
            Mistake("the first half", "It is the last half of the answer.", _window(lambda T, s: s, lambda T, s: s + (T - s) // 2)),
            Mistake(
                "half of the trial",
                "Half of the answer, which begins at `start`, not half of the trial.",
                _window(lambda T, s: T // 2),
            ),
            Mistake(
                "close to the target",
                "On the right side of 0.5 is enough: 1.8 is a clear yes.",
                lambda z, y, s: (np.abs(z - y)[s + (len(z) - s) // 2 :, :, 0] < 0.5).mean(axis=0),
            ),
            Mistake(
                "the sign",
                "The two answers are 0 and 1: the border is 0.5.",
                lambda z, y, s: ((z > 0) == (y > 0))[s + (len(z) - s) // 2 :, :, 0].mean(axis=0),
            ),
            Mistake("those on the wrong side", "These are the steps where it is wrong.", lambda z, y, s: 1 - _share(z, y, s)),
            Mistake(
                "steps counted, not their share",
                "Divide by how many steps there are.",
                lambda z, y, s: _share(z, y, s) * (len(z) - s - (len(z) - s) // 2),
            ),
        ],
    ),
}
