"""Typical wrong answers in tutorial 5: tutorial, exercise, line of the solution, what it reads, words of the verdict."""

MISTAKES = [
    (
        "05_adam",
        "momentum-step",
        "return theta + m, m  # (12)",
        "return theta - m, m",
        "points downhill already",
    ),
    (
        "05_adam",
        "adam",
        "v_hat = v / (1 - beta2**t)  # (10)",
        "v_hat = v",
        "v starts at 0 too",
    ),
    (
        "05_adam",
        "clip-globally",
        "norm = np.sqrt((g_in**2).sum() + (g_rec**2).sum())  # (7)",
        "norm = np.sqrt((g_in**2).sum()) + np.sqrt((g_rec**2).sum())",
        "is not the sum of the two",
    ),
]
