"""The tasks of pycog, each against its rule in ms, stated anew step by step; their chances, noise, masks and judgement."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from minirnn import Trials
from minirnn.tasks.epochs import TruncatedExponential, Uniform, drawn, ends, epoch_of, in_steps
from minirnn.tasks.pycog_choices import Mante, Multisensory, Rdm, RdmDense, RdmNoDale, RdmReactionTime, RdmVariableStimulus, Romo
from minirnn.tasks.pycog_motor import LeeSequence, SineWave

DOTS = [Rdm, RdmDense, RdmNoDale, RdmReactionTime, RdmVariableStimulus]
CHOICES = [*DOTS, Romo, Mante, Multisensory]
ALL = [*CHOICES, LeeSequence, SineWave]


# ---- the rule of each choice: from a condition's name, the right output (from 0) and the inputs u of (f)ixation, (s)timuli,
# (d)ecision; then its epochs in ms, in training and in `conditions`


def dots(name):
    c = float(name)
    return (0 if c > 0 else 1), [(1 + 3.2 * c / 100) / 2, (1 - 3.2 * c / 100) / 2]


def rdm(name):
    choice, motion = dots(name)
    return choice, [motion], [0, 0]


def rdm_reaction(name):
    choice, motion = dots(name)
    return choice, [[*motion, 1]], [*motion, 1]


def rdm_variable(name):
    choice, motion = dots(name)
    return choice, [[*motion, 1]], [0, 0, 1]


def romo(name):
    a, order, b = name.split()
    a, b = float(a), float(b)
    assert (order == ">") == (a > b)
    assert sorted([a, b]) in [[10, 18], [14, 22], [18, 26], [22, 30], [26, 34]]
    shown = [[0.4 + 0.8 * (f - 10) / 24, 0.4 + 0.8 * (34 - f) / 24] for f in (a, b)]
    return (0 if a > b else 1), [shown[0], [0, 0], shown[1]], [0, 0]


def mante(name):
    context, m, c = name.split()
    m, c = float(m), float(c)
    assert abs(m) in (1, 3, 10)
    assert abs(c) in (1, 3, 10)
    cue = {"motion": [1, 0], "colour": [0, 1]}[context]
    shown = [(1 + 5 * m / 100) / 2, (1 - 5 * m / 100) / 2, (1 + 5 * c / 100) / 2, (1 - 5 * c / 100) / 2]
    return (0 if {"motion": m, "colour": c}[context] > 0 else 1), [cue + shown], [0] * 6


def multisensory(name):
    modality, f = name.split()
    f = int(f)
    high, low = 0.4 + 0.8 * (f - 9) / 7, 0.4 + 0.8 * (16 - f) / 7
    v, a = modality in ("v", "va"), modality in ("a", "va")
    return (0 if f > 12.5 else 1), [[v * high, a * high, v * low, a * low, 1]], [0, 0, 0, 0, 1]


ANY = "any"  # the duration that a trial does not share with the others
RULES = {
    # kind: rule, (fixation, stimuli .., decision) in training and in `conditions`, length of a catch trial, hi
    Rdm: (rdm, [100, 800, 300], [300, 800, 300], 2000, 1.0),
    RdmDense: (rdm, [100, 800, 300], [300, 800, 300], 2000, 1.0),
    RdmNoDale: (rdm, [100, 800, 300], [300, 800, 300], 2000, 1.0),
    RdmReactionTime: (rdm_reaction, [100, 300, 800 - 300], [300, 300, 1500 - 300], 2000, 1.2),
    RdmVariableStimulus: (rdm_variable, [100, ANY, 300], [500, 320, 300], 2000, 1.0),
    Romo: (romo, [100, 500, ANY, 500, 300], [500, 500, 3000, 500, 300], 2500, 1.0),
    Mante: (mante, [100, 800, 300], [400, 800, 300], 2000, 1.0),
    Multisensory: (multisensory, [100, 1000, 300], [500, 1000, 300], 2500, 1.0),
}
RANGES = {RdmVariableStimulus: range(80, 1500, 20), Romo: range(2500, 3500, 20)}  # ms, whole steps of 20
LENGTHS = {kind: 100 for kind in DOTS} | {Romo: 245, Mante: 100, Multisensory: 125}


def fits(trials, b, course, dt=20):
    """Whether trial b has this course: (ms from, ms to, u, target or None where nothing counts), 0.2 and mask 0 after its end."""
    T, _, n_in = trials.x.shape
    x, y, m = np.full((T, n_in), 0.2), np.full((T, 2), 0.2), np.zeros(T)
    for k in range(T):
        t = (k + 1) * dt
        for begin, end, u, target in course:
            if begin < t <= end:
                x[k] += u
                if target is not None:
                    y[k], m[k] = target, 1
    return (
        np.allclose(trials.x[:, b], np.maximum(x, 0), atol=1e-6)
        and np.allclose(trials.target[:, b], y, atol=1e-6)
        and np.array_equal(trials.mask[:, b], m)
    )


def course(task, name, durations):
    """The course of a trial of this condition, for these durations in ms."""
    rule, _, _, catch, hi = RULES[type(task)]
    low = [0.2, 0.2]
    if name == "catch":
        return [(0, catch, [0.0] * task.n_in, low)]
    choice, stimuli, decision = rule(name)
    answer = [hi, 0.2] if choice == 0 else [0.2, hi]
    rows, t = [], 0
    for k, d in enumerate(durations):
        u = [0.0] * task.n_in if k == 0 else decision if k == len(durations) - 1 else stimuli[k - 1]
        rows.append((t, t + d, u, low if k == 0 else answer if k == len(durations) - 1 else None))
        t += d
    return rows


@pytest.mark.parametrize("kind", CHOICES)
def test_choices_by_their_rule(kind):
    task = kind(input_sigma=0.0)
    trials = task.trials(60, 3)
    assert trials.x.shape == (LENGTHS[kind], 60, task.n_in)
    assert trials.x.dtype == trials.target.dtype == trials.mask.dtype == np.float32
    assert task.steps == LENGTHS[kind]
    assert (trials.dt, task.n_out, len(task.input_names)) == (20, 2, task.n_in)
    training = RULES[kind][1]
    for b in range(60):
        name = task.condition_names[trials.condition[b]]
        found = [
            d for d in RANGES.get(kind, [None])
            if fits(trials, b, course(task, name, [d if given is ANY else given for given in training]))
        ]  # fmt: skip
        assert found, name
        assert name == "catch" or len(found) == 1  # the durations that fit are one
    assert (trials.condition == len(task.condition_names) - 1).any() or kind is Mante  # a catch trial was among them


@pytest.mark.parametrize("kind", CHOICES)
def test_conditions_of_choices_have_the_test_epochs(kind):
    task = kind()
    trials = task.conditions()
    names = task.condition_names
    assert len(names) == len(set(names)) == {Mante: 73, Multisensory: 25}.get(kind, 11)
    assert names[-1] == "catch"
    np.testing.assert_array_equal(trials.condition, np.arange(len(names)))
    assert trials.x.shape[0] == LENGTHS[kind]
    for b, name in enumerate(names):
        assert fits(trials, b, course(task, name, RULES[kind][2])), name
    if kind is Mante:
        assert set(names[:-1]) == {
            f"{k} {m:+d} {c:+d}" for k in ("motion", "colour") for m in (-10, -3, -1, 1, 3, 10) for c in (-10, -3, -1, 1, 3, 10)
        }
    elif kind is Multisensory:
        assert set(names[:-1]) == {f"{k} {f}" for k in ("v", "a", "va") for f in range(9, 17)}
    elif kind in DOTS:
        assert names[:-1] == ("-16", "-8", "-4", "-2", "-1", "+1", "+2", "+4", "+8", "+16")
    assert all(len(row) == len(task.truth_table[0]) for row in task.truth_table)


@pytest.mark.parametrize("dt", [7.0, 20.0, 33.0, 0.1])
def test_epochs_are_open_on_the_left_and_closed_on_the_right(dt):
    durations = [100.0, 33.3, 300.0]
    end = ends(durations, dt, 2)
    T = int(end[-1, 0]) + 3
    found = epoch_of(T, end)
    s = 0.0
    edges = []
    for d in durations:
        edges.append((s, s + d))
        s += d
    for k in range(T):
        t = (k + 1) * dt
        told = [i for i, (a, b) in enumerate(edges) if a + 1e-9 < t <= b + 1e-9] or [3]
        assert found[k].tolist() == told * 2


def test_whole_steps_are_not_lost_to_rounding():
    assert in_steps([0.3, 0.7, 1.1, 0.25], 0.1).tolist() == [3, 7, 11, 2]  # 0.3 / 0.1 is below 3
    lengths = drawn(Uniform(10.0, 100.0), 7.0, 1000, np.random.default_rng(0))
    np.testing.assert_array_equal(np.unique(lengths), np.arange(7, 100, 7))


# ---- chances


def near(count, n, p):
    """Within five standard deviations of the binomial."""
    return abs(count - n * p) <= 5 * math.sqrt(n * p * (1 - p))


@pytest.mark.parametrize("kind", CHOICES)
def test_catch_trials_and_conditions_have_their_chances(kind):
    n = 8000
    catch = {RdmReactionTime: 5 / 11, Mante: 1 / 73, Multisensory: 5 / 25}.get(kind, 1 / 11)
    task = kind()
    condition = task.trials(n, 5).condition
    counts = np.bincount(condition, minlength=len(task.condition_names))
    assert near(counts[-1], n, catch)
    for c in counts[:-1]:
        assert near(c, n, (1 - catch) / (len(counts) - 1))
    assert not (kind(catch=0.0).trials(50, 0).condition == len(counts) - 1).any()
    assert (kind(catch=1.0).trials(50, 0).condition == len(counts) - 1).all()


def test_the_context_and_the_coherences_of_mante_are_independent():
    n = 8000
    task = Mante(catch=0.0)
    names = [task.condition_names[c].split() for c in task.trials(n, 6).condition]
    assert near(sum(context == "motion" for context, _, _ in names), n, 1 / 2)
    for place in (1, 2):
        for value in ("-10", "-3", "-1", "+1", "+3", "+10"):
            assert near(sum(name[place] == value for name in names), n, 1 / 6)
    assert near(sum(m[0] == c[0] for _, m, c in names), n, 1 / 2)


def test_the_truncated_exponential_law():
    law = TruncatedExponential(330.0, 80.0, 1500.0)
    d = law.draw(20_000, np.random.default_rng(1))
    assert d.min() >= 80
    assert d.max() < 1500
    assert stats.kstest(d, stats.truncexpon(b=(1500 - 80) / 330, loc=80, scale=330).cdf).pvalue > 0.01
    # by rejection, as its name says
    wide = np.random.default_rng(2).exponential(330.0, 40_000)
    assert stats.ks_2samp(d, wide[(wide >= 80) & (wide < 1500)]).pvalue > 0.01


def test_drawn_durations_are_cut_to_whole_steps():
    n = 20_000
    trials = RdmVariableStimulus(catch=0.0).trials(n, 7)
    lengths = (trials.mask > 0).cumsum(axis=0).argmax(axis=0) + 1 - 5 - 15  # of the stimulus, in steps
    assert lengths.min() >= 4
    assert lengths.max() <= 74

    def below(x):  # P(d < x)
        return (math.exp(-80 / 330) - math.exp(-x / 330)) / (math.exp(-80 / 330) - math.exp(-1500 / 330))

    for k in range(4, 75):
        assert near((lengths == k).sum(), n, below(20 * k + 20) - below(20 * k))
    delays = (Romo(catch=0.0).trials(n // 4, 8).mask > 0).cumsum(axis=0).argmax(axis=0) + 1 - 5 - 25 - 25 - 15
    counts = np.bincount(delays)
    assert set(np.flatnonzero(counts)) == set(range(125, 175))
    assert all(near(c, n // 4, 1 / 50) for c in counts[125:])


def test_a_duration_may_be_fixed_or_drawn():
    assert RdmVariableStimulus(stimulus=800.0).conditions().mask[:, 0].nonzero()[0].tolist() == [*range(25), *range(65, 80)]
    d = (Rdm(stimulus=Uniform(100.0, 200.0), catch=0.0).trials(500, 0).mask > 0).cumsum(axis=0).argmax(axis=0) + 1 - 20
    assert set(d) == set(range(5, 10))


# ---- noise


@pytest.mark.parametrize("kind", [Rdm, Multisensory, LeeSequence])
def test_input_noise_has_its_size_and_is_rectified(kind):
    sigma = 0.01
    tau, dt = (50, 10) if kind is LeeSequence else (100, 20)
    size = math.sqrt(2 * tau / dt) * sigma
    assert kind().input_noise_std == pytest.approx(size)
    noisy, clean = (kind(baseline_input=5.0, input_sigma=s).trials(300, 2) for s in (sigma, 0.0))
    np.testing.assert_array_equal(noisy.condition, clean.condition)
    noise = noisy.x - clean.x
    n = noise.size
    assert abs(noise.std() - size) < 5 * size / math.sqrt(2 * n)
    assert abs(noise.mean()) < 5 * size / math.sqrt(n)
    per_step = noise.std(axis=(1, 2))  # on every step, the padding too
    assert np.abs(per_step - size).max() < 6 * size / math.sqrt(2 * n / len(per_step))
    assert abs(np.corrcoef(noise[:, :, 0].ravel(), noise[:, :, 1].ravel())[0, 1]) < 5 / math.sqrt(noise[:, :, 0].size)
    # catch trials, or the dots between trials, are [0.2 + noise]_+
    strong = kind(input_sigma=0.1).trials(300, 2)
    quiet = strong.x[:100, :, :9] if kind is LeeSequence else strong.x[:, strong.condition == len(kind().condition_names) - 1]
    assert quiet.min() == 0
    assert near((quiet == 0).sum(), quiet.size, stats.norm.cdf(-0.2 / (10 * size)))
    assert near((quiet > 0.2).sum(), quiet.size, 0.5)
    assert (kind(baseline_input=-9.0).conditions().x == 0).all()


@pytest.mark.parametrize("kind", ALL)
def test_the_seed_decides(kind):
    first, again, other = (kind().trials(5, seed) for seed in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.target, again.target)
    assert kind is SineWave or (first.x != other.x).any()


# ---- judgement


def some_of(trials, which):
    """The trials with these numbers."""
    return Trials(trials.x[:, which], trials.target[:, which], trials.mask[:, which], trials.condition[which], trials.dt)


@pytest.mark.parametrize("kind", CHOICES)
def test_right_is_the_larger_output_at_the_last_step_that_counts(kind):
    task = kind()
    for trials in (task.trials(300, 4), task.conditions()):
        caught = trials.condition == len(task.condition_names) - 1
        good = trials.target.astype(float)
        assert task.right(good, trials).all()
        swapped = good[:, :, ::-1]
        np.testing.assert_array_equal(task.right(swapped, trials), caught)
        np.testing.assert_array_equal(task.right(0 * good, trials), caught)  # a tie is no choice
        assert not task.right(np.full_like(good, np.nan), trials).any()
        assert not task.right(np.full_like(good, 1.0) * [1, 0], trials)[caught].any()  # one output up is a choice
        middle = 0.5 * (0.2 + task.hi)
        for level, quiet in ((middle - 0.01, True), (middle + 0.01, False)):
            assert (task.right(np.full_like(good, level), trials)[caught] == quiet).all()
        last = [max(k for k in range(len(good)) if trials.mask[k, b]) for b in range(good.shape[1])]
        elsewhere, there = swapped.copy(), good.copy()
        for b, k in enumerate(last):
            elsewhere[k, b] = good[k, b]
            there[k, b] = [0.9, 0.9] if caught[b] else swapped[k, b]
        assert task.right(elsewhere, trials).all()
        assert not task.right(there, trials).any()
    with pytest.raises(ValueError, match="condition"):
        task.right(good, Trials(trials.x, trials.target, trials.mask))


@pytest.mark.parametrize("kind", [kind for kind in CHOICES if kind is not Romo])
def test_enough_right_choices_solve_a_task(kind):
    task = kind()
    trials = task.trials(1000, 0)
    caught = np.flatnonzero(trials.condition == len(task.condition_names) - 1)[:5]
    asked = np.flatnonzero(trials.condition < len(task.condition_names) - 1)[:100]
    trials = some_of(trials, np.concatenate([asked, caught]))
    z = trials.target.astype(float)
    z[:, 100:] = [0.2, task.hi]  # catch trials do not count
    most = {Mante: 10, Multisensory: 10}.get(kind, 15)  # 85 % or 90 % are not above it
    z[:, : most - 1] = z[:, : most - 1, ::-1]
    assert task.is_solved(z, trials)
    z[:, most - 1] = z[:, most - 1, ::-1]
    assert not task.is_solved(z, trials)
    assert not task.is_solved(z[:, 100:], some_of(trials, np.arange(100, 105)))  # nothing was asked
    conditions = task.conditions()
    assert task.is_solved(conditions.target, conditions)


def test_romo_is_solved_by_its_worst_condition():
    task = Romo()
    trials = task.trials(1000, 0)
    which = np.concatenate([np.flatnonzero(trials.condition == c)[:20] for c in range(11)])
    trials = some_of(trials, which)
    assert len(trials) == 220
    z = trials.target.astype(float)
    z[:, 200:] = [0.2, 1.0]  # catch trials do not count
    z[:, 40:43] = z[:, 40:43, ::-1]  # 17 of 20
    assert task.is_solved(z, trials)
    z[:, 43] = z[:, 43, ::-1]
    assert not task.is_solved(z, trials)  # 196 of 200
    assert not task.is_solved(z[:, 200:], some_of(trials, np.arange(200, 220)))


# ---- the two that move

WAYS = {"5": "46", "4": "28", "6": "28", "2": "13", "8": "79"}
GRID = ["123", "456", "789"]


@pytest.mark.parametrize("seed", [None, 3])
def test_lee_by_its_rule(seed):
    task = LeeSequence(input_sigma=0.0)
    trials = task.conditions() if seed is None else task.trials(40, seed)
    assert trials.x.shape == (350, 8 if seed is None else 40, 17)
    assert task.steps == 350
    assert len(set(task.condition_names)) == 8
    for b, c in enumerate(trials.condition):
        name = task.condition_names[c].split()
        assert name[0] == "5"
        x, y, m = np.full((350, 17), 0.2), np.zeros((350, 2)), np.zeros(350)
        for k in range(350):
            t = 10 * (k + 1)
            x[k, 9 + c] += 1
            if t <= 1000:
                continue
            m[k] = 1
            move = 0 if t <= 2000 else 1 if t <= 2500 else 2 if t <= 3000 else 3
            on = "5" if move == 0 else name[move - 1] + WAYS[name[move - 1]]
            assert move == 0 or name[move] in WAYS[name[move - 1]]
            for dot in on:
                x[k, int(dot) - 1] += 1
            (row,) = (r for r in range(3) if name[move] in GRID[r])
            y[k] = [-0.5 + 0.5 * GRID[row].index(name[move]), 0.5 - 0.5 * row]
        np.testing.assert_allclose(trials.x[:, b], x, atol=1e-6)
        np.testing.assert_allclose(trials.target[:, b], y, atol=1e-6)
        np.testing.assert_array_equal(trials.mask[:, b], m)


def test_all_sequences_of_lee_are_equally_likely():
    counts = np.bincount(LeeSequence().trials(2000, 0).condition, minlength=8)
    assert all(near(c, 2000, 1 / 8) for c in counts)
    ways = {f"5 {a} {b} {c}" for a in WAYS["5"] for b in WAYS[a] for c in WAYS[b]}
    assert set(LeeSequence.condition_names) == ways  # all there are


def test_the_sine_wave():
    task = SineWave()
    trials = task.trials(3, 0)
    assert trials.x.shape == (80, 3, 0)
    assert trials.mask is None
    expected = [0.9 * math.sin(2 * math.pi * t / 800) for t in range(20, 1601, 20)]
    for b in range(3):
        np.testing.assert_allclose(trials.target[:, b, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(task.conditions().target, trials.target[:, :1])
    assert SineWave(period=400.0, periods=3.0, dt=10.0).steps == 120


@pytest.mark.parametrize("kind", [LeeSequence, SineWave])
def test_moves_are_right_up_to_a_root_mean_square_error_of_a_twentieth(kind):
    task = kind()
    trials = task.trials(4, 0)
    good = trials.target.astype(float)
    assert task.right(good, trials).all()
    assert task.is_solved(good, trials)
    assert not task.right(0 * good, trials).any()
    near_it, off = good.copy(), good.copy()
    near_it[:, 1] += 0.049
    off[:, 1] += 0.051
    assert task.right(near_it, trials).all()
    assert task.right(off, trials).tolist() == [True, False, True, True]
    assert task.is_solved(off, trials)  # over all trials 0.0255
    off[:, 1] += 0.1
    assert not task.is_solved(off, trials)
    if kind is LeeSequence:
        between = good.copy()
        between[:100] = 5.0  # before the fixation nothing counts
        assert task.right(between, trials).all()
    assert not task.is_solved(np.full_like(good, np.nan), trials)


# ---- masks


def test_the_structure_of_the_fixed_network():
    masks = Rdm().dale_masks(100)
    first, second = range(20), range(20, 40)  # quarters of the 80 excitatory units
    for i in range(100):
        assert masks["W_in"][i].tolist() == [i in first, i in second]
        assert masks["W_out"][:, i].tolist() == [i in first, i in second]
        for j in range(100):
            apart = (i in first and j in second) or (i in second and j in first)
            assert masks["W_rec"][i, j] == (i != j and not apart)
    assert Rdm().dale_masks(5)["W_in"].sum() == 2
    for kind in (RdmDense, RdmNoDale, RdmReactionTime, RdmVariableStimulus, Mante):
        assert kind().dale_masks(100) == {}


def test_the_thirds_of_the_multisensory_network():
    W_in = Multisensory().dale_masks(150)["W_in"]  # 120 excitatory, 30 inhibitory
    visual, auditory = {*range(40), *range(120, 130)}, {*range(40, 80), *range(130, 140)}
    for i in range(150):
        assert W_in[i].tolist() == [i in visual, i in auditory, i in visual, i in auditory, True]


def test_the_connections_of_romo_are_drawn():
    C = Romo().dale_masks(500)["W_rec"]
    assert not C.diagonal().any()
    assert near(C[:, :400].sum(), 500 * 400 - 400, 0.1)
    assert near(C[:, 400:].sum(), 500 * 100 - 100, 0.5)
    np.testing.assert_array_equal(C, Romo().dale_masks(500, 1)["W_rec"])
    assert (C != Romo().dale_masks(500, 2)["W_rec"]).any()


@pytest.mark.parametrize("task, n_rec", [(Rdm(), 4), (Multisensory(), 14), (Romo(), 0), (Rdm(), 100.0), (Rdm(), True)])
def test_masks_need_enough_units(task, n_rec):
    with pytest.raises(ValueError, match="n_rec"):
        task.dale_masks(n_rec)


# ---- protocols and errors


def test_protocols_are_those_of_pycog():
    for kind in ALL:
        p = kind.protocol
        assert (p.optimizer, p.lr, p.decay, p.clip, p.clip_scope, p.fresh, p.samples) == (
            "sgd",
            0.01,
            0,
            1.0,
            "global",
            True,
            10_000,
        )
        assert p.constants["form"] == "current"
        assert p.constants["phi"] == "relu"
        assert p.constants["train_h0"]
        assert (p.dale is None) == (kind is RdmNoDale)
        assert (p.recurrent, p.h0) == ("scaled_normal" if kind is RdmNoDale else "gamma", 0.1)
        assert (p.constants["vanishing"], p.constants["input_limit"]) == (2.0, 0.1)
        assert p.dale is None or p.dale == {"excitatory": 0.8, "by": "rectify", "self_connections": False}
        assert (p.b_rec, p.b_out) == ((kind is SineWave),) * 2
        assert p.constants["tau"] == (50 if kind is LeeSequence else 100)
        assert p.constants["noise"] == {LeeSequence: 0.01, SineWave: 0.05}.get(kind, 0.15)
        assert p.n_rec == {Romo: 500, Mante: 150, Multisensory: 150, LeeSequence: 200}.get(kind, 100)
        assert p.batch == {Mante: 50, LeeSequence: 1, SineWave: 1}.get(kind, 20)
        assert p.held_out == {Mante: 50 * 73, Multisensory: 2500, LeeSequence: 800, SineWave: 50}.get(kind, 1100)
        assert kind().dt * 5 == p.constants["tau"]
        assert getattr(kind(), "tau", 100.0) == p.constants["tau"]


@pytest.mark.parametrize(
    "kind, change",
    [
        *((kind, change) for kind in CHOICES for change in (
            {"fixation": 0.0}, {"decision": 19.0}, {"catch_T": math.inf}, {"catch": 1.1}, {"catch": -0.1}, {"dt": 0.0},
            {"tau": -1.0}, {"input_sigma": -0.1}, {"hi": 0.2}, {"lo": math.nan}, {"baseline_input": math.inf},
            {"test_fixation": math.nan},
        )),
        (Rdm, {"stimulus": -5.0}), (Rdm, {"coherences": ()}), (Rdm, {"coherences": (1.0, -1.0)}), (Rdm, {"coherences": (1.0, 1.0)}),
        (Rdm, {"evidence": math.nan}), (Mante, {"coherences": (math.inf,)}), (Mante, {"evidence": -1.0}),
        (RdmReactionTime, {"test_decision": 0.0}),
        (RdmVariableStimulus, {"stimulus": TruncatedExponential(50.0, 80.0, 1500.0)}),
        (RdmVariableStimulus, {"stimulus": TruncatedExponential(330.0, 80.0, math.inf)}),
        (Romo, {"delay": Uniform(300.0, 200.0)}), (Romo, {"delay": Uniform(10.0, 200.0)}), (Romo, {"f1": 0.0}), (Romo, {"f2": 0.0}),
        (Romo, {"pairs": ()}), (Romo, {"pairs": ((10.0, 18.0),)}), (Romo, {"pairs": ((10.0, math.nan),)}),
        (Multisensory, {"boundary": 12.0}), (Multisensory, {"boundary": 20.0}), (Multisensory, {"frequencies": (9.0,)}),
        (Multisensory, {"frequencies": (9.0, 9.0)}),
        (LeeSequence, {"iti": 0.0}), (LeeSequence, {"move": 5.0}), (LeeSequence, {"tau": 0.0}),
        (LeeSequence, {"spacing": math.nan}), (LeeSequence, {"input_sigma": -1.0}), (SineWave, {"period": 10.0}),
        (SineWave, {"periods": 0.0}), (SineWave, {"amplitude": math.nan}), (SineWave, {"dt": math.nan}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(kind, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        kind(**change)


@pytest.mark.parametrize("kind, name", [(Rdm, "coherences"), (Mante, "coherences"), (Romo, "pairs"), (Multisensory, "frequencies")])
def test_lists_are_not_taken(kind, name):
    with pytest.raises(TypeError, match=name):
        kind(**{name: [1.0, 2.0]})


@pytest.mark.parametrize("kind", ALL)
def test_tasks_are_frozen_and_need_trials(kind):
    with pytest.raises(ValueError, match="n must be at least 1"):
        kind().trials(0, 0)
    with pytest.raises(TypeError, match="rng"):
        kind().trials(1, None)
    with pytest.raises(FrozenInstanceError):
        kind().dt = 1.0
    assert hash(kind()) == hash(kind())
