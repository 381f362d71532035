"""Trials in epochs: durations, fixed or drawn; which epoch a step is in; inputs above a baseline, with noise.

The convention of Song, Yang & Wang (PLoS Comput Biol 12, e1004792, 2016) and their code, pycog: step k stands for the time
t = (k + 1) dt, and the epoch (s, e] has the steps with s < t <= e. Where s and e are whole numbers of steps these are
s/dt .. e/dt - 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Uniform:
    """A duration (ms) from U(low, high), cut to whole steps."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """What stands for it in `conditions`."""
        return 0.5 * (self.low + self.high)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) ms."""
        return rng.uniform(self.low, self.high, n)


@dataclass(frozen=True)
class TruncatedExponential:
    """A duration (ms) from the exponential law with this mean, given that it is in [low, high); cut to whole steps.

    The mean is that of the law before it is truncated.
    """

    mean: float
    low: float
    high: float

    @property
    def middle(self) -> float:
        """What stands for it in `conditions`."""
        return self.mean

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) ms."""
        inside = -math.expm1((self.low - self.high) / self.mean)  # P(x < high | x >= low)
        return self.low - self.mean * np.log1p(-inside * rng.random(n))


DRAWN = Uniform | TruncatedExponential
Duration = float | Uniform | TruncatedExponential


def check_durations(task: Any, names: tuple[str, ...]) -> None:
    """ValueError naming the field of a task whose duration is not finite, shorter than a step, or has no range."""
    if not (math.isfinite(task.dt) and task.dt > 0):
        raise ValueError(f"dt must be positive, got {task.dt}")
    for name in names:
        value = getattr(task, name)
        random = isinstance(value, DRAWN)
        low, high = (value.low, value.high) if random else (value, value)
        if not (math.isfinite(high) and low >= task.dt):
            raise ValueError(f"{name} must be finite and at least one step of {task.dt:g} ms, got {value}")
        if random and not (low < high and low <= value.middle <= high):
            raise ValueError(f"{name} must have low < high and its mean between them, got {value}")


def in_steps(time: Any, dt: float) -> Array:
    """Whole steps up to a time (ms)."""
    return np.floor(np.asarray(time) / dt + 1e-9).astype(int)  # 0.3 / 0.1 is 2.9999999999999996


def fixed(duration: Duration) -> float:
    """The duration itself, or the middle of its law (ms)."""
    return duration.middle if isinstance(duration, DRAWN) else duration


def longest(duration: Duration) -> float:
    """The duration itself, or the upper end of its law (ms)."""
    return duration.high if isinstance(duration, DRAWN) else duration


def drawn(duration: Duration, dt: float, n: int, rng: np.random.Generator) -> Any:
    """The duration itself, or (n,) drawn from its law, in whole steps (ms)."""
    return in_steps(duration.draw(n, rng), dt) * dt if isinstance(duration, DRAWN) else duration


def ends(durations: list[Any], dt: float, n: int) -> Array:
    """(E, n) the steps before which the epochs of each trial end; a duration (ms) is a number or (n,)."""
    rows, time = [], np.zeros(n)
    for duration in durations:
        time = time + duration
        rows.append(in_steps(time, dt))
    return np.stack(rows)


def epoch_of(T: int, ends: Array) -> Array:
    """(T, n) which epoch each step of each trial is in; E, the number of epochs, after the trial's end."""
    k = np.arange(T)[:, None]
    epoch = np.zeros((T, ends.shape[1]), int)
    for end in ends:
        epoch += k >= end
    return epoch


def noisy_input(x: Array, task: Any, rng: np.random.Generator | None) -> Array:
    """[baseline_input + x + input_noise_std n]_+ with n ~ N(0, 1) per step, trial and input, in place; no noise without rng."""
    x += np.float32(task.baseline_input)
    if rng is not None and task.input_noise_std:
        x += np.float32(task.input_noise_std) * rng.standard_normal(x.shape, np.float32)
    return np.maximum(x, 0.0, out=x)
