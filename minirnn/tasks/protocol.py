"""`Protocol`: the settings a paper's authors trained a task with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """How a task was trained (spec: the scripts of RNN_study_with_keras).

    samples: training trials, drawn once; held_out more are kept for validation. batch, epochs; stop_below: training ends
    after an epoch whose mean loss is smaller. lr, decay: of Adam, with Keras' other settings. n_rec, recurrent, b_rec: the
    network.
    """

    samples: int = 15000
    held_out: int = 50
    batch: int = 64
    epochs: int = 20
    stop_below: float | None = None
    lr: float = 1e-4
    decay: float = 1e-4
    n_rec: int = 50
    recurrent: str = "orthogonal"
    b_rec: bool = False
