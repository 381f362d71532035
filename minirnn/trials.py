"""`Trials`: inputs, targets and masks of a set of trials, with axes (time, trial, unit)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def numeric(name: str, value: Any, finite: bool = True) -> Array:
    """The value as an array of finite real numbers, or a TypeError or ValueError that names it."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    return array


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials of T steps for I inputs and O outputs.

    x (T, B, I); target (T, B, O); mask (T, B) or (T, B, O) of weights >= 0, None for all ones; condition (B,) integers, the
    kind of each trial; dt the step in ms, None where it does not matter. TypeError, or ValueError naming the array, if not.
    """

    x: Array
    target: Array
    mask: Array | None = None
    condition: Array | None = None
    dt: float | None = None

    def __post_init__(self) -> None:
        x = numeric("x", self.x)
        target = numeric("target", self.target)
        if x.ndim != 3:
            raise ValueError(f"x must be (T, B, I), got {x.shape}")
        T, B, _ = x.shape
        if T < 1 or B < 1:
            raise ValueError(f"x must have at least one step and one trial, got {x.shape}")
        if target.ndim != 3 or target.shape[:2] != (T, B):
            raise ValueError(f"target must be ({T}, {B}, O) to fit x, got {target.shape}")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "target", target)
        if self.mask is not None:
            mask = numeric("mask", self.mask)
            if mask.shape not in ((T, B), target.shape):
                raise ValueError(f"mask must be ({T}, {B}) or {target.shape}, got {mask.shape}")
            if (mask < 0).any():
                raise ValueError(f"mask must not be negative, got {mask.min()}")
            if not mask.any():
                raise ValueError("mask sums to 0: no step of any trial would count")
            object.__setattr__(self, "mask", mask)
        if self.condition is not None:
            condition = np.asarray(self.condition)
            if condition.dtype.kind not in "iu" or condition.shape != (B,):
                raise ValueError(f"condition must be ({B},) integers, got {condition.shape} of dtype {condition.dtype}")
            object.__setattr__(self, "condition", condition)
        if self.dt is not None and not (np.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt must be positive, got {self.dt}")

    def __len__(self) -> int:
        """The number of trials."""
        return int(self.x.shape[1])

    def weights(self) -> Array:
        """The mask as (T, B, O), ones where there is none; a read-only view."""
        mask = np.ones(1) if self.mask is None else self.mask
        if mask.ndim == 2:
            mask = mask[:, :, None]
        return np.broadcast_to(mask, self.target.shape)
