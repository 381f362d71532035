"""What `minirnn envelope`, `pitch` and `align` do with a recording: their arguments, figures, tables and numbers."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import files

Array = np.ndarray[Any, Any]

ZOOM = 0.06  # seconds around the loudest moment, drawn large


def add_commands(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    """Add the three commands; `command(name, summary, example)` makes the parser of one."""
    p = command(
        "envelope", "Draw the amplitude envelope of a recording, by peak detection, beside three other methods.",
        "minirnn envelope song.wav --peak-window 35 --cutoff 300 --sweep",
    )  # fmt: skip
    _add_recording(p)
    _add_envelope(p)
    p.add_argument("--sweep", action="store_true", help="also try other windows and cuts, and draw how well each suits")
    p.set_defaults(run=_envelope)

    p = command("pitch", "Draw the spectrogram of a recording and the frequency that leads in it.", "minirnn pitch song.wav")
    _add_recording(p)
    p.add_argument("--window-ms", type=float, default=8.0, metavar="MS", help="window of the spectrum (default: %(default)s)")
    p.add_argument("--overlap-ms", type=float, default=5.0, metavar="MS", help="overlap of windows (default: %(default)s)")
    p.add_argument("--lowest", type=float, default=100.0, metavar="HZ", help="lowest frequency (default: %(default)s)")
    p.add_argument("--highest", type=float, default=8000.0, metavar="HZ", help="highest frequency (default: %(default)s)")
    p.add_argument(
        "--threshold", type=float, default=700.0, metavar="POWER",
        help="leave out what is not louder, in squared counts of a 16-bit recording per Hz (default: %(default)s)",
    )  # fmt: skip
    p.set_defaults(run=_pitch)

    p = command("align", "Cut a recording where it is silent, align what is similar, and average.", "minirnn align song.wav")
    _add_recording(p)
    _add_envelope(p)
    p.add_argument("--waveform", action="store_true", help="align the waveform itself (default: its envelope)")
    for name, default, summary in (
        ("threshold", 0.1, "share of the envelope's maximum above which there is a segment"),
        ("least-ms", 10.0, "shorter segments are left out"),
        ("join-ms", 5.0, "shorter gaps are closed"),
        ("margin-ms", 10.0, "added at both ends of a segment"),
        ("least-correlation", 0.5, "segments that correlate less are not averaged"),
    ):
        p.add_argument(f"--{name}", type=float, default=default, metavar="X", help=f"{summary} (default: %(default)s)")
    p.add_argument("--rounds", type=int, default=1, metavar="N", help="from the second on, the mean is the reference (default: 1)")
    p.set_defaults(run=_align)


def _add_recording(p: argparse.ArgumentParser) -> None:
    p.add_argument("file", type=Path, metavar="FILE", help="a WAV file")
    p.add_argument("--channel", type=int, default=0, metavar="N", help="which channel, from 0 (default: %(default)s)")
    p.add_argument("--start", type=float, default=0.0, metavar="S", help="leave out what is before (default: %(default)s)")
    p.add_argument("--stop", type=float, metavar="S", help="leave out what is after (default: the end)")
    p.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder for the results (default: this one)")


def _add_envelope(p: argparse.ArgumentParser) -> None:
    p.add_argument("--peak-window", type=int, default=35, metavar="N", help="samples that a peak is kept (default: %(default)s)")
    p.add_argument("--lowest", type=float, metavar="HZ", help="lowest frequency of the sound: sets --peak-window to its period")
    p.add_argument("--cutoff", type=float, default=300.0, metavar="HZ", help="cut of the low-pass (default: %(default)s)")
    p.add_argument("--authors-cutoff", action="store_true", help="cut at half of it, as the authors' code does")


def _read(options: argparse.Namespace) -> tuple[Array, int, Array]:
    """Samples, rate and times (s) of the part that is asked for."""
    from .signals import wav

    found = wav.read(options.file, options.channel)
    length = len(found.samples) / found.rate
    stop = length if options.stop is None else options.stop
    if not 0 <= options.start < stop:
        raise ValueError(f"--start must be from 0 to below --stop, {stop:g} s, got {options.start:g}")
    first, last = round(options.start * found.rate), round(min(stop, length) * found.rate)
    if first >= last:
        raise ValueError(f"--start and --stop hold no sample of {options.file}, which lasts {length:g} s")
    print(f"{options.file}: {length:.4g} s, {found.channels} channel(s) of {found.bits} bits at {found.rate} Hz")
    return found.samples[first:last], found.rate, np.arange(first, last) / found.rate


def _settings(options: argparse.Namespace, rate: int) -> dict[str, Any]:
    """The arguments of `signals.envelope.peak_envelope`."""
    from .signals import envelope

    window = options.peak_window if options.lowest is None else envelope.window_for(rate, options.lowest)
    return {"peak_window": window, "cutoff_hz": options.cutoff, "authors_cutoff": options.authors_cutoff}


def _envelope(options: argparse.Namespace) -> int:
    from . import plots
    from .signals import envelope

    s, rate, times = _read(options)
    settings = _settings(options, rate)
    L, halved = settings["peak_window"], options.authors_cutoff
    e = envelope.peak_envelope(s, rate, **settings)
    W = min(envelope.RMS_WINDOW, len(s))
    low = min(envelope.LOWPASS_HZ, 0.4 * rate)  # recordings of a few hundred Hz are no sounds, but are read
    rms = envelope.rms_envelope(s, W)
    envelopes = {
        "peaks": (times, e),
        "low-pass": (times, envelope.lowpass_envelope(s, rate, cutoff_hz=low, authors_cutoff=halved)),
        "RMS": (times[0] + envelope.rms_times(len(rms), rate, W), rms),
        "Hilbert": (times, envelope.hilbert_envelope(s, rate, cutoff_hz=options.cutoff / (2 if halved else 1))),
    }
    print(f"a peak is kept for {L} samples, {1000 * L / rate:.3g} ms: one period of {rate / L:.4g} Hz")
    made = {}
    made["envelope"], axes = plots.figure(2, 1, 11.0, 7.0)
    plots.waveform(axes[0, 0], times, s, {"peaks": envelopes["peaks"]}, title=options.file.name)
    middle = times[int(np.argmax(e))]
    near = np.abs(times - middle) <= ZOOM / 2
    zoomed = {name: _within(when, values, times[near]) for name, (when, values) in envelopes.items()}
    plots.waveform(axes[1, 0], times[near], s[near], zoomed, title=f"around the loudest moment, {middle:.3f} s")
    try:
        peaks = envelope.prominent_peaks(s, rate, rate / L)
    except ValueError as error:  # silence has an envelope too
        print(f"how well it suits can not be told: {error}")
    else:
        print(f"{'method':<9} {'miss':>7} {'humps':>7}   of {len(peaks)} prominent peaks")
        for name, (when, values) in envelopes.items():
            print("{:<9} {:>7.3f} {:>7.2f}".format(name, *envelope.quality(np.interp(times, when, values), s, peaks)))
    if options.sweep:
        windows = sorted({max(1, round(L * factor)) for factor in (0.25, 0.5, 1, 2, 4)})
        cutoffs = [options.cutoff * factor for factor in (0.25, 0.5, 1, 2, 4) if options.cutoff * factor < rate / 2]
        found = envelope.sweep(s, rate, windows, cutoffs, lowest_hz=rate / L, authors_cutoff=halved)
        made["sweep"], axes = plots.figure(1, 2, 11.0, 4.2)
        plots.sweep(axes[0, 0], found.windows, found.cutoffs, found.miss, chosen=(L, options.cutoff), title="miss of the peaks")
        plots.sweep(axes[0, 1], found.windows, found.cutoffs, found.humps, chosen=(L, options.cutoff), title="humps")
        rows = [f"{w},{c:g},{m:.6g},{h:.6g}" for w, line, tops in zip(windows, found.miss, found.humps, strict=True)
                for c, m, h in zip(cutoffs, line, tops, strict=True)]  # fmt: skip
        _write_csv(options, "sweep", "peak_window,cutoff_hz,miss,humps", rows)
    arrays = {"time": times, "signal": s, "envelope": e}
    _write_figures(options, made)
    files.write_npz(_name(options, "envelope", "npz"), arrays)
    print(f"{_name(options, 'envelope', 'png')} shows it; {', '.join(arrays)} are in {_name(options, 'envelope', 'npz').name}")
    return 0


def _pitch(options: argparse.Namespace) -> int:
    from . import plots
    from .signals import pitch

    s, rate, times = _read(options)
    found = pitch.track(
        s, rate, window_ms=options.window_ms, overlap_ms=options.overlap_ms, lowest_hz=options.lowest,
        highest_hz=options.highest, threshold=options.threshold / pitch.FULL_SCALE**2,
    )  # fmt: skip
    found = found._replace(times=found.times + times[0])
    kept = np.isfinite(found.f0)
    resolution = found.frequencies[1]
    print(f"{kept.sum()} of {len(kept)} moments are above the threshold; the resolution is {resolution:g} Hz")
    if kept.any():
        low, middle, high = np.quantile(found.f0[kept], [0.05, 0.5, 0.95])
        print(f"median {middle:.0f} Hz, 90 % from {low:.0f} to {high:.0f} Hz")
    made, axes = plots.figure(2, 1, 11.0, 7.0)
    plots.pitch(axes[0, 0], found.times, found.frequencies, found.spectrogram, title=options.file.name)
    image = plots.pitch(axes[1, 0], found.times, found.frequencies, found.spectrogram, found.f0)
    made.colorbar(image, ax=list(axes[:, 0]), label="power (dB of the largest)")
    _write_figures(options, {"pitch": made})
    counts = found.power * pitch.FULL_SCALE**2
    written = [f"{f:g}" if np.isfinite(f) else "" for f in found.f0]
    rows = [f"{t:.6f},{f},{p:.6g}" for t, f, p in zip(found.times, written, counts, strict=True)]
    _write_csv(options, "pitch", "time_s,f0_hz,power_counts2_per_hz", rows)
    print(f"{_name(options, 'pitch', 'png')} shows it, {_name(options, 'pitch', 'csv').name} has every moment")
    return 0


def _align(options: argparse.Namespace) -> int:
    from . import plots
    from .signals import alignment, envelope

    s, rate, times = _read(options)
    e = envelope.peak_envelope(s, rate, **_settings(options, rate))
    spans = alignment.segments(
        e, rate, threshold=options.threshold, least_ms=options.least_ms, join_ms=options.join_ms, margin_ms=options.margin_ms
    )
    if len(spans) == 0:
        raise ValueError(
            f"{options.file} has no segment of {options.least_ms:g} ms above the threshold: it is silent, or too short"
        )
    of = s if options.waveform else e
    found = alignment.align(
        [of[start:stop] for start, stop in spans], least_correlation=options.least_correlation, rounds=options.rounds
    )
    print("segment   start (s)    stop (s)   lag (ms)  correlation")
    rows = []
    for k, (start, stop) in enumerate(spans):
        note = "reference" if k == found.reference else "" if found.kept[k] else "left out"
        lag, peak = 1000 * found.lags[k] / rate, 1000 * found.peaks[k] / rate
        begins, ends = times[0] + np.array([start, stop]) / rate
        print(f"{k:>7} {begins:>11.4f} {ends:>11.4f} {lag:>10.2f} {found.correlation[k]:>12.3f}  {note}".rstrip())
        rows.append(f"{k},{begins:.6f},{ends:.6f},{lag:.4f},{peak:.4f},{found.correlation[k]:.6f},{int(found.kept[k])}")
    made, axes = plots.figure(3, 1, 11.0, 9.5)
    plots.waveform(axes[0, 0], times, s, {"peaks": (times, e)}, spans=times[0] + spans / rate, title=options.file.name)
    own = np.full((len(spans), int((spans[:, 1] - spans[:, 0]).max())), np.nan)
    for row, (start, stop) in zip(own, spans, strict=True):
        row[: stop - start] = of[start:stop]
    plots.aligned(axes[1, 0], 1000 * np.arange(own.shape[1]) / rate, own, found.kept, title="segments from their starts")
    shown = 1000 * np.arange(len(found.mean)) / rate
    common = found.n == found.kept.sum()  # elsewhere the mean jumps where a segment begins or ends
    mean, std = (np.where(common, values, np.nan) for values in (found.mean, found.std))
    plots.aligned(axes[2, 0], shown, found.aligned, found.kept, mean, std, title="aligned, with the mean where all have samples")
    _write_figures(options, {"align": made})
    _write_csv(options, "align", "segment,start_s,stop_s,lag_ms,peak_ms,correlation,kept", rows)
    arrays = {"aligned": found.aligned, "mean": found.mean, "std": found.std, "n": found.n, "kept": found.kept}
    files.write_npz(_name(options, "align", "npz"), arrays)
    print(f"{found.kept.sum()} of {len(spans)} segments are averaged: {_name(options, 'align', 'png')} shows them")
    return 0


def _within(when: Array, values: Array, times: Array) -> tuple[Array, Array]:
    """A curve between the first and the last of the times."""
    inside = (when >= times[0]) & (when <= times[-1])
    return when[inside], values[inside]


def _name(options: argparse.Namespace, what: str, ending: str) -> Path:
    folder: Path = options.out
    return folder / f"{options.file.stem}_{what}.{ending}"


def _write_figures(options: argparse.Namespace, made: dict[str, Any]) -> None:
    from . import plots

    options.out.mkdir(parents=True, exist_ok=True)
    for what, figure in made.items():
        files.write_atomically(_name(options, what, "png"), partial(plots.save, figure))


def _write_csv(options: argparse.Namespace, what: str, head: str, rows: Sequence[str]) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    text = "\n".join([head, *rows]) + "\n"
    files.write_atomically(_name(options, what, "csv"), lambda file: file.write(text.encode()))
