"""Typical wrong answers to the exercises of tutorial 9."""

MISTAKES = [
    (
        "09_damage_and_ensembles",
        "weakest-removed",
        "np.argsort(np.abs(W_rec), axis=None)",
        "np.argsort(W_rec, axis=None)",
        "the sign counts",
    ),
    (
        "09_damage_and_ensembles",
        "weakest-removed",
        "k = round(percent * W_rec.size / 100)",
        "k = round(percent * len(W_rec) / 100)",
        "percent of the units",
    ),
    (
        "09_damage_and_ensembles",
        "noisy-distance",
        """d = np.sqrt(((z - target[:, None]) ** 2).sum(axis=(0, 3)))  # (2)
    return d.mean(axis=0)  # (3)""",
        "return np.sqrt(((z.mean(axis=1) - target) ** 2).sum(axis=(0, 2)))",
        "removes the noise",
    ),
    (
        "09_damage_and_ensembles",
        "exact-interval",
        """low = np.where(k == 0, 0.0, stats.beta.ppf(0.025, k, n - k + 1))  # (4)
    high = np.where(k == n, 1.0, stats.beta.ppf(0.975, k + 1, n - k))  # (4)""",
        "low, high = (k / n + sign * 1.96 * np.sqrt(k / n * (1 - k / n) / n) for sign in (-1, 1))",
        "the normal approximation",
    ),
    (
        "09_damage_and_ensembles",
        "bootstrap-interval",
        "means = values[drawn].mean(axis=1)",
        "means = values[drawn].ravel()",
        "quantiles of all resampled values",
    ),
]
