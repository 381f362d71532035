"""Each start has the moments or the spectrum it states, to 5 standard errors of the sample (seeds are fixed)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minirnn import initial
from minirnn.engine import single_blas_thread

NORMAL = 3.0  # fourth moment over squared variance, which sets the error of a variance
UNIFORM = 9 / 5


def generator(seed=0):
    return np.random.default_rng(seed)


def assert_mean(x, mean, std):
    assert abs(x.mean() - mean) < 5 * std / math.sqrt(x.size)


def assert_variance(x, variance, kurtosis=NORMAL, mean=0.0):
    assert abs(((x - mean) ** 2).mean() / variance - 1) < 5 * math.sqrt((kurtosis - 1) / x.size)


def moduli(W):
    with single_blas_thread:
        return np.abs(np.linalg.eigvals(W))


def excitatory(n, fraction):
    """Neither first nor last, so that no test passes on the order of the units."""
    return generator(99).permutation(n) < round(fraction * n)


E = excitatory(5, 0.6)
STARTS = {
    "orthogonal": (lambda rng: initial.orthogonal(5, 1.0, rng), (5, 5)),
    "normal": (lambda rng: initial.normal(5, 1.0, rng), (5, 5)),
    "sparse": (lambda rng: initial.sparse(5, 0.5, 1.0, rng), (5, 5)),
    "low_rank": (lambda rng: initial.low_rank(5, 4, 1.05, rng), (5, 5)),
    "lognormal": (lambda rng: initial.lognormal(5, rng), (5, 5)),
    "scaled_normal": (lambda rng: initial.scaled_normal(5, rng), (5, 5)),
    "two_gaussians": (lambda rng: initial.two_gaussians(E, 1.0, rng), (5, 5)),
    "gamma": (lambda rng: initial.gamma(E, rng), (5, 5)),
    "glorot_uniform": (lambda rng: initial.glorot_uniform(5, 2, rng), (5, 2)),
    "uniform": (lambda rng: initial.uniform((5, 2), 0.1, rng), (5, 2)),
    "small_random": (lambda rng: initial.small_random(5, 0.1, rng), (5,)),
}


@pytest.mark.parametrize("start, shape", STARTS.values(), ids=STARTS)
def test_shape_dtype_and_that_the_generator_decides(start, shape):
    W = start(generator(1))
    assert W.shape == shape and W.dtype == np.float64
    np.testing.assert_array_equal(W, start(generator(1)))
    assert (W != start(generator(2))).any()


# ---- recurrent weights


@given(n=st.integers(1, 40), gain=st.floats(0.01, 100), seed=st.integers(0, 2**32))
def test_orthogonal_is_orthogonal_to_rounding(n, gain, seed):
    U = initial.orthogonal(n, gain, generator(seed)) / gain
    assert np.abs(U @ U.T - np.eye(n)).max() < 1e-14 * math.sqrt(n)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_orthogonal_is_haar(n):
    # under Haar's measure each column is as likely as its opposite, and a rotation as a reflection; E tr U = 0, E (tr U)^2 = 1
    rng = generator(n)
    with single_blas_thread:  # entered once, not 4000 times
        U = np.stack([initial.orthogonal(n, 1.0, rng) for _ in range(4000)])
    assert np.abs(U.mean(axis=0)).max() < 5 / math.sqrt(n * len(U))
    assert_mean(np.linalg.det(U), 0.0, 1.0)
    trace = np.trace(U, axis1=1, axis2=2)
    assert_mean(trace, 0.0, 1.0)
    assert_mean(trace**2, 1.0, math.sqrt(2))  # (tr U)^2 varies by at most 2, as of a normal trace


def test_normal_has_its_moments_and_girkos_circle():
    W = initial.normal(300, 1.3, generator())
    assert_mean(W, 0.0, 1.3 / math.sqrt(300))
    assert_variance(W, 1.3**2 / 300)
    assert abs(moduli(W).max() / 1.3 - 1) < 0.1


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_sparse_has_its_connections_moments_and_radius(p):
    n = 300
    W = initial.sparse(n, p, 1.3, generator())
    present = W[W != 0]
    assert abs(present.size - p * n * n) <= 5 * math.sqrt(p * (1 - p)) * n
    assert_mean(present, 0.0, 1.3 / math.sqrt(p * n))
    assert_variance(present, 1.3**2 / (p * n))
    assert abs(moduli(W).max() / 1.3 - 1) < 0.1


@pytest.mark.parametrize("rank", [1, 4, 20])
def test_low_rank_has_its_rank_and_entry_variance(rank):
    n, scale = 300, 1.05
    W = initial.low_rank(n, rank, scale, generator(rank))
    singular = np.linalg.svd(W, compute_uv=False)
    assert singular[rank - 1] > 1e-3 and singular[rank] < 1e-13
    # the sum of W^2 is tr (A'A)(BB'): rank products of squared norms, each norm of relative variance 2 / n, and what is off the
    # diagonals
    assert abs((W**2).mean() * n / scale**2 - 1) < 5 * math.sqrt(4 / (rank * n) + 2 / n**2)
    assert abs(W.mean()) < 5 * scale / math.sqrt(n) / n  # the mean is a product of sums, of variance scale^2 / n^3


def test_low_rank_has_a_spectral_radius_about_its_scale():
    rng = generator()
    radii = [moduli(initial.low_rank(200, 40, 1.05, rng)).max() for _ in range(10)]
    assert abs(np.mean(radii) / 1.05 - 1) < 0.1


@pytest.mark.parametrize("moments", [{}, {"mean": 2.0, "variance": 0.3}])
def test_lognormal_has_the_moments_of_its_entries(moments):
    mean, variance = moments.get("mean", 0.5), moments.get("variance", 0.1)
    W = initial.lognormal(300, generator(), **moments)
    assert (W > 0).all()
    assert_mean(W, mean, math.sqrt(variance))
    w = 1 + variance / mean**2  # exp of the logarithm's variance
    assert_variance(W, variance, w**4 + 2 * w**3 + 3 * w**2 - 3, mean)
    assert stats.kstest(np.log(W).ravel(), "norm", (np.log(W).mean(), np.log(W).std())).pvalue > 1e-3


def test_lognormal_without_variance_is_its_mean():
    np.testing.assert_allclose(initial.lognormal(3, generator(), 0.5, 0.0), 0.5, rtol=1e-15)


def test_scaled_normal_has_no_self_connections_and_its_radius():
    W = initial.scaled_normal(100, generator())
    assert abs(moduli(W).max() / 1.1 - 1) < 1e-12
    off = W[~np.eye(100, dtype=bool)]
    assert (np.diag(W) == 0).all() and (off != 0).all()
    assert_mean(off, 0.0, off.std())
    assert stats.kstest(off / off.std(), "norm").pvalue > 1e-3


# ---- excitatory and inhibitory units


@pytest.mark.parametrize("arguments, mean", [({}, 0.05), ({"mean": 0.15}, 0.15)])
def test_two_gaussians_has_its_moments_in_columns(arguments, mean):
    units, std = excitatory(200, 0.7), 0.8 / math.sqrt(200)
    W = initial.two_gaussians(units, 0.8, generator(), **arguments)
    for columns, m in ((W[:, units], mean), (W[:, ~units], -mean)):
        assert_mean(columns, m, std)
        assert_variance(columns, std**2, mean=m)
        assert (columns > 0).any() and (columns < 0).any()  # not sign-constrained


def test_two_gaussians_sends_out_one_eigenvalue():
    units = excitatory(200, 0.7)  # N_E - N_I = 80
    largest = np.sort(moduli(initial.two_gaussians(units, 1.0, generator())))[-2:]
    assert abs(largest[1] - 0.05 * 80) < 5 * 0.05 * math.sqrt(200) / 4  # the first order in the noise is m d'X1 / (m d'1)
    assert largest[0] < 1.15


@given(units=st.lists(st.booleans(), min_size=2, max_size=12), radius=st.floats(0.1, 10), seed=st.integers(0, 2**32))
def test_gamma_has_signs_no_self_connections_and_its_radius(units, radius, seed):
    units = np.array(units)
    W = initial.gamma(units, generator(seed), spectral_radius=radius)
    off = ~np.eye(len(units), dtype=bool)
    assert (np.diag(W) == 0).all() and not np.signbit(np.diag(W)).any()
    assert (W[:, units] >= 0).all() and (W[:, ~units] <= 0).all()
    assert (W[off] != 0).all()  # also in rows that can not be balanced
    assert abs(moduli(W).max() / radius - 1) < 1e-6  # an eigenvalue may be nearly double: the exact claim is below


def test_gamma_defaults_to_a_spectral_radius_of_1_5():
    W = initial.gamma(excitatory(100, 0.8), generator())
    assert abs(moduli(W).max() / 1.5 - 1) < 1e-12


def gamma_scale(W, mask):
    """The one factor between W's moduli and mask times standard Gamma draws of shape 2, estimated by its mean."""
    return np.abs(W).sum() / (2 * mask.sum())


def test_gamma_has_the_means_of_the_balanced_mask():
    n_exc, n_inh = 160, 40
    units = excitatory(200, 0.8)
    W = initial.gamma(units, generator())
    of_exc, of_inh = W[units], W[~units]
    # row of an excitatory unit: 159 E of weight 1, 40 I of weight 159/40; of an inhibitory one: 160 E, 39 I of 160/39
    for rows, E, I in ((of_exc, n_exc - 1, n_inh), (of_inh, n_exc, n_inh - 1)):
        norm = math.sqrt(E + E * E / I)
        exc = rows[:, units].sum() / len(rows) / (E / norm)
        inh = -rows[:, ~units].sum() / len(rows) / (E / norm)
        error = 1 / math.sqrt(2 * I * len(rows))  # relative, of a mean of Gamma of shape 2
        assert abs(inh / exc - 1) < 5 * math.sqrt(2) * error
    # rows of both kinds have one norm before the scaling: g^2 is of relative variance 7/3, and 40 inhibitory entries weigh most
    assert abs((of_exc**2).sum(axis=1).mean() / (of_inh**2).sum(axis=1).mean() - 1) < 5 * math.sqrt(7 / 3 / 40 / 40 * 2)


def test_gamma_of_the_default_mask_is_gamma_of_shape_2():
    units = excitatory(120, 0.75)
    off = ~np.eye(120, dtype=bool)
    E, I = np.where(units, 89, 90), np.where(units, 30, 29)  # heard by each row
    mask = np.where(units, 1.0, (E / I)[:, None]) * off / np.sqrt(E + E * E / I)[:, None]
    W = initial.gamma(units, generator())
    draws = np.abs(W[off]) / mask[off] / gamma_scale(W, mask)
    assert_mean(draws, 2.0, math.sqrt(2))
    assert stats.kstest(draws, "gamma", (2.0,)).pvalue > 1e-3


def test_gamma_follows_a_mask_as_it_stands():
    units = excitatory(100, 0.5)
    mask = generator(5).integers(0, 4, (100, 100))  # has entries on the diagonal, and zeros
    W = initial.gamma(units, generator(), mask, spectral_radius=0.7)
    assert ((W != 0) == (mask != 0)).all()
    assert (W[:, units] >= 0).all() and (W[:, ~units] <= 0).all()
    assert abs(moduli(W).max() / 0.7 - 1) < 1e-12
    scale = gamma_scale(W, mask)
    for level in (1, 2, 3):
        assert stats.kstest(np.abs(W[mask == level]) / level / scale, "gamma", (2.0,)).pvalue > 1e-3


@pytest.mark.parametrize("units", [[True] * 4, [False] * 4, [True, True, True, False], [True, False, False, False], [False, True]])
def test_gamma_gives_rows_of_one_kind_equal_means(units):
    units = np.array(units)
    rng = generator()
    with single_blas_thread:  # once for all: it looks for the libraries that are loaded
        rows = np.mean([W / np.abs(W).sum() for W in (initial.gamma(units, rng) for _ in range(1000))], axis=0)
    for i in range(len(units)):
        heard = [units[j] for j in range(len(units)) if j != i]
        means = np.abs(np.delete(rows[i], i))  # each to about 1/sqrt(2 1000) = 2 %
        if all(heard) or not any(heard):
            assert abs(means / means.mean() - 1).max() < 0.1
        else:
            assert abs(rows[i].sum()) / means.sum() < 0.1


def test_gamma_gives_rows_norm_1_before_the_scaling():
    # 100 E and 1 I: an excitatory row is 99 entries of 1 and one of 99 over sqrt(99 + 99^2), the inhibitory one 100 of 1 over 10
    units = np.arange(101) != 7
    W = initial.gamma(units, generator())
    excitatory_row = W[units][:, units].sum() / (100 * 99) * math.sqrt(99 + 99**2)
    inhibitory_row = W[7].sum() / 100 * 10
    assert abs(inhibitory_row / excitatory_row - 1) < 5 / math.sqrt(2 * 100)


# ---- any matrix


@given(n=st.integers(1, 30), radius=st.floats(1e-3, 1e3), seed=st.integers(0, 2**32))
def test_with_spectral_radius_scales_to_it(n, radius, seed):
    X = generator(seed).standard_normal((n, n))
    X += X.T  # so that eigenvalues are exact to rounding
    W = initial.with_spectral_radius(X, radius)
    assert abs(moduli(W).max() / radius - 1) < 1e-12
    factor = W[0, 0] / X[0, 0]
    assert factor > 0
    np.testing.assert_allclose(W, factor * X, rtol=1e-14)


def test_with_spectral_radius_leaves_its_argument_and_keeps_the_dtype():
    X = generator().standard_normal((20, 20)).astype(np.float32)
    before = X.copy()
    W = initial.with_spectral_radius(X, 1.2)
    assert W.dtype == np.float32 and abs(moduli(W).max() / 1.2 - 1) < 1e-5
    np.testing.assert_array_equal(X, before)
    assert initial.with_spectral_radius(np.eye(2, dtype=int), 0.5).dtype == np.float64


def nilpotent():
    rng = generator()
    lower = np.tril(rng.standard_normal((30, 30)), -1)
    order = rng.permutation(30)
    u, v = rng.standard_normal((2, 30))
    v -= u * (u @ v) / (u @ u)
    return {
        "zeros": np.zeros((3, 3)), "lower": lower, "upper": lower.T, "relabelled": lower[np.ix_(order, order)],
        "tiny": 1e-30 * lower, "rank one": np.outer(u, v), "rank one, float32": np.outer(u, v).astype(np.float32),
    }  # fmt: skip


@pytest.mark.parametrize("W", nilpotent().values(), ids=nilpotent())
def test_a_spectral_radius_of_0_can_not_be_scaled(W):
    with pytest.raises(ValueError, match="W must have a spectral radius above 0"):
        initial.with_spectral_radius(W, 1.0)


def test_small_weights_can_be_scaled():
    W = initial.with_spectral_radius(1e-30 * generator().standard_normal((30, 30)), 1.0)
    assert abs(moduli(W).max() - 1) < 1e-12


# ---- input and output weights, states


def test_glorot_uniform_has_its_limit():
    W = initial.glorot_uniform(400, 200, generator())
    limit = math.sqrt(6 / 600)
    assert np.abs(W).max() < limit
    assert_mean(W, 0.0, limit / math.sqrt(3))
    assert_variance(W, limit**2 / 3, UNIFORM)
    assert initial.glorot_uniform(3, 0, generator()).shape == (3, 0)


@pytest.mark.parametrize("shape", [50000, (100, 500)])
def test_uniform_has_its_limit(shape):
    x = initial.uniform(shape, 0.1, generator())
    assert x.shape == (shape if isinstance(shape, tuple) else (shape,))
    assert np.abs(x).max() < 0.1
    assert_mean(x, 0.0, 0.1 / math.sqrt(3))
    assert_variance(x, 0.1**2 / 3, UNIFORM)


def test_small_random_has_its_moments():
    h0 = initial.small_random(50000, 0.1, generator())
    assert_mean(h0, 0.0, 0.1)
    assert_variance(h0, 0.1**2)


# ---- spectra of sign-projected matrices (arXiv 2208.10304), against their theory


@pytest.mark.parametrize("fraction", [0.5, 0.7])
def test_sign_projection_of_a_normal_start_leaves_a_disc(fraction):
    # (A + |A| D) / 2 with A of entries N(0, 1/N) has entry variance (1/2 - 1/(2 pi)) / N about its column means +-1/sqrt(2 pi N);
    # these add a part of rank one, nearly nilpotent at 50/50, which blurs the edge and is taken off for the estimate of it
    N, rng = 400, generator()
    units = excitatory(N, fraction)
    radius = math.sqrt(0.5 - 0.5 / math.pi)  # 0.584
    edges, norms = [], []
    for _ in range(6):
        A = initial.normal(N, 1.0, rng)
        W = np.where((A > 0) == units, A, 0.0)
        W -= W.mean(axis=0)
        edges.append(np.quantile(moduli(W), 0.98))
        norms.append(np.linalg.norm(W) / math.sqrt(N))
    assert abs(np.mean(edges) / radius - 1) < 0.02
    assert abs(np.mean(norms) / radius - 1) < 0.005


@pytest.mark.parametrize("fraction", [0.5, 0.7])
def test_sign_projection_of_an_orthogonal_start_leaves_a_ring(fraction):
    # O / 2 and a disc of radius s = sqrt(1 - 2/pi) / 2: a ring from sqrt(1/4 - s^2) = 0.399 to sqrt(1/4 + s^2) = 0.584. The inner
    # edge is read off W itself, where a part of rank one moves few of the 400; the outer one, as above, without column means
    N, rng = 400, generator()
    units = excitatory(N, fraction)
    inner, outer = [], []
    for _ in range(6):
        A = initial.orthogonal(N, 1.0, rng)
        W = np.where((A > 0) == units, A, 0.0)
        inner.append(np.quantile(moduli(W), 0.05))
        outer.append(np.quantile(moduli(W - W.mean(axis=0)), 0.98))
    assert 0.395 < np.mean(inner) < 0.410
    assert abs(np.mean(outer) / math.sqrt(0.5 - 0.5 / math.pi) - 1) < 0.02


# ---- errors


@pytest.mark.parametrize(
    "start, arguments, error, message",
    [
        (initial.orthogonal, (0, 1.0), ValueError, "n must be an integer >= 1, got 0"),
        (initial.orthogonal, (2.0, 1.0), TypeError, "n must be an integer, got 2.0"),
        (initial.orthogonal, (True, 1.0), TypeError, "n must be an integer, got True"),
        (initial.orthogonal, (2, -1.0), ValueError, "gain must be 0 or positive, got -1"),
        (initial.normal, (-3, 1.0), ValueError, "n must be an integer >= 1, got -3"),
        (initial.normal, (2, "1"), TypeError, "gain must be a number, got '1'"),
        (initial.normal, (2, math.nan), ValueError, "gain must be finite, got nan"),
        (initial.sparse, (0, 0.5, 1.0), ValueError, "n must be"),
        (initial.sparse, (2, 0.0, 1.0), ValueError, "p must be positive, got 0"),
        (initial.sparse, (2, 1.01, 1.0), ValueError, r"p must be a probability in \(0, 1\], got 1.01"),
        (initial.sparse, (2, 0.5, math.inf), ValueError, "gain must be finite, got inf"),
        (initial.low_rank, (0, 1, 1.0), ValueError, "n must be"),
        (initial.low_rank, (3, 4, 1.0), ValueError, "rank must be at most n = 3, got 4"),
        (initial.low_rank, (3, 0, 1.0), ValueError, "rank must be an integer >= 1, got 0"),
        (initial.low_rank, (3, 2, -1.0), ValueError, "scale must be 0 or positive, got -1"),
        (initial.scaled_normal, (1,), ValueError, "n must be an integer >= 2, got 1"),
        (initial.lognormal, (0,), ValueError, "n must be"),
        (initial.two_gaussians, ([1, -1], 1.0), TypeError, "excitatory must be a boolean array.* got dtype int"),
        (initial.two_gaussians, ([True], -1.0), ValueError, "gain must be 0 or positive, got -1"),
        (initial.gamma, ([0.0, 1.0],), TypeError, "excitatory must be a boolean array.* got dtype float64"),
        (initial.gamma, (True,), ValueError, r"excitatory must be \(N,\) with N > 0, got \(\)"),
        (initial.gamma, (np.zeros(0, bool),), ValueError, r"excitatory must be \(N,\) with N > 0, got \(0,\)"),
        (initial.gamma, ([True],), ValueError, "excitatory must have at least 2 units where mask is None"),
        (initial.glorot_uniform, (0, 3), ValueError, "fan_out must be an integer >= 1, got 0"),
        (initial.glorot_uniform, (3, -1), ValueError, "fan_in must be an integer >= 0, got -1"),
        (initial.uniform, ((2, -1), 0.1), ValueError, "shape must be an integer >= 0, got -1"),
        (initial.uniform, ((2, 1.5), 0.1), TypeError, "shape must be an integer, got 1.5"),
        (initial.uniform, (2, -0.1), ValueError, "limit must be 0 or positive, got -0.1"),
        (initial.small_random, (0, 0.1), ValueError, "n must be"),
        (initial.small_random, (2, -0.1), ValueError, "scale must be 0 or positive, got -0.1"),
    ],
)
def test_bad_arguments_are_named(start, arguments, error, message):
    with pytest.raises(error, match=message):
        start(*arguments, generator())


@pytest.mark.parametrize(
    "start, keywords, message",
    [
        (initial.lognormal, {"mean": 0.0}, "mean must be positive, got 0"),
        (initial.lognormal, {"variance": -0.1}, "variance must be 0 or positive, got -0.1"),
        (initial.scaled_normal, {"spectral_radius": 0.0}, "spectral_radius must be positive, got 0"),
    ],
)
def test_bad_keywords_are_named(start, keywords, message):
    with pytest.raises(ValueError, match=message):
        start(3, generator(), **keywords)


@pytest.mark.parametrize(
    "mask, error, message",
    [
        (np.ones((3, 2)), ValueError, r"mask must be \(N, N\) with N > 0, got \(3, 2\)"),
        (np.ones((2, 2)), ValueError, r"mask must be \(3, 3\), a row and a column per unit of excitatory, got \(2, 2\)"),
        (-np.eye(3), ValueError, "mask must be 0 or positive, got -1"),
        (np.full((3, 3), np.nan), ValueError, "mask must be finite"),
        (np.full((3, 3), "1"), TypeError, "mask must be an array of real numbers"),
        (np.zeros((3, 3)), ValueError, "mask must have a spectral radius above 0"),
        (np.tril(np.ones((3, 3)), -1), ValueError, "mask must have a spectral radius above 0"),
    ],
)
def test_bad_masks_are_named(mask, error, message):
    with pytest.raises(error, match=message):
        initial.gamma([True, True, False], generator(), mask)


def test_bad_means_and_radii_are_named():
    with pytest.raises(ValueError, match=r"mean must be 0 or positive, got -0\.05"):
        initial.two_gaussians([True, False], 1.0, generator(), mean=-0.05)
    with pytest.raises(ValueError, match="spectral_radius must be positive, got 0"):
        initial.gamma([True, False], generator(), spectral_radius=0.0)


@pytest.mark.parametrize(
    "W, radius, error, message",
    [
        (np.ones(4), 1.0, ValueError, r"W must be \(N, N\) with N > 0, got \(4,\)"),
        (np.ones((0, 0)), 1.0, ValueError, r"W must be \(N, N\) with N > 0, got \(0, 0\)"),
        (np.full((2, 2), np.inf), 1.0, ValueError, "W must be finite"),
        (1j * np.eye(2), 1.0, TypeError, "W must be an array of real numbers, got dtype complex128"),
        (np.eye(2), 0.0, ValueError, "radius must be positive, got 0"),
        (np.eye(2), None, TypeError, "radius must be a number, got None"),
    ],
)
def test_bad_matrices_and_radii_are_named(W, radius, error, message):
    with pytest.raises(error, match=message):
        initial.with_spectral_radius(W, radius)


@pytest.mark.parametrize("start", [start for start, _ in STARTS.values()], ids=STARTS)
def test_a_seed_is_not_a_generator(start):
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, got int"):
        start(0)
