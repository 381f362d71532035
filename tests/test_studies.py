import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, studies, tasks

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
        assert found.optimum[F64, CENTRAL, a] > 1e-3


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


def test_the_study_of_initial_states_from_the_command_line(tmp_path, capsys):
    arguments = ["study", "initial-state", "--task", "xor", "--units", "4", "--epochs", "1", "--samples", "16", "--runs", "2"]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "initial-state.csv").read_text().splitlines()
    assert lines[0] == "start,run,last_loss,mean_distance,solved,rms_h0"
    assert [line.split(",")[0] for line in lines[1::2]] == ["zero", "constant", "random", "trained"]
    assert (tmp_path / "initial-state.png").read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().out.splitlines()[1].startswith("zero")
