"""Principal components of states: trajectories, dimension, angles between subspaces, the readout's angle to them.

States are (T, N), or (T, B, N), whose trials are stacked: X (M, N), M = T or T B rows. x_m is a row, m_i an entry of the mean.

    (1)  X_c      = X - m,  m = mean over rows                       textbook: moments are samples, units are features
    (2)  X_c      = U S V^T                                          the rows of V^T are the axes, (N,) and orthonormal
    (3)  lambda_k = s_k^2 / (M - 1),   ratio_k = lambda_k / sum_j lambda_j
    (4)  y_k(x)   = v_k . (x - m)                                    coordinates of any state x (N,)

The authors (RNN_study_with_keras, 3-bit-FF-tutorial) fit PCA to X^T: units are samples, moments are features. What they draw,
the rows of scikit-learn's components_, are then time courses of norm 1:

    (5)  Y_c      = X^T less its mean over units at each moment      (N, M)
    (6)  Y_c      = U S V^T                                          the rows of V^T are the curves, (M,) and orthonormal
    (7)  lambda_k = s_k^2 / (N - 1)
    (8)  y_k(x)   = u_k . x / s_k                                    gives back the curves from the rows of X, for u_k sums to 0

Not centred, which the authors call SVD (3-bit-FF-tutorial; scikit-learn's TruncatedSVD of (T, N)):

    (9)  X        = U S V^T,   y_k(x) = v_k . x

Dimension (Abbott, Rajan & Sompolinsky, arXiv 0912.3832; Gao et al. 2017, bioRxiv 214262), and angles (Bjoerck & Golub 1973,
Mathematics of Computation 27:579) between the spaces of the first k axes A, B (k, N) of two phases, each with its own mean:

    (10) D        = (sum_k lambda_k)^2 / sum_k lambda_k^2
    (11) n        = the least n with sum_{k <= n} ratio_k >= share
    (12) cos theta_i = i-th singular value of A B^T
    (13) tan alpha   = |w - p| / |p|,   p = A^T A w                  a readout vector w (N,) and the first k axes

Signs: of each pair (axis, curve), what has norm 1 (the axis; by the authors' convention the curve) has its entry of largest size
positive. All is done in float64.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import subspace_angles

Array = np.ndarray[Any, Any]

CONVENTIONS = ("textbook", "authors")


class PCA(NamedTuple):
    """K components, by falling variance. `project` takes other states to the same coordinates."""

    curves: Array  # (T, K) or (T, B, K), the states' coordinates; authors: its transpose is scikit-learn's components_
    axes: Array  # (K, N); authors: u_k / s_k, not of norm 1
    origin: Array  # (N,) the state with all coordinates 0: the mean; authors: 0
    variance: Array  # (K,)
    ratio: Array  # (K,) of the variance of all components; NaN if that is 0


class SVD(NamedTuple):
    """K singular vectors of states that are not centred, by falling value. `project` takes other states to these coordinates."""

    curves: Array  # (T, K) or (T, B, K)
    axes: Array  # (K, N), orthonormal
    origin: Array  # (N,), 0
    values: Array  # (K,) singular values


class Dimension(NamedTuple):
    """How many dimensions states fill; D and n are NaN and 0 where they do not vary."""

    participation_ratio: float  # D, from 1 to min(N, M - 1)
    components: int  # n
    variance: Array  # (min(M, N),) of all components
    ratio: Array


class PrincipalAngles(NamedTuple):
    """Angles between two subspaces of the same dimension k."""

    angles: Array  # (k,) radians, from 0 to pi/2, the largest first
    first: Array  # (k, N) axes of the first phase
    second: Array  # (k, N)


class ReadoutAngle(NamedTuple):
    """Where O readout vectors lie to a subspace of dimension k."""

    angle: Array  # (O,) radians: 0 in the subspace, pi/2 at right angles to it
    share: Array  # (O,) |p|^2 / |w|^2 = cos^2 angle
    axes: Array  # (k, N)


def pca(states: Any, k: int | None = None, *, convention: str = "textbook") -> PCA:
    """PCA of states (T, N) or (T, B, N), the first k components, by default all min(M, N).

    convention: "textbook", (1)-(4), or "authors", (5)-(8); see the module for both and for the signs. The two agree in no
    number: they centre differently. A component without variance has, by the authors' convention, a curve and an axis of 0.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    given = real("states", states, (2, 3))
    X = given.reshape(-1, given.shape[-1])
    M, N = X.shape
    if convention not in CONVENTIONS:
        raise ValueError(f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
    authors = convention == "authors"
    if (N if authors else M) < 2:
        raise ValueError(f"states must have at least 2 {'units' if authors else 'moments'}, got {given.shape}")
    K = min(M, N) if k is None else count("k", k, 1, min(M, N))
    if authors:
        Y = (X - X.mean(axis=1, keepdims=True)).T  # (5)
        U, s, Vt = np.linalg.svd(Y, full_matrices=False)  # (6)
        sign = _signs(Vt)
        kept = s > _rounding(s, X)
        scale = np.divide(sign, s, out=np.zeros_like(s), where=kept)
        axes, curves, origin = U.T * scale[:, None], Vt.T * (sign * kept), np.zeros(N)  # (8)
    else:
        origin = X.mean(axis=0)  # (1)
        _, s, axes = np.linalg.svd(X - origin, full_matrices=False)  # (2)
        axes = axes * _signs(axes)[:, None]
        curves = (X - origin) @ axes.T  # (4)
    variance = np.where(s > _rounding(s, X), s, 0.0) ** 2 / ((N if authors else M) - 1)  # (3) (7)
    return PCA(curves[:, :K].reshape(*given.shape[:-1], K), axes[:K], origin, variance[:K], _shares(variance)[:K])


def svd(states: Any, k: int = 3) -> SVD:
    """The first k singular vectors of states (T, N) or (T, B, N), not centred (9). The authors draw k = 2 and 3.

    TypeError or ValueError, naming the argument, where one does not fit.
    """
    given = real("states", states, (2, 3))
    X = given.reshape(-1, given.shape[-1])
    K = count("k", k, 1, min(X.shape))
    _, s, axes = np.linalg.svd(X, full_matrices=False)  # (9)
    axes = (axes * _signs(axes)[:, None])[:K]
    return SVD((X @ axes.T).reshape(*given.shape[:-1], K), axes, np.zeros(X.shape[1]), s[:K])


def project(found: PCA | SVD, states: Any) -> Array:
    """Coordinates (.., K) of any states (.., N): other trials, fixed points. (4), (8) or (9), by what was found.

    By the authors' convention these are the coordinates in which their curves are drawn.
    """
    given = real("states", states, None)
    if given.ndim == 0 or given.shape[-1] != len(found.origin):
        raise ValueError(f"states must be (.., {len(found.origin)}), the units of what was found, got {given.shape}")
    return (given - found.origin) @ found.axes.T  # (4) (8) (9)


def dimension(states: Any, share: float = 0.95) -> Dimension:
    """Participation ratio (10) and number of components for a share of the variance (11) of states (T, N) or (T, B, N), centred.

    D is N where all components vary alike, 1 on a line, 2 on a circle.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ValueError(f"share must be a number above 0 and at most 1, got {share!r}")
    found = pca(states)
    total = found.variance.sum()
    if total == 0:
        return Dimension(np.nan, 0, found.variance, found.ratio)
    D = float(1.0 / (found.ratio**2).sum())  # (10)
    missing = 1 - np.cumsum(found.ratio)
    n = int(np.argmax(missing <= 1 - share + 1e-12)) + 1  # (11) rounding must not ask for one more
    return Dimension(D, n, found.variance, found.ratio)


def principal_angles(first: Any, second: Any, k: int) -> PrincipalAngles:
    """Angles (12) between the spaces of the first k axes of two phases, (T, N) or (T, B, N) each, of one length or not.

    Each phase is centred on its own mean. A phase must vary in at least k dimensions, else its space is not defined.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    axes = [_space(name, states, k) for name, states in (("first", first), ("second", second))]
    if axes[0].shape != axes[1].shape:
        raise ValueError(f"second must have the {axes[0].shape[1]} units of first, got {axes[1].shape[1]}")
    return PrincipalAngles(subspace_angles(axes[0].T, axes[1].T), *axes)  # (12)


def readout_angle(W_out: Any, states: Any, k: int) -> ReadoutAngle:
    """Angle (13) of each readout vector, W_out (O, N) or (N,), to the space of the first k axes of states (T, N) or (T, B, N).

    TypeError or ValueError, naming the argument, where one does not fit.
    """
    axes = _space("states", states, k)
    w = np.atleast_2d(real("W_out", W_out, (1, 2)))
    if w.shape[1] != axes.shape[1]:
        raise ValueError(f"W_out must be (O, {axes.shape[1]}), the units of states, got {np.shape(W_out)}")
    size = np.linalg.norm(w, axis=1)
    if (size == 0).any():
        raise ValueError(f"W_out must have no row of zeros, got one at {int(np.argmin(size))}")
    p = w @ axes.T @ axes
    inside, outside = np.linalg.norm(p, axis=1), np.linalg.norm(w - p, axis=1)
    return ReadoutAngle(np.arctan2(outside, inside), (inside / size) ** 2, axes)  # (13)


def real(name: str, value: Any, ndim: tuple[int, ...] | None) -> Array:
    """The value in float64, with one of these numbers of dimensions, or a TypeError or ValueError that names it."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if ndim is not None and (array.ndim not in ndim or array.size == 0):
        raise ValueError(f"{name} must have {' or '.join(map(str, ndim))} dimensions and not be empty, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array.astype(np.float64)


def count(name: str, value: Any, low: int, high: int) -> int:
    """The value as an integer from low to high, or a TypeError or ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")
    return int(value)


def _signs(rows: Array) -> Array:
    """+-1 (K,) that makes the entry of largest size of each row positive."""
    largest = rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)]
    return np.where(largest < 0, -1.0, 1.0)


def _rounding(s: Array, X: Array) -> float:
    """Below this a singular value of the centred X (M, N) is rounding, that of subtracting the mean with it."""
    return float(max(X.shape) * np.finfo(np.float64).eps * max(s.max(), np.abs(X).max()))


def _shares(variance: Array) -> Array:
    total = variance.sum()
    return variance / total if total > 0 else np.full(len(variance), np.nan)


def _space(name: str, states: Any, k: Any) -> Array:
    """The first k axes (k, N) of states that vary in at least k dimensions."""
    given = real(name, states, (2, 3))
    if given[..., 0].size < 2:
        raise ValueError(f"{name} must have at least 2 moments, got {given.shape}")
    found = pca(given)
    rank = int((found.variance > 0).sum())
    if count("k", k, 1, given.shape[-1]) > rank:
        raise ValueError(f"{name} must vary in at least k = {k} dimensions, got {rank}")
    return found.axes[:k]
