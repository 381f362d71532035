"""Similar segments of a signal, aligned and averaged (arXiv 1812.03021).

The abstract alone is at hand, so the procedure is a reconstruction. Segments are where an envelope is above a threshold; the
longest is the reference a, n its samples. For a segment b, both 0 outside of themselves, and `centred`: without their mean over
time, which makes rho the correlation that statistics know where they overlap wholly:

    (1)  rho(l) = sum_n a_n b_{n+l} / sqrt(sum_n a_n^2  sum_n b_n^2)       the normalised cross-correlation, -1 to 1
    (2)  lag    = the l of the largest rho;  b is late by it
    (3)  peak   = lag + (rho_- - rho_+) / (2 (rho_- - 2 rho_0 + rho_+))    of the parabola through rho at lag - 1, lag, lag + 1
    (4)  aligned_n = b_{n + lag},  for the samples n of a
    (5)  mean_n, std_n over the segments with rho(lag) >= 0.5; optionally the mean is the next reference, and so on

Centred segments prefer to overlap: where the mean was large, the lag is drawn towards 0, by less than a sample for a bump in a
segment many times as long, by more for one that fills it. Not centred, what begins and ends at 0 has its lag without a bias, but
any two positive segments correlate.

For segments of several units, activity of trials say, the sums run over the units as well: one lag for all of them. Averaging K
segments with independent noise leaves noise / sqrt K in the mean.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import signal

from .arguments import count, number, positive, real

Array = np.ndarray[Any, Any]


class Alignment(NamedTuple):
    """K segments on the samples of one of them, the reference, which has T."""

    reference: int  # which segment
    lags: Array  # (K,) samples, integers: segment k is so much later than the reference
    peaks: Array  # (K,) samples, of the parabola: within half a sample of lags
    correlation: Array  # (K,) at the lag, by the last reference
    kept: Array  # (K,) bool: in the mean
    aligned: Array  # (K, T, ..) NaN where a segment has no sample
    mean: Array  # (T, ..) of those kept, NaN where none has a sample
    std: Array  # (T, ..) sample standard deviation of those kept, NaN where fewer than two have a sample
    n: Array  # (T,) how many of those kept have a sample


def segments(
    envelope: Any, rate: float, *, threshold: float = 0.1, least_ms: float = 10.0, join_ms: float = 5.0, margin_ms: float = 0.0
) -> Array:
    """(K, 2) starts and stops (samples) of the stretches where an envelope (T,), `rate` samples per second, is above a threshold.

    threshold: as a share of the largest value. join_ms: gaps shorter than this are closed first; least_ms: stretches shorter than
    this are left out; margin_ms: what is added on both sides, as far as the signal and half of the gap to the next go.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    e, rate = real("envelope", envelope, (1,)), positive("rate", rate)
    level = number("threshold", threshold, 0.0, 1.0) * max(e.max(), 0.0)
    least, join, margin = (
        number(name, ms, 0.0, np.inf) * rate / 1000
        for name, ms in (("least_ms", least_ms), ("join_ms", join_ms), ("margin_ms", margin_ms))
    )
    edges = np.flatnonzero(np.diff(np.concatenate([[False], e > level, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    apart = starts[1:] - stops[:-1] >= max(join, 1)
    starts, stops = starts[np.concatenate([[True], apart])[: len(starts)]], stops[np.concatenate([apart, [True]])[: len(stops)]]
    long = stops - starts >= least
    starts, stops = starts[long], stops[long]
    between = (starts[1:] + stops[:-1]) // 2
    starts = np.maximum(starts - int(min(margin, len(e))), np.concatenate([[0], between])[: len(starts)])
    stops = np.minimum(stops + int(min(margin, len(e))), np.concatenate([between, [len(e)]])[: len(stops)])
    return np.stack([starts, stops], axis=1)


def align(
    pieces: Sequence[Any],
    *,
    reference: int | None = None,
    least_correlation: float = 0.5,
    max_lag: int | None = None,
    rounds: int = 1,
    centred: bool = True,
) -> Alignment:
    """The segments (T_k,) or (T_k, N), shifted onto one of them and averaged (1)-(5).

    reference: which (default: the longest, the first of those that tie). max_lag: the largest shift that is tried, samples; a
    periodic signal fits itself a period away too. rounds: how often; from the second on, the mean so far is the reference, on the
    samples of the first one. centred: see (1). A constant segment correlates with nothing, 0.
    TypeError or ValueError, naming the argument, where one does not fit, or the reference is constant.
    """
    if len(pieces) == 0:
        raise ValueError("pieces must have at least one segment, got none")
    given = [real(f"pieces[{k}]", piece, (1, 2)) for k, piece in enumerate(pieces)]
    if len({piece.shape[1:] for piece in given}) > 1:
        raise ValueError(f"pieces must be alike but for their length, got {', '.join(str(piece.shape) for piece in given)}")
    lengths = [len(piece) for piece in given]
    chosen = int(np.argmax(lengths)) if reference is None else count("reference", reference, 0, len(given) - 1)
    least = number("least_correlation", least_correlation, -1.0, 1.0)
    reach = max(lengths) if max_lag is None else count("max_lag", max_lag, 0, 10**9)
    a = given[chosen]
    if not _rest(a, True).any():
        raise ValueError(f"pieces[{chosen}], the reference, must not be constant")
    for _ in range(count("rounds", rounds, 1, 1000)):
        found = [_lag(a, piece, reach, centred) for piece in given]
        lags, peaks, rho = (np.array(values) for values in zip(*found, strict=True))
        kept = rho >= least
        aligned = np.stack([_shifted(piece, lag, len(a)) for piece, lag in zip(given, lags, strict=True)])  # (4)
        there = np.isfinite(aligned[kept])
        n = there.sum(axis=0)
        mean = _divided(np.where(there, aligned[kept], 0.0).sum(axis=0), n)  # (5)
        squares = np.where(there, aligned[kept] - mean, 0.0) ** 2
        std = np.sqrt(_divided(squares.sum(axis=0), n - 1))  # (5)
        a = np.where(n > 0, mean, 0.0)
    return Alignment(chosen, lags, peaks, rho, kept, aligned, mean, std, n if n.ndim == 1 else n[:, 0])


def cross_correlation(a: Any, b: Any, *, centred: bool = True) -> tuple[Array, Array]:
    """Lags l (A + B - 1,) and rho(l) (1) of a reference a (A,) or (A, N) and a segment b (B,) or (B, N); 0 if one is constant."""
    a, b = (real(name, value, (1, 2)) for name, value in (("a", a), ("b", b)))
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"a and b must be alike but for their length, got {a.shape} and {b.shape}")
    a, b = _rest(a, centred), _rest(b, centred)
    lags = signal.correlation_lags(len(b), len(a))
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    if norm == 0:
        return lags, np.zeros(len(lags))
    total = signal.fftconvolve(b, a[::-1], axes=0)  # entry i is the sum at lag i - (A - 1)
    return lags, (total if total.ndim == 1 else total.sum(axis=1)) / norm  # (1)


def _lag(a: Array, b: Array, reach: int, centred: bool) -> tuple[int, float, float]:
    """The lag (2), the parabola's peak (3) and rho there."""
    lags, rho = cross_correlation(a, b, centred=centred)
    near = np.flatnonzero(np.abs(lags) <= reach)
    k = int(near[np.argmax(rho[near])])  # (2)
    peak = float(lags[k])
    if 0 < k < len(rho) - 1 and rho[k] >= max(rho[k - 1], rho[k + 1]):
        bend = rho[k - 1] - 2 * rho[k] + rho[k + 1]
        peak += (rho[k - 1] - rho[k + 1]) / (2 * bend) if bend < 0 else 0.0  # (3)
    return int(lags[k]), peak, float(rho[k])


def _rest(x: Array, centred: bool) -> Array:
    """x, centred: without its mean over time; 0 where what is left is rounding."""
    if not centred:
        return x
    rest = x - x.mean(axis=0)
    return np.where(np.abs(rest).max(axis=0) > 1e-12 * np.abs(x).max(axis=0), rest, 0.0)


def _shifted(b: Array, lag: int, T: int) -> Array:
    """b_{n + lag} for n = 0 .. T - 1, NaN outside of b."""
    out = np.full((T, *b.shape[1:]), np.nan)
    start, stop = max(0, -lag), min(T, len(b) - lag)
    if stop > start:
        out[start:stop] = b[start + lag : stop + lag]
    return out


def _divided(total: Array, n: Array) -> Array:
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
