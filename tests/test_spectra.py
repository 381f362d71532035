"""Spectra and weight statistics against closed forms, examples by hand, and what the authors publish of their networks."""

import csv

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from minirnn import plots
from minirnn.analysis import spectra, weights
from minirnn.plots import spectra as drawn

SEEDS = st.integers(0, 10_000)


def rotation(angle, modulus=1.0):
    return modulus * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def blocks(*parts):
    """A block-diagonal matrix."""
    W = np.zeros((sum(len(p) for p in parts),) * 2)
    k = 0
    for part in parts:
        W[k : k + len(part), k : k + len(part)] = part
        k += len(part)
    return W


def orthogonal(N, rng):
    Q, R = np.linalg.qr(rng.standard_normal((N, N)))
    return Q * np.sign(np.diag(R))


def ei(N, excitatory, start, rng):
    """A start with the entries of wrong sign set to 0; columns send."""
    A = orthogonal(N, rng) if start == "orthogonal" else rng.standard_normal((N, N)) / np.sqrt(N)
    positive = np.arange(N) < round(excitatory * N)
    return np.where(positive == (A > 0), A, 0.0)


@pytest.fixture
def and_14(author_networks):
    with np.load(author_networks / "and_n50_ortho_14.npz") as data:
        return data["W_rec"], data["W_rec_initial"]


@pytest.fixture
def xor_table(author_networks):
    with open(author_networks / "xor_random_normal_16_networks.csv") as file:
        rows = list(csv.DictReader(file))
    return {
        stage: {key: np.array([float(row[key]) for row in rows if row["stage"] == stage]) for key in rows[0] if key != "stage"}
        for stage in ("initial", "trained")
    }


# ---- what the authors publish


def test_the_published_numbers_of_and_14(and_14):
    W, W_initial = and_14
    moments = weights.moments(W, convention="authors")
    assert [round(m, 4) for m in moments] == [0.0017, 0.1409, 0.4836, -1.2993]
    found = spectra.spectrum(W, convention="authors")
    assert found.largest_real == pytest.approx(1.1486825, abs=5e-8)
    assert found.largest_complex == pytest.approx(0.3264934 + 0.9494586j, abs=7e-8)
    assert round(found.frequency, 2) == 462.83
    textbook = spectra.spectrum(W)
    assert textbook.largest_real == found.largest_real
    assert textbook.largest_complex == found.largest_complex
    assert textbook.frequency == pytest.approx(1000 * np.arctan2(0.9494586, 0.3264934) / (2 * np.pi), rel=1e-6)
    np.testing.assert_allclose(textbook.eigenvalues[textbook.outliers], [1.1487, 1.1022, 1.0281], atol=5e-5)
    assert not textbook.eigenvalues[textbook.outliers].imag.any()
    assert spectra.normality(W_initial).henrici < 1e-7


@pytest.mark.parametrize(
    ("network", "outliers"),
    [
        ("and_n50_ortho_04", [1.104, 1.104 + 0.099j]),
        ("osc_n50_ortho_01", [1.089 + 0.190j, 0.040 + 1.119j]),
    ],
)
def test_the_outliers_of_published_networks(author_networks, network, outliers):
    with np.load(author_networks / f"{network}.npz") as data:
        found = spectra.spectrum(data["W_rec"])
    for value in outliers:
        assert np.abs(found.eigenvalues[found.outliers] - value).min() < 7e-4


def test_the_frequencies_of_a_published_oscillation(author_networks):
    with np.load(author_networks / "osc_n50_ortho_01.npz") as data:
        values = spectra.spectrum(data["W_rec"]).eigenvalues[[0, 2]]
    np.testing.assert_allclose(spectra.frequencies(values), [244, 27.50], rtol=2e-3)
    np.testing.assert_allclose(spectra.frequencies(values, convention="authors"), [4498, 27.77], rtol=2e-4)


@pytest.mark.parametrize(
    ("network", "relative", "share"),  # measured, to their digits
    [
        ("and_n50_ortho_04", 0.077, 0.669),
        ("and_n50_ortho_14", 0.074, 0.716),
        ("ff_n50_ortho_06", 0.129, 0.735),
        ("xor_n50_ortho_00", 0.086, 0.606),
    ],
)
def test_training_moves_published_networks_little_and_in_few_directions(author_networks, network, relative, share):
    with np.load(author_networks / f"{network}.npz") as data:
        found = weights.change(data["W_rec"], data["W_rec_initial"])
    assert found.relative_norm == pytest.approx(relative, abs=5e-4)
    assert found.share == pytest.approx(share, abs=5e-4)
    assert found.ks_p > 0.99
    assert max(found.overlap_right) > 2.5 * found.chance
    assert max(found.overlap_left) > 2.5 * found.chance


def test_regressions_of_the_published_table(xor_table):
    x, y = (xor_table[stage]["henrici_departure"] for stage in ("initial", "trained"))
    found = weights.regression(x, y)
    reference = scipy.stats.linregress(x, y)
    np.testing.assert_allclose(found[:3], (reference.slope, reference.intercept, reference.rvalue), rtol=1e-11)
    np.testing.assert_allclose(found.prediction, reference.slope * x + reference.intercept, rtol=1e-13)
    assert found.rmse == pytest.approx(np.sqrt(np.mean((found.prediction - y) ** 2)), rel=1e-12)
    authors = weights.regression(x, y, convention="authors")
    assert authors[:3] == found[:3]
    assert authors.rmse == pytest.approx(np.sqrt(np.mean((found.prediction - x) ** 2)), rel=1e-12)
    assert abs(authors.rmse - found.rmse) > 1e-4


def test_the_published_tables_skew_and_kurtosis_go_together_as_one_range_in_sigma(xor_table):
    # both are functions of (max - min) / sigma, up to the place of mu within the range
    ranges = np.linspace(5.5, 9.5, 100)
    curve = np.array([weights.moments(symmetric_range(r), convention="authors")[2:] for r in ranges])
    for stage in xor_table.values():
        skew = np.interp(stage["pdf_kurtosis_authors"], curve[:, 1], curve[:, 0])
        np.testing.assert_allclose(skew, stage["pdf_skew_authors"], atol=0.015)


# ---- eigenvalues, outliers, frequencies


@pytest.mark.compiled
def test_random_matrices_fill_the_circle():
    # 20 normal matrices, N = 500: Girko's disc, uniform, so that a share r^2 lies below r
    rng = np.random.default_rng(0)
    moduli = []
    for _ in range(20):
        found = spectra.spectrum(rng.standard_normal((500, 500)) / np.sqrt(500), margin=0.1)
        moduli.append(np.abs(found.eigenvalues))
        assert moduli[-1].max() < 1.1
        assert not found.outliers.any()
    for r in (0.25, 0.5, 0.75, 0.9):
        assert np.mean(np.array(moduli) < r) == pytest.approx(r * r, abs=0.015)


@given(SEEDS, st.integers(1, 12))
def test_eigenvalues_of_an_orthogonal_matrix_lie_on_the_circle(seed, N):
    found = spectra.spectrum(orthogonal(N, np.random.default_rng(seed)))
    np.testing.assert_allclose(np.abs(found.eigenvalues), 1.0, rtol=1e-12)
    assert not found.outliers.any()


def test_a_spectrum_by_hand():
    W = blocks([[1.2]], [[-1.5]], rotation(1.0, 1.1), rotation(2.0, 0.5), [[1.01]])
    found = spectra.spectrum(W)
    c, s = 1.1 * np.cos(1.0), 1.1 * np.sin(1.0)
    e, f = 0.5 * np.cos(2.0), 0.5 * np.sin(2.0)
    np.testing.assert_allclose(found.eigenvalues, [-1.5, 1.2, c + s * 1j, c - s * 1j, 1.01, e + f * 1j, e - f * 1j], rtol=1e-12)
    np.testing.assert_array_equal(found.outliers, [1, 1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(spectra.spectrum(W, margin=0.0).outliers, [1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(spectra.spectrum(W, margin=0.15, radius=0.9).outliers, [1, 1, 1, 1, 0, 0, 0])
    assert found.largest_real == 1.2
    assert found.largest_complex == pytest.approx(c + s * 1j, rel=1e-12)
    assert found.frequency == pytest.approx(1000 / (2 * np.pi), rel=1e-12)
    assert spectra.spectrum(W, dt=4.0).frequency == pytest.approx(250 / (2 * np.pi), rel=1e-12)
    authors = spectra.spectrum(W, convention="authors")
    assert authors.largest_real == -1.5
    assert authors.largest_complex == found.largest_complex
    assert authors.frequency == pytest.approx(1000 * np.tan(1.0) / (2 * np.pi), rel=1e-12)


def test_without_complex_eigenvalues_there_is_no_frequency():
    inside = rotation(1.0, 0.9)
    assert spectra.spectrum(inside).frequency == pytest.approx(1000 / (2 * np.pi), rel=1e-12)
    authors = spectra.spectrum(inside, convention="authors")  # theirs counts from modulus 1 on
    assert np.isnan(authors.largest_complex)
    assert authors.frequency == 0.0
    found = spectra.spectrum(np.diag([0.5, -2.0]))
    assert np.isnan(found.largest_complex)
    assert np.isnan(found.frequency)
    assert found.largest_real == 0.5
    assert spectra.spectrum(np.diag([0.5, -2.0]), convention="authors").largest_real == -2.0


@given(st.floats(0.01, 3.1), st.floats(0.1, 3.0), st.floats(0.5, 20.0))
def test_a_rotation_turns_at_its_angle(angle, modulus, dt):
    values = np.linalg.eigvals(rotation(angle, modulus))
    np.testing.assert_allclose(spectra.frequencies(values, dt), 1000 * angle / (2 * np.pi * dt), rtol=1e-10)
    np.testing.assert_allclose(
        spectra.frequencies(values, dt, convention="authors"), 1000 * abs(np.tan(angle)) / (2 * np.pi * dt), rtol=1e-9
    )


def test_frequencies_of_known_eigenvalues():
    values = [1.089 + 0.190j, 0.040 + 1.119j, 0.5, 0.0, -1.0, 1j, -1 - 1j]
    np.testing.assert_allclose(spectra.frequencies(values), [27.49136, 244.31324, 0, 0, 500, 250, 375], atol=1e-5)
    np.testing.assert_allclose(
        spectra.frequencies(values, convention="authors"), [27.76803, 4452.35932, 0, 0, 0, np.inf, 159.15494], rtol=1e-5
    )
    assert spectra.frequencies(np.full((2, 3), 1j)).shape == (2, 3)


# ---- departure from normality


def test_normality_of_two_units_by_hand():
    found = spectra.normality([[1.0, 2.0], [0.0, 3.0]])  # |W|^2 = 14, sum |lambda|^2 = 10; S = [[1, 1], [1, 3]]
    assert found.henrici == pytest.approx(np.sqrt(4 / 14), rel=1e-14)
    np.testing.assert_allclose(found.symmetric, [2 + np.sqrt(2), 2 - np.sqrt(2)], rtol=1e-14)
    np.testing.assert_allclose(found.singular_values, np.sqrt(7 + np.array([1, -1]) * np.sqrt(40)), rtol=1e-13)
    assert spectra.normality([[0.0, 5.0], [0.0, 0.0]]).henrici == 1.0
    assert spectra.normality(np.zeros((3, 3))).henrici == 0.0
    assert spectra.normality([[1e-200, 2e-200], [0.0, 3e-200]]).henrici == pytest.approx(np.sqrt(4 / 14), rel=1e-12)


@given(SEEDS, st.integers(1, 12))
def test_henrici_is_0_for_normal_matrices(seed, N):
    rng = np.random.default_rng(seed)
    Q = orthogonal(N, rng)
    assert spectra.normality(Q).henrici < 1e-6
    assert spectra.normality(Q @ np.diag(rng.standard_normal(N)) @ Q.T).henrici < 1e-6
    np.testing.assert_allclose(spectra.normality(3 * Q).singular_values, 3.0, rtol=1e-12)


def test_henrici_of_random_normal_matrices_is_about_the_root_of_a_half():
    rng = np.random.default_rng(1)
    found = [spectra.normality(rng.standard_normal((100, 100))).henrici for _ in range(8)]
    assert np.mean(found) == pytest.approx(np.sqrt(0.5), abs=0.008)


@given(SEEDS, st.integers(1, 8))
def test_the_symmetric_part_bounds_growth(seed, N):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((N, N))
    found = spectra.normality(W)
    v = rng.standard_normal(N)
    assert found.symmetric[-1] - 1e-9 <= v @ W @ v / (v @ v) <= found.symmetric[0] + 1e-9
    assert (np.diff(found.symmetric) <= 0).all()


# ---- E/I


def test_the_closed_forms_of_ei_spectra():
    normal, ring = spectra.ei_theory(100, 0.7), spectra.ei_theory(100, 0.7, start="orthogonal")
    assert [round(v, 3) for v in ring] == [0.584, 0.399, 1.596]
    assert normal == (ring.outer, 0.0, ring.outlier)
    s = 0.5 * np.sqrt(1 - 2 / np.pi)  # the same by (1/4 +- s^2)
    assert ring[:2] == pytest.approx((np.sqrt(0.25 + s * s), np.sqrt(0.25 - s * s)), rel=1e-14)
    assert spectra.ei_theory(100).outlier == 0.0
    assert spectra.ei_theory(100, 0.2, gain=2.0) == pytest.approx((2 * ring.outer, 0.0, -3 * ring.outlier), rel=1e-13)


@pytest.mark.compiled
@pytest.mark.parametrize("start", spectra.STARTS)
@pytest.mark.parametrize("excitatory", [0.5, 0.7])
def test_ei_matrices_have_the_radii_of_theory(start, excitatory):
    rng = np.random.default_rng(2)
    found = [spectra.ei_radii(ei(400, excitatory, start, rng)) for _ in range(2)]
    theory = spectra.ei_theory(400, excitatory, start=start)
    outer, inner, by_norm = (np.mean([getattr(f, name) for f in found]) for name in ("outer", "inner", "outer_by_norm"))
    assert outer == pytest.approx(theory.outer, abs=0.012)
    assert by_norm == pytest.approx(theory.outer, abs=0.006)
    if start == "orthogonal":
        assert inner == pytest.approx(theory.inner, abs=0.012)
    else:
        assert inner == pytest.approx(np.sqrt(0.05) * theory.outer, abs=0.012)  # uniform in a disc
    if excitatory == 0.7:
        assert found[0].eigenvalues[0] == pytest.approx(theory.outlier, abs=0.15)


def test_the_authors_radii_are_the_seventh_and_the_smallest_modulus():
    W = np.diag([0.9, -0.8, 0.7, 0.6, 0.5, -0.4, 0.3, 0.2, 0.1, 9e-5])
    found = spectra.ei_radii(W, convention="authors")
    assert found.outer == pytest.approx(0.3, rel=1e-14)
    assert found.inner == 0.0  # 9e-5 counts as 0
    np.testing.assert_allclose(found.moduli, np.sort(np.where(np.abs(np.diag(W)) < 1e-4, 0, np.abs(np.diag(W)))))
    assert found.eigenvalues[-1] == pytest.approx(9e-5)
    assert found.eigenvalues[0] == 0.9


def test_radii_are_read_after_the_column_means_are_taken_away():
    rng = np.random.default_rng(3)
    W = rng.standard_normal((60, 60)) / np.sqrt(60)
    shifted = W + rng.standard_normal(60)
    one, other = spectra.ei_radii(W), spectra.ei_radii(shifted)
    np.testing.assert_allclose(one.moduli[1:], other.moduli[1:], rtol=1e-8)
    assert one[2:] == pytest.approx(other[2:], rel=1e-8)
    assert one.outer == np.quantile(one.moduli, 0.98)
    assert one.inner == np.quantile(one.moduli, 0.05)
    assert abs(other.eigenvalues[0]) > 1.5 * abs(one.eigenvalues[0])


# ---- active units


@given(SEEDS, st.integers(1, 8), st.integers(1, 6))
def test_active_units_have_the_eigenvalues_of_the_step_that_are_not_0(seed, N, T):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((N, N))
    rates = np.maximum(rng.standard_normal((T, N)), 0)
    found = spectra.active_units(W, rates)
    np.testing.assert_array_equal(found.active, rates > 0)
    np.testing.assert_array_equal(found.n_active, (rates > 0).sum(axis=1))
    np.testing.assert_array_equal(found.steps, np.arange(T))
    for t in range(T):
        n = found.n_active[t]
        assert np.isnan(found.eigenvalues[t, n:]).all()
        whole = np.concatenate([found.eigenvalues[t, :n], np.zeros(N - n)])
        coefficients = np.poly(np.diag(rates[t] > 0) @ W)
        np.testing.assert_allclose(np.poly(whole), coefficients, atol=1e-9 * np.abs(coefficients).max())
    some = spectra.active_units(W, rates, [T - 1, 0])
    np.testing.assert_array_equal(some.eigenvalues, found.eigenvalues[[T - 1, 0]])
    np.testing.assert_array_equal(some.steps, [T - 1, 0])


def test_active_units_by_hand():
    W = [[0.5, 9.0, 0.0], [0.0, -2.0, 1.0], [7.0, -1.0, -2.0]]
    found = spectra.active_units(W, [[1, 0, 0], [0, 0.1, 3], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(found.n_active, [1, 2, 0, 1])
    nan = complex(np.nan, np.nan)
    np.testing.assert_allclose(found.eigenvalues, [[0.5, nan, nan], [-2 + 1j, -2 - 1j, nan], [nan] * 3, [0.5, nan, nan]])


# ---- paths


@given(SEEDS, st.integers(1, 7), st.integers(1, 6))
def test_paths_are_found_again_after_shuffling(seed, N, E):
    rng = np.random.default_rng(seed)
    start = 10 * (np.arange(N) + 1j * rng.standard_normal(N))
    true = start + np.cumsum(0.3 * np.exp(2j * np.pi * rng.random((E, N))), axis=0)
    shuffled = np.array([rng.permutation(row) for row in true])
    shuffled[0] = true[0]
    found = spectra.paths(shuffled)
    np.testing.assert_array_equal(found.paths, true)
    np.testing.assert_allclose(found.length, 0.3 * (E - 1), atol=1e-12)
    np.testing.assert_array_equal(np.take_along_axis(shuffled, found.order, axis=1), true)


def test_paths_match_all_together_not_one_by_one():
    # 0.6 is the nearest to both; 1 has the shorter way, but 0 would have to go to 1.9: 2.3 in all against 1.5
    found = spectra.paths([[1.0, 0.0], [0.6, 1.9]])
    np.testing.assert_array_equal(found.paths, [[1.0, 0.0], [1.9, 0.6]])
    np.testing.assert_array_equal(found.order, [[0, 1], [1, 0]])
    np.testing.assert_allclose(found.length, [0.9, 0.6])


# ---- moments


def symmetric_range(r):
    """Entries of sigma 1 and mean 0 in [-r/2, r/2]: two at the ends, the rest balanced at +-c."""
    n = 10_000
    c = np.sqrt((n - r * r / 2) / (n - 2))
    return np.concatenate([[-r / 2, r / 2], np.tile([-c, c], (n - 2) // 2)])


@pytest.mark.parametrize(
    ("r", "skew", "kurtosis"), [(6, 0.398, -1.366), (7, 0.607, -1.174), (8, 0.795, -0.918), (9, 0.964, -0.619)]
)
def test_the_authors_skew_tells_the_range_in_sigma(r, skew, kurtosis):
    found = weights.moments(symmetric_range(r), convention="authors")
    assert found.sigma == pytest.approx(1.0, rel=1e-13)
    assert found.mu == pytest.approx(0.0, abs=1e-15)
    assert [round(found.skew, 3), round(found.kurtosis, 3)] == [skew, kurtosis]
    assert abs(weights.moments(symmetric_range(r)).skew) < 1e-12


@given(SEEDS, st.integers(2, 12))
def test_moments_are_the_textbook_ones(seed, N):
    W = np.random.default_rng(seed).gamma(2.0, size=(N, N))
    found = weights.moments(W)
    w = W.ravel()
    np.testing.assert_allclose(found, (w.mean(), w.std(), scipy.stats.skew(w), scipy.stats.kurtosis(w)), rtol=1e-9, atol=1e-12)
    authors = weights.moments(W, bins=50, convention="authors")
    p = scipy.stats.norm.pdf(np.linspace(w.min(), w.max(), 51), w.mean(), w.std())
    np.testing.assert_allclose(authors, (*found[:2], scipy.stats.skew(p), scipy.stats.kurtosis(p)), rtol=1e-9, atol=1e-9)


def test_moments_by_hand():
    found = weights.moments([0.0, 0.0, 0.0, 4.0])  # mu 1, sigma^2 3, third moment 6, fourth 21
    np.testing.assert_allclose(found, (1, np.sqrt(3), 6 / 3**1.5, 21 / 9 - 3), rtol=1e-14)
    for convention in spectra.CONVENTIONS:
        flat = weights.moments(np.full((3, 3), 0.1), convention=convention)
        assert flat[:2] == (0.1, 0.0)
        assert np.isnan(flat[2:]).all()


# ---- histograms


def test_the_histogram_and_its_normal_distribution():
    W = np.random.default_rng(4).standard_normal((30, 30)) / np.sqrt(30)
    found = weights.histogram(W)
    assert found.counts.sum() == 900
    assert len(found.edges) == 201
    assert (found.edges[0], found.edges[-1]) == (W.min(), W.max())
    assert (found.density * np.diff(found.edges)).sum() == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(found.gaussian, scipy.stats.norm.pdf(found.edges, W.mean(), W.std()), rtol=1e-12)
    assert (found.mu, found.sigma) == weights.moments(W)[:2]


def test_signs_have_a_histogram_each():
    found = weights.signed_histograms([[0.0, 0.004, -0.0049], [0.005, -0.1, -0.2], [0.105, 0.02, 0.0]], bins=2)
    np.testing.assert_allclose(found.edges, [0.005, 0.1025, 0.2], rtol=1e-13)
    np.testing.assert_array_equal(found.positive, [2, 1])
    np.testing.assert_array_equal(found.negative, [1, 1])
    assert found.left_out == 4
    everything = weights.signed_histograms([0.0, 1e-9, -1.0], bins=1, cut=0.0)
    assert (everything.positive[0], everything.negative[0], everything.left_out) == (1, 1, 1)


# ---- change


def test_a_planted_change_of_rank_one_is_found():
    rng = np.random.default_rng(5)
    N = 40
    W_initial = 0.3 * orthogonal(N, rng)
    u, m = (v / np.linalg.norm(v) for v in rng.standard_normal((2, N)))
    m = (m + 2 * u) / np.linalg.norm(m + 2 * u)
    W = W_initial + 2.0 * np.outer(u, m)
    found = weights.change(W, W_initial, leading=1)
    np.testing.assert_allclose(found.change, 2.0 * np.outer(u, m), atol=1e-15)
    assert found.relative_norm == pytest.approx(2.0 / (0.3 * np.sqrt(N)), rel=1e-12)
    assert found.singular_values[0] == pytest.approx(2.0, rel=1e-12)
    assert found.share == pytest.approx(1.0, rel=1e-12)
    assert len(found.outliers) == 1
    values, v = np.linalg.eig(W)
    values_left, y = np.linalg.eig(W.T)
    assert found.outliers[0] == pytest.approx(values[np.argmax(abs(values))], rel=1e-10)
    assert found.overlap_right[0] == pytest.approx(abs(v[:, np.argmax(abs(values))] @ u), rel=1e-10)
    assert found.overlap_left[0] == pytest.approx(abs(y[:, np.argmax(abs(values_left))] @ m), rel=1e-10)
    assert abs(found.overlap_right[0] - found.overlap_left[0]) > 1e-3
    assert found.chance == pytest.approx(1 / np.sqrt(N))
    assert weights.change(W, W_initial, leading=N).overlap_right == pytest.approx([1.0])


def test_the_share_is_of_squares_and_the_ks_of_entries():
    found = weights.change(np.diag([4.0, 2.0, 1.0]), np.eye(3), leading=1, margin=1.5)
    np.testing.assert_allclose(found.singular_values, [3, 1, 0])
    assert found.share == pytest.approx(0.9)
    assert found.relative_norm == pytest.approx(np.sqrt(10 / 3))
    np.testing.assert_array_equal(found.outliers, [4.0])
    assert found.ks_statistic == pytest.approx(2 / 9)  # at w = 1: 7 of 9 entries against all
    apart = weights.change(np.full((5, 5), 9.0), np.eye(5))
    assert apart.ks_statistic == 1.0
    assert apart.ks_p < 1e-10


def test_no_change_is_not_a_direction():
    found = weights.change(2 * np.eye(5), 2 * np.eye(5))
    assert found.relative_norm == 0.0
    assert np.isnan(found.share)
    assert np.isnan(found.overlap_right).all()
    assert np.isnan(found.overlap_left).all()
    assert (found.ks_statistic, found.ks_p) == (0.0, 1.0)


def test_a_change_of_one_entry_is_told_without_a_warning():
    before = np.random.default_rng(0).standard_normal((20, 20))
    after = before.copy()
    after[0, 0] += 1e-3
    assert weights.change(after, before).ks_p == pytest.approx(1.0)


# ---- regressions


def test_a_regression_by_hand():
    found = weights.regression([0.0, 1.0, 2.0], [1.0, 2.0, 6.0])  # slope 5/2, intercept 1/2, residuals 1/2, -1, 1/2
    assert found[:2] == pytest.approx((2.5, 0.5))
    assert found.r == pytest.approx(5 / np.sqrt(2 * 14))
    np.testing.assert_allclose(found.prediction, [0.5, 3.0, 5.5])
    assert found.rmse == pytest.approx(np.sqrt(1.5 / 3))
    authors = weights.regression([0.0, 1.0, 2.0], [1.0, 2.0, 6.0], convention="authors")
    assert authors.rmse == pytest.approx(np.sqrt((0.5**2 + 2**2 + 3.5**2) / 3))
    assert np.isnan(np.hstack(weights.regression([1.0, 1.0], [1.0, 2.0]))).all()
    assert np.isnan(weights.regression([1.0, 2.0], [3.0, 3.0]).r)


@pytest.mark.parametrize("convention", spectra.CONVENTIONS)
def test_each_moment_is_regressed_over_the_ensemble(convention):
    rng = np.random.default_rng(6)
    before = [rng.standard_normal((10, 10)) for _ in range(5)]
    after = [2 * W + 0.1 * rng.standard_normal((10, 10)) + 1.0 for W in before]
    found = weights.moment_regressions(before, after, convention=convention)
    for name in weights.Moments._fields:
        x, y = ([getattr(weights.moments(W, convention=convention), name) for W in side] for side in (before, after))
        np.testing.assert_array_equal(getattr(found.initial, name), x)
        np.testing.assert_array_equal(getattr(found.trained, name), y)
        for one, other in zip(getattr(found, name), weights.regression(x, y, convention=convention), strict=True):
            np.testing.assert_array_equal(one, other)
    assert found.mu.slope == pytest.approx(2.0, abs=0.3)
    assert found.mu.intercept == pytest.approx(1.0, abs=0.05)


# ---- what they accept


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: spectra.spectrum(np.ones((2, 3))), ValueError, r"W_rec must be \(N, N\) with N > 0, got \(2, 3\)"),
        (lambda: spectra.spectrum(np.ones((0, 0))), ValueError, r"W_rec must be \(N, N\) with N > 0, got \(0, 0\)"),
        (lambda: spectra.spectrum([[np.nan]]), ValueError, r"W_rec must be finite, got nan at index \(0, 0\)"),
        (lambda: spectra.spectrum("W"), TypeError, "W_rec must be an array of real numbers, got dtype <U1"),
        (lambda: spectra.spectrum([[1j]]), TypeError, "W_rec must be an array of real numbers, got dtype complex128"),
        (lambda: spectra.spectrum([[1.0]], margin=-0.1), ValueError, "margin must be finite and >= 0, got -0.1"),
        (lambda: spectra.spectrum([[1.0]], radius="1"), TypeError, "radius must be a number, got str"),
        (lambda: spectra.spectrum([[1.0]], dt=0.0), ValueError, "dt must be finite and > 0, got 0.0"),
        (lambda: spectra.spectrum([[1.0]], convention="mine"), ValueError, "one of textbook, authors, got 'mine'"),
        (lambda: spectra.frequencies([np.inf]), ValueError, "eigenvalues must be finite"),
        (lambda: spectra.frequencies(["f"]), TypeError, "eigenvalues must be an array of numbers"),
        (lambda: spectra.frequencies([1j], -1), ValueError, "dt must be finite and > 0, got -1"),
        (lambda: spectra.frequencies([1j], convention=None), ValueError, "convention must be one of"),
        (lambda: spectra.normality([1.0]), ValueError, r"W_rec must be \(N, N\)"),
        (lambda: spectra.ei_radii(np.eye(6), convention="authors"), ValueError, "W_rec must have N >= 7 .* got N = 6"),
        (lambda: spectra.ei_radii(np.eye(9), convention="?"), ValueError, "convention must be one of"),
        (lambda: spectra.ei_theory(0), ValueError, "N must be at least 1, got 0"),
        (lambda: spectra.ei_theory(2.0), TypeError, "N must be an integer, got float"),
        (lambda: spectra.ei_theory(9, 70), ValueError, "excitatory must be a share from 0 to 1, got 70"),
        (lambda: spectra.ei_theory(9, start="haar"), ValueError, "start must be one of normal, orthogonal, got 'haar'"),
        (lambda: spectra.ei_theory(9, gain=True), TypeError, "gain must be a number, got bool"),
        (lambda: spectra.active_units(np.eye(3), np.ones((4, 2))), ValueError, r"rates must be \(T, 3\).*got \(4, 2\)"),
        (lambda: spectra.active_units(np.eye(2), np.ones((4, 2)), [4]), ValueError, r"steps must be from 0 to 3, got \[4\]"),
        (lambda: spectra.active_units(np.eye(2), np.ones((4, 2)), [0.5]), TypeError, "steps must be integers, got dtype float64"),
        (lambda: spectra.active_units(np.eye(2), np.ones((4, 2)), []), ValueError, "steps must be a list of at least one"),
        (lambda: spectra.active_units(np.eye(2), np.ones((0, 2))), ValueError, "steps must be a list of at least one"),
        (lambda: spectra.paths(np.ones(3)), ValueError, r"eigenvalues must be \(epochs, N\)"),
        (lambda: spectra.paths([[np.nan]]), ValueError, "eigenvalues must be finite"),
        (lambda: weights.moments([]), ValueError, r"W must not be empty, got shape \(0,\)"),
        (lambda: weights.moments([1.0], bins=0), ValueError, "bins must be at least 1, got 0"),
        (lambda: weights.moments([1.0], bins=2.5), TypeError, "bins must be an integer, got float"),
        (lambda: weights.moments([1.0], convention=1), ValueError, "convention must be one of"),
        (lambda: weights.histogram(np.ones((2, 2))), ValueError, "W must have entries that differ, got 1.0 in all"),
        (lambda: weights.signed_histograms([0.001, -0.002]), ValueError, "cut must be below the largest .w., 0.002, got 0.005"),
        (lambda: weights.change(np.eye(2), np.eye(3)), ValueError, r"W_initial must be \(2, 2\), as W, got \(3, 3\)"),
        (lambda: weights.change(np.eye(2), np.zeros((2, 2))), ValueError, "W_initial must not be all 0"),
        (lambda: weights.change(np.eye(2), np.eye(2), leading=3), ValueError, "leading must be at most N = 2, got 3"),
        (lambda: weights.change(np.eye(5), np.eye(5), margin=-1), ValueError, "margin must be finite and >= 0"),
        (lambda: weights.regression([1.0], [1.0]), ValueError, r"initial must be \(K,\) with K > 1, got \(1,\)"),
        (lambda: weights.regression([1.0, 2.0], [1.0]), ValueError, r"trained must be \(2,\), as initial, got \(1,\)"),
        (lambda: weights.regression([1, 2], [1, 2], convention="a"), ValueError, "convention must be one of"),
        (lambda: weights.moment_regressions([np.eye(2)] * 2, [np.eye(2)]), ValueError, "as many matrices.*got 2 and 1"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_is_given_stays_as_it_is_and_float32_becomes_float64():
    rng = np.random.default_rng(7)
    W, before = rng.standard_normal((2, 9, 9)).astype(np.float32)
    kept = W.copy()
    for result, wide in zip(
        [f(W) for f in (spectra.spectrum, spectra.normality, spectra.ei_radii, weights.histogram, weights.signed_histograms)],
        [
            f(W.astype(np.float64))
            for f in (spectra.spectrum, spectra.normality, spectra.ei_radii, weights.histogram, weights.signed_histograms)
        ],
        strict=True,
    ):
        for one, other in zip(result, wide, strict=True):
            np.testing.assert_array_equal(one, other)
    assert weights.change(W, before).change.dtype == np.float64
    assert weights.moments(W) == weights.moments(W.astype(np.float64))
    np.testing.assert_array_equal(W, kept)


# ---- pictures


@pytest.fixture
def ax():
    return plots.figure(1, 1, 4, 4)[1][0, 0]


def labelled(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def complex_of(line):
    return np.asarray(line.get_xdata()) + 1j * np.asarray(line.get_ydata())


def test_eigenvalues_are_drawn_before_and_after(ax):
    before = spectra.spectrum(blocks(rotation(0.3), [[1.0]]))
    after = spectra.spectrum(blocks(rotation(0.3, 1.1), [[1.2]]))
    drawn.eigenvalues(
        ax, after.eigenvalues, before.eigenvalues, outliers=np.array([True, False, False]),
        largest_real=after.largest_real, largest_complex=after.largest_complex, title="AND",
    )  # fmt: skip
    lines = labelled(ax)
    np.testing.assert_array_equal(complex_of(lines["before"]), before.eigenvalues)
    np.testing.assert_array_equal(complex_of(lines["after"]), after.eigenvalues[1:])
    np.testing.assert_array_equal(complex_of(lines["outlier"]), after.eigenvalues[:1])
    assert complex_of(lines["largest Re"])[0] == after.largest_real
    assert complex_of(lines["largest complex"])[0] == after.largest_complex
    np.testing.assert_allclose(np.abs(complex_of(ax.get_lines()[0])), 1.0)
    assert set(ax.get_lines()[1].get_xdata()) == {1.0}
    assert ax.get_xlim() == ax.get_ylim() == pytest.approx((-1.08 * 1.2, 1.08 * 1.2))
    assert ax.get_title() == "AND"


def test_nothing_is_marked_where_there_is_nothing(ax):
    drawn.eigenvalues(ax, np.array([0.5 + 0j]), largest_complex=complex(np.nan, np.nan), reach=2.0)
    assert len(ax.get_lines()) == 3
    assert ax.get_legend() is None
    assert ax.get_xlim() == (-2.0, 2.0)


def test_the_ring_has_its_circles(ax):
    W = ei(60, 0.7, "orthogonal", np.random.default_rng(8))
    found, theory = spectra.ei_radii(W), spectra.ei_theory(60, 0.7, start="orthogonal")
    drawn.ring(ax, found.eigenvalues, found.outer, found.inner, theory=theory)
    radii = [np.abs(complex_of(line)).max() for line in ax.get_lines() if len(line.get_xdata()) == 361]
    np.testing.assert_allclose(radii, [1.0, theory.outer, theory.inner, found.outer, found.inner])
    np.testing.assert_array_equal(complex_of(ax.get_lines()[1]), found.eigenvalues)
    assert complex_of(ax.get_lines()[4])[0] == theory.outlier
    disc = plots.figure(1, 1, 4, 4)[1][0, 0]
    drawn.ring(disc, found.eigenvalues, found.outer, theory=spectra.ei_theory(60, 0.5))
    assert len(disc.get_lines()) == 4  # no inner circles, no outlier


def test_histograms_are_drawn(ax):
    found = weights.histogram(np.random.default_rng(9).standard_normal((20, 20)), bins=30)
    drawn.histogram(ax, found.edges, found.density, found.gaussian)
    np.testing.assert_array_equal(ax.patches[0].get_data().values, found.density)
    np.testing.assert_array_equal(ax.patches[0].get_data().edges, found.edges)
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), found.gaussian)
    other = plots.figure(1, 1, 4, 4)[1][0, 0]
    signed = weights.signed_histograms(np.random.default_rng(9).standard_normal((20, 20)) + 0.5)
    drawn.signed_histograms(other, signed.edges, signed.positive, signed.negative)
    np.testing.assert_array_equal(other.patches[0].get_data().values, signed.positive)
    np.testing.assert_array_equal(other.patches[1].get_data().values, -signed.negative)
    assert other.get_ylim()[0] < -signed.negative.max()
    assert other.get_ylim()[1] > signed.positive.max()
    assert other.yaxis.get_major_formatter()(-20.0, 0) == "20"


def test_active_eigenvalues_carry_their_time(ax):
    rates = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    found = spectra.active_units(rotation(1.0, 0.8), rates)
    points = drawn.active_eigenvalues(ax, found.eigenvalues, 5.0 * found.steps)
    np.testing.assert_array_equal(points.get_array(), [0.0, 5.0, 5.0])
    there = found.eigenvalues[np.isfinite(found.eigenvalues)]
    np.testing.assert_array_equal(points.get_offsets(), np.column_stack([there.real, there.imag]))


def test_paths_are_drawn_by_where_they_end(ax, tmp_path):
    paths = np.array([[0.5, 1.0, 1.2], [0.6, 1.1, 1.0], [0.6j, 1.2, 0.9]])
    drawn.eigenvalue_paths(ax, paths)
    lines = labelled(ax)
    for label, k in (("inside", 0), ("ends outside", 1), ("comes inside", 2)):
        assert complex_of(lines[label])[0] == paths[-1, k]
    whole = [complex_of(line) for line in ax.get_lines() if len(line.get_xdata()) == 3]
    np.testing.assert_array_equal(whole, paths.T[[0, 2, 1]])
    plots.save(ax.figure, tmp_path / "paths.png")
    assert (tmp_path / "paths.png").stat().st_size > 5000


def test_a_regression_is_drawn_with_its_line(ax):
    x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 6.0])
    found = weights.regression(x, y)
    drawn.regression(ax, x, y, found.slope, found.intercept, name="mu")
    line, points = ax.get_lines()[1:]
    np.testing.assert_allclose(line.get_ydata(), [0.5, 5.5])
    assert line.get_label() == "slope 2.50"
    np.testing.assert_array_equal(points.get_ydata(), y)
    assert ax.get_ylabel() == "mu trained"
    other = plots.figure(1, 1, 4, 4)[1][0, 0]
    drawn.regression(other, np.ones(2), np.ones(2), np.nan, np.nan)
    assert len(other.get_lines()) == 2
