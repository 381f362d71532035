"""The plain reference against closed forms, loops that spell the equation out, complex step and dot products."""

import math

import numpy as np
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

from minirnn import reference
from minirnn.reference import ACTIVATIONS, Params

SCALAR = {
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "softplus": lambda a: math.log(1 + math.exp(a)),
    "linear": lambda a: a,
}


def reference_of(case):
    net = case.net
    h, r = reference.rollout(net.params, case.trials.x, net.h0, case.noise, net.model)
    return h, r, reference.readout(net.params, h)


@given(cases(batches=st.integers(1, 3)))
def test_rollout_is_the_printed_equation_in_plain_loops(case):
    net, x = case.net, case.trials.x
    T, B, I = x.shape
    N, O = net.n_rec, net.n_out
    w = net.weights
    tau = np.broadcast_to(net.tau, (N,))
    h, _, z = reference_of(case)
    for b in range(B):
        state = [float(value) for value in net.h0]
        for t in range(T):
            new = []
            for i in range(N):
                a = sum(w.W_rec[i, j] * state[j] for j in range(N)) + sum(w.W_in[i, k] * x[t, b, k] for k in range(I))
                a += 0.0 if w.b_rec is None else w.b_rec[i]
                a += 0.0 if case.noise is None else case.noise[t, b, i]
                phi = SCALAR[net.phi](a)
                if net.drive == "normalised":  # tau dh/dt = -h + phi(a)
                    new.append(state[i] + net.dt * (-state[i] + phi) / tau[i])
                else:  # dh/dt = -h/tau + phi(a), arXiv 1906.01094 eq. 3
                    new.append(state[i] + net.dt * (-state[i] / tau[i] + phi))
            state = new
            np.testing.assert_allclose(h[t + 1, b], state, rtol=1e-9, atol=1e-9)
            for o in range(O):
                out = sum(w.W_out[o, j] * state[j] for j in range(N)) + (0.0 if w.b_out is None else w.b_out[o])
                assert z[t, b, o] == pytest.approx(out, rel=1e-9, abs=1e-9)


def test_error_is_the_masked_mean_in_plain_loops():
    rng = np.random.default_rng(0)
    z, y, m = rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 4, 2)), rng.uniform(0, 1, (3, 4, 2))
    total = sum(m[i] * (z[i] - y[i]) ** 2 for i in np.ndindex(z.shape)) / sum(m[i] for i in np.ndindex(z.shape))
    assert reference.error(z, y, m) == pytest.approx(total, rel=1e-13)
    assert reference.error(z, y, np.ones_like(m)) == pytest.approx(np.mean((z - y) ** 2), rel=1e-13)


def test_leak_of_one_is_the_discrete_network():
    rng = np.random.default_rng(1)
    W_in, W_rec, b = rng.standard_normal((4, 2)), rng.standard_normal((4, 4)), rng.standard_normal(4)
    x = rng.standard_normal((6, 3, 2))
    ones = np.ones(4)
    h, r = reference.rollout(Params(W_in, W_rec, np.ones((1, 4)), b, None, None), x, np.zeros(4), None, reference.Model(ones, ones))
    state = np.zeros((3, 4))
    for t in range(6):  # Keras' SimpleRNN, with its transposed kernels
        state = np.tanh(x[t] @ W_in.T + state @ W_rec.T + b)
        np.testing.assert_allclose(h[t + 1], state, rtol=1e-14)
    np.testing.assert_array_equal(h[1:], r)


@pytest.mark.parametrize("leak", [1.0, 0.2, 0.01])
def test_one_unit_without_input_decays_as_the_closed_form(leak):
    zero = np.zeros((1, 1))
    params = Params(np.zeros((1, 0)), zero, np.ones((1, 1)), None, None, None)
    h, _ = reference.rollout(
        params, np.zeros((50, 1, 0)), np.array([0.7]), None, reference.Model(np.array([leak]), np.array([leak]))
    )
    np.testing.assert_allclose(h[:, 0, 0], 0.7 * (1 - leak) ** np.arange(51), rtol=1e-12)


def test_the_two_readings_of_the_drive_have_the_stated_fixed_points():
    # spec 1.2: literal settles at tau phi(a), normalised at phi(a); here a is the constant input
    tau, dt, a = 5.0, 0.5, 0.3
    params = Params(np.ones((1, 1)), np.zeros((1, 1)), np.ones((1, 1)), None, None, None)
    x = np.full((400, 1, 1), a)
    leak = np.array([dt / tau])
    for gain, fixed in ((leak, math.tanh(a)), (np.array([dt]), tau * math.tanh(a))):
        h, _ = reference.rollout(params, x, np.zeros(1), None, reference.Model(leak, gain))
        assert h[-1, 0, 0] == pytest.approx(fixed, rel=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_phi_and_its_derivative(name):
    a = np.linspace(-6, 6, 121)
    a = a[np.abs(a) > 1e-6]
    r = reference.phi(a, name)
    np.testing.assert_allclose(r, [SCALAR[name](v) for v in a], rtol=1e-12, atol=1e-12)
    exact = reference.phi(a + 1e-30j, name).imag / 1e-30
    np.testing.assert_allclose(reference.phi_prime(r, name), exact, rtol=1e-9, atol=1e-12)


def test_softplus_neither_overflows_nor_loses_the_tail():
    with np.errstate(all="raise", under="ignore"):
        r = reference.phi(np.array([-800.0, -40.0, 0.0, 800.0]), "softplus")
    np.testing.assert_allclose(r, [0.0, math.exp(-40.0), math.log(2), 800.0], rtol=1e-12)


def test_unknown_activation_is_named():
    for function in (reference.phi, reference.phi_prime):
        with pytest.raises(ValueError, match="'step'"):
            function(np.zeros(1), "step")


@given(cases(batches=st.integers(1, 3), every=True), st.integers(0, 2**32 - 1))
def test_rollout_adjoint_dot_product(case, seed):
    """<rates_bar, J v> = <J^T rates_bar, v> for random v in every argument, J v by complex step."""
    rng = np.random.default_rng(seed)
    net, x = case.net, case.trials.x
    B = x.shape[1]
    start = np.broadcast_to(net.h0, (B, net.n_rec)) + 0.1
    h, r = reference.rollout(net.params, x, start, case.noise, net.model)
    which = 0 if net.form == "rate" else 1  # the rates
    h_bar = rng.standard_normal(h.shape)
    W_in_bar, W_rec_bar, b_rec_bar, states_bar, x_bar = reference.rollout_adjoint(net.params, h_bar, x, h, r, net.model)
    bars = (W_in_bar, W_rec_bar, b_rec_bar, states_bar[0], x_bar)
    b_rec = np.zeros(net.n_rec) if net.params.b_rec is None else net.params.b_rec
    values = (net.params.W_in, net.params.W_rec, b_rec, start, x)
    along = [rng.standard_normal(value.shape) for value in values]
    W_in, W_rec, b_rec, h0, x = (value + 1e-30j * v for value, v in zip(values, along, strict=True))
    moved = net.params._replace(W_in=W_in, W_rec=W_rec, b_rec=b_rec)
    h_dot = reference.rollout(moved, x, h0, case.noise, net.model)[which].imag / 1e-30
    forward = (h_bar * h_dot).sum()
    terms = [(bar * v).sum() for bar, v in zip(bars, along, strict=True)]
    assert forward == pytest.approx(sum(terms), rel=1e-10, abs=1e-10 * sum(map(abs, terms)))


@given(st.integers(0, 2**32 - 1))
def test_readout_and_error_adjoint_dot_product(seed):
    rng = np.random.default_rng(seed)
    T, B, N, O = rng.integers(1, 6, 4)
    params = Params(np.zeros((N, 1)), np.zeros((N, N)), rng.standard_normal((O, N)), None, rng.standard_normal(O), None)
    h, z_bar = rng.standard_normal((T + 1, B, N)), rng.standard_normal((T, B, O))
    bars = reference.readout_adjoint(params, z_bar, h)
    along = [rng.standard_normal(value.shape) for value in (h, params.W_out, params.b_out)]
    moved = params._replace(W_out=params.W_out + 1e-30j * along[1], b_out=params.b_out + 1e-30j * along[2])
    z_dot = reference.readout(moved, h + 1e-30j * along[0]).imag / 1e-30
    assert (z_bar * z_dot).sum() == pytest.approx(sum((bar * v).sum() for bar, v in zip(bars, along, strict=True)), rel=1e-10)
    z, target, m = z_bar, rng.standard_normal((T, B, O)), rng.uniform(0.1, 1, (T, B, O))
    v = rng.standard_normal(z.shape)
    exact = reference.error(z + 1e-30j * v, target, m).imag / 1e-30
    assert (reference.error_adjoint(z, target, m) * v).sum() == pytest.approx(exact, rel=1e-10)


def test_penalties_are_the_mean_squared_rate_and_the_sum_of_squared_weights():
    rng = np.random.default_rng(2)
    params = Params(*(rng.standard_normal(shape) for shape in ((3, 2), (3, 3), (1, 3), (3,), (1,), (3,))))
    h = rng.standard_normal((5, 2, 3))
    assert reference.penalties(params, h, 0.7, 0.0) == pytest.approx(0.7 * np.mean(h[1:] ** 2), rel=1e-13)
    weights = np.concatenate([params.W_in.ravel(), params.W_rec.ravel(), params.W_out.ravel()])
    assert reference.penalties(params, h, 0.0, 0.7) == pytest.approx(0.7 * np.sum(weights**2), rel=1e-13)


def test_adam_against_numbers_worked_out_by_hand():
    # gradient 2 at both steps: m = 0.2, 0.38; v = 0.004, 0.007996; bias corrected m_hat = 2, v_hat = 4 at both
    theta, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    g = np.array([2.0])
    for t in (1, 2):
        theta, m, v = reference.adam(theta, m, v, g, t, 0.1, 0.9, 0.999, 0.5, epsilon_hat=False)
        assert theta[0] == pytest.approx(1.0 - t * 0.1 * 2 / (2 + 0.5), rel=1e-13)
    assert m[0] == pytest.approx(0.38, rel=1e-13)
    assert v[0] == pytest.approx(0.007996, rel=1e-12)
    theta, _, _ = reference.adam(np.array([1.0]), np.zeros(1), np.zeros(1), g, 1, 0.1, 0.9, 0.999, 0.5, epsilon_hat=True)
    # Keras: lr sqrt(0.001)/0.1 * 0.2 / (sqrt(0.004) + 0.5)
    assert theta[0] == pytest.approx(1.0 - 0.1 * math.sqrt(0.001) / 0.1 * 0.2 / (math.sqrt(0.004) + 0.5), rel=1e-12)
