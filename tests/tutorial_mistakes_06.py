"""Typical wrong answers to the exercises of tutorial 6: tutorial, exercise, what the solution reads, what instead, words."""

MISTAKES = [
    (
        "06_train_and_look_inside",
        "principal-components",
        "np.linalg.svd(X - m, full_matrices=False)",
        "np.linalg.svd(X, full_matrices=False)",
        "mean taken off after the SVD only",
    ),
    (
        "06_train_and_look_inside",
        "principal-components",
        "s[:k] ** 2 / (s**2).sum()",
        "s[:k] / s.sum()",
        "singular values not squared",
    ),
    (
        "06_train_and_look_inside",
        "outside-circle",
        "np.abs(np.linalg.eigvals(W_rec))",
        "np.linalg.eigvals(W_rec).real",
        "real part for modulus",
    ),
    (
        "06_train_and_look_inside",
        "turns-to-hertz",
        "np.abs(np.angle(eigenvalue))",
        "np.abs(eigenvalue.imag / eigenvalue.real)",
        "|Im| / |Re| for the angle",
    ),
    (
        "06_train_and_look_inside",
        "slope-of-a-step",
        "slopes[:, None] * W_rec",
        "slopes * W_rec",
        "slopes on the columns",
    ),
]
