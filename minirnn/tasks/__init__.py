"""The experiments: each a frozen dataclass with `trials(n, rng)`, `conditions()`, `condition_names` and `protocol`."""

from typing import Any

from .coded_flipflop import FlipFlopByFrequency, FlipFlopByMagnitude
from .decisions import (
    ContextDecision,
    DistanceCoded,
    IntervalComparison,
    MultiAmplitude,
    MultiInterval4,
    MultiInterval8,
    SimpleDecision,
)
from .excitatory_inhibitory import EIAnd, EIOr, EIXor
from .flipflop import FlipFlop
from .integration import ContinuingEvidence, CuedIntegration, WindowedIntegration
from .kerascog import KerasCogFlipFlop, KerasCogFlipFlopDale, KerasCogXor
from .logic import And, Not, Or, TwoPulseAnd, Xor
from .measures import distance, success
from .multitask import ContextGates, ContextTiming
from .protocol import Protocol
from .pycog_choices import Mante, Multisensory, Rdm, RdmDense, RdmNoDale, RdmReactionTime, RdmVariableStimulus, Romo
from .pycog_motor import LeeSequence, SineWave
from .three_bit import ThreeBitFlipFlop
from .timing import Oscillation, TimePulse

BY_NAME: dict[str, Any] = {  # the command line's names
    # arXiv 1906.01094
    "and": And,
    "or": Or,
    "xor": Xor,
    "not": Not,
    "time-pulse": TimePulse,
    "flip-flop": FlipFlop,
    "oscillation": Oscillation,
    "two-pulse-and": TwoPulseAnd,
    # arXiv 2010.07858, the multitasking networks, arXiv 2208.10304
    "three-bit-flip-flop": ThreeBitFlipFlop,
    "context-gates": ContextGates,
    "context-two-gates": ContextGates.and_or,
    "context-timing": ContextTiming,
    "ei-and": EIAnd,
    "ei-or": EIOr,
    "ei-xor": EIXor,
    # KerasCog
    "kerascog-flip-flop": KerasCogFlipFlop,
    "kerascog-flip-flop-dale": KerasCogFlipFlopDale,
    "kerascog-xor": KerasCogXor,
    "flip-flop-magnitude": FlipFlopByMagnitude,
    "flip-flop-frequency": FlipFlopByFrequency,
    # RNNs_for_DM_and_time_representation
    "simple-decision": SimpleDecision,
    "context-decision": ContextDecision,
    "multi-interval-4": MultiInterval4,
    "multi-interval-8": MultiInterval8,
    "multi-amplitude": MultiAmplitude,
    "distance-coded": DistanceCoded,
    "interval-comparison": IntervalComparison,
    "windowed-integration": WindowedIntegration,
    "continuing-evidence": ContinuingEvidence,
    "cued-integration": CuedIntegration,
    # pycog
    "rdm": Rdm,
    "rdm-dense": RdmDense,
    "rdm-nodale": RdmNoDale,
    "rdm-reaction-time": RdmReactionTime,
    "rdm-variable-stimulus": RdmVariableStimulus,
    "romo": Romo,
    "mante": Mante,
    "multisensory": Multisensory,
    "lee-sequence": LeeSequence,
    "sine-wave": SineWave,
}

__all__ = [
    "BY_NAME",
    "And",
    "ContextDecision",
    "ContextGates",
    "ContextTiming",
    "ContinuingEvidence",
    "CuedIntegration",
    "DistanceCoded",
    "EIAnd",
    "EIOr",
    "EIXor",
    "FlipFlop",
    "FlipFlopByFrequency",
    "FlipFlopByMagnitude",
    "IntervalComparison",
    "KerasCogFlipFlop",
    "KerasCogFlipFlopDale",
    "KerasCogXor",
    "LeeSequence",
    "Mante",
    "MultiAmplitude",
    "MultiInterval4",
    "MultiInterval8",
    "Multisensory",
    "Not",
    "Or",
    "Oscillation",
    "Protocol",
    "Rdm",
    "RdmDense",
    "RdmNoDale",
    "RdmReactionTime",
    "RdmVariableStimulus",
    "Romo",
    "SimpleDecision",
    "SineWave",
    "ThreeBitFlipFlop",
    "TimePulse",
    "TwoPulseAnd",
    "WindowedIntegration",
    "Xor",
    "distance",
    "success",
]
