import numpy as np
import pytest

import minirnn as mr

x, target = np.zeros((4, 3, 2)), np.zeros((4, 3, 1))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"x": np.zeros((4, 3))}, ValueError, r"x must be \(T, B, I\), got \(4, 3\)"),
        ({"x": np.zeros((0, 3, 2)), "target": np.zeros((0, 3, 1))}, ValueError, "at least one step"),
        ({"target": np.zeros((4, 2, 1))}, ValueError, r"target must be \(4, 3, O\).*\(4, 2, 1\)"),
        ({"target": np.zeros((4, 3))}, ValueError, "target"),
        ({"x": np.full((4, 3, 2), np.inf)}, ValueError, "x must be finite, got inf"),
        ({"target": np.full((4, 3, 1), np.nan)}, ValueError, "target must be finite"),
        ({"x": np.full((4, 3, 2), None)}, TypeError, "x must be an array of real numbers, got dtype object"),
        ({"mask": np.zeros((4, 3))}, ValueError, "mask sums to 0"),
        ({"mask": np.ones((3, 4))}, ValueError, r"mask must be \(4, 3\) or \(4, 3, 1\), got \(3, 4\)"),
        ({"mask": -np.ones((4, 3))}, ValueError, "mask must not be negative"),
        ({"mask": np.full((4, 3), np.nan)}, ValueError, "mask must be finite"),
        ({"condition": np.zeros(3)}, ValueError, "condition must be"),
        ({"condition": np.zeros(4, int)}, ValueError, r"condition must be \(3,\)"),
        ({"dt": 0.0}, ValueError, "dt must be positive"),
        ({"dt": np.nan}, ValueError, "dt must be positive"),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        mr.Trials(**({"x": x, "target": target} | arguments))


def test_weights_broadcast_the_mask_over_outputs():
    two = np.zeros((4, 3, 2))
    np.testing.assert_array_equal(mr.Trials(x, two).weights(), np.ones((4, 3, 2)))
    mask = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(mr.Trials(x, two, mask).weights(), np.stack([mask, mask], axis=2))
    full = np.arange(24.0).reshape(4, 3, 2)
    np.testing.assert_array_equal(mr.Trials(x, two, full).weights(), full)
    assert len(mr.Trials(x, two)) == 3
