import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from minirnn import integrators, procedures

SEEDS = st.integers(0, 2**32 - 1)


def system_of(rng, phi="tanh", form="rate"):
    W, U, b = rng.standard_normal((3, 3)), rng.standard_normal((3, 2)), rng.standard_normal(3)
    return procedures.network(W, U, b, tau=rng.uniform(2, 5, 3), phi=phi, form=form)


def error(method, system, h0, x, substeps):
    """Of the last state, against the solution; x is held for 1 ms each."""
    dt = 1 / substeps

    def step(h, u):
        if method == "exact_linear":
            return integrators.exact_linear(system.derivative(h, u)[0], system.value(h, u), h, dt)
        return getattr(integrators, method)(lambda y: system.value(y, u), h, dt)

    def solve(h, u):
        return integrators.solved(lambda y: system.value(y, u), h, 1.0)

    return np.abs(integrators.trajectory(step, h0, x, substeps=substeps)[-1] - integrators.trajectory(solve, h0, x)[-1]).max()


@pytest.mark.parametrize("form", ["rate", "current"])
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("exact_linear", 2), ("rk4", 4)])
@settings(max_examples=15)
@given(seed=SEEDS)
def test_errors_fall_with_the_order_of_the_method(form, method, order, seed):
    rng = np.random.default_rng(seed)
    system, h0, x = system_of(rng, form=form), rng.standard_normal(3), rng.standard_normal((2, 2))
    coarse, fine = (error(method, system, h0, x, n) for n in (64, 128))
    if fine > 1e-9:  # else the solution's tolerance is what is seen, or the leading terms cancel
        assert coarse / fine == pytest.approx(2**order, rel=0.35)
    else:
        assert method == "rk4"


@given(seed=SEEDS)
def test_the_exact_step_of_an_affine_system_is_exact_at_any_step(seed):
    rng = np.random.default_rng(seed)
    system, h0, x = system_of(rng, "linear"), rng.standard_normal(3), rng.standard_normal((2, 2))
    scale = max(1.0, np.abs(system.value(h0, x[0])).max())
    assert error("exact_linear", system, h0, x, 1) < 1e-9 * scale * np.exp(2 * np.linalg.norm(system.derivative(h0, x[0])[0], 2))


@given(seed=SEEDS)
def test_the_exact_step_is_the_matrix_exponential_about_the_fixed_point(seed):
    rng = np.random.default_rng(seed)
    A, h, centre = rng.standard_normal((3, 3)), rng.standard_normal(3), rng.standard_normal(3)
    dt = rng.uniform(0.1, 2)
    np.testing.assert_allclose(
        integrators.exact_linear(A, A @ (h - centre), h, dt), centre + expm(dt * A) @ (h - centre), rtol=1e-10, atol=1e-10
    )


def test_the_exact_step_needs_no_inverse():
    # a decay of the first unit and a constant drift of the second
    moved = integrators.exact_linear(np.array([[-1.0, 0.0], [0.0, 0.0]]), np.array([-1.0, 3.0]), np.array([1.0, 0.0]), 2.0)
    np.testing.assert_allclose(moved, [np.exp(-2), 6])


def test_states_of_many_trials_each_have_their_matrix():
    rng = np.random.default_rng(0)
    A, v, h = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    one_by_one = [integrators.exact_linear(*each, 0.3) for each in zip(A, v, h, strict=True)]
    np.testing.assert_allclose(integrators.exact_linear(A, v, h, 0.3), one_by_one, rtol=1e-13)


def test_a_decay_by_each_method_in_closed_form():
    h, dt = np.array([1.0]), 0.5
    assert integrators.euler(np.negative, h, dt) == pytest.approx(1 - dt)
    assert integrators.rk4(np.negative, h, dt) == pytest.approx(1 - dt + dt**2 / 2 - dt**3 / 6 + dt**4 / 24)
    assert integrators.exact_linear(-np.eye(1), -h, h, dt) == pytest.approx(np.exp(-dt))
    assert integrators.solved(np.negative, h, dt) == pytest.approx(np.exp(-dt), rel=1e-11)


def test_a_solution_that_becomes_infinite_is_an_error():
    with pytest.raises(RuntimeError, match="solve_ivp failed"):  # dh/dt = h^2 from 1 is 1 / (1 - t)
        integrators.solved(np.square, np.array([1.0]), 2.0)


def test_the_input_is_held_for_its_substeps():
    h = integrators.trajectory(lambda state, u: state + u, np.zeros((2, 1)), np.array([[[1.0], [2.0]], [[0.0], [5.0]]]), substeps=3)
    np.testing.assert_array_equal(h[:, :, 0], [[0, 0], [3, 6], [3, 21]])
    with pytest.raises(ValueError, match="substeps must be at least 1, got 0"):
        integrators.trajectory(lambda state, u: state, np.zeros(1), np.zeros((1, 1)), substeps=0)
