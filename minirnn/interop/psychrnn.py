"""PsychRNN (murraylab/PsychRNN): its files of weights, and tasks written for it.

Its model `Basic` (psychrnn/backend/models/basic.py), in our symbols, alpha = dt/tau, n standard normal:

    (1) h_t = (1 - alpha) h_{t-1} + alpha (W_rec phi(h_{t-1}) + W_in x_t + b_rec) + sqrt(2 alpha rec_noise^2) n
    (2) z_t = W_out phi(h_t) + b_out                                              phi = relu unless the user says otherwise

This is our current form with noise = rec_noise. The weights of (1) and (2) are made of the variables W by masks C of 0 and 1
and, under Dale's law, matrices of signs (psychrnn/backend/rnn.py, get_effective_W_rec and its like; weights are (to, from)):

    (3) C W, or under Dale's law  W_rec = |C_rec W_rec| Dale_rec,  W_in = |C_in W_in|,  W_out = |C_out W_out| Dale_out

- `save` writes the weights after (3), `WeightInitializer.save` those before. (3) done twice is (3) for such C and signs, so that
  it is done here to either, as PsychRNN does when it loads the file.
- Dale's law acts where dale_ratio is a number other than 0 (`if self.dale_ratio`). None is saved as a pickle, not unpacked here.
- Dale_out is said to be 1 for excitatory and 0 for inhibitory units, but psychrnn/backend/initializations.py starts it with
  Dale_rec: unless the user gave it, inhibitory units are read, with negative weights.
"""

import math
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .. import files
from ..dale import Dale
from ..network import Network
from ..trials import Trials, numeric

Array = np.ndarray[Any, Any]

_MASKS = ("input_connectivity", "rec_connectivity", "output_connectivity")
_NEEDED = ("W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state")


class PsychRnnModel(NamedTuple):
    """What a PsychRNN file holds: the arrays of (1) and (2), and the constraint under which they were trained."""

    W_in: Array  # (N, I), like the next two after (3)
    W_rec: Array  # (N, N)
    W_out: Array  # (O, N)
    b_rec: Array  # (N,)
    b_out: Array  # (O,)
    h0: Array  # (N,), the current at the start
    excitatory: Array | None  # (N,) truth values; None without Dale's law
    readout: bool  # whether excitatory units alone are read
    mask_in: Array  # (N, I) of 0 and 1, like the next two
    mask: Array  # (N, N)
    mask_out: Array  # (O, N)

    def network(self, *, tau: Any, dt: float, noise: float = 0.0, phi: str = "relu", **constants: Any) -> Network:
        """The network of (1) and (2), with the constants that the file does not hold, under the same constraint in training.

        Where PsychRNN reads inhibitory units, with negative weights (`readout` False), `Dale` has no word for it: the readout then
        is masked, but its signs are free.
        tau, dt (ms) and noise: PsychRNN's tau, dt and rec_noise. phi: its transfer_function. constants: others of `Network`.
        ValueError or TypeError, naming the argument, for what does not fit.
        """
        dale = None
        if self.excitatory is not None or not all(mask.all() for mask in self[8:]):
            dale = Dale(
                self.excitatory, by="abs", readout=self.readout, mask_in=self.mask_in, mask=self.mask, mask_out=self.mask_out
            )
        return Network(*self[:6], form="current", phi=phi, tau=tau, dt=dt, noise=noise, dale=dale, **constants)


def read_psychrnn(path: files.PathLike) -> PsychRnnModel:
    """Read the weights that PsychRNN's `Basic` saved to an `.npz` file; (3) is done to them.

    W_in (N, I), W_rec (N, N) and W_out (O, N) are (to, from), as here. The dtype is float32, or float64 where W_rec has it.
    Connectivity that is not there is all ones. Other arrays, such as Adam's W_in/Adam, are ignored and not unpacked.
    Source: murraylab/PsychRNN, psychrnn/backend/rnn.py (get_weights, save), initializations.py, models/basic.py.
    FileNotFoundError where there is no file; ValueError, naming it, where it does not hold such weights, where one that is needed
    is a pickle, and where it can not be told whether Dale's law acts or (3) was done: no dale_ratio beside a Dale_rec with
    inhibitory units (versions before 1.0), masks other than 0 and 1.
    """
    ratio = _dale_ratio(path)
    found = files.read_npz(path, (*_NEEDED, *_MASKS, "Dale_rec", "Dale_out"))
    try:
        return _model(found, ratio)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} does not hold a PsychRNN network: {error}") from error


def _dale_ratio(path: files.PathLike) -> Array | None:
    """The file's dale_ratio; None where there is none, or Python's None, which NumPy saves as a pickle."""
    try:
        return files.read_npz(path, ("dale_ratio",)).get("dale_ratio")
    except ValueError as error:
        if "dale_ratio has dtype object" in str(error):
            return None
        raise


def _model(found: dict[str, Array], ratio: Array | None) -> PsychRnnModel:
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise ValueError(f"it holds no array {', '.join(missing)}; the models Basic and BasicScan alone can be read")
    dtype = np.float32 if found["W_rec"].dtype == np.float32 else np.float64

    def array(name: str, shape: tuple[int, ...]) -> Array:
        read = numeric(name, found[name])
        if read.shape != shape:
            raise ValueError(f"{name} must be {shape}, got {read.shape}")
        with np.errstate(over="ignore"):
            return numeric(name, read.astype(dtype))

    for name in ("W_in", "W_rec", "W_out"):
        if found[name].ndim != 2:
            raise ValueError(f"{name} must have two axes, got {found[name].shape}")
    N, I, O = len(found["W_rec"]), found["W_in"].shape[1], len(found["W_out"])
    if N == 0 or O == 0:
        raise ValueError(f"it has {N} units and {O} outputs")
    shapes = {"W_in": (N, I), "W_rec": (N, N), "W_out": (O, N)}
    weights = [array(name, shape) for name, shape in shapes.items()]
    b_rec, b_out = array("b_rec", (N,)), array("b_out", (O,))
    h0 = array("init_state", (N,) if found["init_state"].ndim == 1 else (1, N)).reshape(N)

    masks = []
    for name, shape in zip(_MASKS, shapes.values(), strict=True):
        mask = array(name, shape) if name in found else np.ones(shape, dtype)
        if not np.isin(mask, (0, 1)).all():
            raise ValueError(f"{name} must be 0 or 1, got {mask[~np.isin(mask, (0, 1))][0]:g}: it may be in the weights already")
        masks.append(mask)
    W_in, W_rec, W_out = (C * W for C, W in zip(masks, weights, strict=True))  # (3)

    if ratio is not None and not (ratio.shape == () and numeric("dale_ratio", ratio) >= 0 and ratio <= 1):
        raise ValueError(f"dale_ratio must be a number from 0 to 1, got {ratio}")
    if ratio is None:
        if "Dale_rec" in found and (np.diagonal(array("Dale_rec", (N, N))) < 0).any():
            raise ValueError("it has inhibitory units in Dale_rec but no dale_ratio that says whether Dale's law acts; add it")
        return PsychRnnModel(W_in, W_rec, W_out, b_rec, b_out, h0, None, False, *masks)
    if ratio == 0:  # as in PsychRNN, where 0 is false
        return PsychRnnModel(W_in, W_rec, W_out, b_rec, b_out, h0, None, False, *masks)
    signs = []
    for name, allowed in (("Dale_rec", (-1, 1)), ("Dale_out", (-1, 0, 1))):
        if name not in found:
            raise ValueError(f"it holds no array {name}, though Dale's law acts: dale_ratio is {ratio}")
        matrix = array(name, (N, N))
        d = np.diagonal(matrix)
        if not (np.isin(d, allowed).all() and (matrix == np.diag(d)).all()):
            raise ValueError(f"{name} must be a diagonal matrix of {' and '.join(map(str, allowed))}")
        signs.append(d)
    d_rec, d_out = signs
    W_in, W_rec, W_out = np.abs(W_in), np.abs(W_rec) * d_rec, np.abs(W_out) * d_out  # (3)
    return PsychRnnModel(
        W_in, W_rec, W_out, b_rec, b_out, h0, d_rec > 0, bool((d_out == (d_rec > 0)).all()), *masks
    )  # fmt: skip


def from_trial_function(
    trial_function: Callable[[float, Any], tuple[Any, Any, Any]],
    params: Iterable[Any] | int,
    *,
    T: float,
    dt: float,
    generate_trial_params: Callable[[int, int], Any] | None = None,
    batch: int = 1,
) -> Trials:
    """Trials of a task written for PsychRNN, `from_trial_function(task.trial_function, n, T=task.T, dt=task.dt, ..)`.

    trial_function(t, params) -> (x_t (I,), y_t (O,), mask_t (O,)) is called for t = 0, dt, 2 dt, .. below T (ms), in
    ceil(T / dt) steps. A single number stands for all channels. params: one entry per trial; or the number of trials n, and then
    generate_trial_params(batch, trial) gives those of trial 0 .. n-1 (PsychRNN counts batches from 1), each just before its
    trial is made, so that from the same `np.random.seed` come the trials of PsychRNN's `batch_generator`. A task of PsychRNN
    draws from that generator, not from one given here.

    Its mean_squared_error is the mean of (mask (z - target))^2 over all steps, trials and outputs; ours divides by the sum of
    the mask, a constant factor for a mask of 0 and 1.
    Source: murraylab/PsychRNN, psychrnn/tasks/task.py (generate_trial, batch_generator), backend/loss_functions.py.
    TypeError or ValueError, naming the argument, or what trial_function returned and where.
    """
    for name, value in (("T", T), ("dt", dt)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive, got {value}")
    if not callable(trial_function):
        raise TypeError(f"trial_function must be a function of t and params, got {type(trial_function).__name__}")
    n_steps = math.ceil(T / dt)
    made: list[list[tuple[Array, Array, Array]]] = []
    for chosen in _params(params, generate_trial_params, batch):
        trial = []
        for step in range(n_steps):
            returned = trial_function(step * dt, chosen)
            if not isinstance(returned, tuple | list) or len(returned) != 3:
                found = type(returned).__name__
                raise TypeError(f"trial_function must return (x_t, y_t, mask_t), got {found} at t = {step * dt:g}")
            x_t, y_t, mask_t = (np.array(value) for value in returned)  # copies: the function may fill the same arrays again
            trial.append((x_t, y_t, mask_t))
        made.append(trial)
    if not made:
        raise ValueError("params must have at least one entry, got none")
    xs, ys, masks = ([[step[k] for step in trial] for trial in made] for k in range(3))
    n_in, n_out = _widest(xs), max(_widest(ys), _widest(masks))
    x, target, mask = _filled("x_t", xs, n_in, dt), _filled("y_t", ys, n_out, dt), _filled("mask_t", masks, n_out, dt)
    return Trials(x, target, mask, dt=float(dt))


def _params(params: Any, generate: Callable[[int, int], Any] | None, batch: int) -> Iterable[Any]:
    """The parameters of each trial; those of a number of trials are made one by one, when they are asked for."""
    if not isinstance(params, int | np.integer):
        if generate is not None:
            raise TypeError("generate_trial_params is for a number of trials, but params are given")
        if not isinstance(params, Iterable):
            raise TypeError(f"params must be a number of trials or one entry per trial, got {type(params).__name__}")
        return params
    if isinstance(params, bool) or params < 1:
        raise ValueError(f"params must be at least 1 trial, got {params}")
    if generate is None:
        raise TypeError(f"generate_trial_params must be given for a number of trials, params={params}")
    return (generate(batch, trial) for trial in range(params))


def _widest(values: list[list[Array]]) -> int:
    return max(array.size for trial in values for array in trial)


def _filled(name: str, values: list[list[Array]], width: int, dt: float) -> Array:
    """Values by trial and step as (T, B, width); a single number stands for all channels."""
    filled = np.empty((len(values[0]), len(values), width))
    for b, trial in enumerate(values):
        for t, array in enumerate(trial):
            if array.shape not in ((), (1,), (width,)):
                raise ValueError(f"{name} must be ({width},) at all times, got {array.shape} in trial {b} at t = {t * dt:g}")
            filled[t, b] = numeric(name, array)
    return filled
