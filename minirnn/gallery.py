"""The gallery of planted bugs: which check sees which mistake? `python -m minirnn.gallery` prints the matrix.

A bug replaces one line of a shipped module by a plausible mistake. Every check is then run on the module that results, and says
whether it finds it wrong. Central differences, complex step, dot product and Taylor compare a gradient with the loss beside it:
they are blind to every mistake that leaves the two consistent, of which the noise, the constants of the model, the optimiser
and the task are full. Those are found only by what states the right answer anew: the other implementation, a loop that
spells the equation out, a rule, numbers by hand.

Numbers in brackets are those of `minirnn.reference`.
"""

import importlib
import inspect
import math
import sys
import textwrap
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from . import checks, reference
from .engine import Flat
from .network import Network
from .optimizer import Adam
from .randomness import NOISE, SHUFFLE, as_generator, counted, draw_run_seed
from .reference import Params
from .trials import Trials

Array = np.ndarray[Any, Any]

PACKAGE = "minirnn"
TASKS = "tasks.logic"
ORDER = 1.5  # Taylor remainders of a right gradient fall with order 2, of a wrong one with order 1
AGREE = 1e-9  # largest relative difference of two right computations of one thing


class Bug(NamedTuple):
    """A mistake: in the module minirnn.`room` the line `line` (stripped; it must occur exactly once) reads `wrong` instead."""

    name: str
    room: str
    line: str
    wrong: str
    story: str


def _bugs(room: str, *entries: tuple[str, str, str, str]) -> tuple[Bug, ...]:
    return tuple(Bug(name, room, line, wrong, story) for name, line, wrong, story in entries)


_CURRENT = "a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T  # (2)"
_EULER = "h[t + 1] = (1 - leak) * h[t] + gain * r[t]  # (4)"
_ERROR = "return (m * difference * difference).sum() / m.sum()  # (6)"
_ERROR_ADJOINT = "return 2 * m * (z - target) / m.sum()  # (6*)"
_NOISE = "a = a + noise[t]  # (2)"
_READOUT_ADJOINT = "h_bar[1:] = z_bar @ params.W_out  # (5*)"
_ANSWER = 'target = played(answers, condition, start + steps(self, "pulse") + steps(self, "gap"))'
_DELAY = 'x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))'

FORWARD = _bugs(
    "reference",
    ("leak dropped", _EULER, "h[t + 1] = h[t] + gain * r[t]", "The state integrates its drive and never forgets."),
    ("gain dropped", _EULER, "h[t + 1] = (1 - leak) * h[t] + r[t]", "The drive is not multiplied with the step."),
    ("gain squared", _EULER, "h[t + 1] = (1 - leak) * h[t] + gain * gain * r[t]", "The step is applied twice."),
    ("leak and gain exchanged", _EULER, "h[t + 1] = (1 - gain) * h[t] + leak * r[t]", "Where they are equal it does not matter."),
    ("W_rec transposed", _CURRENT, "a = h[t] @ params.W_rec + x[t] @ params.W_in.T", "Weights are read (from, to)."),
    ("input one step late", _CURRENT, "a = h[t] @ params.W_rec.T + x[t - 1] @ params.W_in.T", "x[-1] wraps to the trial's end."),
    (
        "state one step late", _CURRENT, "a = h[max(t - 1, 0)] @ params.W_rec.T + x[t] @ params.W_in.T",
        "The recurrent current comes from the state before the last.",
    ),
    ("bias dropped", "a = a + params.b_rec  # (2)", "pass", "The recurrent bias is trained but never acts."),
    ("noise dropped", _NOISE, "pass", "The state noise is drawn but never acts."),
    ("noise one step late", _NOISE, "a = a + noise[t - 1]", "Each step has the noise of the step before."),
    ("noise frozen", _NOISE, "a = a + noise[0]", "Every step has the noise of the first."),
    ("noise times gain", _NOISE, "a = a + gain * noise[t]", "The noise is scaled by the step, which (4) does already."),
    (
        "noise after phi", "r[t] = phi(a, name)  # (3)",
        "r[t] = phi(a, name) if noise is None else phi(a - noise[t], name) + noise[t]", "The noise is added to the drive.",
    ),
    ("initial state ignored", "h[0] = h0", "h[0] = 0 * h0", "Every trial starts at 0 whatever h0 says."),
    ("sigmoid too steep", "return 0.5 + 0.5 * np.tanh(0.5 * a)", "return 0.5 + 0.5 * np.tanh(a)", "The half inside is forgotten."),
    ("readout before input", "z = h[1:] @ params.W_out.T  # (5)", "z = h[:-1] @ params.W_out.T", "z_t is read from h_t."),
    (
        "readout bias dropped", "return z if params.b_out is None else z + params.b_out  # (5)", "return z",
        "The output bias is trained but never acts.",
    ),
    ("mask dropped", _ERROR, "return (difference * difference).sum() / m.sum()", "Steps that should not count do."),
    ("mean over all entries", _ERROR, "return (m * difference * difference).sum() / m.size", "The mask does not set the count."),
    ("mask squared", "difference = z - target", "difference = m * (z - target)", "The mask acts three times; 0 and 1 hide it."),
    ("target late", "difference = z - target", "difference = z - np.roll(target, 1, axis=0)", "z_t is held against target_{t-1}."),
    ("mask on the wrong side", "difference = z - target", "difference = m * z - target", "The target counts where it should not."),
    ("targets shuffled", "difference = z - target", "difference = z - target[:, ::-1]", "A trial has the target of another."),
    ("rates with h_0", "rates = h[1:]", "rates = h", "The initial state counts as activity."),
    (
        "rate penalty per step", "R = rate_penalty * (rates * rates).mean()  # (7)",
        "R = rate_penalty * (rates * rates).sum() / len(rates)", "The mean is taken over steps alone.",
    ),
    (
        "W_out not penalised", "Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec, params.W_out))  # (8)",
        "Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec))", "The readout's weights cost nothing.",
    ),
)  # fmt: skip

ADJOINT = _bugs(
    "reference",
    ("leak dropped (4*)", "h_bar[t] += (1 - leak) * h_bar[t + 1]  # (4*)", "pass", "Nothing flows back through the leak."),
    (
        "step's own error lost (4*)", "h_bar[t] += (1 - leak) * h_bar[t + 1]  # (4*)", "h_bar[t] = (1 - leak) * h_bar[t + 1]",
        "What readout and penalty put into h_bar[t] is overwritten, = for +=.",
    ),
    ("gain dropped (4*)", "r_bar = gain * h_bar[t + 1]  # (4*)", "r_bar = h_bar[t + 1]", "The step is missing on the way back."),
    (
        "phi' of the state (3*)", "a_bar = r_bar * phi_prime(r[t], name)  # (3*)", "a_bar = r_bar * phi_prime(h[t + 1], name)",
        "The slope is taken at h_{t+1}, which is r_t only where leak and gain are 1.",
    ),
    (
        "phi' one step early (3*)", "a_bar = r_bar * phi_prime(r[t], name)  # (3*)", "a_bar = r_bar * phi_prime(r[t - 1], name)",
        "The slope is that of the step before.",
    ),
    ("phi' dropped (3*)", "a_bar = r_bar * phi_prime(r[t], name)  # (3*)", "a_bar = r_bar", "The activation is taken for linear."),
    ("tanh' without the square", "return 1 - r * r", "return 1 - r", "The slope is 1 - tanh for 1 - tanh^2."),
    ("relu' at rest", "return np.where(r > 0, 1.0, 0.0)", "return np.where(r >= 0, 1.0, 0.0)", "A silent unit passes errors on."),
    (
        "W_rec transposed (2*)", "h_bar[t] += a_bar @ params.W_rec  # (2*)", "h_bar[t] += a_bar @ params.W_rec.T",
        "Errors go along the weights' own direction, not back against it.",
    ),
    ("no flow through W_rec (2*)", "h_bar[t] += a_bar @ params.W_rec  # (2*)", "pass", "The gradient is cut at one step."),
    (
        "W_rec_bar of the next state", "W_rec_bar += a_bar.T @ h[t]  # (2*)", "W_rec_bar += a_bar.T @ h[t + 1]",
        "The product is taken with h_{t+1}, where (2) has h_t.",
    ),
    ("W_rec_bar transposed", "W_rec_bar += a_bar.T @ h[t]  # (2*)", "W_rec_bar += h[t].T @ a_bar", "It is laid out (from, to)."),
    ("W_in_bar sign", "W_in_bar += a_bar.T @ x[t]  # (2*)", "W_in_bar -= a_bar.T @ x[t]", "The loss climbs along it."),
    ("b_rec_bar not summed", "b_rec_bar += a_bar.sum(axis=0)  # (2*)", "b_rec_bar = a_bar.sum(axis=0)", "Only t = 0 counts."),
    (
        "b_rec_bar mean over trials", "b_rec_bar += a_bar.sum(axis=0)  # (2*)", "b_rec_bar += a_bar.mean(axis=0)",
        "The mean over trials is in (6*) already.",
    ),
    (
        "first step skipped", "for t in range(len(x) - 1, -1, -1):", "for t in range(len(x) - 1, 0, -1):",
        "The loop back ends one step early.",
    ),
    (
        "x_bar without phi'", "x_bar[t] = a_bar @ params.W_in  # (2*)", "x_bar[t] = r_bar @ params.W_in",
        "The gradient to the input is wrong, which no parameter's gradient needs.",
    ),
    (
        "last step lost (5*)", _READOUT_ADJOINT, "h_bar[1:-1] = z_bar[:-1] @ params.W_out", "The last output sends no error back.",
    ),
    ("error one step early (5*)", _READOUT_ADJOINT, "h_bar[:-1] = z_bar @ params.W_out", "z_t's error goes to h_t."),
    (
        "W_out_bar of the state before", 'W_out_bar = np.einsum("tbo,tbn->on", z_bar, h[1:])  # (5*)',
        'W_out_bar = np.einsum("tbo,tbn->on", z_bar, h[:-1])', "It takes h_t for h_{t+1}.",
    ),
    ("factor 2 dropped (6*)", _ERROR_ADJOINT, "return m * (z - target) / m.sum()", "The square's 2 is forgotten."),
    ("mean over all entries (6*)", _ERROR_ADJOINT, "return 2 * m * (z - target) / m.size", "The mask does not set the count."),
    (
        "target late (6*)", _ERROR_ADJOINT, "return 2 * m * (z - np.roll(target, 1, axis=0)) / m.sum()",
        "The error sent back is that against target_{t-1}.",
    ),
    (
        "rate penalty per step (7*)", "h_bar[1:] += 2 * rate_penalty * h[1:] / h[1:].size  # (7*)",
        "h_bar[1:] += 2 * rate_penalty * h[1:] / len(h[1:])", "The mean is taken over steps alone.",
    ),
    (
        "factor 2 dropped (8*)", "W_rec=W_rec_bar + 2 * l2 * params.W_rec,  # (8*)", "W_rec=W_rec_bar + l2 * params.W_rec,",
        "The square's 2 is forgotten.",
    ),
    (
        "h0_bar mean over trials", "h0=None if params.h0 is None else h0_bar.sum(axis=0),",
        "h0=None if params.h0 is None else h0_bar.mean(axis=0),", "h0 is shared by all trials: their gradients add.",
    ),
)  # fmt: skip

_SCALE_OF = "(lr * math.sqrt(unbias2) / unbias1, 1.0) if"
OPTIMIZER = (
    *_bugs(
        "reference",
        (
            "epsilon inside the root", "return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v  # (11) paper",
            "return theta - lr * m_hat / np.sqrt(v_hat + eps), m, v", "sqrt(v + eps) is far from sqrt(v) + eps for small v.",
        ),
        ("first moment not corrected", "m_hat = m / (1 - beta1**t)  # (9)", "m_hat = m", "The first updates are too small."),
        (
            "second moment not weighed", "v = beta2 * v + (1 - beta2) * g * g  # (10)", "v = beta2 * v + g * g",
            "The factor 1 - beta2 is missing, and the updates are too small.",
        ),
    ),
    *_bugs(
        "optimizer",
        (
            "decay one update ahead", "return self.lr / (1.0 + self.decay * updates)",
            "return self.lr / (1.0 + self.decay * (updates + 1))", "The first update is decayed already.",
        ),
        ("correction lags", "t = updates + 1", "t = max(updates, 1)", "From the second update on the correction is one behind."),
        (
            "no correction", "unbias1, unbias2 = 1.0 - adam.beta1**t, 1.0 - adam.beta2**t", "unbias1, unbias2 = 1.0, 1.0",
            "Neither moment is corrected for its start at 0.",
        ),
        (
            "Keras for paper", f"step, scale = {_SCALE_OF} adam.epsilon_hat else (lr / unbias1, 1.0 / unbias2)",
            f"step, scale = {_SCALE_OF} not adam.epsilon_hat else (lr / unbias1, 1.0 / unbias2)",
            "The switch is the wrong way round.",
        ),
        (
            "clipped by array", 'if adam.clip_scope == "global":', 'if adam.clip_scope != "global":',
            "The threshold meets each array's norm instead of that of all, and the direction turns.",
        ),
        (
            "largest norm for the total", "total = math.hypot(*found.values())", "total = max(found.values())",
            "The threshold is held against the largest array's norm.",
        ),
        (
            "clipped by value", "gradient.vector *= real(adam.clip / total)",
            "np.clip(gradient.vector, -adam.clip, adam.clip, out=gradient.vector)", "Each entry is cut, and the direction turns.",
        ),
        (
            "root mean square for the norm",
            "name: math.sqrt(float(np.square(gradient.vector[part], dtype=np.float64).sum())) for name, part in "
            "gradient.slices.items()",
            "name: math.sqrt(float(np.square(gradient.vector[part], dtype=np.float64).mean())) for name, part in "
            "gradient.slices.items()",
            "The norm is divided by the root of the array's size.",
        ),
    ),
)  # fmt: skip

MODEL = _bugs(
    "network",
    (
        "exponential for Euler", "return np.broadcast_to(self.dt / np.asarray(self.tau), (self.n_rec,))",
        "return np.broadcast_to(1 - np.exp(-self.dt / np.asarray(self.tau)), (self.n_rec,))",
        "The leak of the exact solution for a constant drive, which is not the published one.",
    ),
    (
        "backward Euler", "return np.broadcast_to(self.dt / np.asarray(self.tau), (self.n_rec,))",
        "return np.broadcast_to(self.dt / (self.dt + np.asarray(self.tau)), (self.n_rec,))",
        "The leak of the implicit step, which is not the published one.",
    ),
    (
        "literal for normalised", 'return self.leak if self.drive == "normalised" else np.full(self.n_rec, self.dt)',
        'return self.leak if self.drive != "normalised" else np.full(self.n_rec, self.dt)', "The switch is the wrong way round.",
    ),
    (
        "noise shrinks with tau", "scale = (self.noise * np.sqrt(2.0 / self.leak)).astype(self.dtype)",
        "scale = (self.noise * np.sqrt(2.0 * self.leak)).astype(self.dtype)",
        "The scale for noise that is added to the state, while this one is added to the current.",
    ),
)  # fmt: skip

TRAINING = _bugs(
    "train",
    ("updates count epochs", "run.updates += 1", "run.updates = epoch", "Correction and decay run too slowly."),
    ("clip forgotten", "clip(gradient, found, plan.optimizer)", "pass", "The threshold is an argument that does nothing."),
    (
        "first batch only", "chosen = order[number * self.plan.batch : (number + 1) * self.plan.batch]",
        "chosen = order[: self.plan.batch]", "Most trials are never seen within an epoch.",
    ),
    (
        "never shuffled", "return counted(self.run_seed, SHUFFLE, epoch).permutation(self.plan.samples)",
        "return np.arange(self.plan.samples)", "The batches are the same ones in every epoch.",
    ),
    (
        "training noise shrinks with tau", "self.noise_scale = (net.noise * np.sqrt(2.0 / net.leak)).astype(net.dtype)",
        "self.noise_scale = (net.noise * np.sqrt(2.0 * net.leak)).astype(net.dtype)", "Training and running differ in their noise.",
    ),
    (
        "last batch weighs too much", "loss_sum += loss * len(index)", "loss_sum += loss * plan.batch",
        "The loss of the history is not the mean over trials.",
    ),
    ("worst for best", "if record[1] < self.best_distance:", "if record[1] > self.best_distance:", "No epoch's network is kept."),
)  # fmt: skip

TASK = _bugs(
    TASKS,
    ("answer one step late", _ANSWER, _ANSWER[:-1] + " + 1)", "The target asks for the answer one step later than the rule."),
    (
        "gap forgotten", _ANSWER, 'target = played(answers, condition, start + steps(self, "pulse"))',
        "The answer is asked for as soon as the pulses end.",
    ),
    (
        "answer of 10 wrong", "answers: ClassVar[tuple[int, ...]] = (0, 0, 0, 1)",
        "answers: ClassVar[tuple[int, ...]] = (0, 1, 0, 1)", "AND answers with channel A alone.",
    ),
    (
        "OR is exclusive", "answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 1)",
        "answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 0)", "OR is 0 after both pulses.",
    ),
    (
        "channels swapped", "x[:, :, channel] = played(course, condition, start)",
        "x[:, :, self.n_in - 1 - channel] = played(course, condition, start)", "A symmetric gate's answers hide it.",
    ),
    (
        "jitter from 0", _DELAY, 'x, target = self._noiseless(condition, rng.integers(steps(self, "jitter") + 1, size=n))',
        "A delay of 0 is drawn too.",
    ),
    (
        "one delay for all", _DELAY,
        'x, target = self._noiseless(condition, np.repeat(jittered(rng, steps(self, "jitter"), 1), n))',
        "All trials of a set start at once, and the network may learn the time.",
    ),
    (
        "low is the baseline", "answer = np.where(np.array(gate.answers) == 1, 1.0, gate.low)",
        "answer = np.where(np.array(gate.answers) == 1, 1.0, gate.baseline)", "The answer 0 can not be told from no answer.",
    ),
)  # fmt: skip

BUGS: tuple[Bug, ...] = FORWARD + ADJOINT + MODEL + OPTIMIZER + TRAINING + TASK


def shipped(room: str) -> ModuleType:
    """The module minirnn.`room` as it is."""
    return importlib.import_module(f"{PACKAGE}.{room}")


def planted(bug: Bug) -> ModuleType:
    """A fresh module: the shipped source with the bug's one line replaced. ValueError where the line is not there exactly once."""
    right = shipped(bug.room)
    lines = inspect.getsource(right).splitlines()
    places = [number for number, text in enumerate(lines) if text.strip() == bug.line]
    if len(places) != 1:
        raise ValueError(f"{bug.name}: the line must occur once in {bug.room}, found {len(places)} times: {bug.line}")
    old = lines[places[0]]
    lines[places[0]] = old[: len(old) - len(old.lstrip())] + bug.wrong
    module = ModuleType(right.__name__, right.__doc__)
    module.__package__, module.__file__ = right.__package__, right.__file__
    code = compile("\n".join(lines) + "\n", str(right.__file__), "exec")
    sys.modules[right.__name__] = module  # dataclasses look their module up by name while they are made
    try:
        exec(code, module.__dict__)  # the one place that executes patched source: the package's own, with a line of BUGS
    finally:
        sys.modules[right.__name__] = right
    return module


def _room(module: ModuleType) -> str:
    return module.__name__.removeprefix(f"{PACKAGE}.")


def _apart(found: Any, right: Any) -> float:
    """The largest difference, relative to the largest right entry; inf where shapes differ or anything is not finite."""
    a, b = np.asarray(found, np.float64), np.asarray(right, np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return math.inf
    return float(np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), checks.TINY))


def _params_apart(found: Any, right: Any) -> float:
    a, b = checks.named_arrays(found), checks.named_arrays(right)
    return max(_apart(a[name], b[name]) for name in b) if a.keys() == b.keys() else math.inf


# ---- what the checks are run on


class Case(NamedTuple):
    """A small network with every switch on, trials with a mask of weights, and state noise (T, B, N)."""

    net: Any
    trials: Trials
    noise: Array

    @property
    def data(self) -> tuple[Any, ...]:
        """What `reference.loss` takes after params, leak and gain stated from dt and tau."""
        net, tau = self.net, np.broadcast_to(self.net.tau, self.net.h0.shape)
        gain = np.full(tau.shape, net.dt) if net.drive == "literal" else net.dt / tau
        trials = self.trials
        return (
            trials.x, trials.target, trials.weights(), net.h0, self.noise, net.dt / tau, gain, net.phi, net.rate_penalty, net.l2,
        )  # fmt: skip


def _case(seed: int, network: Any = Network, **constants: Any) -> Case:
    """N = 3, I = 2, O = 2, T = 5, B = 3."""
    rng = np.random.default_rng(seed)
    N, I, O, T, B = 3, 2, 2, 5, 3
    shapes = ((N, I), (N, N), (O, N), (N,), (O,), (N,))
    arrays = [0.6 * rng.standard_normal(shape) for shape in shapes]
    tau = rng.uniform(1.5, 4.0, N)
    net = network(*arrays, tau=tau, train_h0=True, rate_penalty=0.4, l2=0.05, noise=0.3, **constants)
    mask = rng.uniform(0.2, 1.5, (T, B, O))
    mask[1, 0], mask[3, 2] = 0.0, 0.0
    trials = Trials(rng.standard_normal((T, B, I)), rng.standard_normal((T, B, O)), mask, dt=net.dt)
    return Case(net, trials, 0.3 * rng.standard_normal((T, B, N)))


@lru_cache(1)
def _cases() -> tuple[Case, ...]:
    """One per activation with a phi' of its own."""
    return (
        _case(1, phi="tanh", drive="literal", dt=0.5), _case(2, phi="sigmoid"), _case(3, phi="softplus"), _case(4, phi="relu"),
    )  # fmt: skip


@lru_cache(1)
def _kernel_answers() -> tuple[tuple[float, Params], ...]:
    """Loss and gradient of the cases by the compiled kernels."""
    return tuple(case.net.loss_and_gradient(case.trials, noise=case.noise) for case in _cases())


def _network_case(module: ModuleType) -> Case:
    return _case(5, module.Network, dt=0.5)


@lru_cache(1)
def _reports(module: ModuleType) -> tuple[checks.Report, ...]:
    """The gradient held against the loss it belongs to, in each case; central differences, complex step, dot products, Taylor."""
    room, reports = _room(module), []
    rng = np.random.default_rng(0)

    def report(loss: Any, params: Any, gradient: Any, complex_loss: Any = None) -> None:
        found = checks.check(loss, params, gradient, complex_loss=complex_loss, kinks=False, rng=rng)
        reports.append(found)

    if room == "reference":
        for case in _cases():
            data = case.data
            report(lambda p, d=data: module.loss(p, *d), case.net.params, module.loss_and_gradient(case.net.params, *data)[1])
    elif room == "network":  # the kernels' loss and gradient with this module's constants
        case = _network_case(module)
        net, trials, noise = case
        constants = (*case.data[:5], net.leak, net.gain, *case.data[7:])
        report(
            lambda p: net.with_params(p).loss_and_gradient(trials, noise=noise)[0], net.params,
            net.loss_and_gradient(trials, noise=noise)[1], lambda p: reference.loss(p, *constants),
        )  # fmt: skip
    else:  # a network on this module's task
        drawn = module.And(onset=1, pulse=2, gap=1, tail=3, jitter=2).trials(4, 0)
        case = _case(6)
        x, target, mask = (array.astype(np.float64) for array in (drawn.x, drawn.target, np.ones_like(drawn.target)))
        params = case.net.params._replace(W_out=case.net.params.W_out[:1], b_out=case.net.params.b_out[:1])
        data = (x, target, mask, case.net.h0, None, *case.data[5:])
        report(lambda p: reference.loss(p, *data), params, reference.loss_and_gradient(params, *data)[1])
    return tuple(reports)


# ---- the checks: True where the module is found wrong


def central_differences(module: ModuleType) -> bool:
    """Each entry of the gradient against central differences of the loss beside it."""
    limit = checks.WITHIN_ROUNDING["central"]
    return any(not row.errors["central"] <= limit for report in _reports(module) for row in report.rows)


def complex_step(module: ModuleType) -> bool:
    """Each entry of the gradient against the complex step through the loss beside it."""
    limit = checks.WITHIN_ROUNDING["complex"]
    return any(not row.errors["complex"] <= limit for report in _reports(module) for row in report.rows)


def dot_product(module: ModuleType) -> bool:
    """<g, v> of the loss along random v; in the reference also <h_bar, J v> = <J^T h_bar, v> of the rollout, inputs among v."""
    if any(not report.dot_product <= checks.WITHIN_ROUNDING["complex"] for report in _reports(module)):
        return True
    return _room(module) == "reference" and any(not _rollout_products_apart(module, case) <= AGREE for case in _cases())


def _rollout_products_apart(module: ModuleType, case: Case) -> float:
    """|<h_bar, J v> - <J^T h_bar, v>| of the rollout in W_in, W_rec, b_rec, h0 and x, relative to the terms."""
    rng = np.random.default_rng(3)
    x, _, _, h0, noise, leak, gain, phi, _, _ = case.data
    params, step = case.net.params, checks.COMPLEX_STEP
    values = (params.W_in, params.W_rec, params.b_rec, np.broadcast_to(h0, (x.shape[1], len(h0))), x)
    along = [rng.standard_normal(value.shape) for value in values]
    h, r = module.rollout(params, x, h0, noise, leak, gain, phi)
    h_bar = rng.standard_normal(h.shape)
    bars = module.rollout_adjoint(params, h_bar, x, h, r, leak, gain, phi)
    W_in, W_rec, b_rec, start, moved_x = (value + 1j * step * v for value, v in zip(values, along, strict=True))
    moved = params._replace(W_in=W_in, W_rec=W_rec, b_rec=b_rec)
    h_dot = module.rollout(moved, moved_x, start, noise, leak, gain, phi)[0].imag / step
    terms = [float((bar * v).sum()) for bar, v in zip(bars, along, strict=True)]
    return abs(float((h_bar * h_dot).sum()) - sum(terms)) / sum(map(abs, terms))


def taylor(module: ModuleType) -> bool:
    """Whether the remainders of the loss beside the gradient fall as d, not as d^2."""
    return any(report.taylor_order < ORDER for report in _reports(module))


def kernel(module: ModuleType) -> bool:
    """Loss and gradient of the plain reference against those of the compiled kernels."""
    if _room(module) == "network":
        case = _network_case(module)
        net, data = case.net, case.data
        answers = net.loss_and_gradient(case.trials, noise=case.noise)
        constants = (*data[:5], net.leak, net.gain, *data[7:])
        pairs = [(reference.loss_and_gradient(net.params, *constants), answers)]
    else:
        found = [module.loss_and_gradient(case.net.params, *case.data) for case in _cases()]
        pairs = list(zip(found, _kernel_answers(), strict=True))
    return any(not max(_apart(a[0], b[0]), _params_apart(a[1], b[1])) <= AGREE for a, b in pairs)


_PHI: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "softplus": lambda a: math.log(1 + math.exp(a)),
    "relu": lambda a: max(a, 0.0),
}


def loss_in_loops(case: Case) -> float:
    """(1) to (8) from dt and tau, number by number: nothing of the package but the arrays takes part."""
    net, x, m = case.net, case.trials.x, case.trials.weights()
    w = net.weights
    tau = np.broadcast_to(net.tau, (len(w.W_rec),))
    T, B, I = x.shape
    N, O = len(w.W_rec), len(w.W_out)
    errors, counts, squares = 0.0, 0.0, 0.0
    for b in range(B):
        state = [float(value) for value in w.h0]
        for t in range(T):
            new = []
            for i in range(N):
                current = sum(w.W_rec[i, j] * state[j] for j in range(N)) + sum(w.W_in[i, k] * x[t, b, k] for k in range(I))
                drive = _PHI[net.phi](float(current + w.b_rec[i] + case.noise[t, b, i]))
                if net.drive == "literal":  # dh/dt = -h/tau + phi(a)
                    new.append(state[i] + net.dt * (drive - state[i] / tau[i]))
                else:  # tau dh/dt = -h + phi(a)
                    new.append(state[i] + net.dt * (drive - state[i]) / tau[i])
            state = new
            squares += sum(value * value for value in state)
            for o in range(O):
                z = sum(w.W_out[o, j] * state[j] for j in range(N)) + w.b_out[o]
                errors += m[t, b, o] * (z - case.trials.target[t, b, o]) ** 2
                counts += m[t, b, o]
    weights = [value for W in (w.W_in, w.W_rec, w.W_out) for value in W.ravel()]
    return float(errors / counts + net.rate_penalty * squares / (T * B * N) + net.l2 * sum(value * value for value in weights))


@lru_cache(1)
def _loop_losses() -> tuple[float, ...]:
    return tuple(loss_in_loops(case) for case in _cases())


def closed_form(module: ModuleType) -> bool:
    """The loss against loops that spell the printed equations out; of the network also the scale of its noise."""
    if _room(module) == "reference":
        for case, right in zip(_cases(), _loop_losses(), strict=True):
            given = (module.loss(case.net.params, *case.data), module.loss_and_gradient(case.net.params, *case.data)[0])
            if not max(_apart(value, right) for value in given) <= AGREE:
                return True
        return False
    for case in (_network_case(module), _case(7, module.Network, dt=0.5, drive="literal")):
        net, (T, B, N) = case.net, case.noise.shape
        normals = np.random.default_rng(11).standard_normal((T, B, N))
        scale = [net.noise * math.sqrt(2 * tau / net.dt) for tau in net.tau]
        loss, _ = net.loss_and_gradient(case.trials, noise=case.noise)
        apart = max(_apart(loss, loss_in_loops(case)), _apart(net.draw_noise(T, B, np.random.default_rng(11)), normals * scale))
        if not apart <= AGREE:
            return True
    return False


def _adam_in_numbers(
    theta: float, gradients: list[float], rates: list[float], beta1: float, beta2: float, eps: float, epsilon_hat: bool
) -> tuple[float, float, float]:
    """Algorithm 1 of arXiv 1412.6980 for one number: theta, m and v after an update per gradient; (9) to (11)."""
    m = v = 0.0
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        root = math.sqrt(1 - beta2**t)
        step = m / (1 - beta1**t)
        theta -= lr * (step * root / (math.sqrt(v) + eps) if epsilon_hat else step / (math.sqrt(v) / root + eps))
    return theta, m, v


def adam_by_hand(module: ModuleType) -> bool:
    """Updates, decay and clipping against numbers worked out by hand and the algorithm on single numbers."""
    gradients, decay, lr = [2.0, -1.0, 0.5], 0.5, 0.1
    for epsilon_hat in (False, True):
        if _room(module) == "reference":
            theta, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
            for t, g in enumerate(gradients, start=1):
                theta, m, v = module.adam(theta, m, v, np.array([g]), t, lr, 0.9, 0.999, 0.5, epsilon_hat)
            found, rates = (theta[0], m[0], v[0]), [lr] * 3
        else:
            adam = module.Adam(lr=lr, decay=decay, eps=0.5, epsilon_hat=epsilon_hat)
            flats = [_two_arrays(1.0, 1.0), _two_arrays(0.0, 0.0), _two_arrays(0.0, 0.0)]
            for updates, g in enumerate(gradients):
                module.update(*flats, _two_arrays(g, g), updates, adam)
            found, rates = tuple(flat.vector[0] for flat in flats), [0.1, 0.1 / 1.5, 0.1 / 2.0]
        if not _apart(found, _adam_in_numbers(1.0, gradients, rates, 0.9, 0.999, 0.5, epsilon_hat)) <= AGREE:
            return True
    return _room(module) == "optimizer" and _clipping_is_wrong(module)


def _two_arrays(first: float, second: float) -> Flat:
    """W_in (1, 1) and W_rec (1, 4): one entry, and four equal ones."""
    none: Any = None
    return Flat(Params(np.full((1, 1), first), np.full((1, 4), second), none, None, None, None), np.float64)


def _clipping_is_wrong(module: ModuleType) -> bool:
    """The norms 3 and 4 make 5: clipped to 2.5, the gradient is halved; each array alone to the norm 2.5; 10 changes nothing."""
    for clip, scope, right in ((2.5, "global", (1.5, 1.0)), (2.5, "per_array", (2.5, 1.25)), (10.0, "global", (3.0, 2.0)),
                               (4.5, "global", (2.7, 1.8)), (None, "global", (3.0, 2.0))):  # fmt: skip
        gradient = _two_arrays(3.0, 2.0)
        found = module.norms(gradient)
        module.clip(gradient, found, module.Adam(clip=clip, clip_scope=scope))
        if not max(_apart(list(found.values()), [3.0, 4.0]), _apart(gradient.vector, [right[0]] + 4 * [right[1]])) <= AGREE:
            return True
    return False


@lru_cache(1)
def _training() -> tuple[Any, ...]:
    """A short run by the reference alone: net, trials, Adam, seed, epochs, batch, and by epoch the weights and the mean loss."""
    case = _case(8)
    net, seed, epochs, batch = case.net, 21, 3, 2
    adam = Adam(lr=0.05, decay=0.3, clip=0.4)
    rng = np.random.default_rng(9)
    T, B, N = 4, 5, len(net.h0)
    trials = Trials(rng.standard_normal((T, B, 2)), rng.standard_normal((T, B, 2)), dt=net.dt)
    _, _, _, h0, _, leak, gain, phi, rate_penalty, l2 = case.data
    theta = {name: array.copy() for name, array in checks.named_arrays(net.params).items()}
    m, v = ({name: np.zeros_like(array) for name, array in theta.items()} for _ in range(2))
    run_seed, updates, weights, losses = draw_run_seed(as_generator(seed)), 0, [], []
    for epoch in range(1, epochs + 1):
        order, total = counted(run_seed, SHUFFLE, epoch).permutation(B), 0.0
        for number, chosen in enumerate((order[:2], order[2:4], order[4:])):
            normals = counted(run_seed, NOISE, epoch, number, 0).standard_normal((T, batch, N))
            noise = (normals * net.noise * np.sqrt(2 * net.tau / net.dt))[:, : len(chosen)]
            x, target = trials.x[:, chosen], trials.target[:, chosen]
            loss, gradient = reference.loss_and_gradient(
                Params(**theta), x, target, np.ones_like(target), h0, noise, leak, gain, phi, rate_penalty, l2
            )
            g = checks.named_arrays(gradient)
            shrink = min(1.0, 0.4 / math.sqrt(sum(float((array**2).sum()) for array in g.values())))
            lr = 0.05 / (1 + 0.3 * updates)
            updates += 1
            for name in theta:
                theta[name], m[name], v[name] = reference.adam(
                    theta[name], m[name], v[name], shrink * g[name], updates, lr, 0.9, 0.999, 1e-8, True
                )
            total += loss * len(chosen)
        weights.append(dict(theta))
        losses.append(total / B)
    return net, trials, adam, seed, epochs, batch, weights, losses


def training_by_hand(module: ModuleType) -> bool:
    """A run of three epochs of three batches against the same run by the plain reference, and which network it calls best."""
    net, trials, adam, seed, epochs, batch, weights, losses = _training()
    result = module.train(net, trials, optimizer=adam, epochs=epochs, batch=batch, rng=seed, threads=1, progress=False)
    if not max(_params_apart(result.network.params, weights[-1]), _apart(result.history.loss, losses)) <= 1e-7:
        return True
    best = int(np.argmin(result.history.validation_distance))
    return not _params_apart(result.best.params, weights[best]) <= 1e-7


def task_rule(module: ModuleType) -> bool:
    """The gates step by step: silence, pulses on the channels that are on, gap, answer; each trial 1 .. jitter steps later."""
    onset, pulse, gap, tail, jitter = 2, 3, 2, 4, 3
    T = onset + pulse + gap + tail + jitter
    rules: dict[str, Callable[[int, int], bool]] = {
        "And": lambda a, b: a == 1 and b == 1, "Or": lambda a, b: a == 1 or b == 1, "Xor": lambda a, b: a != b,
    }  # fmt: skip
    for name, rule in rules.items():
        times = {"onset": onset, "pulse": pulse, "gap": gap, "tail": tail, "jitter": jitter}
        trials = getattr(module, name)(**times, baseline=0.25, low=-0.5, input_noise_std=0).trials(100, 5)
        delays = set()
        for trial in range(100):
            a, b = ((0, 0), (1, 0), (0, 1), (1, 1))[trials.condition[trial]]
            fitting = None
            for delay in range(1, jitter + 1):
                start = onset + delay
                x = [[a, b] if start <= t < start + pulse else [0, 0] for t in range(T)]
                answer = 1.0 if rule(a, b) else -0.5
                target = [[answer if t >= start + pulse + gap else 0.25] for t in range(T)]
                if np.array_equal(trials.x[:, trial], x) and np.array_equal(trials.target[:, trial], target):
                    fitting = delay
            if fitting is None:
                return True
            delays.add(fitting)
        if delays != set(range(1, jitter + 1)):
            return True
    return False


# ---- the matrix


class Check(NamedTuple):
    """A check, the rooms it can be run on, and whether it finds such a module wrong."""

    name: str
    rooms: tuple[str, ...]
    sees: Callable[[ModuleType], bool]


_GRADIENTS = ("reference", "network", TASKS)
CHECKS: tuple[Check, ...] = (
    Check("central differences", _GRADIENTS, central_differences),
    Check("complex step", _GRADIENTS, complex_step),
    Check("dot product", _GRADIENTS, dot_product),
    Check("Taylor", _GRADIENTS, taylor),
    Check("kernel", ("reference", "network"), kernel),
    Check("closed form", ("reference", "network"), closed_form),
    Check("Adam by hand", ("reference", "optimizer"), adam_by_hand),
    Check("training by hand", ("train",), training_by_hand),
    Check("task rule", (TASKS,), task_rule),
)


def verdicts(module: ModuleType) -> tuple[bool | None, ...]:
    """For each of CHECKS whether it finds the module wrong; None where it can not be run on it."""
    return tuple(check.sees(module) if _room(module) in check.rooms else None for check in CHECKS)


class Matrix(NamedTuple):
    """Which check sees which bug: a row of `cells` per bug, a cell per check; None where the check can not be run."""

    bugs: tuple[Bug, ...]
    checks: tuple[Check, ...]
    cells: tuple[tuple[bool | None, ...], ...]

    @property
    def unseen_by_differences(self) -> tuple[Bug, ...]:
        """The bugs that central differences do not see, run or not."""
        column = [check.name for check in self.checks].index("central differences")
        return tuple(bug for bug, row in zip(self.bugs, self.cells, strict=True) if not row[column])

    def __str__(self) -> str:
        words = [check.name.partition(" ")[::2] for check in self.checks]
        widths = [max(map(len, pair)) + 2 for pair in words]
        room = max(len(bug.room) for bug in self.bugs) + 2
        name = max(len(bug.name) for bug in self.bugs)
        lines = []
        for left, part in (("", 0), ("bug", 1)):
            lines.append(f"{'room' if left else '':<{room}}{left:<{name}}")
            lines[-1] += "".join(f"{pair[part]:>{width}}" for pair, width in zip(words, widths, strict=True))
        for bug, row in zip(self.bugs, self.cells, strict=True):
            marks = ["-" if cell is None else "seen" if cell else "." for cell in row]
            line = "".join(f"{mark:>{width}}" for mark, width in zip(marks, widths, strict=True))
            lines.append(f"{bug.room:<{room}}{bug.name:<{name}}{line}")
        lines.append("")
        lines.append('"seen": found wrong; ".": run, and not seen; "-": can not be run on this module')
        unseen = self.unseen_by_differences
        names = "; ".join(bug.name for bug in unseen)
        lines.append(textwrap.fill(f"finite differences cannot see {len(unseen)} of {len(self.bugs)} bugs: {names}", 132))
        return "\n".join(lines)


def matrix() -> Matrix:
    """Every check run on every bug."""
    return Matrix(BUGS, CHECKS, tuple(verdicts(planted(bug)) for bug in BUGS))


if __name__ == "__main__":
    print(matrix())
