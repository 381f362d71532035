"""How many units do several gates need, and how many one? (the poster of the multitasking networks: more than for one task)

AND, OR and XOR by context in one network, and each alone, the context the same; 12, 25, 50 and 100 units; and the three under
Dale's law. Five networks each, batches and clipping alike; success is `tasks.success`, on the noiseless conditions. Sizes are
compared where they are equal: Fisher's test within sizes (`statistics.fisher_strata`), that at each size as many of both
succeed. The share of the networks that succeed and

    (1)  least size = the smallest number of units at which at least half of the networks succeed

A claim of (1) alone would be one of the grid and of five networks; the verdicts are the test's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..tasks import distance, success
from . import arms, statistics
from .arms import GATES
from .runs import Outcome, Run
from .statistics import LEVEL, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Rows = Sequence[Mapping[str, Any]]

SIZES = (12, 25, 50, 100)
NETWORKS = 5
SINGLE = tuple(gate for gate, _ in GATES)
THREE, DALE = "three", "three, Dale's law"
ARMS = (*SINGLE, THREE, DALE)
FEW = 10  # networks of an arm, over all sizes: below it nothing is told


def measured(outcome: Outcome) -> dict[str, Any]:
    """Whether a network succeeds, its mean distance over conditions, and how its training ended."""
    task, network = outcome.run.task, outcome.network
    trials = task.conditions()
    z = network.outputs(trials.x)
    return {
        "success": success(z, trials, task), "right": float(task.right(z, trials).mean()),
        "distance": float(distance(z, trials).mean()), "loss": outcome.last_loss, "epochs": len(outcome.loss),
        "network": outcome.path.stem,
    }  # fmt: skip


def study(setting: Setting) -> Findings:
    """Three gates, each alone, and the three under Dale's law, at each size. ValueError for a task."""
    if setting.task is not None:
        raise ValueError(f"task must not be given, the networks are of {', '.join(SINGLE)} by context, got {setting.task}")
    sizes = SIZES[:1] if setting.quick else SIZES
    cells: dict[tuple[str, int], list[Run]] = {}
    for units in sizes:
        cells |= {(gate, units): arms.gates(setting, (gate,), units, networks=NETWORKS) for gate in SINGLE}
        cells[THREE, units] = arms.gates(setting, SINGLE, units, networks=NETWORKS)
        cells[DALE, units] = arms.gates(setting, SINGLE, units, dale=True, networks=NETWORKS)
    outcomes = setting.train([run for runs in cells.values() for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    rows = [
        {"arm": arm, "units": units, "run": k, **measured(of_name[run.name])}
        for (arm, units), runs in cells.items()
        for k, run in enumerate(runs)
        if run.name in of_name
    ]
    return reported(sizes, rows, wall_time(outcomes))


def reported(sizes: Sequence[int], rows: Rows, trained: str = "") -> Findings:
    """The report that these rows make."""
    counts = {(arm, units): counted(rows, arm, units) for arm in ARMS for units in sizes}
    least = {arm: least_size(counts, arm, sizes) for arm in ARMS}
    lines = [[arm, *(_cell(rows, counts, arm, units) for units in sizes), _units(least[arm])] for arm in ARMS]
    text = "\n\n".join(
        [
            f"Networks that succeed, and in brackets the mean distance of all; {trained}. The least size is the smallest at which "
            "at least half succeed.",
            table(("units", *map(str, sizes), "least size"), lines),
            "Dale's law: 80 % of the units excitatory, signs by |w|, a start of spectral radius 0.9; without it, an orthogonal "
            "start of gain 1.",
        ]
    )
    verdicts = [
        _more(f"more units are needed for three gates than for {gate.upper()} alone", "poster", THREE, gate, sizes, counts, least)
        for gate in SINGLE
    ]
    verdicts.append(
        _more("under Dale's law the three gates need more units than without", "question", DALE, THREE, sizes, counts, least)
    )
    numbers = {
        "cells": [
            {"arm": arm, "units": units, "successes": k, "networks": n, "interval": finite(statistics.binomial(k, n)[1:])}
            for (arm, units), (k, n) in counts.items()
        ],
        "least": finite(least),
    }
    title = "Units that several gates need (poster of the multitasking networks)"
    return Findings(title, text, rows, _drawn(sizes, rows, counts), verdicts, numbers)


def counted(rows: Rows, arm: str, units: int) -> tuple[int, int]:
    """Successes and networks of a cell."""
    cell = [row["success"] for row in rows if (row["arm"], row["units"]) == (arm, units)]
    return sum(cell), len(cell)


def least_size(counts: Mapping[tuple[str, int], tuple[int, int]], arm: str, sizes: Sequence[int]) -> float:
    """(1), infinite where no size is large enough, NaN where there is no network."""
    cells = [(units, *counts[arm, units]) for units in sizes]
    if not any(n for _, _, n in cells):
        return math.nan
    return min((units for units, k, n in cells if n and 2 * k >= n), default=math.inf)  # (1)


def _units(size: float) -> str:
    return "-" if math.isnan(size) else "larger" if math.isinf(size) else f"{size:g}"


def _cell(rows: Rows, counts: Mapping[tuple[str, int], tuple[int, int]], arm: str, units: int) -> str:
    k, n = counts[arm, units]
    if not n:
        return "-"
    mean = np.mean([row["distance"] for row in rows if (row["arm"], row["units"]) == (arm, units)])
    return f"{k}/{n} ({mean:.2f})"


def _more(claim: str, source: str, many: str, few: str, sizes: Sequence[int], counts: Any, least: Any) -> Verdict:
    """Does `many` succeed less often than `few` at equal sizes?"""
    tables = [(*counts[many, units], *counts[few, units]) for units in sizes]
    both = [row for row in tables if row[1] and row[3]]
    k1, n1, k2, n2 = np.sum(both, axis=0).tolist() if both else (0, 0, 0, 0)
    p = statistics.fisher_strata(tables)
    found = f"{k1} of {n1} succeed against {k2} of {n2}; least sizes {_units(least[many])} and {_units(least[few])}"
    told = min(n1, n2) >= FEW and p < LEVEL
    word = judged(told and k1 * n2 < k2 * n1, told and k1 * n2 > k2 * n1)
    return Verdict(claim, source, found, f"Fisher within sizes p = {p:.2g}" if both else "-", word)


def _drawn(sizes: Sequence[int], rows: Rows, counts: Mapping[tuple[str, int], tuple[int, int]]) -> Any:
    from .. import plots

    made, axes = plots.figure(1, 2, 11.0, 4.4)
    share: dict[str, tuple[Array, Array, Array]] = {}
    far: dict[str, tuple[Array, Array, Array]] = {}
    each: dict[str, tuple[Array, Array]] = {}
    for k, arm in enumerate(ARMS):
        there = [units for units in sizes if counts[arm, units][1]]
        if not there:
            continue
        x = np.array(there) * 1.03 ** (k - 2)  # side by side
        p, low, high = 100 * np.array([statistics.binomial(*counts[arm, units]) for units in there]).T
        distances = [np.array([r["distance"] for r in rows if (r["arm"], r["units"]) == (arm, units)]) for units in there]
        label = f"{arm.upper()} alone" if arm in SINGLE else arm
        share[label] = x, p, np.stack([p - low, high - p])
        far[label] = x, np.array([d.mean() for d in distances]), np.array([statistics.standard_error(d) for d in distances])
        each[label] = np.repeat(x, [len(d) for d in distances]), np.concatenate(distances)
    plots.means(axes[0, 0], share, xlabel="units", ylabel="networks that succeed (%)", legend=False)
    plots.means(axes[0, 1], far, xlabel="units", ylabel="mean distance", each=each, legend=False)
    axes[0, 0].set_ylim(-5, 105)
    axes[0, 0].axhline(50, color="0.6", lw=1, ls=":")
    axes[0, 1].set_ylim(0, None)
    for ax in axes[0]:
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(sizes, [str(units) for units in sizes])
    made.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(ARMS), frameon=False)
    return made
