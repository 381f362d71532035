"""Decisions from evidence: the input is noise, and the answer is the sign of its integral over a window.

Code: katejarne/RNNs_for_DM_and_time_representation, data_set_generators/generate_perceptual_dm*.py; times are those that its lines
compute and its training script asks for, since its docstrings have others (told in each task). Time runs in steps of dt ms. The
evidence is N(0, 1) on each of its steps, smoothed by a Hann window of unit sum, scipy's mode "same" over these steps alone. The
integral is Simpson's. (For windows of an even number of points scipy had another correction of the ends when the networks were
trained, even="avg": one to three signs in 10000 differ.) The answer is held to the end; before it the target is
0. z[t] is the output after consuming x[t].

Trials are told apart by the strength of their evidence. The integral is normal, and its law is cut into eight parts of equal
probability, called -4 (the most negative) .. -1, +1 .. +4. `conditions` has one course of noise per part: that one of 1000 from a
fixed seed whose integral is nearest to the median of the part; nothing is added to it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from ..randomness import as_generator
from ..trials import Trials
from .decisions import LARGE_SET, PROTOCOL, answers_held, check_smooth
from .protocol import Protocol
from .shapes import add_noise, check_count, check_levels, check_times, hann, jittered, middle, steps

Array = np.ndarray[Any, Any]

PARTS = ("-4", "-3", "-2", "-1", "+1", "+2", "+3", "+4")


@dataclass(frozen=True)
class Evidence:
    """What the tasks of this file are.

    onset, duration (ms): when the evidence begins without jitter, how long it lasts. window, gap (ms): how much of its beginning is
    integrated, and from there to the answer. jitter (ms): all of it is late by v steps, drawn from 1 .. jitter/dt. tail (ms): how
    long the last possible answer is held. dt (ms). smooth (ms): length of the Hann window. evidence_std: of the evidence per step,
    before it is smoothed. input_noise_std, target_noise_std: standard deviation of the noise added to x, at every step and on top
    of the evidence, and to the target.
    """

    onset: float = 50.0
    duration: float = 200.0
    window: float = 200.0
    gap: float = 20.0
    jitter: float = 0.0
    tail: float = 210.0
    dt: float = 1.0
    smooth: float = 10.0
    evidence_std: float = 1.0
    input_noise_std: float = 0.0
    target_noise_std: float = 0.0

    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    judges_any_trial: ClassVar[bool] = True  # `right` is not for the conditions alone
    input_names: ClassVar[tuple[str, ...]] = ("evidence",)
    condition_names: ClassVar[tuple[str, ...]] = PARTS
    protocol: ClassVar[Protocol] = replace(PROTOCOL, samples=LARGE_SET)
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("integral of the evidence", "answer"), ("positive", "+1"), ("negative", "-1"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_times(self, ("duration", "window", "tail"), ("onset", "gap", "jitter"))
        check_smooth(self)
        check_levels(self, (), ("evidence_std", "input_noise_std", "target_noise_std"))
        if not self.evidence_std:
            raise ValueError(f"evidence_std must be positive, got {self.evidence_std}")
        if self.window > self.duration:
            raise ValueError(f"window must not be longer than duration = {self.duration:g} ms, got {self.window}")
        room = self.window + self.gap + self.tail
        if self.duration > room:
            raise ValueError(f"duration must fit into the trial, into window + gap + tail = {room:g} ms, got {self.duration}")

    @property
    def steps(self) -> int:
        """T, the steps in a trial."""
        return sum(steps(self, name) for name in ("onset", "jitter", "window", "gap", "tail"))

    def trials(self, n: int, rng: np.random.Generator | int) -> Trials:
        """`n` random trials, float32."""
        check_count(n)
        rng = as_generator(rng)
        late, cued = jittered(rng, steps(self, "jitter"), n), self._cued(n, rng)
        trials = self._made(_evidence(self, n, rng), late, cued)
        add_noise(trials.x, self.input_noise_std, rng)
        add_noise(trials.target, self.target_noise_std, rng)
        return trials

    def conditions(self) -> Trials:
        """A course of noise per condition, always the same ones, at the middle of the jitter."""
        evidence, cued = self._examples(_courses(self))
        return self._made(evidence, np.full(len(cued), middle(steps(self, "jitter"))), cued)

    def _cued(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) whether a trial asks for the sign."""
        return np.ones(n, bool)

    def _examples(self, courses: Array) -> tuple[Array, Array]:
        """The evidence of `conditions`, and whether each is cued, from one course (duration, 8) per part."""
        return courses, np.ones(len(PARTS), bool)

    def _numbered(self, part: Array, cued: Array) -> Array:
        """(B,) the conditions of trials with integrals in these parts, 0 .. 7."""
        return part

    def _made(self, evidence: Array, late: Array, cued: Array) -> Trials:
        B = len(late)
        start = steps(self, "onset") + late
        integral = _integral(evidence[: steps(self, "window")])
        x = np.zeros((self.steps, B, self.n_in), np.float32)
        x[start + np.arange(len(evidence))[:, None], np.arange(B), 0] = evidence
        answer = np.where(cued, np.sign(integral), 0).astype(np.float32)
        target = (np.arange(self.steps)[:, None] >= start + steps(self, "window") + steps(self, "gap")) * answer
        condition = self._numbered(np.searchsorted(_edges(self), integral), cued)
        return Trials(x, target[:, :, None], condition=condition, dt=self.dt)

    def right(self, z: Array, trials: Trials) -> Array:
        """(B,) whether z gives the answer at >= 95 % of the last half of its window, in any trials of this task.

        The answer is + above 0.5, - below -0.5, 0 between. Its window goes from its first step to the end of the trial; where it is
        0, from the first step that any answer of this task could have.
        """
        earliest = sum(steps(self, name) for name in ("onset", "window", "gap")) + min(steps(self, "jitter"), 1)
        return answers_held(z, trials.target, 1.0, 1, steps(self, "tail"), earliest)

    def is_solved(self, z: Array, trials: Trials) -> bool:
        """At least 95 % of the answers right, as of published networks; that is, all of `conditions`.

        No distance is asked for: where the evidence is near 0 so is, for a while, the output of a good network.
        """
        return bool(self.right(z, trials).mean() >= 0.95)


def _smoothed(noise: Array, kernel: Array) -> Array:
    """(L, n) each column of the noise convolved with the kernel, the middle part: scipy's mode "same" of the two."""
    begin, L = (len(kernel) - 1) // 2, len(noise)
    smooth = np.zeros_like(noise)
    for k, weight in enumerate(kernel.astype(noise.dtype)):
        shift = k - begin  # smooth[t] += weight noise[t - shift]
        smooth[max(shift, 0) : L + min(shift, 0)] += weight * noise[max(-shift, 0) : L - max(shift, 0)]
    return smooth


def _integral(evidence: Array) -> Array:
    """(n,) Simpson's integral over time, in steps."""
    from scipy.integrate import simpson  # here: importing minirnn does not import scipy

    return np.asarray(simpson(evidence.astype(np.float64), axis=0))


def _evidence(task: Evidence, n: int, rng: np.random.Generator) -> Array:
    """(duration, n) float32."""
    noise = rng.standard_normal((steps(task, "duration"), n), np.float32)
    return _smoothed(np.float32(task.evidence_std) * noise, hann(steps(task, "smooth")))


@lru_cache(64)
def _normal(task: Evidence) -> NormalDist:
    """The law of the integral."""
    response = _smoothed(np.eye(steps(task, "duration")), hann(steps(task, "smooth")))[: steps(task, "window")]
    return NormalDist(0.0, task.evidence_std * float(np.linalg.norm(_integral(response))))


def _edges(task: Evidence) -> Array:
    """(7,) where the law of the integral is cut."""
    law = _normal(task)
    return np.array([law.inv_cdf(k / len(PARTS)) for k in range(1, len(PARTS))])


@lru_cache(64)
def _courses(task: Evidence) -> Array:
    """(duration, 8) the evidence of `conditions`."""
    law = _normal(task)
    medians = np.array([law.inv_cdf((k + 0.5) / len(PARTS)) for k in range(len(PARTS))])
    evidence = _evidence(task, 1000, np.random.default_rng(0))
    integrals = _integral(evidence[: steps(task, "window")])
    return evidence[:, np.abs(integrals[:, None] - medians).argmin(axis=0)]


@dataclass(frozen=True)
class WindowedIntegration(Evidence):
    """Give the sign of the integral of all the evidence, after it has ended.

    With the defaults (dt = 1 ms): evidence on [50, 250), the answer from 270, T = 480. (The docstring in the authors' code has
    T = 440 and a delay of 10 ms.) Fields as in Evidence.
    """


@dataclass(frozen=True)
class ContinuingEvidence(Evidence):
    """Give the sign of the integral of the first 50 ms of evidence, while it goes on.

    With the defaults (dt = 1 ms, v = 1 .. 150): evidence on [50 + v, 250 + v), of which the first 50 steps count, the answer from
    160 + v, T = 480. (The docstring in the authors' code has T = 460, and the answer 10 ms after the window; it is 60 ms.)
    Fields as in Evidence.
    """

    window: float = 50.0
    gap: float = 60.0
    jitter: float = 150.0
    tail: float = 170.0


@dataclass(frozen=True)
class CuedIntegration(ContinuingEvidence):
    """Give the sign of the integral of the first 50 ms of evidence if a cue came before it, else stay at 0.

    With the defaults (dt = 1 ms, v = 1 .. 150): the cue, 1 on channel 1, on [30 + v, 40 + v), the rest as in ContinuingEvidence.
    Of n trials exactly n * 3 // 4 have the cue, 3 to 1 where n is a multiple of 4, in random order. (In the authors' code a fair
    coin decides until one of the two kinds is used up: the first half of the set is 1 to 1, the 50 held-out trials too, and the
    rest is all cued.) The docstring there is of a window of 20 ms, with T = 340: CuedIntegration(window=20, duration=140, gap=30,
    tail=200), T = 450. The training script has 50 ms, and 15050 trials where the other two tasks have six times as many.
    cue, lead (ms): how long the cue lasts, and how long before the evidence it begins. The other fields are those of Evidence.
    """

    cue: float = 10.0
    lead: float = 20.0

    n_in: ClassVar[int] = 2
    input_names: ClassVar[tuple[str, ...]] = ("evidence", "cue")
    condition_names: ClassVar[tuple[str, ...]] = ("no cue", *PARTS)
    protocol: ClassVar[Protocol] = PROTOCOL  # not the large set
    truth_table: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("integral of the evidence", "cue", "answer"), ("any", "0", "0"), ("positive", "1", "+1"), ("negative", "1", "-1"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        check_times(self, ("cue",), ("lead",))
        if self.lead > self.onset:
            raise ValueError(f"lead must not be longer than onset = {self.onset:g} ms, got {self.lead}")
        if steps(self, "onset") - steps(self, "lead") + steps(self, "jitter") + steps(self, "cue") > self.steps:
            raise ValueError(f"cue must end within the trial of {self.steps * self.dt:g} ms, got {self.cue}")

    def _cued(self, n: int, rng: np.random.Generator) -> Array:
        return rng.permutation(n) < n * 3 // 4

    def _examples(self, courses: Array) -> tuple[Array, Array]:
        """Without a cue: the strongest positive evidence."""
        return courses[:, [-1, *range(len(PARTS))]], np.arange(1 + len(PARTS)) > 0

    def _numbered(self, part: Array, cued: Array) -> Array:
        return np.where(cued, 1 + part, 0)

    def _made(self, evidence: Array, late: Array, cued: Array) -> Trials:
        trials = super()._made(evidence, late, cued)
        since = np.arange(self.steps)[:, None] - (steps(self, "onset") - steps(self, "lead") + late)
        trials.x[:, :, 1] = (since >= 0) & (since < steps(self, "cue")) & cued
        return trials
