"""Tutorial 9, damage and ensembles. W_rec is (to, from); equation numbers are the tutorial's."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy import stats

from ...analysis import damage
from ..verdict import Draw, Exercise, Mistake

Array = np.ndarray[Any, Any]

TAILS = (0.025, 0.975)


# ---- the weakest connections


def _network(rng: np.random.Generator) -> Draw:
    """Percentages that have to be rounded up: who cuts them off is found out, and np.percentile's threshold is right."""
    while True:
        N = int(rng.integers(5, 9))
        percent = float(rng.uniform(15, 45))
        if 0.55 < percent * N * N / 100 % 1 < 0.95:
            return Draw((rng.normal(0.1, 0.5, (N, N)), percent))


def _without(gone: Callable[[Array, float], Array]) -> Any:
    def made(W_rec: Array, percent: float) -> Array:
        W = W_rec.copy()
        W[gone(W_rec, percent)] = 0
        return W

    return made


def _weakest(W_rec: Array, percent: float) -> Array:
    gone: Array = damage.removed(W_rec, "a", damage.quantile_thresholds(W_rec, [percent]))[0]  # (1)
    return gone


def _least(key: Array, k: int) -> Array:
    """Where the k smallest entries of the key are."""
    gone = np.zeros(key.size, bool)
    gone[np.argsort(key, axis=None, kind="stable")[:k]] = True
    return gone.reshape(key.shape)


def _each_row(W_rec: Array, percent: float) -> Array:
    k = round(percent / 100 * len(W_rec))
    return np.abs(W_rec) <= np.sort(np.abs(W_rec), axis=1)[:, k - 1 : k] if k else np.zeros(W_rec.shape, bool)


# ---- the distance over noise


def _outputs(rng: np.random.Generator) -> Draw:
    T, R, B, O = (int(n) for n in rng.permutation([2, 3, 4, 5]))
    z, target = rng.standard_normal((T, R, B, O)), rng.standard_normal((T, B, O))
    return Draw((z, target), {"T": T, "sqrt(T)": math.sqrt(T), "R": R, "B": B, "O": O, "sqrt(O)": math.sqrt(O)})


def _squares(z: Array, target: Array) -> Array:
    """(R, B) sums over steps and outputs."""
    return ((z - target[:, None]) ** 2).sum(axis=(0, 3))


def _distance(z: Array, target: Array) -> Array:
    """(2, 3) by the package, its run being replaced by these outputs."""
    T, R, B, O = z.shape
    x = np.zeros((T, B, 1))
    found = damage.draw_distances(lambda W, given: z.reshape(T, R * B, O), np.ones((1, 1)), x, target, input_noise_std=1.0, draws=R)
    return found.mean(axis=0)


# ---- the exact interval


def _counts(rng: np.random.Generator) -> Draw:
    n = int(rng.integers(9, 25))
    return Draw((rng.permutation([0, n, *rng.integers(2, n - 1, 3)]), n))


def _interval(method: Literal["exact", "wilson"]) -> Callable[[Array, int], tuple[Array, Array]]:
    def made(k: Array, n: int) -> tuple[Array, Array]:
        low, high = np.array([stats.binomtest(int(one), n).proportion_ci(0.95, method=method) for one in k]).T
        return low, high

    return made


def _ends(low: Callable[[Array, int], Any], high: Callable[[Array, int], Any]) -> Any:
    """An interval that knows about k = 0 and k = n."""

    def made(k: Array, n: int) -> Any:
        return np.where(k == 0, 0.0, low(k, n)), np.where(k == n, 1.0, high(k, n))

    return made


def _wald(k: Array, n: int) -> tuple[Array, Array]:
    p = k / n
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


# ---- the bootstrap


def _resamples(rng: np.random.Generator) -> Draw:
    n, R = int(rng.integers(5, 9)), int(rng.integers(40, 60))
    values = rng.standard_normal(n)
    return Draw((values, rng.integers(n, size=(R, n))), {"n": n, "R": R})


def _over(of: Callable[[Array, Array], Any]) -> Any:
    return lambda values, drawn: tuple(of(values, drawn))


def _middle(means: Array, half: Any) -> tuple[Any, Any]:
    return means.mean() - half, means.mean() + half


EXERCISES = {
    "weakest-removed": Exercise(
        "without_weakest(W_rec, percent) -> a new W_rec (N, N)",
        ("W",),
        _network,
        _without(_weakest),
        lambda: [
            Mistake(
                "the strongest are removed",
                "In which order does the sort come out, and which end of it is weak?",
                _without(lambda W, p: _least(-np.abs(W), round(p * W.size / 100))),
            ),
            Mistake(
                "the sign counts",
                "A weight of -2 is not weaker than one of 0.1: strength is |w|.",
                _without(lambda W, p: _least(W, round(p * W.size / 100))),
            ),
            Mistake(
                "a share of the largest |w|",
                "The threshold lies at that share of the strongest weight. Asked is the share of the connections, a count.",
                _without(lambda W, p: np.abs(W) < p / 100 * np.abs(W).max()),
            ),
            Mistake(
                "row by row",
                "Each unit loses the same number here. In (1) all connections of the network are ranked together.",
                _without(_each_row),
            ),
            Mistake(
                "k cut off, not rounded",
                "k is rounded in (1), and int() cuts off.",
                _without(lambda W, p: _least(np.abs(W), int(p * W.size / 100))),
            ),
            Mistake(
                "one connection too many",
                "Count the zeros of your result: are they k?",
                _without(lambda W, p: _least(np.abs(W), round(p * W.size / 100) + 1)),
            ),
            Mistake(
                "percent taken as a number of connections",
                "percent is of M, the number of connections.",
                _without(lambda W, p: _least(np.abs(W), round(p))),
            ),
            Mistake(
                "percent of the units",
                "M counts connections, N^2 of them, not units.",
                _without(lambda W, p: _least(np.abs(W), round(p * len(W) / 100))),
            ),
            Mistake(
                "what is kept and what is removed exchanged", "Look at what your mask is True for.", lambda W, p: W * _weakest(W, p)
            ),
            Mistake(
                "the absolute values are kept",
                "Rank by |w|, but what stays keeps its sign.",
                lambda W, p: np.abs(_without(_weakest)(W, p)),
            ),
        ],
    ),
    "noisy-distance": Exercise(
        "noisy_distance(z, target) -> the mean distance (B,), from z (T, R, B, O) and target (T, B, O)",
        ("d",),
        _outputs,
        _distance,
        lambda: [
            Mistake(
                "the root of the mean",
                "(2) is a distance per draw, and (3) its mean: the root comes before the mean.",
                lambda z, target: np.sqrt(_squares(z, target).mean(axis=0)),
            ),
            Mistake(
                "the mean output's distance",
                "Averaging z first removes the noise that the distance is to feel.",
                lambda z, target: np.sqrt(((z.mean(axis=1) - target) ** 2).sum(axis=(0, 2))),
            ),
            Mistake(
                "a mean over steps",
                "(2) sums over steps and outputs; the paper's limits 1 and 1.5 belong to that sum.",
                lambda z, target: np.sqrt(((z - target[:, None]) ** 2).mean(axis=(0, 3))).mean(axis=0),
            ),
            Mistake("no root", "(2) is a root of a sum of squares.", lambda z, target: _squares(z, target).mean(axis=0)),
            Mistake(
                "absolute values",
                "(2) squares the differences.",
                lambda z, target: np.abs(z - target[:, None]).sum(axis=(0, 3)).mean(axis=0),
            ),
            Mistake(
                "a distance per output",
                "The root in (2) is taken once, of the sum over steps and outputs.",
                lambda z, target: np.sqrt(((z - target[:, None]) ** 2).sum(axis=0)).sum(axis=-1).mean(axis=0),
            ),
            Mistake(
                "a sum over the draws", "(3) is a mean over draws.", lambda z, target: np.sqrt(_squares(z, target)).sum(axis=0)
            ),
            Mistake(
                "one number for all conditions",
                "The conditions are to stay apart: which axis is B?",
                lambda z, target: np.full(z.shape[2], np.sqrt(_squares(z, target)).mean()),
            ),
        ],
    ),
    "exact-interval": Exercise(
        "exact_interval(k, n) -> (low, high), arrays like k, for the counts k of n networks",
        ("low", "high"),
        _counts,
        _interval("exact"),  # (4)
        lambda: [
            Mistake(
                "the normal approximation",
                "It has no width at k = 0 and k = n, and leaves [0, 1]. (4) are quantiles of beta distributions.",
                _wald,
            ),
            Mistake(
                "the normal approximation, cut at 0 and 1",
                "It still has no width at k = 0 and k = n. (4) are quantiles of beta distributions.",
                lambda k, n: tuple(np.clip(end, 0, 1) for end in _wald(k, n)),
            ),
            Mistake(
                "the score interval",
                "That is Wilson's, good on average, but not exact: it may cover less than 95 %.",
                _interval("wilson"),
            ),
            Mistake(
                "5 % on each side",
                "95 % in the middle leave 2.5 % on each side.",
                _ends(lambda k, n: stats.beta.ppf(0.05, k, n - k + 1), lambda k, n: stats.beta.ppf(0.95, k + 1, n - k)),
            ),
            Mistake(
                "Bayes' interval",
                "beta(k + 1, n - k + 1) is what is believed of p after a uniform prior. It is narrower than (4).",
                lambda k, n: tuple(stats.beta.ppf(np.array(TAILS)[:, None], k + 1, n - k + 1)),
            ),
            Mistake(
                "shares for counts",
                "k counts networks; the parameters of (4) are counts, and only the result is a share.",
                _ends(
                    lambda k, n: stats.beta.ppf(0.025, k / n, 2 - k / n), lambda k, n: stats.beta.ppf(0.975, k / n + 1, 1 - k / n)
                ),
            ),
        ],
    ),
    "bootstrap-interval": Exercise(
        "bootstrap_interval(values, drawn) -> (low, high), from values (n,) and drawn (R, n), indices of values",
        ("low", "high"),
        _resamples,
        _over(lambda values, drawn: np.quantile(values[drawn].mean(axis=1), TAILS)),  # (5)
        lambda: [
            Mistake(
                "quantiles of the values",
                "That is where single networks lie. Asked is where the mean of n of them lies: the mean comes first.",
                _over(lambda values, drawn: np.quantile(values, TAILS)),
            ),
            Mistake(
                "quantiles of all resampled values",
                "The mean of each resample, a row of drawn, comes before the quantiles.",
                _over(lambda values, drawn: np.quantile(values[drawn], TAILS)),
            ),
            Mistake(
                "means over the other axis",
                "A resample is a row of drawn: n values, one mean.",
                _over(lambda values, drawn: np.quantile(values[drawn].mean(axis=0), TAILS)),
            ),
            Mistake(
                "5 % on each side",
                "95 % in the middle leave 2.5 % on each side.",
                _over(lambda values, drawn: np.quantile(values[drawn].mean(axis=1), (0.05, 0.95))),
            ),
            Mistake(
                "1.96 standard deviations of the means",
                "That supposes that the means are normal. (5) takes their quantiles as they are.",
                _over(lambda values, drawn: _middle(values[drawn].mean(axis=1), 1.96 * values[drawn].mean(axis=1).std())),
            ),
            Mistake(
                "1.96 standard errors",
                "That supposes a normal mean, and does not use what was drawn. (5) takes quantiles of the resampled means.",
                lambda values, drawn: _middle(values, 1.96 * values.std(ddof=1) / math.sqrt(len(values))),
            ),
            Mistake(
                "shares taken for percentages",
                "np.quantile takes shares, np.percentile takes percentages: which of the two do you call, and with what?",
                _over(lambda values, drawn: np.percentile(values[drawn].mean(axis=1), TAILS)),
            ),
            Mistake(
                "medians",
                "Asked is the interval of the mean.",
                _over(lambda values, drawn: np.quantile(np.median(values[drawn], axis=1), TAILS)),
            ),
            Mistake(
                "the indices themselves",
                "drawn holds indices: which values do they point at?",
                _over(lambda values, drawn: np.quantile(drawn.mean(axis=1), TAILS)),
            ),
        ],
    ),
}
