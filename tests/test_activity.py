"""PCA in both conventions, dimension and angles, sequences, task variance and orbits, against cases known by hand."""

import numpy as np
import pytest
from scipy.stats import special_ortho_group

import minirnn as mr
from minirnn import tasks
from minirnn.analysis import activity, pca
from minirnn.plots import activity as drawn
from minirnn.plots import figure, save


def orthogonal(n, seed=0):
    return special_ortho_group.rvs(n, random_state=seed)


def with_covariance(eigenvalues, axes, samples=400, seed=0):
    """Rows whose sample covariance is exactly axes^T diag(eigenvalues) axes."""
    white = np.random.default_rng(seed).standard_normal((samples, len(eigenvalues)))
    white = np.linalg.qr(white - white.mean(axis=0))[0] * np.sqrt(samples - 1)
    return white * np.sqrt(eigenvalues) @ axes


def circle(steps=100, turns=1.0, n=6, seed=0):
    angle = 2 * np.pi * turns * np.arange(steps) / steps
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) @ orthogonal(n, seed)[:2] + 3.0


@pytest.fixture
def and_states(author_networks):
    net = mr.Network.load(author_networks / "and_n50_ortho_04.npz")
    h, _ = net.run(tasks.And().conditions().x)
    return h[1:].astype(float)


# ---- PCA


def test_pca_of_a_known_covariance():
    eigenvalues, axes = np.array([9.0, 4.0, 1.0, 0.25]), orthogonal(4)
    X = with_covariance(eigenvalues, axes) + np.array([5.0, -2.0, 0.0, 1.0])
    found = pca.pca(X)
    np.testing.assert_allclose(found.variance, eigenvalues, rtol=1e-12)
    np.testing.assert_allclose(found.ratio, eigenvalues / 14.25, rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(found.axes * axes, axis=1)), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.origin, [5.0, -2.0, 0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(found.curves.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.cov(found.curves.T), np.diag(eigenvalues), atol=1e-11)
    np.testing.assert_allclose(found.curves @ found.axes + found.origin, X, atol=1e-12)


def test_pca_agrees_with_eigh_of_the_covariance_and_stacks_trials():
    states = np.random.default_rng(1).standard_normal((30, 4, 7)) * np.arange(1, 8)
    found = pca.pca(states, 3)
    values, vectors = np.linalg.eigh(np.cov(states.reshape(-1, 7).T))
    np.testing.assert_allclose(found.variance, values[::-1][:3], rtol=1e-10)
    np.testing.assert_allclose(found.ratio, values[::-1][:3] / values.sum(), rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.diag(found.axes @ vectors[:, ::-1])), 1.0, rtol=1e-10)
    assert found.curves.shape == (30, 4, 3)
    np.testing.assert_array_equal(found.curves.reshape(-1, 3), pca.pca(states.reshape(-1, 7), 3).curves)
    np.testing.assert_allclose(pca.project(found, states), found.curves, atol=1e-11)


def test_a_line_has_one_component_and_a_circle_two():
    line = np.outer(np.linspace(0, 1, 20), [3.0, -4.0, 0.0]) + 7.0
    found = pca.pca(line)
    np.testing.assert_allclose(found.axes[0], [-0.6, 0.8, 0.0], atol=1e-12)
    np.testing.assert_array_equal(found.variance[1:], 0.0)  # rounding does not count
    np.testing.assert_allclose(pca.pca(circle()).ratio[:3], [0.5, 0.5, 0.0], atol=1e-12)
    assert pca.dimension(line)[:2] == (pytest.approx(1.0), 1)
    assert pca.dimension(circle())[:2] == (pytest.approx(2.0), 2)


def test_signs_do_not_depend_on_the_sign_of_the_data():
    X = np.random.default_rng(2).standard_normal((40, 5)) * np.arange(1, 6)
    for convention, rows in (("textbook", "axes"), ("authors", "curves")):
        there, back = (pca.pca(sign * X, convention=convention) for sign in (1, -1))
        unit = [getattr(f, rows) if rows == "axes" else f.curves.T for f in (there, back)]
        np.testing.assert_allclose(unit[0][:4], unit[1][:4], atol=1e-10)
        for row in unit[0][:4]:
            assert row[np.argmax(np.abs(row))] > 0
    for row in pca.svd(-X).axes:
        assert row[np.argmax(np.abs(row))] > 0


def test_the_authors_curves_are_right_singular_vectors_of_units_centred_at_each_moment():
    X = np.random.default_rng(3).standard_normal((60, 8)).cumsum(axis=0) + np.arange(8)
    found = pca.pca(X, 3, convention="authors")
    Y = X.T - X.T.mean(axis=0)
    _, s, Vt = np.linalg.svd(Y)
    for k in range(3):
        assert abs(found.curves[:, k] @ Vt[k]) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found.curves.T @ found.curves, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.variance, s[:3] ** 2 / 7, rtol=1e-12)
    np.testing.assert_allclose(found.ratio, s[:3] ** 2 / (s**2).sum(), rtol=1e-12)
    # its covariance is over units: a constant added to all of them at once does not count
    moved = pca.pca(X + np.random.default_rng(4).standard_normal((60, 1)), 3, convention="authors")
    np.testing.assert_allclose(moved.curves, found.curves, atol=1e-10)
    # states have coordinates in that picture too
    np.testing.assert_allclose(pca.project(found, X), found.curves, atol=1e-12)
    np.testing.assert_allclose(pca.project(found, X[5]), found.curves[5], atol=1e-12)
    last = pca.pca(X, convention="authors")
    assert last.variance[-1] == 0 and not last.curves[:, -1].any() and not last.axes[-1].any()  # N - 1 at most


def test_explained_variance_of_a_published_network_by_both_conventions(and_states):
    X = and_states[:, 3]  # type 11
    np.testing.assert_allclose(pca.pca(X, 3).ratio, [0.6316, 0.2629, 0.0400], atol=1e-4)
    np.testing.assert_allclose(pca.pca(X, 3, convention="authors").ratio, [0.8621, 0.1000, 0.0146], atol=1e-4)
    silent = pca.pca(and_states[:, 0], 3)  # type 00: nothing happens
    assert np.isnan(silent.ratio).all() and not silent.curves.any()
    assert not pca.pca(and_states[:, 0], 3, convention="authors").curves.any()


def test_projection_of_other_data():
    X = np.random.default_rng(5).standard_normal((30, 4))
    found = pca.pca(X, 2)
    other = np.random.default_rng(6).standard_normal((3, 2, 4))
    np.testing.assert_allclose(pca.project(found, other), (other - X.mean(axis=0)) @ found.axes.T, atol=1e-14)
    np.testing.assert_allclose(pca.project(found, found.origin), 0.0, atol=1e-14)


def test_svd_is_not_centred():
    X = np.random.default_rng(7).standard_normal((25, 2, 6)) + 4.0
    for k in (2, 3):
        found = pca.svd(X, k)
        U, s, Vt = np.linalg.svd(X.reshape(50, 6), full_matrices=False)
        sign = np.sign(np.sum(found.axes * Vt[:k], axis=1))
        np.testing.assert_allclose(found.curves.reshape(50, k), U[:, :k] * s[:k] * sign, atol=1e-10)
        np.testing.assert_allclose(found.values, s[:k], rtol=1e-12)
        np.testing.assert_allclose(pca.project(found, X), found.curves, atol=1e-12)
    constant = pca.svd(np.full((10, 3), 2.0), 1)
    np.testing.assert_allclose(constant.curves, np.full((10, 1), 2 * np.sqrt(3)))


# ---- dimension and angles


def test_participation_ratio():
    assert pca.dimension(with_covariance(np.full(7, 2.0), orthogonal(7))).participation_ratio == pytest.approx(7.0)
    assert pca.dimension(with_covariance([2.0, 1.0], orthogonal(2))).participation_ratio == pytest.approx(9 / 5)
    still = pca.dimension(np.ones((9, 3)))
    assert np.isnan(still.participation_ratio) and still.components == 0


def test_number_of_components_for_a_share():
    X = with_covariance([0.6, 0.3, 0.06, 0.04], orthogonal(4))
    for share, n in ((0.5, 1), (0.6, 1), (0.61, 2), (0.95, 3), (0.96, 3), (0.97, 4), (1.0, 4)):
        assert pca.dimension(X, share).components == n
    np.testing.assert_allclose(pca.dimension(X).ratio, [0.6, 0.3, 0.06, 0.04], atol=1e-12)


def test_principal_angles_of_a_rotated_plane():
    angles = np.array([0.7, 0.2])
    Q = orthogonal(6)
    first = Q[:2]
    second = np.cos(angles)[:, None] * Q[:2] + np.sin(angles)[:, None] * Q[2:4]
    one = with_covariance([4.0, 1.0], first) + 5.0  # each phase has its own mean
    two = with_covariance([2.0, 1.0], second, samples=50, seed=1) - np.arange(6)
    found = pca.principal_angles(one, two, 2)
    np.testing.assert_allclose(found.angles, angles, atol=1e-10)
    np.testing.assert_allclose(np.linalg.svd(found.first @ found.second.T)[1], np.cos(angles[::-1]), atol=1e-12)
    np.testing.assert_allclose(pca.principal_angles(one, one + 1.0, 2).angles, 0.0, atol=1e-7)
    np.testing.assert_allclose(pca.principal_angles(one, two, 1).angles, np.arccos(np.abs(found.first[0] @ found.second[0])))


def test_the_angle_of_the_readout():
    Q = orthogonal(5)
    X = with_covariance([3.0, 2.0], Q[:2]) + 1.0
    W_out = 7.0 * np.stack([Q[1], Q[4], np.cos(0.3) * Q[0] + np.sin(0.3) * Q[3]])
    found = pca.readout_angle(W_out, X, 2)
    np.testing.assert_allclose(found.angle, [0.0, np.pi / 2, 0.3], atol=1e-12)
    np.testing.assert_allclose(found.share, [1.0, 0.0, np.cos(0.3) ** 2], atol=1e-12)
    np.testing.assert_allclose(pca.readout_angle(Q[1], X, 1).angle, [np.pi / 2], atol=1e-12)


# ---- sequences


def test_sequentiality_of_a_perfect_sequence_by_hand():
    T = 40
    h = np.full((T, T), 0.2) + 0.8 * np.eye(T)  # unit i peaks at step i
    found = activity.sequentiality(h)
    ridge = np.full(T, (1 + 3 * 0.2) / 4)  # p - 2 .. p + 1
    ridge[0], ridge[[1, -1]] = (1 + 0.2) / 2, (1 + 2 * 0.2) / 3  # the window is cut at the ends
    assert found.entropy == pytest.approx(np.log(20))
    np.testing.assert_array_equal(found.peaks, np.arange(T))
    np.testing.assert_allclose(found.ridge_to_background, np.log(ridge) - np.log(0.2))
    assert found.value == pytest.approx(np.log(20) + np.mean(np.log(ridge / 0.2)))
    np.testing.assert_array_equal(activity.peak_order(h[:, ::-1]).order, np.arange(T)[::-1])


def test_sequentiality_of_constant_activity_by_hand():
    found = activity.sequentiality(np.full((30, 6), 0.5))
    q = np.array([6.1] + 19 * [0.1]) / 8.0  # all peak at step 0
    assert found.value == pytest.approx(-(q * np.log(q)).sum())
    np.testing.assert_array_equal(found.ridge_to_background, 0.0)


def test_sequentiality_counts_active_units_only_and_has_floors():
    h = np.zeros((10, 3))
    h[4, 0], h[:, 1], h[7, 2] = 2.0, 0.1, -9.0  # means 0.2, 0.1 and below 0
    found = activity.sequentiality(h)
    np.testing.assert_array_equal(found.units, [0])
    np.testing.assert_allclose(found.ridge_to_background, np.log(0.5) - np.log(1e-6))
    assert np.isnan(activity.sequentiality(h, threshold=1.0).value)
    assert activity.sequentiality(h, threshold=0.05).units.tolist() == [0, 1]
    h[:, 1] = 0.125
    assert activity.sequentiality(h, threshold=0.125).units.tolist() == [0]  # above, not at


def test_the_bins_of_peaks_go_up_to_the_end_of_the_trial():
    h = np.full((30, 2), 0.5)
    h[15, 0] = h[16, 1] = 1.0  # both in bin 10, [15, 16.5)
    q = np.array([2.1] + 19 * [0.1]) / 4.0
    assert activity.sequentiality(h).entropy == pytest.approx(-(q * np.log(q)).sum())


def test_the_order_of_peaks_keeps_ties_by_number():
    h = np.zeros((6, 4))
    h[3, 0] = h[1, 1] = h[3, 2] = h[5, 3] = h[2, 1] = 1.0
    found = activity.peak_order(h)
    np.testing.assert_array_equal(found.peaks, [3, 1, 3, 5])
    np.testing.assert_array_equal(found.order, [1, 0, 2, 3])


# ---- contexts


def test_task_variance_by_hand():
    states = np.zeros((5, 6, 4))
    contexts = ["xor", "and", "and", "xor", "or", "or"]
    states[:, 1, 0], states[:, 2, 0] = 1.0, -1.0  # unit 0: AND alone, variance 1
    states[:, ::2, 1] = 2.0  # unit 1: all contexts alike, variance 1
    states[:, 0, 2], states[:, 4, 2] = 4.0, 2.0  # unit 2: XOR 4, OR 1
    states[:, :, 3] = np.arange(5)[:, None]  # unit 3: changes in time, not with the stimulus
    found = activity.task_variance(states, contexts)
    assert found.contexts.tolist() == ["and", "or", "xor"]
    np.testing.assert_allclose(found.variance, [[1, 0, 0], [1, 1, 1], [0, 1, 4], [0, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(found.normalised, [[1, 0, 0], [1, 1, 1], [0, 0.25, 1], [0, 0, 0]], atol=1e-15)
    assert found.active.tolist() == [True, True, True, False]
    np.testing.assert_allclose(found.spread, [0, 1, (25 / 17 - 1) / 2, np.nan])


def test_clusters_find_three_groups_and_name_the_largest_first():
    rng = np.random.default_rng(8)
    truth = np.repeat([2, 0, 1], [5, 12, 8])
    rows = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])[truth] + 0.05 * rng.standard_normal((25, 3))
    shuffle = rng.permutation(25)
    found = activity.clusters(rows[shuffle])
    np.testing.assert_array_equal(found.labels, truth[shuffle])
    assert found.counts[np.argmax(found.silhouette)] == 3
    assert (np.diff(found.labels[found.order]) >= 0).all() and sorted(found.order) == list(range(25))
    assert len(np.unique(activity.clusters(rows, 5).labels)) == 5
    assert activity.clusters(rows, 1).silhouette.tolist() == [0.0]


def test_silhouette_by_hand():
    # two pairs on a line, at 0, 1 and 10, 12
    found = activity.clusters([[0.0], [1.0], [10.0], [12.0]], 2)
    expected = np.mean([(11 - 1) / 11, (10 - 1) / 10, (9.5 - 2) / 9.5, (11.5 - 2) / 11.5])
    np.testing.assert_allclose(found.silhouette, [expected])
    alone = activity.clusters([[0.0], [1.0], [10.0]], 2)
    np.testing.assert_allclose(alone.silhouette, [(9 / 10 + 8 / 9) / 3])


def test_mixed_selectivity_by_hand():
    context, stimulus = np.meshgrid([-1.0, 1.0], [-1.0, 1.0], indexing="ij")
    one = np.full_like(context, 0.1)
    units = [context, 3 * stimulus, context + stimulus, context * stimulus, context + 2 * stimulus + context * stimulus, one]
    found = activity.mixed_selectivity(np.stack(units, axis=2) + 5.0)
    np.testing.assert_allclose(found.context, [1, 0, 0.5, 0, 1 / 6, np.nan], atol=1e-12)
    np.testing.assert_allclose(found.stimulus, [0, 1, 0.5, 0, 4 / 6, np.nan], atol=1e-12)
    np.testing.assert_allclose(found.interaction, [0, 0, 0, 1, 1 / 6, np.nan], atol=1e-12)
    np.testing.assert_allclose(found.linear, [0, 0, 1, 0, 1 / 3, np.nan], atol=1e-12)


def test_the_dimension_of_each_context():
    states = np.stack(
        [circle(50), circle(50, seed=1), np.outer(np.arange(50), np.ones(6)), np.outer(np.arange(50), np.ones(6))], axis=1
    )
    found = activity.context_dimension(states[:, [2, 0, 3]], [7, 3, 7])
    assert found.contexts.tolist() == [3, 7]
    np.testing.assert_allclose(found.participation_ratio, [2.0, 1.0])
    assert found.components.tolist() == [2, 1]


def test_an_orbit_in_a_plane_and_one_that_leaves_it():
    flat = activity.plane(circle(99, turns=3.0))
    assert flat.confined and flat.outside < 1e-12 and flat.farthest < 1e-6
    assert abs(flat.turns) == pytest.approx(3 * 98 / 99)
    np.testing.assert_allclose(np.linalg.norm(flat.curves, axis=1), 1.0)
    bent = circle(100)
    angle = 2 * np.pi * np.arange(100) / 100
    bent += 0.5 * np.cos(2 * angle)[:, None] * orthogonal(6)[3]
    found = activity.plane(bent)
    assert not found.confined
    assert found.outside == pytest.approx(0.125 / 1.125)
    assert found.farthest == pytest.approx(0.5 / np.sqrt(1.125))
    assert activity.plane(bent, tolerance=0.2).confined
    line = activity.plane(np.outer(np.arange(5.0), [1, 2, 3]))
    assert line.confined and line.turns == 0
    assert activity.plane(np.ones((4, 3)))[:1] == (True,)


def test_the_published_and_network_ends_on_a_closed_orbit_about_a_plane(author_networks):
    net = mr.Network.load(author_networks / "and_n50_ortho_04.npz")
    h, _ = net.run(np.concatenate([tasks.And().conditions().x[:, 1:2], np.zeros((1300, 1, 2))]))  # type 10
    found = activity.plane(h[-370:, 0])
    assert abs(found.turns) == pytest.approx(0.369 * 13.548, abs=0.01)  # 13.548 Hz
    assert found.confined and found.outside == pytest.approx(0.0029, abs=1e-4)


# ---- what they accept

X = np.random.default_rng(9).standard_normal((12, 4))
S = np.random.default_rng(9).standard_normal((6, 4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pca.pca(X[:, 0]), ValueError, r"states must have 2 or 3 dimensions.*\(12,\)"),
        (lambda: pca.pca(X.astype(complex)), TypeError, "states must be an array of real numbers, got dtype complex128"),
        (lambda: pca.pca(X * np.nan), ValueError, "states must be finite"),
        (lambda: pca.pca(X, 5), ValueError, "k must be from 1 to 4, got 5"),
        (lambda: pca.pca(X, 2.0), TypeError, "k must be an integer, got float"),
        (lambda: pca.pca(X, convention="keras"), ValueError, "convention must be one of textbook, authors, got 'keras'"),
        (lambda: pca.pca(X[:1]), ValueError, "states must have at least 2 moments"),
        (lambda: pca.pca(X[:, :1], convention="authors"), ValueError, "states must have at least 2 units"),
        (lambda: pca.svd(X, 0), ValueError, "k must be from 1 to 4, got 0"),
        (lambda: pca.project(pca.pca(X), X[:, :3]), ValueError, r"states must be \(\.\., 4\).*\(12, 3\)"),
        (lambda: pca.dimension(X, 0.0), ValueError, "share must be a number above 0"),
        (lambda: pca.principal_angles(X, X[:, :3], 2), ValueError, "second must have the 4 units of first, got 3"),
        (lambda: pca.principal_angles(X, np.outer(X[:, 0], X[0]), 2), ValueError, "second must vary in at least k = 2 .* got 1"),
        (lambda: pca.principal_angles(X[:1], X, 1), ValueError, "first must have at least 2 moments"),
        (lambda: pca.readout_angle(np.ones(3), X, 1), ValueError, r"W_out must be \(O, 4\)"),
        (
            lambda: pca.readout_angle([[1, 0, 0, 0], [0, 0, 0, 0]], X, 1),
            ValueError,
            "W_out must have no row of zeros, got one at 1",
        ),
        (lambda: activity.sequentiality(S), ValueError, "h must have 2 dimensions"),
        (lambda: activity.sequentiality(X[:7]), ValueError, "h must have at least 8 steps.* got 7"),
        (lambda: activity.peak_order(S), ValueError, "h must have 2 dimensions"),
        (lambda: activity.task_variance(S, [0, 0, 1]), ValueError, r"contexts must be \(4,\).*\(3,\)"),
        (lambda: activity.task_variance(S, [0, 0, 0, 1]), ValueError, "contexts must have at least 2 trials each, got 1 of 1"),
        (lambda: activity.clusters(X[:2]), ValueError, "rows must be at least 3, got 2"),
        (lambda: activity.clusters(X, 13), ValueError, "n must be from 1 to 12, got 13"),
        (lambda: activity.mixed_selectivity(S[:1]), ValueError, "responses must be .* at least 2 of both"),
        (lambda: activity.plane(X[:2]), ValueError, "states must be .* M >= 3"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- pictures


def test_epochs_follow_the_times_of_the_task():
    assert drawn.epochs(30, 20, 20, 200) == {"initial": (0, 30), "stimulus": (30, 50), "gap": (50, 70), "final": (70, 200)}
    assert drawn.epochs(30, 20, 0, 40, dt=2.0) == {"initial": (0, 15), "stimulus": (15, 25), "final": (25, 40)}


def test_units_and_heat_map_draw_what_they_return(tmp_path):
    h = np.random.default_rng(10).standard_normal((20, 30))
    h[:, 4] = 0.5
    made, axes = figure(1, 3, 12, 4)
    shown = drawn.units(axes[0, 0], h, dt=2.0, n=25, spans={"a": (0, 5), "b": (5, 20)})
    assert len(shown) == 25 and shown[0] == 0 and shown[-1] == 29
    courses = [line for line in axes[0, 0].get_lines() if len(line.get_xdata()) == 20]
    for unit, line in zip(shown, courses, strict=True):
        np.testing.assert_allclose(line.get_ydata() - np.mean(line.get_ydata()), h[:, unit] - h[:, unit].mean(), atol=1e-12)
    order = activity.peak_order(h).order
    image, values = drawn.heat_map(axes[0, 1], h, order, dt=2.0)
    np.testing.assert_array_equal(image.get_array(), values)
    assert (np.diff(np.argmax(values, axis=1)) >= 0).all()
    assert not values[list(order).index(4)].any()  # a constant unit has no course
    assert tuple(image.get_extent()) == (0, 40, 29.5, -0.5)
    image, values = drawn.heat_map(axes[0, 2], h, order, normalise=False)
    np.testing.assert_array_equal(values, h.T[order])
    assert image.get_clim() == (-np.abs(h).max(), np.abs(h).max())
    save(made, tmp_path / "f.png")


@pytest.mark.parametrize("three", [False, True])
@pytest.mark.parametrize("convention", ["textbook", "authors"])
def test_a_trajectory_has_epochs_ends_and_fixed_points(three, convention, tmp_path):
    made, axes = figure(1, 1, 5, 4, subplot_kw={"projection": "3d"} if three else {})
    ax, K = axes[0, 0], 2 + three
    curves = np.random.default_rng(11).standard_normal((200, K)).cumsum(axis=0)
    drawn.trajectory(
        ax, curves, drawn.epochs(30, 20, 20, 200), convention=convention, stable=curves[-1:], unstable=np.zeros((2, K)),
        marks={"v1": 40},
    )  # fmt: skip
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert {"initial", "stimulus", "gap", "final", "start", "stop", "stable fixed point", "unstable fixed point"} <= set(lines)
    data = {name: np.array(line.get_data_3d() if three else line.get_data()).T for name, line in lines.items()}
    np.testing.assert_array_equal(data["stimulus"], curves[30:51])  # as far as the first point of the gap
    np.testing.assert_array_equal(data["final"], curves[70:])
    np.testing.assert_array_equal(data["start"], curves[:1])
    np.testing.assert_array_equal(data["stop"], curves[-1:])
    assert data["unstable fixed point"].shape == (2, K)
    colours = [lines[name].get_color() for name in ("initial", "stimulus", "gap", "final", "start", "stop")]
    assert len(set(colours)) >= 5
    if convention == "authors":
        assert colours == ["yellow", "magenta", "red", "green", "red", "blue"]
        assert not three or (ax.elev, ax.azim) == (10, 70)
    save(made, tmp_path / "f.png")
    with pytest.raises(ValueError, match=rf"curves must be \(T, {K}\)"):
        drawn.trajectory(ax, curves[:, :1])
    with pytest.raises(ValueError, match="convention must be one of"):
        drawn.trajectory(ax, curves, convention="keras")


def test_panels_have_a_row_per_trial(tmp_path):
    rng = np.random.default_rng(12)
    trials = tasks.And().conditions()
    h = rng.standard_normal((200, 4, 30))
    spans = drawn.epochs(30, 20, 20, 200)
    made = drawn.panels(trials.x, trials.target, trials.target, h, pca.pca(h, 3).curves, spans, ["00", "10", "01", "11"])
    assert len(made.axes) == 12
    assert sum(ax.name == "3d" for ax in made.axes) == 4
    save(made, tmp_path / "f.png")


def test_connectivity_is_sorted_by_sign_and_within_it_by_strength():
    signs = np.array([1, -1, 1, -1])
    W = np.array([1.0, 3.0, 2.0, 4.0]) * signs * np.ones((4, 4))
    _, axes = figure(1, 2, 8, 4)
    for ax, given in ((axes[0, 0], signs), (axes[0, 1], None)):
        image, order = drawn.connectivity(ax, W, given)
        assert order.tolist() == [2, 0, 3, 1]
        np.testing.assert_array_equal(image.get_array(), W[np.ix_(order, order)])
        assert ax.get_lines()[0].get_xdata()[0] == 1.5


def test_task_variance_is_drawn_by_cluster():
    _, axes = figure(1, 1, 6, 3)
    variance = np.array([[1.0, 0.2], [0.1, 1.0], [1.0, 0.3]])
    image = drawn.task_variance(axes[0, 0], variance, ["and", "or"], np.array([0, 2, 1]), np.array([0, 1, 0]))
    np.testing.assert_array_equal(image.get_array(), variance[[0, 2, 1]].T)
    assert [label.get_text() for label in axes[0, 0].get_yticklabels()] == ["and", "or"]
    assert {line.get_xdata()[0] for line in axes[0, 0].get_lines()} == {1.5}


def test_a_schema_has_units_and_arrows(tmp_path):
    made, axes = figure(1, 2, 10, 4)
    places = drawn.schema(axes[0, 0])
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1.0)
    connections = np.eye(5, dtype=bool)
    connections[0, 1] = True
    drawn.schema(axes[0, 1], ("A", "B", "context"), ("z",), n=5, signs=np.array([1, -1, 1, 1, 1]), connections=connections)
    kinds = [type(patch).__name__ for patch in axes[0, 1].patches]
    assert kinds.count("Circle") == 5 + 1
    assert kinds.count("FancyArrowPatch") == 1 + 3 + 1  # one connection, inputs, output
    assert {text.get_text() for text in axes[0, 1].texts} >= {"A", "B", "context", "z"}
    save(made, tmp_path / "f.png")
