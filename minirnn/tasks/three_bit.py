"""The 3-bit flip-flop: three channels, each the memory of its own last pulse (arXiv 2010.07858; code: 3-bit-FF-tutorial).

z[t] is the output after consuming x[t]; N(0, input_noise_std^2) is added to each input at every step.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .protocol import Protocol
from .shapes import add_noise, check_count, check_levels, check_times, jittered, middle, steps

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ThreeBitFlipFlop:
    """Remember the sign of the last pulse on each of three channels; output k is the memory of input k.

    The channels are independent. Each has its own f, uniform on 10 .. 99, and v, w, uniform on 1 .. 50; with the defaults
    (dt = 1 ms) its pulses last 20 steps and start at

        s_1 = f               height +1, -1 or 0 with probability 1/3 each
        s_2 = f + 70 + v      height +1 or -1
        s_3 = s_2 + 100 + w   height +1 or -1

    The target is 0, and from s_k + 40 on the height of pulse k (0 as well); T = 340. What comes after the end is cut: part of
    the third pulse in 9 % of the channels, its answer in 25 % (26 % with zero_last_step). The code draws "move" as well, without
    any effect on T.

    onset, spread (ms): f is drawn from [onset, onset + spread). pulse, gap (ms): length of a pulse, wait for the answer.
    second, third, jitter (ms): least time from one start to the next, which is longer by v, w from 1 .. jitter/dt steps.
    T (ms): length of a trial; every second pulse is answered in it. zero_last_step: the target of the last step is 0, as in
    the authors' data (a slice ends at -1), which costs a perfect network up to sqrt(3) in each distance.
    """

    onset: float = 10.0
    spread: float = 90.0
    pulse: float = 20.0
    gap: float = 20.0
    second: float = 70.0
    third: float = 100.0
    jitter: float = 50.0
    T: float = 340.0
    dt: float = 1.0
    zero_last_step: bool = False
    input_noise_std: float = 0.1
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 3
    n_out: ClassVar[int] = 3
    input_names: ClassVar[tuple[str, ...]] = ("A", "B", "C")
    condition_names: ClassVar[tuple[str, ...]] = ("---", "--+", "-+-", "-++", "+--", "+-+", "++-", "+++")
    protocol: ClassVar[Protocol] = Protocol(samples=30050, batch=128, stop_below=9e-3, n_rec=400)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("input k", "output k"), ("0", "stays"), ("+1", "+1"), ("-1", "-1"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_times(self, ("spread", "pulse", "second", "third", "T"), ("onset", "gap", "jitter"))
        check_levels(self, (), ("input_noise_std", "target_noise_std"))
        for name in ("second", "third"):
            if steps(self, name) <= steps(self, "pulse"):
                raise ValueError(f"{name} must be longer than a pulse of {self.pulse:g} ms, got {getattr(self, name)}")
        answered = self.onset + self.spread + self.second + self.jitter + self.pulse + self.gap
        if self.T < answered:
            raise ValueError(f"T must hold every second answer, from {answered:g} ms on, got {self.T}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return steps(self, "T")

    @property
    def _wait(self) -> int:
        """Steps from the start of a pulse to its answer."""
        return steps(self, "pulse") + steps(self, "gap")

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32; `condition` is the corner of the cube that the targets hold at the end."""
        check_count(n)
        rng = as_generator(rng)
        first = steps(self, "onset") + rng.integers(steps(self, "spread"), size=(n, 3))
        late = jittered(rng, steps(self, "jitter"), (2, n, 3))
        heights = np.concatenate([rng.integers(-1, 2, size=(1, n, 3)), 2 * rng.integers(2, size=(2, n, 3)) - 1])
        trials = self._noiseless(self._starts(first, late), heights, self.steps)
        add_noise(trials.x, self.input_noise_std, rng)
        add_noise(trials.target, self.target_noise_std, rng)
        return trials

    def conditions(self) -> Trials:
        """Eight noiseless trials, f, v, w in the middle, that end in each corner of the cube if T holds the third answer.

        Read as binary numbers (- is 0, + is 1, channel A first), the corners of a trial count up by one, modulo 8: the one
        named -+- goes --- , --+, -+-.
        """
        number = (np.arange(8) + np.array([[-2], [-1], [0]])) % 8
        heights = 2 * (number[:, :, None] >> np.array([2, 1, 0]) & 1) - 1
        first = np.full((8, 3), steps(self, "onset") + steps(self, "spread") // 2)
        late = np.full((2, 8, 3), middle(steps(self, "jitter")))
        return self._noiseless(self._starts(first, late), heights, self.steps)

    def cube(self, move: float = 10.0, exchanged: bool = False) -> Trials:
        """One noiseless trial that visits all eight corners twice: 16 pulses on each channel at once, `second` ms apart.

        With the defaults pulse k starts at 30 + 70 k, on A with signs ++--++--.., on B +-+-+-+-.., on C ++++----.., and T is
        1120 + move: the last answer is held for `move` ms (the code draws it from 10 .. 49).
        exchanged: the targets of A and B are exchanged, as in the authors' generator, where it is a mistake: the two are
        stacked in another order than the inputs. A network that solves the task is then far from them.
        """
        if not (math.isfinite(move) and round(move / self.dt) >= 1):
            raise ValueError(f"move must be at least one step of {self.dt:g} ms, got {move}")
        k = np.arange(16)[:, None, None]
        starts = steps(self, "onset") + steps(self, "pulse") + k * steps(self, "second") + np.zeros((1, 3), int)
        heights = 1 - 2 * (k >> np.array([1, 0, 2]) & 1)
        trials = self._noiseless(starts, heights, int(starts[-1, 0, 0]) + self._wait + round(move / self.dt))
        if exchanged:
            return Trials(trials.x, trials.target[:, :, [1, 0, 2]], condition=trials.condition, dt=self.dt)
        return trials

    def _starts(self, first: Array, late: Array) -> Array:
        """(3, B, 3) first steps of the three pulses; first (B, 3), late (2, B, 3) steps."""
        second = first + steps(self, "second") + late[0]
        return np.stack([first, second, second + steps(self, "third") + late[1]])

    def _noiseless(self, starts: Array, heights: Array, T: int) -> Trials:
        """Pulses of these starts and heights (K, B, 3), pulse after pulse, and their answers, cut at T."""
        pulse, whole = steps(self, "pulse"), max(T, int(starts.max()) + self._wait + 1)
        channels = np.arange(heights[0].size)
        x = np.zeros((whole, channels.size), np.float32)
        change = np.zeros((whole, channels.size), np.int8)  # of the target, from step to step
        before = np.zeros(channels.size, int)
        for start, height in zip(starts.reshape(len(starts), -1), heights.reshape(len(heights), -1), strict=True):  # over pulses
            x[start + np.arange(pulse)[:, None], channels] = height
            change[start + self._wait, channels] = height - before
            before = height
        target = np.cumsum(change[:T], axis=0, dtype=np.int8).astype(np.float32)
        corner = (target[-1].reshape(-1, 3) > 0) @ np.array([4, 2, 1])
        if self.zero_last_step:
            target[-1] = 0.0
        return Trials(x[:T].reshape(T, -1, 3), target.reshape(T, -1, 3), condition=corner, dt=self.dt)

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output is on its target's side of 0 at >= 95 % of the last half of every hold.

        A hold is the time from the answer to a pulse until the answer to the next one, whether or not that changes anything.
        For `conditions`, `cube` and any trials of this task whose noise does not hide the pulses (0.5 is their border).
        """
        T, B, _ = trials.x.shape
        stop = T - self.zero_last_step
        on = np.abs(trials.x) > 0.5
        began = on.copy()
        began[1:] &= ~on[:-1]
        answered = np.zeros_like(began)
        answered[self._wait :] = began[: T - self._wait]
        right = np.ones(B, bool)
        for b, channel in np.argwhere(answered[:stop].any(axis=0)):
            bounds = [*np.flatnonzero(answered[:stop, b, channel]), stop]
            for first, last in pairwise(bounds):
                part = slice(first + (last - first) // 2, last)
                same = (z[part, b, channel] > 0) == (trials.target[part, b, channel] > 0)
                right[b] &= same.mean() >= 0.95
        return right

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All holds right; there is no limit on the distance."""
        return bool(self.right(z, trials).all())
