"""Decisions after a delay: pulses come and end, and later the answer is their sign, or what their size or distance says.

One input, one output. Code: katejarne/RNNs_for_DM_and_time_representation, data_set_generators; times are those that its lines
compute and its training script asks for, since its docstrings have others (told in each task). Time runs in steps of dt ms. A pulse
is a box times its height, smoothed by a Hann window of unit sum, and cut to its own steps. The first pulse of a trial begins at

    s = onset + v = 50 + v,  v uniform over 1 .. 70

and all that follows keeps its distance from s. The answer is held to the end of the trial, in which the last possible one has
`tail` left; before it the target is 0. z[t] is the output after consuming x[t]. N(0, input_noise_std^2) is added to the input at
every step. Half of the trials, except in the interval comparison, have no pulse and the answer 0; the sign of the others is + or -
with probability 1/2.

The committed training script starts W_rec from N(0, 1/N); most published networks, and `protocol`, from an orthogonal matrix.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .measures import distance
from .protocol import Protocol
from .shapes import (
    add_noise,
    between,
    check_count,
    check_levels,
    check_times,
    distance_limit,
    hann,
    jittered,
    middle,
    played,
    smoothed_box,
    steps,
    windows,
)

Array = np.ndarray[Any, Any]

PROTOCOL = Protocol(stop_below=5e-5, decay=0.0, clip=1.0, clip_scope="per_array", n_rec=100)
LARGE_SET = 6 * 15050 - 50  # trials to train on, where the script makes six times as many


def check_smooth(task: Any) -> None:
    """ValueError for a Hann window without a point between its two zeros."""
    check_levels(task, ("smooth",))
    if steps(task, "smooth") < 3:
        raise ValueError(f"smooth must be at least three steps of {task.dt:g} ms, got {task.smooth}")


def answers_held(z: Array, target: Array, spacing: float, levels: int, tail: int, earliest: int) -> Array:
    """(B,) whether the level nearest to z is the target's at >= 95 % of the last half of the answer.

    The levels are spacing times -levels .. levels. An answer begins where the target leaves 0 (where the target is noisy, at the
    step that splits it best), or, if it is 0, at `earliest`; it lasts to the end, at least for `tail` steps.
    """
    y = target[:, :, 0].astype(np.float64)
    level = np.rint(y[-tail:].mean(axis=0) / spacing).clip(-levels, levels)
    above = y * np.sign(level) - 0.5 * spacing * np.abs(level)  # below 0 before the answer, above 0 in it
    before = np.concatenate([np.zeros((1, len(level))), above.cumsum(axis=0)])
    start = np.where(level == 0, earliest, before.argmin(axis=0))
    judged = np.arange(len(y))[:, None] >= start + (len(y) - start) // 2
    agrees = np.rint(z[:, :, 0] / spacing).clip(-levels, levels) == level
    right: Array = (agrees & judged).sum(axis=0) / judged.sum(axis=0) >= 0.95
    return right


class Courses(NamedTuple):
    """What happens in each of C conditions, in steps after s."""

    inputs: Array  # (C, L), 0 before and after
    ends: Array  # (C,) where the last pulse ends
    delays: Array  # (C,) from there to the answer
    answers: Array  # (C,)


@dataclass(frozen=True)
class Decision:
    """What the tasks of this file are: the fields, and trials from the subclass' `_courses`.

    onset, pulse (ms): when the first pulse begins without jitter; how long each pulse lasts. jitter (ms): v is drawn from
    1 .. jitter/dt steps. tail (ms): how long the last possible answer is held. dt (ms). smooth (ms): length of the Hann window.
    input_noise_std, target_noise_std: standard deviation of the noise added to x and to the target.
    """

    onset: float = 50.0
    pulse: float = 20.0
    jitter: float = 70.0
    tail: float = 100.0
    dt: float = 1.0
    smooth: float = 10.0
    input_noise_std: float = 0.05
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    judges_any_trial: ClassVar[bool] = True  # `right` is not for the conditions alone
    input_names: ClassVar[tuple[str, ...]] = ("stimulus",)
    protocol: ClassVar[Protocol] = PROTOCOL

    def __post_init__(self) -> None:
        check_times(self, ("pulse", "tail"), ("onset", "jitter"))
        check_smooth(self)
        check_levels(self, (), ("input_noise_std", "target_noise_std"))

    @property
    def condition_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _courses(self) -> Courses:
        raise NotImplementedError

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) conditions."""
        raise NotImplementedError

    def _late(self, drawn: Any) -> Any:
        """v from what was drawn from 1 .. jitter, or is 0 without jitter."""
        return drawn

    def _pulses(self, starts: list[list[int]], heights: list[float]) -> Array:
        """(C, L): condition c has pulses of height heights[c] at its starts."""
        one = smoothed_box(steps(self, "pulse"), hann(steps(self, "smooth")))
        inputs = np.zeros((len(starts), max(max(row) for row in starts) + len(one)))
        for row, height, course in zip(starts, heights, inputs, strict=True):
            for start in row:
                course[start : start + len(one)] = height * one
        return inputs

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return _played(self).T

    @property
    def truth_table(self) -> tuple[tuple[str, ...], ...]:
        """Rows of words, the head first: the stimulus, the answer, and when it begins."""
        _, _, delays, answers = self._courses()
        rows = (
            (name, f"{answer:+g}" if answer else "0", f"{delay * self.dt:g}" if answer else "-")
            for name, answer, delay in zip(self.condition_names, answers, delays, strict=True)
        )
        return (("stimulus", "answer", "ms after the last pulse"), *rows)

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = self._draw(n, rng)
        x, target = self._noiseless(condition, self._late(jittered(rng, steps(self, "jitter"), n)))
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each condition, at the middle of the jitter."""
        condition = np.arange(len(self.condition_names))
        late = np.full(len(condition), self._late(middle(steps(self, "jitter"))))
        x, target = self._noiseless(condition, late)
        return Trials(x, target, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, late: Array) -> tuple[Array, Array]:
        table, start = _played(self), steps(self, "onset") + late
        x, target = (played(rows, condition, start) for rows in (table.x, table.target))
        return x[:, :, None], target[:, :, None]

    def _levels(self) -> tuple[float, int]:
        """The answers are multiples of the first number, by at most plus or minus the second."""
        return 1.0, 1

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each answer is given at >= 95 % of the last half of its window, in any trials of this task.

        Given is the answer, of all that the task has and 0, that is nearest to z: a sign is to be beyond half of its amplitude, a
        0 within it. A window goes from the first step of the answer to the end of the trial; where the answer is 0, from the first
        step that any answer of this task could have.
        """
        spacing, levels = self._levels()
        return answers_held(z, trials.target, spacing, levels, steps(self, "tail"), _played(self).earliest)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right, and a mean distance below 1.5 sqrt(T / 200): an answer at another time is far from the target."""
        return bool(self.right(z, trials).all() and distance(z, trials).mean() < distance_limit(trials))


class _Played(NamedTuple):
    x: Array  # the `windows` of each condition's input, and of its target
    target: Array
    T: int
    earliest: int  # first step of the first possible answer


@lru_cache(64)
def _played(task: Decision) -> _Played:
    inputs, ends, delays, answers = task._courses()
    waits = ends + delays
    T = sum(steps(task, name) for name in ("onset", "jitter", "tail")) + int(waits.max())
    target = between(0.0, (np.arange(waits.max()) >= waits[:, None]) * answers[:, None], 0.0)
    target[:, -1] = answers
    earliest = steps(task, "onset") + int(task._late(min(steps(task, "jitter"), 1)) + waits.min())
    return _Played(windows(between(0.0, inputs, 0.0), T), windows(target, T), T, earliest)


@dataclass(frozen=True)
class Graded(Decision):
    """No stimulus, or one of `levels` kinds k = 1, 2, .. and either sign. The kinds are equally likely. Fields as in Decision."""

    levels: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.levels, bool) or not isinstance(self.levels, int) or self.levels < 1:
            raise ValueError(f"levels must be a positive integer, got {self.levels!r}")

    def _name(self, k: int) -> str:
        """What a stimulus of kind k is called, without its sign."""
        return f"{k}"

    @property
    def condition_names(self) -> tuple[str, ...]:
        """0 for no stimulus, then the kinds with either sign."""
        return ("0", *(sign + self._name(k) for k in range(1, self.levels + 1) for sign in "+-"))

    def _signed(self) -> Array:
        """(C,) k times the sign, 0 for no stimulus; in the order of the names."""
        k = np.arange(1, self.levels + 1)
        return np.concatenate([[0], np.stack([k, -k], axis=1).ravel()])

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        stimuli = 2 * self.levels
        return np.maximum(rng.integers(2 * stimuli, size=n) - stimuli + 1, 0)  # half of the numbers stand for no stimulus


@dataclass(frozen=True)
class DelayedResponse(Graded):
    """One pulse of height k: its sign is the answer, gap k after it ends. What the first four tasks are.

    gap (ms): the delay per height. The other fields are those of Graded.
    """

    gap: float = 50.0

    def __post_init__(self) -> None:
        check_times(self, (), ("gap",))
        super().__post_init__()

    def _courses(self) -> Courses:
        kinds = self._signed()
        inputs = self._pulses([[0]] * len(kinds), [float(k) for k in kinds])
        delays = np.array([round(self.gap / self.dt * max(abs(k), 1)) for k in kinds])
        return Courses(inputs, np.full(len(kinds), steps(self, "pulse")), delays, np.sign(kinds))


@dataclass(frozen=True)
class SimpleDecision(DelayedResponse):
    """Give the sign of a pulse, 50 ms after it ended.

    With the defaults (dt = 1 ms, v = 1 .. 70): a pulse of height 1 on [50 + v, 70 + v), the answer from 120 + v, T = 370.
    (The docstring in the authors' code has the answer last for 230 ms, and jitter from 0. It lasts for 180 to 249.) Their
    animations are of SimpleDecision(jitter=0, gap=70, tail=160), T = 300; three of the published networks have that length.
    Fields as in DelayedResponse.
    """

    tail: float = 180.0


@dataclass(frozen=True)
class ContextDecision(DelayedResponse):
    """Give the sign of a pulse, soon or late as its height says: 50 ms after one of height 1, 100 ms after one of height 2.

    With the defaults (dt = 1 ms): the pulse on [50 + v, 70 + v), the answer from 120 + v or 170 + v, T = 370. (In the authors'
    code the generator of the simple decision, once its heights are drawn from 1 and 2.) Fields as in DelayedResponse.
    """

    tail: float = 130.0
    levels: int = 2


@dataclass(frozen=True)
class MultiInterval4(DelayedResponse):
    """Give the sign of a pulse of height k = 1 .. 4, 25 k ms after it ended.

    With the defaults (dt = 1 ms): the pulse on [50 + v, 70 + v), the answer from 70 + v + 25 k, T = 370. (The docstring in the
    authors' code has answers of 180 to 255 ms, and a fixed delay of 50 ms before them. They last for 130 to 274.)
    Fields as in DelayedResponse.
    """

    tail: float = 130.0
    levels: int = 4
    gap: float = 25.0


@dataclass(frozen=True)
class MultiInterval8(DelayedResponse):
    """Give the sign of a pulse of height k = 1 .. 8, 25 k ms after it ended.

    With the defaults (dt = 1 ms): the pulse on [50 + v, 70 + v), the answer from 70 + v + 25 k, T = 370. (The docstring in the
    authors' code has answers of 105 to 280 ms, and of 170 for k = 8. They last for 30 to 274, and for 30 to 99.)
    Fields as in DelayedResponse.
    """

    tail: float = 30.0
    levels: int = 8
    gap: float = 25.0


@dataclass(frozen=True)
class MultiAmplitude(Graded):
    """Answer a pulse of height k = 1 .. 8 with an output of 0.25 k times its sign.

    With the defaults (dt = 1 ms): the pulse on [50 + v, 70 + v), the answer from 220 + v, T = 370. The delay of 150 ms is the 100
    that the training script asks for and 50 that the generator adds. (Its docstring calls the linear code nonlinear, and has the
    answer last for 230 ms. It lasts for 80 to 149.)
    gap (ms): from the end of the pulse to the answer. amplitude: the output per height. The other fields are those of Graded.
    """

    tail: float = 80.0
    levels: int = 8
    gap: float = 150.0
    amplitude: float = 0.25

    protocol: ClassVar[Protocol] = replace(PROTOCOL, samples=LARGE_SET)

    def __post_init__(self) -> None:
        check_times(self, (), ("gap",))
        check_levels(self, (), ("amplitude",))
        if not self.amplitude:
            raise ValueError(f"amplitude must be positive, got {self.amplitude}")
        super().__post_init__()

    def _courses(self) -> Courses:
        kinds = self._signed()
        inputs = self._pulses([[0]] * len(kinds), [float(k) for k in kinds])
        ends, delays = np.full(len(kinds), steps(self, "pulse")), np.full(len(kinds), steps(self, "gap"))
        return Courses(inputs, ends, delays, self.amplitude * kinds)

    def _levels(self) -> tuple[float, int]:
        return self.amplitude, self.levels


@dataclass(frozen=True)
class DistanceCoded(Graded):
    """Give the sign of two pulses, as long after the second as it came after the first.

    With the defaults (dt = 1 ms, D = 20, 40, .. 160): pulses of height 1 on [50 + v, 70 + v) and [70 + v + D, 90 + v + D), the
    answer from 90 + v + 2 D, T = 580. No noise. (The docstring in the authors' code has T = 440.)
    distance (ms): D is this times k. The other fields are those of Graded; the names of conditions are D in ms.
    """

    input_noise_std: float = 0.0
    levels: int = 8
    distance: float = 20.0

    def __post_init__(self) -> None:
        check_times(self, (), ("distance",))
        super().__post_init__()

    def _name(self, k: int) -> str:
        return f"{k * self.distance:g}"

    def _courses(self) -> Courses:
        kinds, pulse = self._signed(), steps(self, "pulse")
        distances = np.array([round(self.distance / self.dt * max(abs(k), 1)) for k in kinds])
        inputs = self._pulses([[0, int(pulse + d)] for d in distances], [float(s) for s in np.sign(kinds)])
        return Courses(inputs, 2 * pulse + distances, distances, np.sign(kinds))


@dataclass(frozen=True)
class IntervalComparison(Decision):
    """Say which of two intervals between pulses was longer: +1 for the second, -1 for the first. There is no answer 0.

    With the defaults (dt = 1 ms; v = 0 .. 69 here; d1, d2 = 25, 50 or 50, 25, each with probability 1/2): four pulses of 10 ms and
    height 1, the first at s = 50 + v, with gaps d1, 100 and d2 between them; the last ends at s + 215. The answer is from s + 235,
    T = 560. No noise. (The docstring in the authors' code has T = 440, and pulses of both signs; a comment, the answer 10 ms after
    the last pulse.) After H. Diaz et al., https://doi.org/10.1073/pnas.2420356122, says their code.
    short, long, separation, gap (ms): the two intervals, what is between them, and from the last pulse to the answer. jitter (ms):
    v is drawn from 0 .. jitter/dt - 1 steps. The other fields are those of Decision.
    """

    pulse: float = 10.0
    tail: float = 205.0
    input_noise_std: float = 0.0
    short: float = 25.0
    long: float = 50.0
    separation: float = 100.0
    gap: float = 20.0

    def __post_init__(self) -> None:
        check_times(self, (), ("short", "long", "separation", "gap"))
        if steps(self, "short") >= steps(self, "long"):
            raise ValueError(f"short must be shorter than long = {self.long:g} ms, got {self.short}")
        super().__post_init__()

    @property
    def condition_names(self) -> tuple[str, ...]:
        """The two intervals in ms."""
        return (f"{self.short:g} {self.long:g}", f"{self.long:g} {self.short:g}")

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return rng.integers(2, size=n)

    def _late(self, drawn: Any) -> Any:
        return np.maximum(drawn - 1, 0)

    def _courses(self) -> Courses:
        pulse, short, long = (steps(self, name) for name in ("pulse", "short", "long"))
        starts = []
        for d1, d2 in ((short, long), (long, short)):
            third = 2 * pulse + d1 + steps(self, "separation")
            starts.append([0, pulse + d1, third, third + pulse + d2])
        ends = np.array([row[-1] + pulse for row in starts])
        return Courses(self._pulses(starts, [1.0, 1.0]), ends, np.full(2, steps(self, "gap")), np.array([1, -1]))
