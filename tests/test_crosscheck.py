"""An independent witness: PyTorch's autograd in float64, on random networks (extra `crosscheck`).

The model is written once more from the printed equation, in torch's own operations; nothing of minirnn computes here.
"""

import numpy as np
import pytest
from cases import BATCHES, cases
from hypothesis import assume, given, settings

import minirnn as mr
from minirnn.engine import Flat
from minirnn.optimizer import update
from minirnn.reference import Params

torch = pytest.importorskip("torch", reason="the extra crosscheck is not installed")

PHI = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softplus": lambda a: torch.nn.functional.softplus(a, threshold=700.0),  # not cut to a line at 20
    "linear": lambda a: a,
}


def tensors(params):
    """Leaves that gather gradients, by name; absent arrays are left out."""
    named = zip(Params._fields, params, strict=True)
    return {name: torch.tensor(p, dtype=torch.float64, requires_grad=True) for name, p in named if p is not None}


def torch_effective(p, net):
    """The weights that act, from the printed equations of the sign constraints."""
    dale, d = net.dale, torch.tensor(net.dale.signs(net.n_rec))
    signed = dale.excitatory is not None
    kind = {"abs": torch.abs, "rectify": torch.relu, "projection": lambda V: V}[dale.by] if signed else lambda V: V

    def mask(array, like):
        return torch.ones_like(like) if array is None else torch.tensor(array)

    sign = 1.0 if dale.by == "projection" else d if dale.axis == "pre" else d[:, None]
    W_rec = mask(dale.mask, p["W_rec"]) * kind(p["W_rec"]) * sign
    diagonal = torch.eye(net.n_rec, dtype=torch.float64)
    W_rec = W_rec * (diagonal if dale.kerascog_diagonal else 1.0) * (1.0 if dale.self_connections else 1.0 - diagonal)
    W_rec = W_rec + (0.0 if dale.fixed is None else torch.tensor(dale.fixed))
    W_in = mask(dale.mask_in, p["W_in"]) * (kind(p["W_in"]) if dale.inputs else p["W_in"])
    read = signed and dale.readout
    W_out = mask(dale.mask_out, p["W_out"]) * (kind(p["W_out"]) * (d > 0) if read else p["W_out"])
    return p | {"W_in": W_in, "W_rec": W_rec, "W_out": W_out}


def torch_error(q, y, mask, net):
    """Sum over what counts, and the count, of one step."""
    functional = torch.nn.functional
    if net.output == "sigmoid":
        return (mask * functional.binary_cross_entropy_with_logits(q, y, reduction="none")).sum()
    if net.output == "softmax":
        return -(mask * y * functional.log_softmax(q, dim=-1)).sum()
    return (mask * (q - y) ** 2).sum()


def torch_loss(p, case):
    net, trials = case.net, case.trials
    if net.dale is not None:
        p = torch_effective(p, net)
    x, target, mask = (torch.tensor(np.array(array)) for array in (trials.x, trials.target, trials.weights()))
    noise = None if case.noise is None else torch.tensor(case.noise)
    tau = torch.tensor(np.broadcast_to(net.tau, (net.n_rec,)).copy())
    h = p["h0"] if "h0" in p else torch.tensor(net.h0)
    h = h.expand(x.shape[1], -1)
    squares, error = 0.0, 0.0
    for t in range(len(x)):
        current = net.form == "current"
        rates = PHI[net.phi](h) if current else h
        a = torch.nn.functional.linear(rates, p["W_rec"], p.get("b_rec")) + x[t] @ p["W_in"].T
        if noise is not None and not current:
            a = a + noise[t]
        drive = (a if current else PHI[net.phi](a)) * (1.0 if net.drive == "literal" else 1.0 / tau)
        h = h + net.dt * (drive - h / tau)
        if noise is not None and current:
            h = h + noise[t]
        rates = PHI[net.phi](h) if current else h
        error = error + torch_error(torch.nn.functional.linear(rates, p["W_out"], p.get("b_out")), target[t], mask[t], net)
        squares = squares + (rates**2).sum()
    T, B, N = len(x), x.shape[1], net.n_rec
    weights = sum((p[name] ** 2).sum() for name in ("W_in", "W_rec", "W_out"))
    counted = mask.sum() / (mask.shape[-1] if net.output == "softmax" else 1)
    error = error if net.reduction == "sum" else error / counted
    return error + net.rate_penalty * squares / (T * B * N) + net.l2 * weights


@settings(max_examples=200)
@given(cases(batches=BATCHES, every=True))
def test_loss_and_gradients_agree_with_autograd(case):
    assume(not case.net.vanishing)  # whose gradient is not a derivative
    p = tensors(case.net.params)
    expected = torch_loss(p, case)
    expected.backward()
    loss, gradient = case.net.loss_and_gradient(case.trials, noise=case.noise)
    assert abs(loss - expected.item()) <= 1e-10 * max(abs(expected.item()), 1e-3), case.label
    largest = max(float(t.grad.abs().max()) for t in p.values() if t.numel())
    for name, t in p.items():
        ours, theirs = getattr(gradient, name), t.grad.numpy()
        scale = max(np.abs(theirs).max(initial=0.0), 1e-3 * largest, 1e-300)
        assert np.abs(ours - theirs).max(initial=0.0) / scale < 1e-10, f"{name}: {case.label}"


@settings(max_examples=200)
@given(cases(activations=("tanh", "sigmoid", "softplus"), batches=BATCHES))
def test_ten_updates_of_adam_agree_with_torchs(case):
    """torch.optim.Adam is the paper's form, epsilon_hat=False."""
    adam = mr.Adam(lr=1e-3, beta1=0.85, beta2=0.98, eps=1e-6, epsilon_hat=False)
    p = tensors(case.net.params)
    theirs = torch.optim.Adam(list(p.values()), lr=adam.lr, betas=(adam.beta1, adam.beta2), eps=adam.eps)
    theta = Flat(case.net.params, np.float64)
    zeros = Params(*[None if a is None else np.zeros_like(a) for a in case.net.params])
    m, v = Flat(zeros, np.float64), Flat(zeros, np.float64)
    for k in range(10):
        theirs.zero_grad()
        torch_loss(p, case).backward()
        theirs.step()
        _, gradient = case.net.with_params(theta.params).loss_and_gradient(case.trials, noise=case.noise)
        update(theta, m, v, Flat(gradient, np.float64), k, adam)
    for name, t in p.items():
        np.testing.assert_allclose(getattr(theta.params, name), t.detach().numpy(), rtol=1e-10, atol=1e-10, err_msg=case.label)
