"""Signals: waveform and envelopes, parameters of the envelope, aligned segments and their lags, spectrogram and pitch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE

Array = np.ndarray[Any, Any]

LIGHT = "#C4C4C4"  # of a waveform, under its envelope
ON_LINES: Any = {"frameon": True, "framealpha": 0.85, "edgecolor": "none"}  # of a legend that lines may cross
ENVELOPES = ((RED, "-"), (BLUE, "--"), (BLACK, ":"), (GREEN, "-."))


def waveform(
    ax: Axes, times: Array, s: Array, envelopes: Mapping[str, tuple[Array, Array]], *, spans: Array | None = None, unit: str = "s",
    colour: str = LIGHT, title: str = "",
) -> None:  # fmt: skip
    """A signal (T,) at times (T,) with its envelopes, each by name (times, values), the first in front; spans (K, 2), times."""
    for start, stop in () if spans is None else spans:
        ax.axvspan(start, stop, fc=SKY, ec=BLUE, alpha=0.25, lw=0.8)
    ax.plot(times, s, color=colour, lw=0.6 if colour == LIGHT else 1.2)
    for k, (name, (when, e)) in enumerate(envelopes.items()):
        colour, line = ENVELOPES[k % len(ENVELOPES)]
        ax.plot(when, e, color=colour, ls=line, lw=1.6 if k == 0 else 1.3, label=name, zorder=4 - 0.1 * k)
    low, high = times[0], times[-1] if len(times) > 1 else times[0] + 1
    ax.set(xlim=(low, high), xlabel=f"time ({unit})", ylabel="signal", title=title)
    if len(envelopes) > 1:
        with rc_context(STYLE):
            ax.legend(loc="lower right", ncols=2, **ON_LINES)


def sweep(
    ax: Axes, windows: Array, cutoffs: Array, values: Array, *, chosen: tuple[float, float] | None = None, title: str = ""
) -> Any:  # fmt: skip
    """A measure (W, C) of the envelope for each peak window (W,) and cut (C,) in cells with their values; the image.

    chosen: a window and cut of the sweep, which get a frame.
    """
    image = ax.imshow(values, cmap="cividis", origin="lower", aspect="auto", interpolation="nearest")
    middle = (values.max() + values.min()) / 2
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=8.5, color="white" if value < middle else "black")
    ax.set_xticks(range(len(cutoffs)), [f"{cut:g}" for cut in cutoffs])
    ax.set_yticks(range(len(windows)), [f"{L:g}" for L in windows])
    ax.set(xlabel="cut (Hz)", ylabel="peak window (samples)", title=title)
    if chosen is not None:
        i, j = (int(np.argmin(np.abs(np.asarray(of) - value))) for of, value in zip((windows, cutoffs), chosen, strict=True))
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=RED, lw=2.2))
    return image


def aligned(
    ax: Axes, times: Array, segments: Array, kept: Array, mean: Array | None = None, std: Array | None = None, *,
    unit: str = "ms", title: str = "",
) -> None:  # fmt: skip
    """Segments (K, T) at times (T,), those not kept (K,) dashed; their mean (T,) and a band of one standard deviation (T,)."""
    for segment, keep in zip(segments, kept, strict=True):
        ax.plot(times, segment, color=BLUE if keep else ORANGE, ls="-" if keep else "--", lw=0.7, alpha=0.7)
    handles = [("segments", BLUE, "-")] + [("left out", ORANGE, "--")] * bool(not np.all(kept))
    if mean is not None:
        if std is not None:
            ax.fill_between(times, mean - std, mean + std, color=GREY, alpha=0.35, lw=0)
        ax.plot(times, mean, color=BLACK, lw=2.0)
        handles.append(("mean and deviation" if std is not None else "mean", BLACK, "-"))
    for label, colour, line in handles:
        ax.plot([], [], color=colour, ls=line, label=label)
    ax.set(xlim=(times[0], times[-1] if len(times) > 1 else times[0] + 1), xlabel=f"time ({unit})", title=title)
    with rc_context(STYLE):
        ax.legend(loc="upper left", **ON_LINES)


def lags(ax: Axes, delays: Array, found: Array, *, unit: str = "ms", title: str = "") -> None:
    """Lags (K,) that an alignment found against the true delays (K,), with the line where they are equal."""
    both = np.concatenate([delays, found])
    span = np.array([both.min() - 2, both.max() + 2])
    ax.plot(span, span, color=GREY, lw=1, ls=":", label="equal")
    ax.plot(delays, found, "o", color=BLUE, mec="white", mew=0.4, ms=5.5)
    ax.set(xlim=span, ylim=span, xlabel=f"delay of the pulse ({unit})", ylabel=f"lag found ({unit})", title=title)
    with rc_context(STYLE):
        ax.legend(loc="upper left")


def pitch(
    ax: Axes, times: Array, frequencies: Array, spectrogram: Array, f0: Array | None = None, *,
    highest: float = 10000.0, decibels: float = 60.0, title: str = "",
) -> Any:  # fmt: skip
    """A spectrogram (F, M), power at frequencies (F,), times (M,), from its largest down to so many dB, up to `highest`; the image.

    f0 (M,) are points upon it, NaN none.
    """
    largest = spectrogram.max()
    shown = (
        10 * np.log10(np.maximum(spectrogram, largest * 1e-20) / largest) if largest > 0 else np.full(spectrogram.shape, -np.inf)
    )
    shown = np.maximum(shown, -decibels)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    image = ax.imshow(
        shown, origin="lower", aspect="auto", interpolation="nearest", cmap="gray_r", vmin=-decibels, vmax=0,
        extent=(times[0] - step / 2, times[-1] + step / 2, *(frequencies[[0, -1]] + np.array([-0.5, 0.5]) * frequencies[1])),
    )  # fmt: skip
    if f0 is not None:
        ax.plot(times, f0, "o", color=RED, ms=2.8, label="pitch")
        with rc_context(STYLE):
            ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98))
    ax.set(ylim=(0, min(highest, frequencies[-1])), xlabel="time (s)", ylabel="frequency (Hz)", title=title)
    return image
