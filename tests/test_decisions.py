"""The ten decision-making tasks, each against its rule (tasks.md 2.8) stated anew, and the authors' network on its own."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, signal

import minirnn as mr
from minirnn import tasks
from minirnn.tasks.decisions import (
    ContextDecision,
    DistanceCoded,
    IntervalComparison,
    MultiAmplitude,
    MultiInterval4,
    MultiInterval8,
    SimpleDecision,
)
from minirnn.tasks.integration import ContinuingEvidence, CuedIntegration, WindowedIntegration

PULSED = [SimpleDecision, ContextDecision, MultiInterval4, MultiInterval8, MultiAmplitude, DistanceCoded, IntervalComparison]
EVIDENCE = [WindowedIntegration, ContinuingEvidence, CuedIntegration]
LENGTHS = dict(zip(PULSED + EVIDENCE, [370, 370, 370, 370, 370, 580, 560, 480, 480, 480], strict=True))


# ---- the rules, by name of the condition: ([starts after s], pulse, height, answer from s + .., its level)


def stories(kind):
    told = {}
    if kind is IntervalComparison:
        for d1, d2 in ((25, 50), (50, 25)):
            starts = [0, 10 + d1, 10 + d1 + 10 + 100, 10 + d1 + 10 + 100 + 10 + d2]
            told[f"{d1} {d2}"] = (starts, 10, 1, starts[3] + 10 + 20, 1 if d1 < d2 else -1)
        return told
    told["0"] = ([], 20, 0, 0, 0)
    for sign, mark in ((1, "+"), (-1, "-")):
        if kind is SimpleDecision:
            told[mark + "1"] = ([0], 20, sign, 20 + 50, sign)
        if kind is ContextDecision:
            told[mark + "1"] = ([0], 20, sign, 20 + 50, sign)
            told[mark + "2"] = ([0], 20, 2 * sign, 20 + 100, sign)
        if kind in (MultiInterval4, MultiInterval8):
            for k in range(1, 5 if kind is MultiInterval4 else 9):
                told[f"{mark}{k}"] = ([0], 20, k * sign, 20 + 25 * k, sign)
        if kind is MultiAmplitude:
            for k in range(1, 9):
                told[f"{mark}{k}"] = ([0], 20, k * sign, 20 + 150, 0.25 * k * sign)
        if kind is DistanceCoded:
            for d in range(20, 161, 20):
                told[f"{mark}{d}"] = ([0, 20 + d], 20, sign, 20 + d + 20 + d, sign)
    return told


def told(story, s, T):
    """(T,) input and target of the trial whose first pulse begins at step s."""
    starts, pulse, height, wait, level = story
    window = signal.windows.hann(10)
    smooth = signal.convolve(height * np.ones(pulse), window, mode="same") / window.sum()
    x, y = [0.0] * T, [0.0] * T
    for start in starts:
        for k in range(pulse):
            x[s + start + k] = smooth[k]
    for t in range(T):
        if t >= s + wait:
            y[t] = level
    return np.array(x), np.array(y)


def same(trials, b, x, y):
    return np.allclose(trials.x[:, b, 0], x, rtol=1e-6, atol=1e-6) and np.array_equal(trials.target[:, b, 0], np.float32(y))


@pytest.mark.parametrize("kind", PULSED)
def test_pulses_and_answers(kind):
    T, told_of = LENGTHS[kind], stories(kind)
    task = kind(input_noise_std=0)
    assert task.steps == T
    assert set(task.condition_names) == set(told_of)
    trials = task.trials(40, 3)
    assert trials.x.shape == trials.target.shape == (T, 40, 1)
    assert trials.x.dtype == trials.target.dtype == np.float32
    assert trials.mask is None
    assert trials.dt == 1
    for b in range(40):
        story = told_of[task.condition_names[trials.condition[b]]]
        on = np.flatnonzero(trials.x[:, b, 0])
        assert len(on) == len(story[0]) * story[1]
        s = int(on[0]) if len(on) else 50
        assert 50 <= s < 120 if kind is IntervalComparison else 50 <= s <= 120
        assert same(trials, b, *told(story, s, T))


@pytest.mark.parametrize("kind", PULSED)
def test_conditions_of_pulses(kind):
    task = kind()
    trials = task.conditions()
    np.testing.assert_array_equal(trials.condition, np.arange(len(task.condition_names)))
    s = 50 + (34 if kind is IntervalComparison else 35)  # the middle of 0 .. 69, of 1 .. 70
    for b, name in enumerate(task.condition_names):
        assert same(trials, b, *told(stories(kind)[name], s, LENGTHS[kind]))


@pytest.mark.parametrize("kind", PULSED)
def test_how_likely_the_conditions_are(kind):
    task = kind(input_noise_std=0)
    n = 15000
    trials = task.trials(n, 0)
    names = task.condition_names
    counts = dict(zip(names, np.bincount(trials.condition, minlength=len(names)), strict=True))
    for name in names:
        p = 0.5 if name == "0" or kind is IntervalComparison else 0.5 / (len(names) - 1)
        assert abs(counts[name] - n * p) < 5 * math.sqrt(n * p * (1 - p))
    pulsed = trials.x[:, :, 0] != 0
    starts = pulsed.argmax(axis=0)[pulsed.any(axis=0)]
    found = np.bincount(starts, minlength=121)
    possible = range(50, 120) if kind is IntervalComparison else range(51, 121)
    assert set(np.flatnonzero(found)) == set(possible)
    assert np.abs(found[possible] - len(starts) / 70).max() < 5 * math.sqrt(len(starts) / 70)


@given(
    st.integers(0, 9), st.integers(3, 9), st.integers(0, 5), st.integers(1, 9), st.sampled_from([0.5, 1.0, 2.0]), st.integers(1, 3),
    st.integers(0, 12), st.integers(0, 1000),
)  # fmt: skip
def test_times_are_in_ms(onset, pulse, jitter, tail, dt, levels, gap, seed):
    shared = {"onset": onset * dt, "pulse": pulse * dt, "jitter": jitter * dt, "tail": tail * dt, "dt": dt, "smooth": 3 * dt}
    for task, longest in (
        (SimpleDecision(levels=levels, gap=gap * dt, input_noise_std=0, **shared), pulse + gap * levels),
        (MultiAmplitude(levels=levels, gap=gap * dt, input_noise_std=0, **shared), pulse + gap),
        (DistanceCoded(levels=levels, distance=gap * dt, **shared), 2 * (pulse + gap * levels)),
    ):
        assert task.steps == onset + jitter + longest + tail
        trials = task.trials(12, seed)
        for b in np.flatnonzero(trials.condition):
            on, answer = np.flatnonzero(trials.x[:, b, 0]), np.flatnonzero(trials.target[:, b, 0])
            assert onset + (1 if jitter else 0) <= on[0] <= onset + jitter
            k = (trials.condition[b] + 1) // 2
            wait = gap if isinstance(task, MultiAmplitude) else gap * k
            assert answer[0] == on[-1] + 1 + wait
            assert len(answer) == task.steps - answer[0] >= tail


def test_the_animations_variant_has_the_length_of_the_other_networks():
    assert SimpleDecision(jitter=0, gap=70, tail=160).steps == 300
    assert np.flatnonzero(SimpleDecision(jitter=0, gap=70, tail=160).conditions().target[:, 1, 0])[0] == 140


@pytest.mark.parametrize("kind", PULSED + EVIDENCE)
def test_noise_and_seed(kind):
    task = kind(input_noise_std=0.05, target_noise_std=0.2)
    names = {f.name: f.default for f in dataclasses.fields(kind)}
    assert names["input_noise_std"] == (0.05 if kind in PULSED[:5] else 0)
    assert names["target_noise_std"] == 0
    trials, again, other = (task.trials(400, seed) for seed in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(trials.x, again.x)
    np.testing.assert_array_equal(trials.target, again.target)
    assert (trials.x != other.x).any()
    clean = dataclasses.replace(task, input_noise_std=0, target_noise_std=0).trials(400, 1)
    for noisy, quiet, std in ((trials.x, clean.x, 0.05), (trials.target, clean.target, 0.2)):
        noise = noisy - quiet
        assert noise.std() == pytest.approx(std, rel=0.02)
        np.testing.assert_allclose(noise.std(axis=1), std, rtol=0.25)  # every step
        assert abs(noise.mean()) < 5 * std / math.sqrt(noise.size)


# ---- evidence


def sign_of_simpson(values):
    return np.sign(integrate.simpson(np.asarray(values, float)))


@pytest.mark.parametrize(
    "kind, window, answer, jitter", [(EVIDENCE[0], 200, 220, 0), (EVIDENCE[1], 50, 110, 150), (EVIDENCE[2], 50, 110, 150)]
)
def test_the_answer_is_the_sign_of_the_integral(kind, window, answer, jitter):
    task = kind()
    trials = task.trials(60, 5)
    channels = 2 if kind is CuedIntegration else 1
    assert trials.x.shape == (480, 60, channels)
    assert trials.target.shape == (480, 60, 1)
    assert trials.x.dtype == trials.target.dtype == np.float32
    cued = np.ones(60, bool)
    for b in range(60):
        on = np.flatnonzero(trials.x[:, b, 0])
        s = on[0]
        np.testing.assert_array_equal(on, np.arange(s, s + 200))
        assert 51 <= s <= 200 if jitter else s == 50
        if channels == 2:
            cue = np.flatnonzero(trials.x[:, b, 1])
            cued[b] = len(cue) > 0
            if cued[b]:
                np.testing.assert_array_equal(cue, np.arange(s - 20, s - 10))
                assert (trials.x[cue, b, 1] == 1).all()
        value = sign_of_simpson(trials.x[s : s + window, b, 0]) if cued[b] else 0
        expected = [value if t >= s + answer else 0 for t in range(480)]
        np.testing.assert_array_equal(trials.target[:, b, 0], expected)
        name = task.condition_names[trials.condition[b]]
        assert name[0] == {1: "+", -1: "-", 0: "n"}[value]


def test_evidence_is_smoothed_noise():
    # the raw noise is what the generator draws; here it goes through scipy's convolution
    task = WindowedIntegration()
    trials = task.trials(30, 7)
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((200, 30), np.float32)
    window = signal.windows.hann(10)
    for b in range(30):
        smooth = signal.convolve(noise[:, b], window / window.sum(), mode="same")
        np.testing.assert_allclose(trials.x[50:250, b, 0], smooth, atol=1e-6)
    # and by its moments, whatever the generator draws: variance sum(w^2) / sum(w)^2 away from the ends
    x = task.trials(4000, 8).x[60:240, :, 0]
    assert x.var() == pytest.approx((window**2).sum() / window.sum() ** 2, rel=0.02)
    assert abs(x.mean()) < 5 / math.sqrt(180 * 4000)
    louder = WindowedIntegration(evidence_std=3).trials(30, 7)
    np.testing.assert_allclose(louder.x, 3 * trials.x, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(louder.target, trials.target)
    np.testing.assert_array_equal(louder.condition, trials.condition)


@pytest.mark.parametrize("kind", EVIDENCE)
def test_strengths_of_evidence_are_equally_likely(kind):
    task = kind()
    n = 16000
    trials = task.trials(n, 2)
    counts = np.bincount(trials.condition, minlength=len(task.condition_names))
    if kind is CuedIntegration:
        assert counts[0] == n // 4  # exactly
        counts = counts[1:]
    expected = counts.sum() / 8
    assert np.abs(counts - expected).max() < 5 * math.sqrt(expected)
    if kind is not WindowedIntegration:
        starts = np.bincount((trials.x[:, :, 0] != 0).argmax(axis=0), minlength=201)
        assert set(np.flatnonzero(starts)) == set(range(51, 201))
        assert np.abs(starts[51:] - n / 150).max() < 5 * math.sqrt(n / 150)
    # stronger evidence has a greater integral
    window = int(task.window)
    s = (trials.x[:, :, 0] != 0).argmax(axis=0)
    integrals = np.array([integrate.simpson(trials.x[s[b] : s[b] + window, b, 0].astype(float)) for b in range(300)])
    first = len(task.condition_names) - 8
    parts = [integrals[trials.condition[:300] == first + k] for k in range(8)]
    for weaker, stronger in itertools.pairwise(parts):
        assert weaker.max() < stronger.min()


@pytest.mark.parametrize("n, cued", [(1, 0), (2, 1), (3, 2), (4, 3), (64, 48), (65, 48), (1000, 750)])
def test_three_of_four_trials_are_cued_exactly(n, cued):
    trials = CuedIntegration().trials(n, 0)
    asked = trials.x[:, :, 1].any(axis=0)
    assert asked.sum() == cued
    np.testing.assert_array_equal(asked, trials.target[-1, :, 0] != 0)
    np.testing.assert_array_equal(asked, trials.condition > 0)


def test_cued_trials_are_in_random_order():
    halves = [CuedIntegration().trials(1000, seed).x[:, :500, 1].any(axis=0).sum() for seed in range(8)]
    assert np.abs(np.array(halves) - 375).max() < 5 * math.sqrt(1000 * 3 / 16 / 4)  # hypergeometric
    assert len(set(halves)) > 1


@pytest.mark.parametrize("kind", EVIDENCE)
def test_conditions_of_evidence_are_always_the_same(kind):
    task = kind(input_noise_std=0.3, target_noise_std=0.3)
    trials, again = task.conditions(), kind().conditions()
    np.testing.assert_array_equal(trials.x, again.x)  # noise is only in `trials`
    np.testing.assert_array_equal(trials.target, again.target)
    np.testing.assert_array_equal(trials.condition, np.arange(len(task.condition_names)))
    s = 50 if kind is WindowedIntegration else 50 + 75
    window = int(task.window)
    integrals = []
    for b, name in enumerate(task.condition_names):
        on = np.flatnonzero(trials.x[:, b, 0])
        np.testing.assert_array_equal(on, np.arange(s, s + 200))
        value = sign_of_simpson(trials.x[s : s + window, b, 0])
        assert trials.target[-1, b, 0] == (0 if name == "no cue" else value)
        assert name == "no cue" or name[0] == {1: "+", -1: "-"}[value]
        if name != "no cue":
            integrals.append(integrate.simpson(trials.x[s : s + window, b, 0].astype(float)))
    # each near the median of its eighth: symmetric, and none of them so weak that its sign is a matter of rounding
    assert (np.diff(integrals) > 0).all()
    np.testing.assert_allclose(integrals, -np.array(integrals)[::-1], atol=0.1 * integrals[-1])
    assert min(np.abs(integrals)) > 0.08 * integrals[-1]
    if kind is CuedIntegration:
        np.testing.assert_array_equal(trials.x[:, 0, 0], trials.x[:, -1, 0])  # the strongest evidence, and no cue
        assert not trials.x[:, 0, 1].any()
        np.testing.assert_array_equal(np.flatnonzero(trials.x[:, 1, 1]), np.arange(s - 20, s - 10))


def test_the_docstrings_variant_of_the_cued_task():
    task = CuedIntegration(window=20, duration=140, gap=30, tail=200)
    assert task.steps == 450
    trials = task.trials(40, 0)
    for b in np.flatnonzero(trials.condition):
        s = np.flatnonzero(trials.x[:, b, 0])[0]
        assert not trials.x[s + 140 :, b, 0].any()
        assert np.flatnonzero(trials.target[:, b, 0])[0] == s + 50
        assert trials.target[-1, b, 0] == sign_of_simpson(trials.x[s : s + 20, b, 0])


# ---- right, is_solved


@pytest.mark.parametrize("kind", PULSED + EVIDENCE)
def test_right_takes_the_target_and_refuses_others(kind):
    task = kind()
    random = task.trials(200, 4)
    for trials, clean in (
        (task.conditions(), task.conditions().target),
        (random, random.target),
        (kind(target_noise_std=0.05).trials(200, 4), random.target),
    ):
        perfect, answer = clean.astype(float), clean[-1, :, 0]
        assert task.right(perfect, trials).all()
        np.testing.assert_array_equal(task.right(np.zeros_like(perfect), trials), answer == 0)
        np.testing.assert_array_equal(task.right(-perfect, trials), answer == 0)
        assert not task.right(perfect + np.nan, trials).any()
        assert not task.right(np.where(answer[:, None] == 0, 3.0, perfect), trials)[answer == 0].any()
    trials = task.conditions()
    perfect = trials.target.astype(float)
    assert tasks.success(perfect, trials, task)
    assert not tasks.success(0 * perfect, trials, task)
    assert not tasks.success(-perfect, trials, task)


@pytest.mark.parametrize("kind", PULSED + EVIDENCE)
def test_right_looks_at_the_last_half_of_each_answer(kind):
    task = kind(input_noise_std=0)
    trials = task.trials(100, 9)
    perfect, T = trials.target.astype(float), task.steps
    early, late, few = perfect.copy(), perfect.copy(), perfect.copy()
    asked = trials.target[-1, :, 0] != 0
    for b in np.flatnonzero(asked):
        start = int(np.flatnonzero(trials.target[:, b, 0])[0])
        half = start + (T - start) // 2
        early[start:half, b] = 0  # wrong only before it is looked at
        wrong = math.floor(0.05 * (T - half) + 1e-9)
        few[half : half + wrong, b] = 0
        late[half : half + wrong + 1, b] = 0
    assert task.right(early, trials).all()
    assert task.right(few, trials).all()
    np.testing.assert_array_equal(task.right(late, trials), ~asked)


def test_an_answer_of_0_is_judged_from_the_earliest_answer_on():
    for task, earliest in (
        (SimpleDecision(), 121),
        (MultiInterval8(), 96),
        (CuedIntegration(tail=171), 161),
        (DistanceCoded(), 131),
    ):
        trials = task.conditions()
        half = earliest + (task.steps - earliest) // 2
        allowed = math.floor(0.05 * (task.steps - half) + 1e-9)
        z = trials.target.astype(float)
        z[: half + allowed, 0] = 0.9
        assert task.right(z, trials)[0]
        z[half + allowed, 0] = 0.9
        assert not task.right(z, trials)[0]


def test_thresholds():
    task = SimpleDecision()
    trials = task.conditions()
    y = trials.target.astype(float)
    for z, expected in (
        (0.55 * y, [1, 1, 1]),
        (0.45 * y, [1, 0, 0]),
        (4 * y, [1, 1, 1]),
        (y + 0.45, [1, 1, 1]),
        (y - 0.55, [0, 0, 1]),
    ):
        np.testing.assert_array_equal(task.right(z, trials), expected)
    graded = MultiAmplitude()
    trials = graded.conditions()
    y = trials.target.astype(float)
    assert graded.right(y + 0.12, trials).all()
    off = graded.right(y + 0.13, trials)
    assert [name for name, right in zip(graded.condition_names, off, strict=True) if right] == ["+8"]  # there is no level above
    assert not graded.right(np.sign(y), trials)[1:7].any()


def test_answers_at_a_wrong_time_are_not_solved():
    task = MultiInterval4()
    trials = task.conditions()
    at_100 = trials.target.astype(float)
    at_100[: 50 + 35 + 20 + 100] = 0  # all as late as the latest
    assert task.right(at_100, trials).all()
    assert not task.is_solved(at_100, trials)


def test_how_many_wrong_answers_are_solved():
    task = MultiInterval8()
    trials = task.conditions()
    z = trials.target.astype(float)
    z[:, 5] = 0
    assert tasks.distance(z, trials).mean() < 1
    assert not task.is_solved(z, trials)
    evidence = WindowedIntegration()
    trials = evidence.conditions()
    z = trials.target.astype(float)
    assert evidence.is_solved(z, trials)
    z[:, 3] *= -1
    assert not evidence.is_solved(z, trials)
    many = evidence.trials(100, 0)
    z = many.target.astype(float)
    z[:, :5] = 0
    assert evidence.is_solved(z, many)
    z[:, 5] = 0
    assert not evidence.is_solved(z, many)


# ---- the rest of the contract


@pytest.mark.parametrize("kind", PULSED + EVIDENCE)
def test_names_sizes_and_protocol(kind):
    task = kind()
    two = kind is CuedIntegration
    assert (kind.n_in, kind.n_out, len(kind.input_names)) == (2 if two else 1, 1, 2 if two else 1)
    assert len({len(row) for row in task.truth_table}) == 1
    assert all(isinstance(word, str) for row in task.truth_table for word in row)
    assert len(set(task.condition_names)) == len(task.condition_names) == len(task.conditions())
    assert hash(task) == hash(kind())
    p = kind.protocol
    large = kind in (MultiAmplitude, WindowedIntegration, ContinuingEvidence)
    assert p.samples + p.held_out == (90300 if large else 15050)
    assert (p.n_rec, p.recurrent, p.b_rec, p.batch, p.epochs, p.lr, p.decay) == (100, "orthogonal", False, 64, 20, 1e-4, 0)
    assert (p.stop_below, p.clip, p.clip_scope, p.fresh) == (5e-5, 1.0, "per_array", False)


def test_truth_tables():
    assert SimpleDecision().truth_table[1:] == (("0", "0", "-"), ("+1", "+1", "50"), ("-1", "-1", "50"))
    assert MultiAmplitude().truth_table[5] == ("-2", "-0.5", "150")
    assert DistanceCoded(distance=10).truth_table[4] == ("+20", "+1", "20")
    assert IntervalComparison().truth_table[1:] == (("25 50", "+1", "20"), ("50 25", "-1", "20"))


@pytest.mark.parametrize(
    "kind, change",
    [
        *((kind, {name: -1}) for kind in PULSED + EVIDENCE for name in ("onset", "jitter", "input_noise_std", "target_noise_std")),
        *((kind, {name: 0}) for kind in PULSED + EVIDENCE for name in ("tail", "dt")),
        *((kind, {"smooth": smooth}) for kind in (SimpleDecision, WindowedIntegration) for smooth in (2, math.nan)),
        *((SimpleDecision, {"levels": levels}) for levels in (0, 2.0, True)),
        (SimpleDecision, {"pulse": 0}),
        (SimpleDecision, {"gap": math.nan}),
        (MultiAmplitude, {"gap": -1}),
        (MultiAmplitude, {"amplitude": 0}),
        (MultiAmplitude, {"amplitude": -0.25}),
        (DistanceCoded, {"distance": -20}),
        (IntervalComparison, {"short": 50}),
        (IntervalComparison, {"separation": math.inf}),
        (IntervalComparison, {"gap": -1}),
        (WindowedIntegration, {"duration": 0}),
        (WindowedIntegration, {"window": 201}),
        (WindowedIntegration, {"gap": -1}),
        (WindowedIntegration, {"evidence_std": 0}),
        (ContinuingEvidence, {"duration": 400}),
        (CuedIntegration, {"cue": 0}),
        (CuedIntegration, {"cue": 500}),
        (CuedIntegration, {"lead": 60}),
        (CuedIntegration, {"lead": math.nan}),
    ],
)
def test_what_does_not_fit_is_named(kind, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        kind(**change)


@pytest.mark.parametrize("kind", PULSED + EVIDENCE)
def test_no_trials_are_an_error(kind):
    with pytest.raises(ValueError, match="n must be at least 1"):
        kind().trials(0, 0)


# ---- the authors' network, trained on the simple decision (author_networks.md 6.2)


@pytest.fixture(params=["simpledm_n100_ortho_nobias_0_.npz", "keras/simpledm_n100_ortho_keras3.hdf5"])
def simple_dm(request, author_networks):
    if request.param.endswith(".hdf5"):
        pytest.importorskip("h5py", reason="the extra keras is not installed")
    return mr.Network.load(author_networks / request.param)


def test_the_authors_network_decides(simple_dm):
    task = SimpleDecision()
    trials = task.conditions()
    z = simple_dm.run(trials.x)[1]
    zero, plus, minus = tasks.distance(z, trials)
    assert tasks.success(z, trials, task)
    assert f"{zero:.2f}" == "0.00"
    assert 0.455 < plus < 0.525  # .46 to .52 in the five networks
    assert f"{np.mean([zero, plus, minus]):.2f}" == "0.31"  # .31 to .35
    assert plus == pytest.approx(minus, abs=5e-4)  # an odd map, but for the readout's bias


@pytest.mark.compiled
def test_the_authors_network_on_random_trials(simple_dm):
    quiet, noisy = (SimpleDecision(input_noise_std=std).trials(200, 0) for std in (0.0, 0.05))
    z = simple_dm.run(quiet.x)[1]
    d = tasks.distance(z, quiet)
    assert SimpleDecision().right(z, quiet).all()
    still = tasks.distance(simple_dm.run(SimpleDecision().conditions().x)[1], SimpleDecision().conditions())
    for k in range(3):  # when it is asked makes no difference
        of_k = d[quiet.condition == k]
        assert abs(of_k.mean() - still[k]) < 2 * of_k.std() / math.sqrt(len(of_k)) + 1e-3
    z = simple_dm.run(noisy.x)[1]
    assert SimpleDecision().right(z, noisy).all()
    assert tasks.distance(z, noisy).max() < 0.7


def test_the_authors_network_knows_no_other_delay(simple_dm):
    # its answer to any pulse is 50 ms later: right in the end, solved nowhere else
    for task in (ContextDecision(), MultiInterval4(), SimpleDecision(gap=100)):
        trials = task.conditions()
        assert not tasks.success(simple_dm.run(trials.x)[1], trials, task)
    other = SimpleDecision(gap=70, tail=160, jitter=0)
    trials = other.conditions()
    d = tasks.distance(simple_dm.run(trials.x)[1], trials)
    assert d[1:] == pytest.approx(math.sqrt(20), rel=0.05)  # an output of 1 for 20 steps too many
