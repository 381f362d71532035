"""Checks of a claimed gradient g of any loss(params): not only of our networks, and numpy alone.

params, g and a direction v have one structure: an array, or a tuple, NamedTuple, list or dict of arrays (None where absent).
L(p + d v) is the loss with each array moved by d times its direction.

    (1)  forward      (L(p + d v) - L(p)) / d             error d |L''| / 2 + 2 eps |L| / d, least near d = eps^(1/2)
    (2)  central      (L(p + d v) - L(p - d v)) / 2 d     error d^2 |L'''| / 6 + eps |L| / d, least near d = eps^(1/3)
    (3)  Richardson   A_k0 = (2) at d / 2^k,  A_kj = A_k,j-1 + (A_k,j-1 - A_k-1,j-1) / (4^j - 1)      (Ridders 1982)
    (4)  complex      Im L(p + i d v) / d                 nothing cancels: exact to rounding       (Squire & Trapp 1998)
    (5)  dot product  <g, v> against (4) or (3), for random v over all entries at once
    (6)  Taylor       R(d) = |L(p + d v) - L(p) - d <g, v>|  falls as d^2 where g is the gradient, only as d where it is not
    (7)  kink         J(d) = |L(p + d v) + L(p - d v) - 2 L(p)| / d  halves with d where L is smooth; at a kink it stays

The loss must be complex-safe for (4): no abs, no comparison of complex numbers, plain .T.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Loss = Callable[[Any], Any]

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)
COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPS ** (1 / 3)
RICHARDSON_STEP = 1e-2
DIRECTIONS = 5

# An error up to this is what the method itself makes, on losses as smooth as a network's.
WITHIN_ROUNDING = {"complex": 1e-10, "richardson": 1e-7, "central": 1e-5}


# ---- arrays in any structure


def named_arrays(params: Any) -> dict[str, Array]:
    """The arrays of a structure by name: keys, fields, or positions; absent ones are left out."""
    if isinstance(params, Mapping):
        pairs = [(str(name), array) for name, array in params.items()]
    elif hasattr(params, "_fields"):
        pairs = list(zip(params._fields, params, strict=True))
    elif isinstance(params, list | tuple):
        pairs = [(str(k), array) for k, array in enumerate(params)]
    else:
        pairs = [("array", params)]
    return {name: np.asarray(array) for name, array in pairs if array is not None}


def rebuilt(params: Any, arrays: dict[str, Array]) -> Any:
    """The structure of `params` with these arrays in their places."""
    if isinstance(params, Mapping):
        return {name: arrays.get(str(name)) for name in params}
    if hasattr(params, "_fields"):
        return type(params)(*[arrays.get(name) for name in params._fields])
    if isinstance(params, list | tuple):
        return type(params)(arrays.get(str(k)) for k in range(len(params)))
    return arrays["array"]


def moved(params: Any, along: Any, by: complex) -> Any:
    """p + by v."""
    directions = named_arrays(along)
    return rebuilt(params, {name: np.asarray(p + by * directions[name]) for name, p in named_arrays(params).items()})


def inner(a: Any, b: Any) -> float:
    """<a, b> over all arrays."""
    others = named_arrays(b)
    return math.fsum(float((array * others[name]).sum()) for name, array in named_arrays(a).items())


def random_direction(params: Any, rng: np.random.Generator) -> Any:
    """Standard normal entries in the structure of `params`."""
    return rebuilt(params, {name: np.asarray(rng.standard_normal(p.shape)) for name, p in named_arrays(params).items()})


def unit_direction(params: Any, name: str, entry: int) -> Any:
    """1 in one entry of one array, 0 elsewhere."""
    arrays = {other: np.zeros(p.shape) for other, p in named_arrays(params).items()}
    arrays[name].flat[entry] = 1.0
    return rebuilt(params, arrays)


# ---- derivatives along a direction


def forward_difference(loss: Loss, params: Any, along: Any, step: float) -> float:
    """(1)"""
    return float((loss(moved(params, along, step)) - loss(params)) / step)  # (1)


def central_difference(loss: Loss, params: Any, along: Any, step: float = CENTRAL_STEP) -> float:
    """(2)"""
    return float((loss(moved(params, along, step)) - loss(moved(params, along, -step))) / (2 * step))  # (2)


def richardson(loss: Loss, params: Any, along: Any, step: float = RICHARDSON_STEP, levels: int = 8) -> tuple[float, float]:
    """(3) The derivative and an estimate of its error: the entry of the tableau that moved least, rounding counted in."""
    tableau = np.full((levels, levels), np.nan)
    best, estimate = math.nan, math.inf
    for k in range(levels):
        d = step / 2**k
        above, below = float(loss(moved(params, along, d))), float(loss(moved(params, along, -d)))
        tableau[k, 0] = (above - below) / (2 * d)  # (2)
        rounding = 2 * EPS * max(abs(above), abs(below)) / d
        for j in range(1, k + 1):
            tableau[k, j] = tableau[k, j - 1] + (tableau[k, j - 1] - tableau[k - 1, j - 1]) / (4**j - 1)  # (3)
            change = max(abs(tableau[k, j] - tableau[k, j - 1]), abs(tableau[k, j] - tableau[k - 1, j - 1])) + rounding
            if change < estimate:
                best, estimate = float(tableau[k, j]), float(change)
    return best, estimate


def complex_step(loss: Loss, params: Any, along: Any, step: float = COMPLEX_STEP) -> float:
    """(4)"""
    return float(np.imag(loss(moved(params, along, 1j * step))) / step)  # (4)


def central_beside_kinks(loss: Loss, params: Any, along: Any, step: float = CENTRAL_STEP) -> tuple[float, bool]:
    """(2), and whether the loss has a kink at p: then the value is NaN, for no derivative is there to compare.

    Where a kink lies nearby, smaller steps are tried, down to a thousandth: they step around it.
    """
    here = float(loss(params))
    for shrink in (1.0, 1e-1, 1e-2, 1e-3):
        d = step * shrink
        sides = {by: float(loss(moved(params, along, by))) for by in (d, -d, d / 2, -d / 2)}
        jump = abs(sides[d] + sides[-d] - 2 * here) / d  # (7)
        half_jump = abs(sides[d / 2] + sides[-d / 2] - 2 * here) / (d / 2)  # (7)
        rounding = 16 * EPS * max(abs(here), TINY) / d
        if half_jump <= rounding or 0.35 * jump <= half_jump <= 0.65 * jump + rounding:
            return (sides[d] - sides[-d]) / (2 * d), False  # (2)
    return math.nan, True


class Taylor(NamedTuple):
    """Remainders R(d) of (6) and the order at which they fall: 2 for a right gradient, 1 for a wrong one."""

    steps: Array
    remainders: Array
    order: float


def taylor(loss: Loss, params: Any, gradient: Any, along: Any, steps: Any = None) -> Taylor:
    """(6) for steps from large to small; the order is the median slope where rounding does not yet show.

    It is NaN where no remainder stands clear of rounding: then the loss is linear along this direction.
    """
    steps = np.logspace(-2, -5, 7) if steps is None else np.asarray(steps, float)
    here, slope = float(loss(params)), inner(gradient, along)
    remainders = np.array([abs(float(loss(moved(params, along, d))) - here - d * slope) for d in steps])  # (6)
    clear = remainders > 1e3 * EPS * max(abs(here), TINY)
    pairs = clear[1:] & clear[:-1]
    if not pairs.any():
        return Taylor(steps, remainders, math.nan)
    slopes = np.log(remainders[1:][pairs] / remainders[:-1][pairs]) / np.log(steps[1:][pairs] / steps[:-1][pairs])
    return Taylor(steps, remainders, float(np.median(slopes)))


# ---- the report


class Worst(NamedTuple):
    """The entry at which a claimed gradient is furthest from a witness."""

    array: str
    entry: tuple[int, ...]
    method: str
    claimed: float
    witness: float


@dataclass(frozen=True)
class Row:
    """What was found for one array: entries looked at, kinks among them, its largest gradient, the error by each method."""

    name: str
    shape: tuple[int, ...]
    looked_at: int
    kinks: int
    largest: float
    errors: dict[str, float]


@dataclass(frozen=True)
class Report:
    """Result of `check`; print it for the table, `draw` it on an Axes.

    An array's error is max|a - b| / max(max|b|, 1e-3 times the largest array's maximum), b the witness.
    dot_product: largest relative error over the random directions (5). taylor_order: median of (6) over them. loss: relative
    difference of the two losses, where the complex step has its own. note: what else is to be said, or nothing.
    """

    rows: tuple[Row, ...]
    worst_entry: Worst | None
    dot_product: float
    taylor_order: float
    loss: float
    note: str = ""

    @property
    def worst(self) -> float:
        """The largest of all errors in the report."""
        return max([self.dot_product, self.loss] + [error for row in self.rows for error in row.errors.values()])

    @property
    def worst_exact(self) -> float:
        """The largest error without the finite differences, which round."""
        exact = [error for row in self.rows for method, error in row.errors.items() if method == "complex"]
        return max([self.dot_product, self.loss, *exact])

    @property
    def within_rounding(self) -> bool:
        """Whether every error is one that its method makes itself, and the Taylor remainders fall as they should."""
        methods = all(error <= WITHIN_ROUNDING[method] for row in self.rows for method, error in row.errors.items())
        exact = any("complex" in row.errors for row in self.rows)
        bound = WITHIN_ROUNDING["complex" if exact else "richardson"]
        order = math.isnan(self.taylor_order) or self.taylor_order > 1.5
        return methods and order and max(self.dot_product, self.loss) <= bound

    def __str__(self) -> str:
        methods = list(self.rows[0].errors) if self.rows else []
        lines = [f"{'array':<9} {'shape':>11} {'looked at':>9} {'max|g|':>10}" + "".join(f" {m:>10}" for m in methods)]
        for row in self.rows:
            shape, seen = " x ".join(map(str, row.shape)), f"{row.looked_at}/{math.prod(row.shape)}"
            errors = "".join(f" {row.errors[m]:>10.1e}" for m in methods)
            lines.append(f"{row.name:<9} {shape:>11} {seen:>9} {row.largest:>10.2e}{errors}")
        lines.append(f"dot products along {DIRECTIONS} random directions over all entries: {self.dot_product:.1e}")
        if math.isnan(self.taylor_order):
            lines.append("Taylor remainders show no order: the loss is linear along the directions, or the point lies at a kink")
        else:
            lines.append(f"Taylor remainders fall with order {self.taylor_order:.2f} (2 where the gradient is right)")
        lines.append(f"difference of the two losses: {self.loss:.1e}")
        kinks = sum(row.kinks for row in self.rows)
        if kinks:
            lines.append(f"entries at a kink of the loss, where there is no derivative to compare: {kinks}")
        if self.worst_entry is not None:
            w = self.worst_entry
            place = f"{w.array}[{', '.join(map(str, w.entry))}]"
            lines.append(f"worst entry: {place}, claimed {w.claimed:.6e}, {w.method} {w.witness:.6e}")
        verdict = "within rounding" if self.within_rounding else "MORE THAN ROUNDING"
        lines.append(f"worst error: {self.worst:.1e}, {verdict} (without finite differences: {self.worst_exact:.1e})")
        lines += [self.note] if self.note else []
        return "\n".join(lines)

    def draw(self, ax: Any) -> None:
        """The errors by array and method on a logarithmic axis; a method's own limit is a dotted line of its colour."""
        methods = list(self.rows[0].errors) if self.rows else []
        for k, (method, colour) in enumerate(zip(methods, ("#0072B2", "#D55E00", "#009E73"), strict=False)):
            errors = [max(row.errors[method], 1e-18) for row in self.rows]
            ax.plot(errors, np.arange(len(errors)) + 0.15 * (k - 1), "os^"[k], color=colour, label=method)
            ax.axvline(WITHIN_ROUNDING[method], color=colour, lw=1, ls=":")
        ax.set_xscale("log")
        ax.set_yticks(range(len(self.rows)), [row.name for row in self.rows])
        ax.invert_yaxis()
        ax.set_xlabel("error")
        ax.legend()


def check(
    loss: Loss, params: Any, gradient: Any, *, complex_loss: Loss | None = None, methods: tuple[str, ...] = ("central", "complex"),
    kinks: bool = True, max_entries: int = 200, rng: np.random.Generator,
) -> Report:  # fmt: skip
    """Hold the claimed gradient of loss(params) against `methods`, dot products and Taylor remainders.

    methods: of "central", "richardson" and "complex". kinks: whether central differences look out for kinks, which takes twice as
    many losses; False for a loss that is known to be smooth. complex_loss: the same loss, complex-safe, by default `loss` itself.
    Up to `max_entries` random entries of each array are looked at one by one; dot products and Taylor remainders see all.
    ValueError where names, shapes or methods do not fit.
    """
    p, g = named_arrays(params), named_arrays(gradient)
    if p.keys() != g.keys():
        raise ValueError(f"gradient must have the arrays {', '.join(p)}, got {', '.join(g)}")
    for name in p:
        if p[name].shape != g[name].shape:
            raise ValueError(f"gradient of {name} must be {p[name].shape}, got {g[name].shape}")
        if p[name].dtype != np.float64:
            raise TypeError(f"{name} must be float64 for a check, got {p[name].dtype}")
    if not methods or any(method not in WITHIN_ROUNDING for method in methods):
        raise ValueError(f"methods must be of {', '.join(WITHIN_ROUNDING)}, got {methods}")
    if max_entries < 1:
        raise ValueError(f"max_entries must be at least 1, got {max_entries}")
    exact_loss = loss if complex_loss is None else complex_loss
    has_complex = "complex" in methods

    witnesses: dict[str, dict[str, Array]] = {}
    entries: dict[str, Array] = {}
    for name, array in p.items():
        entries[name] = np.sort(rng.choice(array.size, min(max_entries, array.size), replace=False))
        witnesses[name] = {method: np.full(len(entries[name]), np.nan) for method in methods}
        for k, entry in enumerate(entries[name]):
            along = unit_direction(params, name, int(entry))
            size = max(1.0, abs(float(array.flat[entry])))
            for method in methods:
                if method == "complex":
                    value = complex_step(exact_loss, params, along)
                elif method == "richardson":
                    value = richardson(loss, params, along, RICHARDSON_STEP * size)[0]
                elif not kinks:
                    value = central_difference(loss, params, along, CENTRAL_STEP * size)
                else:
                    value = central_beside_kinks(loss, params, along, CENTRAL_STEP * size)[0]
                witnesses[name][method][k] = value

    largest = {name: float(np.abs(array).max(initial=0.0)) for name, array in g.items()}
    floor = max(1e-3 * max(largest.values()), TINY)
    rows, worst_entry, worst_error = [], None, -1.0
    for name, found in witnesses.items():
        errors = {}
        claimed = g[name].ravel()[entries[name]]
        for method, witness in found.items():
            seen = np.flatnonzero(np.isfinite(witness))
            if len(seen) == 0:
                errors[method] = 0.0
                continue
            apart = np.abs(claimed[seen] - witness[seen]) / max(float(np.abs(witness[seen]).max()), floor)
            errors[method] = float(apart.max())
            if errors[method] / WITHIN_ROUNDING[method] > worst_error:
                worst_error = errors[method] / WITHIN_ROUNDING[method]
                k = int(seen[np.argmax(apart)])
                place = tuple(int(i) for i in np.unravel_index(int(entries[name][k]), p[name].shape))
                worst_entry = Worst(name, place, method, float(claimed[k]), float(witness[k]))
        at_kinks = int(np.isnan(found["central"]).sum()) if "central" in found else 0
        rows.append(Row(name, p[name].shape, len(entries[name]), at_kinks, largest[name], errors))

    dot_product, orders = 0.0, []
    size = math.sqrt(inner(gradient, gradient))  # <g, v> is about as large as |g|
    for _ in range(DIRECTIONS):
        along = random_direction(params, rng)
        slope = complex_step(exact_loss, params, along) if has_complex else richardson(loss, params, along)[0]
        dot_product = max(dot_product, abs(inner(gradient, along) - slope) / max(abs(slope), size, TINY))  # (5)
        if not (kinks and central_beside_kinks(loss, params, along)[1]):  # at a kink there is no order to find
            orders.append(taylor(loss, params, gradient, along).order)
    finite = [order for order in orders if math.isfinite(order)]
    here = float(loss(params))
    other = float(np.real(exact_loss(params)))
    apart = abs(here - other) / max(abs(other), TINY) if here != other else 0.0
    return Report(tuple(rows), worst_entry, dot_product, float(np.median(finite)) if finite else math.nan, float(apart))
