import math

import numpy as np
import pytest

import minirnn as mr
from minirnn import tasks


def arrays(N=3, I=2, O=1, dtype=np.float64, **more):
    rng = np.random.default_rng(0)
    given = {"W_in": (N, I), "W_rec": (N, N), "W_out": (O, N)}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in given.items()} | more


# ---- the authors' networks: exact anchors of published_results.md 5.6 and author_networks.md 6.2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_and_14_gives_the_distances_of_the_authors_own_figure(author_networks, dtype):
    net = mr.Network.load(author_networks / "and_n50_ortho_14.npz").astype(dtype)
    trials = tasks.And(onset=60, tail=140).conditions()
    assert trials.x.shape == (240, 4, 2)
    distances = tasks.distance(net.run(trials.x)[1], trials)
    assert [f"{d:.4f}" for d in distances] == ["0.0384", "0.4668", "0.3604", "1.2293"]


def test_and_04_gives_its_row_of_the_inventory(author_networks):
    net = mr.Network.load(author_networks / "and_n50_ortho_04.npz")
    trials = tasks.And().conditions()
    assert [f"{d:.3f}" for d in tasks.distance(net.run(trials.x)[1], trials)] == ["0.010", "0.199", "0.170", "0.850"]
    assert tasks.success(net.run(trials.x)[1], trials, tasks.And())


def test_the_untrained_weights_of_a_published_file(author_networks):
    net = mr.Network.load(author_networks / "and_n50_ortho_14.npz", initial=True)
    W = net.weights.W_rec
    np.testing.assert_allclose(W @ W.T, np.eye(50), atol=1e-5)  # an orthogonal start
    np.testing.assert_array_equal(net.weights.b_out, 0)  # which the file does not hold: Keras starts it at 0
    trials = tasks.And().conditions()
    distances = tasks.distance(net.run(trials.x)[1], trials)
    assert distances[0] == 0
    assert 7.4 < distances[3] < 13
    assert not tasks.success(net.run(trials.x)[1], trials, tasks.And())


# ---- running


def test_shapes_dtypes_and_the_initial_state():
    net = mr.Network(**arrays(dtype=np.float32), h0=np.array([0.1, 0.2, 0.3], np.float32))
    h, z = net.run(np.ones((5, 4, 2)))
    assert h.shape == (6, 4, 3)
    assert z.shape == (5, 4, 1)
    assert h.dtype == z.dtype == np.float32
    np.testing.assert_array_equal(h[0], np.tile(net.h0, (4, 1)))
    per_trial = np.random.default_rng(1).standard_normal((4, 3))
    h, _ = net.run(np.ones((5, 4, 2)), h0=per_trial)
    np.testing.assert_allclose(h[0], per_trial, rtol=1e-6)
    h, _ = net.run(np.ones((5, 4, 2)), h0=np.ones(3))
    np.testing.assert_array_equal(h[0], 1)
    assert net.rates(h) is h


def test_z_is_read_after_the_input_of_its_step_was_consumed():
    net = mr.Network(np.array([[1.0]]), np.zeros((1, 1)), np.array([[2.0]]), b_out=np.array([0.5]))
    x = np.zeros((3, 1, 1))
    x[1] = 0.3
    h, z = net.run(x)
    np.testing.assert_allclose(z[:, 0, 0], [0.5, 2 * math.tanh(0.3) + 0.5, 0.5], rtol=1e-15)
    np.testing.assert_allclose(h[:, 0, 0], [0, 0, math.tanh(0.3), 0], rtol=1e-15)


def test_weights_are_to_from():
    W_rec = np.zeros((2, 2))
    W_rec[1, 0] = 0.5  # from unit 0 to unit 1
    net = mr.Network(np.array([[1.0], [0.0]]), W_rec, np.ones((1, 2)), phi="linear")
    x = np.zeros((2, 1, 1))
    x[0] = 1.0
    h, _ = net.run(x)
    np.testing.assert_array_equal(h[:, 0], [[0, 0], [1, 0], [0, 0.5]])


def test_noise_acts_inside_phi_and_only_when_given():
    net = mr.Network(np.zeros((1, 1)), np.zeros((1, 1)), np.ones((1, 1)), noise=1.0)
    x, noise = np.zeros((1, 2, 1)), np.array([[[0.4], [-0.7]]])
    np.testing.assert_array_equal(net.run(x)[1], 0)
    np.testing.assert_allclose(net.run(x, noise=noise)[1], np.tanh(noise), rtol=1e-15)


@pytest.mark.parametrize("alpha", [1.0, 0.2, 0.05])
def test_drawn_noise_has_the_variance_of_the_closed_form(alpha):
    # a linear unit without weights: sigma^2 / (1 - alpha/2), for every dt (spec 1.3)
    sigma = 0.3
    net = mr.Network(np.zeros((40, 1)), np.zeros((40, 40)), np.ones((1, 40)), phi="linear", tau=2.0 / alpha, dt=2.0, noise=sigma)
    T, B = 400, 100
    h, _ = net.run(np.zeros((T, B, 1)), noise=net.draw_noise(T, B, 0))
    settled = h[-1].ravel()
    expected = sigma**2 / (1 - alpha / 2)
    standard_error = expected * math.sqrt(2 / len(settled))
    assert abs(settled.var() - expected) < 4 * standard_error
    correlation = np.corrcoef(h[-1])  # independent from trial to trial
    assert np.abs(correlation[~np.eye(B, dtype=bool)]).mean() < 0.2


def test_noise_scale_is_each_units_own():
    net = mr.Network(**arrays(), tau=np.array([1.0, 4.0, 100.0]), noise=0.5)
    noise = net.draw_noise(2000, 10, np.random.default_rng(2))
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.5 * np.sqrt(2 * net.tau), rtol=0.03)


# ---- random starts


def test_orthogonal_and_normal_starts_have_their_stated_spectra_and_moments():
    W = mr.Network.random(2, 200, 1, rng=0, dtype="float64", gain=1.3).weights.W_rec
    np.testing.assert_allclose(W @ W.T, 1.69 * np.eye(200), atol=1e-12)
    W = mr.Network.random(2, 400, 1, recurrent="normal", gain=1.3, rng=0, dtype="float64").weights.W_rec
    assert W.std() == pytest.approx(1.3 / math.sqrt(400), rel=0.01)
    assert abs(W.mean()) < 4 * W.std() / 400
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1.3, rel=0.1)


def test_input_and_readout_are_glorot_uniform():
    net = mr.Network.random(2, 50, 1, rng=0)
    for W, limit in ((net.weights.W_in, 0.3397), (net.weights.W_out, 0.3430)):
        assert 0.9 * limit < np.abs(W).max() <= limit + 1e-4
    W = mr.Network.random(300, 500, 1, rng=0).weights.W_in
    assert W.std() == pytest.approx(math.sqrt(2 / 800), rel=0.01)
    assert net.weights.b_rec is None
    np.testing.assert_array_equal(net.weights.b_out, 0)
    both = mr.Network.random(2, 5, 1, b_rec=True, b_out=False, rng=0).weights
    assert both.b_out is None
    np.testing.assert_array_equal(both.b_rec, 0)


def test_the_seed_decides():
    first, again, other = (mr.Network.random(2, 9, 1, rng=seed).weights.W_rec for seed in (3, np.random.default_rng(3), 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


# ---- files and copies


def test_save_and_load_give_everything_back(tmp_path):
    rng = np.random.default_rng(0)
    net = mr.Network(
        **arrays(dtype=np.float32), b_rec=rng.random(3, np.float32), h0=rng.random(3, np.float32), phi="softplus",
        tau=np.array([2.0, 3.0, 4.0]), dt=0.5, drive="literal", noise=0.1, train_h0=True, rate_penalty=0.2, l2=0.3,
    )  # fmt: skip
    net.save(tmp_path / "net.npz")
    back = mr.Network.load(tmp_path / "net.npz")
    for ours, theirs in zip(net.weights, back.weights, strict=True):
        if ours is None:
            assert theirs is None
        else:
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    assert repr(back) == repr(net)
    tau, other_tau = net.constants["tau"], back.constants["tau"]
    np.testing.assert_array_equal(tau, other_tau)
    assert net.constants | {"tau": 0} == back.constants | {"tau": 0}


def test_a_file_of_arrays_alone_is_a_tanh_network_of_leak_one(tmp_path):
    given = arrays(dtype=np.float32)
    np.savez(tmp_path / "plain.npz", **given, unrelated=np.arange(3))
    net = mr.Network.load(tmp_path / "plain.npz")
    assert (net.phi, net.tau, net.dt, net.form) == ("tanh", 1.0, 1.0, "rate")
    np.testing.assert_array_equal(net.weights.W_rec, given["W_rec"])


def test_copies_are_independent():
    net = mr.Network(**arrays())
    other = net.copy()
    other.params.W_rec[:] = 7
    assert (net.params.W_rec != 7).all()
    given = arrays()
    net = mr.Network(**given)
    given["W_in"][:] = 7
    assert (net.params.W_in != 7).all()
    assert net.astype("float32").dtype == np.float32
    np.testing.assert_allclose(net.astype("float32").weights.W_in, net.weights.W_in, rtol=1e-6)


def test_params_hold_what_is_trained_and_repr_counts_it():
    net = mr.Network(**arrays(), b_out=np.zeros(1), tau=10.0, phi="relu")
    assert net.params.h0 is None
    np.testing.assert_array_equal(net.weights.h0, 0)
    assert repr(net) == (
        "Network(tau dh/dt = -h + relu(W_rec h + W_in x), 2 -> 3 -> 1, tau 10 ms, dt 1 ms, float64, 19 parameters)"
    )
    trained = mr.Network(**arrays(), train_h0=True)
    assert trained.params.h0 is not None
    assert "21 parameters" in repr(trained)


# ---- what does not fit is named


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"W_rec": np.zeros((3, 2))}, ValueError, r"W_rec must be \(N, N\).*\(3, 2\)"),
        ({"W_rec": np.zeros((0, 0))}, ValueError, "W_rec"),
        ({"W_in": np.zeros((2, 2))}, ValueError, r"W_in must be \(3, I\).*\(2, 2\)"),
        ({"W_in": np.zeros(3)}, ValueError, "W_in"),
        ({"W_out": np.zeros((1, 2))}, ValueError, r"W_out must be \(O, 3\)"),
        ({"W_out": np.zeros((0, 3))}, ValueError, "W_out"),
        ({"b_rec": np.zeros(2)}, ValueError, r"b_rec must be \(3,\), got \(2,\)"),
        ({"b_out": np.zeros(3)}, ValueError, r"b_out must be \(1,\)"),
        ({"h0": np.zeros((1, 3))}, ValueError, r"h0 must be \(3,\)"),
        ({"W_rec": np.zeros((3, 3), int)}, TypeError, "W_rec must be float32 or float64, got dtype int64"),
        ({"W_rec": np.zeros((3, 3), complex)}, TypeError, "W_rec.*complex128"),
        ({"W_in": np.zeros((3, 2), np.float32)}, TypeError, "W_in is float32 but W_rec is float64"),
        ({"W_rec": np.full((3, 3), np.nan)}, ValueError, r"W_rec must be finite, got nan at index \(0, 0\)"),
        ({"form": "LSTM"}, ValueError, "form must be"),
        ({"phi": "elu"}, ValueError, "phi must be one of tanh, relu, sigmoid, softplus, linear, got 'elu'"),
        ({"drive": "hard"}, ValueError, "drive"),
        ({"dt": 0}, ValueError, "dt must be positive"),
        ({"dt": np.inf}, ValueError, "dt must be positive"),
        ({"tau": 0.5}, ValueError, "tau must be at least dt"),
        ({"tau": np.ones(2)}, ValueError, r"tau must be a number or \(3,\), got \(2,\)"),
        ({"tau": np.nan}, ValueError, "tau"),
        ({"noise": -1}, ValueError, "noise must be 0 or positive"),
        ({"l2": np.nan}, ValueError, "l2"),
        ({"rate_penalty": -0.1}, ValueError, "rate_penalty"),
    ],
)
def test_constructor_names_what_does_not_fit(change, error, message):
    with pytest.raises(error, match=message):
        mr.Network(**(arrays() | change))


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"n_rec": 0}, ValueError, "n_rec"),
        ({"n_in": -1}, ValueError, "n_in"),
        ({"n_out": 1.0}, ValueError, "n_out"),
        ({"recurrent": "identity"}, ValueError, "recurrent must be one of orthogonal, normal, .*gamma, got 'identity'"),
        ({"dtype": "float16"}, ValueError, "dtype must be float32 or float64, got float16"),
        ({"dtype": "floaty"}, ValueError, "dtype"),
        ({"rng": None}, TypeError, "rng must be"),
        ({"rng": -1}, ValueError, "rng"),
        ({"rng": True}, TypeError, "rng"),
        ({"phi": "elu"}, ValueError, "phi"),
    ],
)
def test_random_names_what_does_not_fit(change, error, message):
    with pytest.raises(error, match=message):
        mr.Network.random(**({"n_in": 2, "n_rec": 3, "n_out": 1, "rng": 0} | change))


@pytest.mark.parametrize(
    "x, more, error, message",
    [
        (np.zeros((4, 2)), {}, ValueError, r"x must be \(T, B, 2\) for this network, with T and B > 0, got \(4, 2\)"),
        (np.zeros((4, 1, 3)), {}, ValueError, r"x must be.*\(4, 1, 3\)"),
        (np.zeros((0, 1, 2)), {}, ValueError, "x must be"),
        (np.full((4, 1, 2), np.nan), {}, ValueError, r"x must be finite, got nan at index \(0, 0, 0\)"),
        (np.zeros((4, 1, 2), complex), {}, TypeError, "x must be an array of real numbers"),
        (np.array([["a"]]), {}, TypeError, "x"),
        (np.zeros((4, 1, 2)), {"h0": np.zeros((2, 3))}, ValueError, r"h0 must be \(3,\) or \(1, 3\), got \(2, 3\)"),
        (np.zeros((4, 1, 2)), {"h0": np.full(3, np.inf)}, ValueError, "h0 must be finite"),
        (np.zeros((4, 1, 2)), {"noise": np.zeros((4, 1, 2))}, ValueError, r"noise must be \(4, 1, 3\)"),
        (np.zeros((4, 1, 2)), {"noise": np.full((4, 1, 3), np.nan)}, ValueError, "noise must be finite"),
    ],
)
def test_run_names_what_does_not_fit(x, more, error, message):
    with pytest.raises(error, match=message):
        mr.Network(**arrays()).run(x, **more)


def test_an_input_too_large_for_float32_is_named():
    with pytest.raises(ValueError, match="x must be finite"):
        mr.Network(**arrays(dtype=np.float32)).run(np.full((2, 1, 2), 1e39))
    trials = mr.Trials(np.zeros((2, 1, 2)), np.full((2, 1, 1), 1e39))
    with pytest.raises(ValueError, match="target must stay finite in float32"):
        mr.Network(**arrays(dtype=np.float32)).loss_and_gradient(trials)


def test_trials_that_do_not_fit_the_network():
    net = mr.Network(**arrays(), tau=10.0, dt=2.0)
    x, target = np.zeros((4, 3, 2)), np.zeros((4, 3, 1))
    with pytest.raises(ValueError, match="dt of the trials is 1 ms but the network's is 2 ms"):
        net.loss_and_gradient(mr.Trials(x, target, dt=1.0))
    with pytest.raises(ValueError, match=r"x must be \(T, B, 2\)"):
        net.loss_and_gradient(mr.Trials(np.zeros((4, 3, 1)), target))
    with pytest.raises(ValueError, match=r"target must be \(T, B, 1\)"):
        net.loss_and_gradient(mr.Trials(x, np.zeros((4, 3, 2))))
    with pytest.raises(TypeError, match="trials must be Trials"):
        net.loss_and_gradient((x, target))
    loss, _ = net.loss_and_gradient(mr.Trials(x, target, dt=2.0 + 1e-12))
    assert loss == 0


def test_a_network_for_a_task_is_that_of_its_protocol():
    task = tasks.Rdm()
    net = mr.Network.for_task(task, dtype="float64", rng=4)
    assert (net.n_in, net.n_rec, net.n_out) == (2, 100, 2)
    assert (net.form, net.phi, net.tau, net.dt, net.noise, net.vanishing) == ("current", "relu", 100.0, 20.0, 0.15, 2.0)
    assert net.train_h0
    np.testing.assert_array_equal(net.h0, np.full(100, 0.1))
    masks = task.dale_masks(100)
    np.testing.assert_array_equal(net.weights.W_in > 0, masks["W_in"])
    np.testing.assert_array_equal(net.weights.W_rec != 0, masks["W_rec"])
    np.testing.assert_array_equal(net.weights.W_out > 0, masks["W_out"])
    assert np.abs(np.linalg.eigvals(net.weights.W_rec)).max() == pytest.approx(1.5)
    assert 0.09 < net.weights.W_in.max() <= 0.1
    free = mr.Network.for_task(task, n_rec=12, dale=None, recurrent="normal", tau=50.0, rng=4)
    assert (free.n_rec, free.dale, free.tau) == (12, None, 50.0)
    gate = mr.Network.for_task(tasks.Not(), rng=4)
    assert (gate.n_rec, gate.form, gate.tau, gate.params.b_rec is None) == (50, "rate", 1.0, False)
