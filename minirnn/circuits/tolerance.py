"""Does a circuit still work when it is built from real components?

A component of tolerance p has a value uniform within +- p of the nominal one, independently of all others:

    (1)  R <- R (1 + p U(-1, 1)),   C <- C (1 + p U(-1, 1)),   I <- I (1 + p U(-1, 1))

An error of a connection is one of its weight, an error of a feedback resistor one of all weights of its row and, in an integrator
or a passive node, of its time constant.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .design import Circuit
from .simulate import simulate

Array = np.ndarray[Any, Any]


class Tolerance(NamedTuple):
    """Of S tolerances and D circuits each: tolerances (S,), distances (S, D, B) and works (S, D)."""

    tolerances: Array
    distances: Array
    works: Array


def with_errors(circuit: Circuit, *, resistors: float = 0.0, capacitors: float = 0.0, currents: float = 0.0, rng: Any) -> Circuit:
    """A circuit as it might be built from components of these tolerances (0.05 is 5 %) (1)."""
    for name, p in (("resistors", resistors), ("capacitors", capacitors), ("currents", currents)):
        if not 0 <= p < 1:
            raise ValueError(f"{name} must be a tolerance from 0 to below 1, got {p}")
    rng = np.random.default_rng(rng)

    def factors(p: float, values: Array) -> Array:
        drawn: Array = 1 + p * rng.uniform(-1, 1, values.shape)  # (1)
        return drawn

    resisting = {name: getattr(circuit, name) for name in ("g_in", "g_rec", "g_out", "g_sum", "g_state", "g_sum_out")}
    changed = {name: g / factors(resistors, g) for name, g in resisting.items()}  # (1)
    changed["C"] = circuit.C * factors(capacitors, circuit.C)  # (1)
    for name in ("I_rec", "I_out"):
        current = getattr(circuit, name)
        if current is not None:
            changed[name] = current * factors(currents, current)  # (1)
    return circuit._replace(**changed)


def tolerance(
    circuit: Circuit, x: Any, dt: float, judge: Callable[[Array], tuple[Array, bool]], *,
    tolerances: Sequence[float] = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2), draws: int = 20, capacitors: float = 0.0,
    rtol: float = 1e-6, rng: Any,
) -> Tolerance:  # fmt: skip
    """Build `draws` circuits for each tolerance of the resistors and run them on x (T, B, I).

    judge: gives, of the outputs over v0 (T, B, O), the distances (B,) from the targets and whether the task is performed.
    Biases have the tolerance of the resistors, capacitors their own. The errors of a circuit are the same multiples of each
    tolerance, so that a row of `works` tells how far one and the same set of components may be off.
    """
    if draws < 1 or not len(tolerances):
        raise ValueError(f"draws must be at least 1 and tolerances not empty, got {draws} and {tuple(tolerances)}")
    seeds = np.random.default_rng(rng).integers(2**63, size=draws)
    found, works = [], np.zeros((len(tolerances), draws), bool)
    for s, p in enumerate(tolerances):
        for d, seed in enumerate(seeds):
            one = with_errors(circuit, resistors=p, capacitors=capacitors, currents=p, rng=int(seed))
            far, works[s, d] = judge(simulate(one, x, dt, rtol=rtol, atol=rtol * 1e-2).output / circuit.v0)
            found.append(far)
    return Tolerance(np.asarray(tolerances, float), np.reshape(found, (*works.shape, -1)), works)
