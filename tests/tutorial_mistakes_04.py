"""Typical wrong answers in tutorial 4: tutorial, exercise, line of the solution, what it reads, words of the verdict."""

MISTAKES = [
    (
        "04_is_my_gradient_right",
        "central-difference",
        "return (loss(p + d * v) - loss(p - d * v)) / (2 * d)  # (2)",
        "return (loss(p + d * v) - loss(p)) / d",
        "forward difference",
    ),
    (
        "04_is_my_gradient_right",
        "best-central-step",
        "return (3 * eps * abs(L) / abs(third)) ** (1 / 3)  # (8)",
        "return (6 * eps * abs(L) / abs(third)) ** (1 / 3)",
        "Which equation holds at a minimum of the sum?",
    ),
    (
        "04_is_my_gradient_right",
        "taylor-order",
        "remainders = np.array([abs(loss(p + d * v) - loss(p) - d * (g @ v)) for d in steps])  # (6)",
        "remainders = np.array([abs(loss(p + d * v) - loss(p)) for d in steps])",
        "What does g predict for the change?",
    ),
]
