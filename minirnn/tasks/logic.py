"""Gates: the network answers, and holds the answer, after its inputs pulsed (or did not) at once (arXiv 1906.01094, tables 1-3).

Time runs in steps of dt ms; with the defaults (dt = 1 ms):

    [0, 30)     silence, target = baseline
    [30, 50)    square pulses of height 1 on the channels that are on
    [50, 70)    gap, target = baseline
    [70, 200)   target = the gate's answer, held to the end of the trial

z[t] is the output after consuming x[t], so the first answer is z[70]. The types 00, 10, 01, 11, written AB (channel 0 is A),
or 0 and 1 for NOT, are equally likely; N(0, input_noise_std^2) is added to each input at every step.

The published variants: And() is RNN_study_with_keras' root script (T = 200), And(tail=140) its code_paper_rep (T = 210),
And(onset=60, tail=140) RRN_dynamics (T = 240), Xor(tail=300) RRN_dynamics (T = 370), and And, Or or
Xor(onset=60, tail=140, jitter=50) Excitatory-inhibitory (T = 290).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

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
    held,
    jittered,
    middle,
    played,
    steps,
    windows,
)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Gate:
    """What And, Or, Xor and Not are: the fields, and trials from the subclass' `answers`.

    onset, pulse, gap, tail (ms): when the pulses start, how long they last, the wait for the answer, how long it is held.
    jitter (ms): the pulses start up to this much later, by a whole number of steps drawn from 1 .. jitter/dt per trial; the
    trial is longer by it. dt (ms). baseline: target before the answer; low: the answer 0. b_height: height of B's pulses (a
    variant in the authors' code has -1). input_noise_std, target_noise_std: standard deviation of the noise added to x and
    to the target.
    """

    onset: float = 30.0
    pulse: float = 20.0
    gap: float = 20.0
    tail: float = 130.0
    jitter: float = 0.0
    dt: float = 1.0
    baseline: float = 0.01
    low: float = 0.0
    b_height: float = 1.0
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("A", "B")
    condition_names: ClassVar[tuple[str, ...]] = ("00", "10", "01", "11")
    answers: ClassVar[tuple[int, ...]]
    protocol: ClassVar[Protocol]

    def __post_init__(self) -> None:
        check_times(self, ("pulse", "tail"), ("onset", "gap", "jitter"))
        check_levels(self, ("baseline", "low", "b_height"), ("input_noise_std", "target_noise_std"))

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "jitter", "pulse", "gap", "tail"))

    @property
    def truth_table(self) -> tuple[tuple[str, ...], ...]:
        """Rows of words, the head first: the inputs and the answer."""
        rows = ((*name, str(answer)) for name, answer in zip(self.condition_names, self.answers, strict=True))
        return ((*self.input_names, "answer"), *rows)

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap"))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(len(self.condition_names), size=n)
        x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each type, at the middle of the jitter."""
        condition = np.arange(len(self.condition_names))
        x, target = self._noiseless(condition, np.full(len(condition), middle(steps(self, "jitter"))))
        return Trials(x, target, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array]:
        start = steps(self, "onset") + delay
        channels, answers = _courses(self)
        x = np.empty((self.steps, len(condition), self.n_in), np.float32)
        for channel, course in enumerate(channels):
            x[:, :, channel] = played(course, condition, start)
        target = played(answers, condition, start + steps(self, "pulse") + steps(self, "gap"))
        return x, target[:, :, None]

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output of `conditions` is on its side of 0.5 at >= 95 % of the last half of its answer."""
        return held(z, trials.target, self.answer_start, self.steps)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right, and a mean distance below 1.5 sqrt(T / 200)."""
        return bool(self.right(z, trials).all() and distance(z, trials).mean() < distance_limit(trials))


@lru_cache(64)
def _courses(gate: Gate) -> tuple[list[Array], Array]:
    """The `windows` of each channel's and of the target's course, a row per condition."""
    channels = []
    for channel, height in enumerate((1.0, gate.b_height)[: gate.n_in]):
        on = np.array([[height * (name[channel] == "1")] for name in gate.condition_names])
        channels.append(windows(between(0.0, np.repeat(on, steps(gate, "pulse"), axis=1), 0.0), gate.steps))
    answer = np.where(np.array(gate.answers) == 1, 1.0, gate.low)
    return channels, windows(np.stack([np.full(len(answer), gate.baseline), answer], axis=1), gate.steps)


@dataclass(frozen=True)
class And(Gate):
    """Answer 1 after pulses on both channels, else 0; the baseline is 0. Fields as in Gate."""

    baseline: float = 0.0

    answers: ClassVar[tuple[int, ...]] = (0, 0, 0, 1)
    protocol: ClassVar[Protocol] = Protocol(stop_below=5e-4)


@dataclass(frozen=True)
class Or(Gate):
    """Answer 1 after a pulse on either channel or both, else 0. Fields as in Gate."""

    answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 1)
    protocol: ClassVar[Protocol] = Protocol(stop_below=1e-4)


@dataclass(frozen=True)
class Xor(Gate):
    """Answer 1 after a pulse on one channel alone, else 0. Fields as in Gate."""

    answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 0)
    protocol: ClassVar[Protocol] = Protocol(stop_below=1e-3)


@dataclass(frozen=True)
class Not(Gate):
    """Answer 1 where the one channel has not pulsed, else 0. Fields as in Gate.

    Needs a recurrent bias: without one, and without input, the state rests at 0 for ever and can not answer. Its clock is the
    start of the trial, so it can not be invariant to a shift in time.
    """

    n_in: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("A",)
    condition_names: ClassVar[tuple[str, ...]] = ("0", "1")
    answers: ClassVar[tuple[int, ...]] = (1, 0)
    protocol: ClassVar[Protocol] = Protocol(stop_below=5e-4, b_rec=True)


@dataclass(frozen=True)
class TwoPulseAnd:
    """AND twice in one trial: does the answer depend on when it is asked? (RRN_dynamics, "rand place".)

    With the defaults (dt = 1 ms): pulses on [30, 50) and, independently, on [180, 200); the first answer is held on [70, 150),
    the second on [220, 300); the target is `baseline` at all other steps; T = 390. The types are written AB AB.
    onset, second (ms): start of the two pulse pairs; pulse, gap, hold, T (ms): length of a pulse, wait for the answer, how
    long it is held, length of the trial. The other fields are those of And.
    """

    onset: float = 30.0
    second: float = 180.0
    pulse: float = 20.0
    gap: float = 20.0
    hold: float = 80.0
    T: float = 390.0
    dt: float = 1.0
    baseline: float = 0.01
    low: float = 0.0
    b_height: float = 1.0
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("A", "B")
    condition_names: ClassVar[tuple[str, ...]] = tuple(f"{a} {b}" for a in And.condition_names for b in And.condition_names)
    protocol: ClassVar[Protocol] = And.protocol

    def __post_init__(self) -> None:
        check_times(self, ("pulse", "hold", "T"), ("onset", "second", "gap"))
        check_levels(self, ("baseline", "low", "b_height"), ("input_noise_std", "target_noise_std"))
        whole = self.pulse + self.gap + self.hold
        if self.second < self.onset + whole:
            raise ValueError(f"second must not be before the first answer ends, at {self.onset + whole:g} ms, got {self.second}")
        if self.T < self.second + whole:
            raise ValueError(f"T must hold the second answer, until {self.second + whole:g} ms, got {self.T}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return steps(self, "T")

    @property
    def truth_table(self) -> tuple[tuple[str, ...], ...]:
        """Rows of words, the head first: that of And, which holds for each pair of pulses."""
        return And().truth_table

    def _answers(self) -> tuple[int, int]:
        """First steps of the two answers."""
        wait = steps(self, "pulse") + steps(self, "gap")
        return steps(self, "onset") + wait, steps(self, "second") + wait

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(len(self.condition_names), size=n)
        x, target = self._noiseless(condition)
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each of the 16 types."""
        condition = np.arange(len(self.condition_names))
        return Trials(*self._noiseless(condition), condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array) -> tuple[Array, Array]:
        T = self.steps
        x = np.zeros((T, len(condition), 2), np.float32)
        target = np.full((T, len(condition), 1), self.baseline, np.float32)
        heights = np.array([1.0, self.b_height], np.float32)
        on = np.array([[name[channel] == "1" for channel in range(2)] for name in And.condition_names])
        answers = np.where(np.array(And.answers) == 1, 1.0, self.low)
        starts = (steps(self, "onset"), steps(self, "second"))
        for kind, start, answer in zip(divmod(condition, 4), starts, self._answers(), strict=True):
            x[start : start + steps(self, "pulse")] = (on * heights)[kind]
            target[answer : answer + steps(self, "hold"), :, 0] = answers[kind]
        return x, target

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether both answers are on their side of 0.5 at >= 95 % of their last half."""
        first, second = (held(z, trials.target, start, start + steps(self, "hold")) for start in self._answers())
        return first & second

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right, and a mean distance below 1.5 sqrt(T / 200)."""
        return bool(self.right(z, trials).all() and distance(z, trials).mean() < distance_limit(trials))
