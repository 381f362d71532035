"""`Dale`: signs, masks and fixed weights. The effective weights W that act are made of the raw ones V that are trained.

    (1)  W_rec = C_rec p(V_rec) D + F         D = diag(d), d = +1 for excitatory units and -1 for inhibitory: with weights
                                              (to, from), all that a unit sends out has its sign (axis="pre")
         W_rec = D C_rec p(V_rec) + F         all that a unit receives has its sign (axis="post"); not Dale's law
    (2)  W_in  = C_in p(V_in)                 nothing negative comes in (inputs=True)
    (3)  W_out = C_out p(V_out) E             E = diag(d = +1): excitatory units alone are read, with positive weights
                                              (readout=True)
    (4)  p(V)  = |V| ("abs", thesis eq. 2.2), [V]_+ ("rectify", pycog), V ("projection", and where there is no constraint)

C are connectivity masks, entry by entry, F fixed weights. S is what p(V) is multiplied with. The adjoint:

    (1*) V_bar = p'(V) S W_bar                p' = sign(V), [V > 0] or 1

By projection (arXiv 2208.10304) V is trained as it is, and after each update

    (5)  V = 0 where V S < 0 or S = 0

with the signs of S; the moments of the optimiser are left alone. All lines are entry by entry and complex-safe.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .reference import Params
from .trials import numeric

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Dale:
    """Dale's law and connectivity of a network of N units, I inputs and O outputs.

    excitatory: the fraction of units, the first ones, that are excitatory; or (N,) truth values, True for excitatory; None
    for masks without signs. by: "abs", "rectify" or "projection". axis: "pre", Dale's law, or "post", the sign of what a unit
    receives (the code of arXiv 2208.10304; the spectrum is the same). mask (N, N), mask_in (N, I), mask_out (O, N):
    connectivity, not negative, 0 for no connection. fixed (N, N): recurrent weights as they act, added and not trained.
    self_connections: False for a diagonal of 0. inputs, readout: whether input weights are positive, and whether the readout
    takes excitatory units alone, with positive weights.

    kerascog_diagonal: what KerasCog's layer does, for reproduction only. It multiplies |W_rec| entry by entry with a *diagonal*
    matrix of signs, so that all connections between units vanish and only N self-connections are left.

    ValueError or TypeError, naming the argument, for what does not fit.
    """

    excitatory: Any = 0.8
    by: Literal["abs", "rectify", "projection"] = "abs"
    axis: Literal["pre", "post"] = "pre"
    mask: Any = None
    fixed: Any = None
    self_connections: bool = True
    inputs: bool = True
    readout: bool = True
    mask_in: Any = None
    mask_out: Any = None
    kerascog_diagonal: bool = False

    def __post_init__(self) -> None:
        if self.by not in ("abs", "rectify", "projection"):
            raise ValueError(f'by must be "abs", "rectify" or "projection", got {self.by!r}')
        if self.axis not in ("pre", "post"):
            raise ValueError(f'axis must be "pre" or "post", got {self.axis!r}')
        if self.excitatory is not None:
            given = np.asarray(self.excitatory)
            if given.ndim == 1:
                if given.dtype != np.bool_:
                    raise TypeError(f"excitatory must be a fraction or (N,) truth values, got an array of {given.dtype}")
                object.__setattr__(self, "excitatory", given.copy())
            elif given.ndim or given.dtype.kind not in "fiu" or not (math.isfinite(given) and 0 <= given <= 1):
                raise ValueError(f"excitatory must be a fraction in [0, 1] or (N,) truth values, got {self.excitatory!r}")
            else:
                object.__setattr__(self, "excitatory", float(given))
        for name in ("mask", "mask_in", "mask_out", "fixed"):
            if getattr(self, name) is not None:
                array = numeric(name, getattr(self, name)).astype(np.float64)
                if name != "fixed" and (array < 0).any():
                    raise ValueError(f"{name} must not be negative, got {array.min():g}")
                object.__setattr__(self, name, array)

    def signs(self, N: int) -> Array:
        """d (N,): 1 for excitatory units, -1 for inhibitory ones; ones where there are no signs."""
        if self.excitatory is None:
            return np.ones(N)
        if isinstance(self.excitatory, float):
            return np.where(np.arange(N) < round(self.excitatory * N), 1.0, -1.0)
        if self.excitatory.shape != (N,):
            raise ValueError(f"excitatory must be a fraction or ({N},) truth values, got {self.excitatory.shape}")
        return np.where(self.excitatory, 1.0, -1.0)

    def constraint(self, N: int, I: int, O: int, dtype: Any) -> "Constraint":
        """The constraint of a network of these sizes; ValueError where a mask has another shape."""
        d = self.signs(N)
        signed = self.excitatory is not None
        C_rec = _fitting("mask", self.mask, (N, N))
        C_in, C_out = _fitting("mask_in", self.mask_in, (N, I)), _fitting("mask_out", self.mask_out, (O, N))
        if not self.self_connections:
            C_rec = C_rec * (1 - np.eye(N))
        if self.kerascog_diagonal:
            C_rec = C_rec * np.eye(N)
        S_rec = C_rec * d if self.axis == "pre" else d[:, None] * C_rec  # (1)
        S_out = C_out * (d > 0) if signed and self.readout else C_out  # (3)
        fixed = None if self.fixed is None else _fitting("fixed", self.fixed, (N, N))
        if fixed is not None and signed and ((fixed * d if self.axis == "pre" else d[:, None] * fixed) < 0).any():
            raise ValueError("fixed must have the signs of the units it belongs to")
        whole = self.by if signed else "free"
        parts = [
            Part(whole if constrained else "free", S.astype(dtype), None if F is None else F.astype(dtype))
            for S, constrained, F in ((C_in, self.inputs, None), (S_rec, True, fixed), (S_out, self.readout, None))  # (2)
        ]
        return Constraint(*parts)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that make it again, None left out: what a file keeps."""
        return {name: value for name, value in self.__dict__.items() if value is not None}

    def __repr__(self) -> str:
        said = []
        for name, kind in type(self).__dataclass_fields__.items():
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                said.append(f"{name}={value.sum()} of {len(value)}" if value.dtype == np.bool_ else f"{name}={value.shape} array")
            elif name in ("excitatory", "by") or value != kind.default:
                said.append(f"{name}={value!r}")
        return f"Dale({', '.join(said)})"


def _fitting(name: str, array: Array | None, shape: tuple[int, int]) -> Array:
    """The array, ones where it is None."""
    if array is None:
        return np.ones(shape)
    if array.shape != shape:
        raise ValueError(f"{name} must be {shape} for this network, got {array.shape}")
    return array


class Part(NamedTuple):
    """What makes one effective array: W = S p(V) + F."""

    p: str  # "abs", "rectify", "projection" or "free"
    S: Array  # mask times signs
    F: Array | None

    def effective(self, V: Array) -> Array:
        """(1) to (4)."""
        if self.p == "abs":
            W = self.S * (np.sign(V.real) * V)  # (1), (4)
        elif self.p == "rectify":
            W = self.S * np.where(V.real <= 0, 0, V)  # (1), (4)
        elif self.p == "projection":
            W = np.abs(self.S) * V  # (1), (4): V has its sign already
        else:
            W = self.S * V  # (1), (4)
        return W if self.F is None else W + self.F  # (1)

    def adjoint(self, W_bar: Array, V: Array) -> None:
        """(1*) Make V_bar of W_bar, in place."""
        W_bar *= np.abs(self.S) if self.p == "projection" else self.S  # (1*)
        if self.p == "abs":
            W_bar *= np.sign(V)  # (1*), (4*)
        elif self.p == "rectify":
            W_bar *= V > 0  # (1*), (4*)

    def project(self, V: Array) -> None:
        """(5), in place; where p is not "projection" nothing is done."""
        if self.p == "projection":
            V[(V * self.S < 0) | (self.S == 0)] = 0.0  # (5)

    def raw(self, W: Array) -> Array:
        """The V that comes nearest to acting as W does, without F: magnitudes of W, or W projected; 0 where S is."""
        V = np.abs(W) if self.p in ("abs", "rectify") else W.copy()
        self.project(V)
        V[self.S == 0] = 0.0
        return V


class Constraint(NamedTuple):
    """The three parts of a network's constraint."""

    W_in: Part
    W_rec: Part
    W_out: Part

    def effective(self, raw: Params) -> Params:
        """The arrays that act, of the raw ones."""
        return raw._replace(**{name: part.effective(getattr(raw, name)) for name, part in self._asdict().items()})

    def adjoint(self, gradient: Params, raw: Params) -> None:
        """Turn the gradient to the effective arrays into that to the raw ones, in place."""
        with np.errstate(over="ignore", invalid="ignore"):  # whoever trains tells of a gradient that is not finite
            for name, part in self._asdict().items():
                part.adjoint(getattr(gradient, name), getattr(raw, name))

    def project(self, raw: Params) -> None:
        """(5) for all three, in place."""
        for name, part in self._asdict().items():
            part.project(getattr(raw, name))
