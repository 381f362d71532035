"""Which eigenvalues leave the unit circle in training, and does their number grow with N? (arXiv 1906.01094, Fig 6)

The paper: training pushes a small set of eigenvalues of W_rec outside the unit circle and the rest stays; few lead also in
networks of 500 units. Seven tasks, two starts, 10 networks each as the authors trained them and 10 with `arms.RECOMMENDED`; and
for N the time pulse after 150 ms in networks of 50 to 500 units. lambda are eigenvalues of W_rec:

    (1)  n  = number of |lambda| > 1.02             `analysis.spectra`; before training, and after it
    (2)  lambda_i -> lambda_p(i)                    before and after, matched one to one by the least sum of distances
    (3)  s_i = |lambda_p(i) - lambda_i|             how far each one moved; medians of those that end outside and of the rest
    (4)  |W - W_0| / |W_0|                          Frobenius norms: how much training changed the matrix
    (5)  W_0 + P(W - W_0)                           a control, P a random permutation of the entries: its (1), and the median of (3)
    (6)  n + 1 ~ N^a                                a = 0: the number does not grow; a = 1: a fixed share of the eigenvalues.
                                                    "Does not grow" takes an interval of a that ends below 0.5

That the rest stays inside is true by definition of "the rest". What ends outside must have moved, so that it moved further says
little; the control says what a change of the same size, but without structure, does.

The published networks' (1) are those of the authors' files, one to three per task.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..analysis import end_states, spectra
from ..engine import single_blas_thread
from . import arms, statistics
from .arms import STARTS
from .runs import Outcome, Run
from .statistics import Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Row = dict[str, Any]

SIZES = {50: 10, 100: 10, 150: 10, 200: 10, 300: 5, 500: 3}  # units and networks
DELAY = 150.0  # ms
MARGIN = 0.02
CONTROL = 17  # address of (5) below a run's seed
PUBLISHED = {  # (1) of the authors' files, N = 50
    "and": (3, 3, 2), "or": (3,), "xor": (6,), "not": (4,), "flip-flop": (4,), "oscillation": (8,), "time-pulse": (2,),
}  # fmt: skip
PUBLISHED_500 = (3, 3)  # AND, normal and orthogonal, N = 500
FEW = 8  # the most of the published networks
SLOW = 0.5  # (6): an interval that ends below it does not grow


class Eigenvalues(NamedTuple):
    """Of one network, (N,) complex each."""

    before: Array
    after: Array


def measured(outcome: Outcome) -> tuple[Row, Eigenvalues]:
    """What the tables say of a network, and its eigenvalues before and after training."""
    start, W = (net.weights.W_rec.astype(np.float64) for net in (outcome.untrained, outcome.network))
    with single_blas_thread:
        before, after = (spectra.spectrum(w, margin=MARGIN, dt=outcome.run.task.dt) for w in (start, W))
        joined = spectra.paths(np.stack([before.eigenvalues, after.eigenvalues]))  # (2)
        change = W - start
        rng = np.random.default_rng(np.random.SeedSequence(int(outcome.run.seed), spawn_key=(CONTROL,)))
        shuffled = spectra.spectrum(start + rng.permutation(change.ravel()).reshape(W.shape), margin=MARGIN)  # (5)
        drifted = spectra.paths(np.stack([before.eigenvalues, shuffled.eigenvalues])).length
    out = np.abs(joined.paths[1]) > 1 + MARGIN
    row = {
        "units": len(W), "outside_before": int(before.outliers.sum()), "outside": int(after.outliers.sum()),  # (1)
        "outside_shuffled": int(shuffled.outliers.sum()), "radius_before": float(np.abs(before.eigenvalues[0])),
        "radius": float(np.abs(after.eigenvalues[0])), "leading_before": end_states.leading(before.eigenvalues, MARGIN),
        "leading": end_states.leading(after.eigenvalues, MARGIN), "moved_outside": statistics.median(joined.length[out]),
        "moved_rest": statistics.median(joined.length[~out]), "moved_shuffled": statistics.median(drifted),  # (3)
        "change": float(np.linalg.norm(change) / np.linalg.norm(start)),  # (4)
        "largest_real": after.largest_real.real, "hz": after.frequency, "network": outcome.path.stem,
    }  # fmt: skip
    return row, Eigenvalues(before.eigenvalues, after.eigenvalues)


def study(setting: Setting) -> Findings:
    """Eigenvalues before and after training, task by task, and their number outside the circle against N."""
    cells: dict[tuple[str, str, str], list[Run]] = arms.compared(setting)
    sizes: dict[int, list[Run]] = {}
    if setting.task in (None, "time-pulse"):
        chosen = {50: SIZES[50]} if setting.quick else SIZES
        sizes = {N: arms.pulse(setting, DELAY, N, networks) for N, networks in chosen.items()}
    outcomes = setting.train([run for runs in (*cells.values(), *sizes.values()) for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    wanted = [(cell, k, run) for cell, runs in cells.items() for k, run in enumerate(runs)]
    wanted += [(("sizes", "orthogonal", "time-pulse"), k, run) for runs in sizes.values() for k, run in enumerate(runs)]
    rows: list[Row] = []
    clouds: dict[tuple[str, str, str], list[Eigenvalues]] = {}
    for cell, k, run in wanted:
        if run.name in of_name:
            row, found = measured(of_name[run.name])
            rows.append({"settings": cell[0], "start": cell[1], "task": cell[2], "run": k, **row})
            if cell in cells:  # those of the large networks are in no picture
                clouds.setdefault(cell, []).append(found)
    parts = [
        f"Eigenvalues of W_rec before and after training, outside where |lambda| > {1 + MARGIN:g}; {wall_time(outcomes)}. Medians "
        "and ranges over networks. A normal start has some outside by chance, as N is finite. Moved: how far the eigenvalues that "
        "end outside, and the rest, moved in training (medians); control: how far they move by the same changes of the weights in "
        "random order. The published networks are the authors' files.",
        table(
            ("task", "settings", "start", "networks", "outside before", "after", "published", "radius before", "after",
             "change of W_rec", "moved: outside", "rest", "control", "outside are"),
            [_line(cell, _of(rows, cell)) for cell in sorted(cells, key=_task_first)],
        ),
    ]  # fmt: skip
    if sizes:
        parts += [
            f"The time pulse after {DELAY:g} ms, from an orthogonal start, by the number of units:",
            table(
                ("N", "networks", "outside", "share (%)", "radius", "change of W_rec"), [_size(N, _sized(rows, N)) for N in sizes]
            ),
        ]
    groups = dict.fromkeys((settings, start) for settings, start, _ in cells)
    verdicts = [verdict for settings, start in groups for verdict in _leave(rows, settings, start)] + (
        _growth(rows) if sizes else []
    )
    numbers = {
        "cells": [
            {"settings": a, "start": b, "task": c, **_summary(_of(rows, (a, b, c)))} for a, b, c in cells
        ],
        "sizes": [{"units": N, **_summary(_sized(rows, N))} for N in sizes],
        "eigenvalues": [
            {"settings": a, "start": b, "task": c, "before": _pairs(found[0].before), "after": _pairs(found[0].after)}
            for (a, b, c), found in clouds.items()
        ],
    }  # fmt: skip
    return Findings(
        "Eigenvalues before and after training (arXiv 1906.01094, Fig 6)", "\n\n".join(parts), rows,
        _drawn(list(cells), clouds, [r for r in rows if r["settings"] == "sizes"], bool(sizes)), verdicts, numbers,
    )  # fmt: skip


def _pairs(values: Array) -> list[list[float]]:
    return [[float(value.real), float(value.imag)] for value in values]


def _of(rows: Sequence[Row], cell: tuple[str, str, str]) -> list[Row]:
    return [row for row in rows if (row["settings"], row["start"], row["task"]) == cell]


def _sized(rows: Sequence[Row], N: int) -> list[Row]:
    return [row for row in rows if row["settings"] == "sizes" and row["units"] == N]


def _task_first(cell: tuple[str, str, str]) -> tuple[int, str, int]:
    return arms.SEVEN.index(cell[2]), cell[0], STARTS.index(cell[1])


def _spread(rows: Sequence[Row], name: str, shown: str = "{:g}") -> str:
    """Median and range: 3 (2 to 5)."""
    values = [row[name] for row in rows]
    if not values:
        return "-"
    middle, low, high = (shown.format(value) for value in (np.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _middle(rows: Sequence[Row], name: str) -> float:
    """The median of what is a number."""
    return statistics.median([row[name] for row in rows if np.isfinite(row[name])])


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _counted(rows: Sequence[Row], name: str) -> str:
    """How often each value is there: real 6, pairs 4."""
    values = [row[name] for row in rows]
    return ", ".join(f"{value} {values.count(value)}" for value in sorted(set(values), key=lambda v: (-values.count(v), v))) or "-"


def _line(cell: tuple[str, str, str], rows: Sequence[Row]) -> list[Any]:
    return [
        cell[2], cell[0], cell[1], len(rows), _spread(rows, "outside_before"), _spread(rows, "outside"),
        ", ".join(map(str, PUBLISHED[cell[2]])), _spread(rows, "radius_before", "{:.2f}"), _spread(rows, "radius", "{:.2f}"),
        _spread(rows, "change", "{:.2f}"),
        *(_number(_middle(rows, name)) for name in ("moved_outside", "moved_rest", "moved_shuffled")),
        _counted(rows, "leading"),
    ]  # fmt: skip


def _size(N: int, rows: Sequence[Row]) -> list[Any]:
    shares = [{"share": 100 * row["outside"] / N} for row in rows]
    return [
        N, len(rows), _spread(rows, "outside"), _spread(shares, "share", "{:.1f}"), _spread(rows, "radius", "{:.2f}"),
        _spread(rows, "change", "{:.3f}"),
    ]  # fmt: skip


def _summary(rows: Sequence[Row]) -> Row:
    names = (
        "outside_before",
        "outside",
        "radius_before",
        "radius",
        "moved_outside",
        "moved_rest",
        "change",
        "outside_shuffled",
        "moved_shuffled",
    )
    medians = {name: _middle(rows, name) for name in names}
    return finite({"networks": len(rows), **medians})


def _leave(rows: Sequence[Row], settings: str, start: str) -> list[Verdict]:
    """Do eigenvalues leave, are they few, and does the rest stay, in the networks of these settings and this start?"""
    chosen = [row for row in rows if (row["settings"], row["start"]) == (settings, start)]
    if not chosen:
        return []
    who, n = f"{settings}, {start} start", len(chosen)
    source = "Fig 6" if settings == "authors" else "Fig 6, our settings"
    before, after, control = (_spread(chosen, name) for name in ("outside_before", "outside", "outside_shuffled"))
    few = sum(0 < row["outside"] <= FEW for row in chosen)
    share = statistics.shown(statistics.binomial(few, n))
    return [
        _paired(
            f"training pushes eigenvalues outside the circle ({who})", source,
            f"{before} outside before, {after} after", chosen, "outside", "outside_before",
        ),
        Verdict(
            f"those outside are few, at least one and at most {FEW} of 50, as in the published networks ({who})", source,
            f"{few} of {n} networks", f"share {share}", statistics.most(few, n),
        ),
        _paired(
            f"more leave than by the same changes in random order ({who})", "control",
            f"{after} outside, {control} in the control", chosen, "outside", "outside_shuffled",
        ),
    ]  # fmt: skip


def _paired(claim: str, source: str, found: str, rows: Sequence[Row], more: str, less: str) -> Verdict:
    """Is `more` above `less` in most networks?"""
    up, down, p = statistics.sign([row[more] - row[less] for row in rows])
    sure = p < statistics.LEVEL
    told = f"so in {up}, the other way in {down} of {len(rows)}, sign test p = {p:.2g}"
    return Verdict(claim, source, found, told, judged(sure and up > down, sure and up < down))


def _growth(rows: Sequence[Row]) -> list[Verdict]:
    """Does the number outside grow with N?"""
    chosen = [row for row in rows if row["settings"] == "sizes"]
    if not chosen:
        return []
    N, n = (np.array([row[name] for row in chosen], float) for name in ("units", "outside"))
    large = [row["outside"] for row in chosen if row["units"] >= 300]
    few = sum(0 < count <= FEW for count in large)
    made = [
        Verdict(
            f"few eigenvalues lead also in large networks: at least one and at most {FEW}, as at N = 50", "1906.01094",
            f"{few} of {len(large)} networks of 300 and 500 units" + (f"; their median is {np.median(large):g}" if large else ""),
            f"share {statistics.shown(statistics.binomial(few, len(large)))}", statistics.most(few, len(large)),
        )
    ]  # fmt: skip
    found = statistics.correlation(N, n)
    exponent = statistics.power_law(N, n)  # (6)
    grows = found.p < statistics.LEVEL and found.rho > 0
    made.append(
        Verdict(
            "the number outside does not grow with N", "question",
            f"grows like N to the {statistics.shown(exponent)}, {len(n)} networks", f"Spearman {found}",
            judged(not grows and np.ptp(N) > 0 and exponent.high < SLOW, grows),
        )
    )  # fmt: skip
    return made


def _drawn(
    cells: Sequence[tuple[str, str, str]], clouds: dict[tuple[str, str, str], list[Eigenvalues]], sized: Sequence[Row], shown: bool
) -> Any:  # fmt: skip
    from .. import plots

    together: dict[str, dict[str, tuple[Array, Array]]] = {}
    for cell in cells:
        found = clouds.get(cell, [Eigenvalues(np.zeros(0, complex), np.zeros(0, complex))])
        pair = np.concatenate([one.before for one in found]), np.concatenate([one.after for one in found])
        together.setdefault(f"{cell[0]}\n{cell[1]} start", {})[cell[2]] = pair
    made, below = plots.spectra_by_task(together, margin=MARGIN, wide=2 if shown else 0)
    if shown:
        N, n = (np.array([row[name] for row in sized], float) for name in ("units", "outside"))
        at, published = np.array([[50.0, n] for n in PUBLISHED["time-pulse"]] + [[500.0, n] for n in PUBLISHED_500]).T
        sizes = np.unique(N)
        for ax, y, marks, label in (
            (below[0], n, published, "outside the circle"), (below[1], 100 * n / N, 100 * published / at, "outside (% of N)"),
        ):  # fmt: skip
            medians = np.array([np.median(y[N == size]) for size in sizes])
            plots.counts(ax, N, y, sizes, medians, published=(at, marks), xlabel="units N", ylabel=label)
    return made
