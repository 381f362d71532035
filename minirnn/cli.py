"""The command `minirnn`."""

import argparse
import math
import os
import platform
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint, files
from .gradcheck import check_gradient
from .initial import RECURRENT
from .network import Network
from .optimizer import Adam
from .reference import ACTIVATIONS
from .tasks import BY_NAME, distance, success
from .train import Diverged, Result, train

DEFAULT_SEED = 1  # all seven tasks of the paper succeed with it
GRADIENT_TOLERANCE = 1e-9


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 for success, 1 for a run or check that failed, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except (ValueError, TypeError, OSError) as error:
        print(f"minirnn: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    def command(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary, epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    parser = argparse.ArgumentParser(
        "minirnn", description="Train and understand the small recurrent networks of computational neuroscience.",
        epilog="example:\n  minirnn train and --out and_run", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"minirnn {version('minirnn')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    p = command(
        "train", "Train a network on a task with the protocol of its paper; leave weights, history and figures.",
        "minirnn train and --units 100 --seed 3 --out and_100",
    )  # fmt: skip
    p.add_argument("task", choices=sorted(BY_NAME), help="the task")
    p.add_argument("--units", type=int, metavar="N", help="recurrent units (default: the protocol's)")
    p.add_argument("--epochs", type=int, metavar="N", help="epochs at most (default: the protocol's)")
    p.add_argument("--samples", type=int, metavar="N", help="training trials (default: the protocol's)")
    p.add_argument("--batch", type=int, metavar="N", help="trials per update (default: the protocol's)")
    p.add_argument("--fresh", action="store_true", help="draw new trials for each batch instead of a fixed set")
    p.add_argument("--seed", type=int, default=DEFAULT_SEED, metavar="N", help="seed of everything random (default: %(default)s)")
    p.add_argument("--initial", choices=RECURRENT, help="how W_rec starts (default: the protocol's)")
    p.add_argument("--lr", type=float, metavar="RATE", help="learning rate of Adam (default: the protocol's)")
    p.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="arithmetic (default: %(default)s)")
    p.add_argument("--threads", type=int, metavar="N", help="threads (default: all CPUs); results do not depend on it")
    p.add_argument("--out", type=Path, metavar="DIR", help="folder for the results (default: TASK_run)")
    p.add_argument("--overwrite", action="store_true", help="delete the results of an earlier run in that folder first")
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.set_defaults(run=_train)

    p = command(
        "resume", "Go on with a run of `minirnn train` that was interrupted or killed; it ends as if it had not been.",
        "minirnn resume and_run",
    )  # fmt: skip
    p.add_argument("out", type=Path, metavar="DIR", help="the folder of the run")
    p.add_argument("--threads", type=int, metavar="N", help="threads (default: all CPUs); results do not depend on it")
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.set_defaults(run=_resume)

    p = command(
        "tasks", "List the tasks, or show one: draw trials of it and print what it asks.",
        "minirnn tasks flip-flop --out flip-flop.png",
    )  # fmt: skip
    p.add_argument("task", nargs="?", choices=sorted(BY_NAME), metavar="NAME", help="a task (default: list them all)")
    p.add_argument("--out", type=Path, metavar="FILE", help="picture to write, .png, .pdf or .svg (default: NAME.png)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the trials (default: %(default)s)")
    p.set_defaults(run=_tasks)

    p = command(
        "study", "Make a study: a table, a CSV and a figure.", "minirnn study gradient-error --units 20 --out study",
    )  # fmt: skip
    p.add_argument("study", choices=("gradient-error",), help="gradient-error: numerical derivatives against step size")
    p.add_argument("--units", type=int, default=50, metavar="N", help="units of the network (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random (default: %(default)s)")
    p.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder for the results (default: this one)")
    p.set_defaults(run=_study)

    p = command(
        "check-gradient", "Hold the gradient of a network against complex step, finite differences and dot products.",
        "minirnn check-gradient --task and --units 50 --phi softplus --tau 10",
    )  # fmt: skip
    p.add_argument("--task", choices=sorted(BY_NAME), default="and", help="trials to take (default: %(default)s)")
    p.add_argument("--network", type=Path, metavar="FILE", help="a network's .npz file (default: a random network)")
    p.add_argument("--units", type=int, default=50, metavar="N", help="units of a random network (default: %(default)s)")
    p.add_argument("--phi", choices=ACTIVATIONS, default="tanh", help="its activation (default: %(default)s)")
    p.add_argument("--tau", type=float, default=1.0, metavar="MS", help="its time constant (default: %(default)s)")
    p.add_argument("--trials", type=int, default=4, metavar="N", help="how many trials (default: %(default)s)")
    p.add_argument("--entries", type=int, default=200, metavar="N", help="entries per array (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random (default: %(default)s)")
    p.set_defaults(run=_check_gradient)
    return parser


RESULTS = ("network.npz", "best.npz", "untrained.npz", "history.npz", "summary.json", "conditions.png", "loss.png", "spectrum.png")
OPTIONS = "options.json"  # the arguments of the run, for `resume`
CHECKPOINT = "checkpoint"


def _train(options: argparse.Namespace) -> int:
    out: Path = options.out or Path(f"{options.task}_run")
    _claim(out, options.overwrite)
    arguments = ["train", options.task]
    for name in ("units", "epochs", "samples", "batch", "seed", "initial", "lr", "dtype"):
        value = getattr(options, name)
        arguments += [] if value is None else [f"--{name}={value}"]
    arguments += ["--fresh"] if options.fresh else []
    files.write_json(out / OPTIONS, {"arguments": arguments})
    return _run(out, options)


def _resume(options: argparse.Namespace) -> int:
    path = options.out / OPTIONS
    if not path.exists():
        raise ValueError(f"{options.out} does not hold a run of `minirnn train`: it has no {OPTIONS}")
    found = files.read_json(path)
    arguments = found.get("arguments") if isinstance(found, dict) else None
    if not (isinstance(arguments, list) and all(isinstance(a, str) for a in arguments) and arguments[:1] == ["train"]):
        raise ValueError(f"{path} does not hold the arguments of a run")
    of_the_run = _parser().parse_args(arguments)
    of_the_run.threads, of_the_run.quiet = options.threads, options.quiet
    return _run(options.out, of_the_run)


def _claim(out: Path, overwrite: bool) -> None:
    """Make the folder, and refuse before any work where results could not be written or would replace others."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ValueError(f"--out {out} is a file, not a folder") from error
    if not os.access(out, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise ValueError(f"--out {out} is not writable")
    there = [name for name in (*RESULTS, OPTIONS, CHECKPOINT) if (out / name).exists()]
    if there and not overwrite:
        unfinished = OPTIONS in there and not (out / CHECKPOINT / "finished.json").exists()
        go_on = f", `minirnn resume {out}` to go on with it" if unfinished else ""
        raise ValueError(f"--out {out} already holds {there[0]}: choose another folder{go_on}, or --overwrite to replace that run")
    checkpoint.discard(out / CHECKPOINT)
    for name in (*RESULTS, OPTIONS):
        (out / name).unlink(missing_ok=True)


def _run(out: Path, options: argparse.Namespace) -> int:
    """Train, or go on, and write the results."""
    task = BY_NAME[options.task]()
    protocol = task.protocol
    rng = np.random.default_rng(options.seed)
    untrained = Network.random(
        task.n_in, protocol.n_rec if options.units is None else options.units, task.n_out,
        recurrent=options.initial or protocol.recurrent, b_rec=protocol.b_rec, dt=task.dt, dtype=options.dtype, rng=rng,
    )  # fmt: skip
    adam = Adam(lr=protocol.lr if options.lr is None else options.lr, decay=protocol.decay)
    code = 0
    try:
        result = train(
            untrained, task, optimizer=adam, epochs=options.epochs, batch=options.batch, samples=options.samples,
            fresh=options.fresh, rng=rng, checkpoint=out / CHECKPOINT, threads=options.threads, progress=not options.quiet,
        )  # fmt: skip
    except Diverged as error:
        print(f"minirnn: {error}", file=sys.stderr)
        result, code = error.result, 1
    settings = {
        "task": options.task, "units": untrained.n_rec, "initial": options.initial or protocol.recurrent, "seed": options.seed,
        "dtype": options.dtype, "epochs": protocol.epochs if options.epochs is None else options.epochs,
        "samples": protocol.samples if options.samples is None else options.samples,
        "batch": protocol.batch if options.batch is None else options.batch, "fresh": options.fresh,
        "stop_below": protocol.stop_below, "lr": adam.lr, "decay": adam.decay, "beta1": adam.beta1, "beta2": adam.beta2,
        "eps": adam.eps, "epsilon_hat": adam.epsilon_hat,
    }  # fmt: skip
    solved = _write_run(out, untrained, task, result, settings)
    if solved:
        print(f"The network succeeded: see {out / 'conditions.png'}.")
    else:
        print(f"The network did not succeed ({result.stopped}): try another --seed; see {out / 'conditions.png'}.")
    if result.stopped.startswith("interrupted"):
        print(f"Go on with it: minirnn resume {out}", file=sys.stderr)
        return 130
    return code


def _write_run(out: Path, untrained: Network, task: Any, result: Result, settings: dict[str, Any]) -> bool:
    """Write the results of a run and print its table; return whether the last network succeeded."""
    from . import plots

    trials = task.conditions()
    _, z = result.network.run(trials.x)
    distances = distance(z, trials)
    right = task.right(z, trials)
    solved = success(z, trials, task)
    for name, network in (("untrained", untrained), ("network", result.network), ("best", result.best)):
        network.save(out / f"{name}.npz")
    files.write_npz(out / "history.npz", result.history._asdict())
    summary = {
        "settings": settings,
        "versions": {"python": platform.python_version()} | {p: version(p) for p in ("minirnn", "numpy", "scipy", "numba")},
        "stopped": result.stopped,
        "epochs_done": len(result.history.loss),
        "loss": [float(value) for value in result.history.loss],
        "validation_distance": [float(value) for value in result.history.validation_distance],
        "seconds": float(result.history.seconds.sum()),
        "conditions": {
            name: {
                "distance": _finite(d), "distance_per_root_step": _finite(d / math.sqrt(trials.target[:, 0].size)), "right": bool(k)
            }
            for name, d, k in zip(task.condition_names, distances, right, strict=True)
        },
        "mean_distance": _finite(distances.mean()),
        "success": solved,
    }  # fmt: skip
    files.write_json(out / "summary.json", summary)

    titles = [f"{name}:  distance {d:.3f}" for name, d in zip(task.condition_names, distances, strict=True)]
    drawn = {"conditions.png": plots.conditions(trials.x, trials.target, z, titles, dt=task.dt, names=task.input_names)}
    if len(result.history.loss):
        drawn["loss.png"], axes = plots.figure(1, 1, 6.0, 3.6)
        plots.history(axes[0, 0], result.history.loss, result.history.validation_distance, stop_below=settings["stop_below"])
    drawn["spectrum.png"], axes = plots.figure(1, 2, 9.0, 4.6)
    before, after = untrained.weights.W_rec, result.network.weights.W_rec
    reach = plots.spectrum_reach(before, after)
    plots.spectrum(axes[0, 0], before, title="before training", reach=reach)
    plots.spectrum(axes[0, 1], after, title="after training", reach=reach)
    for name, made in drawn.items():
        files.write_atomically(out / name, partial(plots.save, made))

    print(f"{'condition':<10} {'distance':>9}  right")
    for name, d, k in zip(task.condition_names, distances, right, strict=True):
        print(f"{name:<10} {d:>9.4f}  {'yes' if k else 'no'}")
    print(f"{result.stopped}; {', '.join(sorted(drawn))}, weights and history are in {out}")
    return solved


def _finite(value: Any) -> float | None:
    """A number for JSON, which knows no NaN."""
    return float(value) if math.isfinite(value) else None


def _tasks(options: argparse.Namespace) -> int:
    if options.task is None:
        for name, kind in BY_NAME.items():
            print(f"{name:<15} {kind.__doc__.splitlines()[0].split(' Fields as in')[0]}")
        return 0
    from . import plots

    task = BY_NAME[options.task]()
    trials = task.conditions()
    x = trials.x + task.input_noise_std * np.random.default_rng(options.seed).standard_normal(trials.x.shape)
    out = options.out or Path(f"{options.task}.png")
    made = plots.conditions(x, trials.target, None, task.condition_names, dt=task.dt, names=task.input_names)
    files.write_atomically(out, partial(plots.save, made, ending=out.suffix))
    print(f"{options.task}: {trials.x.shape[0]} steps of {task.dt:g} ms, inputs {', '.join(task.input_names)}\n")
    for row in task.truth_table:
        print("  ".join(f"{cell:<{max(len(r[k]) for r in task.truth_table)}}" for k, cell in enumerate(row)).rstrip())
    print(f"\na noisy trial of each kind is in {out}")
    return 0


def _study(options: argparse.Namespace) -> int:
    from . import plots, studies

    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    task = BY_NAME["and"]()
    net = Network.random(task.n_in, options.units, task.n_out, rng=rng)
    found = studies.gradient_error(net, task.trials(4, rng), rng=rng)
    lines = ["dtype,method,array,step,relative_error"]
    for t, m, a, s in np.ndindex(found.errors.shape):
        row = (studies.DTYPES[t], studies.METHODS[m], found.arrays[a], f"{found.steps[s]:.6g}", f"{found.errors[t, m, a, s]:.6g}")
        lines.append(",".join(row))
    files.write_atomically(options.out / "gradient-error.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    made, axes = plots.figure(1, 2, 10.0, 4.2, sharey=True)
    plots.gradient_error(axes[0], found.steps, found.errors, found.theory_optimum, studies.DTYPES)
    files.write_atomically(options.out / "gradient-error.png", partial(plots.save, made))
    print(f"{'dtype':<8} {'method':<11} {'array':<6} {'best step':>10} {'theory':>10} {'error':>10} {'theory':>10}")
    for t, m, a in np.ndindex(found.optimum.shape):
        pair = (found.theory_optimum[t, m, a], found.theory_floor[t, m, a])
        theory = [f"{value:>10.1e}" if np.isfinite(value) else f"{'-':>10}" for value in pair]
        name = f"{studies.DTYPES[t]:<8} {studies.METHODS[m]:<11} {found.arrays[a]:<6}"
        print(f"{name} {found.optimum[t, m, a]:>10.1e} {theory[0]} {found.floor[t, m, a]:>10.1e} {theory[1]}")
    print(f"gradient-error.png and gradient-error.csv are in {options.out}")
    return 0


def _check_gradient(options: argparse.Namespace) -> int:
    task = BY_NAME[options.task]()
    rng = np.random.default_rng(options.seed)
    if options.network is None:
        net = Network.random(task.n_in, options.units, task.n_out, phi=options.phi, tau=options.tau, rng=rng)
    else:
        net = Network.load(options.network)
    print(net)
    report = check_gradient(net, task.trials(options.trials, rng), max_entries=options.entries, rng=rng)
    print(report)
    right = report.worst_exact < GRADIENT_TOLERANCE
    print("The gradient is right." if right else f"The gradient is WRONG: an error is above {GRADIENT_TOLERANCE:g}.")
    return 0 if right else 1
