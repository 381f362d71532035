"""Fixed points against closed forms and differences, end states against known signals, and the authors' networks
(analyses.md 4.5 to 4.7)."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import minirnn as mr
from minirnn import plots, reference, tasks
from minirnn.analysis import end_states as es
from minirnn.analysis import fixed_points as fp
from minirnn.plots import dynamics as drawn

FORMS = ("rate", "current")
SEEDS = st.integers(0, 2**32 - 1)


def random_dynamics(rng, form="rate", phi="tanh", N=7, gain=1.0):
    """Any unit its own leak and, unlike it, its own gain."""
    W = gain * rng.standard_normal((N, N)) / math.sqrt(N)
    return fp.Dynamics(W, rng.standard_normal(N), rng.uniform(0.1, 1, N), rng.uniform(0.1, 1, N), phi, form)


def one_unit(w, alpha=1.0, current=0.0, phi="tanh", form="rate"):
    return fp.Dynamics([[w]], current, alpha, phi=phi, form=form)


# ---- the map


@given(SEEDS, st.sampled_from(FORMS), st.sampled_from(reference.ACTIVATIONS))
def test_the_map_is_a_step_of_the_reference(seed, form, phi):
    rng = np.random.default_rng(seed)
    d = random_dynamics(rng, form, phi)
    h0, W_in, x, b = rng.standard_normal((3, 7)), rng.standard_normal((7, 2)), rng.standard_normal(2), rng.standard_normal(7)
    d = dataclasses.replace(d, input_current=W_in @ x + b)
    params = reference.Params(W_in, d.W_rec, np.zeros((1, 7)), b, None, None)
    model = reference.Model(d.leak, d.gain, phi, form)
    h, _ = reference.rollout(params, np.broadcast_to(x, (1, 3, 2)), h0, None, model)
    np.testing.assert_allclose(d(h0), h[1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(d.q(h0), 0.5 * ((h[1] - h0) ** 2).sum(axis=1), rtol=1e-12)


@given(SEEDS, st.sampled_from(FORMS), st.sampled_from(reference.ACTIVATIONS))
def test_the_jacobian_against_central_differences(seed, form, phi):
    rng = np.random.default_rng(seed)
    d = random_dynamics(rng, form, phi)
    h = rng.standard_normal(7)
    while d.kink(h) < 1e-3:
        h = rng.standard_normal(7)
    step = 1e-5
    ways = step * np.eye(7)
    differences = ((d(h + ways) - d(h - ways)) / (2 * step)).T
    assert np.abs(d.jacobian(h) - differences).max() < 1e-7
    slope = (d.q(h + ways) - d.q(h - ways)) / (2 * step)
    assert np.abs(d.q_gradient(h) - slope).max() < 1e-7 * max(1, np.abs(slope).max())
    np.testing.assert_allclose(d.q_gradient(h), (d.jacobian(h) - np.eye(7)).T @ d.velocity(h), rtol=1e-9, atol=1e-12)
    both = np.stack([h, h + 1])  # batches
    np.testing.assert_allclose(d.jacobian(both)[0], d.jacobian(h), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(d.q_gradient(both)[0], d.q_gradient(h), rtol=1e-12, atol=1e-14)


def test_large_arguments_do_not_overflow():
    for phi in reference.ACTIVATIONS:
        d = one_unit(1.0, phi=phi)
        for h in ([800.0], [-800.0]):
            assert np.isfinite(d(h)).all() and np.isfinite(d.jacobian(h)).all()


def test_the_map_with_leak_one_has_the_same_fixed_points():
    d = random_dynamics(np.random.default_rng(0), gain=1.5)
    flow = d.in_time_constants()
    h = np.random.default_rng(1).standard_normal((4, 7))
    np.testing.assert_allclose(flow.velocity(h) * d.leak, d.velocity(h), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("W_rec", {"W_rec": np.zeros((2, 3))}),
        ("W_rec", {"W_rec": [[math.nan]]}),
        ("phi", {"W_rec": [[1.0]], "phi": "elu"}),
        ("form", {"W_rec": [[1.0]], "form": "voltage"}),
        ("input_current", {"W_rec": [[1.0]], "input_current": [1.0, 2.0]}),
        ("gain", {"W_rec": [[1.0]], "gain": math.inf}),
        ("leak", {"W_rec": [[1.0]], "leak": 0.0}),
    ],
)
def test_bad_dynamics_are_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name} must"):
        fp.Dynamics(**arguments)


# ---- one unit, in closed form


@pytest.mark.parametrize("form", FORMS)
def test_a_negative_self_connection_oscillates_in_the_map_alone(form):
    half, whole = one_unit(-1.1, 0.5, form=form), one_unit(-1.1, 1.0, form=form)
    found = [fp.find(d, [[0.3], [-0.2]]) for d in (half, whole)]
    for point, multiplier in zip(found, (1 + 0.5 * (-1.1 - 1), -1.1), strict=True):
        assert len(point.h) == 1 and point.fixed[0] and abs(point.h[0, 0]) < 1e-12
        assert point.eigenvalues[0, 0] == pytest.approx(multiplier, abs=1e-12)
        assert point.stable_flow[0] and point.unstable_flow[0] == 0  # the differential equation rests
    assert found[0].stable[0]
    assert not found[1].stable[0] and found[1].unstable[0] == 1
    assert fp.continuous(found[1].eigenvalues, dt=0.5)[0, 0] == pytest.approx(-2.1 / 0.5)
    assert fp.frequency(found[1].eigenvalues)[0, 0] == pytest.approx(500.0)
    assert fp.frequency(found[1].eigenvalues, time="continuous")[0, 0] == 0
    ends = es.classify(whole, [[0.3]])
    assert ends.labels == ("oscillation",)
    assert ends.frequency[0] == pytest.approx(500.0, abs=1e-6)
    np.testing.assert_allclose(ends.tail[2:], ends.tail[:-2], atol=1e-12)  # period 2
    assert es.classify(half, [[0.3]]).labels == ("rest",)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("alpha", [1.0, 0.2])
def test_pitchfork_of_tanh(form, alpha):
    points = fp.find(one_unit(2.0, alpha, form=form), np.linspace(-2, 2, 9)[:, None])
    top = optimize.brentq(lambda h: math.tanh(2 * h) - h, 0.5, 1, xtol=1e-15)
    top *= 2.0 if form == "current" else 1.0  # v* = W h*
    assert points.fixed.all()
    np.testing.assert_allclose(np.sort(points.h[:, 0]), [-top, 0, top], atol=1e-11)
    assert points.stable.tolist() == points.stable_flow.tolist() == [True, True, False]  # stable ones first
    assert points.unstable.tolist() == [0, 0, 1]
    assert points.eigenvalues[2, 0] == pytest.approx(1 + alpha)
    assert points.found.sum() == 9 and points.dropped == 0


def test_a_ghost_is_a_slow_point():
    # tanh(2 h + I) = h loses two fixed points where tanh' = 1/2, h = -sqrt(1/2); just beyond, q is small there but not 0
    last = math.atanh(-math.sqrt(0.5)) + math.sqrt(2)
    for beyond, slow in ((1e-4, True), (3e-3, False)):
        d = one_unit(2.0, current=last + beyond)
        points = fp.find(d, [[-0.75], [-0.71], [-0.7], [0.9]])
        assert points.fixed.sum() == 1 and points.h[0, 0] > 0.9
        assert len(points.h) == 1 + slow
        if slow:
            assert points.h[1, 0] == pytest.approx(-math.sqrt(0.5), abs=1e-3)
            assert points.q[1] == pytest.approx(0.5 * (0.5 * beyond) ** 2, rel=1e-3)
    before = fp.find(one_unit(2.0, current=last - 1e-4), [[-0.75], [-0.68], [0.9]])
    assert before.fixed.all() and before.unstable.tolist() == [0, 0, 1]


def test_relu_in_closed_form():
    # h = relu(w h + 1) rests at 1 / (1 - w) where the unit is active
    for form, top in (("rate", 2.0), ("current", 2.0)):
        points = fp.find(one_unit(0.5, current=1.0, phi="relu", form=form), [[-3.0], [0.1], [5.0]])
        np.testing.assert_allclose(points.h, [[top]], atol=1e-12)
        assert points.stable[0] and points.kink[0] > 0.1
    # without bias the origin lies on the kink: a unit with w = 2 runs away to one side of it, which one derivative can not say
    origin = fp.find(one_unit(2.0, phi="relu"), [[-1.0], [-0.1]])
    np.testing.assert_allclose(origin.h, [[0.0]], atol=1e-12)
    assert origin.stable[0] and origin.kink[0] < fp.ON_KINK
    # between two regions Newton's full steps cycle (h = relu(-3 h + 1) from 1 goes to 0, 1/4); the search does not
    cycle = fp.find(one_unit(-3.0, current=1.0, phi="relu"), [[1.0], [0.4], [-2.0]])
    np.testing.assert_allclose(cycle.h, [[0.25]], atol=1e-12)
    # relu(h + 1) - h >= 1 everywhere to the right: no fixed point, no slow one
    none = fp.find(one_unit(1.0, current=1.0, phi="relu"), [[0.5], [3.0]])
    assert len(none.h) == 0 and none.dropped == 2 and none.eigenvalues.shape == (0, 1)


@given(SEEDS, st.sampled_from(FORMS))
def test_relu_networks_reach_what_the_map_reaches(seed, form):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((8, 8))
    d = fp.Dynamics(0.7 * W / np.linalg.norm(W, 2), rng.standard_normal(8), 0.5, phi="relu", form=form)  # a contraction
    end = es.continued(d, rng.standard_normal((1, 8)), 400)[-1, 0]
    points = fp.find(d, rng.standard_normal((6, 8)))
    assert len(points.h) == 1 and points.found[0] + points.dropped == 6
    np.testing.assert_allclose(points.h[0], end, atol=1e-10)


# ---- networks


@settings(max_examples=15)
@given(SEEDS, st.sampled_from(FORMS), st.sampled_from(["tanh", "sigmoid", "softplus"]))
def test_fixed_points_are_fixed_and_apart(seed, form, phi):
    rng = np.random.default_rng(seed)
    d = random_dynamics(rng, form, phi, gain=1.5 if phi == "tanh" else 0.5)
    points = fp.find(d, fp.starts(rng.standard_normal((5, 2, 7)), rng, per_trial=5))
    assert points.found.sum() + points.dropped == 10
    h = points.h[points.fixed]
    assert (np.linalg.norm(d(h) - h, axis=1) < 1e-12 * np.maximum(1, np.linalg.norm(h, axis=1)) + 1e-14).all()
    assert (points.q[~points.fixed] < 1e-6).all()
    gaps = np.linalg.norm(points.h[:, None] - points.h, axis=-1) + np.eye(len(points.h))
    assert (gaps >= 1e-3).all()
    for k, values in enumerate(points.eigenvalues):
        assert points.unstable[k] == (np.abs(values) > 1 + fp.MARGIN).sum()
        assert points.unstable_flow[k] == (values.real > 1 + fp.MARGIN).sum() <= points.unstable[k]
        if not points.fixed[k]:  # a minimum of q: (J - 1)^T (G(h) - h) = 0
            assert np.abs(values - 1).min() < 1e-2
        # (5) is the linearisation of the differential equation, with each unit's own tau
        slope = (d.jacobian(points.h[k]) - np.eye(7)) / 0.5
        apart = np.abs(fp.continuous(values, 0.5)[:, None] - np.linalg.eigvals(slope))
        assert apart.min(axis=1).max() < 1e-5


@settings(max_examples=15)
@given(SEEDS)
def test_both_forms_share_fixed_points_and_spectra(seed):
    rng = np.random.default_rng(seed)
    W, current, alpha = 1.6 * rng.standard_normal((6, 6)) / math.sqrt(6), 0.3 * rng.standard_normal(6), 0.4
    rate, other = (fp.Dynamics(W, current, alpha, form=form) for form in FORMS)
    points = fp.find(rate, rng.standard_normal((8, 6)))
    v = points.h[points.fixed] @ W.T + current  # models.md 1.3: v* = W h* + U u; fixed points come first
    of_current = fp.find(other, v)
    assert of_current.fixed.all()
    for k in range(len(v)):
        assert np.linalg.norm(other.velocity(v[k])) < 1e-11
        values = fp.modes(other.jacobian(v[k])).values
        assert np.abs(values[:, None] - points.eigenvalues[k]).min(axis=1).max() < 1e-5
        assert np.linalg.norm(of_current.h - v[k], axis=1).min() < 1e-8


def test_duplicates_merge_and_the_search_repeats():
    d = fp.Dynamics(2.5 * np.random.default_rng(5).standard_normal((7, 7)) / math.sqrt(7))
    starts = np.random.default_rng(6).standard_normal((20, 7))
    once, twice = fp.find(d, starts), fp.find(d, np.concatenate([starts, starts]))
    assert len(once.h) > 1
    np.testing.assert_allclose(twice.h, once.h, atol=1e-11)
    np.testing.assert_array_equal(twice.found, 2 * once.found)
    assert twice.dropped == 2 * once.dropped
    together = fp.find(d, starts, merge=1e3)
    assert len(together.h) == 1 and together.found[0] == once.found.sum()


def test_a_line_of_fixed_points_stays_a_line():
    d = fp.Dynamics(np.diag([1.0, 0.5]), phi="linear")  # the first unit keeps what it has
    points = fp.find(d, [[0.0, 1.0], [1.0, 1.0], [2.0, -1.0]])
    assert points.fixed.all()
    np.testing.assert_allclose(np.sort(points.h[:, 0]), [0, 1, 2], atol=1e-9)
    np.testing.assert_allclose(points.h[:, 1], 0, atol=1e-11)
    assert not points.stable.any() and not points.unstable.any()  # neither


def test_polishing_goes_down_to_rounding():
    d = random_dynamics(np.random.default_rng(3), gain=1.2)
    h = fp.find(d, np.zeros((1, 7))).h[0]
    np.testing.assert_allclose(fp._polished(d, h + 1e-5, 1e-12), h, atol=1e-12)
    line = fp.Dynamics(np.diag([1.0, 0.5]), phi="linear")  # J - 1 has no inverse
    np.testing.assert_allclose(fp._polished(line, np.array([0.3, 1e-5]), 1e-12), [0.3, 0.0], atol=1e-12)
    nowhere = fp.Dynamics([[1.0]], 1e-7, phi="linear")  # h + 1e-7 = h: slow everywhere, fixed nowhere
    np.testing.assert_array_equal(fp._polished(nowhere, np.array([0.3]), 1e-12), [0.3])
    points = fp.find(nowhere, [[0.3]])
    assert not points.fixed[0] and points.q[0] == pytest.approx(5e-15)  # below 1e-12, and slow for all that


def test_modes_are_eigenvectors_on_both_sides():
    J = random_dynamics(np.random.default_rng(2)).jacobian(np.zeros(7))
    m = fp.modes(J)
    np.testing.assert_allclose(J @ m.right, m.right * m.values, atol=1e-12)
    np.testing.assert_allclose(m.left.conj().T @ J, m.values[:, None] * m.left.conj().T, atol=1e-12)
    np.testing.assert_allclose((m.left / m.overlap).conj().T @ m.right, np.eye(7), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(m.left, axis=0), 1, atol=1e-12)
    assert (np.diff(np.abs(m.values)) <= 1e-12).all()
    shear = fp.modes([[1.0, 1.0], [0.0, 1.0]])  # defective
    assert shear.overlap.max() < 1e-7
    turning = fp.modes([[0.0, -1.1], [1.1, 0.0]])
    assert turning.values[0].imag > 0 > turning.values[1].imag
    assert fp.frequency(turning.values, 2.0)[0] == pytest.approx(125.0)
    assert fp.frequency(turning.values, time="continuous")[0] == pytest.approx(1100 / (2 * math.pi))


def test_starts_are_on_trajectories():
    h = np.arange(12.0).reshape(6, 2, 1)
    drawn_states = fp.starts(h, np.random.default_rng(0), per_trial=50, noise=0.0)
    assert drawn_states.shape == (100, 1)
    assert set(drawn_states[:50, 0]) == {0, 2, 4, 6, 8, 10} and set(drawn_states[50:, 0]) == {1, 3, 5, 7, 9, 11}
    noisy = fp.starts(np.zeros((6, 2, 100)), np.random.default_rng(0), per_trial=50)
    assert noisy.std() == pytest.approx(0.1, rel=0.03)
    with pytest.raises(ValueError, match=r"^h must be \(T, B, N\)"):
        fp.starts(np.zeros((3, 4)), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^starts must be finite and \(S, 1\)"):
        fp.find(one_unit(1.0), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"^time must"):
        fp.frequency([1.0], time="flow")


def test_landscape_of_two_units():
    # two units that do not know each other: the plane of both is all there is
    d = fp.Dynamics(np.diag([2.0, 0.5]), leak=0.3)
    u, v = np.linspace(-1, 1, 5), np.linspace(-2, 2, 9)
    land = fp.landscape(d, [0.0, 0.0], [[1.0, 0.0], [0.0, 2.0]], u, v)
    assert land.log10_q.shape == land.flow_u.shape == (9, 5)
    np.testing.assert_allclose(land.flow_u, np.broadcast_to(0.3 * (np.tanh(2 * u) - u), (9, 5)), atol=1e-14)
    np.testing.assert_allclose(land.flow_v[:, 0], 0.3 * (np.tanh(0.5 * 2 * v) - 2 * v) / 2, atol=1e-14)
    assert land.log10_q[4, 2] == -32  # the origin is fixed
    np.testing.assert_allclose(land.in_plane[land.log10_q > -30], 1)
    tilted = fp.landscape(d, [0.0, 0.0], [[1.0, 1.0], [1.0, 1.001]], u, v)
    np.testing.assert_allclose(tilted.in_plane[tilted.log10_q > -30], 1, atol=1e-6)
    h = np.array([[0.3, 0.4], [1.0, -1.0]])
    np.testing.assert_allclose(fp.coordinates(h, [0.0, 0.0], [[1.0, 0.0], [0.0, 2.0]]), h * [1, 0.5])
    three = fp.landscape(fp.Dynamics(np.eye(3)[[2, 0, 1]]), np.full(3, 0.1), np.eye(3)[:2], u, v)
    assert (three.in_plane < 1).any() and (three.in_plane >= 0).all()
    with pytest.raises(ValueError, match=r"^directions must"):
        fp.landscape(d, [0.0, 0.0], [[1.0, 1.0], [2.0, 2.0]], u, v)


# ---- end states


@pytest.mark.parametrize("f", [20.66, 73.6, 250.1, 365.687, 490.0])
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_frequency_of_a_sine(f, dt):
    t = np.arange(600) * dt
    phases = np.random.default_rng(0).uniform(0, 6, 5)
    h = np.sin(2e-3 * np.pi * f * t[:, None] + phases)[:, None] + 3.0
    assert es.dominant_frequency(h, dt=dt)[0] == pytest.approx(f, abs=0.02 * 1000 / (600 * dt))  # 0.02 of a bin


def test_labels():
    t = np.arange(700)
    h = np.zeros((700, 4, 2))
    h[:, 1] = 0.5 + 1e-4 * np.sin(0.3 * t)[:, None]
    h[:, 2, 1] = 0.01 * np.sin(2e-3 * np.pi * 40 * t)
    h[:, 3] = 5e-4 * (-1.0) ** t[:, None]  # small is rest, whatever it does
    ends = es.end_states(h)
    assert ends.labels == ("rest", "fixed point", "oscillation", "rest")
    assert np.isnan(ends.frequency[[0, 1, 3]]).all() and ends.frequency[2] == pytest.approx(40, abs=0.03)
    assert str(ends) == "rest, fixed point, oscillation 40.00 Hz, rest"
    assert ends.tail.shape == (600, 4, 2)
    assert es.dominant_frequency((-1.0) ** np.arange(601)[:, None, None])[0] == pytest.approx(500, abs=1)  # odd length
    for bad, words in ((h[:300], "last must"), (h[:, 0], "h must"), (np.full_like(h, np.nan), "h must")):
        with pytest.raises(ValueError, match=f"^{words}"):
            es.end_states(bad)
    with pytest.raises(ValueError, match=r"^steps must"):
        es.continued(lambda h: h, np.zeros((1, 1)), 0)
    with pytest.raises(ValueError, match=r"^h must"):
        es.continued(lambda h: h, np.zeros(3))


def test_leading_eigenvalues_have_a_name():
    assert es.leading([0.9, 1.01]) == "none"
    assert es.leading([0.9, -1.1]) == "real"
    assert es.leading([1 + 1j, 1 - 1j, 0.5]) == "pairs"
    assert es.leading([1 + 1j, 1 - 1j, 1.5]) == "real + pairs"


def test_unit_frequencies_by_minima():
    t = np.arange(600)
    h = np.stack([np.cos(2 * np.pi * t / 50), np.cos(2 * np.pi * t / 20), np.cos(2 * np.pi * t / 100), 1e-9 * (-1.0) ** t], axis=1)
    found = es.unit_frequencies(h)
    np.testing.assert_allclose(found.frequency, [20, 50, np.nan, np.nan])  # six minima are too few, rounding does not count
    assert found.counts.sum() == 2 and len(found.edges) == 21 and found.counts[0] == found.counts[-1] == 1
    assert es.unit_frequencies(h, least_deviation=0).frequency[3] == 500
    # the last minimum does not matter, the two before it do
    minima = np.array([40, 80, 120, 160, 200, 230, 290])
    h = np.ones((300, 1))
    h[minima] = 0
    assert es.unit_frequencies(h).frequency[0] == pytest.approx(1000 / 30)
    assert es.unit_frequencies(h, dt=2.0).frequency[0] == pytest.approx(500 / 30)


def test_the_scheme_of_the_decision_repository():
    t, rng = np.arange(400), np.random.default_rng(0)
    direction = rng.standard_normal(5)
    noise = 0.01 * rng.standard_normal((400, 3, 5))
    ramp = (t / 400)[:, None, None] * direction + noise
    wave = np.sin(2 * np.pi * t / 10)[:, None, None] * direction + noise
    pair, mild, real = [1 + 0.2j, 1 - 0.2j], [1 + 0.1j, 1 - 0.1j], [1.1, 0.5]
    both = es.decision_regime(pair, wave)
    assert both[:3] == ("oscillatory", "oscillatory", "oscillatory")
    assert both.oscillation_index == pytest.approx(0.2 / abs(pair[0])) and both.peak_frequency == pytest.approx(100, abs=10)
    climbing = es.decision_regime(real, ramp)
    assert climbing[:3] == ("ramping", "ramping", "ramping") or climbing.peak_to_background >= 5
    assert climbing.ramp > 0.99 and climbing.oscillation_index == 0
    assert es.decision_regime(real, wave)[:3] == ("mixed", "ramping", "oscillatory")
    assert es.decision_regime(mild, wave).spectral == "mixed"
    still = es.decision_regime([0.0], np.ones((400, 2, 3)))
    assert still[:3] == ("mixed", "ramping", "mixed") and math.isnan(still.peak_frequency)
    opposite = np.concatenate([ramp[:, :1], -ramp[:, :1]], axis=1)  # trials of opposite sign cancel
    assert es.decision_regime(real, opposite).ramp == 0
    with pytest.raises(ValueError, match=r"^window must"):
        es.decision_regime(real, ramp, window=(0.5, 0.51))


def test_the_table_of_onsets():
    table = es.time_translation(lambda onset: ([onset / 10, 1.0], 1e-3), [5, 30])
    np.testing.assert_array_equal(table.distance, [[0.5, 1], [3, 1]])
    np.testing.assert_array_equal(table.spread, [2.5, 0])
    assert table.drift.shape == (2, 2)
    assert table.rows(["0", "1"]) == [
        ("onset", "d 0", "d 1", "drift"), ("5", "0.50", "1.00", "1.0e-03"), ("30", "3.00", "1.00", "1.0e-03"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"^names must"):
        table.rows(["0"])
    with pytest.raises(ValueError, match=r"^onsets must"):
        es.time_translation(lambda onset: (0.0, 0.0), [])
    h = np.array([0.0, 1.0, 4.0])[:, None, None]
    assert es.drift(h, 2)[0] == 3
    with pytest.raises(ValueError, match=r"^onset must"):
        es.drift(h, 3)


# ---- pictures


def test_pictures_show_what_they_are_given():
    made, axes = plots.figure(2, 3, 9.0, 6.0)
    points = np.array([[0.0, 0.0], [1.0, 0.5], [-1.0, 0.2]])
    drawn.fixed_points(
        axes[0, 0], points, np.array([True, False, False]), np.array([0, 12, 3]), fixed=np.array([True, True, False]),
        trajectories=np.random.default_rng(0).standard_normal((9, 2, 2)), names=["00", "11"],
    )  # fmt: skip
    assert [text.get_text() for text in axes[0, 0].texts] == ["12"]
    assert [text.get_text() for text in axes[0, 0].get_legend().get_texts()] == ["00", "11", "stable", "unstable", "slow"]
    d = fp.Dynamics(np.array([[1.5, -0.8], [0.8, 1.5]]))
    grid = np.linspace(-1, 1, 11)
    image = drawn.landscape(axes[0, 1], *fp.landscape(d, [0.0, 0.0], np.eye(2), grid, grid)[:5], trial=np.zeros((3, 2)) + 0.1)
    assert image.get_array().shape == (11, 11)
    drawn.landscape(axes[0, 1], grid, grid, np.zeros((11, 11)), np.zeros((11, 11)), np.zeros((11, 11)), limits=(-2, 0))
    drawn.jacobian_eigenvalues(axes[0, 2], np.array([1.2, -1.1, 0.5 + 0.5j, 0.5 - 0.5j]), title="J")
    assert axes[0, 2].get_title() == "J: 2 unstable, 1 in continuous time"
    tail = np.sin(2e-3 * np.pi * 40 * np.arange(600))[:, None] * np.arange(8)
    drawn.end_state(axes[1, 0], tail, "oscillation", 40.0, title="10")
    assert axes[1, 0].get_title() == "10: oscillation, 40.00 Hz"
    assert len(axes[1, 0].lines) == 6 and len(axes[1, 0].lines[0].get_xdata()) == 125
    drawn.end_state(axes[1, 0], tail, "fixed point")
    assert axes[1, 0].get_title() == "fixed point"
    found = es.unit_frequencies(tail)
    drawn.unit_frequencies(axes[1, 1], found.counts, found.edges, mark=40.0)
    outputs = [np.zeros(50), np.ones(60)]
    drawn.onsets(axes[1, 2], outputs, [5, 15], target=np.ones(60))
    assert [line.get_xdata()[0] for line in axes[1, 2].lines[:3]] == [-5, -15, -15]
    drawn.onsets(axes[1, 2], outputs, [5, 15], aligned=False)
    made.canvas.draw()


# ---- the authors' networks


def load(folder, name):
    net = mr.Network.load(folder / f"{name}.npz").astype("float64")
    b = net.weights.b_rec
    return net, fp.Dynamics(net.weights.W_rec, 0.0 if b is None else b, net.leak, net.gain, net.phi, net.form)


REST, FIXED = "rest", "fixed point"


@pytest.mark.compiled
@pytest.mark.parametrize(
    "name, task, expected, kind",
    [
        ("and_n50_ortho_04", tasks.And(), (REST, 13.55, 13.55, FIXED), "real + pairs"),
        ("and_n50_ortho_14", tasks.And(), (REST, FIXED, FIXED, FIXED), "real"),
        ("or_n50_ortho_01", tasks.Or(), (REST, FIXED, FIXED, FIXED), None),
        ("xor_n50_ortho_00", tasks.Xor(), (REST, FIXED, FIXED, 365.69), None),
        ("ff_n50_ortho_06", tasks.FlipFlop(), (20.66, FIXED) * 4, None),  # the last turn resets or sets
        ("not_n50_ortho_17", tasks.Not(), (FIXED, 73.60), None),
        ("osc_n50_ortho_01", tasks.Oscillation(), (REST, 243.84), None),
    ],
)
def test_end_states_of_the_authors_networks(author_networks, name, task, expected, kind):
    net, d = load(author_networks, name)
    ends = es.classify(d, net.run(task.conditions().x)[0][-1])
    for label, f, want in zip(ends.labels, ends.frequency, expected, strict=True):
        assert label == (want if isinstance(want, str) else "oscillation")
        if not isinstance(want, str):
            assert f == pytest.approx(want, abs=0.1)
    if kind:
        assert es.leading(np.linalg.eigvals(d.W_rec)) == kind


@pytest.mark.compiled
def test_the_units_of_the_flip_flop_share_a_frequency(author_networks):
    net, d = load(author_networks, "ff_n50_ortho_06")
    ends = es.classify(d, net.run(tasks.FlipFlop().conditions(1).x)[0][-1])
    found = es.unit_frequencies(ends.tail[:, 0]).frequency
    assert np.isfinite(found).all()
    # by minima, whole steps of 1 ms apart, 20.66 Hz is 1000 / 48 or 1000 / 49; a few units have a minimum more per period
    assert np.mean(np.isclose(found, 1000 / 48) | np.isclose(found, 1000 / 49)) > 0.85


@pytest.mark.compiled
@pytest.mark.parametrize("name, task", [("ff_n50_ortho_06", tasks.FlipFlop()), ("xor_n50_ortho_00", tasks.Xor())])
def test_fixed_points_of_the_authors_networks(author_networks, name, task):
    net, d = load(author_networks, name)
    h, _ = net.run(task.conditions().x)
    ends = es.classify(d, h[-1])
    points = fp.find(d, fp.starts(h, np.random.default_rng(0), per_trial=160 // h.shape[1]))
    assert points.fixed.all() and points.dropped <= 8
    assert np.linalg.norm(d(points.h) - points.h, axis=1).max() < 1e-12
    # no bias and tanh: an odd map, whose fixed points come in pairs around the origin
    origin = np.linalg.norm(points.h, axis=1) < 1e-9
    assert origin.sum() == 1
    np.testing.assert_allclose(points.eigenvalues[origin][0], fp.modes(d.W_rec).values, atol=1e-6)
    assert len(points.h) == 5 and points.stable.sum() == 2
    for h_star in points.h:
        assert np.linalg.norm(points.h + h_star, axis=1).min() < 1e-9
    # each trial that ends at rest or in a fixed point is at one of those found
    for label, end in zip(ends.labels, ends.tail[-1], strict=True):
        apart = np.linalg.norm(points.h - end, axis=1).min()
        assert apart < 1e-6 if label != "oscillation" else apart > 0.1
    if name.startswith("xor"):  # models.md 1.5: the outlier of the map that continuous time does not have
        values = points.eigenvalues[origin][0]
        outlier = values[0]
        assert abs(outlier) > 1.02 and outlier.real < 1
        assert fp.frequency(outlier) == pytest.approx(365.8, abs=0.1)
        assert points.unstable[origin][0] > points.unstable_flow[origin][0]


@pytest.mark.compiled
def test_the_eight_corners_of_the_three_bits(author_networks):
    net, d = load(author_networks, "ff3bit_n400_ortho_gap9_ep20")
    task = tasks.ThreeBitFlipFlop()
    h, _ = net.run(task.conditions().x)
    ends = es.classify(d, h[-1])
    points = fp.find(d, np.concatenate([ends.tail[-1], h[-1, :3]]))
    assert ends.labels == (FIXED,) * 8
    assert points.fixed.all() and points.dropped == 0
    corners = points.h[points.stable]
    assert len(corners) == 8
    assert np.linalg.norm(d(points.h) - points.h, axis=1).max() < 1e-12
    z = corners @ net.weights.W_out.T + net.weights.b_out
    assert np.abs(np.abs(z) - 1).max() < 0.1
    assert {tuple(row) for row in np.sign(z).astype(int)} == {(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)}
    assert np.linalg.norm(ends.tail[-1][:, None] - corners, axis=-1).min(axis=1).max() < 1e-2


@pytest.mark.compiled
@pytest.mark.parametrize("name, kind, d11", [("and_n50_ortho_04", tasks.And, 0.85), ("xor_n50_ortho_00", tasks.Xor, 0.61)])
def test_gates_do_not_mind_when_they_are_asked(author_networks, name, kind, d11):
    net, _ = load(author_networks, name)

    def measure(onset):
        trials = kind(onset=onset).conditions()
        h, z = net.run(trials.x)
        return tasks.distance(z, trials), es.drift(h, onset)

    table = es.time_translation(measure, [5, 30, 45, 60, 90])
    assert (table.drift == 0).all()  # without a bias they rest at the origin
    np.testing.assert_allclose(table.distance[:, 3], d11, atol=0.01)
    assert table.spread.max() < 0.02


@pytest.mark.compiled
def test_a_biased_network_carries_a_clock(author_networks):
    net, _ = load(author_networks, "not_n50_ortho_17")

    def measure(onset):
        trials = tasks.Not(onset=onset).conditions()
        h, z = net.run(trials.x)
        return tasks.distance(z, trials), es.drift(h, onset)

    table = es.time_translation(measure, [5, 30, 60])
    assert (table.drift > 1e-3).all()
    assert table.spread[0] > 1 and table.distance[1, 0] == table.distance[:, 0].min()  # right at the trained onset alone
