"""The order of axes: ours is (time, trial, unit), that of Keras, PsychRNN and others (trial, time, unit)."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def time_first(array: Any) -> Array:
    """(trial, time, unit) to (time, trial, unit); a mask (trial, time) likewise."""
    return np.ascontiguousarray(np.swapaxes(array, 0, 1))


def trial_first(array: Any) -> Array:
    """(time, trial, unit) to (trial, time, unit), for Keras, PsychRNN and others."""
    return np.ascontiguousarray(np.swapaxes(array, 0, 1))
