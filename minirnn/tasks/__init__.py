"""The experiments: each a frozen dataclass with `trials(n, rng)`, `conditions()`, `condition_names` and `protocol`."""

from typing import Any

from .flipflop import FlipFlop
from .logic import And, Not, Or, TwoPulseAnd, Xor
from .measures import distance, success
from .protocol import Protocol
from .timing import Oscillation, TimePulse

BY_NAME: dict[str, Any] = {  # the command line's names
    "and": And,
    "or": Or,
    "xor": Xor,
    "not": Not,
    "time-pulse": TimePulse,
    "flip-flop": FlipFlop,
    "oscillation": Oscillation,
    "two-pulse-and": TwoPulseAnd,
}

__all__ = [
    "BY_NAME", "And", "FlipFlop", "Not", "Or", "Oscillation", "Protocol", "TimePulse", "TwoPulseAnd", "Xor", "distance", "success",
]  # fmt: skip
