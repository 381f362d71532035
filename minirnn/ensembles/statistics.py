"""What the studies say of few networks: exact intervals, tests, rank correlation, bootstrap, logistic regression; and verdicts.

(1)  binomial interval: the p with P(X >= k | p) and P(X <= k | p) both above 2.5 %      Clopper and Pearson, by SciPy
(2)  P(success) = 1 / (1 + exp(-(a + b x)))                                              logistic regression
(3)  2 (log L(a, b) - log L(a))  against chi-squared with one degree of freedom          its likelihood ratio test
"""

import math
from collections.abc import Callable
from itertools import combinations, permutations
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


def standard_error(values: Any) -> float:
    """That of the mean of independent values (n,); 0 for fewer than two."""
    values = np.asarray(values, float)
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def median(values: Any) -> float:
    """The median of values (n,), some of them infinite perhaps; NaN of nothing."""
    return float(np.median(values)) if len(values) else np.nan


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
    """0.85 [0.62, 0.97], or the value alone, or - where there is none."""
    if np.isnan(interval.value):
        return "-"
    if np.isnan(interval.low):
        return f"{interval.value:.{digits}f}"
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def judged(agrees: bool, disagrees: bool) -> Word:
    """The word for a verdict: at most one of the two is to be true."""
    return AGREES if agrees else DISAGREES if disagrees else UNCLEAR


def against(k: int, n: int, published: int, published_n: int) -> Word:
    """Is k of n what was published? It agrees where that share lies in (1), and disagrees where `fisher` is below LEVEL.

    Fewer than 10 networks, or an interval wider than one half, agree with nearly anything: nothing can be told.
    """
    low, high = binomial(k, n)[1:]
    if n < 10 or not high - low < 0.5:
        return UNCLEAR
    return judged(low <= published / published_n <= high, fisher(k, n, published, published_n) < LEVEL)


def sign(differences: Any) -> tuple[int, int, float]:
    """How many differences are above 0, how many below, and the exact two-sided p that both are as likely; 1 where none is."""
    d = np.asarray(differences, float)
    up, down = int((d > 0).sum()), int((d < 0).sum())
    return up, down, float(stats.binomtest(up, up + down).pvalue) if up + down else 1.0


def power_law(x: Any, y: Any, *, rng: Any = 0) -> Interval:
    """The exponent a of y ~ x^a, by least squares of log(y + 1) on log x, and its bootstrapped interval (pairs, 9999 resamples).

    y (n,) counts, 0 among them. NaN where x does not vary; without an interval for fewer than five pairs.
    """
    u, v = np.log(np.asarray(x, float)), np.log1p(np.asarray(y, float))
    if len(u) < 2 or np.ptp(u) == 0:
        return Interval(np.nan, np.nan, np.nan)
    slope = float(np.polyfit(u, v, 1)[0])
    if len(u) < 5:
        return Interval(slope, np.nan, np.nan)
    drawn = np.random.default_rng(rng).integers(len(u), size=(9999, len(u)))
    a, b = u[drawn], v[drawn]
    a -= a.mean(axis=1, keepdims=True)
    spread = (a * a).sum(axis=1)
    slopes = (a * b).sum(axis=1)[spread > 0] / spread[spread > 0]
    return Interval(slope, *map(float, np.quantile(slopes, (0.025, 0.975))))


def most(k: int, n: int) -> Word:
    """Do most do it, k of n? By whether (1) is above one half or below it."""
    low, high = binomial(k, n)[1:]
    return judged(low > 0.5, high < 0.5)


class Correlation(NamedTuple):
    """A rank correlation, its 95 % interval, its two-sided p, and the number of points."""

    rho: float
    low: float
    high: float
    p: float
    n: int

    def __str__(self) -> str:
        if np.isnan(self.rho):
            return "-"
        interval = "" if np.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"rho = {self.rho:.2f}{interval}, p = {self.p:.2g}, n = {self.n}"


def correlation(a: Any, b: Any) -> Correlation:
    """`spearman` with an interval, tanh(artanh rho -+ 1.96 sqrt((1 + rho^2 / 2) / (n - 3))) (Bonett and Wright 2000).

    Up to eight points p is the exact one, over all permutations. The interval is NaN for fewer than four points and where the
    order is quite the same or opposite; all are NaN where there is no rank correlation.
    """
    rho, p = spearman(a, b)
    n = len(np.asarray(a))
    if np.isnan(rho):
        return Correlation(np.nan, np.nan, np.nan, np.nan, n)
    if n <= 8:
        x, y = (stats.rankdata(v) - (n + 1) / 2 for v in (a, b))
        permuted = y[np.array(list(permutations(range(n))))] @ x
        p = float((np.abs(permuted) >= abs(float(y @ x)) - 1e-9).mean())
    low = high = np.nan
    if n > 3 and abs(rho) < 1 - 1e-9:
        reach = 1.96 * np.sqrt((1 + rho**2 / 2) / (n - 3))
        low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach])).tolist()
    return Correlation(rho, low, high, p, n)


def at_least(found: Correlation, least: float) -> Word:
    """Is the correlation `least` or more? It agrees where rho is and p is below LEVEL, disagrees where the interval is below."""
    below = found.high < least or (np.isnan(found.high) and found.rho < 0 and found.p < LEVEL)
    return judged(found.rho >= least and found.p < LEVEL, bool(below))


def trend(found: Correlation, sign: int) -> Word:
    """Is the correlation of this sign? Told where p is below LEVEL."""
    told = found.p < LEVEL
    return judged(told and found.rho * sign > 0, told and found.rho * sign < 0)


def slope(x: Any, y: Any) -> Interval:
    """The least-squares slope of y (n,) on x (n,) and its 95 % interval, of Student's t; NaN where x does not vary.

    Without an interval for fewer than four points.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 2 or np.ptp(x) == 0:
        return Interval(np.nan, np.nan, np.nan)
    if len(x) < 4:
        return Interval(float(np.polyfit(x, y, 1)[0]), np.nan, np.nan)
    fit = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(x) - 2) * fit.stderr)
    return Interval(float(fit.slope), float(fit.slope) - half, float(fit.slope) + half)


def difference(a: Any, b: Any, *, rng: Any = 0) -> Interval:
    """mean(a) - mean(b) of independent lists, bootstrapped (percentiles, 9999 resamples of each); for fewer than three no interval.

    NaN where one is empty.
    """
    return _two(a, b, np.subtract, rng)


def ratio(a: Any, b: Any, *, rng: Any = 0) -> Interval:
    """mean(a) / mean(b) of positive numbers, as `difference`."""
    return _two(a, b, np.divide, rng)


def _two(a: Any, b: Any, how: Any, rng: Any) -> Interval:
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) == 0 or len(b) == 0:
        return Interval(np.nan, np.nan, np.nan)
    value = float(how(a.mean(), b.mean()))
    if min(len(a), len(b)) < 3:
        return Interval(value, np.nan, np.nan)
    rng = np.random.default_rng(rng)
    means = [rng.choice(values, (9999, len(values))).mean(axis=1) for values in (a, b)]
    return Interval(value, *map(float, np.quantile(how(*means), (0.025, 0.975))))


def rank_sum(a: Any, b: Any) -> float:
    """The two-sided p of Mann and Whitney's test that a and b have one distribution; NaN where one is empty.

    Exact, over all ways to share out the ranks, ties among them, where there are not too many ways; else the normal limit.
    """
    n, m = len(a), len(b)
    if n == 0 or m == 0:
        return np.nan
    if math.comb(n + m, n) > 200_000:
        return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)
    ranks = stats.rankdata(np.concatenate([a, b])) - (n + m + 1) / 2
    sums = ranks[np.array(list(combinations(range(n + m), n)))].sum(axis=1)
    return float((np.abs(sums) >= abs(float(ranks[:n].sum())) - 1e-9).mean())


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
