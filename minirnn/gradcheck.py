"""`check_gradient`: is the gradient that training uses the derivative of the loss that the equations state?

The claimed gradient is the compiled kernels', in float64. It is held (`minirnn.checks`) against the complex step through the
plain reference, exact to rounding, against central differences of the kernels' own loss, against dot products along random
directions and against Taylor's remainder, so that the reference and the kernels vouch for each other: what differs between
them shows in one place or another.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from . import reference
from .checks import Report, check
from .network import Network
from .randomness import as_generator
from .reference import Params
from .trials import Trials


def check_gradient(
    net: Network, trials: Trials, *, noise: Any = None, max_entries: int = 200, rng: np.random.Generator | int = 0
) -> Report:
    """Compare the gradient of `net.loss_and_gradient(trials, noise=noise)` with its witnesses; print the report.

    Always on a copy in float64. Up to `max_entries` random entries of each array are looked at one by one, the dot products
    and Taylor remainders see all. Where a central difference meets a kink (relu) smaller steps go around it; an entry right at a
    kink is left out of that column and counted.
    """
    net = net.astype(np.float64)
    probe = net.copy()
    trials = Trials(trials.x.astype(np.float64), trials.target.astype(np.float64), trials.mask, trials.condition, trials.dt)
    _, gradient = net.loss_and_gradient(trials, noise=noise)
    weights = trials.weights()

    # of the regulariser the gradient holds the immediate derivative alone, so states and adjoints are held fixed in its loss too
    model = net.model._replace(vanishing=0.0)
    probe.vanishing = 0.0
    held = _held(net, trials, noise) if net.vanishing else None

    def regulariser(params: Params) -> Any:
        return 0.0 if held is None else net.vanishing * reference.omega(net.effective(params).W_rec, *held, model)

    def kernels(params: Params) -> float:
        for own, given in zip(probe.params, params, strict=True):
            if own is not None:
                own[...] = given  # in place: a new network would project what moved across a sign
        return probe.loss_and_gradient(trials, noise=noise)[0] + float(regulariser(params))

    def plain(params: Params) -> Any:
        acting = net.effective(params)
        return reference.loss(acting, trials.x, trials.target, weights, net.h0, noise, model) + regulariser(params)

    kinks = net.phi == "relu" or (net.dale is not None and net.dale.by != "projection")
    report = check(kernels, net.params, gradient, complex_loss=plain, kinks=kinks, max_entries=max_entries, rng=as_generator(rng))
    if held is None:
        return report
    note = "The regulariser against vanishing gradients is checked for its immediate derivative: states and adjoints held fixed."
    return replace(report, note=note)


def _held(net: Network, trials: Trials, noise: Any) -> tuple[Any, Any]:
    """The adjoints and rates that the regulariser takes for constants, both (T+1, B, N)."""
    model, acting = net.model, net.effective(net.params)
    h, r = reference.rollout(acting, trials.x, net.h0, noise, model)
    q_bar = reference.error_adjoint(reference.readout(acting, r), trials.target, trials.weights(), model.output, model.reduction)
    rates_bar, _, _ = reference.readout_adjoint(acting, q_bar, r)
    rates_bar[1:] += 2 * model.rate_penalty * r[1:] / r[1:].size
    return reference.rollout_adjoint(acting, rates_bar, trials.x, h, r, model)[3], r
