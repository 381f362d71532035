"""Tutorial 3, back-propagation through time in pieces: (6*), (5*) and one step of (4*) to (2*) of `minirnn.reference`."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import reference
from ...reference import Model, Params
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _sizes(rng: np.random.Generator) -> tuple[int, int, int, int, int]:
    """N, T, B, I, O, five different ones."""
    N, T, B, I, O = (int(n) for n in rng.permutation([2, 3, 4, 5, 6]))
    return N, T, B, I, O


def _errors(rng: np.random.Generator) -> Draw:
    T, B, O = (int(n) for n in rng.permutation([3, 4, 5, 6])[:3])  # none of them 2: 2 / B is then never 1
    mask = rng.uniform(0.3, 1.7, (T, B, O))
    mask[0, 0] = 0.0
    factors = {"sum(mask)": float(mask.sum()), "(T B O)": T * B * O, "(T B)": T * B, "T": T, "B": B}
    return Draw((rng.standard_normal((T, B, O)), rng.standard_normal((T, B, O)), mask), factors)


def _reading(rng: np.random.Generator) -> Draw:
    N, T, B, _, O = _sizes(rng)
    z_bar, h, W_out = rng.standard_normal((T, B, O)), rng.uniform(-1, 1, (T + 1, B, N)), rng.standard_normal((O, N))
    return Draw((z_bar, h, W_out), {"T": T, "B": B, "(T B)": T * B})


def _readout(
    z_bar: Array, h: Array, W_out: Array, *, read: slice = slice(1, None), told: slice = slice(1, None)
) -> tuple[Array, Array, Array]:
    """(5*), the state that is read and the one that is told of the error of z_t with them."""
    h_bar = np.zeros_like(h)
    h_bar[told] = z_bar @ W_out
    return h_bar, np.einsum("tbo,tbn->on", z_bar, h[read]), z_bar.sum(axis=(0, 1))


def _early(z_bar: Array, h: Array, W_out: Array) -> tuple[Array, Array, Array]:
    h_bar, _, b_out_bar = reference.readout_adjoint(_with(W_out), z_bar, h)
    return h_bar, np.einsum("tbo,tbn->on", z_bar, h[:-1]), b_out_bar


def _with(W_out: Array) -> Params:
    N = W_out.shape[1]
    return Params(np.zeros((N, 1)), np.zeros((N, N)), W_out, None, None, None)


def _of_readout(change: Callable[[Array, Array, Array, Array], tuple[Array, Array, Array]]) -> Callable[..., Any]:
    """A mistake from the right answer and z_bar."""
    return lambda z_bar, h, W_out: change(*reference.readout_adjoint(_with(W_out), z_bar, h), z_bar)


def _one_step(rng: np.random.Generator) -> Draw:
    N, _, B, I, _ = _sizes(rng)
    h_bar, h = rng.standard_normal((B, N)), rng.uniform(-1, 1, (B, N))
    W_rec, W_in, x = rng.standard_normal((N, N)), rng.standard_normal((N, I)), rng.standard_normal((B, I))
    r = np.tanh(h @ W_rec.T + x @ W_in.T)
    alpha = float(rng.uniform(0.15, 0.45))
    return Draw((h_bar, h, r, x, W_rec, alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha, "B": B})


def _step_back(h_bar_next: Array, h: Array, r: Array, x: Array, W_rec: Array, alpha: float) -> tuple[Array, ...]:
    N, step = len(W_rec), np.full(len(W_rec), alpha)
    params = Params(np.zeros((N, x.shape[1])), W_rec, np.zeros((1, N)), None, None, None)
    rates_bar = np.stack([np.zeros_like(h_bar_next), h_bar_next])
    W_in_bar, W_rec_bar, b_rec_bar, h_bar, _ = reference.rollout_adjoint(
        params, rates_bar, x[None], np.stack([h, h]), r[None], Model(step, step)
    )
    return h_bar[0], W_rec_bar, W_in_bar, b_rec_bar


def _slip_of_step(kind: str) -> Callable[..., Any]:
    def back(h_bar_next: Array, h: Array, r: Array, x: Array, W_rec: Array, alpha: float) -> tuple[Array, ...]:
        slope = 1 - r * r
        if kind == "slope at the state":
            slope = 1 - h * h
        if kind == "no square":
            slope = 1 - r
        if kind == "tanh once more":
            slope = 1 - np.tanh(r) ** 2
        if kind == "no slope":
            slope = np.ones_like(r)
        if kind == "1 + tanh^2":
            slope = 1 + r * r
        r_bar = {"no alpha": 1.0, "drive is the leak": 1 - alpha}.get(kind, alpha) * h_bar_next
        a_bar = r_bar * slope
        weights = W_rec.T if kind == "transposed" else W_rec
        leak = (1 - alpha) * h_bar_next
        h_bar = leak + a_bar @ weights
        if kind == "no leak":
            h_bar = a_bar @ W_rec
        if kind == "leak alone":
            h_bar = leak
        if kind == "leak is the step":
            h_bar = alpha * h_bar_next + a_bar @ W_rec
        if kind == "whole error passed on":
            h_bar = h_bar_next + a_bar @ W_rec
        if kind == "state without the slope":
            h_bar = leak + r_bar @ W_rec
        if kind == "state from h_bar_next":
            h_bar = leak + h_bar_next @ W_rec
        if kind == "alpha twice":
            h_bar = leak + alpha * a_bar @ W_rec
        wrong = {"weights without the slope": r_bar, "weights from h_bar_next": h_bar_next, "weights from h_bar": h_bar}
        error = wrong.get(kind, a_bar)
        W_rec_bar, W_in_bar, b_rec_bar = error.T @ h, error.T @ x, error.sum(axis=0)
        if kind == "W_rec without the slope":
            W_rec_bar = r_bar.T @ h
        if kind == "bias without the slope":
            b_rec_bar = r_bar.sum(axis=0)
        if kind == "drive for state":
            W_rec_bar = a_bar.T @ r
        if kind == "from, to":
            W_rec_bar = W_rec_bar.T
        if kind == "mean over trials":
            W_rec_bar, W_in_bar, b_rec_bar = (part / len(h) for part in (W_rec_bar, W_in_bar, b_rec_bar))
        if kind == "bias mean":
            b_rec_bar = a_bar.mean(axis=0)
        return h_bar, W_rec_bar, W_in_bar, b_rec_bar

    return back


_WORDS_OF_STEP = {
    "slope at the state": "tanh' belongs to (3): it is 1 - tanh(a)^2, and tanh(a) is r.",
    "no square": "tanh' = 1 - tanh^2.",
    "tanh once more": "r is tanh(a) already.",
    "no slope": "(3) has a derivative too.",
    "1 + tanh^2": "tanh' = 1 - tanh^2.",
    "drive is the leak": "By how much does h_{t+1} change if r_t does? (4)",
    "state without the slope": "h_t acts on a_t, not on r_t: which error goes back through W_rec?",
    "state from h_bar_next": "h_t acts on a_t: go through (4) and (3) before you go through (2).",
    "alpha twice": "alpha is in (4) once, and so in r_bar once.",
    "weights without the slope": "W_rec, W_in and b_rec make a_t, not r_t: which error belongs to them?",
    "weights from h_bar_next": "W_rec, W_in and b_rec make a_t: go through (4) and (3) before you go through (2).",
    "weights from h_bar": "W_rec, W_in and b_rec make a_t: it is a_bar that belongs to them, not the error of h_t.",
    "W_rec without the slope": "W_rec makes a_t, not r_t: which error belongs to it?",
    "bias without the slope": "The bias is in a_t, not in r_t: which error belongs to it?",
    "no alpha": "By how much does h_{t+1} change if r_t does? (4)",
    "transposed": ("a_i contains W_ij h_j: the error of j is the sum over i of a_bar_i W_ij. Is W turned, when a_bar is a row?"),
    "no leak": "h_t is in (4) as well as in (2): two ways, and their contributions add.",
    "leak alone": "h_t is in (2) as well as in (4): two ways, and their contributions add.",
    "leak is the step": "By how much does h_{t+1} change if h_t does and r_t does not? (4)",
    "whole error passed on": "Of h_t, 1 - alpha is left in h_{t+1}: so much of the error comes back.",
    "drive for state": "What does W_rec multiply in (2)?",
    "from, to": "A gradient has the layout of its weights, (to, from).",
    "mean over trials": "All trials share the weights: contributions add. The mean over trials is in (6*) already.",
    "bias mean": "All trials share the bias: contributions add.",
}


EXERCISES = {
    "error-adjoint": Exercise(
        "error_adjoint(z, target, mask) -> z_bar (T, B, O)",
        ("z_bar",),
        _errors,
        reference.error_adjoint,  # (6*)
        lambda: [
            Mistake("the 2 is missing", "What is the derivative of a square?", lambda z, y, m: m * (z - y) / m.sum()),
            Mistake("the sign", "The error is z - target: a larger z makes it larger.", lambda z, y, m: 2 * m * (y - z) / m.sum()),
            Mistake("mean over all entries", "In (6) the sum is divided by sum(mask).", lambda z, y, m: 2 * m * (z - y) / m.size),
            Mistake("not divided", "In (6) the sum is divided by sum(mask).", lambda z, y, m: 2 * m * (z - y)),
            Mistake("the mask is missing", "What does not count in (6) has no gradient.", lambda z, y, m: 2 * (z - y) / m.sum()),
            Mistake("the mask squared", "(6) is linear in the mask.", lambda z, y, m: 2 * m * m * (z - y) / m.sum()),
            Mistake(
                "the loss itself", "That is what is summed in (6), not its derivative.", lambda z, y, m: m * (z - y) ** 2 / m.sum()
            ),
            Mistake("the square is kept", "What is the derivative of a square?", lambda z, y, m: 2 * m * (z - y) ** 2 / m.sum()),
            Mistake("the target is missing", "(z - target)^2 has an inner part.", lambda z, y, m: 2 * m * z / m.sum()),
            Mistake("neither mask nor division", "(6) is a mean over what counts: where are m and M?", lambda z, y, m: 2 * (z - y)),
            Mistake(
                "mean over all entries, without a mask",
                "(6) is a mean over what counts: where are m and M?",
                lambda z, y, m: 2 * (z - y) / m.size,
            ),
            Mistake("neither 2 nor division", "(6) has a square, and is divided by M.", lambda z, y, m: m * (z - y)),
            Mistake("the mask on z alone", "In (6) the mask multiplies the square.", lambda z, y, m: 2 * (m * z - y) / m.sum()),
            Mistake("divided by the steps", "In (6) the sum is divided by sum(mask).", lambda z, y, m: 2 * m * (z - y) / len(m)),
            Mistake(
                "a mean per step", "M is one number, the sum over all of mask.", lambda z, y, m: 2 * m * (z - y) / m.sum(axis=0)
            ),
            Mistake(
                "divided by the trials", "In (6) the sum is divided by sum(mask).", lambda z, y, m: 2 * m * (z - y) / m.shape[1]
            ),
        ],
    ),
    "readout-adjoint": Exercise(
        "readout_adjoint(z_bar, h, W_out) -> (h_bar (T+1, B, N), W_out_bar (O, N), b_out_bar (O,))",
        ("h_bar", "W_out_bar", "b_out_bar"),
        _reading,
        lambda z_bar, h, W_out: reference.readout_adjoint(_with(W_out), z_bar, h),  # (5*)
        lambda: [
            Mistake(
                "one step early",
                "z_t is read from h_{t+1} (5), so its error belongs to h_bar[t + 1].",
                lambda z_bar, h, W_out: _readout(z_bar, h, W_out, told=slice(None, -1)),
            ),
            Mistake("W_out_bar of the state before", "z_t is read from h_{t+1}, not from h_t (5).", _early),
            Mistake(
                "both one step early",
                "z_t is read from h_{t+1}, not from h_t (5).",
                lambda z_bar, h, W_out: _readout(z_bar, h, W_out, read=slice(None, -1), told=slice(None, -1)),
            ),
            Mistake(
                "mean for sum",
                "The weights are the same in all steps and trials: contributions add. The mean is in (6*) already.",
                _of_readout(lambda h, W, b, z: (h, W / math.prod(z.shape[:2]), b / math.prod(z.shape[:2]))),
            ),
            Mistake(
                "b_out_bar is a mean",
                "The bias is the same in all steps and trials: contributions add.",
                _of_readout(lambda h, W, b, z: (h, W, z.mean(axis=(0, 1)))),
            ),
            Mistake(
                "W_out_bar of the last step alone",
                "The weights act in every step: sum over all of them.",
                lambda z_bar, h, W_out: (_readout(z_bar, h, W_out)[0], z_bar[-1].T @ h[-1], z_bar.sum(axis=(0, 1))),
            ),
            Mistake(
                "W_out_bar of the first step alone",
                "The weights act in every step: sum over all of them.",
                lambda z_bar, h, W_out: (_readout(z_bar, h, W_out)[0], z_bar[0].T @ h[1], z_bar.sum(axis=(0, 1))),
            ),
            Mistake(
                "h_0 is read too",
                "No output is read from h_0: its direct share is 0.",
                lambda z_bar, h, W_out: (
                    np.concatenate([z_bar[:1] @ W_out, z_bar @ W_out]),
                    *_readout(z_bar, h, W_out)[1:],
                ),
            ),
            Mistake(
                "the last step alone",
                "The weights act in every step: sum over all of them.",
                lambda z_bar, h, W_out: (_readout(z_bar, h, W_out)[0], z_bar[-1].T @ h[-1], z_bar[-1].sum(axis=0)),
            ),
        ],
    ),
    "one-step-back": Exercise(
        "one_step_back(h_bar_next, h, r, x, W_rec, alpha) -> (h_bar (B, N), W_rec_bar (N, N), W_in_bar (N, I), b_rec_bar (N,))",
        ("h_bar", "W_rec_bar", "W_in_bar", "b_rec_bar"),
        _one_step,
        _step_back,  # (4*) to (2*)
        lambda: [Mistake(kind, words, _slip_of_step(kind)) for kind, words in _WORDS_OF_STEP.items()],
    ),
}
