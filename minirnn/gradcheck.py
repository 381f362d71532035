"""`check_gradient`: is the gradient that training uses the derivative of the loss that the equations state?

The claimed gradient is the compiled kernels', in float64. It is held against

    complex step          Im L(p + i 1e-30) / 1e-30 of the plain reference, exact to rounding (Squire & Trapp 1998)
    central differences   (L(p + d) - L(p - d)) / 2d of the compiled kernels' own loss, good to about 1e-8
    dot products          <gradient, v> against the complex-step derivative along v, for random v over all entries

so that the reference and the kernels vouch for each other: what differs between them shows in one column or another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import reference
from .network import Network
from .randomness import as_generator
from .reference import Params
from .trials import Trials

Array = np.ndarray[Any, Any]

COMPLEX_STEP = 1e-30
DIRECTIONS = 5


@dataclass(frozen=True)
class Row:
    """What was found for one array: entries looked at, its largest gradient, and the error of each comparison."""

    name: str
    shape: tuple[int, ...]
    looked_at: int
    skipped: int
    largest: float
    central: float
    complex_step: float


@dataclass(frozen=True)
class GradientReport:
    """Result of `check_gradient`; print it for the table.

    An array's error is max|a - b| / max(max|b|, 1e-3 times the largest array's maximum), b the witness.
    rows: one per array; dot_product: the largest relative error over the random directions; loss: relative difference of the
    kernels' loss from the reference's.
    """

    rows: tuple[Row, ...]
    dot_product: float
    loss: float

    @property
    def worst(self) -> float:
        """The largest of all errors in the report."""
        return max([self.dot_product, self.loss] + [max(row.central, row.complex_step) for row in self.rows])

    @property
    def worst_exact(self) -> float:
        """The largest error without the central differences, whose own rounding is about 1e-8."""
        return max([self.dot_product, self.loss] + [row.complex_step for row in self.rows])

    def __str__(self) -> str:
        lines = [f"{'array':<7} {'shape':>12} {'looked at':>9} {'max|g|':>10} {'central':>10} {'complex step':>13}"]
        for row in self.rows:
            size = int(np.prod(row.shape))
            shape = " x ".join(map(str, row.shape))
            seen = f"{row.looked_at}/{size}"
            lines.append(f"{row.name:<7} {shape:>12} {seen:>9} {row.largest:>10.2e} {row.central:>10.1e} {row.complex_step:>13.1e}")
        lines.append(f"dot products along {DIRECTIONS} random directions over all entries: {self.dot_product:.1e}")
        lines.append(f"loss of the kernels against the reference: {self.loss:.1e}")
        skipped = sum(row.skipped for row in self.rows)
        if skipped:
            lines.append(f"central differences left out where a step crosses a kink of the activation: {skipped}")
        lines.append(
            f"worst error: {self.worst:.1e} (without central differences, which round at about 1e-8: {self.worst_exact:.1e})"
        )
        return "\n".join(lines)


def check_gradient(
    net: Network, trials: Trials, *, noise: Any = None, max_entries: int = 200, rng: np.random.Generator | int = 0
) -> GradientReport:
    """Compare the gradient of `net.loss_and_gradient(trials, noise=noise)` with complex step, differences and dot products.

    Always on a copy in float64. Up to `max_entries` random entries of each array are looked at one by one, the dot products
    see all. Entries whose central difference would cross a kink (relu) are left out of that column and counted.
    """
    if max_entries < 1:
        raise ValueError(f"max_entries must be at least 1, got {max_entries}")
    rng = as_generator(rng)
    net = net.astype(np.float64)
    trials = Trials(trials.x.astype(np.float64), trials.target.astype(np.float64), trials.mask, trials.condition, trials.dt)
    loss, gradient = net.loss_and_gradient(trials, noise=noise)
    plain_loss = _reference_loss(net, trials, noise)
    kinked = net.phi == "relu"
    pattern = _active_units(net, trials, noise)

    names = [name for name, p in zip(Params._fields, net.params, strict=True) if p is not None]
    entries: dict[str, Array] = {}
    central: dict[str, Array] = {}
    exact: dict[str, Array] = {}
    for name in names:
        p = getattr(net.params, name)
        entries[name] = np.sort(rng.choice(p.size, min(max_entries, p.size), replace=False))
        central[name] = np.full(len(entries[name]), np.nan)
        exact[name] = np.empty(len(entries[name]))
        for k, entry in enumerate(entries[name]):
            direction = np.zeros(p.size)
            direction[entry] = 1.0
            along = net.params._replace(**{other: np.zeros(getattr(net.params, other).shape) for other in names})
            along = along._replace(**{name: direction.reshape(p.shape)})
            exact[name][k] = _complex_step(plain_loss, net.params, along)
            d = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(p.flat[entry]))
            sides = [net.with_params(_moved(net.params, along, side)) for side in (d, -d)]
            if kinked and any((_active_units(side, trials, noise) != pattern).any() for side in sides):
                continue
            above, below = (side.loss_and_gradient(trials, noise=noise)[0] for side in sides)
            central[name][k] = (above - below) / (2 * d)

    largest = {name: float(np.abs(getattr(gradient, name)).max(initial=0.0)) for name in names}
    floor = 1e-3 * max(largest.values())

    def compare(name: str, witness: Array) -> float:
        seen = np.isfinite(witness)
        if not seen.any():
            return 0.0
        claimed = getattr(gradient, name).ravel()[entries[name]][seen]
        scale = max(float(np.abs(witness[seen]).max()), floor, np.finfo(np.float64).tiny)
        return float(np.abs(claimed - witness[seen]).max() / scale)

    rows = tuple(
        Row(
            name, getattr(net.params, name).shape, len(entries[name]), int(np.isnan(central[name]).sum()), largest[name],
            compare(name, central[name]), compare(name, exact[name]),
        )
        for name in names
    )  # fmt: skip
    dot_product = 0.0
    for _ in range(DIRECTIONS):
        along = Params(*[None if p is None else rng.standard_normal(p.shape) for p in net.params])  # type: ignore[arg-type]
        terms = [(g * v).sum() for g, v in zip(gradient, along, strict=True) if g is not None and v is not None]
        claimed = float(sum(terms))
        witness = _complex_step(plain_loss, net.params, along)
        size = np.sqrt(sum(float((g * g).sum()) for g in gradient if g is not None))  # <g, v> is about as large as |g|
        dot_product = max(dot_product, abs(claimed - witness) / max(abs(witness), size, np.finfo(np.float64).tiny))
    plain = float(plain_loss(net.params).real)
    return GradientReport(rows, dot_product, abs(loss - plain) / max(abs(plain), np.finfo(np.float64).tiny))


def _reference_loss(net: Network, trials: Trials, noise: Any) -> Callable[[Params], Array]:
    weights = trials.weights()

    def loss(params: Params) -> Array:
        return reference.loss(
            params, trials.x, trials.target, weights, net.h0, noise, net.leak, net.gain, net.phi, net.rate_penalty, net.l2
        )

    return loss


def _active_units(net: Network, trials: Trials, noise: Any) -> Array:
    """Which drives are above 0: where this pattern changes, relu's kink was crossed."""
    _, r = reference.rollout(net.weights, trials.x, net.h0, noise, net.leak, net.gain, net.phi)
    return r > 0


def _moved(params: Params, along: Params, by: complex) -> Params:
    moved = [None if p is None or v is None else p + by * v for p, v in zip(params, along, strict=True)]
    return Params(*moved)  # type: ignore[arg-type]


def _complex_step(loss: Callable[[Params], Array], params: Params, along: Params) -> float:
    """The derivative of the loss along `along`, exact to rounding."""
    return float(loss(_moved(params, along, 1j * COMPLEX_STEP)).imag / COMPLEX_STEP)
