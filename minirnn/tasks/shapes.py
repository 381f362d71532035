"""What the experiments share: checks of their settings, pulses, smoothing, noise, and the rule of a held answer."""

import math
from typing import Any

import numpy as np

from ..trials import Trials

Array = np.ndarray[Any, Any]


def check_times(task: Any, at_least_a_step: tuple[str, ...], may_be_zero: tuple[str, ...]) -> None:
    """ValueError naming the field of a task whose time (ms) is negative, not finite, or too short for a step of dt."""
    if not (math.isfinite(task.dt) and task.dt > 0):
        raise ValueError(f"dt must be positive, got {task.dt}")
    for name in at_least_a_step + may_be_zero:
        value = getattr(task, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be 0 or positive, got {value}")
    for name in at_least_a_step:
        if steps(task, name) < 1:
            raise ValueError(f"{name} must be at least one step of {task.dt:g} ms, got {getattr(task, name)}")


def check_levels(task: Any, finite: tuple[str, ...], not_negative: tuple[str, ...] = ()) -> None:
    """ValueError naming the field that is not finite, or negative where it must not be."""
    for name in finite + not_negative:
        value = getattr(task, name)
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
        if name in not_negative and value < 0:
            raise ValueError(f"{name} must be 0 or positive, got {value}")


def check_count(n: Any) -> None:
    """ValueError for a number of trials below 1."""
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")


def steps(task: Any, name: str) -> int:
    """A time of the task (ms) in steps."""
    return round(getattr(task, name) / task.dt)


def windows(rows: Array, T: int) -> Array:
    """(K, L + T + 1, T) float32: what `played` chooses from. Row k of `rows` (K, L + 2) is a constant, L values, a constant.

    Each row was made long enough at both ends that every start in 0 .. T has its window of T steps; a view, not copies.
    """
    K, columns = rows.shape
    row = np.empty((K, columns - 2 + 2 * T), np.float32)
    row[:, :T], row[:, T:-T], row[:, -T:] = rows[:, :1], rows[:, 1:-1], rows[:, -1:]
    return np.lib.stride_tricks.sliding_window_view(row, T, axis=1)


def played(chosen: Array, kind: Array, start: Array) -> Array:
    """(T, B) float32: trial b goes through row kind[b], whose L values begin at step start[b], from the `windows` of rows."""
    T = chosen.shape[2]
    return np.ascontiguousarray(chosen[kind, T - start].T)


def between(before: float, middle: Array, after: float) -> Array:
    """Rows for `windows`: the rows `middle` (K, L) between two constants."""
    rows = np.empty((len(middle), middle.shape[1] + 2))
    rows[:, 0], rows[:, 1:-1], rows[:, -1] = before, middle, after
    return rows


def smoothed_box(length: int, kernel: Array) -> Array:
    """(length,) a box of ones convolved with the kernel (K,), the middle part: scipy's mode "same" of the two."""
    begin = (len(kernel) - 1) // 2
    return np.convolve(np.ones(length), kernel)[begin : begin + length]


def hann(n: int) -> Array:
    """(n,) the symmetric Hann window, end points 0, divided by its sum."""
    kernel = np.hanning(n)
    return kernel / kernel.sum()


def jittered(rng: np.random.Generator, jitter: int, shape: Any) -> Array:
    """Delays drawn from 1 .. jitter steps, 0 without jitter."""
    return rng.integers(1, jitter + 1, size=shape) if jitter else np.zeros(shape, int)


def middle(jitter: int) -> int:
    """The middle of 1 .. jitter steps, 0 without jitter."""
    return (jitter + 1) // 2


def add_noise(array: Array, standard_deviation: float, rng: np.random.Generator) -> None:
    """Add N(0, standard_deviation^2) to each entry of the float32 array, in place."""
    if standard_deviation:
        array += np.float32(standard_deviation) * rng.standard_normal(array.shape, np.float32)


def held(z: Array, target: Array, start: int, stop: int) -> Array:
    """(B,) whether z is on the target's side of 0.5 at >= 95 % of the last half of the steps [start, stop)."""
    half = start + (stop - start) // 2
    right = (z[half:stop] > 0.5) == (target[half:stop] > 0.5)
    found: Array = right.mean(axis=(0, 2)) >= 0.95
    return found


def correlation(z: Array, target: Array) -> Array:
    """(B,) Pearson's correlation of z and target (T, B, O) over time and outputs; 0 where one of them is constant."""
    a = np.moveaxis(z, 1, 0).reshape(z.shape[1], -1).astype(np.float64)
    b = np.moveaxis(target, 1, 0).reshape(z.shape[1], -1).astype(np.float64)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    size = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.divide((a * b).sum(axis=1), size, out=np.zeros(len(a)), where=size > 0)


def distance_limit(trials: Trials) -> float:
    """Mean distance below which a task with held answers may count as solved: 1.5 sqrt(T / 200)."""
    return 1.5 * math.sqrt(trials.x.shape[0] / 200)
