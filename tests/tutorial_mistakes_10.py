"""Typical wrong answers to the exercises of tutorial 10: tutorial, exercise, what the solution reads, what instead, words."""

MISTAKES = [
    (
        "10_authors_networks",
        "keras-to-minirnn",
        "return kernel.T, recurrent_kernel.T, dense_kernel.T",
        "return kernel.T, recurrent_kernel, dense_kernel.T",
        "the square one is not transposed",
    ),
    (
        "10_authors_networks",
        "keras-to-minirnn",
        "return kernel.T, recurrent_kernel.T, dense_kernel.T",
        "return kernel.reshape(kernel.shape[::-1]), recurrent_kernel.T, dense_kernel.reshape(dense_kernel.shape[::-1])",
        "reshaped, not transposed",
    ),
    (
        "10_authors_networks",
        "simple-rnn",
        "h @ recurrent_kernel)",
        "h @ recurrent_kernel.T)",
        "recurrent kernel transposed",
    ),
    (
        "10_authors_networks",
        "simple-rnn",
        "        h = np.tanh(x[:, t] @ kernel + h @ recurrent_kernel)  # (1)\n"
        "        z.append(h @ dense_kernel + dense_bias)  # (2)",
        "        z.append(h @ dense_kernel + dense_bias)  # (2)\n"
        "        h = np.tanh(x[:, t] @ kernel + h @ recurrent_kernel)  # (1)",
        "read before the step",
    ),
    (
        "10_authors_networks",
        "distance-to-target",
        "((z - target) ** 2).sum(axis=(0, 2))",
        "((z - target) ** 2).mean(axis=(0, 2))",
        "root of the mean",
    ),
    (
        "10_authors_networks",
        "held-answer",
        "half = start + (len(z) - start) // 2",
        "half = len(z) // 2",
        "half of the trial",
    ),
]
