"""Adam (Kingma & Ba, arXiv 1412.6980, Algorithm 1) over one flat vector, in place.

    (1)  m     = beta1 m + (1 - beta1) g
    (2)  v     = beta2 v + (1 - beta2) g^2
    (3)  theta = theta - step m / (sqrt(scale v) + eps)

Paper:  step = lr / (1 - beta1^t),                      scale = 1 / (1 - beta2^t)
Keras ("epsilon hat", end of the paper's section 2):
        step = lr sqrt(1 - beta2^t) / (1 - beta1^t),    scale = 1
"""

import math

import numpy as np

from ._jit import kernel

FASTMATH = {"contract", "nsz", "arcp"}


@kernel(FASTMATH)
def adam(theta, m, v, g, step, scale, beta1, beta2, eps):
    """One update of theta and its moments from the gradient g; all (K,), scalars of the same dtype."""
    one = g.dtype.type(1.0)
    for k in range(g.size):
        m[k] = beta1 * m[k] + (one - beta1) * g[k]  # (1)
        v[k] = beta2 * v[k] + (one - beta2) * g[k] * g[k]  # (2)
        theta[k] -= step * m[k] / (math.sqrt(scale * v[k]) + eps)  # (3)


@kernel(FASTMATH)
def sums_of_squares(sums, g, ends):
    """sums (A,): the sum of the squares, in float64, of each of the arrays in g (K,), which end at `ends` (A,)."""
    start = 0
    for i in range(len(ends)):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0  # four, so that no addition waits for the one before
        k = start
        while k + 4 <= ends[i]:
            g0, g1, g2, g3 = np.float64(g[k]), np.float64(g[k + 1]), np.float64(g[k + 2]), np.float64(g[k + 3])
            s0, s1, s2, s3 = s0 + g0 * g0, s1 + g1 * g1, s2 + g2 * g2, s3 + g3 * g3
            k += 4
        while k < ends[i]:
            s0 += np.float64(g[k]) * np.float64(g[k])
            k += 1
        sums[i] = (s0 + s1) + (s2 + s3)
        start = ends[i]
