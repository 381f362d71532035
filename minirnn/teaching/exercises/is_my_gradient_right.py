"""Exercises of tutorial 04: numerical derivatives, the dot-product test, Taylor remainders. Equations as in `minirnn.checks`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import checks
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]
Loss = Callable[[Array], Any]


def _loss(rng: np.random.Generator, K: int) -> Loss:
    """A smooth, complex-safe loss of p (K,), with all of its derivatives."""
    A, b = rng.standard_normal((K + 2, K)), rng.standard_normal(K + 2)
    return lambda p: (np.tanh(A @ p + b) ** 2).sum() + np.exp(0.3 * p).sum()


def _along(rng: np.random.Generator) -> tuple[Loss, Array, Array]:
    """A loss, a point and a direction along which the loss falls, so that a size is not taken for a slope."""
    K = int(rng.integers(3, 7))
    loss, p, v = _loss(rng, K), 0.4 * rng.standard_normal(K), rng.standard_normal(K)
    return loss, p, -v if checks.complex_step(loss, p, v) > 0 else v


# ---- (2)


def _draw_central(rng: np.random.Generator) -> Draw:
    loss, p, v = _along(rng)
    d = float(rng.uniform(0.05, 0.2))
    if loss(p + d * v) > loss(p - d * v):  # so large a d may see another sign
        v = -v
    return Draw((loss, p, v, d), {"d": d})


def _central_mistakes() -> Sequence[Mistake]:
    def one_of(kind: str) -> Callable[..., Any]:
        def made(loss: Loss, p: Array, v: Array, d: float) -> Any:
            above, here, below = loss(p + d * v), loss(p), loss(p - d * v)
            if kind == "forward difference":
                return (above - here) / d
            if kind == "backward difference":
                return (here - below) / d
            if kind == "second difference":
                return (above - 2 * here + below) / d**2
            if kind == "bracket forgotten":
                return above - below / (2 * d)
            if kind == "divided by 2, times d":
                return (above - below) / 2 * d
            if kind == "half the step to each side":
                return (loss(p + d / 2 * v) - loss(p - d / 2 * v)) / d
            if kind == "sum for the difference":
                return (above + below) / (2 * d)
            if kind == "direction of length 1":
                unit = v / np.linalg.norm(v)
                return (loss(p + d * unit) - loss(p - d * unit)) / (2 * d)
            return (loss(p + d) - loss(p - d)) / (2 * d)

        return made

    words = {
        "forward difference": "This is (1): it goes to one side alone. Where does (2) look a second time?",
        "backward difference": "It goes to one side alone. Where does (2) look a second time?",
        "second difference": "That is the curvature L'', not the slope.",
        "bracket forgotten": "Which is divided by 2 d, the difference or its second term?",
        "divided by 2, times d": "a / 2 * d is (a / 2) d for Python: both belong below the line.",
        "half the step to each side": "It is a central difference, but (2) goes a whole d to each side.",
        "sum for the difference": "What becomes of L(p) itself, if the two losses are added?",
        "direction of length 1": "The slope along v grows with the length of v: v enters as it is.",
        "direction left out": "All entries are moved alike. Which direction is asked for?",
    }
    return [Mistake(kind, text, one_of(kind)) for kind, text in words.items()]


# ---- (8), the step where (2) is best


def _draw_step(rng: np.random.Generator) -> Draw:
    L, third = rng.uniform(0.1, 5, 2) * rng.permutation([-1.0, 1.0])  # one of them is below 0: sizes are asked for
    eps = float(rng.choice([2.0**-10, 2.0**-23, 2.0**-52]))
    return Draw((float(L), float(third), eps), {"3": 3.0, "3^(1/3)": 3 ** (1 / 3), "2^(1/3)": 2 ** (1 / 3)})


def _best_step(L: float, third: float, eps: float) -> Any:
    return np.cbrt(3 * eps * abs(L) / abs(third))  # (8)


def _step_mistakes() -> Sequence[Mistake]:
    return [
        Mistake(
            "the two terms set equal",
            "Where the terms are equal their sum is not least. Which equation holds at a minimum of the sum? If you did "
            "differentiate: which factor comes down from d^2?",
            lambda L, third, eps: np.cbrt(6 * eps * abs(L) / abs(third)),
        ),
        Mistake(
            "sign of L or L'''",
            "Rounding and truncation are sizes: what do they look like where L or L''' is below 0?",
            lambda L, third, eps: np.cbrt(3 * eps * L / third),
        ),
        Mistake(
            "bracket around the exponent forgotten",
            "a**1 / 3 is (a**1) / 3 for Python.",
            lambda L, third, eps: eps * abs(L) / abs(third),
        ),
        Mistake(
            "no root taken",
            "This is the cube of the step.",
            lambda L, third, eps: 3 * eps * abs(L) / abs(third),
        ),
        Mistake(
            "L''' alone",
            "The larger the loss, the larger its rounding: where is L?",
            lambda L, third, eps: np.cbrt(3 * eps / abs(third)),
        ),
        Mistake(
            "square root",
            "Differentiate d^2 and 1/d and bring all d to one side: which power of d is there?",
            lambda L, third, eps: np.sqrt(3 * eps * abs(L) / abs(third)),
        ),
        Mistake(
            "of the forward difference",
            "This is for (1). Which derivative limits (2)?",
            lambda L, third, eps: 2 * np.sqrt(eps * abs(L) / abs(third)),
        ),
        Mistake(
            "upside down",
            "Does the best step grow or shrink with L'''?",
            lambda L, third, eps: np.cbrt(3 * eps * abs(third) / abs(L)),
        ),
        Mistake("rule of thumb", "eps^(1/3) is the size of it. What of L and L'''?", lambda L, third, eps: np.cbrt(eps)),
        Mistake("L and L''' left out", "This is right where L = L'''.", lambda L, third, eps: np.cbrt(3 * eps)),
        Mistake("error for the step", "This is the least error. Which d is it reached at?", _least_error),
    ]


def _least_error(L: float, third: float, eps: float) -> Any:
    d = _best_step(L, third, eps)
    return d * d * abs(third) / 6 + eps * abs(L) / d


# ---- (4)


def _draw_complex(rng: np.random.Generator) -> Draw:
    loss, p, v = _along(rng)
    d = float(10.0 ** -rng.integers(13, 17))  # nothing of order d^2 is left, and d is told from 0
    return Draw((loss, p, v, d), {})


def _complex_mistakes() -> Sequence[Mistake]:
    return [
        Mistake(
            "real part",
            "The real part is the loss itself. In which part does the slope come back?",
            lambda loss, p, v, d: np.real(loss(p + 1j * d * v)) / d,
        ),
        Mistake(
            "i left out",
            "The step is real. Where does the imaginary part come from?",
            lambda loss, p, v, d: np.imag(loss(p + d * v)) / d,
        ),
        Mistake(
            "divided by i d",
            "Im L(p + i d v) is a real number, d times the slope. Is there an i left to divide by?",
            lambda loss, p, v, d: np.imag(loss(p + 1j * d * v) / (1j * d)),
        ),
        Mistake(
            "step of 1",
            "The step to the side is d v times i.",
            lambda loss, p, v, d: np.imag(loss(p + 1j * v)) / d,
        ),
        Mistake(
            "not divided",
            "Im L(p + i d v) is d times the slope.",
            lambda loss, p, v, d: np.imag(loss(p + 1j * d * v)),
        ),
        Mistake(
            "divided by 2 d",
            "There is one evaluation here, and no second side: what does the imaginary part hold, to first order in d?",
            lambda loss, p, v, d: np.imag(loss(p + 1j * d * v)) / (2 * d),
        ),
        Mistake(
            "direction left out",
            "All entries are moved alike. Which direction is asked for?",
            lambda loss, p, v, d: np.imag(loss(p + 1j * d)) / d,
        ),
    ]


# ---- (5)


def _draw_dot(rng: np.random.Generator) -> Draw:
    m, n = (int(k) for k in rng.permutation([2, 3, 4, 5])[:2])
    A, wrong = rng.standard_normal((m, n)), rng.standard_normal((m, n))
    u, v, w = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(m)

    def f(state: Array) -> Any:
        return np.tanh(A @ state)

    def pullback(state: Array, bar: Array) -> Any:  # a wrong one: what passes on a right one may still compare nothing
        return (bar * (1 - np.tanh(A @ state) ** 2)) @ (A + 0.3 * wrong)

    return Draw((f, pullback, u, v, w), {"d": checks.COMPLEX_STEP})


def _products(f: Callable[[Array], Any], pullback: Callable[..., Any], u: Array, v: Array, w: Array) -> tuple[Any, Any]:
    return checks.complex_step(lambda state: w @ f(state), u, v), pullback(u, w) @ v


def _dot_mistakes() -> Sequence[Mistake]:
    Function = Callable[..., Any]

    def f_itself(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return w @ f(u), pullback(u, w) @ v

    def circular(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return (pullback(u, w) @ v,) * 2

    def twice(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return (_products(f, pullback, u, v, w)[0],) * 2

    def at_v(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return checks.complex_step(lambda state: w @ f(state), u, v), pullback(v, w) @ v

    def with_u(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return checks.complex_step(lambda state: w @ f(state), u, v), pullback(u, w) @ u

    def exchanged(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return _products(f, pullback, u, v, w)[::-1]

    def at_v_along_u(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return checks.complex_step(lambda state: w @ f(state), v, u), pullback(u, w) @ v

    def without_w(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        return checks.complex_step(lambda state: f(state).sum(), u, v), pullback(u, w) @ v

    def of_J_v(f: Function, pullback: Function, u: Array, v: Array, w: Array) -> Any:
        J_v = np.imag(f(u + 1j * checks.COMPLEX_STEP * v)) / checks.COMPLEX_STEP
        return w @ J_v, pullback(u, J_v) @ v

    return [
        Mistake("f for its derivative", "The first number is <w, J v>: how f(u) changes along v, not f(u).", f_itself),
        Mistake(
            "the adjoint against itself",
            "Both numbers come from the pullback: it would agree with itself if it were wrong.",
            circular,
        ),
        Mistake(
            "the derivative against itself",
            "Both numbers come from f: the pullback is to be tested and was not asked.",
            twice,
        ),
        Mistake("pullback at v", "The pullback wants the state u at which J is taken, and w.", at_v),
        Mistake("the two exchanged", "<w, J v> comes first.", exchanged),
        Mistake("point and direction exchanged", "J is that at u, and v is the direction.", at_v_along_u),
        Mistake("w left out of the first", "<w, J v> weighs what comes out with w.", without_w),
        Mistake("pullback of J v", "The pullback is given w, which knows nothing of v.", of_J_v),
        Mistake("product with u", "What is it that J^T w is multiplied with?", with_u),
    ]


# ---- (6)


def _draw_taylor(rng: np.random.Generator) -> Draw:
    steps = np.logspace(-1, -3, 5)
    while True:  # until the loss is below its tangent: R is a size
        loss, p, v = _along(rng)
        g = np.array([checks.complex_step(loss, p, unit) for unit in np.eye(len(p))])
        if rng.uniform() < 0.5:
            g = g * rng.uniform(0.5, 0.9)
        if all(loss(p + d * v) - loss(p) < d * (g @ v) for d in steps):
            return Draw((loss, p, g, v, steps), {})


def _order(steps: Array, remainders: Array) -> Any:
    return np.polyfit(np.log(steps), np.log(remainders), 1)[0]


def _taylor(loss: Loss, p: Array, g: Array, v: Array, steps: Array) -> tuple[Any, Any]:
    remainders = checks.taylor(loss, p, g, v, steps).remainders
    return remainders, _order(steps, remainders)


def _taylor_mistakes() -> Sequence[Mistake]:
    def one_of(kind: str) -> Callable[..., Any]:
        def made(loss: Loss, p: Array, g: Array, v: Array, steps: Array) -> Any:
            change = np.array([loss(p + d * v) - loss(p) for d in steps])
            slope = g @ v
            if kind == "slope forgotten":
                R = np.abs(change)
            elif kind == "d forgotten":
                R = np.abs(change - slope)
            elif kind == "slope added":
                R = np.abs(change + steps * slope)
            elif kind == "loss at p forgotten":
                R = np.abs(change + loss(p) - steps * slope)
            elif kind == "divided by d":
                R = np.abs(change - steps * slope) / steps
            else:
                R = np.abs(change - steps * slope)
            if kind == "no logarithm":
                return R, np.polyfit(steps, R, 1)[0]
            if kind == "no logarithm of the steps":
                return R, np.polyfit(steps, np.log(R), 1)[0]
            if kind == "no logarithm of the remainders":
                return R, np.polyfit(np.log(steps), R, 1)[0]
            if kind == "from the ends alone":
                return R, np.log(R[-1] / R[0]) / np.log(steps[-1] / steps[0])
            if kind == "no absolute value":
                return -R, _order(steps, R)
            if kind == "axes exchanged":
                return R, _order(R, steps)
            return R, np.polyfit(np.log(steps), np.log(R), 1)[1] if kind == "intercept" else _order(steps, R)

        return made

    words = {
        "slope forgotten": "What does g predict for the change? Without it the remainder falls as d for every g.",
        "d forgotten": "The prediction for a step d v is d <g, v>.",
        "slope added": "The prediction is taken away from the change.",
        "loss at p forgotten": "The change is counted from L(p).",
        "divided by d": "R(d) is the remainder itself; dividing takes one from the order.",
        "no logarithm": "R ~ d^order is a straight line only on logarithmic axes.",
        "no logarithm of the steps": "R ~ d^order is a straight line only with logarithms on both axes.",
        "no logarithm of the remainders": "R ~ d^order is a straight line only with logarithms on both axes.",
        "from the ends alone": "Least squares take all the steps.",
        "no absolute value": "R is a size.",
        "axes exchanged": "Which of the two goes up, which to the right?",
        "intercept": "np.polyfit gives the slope first.",
    }
    return [Mistake(kind, text, one_of(kind)) for kind, text in words.items()]


EXERCISES: dict[str, Exercise] = {
    "central-difference": Exercise(
        "central_difference(loss, p, v, d) -> the slope of loss at p (K,) along v (K,)", ("slope",),
        _draw_central, checks.central_difference, _central_mistakes,
    ),
    "best-central-step": Exercise(
        "best_central_step(L, third, eps) -> the step d, a number", ("step",), _draw_step, _best_step, _step_mistakes,
    ),
    "complex-step": Exercise(
        "complex_step(loss, p, v, d) -> the slope of loss at p (K,) along v (K,)", ("slope",),
        _draw_complex, checks.complex_step, _complex_mistakes,
    ),
    "dot-product-test": Exercise(
        "dot_products(f, pullback, u, v, w) -> (<w, J v>, <pullback(u, w), v>), two numbers", ("forward", "backward"),
        _draw_dot, _products, _dot_mistakes,
    ),
    "taylor-order": Exercise(
        "taylor_order(loss, p, g, v, steps) -> (remainders (S,), order)", ("remainders", "order"),
        _draw_taylor, _taylor, _taylor_mistakes,
    ),
}  # fmt: skip
