"""The flip-flop: one bit that pulses set and reset (arXiv 1906.01094, table 5; code: RNN_study_with_keras)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .measures import distance
from .protocol import Protocol
from .shapes import add_noise, check_count, check_levels, check_times, distance_limit, held, jittered, middle, steps

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FlipFlop:
    """Remember which of two channels pulsed last: channel 1 sets the output to 1, channel 0 resets it to 0.

    (The legends in the authors' code have the two names the other way round; their data are as here.)
    Turn k starts at s_k = onset + k (pulse + quiet). With the defaults (dt = 1 ms), 50, 170, 290, 410:

        [s_k, s_k + 20)             a square pulse of height 1, on either channel with probability 1/2, never on both
        [s_k + 40, s_{k+1} + 40)    target = 1 after a set, 0 after a reset; before the first, baseline
        T = 50 + 4 120 = 530

    FlipFlop(n_turns=8) has the T = 1010 of the authors' training set, FlipFlop(n_turns=3) the 410 of RRN_dynamics, and
    FlipFlop(n_turns=5, T=600) the paper's 600 ms: the first of 650.
    n_turns; onset, pulse, gap, quiet (ms): start of the first turn, length of a pulse, wait for the answer, what follows a
    pulse in its turn. jitter (ms): each pulse, and its answer, is late by a whole number of steps drawn from 1 .. jitter/dt; the
    trial is longer by it. T (ms): cut trials to this length. The noise is N(0, input_noise_std^2) at every step and channel.
    """

    n_turns: int = 4
    onset: float = 50.0
    pulse: float = 20.0
    gap: float = 20.0
    quiet: float = 100.0
    jitter: float = 0.0
    T: float | None = None
    dt: float = 1.0
    baseline: float = 0.01
    low: float = 0.0
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("reset", "set")
    protocol: ClassVar[Protocol] = Protocol(samples=25000, stop_below=1e-3)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("reset", "set", "output"), ("0", "0", "stays"), ("0", "1", "1"), ("1", "0", "0"), ("1", "1", "(never)"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        if isinstance(self.n_turns, bool) or not isinstance(self.n_turns, int) or not 1 <= self.n_turns <= 60:
            raise ValueError(f"n_turns must be an integer from 1 to 60, got {self.n_turns!r}")
        check_times(self, ("pulse", "quiet"), ("onset", "gap", "jitter"))
        check_levels(self, ("baseline", "low"), ("input_noise_std", "target_noise_std"))
        if self.jitter and self.jitter >= self.quiet:
            raise ValueError(f"jitter must be below quiet = {self.quiet:g} ms, or pulses could meet, got {self.jitter}")
        if self.gap + self.jitter >= self.quiet + self.pulse:
            raise ValueError(
                f"gap plus jitter must be below a turn of {self.pulse + self.quiet:g} ms, got {self.gap + self.jitter:g}"
            )
        if self.T is not None:
            check_times(self, ("T",), ())

    def _length(self, n_turns: int) -> int:
        return steps(self, "onset") + n_turns * (steps(self, "pulse") + steps(self, "quiet")) + steps(self, "jitter")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        whole = self._length(self.n_turns)
        return whole if self.T is None else min(whole, steps(self, "T"))

    def sequences(self, n_turns: int) -> tuple[str, ...]:
        """Names of all 2^n sequences of n turns, R for reset and S for set, the first turn first: RRR, RRS, .. SSS."""
        return tuple("".join("RS"[code >> (n_turns - 1 - k) & 1] for k in range(n_turns)) for code in range(2**n_turns))

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Of `conditions()`: the eight sequences of three turns. `trials` number those of their own n_turns in the same way."""
        return self.sequences(3)

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32; `condition` numbers their sequences as `sequences(n_turns)` does."""
        check_count(n)
        rng = as_generator(rng)
        sets = rng.integers(2, size=(self.n_turns, n))
        x, target = self._noiseless(sets, jittered(rng, steps(self, "jitter"), sets.shape), self.steps)
        add_noise(x, self.input_noise_std, rng)
        add_noise(target, self.target_noise_std, rng)
        return Trials(x, target, condition=self._codes(sets), dt=self.dt)

    def conditions(self, n_turns: int = 3) -> Trials:
        """All 2^n noiseless sequences of n turns, in the order of `sequences`, at the middle of the jitter."""
        codes = np.arange(2**n_turns)
        sets = codes >> np.arange(n_turns - 1, -1, -1)[:, None] & 1
        x, target = self._noiseless(sets, np.full(sets.shape, middle(steps(self, "jitter"))), self._length(n_turns))
        return Trials(x, target, condition=codes, dt=self.dt)

    def _codes(self, sets: Array) -> Array:
        """(n,) the number of each sequence of turns (n_turns, n)."""
        return (sets << np.arange(len(sets) - 1, -1, -1)[:, None]).sum(axis=0)

    def _starts(self, n_turns: int) -> Array:
        """(n_turns,) first steps of the turns."""
        return steps(self, "onset") + np.arange(n_turns) * (steps(self, "pulse") + steps(self, "quiet"))

    def _noiseless(self, sets: Array, delay: Array, T: int) -> tuple[Array, Array]:
        pulse, wait, jitter = steps(self, "pulse"), steps(self, "pulse") + steps(self, "gap"), steps(self, "jitter")
        x = np.zeros((T, sets.shape[1], 2), np.float32)
        target = np.full((T, sets.shape[1]), self.baseline, np.float32)
        levels = np.array([self.low, 1.0], np.float32)
        starts = self._starts(len(sets))
        for start, late, value in zip(starts, delay, sets, strict=True):  # over turns, not trials
            turn = np.arange(start, min(start + jitter + pulse, T))[:, None] - start - late
            on = (turn >= 0) & (turn < pulse)
            x[start : start + jitter + pulse, :, 0] = on & (value == 0)
            x[start : start + jitter + pulse, :, 1] = on & (value == 1)
            # from here on all is this turn's answer, but what is still the last turn's where this one is late
            target[start + wait + jitter :] = levels[value]
            between = target[start + wait : start + wait + jitter]
            np.copyto(between, levels[value], where=np.arange(len(between))[:, None] >= late)
        return x, target[:, :, None]

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output of `conditions` is on its side of 0.5 at >= 95 % of the last half of every hold."""
        T = trials.x.shape[0]
        n_turns = (T - steps(self, "onset")) // (steps(self, "pulse") + steps(self, "quiet"))
        first = self._starts(n_turns) + middle(steps(self, "jitter")) + steps(self, "pulse") + steps(self, "gap")
        stops = [*first[1:], T]
        right: Array = np.logical_and.reduce([held(z, trials.target, a, b) for a, b in zip(first, stops, strict=True)])
        return right

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All holds right, and a mean distance below 1.5 sqrt(T / 200)."""
        return bool(self.right(z, trials).all() and distance(z, trials).mean() < distance_limit(trials))
