"""Random networks with trials, small and tame enough that two orders of summation agree (T <= 30, spectral radius <= 1.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference
from minirnn.reference import ACTIVATIONS, OUTPUTS

BATCHES = st.one_of(st.integers(1, 5), st.sampled_from([15, 16, 17, 33]))  # the chunk is 16 trials


@dataclass
class Case:
    net: mr.Network
    trials: mr.Trials
    noise: Any
    label: str


def kinks(net: mr.Network, trials: mr.Trials, noise: Any) -> float:
    """The least distance from a kink of relu or p(V): there is no derivative there, and nearby rounding decides on which side."""
    w = net.weights
    h, _ = reference.rollout(w, trials.x, net.h0, noise, net.model)
    if net.form == "current":
        a = h
    else:
        a = h[:-1] @ w.W_rec.T + trials.x @ w.W_in.T
        a = a + (0 if w.b_rec is None else w.b_rec) + (0 if noise is None else noise)
    found = [np.abs(a).min()] if net.phi == "relu" else []
    if net.dale is not None and net.dale.by != "projection":
        found += [np.abs(V).min(initial=1.0) for V in net.params[:3]]
    return min(found, default=1.0)


@st.composite
def dales(draw: Any, N: int, I: int, O: int, rng: np.random.Generator) -> mr.Dale:
    """Every switch of a sign constraint drawn independently."""
    excitatory = draw(st.sampled_from([0.8, 0.5, "some", None]))
    d = rng.random(N) < 0.6
    by, axis = draw(st.sampled_from(["abs", "rectify", "projection"])), draw(st.sampled_from(["pre", "post"]))
    fixed = None
    if draw(st.booleans()):
        fixed = np.abs(0.2 * rng.standard_normal((N, N))) * (rng.random((N, N)) < 0.3)
        signs = mr.Dale(excitatory=d if excitatory == "some" else excitatory).signs(N)
        fixed = fixed * (signs if axis == "pre" else signs[:, None])
    return mr.Dale(
        excitatory=d if excitatory == "some" else excitatory,
        by=by,
        axis=axis,
        mask=draw(st.sampled_from([None, (rng.random((N, N)) < 0.7).astype(float), rng.uniform(0.5, 1.5, (N, N))])),
        mask_in=draw(st.sampled_from([None, (rng.random((N, I)) < 0.7).astype(float)])),
        mask_out=draw(st.sampled_from([None, (rng.random((O, N)) < 0.7).astype(float)])),
        fixed=fixed,
        self_connections=draw(st.booleans()),
        inputs=draw(st.booleans()),
        readout=draw(st.booleans()),
        kerascog_diagonal=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def cases(draw: Any, activations: tuple[str, ...] = ACTIVATIONS, batches: Any = BATCHES, every: bool = False) -> Case:
    """Every switch of the rate form drawn independently; with `every` also the current form, sign constraints, outputs, the sum
    for the mean and the regulariser. Points near a kink are left out."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    T, B = draw(st.integers(1, 30)), draw(batches)
    N, I, O = draw(st.integers(1, 9)), draw(st.integers(0, 4)), draw(st.integers(1, 6))
    W_rec = rng.standard_normal((N, N))
    W_rec *= draw(st.floats(0.1, 1.2)) / np.abs(np.linalg.eigvals(W_rec)).max()
    if np.linalg.norm(W_rec, 2) > 2.0:  # a far from normal matrix grows before it decays
        W_rec *= 2.0 / np.linalg.norm(W_rec, 2)
    dt = draw(st.sampled_from([1.0, 0.5, 2.0]))
    tau = draw(st.sampled_from(["dt", "number", "per unit"]))
    taus = {"dt": dt, "number": dt * rng.uniform(1, 10), "per unit": dt * rng.uniform(1, 10, N)}[tau]
    drive = draw(st.sampled_from(["normalised", "literal"])) if dt <= 1 else "normalised"
    mask = draw(st.sampled_from(["none", "0/1", "weights", "per output"]))
    masks = {
        "none": None,
        "0/1": (rng.random((T, B)) < 0.5).astype(float),
        "weights": rng.uniform(0, 2, (T, B)),
        "per output": rng.uniform(0, 2, (T, B, O)),
    }[mask]
    if masks is not None:
        masks.flat[rng.integers(masks.size)] = 1.0
    phi = draw(st.sampled_from(activations))
    form = draw(st.sampled_from(["current", "rate"])) if every else "rate"
    output = draw(st.sampled_from(OUTPUTS)) if every else "linear"
    target = rng.standard_normal((T, B, O))
    if output == "sigmoid":
        target = rng.random((T, B, O))
    elif output == "softmax":
        target = rng.dirichlet(np.ones(O), (T, B))
    net = mr.Network(
        0.5 * rng.standard_normal((N, I)),
        W_rec,
        rng.standard_normal((O, N)),
        rng.standard_normal(N) if draw(st.booleans()) else None,
        rng.standard_normal(O) if draw(st.booleans()) else None,
        rng.standard_normal(N) if draw(st.booleans()) else None,
        phi=phi,
        tau=taus,
        dt=dt,
        drive=drive,
        train_h0=draw(st.booleans()),
        rate_penalty=draw(st.sampled_from([0.0, 0.3])),
        l2=draw(st.sampled_from([0.0, 0.1])),
        form=form,
        output=output,
        reduction=draw(st.sampled_from(["mean", "sum"])) if every else "mean",
        vanishing=draw(st.sampled_from([0.0, 0.5])) if form == "current" else 0.0,
        dale=draw(dales(N, I, O, rng)) if every and draw(st.booleans()) else None,
    )
    trials = mr.Trials(rng.standard_normal((T, B, I)), target, masks, dt=dt)
    noise = 0.3 * rng.standard_normal((T, B, N)) if draw(st.booleans()) else None
    assume(kinks(net, trials, noise) > 1e-6)
    return Case(net, trials, noise, f"{net!r} T={T} B={B} mask {mask} noise {noise is not None}")
