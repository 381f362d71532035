import json
import re
from pathlib import Path

import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, studies, tasks
from minirnn.signals import envelope

FORWARD, CENTRAL, RICHARDSON, COMPLEX = range(4)
F32, F64 = range(2)


@pytest.fixture(scope="module")
def found():
    task = tasks.And(onset=3, pulse=3, gap=2, tail=8)
    net = mr.Network.random(2, 8, 1, b_rec=True, rng=0)
    return studies.gradient_error(net, task.trials(3, 1), steps=np.logspace(-12, 0, 37), rng=2)


def test_all_arrays_methods_and_dtypes_are_there(found):
    assert found.arrays == ("W_in", "W_rec", "W_out", "b_rec", "b_out")
    assert found.errors.shape == (2, 4, 5, 37)
    assert np.isfinite(found.errors).all()


@pytest.mark.parametrize("array", ["W_in", "W_rec", "b_rec"])
def test_the_best_steps_lie_where_theory_says(found, array):
    a = found.arrays.index(array)
    for dtype, method in ((F64, FORWARD), (F64, CENTRAL), (F32, FORWARD), (F32, CENTRAL)):
        # theory bounds the rounding, which is mostly smaller: the measured step may be smaller too
        assert 0.03 < found.optimum[dtype, method, a] / found.theory_optimum[dtype, method, a] < 3
        assert found.floor[dtype, method, a] < 3 * found.theory_floor[dtype, method, a]
    eps = np.finfo(np.float64).eps
    assert 0.1 * eps ** (1 / 3) < found.optimum[F64, CENTRAL, a] < 30 * eps ** (1 / 3)
    assert found.optimum[F64, FORWARD, a] < found.optimum[F64, CENTRAL, a] < found.optimum[F64, RICHARDSON, a]


def test_right_of_the_v_the_error_rises_with_the_order_of_the_method(found):
    a = found.arrays.index("W_rec")
    right = (found.steps > 1e-4) & (found.steps < 1e-2)
    for method, order in ((FORWARD, 1), (CENTRAL, 2)):
        slope = np.polyfit(np.log(found.steps[right]), np.log(found.errors[F64, method, a, right]), 1)[0]
        assert slope == pytest.approx(order, abs=0.1)


def test_left_of_the_v_it_is_rounding_over_the_step(found):
    a = found.arrays.index("W_rec")
    left = found.steps < 1e-7
    slope = np.polyfit(np.log(found.steps[left]), np.log(found.errors[F64, CENTRAL, a, left]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.3)


def test_the_complex_step_has_no_left_side(found):
    small = found.steps <= 1e-8
    assert found.errors[F64, COMPLEX][:, small].max() < 5e-15
    assert found.errors[F32, COMPLEX][:, small].max() < 5e-6


def test_a_quadratic_loss_has_no_best_central_step(found):
    for array in ("W_out", "b_out"):
        a = found.arrays.index(array)
        assert np.isnan(found.theory_optimum[F64, CENTRAL, a])
        large = found.errors[F64, CENTRAL, a, found.steps >= 1e-3]
        assert large.max() < 1e-11  # rounding alone, which falls with the step
    for array in ("W_in", "W_rec"):
        assert found.errors[F64, CENTRAL, found.arrays.index(array), -1] > 1e-4


@pytest.mark.compiled
def test_the_study_from_the_command_line(tmp_path, capsys):
    assert cli.main(["study", "gradient-error", "--units", "3", "--out", str(tmp_path / "s")]) == 0
    lines = (tmp_path / "s" / "gradient-error.csv").read_text().splitlines()
    assert lines[0] == "dtype,method,array,step,relative_error"
    assert len(lines) == 1 + 2 * 4 * 4 * 49
    assert (tmp_path / "s" / "gradient-error.png").read_bytes()[:4] == b"\x89PNG"
    printed = capsys.readouterr().out
    assert "float64  central     W_rec" in printed


def test_initial_states_differ_in_h0_alone():
    task = tasks.And(onset=3, pulse=2, gap=2, tail=5)
    found = studies.initial_states(task, seeds=2, epochs=2, samples=20, n_rec=5, threads=1, form="current", rng=1)
    assert found.starts == ("zero", "constant", "random", "trained")
    assert found.losses.shape == (4, 2, 2)
    assert np.isfinite(found.losses).all()
    assert (found.h0[0] == 0).all()
    np.testing.assert_allclose(found.h0[1], 0.1, rtol=1e-6)
    assert (np.abs(found.h0[2] - 0.1) > 1e-3).all()
    assert (found.h0[3] != found.h0[1]).all()  # it was trained
    assert len({tuple(row) for row in found.losses[:, 0]}) == 4
    again = studies.initial_states(task, seeds=2, epochs=2, samples=20, n_rec=5, threads=2, form="current", rng=1)
    np.testing.assert_array_equal(again.losses, found.losses)


@pytest.mark.compiled
def test_the_study_of_initial_states_from_the_command_line(tmp_path, capsys):
    arguments = ["study", "initial-state", "--task", "xor", "--units", "4", "--epochs", "1", "--samples", "16", "--runs", "2"]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "initial-state.csv").read_text().splitlines()
    assert lines[0] == "start,run,last_loss,mean_distance,solved,rms_h0"
    assert [line.split(",")[0] for line in lines[1::2]] == ["zero", "constant", "random", "trained"]
    assert (tmp_path / "initial-state.png").read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().out.splitlines()[1].startswith("zero")


def damped(frequency=1000 / 35, decay=0.99):
    """A linear network of two units that a pulse sets turning, without noise of its own."""
    angle = 2 * np.pi * frequency / 1000
    turn = decay * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return mr.Network(np.array([[0.1], [0.0]]), turn, np.array([[1.0, 0.0]]), phi="linear")


def test_trials_of_units_are_aligned_by_the_delay_of_their_pulse():
    task = tasks.Oscillation(input_noise_std=0.0)
    found = studies.unit_signals(damped(), task, trials=12, longest_delay=15.0, rng=3)
    np.testing.assert_array_equal(found.found.lags, found.delays)  # exactly, without noise
    assert found.delays[0] == 0
    assert 0 < found.delays[-1] <= 15
    assert found.spread[0] > 0.01
    assert found.spread[1] < 1e-12
    assert found.rates.shape == (12, 420 + 15, 2)
    noisy = studies.unit_signals(damped(), tasks.Oscillation(input_noise_std=0.02), trials=12, longest_delay=15.0, rng=3)
    assert np.abs(noisy.found.lags - noisy.delays).max() <= 1
    assert 0 < noisy.spread[1] < 0.5 * noisy.spread[0]


def test_the_envelope_of_units_follows_their_decay():
    found = studies.unit_signals(damped(decay=0.995), tasks.Oscillation(), rng=0)
    assert found.peak_window == 35
    assert found.envelopes.shape == (420, 2)
    free = slice(220, 360)  # after the pulse, away from the end
    rate = np.polyfit(np.arange(140), np.log(found.z_envelope[free]), 1)[0]
    assert rate == pytest.approx(np.log(0.995), rel=0.05)
    own = envelope.peak_envelope(found.z - found.z.mean(), 1000.0, peak_window=35, cutoff_hz=found.cutoff_hz)
    np.testing.assert_allclose(found.envelopes[:, 0], own, atol=1e-12)  # the output is unit 0


@pytest.mark.parametrize(
    "arguments, message", [({"trials": 1}, "trials must be at least 2"), ({"longest_delay": 0}, "longest_delay")]
)
def test_wrong_arguments_of_the_study_of_units_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        studies.unit_signals(damped(), tasks.Oscillation(), **arguments)


def test_the_study_of_units_from_the_command_line(tmp_path, capsys):
    damped().save(tmp_path / "net.npz")
    assert cli.main(["study", "oscillation", "--network", str(tmp_path / "net.npz"), "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "oscillation.csv").read_text().splitlines()
    assert lines[0] == "trial,delay_ms,lag_ms,correlation"
    assert len(lines) == 21
    assert (tmp_path / "oscillation.png").read_bytes()[:4] == b"\x89PNG"
    assert "20 trials: lags differ from the delays of the pulse by" in capsys.readouterr().out


@pytest.mark.compiled
def test_the_study_of_units_trains_a_network_where_none_is_given(tmp_path):
    tiny = ["--units", "5", "--epochs", "1", "--samples", "16"]
    assert cli.main(["study", "oscillation", *tiny, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "oscillation.png").exists()


def test_the_example_of_the_page_on_signals_runs(tmp_path, monkeypatch):
    page = Path(__file__).resolve().parents[1] / "docs" / "signals.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    (tmp_path / "osc_run").mkdir()
    damped().save(tmp_path / "osc_run" / "network.npz")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, "signals.md", "exec"), names)
    assert names["found"].lags.shape == (names["trials"].condition.sum(),)
    assert names["e"].shape == names["z"].shape


def test_the_authors_oscillating_network_is_aligned_by_its_pulse(author_networks):
    net = mr.Network.load(author_networks / "osc_n50_ortho_01.npz")
    calm = studies.unit_signals(net, tasks.Oscillation(input_noise_std=0.0), rng=0)
    np.testing.assert_array_equal(calm.found.lags, calm.delays)
    noisy = studies.unit_signals(net, tasks.Oscillation(), rng=0)
    assert np.abs(noisy.found.lags - noisy.delays).max() <= 5  # of up to 40: noise moves the onset itself
    assert noisy.spread[1] < 0.5 * noisy.spread[0]


# ---- the time step


def test_a_network_that_only_euler_makes_oscillate():
    W = np.array([[0.2, -1.05], [1.05, 0.2]])  # lambda = 0.2 +- 1.05i: decays in continuous time, grows in steps of tau
    net = mr.Network(np.eye(2), W, np.ones((1, 2)), tau=4.0, dt=2.0)
    x = np.zeros((10, 3, 2))
    x[2:4, 1, 0] = x[2:5, 2, 1] = 1
    rate, current = studies.time_step(net, x, window=6, halvings=5, free=400, last=100)
    assert (rate.form, current.form) == ("rate", "current")
    for found in (rate, current):
        np.testing.assert_array_equal(found.steps, [2, 1, 0.5, 0.25, 0.125, 0.0625])
        np.testing.assert_allclose(found.orders[0], [1, 2, 4], atol=0.15)
        np.testing.assert_allclose(found.orders[1], [1, np.nan, 4], atol=0.15)  # the exact linear step is exact
        assert found.errors[1, 1].max() < 1e-10
        np.testing.assert_allclose(found.rest, 0, atol=1e-12)
        np.testing.assert_allclose(np.abs(found.modes.mu), np.hypot(0.8, 1.05) / 4)
        assert found.modes.map_only.all()
        assert found.labels[0] == ("rest", "oscillation", "oscillation")
        assert found.labels[1:] == (("rest",) * 3,) * 4  # a shorter step, and continuous time
        # the orbit is near what the origin's eigenvalue says, the map's frequency, not the decaying one of continuous time
        np.testing.assert_allclose(found.frequency[0, 1:], 1000 * np.angle(0.2 + 1.05j) / (2 * np.pi * 4), rtol=0.05)
        assert np.isnan(found.frequency[1:]).all()
        assert [len(tail) for tail in found.tails] == [100, 200, 400, 800, 200]


def test_the_authors_xor_is_free_of_its_oscillation_in_shorter_steps(author_networks):
    net = mr.Network.load(author_networks / "xor_n50_ortho_00.npz")
    (found,) = studies.time_step(net, tasks.Xor().conditions().x, forms=("rate",), window=3, halvings=2)
    assert found.labels[0] == ("rest", "fixed point", "fixed point", "oscillation")
    assert found.frequency[0, 3] == pytest.approx(365.7, abs=0.1)
    assert found.labels[1:] == (("rest", "fixed point", "fixed point", "fixed point"),) * 4


def test_what_grows_beyond_all_bounds_is_said_to():
    net = mr.Network([[1.0]], [[1.5]], [[1.0]], phi="linear", tau=1.0, dt=1.0)
    (found,) = studies.time_step(net, np.ones((3, 1, 1)), forms=("rate",), window=2, halvings=1, free=2000, last=20)
    assert found.labels == (("diverged",),) * 5
    (slow,) = studies.time_step(net, np.ones((3, 1, 1)), forms=("rate",), window=2, halvings=1, free=30, last=20)
    assert "diverged" not in slow.labels[-1]


def test_relu_has_no_orders():
    with pytest.raises(ValueError, match="net must not have phi relu"):
        studies.time_step(mr.Network.random(1, 2, 1, phi="relu", rng=0), np.zeros((3, 1, 1)))


def test_the_study_of_the_time_step_from_the_command_line(tmp_path, capsys, monkeypatch):
    short = studies.time_step
    monkeypatch.setattr(
        studies, "time_step", lambda net, x, forms: short(net, x, forms=forms, window=4, halvings=3, free=60, last=20)
    )
    assert cli.main(["study", "time-step", "--units", "12", "--seed", "3", "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "time-step.csv").read_text().splitlines()
    assert lines[0] == "form,system,integrator,step,error"
    assert len(lines) == 1 + 2 * 2 * 3 * 4
    assert (tmp_path / "time-step.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "commuting.png").read_bytes()[:4] == b"\x89PNG"
    numbers = json.loads((tmp_path / "time-step.json").read_text())
    assert list(numbers["forms"]) == ["rate", "current"]
    modes = numbers["forms"]["rate"]["modes"]
    assert max(1 + mode["mu"][0] for mode in modes) == pytest.approx(0.99)  # tau = 1
    assert numbers["forms"]["rate"]["orders"]["network"]["Euler"] == pytest.approx(1, abs=0.4)
    assert numbers["forms"]["rate"]["orders"]["linearised"]["exact linear"] is None
    assert numbers["forms"]["rate"]["ends"][-1]["alpha"] is None
    assert all(case["foretold"] for case in numbers["orders_of_procedures"])
    printed = capsys.readouterr().out
    assert "modes that decay in continuous time and grow with alpha = 1" in printed
    assert "RL, LR    elsewhere" in printed

    net = mr.Network.random(2, 4, 1, phi="tanh", gain=0.5, rng=1)  # no mode of Euler's alone
    net.save(tmp_path / "net.npz")
    arguments = ["study", "time-step", "--network", str(tmp_path / "net.npz"), "--task", "xor", "--form", "current"]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "grow with alpha = 1: 0\n" in printed
    assert "rate form" not in printed
    assert cli.main(["study", "gradient-error", "--network", "x.npz", "--out", str(tmp_path)]) == 2
    assert "--network is not for gradient-error" in capsys.readouterr().err


def test_an_oscillation_of_continuous_time_has_its_frequency_in_short_steps_too():
    net = mr.Network(np.eye(2), np.array([[1.5, -1.0], [1.0, 1.5]]), np.ones((1, 2)), tau=4.0, dt=2.0)
    x = np.zeros((6, 1, 2))
    x[1, 0, 0] = 1
    (found,) = studies.time_step(net, x, forms=("rate",), window=2, halvings=1, free=600, last=200)
    assert {labels for (labels,) in found.labels} == {"oscillation"}
    assert found.frequency[-2, 0] == pytest.approx(found.frequency[-1, 0], rel=0.1)
