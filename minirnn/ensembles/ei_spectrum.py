"""Excitatory-inhibitory networks: the radius of their spectrum against size and fraction (arXiv 2208.10304).

The paper: most eigenvalues fill a disc of radius below 1 (normal start) or a ring (orthogonal start), whose radius depends on
neither the number of units N nor the excitatory fraction f; a few lie apart. It gives no number. The closed form of a start is
`spectra.ei_theory`: outer radius 0.584, inner 0 or 0.399. Networks: `arms.excitatory_inhibitory`, and those without signs.

Before training more matrices than are trained are drawn, also of larger N. A radius R agrees with the closed form R* where the
interval of its mean lies within

    (1)  |R / R* - 1| <= 0.28 N^(-1/2)     twice what the 98 % quantile has over (5) of `spectra` at N = 100 and 400
    (2)  |R / R* - 1| <= 0.02              by the norm, whose own finite size is 1 / (2 N): column means are subtracted
    (3)  |R / R* - 1| <= 0.03              inner radius, only for N >= 400

A few eigenvalues that training moves out are more than 2 % of a small network's, and then the quantile and the norm tell of
them. The authors' 7th largest modulus has room for six, and the median of the moduli hardly sees them. Of a disc of radius R*, and
of the ring of O / 2 and independent entries of variance s^2 / N, s^2 = (1 - 2 / pi) / 4, it is (own derivation)

    (4)  R* / sqrt(2) = 0.413,   sqrt((1/4 + sqrt(1/16 + s^4)) / 2) = 0.508
         from  P(|lambda| < r) = 1/2 + (r^2 - sqrt(s^4 + r^2) / 2) / s^2          0 and 1 at the two radii of the ring

After training R does not depend on x, N or f, where the interval of

    (5)  change = slope of R on x * (largest x - smallest x) / mean of R

lies within 10 %, and the means at no two x are further apart than that; it does depend where the interval is outside. Networks
of the arm have their signs on the side of the target, where the theory has them on that of the source: all is measured of W_rec^T,
whose eigenvalues are the same and whose norm, (9) of `spectra`, is right.

Activity, over the answer of the four conditions: the mean of |r|, and the share of r with |r| > 0.9, without noise; and the time
constant of a unit, `activity.time_constants`, with noise of 0.01 on the inputs, so small that each trial stays near the state
that it comes to. Of a network it is the median over units, at most half the answer's length, in the mean over conditions.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..analysis import activity, spectra
from ..engine import single_blas_thread
from ..network import Network
from ..tasks import distance, success
from . import arms, statistics
from .arms import STARTS
from .runs import Outcome, Run
from .statistics import Interval, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

SIZES = (75, 100, 150, 200)
LARGER = (300, 500)  # before training only
FRACTIONS = (0.3, 0.5, 0.7)
COMPARED = 100  # units, of the fractions and of the networks without signs
DRAWN, DRAWN_LARGER = 40, 10
EQUAL = 0.1  # (5)
NOISE, TRIALS = 0.01, 32
SATURATED = 0.9
ACTIVITY = ("rate", "saturated", "time_constant")

Rows = Sequence[Mapping[str, Any]]


def spectral(network: Network, start: str) -> dict[str, Any]:
    """Radii of a network's W_rec by both conventions, what the closed form says, and how many eigenvalues lie apart."""
    W = network.weights.W_rec.T  # signs in columns
    N = len(W)
    with single_blas_thread:
        ours, authors = spectra.ei_radii(W), spectra.ei_radii(W, convention="authors")
    if network.dale is not None:
        theory = spectra.ei_theory(N, float((network.dale.signs(N) > 0).mean()), start=start)
    else:
        theory = spectra.EITheory(1.0, 1.0 if start == "orthogonal" else 0.0, 0.0)
    values = ours.eigenvalues
    return {
        "outer": ours.outer, "inner": ours.inner, "outer_by_norm": ours.outer_by_norm, "median": float(np.median(ours.moduli)),
        "authors_outer": authors.outer, "authors_inner": authors.inner,
        "theory_outer": theory.outer, "theory_inner": theory.inner, "theory_outlier": theory.outlier,
        "theory_median": median(start, network.dale is not None),
        "largest_real": float(values.real[np.abs(values.real).argmax()]), "largest": float(np.abs(values[0])),
        "outside_unit_circle": int((np.abs(values) > 1.02).sum()), "outside_bulk": int((np.abs(values) > 1.1 * ours.outer).sum()),
    }  # fmt: skip


def median(start: str, signed: bool = True) -> float:
    """(4): the median modulus of a large matrix of this start."""
    if not signed:
        return 1.0 if start == "orthogonal" else math.sqrt(0.5)
    if start == "normal":
        return spectra.ei_theory(1).outer / math.sqrt(2)  # (4)
    s = math.sqrt(1 - 2 / math.pi) / 2
    return math.sqrt((1 / 4 + math.sqrt(1 / 16 + s**4)) / 2)  # (4)


def active(network: Network, task: Any, *, trials: int = TRIALS, rng: Any = 0) -> dict[str, float]:
    """Mean |rate|, share of saturated ones and time constant in ms over the answer of the task's conditions."""
    conditions = task.conditions()
    begin = task.answer_start
    T, B, _ = conditions.x.shape
    rates = np.abs(network.rates(network.run(conditions.x)[0][1 + begin :]))
    rng = np.random.default_rng(rng)
    lags = (T - begin) // 2
    tau = []
    for c in range(B):
        noisy = np.repeat(conditions.x[:, c : c + 1], trials, axis=1)
        noisy += NOISE * rng.standard_normal(noisy.shape, noisy.dtype)
        h = network.rates(network.run(noisy)[0][1 + begin :])
        each = activity.time_constants(h, dt=task.dt, lags=lags)
        each = each[~np.isnan(each)]
        tau.append(min(float(np.median(each)), lags * task.dt) if len(each) else np.nan)
    return {
        "rate": float(rates.mean()), "saturated": float((rates > SATURATED).mean()), "time_constant": float(np.mean(tau)),
    }  # fmt: skip


def measured(outcome: Outcome, cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two rows of a trained network, before and after training."""
    task = outcome.run.task
    rows = []
    for when, network, epochs in (("before", outcome.untrained, 0), ("after", outcome.network, len(outcome.loss))):
        trials = task.conditions()
        z = network.outputs(trials.x)
        rows.append(
            {
                **cell, "when": when, **spectral(network, cell["start"]), **active(network, task),
                "success": success(z, trials, task), "distance": float(distance(z, trials).mean()), "epochs": epochs,
                "network": outcome.path.stem,
            }
        )  # fmt: skip
    return rows


def drawn(run: Run, cell: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a network that is not trained."""
    nothing = {name: np.nan for name in (*ACTIVITY, "success", "distance")}
    return {**cell, "when": "before", **spectral(run.untrained(), cell["start"]), **nothing, "epochs": 0, "network": run.name}


def study(setting: Setting) -> Findings:
    """Radii before training against the closed form, after training against size and fraction; activity with signs and without."""
    if setting.task not in (None, "ei-and"):
        raise ValueError(f"task must be ei-and, got {setting.task}")
    sizes, fractions, compared = ((75,), (0.5,), 75) if setting.quick else (SIZES, FRACTIONS, COMPARED)
    larger = () if setting.quick else LARGER
    trained: dict[tuple[str, int, float, bool], list[Run]] = {
        (start, N, 0.5, True): arms.excitatory_inhibitory(setting, N, start=start) for start in STARTS for N in sizes
    }
    trained |= {("orthogonal", compared, f, True): arms.excitatory_inhibitory(setting, compared, f) for f in fractions if f != 0.5}
    trained[("orthogonal", compared, 1.0, False)] = arms.unconstrained(setting, compared)
    of_name = {outcome.path.stem: outcome for outcome in setting.train([run for runs in trained.values() for run in runs])}
    rows: list[dict[str, Any]] = []
    clouds: dict[str, Any] = {}
    if of_name:
        grid = [(start, N, 0.5) for start in STARTS for N in (*sizes, *larger)]
        grid += [(start, compared, f) for start in STARTS for f in fractions if f != 0.5]
        draws = {
            (start, N, f, True): _drawings(setting, start, N, f, len(trained.get((start, N, f, True), ()))) for start, N, f in grid
        }
        for (start, N, f, signed), runs in (draws | {key: runs for key, runs in trained.items() if not key[3]}).items():
            for k, run in enumerate(runs):
                cell = {"constrained": signed, "start": start, "units": N, "excitatory": f if signed else np.nan, "run": k}
                if run.name in of_name and k < len(trained.get((start, N, f, signed), ())):
                    rows += measured(of_name[run.name], cell)
                elif signed:
                    rows.append(drawn(run, cell))
        clouds = {start: _cloud(trained[start, sizes[-1], 0.5, True], of_name) for start in STARTS}
    text = "\n\n".join(
        [
            f"AND with signs kept by projection; {wall_time(list(of_name.values()))}, and matrices that were only drawn. Radii are "
            "those of `spectra.ei_radii`: the 98 % and 5 % quantiles of moduli once column means are subtracted, the norm, and the "
            "authors' 7th largest and smallest modulus. Means with bootstrapped 95 % intervals.",
            _before(rows),
            _after(rows),
            _activity(rows, compared),
        ]
    )
    verdicts = _closed_form(rows) + _shape(rows) + _independence(rows, sizes, fractions, compared) + _kept(rows)
    numbers = {
        "activity": {
            f"{measure}_{with_signs}": finite(statistics.mean(_values(_compared(rows, compared, signed), measure)))
            for measure in ACTIVITY
            for with_signs, signed in (("constrained", True), ("unconstrained", False))
        }
    }
    title = "Spectra of excitatory-inhibitory networks (arXiv 2208.10304)"
    return Findings(title, text, rows, _figure(rows, clouds, compared, sizes[-1]), verdicts, numbers)


def _drawings(setting: Setting, start: str, N: int, f: float, trained: int) -> list[Run]:
    """The networks of a cell that are drawn: those trained among them, and more, whatever number was asked for."""
    if not setting.quick:
        setting = setting._replace(networks=max(trained, DRAWN_LARGER if N in LARGER else DRAWN))
    return arms.excitatory_inhibitory(setting, N, f, start)


def _cloud(runs: Sequence[Run], of_name: Mapping[str, Outcome]) -> tuple[Any, Any]:
    """The eigenvalues of an ensemble, before and after training."""
    found = [of_name[run.name] for run in runs if run.name in of_name]
    pairs = [(outcome.untrained, outcome.network) for outcome in found]
    with single_blas_thread:
        both = [[np.linalg.eigvals(network.weights.W_rec) for network in pair] for pair in pairs]
    before, after = ([values[k] for values in both] for k in range(2))
    return (np.concatenate(before), np.concatenate(after)) if both else (np.zeros(0, complex), np.zeros(0, complex))


# ---- choosing rows


def _chosen(rows: Rows, when: str, *, start: str | None = None, units: int | None = None, f: float | None = None) -> list[Any]:
    """Rows of networks with signs."""
    return [
        row
        for row in rows
        if row["constrained"] and row["when"] == when and start in (None, row["start"])
        and units in (None, row["units"]) and f in (None, row["excitatory"])
    ]  # fmt: skip


def _compared(rows: Rows, units: int, signed: bool, when: str = "after") -> list[Any]:
    """Rows of networks with signs and without that are alike else, where activity was measured."""
    return [
        row
        for row in rows
        if row["constrained"] == signed and row["when"] == when and row["start"] == "orthogonal" and row["units"] == units
        and (not signed or row["excitatory"] == 0.5) and np.isfinite(row["rate"])
    ]  # fmt: skip


def _values(rows: Rows, column: str) -> Any:
    return np.array([row[column] for row in rows], float)


def _grid(rows: Rows) -> list[tuple[str, int, float]]:
    """Start, units and fraction of the cells there are, in their order."""
    return list(dict.fromkeys((row["start"], row["units"], row["excitatory"]) for row in rows if row["constrained"]))


# ---- tables


def _shown(rows: Rows, column: str, digits: int = 3) -> str:
    return statistics.shown(statistics.mean(_values(rows, column)), digits) if rows else "-"


def _before(rows: Rows) -> str:
    lines = []
    for start, N, f in _grid(rows):
        cell = _chosen(rows, "before", start=start, units=N, f=f)
        outer, inner = cell[0]["theory_outer"], cell[0]["theory_inner"]
        lines.append(
            [start, N, f"{f:g}", len(cell), f"{outer:.3f}", _shown(cell, "outer"), _shown(cell, "outer_by_norm"),
             f"{cell[0]['theory_median']:.3f}", _shown(cell, "median"), f"{inner:.3f}", _shown(cell, "inner"),
             f"{cell[0]['theory_outlier']:.2f}", _shown(cell, "largest_real", 2)]
        )  # fmt: skip
    head = ("start", "N", "f", "n", "outer: closed form", "quantile", "norm", "median: closed form", "here",
            "inner: closed form", "quantile", "outlier: closed form", "largest Re")  # fmt: skip
    return "Before training. The inner quantile of a disc without a hole is 0.22 times the outer one:\n\n" + table(head, lines)


def _after(rows: Rows) -> str:
    lines = []
    for start, N, f in _grid(rows):
        cell = _chosen(rows, "after", start=start, units=N, f=f)
        if cell:
            lines.append(
                [start, N, f"{f:g}", f"{sum(r['success'] for r in cell)}/{len(cell)}", _shown(cell, "outer"),
                 _shown(cell, "median"), _shown(cell, "inner"), _shown(cell, "authors_outer"), _shown(cell, "authors_inner"),
                 _shown(cell, "largest", 2),
                 _shown(cell, "outside_unit_circle", 1), _shown(cell, "outside_bulk", 1)]
            )  # fmt: skip
    head = ("start", "N", "f", "succeed", "outer", "median", "inner", "authors' outer", "authors' inner", "largest modulus",
            "outside 1.02", "outside 1.1 outer")  # fmt: skip
    return "After training:\n\n" + table(head, lines)


def _activity(rows: Rows, units: int) -> str:
    lines = []
    names = {"rate": "mean of |rate|", "saturated": f"share with |rate| > {SATURATED:g}", "time_constant": "time constant (ms)"}
    for when in ("before", "after"):
        groups = [_compared(rows, units, signed, when) for signed in (True, False)]
        for measure, name in names.items():
            a, b = (_values(group, measure) for group in groups)
            apart = statistics.shown(statistics.difference(a, b), 3) if len(a) and len(b) else "-"
            p = statistics.rank_sum(a, b)
            lines.append([when, name, *(_shown(group, measure) for group in groups), apart, f"{p:.2g}" if np.isfinite(p) else "-"])
    succeed = [f"{sum(bool(r['success']) for r in group)} of {len(group)}" for group in groups]
    head = ("training", "measure", "with signs", "without", "difference", "Mann-Whitney p")
    said = (
        f"Activity of networks with N = {units} during the answer, orthogonal start, f = 0.5, with signs and without. There is no "
        f"published number. {succeed[0]} with signs succeed at the task, {succeed[1]} without:"
    )
    return said + "\n\n" + table(head, lines)


# ---- verdicts


def tolerance(N: int, column: str) -> float:
    """(1) to (3): how far a radius may be from the closed form, relatively."""
    return {"outer": 0.28 * N**-0.5, "median": 0.28 * N**-0.5, "outer_by_norm": 0.02, "inner": 0.03}[column]  # (1) (2) (3)


def _closed_form(rows: Rows) -> list[Verdict]:
    """Is the radius before training that of the closed form, for all sizes and fractions?"""
    made = []
    for start in STARTS:
        for column, name, form in (
            ("outer", "outer radius by the 98 % quantile", "theory_outer"),
            ("outer_by_norm", "outer radius by the norm", "theory_outer"),
            ("median", "median modulus", "theory_median"),
            ("inner", "inner radius by the 5 % quantile, N >= 400", "theory_inner"),
        ):
            if column == "inner" and start != "orthogonal":
                continue
            found: list[tuple[float, Interval, float, str]] = []
            for _, N, f in (cell for cell in _grid(rows) if cell[0] == start):
                if column == "inner" and N < 400:
                    continue
                cell = _chosen(rows, "before", start=start, units=N, f=f)
                apart = _relative(statistics.mean(_values(cell, column)), cell[0][form])
                found.append((tolerance(N, column), apart, cell[0][form], f"N = {N}, f = {f:g}"))
            words = [judged(-t <= apart.low and apart.high <= t, apart.low > t or apart.high < -t) for t, apart, _, _ in found]
            told = "-"
            if found:
                _, apart, _, where = max(found, key=lambda item: abs(item[1].value) / item[0])
                told = f"at most {100 * apart.value:+.1f} % [{100 * apart.low:+.1f}, {100 * apart.high:+.1f}] off, at {where}"
            word = judged(bool(words) and all(w == statistics.AGREES for w in words), statistics.DISAGREES in words)
            form_value = f"{found[0][2]:.3f}" if found else "-"
            within = {"outer": "28 % / sqrt(N)", "median": "28 % / sqrt(N)", "outer_by_norm": "2 %", "inner": "3 %"}[column]
            made.append(
                Verdict(
                    f"before training, {start} start: {name} is the closed form, {form_value}, for all N and f", "own derivation",
                    told, f"bootstrap of {len(found)} means, all within {within}", word,
                )
            )  # fmt: skip
    return made


def _relative(found: Interval, value: float) -> Interval:
    """How far it is off, relatively."""
    return Interval(*(part / value - 1 for part in found))


def _shape(rows: Rows) -> list[Verdict]:
    """After training: is the radius below 1, is there a ring, do a few eigenvalues lie apart?"""
    made = []
    share: dict[str, tuple[int, int]] = {}
    for start in STARTS:
        cell = _chosen(rows, "after", start=start)
        k, n = int((_values(cell, "outer") < 1).sum()), len(cell)
        told = f"{k} of {n}, largest {_values(cell, 'outer').max():.3f}" if n else "-"
        claim = f"after training, {start} start: the bulk has a radius below 1"
        stat = f"exact binomial interval {statistics.shown(statistics.binomial(k, n))}"
        made.append(Verdict(claim, "abstract", told, stat, statistics.most(k, n)))
        ring = spectra.ei_theory(100, start="orthogonal").inner / median("orthogonal")
        between = (ring + math.sqrt(0.05 / 0.5)) / 2  # and of a disc without a hole
        share[start] = int((_values(cell, "inner") / _values(cell, "median") > between).sum()), n
    (k1, n1), (k2, n2) = share["orthogonal"], share["normal"]
    p = statistics.fisher(k1, n1, k2, n2)
    told = f"inner radius / median modulus is above {between:.2f}, half way, in {k1} of {n1} (orthogonal) and {k2} of {n2} (normal)"
    orthogonal, normal = statistics.binomial(k1, n1), statistics.binomial(k2, n2)
    word = judged(p < statistics.LEVEL and orthogonal.low > 0.5 > normal.high, orthogonal.high < 0.5 or normal.low > 0.5)
    made.append(
        Verdict("after training: a ring from orthogonal, a disc from normal starts", "abstract", told, f"Fisher p = {p:.2g}", word)
    )
    return made


def independent(x: Any, y: Any, grid: Sequence[float]) -> tuple[Interval, float, statistics.Word]:
    """(5), the largest relative difference of two means, and whether y (n,) does not depend on x (n,).

    grid: all values of x; where one is missing nothing agrees.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) == 0:
        return Interval(np.nan, np.nan, np.nan), np.nan, judged(False, False)
    scale = np.ptp(x) / y.mean()
    change = Interval(*(part * scale for part in statistics.slope(x, y)))  # (5)
    means = [y[x == value].mean() for value in np.unique(x)]
    apart = float(np.ptp(means) / y.mean())
    whole = set(x) == set(grid)
    word = judged(
        whole and -EQUAL <= change.low and change.high <= EQUAL and apart <= EQUAL, change.low > EQUAL or change.high < -EQUAL
    )
    return change, apart, word


def _independence(rows: Rows, sizes: Sequence[int], fractions: Sequence[float], compared: int) -> list[Verdict]:
    """After training: does a radius depend on N, or on f?"""
    made = []
    cases: list[tuple[str, str, list[Any], str, Sequence[float]]] = [
        ("N", start, _chosen(rows, "after", start=start, f=0.5), "units", sizes) for start in STARTS
    ]
    cases.append(("f", "orthogonal", _chosen(rows, "after", start="orthogonal", units=compared), "excitatory", fractions))
    for letter, start, chosen, column, grid in cases:
        for radius, name in (
            ("authors_outer", "authors' outer radius, the 7th largest modulus,"), ("outer", "outer radius, the 98 % quantile,"),
            ("median", "median modulus"),
        ):  # fmt: skip
            x, y = _values(chosen, column), _values(chosen, radius)
            change, apart, word = independent(x, y, grid)
            rho, p = statistics.spearman(x, y)
            told = "-"
            if np.isfinite(change.value):
                told = f"changes by {_percent(change)} from {letter} = {x.min():g} to {x.max():g}; "
                told += f"means at most {100 * apart:.1f} % apart"
            claim = f"after training, {start} start: the {name} does not depend on {letter}"
            made.append(
                Verdict(
                    claim, "abstract", told, f"slope within 10 %; Spearman {rho:+.2f}, p = {p:.2g}" if np.isfinite(p) else "-", word
                )
            )
    return made


def _percent(found: Interval) -> str:
    value = f"{100 * found.value:+.1f} %"
    return value if np.isnan(found.low) else f"{value} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _kept(rows: Rows) -> list[Verdict]:
    """Is the bulk after training what it was before, within 10 % of the closed form?"""
    made = []
    for start in STARTS:
        cell = _chosen(rows, "after", start=start)
        for column, form, name in (("outer", "theory_outer", "outer radius"), ("median", "theory_median", "median modulus")):
            apart = statistics.mean(_values(cell, column) / _values(cell, form) - 1)
            word = judged(-EQUAL <= apart.low and apart.high <= EQUAL, apart.low > EQUAL or apart.high < -EQUAL)
            claim = f"after training, {start} start: the {name} is still the closed form"
            told = f"{_percent(apart)} off, {len(cell)} networks" if cell else "-"
            made.append(Verdict(claim, "own derivation", told, "bootstrap of the mean within 10 %", word))
    return made


# ---- figure


def _figure(rows: Rows, clouds: Mapping[str, Any], compared: int, units: int) -> Any:
    from .. import plots

    made, axes = plots.figure(2, 4, 17.0, 8.4)
    for ax, start in zip(axes[0], ("normal", "orthogonal"), strict=False):
        theory = spectra.ei_theory(units, start=start)
        before, after = clouds.get(start, (np.zeros(0, complex), np.zeros(0, complex)))
        plots.bulk(ax, before, after, (theory.outer, theory.inner), title=f"{start} start, N = {units}, f = 0.5")
    outer = spectra.ei_theory(compared).outer
    sized: Any = {"xlabel": "N", "xlim": (50, 520)}
    plots.radii(axes[0, 2], _curves(rows, "units", f=0.5), outer, ylabel="outer radius (98 % quantile)", **sized)
    plots.radii(
        axes[0, 3], _curves(rows, "excitatory", units=compared), outer, xlabel=f"excitatory fraction f, N = {compared}",
        xlim=(0.2, 0.8), ylabel="outer radius (98 % quantile)",
    )  # fmt: skip
    plots.radii(axes[1, 0], _curves(rows, "units", "authors_outer", f=0.5), outer, ylabel="7th largest modulus (authors)", **sized)
    names = ("mean of |rate|", f"share of |rate| > {SATURATED:g}", "time constant (ms)")
    for ax, measure, name in zip(axes[1, 1:], ACTIVITY, names, strict=True):
        groups = {
            f"{label},\n{when}": _values(_compared(rows, compared, signed, when), measure)
            for when in ("before", "after")
            for label, signed in (("signs", True), ("none", False))
        }
        plots.groups(ax, groups, ylabel=name)
    return made


def _curves(rows: Rows, column: str, radius: str = "outer", **chosen: Any) -> dict[str, Any]:
    """Label: x (S,), mean (S,), standard error (S,), per start and state, where there is anything."""
    found = {}
    for start in STARTS:
        for when in ("before", "after"):
            cell = _chosen(rows, when, start=start, **chosen)
            x, y = _values(cell, column), _values(cell, radius)
            at = np.unique(x)
            if len(at) == 0:
                continue
            means = np.array([y[x == value].mean() for value in at])
            errors = np.array([statistics.standard_error(y[x == value]) for value in at])
            found[f"{start}, {when}"] = (at, means, errors)
    return found
