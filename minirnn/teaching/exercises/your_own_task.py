"""Tutorial 12, your own task: delayed match to sample. Equation numbers are the tutorial's; steps are those of dt."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


# ---- when the answer begins


def _times(rng: np.random.Generator) -> Draw:
    """Times that are whole numbers of steps, though not all quotients of floats say so."""
    while True:
        dt = float(rng.choice([0.1, 0.2, 0.3, 0.7]))
        onset, pulse, delay, gap = (round(float(k) * dt, 10) for k in rng.choice(np.arange(2, 40), 4, replace=False))
        step = _first(onset, pulse, delay, gap, dt)
        if _first(onset, pulse, delay, gap, dt, int) < step and int((onset + 2 * pulse + delay + gap) / dt) < step:
            return Draw((onset, pulse, delay, gap, dt), {"dt": dt})


def _first(
    onset: float, pulse: float, delay: float, gap: float, dt: float, whole: Callable[[float], int] = round, pulses: int = 2
) -> int:
    return sum(whole(time / dt) for time in (onset, *[pulse] * pulses, delay, gap))  # (1)


# ---- x, target and mask


def _trials(rng: np.random.Generator) -> Draw:
    onset, pulse, gap = (int(n) for n in rng.permutation([2, 3, 4]))
    B = int(rng.integers(5, 8))
    first, second = rng.choice([-1.0, 1.0], (2, B))
    second[:2] = first[0], -first[1]  # both answers occur
    start = onset + pulse + rng.integers(1, 6, B)
    start[:2] = onset + pulse + np.array([1, 4])
    T = int(start.max()) + pulse + gap + int(rng.integers(3, 7))
    return Draw((first, second, start, onset, pulse, gap, T))


def _made(
    *, longer: int = 0, late: int = 0, wait: bool = True, matches: Any = np.equal, of_match: Any = None, test: Any = None,
    mask: str = "free", together: bool = False,
) -> Any:  # fmt: skip
    def made(first: Array, second: Array, start: Array, onset: int, pulse: int, gap: int, T: int) -> Any:
        if together:
            start = np.full_like(start, start[0])
        t = np.arange(T)[:, None]
        due = start + pulse + (gap if wait else 0) + late
        x = first * ((t >= onset) & (t < onset + pulse + longer)) + (second if test is None else test(first, second)) * (
            (t >= start) & (t < start + pulse + longer)
        )
        answer = matches(first, second) if of_match is None else of_match(first, second)
        target = answer * (t >= due)
        counted = {
            "free": (t < start) | (t >= due),
            "all": np.ones_like(x),
            "turned": (t >= start) & (t < due),
            "answer": t >= due,
            "gap": (t < start + pulse) | (t >= due),
        }[mask]
        return tuple(1.0 * array[:, :, None] for array in (x, target, counted))

    return made


# ---- the shortcut


def _cues(rng: np.random.Generator) -> Draw:
    n = int(rng.integers(40, 70))
    cue = rng.integers(3, size=n)
    chance = rng.permutation([0.15, 0.3, 0.8])
    return Draw((cue, (rng.random(n) < chance[cue]).astype(int)), {"n": n})


def _per_cue(cue: Array, answer: Array) -> list[tuple[int, int]]:
    """How many answers are 1, and how many there are, of each cue."""
    return [(int(answer[cue == value].sum()), int((cue == value).sum())) for value in np.unique(cue)]


# ---- the best constant


def _asked(rng: np.random.Generator) -> Draw:
    """Targets and weights of steps, some of which are 0."""
    T, B = (int(n) for n in rng.permutation([5, 6, 7])[:2])
    target = rng.uniform(0.2, 1.6, (T, B, 1))
    mask = rng.uniform(0.3, 1.7, (T, B, 1)) * (rng.random((T, B, 1)) < 0.7)
    mask[0], mask[1] = 0.8, 0.0
    return Draw((target, mask), {"T": T, "B": B, "(T B)": T * B, "sum(mask)": float(mask.sum())})


def _mean(values: Array, mask: Array) -> float:
    return float((mask * values).sum() / mask.sum())


def _loss_of(constant: Callable[[Array, Array], float], loss: Callable[[Array, Array], float] = _mean) -> Any:
    """The constant, and the loss that the squared errors and the mask make."""

    def made(target: Array, mask: Array) -> tuple[float, float]:
        b = constant(target, mask)
        return b, loss((b - target) ** 2, mask)

    return made


def _counted(target: Array, mask: Array) -> Array:
    return target[mask > 0]


EXERCISES = {
    "first-answer": Exercise(
        "first_answer(onset, pulse, delay, gap, dt) -> the step at which the answer begins",
        ("step",),
        _times,
        _first,
        lambda: [
            Mistake("in ms, not in steps", "An index counts steps of dt.", lambda o, p, d, g, dt: o + 2 * p + d + g),
            Mistake(
                "cut off, not rounded",
                "0.3 / 0.1 is 2.9999999999999996 in floating point: int() makes 2 of it.",
                lambda o, p, d, g, dt: _first(o, p, d, g, dt, int),
            ),
            Mistake(
                "one pulse alone",
                "There are two pulses, the sample and the test.",
                lambda o, p, d, g, dt: _first(o, p, d, g, dt, pulses=1),
            ),
            Mistake(
                "one step late",
                "Which step is the first after a pulse of n steps that begins at step s? And z[t] has read x[t].",
                lambda *times: _first(*times) + 1,
            ),
            Mistake(
                "one step early",
                "The pulse is on at the steps s .. s + n - 1: which one comes next? Or was a sum cut off instead of rounded?",
                lambda *times: _first(*times) - 1,
            ),
            Mistake(
                "the onset is missing",
                "The step is counted from the beginning of the trial, not of the sample.",
                lambda o, p, d, g, dt: _first(0.0, p, d, g, dt),
            ),
            Mistake(
                "the delay is missing",
                "The test does not follow the sample at once.",
                lambda o, p, d, g, dt: _first(o, p, 0.0, g, dt),
            ),
            Mistake(
                "the gap is missing",
                "The answer is due a gap after the test has ended.",
                lambda o, p, d, g, dt: _first(o, p, d, 0.0, dt),
            ),
        ],
    ),
    "match-trials": Exercise(
        "match_trials(first, second, start, onset, pulse, gap, T) -> (x, target, mask), each (T, B, 1)",
        ("x", "target", "mask"),
        _trials,
        _made(),  # (2, 3, 4)
        lambda: [
            Mistake("the answer to a mismatch", "Asked is 1 where both are the same.", _made(matches=np.not_equal)),
            Mistake("the product as target", "first * second is -1 for a mismatch; (3) has 0.", _made(of_match=np.multiply)),
            Mistake("no gap", "The answer is due a gap after the end of the test, and the gap is free.", _made(wait=False)),
            Mistake("a step too late", "The answer begins at s + pulse + gap, that step included.", _made(late=1)),
            Mistake(
                "the target alone a step too late",
                "The mask counts from the right step on. At that step the answer is due in (3): is it in yours?",
                lambda *asked: tuple(_made(late=late)(*asked)[k] for k, late in enumerate((0, 1, 0))),
            ),
            Mistake("pulses of one step more", "A pulse of n steps ends before step s + n.", _made(longer=1)),
            Mistake("the sample twice", "The second pulse has a sign of its own.", _made(test=lambda first, second: first)),
            Mistake(
                "all tests at the same step",
                "start is (B,), a step per trial: compare it with the steps as a column.",
                _made(together=True),
            ),
            Mistake(
                "all steps count", "While the test is on, and in the gap, the network may do what it likes.", _made(mask="all")
            ),
            Mistake("the mask is turned round", "mask is 1 where a step counts.", _made(mask="turned")),
            Mistake(
                "the answer alone counts", "Before the test the output is to be 0, which has to be asked for.", _made(mask="answer")
            ),
            Mistake("the gap alone is free", "(4) leaves the test itself free, too.", _made(mask="gap")),
        ],
    ),
    "shortcut": Exercise(
        "shortcut(cue, answer) -> the share of trials that the best rule gets right, from cue (n,) and answer (n,) of 0 and 1",
        ("share",),
        _cues,
        lambda cue, answer: sum(max(ones, n - ones) for ones, n in _per_cue(cue, answer)) / len(cue),  # (5)
        lambda: [
            Mistake(
                "the cue is not used",
                "That is the best answer without any cue. The rule may answer otherwise to each value of the cue.",
                lambda cue, answer: max(answer.mean(), 1 - answer.mean()),
            ),
            Mistake(
                "a mean over cues",
                "Cues that are shown more often count more: add trials, then divide by n.",
                lambda cue, answer: np.mean([max(ones, n - ones) / n for ones, n in _per_cue(cue, answer)]),
            ),
            Mistake(
                "the best cue alone",
                "That is how well the rule does on one cue; asked is the share of all trials.",
                lambda cue, answer: max(max(ones, n - ones) / n for ones, n in _per_cue(cue, answer)),
            ),
            Mistake(
                "the answer is always 1", "Where 0 is the more frequent answer, the rule says 0.", lambda cue, answer: answer.mean()
            ),
            Mistake(
                "the cue as the answer", "The rule is free: it may turn the cue round.", lambda cue, answer: np.mean(cue == answer)
            ),
            Mistake(
                "a number of trials",
                "Asked is a share.",
                lambda cue, answer: sum(max(ones, n - ones) for ones, n in _per_cue(cue, answer)),
            ),
        ],
    ),
    "best-constant": Exercise(
        "best_constant(target, mask) -> (constant, loss), two numbers, from target and mask (T, B, 1)",
        ("constant", "loss"),
        _asked,
        _loss_of(_mean),  # (7)
        lambda: [
            Mistake(
                "the mask is not used",
                "Steps at which the mask is 0 ask for nothing: they belong neither into the constant nor into its loss.",
                _loss_of(lambda target, mask: float(target.mean()), lambda squares, mask: float(squares.mean())),
            ),
            Mistake(
                "the mask is used in the loss alone",
                "The constant is to be best where it is asked for: which steps enter its mean?",
                _loss_of(lambda target, mask: float(target.mean())),
            ),
            Mistake(
                "the mask is used in the constant alone",
                "The loss of minirnn is sum(mask (z - target)^2) / sum(mask).",
                _loss_of(_mean, lambda squares, mask: float(squares.mean())),
            ),
            Mistake(
                "divided by the number of steps",
                "The masked sums are right; how much do the steps count that they are made of?",
                _loss_of(lambda target, mask: float((mask * target).mean()), lambda squares, mask: float((mask * squares).mean())),
            ),
            Mistake(
                "the mask is yes or no",
                "A mask may weigh: a step of weight 0.5 counts half.",
                _loss_of(
                    lambda target, mask: float(_counted(target, mask).mean()),
                    lambda squares, mask: float(_counted(squares, mask).mean()),
                ),
            ),
            Mistake(
                "the mask is squared",
                "In the loss the mask stands before the square: where do your brackets end?",
                _loss_of(_mean, lambda squares, mask: float((mask**2 * squares).sum() / mask.sum())),
            ),
            Mistake("always 1/2", "Which constant makes L smallest? Put dL/db = 0.", _loss_of(lambda target, mask: 0.5)),
            Mistake(
                "the median",
                "The median is best for absolute errors; these are squared.",
                _loss_of(lambda target, mask: float(np.median(_counted(target, mask)))),
            ),
            Mistake(
                "the root of the loss",
                "The loss is a mean of squares, without a root.",
                _loss_of(_mean, lambda squares, mask: _mean(squares, mask) ** 0.5),
            ),
        ],
    ),
}
