"""KerasCog's flip-flop with one input: what the pulse is like, not where it comes from, says which answer to hold.

Turns, answers, mask, noise and protocols are those of `KerasCogFlipFlop`. KerasCog's notes (INFO.md) name the test by magnitude,
one input that fires high or low, everything else as before, and give no numbers; its thesis (ch. 3) says that pulses may differ in
frequency, and no more. There is no code for either. The numbers, and what a pulse of some frequency is, are ours.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .kerascog import KerasCogFlipFlop
from .shapes import check_levels, steps

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FlipFlopByMagnitude(KerasCogFlipFlop):
    """Remember whether the last pulse was low or high: after a low one the output is 0, after a high one it is 1.

    low_height, high_height: of the square pulses, 0.5 and 1, ours: five times the input's noise apart from each other, and the low
    one from silence. The other fields are those of KerasCogFlipFlop; sequences are written L and H.
    """

    low_height: float = 0.5
    high_height: float = 1.0

    n_in: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("pulse",)
    letters: ClassVar[str] = "LH"
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("pulse", "output"), ("none", "stays"), ("low", "0"), ("high", "1"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        check_levels(self, ("low_height", "high_height"))
        if self.low_height == self.high_height:
            raise ValueError(f"low_height and high_height must differ, got {self.low_height:g} twice")

    def _pulses(self, value: Array, since: Array) -> Array:
        return np.where(value == 1, self.high_height, self.low_height)[:, :, None]


@dataclass(frozen=True)
class FlipFlopByFrequency(KerasCogFlipFlop):
    """Remember whether the last train of pulses was slow or fast: after a slow one the output is 0, after a fast one it is 1.

    While a turn fires, the input is 1 in the first half of each period and 0 in the second. With the defaults both trains are on
    for 26 of their 50 steps, so that no mean of the input tells them apart. (Where frequency stands for the rate of an input
    neuron, it is a magnitude: FlipFlopByMagnitude.)
    low_hz, high_hz: the two frequencies, 2 and 8 Hz, ours; at least one slow period fits into a pulse, and two steps into a fast
    period. The other fields are those of KerasCogFlipFlop; sequences are written L and H.
    """

    low_hz: float = 2.0
    high_hz: float = 8.0

    n_in: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("train",)
    letters: ClassVar[str] = "LH"
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("train", "output"), ("none", "stays"), ("slow", "0"), ("fast", "1"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        slowest, fastest = 1000.0 / (steps(self, "pulse") * self.dt), 500.0 / self.dt
        if not (math.isfinite(self.low_hz) and self.low_hz >= slowest):
            raise ValueError(f"low_hz must be at least {slowest:g}, a period in a pulse of {self.pulse:g} ms, got {self.low_hz}")
        if not self.low_hz < self.high_hz <= fastest:
            raise ValueError(
                f"high_hz must be above low_hz = {self.low_hz:g} and at most {fastest:g}, two steps of {self.dt:g} ms to a period, "
                f"got {self.high_hz}"
            )

    def _pulses(self, value: Array, since: Array) -> Array:
        half_periods = 2e-3 * self.dt * np.where(value == 1, self.high_hz, self.low_hz) * since
        return (np.floor(half_periods + 1e-9) % 2 == 0)[:, :, None]  # rounding must not delay an edge that is due at a step
