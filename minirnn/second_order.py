"""Derivatives beyond back-propagation: products with the Hessian, the gradient carried forward in time, leading eigenvalues.

(2) to (8) are the lines of `minirnn.reference`, (n*) their adjoints; v_bar is dL/dv. v_dot is the tangent of v, its derivative
along a direction (V_in, V_rec, V_out, v_rec, v_out, v_0) of the parameters: the R-operator of Pearlmutter (1994, Neural
Computation 6:147). Applied to the forward lines it gives

    (2')  a_dot_t     = W_rec h_dot_t + V_rec h_t + V_in x_t + v_rec           inputs and noise do not move
    (3')  r_dot_t     = phi'(a_t) a_dot_t
    (4')  h_dot_{t+1} = (1 - leak) h_dot_t + gain r_dot_t                      h_dot_0 = v_0, or 0 where h0 is not trained
    (5')  z_dot_t     = W_out h_dot_{t+1} + V_out h_{t+1} + v_out

and applied to the adjoint lines, which give the gradient, it gives the product H v of the Hessian and the direction:

    (6*') z_bar_dot_t = 2 m z_dot_t / sum m
    (5*') h_bar_dot_{t+1} += W_out^T z_bar_dot_t + V_out^T z_bar_t
          W_out_bar_dot    = sum_t z_bar_dot_t h_{t+1}^T + z_bar_t h_dot_{t+1}^T
          b_out_bar_dot    = sum_t z_bar_dot_t
    (7*') h_bar_dot_{t+1} += 2 rate_penalty h_dot_{t+1} / (T B N)
    (4*') h_bar_dot_t     += (1 - leak) h_bar_dot_{t+1},   r_bar_dot_t = gain h_bar_dot_{t+1}
    (3*') a_bar_dot_t      = phi'(a_t) r_bar_dot_t + phi''(a_t) a_dot_t r_bar_t
    (2*') h_bar_dot_t     += W_rec^T a_bar_dot_t + V_rec^T a_bar_t
          W_rec_bar_dot    = sum_t a_bar_dot_t h_t^T + a_bar_t h_dot_t^T
          W_in_bar_dot     = sum_t a_bar_dot_t x_t^T
          b_rec_bar_dot    = sum_t a_bar_dot_t
    (8*') W_bar_dot       += 2 l2 V                                            for W_in, W_rec and W_out

Real-time recurrent learning (Williams & Zipser 1989, Neural Computation 1:270) carries the derivative of the state forward. Row
i of theta (N, M), M = I + N + 2, holds what enters unit i: W_in, W_rec, b_rec and h0; u_t = (x_t, h_t, 1, 0) is what it is
multiplied with. P_t = dh_t/dtheta, one (N, N, M) tensor per trial, starts as P_0[n, i, j] = 1 where n = i and j is h0's column:

    (12)  A_t[n, i, j] = sum_k W_rec[n, k] P_t[k, i, j] + (u_t[j] where n = i)          da_t/dtheta
    (13)  P_{t+1}[n]   = (1 - leak_n) P_t[n] + gain_n phi'(a_t[n]) A_t[n]               dh_{t+1}/dtheta
    (14)  theta_bar   += sum_n h_bar_{t+1}[n] P_{t+1}[n]                                h_bar: (5*) and (7*) alone

The eigenvalues lambda and eigenvectors v of the Hessian, the v orthonormal over the entries of all arrays:

    (15)  H v = lambda v

Shapes: as in `minirnn.reference`; T steps, B trials, N units, I inputs, O outputs; weights are (to, from). A tangent has the
shape of what it is the tangent of. The lines (2') to (5') are complex-safe, as the reference's forward lines are. For relu,
whose phi'' is taken as 0, a derivative is that of the piece the drives are on.
"""

from typing import Any

import numpy as np

from . import reference
from .network import Network
from .randomness import as_generator
from .reference import ACTIVATIONS, Model, Params
from .trials import Trials, numeric

Array = np.ndarray[Any, Any]


def phi_second(r: Array, name: str) -> Array:
    """(3*') phi''(a) in terms of r = phi(a), an array of the shape of r. ValueError for an unknown activation."""
    if name == "tanh":
        return -2 * r * (1 - r * r)
    if name == "sigmoid":
        return r * (1 - r) * (1 - 2 * r)
    if name == "softplus":  # phi' (1 - phi'), where 1 - phi' = exp(-r)
        return -np.expm1(-r) * np.exp(-r)
    if name in ("relu", "linear"):
        return np.zeros_like(r)
    raise ValueError(f"phi must be one of {', '.join(ACTIVATIONS)}, got {name!r}")


def rollout_tangent(params: Params, v: Params, x: Array, h: Array, r: Array, model: Model) -> tuple[Array, Array, Array]:
    """Tangents (h_dot (T+1, B, N), r_dot (T, B, N), a_dot (T, B, N)) of `reference.rollout`, rate form, along the direction v.

    x (T, B, I), and h (T+1, B, N), r (T, B, N) as `reference.rollout` gave them.
    An array that is None in v stays where it is. ValueError naming the array where v does not have the shapes of params.
    """
    _check_shapes(v, params, absent_allowed=True)
    T = len(x)
    dtype = np.result_type(x, h, r, *[p for p in v if p is not None])
    h_dot = np.zeros(h.shape, dtype)
    a_dot = np.empty(r.shape, dtype)
    r_dot = np.empty(r.shape, dtype)
    if v.h0 is not None:
        h_dot[0] = v.h0  # (4')
    for t in range(T):
        a_dot[t] = h_dot[t] @ params.W_rec.T  # (2')
        if v.W_rec is not None:
            a_dot[t] += h[t] @ v.W_rec.T  # (2')
        if v.W_in is not None:
            a_dot[t] += x[t] @ v.W_in.T  # (2')
        if v.b_rec is not None:
            a_dot[t] += v.b_rec  # (2')
        r_dot[t] = reference.phi_prime(r[t], model.phi) * a_dot[t]  # (3')
        h_dot[t + 1] = (1 - model.leak) * h_dot[t] + model.gain * r_dot[t]  # (4')
    return h_dot, r_dot, a_dot


def readout_tangent(params: Params, v: Params, h: Array, h_dot: Array) -> Array:
    """(5') Tangent z_dot (T, B, O) of `reference.readout` for the states h and their tangent h_dot, both (T+1, B, N).

    An array that is None in v stays where it is. ValueError naming the array where v does not have the shapes of params.
    """
    _check_shapes(v, params, absent_allowed=True)
    z_dot = h_dot[1:] @ params.W_out.T  # (5')
    if v.W_out is not None:
        z_dot = z_dot + h[1:] @ v.W_out.T  # (5')
    return z_dot if v.b_out is None else z_dot + v.b_out  # (5')


def hessian_vector_product(net: Network, trials: Trials, v: Params, *, noise: Any = None) -> Params:
    """H v, exact to rounding: H the Hessian of the loss of `net.loss_and_gradient(trials, noise=noise)`.

    v: an array of the shape of each array of `net.params`, None where that is None; so is the result, in float64. noise:
    (T, B, N) or None. The network is taken in float64. Costs about two gradients in plain NumPy.

    TypeError or ValueError, naming the argument (an array of v as "v.W_rec"), for what does not fit.
    """
    net, x, noise = _checked(net, trials, noise)
    v = _direction(v, net.params)
    params, leak, gain = net.params, net.leak, net.gain
    m = trials.weights().astype(np.float64)

    h, r = reference.rollout(params, x, net.h0, noise, net.model)
    z = reference.readout(params, h)
    h_dot, _, a_dot = rollout_tangent(params, v, x, h, r, net.model)
    z_dot = readout_tangent(params, v, h, h_dot)

    z_bar = reference.error_adjoint(z, trials.target, m, net.output, net.reduction)
    z_bar_dot = 2 * m * z_dot / reference.count(m, net.output, net.reduction)  # (6*')

    h_bar, _, _ = reference.readout_adjoint(params, z_bar, h)
    h_bar_dot = np.zeros_like(h)
    h_bar_dot[1:] = z_bar_dot @ params.W_out + z_bar @ v.W_out  # (5*')
    W_out_bar_dot = np.einsum("tbo,tbn->on", z_bar_dot, h[1:]) + np.einsum("tbo,tbn->on", z_bar, h_dot[1:])  # (5*')
    b_out_bar_dot = z_bar_dot.sum(axis=(0, 1))  # (5*')

    h_bar[1:] += 2 * net.rate_penalty * h[1:] / h[1:].size  # (7*)
    h_bar_dot[1:] += 2 * net.rate_penalty * h_dot[1:] / h[1:].size  # (7*')

    W_in_bar_dot = np.zeros_like(params.W_in)
    W_rec_bar_dot = np.zeros_like(params.W_rec)
    b_rec_bar_dot = np.zeros(net.n_rec)
    for t in range(len(x) - 1, -1, -1):
        h_bar[t] += (1 - leak) * h_bar[t + 1]  # (4*)
        h_bar_dot[t] += (1 - leak) * h_bar_dot[t + 1]  # (4*')
        r_bar = gain * h_bar[t + 1]  # (4*)
        r_bar_dot = gain * h_bar_dot[t + 1]  # (4*')
        phi_prime = reference.phi_prime(r[t], net.phi)
        a_bar = r_bar * phi_prime  # (3*)
        a_bar_dot = r_bar_dot * phi_prime + r_bar * phi_second(r[t], net.phi) * a_dot[t]  # (3*')
        h_bar[t] += a_bar @ params.W_rec  # (2*)
        h_bar_dot[t] += a_bar_dot @ params.W_rec + a_bar @ v.W_rec  # (2*')
        W_rec_bar_dot += a_bar_dot.T @ h[t] + a_bar.T @ h_dot[t]  # (2*')
        W_in_bar_dot += a_bar_dot.T @ x[t]  # (2*')
        b_rec_bar_dot += a_bar_dot.sum(axis=0)  # (2*')
    return Params(
        W_in=W_in_bar_dot + 2 * net.l2 * v.W_in,  # (8*')
        W_rec=W_rec_bar_dot + 2 * net.l2 * v.W_rec,  # (8*')
        W_out=W_out_bar_dot + 2 * net.l2 * v.W_out,  # (8*')
        b_rec=None if params.b_rec is None else b_rec_bar_dot,
        b_out=None if params.b_out is None else b_out_bar_dot,
        h0=None if params.h0 is None else h_bar_dot[0].sum(axis=0),
    )


def real_time_gradient(net: Network, trials: Trials, *, noise: Any = None) -> tuple[float, Params]:
    """The loss and gradient of `net.loss_and_gradient(trials, noise=noise)`, by real-time recurrent learning in float64.

    Nothing is kept of earlier steps, so memory does not grow with T; instead the sensitivities take B N^2 (N + I + 2) numbers
    and each step costs about B N^3 (N + I + 2) operations. Back-propagation needs B N (N + I) a step: this is for small N.
    The gradient has the shapes of `net.params`, None where that is None. noise: (T, B, N) or None.

    TypeError or ValueError, naming the argument, for what does not fit.
    """
    net, x, noise = _checked(net, trials, noise)
    params, leak, gain = net.weights, net.leak, net.gain
    T, B, I = x.shape
    N = net.n_rec
    m = trials.weights().astype(np.float64)
    m_sum = reference.count(m, net.output, net.reduction)
    rate_scale = net.rate_penalty / (T * B * N)

    units = np.arange(N)
    u = np.zeros((B, I + N + 2))  # (x_t, h_t, 1, 0)
    u[:, I + N] = 1.0
    P = np.zeros((B, N, N, I + N + 2))
    P[:, units, units, I + N + 1] = 1.0  # dh_0/dh0
    theta_bar = np.zeros((N, I + N + 2))
    W_out_bar = np.zeros_like(params.W_out)
    b_out_bar = np.zeros(net.n_out)
    h = np.broadcast_to(net.h0, (B, N))
    loss = net.l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec, params.W_out))  # (8)
    for t in range(T):
        a = h @ params.W_rec.T + x[t] @ params.W_in.T  # (2)
        if params.b_rec is not None:
            a = a + params.b_rec  # (2)
        if noise is not None:
            a = a + noise[t]  # (2)
        r = reference.phi(a, net.phi)  # (3)

        u[:, :I] = x[t]
        u[:, I : I + N] = h
        A = (params.W_rec @ P.reshape(B, N, -1)).reshape(P.shape)  # (12)
        A[:, units, units] += u[:, None, :]  # (12)
        A *= (gain * reference.phi_prime(r, net.phi))[:, :, None, None]  # (13)
        P *= (1 - leak)[:, None, None]  # (13)
        P += A  # (13)

        h = (1 - leak) * h + gain * r  # (4)
        z = h @ params.W_out.T  # (5)
        if params.b_out is not None:
            z = z + params.b_out  # (5)
        difference = z - trials.target[t]
        loss += (m[t] * difference * difference).sum() / m_sum  # (6)
        loss += rate_scale * (h * h).sum()  # (7)

        z_bar = 2 * m[t] * difference / m_sum  # (6*)
        W_out_bar += z_bar.T @ h  # (5*)
        b_out_bar += z_bar.sum(axis=0)  # (5*)
        h_bar = z_bar @ params.W_out + 2 * rate_scale * h  # (5*) (7*)
        theta_bar += np.tensordot(h_bar, P, 2)  # (14)
    return (
        float(loss),
        Params(
            W_in=theta_bar[:, :I] + 2 * net.l2 * params.W_in,  # (8*)
            W_rec=theta_bar[:, I : I + N] + 2 * net.l2 * params.W_rec,  # (8*)
            W_out=W_out_bar + 2 * net.l2 * params.W_out,  # (8*)
            b_rec=None if params.b_rec is None else theta_bar[:, I + N].copy(),
            b_out=None if params.b_out is None else b_out_bar,
            h0=theta_bar[:, I + N + 1].copy() if net.train_h0 else None,
        ),
    )


def leading_eigenvalues(
    net: Network, trials: Trials, k: int = 6, *, noise: Any = None, rng: np.random.Generator | int = 0
) -> tuple[Array, list[Params]]:
    """The k eigenvalues of the Hessian of largest magnitude, (k,), largest magnitude first, and their eigenvectors.

    The Hessian is that of the loss of `net.loss_and_gradient(trials, noise=noise)`. Each eigenvector has the shapes of
    `net.params`, None where that is None, and norm 1 over all entries. Found by Lanczos iteration (ARPACK) on
    `hessian_vector_product`, from a start that rng draws, so that the same rng gives the same result; where k is at least
    the number of parameters less one, from all entries of the Hessian. Where the Hessian has fewer than k eigenvalues that
    are not 0, those of 0 come out as rounding, and their eigenvectors are any that are orthogonal to the others and may
    differ from call to call.

    TypeError or ValueError, naming the argument, for what does not fit; k must be from 1 to the number of parameters.
    """
    net, _, noise = _checked(net, trials, noise)
    rng = as_generator(rng)
    size = sum(p.size for p in net.params if p is not None)
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise TypeError(f"k must be an integer, got {type(k).__name__}")
    if not 1 <= k <= size:
        raise ValueError(f"k must be from 1 to {size}, the number of parameters, got {k}")

    def product(vector: Array) -> Array:
        return _flat(hessian_vector_product(net, trials, _unflat(vector.ravel(), net.params), noise=noise))

    start = rng.standard_normal(size)
    if k >= size - 1:
        H = np.array([product(row) for row in np.eye(size)])
        values, vectors = np.linalg.eigh((H + H.T) / 2)  # (15)
    elif not product(start).any():  # H = 0, which leaves the iteration nowhere to go
        values, vectors = np.zeros(k), np.eye(size, k)  # (15)
    else:
        from scipy.sparse.linalg import LinearOperator, eigsh

        H = LinearOperator((size, size), matvec=product, dtype=np.float64)
        values, vectors = eigsh(H, k=int(k), which="LM", v0=start)  # (15)
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    return values[order], [_unflat(vectors[:, i], net.params) for i in order]


def _checked(net: Network, trials: Trials, noise: Any) -> tuple[Network, Array, Array | None]:
    """The network, the inputs and the noise in float64, or an error that names what does not fit."""
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    if net.form != "rate" or net.output != "linear" or net.dale is not None:
        raise ValueError(f"net must have the rate form, a linear output and no dale: nothing else is derived here, got {net}")
    net.check(trials)
    if noise is not None:
        noise = numeric("noise", noise).astype(np.float64)
        expected = (*trials.x.shape[:2], net.n_rec)
        if noise.shape != expected:
            raise ValueError(f"noise must be {expected}, got {noise.shape}")
    return net.astype(np.float64), trials.x.astype(np.float64), noise


def _direction(v: Params, params: Params) -> Params:
    """v in float64, or an error that names its array that does not fit."""
    _check_shapes(v, params, absent_allowed=False)
    arrays = [None if a is None else numeric(f"v.{name}", a).astype(np.float64) for name, a in v._asdict().items()]
    return Params(*arrays)  # type: ignore[arg-type]


def _check_shapes(v: Params, params: Params, absent_allowed: bool) -> None:
    """TypeError or ValueError naming the first array of v that does not have the shape of that of params."""
    if not isinstance(v, Params):
        raise TypeError(f"v must be Params, one array for each of the network's, got {type(v).__name__}")
    for name, along, p in zip(Params._fields, v, params, strict=True):
        if along is None:
            if p is not None and not absent_allowed:
                raise ValueError(f"v.{name} must be {p.shape}, the shape of {name}, got None")
        elif p is None:
            raise ValueError(f"v.{name} must be None, as {name} is absent or not trained, got {np.shape(along)}")
        elif np.shape(along) != p.shape:
            raise ValueError(f"v.{name} must be {p.shape}, the shape of {name}, got {np.shape(along)}")


def _flat(params: Params) -> Array:
    """All entries in one vector."""
    return np.concatenate([p.ravel() for p in params if p is not None])


def _unflat(vector: Array, like: Params) -> Params:
    """The inverse of `_flat`: copies of the entries in the shapes of `like`."""
    arrays: list[Array | None] = []
    start = 0
    for p in like:
        if p is None:
            arrays.append(None)
            continue
        arrays.append(vector[start : start + p.size].reshape(p.shape).copy())
        start += p.size
    return Params(*arrays)  # type: ignore[arg-type]
