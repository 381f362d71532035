"""Many networks: frozen descriptions of runs, trained on all cores or a cluster, one file each, so that no work is lost.

A `Run` says everything that makes a network: task, protocol, keywords of the network and of its training, and a seed. Its name is a
hash of all that, and `train_many` leaves a file of that name for each run in OUT/networks, written whole or not at all. What is
there is not trained again, so a study that was killed, lost a worker, or is run by several machines in one shared folder goes on
where it was; and studies that ask for the same networks share them. A run that was interrupted goes on at its last epoch
(`minirnn.checkpoint`, in OUT/unfinished until it is done). On one CPU type and set of versions the files have the same bits, for
any number of workers and interruptions; wall times, which never have, are apart in OUT/times. OUT/manifest.json tells versions,
CPU type, settings, seeds and hashes of all files.
"""

import hashlib
import json
import math
import os
import platform
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from .. import files
from ..checkpoint import digest
from ..engine import available_threads, cpu_type, single_blas_thread
from ..network import Network
from ..optimizer import SGD, Adam
from ..train import Diverged, History, train, warm_up

Array = np.ndarray[Any, Any]

TRAINING = ("epochs", "batch", "samples", "fresh", "stop_below", "validation", "truncate", "recompute")
DONE, BUSY, INTERRUPTED = "done", "busy", "interrupted"
PATIENCE = 3  # how often in a row a pool may lose a worker before anything is finished


@dataclass(frozen=True)
class Run:
    """A network that is to be trained, as plain values, which can be sent to another process.

    task: as for `train`. seed: of everything random, 0 or more. network: keywords of `Network.for_task`, without rng. optimizer:
    None for the protocol's. training: keywords of `train` among TRAINING. keep: the network at the end of the last epoch, or
    that of the epoch with the lowest validation distance.
    """

    task: Any
    seed: int
    network: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Adam | SGD | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    keep: Literal["last", "best"] = "last"

    def __post_init__(self) -> None:
        if not is_dataclass(self.task) or isinstance(self.task, type):
            raise TypeError(f"task must be a dataclass, whose fields tell runs apart, got {self.task!r}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer):
            raise TypeError(f"seed must be an integer, got {self.seed!r}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")
        unknown = sorted(set(self.training) - set(TRAINING))
        if unknown:
            raise ValueError(f"training may have {', '.join(TRAINING)}, got {', '.join(unknown)}")
        if self.keep not in ("last", "best"):
            raise ValueError(f'keep must be "last" or "best", got {self.keep!r}')
        self.name  # noqa: B018  a run that can not be described is refused here, not in a worker

    def description(self) -> dict[str, Any]:
        """All of it as JSON has it, the task's protocol included."""
        return {part.name: _described(part.name, getattr(self, part.name)) for part in fields(self)} | {
            "seed": f"{self.seed:032x}",
            "protocol": _described("protocol", self.task.protocol),
        }

    @property
    def name(self) -> str:
        """Task and hash of the description: the name of its file, without the ending."""
        text = json.dumps(self.description(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return f"{type(self.task).__name__}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def untrained(self) -> Network:
        """The network before training: the same bits at every call."""
        return self._start(np.random.default_rng(int(self.seed)))

    def _start(self, rng: np.random.Generator) -> Network:
        import scipy.linalg  # noqa: F401  whose BLAS is then there to be limited

        with single_blas_thread:
            return Network.for_task(self.task, rng=rng, **self.network)


def _described(name: str, value: Any) -> Any:
    """The value in terms of JSON; arrays by their fingerprints."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return float(value)
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return {"array": digest(value), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {str(key): _described(f"{name}.{key}", item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_described(f"{name}[{k}]", item) for k, item in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: _described(f"{name}.{part.name}", getattr(value, part.name)) for part in fields(value)}
        return {"class": type(value).__qualname__, **parts}
    raise TypeError(f"{name} must be made of numbers, text, arrays, dataclasses, lists and mappings, got {type(value).__name__}")


def ensemble(task: Any, n: int, *, seed: int = 0, **settings: Any) -> list[Run]:
    """`n` runs that differ in their seed alone; settings: fields of `Run`.

    The seeds come from SeedSequence(seed, spawn_key=(four words of the settings' hash, k)): ensembles that differ in anything are
    independent, and the first networks of a larger ensemble are those of a smaller one.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n must be a positive integer, got {n!r}")
    address = np.frombuffer(hashlib.sha256(Run(task, 0, **settings).name.encode()).digest()[:16], "<u4").tolist()
    words = [np.random.SeedSequence(seed, spawn_key=(*address, k)).generate_state(4) for k in range(n)]
    return [Run(task, int.from_bytes(w.astype("<u4").tobytes(), "little"), **settings) for w in words]


class Outcome(NamedTuple):
    """A trained network of an ensemble; its weights are read from the file when they are asked for."""

    run: Run
    path: Path
    loss: Array  # (epochs,), as in `History`
    validation_distance: Array  # (epochs,)
    gradient_norm: Array  # (epochs,)
    learning_rate: Array  # (epochs,)
    stopped: str  # why training ended
    seconds: float  # wall time of its training; NaN where nothing tells

    @property
    def last_loss(self) -> float:
        """The mean loss of the last epoch; NaN where the first one diverged."""
        return float(self.loss[-1]) if len(self.loss) else math.nan

    @property
    def network(self) -> Network:
        """What was kept of the training."""
        return Network.load(self.path)

    @property
    def untrained(self) -> Network:
        """The network before training."""
        return self.run.untrained()


def train_many(
    runs: Sequence[Run], executor: Executor | None = None, out: files.PathLike = ".", *, jobs: int | None = None,
    progress: bool = True,
) -> list[Outcome]:  # fmt: skip
    """Train all runs that have no file in `out` yet, and return the outcomes of all, in their order.

    executor: anything of `concurrent.futures`' kind, as Dask's `Client.get_executor()`, mpi4py's or loky's, whose workers see
    `out` under the same path and have the same versions; None for `jobs` processes here (None: one per CPU; 1: in this process).
    Each trains one network at a time on one thread. progress: a bar over networks on a terminal, lines elsewhere, on stderr.

    Scripts that start processes need `if __name__ == "__main__":`. Ctrl-C raises KeyboardInterrupt, once the workers have
    left their runs; the same call goes on. A run whose loss is not finite is an outcome, too (`stopped` says so).
    TypeError or ValueError for runs that are not, or a damaged file, which is named; RuntimeError where workers die again and
    again.
    """
    runs = list(runs)
    for k, run in enumerate(runs):
        if not isinstance(run, Run):
            raise TypeError(f"runs must be Run objects, got {type(run).__name__} at {k}")
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise ValueError(f"jobs must be None or a positive integer, got {jobs!r}")
    out = Path(out)
    for part in ("networks", "times", "unfinished"):
        (out / part).mkdir(parents=True, exist_ok=True)
    waiting = {run.name: run for run in runs}
    for name in [name for name in waiting if file_of(out, name).exists()]:
        _tidy(out, name)
        del waiting[name]
    if waiting:
        jobs = min(len(waiting), available_threads() if jobs is None else jobs)
        with _Progress(progress, len({run.name for run in runs}), len(waiting)) as bar:
            if executor is not None:
                _on(executor, waiting, out, bar)
            elif jobs == 1:
                _here(waiting, out, bar)
            else:
                _on_processes(jobs, waiting, out, bar)
    write_manifest(out)
    return [read_outcome(run, out) for run in runs]


def file_of(out: files.PathLike, name: str) -> Path:
    """Where the network of this name is, or will be."""
    return Path(out) / "networks" / f"{name}.npz"


def read_outcome(run: Run, out: files.PathLike) -> Outcome:
    """The outcome of a run that was trained; FileNotFoundError where it was not, ValueError for a damaged file."""
    path = file_of(out, run.name)
    found = files.read_npz(path, ("run", "loss", "validation_distance", "gradient_norm", "learning_rate", "stopped"))
    columns = [found.get(column, np.zeros(0, bool)) for column in ("loss", "validation_distance", "gradient_norm", "learning_rate")]
    sound = all(c.dtype == np.float64 and c.ndim == 1 for c in columns)
    texts = [found[name].item() if name in found and found[name].dtype.kind == "U" else None for name in ("run", "stopped")]
    if not sound or texts[1] is None or texts[0] != _text(run):
        raise ValueError(f"{path} does not hold the run that its name tells; delete it to train that again")
    times, seconds = Path(out) / "times" / f"{run.name}.json", math.nan
    if times.exists():
        told = files.read_json(times)
        seconds = float(told["seconds"]) if isinstance(told, dict) and isinstance(told.get("seconds"), float) else math.nan
    loss, validation_distance, gradient_norm, learning_rate = columns
    return Outcome(run, path, loss, validation_distance, gradient_norm, learning_rate, texts[1], seconds)


def train_one(run: Run, out: str) -> str:
    """What a worker does: train a run and leave its file. DONE, BUSY where another process is at it, or INTERRUPTED."""
    folder = Path(out)
    path, unfinished = file_of(folder, run.name), folder / "unfinished" / run.name
    if path.exists():
        return DONE
    rng = np.random.default_rng(int(run.seed))
    start = run._start(rng)
    began = time.perf_counter()
    try:
        result = train(
            start, run.task, optimizer=run.optimizer, rng=rng, checkpoint=unfinished, threads=1, progress=False, **run.training
        )
    except BlockingIOError:
        return BUSY
    except Diverged as error:
        result = error.result
        stopped = f"diverged: {error}"
    else:
        stopped = result.stopped
    if stopped.startswith("interrupted"):
        return INTERRUPTED
    # the epochs of earlier calls, too; or, of a run that ended within its first epoch, this call
    seconds = max(float(result.history.seconds.sum()), time.perf_counter() - began)
    network = result.best if run.keep == "best" else result.network
    arrays = network.arrays()
    if start.dale is None:
        arrays |= {f"{name}_initial": p for name, p in start.weights._asdict().items() if p is not None}
    history = {name: getattr(result.history, name) for name in History._fields if name != "seconds"}
    told = {"run": _text(run), "stopped": stopped, "made_with": json.dumps(versions())}
    files.write_npz(path, arrays | history | told)
    files.write_json(folder / "times" / f"{run.name}.json", {"seconds": seconds, "epochs": len(result.history.loss)})
    _tidy(folder, run.name)
    return DONE


def versions() -> dict[str, str]:
    """What the bits of a result may depend on."""
    from importlib.metadata import version

    return {"python": platform.python_version()} | {
        name: version(name) for name in ("minirnn", "numpy", "scipy", "numba")
    } | {"cpu": cpu_type()}  # fmt: skip


def write_manifest(out: files.PathLike) -> None:
    """OUT/manifest.json: of each file its hash, its run and what it was made with."""
    everything: dict[str, Any] = {}
    for path in sorted((Path(out) / "networks").glob("*.npz")):
        found = files.read_npz(path, ("run", "stopped", "made_with"))
        try:
            run, made_with = json.loads(found["run"].item()), json.loads(found["made_with"].item())
            stopped = found["stopped"].item()
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} is not a network of an ensemble: {error!r}") from error
        everything[path.name] = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "stopped": stopped, "run": run, "made_with": made_with,
        }  # fmt: skip
    files.write_json(Path(out) / "manifest.json", everything)


def _text(run: Run) -> str:
    return json.dumps(run.description(), sort_keys=True)


def _tidy(out: Path, name: str) -> None:
    """Remove the checkpoints of a run that has its file."""
    shutil.rmtree(out / "unfinished" / name, ignore_errors=True)


# ---- where runs are trained


def _here(waiting: dict[str, Run], out: Path, bar: "_Progress") -> None:
    while waiting:
        for name, run in list(waiting.items()):
            status = train_one(run, str(out))
            if status == INTERRUPTED:
                raise KeyboardInterrupt
            if status == DONE:
                del waiting[name]
                bar.finished(name)
        _wait_for_others(waiting, out, bar)


def _on_processes(jobs: int, waiting: dict[str, Run], out: Path, bar: "_Progress") -> None:
    """A pool of our own, made anew where a worker was lost."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    warm_up(np.float32)  # here, once, lest all workers compile at the same time
    lost = 0
    while waiting:
        before, others = len(waiting), set(active_children())
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_in_a_worker)
        try:
            _on(pool, waiting, out, bar)
        except BrokenProcessPool as error:
            lost = lost + 1 if len(waiting) == before else 1
            if lost == PATIENCE:
                raise RuntimeError(
                    f"a worker died {lost} times and no network was finished, the memory may not suffice for {jobs} at once: "
                    "the same call with fewer jobs goes on"
                ) from error
            print("minirnn: a worker was lost, its network goes on at its last epoch", file=sys.stderr, flush=True)
        except BaseException:
            for worker in set(active_children()) - others:
                if worker.pid is not None:
                    os.kill(worker.pid, signal.SIGINT)  # where this process alone was told to end: they leave after an update
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_a_worker() -> None:
    """Between runs Ctrl-C, which reaches a whole group of processes, must not kill a worker; within one training handles it. And
    a worker must not outlive the process that wants its results."""
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)  # files are whole or not there

    threading.Thread(target=follow, daemon=True).start()


def _on(executor: Executor, waiting: dict[str, Run], out: Path, bar: "_Progress") -> None:
    """Submit what waits, until nothing does."""
    while waiting:
        futures = {executor.submit(train_one, run, str(out.resolve())): name for name, run in waiting.items()}
        try:
            for future in as_completed(futures):
                status = future.result()
                if status == INTERRUPTED:
                    raise KeyboardInterrupt
                if status == DONE:
                    del waiting[futures[future]]
                    bar.finished(futures[future])
        finally:
            for future in futures:
                future.cancel()
        _wait_for_others(waiting, out, bar)


def _wait_for_others(waiting: dict[str, Run], out: Path, bar: "_Progress") -> None:
    """All that still waits is trained by other processes: wait for a file of theirs, or for a while, and see whether they live."""
    for _ in range(20):
        for name in [name for name in waiting if file_of(out, name).exists()]:
            del waiting[name]
            bar.finished(name)
        if not waiting:
            return
        time.sleep(0.1)


class _Progress:
    """A bar over networks on a terminal, a line per network elsewhere, or nothing."""

    def __init__(self, shown: bool, total: int, missing: int) -> None:
        self.shown, self.total, self.done, self.missing = shown, total, total - missing, missing
        self.bar: Any = None

    def __enter__(self) -> "_Progress":
        self.began = time.perf_counter()
        if self.shown and self.done:
            print(f"{self.done} of {self.total} networks are there already", file=sys.stderr, flush=True)
        if self.shown and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, initial=self.done, unit="network", desc="training", dynamic_ncols=True, smoothing=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def finished(self, name: str) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        elif self.shown:
            here = self.missing - (self.total - self.done)
            left = (time.perf_counter() - self.began) / here * (self.total - self.done)
            print(f"{self.done}/{self.total} networks, about {_spoken(left)} left: {name}", file=sys.stderr, flush=True)


def _spoken(seconds: float) -> str:
    """1 h 05 min, 12 min, 40 s."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
