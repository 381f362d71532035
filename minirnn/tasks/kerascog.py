"""The tasks of KerasCog (github.com/ABAtanasov/KerasCog; the thesis "Dynamic Working Memory in Recurrent Neural Networks", ch. 3).

Its time is counted in Euler steps of dt = 20 ms, with tau = 100 ms: a "50" of its scripts is 1000 ms here. Only answers count:
the mask is 1 in the windows of the answers and 0 elsewhere, where the target is `baseline`, as its 0.5, and without effect.
z[t] is the output after consuming x[t]; N(0, input_noise_std^2) is added to each input at every step.

Its networks are of the current form with relu, have no biases, no noise but N(0, noise^2) per step, one draw for the whole batch,
and start from an orthogonal W_rec times 1.1 (Keras 1's own factor). Adam with Keras' defaults; no rule to stop, no validation. Its
Dale's law leaves no connection between two units (a bug: a diagonal matrix multiplies entry by entry); ours has the correct one.

Without biases, a relu network can come to need the input's noise, whose rectified part drives it: one that is right on noisy trials
may be wrong on the noiseless `conditions`. `right` takes `trials` as well, where they have no jitter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .protocol import Protocol
from .shapes import add_noise, check_count, check_levels, check_times, held, jittered, middle, steps

Array = np.ndarray[Any, Any]

_LEAKY: Mapping[str, Any] = {"form": "current", "phi": "relu", "tau": 100.0}
_PLAIN = Protocol(samples=512, lr=1e-3, decay=0.0, gain=1.1, b_out=False, constants=_LEAKY)


def _with_dale(protocol: Protocol, noise: float) -> Protocol:
    """The same with 80 % excitatory units and this much noise in the state.

    Ours are the spectral radius and the clipping: KerasCog's diagonal layer cannot explode, a true W_rec of that start does.
    """
    noisy = {"noise": noise, "noise_scaling": "per_step", "noise_shared_across_batch": True, "spectral_radius": 0.9}
    return replace(protocol, clip=1.0, constants={**_LEAKY, **noisy}, dale={"excitatory": 0.8, "by": "abs"})


@dataclass(frozen=True)
class KerasCogFlipFlop:
    """Remember which of two inputs fired last: after A the output is 0, after B it is 1.

    Turn k starts at s_k = onset + k (pulse + quiet). With the defaults, those of the script (steps of dt = 20 ms), 50, 200, .. 650:

        [s_k, s_k + 50)           the input is 1, on A or on B with probability 1/2; not in the mask
        [s_k + 50, s_k + 150)     target 0 after A, 1 after B; in the mask
        T = 50 + 5 150 = 800

    KerasCogFlipFlop.library() has the defaults of the library instead: 3 turns, and 3, 3, 4 steps; T = 24; no noise in the input.
    n_turns; onset, pulse, quiet (ms): start of the first turn, length of a pulse, what follows it in its turn, which is the
    answer's window. jitter (ms): all turns of a trial, and their answers, last longer by a whole number of steps drawn from
    1 .. jitter/dt; what then remains of the trial is silent and not in the mask. baseline: target outside the mask.

    `protocol` is the committed script's, which has neither Dale's law nor noise in the state; `protocol_dale` has both, the
    library's defaults 0.8 and 0.1 (what the thesis' slow runs had is not written).
    """

    n_turns: int = 5
    onset: float = 1000.0
    pulse: float = 1000.0
    quiet: float = 2000.0
    jitter: float = 0.0
    dt: float = 20.0
    baseline: float = 0.5
    input_noise_std: float = 0.1

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    judges_any_trial: ClassVar[bool] = True  # `right` is not for the conditions alone
    input_names: ClassVar[tuple[str, ...]] = ("A", "B")
    letters: ClassVar[str] = "AB"  # the two kinds of turn: answer 0, answer 1
    protocol: ClassVar[Protocol] = _PLAIN
    protocol_dale: ClassVar[Protocol] = _with_dale(_PLAIN, 0.1)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("A", "B", "output"), ("0", "0", "stays"), ("1", "0", "0"), ("0", "1", "1"), ("1", "1", "(never)"),
    )  # fmt: skip

    @classmethod
    def library(cls, **changes: Any) -> Self:
        """The defaults of set_params in KerasCog's tasks/FlipFlop_ID.py."""
        return cls(**({"n_turns": 3, "onset": 60.0, "pulse": 60.0, "quiet": 80.0, "input_noise_std": 0.0} | changes))

    def __post_init__(self) -> None:
        if isinstance(self.n_turns, bool) or not isinstance(self.n_turns, int) or not 1 <= self.n_turns <= 60:
            raise ValueError(f"n_turns must be an integer from 1 to 60, got {self.n_turns!r}")
        check_times(self, ("pulse", "quiet"), ("onset", "jitter"))
        check_levels(self, ("baseline",), ("input_noise_std",))

    def _turn(self, delay: Any) -> Any:
        """Steps from one turn to the next."""
        return steps(self, "pulse") + steps(self, "quiet") + delay

    def _length(self, n_turns: int) -> int:
        return steps(self, "onset") + n_turns * int(self._turn(steps(self, "jitter")))

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return self._length(self.n_turns)

    def sequences(self, n_turns: int) -> tuple[str, ...]:
        """Names of all 2^n sequences of n turns, the first turn first: AAA, AAB, .. BBB."""
        return tuple("".join(self.letters[code >> (n_turns - 1 - k) & 1] for k in range(n_turns)) for code in range(2**n_turns))

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Of `conditions()`: the eight sequences of three turns. `trials` number those of their own n_turns in the same way."""
        return self.sequences(3)

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32; `condition` numbers their sequences as `sequences(n_turns)` does."""
        check_count(n)
        rng = as_generator(rng)
        values = rng.integers(2, size=(self.n_turns, n))
        x, target, mask = self._noiseless(values, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        codes = (values << np.arange(self.n_turns - 1, -1, -1)[:, None]).sum(axis=0)
        return Trials(x, target, mask, condition=codes, dt=self.dt)

    def conditions(self, n_turns: int = 3) -> Trials:
        """All 2^n noiseless sequences of n turns, in the order of `sequences`, at the middle of the jitter."""
        codes = np.arange(2**n_turns)
        values = codes >> np.arange(n_turns - 1, -1, -1)[:, None] & 1
        x, target, mask = self._noiseless(values, np.full(len(codes), middle(steps(self, "jitter"))))
        return Trials(x, target, mask, condition=codes, dt=self.dt)

    def _noiseless(self, values: Array, delay: Array) -> tuple[Array, Array, Array]:
        """x, target and mask of trials with these values of their turns (n_turns, B)."""
        n_turns = len(values)
        after_onset = np.arange(self._length(n_turns))[:, None] - steps(self, "onset")
        turn, since = np.divmod(after_onset, self._turn(delay))
        value = np.take_along_axis(values, turn.clip(0, n_turns - 1), axis=0)
        during = (turn >= 0) & (turn < n_turns)
        fires = during & (since < steps(self, "pulse"))
        answers = during & ~fires
        x = np.where(fires[:, :, None], self._pulses(value, since), 0).astype(np.float32)
        target = np.where(answers, value, self.baseline).astype(np.float32)
        return x, target[:, :, None], answers.astype(np.float32)

    def _pulses(self, value: Array, since: Array) -> Array:
        """(T, B, n_in) the inputs while a turn of this value (T, B) fires, `since` steps after its start (T, B)."""
        return np.stack([value == 0, value == 1], axis=2)

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output is on its side of 0.5 at >= 95 % of the last half of every answer.

        Of `conditions`, with any number of turns, or of `trials` without jitter.
        """
        T = trials.x.shape[0]
        n_turns = (T - steps(self, "onset")) // self._turn(steps(self, "jitter"))
        turn = self._turn(middle(steps(self, "jitter")))
        stops = [steps(self, "onset") + (k + 1) * turn for k in range(n_turns)]
        begins = [stop - turn + steps(self, "pulse") for stop in stops]
        right: Array = np.logical_and.reduce([held(z, trials.target, a, b) for a, b in zip(begins, stops, strict=True)])
        return right

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right. Ours, as neither KerasCog nor the thesis has a rule; no limit on a distance, which has no mask."""
        return bool(self.right(z, trials).all())


@dataclass(frozen=True)
class KerasCogFlipFlopDale(KerasCogFlipFlop):
    """KerasCogFlipFlop for a network with Dale's law and noise in the state. Its 150 epochs are ours: it takes them."""

    protocol: ClassVar[Protocol] = replace(KerasCogFlipFlop.protocol_dale, epochs=150)


@dataclass(frozen=True)
class KerasCogXor:
    """XOR in sequence: two items, one after the other, and the answer 1 where they differ.

    Each item is shown on one of two inputs: A stands for 1, B for 0. With the defaults (steps of dt = 20 ms):

        [30, 80)      the first item        the four pairs, written first second, have probability 1/4
        [130, 180)    the second
        [180, 230)    target = first XOR second, in the mask; T = 230

    Not `Xor`, whose two inputs pulse at once, or not at all. The notes of the repository describe two outputs, SAME and DIFF; its
    code has one. KerasCogXor.library() has the defaults of one version of the library: 3, 5, 15, 5 and 5 steps; T = 33.
    onset, pulse, gap, tail (ms): start of the first item, length of an item, the wait between the two, how long the answer lasts.
    jitter (ms): the second item and the answer come later by a whole number of steps drawn from 1 .. jitter/dt; the trial is
    longer by the most of it, and its answer lasts to the end. baseline: target outside the mask.

    `protocol` is the script's, with Dale's law and noise in the state, and so is `protocol_dale`.
    """

    onset: float = 600.0
    pulse: float = 1000.0
    gap: float = 1000.0
    tail: float = 1000.0
    jitter: float = 0.0
    dt: float = 20.0
    baseline: float = 0.5
    input_noise_std: float = 0.1

    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1
    judges_any_trial: ClassVar[bool] = True  # `right` is not for the conditions alone
    input_names: ClassVar[tuple[str, ...]] = ("A", "B")
    condition_names: ClassVar[tuple[str, ...]] = ("00", "10", "01", "11")
    protocol: ClassVar[Protocol] = _with_dale(replace(_PLAIN, batch=32, epochs=50), 0.05)
    protocol_dale: ClassVar[Protocol] = protocol
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("first", "second", "answer"), ("0: B", "0: B", "0"), ("1: A", "0: B", "1"), ("0: B", "1: A", "1"), ("1: A", "1: A", "0"),
    )  # fmt: skip

    @classmethod
    def library(cls, **changes: Any) -> Self:
        """The defaults of set_params in one version of KerasCog's tasks/xor_ID.py."""
        return cls(**({"onset": 60.0, "pulse": 100.0, "gap": 300.0, "tail": 100.0} | changes))

    def __post_init__(self) -> None:
        check_times(self, ("pulse", "tail"), ("onset", "gap", "jitter"))
        check_levels(self, ("baseline",), ("input_noise_std",))

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "pulse", "gap", "jitter", "pulse", "tail"))

    @property
    def answer_start(self) -> int:
        """The first step of the answer in `conditions`."""
        return middle(steps(self, "jitter")) + sum(steps(self, name) for name in ("onset", "pulse", "gap", "pulse"))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        condition = rng.integers(4, size=n)
        x, target, mask = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))
        add_noise(x, self.input_noise_std, rng)
        return Trials(x, target, mask, condition=condition, dt=self.dt)

    def conditions(self) -> Trials:
        """One noiseless trial of each pair, at the middle of the jitter."""
        condition = np.arange(4)
        x, target, mask = self._noiseless(condition, np.full(4, middle(steps(self, "jitter"))))
        return Trials(x, target, mask, condition=condition, dt=self.dt)

    def _noiseless(self, condition: Array, delay: Array) -> tuple[Array, Array, Array]:
        second, first = np.divmod(condition, 2)
        pulse = steps(self, "pulse")
        t = np.arange(self.steps)[:, None] - steps(self, "onset")
        late = t - pulse - steps(self, "gap") - delay  # since the second item began
        early = (t >= 0) & (t < pulse)
        shown = early | ((late >= 0) & (late < pulse))
        item = np.where(early, first, second)
        x = np.stack([shown & (item == 1), shown & (item == 0)], axis=2).astype(np.float32)
        answers = late >= pulse
        target = np.where(answers, first ^ second, self.baseline).astype(np.float32)
        return x, target[:, :, None], answers.astype(np.float32)

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each output of `conditions`, or of `trials` without jitter, is right.

        That is on its side of 0.5 at >= 95 % of the last half of its answer.
        """
        return held(z, trials.target, self.answer_start, self.steps)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """All answers right. Ours, as KerasCog has no rule; no limit on a distance, which has no mask."""
        return bool(self.right(z, trials).all())
