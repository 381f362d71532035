"""How long does a network remember? Its distance against the delay of the answer (arXiv 1906.01094, Fig 13).

Time pulses of 24 delays in networks of 50 units, 10 for each delay. As in the published script the target has noise of 0.1, as the
input has, in training and where the distance is measured: over TRIALS noisy trials of each condition, the same number of both,

    (1)  d     = sqrt(sum_t (z_t - y_t)^2)      over all T = 100 + delay samples, y the noisy target: `tasks.distance`
    (2)  d_100 = the same, over the last 100 samples alone: 50 before the answer, the 20 of the answer, 30 after it
    (3)  d_rms = d sqrt(100 / T)

and without any noise (1) once more. T for delays that the published T = 100 cannot hold is not published. That matters: by the
noise of the target alone (1) is 0.1 sqrt(T), which rises from 1.12 to 1.64 with the delay whatever a network does, and so would
follow the published curve by itself; (3) has the same noise at all delays, but an answer that is missing counts less and less in a
longer trial (a silent network falls from 1.72 to 1.41). In (2) both stay what they are: 1.00 is the noise and 1.85 a silent
network, at each delay, and the published curve runs from 0.99 to 1.86. So (2) is what is judged; the others are told beside it.
An inference reads the published distances as shares of pulses that are not answered,

    (4)  d = 1.05 + 0.79 failed

beside which we have the share of noisy pulses that `TimePulse.right` finds unanswered, the target without its noise.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..tasks import distance
from ..tasks.shapes import add_noise
from ..trials import Trials
from . import arms, published, statistics
from .runs import Outcome, Run
from .statistics import Interval, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]

DELAYS = (25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 120, 130, 140, 150, 160, 170)
TRIALS = 40  # of each condition
SAMPLES = 100  # (2)
NOISE = 13  # address of the test noise below a run's seed, which training does not use
ANSWERED, UNANSWERED = 1.05, 0.79  # (4)
FEWEST = 3  # networks: of fewer a mean is not compared
LIKE = 0.8  # rank correlation with the published curve
PLATEAU = 110.0  # ms
WIDEST = 0.3  # a third of what lies between noise alone and a silent network


class Cell(NamedTuple):
    """The networks of one delay or size, beside the published ones."""

    at: float
    networks: int
    d: Interval  # (2)
    error: float  # its standard error
    others: tuple[float, float, float]  # means of (1), (3) and of (1) without noise
    answered: float  # share of noisy pulses
    published: float
    published_error: float

    @property
    def bars(self) -> str:
        """Do the published error bars and the bootstrapped interval meet?"""
        if self.networks < FEWEST:
            return "-"
        low, high = self.d[1:] if np.isfinite(self.d.low) else (self.d.value, self.d.value)
        if low > self.published + self.published_error:
            return "above"
        return "below" if high < self.published - self.published_error else "meet"


def measured(outcome: Outcome) -> dict[str, Any]:
    """Distances (1), (2), (3) of a network of `TimePulse`, and how many pulses it answers; the noise follows from its seed."""
    task, network = outcome.run.task, outcome.network
    silent = task.conditions()
    kinds = np.repeat(silent.condition, TRIALS)
    rng = np.random.default_rng(np.random.SeedSequence(outcome.run.seed, spawn_key=(NOISE,)))
    x, target = silent.x[:, kinds], silent.target[:, kinds]
    clean = Trials(x.copy(), target.copy(), condition=kinds, dt=task.dt)
    add_noise(x, task.input_noise_std, rng)
    add_noise(target, task.target_noise_std, rng)
    last = np.zeros(target.shape[:2])
    last[-SAMPLES:] = 1
    noisy = Trials(x, target, last, kinds, task.dt)
    z, still = network.outputs(x), network.outputs(silent.x)
    d = float(distance(z, noisy).mean())  # (1)
    return {
        "d_100": float(distance(z, noisy, masked=True).mean()),  # (2)
        "d": d,
        "d_rms": d * (SAMPLES / len(x)) ** 0.5,  # (3)
        "d_noiseless": float(distance(still, silent).mean()),
        "answered": float(task.right(z, clean)[kinds == 1].mean()),
        "answers_noiseless": bool(task.right(still, silent)[silent.condition == 1].all()),
        "epochs": len(outcome.loss), "loss": outcome.last_loss, "network": outcome.path.stem,
    }  # fmt: skip


def study(setting: Setting) -> Findings:
    """Fig 13 against the delay. ValueError for a task other than the time pulse."""
    check_task(setting)
    delays = (DELAYS[0], DELAYS[-1]) if setting.quick else DELAYS
    arms_of = {float(delay): arms.pulse(setting, float(delay)) for delay in delays}
    rows, told = trained(setting, arms_of, "delay", measured)
    curve = published_curve("scale_distance_vs_delay", "delay_ms")
    cells = compared(rows, "delay", list(arms_of), curve)
    late = [row["d_100"] for row in rows if row["delay"] >= PLATEAU]
    verdicts = [
        like_published(cells, "delay"),
        level(cells, "delay"),
        monotonic(rows, "delay", 1, "the distance rises with the delay"),
        within(late, 1.71, 1.86, f"from {PLATEAU:g} ms on it stays at 1.71 to 1.86, that of networks which seldom answer"),
    ]
    title = "Memory against the delay of the answer (arXiv 1906.01094, Fig 13)"
    text = described(rows, cells, "delay (ms)", told)
    figure = drawn(rows, cells, "delay", "delay of the answer (ms)", curve, 25.0)
    return Findings(title, text, rows, figure, verdicts, numbers(rows, cells))


def check_task(setting: Setting) -> None:
    """ValueError for a task other than the time pulse."""
    if setting.task not in (None, "time-pulse"):
        raise ValueError(f"task must be time-pulse, got {setting.task}")


def trained(
    setting: Setting, arms_of: dict[float, list[Run]], key: str, measure: Callable[[Outcome], dict[str, Any]]
) -> tuple[list[dict[str, Any]], str]:
    """A row per network of these arms, `key` their delay or size, and how long training took."""
    outcomes = setting.train([run for runs in arms_of.values() for run in runs])
    of_name = {outcome.run.name: outcome for outcome in outcomes}
    rows = [
        {key: at, "run": k, **measure(of_name[run.name])}
        for at, runs in arms_of.items()
        for k, run in enumerate(runs)
        if run.name in of_name
    ]
    return rows, wall_time(outcomes)


def published_curve(name: str, column: str) -> dict[float, tuple[float, float]]:
    """Mean distance and its error at each delay or size, as published."""
    return {float(row[column]): (float(row["mean_distance"]), float(row["error"])) for row in published.rows(name)}


def compared(
    rows: Sequence[dict[str, Any]], key: str, grid: Sequence[float], curve: dict[float, tuple[float, float]]
) -> list[Cell]:
    """The rows by delay or size, `key`, beside the published curve; NaN where there is no network."""
    cells = []
    for at in grid:
        chosen = [row for row in rows if row[key] == at]
        d = np.array([row["d_100"] for row in chosen])
        error = statistics.standard_error(d)
        whole, rms, noiseless, answered = (
            float(np.mean([row[name] for row in chosen])) if chosen else np.nan
            for name in ("d", "d_rms", "d_noiseless", "answered")
        )
        cells.append(Cell(at, len(d), statistics.mean(d), error, (whole, rms, noiseless), answered, *curve[at]))
    return cells


def failed(d: float) -> float:
    """The share of pulses that are not answered at this mean distance (4), from 0 to 1."""
    return min(max((d - ANSWERED) / UNANSWERED, 0.0), 1.0)


def like_published(cells: Sequence[Cell], key: str) -> Verdict:
    """Does the mean of (2) go with the published one?"""
    counted = [cell for cell in cells if cell.networks >= FEWEST]
    found = statistics.correlation([cell.d.value for cell in counted], [cell.published for cell in counted])
    claim = f"the distance against the {key} has the order of the published curve (Spearman {LIKE} or more)"
    return Verdict(claim, "Fig 13", f"{len(counted)} points", f"Spearman {found}", statistics.at_least(found, LIKE))


def level(cells: Sequence[Cell], key: str) -> Verdict:
    """Is (2) the published one, not only in the same order? Where error bars meet at nine of ten points, of five or more."""
    bars = [cell.bars for cell in cells if cell.networks >= FEWEST]
    k, n = bars.count("meet"), len(bars)
    share = statistics.binomial(k, n)
    told = f"{k} of {n} error bars meet, {bars.count('below')} are below, {bars.count('above')} above"
    word = judged(n >= 5 and share.value >= 0.9, n >= 5 and share.high < 0.9)
    claim = f"the distance at each {key} is the published one"
    return Verdict(claim, "Fig 13", told, f"share {statistics.shown(share)}" if n else "-", word)


def monotonic(rows: Sequence[dict[str, Any]], key: str, sign: int, claim: str) -> Verdict:
    """Does (2) of single networks rise (sign 1) or fall (-1)?"""
    found = statistics.correlation([row[key] for row in rows], [row["d_100"] for row in rows])
    return Verdict(claim, "Fig 13", f"{len(rows)} networks", f"Spearman {found}", statistics.trend(found, sign))


def within(values: Sequence[float], low: float, high: float, claim: str) -> Verdict:
    """Is the mean of these distances between two published ones? Told by its bootstrapped interval, of 10 networks or more.

    It agrees where the interval meets them and is no wider than WIDEST.
    """
    found = statistics.mean(values)
    enough = len(values) >= 10 and np.isfinite(found.low)
    apart = found.low > high or found.high < low
    narrow = found.high - found.low <= WIDEST
    shown = f"{statistics.shown(found)}, {len(values)} networks" if len(values) else "-"
    return Verdict(
        claim, "Fig 13", shown, "bootstrapped mean", judged(bool(enough and narrow and not apart), bool(enough and apart))
    )


def _line(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Intercept and slope of (2) against the share of unanswered pulses, NaN where that hardly varies."""
    share = np.array([1 - row["answered"] for row in rows])
    if len(rows) < 3 or np.ptp(share) < 0.2:
        return np.nan, np.nan
    slope, intercept = np.polyfit(share, [row["d_100"] for row in rows], 1)
    return float(intercept), float(slope)


def _others(cells: Sequence[Cell]) -> dict[str, statistics.Correlation]:
    """The rank correlation with the published curve that the other distances would have."""
    counted = [cell for cell in cells if cell.networks >= FEWEST]
    curve = [cell.published for cell in counted]
    return {
        name: statistics.correlation([cell.others[k] for cell in counted], curve)
        for k, name in enumerate(("d", "d_rms", "d_noiseless"))
    }


def described(rows: Sequence[dict[str, Any]], cells: Sequence[Cell], head: str, told: str) -> str:
    """The body of the report: what was measured, a table over delays or sizes, the other distances, (4)."""
    others = _others(cells)
    intercept, slope = _line(rows)
    line = "" if np.isnan(slope) else f" Over the networks here, d_100 = {intercept:.2f} + {slope:.2f} failed."
    spoken = "; ".join(f"{name}: {found}" for name, found in others.items())
    return "\n\n".join(
        [
            f"{told}. Distances are means over {TRIALS} noisy trials of each condition, noise of 0.1 on input and target. The one "
            "that is judged, d_100, is over the last 100 samples of a trial: the noise of the target alone makes it 1.00 and a "
            "silent network 1.85, whatever the delay. d is over the whole trial, whose length, and so the noise in it, grows with "
            "the delay; d_rms is d sqrt(100 / T), in which a missing answer counts less in a longer trial; d noiseless is "
            "without any noise. How long the published trials were is not known.",
            table(
                (head, "networks", "d_100 here", "published", "bars", "answered here", "published, inferred", "d", "d_rms",
                 "d noiseless"),
                [_cells(cell) for cell in cells],
            ),
            "bars: whether the published mean +- error meets our bootstrapped 95 % interval. answered: the share of noisy pulses "
            f"that get an answer; the published one is inferred from d = {ANSWERED} + {UNANSWERED} failed.{line}",
            f"Rank correlation with the published curve by the other distances, which are not judged: {spoken}.",
        ]
    )  # fmt: skip


def _cells(cell: Cell) -> list[str]:
    published = f"{cell.published:.2f} +- {cell.published_error:.2f}"
    inferred = f"{100 - 100 * failed(cell.published):.0f} %"
    if cell.networks == 0:
        return [f"{cell.at:g}", "0", "-", published, "-", "-", inferred, "-", "-", "-"]
    others = [f"{value:.2f}" for value in cell.others]
    answered = f"{100 * cell.answered:.0f} %"
    return [f"{cell.at:g}", str(cell.networks), statistics.shown(cell.d), published, cell.bars, answered, inferred, *others]


def numbers(rows: Sequence[dict[str, Any]], cells: Sequence[Cell]) -> dict[str, Any]:
    """For JSON: the cells, the correlations of the other distances, and (4) fitted."""
    intercept, slope = _line(rows)
    return finite(
        {
            "cells": [cell._asdict() | {"d": cell.d._asdict(), "bars": cell.bars} for cell in cells],
            "spearman_of_others": {name: found._asdict() for name, found in _others(cells).items()},
            "unanswered": {"intercept": intercept, "slope": slope},
        }
    )


def drawn(
    rows: Sequence[dict[str, Any]], cells: Sequence[Cell], key: str, label: str, curve: dict[float, tuple[float, float]],
    mark: float | None = None,
) -> Any:  # fmt: skip
    """Distance, and share of answers, against the delay or size; curve: the whole published one; mark: a vertical line."""
    from .. import plots

    x, (given, error) = np.array(list(curve)), np.array(list(curve.values())).T
    inferred = 100 - 100 * np.array([failed(value) for value in given])
    there = [cell for cell in cells if cell.networks]
    at = np.array([cell.at for cell in there])
    d = np.array([cell.d.value for cell in there])
    answered = 100 * np.array([cell.answered for cell in there])
    single = np.array([row[key] for row in rows])
    made, axes = plots.figure(1, 2, 12.0, 4.8)
    distances = {"here": (at, d, np.nan_to_num([cell.error for cell in there])), "published": (x, given, error)}
    shares = {"here": (at, answered, 0 * answered), "published, inferred from its distance": (x, inferred, 0 * inferred)}
    for ax, found, column, scale, words in (
        (axes[0, 0], distances, "d_100", 1, "distance over 100 samples"),
        (axes[0, 1], shares, "answered", 100, "noisy pulses answered (%)"),
    ):
        each = {"here": (single, scale * np.array([row[column] for row in rows]))}
        plots.means(ax, found, xlabel=label, ylabel=words, each=each, legend=False)
        plots.legend_above(ax)
    plots.guides(axes[0, 0], {f"{given.max():.2f}": float(given.max()), f"{given.min():.2f}": float(given.min())}, mark)
    plots.guides(axes[0, 1], {}, mark)
    axes[0, 1].set_ylim(-4, 104)
    return made
