"""The amplitude envelope of a signal by peak detection (arXiv 1703.06812), and the methods it is compared with.

s_n is the signal, n its sample, f_s the rate; B_k(f_c) a Butterworth low-pass of order k, run forward and backward, so that it
has no delay and gain 1/2, not 1/sqrt 2, at its cut f_c. The peak envelope:

    (1)  r_n = |s_n|
    (2)  p_n = max(r_{n-L+1}, .., r_n)      the running maximum over the last L samples; 0 before the start
    (3)  e   = B_4(f_c) p

What it is compared with:

    (4)  low-pass   e = B_1(f_c) r
    (5)  RMS        e_n = sqrt(mean(s_n^2, .., s_{n+W-1}^2))        only whole windows: W - 1 fewer samples
    (6)  Hilbert    e_n = |s_n + i H(s)_n|,  H the Hilbert transform, optionally low-passed as in (3)

A peak lies in each window (2), for f_min the lowest frequency of the carrier, if

    (7)  L >= f_s / f_min

where positive and negative half-waves are alike, half of that will do. p keeps each peak for L samples: the envelope of a decay
is late by up to L. The peak of a sine of frequency f is sampled to cos(pi f / f_s) of its height or more. Of a sine of amplitude a,
(3) and (6) give a, (4) its mean 2 a / pi, and (5) a / sqrt 2.

The authors' code (katejarne/Envelope_Code) differs. It divides f_c by f_s, where the design wants f_s / 2: the cut is half of
what is said, `authors_cutoff`. Before the start, (2) wraps round to the end; here it is 0. It draws a value of (5) W samples after
the first sample of its window, half a window late; `rms_times` is the centre. For its comparisons, not for the envelope it draws,
the signal is `prepared`: without its linear trend, each sample the median of three.

How well parameters suit a signal, by the two wishes of the paper's abstract, that an envelope pass the prominent peaks and vary
slowly; k runs over the M prominent peaks of r, no two of them closer than f_s / f_min and none below a share of max r:

    (8)  miss  = sqrt(mean_k (e_k - r_k)^2 / mean_k r_k^2)
    (9)  humps = sum_n |e_{n+1} - e_n| / (2 max e)              1 for one rise and fall
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage, signal

from .arguments import count, number, positive, real

Array = np.ndarray[Any, Any]

PEAK_WINDOW, CUTOFF_HZ = 35, 300.0  # the authors'
LOWPASS_HZ, RMS_WINDOW = 150.0, 500  # of the methods they compare with


class Quality(NamedTuple):
    """How well an envelope suits a signal."""

    miss: float  # distance from the prominent peaks (8)
    humps: float  # how much it goes up and down (9)


class Sweep(NamedTuple):
    """Envelopes of one signal with each window and cut."""

    windows: Array  # (W,) samples
    cutoffs: Array  # (C,) Hz
    miss: Array  # (W, C) distance from the prominent peaks (8)
    humps: Array  # (W, C) how much it goes up and down (9)
    peaks: Array  # (M,) samples of the prominent peaks


def peak_envelope(
    s: Any, rate: float, *, peak_window: int = PEAK_WINDOW, cutoff_hz: float = CUTOFF_HZ, authors_cutoff: bool = False
) -> Array:
    """(T, ..) the envelope (1)-(3) of s (T, ..), sampled `rate` times per second; time is the first axis.

    peak_window: L, samples, `window_for` the lowest carrier frequency. cutoff_hz: f_c, or twice it with authors_cutoff.
    Units' activity with steps of dt ms has a rate of 1000 / dt. Short signals and single samples are allowed.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    r = np.abs(real("s", s, (1, 2, 3)))  # (1)
    return _lowpass(running_maximum(r, peak_window), 4, cutoff_hz, rate, authors_cutoff)  # (3)


def running_maximum(r: Any, window: int) -> Array:
    """(T, ..) the largest of the last `window` values of r >= 0 (T, ..) at each step (2)."""
    r = real("r", r, (1, 2, 3))
    L = count("peak_window", window, 1, 10**9)
    L = min(L, len(r))  # a longer one reaches no more
    return ndimage.maximum_filter1d(r, L, axis=0, mode="constant", cval=0.0, origin=(L - 1) // 2)  # (2)


def lowpass_envelope(s: Any, rate: float, *, cutoff_hz: float = LOWPASS_HZ, authors_cutoff: bool = False) -> Array:
    """(T, ..) the low-passed |s| (4), for comparison."""
    return _lowpass(np.abs(real("s", s, (1, 2, 3))), 1, cutoff_hz, rate, authors_cutoff)  # (4)


def rms_envelope(s: Any, window: int = RMS_WINDOW) -> Array:
    """(T - W + 1, ..) root mean squares over W = `window` samples (5), for comparison; value n is of samples n .. n + W - 1."""
    s = real("s", s, (1, 2, 3))
    W = count("window", window, 1, len(s))
    power = np.concatenate([np.zeros((1, *s.shape[1:])), np.cumsum(s**2, axis=0)])
    return np.sqrt(np.maximum(power[W:] - power[:-W], 0.0) / W)  # (5)


def rms_times(n: int, rate: float, window: int = RMS_WINDOW) -> Array:
    """(n,) the centres (s) of the windows of the n values of `rms_envelope`."""
    return (np.arange(n) + (window - 1) / 2) / rate


def hilbert_envelope(s: Any, rate: float, *, cutoff_hz: float | None = None) -> Array:
    """(T, ..) the modulus of the analytic signal (6), low-passed where there is a cutoff_hz."""
    e = np.abs(signal.hilbert(real("s", s, (1, 2, 3)), axis=0))  # (6)
    return e if cutoff_hz is None else _lowpass(e, 4, cutoff_hz, rate, False)


def prepared(s: Any) -> Array:
    """(T, ..) s without its linear trend, each sample the median of three: what the code compares methods on."""
    s = real("s", s, (1, 2, 3))
    return ndimage.median_filter(signal.detrend(s, axis=0), (3,) + (1,) * (s.ndim - 1), mode="constant")


def window_for(rate: float, lowest_hz: float) -> int:
    """The least peak_window that holds a peak of each period of the lowest carrier frequency (7)."""
    rate = positive("rate", rate)
    # less a rounding, so that 1000 / (1000 / 35) is 35
    return max(1, math.ceil(rate / positive("lowest_hz", lowest_hz) - 1e-9))  # (7)


def sweep(
    s: Any, rate: float, windows: Sequence[int], cutoffs: Sequence[float], *, lowest_hz: float, least: float = 0.05,
    authors_cutoff: bool = False,
) -> Sweep:  # fmt: skip
    """The measures (8) (9) of the envelope of s (T,) for each peak window (samples) and cut (Hz).

    lowest_hz, least: of `prominent_peaks`.
    TypeError or ValueError, naming the argument, where one does not fit, or s has no peak.
    """
    peaks = prominent_peaks(s, rate, lowest_hz, least)
    if not len(windows) or not len(cutoffs):
        raise ValueError(f"windows and cutoffs must not be empty, got {len(windows)} and {len(cutoffs)}")
    miss, humps = np.empty((2, len(windows), len(cutoffs)))
    for i, L in enumerate(windows):
        p = running_maximum(np.abs(s), L)
        for j, cut in enumerate(cutoffs):
            miss[i, j], humps[i, j] = quality(_lowpass(p, 4, cut, rate, authors_cutoff), s, peaks)
    return Sweep(np.array(windows), np.array(cutoffs, np.float64), miss, humps, peaks)


def prominent_peaks(s: Any, rate: float, lowest_hz: float, least: float = 0.05) -> Array:
    """(M,) samples of the peaks of |s|, s (T,), a period of lowest_hz or more apart, and above the share `least` of max |s|.

    ValueError where there is none.
    """
    r = np.abs(real("s", s, (1,)))
    height = number("least", least, 0.0, 1.0) * r.max()
    peaks, _ = signal.find_peaks(r, height=max(height, np.finfo(float).tiny), distance=window_for(rate, lowest_hz))
    if len(peaks) == 0:
        raise ValueError("s must have a peak, got none: it is silent, or rises or falls all the time")
    return peaks


def quality(envelope: Any, s: Any, peaks: Any) -> Quality:
    """The measures (8) (9) of any envelope (T,) of s (T,) with these prominent peaks (M,)."""
    e, r = real("envelope", envelope, (1,)), np.abs(real("s", s, (1,)))
    if e.shape != r.shape:
        raise ValueError(f"envelope must be as long as s, {len(r)} samples, got {len(e)}")
    miss = np.sqrt(((e[peaks] - r[peaks]) ** 2).mean() / (r[peaks] ** 2).mean())  # (8)
    return Quality(float(miss), float(np.abs(np.diff(e)).sum() / (2 * e.max())))  # (9)


def _lowpass(p: Array, order: int, cutoff_hz: float, rate: float, authors_cutoff: bool) -> Array:
    """A Butterworth low-pass forward and backward; both ends are continued by reflection, as far as there is signal."""
    rate = positive("rate", rate)
    if not isinstance(authors_cutoff, bool | np.bool_):
        raise TypeError(f"authors_cutoff must be True or False, got {authors_cutoff!r}")
    f_c = positive("cutoff_hz", cutoff_hz, rate if authors_cutoff else rate / 2) / (2 if authors_cutoff else 1)
    sos = signal.butter(order, f_c, fs=rate, output="sos")
    usual = 3 * (order + 1)  # what filtfilt, which the authors call, takes
    return signal.sosfiltfilt(sos, p, axis=0, padlen=min(usual, len(p) - 1))
