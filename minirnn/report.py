"""What `minirnn analyze` does: every analysis that applies to a network, its figures, its numbers, and a page that shows them.

A part is a figure, a caption that says what to see, and its numbers. `analysed` makes the parts of one network, `compared` a
table of several, `training` the parts of a checkpoint folder; `page` puts parts into one HTML file that needs nothing else.
"""

import base64
import html
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .analysis import activity, damage, end_states, fixed_points, pca, spectra
from .analysis import weights as weight_analysis
from .checkpoint import read_epoch
from .network import Network
from .tasks.measures import distance, success

Array = np.ndarray[Any, Any]

SHOWN = 8  # conditions drawn at most
FREE_STEPS = 3000  # without input after a trial, to see where it ends
STARTS = 3000  # of the search for fixed points, divided by N: a start in a large network takes longer


class Part(NamedTuple):
    """A piece of a page."""

    name: str  # of its files
    title: str
    caption: str
    figure: Any  # None where there is a table alone
    numbers: dict[str, Any]
    table: Sequence[tuple[str, ...]]  # the head first; empty for none


def analysed(network: Network, task: Any = None, initial: Network | None = None, *, seed: int = 0) -> list[Part]:
    """The parts of one network; `task` where its trials are to be run, `initial` the network before training."""
    parts = [_schema(network)]
    if task is not None:
        trials = task.conditions()
        network.check(trials)
        h, z = network.run(trials.x)
        parts.append(_conditions(network, task, trials, z))
    parts += [_spectrum(network, initial), _weights(network, initial)]
    if network.dale is not None and network.dale.excitatory is not None:
        parts.append(_signs(network))
    if task is not None:
        free = end_states.continued(_dynamics(network), h[-1].astype(np.float64), FREE_STEPS)
        parts += [_activity(network, task, h), _trajectories(network, task, h, free[-1], seed), _ends(network, task, free)]
        parts.append(_landscape(network, task, h))
        if network.phi == "relu":
            parts.append(_active(network, task, h))
        if task.condition_names == damage.CONDITIONS:  # AND, OR, XOR
            parts += [_shifted(network, task), _damaged(network, trials)]
        if hasattr(task, "gates"):
            parts.append(_contexts(network, task, h))
    return parts


def _subset(n: int, most: int = SHOWN) -> Array:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _dynamics(network: Network) -> fixed_points.Dynamics:
    """The network as a map, without input."""
    w = network.weights
    current = np.zeros(network.n_rec) if w.b_rec is None else w.b_rec
    return fixed_points.Dynamics(w.W_rec, current, network.leak, network.gain, network.phi, network.form)


# ---- the parts


def _schema(network: Network) -> Part:
    made, axes = plots.figure(1, 1, 6.5, 4.0)
    signs = None
    if network.dale is not None and network.dale.excitatory is not None:
        signs = network.dale.signs(12)
    named = [[f"{letter}{k + 1}" for k in range(min(n, 4))] for letter, n in (("x", network.n_in), ("z", network.n_out))]
    plots.schema(axes[0, 0], *named, signs=signs)
    count = sum(p.size for p in network.params if p is not None)
    numbers = {
        "n_in": network.n_in, "n_rec": network.n_rec, "n_out": network.n_out, "form": network.form, "phi": network.phi,
        "tau": np.asarray(network.tau).tolist(), "dt": network.dt, "noise": network.noise, "trained parameters": count,
    }  # fmt: skip
    caption = f"{network!r}. Some of its units and connections stand for all."
    return Part("network", "The network", caption, made, numbers, [])


def _conditions(network: Network, task: Any, trials: Any, z: Array) -> Part:
    distances, right = distance(z, trials, masked=True), task.right(z, trials)
    shown = _subset(len(distances), 16)
    titles = [f"{task.condition_names[k]}:  distance {distances[k]:.3f}" for k in shown]
    made = plots.conditions(
        trials.x[:, shown], trials.target[:, shown], z[:, shown], titles, dt=task.dt, names=[*task.input_names, *([""] * 99)]
    )
    rows = [(name, f"{d:.4f}", "yes" if ok else "no") for name, d, ok in zip(task.condition_names, distances, right, strict=True)]
    solved = success(z, trials, task)
    caption = (
        f"{type(task).__name__}: input, target (dashed) and output of the noiseless conditions. {int(right.sum())} of {len(right)} "
        f"are answered rightly, and by the task's own rule the network {'succeeds' if solved else 'does not succeed'}."
    )
    numbers = {
        "task": type(task).__name__, "distance": dict(zip(task.condition_names, distances.tolist(), strict=True)),
        "right": dict(zip(task.condition_names, map(bool, right), strict=True)), "success": solved,
    }  # fmt: skip
    return Part("conditions", "What it answers", caption, made, numbers, [("condition", "distance", "right"), *rows])


def _spectrum(network: Network, initial: Network | None) -> Part:
    W = network.weights.W_rec.astype(np.float64)
    found = spectra.spectrum(W, dt=network.dt)
    authors = spectra.spectrum(W, dt=network.dt, convention="authors")
    normality = spectra.normality(W)
    before = None if initial is None else np.linalg.eigvals(initial.weights.W_rec.astype(np.float64))
    made, axes = plots.figure(1, 1, 6.2, 5.6)
    plots.eigenvalues(
        axes[0, 0], found.eigenvalues, before, outliers=found.outliers, largest_real=found.largest_real,
        largest_complex=found.largest_complex,
    )  # fmt: skip
    out = int(found.outliers.sum())
    turning = f", the leading complex one turning at {found.frequency:.2f} Hz" if math.isfinite(found.frequency) else ""
    caption = (
        f"Eigenvalues of W_rec{'' if before is None else ', before training in grey'}. {out} of {len(W)} lie outside the unit "
        f"circle by more than 0.02{turning}; largest modulus {np.abs(found.eigenvalues[0]):.3f}. Henrici's departure from "
        f"normality is {normality.henrici:.3f} (0 for an orthogonal matrix, 0.71 for a normal random one)."
    )
    numbers = {
        "eigenvalues": [[value.real, value.imag] for value in found.eigenvalues], "outliers": out,
        "largest real": [found.largest_real.real, found.largest_real.imag],
        "largest complex": [_finite(found.largest_complex.real), _finite(found.largest_complex.imag)],
        "frequency (Hz)": _finite(found.frequency), "frequency, authors (Hz)": _finite(authors.frequency),
        "henrici": normality.henrici, "singular values": normality.singular_values.tolist(),
        "eigenvalues of the symmetric part": normality.symmetric.tolist(), "leading": end_states.leading(found.eigenvalues),
    }  # fmt: skip
    return Part("spectrum", "Eigenvalues", caption, made, numbers, [])


def _weights(network: Network, initial: Network | None) -> Part:
    W = network.weights.W_rec.astype(np.float64)
    own, authors = weight_analysis.moments(W), weight_analysis.moments(W, convention="authors")
    made, axes = plots.figure(1, 2, 10.0, 4.4)
    drawn = weight_analysis.histogram(W)
    plots.histogram(axes[0, 0], drawn.edges, drawn.density, drawn.gaussian, title="all weights")
    signs = None if network.dale is None or network.dale.excitatory is None else network.dale.signs(network.n_rec)
    image, order = plots.connectivity(axes[0, 1], W, signs)
    made.colorbar(image, ax=axes[0, 1], label="weight")
    rows = [("", "mean", "standard deviation", "skewness", "excess kurtosis")]
    for name, m in (("moments", own), ("authors' convention", authors)):
        rows.append((name, f"{m.mu:.4f}", f"{m.sigma:.4f}", f"{m.skew:.4f}", f"{m.kurtosis:.4f}"))
    numbers: dict[str, Any] = {"moments": own._asdict(), "moments, authors": authors._asdict(), "order of units": order.tolist()}
    caption = "The recurrent weights with a Gaussian of their mean and deviation, and the matrix with the units in order of sign."
    if initial is not None:
        change = weight_analysis.change(W, initial.weights.W_rec.astype(np.float64))
        numbers["change"] = {name: _plain(value) for name, value in change._asdict().items()}
        caption += f" Training moved the matrix by {100 * change.relative_norm:.1f} % of its norm."
    return Part("weights", "Weights", caption, made, numbers, rows)


def _signs(network: Network) -> Part:
    W = network.weights.W_rec.astype(np.float64)
    fraction = float((network.dale.signs(network.n_rec) > 0).mean())  # type: ignore[union-attr]
    found = spectra.ei_radii(W)
    theory = spectra.ei_theory(network.n_rec, fraction)
    made, axes = plots.figure(1, 2, 10.6, 5.0)
    plots.ring(axes[0, 0], found.eigenvalues, found.outer, found.inner, theory=(theory.outer, theory.inner, theory.outlier))
    both = weight_analysis.signed_histograms(W)
    plots.signed_histograms(axes[0, 1], both.edges, both.positive, both.negative)
    caption = (
        f"{100 * fraction:.0f} % of the units excite. Estimated radii {found.outer:.3f} and {found.inner:.3f}; "
        f"a sign-projected matrix of N(0, 1/N) entries has {theory.outer:.3f} before training, whatever its size."
    )
    numbers = {"outer": found.outer, "inner": found.inner, "outer by norm": found.outer_by_norm, "theory": list(theory)}
    return Part("signs", "Excitation and inhibition", caption, made, numbers, [])


def _loudest(h: Array) -> int:
    """The condition in which units move most."""
    return int(np.ptp(h, axis=0).sum(axis=1).argmax())


def _activity(network: Network, task: Any, h: Array) -> Part:
    b = _loudest(h)
    rates = network.rates(h)[1:, b].astype(np.float64)
    made, axes = plots.figure(1, 2, 11.0, 5.2)
    plots.units(axes[0, 0], rates, dt=task.dt, title=f"{task.condition_names[b]}: 25 units")
    order = activity.peak_order(rates)
    image, _ = plots.heat_map(axes[0, 1], rates, order.order, dt=task.dt, title="all units")
    made.colorbar(image, ax=axes[0, 1], label="from least to largest")
    index = activity.sequentiality(rates)
    stacked = pca.dimension(network.rates(h)[1:].astype(np.float64))
    caption = (
        f"Rates in condition {task.condition_names[b]}, where they move most; on the right each unit from its least to its "
        f"largest, in order of its peak. Over all conditions the participation ratio is {stacked.participation_ratio:.2f}, and "
        f"{stacked.components} "
        "components hold 95 % of the variance."
    )
    numbers = {
        "condition": task.condition_names[b], "sequentiality": _finite(index.value), "order": order.order.tolist(),
        "participation ratio": stacked.participation_ratio, "components for 95 %": int(stacked.components),
    }  # fmt: skip
    return Part("activity", "What the units do", caption, made, numbers, [])


def _trajectories(network: Network, task: Any, h: Array, ends: Array, seed: int) -> Part:
    states = h.astype(np.float64)
    found = pca.pca(states, 3)
    dynamics = _dynamics(network)
    rng = np.random.default_rng(seed)
    per_trial = max(1, min(25, STARTS // (network.n_rec * states.shape[1])))
    drawn = fixed_points.starts(states, rng, per_trial=per_trial)
    points = fixed_points.find(dynamics, np.concatenate([ends, drawn]))  # where trials lead, and on the way there
    fixed = points.h[points.fixed]
    stable = points.stable[points.fixed]
    where = pca.project(found, fixed) if len(fixed) else np.zeros((0, 3))
    shown = _subset(states.shape[1], 6)
    columns = 2 if len(shown) in (2, 4) else min(3, len(shown))
    rows = -(-len(shown) // columns)
    made, axes = plots.figure(rows, columns, 4.6 * columns, 4.2 * rows, subplot_kw={"projection": "3d"})
    curves = pca.project(found, states)
    middle, reach = (curves.max(axis=(0, 1)) + curves.min(axis=(0, 1))) / 2, 0.6 * np.ptp(curves, axis=(0, 1)) + 1e-6
    near = (np.abs(where - middle) <= reach).all(axis=1)  # fixed points elsewhere are in the table alone
    spans = _spans(task, len(states) - 1)
    for ax, b in zip(axes.ravel(), shown, strict=False):
        plots.trajectory(
            ax, curves[:, b], spans, stable=where[stable & near], unstable=where[~stable & near], title=task.condition_names[b],
            legend=False,
        )  # fmt: skip
        ax.set(**{f"{name}lim": (m - r, m + r) for name, m, r in zip("xyz", middle, reach, strict=True)})
    for ax in axes.ravel()[len(shown) :]:
        ax.remove()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False)
    share = found.ratio[:3]
    caption = (
        f"States in the first three principal components of all conditions, which hold {100 * share.sum():.1f} % of the variance "
        f"({', '.join(f'{100 * s:.1f} %' for s in share)}), with the {len(fixed)} fixed points of the network without input that "
        f"{len(drawn) + states.shape[1]} starts led to: {int(stable.sum())} stable, {len(fixed) - int(stable.sum())} not."
    )
    table = [("fixed point", "stable", "unstable modes", "largest modulus", "|G(h) - h|", "norm", "starts")]
    for k in np.flatnonzero(points.fixed):
        residual = float(np.linalg.norm(dynamics.velocity(points.h[k])))
        table.append((
            str(len(table)), "yes" if points.stable[k] else "no", str(points.unstable[k]),
            f"{np.abs(points.eigenvalues[k]).max():.4f}", f"{residual:.1e}", f"{np.linalg.norm(points.h[k]):.3f}",
            str(points.found[k]),
        ))  # fmt: skip
    angle = np.degrees(pca.readout_angle(network.weights.W_out, states[1:], 3).angle)
    numbers = {
        "explained": share.tolist(), "angle of the readout to three components (degrees)": angle.tolist(),
        "fixed points": fixed.tolist(), "stable": stable.tolist(),
        "unstable modes": points.unstable[points.fixed].tolist(), "slow points": int((~points.fixed).sum()),
        "dropped": points.dropped,
    }  # fmt: skip
    return Part("trajectories", "Trajectories and fixed points", caption, made, numbers, table[:31])


def _spans(task: Any, steps: int) -> dict[str, tuple[int, int]] | None:
    """Epochs of a trial, where the task has the times of one pulse and a gap."""
    if all(hasattr(task, name) for name in ("onset", "pulse", "gap")) and not hasattr(task, "n_turns"):
        middle = (round(getattr(task, "jitter", 0.0) / task.dt) + 1) // 2 if getattr(task, "jitter", 0.0) else 0
        return plots.epochs(task.onset + middle * task.dt, task.pulse, task.gap, steps, dt=task.dt)
    return None


def _ends(network: Network, task: Any, free: Array) -> Part:
    found = end_states.end_states(free, dt=network.dt)
    shown = _subset(free.shape[1])
    made, axes = plots.figure(len(shown), 1, 8.0, 0.7 + 1.15 * len(shown), sharex=True)
    for ax, b in zip(axes[:, 0], shown, strict=True):
        plots.end_state(ax, free[:, b], found.labels[b], found.frequency[b], dt=network.dt, title=task.condition_names[b])
        ax.set_xlabel("")
    axes[-1, 0].set_xlabel("time (ms)")
    rows = [("condition", "end state", "frequency (Hz)")]
    rows += [
        (name, label, f"{f:.2f}" if np.isfinite(f) else "")
        for name, label, f in zip(task.condition_names, found.labels, found.frequency, strict=True)
    ]
    caption = (
        f"Where each condition leads when {FREE_STEPS} steps without input follow the trial; the last 200 of them, some units. "
        "Classes are read off the states, not off eigenvalues."
    )
    units = [end_states.unit_frequencies(free[:, b], dt=network.dt) for b in range(free.shape[1])]
    numbers = {
        "labels": list(found.labels), "frequency (Hz)": [_finite(f) for f in found.frequency],
        "frequency of each unit, authors (Hz)": [[_finite(f) for f in unit.frequency] for unit in units],
    }  # fmt: skip
    return Part("end_states", "End states", caption, made, numbers, rows)


def _active(network: Network, task: Any, h: Array) -> Part:
    b = _loudest(h)
    rates = network.rates(h)[:, b].astype(np.float64)
    steps = _subset(len(rates), 40)
    found = spectra.active_units(network.weights.W_rec.astype(np.float64), rates, steps.tolist())
    made, axes = plots.figure(1, 1, 6.2, 5.2)
    image = plots.active_eigenvalues(axes[0, 0], found.eigenvalues, found.steps * network.dt)
    made.colorbar(image, ax=axes[0, 0], label="time (ms)")
    caption = (
        f"Eigenvalues of W_rec restricted to the units that are active (relu), along condition {task.condition_names[b]}: "
        f"{found.n_active.min()} to {found.n_active.max()} of {network.n_rec} units."
    )
    return Part(
        "active", "Spectra of the active units", caption, made, {"steps": steps.tolist(), "active": found.n_active.tolist()}, []
    )


def _contexts(network: Network, task: Any, h: Array) -> Part:
    gates = list(dict(task.gates))
    contexts = np.repeat(np.arange(len(gates)), h.shape[1] // len(gates))
    rates = network.rates(h)[1:].astype(np.float64)
    variance = activity.task_variance(rates, contexts)
    grouped = activity.clusters(variance.normalised)
    per_context = activity.context_dimension(rates, contexts)
    made, axes = plots.figure(1, 1, 10.0, 2.2 + 0.4 * len(gates))
    image = plots.task_variance(axes[0, 0], variance.normalised, gates, grouped.order, grouped.labels)
    made.colorbar(image, ax=axes[0, 0], label="task variance, normalised")
    ratios = ", ".join(f"{gate} {value:.2f}" for gate, value in zip(gates, per_context.participation_ratio, strict=True))
    caption = f"How much each unit varies within each context, units in clusters. Participation ratio per context: {ratios}."
    numbers = {"participation ratio": per_context.participation_ratio.tolist(), "clusters": grouped.labels.tolist()}
    return Part("contexts", "Contexts", caption, made, numbers, [])


def _landscape(network: Network, task: Any, h: Array) -> Part:
    b = _loudest(h)
    states = h.astype(np.float64)
    found = pca.pca(states, 2)
    centre = states.mean(axis=(0, 1))
    curve = fixed_points.coordinates(states[:, b], centre, found.axes[:2])
    spread = fixed_points.coordinates(states, centre, found.axes[:2]).reshape(-1, 2)
    low, high = spread.min(axis=0), spread.max(axis=0)
    margin = 0.25 * (high - low) + 1e-3
    u, v = (np.linspace(low[k] - margin[k], high[k] + margin[k], 61) for k in range(2))
    plane = fixed_points.landscape(_dynamics(network), centre, found.axes[:2], u, v)
    made, axes = plots.figure(1, 1, 6.6, 5.2)
    image = plots.landscape(axes[0, 0], u, v, plane.log10_q, plane.flow_u, plane.flow_v, trial=curve)
    made.colorbar(image, ax=axes[0, 0], label="log10 q, q = |G(h) - h|^2 / 2")
    caption = (
        f"How slow the network without input is in the plane of the first two components, dark where it is slowest, with the flow "
        f"and condition {task.condition_names[b]}. The plane is a section: a fixed point off it leaves no trace."
    )
    return Part("landscape", "Landscape of slow speed", caption, made, {name: _plain(a) for name, a in plane._asdict().items()}, [])


def _shifted(network: Network, task: Any) -> Part:
    onsets = [5.0, 30.0, 45.0, 60.0, 90.0]
    outputs = []

    def measure(onset: float) -> tuple[Array, Array]:
        trials = replace(task, onset=onset).conditions()
        h, z = network.run(trials.x)
        outputs.append(z[:, -1, 0])
        first = max(1, int(np.flatnonzero(trials.x.any(axis=(1, 2)))[0]))
        return distance(z, trials), end_states.drift(h.astype(np.float64), first)

    found = end_states.time_translation(measure, onsets)
    made, axes = plots.figure(1, 1, 7.0, 4.0)
    plots.onsets(axes[0, 0], outputs, onsets, dt=network.dt, title=task.condition_names[-1])
    caption = (
        f"The same trial earlier and later, condition {task.condition_names[-1]}, time from the stimulus. A network that rests "
        f"before it does not care; the drift of the state before the stimulus is {found.drift.max():.1e} at most."
    )
    numbers = {"onsets": onsets, "distance": found.distance.tolist(), "drift": found.drift.tolist()}
    return Part("onsets", "Earlier and later", caption, made, numbers, found.rows(list(task.condition_names)))


def _damaged(network: Network, trials: Any) -> Part:
    w = network.weights
    plain = Network(*w[:5], w.h0, **network.constants | {"dale": None, "train_h0": False, "vanishing": 0.0})

    def run(W_rec: Array, x: Array) -> Array:
        return plain.with_params(plain.params._replace(W_rec=W_rec)).run(x)[1]

    noisy = damage.distance_over_noise(run, trials.x, trials.target)
    silent = damage.distance_over_noise(run, trials.x, trials.target, input_noise_std=0.0)
    levels = damage.quantile_thresholds(w.W_rec)
    curves = {variant: damage.curve(w.W_rec, noisy, variant, levels) for variant in "abcde"}
    strongest = damage.curve(w.W_rec, silent, "f", damage.STRONGEST)
    made = plots.variants({"with noise": {v: (c.percent, c.distances, None, None) for v, c in curves.items()}})
    weakest = damage.crossing(curves["a"].share, curves["a"].distances, 1.5)
    worst = "never" if np.isnan(weakest).all() else f"at {np.nanmin(weakest):.0f} %"
    caption = (
        "Distance of each condition, mean over 20 draws of input noise, after connections were removed: all that are weaker than a "
        f"threshold (a), of one sign (b, c), slices (d, e). Removing the weakest, some condition passes 1.5 {worst}. The table: "
        "the strongest are removed, without noise."
    )
    rows: list[tuple[str, ...]] = [("strongest removed", *damage.CONDITIONS)]
    rows += [(f"{p:g} %", *(f"{d:.2f}" for d in row)) for p, row in zip(strongest.share, strongest.distances, strict=True)]
    numbers = {v: {"share": c.share.tolist(), "distance": c.distances.tolist()} for v, c in (curves | {"f": strongest}).items()}
    return Part("damage", "Damage", caption, made, numbers, rows)


# ---- during training, and several networks


def training(folder: Path, task: Any = None) -> tuple[list[Part], plots.Animation]:
    """The parts of a checkpoint folder: eigenvalue paths, distances and dimension per epoch; and the spectra as an animation."""
    files = sorted(folder.glob("epoch_*.npz"))
    if len(files) < 2:
        raise ValueError(f"{folder} does not hold at least two epochs of a run")
    kept = [read_epoch(file) for file in files]
    labels = [f"epoch {int(file.stem[6:])}" for file in files]
    values = np.array([np.linalg.eigvals(epoch.network.weights.W_rec.astype(np.float64)) for epoch in kept])
    found = spectra.paths(values)
    made, axes = plots.figure(1, 1, 6.2, 5.8)
    plots.eigenvalue_paths(axes[0, 0], found.paths)
    longest = float(found.length.max())
    caption = f"Eigenvalues of W_rec over {len(files)} kept epochs, each followed to the next; the longest path is {longest:.2f}."
    numbers: dict[str, Any] = {"epochs": labels, "spectral radius": np.abs(values).max(axis=1).tolist()}
    parts = [Part("paths", "Eigenvalues during training", caption, made, numbers, [])]
    made, axes = plots.figure(1, 1, 6.4, 4.0)
    history = kept[-1].history
    if len(history):
        plots.history(axes[0, 0], history[:, 0], history[:, 1])
        caption = "Training loss and distance of the held-out trials."
        parts.append(Part("history", "Loss", caption, made, {"history": history.tolist()}, []))
    if task is not None:
        trials = task.conditions()
        runs = [epoch.network.run(trials.x) for epoch in kept]
        distances = np.array([distance(z, trials, masked=True) for _, z in runs])
        ratios = [pca.dimension(h[1:].astype(np.float64)).participation_ratio for h, _ in runs]
        made, axes = plots.figure(1, 2, 10.0, 4.0)
        plots.over_epochs(axes[0, 0], distances, task.condition_names, "distance")
        plots.over_epochs(axes[0, 1], np.array(ratios)[:, None], ["all conditions"], "participation ratio")
        caption = "Distance of each condition, and the dimension of the states, after each kept epoch; epoch 0 is untrained."
        parts.append(Part("epochs", "Distances and dimension", caption, made,
                          {"distance": distances.tolist(), "participation ratio": ratios}, []))  # fmt: skip
        last = pca.pca(runs[-1][0].astype(np.float64), 2)
        shown = _subset(len(kept), 6)
        conditions = _subset(len(task.condition_names), 4)
        made, axes = plots.figure(-(-len(shown) // 3), 3, 11.0, 0.6 + 3.4 * -(-len(shown) // 3), sharex=True, sharey=True)
        for ax, k in zip(axes.ravel(), shown, strict=False):
            curves = pca.project(last, runs[k][0].astype(np.float64))
            plots.paths(ax, curves[:, conditions], [task.condition_names[b] for b in conditions], title=labels[k])
        for ax in axes.ravel()[len(shown) :]:
            ax.remove()
        made.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
        caption = "States of some conditions after some of the epochs, in the plane of the first two components of the last."
        numbers = {"epochs": [labels[k] for k in shown], "axes": last.axes[:2].tolist(), "variance": last.ratio[:2].tolist()}
        parts.append(Part("states", "Trajectories during training", caption, made, numbers, []))
    return parts, plots.spectra_animation(values, labels)


def compared(names: Sequence[str], of: Sequence[list[Part]], starts: Sequence[str] = ()) -> Part:
    """One table of all measures over several networks, by task and by start, where that is known."""
    head = ("network", "task", "start", "N", "mean distance", "right", "success", "outliers", "frequency (Hz)", "Henrici", "sigma",
            "skewness", "participation ratio", "fixed points", "stable", "end states")  # fmt: skip
    rows = []
    for name, parts, start in zip(names, of, starts or [""] * len(names), strict=True):
        n = {part.name: part.numbers for part in parts}
        answers, ends = n.get("conditions", {}), n.get("end_states", {})
        distances, right = list(answers.get("distance", {}).values()), list(answers.get("right", {}).values())
        rows.append((
            name, answers.get("task", ""), start, str(n["network"]["n_rec"]), f"{np.mean(distances):.3f}" if distances else "",
            f"{sum(right)}/{len(right)}" if right else "",
            {True: "yes", False: "no", None: ""}[answers.get("success")], str(n["spectrum"]["outliers"]),
            "" if n["spectrum"]["frequency (Hz)"] is None else f"{n['spectrum']['frequency (Hz)']:.1f}",
            f"{n['spectrum']['henrici']:.3f}",
            f"{n['weights']['moments']['sigma']:.4f}", f"{n['weights']['moments']['skew']:.3f}",
            f"{n['activity']['participation ratio']:.2f}" if "activity" in n else "",
            str(len(n["trajectories"]["fixed points"])) if "trajectories" in n else "",
            str(sum(n["trajectories"]["stable"])) if "trajectories" in n else "", " ".join(sorted(set(ends.get("labels", [])))),
        ))  # fmt: skip
    caption = "The measures of every network side by side; each has its own page."
    table = [head, *sorted(rows, key=lambda row: (row[1], row[2], row[0]))]
    return Part("comparison", "Comparison", caption, None, {"rows": table}, table)


# ---- pages

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 68rem; padding: 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
figure { margin: 0; } img { max-width: 100%; height: auto; }
figcaption, p { max-width: 46rem; }
.table { overflow-x: auto; margin-top: 0.8rem; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.8rem 0.15rem 0; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap; }
nav a { margin-right: 0.9rem; white-space: nowrap; }
"""


def page(
    title: str, parts: Sequence[Part], animations: Sequence[tuple[str, str, bytes]] = (), links: Sequence[str] = ()
) -> str:  # fmt: skip
    """One HTML file with the figures inside it; animations: (title, caption, GIF); links: folders below with pages of their own."""
    body = [f"<h1>{html.escape(title)}</h1>", "<nav>"]
    body += [f'<a href="#{part.name}">{html.escape(part.title)}</a>' for part in parts]
    body += [f'<a href="{html.escape(name, quote=True)}/index.html">{html.escape(name)}</a>' for name in links]
    body.append("</nav>")
    for part in parts:
        body.append(f'<section id="{part.name}"><h2>{html.escape(part.title)}</h2>')
        if part.figure is None:
            body.append(f"<p>{html.escape(part.caption)}</p>")
        else:
            file = io.BytesIO()
            plots.save(part.figure, file)
            body.append(_image("png", file.getvalue(), part.title, part.caption, round(92 * part.figure.get_figwidth())))
        if part.table:
            body.append(_table(part.table))
        body.append("</section>")
    for name, caption, gif in animations:
        body.append(f"<section><h2>{html.escape(name)}</h2>{_image('gif', gif, name, caption)}</section>")
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _image(kind: str, data: bytes, title: str, caption: str, width: int | None = None) -> str:
    """The picture inside the page; width in CSS pixels, None for its own, and at most the page's."""
    inside = base64.b64encode(data).decode()
    size = "" if width is None else f' width="{width}"'
    return (
        f'<figure><img alt="{html.escape(title, quote=True)}"{size} src="data:image/{kind};base64,{inside}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *others = rows
    lines = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in others]
    return '<div class="table"><table>' + "\n".join(lines) + "</table></div>"


def _finite(value: Any) -> float | None:
    """A number for JSON, which knows no NaN."""
    return float(value) if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """An array or number as JSON has it."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        return [[_finite(v.real), _finite(v.imag)] for v in array.ravel()]
    if array.dtype.kind == "f":
        return [_finite(v) for v in array.ravel()] if array.ndim else _finite(float(array))
    return array.tolist()
