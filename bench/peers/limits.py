"""What the machine can do: a worker beside the peers, which times pieces of its own in each of its turns.

    load PROBLEM DTYPE      take the size from this .npz
    step N                  the least seconds of each piece, N times in a row or more

The pieces: "product" of 1000^2 matrices on one thread; tanh of 16384 numbers, NumPy's, minirnn's and 1 - 2 / (exp(2a) + 1) in
NumPy's passes; "copy" of 32 MB; "products K", the matrix products of a whole step in the shapes that minirnn's engine makes them,
and nothing else, on K threads.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from protocol import THREADS, answer

import numba
import numpy as np
from minirnn_engine import chunk, tanh
from threadpoolctl import threadpool_limits

from minirnn.kernels.dynamics import add_outer_products, product

SIDE, ELEMENTS, COPIED = 1000, 16384, 32_000_000
WARM = 0.005  # seconds
pieces = {}
pool = ThreadPoolExecutor(max(1, THREADS - 1))


@numba.njit(nogil=True)
def products(s, y, y_bar, s_bar, forward, backward, P_bar, N, I, O):
    """The matrix products of one chunk, by the kernels' own products."""
    steps, C, _ = s.shape
    L = y_bar.shape[0]
    for t in range(steps):
        product(y, s[t], forward, N + I + 1, N + I + 1, N + O)
    for start in range(0, steps, L):
        stop = min(start + L, steps)
        for t in range(start, stop):
            product(s_bar, y_bar[t - start], backward, N + O, N + O, N)
        add_outer_products(P_bar, y_bar, s, start * C, (stop - start) * C, N + O, N + I + 1)


def products_alone(N, I, O, T, B, dtype, threads):
    """A call that makes the products of a whole batch, its chunks shared out as the engine does."""
    rng = np.random.default_rng(0)
    C, L, W = chunk(N, I, O, T, B, dtype)
    chunks = -(-B // C)
    shapes = ((T + 1, C, W), (C, W), (L, C, W), (C, W), (W * W,), (W * W,), (W, W))
    work = [[rng.standard_normal(shape).astype(dtype) for shape in shapes] for _ in range(threads)]

    def share(worker):
        for _ in range(worker, chunks, threads):
            products(*work[worker], N, I, O)

    def call():
        others = [pool.submit(share, worker) for worker in range(1, min(threads, chunks))]
        share(0)
        for other in others:
            other.result()

    return call


def load(path, dtype):
    with np.load(path) as problem:
        (T, B, I), (O, N) = problem["x"].shape, problem["W_out"].shape
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE)).astype(dtype) for _ in range(2))
    c, r = a.ravel()[:ELEMENTS].copy(), np.empty(ELEMENTS, dtype)
    source = np.ones(COPIED // c.itemsize, dtype)
    sink = np.zeros_like(source)
    out = np.empty_like(a)
    one, minus_two = np.array(1, dtype), np.array(-2, dtype)

    def tanh_by_exp():
        np.exp(c, out=r)  # the 2 is in the weights
        np.add(r, one, out=r)
        np.divide(minus_two, r, out=r)
        np.add(r, one, out=r)

    pieces.clear()
    pieces["product"] = lambda: np.dot(a, b, out=out)
    pieces["tanh numpy"] = lambda: np.tanh(c, out=r)
    pieces["tanh minirnn"] = lambda: tanh(r, c)
    pieces["tanh exp"] = tanh_by_exp
    pieces["copy"] = lambda: np.copyto(sink, source)
    for threads in range(1, THREADS + 1):
        pieces[f"products {threads}"] = products_alone(N, I, O, T, B, dtype, threads)
    step("1")  # compiles


def step(times):
    """The least seconds of each piece. After the peers' turns caches and clock are cold: a piece of microseconds, taken once, would
    be three times too long, and the limit too easy. So each piece is repeated for some milliseconds at least."""
    seconds = dict.fromkeys(pieces, np.inf)
    for name, piece in pieces.items():
        start = time.perf_counter()
        done = 0
        while done < int(times) or time.perf_counter() - start < WARM:
            began = time.perf_counter()
            piece()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
            done += 1
    return seconds


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):
        answer({"load": load, "step": step})
