"""Typical wrong answers to the tutorials' exercises: tutorial, exercise, what the solution reads, what it reads wrongly, words."""

MISTAKES = [
    ("01_one_unit", "euler-unit", "return h + alpha * (drive - h)", "return alpha * (drive - h)", "the change alone"),
    (
        "01_one_unit",
        "effective-tau",
        "return -dt / np.log(1 - dt / tau)",
        "return -1 / np.log(1 - dt / tau)",
        "in steps, not in ms",
    ),
    ("01_one_unit", "multiplier", "return 1 + alpha * (w - 1)", "return w", "alpha is 1"),
    ("01_one_unit", "noisy-unit", "np.sqrt(2 * alpha) * sigma * n", "alpha * sigma * n", "noise treated as a drive"),
    ("01_one_unit", "step", "a = h @ W_rec.T + x @ W_in.T", "a = h @ W_rec + x @ W_in.T", "W_rec transposed"),
    (
        "01_one_unit",
        "step",
        "return (1 - alpha) * h + alpha * r",
        "return np.tanh((1 - alpha) * h + alpha * a)",
        "the leak stays outside",
    ),
]
