"""Time of one training step of the current form, with leak, bias and Dale's law, against the plain tanh step of the rate form.

    python bench/forms.py

Loss and all gradients, the making of the effective weights and its adjoint included, float32, one thread, T = 200, B = 64, in
turns within one run; drawing the state noise of the batch is timed apart. Minimum / median in milliseconds, and the ratio of
the minima.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minirnn as mr
from minirnn.engine import Flat, Store, single_blas_thread

T, I, O = 200, 2, 1
KINDS: dict[str, dict[str, Any]] = {
    "rate, tanh": {},
    "rate, tanh, leak": {"tau": 5.0},
    "rate, tanh, leak, bias, Dale": {"tau": 5.0, "b_rec": True, "dale": mr.Dale()},
    "current, tanh, leak, bias, Dale": {"form": "current", "tau": 5.0, "b_rec": True, "dale": mr.Dale()},
    "current, relu, leak, bias, Dale": {"form": "current", "phi": "relu", "tau": 5.0, "b_rec": True, "dale": mr.Dale()},
    "the same with the vanishing-gradient term": {
        "form": "current", "phi": "relu", "tau": 5.0, "b_rec": True, "dale": mr.Dale(), "vanishing": 2.0,
    },
}  # fmt: skip


def step(net: mr.Network, trials: mr.Trials, engine: Any) -> Callable[[], None]:
    """A call that makes one step of this network."""
    store, index, gradient = Store.of(trials, net.dtype), np.arange(len(trials)), Flat(net.params, net.dtype)

    def call() -> None:
        weights = net.effective(net.params)
        engine.set_params(weights, net.h0)
        engine.loss_and_gradient(store, index, gradient, weights)
        if net.constraint is not None:
            net.constraint.adjoint(gradient.params, net.params)

    return call


def in_turns(contenders: dict[str, Callable[[], Any]], seconds: float) -> dict[str, list[float]]:
    """Times of each contender, taking turns until the time is up, at least three rounds after one to warm up."""
    for call in contenders.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop or len(next(iter(times.values()))) < 3:
        for name, call in contenders.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return times


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--units", type=int, nargs="+", default=[50, 100, 200])
    p.add_argument("--seconds", type=float, default=8.0, help="per size")
    options = p.parse_args()
    rng = np.random.default_rng(1)
    B = 64
    trials = mr.Trials(rng.standard_normal((T, B, I), np.float32), rng.standard_normal((T, B, O), np.float32))
    print("| N | step | ms | of the plain tanh step |\n|---|---|---|---|")
    for N in options.units:
        nets = {
            name: mr.Network.random(I, N, O, spectral_radius=1.0, rng=0, noise=0.1, **settings) for name, settings in KINDS.items()
        }
        with single_blas_thread:
            calls = {name: step(net, trials, net.engine(T, B)) for name, net in nets.items()}
            generator = np.random.default_rng(0)
            calls["drawing the state noise"] = lambda generator=generator, net=nets["rate, tanh"]: net.draw_noise(T, B, generator)
            times = in_turns(calls, options.seconds)
        plain = min(times["rate, tanh"])
        for name, found in times.items():
            print(
                f"| {N} | {name} | {1e3 * min(found):.3g} / {1e3 * np.median(found):.3g} | {min(found) / plain:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
