"""Envelope, alignment and pitch against closed forms, naive loops, matplotlib's spectrogram and the two recordings."""

import matplotlib.mlab
import numpy as np
import pytest
from conftest import SHARED
from hypothesis import given
from hypothesis import strategies as st

from minirnn.signals import alignment, envelope, pitch, wav

RATE = 20000


@pytest.fixture(params=["canary", "zebra_finch"])
def recording(request):
    path = SHARED / "sounds" / f"{request.param}.wav"
    if not path.exists():
        pytest.skip("the recordings are not beside the project (../shared/sounds)")
    return wav.read(path)


def am_sine(carrier, modulation, depth, seconds=1.0, rate=RATE):
    t = np.arange(int(seconds * rate)) / rate
    known = (1 + depth * np.sin(2 * np.pi * modulation * t)) / (1 + depth)
    return known, known * np.sin(2 * np.pi * carrier * t + 0.3)


# ---- envelope


@given(st.floats(1400, 3500), st.floats(1, 8), st.floats(0, 1), st.booleans())
def test_the_envelope_of_an_am_sine_is_within_5_percent_of_its_maximum(carrier, modulation, depth, authors):
    rate = 48000  # the peak of a sine is sampled to cos(pi carrier / rate), 97 % or more
    known, s = am_sine(carrier, modulation, depth, rate=rate)
    inside = slice(1000, -1000)
    for e in (
        envelope.peak_envelope(s, rate, peak_window=35, cutoff_hz=300.0, authors_cutoff=authors),
        envelope.peak_envelope(s, rate, peak_window=envelope.window_for(rate, carrier)),
        envelope.hilbert_envelope(s, rate, cutoff_hz=300.0),
    ):
        assert e.shape == s.shape
        assert np.abs(e - known)[inside].max() < 0.05 * known.max()


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_the_running_maximum_is_that_of_the_last_samples(n, window, seed):
    r = np.random.default_rng(seed).random((n, 2))
    naive = np.array([r[max(0, k - window + 1) : k + 1].max(axis=0) for k in range(n)])
    np.testing.assert_array_equal(envelope.running_maximum(r, window), naive)


def test_the_start_does_not_see_the_end():
    s = np.zeros(1000)
    s[-5:] = 1.0  # the authors' negative indices would carry this to the start
    assert np.abs(envelope.peak_envelope(s, RATE)[:100]).max() < 1e-6


@pytest.mark.parametrize("authors, cut", [(False, 300.0), (True, 150.0)])
def test_the_cut_is_where_the_gain_is_one_half_and_the_authors_is_at_half_of_it(authors, cut):
    t = np.arange(4 * RATE) / RATE
    s = 2 + np.cos(2 * np.pi * cut * t)  # positive, and with a window of 1 its own running maximum
    e = envelope.peak_envelope(s, RATE, peak_window=1, cutoff_hz=300.0, authors_cutoff=authors)
    middle = slice(RATE, 3 * RATE)
    gain = 2 * np.mean((e[middle] - 2) * np.cos(2 * np.pi * cut * t[middle]))
    assert gain == pytest.approx(0.5, abs=1e-3)
    assert np.abs(np.mean((e[middle] - 2) * np.sin(2 * np.pi * cut * t[middle]))) < 1e-4  # no delay
    low = envelope.lowpass_envelope(s, RATE, cutoff_hz=300.0, authors_cutoff=authors)
    assert 2 * np.mean((low[middle] - 2) * np.cos(2 * np.pi * cut * t[middle])) == pytest.approx(0.5, abs=2e-3)
    # an octave above, of order 4 forward and backward: 1 / (1 + 2^8); of order 1: 1 / (1 + 2^2)
    s = 2 + np.cos(2 * np.pi * 2 * cut * t)
    for e, gain in (
        (envelope.peak_envelope(s, RATE, peak_window=1, authors_cutoff=authors), 1 / 257),
        (envelope.lowpass_envelope(s, RATE, cutoff_hz=300.0, authors_cutoff=authors), 1 / 5),
    ):
        assert 2 * np.mean((e[middle] - 2) * np.cos(4 * np.pi * cut * t[middle])) == pytest.approx(gain, rel=0.05)


def test_the_compared_methods_give_what_theory_says_of_a_sine():
    s = 3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    middle = slice(2000, -2000)
    assert envelope.peak_envelope(s, RATE)[middle] == pytest.approx(3.0, rel=1e-6)
    assert envelope.hilbert_envelope(s, RATE)[middle] == pytest.approx(3.0, rel=1e-6)
    rectified = np.abs(s).mean()
    assert rectified == pytest.approx(3 * 2 / np.pi, rel=0.01)
    assert envelope.lowpass_envelope(s, RATE)[middle] == pytest.approx(rectified, rel=0.01)
    assert envelope.rms_envelope(s) == pytest.approx(3 / np.sqrt(2), rel=1e-9)


def test_rms_has_whole_windows_and_their_centres():
    s = np.arange(10.0)
    found = envelope.rms_envelope(s, 4)
    np.testing.assert_allclose(found, [np.sqrt(np.mean(s[k : k + 4] ** 2)) for k in range(7)])
    np.testing.assert_allclose(envelope.rms_times(7, 2.0, 4), (np.arange(7) + 1.5) / 2)


def test_prepared_takes_the_trend_and_single_spikes_out():
    s = 3.0 + 0.5 * np.arange(50)
    assert np.abs(envelope.prepared(s)).max() < 1e-12
    s[20] += 10
    assert np.abs(envelope.prepared(s)).max() < 1.5
    rng = np.random.default_rng(0)
    two = rng.standard_normal((30, 2))
    np.testing.assert_allclose(envelope.prepared(two)[:, 1], envelope.prepared(two[:, 1]))


def test_units_are_enveloped_each_by_itself_along_time():
    s = np.random.default_rng(0).standard_normal((300, 2, 3))
    e = envelope.peak_envelope(s, 1000.0, peak_window=20, cutoff_hz=30)
    np.testing.assert_allclose(e[:, 1, 2], envelope.peak_envelope(s[:, 1, 2], 1000.0, peak_window=20, cutoff_hz=30), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 15, 16])
def test_short_signals_have_envelopes(n):
    assert envelope.peak_envelope(np.full(n, -2.0), RATE) == pytest.approx(2.0)
    assert envelope.lowpass_envelope(np.full(n, -2.0), RATE) == pytest.approx(2.0)
    assert envelope.hilbert_envelope(np.full(n, -2.0), RATE).shape == (n,)


def test_the_window_holds_a_period():
    assert envelope.window_for(48000, 1371) == 36
    assert envelope.window_for(1000, 1000 / 35) == 35
    assert envelope.window_for(10, 1000) == 1


def test_a_sweep_finds_that_longer_windows_and_lower_cuts_have_fewer_humps():
    _, s = am_sine(1000, 3, 0.8)
    s += 0.05 * np.random.default_rng(0).standard_normal(len(s))
    found = envelope.sweep(s, RATE, [5, 20, 80], [30.0, 300.0, 3000.0], lowest_hz=1000)
    assert found.miss.shape == found.humps.shape == (3, 3)
    assert (np.diff(found.humps, axis=1) > 0).all()
    assert (np.diff(found.humps[:, 2]) < 0).all()
    assert found.miss[0, 2] > found.miss[1, 2]  # shorter than half a period: the envelope follows the carrier
    assert (np.diff(found.peaks) >= 20).all()
    e = envelope.peak_envelope(s, RATE, peak_window=20, cutoff_hz=300)
    r = np.abs(s)[found.peaks]
    assert found.miss[1, 1] == pytest.approx(np.linalg.norm(e[found.peaks] - r) / np.linalg.norm(r))
    halved = envelope.sweep(s, RATE, [20], [600.0], lowest_hz=1000, authors_cutoff=True)
    assert halved.miss[0, 0] == pytest.approx(found.miss[1, 1])


def test_one_rise_and_fall_is_one_hump():
    e = np.sin(np.linspace(0, np.pi, 101))
    assert envelope.quality(e, e, [50]) == pytest.approx((0.0, 1.0))
    assert envelope.quality(2 * e, e, [50]).miss == pytest.approx(1.0)


def test_the_envelope_of_a_recording_is_on_its_peaks(recording):
    s, rate = recording.samples, recording.rate
    e = envelope.peak_envelope(s, rate)
    peaks = envelope.prominent_peaks(s, rate, rate / 35)
    missed = envelope.quality(e, s, peaks).miss
    assert missed < 0.15
    assert missed < 0.4 * envelope.quality(envelope.lowpass_envelope(s, rate), s, peaks).miss


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: envelope.peak_envelope([], RATE), ValueError, "not be empty"),
        (lambda: envelope.peak_envelope(["a"], RATE), TypeError, "s must be an array of real numbers"),
        (lambda: envelope.peak_envelope([1.0, np.nan], RATE), ValueError, "s must be finite"),
        (lambda: envelope.peak_envelope([1.0], 0), ValueError, "rate must be between 0 and inf, got 0"),
        (lambda: envelope.peak_envelope([1.0], "8"), TypeError, "rate must be a number, got str"),
        (lambda: envelope.peak_envelope([1.0], np.inf), ValueError, "rate must be"),
        (lambda: envelope.peak_envelope([1.0], RATE, peak_window=0), ValueError, "peak_window must be from 1"),
        (lambda: envelope.peak_envelope([1.0], RATE, peak_window=3.5), TypeError, "peak_window must be an integer, got float"),
        (lambda: envelope.peak_envelope([1.0], RATE, cutoff_hz=1e4), ValueError, "cutoff_hz must be between 0 and 10000"),
        (lambda: envelope.peak_envelope([1.0], RATE, cutoff_hz=2e4, authors_cutoff=True), ValueError, "between 0 and 20000"),
        (lambda: envelope.peak_envelope([1.0], RATE, authors_cutoff="no"), TypeError, "authors_cutoff must be True or False"),
        (lambda: envelope.rms_envelope([1.0, 2.0], 3), ValueError, "window must be from 1 to 2, got 3"),
        (lambda: envelope.sweep(np.zeros(9), RATE, [2], [3.0], lowest_hz=100), ValueError, "s must have a peak"),
        (lambda: envelope.sweep([0, 1.0, 0], RATE, [], [3.0], lowest_hz=100), ValueError, "windows and cutoffs must not be empty"),
        (lambda: envelope.quality([1.0], [1.0, 2.0], [0]), ValueError, "as long as s, 2 samples, got 1"),
        (lambda: envelope.prominent_peaks([0, 1.0, 0], RATE, 100, 2.0), ValueError, "least must be from 0 to 1, got 2"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_an_envelope_are_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


# ---- alignment


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_lags_of_jittered_noisy_copies_are_exact_and_the_noise_falls_with_the_root_of_their_number(seed, rounds):
    rng = np.random.default_rng(seed)
    n, T, room = 25, 2000, 60
    t = np.arange(T)
    clean = np.exp(-(((t - 1000) / 250) ** 2)) * np.sin(2 * np.pi * t * (200 + t / 20) / T)
    delays = rng.integers(-room, room + 1, n)
    noise = 0.2 * rng.standard_normal((n, T))
    copies = [np.roll(clean, d) + e for d, e in zip(delays, noise, strict=True)]  # clean is 0 where it is rolled round
    found = alignment.align(copies, rounds=rounds)
    assert found.reference == 0
    np.testing.assert_array_equal(found.lags, delays - delays[0])
    assert np.abs(found.peaks - found.lags).max() <= 0.5
    assert found.kept.all()
    inside = slice(2 * room, T - 2 * room)
    assert (found.n[inside] == n).all()
    left = (found.mean - np.roll(clean, delays[0]))[inside].std()
    assert left == pytest.approx(0.2 / np.sqrt(n), rel=0.1)
    assert np.sqrt((found.std[inside] ** 2).mean()) == pytest.approx(0.2, rel=0.05)


def test_the_correlation_is_its_definition_and_the_parabola_finds_fractions():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((30, 2)), rng.standard_normal((43, 2))
    lags, rho = alignment.cross_correlation(a, b)
    p, q = a - a.mean(axis=0), b - b.mean(axis=0)
    for lag, value in zip(lags, rho, strict=True):
        total = sum((p[n] * q[n + lag]).sum() for n in range(30) if 0 <= n + lag < 43)
        assert value == pytest.approx(total / np.sqrt((p**2).sum() * (q**2).sum()), abs=1e-12)
    assert (lags[0], lags[-1]) == (-29, 42)
    t = np.arange(400.0)
    shifts = (0.0, 7.3, -4.6)
    bumps = [np.exp(-(((t - 200 - shift) / 30) ** 2)) for shift in shifts]
    waves = [bump * np.sin((t - shift) / 8) for bump, shift in zip(bumps, shifts, strict=True)]
    for found in (alignment.align(waves), alignment.align(bumps, centred=False)):
        np.testing.assert_array_equal(found.lags, [0, 7, -5])
        np.testing.assert_allclose(found.peaks, shifts, atol=0.01)
    towards = np.abs(alignment.align(bumps).peaks)  # centred, what has a mean is drawn towards 0
    assert ((towards < np.abs(shifts))[1:]).all()
    np.testing.assert_allclose(towards, np.abs(shifts), atol=0.5)


def test_the_longest_is_the_reference_and_what_differs_is_left_out():
    rng = np.random.default_rng(0)
    a = np.concatenate([np.zeros(10), np.hanning(40), np.zeros(30)])
    other = rng.standard_normal(50)
    found = alignment.align([a[5:], a, other, np.ones(20)])
    assert found.reference == 1
    np.testing.assert_array_equal(found.lags[:2], [-5, 0])
    np.testing.assert_array_equal(found.kept, [True, True, False, False])
    assert found.correlation[3] == 0  # constant
    np.testing.assert_array_equal(found.n, [1] * 5 + [2] * 75)
    np.testing.assert_allclose(found.mean, a, atol=1e-15)
    assert np.isnan(found.std[:5]).all()
    np.testing.assert_allclose(found.std[5:], 0, atol=1e-15)
    assert np.isnan(found.aligned[0, :5]).all()
    chosen = alignment.align([a[5:], a], reference=0)
    np.testing.assert_array_equal(chosen.lags, [0, 5])
    assert chosen.mean.shape == (75,)


def test_a_largest_lag_keeps_a_periodic_signal_from_fitting_a_period_away():
    t = np.arange(600)
    long = np.sin(2 * np.pi * t / 50)
    late = long[30:580]  # 30 earlier, or 20 later
    assert alignment.align([long, late], max_lag=25).lags[1] == 20
    assert alignment.align([long, late], max_lag=0).lags[1] == 0
    assert alignment.align([long, late]).lags[1] == -30


def test_the_second_round_takes_the_mean_of_the_first_for_its_reference():
    rng = np.random.default_rng(2)
    copies = [np.hanning(200) * np.sin(np.arange(200) / 3) + 0.3 * rng.standard_normal(200) for _ in range(12)]
    first, second = (alignment.align(copies, rounds=rounds, max_lag=3) for rounds in (1, 2))
    for k, copy in enumerate(copies):
        _, rho = alignment.cross_correlation(np.nan_to_num(first.mean), copy)
        assert second.correlation[k] == pytest.approx(rho[199 - 3 : 199 + 4].max())
    assert second.correlation[1:].mean() > first.correlation[1:].mean() + 0.1
    assert second.correlation[0] < first.correlation[0] == pytest.approx(1.0)


def test_segments_are_where_the_envelope_is_above_the_threshold():
    e = np.zeros(1000)
    e[100:200] = 1.0
    e[203:300] = 0.5  # a gap of 3 samples
    e[500:504] = 1.0  # 4 samples
    e[700:760] = 0.09
    e[900:1000] = 0.2
    cut = {"threshold": 0.1, "least_ms": 0.0, "join_ms": 0.0}
    np.testing.assert_array_equal(
        alignment.segments(e, 1000.0, **cut), [[100, 200], [203, 300], [500, 504], [900, 1000]]
    )  # fmt: skip
    np.testing.assert_array_equal(alignment.segments(e, 1000.0), [[100, 300], [900, 1000]])
    np.testing.assert_array_equal(alignment.segments(e, 1000.0, margin_ms=20), [[80, 320], [880, 1000]])
    np.testing.assert_array_equal(alignment.segments(e, 1000.0, margin_ms=1e6), [[0, 600], [600, 1000]])
    assert alignment.segments(np.zeros(9), 1000.0).shape == (0, 2)
    assert alignment.segments(-np.ones(9), 1000.0).shape == (0, 2)


def test_the_canarys_syllables_are_aligned():
    path = SHARED / "sounds" / "canary.wav"
    if not path.exists():
        pytest.skip("the recordings are not beside the project (../shared/sounds)")
    s, rate, *_ = wav.read(path)
    e = envelope.peak_envelope(s, rate)
    spans = alignment.segments(e, rate, margin_ms=10)
    assert len(spans) == 5
    pieces = [e[i:j] for i, j in spans]
    found = alignment.align(pieces)
    np.testing.assert_array_equal(found.kept, [True, True, True, True, False])  # the recording ends in the fifth
    # each syllable has its loud part, half of the energy and more, at the same time: closer than their own starts put it
    half = [np.searchsorted(np.cumsum(p), p.sum() / 2) for p in pieces[:4]]
    assert np.std(half - found.lags[:4]) < 0.6 * np.std(half)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: alignment.align([]), "at least one segment"),
        (lambda: alignment.align([np.zeros(4), np.zeros((4, 2))]), "alike but for their length"),
        (lambda: alignment.align([np.ones(4)]), "must not be constant"),
        (lambda: alignment.align([np.arange(4.0)], reference=1), "reference must be from 0 to 0"),
        (lambda: alignment.align([np.arange(4.0)], rounds=0), "rounds must be from 1"),
        (lambda: alignment.align([np.arange(4.0)], least_correlation=2.0), "least_correlation must be from -1 to 1"),
        (lambda: alignment.align([np.arange(4.0)], max_lag=-1), "max_lag must be from 0"),
        (lambda: alignment.cross_correlation(np.zeros(3), np.zeros((3, 1))), "a and b must be alike"),
        (lambda: alignment.segments(np.ones(4), 10.0, threshold=2.0), "threshold must be from 0 to 1"),
        (lambda: alignment.segments(np.ones(4), 10.0, join_ms=-1.0), "join_ms must be from 0"),
    ],
)
def test_wrong_arguments_of_an_alignment_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- pitch


@given(st.floats(300, 3000), st.floats(300, 7500), st.sampled_from([16000, 20000, 44100, 48000]))
def test_the_pitch_of_a_chirp_is_within_a_bin(first, last, rate):
    t = np.arange(rate) / rate
    found = pitch.track(0.5 * np.sin(2 * np.pi * (first * t + (last - first) * t**2 / 2)), rate)
    true = first + (last - first) * found.times
    assert np.isfinite(found.f0).all()
    assert np.abs(found.f0 - true).max() <= found.frequencies[1]


@pytest.mark.parametrize("rate", [8000, 11025, 20000, 44100, 48000])
def test_the_spectrogram_is_the_authors(rate):
    counts = np.random.default_rng(0).integers(-3000, 3000, rate // 4).astype(np.int16)
    power, frequencies, times = matplotlib.mlab.specgram(
        counts, NFFT=int(rate * 0.008), Fs=rate, noverlap=int(rate * 0.005), detrend=None, window=np.hanning(int(rate * 0.008))
    )
    found = pitch.track(counts / 32768, rate)
    np.testing.assert_allclose(found.frequencies, frequencies)
    np.testing.assert_allclose(found.times, times)
    np.testing.assert_allclose(found.spectrogram * 32768.0**2, power, rtol=1e-9)
    band = (frequencies >= 100) & (frequencies <= 8000)
    np.testing.assert_allclose(found.power * 32768.0**2, power[band].max(axis=0), rtol=1e-9)
    largest = frequencies[band][power[band].argmax(axis=0)]
    np.testing.assert_array_equal(found.f0, np.where(power[band].max(axis=0) > 700, largest, np.nan))
    np.testing.assert_array_equal(pitch.track(counts, rate, threshold=700.0).f0, found.f0)  # in counts


def test_the_band_holds_its_ends_and_what_is_outside_is_not_seen():
    t = np.arange(4800) / 48000
    low, edge = 5.0, np.sin(2 * np.pi * 8000 * t)  # a constant is at 0 and, by its window, at 125 Hz
    assert (pitch.track(low + edge, 48000, lowest_hz=130.0).f0 == 8000).all()
    assert (pitch.track(low + edge, 48000, lowest_hz=125.0).f0 == 125).all()
    assert (pitch.track(edge + 0.1 * np.sin(2 * np.pi * 4000 * t), 48000, highest_hz=7000.0).f0 == 4000).all()


def test_a_stronger_harmonic_is_what_is_tracked():
    t = np.arange(4800) / 48000
    s = 0.1 * np.sin(2 * np.pi * 1000 * t) + 0.5 * np.sin(2 * np.pi * 2000 * t)
    assert (pitch.track(s, 48000).f0 == 2000).all()


def test_quiet_moments_are_dropped():
    t = np.arange(20000) / 20000
    s = np.where(t < 0.5, 0.1, 1e-4) * np.sin(2 * np.pi * 2000 * t)
    found = pitch.track(s, 20000)
    assert (found.f0[found.times < 0.49] == 2000).all()
    assert np.isnan(found.f0[found.times > 0.51]).all()
    assert np.isnan(pitch.track(np.zeros(4000), 20000, threshold=0.0).f0).all()


def test_medians_are_in_49_bins_without_the_last_value():
    times = np.arange(99) / 10
    f0 = 1000.0 + 10 * np.arange(99)
    f0[[0, 50, 51]] = np.nan
    found = pitch.medians(pitch.Pitch(times, f0, f0, np.zeros(2), np.zeros((2, 99))))
    edges = np.linspace(times[1], times[98], 50)
    assert found.f0.shape == (49,)
    for k in range(49):
        inside = (times >= edges[k]) & (times < edges[k + 1]) & np.isfinite(f0)
        np.testing.assert_equal(found.f0[k], np.median(f0[inside]) if inside.any() else np.nan)
    np.testing.assert_allclose(found.times, (edges[1:] + edges[:-1]) / 2)
    assert np.nanmax(found.f0) < f0[98]
    assert pitch.medians(pitch.Pitch(times, np.full(99, np.nan), f0, f0, f0)).f0.shape == (0,)


def test_the_pitch_of_a_recording_is_on_the_ridge_of_its_spectrogram(recording):
    found = pitch.track(recording.samples, recording.rate)
    kept = np.flatnonzero(np.isfinite(found.f0))
    assert len(kept) > 30
    rows = np.rint(found.f0[kept] / found.frequencies[1]).astype(int)
    loud = 10 * np.log10(found.spectrogram[:, kept])
    on = loud[rows, np.arange(len(kept))]
    for beside in (rows - 1, rows + 1):
        assert (on >= loud[beside, np.arange(len(kept))]).all()
    assert (on - np.median(loud, axis=0)).min() > 10  # dB above the rest of its moment


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"s": np.zeros(50)}, "s must have at least a window, 160 samples of 8 ms, got 50"),
        ({"overlap_ms": 8.0}, "more than overlap_ms"),
        ({"overlap_ms": 9.0}, "overlap_ms must be from 0 to 8"),
        ({"window_ms": 0.1, "overlap_ms": 0.0}, "window_ms must hold 4 samples"),
        ({"lowest_hz": 9000.0}, "lowest_hz and highest_hz must have a frequency"),
        ({"threshold": -1.0}, "threshold must be from 0"),
    ],
)
def test_wrong_arguments_of_the_pitch_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        pitch.track(**({"s": np.ones(1000), "rate": 20000} | arguments))
