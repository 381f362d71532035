"""Initial weights, float64 and (to, from): column j is what unit j sends out. Every draw is from the Generator `rng`.

Sources: arXiv 1906.01094 and its code (orthogonal, normal); Glorot & Bengio 2010 (glorot_uniform); arXiv 2208.10304 and its code
(two_gaussians); pycog: Song, Yang & Wang 2016, PLoS Comput Biol 12, e1004792 (gamma, scaled_normal, lognormal, uniform); the code
github.com/katejarne/RNNs_for_DM_and_time_representation (low_rank). ValueError or TypeError, naming the argument, for whatever
does not fit.
"""

import math
import numbers
from typing import Any

import numpy as np

from .engine import single_blas_thread

Array = np.ndarray[Any, Any]

RECURRENT = (
    "orthogonal", "normal", "glorot_uniform", "sparse", "low_rank", "lognormal", "scaled_normal", "two_gaussians", "gamma",
)  # fmt: skip


def _size(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value}")
    return int(value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def _positive(name: str, value: Any) -> float:
    number = _number(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def _not_negative(name: str, value: Any) -> float:
    number = _number(name, value)
    if number < 0:
        raise ValueError(f"{name} must be 0 or positive, got {value}")
    return number


def _generator(rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def _units(excitatory: Any) -> Array:
    array = np.asarray(excitatory)
    if array.dtype != np.bool_:
        raise TypeError(f"excitatory must be a boolean array, True for excitatory units, got dtype {array.dtype}")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"excitatory must be (N,) with N > 0, got {array.shape}")
    return array


def _square(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(f"{name} must be (N, N) with N > 0, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array


def _rescaled(name: str, W: Array, radius: float) -> Array:
    with single_blas_thread:  # the same bits whatever BLAS' number of threads
        now = float(np.abs(np.linalg.eigvals(W)).max())
    # rounding by eps moves a double eigenvalue 0 to about sqrt(eps)
    if now <= 4 * math.sqrt(np.finfo(W.dtype).eps) * float(np.sqrt((W * W).sum())):
        raise ValueError(f"{name} must have a spectral radius above 0 (beyond rounding) to be scaled to {radius:g}, got {now:g}")
    return W * (radius / now)


# ---- recurrent weights


def orthogonal(n: int, gain: float, rng: np.random.Generator) -> Array:
    """gain times a Haar-distributed orthogonal (n, n) matrix: the left singular vectors of a standard normal one."""
    n, gain, rng = _size("n", n), _not_negative("gain", gain), _generator(rng)
    with single_blas_thread:  # the same bits whatever BLAS' number of threads
        u, _, vt = np.linalg.svd(rng.standard_normal((n, n)))
    # a pair of singular vectors is free up to its sign, and LAPACK's choice is not Haar (n = 2: reflections only);
    # the first component of the right one made positive, the left one is
    return gain * u * np.copysign(1.0, vt[:, 0])


def normal(n: int, gain: float, rng: np.random.Generator) -> Array:
    """(n, n) entries N(0, gain^2 / n): spectral radius about `gain` (Girko's circle)."""
    n, gain, rng = _size("n", n), _not_negative("gain", gain), _generator(rng)
    return gain / math.sqrt(n) * rng.standard_normal((n, n))


def sparse(n: int, p: float, gain: float, rng: np.random.Generator) -> Array:
    """(n, n) entries each present with probability p in (0, 1], then N(0, gain^2 / (p n)), else 0.

    All entries have variance gain^2 / n, so the spectral radius is about `gain` where p n is large. The diagonal is as any entry.
    """
    n, gain, rng = _size("n", n), _not_negative("gain", gain), _generator(rng)
    p = _positive("p", p)
    if p > 1:
        raise ValueError(f"p must be a probability in (0, 1], got {p}")
    present = rng.random((n, n)) < p
    return np.where(present, gain / math.sqrt(p * n) * rng.standard_normal((n, n)), 0.0)


def low_rank(n: int, rank: int, scale: float, rng: np.random.Generator) -> Array:
    """A B with A (n, rank) and B (rank, n) of independent normal entries: rank <= n, entry variance scale^2 / n.

    Entries of A and B have variance scale / sqrt(rank n). The eigenvalues that are not 0 are those of B A, whose entries have
    variance about scale^2 / rank: spectral radius about `scale` as in `normal`, loosely so at small rank. The DM code has
    rank 4 and scale 1.05. It sets the standard deviation, not the variance, of A and B to scale^2 / (rank n) in one place
    (weights near 0) and to its square root in another (entry variance scale^4 / (rank n^2)); ours is the fourth root that a
    comment there names.
    """
    n, rank, scale, rng = _size("n", n), _size("rank", rank), _not_negative("scale", scale), _generator(rng)
    if rank > n:
        raise ValueError(f"rank must be at most n = {n}, got {rank}")
    std = math.sqrt(scale / math.sqrt(rank * n))
    A = std * rng.standard_normal((n, rank))
    B = std * rng.standard_normal((rank, n))
    with single_blas_thread:  # the same bits whatever BLAS' number of threads
        return A @ B


def lognormal(n: int, rng: np.random.Generator, mean: float = 0.5, variance: float = 0.1) -> Array:
    """(n, n) positive entries, lognormal, of this mean and variance (of the entries, not of their logarithms): pycog's option.

    pycog then leaves out masked entries and scales the matrix: see `with_spectral_radius`.
    """
    n, rng = _size("n", n), _generator(rng)
    mean, variance = _positive("mean", mean), _not_negative("variance", variance)
    log_variance = math.log1p(variance / mean / mean)
    return rng.lognormal(math.log(mean) - log_variance / 2, math.sqrt(log_variance), (n, n))


def scaled_normal(n: int, rng: np.random.Generator, spectral_radius: float = 1.1) -> Array:
    """(n, n) normal entries of one variance off the diagonal, 0 on it, scaled to the spectral radius: pycog without Dale's law.

    n >= 2, as there are no self-connections.
    """
    n, rng, spectral_radius = _size("n", n, 2), _generator(rng), _positive("spectral_radius", spectral_radius)
    W = rng.standard_normal((n, n))
    np.fill_diagonal(W, 0.0)
    return _rescaled("the matrix drawn", W, spectral_radius)


# ---- excitatory and inhibitory units; excitatory: (N,) booleans, False for inhibitory


def two_gaussians(excitatory: Any, gain: float, rng: np.random.Generator, mean: float = 0.05) -> Array:
    """(N, N) entries N(mean, gain^2 / N) in the columns of excitatory units and N(-mean, gain^2 / N) in those of inhibitory ones.

    Not sign-constrained: only the means follow Dale's law. They add an eigenvalue near mean (N_E - N_I) where that is beyond the
    disc of radius `gain`. arXiv 2208.10304's code: gain 1 and mean 0.05 (0.15 in its plotting script), defined, not its active
    start; the means go with the columns of Keras' (from, to) matrix there, the receiving units.
    """
    excitatory, rng = _units(excitatory), _generator(rng)
    gain, mean = _not_negative("gain", gain), _not_negative("mean", mean)
    n = len(excitatory)
    return np.where(excitatory, mean, -mean) + gain / math.sqrt(n) * rng.standard_normal((n, n))


def balanced(excitatory: Array, connected: Array | None = None) -> Array:
    """pycog's mask (N, N): inhibitory entries of a row are worth (number of E) / (number of I) excitatory ones; rows of norm 1.

    connected: (N, N) truth values, all but the diagonal by default. A row that receives from one kind only can not be balanced
    and has equal entries, one that receives nothing is 0.
    """
    n = len(excitatory)
    mask = 1.0 - np.eye(n) if connected is None else connected.astype(np.float64)
    n_exc, n_inh = mask[:, excitatory].sum(axis=1), mask[:, ~excitatory].sum(axis=1)
    ratio = np.divide(n_exc, n_inh, out=np.ones(n), where=(n_exc > 0) & (n_inh > 0))
    mask[:, ~excitatory] *= ratio[:, None]
    size = np.sqrt((mask * mask).sum(axis=1, keepdims=True))
    return np.divide(mask, size, out=np.zeros((n, n)), where=size > 0)


def gamma(excitatory: Any, rng: np.random.Generator, mask: Any = None, spectral_radius: float = 1.5) -> Array:
    """(N, N) Dale matrix of pycog: columns of excitatory units >= 0, of inhibitory ones <= 0, scaled to the spectral radius.

    Before the scaling, moduli are Gamma of shape 2 and mean proportional to `mask` (pycog: 0.1 mask; the scaling undoes the 0.1).
    mask (N, N): entries >= 0, taken as it stands, also on its diagonal; 0 for no connection. By default there are no
    self-connections (N >= 2), and it is `balanced`, so that the means of a row cancel.

    ValueError if the mask leaves no eigenvalue but 0.
    """
    excitatory, rng = _units(excitatory), _generator(rng)
    spectral_radius = _positive("spectral_radius", spectral_radius)
    n = len(excitatory)
    if mask is None:
        if n < 2:
            raise ValueError("excitatory must have at least 2 units where mask is None, as there are no self-connections, got 1")
        mask = balanced(excitatory)
    else:
        mask = _square("mask", mask)
        if len(mask) != n:
            raise ValueError(f"mask must be ({n}, {n}), a row and a column per unit of excitatory, got {mask.shape}")
        if (mask < 0).any():
            raise ValueError(f"mask must be 0 or positive, got {mask.min():g}")
    W = np.where(excitatory, 1.0, -1.0) * (mask * rng.standard_gamma(2.0, (n, n)))
    W += 0.0  # turns -0 into 0
    return _rescaled("mask", W, spectral_radius)


# ---- any matrix


def with_spectral_radius(W: Any, radius: float) -> Array:
    """W (N, N) times the positive number that makes its largest eigenvalue modulus `radius`; its dtype, float64 for integers.

    ValueError if the spectral radius of W is 0 within rounding, as in a triangular matrix of zero diagonal.
    """
    W, radius = _square("W", W), _positive("radius", radius)
    if W.dtype not in (np.float32, np.float64):
        W = W.astype(np.float64)
    return _rescaled("W", W, radius)


# ---- input and output weights, states


def glorot_uniform(fan_out: int, fan_in: int, rng: np.random.Generator) -> Array:
    """(fan_out, fan_in) entries U(-L, L), L = sqrt(6 / (fan_in + fan_out))."""
    fan_out, fan_in, rng = _size("fan_out", fan_out), _size("fan_in", fan_in, 0), _generator(rng)
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_out, fan_in))


def uniform(shape: int | tuple[int, ...], limit: float, rng: np.random.Generator) -> Array:
    """Entries U(-limit, limit) of this shape: pycog's W_in (N, I) and W_out (O, N) with limit 0.1, their moduli with Dale's law."""
    sizes = [_size("shape", size, 0) for size in (shape if isinstance(shape, tuple) else (shape,))]
    limit, rng = _not_negative("limit", limit), _generator(rng)
    return rng.uniform(-limit, limit, sizes)


def small_random(n: int, scale: float, rng: np.random.Generator) -> Array:
    """(n,) entries N(0, scale^2): an initial state off the fixed point at 0."""
    n, scale, rng = _size("n", n), _not_negative("scale", scale), _generator(rng)
    return scale * rng.standard_normal(n)
