"""The ensembles that the studies train: which networks, how many, with which settings. Studies that name the same arm share it.

The authors' protocols are those of the tasks. What differs from them, and why:

RECOMMENDED, for the seven tasks of arXiv 1906.01094: a gradient of norm 1 at most, a learning rate of 5e-4 that decays alike, and
an orthogonal start of gain 0.9. The authors' fail in two ways that it is meant to mend. Single updates throw a network out of
what it had learnt: the norm of a gradient jumps a hundredfold. And with an orthogonal start of gain 1 the silent state is on the
edge of stability: noise of training always kicks the network off it, and noiseless trials, which begin there, are answered at
random.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from .. import initial
from ..dale import Dale
from ..optimizer import Adam
from ..tasks import BY_NAME, ContextGates, TimePulse
from ..tasks.kerascog import KerasCogFlipFlop, KerasCogFlipFlopDale
from .runs import Run
from .study import Setting

SEVEN = ("and", "or", "xor", "not", "flip-flop", "oscillation", "time-pulse")
STARTS = ("orthogonal", "normal")
RECOMMENDED: dict[str, Any] = {
    "network": {"recurrent": "orthogonal", "gain": 0.9}, "optimizer": Adam(lr=5e-4, decay=5e-4, clip=1.0),
}  # fmt: skip


def authors(setting: Setting, task: str, start: str = "orthogonal", networks: int = 20) -> list[Run]:
    """Table 6: a task by name, with its authors' protocol."""
    return setting.ensemble(BY_NAME[task](), networks, network={"recurrent": start})


def recommended(setting: Setting, task: str, networks: int = 20) -> list[Run]:
    """The same with RECOMMENDED."""
    return setting.ensemble(BY_NAME[task](), networks, **RECOMMENDED)


def sparse_starts(setting: Setting, density: float, networks: int = 10) -> list[Run]:
    """AND from starts in which a share `density` of the connections is there; the networks of different densities share trials."""
    runs = authors(setting, "and", "normal", networks)
    n = BY_NAME["and"].protocol.n_rec
    starts = (initial.sparse(n, density, 1.0, np.random.default_rng(run.seed)) for run in runs)
    return [replace(run, network={"recurrent": start}) for run, start in zip(runs, starts, strict=True)]


def biased(setting: Setting, task: str, networks: int = 10) -> list[Run]:
    """A gate with RECOMMENDED and a recurrent bias, whose state need not rest before the stimulus."""
    return setting.ensemble(BY_NAME[task](), networks, **{**RECOMMENDED, "network": {**RECOMMENDED["network"], "b_rec": True}})


def pulse(setting: Setting, delay: float, units: int = 50, networks: int = 10) -> list[Run]:
    """Fig 13: the time pulse after a delay of so many ms, in a network of so many units, the target as noisy as the input.

    The authors' T is not published (100 ms, as the script has it, can not hold delays from 50 ms on): T = 100 + delay.
    """
    task = TimePulse(gap=delay, tail=30.0, target_noise_std=0.1)
    return setting.ensemble(task, networks, network={"recurrent": "orthogonal", "n_rec": units})


def excitatory_inhibitory(
    setting: Setting, units: int, excitatory: float = 0.5, start: str = "orthogonal", networks: int = 5
) -> list[Run]:  # fmt: skip
    """arXiv 2208.10304: AND, signs kept by projection, on the side of the target as in the authors' code."""
    dale = Dale(excitatory, by="projection", axis="post", readout=False)
    return setting.ensemble(BY_NAME["ei-and"](), networks, network={"recurrent": start, "n_rec": units, "dale": dale})


def unconstrained(setting: Setting, units: int, start: str = "orthogonal", networks: int = 5) -> list[Run]:
    """The networks of `excitatory_inhibitory` without signs."""
    return setting.ensemble(BY_NAME["ei-and"](), networks, network={"recurrent": start, "n_rec": units, "dale": None})


DALE_ARMS = ("none", "Dale and noise", "Dale alone", "KerasCog's diagonal and noise")


def dale_time(setting: Setting, arm: str, networks: int = 5) -> list[Run]:
    """Thesis, Fig 3.3: KerasCog's flip-flop, 150 epochs, in one of DALE_ARMS.

    All start with a spectral radius of 0.9 and clip the gradient at 1, which without a true Dale's law would not be needed.
    """
    with_dale = KerasCogFlipFlopDale.protocol
    constants = {**with_dale.constants, "recurrent": "orthogonal"}
    if arm in ("none", "Dale alone"):
        constants["noise"] = 0.0
    diagonal = arm == "KerasCog's diagonal and noise"
    constants["dale"] = None if arm == "none" else Dale(0.8, kerascog_diagonal=diagonal)
    optimizer = Adam(lr=with_dale.lr, decay=with_dale.decay, clip=1.0)
    return setting.ensemble(
        KerasCogFlipFlop(), networks, network=constants, optimizer=optimizer, training={"epochs": with_dale.epochs}
    )


GATES = (("and", 1.0), ("or", -1.0), ("xor", 0.0))


def gates(setting: Setting, chosen: tuple[str, ...], units: int = 100, dale: bool = False, networks: int = 5) -> list[Run]:
    """Gates by context, all of GATES or some, in one network; batches as with a single gate, clipped, with Dale's law or not."""
    task = ContextGates(gates=tuple(pair for pair in GATES if pair[0] in chosen))
    network: dict[str, Any] = {"recurrent": "orthogonal", "n_rec": units}
    if dale:
        network |= {"dale": Dale(0.8, by="abs"), "spectral_radius": 0.9}
    training = {"samples": 15000, "batch": 64, "epochs": 20, "stop_below": 5e-4}
    return setting.ensemble(task, networks, network=network, optimizer=Adam(lr=5e-4, decay=5e-4, clip=1.0), training=training)


def compared(setting: Setting, networks: int = 10) -> dict[tuple[str, str, str], list[Run]]:
    """The seven tasks, or the one asked for, by (settings, start, task): both STARTS of the authors, and RECOMMENDED.

    A quick study takes AND alone. ValueError for another task.
    """
    if setting.task not in (None, *SEVEN):
        raise ValueError(f"task must be one of {', '.join(SEVEN)}, got {setting.task}")
    chosen = (setting.task,) if setting.task is not None else SEVEN[:1] if setting.quick else SEVEN
    cells = {("authors", start, task): authors(setting, task, start, networks) for start in STARTS for task in chosen}
    return cells | {("recommended", "orthogonal", task): recommended(setting, task, networks) for task in chosen}
