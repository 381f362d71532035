"""Initial weights (spec of the sources: arXiv 1906.01094 and its code; Glorot & Bengio 2010)."""

import math
from typing import Any

import numpy as np

from .engine import single_blas_thread

Array = np.ndarray[Any, Any]

RECURRENT = ("orthogonal", "normal")


def orthogonal(n: int, gain: float, rng: np.random.Generator) -> Array:
    """gain times a Haar-distributed orthogonal matrix: the left singular vectors of a standard normal one."""
    with single_blas_thread:  # the same bits whatever BLAS' number of threads
        u, _, _ = np.linalg.svd(rng.standard_normal((n, n)))
    return gain * u


def normal(n: int, gain: float, rng: np.random.Generator) -> Array:
    """Entries N(0, gain^2 / n): spectral radius about `gain` (Girko's circle)."""
    return gain / math.sqrt(n) * rng.standard_normal((n, n))


def glorot_uniform(fan_out: int, fan_in: int, rng: np.random.Generator) -> Array:
    """(fan_out, fan_in) entries U(-L, L), L = sqrt(6 / (fan_in + fan_out))."""
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_out, fan_in))
