"""Distributions of weights: moments, histograms, their change by training, regressions over an ensemble of networks.

w_1 .. w_n are all entries of a matrix, n = N^2, mean over them:

    (1)  mu = mean w,    sigma^2 = mean (w - mu)^2                      maximum likelihood of a normal distribution
    (2)  skew = mean (w - mu)^3 / sigma^3,    kurtosis = mean (w - mu)^4 / sigma^4 - 3          both 0 for a normal one
    (3)  p(e_k) = exp(-(e_k - mu)^2 / (2 sigma^2)) / (sqrt(2 pi) sigma)    at the edges e_0 .. e_bins of the histogram
    (4)  skew*, kurtosis* = (2) of the bins + 1 NUMBERS p(e_k)          the authors', in all their figures and tables

(4) does not see the shape of the distribution: only how many sigma its range spans, and a little where mu lies in it. A range of
6, 7, 8, 9 sigma about mu gives 0.398, 0.607, 0.795, 0.964 and -1.366, -1.174, -0.918, -0.619. Published values compare with (4)
alone.

What training does to W (arXiv 1906.01094 and its networks), C = W - W_initial = U diag(s) V^T:

    (5)  |C| / |W_initial|                             Frobenius norms
    (6)  (s_1^2 + .. + s_k^2) / sum s^2                share of the k leading vectors, of |C|^2
    (7)  |U_k^T v|,    |V_k^T y|                       v, y right and left eigenvector of an outlier of W, norm 1; U_k, V_k the
                                                       leading k; 1: inside their span, sqrt(k / N): as a random direction
    (8)  max over w of |F(w) - F_initial(w)|           Kolmogorov & Smirnov, F the distribution functions of the entries

Over K networks, a moment of each untrained x_i and trained y_i (the code of arXiv 1906.01094):

    (9)  y ~ slope x + intercept by least squares; RMSE = sqrt(mean (slope x_i + intercept - y_i)^2)
    (9a) RMSE* = sqrt(mean (slope x_i + intercept - x_i)^2)     the authors': of the prediction against the INITIAL value

Weights are (to, from). All is done in float64. `convention="authors"` is what the authors' code does where that differs.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eig
from scipy.stats import ks_2samp

from .spectra import CONVENTIONS, Array, by_modulus, number, one_of, real, square


class Moments(NamedTuple):
    """Moments of the entries of one matrix, numbers; of an ensemble, arrays (K,)."""

    mu: Any
    sigma: Any
    skew: Any  # (2), authors: (4); NaN where sigma = 0
    kurtosis: Any  # alike


class Histogram(NamedTuple):
    """Entries of a matrix in equal bins over their range, beside the normal distribution of their mean and variance."""

    edges: Array  # (bins + 1,)
    counts: Array  # (bins,) int
    density: Array  # (bins,), of integral 1
    gaussian: Array  # (bins + 1,), (3) at the edges
    mu: float
    sigma: float


class SignedHistograms(NamedTuple):
    """Positive and negative entries apart, in equal bins of |w| from cut to the largest, the same for both."""

    edges: Array  # (bins + 1,) of |w|
    positive: Array  # (bins,) int, of w >= cut
    negative: Array  # (bins,) int, of -w >= cut
    left_out: int  # |w| < cut


class WeightChange(NamedTuple):
    """W - W_initial, how large, of how many directions, and whether these are those of the outliers of W."""

    change: Array  # (N, N)
    relative_norm: float  # (5)
    singular_values: Array  # (N,) of the change, largest first
    share: float  # (6), NaN without change
    outliers: Array  # (M,) complex eigenvalues of W, largest modulus first
    overlap_right: Array  # (M,), (7) of v with U; NaN without change
    overlap_left: Array  # (M,), (7) of y with V
    chance: float  # sqrt(k / N): the root of the mean square of (7) for random directions
    ks_statistic: float  # (8)
    ks_p: float  # taken as independent samples, which W and W_initial are not: near 1 while training moves little


class Regression(NamedTuple):
    """Trained values against initial ones; all NaN where the initial ones are equal."""

    slope: float
    intercept: float
    r: float  # Pearson's
    prediction: Array  # (K,)
    rmse: float  # (9), authors: (9a)


class MomentRegressions(NamedTuple):
    """Each moment over an ensemble of K networks, untrained and trained."""

    initial: Moments  # of arrays (K,)
    trained: Moments
    mu: Regression
    sigma: Regression
    skew: Regression
    kurtosis: Regression


def moments(W: Any, *, bins: int = 200, convention: str = "textbook") -> Moments:
    """Mean, standard deviation, skewness and excess kurtosis of all entries of an array, population moments; `bins` is for (4)."""
    one_of("convention", convention, CONVENTIONS)
    w = _entries("W", W)
    bins = _count("bins", bins)
    mu, sigma, skew, kurtosis = _moments(w)
    if convention == "authors" and sigma > 0:
        skew, kurtosis = _moments(_normal(np.histogram_bin_edges(w, bins), mu, sigma))[2:]  # (4)
    return Moments(mu, sigma, skew, kurtosis)


def histogram(W: Any, *, bins: int = 200) -> Histogram:
    """Histogram of all entries of an array, which must not all be equal, and the normal distribution fitted to them."""
    w = _entries("W", W)
    mu, sigma, _, _ = _moments(w)
    if sigma == 0:
        raise ValueError(f"W must have entries that differ, got {w[0]} in all of them")
    counts, edges = np.histogram(w, _count("bins", bins))
    return Histogram(edges, counts, counts / (len(w) * np.diff(edges)), _normal(edges, mu, sigma), mu, sigma)


def signed_histograms(W: Any, *, bins: int = 50, cut: float = 0.005) -> SignedHistograms:
    """Histograms of the positive and of the negative entries, without those of |w| < cut (arXiv 2208.10304: 0.005)."""
    w = _entries("W", W)
    low = number("cut", cut, 0.0)
    reach = float(np.abs(w).max())
    if reach <= low:
        raise ValueError(f"cut must be below the largest |w|, {reach:g}, got {cut}")
    edges = np.linspace(low, reach, _count("bins", bins) + 1)
    kept = w[(np.abs(w) >= low) & (w != 0)]
    positive, negative = (np.histogram(side, edges)[0] for side in (kept[kept > 0], -kept[kept < 0]))
    return SignedHistograms(edges, positive, negative, len(w) - len(kept))


def change(W: Any, W_initial: Any, *, leading: int = 4, margin: float = 0.02) -> WeightChange:
    """(5) to (8) for W and W_initial (N, N); leading: k; outliers: |lambda| > 1 + margin, as in `minirnn.analysis.spectra`."""
    after, before = square("W", W), square("W_initial", W_initial)
    if before.shape != after.shape:
        raise ValueError(f"W_initial must be {after.shape}, as W, got {before.shape}")
    if not before.any():
        raise ValueError("W_initial must not be all 0")
    N = len(after)
    k = _count("leading", leading)
    if k > N:
        raise ValueError(f"leading must be at most N = {N}, got {leading}")
    values, y, v = eig(after, left=True, right=True)
    order = by_modulus(values)
    order = order[np.abs(values[order]) > 1 + number("margin", margin, 0.0)]
    C = after - before
    U, s, Vt = np.linalg.svd(C)
    share = float((s[:k] ** 2).sum() / (s**2).sum()) if s[0] > 0 else math.nan  # (6)
    right, left = np.linalg.norm(U[:, :k].T @ v[:, order], axis=0), np.linalg.norm(Vt[:k] @ y[:, order], axis=0)  # (7)
    if not s[0] > 0:
        right[:] = left[:] = math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of hardly any change SciPy says that its p is the asymptotic one
        ks = ks_2samp(after.ravel(), before.ravel())  # (8)
    return WeightChange(
        C,
        float(np.linalg.norm(C) / np.linalg.norm(before)),  # (5)
        s,
        share,
        values[order].astype(np.complex128),
        right,
        left,
        math.sqrt(k / N),
        float(ks.statistic),
        float(ks.pvalue),
    )


def regression(initial: Any, trained: Any, *, convention: str = "textbook") -> Regression:
    """(9) or (9a) of values (K,) of K networks, K > 1. A slope says something only if the initial values differ enough."""
    one_of("convention", convention, CONVENTIONS)
    x, y = real("initial", initial), real("trained", trained)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"initial must be (K,) with K > 1, got {x.shape}")
    if y.shape != x.shape:
        raise ValueError(f"trained must be {x.shape}, as initial, got {y.shape}")
    if np.ptp(x) == 0:
        return Regression(math.nan, math.nan, math.nan, np.full(len(x), math.nan), math.nan)
    dx, dy = x - x.mean(), y - y.mean()
    slope = float((dx * dy).sum() / (dx * dx).sum())
    intercept = float(y.mean() - slope * x.mean())
    prediction = slope * x + intercept
    against = x if convention == "authors" else y  # (9a)
    rmse = float(np.sqrt(((prediction - against) ** 2).mean()))  # (9)
    r = float((dx * dy).sum() / np.sqrt((dx * dx).sum() * (dy * dy).sum())) if np.ptp(y) > 0 else math.nan
    return Regression(slope, intercept, r, prediction, rmse)


def moment_regressions(
    initial: Sequence[Any], trained: Sequence[Any], *, bins: int = 200, convention: str = "textbook"
) -> MomentRegressions:
    """The moments of K matrices before and after training, and each moment's regression. The convention is that of both."""
    if len(initial) != len(trained) or len(initial) < 2:
        raise ValueError(f"initial and trained must be as many matrices, at least 2 of each, got {len(initial)} and {len(trained)}")
    before, after = (
        Moments(*np.array([moments(W, bins=bins, convention=convention) for W in matrices]).T) for matrices in (initial, trained)
    )
    return MomentRegressions(before, after, *[regression(x, y, convention=convention) for x, y in zip(before, after, strict=True)])


def _entries(name: str, value: Any) -> Array:
    w = real(name, value).ravel()
    if len(w) == 0:
        raise ValueError(f"{name} must not be empty, got shape {np.shape(value)}")
    return w


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)


def _moments(w: Array) -> Moments:
    mu = float(w.mean())
    if np.ptp(w) == 0:  # the rounding of mu would otherwise pass for a sigma
        return Moments(float(w[0]), 0.0, math.nan, math.nan)
    d = w - mu
    sigma = float(np.sqrt((d * d).mean()))  # (1)
    d /= sigma
    return Moments(mu, sigma, float((d**3).mean()), float((d**4).mean() - 3))  # (2)


def _normal(x: Array, mu: float, sigma: float) -> Array:
    return np.exp(-(((x - mu) / sigma) ** 2) / 2) / (math.sqrt(2 * math.pi) * sigma)  # (3)
