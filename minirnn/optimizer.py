"""Adam: its settings, its state, and one update of a flat parameter vector. The equations are in `minirnn.kernels.adam`."""

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
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be positive, got {self.lr}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise ValueError(f"eps must be positive, got {self.eps}")
        if not (math.isfinite(self.decay) and self.decay >= 0):
            raise ValueError(f"decay must be 0 or positive, got {self.decay}")
        if self.clip is not None and not (math.isfinite(self.clip) and self.clip > 0):
            raise ValueError(f"clip must be None or positive, got {self.clip}")
        if self.clip_scope not in ("global", "per_array"):
            raise ValueError(f'clip_scope must be "global" or "per_array", got {self.clip_scope!r}')

    def learning_rate(self, updates: int) -> float:
        """The learning rate of the next update when `updates` were done before."""
        return self.lr / (1.0 + self.decay * updates)


class AdamState(NamedTuple):
    """Where an optimisation stands: the moments m and v of each trained array, and the number of updates done."""

    m: Params
    v: Params
    updates: int


def norms(gradient: Flat) -> dict[str, float]:
    """The Euclidean norm of each array's gradient, summed in float64."""
    return {
        name: math.sqrt(float(np.square(gradient.vector[part], dtype=np.float64).sum())) for name, part in gradient.slices.items()
    }


def clip(gradient: Flat, found: dict[str, float], adam: Adam) -> None:
    """Scale the gradient down, in place, to the norm `adam.clip`; `found` are its norms."""
    if adam.clip is None:
        return
    real = gradient.vector.dtype.type
    if adam.clip_scope == "global":
        total = math.hypot(*found.values())
        if total > adam.clip:
            gradient.vector *= real(adam.clip / total)
        return
    for name, part in gradient.slices.items():
        if found[name] > adam.clip:
            gradient.vector[part] *= real(adam.clip / found[name])


def update(theta: Flat, m: Flat, v: Flat, gradient: Flat, updates: int, adam: Adam) -> None:
    """The update after `updates` others, t = updates + 1, of theta and the moments, in place."""
    lr = adam.learning_rate(updates)
    t = updates + 1
    unbias1, unbias2 = 1.0 - adam.beta1**t, 1.0 - adam.beta2**t
    step, scale = (lr * math.sqrt(unbias2) / unbias1, 1.0) if adam.epsilon_hat else (lr / unbias1, 1.0 / unbias2)
    real = theta.vector.dtype.type
    scalars = [real(value) for value in (step, scale, adam.beta1, adam.beta2, adam.eps)]
    kernels().adam.adam(theta.vector, m.vector, v.vector, gradient.vector, *scalars)
