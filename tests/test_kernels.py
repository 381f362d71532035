"""The compiled kernels against the plain reference, on random shapes and parameters."""

import tracemalloc

import numpy as np
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference
from minirnn.engine import Flat, Store, chunk_trials, row_length
from minirnn.kernels import dynamics
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


def laid_out(Q):
    """Q (K, M) as `product` reads it, by the kernel's own `pack`, which lays out P transposed and P."""
    K, M = Q.shape
    side = max(K, M) + 16
    P = np.zeros((side, side), Q.dtype)
    P[:K, :M] = Q
    packed = np.zeros(side * side, Q.dtype)
    dynamics.lay_out(packed, P, K, M, False)
    return packed


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.integers(1, 12), st.sampled_from([np.float32, np.float64])
)
def test_the_product_is_a_product_for_any_shape(seed, K, M, rows, dtype):
    rng = np.random.default_rng(seed)
    W = -(-max(K, M, 16) // 8) * 8
    less = rng.integers(1, K + 1)  # of the rows of Q
    a, Q = rng.standard_normal((rows, W)).astype(dtype), rng.standard_normal((K, M)).astype(dtype)
    o = np.full((rows, W), np.nan, dtype)
    dynamics.product(o, a, laid_out(Q), less, K, M)
    exact = a[:, :less].astype(float) @ Q[:less].astype(float)
    bound = np.abs(a[:, :less]).astype(float) @ np.abs(Q[:less]).astype(float)
    assert (np.abs(o[:, :M] - exact) <= 70 * np.finfo(dtype).eps * bound).all()


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.sampled_from([np.float32, np.float64])
)
def test_outer_products_are_added_for_any_shape(seed, M, K, rows, dtype):
    rng = np.random.default_rng(seed)
    W = -(-max(K, M, 16) // 8) * 8
    skipped = rng.integers(0, 3)
    a, b = (rng.standard_normal((rows + 3, 1, W)).astype(dtype) for _ in range(2))
    o = rng.standard_normal((W, W)).astype(dtype)
    left, right = a[:rows, 0, :M].astype(float), b[skipped : skipped + rows, 0, :K].astype(float)
    exact = o[:M, :K] + left.T @ right
    bound = np.abs(o[:M, :K]) + np.abs(left).T @ np.abs(right)
    dynamics.add_outer_products(o, a, b, skipped, rows, M, K)
    assert (np.abs(o[:M, :K] - exact) <= 70 * np.finfo(dtype).eps * bound).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
def test_p_and_its_transpose_are_packed(seed, dtype):
    rng = np.random.default_rng(seed)
    N, I, O = rng.integers(1, 40), rng.integers(0, 4), rng.integers(1, 4)
    shapes = ((N, I), (N, N), (O, N), (N,), (O,))
    W_in, W_rec, W_out, b_rec, b_out = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    P = np.block([[W_rec, W_in, b_rec[:, None]], [W_out, np.zeros((O, I)), b_out[:, None]]])
    W = row_length(N, N, O, np.dtype(dtype).itemsize)
    forward, backward, room = np.zeros(W * W, dtype), np.zeros(W * W, dtype), np.zeros((W, W), dtype)
    dynamics.pack(forward, backward, room, W_in, W_rec, W_out, b_rec, b_out)
    s, y = np.zeros((2, 2, W), dtype)
    s[:, : N + I + 1] = rng.standard_normal((2, N + I + 1))
    o = np.empty((2, W), dtype)
    eps = 1e3 * np.finfo(dtype).eps
    dynamics.product(o, s, forward, N + I + 1, N + I + 1, N + O)
    np.testing.assert_allclose(o[:, : N + O], s[:, : N + I + 1].astype(float) @ P.T, rtol=eps, atol=eps)
    y[:, : N + O] = rng.standard_normal((2, N + O))
    dynamics.product(o, y, backward, N + O, N + O, N)
    np.testing.assert_allclose(o[:, :N], y[:, : N + O].astype(float) @ P[:, :N], rtol=eps, atol=eps)


@pytest.mark.parametrize("itemsize, N", [(4, 1), (4, 50), (4, 253), (4, 509), (8, 3), (8, 50), (8, 125)])
def test_rows_are_long_enough_and_do_not_share_one_set_of_the_cache(itemsize, N):
    W = row_length(2, N, 1, itemsize)
    assert W >= N + 3
    assert W >= 64 // itemsize
    assert W * itemsize % 32 == 0
    assert W * itemsize % 1024
    assert W <= max(N + 3 + 64 // itemsize, 64 // itemsize)


@pytest.mark.compiled
@pytest.mark.parametrize("switches", [
    {}, {"tau": 4.0}, {"form": "current", "tau": 3.0}, {"form": "current", "tau": 3.0, "vanishing": 0.5}, {"phi": "softplus"},
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_states_computed_again_change_no_bit(switches, dtype):
    rng = np.random.default_rng(4)
    net = mr.Network.random(3, 20, 2, dtype=dtype, rng=rng, b_rec=True, rate_penalty=0.1, train_h0=True, **switches)
    trials = mr.Trials(rng.standard_normal((61, 19, 3)), rng.standard_normal((61, 19, 2)))
    for noise in (None, rng.standard_normal((61, 19, 20))):
        for truncate in (None, 5):
            whole = net.loss_and_gradient(trials, noise=noise, truncate=truncate)
            for recompute in (1, 7, 13, 60, 61, 1000):
                part = net.loss_and_gradient(trials, noise=noise, truncate=truncate, recompute=recompute)
                assert part[0] == whole[0]
                for a, b in zip(part[1], whole[1], strict=True):
                    np.testing.assert_array_equal(a, b)


@pytest.mark.compiled
def test_outputs_are_those_of_run():
    rng = np.random.default_rng(6)
    for form in ("rate", "current"):
        net = mr.Network.random(2, 9, 2, form=form, tau=3.0, output="sigmoid", rng=rng)
        x = rng.standard_normal((700, 18, 2))  # more than two blocks of steps
        np.testing.assert_array_equal(net.outputs(x), net.run(x)[1])
    with pytest.raises(ValueError, match=r"x must be \(T, B, 2\)"):
        net.outputs(x[0])


@pytest.mark.parametrize("recompute", [None, 6, 40])
@pytest.mark.parametrize("switches", [{}, {"tau": 4.0}, {"form": "current", "vanishing": 0.1}])
def test_memory_is_what_the_formula_says(recompute, switches):
    T, B, N, I, O = 300, 33, 50, 2, 1
    net = mr.Network.random(I, N, O, rng=0, **switches)
    tracemalloc.start()
    engine = net.engine(T, B, threads=1, recompute=recompute)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    C, W = 16, row_length(I, N, O, 4)
    span = T if recompute is None else -(-recompute // 6) * 6  # the segments are 96 rows, 6 steps
    blocks, chunks = -(-T // span), -(-B // C)
    states = (span + 1) * C * W + (blocks + 1) * C * W + (span * C * W if "tau" in switches else 0)
    outputs = 2 * T * C * O
    rows = (4 + 1 + 4 + 6 * (2 if "form" in switches else 1) + (2 if "form" in switches else 0)) * C * W
    weights = 3 * W * W + chunks * (2 if "form" in switches else 1) * W * W
    total = 4 * (states + outputs + rows + weights)
    assert total <= held <= 1.05 * total + 40_000
    del engine


def test_little_work_is_done_by_one_thread(monkeypatch):
    net = mr.Network.random(2, 50, 1, rng=0)
    assert net.engine(3, 32, threads=2).threads == 1
    assert net.engine(200, 64, threads=2).threads == 2
    assert net.engine(200, 1, threads=2).threads == 1


def test_several_chunks_and_long_segments_add_up():
    # 40 trials are 3 chunks of 16, the last half empty; 61 states of 16 rows are 10 segments of 6 steps and one more
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


def exactly(phi, a):
    """phi(a), rounded to 80 bits, by ways other than the kernels'."""
    a = a.astype(np.longdouble)
    e = np.exp(-np.abs(a))
    if phi == "tanh":
        E = np.expm1(-2 * np.abs(a))
        return -np.sign(a) * E / (2 + E)
    if phi == "sigmoid":
        return np.where(a < 0, e, 1) / (1 + e)
    return np.maximum(a, 0) + np.log1p(e)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="the exact values need a long double of 80 bits")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("phi, ulps", [("tanh", (6.0, 3.0)), ("sigmoid", (3.0, 3.0)), ("softplus", (3.0, 3.0))])
def test_activations_are_right_to_the_last_digits_over_the_whole_range(phi, ulps, dtype):
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    size = np.concatenate([
        np.exp(rng.uniform(np.log(info.smallest_subnormal), np.log(info.max / 2), 4000)), rng.uniform(0, 12, 4000),
        rng.uniform(0, 800, 4000), [info.smallest_subnormal, info.tiny, info.max / 2, 0.0],
    ]).astype(dtype)  # fmt: skip
    a = np.concatenate([size, -size])
    r = np.empty_like(a)
    dynamics.activate(r, a, ACTIVATIONS.index(phi))
    exact = exactly(phi, a)
    unit = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    assert (np.abs(r - exact) / unit).max() <= ulps[dtype == np.float64]
    slope = np.empty_like(r)
    dynamics.activate_adjoint(slope, np.ones_like(r), np.ones_like(r), r, ACTIVATIONS.index(phi))
    expected = reference.phi_prime(r.astype(np.longdouble), phi)
    np.testing.assert_allclose(slope, expected.astype(float), rtol=4 * info.eps, atol=4 * info.eps)


@pytest.mark.parametrize("phi", range(len(ACTIVATIONS)), ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_activation_hands_nan_and_infinity_on(phi, dtype):
    a = np.array([np.nan, np.inf, -np.inf, 0.5], dtype)
    r = np.empty_like(a)
    dynamics.activate(r, a, phi)
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
