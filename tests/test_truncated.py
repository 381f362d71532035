"""Truncated back-propagation against its definition, the kernel against the reference, and its bias."""

import numpy as np
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference, tasks
from minirnn.gradient_flow import truncation_bias
from minirnn.reference import Params


def apart(a, b):
    largest = max(np.abs(g).max(initial=0.0) for g in b if g is not None)
    pairs = [(p, q) for p, q in zip(a, b, strict=True) if q is not None]
    return max(np.abs(p - q).max(initial=0.0) / max(np.abs(q).max(initial=0.0), 1e-3 * largest, 1e-300) for p, q in pairs)


@given(cases(), st.integers(1, 31))
def test_the_kernel_equals_the_reference(case, truncate):
    net, trials = case.net, case.trials
    loss, ours = net.loss_and_gradient(trials, noise=case.noise, truncate=truncate)
    expected_loss, expected = reference.loss_and_gradient(
        net.params, trials.x, trials.target, trials.weights(), net.h0, case.noise, net.model, truncate,
    )  # fmt: skip
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    assert apart(ours, expected) < 1e-12, case.label
    if truncate >= len(trials.x):
        assert apart(ours, net.loss_and_gradient(trials, noise=case.noise)[1]) == 0


@given(cases(batches=st.integers(1, 3)), st.integers(1, 12))
def test_it_is_the_sum_over_windows_that_start_from_given_states(case, truncate):
    """Each window alone, from the state in which the one before ended, taken as a constant; then added up."""
    net, trials = case.net, case.trials
    T = len(trials.x)
    h, _ = reference.rollout(net.weights, trials.x, net.h0, case.noise, net.model)
    m = trials.weights()
    total = {name: 0.0 for name in Params._fields}
    for start in range(0, T, truncate):
        part = slice(start, min(start + truncate, T))
        params = net.params if start == 0 else net.params._replace(h0=None)
        noise = None if case.noise is None else case.noise[part]
        share = m[part].sum() / m.sum()
        rate = net.rate_penalty * (part.stop - start) / T
        # scaled so that the window's own mean becomes its share of the whole
        _, g = reference.loss_and_gradient(
            params, trials.x[part], trials.target[part], np.where(share > 0, m[part], 1.0), h[start], noise,
            net.model._replace(rate_penalty=0.0, l2=0.0),
        )  # fmt: skip
        _, g_rate = reference.loss_and_gradient(
            params, trials.x[part], reference.readout(params, h[start : part.stop + 1]), np.ones_like(m[part]), h[start], noise,
            net.model._replace(rate_penalty=rate, l2=0.0),
        )  # fmt: skip
        for name in Params._fields:
            if getattr(g, name) is not None:
                total[name] = total[name] + share * getattr(g, name) + getattr(g_rate, name)
    for name in ("W_in", "W_rec", "W_out"):
        total[name] = total[name] + 2 * net.l2 * getattr(net.params, name)
    expected = Params(*[None if p is None else total[name] for name, p in net.params._asdict().items()])
    _, ours = net.loss_and_gradient(trials, noise=case.noise, truncate=truncate)
    assert apart(ours, expected) < 1e-9, case.label


def test_the_bias_falls_with_the_length_and_ends_at_nothing():
    net = mr.Network.random(2, 20, 1, rng=0)
    trials = tasks.And(onset=5, pulse=5, gap=10, tail=20).trials(8, 1)
    bias = truncation_bias(net, trials, [1, 5, 20, 40])
    assert bias.relative_error[0] > bias.relative_error[2] > 0
    assert bias.relative_error[3] == 0
    assert bias.cosine[3] == pytest.approx(1)
    assert bias.cosine[0] < bias.cosine[2] < 1
    with pytest.raises(ValueError, match="gradient that is not 0"):
        still = mr.Trials(np.zeros((3, 1, 2)), np.zeros((3, 1, 1)))
        truncation_bias(net, still, [1])


def test_training_with_it_is_another_run(tmp_path):
    net = mr.Network.random(2, 6, 1, rng=0)
    task = tasks.And(onset=2, pulse=2, gap=2, tail=6)
    settings = {"epochs": 1, "samples": 32, "batch": 16, "rng": 0, "progress": False}
    cut = mr.train(net, task, truncate=3, checkpoint=tmp_path, **settings)
    whole, same = mr.train(net, task, **settings), mr.train(net, task, truncate=12, **settings)
    assert (cut.network.weights.W_rec != whole.network.weights.W_rec).any()
    np.testing.assert_array_equal(same.network.weights.W_rec, whole.network.weights.W_rec)
    with pytest.raises(ValueError, match="truncate was 3, now None"):
        mr.train(net, task, checkpoint=tmp_path, **settings)


@pytest.mark.parametrize("truncate", [0, -1, 1.5, True])
def test_what_does_not_fit_is_named(truncate):
    net = mr.Network.random(2, 3, 1, rng=0)
    with pytest.raises(ValueError, match="truncate must be None or an integer of at least 1"):
        net.loss_and_gradient(tasks.And().trials(1, 0), truncate=truncate)
    with pytest.raises((ValueError, TypeError), match="truncate"):
        mr.train(net, tasks.And(), rng=0, truncate=truncate, progress=False)
