"""The current form, noise, outputs and the regulariser: what they mean, which no gradient check can see."""

import importlib
import math

import numpy as np
import pytest
from cases import cases
from hypothesis import assume, given

import minirnn as mr
from minirnn import reference, tasks

# ---- dynamics


@pytest.mark.parametrize("phi", ["tanh", "relu", "sigmoid"])
def test_at_alpha_1_the_rates_are_the_states_of_the_rate_form(phi):
    rng = np.random.default_rng(0)
    shapes = ((6, 2), (6, 6), (2, 6), (6,), (2,))
    arrays = [0.6 * rng.standard_normal(shape) for shape in shapes]
    start, x = rng.standard_normal(6), rng.standard_normal((20, 3, 2))
    currents = mr.Network(*arrays, start, form="current", phi=phi)
    rates = mr.Network(*arrays, reference.phi(start, phi), phi=phi)
    h, z = currents.run(x)
    states, outputs = rates.run(x)
    np.testing.assert_allclose(currents.rates(h), states, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(z, outputs, rtol=1e-11, atol=1e-14)
    assert rates.rates(states) is states


def test_a_step_is_the_printed_equation():
    # pycog: x_t = (1 - alpha) x_{t-1} + alpha (W r_{t-1} + W_in u_t + b) + sqrt(2 alpha) sigma n_t, r = [x]_+
    net = mr.Network(
        np.array([[1.0], [2.0]]), np.array([[0.5, -1.0], [0.25, 0.0]]), np.array([[1.0, 3.0]]), np.array([0.1, -0.2]),
        np.array([0.5]), np.array([2.0, -4.0]), form="current", phi="relu", tau=10.0, dt=2.0,
    )  # fmt: skip
    noise = np.array([[[0.01, 0.02]]])
    h, z = net.run(np.array([[[3.0]]]), noise=noise)
    first = 0.8 * 2.0 + 0.2 * (0.5 * 2.0 - 1.0 * 0.0 + 1.0 * 3.0 + 0.1) + 0.01
    second = 0.8 * -4.0 + 0.2 * (0.25 * 2.0 + 2.0 * 3.0 - 0.2) + 0.02
    np.testing.assert_allclose(h[:, 0], [[2.0, -4.0], [first, second]], rtol=1e-14)
    assert second < 0
    np.testing.assert_allclose(z[0, 0], [first + 0.5], rtol=1e-14)


def test_the_literal_drive_settles_at_tau_times_the_normalised_one():
    zero = np.zeros((1, 1))
    for drive, right in (("normalised", 0.3), ("literal", 5.0 * 0.3)):
        net = mr.Network(np.ones((1, 1)), zero, np.ones((1, 1)), form="current", tau=5.0, dt=0.5, drive=drive)
        assert net.run(np.full((600, 1, 1), 0.3))[0][-1, 0, 0] == pytest.approx(right, rel=1e-10)


# ---- noise


@pytest.mark.parametrize("form", ["rate", "current"])
def test_the_stationary_variance_is_that_of_the_closed_form_and_hardly_depends_on_dt(form):
    """Without weights and with a linear phi: sigma^2 / (1 - alpha / 2), spec 1.3; 1.111 sigma^2 at alpha = 0.2."""
    sigma, N, tau = 0.4, 4000, 20.0
    zero = np.zeros((N, N))
    for dt in (20.0, 4.0, 0.4):
        alpha = dt / tau
        net = mr.Network(np.zeros((N, 0)), zero, np.ones((1, N)), form=form, phi="linear", tau=tau, dt=dt, noise=sigma)
        T = math.ceil(8 / alpha)
        noise = net.draw_noise(T, 1, 1)
        h = np.zeros((1, N))
        for t in range(T):  # the printed equation; a product with 4000 x 4000 zeros adds nothing
            h = (1 - alpha) * h + (noise[t] if form == "current" else alpha * noise[t])
        right = sigma**2 / (1 - alpha / 2)
        assert h.var() == pytest.approx(right, rel=5 * math.sqrt(2 / N))
        small = mr.Network(
            np.zeros((3, 0)), np.zeros((3, 3)), np.ones((1, 3)), form=form, phi="linear", tau=tau, dt=dt, noise=sigma
        )
        part = np.ascontiguousarray(noise[:, :, :3])
        assert np.abs(small.run(np.zeros((T, 1, 0)), noise=part)[0][-1] - h[:, :3]).max() < 1e-12  # and so the kernel


def test_noise_differs_between_trials_and_steps_and_units():
    for form in ("rate", "current"):
        noise = mr.Network.random(1, 5, 1, form=form, tau=4.0, noise=0.3, dtype="float64", rng=0).draw_noise(400, 6, 1)
        assert np.unique(noise).size == noise.size
        correlation = np.corrcoef(noise.transpose(1, 2, 0).reshape(30, 400))
        assert np.abs(correlation - np.eye(30)).max() < 5 / 20
        expected = 0.3 * (math.sqrt(2 / 0.25) if form == "rate" else math.sqrt(2 * 0.25))
        assert noise.std() == pytest.approx(expected, rel=5 / math.sqrt(2 * noise.size))


def test_kerascogs_noise_is_sigma_per_step_and_one_for_all_trials():
    settings = {"form": "current", "tau": 100.0, "dt": 20.0, "noise": 0.05}
    net = mr.Network.random(1, 5, 1, **settings, noise_scaling="per_step", noise_shared_across_batch=True, dtype="float64", rng=0)
    noise = net.draw_noise(2000, 4, 1)
    for b in range(1, 4):
        np.testing.assert_array_equal(noise[:, b], noise[:, 0])
    assert noise[:, 0].std() == pytest.approx(0.05, rel=5 / math.sqrt(2 * 10000))
    # stationary: noise / sqrt(alpha (2 - alpha)) = 1.667 noise at alpha = 0.2 (spec 1.3)
    W = mr.Network(np.zeros((5, 0)), np.zeros((5, 5)), np.ones((1, 5)), phi="linear", **settings)
    h, _ = W.run(np.zeros((2000, 1, 0)), noise=noise[:, :1])
    assert h[100:].std() == pytest.approx(0.05 / math.sqrt(0.2 * 1.8), rel=0.1)


@pytest.mark.parametrize("shared", [False, True])
def test_training_draws_noise_for_each_trial_or_one_for_all(shared, monkeypatch):
    """Seen where the kernel is called: chunks of 16 trials, 40 in the batch."""
    module = importlib.import_module("minirnn.train")  # the name is the function's
    seen = []
    right = module._Source.noise_of

    def spy(self, epoch, number):
        noise_of = right(self, epoch, number)
        drawn = [np.empty((5, 16, 7), np.float32) for _ in range(3)]
        for chunk, out in enumerate(drawn):
            noise_of(chunk)(0, out)
        seen.append(drawn)
        return noise_of

    monkeypatch.setattr(module._Source, "noise_of", spy)
    net = mr.Network.random(2, 7, 1, form="current", noise=0.3, tau=2.0, noise_shared_across_batch=shared, rng=0)
    task = tasks.And(onset=3, pulse=3, gap=2, tail=8)
    mr.train(net, task, epochs=2, samples=40, batch=40, rng=1, progress=False, threads=1)
    batches = [np.concatenate(chunks, axis=1) for chunks in seen]
    for noise in batches:
        columns = {noise[:, b].tobytes() for b in range(48)}
        assert len(columns) == (1 if shared else 48)
        assert noise.std() == pytest.approx(0.3 * math.sqrt(2 * 0.5), rel=0.4)
    assert not np.array_equal(batches[0], batches[1])


# ---- outputs and losses


def test_outputs_and_cross_entropies_by_hand():
    net = mr.Network(np.zeros((1, 0)), np.zeros((1, 1)), np.zeros((2, 1)), b_out=np.array([0.3, -1.2]), output="sigmoid")
    x = np.zeros((1, 1, 0))
    p = 1 / (1 + np.exp(-np.array([0.3, -1.2])))
    np.testing.assert_allclose(net.run(x)[1][0, 0], p, rtol=1e-14)
    y = np.array([[[0.25, 1.0]]])
    entropy = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert net.loss_and_gradient(mr.Trials(x, y))[0] == pytest.approx(entropy.mean(), rel=1e-14)

    net = mr.Network(np.zeros((1, 0)), np.zeros((1, 1)), np.zeros((2, 1)), b_out=np.array([0.3, -1.2]), output="softmax")
    p = np.exp([0.3, -1.2]) / np.exp([0.3, -1.2]).sum()
    np.testing.assert_allclose(net.run(x)[1][0, 0], p, rtol=1e-14)
    y = np.array([[[0.25, 0.75]]])
    # a step counts once, whatever the number of outputs
    assert net.loss_and_gradient(mr.Trials(x, y))[0] == pytest.approx(-(y * np.log(p)).sum(), rel=1e-14)


def test_the_sum_is_the_mean_times_what_counts():
    rng = np.random.default_rng(1)
    mask = rng.random((5, 3)) < 0.6
    for output, per_step in (("linear", 2), ("sigmoid", 2), ("softmax", 1)):
        target = rng.dirichlet(np.ones(2), (5, 3))
        trials = mr.Trials(rng.standard_normal((5, 3, 1)), target, mask.astype(float))
        losses = []
        for reduction in ("mean", "sum"):
            net = mr.Network.random(1, 4, 2, output=output, reduction=reduction, dtype="float64", rng=2)
            losses.append(net.loss_and_gradient(trials)[0])
        assert losses[1] == pytest.approx(losses[0] * mask.sum() * per_step, rel=1e-13)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_large_readouts_neither_overflow_nor_give_nan(output):
    for dtype, size in ((np.float32, 300.0), (np.float64, 3000.0)):
        b_out = np.array([size, -size], dtype)
        arrays = np.zeros((1, 0), dtype), np.zeros((1, 1), dtype), np.zeros((2, 1), dtype)
        net = mr.Network(*arrays, b_out=b_out, output=output)
        loss, gradient = net.loss_and_gradient(mr.Trials(np.zeros((1, 1, 0)), np.array([[[0.0, 1.0]]])))
        assert loss == pytest.approx(size if output == "sigmoid" else 2 * size, rel=1e-6)
        np.testing.assert_allclose(gradient.b_out, [0.5, -0.5] if output == "sigmoid" else [1.0, -1.0], rtol=1e-6)


def test_targets_of_a_cross_entropy_are_probabilities_where_they_count():
    net = mr.Network.random(1, 3, 2, output="sigmoid", rng=0)
    target = np.array([[[0.5, 1.5]], [[0.0, 1.0]]])
    with pytest.raises(ValueError, match=r"target must be in \[0, 1\] for a sigmoid output, got 0 to 1.5"):
        net.loss_and_gradient(mr.Trials(np.zeros((2, 1, 1)), target))
    net.loss_and_gradient(mr.Trials(np.zeros((2, 1, 1)), target, np.array([[0.0], [1.0]])))


# ---- the regulariser against vanishing gradients


@given(cases(every=True))
def test_the_immediate_derivative_of_omega_is_its_complex_step(case):
    """With states and adjoints held fixed; and the kernels add just this to the loss and to W_rec's gradient."""
    net, trials = case.net, case.trials
    assume(net.vanishing)
    model, acting = net.model, net.weights
    h, r = reference.rollout(acting, trials.x, net.h0, case.noise, model)
    q_bar = reference.error_adjoint(reference.readout(acting, r), trials.target, trials.weights(), net.output, net.reduction)
    rates_bar, _, _ = reference.readout_adjoint(acting, q_bar, r)
    rates_bar[1:] += 2 * net.rate_penalty * r[1:] / r[1:].size
    g = reference.rollout_adjoint(acting, rates_bar, trials.x, h, r, model)[3]
    sizes = (g[1:] * g[1:]).sum(axis=-1)
    assume((np.abs(sizes / reference.COUNTED - 1) > 1e-6).all())
    claimed = reference.omega_adjoint(acting.W_rec, g, r, model)
    exact = np.empty_like(claimed)
    for place in np.ndindex(*exact.shape):
        moved = acting.W_rec.astype(complex)
        moved[place] += 1e-30j
        exact[place] = reference.omega(moved, g, r, model).imag / 1e-30
    assert np.abs(claimed - exact).max() <= 1e-10 * max(np.abs(exact).max(), 1e-3)

    without = mr.Network(*net.params[:5], net.h0, **net.constants | {"vanishing": 0.0})
    loss, gradient = net.loss_and_gradient(trials, noise=case.noise)
    other_loss, other = without.loss_and_gradient(trials, noise=case.noise)
    added = net.vanishing * float(reference.omega(acting.W_rec, g, r, model))
    assert loss - other_loss == pytest.approx(added, rel=1e-9, abs=1e-12 * abs(loss))
    np.testing.assert_array_equal(gradient.W_in, other.W_in)


def test_omega_is_0_where_gradients_neither_grow_nor_vanish():
    # an orthogonal W_rec with a linear phi and alpha = 1 keeps the length of every gradient
    net = mr.Network.random(1, 6, 1, form="current", phi="linear", vanishing=2.0, dtype="float64", rng=0)
    rng = np.random.default_rng(1)
    mask = np.zeros((8, 3))
    mask[-1] = 1.0  # nothing is read on the way
    trials = mr.Trials(rng.standard_normal((8, 3, 1)), rng.standard_normal((8, 3, 1)), mask)
    plain = mr.Network(*net.params[:5], form="current", phi="linear")
    assert net.loss_and_gradient(trials)[0] == pytest.approx(plain.loss_and_gradient(trials)[0], rel=1e-12)
    half = net.with_params(net.params._replace(W_rec=0.5 * net.params.W_rec))
    grown = half.loss_and_gradient(trials)[0] - plain.with_params(half.params).loss_and_gradient(trials)[0]
    assert grown == pytest.approx(2.0 * 0.75**2, rel=1e-10)  # |b|^2 / |g|^2 = 1/4 at each step


def test_check_gradient_says_what_it_holds_fixed():
    net = mr.Network.random(1, 5, 1, form="current", vanishing=2.0, tau=3.0, rng=0)
    report = mr.check_gradient(net, mr.Trials(np.ones((6, 2, 1)), np.ones((6, 2, 1))))
    assert report.within_rounding
    assert "immediate derivative: states and adjoints held fixed" in str(report)


# ---- what does not fit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"form": "voltage"}, "form must be one of rate, current, got 'voltage'"),
        ({"noise_scaling": "step"}, "noise_scaling must be one of euler, per_step"),
        ({"output": "tanh"}, "output must be one of linear, sigmoid, softmax"),
        ({"reduction": "max"}, "reduction must be one of mean, sum"),
        ({"vanishing": 2.0}, 'vanishing must be 0 unless form is "current"'),
        ({"vanishing": -1.0, "form": "current"}, "vanishing must be 0 or positive"),
    ],
)
def test_what_does_not_fit_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        mr.Network(np.zeros((2, 1)), np.zeros((2, 2)), np.zeros((1, 2)), **settings)


def test_a_diverging_current_names_the_update():
    net = mr.Network.random(2, 7, 1, form="current", phi="linear", gain=30.0, tau=1.0, dtype="float32", rng=0)
    with pytest.raises(mr.Diverged, match="diverged at update 1"):
        mr.train(net, tasks.And(), epochs=1, samples=8, rng=0, progress=False)


# ---- gradient descent


def test_gradient_descent_with_momentum_is_the_plain_loop():
    task = tasks.And(onset=3, pulse=3, gap=2, tail=8)
    trials = task.trials(6, 0)
    net = mr.Network.random(2, 5, 1, form="current", tau=2.0, dale=mr.Dale(), dtype="float64", rng=1)
    for momentum in (0.0, 0.9):
        optimizer = mr.SGD(lr=0.05, momentum=momentum, decay=0.1)
        result = mr.train(net, trials, optimizer=optimizer, epochs=4, batch=6, rng=2, progress=False)
        theta = [p.copy() for p in net.params if p is not None]
        velocity = [np.zeros_like(p) for p in theta]
        for updates in range(4):
            params = net.params._replace(**dict(zip(("W_in", "W_rec", "W_out", "b_out"), theta, strict=True)))
            _, gradient = net.with_params(params).loss_and_gradient(trials)
            g = [array for array in gradient if array is not None]
            for k in range(4):
                theta[k], velocity[k] = reference.sgd(theta[k], velocity[k], g[k], 0.05 / (1 + 0.1 * updates), momentum)
        for ours, plain in zip([p for p in result.network.params if p is not None], theta, strict=True):
            np.testing.assert_allclose(ours, plain, rtol=1e-11, atol=1e-14)


def test_sgd_by_numbers():
    theta, m = reference.sgd(np.array([1.0]), np.array([0.0]), np.array([2.0]), 0.1, 0.5)
    assert (theta[0], m[0]) == (0.8, -0.2)
    theta, m = reference.sgd(theta, m, np.array([2.0]), 0.1, 0.5)
    assert (theta[0], m[0]) == (pytest.approx(0.5), pytest.approx(-0.3))


@pytest.mark.parametrize(
    "change", [{"lr": 0}, {"momentum": 1.0}, {"momentum": -0.1}, {"decay": -1}, {"clip": 0}, {"clip_scope": "both"}]
)
def test_sgd_names_what_does_not_fit(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        mr.SGD(**change)
