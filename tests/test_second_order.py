"""Tangents, Hessian products, real-time gradients and eigenvalues against complex step, differences and a case by hand."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference, second_order
from minirnn.reference import ACTIVATIONS, Params

SMOOTH = tuple(name for name in ACTIVATIONS if name != "relu")  # where a difference never crosses a kink
FEW = st.integers(1, 3)
SEEDS = st.integers(0, 2**32 - 1)


def direction(params, seed):
    """A random direction of norm 1 over all arrays."""
    rng = np.random.default_rng(seed)
    v = Params(*[None if p is None else rng.standard_normal(p.shape) for p in params])
    return scaled(v, 1 / np.linalg.norm(flat(v)))


def scaled(v, by):
    return Params(*[None if p is None else by * p for p in v])


def added(u, v):
    return Params(*[None if p is None else p + q for p, q in zip(u, v, strict=True)])


def flat(v):
    return np.concatenate([p.ravel() for p in v if p is not None])


def product(case, v):
    return flat(second_order.hessian_vector_product(case.net, case.trials, v, noise=case.noise))


def plain_gradient(case, params):
    net, trials = case.net, case.trials
    loss, gradient = reference.loss_and_gradient(
        params, trials.x, trials.target, trials.weights(), net.h0, case.noise, net.model,
    )  # fmt: skip
    return loss, flat(gradient)


def loss_tangent(case, params, v):
    """dL along v at params, from the tangent lines alone; params may be complex."""
    net, x = case.net, case.trials.x
    h, r = reference.rollout(params, x, net.h0 if params.h0 is None else params.h0, case.noise, net.model)
    h_dot, _, _ = second_order.rollout_tangent(params, v, x, h, r, net.model)
    z_dot = second_order.readout_tangent(params, v, h, h_dot)
    z_bar = reference.error_adjoint(reference.readout(params, h), case.trials.target, case.trials.weights())
    weights = sum((p * q).sum() for p, q in zip(params[:3], v[:3], strict=True))
    return (z_bar * z_dot).sum() + 2 * net.rate_penalty * (h[1:] * h_dot[1:]).mean() + 2 * net.l2 * weights


def dense(case):
    """The Hessian, one product for each parameter."""
    params = case.net.params
    rows = []
    for name, p in params._asdict().items():
        for entry in range(0 if p is None else p.size):
            v = Params(*[None if q is None else np.zeros(q.shape) for q in params])
            getattr(v, name).flat[entry] = 1.0
            rows.append(product(case, v))
    return np.array(rows)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_phi_second_is_the_derivative_of_phi_prime(name):
    a = np.linspace(-6, 6, 120)  # 0 is not among them
    r = reference.phi(a + 1e-30j, name)
    exact = reference.phi_prime(r, name).imag / 1e-30
    np.testing.assert_allclose(second_order.phi_second(r.real, name), exact, rtol=1e-9, atol=1e-12)


def test_unknown_activation_is_named():
    with pytest.raises(ValueError, match="'step'"):
        second_order.phi_second(np.zeros(1), "step")


@settings(max_examples=25)
@given(cases(batches=FEW), SEEDS)
def test_tangent_is_the_complex_step_of_the_rollout(case, seed):
    net, x = case.net, case.trials.x
    v = direction(net.params, seed)
    h, r = reference.rollout(net.params, x, net.h0, case.noise, net.model)
    h_dot, r_dot, _ = second_order.rollout_tangent(net.params, v, x, h, r, net.model)
    z_dot = second_order.readout_tangent(net.params, v, h, h_dot)
    moved = added(net.params, scaled(v, 1e-30j))
    start = net.h0 if moved.h0 is None else moved.h0
    h_moved, r_moved = reference.rollout(moved, x, start, case.noise, net.model)
    for claimed, exact in ((h_dot, h_moved), (r_dot, r_moved), (z_dot, reference.readout(moved, h_moved))):
        exact = exact.imag / 1e-30
        np.testing.assert_allclose(claimed, exact, rtol=0, atol=1e-10 * max(1e-3, np.abs(exact).max()), err_msg=case.label)


@settings(max_examples=10)
@given(cases(batches=FEW), SEEDS)
def test_an_array_that_is_none_in_the_direction_stays_where_it_is(case, seed):
    net, x = case.net, case.trials.x
    v = direction(net.params, seed)
    h, r = reference.rollout(net.params, x, net.h0, case.noise, net.model)
    for name in Params._fields:
        left_out = v._replace(**{name: None})
        p = getattr(net.params, name)
        zero = v._replace(**{name: None if p is None else np.zeros(p.shape)})
        tangents = []
        for along in (left_out, zero):
            h_dot, _, _ = second_order.rollout_tangent(net.params, along, x, h, r, net.model)
            tangents.append(second_order.readout_tangent(net.params, along, h, h_dot))
        np.testing.assert_allclose(*tangents, rtol=1e-12, atol=0)


@settings(max_examples=25)
@given(cases(batches=FEW), SEEDS)
def test_hessian_product_is_the_complex_step_of_the_tangent_of_the_loss(case, seed):
    """<u, H v>: the tangent of the loss along u is complex-safe, so that it can be stepped along v."""
    u, v = direction(case.net.params, seed), direction(case.net.params, seed + 1)
    _, gradient = plain_gradient(case, case.net.params)
    assert loss_tangent(case, case.net.params, u) == pytest.approx(
        gradient @ flat(u), rel=1e-10, abs=1e-10 * np.abs(gradient).max()
    )
    exact = loss_tangent(case, added(case.net.params, scaled(v, 1e-30j)), u).imag / 1e-30
    Hv = product(case, v)
    assert flat(u) @ Hv == pytest.approx(exact, rel=1e-9, abs=1e-10 * np.linalg.norm(Hv)), case.label


@settings(max_examples=25)
@given(cases(SMOOTH, FEW), SEEDS)
def test_hessian_product_is_the_difference_of_gradients(case, seed):
    params = case.net.params
    v = direction(params, seed)
    d = 3e-5
    g = {n: plain_gradient(case, added(params, scaled(v, n * d)))[1] for n in (-2, -1, 1, 2)}
    difference = (8 * (g[1] - g[-1]) - (g[2] - g[-2])) / (12 * d)  # central, of fourth order in d
    Hv = product(case, v)
    size = max(np.abs(difference).max(), 1e-3 * np.abs(g[1]).max())
    np.testing.assert_allclose(Hv, difference, rtol=0, atol=1e-6 * size, err_msg=case.label)


@settings(max_examples=25)
@given(cases(batches=FEW), SEEDS)
def test_hessian_is_symmetric_and_its_product_linear(case, seed):
    u, v = direction(case.net.params, seed), direction(case.net.params, seed + 1)
    Hu, Hv = product(case, u), product(case, v)
    left, right = flat(u) * Hv, flat(v) * Hu
    size = max(np.linalg.norm(Hu), np.linalg.norm(Hv), np.abs(left).sum(), np.abs(right).sum())
    assert abs(left.sum() - right.sum()) <= 1e-12 * size, case.label
    both = product(case, added(scaled(u, 2.0), scaled(v, -3.0)))
    np.testing.assert_allclose(both, 2 * Hu - 3 * Hv, rtol=0, atol=1e-12 * size)


@settings(max_examples=25)
@given(cases(batches=FEW))
def test_real_time_gradient_is_that_of_back_propagation(case):
    loss, gradient = case.net.loss_and_gradient(case.trials, noise=case.noise)
    real_time_loss, real_time = second_order.real_time_gradient(case.net, case.trials, noise=case.noise)
    assert real_time_loss == pytest.approx(loss, rel=1e-10)
    size = np.abs(flat(gradient)).max()
    for claimed, expected in zip(real_time, gradient, strict=True):
        assert (claimed is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(claimed, expected, rtol=1e-10, atol=1e-10 * size, err_msg=case.label)


LEAK, GAIN, L2, RATE = 0.25, 0.5, 0.3, 0.7  # dt 0.5, tau 2, literal drive
X, TARGET, MASK = np.array([0.4, -1.1]), np.array([1.0, 0.3]), np.array([1.0, 3.0])
W_IN, W_REC, W_OUT, B_REC, B_OUT, H0 = 0.9, -0.6, 1.3, 0.2, -0.1, 0.8


@pytest.fixture
def one_unit():
    net = mr.Network(
        *(np.array([[w]]) for w in (W_IN, W_REC, W_OUT)), *(np.array([b]) for b in (B_REC, B_OUT, H0)),
        phi="linear", tau=2.0, dt=0.5, drive="literal", train_h0=True, rate_penalty=RATE, l2=L2,
    )  # fmt: skip
    return net, mr.Trials(X.reshape(1, 2, 1), TARGET.reshape(1, 2, 1), MASK.reshape(1, 2))


def hessian_by_hand():
    """One linear unit, one step: s = (1 - leak) h0 + gain (w_rec h0 + w_in x + b_rec), z = w_out s + b_out."""
    w_rec, w_out, b_out, h0 = 1, 2, 4, 5  # rows in the order of Params
    H = np.diag([2 * L2, 2 * L2, 2 * L2, 0, 0, 0])
    for x, y, m in zip(X, TARGET, MASK, strict=True):
        s = (1 - LEAK) * H0 + GAIN * (W_REC * H0 + W_IN * x + B_REC)
        ds = np.array([GAIN * x, GAIN * H0, 0, GAIN, 0, 1 - LEAK + GAIN * W_REC])
        d2s = np.zeros((6, 6))
        d2s[w_rec, h0] = d2s[h0, w_rec] = GAIN
        dz = W_OUT * ds
        dz[w_out], dz[b_out] = s, 1.0
        d2z = W_OUT * d2s
        d2z[w_out] += ds
        d2z[:, w_out] += ds
        H += 2 * m * (np.outer(dz, dz) + (W_OUT * s + B_OUT - y) * d2z) / MASK.sum()
        H += 2 * RATE * (np.outer(ds, ds) + s * d2s) / 2
    return H


def test_hessian_of_one_linear_unit_is_that_by_hand(one_unit):
    net, trials = one_unit
    for entry in range(6):
        v = Params(*[np.zeros(p.shape) for p in net.params])
        v[entry].flat[0] = 1.0
        Hv = flat(second_order.hessian_vector_product(net, trials, v))
        np.testing.assert_allclose(Hv, hessian_by_hand()[entry], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("k", [1, 3, 5, 6])  # from the iteration, and from all entries
def test_eigenvalues_of_one_linear_unit(one_unit, k):
    net, trials = one_unit
    expected = np.linalg.eigvalsh(hessian_by_hand())
    expected = expected[np.argsort(-np.abs(expected))]
    values, vectors = second_order.leading_eigenvalues(net, trials, k)
    np.testing.assert_allclose(values, expected[:k], rtol=1e-10)
    assert len(vectors) == k


@settings(max_examples=6)
@given(cases(SMOOTH, FEW), SEEDS)
def test_leading_eigenvalues_are_those_of_the_dense_hessian(case, seed):
    H = dense(case)
    scale = np.abs(H).max()
    np.testing.assert_allclose(H, H.T, rtol=0, atol=1e-12 * scale)
    every = np.linalg.eigvalsh((H + H.T) / 2)
    every = every[np.argsort(-np.abs(every))]
    k = min(4, len(every))
    values, vectors = second_order.leading_eigenvalues(case.net, case.trials, k, noise=case.noise, rng=seed)
    np.testing.assert_allclose(np.abs(values), np.abs(every[:k]), rtol=0, atol=1e-9 * np.abs(every[0]), err_msg=case.label)
    for value, vector in zip(values, vectors, strict=True):
        assert np.linalg.norm(flat(vector)) == pytest.approx(1.0, rel=1e-10)
        np.testing.assert_allclose(product(case, vector), value * flat(vector), rtol=0, atol=1e-9 * np.abs(every[0]))


@pytest.fixture
def small():
    rng = np.random.default_rng(3)
    net = mr.Network.random(2, 5, 1, b_rec=True, train_h0=True, tau=3.0, rate_penalty=0.1, l2=0.01, rng=0)
    return net, mr.Trials(rng.standard_normal((8, 3, 2)), rng.standard_normal((8, 3, 1)))


def test_eigenvalues_are_reproducible(small):
    net, trials = small
    first = second_order.leading_eigenvalues(net, trials, 3, rng=5)
    second = second_order.leading_eigenvalues(net, trials, 3, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(first[0], second[0])
    for u, v in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(flat(u), flat(v))


def test_a_hessian_of_zeros_has_eigenvalues_of_zero():
    net = mr.Network.random(0, 4, 1, b_out=False, rng=0)  # rests at the origin, whatever its weights
    trials = mr.Trials(np.zeros((5, 2, 0)), np.ones((5, 2, 1)))
    values, vectors = second_order.leading_eigenvalues(net, trials, 3)
    np.testing.assert_array_equal(values, 0.0)
    np.testing.assert_array_equal([[flat(u) @ flat(v) for u in vectors] for v in vectors], np.eye(3))


def test_float32_networks_are_taken_in_float64(small):
    net, trials = small
    assert net.dtype == np.float32
    v = direction(net.params, 0)
    double = net.astype(np.float64)
    np.testing.assert_array_equal(
        flat(second_order.hessian_vector_product(net, trials, v)), flat(second_order.hessian_vector_product(double, trials, v))
    )
    loss, gradient = second_order.real_time_gradient(net, trials)
    assert loss == pytest.approx(double.loss_and_gradient(trials)[0], rel=1e-12)
    assert all(g.dtype == np.float64 for g in gradient)


@pytest.mark.parametrize("name", Params._fields)
def test_a_direction_of_the_wrong_shape_is_named(small, name):
    net, trials = small
    v = direction(net.params, 0)
    h, r = reference.rollout(net.params, trials.x, net.h0, None, net.model)
    for wrong, got in ((np.zeros((2, 7)), r"\(2, 7\)"), (None, "None")):
        with pytest.raises(ValueError, match=rf"v\.{name} must be .* got {got}"):
            second_order.hessian_vector_product(net, trials, v._replace(**{name: wrong}))
    wrong = v._replace(**{name: np.zeros((2, 7))})
    with pytest.raises(ValueError, match=rf"v\.{name} must be"):
        second_order.rollout_tangent(net.params, wrong, trials.x, h, r, net.model)
    with pytest.raises(ValueError, match=rf"v\.{name} must be"):
        second_order.readout_tangent(net.params, wrong, h, h)
    with pytest.raises(ValueError, match=rf"v\.{name} must be finite"):
        second_order.hessian_vector_product(net, trials, v._replace(**{name: np.nan * getattr(v, name)}))
    with pytest.raises(TypeError, match=rf"v\.{name} must be an array of real numbers"):
        second_order.hessian_vector_product(net, trials, v._replace(**{name: 1j * getattr(v, name)}))


def test_a_direction_along_what_is_not_trained_is_an_error():
    net = mr.Network.random(1, 3, 1, b_out=False, rng=0)
    trials = mr.Trials(np.ones((2, 1, 1)), np.ones((2, 1, 1)))
    v = direction(net.params, 0)
    for name, shape in (("b_rec", (3,)), ("b_out", (1,)), ("h0", (3,))):
        with pytest.raises(ValueError, match=rf"v\.{name} must be None, as {name} is absent or not trained"):
            second_order.hessian_vector_product(net, trials, v._replace(**{name: np.zeros(shape)}))


def test_other_bad_input_is_named(small):
    net, trials = small
    v = direction(net.params, 0)
    with pytest.raises(TypeError, match=r"v must be Params.* got dict"):
        second_order.hessian_vector_product(net, trials, v._asdict())
    calls = (
        lambda net, trials, noise: second_order.hessian_vector_product(net, trials, v, noise=noise),
        lambda net, trials, noise: second_order.real_time_gradient(net, trials, noise=noise),
        lambda net, trials, noise: second_order.leading_eigenvalues(net, trials, 2, noise=noise),
    )
    for call in calls:
        with pytest.raises(TypeError, match="net must be a Network, got str"):
            call("net", trials, None)
        with pytest.raises(TypeError, match="trials must be Trials, got str"):
            call(net, "trials", None)
        with pytest.raises(ValueError, match="x must be"):
            call(net, mr.Trials(trials.x[:, :, :1], trials.target), None)
        with pytest.raises(ValueError, match=r"noise must be \(8, 3, 5\), got \(8, 3, 4\)"):
            call(net, trials, np.zeros((8, 3, 4)))
    for k in (0, 52):
        with pytest.raises(ValueError, match=rf"k must be from 1 to 51, .* got {k}"):
            second_order.leading_eigenvalues(net, trials, k)
    with pytest.raises(TypeError, match="k must be an integer, got float"):
        second_order.leading_eigenvalues(net, trials, 2.0)
    with pytest.raises(TypeError, match="rng must be"):
        second_order.leading_eigenvalues(net, trials, 2, rng="seed")


def test_each_stated_equation_is_computed():
    text = Path(second_order.__file__).read_text()
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    stated = set(re.findall(r"^ +\((\d+\*?'?)\) ", docstring, re.MULTILINE))
    computed = set(re.findall(r"\((\d+\*?'?)\)", " ".join(re.findall("#.*", text.replace(docstring, "")))))
    model = set(re.findall(r"\((\d+\*?)\)", " ".join(re.findall("#.*", Path(reference.__file__).read_text()))))
    assert len(stated) == 15
    assert stated <= computed <= stated | model
