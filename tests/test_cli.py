import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
from matplotlib.image import imread

import minirnn as mr
from minirnn import cli, engine, tasks

TINY = ["train", "and", "--units", "8", "--epochs", "2", "--samples", "64", "--quiet", "--threads", "1"]


def test_train_leaves_weights_history_summary_and_figures(tmp_path, capsys):
    out = tmp_path / "deep" / "run"
    assert cli.main([*TINY, "--seed", "4", "--dtype", "float64", "--initial", "normal", "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == sorted([*cli.RESULTS, cli.OPTIONS, cli.CHECKPOINT])
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["seed"] == 4
    assert summary["settings"]["initial"] == "normal"
    assert summary["versions"]["minirnn"] == mr.__version__
    assert summary["epochs_done"] == 2
    assert summary["success"] is False
    assert list(summary["conditions"]) == ["00", "10", "01", "11"]
    net = mr.Network.load(out / "network.npz")
    assert net.n_rec == 8
    assert net.dtype == np.float64
    trials = tasks.And().conditions()
    distances = tasks.distance(net.run(trials.x)[1], trials)
    assert [c["distance"] for c in summary["conditions"].values()] == pytest.approx(list(distances))
    with np.load(out / "history.npz") as history:
        assert list(history["loss"]) == summary["loss"]
        assert set(history.files) == set(mr.History._fields)
    for name in ("conditions.png", "loss.png", "spectrum.png", "weights.png"):
        assert (out / name).read_bytes()[:4] == b"\x89PNG"
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("The network did not succeed (all 2 epochs done): try another --seed")
    )


@pytest.mark.compiled
def test_no_figure_of_a_training_is_cut_off(tmp_path):
    assert cli.main([*TINY, "--lr", "0.1", "--out", str(tmp_path)]) == 0  # with outliers, and so with their legend
    for name in ("conditions.png", "loss.png", "spectrum.png", "weights.png"):
        pixels = imread(tmp_path / name)[..., :3]
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert (edge == 1).all(), name


@pytest.mark.compiled
def test_the_same_seed_gives_the_same_weights_and_the_library_gives_them_too(tmp_path):
    for name in ("a", "b"):
        assert cli.main([*TINY, "--out", str(tmp_path / name)]) == 0
    first, second = (mr.Network.load(tmp_path / name / "network.npz") for name in ("a", "b"))
    np.testing.assert_array_equal(first.weights.W_rec, second.weights.W_rec)
    rng = np.random.default_rng(cli.DEFAULT_SEED)
    net = mr.Network.random(2, 8, 1, rng=rng)
    result = mr.train(net, tasks.And(), epochs=2, samples=64, rng=rng, progress=False)
    np.testing.assert_array_equal(result.network.weights.W_rec, first.weights.W_rec)


def test_an_earlier_run_is_not_replaced_unasked(tmp_path, capsys):
    (tmp_path / "network.npz").write_bytes(b"precious")
    assert cli.main([*TINY, "--out", str(tmp_path)]) == 2
    assert "already holds network.npz" in capsys.readouterr().err
    assert (tmp_path / "network.npz").read_bytes() == b"precious"
    assert cli.main([*TINY, "--out", str(tmp_path), "--overwrite"]) == 0
    assert mr.Network.load(tmp_path / "network.npz").n_rec == 8


def test_out_that_is_a_file_is_refused_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert cli.main([*TINY, "--out", str(tmp_path / "file")]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--units", "0"], "n_rec must be a positive integer, got 0"),
        (["--epochs", "0"], "epochs must be at least 1"),
        (["--lr", "-1"], "lr must be positive"),
        (["--threads", "0"], "threads must be at least 1"),
        (["--seed", "-3"], "expected non-negative integer"),
    ],
)
def test_wrong_values_are_told_in_one_line(tmp_path, capsys, arguments, message):
    assert cli.main([*TINY, "--out", str(tmp_path / "run"), *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["train", "nand"], ["fly"], [], ["train", "and", "--dtype", "int8"]])
def test_unknown_names_are_refused_with_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "minirnn" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["check-gradient", "--help"], ["study", "--help"]])
def test_every_help_has_an_example(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "example:\n  minirnn " in text
    example = text.split("example:\n  minirnn ")[1].split()
    cli._parser().parse_args(example)


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"minirnn {mr.__version__}\n"


@pytest.mark.compiled
def test_check_gradient_prints_the_table_and_its_verdict(tmp_path, capsys, monkeypatch):
    arguments = ["check-gradient", "--units", "5", "--phi", "softplus", "--tau", "10", "--trials", "2", "--entries", "5"]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "softplus" in out
    assert "complex" in out
    assert out.splitlines()[-1] == "The gradient is right."
    mr.Network.random(2, 6, 1, rng=0).save(tmp_path / "net.npz")
    assert cli.main(["check-gradient", "--network", str(tmp_path / "net.npz"), "--entries", "3"]) == 0
    assert "2 -> 6 -> 1" in capsys.readouterr().out
    right = mr.Network.loss_and_gradient

    def wrong(self, trials, *, noise=None):
        loss, gradient = right(self, trials, noise=noise)
        gradient.W_out[:] *= 1.001
        return loss, gradient

    monkeypatch.setattr(mr.Network, "loss_and_gradient", wrong)
    assert cli.main(arguments) == 1
    assert "WRONG" in capsys.readouterr().out


def test_a_diverged_run_says_so_and_keeps_its_files(tmp_path, capsys, monkeypatch):
    def diverge(net, *_, **__):
        history = mr.History(*(np.zeros(0) for _ in mr.History._fields))
        raise mr.Diverged("training diverged at update 1", 1, "W_rec", {}, mr.Result(net, net, history, "diverged"))

    monkeypatch.setattr(cli, "train", diverge)
    assert cli.main([*TINY, "--out", str(tmp_path)]) == 1
    assert "diverged at update 1" in capsys.readouterr().err
    assert mr.Network.load(tmp_path / "network.npz").n_rec == 8
    assert json.loads((tmp_path / "summary.json").read_text())["stopped"] == "diverged"


@pytest.fixture
def not_root():
    """Root may write anywhere: be somebody else for the test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_an_unwritable_folder_is_refused_before_any_work(capsys, not_root):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o500)
        assert cli.main([*TINY, "--out", folder]) == 2
        assert f"--out {folder} is not writable" in capsys.readouterr().err
        assert cli.main([*TINY, "--out", f"{folder}/deeper"]) == 2
        assert "Permission denied" in capsys.readouterr().err
        os.chmod(folder, 0o700)


@pytest.mark.compiled
def test_ctrl_c_from_outside_keeps_what_was_learnt(tmp_path, capsys):
    out = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "minirnn",
        "train",
        "and",
        "--units",
        "8",
        "--epochs",
        "100000",
        "--samples",
        "64",
        "--out",
        str(out),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch   2"):
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in printed
    assert cli.main(["train", "and", "--out", str(out)]) == 2
    assert f"`minirnn resume {out}` to go on" in capsys.readouterr().err
    assert json.loads((out / "summary.json").read_text())["epochs_done"] >= 2
    assert mr.Network.load(out / "network.npz").n_rec == 8


@pytest.mark.compiled
def test_a_killed_run_is_resumed_to_the_same_files(tmp_path, capsys):
    command = ["train", "and", "--units=8", "--epochs=60", "--samples=640", "--seed=3", "--lr=0.0003", "--fresh", "--quiet"]
    assert cli.main([*command, "--out", str(tmp_path / "alone")]) in (0, 1)
    process = subprocess.Popen([sys.executable, "-m", "minirnn", *command, "--out", str(tmp_path / "killed")])
    while not (tmp_path / "killed" / "checkpoint" / "epoch_0005.npz").exists():
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / "killed" / "summary.json").exists()
    capsys.readouterr()
    assert cli.main([*command, "--out", str(tmp_path / "killed")]) == 2
    assert f"`minirnn resume {tmp_path / 'killed'}` to go on with it" in capsys.readouterr().err
    assert cli.main(["resume", str(tmp_path / "killed"), "--threads", "2"]) == 0
    assert "going on after epoch" in capsys.readouterr().err
    for name in ("network.npz", "best.npz", "untrained.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    summaries = [json.loads((tmp_path / run / "summary.json").read_text()) for run in ("alone", "killed")]
    for summary in summaries:
        del summary["seconds"]
    assert summaries[0] == summaries[1]
    before = {p.name: p.read_bytes() for p in (tmp_path / "killed").glob("*.npz")}
    assert cli.main(["resume", str(tmp_path / "killed")]) == 0  # a finished run is told again, not trained again
    assert {p.name: p.read_bytes() for p in (tmp_path / "killed").glob("*.npz")} == before


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "does not hold a run"),
        ("{", "can not be read as JSON"),
        ("[]", "arguments of a run"),
        ('{"arguments": [3]}', "arguments of a run"),
    ],
)
def test_what_is_no_run_can_not_be_resumed(tmp_path, capsys, content, told):
    if content is not None:
        (tmp_path / "options.json").write_text(content)
    assert cli.main(["resume", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_tasks_are_listed_with_a_line_each(capsys):
    assert cli.main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(tasks.BY_NAME)
    assert all(len(line) > 30 for line in lines)


@pytest.mark.parametrize("name", sorted(tasks.BY_NAME))
def test_each_task_is_drawn_and_its_truth_table_printed(name, tmp_path, capsys):
    out = tmp_path / "picture.svg"
    assert cli.main(["tasks", name, "--out", str(out)]) == 0
    assert "<svg" in out.read_text()
    printed = capsys.readouterr().out
    for row in tasks.BY_NAME[name]().truth_table:
        assert "  ".join(row).split()[0] in printed
    assert printed.splitlines()[-1] == f"a noisy trial of each kind is in {out}"


def test_form_dale_and_noise_are_chosen_and_kept_for_resume(tmp_path, capsys):
    more = [
        "--form", "current", "--phi", "relu", "--tau", "5", "--noise", "0.1", "--dale", "0.75", "--dale-by", "rectify",
        "--initial", "gamma", "--spectral-radius", "0.9", "--recurrent-bias", "--clip", "1", "--lr", "0.001",
    ]  # fmt: skip
    assert cli.main([*TINY, *more, "--out", str(tmp_path / "a")]) == 0
    untrained = mr.Network.load(tmp_path / "a" / "untrained.npz")
    assert repr(untrained).startswith("Network(tau dh/dt = -h + W_rec relu(h) + W_in x + b_rec, 2 -> 8 -> 1, Dale(excitatory=0.75")
    assert (untrained.tau, untrained.noise, untrained.dale.by) == (5.0, 0.1, "rectify")
    assert np.abs(np.linalg.eigvals(untrained.weights.W_rec)).max() == pytest.approx(0.9, rel=1e-5)
    settings = json.loads((tmp_path / "a" / "summary.json").read_text())["settings"]
    assert settings["clip"] == 1.0
    assert settings["dale"] == "Dale(excitatory=0.75, by='rectify')"
    assert cli.main(["resume", str(tmp_path / "a"), "--quiet"]) == 0
    assert cli.main([*TINY, *more[:8], "--dale", "none", "--out", str(tmp_path / "b")]) == 0
    assert mr.Network.load(tmp_path / "b" / "network.npz").dale is None
    capsys.readouterr()
    assert cli.main([*TINY, "--dale-by", "abs", "--out", str(tmp_path / "c")]) == 2
    assert "--dale-by needs --dale" in capsys.readouterr().err


def test_tasks_lists_all_and_draws_one_page(tmp_path, capsys):
    assert cli.main(["tasks", "--out", str(tmp_path / "all.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(tasks.BY_NAME)]] == list(tasks.BY_NAME)
    assert len(tasks.BY_NAME) >= 30
    assert (tmp_path / "all.png").read_bytes()[:4] == b"\x89PNG"


OF_EACH_FAMILY = (
    "not", "flip-flop", "two-pulse-and", "three-bit-flip-flop", "context-gates", "ei-and", "kerascog-flip-flop-dale",
    "simple-decision", "cued-integration", "rdm", "rdm-nodale", "mante", "lee-sequence", "sine-wave",
)  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("name", OF_EACH_FAMILY)
def test_tasks_can_be_shown(name, tmp_path, capsys):
    assert cli.main(["tasks", name, "--out", str(tmp_path / "task.png")]) == 0
    task = tasks.BY_NAME[name]()
    out = capsys.readouterr().out
    assert f"{task.conditions().x.shape[0]} steps of {task.dt:g} ms" in out
    assert (tmp_path / "task.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.compiled
@pytest.mark.parametrize("name", OF_EACH_FAMILY)
def test_tasks_are_trained_by_their_protocol(name, tmp_path, capsys):
    tiny = ["--units", "20", "--epochs", "1", "--samples", "8", "--quiet", "--threads", "1", "--out", str(tmp_path)]
    assert cli.main(["train", name, *tiny]) == 0
    task = tasks.BY_NAME[name]()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary["conditions"]) == list(task.condition_names)
    settings, protocol = summary["settings"], task.protocol
    assert settings["optimizer"] == {"sgd": "SGD", "adam": "Adam"}[protocol.optimizer]
    assert (settings["lr"], settings["clip"]) == (protocol.lr, protocol.clip)
    net = mr.Network.load(tmp_path / "untrained.npz")
    assert (net.dale is None) == (protocol.dale is None)
    for constant, value in protocol.constants.items():
        if constant not in ("spectral_radius", "input_limit"):
            assert getattr(net, constant) == value
    np.testing.assert_allclose(net.h0, protocol.h0)
    assert ("new trials with all noise" in capsys.readouterr().out) == getattr(task, "judges_any_trial", False)


def test_the_noise_of_the_inputs_can_be_set(tmp_path, capsys):
    assert cli.main([*TINY, "--input-noise", "0", "--out", str(tmp_path / "a")]) == 0
    assert json.loads((tmp_path / "a" / "summary.json").read_text())["settings"]["input_noise_std"] == 0
    assert cli.main(["train", "rdm", "--input-noise", "0", "--out", str(tmp_path / "b")]) == 2
    assert "--input-noise is not for rdm" in capsys.readouterr().err


def test_warmup_says_where_the_kernels_are(capsys, monkeypatch):
    assert cli.main(["warmup"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["float32", "float64"]
    where = engine.cache_folder()
    assert lines[2] == ("they are not kept: no folder could be written" if where is None else f"kept in {where}")
    monkeypatch.setattr("minirnn.cli.cache_folder", lambda: None)
    assert cli.main(["warmup"]) == 0
    assert "not kept" in capsys.readouterr().out
