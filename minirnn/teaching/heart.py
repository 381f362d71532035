"""The heart of the engine as exercises: a step, a forward pass, loss and gradient, Adam. Equations as in `minirnn.reference`.

The right answer is the plain reference; the mistakes are the gallery's, each one line of that reference, and each mistake of the
forward pass once more with the gradient that belongs to it: a wrong model, rightly differentiated, which no gradient check sees.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from .. import gallery, reference
from ..checks import complex_step, unit_direction
from ..gallery.bugs import ADJOINT, CURRENT, FORWARD, OPTIMIZER, Bug
from ..reference import Model, Params
from .verdict import Draw, Exercise, Function, Mistake, Verdict, judge

Array = np.ndarray[Any, Any]

GRADIENTS = ("W_in_bar", "W_rec_bar", "W_out_bar", "b_rec_bar", "b_out_bar", "h0_bar")


def check_step(step: Function, *, form: str = "rate", phi: str = "tanh", noise: bool = False, seed: int = 0) -> Verdict:
    """One Euler step: lines (2) to (4), in the current form (2c) to (4c).

    step(h, x, W_rec, W_in, b_rec, alpha) -> the next h (B, N), from h (B, N), x (B, I), W_rec (N, N), W_in (N, I), b_rec (N,) and
    alpha = dt / tau, a number; with `noise`, step(h, x, W_rec, W_in, b_rec, alpha, n), n (B, N) scaled already.
    """
    _known(form, phi)

    def draw(rng: np.random.Generator) -> Draw:
        params, x, _, _, n, alpha = _case(rng)
        B, (N, I) = x.shape[1], params.W_in.shape
        arguments = (rng.uniform(-1, 1, (B, N)), x[0], params.W_rec, params.W_in, params.b_rec, alpha)
        return Draw((*arguments, n[0]) if noise else arguments, {"alpha": alpha, "(1 - alpha)": 1 - alpha, "N": N, "I": I})

    def function(module: ModuleType) -> Function:
        def one(h: Array, x: Array, W_rec: Array, W_in: Array, b_rec: Array, alpha: float, n: Array | None = None) -> Any:
            params = Params(W_in, W_rec, np.zeros((1, len(W_rec))), b_rec, None, None)
            return module.rollout(params, x[None], h, None if n is None else n[None], _model(alpha, len(W_rec), form, phi))[0][1]

        return one

    asks = f"step(h, x, W_rec, W_in, b_rec, alpha{', n' if noise else ''}) -> the next h"
    exercise = Exercise(asks, ("h",), draw, function(reference), lambda: [*_slips_of_a_step(form, phi), *_planted(function)])
    return judge("check_step", exercise, step, seed)


def _slips_of_a_step(form: str, phi: str) -> list[Mistake]:
    """Those that are no single line of the reference."""

    def made(kind: str) -> Function:
        def one(h: Array, x: Array, W_rec: Array, W_in: Array, b_rec: Array, alpha: float, n: Array | None = None) -> Any:
            rates = form == "rate"
            a = (h if rates else reference.phi(h, phi)) @ W_rec.T + x @ W_in.T + b_rec  # (2), (3c)
            inside, after = (n, 0) if rates else (0, n)  # where the noise acts
            inside, after = (0 if part is None else part for part in (inside, after))
            if kind == "phi around the leak":
                return reference.phi((1 - alpha) * h + alpha * (a + inside), phi)
            if kind == "phi dropped" and not rates:
                a = h @ W_rec.T + x @ W_in.T + b_rec
            if kind == "input missing":
                a = a - x @ W_in.T
            if kind == "recurrence missing":
                a = x @ W_in.T + b_rec
            if kind == "alpha is missing":
                return reference.phi(a + inside, phi) + after if rates else a + after
            if kind == "bias outside of phi":
                return (1 - alpha) * h + alpha * (reference.phi(a - b_rec + inside, phi) + b_rec)
            if kind == "input outside of phi":
                seen = x @ W_in.T
                return (1 - alpha) * h + alpha * (reference.phi(a - seen + inside, phi) + seen)
            if kind == "phi of the state":
                return (1 - alpha) * h + alpha * (reference.phi(h, phi) @ W_rec.T + x @ W_in.T + b_rec + inside)
            r = reference.phi(a + inside, phi) if rates and kind != "phi dropped" else a + inside  # (3)
            if kind == "the change alone":
                return alpha * (r - h) + after
            if kind == "leak and step exchanged":
                return alpha * h + (1 - alpha) * r + after
            if kind == "leak added":
                return (1 + alpha) * h + alpha * r + after
            return (1 - alpha) * h + alpha * r + after  # (4)

        return one

    words = {
        "the change alone": "alpha (r - h) is what is added in the step: the state itself is missing.",
        "leak and step exchanged": "(1 - alpha) belongs to the old state and alpha to the drive.",
        "leak added": "The leak takes away: it is -h on the right-hand side.",
        "phi dropped": "The activation is missing.",
        "input missing": "What does the network get from outside?",
        "recurrence missing": "What do the units get from each other?",
        "alpha is missing": "That is the step for alpha = 1: the old state is forgotten at once.",
    }
    if form == "rate":
        words["bias outside of phi"] = "The bias is part of the current, on which phi acts."
        words["input outside of phi"] = "The input is part of the current, on which phi acts."
        words["phi of the state"] = "That is the current form: here phi acts on the current, after the weights."
        words["phi around the leak"] = "phi acts on the current alone; the leak stays outside of it (1)."
    return [Mistake(kind, text, made(kind)) for kind, text in words.items()]


def check_run(run: Function, *, form: str = "rate", phi: str = "tanh", noise: bool = False, seed: int = 0) -> Verdict:
    """A forward pass: lines (2) to (5).

    run(params, x, alpha) -> (h (T+1, B, N), z (T, B, O)), from params, a `minirnn.Params` with biases and h0 (N,), and
    x (T, B, I); with `noise`, run(params, x, alpha, n), n (T, B, N). z[t] is read from h[t+1] (in the current form from its rate).
    """
    _known(form, phi)

    def draw(rng: np.random.Generator) -> Draw:
        params, x, _, _, n, alpha = _case(rng)
        return Draw((params, x, alpha, n) if noise else (params, x, alpha), {"alpha": alpha, "T": len(x), "B": x.shape[1]})

    def function(module: ModuleType) -> Function:
        def one(params: Params, x: Array, alpha: float, n: Array | None = None) -> Any:
            h, r = module.rollout(params, x, params.h0, n, _model(alpha, len(params.W_rec), form, phi))
            return h, module.readout(params, h if form == "rate" else r)

        return one

    asks = f"run(params, x, alpha{', n' if noise else ''}) -> (h, z)"

    def mistakes() -> Sequence[Mistake]:
        return [*_planted(function), *_slips_of_a_run(form, phi)]

    return judge("check_run", Exercise(asks, ("h", "z"), draw, function(reference), mistakes), run, seed)


def _slips_of_a_run(form: str, phi: str) -> list[Mistake]:
    """The slips of a step in every step, and those of a readout that are no single line of the reference."""
    steps = {slip.name: slip.function for slip in _slips_of_a_step(form, phi)}

    def made(kind: str) -> Function:
        def one(params: Params, x: Array, alpha: float, n: Array | None = None) -> Any:
            model = _model(alpha, len(params.W_rec), form, phi)
            h, r = reference.rollout(params, x, np.asarray(params.h0), n, model)
            if kind in steps:
                states = [h[0]]
                for t in range(len(x)):
                    noise = None if n is None else n[t]
                    states.append(steps[kind](states[-1], x[t], params.W_rec, params.W_in, params.b_rec, alpha, noise))
                h = np.array(states)
                r = reference.phi(h, phi)
            rates = h if form == "rate" else r
            if kind == "z read from the drive":
                return h, r @ params.W_out.T + params.b_out
            if kind == "z read from the current":
                return h, reference.readout(params, h)
            if kind == "phi before the readout":
                return h, reference.readout(params, reference.phi(rates, phi))
            z = reference.readout(params, rates)
            return h, reference.phi(z, phi) if kind == "phi after the readout" else z

        return one

    words = {slip.name: slip.words for slip in _slips_of_a_step(form, phi)}
    words["phi after the readout"] = "The output is a weighted sum as it is: phi belongs to the units."
    if form == "rate":
        words["z read from the drive"] = "r_t is the drive alone; the output is read from the state that it leads to."
        words["phi before the readout"] = "In this form the state is the activity already, and is read as it is."
    else:
        del words["phi dropped"]  # the gallery has it: state for rate
        words["z read from the current"] = "The output is read from the rates, phi(h)."
    return [Mistake(kind, text, made(kind)) for kind, text in words.items()]


def check_bptt(
    loss_and_gradient: Function, *, form: str = "rate", phi: str = "tanh", noise: bool = False, seed: int = 0
) -> Verdict:
    """Loss and gradient by back-propagation through time: lines (2) to (6), then (6*) to (2*).

    loss_and_gradient(params, x, target, mask, alpha) -> (loss, gradient). params is a `minirnn.Params` (W_in, W_rec,
    W_out, b_rec, b_out, h0); x (T, B, I), target and mask (T, B, O); the loss is sum(mask (z - target)^2) / sum(mask). The
    gradient has the order or the names of params: a Params, a tuple or a dict. With `noise`, a last argument n (T, B, N).
    """
    _known(form, phi)

    def draw(rng: np.random.Generator) -> Draw:
        params, x, target, mask, n, alpha = _case(rng)
        T, B, O = target.shape
        arguments = (params, x, target, mask, alpha)
        factors = {"alpha": alpha, "T": T, "B": B, "O": O, "(T B)": T * B, "sum(mask)": float(mask.sum())}
        return Draw((*arguments, n) if noise else arguments, factors)

    def function(module: ModuleType) -> Function:
        def one(params: Params, x: Array, target: Array, mask: Array, alpha: float, n: Array | None = None) -> Any:
            return module.loss_and_gradient(params, x, target, mask, params.h0, n, _model(alpha, len(params.W_rec), form, phi))

        return one

    def consistent(module: ModuleType) -> Function:
        def one(params: Params, x: Array, target: Array, mask: Array, alpha: float, n: Array | None = None) -> Any:
            model = _model(alpha, len(params.W_rec), form, phi)

            def loss(p: Params) -> Any:
                return module.loss(p, x, target, mask, params.h0, n, model)

            return loss(params), exact_gradient(loss, params)

        return one

    def mistakes() -> Sequence[Mistake]:
        belongs = "Your gradient does belong to your loss, so no gradient check sees it, but the loss is that of another model."
        alike = [m._replace(words=f"{m.words} {belongs}") for m in _planted(consistent, (*FORWARD, *CURRENT))]
        return [*_planted(function), *alike, *(_slips_of_bptt(phi) if form == "rate" else [])]

    asks = f"loss_and_gradient(params, x, target, mask, alpha{', n' if noise else ''}) -> (loss, gradient)"
    return judge("check_bptt", Exercise(asks, ("loss", *GRADIENTS), draw, function(reference), mistakes), loss_and_gradient, seed)


def _slips_of_bptt(phi: str) -> list[Mistake]:
    """Those of the loop back that are no single line of the reference; rate form."""

    def made(kind: str) -> Function:
        def one(params: Params, x: Array, target: Array, mask: Array, alpha: float, n: Array | None = None) -> Any:
            h, r = reference.rollout(params, x, np.asarray(params.h0), n, _model(alpha, len(params.W_rec), "rate", phi))
            q = reference.readout(params, h)
            h_bar, W_out_bar, b_out_bar = reference.readout_adjoint(params, reference.error_adjoint(q, target, mask), h)
            turns = []
            for t in range(len(x)) if kind == "the loop runs forwards" else reversed(range(len(x))):
                a_bar = alpha * h_bar[t + 1] * reference.phi_prime(r[t], phi)
                if kind != "nothing is passed on":
                    h_bar[t] += (1 - alpha) * h_bar[t + 1] + a_bar @ params.W_rec
                turns.append((a_bar.T @ x[t], a_bar.T @ h[t], a_bar.sum(axis=0)))
            kept = turns[-1:] if kind == "the last turn alone" else turns
            W_in_bar, W_rec_bar, b_rec_bar = (sum(parts) for parts in zip(*kept, strict=True))
            h0_bar = h_bar[0].sum(axis=0)
            if kind == "h0_bar over all steps":
                h0_bar = h_bar.sum(axis=(0, 1))
            if kind == "h0_bar of the state after":
                h0_bar = h_bar[1].sum(axis=0)
            return reference.error(q, target, mask), Params(W_in_bar, W_rec_bar, W_out_bar, b_rec_bar, b_out_bar, h0_bar)

        return one

    words = {
        "the loop runs forwards": "h_bar[t + 1] has to be complete before it is used: which step comes first?",
        "nothing is passed on": "h_bar[t] has the readout's share alone: what comes back from the step has to be added to it.",
        "the last turn alone": "Weights and bias act in every step: what each turn gives adds up, += and not =.",
        "h0_bar over all steps": "h0 is the first state alone: the others are made by the steps.",
        "h0_bar of the state after": "h0 is h[0].",
    }
    return [Mistake(kind, text, made(kind)) for kind, text in words.items()]


def check_adam(update: Function, *, epsilon_hat: bool = False, seed: int = 0) -> Verdict:
    """One update of Adam: lines (9) to (11), as in the paper, with `epsilon_hat` as in Keras.

    update(theta, m, v, g, t, lr, beta1, beta2, eps) -> (theta, m, v) after it; theta, m, v and the gradient g are arrays of
    one shape, t = 1, 2, .. counts this update.
    """

    def draw(rng: np.random.Generator) -> Draw:
        shape = tuple(int(n) for n in rng.permutation([2, 3, 4])[:2])
        theta, m, g = rng.standard_normal((3, *shape))
        t, lr = int(rng.integers(2, 9)), float(rng.uniform(0.01, 0.2))
        beta1, beta2, eps = float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.9, 0.95)), float(rng.uniform(0.05, 0.2))
        v = rng.uniform(0.5, 1.5, shape)  # stays above 0 where g is taken for its square
        return Draw((theta, m, v, g, t, lr, beta1, beta2, eps), {"beta1": beta1, "beta2": beta2, "lr": lr, "t": t})

    def function(module: ModuleType, hat: bool = epsilon_hat) -> Function:
        return lambda *arguments: module.adam(*arguments, hat)

    def mistakes() -> Sequence[Mistake]:
        bugs = [bug for bug in OPTIMIZER if bug.room == "reference"]
        other = Mistake(
            "the paper's for Keras' form" if epsilon_hat else "Keras' for the paper's form",
            "The two differ in what eps is added to: the root of the corrected moment (paper), or of the moment as it is (Keras).",
            function(reference, not epsilon_hat),
        )
        return [*_planted(function, bugs), other, *_slips_of_adam(epsilon_hat)]

    asks = "update(theta, m, v, g, t, lr, beta1, beta2, eps) -> (theta, m, v)"
    return judge("check_adam", Exercise(asks, ("theta", "m", "v"), draw, function(reference), mistakes), update, seed)


def _slips_of_adam(epsilon_hat: bool) -> list[Mistake]:
    """Mistakes that are no single line of the reference, as changes of what goes into Algorithm 1 or comes out."""

    def made(kind: str) -> Function:
        def one(theta: Array, m: Array, v: Array, g: Array, t: int, lr: float, beta1: float, beta2: float, eps: float) -> Any:
            if kind == "moments exchanged":
                beta1, beta2 = beta2, beta1
            first = beta1 * m + ((1 - beta1) * g if kind != "first moment not weighed" else g)  # (9)
            second = beta2 * v + (1 - beta2) * (g if kind == "gradient not squared" else g * g)  # (10)
            if kind in ("weights of m exchanged", "weights of both exchanged"):
                first = (1 - beta1) * m + beta1 * g
            if kind in ("weights of v exchanged", "weights of both exchanged"):
                second = (1 - beta2) * v + beta2 * g * g
            if kind == "weight squared":
                second = beta2 * v + ((1 - beta2) * g) ** 2
            if kind == "rate forgotten":
                lr = 1.0
            if kind == "old moments used":
                used, root = m, v
            else:
                used, root = first, second
            n = {"counted from 0": t - 1, "counted ahead": t + 1}.get(kind, t)
            unbias1, unbias2 = (1 - beta1**n, 1 - beta2**n) if kind != "neither moment corrected" else (1.0, 1.0)
            if kind == "second moment not corrected":
                unbias2 = 1.0
            if kind == "corrected with the first power":
                unbias1, unbias2 = 1 - beta1, 1 - beta2
            if kind == "beta1 in both corrections":
                unbias2 = unbias1
            if kind == "beta2 in both corrections":
                unbias1 = unbias2
            if kind == "multiplied by the corrections":
                unbias1, unbias2 = 1 / unbias1, 1 / unbias2
            if kind == "corrected moments kept":
                first, second = first / unbias1, second / unbias2
            sign = -1 if kind == "climbs" else 1
            if epsilon_hat:
                moved = theta - sign * lr * math.sqrt(unbias2) / unbias1 * used / (np.sqrt(root) + eps)
            elif kind == "root forgotten":
                moved = theta - lr * (used / unbias1) / (root / unbias2 + eps)
            elif kind == "eps forgotten":
                moved = theta - lr * (used / unbias1) / np.sqrt(root / unbias2)
            elif kind == "gradient for the first moment":
                moved = theta - lr * g / (np.sqrt(root / unbias2) + eps)
            elif kind == "bracket forgotten":
                moved = theta - lr * (used / unbias1) / np.sqrt(root / unbias2) + eps
            else:
                moved = theta - sign * lr * (used / unbias1) / (np.sqrt(root / unbias2) + eps)
            return moved, first, second

        return one

    words = {
        "neither moment corrected": "Both start at 0 and are too small at first: divide by 1 - beta^t.",
        "second moment not corrected": "v starts at 0 too: divide it by 1 - beta2^t.",
        "corrected with the first power": "The correction is 1 - beta^t, not 1 - beta: it fades as t grows.",
        "counted from 0": "t is 1 in the first update.",
        "counted ahead": "t counts this update already: it is not to be raised again.",
        "corrected moments kept": "m_hat and v_hat are for this update alone; m and v go on uncorrected.",
        "moments exchanged": "beta1 belongs to m, beta2 to v.",
        "first moment not weighed": "The factor 1 - beta1 is missing.",
        "gradient not squared": "v averages g^2.",
        "old moments used": "The moments are renewed first, and then used.",
        "climbs": "The update goes against the gradient: theta - lr ..",
        "root forgotten": "The step is divided by the root of v_hat.",
        "eps forgotten": "eps is what keeps the division from exploding where v is 0.",
        "gradient for the first moment": "The step is taken along m_hat, not along g.",
        "weights of m exchanged": "beta1 is the share of the old m that is kept.",
        "weights of v exchanged": "beta2 is the share of the old v that is kept.",
        "weights of both exchanged": "beta is the share of the old moment that is kept.",
        "weight squared": "v averages g^2: the square belongs to g alone.",
        "rate forgotten": "How long is a step?",
        "beta1 in both corrections": "v is corrected with its own beta.",
        "beta2 in both corrections": "m is corrected with its own beta.",
        "multiplied by the corrections": "Both moments are too small at first: which way does 1 - beta^t mend that?",
        "bracket forgotten": "Is eps added to the root, or to theta?",
    }
    if epsilon_hat:
        for kind in ("root forgotten", "eps forgotten", "gradient for the first moment", "bracket forgotten"):
            del words[kind]
    return [Mistake(kind, text, made(kind)) for kind, text in words.items()]


# ---- what the three have in common


def _known(form: str, phi: str) -> None:
    if form not in ("rate", "current"):
        raise ValueError(f"form must be 'rate' or 'current', got {form!r}")
    if phi not in reference.ACTIVATIONS:
        raise ValueError(f"phi must be one of {', '.join(reference.ACTIVATIONS)}, got {phi!r}")


def _model(alpha: float, N: int, form: str, phi: str) -> Model:
    step = np.full(N, alpha)
    return Model(step, step, phi, form)


def _case(rng: np.random.Generator) -> tuple[Params, Array, Array, Array, Array, float]:
    """Params, x, target, mask (T, B, O), noise and alpha: five different sizes, so that no axis is taken for another."""
    N, T, B, I, O = (int(n) for n in rng.permutation([2, 3, 4, 5, 6]))
    shapes = ((N, I), (N, N), (O, N), (N,), (O,), (N,))
    params = Params(*[0.7 * rng.standard_normal(shape) for shape in shapes])
    x, target = rng.standard_normal((T, B, I)), rng.standard_normal((T, B, O))
    mask = rng.uniform(0.3, 1.7, (T, B, O))
    mask[T // 2, 0] = 0.0
    return params, x, target, mask, 0.5 * rng.standard_normal((T, B, N)), float(rng.uniform(0.15, 0.45))


def exact_gradient(loss: Callable[[Params], Any], params: Params) -> Params:
    """The gradient of a complex-safe loss, exact to rounding, entry by entry."""
    found = []
    for name, array in params._asdict().items():
        along = (unit_direction(params, name, entry) for entry in range(array.size))
        found.append(np.reshape([complex_step(loss, params, v) for v in along], array.shape))
    return Params(*found)


@lru_cache(None)
def _module(bug: Bug) -> ModuleType:
    return gallery.planted(bug)


def _planted(function: Callable[[ModuleType], Function], bugs: Sequence[Bug] = (*FORWARD, *ADJOINT, *CURRENT)) -> list[Mistake]:
    """The gallery's bugs of the reference as mistakes of the function that `function` makes of a module."""
    found = []
    for bug in bugs:
        number = bug.line.rpartition("# (")[2].partition(")")[0] if "# (" in bug.line else ""
        words = f"{bug.story} Look at ({number}) again." if number else bug.story
        found.append(Mistake(bug.name, words, function(_module(bug))))
    return found
