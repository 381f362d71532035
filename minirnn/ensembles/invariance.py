"""Does a network mind when it is asked? The same trial earlier and later (arXiv 1906.01094, Fig 12).

Gates without a recurrent bias, as the authors trained them, and gates with one, both trained with the stimulus at 30 ms. Each is
run without noise with the stimulus at ONSETS; the trial is longer or shorter by as much, so that the response is as long. Per
condition, z^s the outputs with the stimulus at s, s0 the onset of training, y the target, E the end of the trial:

    (1)  distance = sqrt(sum_{t=0..E} (z_t - y_t)^2)      of the whole trial, the silence before the stimulus included
    (2)  response = sqrt(sum_{t=s..E} (z_t - y_t)^2)      from the stimulus on, the same number of samples for each s
    (3)  change   = max_{t>=0} |z^s_{s+t} - z^s0_{s0+t}|  of the outputs, aligned at the stimulus
    (4)  drift    = |h_s - h_{s-1}|                       of the state before the stimulus: `end_states.drift`

and, for each network,

    (5)  moved_s  = max over conditions of | (2) at s - (2) at s0 |
    (6)  spread   = max over conditions of (max over s - min over s of (2))

Without a bias and without input the state stays at h = 0: (4) is 0, and (3) must be. A longer silence adds samples, so that (1) may
change a little with the onset when nothing else does: (2) is what is judged. Right is what the task calls so, condition by
condition, for the limit on the distance that success has besides grows with the length of the trial. With a bias the state moves
from 0 towards wherever it goes; a network that is still on its way when the stimulus comes carries a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..analysis import end_states
from ..tasks import distance
from ..trials import Trials
from . import arms, statistics
from .arms import SEVEN
from .runs import Outcome, Run
from .statistics import Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]

ONSETS = (5.0, 30.0, 45.0, 60.0, 90.0, 120.0)  # ms
TASKS = ("and", "xor")
NETWORKS = 10
UNCHANGED = 1e-5  # of outputs of about 1: what float32 might round
FEWEST = 5  # networks: of fewer nothing is told
PLAIN, BIASED = "no recurrent bias", "recurrent bias"


class Summary(NamedTuple):
    """A network over all onsets and conditions."""

    kind: str  # PLAIN or BIASED
    task: str
    drift: float  # the largest (4)
    spread: float  # (6)
    change: float  # the largest (3)
    trained: bool  # whether all conditions are answered right at the onset of training
    elsewhere: bool  # whether they are at all others
    drifts: list[float]  # the largest (4) over conditions at each onset but that of training
    moved: list[float]  # (5) at the same onsets


def measured(outcome: Outcome, onsets: Sequence[float]) -> list[dict[str, Any]]:
    """A row per onset (ms) and condition; the onset of training must be among them."""
    task, network = outcome.run.task, outcome.network
    outputs, responses, right = [], [], []

    def measure(onset: float) -> tuple[Array, Array]:
        moved = replace(task, onset=onset)
        trials, start = moved.conditions(), round(onset / task.dt)
        h, z = network.run(trials.x)
        after = np.zeros(trials.target.shape[:2])
        after[start:] = 1
        responses.append(distance(z, Trials(trials.x, trials.target, after), masked=True))  # (2)
        outputs.append(z[start:].astype(np.float64))
        right.append(moved.right(z, trials))
        return distance(z, trials), end_states.drift(h, start)  # (1), (4)

    found = end_states.time_translation(measure, onsets)
    aligned = outputs[list(onsets).index(task.onset)]
    return [
        {
            "bias": network.params.b_rec is not None, "onset": float(onset), "condition": name,
            "distance": float(found.distance[k, b]), "response": float(responses[k][b]),
            "change": float(np.abs(outputs[k][:, b] - aligned[:, b]).max()),  # (3)
            "drift": float(found.drift[k, b]), "right": bool(right[k][b]), "trained": onset == task.onset,
            "network": outcome.path.stem,
        }
        for k, onset in enumerate(onsets)
        for b, name in enumerate(task.condition_names)
    ]  # fmt: skip


def outputs_of(outcome: Outcome, onsets: Sequence[float]) -> tuple[list[Array], str]:
    """The outputs (T,) at each onset of the condition that changes most with it, and its name; where none does, of the loudest."""
    task, network = outcome.run.task, outcome.network
    outputs = [network.outputs(replace(task, onset=onset).conditions().x)[:, :, 0] for onset in onsets]
    length = min(len(z) for z in outputs) - round(min(onsets) / task.dt)
    change = np.ptp([z[len(z) - length :] for z in outputs], axis=0).max(axis=0)
    if change.max() <= UNCHANGED:
        change = np.abs(task.conditions().target).sum(axis=(0, 2))
    chosen = int(change.argmax())
    return [z[:, chosen] for z in outputs], task.condition_names[chosen]


def study(setting: Setting) -> Findings:
    """Fig 12 for AND and XOR, or another task. ValueError for one it has not, as NOT, whose networks have a bias anyway."""
    with_both = [task for task in SEVEN if task != "not"]
    if setting.task not in (None, *with_both):
        raise ValueError(f"task must be one of {', '.join(with_both)}, got {setting.task}")
    tasks = (setting.task,) if setting.task is not None else TASKS[:1] if setting.quick else TASKS
    cells: dict[tuple[str, str], list[Run]] = {
        ("authors", task): arms.authors(setting, task, "orthogonal", NETWORKS) for task in tasks
    }
    cells |= {("biased", task): arms.biased(setting, task, NETWORKS) for task in tasks}
    outcomes = setting.train([run for runs in cells.values() for run in runs])
    of_name = {outcome.run.name: outcome for outcome in outcomes}
    rows = []
    for (arm, task), runs in cells.items():
        onsets = _onsets(setting, runs[0].task.onset)
        for k, run in enumerate(runs):
            if run.name in of_name:
                rows += [{"arm": arm, "task": task, "run": k, **row} for row in measured(of_name[run.name], onsets)]
    networks = summaries(rows)
    text = "\n\n".join(
        [
            f"{wall_time(outcomes)}. Trials without noise; distance: from the stimulus on, mean over conditions and networks; "
            "right: networks that answer all conditions right; drift: how far the state moves in the last step before the "
            "stimulus, median over networks. Without a recurrent bias it rests at 0 until then, with one it need not. The star "
            "marks the onset of training. The figure shows a network of each kind, the first that is right then, in the condition "
            "that changes most with the onset.",
            *[_tables(rows, networks, task) for task in tasks],
        ]
    )
    title = "Invariance to shifts in time (arXiv 1906.01094, Fig 12)"
    numbers = {"networks": finite([{"network": name, **found._asdict()} for name, found in networks.items()])}
    verdicts = [_unchanged(networks), _where_it_drifts(networks), _clock(networks), _fails_elsewhere(networks)]
    return Findings(title, text, rows, _drawn(rows, networks, of_name, tasks[0]), verdicts, numbers)


def _onsets(setting: Setting, trained: float) -> list[float]:
    return sorted({*(ONSETS[:1] if setting.quick else ONSETS), trained})


def summaries(rows: Sequence[dict[str, Any]]) -> dict[str, Summary]:
    """Each network by name."""
    networks: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        networks.setdefault(row["network"], []).append(row)
    return {name: _summary(own) for name, own in networks.items()}


def _summary(own: Sequence[dict[str, Any]]) -> Summary:
    onsets = sorted({row["onset"] for row in own})
    trained = {row["condition"]: row["response"] for row in own if row["trained"]}
    response = np.array([[row["response"] for row in own if row["onset"] == s] for s in onsets])
    drift = np.array([max(row["drift"] for row in own if row["onset"] == s) for s in onsets])
    moved = np.abs(response - np.array(list(trained.values()))).max(axis=1)  # (5)
    others = np.array([not any(row["trained"] for row in own if row["onset"] == s) for s in onsets])
    return Summary(
        BIASED if own[0]["bias"] else PLAIN, own[0]["task"], float(drift.max()), float(np.ptp(response, axis=0).max()),  # (6)
        max(row["change"] for row in own), all(row["right"] for row in own if row["trained"]),
        all(row["right"] for row in own if not row["trained"]), drift[others].tolist(), moved[others].tolist(),
    )  # fmt: skip


def _of(networks: Mapping[str, Summary], kind: str, task: str | None = None) -> list[Summary]:
    return [found for found in networks.values() if found.kind == kind and task in (None, found.task)]


def _unchanged(networks: Mapping[str, Summary]) -> Verdict:
    """Is the response of every network without a bias the same at all onsets?"""
    plain = _of(networks, PLAIN)
    k, n = sum(found.change <= UNCHANGED for found in plain), len(plain)
    claim = "without a recurrent bias the response is the same at all onsets"
    interval = statistics.binomial(k, n)
    most = f", largest change of an output {max(found.change for found in plain):.1e}" if plain else ""
    word = judged(k == n >= FEWEST, k < n)
    return Verdict(claim, "Fig 12", f"{k} of {n} networks{most}", f"share {statistics.shown(interval)}" if n else "-", word)


def _clock(networks: Mapping[str, Summary]) -> Verdict:
    """Among networks with a bias, do those that drift more depend more on the onset?"""
    biased = _of(networks, BIASED)
    found = statistics.correlation([one.drift for one in biased], [one.spread for one in biased])
    moving = sum(one.drift > UNCHANGED for one in biased)
    claim = "of networks with a bias, those whose state drifts more before the stimulus depend more on the onset"
    told = f"{moving} of {len(biased)} networks drift at some onset"
    return Verdict(claim, "ours, after Fig 12", told, f"Spearman of the drift and the spread: {found}", statistics.trend(found, 1))


def _where_it_drifts(networks: Mapping[str, Summary]) -> Verdict:
    """Within a network with a bias, does the distance change most at the onsets where the state drifts most?"""
    rho = [statistics.spearman(one.drifts, one.moved)[0] for one in _of(networks, BIASED)]
    told = [value for value in rho if np.isfinite(value)]
    k, n = sum(value > 0 for value in told), len(told)
    claim = "within a network with a bias the distance changes most at the onsets at which the state drifts most"
    return _most(claim, k, n, f"{k} of {n} networks" + (f", median rho {np.median(told):.2f}" if told else ""))


def _most(claim: str, k: int, n: int, told: str) -> Verdict:
    """Is it so for more than half of the networks?"""
    share = statistics.binomial(k, n)
    word = judged(n >= FEWEST and share.low > 0.5, n >= FEWEST and share.high < 0.5)
    return Verdict(claim, "ours, after Fig 12", told, f"share {statistics.shown(share)}" if n else "-", word)


def _fails_elsewhere(networks: Mapping[str, Summary]) -> Verdict:
    """Of the networks with a bias that are right at the onset of training, do most err at some other?"""
    able = [one for one in _of(networks, BIASED) if one.trained]
    k, n = sum(not one.elsewhere for one in able), len(able)
    claim = "most networks with a bias that are right at the onset of training err at another (a network of the authors does)"
    return _most(claim, k, n, f"{k} of {n} networks")


def _tables(rows: Sequence[dict[str, Any]], networks: Mapping[str, Summary], task: str) -> str:
    """Of one task: distance, right answers and drift per onset; below it (3) and (6)."""
    kinds = [kind for kind in (PLAIN, BIASED) if _of(networks, kind, task)]
    if not kinds:
        return f"{task}: no networks."
    lines, notes = [], []
    for onset, trained in sorted({(row["onset"], row["trained"]) for row in rows if row["task"] == task}):
        line = [f"{onset:g}{'*' * trained}"]
        for kind in kinds:
            there = [row for row in rows if (row["task"], row["onset"], row["bias"]) == (task, onset, kind == BIASED)]
            names, wrong = {row["network"] for row in there}, {row["network"] for row in there if not row["right"]}
            line += [f"{np.mean([row['response'] for row in there]):.2f}", f"{len(names - wrong)}/{len(names)}"]
            line.append(f"{np.median([row['drift'] for row in there]):.1e}")
        lines.append(line)
    for kind in kinds:
        found = _of(networks, kind, task)
        spread = [one.spread for one in found]
        notes.append(
            f"{kind}, {len(found)} networks: spread of the distance over onsets {np.median(spread):.2g} (median), "
            f"{min(spread):.2g} to {max(spread):.2g}; an output changes by {max(one.change for one in found):.2g} at most."
        )
    head = ("onset (ms)", *(f"{what}{kind}" for kind in kinds for what in ("distance, ", "right, ", "drift, ")))
    return f"{task.upper()}\n\n{table(head, lines)}\n\n{' '.join(notes)}"


def _drawn(rows: Sequence[dict[str, Any]], networks: Mapping[str, Summary], of_name: Mapping[str, Outcome], task: str) -> Any:
    """Outputs of one network of each kind at all onsets; distance against onset; spread against drift."""
    from .. import plots

    made, axes = plots.figure(2, 2, 12.0, 8.6)
    kinds = [kind for kind in (PLAIN, BIASED) if _of(networks, kind)]
    for ax, kind in zip(axes[0], (PLAIN, BIASED), strict=True):
        names = [name for name, one in networks.items() if (one.kind, one.task) == (kind, task)]
        names = [name for name in names if networks[name].trained] + names
        if not names:
            ax.set_visible(False)
            continue
        onsets = sorted({row["onset"] for row in rows if row["network"] == names[0]})
        curves, condition = outputs_of(of_name[names[0]], onsets)
        plots.onsets(ax, curves, onsets, dt=of_name[names[0]].run.task.dt, title=f"{task.upper()} {condition}, {kind}")
    found, each = {}, {}
    for kind in kinds:
        onsets, means, errors = [], [], []
        single: list[tuple[float, float]] = []
        for onset in sorted({row["onset"] for row in rows}):
            own: dict[str, list[float]] = {}
            for row in rows:
                if row["onset"] == onset and row["bias"] == (kind == BIASED):
                    own.setdefault(row["network"], []).append(row["response"])
            if own:
                d = np.array([np.mean(values) for values in own.values()])
                onsets.append(onset)
                means.append(d.mean())
                errors.append(statistics.standard_error(d))
                single += [(onset, value) for value in d]
        found[kind] = (np.array(onsets), np.array(means), np.array(errors))
        each[kind] = (np.array(single)[:, 0], np.array(single)[:, 1])
    plots.means(
        axes[1, 0], found, xlabel="onset of the stimulus (ms)", ylabel="distance from the stimulus on", each=each, legend=False
    )
    groups = {
        kind: (
            np.array([v for one in _of(networks, kind) for v in one.drifts]),
            np.array([v for one in _of(networks, kind) for v in one.moved]),
        )
        for kind in kinds
    }
    plots.points(
        axes[1, 1], groups, floor=1e-7, xlabel="drift before the stimulus (below 1e-7: drawn there)",
        ylabel="change of the distance from that\nat the onset of training",
    )  # fmt: skip
    for ax in axes[1]:
        plots.legend_above(ax)
    return made
