"""The gallery of planted bugs: which check sees which mistake? `python -m minirnn.gallery` prints the matrix.

A bug replaces one line of a shipped module by a plausible mistake. Every check is then run on the module that results, and says
whether it finds it wrong. Central differences, complex step, dot product and Taylor compare a gradient with the loss beside it:
they are blind to every mistake that leaves the two consistent, of which the noise, the constants of the model, the optimiser
and the task are full. Those are found only by what states the right answer anew: the other implementation, a loop that
spells the equation out, a rule, numbers by hand.

The mistakes are in `minirnn.gallery.bugs`.
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

from .. import checks, reference
from ..dale import Dale
from ..engine import Flat
from ..network import Network
from ..optimizer import Adam
from ..randomness import NOISE, SHUFFLE, as_generator, counted, draw_run_seed
from ..reference import Model, Params
from ..trials import Trials
from .bugs import BUGS, TASKS, Bug

Array = np.ndarray[Any, Any]

PACKAGE = "minirnn"
ORDER = 1.5  # Taylor remainders of a right gradient fall with order 2, of a wrong one with order 1
AGREE = 1e-9  # largest relative difference of two right computations of one thing


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
        """What `reference.loss` takes after params, the leak and gain of the model stated from dt and tau."""
        net, tau = self.net, np.broadcast_to(self.net.tau, self.net.h0.shape)
        gain = np.full(tau.shape, net.dt) if net.drive == "literal" else net.dt / tau
        model = Model(net.dt / tau, gain, net.phi, net.form, net.output, net.reduction, net.rate_penalty, net.l2)
        return self.trials.x, self.trials.target, self.trials.weights(), net.h0, self.noise, model


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
    x, target = rng.standard_normal((T, B, I)), rng.standard_normal((T, B, O))
    trials = Trials(x, 1 / (1 + np.exp(-target)) if net.output == "sigmoid" else target, mask, dt=net.dt)
    return Case(net, trials, 0.3 * rng.standard_normal((T, B, N)))


@lru_cache(1)
def _cases() -> tuple[Case, ...]:
    """One per activation with a phi' of its own, and two in the current form."""
    return (
        _case(1, phi="tanh", drive="literal", dt=0.5), _case(2, phi="sigmoid"), _case(3, phi="softplus"), _case(4, phi="relu"),
        _case(9, form="current", drive="literal", dt=0.5), _case(10, form="current", phi="softplus", output="sigmoid"),
    )  # fmt: skip


def _constraints(module: ModuleType) -> list[tuple[Any, Params]]:
    """Constraints of this `dale` module for the first case, and raw parameters that fit them."""
    raw = _cases()[0].net.params
    d = np.array([True, False, True])
    mask, fixed = np.array([[1.0, 0.5, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.5]]), np.zeros((3, 3))
    fixed[1, 1], fixed[2, 0] = -0.3, 0.2
    found = []
    for by in ("abs", "rectify", "projection"):
        constraint = module.Dale(excitatory=d, by=by, mask=mask, fixed=fixed).constraint(3, 2, 2, np.float64)
        own = Params(*[p.copy() for p in raw])
        constraint.project(own)
        found.append((constraint, own))
    return found


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
    elif room == "dale":
        data = _cases()[0].data
        for constraint, raw in _constraints(module):
            _, gradient = reference.loss_and_gradient(constraint.effective(raw), *data)
            constraint.adjoint(gradient, raw)
            report(lambda p, c=constraint: reference.loss(c.effective(p), *data), raw, gradient)
    elif room == "network":  # the kernels' loss and gradient with this module's constants
        case = _network_case(module)
        net, trials, noise = case
        constants = (*case.data[:5], case.data[5]._replace(leak=net.leak, gain=net.gain))
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
    x, _, _, h0, noise, model = case.data
    params, step = case.net.params, checks.COMPLEX_STEP
    values = (params.W_in, params.W_rec, params.b_rec, np.broadcast_to(h0, (x.shape[1], len(h0))), x)
    along = [rng.standard_normal(value.shape) for value in values]
    h, r = module.rollout(params, x, h0, noise, model)
    rates = 0 if model.form == "rate" else 1
    h_bar = rng.standard_normal(h.shape)
    W_in_bar, W_rec_bar, b_rec_bar, states_bar, x_bar = module.rollout_adjoint(params, h_bar, x, h, r, model)
    bars = (W_in_bar, W_rec_bar, b_rec_bar, states_bar[0], x_bar)
    W_in, W_rec, b_rec, start, moved_x = (value + 1j * step * v for value, v in zip(values, along, strict=True))
    moved = params._replace(W_in=W_in, W_rec=W_rec, b_rec=b_rec)
    h_dot = module.rollout(moved, moved_x, start, noise, model)[rates].imag / step
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
        constants = (*data[:5], data[5]._replace(leak=net.leak, gain=net.gain))
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
    """(1) to (8) and (1c) to (4c) from dt and tau, number by number: nothing of the package but the arrays takes part."""
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
            rates = [_PHI[net.phi](value) for value in state] if net.form == "current" else state
            for i in range(N):
                drive = sum(w.W_rec[i, j] * rates[j] for j in range(N)) + sum(w.W_in[i, k] * x[t, b, k] for k in range(I))
                drive = float(drive + w.b_rec[i])
                if net.form == "rate":
                    drive = _PHI[net.phi](drive + case.noise[t, b, i])
                if net.drive == "literal":  # dh/dt = -h/tau + phi(a)
                    new.append(state[i] + net.dt * (drive - state[i] / tau[i]))
                else:  # tau dh/dt = -h + phi(a)
                    new.append(state[i] + net.dt * (drive - state[i]) / tau[i])
                if net.form == "current":
                    new[i] += case.noise[t, b, i]
            state = new
            rates = [_PHI[net.phi](value) for value in state] if net.form == "current" else state
            squares += sum(value * value for value in rates)
            for o in range(O):
                z, y = float(sum(w.W_out[o, j] * rates[j] for j in range(N)) + w.b_out[o]), case.trials.target[t, b, o]
                if net.output == "sigmoid":
                    p = 1 / (1 + math.exp(-z))
                    errors -= m[t, b, o] * (y * math.log(p) + (1 - y) * math.log(1 - p))
                else:
                    errors += m[t, b, o] * (z - y) ** 2
                counts += m[t, b, o]
    weights = [value for W in (w.W_in, w.W_rec, w.W_out) for value in W.ravel()]
    return float(errors / counts + net.rate_penalty * squares / (T * B * N) + net.l2 * sum(value * value for value in weights))


@lru_cache(1)
def _loop_losses() -> tuple[float, ...]:
    return tuple(loss_in_loops(case) for case in _cases())


def closed_form(module: ModuleType) -> bool:
    """The loss against loops that spell the printed equations out; of the network also its noise; signs and noise by rule."""
    if _room(module) == "reference":
        for case, right in zip(_cases(), _loop_losses(), strict=True):
            given = (module.loss(case.net.params, *case.data), module.loss_and_gradient(case.net.params, *case.data)[0])
            if not max(_apart(value, right) for value in given) <= AGREE:
                return True
        return False
    if _room(module) == "dale":
        return any(_effective_is_wrong(constraint, raw) for constraint, raw in _constraints(module)) or _projection_is_wrong(module)
    if _room(module) == "noise":
        return _noise_is_wrong(module)
    for case in (_network_case(module), _case(7, module.Network, dt=0.5, drive="literal")):
        net, (T, B, N) = case.net, case.noise.shape
        normals = np.random.default_rng(11).standard_normal((T, B, N))
        scale = [net.noise * math.sqrt(2 * tau / net.dt) for tau in net.tau]
        loss, _ = net.loss_and_gradient(case.trials, noise=case.noise)
        apart = max(_apart(loss, loss_in_loops(case)), _apart(net.draw_noise(T, B, np.random.default_rng(11)), normals * scale))
        if not apart <= AGREE:
            return True
    return False


def _effective_is_wrong(constraint: Any, raw: Params) -> bool:
    """Entry by entry, for `_constraints`: from unit j to unit i with the sign of j, inputs positive, inhibitory units not read."""
    choices: dict[str, Callable[[float], float]] = {"abs": abs, "rectify": lambda v: max(v, 0.0), "projection": lambda v: v}
    p = choices[constraint.W_rec.p]
    d = (1, -1, 1)
    mask, fixed = ((1.0, 0.5, 1.0), (1.0, 0.0, 1.0), (0.0, 1.0, 1.5)), {(1, 1): -0.3, (2, 0): 0.2}
    signed = (1, 1, 1) if constraint.W_rec.p == "projection" else d  # a projected V has its sign
    W_rec = [[mask[i][j] * p(raw.W_rec[i, j]) * signed[j] + fixed.get((i, j), 0.0) for j in range(3)] for i in range(3)]
    W_in = [[p(raw.W_in[i, k]) for k in range(2)] for i in range(3)]
    W_out = [[p(raw.W_out[o, j]) * (d[j] > 0) for j in range(3)] for o in range(2)]
    found = constraint.effective(raw)
    apart = max(_apart(found.W_in, W_in), _apart(found.W_rec, W_rec), _apart(found.W_out, W_out))
    return not apart <= AGREE or any((found.W_rec[:, j] * d[j] < 0).any() for j in range(3))


def _projection_is_wrong(module: ModuleType) -> bool:
    """The sign of the sender stays, all else becomes 0."""
    constraint = module.Dale(excitatory=np.array([True, False]), by="projection").constraint(2, 1, 1, np.float64)
    none: Any = None
    raw = Params(np.array([[2.0], [-2.0]]), np.array([[3.0, 4.0], [-5.0, -6.0]]), np.array([[-1.0, 1.0]]), none, none, none)
    constraint.project(raw)
    right = ([[2.0], [0.0]], [[3.0, 0.0], [0.0, -6.0]], [[0.0, 0.0]])
    return not max(_apart(a, b) for a, b in zip(raw[:3], right, strict=True)) <= AGREE


def _noise_is_wrong(module: ModuleType) -> bool:
    """The stationary variance of a unit without weights is sigma^2 / (1 - alpha / 2) in both forms; per step it is sigma itself."""
    sigma = 0.3
    for alpha in (1.0, 0.2, 0.01):
        leak = np.array([alpha])
        right = sigma**2 / (1 - alpha / 2)
        for form, kept in (("current", 1.0), ("rate", alpha)):  # inside phi the noise is multiplied with the gain
            step = kept * float(module.scale(sigma, leak, form, "euler")[0])
            if not _apart(step**2 / (1 - (1 - alpha) ** 2), right) <= AGREE:
                return True
            if not _apart(module.scale(sigma, leak, form, "per_step"), [sigma]) <= AGREE:
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


class _Training(NamedTuple):
    """A short run by the reference alone, and what it ends with."""

    net: Any
    trials: Trials
    adam: Adam
    weights: list[dict[str, Array]]  # by epoch
    losses: list[float]  # by epoch


_RUN: dict[str, Any] = {"rng": 21, "epochs": 3, "batch": 2}
_SIGNS = np.array([1.0, -1.0, 1.0])


@lru_cache(1)
def _trainings() -> tuple[_Training, ...]:
    """Without a constraint, with |V| in the current form, and by projection."""
    dales = [Dale(excitatory=_SIGNS > 0, by=by, inputs=False, readout=False) for by in ("abs", "projection")]
    return (
        _trained_by_hand(_case(8), ""), _trained_by_hand(_case(11, form="current", dale=dales[0]), "abs"),
        _trained_by_hand(_case(12, dale=dales[1]), "projection"),
    )  # fmt: skip


def _trained_by_hand(case: Case, by: str) -> _Training:
    net = case.net
    adam = Adam(lr=0.05, decay=0.3, clip=0.4)
    rng = np.random.default_rng(9)
    T, B, N = 4, 5, len(net.h0)
    trials = Trials(rng.standard_normal((T, B, 2)), rng.standard_normal((T, B, 2)), dt=net.dt)
    _, _, _, h0, _, model = case.data
    theta = {name: array.copy() for name, array in checks.named_arrays(net.params).items()}
    m, v = ({name: np.zeros_like(array) for name, array in theta.items()} for _ in range(2))
    run_seed, updates, weights, losses = draw_run_seed(as_generator(_RUN["rng"])), 0, [], []
    scale = np.sqrt(2 * net.tau / net.dt) if net.form == "rate" else np.sqrt(2 * net.dt / net.tau)
    for epoch in range(1, _RUN["epochs"] + 1):
        order, total = counted(run_seed, SHUFFLE, epoch).permutation(B), 0.0
        for number, chosen in enumerate((order[:2], order[2:4], order[4:])):
            normals = counted(run_seed, NOISE, epoch, number, 0).standard_normal((T, _RUN["batch"], N))
            noise = (normals * net.noise * scale)[:, : len(chosen)]
            x, target = trials.x[:, chosen], trials.target[:, chosen]
            acting = theta | ({"W_rec": np.abs(theta["W_rec"]) * _SIGNS} if by == "abs" else {})
            loss, gradient = reference.loss_and_gradient(Params(**acting), x, target, np.ones_like(target), h0, noise, model)
            g = checks.named_arrays(gradient)
            if by == "abs":
                g["W_rec"] = g["W_rec"] * _SIGNS * np.sign(theta["W_rec"])
            shrink = min(1.0, 0.4 / math.sqrt(sum(float((array**2).sum()) for array in g.values())))
            lr = 0.05 / (1 + 0.3 * updates)
            updates += 1
            for name in theta:
                theta[name], m[name], v[name] = reference.adam(
                    theta[name], m[name], v[name], shrink * g[name], updates, lr, 0.9, 0.999, 1e-8, True
                )
            if by == "projection":
                theta["W_rec"] = np.where(theta["W_rec"] * _SIGNS < 0, 0.0, theta["W_rec"])
            total += loss * len(chosen)
        weights.append(dict(theta))
        losses.append(total / B)
    return _Training(net, trials, adam, weights, losses)


def training_by_hand(module: ModuleType) -> bool:
    """Runs of three epochs of three batches against the same runs by the plain reference, and which network they call best."""
    for run in _trainings():
        result = module.train(run.net, run.trials, optimizer=run.adam, **_RUN, threads=1, progress=False)
        if not max(_params_apart(result.network.params, run.weights[-1]), _apart(result.history.loss, run.losses)) <= 1e-7:
            return True
        best = int(np.argmin(result.history.validation_distance))
        if not _params_apart(result.best.params, run.weights[best]) <= 1e-7:
            return True
    return False


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


_GRADIENTS = ("reference", "dale", "network", TASKS)
CHECKS: tuple[Check, ...] = (
    Check("central differences", _GRADIENTS, central_differences),
    Check("complex step", _GRADIENTS, complex_step),
    Check("dot product", _GRADIENTS, dot_product),
    Check("Taylor", _GRADIENTS, taylor),
    Check("kernel", ("reference", "network"), kernel),
    Check("closed form", ("reference", "dale", "noise", "network"), closed_form),
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
