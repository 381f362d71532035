"""Networks as analogue circuits: components and back, simulation from the components, tolerances, SPICE netlists."""

from .design import DESIGNS, Circuit, Weights, design, load, remedy, weights
from .netlist import Component, components, netlist
from .simulate import Traces, simulate
from .tolerance import Tolerance, tolerance, with_errors

__all__ = [
    "DESIGNS", "Circuit", "Component", "Tolerance", "Traces", "Weights", "components", "design", "load", "netlist", "remedy",
    "simulate", "tolerance", "weights", "with_errors",
]  # fmt: skip
