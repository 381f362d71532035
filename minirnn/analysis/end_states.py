"""What a network ends in after its trial: rest, a fixed point or an oscillation; frequencies; invariance to a shift in time.

A trial is continued without input for long, and its last steps, h (T, B, N) of them, are judged (arXiv 2005.13074, whose
abstract asks for the classes; the recipe is ours):

    (1)  rest          max |h| < 1e-3
    (2)  fixed point   the standard deviation in time of every unit < 1e-3
    (3)  oscillation   otherwise, of the frequency where the power P(f) = sum_i |sum_t w_t (h_i - mean h_i) exp(-2 pi i f t)|^2
                       is largest; w is Hann's window
    (4)  f = (k + (a - c) / (2 (a - 2 b + c))) / (T dt),   a, b, c = log P at the bins k - 1, k, k + 1 around the largest

(4), a parabola, is off by up to 0.02 of a bin, as the logarithm of a Hann peak is not quite one: 0.03 Hz at 600 steps of 1 ms.
(3) calls oscillation all that moves, a chaotic or very slow state as well.

The authors' frequency of a unit (code of RNN_study_with_keras):

    (5)  f_i = 1 / (t_{-2} - t_{-3})    of the times of its minima, t_{-1} the last; only where there are more than 6 minima

The scheme of RNNs_for_DM_and_time_representation (analyze_ensemble_v4), lambda* the eigenvalue of W_rec of largest modulus, and
p_t the first principal component of the states within a window of the trial, averaged over trials:

    (6)  OI = |Im lambda*| / |lambda*|          oscillatory from 0.15 on, mixed from 0.05 on, below it ramping
    (7)  PBR = max P / median P                 Welch's spectrum of p without its linear trend, above two cycles per window
    (8)  ramp = |corr(p_t, t)|                  oscillatory where PBR >= 5; else ramping where ramp >= 0.8; else mixed
    (9)  the class on which (6) and (8) agree, or else mixed
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import signal

Array = np.ndarray[Any, Any]

REST, FIXED, OSCILLATION = "rest", "fixed point", "oscillation"
OSCILLATORY, RAMPING, MIXED = "oscillatory", "ramping", "mixed"


class EndStates(NamedTuple):
    """What B trials ended in."""

    labels: tuple[str, ...]  # (B,) "rest", "fixed point" or "oscillation": over the trial types, the class of the network
    frequency: Array  # (B,) Hz, NaN where it does not oscillate
    largest: Array  # (B,) max |h|
    deviation: Array  # (B,) standard deviation in time, of the unit that has most
    tail: Array  # (T, B, N) the states judged

    def __str__(self) -> str:
        shown = (label if np.isnan(f) else f"{label} {f:.2f} Hz" for label, f in zip(self.labels, self.frequency, strict=True))
        return ", ".join(shown)


class UnitFrequencies(NamedTuple):
    """Frequencies of units by the distance of their minima, and their histogram."""

    frequency: Array  # (N,) Hz, NaN where a unit has too few minima
    counts: Array  # (bins,)
    edges: Array  # (bins + 1,) Hz


class Regime(NamedTuple):
    """A network by the scheme of RNNs_for_DM_and_time_representation; classes are "oscillatory", "ramping", "mixed"."""

    label: str  # (9)
    spectral: str  # (6)
    activity: str  # (8)
    oscillation_index: float
    peak_to_background: float
    peak_frequency: float  # Hz, NaN where there is no spectrum
    ramp: float


class Invariance(NamedTuple):
    """Distances from the target when the same trial comes earlier or later."""

    onsets: Array  # (K,)
    distance: Array  # (K, B)
    drift: Array  # (K, B) of the state before the stimulus: only where there is none is invariance to be expected
    spread: Array  # (B,) largest minus smallest distance over the onsets

    def rows(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """The table as text, the head first: onset, a distance per trial type, the largest drift."""
        if len(names) != self.distance.shape[1]:
            raise ValueError(f"names must be {self.distance.shape[1]}, got {len(names)}")
        head = ("onset", *(f"d {name}" for name in names), "drift")
        body = zip(self.onsets, self.distance, self.drift, strict=True)
        return [head, *((f"{onset:g}", *(f"{d:.2f}" for d in row), f"{moved.max():.1e}") for onset, row, moved in body)]


def continued(step: Callable[[Array], Array], h: Any, steps: int = 3000) -> Array:
    """(steps, B, N) the states that follow h (B, N): step(h), step(step(h)), ..; a `fixed_points.Dynamics` is such a step."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    state = np.asarray(h, np.float64)
    if state.ndim != 2 or 0 in state.shape:
        raise ValueError(f"h must be (B, N), got shape {state.shape}")
    states = np.empty((steps, *state.shape))
    for t in range(steps):
        state = states[t] = step(state)
    return states


def end_states(
    h: Any, *, dt: float = 1.0, last: int = 600, rest_below: float = 1e-3, fixed_below: float = 1e-3
) -> EndStates:  # fmt: skip
    """Labels and frequencies of the last steps of h (T, B, N), which are those after a trial, without input; dt in ms."""
    h = _states("h", h, 3)
    if not 8 <= last <= len(h):
        raise ValueError(f"last must be 8 to {len(h)} steps, got {last}")
    tail = h[-last:]
    largest = np.abs(tail).max(axis=(0, 2))
    deviation = tail.std(axis=0).max(axis=1)
    labels = tuple(
        REST if top < rest_below else FIXED if moved < fixed_below else OSCILLATION  # (1), (2), (3)
        for top, moved in zip(largest, deviation, strict=True)
    )
    moving = np.array([label == OSCILLATION for label in labels])
    frequency = np.full(len(labels), np.nan)
    if moving.any():
        frequency[moving] = dominant_frequency(tail[:, moving], dt=dt)
    return EndStates(labels, frequency, largest, deviation, tail)


def classify(step: Callable[[Array], Array], h: Any, *, dt: float = 1.0, steps: int = 3000, last: int = 600) -> EndStates:
    """`end_states` of `steps` more steps from the last states h (B, N) of trials, one of each type."""
    return end_states(continued(step, h, steps), dt=dt, last=last)


def dominant_frequency(h: Any, *, dt: float = 1.0) -> Array:
    """(B,) Hz of the states h (T, B, N): the largest peak of the power summed over units."""
    h = _states("h", h, 3)
    T = len(h)
    window = signal.windows.hann(T, sym=False)[:, None, None]
    power = (np.abs(np.fft.rfft(window * (h - h.mean(axis=0)), axis=0)) ** 2).sum(axis=2)  # (3)
    power = np.concatenate([power, power[-2:-1] if T % 2 == 0 else power[-1:]])  # beyond half the sampling rate P is mirrored
    k = 1 + power[1:-1].argmax(axis=0)
    trial = np.arange(power.shape[1])
    tiny = np.finfo(float).tiny
    a, b, c = (np.log(np.maximum(power[k + shift, trial], tiny)) for shift in (-1, 0, 1))
    curvature = a - 2 * b + c
    shift = np.where(curvature < 0, 0.5 * (a - c) / np.where(curvature < 0, curvature, 1), 0)
    return 1000 * (k + np.clip(shift, -0.5, 0.5)) / (T * dt)  # (4)


def leading(eigenvalues: Any, margin: float = 0.02) -> str:
    """What lies outside the unit circle, |lambda| > 1 + margin: "none", "real", "real + pairs" or "pairs"."""
    outside = np.asarray(eigenvalues)[np.abs(eigenvalues) > 1 + margin]
    real, pairs = (outside.imag == 0).any(), (outside.imag != 0).any()
    return {(False, False): "none", (True, False): "real", (True, True): "real + pairs", (False, True): "pairs"}[
        bool(real), bool(pairs)
    ]


def unit_frequencies(h: Any, *, dt: float = 1.0, bins: int = 20, least_deviation: float = 1e-3) -> UnitFrequencies:
    """The authors' frequency of each unit from its states h (T, N), Hz, and its histogram.

    least_deviation: a unit that moves less (standard deviation) has none, for the rounding at a fixed point has minima too; 0
    for the authors' rule to the letter.
    """
    h = _states("h", h, 2)
    lower = (h[1:-1] < h[:-2]) & (h[1:-1] < h[2:])
    frequency = np.full(h.shape[1], np.nan)
    for unit in np.flatnonzero((lower.sum(axis=0) > 6) & (h.std(axis=0) >= least_deviation)):
        minima = np.flatnonzero(lower[:, unit])
        frequency[unit] = 1000 / ((minima[-2] - minima[-3]) * dt)  # (5)
    counts, edges = np.histogram(frequency[np.isfinite(frequency)], bins)
    return UnitFrequencies(frequency, counts, edges)


def decision_regime(
    eigenvalues: Any, h: Any, *, dt: float = 1.0, window: tuple[float, float] = (0.35, 0.85), segment: int = 64,
    oscillatory: float = 0.15, mixed: float = 0.05, peak: float = 5.0, ramp: float = 0.8,
) -> Regime:  # fmt: skip
    """The class of a network from the eigenvalues (N,) of W_rec and its states h (T, B, N) in trials whose delay `window` holds.

    window: parts of T. segment: steps of each of Welch's segments, at most half the window. As in the authors' code states are
    averaged over the trials: of a network that is odd, as all without biases are, trials of opposite sign cancel each other,
    and a single type should be given.
    """
    eigenvalues = np.asarray(eigenvalues, complex)
    h = _states("h", h, 3)
    part = h[int(window[0] * len(h)) : int(window[1] * len(h))].mean(axis=1)
    T = len(part)
    if T < 8:
        raise ValueError(f"window must hold at least 8 of the {len(h)} steps, got {window}")
    largest = eigenvalues[np.abs(eigenvalues).argmax()]
    index = float(abs(largest.imag) / abs(largest)) if largest else 0.0  # (6)
    spectral = OSCILLATORY if index >= oscillatory else MIXED if index >= mixed else RAMPING  # (6)
    centred = part - part.mean(axis=0)
    component = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    correlation, ratio, frequency = 0.0, 0.0, np.nan
    if component.std() > 1e-12:
        correlation = float(abs(np.corrcoef(component, np.arange(T))[0, 1]))  # (8)
        size = max(min(segment, T // 2), 4)
        f, P = signal.welch(signal.detrend(component), nperseg=size)
        f, P = f[f > 2 / T], P[f > 2 / T]
        if P.any():
            ratio = float(P.max() / (np.median(P) + 1e-10))  # (7); the authors' 1e-10 also keeps it finite
            frequency = float(1000 * f[P.argmax()] / dt)
    activity = OSCILLATORY if ratio >= peak else RAMPING if correlation >= ramp else MIXED  # (8)
    return Regime(spectral if spectral == activity else MIXED, spectral, activity, index, ratio, frequency, correlation)  # (9)


def time_translation(measure: Callable[[float], tuple[Any, Any]], onsets: Sequence[float]) -> Invariance:
    """The table of `measure`, onset -> (distances (B,), drift of the state before the stimulus, a number or (B,)), at each onset.

    arXiv 1906.01094, Fig 12. A network that is not at rest when its stimulus comes carries a clock, and is invariant by chance
    only: read the distances beside the drift.
    """
    if not len(onsets):
        raise ValueError("onsets must not be empty")
    distances, drifts = [], []
    for onset in onsets:
        d, moved = measure(onset)
        distances.append(np.atleast_1d(np.asarray(d, np.float64)))
        drifts.append(np.broadcast_to(np.asarray(moved, np.float64), distances[-1].shape))
    distance = np.array(distances)
    return Invariance(np.asarray(onsets, np.float64), distance, np.array(drifts), np.ptp(distance, axis=0))


def drift(h: Any, onset: int) -> Array:
    """(B,) |h_onset - h_{onset-1}|, the last step that the stimulus x[onset] does not act on; h (T+1, B, N), h[0] the start."""
    h = _states("h", h, 3)
    if not 1 <= onset < len(h):
        raise ValueError(f"onset must be 1 to {len(h) - 1} for h of this length, got {onset}")
    return np.linalg.norm(h[onset] - h[onset - 1], axis=-1)


def _states(name: str, value: Any, ndim: int) -> Array:
    array = np.asarray(value, np.float64)
    if array.ndim != ndim or 0 in array.shape or not np.isfinite(array).all():
        shape = "(T, B, N)" if ndim == 3 else "(T, N)"
        raise ValueError(f"{name} must be finite and {shape}, got shape {array.shape}")
    return array
