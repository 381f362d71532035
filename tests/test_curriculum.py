import os
import signal
from dataclasses import replace

import numpy as np
import pytest

import minirnn as mr
from minirnn import tasks
from minirnn.curriculum import Stage, curriculum, fraction_right, until
from minirnn.randomness import counted, draw_run_seed

SHORT = {"onset": 2, "pulse": 3, "gap": 2, "tail": 5}
AND, OR, XOR = tasks.And(**SHORT), tasks.Or(**SHORT), tasks.Xor(**SHORT)


def network(**more):
    return mr.Network.random(2, 12, 1, rng=0, **more)


ADAM = mr.Adam(lr=1e-2)


def quick(stages, net=None, **more):
    settings = {"rng": 0, "optimizer": ADAM, "batch": 16, "samples": 64, "threads": 1, "progress": False}
    return curriculum(network() if net is None else net, stages, **(settings | more))


def same(a, b):
    return all((p is None and q is None) or np.array_equal(p, q) for p, q in zip(a.weights, b.weights, strict=True))


def same_curriculum(a, b):
    assert (a.stopped, a.performances) == (b.stopped, b.performances)
    assert same(a.network, b.network)
    for one, other in zip(a.results, b.results, strict=True):
        assert one.stopped == other.stopped
        assert same(one.network, other.network) and same(one.best, other.best)
        for column in ("loss", "validation_distance", "gradient_norm", "learning_rate"):
            np.testing.assert_array_equal(getattr(one.history, column), getattr(other.history, column))


def epochs(c):
    return [len(result.history.loss) for result in c.results]


# ---- the parts


def test_until_ends_training_after_the_first_epoch_that_reaches_the_threshold():
    found = iter([0.2, 0.75, 0.9, 1.0])
    callback = until(lambda network: next(found), 0.75)
    result = mr.train(
        network(), AND, epochs=4, samples=16, batch=16, rng=1, progress=False, threads=1, callback=callback, stop_below=0.0
    )
    assert result.stopped == "the callback ended it after epoch 2"
    assert next(found) == 0.9


def test_until_is_given_the_network_of_the_epoch():
    seen = []
    net = network()
    assert until(lambda found: seen.append(found) or 0.5, 0.6)(1, net, None) is False
    assert seen == [net]


def test_fraction_right_counts_the_conditions():
    """A network whose output is a constant is right where the answer is on its side."""
    for task, ones in ((AND, 1), (OR, 3), (XOR, 2)):
        for constant, expected in ((0.0, (4 - ones) / 4), (1.0, ones / 4)):
            net = network()
            net.params.W_out[:] = 0
            net.params.b_out[:] = constant
            assert fraction_right(task)(net) == expected


# ---- the whole


def test_a_curriculum_passes_its_stages_one_after_the_other():
    net = network()
    before = net.copy()
    c = quick([Stage(AND, 1.0, epochs=40), Stage(XOR, 1.0, epochs=40)], net)
    assert same(net, before)
    assert c.stopped == "all 2 stages passed"
    assert c.performances == (1.0, 1.0)
    assert fraction_right(XOR)(c.network) == 1.0 and same(c.network, c.results[-1].network)
    assert fraction_right(AND)(c.results[0].network) == 1.0
    assert all(0 < n < 40 for n in epochs(c))


@pytest.mark.compiled
def test_each_stage_is_train_from_the_network_before_with_a_seed_of_its_own():
    stages = [Stage(AND, 1.0, epochs=40), Stage(XOR, 1.0, epochs=40)]
    c = quick(stages)
    run_seed = draw_run_seed(np.random.default_rng(0))
    net = network()
    for k, (stage, result) in enumerate(zip(stages, c.results, strict=True), 1):
        plain = mr.train(
            net, stage.task, optimizer=ADAM, epochs=40, batch=16, samples=64, threads=1, progress=False, stop_below=0.0,
            rng=counted(run_seed, 5, k), callback=lambda e, n, h, stage=stage: fraction_right(stage.task)(n) == 1.0,
        )  # fmt: skip
        assert same(plain.network, result.network)
        assert len(plain.history.loss) == len(result.history.loss)
        net = plain.network


@pytest.mark.compiled
def test_a_stages_seed_does_not_depend_on_what_the_stages_before_took():
    """Skipping the first stage leaves the second one its trials: from the same network the same bits."""
    trained = quick([Stage(AND, 1.0, epochs=40)]).network
    after_a_skip = quick([Stage(AND, 1.0, epochs=40), Stage(XOR, 1.0, epochs=40)], trained)
    after_training = quick([Stage(AND, 1.0, epochs=40), Stage(XOR, 1.0, epochs=40)])
    assert after_a_skip.results[0].stopped.startswith("skipped") and not after_training.results[0].stopped.startswith("skipped")
    assert same(after_a_skip.network, after_training.network)


def test_a_stage_that_passes_before_training_is_skipped_and_says_so(tmp_path, capsys):
    c = quick([Stage(AND, 0.5), Stage(OR, 1.0, epochs=40)], progress=True, checkpoint=tmp_path)
    assert c.results[0].stopped == "skipped: 0.75 reaches 0.5 before training"
    assert c.performances == (0.75, 1.0)
    assert same(c.results[0].network, network())
    assert epochs(c)[0] == 0 and epochs(c)[1] > 0
    assert sorted(path.name for path in tmp_path.glob("stage_*")) == ["stage_02"]
    told = capsys.readouterr().err
    assert "stage 1 (And): skipped: 0.75 reaches 0.5 before training" in told
    assert "stage 2 (Or): " in told


def test_without_progress_nothing_is_said(capsys):
    quick([Stage(AND, 0.5), Stage(OR, 0.3)])
    assert capsys.readouterr().err == ""


def test_a_threshold_that_is_not_reached_ends_it():
    c = quick([Stage(AND, 2.0, lambda net: 0.5, epochs=2, name="hopeless"), Stage(OR, 1.0)])
    assert c.stopped == "stage 1 (hopeless) not passed after 2 epochs: 0.5 of 2"
    assert c.performances == (0.5,) and epochs(c) == [2]
    assert same(c.network, c.results[0].network) and not same(c.network, network())


def test_the_measure_alone_ends_a_stage():
    """The protocol's stop_below, here reached at once, does not."""

    class Easy(tasks.And):
        protocol = replace(tasks.And.protocol, stop_below=1e6)

    c = quick([Stage(Easy(**SHORT), 2.0, epochs=3)])
    assert epochs(c) == [3]


def test_the_protocol_says_what_is_left_out():
    class Brief(tasks.And):
        protocol = replace(tasks.And.protocol, epochs=2, samples=24, batch=8, lr=0.003, decay=0.0)

    c = quick([Stage(Brief(**SHORT), 2.0)], optimizer=None, batch=None, samples=None)
    assert epochs(c) == [2]
    np.testing.assert_array_equal(c.results[0].history.learning_rate, [0.003, 0.003])


def test_the_optimiser_starts_anew_in_each_stage():
    c = quick([Stage(AND, 2.0, Rising(), epochs=5), Stage(OR, 2.0, Rising(), epochs=5)], optimizer=mr.Adam(lr=0.01, decay=0.1))
    first, second = (result.history.learning_rate for result in c.results)
    np.testing.assert_array_equal(first, second)
    assert first[0] == pytest.approx(0.01 / (1 + 0.1 * 3))  # 4 updates an epoch


class Rising:
    """A measure that passes a threshold of 2 at the third time it is asked, before training included; it may die before."""

    def __init__(self, die_at=None):
        self.asked, self.die_at = 0, die_at

    def __call__(self, net):
        self.asked += 1
        if self.asked == self.die_at:
            raise RuntimeError("killed")
        return float(self.asked - 1)


# ---- going on


class Watched:
    """fraction_right, which dies at one of all calls to any measure of its curriculum."""

    calls = 0

    def __init__(self, task, die_at=None):
        self.measure, self.die_at = fraction_right(task), die_at

    def __call__(self, net):
        Watched.calls += 1
        if Watched.calls == self.die_at:
            raise RuntimeError("killed")
        return self.measure(net)


def watched(die_at, folder):
    Watched.calls = 0
    stages = [Stage(task, 1.0, Watched(task, die_at), epochs=40) for task in (AND, XOR)]
    return quick(stages, checkpoint=folder, samples=96)


@pytest.mark.compiled
def test_killed_at_any_time_it_ends_with_the_same_bits(tmp_path):
    """Also where the epoch that passes was kept, but the process died before it was known to pass."""
    whole = watched(None, None)
    first, second = epochs(whole)
    assert whole.stopped == "all 2 stages passed" and min(first, second) > 1 and Watched.calls == first + second + 4
    # before and after the first epoch; when stage 1 passes, and after it; before stage 2, and the same there
    for die_at in (1, 2, first + 1, first + 2, first + 3, first + 4, first + second + 3, first + second + 4):
        folder = tmp_path / str(die_at)
        with pytest.raises(RuntimeError, match="killed"):
            watched(die_at, folder)
        same_curriculum(watched(None, folder), whole)
        same_curriculum(watched(None, folder), whole)  # and once more, from folders that are finished


@pytest.mark.compiled
def test_each_stage_has_its_folder(tmp_path):
    whole = watched(None, tmp_path)
    for k, result in enumerate(whole.results, 1):
        folder = tmp_path / f"stage_{k:02d}"
        assert (folder / "finished.json").exists()
        assert same(mr.Network.load(folder / f"epoch_{len(result.history.loss):04d}.npz"), result.network)


@pytest.mark.compiled
def test_a_second_call_trains_no_more(tmp_path, monkeypatch):
    watched(None, tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    watched(None, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == kept


def test_ctrl_c_ends_the_curriculum_and_it_can_go_on(tmp_path):
    interrupts = [2]

    def third(net):
        third.asked += 1
        if third.asked in interrupts:  # the first is before training: this one is after epoch 1
            os.kill(os.getpid(), signal.SIGINT)
        return float(third.asked > 3)

    stages = [Stage(AND, 1.0, third, epochs=5, name="first"), Stage(OR, 1.0, third, epochs=5)]
    third.asked = 0
    c = quick(stages, checkpoint=tmp_path)
    assert c.stopped == "stage 1 (first) interrupted after epoch 1"
    assert len(c.results) == 1 and epochs(c) == [1]
    assert not (tmp_path / "stage_02").exists()
    interrupts.clear()
    third.asked = 0
    c = quick(stages, checkpoint=tmp_path)
    assert c.stopped == "all 2 stages passed"


def test_a_folder_of_another_curriculum_is_an_error(tmp_path):
    quick([Stage(AND, 0.5), Stage(OR, 0.5)], checkpoint=tmp_path)
    for changed, said in (
        ([Stage(AND, 0.6), Stage(OR, 0.5)], "stage 1 was .*>= 0.5, epochs None, now .*>= 0.6"),
        ([Stage(AND, 0.5), Stage(XOR, 0.5)], "stage 2 was Or"),
        ([Stage(AND, 0.5), Stage(OR, 0.5, epochs=3)], "stage 2 was .*epochs None, now .*epochs 3"),
        ([Stage(AND, 0.5), Stage(OR, 0.5, Rising())], "stage 2 was .*fraction right .*Rising"),
        ([Stage(AND, 0.5)], "stage 2 was .*, now None"),
    ):
        with pytest.raises(ValueError, match=said):
            quick(changed, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="run_seed"):
        quick([Stage(AND, 0.5), Stage(OR, 0.5)], checkpoint=tmp_path, rng=1)
    with pytest.raises(ValueError, match="network was"):
        quick([Stage(AND, 0.5), Stage(OR, 0.5)], mr.Network.random(2, 12, 1, rng=1), checkpoint=tmp_path)
    for name, value in (("batch", 8), ("samples", 32), ("optimizer", mr.Adam(lr=1e-3))):
        with pytest.raises(ValueError, match=f"{name} was"):
            quick([Stage(AND, 0.5), Stage(OR, 0.5)], checkpoint=tmp_path, **{name: value})


# ---- errors, before anything is trained


def never(net):
    raise AssertionError("asked before all stages were checked")


class Unjudged:
    """A task without conditions and right."""

    protocol = tasks.And.protocol

    def trials(self, n, rng):
        return AND.trials(n, rng)


@pytest.mark.parametrize(
    "second, error, said",
    [
        (Stage(tasks.Not(), 1.0), ValueError, r"stage 2 \(Not\) does not fit the network: x must be \(T, B, 2\)"),
        (Stage(tasks.FlipFlop(dt=2.0), 1.0, name="late"), ValueError, r"stage 2 \(late\) does not fit the network: dt"),
        (Stage(AND, float("nan")), ValueError, r"stage 2 \(And\): threshold must be finite, got nan"),
        (Stage(Unjudged(), 1.0), TypeError, r"stage 2 \(Unjudged\): measure must be given"),
        (Stage("and", 1.0), TypeError, r"stage 2 \(str\): task must be a task, got str"),
    ],
)
def test_an_unfit_stage_is_named_before_any_training(second, error, said, tmp_path):
    with pytest.raises(error, match=said):
        quick([Stage(AND, 1.0, never), second], checkpoint=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_outputs_are_checked():
    net = mr.Network.random(2, 5, 3, rng=0)
    with pytest.raises(ValueError, match=r"stage 1 \(And\) does not fit the network: target must be \(T, B, 3\)"):
        quick([Stage(AND, 1.0, never)], net)


def test_a_task_without_conditions_has_its_own_measure():
    assert quick([Stage(Unjudged(), 0.0, lambda net: 0.0)]).stopped == "all 1 stages passed"


def test_stages_must_be_stages_and_some():
    with pytest.raises(ValueError, match="at least one Stage"):
        quick([])
    with pytest.raises(TypeError, match="stages must be Stage, got And"):
        quick([AND])
