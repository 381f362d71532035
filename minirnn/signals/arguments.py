"""Checks of arguments that the modules of this room share."""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def real(name: str, value: Any, ndim: tuple[int, ...]) -> Array:
    """The value in float64, with one of these numbers of dimensions, or a TypeError or ValueError that names it."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if array.ndim not in ndim or array.size == 0:
        raise ValueError(f"{name} must have {' or '.join(map(str, ndim))} dimensions and not be empty, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array.astype(np.float64)


def positive(name: str, value: Any, below: float = math.inf) -> float:
    """The value as a number above 0 and below `below`, or a TypeError or ValueError that names it."""
    return number(name, value, 0.0, below, open_ends=True)


def number(name: str, value: Any, low: float, high: float, *, open_ends: bool = False) -> float:
    """The value as a finite number from low to high, or a TypeError or ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    outside = not low < value < high if open_ends else not low <= value <= high
    if outside or not math.isfinite(value):
        ends = f"between {low:g} and {high:g}" if open_ends else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} must be {ends}, got {value}")
    return float(value)


def count(name: str, value: Any, low: int, high: int) -> int:
    """The value as an integer from low to high, or a TypeError or ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")
    return int(value)
