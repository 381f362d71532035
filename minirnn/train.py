"""`train`: draw trials, loss and gradient, Adam, history; epoch after epoch.

All randomness is counted (`minirnn.randomness`): the run draws one seed, and each later draw has an address of purpose, epoch,
batch and chunk, so that the bits of a run do not depend on the number of threads.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from .engine import Flat, Store
from .network import Network
from .optimizer import Adam, AdamState, clip, norms, update
from .randomness import DATA, FRESH, NOISE, SHUFFLE, VALIDATION, as_generator, counted, draw_run_seed
from .tasks.measures import distance
from .trials import Trials

Array = np.ndarray[Any, Any]
Callback = Callable[[int, Network, "History"], bool | None]


class Task(Protocol):
    """What `train` asks of a task."""

    @property
    def protocol(self) -> Any: ...

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials: ...


class History(NamedTuple):
    """One entry per complete epoch."""

    loss: Array  # mean over the epoch's trials, each taken before its update
    validation_distance: Array  # mean distance of the held-out trials, at the epoch's end
    gradient_norm: Array  # mean over the epoch's updates, before clipping
    learning_rate: Array  # of the epoch's last update
    seconds: Array  # wall time of the epoch


@dataclass(frozen=True)
class Result:
    """The last network, the best one (lowest validation distance at an epoch's end), the history, and why training ended."""

    network: Network
    best: Network
    history: History
    stopped: str


class Diverged(FloatingPointError):
    """Training met a loss or gradient that is not finite. `result` is what there was before that update."""

    def __init__(self, message: str, update: int, array: str, norms: dict[str, float], result: Result) -> None:
        super().__init__(message)
        self.update, self.array, self.norms, self.result = update, array, norms, result


def train(
    net: Network, data: Task | Trials, *, optimizer: Adam | None = None, epochs: int | None = None, batch: int | None = None,
    samples: int | None = None, fresh: bool = False, stop_below: float | None = None, validation: Trials | int | None = None,
    rng: np.random.Generator | int, threads: int | None = None, progress: bool = True, callback: Callback | None = None,
) -> Result:  # fmt: skip
    """Train a copy of `net` on a task or on given Trials, and return a Result; `net` is not changed.

    data: a task, whose `protocol` says what is left None here; or Trials, for which `epochs` must be given, `batch` is at most
    64, `optimizer` Adam() and `stop_below` off by default.
    optimizer: Adam. epochs, batch: how often each trial is seen, how many at once. samples: training trials of a task, drawn
    once and shuffled each epoch; with fresh=True new trials are drawn for each batch instead, `samples` of them per epoch.
    stop_below: end after an epoch whose mean loss is smaller (0: never).
    validation: Trials, or how many a task's held-out trials are (50 by default); for Trials as data the training trials
    themselves are judged unless Trials are given. State noise (`net.noise`) acts in training, not in validation.
    rng: Generator or seed, from which one seed of the run is drawn. threads: None for all CPUs; the bits do not depend on it.
    progress: a bar on a terminal, a line per epoch elsewhere. callback(epoch, network, history), epoch = 1, 2, .., after each
    epoch, with a copy of the network; returning True ends training.

    Ctrl-C ends training after the running update and returns what was learnt so far (a second one interrupts at once).
    Raises Diverged, which holds the result so far, when the loss or a gradient is not finite; ValueError or TypeError for
    arguments that do not fit.
    """
    plan = _plan(net, data, optimizer, epochs, batch, samples, fresh, stop_below, validation, threads)
    run_seed = draw_run_seed(as_generator(rng))
    source = _Source(net, data, plan, run_seed)
    validation_trials = source.validation()
    theta = Flat(net.params, net.dtype)
    gradient = Flat(net.params, net.dtype)
    state = AdamState.zero(theta)
    records: list[tuple[float, ...]] = []
    best, best_distance = net.copy(), math.inf
    stopped = f"all {plan.epochs} epochs done"

    def current() -> Network:
        return net.with_params(theta.params)

    def history() -> History:
        columns = np.array(records, dtype=np.float64).reshape(len(records), len(History._fields)).T
        return History(*(column.copy() for column in columns))

    bar = _Progress(progress, plan.epochs, plan.batches)
    with _ctrl_c() as interrupted, net.engine(source.T, plan.batch, plan.threads) as engine, bar:
        for epoch in range(1, plan.epochs + 1):
            began = time.perf_counter()
            loss_sum, norm_sum = 0.0, 0.0
            order = source.order(epoch)
            for number in range(plan.batches):
                store, index = source.batch(epoch, number, order)
                engine.set_params(theta.params, net.h0)
                loss = engine.loss_and_gradient(store, index, gradient, theta.params, source.noise_of(epoch, number))
                found = norms(gradient)
                norm = math.hypot(*found.values())
                if not (math.isfinite(loss) and math.isfinite(norm)):
                    _raise_diverged(loss, state, theta, found, Result(current(), best, history(), "diverged"))
                clip(gradient, found, plan.optimizer)
                update(theta, gradient, state, plan.optimizer)
                loss_sum += loss * len(index)
                norm_sum += norm
                bar.step(epoch, loss)
                if interrupted.is_set():
                    break
            if interrupted.is_set() and number + 1 < plan.batches:
                stopped = f"interrupted in epoch {epoch}, after update {number + 1} of its {plan.batches}"
                break
            network = current()
            held_out = float(distance(network.run(validation_trials.x)[1], validation_trials).mean())
            lr = plan.optimizer.learning_rate(state.updates - 1)
            mean_loss = loss_sum / plan.samples
            records.append((mean_loss, held_out, norm_sum / plan.batches, lr, time.perf_counter() - began))
            if held_out < best_distance:
                best, best_distance = network, held_out
            bar.epoch(epoch, mean_loss, held_out)
            if callback is not None and callback(epoch, network.copy(), history()):
                stopped = f"the callback ended it after epoch {epoch}"
                break
            if mean_loss < plan.stop_below:
                stopped = f"the loss {mean_loss:.3g} of epoch {epoch} is below {plan.stop_below:g}"
                break
            if interrupted.is_set():
                stopped = f"interrupted after epoch {epoch}"
                break
    return Result(current(), best if records else current(), history(), stopped)


# ---- what is to be done


class _Plan(NamedTuple):
    """The arguments of `train`, checked, with nothing left to the protocol."""

    optimizer: Adam
    epochs: int
    batch: int
    batches: int  # per epoch
    samples: int  # per epoch
    fresh: bool
    stop_below: float
    validation: Trials | int | None
    threads: int | None


def _count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _plan(
    net: Network, data: Any, optimizer: Adam | None, epochs: int | None, batch: int | None, samples: int | None, fresh: bool,
    stop_below: float | None, validation: Any, threads: int | None,
) -> _Plan:  # fmt: skip
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    if optimizer is not None and not isinstance(optimizer, Adam):
        raise TypeError(f"optimizer must be Adam or None, got {type(optimizer).__name__}")
    if isinstance(data, Trials):
        if epochs is None:
            raise ValueError("epochs must be given when data are Trials: they have no protocol")
        if fresh:
            raise ValueError("fresh=True needs a task to draw from, got Trials")
        if samples not in (None, len(data)):
            raise ValueError(f"samples must be None or the number of the Trials, {len(data)}, got {samples}")
        if validation is not None and not isinstance(validation, Trials):
            raise TypeError(f"validation must be Trials or None when data are Trials, got {validation!r}")
        samples, batch = len(data), min(64, len(data)) if batch is None else batch
        optimizer = Adam() if optimizer is None else optimizer
    elif hasattr(data, "trials") and hasattr(data, "protocol"):
        p = data.protocol
        optimizer = Adam(lr=p.lr, decay=p.decay) if optimizer is None else optimizer
        epochs = p.epochs if epochs is None else epochs
        batch = p.batch if batch is None else batch
        samples = p.samples if samples is None else samples
        stop_below = p.stop_below if stop_below is None else stop_below
        if not isinstance(validation, Trials):
            validation = p.held_out if validation is None else _count("validation", validation)
    else:
        raise TypeError(f"data must be a task or Trials, got {type(data).__name__}")
    samples = _count("samples", samples)
    batch = min(_count("batch", batch), samples)
    if isinstance(validation, Trials):
        net.check(validation)
    stop_below = 0.0 if stop_below is None else float(stop_below)
    if not (math.isfinite(stop_below) and stop_below >= 0):
        raise ValueError(f"stop_below must be 0 or positive, got {stop_below}")
    threads = None if threads is None else _count("threads", threads)
    epochs, batches = _count("epochs", epochs), -(-samples // batch)
    return _Plan(optimizer, epochs, batch, batches, samples, bool(fresh), stop_below, validation, threads)


class _Source:
    """Where batches, their state noise and the held-out trials come from; every draw has its address."""

    def __init__(self, net: Network, data: Any, plan: _Plan, run_seed: int) -> None:
        self.net, self.data, self.plan, self.run_seed = net, data, plan, run_seed
        self.fixed: Store | None = None
        if plan.fresh:
            self.T = self._draw(1, DATA).x.shape[0]
        else:
            trials = data if isinstance(data, Trials) else self._draw(plan.samples, DATA)
            net.check(trials)
            self.T = trials.x.shape[0]
            self.fixed = Store.of(trials, net.dtype)
        self.noise_scale = (net.noise * np.sqrt(2.0 / net.leak)).astype(net.dtype)

    def _draw(self, n: int, purpose: int, epoch: int = 0, batch: int = 0) -> Trials:
        trials: Trials = self.data.trials(n, counted(self.run_seed, purpose, epoch, batch))
        self.net.check(trials)
        return trials

    def validation(self) -> Trials:
        """The trials that the network is judged by at each epoch's end."""
        if isinstance(self.plan.validation, Trials):
            return self.plan.validation
        if self.plan.validation is None:
            assert isinstance(self.data, Trials)
            return self.data
        return self._draw(self.plan.validation, VALIDATION)

    def order(self, epoch: int) -> Array:
        """The order in which this epoch takes the trials of a fixed set."""
        return counted(self.run_seed, SHUFFLE, epoch).permutation(self.plan.samples)

    def batch(self, epoch: int, number: int, order: Array) -> tuple[Store, Array]:
        """A store and which of its trials make up this batch."""
        chosen = order[number * self.plan.batch : (number + 1) * self.plan.batch]
        if self.fixed is not None:
            return self.fixed, chosen
        trials = self._draw(len(chosen), FRESH, epoch, number)
        return Store.of(trials, self.net.dtype), np.arange(len(chosen))

    def noise_of(self, epoch: int, number: int) -> Callable[[int, tuple[int, int, int]], Array] | None:
        """The state noise of each chunk of this batch (`Network.draw_noise`), drawn in the thread that uses it."""
        if not self.net.noise:
            return None

        def draw(chunk: int, shape: tuple[int, int, int]) -> Array:
            noise: Array = counted(self.run_seed, NOISE, epoch, number, chunk).standard_normal(shape, self.net.dtype)
            noise *= self.noise_scale
            return noise

        return draw


def _raise_diverged(loss: float, state: AdamState, theta: Flat, found: dict[str, float], result: Result) -> None:
    """Raise Diverged with the update, the first array whose gradient is not finite, and all norms."""
    array = next((name for name, norm in found.items() if not math.isfinite(norm)), "loss")
    weights = norms(theta)
    table = ", ".join(f"{name} {weights[name]:.3g} (gradient {found[name]:.3g})" for name in found)
    raise Diverged(
        f"training diverged at update {state.updates + 1}: the loss is {loss:.3g}, and "
        + (f"the gradient of {array} is not finite" if array != "loss" else "it is not finite")
        + f"; norms: {table}. A smaller lr, or Adam(clip=1.0), may help.",
        state.updates + 1, array, found, result,
    )  # fmt: skip


# ---- what the user sees


class _Progress:
    """A bar over all updates on a terminal, a line per epoch elsewhere, or nothing."""

    def __init__(self, shown: bool, epochs: int, batches: int) -> None:
        self.shown, self.epochs, self.batches = shown, epochs, batches
        self.bar: Any = None

    def __enter__(self) -> None:
        if self.shown and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.epochs * self.batches, unit="update", desc="training", dynamic_ncols=True)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, epoch: int, loss: float) -> None:
        if self.bar is not None:
            if self.bar.n % 10 == 0:
                self.bar.set_postfix_str(f"epoch {epoch}/{self.epochs}, loss {loss:.2e}", refresh=False)
            self.bar.update()

    def epoch(self, epoch: int, loss: float, held_out: float) -> None:
        line = f"epoch {epoch:3d}/{self.epochs}  loss {loss:.3e}  validation distance {held_out:.3f}"
        if self.bar is not None:
            self.bar.write(line, file=sys.stderr)
        elif self.shown:
            print(line, file=sys.stderr, flush=True)


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that training ends between two updates; the second one acts as ever."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # signals reach the main thread only
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
