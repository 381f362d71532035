"""Both forms of the model, their loss and the optimisers in plain NumPy: what the kernels must equal. Read this first.

The rate form (arXiv 1906.01094): the state h is the activity.

    (1)  tau dh/dt = -h + phi(W_rec h + W_in x + b_rec)         the model (eq. 3)
    (2)  a_t     = W_rec h_t + W_in x_t + b_rec + n_t           current; n is the state noise
    (3)  r_t     = phi(a_t)                                     drive
    (4)  h_{t+1} = (1 - leak) h_t + gain r_t                    forward Euler (eq. 5): leak = dt/tau,
                                                                gain = dt/tau (normalised) or dt (literal)

The current form (thesis eqs. 1.1-1.3, pycog, PsychRNN, KerasCog): the state h is the current, r = phi(h) the rate.

    (1c) tau dh/dt = -h + W_rec phi(h) + W_in x + b_rec         the model
    (2c) r_t     = phi(h_t)                                     rate
    (3c) a_t     = W_rec r_t + W_in x_t + b_rec                 drive
    (4c) h_{t+1} = (1 - leak) h_t + gain a_t + n_t              forward Euler; n is the state noise

In both, with the rates rho = h of the rate form, rho = r of the current form:

    (5)  q_t     = W_out rho_{t+1} + b_out                      readout (eq. 4), after x_t was consumed
         z_t     = q_t, sigmoid(q_t) or softmax(q_t)            output
    (6)  E       = sum m e / M                                  masked error: e = (z - target)^2, or the cross entropy
                                                                with sigmoid or softmax; M = sum m ("mean"; with softmax
                                                                a step counts once, not per output) or 1 ("sum")
    (7)  R       = rate_penalty mean(rho_1 .. rho_T squared)    cost of activity
    (8)  Q       = l2 (|W_in|^2 + |W_rec|^2 + |W_out|^2)        cost of weights (sums of squares)

Adam (Kingma & Ba, arXiv 1412.6980, Algorithm 1), update t = 1, 2, .. from the gradient g, and gradient descent with momentum:

    (9)   m = beta1 m + (1 - beta1) g        m_hat = m / (1 - beta1^t)
    (10)  v = beta2 v + (1 - beta2) g^2      v_hat = v / (1 - beta2^t)
    (11)  theta -= lr m_hat / (sqrt(v_hat) + eps);    Keras: theta -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)
    (12)  m = momentum m - lr g              theta += m

v_bar is dL/dv with L = E + R + Q. Read from the bottom up, the equations give the adjoint lines (8*) .. (2*) and (2c*).

pycog's regulariser against vanishing gradients (Pascanu, Mikolov & Bengio 2013; current form): with g_t = h_bar_t,

    (13)  b_t   = (1 - leak) g_{t+1} + phi'(h_t) ((gain g_{t+1}) W_rec)       what reaches h_t from h_{t+1}
    (14)  Omega = mean (|b_t|^2 / |g_{t+1}|^2 - 1)^2                          over the t and trials with |g_{t+1}|^2 >= 1e-20

enters as `vanishing` Omega with its immediate derivative alone: g and h are taken for constants, W_rec in (13) is not (14*).

Shapes: T steps, B trials, N units, I inputs, O outputs; x (T, B, I), noise (T, B, N), h (T+1, B, N), r (T, B, N), in the current
form (T+1, B, N), z, target (T, B, O), m (T, B, O).  Weights are (to, from).

The forward lines are complex-safe (no abs, no comparison of complex numbers, plain .T), so that a complex step through them
gives derivatives exact to rounding. The adjoint lines are for real arrays.
"""

import math
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "softplus", "linear")
OUTPUTS = ("linear", "sigmoid", "softmax")
COUNTED = 1e-20  # (14) the least |g|^2 that counts


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
        # at a kink a complex step (1e-30) leaves a real part of the order of its square, which is no activity
        return np.where(a.real <= (1e-45 if np.iscomplexobj(a) else 0), 0, a)  # this way round NaN stays NaN
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


class Model(NamedTuple):
    """The constants of the equations."""

    leak: Array  # (N,)
    gain: Array  # (N,)
    phi: str = "tanh"
    form: str = "rate"
    output: str = "linear"
    reduction: str = "mean"
    rate_penalty: float = 0.0
    l2: float = 0.0
    vanishing: float = 0.0


def rollout(params: Params, x: Array, h0: Array, noise: Array | None, model: Model) -> tuple[Array, Array]:
    """States h and r of every step, r (T, B, N) the drive of the rate form or (T+1, B, N) the rates of the current form.

    h0 is (N,) or (B, N).
    """
    if model.form == "current":
        return rollout_current(params, x, h0, noise, model)
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
        r[t] = phi(a, model.phi)  # (3)
        h[t + 1] = (1 - model.leak) * h[t] + model.gain * r[t]  # (4)
    return h, r


def rollout_adjoint(
    params: Params, rates_bar: Array, x: Array, h: Array, r: Array, model: Model, truncate: int = 0
) -> tuple[Array, Array, Array, Array, Array]:
    """(W_in_bar, W_rec_bar, b_rec_bar, h_bar (T+1, B, N), x_bar); rates_bar (T+1, B, N) is what (5*) and (7*) give.

    truncate: 0, or a number of steps: truncated back-propagation. The states h_t at t = truncate, 2 truncate, .. are taken for
    constants in the steps that follow them, so that nothing flows back beyond.
    """
    if model.form == "current":
        return rollout_current_adjoint(params, rates_bar, x, r, model, truncate)
    h_bar = rates_bar.copy()
    W_in_bar = np.zeros_like(params.W_in)
    W_rec_bar = np.zeros_like(params.W_rec)
    b_rec_bar = np.zeros(len(params.W_rec), h_bar.dtype)
    x_bar = np.empty_like(x)
    for t in range(len(x) - 1, -1, -1):
        r_bar = model.gain * h_bar[t + 1]  # (4*)
        a_bar = r_bar * phi_prime(r[t], model.phi)  # (3*)
        if not (truncate and t and t % truncate == 0):
            h_bar[t] += (1 - model.leak) * h_bar[t + 1]  # (4*)
            h_bar[t] += a_bar @ params.W_rec  # (2*)
        W_rec_bar += a_bar.T @ h[t]  # (2*)
        W_in_bar += a_bar.T @ x[t]  # (2*)
        b_rec_bar += a_bar.sum(axis=0)  # (2*)
        x_bar[t] = a_bar @ params.W_in  # (2*)
    return W_in_bar, W_rec_bar, b_rec_bar, h_bar, x_bar


def rollout_current(params: Params, x: Array, h0: Array, noise: Array | None, model: Model) -> tuple[Array, Array]:
    """Currents h and rates r, both (T+1, B, N)."""
    T, B, _ = x.shape
    h = np.empty((T + 1, B, len(params.W_rec)), np.result_type(x, h0, *[p for p in params if p is not None]))
    r = np.empty_like(h)
    h[0], r[0] = h0, phi(h0, model.phi)  # (2c)
    for t in range(T):
        a = r[t] @ params.W_rec.T + x[t] @ params.W_in.T  # (3c)
        if params.b_rec is not None:
            a = a + params.b_rec  # (3c)
        h[t + 1] = (1 - model.leak) * h[t] + model.gain * a  # (4c)
        if noise is not None:
            h[t + 1] += noise[t]  # (4c)
        r[t + 1] = phi(h[t + 1], model.phi)  # (2c)
    return h, r


def rollout_current_adjoint(
    params: Params, rates_bar: Array, x: Array, r: Array, model: Model, truncate: int = 0
) -> tuple[Array, Array, Array, Array, Array]:
    """As `rollout_adjoint`."""
    r_bar = rates_bar.copy()
    h_bar = np.empty_like(r_bar)
    W_in_bar = np.zeros_like(params.W_in)
    W_rec_bar = np.zeros_like(params.W_rec)
    b_rec_bar = np.zeros(len(params.W_rec), h_bar.dtype)
    x_bar = np.empty_like(x)
    h_bar[-1] = phi_prime(r[-1], model.phi) * r_bar[-1]  # (2c*)
    for t in reversed(range(len(x))):
        a_bar = model.gain * h_bar[t + 1]  # (4c*)
        W_rec_bar += a_bar.T @ r[t]  # (3c*)
        W_in_bar += a_bar.T @ x[t]  # (3c*)
        b_rec_bar += a_bar.sum(axis=0)  # (3c*)
        x_bar[t] = a_bar @ params.W_in  # (3c*)
        flows = not (truncate and t and t % truncate == 0)
        if flows:
            r_bar[t] += a_bar @ params.W_rec  # (3c*)
        h_bar[t] = phi_prime(r[t], model.phi) * r_bar[t]  # (2c*)
        if flows:
            h_bar[t] += (1 - model.leak) * h_bar[t + 1]  # (4c*)
    return W_in_bar, W_rec_bar, b_rec_bar, h_bar, x_bar


def readout(params: Params, rates: Array) -> Array:
    """(5) What the output is made of, q (T, B, O), from the rates (T+1, B, N)."""
    q = rates[1:] @ params.W_out.T  # (5)
    return q if params.b_out is None else q + params.b_out  # (5)


def readout_adjoint(params: Params, q_bar: Array, rates: Array) -> tuple[Array, Array, Array]:
    """(rates_bar (T+1, B, N), W_out_bar, b_out_bar)."""
    rates_bar = np.zeros(rates.shape, q_bar.dtype)
    rates_bar[1:] = q_bar @ params.W_out  # (5*)
    W_out_bar = np.einsum("tbo,tbn->on", q_bar, rates[1:])  # (5*)
    return rates_bar, W_out_bar, q_bar.sum(axis=(0, 1))  # (5*)


def outputs(q: Array, name: str) -> Array:
    """(5) z (T, B, O)."""
    if name == "linear":
        return q
    if name == "sigmoid":
        return phi(q, "sigmoid")
    if name == "softmax":
        return np.exp(_log_softmax(q))
    raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {name!r}")


def _log_softmax(q: Array) -> Array:
    q = q - q.real.max(axis=-1, keepdims=True)  # no overflow
    return q - np.log(np.exp(q).sum(axis=-1, keepdims=True))


def count(m: Array, output: str = "linear", reduction: str = "mean") -> float:
    """(6) M, what the sum of errors is divided by; m is (T, B, O)."""
    if reduction == "sum":
        return 1.0
    return float(m.sum()) / (m.shape[-1] if output == "softmax" else 1)


def error(q: Array, target: Array, m: Array, output: str = "linear", reduction: str = "mean") -> Array:
    """(6) The masked error, a number."""
    if output == "sigmoid":
        e = phi(q, "softplus") - target * q  # (6) -target log z - (1 - target) log(1 - z)
    elif output == "softmax":
        e = -target * _log_softmax(q)  # (6) -target log z
    else:
        difference = q - target
        e = difference * difference  # (6)
    return (m * e).sum() / count(m, output, reduction)  # (6)


def error_adjoint(q: Array, target: Array, m: Array, output: str = "linear", reduction: str = "mean") -> Array:
    """(6*) q_bar."""
    z, M = outputs(q, output), count(m, output, reduction)
    if output == "sigmoid":
        return m * (z - target) / M  # (6*)
    if output == "softmax":
        weight = (m * target).sum(axis=-1, keepdims=True)
        return (weight * z - m * target) / M  # (6*)
    return 2 * m * (z - target) / M  # (6*)


def penalties(params: Params, rates: Array, rate_penalty: float, l2: float) -> Array:
    """(7) + (8), a number."""
    active = rates[1:]
    R = rate_penalty * (active * active).mean()  # (7)
    Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec, params.W_out))  # (8)
    return R + Q


def loss(params: Params, x: Array, target: Array, m: Array, h0: Array, noise: Array | None, model: Model) -> Array:
    """L = (6) + (7) + (8), without (14); `params.h0`, where it is trained, stands for h0."""
    h, r = rollout(params, x, h0 if params.h0 is None else params.h0, noise, model)
    rates = h if model.form == "rate" else r
    return error(readout(params, rates), target, m, model.output, model.reduction) + penalties(
        params, rates, model.rate_penalty, model.l2
    )


def loss_and_gradient(
    params: Params, x: Array, target: Array, m: Array, h0: Array, noise: Array | None, model: Model, truncate: int = 0
) -> tuple[float, Params]:
    """L and its gradient (truncated if asked): the forward lines, then the adjoint of each from the bottom up.

    Where `model.vanishing` is not 0, vanishing Omega and its immediate derivative are added.
    """
    h, r = rollout(params, x, h0 if params.h0 is None else params.h0, noise, model)
    rates = h if model.form == "rate" else r
    q = readout(params, rates)
    L = error(q, target, m, model.output, model.reduction) + penalties(params, rates, model.rate_penalty, model.l2)
    q_bar = error_adjoint(q, target, m, model.output, model.reduction)
    rates_bar, W_out_bar, b_out_bar = readout_adjoint(params, q_bar, rates)
    rates_bar[1:] += 2 * model.rate_penalty * rates[1:] / rates[1:].size  # (7*)
    W_in_bar, W_rec_bar, b_rec_bar, h_bar, _ = rollout_adjoint(params, rates_bar, x, h, r, model, truncate)
    if model.vanishing:
        L = L + model.vanishing * omega(params.W_rec, h_bar, r, model)
        W_rec_bar += model.vanishing * omega_adjoint(params.W_rec, h_bar, r, model)
    return float(L), Params(
        W_in=W_in_bar + 2 * model.l2 * params.W_in,  # (8*)
        W_rec=W_rec_bar + 2 * model.l2 * params.W_rec,  # (8*)
        W_out=W_out_bar + 2 * model.l2 * params.W_out,  # (8*)
        b_rec=None if params.b_rec is None else b_rec_bar,
        b_out=None if params.b_out is None else b_out_bar,
        h0=None if params.h0 is None else h_bar[0].sum(axis=0),
    )


def omega(W_rec: Array, h_bar: Array, r: Array, model: Model) -> Array:
    """(14), a number; h_bar and r (T+1, B, N) are constants. 0 where nothing counts."""
    g = h_bar[1:]
    b = (1 - model.leak) * g + phi_prime(r[:-1], model.phi) * ((model.gain * g) @ W_rec)  # (13)
    size = (g * g).sum(axis=-1)
    counted = size >= COUNTED
    apart = (b * b).sum(axis=-1)[counted] / size[counted] - 1
    return (apart * apart).sum() / max(counted.sum(), 1)  # (14)


def omega_adjoint(W_rec: Array, h_bar: Array, r: Array, model: Model) -> Array:
    """(14*) The immediate derivative of (14) with respect to W_rec."""
    g = h_bar[1:]
    slope = phi_prime(r[:-1], model.phi)
    b = (1 - model.leak) * g + slope * ((model.gain * g) @ W_rec)  # (13)
    size = (g * g).sum(axis=-1)
    counted = size >= COUNTED
    apart = np.where(counted, (b * b).sum(axis=-1) / np.where(counted, size, 1) - 1, 0)
    b_bar = 4 * (apart / np.where(counted, size, 1))[:, :, None] * b / max(counted.sum(), 1)  # (14*)
    return np.einsum("tbi,tbj->ij", model.gain * g, slope * b_bar)  # (13*)


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


def sgd(theta: Array, m: Array, g: Array, lr: float, momentum: float) -> tuple[Array, Array]:
    """Gradient descent with momentum, as Keras has it: theta and the velocity m after an update."""
    m = momentum * m - lr * g  # (12)
    return theta + m, m  # (12)
