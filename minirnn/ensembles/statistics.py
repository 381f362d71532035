"""What the studies say of few networks: exact intervals, tests, rank correlation, bootstrap, logistic regression; and verdicts.

(1)  binomial interval: the p with P(X >= k | p) and P(X <= k | p) both above 2.5 %      Clopper and Pearson, by SciPy
(2)  P(success) = 1 / (1 + exp(-(a + b x)))                                              logistic regression
(3)  2 (log L(a, b) - log L(a))  against chi-squared with one degree of freedom          its likelihood ratio test
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import optimize, special, stats

Array = np.ndarray[Any, Any]

Word = Literal["agrees", "disagrees", "cannot be told"]
AGREES: Word = "agrees"
DISAGREES: Word = "disagrees"
UNCLEAR: Word = "cannot be told"
LEVEL = 0.05  # below it a difference counts, above it nothing is said of its absence


class Verdict(NamedTuple):
    """A published claim, what was found here, and whether they agree."""

    claim: str
    source: str
    found: str
    statistic: str
    verdict: Word


class Interval(NamedTuple):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class Logistic(NamedTuple):
    """(2) fitted: the slope is per standard deviation of x; p is that of (3); NaN where nothing varies."""

    slope: float
    p: float
    n: int


def binomial(k: int, n: int) -> Interval:
    """The share k / n and (1). NaN without trials."""
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    found = stats.binomtest(int(k), int(n)).proportion_ci(0.95, method="exact")
    return Interval(k / n, float(found.low), float(found.high))


def fisher(k1: int, n1: int, k2: int, n2: int) -> float:
    """The two-sided p that k1 of n1 and k2 of n2 have the same probability."""
    return float(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue)


def spearman(a: Any, b: Any) -> tuple[float, float]:
    """Rank correlation of two lists and its two-sided p; NaN for fewer than three points or a constant list."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan, np.nan
    found = stats.spearmanr(a, b)
    return float(found.statistic), float(found.pvalue)


def mean(values: Any, *, rng: Any = 0) -> Interval:
    """The mean and its bootstrapped interval (BCa, 9999 resamples); without one for fewer than three or equal values."""
    values = np.asarray(values, float)
    if len(values) == 0:
        return Interval(np.nan, np.nan, np.nan)
    if len(values) < 3 or np.ptp(values) == 0:
        return Interval(float(values.mean()), np.nan, np.nan)
    found = stats.bootstrap((values,), np.mean, rng=np.random.default_rng(rng)).confidence_interval
    return Interval(float(values.mean()), float(found.low), float(found.high))


def logistic(x: Any, success: Any) -> Logistic:
    """(2) and (3): does x (n,) predict success (n,)?"""
    x, y = np.asarray(x, float), np.asarray(success, bool)
    if len(x) < 3 or np.ptp(x) == 0 or y.all() or not y.any():
        return Logistic(np.nan, np.nan, len(x))
    u = (x - x.mean()) / x.std()
    sign = np.where(y, 1.0, -1.0)

    def minus_log_likelihood(theta: Array) -> float:
        return float(-special.log_expit(sign * (theta[0] + theta[1] * u)).sum())  # (2)

    fit = optimize.minimize(minus_log_likelihood, np.zeros(2), method="BFGS")
    share = y.mean()
    alone = len(y) * (share * np.log(share) + (1 - share) * np.log1p(-share))
    return Logistic(float(fit.x[1]), float(stats.chi2.sf(2 * (-fit.fun - alone), 1)), len(x))  # (3)


def shown(interval: Interval, digits: int = 2) -> str:
    """0.85 [0.62, 0.97], or the value alone."""
    if np.isnan(interval.low):
        return f"{interval.value:.{digits}f}"
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def judged(agrees: bool, disagrees: bool) -> Word:
    """The word for a verdict: at most one of the two is to be true."""
    return AGREES if agrees else DISAGREES if disagrees else UNCLEAR


def against(k: int, n: int, published: int, published_n: int) -> Word:
    """Is k of n what was published? It agrees where that share lies in (1), and disagrees where `fisher` is below LEVEL.

    An interval wider than one half, that of fewer than about 15 networks, agrees with nearly anything: nothing can be told.
    """
    low, high = binomial(k, n)[1:]
    if not high - low < 0.5:
        return UNCLEAR
    return judged(low <= published / published_n <= high, fisher(k, n, published, published_n) < LEVEL)


def bootstrap(of: Callable[[Array], float], n: int, *, rng: Any = 0, resamples: int = 1000) -> Interval:
    """of(indices (n,)) of n networks, and its percentile interval over networks drawn with replacement; of may be infinite."""
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    value = of(np.arange(n))
    if n < 3:
        return Interval(value, np.nan, np.nan)
    drawn = np.random.default_rng(rng).integers(n, size=(resamples, n))
    low, high = np.quantile([of(indices) for indices in drawn], (0.025, 0.975), method="inverted_cdf")
    return Interval(value, float(low), float(high))


def paired(a: Any, b: Any) -> float:
    """The two-sided p of Wilcoxon's signed ranks that a (n,) and b (n,) differ by nothing; NaN where no pair differs."""
    difference = np.asarray(a, float) - np.asarray(b, float)
    difference = difference[difference != 0]
    return float(stats.wilcoxon(difference).pvalue) if len(difference) else np.nan


def fisher_strata(tables: Any) -> float:
    """`fisher` within strata: the two-sided p that in each of tables (S, 4), k1, n1, k2, n2, both have the same probability.

    The sum of the k1 given all margins is a sum of hypergeometric numbers; as in Fisher's test, all sums no likelier than the
    one found count. Strata in which either side is missing tell nothing. NaN where no stratum has both.
    """
    law, total = np.ones(1), 0
    told = False
    for k1, n1, k2, n2 in np.asarray(tables, int).reshape(-1, 4).tolist():
        if n1 and n2:
            told = True
            law = np.convolve(law, stats.hypergeom(n1 + n2, k1 + k2, n1).pmf(np.arange(n1 + 1)))
            total += k1
    return min(float(law[law <= law[total] * (1 + 1e-7)].sum()), 1.0) if told else np.nan
