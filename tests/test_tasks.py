"""The AND task against its rule, stated here trial by trial and step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn import Trials, tasks


@given(
    st.integers(0, 9), st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 5), st.sampled_from([1.0, 0.5, 2.0]),
    st.integers(0, 1000),
)  # fmt: skip
def test_timing_and_answer(onset, pulse, gap, tail, jitter, dt, seed):
    # times are whole numbers of steps, given in ms
    task = tasks.And(
        onset=onset * dt, pulse=pulse * dt, gap=gap * dt, tail=tail * dt, jitter=jitter * dt, dt=dt, baseline=0.25, low=-0.5,
        input_noise_std=0,
    )  # fmt: skip
    trials = task.trials(20, seed)
    assert task.steps == onset + pulse + gap + tail + jitter
    assert trials.x.shape == (task.steps, 20, 2)
    assert trials.target.shape == (task.steps, 20, 1)
    assert trials.mask is None
    assert trials.dt == dt
    for b in range(20):
        a_on, b_on = {0: (0, 0), 1: (1, 0), 2: (0, 1), 3: (1, 1)}[trials.condition[b]]
        answer = 1.0 if a_on and b_on else -0.5
        fitting = []
        for delay in range(1, jitter + 1) if jitter else [0]:
            start = onset + delay
            x = [[a_on, b_on] if start <= t < start + pulse else [0, 0] for t in range(task.steps)]
            y = [answer if t >= start + pulse + gap else 0.25 for t in range(task.steps)]
            fitting.append(np.array_equal(trials.x[:, b], x) and np.array_equal(trials.target[:, b, 0], y))
        assert any(fitting)


def test_the_default_is_the_papers():
    trials = tasks.And().conditions()
    assert trials.x.shape == (200, 4, 2)
    np.testing.assert_array_equal(trials.condition, [0, 1, 2, 3])
    assert tasks.And.condition_names == ("00", "10", "01", "11")
    np.testing.assert_array_equal(np.flatnonzero(trials.x[:, 1, 0]), np.arange(30, 50))
    np.testing.assert_array_equal(np.flatnonzero(trials.x[:, 2, 1]), np.arange(30, 50))
    np.testing.assert_array_equal(trials.x[:, 1, 1], 0)
    np.testing.assert_array_equal(np.flatnonzero(trials.target[:, 3, 0]), np.arange(70, 200))
    np.testing.assert_array_equal(trials.target[:, :3], 0)


def test_the_published_variants_have_their_lengths():
    assert tasks.And(tail=140).steps == 210
    assert tasks.And(onset=60, tail=140).steps == 240
    jittered = tasks.And(onset=60, tail=140, jitter=50)
    assert jittered.steps == 290
    x = jittered.conditions().x  # conditions stand in the middle of the jitter, 25
    np.testing.assert_array_equal(np.flatnonzero(x[:, 3, 0]), np.arange(85, 105))
    x = tasks.And(onset=60, tail=140, jitter=50, input_noise_std=0).trials(4000, 0).x
    starts = {int(np.flatnonzero(x[:, b, 0])[0]) for b in range(4000) if x[:, b, 0].any()}
    assert starts == set(range(61, 111))


def test_types_are_equally_likely_and_noise_is_on_every_step():
    trials = tasks.And(target_noise_std=0.2).trials(8000, 1)
    counts = np.bincount(trials.condition, minlength=4)
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(8000 * 0.25 * 0.75)
    clean = tasks.And().conditions()
    noise = trials.x - clean.x[:, trials.condition]
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    np.testing.assert_allclose(noise.std(axis=(1, 2)), 0.1, rtol=0.05)
    assert abs(np.corrcoef(noise[:, :, 0].ravel(), noise[:, :, 1].ravel())[0, 1]) < 0.01
    assert (trials.target - clean.target[:, trials.condition]).std() == pytest.approx(0.2, rel=0.01)


def test_the_seed_decides():
    first, again, other = (tasks.And().trials(5, seed) for seed in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()


@pytest.mark.parametrize(
    "change, name",
    [
        ({"onset": -1}, "onset"),
        ({"pulse": 0}, "pulse"),
        ({"tail": 0}, "tail"),
        ({"gap": np.nan}, "gap"),
        ({"dt": 0}, "dt"),
        ({"dt": 50}, "pulse"),
        ({"input_noise_std": -0.1}, "input_noise_std"),
        ({"jitter": -5}, "jitter"),
        ({"baseline": np.inf}, "baseline"),
    ],
)
def test_what_does_not_fit_is_named(change, name):
    with pytest.raises(ValueError, match=name):
        tasks.And(**change)


def test_no_trials_are_an_error():
    with pytest.raises(ValueError, match="n must be at least 1"):
        tasks.And().trials(0, 0)


def test_distance_is_the_euclidean_norm_over_time_and_outputs():
    target = np.zeros((5, 2, 3))
    z = np.zeros((5, 2, 3))
    z[1, 0] = [3, 0, 4]
    z[2, 0, 0] = 12
    np.testing.assert_allclose(tasks.distance(z, Trials(np.zeros((5, 2, 1)), target)), [13, 0])
    # 0.01 on the 70 steps before the answer: the number in the authors' own table
    trials = tasks.And(baseline=0.01).conditions()
    assert tasks.distance(np.zeros((200, 4, 1)), trials)[0] == pytest.approx(0.083666, abs=5e-7)
    with pytest.raises(ValueError, match=r"z must be \(200, 4, 1\)"):
        tasks.distance(np.zeros((200, 3, 1)), trials)
    with pytest.raises(ValueError, match="z must be"):
        tasks.success(np.zeros((200, 3, 1)), trials, tasks.And())


def test_success_needs_every_answer_held_and_a_small_distance():
    task = tasks.And()
    trials = task.conditions()
    perfect = trials.target.astype(float)
    assert tasks.success(perfect, trials, task)
    assert not tasks.success(np.zeros_like(perfect), trials, task)  # silent: "11" is wrong
    late = perfect.copy()
    late[70:135, 3] = 0  # wrong in the first half of the answer only, but far from the target: 8.06 / 4 > 1.5
    assert task.right(late, trials).all()
    assert not tasks.success(late, trials, task)
    slow = perfect.copy()
    slow[70:100, 3] = 0  # sqrt(30) / 4 < 1.5
    assert tasks.success(slow, trials, task)
    wavering = perfect.copy()
    wavering[135:139, 0] = 0.6  # 4 of the last 65 steps are on the wrong side: 6 %
    assert not tasks.success(wavering, trials, task)
    wavering[138, 0] = 0.4  # 3 of 65
    assert tasks.success(wavering, trials, task)
    drifting = perfect + 0.2  # always on the right side; mean distance 2.8
    assert task.right(drifting, trials).all()
    assert not tasks.success(drifting, trials, task)


def test_the_protocol_is_the_authors():
    p = tasks.And().protocol
    assert (p.samples, p.held_out, p.batch, p.epochs, p.stop_below) == (15000, 50, 64, 20, 5e-4)
    assert (p.lr, p.decay, p.n_rec, p.recurrent, p.b_rec) == (1e-4, 1e-4, 50, "orthogonal", False)
    assert -(-p.samples // p.batch) * p.epochs == 4700  # the update counter in the authors' files
