"""The frequency of a sound from moment to moment, as the authors' fundamental-frequency code finds it.

s_n is the signal, f_s its rate, N and V the samples of a window and of the overlap of two, w Hann's window (symmetric). The power
spectral density of window m, one-sided:

    (1)  P(f_k, m) = c_k |sum_n w_n s_{m(N-V)+n} exp(-2 pi i k n / N)|^2 / (f_s sum_n w_n^2),   c_k = 2, but 1 at 0 and f_s/2
    (2)  f0(m) = the f_k of the largest P(f_k, m) in 100 Hz <= f_k <= 8000 Hz
    (3)  f0(m) is dropped where P(f0, m) <= threshold

The authors have N = int(0.008 f_s), V = int(0.005 f_s): a resolution of 125 Hz, a value each 3 ms. Their threshold is 700 in the
square of the counts of a 16-bit recording per Hz; here signals are in units of full scale, 1 = 32768 counts. They also compute

    (4)  the medians of f0 in 49 equal bins of time from the first to the last m that is kept, without the last one itself

It is the largest peak of the spectrum that is tracked: where a harmonic is stronger than the fundamental, it is the harmonic.
Source: katejarne/Fundamental-frequency-code.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import signal

from .arguments import count, number, positive, real

Array = np.ndarray[Any, Any]

FULL_SCALE = 32768.0  # counts of a 16-bit recording
THRESHOLD = 700.0 / FULL_SCALE**2


class Pitch(NamedTuple):
    """What the tracker found, and the spectrogram it found it in."""

    times: Array  # (M,) s, centres of the windows
    f0: Array  # (M,) Hz; NaN where it was dropped
    power: Array  # (M,) at the largest peak, dropped or not
    frequencies: Array  # (F,) Hz, all of them
    spectrogram: Array  # (F, M) power spectral density


class Medians(NamedTuple):
    """The pitch in equal bins of time."""

    times: Array  # (K,) s, centres
    f0: Array  # (K,) Hz; NaN where a bin has none


def track(
    s: Any, rate: float, *, window_ms: float = 8.0, overlap_ms: float = 5.0, lowest_hz: float = 100.0, highest_hz: float = 8000.0,
    threshold: float = THRESHOLD,
) -> Pitch:  # fmt: skip
    """The frequency (1)-(3) of s (T,), sampled `rate` times per second; T must be a window or more.

    threshold: in the square of the unit of s per Hz. The default is the authors' for a signal in units of full scale, as
    `wav.read` gives it; for the counts of a 16-bit file it is 700. Silence is dropped, whatever the threshold.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    s, rate = real("s", s, (1,)), positive("rate", rate)
    window_ms = positive("window_ms", window_ms)
    overlap_ms = number("overlap_ms", overlap_ms, 0.0, window_ms)
    N, V = (int(ms * rate / 1000) for ms in (window_ms, overlap_ms))
    if N < 4 or V >= N:
        raise ValueError(f"window_ms must hold 4 samples and more than overlap_ms does, got {N} and {V} at a rate of {rate:g} Hz")
    if len(s) < N:
        raise ValueError(f"s must have at least a window, {N} samples of {window_ms:g} ms, got {len(s)}")
    frequencies, times, P = signal.spectrogram(s, rate, np.hanning(N), N, V, detrend=False, scaling="density")  # (1)
    band = np.flatnonzero((frequencies >= positive("lowest_hz", lowest_hz)) & (frequencies <= positive("highest_hz", highest_hz)))
    if len(band) == 0:
        raise ValueError(
            f"lowest_hz and highest_hz must have a frequency of the spectrum, a multiple of {rate / N:g} Hz up to {rate / 2:g} Hz, "
            f"between them, got {lowest_hz:g} and {highest_hz:g}"
        )
    largest = band[P[band].argmax(axis=0)]
    power = P[largest, np.arange(len(times))]
    f0 = np.where(power > number("threshold", threshold, 0.0, np.inf), frequencies[largest], np.nan)  # (2), (3)
    return Pitch(times, f0, power, frequencies, P)


def medians(found: Pitch, bins: int = 49) -> Medians:
    """The medians (4) of the pitch in equal bins of time; none where fewer than two values are kept.

    The authors' running median has a 50th value, NaN, before the first bin.
    """
    bins = count("bins", bins, 1, 10**6)
    kept = np.isfinite(found.f0)
    if kept.sum() < 2:
        return Medians(np.zeros(0), np.zeros(0))
    times, f0 = found.times[kept], found.f0[kept]
    edges = np.linspace(times[0], times[-1], bins + 1)
    which = np.digitize(times, edges) - 1  # the last time is beyond the last bin
    f0_of = [f0[which == k] for k in range(bins)]
    return Medians((edges[1:] + edges[:-1]) / 2, np.array([np.median(f) if len(f) else np.nan for f in f0_of]))  # (4)
