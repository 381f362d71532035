"""A run that was killed, interrupted or finished goes on from its folder to the same bits, and nothing is ever lost."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import minirnn as mr
from minirnn import checkpoint, files, tasks

SMALL = tasks.And(onset=3, pulse=3, gap=2, tail=8)
MEASURES = ("loss", "validation_distance", "gradient_norm", "learning_rate")


def network(**more):
    return mr.Network.random(2, 7, 1, rng=0, **more)


def quick(folder=None, net=None, data=SMALL, **more):
    settings = {"epochs": 4, "samples": 40, "batch": 16, "rng": 5, "progress": False, "threads": 1}
    return mr.train(network() if net is None else net, data, checkpoint=folder, **(settings | more))


def same(a, b):
    return all((p is None and q is None) or np.array_equal(p, q) for p, q in zip(a.weights, b.weights, strict=True))


def same_result(a, b):
    for measure in MEASURES:
        np.testing.assert_array_equal(getattr(a.history, measure), getattr(b.history, measure))
    return same(a.network, b.network) and same(a.best, b.best) and a.stopped == b.stopped


def snapshot(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "lock"}


# ---- going on


@pytest.mark.parametrize(
    "more",
    [
        {}, {"fresh": True},
        {"net": network(tau=3.0, noise=0.2, b_rec=True, train_h0=True), "optimizer": mr.Adam(lr=0.05, clip=0.1)},
        {"net": network(form="current", tau=3.0, noise=0.2, dale=mr.Dale(), vanishing=0.5), "optimizer": mr.SGD(0.05, 0.9)},
        {"net": network(noise=0.1, noise_shared_across_batch=True, dale=mr.Dale(0.5, by="projection", mask=np.ones((7, 7))))},
    ],
)  # fmt: skip
def test_a_run_ended_by_ctrl_c_goes_on_to_the_same_bits(tmp_path, more):
    alone = quick(**more)
    for epoch in (1, 2, 3):
        cut = quick(tmp_path, callback=lambda e, n, h, at=epoch: os.kill(os.getpid(), signal.SIGINT) if e == at else None, **more)
        assert cut.stopped == f"interrupted after epoch {epoch}"
        assert len(cut.history.loss) == epoch
    assert same_result(quick(tmp_path, threads=2, **more), alone)


def test_a_folder_does_not_change_the_bits_and_a_finished_one_answers_at_once(tmp_path):
    alone = quick()
    first = quick(tmp_path)
    assert same_result(first, alone)
    before = snapshot(tmp_path)
    again = quick(tmp_path, callback=lambda *_: pytest.fail("trained again"))
    assert same_result(again, alone)
    np.testing.assert_array_equal(again.history.seconds, first.history.seconds)
    assert snapshot(tmp_path) == before


def test_each_epoch_is_kept_and_epoch_0_is_untrained(tmp_path):
    seen = []
    result = quick(tmp_path, callback=lambda e, n, h: seen.append(n))
    names = [f"epoch_{k:04d}.npz" for k in range(5)]
    assert sorted(snapshot(tmp_path)) == sorted([*names, "run.json", "finished.json"])
    assert same(mr.Network.load(tmp_path / names[0]), network())
    for k in range(1, 5):
        assert same(mr.Network.load(tmp_path / names[k]), seen[k - 1])
    epoch = checkpoint.read_epoch(tmp_path / names[4])
    assert epoch.state.updates == 12
    assert same(epoch.network, result.network)
    np.testing.assert_array_equal(epoch.history[:, 0], result.history.loss)


def test_a_run_can_start_from_the_state_of_another(tmp_path):
    quick(tmp_path)
    epoch = checkpoint.read_epoch(tmp_path / "epoch_0004.npz")
    result = quick(net=epoch.network, state=epoch.state, epochs=1)
    assert result.history.learning_rate[0] == pytest.approx(1e-4 / (1 + 1e-4 * 14))


def test_an_early_stop_that_was_not_noted_is_seen_again(tmp_path):
    losses = quick(epochs=6, optimizer=mr.Adam(lr=3e-3)).history.loss
    more = {"epochs": 6, "optimizer": mr.Adam(lr=3e-3), "stop_below": float(losses[2]) * 1.0000001}
    alone = quick(tmp_path, **more)
    assert "is below" in alone.stopped
    done = len(alone.history.loss)
    assert done < 6
    (tmp_path / "finished.json").unlink()  # as if killed between the last epoch's file and this one
    assert same_result(quick(tmp_path, **more), alone)
    assert not (tmp_path / f"epoch_{done + 1:04d}.npz").exists()


def test_given_trials_can_be_kept_too(tmp_path):
    trials = SMALL.trials(40, 3)
    alone = quick(data=trials)
    quick(tmp_path, data=trials, callback=lambda e, n, h: os.kill(os.getpid(), signal.SIGINT))
    assert same_result(quick(tmp_path, data=SMALL.trials(40, 3)), alone)
    with pytest.raises(ValueError, match="data was Trials"):
        quick(tmp_path, data=SMALL.trials(40, 4))


KILLED = """
import sys
import minirnn as mr
from minirnn import tasks
folder, fresh, threads, epochs = sys.argv[1], sys.argv[2] == "fresh", int(sys.argv[3]), int(sys.argv[4])
net = mr.Network.random(2, 20, 1, tau=2.0, noise=0.1, rng=0)
task = tasks.And(onset=5, pulse=5, gap=5, tail=15)
mr.train(net, task, epochs=epochs, samples=640, batch=64, rng=1, fresh=fresh, threads=threads, checkpoint=folder, progress=False)
"""


@pytest.mark.compiled
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["fixed", "fresh"])
def test_sigkill_at_any_moment_loses_nothing(tmp_path, request, kind, threads):
    """The full form is `pytest --kills 10`."""
    kills = request.config.getoption("--kills")
    last = 40 * (kills + 1)
    folder = tmp_path / "killed"

    def start(name):
        return subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / name, kind, str(threads), str(last)])

    def kept():
        return sorted(int(p.stem[6:]) for p in folder.glob("epoch_*.npz"))

    assert start("alone").wait() == 0
    moments = random.Random(f"{kind} {threads}")
    for _ in range(kills):
        before = kept()
        process = start("killed")
        some = moments.randint(1, 30)  # epochs, so that the moment does not hang on the machine's speed
        while len(kept()) < len(before) + some:
            time.sleep(0.0005)
        time.sleep(moments.uniform(0.0, 0.005))
        process.kill()
        assert process.wait() == -signal.SIGKILL  # it was still at work
        assert set(before) < set(kept())  # no complete epoch was lost
        assert kept()[-1] < last
    assert start("killed").wait() == 0
    assert not list(folder.glob(".*.part"))
    for k in range(last + 1):
        alone, killed = (files.read_npz(tmp_path / run / f"epoch_{k:04d}.npz") for run in ("alone", "killed"))
        assert alone.keys() == killed.keys()
        for array in alone.keys() - {"history"}:
            np.testing.assert_array_equal(alone[array], killed[array])
        np.testing.assert_array_equal(alone["history"][:, :4], killed["history"][:, :4])  # all but the seconds


# ---- what must not go on


@pytest.mark.parametrize(
    "change, told",
    [
        ({"epochs": 5}, "epochs was 4, now 5"),
        ({"batch": 8}, "batch was 16, now 8"),
        ({"samples": 41}, "samples was 40, now 41"),
        ({"fresh": True}, "fresh was False, now True"),
        ({"stop_below": 0.25}, "stop_below was 0.0005, now 0.25"),
        ({"validation": 7}, "validation was 50, now 7"),
        ({"rng": 6}, "run_seed, drawn from rng, was"),
        ({"optimizer": mr.Adam(lr=0.5)}, r"optimizer was Adam\(lr=0.0001.*now Adam\(lr=0.5"),
        ({"data": tasks.And(onset=4, pulse=3, gap=2, tail=8)}, r"data was And\(onset=3.*now And\(onset=4"),
        ({"net": network(tau=2.0)}, r"network\.tau was 1.0, now 2.0"),
        ({"net": mr.Network.random(2, 7, 1, rng=1)}, "network was"),
    ],
)
def test_another_run_is_refused_by_its_differences(tmp_path, change, told):
    quick(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=f"belongs to another run: {told}"):
        quick(tmp_path, **change)
    assert snapshot(tmp_path) == before


def test_other_versions_are_told(tmp_path):
    quick(tmp_path)
    run = json.loads((tmp_path / "run.json").read_text())
    run["versions"]["numpy"] = "1.0"
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.warns(RuntimeWarning, match="was begun with"):
        quick(tmp_path)


def test_two_processes_in_one_folder(tmp_path):
    code = (
        "import sys, time, filelock\n"
        "with filelock.FileLock(sys.argv[1] + '/lock'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match="is in use: another process trains in this folder"):
            quick(tmp_path)
        with pytest.raises(BlockingIOError, match="is in use"):
            checkpoint.discard(tmp_path)
        other.kill()  # the operating system gives the lock back
        other.wait()
        assert same_result(quick(tmp_path), quick())


@pytest.mark.parametrize(
    "spoil, told",
    [
        (lambda f: truncate(f / "epoch_0004.npz"), r"epoch_0004\.npz can not be read"),
        (lambda f: (f / "epoch_0004.npz").write_bytes(b""), r"epoch_0004\.npz can not be read"),
        (lambda f: mr.Network.random(2, 7, 1, rng=0).save(f / "epoch_0004.npz"), "m_W_in does not fit"),
        (lambda f: (f / "run.json").write_text("{"), r"run\.json can not be read as JSON"),
        (lambda f: (f / "run.json").write_text("[]"), "does not hold the settings of a run"),
        (lambda f: (f / "run.json").unlink(), r"holds epochs but no run\.json"),
        (lambda f: (f / "finished.json").write_text("3"), "does not say why training ended"),
        (lambda f: rewrite(f / "epoch_0004.npz", updates=np.float64(3)), "updates must be a count"),
        (lambda f: rewrite(f / "epoch_0004.npz", history=np.zeros(3)), "history must be"),
        (lambda f: rewrite(f / "epoch_0004.npz", history=np.zeros((3, 5))), "not a checkpoint of this run"),
        (lambda f: rewrite(f / "epoch_0004.npz", v_W_rec=np.full((7, 7), np.nan, np.float32)), "v_W_rec does not fit"),
        (lambda f: of_another_size(f / "epoch_0004.npz"), "not a checkpoint of this run"),
    ],
)  # fmt: skip
def test_a_damaged_folder_gives_a_clear_error_and_is_left_alone(tmp_path, spoil, told):
    folder = tmp_path / "run"
    quick(folder)
    spoil(folder)
    before = snapshot(folder)
    with pytest.raises(ValueError, match=told):
        quick(folder)
    assert snapshot(folder) == before


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def of_another_size(path):
    quick(path.parent.parent / "other", net=mr.Network.random(2, 3, 1, rng=0))
    (path.parent.parent / "other" / path.name).replace(path)


def rewrite(path, **arrays):
    np.savez(path, **(files.read_npz(path) | arrays))


def test_without_its_damaged_last_epoch_the_run_goes_on_from_the_one_before(tmp_path):
    alone = quick(tmp_path)
    (tmp_path / "finished.json").unlink()
    (tmp_path / "epoch_0004.npz").unlink()
    assert same_result(quick(tmp_path), alone)


def test_a_full_disk_keeps_the_epochs_before(tmp_path, monkeypatch):
    write = files.write_atomically

    def full(path, fill):
        if "epoch_0003" in str(path):
            with open(path.parent / ".left_over.part", "wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, fill)

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(OSError, match="epoch 3 could not be kept, No space left on device; the run can go on from epoch 2"):
        quick(tmp_path)
    monkeypatch.undo()
    assert same_result(quick(tmp_path), quick())
    assert not (tmp_path / ".left_over.part").exists()


def test_a_file_that_grows_too_large_leaves_no_trace(tmp_path):
    """A real failing write: the child may write no file above 1000 bytes."""
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from minirnn import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    files.write_npz(sys.argv[1], {'a': np.zeros(10000)})\n"
        "except OSError as error:\n    print(error)\n"
    )
    (tmp_path / "a.npz").write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.npz"], check=True, capture_output=True, text=True)
    assert "File too large" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    assert (tmp_path / "a.npz").read_bytes() == b"before"


def test_a_folder_that_can_not_be(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file, not a folder"):
        quick(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_discard_takes_only_what_is_a_checkpoints(tmp_path):
    quick(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    checkpoint.discard(tmp_path)
    assert sorted(snapshot(tmp_path)) == ["notes.txt"]
    checkpoint.discard(tmp_path / "absent")
