"""Adam and gradient descent: settings, state, and one update of a flat parameter vector.

The equations of Adam are in `minirnn.kernels.adam`. Gradient descent with momentum (reference, 12):

    (1)  m = momentum m - lr g
    (2)  theta += m
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .engine import Flat, kernels
from .reference import Params

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba, arXiv 1412.6980) with Keras' switches.

    lr: learning rate; decay: Keras 2's, the rate of an update is lr / (1 + decay * updates done before).
    beta1, beta2, eps: as in the paper. epsilon_hat: True for Keras' form, theta -= lr_t m / (sqrt(v) + eps), where eps weighs
    1/sqrt(1 - beta2^t) times more than in the paper's (False). clip: largest gradient norm, of all arrays together
    (clip_scope="global", Keras <= 2.3 clipnorm) or of each array ("per_array", Keras 3 clipnorm); None for none.
    """

    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.0
    epsilon_hat: bool = True
    clip: float | None = None
    clip_scope: Literal["global", "per_array"] = "global"

    def __post_init__(self) -> None:
        _check_common(self)
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise ValueError(f"eps must be positive, got {self.eps}")


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum, as Keras has it; momentum 0 is the plain one that pycog uses, with clip=1.0.

    lr, decay, clip, clip_scope: as of `Adam`.
    """

    lr: float = 1e-2
    momentum: float = 0.0
    decay: float = 0.0
    clip: float | None = None
    clip_scope: Literal["global", "per_array"] = "global"

    def __post_init__(self) -> None:
        _check_common(self)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum}")


Optimizer = Adam | SGD


def _check_common(optimizer: Adam | SGD) -> None:
    if not (math.isfinite(optimizer.lr) and optimizer.lr > 0):
        raise ValueError(f"lr must be positive, got {optimizer.lr}")
    if not (math.isfinite(optimizer.decay) and optimizer.decay >= 0):
        raise ValueError(f"decay must be 0 or positive, got {optimizer.decay}")
    if optimizer.clip is not None and not (math.isfinite(optimizer.clip) and optimizer.clip > 0):
        raise ValueError(f"clip must be None or positive, got {optimizer.clip}")
    if optimizer.clip_scope not in ("global", "per_array"):
        raise ValueError(f'clip_scope must be "global" or "per_array", got {optimizer.clip_scope!r}')


def of_protocol(protocol: Any) -> Optimizer:
    """The optimiser of a task's protocol."""
    common = {"lr": protocol.lr, "decay": protocol.decay, "clip": protocol.clip, "clip_scope": protocol.clip_scope}
    return SGD(**common) if protocol.optimizer == "sgd" else Adam(**common)


def learning_rate(optimizer: Optimizer, updates: int) -> float:
    """The learning rate of the next update when `updates` were done before."""
    return optimizer.lr / (1.0 + optimizer.decay * updates)


class OptimizerState(NamedTuple):
    """Where an optimisation stands: the moments m and v of each trained array, and the number of updates done.

    With SGD m is the velocity, and v stays 0.
    """

    m: Params
    v: Params
    updates: int


def norms(gradient: Flat) -> dict[str, float]:
    """The Euclidean norm of each array's gradient, summed in float64."""
    sums = np.empty(len(gradient.ends))
    kernels().adam.sums_of_squares(sums, gradient.vector, gradient.ends)
    return dict(zip(gradient.slices, np.sqrt(sums).tolist(), strict=True))


def clip(gradient: Flat, found: dict[str, float], optimizer: Optimizer) -> None:
    """Scale the gradient down, in place, to the norm `optimizer.clip`; `found` are its norms."""
    if optimizer.clip is None:
        return
    real = gradient.vector.dtype.type
    if optimizer.clip_scope == "global":
        total = math.hypot(*found.values())
        if total > optimizer.clip:
            gradient.vector *= real(optimizer.clip / total)
        return
    for name, part in gradient.slices.items():
        if found[name] > optimizer.clip:
            gradient.vector[part] *= real(optimizer.clip / found[name])


def update(theta: Flat, m: Flat, v: Flat, gradient: Flat, updates: int, optimizer: Optimizer) -> None:
    """The update after `updates` others, t = updates + 1, of theta and the moments, in place."""
    lr = learning_rate(optimizer, updates)
    real = theta.vector.dtype.type
    if isinstance(optimizer, SGD):
        m.vector *= real(optimizer.momentum)  # (1)
        m.vector -= real(lr) * gradient.vector  # (1)
        theta.vector += m.vector  # (2)
        return
    t = updates + 1
    unbias1, unbias2 = 1.0 - optimizer.beta1**t, 1.0 - optimizer.beta2**t
    step, scale = (lr * math.sqrt(unbias2) / unbias1, 1.0) if optimizer.epsilon_hat else (lr / unbias1, 1.0 / unbias2)
    scalars = [real(value) for value in (step, scale, optimizer.beta1, optimizer.beta2, optimizer.eps)]
    kernels().adam.adam(theta.vector, m.vector, v.vector, gradient.vector, *scalars)
