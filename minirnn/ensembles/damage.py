"""Which connections can trained networks lose? (arXiv 1906.01094, Fig 14)

Ten AND networks, orthogonal start, trained as the authors did, lose connections by strength and sign. What the variants a to f
remove, the distance d and the levels in % are those of `minirnn.analysis.damage`; d is the mean over draws of input noise, and
without noise it is measured once. The authors' thresholds belong to 50 units; for other sizes the quantiles of |w| are taken.
Any of the seven tasks can be asked for. The paper's limits are of AND, whose trials have T = 200 steps:

    (1)  d > sqrt(T / 200) deteriorated, d > 1.5 sqrt(T / 200) destroyed
    (2)  rise = mean over levels and conditions of d - d(undamaged)              of a network in a variant, as far as drawn
    (3)  (sum of the rises in b) / (sum of the rises in c)                       over networks; 1 where both signs matter alike

Curves are given of all networks, as in the paper, and of those that were successful undamaged. The claims are about networks that
had learnt the task: the verdicts are on the latter. "Equally needed" is taken as (3) between 1 / EQUAL and EQUAL; in the authors'
own tables it is 1.3. "Destroyed" is a network one of whose conditions is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ..analysis.damage import (
    PERCENT,
    SHOWN,
    STRONGEST,
    THRESHOLDS,
    VARIANTS,
    crossing,
    curve,
    distance_over_noise,
    quantile_thresholds,
)
from ..analysis.damage import ensemble as over_networks
from ..analysis.damage import published as authors_tables
from ..network import Network
from ..tasks import success
from . import arms, statistics
from .arms import SEVEN
from .published import FOLDER
from .runs import Outcome
from .statistics import LEVEL, UNCLEAR, Interval, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Rows = Sequence[Mapping[str, Any]]

NETWORKS = 10
NOISE, DRAWS = 0.1, 20
UNITS = 50  # those of the authors' thresholds
EQUAL = 1.5
FEW = 5  # below so many networks nothing is told
AT = 14.0  # %, where AND deteriorates by the paper
ANCHORS = " Two published networks, without noise, type 11 alone: a at 14 % and at 8 %."
WIDE = 12.0  # %: an interval as wide as that of all levels says nothing


def runner(network: Network) -> Callable[[Array, Array], Array]:
    """run(W_rec, x (T, B, I)) -> z (T, B, O): this network with other recurrent weights, which no sign constraint changes."""
    w = network.weights
    plain = Network(*w[:5], w.h0, **network.constants | {"dale": None, "train_h0": False, "vanishing": 0.0})

    def run(W_rec: Array, x: Array) -> Array:
        return plain.with_params(plain.params._replace(W_rec=W_rec)).outputs(x)

    return run


def measured(outcome: Outcome, draws: int = DRAWS, step: int = 1) -> list[dict[str, Any]]:
    """A row per variant and level, each `step`-th of the authors': what is removed, and d of the conditions with noise and without.

    Level 0, the undamaged network, is there for each variant.
    """
    network, task = outcome.network, outcome.run.task
    trials, W = task.conditions(), network.weights.W_rec
    run = runner(network)
    noisy = distance_over_noise(run, trials.x, trials.target, input_noise_std=NOISE, draws=draws)
    silent = distance_over_noise(run, trials.x, trials.target, input_noise_std=0.0)
    shared = {
        "network": outcome.path.stem, "units": network.n_rec, "steps": len(trials.x),
        "success": success(network.outputs(trials.x), trials, task),
    }  # fmt: skip
    percent = np.array(PERCENT[::step], float)
    levels = np.array(THRESHOLDS[::step]) if network.n_rec == UNITS else quantile_thresholds(W, percent)
    rows = []
    for variant in VARIANTS:
        strongest = variant == "f"
        given = (0.0, *STRONGEST) if strongest else levels
        axis = given if strongest else percent if variant == "a" else percent / 2
        noise = curve(W, noisy, variant, given, percent=axis)
        still = curve(W, silent, variant, given, percent=axis)
        for i, level in enumerate(noise.percent):
            rows.append(
                {
                    "variant": variant,
                    "level": float(level),
                    "threshold": np.nan if strongest else noise.thresholds[i],
                    "share": noise.share[i],
                    **shared,
                    **{f"d {name}": d for name, d in zip(task.condition_names, noise.distances[i], strict=True)},
                    **{f"noiseless {name}": d for name, d in zip(task.condition_names, still.distances[i], strict=True)},
                }
            )
    return rows


def study(setting: Setting) -> Findings:
    """Fig 14 for AND, or another of the seven tasks. ValueError for a task it has not."""
    if setting.task not in (None, *SEVEN):
        raise ValueError(f"task must be one of {', '.join(SEVEN)}, got {setting.task}")
    name = setting.task or "and"
    runs = arms.authors(setting, name, "orthogonal", NETWORKS)
    outcomes = setting.train(runs)
    position = {run.name: k for k, run in enumerate(runs)}
    how: dict[str, int] = {"draws": 2, "step": 7} if setting.quick else {}
    rows = [{"task": name, "run": position[outcome.run.name], **row} for outcome in outcomes for row in measured(outcome, **how)]
    return reported(name, runs[0].task.condition_names, rows, wall_time(outcomes))


def reported(task: str, names: Sequence[str], rows: Rows, trained: str = "") -> Findings:
    """The report that these rows make."""
    title = f"Damage to networks of {task.upper() if task in ('and', 'or', 'xor', 'not') else task} (arXiv 1906.01094, Fig 14)"
    if not rows:
        from .. import plots

        return Findings(title, "No network is there.", [], plots.figure(1, 1, 4.0, 3.0)[0], [], {})
    scale = math.sqrt(rows[0]["steps"] / 200)  # (1)
    everyone, solved = _of(rows, names), _of([row for row in rows if row["success"]], names)
    authors = _authors() if task == "and" else {}
    each = _each(rows, names, scale)
    n, k = len(everyone["a"][1]), len(solved["a"][1])
    groups = (authors, everyone, solved)
    lines = [
        [v, *(_shown(passes(*group[v], limit)) if v in group else "-" for limit in (scale, 1.5 * scale) for group in groups)]
        for v in VARIANTS
    ]
    text = "\n\n".join(
        [
            f"{n} networks, {k} of them successful undamaged by `tasks.success`; trained: {trained}. Distances are means over "
            f"draws of input noise of {NOISE:g}. The level (%, the authors' axis) at which their mean over networks and conditions "
            f"first passes {scale:.3g}, and {1.5 * scale:.3g}:",
            table(
                ("variant", f"{scale:.3g}: published", "all", "successful", f"{1.5 * scale:.3g}: published", "all", "successful"),
                lines,
            ),
            f"Condition by condition, where the mean over networks first passes {scale:.3g} in a (0 %: undamaged):",
            table(
                ("condition", "published", "all", "successful"),
                [
                    [name, *(_shown(passes(g["a"][0], g["a"][1][:, :, c : c + 1], scale)) if g else "-" for g in groups)]
                    for c, name in enumerate(names)
                ],
            ),
            "Network by network: the mean undamaged distance, and the level at which some condition first passes "
            f"{1.5 * scale:.3g} when the weakest (a) or the strongest (f) are removed.{ANCHORS if task == 'and' else ''}",
            table(
                ("network", "successful", "d", "d, noiseless", "a", "a, noiseless", "f", "f, noiseless"),
                [
                    [
                        one["run"], "yes" if one["success"] else "**no**", f"{one['d']:.2f}", f"{one['noiseless']:.2f}",
                        *(_shown(one[f"{kind} {v}"]) for v in "af" for kind in ("d", "noiseless")),
                    ]
                    for one in each
                ],
            ),
        ]
    )  # fmt: skip
    numbers = {
        "networks": n, "successful": k, "limits": [scale, 1.5 * scale], "each": finite(each),
        "curves": {
            group: {v: {"level": percent.tolist(), "d": d.mean(axis=0).tolist()} for v, (percent, d) in data.items() if len(d)}
            for group, data in (("published", authors), ("all", everyone), ("successful", solved))
        },
    }  # fmt: skip
    verdicts = _verdicts(task, everyone, solved, authors, scale)
    return Findings(title, text, rows, _drawn(task, names, everyone, solved, scale), verdicts, numbers)


Curves = Mapping[str, tuple[Array, Array]]  # of each variant: levels (S,) and distances (networks, S, conditions)


def _of(rows: Rows, names: Sequence[str], kind: str = "d") -> dict[str, tuple[Array, Array]]:
    """The curves in these rows, as far as the paper draws them."""
    made = {}
    for variant in VARIANTS:
        end = PERCENT[SHOWN - 1] / (1 if variant == "a" else 2)
        chosen = [row for row in rows if row["variant"] == variant and row["level"] <= end]
        runs = dict.fromkeys(row["run"] for row in chosen)
        percent = np.array([row["level"] for row in chosen if row["run"] == chosen[0]["run"]])
        d = np.array([[row[f"{kind} {name}"] for name in names] for row in chosen])
        made[variant] = percent, d.reshape(len(runs), len(percent), len(names))
    return made


def _authors() -> dict[str, tuple[Array, Array]]:
    """The published curves, of one network that is the mean of ten."""
    tables = authors_tables(FOLDER / "damage_tables.csv")
    return {v: (t.percent[t.shown], t.distances[t.shown][None]) for v, t in tables.items()}


def passes(percent: Array, d: Array, limit: float) -> float:
    """The level (%) at which d (networks, S, C), averaged, first passes the limit; infinite where it never does, NaN of nothing."""
    if not len(d):
        return math.nan
    found = float(crossing(percent, d.mean(axis=(0, 2))[:, None], limit)[0])
    return math.inf if math.isnan(found) else found


def _worst(percent: Array, d: Array, limit: float) -> float:
    """The level at which some condition of d (S, C) first passes the limit."""
    found = float(crossing(percent, d.max(axis=1)[:, None], limit)[0])
    return math.inf if math.isnan(found) else found


def _shown(level: float) -> str:
    return "-" if math.isnan(level) else "never" if math.isinf(level) else f"{level:g} %"


def _range(found: Interval) -> str:
    return f"{_shown(found.value)} [{_shown(found.low)}, {_shown(found.high)}]"


def _each(rows: Rows, names: Sequence[str], scale: float) -> list[dict[str, Any]]:
    """Of each network its undamaged distance and where (1) destroys it, with noise and without."""
    kinds = {kind: _of(rows, names, kind) for kind in ("d", "noiseless")}
    made = []
    first = [row for row in rows if row["variant"] == "a" and row["level"] == 0]
    for k, row in enumerate(first):
        one = {"run": row["run"], "success": row["success"]}
        for kind, data in kinds.items():
            one[kind] = float(data["a"][1][k, 0].mean())
            one |= {f"{kind} {v}": _worst(data[v][0], data[v][1][k], 1.5 * scale) for v in VARIANTS}
        made.append(one)
    return made


def rises(percent: Array, d: Array, inside: Callable[[Array], Array] = lambda level: level > 0) -> Array:
    """(networks,) (2), over the levels `inside`, of d (networks, S, C), whose first level is 0."""
    rise: Array = (d - d[:, :1])[:, inside(percent)].mean(axis=(1, 2))  # (2)
    return rise


def _verdicts(task: str, everyone: Curves, solved: Curves, authors: Curves, scale: float) -> list[Verdict]:
    source = "Fig 14" if task == "and" else "Fig 14, of AND"
    n = len(solved["a"][1])
    claims = {
        f"d passes {scale:.3g} when all weaker than the {AT:g} % level are removed, not before": _deteriorates,
        "both signs are equally needed": _signs,
        "a slice of the positive (d) matters less than all weaker (b)": _slices("d", "b"),
        "a slice of the negative (e) matters less than all weaker (c)": _slices("e", "c"),
        "slices matter from 10 % on": _later,
        "removing the strongest destroys at a small percentage (1 % or less)": _strongest,
    }
    made = []
    for claim, judge in claims.items():
        if n < FEW:
            made.append(Verdict(claim, source, f"{n} networks that succeed, {FEW} needed", "-", UNCLEAR))
        else:
            made.append(Verdict(claim, source, *judge(everyone, solved, scale)))
    for variant, (percent, d) in authors.items():
        claim = f"{variant}: the mean curve has the published shape"
        if n < FEW:
            made.append(Verdict(claim, source, f"{n} networks that succeed, {FEW} needed", "-", UNCLEAR))
        else:
            made.append(Verdict(claim, source, *_shape(solved[variant], percent, d[0])))
    return made


def _deteriorates(everyone: Curves, solved: Curves, scale: float) -> tuple[str, str, statistics.Word]:
    """(1): where does the mean curve pass it, over networks drawn again?"""
    percent, d = solved["a"]
    found = statistics.bootstrap(lambda which: passes(percent, d[which], scale), len(d))
    narrow = found.high - found.low < WIDE
    word = judged(narrow and found.low <= AT <= found.high, not found.low <= AT <= found.high)
    return f"first at {_range(found)}; of all networks {_shown(passes(*everyone['a'], scale))}", "bootstrap over networks", word


def _signs(everyone: Curves, solved: Curves, scale: float) -> tuple[str, str, statistics.Word]:
    """(3), over networks drawn again, and the paired test."""
    b, c = (rises(*solved[v]) for v in "bc")
    found = statistics.bootstrap(lambda which: _ratio(b[which].sum(), c[which].sum()), len(b))
    within = found.low >= 1 / EQUAL and found.high <= EQUAL
    word = judged(within, found.low > EQUAL or found.high < 1 / EQUAL)
    said = f"d rises by {b.mean():.2f} (b) and {c.mean():.2f} (c), ratio {statistics.shown(found)}"
    return said, f"bootstrap over networks; paired p = {statistics.paired(b, c):.2g}", word


def _ratio(b: float, c: float) -> float:
    """(3), infinite where nothing in c matters, NaN where nothing does in either."""
    if c > 0:
        return float(b / c)  # (3)
    return math.inf if b > 0 else math.nan


def _slices(part: str, whole: str) -> Callable[[Curves, Curves, float], tuple[str, str, statistics.Word]]:
    def judge(everyone: Curves, solved: Curves, scale: float) -> tuple[str, str, statistics.Word]:
        return _less(rises(*solved[part]), rises(*solved[whole]), f"({part}) and", f"({whole})")

    return judge


def _later(everyone: Curves, solved: Curves, scale: float) -> tuple[str, str, statistics.Word]:
    """Do slices at 10 % and above raise d more than those below?"""
    before, after = (
        np.mean([rises(*solved[v], inside) for v in "de"], axis=0)
        for inside in (lambda level: (level > 0) & (level < 10), lambda level: level >= 10)
    )
    return _less(before, after, "below 10 % and", "from there on")


def _less(a: Array, b: Array, of_a: str, of_b: str) -> tuple[str, str, statistics.Word]:
    """Is a less than b, network by network?"""
    p = statistics.paired(a, b)
    less = bool(np.median(a - b) < 0)  # as the test looks at ranks, one network that stands out must not decide
    said = f"d rises by {a.mean():.2f} {of_a} {b.mean():.2f} {of_b}, less in {(a < b).sum()} of {len(a)}"
    return said, f"paired p = {p:.2g}", judged(p < LEVEL and less, p < LEVEL and not less)


def _strongest(everyone: Curves, solved: Curves, scale: float) -> tuple[str, str, statistics.Word]:
    """(1) in f up to 1 %, beside the weakest 2 %."""
    whole = (solved["f"][1][:, 0] <= 1.5 * scale).all(axis=1)  # what is beyond the limit undamaged can not be destroyed

    def destroyed(variant: str, end: float) -> Array:
        percent, d = solved[variant]
        above: Array = d[whole][:, (percent > 0) & (percent <= end)] > 1.5 * scale  # (1)
        return np.asarray(above.any(axis=(1, 2)))

    strong, weak = destroyed("f", 1.0), destroyed("a", 2.0)
    k, n = int(strong.sum()), len(strong)
    said = f"{k} of {n} networks destroyed that undamaged are within the limit; by the weakest 2 %, {weak.sum()}"
    share = statistics.binomial(k, n)
    return said, f"exact binomial interval {statistics.shown(share)}", statistics.most(k, n)


def _shape(ours: tuple[Array, Array], percent: Array, theirs: Array) -> tuple[str, str, statistics.Word]:
    """Rank correlation of both mean curves, over networks drawn again: by more than one half?"""
    level, d = ours
    at = np.flatnonzero(np.isin(percent, level))
    curve = theirs[at].mean(axis=1)
    ranks = rankdata(curve)

    def rho(which: Array) -> float:
        mean = d[which].mean(axis=(0, 2))
        return float(np.corrcoef(rankdata(mean), ranks)[0, 1]) if np.ptp(mean) else 0.0  # a flat curve has no order

    found = statistics.bootstrap(rho, len(d))
    p = statistics.spearman(d.mean(axis=(0, 2)), curve)[1]
    return f"rho = {statistics.shown(found)}", f"Spearman p = {p:.2g}", judged(found.low > 0.5, found.high < 0.5)


def _drawn(task: str, names: Sequence[str], everyone: Curves, solved: Curves, scale: float) -> Any:
    from .. import plots

    def summed(data: Curves) -> dict[str, tuple[Array, Array, Array | None, Array | None]]:
        made: dict[str, tuple[Array, Array, Array | None, Array | None]] = {}
        for variant, (percent, d) in data.items():
            if d.shape[2] > 4:
                d = np.stack([d.mean(axis=2), d.max(axis=2)], axis=2)
            if len(d) > 1:
                found = over_networks(d)
                made[variant] = percent, found.mean, found.below, found.above
            else:
                made[variant] = percent, d[0], None, None
        return made

    pages: dict[str, dict[str, tuple[Array, Array, Array | None, Array | None]]] = {}
    if task == "and":
        tables = authors_tables(FOLDER / "damage_tables.csv")
        pages["published, 10"] = {
            v: (t.percent[t.shown], t.distances[t.shown], t.errors[t.shown] / 11, t.errors[t.shown] / 12) for v, t in tables.items()
        }
    n, k = len(everyone["a"][1]), len(solved["a"][1])
    pages[f"here, all {n}"] = summed(everyone)
    if 0 < k < n:
        pages[f"successful, {k}"] = summed(solved)
    many = len(names) > 4
    shown = ("mean", "largest") if many else names
    gate = all(set(name) <= {"0", "1"} for name in names)
    legend = f"of {len(names)} conditions" if many else "inputs A B"[: 6 + 2 * len(names[0])] if gate else "condition"
    return plots.variants(pages, names=shown, axis="level (%)", lines=(scale, 1.5 * scale), legend=legend)
