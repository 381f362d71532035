"""Damage: each variant against a loop stated anew, shares against the normal law, curves of the authors' networks and tables."""

import numpy as np
import pytest
from scipy.stats import norm

import minirnn as mr
from minirnn import plots, tasks
from minirnn.analysis import damage
from minirnn.plots.damage import damage as draw
from minirnn.plots.damage import variants

THRESHOLDS = (0.0, 0.05, 0.1, 0.3, 0.5)


@pytest.fixture
def weights():
    W = np.random.default_rng(5).normal(0, 0.3, (7, 7))
    W[2, 3], W[4, 4], W[1, 6] = 0.0, 0.1, -0.1  # no connection, and two on a threshold, which stay
    return W


def is_removed(variant, w, t, before):
    if w == 0:
        return False
    if variant == "a":
        return abs(w) < t
    if variant == "b":
        return 0 < w < t
    if variant == "c":
        return -t < w < 0
    if variant == "d":
        return before < w < t
    return -t < w < -before


@pytest.mark.parametrize("variant", "abcde")
def test_what_is_removed_and_its_share(weights, variant):
    gone = damage.removed(weights, variant, THRESHOLDS)
    found = damage.share(weights, gone)
    for i, t in enumerate(THRESHOLDS):
        before = THRESHOLDS[i - 1] if i else 0.0
        expected = {(r, c) for r in range(7) for c in range(7) if is_removed(variant, weights[r, c], t, before)}
        assert set(zip(*map(list, np.nonzero(gone[i])), strict=True)) == expected
        assert found[i] == pytest.approx(100 * len(expected) / 48)  # one of 49 entries is no connection
    assert gone.any()


def test_the_strongest(weights):
    by_strength = sorted(((-abs(w), i) for i, w in enumerate(weights.ravel())))
    gone = damage.removed(weights, "f", [0.0, 2.0, 10.0, 100.0])
    for level, k in zip(gone, (0, 1, 5, 48), strict=True):
        assert set(np.flatnonzero(level)) == {i for _, i in by_strength[:k]}
    ties = damage.removed(np.array([[0.5, -1.0], [1.0, 1.0]]), "f", [25.0, 50.0])
    assert ties[0].tolist() == [[False, True], [False, False]]
    assert ties[1].tolist() == [[False, True], [True, False]]
    W = np.random.default_rng(8).choice([0.1, -0.2, 0.2], (50, 50))
    for level, k in zip(damage.removed(W, "f"), (5, 10, 25, 50, 125), strict=True):
        assert np.flatnonzero(level).tolist() == np.flatnonzero(np.abs(W) == 0.2)[:k].tolist()


def test_slices_tile_what_is_removed_at_once_and_may_have_other_edges(weights):
    np.testing.assert_array_equal(damage.slice_edges(THRESHOLDS), [[0, 0], [0, 0.05], [0.05, 0.1], [0.1, 0.3], [0.3, 0.5]])
    np.testing.assert_array_equal(damage.slice_edges([0.2, 0.4]), [[0, 0.2], [0.2, 0.4]])
    off = np.where(np.abs(weights) == 0.1, 0.0, weights)  # what lies on an edge is in no slice
    for whole, part in ("bd", "ce"):
        np.testing.assert_array_equal(damage.removed(off, part, THRESHOLDS).any(axis=0), damage.removed(off, whole, THRESHOLDS)[-1])
    widened = [[0.0, t] for t in THRESHOLDS]
    for whole, part in ("bd", "ce"):
        np.testing.assert_array_equal(
            damage.removed(weights, part, THRESHOLDS, edges=widened), damage.removed(weights, whole, THRESHOLDS)
        )


def test_shares_follow_the_normal_law():
    W = np.random.default_rng(0).normal(0, 0.141, (1000, 1000))
    everything = damage.share(W, damage.removed(W, "a"))
    t = np.array(damage.THRESHOLDS[: damage.SHOWN])
    np.testing.assert_allclose(everything, 100 * (2 * norm.cdf(t / 0.141) - 1), atol=0.2)
    assert [f"{100 * (2 * norm.cdf(v / 0.141) - 1):.1f}" for v in (0.003, 0.025)] == ["1.7", "14.1"]
    assert np.abs(everything - damage.authors_percent(W, "a")).max() < 1.4  # their axis is that share but for rounding
    slices = [damage.share(W, damage.removed(W, variant))[1:] for variant in "de"]
    assert 0.65 < np.min(slices) and np.max(slices) < 1.45  # of all connections, as analyses.md 4.9 has it


def test_both_axes(weights):
    percent = np.arange(0, 37, 2)
    np.testing.assert_array_equal(damage.authors_percent(weights, "a"), percent)
    for variant in "bcde":
        np.testing.assert_array_equal(damage.authors_percent(weights, variant), percent / 2)
    np.testing.assert_array_equal(damage.authors_percent(weights, "a", damage.THRESHOLDS)[-4:], [36, 42, 48, 52])
    np.testing.assert_array_equal(damage.authors_percent(weights, "b", np.float32([0.014, 0.025])), [4, 7])  # some of theirs
    own = np.array([100 * ((weights != 0) & (np.abs(weights) < t)).sum() / 48 for t in THRESHOLDS])
    np.testing.assert_allclose(damage.authors_percent(weights, "a", THRESHOLDS), own)
    np.testing.assert_allclose(damage.authors_percent(weights, "d", THRESHOLDS), own / 2)
    np.testing.assert_array_equal(damage.authors_percent(weights, "f"), [0.2, 0.4, 1, 2, 5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_thresholds_by_quantile_remove_just_their_share(dtype):
    W = np.random.default_rng(1).normal(0, 0.05, (40, 40)).astype(dtype)
    W[:, ::4] = 0  # 1200 connections
    percent = [0, 2, 14, 36, 50, 100]
    t = damage.quantile_thresholds(W, percent)
    assert damage.removed(W, "a", t).sum(axis=(1, 2)).tolist() == [0, 24, 168, 432, 600, 1200]
    halves = sum(damage.removed(W, v, t).sum(axis=(1, 2)) for v in "de")
    assert np.cumsum(halves).tolist() == [0, 24, 168, 432, 600, 1200]  # none lies on an edge
    np.testing.assert_array_equal(damage.quantile_thresholds(W), damage.quantile_thresholds(W, range(0, 37, 2)))


def test_a_curve_hands_each_damaged_matrix_to_the_function(weights):
    W = weights.astype(np.float32)
    seen = []

    def distance_of(V):
        assert V.dtype == np.float32
        seen.append(V.copy())
        V[:] = 9.0  # its own to spoil
        return np.array([len(seen), np.nan])

    found = damage.curve(W, distance_of, "b", THRESHOLDS)
    for V, level in zip(seen, damage.removed(W, "b", THRESHOLDS), strict=True):
        np.testing.assert_array_equal(V, np.where(level, 0, W))
    np.testing.assert_array_equal(W, weights.astype(np.float32))
    np.testing.assert_array_equal(found.distances[:, 0], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(found.thresholds, THRESHOLDS)
    np.testing.assert_array_equal(found.share, damage.share(W, damage.removed(W, "b", THRESHOLDS)))
    np.testing.assert_array_equal(found.percent, damage.authors_percent(W, "b", THRESHOLDS))
    given = damage.curve(W, lambda V: V[0, :1], "d", [0.1, 0.2], percent=[5, 10], edges=[[0, 0.1], [0, 0.2]])
    np.testing.assert_array_equal(given.percent, [5, 10])
    np.testing.assert_array_equal(given.share, damage.share(W, damage.removed(W, "b", [0.1, 0.2])))
    assert damage.curve(W, lambda V: V[0, :1], "f").distances.shape == (5, 1)


def adder(W, x):
    """An output that is W[0, 0] plus the sum of the inputs so far."""
    return W[0, 0] + np.cumsum(x.sum(axis=2, keepdims=True, dtype=np.float64), axis=0)


def test_distances_under_noise():
    x = np.random.default_rng(2).random((6, 3, 2)).astype(np.float32)
    target = np.random.default_rng(3).random((6, 3, 1))
    W = np.array([[0.7]])
    quiet = damage.draw_distances(adder, W, x, target, input_noise_std=0.0)
    assert quiet.shape == (1, 3)
    for b in range(3):
        total, squares = 0.0, 0.0
        for t in range(6):
            total += float(x[t, b, 0]) + float(x[t, b, 1])
            squares += (0.7 + total - target[t, b, 0]) ** 2
        assert quiet[0, b] == pytest.approx(squares**0.5, rel=1e-6)

    drawn = []

    def run(V, given):
        assert given.dtype == np.float32
        drawn.append(given.reshape(6, -1, 3, 2) - x[:, None])
        return adder(V, given)

    loud = damage.draw_distances(run, W, x, target, input_noise_std=0.2, draws=4000, seed=4)
    assert loud.shape == (4000, 3)
    assert drawn[0].std() == pytest.approx(0.2, rel=0.01)
    assert abs(drawn[0].mean()) < 0.005
    correlation = np.corrcoef(drawn[0].transpose(1, 0, 2, 3).reshape(4000, -1), rowvar=False)
    assert np.abs(correlation - np.eye(36)).max() < 0.08  # of steps, trials and inputs
    k = 17  # one draw alone
    np.testing.assert_allclose(
        loud[k],
        damage.draw_distances(adder, W, x + drawn[0][:, k], target, input_noise_std=0.0)[0],
        rtol=1e-5,
    )
    few = damage.draw_distances(adder, W, x, target, input_noise_std=0.2, draws=3, seed=4)
    np.testing.assert_array_equal(few, loud[:3])
    mean_of = damage.distance_over_noise(adder, x, target, input_noise_std=0.2, draws=3, seed=4)
    np.testing.assert_array_equal(mean_of(W), few.mean(axis=0))
    np.testing.assert_array_equal(mean_of(W), mean_of(W))
    assert (damage.distance_over_noise(adder, x, target, input_noise_std=0.2, draws=3, seed=5)(W) != mean_of(W)).all()


def test_where_a_curve_crosses():
    percent = [0.0, 2.0, 4.0, 8.0]
    d = np.array([[0.5, 2.0, 0.1, 1.5, 1.0], [1.0, 0.0, 0.2, 1.5, np.nan], [2.0, 0.0, 0.3, 1.6, 1.0], [0.0, 2.0, 0.4, 1.0, np.inf]])
    np.testing.assert_array_equal(damage.crossing(percent, d, 1.5), [4, 0, np.nan, 4, 2])
    np.testing.assert_allclose(damage.crossing(percent, d, 1.5, how="linear"), [3, 0, np.nan, 2, 2])
    np.testing.assert_allclose(damage.crossing(percent, [[1.0], [1.0], [1.0], [3.0]], 1.5, how="linear"), [5.0])


def test_ensemble_errors():
    d = np.random.default_rng(6).random((10, 3, 4))
    found = damage.ensemble(d)
    for s in range(3):
        for c in range(4):
            values = [float(v) for v in d[:, s, c]]
            mean = sum(values) / 10
            squares = sum((v - mean) ** 2 for v in values)
            assert found.mean[s, c] == pytest.approx(mean)
            assert found.standard_error[s, c] == pytest.approx((squares / 9 / 10) ** 0.5)
            assert found.below[s, c] == pytest.approx((squares / 10) ** 0.5 / 11)
            assert found.above[s, c] == pytest.approx((squares / 10) ** 0.5 / 12)
    np.testing.assert_allclose(found.standard_error / found.below, 11 / 3)


# ---- the authors' tables


def test_the_published_tables(author_networks):
    tables = damage.published(author_networks / "damage_tables.csv")
    assert list(tables) == list("abcde")
    for variant, table in tables.items():
        np.testing.assert_array_equal(table.thresholds, damage.THRESHOLDS)
        assert table.shown.tolist() == [True] * damage.SHOWN + [False] * 3
        percent = damage.authors_percent(np.ones((2, 2)), variant)
        np.testing.assert_array_equal(table.percent, [*percent, np.nan, np.nan, np.nan])
        np.testing.assert_array_equal(table.distances[0], tables["a"].distances[0])  # undamaged, under the same noise
    a = tables["a"]
    assert [f"{d:.3f}" for d in a.distances[7]] == ["1.405", "0.999", "1.375", "1.439"]  # 14 %, types 00, 10, 01, 11
    assert [f"{e:.3f}" for e in a.errors[7]] == ["3.025", "1.875", "2.992", "2.756"]
    last = {v: [f"{d:.2f}" for d in tables[v].distances[damage.SHOWN - 1]] for v in "bcde"}  # published_results.md 5.4
    assert last == {
        "b": ["2.74", "3.63", "3.61", "5.44"],
        "c": ["1.96", "1.99", "3.54", "5.35"],
        "d": ["0.70", "0.68", "0.87", "1.55"],
        "e": ["1.02", "0.94", "1.91", "2.89"],
    }


def test_the_first_published_slices_begin_at_0_and_the_next_ones_do_not(author_networks):
    tables = damage.published(author_networks / "damage_tables.csv")
    for whole, part in ("bd", "ce"):
        np.testing.assert_array_equal(tables[whole].distances[1], tables[part].distances[1])
        assert (tables[whole].distances[2:] != tables[part].distances[2:]).all()


def test_the_published_error_is_no_standard_error(author_networks):
    # the standard error of values >= 0 is at most their mean, and that of a single one of them
    ratio = np.array([t.errors / t.distances for t in damage.published(author_networks / "damage_tables.csv").values()])
    assert ratio.max() == pytest.approx(2.27, abs=0.01)
    one = damage.ensemble(np.eye(10)[:, :, None])
    np.testing.assert_allclose(one.standard_error / one.mean, 1.0)
    assert ratio.max() < 3.0  # what the standard deviation of ten may be


def test_where_the_published_means_cross(author_networks):
    tables = damage.published(author_networks / "damage_tables.csv")

    def at(variant, level):
        t = tables[variant]
        return damage.crossing(t.percent[t.shown], t.distances[t.shown], level)

    np.testing.assert_array_equal(at("a", 1.0), [14, 18, 14, 12])
    np.testing.assert_array_equal(at("a", 1.5), [20, 20, 16, 16])
    # slices do harm later than what is removed up to there, if at all
    for whole, part in ("bd", "ce"):
        apart = np.nan_to_num(at(part, 1.0), nan=99.0) - at(whole, 1.0)
        assert (apart >= 0).all() and (apart > 0).any()


# ---- the authors' networks


def network(folder, name):
    net = mr.Network.load(folder / f"and_n50_ortho_{name}.npz")
    trials = tasks.And().conditions()  # T = 200, as in published_results.md 5.4

    def run(W, x):
        return net.with_params(net.params._replace(W_rec=W)).run(x)[1]

    return run, net.weights.W_rec, trials


def test_distances_are_those_of_the_tasks(author_networks):
    run, W, trials = network(author_networks, "14")
    found = damage.distance_over_noise(run, trials.x, trials.target, input_noise_std=0)(W)
    np.testing.assert_allclose(found, tasks.distance(run(W, trials.x), trials), rtol=1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("name, threshold, share, percent, linear", [("04", 0.025, "14.0", 14, 11.9), ("14", 0.014, "9.0", 8, 8.0)])
def test_the_published_networks_are_destroyed_where_it_is_said(author_networks, name, threshold, share, percent, linear):
    run, W, trials = network(author_networks, name)
    quiet = damage.distance_over_noise(run, trials.x, trials.target, input_noise_std=0)
    found = damage.curve(W, quiet, "a")
    of_11 = damage.crossing(found.share, found.distances, 1.5)[3]
    assert f"{of_11:.1f}" == share
    assert damage.crossing(found.thresholds, found.distances, 1.5)[3] == threshold
    assert damage.crossing(found.percent, found.distances, 1.5)[3] == percent  # on the authors' axis #14 is at 8, not 9
    assert damage.crossing(found.share, found.distances, 1.5, how="linear")[3] == pytest.approx(linear, abs=0.05)
    assert np.nanmin(damage.crossing(found.share, found.distances[:, :3], 1.5)) > of_11  # the other types stand more
    np.testing.assert_allclose(found.distances[:, 0], found.distances[0, 0], atol=1e-6)  # no input, no bias: nothing to damage


@pytest.mark.compiled
@pytest.mark.parametrize("name, share", [("04", "12.2"), ("14", "7.9")])
def test_removing_the_weakest_one_by_one(author_networks, name, share):
    run, W, trials = network(author_networks, name)
    quiet = damage.distance_over_noise(run, trials.x, trials.target, input_noise_std=0)
    percent = np.arange(0, 400) / 25  # one connection of 2500 more each time
    found = damage.curve(W, quiet, "a", damage.quantile_thresholds(W, percent), percent=percent)
    np.testing.assert_allclose(found.share, percent)
    assert f"{damage.crossing(found.share, found.distances, 1.5)[3]:.1f}" == share


@pytest.mark.parametrize("name, type_10", [("04", ["0.20", "4.4"]), ("14", ["0.46", "7.4"])])
def test_five_of_the_strongest_are_enough(author_networks, name, type_10):
    run, W, trials = network(author_networks, name)
    quiet = damage.distance_over_noise(run, trials.x, trials.target, input_noise_std=0)
    found = damage.curve(W, quiet, "f", [0, 0.2])
    np.testing.assert_allclose(found.share, [0, 0.2])
    before, after = found.distances[:, 1]
    assert [f"{before:.2f}", f"{after:.1f}"] == type_10
    assert (damage.curve(W, quiet, "f").distances.max(axis=1) > 1.5).all()  # at every level some type is destroyed


@pytest.mark.compiled
def test_undamaged_under_noise(author_networks):
    run, W, trials = network(author_networks, "04")
    d = damage.draw_distances(run, W, trials.x, trials.target, draws=20)
    # the published numbers are such means, too: the scatter of a difference of two
    scatter = np.sqrt(2) * d.std(axis=0, ddof=1) / np.sqrt(20)
    assert (scatter < 0.03).all()
    assert (np.abs(d.mean(axis=0) - [0.39, 0.41, 0.36, 0.95]) < 3 * scatter).all()


@pytest.mark.compiled
def test_under_noise_type_00_can_be_damaged(author_networks):
    run, W, trials = network(author_networks, "04")
    found = damage.curve(W, damage.distance_over_noise(run, trials.x, trials.target), "a")
    assert found.distances[0, 0] < 0.5
    assert found.distances[:, 0].max() > 4


# ---- errors

FLOATS = np.eye(3)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: damage.removed(np.eye(3, dtype=int), "a"), "W_rec must be .N, N. finite floats"),
        (lambda: damage.removed(np.ones((2, 3)), "a"), "W_rec must be .N, N. finite floats, got .2, 3."),
        (lambda: damage.removed(FLOATS * np.nan, "a"), "W_rec must be"),
        (lambda: damage.removed(FLOATS * 0, "a"), "W_rec must have a connection"),
        (lambda: damage.removed(FLOATS, "g"), "variant must be one of a, b, c, d, e, f, got 'g'"),
        (lambda: damage.removed(FLOATS, "de"), "variant must be"),
        (lambda: damage.removed(FLOATS, "a", [0.2, 0.1]), "thresholds must be 0 or positive and not fall"),
        (lambda: damage.removed(FLOATS, "a", [-0.1]), "thresholds must be 0 or positive"),
        (lambda: damage.removed(FLOATS, "a", [np.nan]), "thresholds must be 0 or positive"),
        (lambda: damage.removed(FLOATS, "a", 0.1), r"thresholds must be \(S,\), got \(\)"),
        (lambda: damage.removed(FLOATS, "f", [101.0]), "thresholds of f must be from 0 to 100"),
        (lambda: damage.removed(FLOATS, "a", [0.1], edges=[[0, 0.1]]), "edges are those of the slices of d and e"),
        (lambda: damage.removed(FLOATS, "d", [0.1], edges=[0, 0.1]), r"edges must be \(1, 2\)"),
        (lambda: damage.removed(FLOATS, "d", [0.1], edges=[[0.2, 0.1]]), "edges must have 0 <= lower <= upper"),
        (lambda: damage.share(FLOATS, FLOATS[None]), r"gone must be \(S, 3, 3\) booleans"),
        (lambda: damage.quantile_thresholds(FLOATS, [120.0]), "percent must be from 0 to 100"),
        (lambda: damage.curve(FLOATS, lambda W: W[0], "a", [0.1], percent=[1, 2]), r"percent must be \(1,\)"),
        (lambda: damage.curve(FLOATS, lambda W: 1.0, "a"), "distance_of must return .conditions,."),
        (lambda: damage.curve(FLOATS, lambda W: np.ones(int(W.sum())), "a", [0.1, 2]), "distance_of must return"),
        (lambda: damage.crossing([0, 1], np.ones(2), 1.0), r"distances must be \(2, C\)"),
        (lambda: damage.crossing([1, 0], np.ones((2, 1)), 1.0), "percent must be 0 or positive and not fall"),
        (lambda: damage.crossing([0, 1], np.ones((2, 1)), 1.0, how="last"), "how must be first or linear"),
        (lambda: damage.ensemble(np.ones((1, 2, 3))), "at least 2 networks"),
        (lambda: damage.ensemble(np.ones((2, 3))), r"distances must be \(networks, S, C\)"),
        (lambda: damage.slice_edges([]), "thresholds must be"),
    ],
)
def test_errors(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"x": np.ones((4, 2, 1), int)}, "x must be .T, B, I. floats"),
        ({"x": np.ones((4, 2))}, "x must be .T, B, I. floats"),
        ({"target": np.ones((4, 3, 1))}, r"target must be \(4, 2, O\)"),
        ({"input_noise_std": -1.0}, "input_noise_std must be 0 or positive"),
        ({"draws": 0}, "draws must be a positive integer"),
        ({"draws": 2.0}, "draws must be a positive integer"),
        ({"run": lambda W, x: x[:, :1]}, r"run must return z \(4, 40, 1\)"),
    ],
)
def test_errors_of_the_draws(changes, said):
    given = {"run": adder, "x": np.ones((4, 2, 1)), "target": np.ones((4, 2, 1))} | changes
    with pytest.raises(ValueError, match=said):
        damage.draw_distances(W_rec=FLOATS, **given)


def test_files_that_are_no_tables(tmp_path):
    path = tmp_path / "t.csv"
    for text in ("", "a,b\n1,2\n", "variant\na_both\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"t.csv does not hold"):
            damage.published(path)
    with pytest.raises(FileNotFoundError):
        damage.published(tmp_path / "none.csv")


# ---- pictures


def test_the_picture_has_a_curve_per_type_and_the_two_lines():
    _, axes = plots.figure(1, 1, 4, 3)
    ax = axes[0, 0]
    percent = np.array([0.0, 2.0, 4.0])
    d = np.random.default_rng(7).random((3, 4))
    draw(ax, percent, d, below=d / 11, above=d / 12, title="a")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines) == ["00", "10", "01", "11", "d = 1", "d = 1.5"]
    for c, name in enumerate(("00", "10", "01", "11")):
        np.testing.assert_array_equal(lines[name].get_xdata(), percent)
        np.testing.assert_array_equal(lines[name].get_ydata(), d[:, c])
        band = ax.collections[c].get_paths()[0].vertices
        assert band[:, 1].min() == pytest.approx((d[:, c] * 10 / 11).min())
        assert band[:, 1].max() == pytest.approx((d[:, c] * 13 / 12).max())
    assert [lines[f"d = {v:g}"].get_ydata()[0] for v in (1, 1.5)] == [1, 1.5]
    assert len({lines[name].get_color() for name in ("00", "10", "01", "11")}) == 4


def test_the_page_has_a_row_per_network_and_a_column_per_variant(tmp_path):
    percent, d = np.array([0.0, 2.0]), np.ones((2, 4))
    made = variants({"table": {v: (percent, d, d / 11, d / 12) for v in "ab"}, "net": {"a": (percent, d, None, None)}}, top=3.0)
    shown = [ax for ax in made.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["a: all weaker than t", "b: positive, weaker than t", ""]
    assert {ax.get_ylim() for ax in shown} == {(0.0, 3.0)}
    assert [ax.get_ylabel() for ax in shown] == ["table\ndistance", "", "net\ndistance"]
    whole = variants({"small": {"a": (percent, d, None, None)}, "large": {"a": (percent, 5 * d, None, None)}})
    assert all(ax.get_ylim()[1] > 5 for ax in whole.axes)
    plots.save(made, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 10_000
