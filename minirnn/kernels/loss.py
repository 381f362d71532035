"""The masked error of a chunk of trials, beside its adjoint.

    (1)  E = sum m e / M        e = (z - target)^2, or the cross entropy of sigmoid(z) or softmax(z); M as in
                                `minirnn.reference` (6), where softmax's z stands for all outputs of a step
    (1*) z_bar = dE/dz          2 m (z - target) / M;    m (sigmoid(z) - target) / M;
                                (sum(m target) softmax(z) - m target) / M

The plain version that this must equal is `minirnn.reference.error` and `error_adjoint`.
"""

import math

from ._jit import kernel

FASTMATH = {"contract", "nsz", "arcp"}

LINEAR_OUTPUT, SIGMOID_OUTPUT, SOFTMAX_OUTPUT = 0, 1, 2  # the order of `minirnn.reference.OUTPUTS`


@kernel(FASTMATH)
def loss(z_bar, z, target, mask, index, inverse_M, output):
    """Return this chunk's share of E and fill z_bar (T, C, O). z (T, C, O) is what the readout gives, before a sigmoid or softmax.

    target and mask are stores (n, T, O), `index` (C,) says which of their trials these are; -1 is an empty one, of mask 0.
    """
    T, C, O = z.shape
    zero, one, two = z.dtype.type(0.0), z.dtype.type(1.0), z.dtype.type(2.0)
    total = 0.0
    for b in range(C):
        k = index[b]
        for t in range(T):
            if k < 0:
                for o in range(O):
                    z_bar[t, b, o] = zero
            elif output == LINEAR_OUTPUT:
                for o in range(O):
                    difference = z[t, b, o] - target[k, t, o]
                    weighted = mask[k, t, o] * inverse_M * difference
                    total += weighted * difference  # (1)
                    z_bar[t, b, o] = two * weighted  # (1*)
            elif output == SIGMOID_OUTPUT:
                for o in range(O):
                    q, y, weight = z[t, b, o], target[k, t, o], mask[k, t, o] * inverse_M
                    small = math.exp(-abs(q))  # log(1 + e^q) without overflow
                    total += weight * ((zero if q < zero else q) + math.log1p(small) - y * q)  # (1)
                    z_bar[t, b, o] = weight * ((small if q < zero else one) / (one + small) - y)  # (1*)
            else:
                top = z[t, b, 0]
                for o in range(1, O):
                    top = max(top, z[t, b, o])
                size, weight = zero, zero
                for o in range(O):
                    size += math.exp(z[t, b, o] - top)
                    weight += mask[k, t, o] * inverse_M * target[k, t, o]
                for o in range(O):
                    share = mask[k, t, o] * inverse_M * target[k, t, o]
                    total -= share * (z[t, b, o] - top - math.log(size))  # (1)
                    z_bar[t, b, o] = weight * math.exp(z[t, b, o] - top) / size - share  # (1*)
    return total
