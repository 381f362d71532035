"""One network, several tasks: a pulse on a channel of its own, the context, says which one is asked for (code: multitasking_RNN).

z[t] is the output after consuming x[t]; N(0, input_noise_std^2) is added to each input at every step. In the committed generators
the noise is commented out, as is the default here; the poster says that inputs are noisy: input_noise_std=0.1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .logic import And, Or, Xor
from .measures import distance
from .protocol import Protocol
from .shapes import (
    add_noise,
    between,
    check_count,
    check_levels,
    check_times,
    correlation,
    distance_limit,
    held,
    jittered,
    middle,
    played,
    steps,
    windows,
)
from .timing import Oscillation, TimePulse

Array = np.ndarray[Any, Any]

ANSWERS = {"and": And.answers, "or": Or.answers, "xor": Xor.answers, "not": (1, 0, 1, 0)}  # after 00, 10, 01, 11


def _check_context(task: Any, length: float) -> None:
    """ValueError for a context pulse of this length (ms) that is not over when the answer begins."""
    answer = task.onset + task.pulse + task.gap
    if task.context_onset + length > answer:
        raise ValueError(
            f"context_onset must be at most {answer - length:g} ms, to end before the answer, got {task.context_onset}"
        )


@dataclass(frozen=True)
class ContextGates:
    """Answer by the gate that the context stands for.

    With the defaults, three gates, those of the published networks (dt = 1 ms); v is uniform on 1 .. 50 in each trial:

        [20 + v, 40 + v)     context: a pulse of height +1 for AND, -1 for OR, no pulse for XOR
        [60 + v, 80 + v)     pulses of height 1 on A and B where they are on
        [100 + v, 290)       target = the gate's answer; before, baseline

    Gates are equally likely, and so are the types 00, 10, 01, 11, written AB. ContextGates.and_or() is the code's set of two:
    AND +1, OR -1, no jitter, T = 240.
    gates: names, of "and", "or", "xor" and "not", to the height of their context, a mapping or pairs; it is kept as pairs.
    "not" answers to A, whatever B does. (With height 0 a trial of type 00 would have no input at all: only a network with a bias
    could answer 1, and only without jitter.)
    context_onset, onset (ms): start of the pulses on the context and on A and B. The other fields are those of the gates in
    `logic`. zero_last_step: the target of the last step is 0, as in the authors' data with three gates (a slice ends at -1); then
    the stop at a loss of 5e-5 is out of reach, for that step alone costs about 1 / (2 T).
    """

    gates: Mapping[str, float] | tuple[tuple[str, float], ...] = (("and", 1.0), ("or", -1.0), ("xor", 0.0))
    context_onset: float = 20.0
    onset: float = 60.0
    pulse: float = 20.0
    gap: float = 20.0
    tail: float = 140.0
    jitter: float = 50.0
    dt: float = 1.0
    baseline: float = 0.0
    low: float = 0.0
    zero_last_step: bool = False
    input_noise_std: float = 0.0
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 3
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("A", "B", "context")
    protocol: ClassVar[Protocol] = Protocol(samples=45100, batch=256, stop_below=5e-5, n_rec=200)

    @classmethod
    def and_or(cls, **changes: Any) -> "ContextGates":
        """The code's set of two gates, without jitter; its script trains it as it does the three."""
        published: dict[str, Any] = {"gates": {"and": 1.0, "or": -1.0}, "jitter": 0.0}
        return cls(**(published | changes))

    def __post_init__(self) -> None:
        pairs = self.gates.items() if isinstance(self.gates, Mapping) else self.gates
        gates = tuple((name, float(height)) for name, height in pairs)
        names, heights = [name for name, _ in gates], [height for _, height in gates]
        if not gates:
            raise ValueError("gates must have at least one gate")
        if not set(names) <= set(ANSWERS) or len(set(names)) < len(names):
            raise ValueError(f"gates must be different ones of {', '.join(ANSWERS)}, got {', '.join(map(str, names))}")
        if not all(map(math.isfinite, heights)) or len(set(heights)) < len(heights):
            raise ValueError(f"gates must have contexts that are finite and differ, got {', '.join(f'{h:g}' for h in heights)}")
        object.__setattr__(self, "gates", gates)
        check_times(self, ("pulse", "tail"), ("context_onset", "onset", "gap", "jitter"))
        check_levels(self, ("baseline", "low"), ("input_noise_std", "target_noise_std"))
        _check_context(self, self.pulse)

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "jitter", "pulse", "gap", "tail"))

    @property
    def condition_names(self) -> tuple[str, ...]:
        """The gate and the type, "and 00", "and 10" .. "xor 11"."""
        return tuple(f"{gate} {kind}" for gate in dict(self.gates) for kind in And.condition_names)

    @property
    def truth_table(self) -> tuple[tuple[str, ...], ...]:
        """Rows of words, the head first: the inputs and the answer."""
        rows = [
            (*kind, f"{height:+g}" if height else "0", str(answer))
            for gate, height in dict(self.gates).items()
            for kind, answer in zip(And.condition_names, ANSWERS[gate], strict=True)
        ]
        return ((*self.input_names, "answer"), *rows)

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap"))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(4 * len(self.gates), size=n)
        x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each type for each gate, at the middle of the jitter."""
        condition = np.arange(4 * len(self.gates))
        x, target = self._noiseless(condition, np.full(len(condition), middle(steps(self, "jitter"))))
        return Trials(x, target, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array]:
        channel, context, answers = _gate_courses(self)
        start = steps(self, "onset") + delay
        gate, kind = np.divmod(condition, 4)
        x = np.empty((self.steps, len(condition), 3), np.float32)
        x[:, :, 0] = played(channel, kind & 1, start)
        x[:, :, 1] = played(channel, kind >> 1, start)
        x[:, :, 2] = played(context, gate, steps(self, "context_onset") + delay)
        target = played(answers, condition, start + steps(self, "pulse") + steps(self, "gap"))
        if self.zero_last_step:
            target[-1] = 0.0
        return x, target[:, :, None]

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output of `conditions` is on its side of 0.5 at >= 95 % of the last half of its answer."""
        return held(z, trials.target, self.answer_start, self.steps - self.zero_last_step)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right, and a mean distance below 1.5 sqrt(T / 200)."""
        return bool(self.right(z, trials).all() and distance(z, trials).mean() < distance_limit(trials))


@lru_cache(64)
def _gate_courses(task: ContextGates) -> tuple[Array, Array, Array]:
    """The `windows` of a channel's course, off and on, of the context's, gate by gate, and of the target's, a row per condition."""
    gates = dict(task.gates)
    pulse = np.ones((1, steps(task, "pulse")))
    channel = between(0.0, np.array([[0.0], [1.0]]) * pulse, 0.0)
    context = between(0.0, np.array(list(gates.values()))[:, None] * pulse, 0.0)
    answer = np.where(np.concatenate([ANSWERS[gate] for gate in gates]) == 1, 1.0, task.low)
    answers = np.stack([np.full(len(answer), task.baseline), answer], axis=1)
    return windows(channel, task.steps), windows(context, task.steps), windows(answers, task.steps)


@dataclass(frozen=True)
class ContextTiming:
    """Give a pulse back or oscillate after it: the context says which.

    The code's script for one input and a context imports a generator that is not published; this timing is ours, made of the
    tasks in `timing`. With the defaults (dt = 1 ms); v is uniform on 1 .. 50 in each trial:

        [20 + v, 40 + v)     context: a pulse of height +1 (give back) or -1 (oscillate), with probability 1/2 each
        [100 + v, 140 + v)   A, with probability 1/2: the input of Oscillation
        [160 + v, 180 + v)   after +1, target = the bell of TimePulse.paper_rep, peak 0.985
        [160 + v, 380 + v)   after -1, target = that of Oscillation, 28.57 Hz
        else                 target = baseline; T = 470

    Without a pulse on A the target is 0 in the same windows, as it is in the two tasks.
    context_onset, context_pulse (ms): start and length of the context's pulse. onset, pulse, gap, duration, tail, jitter (ms),
    scale, baseline: as in Oscillation; gain: as in TimePulse.
    """

    context_onset: float = 20.0
    context_pulse: float = 20.0
    onset: float = 100.0
    pulse: float = 40.0
    gap: float = 20.0
    duration: float = 220.0
    tail: float = 40.0
    jitter: float = 50.0
    dt: float = 1.0
    gain: float = 0.055
    scale: float = 0.2
    baseline: float = 0.002
    input_noise_std: float = 0.0
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("context", "A")
    condition_names: ClassVar[tuple[str, ...]] = (
        "give back, no pulse", "give back, pulse", "oscillate, no pulse", "oscillate, pulse",
    )  # fmt: skip
    protocol: ClassVar[Protocol] = Protocol(samples=30050, batch=256, epochs=10, stop_below=1e-4, n_rec=100)  # N: the poster's
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("context", "A", "output"),
        ("+1", "no pulse", "silent"),
        ("+1", "pulse", "the pulse again, after the delay"),
        ("-1", "no pulse", "silent"),
        ("-1", "pulse", "oscillates in its window"),
    )

    def __post_init__(self) -> None:
        check_times(self, ("context_pulse", "pulse", "duration"), ("context_onset", "onset", "gap", "tail", "jitter"))
        check_levels(self, ("gain", "scale", "baseline"), ("input_noise_std", "target_noise_std"))
        _check_context(self, self.context_pulse)
        if round(15.0 / self.dt) < 3:
            raise ValueError(f"dt must leave three steps to the 15 ms that smooth the pulse on A, got {self.dt:g}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "jitter", "pulse", "gap", "duration", "tail"))

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap"))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(4, size=n)
        x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """A noiseless trial without and one with a pulse on A for each context, at the middle of the jitter."""
        condition = np.arange(4)
        x, target = self._noiseless(condition, np.full(4, middle(steps(self, "jitter"))))
        return Trials(x, target, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array]:
        context, given, answers = _timing_courses(self)
        start = steps(self, "onset") + delay
        x = np.empty((self.steps, len(condition), 2), np.float32)
        x[:, :, 0] = played(context, condition >> 1, steps(self, "context_onset") + delay)
        x[:, :, 1] = played(given, condition & 1, start)
        target = played(answers, condition, start + steps(self, "pulse") + steps(self, "gap"))
        return x, target[:, :, None]

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) by the rules of TimePulse and Oscillation.

        With a pulse on A: correlation with the target in its window > 0.9, an oscillation's without its last 5 steps; and for
        what is given back a distance < 1.25. Without: distance < 0.5.
        """
        d = distance(z, trials)
        start = self.answer_start
        bell, wave = slice(start, start + round(20.0 / self.dt)), slice(start, start + steps(self, "duration") - 5)
        given = (correlation(z[bell], trials.target[bell]) > 0.9) & (d < 1.25)
        oscillates = correlation(z[wave], trials.target[wave]) > 0.9
        answered = np.where(trials.condition == 1, given, oscillates)
        return np.where((trials.condition == 1) | (trials.condition == 3), answered, d < 0.5)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All four trials right."""
        return bool(self.right(z, trials).all())


@lru_cache(64)
def _timing_courses(task: ContextTiming) -> tuple[Array, Array, Array]:
    """The `windows` of the context's course, +1 and -1, of A's, off and on, and of the target's, a row per condition."""
    wave = Oscillation(
        onset=task.onset, pulse=task.pulse, gap=task.gap, duration=task.duration, tail=task.tail, scale=task.scale, dt=task.dt
    )
    bell = TimePulse(gain=task.gain, dt=task.dt)
    begin, length, bell_length = steps(task, "onset"), steps(task, "duration"), steps(bell, "pulse")
    waves, bells = wave.conditions(), bell.conditions()
    pulse = waves.x[begin : begin + steps(task, "pulse"), :, 0].T
    answers = np.full((4, 2 + max(length, bell_length)), task.baseline)
    answers[:2, 1 : 1 + bell_length] = bells.target[bell.answer_start : bell.answer_start + bell_length, :, 0].T
    answers[2:, 1 : 1 + length] = waves.target[wave.answer_start : wave.answer_start + length, :, 0].T
    context = np.array([[1.0], [-1.0]]) * np.ones(steps(task, "context_pulse"))
    T = task.steps
    return windows(between(0.0, context, 0.0), T), windows(between(0.0, pulse, 0.0), T), windows(answers, T)
