"""Tutorial 12, your own task: delayed match to sample. Equation numbers are the tutorial's; steps are those of dt."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tasks.shapes import held
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]


# ---- when the answer begins


def _times(rng: np.random.Generator) -> Draw:
    """Times that are whole numbers of steps, though not all quotients of floats say so."""
    while True:
        dt = float(rng.choice([0.1, 0.2, 0.3, 0.7]))
        onset, pulse, delay, gap = (round(float(k) * dt, 10) for k in rng.choice(np.arange(2, 40), 4, replace=False))
        if _first(onset, pulse, delay, gap, dt, int) < _first(onset, pulse, delay, gap, dt):
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


# ---- right or wrong


def _held_trials(rng: np.random.Generator) -> Draw:
    """Answers of 80 steps, 0 to 3 of the last 40 on the wrong side, of which 2 may be; more of the first 40."""
    B, start = 9, int(rng.integers(24, 31))
    answer = rng.integers(2, size=B)
    answer[:2] = 0, 1
    target = np.zeros((start + 80, B, 1))
    target[start:] = answer[:, None]
    z = target + rng.uniform(-0.35, 0.35, target.shape)
    order = rng.permutation(B)
    wrong = np.array([0, 1, 2, 2, 3, 3, 18, 0, 0])[order]
    early = np.array([0, 1, 9, 0, 0, 0, 0, 5, 9])[order]
    for b in range(B):
        for begin, most, count in ((start + 40, 30, wrong[b]), (start, 40, early[b])):
            z[begin + rng.permutation(most)[:count], b] = 1 - target[-1, b]
    far = int(np.flatnonzero(order == 0)[0])  # a trial without errors: far from the target in the end, and on its side
    z[-3:, far] = np.where(target[-1, far] > 0.5, 1.8, -0.8)
    return Draw((z, target, start))


def _judged(of: Callable[[Array, Array, int], Any]) -> Any:
    """A rule that gets whether z is on the target's side (T, B), the last half of the answer, and its first step."""

    def made(z: Array, target: Array, start: int) -> Any:
        side = ((z > 0.5) == (target > 0.5))[:, :, 0]
        return of(side, side[start + (len(z) - start) // 2 :], start)

    return made


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
                "The pulse is on at the steps s .. s + n - 1: which one comes next?",
                lambda *times: _first(*times) - 1,
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
    "held-answer": Exercise(
        "held_answer(z, target, start) -> (B,) whether each trial is right, from z and target (T, B, 1)",
        ("right",),
        _held_trials,
        lambda z, target, start: held(z, target, start, len(z)),  # (6)
        lambda: [
            Mistake(
                "every step has to be right",
                "One step in twenty may be on the wrong side.",
                _judged(lambda side, last, start: last.all(axis=0)),
            ),
            Mistake(
                "the whole answer",
                "The first half of the answer is the network's time to rise; it is not judged.",
                _judged(lambda side, last, start: side[start:].mean(axis=0) >= 0.95),
            ),
            Mistake(
                "the whole trial",
                "Before the answer there is nothing to be held.",
                _judged(lambda side, last, start: side.mean(axis=0) >= 0.95),
            ),
            Mistake(
                "most steps",
                "An answer that is wrong at two steps in five is not held.",
                _judged(lambda side, last, start: last.mean(axis=0) > 0.5),
            ),
            Mistake(
                "more than 95 %",
                "38 of 40 steps are enough: at least 95 %.",
                _judged(lambda side, last, start: last.mean(axis=0) > 0.95),
            ),
            Mistake(
                "one verdict for all trials",
                "A number per trial is asked: over which axis do you take the mean?",
                _judged(lambda side, last, start: np.full(side.shape[1], last.mean() >= 0.95)),
            ),
            Mistake(
                "close to the target",
                "Far beyond the target is right as well: asked is the side of 0.5.",
                lambda z, target, start: (np.abs(z - target) < 0.5)[start + (len(z) - start) // 2 :].mean(axis=(0, 2)) >= 0.95,
            ),
        ],
    ),
}
