"""Typical wrong answers to the exercises of tutorial 11: tutorial, exercise, what the solution reads, what instead, words."""

MISTAKES = [
    (
        "11_flip_flop",
        "flip-flop-target",
        "memory = np.where(x[t - wait] != 0, x[t - wait], memory)",
        "memory = x[t - wait]",
        "no memory",
    ),
    (
        "11_flip_flop",
        "flip-flop-target",
        "np.where(x[t - wait] != 0, x[t - wait], memory)",
        "memory + x[t - wait]",
        "pulses added up",
    ),
    ("11_flip_flop", "corner-of-a-state", "np.array([4, 2, 1])", "np.array([1, 2, 4])", "channels in the other order"),
    ("11_flip_flop", "corner-of-a-state", "h @ W_out.T + b_out > 0", "h @ W_out.T > 0", "b_out forgotten"),
    ("11_flip_flop", "flow-energy", "F = -h + np.tanh(h @ W_rec.T)", "F = np.tanh(h @ W_rec.T)", "F without -h"),
    ("11_flip_flop", "flow-energy", "0.5 * (F**2).sum(axis=1)", "(F**2).sum(axis=1)", "is 2 times what it should be"),
    (
        "11_flip_flop",
        "unstable-modes",
        "size = np.abs(np.linalg.eigvals(J))",
        "size = np.abs(np.linalg.eigvals(W_rec))",
        "eigenvalues of W_rec",
    ),
    (
        "11_flip_flop",
        "unstable-modes",
        "J = (1 - alpha) * np.eye(len(h)) + alpha * slopes[:, None] * W_rec",
        "J = alpha * slopes[:, None] * W_rec",
        "the leak is missing",
    ),
]
