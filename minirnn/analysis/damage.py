"""Which connections can a network lose? (arXiv 1906.01094, Fig 14)

A connection w is an entry of W_rec other than 0, M the number of them (N^2 where none is 0), t_0 <= t_1 <= .. the thresholds,
with t_-1 = 0. Level i sets to 0 the connections with

    a  |w| < t_i                                                                                               (1)
    b  0 < w < t_i                                                                                             (2)
    c  -t_i < w < 0                                                                                            (3)
    d  t_i-1 < w < t_i                                                                                         (4)
    e  -t_i < w < -t_i-1                                                                                       (5)
    f  the k largest |w|, k = p_i M / 100 to the nearest; of equal ones those in earlier rows go first         (6)

each level starting from the undamaged W_rec. Two axes go with them, both in %:

    share    100 (connections removed) / M                                                                     (7)
    percent  the authors': the level p_i = 0, 2, 4, .. of t_i in a, p_i / 2 in b to e; in f, p_i               (8)

The authors' axis is nominal: their thresholds are those of N = 50, where in a (sigma = 0.141) it is the share to within 1.2; in
d and e it is where the slice lies, not how large it is. For other networks t_i is put where a removes just the share p_i:

    t_i = half way between the k-th and the next of the sorted |w|, k = p_i M / 100 to the nearest             (9)

    d(W) = sqrt(sum over steps and outputs of (z - target)^2), per condition                                   (10)
    mean of d over draws of N(0, input_noise_std^2) added to the inputs, the same draws for every W            (11)

Without input a network that has no recurrent bias rests at 0 whatever it has lost: a curve of type 00 that grows needs (11).

    crossing of a level L: percent_i of the first d_i > L ("first"), or where the line from d_i-1 to it meets L ("linear")   (12)

By "first", in the share (7), for type 11 of the noiseless AND task, the published networks cross 1.5 at 14.0 % (#04) and 9.0 %
(#14; at 8 on the authors' axis). "linear" has 11.9 and 8.0 %.

    standard error of n networks   sd / sqrt(n), sd with n - 1                                                 (13)
    the authors' band              from mean - sd / 11 to mean + sd / 12, sd with n                            (14)

Nothing defines the authors' "error", the sd of (14). It is no standard error: that of values >= 0, of however many, is at most
their mean, and these are up to 2.3 times theirs. If it is the sd of their 10 networks, the standard error is 11/3 of sd / 11.
That slices begin at t_i-1 is read off the titles of the files; in the tables the first ones have the numbers of b and c.
"""

import csv
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Runner = Callable[[Array, Array], Array]

VARIANTS = ("a", "b", "c", "d", "e", "f")
CONDITIONS = ("00", "10", "01", "11")  # the order of `published`, that of the tasks
SHOWN = 19  # of the authors' thresholds; the others are in their files but not in their figure
THRESHOLDS = (
    0.0, 0.003, 0.0075, 0.010, 0.014, 0.017, 0.0205, 0.025, 0.028, 0.032, 0.037, 0.040, 0.044, 0.049, 0.052, 0.056, 0.059, 0.063,
    0.067, 0.078, 0.090, 0.100,
)  # fmt: skip
PERCENT = (*range(0, 2 * SHOWN, 2), 42, 48, 52)  # the authors' level of each threshold
STRONGEST = (0.2, 0.4, 1.0, 2.0, 5.0)


class Curve(NamedTuple):
    """Distances (S, C) at S thresholds; the authors' percent and the share removed, both (S,) and in %."""

    thresholds: Array
    percent: Array
    share: Array
    distances: Array


class Ensemble(NamedTuple):
    """Over networks, each (S, C): mean, standard error, and what the authors shade below and above the mean."""

    mean: Array
    standard_error: Array
    below: Array
    above: Array


class Published(NamedTuple):
    """A variant of the authors' table: thresholds, percent (NaN where not drawn), shown (S,); distances, errors (S, 4).

    The columns are `CONDITIONS`, in that order.
    """

    thresholds: Array
    percent: Array
    shown: Array
    distances: Array
    errors: Array


def slice_edges(thresholds: Any) -> Array:
    """(S, 2) the lower and upper edge of each slice of d and e: the threshold before, 0 before the first, and its own."""
    upper = _ladder("thresholds", thresholds)
    return np.stack([np.concatenate([[0.0], upper[:-1]]), upper], axis=1)


def removed(W_rec: Any, variant: str, thresholds: Any = None, *, edges: Any = None) -> Array:
    """(S, N, N) which connections each level sets to 0 (1 to 6).

    thresholds (S,): not falling, `THRESHOLDS` by default; for f the percentages to remove, `STRONGEST` by default. edges (S, 2):
    other edges of the slices of d and e than `slice_edges`.
    """
    w = _weights(W_rec)
    levels = _levels(variant, thresholds)
    strength = np.abs(w)
    if variant == "f":
        rank = np.empty(w.size, np.intp)
        rank[np.argsort(-strength, axis=None, kind="stable")] = np.arange(w.size)
        largest: Array = rank.reshape(w.shape) < _counts(levels, w)[:, None, None]  # (6)
        return largest
    if variant in "de":
        low, high = _edges(edges, levels).T[:, :, None, None]
    elif edges is not None:
        raise ValueError(f"edges are those of the slices of d and e, got edges for variant {variant}")
    else:
        low, high = np.zeros((len(levels), 1, 1)), levels[:, None, None]
    inside: Array = (low < strength) & (strength < high)  # (1, 4, 5)
    if variant in "bd":
        inside &= w > 0  # (2, 4)
    elif variant in "ce":
        inside &= w < 0  # (3, 5)
    return inside


def share(W_rec: Any, gone: Any) -> Array:
    """(S,) the percentage of the connections that `gone` (S, N, N), of `removed`, takes (7)."""
    w = _weights(W_rec)
    gone = np.asarray(gone)
    if gone.dtype != bool or gone.ndim != 3 or gone.shape[1:] != w.shape:
        raise ValueError(f"gone must be (S, {len(w)}, {len(w)}) booleans, got {gone.shape} of {gone.dtype}")
    part: Array = 100.0 * (gone & (w != 0)).sum(axis=(1, 2)) / np.count_nonzero(w)  # (7)
    return part


def authors_percent(W_rec: Any, variant: str, thresholds: Any = None) -> Array:
    """(S,) the authors' axis (8); p_i is theirs if all thresholds are, else the percentage of connections with |w| < t_i."""
    w = _weights(W_rec)
    levels = _levels(variant, thresholds)
    if variant == "f":
        return levels
    apart = np.abs(levels[:, None] - np.array(THRESHOLDS))
    if (apart.min(axis=1) < 1e-6).all():  # float32 thresholds are theirs, too
        percent = np.array(PERCENT, float)[apart.argmin(axis=1)]
    else:
        percent = share(w, removed(w, "a", levels))
    return percent if variant == "a" else percent / 2  # (8)


def quantile_thresholds(W_rec: Any, percent: Any = PERCENT[:SHOWN]) -> Array:
    """(S,) thresholds at which variant a removes these percentages (S,) of the connections (9), for networks of any size."""
    w = _weights(W_rec)
    levels = _ladder("percent", percent, most=100.0)
    strength = np.sort(np.abs(w[w != 0]))
    last = np.nextafter(strength[-1], np.inf)
    bounds = np.concatenate([[0.0], (strength[1:] + strength[:-1]) / 2, [last]])
    found: Array = bounds[_counts(levels, w)]  # (9)
    return found


def curve(
    W_rec: Any, distance_of: Callable[[Array], Any], variant: str, thresholds: Any = None, *, percent: Any = None, edges: Any = None
) -> Curve:
    """What `distance_of(W_rec)`, (C,), makes of each damaged W_rec; it gets a new array of W_rec's own dtype.

    thresholds, edges: as in `removed`. percent (S,): the axis of `authors_percent`, where it is known better, as with
    `quantile_thresholds`: their percent, halved in b to e.
    """
    levels = _levels(variant, thresholds)
    gone = removed(W_rec, variant, levels, edges=edges)
    axis = authors_percent(W_rec, variant, levels) if percent is None else _ladder("percent", percent, most=100.0)
    if axis.shape != levels.shape:
        raise ValueError(f"percent must be {levels.shape}, one per threshold, got {axis.shape}")
    distances: list[Array] = []
    for level in gone:
        W = np.array(W_rec)
        W[level] = 0
        d = np.asarray(distance_of(W), dtype=np.float64)
        if d.ndim != 1 or d.size == 0 or (distances and d.shape != distances[0].shape):
            raise ValueError(f"distance_of must return (conditions,), the same for every W_rec, got {d.shape}")
        distances.append(d)
    return Curve(levels, axis, share(W_rec, gone), np.stack(distances))


def draw_distances(
    run: Runner, W_rec: Array, x: Any, target: Any, *, input_noise_std: float = 0.1, draws: int = 20, seed: int = 0
) -> Array:
    """(draws, B) the distance (10) of each trial under each draw of input noise, by one call of `run(W_rec, x) -> z`.

    x (T, B, I), without noise; target (T, B, O); `run` gets x (T, draws B, I) and returns z (T, draws B, O). Noiseless trials
    (input_noise_std = 0) are run once: (1, B).
    """
    x, target = np.asarray(x), np.asarray(target)
    if x.ndim != 3 or x.dtype.kind != "f":
        raise ValueError(f"x must be (T, B, I) floats, got {x.shape} of {x.dtype}")
    if target.ndim != 3 or target.shape[:2] != x.shape[:2]:
        raise ValueError(f"target must be ({x.shape[0]}, {x.shape[1]}, O) to fit x, got {target.shape}")
    if not (math.isfinite(input_noise_std) and input_noise_std >= 0):
        raise ValueError(f"input_noise_std must be 0 or positive, got {input_noise_std}")
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 1:
        raise ValueError(f"draws must be a positive integer, got {draws!r}")
    n = draws if input_noise_std > 0 else 1
    noisy = np.tile(x, (1, n, 1))
    if input_noise_std > 0:
        noise = np.random.default_rng(seed).standard_normal((n, *x.shape))  # a draw stays the same however many follow
        noisy += (input_noise_std * np.concatenate(list(noise), axis=1)).astype(x.dtype)
    z = np.asarray(run(W_rec, noisy))
    wanted = (x.shape[0], n * x.shape[1], target.shape[2])
    if z.shape != wanted:
        raise ValueError(f"run must return z {wanted} for x {noisy.shape}, got {z.shape}")
    difference = z.astype(np.float64) - np.tile(target, (1, n, 1))
    distance: Array = np.sqrt((difference * difference).sum(axis=(0, 2))).reshape(n, -1)  # (10)
    return distance


def distance_over_noise(
    run: Runner, x: Any, target: Any, *, input_noise_std: float = 0.1, draws: int = 20, seed: int = 0
) -> Callable[[Array], Array]:
    """The `distance_of` of `curve`: (B,) the mean of `draw_distances` (11), with the same noise for every W_rec."""

    def distance_of(W_rec: Array) -> Array:
        found = draw_distances(run, W_rec, x, target, input_noise_std=input_noise_std, draws=draws, seed=seed)
        mean: Array = found.mean(axis=0)  # (11)
        return mean

    return distance_of


def crossing(percent: Any, distances: Any, level: float, *, how: Literal["first", "linear"] = "first") -> Array:
    """(C,) the percentage at which each column of distances (S, C) exceeds the level (12); NaN where it never does.

    percent (S,): an axis that does not fall, so for the slices d and e not the share. A first entry above counts as it is.
    """
    axis = _ladder("percent", percent)
    d = np.asarray(distances, dtype=np.float64)
    if d.ndim != 2 or len(d) != len(axis):
        raise ValueError(f"distances must be ({len(axis)}, C), a row per entry of percent, got {d.shape}")
    if how not in ("first", "linear"):
        raise ValueError(f"how must be first or linear, got {how!r}")
    above = ~(d <= level)  # NaN, of a network that diverged, is above
    found = np.full(d.shape[1], np.nan)
    for c in np.flatnonzero(above.any(axis=0)):
        i = int(above[:, c].argmax())
        found[c] = axis[i]  # (12)
        if how == "linear" and i > 0 and math.isfinite(d[i, c]):
            found[c] -= (axis[i] - axis[i - 1]) * (d[i, c] - level) / (d[i, c] - d[i - 1, c])  # (12)
    return found


def ensemble(distances: Any) -> Ensemble:
    """Mean and errors (13, 14) of curves (networks, S, C) at the same levels, of two networks or more."""
    d = np.asarray(distances, dtype=np.float64)
    if d.ndim != 3 or len(d) < 2:
        raise ValueError(f"distances must be (networks, S, C) with at least 2 networks, got {d.shape}")
    error = d.std(axis=0)
    return Ensemble(d.mean(axis=0), d.std(axis=0, ddof=1) / math.sqrt(len(d)), error / 11, error / 12)  # (13, 14)


def published(path: str | os.PathLike[str]) -> dict[str, Published]:
    """The authors' tables a to e, means of ten AND networks, from `damage_tables.csv`. ValueError where it does not hold them."""
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        tables = {v: _published([row for row in rows if row["variant"].startswith(v + "_")]) for v in VARIANTS[:5]}
    except (KeyError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise ValueError(f"{os.fspath(path)} does not hold the damage tables: {error!r}") from error
    if any(table.distances.shape != (len(THRESHOLDS), 4) for table in tables.values()):
        raise ValueError(f"{os.fspath(path)} does not hold {len(THRESHOLDS)} thresholds of each of {', '.join(tables)}")
    return tables


def _published(rows: Sequence[dict[str, str]]) -> Published:
    def columns(*names: str) -> Array:
        return np.array([[float(row[name] or "nan") for name in names] for row in rows]).reshape(len(rows), len(names))

    return Published(
        columns("abs_threshold")[:, 0],
        columns("percent_axis_in_figure")[:, 0],
        columns("commented_out_in_file")[:, 0] == 0,
        columns(*(f"dist_{name}" for name in CONDITIONS)),
        columns(*(f"err_{name}" for name in CONDITIONS)),
    )


def _weights(W_rec: Any) -> Array:
    w = np.asarray(W_rec)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or w.dtype.kind != "f" or not np.isfinite(w).all():
        raise ValueError(f"W_rec must be (N, N) finite floats, got {w.shape} of {w.dtype}")
    if not w.any():
        raise ValueError("W_rec must have a connection, got 0 everywhere")
    return w.astype(np.float64)


def _ladder(name: str, values: Any, most: float = math.inf) -> Array:
    """A copy of the values (S,), from 0 to `most` and not falling."""
    ladder: Array = np.array(values, dtype=np.float64)
    if ladder.ndim != 1 or ladder.size == 0:
        raise ValueError(f"{name} must be (S,), got {ladder.shape}")
    if not (np.isfinite(ladder).all() and ladder[0] >= 0 and (np.diff(ladder) >= 0).all() and ladder[-1] <= most):
        range_ = "0 or positive" if most == math.inf else f"from 0 to {most:g}"
        raise ValueError(f"{name} must be {range_} and not fall, got {ladder}")
    return ladder


def _levels(variant: str, thresholds: Any) -> Array:
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
    if variant == "f":
        return _ladder("thresholds of f", STRONGEST if thresholds is None else thresholds, most=100.0)
    return _ladder("thresholds", THRESHOLDS[:SHOWN] if thresholds is None else thresholds)


def _counts(percent: Array, w: Array) -> Array:
    """How many connections these percentages are."""
    return np.rint(percent * np.count_nonzero(w) / 100).astype(np.intp)


def _edges(edges: Any, thresholds: Array) -> Array:
    if edges is None:
        return slice_edges(thresholds)
    given: Array = np.asarray(edges, dtype=np.float64)
    if given.shape != (len(thresholds), 2):
        raise ValueError(f"edges must be ({len(thresholds)}, 2), lower and upper of each slice, got {given.shape}")
    if not (np.isfinite(given).all() and (given[:, 0] >= 0).all() and (given[:, 0] <= given[:, 1]).all()):
        raise ValueError("edges must have 0 <= lower <= upper, got others")
    return given
