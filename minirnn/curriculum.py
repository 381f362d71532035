"""Curricula: one task after the other, each until a measure of the network's performance passes a threshold.

`until` is the rule of stopping, for `train(callback=..)`; `fraction_right` a measure; `curriculum` trains through the stages.
"""

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .checkpoint import Folder, digest, read_epoch
from .files import PathLike
from .network import Network
from .optimizer import SGD, Adam
from .randomness import STAGE, as_generator, counted, draw_run_seed
from .train import Callback, History, Result, train

Measure = Callable[[Network], float]


def until(measure: Measure, threshold: float) -> Callback:
    """A callback for `train` that ends training after the first epoch with measure(network) >= threshold."""
    return lambda epoch, network, history: measure(network) >= threshold


def fraction_right(task: Any) -> Measure:
    """The measure: the fraction of the noiseless trials `task.conditions()` that `task.right` calls right, without state noise."""
    trials = task.conditions()

    def measure(network: Network) -> float:
        return float(np.mean(task.right(network.run(trials.x)[1], trials)))

    return measure


@dataclass(frozen=True)
class Stage:
    """A task, and when it is learnt: as soon as measure(network) >= threshold.

    measure: None for `fraction_right(task)`. epochs: the most it may take, None for those of the task's protocol. name: for
    messages, None for the task's class.
    """

    task: Any
    threshold: float
    measure: Measure | None = None
    epochs: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        return type(self.task).__name__ if self.name is None else self.name


@dataclass(frozen=True)
class Curriculum:
    """The last network; for each stage that was reached `train`'s Result and the measure at its end; why it ended, in words."""

    network: Network
    results: tuple[Result, ...]
    performances: tuple[float, ...]
    stopped: str


def curriculum(
    net: Network, stages: Sequence[Stage], *, rng: np.random.Generator | int, checkpoint: PathLike | None = None,
    optimizer: Adam | SGD | None = None, batch: int | None = None, samples: int | None = None, threads: int | None = None,
    progress: bool = True,
) -> Curriculum:  # fmt: skip
    """Train a copy of `net` on one stage after the other, each from the last network of the one before.

    A stage ends after the first epoch whose measure reaches its threshold, and in no other way (the protocol's `stop_below` is
    off); if its epochs pass without, the curriculum ends there, as it does at Ctrl-C. A stage whose threshold the network reaches
    before is not trained: its Result has an empty history and says so. The optimiser starts anew in each stage, its moments and
    its count of updates (so the learning rate's decay) at 0.

    optimizer, batch, samples: for all stages, None for each task's protocol. threads, progress: as in `train`.
    rng: Generator or seed, from which one run seed is drawn; the seed of stage k is counted from it and k only.
    checkpoint: a folder, in which stage_01, stage_02, .. are the folders of `train`. The same call with the same folder goes on at
    the last complete epoch and ends with the same bits, provided that the measures are functions of the network only.

    Before anything is trained: TypeError or ValueError, naming the stage, where a task does not fit the network (n_in, n_out, dt)
    or a measure is missing; ValueError where the folder holds another curriculum, which is compared by tasks, thresholds, epochs,
    and names of the measures; BlockingIOError where another process trains in it. Diverged, of `train`.
    """
    stages = list(stages)
    measures = [_checked(net, stage, _called(k, stage)) for k, stage in enumerate(stages, 1)]
    if not stages:
        raise ValueError("stages must hold at least one Stage")
    run_seed = draw_run_seed(as_generator(rng))
    network, results, performances, stopped = net.copy(), [], [], f"all {len(stages)} stages passed"
    with ExitStack() as stack:
        if checkpoint is not None:
            settings = _settings(net, stages, optimizer, batch, samples)
            stack.enter_context(Folder(checkpoint, settings, run_seed))
        for k, (stage, measure) in enumerate(zip(stages, measures, strict=True), 1):
            called = _called(k, stage)
            before = float(measure(network))
            if before >= stage.threshold:
                said = f"skipped: {before:g} reaches {stage.threshold:g} before training"
                _say(progress, f"{called}: {said}")
                results.append(Result(network, network, History(*[np.zeros(0) for _ in History._fields]), said))
                performances.append(before)
                continue
            _say(progress, f"{called}: {before:g} of {stage.threshold:g}")
            folder = None if checkpoint is None else Path(checkpoint) / f"stage_{k:02d}"
            if folder is not None:
                _ask_again(folder, measure, stage.threshold)
            result = train(
                network, stage.task, optimizer=optimizer, epochs=stage.epochs, batch=batch, samples=samples, stop_below=0.0,
                rng=counted(run_seed, STAGE, k), checkpoint=folder, threads=threads, progress=progress,
                callback=until(measure, stage.threshold),
            )  # fmt: skip
            network = result.network
            results.append(result)
            performances.append(float(measure(network)))
            if result.stopped.startswith("interrupted"):
                stopped = f"{called} {result.stopped}"
                break
            if not performances[-1] >= stage.threshold:
                epochs = len(result.history.loss)
                stopped = f"{called} not passed after {epochs} epochs: {performances[-1]:g} of {stage.threshold:g}"
                break
    return Curriculum(network, tuple(results), tuple(performances), stopped)


def _called(k: int, stage: Stage) -> str:
    return f"stage {k} ({stage})"


def _checked(net: Network, stage: Stage, called: str) -> Measure:
    """The stage's measure, or an error where the stage can not be trained."""
    if not isinstance(stage, Stage):
        raise TypeError(f"stages must be Stage, got {type(stage).__name__}")
    if not math.isfinite(stage.threshold):
        raise ValueError(f"{called}: threshold must be finite, got {stage.threshold}")
    if not (hasattr(stage.task, "trials") and hasattr(stage.task, "protocol")):
        raise TypeError(f"{called}: task must be a task, got {type(stage.task).__name__}")
    try:
        net.check(stage.task.trials(1, 0))
    except ValueError as error:
        raise ValueError(f"{called} does not fit the network: {error}") from error
    if stage.measure is not None:
        return stage.measure
    if not (hasattr(stage.task, "right") and hasattr(stage.task, "conditions")):
        raise TypeError(f"{called}: measure must be given, for a task without right(z, trials) and conditions()")
    return fraction_right(stage.task)


def _settings(
    net: Network, stages: list[Stage], optimizer: Adam | SGD | None, batch: int | None, samples: int | None
) -> dict[str, Any]:
    """What makes a curriculum, in words; `train` adds, for each stage, what else makes its run."""

    def said(stage: Stage) -> str:
        measure = "fraction right" if stage.measure is None else getattr(stage.measure, "__qualname__", repr(type(stage.measure)))
        task = repr(stage.task) if is_dataclass(stage.task) else type(stage.task).__qualname__
        return f"{task}, {measure} >= {stage.threshold!r}, epochs {stage.epochs}"

    return {
        "network": digest(*net.params[:5], net.h0), "optimizer": repr(optimizer), "batch": batch, "samples": samples,
        **{f"stage {k}": said(stage) for k, stage in enumerate(stages, 1)},
    }  # fmt: skip


def _ask_again(path: Path, measure: Measure, threshold: float) -> None:
    """Take away the newest epoch of an unfinished stage if it passes, so that `train` repeats it, to the same bits, and asks.

    `train` keeps an epoch before it asks the callback; a process that dies in between would go on past the end of the stage.
    """
    folder = Folder(path, {}, 0)  # not entered: only its names; the curriculum's own folder is locked
    epochs = folder.epochs() if path.is_dir() else []
    if folder.finished() is None and epochs:
        newest = folder.file(epochs[-1])
        if measure(read_epoch(newest).network) >= threshold:
            newest.unlink()


def _say(progress: bool, line: str) -> None:
    if progress:
        print(line, file=sys.stderr, flush=True)
