"""The engine: cuts a batch into chunks of trials, runs each through the compiled kernels on a thread pool, adds up in fixed order.

The only room that touches the compiled kernels. `kernels()` loads them at first use and says so when they must be compiled.

Bits do not depend on the number of threads: which trials share a chunk depends on N and the batch alone, the last chunk is
filled up with empty trials, and the chunks' gradients are added in their order.
"""

import math
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
Fill = Callable[[int, Array], None]  # (t0, out (S, C, N)): the scaled noise of the steps t0, t0 + 1, ..
NoiseOf = Callable[[int], Fill]  # of a chunk


class Kernels(NamedTuple):
    """The compiled functions."""

    dynamics: Any
    loss: Any
    adam: Any


_importing = threading.Lock()  # numba's own modules import each other lazily and fail where two threads come first at once


def kernels() -> Kernels:
    """Import numba and the kernels, once. Says on stderr when a kernel is compiled rather than read from the disk cache."""
    with _importing:
        return _kernels()


@cache
def _kernels() -> Kernels:
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
    from .kernels import adam, dynamics, loss

    return Kernels(dynamics, loss, adam)


def cache_folder() -> str | None:
    """Where the compiled kernels are kept on disk; None where they are not."""
    stats = getattr(kernels().dynamics.rollout, "stats", None)  # a plain function without the compiler
    return None if stats is None else stats.cache_path


def cpu_type() -> str:
    """The processor as the compiler names it, "znver3" say: the kernels' bits are those of one CPU type."""
    from llvmlite.binding import get_host_cpu_name

    return str(get_host_cpu_name())


class _SingleBlasThread:
    """BLAS on one thread while any block is inside, so that bits do not depend on a number of threads (the kernels call no BLAS,
    what draws weights does). Blocks on several threads may overlap; the last one out restores what was."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.limiter: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                from threadpoolctl import threadpool_limits

                self.limiter = threadpool_limits(1, user_api="blas")  # of the libraries that are loaded by now
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
    """Trials per chunk: a multiple of the rows that a product sums at once (kernels, `ROWS`). Larger networks want more of them
    for each time that their weights are read."""
    return 16 if n_rec <= 240 else 32


SEGMENT_ROWS = 96  # rows (steps times trials) in one product of the weight gradient: what stays in the innermost cache
SERIAL_FLOPS = 4e6  # a batch with less work than this is done before a second thread has woken up


def row_length(n_in: int, n_rec: int, n_out: int, itemsize: int) -> int:
    """W, the columns of a trial's row: N + max(I + 1, O) rounded up to half panels (kernels), at least a panel."""
    half = 32 // itemsize
    W = max(2, -(-(n_rec + max(n_in + 1, n_out)) // half)) * half
    return W + half if W * itemsize % 1024 == 0 else W  # rows that far apart would share one set of the cache


def segment_steps(chunk: int) -> int:
    """L, the steps whose shares of the weight gradients are added at once."""
    return max(1, SEGMENT_ROWS // chunk)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros that start at a cache line."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


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
        self.ends = np.array([part.stop for part in self.slices.values()], np.int64)
        self.params = Params(*views)  # type: ignore[arg-type]


class Engine:
    """Runs one shape of network on batches of up to `batch` trials of T steps; the workspace is made once.

    model: the constants of `minirnn.reference`. threads: None for all CPUs; truncate: 0, or the steps after which
    back-propagation ends. recompute: 0, or about how many steps' states are kept at once: of the others every so-manieth is, and
    those between are computed again on the way back, to the same bits.
    Use it in a `with` block: its threads end with it.
    """

    def __init__(
        self, n_in: int, n_rec: int, n_out: int, T: int, batch: int, *,
        dtype: Any, model: Model, threads: int | None = 1, truncate: int = 0, recompute: int = 0,
    ) -> None:  # fmt: skip
        self.n_in, self.n_rec, self.n_out, self.T = n_in, n_rec, n_out, T
        self.dtype = np.dtype(dtype)
        self.model, self.truncate = model, truncate
        self.form = ("rate", "current").index(model.form)
        self.phi, self.output = ACTIVATIONS.index(model.phi), OUTPUTS.index(model.output)
        self.chunk = min(chunk_trials(n_rec), batch)
        self.chunks = -(-batch // self.chunk)
        if 6.0 * batch * T * n_rec * (n_rec + n_in + n_out) < SERIAL_FLOPS:
            threads = 1
        self.threads = min(available_threads() if threads is None else threads, self.chunks)
        self.W = row_length(n_in, n_rec, n_out, self.dtype.itemsize)
        self.segment = segment_steps(self.chunk)
        span = -(-recompute // self.segment) * self.segment if recompute else T
        self.blocks = [(t, min(t + span, T)) for t in range(0, T, span)]
        self.span = min(span, T)
        self.driven = model.form == "rate" and not bool(np.all(model.leak == 1.0) and np.all(model.gain == 1.0))
        self.P = self._array(self.W, self.W)
        self.forward, self.backward = self._array(self.W * self.W), self._array(self.W * self.W)  # (kernels, `pack`)
        self.h0 = self._array(self.chunk, self.W)
        self.keep = self._rows(1.0 - model.leak)
        self.gain = self._rows(model.gain)
        self.units = self._rows(np.ones(n_rec))
        self.absent = self._array(0)
        self.silent = np.zeros((0, 0, 0), self.dtype)
        self.work = [{name: self._array(*shape) for name, shape in self.shapes().items()} for _ in range(self.threads)]
        self.P_bars = self._array(self.chunks, self.W, self.W)
        self.omega_bars = self._array(self.chunks, *((self.W, self.W) if model.vanishing else (0, 0)))
        self.h0_bars = self._array(self.chunks, n_rec)
        self.losses = np.zeros((self.chunks, 4))
        self.pool: ThreadPoolExecutor | None = None
        self.kernels = kernels()

    def __enter__(self) -> "Engine":
        if self.threads > 1:
            self.pool = ThreadPoolExecutor(self.threads - 1, "minirnn")
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None

    def _array(self, *shape: int) -> Array:
        return aligned(shape, self.dtype)

    def _rows(self, per_unit: Array) -> Array:
        rows = self._array(self.chunk, self.W)
        rows[:, : self.n_rec] = per_unit
        return rows

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The workspace of one thread, which is nearly all the memory: (S + 1) C W numbers, as many again for the drive of the rate
        form with a leak, and with recompute one state per block; noise is added to it where there is some."""
        T, S, C, W, O, L = self.T, self.span, self.chunk, self.W, self.n_out, self.segment
        return {
            "s": (S + 1, C, W), "drive": (S if self.driven else 0, C, W), "h": (2 * self.form, C, W),
            "kept": (len(self.blocks) + 1, C, W), "z": (T, C, O), "z_bar": (T, C, O), "y": (C, W), "s_bar": (C, W),
            "h_bar": (C, W), "y_bar": (L, C, W), "back": (L if self.model.vanishing else 0, C, W), "rate": (C, W),
        }  # fmt: skip

    def set_params(self, params: Params, h0: Array) -> None:
        """Pack the effective weights (kernels, 7); h0 (N,) is the initial state where it is not among the trained."""
        b_rec, b_out = (self.absent if b is None else b for b in (params.b_rec, params.b_out))
        weights = (np.ascontiguousarray(W) for W in (params.W_in, params.W_rec, params.W_out))
        self.kernels.dynamics.pack(self.forward, self.backward, self.P, *weights, b_rec, b_out)
        self.h0[:, : self.n_rec] = h0 if params.h0 is None else params.h0

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
        N, O = self.n_rec, self.n_out
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

        def share(worker: int) -> None:
            for c in range(worker, chunks, self.threads):
                trials = padded[c * self.chunk : (c + 1) * self.chunk]
                self._chunk(c, self.work[worker], store, trials, None if noise_of is None else noise_of(c), inverse_M, per_state)

        self._share_out(share, chunks)
        g = gradient.params
        wanted = [self.absent if p is None else p for p in g]
        self.kernels.dynamics.unpack(*wanted, self.P_bars, self.h0_bars, chunks)
        error, squares, apart, counted = self.losses[:chunks].sum(axis=0).tolist()
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

    def _chunk(
        self, c: int, w: dict[str, Array], store: Store, trials: Array, fill: Fill | None, inverse_M: Any, per_state: float
    ) -> None:
        """One chunk from its inputs to its share of the loss and of the gradient, forth and back over the blocks of steps."""
        dynamics, N, penalty = self.kernels.dynamics, self.n_rec, self.model.rate_penalty
        losses = self.losses[c]
        if penalty:
            w["rate"][:] = 0.0
            w["rate"][trials >= 0, :N] = 2.0 * penalty * per_state
        w["kept"][0] = self.h0
        losses[1] = 0.0
        for block, (t0, t1) in enumerate(self.blocks):
            self._rollout(w, w["h"], store.x, trials, fill, block)
            if penalty:
                losses[1] = dynamics.sum_of_squares(losses[1], w["s"], trials, N, t1 - t0)
        losses[0] = self.kernels.loss.loss(w["z_bar"], w["z"], store.target, store.mask, trials, inverse_M, self.output)
        for block, (t0, t1) in reversed(list(enumerate(self.blocks))):
            if t1 < self.T:
                self._rollout(w, w["h"], store.x, trials, fill, block)
            dynamics.rollout_adjoint(
                self.P_bars[c], self.omega_bars[c], losses, w["h_bar"], w["s_bar"], w["y"], w["y_bar"], w["back"], w["s"],
                w["drive"], w["z_bar"], self.P, self.backward, self.keep, self.gain, w["rate"], self.units, N, self.n_in, t0, t1,
                self.form, self.phi, self.truncate,
            )  # fmt: skip
        dynamics.sum_over_trials(self.h0_bars[c], w["h_bar"])

    def _rollout(self, w: dict[str, Array], h: Array, x: Array, trials: Array, fill: Fill | None, block: int) -> None:
        """The steps of this block, from its kept first state on."""
        t0, t1 = self.blocks[block]
        noise = self.silent
        if fill is not None:
            if "noise" not in w:
                w["noise"] = self._array(self.span, self.chunk, self.n_rec)
            noise = w["noise"][: t1 - t0]
            fill(t0, noise)
        self.kernels.dynamics.rollout(
            w["s"], w["drive"], h, w["kept"][block], w["kept"][block + 1], w["z"], w["y"], x, trials, noise, self.forward,
            self.keep, self.gain, self.n_rec, t0, t1, self.form, self.phi,
        )  # fmt: skip

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

    def run(self, h: Array | None, z: Array, x: Array, h0: Array, noise: Array | None) -> None:
        """Fill h (T+1, B, N), unless it is None, and z (T, B, O) from x (T, B, I), h0 (B, N) and noise (T, B, N)."""
        w, N, batch = self.work[0], self.n_rec, x.shape[1]
        store = np.ascontiguousarray(x.transpose(1, 0, 2))
        current = np.zeros_like(w["s"]) if self.form and h is not None else w["h"]  # the current form's states, all of them
        states = current if self.form else w["s"]
        for c in range(-(-batch // self.chunk)):
            trials = self.rows(batch, c)
            here = slice(c * self.chunk, min((c + 1) * self.chunk, batch))
            live = here.stop - here.start

            def fill(t0: int, out: Array, here: slice = here, live: int = live) -> None:
                assert noise is not None
                out[:, live:] = 0.0
                out[:, :live] = noise[t0 : t0 + len(out), here]

            w["kept"][0] = 0.0
            w["kept"][0, :live, :N] = h0[here]
            for block, (t0, t1) in enumerate(self.blocks):
                self._rollout(w, current, store, trials, None if noise is None else fill, block)
                if h is not None:
                    h[t0 : t1 + 1, here] = states[: t1 - t0 + 1, :live, :N]
            z[:, here] = w["z"][:, :live]
