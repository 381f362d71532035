"""AND, OR and XOR of networks whose weights keep their signs (arXiv 2208.10304; code: Excitatory-inhibitory).

The gates of `logic` with other times. With the defaults (dt = 1 ms); v is uniform on 1 .. 50 in each trial:

    [60 + v, 80 + v)     square pulses of height 1 on the channels that are on
    [100 + v, 290)       target = the gate's answer; before, the baseline: 0 for AND and XOR, 0.01 for OR

(generate_data_set_and.py, _or.py and _xor.py; their noise of 0.1 on the inputs is commented out, hence no noise here.)

Training (binary_and_recurrent_exi_ini_01.py): after each update W_in has no negative entries, and what a unit receives from the
others is all negative for one half of the units and all positive for the other, by setting wrong entries to 0. This is a sign
of the target, not of the source as in Dale's law; the spectrum of W_rec is the same. The readout is free. The first half
is inhibitory there, excitatory here. Other runs of the authors: 100 epochs, 75 to 500 units, a normal start, 30 % inhibitory.
"""

from dataclasses import dataclass
from typing import ClassVar

from .logic import And, Or, Xor
from .protocol import Protocol

PROTOCOL = Protocol(
    stop_below=9e-5, clip=0.5, n_rec=100, b_rec=True,
    dale={"excitatory": 0.5, "by": "projection", "axis": "post", "readout": False},
)  # fmt: skip


@dataclass(frozen=True)
class EIAnd(And):
    """AND of networks whose weights keep their signs (arXiv 2208.10304). Fields as in Gate."""

    onset: float = 60.0
    tail: float = 140.0
    jitter: float = 50.0
    input_noise_std: float = 0.0

    protocol: ClassVar[Protocol] = PROTOCOL


@dataclass(frozen=True)
class EIOr(Or):
    """OR of networks whose weights keep their signs (arXiv 2208.10304). Fields as in Gate."""

    onset: float = 60.0
    tail: float = 140.0
    jitter: float = 50.0
    input_noise_std: float = 0.0

    protocol: ClassVar[Protocol] = PROTOCOL


@dataclass(frozen=True)
class EIXor(Xor):
    """XOR of networks whose weights keep their signs; its baseline is 0, not 0.01 as in Xor. Fields as in Gate."""

    onset: float = 60.0
    tail: float = 140.0
    jitter: float = 50.0
    input_noise_std: float = 0.0
    baseline: float = 0.0

    protocol: ClassVar[Protocol] = PROTOCOL
