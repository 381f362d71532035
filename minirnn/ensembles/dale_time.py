"""How long does training take with Dale's law and noise in the state, and without? (thesis, Fig 3.3)

KerasCog's flip-flop, 150 epochs, in the arms of `arms.dale_time`. The thesis: seconds without both; much longer, with a loss
that comes to an asymptote, with both. It prints no values. KerasCog's own Dale layer removes all connections between units, and
the thesis may have had that: its claims are judged of both. An arm of Dale's law without noise tells the two apart. l_e is the
mean loss of epoch e of E, 0.25 where the output is 0.5 throughout:

    (1)  epochs to the threshold = the first e with l_e <= 0.025      a tenth of that; E + 1, a lower bound, where there is none
    (2)  asymptote = mean of l_e over the last 10 epochs              it is called so whether (3) finds that it is one or not
    (3)  remains   = asymptote / mean of l_e over the 10 epochs before the last third of the training

Much longer is twice as long. The loss has come to an asymptote where (3) is above 0.8; the thesis says that it is above what is
reached without. That it comes later than here cannot be excluded. Epochs are what is judged: wall times are never the same
again, and stand in the report and one panel alone. The training loss of the arms with noise has that noise in it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..tasks import distance, success
from . import arms, statistics
from .arms import DALE_ARMS
from .runs import Outcome, Run
from .statistics import Interval, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

THRESHOLD = 0.025  # (1)
LAST = 10  # (2) (3)
LEVELLED = 0.8  # (3)
LONGER = 2.0
EXAMPLE = "BAB"
NONE, BOTH, DALE, DIAGONAL = DALE_ARMS

Rows = Sequence[Mapping[str, Any]]


def measured(outcome: Outcome) -> dict[str, Any]:
    """How fast and how far a network's loss fell, and whether it succeeds at the noiseless conditions."""
    task, loss = outcome.run.task, outcome.loss
    trials = task.conditions()
    z = outcome.network.outputs(trials.x)
    return {
        **falling(loss, outcome.run.training.get("epochs")), "success": success(z, trials, task),
        "distance": float(distance(z, trials, masked=True).mean()), "network": outcome.path.stem,
    }  # fmt: skip


def falling(loss: Any, planned: int | None = None) -> dict[str, Any]:
    """(1) to (3) of a loss (E,), of a training of so many epochs where it ended early. (3) is NaN for fewer than 30 epochs."""
    loss = np.asarray(loss, float)
    E = len(loss)
    below = np.flatnonzero(loss <= THRESHOLD)
    asymptote = float(loss[-LAST:].mean()) if E else math.nan  # (2)
    third = 2 * E // 3
    remains = asymptote / float(loss[third - LAST : third].mean()) if E >= 3 * LAST else math.nan  # (3)
    return {
        "epochs": E, "reached": bool(len(below)),
        "epochs_to_threshold": int(below[0]) + 1 if len(below) else max(E, planned or 0) + 1,  # (1)
        "asymptote": asymptote, "remains": remains,
    }  # fmt: skip


def study(setting: Setting) -> Findings:
    """Fig 3.3: losses of the four arms against epochs and against time, and an output of each."""
    if setting.task not in (None, "kerascog-flip-flop"):
        raise ValueError(f"task must be kerascog-flip-flop, got {setting.task}")
    wanted: dict[str, list[Run]] = {arm: arms.dale_time(setting, arm) for arm in DALE_ARMS}
    outcomes = setting.train([run for runs in wanted.values() for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    found = {arm: [of_name[run.name] for run in runs if run.name in of_name] for arm, runs in wanted.items()}
    place = {run.name: k for runs in wanted.values() for k, run in enumerate(runs)}
    rows = [{"arm": arm, "run": place[outcome.run.name], **measured(outcome)} for arm in DALE_ARMS for outcome in found[arm]]
    text = "\n\n".join(
        [
            f"{wall_time(outcomes)}. The threshold is a loss of {THRESHOLD:g}, a tenth of what a constant output of 0.5 has. "
            "Means with bootstrapped 95 % intervals; where the threshold was never reached, one epoch more than there were is "
            "counted.",
            table(
                ("arm", "succeed", "reach the threshold", "epochs to it", "loss of the last 10 epochs",
                 "remains over the last third", "seconds", "seconds to the threshold"),
                [_line(arm, _of(rows, arm), found[arm]) for arm in DALE_ARMS],
            ),
            "Which of the two is it? Ratios of means; noise without Dale's law has no arm:",
            table(
                ("arms", "epochs to the threshold", "p", "loss of the last 10 epochs", "p"), [_pair(rows, a, b) for a, b in PAIRS]
            ),
        ]
    )  # fmt: skip
    verdicts = _published(rows) + _which(rows)
    numbers = {
        "arms": {
            arm: {
                name: finite(statistics.mean(_values(_of(rows, arm), name)))
                for name in ("epochs_to_threshold", "asymptote", "remains")
            }
            for arm in DALE_ARMS
        }
    }
    return Findings("Training time with Dale's law and noise (thesis, Fig 3.3)", text, rows, _figure(found), verdicts, numbers)


PAIRS = ((BOTH, NONE), (DALE, NONE), (BOTH, DALE), (DIAGONAL, NONE), (DIAGONAL, BOTH))


def _of(rows: Rows, arm: str) -> list[Any]:
    return [row for row in rows if row["arm"] == arm]


def _values(rows: Rows, column: str) -> Any:
    return np.array([row[column] for row in rows], float)


def _line(arm: str, rows: Rows, outcomes: Sequence[Outcome]) -> list[str]:
    if not rows:
        return [arm, *["-"] * 7]
    seconds = np.array([outcome.seconds for outcome in outcomes])
    share = np.array([row["epochs_to_threshold"] / max(row["epochs"], 1) for row in rows])
    reached = np.array([row["reached"] for row in rows])
    n = len(rows)
    return [
        arm, f"{sum(row['success'] for row in rows)}/{n}", f"{reached.sum()}/{n}",
        *(statistics.shown(statistics.mean(_values(rows, name)), digits) for name, digits in
          (("epochs_to_threshold", 1), ("asymptote", 4), ("remains", 2))),
        _spoken(seconds), f"{_spoken((seconds * share)[reached])} (of {reached.sum()})",
    ]  # fmt: skip


def _spoken(seconds: Any) -> str:
    """The mean of those that are known."""
    known = seconds[np.isfinite(seconds)]
    return f"{known.mean():.1f}" if len(known) else "-"


def _compared(rows: Rows, a: str, b: str, column: str) -> tuple[Interval, float]:
    """The ratio of the means of two arms, and the p that they are alike."""
    first, second = _values(_of(rows, a), column), _values(_of(rows, b), column)
    return statistics.ratio(first, second), statistics.rank_sum(first, second)


def _pair(rows: Rows, a: str, b: str) -> list[str]:
    line = [f"{a} / {b}"]
    for column in ("epochs_to_threshold", "asymptote"):
        times, p = _compared(rows, a, b, column)
        line += [statistics.shown(times), f"{p:.2g}"] if np.isfinite(p) else ["-", "-"]
    return line


def _longer(rows: Rows, a: str, b: str, claim: str, source: str) -> Verdict:
    """Does arm a take much longer than b?"""
    times, p = _compared(rows, a, b, "epochs_to_threshold")
    told, stat = "-", "-"
    if np.isfinite(p):
        reached = [sum(row["reached"] for row in _of(rows, arm)) for arm in (a, b)]
        n = [len(_of(rows, arm)) for arm in (a, b)]
        told = f"epochs to the threshold: {statistics.shown(times)} times as many "
        told += f"({reached[0]} of {n[0]} reach it, {reached[1]} of {n[1]})"
        stat = f"bootstrap against {LONGER:g}; Mann-Whitney p = {p:.2g}"
    either = any(row["reached"] for arm in (a, b) for row in _of(rows, arm))
    known = bool(_of(rows, a)) and all(row["reached"] for row in _of(rows, a))  # else its epochs are lower bounds
    word = judged(either and p < statistics.LEVEL and times.low >= LONGER, known and either and times.high < LONGER)
    return Verdict(claim, source, told, stat, word)


def _higher(rows: Rows, a: str, b: str, claim: str, source: str, *, levelled: bool) -> Verdict:
    """Is the asymptote of arm a above that of b, and (levelled) has the loss of a come to one?"""
    times, p = _compared(rows, a, b, "asymptote")
    remains = statistics.mean(_values(_of(rows, a), "remains"))
    told, stat = "-", "-"
    if np.isfinite(p):
        told = f"loss of the last 10 epochs {statistics.shown(times)} times as high"
        told += f"; {statistics.shown(remains)} of what it was before the last third" if levelled else ""
        stat = f"bootstrap; Mann-Whitney p = {p:.2g}"
    flat = not levelled or remains.low > LEVELLED
    steep = levelled and remains.high < LEVELLED
    word = judged(flat and p < statistics.LEVEL and times.low > 1, steep or times.high < 1)
    return Verdict(claim, source, told, stat, word)


def _published(rows: Rows) -> list[Verdict]:
    made = []
    for arm, name, source in (
        (BOTH, "Dale's law and noise", "thesis, Fig 3.3"),
        (DIAGONAL, "KerasCog's diagonal and noise", "thesis, Fig 3.3, if its layer was KerasCog's"),
    ):
        made += [
            _longer(rows, arm, NONE, f"training takes much longer with {name} than without", source),
            _higher(rows, arm, NONE, f"with {name} the loss comes to an asymptote here, above that without", source, levelled=True),
        ]
    return made


def _which(rows: Rows) -> list[Verdict]:
    return [
        _longer(rows, DALE, NONE, "Dale's law alone makes training much longer", "question"),
        _longer(rows, BOTH, DALE, "with Dale's law, noise makes training much longer", "question"),
        _higher(rows, DALE, NONE, "Dale's law alone raises the loss at the end", "question", levelled=False),
        _higher(rows, BOTH, DALE, "with Dale's law, noise raises the loss at the end", "question", levelled=False),
        _higher(
            rows, DIAGONAL, BOTH, "KerasCog's diagonal ends above a true Dale's law, both with noise", "question", levelled=False
        ),
    ]


def _figure(found: Mapping[str, Sequence[Outcome]]) -> Any:
    from .. import plots

    made, axes = plots.figure(2, 3, 14.5, 8.0)
    by_epoch = {arm: [(1 + np.arange(len(o.loss)), o.loss) for o in found[arm]] for arm in DALE_ARMS}
    by_time = {
        arm: [(o.seconds * (1 + np.arange(len(o.loss))) / len(o.loss), o.loss) for o in found[arm] if math.isfinite(o.seconds)]
        for arm in DALE_ARMS
    }
    plots.falling(axes[0, 0], by_epoch, THRESHOLD, xlabel="epoch", legend=True)
    plots.falling(axes[1, 0], by_time, THRESHOLD, xlabel="wall time (s), one thread")
    for ax, arm in zip(axes[:, 1:].flat, DALE_ARMS, strict=True):
        if not found[arm]:
            ax.set_axis_off()
            continue
        outcome = found[arm][0]
        task = outcome.run.task
        trials = task.conditions()
        k = task.condition_names.index(EXAMPLE)
        z = outcome.network.outputs(trials.x[:, k : k + 1])[:, 0]
        target = np.where(trials.weights()[:, k] > 0, trials.target[:, k], np.nan)  # only answers count
        limits = (min(-0.1, float(z.min())), max(1.1, float(z.max())))
        plots.trial(ax, trials.x[:, k] / 2, target, z, dt=task.dt / 1000, title=f"{arm}: no noise, {EXAMPLE}", limits=limits)
        ax.set_xlabel("time (s)")
    return made
