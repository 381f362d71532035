"""Gates on two pulses: the network answers, and holds the answer, after both inputs were given at once (arXiv 1906.01094).

Time runs in steps of dt ms; with the defaults (dt = 1 ms), for AND:

    [0, 30)     silence, target = baseline
    [30, 50)    square pulses of height 1 on the channels that are on
    [50, 70)    gap, target = baseline
    [70, 200)   target = the gate's answer, held to the end of the trial

z[t] is the output after consuming x[t], so the first answer is z[70]. Types 00, 10, 01, 11 are written AB (channel 0 is A)
and equally likely; N(0, input_noise_std^2) is added to each input at every step.
The published variants: And() is RNN_study_with_keras' root script (T = 200), And(tail=140) its code_paper_rep (T = 210),
And(onset=60, tail=140) RRN_dynamics (T = 240), And(onset=60, tail=140, jitter=50) Excitatory-inhibitory (T = 290).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .measures import distance
from .protocol import Protocol

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class And:
    """Answer 1 after pulses on both channels, else 0.

    onset, pulse, gap, tail (ms): when the pulses start, how long they last, the wait for the answer, how long it is held.
    jitter (ms): the pulses start up to this much later, by a whole number of steps drawn from 1 .. jitter/dt per trial; the
    trial is longer by it. dt (ms). baseline: target before the answer; low: the answer 0. input_noise_std, target_noise_std:
    standard deviation of the noise added to x and to the target.
    """

    onset: float = 30.0
    pulse: float = 20.0
    gap: float = 20.0
    tail: float = 130.0
    jitter: float = 0.0
    dt: float = 1.0
    baseline: float = 0.0
    low: float = 0.0
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    condition_names: ClassVar[tuple[str, ...]] = ("00", "10", "01", "11")
    answers: ClassVar[tuple[int, ...]] = (0, 0, 0, 1)
    protocol: ClassVar[Protocol] = Protocol(stop_below=5e-4)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt must be positive, got {self.dt}")
        for name in ("onset", "pulse", "gap", "tail", "jitter", "input_noise_std", "target_noise_std"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be 0 or positive, got {value}")
        for name in ("pulse", "tail"):
            if self._steps(name) < 1:
                raise ValueError(f"{name} must be at least one step of {self.dt:g} ms, got {getattr(self, name)}")
        for name in ("baseline", "low"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")

    def _steps(self, name: str) -> int:
        return round(getattr(self, name) / self.dt)

    @property
    def T(self) -> int:
        """Steps in a trial."""
        return sum(self._steps(name) for name in ("onset", "jitter", "pulse", "gap", "tail"))

    @property
    def middle_delay(self) -> int:
        """Steps of jitter in `conditions`: the middle of 1 .. jitter, 0 without jitter."""
        return (self._steps("jitter") + 1) // 2

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return self.middle_delay + self._steps("onset") + self._steps("pulse") + self._steps("gap")

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """n random trials with noise, float32."""
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        rng = as_generator(rng)
        condition = rng.integers(len(self.condition_names), size=n)
        jitter = self._steps("jitter")
        delay = rng.integers(1, jitter + 1, size=n) if jitter else np.zeros(n, int)
        x, target = self._noiseless(condition, delay)
        if self.input_noise_std:
            x += np.float32(self.input_noise_std) * rng.standard_normal(x.shape, np.float32)
        if self.target_noise_std:
            target += np.float32(self.target_noise_std) * rng.standard_normal(target.shape, np.float32)
        return Trials(x, target, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each type, at the middle of the jitter."""
        condition = np.arange(len(self.condition_names))
        x, target = self._noiseless(condition, np.full(len(condition), self.middle_delay))
        return Trials(x, target, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array]:
        t = np.arange(self.T)[:, None]
        start = self._steps("onset") + delay
        stop = start + self._steps("pulse")
        pulse = (start <= t) & (t < stop)  # (T, B)
        answering = t >= stop + self._steps("gap")
        high = np.array([[name[channel] == "1" for channel in range(self.n_in)] for name in self.condition_names])
        answer = np.where(np.array(self.answers) == 1, 1.0, self.low)
        x = pulse[:, :, None] * high[condition].astype(np.float32)
        target = np.where(answering, answer[condition], self.baseline).astype(np.float32)[:, :, None]
        return x, target

    def held(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output of `conditions` is on its side of 0.5 at >= 95 % of the last half of its answer."""
        start = self.answer_start + (self.T - self.answer_start) // 2
        right = (z[start:] > 0.5) == (trials.target[start:] > 0.5)
        held: Array = right.mean(axis=(0, 2)) >= 0.95
        return held

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """The rule of `tasks.success`: all answers held, and a mean distance below 1.5 sqrt(T / 200)."""
        return bool(self.held(z, trials).all() and distance(z, trials).mean() < 1.5 * math.sqrt(self.T / 200))
