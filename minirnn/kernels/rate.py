"""The rate form: forward-Euler rollout, readout and loss, each beside its hand-derived adjoint.

    (1)  tau dh/dt = -h + phi(W_rec h + W_in x + b_rec)         the model (arXiv 1906.01094, eq. 3)
    (2)  a_t     = W_rec h_t + W_in x_t + b_rec + n_t           current; n is the state noise, drawn above
    (3)  r_t     = phi(a_t)                                     drive
    (4)  h_{t+1} = keep h_t + gain r_t                          forward Euler (eq. 5): keep = 1 - dt/tau,
                                                                gain = dt/tau (normalised) or dt (literal)
    (5)  z_t     = W_out h_{t+1} + b_out                        readout (eq. 4), after x_t was consumed
    (6)  L       = sum m e / M + c sum h^2                      masked error, e = (z - target)^2 or the cross entropy of
                                                                sigmoid(z) or softmax(z), M as in `minirnn.reference`,
                                                                and c = rate_penalty / (T B N) over h_1 .. h_T

(2) and (5) are one product. With s_t = [h_t, x_t, 1] and one square matrix

         P = [ W_rec  W_in  b_rec ]       (7)  y_t = P s_t = [a_t - n_t, z_{t-1}]
             [ W_out   0    b_out ]

a step costs one product forward (7) and one back (7*), and all weight gradients are one product (7*) over many steps.
v_bar is dL/dv. Read from the bottom up, the equations give their adjoints:

    (6*)  z_bar_t = 2 m_t (z_t - target_t) / M, or of the cross entropy;    h_bar_t += 2 c h_t
    (4*)  r_bar_t = gain h_bar_{t+1};              h_bar_t += keep h_bar_{t+1}
    (3*)  a_bar_t = phi'(a_t) r_bar_t              phi' is written in terms of r: a is not kept
    (7*)  s_bar_t = P^T y_bar_t                    y_bar_t = [a_bar_t, z_bar_{t-1}]
          P_bar   = sum_t y_bar_t s_t^T        the gradients of all weights and biases at once

The plain version that these must equal is `minirnn.reference`. One call takes a chunk of C trials through the whole sequence.
Shapes: T steps, N units, I inputs, O outputs, W = N + max(I + 1, O) the side of P; in a trial's row the columns behind
the meaningful ones are 0.  s (T+1, C, W)   drive (T, C, W), or (0, C, W) where keep = 0 and gain = 1: then r_t is h_{t+1}
keep, gain, rate (C, W): a row per trial, 0 behind the units, so that a step is one flat loop.  z_bar (T, C, O).
"""

import math

import numpy as np

from ._jit import kernel

# Only flags that leave NaN and inf meaningful: fused multiply-add, no signed zeros, division by reciprocal.
FASTMATH = {"contract", "nsz", "arcp"}

TANH, RELU, SIGMOID, SOFTPLUS, LINEAR = 0, 1, 2, 3, 4  # the order of `minirnn.reference.ACTIVATIONS`
LINEAR_OUTPUT, SIGMOID_OUTPUT, SOFTMAX_OUTPUT = 0, 1, 2  # the order of `minirnn.reference.OUTPUTS`


@kernel(FASTMATH)
def tanh_float32(a):
    """x p(x^2) / q(x^2) on |x| <= 9, within 4e-7 of tanh everywhere; the compiler vectorises it, libm's tanh it cannot.

    p and q: our fit of least largest relative error (2e-8 before rounding), by reweighted least squares on a Chebyshev grid.
    """
    one = np.float32(1.0)
    edge = np.float32(9.0)
    x = edge if a > edge else a  # comparisons, not min and max: NaN passes through
    x = -edge if x < -edge else x
    u = x * x
    p = np.float32(1.335267274527041e-08)
    p = p * u + np.float32(2.0607707483577542e-05)
    p = p * u + np.float32(3.495508572086692e-03)
    p = p * u + np.float32(1.3380961120128632e-01)
    p = p * u + one
    q = np.float32(7.775760195727344e-07)
    q = q * u + np.float32(3.2855014433152974e-04)
    q = q * u + np.float32(2.5876684114336967e-02)
    q = q * u + np.float32(4.671427607536316e-01)
    q = q * u + one
    r = x * p / q
    r = one if r > one else r
    return -one if r < -one else r


@kernel(FASTMATH)
def activate(r, a, phi):
    """(3) r = phi(a), elementwise over two different flat arrays (the compiler does not vectorise it in place)."""
    n = a.size
    half = a.dtype.type(0.5)
    zero = a.dtype.type(0.0)
    single = a.itemsize == 4
    if phi == TANH and single:
        for k in range(n):
            r[k] = tanh_float32(a[k])
    elif phi == TANH:
        for k in range(n):
            r[k] = math.tanh(a[k])
    elif phi == RELU:
        for k in range(n):
            r[k] = zero if a[k] < zero else a[k]
    elif phi == SIGMOID and single:
        for k in range(n):
            r[k] = half + half * tanh_float32(half * a[k])
    elif phi == SIGMOID:
        for k in range(n):
            r[k] = half + half * math.tanh(half * a[k])
    elif phi == SOFTPLUS:
        for k in range(n):
            r[k] = (zero if a[k] < zero else a[k]) + math.log1p(math.exp(-abs(a[k])))
    else:
        for k in range(n):
            r[k] = a[k]


@kernel(FASTMATH)
def activate_adjoint(a_bar, r, phi):
    """(3*) a_bar *= phi'(a), with phi' in terms of r, elementwise over flat arrays."""
    n = r.size
    one = r.dtype.type(1.0)
    zero = r.dtype.type(0.0)
    if phi == TANH:
        for k in range(n):
            a_bar[k] *= one - r[k] * r[k]
    elif phi == RELU:
        for k in range(n):
            a_bar[k] = a_bar[k] if r[k] > zero else zero
    elif phi == SIGMOID:
        for k in range(n):
            a_bar[k] *= r[k] * (one - r[k])
    elif phi == SOFTPLUS:
        for k in range(n):
            a_bar[k] *= -math.expm1(-r[k])


@kernel(FASTMATH)
def load(row, x, index, t, N):
    """Set the columns of s_t (C, W) behind the units to [x_t, 1]; behind the last input there is only the 1.

    x (n, T, I) is trial-major, `index` (C,) says which of its trials these are. An empty trial, -1, runs as a copy of the
    first, so that it stays as finite as that one; its mask is 0 and so is all it gives back.
    """
    I = x.shape[2]
    for b in range(len(index)):
        k = index[b] if index[b] >= 0 else index[0]
        for j in range(N, row.shape[1]):
            row[b, j] = 0.0
        row[b, N + I] = 1.0
        if t < x.shape[1]:
            for j in range(I):
                row[b, N + j] = x[k, t, j]


@kernel(FASTMATH)
def rollout(s, drive, z, y, x, index, h0, noise, P_T, keep, gain, N, phi):
    """From h0 (C, N) and the inputs, fill s, the drive and the outputs z (T, C, O).

    y (C, W) is workspace; P_T (W, W) is P transposed; noise is (T, C, N), or (0, 0, 0) for none.
    """
    T, C, O = z.shape
    W = s.shape[2]
    n = C * W
    flat_y, flat_keep, flat_gain = y.ravel(), keep.ravel(), gain.ravel()
    leaky = drive.shape[0] > 0
    for b in range(C):
        for i in range(N):
            s[0, b, i] = h0[b, i]
    for t in range(T + 1):
        load(s[t], x, index, t, N)
        np.dot(s[t], P_T, y)  # (7)
        if t > 0:
            for b in range(C):
                for o in range(O):
                    z[t - 1, b, o] = y[b, N + o]  # (5)
        if t == T:
            break
        if noise.shape[0] > 0:
            for b in range(C):
                for i in range(N):
                    y[b, i] += noise[t, b, i]  # (2)
        h_next = s[t + 1].ravel()
        if leaky:
            r = drive[t].ravel()
            h = s[t].ravel()
            activate(r, flat_y, phi)  # (3)
            for k in range(n):
                h_next[k] = flat_keep[k] * h[k] + flat_gain[k] * r[k]  # (4)
        else:
            activate(h_next, flat_y, phi)  # (3), and (4) with keep = 0, gain = 1


@kernel(FASTMATH)
def rollout_adjoint(P_bar, h0_bar, s_bar, y_bar, h_bar, product, s, drive, z_bar, P, keep, gain, rate, N, phi, truncate):
    """Fill P_bar (W, W) and h0_bar (N,) from z_bar and the stored run; rate is 2 c, 0 in the rows of empty trials.

    s_bar (C, W), y_bar (S, C, W), h_bar (C, W) and product (W, W) are workspace: S steps of y_bar are gathered before their
    share of P_bar (7*) is added, so that the pass from the last step to the first stays in cache.
    truncate: 0, or a number of steps: the states at its multiples are constants for the steps that follow them.
    """
    T, C, O = z_bar.shape
    W = s.shape[2]
    S = y_bar.shape[0]
    n = C * W
    flat_s_bar, flat_h_bar = s_bar.ravel(), h_bar.ravel()
    flat_keep, flat_gain, flat_rate = keep.ravel(), gain.ravel(), rate.ravel()
    leaky = drive.shape[0] > 0
    penalised = rate.any()
    P_bar[:] = 0.0
    h_bar[:] = 0.0
    stop = T + 1
    while stop > 0:
        start = max(0, stop - S)
        for t in range(stop - 1, start - 1, -1):
            step = y_bar[t - start]
            a_bar = step.ravel()
            if t == T:
                step[:] = 0.0
            else:
                for k in range(n):  # flat_h_bar is h_bar_{t+1}, complete
                    a_bar[k] = flat_gain[k] * flat_h_bar[k]  # (4*) r_bar
                r = drive[t].ravel() if leaky else s[t + 1].ravel()
                activate_adjoint(a_bar, r, phi)  # (3*)
            if t > 0:
                for b in range(C):
                    for o in range(O):
                        step[b, N + o] = z_bar[t - 1, b, o]
            if truncate > 0 and 0 < t < T and t % truncate == 0:  # only what is read from h_t reaches it
                h_bar[:] = 0.0
                for b in range(C):
                    for o in range(O):
                        for i in range(N):
                            h_bar[b, i] += z_bar[t - 1, b, o] * P[N + o, i]  # (7*) without a_bar
            else:
                np.dot(step, P, s_bar)  # (7*)
                for k in range(n):
                    flat_h_bar[k] = flat_s_bar[k] + flat_keep[k] * flat_h_bar[k]  # (4*)
            if penalised and t > 0:
                h = s[t].ravel()
                for k in range(n):
                    flat_h_bar[k] += flat_rate[k] * h[k]  # (6*)
        rows = (stop - start) * C
        np.dot(y_bar[: stop - start].reshape(rows, W).T, s[start:stop].reshape(rows, W), product)
        for i in range(W):
            for j in range(W):
                P_bar[i, j] += product[i, j]  # (7*)
        stop = start
    for i in range(N):
        h0_bar[i] = 0.0
        for b in range(C):
            h0_bar[i] += h_bar[b, i]


@kernel(FASTMATH)
def loss(z_bar, z, target, mask, index, inverse_M, output):
    """(6) and (6*): return this chunk's share of sum m e / M and fill z_bar; stores are (n, T, O). z is what (5) gives, before
    a sigmoid or softmax, and z_bar is dL/d of that."""
    T, C, O = z.shape
    zero, one, two = z.dtype.type(0.0), z.dtype.type(1.0), z.dtype.type(2.0)
    total = 0.0
    for t in range(T):
        for b in range(C):
            k = index[b]
            if k < 0:
                for o in range(O):
                    z_bar[t, b, o] = zero
            elif output == LINEAR_OUTPUT:
                for o in range(O):
                    difference = z[t, b, o] - target[k, t, o]
                    weighted = mask[k, t, o] * inverse_M * difference
                    total += weighted * difference  # (6)
                    z_bar[t, b, o] = two * weighted  # (6*)
            elif output == SIGMOID_OUTPUT:
                for o in range(O):
                    q, y, weight = z[t, b, o], target[k, t, o], mask[k, t, o] * inverse_M
                    small = math.exp(-abs(q))  # log(1 + e^q) without overflow
                    total += weight * ((zero if q < zero else q) + math.log1p(small) - y * q)  # (6)
                    z_bar[t, b, o] = weight * ((small if q < zero else one) / (one + small) - y)  # (6*)
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
                    total -= share * (z[t, b, o] - top - math.log(size))  # (6)
                    z_bar[t, b, o] = weight * math.exp(z[t, b, o] - top) / size - share  # (6*)
    return total


@kernel(FASTMATH)
def sum_of_squares(s, index, N):
    """Sum of the squared rates of t = 1 .. T of the trials that are not empty (6)."""
    total = 0.0
    for t in range(1, s.shape[0]):
        for b in range(len(index)):
            if index[b] >= 0:
                for i in range(N):
                    total += s[t, b, i] * s[t, b, i]
    return total


@kernel(FASTMATH)
def loss_and_gradient(
    losses, P_bar, h0_bar, s, drive, z, z_bar, y, s_bar, y_bar, h_bar, product,
    x, target, mask, index, h0, noise, P, P_T, keep, gain, rate, inverse_M, N, phi, output, truncate,
):  # fmt: skip
    """One chunk from its inputs to its share of the loss (losses[0]: error, losses[1]: sum of h^2) and of the gradient."""
    rollout(s, drive, z, y, x, index, h0, noise, P_T, keep, gain, N, phi)
    losses[0] = loss(z_bar, z, target, mask, index, inverse_M, output)
    losses[1] = sum_of_squares(s, index, N) if rate.any() else 0.0
    rollout_adjoint(P_bar, h0_bar, s_bar, y_bar, h_bar, product, s, drive, z_bar, P, keep, gain, rate, N, phi, truncate)
