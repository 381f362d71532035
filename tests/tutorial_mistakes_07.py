"""Typical wrong answers in tutorial 7: tutorial, exercise, line of the solution, what it reads, words of the verdict."""

MISTAKES = [
    (
        "07_vanishing_and_exploding",
        "step-jacobian",
        "return (1 - alpha) * np.eye(len(r)) + alpha * slope[:, None] * W_rec  # (6)",
        "return (1 - alpha) * np.eye(len(r)) + alpha * slope * W_rec",
        "slope on the sending side",
    ),
    (
        "07_vanishing_and_exploding",
        "jacobian-products",
        "P.append(P[-1] @ step)  # (7)",
        "P.append(step @ P[-1])",
        "On which side of the product does it stand?",
    ),
    (
        "07_vanishing_and_exploding",
        "largest-exponent",
        "v = v / growths[-1]  # (9')",
        "pass",
        "start each step with length 1",
    ),
]
