"""The gradient that training uses is right for every switch of the model, and `check_gradient` sees it when it is not."""

import dataclasses

import numpy as np
import pytest
from cases import cases
from hypothesis import given

import minirnn as mr
from minirnn import tasks
from minirnn.reference import Params


@pytest.mark.compiled
@given(cases(every=True))
def test_every_array_agrees_with_complex_step(case):
    report = mr.check_gradient(case.net, case.trials, noise=case.noise, max_entries=4)
    assert report.worst_exact < 1e-10, f"{case.label}\n{report}"
    assert report.worst < 1e-5, f"{case.label}\n{report}"


@pytest.fixture
def small():
    task = tasks.And(onset=3, pulse=2, gap=2, tail=5)
    net = mr.Network.random(2, 6, 1, b_rec=True, train_h0=True, tau=3.0, rate_penalty=0.1, l2=0.01, rng=0)
    return net, task.trials(3, 1)


def test_the_report_names_every_array_and_how_much_it_looked_at(small):
    net, trials = small
    report = mr.check_gradient(net, trials, max_entries=10)
    text = str(report)
    assert [row.name for row in report.rows] == list(Params._fields)
    assert "10/36" in text
    assert "complex" in text
    assert f"worst error: {report.worst:.1e}" in text
    assert report.rows[1].looked_at == 10
    assert report.worst < 1e-7


def test_float32_networks_are_checked_in_float64(small):
    net, trials = small
    assert net.dtype == np.float32
    assert mr.check_gradient(net, trials).worst_exact < 1e-12


@pytest.mark.parametrize("name", Params._fields)
def test_a_wrong_entry_in_any_array_is_seen(small, name, monkeypatch):
    net, trials = small
    right = mr.Network.loss_and_gradient

    def wrong(self, trials, *, noise=None):
        loss, gradient = right(self, trials, noise=noise)
        getattr(gradient, name).flat[0] *= -1.0  # a wrong sign
        return loss, gradient

    monkeypatch.setattr(mr.Network, "loss_and_gradient", wrong)
    report = mr.check_gradient(net, trials)
    assert report.worst_exact > 1e-6
    row = next(row for row in report.rows if row.name == name)
    assert row.errors["complex"] > 1e-6
    assert row.errors["central"] > 1e-6
    assert report.dot_product > 1e-6


def test_a_kernel_of_another_model_is_seen_in_the_loss(small, monkeypatch):
    net, trials = small
    right = mr.Network.loss_and_gradient
    # gradient and loss of the kernels agree with each other, but belong to a network with another leak
    monkeypatch.setattr(
        mr.Network,
        "loss_and_gradient",
        lambda self, trials, *, noise=None: right(
            mr.Network(*self.weights, **(self.constants | {"tau": 4.0})), trials, noise=noise
        ),
    )
    report = mr.check_gradient(net, trials)
    assert report.loss > 1e-6
    assert report.worst_exact > 1e-6


def relu_unit(w):
    """Loss (relu(w) - 1)^2: a kink at w = 0, slope -2 on its right and 0 on its left."""
    net = mr.Network(np.array([[w]]), np.zeros((1, 1)), np.ones((1, 1)), phi="relu")
    return mr.check_gradient(net, mr.Trials(np.ones((1, 1, 1)), np.ones((1, 1, 1))))


def test_central_differences_step_around_a_kink_nearby():
    report = relu_unit(1e-7)  # within the usual step
    assert report.rows[0].kinks == 0
    assert report.worst < 1e-6
    assert report.within_rounding


def test_an_entry_at_a_kink_is_counted_not_averaged():
    report = relu_unit(0.0)
    assert report.rows[0].kinks == 1
    assert "at a kink" in str(report)


def test_entries_are_a_random_choice_that_the_seed_repeats(small):
    net, trials = small
    first, again = (mr.check_gradient(net, trials, max_entries=5, rng=7) for _ in range(2))
    assert dataclasses.astuple(first) == dataclasses.astuple(again)
    with pytest.raises(ValueError, match="max_entries"):
        mr.check_gradient(net, trials, max_entries=0)
