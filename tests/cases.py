"""Random networks with trials, small and tame enough that two orders of summation agree (T <= 30, spectral radius <= 1.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import minirnn as mr
from minirnn import reference
from minirnn.reference import ACTIVATIONS

BATCHES = st.one_of(st.integers(1, 5), st.sampled_from([15, 16, 17, 33]))  # the chunk is 16 trials


@dataclass
class Case:
    net: mr.Network
    trials: mr.Trials
    noise: Any
    label: str


def currents(net: mr.Network, trials: mr.Trials, noise: Any) -> Any:
    """a_t (T, B, N): relu has no derivative where one is 0, and rounding decides where it is nearly 0."""
    h, _ = reference.rollout(net.weights, trials.x, net.h0, noise, net.leak, net.gain, net.phi)
    w = net.weights
    a = h[:-1] @ w.W_rec.T + trials.x @ w.W_in.T
    return a + (0 if w.b_rec is None else w.b_rec) + (0 if noise is None else noise)


@st.composite
def cases(draw: Any, activations: tuple[str, ...] = ACTIVATIONS, batches: Any = BATCHES) -> Case:
    """Every switch of the model drawn independently; points near a kink of relu are left out."""
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
    )
    trials = mr.Trials(rng.standard_normal((T, B, I)), rng.standard_normal((T, B, O)), masks, dt=dt)
    noise = 0.3 * rng.standard_normal((T, B, N)) if draw(st.booleans()) else None
    if phi == "relu":
        assume(np.abs(currents(net, trials, noise)).min() > 1e-6)
    return Case(net, trials, noise, f"{net!r} T={T} B={B} mask {mask} noise {noise is not None}")
