import numpy as np
import pytest

from minirnn import plots, tasks


def test_a_trial_shows_target_output_and_inputs():
    _, axes = plots.figure(1, 1, 4, 3)
    rng = np.random.default_rng(0)
    x, target, z = (rng.random((20, k)) for k in (2, 1, 1))
    plots.trial(axes[0, 0], x, target, z, dt=2.0, title="11")
    lines = {line.get_label(): line for line in axes[0, 0].get_lines()}
    assert set(lines) == {"target", "output", "input A", "input B"}
    np.testing.assert_array_equal(lines["output"].get_ydata(), z[:, 0])
    np.testing.assert_array_equal(lines["target"].get_ydata(), target[:, 0])
    np.testing.assert_array_equal(lines["output"].get_xdata(), 2.0 * np.arange(20))
    assert lines["input A"].get_ydata().max() < min(target.min(), z.min())  # below, not over it
    assert lines["input B"].get_ydata().max() < lines["input A"].get_ydata().min() + 0.2


def test_conditions_have_a_panel_each_to_one_scale(tmp_path):
    trials = tasks.And().conditions()
    made = plots.conditions(trials.x[:, :3], trials.target[:, :3], trials.target[:, :3] + 0.1, ["00", "10", "01"])
    shown = [ax for ax in made.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["00", "10", "01"]
    assert len({ax.get_ylim() for ax in shown}) == 1
    plots.save(made, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_history_has_loss_and_distance_on_two_axes():
    made, axes = plots.figure(1, 1, 4, 3)
    plots.history(axes[0, 0], np.array([0.1, 0.01]), np.array([2.0, 1.0]), stop_below=1e-3)
    assert axes[0, 0].get_yscale() == "log"
    left, right = made.axes
    np.testing.assert_array_equal(left.get_lines()[0].get_ydata(), [0.1, 0.01])
    np.testing.assert_array_equal(right.get_lines()[0].get_ydata(), [2.0, 1.0])


def test_gradient_flow_is_on_a_log_axis_and_zeros_leave_gaps(tmp_path):
    made, axes = plots.figure(1, 2, 6, 3)
    total, direct = np.array([0.1, 0.2, 0.4, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    leak, recurrent = np.array([0.05, 0.1, 0.2, 0.0]), np.array([0.05, 0.1, 0.3, 0.0])
    plots.gradient_flow(axes[0, 0], total, direct, leak, recurrent, dt=2.0)
    plots.gradient_flow(axes[0, 1], *np.zeros((4, 1)))  # nothing to draw
    assert axes[0, 0].get_yscale() == "log"
    lines = {line.get_label(): line for line in axes[0, 0].get_lines()}
    assert set(lines) == {"total", "direct", "through the leak", "through W_rec"}
    np.testing.assert_array_equal(lines["total"].get_xdata(), [0.0, 2.0, 4.0, 6.0])
    for label, norm in (("total", total), ("direct", direct), ("through the leak", leak), ("through W_rec", recurrent)):
        np.testing.assert_array_equal(lines[label].get_ydata(), np.where(norm == 0, np.nan, norm))
    assert {text.get_text() for text in axes[0, 0].get_legend().get_texts()} == set(lines)
    low, _ = axes[0, 0].get_ylim()
    assert 0.01 < low < 0.05
    plots.save(made, tmp_path / "f.png")


def test_weights_are_drawn_with_white_for_0_and_signs_apart():
    W = np.array([[0.0, -1.0], [2.0, 0.5]])
    _, axes = plots.figure(1, 1, 3.0, 3.0)
    image = plots.weights(axes[0, 0], W, title="W")
    np.testing.assert_array_equal(image.get_array(), W)
    low, high = image.get_clim()
    assert low == -high
    assert high == pytest.approx(np.quantile(np.abs(W), 0.995))
    red, blue, white = (image.to_rgba(np.array([value]))[0] for value in (high, low, 0.0))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert min(white[:3]) > 0.95
    assert axes[0, 0].get_xlabel() == "from unit"
    assert plots.weights_reach(np.zeros((2, 2))) == 1.0


def test_losses_have_a_colour_per_label_and_a_line_per_run():
    _, axes = plots.figure(1, 1, 3.0, 3.0)
    losses = np.array([[[1.0, 0.5], [0.9, np.nan]], [[1.0, 0.1], [2.0, 0.2]]])
    plots.losses(axes[0, 0], losses, ("a", "b"))
    lines = axes[0, 0].get_lines()
    assert len(lines) == 4
    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
    np.testing.assert_array_equal(lines[3].get_ydata(), [2.0, 0.2])
    assert [text.get_text() for text in axes[0, 0].get_legend().get_texts()] == ["a", "b"]


def test_one_page_shows_a_trial_of_each_task():
    x, target = np.zeros((5, 1)), np.arange(5.0)[:, None]
    mask = np.array([True, True, False, True, True])
    made = plots.tasks({"a": (x, target, mask, 2.0), "b": (np.zeros((3, 0)), target[:3], mask[:3], 1.0)})
    shown = [ax for ax in made.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["a", "b"]
    assert shown[0].get_xlim() == (0, 10)
    np.testing.assert_array_equal(shown[0].get_lines()[0].get_ydata(), target[:, 0])


def test_a_negative_input_is_not_cut_off():
    x = np.array([[0.0], [-1.0], [0.0]])
    _, axes = plots.figure(1, 1, 3.0, 3.0)
    plots.trial(axes[0, 0], x, np.zeros((3, 1)), None)
    lowest = min(line.get_ydata().min() for line in axes[0, 0].get_lines())
    assert axes[0, 0].get_ylim()[0] < lowest


def test_a_negative_input_of_any_condition_is_not_cut_off():
    x = np.zeros((4, 3, 1))
    x[1, 0] = -1.0  # not in the last, whose limits are set last
    made = plots.conditions(x, np.zeros((4, 3, 1)), None, ["a", "b", "c"])
    lowest = min(line.get_ydata().min() for line in made.axes[0].get_lines())
    assert all(ax.get_ylim()[0] < lowest for ax in made.axes)
