"""The engine: cuts a batch into chunks of trials, runs each through the compiled kernel on a thread pool, adds up in fixed order.

The only room that touches the compiled kernels. `kernels()` loads them at first use and says so when they must be compiled.

Bits do not depend on the number of threads: which trials share a chunk depends on N and the batch alone, the last chunk is
filled up with empty trials, the chunks' gradients are added in their order, and BLAS runs on one thread inside a chunk.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .reference import ACTIVATIONS, OUTPUTS, Model, Params
from .trials import Trials

Array = np.ndarray[Any, Any]
NoiseOf = Callable[[int, tuple[int, int, int]], Array]  # (chunk, (T, C, N)) -> scaled noise


class Kernels(NamedTuple):
    """The compiled functions."""

    rate: Any
    current: Any
    adam: Any


@cache
def kernels() -> Kernels:
    """Import numba and the kernels, once. Says on stderr when a kernel is compiled rather than read from the disk cache."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS that numba's np.dot calls, loaded where threadpoolctl sees it
    from numba.core import event

    class Announce(event.Listener):
        said = False

        def on_start(self, event: Any) -> None:
            if not self.said:
                print("minirnn: compiling its kernels for this machine, once; some seconds ...", file=sys.stderr, flush=True)
                self.said = True

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Announce())  # type: ignore[no-untyped-call]
    from .kernels import adam, current, rate

    return Kernels(rate, current, adam)


class _SingleBlasThread:
    """BLAS on one thread while any block is inside: the chunks are the parallel work, and bits must not depend on a thread
    count. Blocks on several threads may overlap; the last one out restores what was."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.controller: Any = None
        self.limiter: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.controller is None:
                import scipy.linalg.cython_blas  # noqa: F401  before the controller looks which libraries are there
                from threadpoolctl import ThreadpoolController

                self.controller = ThreadpoolController()
            if self.inside == 0:
                self.limiter = self.controller.limit(limits=1, user_api="blas")
            self.inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.limiter.restore_original_limits()


single_blas_thread = _SingleBlasThread()


def available_threads() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunk_trials(n_rec: int) -> int:
    """Trials per chunk: small products (C W W below about 1e6) take BLAS' fast path; larger ones want more rows."""
    return 16 if n_rec <= 240 else 32


CHUNK_ROWS = 320  # rows (steps times trials) in one product of the weight gradient: what stays in cache


def no_noise(dtype: Any) -> Array:
    """What a kernel takes for no state noise."""
    return np.empty((0, 0, 0), dtype)


class Store(NamedTuple):
    """Trials as the kernels read them: trial-major, contiguous, in the network's dtype."""

    x: Array  # (n, T, I)
    target: Array  # (n, T, O)
    mask: Array  # (n, T, O)
    mask_sum: Array  # (n,) float64

    @classmethod
    def of(cls, trials: Trials, dtype: Any) -> "Store":
        """A copy of the trials; ValueError where a finite number is not finite in this dtype."""

        def cast(name: str, array: Array) -> Array:
            with np.errstate(over="ignore"):
                made = np.ascontiguousarray(array.transpose(1, 0, 2), dtype)
            if array.dtype != made.dtype and not np.isfinite(made).all():  # Trials are finite in their own dtype
                raise ValueError(f"{name} must stay finite in {made.dtype}, its largest entry is {np.abs(array).max():g}")
            return made

        x, target = cast("x", trials.x), cast("target", trials.target)
        if trials.mask is None:
            n, T, O = target.shape
            return cls(x, target, np.ones(target.shape, dtype), np.full(n, float(T * O)))
        mask = cast("mask", trials.weights())
        return cls(x, target, mask, mask.sum(axis=(1, 2), dtype=np.float64))


class Flat:
    """Parameters in one flat vector, with views that have their names and shapes."""

    def __init__(self, params: Params, dtype: Any) -> None:
        """Copy the arrays of `params`; absent ones stay None."""
        sizes = [0 if p is None else p.size for p in params]
        self.vector = np.zeros(sum(sizes), dtype)
        self.slices: dict[str, slice] = {}
        views: list[Array | None] = []
        start = 0
        for name, p, size in zip(Params._fields, params, sizes, strict=True):
            if p is None:
                views.append(None)
                continue
            self.slices[name] = slice(start, start + size)
            view = self.vector[start : start + size].reshape(p.shape)
            view[...] = p
            views.append(view)
            start += size
        self.params = Params(*views)  # type: ignore[arg-type]


class Engine:
    """Runs one shape of network on batches of up to `batch` trials of T steps; the workspace is made once.

    model: the constants of `minirnn.reference`. threads: None for all CPUs; truncate: 0, or the steps after which
    back-propagation ends.
    Use it in a `with` block: BLAS runs on one thread inside, and its own threads end with it.
    """

    def __init__(
        self, n_in: int, n_rec: int, n_out: int, T: int, batch: int, *,
        dtype: Any, model: Model, threads: int | None = 1, truncate: int = 0,
    ) -> None:  # fmt: skip
        self.n_in, self.n_rec, self.n_out, self.T = n_in, n_rec, n_out, T
        self.dtype = np.dtype(dtype)
        self.model, self.truncate = model, truncate
        self.phi, self.output = ACTIVATIONS.index(model.phi), OUTPUTS.index(model.output)
        self.chunk = min(chunk_trials(n_rec), batch)
        self.chunks = -(-batch // self.chunk)
        self.threads = min(available_threads() if threads is None else threads, self.chunks)
        side = n_rec + max(n_in + 1, n_out)
        self.side = side
        self.P = np.zeros((side, side), self.dtype)
        self.P_T = np.zeros((side, side), self.dtype)
        self.h0 = np.zeros((self.chunk, n_rec), self.dtype)
        self.keep = self._rows(1.0 - model.leak)
        self.gain = self._rows(model.gain)
        self.work = [self._workspace() for _ in range(self.threads)]
        self.P_bars = np.zeros((self.chunks, side, side), self.dtype)
        self.omega_bars = np.zeros((self.chunks, side, side) if model.vanishing else (self.chunks, 0, 0), self.dtype)
        self.h0_bars = np.zeros((self.chunks, n_rec), self.dtype)
        self.losses = np.zeros((self.chunks, 4))
        self.pool: ThreadPoolExecutor | None = None
        self.kernel = kernels().rate if model.form == "rate" else kernels().current

    def __enter__(self) -> "Engine":
        single_blas_thread.__enter__()
        if self.threads > 1:
            self.pool = ThreadPoolExecutor(self.threads - 1, "minirnn")
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None
        single_blas_thread.__exit__()

    def _rows(self, per_unit: Array) -> Array:
        rows = np.zeros((self.chunk, self.side), self.dtype)
        rows[:, : self.n_rec] = per_unit
        return rows

    def _workspace(self) -> dict[str, Array]:
        T, C, W, O = self.T, self.chunk, self.side, self.n_out
        model = self.model
        rate = model.form == "rate"
        undriven = rate and bool(np.all(model.leak == 1.0) and np.all(model.gain == 1.0))  # the drive is the state itself
        shapes = {
            "s": (T + 1, C, W), "held": (0 if undriven else T if rate else 2, C, W), "z": (T, C, O), "z_bar": (T, C, O),
            "y": (C, W), "s_bar": (C, W), "y_bar": (max(1, CHUNK_ROWS // C), C, W), "h_bar": (C, W), "product": (W, W),
            "rate": (C, W), "g": (T + 1 if model.vanishing else 0, C, W),
        }  # fmt: skip
        return {name: np.zeros(shape, self.dtype) for name, shape in shapes.items()}

    def set_params(self, params: Params, h0: Array) -> None:
        """Pack the effective weights into P (kernels, 7); h0 (N,) is the initial state where it is not among the trained."""
        N, I, O = self.n_rec, self.n_in, self.n_out
        P = self.P
        P[:N, :N] = params.W_rec
        P[:N, N : N + I] = params.W_in
        P[N : N + O, :N] = params.W_out
        if params.b_rec is not None:
            P[:N, N + I] = params.b_rec
        if params.b_out is not None:
            P[N : N + O, N + I] = params.b_out
        np.copyto(self.P_T, P.T)
        self.h0[:] = h0 if params.h0 is None else params.h0

    def rows(self, batch: int, chunk: int) -> Array:
        """The positions in the batch that make up this chunk, -1 where it is filled up with empty trials."""
        positions = np.arange(chunk * self.chunk, (chunk + 1) * self.chunk)
        positions[positions >= batch] = -1
        return positions

    def loss_and_gradient(
        self, store: Store, index: Array, gradient: Flat, params: Params, noise_of: NoiseOf | None = None
    ) -> float:
        """Return the loss of the trials `index` of the store, and fill `gradient`: that to the effective weights `params`, which
        `set_params(params)` packed before."""
        N, I, O = self.n_rec, self.n_in, self.n_out
        model = self.model
        batch = len(index)
        chunks = -(-batch // self.chunk)
        M = store.mask_sum[index].sum()
        if M <= 0:
            raise ValueError("mask sums to 0 over this batch: no step of any trial would count")
        real = self.dtype.type
        if model.output == "softmax":
            M /= O  # a step counts once
        inverse_M = real(1.0 if model.reduction == "sum" else 1.0 / M)  # reference (6)
        per_state = 1.0 / (self.T * batch * N)
        padded = np.full(chunks * self.chunk, -1)
        padded[:batch] = index
        silent = no_noise(self.dtype)
        run = self.kernel.loss_and_gradient

        def share(worker: int) -> None:
            w = self.work[worker]
            for c in range(worker, chunks, self.threads):
                trials = padded[c * self.chunk : (c + 1) * self.chunk]
                noise = silent if noise_of is None else noise_of(c, (self.T, self.chunk, N))
                if model.rate_penalty:
                    w["rate"][:] = 0.0
                    w["rate"][trials >= 0, :N] = 2.0 * model.rate_penalty * per_state
                regulariser = () if model.form == "rate" else (w["g"], self.omega_bars[c])
                run(
                    self.losses[c], self.P_bars[c], self.h0_bars[c], w["s"], w["held"], w["z"], w["z_bar"], w["y"], w["s_bar"],
                    w["y_bar"], w["h_bar"], w["product"], store.x, store.target, store.mask, trials, self.h0, noise,
                    self.P, self.P_T, self.keep, self.gain, w["rate"], inverse_M, N, self.phi, self.output, self.truncate,
                    *regulariser,
                )  # fmt: skip

        self._share_out(share, chunks)
        P_bar = self.P_bars[0] if chunks == 1 else np.add.reduce(self.P_bars[:chunks], axis=0)
        g = gradient.params
        g.W_rec[:] = P_bar[:N, :N]
        g.W_in[:] = P_bar[:N, N : N + I]
        g.W_out[:] = P_bar[N : N + O, :N]
        if g.b_rec is not None:
            g.b_rec[:] = P_bar[:N, N + I]
        if g.b_out is not None:
            g.b_out[:] = P_bar[N : N + O, N + I]
        if g.h0 is not None:
            g.h0[:] = np.add.reduce(self.h0_bars[:chunks], axis=0)
        error, squares, apart, counted = self.losses[:chunks].sum(axis=0)
        loss = float(error + model.rate_penalty * squares * per_state)
        if model.vanishing and counted:
            loss += float(model.vanishing * apart / counted)  # reference (14)
            omega_bar = np.add.reduce(self.omega_bars[:chunks, :N, :N], axis=0)
            g.W_rec[:] += real(model.vanishing / counted) * omega_bar  # reference (14*)
        if model.l2:
            for W, W_bar in ((params.W_in, g.W_in), (params.W_rec, g.W_rec), (params.W_out, g.W_out)):
                loss += model.l2 * float((W.astype(np.float64) ** 2).sum())  # reference (8)
                W_bar += real(2.0 * model.l2) * W  # reference (8*)
        return loss

    def _share_out(self, share: Callable[[int], None], chunks: int) -> None:
        """Call share(0) here and share(1), share(2), .. on the pool, as many as have a chunk, and wait for all."""
        others = []
        if self.pool is not None:
            others = [self.pool.submit(share, worker) for worker in range(1, min(self.threads, chunks))]
        try:
            share(0)
        finally:
            for other in others:
                other.result()

    def run(self, h: Array, z: Array, x: Array, h0: Array, noise: Array | None) -> None:
        """Fill h (T+1, B, N) and z (T, B, O) from x (T, B, I), h0 (B, N) and noise (T, B, N)."""
        w = self.work[0]
        batch = x.shape[1]
        store = np.ascontiguousarray(x.transpose(1, 0, 2))
        start = np.zeros((self.chunk, self.n_rec), self.dtype)
        padded_noise = no_noise(self.dtype) if noise is None else np.zeros((self.T, self.chunk, self.n_rec), self.dtype)
        rate = self.model.form == "rate"
        held = w["held"] if rate else np.zeros_like(w["s"])  # all currents are wanted
        for c in range(-(-batch // self.chunk)):
            trials = self.rows(batch, c)
            here = slice(c * self.chunk, min((c + 1) * self.chunk, batch))
            live = here.stop - here.start
            start[:live] = h0[here]
            if noise is not None:
                padded_noise[:, :live] = noise[:, here]
            self.kernel.rollout(
                w["s"], held, w["z"], w["y"], store, trials, start, padded_noise, self.P_T, self.keep, self.gain,
                self.n_rec, self.phi,
            )  # fmt: skip
            h[:, here] = (w["s"] if rate else held)[:, :live, : self.n_rec]
            z[:, here] = w["z"][:, :live]
