"""What units do over time and contexts: sequences, task variance and clusters, mixed selectivity, orbits, time constants.

Sequentiality of one trial h (T, N) (Orhan & Ma 2019, Nature Neuroscience 22:275, as RNNs_for_DM_and_time_representation computes
it), over the units with a mean above the threshold, p_i the step of the peak of unit i:

    (1)  q_b   = (n_b + 0.1) / sum (n_b + 0.1)       n_b peaks in bin b of 20 equal ones over [0, T)
    (2)  E     = -sum_b q_b log q_b
    (3)  ridge_i = mean of h_i over [max(0, p_i - 2), min(T, p_i + 2)),   background_i = its mean over all other steps
    (4)  index = E + mean_i (log max(ridge_i, 1e-6) - log max(background_i, 1e-6))

Task variance of unit i in context c (Yang et al. 2019, Nature Neuroscience 22:297), over the trials j of that context:

    (5)  V_ic  = mean over t of var_j h_i(t, j)
    (6)  spread_i = ((sum_c V_ic)^2 / sum_c V_ic^2 - 1) / (C - 1)      0: one context alone, 1: all C alike

Mixed selectivity (Rigotti et al. 2013, Nature 497:585), by the two-way analysis of variance of one response r_i(c, s) for each
context c and stimulus s; bars are means over the dotted index, whatever the unit:

    (7)  r(c, s) = r(.,.) + [r(c,.) - r(.,.)] + [r(.,s) - r(.,.)] + rest(c, s)
    (8)  shares  = mean square of each of the three terms / their sum

A set of states and a plane, by PCA with variances lambda_k; phi_t is the angle of state t in the plane about the mean:

    (9)  outside = sum_{k > 2} lambda_k / sum_k lambda_k
    (10) turns   = sum_t (phi_{t+1} - phi_t, taken into (-pi, pi]) / (2 pi)

How long a unit remembers what noise did to it, from trials j of one condition that differ in their noise alone:

    (11) x(t, j) = h_i(t, j) - mean over j of h_i(t, j)
    (12) A(k)    = mean over t < T - k and j of x(t, j) x(t + k, j) / mean over t and j of x(t, j)^2
    (13) tau_i   = dt times the first k with A(k) < 1/e, between k - 1 and k where the line from A(k - 1) to A(k) comes to 1/e
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.cluster.hierarchy import cut_tree, leaves_list, linkage
from scipy.spatial.distance import pdist, squareform

from .pca import count, dimension, pca, real

Array = np.ndarray[Any, Any]


class Sequentiality(NamedTuple):
    """The index, `value`, and what it is made of, for the n units that are active enough; NaN and empty if none is."""

    value: float
    entropy: float  # E, of at most log 20 = 3.00
    units: Array  # (n,) which
    peaks: Array  # (n,) steps
    ridge_to_background: Array  # (n,) log ridge - log background


class PeakOrder(NamedTuple):
    """Units by the time of their peak."""

    order: Array  # (N,) units, the earliest first; those that tie by number
    peaks: Array  # (N,) step of the first maximum of each unit, by unit


class TaskVariance(NamedTuple):
    """How much each unit has to do with each context."""

    contexts: Array  # (C,) sorted
    variance: Array  # (N, C)
    normalised: Array  # (N, C) by the largest of each unit; 0 for units that are not active
    active: Array  # (N,) bool
    spread: Array  # (N,) from 0, one context alone, to 1, all alike; NaN for units that are not active


class Clusters(NamedTuple):
    """Rows grouped by Ward's method."""

    labels: Array  # (n,) from 0, the largest cluster first
    order: Array  # (n,) rows, cluster by cluster
    tree: Array  # (n - 1, 4) scipy's linkage
    counts: Array  # (k,) the numbers of clusters that were tried
    silhouette: Array  # (k,) mean silhouette of each


class MixedSelectivity(NamedTuple):
    """Shares of a unit's variance over conditions; they add up to 1, and are NaN for a unit that does not vary."""

    context: Array  # (N,)
    stimulus: Array  # (N,)
    interaction: Array  # (N,) nonlinear mixed selectivity
    linear: Array  # (N,) 2 min(context, stimulus): 1 if both count alike and nothing else does


class ContextDimension(NamedTuple):
    """`pca.dimension` of each context."""

    contexts: Array  # (C,)
    participation_ratio: Array  # (C,)
    components: Array  # (C,) for the share of the variance that was asked for


class Plane(NamedTuple):
    """The plane that holds most of the variance of a set of states, and how far they are from it."""

    confined: bool  # outside <= tolerance
    outside: float  # share of the variance outside of the plane; NaN if the states are one point
    farthest: float  # largest distance from the plane / root mean square distance from the mean
    turns: float  # about the mean, for states in order of time; the sign has no meaning
    curves: Array  # (M, 2) coordinates in the plane
    axes: Array  # (2, N)
    origin: Array  # (N,) the mean


def sequentiality(h: Any, *, threshold: float = 0.1) -> Sequentiality:
    """The sequentiality index (1)-(4) of one trial h (T, N), T >= 8. Natural logarithms.

    Peaks spread evenly over the trial add log 20 = 3.00 at most, narrow peaks on a low background the rest. A constant unit
    peaks at step 0. The window (3) has 4 steps, p_i - 2 to p_i + 1, as in the code, though its parameter says 5.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    h = real("h", h, (2,))
    T = len(h)
    if T < 8:
        raise ValueError(f"h must have at least 8 steps, to leave a background, got {T}")
    units = np.flatnonzero(h.mean(axis=0) > threshold)
    peaks = np.argmax(h[:, units], axis=0)
    if len(units) == 0:
        return Sequentiality(np.nan, np.nan, units, peaks, np.zeros(0))
    n = np.histogram(peaks, bins=20, range=(0, T))[0] + 0.1
    q = n / n.sum()  # (1)
    E = float(-(q * np.log(q)).sum())  # (2)
    t = np.arange(T)[:, None]
    near = (t >= peaks - 2) & (t < peaks + 2)
    ridge, background = (np.mean(h[:, units], axis=0, where=where) for where in (near, ~near))  # (3)
    ratio = np.log(np.maximum(ridge, 1e-6)) - np.log(np.maximum(background, 1e-6))
    return Sequentiality(E + float(ratio.mean()), E, units, peaks, ratio)  # (4)


def peak_order(h: Any) -> PeakOrder:
    """Units of one trial h (T, N) by the step of their first maximum."""
    peaks = np.argmax(real("h", h, (2,)), axis=0)
    return PeakOrder(np.argsort(peaks, kind="stable"), peaks)


def task_variance(states: Any, contexts: Any, *, floor: float = 1e-3) -> TaskVariance:
    """Task variance (5), its normalised form and its spread (6), of states (T, B, N), noiseless, with the context of each trial.

    contexts: (B,), integers or names; each needs two trials or more, of different stimuli. floor: a unit is active if its task
    variances add up to this or more, as in the source. Cut the states in time before if only some steps count.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    states, names, which = _by_context(states, contexts)
    few = [name for c, name in enumerate(names) if (which == c).sum() < 2]
    if few:
        raise ValueError(f"contexts must have at least 2 trials each, got 1 of {few[0]}")
    variance = np.stack([states[:, which == c].var(axis=1).mean(axis=0) for c in range(len(names))], axis=1)  # (5)
    total, largest = variance.sum(axis=1), variance.max(axis=1)
    active = (total >= floor) & (total > 0)
    normalised = np.divide(variance, largest[:, None], out=np.zeros_like(variance), where=active[:, None])
    spread = np.full(len(variance), np.nan)
    if len(names) > 1:
        shares = normalised[active]
        spread[active] = (shares.sum(axis=1) ** 2 / (shares**2).sum(axis=1) - 1) / (len(names) - 1)  # (6)
    return TaskVariance(names, variance, normalised, active, spread)


def clusters(rows: Any, n: int | None = None, *, most: int = 10) -> Clusters:
    """Groups of similar rows (n rows, features), as those of `task_variance`, by Ward's method (scipy.cluster.hierarchy).

    n: how many; by default that of 2 to `most` with the largest mean silhouette, as in Yang et al. 2019, who use k-means;
    Ward's method needs no random start. Leave out units that are not active.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    rows = real("rows", rows, (2,))
    N = len(rows)
    if N < 3:
        raise ValueError(f"rows must be at least 3, got {N}")
    if n is not None:
        tried = np.array([count("n", n, 1, N)])
    else:
        tried = np.arange(2, min(count("most", most, 2, 10**6), N - 1) + 1)
    tree = linkage(rows, "ward")
    cuts = cut_tree(tree, n_clusters=tried)
    distance = squareform(pdist(rows))
    silhouette = np.array([_silhouette(distance, cut) for cut in cuts.T])
    raw = cuts[:, int(np.argmax(silhouette))]
    rank = np.argsort(np.argsort(-np.bincount(raw), kind="stable"), kind="stable")
    labels = rank[raw]
    leaves = leaves_list(tree)
    return Clusters(labels, leaves[np.argsort(labels[leaves], kind="stable")], tree, tried, silhouette)


def mixed_selectivity(responses: Any) -> MixedSelectivity:
    """Shares of the variance (7) (8) of responses (contexts, stimuli, N), at least 2 x 2: context, stimulus and interaction.

    A response is one number, as a mean over some steps of a noiseless trial of that context and stimulus.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    r = real("responses", responses, (3,))
    if min(r.shape[:2]) < 2:
        raise ValueError(f"responses must be (contexts, stimuli, N) with at least 2 of both, got {r.shape}")
    mean = r.mean(axis=(0, 1))
    context = r.mean(axis=1, keepdims=True) - mean
    stimulus = r.mean(axis=0, keepdims=True) - mean
    rest = r - mean - context - stimulus  # (7)
    squares = np.stack([(term**2).mean(axis=(0, 1)) for term in (context, stimulus, rest)])
    total = squares.sum(axis=0)
    varies = total > (100 * np.finfo(np.float64).eps * np.abs(r).max(axis=(0, 1))) ** 2
    shares = np.divide(squares, total, out=np.full_like(squares, np.nan), where=varies)  # (8)
    return MixedSelectivity(shares[0], shares[1], shares[2], 2 * np.minimum(shares[0], shares[1]))


def context_dimension(states: Any, contexts: Any, share: float = 0.95) -> ContextDimension:
    """Participation ratio and number of components of the states (T, B, N) of each context, its trials stacked.

    contexts: (B,), integers or names.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    states, names, which = _by_context(states, contexts)
    found = [dimension(states[:, which == c], share) for c in range(len(names))]
    return ContextDimension(names, np.array([d.participation_ratio for d in found]), np.array([d.components for d in found]))


def plane(states: Any, *, tolerance: float = 0.01) -> Plane:
    """Do states (M, N), M >= 3 and N >= 2, as the last ones of a trial, stay in a plane (9)? And how often do they go round (10)?

    tolerance: the share of the variance that may lie outside. `turns` needs less than half a turn per step. A closed orbit in
    its own plane is confined and has many turns; states on a line, confined too, have few or none.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    states = real("states", states, (2,))
    if len(states) < 3 or states.shape[1] < 2:
        raise ValueError(f"states must be (M, N) with M >= 3 and N >= 2, got {states.shape}")
    found = pca(states)
    curves, axes = found.curves[:, :2], found.axes[:2]
    if found.variance[0] == 0:
        return Plane(True, np.nan, 0.0, 0.0, curves, axes, found.origin)
    outside = float(found.ratio[2:].sum())  # (9)
    size = float(np.sqrt((found.curves**2).sum(axis=1).mean()))
    farthest = float(np.sqrt((found.curves[:, 2:] ** 2).sum(axis=1)).max()) / size
    angle = np.arctan2(curves[:, 1], curves[:, 0]) if found.variance[1] > 0 else np.zeros(len(curves))
    turns = float(np.diff(np.unwrap(angle)).sum() / (2 * np.pi))  # (10)
    return Plane(outside <= tolerance, outside, farthest, turns, curves, axes, found.origin)


def time_constants(states: Any, *, dt: float = 1.0, lags: int | None = None) -> Array:
    """(11)-(13): tau (N,) in ms of states (T, B, N), B >= 2 trials of one condition; dt the step in ms.

    lags: the largest that is tried, T // 2 by default; inf for a unit whose A has not fallen below 1/e by then, NaN for one that
    does not differ between trials. A unit that forgets within one step has dt (1 - 1/e) = 0.63 dt, and none can have less than
    half of that, so that a step must be short beside what is measured.
    TypeError or ValueError, naming the argument, where one does not fit.
    """
    states = real("states", states, (3,))
    T, B = states.shape[:2]
    if T < 2 or B < 2:
        raise ValueError(f"states must be (T, B, N) with at least 2 steps and 2 trials, got {states.shape}")
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be finite and > 0, got {dt}")
    most = count("lags", T // 2 if lags is None else lags, 1, T - 1)
    x = states - states.mean(axis=1, keepdims=True)  # (11)
    size = (x * x).mean(axis=(0, 1))
    varies = size > (100 * np.finfo(np.float64).eps * np.abs(states).max(axis=(0, 1))) ** 2
    tau = np.where(varies, np.inf, np.nan)
    waiting = np.flatnonzero(varies)
    before = np.ones(len(waiting))
    for k in range(1, most + 1):
        if len(waiting) == 0:
            break
        A = (x[:-k, :, waiting] * x[k:, :, waiting]).mean(axis=(0, 1)) / size[waiting]  # (12)
        fallen = A < 1 / np.e
        above, below = before[fallen], A[fallen]
        tau[waiting[fallen]] = dt * (k - 1 + (above - 1 / np.e) / (above - below))  # (13)
        waiting, before = waiting[~fallen], A[~fallen]
    return tau


def _by_context(states: Any, contexts: Any) -> tuple[Array, Array, Array]:
    """states (T, B, N), the contexts' names (C,), and which of them each trial has (B,)."""
    given = real("states", states, (3,))
    labels = np.asarray(contexts)
    if labels.shape != given.shape[1:2]:
        raise ValueError(f"contexts must be ({given.shape[1]},), one for each trial of states, got {labels.shape}")
    names, which = np.unique(labels, return_inverse=True)
    return given, names, which


def _silhouette(distance: Array, labels: Array) -> float:
    """Mean silhouette (Rousseeuw 1987, J. Comput. Appl. Math. 20:53); 0 for a row alone in its cluster, or for one cluster."""
    member = labels[:, None] == np.unique(labels)  # (N, K)
    size = member.sum(axis=0)
    if len(size) < 2:
        return 0.0
    total = distance @ member
    own = size[None, :] * member
    alone = own.max(axis=1) == 1
    within = (total * member).sum(axis=1) / np.maximum(own.max(axis=1) - 1, 1)
    nearest = np.where(member, np.inf, total / size).min(axis=1)
    larger = np.maximum(within, nearest)
    value = np.divide(nearest - within, larger, out=np.zeros_like(larger), where=~alone & (larger > 0))
    return float(value.mean())
