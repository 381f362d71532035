"""Tutorial 11, the 3-bit flip-flop. x, target (T, B, 3), states h (S, N) or (N,); equation numbers are the tutorial's."""

from typing import Any

import numpy as np

from ...analysis.fixed_points import Dynamics
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _pulses(rng: np.random.Generator) -> Draw:
    """Channels with pulses of their own, each longer than a step, never closer than the wait."""
    B, wait, pulse = int(rng.integers(2, 5)), int(rng.integers(6, 10)), int(rng.integers(3, 5))
    T = int(rng.integers(50, 60))
    x = np.zeros((T, B, 3))
    for b, k in np.ndindex(B, 3):
        start = int(rng.integers(1, 9))
        while start < T - wait:
            x[start : start + pulse, b, k] = rng.choice([-1, 1])
            start += wait + pulse + int(rng.integers(1, 9))
    return Draw((x, wait))


def _target(x: Array, wait: int) -> Array:
    memory = np.zeros(x.shape[1:])
    target = np.zeros_like(x)
    for t in range(wait, len(x)):
        seen = x[t - wait]
        memory = np.where(seen != 0, seen, memory)  # (1)
        target[t] = memory
    return target


def _shifted(x: Array, wait: int, by: int) -> Array:
    return _target(x, wait + by)


def _shared(x: Array, wait: int) -> Array:
    memory = np.zeros((x.shape[1], 1))
    target = np.zeros_like(x)
    for t in range(wait, len(x)):
        for k in range(3):
            memory = np.where(x[t - wait, :, k : k + 1] != 0, x[t - wait, :, k : k + 1], memory)
        target[t] = memory
    return target


def _delayed(x: Array, wait: int) -> Array:
    target = np.zeros_like(x)
    target[wait:] = x[: len(x) - wait]
    return target


def _ended(x: Array, wait: int) -> Array:
    """The wait counted from the last step of a pulse that is not 0 any more."""
    following = np.zeros_like(x)
    following[1:] = np.where((x[1:] == 0) & (x[:-1] != 0), x[:-1], 0)
    return _target(following, wait)


def _some_states(rng: np.random.Generator) -> Draw:
    N, S = (int(n) for n in rng.permutation([3, 4, 5, 6])[:2])
    return Draw((rng.uniform(-1, 1, (S, N)), rng.standard_normal((N, N))), {"N": N, "S": S})


def _energy(rule: Any) -> Any:
    return lambda h, W: rule(np.tanh(h @ W.T) - h, h, W)


def _fixed_point(rng: np.random.Generator) -> Draw:
    """A point and a matrix of which it is a fixed point, with modes that grow and turn, and modes that grow alone."""
    while True:
        N, alpha = int(rng.integers(4, 8)), float(rng.uniform(0.4, 0.8))
        h = rng.uniform(-0.6, 0.6, N)
        W = 3 * rng.standard_normal((N, N)) / np.sqrt(N)
        W = W + np.outer(np.arctanh(h) - W @ h, h) / (h @ h)
        values = np.linalg.eigvals(Dynamics(W, leak=alpha).jacobian(h))
        number = int((np.abs(values) > 1).sum())
        rules = {number, N - number, int((values.real > 1).sum()), int((values.real > 0).sum())}
        pairs_once = int(((np.abs(values) > 1) & (values.imag >= 0)).sum())
        rightmost = values[values.real.argmax()]  # complex, and not the largest: it is a typical mistake to take it for that
        smaller = rightmost.imag != 0 and np.abs(rightmost) < 0.98 * np.abs(values).max()
        if len(rules | {1}) == 5 and number > 2 and pairs_once not in rules and smaller:
            return Draw((h, W, alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha})


def _modes(rule: Any, matrix: Any = None) -> Any:
    """(number of modes by a rule of the eigenvalues and alpha, largest modulus) of a matrix."""

    def found(h: Array, W: Array, alpha: float) -> tuple[int, float]:
        J = Dynamics(W, leak=alpha).jacobian(h) if matrix is None else matrix(h, W, alpha)
        values = np.linalg.eigvals(J)
        return int(rule(values).sum()), float(np.abs(values).max())

    return found


def _readout(rng: np.random.Generator) -> Draw:
    S, N = int(rng.integers(12, 20)), int(rng.integers(4, 8))
    return Draw((rng.uniform(-1, 1, (S, N)), rng.standard_normal((3, N)), rng.uniform(0.5, 1.0, 3) * rng.choice([-1, 1], 3)))


def _corner(powers: tuple[int, ...], threshold: float = 0.0) -> Any:
    return lambda h, W, b: (h @ W.T + b > threshold) @ np.array(powers)


def _outside(values: Array) -> Any:
    return np.abs(values) > 1


def _of_modes(rule: Any) -> Any:
    """What a rule makes of the eigenvalues of the right J."""
    return lambda h, W, a: rule(np.linalg.eigvals(Dynamics(W, leak=a).jacobian(h)))


EXERCISES = {
    "flip-flop-target": Exercise(
        "flip_flop(x, wait) -> target (T, B, 3) of pulses x (T, B, 3), without noise",
        ("target",),
        _pulses,
        _target,
        lambda: [
            Mistake("no wait", "The answer comes `wait` steps after the pulse starts.", lambda x, w: _target(x, 0)),
            Mistake("no memory", "This is the pulse, later. Where is it kept when it is over?", _delayed),
            Mistake(
                "pulses added up",
                "A flip-flop keeps the last pulse; the ones before are forgotten, not added.",
                lambda x, w: np.cumsum(_delayed(x, w), axis=0),
            ),
            Mistake("one memory for all channels", "Each channel remembers its own last pulse.", _shared),
            Mistake("the wait counted from the end of a pulse", "It is counted from the first step of the pulse.", _ended),
            Mistake("a step late", "target[t] is decided by x[t - wait].", lambda x, w: _shifted(x, w, 1)),
            Mistake("a step early", "target[t] is decided by x[t - wait].", lambda x, w: _shifted(x, w, -1)),
            Mistake("the sign lost", "A pulse of -1 is remembered as -1.", lambda x, w: np.abs(_target(x, w))),
            Mistake(
                "0 and 1 for -1 and +1", "The target has the heights of the pulses.", lambda x, w: (_target(x, w) > 0).astype(float)
            ),
            Mistake(
                "the last steps at the beginning",
                "In the first steps t - wait is negative, and x[-1] is the last step of the trial. The target is 0 there.",
                _wrapped,
            ),
            Mistake(
                "np.roll",
                "np.roll puts the end of the trial at its beginning. The target is 0 there.",
                lambda x, w: np.roll(_target(x, 0), w, axis=0),
            ),
            Mistake(
                "no wait, but 0 in the first steps",
                "The answer to each pulse comes `wait` steps after it, not to the first one alone.",
                lambda x, w: np.where(np.arange(len(x))[:, None, None] >= w, _target(x, 0), 0.0),
            ),
            Mistake("pulses of -1 ignored", "A pulse of -1 sets its channel to -1.", lambda x, w: _target(np.maximum(x, 0), w)),
            Mistake(
                "a pulse on one channel erases the others",
                "Where a channel has no pulse it keeps its memory, whatever the other channels do.",
                _erased,
            ),
            Mistake("once set, for ever", "A later pulse must be able to change the memory.", lambda x, w: _first(x, w)),
        ],
    ),
    "flow-energy": Exercise(
        "energy(h, W_rec) -> q (S,) of states h (S, N), without input",
        ("q",),
        _some_states,
        lambda h, W: Dynamics(W).q(h),
        lambda: [
            Mistake(
                "F without -h",
                "What is 0 at a fixed point is -h + tanh(W_rec h).",
                lambda h, W: 0.5 * (np.tanh(h @ W.T) ** 2).sum(axis=1),
            ),
            Mistake(
                "W_rec transposed",
                "W_rec is (to, from); for rows of h the product is h @ W_rec.T.",
                lambda h, W: 0.5 * ((np.tanh(h @ W) - h) ** 2).sum(axis=1),
            ),
            Mistake(
                "the length, not its square",
                "q is half the square of the length.",
                _energy(lambda F, h, W: 0.5 * np.sqrt((F**2).sum(axis=1))),
            ),
            Mistake("the length", "q is half the square of the length.", _energy(lambda F, h, W: np.sqrt((F**2).sum(axis=1)))),
            Mistake("mean over units", "|F|^2 is a sum over units.", _energy(lambda F, h, W: 0.5 * (F**2).mean(axis=1))),
            Mistake("no activation", "The drive is tanh(W_rec h).", lambda h, W: 0.5 * ((h @ W.T - h) ** 2).sum(axis=1)),
            Mistake(
                "the sum of F squared",
                "First square each unit's part, then sum: parts of opposite sign do not cancel.",
                _energy(lambda F, h, W: 0.5 * F.sum(axis=1) ** 2),
            ),
            Mistake(
                "tanh before the weights",
                "In (2) tanh is applied to what the weights make of h.",
                lambda h, W: 0.5 * ((np.tanh(h) @ W.T - h) ** 2).sum(axis=1),
            ),
            Mistake(
                "tanh of it all",
                "In (2) -h is outside tanh.",
                lambda h, W: 0.5 * (np.tanh(h @ W.T - h) ** 2).sum(axis=1),
            ),
            Mistake("the sign of -h", "The leak takes away.", lambda h, W: 0.5 * ((np.tanh(h @ W.T) + h) ** 2).sum(axis=1)),
        ],
    ),
    "unstable-modes": Exercise(
        "unstable(h, W_rec, alpha) -> (number of modes with |lambda| > 1, the largest |lambda|) at the fixed point h (N,)",
        ("number", "largest"),
        _fixed_point,
        _modes(_outside),
        lambda: [
            Mistake(
                "eigenvalues of W_rec",
                "These belong to h = 0 and alpha = 1. The slope of tanh depends on where the fixed point is.",
                _modes(_outside, lambda h, W, a: W),
            ),
            Mistake(
                "the linear network",
                "These belong to h = 0. The slope of tanh depends on where the fixed point is.",
                _modes(_outside, lambda h, W, a: (1 - a) * np.eye(len(W)) + a * W),
            ),
            Mistake(
                "the leak is missing",
                "(1 - alpha) stands on the diagonal of J.",
                _modes(_outside, lambda h, W, a: a * (1 - h**2)[:, None] * W),
            ),
            Mistake("alpha is 1", "J depends on alpha.", _modes(_outside, lambda h, W, a: (1 - h**2)[:, None] * W)),
            Mistake(
                "the flow's matrix",
                "For the map the state itself belongs to it: J is 1 plus this. |lambda| < 1 is the rule of a map.",
                _modes(_outside, lambda h, W, a: a * ((1 - h**2)[:, None] * W - np.eye(len(W)))),
            ),
            Mistake(
                "Re lambda > 1", "A mode with Re < 1 grows too if |lambda| > 1: it turns.", _modes(lambda values: values.real > 1)
            ),
            Mistake(
                "Re lambda > 0",
                "That is the rule of a flow dh/dt = F(h). For a step it is |lambda| > 1.",
                _modes(lambda values: values.real > 0),
            ),
            Mistake(
                "the flow's eigenvalues",
                "These are of F. Those of a step are 1 + alpha times these, and its rule is |lambda| > 1.",
                _modes(lambda values: values.real > 0, lambda h, W, a: (1 - h**2)[:, None] * W - np.eye(len(W))),
            ),
            Mistake(
                "the whole identity",
                "(1 - alpha) stands on the diagonal of J.",
                _modes(_outside, lambda h, W, a: np.eye(len(W)) + a * (1 - h**2)[:, None] * W),
            ),
            Mistake(
                "a number added to every entry",
                "(1 - alpha) stands on the diagonal: the identity matrix.",
                _modes(_outside, lambda h, W, a: (1 - a) + a * (1 - h**2)[:, None] * W),
            ),
            Mistake(
                "h @ W_rec for the argument",
                "What unit i receives is W_rec @ h.",
                _modes(_outside, lambda h, W, a: (1 - a) * np.eye(len(W)) + a * (1 - np.tanh(h @ W) ** 2)[:, None] * W),
            ),
            Mistake(
                "a pair counted once",
                "A complex eigenvalue and its conjugate are two modes.",
                _modes(lambda values: (np.abs(values) > 1) & (values.imag >= 0)),
            ),
            Mistake(
                "the largest by its real part",
                "max() of complex numbers goes by the real part. Take the modulus first.",
                _of_modes(lambda v: (int((np.abs(v) > 1).sum()), float(np.abs(v[v.real.argmax()])))),
            ),
            Mistake(
                "the largest real part",
                "The largest |lambda| is asked for.",
                _of_modes(lambda v: (int((np.abs(v) > 1).sum()), float(v.real.max()))),
            ),
            Mistake(
                "real parts for moduli",
                "|lambda| is the modulus. A mode with Re < 1 grows too if |lambda| > 1: it turns.",
                _of_modes(lambda v: (int((v.real > 1).sum()), float(v.real.max()))),
            ),
            Mistake(
                "whether there are any",
                "How many are there?",
                _of_modes(lambda v: (1, float(np.abs(v).max()))),
            ),
            Mistake(
                "the two in the other order",
                "First the number, then the largest.",
                _of_modes(lambda v: (float(np.abs(v).max()), int((np.abs(v) > 1).sum()))),
            ),
            Mistake(
                "eigvalsh",
                "np.linalg.eigvalsh is for symmetric matrices and does not check. J is not symmetric.",
                lambda h, W, a: _symmetric(Dynamics(W, leak=a).jacobian(h)),
            ),
            Mistake("the stable ones", "These are the others.", _modes(lambda values: np.abs(values) < 1)),
            Mistake(
                "singular values",
                "These say how much one step stretches; what grows over many steps are eigenvalues.",
                lambda h, W, a: _singular(Dynamics(W, leak=a).jacobian(h)),
            ),
            Mistake(
                "slope at h instead of at W_rec h",
                "tanh acts on W_rec h. There its slope is 1 - h^2, not 1 - tanh(h)^2.",
                _modes(_outside, lambda h, W, a: (1 - a) * np.eye(len(W)) + a * (1 - np.tanh(h) ** 2)[:, None] * W),
            ),
        ],
    ),
    "corner-of-a-state": Exercise(
        "corner(h, W_out, b_out) -> number 0 .. 7 (S,) of states h (S, N)",
        ("corner",),
        _readout,
        lambda h, W, b: (h @ W.T + b > 0) @ np.array([4, 2, 1]),
        lambda: [
            Mistake("channels in the other order", "Channel A, the first, has the weight 4.", _corner((1, 2, 4))),
            Mistake("b_out forgotten", "The output has a bias.", lambda h, W, b: (h @ W.T > 0) @ np.array([4, 2, 1])),
            Mistake("a border of 0.5", "The outputs are -1 and +1: the border is 0.", _corner((4, 2, 1), 0.5)),
            Mistake(
                "-1 for 0",
                "A bit is 0 or 1. Compare, do not take the sign.",
                lambda h, W, b: np.sign(h @ W.T + b) @ np.array([4, 2, 1]),
            ),
            Mistake(
                "no border", "A bit is 0 or 1: which outputs are above 0?", lambda h, W, b: (h @ W.T + b) @ np.array([4, 2, 1])
            ),
            Mistake("bits counted", "Which bits are 1 matters, not only how many.", _corner((1, 1, 1))),
            Mistake("bits the other way round", "+ is 1, - is 0.", lambda h, W, b: 7 - (h @ W.T + b > 0) @ np.array([4, 2, 1])),
            Mistake("counted from 1", "The first corner is number 0.", lambda h, W, b: 1 + (h @ W.T + b > 0) @ np.array([4, 2, 1])),
        ],
    ),
}


def _singular(J: Array) -> tuple[int, float]:
    values = np.linalg.svd(J, compute_uv=False)
    return int((values > 1).sum()), float(values.max())


def _symmetric(J: Array) -> tuple[int, float]:
    values = np.abs(np.linalg.eigvalsh(J))
    return int((values > 1).sum()), float(values.max())


def _wrapped(x: Array, wait: int) -> Array:
    """x[t - wait] for all t, also where t - wait is negative."""
    memory = np.zeros(x.shape[1:])
    target = np.zeros_like(x)
    for t in range(len(x)):
        memory = np.where(x[t - wait] != 0, x[t - wait], memory)
        target[t] = memory
    return target


def _erased(x: Array, wait: int) -> Array:
    """All channels of a trial taken over where any has a pulse."""
    memory = np.zeros(x.shape[1:])
    target = np.zeros_like(x)
    for t in range(wait, len(x)):
        memory = np.where((x[t - wait] != 0).any(axis=1, keepdims=True), x[t - wait], memory)
        target[t] = memory
    return target


def _first(x: Array, wait: int) -> Array:
    """The first pulse kept for ever."""
    delayed = _delayed(x, wait)
    target = np.zeros_like(x)
    for t in range(1, len(x)):
        target[t] = np.where(target[t - 1] != 0, target[t - 1], delayed[t])
    return target
