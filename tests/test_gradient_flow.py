"""The adjoint's parts, Jacobians, their products and Lyapunov exponents, against complex step and closed forms."""

import numpy as np
import pytest
from cases import cases
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minirnn as mr
from minirnn import gradient_flow, plots, reference, tasks

FEW = st.integers(1, 3)
ORIGIN = st.floats(-3, 3).map(lambda w: (w, 0.0))  # (w, h) with h = tanh(w h)
ELSEWHERE = st.floats(0.01, 0.99).map(lambda h: (np.arctanh(h) / h, h))


def states(net, trials, noise):
    return reference.rollout(net.weights, trials.x, net.h0, noise, net.model)


def jacobians(net, trials, noise, trial=0):
    """J_t of every step of one trial, (T, N, N)."""
    h, r = states(net, trials, noise)
    return np.array([gradient_flow.jacobian(net, h[t, trial], r[t, trial]) for t in range(len(r))])


def loss_from(net, trials, noise, t, h_t):
    """What of L depends on h_t (B, N): the outputs from step t - 1 on and the rates from h_t on."""
    h, _ = reference.rollout(net.weights, trials.x[t:], h_t, None if noise is None else noise[t:], net.model)
    T, B, N = len(trials.x), len(trials), net.n_rec
    seen = h if t > 0 else h[1:]  # h_0 is neither read nor penalised
    first = max(t - 1, 0)
    m = trials.weights()
    b_out = 0.0 if net.weights.b_out is None else net.weights.b_out
    difference = seen @ net.weights.W_out.T + b_out - trials.target[first:]
    error = (m[first:] * difference * difference).sum() / m.sum()
    return error + net.rate_penalty * (seen * seen).sum() / (T * B * N)


def symmetric(eigenvalues, rng):
    Q = np.linalg.qr(rng.standard_normal((len(eigenvalues), len(eigenvalues))))[0]
    return (Q * eigenvalues) @ Q.T


def network(W_rec, **constants):
    """A network with this W_rec, one input that does nothing and one output."""
    N = len(W_rec)
    return mr.Network(np.zeros((N, 1)), np.asarray(W_rec, float), np.ones((1, N)), **constants)


def silence(T):
    return mr.Trials(np.zeros((T, 1, 1)), np.zeros((T, 1, 1)))


# ---- the adjoint and its parts


@given(cases(batches=FEW), st.data())
def test_the_adjoint_at_any_step_is_the_derivative_by_that_state(case, data):
    net, trials, noise = case.net, case.trials, case.noise
    t = data.draw(st.integers(0, len(trials.x)))
    h, _ = states(net, trials, noise)
    parts = gradient_flow.adjoint_parts(net, trials, noise=noise)
    v = np.random.default_rng(t).standard_normal(h[t].shape)
    exact = loss_from(net, trials, noise, t, h[t] + 1e-30j * v).imag / 1e-30
    terms = parts.total[t] * v
    assert terms.sum() == pytest.approx(exact, rel=1e-10, abs=1e-10 * np.abs(terms).sum() + 1e-14), case.label


@given(cases(batches=FEW))
def test_the_three_parts_add_up_and_are_what_they_are_called(case):
    net, trials = case.net, case.trials
    parts = gradient_flow.adjoint_parts(net, trials, noise=case.noise)
    T, B, _ = trials.x.shape
    for part in parts:
        assert part.shape == (T + 1, B, net.n_rec)
    np.testing.assert_allclose(parts.direct + parts.leak + parts.recurrent, parts.total, rtol=1e-12, atol=1e-300)
    assert not parts.direct[0].any()
    assert not parts.leak[T].any()
    assert not parts.recurrent[T].any()
    np.testing.assert_allclose(parts.leak[:-1], (1 - net.leak) * parts.total[1:], rtol=1e-13)
    for b in range(B):  # the Jacobian of a step takes the total back through both ways at once
        for t, J in enumerate(jacobians(net, trials, case.noise, b)):
            through = parts.leak[t, b] + parts.recurrent[t, b]
            np.testing.assert_allclose(through, parts.total[t + 1, b] @ J, rtol=1e-10, atol=1e-13 * np.abs(parts.total).max())


@given(cases(batches=FEW))
def test_flow_has_the_norms_over_trials_and_units(case):
    parts = gradient_flow.adjoint_parts(case.net, case.trials, noise=case.noise)
    norms = gradient_flow.flow(case.net, case.trials, noise=case.noise)
    assert norms._fields == parts._fields
    for norm, part in zip(norms, parts, strict=True):
        np.testing.assert_allclose(norm, [np.linalg.norm(part[t]) for t in range(len(part))], rtol=1e-13)


@given(cases(batches=FEW))
def test_the_first_adjoint_is_the_gradient_of_the_initial_state(case):
    net = mr.Network(*case.net.weights, **(case.net.constants | {"train_h0": True}))
    _, gradient = reference.loss_and_gradient(
        net.params, case.trials.x, case.trials.target, case.trials.weights(), net.h0, case.noise,
        net.model,
    )  # fmt: skip
    first = gradient_flow.adjoint_parts(net, case.trials, noise=case.noise).total[0].sum(axis=0)
    np.testing.assert_allclose(first, gradient.h0, rtol=1e-10, atol=1e-12 * np.abs(gradient.h0).max())


def test_without_recurrence_the_adjoint_fades_by_the_leak_alone():
    # only the last output counts, so that |h_bar_t| = (1 - leak)^(T - t) |h_bar_T|
    T = 20
    mask = np.zeros((T, 1))
    mask[-1] = 1.0
    net = network(np.zeros((3, 3)), tau=4.0)
    norms = gradient_flow.flow(net, mr.Trials(np.zeros((T, 1, 1)), np.ones((T, 1, 1)), mask))
    np.testing.assert_allclose(norms.total, norms.total[T] * 0.75 ** np.arange(T, -1, -1), rtol=1e-13)
    np.testing.assert_array_equal(norms.direct > 0, np.arange(T + 1) == T)
    np.testing.assert_array_equal(norms.leak[:T], norms.total[:T])
    assert not norms.recurrent.any()


# ---- Jacobians and their products


@given(cases(batches=FEW), st.data())
def test_the_jacobian_is_the_complex_step_derivative_of_one_step(case, data):
    net, trials = case.net, case.trials
    t = data.draw(st.integers(0, len(trials.x) - 1))
    h, r = states(net, trials, case.noise)
    noise = None if case.noise is None else case.noise[t : t + 1, [0] * net.n_rec]
    moved = h[t, 0] + 1e-30j * np.eye(net.n_rec)  # a trial per direction
    x = trials.x[t : t + 1, [0] * net.n_rec]
    after, _ = reference.rollout(net.weights, x, moved, noise, net.model)
    J = gradient_flow.jacobian(net, h[t, 0], r[t, 0])
    np.testing.assert_allclose(J, after[1].imag.T / 1e-30, rtol=1e-8, atol=1e-11)


@given(cases(batches=FEW), st.data())
def test_singular_values_are_those_of_the_plain_product(case, data):
    net, trials = case.net, case.trials
    T, B, _ = trials.x.shape
    trial = data.draw(st.integers(0, B - 1))
    found = gradient_flow.singular_values(net, trials, trial, noise=case.noise)
    assert found.shape == (T + 1, net.n_rec)
    J = jacobians(net, trials, case.noise, trial)
    product = np.eye(net.n_rec)
    largest = 1.0  # the rounding of the plain product goes with the norms of its factors
    for t in range(T, -1, -1):
        plain = np.linalg.svd(product, compute_uv=False)
        np.testing.assert_allclose(found[t], plain, rtol=1e-10, atol=1e-13 * largest)
        if t > 0:
            product = product @ J[t - 1]
            largest *= max(1.0, np.linalg.norm(J[t - 1], 2))
    steps = data.draw(st.lists(st.integers(0, T), min_size=1, max_size=4))
    chosen = gradient_flow.singular_values(net, trials, trial, steps, case.noise)
    np.testing.assert_array_equal(chosen, found[steps])


def test_small_singular_values_are_not_lost_beside_large_ones():
    # W symmetric and linear: the values of P_0 are |eigenvalues|^T, here over 290 decades
    eigenvalues = np.array([0.95, 0.9, -0.7, 0.5, 0.4, -0.2, 0.1])
    net = network(symmetric(eigenvalues, np.random.default_rng(0)), phi="linear")
    for T in (5, 50, 290):
        found = gradient_flow.singular_values(net, silence(T), steps=[0])[0]
        np.testing.assert_allclose(found, np.sort(np.abs(eigenvalues) ** T)[::-1], rtol=1e-11)


def test_singular_values_beyond_the_range_of_floats_are_0_or_inf():
    net = network(symmetric(np.array([10.0, 0.1, 100.0]), np.random.default_rng(0)), phi="linear")
    np.testing.assert_allclose(gradient_flow.singular_values(net, silence(160), steps=[0]), [[np.inf, 1e160, 0.0]], rtol=1e-9)
    net = network(np.zeros((2, 2)))
    np.testing.assert_array_equal(gradient_flow.singular_values(net, silence(2)), [[0, 0], [0, 0], [1, 1]])


def test_the_product_of_singular_values_is_the_determinant_over_long_trials():
    rng = np.random.default_rng(1)
    N, T = 12, 150
    net = mr.Network(rng.standard_normal((N, 2)), 1.1 * rng.standard_normal((N, N)) / np.sqrt(N), np.ones((1, N)), tau=2.0)
    trials = mr.Trials(rng.standard_normal((T, 1, 2)), np.zeros((T, 1, 1)))
    found = gradient_flow.singular_values(net, trials)
    J = jacobians(net, trials, None)
    log_det = np.append(np.cumsum([np.linalg.slogdet(j)[1] for j in J[::-1]])[::-1], 0.0)
    np.testing.assert_allclose(np.log(found).sum(axis=1), log_det, rtol=1e-11, atol=1e-11)
    assert found[0, 0] / found[0, -1] > 1e30  # far beyond what a plain product resolves


# ---- Lyapunov exponents


@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_exponents_of_a_linear_network_with_symmetric_weights(tau):
    eigenvalues = np.array([1.1, 0.8, -0.6, 0.4, 0.1])
    net = network(symmetric(eigenvalues, np.random.default_rng(2)), phi="linear", tau=tau)
    exponents = gradient_flow.lyapunov_exponents(net, np.zeros((600, 1, 1)), settle=500)
    expected = np.log(np.abs(1 - 1 / tau + eigenvalues / tau))
    np.testing.assert_allclose(exponents, np.sort(expected)[::-1], atol=1e-12)


def test_exponents_of_a_linear_network_with_normal_weights():
    # a rotation by 1 rad times 0.9, one by 2 rad times 0.5, and -0.7, in a random orthogonal basis
    rng = np.random.default_rng(3)
    W = np.zeros((5, 5))
    for k, modulus, angle in ((0, 0.9, 1.0), (2, 0.5, 2.0)):
        c, s = modulus * np.cos(angle), modulus * np.sin(angle)
        W[k : k + 2, k : k + 2] = [[c, -s], [s, c]]
    W[4, 4] = -0.7
    Q = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    net = network(Q @ W @ Q.T, phi="linear")
    exponents = gradient_flow.lyapunov_exponents(net, np.zeros((300, 1, 1)), settle=200)
    np.testing.assert_allclose(exponents, np.log([0.9, 0.9, 0.7, 0.5, 0.5]), atol=1e-12)


@given(ORIGIN | ELSEWHERE, st.floats(1, 10))
@settings(max_examples=20)
def test_the_exponent_of_one_unit_at_its_fixed_point(unit, tau):
    w, h = unit
    a = 1 / tau
    slope = abs((1 - a) + a * w * (1 - h * h))
    assume(slope > 1e-6)
    exponent = gradient_flow.lyapunov_exponents(network([[w]], tau=tau), np.zeros((30, 1, 1)), h0=[h])
    np.testing.assert_allclose(exponent, [np.log(slope)], atol=1e-8)


def test_settle_brings_one_unit_to_its_fixed_point():
    w, a = 2.0, 0.25
    h = 1.0
    for _ in range(200):
        h = np.tanh(w * h)
    net = network([[w]], tau=1 / a)
    exponent = gradient_flow.lyapunov_exponents(net, np.zeros((400, 1, 1)), h0=[0.1], settle=300)
    np.testing.assert_allclose(exponent, [np.log((1 - a) + a * w * (1 - h * h))], atol=1e-8)


@given(cases(batches=st.just(1)), st.data())
def test_the_sum_of_exponents_is_the_mean_log_determinant(case, data):
    net, trials = case.net, case.trials
    settle = data.draw(st.integers(0, len(trials.x) - 1))
    exponents = gradient_flow.lyapunov_exponents(net, trials.x, noise=case.noise, settle=settle)
    assert (np.diff(exponents[np.isfinite(exponents)]) <= 0).all()
    J = jacobians(net, trials, case.noise)[settle:]
    if all(np.linalg.cond(j) < 1e8 for j in J):
        expected = np.mean([np.linalg.slogdet(j)[1] for j in J])
        assert exponents.sum() == pytest.approx(expected, rel=1e-7, abs=1e-7), case.label


def test_a_chaotic_network_grows_small_differences_at_its_largest_exponent():
    rng = np.random.default_rng(4)
    N, T = 20, 700
    net = network(3.0 * rng.standard_normal((N, N)) / np.sqrt(N))
    start = rng.standard_normal(N)
    largest = gradient_flow.lyapunov_exponents(net, np.zeros((T, 1, 1)), h0=start, settle=100)[0]
    h, _ = states(net.with_params(net.weights._replace(h0=start)), silence(T), None)
    one = h[:, 0]
    growth, gap, step = 0.0, 1e-7, np.eye(N)[0]  # the same without Jacobians: a neighbour, drawn near again at each step
    for t in range(T):
        neighbour, _ = reference.rollout(
            net.weights, np.zeros((1, 1, 1)), one[t] + gap * step / np.linalg.norm(step), None, net.model
        )
        step = neighbour[1, 0] - one[t + 1]
        growth += np.log(np.linalg.norm(step) / gap) if t >= 100 else 0.0
    assert largest > 0.05
    assert largest == pytest.approx(growth / (T - 100), abs=1e-5)


def test_what_is_sent_to_0_has_the_exponent_minus_infinity():
    x = np.zeros((50, 1, 1))
    rng = np.random.default_rng(5)
    low_rank = network(rng.standard_normal((6, 2)) @ rng.standard_normal((2, 6)) / 4, phi="linear")
    np.testing.assert_array_equal(np.isneginf(gradient_flow.lyapunov_exponents(low_rank, x)), [0, 0, 1, 1, 1, 1])
    silent = mr.Network(np.zeros((2, 1)), np.array([[0.5, 0.0], [0.3, 0.1]]), np.ones((1, 2)), np.array([1.0, -9.0]), phi="relu")
    np.testing.assert_allclose(gradient_flow.lyapunov_exponents(silent, x, settle=10), [np.log(0.5), -np.inf], atol=1e-12)
    np.testing.assert_array_equal(gradient_flow.lyapunov_exponents(network(np.zeros((3, 3))), x), [-np.inf] * 3)
    np.testing.assert_array_equal(gradient_flow.lyapunov_exponents(network([[0.0]]), x), [-np.inf])


# ---- what they accept


def test_float32_networks_are_treated_in_float64():
    net = mr.Network.random(2, 6, 1, tau=3.0, rng=0)
    rng = np.random.default_rng(6)
    trials = mr.Trials(rng.random((8, 2, 2)).astype(np.float32), np.ones((8, 2, 1), np.float32))
    double = net.astype(np.float64)
    for function in (gradient_flow.flow, gradient_flow.adjoint_parts):
        for single, wide in zip(function(net, trials), function(double, trials), strict=True):
            assert single.dtype == np.float64
            np.testing.assert_array_equal(single, wide)
    assert gradient_flow.singular_values(net, trials).dtype == np.float64
    np.testing.assert_array_equal(
        gradient_flow.lyapunov_exponents(net, trials.x[:, :1]), gradient_flow.lyapunov_exponents(double, trials.x[:, :1])
    )


@pytest.fixture
def small():
    net = mr.Network.random(2, 4, 1, rng=0)
    return net, mr.Trials(np.ones((5, 3, 2)), np.ones((5, 3, 1)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n, t: gradient_flow.flow("net", t), TypeError, "net must be a Network, got str"),
        (lambda n, t: gradient_flow.flow(n, t.x), TypeError, "trials must be Trials"),
        (lambda n, t: gradient_flow.flow(n, silence(3)), ValueError, r"x must be \(T, B, 2\)"),
        (lambda n, t: gradient_flow.flow(n, t, noise=np.zeros((5, 3, 3))), ValueError, r"noise must be \(5, 3, 4\), got"),
        (lambda n, t: gradient_flow.flow(n, t, noise="loud"), TypeError, "noise must be an array of real numbers"),
        (lambda n, t: gradient_flow.jacobian(n, np.zeros(4), np.zeros((3, 4))), ValueError, r"r_t must be \(4,\).*\(3, 4\)"),
        (lambda n, t: gradient_flow.jacobian(n, np.zeros(5), np.zeros(4)), ValueError, r"h_t must be \(4,\).*\(5,\)"),
        (lambda n, t: gradient_flow.jacobian(n, np.zeros(4), [0, 0, 0, np.nan]), ValueError, "r_t must be finite"),
        (lambda n, t: gradient_flow.jacobian(None, np.zeros(4), np.zeros(4)), TypeError, "net must be a Network"),
        (lambda n, t: gradient_flow.singular_values(n, t, 3), ValueError, "trial must be from 0 to 2, got 3"),
        (lambda n, t: gradient_flow.singular_values(n, t, 0.5), TypeError, "trial must be an integer, got float"),
        (lambda n, t: gradient_flow.singular_values(n, t, steps=[0, 6]), ValueError, r"steps must be .* 0 to 5, got \[0, 6\]"),
        (lambda n, t: gradient_flow.singular_values(n, t, steps=[-1]), ValueError, "steps must be"),
        (lambda n, t: gradient_flow.singular_values(n, t, steps=3), ValueError, "steps must be"),
        (lambda n, t: gradient_flow.singular_values(n, t, steps=[0.5]), TypeError, "steps must be integers, got dtype float64"),
        (lambda n, t: gradient_flow.singular_values(n, t, noise=np.zeros((5, 1, 4))), ValueError, r"noise must be \(5, 3, 4\)"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x), ValueError, r"x must be \(T, 1, 2\).*\(5, 3, 2\)"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:0, :1]), ValueError, "x must be .* T > 0"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:, :1] * np.inf), ValueError, "x must be finite"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:, :1], h0=np.zeros(3)), ValueError, r"h0 must be \(4,\)"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:, :1], settle=5), ValueError, "settle must be from 0 to 4, got 5"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:, :1], settle=True), TypeError, "settle must be an integer"),
        (lambda n, t: gradient_flow.lyapunov_exponents(n, t.x[:, :1], noise=np.zeros(4)), ValueError, r"noise must be \(5, 1, 4\)"),
    ],
)
def test_bad_arguments_are_named(small, call, error, message):
    with pytest.raises(error, match=message):
        call(*small)


def test_states_beyond_float64_are_an_error():
    net = network([[1e100]], phi="linear")
    with pytest.raises(ValueError, match="states of this network finite, got inf after step 3"):
        gradient_flow.lyapunov_exponents(net, np.zeros((9, 1, 1)), h0=[1.0])


def test_the_flow_can_be_logged_during_training_and_drawn(tmp_path):
    task = tasks.And(onset=2, pulse=2, gap=2, tail=6)
    trials = task.conditions()
    log, seen = gradient_flow.FlowLog(trials, every=2), []
    net = mr.Network.random(2, 5, 1, rng=0)

    def callback(epoch, network, history):
        log(epoch, network, history)
        seen.append(network)

    result = mr.train(net, task, epochs=5, samples=16, rng=0, progress=False, callback=callback)
    assert log.epochs == [2, 4]
    for k, epoch in enumerate(log.epochs):
        np.testing.assert_array_equal(log.total[k], gradient_flow.flow(seen[epoch - 1], trials).total)
        values = gradient_flow.singular_values(seen[epoch - 1], trials, steps=[0])[0]
        assert log.gain[k] == (values.max(), values.min())
    made = plots.diagnosis(result.history.loss, result.history.gradient_norm, log.epochs, log.total, log.gain)
    loss, norm, flow, growth = made.axes
    np.testing.assert_array_equal(loss.get_lines()[0].get_ydata(), result.history.loss)
    np.testing.assert_array_equal(norm.get_lines()[0].get_ydata(), result.history.gradient_norm)
    assert len(flow.get_lines()) == 2
    np.testing.assert_array_equal(growth.get_lines()[0].get_ydata(), [most for most, _ in log.gain])
    plots.save(made, tmp_path / "diagnosis.png")
    with pytest.raises(ValueError, match="every must be from 1"):
        gradient_flow.FlowLog(trials, every=0)
