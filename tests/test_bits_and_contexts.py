"""The 3-bit flip-flop, gates and timing by context, and the excitatory-inhibitory gates: each against its rule told step by step,
and the authors' networks on them (author_networks.md 6.2)."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import minirnn as mr
from minirnn import tasks
from minirnn.tasks.excitatory_inhibitory import EIAnd, EIOr, EIXor
from minirnn.tasks.multitask import ContextGates, ContextTiming
from minirnn.tasks.three_bit import ThreeBitFlipFlop

SEEDS = st.integers(0, 10_000)
ALL = [ThreeBitFlipFlop, ContextGates, ContextGates.and_or, ContextTiming, EIAnd, EIOr, EIXor]
LOGIC = {
    "and": lambda a, b: a and b, "or": lambda a, b: a or b, "xor": lambda a, b: a != b, "not": lambda a, b: not a,
}  # fmt: skip


def near(found, n, p):
    """Whether a count of n draws of probability p is within five standard deviations."""
    return abs(found - n * p) < 5 * math.sqrt(n * p * (1 - p))


# ---- 3 bits


def memory(x, wait):
    """Target of one channel from its noiseless input: the height of the last pulse that began `wait` steps ago or earlier."""
    began = [(t, x[t]) for t in range(len(x)) if x[t] and not (t and x[t - 1])]
    y = []
    for t in range(len(x)):
        known = [height for start, height in began if start + wait <= t]
        y.append(known[-1] if known else 0)
    return y, began


def follow(starts, ranges):
    """Whether the starts are this far from each other; those that are missing must be after the end of 340 steps."""
    gaps = [later - start for start, later in pairwise(starts)]
    fit = all(least <= gap <= most for gap, (least, most) in zip(gaps, ranges, strict=False))
    return fit and (len(gaps) == len(ranges) or (len(gaps) < len(ranges) and starts[-1] + ranges[len(gaps)][1] >= 340))


@given(SEEDS, st.booleans())
def test_three_channels_remember_their_last_pulse(seed, last_is_zero):
    trials = ThreeBitFlipFlop(zero_last_step=last_is_zero, input_noise_std=0).trials(5, seed)
    assert trials.x.shape == trials.target.shape == (340, 5, 3)
    assert trials.x.dtype == trials.target.dtype == np.float32
    for b in range(5):
        corner = ""
        for channel in range(3):
            x = trials.x[:, b, channel].tolist()
            y, began = memory(x, 40)
            corner += "+" if y[-1] > 0 else "-"
            if last_is_zero:
                y[-1] = 0
            assert trials.target[:, b, channel].tolist() == y
            for start, height in began:
                assert x[start : start + 20] == [height] * min(20, 340 - start)
                assert abs(height) == 1
            starts = [start for start, _ in began]
            if not (10 <= starts[0] < 100 and follow(starts, [(71, 120), (101, 150)])):
                # a first pulse of height 0
                assert 81 <= starts[0] < 220
                assert follow(starts, [(101, 150)])
        assert ThreeBitFlipFlop.condition_names[trials.condition[b]] == corner


def chance(reached):
    """P(f + v + w >= reached) for f on 10 .. 99, v and w on 1 .. 50, by counting."""
    return sum(1 for f in range(10, 100) for v in range(1, 51) for w in range(1, 51) if f + v + w >= reached) / (90 * 50 * 50)


def test_what_is_cut_of_the_third_pulse():
    cut, absent, unanswered = (chance(reached - 170) for reached in (321, 340, 300))
    assert [f"{100 * p:.1f}" for p in (cut, absent, unanswered, chance(299 - 170))] == ["9.3", "2.2", "25.1", "26.1"]
    n = 4000
    trials = ThreeBitFlipFlop(input_noise_std=0).trials(n, 5)
    on = np.abs(trials.x).sum(axis=0).ravel()
    assert near((on == 60).sum(), 3 * n, 2 / 3 * (1 - cut))
    assert near((on == 40).sum(), 3 * n, 1 / 3 * (1 - cut) + 2 / 3 * absent)
    assert near((on == 20).sum(), 3 * n, 1 / 3 * absent)
    moves = (np.diff(trials.target, axis=0) != 0).sum(axis=0)
    # three: a first pulse, then two changes of sign, the third one answered
    assert near((moves == 3).sum(), 3 * n, 2 / 3 / 4 * (1 - unanswered))


def test_heights_and_times_of_the_three_bits_are_uniform():
    n = 4000
    trials = ThreeBitFlipFlop(input_noise_std=0).trials(n, 3)
    early = trials.target[120].ravel()  # no second answer yet, and a first one if f <= 80
    for height in (-1, 1):
        assert near((early == height).sum(), 3 * n, 71 / 90 / 3)
    onset = np.abs(trials.x).reshape(340, -1).argmax(axis=0)
    onset = onset[onset < 81]  # first pulses for certain
    counts = np.bincount(onset, minlength=81)
    assert (counts[:10] == 0).all()
    assert all(near(count, 3 * n, 2 / 3 / 90) for count in counts[10:81])
    assert all(near(count, n, 1 / 8) for count in np.bincount(trials.condition, minlength=8))
    second = trials.target[259]  # all second answers are given, 99 + 120 + 40, and some third ones
    assert near((second == 1).sum(), 3 * n, 1 / 2)
    assert near((second == -1).sum(), 3 * n, 1 / 2)
    x = np.abs(trials.x).reshape(340, -1)
    starts = [np.flatnonzero(np.diff(x[:, i]) == 1) + 1 for i in range(x.shape[1])]
    two = np.array([s[:2] for s in starts if len(s) > 1 and s[0] < 60])  # no first pulse of height 0, second and third are there
    v = np.bincount(two[:, 1] - two[:, 0], minlength=121)
    assert (v[:71] == 0).all()
    assert len(v) == 121
    assert all(near(count, len(two), 1 / 50) for count in v[71:])
    three = np.array([s for s in starts if len(s) == 3 and s[1] < 190])  # the third one is sure
    w = np.bincount(three[:, 2] - three[:, 1], minlength=151)
    assert (w[:101] == 0).all()
    assert len(w) == 151
    assert all(near(count, len(three), 1 / 50) for count in w[101:])
    assert abs(np.corrcoef(three[:, 1] - three[:, 0], three[:, 2] - three[:, 1])[0, 1]) < 5 / math.sqrt(len(three))
    # channels do not know of each other
    ends = [(s[0], s[1] - s[0], s[-1] - s[-2]) if len(s) > 2 else None for s in starts]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = [(p, q) for p, q in zip(ends[a::3], ends[b::3], strict=True) if p and q]
        found = np.corrcoef(np.array(both).reshape(len(both), 6).T)[:3, 3:]
        assert np.abs(found).max() < 5 / math.sqrt(len(both))
        assert near((second[:, a] == second[:, b]).sum(), n, 1 / 2)
        assert near((np.abs(trials.x[50, :, a]) * np.abs(trials.x[50, :, b])).sum(), n, (2 / 3 * 20 / 90) ** 2)


@given(
    st.integers(0, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 6), st.integers(1, 9), st.integers(1, 9),
    st.integers(0, 5), st.integers(0, 30), st.sampled_from([1.0, 0.5, 2.0]), SEEDS,
)  # fmt: skip
def test_other_times_of_the_three_bits(onset, spread, pulse, gap, second, third, jitter, rest, dt, seed):
    second, third = pulse + second, pulse + third
    T = onset + spread + second + jitter + pulse + gap + rest
    task = ThreeBitFlipFlop(
        onset=onset * dt, spread=spread * dt, pulse=pulse * dt, gap=gap * dt, second=second * dt, third=third * dt,
        jitter=jitter * dt, T=T * dt, dt=dt, input_noise_std=0,
    )  # fmt: skip
    assert task.steps == T
    least, most = (1, jitter) if jitter else (0, 0)
    for trials in (task.trials(3, seed), task.conditions()):
        assert trials.x.shape[0] == T
        assert trials.dt == dt
        for b in range(len(trials)):
            for channel in range(3):
                x = trials.x[:, b, channel].tolist()
                y, began = memory(x, pulse + gap)
                assert trials.target[:, b, channel].tolist() == y
                assert all(x[s : s + pulse] == [h] * min(pulse, T - s) for s, h in began)
                starts = [s for s, _ in began]
                if len(starts) == 3:
                    assert onset <= starts[0] < onset + spread
                    assert second + least <= starts[1] - starts[0] <= second + most
                    assert third + least <= starts[2] - starts[1] <= third + most


def test_the_conditions_of_three_bits_end_in_their_corners():
    task = ThreeBitFlipFlop()
    trials = task.conditions()
    assert trials.x.shape == (340, 8, 3)
    np.testing.assert_array_equal(trials.condition, np.arange(8))
    names = list(task.condition_names)
    assert len(set(names)) == 8
    for b, name in enumerate(names):
        walk = ["".join("+" if trials.x[start, b, channel] == 1 else "-" for channel in range(3)) for start in (55, 150, 275)]
        assert walk == [names[b - 2], names[b - 1], name]  # the one before -- the first is the last
        for channel in range(3):
            y, began = memory(trials.x[:, b, channel].tolist(), 40)
            assert [start for start, _ in began] == [55, 150, 275]
            assert trials.target[:, b, channel].tolist() == y
    assert names[3] == "-++"  # A is the first sign


@pytest.mark.parametrize("move", [10, 49])
def test_the_cube(move):
    task = ThreeBitFlipFlop()
    trials = task.cube(move)
    assert trials.x.shape == trials.target.shape == (1120 + move, 1, 3)
    signs = ["++--++--++--++--", "+-+-+-+-+-+-+-+-", "++++----++++----"]
    for channel, pattern in enumerate(signs):
        x, y = [0] * (1120 + move), [0] * (1120 + move)
        for k, sign in enumerate(pattern):
            for t in range(1120 + move):
                if 30 + 70 * k <= t < 50 + 70 * k:
                    x[t] = 1 if sign == "+" else -1
                if 70 + 70 * k <= t:
                    y[t] = 1 if sign == "+" else -1
        assert trials.x[:, 0, channel].tolist() == x
        assert trials.target[:, 0, channel].tolist() == y
        other = task.cube(move, exchanged=True)
        assert other.x[:, 0, channel].tolist() == x
        assert other.target[:, 0, [1, 0, 2][channel]].tolist() == y
    corners = {tuple(trials.target[70 + 70 * k, 0]) for k in range(8)}
    assert len(corners) == 8
    assert not ThreeBitFlipFlop(zero_last_step=True).cube(move).target[-1].any()
    coarse = ThreeBitFlipFlop(dt=2.0).cube(40)
    np.testing.assert_array_equal(coarse.x, task.cube(40).x[::2])
    np.testing.assert_array_equal(coarse.target, task.cube(40).target[::2])
    for bad in (0, -10, math.nan, math.inf):
        with pytest.raises(ValueError, match="move"):
            task.cube(bad)


def test_three_bits_right():
    task = ThreeBitFlipFlop(zero_last_step=True)
    for trials in (task.conditions(), task.cube(), dataclasses.replace(task, input_noise_std=0).trials(50, 0)):
        good = trials.target.astype(float)
        assert tasks.success(good, trials, task)
        assert tasks.success(0.01 * good, trials, task)  # sides count, not distances
        assert not task.right(-good, trials).any()
        assert not tasks.success(np.zeros_like(good), trials, task)
    trials = task.conditions()
    good = trials.target.astype(float)
    # trial 5 holds from 95, 190 and 315 on
    assert trials.target[[100, 200, 320], 5].tolist() == [[-1, 1, 1], [1, -1, -1], [1, -1, 1]]
    late = good.copy()
    late[95:142, 5] *= -1  # the first half of each hold is free
    late[190:252, 5] *= -1
    late[315:327, 5] *= -1
    assert task.right(late, trials).all()
    for first, last, count in ((95, 190, 3), (190, 315, 4), (315, 339, 1)):  # step 339 is not looked at
        half = first + (last - first) // 2
        for channel in range(3):
            wrong = good.copy()
            wrong[half : half + count - 1, 5, channel] *= -1  # 2 of 48, 3 of 63, none of 12
            assert task.right(wrong, trials).all()
            wrong[last - 1, 5, channel] *= -1  # 3, 4 and 1: more than 5 %
            assert task.right(wrong, trials).tolist() == [b != 5 for b in range(8)]
    last = good.copy()
    last[339] = 1
    assert task.right(last, trials).all()
    # a pulse that confirms begins a hold as well: A of +-+ does at 190
    forgetful = good.copy()
    assert trials.target[[100, 200], 6, 0].tolist() == [1, 1]
    forgetful[180:190, 6, 0] = -1  # in the first half of what would be one hold, 95 .. 315
    assert list(np.flatnonzero(~task.right(forgetful, trials))) == [6]
    # under noise the pulses are still found
    noisy = ThreeBitFlipFlop().trials(50, 1)
    assert ThreeBitFlipFlop().right(noisy.target, noisy).all()


# ---- gates by context


def gates_by_rule(gates, kind, gate, delay, onset, context_onset, pulse, gap, tail, jitter, baseline, low, last_is_zero=False):
    """Inputs and target of one trial, step by step."""
    T = onset + jitter + pulse + gap + tail
    a, b = kind
    start, x, y = onset + delay, [], []
    for t in range(T):
        in_pulse = start <= t < start + pulse
        in_context = context_onset + delay <= t < context_onset + delay + pulse
        x.append([a if in_pulse else 0, b if in_pulse else 0, gates[gate] if in_context else 0])
        y.append((1 if LOGIC[gate](a, b) else low) if t >= start + pulse + gap else baseline)
    if last_is_zero:
        y[-1] = 0
    return np.array(x, np.float32), np.array(y, np.float32)


@given(
    st.dictionaries(st.sampled_from(sorted(LOGIC)), st.integers(-4, 4), min_size=1), st.integers(0, 20), st.integers(1, 9),
    st.integers(0, 9), st.integers(1, 9), st.integers(0, 5), st.sampled_from([1.0, 0.5, 2.0]), st.booleans(), SEEDS,
)  # fmt: skip
def test_any_set_of_gates(gates, onset, pulse, gap, tail, jitter, dt, last_is_zero, seed):
    gates = dict(zip(gates, sorted(set(gates.values())), strict=False))  # one height to each
    context_onset = seed % (onset + gap + 1)
    times = {"onset": onset, "context_onset": context_onset, "pulse": pulse, "gap": gap, "tail": tail, "jitter": jitter}
    task = ContextGates(
        gates=gates, **{name: dt * time for name, time in times.items()}, dt=dt, baseline=0.25, low=-0.5,
        zero_last_step=last_is_zero, input_noise_std=0,
    )  # fmt: skip
    names = [f"{gate} {a}{b}" for gate in gates for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
    assert list(task.condition_names) == names
    for trials, delays in (
        (task.trials(10, seed), range(1, jitter + 1) if jitter else [0]),
        (task.conditions(), [(jitter + 1) // 2]),
    ):
        assert trials.x.shape == (task.steps, len(trials), 3)
        assert trials.target.shape == (task.steps, len(trials), 1)
        for i in range(len(trials)):
            gate, kind = names[trials.condition[i]].split()
            expected = [
                gates_by_rule(
                    gates, [int(c) for c in kind], gate, delay, **times, baseline=0.25, low=-0.5, last_is_zero=last_is_zero
                )
                for delay in delays
            ]
            assert any(np.array_equal(trials.x[:, i], x) and np.array_equal(trials.target[:, i, 0], y) for x, y in expected)
    assert len(task.conditions()) == len(names)


def test_the_published_sets_of_gates():
    three, two = ContextGates(input_noise_std=0), ContextGates.and_or(input_noise_std=0)
    assert (three.steps, two.steps) == (290, 240)
    times = {"onset": 60, "context_onset": 20, "pulse": 20, "gap": 20, "tail": 140, "baseline": 0, "low": 0}
    for task, jitter, delay, gates in ((three, 50, 25, {"and": 1, "or": -1, "xor": 0}), (two, 0, 0, {"and": 1, "or": -1})):
        trials = task.conditions()
        for i, name in enumerate(task.condition_names):
            gate, kind = name.split()
            x, y = gates_by_rule(gates, [int(c) for c in kind], gate, delay, jitter=jitter, **times)
            np.testing.assert_array_equal(trials.x[:, i], x)
            np.testing.assert_array_equal(trials.target[:, i, 0], y)
    x = three.trials(3000, 0).x
    started = {int(np.flatnonzero(x[:, i, 0])[0]) for i in range(3000) if x[:, i, 0].any()}
    assert started == set(range(61, 111))
    for i in range(3000):  # one delay for the context and for A and B
        if x[:, i, 0].any() and x[:, i, 2].any():
            assert np.flatnonzero(x[:, i, 0])[0] - np.flatnonzero(x[:, i, 2])[0] == 40
    assert three.truth_table[0] == ("A", "B", "context", "answer")
    assert three.truth_table[4] == ("1", "1", "+1", "1")
    assert three.truth_table[9] == ("0", "0", "0", "0")
    assert len(three.truth_table) == 13
    assert ContextGates().answer_start == 125


def test_gates_may_be_pairs_and_are_kept():
    pairs = (("not", 2.0), ("and", -1.0))
    task = ContextGates(gates=pairs)
    assert task == ContextGates(gates=dict(pairs)) == dataclasses.replace(task)
    assert hash(task) == hash(ContextGates(gates=dict(pairs)))
    assert task.gates == pairs
    assert [row[3] for row in task.truth_table[1:5]] == ["1", "0", "1", "0"]  # NOT A, whatever B does


def test_gates_right():
    task = ContextGates(zero_last_step=True)
    trials = task.conditions()
    good = trials.target.astype(float)
    assert tasks.success(good, trials, task)
    assert not tasks.success(np.zeros_like(good), trials, task)
    np.testing.assert_array_equal(task.right(np.zeros_like(good), trials), good[200, :, 0] == 0)
    np.testing.assert_array_equal(task.right(np.ones_like(good), trials), good[200, :, 0] == 1)
    early = good.copy()
    early[125:207, 3] = 0  # the first half of [125, 289) is free
    assert task.right(early, trials).all()
    wrong = good.copy()
    wrong[207:211, 3] = 0  # 4 of 82
    wrong[289] = 1  # is not looked at
    assert task.right(wrong, trials).all()
    wrong[211, 3] = 0
    assert list(np.flatnonzero(~task.right(wrong, trials))) == [3]
    assert not tasks.success(wrong, trials, task)  # near as it is
    assert task.right(good + 0.2, trials).all()
    assert not tasks.success(good + 0.2, trials, task)  # 3.4 > 1.5 sqrt(290 / 200)


# ---- pulse or oscillation by context


def timing_by_rule(condition, delay, T, context_onset=20, context_pulse=20, onset=100):
    """Inputs and target of one trial of the default shapes."""
    x, y = np.zeros((T, 2)), np.full(T, 0.002)
    context, on = (1, -1)[condition // 2], condition % 2
    x[context_onset + delay : context_onset + context_pulse + delay, 0] = context
    kernel = signal.windows.hann(15)
    x[onset + delay : onset + 40 + delay, 1] = on * signal.convolve(np.ones(40), kernel / kernel.sum(), mode="same")
    start = onset + 60 + delay
    n = np.arange(20) - 9.5
    bell = 0.055 * signal.convolve(np.ones(20), np.exp(-(n**2) / (2 * 12.0**2)), mode="same")
    wave = 0.2 * signal.convolve(np.ones(220), np.sin(2 * np.pi * 12 * np.arange(420) / 420), mode="same")
    answer = bell if context == 1 else wave
    y[start : start + len(answer)] = on * answer
    return x, y


@given(SEEDS)
def test_context_timing(seed):
    task = ContextTiming(input_noise_std=0)
    trials = task.trials(4, seed)
    assert task.steps == 470
    assert trials.x.shape == (470, 4, 2)
    assert trials.target.shape == (470, 4, 1)
    for i in range(4):
        delay = int(np.flatnonzero(trials.x[:, i, 0])[0]) - 20
        assert 1 <= delay <= 50
        x, y = timing_by_rule(trials.condition[i], delay, 470)
        np.testing.assert_allclose(trials.x[:, i], x, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(trials.target[:, i, 0], y, rtol=1e-6, atol=1e-7)


def test_context_timing_conditions():
    task = ContextTiming()
    trials = task.conditions()
    assert len(trials) == len(task.condition_names) == len(task.truth_table) - 1 == 4
    for i in range(4):
        x, y = timing_by_rule(i, 25, 470)
        np.testing.assert_allclose(trials.x[:, i], x, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(trials.target[:, i, 0], y, rtol=1e-6, atol=1e-7)
    assert trials.target[:, 1].max() == pytest.approx(0.985, abs=5e-4)
    assert trials.target[:, 3].max() == pytest.approx(1.74, abs=5e-3)
    other = ContextTiming(onset=70, context_onset=0, context_pulse=30, jitter=0, tail=40).conditions()
    assert other.x.shape[0] == 390
    shorter, _ = timing_by_rule(3, 0, 390, context_onset=0, context_pulse=30, onset=70)
    np.testing.assert_allclose(other.x[:, 3], shorter, rtol=1e-6, atol=1e-7)
    # the bell may be longer than the oscillation
    brief = ContextTiming(duration=10, tail=0).conditions().target[:, 1, 0]
    assert (np.diff(brief) != 0).sum() > 5
    coarse = ContextTiming(dt=2.0)
    assert coarse.conditions().x.shape == (235, 4, 2)
    assert coarse.conditions().target[:, 1].max() == pytest.approx(0.985, abs=0.03)


def test_context_timing_right():
    task = ContextTiming()
    trials = task.conditions()
    good = trials.target.astype(float)
    assert tasks.success(good, trials, task)
    assert task.right(np.zeros_like(good), trials).tolist() == [True, False, True, False]
    swapped = good[:, [2, 3, 0, 1]]  # the other context's answer
    assert task.right(swapped, trials).tolist() == [True, False, True, False]
    longer = good.copy()
    longer[400:, 3] = 3  # goes on after the window
    longer[405 - 5 : 405, 3] = -3
    assert tasks.success(longer, trials, task)
    longer[400:, 1] = 0.3  # 0.3 sqrt(70) > 1.25
    assert task.right(longer, trials).tolist() == [True, False, True, True]
    for silent in (0, 2):
        restless = good.copy()
        restless[:, silent] += 0.03  # 0.65 > 0.5
        assert list(np.flatnonzero(~task.right(restless, trials))) == [silent]
    flat = good.copy()
    flat[185:205, 1] = flat[185:205, 1].mean()
    assert list(np.flatnonzero(~task.right(flat, trials))) == [1]


# ---- excitatory-inhibitory


@pytest.mark.parametrize("kind, name, baseline", [(EIAnd, "and", 0), (EIOr, "or", 0.01), (EIXor, "xor", 0)])
def test_excitatory_inhibitory_gates(kind, name, baseline):
    task = kind(input_noise_std=0)
    assert task.steps == 290
    trials = task.trials(60, 2)
    delays = set()
    for i in range(60):
        a, b = (int(c) for c in task.condition_names[trials.condition[i]])
        fitting = []
        for delay in range(1, 51):
            x = [[a, b] if 60 + delay <= t < 80 + delay else [0, 0] for t in range(290)]
            y = [(1 if LOGIC[name](a, b) else 0) if t >= 100 + delay else np.float32(baseline) for t in range(290)]
            if np.array_equal(trials.x[:, i], x) and np.array_equal(trials.target[:, i, 0], y):
                fitting.append(delay)
        assert fitting
        if len(fitting) == 1:
            delays |= set(fitting)
    assert len(delays) > 10
    assert task.answer_start == 125
    good = task.conditions()
    assert tasks.success(good.target, good, task)
    assert not tasks.success(1 - good.target, good, task)


def test_excitatory_inhibitory_training():
    for kind in (EIAnd, EIOr, EIXor):
        p = kind().protocol
        assert (p.samples, p.held_out, p.batch, p.epochs, p.stop_below) == (15000, 50, 64, 20, 9e-5)
        assert (p.lr, p.decay, p.clip, p.clip_scope, p.n_rec, p.b_rec) == (1e-4, 1e-4, 0.5, "global", 100, True)
        assert p.recurrent == "orthogonal"
        assert p.dale == {"excitatory": 0.5, "by": "projection", "axis": "post", "readout": False}


# ---- what all of them have


def test_protocols_are_the_authors():
    updates = {}
    for kind in (ThreeBitFlipFlop, ContextGates, ContextTiming):
        p = kind().protocol
        updates[kind] = -(-p.samples // p.batch)
        assert (p.held_out, p.lr, p.decay, p.clip, p.b_rec, p.dale) == (50, 1e-4, 1e-4, None, False, None)
    assert list(updates.values()) == [235, 177, 118]
    assert 20 * updates[ThreeBitFlipFlop] == 4700  # the counters in the authors' files
    assert 13 * updates[ContextGates] == 2301
    found = [(k.protocol.epochs, k.protocol.stop_below, k.protocol.n_rec) for k in updates]
    assert found == [(20, 9e-3, 400), (20, 5e-5, 200), (10, 1e-4, 100)]


@pytest.mark.parametrize("make", ALL)
def test_kinds_are_equally_likely(make):
    task, n = make(), 6000
    counts = np.bincount(task.trials(n, 4).condition, minlength=len(task.condition_names))
    assert len(counts) == len(task.condition_names)
    assert all(near(count, n, 1 / len(counts)) for count in counts)


@pytest.mark.parametrize("make, onset", [(ContextGates, 60), (ContextTiming, 20), (EIAnd, 60), (EIOr, 60), (EIXor, 60)])
def test_delays_are_equally_likely(make, onset):
    on = make(input_noise_std=0).trials(10_000, 6).x[:, :, 0] != 0
    delays = on.argmax(axis=0)[on.any(axis=0)] - onset
    counts = np.bincount(delays, minlength=51)
    assert counts[0] == 0
    assert len(counts) == 51
    assert all(near(count, len(delays), 1 / 50) for count in counts[1:])


@pytest.mark.parametrize("make", ALL)
def test_noise_is_on_every_step_of_every_channel(make):
    quiet, n = make(input_noise_std=0), 2000
    same = quiet.trials(n, 8)
    noisy = make(input_noise_std=0.1, target_noise_std=0.2).trials(n, 8)  # noise is drawn after all else
    for name, size in (("x", 0.1), ("target", 0.2)):
        noise = getattr(noisy, name) - getattr(same, name)
        assert noise.std() == pytest.approx(size, rel=0.01)
        count = n * noise.shape[2]
        np.testing.assert_allclose(noise.std(axis=(1, 2)), size, rtol=5 / math.sqrt(2 * count))
        assert np.abs(noise.mean(axis=(1, 2))).max() < 5 * size / math.sqrt(count)
        assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.01
    assert make().input_noise_std == (0.1 if make is ThreeBitFlipFlop else 0)  # it is commented out in the other generators
    assert make().target_noise_std == 0


@pytest.mark.parametrize("make", ALL)
def test_a_task_is_what_the_front_door_says(make):
    task = make()
    trials = task.trials(3, 0)
    assert trials.x.shape == (task.steps, 3, task.n_in)
    assert trials.target.shape == (task.steps, 3, task.n_out)
    assert trials.x.dtype == trials.target.dtype == np.float32
    assert trials.mask is None
    assert trials.dt == task.dt == 1
    assert len(task.input_names) == task.n_in
    conditions = task.conditions()
    np.testing.assert_array_equal(conditions.condition, np.arange(len(task.condition_names)))
    assert conditions.x.shape[2] == task.n_in
    assert not conditions.x[0].any()
    assert len({len(row) for row in task.truth_table}) == 1
    assert all(isinstance(word, str) for row in task.truth_table for word in row)
    again, other = task.trials(3, np.random.default_rng(0)), task.trials(3, 1)
    np.testing.assert_array_equal(trials.x, again.x)
    np.testing.assert_array_equal(trials.target, again.target)
    assert (trials.x != other.x).any()
    perfect = conditions.target
    assert task.right(perfect, conditions).shape == (len(task.condition_names),)
    assert tasks.success(perfect, conditions, task)
    with pytest.raises(ValueError, match="n must be at least 1"):
        task.trials(0, 0)
    with pytest.raises(TypeError, match="rng must be"):
        task.trials(1, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.dt = 2.0


@pytest.mark.parametrize(
    "kind, change, name",
    [
        (ThreeBitFlipFlop, {"onset": -1}, "onset"),
        (ThreeBitFlipFlop, {"spread": 0}, "spread"),
        (ThreeBitFlipFlop, {"pulse": 0}, "pulse"),
        (ThreeBitFlipFlop, {"gap": math.nan}, "gap"),
        (ThreeBitFlipFlop, {"second": 20}, "second must be longer"),
        (ThreeBitFlipFlop, {"third": 20}, "third must be longer"),
        (ThreeBitFlipFlop, {"jitter": -1}, "jitter"),
        (ThreeBitFlipFlop, {"T": 259}, "T must hold every second answer, from 260 ms on, got 259"),
        (ThreeBitFlipFlop, {"dt": 0}, "dt"),
        (ThreeBitFlipFlop, {"input_noise_std": -0.1}, "input_noise_std"),
        (ThreeBitFlipFlop, {"target_noise_std": math.inf}, "target_noise_std"),
        (ContextGates, {"gates": {}}, "gates must have at least one"),
        (ContextGates, {"gates": {"and": 1, "nand": 2}}, "gates must be .* got and, nand"),
        (ContextGates, {"gates": (("and", 1.0), ("and", 2.0))}, "gates must be different"),
        (ContextGates, {"gates": {"and": 1, "or": 1}}, "gates must have contexts that are finite and differ, got 1, 1"),
        (ContextGates, {"gates": {"and": math.nan}}, "gates must have contexts"),
        (ContextGates, {"context_onset": 81}, "context_onset must be at most 80 ms"),
        (ContextGates, {"context_onset": -1}, "context_onset"),
        (ContextGates, {"tail": 0}, "tail"),
        (ContextGates, {"low": math.nan}, "low"),
        (ContextGates, {"baseline": math.inf}, "baseline"),
        (ContextGates, {"target_noise_std": -1}, "target_noise_std"),
        (ContextTiming, {"context_pulse": 0}, "context_pulse"),
        (ContextTiming, {"context_onset": 141}, "context_onset must be at most 140 ms"),
        (ContextTiming, {"duration": 0}, "duration"),
        (ContextTiming, {"dt": 6.1}, "dt must leave three steps"),
        (ContextTiming, {"gain": math.inf}, "gain"),
        (ContextTiming, {"scale": math.nan}, "scale"),
        (ContextTiming, {"input_noise_std": -1}, "input_noise_std"),
        (EIXor, {"jitter": -1}, "jitter"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(kind, change, name):
    with pytest.raises(ValueError, match=name):
        kind(**change)


# ---- the authors' networks


@pytest.fixture
def three_bit_network(author_networks):
    return mr.Network.load(author_networks / "ff3bit_n400_ortho_gap9_ep20.npz")


@pytest.mark.compiled
def test_the_authors_three_bits_on_random_trials(three_bit_network):
    task = ThreeBitFlipFlop(zero_last_step=True, input_noise_std=0)
    trials = task.trials(1000, 0)
    found = tasks.distance(three_bit_network.run(trials.x)[1], trials)
    # 1000 trials: 3.94, standard deviation 0.60, mean squared error 0.0156
    assert abs(found.mean() - 3.94) < 2 * math.hypot(0.60, found.std()) / math.sqrt(1000)
    errors = found**2 / (340 * 3)
    assert abs(errors.mean() - 0.0156) < 2 * errors.std() * math.sqrt(2 / 1000)
    whole = dataclasses.replace(task, zero_last_step=False).trials(1000, 0)  # the last zeros cost this network 0.4
    assert tasks.distance(three_bit_network.run(whole.x)[1], whole).mean() < found.mean() - 0.3
    noisy = dataclasses.replace(task, input_noise_std=0.1).trials(200, 0)
    worse = tasks.distance(three_bit_network.run(noisy.x)[1], noisy)
    # 40 trials: 3.88, of the same spread
    assert abs(worse.mean() - 3.88) < 2 * math.hypot(0.60 / math.sqrt(40), worse.std() / math.sqrt(200))
    conditions = task.conditions()
    assert tasks.success(three_bit_network.run(conditions.x)[1], conditions, task)


@pytest.mark.compiled
def test_the_authors_three_bits_untrained(author_networks):
    net = mr.Network.load(author_networks / "ff3bit_n400_ortho_gap9_ep20.npz", initial=True)
    task = ThreeBitFlipFlop(zero_last_step=True, input_noise_std=0)
    trials = task.trials(200, 0)
    found = tasks.distance(net.run(trials.x)[1], trials)
    # 40 trials: 25.9
    assert abs(found.mean() - 25.9) < 2 * found.std() * math.hypot(1 / math.sqrt(40), 1 / math.sqrt(200))
    assert not task.right(net.run(task.conditions().x)[1], task.conditions()).any()


@pytest.mark.compiled
def test_the_authors_three_bits_on_the_cube(three_bit_network):
    task = ThreeBitFlipFlop(zero_last_step=True)
    matching, exchanged = task.cube(), task.cube(exchanged=True)
    z = three_bit_network.run(matching.x)[1]
    assert f"{tasks.distance(z, matching)[0]:.2f}" == "9.65"
    assert f"{tasks.distance(z, exchanged)[0]:.1f}" == "64.6"
    assert tasks.success(z, matching, task)
    assert not tasks.success(z, exchanged, task)


@pytest.mark.compiled
def test_the_authors_three_gates(author_networks):
    net = mr.Network.load(author_networks / "multitask3_n200_ortho_gap8_ep13.npz")
    task = ContextGates(zero_last_step=True)
    trials = task.conditions()
    z = net.run(trials.x)[1]
    found = tasks.distance(z, trials)
    assert [f"{d:.2f}" for d in (found.mean(), found.max())] == ["0.94", "1.55"]
    assert tasks.success(z, trials, task)
    still = ContextGates(jitter=0)
    trials = still.conditions()
    assert f"{tasks.distance(net.run(trials.x)[1], trials).mean():.2f}" == "0.73"


@pytest.mark.compiled
def test_the_authors_three_gates_untrained(author_networks):
    net = mr.Network.load(author_networks / "multitask3_n200_ortho_gap8_ep13.npz", initial=True)
    task = ContextGates(zero_last_step=True)
    trials = task.conditions()
    z = net.run(trials.x)[1]
    assert 7.5 <= tasks.distance(z, trials).mean() < 8.05  # untrained networks: 7.5-8.0
    assert not tasks.success(z, trials, task)
