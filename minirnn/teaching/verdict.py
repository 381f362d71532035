"""A student's function, the right one and the known mistakes, all called with the same random arguments.

A mistake is recognised by its signature: what the student's function returns is, on every draw and to rounding, what the mistake
returns. Sizes and values are drawn at random, so that two different mistakes do not agree by chance, and two at once agree
with none: the answer is then "unknown" and a list of what differs. Before that, arrays that are right but for a constant factor or
a transposition are named as such.
"""

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

AGREE = 1e-7  # largest relative difference of two right computations: differences of order and of formula, not of float32
DRAWS = 3


class Mistake(NamedTuple):
    """A known mistake: what it is called, what to think about, and a function that makes it."""

    name: str
    words: str
    function: Function


class Draw(NamedTuple):
    """Arguments of one call, and constants by whose factor a result may be off, e.g. {"alpha": 0.2, "B": 3}."""

    arguments: tuple[Any, ...]
    factors: Mapping[str, float] = {}


class Exercise(NamedTuple):
    """What a function is held against.

    `draw(rng)` gives a `Draw`; `right` and the mistakes take its arguments and return `outputs`, one array or number per name.
    `mistakes` is called only where the answer is wrong. `asks` says in a line what the function takes and returns.
    """

    asks: str
    outputs: tuple[str, ...]
    draw: Callable[[np.random.Generator], Draw]
    right: Function
    mistakes: Callable[[], Sequence[Mistake]] = tuple


@dataclass(frozen=True)
class Verdict:
    """What is said about an answer.

    mistake: "" where it is right, "error" where the function could not be used, "unknown", or the name of the mistake.
    differs: what was found of each output that is wrong, in words.
    """

    exercise: str
    right: bool
    mistake: str
    words: str
    differs: dict[str, str]

    def __str__(self) -> str:
        return "\n".join([f"{self.exercise}: {self.words}", *(f"    {name} {what}" for name, what in self.differs.items())])

    def json(self) -> str:
        """All of it, for a grader."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def expect_right(self) -> None:
        """Print the verdict where it is right; AssertionError with its words where it is not."""
        if not self.right:
            raise AssertionError(str(self))
        print(self)


class Unusable(Exception):
    """The function did not return what it is asked for; the words say why."""


def judge(name: str, exercise: Exercise, function: Function, seed: int = 0) -> Verdict:
    """The verdict on `function`, from `DRAWS` draws that depend on the seed alone. TypeError where it is not callable."""
    if not callable(function):
        raise TypeError(f"{name} checks a function, got {type(function).__name__}: give the function itself, without calling it")
    if not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be an integer, got {seed!r}")
    rng = np.random.default_rng([seed, 11])
    draws = [exercise.draw(rng) for _ in range(DRAWS)]
    right = [_returned(exercise.right, draw, exercise.outputs) for draw in draws]
    try:
        found = [_student(function, draw, exercise) for draw in draws]
        wrong = [key for key in exercise.outputs if not _agree(found, right, (key,))]
        if not wrong:
            return Verdict(name, True, "", f"right ({DRAWS} random cases).", {})
        for given, expected in zip(found, right, strict=True):
            for key in wrong:
                _shape(key, given[key], expected[key])
    except Unusable as problem:
        return Verdict(name, False, "error", str(problem), {})
    differs = {key: _what_differs(key, found, right, draws) for key in wrong}
    fine = [key for key in exercise.outputs if key not in wrong]
    start = f"{_listed(fine)} {'is' if len(fine) == 1 else 'are'} right, {_listed(wrong)} not." if fine else "not right yet."
    for mistake in exercise.mistakes():
        if _is_made(mistake, found, draws, exercise.outputs):
            return Verdict(name, False, mistake.name, f"{start} This is what comes of: {mistake.name}. {mistake.words}", differs)
    kinds = set(differs.values())
    (kind,) = kinds if len(kinds) == 1 else ("",)
    if kind and not kind.startswith("is off"):
        group = wrong[0] if len(wrong) == 1 else "Each of them" if fine else "Everything"
        return Verdict(name, False, f"{_listed(wrong)} {kind}", f"{start} {group} {kind}.", differs)
    words = (
        "No single mistake that is known here gives this: it may be two at once, or one that is new. Mend one thing at a time: "
        "take one step, one trial, one unit, and compare with numbers by hand."
    )
    return Verdict(name, False, "unknown", f"{start} {words}", differs)


def _student(function: Function, draw: Draw, exercise: Exercise) -> dict[str, Array]:
    given = copy.deepcopy(draw.arguments)
    try:
        found = function(*given)
    except NotImplementedError:
        raise
    except Exception as problem:
        raise Unusable(f"it stops with {type(problem).__name__}: {problem}. It is called as {exercise.asks}") from problem
    if found is None:
        raise Unusable(f"it returns nothing: is the return missing? It is called as {exercise.asks}")
    named = _named(found, exercise)
    if not _same(given, draw.arguments):
        raise Unusable("it changes the arrays that it is given: work on a copy, h = h + .. and not h += ..")
    return named


def _returned(function: Function, draw: Draw, outputs: tuple[str, ...]) -> dict[str, Array]:
    found = function(*copy.deepcopy(draw.arguments))
    return {key: np.asarray(value, float) for key, value in zip(outputs, _parts(found, outputs), strict=True)}


def _is_made(mistake: Mistake, found: Sequence[Any], draws: Sequence[Draw], outputs: tuple[str, ...]) -> bool:
    """Whether `found` is what the mistake returns on all draws."""
    for given, draw in zip(found, draws, strict=True):
        try:
            with np.errstate(all="ignore"):
                made = _returned(mistake.function, draw, outputs)
        except (ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError):
            return False  # it cannot be made on these arguments
        if not _agree([given], [made], outputs):
            return False
    return True


def _parts(found: Any, outputs: tuple[str, ...]) -> list[Any]:
    """What is returned, one entry per output or per dict: (loss, (a, b)) as [loss, a, b] where three are asked for."""
    if len(outputs) == 1:
        return list(found) if isinstance(found, tuple) else [found]
    stacked = isinstance(found, np.ndarray) and found.shape[:1] == (len(outputs),)  # np.array([a, b]) for a, b
    parts = list(found) if stacked or isinstance(found, (tuple, list)) else [found]
    if len(parts) == len(outputs):
        return parts
    return [entry for part in parts for entry in (part if isinstance(part, (tuple, list)) else [part])]


def _named(found: Any, exercise: Exercise) -> dict[str, Array]:
    """The outputs by name, from an array, a tuple (nested or not, a NamedTuple) or dicts with the names, with or without _bar."""
    values: dict[str, Any] = {}
    rest = list(exercise.outputs)
    for part in _parts(found, exercise.outputs):
        for key, value in part.items() if isinstance(part, dict) else [(None, part)]:
            fitting = [name for name in rest if key is None or key in (name, name.removesuffix("_bar"))]
            if not fitting:
                what = f"{key!r}, which is none of {_listed(rest)}" if key is not None else f"more than {_listed(exercise.outputs)}"
                raise Unusable(f"it returns {what}. It is called as {exercise.asks}")
            values[fitting[0]] = value
            rest.remove(fitting[0])
    if rest:
        raise Unusable(f"{_listed(rest)} {'is' if len(rest) == 1 else 'are'} not returned. It is called as {exercise.asks}")
    return {name: _real(name, values[name]) for name in exercise.outputs}


def _real(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
        if array.dtype == object or array.dtype.kind not in "biuf":
            raise TypeError
        return array.astype(float)
    except (TypeError, ValueError):
        what = "None" if value is None else type(value).__name__
        raise Unusable(f"{name} is not an array of real numbers but {what}") from None


def _shape(name: str, found: Array, right: Array) -> None:
    if found.shape != right.shape:
        turned = " It has the shape of its transpose." if found.shape == right.shape[::-1] else ""
        raise Unusable(f"{name} has the shape {found.shape}, expected {right.shape}.{turned}")
    if not np.isfinite(found).all():
        raise Unusable(f"{name} holds numbers that are not finite, the first at {_place(~np.isfinite(found))}")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (tuple, list)):
        return all(_same(one, other) for one, other in zip(a, b, strict=True))
    return not isinstance(a, np.ndarray) or bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def _agree(found: Sequence[Any], right: Sequence[Any], keys: Sequence[str]) -> bool:
    return all(_apart(a[key], b[key]) <= AGREE for a, b in zip(found, right, strict=True) for key in keys)


def _apart(found: Array, right: Array) -> float:
    if found.shape != right.shape or not np.isfinite(found).all():
        return math.inf
    scale = max(np.abs(right).max(initial=0.0), 1e-12)
    return float(np.abs(found - right).max(initial=0.0) / scale)


def _what_differs(key: str, found: Sequence[Any], right: Sequence[Any], draws: Sequence[Draw]) -> str:
    """The one fact that is true of this output on all draws, else where and by how much it is off."""
    pairs = [(a[key], b[key]) for a, b in zip(found, right, strict=True)]
    if all(not a.any() for a, _ in pairs):
        return "is 0 everywhere"
    if all(a.ndim == 2 and a.shape == a.T.shape and _apart(a.T, b) <= AGREE for a, b in pairs):
        return "is transposed: weights are (to, from)"
    if all(_apart(-a, b) <= AGREE for a, b in pairs):
        return "has the opposite sign"
    for name in ("2", "1/2", *(form for factor in draws[0].factors for form in (factor, f"1/{factor}"))):
        values = [_value(name, draw.factors) for draw in draws]
        if all(value != 1 and _apart(a / value, b) <= AGREE for value, (a, b) in zip(values, pairs, strict=True)):
            return f"is {name} times what it should be"
    a, b = pairs[0]
    if a.size == 1:
        return f"is off: {a.item():.6g} for {b.item():.6g}"
    place = np.unravel_index(np.abs(a - b).argmax(), a.shape)
    at = ", ".join(str(int(i)) for i in place)
    return f"is off, most at [{at}]: {a[place]:.6g} for {b[place]:.6g}"


def _value(name: str, factors: Mapping[str, float]) -> float:
    if name.startswith("1/"):
        return 1 / _value(name[2:], factors)
    return float(factors[name]) if name in factors else float(name)


def _place(where: Array) -> str:
    return f"[{', '.join(str(int(i)) for i in np.argwhere(where)[0])}]"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "nothing"
