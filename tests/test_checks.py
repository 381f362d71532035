"""The checks themselves, on losses whose derivatives are known in closed form."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from minirnn import checks


class Pair(NamedTuple):
    a: np.ndarray
    b: np.ndarray | None


def loss(p):
    """sum exp(a) + sum a^3 + sum sin b."""
    return np.exp(p["a"]).sum() + (p["a"] ** 3).sum() + np.sin(p["b"]).sum()


def gradient(p):
    return {"a": np.exp(p["a"]) + 3 * p["a"] ** 2, "b": np.cos(p["b"])}


@pytest.fixture
def point():
    rng = np.random.default_rng(0)
    return {"a": rng.standard_normal((2, 3)), "b": rng.standard_normal(4)}


@pytest.fixture
def along(point):
    return checks.random_direction(point, np.random.default_rng(1))


def exact(point, along):
    return sum((gradient(point)[name] * along[name]).sum() for name in point)


def test_each_method_reaches_the_accuracy_that_theory_gives(point, along):
    slope = exact(point, along)
    for value, bound in (
        (checks.forward_difference(loss, point, along, math.sqrt(checks.EPS)), 1e-6),
        (checks.central_difference(loss, point, along), 1e-8),
        (checks.richardson(loss, point, along)[0], 1e-11),
        (checks.complex_step(loss, point, along), 1e-14),
    ):
        assert abs(value - slope) < bound * abs(slope)


def test_orders_of_the_differences(point, along):
    slope = exact(point, along)
    coarse, fine = (abs(checks.forward_difference(loss, point, along, d) - slope) for d in (1e-3, 5e-4))
    assert coarse / fine == pytest.approx(2, rel=0.01)
    coarse, fine = (abs(checks.central_difference(loss, point, along, d) - slope) for d in (1e-2, 5e-3))
    assert coarse / fine == pytest.approx(4, rel=0.01)


def test_richardsons_estimate_covers_its_error():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(50):  # an estimate, not a bound: nearly always above the error, never below a tenth of it
        p = {"a": rng.standard_normal(3), "b": rng.standard_normal(3)}
        along = checks.random_direction(p, rng)
        value, estimate = checks.richardson(loss, p, along)
        error = abs(value - exact(p, along))
        assert error <= 10 * estimate
        covered += error <= estimate
        assert estimate < 1e-9 * max(1, abs(value))
    assert covered >= 40


@pytest.mark.parametrize("shape", ["array", "tuple", "list", "named tuple", "dict"])
def test_any_structure_of_arrays(shape):
    a, b = np.array([0.3, -0.2]), np.array([[1.5]])
    made = {"array": a, "tuple": (a, b), "list": [a, b], "named tuple": Pair(a, None), "dict": {"x": a, "y": b}}[shape]

    def squares(p):
        return sum((array * array).sum() for array in checks.named_arrays(p).values())

    doubled = checks.rebuilt(made, {name: 2 * array for name, array in checks.named_arrays(made).items()})
    assert type(doubled) is type(made)
    report = checks.check(squares, made, doubled, methods=("central", "richardson", "complex"), rng=np.random.default_rng(0))
    assert report.within_rounding
    assert [row.name for row in report.rows] == list(checks.named_arrays(made))


def test_the_taylor_remainder_tells_a_right_gradient_from_a_wrong_one(point, along):
    right = checks.taylor(loss, point, gradient(point), along)
    assert right.order == pytest.approx(2, abs=0.05)
    wrong = gradient(point) | {"b": -gradient(point)["b"]}
    assert checks.taylor(loss, point, wrong, along).order == pytest.approx(1, abs=0.05)
    linear = checks.taylor(lambda p: 3.0 * p.sum(), np.ones(2), 3.0 * np.ones(2), np.ones(2))
    assert math.isnan(linear.order)


def test_a_wrong_entry_is_named(point):
    claimed = gradient(point)
    claimed["a"][1, 2] *= 1.01
    report = checks.check(loss, point, claimed, rng=np.random.default_rng(0))
    assert not report.within_rounding
    assert report.worst_entry.array == "a"
    assert report.worst_entry.entry == (1, 2)
    assert report.worst_entry.claimed == pytest.approx(1.01 * report.worst_entry.witness, rel=1e-6)
    assert "a[1, 2]" in str(report)
    assert "MORE THAN ROUNDING" in str(report)
    assert checks.check(loss, point, gradient(point), rng=np.random.default_rng(0)).within_rounding


def test_dot_products_see_entries_that_were_not_looked_at():
    p, g = np.zeros(1000), np.ones(1000)
    g[7] = 1.5
    report = checks.check(lambda p: p.sum(), p, g, max_entries=1, rng=np.random.default_rng(3))
    assert report.rows[0].looked_at == 1
    assert report.rows[0].errors["complex"] < 1e-12  # the one entry is another
    assert report.dot_product > 1e-3
    assert not report.within_rounding


def test_another_loss_for_the_complex_step_is_compared():
    p = np.array([0.5])
    report = checks.check(
        lambda p: (p * p).sum(), p, 2 * p, complex_loss=lambda p: (p * p).sum() + 0.1, rng=np.random.default_rng(0)
    )
    assert report.loss == pytest.approx(0.1 / 0.35)
    assert not report.within_rounding


@pytest.mark.parametrize("distance, kink", [(0.0, True), (1e-9, True), (1e-6, False), (1e-3, False)])
def test_kinks_are_stepped_around_or_reported(distance, kink):
    # |x| + x^2 at this distance from its kink; a difference across it would be an average of the two slopes
    value, found = checks.central_beside_kinks(lambda p: np.abs(p).sum() + (p * p).sum(), np.array([distance]), np.array([1.0]))
    assert found == kink
    if not kink:
        assert value == pytest.approx(1 + 2 * distance, rel=1e-6)


def test_smooth_losses_are_not_taken_for_kinks():
    rng = np.random.default_rng(4)
    for _ in range(200):
        p = {"a": 3 * rng.standard_normal(2), "b": 3 * rng.standard_normal(2)}
        along = checks.random_direction(p, rng)
        value, kink = checks.central_beside_kinks(loss, p, along)
        assert not kink
        assert value == pytest.approx(exact(p, along), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"gradient": {"a": np.zeros((2, 3))}}, ValueError, "gradient must have the arrays a, b, got a"),
        ({"gradient": {"a": np.zeros(6), "b": np.zeros(4)}}, ValueError, r"gradient of a must be \(2, 3\), got \(6,\)"),
        (
            {"params": {"a": np.zeros((2, 3), np.float32), "b": np.zeros(4)}},
            TypeError,
            "a must be float64 for a check, got float32",
        ),
        ({"methods": ("guess",)}, ValueError, "methods must be of complex, richardson, central"),
        ({"methods": ()}, ValueError, "methods"),
        ({"max_entries": 0}, ValueError, "max_entries"),
    ],
)
def test_what_does_not_fit_is_named(point, change, error, message):
    arguments = {"params": point, "gradient": gradient(point), "rng": np.random.default_rng(0)} | change
    with pytest.raises(error, match=message):
        checks.check(loss, **arguments)


def test_the_report_draws_itself(point):
    from minirnn import plots

    _, axes = plots.figure(1, 1, 4, 3)
    report = checks.check(loss, point, gradient(point), methods=("central", "complex"), rng=np.random.default_rng(0))
    report.draw(axes[0, 0])
    lines = {line.get_label(): line for line in axes[0, 0].get_lines()}
    np.testing.assert_allclose(lines["central"].get_xdata(), [row.errors["central"] for row in report.rows])
    assert [tick.get_text() for tick in axes[0, 0].get_yticklabels()] == ["a", "b"]
