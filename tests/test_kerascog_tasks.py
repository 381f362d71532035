"""KerasCog's flip-flop and XOR, and the flip-flops of one input, each against its rule told step by step."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn import tasks
from minirnn.tasks.coded_flipflop import FlipFlopByFrequency, FlipFlopByMagnitude
from minirnn.tasks.kerascog import KerasCogFlipFlop, KerasCogXor

FLIP_FLOPS = [KerasCogFlipFlop, FlipFlopByMagnitude, FlipFlopByFrequency]
ALL = [*FLIP_FLOPS, KerasCogXor]
SEEDS = st.integers(0, 10_000)


def shown(task, letter, i):
    """What the inputs are i steps into a turn of this letter, in the words of the three tasks."""
    if isinstance(task, FlipFlopByMagnitude):
        return [task.high_height if letter == "H" else task.low_height]
    if isinstance(task, FlipFlopByFrequency):
        hz = task.high_hz if letter == "H" else task.low_hz
        period = 1000 / hz  # in ms
        return [1 if (i * task.dt) % period < period / 2 else 0]
    return [1, 0] if letter == "A" else [0, 1]


def play(task, sequence, onset, pulse, quiet, delay, T):
    """Inputs, target and mask of one trial as lists, written turn after turn."""
    silence = [0] * task.n_in
    x, y, mask = [silence] * onset, [0.5] * onset, [0] * onset
    for letter in sequence:
        x += [shown(task, letter, i) for i in range(pulse)]
        y += [0.5] * pulse
        mask += [0] * pulse
        x += [silence] * (quiet + delay)
        y += [1 if letter in "BH" else 0] * (quiet + delay)
        mask += [1] * (quiet + delay)
    rest = T - len(x)
    assert rest >= 0
    return x + [silence] * rest, y + [0.5] * rest, mask + [0] * rest


def fits(trials, b, x, y, mask):
    return (
        np.array_equal(trials.x[:, b], np.asarray(x, np.float32))
        and np.array_equal(trials.target[:, b, 0], np.asarray(y, np.float32))
        and np.array_equal(trials.mask[:, b], mask)
    )


# ---- flip-flops


@pytest.mark.parametrize("kind", FLIP_FLOPS)
def test_a_turn_is_a_pulse_and_an_answer(kind):
    # the script: wait 50, stimulus 50, quiet 100, five turns
    task = kind(input_noise_std=0)
    trials = task.trials(30, 0)
    assert task.steps == 50 + 4 * 150 + 50 + 100 == 800
    assert trials.x.shape == (800, 30, task.n_in)
    assert (trials.target.shape, trials.mask.shape, trials.dt) == ((800, 30, 1), (800, 30), 20)
    assert {array.dtype for array in (trials.x, trials.target, trials.mask)} == {np.dtype("float32")}
    for b in range(30):
        assert fits(trials, b, *play(task, task.sequences(5)[trials.condition[b]], 50, 50, 100, 0, 800))


@pytest.mark.parametrize("kind", FLIP_FLOPS)
@given(
    n_turns=st.integers(1, 4), onset=st.integers(0, 6), pulse=st.integers(1, 9), quiet=st.integers(1, 9), jitter=st.integers(0, 5),
    dt=st.sampled_from([20.0, 1.0, 0.5]), seed=SEEDS,
)  # fmt: skip
def test_turns_of_any_length(kind, n_turns, onset, pulse, quiet, jitter, dt, seed):
    coding = {}
    if kind is FlipFlopByFrequency:
        pulse += 6
        coding = {"low_hz": 250 / dt, "high_hz": 500 / dt}  # periods of four and of two steps
    task = kind(
        n_turns, onset=onset * dt, pulse=pulse * dt, quiet=quiet * dt, jitter=jitter * dt, dt=dt, input_noise_std=0, **coding
    )
    trials = task.trials(8, seed)
    T = onset + n_turns * (pulse + quiet + jitter)
    assert task.steps == T
    for b in range(8):
        name = task.sequences(n_turns)[trials.condition[b]]
        delays = range(1, jitter + 1) if jitter else [0]
        assert any(fits(trials, b, *play(task, name, onset, pulse, quiet, delay, T)) for delay in delays)


@pytest.mark.parametrize("kind", FLIP_FLOPS)
@pytest.mark.parametrize("jitter", [0, 7])
def test_conditions_are_all_sequences(kind, jitter):
    task = kind(jitter=jitter * 20)
    letters = "AB" if kind is KerasCogFlipFlop else "LH"
    names = [a + b + c for a in letters for b in letters for c in letters]
    assert list(task.condition_names) == names
    trials = task.conditions()
    assert list(trials.condition) == list(range(8))
    for b, name in enumerate(names):
        assert fits(trials, b, *play(task, name, 50, 50, 100, 4 if jitter else 0, 50 + 3 * (150 + jitter)))
    assert task.conditions(5).x.shape[:2] == (50 + 5 * (150 + jitter), 32)
    assert len(set(task.sequences(5))) == 32


def test_defaults_of_the_library():
    task = KerasCogFlipFlop.library()
    trials = task.conditions()
    assert task.steps == trials.x.shape[0] == 3 + 3 * (3 + 4)
    assert fits(trials, 3, *play(task, "ABB", 3, 3, 4, 0, 24))
    assert task.trials(4, 0).x.max() == 1  # no noise
    assert type(FlipFlopByMagnitude.library(low_height=0.25)) is FlipFlopByMagnitude
    xor = KerasCogXor.library(tail=40)
    assert xor.steps == 3 + 5 + 15 + 5 + 2
    assert (xor.input_noise_std, KerasCogXor.library().steps) == (0.1, 33)


def test_delays_are_equally_likely():
    trials = KerasCogFlipFlop(n_turns=1, jitter=80).trials(4000, 3)
    delay, counts = np.unique(trials.mask.sum(axis=0) - 100, return_counts=True)
    assert list(delay) == [1, 2, 3, 4]
    assert np.abs(counts - 1000).max() < 5 * math.sqrt(4000 * 0.25 * 0.75)
    trials = KerasCogXor(jitter=80).trials(4000, 3)
    delay, counts = np.unique(50 + 4 - trials.mask.sum(axis=0), return_counts=True)
    assert list(delay) == [1, 2, 3, 4]
    assert np.abs(counts - 1000).max() < 5 * math.sqrt(4000 * 0.25 * 0.75)


def test_low_is_not_silence_and_both_trains_have_one_mean():
    x = FlipFlopByMagnitude().conditions().x[:, 1, 0]  # LLH
    assert set(x[50:100]) == set(x[200:250]) == {0.5}
    assert set(x[350:400]) == {1}
    x = FlipFlopByFrequency().conditions().x[:, 1, 0]
    slow, fast = x[200:250], x[350:400]
    assert slow.sum() == fast.sum() == 26
    assert (np.count_nonzero(np.diff(slow) > 0), np.count_nonzero(np.diff(fast) > 0)) == (1, 7)  # and one at the very start of each
    assert (slow[0], fast[0]) == (1, 1)


@pytest.mark.parametrize("dt", [20.0, 7.0, 0.1])
def test_trains_of_any_frequency_are_on_in_the_first_half_of_each_period(dt):
    # in whole numbers: at time i dt = i d / 10 ms, a train of f / 10 Hz is in half-period i d f 2 / 100000
    d, pulse = round(10 * dt), 200
    for f in range(math.ceil(1e5 / (d * pulse)), math.floor(5e4 / d), max(1, 50 // d)):
        task = FlipFlopByFrequency(n_turns=1, pulse=pulse * dt, onset=0, dt=dt, low_hz=f / 10, high_hz=500 / dt, input_noise_std=0)
        on = [(i * d * f * 2) // 100000 % 2 == 0 for i in range(pulse)]
        np.testing.assert_array_equal(task.conditions(1).x[:pulse, 0, 0], on)


# ---- XOR in sequence


@given(
    st.integers(0, 9), st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 5), st.sampled_from([20.0, 1.0]),
    SEEDS,
)  # fmt: skip
def test_xor_of_two_items(onset, pulse, gap, tail, jitter, dt, seed):
    task = KerasCogXor(
        onset=onset * dt, pulse=pulse * dt, gap=gap * dt, tail=tail * dt, jitter=jitter * dt, dt=dt, input_noise_std=0
    )
    trials = task.trials(12, seed)
    T = onset + 2 * pulse + gap + jitter + tail
    assert task.steps == T
    assert (trials.x.shape, trials.target.shape, trials.mask.shape) == ((T, 12, 2), (T, 12, 1), (T, 12))
    assert (trials.dt, trials.x.dtype, trials.target.dtype, trials.mask.dtype) == (dt, "f4", "f4", "f4")
    for b in range(12):
        assert any(
            fits(trials, b, *two_items(task, trials.condition[b], onset, pulse, gap + delay, tail + jitter - delay))
            for delay in (range(1, jitter + 1) if jitter else [0])
        )


def two_items(task, condition, onset, pulse, gap, tail):
    first, second = task.condition_names[condition]
    item = {"1": [1, 0], "0": [0, 1]}
    x = [[0, 0]] * onset + [item[first]] * pulse + [[0, 0]] * gap + [item[second]] * pulse + [[0, 0]] * tail
    before = onset + 2 * pulse + gap
    return x, [0.5] * before + [1 if first != second else 0] * tail, [0] * before + [1] * tail


def test_xor_of_the_script():
    task = KerasCogXor()
    assert task.condition_names == tasks.Xor.condition_names == ("00", "10", "01", "11")
    trials = task.conditions()
    assert trials.x.shape == (230, 4, 2)
    for b in range(4):
        assert fits(trials, b, *two_items(task, b, 30, 50, 50, 50))
    assert np.flatnonzero(trials.mask[:, 0]).tolist() == list(range(180, 230))
    # in the middle of the jitter
    late = KerasCogXor(jitter=140).conditions()
    assert fits(late, 1, *two_items(task, 1, 30, 50, 54, 53))


# ---- all of them


@pytest.mark.parametrize("kind", ALL)
def test_kinds_are_equally_likely(kind):
    task = kind()
    if kind is not KerasCogXor:
        task = kind(n_turns=3, onset=0, pulse=500, quiet=20)
    n = len(task.condition_names)
    counts = np.bincount(task.trials(8000, 1).condition, minlength=n)
    p = 1 / n
    assert np.abs(counts - 8000 * p).max() < 5 * math.sqrt(8000 * p * (1 - p))


@pytest.mark.parametrize("kind", ALL)
def test_noise_is_on_every_step_of_the_input_only(kind):
    task = kind(input_noise_std=0.2)
    noisy, clean = task.trials(300, 5), dataclasses.replace(task, input_noise_std=0).trials(300, 5)
    np.testing.assert_array_equal(noisy.condition, clean.condition)
    np.testing.assert_array_equal(noisy.target, clean.target)
    np.testing.assert_array_equal(noisy.mask, clean.mask)
    noise = noisy.x - clean.x
    m = noise[0].size
    per_step = noise.std(axis=(1, 2))
    assert np.abs(per_step - 0.2).max() < 0.2 * 5 / math.sqrt(2 * m)
    assert abs(noise.mean()) < 0.2 * 5 / math.sqrt(noise.size)
    if task.n_in == 2:
        assert abs(np.corrcoef(noise[:, :, 0].ravel(), noise[:, :, 1].ravel())[0, 1]) < 5 / math.sqrt(noise.size / 2)
    assert kind().input_noise_std == 0.1


@pytest.mark.parametrize("kind", ALL)
def test_the_seed_decides(kind):
    first, again, other = (kind().trials(5, seed) for seed in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()


@pytest.mark.parametrize("kind", ALL)
def test_the_baseline_is_outside_the_mask(kind):
    for baseline in (0.0, 1.0, -3.0):
        here, usual = kind(baseline=baseline).conditions(), kind().conditions()
        np.testing.assert_array_equal(here.mask, usual.mask)
        assert set(here.target[here.mask == 0].ravel()) == {baseline}
        np.testing.assert_array_equal(here.target[here.mask == 1], usual.target[usual.mask == 1])
        assert set(usual.target[usual.mask == 0].ravel()) == {0.5}


@pytest.mark.parametrize("kind", FLIP_FLOPS)
@pytest.mark.parametrize("jitter", [0, 20])
def test_right_is_the_side_of_the_last_half_of_every_answer(kind, jitter):
    task = kind(jitter=jitter)
    turn = 150 + jitter // 20
    trials = task.conditions()
    good = trials.target.astype(float)
    assert tasks.success(good, trials, task)
    rng = np.random.default_rng(0)
    anything = np.where(trials.mask[:, :, None] == 0, rng.normal(0, 5, good.shape), good)
    assert tasks.success(anything, trials, task)  # what is not in the mask does not count
    assert tasks.success(0.5 + 0.02 * (good - 0.5), trials, task)  # only the side counts
    for level in (0.0, 1.0):
        assert not tasks.success(np.full_like(good, level), trials, task)
    assert not task.right(1 - good, trials).any()
    for k in range(3):  # each answer is looked at, in its last half, to 5 %
        begin, stop = 50 + k * turn + 50, 50 + (k + 1) * turn
        half = begin + (stop - begin) // 2
        for span, fine in [((begin, half), True), ((half, half + 2), True), ((stop - 2, stop), True),
                           ((half, half + 3), False), ((stop - 3, stop), False)]:  # fmt: skip
            z = good.copy()
            z[slice(*span), 5] = 1 - z[slice(*span), 5]
            assert list(task.right(z, trials)) == [b != 5 or fine for b in range(8)]
            assert tasks.success(z, trials, task) is fine
    stuck = good.copy()  # a network that never flips after its first turn
    stuck[50 + turn :] = stuck[50 + turn - 1]
    assert [name for name, right in zip(task.condition_names, task.right(stuck, trials), strict=True) if right] == [
        letter * 3 for letter in task.letters
    ]


@pytest.mark.parametrize("kind", ALL)
def test_right_takes_noisy_trials(kind):
    trials = kind().trials(20, 2)
    z = trials.target.astype(float)
    assert kind().right(z, trials).all()
    z[-10:, 7] = 1 - z[-10:, 7]
    assert list(np.flatnonzero(~kind().right(z, trials))) == [7]
    if kind is not KerasCogXor:
        many = kind().conditions(6)
        assert kind().right(many.target, many).all()
        assert not kind().right(1 - many.target, many).any()


@pytest.mark.parametrize("jitter", [0, 20])
def test_right_of_the_xor_is_the_side_of_the_last_half_of_the_answer(jitter):
    task = KerasCogXor(jitter=jitter)
    trials = task.conditions()
    good = trials.target.astype(float)
    assert tasks.success(good, trials, task)
    begin, T = 180 + jitter // 20, 230 + jitter // 20
    assert task.answer_start == begin
    for span, fine in [((0, begin + 25), True), ((T - 1, T), True), ((T - 2, T), False), ((begin + 25, begin + 27), False)]:
        z = good.copy()
        z[slice(*span), 2] = 1 - z[slice(*span), 2]
        if span[0] == 0:
            z[slice(*span), 2] = -7
        assert list(task.right(z, trials)) == [True, True, fine, True]
        assert tasks.success(z, trials, task) is fine
    for wrong in (np.zeros_like(good), np.ones_like(good), 1 - good):
        assert not tasks.success(wrong, trials, task)
    last = np.repeat([[0], [0], [1], [1]], T, axis=1).T[:, :, None]  # answers the second item alone
    assert list(task.right(last, trials)) == [True, False, True, False]


@pytest.mark.parametrize(
    "kind, change, name",
    [(kind, change, next(iter(change))) for kind in ALL for change in (
        {"onset": -20}, {"pulse": 0}, {"pulse": math.nan}, {"jitter": -1}, {"dt": 0}, {"input_noise_std": -0.1},
        {"baseline": math.inf})]
    + [(kind, change, "n_turns") for kind in FLIP_FLOPS for change in (
        {"n_turns": 0}, {"n_turns": 2.0}, {"n_turns": True}, {"n_turns": 61})]
    + [(kind, {"quiet": 0}, "quiet") for kind in FLIP_FLOPS]
    + [(KerasCogXor, {"tail": 0}, "tail"), (KerasCogXor, {"gap": -20}, "gap"), (KerasCogXor, {"dt": 4000}, "pulse")]
    + [(FlipFlopByMagnitude, {"low_height": 1.0}, "low_height"), (FlipFlopByMagnitude, {"high_height": math.nan}, "high_height")]
    + [(FlipFlopByFrequency, change, next(iter(change))) for change in (
        {"low_hz": 0.9}, {"low_hz": math.nan}, {"high_hz": 2.0}, {"high_hz": 25.1}, {"high_hz": math.nan})],
)  # fmt: skip
def test_what_does_not_fit_is_named(kind, change, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        kind(**change)


@pytest.mark.parametrize("kind", ALL)
def test_no_trials_are_an_error(kind):
    with pytest.raises(ValueError, match="n must be at least 1"):
        kind().trials(0, 0)


@pytest.mark.parametrize("kind", ALL)
def test_a_truth_table_has_a_head_and_a_row_of_words_for_each_case(kind):
    head, *rows = kind.truth_table
    assert all(len(row) == len(head) and all(isinstance(cell, str) for cell in row) for row in rows)
    if kind is KerasCogXor:
        assert [(a[0] + b[0], answer) for a, b, answer in rows] == [("00", "0"), ("10", "1"), ("01", "1"), ("11", "0")]
    else:
        assert head[:-1] == kind.input_names
        assert {row[-1] for row in rows} >= {"0", "1", "stays"}


# ---- the protocols of training.md 3.3


def test_the_protocols_are_kerascogs():
    plain = {"form": "current", "phi": "relu", "tau": 100.0}
    noisy = {"noise_scaling": "per_step", "noise_shared_across_batch": True, "spectral_radius": 0.9}  # the radius is ours
    for kind in ALL:
        for p in (kind.protocol, kind.protocol_dale):
            assert (p.samples, p.fresh, p.optimizer, p.lr, p.decay) == (512, False, "adam", 1e-3, 0)
            assert p.clip == (None if p.dale is None else 1.0)  # so is the clipping
            assert p.stop_below is None
            assert (p.n_rec, p.recurrent, p.gain, p.b_rec, p.b_out) == (50, "orthogonal", 1.1, False, False)
            assert (p.batch, p.epochs) == ((32, 50) if kind is KerasCogXor else (64, 20))
        assert kind.protocol_dale.dale == {"excitatory": 0.8, "by": "abs"}
    for kind in FLIP_FLOPS:
        assert (kind.protocol.constants, kind.protocol.dale) == (plain, None)  # the committed script has neither
        assert kind.protocol_dale.constants == {**plain, **noisy, "noise": 0.1}
    assert KerasCogXor.protocol == KerasCogXor.protocol_dale
    assert KerasCogXor.protocol.constants == {**plain, **noisy, "noise": 0.05}
