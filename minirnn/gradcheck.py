"""`check_gradient`: is the gradient that training uses the derivative of the loss that the equations state?

The claimed gradient is the compiled kernels', in float64. It is held (`minirnn.checks`) against the complex step through the
plain reference, exact to rounding, against central differences of the kernels' own loss, against dot products along random
directions and against Taylor's remainder, so that the reference and the kernels vouch for each other: what differs between
them shows in one place or another.
"""

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
    trials = Trials(trials.x.astype(np.float64), trials.target.astype(np.float64), trials.mask, trials.condition, trials.dt)
    _, gradient = net.loss_and_gradient(trials, noise=noise)
    weights = trials.weights()

    def kernels(params: Params) -> float:
        return net.with_params(params).loss_and_gradient(trials, noise=noise)[0]

    def plain(params: Params) -> Any:
        return reference.loss(
            params, trials.x, trials.target, weights, net.h0, noise, net.leak, net.gain, net.phi, net.rate_penalty, net.l2
        )

    return check(
        kernels, net.params, gradient, complex_loss=plain, kinks=net.phi == "relu", max_entries=max_entries, rng=as_generator(rng)
    )
