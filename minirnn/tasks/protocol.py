"""`Protocol`: the settings a paper's authors trained a task with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Protocol:
    """How a task was trained (spec: the scripts of RNN_study_with_keras; others say so in their task).

    samples: training trials, drawn once; held_out more are kept for validation. fresh: new trials for each batch instead,
    `samples` of them per epoch. batch, epochs; stop_below: training ends after an epoch whose mean loss is smaller.
    optimizer: "adam", with lr and decay and Keras' other settings, or "sgd". clip, clip_scope: of the gradient's norm.
    n_rec, recurrent, gain, b_rec, b_out: the network's start, as `Network.random` has them; h0: initial state of every unit.
    constants: its other keywords where they are not the defaults (form, phi, tau, noise, ..). dale: the keywords of its
    `Dale`, None without a sign constraint.
    """

    samples: int = 15000
    held_out: int = 50
    fresh: bool = False
    batch: int = 64
    epochs: int = 20
    stop_below: float | None = None
    optimizer: Literal["adam", "sgd"] = "adam"
    lr: float = 1e-4
    decay: float = 1e-4
    clip: float | None = None
    clip_scope: Literal["global", "per_array"] = "global"
    n_rec: int = 50
    recurrent: str = "orthogonal"
    gain: float = 1.0
    b_rec: bool = False
    b_out: bool = True
    h0: float = 0.0
    constants: Mapping[str, Any] = field(default_factory=dict)
    dale: Mapping[str, Any] | None = None
