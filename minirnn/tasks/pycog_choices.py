"""Choices between two answers, as monkeys and rats are asked for: the decision tasks of Song, Yang & Wang (PLoS Comput Biol 12,
e1004792, 2016) and of their code, pycog (examples/models).

A trial is a row of epochs (see `epochs`). It begins with fixation, where both outputs shall be lo, and ends with the decision,
where the output of the right choice shall be hi and the other lo. Only there does the loss count; in between the target is lo,
with mask 0. With probability `catch` a trial is a catch trial: catch_T ms of fixation, no stimulus, and the loss counts at
every step. Trials are padded to the longest a task can have, `steps`, with mask 0 and target lo.

All inputs, those of the padding too, are [u0 + u + sqrt(2 tau / dt) sigma_in n]_+ with n ~ N(0, 1): u0 = baseline_input = 0.2,
sigma_in = input_sigma = 0.01, and u the input stated with each task, 0 where nothing is said.

`conditions` has the authors' test epochs (fields test_..), drawn durations at their middle, each condition once, and last a
catch trial. The choice is the larger output at the last step that counts; a tie is no choice. A catch trial is right if both
outputs are below (lo + hi) / 2 there. A task is solved if enough choices are right, catch trials not counted; the authors
stopped when the mean of their last five validations was so.

The protocol is pycog's: plain gradient descent, 20 new trials per update, Dale's law with four excitatory units to each
inhibitory one, noise inside. Its epochs of 10^4 trials are the authors' validation interval; their number is ours (they had 10^7
updates, or 100 validations without progress).
"""

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .epochs import (
    Duration,
    TruncatedExponential,
    Uniform,
    check_durations,
    drawn,
    ends,
    epoch_of,
    fixed,
    in_steps,
    longest,
    noisy_input,
)
from .protocol import Protocol
from .shapes import check_count, check_levels

Array = np.ndarray[Any, Any]

EXCITATORY = 0.8  # of the units; they come first

PYCOG = Protocol(
    samples=10_000, held_out=1100, fresh=True, batch=20, epochs=100, optimizer="sgd", lr=0.01, decay=0.0, clip=1.0, n_rec=100,
    recurrent="gamma", h0=0.1, b_out=False,
    constants={
        "form": "current", "phi": "relu", "tau": 100.0, "noise": 0.15, "train_h0": True, "vanishing": 2.0, "input_limit": 0.1,
    },
    dale={"excitatory": EXCITATORY, "by": "rectify", "self_connections": False},
)  # fmt: skip


class Asked(NamedTuple):
    """A condition: its name, the output that is the right choice, and the inputs in each epoch after fixation."""

    name: str
    choice: int
    inputs: list[list[float]]


@dataclass(frozen=True)
class _Choice:
    """What the choices have in common; the text at the head of this file tells the fields."""

    fixation: float = 100.0
    decision: float = 300.0
    test_fixation: float = 300.0
    catch: float = 1 / 11
    catch_T: float = 2000.0
    dt: float = 20.0
    tau: float = 100.0
    baseline_input: float = 0.2
    input_sigma: float = 0.01
    hi: float = 1.0
    lo: float = 0.2

    n_in: ClassVar[int]
    n_out: ClassVar[int] = 2
    judges_any_trial: ClassVar[bool] = True  # `right` is not for the conditions alone
    input_names: ClassVar[tuple[str, ...]]
    epochs: ClassVar[tuple[str, ...]] = ("fixation", "stimulus", "decision")  # fields, in their order
    wanted: ClassVar[float] = 0.85
    protocol: ClassVar[Protocol]

    def __post_init__(self) -> None:
        check_durations(self, (*self.epochs, "catch_T", *(f"test_{name}" for name in self.epochs if hasattr(self, f"test_{name}"))))
        check_levels(self, ("baseline_input", "lo", "hi"), ("input_sigma",))
        if not (math.isfinite(self.tau) and self.tau > 0):
            raise ValueError(f"tau must be positive, got {self.tau}")
        if not 0 <= self.catch <= 1:
            raise ValueError(f"catch must be a probability, got {self.catch}")
        if self.lo >= self.hi:
            raise ValueError(f"hi must be above lo = {self.lo:g}, got {self.hi}")

    def _asked(self) -> list[Asked]:
        """The conditions without the catch trial."""
        raise NotImplementedError

    @property
    def input_noise_std(self) -> float:
        """Of the noise added to each input at each step: sqrt(2 tau / dt) input_sigma."""
        return math.sqrt(2 * self.tau / self.dt) * self.input_sigma

    @property
    def condition_names(self) -> tuple[str, ...]:
        """One per condition, the catch trial last."""
        return (*_table(self).names, "catch")

    def _tested(self) -> list[float]:
        return [fixed(getattr(self, f"test_{name}", getattr(self, name))) for name in self.epochs]

    @property
    def steps(self) -> int:
        """T, the steps of the longest trial; all are padded to it."""
        trained = sum(longest(getattr(self, name)) for name in self.epochs)
        return int(in_steps(max(trained, sum(self._tested()), self.catch_T), self.dt))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials with noise, float32."""
        check_count(n)
        rng = as_generator(rng)
        asked = len(_table(self).names)
        condition = np.where(rng.random(n) < self.catch, asked, rng.integers(asked, size=n))
        return self._made(condition, [drawn(getattr(self, name), self.dt, n, rng) for name in self.epochs], rng)

    def conditions(self) -> Trials:
        """One trial of each condition, without noise."""
        return self._made(np.arange(len(_table(self).names) + 1), self._tested(), None)

    def _made(self, condition: Array, durations: list[Any], rng: np.random.Generator | None) -> Trials:
        table = _table(self)
        end = ends(durations, self.dt, len(condition))
        end[:, condition == len(table.names)] = in_steps(self.catch_T, self.dt)  # all of it is fixation
        epoch = epoch_of(self.steps, end)
        course = condition * len(table.mask) + epoch  # (T, n) a row of the flat tables
        x = np.take(table.inputs.reshape(-1, self.n_in), course, axis=0)
        target = np.take(table.target.reshape(-1, self.n_out), course, axis=0)
        return Trials(noisy_input(x, self, rng), target, np.take(table.mask, epoch), condition, self.dt)

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether each choice is the right one, and each catch trial without one, in any trials of this task."""
        table = _table(self)
        condition = _conditions_of(trials)
        last = trials.x.shape[0] - 1 - np.argmax(trials.weights()[::-1, :, 0] > 0, axis=0)
        answer = z[last, np.arange(len(trials))]
        choice = table.choice[condition]
        chosen, other = (np.take_along_axis(answer, k[:, None], axis=1)[:, 0] for k in (choice, 1 - choice))
        return np.where(condition < len(table.names), chosen > other, (answer < 0.5 * (self.lo + self.hi)).all(axis=1))

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """More than `wanted` of the choices right, catch trials not counted."""
        right = self.right(z, trials)[_conditions_of(trials) < len(_table(self).names)]
        return bool(right.size and right.mean() > self.wanted)

    def dale_masks(self, n_rec: int, rng: np.random.Generator | int = 1) -> dict[str, Array]:
        """Which weights there are, beyond what `protocol.dale` says: boolean arrays by the name of the weights, (to, from).

        Among n_rec units the round(0.8 n_rec) excitatory ones come first. Weights not named here are free. `rng` matters where
        connections are drawn.
        """
        return {}


class _Table(NamedTuple):
    names: tuple[str, ...]  # C, without the catch trial
    choice: Array  # (C + 1,)
    inputs: Array  # (C + 1, E + 1, I) in each epoch, the last is the padding
    target: Array  # (C + 1, E + 1, 2)
    mask: Array  # (E + 1,)


@lru_cache(64)
def _table(task: _Choice) -> _Table:
    asked, E = task._asked(), len(task.epochs)
    choice = np.array([a.choice for a in asked] + [0])
    inputs = np.zeros((len(asked) + 1, E + 1, task.n_in), np.float32)
    inputs[:-1, 1:E] = [a.inputs for a in asked]
    target = np.full((len(asked) + 1, E + 1, 2), task.lo, np.float32)
    target[np.arange(len(asked)), E - 1, choice[:-1]] = task.hi
    mask = np.zeros(E + 1, np.float32)
    mask[[0, E - 1]] = 1
    return _Table(tuple(a.name for a in asked), choice, inputs, target, mask)


def _conditions_of(trials: Trials) -> Array:
    if trials.condition is None:
        raise ValueError("condition must be given: it says what the right choices are")
    return trials.condition


def _excitatory(n_rec: int, at_least: int) -> int:
    """How many of the units are excitatory."""
    if isinstance(n_rec, bool) or not isinstance(n_rec, int | np.integer) or n_rec < at_least:
        raise ValueError(f"n_rec must be an integer from {at_least} on, got {n_rec!r}")
    return round(EXCITATORY * n_rec)


def _check_tuple(task: Any, name: str) -> None:
    """TypeError for a list or an array: the field of a frozen task can be hashed."""
    if not isinstance(getattr(task, name), tuple):
        raise TypeError(f"{name} must be a tuple, got {type(getattr(task, name)).__name__}")


def _check_coherences(task: Any) -> None:
    _check_tuple(task, "coherences")
    if not task.coherences or not all(math.isfinite(c) and c > 0 for c in task.coherences):
        raise ValueError(f"coherences must be positive numbers, at least one, got {task.coherences}")
    if len(set(task.coherences)) < len(task.coherences):
        raise ValueError(f"coherences must not repeat, got {task.coherences}")
    check_levels(task, (), ("evidence",))


def _signed(coherences: tuple[float, ...]) -> list[float]:
    """-16 .. -1, 1 .. 16."""
    return sorted([-c for c in coherences] + list(coherences))


def _for_and_against(coherence: float, evidence: float) -> list[float]:
    """The two inputs of a stimulus with a signed coherence (%): (1 +- evidence coherence / 100) / 2."""
    return [0.5 * (1 + sign * evidence * coherence / 100) for sign in (1, -1)]


_TRUTH = (
    ("stimulus", "output 1", "output 2"), ("for 1", "high", "low"), ("for 2", "low", "high"), ("none (catch)", "low", "low"),
)  # fmt: skip


# ---- random dots: which way do most of them move?


@dataclass(frozen=True)
class _Dots(_Choice):
    """The inputs and conditions of random-dot motion."""

    stimulus: Duration = 800.0
    coherences: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    evidence: float = 3.2

    n_in: ClassVar[int] = 2
    input_names: ClassVar[tuple[str, ...]] = ("motion 1", "motion 2")
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = _TRUTH
    protocol: ClassVar[Protocol] = PYCOG

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_coherences(self)

    def _asked(self) -> list[Asked]:
        return [Asked(f"{c:+g}", int(c < 0), self._inputs(_for_and_against(c, self.evidence))) for c in _signed(self.coherences)]

    def _inputs(self, motion: list[float]) -> list[list[float]]:
        """During the stimulus and the decision."""
        return [motion, [0.0, 0.0]]


@dataclass(frozen=True)
class Rdm(_Dots):
    """Random dots shown for a fixed time (pycog: rdm_fixed).

    With the defaults (dt = 20 ms; steps in brackets):

        (0, 100]      [0, 5)      fixation; 300 ms [0, 15) in `conditions`, and all that follows 200 ms [10] later
        (100, 900]    [5, 45)     stimulus: the inputs are (1 + 3.2 c / 100) / 2 and (1 - 3.2 c / 100) / 2
        (900, 1200]   [45, 60)    decision: 1 if c > 0, else 2
        T = 100: catch trials, 1 in 11, take 2000 ms

    The coherence c (%) is one of +-coherences, all ten equally likely; evidence is the 3.2. Solved above 85 %.
    `dale_masks` are the structure of the paper's network: input k reaches the k-th quarter of the excitatory units alone, output
    k reads that quarter alone, and these two quarters do not project to each other.
    """

    def dale_masks(self, n_rec: int, rng: np.random.Generator | int = 1) -> dict[str, Array]:
        """W_in (N, 2), W_rec (N, N) and W_out (2, N), True where there is a weight; n_rec >= 5."""
        quarter = _excitatory(n_rec, 5) // 4
        groups = [slice(k * quarter, (k + 1) * quarter) for k in range(2)]
        W_in, W_rec = np.zeros((n_rec, 2), bool), ~np.eye(n_rec, dtype=bool)
        for k, group in enumerate(groups):
            W_in[group, k] = True
            W_rec[group, groups[1 - k]] = False
        return {"W_in": W_in, "W_rec": W_rec, "W_out": W_in.T.copy()}


@dataclass(frozen=True)
class RdmDense(_Dots):
    """Rdm for a network with Dale's law and all connections (pycog: rdm_dense)."""


@dataclass(frozen=True)
class RdmNoDale(_Dots):
    """Rdm for a network without Dale's law (pycog: rdm_nodale): W_rec is normal, of spectral radius 1.1."""

    protocol: ClassVar[Protocol] = replace(PYCOG, dale=None, recurrent="scaled_normal")


@dataclass(frozen=True)
class RdmReactionTime(_Dots):
    """Random dots on until the end; the answer may come while they move (pycog: rdm_rt).

    With the defaults (dt = 20 ms; steps in brackets):

        (0, 100]     [0, 5)      fixation; 300 ms [0, 15) in `conditions`
        (100, 400]   [5, 20)     stimulus as in Rdm, and 1 on the start cue, without loss
        (400, 900]   [20, 45)    decision, the inputs go on: hi is 1.2; 1200 ms [60] in `conditions`, 1500 ms of stimulus in all
        T = 100: catch trials, 5 in 11, take 2000 ms

    stimulus (ms) is the time before the decision counts. Solved above 85 %.
    """

    decision: float = 500.0
    catch: float = 5 / 11
    hi: float = 1.2
    stimulus: Duration = 300.0
    test_decision: float = 1200.0

    n_in: ClassVar[int] = 3
    input_names: ClassVar[tuple[str, ...]] = ("motion 1", "motion 2", "start")

    def _inputs(self, motion: list[float]) -> list[list[float]]:
        return [[*motion, 1.0], [*motion, 1.0]]


@dataclass(frozen=True)
class RdmVariableStimulus(_Dots):
    """Random dots shown for a random time (pycog: rdm_varstim).

    With the defaults (dt = 20 ms; steps in brackets), d the duration of the stimulus:

        (0, 100]             [0, 5)     fixation; 500 ms [0, 25) in `conditions`
        (100, 100 + d]       [.. + d)   stimulus as in Rdm, and 1 on the start cue; d is exponential with mean 330 ms, given that
                                        it is in [80, 1500), cut to whole steps: 4 .. 74; 320 ms [16] in `conditions`
        (100 + d, 400 + d]   [.. + 15)  decision; the start cue stays on
        T = 100: catch trials, 1 in 11, take 2000 ms. In `conditions` the others take 1120 ms [56]

    Solved above 85 %.
    """

    test_fixation: float = 500.0
    stimulus: Duration = field(default=TruncatedExponential(330.0, 80.0, 1500.0))

    n_in: ClassVar[int] = 3
    input_names: ClassVar[tuple[str, ...]] = ("motion 1", "motion 2", "start")

    def _inputs(self, motion: list[float]) -> list[list[float]]:
        return [[*motion, 1.0], [0.0, 0.0, 1.0]]


# ---- two stimuli one after the other


@dataclass(frozen=True)
class Romo(_Choice):
    """Which of two vibrations was faster? The first has to be remembered (pycog: romo; Romo et al. 1999).

    With the defaults (dt = 20 ms; steps in brackets), d the delay:

        (0, 100]                [0, 5)        fixation; 500 ms [0, 25) in `conditions`
        (100, 600]              [5, 30)       f1: the inputs are 0.4 + 0.8 (f - 10) / 24 and 0.4 + 0.8 (34 - f) / 24
        (600, 600 + d]          [30, ..)      delay, U(2500, 3500) ms cut to whole steps, 125 .. 174; 3000 ms [150] in `conditions`
        (600 + d, 1100 + d]     [.. + 25)     f2, as f1
        (1100 + d, 1400 + d]    [.. + 15)     decision: 1 if f1 > f2, else 2
        T = 245; catch trials, 1 in 11, take 2500 ms

    pairs (Hz) are asked in both orders, all ten equally likely; 10 and 34 are their least and greatest frequency. Solved with at
    least 85 % of the worst condition right. `dale_masks`: a unit receives from each excitatory unit with probability 0.1, from
    each inhibitory one with 0.5.
    """

    test_fixation: float = 500.0
    catch_T: float = 2500.0
    f1: Duration = 500.0
    delay: Duration = field(default=Uniform(2500.0, 3500.0))
    f2: Duration = 500.0
    pairs: tuple[tuple[float, float], ...] = ((18.0, 10.0), (22.0, 14.0), (26.0, 18.0), (30.0, 22.0), (34.0, 26.0))

    n_in: ClassVar[int] = 2
    input_names: ClassVar[tuple[str, ...]] = ("rising", "falling")
    epochs: ClassVar[tuple[str, ...]] = ("fixation", "f1", "delay", "f2", "decision")
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("stimuli", "output 1", "output 2"), ("f1 > f2", "high", "low"), ("f1 < f2", "low", "high"), ("none (catch)", "low", "low"),
    )  # fmt: skip
    protocol: ClassVar[Protocol] = replace(PYCOG, n_rec=500)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_tuple(self, "pairs")
        if not self.pairs or not all(len(p) == 2 and all(map(math.isfinite, p)) and p[0] > p[1] for p in self.pairs):
            raise ValueError(f"pairs must be pairs of numbers, the greater one first, at least one pair, got {self.pairs}")

    def _asked(self) -> list[Asked]:
        low, high = min(map(min, self.pairs)), max(map(max, self.pairs))

        def tuned(f: float) -> list[float]:
            return [0.4 + 0.8 * (f - low) / (high - low), 0.4 + 0.8 * (high - f) / (high - low)]

        none = [0.0, 0.0]
        both = [(a, b) for a, b in self.pairs] + [(b, a) for a, b in self.pairs]
        return [Asked(f"{a:g} {'>' if a > b else '<'} {b:g}", int(a < b), [tuned(a), none, tuned(b), none]) for a, b in both]

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """At least `wanted` of each condition right that is there, catch trials not counted."""
        right, condition = self.right(z, trials), _conditions_of(trials)
        there = np.unique(condition[condition < len(_table(self).names)])
        return bool(there.size and min(right[condition == c].mean() for c in there) >= self.wanted)

    def dale_masks(self, n_rec: int, rng: np.random.Generator | int = 1) -> dict[str, Array]:
        """W_rec (N, N), True where there is a weight, drawn with rng."""
        excitatory = _excitatory(n_rec, 1)
        p = np.where(np.arange(n_rec) < excitatory, 0.1, 0.5)
        return {"W_rec": (as_generator(rng).random((n_rec, n_rec)) < p) & ~np.eye(n_rec, dtype=bool)}


# ---- two stimuli at once


@dataclass(frozen=True)
class Mante(_Choice):
    """Which way do the dots move, or which colour have most? The context says what counts (pycog: mante; Mante et al. 2013).

    With the defaults (dt = 20 ms; steps in brackets):

        (0, 100]      [0, 5)      fixation; 400 ms [0, 20) in `conditions`, and all that follows 300 ms [15] later
        (100, 900]    [5, 45)     stimulus: 1 on the context's input, (1 +- 5 m / 100) / 2 on motion 1 and 2, the same with c for
                                  colour
        (900, 1200]   [45, 60)    decision: 1 if m > 0 (context motion) or c > 0 (context colour), else 2
        T = 100: catch trials, 1 in 73, take 2000 ms

    m and c (%) are drawn from +-coherences, all 72 conditions equally likely; evidence is the 5. Solved above 90 %.
    """

    test_fixation: float = 400.0
    catch: float = 1 / 73
    stimulus: Duration = 800.0
    coherences: tuple[float, ...] = (1.0, 3.0, 10.0)
    evidence: float = 5.0

    n_in: ClassVar[int] = 6
    input_names: ClassVar[tuple[str, ...]] = ("context motion", "context colour", "motion 1", "motion 2", "colour 1", "colour 2")
    wanted: ClassVar[float] = 0.9
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("context", "motion", "colour", "output 1", "output 2"), ("motion", "for 1", "any", "high", "low"),
        ("motion", "for 2", "any", "low", "high"), ("colour", "any", "for 1", "high", "low"),
        ("colour", "any", "for 2", "low", "high"), ("none (catch)", "none", "none", "low", "low"),
    )  # fmt: skip
    protocol: ClassVar[Protocol] = replace(PYCOG, n_rec=150, batch=50, held_out=3650)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_coherences(self)

    def _asked(self) -> list[Asked]:
        signed = _signed(self.coherences)
        asked = []
        for context, m, c in product(("motion", "colour"), signed, signed):
            motion, colour = (_for_and_against(k, self.evidence) for k in (m, c))
            cue = [float(context == "motion"), float(context == "colour")]
            attended = m if context == "motion" else c
            asked.append(Asked(f"{context} {m:+g} {c:+g}", int(attended < 0), [[*cue, *motion, *colour], [0.0] * 6]))
        return asked


@dataclass(frozen=True)
class Multisensory(_Choice):
    """Is a train of flashes, clicks or both above a rate? (pycog: multisensory; Raposo et al. 2014.)

    With the defaults (dt = 20 ms; steps in brackets):

        (0, 100]       [0, 5)      fixation; 500 ms [0, 25) in `conditions`, and all that follows 400 ms [20] later
        (100, 1100]    [5, 55)     stimulus: 0.4 + 0.8 (f - 9) / 7 on the + inputs of what is presented (v, a or both: va),
                                   0.4 + 0.8 (16 - f) / 7 on the - inputs, and 1 on the start cue
        (1100, 1400]   [55, 70)    decision: 1 if f > 12.5, else 2; the start cue stays on
        T = 125: catch trials, 5 in 25, take 2500 ms

    f (Hz) is one of frequencies, all 24 conditions equally likely; boundary is the 12.5. Solved above 90 %.
    `dale_masks`: the first third of the excitatory and of the inhibitory units has the visual inputs, the second third the
    auditory ones; the start cue reaches all.
    """

    test_fixation: float = 500.0
    catch: float = 5 / 25
    catch_T: float = 2500.0
    stimulus: Duration = 1000.0
    frequencies: tuple[float, ...] = (9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
    boundary: float = 12.5

    n_in: ClassVar[int] = 5
    input_names: ClassVar[tuple[str, ...]] = ("visual +", "auditory +", "visual -", "auditory -", "start")
    wanted: ClassVar[float] = 0.9
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("flashes, clicks or both", "output 1", "output 2"), ("above the boundary", "high", "low"),
        ("below the boundary", "low", "high"), ("none (catch)", "low", "low"),
    )  # fmt: skip
    protocol: ClassVar[Protocol] = replace(PYCOG, n_rec=150, held_out=2500)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_tuple(self, "frequencies")
        if len(set(self.frequencies)) < max(2, len(self.frequencies)) or not all(map(math.isfinite, self.frequencies)):
            raise ValueError(f"frequencies must be at least two different numbers, got {self.frequencies}")
        if self.boundary in self.frequencies or not min(self.frequencies) < self.boundary < max(self.frequencies):
            raise ValueError(f"boundary must be between two frequencies, got {self.boundary}")

    def _asked(self) -> list[Asked]:
        low, high = min(self.frequencies), max(self.frequencies)
        asked = []
        for modality, f in product(("v", "a", "va"), self.frequencies):
            up, down = 0.4 + 0.8 * (f - low) / (high - low), 0.4 + 0.8 * (high - f) / (high - low)
            v, a = float("v" in modality), float("a" in modality)
            stimulus = [v * up, a * up, v * down, a * down, 1.0]
            asked.append(Asked(f"{modality} {f:g}", int(f < self.boundary), [stimulus, [0.0, 0.0, 0.0, 0.0, 1.0]]))
        return asked

    def dale_masks(self, n_rec: int, rng: np.random.Generator | int = 1) -> dict[str, Array]:
        """W_in (N, 5), True where there is a weight; n_rec >= 15."""
        excitatory = _excitatory(n_rec, 15)
        W_in = np.zeros((n_rec, 5), bool)
        W_in[:, 4] = True
        for start, size in ((0, excitatory), (excitatory, n_rec - excitatory)):
            W_in[start : start + size // 3, [0, 2]] = True
            W_in[start + size // 3 : start + 2 * size // 3, [1, 3]] = True
        return {"W_in": W_in}
