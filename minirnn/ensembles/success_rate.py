"""How often does training succeed? (arXiv 1906.01094, Table 6)

Seven tasks, two starts of W_rec (orthogonal; normal with variance 1/N), 20 networks each, trained as the authors did; success is
`tasks.success`, on the noiseless conditions, which is our rule: the paper states none. Beside them what `arms.RECOMMENDED` does
instead, and, for AND, starts in which only a share of the connections is there (N(0, 1 / (share N)) each, so that the spectral
radius is the same). Is a network's success told by its start, by its density

    (1)  density = share of |w| > 1 / sqrt(N) in the untrained W_rec        strong edges; of a normal start 31.7 % are
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tasks import distance, success
from . import arms, published, statistics
from .arms import SEVEN, STARTS
from .runs import Outcome, Run
from .statistics import Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

DENSITIES = (0.05, 0.1, 0.2, 0.4, 0.7)
SPARSE = "sparse"


def measured(outcome: Outcome) -> dict[str, Any]:
    """What the table says of a network: whether it succeeded, how far it is from its target, how it started and ended."""
    task = outcome.run.task
    trials = task.conditions()
    z = outcome.network.outputs(trials.x)
    start = outcome.untrained.weights.W_rec
    return {
        "success": success(z, trials, task), "distance": float(distance(z, trials).mean()), "loss": outcome.last_loss,
        "epochs": len(outcome.loss), "density": float((np.abs(start) > len(start) ** -0.5).mean()),  # (1)
        "network": outcome.path.stem,
    }  # fmt: skip


def study(setting: Setting) -> Findings:
    """Table 6 with the authors' settings and with RECOMMENDED, and AND from sparse starts. ValueError for a task it has not."""
    if setting.task not in (None, *SEVEN):
        raise ValueError(f"task must be one of {', '.join(SEVEN)}, got {setting.task}")
    tasks = SEVEN if setting.task is None else (setting.task,)
    densities = () if setting.quick or "and" not in tasks else DENSITIES
    cells: dict[tuple[str, str, str], list[Run]] = {}
    for start in STARTS:
        cells |= {("authors", start, task): arms.authors(setting, task, start) for task in tasks}
    cells |= {("recommended", "orthogonal", task): arms.recommended(setting, task) for task in tasks}
    cells |= {("authors", f"{SPARSE} {p:g}", "and"): arms.sparse_starts(setting, p) for p in densities}
    outcomes = setting.train([run for runs in cells.values() for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    rows = [
        {"settings": settings, "start": start, "task": task, "run": k, **measured(of_name[run.name])}
        for (settings, start, task), runs in cells.items()
        for k, run in enumerate(runs)
        if run.name in of_name
    ]
    return reported(tasks, densities, rows, wall_time(outcomes))


def reported(tasks: Sequence[str], densities: Sequence[float], rows: Sequence[dict[str, Any]], trained: str) -> Findings:
    """The report that these rows make; trained: how many networks, and how long it took."""
    cells = [("authors", start, task) for start in STARTS for task in tasks]
    cells += [("recommended", "orthogonal", task) for task in tasks]
    cells += [("authors", f"{SPARSE} {p:g}", "and") for p in densities]
    counts = {cell: _counted(rows, *cell) for cell in cells}
    given = {row["task"]: row for row in published.rows("table6_success_rates")}
    text = "\n\n".join(
        [
            f"Successes of the networks trained, with exact 95 % intervals; {trained}. The paper's rule of success is "
            "not stated; ours is `tasks.success`.",
            table(
                ("task", "orthogonal: paper", "here", "normal: paper", "here", "recommended, orthogonal"),
                [_line(task, given[task], counts) for task in tasks],
            ),
            *([_densities(densities, counts)] if densities else []),
        ]
    )
    verdicts = [v for start in STARTS for v in _cells(start, tasks, given, counts)] + _pooled(tasks, given, counts)
    verdicts += _recommended(tasks, counts) + _density(rows)
    numbers = {
        "cells": [
            {"settings": a, "start": b, "task": c, "successes": k, "networks": n, "interval": finite(statistics.binomial(k, n)[1:])}
            for (a, b, c), (k, n) in counts.items()
        ]
    }
    title = "Success rates (arXiv 1906.01094, Table 6)"
    return Findings(title, text, rows, _drawn(tasks, given, counts), verdicts, numbers)


def _counted(rows: Sequence[dict[str, Any]], settings: str, start: str, task: str) -> tuple[int, int]:
    """Successes and networks of a cell."""
    cell = [row["success"] for row in rows if (row["settings"], row["start"], row["task"]) == (settings, start, task)]
    return sum(cell), len(cell)


def _published(row: dict[str, str], start: str) -> tuple[int, int]:
    n = int(row["n_networks_each"])
    percent = float(row["success_percent_orthogonal" if start == "orthogonal" else "success_percent_random_normal"])
    return round(percent * n / 100), n


def _percent(k: int, n: int) -> str:
    if n == 0:
        return "-"
    share = statistics.binomial(k, n)
    return f"{k}/{n}, {100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _line(task: str, given: dict[str, str], counts: dict[tuple[str, str, str], tuple[int, int]]) -> list[str]:
    line = [task]
    for start in STARTS:
        k, n = _published(given, start)
        line += [f"{100 * k / n:.0f} %", _percent(*counts["authors", start, task])]
    return [*line, _percent(*counts["recommended", "orthogonal", task])]


def _cells(start: str, tasks: Sequence[str], given: Any, counts: Any) -> list[Verdict]:
    """A verdict per cell of the table."""
    made = []
    for task in tasks:
        k, n = counts["authors", start, task]
        pk, pn = _published(given[task], start)
        told = f"Fisher p = {statistics.fisher(k, n, pk, pn):.2g}" if n else "-"
        claim = f"{task}, {start} start: {100 * pk / pn:.0f} % of networks succeed"
        made.append(Verdict(claim, "Table 6", _percent(k, n), told, statistics.against(k, n, pk, pn)))
    return made


def _pooled(tasks: Sequence[str], given: Any, counts: Any) -> list[Verdict]:
    """Does the orthogonal start do better, within the tasks that have both?"""
    tables = {task: [*counts["authors", STARTS[0], task], *counts["authors", STARTS[1], task]] for task in tasks}
    both = [task for task in tasks if tables[task][1] and tables[task][3]]
    if not both:
        return []
    k1, n1, k2, n2 = np.sum([tables[task] for task in both], axis=0).tolist()
    (a, n), (b, _) = (np.sum([_published(given[task], start) for task in both], axis=0).tolist() for start in STARTS)
    p = statistics.fisher_strata([tables[task] for task in both])
    word = judged(p < statistics.LEVEL and k1 / n1 > k2 / n2, p < statistics.LEVEL and k1 / n1 < k2 / n2)
    claim = f"the orthogonal start succeeds more often than the normal one ({a} and {b} of {n})"
    return [Verdict(claim, "Table 6, pooled", f"{k1} of {n1} and {k2} of {n2}", f"Fisher within tasks p = {p:.2g}", word)]


def _recommended(tasks: Sequence[str], counts: Any) -> list[Verdict]:
    """Do the recommended settings succeed in at least 19 of 20? Fewer than 20 networks of a task do not tell."""
    cells = {task: counts["recommended", "orthogonal", task] for task in tasks}
    there = {task: found for task, found in cells.items() if found[1]}
    if not there:
        return []
    worst = min(there, key=lambda task: there[task][0] / there[task][1])
    k, n = there[worst]
    good = all(n >= 20 and k / n >= 19 / 20 for k, n in cells.values())
    bad = any(n >= 20 and k / n < 19 / 20 for k, n in cells.values())
    claim = "the recommended settings succeed in 19 of 20 for every task"
    return [Verdict(claim, "ours", f"at least {k} of {n} ({worst})", "counts", judged(good, bad))]


def _density(rows: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Does the density of the start predict success (1)?"""
    made = []
    for what, chosen in (
        ("normal starts, strong edges", [r for r in rows if r["settings"] == "authors" and r["start"] == "normal"]),
        ("orthogonal starts, strong edges", [r for r in rows if r["settings"] == "authors" and r["start"] == "orthogonal"]),
        ("sparse starts of AND, edges", [r for r in rows if r["start"].startswith(SPARSE)]),
    ):
        if len(chosen) < 3:
            continue
        x = [float(r["start"].split()[1]) if r["start"].startswith(SPARSE) else r["density"] for r in chosen]
        fit = statistics.logistic(x, [r["success"] for r in chosen])
        word = judged(fit.p < statistics.LEVEL, False)
        told = f"log odds change by {fit.slope:+.2f} per standard deviation, {fit.n} networks"
        made.append(
            Verdict(f"initial edge density predicts success ({what})", "question", told, f"likelihood ratio p = {fit.p:.2g}", word)
        )
    return made


def _densities(densities: Sequence[float], counts: Any) -> str:
    lines = [[f"{p:g}", _percent(*counts["authors", f"{SPARSE} {p:g}", "and"])] for p in densities]
    return "AND, authors' settings, from starts of which only a share of the connections is there:\n\n" + table(
        ("share", "successes"), lines
    )


def _drawn(tasks: Sequence[str], given: Any, counts: Any) -> Any:
    from .. import plots

    made, axes = plots.figure(1, 1, 9.0, 4.2)
    bars = {
        "orthogonal": [counts["authors", "orthogonal", task] for task in tasks],
        "normal": [counts["authors", "normal", task] for task in tasks],
        "recommended": [counts["recommended", "orthogonal", task] for task in tasks],
    }
    paper = {start: [_published(given[task], start) for task in tasks] for start in STARTS}
    shares = {label: [statistics.binomial(k, n) for k, n in cells] for label, cells in bars.items()}
    plots.shares(axes[0, 0], tasks, shares, {start: [k / n for k, n in cells] for start, cells in paper.items()})
    return made
