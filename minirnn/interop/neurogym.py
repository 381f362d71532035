"""neurogym (neurogym/neurogym): its tasks as `Trials`.

A task for supervised learning makes a whole trial in `new_trial()`: then `ob` (T, ..) holds the observations and `gt` the
ground truth, the action (T,) or its value (T, O) that is right at each step, having seen `ob` up to that step. So does `Dataset`
(neurogym/utils/data.py) take them, which joins trials end to end; here each starts anew.
"""

from typing import Any

import numpy as np

from ..randomness import as_generator
from ..trials import Trials

Array = np.ndarray[Any, Any]


def from_neurogym(env: Any, n: int, rng: np.random.Generator | int, *, T: int | None = None, **settings: Any) -> Trials:
    """n trials of a neurogym task; those shorter than T steps are padded, with mask 0.

    env: a name such as "PerceptualDecisionMaking-v0", made by `neurogym.make(env, **settings)` (neurogym is not needed
    otherwise); or the task itself, anything with `new_trial()`, `ob`, `gt` and `dt`. What wrappers do in `step` is not seen.
    rng: gives the seed for `env.seed(seed)`, or where there is no such method for `env.reset(seed=seed)`; not the other way
    round, since neurogym's reset leaves the generator alone that its trials are drawn from. T: None for the longest trial.

    x is `ob`, its axes but the first made one. target: whole numbers (T,) one-hot, with as many outputs as
    `env.action_space.n`; anything else as it is. mask (T, n) is 1 in the trial, 0 after it. dt is that of the task, ms.
    Source: neurogym/neurogym, neurogym/core.py (TrialEnv), neurogym/utils/data.py (Dataset).
    ImportError where a name is given and neurogym is absent; TypeError or ValueError, naming what does not fit.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n must be an integer of at least 1, got {n!r}")
    if T is not None and (isinstance(T, bool) or not isinstance(T, int | np.integer) or T < 1):
        raise ValueError(f"T must be None or an integer of at least 1, got {T!r}")
    rng = as_generator(rng)
    if isinstance(env, str):
        env = _make(env, settings)
    elif settings:
        raise TypeError(f"{', '.join(settings)} can not be given to a task that is made already")
    task = getattr(env, "unwrapped", env)
    # asked of the class, since gymnasium's wrappers pass the question on with a warning, or not at all
    maker = env if hasattr(type(env), "new_trial") else task
    if not callable(getattr(maker, "new_trial", None)):
        raise TypeError(f"env must be the name of a neurogym task or have new_trial(), got {type(env).__name__}")
    dt = getattr(task, "dt", None)
    if dt is None:
        raise TypeError(f"env must have dt, its step in ms, but {type(task).__name__} has none")
    _seed(env, task, int(rng.integers(2**31)))

    trials = []
    for _ in range(n):
        maker.new_trial()
        trials.append(_trial(task))
    return Trials(*_padded(trials, T), dt=float(dt))


def _make(name: str, settings: dict[str, Any]) -> Any:
    try:
        import neurogym  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError(f'making the task "{name}" needs neurogym: pip install neurogym') from error
    return neurogym.make(name, **settings)


def _seed(env: Any, task: Any, seed: int) -> None:
    if callable(getattr(task, "seed", None)):
        task.seed(seed)
    elif callable(getattr(env, "reset", None)):
        env.reset(seed=seed)
    else:
        raise TypeError(f"env must have seed(seed) or reset(seed=..), but {type(task).__name__} has neither")


def _trial(task: Any) -> tuple[Array, Array]:
    """x (T, I) and target (T, O) of the trial that was made last, copies."""
    for name in ("ob", "gt"):
        if getattr(task, name, None) is None:
            raise ValueError(f"{type(task).__name__} made a trial without {name}, which supervised learning needs")
    ob, gt = np.asarray(task.ob), np.asarray(task.gt)
    if ob.ndim == 0 or len(ob) == 0 or gt.shape[:1] != ob.shape[:1]:
        raise ValueError(f"ob and gt must have the same number of steps, got {ob.shape} and {gt.shape}")
    x = ob.reshape(len(ob), -1).astype(np.float32)
    if gt.ndim > 1 or gt.dtype.kind not in "iu":
        return x, gt.reshape(len(gt), -1).astype(np.float32)
    space = getattr(task, "action_space", None)
    count, start = getattr(space, "n", None), getattr(space, "start", 0)
    if count is None:
        raise ValueError("gt holds whole numbers, but env.action_space.n, the number of actions, is not there")
    action = gt - start
    if action.min() < 0 or action.max() >= count:
        raise ValueError(f"gt must be from {start} to {start + count - 1}, got {gt.min()} to {gt.max()}")
    return x, np.eye(count, dtype=np.float32)[action]


def _padded(trials: list[tuple[Array, Array]], T: int | None) -> tuple[Array, Array, Array]:
    """x (T, B, I), target (T, B, O) and mask (T, B)."""
    longest = max(len(x) for x, _ in trials)
    T = T or longest
    if longest > T:
        raise ValueError(f"T must be at least as long as each trial, got {T} steps for a trial of {longest}")
    x = np.zeros((T, len(trials), trials[0][0].shape[1]), np.float32)
    target = np.zeros((T, len(trials), trials[0][1].shape[1]), np.float32)
    mask = np.zeros((T, len(trials)), np.float32)
    for b, (ob, gt) in enumerate(trials):
        if ob.shape[1] != x.shape[2] or gt.shape[1] != target.shape[2]:
            raise ValueError(
                f"trial {b} has {ob.shape[1]} inputs and {gt.shape[1]} outputs, the first {x.shape[2]} and {target.shape[2]}"
            )
        x[: len(ob), b], target[: len(ob), b], mask[: len(ob), b] = ob, gt, 1.0
    return x, target, mask
