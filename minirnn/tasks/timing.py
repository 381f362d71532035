"""Tasks in time: give a pulse back after a delay, start an oscillation when told (arXiv 1906.01094; code: RNN_study_with_keras).

One input, one output. On half of the trials the input pulses; on the others nothing happens and the output stays where it is.
z[t] is the output after consuming x[t]; N(0, input_noise_std^2) is added to the input at every step.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

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
    correlation,
    hann,
    jittered,
    middle,
    played,
    smoothed_box,
    steps,
    windows,
)

Array = np.ndarray[Any, Any]


class _PulseOrNone:
    """Trials with a pulse or without: what TimePulse and Oscillation have in common."""

    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("A",)
    condition_names: ClassVar[tuple[str, ...]] = ("no pulse", "pulse")

    dt: float
    jitter: float
    input_noise_std: float
    target_noise_std: float

    @property
    def steps(self) -> int:
        raise NotImplementedError

    def _shapes(self) -> tuple[Array, Array, float]:
        """The shapes of the pulse and of the answer to it, and the target's baseline."""
        raise NotImplementedError

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array]:
        """On trials without a pulse, zeros stand for both shapes."""
        given, answer = _courses(self)
        start = steps(self, "onset") + delay
        x = played(given, condition, start)
        target = played(answer, condition, start + steps(self, "pulse") + steps(self, "gap"))
        return x[:, :, None], target[:, :, None]

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(2, size=n)
        x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """A noiseless trial without and one with a pulse, at the middle of the jitter."""
        condition = np.arange(2)
        x, target = self._noiseless(condition, np.full(2, middle(steps(self, "jitter"))))
        return Trials(x, target, condition=condition, dt=self.dt)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """Both trials right."""
        return bool(self.right(z, trials).all())

    def right(self, z: Array, trials: Trials) -> Array:
        raise NotImplementedError


@lru_cache(64)
def _courses(task: _PulseOrNone) -> tuple[Array, Array]:
    """The `windows` of the input's and the target's course, without and with a pulse."""
    pulse, answer, baseline = task._shapes()
    given = between(0.0, np.stack([np.zeros(len(pulse)), pulse]), 0.0)
    return windows(given, task.steps), windows(between(baseline, np.stack([np.zeros(len(answer)), answer]), baseline), task.steps)


@dataclass(frozen=True)
class TimePulse(_PulseOrNone):
    """Give a bell-shaped pulse back after a delay.

    With the defaults, the root script of RNN_study_with_keras (dt = 1 ms):

        [30, 50)    the input, a box smoothed by 0.04 exp(-n^2 / (2 12^2)) over 20 points: peak 0.7165
        [70, 90)    the target, the same shape; 0 where there was no pulse
        else        target = baseline, 0.01;  T = 100

    TimePulse.paper_rep() is that of code_paper_rep: input on [50, 70) smoothed by a Hann window of 10 points and unit sum, peak
    1.0; target 0.055 times the Gaussian shape over 0.04, peak 0.985; baseline 0.045; noise 0.03 on input and target; T = 300.
    onset, pulse, gap, tail, jitter (ms): start of the input, its length (and the answer's), the delay from its end to the
    answer, what follows the answer, random lateness as in the gates. shape: the input's. gain: height of the target's shape.
    The published script has 0.1 for target_noise_std as well; then no distance can be below 0.1 sqrt(T).
    For delays of 50 ms and more the published T = 100 can not hold the answer: take tail=30 or more.
    """

    onset: float = 30.0
    pulse: float = 20.0
    gap: float = 20.0
    tail: float = 10.0
    jitter: float = 0.0
    dt: float = 1.0
    shape: Literal["gaussian", "hann"] = "gaussian"
    gain: float = 0.04
    baseline: float = 0.01
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    protocol: ClassVar[Protocol] = Protocol(stop_below=1e-3)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("input", "output"), ("no pulse", "silent"), ("pulse", "the pulse again, after the delay"),
    )  # fmt: skip

    @classmethod
    def paper_rep(cls, **changes: Any) -> "TimePulse":
        """The variant of RNN_study_with_keras/code_paper_rep."""
        published: dict[str, Any] = {
            "onset": 50.0, "tail": 190.0, "shape": "hann", "gain": 0.055, "baseline": 0.045, "input_noise_std": 0.03,
            "target_noise_std": 0.03,
        }  # fmt: skip
        return cls(**(published | changes))

    def __post_init__(self) -> None:
        check_times(self, ("pulse",), ("onset", "gap", "tail", "jitter"))
        check_levels(self, ("gain", "baseline"), ("input_noise_std", "target_noise_std"))
        if self.shape not in ("gaussian", "hann"):
            raise ValueError(f'shape must be "gaussian" or "hann", got {self.shape!r}')

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return self.answer_start - middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("jitter", "pulse", "tail"))

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap"))

    def _bell(self, height: float) -> Array:
        """The box smoothed by height exp(-n^2 / (2 (12 ms)^2)) over 20 ms."""
        points = round(20.0 / self.dt)
        n = (np.arange(points) - 0.5 * (points - 1)) * self.dt
        return smoothed_box(steps(self, "pulse"), height * self.dt * np.exp(-(n**2) / (2 * 12.0**2)))

    def _shapes(self) -> tuple[Array, Array, float]:
        hann_shape = smoothed_box(steps(self, "pulse"), hann(round(10.0 / self.dt)))
        return self._bell(0.04) if self.shape == "gaussian" else hann_shape, self._bell(self.gain), self.baseline

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) with a pulse: correlation with the target in its window > 0.9 and distance < 1.25; without: distance < 0.5."""
        d = distance(z, trials)
        part = slice(self.answer_start, self.answer_start + steps(self, "pulse"))
        follows = correlation(z[part], trials.target[part]) > 0.9
        return np.where(trials.condition == 1, follows & (d < 1.25), d < 0.5)


@dataclass(frozen=True)
class Oscillation(_PulseOrNone):
    """Oscillate after a pulse, for a while; without one stay silent.

    With the defaults, code_paper_rep of RNN_study_with_keras (dt = 1 ms):

        [100, 140)   the input, a box smoothed by a Hann window of 15 points and unit sum: peak 1.0
        [160, 380)   the target, `scale` times a box of the window's length convolved ("same") with sin(2 pi 12 n / T),
                     n = 0 .. T - 1: about one period of onset, then a sinusoid of 12 cycles in T, 28.57 Hz;
                     0 where there was no pulse
        else         target = baseline, 0.002;  T = 420

    Oscillation.root() is that of the root script: input on [100, 120), Hann of 10 points; window [140, 320); scale 0.3; baseline
    0.003; 12 cycles in T = 340, 35.29 Hz. clean=True: the target in the window is amplitude sin(2 pi f (t - t_on)) with the
    same frequency f instead.
    onset, pulse, gap, duration, tail, jitter (ms): start and length of the input, the wait for the oscillation, how long it
    lasts, what follows it, random lateness as in the gates. smooth (ms): the Hann window's length. cycles: periods in T.
    """

    onset: float = 100.0
    pulse: float = 40.0
    gap: float = 20.0
    duration: float = 220.0
    tail: float = 40.0
    jitter: float = 0.0
    dt: float = 1.0
    smooth: float = 15.0
    cycles: float = 12.0
    scale: float = 0.2
    baseline: float = 0.002
    clean: bool = False
    amplitude: float = 1.0
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    protocol: ClassVar[Protocol] = Protocol(stop_below=1e-3)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("input", "output"), ("no pulse", "silent"), ("pulse", "oscillates in its window"),
    )  # fmt: skip

    @classmethod
    def root(cls, **changes: Any) -> "Oscillation":
        """The variant of RNN_study_with_keras' root script."""
        published = {"pulse": 20.0, "duration": 180.0, "tail": 20.0, "smooth": 10.0, "scale": 0.3, "baseline": 0.003}
        return cls(**(published | changes))

    def __post_init__(self) -> None:
        check_times(self, ("pulse", "duration"), ("onset", "gap", "tail", "jitter"))
        check_levels(self, ("scale", "baseline", "amplitude"), ("cycles", "input_noise_std", "target_noise_std"))
        if not (math.isfinite(self.smooth) and steps(self, "smooth") >= 3):
            raise ValueError(f"smooth must be at least three steps of {self.dt:g} ms, got {self.smooth}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "jitter", "pulse", "gap", "duration", "tail"))

    @property
    def frequency(self) -> float:
        """Of the target's sinusoid, in Hz: `cycles` in a trial without jitter."""
        return 1000.0 * self.cycles / ((self.steps - steps(self, "jitter")) * self.dt)

    @property
    def answer_start(self) -> int:
        """The first step of the oscillation in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap"))

    def _oscillation(self) -> Array:
        """(duration,) the target in its window."""
        angle = 2e-3 * np.pi * self.frequency * self.dt  # per step
        if self.clean:
            return self.amplitude * np.sin(angle * np.arange(steps(self, "duration")))
        kernel = np.sin(angle * np.arange(self.steps - steps(self, "jitter")))
        return self.scale * self.dt * smoothed_box(steps(self, "duration"), kernel)

    def _shapes(self) -> tuple[Array, Array, float]:
        return smoothed_box(steps(self, "pulse"), hann(steps(self, "smooth"))), self._oscillation(), self.baseline

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) with a pulse: correlation with the target in its window, without its last 5 steps, > 0.9; else distance < 0.5.

        The distance of the whole trial is not asked for: networks go on oscillating after the window.
        """
        part = slice(self.answer_start, self.answer_start + steps(self, "duration") - 5)
        follows = correlation(z[part], trials.target[part]) > 0.9
        return np.where(trials.condition == 1, follows, distance(z, trials) < 0.5)
