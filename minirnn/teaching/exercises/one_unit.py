"""Tutorial 1, one unit. h is the state, drive what it relaxes to, alpha = dt / tau; equation numbers are the tutorial's."""

import math
from typing import Any

import numpy as np

from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


def _unit(rng: np.random.Generator) -> Draw:
    alpha = float(rng.uniform(0.05, 0.45))
    return Draw((float(rng.normal()), float(rng.normal()), alpha), {"alpha": alpha, "(1 - alpha)": 1 - alpha})


def _effective(rng: np.random.Generator) -> Draw:
    tau, dt = float(rng.uniform(5, 20)), float(rng.uniform(0.5, 3))
    return Draw((tau, dt), {"tau": tau, "dt": dt})


def _weight(rng: np.random.Generator) -> Draw:
    w, alpha = float(rng.uniform(-1.5, 1.5)), float(rng.uniform(0.1, 0.9))
    return Draw((w, alpha), {"alpha": alpha, "w": w})


def _noisy(rng: np.random.Generator) -> Draw:
    alpha, sigma, B = float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.1, 0.5)), int(rng.integers(2, 6))
    h, drive, n = rng.standard_normal((3, B))
    return Draw((h, drive, alpha, sigma, n), {"alpha": alpha, "sigma": sigma})


def _noisy_step(scale: Any) -> Any:
    return lambda h, drive, alpha, sigma, n: h + alpha * (drive - h) + scale(alpha, sigma) * n


def _alpha_twice(alpha: float, sigma: float) -> float:
    return alpha * math.sqrt(2 * alpha) * sigma


EXERCISES = {
    "euler-unit": Exercise(
        "euler(h, drive, alpha) -> the next h",
        ("h",),
        _unit,
        lambda h, drive, alpha: h + alpha * (drive - h),  # (3)
        lambda: [
            Mistake(
                "the change alone", "What is added in the step is right, but it has to be added to h.", lambda h, d, a: a * (d - h)
            ),
            Mistake("the leak is missing", "Which term of (1) makes h forget?", lambda h, d, a: h + a * d),
            Mistake("the leak grows", "In (1) the sign before h is a minus.", lambda h, d, a: h + a * (d + h)),
            Mistake(
                "alpha on the drive is missing",
                "alpha multiplies all of the right-hand side of (1).",
                lambda h, d, a: (1 - a) * h + d,
            ),
            Mistake(
                "alpha is missing",
                "h + (drive - h) is the drive: where does the step come in?",
                lambda h, d, a: d,
            ),
            Mistake(
                "alpha on the leak is missing",
                "alpha multiplies all of the right-hand side of (1): are there brackets?",
                lambda h, d, a: h + a * d - h,
            ),
            Mistake("divided by alpha", "The smaller the step, the smaller the change.", lambda h, d, a: h + (d - h) / a),
            Mistake("the drive is missing", "h does not only forget, it goes to the drive.", lambda h, d, a: (1 - a) * h),
            Mistake(
                "the right-hand side alone",
                "That is tau dh/dt. How much does h change in a step, and where from?",
                lambda h, d, a: d - h,
            ),
            Mistake(
                "alpha and 1 - alpha exchanged", "With a small step h should hardly change.", lambda h, d, a: a * h + (1 - a) * d
            ),
            Mistake("the sign of the change", "h goes towards the drive, not away from it.", lambda h, d, a: h - a * (d - h)),
            Mistake(
                "the exact step",
                "That is the solution of (1) for a constant drive. Euler's step is its first order in alpha.",
                lambda h, d, a: d + (h - d) * math.exp(-a),
            ),
        ],
    ),
    "effective-tau": Exercise(
        "effective_tau(tau, dt) -> the time constant of the steps, ms",
        ("effective_tau",),
        _effective,
        lambda tau, dt: -dt / math.log(1 - dt / tau),  # (5)
        lambda: [
            Mistake(
                "tau itself", "That is the time constant of the equation. What does one step multiply h with?", lambda tau, dt: tau
            ),
            Mistake("in steps, not in ms", "A step lasts dt.", lambda tau, dt: -1 / math.log(1 - dt / tau)),
            Mistake("the sign", "log(1 - alpha) is negative, a time constant is not.", lambda tau, dt: dt / math.log(1 - dt / tau)),
            Mistake(
                "logarithm to the base 10",
                "e^(-t/tau) asks for the natural logarithm, np.log.",
                lambda tau, dt: -dt / math.log10(1 - dt / tau),
            ),
            Mistake(
                "logarithm to the base 2",
                "That is the time in which h is halved; tau is that in which it falls to 1/e.",
                lambda tau, dt: -dt / math.log2(1 - dt / tau),
            ),
            Mistake("tau for dt", "How long does a step last?", lambda tau, dt: -tau / math.log(1 - dt / tau)),
            Mistake(
                "a rate, not a time",
                "That is how much of the exponent falls to 1 ms. Which unit should the answer have?",
                lambda tau, dt: -math.log(1 - dt / tau) / dt,
            ),
            Mistake(
                "multiplied with the logarithm",
                "Take the logarithm of both sides of (5), and solve for tau_eff again: which side of the fraction is it on?",
                lambda tau, dt: -dt * math.log(1 - dt / tau),
            ),
            Mistake(
                "first order in dt",
                "That is where the answer begins if dt is small: (5) asks for equality.",
                lambda tau, dt: tau - dt / 2,
            ),
            Mistake(
                "one step taken for the exponential",
                "tau (1 - alpha) is no solution of (5): take the logarithm of both sides.",
                lambda tau, dt: tau - dt,
            ),
            Mistake(
                "the leak grows",
                "A step multiplies h by 1 - alpha.",
                lambda tau, dt: dt / math.log(1 + dt / tau),
            ),
            Mistake(
                "log of alpha", "What is left of h after a step is 1 - alpha, not alpha.", lambda tau, dt: -dt / math.log(dt / tau)
            ),
        ],
    ),
    "multiplier": Exercise(
        "multiplier(w, alpha) -> d h_next / d h at h = 0",
        ("multiplier",),
        _weight,
        lambda w, alpha: 1 + alpha * (w - 1),  # (7)
        lambda: [
            Mistake("the leak is missing", "The term -h in (6) has a derivative too.", lambda w, a: 1 + a * w),
            Mistake("the state itself is missing", "The next h is h and a change.", lambda w, a: a * (w - 1)),
            Mistake("that of the flow", "w - 1 is the rate of the equation; a step has alpha of it.", lambda w, a: w - 1),
            Mistake("alpha is 1", "That holds where dt = tau alone.", lambda w, a: w),
            Mistake(
                "the inner derivative is missing",
                "tanh(w h) is a function of a function: what does the chain rule add?",
                lambda w, a: 1.0,
            ),
            Mistake(
                "tanh for its derivative",
                "(7) asks for the derivative of tanh(w h) with respect to h, at h = 0.",
                lambda w, a: 1 + a * (math.tanh(w) - 1),
            ),
            Mistake("tanh alone", "h + .. and - h in (6) have derivatives too.", lambda w, a: a * w),
            Mistake("alpha on w is missing", "alpha multiplies the whole bracket of (6).", lambda w, a: 1 - a + w),
            Mistake("the weight is missing", "Only the leak is left: the unit hears itself, too.", lambda w, a: 1 - a),
            Mistake("the sign of w", "tanh(w h) is added.", lambda w, a: 1 - a - a * w),
            Mistake(
                "the exact step",
                "exp(alpha (w - 1)) is the multiplier of the solution, not of Euler's step.",
                lambda w, a: math.exp(a * (w - 1)),
            ),
        ],
    ),
    "noisy-unit": Exercise(
        "noisy(h, drive, alpha, sigma, n) -> the next h (B,)",
        ("h",),
        _noisy,
        _noisy_step(lambda alpha, sigma: math.sqrt(2 * alpha) * sigma),  # (8)
        lambda: [
            Mistake(
                "noise treated as a drive",
                "The sum of many small kicks grows as the root of their number.",
                _noisy_step(lambda a, s: a * s),
            ),
            Mistake(
                "noise not scaled with the step",
                "Half the step, twice as many kicks: each has to be smaller.",
                _noisy_step(lambda a, s: s),
            ),
            Mistake("the 2 is missing", "(8) has sqrt(2 alpha).", _noisy_step(lambda a, s: math.sqrt(a) * s)),
            Mistake("the root is missing", "(8) has sqrt(2 alpha).", _noisy_step(lambda a, s: 2 * a * s)),
            Mistake("root of sigma too", "sigma is a standard deviation already.", _noisy_step(lambda a, s: math.sqrt(2 * a * s))),
            Mistake("alpha twice", "The noise stands outside of the bracket that alpha multiplies.", _noisy_step(_alpha_twice)),
            Mistake("the root on 2 alone", "(8) has sqrt(2 alpha).", _noisy_step(lambda a, s: math.sqrt(2) * a * s)),
            Mistake("alpha missing in the root", "(8) has sqrt(2 alpha).", _noisy_step(lambda a, s: math.sqrt(2) * s)),
            Mistake("sigma is missing", "(8) has sqrt(2 alpha) sigma.", _noisy_step(lambda a, s: math.sqrt(2 * a))),
            Mistake(
                "sigma squared",
                "A kick has a standard deviation, not a variance.",
                _noisy_step(lambda a, s: math.sqrt(2 * a) * s * s),
            ),
            Mistake(
                "the leak is missing",
                "Which term of (8) makes h forget?",
                lambda h, drive, a, s, n: h + a * drive + math.sqrt(2 * a) * s * n,
            ),
            Mistake(
                "the change alone",
                "What is added in the step is right, but it has to be added to h.",
                lambda h, drive, a, s, n: a * (drive - h) + math.sqrt(2 * a) * s * n,
            ),
            Mistake(
                "minus the noise",
                "As a process it is the same, but n is given: (8) adds it.",
                _noisy_step(lambda a, s: -math.sqrt(2 * a) * s),
            ),
            Mistake("noise forgotten", "n is an argument.", _noisy_step(lambda a, s: 0.0)),
        ],
    ),
}
