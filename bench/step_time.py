"""Time of one training step (loss and all gradients) against the plain reference and against what the machine could do.

    python bench/step_time.py                      the whole grid, about five minutes
    python bench/step_time.py --units 50 --batch 64

Per size, in turns within one run: the engine on one and two threads, the plain NumPy reference, and the engine's matrix
products alone on one and two threads. The SGEMM rate is the best of 2000^2 products on one thread in the same run;
flops = 6 B T N (N + I + O), with I = 2, O = 1, float32. Times are minimum / median; the machine may be shared, so trust ratios.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np

import minirnn as mr
from minirnn import reference
from minirnn.engine import CHUNK_ROWS, Flat, Store, chunk_trials, single_blas_thread

T, I, O = 200, 2, 1


@numba.njit(nogil=True)
def products(s, y, y_bar, s_bar, P, P_T, product):
    """The matrix products of one chunk, and nothing else."""
    steps, C, W = s.shape
    S = y_bar.shape[0]
    for t in range(steps):
        np.dot(s[t], P_T, y)
    stop = steps
    while stop > 0:
        start = max(0, stop - S)
        for t in range(start, stop):
            np.dot(y_bar[t - start], P, s_bar)
        rows = (stop - start) * C
        np.dot(y_bar[: stop - start].reshape(rows, W).T, s[start:stop].reshape(rows, W), product)
        stop = start


def products_alone(N: int, B: int, threads: int) -> Callable[[], None]:
    """A call that makes the products of a whole batch, its chunks shared out as the engine does."""
    rng = np.random.default_rng(0)
    W, C = N + max(I + 1, O), min(chunk_trials(N), B)
    chunks = -(-B // C)
    shapes = ((T + 1, C, W), (C, W), (max(1, CHUNK_ROWS // C), C, W), (C, W), (W, W), (W, W), (W, W))
    work = [[rng.standard_normal(shape).astype(np.float32) for shape in shapes] for _ in range(threads)]
    pool = ThreadPoolExecutor(max(1, threads - 1))

    def share(worker: int) -> None:
        for _ in range(worker, chunks, threads):
            products(*work[worker])

    def call() -> None:
        others = [pool.submit(share, worker) for worker in range(1, min(threads, chunks))]
        share(0)
        for other in others:
            other.result()

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


def measure(N: int, B: int, seconds: float, threads: int) -> dict[str, Any]:
    net = mr.Network.random(I, N, O, rng=0)
    rng = np.random.default_rng(1)
    trials = mr.Trials(rng.standard_normal((T, B, I), np.float32), rng.standard_normal((T, B, O), np.float32))
    store, index, gradient = Store.of(trials, net.dtype), np.arange(B), Flat(net.params, net.dtype)
    weights = np.ascontiguousarray(trials.weights(), np.float32)
    large = rng.standard_normal((2000, 2000)).astype(np.float32)
    product = np.empty_like(large)
    model = net.model._replace(leak=net.leak.astype(np.float32), gain=net.gain.astype(np.float32))
    with net.engine(T, B, 1) as one, net.engine(T, B, threads) as many:
        for engine in (one, many):
            engine.set_params(net.params, net.h0)
        contenders = {
            "one": lambda: one.loss_and_gradient(store, index, gradient, net.params),
            "many": lambda: many.loss_and_gradient(store, index, gradient, net.params),
            "products one": products_alone(N, B, 1),
            "products many": products_alone(N, B, threads),
            "sgemm": lambda: np.dot(large, large, product),
            "reference": lambda: reference.loss_and_gradient(net.params, trials.x, trials.target, weights, net.h0, None, model),
        }
        times = in_turns(contenders, seconds)
    flops = 6.0 * B * T * N * (N + I + O)
    least = {name: min(found) for name, found in times.items()}
    peak = 2 * 2000.0**3 / least["sgemm"]
    return {
        "N": N, "T": T, "B": B, "rounds": len(times["one"]), "sgemm_gflops": peak / 1e9,
        "milliseconds": {name: [1e3 * min(found), 1e3 * float(np.median(found))] for name, found in times.items()},
        "fraction_of_sgemm": flops / least["one"] / peak,
        "speed_up": least["one"] / least["many"],
        "speed_up_of_products": least["products one"] / least["products many"],
        "reference_over_engine": least["reference"] / least["one"],
    }  # fmt: skip


FIRST_UPDATE = """
import minirnn as mr
from minirnn import tasks
net = mr.Network.random(2, 50, 1, rng=0)
mr.train(net, tasks.And(), epochs=1, samples=64, validation=1, rng=0, progress=False)
"""


def start_up(runs: int) -> dict[str, Any]:
    """Seconds from process start to the end of the first update's process, with kernels cached and not."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        for name, times in (("cold", 1), ("warm", runs)):
            seconds = []
            for _ in range(times):
                began = time.perf_counter()
                subprocess.run([sys.executable, "-c", FIRST_UPDATE], check=True, env=environment, stderr=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - began)
            found[name] = [min(seconds), float(np.median(seconds))]
    return found


def table(result: dict[str, Any]) -> str:
    lines = [
        f"| N | B | 1 thread (ms) | {result['threads']} threads (ms) | reference (ms) "
        "| of SGEMM | speed-up | products' | reference / engine |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["steps"]:
        ms = {name: " / ".join(f"{x:.0f}" if x >= 100 else f"{x:.3g}" for x in pair) for name, pair in row["milliseconds"].items()}
        lines.append(
            f"| {row['N']} | {row['B']} | {ms['one']} | {ms['many']} | {ms['reference']} | {100 * row['fraction_of_sgemm']:.0f} % "
            f"| {row['speed_up']:.2f} | {row['speed_up_of_products']:.2f} | {row['reference_over_engine']:.1f} |"
        )
    sgemm = max(row["sgemm_gflops"] for row in result["steps"])
    lines.append(f"\nT = {T}, I = {I}, O = {O}, float32; minimum / median. SGEMM on one thread: {sgemm:.0f} GFLOP/s.")
    if "start_up" in result:
        warm, cold = result["start_up"]["warm"], result["start_up"]["cold"]
        lines.append(
            f"From process start through the first update to its end: {warm[0]:.2f} / {warm[1]:.2f} s warm, {cold[0]:.1f} s cold."
        )
    return "\n".join(lines)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--units", type=int, nargs="+", default=[50, 100, 200, 500])
    p.add_argument("--batch", type=int, nargs="+", default=[1, 64, 1024])
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=8.0, help="per size")
    p.add_argument("--no-start-up", action="store_true")
    p.add_argument("--json", type=Path)
    options = p.parse_args()
    result: dict[str, Any] = {
        "threads": options.threads,
        "machine": platform.machine(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "numba": numba.__version__},
        "steps": [],
    }
    with single_blas_thread:
        for N in options.units:
            for B in options.batch:
                result["steps"].append(measure(N, B, options.seconds, options.threads))
                print(f"N={N} B={B}: {100 * result['steps'][-1]['fraction_of_sgemm']:.0f} % of SGEMM", file=sys.stderr, flush=True)
    if not options.no_start_up:
        result["start_up"] = start_up(5)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
