"""Cost of sampling a fresh batch, apart from drawing its normals, against the update that it feeds.

    python bench/sampling.py

Per task: 64 trials made without noise and put into the engine's store, and one update (loss, gradients and Adam, one thread)
of a 50-unit network on them, in turns within one run; minimum / median in milliseconds.
"""

import argparse
import dataclasses
import time

import numpy as np

import minirnn as mr
from minirnn import tasks
from minirnn.engine import Flat, Store
from minirnn.optimizer import norms, update
from minirnn.reference import Params


def measure(name: str, rounds: int) -> tuple[list[float], list[float]]:
    task = tasks.BY_NAME[name]()
    noises = {"input_noise_std", "target_noise_std", "input_sigma"} & {field.name for field in dataclasses.fields(task)}
    silent = dataclasses.replace(task, **dict.fromkeys(noises, 0.0))
    net = mr.Network.for_task(task, n_rec=50, dale=None, recurrent="normal", vanishing=0.0, rng=0)
    theta, gradient = Flat(net.params, net.dtype), Flat(net.params, net.dtype)
    zeros = Params(*[None if p is None else np.zeros_like(p) for p in net.params])
    m, v = Flat(zeros, net.dtype), Flat(zeros, net.dtype)
    rng, index, adam = np.random.default_rng(0), np.arange(64), mr.Adam()
    sampling, updating = [], []
    with net.engine(task.steps, 64, 1) as engine:
        for number in range(rounds + 3):
            began = time.perf_counter()
            trials = silent.trials(64, rng)
            net.check(trials)
            store = Store.of(trials, net.dtype)
            drawn = time.perf_counter()
            engine.set_params(theta.params, net.h0)
            engine.loss_and_gradient(store, index, gradient, theta.params)
            norms(gradient)
            update(theta, m, v, gradient, number, adam)
            done = time.perf_counter()
            if number >= 3:
                sampling.append(drawn - began)
                updating.append(done - drawn)
    return sampling, updating


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=200)
    p.add_argument("--tasks", nargs="+", choices=tasks.BY_NAME, default=list(tasks.BY_NAME))
    options = p.parse_args()
    print("| task | sampling (ms) | update (ms) | sampling / update (minima) |\n|---|---|---|---|")
    for name in options.tasks:
        sampling, updating = measure(name, options.rounds)
        cells = [f"{1e3 * min(t):.3f} / {1e3 * np.median(t):.3f}" for t in (sampling, updating)]
        print(f"| {name} | {cells[0]} | {cells[1]} | {100 * min(sampling) / min(updating):.1f} % |")


if __name__ == "__main__":
    main()
