"""How much gradient reaches each step, and by which way: the adjoint taken apart, Jacobian products, Lyapunov exponents.

The model is that of `minirnn.reference`: a_t, r_t, h_{t+1} and z_t are its equations 2 to 5, L its loss. v_bar is dL/dv, a row
per trial. What reaches the state h_t comes from what is read and penalised at h_t, through the leak, and through W_rec:

    (1)  d_t     = z_bar_{t-1} W_out + 2 rate_penalty h_t / (T B N)     direct; d_0 = 0, for h_0 is not read out
    (2)  l_t     = (1 - leak) h_bar_{t+1}                               through the leak; l_T = 0
    (3)  a_bar_t = gain phi'(a_t) h_bar_{t+1}
    (4)  c_t     = a_bar_t W_rec                                        through the recurrent weights; c_T = 0
    (5)  h_bar_t = d_t + l_t + c_t                                      lambda_t = dL/dh_t, for t = T, .., 0

In the current form what is read and what goes through W_rec are the rates r_t = phi(h_t):

    (1c) d_t     = phi'(h_t) (q_bar_{t-1} W_out + 2 rate_penalty r_t / (T B N))
    (3c) c_t     = phi'(h_t) (gain h_bar_{t+1} W_rec)
    (6c) J_t     = diag(1 - leak) + diag(gain) W_rec diag(phi'(h_t))

One step multiplies a small change of the state by its Jacobian, and many steps by the product of theirs, whose singular values
say how much each direction grows or vanishes on its way (Pascanu, Mikolov & Bengio, arXiv 1211.5063):

    (6)  J_t     = dh_{t+1}/dh_t = diag(1 - leak) + diag(gain phi'(a_t)) W_rec
    (7)  P_t     = dh_T/dh_t = J_{T-1} .. J_{t+1} J_t,    P_T = 1;      l_t + c_t = h_bar_{t+1} J_t
    (8)  P_t^T   = Q D U      Q orthogonal, D diagonal and of any range, U well conditioned (Bai, Lee, Li & Xu 2011, Linear
                              Algebra and its Applications 435:659)

The Lyapunov exponents are the mean rates of growth along a trajectory (Benettin, Galgani, Giorgilli & Strelcyn 1980, Meccanica
15:9; for such networks Engelken, Wolf & Abbott, arXiv 2006.02427):

    (9)  J_t Q_t = Q_{t+1} R_t      Q orthogonal, R upper triangular with a diagonal >= 0
    (10) exponent_i = mean over t of log (R_t)_ii,    in 1/step

Shapes: T steps, B trials, N units, O outputs; h, h_bar, d, l, c (T+1, B, N), a_bar, r (T, B, N), in the current form r
(T+1, B, N), J, P, Q, D, U, R (N, N).
Weights are (to, from). All is done in float64, whatever the network's dtype.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import qr
from scipy.linalg.lapack import dgejsv

from . import reference
from .network import Network
from .trials import Trials, numeric

Array = np.ndarray[Any, Any]


class AdjointParts(NamedTuple):
    """dL/dh_t and its three parts, each (T+1, B, N); total = direct + leak + recurrent. Index t belongs to the state h_t."""

    total: Array  # h_bar_t
    direct: Array  # d_t
    leak: Array  # l_t
    recurrent: Array  # c_t


class GradientFlow(NamedTuple):
    """Norms over trials and units of dL/dh_t and its three parts, each (T+1,). Index t belongs to the state h_t.

    The norms of the parts need not add up to the norm of the total; the vectors of `adjoint_parts` do.
    """

    total: Array  # |h_bar_t|
    direct: Array  # |d_t|
    leak: Array  # |l_t|
    recurrent: Array  # |c_t|


def flow(net: Network, trials: Trials, *, noise: Any = None) -> GradientFlow:
    """The norms over trials and units of dL/dh_t and of its parts: `adjoint_parts`, whose arguments and errors these are.

    Each is (T+1,). Index 0 is the initial state, where direct is 0; index t > 0 is the state after x[t-1] was consumed, from
    which the output z[t-1] is read; index T is the last one, where leak and recurrent are 0. leak[t] and recurrent[t] are
    what comes to h_t from h_{t+1}.
    """
    parts = adjoint_parts(net, trials, noise=noise)
    return GradientFlow(*[np.sqrt((part * part).sum(axis=(1, 2))) for part in parts])


def adjoint_parts(net: Network, trials: Trials, *, noise: Any = None) -> AdjointParts:
    """dL/dh_t, the complete one, and what makes it up, each (T+1, B, N) with the index of h (see `flow`).

    noise: (T, B, N), already scaled, None for none. The sum over trials of total[0] is the gradient of a trained h0.
    TypeError or ValueError, naming the argument, where the trials or the noise do not fit the network, or where the states
    grow beyond the largest float64.
    """
    net = _in_float64(net)
    net.check(trials)
    x = trials.x.astype(np.float64)
    T, B, _ = x.shape
    h, r = _states(net, x, net.h0, _noise(noise, (T, B, net.n_rec)))
    current = net.form == "current"
    weights, model = net.weights, net.model
    rates = r if current else h
    q_bar = reference.error_adjoint(reference.readout(weights, rates), trials.target, trials.weights(), net.output, net.reduction)
    direct, _, _ = reference.readout_adjoint(weights, q_bar, rates)  # (1)
    direct[1:] += 2 * net.rate_penalty * rates[1:] / rates[1:].size  # (1)
    if current:
        direct *= reference.phi_prime(r, net.phi)  # (1c)
    leak = np.zeros_like(h)
    recurrent = np.zeros_like(h)
    h_bar = direct.copy()  # (5) at t = T, where nothing else enters
    for t in range(T - 1, -1, -1):
        leak[t] = (1 - model.leak) * h_bar[t + 1]  # (2)
        slope = reference.phi_prime(r[t], net.phi)
        if current:
            recurrent[t] = slope * ((model.gain * h_bar[t + 1]) @ weights.W_rec)  # (3c)
        else:
            a_bar = model.gain * slope * h_bar[t + 1]  # (3)
            recurrent[t] = a_bar @ weights.W_rec  # (4)
        h_bar[t] = direct[t] + leak[t] + recurrent[t]  # (5)
    return AdjointParts(h_bar, direct, leak, recurrent)


def jacobian(net: Network, h_t: Any, r_t: Any) -> Array:
    """dh_{t+1}/dh_t (N, N), (to, from), of one trial in the state h_t (N,) with the drive r_t = phi(a_t) (N,).

    In the rate form the state enters only through the drive, in terms of which phi' is written; in the current form r_t are the
    rates phi(h_t). `reference.rollout` gives both.
    TypeError or ValueError, naming the argument, where one is not a network, or not (N,) finite real numbers.
    """
    net = _in_float64(net)
    for name, value in (("h_t", h_t), ("r_t", r_t)):
        if numeric(name, value).shape != (net.n_rec,):
            raise ValueError(f"{name} must be ({net.n_rec},), a single trial, got {np.shape(value)}")
    return _jacobian(net, np.asarray(r_t, np.float64))


def singular_values(
    net: Network, trials: Trials, trial: int = 0, steps: Sequence[int] | Array | None = None, noise: Any = None
) -> Array:
    """Singular values of dh_T/dh_t of one trial, (len(steps), N), largest first, a row for each t of `steps`.

    steps: integers 0 to T in any order, all T+1 by default; t = T is the identity, t = 0 the whole trial. noise: (T, B, N).

    The product is kept as orthogonal, diagonal and well scaled factor (8) and its values are found by Jacobi's method, so that
    small ones are not lost in the rounding of large ones, as they are, below about 1e-16 of the largest, in a plain product.
    What is below about 1e-300 of the largest is returned as 0. Where a single Jacobian is singular or has a condition beyond
    1e15, that step's own smallest directions are known only to rounding, and count as about 1e-16 instead of 0.
    TypeError or ValueError, naming the argument, where the trials, trial, steps or noise do not fit.
    """
    net = _in_float64(net)
    net.check(trials)
    T, B, _ = trials.x.shape
    N = net.n_rec
    b = _integer("trial", trial, 0, B - 1)
    wanted = np.arange(T + 1) if steps is None else np.asarray(steps)
    if wanted.dtype.kind not in "iu":
        raise TypeError(f"steps must be integers, got dtype {wanted.dtype}")
    if wanted.ndim != 1 or wanted.size == 0 or wanted.min() < 0 or wanted.max() > T:
        raise ValueError(f"steps must be a list of at least one integer from 0 to {T}, got {steps}")
    given = _noise(noise, (T, B, N))
    one = slice(b, b + 1)
    _, r = _states(net, trials.x[:, one].astype(np.float64), net.h0, None if given is None else given[:, one])

    values = np.empty((T + 1, N))
    values[T] = 1.0
    Q, D, U = np.eye(N), np.ones(N), np.eye(N)
    exponent = 0  # P_t^T is 2^exponent Q D U, so that only ratios of values have to fit into float64
    for t in range(T - 1, int(wanted.min()) - 1, -1):
        J = _jacobian(net, r[t, 0])
        Q, R, order = qr((J.T @ Q) * D, pivoting=True)  # (8) (J_t^T Q D)[:, order] = Q R, the rows of R falling in size
        D = np.abs(np.diag(R))
        R = np.divide(R, D[:, None], out=np.zeros_like(R), where=D[:, None] > 0)
        U = R @ U[order]  # (8)
        shift = int(np.frexp(D[0])[1])  # pivoting puts the largest first
        D = np.ldexp(D, -shift)
        exponent += shift
        if t in wanted:
            with np.errstate(over="ignore"):
                values[t] = np.ldexp(_graded_singular_values(U.T * D), exponent)  # (7)
    return values[wanted]


def lyapunov_exponents(net: Network, x: Any, *, h0: Any = None, noise: Any = None, settle: int = 0) -> Array:
    """Lyapunov exponents (N,), largest first, in 1/step, along the trajectory that x (T, 1, I) drives; divide by dt for 1/ms.

    h0: (N,) instead of the network's own initial state. noise: (T, 1, N), already scaled, None for none. settle: so many steps
    at the start bring the state to its attractor and the directions into order, and are not counted in the mean.

    Their sum is the mean of log|det J_t| over the counted steps. -inf stands for a direction that some counted step sends to 0,
    or so close to it, below N eps |J_t|, that rounding can not tell: without a leak (tau = dt) this is what a W_rec of low rank,
    a silent relu unit or a saturated one does.
    TypeError or ValueError, naming the argument, where one does not fit, or where the states grow beyond the largest float64.
    """
    net = _in_float64(net)
    x = numeric("x", x).astype(np.float64)
    if x.ndim != 3 or x.shape[0] == 0 or x.shape[1:] != (1, net.n_in):
        raise ValueError(f"x must be (T, 1, {net.n_in}) with T > 0, one trial for this network, got {x.shape}")
    T, N = len(x), net.n_rec
    start = net.h0 if h0 is None else numeric("h0", h0).astype(np.float64)
    if start.shape != (N,):
        raise ValueError(f"h0 must be ({N},), got {start.shape}")
    settle = _integer("settle", settle, 0, T - 1)
    _, r = _states(net, x, start, _noise(noise, (T, 1, N)))

    Q = np.eye(N)
    growth = np.zeros(N)
    for t in range(T):
        J = _jacobian(net, r[t, 0])
        Q, R = np.linalg.qr(J @ Q)  # (9)
        diagonal = np.diag(R)
        Q = Q * np.where(diagonal < 0, -1.0, 1.0)  # (9) the sign that makes the diagonal >= 0
        diagonal = np.abs(diagonal)
        resolved = diagonal > N * np.finfo(np.float64).eps * np.linalg.norm(J)
        if t >= settle:
            growth += np.log(diagonal, out=np.full(N, -np.inf), where=resolved)  # (10)
    return np.sort(growth / (T - settle))[::-1]  # (10)


class FlowLog:
    """A callback for `train` that keeps the gradient flow on given trials after every so many epochs.

        log = FlowLog(trials, every=5)
        result = mr.train(net, task, rng=0, callback=log)
        plots.diagnosis(result.history.loss, result.history.gradient_norm, log.epochs, log.total, log.gain)

    epochs: those that were kept. total: |dL/dh_t| (T+1,) of each. gain: largest and smallest-but-zero singular value of
    dh_T/dh_0 of the first trial, a pair for each.
    """

    def __init__(self, trials: Trials, every: int = 1) -> None:
        self.trials = trials
        self.every = _integer("every", every, 1, 2**31)
        self.epochs: list[int] = []
        self.total: list[Array] = []
        self.gain: list[tuple[float, float]] = []

    def __call__(self, epoch: int, network: Network, history: Any) -> None:
        if epoch % self.every:
            return
        values = singular_values(network, self.trials, steps=[0])[0]
        self.epochs.append(epoch)
        self.total.append(flow(network, self.trials).total)
        self.gain.append((float(values[0]), float(values[values > 0].min(initial=values[0]))))


class TruncationBias(NamedTuple):
    """How far truncated gradients are from the full one g, all arrays taken together; each (len(lengths),)."""

    lengths: Array  # steps
    relative_error: Array  # |g_truncated - g| / |g|
    cosine: Array  # of the angle between them


def truncation_bias(net: Network, trials: Trials, lengths: Sequence[int], *, noise: Any = None) -> TruncationBias:
    """The truncated gradients of `net.loss_and_gradient(trials, truncate=length)` against the full one, in float64.

    TypeError or ValueError, naming the argument, where one does not fit; a full gradient of 0 is a ValueError.
    """
    net = _in_float64(net)

    def gradient(truncate: int | None) -> Array:
        _, found = net.loss_and_gradient(trials, noise=noise, truncate=truncate)
        return np.concatenate([p.ravel() for p in found if p is not None])

    full = gradient(None)
    size = float(np.linalg.norm(full))
    if size == 0:
        raise ValueError("trials must give a gradient that is not 0, to compare with")
    cut = [gradient(length) for length in lengths]
    error = [float(np.linalg.norm(g - full)) / size for g in cut]
    cosine = [float(g @ full) / max(size * float(np.linalg.norm(g)), np.finfo(float).tiny) for g in cut]
    return TruncationBias(np.asarray(lengths), np.array(error), np.array(cosine))


def _jacobian(net: Network, r_t: Array) -> Array:
    """J_t (N, N) from the drive r_t = phi(a_t), in the current form from the rates r_t = phi(h_t), (N,)."""
    slope = reference.phi_prime(r_t, net.phi)
    if net.form == "current":
        return np.diag(1 - net.leak) + net.gain[:, None] * net.weights.W_rec * slope  # (6c)
    return np.diag(1 - net.leak) + (net.gain * slope)[:, None] * net.weights.W_rec  # (6)


def _graded_singular_values(A: Array) -> Array:
    """Singular values, largest first, of an A = C D with D diagonal, each with a small relative error if C is well conditioned.

    LAPACK's gejsv, preconditioned one-sided Jacobi (Drmac & Veselic 2008, SIAM J. Matrix Anal. Appl. 29:1322).
    """
    # joba 0: "C", A = C D; jobu, jobv 3: no vectors; jobr 0: keep tiny columns; jobt 1: do not transpose; jobp 1: no perturbation
    found, _, _, scale, _, info = dgejsv(A, joba=0, jobu=3, jobv=3, jobr=0, jobt=1, jobp=1)
    if info != 0:
        raise RuntimeError(f"LAPACK's gejsv did not converge (info {info})")
    return found * (scale[0] / scale[1])


def _states(net: Network, x: Array, h0: Array, noise: Array | None) -> tuple[Array, Array]:
    """h (T+1, B, N) and r of `reference.rollout` for x (T, B, I), or a ValueError where they are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        h, r = reference.rollout(net.weights, x, h0, noise, net.model)
    finite = np.isfinite(h).all(axis=(1, 2))
    if not finite.all():
        step = int(np.argmin(finite)) - 1
        raise ValueError(f"x must leave the states of this network finite, got {np.abs(h[step + 1]).max()} after step {step}")
    return h, r


def _in_float64(net: Any) -> Network:
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    return net.astype(np.float64)


def _noise(noise: Any, shape: tuple[int, int, int]) -> Array | None:
    if noise is None:
        return None
    noise = numeric("noise", noise).astype(np.float64)
    if noise.shape != shape:
        raise ValueError(f"noise must be {shape}, got {noise.shape}")
    return noise


def _integer(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}")
    return int(value)
