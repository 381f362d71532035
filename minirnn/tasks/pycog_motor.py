"""Outputs that move: the eye in a learnt sequence, and a sine wave without any input; from Song, Yang & Wang (PLoS Comput Biol 12,
e1004792, 2016) and their code, pycog (examples/models: lee and sinewave).

The authors trained these two in "continuous" mode: one trial per update, and the state goes on from trial to trial. Here every
trial begins at h0, which is trained. A trial is right if the root of its mean square error, over the steps that count, is at most
0.05; a task is solved if that over all trials is.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .epochs import check_durations, ends, epoch_of, in_steps, noisy_input
from .protocol import Protocol
from .pycog_choices import PYCOG
from .shapes import check_count, check_levels

Array = np.ndarray[Any, Any]

ERROR = 0.05  # at most

WAYS = {2: (1, 3), 4: (2, 8), 5: (4, 6), 6: (2, 8), 8: (7, 9)}  # the dots that a move from a dot may end on


def _error(z: Array, trials: Trials, axis: Any) -> Array:
    """The root of the mean square error over these axes of (T, B, O), weighted by the mask."""
    weights = trials.weights()
    square = (z.astype(np.float64) - trials.target) ** 2
    return np.sqrt((weights * square).sum(axis) / weights.sum(axis))


class _Moves:
    """How outputs that move are judged."""

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each trial's error is at most 0.05."""
        return _error(z, trials, (0, 2)) <= ERROR

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """The error over all trials is at most 0.05."""
        return bool(_error(z, trials, None) <= ERROR)


@dataclass(frozen=True)
class LeeSequence(_Moves):
    """Move the eye along one of eight sequences of three moves on a grid of 3 x 3 dots (pycog: lee; Averbeck & Lee 2007).

    The dots are numbered by rows from the upper left, 1 .. 9, and 0.5 apart; the outputs are x and y of the eye, 0 at the middle,
    dot 5. The sequence's cue is on all the time. With the defaults (dt = 10 ms; steps in brackets):

        (0, 1000]       [0, 100)      between the trials: no dots; the target is the middle, with mask 0
        (1000, 2000]    [100, 200)    fixation: dot 5 is on; the eye is there
        (2000, 2500]    [200, 250)    first move: on are the dot the eye leaves and the two it may go to; it is where it goes
        (2500, 3000]    [250, 300)    second move
        (3000, 3500]    [300, 350)    third move

    From dot 5 the eye may go to 4 or 6, from either to 2 or 8, from there left or right, to a corner. All inputs are
    [u0 + u + sqrt(2 tau / dt) sigma_in n]_+ as in the choices, u = 1 where on. The sequences are equally likely.
    dt is 10 ms, tau / 5, as the authors' code has it where nothing else is said.
    """

    iti: float = 1000.0
    fixation: float = 1000.0
    move: float = 500.0
    dt: float = 10.0
    tau: float = 50.0
    baseline_input: float = 0.2
    input_sigma: float = 0.01
    spacing: float = 0.5

    n_in: ClassVar[int] = 17
    n_out: ClassVar[int] = 2
    input_names: ClassVar[tuple[str, ...]] = (*(f"dot {k}" for k in range(1, 10)), *(f"sequence {k}" for k in range(1, 9)))
    sequences: ClassVar[tuple[tuple[int, ...], ...]] = (
        (5, 6, 2, 1), (5, 4, 2, 3), (5, 4, 8, 9), (5, 6, 8, 7), (5, 6, 2, 3), (5, 4, 2, 1), (5, 4, 8, 7), (5, 6, 8, 9),
    )  # fmt: skip
    condition_names: ClassVar[tuple[str, ...]] = tuple(" ".join(map(str, dots)) for dots in sequences)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("cue", "the eye's way"), *((f"sequence {k}", name) for k, name in enumerate(condition_names, 1)),
    )  # fmt: skip
    protocol: ClassVar[Protocol] = replace(
        PYCOG, n_rec=200, batch=1, held_out=800, constants={**PYCOG.constants, "tau": 50.0, "noise": 0.01}
    )

    def __post_init__(self) -> None:
        check_durations(self, ("iti", "fixation", "move"))
        check_levels(self, ("baseline_input", "spacing"), ("input_sigma",))
        if not (math.isfinite(self.tau) and self.tau > 0):
            raise ValueError(f"tau must be positive, got {self.tau}")

    @property
    def input_noise_std(self) -> float:
        """Of the noise added to each input at each step: sqrt(2 tau / dt) input_sigma."""
        return math.sqrt(2 * self.tau / self.dt) * self.input_sigma

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return int(in_steps(self.iti + self.fixation + 3 * self.move, self.dt))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        return self._made(rng.integers(len(self.sequences), size=n), rng)

    def conditions(self) -> Trials:
        """One trial of each sequence, without noise."""
        return self._made(np.arange(len(self.sequences)), None)

    def _made(self, condition: Array, rng: np.random.Generator | None) -> Trials:
        end = ends([self.iti, self.fixation, *[self.move] * 3], self.dt, len(condition))
        epoch = epoch_of(self.steps, end)
        inputs, target = _course(self)
        course = condition * inputs.shape[1] + epoch  # (T, n) a row of the flat tables
        x = np.take(inputs.reshape(-1, self.n_in), course, axis=0)
        answer = np.take(target.reshape(-1, self.n_out), course, axis=0)
        return Trials(noisy_input(x, self, rng), answer, (epoch > 0).astype(np.float32), condition, self.dt)


@lru_cache(64)
def _course(task: LeeSequence) -> tuple[Array, Array]:
    """(8, 5, 17) the inputs and (8, 5, 2) the targets in each epoch of each sequence."""
    inputs, target = np.zeros((8, 5, 17), np.float32), np.zeros((8, 5, 2), np.float32)
    for s, dots in enumerate(task.sequences):
        inputs[s, :, 9 + s] = 1
        for epoch, (start, goal) in enumerate(zip((5, *dots[:-1]), dots, strict=True), 1):
            on = (start,) if epoch == 1 else (start, *WAYS[start])  # no move in the fixation
            inputs[s, epoch, [dot - 1 for dot in on]] = 1
            row, column = divmod(goal - 1, 3)
            target[s, epoch] = task.spacing * (column - 1), task.spacing * (1 - row)
    return inputs, target


@dataclass(frozen=True)
class SineWave(_Moves):
    """A sine wave without any input (pycog: sinewave).

    With the defaults (dt = 20 ms) the target is 0.9 sin(2 pi t / 800 ms) at t = 20, 40, .. 1600 ms: two periods in 80 steps, all of
    which count. period (ms), periods: how long one takes and how many there are; amplitude. All trials are alike; the noise is
    the network's. The biases are trained.
    """

    period: float = 800.0
    periods: float = 2.0
    amplitude: float = 0.9
    dt: float = 20.0

    n_in: ClassVar[int] = 0
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ()
    input_noise_std: ClassVar[float] = 0.0
    condition_names: ClassVar[tuple[str, ...]] = ("sine",)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (("input", "output"), ("none", "a sine wave"))
    protocol: ClassVar[Protocol] = replace(
        PYCOG, batch=1, held_out=50, b_rec=True, b_out=True, constants={**PYCOG.constants, "noise": 0.05}
    )

    def __post_init__(self) -> None:
        check_durations(self, ("period",))
        check_levels(self, ("amplitude",), ("periods",))
        if self.steps < 1:
            raise ValueError(f"periods must last at least one step of {self.dt:g} ms, got {self.periods}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return int(in_steps(self.periods * self.period, self.dt))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` trials, all alike, float32."""
        check_count(n)
        as_generator(rng)
        t = self.dt * np.arange(1, self.steps + 1)
        wave = (self.amplitude * np.sin(2 * np.pi * t / self.period)).astype(np.float32)
        target = np.repeat(wave[:, None, None], n, axis=1)
        return Trials(np.zeros((self.steps, n, 0), np.float32), target, condition=np.zeros(n, int), dt=self.dt)

    def conditions(self) -> Trials:
        """The one trial there is."""
        return self.trials(1, 0)
