"""How well outputs match their targets."""

from typing import Any, Protocol

import numpy as np

from ..trials import Trials

Array = np.ndarray[Any, Any]


class Solvable(Protocol):
    """A task that can judge the outputs of its own `conditions()`."""

    def is_solved(self, z: Array, trials: Trials) -> bool: ...


def distance(z: Any, trials: Trials, *, masked: bool = False) -> Array:
    """(B,) Euclidean norm of output minus target over all steps and outputs, in float64; z (T, B, O).

    The distance of arXiv 1906.01094: not divided by the length of the trial. masked: whether squares are weighed by the mask.
    """
    z = np.asarray(z)
    if z.shape != trials.target.shape:
        raise ValueError(f"z must be {trials.target.shape} to fit the trials, got {z.shape}")
    difference = z.astype(np.float64) - trials.target
    squares = difference * difference * (trials.weights() if masked else 1.0)
    norm: Array = np.sqrt(squares.sum(axis=(0, 2)))
    return norm


def success(z: Any, trials: Trials, task: Solvable) -> bool:
    """Whether these outputs of `task.conditions()` solve the task, by the task's own rule."""
    z = np.asarray(z)
    if z.shape != trials.target.shape:
        raise ValueError(f"z must be {trials.target.shape} to fit the trials, got {z.shape}")
    return task.is_solved(z, trials)
