"""minirnn's compiled kernels, as `minirnn.train` calls them. The one file of the grid that knows minirnn's inside."""

from protocol import BETA1, BETA2, EPS, LR, serve

import numpy as np

import minirnn as mr
from minirnn.engine import Flat, Store
from minirnn.kernels import dynamics
from minirnn.optimizer import norms
from minirnn.optimizer import update as adam_update


def make(weights, T, B, threads):
    net = mr.Network(**weights)
    adam = mr.Adam(lr=LR, beta1=BETA1, beta2=BETA2, eps=EPS, epsilon_hat=False)
    zeros = mr.Params(*[None if p is None else np.zeros_like(p) for p in net.params])
    theta, gradient, m, v = (Flat(params, net.dtype) for params in (net.params, zeros, zeros, zeros))
    engine = net.engine(T, B, threads)
    engine.__enter__()  # until the process ends
    index, updates = np.arange(B), 0

    def put(x, target):
        return (Store.of(mr.Trials(x, target), net.dtype),)

    def update(store):
        nonlocal updates
        engine.set_params(theta.params, net.h0)
        loss = engine.loss_and_gradient(store, index, gradient, theta.params)
        norms(gradient)  # by which `train` sees that a run diverges
        adam_update(theta, m, v, gradient, updates, adam)
        updates += 1
        return loss

    return put, update


def chunk(N, I, O, T, B, dtype):
    """(trials in a chunk, steps in one product of the weight gradient, columns of a row): what the engine's products are like."""
    engine = mr.Network.random(I, N, O, dtype=dtype, rng=0).engine(T, B)
    return engine.chunk, engine.segment, engine.W


def tanh(out, a):
    """The kernels' own tanh over flat arrays."""
    dynamics.activate(out, a, dynamics.TANH)


if __name__ == "__main__":
    serve(make)
