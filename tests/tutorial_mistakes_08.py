"""Wrong answers to the exercises of tutorial 8: the line of the solution, what it reads instead, words of the verdict."""

MISTAKES = [
    (
        "08_dale_and_noise",
        "dale-weights",
        "    return np.abs(V) * d  # (8.1), the last axis of W is that of the senders",
        "    return np.diag(d) @ np.abs(V)",
        "signs on the rows",
    ),
    (
        "08_dale_and_noise",
        "dale-weights",
        "    return np.abs(V) * d  # (8.1), the last axis of W is that of the senders",
        "    return np.abs(V) * np.diag(d)",
        "Which connections are left?",
    ),
    (
        "08_dale_and_noise",
        "raw-gradients",
        "    abs_bar = W_bar * d * np.sign(V)  # (8.2)",
        "    abs_bar = W_bar * d  # (8.2)",
        "What is the derivative of |V| where V is negative?",
    ),
    (
        "08_dale_and_noise",
        "project",
        "    return np.where(V * d < 0, 0.0, V)",
        "    return np.abs(V) * d",
        "folded, not cut",
    ),
    (
        "08_dale_and_noise",
        "ei-outlier",
        "    variance = gain**2 / N - mean**2  # (8.3)",
        "    variance = gain**2 / N  # (8.3)",
        "|V| varies less than V",
    ),
    (
        "08_dale_and_noise",
        "per-step-noise",
        "    variance = p**2 / (1 - (1 - alpha) ** 2)  # (8.8)",
        "    variance = p**2 / alpha  # (8.8)",
        "the leak not squared",
    ),
]
