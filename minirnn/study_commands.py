"""What each study of `minirnn study` makes of its options: a table, a CSV and a figure. `minirnn.studies` measures."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np

from . import files, initial
from .engine import single_blas_thread
from .network import Network
from .tasks import BY_NAME
from .train import train

MODES = 8  # modes printed at most
OF_ONE = {
    "gradient-error": "numerical derivatives against step size",
    "initial-state": "training from four kinds of h0",
    "oscillation": "units of an oscillating network, trials aligned, and envelopes",
    "time-step": "Euler beside other integrators, and what only its step makes oscillate",
}
"""The studies of one network, or a few, and what they are about."""
OF_MANY = {
    "success-rate": "how often training succeeds (1906.01094, Table 6), with the authors' settings and with better ones",
    "memory-delay": "distance from the target against the time a pulse has to be remembered (Fig 13)",
    "memory-size": "the same against the number of units (Fig 13)",
    "damage": "distance against the share of connections removed (Fig 14), of any task",
    "spectrum": "eigenvalues of trained networks (Fig 6), and how many leave the circle against their number",
    "invariance": "trials at other onsets than that of training (Fig 12)",
    "inner-states": "which states networks end in, task by task (Figs 7-11)",
    "compare-tasks": "tasks and starts side by side: outliers, dimension, end states, damage, epochs",
    "dale-time": "how long training takes with Dale's law and noise, and without (thesis, Fig 3.3)",
    "ei-spectrum": "radii of excitatory-inhibitory networks against size and fraction (2208.10304), and their theory",
    "multitask-damage": "damage to networks of several gates (poster)",
    "multitask-size": "how many units several gates need, and one gate alone",
}
"""Those of many networks, each a module of `minirnn.ensembles`."""


def of_many(options: argparse.Namespace) -> int:
    """A study of `minirnn.ensembles`: train its networks, write its report, print it. 1 where there was nothing to report on."""
    from .ensembles import (
        compare_tasks,
        dale_time,
        damage,
        ei_spectrum,
        inner_states,
        invariance,
        memory_delay,
        memory_size,
        multitask_damage,
        multitask_size,
        spectrum,
        success_rate,
    )  # fmt: skip
    from .ensembles.study import Setting, untold, write_findings

    module = {
        "success-rate": success_rate, "memory-delay": memory_delay, "memory-size": memory_size, "damage": damage,
        "spectrum": spectrum, "invariance": invariance, "inner-states": inner_states, "compare-tasks": compare_tasks,
        "dale-time": dale_time, "ei-spectrum": ei_spectrum, "multitask-damage": multitask_damage,
        "multitask-size": multitask_size,
    }[options.study]  # fmt: skip

    if options.networks is not None and options.networks < 1:
        raise ValueError(f"--networks must be at least 1, got {options.networks}")
    with ExitStack() as stack:
        executor = None if options.scheduler is None else stack.enter_context(_cluster(options.scheduler))
        setting = Setting(
            options.out, options.networks, options.quick, options.jobs, options.seed, options.report_only, options.task, executor
        )
        try:
            findings = module.study(setting)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on where it was", file=sys.stderr)
            return 130
    if not findings.rows:
        print(f"no network of {options.study} is in {options.out}: without --report-only they are trained", file=sys.stderr)
        return 1
    if options.quick:
        findings = untold(findings)
    print(write_findings(options.study, findings, options.out))
    print(f"{options.study}.csv, .png, .json and .md are in {options.out}")
    return 0


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler as an executor."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError('--scheduler needs Dask: pip install "minirnn[cluster]"') from error
    with Client(address, timeout=30) as client:
        yield client.get_executor()


def initial_state(options: argparse.Namespace) -> int:
    """Training from four initial states (`studies.initial_states`)."""
    from . import plots, studies

    changes = {} if options.form is None else {"form": options.form}
    found = studies.initial_states(
        BY_NAME[options.task or "and"](), seeds=options.runs, epochs=options.epochs, samples=options.samples, n_rec=options.units,
        rng=options.seed, **changes,
    )  # fmt: skip
    lines = ["start,run,last_loss,mean_distance,solved,rms_h0"]
    print(f"{'start':<9} {'last loss':>20} {'mean distance':>16} {'solved':>7} {'rms h0':>16}")
    for s, start in enumerate(found.starts):
        last = np.array([losses[np.isfinite(losses)][-1] for losses in found.losses[s]])
        for k in range(options.runs):
            row = (start, k, f"{last[k]:.6g}", f"{found.distance[s, k]:.6g}", int(found.solved[s, k]), f"{found.h0[s, k]:.6g}")
            lines.append(",".join(map(str, row)))
        spans = [f"{a.min():.2e} .. {a.max():.2e}" if scientific else f"{a.min():.3f} .. {a.max():.3f}"
                 for a, scientific in ((last, True), (found.distance[s], False), (found.h0[s], False))]  # fmt: skip
        print(f"{start:<9} {spans[0]:>20} {spans[1]:>16} {found.solved[s].sum():>5}/{options.runs} {spans[2]:>16}")
    files.write_atomically(options.out / "initial-state.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    made, axes = plots.figure(1, 1, 6.0, 4.0)
    plots.losses(axes[0, 0], found.losses, found.starts)
    files.write_atomically(options.out / "initial-state.png", partial(plots.save, made))
    print(f"initial-state.png and initial-state.csv are in {options.out}")
    return 0


def oscillation(options: argparse.Namespace, network: Network | None) -> int:
    """A network of the oscillation task, trained here where None is given, aligned and enveloped (`studies.unit_signals`)."""
    from . import plots, studies

    task = BY_NAME["oscillation"]()
    if network is None:
        start = Network.for_task(task, n_rec=options.units, rng=options.seed)
        network = train(start, task, epochs=options.epochs, samples=options.samples, rng=options.seed).best
    found = studies.unit_signals(network, task, rng=options.seed)
    lags, dt = found.found.lags * task.dt, task.dt
    rows = zip(found.delays * dt, lags, found.found.correlation, strict=True)
    lines = ["trial,delay_ms,lag_ms,correlation"] + [f"{k},{d:g},{lag:g},{r:.6f}" for k, (d, lag, r) in enumerate(rows)]
    files.write_atomically(options.out / "oscillation.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    made, axes = plots.figure(2, 2, 12.0, 7.6)
    unit = int(found.rates.std(axis=1).mean(axis=0).argmax())
    times, kept = np.arange(found.rates.shape[1]) * dt, found.found.kept
    plots.aligned(axes[0, 0], times, found.rates[:, :, unit], kept, title=f"unit {unit}, {len(kept)} noisy trials, pulses jittered")
    mean, std = found.found.mean[:, unit], found.found.std[:, unit]
    plots.aligned(axes[0, 1], times, found.found.aligned[:, :, unit], kept, mean, std, title="aligned by all units")
    plots.lags(axes[1, 0], found.delays * dt, lags)
    shown = times[: len(found.z)]
    plots.waveform(
        axes[1, 1], shown, found.z, {"envelope": (shown, found.z_envelope)}, unit="ms", colour="gray",
        title=f"output without noise: window {found.peak_window} steps, cut {found.cutoff_hz:.1f} Hz",
    )  # fmt: skip
    files.write_atomically(options.out / "oscillation.png", partial(plots.save, made))
    off = np.abs(found.delays * dt - lags)
    high = np.flatnonzero(found.z_envelope > found.z_envelope.max() / 2) * dt
    print(f"{len(lags)} trials: lags differ from the delays of the pulse by {off.mean():.2f} ms, at most {off.max():g} ms")
    print(f"units deviate from their mean over trials by {found.spread[0]:.4f}, aligned by {found.spread[1]:.4f}")
    print(f"the envelope of the output is above half of its largest value, {found.z_envelope.max():.3f}, from {high[0]:g} ms on")
    print(f"oscillation.png and oscillation.csv are in {options.out}")
    return 0


def gradient_error(options: argparse.Namespace) -> int:
    """Numerical derivatives against the step (`studies.gradient_error`)."""
    from . import plots, studies

    rng = np.random.default_rng(options.seed)
    task = BY_NAME[options.task or "and"]()
    net = Network.random(task.n_in, options.units, task.n_out, dt=task.dt, tau=task.dt, rng=rng)
    found = studies.gradient_error(net, task.trials(4, rng), rng=rng)
    lines = ["dtype,method,array,step,relative_error"]
    for t, m, a, s in np.ndindex(found.errors.shape):
        row = (studies.DTYPES[t], studies.METHODS[m], found.arrays[a], f"{found.steps[s]:.6g}", f"{found.errors[t, m, a, s]:.6g}")
        lines.append(",".join(row))
    files.write_atomically(options.out / "gradient-error.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    made, axes = plots.figure(1, 2, 10.0, 4.2, sharey=True)
    plots.gradient_error(axes[0], found.steps, found.errors, found.theory_optimum, studies.DTYPES)
    files.write_atomically(options.out / "gradient-error.png", partial(plots.save, made))
    print(f"{'dtype':<8} {'method':<11} {'array':<6} {'best step':>10} {'theory':>10} {'error':>10} {'theory':>10}")
    for t, m, a in np.ndindex(found.optimum.shape):
        pair = (found.theory_optimum[t, m, a], found.theory_floor[t, m, a])
        theory = [f"{value:>10.1e}" if np.isfinite(value) else f"{'-':>10}" for value in pair]
        name = f"{studies.DTYPES[t]:<8} {studies.METHODS[m]:<11} {found.arrays[a]:<6}"
        print(f"{name} {found.optimum[t, m, a]:>10.1e} {theory[0]} {found.floor[t, m, a]:>10.1e} {theory[1]}")
    print(f"gradient-error.png and gradient-error.csv are in {options.out}")
    return 0


def time_step(options: argparse.Namespace, network: Network | None, task: Any) -> int:
    """Euler's steps against the continuous system (`studies.time_step`), and orders of procedures (`studies.commutations`)."""
    from . import plots, studies

    rng = np.random.default_rng(options.seed)
    if network is None:
        task = BY_NAME[options.task or "and"]()
        W = initial.normal(options.units, 1.0, rng)
        W *= 0.99 / max(np.linalg.eigvals(W).real.max(), 0.1)  # in continuous time it comes to rest, which |lambda| > 1 does not
        network = Network.random(task.n_in, options.units, task.n_out, dt=task.dt, tau=task.dt, recurrent=W, rng=rng)
    elif task is None:
        task = BY_NAME["and"]()
    trials = task.conditions()
    network.check(trials)
    print(network)
    with single_blas_thread:  # many small products: more threads would only wait for each other
        found = studies.time_step(network, trials.x, forms=("rate", "current") if options.form is None else (options.form,))
        orders = studies.commutations(rng=rng)
    names = task.condition_names
    lines = ["form,system,integrator,step,error"]
    made, axes = plots.figure(len(found), 4, 19.0, 4.4 * len(found))
    for row, one in zip(axes, found, strict=True):
        for k, m, s in np.ndindex(one.errors.shape):
            lines.append(f"{one.form},{studies.KINDS[k]},{studies.INTEGRATORS[m]},{one.steps[s]:.6g},{one.errors[k, m, s]:.6g}")
        _print_time_step(one, names)
        for k, kind in enumerate(studies.KINDS):
            plots.convergence(
                row[k], one.steps, one.errors[k], one.orders[k], studies.INTEGRATORS, title=f"{one.form} form, {kind}"
            )
        marked = one.modes.map_only
        fastest = float(one.modes.map_frequency[marked][-1]) if marked.any() else math.nan
        plots.map_only(row[2], 1 + one.tau * one.modes.mu, marked, studies.ALPHAS[:3], frequency=fastest)
        most = np.ptp(one.tails[0], axis=0).max(axis=1)
        most[[first == last for first, last in zip(one.labels[0], one.labels[-1], strict=True)]] *= 1e-3  # those that differ first
        moving = int(most.argmax())
        said = f"{names[moving]}: Euler {one.labels[0][moving]}, continuous {one.labels[-1][moving]}"
        plots.step_and_flow(row[3], one.tails[0][:, moving], one.tails[-1][:, moving], one.tau, title=said)
    files.write_atomically(options.out / "time-step.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    files.write_atomically(options.out / "time-step.png", partial(plots.save, made))
    made, axes = plots.figure(2, 2, 12.5, 9.6)
    plots.commuting(list(axes.flat), orders)
    files.write_atomically(options.out / "commuting.png", partial(plots.save, made))
    files.write_json(options.out / "time-step.json", _time_step_numbers(found, orders, names))
    for case in orders:
        verdict = f"exactly ({case.difference:.0e})" if case.exact else f"to O(dt^{case.order:.1f})"
        print(f"{case.first + ', ' + case.second:<9} {case.case:<32} {verdict}")
    print(f"time-step.png, time-step.csv, time-step.json and commuting.png are in {options.out}")
    return 0


def _print_time_step(one: Any, names: Sequence[str]) -> None:
    """The three tables of one form: orders, modes of the map alone, ends of the trials."""
    from . import studies

    print(f"\n{one.form} form\n{'integrator':<14} {'order':>10} {'linearised':>12}")
    for m, method in enumerate(studies.INTEGRATORS):
        order = [f"{value:.2f}" if np.isfinite(value) else "rounding" for value in one.orders[:, m]]
        print(f"{method:<14} {order[0]:>10} {order[1]:>12}")
    modes = one.modes
    alone = [k for k in np.flatnonzero(modes.map_only)[::-1] if modes.mu[k].imag >= 0]
    most = f"; the {MODES} that grow most:" if len(alone) > MODES else ""
    print(f"modes that decay in continuous time and grow with alpha = 1: {len(alone)}{most}")
    if alone:
        print(f"{'lambda':>18} {'|lambda|':>9} {'Hz':>8} {'Hz, continuous':>15} {'alpha below':>12}")
    for k in alone[:MODES]:
        value = 1 + one.tau * modes.mu[k]
        print(
            f"{value:>18.3f} {abs(value):>9.3f} {modes.map_frequency[k]:>8.1f} {modes.frequency[k]:>15.1f} "
            f"{modes.largest_step[k] / one.tau:>12.3f}"
        )
    print("  ".join([f"{'alpha':<10}", *(f"{name:<24}" for name in names)]).rstrip())
    for alpha, labels, frequencies in zip((*one.alphas, None), one.labels, one.frequency, strict=True):
        said = [label + ("" if np.isnan(f) else f" {f:.1f} Hz") for label, f in zip(labels, frequencies, strict=True)]
        first = studies.CONTINUOUS if alpha is None else f"{alpha:g}"
        print("  ".join([f"{first:<10}", *(f"{cell:<24}" for cell in said)]).rstrip())


def _time_step_numbers(found: Any, orders: Any, names: Sequence[str]) -> dict[str, Any]:
    """What the study found, for JSON; what is not a number is null."""
    from . import studies

    def number(value: Any) -> float | None:
        return float(value) if np.isfinite(value) else None

    forms = {
        one.form: {
            "orders": {
                kind: {method: number(one.orders[k, m]) for m, method in enumerate(studies.INTEGRATORS)}
                for k, kind in enumerate(studies.KINDS)
            },
            "modes": [
                {
                    "mu": [float(mu.real), float(mu.imag)], "multiplier": [float(m.real), float(m.imag)], "hz": float(hz),
                    "hz_continuous": float(slow), "largest_step": float(largest), "map_only": bool(alone),
                }
                for mu, m, slow, hz, largest, alone in zip(*one.modes[:6], strict=True)
            ],
            "ends": [
                {
                    "alpha": alpha,
                    "conditions": {
                        name: {"label": label, "hz": number(hz)} for name, label, hz in zip(names, labels, row, strict=True)
                    },
                }
                for alpha, labels, row in zip((*one.alphas.tolist(), None), one.labels, one.frequency, strict=True)
            ],
        }
        for one in found
    }  # fmt: skip
    agreements = [
        case._asdict() | {"conditions": [c._asdict() for c in case.conditions], "order": number(case.order)} for case in orders
    ]
    return {"forms": forms, "orders_of_procedures": agreements}
