"""What a peer's worker does: it reads orders from stdin, one a line, and answers each with one line of JSON.

    load PROBLEM DTYPE      take weights and data from this .npz and make a training step of them
    losses                  make three steps: the three losses, each before its update
    step N                  time N steps, each to its end: their seconds; the first of several is not counted
    train TRIALS EPOCHS     go through the trials of this .npz in shuffled batches of the problem's size: seconds per epoch
    memory                  the largest resident size so far, in bytes
    quit

The first line, before any order, is {"import_seconds": .., "versions": ..}; an answer is {"answer": ..} or {"error": ..}. While
no order comes the worker sleeps. Imported before the peer's library, this module notes when the process began to import, and pins
it to BENCH_THREADS cores.

A peer is a function make(weights, T, B, threads) -> (put, update): weights are W_in, W_rec, W_out and b_out by name, in the
dtype wanted; put(x, target) makes the peer's own arrays of NumPy's (T, B, I) and (T, B, O); update(*those) makes one training
step, waits for its end and returns the loss before it. All peers do the same arithmetic: h_{t+1} = tanh(W_rec h_t + W_in x_t)
from zeros, z_t = W_out h_{t+1} + b_out, the mean squared error over all steps, trials and outputs, its gradient to all four
arrays, and Adam with these constants.
"""

import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

BEGAN = time.perf_counter()
LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
THREADS = int(os.environ.get("BENCH_THREADS", "1"))
if hasattr(os, "sched_setaffinity"):  # what limits the libraries that have no setting of their own
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def versions() -> dict[str, str]:
    """Of Python and of those libraries that are loaded here."""
    names = ("numpy", "scipy", "numba", "torch", "jax", "keras", "tensorflow")
    found = {name: str(sys.modules[name].__version__) for name in names if hasattr(sys.modules.get(name), "__version__")}
    return {"python": platform.python_version()} | found


def answer(orders: dict[str, Callable[..., Any]]) -> None:
    """Carry out orders until `quit` or the end of stdin. What a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**found: Any) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    say(import_seconds=time.perf_counter() - BEGAN, versions=versions())
    for line in sys.stdin:
        name, *arguments = line.split()
        if name == "quit":
            break
        try:
            say(answer=orders[name](*arguments))
        except Exception as error:
            traceback.print_exc()
            say(error=f"{type(error).__name__}: {error}")


def serve(make: Callable[..., Any]) -> None:
    """Be the worker of the peer that `make` makes."""
    import numpy as np  # not above: it belongs to the peer's import time

    made: dict[str, Any] = {}

    def load(path: str, dtype: str) -> None:
        made.clear()  # the problem before this one may be large
        with np.load(path) as problem:
            arrays = {name: problem[name].astype(dtype) for name in problem.files}
        x, target = arrays.pop("x"), arrays.pop("target")
        made["shape"] = x.shape
        made["put"], made["update"] = make(arrays, x.shape[0], x.shape[1], THREADS)
        made["batch"] = made["put"](x, target)

    def losses() -> list[float]:
        return [float(made["update"](*made["batch"])) for _ in range(3)]

    def step(times: str) -> list[float]:
        update, batch, seconds = made["update"], made["batch"], []
        for _ in range(int(times)):
            began = time.perf_counter()
            update(*batch)
            seconds.append(time.perf_counter() - began)
        return seconds[1:] or seconds

    def train(path: str, epochs: str) -> list[float]:
        with np.load(path) as trials:
            x, target = trials["x"], trials["target"]
        rng, seconds, B = np.random.default_rng(0), [], made["shape"][1]
        for _ in range(int(epochs)):
            began = time.perf_counter()
            order = rng.permutation(x.shape[1])
            for first in range(0, len(order) - B + 1, B):  # whole batches: another shape would be compiled anew
                index = order[first : first + B]
                made["update"](*made["put"](x[:, index], target[:, index]))
            seconds.append(time.perf_counter() - began)
        return seconds

    answer({"load": load, "losses": losses, "step": step, "train": train, "memory": peak_memory})
