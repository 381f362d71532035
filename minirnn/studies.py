"""Studies: measurements on many runs or settings that end in a table and a figure."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from . import checks, initial, integrators, procedures, reference
from .analysis import end_states
from .network import Network
from .randomness import as_generator
from .reference import Params
from .signals import alignment, envelope
from .tasks.measures import distance, success
from .train import train
from .trials import Trials

Array = np.ndarray[Any, Any]

METHODS = ("forward", "central", "richardson", "complex")
DTYPES = ("float32", "float64")


class GradientError(NamedTuple):
    """Result of `gradient_error`: relative errors, and where theory puts the best step and its error.

    steps (S,); errors (dtype, method, array, S), the order of DTYPES, METHODS and arrays; optimum, floor (dtype, method, array)
    measured; theory_optimum, theory_floor (dtype, method, array), NaN where theory has none: for Richardson and the complex step,
    and for central differences where L''' is 0 (the loss is quadratic in the readout), which are the better the larger the step.
    """

    arrays: tuple[str, ...]
    steps: Array
    errors: Array
    optimum: Array
    floor: Array
    theory_optimum: Array
    theory_floor: Array


def gradient_error(net: Network, trials: Trials, *, steps: Any = None, directions: int = 3, rng: Any = 0) -> GradientError:
    """Error of numerical derivatives against step size, in float32 and float64, for each array of the network.

    The derivative of the plain reference's loss along random unit directions of one array at a time is compared with <g, v>,
    g the gradient of the compiled kernels in float64; the error is relative to |g| of that array, the median over directions.
    Theory, with eps of the dtype and L'', L''' along the direction:

        (1) forward   error d |L''| / 2 + 2 eps |L| / d      best d = 2 (eps |L| / |L''|)^(1/2)
        (2) central   error d^2 |L'''| / 6 + eps |L| / d     best d = (3 eps |L| / |L'''|)^(1/3), which is where eps^(1/3) is from
    """
    rng = as_generator(rng)
    if net.vanishing:
        raise ValueError("vanishing must be 0 here: the gradient of the regulariser is not the derivative of a loss")
    exact = net.astype(np.float64)
    steps = np.logspace(-12, 0, 49) if steps is None else np.asarray(steps, float)
    names = tuple(checks.named_arrays(exact.params))
    _, gradient = exact.loss_and_gradient(
        Trials(trials.x.astype(float), trials.target.astype(float), trials.mask, trials.condition, trials.dt)
    )
    shape = (len(DTYPES), len(METHODS), len(names))
    errors = np.full((*shape, directions, len(steps)), np.nan)
    theory_optimum, theory_floor = np.full((*shape, directions), np.nan), np.full((*shape, directions), np.nan)
    losses = {dtype: _loss(exact, trials, dtype) for dtype in DTYPES}
    for a, name in enumerate(names):
        p = getattr(exact.params, name)
        size = float(np.linalg.norm(getattr(gradient, name)))
        for k in range(directions):
            v = rng.standard_normal(p.shape)
            along = _only(exact.params, name, v / np.linalg.norm(v))
            slope = checks.inner(gradient, along)
            L, second, third = _higher(losses["float64"], exact.params, along)
            for t, dtype in enumerate(DTYPES):
                eps = float(np.finfo(dtype).eps)
                forward, central = 2 * np.sqrt(eps * L / second), np.cbrt(3 * eps * L / third)
                theory_optimum[t, 0, a, k], theory_floor[t, 0, a, k] = forward, forward * second / 2 + 2 * eps * L / forward  # (1)
                theory_optimum[t, 1, a, k], theory_floor[t, 1, a, k] = central, central**2 * third / 6 + eps * L / central  # (2)
                for s, d in enumerate(steps):
                    values = _derivatives(losses[dtype], exact.params, along, float(d), dtype)
                    errors[t, :, a, k, s] = np.abs(np.array(values) - slope) / size
            theory_floor[:, :, a, k] /= size
    median = np.median(errors, axis=3)
    best = np.argmin(np.where(np.isfinite(median), median, np.inf), axis=3)
    return GradientError(
        names, steps, median, steps[best], np.take_along_axis(median, best[..., None], axis=3)[..., 0],
        np.median(theory_optimum, axis=3), np.median(theory_floor, axis=3),
    )  # fmt: skip


def _only(params: Params, name: str, v: Array) -> Params:
    """The direction that moves one array alone."""
    zeros = {other: np.zeros(p.shape) for other, p in checks.named_arrays(params).items()}
    return Params(*[(zeros | {name: v}).get(field) for field in Params._fields])  # type: ignore[arg-type]


def _loss(net: Network, trials: Trials, dtype: str) -> checks.Loss:
    """The reference's loss, all of its arithmetic in this dtype or its complex twin."""
    x, target, weights, h0, leak, gain = (
        array.astype(dtype) for array in (trials.x, trials.target, trials.weights(), net.h0, net.leak, net.gain)
    )
    model = net.model._replace(leak=leak, gain=gain)
    twin = np.result_type(dtype, np.complex64)

    def loss(params: Params) -> Any:
        kind = twin if any(np.iscomplexobj(p) for p in params if p is not None) else np.dtype(dtype)
        cast = Params(*[None if p is None else p.astype(kind) for p in params])  # type: ignore[arg-type]
        return reference.loss(net.effective(cast), x, target, weights, h0, None, model)

    return loss


def _derivatives(loss: checks.Loss, params: Params, along: Params, d: float, dtype: str) -> tuple[float, ...]:
    """By each of METHODS at step d; Richardson's tableau has four levels of it. The complex step is d too."""
    with np.errstate(all="ignore"):
        levels = [checks.central_difference(loss, params, along, d / 2**k) for k in range(4)]
        for j in range(1, 4):
            levels = [fine + (fine - coarse) / (4**j - 1) for coarse, fine in pairwise(levels)]  # checks (3)
        central = checks.central_difference(loss, params, along, d)
        return checks.forward_difference(loss, params, along, d), central, levels[0], checks.complex_step(loss, params, along, d)


def _higher(loss: checks.Loss, params: Params, along: Params) -> tuple[float, float, float]:
    """|L|, |L''| and |L'''| along the direction, by differences of the complex step."""
    d = 1e-4

    def slope(by: float) -> float:
        return checks.complex_step(loss, checks.moved(params, along, by), along)

    below, here, above = slope(-d), slope(0.0), slope(d)
    second, third = abs(above - below) / (2 * d), abs(above - 2 * here + below) / d**2
    rounding = 100 * checks.EPS * max(abs(below), abs(above), checks.TINY) / d**2
    return abs(float(loss(params))), second, third if third > rounding else np.nan


# ---- the initial state

STARTS = ("zero", "constant", "random", "trained")


class InitialStates(NamedTuple):
    """How training goes from each initial state of STARTS: a row each, a column per seed."""

    starts: tuple[str, ...]
    losses: Array  # (starts, seeds, epochs), NaN after an early stop
    distance: Array  # (starts, seeds): mean over the noiseless conditions, after training
    solved: Array  # (starts, seeds)
    h0: Array  # (starts, seeds): root mean square of the initial state after training


def initial_states(
    task: Any, *, level: float = 0.1, seeds: int = 3, epochs: int | None = None, samples: int | None = None,
    n_rec: int | None = None, threads: int | None = None, rng: Any = 0, **changes: Any,
) -> InitialStates:  # fmt: skip
    """Train networks that differ in h0 alone: zero; `level` in every unit; N(0, level^2); and trained, from `level` as in pycog.

    The networks of a seed have the same weights and see the same trials in the same order. changes: of `Network.for_task`.
    """
    seed_of = as_generator(rng).integers(2**31, size=seeds)
    epochs = task.protocol.epochs if epochs is None else epochs
    shape = (len(STARTS), seeds)
    losses, far, size = np.full((*shape, epochs), np.nan), np.empty(shape), np.empty(shape)
    solved = np.zeros(shape, bool)
    trials = task.conditions()
    for k, seed in enumerate(seed_of):
        net = Network.for_task(task, n_rec=n_rec, rng=int(seed), **changes)
        constant = np.full(net.n_rec, level)
        states = {
            "zero": 0 * constant, "constant": constant, "trained": constant,
            "random": initial.small_random(net.n_rec, level, as_generator(int(seed))),
        }  # fmt: skip
        for s, start in enumerate(STARTS):
            constants = net.constants | {"train_h0": start == "trained"}
            one = Network(*net.params[:5], states[start].astype(net.dtype), **constants)
            result = train(one, task, epochs=epochs, samples=samples, threads=threads, rng=int(seed), progress=False)
            _, z = result.network.run(trials.x)
            losses[s, k, : len(result.history.loss)] = result.history.loss
            far[s, k], solved[s, k] = distance(z, trials).mean(), success(z, trials, task)
            size[s, k] = np.sqrt(np.square(result.network.h0).mean())
    return InitialStates(STARTS, losses, far, solved, size)


class UnitSignals(NamedTuple):
    """Result of `unit_signals`: K noisy trials of T steps, in which a pulse comes late by `delays`, and one without noise."""

    delays: Array  # (K,) steps, in order; the first is 0
    rates: Array  # (K, T, N) of the units
    found: alignment.Alignment  # of rates
    spread: tuple[float, float]  # root mean square deviation of the trials from their mean, before and after
    z: Array  # (T,) output of the trial without noise and delay
    z_envelope: Array  # (T,)
    envelopes: Array  # (T, N) of its units' rates about their mean
    peak_window: int  # steps
    cutoff_hz: float


def unit_signals(net: Network, task: Any, *, trials: int = 20, longest_delay: float = 40.0, rng: Any = 0) -> UnitSignals:
    """Align noisy trials of a task with one pulse and an `onset`, as Oscillation, by what the units do, and take their envelopes.

    longest_delay: ms, the range that the pulse's delays are drawn from; a trial ends so much later than the task's. Input noise is
    the task's. The window of the envelopes is a period of the task's `frequency` (Hz), their cut half of it.
    ValueError for fewer than two trials, or a delay that is not positive.
    """
    if trials < 2:
        raise ValueError(f"trials must be at least 2, got {trials}")
    if not longest_delay > 0:
        raise ValueError(f"longest_delay must be positive, got {longest_delay}")
    rng = as_generator(rng)
    longest = max(1, round(longest_delay / task.dt))
    delays = np.sort(np.append(0, rng.integers(longest + 1, size=trials - 1)))
    calm = task.conditions()
    net.check(calm)
    pulse = calm.x[:, calm.condition == 1]
    x = np.zeros((len(pulse) + longest, trials, pulse.shape[2]))
    for k, delay in enumerate(delays):
        x[delay : delay + len(pulse), k] = pulse[:, 0]
    x += task.input_noise_std * rng.standard_normal(x.shape)
    rates = net.rates(net.run(x)[0])[1:].astype(np.float64).swapaxes(0, 1)
    found = alignment.align(list(rates), max_lag=longest)
    common = np.isfinite(found.aligned).all(axis=(0, 2))  # steps that all trials have when they are shifted
    before, after = (float(np.sqrt(values[:, common].var(axis=0, ddof=1).mean())) for values in (rates, found.aligned))
    h, z = net.run(pulse)
    alone = net.rates(h)[1:, 0].astype(np.float64)
    per_second = 1000.0 / task.dt
    window, cut = envelope.window_for(per_second, task.frequency), task.frequency / 2
    settings: dict[str, Any] = {"peak_window": window, "cutoff_hz": cut}
    output = z[:, 0, 0].astype(np.float64)
    return UnitSignals(
        delays, rates, found, (before, after), output, envelope.peak_envelope(output, per_second, **settings),
        envelope.peak_envelope(alone - alone.mean(axis=0), per_second, **settings), window, cut,
    )  # fmt: skip


# ---- the procedures and the time step


class Commutation(NamedTuple):
    """What `procedures.compare` found in several random systems of both forms, done alike."""

    first: str
    second: str
    case: str  # what was done
    conditions: tuple[procedures.Condition, ...]
    exact: bool  # in all systems
    difference: float  # the largest
    order: float  # the median power of dt, NaN where the orders agree exactly
    foretold: bool  # whether in every system the orders agreed exactly if and only if all conditions held


def commutations(*, systems: int = 4, units: int = 3, rng: Any = 0) -> tuple[Commutation, ...]:
    """Every pair of orders of R, D and L, with and without its conditions, on random systems of both forms.

    L is at an equilibrium with an input, or elsewhere; "dropped" is L without the constant f(h*, x*), in the second order alone.
    """
    rng = as_generator(rng)
    found: dict[tuple[str, str, str], list[procedures.Agreement]] = {}
    for k in range(2 * systems):
        tau = rng.uniform(2, 20)
        W = rng.standard_normal((units, units))
        system = procedures.network(  # |W| < 1: there is one equilibrium
            0.9 * W / np.linalg.norm(W, 2), rng.standard_normal((units, 2)), rng.standard_normal(units),
            tau=tau, form=("rate", "current")[k % 2],
        )  # fmt: skip
        x = rng.standard_normal(2)
        rest = procedures.equilibrium(system, x)
        at = procedures.Setting(tau, 0.15 * tau, rest, x)
        off = at._replace(h=rest + rng.standard_normal(units))
        exact, exact_off = (setting._replace(method="exact") for setting in (at, off))
        for first, second, case, one, other in (
            ("RD", "DR", "ds = dt/tau", at, at),
            ("RD", "DR", "ds = 2 dt/tau", at._replace(ratio=2.0), at),
            ("RL", "LR", "at an equilibrium", at, at),
            ("RL", "LR", "elsewhere", off, off),
            ("DL", "LD", "Euler, at an equilibrium", at, at),
            ("DL", "LD", "Euler, elsewhere", off, off),
            ("DL", "LD", "Euler, elsewhere, dropped", off, off._replace(keep=False)),
            ("DL", "LD", "exact flow, at an equilibrium", exact, exact),
            ("DL", "LD", "exact flow, elsewhere", exact_off, exact_off),
            ("DL", "LD", "Euler and exact flow", at, exact),
            *[("RDL", order, "Euler, ds = dt/tau", off, off) for order in ("RLD", "DRL", "DLR", "LRD", "LDR")],
            ("RDL", "LDR", "Euler, ds = 2 dt/tau", off._replace(ratio=2.0), off),
        ):
            agreement = procedures.compare(system, first, second, one, other, rng=rng)
            found.setdefault((first, second, case), []).append(agreement)
        along = procedures.along_trajectories(system, rest + 1, rng.standard_normal((4, 2)), tau / 8)
        found.setdefault(("DL", "LD", "Euler, about a trajectory"), []).append(along)
    return tuple(
        Commutation(
            *case, agreements[0].conditions, all(a.exact for a in agreements), max(float(a.differences.max()) for a in agreements),
            float(np.median([a.order for a in agreements])),
            all(a.exact == all(c.holds for c in a.conditions) for a in agreements),
        )
        for case, agreements in found.items()
    )  # fmt: skip


INTEGRATORS = ("Euler", "exact linear", "RK4")
KINDS = ("network", "linearised")
ALPHAS = (1.0, 0.5, 0.25, 0.125)
CONTINUOUS = "continuous"
DIVERGED = "diverged"
ROUNDING = 1e-11  # errors below it say nothing of a method


class TimeStep(NamedTuple):
    """Result of `time_step` for one form; B conditions, N units, A steps alpha = dt/tau and, last, continuous time."""

    form: str
    tau: float  # ms, the least of the units
    steps: Array  # (S,) ms
    errors: Array  # (KINDS, INTEGRATORS, S) of states, largest over time and units, against solve_ivp
    orders: Array  # (KINDS, INTEGRATORS) with which they fall, NaN where they are rounding
    rest: Array  # (N,) the equilibrium without input at which `modes` are
    modes: procedures.Stability  # Euler's with alpha = 1
    alphas: Array  # (A,)
    labels: tuple[tuple[str, ...], ...]  # (A + 1, B) what the trials end in
    frequency: Array  # (A + 1, B) Hz, NaN where it is no oscillation
    tails: tuple[Array, ...]  # A + 1 times (steps, B, N): the last states, alphas[k] tau, or tau / 2, apart


def time_step(
    net: Network, x: Any, *, forms: Sequence[str] = ("rate", "current"), window: int = 30, halvings: int = 6, free: int = 3000,
    last: int = 600,
) -> tuple[TimeStep, ...]:  # fmt: skip
    """What the step dt does to a network with these inputs x (T, B, I): errors of integrators, modes and end states.

    Errors: of the condition with the largest input, over `window` steps from its largest on, the steps net.dt and its
    halves, each input held for net.dt. The exact linear step is about the present state. "linearised" is about `rest`.
    End states: of the states in which Euler with net.dt leaves the trials, after `free` tau without input by Euler with dt =
    alpha tau and in continuous time, judged by the last `last` tau. With several tau their least is meant.
    ValueError for relu, at whose kinks the orders do not hold.
    """
    if net.phi == "relu":
        raise ValueError("net must not have phi relu: at its kinks no integrator keeps its order")
    net = net.astype(np.float64)
    x = np.asarray(x, np.float64)
    results = []
    for form in forms:
        system = procedures.of(Network(*net.params, **net.constants | {"form": form, "noise": 0.0}))
        h = integrators.trajectory(procedures.discretise(system, net.dt).value, np.broadcast_to(net.h0, (x.shape[1], net.n_rec)), x)
        rest = procedures.equilibrium(system, start=net.h0)
        most = int(np.square(x).sum(axis=(0, 2)).argmax())
        onset = int(np.abs(x[:, most]).max(axis=1).argmax())
        held = x[onset : onset + window, most]
        linear = procedures.linearise(system, rest)
        steps = net.dt * 0.5 ** np.arange(halvings + 1)
        errors = np.array([_errors(kind, h[onset, most], held, net.dt, halvings) for kind in (system, linear)])
        orders = np.array([[_order(row) for row in rows] for rows in errors])
        tau = float(system.tau.min())
        tails = [_free(system, h[-1], tau, alpha, free, last) for alpha in (*ALPHAS, None)]
        ends = [_end(tail, tau * alpha) for tail, alpha in zip(tails, (*ALPHAS, 0.5), strict=True)]
        results.append(TimeStep(
            form, tau, steps, errors, orders, rest, procedures.stability(system, tau, rest), np.array(ALPHAS),
            tuple(labels for labels, _ in ends), np.array([frequency for _, frequency in ends]), tuple(tails),
        ))  # fmt: skip
    return tuple(results)


def _errors(system: procedures.System, h0: Array, x: Array, dt: float, halvings: int) -> list[list[float]]:
    """(INTEGRATORS, S) for the steps dt, dt/2, .. ; x (T, I) is held for dt each."""

    def euler(h: Array, u: Array, step: float) -> Array:
        return integrators.euler(lambda state: system.value(state, u), h, step)

    def exact_linear(h: Array, u: Array, step: float) -> Array:
        return integrators.exact_linear(system.derivative(h, u)[0], system.value(h, u), h, step)

    def rk4(h: Array, u: Array, step: float) -> Array:
        return integrators.rk4(lambda state: system.value(state, u), h, step)

    right = integrators.trajectory(lambda h, u: integrators.solved(lambda state: system.value(state, u), h, dt), h0, x)
    found = []
    for method in (euler, exact_linear, rk4):
        row = []
        for k in range(halvings + 1):
            h = integrators.trajectory(partial(method, step=dt / 2**k), h0, x, substeps=2**k)
            row.append(float(np.abs(h - right).max()))
        found.append(row)
    return found


def _order(errors: Array) -> float:
    """The median slope over the last halvings that are not rounding."""
    slopes = [np.log2(e / half) for e, half in pairwise(errors) if half > ROUNDING]
    return float(np.median(slopes[-3:])) if slopes else np.nan


def _free(system: procedures.System, h: Array, tau: float, alpha: float | None, free: int, last: int) -> Array:
    """The last states (steps, B, N), from h (B, N), without input: Euler's of dt = alpha tau, or, for None, exact ones."""
    none = np.zeros(system.n_in)
    with np.errstate(over="ignore", invalid="ignore"):
        if alpha is not None:
            step = procedures.discretise(system, alpha * tau).value
            return integrators.trajectory(step, h, np.zeros((round(free / alpha), system.n_in)))[-round(last / alpha) :]
        try:
            near = integrators.solved(lambda state: system.value(state, none), h, (free - last) * tau)
            flow = procedures.discretise(replace(system, affine=False), tau / 2, "exact").value
            return integrators.trajectory(flow, near, np.zeros((2 * last, system.n_in)))[1:]
        except RuntimeError:
            return np.full((2 * last, *h.shape), np.inf)


def _end(tail: Array, dt: float) -> tuple[tuple[str, ...], Array]:
    """Labels and frequencies of tail (steps, B, N)."""
    labels, frequency = [DIVERGED] * tail.shape[1], np.full(tail.shape[1], np.nan)
    for b in range(tail.shape[1]):
        if np.isfinite(tail[:, b]).all():
            end = end_states.end_states(tail[:, b : b + 1], dt=dt, last=len(tail))
            labels[b], frequency[b] = end.labels[0], end.frequency[0]
    return tuple(labels), frequency
