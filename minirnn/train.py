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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from .checkpoint import Folder, digest, read_epoch
from .engine import Fill, Flat, NoiseOf, Store
from .files import PathLike
from .network import Network
from .optimizer import SGD, Adam, Optimizer, OptimizerState, clip, learning_rate, norms, of_protocol, update
from .randomness import DATA, FRESH, NOISE, SHUFFLE, VALIDATION, as_generator, counted, draw_run_seed
from .reference import Params
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
    validation_distance: Array  # mean masked distance of the held-out trials, at the epoch's end
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
    net: Network, data: Task | Trials, *, optimizer: Adam | SGD | None = None, epochs: int | None = None, batch: int | None = None,
    samples: int | None = None, fresh: bool | None = None, stop_below: float | None = None, validation: Trials | int | None = None,
    rng: np.random.Generator | int, checkpoint: PathLike | None = None, threads: int | None = None, progress: bool = True,
    callback: Callback | None = None, state: OptimizerState | None = None, truncate: int | None = None,
    recompute: int | None = None,
) -> Result:  # fmt: skip
    """Train a copy of `net` on a task or on given Trials, and return a Result; `net` is not changed.

    data: a task, whose `protocol` says what is left None here; or Trials, for which `epochs` must be given, `batch` is at most
    64, `optimizer` Adam() and `stop_below` off by default.
    optimizer: Adam or SGD. epochs, batch: how often each trial is seen, how many at once. samples: training trials of a task, drawn
    once and shuffled each epoch; with fresh=True (None: as the protocol has it) new trials
    are drawn for each batch instead, `samples` of them per epoch.
    stop_below: end after an epoch whose mean loss is smaller (0: never).
    validation: Trials, or how many a task's held-out trials are (50 by default); for Trials as data the training trials
    themselves are judged unless Trials are given. State noise (`net.noise`) acts in training, not in validation.
    rng: Generator or seed, from which one seed of the run is drawn. threads: None for all CPUs; the bits do not depend on it.
    checkpoint: a folder that keeps the run after each epoch, epoch 0 being untrained (`minirnn.checkpoint`). The same call
    with the same folder goes on at the last complete epoch and ends with the same bits as a run left alone; where the run has
    ended it returns the result at once.
    progress: a bar on a terminal, a line per epoch elsewhere. callback(epoch, network, history), epoch = 1, 2, .., after each
    epoch, with a copy of the network; returning True ends training.
    state: moments and updates of Adam to start from, of a network that was trained before; zeros by default.
    truncate: None, or a number of steps: train with truncated back-propagation through time (`Network.loss_and_gradient`).
    recompute: None, or a number of steps: keep about every so-manieth state and compute the others again on the way back, for long
    trials; it changes no bit (`Network.loss_and_gradient`).

    Ctrl-C ends training after the running update and returns what was learnt so far (a second one interrupts at once).
    Raises Diverged, which holds the result so far, when the loss or a gradient is not finite; ValueError or TypeError for
    arguments that do not fit, or a folder that holds another run; BlockingIOError where another process trains in the folder.
    """
    from .tasks.measures import distance  # here, so that `import minirnn` does not make forty tasks

    plan = _plan(net, data, optimizer, epochs, batch, samples, fresh, stop_below, validation, threads, truncate, recompute)
    run = _Run(net, state)
    run_seed = draw_run_seed(as_generator(rng))
    settings = _settings(net, data, plan, run)
    stopped = ""
    with ExitStack() as stack:
        folder = None if checkpoint is None else stack.enter_context(Folder(checkpoint, settings, run_seed))
        if folder is not None:
            run.go_on(folder)
            ended = folder.finished()
            if ended is not None:
                return run.result(ended)
        source = _Source(net, data, plan, run_seed)
        validation_trials = source.validation()
        gradient = Flat(net.params, net.dtype)
        interrupted = stack.enter_context(_ctrl_c())
        engine = stack.enter_context(net.engine(source.T, plan.batch, plan.threads, plan.truncate, plan.recompute))
        bar = stack.enter_context(_Progress(progress, plan.epochs, plan.batches, len(run.records)))
        for epoch in range(len(run.records) + 1, plan.epochs + 1):
            if run.records and run.records[-1][0] < plan.stop_below:
                stopped = f"the loss {run.records[-1][0]:.3g} of epoch {epoch - 1} is below {plan.stop_below:g}"
                break
            began = time.perf_counter()
            loss_sum, norm_sum = 0.0, 0.0
            order = source.order(epoch)
            for number in range(plan.batches):
                if interrupted.is_set():
                    within = f"in epoch {epoch}, after {number} of its {plan.batches} updates"
                    return run.result(f"interrupted {within if number else f'after epoch {epoch - 1}'}")
                store, index = source.batch(epoch, number, order)
                weights = net.effective(run.theta.params)
                engine.set_params(weights, net.h0)
                loss = engine.loss_and_gradient(store, index, gradient, weights, source.noise_of(epoch, number))
                if net.constraint is not None:
                    net.constraint.adjoint(gradient.params, run.theta.params)
                found = norms(gradient)
                norm = math.hypot(*found.values())
                if not (math.isfinite(loss) and math.isfinite(norm)):
                    raise _diverged(loss, found, run)
                clip(gradient, found, plan.optimizer)
                update(run.theta, run.m, run.v, gradient, run.updates, plan.optimizer)
                if net.constraint is not None:
                    net.constraint.project(run.theta.params)
                run.updates += 1
                loss_sum += loss * len(index)
                norm_sum += norm
                bar.step(epoch, loss)
            network = run.network()
            held_out = float(distance(network.outputs(validation_trials.x), validation_trials, masked=True).mean())
            lr = learning_rate(plan.optimizer, run.updates - 1)
            mean_loss = loss_sum / plan.samples
            run.keep((mean_loss, held_out, norm_sum / plan.batches, lr, time.perf_counter() - began), network)
            if folder is not None:
                folder.write(epoch, network, run.state(), np.array(run.records))
            bar.epoch(epoch, mean_loss, held_out)
            if callback is not None and callback(epoch, network.copy(), run.history()):
                stopped = f"the callback ended it after epoch {epoch}"
                break
        else:
            stopped = f"all {plan.epochs} epochs done"
            if run.records[-1][0] < plan.stop_below:
                stopped = f"the loss {run.records[-1][0]:.3g} of epoch {plan.epochs} is below {plan.stop_below:g}"
        if folder is not None:
            folder.finish(stopped)
    return run.result(stopped)


def warm_up(dtype: Any) -> None:
    """Compile, or load from the disk cache, all that training in this dtype calls."""
    net = Network.random(1, 2, 1, dtype=dtype, rng=0)
    train(net, Trials(np.zeros((1, 1, 1)), np.zeros((1, 1, 1))), epochs=1, rng=0, progress=False)


class _Run:
    """What training changes: parameters, moments, the count of updates, a record per epoch, the best network so far."""

    def __init__(self, net: Network, state: OptimizerState | None) -> None:
        self.net = net
        self.theta = Flat(net.params, net.dtype)
        zeros = Params(*[None if p is None else np.zeros_like(p) for p in net.params])  # type: ignore[arg-type]
        state = OptimizerState(zeros, zeros, 0) if state is None else _checked(state, net)
        self.m, self.v, self.updates = Flat(state.m, net.dtype), Flat(state.v, net.dtype), state.updates
        self.records: list[tuple[float, ...]] = []
        self.best, self.best_distance = net.copy(), math.inf

    def network(self) -> Network:
        """A copy of the network as it is now."""
        return self.net.with_params(self.theta.params)

    def state(self) -> OptimizerState:
        """The optimiser as it is now."""
        return OptimizerState(self.m.params, self.v.params, self.updates)

    def history(self) -> History:
        """A column per measure."""
        columns = np.array(self.records, dtype=np.float64).reshape(len(self.records), len(History._fields)).T
        return History(*(column.copy() for column in columns))

    def result(self, stopped: str) -> Result:
        """What there is now."""
        return Result(self.network(), self.best if self.records else self.network(), self.history(), stopped)

    def keep(self, record: tuple[float, ...], network: Network) -> None:
        """Add an epoch's record, and note the network if it is the best."""
        self.records.append(record)
        if record[1] < self.best_distance:
            self.best, self.best_distance = network, record[1]

    def go_on(self, folder: Folder) -> None:
        """Take over the last complete epoch of the folder, or keep epoch 0 there."""
        newest = folder.newest()
        if newest is None:
            folder.write(0, self.net, self.state(), np.zeros((0, len(History._fields))))
            return
        number, epoch = newest
        shapes = [[None if p is None else (p.shape, p.dtype) for p in params] for params in (epoch.network.params, self.net.params)]
        if shapes[0] != shapes[1] or epoch.history.shape != (number, len(History._fields)):
            raise ValueError(f"{folder.file(number)} is not a checkpoint of this run: its arrays have other shapes")
        self.theta = Flat(epoch.network.params, self.net.dtype)
        self.m, self.v = Flat(epoch.state.m, self.net.dtype), Flat(epoch.state.v, self.net.dtype)
        self.updates = epoch.state.updates
        self.records = [tuple(row) for row in epoch.history.tolist()]
        if self.records:
            best = int(np.argmin(epoch.history[:, 1])) + 1
            self.best = epoch.network if best == number else read_epoch(folder.file(best)).network
            self.best_distance = self.records[best - 1][1]


def _checked(state: OptimizerState, net: Network) -> OptimizerState:
    """The state, or an error where it does not fit the network."""
    if not isinstance(state, OptimizerState):
        raise TypeError(f"state must be OptimizerState or None, got {type(state).__name__}")
    for letter, moments in (("m", state.m), ("v", state.v)):
        for name, a, p in zip(Params._fields, moments, net.params, strict=True):
            if (None if a is None else a.shape) != (None if p is None else p.shape):
                raise ValueError(f"state.{letter}.{name} does not fit the network's {name}")
            if a is not None and not np.isfinite(a).all():
                raise ValueError(f"state.{letter}.{name} must be finite")
    if state.updates < 0:
        raise ValueError(f"state.updates must be 0 or more, got {state.updates}")
    return state


# ---- what is to be done


class _Plan(NamedTuple):
    """The arguments of `train`, checked, with nothing left to the protocol."""

    optimizer: Optimizer
    epochs: int
    batch: int
    batches: int  # per epoch
    samples: int  # per epoch
    fresh: bool
    stop_below: float
    validation: Trials | int | None
    threads: int | None
    truncate: int | None
    recompute: int | None


def _count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _plan(
    net: Network, data: Any, optimizer: Optimizer | None, epochs: int | None, batch: int | None, samples: int | None,
    fresh: bool | None, stop_below: float | None, validation: Any, threads: int | None, truncate: int | None,
    recompute: int | None,
) -> _Plan:  # fmt: skip
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    if optimizer is not None and not isinstance(optimizer, Adam | SGD):
        raise TypeError(f"optimizer must be Adam, SGD or None, got {type(optimizer).__name__}")
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
        optimizer = of_protocol(p) if optimizer is None else optimizer
        epochs = p.epochs if epochs is None else epochs
        batch = p.batch if batch is None else batch
        samples = p.samples if samples is None else samples
        fresh = p.fresh if fresh is None else fresh
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
    truncate = None if truncate is None else _count("truncate", truncate)
    recompute = None if recompute is None else _count("recompute", recompute)
    return _Plan(optimizer, epochs, batch, batches, samples, bool(fresh), stop_below, validation, threads, truncate, recompute)


def _settings(net: Network, data: Any, plan: _Plan, run: _Run) -> dict[str, Any]:
    """What makes a run, in words: two runs with equal settings and run_seed have the same bits."""

    def trials(given: Trials) -> str:
        return f"Trials {digest(given.x, given.target, given.mask)}"

    dale = None if net.dale is None else digest(*[part.S for part in net.constraint], net.constraint.W_rec.F)  # type: ignore[union-attr]
    constants = net.constants | {"tau": np.asarray(net.tau).tolist(), "dale": f"{net.dale!r} {dale}" if net.dale else None}
    state = (*run.m.params, *run.v.params)
    return {
        "network": digest(*net.params[:5], net.h0),
        **{f"network.{name}": value for name, value in constants.items()},
        "data": trials(data) if isinstance(data, Trials) else repr(data) if is_dataclass(data) else type(data).__qualname__,
        "optimizer": repr(plan.optimizer),
        "optimizer state": "zeros" if run.updates == 0 else f"{digest(*state)} after {run.updates} updates",
        "epochs": plan.epochs, "batch": plan.batch, "samples": plan.samples, "fresh": plan.fresh, "stop_below": plan.stop_below,
        "truncate": plan.truncate,
        "validation": trials(plan.validation) if isinstance(plan.validation, Trials) else plan.validation,
    }  # fmt: skip


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
        self.noise_scale = net.noise_scale.astype(net.dtype)

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

    def noise_of(self, epoch: int, number: int) -> NoiseOf | None:
        """The state noise of each chunk of this batch (`Network.draw_noise`), drawn in the thread that uses it."""
        if not self.net.noise:
            return None
        shared = self.net.noise_shared_across_batch

        def of_chunk(chunk: int) -> Fill:
            generator = counted(self.run_seed, NOISE, epoch, number, 0 if shared else chunk)  # shared: every chunk draws the same
            states: dict[int, Any] = {}

            def fill(t0: int, out: Array) -> None:
                if t0 in states:
                    generator.bit_generator.state = states[t0]  # the same once more
                else:
                    states[t0] = generator.bit_generator.state
                if shared:
                    out[:] = generator.standard_normal((len(out), 1, out.shape[2]), out.dtype)
                else:
                    generator.standard_normal(out.shape, out.dtype, out)
                out *= self.noise_scale

            return fill

        return of_chunk


def _diverged(loss: float, found: dict[str, float], run: _Run) -> Diverged:
    """Diverged with the update, the first array whose gradient is not finite, and all norms."""
    array = next((name for name, norm in found.items() if not math.isfinite(norm)), "loss")
    weights = norms(run.theta)
    table = ", ".join(f"{name} {weights[name]:.3g} (gradient {found[name]:.3g})" for name in found)
    number = run.updates + 1
    return Diverged(
        f"training diverged at update {number}: the loss is {loss:.3g}, and "
        + (f"the gradient of {array} is not finite" if array != "loss" else "it is not finite")
        + f"; norms: {table}. A smaller lr, or Adam(clip=1.0), may help.",
        number, array, found, run.result(f"diverged at update {number}"),
    )  # fmt: skip


# ---- what the user sees


class _Progress:
    """A bar over all updates on a terminal, a line per epoch elsewhere, or nothing."""

    def __init__(self, shown: bool, epochs: int, batches: int, done: int) -> None:
        self.shown, self.epochs, self.batches, self.done = shown, epochs, batches, done
        self.bar: Any = None

    def __enter__(self) -> "_Progress":
        if self.shown and self.done:
            print(f"going on after epoch {self.done}", file=sys.stderr, flush=True)
        if self.shown and sys.stderr.isatty():
            from tqdm import tqdm

            total, done = self.epochs * self.batches, self.done * self.batches
            self.bar = tqdm(total=total, initial=done, unit="update", desc="training", dynamic_ncols=True)
        return self

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
