"""Tasks and starts side by side: one row each. (What the papers' analyses say of single tasks, of networks trained alike.)

Of 10 networks per task (`arms.SEVEN`) and start, with the authors' settings and with `arms.RECOMMENDED`, those that succeed
(`tasks.success`) are compared in

    (1)  outside = number of eigenvalues of W_rec with |lambda| > 1.02                       `analysis.spectra`
    (2)  D = (sum_k lambda_k)^2 / sum_k lambda_k^2, and the number of components for 95 %    `analysis.pca`; the states of all
         of the variance                                                                     noiseless conditions together
    (3)  the end states of the conditions                                                    `inner_states`
    (4)  damage = the least percentage p of the weakest connections without which d > L, d the mean distance over conditions and
         draws of the task's own input noise, p on the authors' ladder 0, 2, .. 36, 42, 48, 52    `analysis.damage`, variant a
    (5)  L = max(1.5 sqrt(T / 200), 2 d_0), d_0 the undamaged d: the paper's 1.5 for AND, in trials of other lengths, and no less
         than twice what the network had
    (6)  epochs = the first epoch e with v_e <= 1.1 min_e v_e, v the validation distance at its end

The published networks' (1) and the authors' damage curve, mean of ten AND networks, stand beside ours; T is in steps. That (4) is
not reached up to 52 % counts as more than that.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..analysis import damage, pca, spectra
from ..analysis.end_states import OSCILLATION
from ..engine import single_blas_thread
from ..network import Network
from ..tasks import BY_NAME
from . import arms, inner_states, spectrum, statistics
from .damage import runner
from .published import FOLDER
from .runs import Outcome
from .statistics import Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Row = dict[str, Any]
Cell = tuple[str, str, str]

PERCENT = damage.PERCENT
DRAWS = 20
DESTROYED = 1.5  # at T = 200
QUANTITIES = {  # as they are drawn
    "outside": "eigenvalues outside", "dimension": "participation ratio", "components": "components for 95 %",
    "oscillating": "conditions that end\nin an oscillation (%)", "damage": "damage (% removed)", "epochs": "epochs",
}  # fmt: skip


def epochs_needed(validation: Any) -> float:
    """(6) of the validation distances (epochs,); NaN where there is none that is finite."""
    v = np.asarray(validation, float)
    if not np.isfinite(v).any():
        return math.nan
    return float(1 + np.argmax(v <= 1.1 * np.nanmin(v)))  # (6)


def damage_threshold(network: Network, trials: Any, noise: float, percent: Sequence[float] = PERCENT, draws: int = DRAWS) -> float:
    """(4), infinite where L is not passed; noise: standard deviation of the input's."""
    distance_of = damage.distance_over_noise(runner(network), trials.x, trials.target, input_noise_std=noise, draws=draws)
    W = network.weights.W_rec
    undamaged = float(distance_of(W).mean())
    limit = max(DESTROYED * math.sqrt(len(trials.x) / 200), 2 * undamaged)  # (5)
    for p, t in zip(percent, damage.quantile_thresholds(W, percent), strict=True):
        found = damage.curve(W, distance_of, "a", [t], percent=[p])
        if not np.isnan(damage.crossing([p], found.distances.mean(axis=1, keepdims=True), limit)[0]):
            return float(p)  # (4); what follows is not asked for
    return math.inf


def measured(outcome: Outcome, percent: Sequence[float] = PERCENT, draws: int = DRAWS) -> Row:
    """What the table says of a network."""
    network, task = outcome.network, outcome.run.task
    trials = task.conditions()
    ends = inner_states.measured(outcome)
    with single_blas_thread:
        states = pca.dimension(network.rates(network.run(trials.x)[0])[1:])  # (2)
        outside = int(spectra.spectrum(network.weights.W_rec).outliers.sum())  # (1)
    return {
        "success": ends[0]["success"], "outside": outside, "dimension": states.participation_ratio,
        "components": states.components, "states": inner_states.label(ends),
        "oscillating": 100 * float(np.mean([row["state"] == OSCILLATION for row in ends])),  # (3)
        "damage": damage_threshold(network, trials, task.input_noise_std, percent, draws),
        "epochs": epochs_needed(outcome.validation_distance), "trained": len(outcome.loss), "network": outcome.path.stem,
    }  # fmt: skip


def study(setting: Setting) -> Findings:
    """One row per task and start."""
    cells = arms.compared(setting)
    outcomes = setting.train([run for runs in cells.values() for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    look = partial(measured, percent=PERCENT[:2], draws=2) if setting.quick else measured
    rows = [
        {"settings": settings, "start": start, "task": task, "run": k, **look(of_name[run.name])}
        for (settings, start, task), runs in cells.items()
        for k, run in enumerate(runs)
        if run.name in of_name
    ]
    order = sorted(cells, key=lambda cell: (arms.SEVEN.index(cell[2]), list(cells).index(cell)))
    there = dict.fromkeys(cell[2] for cell in order if _of(rows, cell))
    letters = "; ".join(f"{task}: {', '.join(BY_NAME[task]().condition_names)}" for task in there)
    parts = [
        f"Medians and ranges over the networks that succeed; {wall_time(outcomes)}. Outside: eigenvalues of modulus above 1.02. "
        "Dimension: the participation ratio of the states of all noiseless conditions, and the components for 95 % of their "
        "variance. Damage: the share of the weakest connections without which the mean distance first passes 1.5 sqrt(T / 200), or "
        "twice the undamaged one where that is more. Epochs: the first with a validation distance within 10 % of the least. End "
        "states, the most frequent first: r rest, f fixed point, o oscillation, condition by condition"
        + (f" ({letters})." if letters else "."),
        table(
            ("task", "settings", "start", "succeed", "outside", "dimension", "components", "end states", "damage (%)", "epochs"),
            [_line(cell, _of(rows, cell)) for cell in order],
        ),
        f"The authors' curve of AND, mean of ten networks, passes 1.5 at {published_damage():g} %.",
    ]  # fmt: skip
    numbers = {"cells": [_summary(cell, _of(rows, cell)) for cell in order], "published damage": published_damage()}
    title = "Tasks and starts compared"
    return Findings(title, "\n\n".join(parts), rows, _drawn(order, rows), _questions(rows), numbers)


def published_damage() -> float:
    """(4) of the authors' curve a of AND, with the paper's L of 1.5."""
    found = damage.published(FOLDER / "damage_tables.csv")["a"]
    d = found.distances[found.shown].mean(axis=1, keepdims=True)
    return float(damage.crossing(found.percent[found.shown], d, DESTROYED)[0])


def _of(rows: Sequence[Row], cell: Cell) -> list[Row]:
    return [row for row in rows if (row["settings"], row["start"], row["task"]) == cell]


def _values(rows: Sequence[Row], name: str) -> list[float]:
    """Of the networks that succeed; NaN left out."""
    return [float(row[name]) for row in rows if row["success"] and not math.isnan(row[name])]


def _spread(rows: Sequence[Row], name: str, digits: int = 0) -> str:
    """Median and range: 3 (2 to 5); what is infinite as more than the last of the ladder."""
    values = _values(rows, name)
    if not values:
        return "-"

    def shown(value: float) -> str:
        if math.isinf(value):
            return f"> {PERCENT[-1]:g}"
        return f"{value:.{digits}f}" if digits else f"{value:g}"

    middle, low, high = map(shown, (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _line(cell: Cell, rows: Sequence[Row]) -> list[Any]:
    settings, start, task = cell
    solved = [row for row in rows if row["success"]]
    counted = sorted(Counter(row["states"] for row in solved).items(), key=lambda pair: (-pair[1], pair[0]))
    states = "; ".join(f"{states} {k}" for states, k in counted[:2])
    return [
        task, settings, start, f"{len(solved)}/{len(rows)}", _spread(rows, "outside"), _spread(rows, "dimension", 1),
        _spread(rows, "components"), states or "-", _spread(rows, "damage"), _spread(rows, "epochs"),
    ]  # fmt: skip


def _summary(cell: Cell, rows: Sequence[Row]) -> Row:
    settings, start, task = cell
    whole = {"settings": settings, "start": start, "task": task, "networks": len(rows)}
    whole |= {"succeed": sum(row["success"] for row in rows)}
    return whole | finite({name: statistics.median(_values(rows, name)) for name in QUANTITIES})


def _questions(rows: Sequence[Row]) -> list[Verdict]:
    """Do the authors' two starts differ, task by task? The papers say nothing of it."""
    made = []
    tasks = [task for task in arms.SEVEN if any(row["task"] == task for row in rows)]
    for name, claim in (
        ("epochs", "need fewer epochs"),
        ("outside", "have fewer eigenvalues outside"),
        ("dimension", "fill fewer dimensions with their states"),
        ("damage", "bear less damage"),
    ):
        pairs = [
            tuple(statistics.median(_values(_of(rows, ("authors", start, task)), name)) for start in arms.STARTS) for task in tasks
        ]
        pairs = [pair for pair in pairs if not any(map(math.isnan, pair))]
        if not pairs:
            continue
        less, more, p = statistics.sign([int(b > a) - int(b < a) for a, b in pairs])
        sure = p < statistics.LEVEL
        found = f"lower medians in {less} of {len(pairs)} tasks, higher in {more}"
        claim = f"networks from an orthogonal start {claim} than those from a normal one"
        made.append(Verdict(claim, "question", found, f"sign test p = {p:.2g}", judged(sure and less > more, sure and less < more)))
    return made


def _drawn(cells: Sequence[Cell], rows: Sequence[Row]) -> Any:
    from .. import plots

    tasks = list(dict.fromkeys(cell[2] for cell in cells))
    found: dict[str, dict[str, list[list[float]]]] = {label: {} for label in QUANTITIES.values()}
    for settings, start in dict.fromkeys(cell[:2] for cell in cells):
        ensemble = "recommended" if settings == "recommended" else f"{start} start"
        for name, label in QUANTITIES.items():
            found[label][ensemble] = [_values(_of(rows, (settings, start, task)), name) for task in tasks]
    published = {QUANTITIES["outside"]: [list(map(float, spectrum.PUBLISHED[task])) for task in tasks]}
    published[QUANTITIES["damage"]] = [[published_damage()] if task == "and" else [] for task in tasks]
    return plots.dots_by_task(tasks, found, published, beyond={QUANTITIES["damage"]: float(PERCENT[-1])})
