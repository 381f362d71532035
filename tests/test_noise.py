"""What a step of state noise is, and the parameters of other packages: each package's own update once more, as a plain loop."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn.noise import convert, scale

PACKAGES = ("minirnn", "pycog", "PsychRNN", "KerasCog", "neurogym", "multitask")
UNITS = 100_000


# ---- the scale of a step


def test_scale_by_hand():
    leak = np.array([0.2, 0.5, 1.0])
    np.testing.assert_allclose(scale(0.5, leak, "current", "euler"), [0.31622777, 0.5, 0.70710678], rtol=1e-7)
    np.testing.assert_allclose(scale(0.5, leak, "rate", "euler"), [1.58113883, 1.0, 0.70710678], rtol=1e-7)
    for form in ("rate", "current"):
        np.testing.assert_array_equal(scale(0.5, leak, form, "per_step"), [0.5, 0.5, 0.5])


def test_scale_is_float64_of_the_leaks_shape_and_leaves_it_alone():
    leak = np.broadcast_to(np.float32(0.25), (3,))  # read-only, as Network.leak is
    for form in ("rate", "current"):
        for scaling in ("euler", "per_step"):
            found = scale(1, leak, form, scaling)
            assert found.shape == (3,) and found.dtype == np.float64
    assert not scale(0.0, leak, "rate", "euler").any()


@given(st.floats(0, 1e3), st.floats(1e-4, 1))
def test_both_forms_add_the_same_to_the_state_of_a_linear_unit(sigma, alpha):
    leak = np.array([alpha])
    np.testing.assert_allclose(leak * scale(sigma, leak, "rate", "euler"), scale(sigma, leak, "current", "euler"), rtol=1e-12)


def test_scale_names_what_it_does_not_know():
    with pytest.raises(ValueError, match="form must be one of rate, current, got 'poisson'"):
        scale(1.0, np.ones(2), "poisson", "euler")
    with pytest.raises(ValueError, match="scaling must be one of euler, per_step, got 'milstein'"):
        scale(1.0, np.ones(2), "rate", "milstein")


# ---- conversions


@pytest.mark.parametrize(
    "value, source, target, dt, tau, expected",
    [
        (0.05, "KerasCog", "minirnn", 20, 100, 0.0790569415),  # 0.05 / sqrt(0.4)
        (0.0790569415, "minirnn", "KerasCog", 20, 100, 0.05),
        (0.0225, "pycog", "minirnn", 20, 100, 0.15),  # pycog's default, a variance of 0.15^2
        (0.15, "minirnn", "pycog", 0.5, 100, 0.0225),
        (0.15, "PsychRNN", "minirnn", 10, 100, 0.15),
        (0.05, "multitask", "minirnn", 20, 100, 0.05),
        (math.sqrt(2 * 100 * 0.01), "neurogym", "pycog", 100, 100, 0.01),  # neurogym's old default, written with a variance of 0.01
        (1.0, "neurogym", "minirnn", 100, 100, 0.0707106781),  # 1 / sqrt(200)
        (1.0, "neurogym", "KerasCog", 25, 100, 0.05),  # 0.25 * 1/5
        (0.1, "KerasCog", "pycog", 20, 100, 0.025),  # 0.01 / 0.4
    ],
)
def test_conversions_by_hand(value, source, target, dt, tau, expected):
    assert convert(value, source, target, dt=dt, tau=tau) == pytest.approx(expected, rel=1e-8)


constants = {"dt": st.floats(0.01, 50), "tau": st.floats(50, 500)}


@given(value=st.just(0.0) | st.floats(1e-6, 1e6), source=st.sampled_from(PACKAGES), target=st.sampled_from(PACKAGES), **constants)
def test_there_and_back_is_the_same(value, source, target, dt, tau):
    there = convert(value, source, target, dt=dt, tau=tau)
    assert isinstance(there, float)
    assert convert(there, target, source, dt=dt, tau=tau) == pytest.approx(value, rel=1e-12, abs=0)


@given(value=st.floats(1e-6, 1e6), path=st.permutations(PACKAGES), **constants)
def test_a_way_round_is_the_straight_way(value, path, dt, tau):
    found = value
    for source, target in pairwise(path):
        found = convert(found, source, target, dt=dt, tau=tau)
    assert found == pytest.approx(convert(value, path[0], path[-1], dt=dt, tau=tau), rel=1e-12)


@given(st.floats(0, 10), st.floats(0.01, 1))
def test_convert_agrees_with_scale(sigma, alpha):
    added = scale(sigma, np.array([alpha]), "current", "euler")[0]
    assert convert(sigma, "minirnn", "KerasCog", dt=100 * alpha, tau=100) == pytest.approx(added, rel=1e-12)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"source": "brian2"}, "source must be one of minirnn, PsychRNN, .*, got 'brian2'"),
        ({"target": "psychrnn"}, "target must be one of .*, got 'psychrnn'"),
        ({"dt": 101.0}, "dt must be positive and at most tau = 100.0 ms, got 101.0"),
        ({"dt": 0.0}, "dt must be positive"),
        ({"tau": -1.0, "dt": -2.0}, "dt must be positive"),
        ({"value": -0.1}, "value must be 0 or positive, got -0.1"),
        ({"value": math.nan}, "value must be finite, got nan"),
        ({"value": math.inf}, "value must be finite, got inf"),
        ({"dt": math.nan}, "dt must be finite"),
        ({"tau": math.inf}, "tau must be finite"),
    ],
)
def test_errors_name_the_argument(changed, said):
    arguments = {"value": 0.1, "source": "minirnn", "target": "pycog", "dt": 20.0, "tau": 100.0} | changed
    with pytest.raises(ValueError, match=said):
        convert(**arguments)


def test_dt_may_be_tau():
    assert convert(1.0, "minirnn", "KerasCog", dt=100, tau=100) == pytest.approx(math.sqrt(2))


# ---- each package's own step, without weights and with a linear phi


def minirnn_rate(h, n, p, dt, tau):
    return (1 - dt / tau) * h + dt / tau * (scale(p, [dt / tau], "rate", "euler")[0] * n)


def minirnn_current(h, n, p, dt, tau):
    return (1 - dt / tau) * h + scale(p, [dt / tau], "current", "euler")[0] * n


def pycog(x, n, var_rec, dt, tau):
    alpha = dt / tau
    noise_rec = math.sqrt(2 * tau / dt * var_rec) * n
    return x + alpha * (-x + noise_rec)


def psychrnn(state, n, rec_noise, dt, tau):
    alpha = dt / tau
    return (1 - alpha) * state + math.sqrt(2.0 * alpha * rec_noise * rec_noise) * n


def kerascog(prev_output, n, noise, dt, tau):
    alpha = dt / tau
    return prev_output * (1 - alpha) + noise * n


def neurogym(x, n, sigma, dt, tau):
    ob = n * (sigma / math.sqrt(dt))  # the environment's observation, then a leaky unit that reads it
    return x + dt / tau * (-x + 1.0 * ob)


def multitask(state, n, sigma_rec, dt, tau):
    alpha = dt / tau
    gate_inputs = math.sqrt(2 / alpha) * sigma_rec * n
    return (1 - alpha) * state + alpha * gate_inputs


STEPS = [
    ("minirnn", minirnn_rate), ("minirnn", minirnn_current), ("pycog", pycog), ("PsychRNN", psychrnn), ("KerasCog", kerascog),
    ("neurogym", neurogym), ("multitask", multitask),
]  # fmt: skip


@pytest.mark.parametrize("package, step", STEPS, ids=[step.__name__ for _, step in STEPS])
@pytest.mark.parametrize("value, dt, tau", [(0.3, 20.0, 100.0), (0.04, 12.0, 24.0)])
def test_each_packages_stationary_variance_is_that_of_the_converted_sigma(package, step, value, dt, tau):
    rng = np.random.default_rng(3)
    h = np.zeros(UNITS)
    steps = math.ceil(10 * tau / dt)  # what is left of the start is (1 - dt/tau)^steps, less than 2e-5
    for _ in range(steps):
        h = step(h, rng.standard_normal(UNITS), value, dt, tau)
    sigma = convert(value, package, "minirnn", dt=dt, tau=tau)
    expected = sigma**2 / (1 - dt / tau / 2)
    standard_error = expected * math.sqrt(2 / UNITS)
    assert abs((h * h).mean() - expected) < 5 * standard_error
