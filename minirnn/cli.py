"""The command `minirnn`."""

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint, files, recordings, study_commands
from .dale import Dale
from .engine import cache_folder, single_blas_thread
from .gradcheck import check_gradient
from .initial import RECURRENT
from .network import Network
from .optimizer import of_protocol
from .reference import ACTIVATIONS
from .tasks import BY_NAME, distance, success
from .train import Diverged, Result, train, warm_up

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


def _listed(names: Mapping[str, str]) -> str:
    """A line each, names and what they are about in columns."""
    return "\n".join(f"  {name:<17} {what}" for name, what in names.items())


def _parser() -> argparse.ArgumentParser:
    def command(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary.split("\n")[0], description=summary, epilog=f"example:\n  {example}",
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
    p.add_argument("--lr", type=float, metavar="RATE", help="learning rate (default: the protocol's)")
    p.add_argument("--form", choices=("rate", "current"), help="what the state is (default: the protocol's)")
    p.add_argument("--clip", type=float, metavar="NORM", help="largest norm of the gradient (default: the protocol's)")
    p.add_argument("--spectral-radius", type=float, metavar="R", help="scale the effective W_rec to it (default: as it starts)")
    p.add_argument("--recurrent-bias", action="store_true", help="train a recurrent bias (default: the protocol's)")
    p.add_argument("--phi", choices=ACTIVATIONS, help="activation (default: the protocol's)")
    p.add_argument("--tau", type=float, metavar="MS", help="time constant (default: the protocol's)")
    p.add_argument("--noise", type=float, metavar="SIGMA", help="state noise (default: the protocol's)")
    p.add_argument("--input-noise", type=float, metavar="STD", help="noise of the inputs (default: the task's)")
    p.add_argument(
        "--dale", type=_fraction, metavar="FRACTION",
        help="Dale's law with this fraction of excitatory units, or `none` (default: the protocol's)",
    )  # fmt: skip
    p.add_argument("--dale-by", choices=("abs", "rectify", "projection"), help="how signs are kept (default: abs)")
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
        "warmup", "Compile the kernels for this machine now, so that no later run has to; they are kept on disk.",
        "minirnn warmup",
    )  # fmt: skip
    p.set_defaults(run=_warmup)

    p = command(
        "tasks", "List the tasks, or show one: draw trials of it and print what it asks.",
        "minirnn tasks flip-flop --out flip-flop.png",
    )  # fmt: skip
    p.add_argument("task", nargs="?", choices=sorted(BY_NAME), metavar="NAME", help="a task (default: list them all)")
    p.add_argument("--out", type=Path, metavar="FILE", help="picture to write, .png, .pdf or .svg (default: NAME.png)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the trials (default: %(default)s)")
    p.set_defaults(run=_tasks)

    p = command(
        "analyze", "Run the papers' analyses on networks: figures, every number, and a page that shows them.",
        "minirnn analyze and_run/network.npz --out and_analysis",
    )  # fmt: skip
    p.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="network files (.npz or Keras), runs, folders of networks, or a checkpoint folder",
    )
    p.add_argument("--task", choices=sorted(BY_NAME), metavar="NAME", help="task to run (default: that of the run, if it is one)")
    p.add_argument(
        "--out", type=Path, default=Path("analysis"), metavar="DIR", help="folder for the results (default: %(default)s)"
    )
    p.set_defaults(run=_analyze)

    p = command(
        "animate", "Draw a trial in state space and its output, as time goes on, as a GIF.",
        "minirnn animate and_run --condition 11 --out and.gif",
    )  # fmt: skip
    p.add_argument("file", type=Path, metavar="FILE", help="a network file, or the folder of a run")
    p.add_argument("--task", choices=sorted(BY_NAME), metavar="NAME", help="task to run (default: that of the run, if it is one)")
    p.add_argument("--condition", metavar="NAME", help="which trial (default: the one in which units move most)")
    p.add_argument("--out", type=Path, default=Path("trial.gif"), metavar="FILE", help="the GIF (default: %(default)s)")
    p.set_defaults(run=_animate)

    p = command(
        "circuit", "Realise a network as an analogue circuit: components, netlist, schematic; does it perform its task?",
        "minirnn circuit and_run --out and_circuit",
    )  # fmt: skip
    p.add_argument("file", type=Path, metavar="FILE", help="network file (.npz or Keras) or the folder of a run")
    p.add_argument(
        "--task", choices=sorted(BY_NAME), metavar="NAME", help="task to perform (default: that of the run, if it is one)"
    )
    p.add_argument(
        "--design", choices=("passive", "op-amp", "clocked"), default="op-amp",
        help="passive and op-amp work in continuous time, clocked in steps of dt, as the network does (default: %(default)s)",
    )  # fmt: skip
    p.add_argument("--v0", type=float, default=1.0, metavar="VOLT", help="the voltage of a state 1 (default: %(default)s)")
    p.add_argument(
        "--tolerances", type=float, nargs="+", default=(0.1, 1.0, 2.0, 5.0, 10.0, 20.0), metavar="PERCENT",
        help="of the resistors, in the study (default: 0.1 1 2 5 10 20)",
    )  # fmt: skip
    p.add_argument("--capacitors", type=float, default=0.0, metavar="PERCENT", help="tolerance of the capacitors (default: exact)")
    p.add_argument("--draws", type=int, default=20, metavar="N", help="circuits per tolerance, 0 for none (default: %(default)s)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of their errors (default: %(default)s)")
    p.add_argument("--out", type=Path, default=Path("circuit"), metavar="DIR", help="folder for the results (default: circuit)")
    p.set_defaults(run=_circuit)

    p = command(
        "study",
        "Make a study: a table, a CSV and a figure; those of many networks also a verdict per published claim."
        f"\n\nof one network, or a few:\n{_listed(study_commands.OF_ONE)}\n\nof many:\n{_listed(study_commands.OF_MANY)}",
        "minirnn study success-rate --networks 5 --out studies",
    )  # fmt: skip
    p.add_argument("study", choices=(*study_commands.OF_ONE, *study_commands.OF_MANY), metavar="NAME", help="one of the above")
    p.add_argument(
        "--task", choices=sorted(BY_NAME), metavar="TASK", help="the task, where a study has a choice (default: its own)"
    )
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random (default: %(default)s)")
    p.add_argument(
        "--out", type=Path, default=Path("."), metavar="DIR",
        help="folder for the results, and for the networks of an ensemble, which studies share (default: this one)",
    )  # fmt: skip
    many = p.add_argument_group("of many networks")
    many.add_argument("--networks", type=int, metavar="N", help="networks per ensemble (default: the study's)")
    many.add_argument("--quick", action="store_true", help="two networks, hardly trained: does all work here?")
    many.add_argument("--jobs", type=int, metavar="N", help="networks trained at once (default: one per CPU)")
    many.add_argument("--scheduler", metavar="ADDRESS", help="train on the cluster of this Dask scheduler (extra `cluster`)")
    many.add_argument("--report-only", action="store_true", help="train nothing, report on the networks that are there")
    one = p.add_argument_group("of one network, or a few")
    one.add_argument(
        "--network", type=Path, metavar="FILE",
        help="oscillation, time-step: a network file, or a run (default: one is trained; a random one)",
    )  # fmt: skip
    one.add_argument("--epochs", type=int, metavar="N", help="initial-state: epochs at most (default: the protocol's)")
    one.add_argument("--samples", type=int, metavar="N", help="initial-state: training trials (default: the protocol's)")
    one.add_argument("--runs", type=int, default=3, metavar="N", help="initial-state: networks of each kind (default: %(default)s)")
    one.add_argument(
        "--form", choices=("rate", "current"), help="what the state is (initial-state: the protocol's; time-step: both)"
    )
    one.add_argument("--units", type=int, default=50, metavar="N", help="units of the network (default: %(default)s)")
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

    recordings.add_commands(command)
    return parser


RESULTS = (
    "network.npz", "best.npz", "untrained.npz", "history.npz", "summary.json", "conditions.png", "loss.png", "spectrum.png",
    "weights.png",
)  # fmt: skip
JUDGED = 1000  # new trials that a trained network is judged on
PANELS = 16  # conditions drawn at most
OPTIONS = "options.json"  # the arguments of the run, for `resume`
CHECKPOINT = "checkpoint"


def _train(options: argparse.Namespace) -> int:
    out: Path = options.out or Path(f"{options.task}_run")
    _claim(out, options.overwrite)
    arguments = ["train", options.task]
    for name in (
        "units", "epochs", "samples", "batch", "seed", "initial", "lr", "clip", "spectral-radius", "form", "phi", "tau", "noise",
        "input-noise", "dale", "dale-by", "dtype",
    ):  # fmt: skip
        value = getattr(options, name.replace("-", "_"))
        arguments += [] if value is None else [f"--{name}={value}"]
    arguments += [f"--{name}" for name in ("fresh", "recurrent-bias") if getattr(options, name.replace("-", "_"))]
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


def _warmup(options: argparse.Namespace) -> int:
    for dtype in ("float32", "float64"):
        began = time.perf_counter()
        warm_up(dtype)
        print(f"{dtype}: ready after {time.perf_counter() - began:.1f} s")
    where = cache_folder()
    print("they are not kept: no folder could be written" if where is None else f"kept in {where}")
    return 0


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
    if options.input_noise is not None:
        if "input_noise_std" not in type(task).__dataclass_fields__:
            raise ValueError(f"--input-noise is not for {options.task}, which has its own noise")
        task = replace(task, input_noise_std=options.input_noise)
    protocol = task.protocol
    rng = np.random.default_rng(options.seed)
    named = ("form", "phi", "tau", "noise", "spectral_radius")
    changes = {name: getattr(options, name) for name in named if getattr(options, name) is not None}
    if options.recurrent_bias:
        changes["b_rec"] = True
    if options.dale == "none":
        changes["dale"] = None
    elif options.dale is not None:
        changes["dale"] = Dale(options.dale, by=options.dale_by or "abs")
    elif options.dale_by is not None:
        raise ValueError("--dale-by needs --dale")
    untrained = Network.for_task(task, n_rec=options.units, recurrent=options.initial, dtype=options.dtype, rng=rng, **changes)
    optimizer = of_protocol(protocol)
    settled = {name: getattr(options, name) for name in ("lr", "clip") if getattr(options, name) is not None}
    optimizer = replace(optimizer, **settled)
    fresh = options.fresh or protocol.fresh
    code = 0
    try:
        result = train(
            untrained, task, optimizer=optimizer, epochs=options.epochs, batch=options.batch, samples=options.samples,
            fresh=fresh, rng=rng, checkpoint=out / CHECKPOINT, threads=options.threads, progress=not options.quiet,
        )  # fmt: skip
    except Diverged as error:
        print(f"minirnn: {error}", file=sys.stderr)
        result, code = error.result, 1
    settings = {
        "task": options.task, "units": untrained.n_rec, "initial": options.initial or protocol.recurrent,
        "spectral_radius": options.spectral_radius, "recurrent_bias": untrained.params.b_rec is not None, "seed": options.seed,
        "form": untrained.form, "phi": untrained.phi, "tau": np.asarray(untrained.tau).tolist(), "dt": untrained.dt,
        "noise": untrained.noise, "input_noise_std": task.input_noise_std,
        "dale": None if untrained.dale is None else repr(untrained.dale),
        "dtype": options.dtype, "epochs": protocol.epochs if options.epochs is None else options.epochs,
        "samples": protocol.samples if options.samples is None else options.samples,
        "batch": protocol.batch if options.batch is None else options.batch, "fresh": fresh,
        "stop_below": protocol.stop_below, "optimizer": type(optimizer).__name__, **asdict(optimizer),
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
    distances = distance(z, trials, masked=True)
    fresh = task.trials(JUDGED, np.random.default_rng(settings["seed"] + 1))
    net = result.network
    noise = net.draw_noise(len(fresh.x), JUDGED, np.random.default_rng(settings["seed"] + 2)) if net.noise else None
    judged = float(task.right(net.run(fresh.x, noise=noise)[1], fresh).mean()) if getattr(task, "judges_any_trial", False) else None
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
        "right_of_1000_noisy_trials": judged,
        "success": solved,
    }  # fmt: skip
    files.write_json(out / "summary.json", summary)

    titles = [f"{name}:  distance {d:.3f}" for name, d in zip(task.condition_names, distances, strict=True)]
    drawn = {"conditions.png": _panels(task, trials.x, trials.target, z, titles)}
    if len(result.history.loss):
        drawn["loss.png"], axes = plots.figure(1, 1, 6.0, 3.6)
        plots.history(axes[0, 0], result.history.loss, result.history.validation_distance, stop_below=settings["stop_below"])
    drawn["spectrum.png"], axes = plots.figure(1, 2, 9.0, 5.2)
    before, after = untrained.weights.W_rec, result.network.weights.W_rec
    values = [np.linalg.eigvals(W.astype(np.float64)) for W in (before, after)]
    reach = 1.08 * max(1.05, *(float(np.abs(found).max()) for found in values))
    for ax, found, title in zip(axes[0], values, ("before training", "after training"), strict=True):
        outside = np.abs(found) > 1.02
        said = f"{title}: {int(outside.sum())} outside the circle"
        plots.eigenvalues(ax, found, outliers=outside, title=said, reach=reach)
    drawn["weights.png"], axes = plots.figure(1, 2, 9.0, 4.2)
    reach = max(plots.weights_reach(before), plots.weights_reach(after))
    plots.weights(axes[0, 0], before, title="before training", reach=reach)
    drawn_weights = plots.weights(axes[0, 1], after, title="after training", reach=reach)
    drawn["weights.png"].colorbar(drawn_weights, ax=axes[0, 1], label="weight")
    for name, made in drawn.items():
        files.write_atomically(out / name, partial(plots.save, made))

    print(f"{'condition':<10} {'distance':>9}  right")
    for name, d, k in zip(task.condition_names, distances, right, strict=True):
        print(f"{name:<10} {d:>9.4f}  {'yes' if k else 'no'}")
    if judged is not None:
        print(f"right on {100 * judged:.1f} % of {JUDGED} new trials with all noise")
    print(f"{result.stopped}; {', '.join(sorted(drawn))}, weights and history are in {out}")
    return solved


def _fraction(text: str) -> float | str:
    """The argument of --dale: a number, or the word none."""
    return text if text == "none" else float(text)


def _panels(task: Any, x: Any, target: Any, z: Any, titles: Sequence[str]) -> Any:
    """The conditions drawn, PANELS of them, spread evenly, where there are more."""
    from . import plots

    shown = np.unique(np.linspace(0, len(titles) - 1, min(PANELS, len(titles))).round().astype(int))
    output = None if z is None else z[:, shown]
    return plots.conditions(x[:, shown], target[:, shown], output, [titles[k] for k in shown], dt=task.dt, names=task.input_names)


def _finite(value: Any) -> float | None:
    """A number for JSON, which knows no NaN."""
    return float(value) if math.isfinite(value) else None


def _tasks(options: argparse.Namespace) -> int:
    from . import plots

    if options.task is None:
        for name, kind in BY_NAME.items():
            print(f"{name:<24} {kind.__doc__.splitlines()[0].split(' Fields as in')[0]}")
        if options.out is not None:
            made = plots.tasks({name: _example(kind(), options.seed) for name, kind in BY_NAME.items()})
            files.write_atomically(options.out, partial(plots.save, made, ending=options.out.suffix))
            print(f"\na trial of each is in {options.out}")
        return 0
    task = BY_NAME[options.task]()
    trials = task.conditions()
    x = trials.x + task.input_noise_std * np.random.default_rng(options.seed).standard_normal(trials.x.shape)
    out = options.out or Path(f"{options.task}.png")
    made = _panels(task, x, trials.target, None, task.condition_names)
    files.write_atomically(out, partial(plots.save, made, ending=out.suffix))
    print(f"{options.task}: {trials.x.shape[0]} steps of {task.dt:g} ms, inputs {', '.join(task.input_names)}\n")
    for row in task.truth_table:
        print("  ".join(f"{cell:<{max(len(r[k]) for r in task.truth_table)}}" for k, cell in enumerate(row)).rstrip())
    print(f"\na noisy trial of each kind is in {out}")
    return 0


def _example(task: Any, seed: int) -> tuple[Any, Any, Any, float]:
    """x (T, I), target (T, O), mask (T,) and dt of the one of 20 random trials whose target moves most where it counts."""
    trials = task.trials(20, seed)
    mask = trials.weights().max(axis=2) > 0
    moves = np.where(mask[:, :, None], trials.target, np.nan)
    b = int(np.nansum(np.nanvar(moves, axis=0), axis=1).argmax())
    return trials.x[:, b], trials.target[:, b], mask[:, b], task.dt


def _opened(path: Path, name: str | None) -> tuple[Network, Any, Network | None]:
    """The network of a file or of a run's folder, its task where one is named or known, and what it was before training."""
    folder = path if path.is_dir() else path.parent
    file = path / "network.npz" if path.is_dir() else path
    network = Network.load(file)
    if name is None and (folder / OPTIONS).exists():
        found = files.read_json(folder / OPTIONS)
        arguments = found.get("arguments") if isinstance(found, dict) else None
        if isinstance(arguments, list) and len(arguments) > 1 and arguments[1] in BY_NAME:
            name = arguments[1]
    initial = None
    if (folder / "untrained.npz").exists() and file.name != "untrained.npz":
        initial = Network.load(folder / "untrained.npz")
    elif file.suffix == ".npz" and network.dale is None:
        try:
            initial = Network.load(file, initial=True)
        except ValueError:  # a file of ours has no W_.._initial
            initial = None
    if initial is not None and initial.weights.W_rec.shape != network.weights.W_rec.shape:
        initial = None
    return network, None if name is None else BY_NAME[name](), initial


def _analyze(options: argparse.Namespace) -> int:
    from . import report

    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    checkpoints = [path for path in options.files if path.is_dir() and list(path.glob("epoch_*.npz"))]
    if checkpoints and len(options.files) > 1:
        raise ValueError(f"{checkpoints[0]} is a checkpoint folder: analyze it alone")
    if checkpoints:
        return _analyze_training(checkpoints[0], options)
    options.files = [network for path in options.files for network in _networks(path)]
    names = [_called(path) for path in options.files]
    if len(set(names)) < len(names):
        names = [f"{k + 1}_{name}" for k, name in enumerate(names)]
    everything = []
    for name, path in zip(names, options.files, strict=True):
        network, task, initial = _opened(path, options.task)
        import scipy.linalg  # noqa: F401  whose BLAS is then there to be limited

        with single_blas_thread:  # many small problems: more threads would only wait for each other
            parts = report.analysed(network, task, initial)
        everything.append(parts)
        folder = out if len(names) == 1 else out / name
        _write_parts(folder, f"{name}: {network.n_in} -> {network.n_rec} -> {network.n_out}", parts)
    if len(names) > 1:
        _write_parts(
            out, "Comparison", [report.compared(names, everything, [_start_of(path) for path in options.files])], links=names
        )
    print(f"{out / 'index.html'} shows what was found; figures and analysis.json are beside it")
    return 0


def _networks(path: Path) -> list[Path]:
    """The path itself, or the networks of a folder that is not a run."""
    if not path.is_dir() or (path / "network.npz").exists():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in (".npz", ".h5", ".hdf5"))
    if not found:
        raise ValueError(f"{path} holds neither a run nor networks (.npz, .h5, .hdf5)")
    return found


def _start_of(path: Path) -> str:
    """How the W_rec of a run started, where its folder tells."""
    summary = (path if path.is_dir() else path.parent) / "summary.json"
    found = files.read_json(summary) if summary.exists() else None
    settings = found.get("settings") if isinstance(found, dict) else None
    return str(settings.get("initial", "")) if isinstance(settings, dict) else ""


def _called(path: Path) -> str:
    """A name for a network's page, from its path."""
    return path.stem if path.is_file() and path.stem != "network" else (path if path.is_dir() else path.parent).resolve().name


def _analyze_training(folder: Path, options: argparse.Namespace) -> int:
    from . import report

    name = options.task
    if name is None and (folder.parent / OPTIONS).exists():
        _, task, _ = _opened(folder.parent, None)
    else:
        task = None if name is None else BY_NAME[name]()
    parts, moving = report.training(folder, task)
    files.write_atomically(options.out / "spectrum.gif", lambda file: file.write(moving.gif()))
    gif = ("Eigenvalues, animated", "The spectrum of W_rec from epoch to epoch.", (options.out / "spectrum.gif").read_bytes())
    _write_parts(options.out, f"Training of {folder.resolve().parent.name}", parts, animations=[gif])
    print(f"{options.out / 'index.html'} shows what was found; figures and analysis.json are beside it")
    return 0


def _write_parts(
    folder: Path, title: str, parts: Sequence[Any], *, links: Sequence[str] = (), animations: Sequence[Any] = ()
) -> None:  # fmt: skip
    """Figures, numbers and page of an analysis; links: pages of folders below."""
    from . import plots, report

    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if part.figure is not None:
            files.write_atomically(folder / f"{part.name}.png", partial(plots.save, part.figure))
    files.write_json(folder / "analysis.json", {part.name: part.numbers for part in parts})
    text = report.page(title, parts, animations, links)
    files.write_atomically(folder / "index.html", lambda file: file.write(text.encode()))


def _animate(options: argparse.Namespace) -> int:
    from . import plots
    from .analysis import pca

    network, task, _ = _opened(options.file, options.task)
    if task is None:
        raise ValueError(f"--task must be given: {options.file} does not say which it was trained on")
    trials = task.conditions()
    network.check(trials)
    h, z = network.run(trials.x)
    names = list(task.condition_names)
    if options.condition is not None and options.condition not in names:
        raise ValueError(f"--condition must be one of {', '.join(names)}, got {options.condition}")
    b = int(np.ptp(h, axis=0).sum(axis=1).argmax()) if options.condition is None else names.index(options.condition)
    states = h.astype(np.float64)
    plane = pca.project(pca.pca(states, 2), states[:, b])
    title = f"{names[b]}: distance {distance(z, trials, masked=True)[b]:.3f}"
    moving = plots.one_trial(plane, trials.x[:, b], trials.target[:, b], z[:, b], dt=task.dt, title=title, names=task.input_names)
    files.write_atomically(options.out, lambda file: file.write(moving.gif()))
    print(f"{options.out} shows condition {names[b]}")
    return 0


def _circuit(options: argparse.Namespace) -> int:
    from . import circuits, plots

    network, task, _ = _opened(options.file, options.task)
    if task is None:
        raise ValueError(f"--task must be given: {options.file} does not say which it was trained on")
    if network.output != "linear" or (network.gain != network.leak).any():
        raise ValueError(
            f'a circuit needs output="linear" and drive="normalised", got output={network.output!r} and drive={network.drive!r}'
        )
    if not all(0 <= percent < 100 for percent in options.tolerances):
        raise ValueError(f"--tolerances must be percentages from 0 to below 100, got {options.tolerances}")
    trials = task.conditions()
    network.check(trials)
    circuit = circuits.design(
        *network.weights, tau=network.tau, design=options.design, form=network.form, phi=network.phi, v0=options.v0,
        dt=network.dt if options.design == "clocked" else None,
    )  # fmt: skip
    traces = circuits.simulate(circuit, trials.x, task.dt)
    z = traces.output / circuit.v0
    distances, works = distance(z, trials, masked=True), success(z, trials, task)
    options.out.mkdir(parents=True, exist_ok=True)

    parts = circuits.components(circuit)
    lines = ["name,from,to,value,unit", *(f"{p.name},{p.a},{p.b},{p.value!r},{p.unit}" for p in parts)]
    shown = int(np.abs(trials.x).sum(axis=(0, 2)).argmax())
    title = f"{_called(options.file)}, condition {task.condition_names[shown]}"
    texts = {
        "components.csv": "\n".join(lines) + "\n",
        "circuit.cir": circuits.netlist(circuit, trials.x[:, shown], task.dt, title=title),
    }
    for name, text in texts.items():
        files.write_atomically(options.out / name, partial(_write_text, text))
    said = [f"{name}:  distance {d:.3f}" for name, d in zip(task.condition_names, distances, strict=True)]
    drawn = {"conditions.png": _panels(task, trials.x, trials.target, z, said)}
    drawn["schematic.png"], axes = plots.figure(1, 1, 11.0, 5.8)
    stages = {"design": circuit.design, "form": circuit.form, "phi": circuit.phi}
    plots.schematic(axes[0, 0], circuit.g_rec, circuit.s_rec, circuit.g_in, circuit.s_in, **stages)
    summary: dict[str, Any] = {
        "task": options.task or type(task).__name__, "design": options.design, "form": network.form, "success": works,
        "distance": dict(zip(task.condition_names, distances.tolist(), strict=True)),
        "largest_state_in_volt": float(np.abs(traces.state).max()), "gain": circuit.gain, "input_gain": circuit.input_gain,
    }  # fmt: skip
    if options.draws:

        def judge(z: Any) -> tuple[Any, bool]:
            return distance(z, trials, masked=True), success(z, trials, task)

        shares = [percent / 100 for percent in options.tolerances]
        found = circuits.tolerance(
            circuit, trials.x, task.dt, judge, tolerances=shares, draws=options.draws, capacitors=options.capacitors / 100,
            rng=options.seed,
        )  # fmt: skip
        drawn["tolerance.png"], axes = plots.figure(1, 1, 6.5, 4.2)
        far, percent = found.distances.mean(axis=2), np.array(options.tolerances)
        plots.tolerances(axes[0, 0], percent, far, found.works, nominal=float(distances.mean()))
        summary["tolerance"] = [
            {"percent": p, "works": int(w.sum()), "of": options.draws, "median_distance": float(np.median(d))}
            for p, w, d in zip(options.tolerances, found.works, far, strict=True)
        ]
    for name, made in drawn.items():
        files.write_atomically(options.out / name, partial(plots.save, made))
    files.write_json(options.out / "circuit.json", summary)

    kinds = {unit: sum(p.unit == unit for p in parts) for unit in ("kOhm", "uF", "mA")}
    print(
        f"{kinds['kOhm']} resistors, {kinds['uF']} capacitors, {kinds['mA']} bias currents; {options.design}, {network.form} form"
    )
    for name, d in zip(task.condition_names, distances, strict=True):
        print(f"{name:<10} {d:>9.4f}")
    for row in summary.get("tolerance", []):
        print(f"resistors of {row['percent']:g} %: {row['works']} of {row['of']} circuits perform it")
    print(f"the circuit {'performs' if works else 'does NOT perform'} the task; {', '.join([*texts, *drawn])} are in {options.out}")
    if not works and options.design != "clocked":
        print(
            f"(dt/tau is {network.leak.max():g} in the network, but a circuit in continuous time has no step: try --design clocked)"
        )
    return 0 if works else 1


def _write_text(text: str, file: Any) -> None:
    file.write(text.encode())


def _study(options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    if options.study in study_commands.OF_MANY:
        asked = [name for name in ("network", "epochs", "samples", "form") if getattr(options, name) is not None]
        if asked:
            raise ValueError(f"--{asked[0]} is not for {options.study}, whose networks are trained as its claims were made")
        return study_commands.of_many(options)
    asked = [name for name in ("networks", "jobs", "scheduler") if getattr(options, name) is not None]
    asked += [name for name in ("quick", "report_only") if getattr(options, name)]
    if asked:
        raise ValueError(f"--{asked[0].replace('_', '-')} is not for {options.study}, which is not of many networks")
    if options.network is not None and options.study not in ("oscillation", "time-step"):
        raise ValueError(f"--network is not for {options.study}, which makes its own networks")
    if options.study == "gradient-error":
        return study_commands.gradient_error(options)
    if options.study == "initial-state":
        return study_commands.initial_state(options)
    network, task, _ = (None, None, None) if options.network is None else _opened(options.network, options.task)
    if options.study == "oscillation":
        return study_commands.oscillation(options, network)
    return study_commands.time_step(options, network, task)


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
