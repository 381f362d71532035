"""Wrong answers to the exercises of tutorial 3: the line of the solution, what it reads instead, words of the verdict."""

MISTAKES = [
    (
        "03_bptt",
        "error-adjoint",
        "    return 2 * mask * (z - target) / mask.sum()  # (6*)",
        "    return 2 * mask * (z - target) / mask.size  # (6*)",
        "mean over all entries",
    ),
    (
        "03_bptt",
        "readout-adjoint",
        "    h_bar[1:] = z_bar @ W_out  # (5*)",
        "    h_bar[:-1] = z_bar @ W_out  # (5*)",
        "one step early",
    ),
    (
        "03_bptt",
        "one-step-back",
        "    h_bar = (1 - alpha) * h_bar_next + a_bar @ W_rec  # (4*), (2*)",
        "    h_bar = (1 - alpha) * h_bar_next + a_bar @ W_rec.T  # (4*), (2*)",
        "Is W turned",
    ),
    (
        "03_bptt",
        "one-step-back",
        "    a_bar = r_bar * (1 - r**2)  # (3*)",
        "    a_bar = r_bar * (1 - h**2)  # (3*)",
        "tanh(a) is r",
    ),
    (
        "03_bptt",
        "bptt",
        "        h_bar[t] += back  # (3.2)",
        "        h_bar[t] = back  # (3.2)",
        "= for +=",
    ),
]
