"""Trials, training histories, spectra and weights, on an Axes that is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import BLACK, BLUE, GREEN, GREY, INPUTS, ORANGE, RED, SKY, STYLE, figure

Array = np.ndarray[Any, Any]


def trial(
    ax: Axes, x: Array, target: Array, z: Array | None, *, dt: float = 1.0, title: str = "",
    limits: tuple[float, float] | None = None, names: Sequence[str] = "ABCDEFGH",
) -> None:  # fmt: skip
    """One trial, after arXiv 1906.01094, Figs 2-5: target (T, O) dashed, output z (T, O), and below them the inputs x (T, I).

    Each input is a strip on its own base line. limits: the range of target and output to show, theirs by default.
    """
    t = np.arange(len(x)) * dt
    shown = target if z is None else np.concatenate([target, z], axis=1)
    low, high = limits or (float(shown.min()), float(shown.max()))
    span = max(high - low, 1e-9)
    strip = 0.28 * span
    height = 0.8 * strip / max(np.abs(x).max(initial=0.0), 1.0)
    for output in range(target.shape[1]):
        ax.plot(t, target[:, output], color=BLACK, lw=1.4, ls=(0, (4, 2)), label="target" if output == 0 else None, zorder=4)
        if z is not None:
            ax.plot(t, z[:, output], color=BLUE, lw=2.0, label="output" if output == 0 else None, zorder=3)
    ticks = {tick: f"{tick:g}" for tick in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high}
    for channel in range(x.shape[1]):
        base = low - (channel + 1.25) * strip
        colour = INPUTS[channel % len(INPUTS)]
        ax.fill_between(t, base, base + height * x[:, channel], color=colour, alpha=0.5, lw=0, step="post")
        ax.plot(t, base + height * x[:, channel], color=colour, lw=1.2, drawstyle="steps-post", label=f"input {names[channel]}")
        ticks[base] = names[channel]
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.set_title(title)
    ax.set_xlim(0, len(x) * dt)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    dip = height * max(0.0, -float(x[:, -1:].min(initial=0.0)))  # of the lowest input below its base line
    ax.set_ylim(low - (x.shape[1] + 0.55) * strip - dip, high + 0.12 * span)


def conditions(
    x: Array, target: Array, z: Array | None, titles: Sequence[str], *, dt: float = 1.0, names: Sequence[str] = "ABCDEFGH"
) -> Figure:
    """A panel per trial of x (T, B, I), target and, if there is one, z (T, B, O), all to one scale."""
    B = x.shape[1]
    columns = min(2 if B <= 4 else 4, B)
    rows = -(-B // columns)
    made, axes = figure(rows, columns, 4.5 * columns, 0.7 + 2.6 * rows, sharex=True, sharey=True)
    everything = target if z is None else np.concatenate([target, z], axis=2)
    limits = (float(everything.min()), float(everything.max()))
    bottom = np.inf
    for b, ax in enumerate(axes.ravel()):
        if b < B:
            output = None if z is None else z[:, b]
            trial(ax, x[:, b], target[:, b], output, dt=dt, title=titles[b], limits=limits, names=names)
            bottom = min(bottom, ax.get_ylim()[0])
        else:
            ax.set_visible(False)
    axes[0, 0].set_ylim(bottom=bottom)  # of all, for they share it: each trial has set its own
    for ax in axes[-1]:
        ax.set_xlabel("time (ms)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    with rc_context(STYLE):
        made.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return made


def tasks(examples: Mapping[str, tuple[Array, Array, Array, float]]) -> Figure:
    """One page, a trial of each task by name: x (T, I), target (T, O), mask (T,), dt. Steps that do not count are grey."""
    columns = 5
    rows = -(-len(examples) // columns)
    made, axes = figure(rows, columns, 3.2 * columns, 1.75 * rows)
    for ax, (name, (x, target, mask, dt)) in zip(axes.ravel(), examples.items(), strict=False):
        trial(ax, x, target, None, dt=dt, title=name, names=[""] * x.shape[1])
        ax.set_yticks([])
        low, high = ax.get_ylim()
        t = np.arange(len(x)) * dt
        ax.fill_between(t, low, high, where=~mask, color=GREY, alpha=0.15, lw=0, step="post")
        ax.tick_params(labelsize=8)
        ax.xaxis.set_major_locator(MaxNLocator(3))
    for ax in axes.ravel()[len(examples) :]:
        ax.set_visible(False)
    return made


def history(ax: Axes, loss: Array, validation_distance: Array, *, stop_below: float | None = None) -> None:
    """Mean loss per epoch on a logarithmic axis, and the distance of the held-out trials on a second one."""
    epochs = np.arange(1, len(loss) + 1)
    ax.semilogy(epochs, loss, "o-", color=BLUE, ms=4)
    if stop_below:
        ax.axhline(stop_below, color=BLUE, lw=1, ls=":")
        ax.text(0.02, stop_below, "early stop", transform=ax.get_yaxis_transform(), ha="left", va="bottom", color=BLUE, fontsize=9)
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss", color=BLUE)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    other = ax.twinx()
    other.spines["right"].set_visible(True)
    other.plot(epochs, validation_distance, "s--", color=RED, ms=4)
    other.set_ylim(0, None)
    other.set_ylabel("validation distance", color=RED)


def losses(ax: Axes, losses: Array, labels: Sequence[str]) -> None:
    """Loss per epoch on a logarithmic axis: losses (labels, runs, epochs), NaN where a run had ended; a colour per label."""
    for k, (label, colour, marker) in enumerate(zip(labels, (BLUE, RED, GREEN, ORANGE, SKY, BLACK), "os^Dv*", strict=False)):
        for run, values in enumerate(losses[k]):
            ax.semilogy(
                np.arange(1, len(values) + 1), values, marker + "-", color=colour, ms=4, lw=1.2, label=label if run == 0 else None
            )
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()


def paths(ax: Axes, curves: Array, labels: Sequence[str], *, title: str = "") -> None:
    """Paths (T, B, 2) in a plane, a colour and label each; circles where they start, discs where they end."""
    for b, (label, colour) in enumerate(zip(labels, (BLUE, RED, GREEN, ORANGE, SKY, BLACK, GREY), strict=False)):
        ax.plot(*curves[:, b].T, color=colour, lw=1.0, label=label)
        ax.plot(*curves[0, b], "o", mfc="none", mec=colour, ms=6)
        ax.plot(*curves[-1, b], "o", color=colour, ms=6)
    ax.set(title=title, xlabel="PC 1", ylabel="PC 2")


def over_epochs(ax: Axes, values: Array, labels: Sequence[str], ylabel: str) -> None:
    """Values (epochs, K), the first untrained, a line per label; up to eight are named."""
    for k, label in enumerate(labels):
        colour = (BLUE, RED, GREEN, ORANGE, SKY, BLACK, GREY)[k % 7]
        ax.plot(values[:, k], "os^Dv*x"[k % 7] + "-", color=colour, ms=4, lw=1.2, label=label if k < 8 else None)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.set_ylim(0, None)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()


def weights_reach(W: Array) -> float:
    """The largest weight but for the strongest 0.5 %, so that a few do not make all others pale."""
    return float(np.quantile(np.abs(W), 0.995)) or 1.0


def weights(ax: Axes, W: Array, *, title: str = "", reach: float | None = None) -> Any:
    """A weight matrix (to, from): red for positive, blue for negative, white for 0; returns the image, for a colour bar.

    Rows are the receiving units, columns the sending ones. reach: the weight of full colour, `weights_reach` by default.
    """
    reach = weights_reach(W) if reach is None else reach
    image = ax.imshow(W, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest", aspect="equal")
    ax.set_xlabel("from unit")
    ax.set_ylabel("to unit")
    ax.set_title(title)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    return image


def gradient_error(axes: Sequence[Axes], steps: Array, errors: Array, theory_optimum: Array, titles: Sequence[str]) -> None:
    """The V-shaped figure, an Axes per dtype: relative error (dtype, method, array, S) against step size, a colour per method.

    Thin lines are the arrays, the thick one their largest; a dotted line is where theory puts the best step (median of arrays).
    """
    methods = (("forward", ORANGE), ("central", BLUE), ("Richardson", GREEN), ("complex step", RED))
    for t, ax in enumerate(axes):
        for m, (method, colour) in enumerate(methods):
            shown = np.where(errors[t, m] > 0, errors[t, m], 1e-18)
            ax.loglog(steps, shown.T, color=colour, lw=0.6, alpha=0.5)
            ax.loglog(steps, shown.max(axis=0), color=colour, lw=2, label=method)
            best = theory_optimum[t, m]
            if np.isfinite(best).any():
                ax.axvline(float(np.nanmedian(best)), color=colour, lw=1.2, ls=":")
        ax.set_ylim(1e-18, 1e4)
        ax.set_title(titles[t])
        ax.set_xlabel("step")
    axes[0].set_ylabel("relative error")
    axes[0].legend(loc="upper left", ncols=2, frameon=False)


def gradient_flow(ax: Axes, total: Array, direct: Array, leak: Array, recurrent: Array, *, dt: float = 1.0) -> None:
    """Norms (T+1,) of dL/dh_t and of its parts against time t dt on a logarithmic axis (`minirnn.gradient_flow.flow`).

    A norm of 0 has no place on that axis and leaves a gap. The direct part, often there at single steps only, has dots.
    """
    parts = (
        (total, "total", BLACK, "-", ""),
        (direct, "direct", ORANGE, "-", "o"),
        (leak, "through the leak", GREEN, "--", ""),
        (recurrent, "through W_rec", BLUE, "-", ""),
    )
    for norm, label, colour, line, marker in parts:
        shown = np.where(norm > 0, norm, np.nan)
        ax.plot(np.arange(len(norm)) * dt, shown, color=colour, ls=line, marker=marker, ms=3, label=label)
    ax.set_yscale("log")
    ax.set_xlim(0, max((len(total) - 1) * dt, dt))
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("norm of dL/dh")
    with rc_context(STYLE):
        ax.legend()


def diagnosis(loss: Array, gradient_norm: Array, epochs: Sequence[int], total: Sequence[Array], gain: Sequence[Any]) -> Figure:
    """Why did training fail? Four panels from the history of a run and its `gradient_flow.FlowLog`.

    The loss (does it fall?); the gradient's norm over epochs (does it vanish, or jump before the loss does?); |dL/dh_t| along
    the trial, from the first logged epoch (light) to the last (dark) (does it reach the early steps?); and what the trial as a
    whole does to a small change of the state, from the least to the most (far from 1: it vanishes, or explodes).
    """
    made, axes = figure(2, 2, 9.0, 6.4)
    run = np.arange(1, len(loss) + 1)
    for ax, values, label in ((axes[0, 0], loss, "training loss"), (axes[0, 1], gradient_norm, "norm of the gradient")):
        ax.semilogy(run, values, "o-", color=BLUE, ms=3)
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for k, norms in enumerate(total):
        shown = np.where(norms > 0, norms, np.nan)
        axes[1, 0].semilogy(shown, color=BLUE, alpha=0.2 + 0.8 * (k + 1) / len(total), lw=1.2)
    axes[1, 0].set(xlabel="step t", ylabel="norm of dL/dh_t", title="first logged epoch light, last dark")
    most, least = np.array(gain).T if len(gain) else (np.zeros(0), np.zeros(0))
    axes[1, 1].semilogy(epochs, most, "^-", color=RED, ms=4, label="most")
    axes[1, 1].semilogy(epochs, least, "v-", color=GREEN, ms=4, label="least")
    axes[1, 1].axhline(1.0, color=GREY, lw=1, ls=":")
    axes[1, 1].set(xlabel="epoch", ylabel="growth over the trial")
    axes[1, 1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[1, 1].legend(frameon=False)
    return made
