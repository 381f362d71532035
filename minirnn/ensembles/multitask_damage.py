"""How much damage can networks of several gates take? (the poster of the multitasking networks: "10-12 %")

Networks of 100 units that are AND, OR or XOR by context lose their weakest connections, variant a of `minirnn.analysis.damage`, by
quantiles of |w|: 0, 2, ..., 36 % of them. For each context and type the distance d, mean over draws of noise of 0.1 on all inputs
and once without noise, and whether `tasks.success`, a rule of noiseless trials, still holds. The poster does not say what ends at
its limit; three readings:

    (1)  the mean of d over contexts and types meets 1, with noise        level of a network, by the line between two levels
    (2)  the same without noise                                           level of a network
    (3)  the task is not solved                                           the first such level of a network

A network that holds out to the end counts as with the end, 36 %, so that a mean may be too small. Damage has a limit in networks
that are solved undamaged and whose undamaged d is below 1 in that reading: these are trained without noise, as in the committed
code, and may fail (1) by the noise alone. The claim agrees where the interval of the mean reaches into 10 .. 12 % and is narrower
than WIDE.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..analysis.damage import PERCENT, SHOWN, crossing, curve, distance_over_noise, quantile_thresholds
from ..tasks import distance, success
from . import arms, statistics
from .damage import DRAWS, NOISE, runner
from .runs import Outcome
from .statistics import UNCLEAR, Interval, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Rows = Sequence[Mapping[str, Any]]

GATES = tuple(gate for gate, _ in arms.GATES)
UNITS, NETWORKS = 100, 5
LIMIT = 1.0
FEW = 4  # below so many networks nothing is told
POSTER = (10.0, 12.0)  # %
WIDE = 12.0  # %
READINGS = {  # (1) (2) (3)
    "d": "d passes 1, with noise",
    "noiseless": "d passes 1, without noise",
    "solved": "the task is not solved",
}


def measured(outcome: Outcome, draws: int = DRAWS, step: int = 1) -> list[dict[str, Any]]:
    """A row per level, each `step`-th of 0, 2, ..., 36 %: whether the task is still solved, and d of all conditions."""
    network, task = outcome.network, outcome.run.task
    trials, W = task.conditions(), network.weights.W_rec
    run = runner(network)

    def without_noise(W_rec: Array) -> Array:
        z = run(W_rec, trials.x)
        return np.append(distance(z, trials), success(z, trials, task))

    noisy = distance_over_noise(run, trials.x, trials.target, input_noise_std=NOISE, draws=draws)
    percent = np.array(PERCENT[:SHOWN:step], float)
    levels = quantile_thresholds(W, percent)
    noise = curve(W, noisy, "a", levels, percent=percent)
    still = curve(W, without_noise, "a", levels, percent=percent)
    return [
        {
            "level": float(level), "threshold": noise.thresholds[i], "share": noise.share[i], "network": outcome.path.stem,
            "units": network.n_rec, "solved": bool(still.distances[i, -1]),
            **{f"d {name}": d for name, d in zip(task.condition_names, noise.distances[i], strict=True)},
            **{f"noiseless {name}": d for name, d in zip(task.condition_names, still.distances[i, :-1], strict=True)},
        }
        for i, level in enumerate(percent)
    ]  # fmt: skip


def study(setting: Setting) -> Findings:
    """The limit of damage of networks of three gates. ValueError for a task."""
    if setting.task is not None:
        raise ValueError(f"task must not be given, the networks are of {', '.join(GATES)} by context, got {setting.task}")
    runs = arms.gates(setting, GATES, UNITS, networks=NETWORKS)
    outcomes = setting.train(runs)
    position = {run.name: k for k, run in enumerate(runs)}
    how: dict[str, int] = {"draws": 2, "step": 6} if setting.quick else {}
    rows = [{"run": position[outcome.run.name], **row} for outcome in outcomes for row in measured(outcome, **how)]
    return reported(runs[0].task.condition_names, rows, wall_time(outcomes))


def reported(names: Sequence[str], rows: Rows, trained: str = "") -> Findings:
    """The report that these rows make; names: "and 00" .. of the conditions."""
    title = "Damage to networks of three gates (poster of the multitasking networks)"
    if not rows:
        from .. import plots

        return Findings(title, "No network is there.", [], plots.figure(1, 1, 4.0, 3.0)[0], [], {})
    percent, d, solved = of_rows(rows, names)
    kept = solved[:, 0]  # undamaged
    found = {reading: limits(percent, d, solved, reading) for reading in READINGS}
    telling = {reading: levels[kept & (levels > 0)] for reading, levels in found.items()}
    ends = {reading: _mean(levels) for reading, levels in telling.items()}
    contexts = list(dict.fromkeys(name.split()[0] for name in names))
    runs = list(dict.fromkeys(row["run"] for row in rows))
    by_context = []
    for context in contexts:
        inside = [c for c, name in enumerate(names) if name.split()[0] == context]
        cells = [limits(percent, {kind: v[:, :, inside] for kind, v in d.items()}, solved, kind) for kind in d]
        told = [cell[kept & (cell > 0)] for cell in cells]
        by_context.append([context, *(_shown(_mean(cell), percent[-1], cell) for cell in told)])
    text = "\n\n".join(
        [
            f"{len(runs)} networks of {rows[0]['units']} units, {kept.sum()} of them solved undamaged by `tasks.success`; trained: "
            f"{trained}. The level (% of the connections, the weakest) at which each fails; the mean is of "
            "those solved and not beyond the limit undamaged (0 %).",
            table(
                ("network", "solved", "d", "d, noiseless", *READINGS.values()),
                [
                    [
                        run, "yes" if kept[k] else "**no**", f"{d['d'][k, 0].mean():.2f}", f"{d['noiseless'][k, 0].mean():.2f}",
                        *(_level(found[reading][k], percent[-1]) for reading in READINGS),
                    ]
                    for k, run in enumerate(runs)
                ]
                + [["mean", "", "", "", *(_shown(ends[r], percent[-1], telling[r]) for r in READINGS)]],
            ),
            "Context by context, the mean of the levels at which the mean of d over the four types passes 1:",
            table(("context", "with noise", "without noise"), by_context),
        ]
    )  # fmt: skip
    verdicts = [
        _verdict(what, ends[reading], telling[reading], percent[-1]) for reading, what in READINGS.items()
    ]  # fmt: skip
    numbers = {
        "networks": len(runs), "solved": int(kept.sum()), "level": percent.tolist(),
        "limits": finite({reading: levels for reading, levels in found.items()}),
        "means": finite({reading: list(end) for reading, end in ends.items()}),
        "curves": {
            kind: {name: values[:, :, c].mean(axis=0).tolist() for c, name in enumerate(names)} for kind, values in d.items()
        },
    }  # fmt: skip
    return Findings(title, text, rows, _drawn(names, contexts, percent, d, solved), verdicts, numbers)


def of_rows(rows: Rows, names: Sequence[str]) -> tuple[Array, dict[str, Array], Array]:
    """Levels (S,), d (networks, S, conditions) with noise and without, solved (networks, S)."""
    runs = dict.fromkeys(row["run"] for row in rows)
    percent = np.array([row["level"] for row in rows if row["run"] == rows[0]["run"]])
    shape = (len(runs), len(percent), len(names))
    d = {
        kind: np.array([[row[f"{kind} {name}"] for name in names] for row in rows]).reshape(shape) for kind in ("d", "noiseless")
    }  # fmt: skip
    return percent, d, np.array([row["solved"] for row in rows], bool).reshape(shape[:2])


def limits(percent: Array, d: Mapping[str, Array], solved: Array, reading: str) -> Array:
    """(networks,) the levels of (1), (2) or (3), infinite where there is none."""
    if reading == "solved":
        found = crossing(percent, 1.0 - solved.T, 0.5)  # (3)
    else:
        found = crossing(percent, d[reading].mean(axis=2).T, LIMIT, how="linear")  # (1, 2)
    levels: Array = np.where(np.isnan(found), math.inf, found)
    return levels


def _mean(levels: Array) -> Interval:
    """The mean of levels, those beyond the ladder at its end, over networks drawn again."""
    end = np.minimum(levels, PERCENT[SHOWN - 1])
    return statistics.bootstrap(lambda which: float(end[which].mean()), len(end))


def _level(level: float, end: float) -> str:
    return f"> {end:g} %" if math.isinf(level) else f"{level:.1f} %"


def _shown(mean: Interval, end: float, levels: Array) -> str:
    if not len(levels):
        return "-"
    beyond = int(np.isinf(levels).sum())
    return f"{statistics.shown(mean, 1)} %" + (f", {beyond} beyond {end:g} %" if beyond else "")


def _verdict(what: str, mean: Interval, levels: Array, end: float) -> Verdict:
    claim = f"networks of several gates bear damage of {POSTER[0]:g} to {POSTER[1]:g} %: then {what}"
    if len(levels) < FEW:
        return Verdict(claim, "poster", f"{len(levels)} networks that have a limit, {FEW} needed", "-", UNCLEAR)
    low, high = (mean.value, mean.value) if math.isnan(mean.low) else mean[1:]
    meets = low <= POSTER[1] and high >= POSTER[0]
    word = judged(meets and high - low < WIDE, not meets)
    return Verdict(claim, "poster", _shown(mean, end, levels), f"bootstrap over {len(levels)} networks", word)


def _drawn(names: Sequence[str], contexts: Sequence[str], percent: Array, d: Mapping[str, Array], solved: Array) -> Any:
    from .. import plots
    from ..plots.damage import damage as panel

    made, axes = plots.figure(2, len(contexts) + 1, 3.4 * (len(contexts) + 1), 7.0, sharex=True)
    for row, (kind, label) in zip(axes, (("d", "noise 0.1"), ("noiseless", "without noise")), strict=True):
        curves = d[kind]
        error = curves.std(axis=0, ddof=1) / math.sqrt(len(curves)) if len(curves) > 1 else np.zeros(curves.shape[1:])
        top = 1.05 * float((curves.mean(axis=0) + error).max())
        for ax, context in zip(row, contexts, strict=False):
            inside = [c for c, name in enumerate(names) if name.split()[0] == context]
            types = [names[c].split()[1] for c in inside]
            mean, band = curves.mean(axis=0)[:, inside], error[:, inside]
            panel(ax, percent, mean, below=band, above=band, names=types, lines=(LIMIT,), title=f"{context}, {label}")
            ax.set_ylim(0, top)
        marked = None if kind == "d" else ~solved
        plots.limits(
            row[-1], percent, curves.mean(axis=2), line=LIMIT, span=POSTER, marked=marked, title=f"all conditions, {label}"
        )
        row[-1].set_ylim(0, None)
        row[0].set_ylabel("distance")
    axes[0, 0].legend(title="inputs A B", loc="upper left", fontsize=9, frameon=False)
    for ax in axes[-1]:
        ax.set_xlabel("weakest connections removed (%)")
    return made
