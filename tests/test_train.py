import math
import os
import signal
import threading

import numpy as np
import pytest

import minirnn as mr
from minirnn import optimizer, reference, tasks
from minirnn.engine import Flat
from minirnn.optimizer import learning_rate
from minirnn.randomness import DATA, NOISE, SHUFFLE, counted, draw_run_seed
from minirnn.reference import Params

SMALL = tasks.And(onset=3, pulse=3, gap=2, tail=8)


def network(n_rec=7, **more):
    return mr.Network.random(2, n_rec, 1, rng=0, **more)


def quick(net, data=SMALL, **more):
    return mr.train(net, data, **({"epochs": 2, "samples": 40, "batch": 16, "rng": 5, "progress": False, "threads": 1} | more))


def same(a, b):
    return all((p is None and q is None) or np.array_equal(p, q) for p, q in zip(a.weights, b.weights, strict=True))


# ---- what is computed


@pytest.mark.parametrize("clip, scope", [(None, "global"), (0.05, "global"), (0.03, "per_array")])
@pytest.mark.parametrize("epsilon_hat", [True, False])
def test_training_is_the_plain_loop(clip, scope, epsilon_hat):
    """The whole loop once more in plain NumPy: data, order, noise, masked loss, clipping, decay, Adam."""
    net = network(dtype="float64", tau=2.0, b_rec=True, noise=0.1, train_h0=True)
    adam = mr.Adam(lr=0.01, decay=0.1, eps=1e-4, clip=clip, clip_scope=scope, epsilon_hat=epsilon_hat)
    result = quick(net, optimizer=adam, batch=24)

    run_seed = draw_run_seed(np.random.default_rng(5))
    data = SMALL.trials(40, counted(run_seed, DATA))
    T = data.x.shape[0]
    params = {name: p.copy() for name, p in zip(Params._fields, net.params, strict=True)}
    m = {name: np.zeros_like(p) for name, p in params.items()}
    v = {name: np.zeros_like(p) for name, p in params.items()}
    updates, epoch_losses, epoch_norms, clipped = 0, [], [], 0
    for epoch in (1, 2):
        order = counted(run_seed, SHUFFLE, epoch).permutation(40)
        losses, sizes, found = [], [], []
        for number, rows in enumerate((order[:24], order[24:])):
            # each chunk of up to 16 trials has its own noise, the last one is filled up
            chunks = [counted(run_seed, NOISE, epoch, number, c).standard_normal((T, 16, 7)) for c in range(2)]
            noise = np.concatenate(chunks, axis=1) * 0.1 * math.sqrt(2 * 2.0)
            x, target = (array[:, rows].astype(float) for array in (data.x, data.target))
            loss, g = reference.loss_and_gradient(
                Params(**params), x, target, np.ones_like(target), net.h0, noise[:, : len(rows)], net.model
            )
            g = g._asdict()
            losses.append(loss)
            sizes.append(len(rows))
            norm = {name: np.linalg.norm(p) for name, p in g.items()}
            total = math.sqrt(sum(n**2 for n in norm.values()))
            found.append(total)
            for name, p in g.items():
                size = total if scope == "global" else norm[name]
                if clip is not None and size > clip:
                    g[name] = p * clip / size
                    clipped += 1
            lr = 0.01 / (1 + 0.1 * updates)
            updates += 1
            for name in params:
                params[name], m[name], v[name] = reference.adam(
                    params[name], m[name], v[name], g[name], updates, lr, 0.9, 0.999, 1e-4, epsilon_hat
                )
        epoch_losses.append(np.average(losses, weights=sizes))
        epoch_norms.append(np.mean(found))
    assert (clipped > 0) == (clip is not None)
    for ours, name in zip(result.network.weights, Params._fields, strict=True):
        np.testing.assert_allclose(ours, params[name], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(result.history.loss, epoch_losses, rtol=1e-10)
    np.testing.assert_allclose(result.history.gradient_norm, epoch_norms, rtol=1e-9)
    np.testing.assert_allclose(result.history.learning_rate, [0.01 / 1.1, 0.01 / 1.3], rtol=1e-12)


def test_keras_decay_and_the_papers_rate_after_4700_updates():
    assert learning_rate(mr.Adam(lr=1e-4, decay=1e-4), 0) == 1e-4
    assert learning_rate(mr.Adam(lr=1e-4, decay=1e-4), 4700) == pytest.approx(6.80e-5, rel=1e-3)


def test_clipping_takes_the_norm_down_and_leaves_small_gradients_alone():
    params = Params(np.full((1, 1), 3.0), np.full((1, 1), 4.0), np.full((1, 1), 12.0), None, None, None)
    for adam, expected in (
        (mr.Adam(clip=6.5), [1.5, 2.0, 6.0]),  # the global norm is 13
        (mr.Adam(clip=3.5, clip_scope="per_array"), [3.0, 3.5, 3.5]),
        (mr.Adam(clip=14.0), [3.0, 4.0, 12.0]),
        (mr.Adam(), [3.0, 4.0, 12.0]),
    ):
        gradient = Flat(params, np.float64)
        optimizer.clip(gradient, optimizer.norms(gradient), adam)
        np.testing.assert_allclose(gradient.vector, expected)


@pytest.mark.compiled
def test_training_learns_and_leaves_the_network_alone():
    net = network()
    before = net.copy()
    result = quick(net, optimizer=mr.Adam(lr=3e-3), epochs=30, samples=200)
    assert same(net, before)
    assert result.history.loss[-1] < 0.2 * result.history.loss[0]
    assert result.stopped == "all 30 epochs done"
    assert all(len(column) == 30 for column in result.history)
    best = int(np.argmin(result.history.validation_distance))
    if best < 29:
        assert not same(result.best, result.network)


def test_best_is_the_epoch_of_the_lowest_validation_distance():
    seen = []
    result = quick(network(), optimizer=mr.Adam(lr=1.0), epochs=10, callback=lambda e, n, h: seen.append(n))
    best = int(np.argmin(result.history.validation_distance))
    assert best < 9  # the rate is far too large: it got worse again
    assert same(result.best, seen[best])
    assert same(result.network, seen[-1])


# ---- bits


@pytest.mark.parametrize("more", [{}, {"fresh": True}])
@pytest.mark.compiled
@pytest.mark.parametrize(
    "constants",
    [
        {}, {"tau": 3.0, "noise": 0.2, "phi": "softplus"},
        {"form": "current", "phi": "relu", "tau": 3.0, "noise": 0.2, "dale": mr.Dale(), "vanishing": 0.5},
        {"form": "current", "noise": 0.2, "noise_shared_across_batch": True, "dale": mr.Dale(by="projection"), "output": "sigmoid"},
    ],
)  # fmt: skip
def test_one_two_and_five_threads_give_the_same_bits(more, constants):
    net = network(n_rec=30, **constants)
    runs = [quick(net, samples=200, batch=100, threads=threads, **more) for threads in (1, 2, 5)]
    assert same(runs[0].network, runs[1].network)
    assert same(runs[0].network, runs[2].network)
    for name in ("loss", "validation_distance", "gradient_norm", "learning_rate"):
        first, second, third = (getattr(run.history, name) for run in runs)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)


def test_the_seed_decides_and_fresh_trials_differ_from_a_fixed_set():
    first, again, other, fresh = (quick(network(), **more) for more in ({}, {"rng": 5}, {"rng": 6}, {"fresh": True}))
    assert same(first.network, again.network)
    assert not same(first.network, other.network)
    assert not same(first.network, fresh.network)


def test_fresh_trials_are_never_seen_twice():
    drawn = []

    class Spy(tasks.And):
        def trials(self, n, rng):
            made = super().trials(n, rng)
            drawn.append(made.x.tobytes())
            return made

    quick(network(), Spy(onset=3, pulse=3, gap=2, tail=8), fresh=True)
    # per epoch 3 batches; one draw to learn the length, one for validation
    assert len(drawn) == 8
    assert len(set(drawn)) == 8


def test_a_fixed_set_is_drawn_once_and_shuffled_each_epoch():
    run_seed = 1
    assert (counted(run_seed, SHUFFLE, 1).permutation(40) != counted(run_seed, SHUFFLE, 2).permutation(40)).any()


# ---- when it ends


def test_early_stop_is_on_the_mean_loss_of_the_epoch():
    reached = quick(network(), epochs=30, optimizer=mr.Adam(lr=3e-3)).history.loss
    threshold = float(reached[3]) * 1.0000001
    result = quick(network(), epochs=30, optimizer=mr.Adam(lr=3e-3), stop_below=threshold)
    assert len(result.history.loss) == int(np.argmax(reached < threshold)) + 1
    assert "is below" in result.stopped


def test_the_callback_sees_each_epoch_and_may_end_training():
    seen = []

    def callback(epoch, network, history):
        seen.append((epoch, len(history.loss)))
        network.params.W_rec[:] = 0  # it is a copy
        return epoch == 2

    result = quick(network(), epochs=5, callback=callback)
    assert seen == [(1, 1), (2, 2)]
    assert result.stopped == "the callback ended it after epoch 2"
    assert same(result.network, quick(network(), epochs=2).network)


def test_ctrl_c_returns_what_was_learnt_so_far():
    before = signal.getsignal(signal.SIGINT)
    result = quick(network(), epochs=50, callback=lambda e, n, h: os.kill(os.getpid(), signal.SIGINT) if e == 2 else None)
    assert result.stopped == "interrupted after epoch 2"
    assert len(result.history.loss) == 2
    assert same(result.network, quick(network(), epochs=2).network)
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_within_an_epoch_ends_between_two_updates():
    main = threading.main_thread().ident
    # long enough that the signal comes in its midst: thousands of updates
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    result = quick(network(), epochs=1000, samples=20000, batch=1)
    timer.join()
    assert result.stopped.startswith("interrupted in epoch")
    assert np.isfinite(result.network.weights.W_rec).all()


def test_training_works_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(quick(network())))
    thread.start()
    thread.join()
    assert same(found[0].network, quick(network()).network)


def test_divergence_names_the_update_the_array_and_the_norms():
    net = network(phi="relu")
    net.params.W_rec[:] = 1e9  # overflows float32 within the trial
    with pytest.raises(mr.Diverged, match=r"diverged at update 1: .*W_rec 7e\+09 \(gradient nan\)") as caught:
        quick(net)
    assert caught.value.update == 1
    assert caught.value.array in Params._fields
    assert same(caught.value.result.network, net)


def test_divergence_keeps_what_came_before():
    net = network(phi="linear", dtype="float64")
    with pytest.raises(mr.Diverged) as caught:
        quick(net, epochs=500, optimizer=mr.Adam(lr=1e60))
    assert caught.value.update > 1
    assert np.isfinite(caught.value.result.network.weights.W_rec).all()


# ---- data and settings


def test_given_trials_are_trained_on_as_they_are():
    trials = SMALL.trials(20, 0)
    result = quick(network(), trials, samples=None, batch=None, epochs=3)
    assert len(result.history.loss) == 3
    judged = tasks.distance(result.network.run(trials.x)[1], trials).mean()
    assert result.history.validation_distance[-1] == pytest.approx(judged, rel=1e-12)
    other = SMALL.trials(9, 1)
    result = quick(network(), trials, samples=None, validation=other, epochs=1)
    assert result.history.validation_distance[0] == pytest.approx(
        tasks.distance(result.network.run(other.x)[1], other).mean(), rel=1e-12
    )


def test_masked_trials_do_not_count():
    trials = SMALL.trials(12, 0)
    mask = np.ones(trials.x.shape[:2])
    mask[:, 6:] = 0
    spoiled = trials.target.copy()
    spoiled[:, 6:] = 1e3
    first, second = (
        quick(network(), mr.Trials(trials.x, target, mask), samples=None, batch=12) for target in (trials.target, spoiled)
    )
    assert same(first.network, second.network)


def test_the_protocol_fills_what_is_not_given(monkeypatch):
    seen = {}

    class Tiny(tasks.And):
        protocol = tasks.Protocol(samples=32, held_out=5, batch=8, epochs=3, lr=0.01, decay=0.5)

    result = mr.train(
        network(), Tiny(onset=1, pulse=1, gap=1, tail=2), rng=0, progress=False, callback=lambda e, n, h: seen.update(h=h)
    )
    assert len(result.history.loss) == 3
    np.testing.assert_allclose(seen["h"].learning_rate, [0.01 / (1 + 0.5 * u) for u in (3, 7, 11)])


@pytest.mark.parametrize(
    "more, error, message",
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"batch": 0}, ValueError, "batch"),
        ({"samples": -1}, ValueError, "samples"),
        ({"threads": 0}, ValueError, "threads"),
        ({"stop_below": -1}, ValueError, "stop_below"),
        ({"stop_below": math.nan}, ValueError, "stop_below"),
        ({"validation": 0}, ValueError, "validation"),
        ({"validation": mr.Trials(np.zeros((3, 1, 5)), np.zeros((3, 1, 1)))}, ValueError, r"x must be \(T, B, 2\)"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be Adam"),
        ({"rng": None}, TypeError, "rng"),
        ({"data": "and"}, TypeError, "data must be a task or Trials, got str"),
        ({"data": tasks.And(dt=0.5)}, ValueError, "dt of the trials is 0.5 ms"),
        ({"data": SMALL.trials(4, 0), "epochs": None, "samples": None}, ValueError, "epochs must be given"),
        ({"data": SMALL.trials(4, 0), "fresh": True}, ValueError, "fresh=True needs a task"),
        ({"data": SMALL.trials(4, 0), "samples": 7}, ValueError, "samples"),
        ({"data": SMALL.trials(4, 0), "samples": None, "validation": 3}, TypeError, "validation must be Trials"),
        ({"net": 3}, TypeError, "net must be a Network"),
    ],
)
def test_what_does_not_fit_is_named(more, error, message):
    more = dict(more)
    with pytest.raises(error, match=message):
        quick(more.pop("net", network()), more.pop("data", SMALL), **more)


def test_a_batch_whose_mask_sums_to_0_is_an_error():
    trials = SMALL.trials(4, 0)
    mask = np.zeros(trials.x.shape[:2])
    mask[:, 0] = 1
    with pytest.raises(ValueError, match="mask sums to 0 over this batch"):
        quick(network(), mr.Trials(trials.x, trials.target, mask), samples=None, batch=1)


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0}, {"lr": math.inf}, {"beta1": 1.0}, {"beta2": -0.1}, {"eps": 0}, {"decay": -1}, {"clip": 0},
        {"clip_scope": "both"},
    ],
)  # fmt: skip
def test_adam_names_what_does_not_fit(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        mr.Adam(**change)


def test_progress_is_a_line_per_epoch_where_there_is_no_terminal(capsys):
    quick(network(), progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line[:11] for line in lines] == ["epoch   1/2", "epoch   2/2"]
    quick(network())
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    quick(network(), progress=True)
    err = capsys.readouterr().err
    assert "6/6" in err
    assert "update/s" in err
    assert "loss" in err


@pytest.mark.compiled
@pytest.mark.parametrize("name", sorted(tasks.BY_NAME))
def test_every_task_is_learnt_from_with_its_protocol(name):
    task = tasks.BY_NAME[name]()
    net = mr.Network.for_task(task, n_rec=20, rng=0)
    result = mr.train(net, task, epochs=1, samples=6, validation=3, rng=0, progress=False, threads=1)
    assert np.isfinite(result.history.loss).all()
    assert result.history.gradient_norm[0] > 0
    assert not same(result.network, net)
