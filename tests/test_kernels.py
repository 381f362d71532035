"""The compiled kernels against the plain reference, on random shapes and parameters."""

import numpy as np
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference
from minirnn.engine import Flat, Store, chunk_trials
from minirnn.kernels import rate
from minirnn.optimizer import update
from minirnn.reference import ACTIVATIONS, Params


def error(a, b, largest=0.0):
    """As in check_gradient: max|a - b| / max(max|b|, 1e-3 largest)."""
    return np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), 1e-3 * largest, 1e-300)


def plain(case, dtype=np.float64):
    net = case.net.astype(dtype)
    net = net.astype(np.float64)  # the same rounded numbers, exact arithmetic
    x, noise = case.trials.x.astype(dtype).astype(float), None if case.noise is None else case.noise.astype(dtype).astype(float)
    target, mask = (array.astype(dtype).astype(float) for array in (case.trials.target, case.trials.weights()))
    acting = net.effective(net.params)
    h, r = reference.rollout(acting, x, net.h0, noise, net.model)
    loss, gradient = reference.loss_and_gradient(acting, x, target, mask, net.h0, noise, net.model)
    if net.constraint is not None:
        net.constraint.adjoint(gradient, net.params)
    z = reference.outputs(reference.readout(acting, h if net.form == "rate" else r), net.output)
    return h, z, loss, gradient


def compare(case, dtype, tolerance):
    net = case.net.astype(dtype)
    h, z, loss, gradient = plain(case, dtype)
    our_h, our_z = net.run(case.trials.x, noise=case.noise)
    our_loss, ours = net.loss_and_gradient(case.trials, noise=case.noise)
    assert our_h.dtype == our_z.dtype == dtype
    assert error(our_h, h) < tolerance, case.label
    assert error(our_z, z) < tolerance, case.label
    assert abs(our_loss - loss) <= tolerance * max(abs(loss), 1e-3), case.label
    largest = max(np.abs(g).max(initial=0.0) for g in gradient if g is not None)
    for name, a, b in zip(Params._fields, ours, gradient, strict=True):
        assert (a is None) == (b is None), name
        if b is not None:
            assert a.shape == b.shape
            assert a.dtype == dtype
            assert error(a, b, largest) < tolerance, f"{name}: {case.label}"


@given(cases(every=True))
def test_float64_equals_the_reference(case):
    compare(case, np.float64, 1e-12)


# relu in float32 may take the other side of its kink than float64, which is no error of either
@given(cases(activations=tuple(name for name in ACTIVATIONS if name != "relu")))
def test_float32_equals_the_reference(case):
    compare(case, np.float32, 2e-5)


def test_float32_relu_equals_the_reference_away_from_the_kink():
    rng = np.random.default_rng(3)
    net = mr.Network(
        rng.uniform(0, 1, (6, 2)),
        rng.uniform(-0.05, 0.2, (6, 6)),
        rng.standard_normal((1, 6)),
        np.full(6, 0.5),
        phi="relu",
        tau=3.0,
    )
    trials = mr.Trials(rng.uniform(0, 1, (20, 5, 2)), rng.standard_normal((20, 5, 1)))
    _, r = reference.rollout(net.params, trials.x, net.h0, None, net.model)
    assert r.min() > 1e-3
    loss, gradient = net.astype(np.float32).loss_and_gradient(trials)
    exact_loss, exact = reference.loss_and_gradient(net.params, trials.x, trials.target, trials.weights(), net.h0, None, net.model)
    assert loss == pytest.approx(exact_loss, rel=2e-5)
    assert error(gradient.W_rec, exact.W_rec) < 2e-5


@pytest.mark.parametrize("N, chunk", [(50, 16), (240, 16), (241, 32), (500, 32)])
def test_the_chunk_is_a_function_of_the_size_alone(N, chunk):
    assert chunk_trials(N) == chunk


def test_several_chunks_and_long_segments_add_up():
    # 40 trials are 3 chunks of 16, the last half empty; 61 states of 16 rows are 4 segments of 20 and fewer
    rng = np.random.default_rng(4)
    net = mr.Network.random(3, 20, 2, dtype="float64", rng=rng, tau=4.0, rate_penalty=0.1)
    trials = mr.Trials(rng.standard_normal((60, 40, 3)), rng.standard_normal((60, 40, 2)))
    exact_loss, exact = reference.loss_and_gradient(net.params, trials.x, trials.target, trials.weights(), net.h0, None, net.model)
    loss, gradient = net.loss_and_gradient(trials)
    assert loss == pytest.approx(exact_loss, rel=1e-12)
    for a, b in zip(gradient, exact, strict=True):
        if b is not None:
            assert error(a, b) < 1e-11


def test_a_batch_is_taken_from_the_store_by_its_indices():
    rng = np.random.default_rng(5)
    net = mr.Network.random(2, 7, 1, dtype="float64", rng=rng)
    trials = mr.Trials(rng.standard_normal((9, 30, 2)), rng.standard_normal((9, 30, 1)), rng.uniform(0, 1, (9, 30)))
    index = rng.permutation(30)[:21]
    part = mr.Trials(trials.x[:, index], trials.target[:, index], trials.mask[:, index])
    gradient = Flat(net.params, net.dtype)
    with net.engine(9, 25, threads=2) as engine:
        engine.set_params(net.params, net.h0)
        loss = engine.loss_and_gradient(Store.of(trials, net.dtype), index, gradient, net.params)
    expected_loss, expected = net.loss_and_gradient(part)
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    assert error(gradient.params.W_rec, expected.W_rec) < 1e-12


def test_fast_tanh_over_the_whole_range():
    a = np.concatenate([-np.logspace(-38, 38, 200_001), [0.0], np.logspace(-38, 38, 200_001), np.linspace(-10, 10, 200_001)])
    a = np.append(a, [1e-45, -1e-45, np.finfo(np.float32).max]).astype(np.float32)
    r = np.empty_like(a)
    rate.activate(r, a, rate.TANH)
    exact = np.tanh(a.astype(np.float64))
    assert np.abs(r - exact).max() < 4e-7
    normal = np.abs(a) > np.finfo(np.float32).tiny
    assert np.abs(r[normal] / exact[normal] - 1).max() < 4e-7
    assert np.abs(r).max() == 1.0
    special = np.array([np.inf, -np.inf, np.nan, 0.0], np.float32)
    out = np.empty_like(special)
    rate.activate(out, special, rate.TANH)
    np.testing.assert_array_equal(out, np.array([1.0, -1.0, np.nan, 0.0], np.float32))


@pytest.mark.parametrize("phi", range(len(ACTIVATIONS)), ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_activation_hands_nan_and_infinity_on(phi, dtype):
    a = np.array([np.nan, np.inf, -np.inf, 0.5], dtype)
    r = np.empty_like(a)
    rate.activate(r, a, phi)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = reference.phi(a.astype(np.float64), ACTIVATIONS[phi])
    np.testing.assert_allclose(r, expected, rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_adam_equals_the_reference(seed, epsilon_hat, dtype):
    rng = np.random.default_rng(seed)
    given = rng.standard_normal(17).astype(dtype)
    ours = mr.Adam(lr=0.01, beta1=0.8, beta2=0.99, eps=1e-3, epsilon_hat=epsilon_hat)
    params = Params(given[:0].reshape(1, 0), given[:16].reshape(4, 4), given[16:].reshape(1, 1), None, None, None)
    theta, m, v, gradient = (Flat(params, dtype) for _ in range(4))
    m.vector[:] = v.vector[:] = 0
    plain_theta, plain_m, plain_v = given.astype(float), np.zeros(17), np.zeros(17)
    for t in range(1, 6):
        gradient.vector[:] = g = rng.standard_normal(17).astype(dtype)
        update(theta, m, v, gradient, t - 1, ours)
        plain_theta, plain_m, plain_v = reference.adam(
            plain_theta, plain_m, plain_v, g.astype(float), t, 0.01, 0.8, 0.99, 1e-3, epsilon_hat
        )
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(theta.vector, plain_theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(m.vector, plain_m, rtol=10 * tolerance, atol=tolerance)
    np.testing.assert_allclose(v.vector, plain_v, rtol=10 * tolerance)
