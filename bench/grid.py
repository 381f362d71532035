"""Time of a training step of minirnn and of its peers over sizes, dtypes and threads, in turns within one run.

    python bench/environments.py            once: the environments of PyTorch, JAX and Keras
    python bench/grid.py                    everything, about 12 minutes on two quiet cores
    python bench/grid.py --resume           the same, without the parts that the file already has
    python bench/grid.py --sizes 50,200,64 400,520,128,3,3 --peers minirnn numpy --parts steps --out mine.json
    python bench/grid.py --report-only      tables and figure again, from the file

A size is N,T,B or N,T,B,I,O (2 inputs and 1 output by default). Each peer has a worker per thread count in an environment of its
own (`bench/peers`); all of them live side by side, those whose turn it is not asleep, and get the same weights and data. Before a
size is timed the losses of the first three steps of all peers must agree to 1e-4. In the same turns the limits of the machine
are taken: products, tanh, memory (`peers/limits.py`).

Parts: "steps" is the grid, "series" some more sizes for the scaling exponents, "start" import, first step, memory, "training" the
paper's AND protocol. The file (JSON) is written after each size; the report goes beside it, as .md and .png, and without --out
into bench/RESULTS.md.
"""

import argparse
import contextlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import environments
import numpy as np
import report

HERE = Path(__file__).parent
TOLERANCE = 1e-4  # of the first losses, relative
TURN = 0.12  # seconds that a turn aims at
REST = 0.03  # between turns, for the other library's threads to stop spinning


class Size(NamedTuple):
    """Units, steps, trials, inputs, outputs."""

    N: int
    T: int
    B: int
    I: int = 2
    O: int = 1

    @classmethod
    def read(cls, text: str) -> "Size":
        """From N,T,B or N,T,B,I,O."""
        numbers = [int(number) for number in text.split(",")]
        if len(numbers) not in (3, 5) or min(numbers) < 1:
            raise argparse.ArgumentTypeError(f"a size is N,T,B or N,T,B,I,O, got {text}")
        return cls(*numbers)


PAPER = Size(50, 200, 64)
SIZES = [
    PAPER, Size(100, 200, 64), Size(50, 200, 1), Size(50, 200, 1024), Size(50, 1000, 64), Size(200, 600, 64), Size(500, 200, 64),
    Size(400, 520, 128, 3, 3),
]  # fmt: skip
DOUBLE = [PAPER, Size(100, 200, 64), Size(200, 600, 64)]  # of these also in float64
SERIES = [Size(25, 200, 64), Size(200, 200, 64), Size(50, 50, 64), Size(50, 400, 64), Size(50, 200, 16), Size(50, 200, 256)]
QUICK = [Size(6, 10, 4), Size(5, 8, 1, 3, 2)]


class Peer(NamedTuple):
    """A script of bench/peers, its environment (None: the one that runs this), and what it is set."""

    script: str
    environment: str | None = None
    settings: dict[str, dict[str, str]] = {}  # noqa: RUF012  by dtype
    slow: bool = False  # in steps or in compiling: only at the paper's size


PEERS = {
    "minirnn": Peer("minirnn_engine"),
    "reference": Peer("minirnn_reference", slow=True),
    "numpy": Peer("numpy_optimised"),
    "torch": Peer("torch_rnn", "torch"),
    "torch-compiled": Peer("torch_compiled", "torch", slow=True),
    "jax": Peer("jax_scan", "jax"),
    "keras": Peer("keras_rnn", "keras", {"float64": {"KERAS_BACKEND": "tensorflow"}}),
}


class Failed(RuntimeError):
    """A worker answered with an error, or no more."""


class Worker:
    """A peer's process."""

    def __init__(self, script: str, interpreter: Path | str, threads: int, **settings: str) -> None:
        k = str(threads)
        own = {"BENCH_THREADS": k, "NPROC": k, "TF_CPP_MIN_LOG_LEVEL": "3"} | settings
        own |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), k)
        self.name = f"{script} on {k} threads"
        self.began = time.perf_counter()
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(interpreter), str(HERE / "peers" / f"{script}.py")], text=True, env=os.environ | own,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip
        self.hello: dict[str, Any] | None = None

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise Failed(f"{self.name} ended with {self.process.wait()}: {self.errors.read()[-2000:]}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Failed(f"{self.name}: {found['error']}")
        return found

    def ask(self, *order: Any) -> Any:
        """The answer to an order."""
        self.greeted()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(" ".join(str(word) for word in order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `_read` tells why
        return self._read()["answer"]

    def greeted(self) -> dict[str, Any]:
        """What the worker said of itself when it had imported its library."""
        if self.hello is None:
            self.hello = self._read()
        return self.hello

    def end(self) -> None:
        """Let the process go, by force if it does not."""
        try:
            self.process.communicate("quit\n", timeout=10)
        except (subprocess.TimeoutExpired, OSError, ValueError):
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was still to be written to a process that is gone
                if pipe is not None:
                    pipe.close()
        self.errors.close()


class Workers:
    """All workers of a run, started when first wanted and kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[tuple[str, int, str], Worker] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.running.values():
            worker.end()

    def start(self, name: str, threads: int, dtype: str, **settings: str) -> Worker:
        """A new worker, which the caller ends."""
        peer = PEERS[name]
        interpreter = sys.executable if peer.environment is None else environments.python(self.folder, peer.environment)
        return Worker(peer.script, interpreter, threads, **peer.settings.get(dtype, {}), **settings)

    def of(self, name: str, threads: int, dtype: str) -> Worker:
        """The worker of this peer and thread count; of another dtype's too unless their settings differ."""
        key = (name, threads, dtype if dtype in PEERS[name].settings else "")
        if key not in self.running or self.running[key].process.poll() is not None:
            self.running[key] = self.start(name, threads, dtype)
        return self.running[key]

    def limits(self, threads: int) -> Worker:
        """The worker that times the limits."""
        key = ("limits", threads, "")
        if key not in self.running:
            self.running[key] = Worker("limits", sys.executable, threads)
        return self.running[key]


def problem(size: Size, path: Path) -> Path:
    """Weights and data of this size, in a file: an orthogonal W_rec, noise as input, and a running mean of it as target."""
    N, T, B, I, O = size
    rng = np.random.default_rng(0)
    x = rng.standard_normal((T, B, I), np.float32)
    mean = np.tanh(np.cumsum(x.mean(axis=2, keepdims=True), axis=0) / np.sqrt(T))
    arrays = {
        "x": x,
        "target": 0.5 + np.repeat(mean, O, axis=2),
        "W_in": rng.standard_normal((N, I)) / np.sqrt(I),
        "W_rec": np.linalg.qr(rng.standard_normal((N, N)))[0],
        "W_out": rng.standard_normal((O, N)) / np.sqrt(N),
        "b_out": np.zeros(O),
    }
    np.savez(path, **{name: array.astype(np.float32) for name, array in arrays.items()})  # type: ignore[arg-type]
    return path


def agree(losses: dict[str, list[float]]) -> None:
    """ValueError unless the losses of all peers agree at each of the first steps, and change from step to step by far more."""
    table = np.array(list(losses.values()))
    spread = np.ptp(table, axis=0) / np.abs(table).min(axis=0)
    told = "\n".join(f"  {name}: {found}" for name, found in losses.items())
    if not spread.max() <= TOLERANCE:  # NaN does not agree
        raise ValueError(f"the losses of the first steps differ by {spread.max():.1e} of their size:\n{told}")
    if np.abs(np.diff(table, axis=1) / table[:, :-1]).min() < 10 * TOLERANCE:
        raise ValueError(f"the losses hardly change, so that equal ones say nothing:\n{told}")


def measure(
    workers: Workers, size: Size, dtype: str, names: list[str], threads: list[int], seconds: float, series: bool, folder: Path
) -> dict[str, Any]:
    """One size: losses compared, then turns until the time is up, at least three rounds."""
    path = problem(size, folder / "problem.npz")
    left_out: dict[str, str] = {}
    losses: dict[str, list[float]] = {}
    living: list[tuple[str, Worker, int]] = []

    def leave_out(label: str, failed: Failed) -> None:
        left_out[label] = str(failed)
        print(f"  left out: {failed}", file=sys.stderr, flush=True)

    names = [name for name in names if not PEERS[name].slow or size in (PAPER, *QUICK)]
    for name, k in itertools.product(names, threads):
        workers.of(name, k, dtype)  # all imports at once
    for name, k in itertools.product(names, threads):
        worker, label = workers.of(name, k, dtype), f"{name} {k}"
        try:
            worker.ask("load", path, dtype)
            losses[label] = worker.ask("losses")
            first = worker.ask("step", 1)[0]
            living.append((label, worker, int(np.clip(TURN / first, 1, 100))))
        except Failed as failed:
            leave_out(label, failed)
    if losses:
        agree(losses)
    limits = workers.limits(max(threads))
    limits.ask("load", path, dtype)
    times: dict[str, list[float]] = {label: [] for label, _, _ in living}
    pieces: dict[str, list[float]] = {}
    often = 5 if size.N * size.N * size.T * size.B < 1e8 else 1  # the first in a turn finds a cold cache
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < 3 or time.perf_counter() < stop:
        for label, worker, steps in list(living):
            try:
                times[label] += worker.ask("step", steps)
            except Failed as failed:
                leave_out(label, failed)
                living.remove((label, worker, steps))
                del times[label]
            time.sleep(REST)
        for name, value in limits.ask("step", often).items():
            pieces.setdefault(name, []).append(value)
        rounds += 1
    summary = {label: {"min": min(t), "median": float(np.median(t)), "steps": len(t)} for label, t in times.items()}
    return {
        "size": size, "dtype": dtype, "series": series, "rounds": rounds, "losses": losses, "left_out": left_out,
        "seconds": summary, "limits": {name: min(values) for name, values in pieces.items()},
    }  # fmt: skip


def start(workers: Workers, names: list[str], runs: int, folder: Path) -> dict[str, Any]:
    """Per peer at the paper's size, float32, one thread: seconds of the import, from the start of the process to the end of the
    first update, and the largest memory after twenty more."""
    path = problem(PAPER, folder / "problem.npz")
    found: dict[str, Any] = {}

    def once(name: str, **settings: str) -> dict[str, float]:
        worker = workers.start(name, 1, "float32", **settings)
        try:
            imported = worker.greeted()["import_seconds"]
            worker.ask("load", path, "float32")
            worker.ask("step", 1)
            first = time.perf_counter() - worker.began
            worker.ask("step", 20)
            return {"import": imported, "first": first, "memory": worker.ask("memory")}
        finally:
            worker.end()

    for name in names:
        try:
            each = [once(name) for _ in range(runs)]
        except Failed as failed:
            print(f"  left out: {failed}", file=sys.stderr, flush=True)
            continue
        found[name] = {measure: min(one[measure] for one in each) for measure in each[0]}
        if name == "minirnn":
            with tempfile.TemporaryDirectory() as cache:
                found[name]["cold"] = once(name, NUMBA_CACHE_DIR=cache)["first"]
            found[name]["import alone"] = min(_seconds_of_import() for _ in range(2 * runs))
    return found


def _seconds_of_import() -> float:
    code = "import time; began = time.perf_counter(); import minirnn; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


WHOLE = """
import sys
import minirnn as mr
from minirnn import tasks
task = tasks.And()
net = mr.Network.for_task(task, rng=0)
mr.train(net, task, stop_below=0, rng=0, threads=int(sys.argv[1]), progress=False)
"""


def training(workers: Workers, names: list[str], threads: list[int], epochs: int, folder: Path) -> dict[str, Any]:
    """Seconds of the paper's AND protocol, from the start of the process: of minirnn.train as it is, of the peers over `epochs`
    epochs, the rest taken to be as long as the last."""
    from minirnn import tasks

    task = tasks.And()
    plan = task.protocol
    trials = task.trials(plan.samples, 0)
    np.savez(folder / "trials.npz", x=trials.x.astype(np.float32), target=trials.target.astype(np.float32))
    path = problem(Size(plan.n_rec, task.steps, plan.batch), folder / "problem.npz")
    found: dict[str, Any] = {"samples": plan.samples, "epochs": plan.epochs, "trained": epochs, "seconds": {}}
    for name, k in itertools.product(names, threads):
        if name == "minirnn":
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", WHOLE, str(k)], check=True, stdout=subprocess.DEVNULL)
            found["seconds"][f"{name} {k}"] = time.perf_counter() - began
            continue
        worker = workers.start(name, k, "float32")
        try:
            worker.ask("load", path, "float32")
            each = worker.ask("train", folder / "trials.npz", epochs)
            until_now = time.perf_counter() - worker.began
            found["seconds"][f"{name} {k}"] = until_now + (plan.epochs - epochs) * each[-1]
        except Failed as failed:
            print(f"  left out: {failed}", file=sys.stderr, flush=True)
        finally:
            worker.end()
    return found


def machine() -> dict[str, Any]:
    """What this ran on."""
    info = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in info.splitlines())}
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "model": " ".join(fields[key] for key in ("cpu family", "model") if key in fields),
        "vectors": next((name for name in ("avx512f", "avx2") if name in fields.get("flags", "").split()), ""),
        "cache": fields.get("cache size", ""),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": time.strftime("%Y-%m-%d"),
    }


def write(found: dict[str, Any], path: Path) -> None:
    """The whole file in one piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".part")
    whole.write_text(json.dumps(found, indent=1) + "\n")
    whole.replace(path)


def main(arguments: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sizes", type=Size.read, nargs="+", help="N,T,B or N,T,B,I,O")
    p.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    p.add_argument("--dtypes", nargs="+", choices=("float32", "float64"), help="of all sizes; by default float64 at three only")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    p.add_argument("--seconds", type=float, default=15.0, help="of turns per size; a quarter of it for those of the series")
    p.add_argument("--parts", nargs="+", choices=("steps", "series", "start", "training"))
    p.add_argument("--epochs", type=int, default=2, help="that the peers really train")
    p.add_argument("--quick", action="store_true", help="tiny sizes, steps alone: whether it runs, not how fast")
    p.add_argument("--environments", type=Path, default=environments.FOLDER)
    p.add_argument("--resume", action="store_true", help="keep what the file has already")
    p.add_argument("--report-only", action="store_true")
    p.add_argument("--out", type=Path, help="bench/results/grid.json")
    options = p.parse_args(arguments)
    out = options.out or HERE / "results" / "grid.json"
    sizes = options.sizes or (QUICK if options.quick else SIZES)
    parts = options.parts or (["steps"] if options.quick or options.sizes else ["steps", "series", "start", "training"])
    seconds = 0.0 if options.quick else options.seconds

    if not options.report_only:
        found: dict[str, Any] = json.loads(out.read_text()) if options.resume and out.exists() else {"cells": {}}
        found |= {"machine": machine()}
        cells: list[tuple[Size, str, float]] = []
        if "steps" in parts:
            dtypes = options.dtypes or ["float32"]
            cells += [(size, dtype, seconds) for dtype in dtypes for size in sizes]
            if options.dtypes is None:
                cells += [(size, "float64", seconds) for size in sizes if size in (*DOUBLE, *QUICK)]
        if "series" in parts:
            cells += [(size, "float32", seconds / 4) for size in SERIES]

        began = time.perf_counter()

        def tell(what: str) -> None:
            print(f"{time.perf_counter() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

        with Workers(options.environments) as workers, tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            names = [n for n in options.peers if PEERS[n].environment is None or _there(options.environments, n)]
            quick = [name for name in names if not PEERS[name].slow]
            if "start" in parts and "start" not in found:
                tell("start")
                found["start"] = start(workers, quick, 3, folder)
                write(found, out)
            for size, dtype, turns in cells:
                key = f"{','.join(map(str, size))} {dtype}"
                if key in found["cells"]:
                    continue
                tell(key)
                threads = options.threads if size not in SERIES else options.threads[:1]
                found["cells"][key] = measure(workers, size, dtype, names, threads, turns, size in SERIES, folder)
                found["versions"] = found.get("versions", {}) | {
                    name: worker.greeted()["versions"] for (name, _, _), worker in workers.running.items() if worker.hello
                }
                write(found, out)
            if "training" in parts and "training" not in found:
                tell("training")
                found["training"] = training(workers, quick, options.threads, options.epochs, folder)
                write(found, out)
            tell("done")
    report.make(out, HERE / "RESULTS.md" if options.out is None else None)


def _there(folder: Path, name: str) -> bool:
    there = environments.python(folder, str(PEERS[name].environment)).is_file()
    if not there:
        print(f"  left out: {name} has no environment in {folder} (python bench/environments.py)", file=sys.stderr, flush=True)
    return there


if __name__ == "__main__":
    main()
