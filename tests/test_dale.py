"""Dale's law: which weights act, with what sign, and that training keeps them so. No gradient check can see any of this."""

import itertools

import numpy as np
import pytest
from cases import cases
from hypothesis import assume, given

import minirnn as mr
from minirnn import initial, tasks

SMALL = tasks.And(onset=3, pulse=2, gap=2, tail=5)


def network(n_rec=20, **constants):
    return mr.Network.random(2, n_rec, 1, dtype="float64", rng=3, **constants)


def effective_by_hand(net):
    """Entry by entry, as the papers print it."""
    dale, V = net.dale, net.params
    N, I, O = net.n_rec, net.n_in, net.n_out
    signed = dale.excitatory is not None
    d = dale.signs(N)

    def p(value, constrained):
        if not (signed and constrained):
            return value
        return {"abs": abs(value), "rectify": max(value, 0.0), "projection": value}[dale.by]

    W_rec = np.zeros((N, N))
    for i, j in itertools.product(range(N), range(N)):
        sender, receiver = j, i
        sign = d[sender] if dale.axis == "pre" else d[receiver]
        if dale.by == "projection":
            sign = 1.0
        connected = 1.0 if dale.mask is None else dale.mask[i, j]
        connected *= (i != j or dale.self_connections) and (i == j or not dale.kerascog_diagonal)
        W_rec[i, j] = connected * sign * p(V.W_rec[i, j], True) + (0.0 if dale.fixed is None else dale.fixed[i, j])
    W_in = np.array(
        [[(1.0 if dale.mask_in is None else dale.mask_in[i, k]) * p(V.W_in[i, k], dale.inputs) for k in range(I)] for i in range(N)]
    ).reshape(N, I)
    W_out = np.zeros((O, N))
    for o, j in itertools.product(range(O), range(N)):
        seen = not (signed and dale.readout) or d[j] > 0
        W_out[o, j] = seen * (1.0 if dale.mask_out is None else dale.mask_out[o, j]) * p(V.W_out[o, j], dale.readout)
    return W_in, W_rec, W_out


@given(cases(every=True))
def test_what_acts_is_made_of_the_raw_weights_as_stated(case):
    net = case.net
    assume(net.dale is not None)
    for found, right in zip(net.weights[:3], effective_by_hand(net), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-14, atol=1e-300)


@given(cases(every=True))
def test_effective_weights_have_their_signs_and_only_the_intended_zeros(case):
    net = case.net
    dale = net.dale
    assume(dale is not None and dale.excitatory is not None)
    N = net.n_rec
    W, d = net.weights, dale.signs(net.n_rec)
    signed = W.W_rec * d if dale.axis == "pre" else d[:, None] * W.W_rec
    assert (signed >= 0).all()
    if dale.inputs:
        assert (W.W_in >= 0).all()
    if dale.readout:
        assert (W.W_out >= 0).all()
        assert (W.W_out[:, d < 0] == 0).all()
    if dale.by == "abs" and not dale.kerascog_diagonal:
        absent = np.zeros((N, N), bool) if dale.mask is None else dale.mask == 0
        absent = absent | (np.eye(N, dtype=bool) & (not dale.self_connections))
        if dale.fixed is not None:
            absent = absent & (dale.fixed == 0)
        np.testing.assert_array_equal(W.W_rec == 0, absent)


@pytest.mark.parametrize("by", ["abs", "rectify", "projection"])
def test_a_units_outgoing_weights_share_its_sign(by):
    W = network(10, dale=mr.Dale(by=by)).weights.W_rec  # weights are (to, from): what j sends out is column j
    assert (W[:, :8] >= 0).all()
    assert (W[:, 8:] <= 0).all()
    assert (W[:, :8] > 0).any(axis=0).all()
    assert (W[:, 8:] < 0).any(axis=0).all()


def test_post_signs_what_a_unit_receives():
    W = network(10, dale=mr.Dale(excitatory=0.5, axis="post")).weights.W_rec
    assert (W[:5] > 0).all()
    assert (W[5:] < 0).all()


def test_an_inhibitory_unit_lowers_what_it_reaches():
    dale = mr.Dale(excitatory=np.array([False, True]))
    W_rec = np.array([[0.0, 0.0], [-1.0, 0.0]])  # from unit 0 to unit 1; its raw sign does not matter
    for form in ("rate", "current"):
        net = mr.Network(np.array([[1.0], [0.0]]), W_rec, np.ones((1, 2)), dale=dale, form=form, phi="linear")
        h, z = net.run(np.ones((2, 1, 1)))
        assert h[2, 0, 1] == -1.0
        assert z[1, 0, 0] == -1.0  # only the excitatory unit is read


def test_the_diagonal_layer_of_kerascog_leaves_self_connections_alone():
    W = network(10, dale=mr.Dale(kerascog_diagonal=True)).weights.W_rec
    np.testing.assert_array_equal(W != 0, np.eye(10, dtype=bool))
    assert (np.diag(W)[:8] > 0).all()
    assert (np.diag(W)[8:] < 0).all()


def test_masks_alone_leave_the_signs_free():
    mask = np.array([[1.0, 0.0], [0.5, 1.0]])
    net = mr.Network(
        np.array([[-1.0], [1.0]]), np.array([[-2.0, 3.0], [4.0, -5.0]]), np.ones((1, 2)), dale=mr.Dale(None, mask=mask)
    )
    np.testing.assert_array_equal(net.weights.W_rec, [[-2.0, 0.0], [2.0, -5.0]])
    np.testing.assert_array_equal(net.weights.W_in, [[-1.0], [1.0]])
    np.testing.assert_array_equal(net.weights.W_out, [[1.0, 1.0]])


def test_fixed_weights_act_and_are_not_trained():
    fixed = np.zeros((6, 6))
    fixed[1, 5], fixed[2, 0] = -0.7, 0.3
    mask = (fixed == 0).astype(float)
    net = network(6, dale=mr.Dale(mask=mask, fixed=fixed))
    trained = mr.train(net, SMALL, epochs=2, samples=20, optimizer=mr.Adam(lr=0.01), rng=1, progress=False).network
    assert trained.weights.W_rec[1, 5] == -0.7
    assert trained.weights.W_rec[2, 0] == 0.3
    assert not np.array_equal(trained.weights.W_rec, net.weights.W_rec)


@pytest.mark.parametrize("form", ["rate", "current"])
@pytest.mark.parametrize("by", ["abs", "rectify", "projection"])
@pytest.mark.parametrize("axis", ["pre", "post"])
def test_training_keeps_the_signs_and_moves_the_weights(form, by, axis):
    net = network(10, form=form, dale=mr.Dale(0.6, by=by, axis=axis, self_connections=False))
    trained = mr.train(net, SMALL, epochs=3, samples=20, batch=5, optimizer=mr.Adam(lr=0.03), rng=1, progress=False).network
    W, d = trained.weights, trained.dale.signs(10)
    signed = W.W_rec * d if axis == "pre" else d[:, None] * W.W_rec
    assert (signed >= 0).all()
    assert (np.diag(W.W_rec) == 0).all()
    assert (W.W_in >= 0).all()
    assert (W.W_out[:, d > 0] >= 0).all()
    assert (W.W_out[:, d < 0] == 0).all()
    assert (W.W_rec != net.weights.W_rec).sum() > 10
    if by == "projection":
        assert np.array_equal(trained.params.W_rec, W.W_rec)


def test_projection_sets_the_wrong_signs_to_0_and_keeps_the_rest():
    W = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0], [7.0, -8.0, 9.0]])
    net = mr.Network(-np.ones((3, 1)), W, np.ones((1, 3)), dale=mr.Dale(2 / 3, by="projection"))
    np.testing.assert_array_equal(net.weights.W_rec, [[1.0, 0.0, 0.0], [0.0, 5.0, -6.0], [7.0, 0.0, 0.0]])
    np.testing.assert_array_equal(net.weights.W_in, np.zeros((3, 1)))
    np.testing.assert_array_equal(net.weights.W_out, [[1.0, 1.0, 0.0]])


@pytest.mark.compiled
@pytest.mark.parametrize("excitatory", [0.5, 0.7])
@pytest.mark.parametrize("start", ["normal", "orthogonal"])
def test_projected_networks_have_the_spectra_of_the_theory(excitatory, start):
    """N = 400 (spec 4.12): radius sqrt(1/2 - 1/(2 pi)) = 0.584 without column means; from an orthogonal start a ring."""
    outer, inner = [], []
    for seed in range(4):
        net = mr.Network.random(2, 400, 1, recurrent=start, dale=mr.Dale(excitatory, by="projection"), dtype="float64", rng=seed)
        W = net.weights.W_rec
        outer.append(np.quantile(np.abs(np.linalg.eigvals(W - W.mean(axis=0))), 0.98))
        inner.append(np.quantile(np.abs(np.linalg.eigvals(W)), 0.05))
    assert np.mean(outer) == pytest.approx(0.584, rel=0.02)
    if start == "orthogonal":
        assert 0.395 < np.mean(inner) < 0.410


def test_random_networks_have_the_magnitudes_of_their_start():
    for by in ("abs", "rectify"):
        dale = mr.Dale(0.8, by=by, self_connections=False)
        net = mr.Network.random(2, 100, 1, recurrent="gamma", dale=dale, dtype="float64", rng=4)
        W = net.weights.W_rec
        drawn = initial.gamma(dale.signs(100) > 0, _after_inputs(4))
        np.testing.assert_allclose(W, drawn, rtol=1e-14)
        assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1.5, rel=1e-10)
        normal = mr.Network.random(2, 100, 1, recurrent="normal", dale=dale, dtype="float64", rng=4).weights.W_rec
        entries = np.abs(normal[~np.eye(100, dtype=bool)])
        assert entries.mean() == pytest.approx(np.sqrt(2 / np.pi) / 10, rel=5 * 0.76 / np.sqrt(entries.size))


def _after_inputs(seed):
    rng = np.random.default_rng(seed)
    initial.glorot_uniform(100, 2, rng)
    return rng


@pytest.mark.parametrize("dale", [None, mr.Dale(), mr.Dale(by="projection"), mr.Dale(fixed=np.zeros((30, 30)), by="rectify")])
def test_the_spectral_radius_of_what_acts_is_set(dale):
    net = mr.Network.random(2, 30, 1, dale=dale, spectral_radius=0.9, dtype="float64", rng=5)
    assert np.abs(np.linalg.eigvals(net.weights.W_rec)).max() == pytest.approx(0.9, rel=1e-12)


def test_a_file_holds_the_effective_and_the_raw_weights(tmp_path):
    fixed = np.zeros((9, 9))
    fixed[0, 8] = -1.0
    for dale in (
        mr.Dale(0.7, by="rectify", axis="post", readout=False), mr.Dale(np.arange(9) < 8, fixed=fixed, self_connections=False),
        mr.Dale(None, mask=np.eye(9)), mr.Dale(by="projection", inputs=False, mask_in=np.ones((9, 2)), mask_out=np.ones((1, 9))),
        mr.Dale(kerascog_diagonal=True),
    ):  # fmt: skip
        net = network(9, dale=dale, form="current", phi="relu", noise=0.1, noise_scaling="per_step", output="sigmoid", tau=5.0)
        net.save(tmp_path / "net.npz")
        again = mr.Network.load(tmp_path / "net.npz")
        assert repr(again) == repr(net)
        for ours, theirs in zip((*net.params, *net.weights), (*again.params, *again.weights), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert {k: v for k, v in again.constants.items() if k != "dale"} == {k: v for k, v in net.constants.items() if k != "dale"}
        with np.load(tmp_path / "net.npz") as file:
            np.testing.assert_array_equal(file["W_rec"], net.weights.W_rec)
            np.testing.assert_array_equal(file["V_rec"], net.params.W_rec)
            plain = mr.Network(file["W_in"], file["W_rec"], file["W_out"], b_out=file["b_out"], form="current", phi="relu", tau=5.0)
        x = np.random.default_rng(0).standard_normal((7, 2, 2))
        np.testing.assert_allclose(plain.run(x)[0], net.run(x)[0], rtol=1e-12)


def test_a_file_without_its_raw_weights_is_not_taken(tmp_path):
    net = network(4, dale=mr.Dale())
    arrays = net.arrays()
    for name, told in (("V_rec", "raw arrays"), ("V_in", "raw arrays")):
        np.savez(tmp_path / "net.npz", **{key: value for key, value in arrays.items() if key != name})
        with pytest.raises(ValueError, match=rf"net\.npz.*{told}"):
            mr.Network.load(tmp_path / "net.npz")
    np.savez(tmp_path / "net.npz", **arrays | {"dale_by": "squared"})
    with pytest.raises(ValueError, match="by must be"):
        mr.Network.load(tmp_path / "net.npz")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"by": "square"}, ValueError, "by must be"),
        ({"axis": "rows"}, ValueError, "axis must be"),
        ({"excitatory": 1.2}, ValueError, r"excitatory must be a fraction in \[0, 1\]"),
        ({"excitatory": np.array([1, 0])}, TypeError, "excitatory must be .* truth values"),
        ({"excitatory": np.array([True, False])}, ValueError, r"excitatory must be a fraction or \(5,\) truth values"),
        ({"excitatory": "most"}, ValueError, "excitatory must be"),
        ({"mask": -np.ones((5, 5))}, ValueError, "mask must not be negative"),
        ({"mask": np.ones((4, 5))}, ValueError, r"mask must be \(5, 5\)"),
        ({"mask_in": np.ones((5, 5))}, ValueError, r"mask_in must be \(5, 2\)"),
        ({"mask_out": np.ones((5, 1))}, ValueError, r"mask_out must be \(1, 5\)"),
        ({"fixed": -np.ones((5, 5))}, ValueError, "fixed must have the signs"),
        ({"fixed": np.full((5, 5), np.nan)}, ValueError, "fixed must be finite"),
    ],
)
def test_what_does_not_fit_is_named(settings, error, message):
    with pytest.raises(error, match=message):
        network(5, dale=mr.Dale(**settings))


def test_dale_must_be_a_dale():
    with pytest.raises(TypeError, match="dale must be a Dale or None, got float"):
        mr.Network(np.zeros((2, 1)), np.zeros((2, 2)), np.zeros((1, 2)), dale=0.8)


def test_starts_that_need_to_know_the_units_say_so():
    for name in ("gamma", "two_gaussians"):
        with pytest.raises(ValueError, match=f"recurrent='{name}' needs dale"):
            mr.Network.random(2, 10, 1, recurrent=name, rng=0)
    for name in initial.RECURRENT:
        W = mr.Network.random(2, 12, 1, recurrent=name, dale=mr.Dale(), rng=0).weights.W_rec
        assert W.shape == (12, 12)
        assert np.isfinite(W).all()


def test_repr_says_what_is_not_the_default():
    assert repr(mr.Dale()) == "Dale(excitatory=0.8, by='abs')"
    dale = mr.Dale(np.array([True, True, False]), by="projection", axis="post", mask=np.ones((3, 3)), readout=False)
    assert repr(dale) == "Dale(excitatory=2 of 3, by='projection', axis='post', mask=(3, 3) array, readout=False)"
