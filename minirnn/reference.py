"""The rate form, its loss and Adam in plain NumPy: what the kernels must equal. Read this first.

    (1)  tau dh/dt = -h + phi(W_rec h + W_in x + b_rec)         the model (arXiv 1906.01094, eq. 3)
    (2)  a_t     = W_rec h_t + W_in x_t + b_rec + n_t           current; n is the state noise
    (3)  r_t     = phi(a_t)                                     drive
    (4)  h_{t+1} = (1 - leak) h_t + gain r_t                    forward Euler (eq. 5): leak = dt/tau,
                                                                gain = dt/tau (normalised) or dt (literal)
    (5)  z_t     = W_out h_{t+1} + b_out                        readout (eq. 4), after x_t was consumed
    (6)  E       = sum m (z - target)^2 / sum m                 masked mean square error
    (7)  R       = rate_penalty mean(h_1 .. h_T squared)        cost of activity
    (8)  Q       = l2 (|W_in|^2 + |W_rec|^2 + |W_out|^2)        cost of weights (sums of squares)

Adam (Kingma & Ba, arXiv 1412.6980, Algorithm 1), update t = 1, 2, .. from the gradient g:

    (9)   m = beta1 m + (1 - beta1) g        m_hat = m / (1 - beta1^t)
    (10)  v = beta2 v + (1 - beta2) g^2      v_hat = v / (1 - beta2^t)
    (11)  theta -= lr m_hat / (sqrt(v_hat) + eps);    Keras: theta -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)

v_bar is dL/dv with L = E + R + Q. Read from the bottom up, the equations give the adjoint lines (8*) .. (2*).
Shapes: T steps, B trials, N units, I inputs, O outputs; x (T, B, I), noise (T, B, N), h (T+1, B, N), r (T, B, N),
z, target (T, B, O), m (T, B, O).  Weights are (to, from).

The forward lines are complex-safe (no abs, no comparison of complex numbers, plain .T), so that a complex step through them
gives derivatives exact to rounding. The adjoint lines are for real arrays.
"""

import math
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "softplus", "linear")


class Params(NamedTuple):
    """The arrays that are trained, and the type of a gradient. An array that is absent or not trained is None."""

    W_in: Array  # (N, I)
    W_rec: Array  # (N, N)
    W_out: Array  # (O, N)
    b_rec: Array | None  # (N,)
    b_out: Array | None  # (O,)
    h0: Array | None  # (N,)


def phi(a: Array, name: str) -> Array:
    """(3) The activation."""
    if name == "tanh":
        return np.tanh(a)
    if name == "relu":
        return np.where(a.real <= 0, 0, a)  # this way round NaN stays NaN
    if name == "sigmoid":
        return 0.5 + 0.5 * np.tanh(0.5 * a)
    if name == "softplus":  # log(1 + exp(a)) without overflow on either side
        above = a.real > 0
        return np.where(above, a, 0) + np.log1p(np.exp(np.where(above, -a, a)))
    if name == "linear":
        return a
    raise ValueError(f"phi must be one of {', '.join(ACTIVATIONS)}, got {name!r}")


def phi_prime(r: Array, name: str) -> Array:
    """(3*) phi'(a) in terms of r = phi(a)."""
    if name == "tanh":
        return 1 - r * r
    if name == "relu":
        return np.where(r > 0, 1.0, 0.0)
    if name == "sigmoid":
        return r * (1 - r)
    if name == "softplus":
        return -np.expm1(-r)
    if name == "linear":
        return np.ones_like(r)
    raise ValueError(f"phi must be one of {', '.join(ACTIVATIONS)}, got {name!r}")


def rollout(params: Params, x: Array, h0: Array, noise: Array | None, leak: Array, gain: Array, name: str) -> tuple[Array, Array]:
    """States h and drive r of every step; h0 is (N,) or (B, N), leak and gain are (N,)."""
    T, B, _ = x.shape
    N = len(params.W_rec)
    dtype = np.result_type(x, h0, *[p for p in params if p is not None])
    h = np.empty((T + 1, B, N), dtype)
    r = np.empty((T, B, N), dtype)
    h[0] = h0
    for t in range(T):
        a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T  # (2)
        if params.b_rec is not None:
            a = a + params.b_rec  # (2)
        if noise is not None:
            a = a + noise[t]  # (2)
        r[t] = phi(a, name)  # (3)
        h[t + 1] = (1 - leak) * h[t] + gain * r[t]  # (4)
    return h, r


def rollout_adjoint(
    params: Params, h_bar: Array, x: Array, h: Array, r: Array, leak: Array, gain: Array, name: str, truncate: int = 0
) -> tuple[Array, Array, Array, Array, Array]:
    """(W_in_bar, W_rec_bar, b_rec_bar, h0_bar (B, N), x_bar); h_bar (T+1, B, N) enters as what (5*) and (7*) give.

    truncate: 0, or a number of steps: truncated back-propagation. The states h_t at t = truncate, 2 truncate, .. are taken for
    constants in the steps that follow them, so that nothing flows back beyond.
    """
    h_bar = h_bar.copy()
    W_in_bar = np.zeros_like(params.W_in)
    W_rec_bar = np.zeros_like(params.W_rec)
    b_rec_bar = np.zeros(len(params.W_rec), h_bar.dtype)
    x_bar = np.empty_like(x)
    for t in range(len(x) - 1, -1, -1):
        r_bar = gain * h_bar[t + 1]  # (4*)
        a_bar = r_bar * phi_prime(r[t], name)  # (3*)
        if not (truncate and t and t % truncate == 0):
            h_bar[t] += (1 - leak) * h_bar[t + 1]  # (4*)
            h_bar[t] += a_bar @ params.W_rec  # (2*)
        W_rec_bar += a_bar.T @ h[t]  # (2*)
        W_in_bar += a_bar.T @ x[t]  # (2*)
        b_rec_bar += a_bar.sum(axis=0)  # (2*)
        x_bar[t] = a_bar @ params.W_in  # (2*)
    return W_in_bar, W_rec_bar, b_rec_bar, h_bar[0], x_bar


def readout(params: Params, h: Array) -> Array:
    """(5) Outputs z (T, B, O) of the states h (T+1, B, N)."""
    z = h[1:] @ params.W_out.T  # (5)
    return z if params.b_out is None else z + params.b_out  # (5)


def readout_adjoint(params: Params, z_bar: Array, h: Array) -> tuple[Array, Array, Array]:
    """(h_bar (T+1, B, N), W_out_bar, b_out_bar)."""
    h_bar = np.zeros(h.shape, z_bar.dtype)
    h_bar[1:] = z_bar @ params.W_out  # (5*)
    W_out_bar = np.einsum("tbo,tbn->on", z_bar, h[1:])  # (5*)
    return h_bar, W_out_bar, z_bar.sum(axis=(0, 1))  # (5*)


def error(z: Array, target: Array, m: Array) -> Array:
    """(6) Masked mean square error, a number."""
    difference = z - target
    return (m * difference * difference).sum() / m.sum()  # (6)


def error_adjoint(z: Array, target: Array, m: Array) -> Array:
    """(6*) z_bar."""
    return 2 * m * (z - target) / m.sum()  # (6*)


def penalties(params: Params, h: Array, rate_penalty: float, l2: float) -> Array:
    """(7) + (8), a number."""
    rates = h[1:]
    R = rate_penalty * (rates * rates).mean()  # (7)
    Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec, params.W_out))  # (8)
    return R + Q


def loss(
    params: Params, x: Array, target: Array, m: Array, h0: Array, noise: Array | None, leak: Array, gain: Array, name: str,
    rate_penalty: float = 0.0, l2: float = 0.0,
) -> Array:  # fmt: skip
    """L = (6) + (7) + (8); `params.h0`, where it is trained, stands for h0."""
    h, _ = rollout(params, x, h0 if params.h0 is None else params.h0, noise, leak, gain, name)
    return error(readout(params, h), target, m) + penalties(params, h, rate_penalty, l2)


def loss_and_gradient(
    params: Params, x: Array, target: Array, m: Array, h0: Array, noise: Array | None, leak: Array, gain: Array, name: str,
    rate_penalty: float = 0.0, l2: float = 0.0, truncate: int = 0,
) -> tuple[float, Params]:  # fmt: skip
    """L and its gradient (truncated if asked): the forward lines, then the adjoint of each from the bottom up."""
    h, r = rollout(params, x, h0 if params.h0 is None else params.h0, noise, leak, gain, name)
    z = readout(params, h)
    L = error(z, target, m) + penalties(params, h, rate_penalty, l2)
    z_bar = error_adjoint(z, target, m)
    h_bar, W_out_bar, b_out_bar = readout_adjoint(params, z_bar, h)
    h_bar[1:] += 2 * rate_penalty * h[1:] / h[1:].size  # (7*)
    W_in_bar, W_rec_bar, b_rec_bar, h0_bar, _ = rollout_adjoint(params, h_bar, x, h, r, leak, gain, name, truncate)
    return float(L), Params(
        W_in=W_in_bar + 2 * l2 * params.W_in,  # (8*)
        W_rec=W_rec_bar + 2 * l2 * params.W_rec,  # (8*)
        W_out=W_out_bar + 2 * l2 * params.W_out,  # (8*)
        b_rec=None if params.b_rec is None else b_rec_bar,
        b_out=None if params.b_out is None else b_out_bar,
        h0=None if params.h0 is None else h0_bar.sum(axis=0),
    )


def adam(
    theta: Array, m: Array, v: Array, g: Array, t: int, lr: float, beta1: float, beta2: float, eps: float, epsilon_hat: bool
) -> tuple[Array, Array, Array]:
    """Adam's update t = 1, 2, .. (arXiv 1412.6980, Algorithm 1, or Keras' form of it): theta, m and v after it."""
    m = beta1 * m + (1 - beta1) * g  # (9)
    v = beta2 * v + (1 - beta2) * g * g  # (10)
    if epsilon_hat:
        lr_t = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return theta - lr_t * m / (np.sqrt(v) + eps), m, v  # (11) Keras
    m_hat = m / (1 - beta1**t)  # (9)
    v_hat = v / (1 - beta2**t)  # (10)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v  # (11) paper
