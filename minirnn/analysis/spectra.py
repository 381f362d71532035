"""Spectra of W_rec: outliers, frequencies, departure from normality, E/I radii, active units, paths over epochs.

Entries that are independent, of mean 0 and variance 1/N, have eigenvalues that fill the unit disc as N grows (Girko's circle);
those of an orthogonal matrix lie on its rim. Training moves a few outside (arXiv 1906.01094, Fig 6). lambda, v are eigenvalues
and eigenvectors of W = W_rec, dt the step in ms:

    (1)  outlier:  |lambda| > radius + margin     margin > 0, since at finite N a few lie outside by ~ N^(-1/2)
    (2)  f  = 1000 |arg lambda| / (2 pi dt)       Hz: h_{t+1} = W h_t turns by arg lambda each step; at most 500 / dt
    (2a) f* = 1000 |Im lambda| / (2 pi |Re lambda| dt)      the authors': (2) for small angles, far too high for large ones
    (3)  S  = (W + W^T) / 2                       its largest eigenvalue > 1: some state grows for a while, whatever lambda says
    (4)  H  = sqrt(|W|^2 - sum |lambda|^2) / |W|  Henrici's departure from normality, |W| the Frobenius norm, 0 for a normal W

A random normal start with wrong signs set to 0 (Dale's rule, arXiv 2208.10304; columns send) is W = (A + |A| D) / 2 with D the
signs of the units, f_E the share of excitatory ones and A of variance g^2 / N or g times an orthogonal matrix. Its spectrum is
(own derivation; circular law, and the single ring of O / 2 plus independent entries):

    (5)  outer   = g sqrt(1/2 - 1/(2 pi)) = 0.584 g      for both starts, any N and f_E
    (6)  inner   = 0 (normal), g / sqrt(2 pi) = 0.399 g (orthogonal: a ring)
    (7)  outlier = g sqrt(N / (2 pi)) (2 f_E - 1)        from the means of the columns, a matrix of rank one
    (8)  W - 1 m, m_j the mean of column j               takes that part away
    (9)  outer   = |W - 1 m| / sqrt(N)                   an estimate of (5) by the norm alone

A relu unit at 0 passes nothing on. With A the units of rate > 0 at step t, the eigenvalues of a step's slope diag(A) W are 0 and

    (10) those of W[A, A]                                (KerasCog's view of the spectrum along a trial)

Over epochs the eigenvalues come unordered; from each epoch to the next they are matched one to one:

    (11) sum_i |lambda_i(e) - lambda_p(i)(e+1)|, least over permutations p

Weights are (to, from). All is done in float64. `convention="authors"` is what the authors' code does where that differs.
"""

import math
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

Array = np.ndarray[Any, Any]

CONVENTIONS = ("textbook", "authors")
STARTS = ("normal", "orthogonal")


class Spectrum(NamedTuple):
    """Eigenvalues of a matrix, from the largest modulus to the smallest, of a pair the one above the real axis first."""

    eigenvalues: Array  # (N,) complex
    outliers: Array  # (N,) bool, (1)
    largest_real: complex  # the eigenvalue of largest real part; authors: of largest |real part|
    largest_complex: complex  # of those with Im > 0 that of largest modulus, NaN if there is none; authors: only if modulus > 1
    frequency: float  # of largest_complex in Hz, (2) or (2a); NaN if there is none, authors: 0


class Normality(NamedTuple):
    """How far a matrix is from one with orthogonal eigenvectors."""

    symmetric: Array  # (N,) eigenvalues of (3), largest first
    henrici: float  # (4), from 0 to 1; rounding hides what is below 1e-8
    singular_values: Array  # (N,), largest first


class EIRadii(NamedTuple):
    """Outer and inner radius of a spectrum, estimated."""

    eigenvalues: Array  # (N,) complex, of the matrix itself
    moduli: Array  # (N,) ascending, those the radii are read from
    outer: float
    inner: float  # of a disc without a hole the textbook one is 0.22 outer, not 0
    outer_by_norm: float  # (9)


class EITheory(NamedTuple):
    """What `ei_radii` would find in a large matrix before training."""

    outer: float  # (5)
    inner: float  # (6)
    outlier: float  # (7), apart from the bulk where its modulus exceeds outer


class ActiveSpectra(NamedTuple):
    """Spectra of the active units at S steps of a trial."""

    steps: Array  # (S,) int
    active: Array  # (S, N) bool
    n_active: Array  # (S,) int
    eigenvalues: Array  # (S, N) complex, in `Spectrum`'s order, NaN from n_active[s] on


class EigenvaluePaths(NamedTuple):
    """Eigenvalues of E epochs, column i the path of one of them."""

    paths: Array  # (E, N) complex
    order: Array  # (E, N) int: paths[e] = eigenvalues[e, order[e]]
    length: Array  # (N,) sum of |steps|


def spectrum(W_rec: Any, *, margin: float = 0.02, radius: float = 1.0, dt: float = 1.0, convention: str = "textbook") -> Spectrum:
    """Eigenvalues of W_rec (N, N), which are outliers, the two that lead, and how fast the complex one turns.

    The authors name the eigenvalue of largest |Re|, negative ones too, and a complex one only outside the unit circle.
    """
    one_of("convention", convention, CONVENTIONS)
    values = _sorted(np.linalg.eigvals(square("W_rec", W_rec)))
    limit = number("radius", radius, 0.0) + number("margin", margin, 0.0)
    number("dt", dt, 0.0, above=True)
    authors = convention == "authors"
    upper = values[values.imag > 0]
    if authors:
        upper = upper[np.abs(upper) ** 2 > 1]
    leading = complex(upper[0]) if len(upper) else complex(np.nan, np.nan)
    if len(upper):
        turns = float(frequencies(leading, dt, convention=convention))
    else:
        turns = 0.0 if authors else math.nan
    return Spectrum(
        values,
        np.abs(values) > limit,  # (1)
        complex(values[np.argmax(np.abs(values.real) if authors else values.real)]),
        leading,
        turns,
    )


def frequencies(eigenvalues: Any, dt: float = 1.0, *, convention: str = "textbook") -> Array:
    """(2) or (2a): frequencies in Hz of eigenvalues of any shape; dt the step in ms.

    (2) takes eigenvalues of one step's map. Where the state leaks, that is 1 - alpha + alpha lambda, not lambda of W_rec.
    A negative one flips sign each step and has 500 / dt; the authors' formula gives it 0, and inf where Re = 0.
    """
    one_of("convention", convention, CONVENTIONS)
    number("dt", dt, 0.0, above=True)
    values = complex_array("eigenvalues", eigenvalues)
    if convention == "textbook":
        return np.asarray(1000 * np.abs(np.angle(values)) / (2 * np.pi * dt))  # (2)
    real, imaginary = np.abs(values.real), np.abs(values.imag)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(imaginary > 0, 1000 * imaginary / (2 * np.pi * real * dt), 0.0))  # (2a)


def normality(W_rec: Any) -> Normality:
    """Symmetric part, Henrici's departure and singular values of W_rec (N, N).

    (4) is 0 for an orthogonal matrix, sqrt(1/2) for a large random normal one and 1 for a nilpotent one; 0 here for W = 0.
    """
    W = square("W_rec", W_rec)
    S = (W + W.T) / 2  # (3)
    scale = np.abs(W).max() or 1.0
    norm = np.linalg.norm(W / scale)
    apart = norm**2 - (np.abs(np.linalg.eigvals(W / scale)) ** 2).sum()
    henrici = math.sqrt(max(apart, 0.0)) / norm if norm > 0 else 0.0  # (4)
    return Normality(np.linalg.eigvalsh(S)[::-1], float(henrici), np.linalg.svd(W, compute_uv=False))


def ei_radii(W_rec: Any, *, convention: str = "textbook") -> EIRadii:
    """Outer and inner radius of the spectrum of W_rec (N, N) under Dale's rule.

    Textbook: the 98 % and 5 % quantiles of the moduli of (8); without (8) a few eigenvalues always stray, even at f_E = 1/2.
    The inner one wants N >= 400. Authors: the 7th largest and the smallest modulus of W_rec, after |w| < 1e-4 is set to 0; that
    inner radius is far below (6) and scatters. `outer_by_norm` is (9) in both.
    """
    one_of("convention", convention, CONVENTIONS)
    W = square("W_rec", W_rec)
    N = len(W)
    values = _sorted(np.linalg.eigvals(W))
    centred = W - W.mean(axis=0)  # (8)
    by_norm = float(np.linalg.norm(centred) / math.sqrt(N))  # (9)
    if convention == "textbook":
        moduli = np.sort(np.abs(np.linalg.eigvals(centred)))
        inner, outer = np.quantile(moduli, (0.05, 0.98))
        return EIRadii(values, moduli, float(outer), float(inner), by_norm)
    if N < 7:
        raise ValueError(f"W_rec must have N >= 7 for the 7th largest modulus, got N = {N}")
    moduli = np.sort(np.abs(np.linalg.eigvals(np.where(np.abs(W) < 1e-4, 0.0, W))))
    return EIRadii(values, moduli, float(moduli[-7]), float(moduli[0]), by_norm)


def ei_theory(N: int, excitatory: float = 0.5, *, start: str = "normal", gain: float = 1.0) -> EITheory:
    """(5) to (7) for N units, a share `excitatory` of them, and a start of this kind times `gain`."""
    one_of("start", start, STARTS)
    if isinstance(N, bool) or not isinstance(N, int | np.integer):
        raise TypeError(f"N must be an integer, got {type(N).__name__}")
    if N < 1:
        raise ValueError(f"N must be at least 1, got {N}")
    share = number("excitatory", excitatory, 0.0)
    if share > 1:
        raise ValueError(f"excitatory must be a share from 0 to 1, got {excitatory}")
    g = number("gain", gain, 0.0)
    outer = g * math.sqrt(1 / 2 - 1 / (2 * math.pi))  # (5)
    inner = g / math.sqrt(2 * math.pi) if start == "orthogonal" else 0.0  # (6)
    return EITheory(outer, inner, g * math.sqrt(N / (2 * math.pi)) * (2 * share - 1))  # (7)


def active_units(W_rec: Any, rates: Any, steps: Sequence[int] | None = None) -> ActiveSpectra:
    """(10) at these steps, all by default: W_rec (N, N), rates (T, N) of one trial of a relu network.

    A set of active units that returns is solved once.
    """
    W = square("W_rec", W_rec)
    r = real("rates", rates)
    N = len(W)
    if r.ndim != 2 or r.shape[1] != N:
        raise ValueError(f"rates must be (T, {N}), one trial of the units of W_rec, got {r.shape}")
    chosen = np.arange(len(r)) if steps is None else np.asarray(steps)
    if chosen.ndim != 1 or len(chosen) == 0:
        raise ValueError(f"steps must be a list of at least one step, and rates have T > 0, got {steps} for rates {r.shape}")
    if chosen.dtype.kind not in "iu":
        raise TypeError(f"steps must be integers, got dtype {chosen.dtype}")
    if chosen.min() < 0 or chosen.max() >= len(r):
        raise ValueError(f"steps must be from 0 to {len(r) - 1}, got {chosen.tolist()}")
    active = r[chosen] > 0
    values = np.full(active.shape, complex(np.nan, np.nan))
    sets, which = np.unique(active, axis=0, return_inverse=True)
    for k, units in enumerate(sets):
        if units.any():
            values[which.ravel() == k, : units.sum()] = _sorted(np.linalg.eigvals(W[np.ix_(units, units)]))  # (10)
    return ActiveSpectra(chosen, active, active.sum(axis=1), values)


def paths(eigenvalues: Any) -> EigenvaluePaths:
    """(11): eigenvalues (E, N) of E epochs, in any order within each, joined to paths; the order is that of the first epoch.

    Epochs must be close for a path to mean one eigenvalue: steps below the distances between neighbours. Where a pair meets on
    the real axis, which of the two goes left is arbitrary.
    """
    values = complex_array("eigenvalues", eigenvalues)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"eigenvalues must be (epochs, N), neither of them 0, got {values.shape}")
    order = np.tile(np.arange(values.shape[1]), (len(values), 1))
    for e in range(1, len(values)):
        before = values[e - 1, order[e - 1]]
        order[e] = linear_sum_assignment(np.abs(before[:, None] - values[e]))[1]  # (11)
    joined = np.take_along_axis(values, order, axis=1)
    return EigenvaluePaths(joined, order, np.abs(np.diff(joined, axis=0)).sum(axis=0))


# ---- arguments, also for weights.py


def real(name: str, value: Any) -> Array:
    """The value as float64, or a TypeError or ValueError that names it: finite real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    return _finite(name, array.astype(np.float64))


def complex_array(name: str, value: Any) -> Array:
    """The value as complex128, or a TypeError or ValueError that names it: finite numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "cfiub":
        raise TypeError(f"{name} must be an array of numbers, got dtype {array.dtype}")
    return _finite(name, array.astype(np.complex128))


def square(name: str, value: Any) -> Array:
    """The value as a float64 matrix (N, N), or an error that names it."""
    array = real(name, value)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(f"{name} must be (N, N) with N > 0, got {array.shape}")
    return array


def number(name: str, value: Any, least: float, *, above: bool = False) -> float:
    """The value as a finite float >= least (above: > least), or an error that names it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    if not math.isfinite(value) or value < least or (above and value == least):
        raise ValueError(f"{name} must be finite and {'>' if above else '>='} {least:g}, got {value}")
    return float(value)


def one_of(name: str, value: Any, options: Sequence[str]) -> None:
    """A ValueError that names the argument unless the value is one of these."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")


def by_modulus(eigenvalues: Array) -> Array:
    """Indices from the largest modulus to the smallest, with pairs side by side, the one above the real axis first."""
    return np.lexsort((-eigenvalues.imag, -eigenvalues.real, -np.abs(eigenvalues)))


def _sorted(eigenvalues: Array) -> Array:
    values = eigenvalues.astype(np.complex128)
    return values[by_modulus(values)]


def _finite(name: str, array: Array) -> Array:
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    return array
