"""Wrong answers to the exercises of tutorial 2: the line of the solution, what it reads instead, words of the verdict."""

MISTAKES = [
    (
        "02_the_network",
        "forward-pass",
        "        a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T + params.b_rec  # (2)",
        "        a = h[t] @ params.W_rec + x[t] @ params.W_in.T + params.b_rec  # (2)",
        "W_rec transposed",
    ),
    (
        "02_the_network",
        "forward-pass",
        "        z[t] = h[t + 1] @ params.W_out.T + params.b_out  # (5)",
        "        z[t] = h[t] @ params.W_out.T + params.b_out  # (5)",
        "readout before input",
    ),
    (
        "02_the_network",
        "growth",
        "    return np.abs(mu).max()",
        "    return mu.real.max()",
        "largest real part",
    ),
    (
        "02_the_network",
        "girko-radius",
        "    return np.sqrt(N * variance)  # (2.3)",
        "    return N * variance  # (2.3)",
        "That is the square of it",
    ),
    (
        "02_the_network",
        "separation-rate",
        "        h, v = F(h), d / size",
        "        h, v = F(h), d",
        "growth is counted again and again",
    ),
]
