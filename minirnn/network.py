"""`Network`: the weights and constants of one recurrent network, checked; runs and differentiates it through the engine.

The equations are in `minirnn.reference` (plain) and `minirnn.kernels.dynamics` (fast).
"""

import math
import os
from typing import Any, Literal

import numpy as np

from . import files, initial
from .dale import Dale
from .engine import Engine, Fill, Flat, Store
from .noise import scale
from .randomness import as_generator
from .reference import ACTIVATIONS, OUTPUTS, Model, Params, outputs, phi
from .trials import Trials, numeric

Array = np.ndarray[Any, Any]

CONSTANTS = (  # what a file keeps beside the arrays and the sign constraint
    "form", "phi", "tau", "dt", "drive", "noise", "noise_scaling", "noise_shared_across_batch", "train_h0", "output", "reduction",
    "rate_penalty", "l2", "vanishing",
)  # fmt: skip
RAW = {"V_in": "W_in", "V_rec": "W_rec", "V_out": "W_out"}  # raw arrays in a file, and what is made of them
OUTPUT_STEPS = 256  # the steps whose states `Network.outputs` has at a time
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def _weights(name: str, value: Any, shape: tuple[int | None, ...], meaning: str) -> Array:
    """A private copy of a float array of this shape (None: any size), or an error that names it."""
    array = np.asarray(value)
    if array.dtype not in _FLOATS:
        raise TypeError(f"{name} must be float32 or float64, got dtype {array.dtype}")
    numeric(name, array)
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must be {meaning}, got {array.shape}")
    return array.copy()


def _positive(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def _not_negative(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be 0 or positive, got {value}")
    return number


class Network:
    """A network of N leaky units with I inputs and O outputs.

    W_in (N, I), W_rec (N, N), W_out (O, N): weights (to, from), float32 or float64, all of one dtype, which decides the
    arithmetic; with `dale` the raw ones, of which the effective `weights` are made. b_rec (N,), b_out (O,): biases, None where
    there is none. h0 (N,): initial state, zeros by default, trained with `train_h0`.
    form: "rate", tau dh/dt = -h + phi(W_rec h + W_in x + b_rec), or "current", tau dh/dt = -h + W_rec phi(h) + W_in x + b_rec.
    phi: tanh, relu, sigmoid, softplus or linear. tau: time constant in ms, a number or one per unit; dt: Euler step in ms, at
    most tau. drive: "normalised", what drives h (phi(a) or, in the current form, a) is multiplied with dt/tau in a step, or
    "literal", with dt, as arXiv 1906.01094 eq. 5 prints it.
    dale: a `Dale` (signs, masks, fixed weights), or None. By projection, the arrays given are projected.
    noise: sigma of the state noise, see `draw_noise`. noise_scaling: "euler", or "per_step" where sigma itself is what is added
    in a step, whatever dt; noise_shared_across_batch: one noise for all trials. The latter two are how KerasCog reads it.
    output: "linear", "sigmoid" or "softmax" of the readout; the loss of the latter two is the cross entropy. reduction: "mean"
    of the loss over what the mask counts, or "sum". rate_penalty and l2: weights of the mean squared rate and of the sum of
    squared effective weights (not biases) in the loss. vanishing: weight of pycog's regulariser against vanishing gradients
    (reference, 13 and 14; current form), of which the gradient holds the immediate derivative alone.

    ValueError or TypeError, naming the argument, for whatever does not fit.
    """

    def __init__(
        self, W_in: Any, W_rec: Any, W_out: Any, b_rec: Any = None, b_out: Any = None, h0: Any = None, *,
        form: Literal["rate", "current"] = "rate", phi: str = "tanh", tau: Any = 1.0, dt: float = 1.0,
        drive: Literal["normalised", "literal"] = "normalised", dale: Dale | None = None, noise: float = 0.0,
        noise_scaling: Literal["euler", "per_step"] = "euler", noise_shared_across_batch: bool = False, train_h0: bool = False,
        output: Literal["linear", "sigmoid", "softmax"] = "linear", reduction: Literal["mean", "sum"] = "mean",
        rate_penalty: float = 0.0, l2: float = 0.0, vanishing: float = 0.0,
    ) -> None:  # fmt: skip
        W_rec = _weights("W_rec", W_rec, (None, None), "(N, N)")
        N = len(W_rec)
        if W_rec.shape != (N, N) or N == 0:
            raise ValueError(f"W_rec must be (N, N) with N > 0, got {W_rec.shape}")
        W_in = _weights("W_in", W_in, (N, None), f"({N}, I), one row per unit of W_rec")
        W_out = _weights("W_out", W_out, (None, N), f"(O, {N}), one column per unit of W_rec")
        if len(W_out) == 0:
            raise ValueError(f"W_out must have at least one output, got {W_out.shape}")
        O = len(W_out)
        self._b_rec = None if b_rec is None else _weights("b_rec", b_rec, (N,), f"({N},)")
        self._b_out = None if b_out is None else _weights("b_out", b_out, (O,), f"({O},)")
        self.h0 = np.zeros(N, W_rec.dtype) if h0 is None else _weights("h0", h0, (N,), f"({N},)")
        for name, array in (("W_in", W_in), ("W_out", W_out), ("b_rec", self._b_rec), ("b_out", self._b_out), ("h0", self.h0)):
            if array is not None and array.dtype != W_rec.dtype:
                raise TypeError(f"{name} is {array.dtype} but W_rec is {W_rec.dtype}: all arrays must have one dtype")
        self._W_in, self._W_rec, self._W_out = W_in, W_rec, W_out

        for name, value, choices in (
            ("form", form, ("rate", "current")), ("phi", phi, ACTIVATIONS), ("drive", drive, ("normalised", "literal")),
            ("noise_scaling", noise_scaling, ("euler", "per_step")), ("output", output, OUTPUTS),
            ("reduction", reduction, ("mean", "sum")),
        ):  # fmt: skip
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        self.form, self.phi, self.drive = form, phi, drive
        self.output, self.reduction = output, reduction
        self.dt = _positive("dt", dt)
        tau_array = numeric("tau", tau).astype(np.float64)
        if tau_array.shape not in ((), (N,)):
            raise ValueError(f"tau must be a number or ({N},), got {tau_array.shape}")
        if (tau_array < self.dt).any():
            raise ValueError(f"tau must be at least dt = {self.dt:g} ms, got {tau_array.min():g}")
        self.tau: float | Array = float(tau_array) if tau_array.ndim == 0 else tau_array.copy()
        self.noise = _not_negative("noise", noise)
        self.noise_scaling, self.noise_shared_across_batch = noise_scaling, bool(noise_shared_across_batch)
        self.rate_penalty = _not_negative("rate_penalty", rate_penalty)
        self.l2 = _not_negative("l2", l2)
        self.vanishing = _not_negative("vanishing", vanishing)
        if self.vanishing and form != "current":
            raise ValueError(f'vanishing must be 0 unless form is "current", got {vanishing}')
        self.train_h0 = bool(train_h0)
        if dale is not None and not isinstance(dale, Dale):
            raise TypeError(f"dale must be a Dale or None, got {type(dale).__name__}")
        self.dale = dale
        self.constraint = None if dale is None else dale.constraint(N, W_in.shape[1], O, W_rec.dtype)
        if self.constraint is not None:
            self.constraint.project(self.params)

    # ---- what it is

    @classmethod
    def random(
        cls, n_in: int, n_rec: int, n_out: int, *, recurrent: Any = "orthogonal", gain: float = 1.0,
        spectral_radius: float | None = None, input_limit: float | None = None, b_rec: bool = False, b_out: bool = True,
        dtype: Any = "float32",
        rng: np.random.Generator | int, **constants: Any,
    ) -> "Network":  # fmt: skip
        """An untrained network, by default as in arXiv 1906.01094: W_in and W_out glorot uniform, biases 0.

        recurrent: how W_rec starts, a name of `minirnn.initial.RECURRENT` ("orthogonal": gain times a random rotation or
        reflection; "normal": entries N(0, gain^2 / N); the others as there, with their default settings), or an (N, N) array.
        spectral_radius: None, or what the effective W_rec, without fixed weights, is scaled to. input_limit: None, or the L of
        W_in and W_out entries U(-L, L), as in pycog. b_rec, b_out: whether there are such biases.
        `constants` are the keyword arguments of `Network`.

        With a sign constraint the magnitudes of W_in, W_rec and W_out are those of the start, and the signs the constraint's: so
        "gamma" and "lognormal" are met exactly, "two_gaussians" but for its entries of the other sign, while orthogonal, normal
        and the symmetric others become half of themselves mirrored, with other means and spectra. By projection entries of the
        wrong sign become 0, as in arXiv 2208.10304. Entries that a mask leaves out are 0.
        """
        for name, size in (("n_in", n_in), ("n_rec", n_rec), ("n_out", n_out)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < (0 if name == "n_in" else 1):
                raise ValueError(f"{name} must be a positive integer, got {size!r}")
        dtype = _float_dtype(dtype)
        rng = as_generator(rng)
        if input_limit is None:
            W_in = initial.glorot_uniform(n_rec, n_in, rng)
        else:
            W_in = initial.uniform((n_rec, n_in), input_limit, rng)
        dale: Dale | None = constants.get("dale")
        if isinstance(recurrent, str):
            W_rec = _start(recurrent, n_rec, float(gain), dale, rng)
        else:
            W_rec = numeric("recurrent", recurrent).astype(np.float64)
            if W_rec.shape != (n_rec, n_rec):
                raise ValueError(f"recurrent must be a name or ({n_rec}, {n_rec}), got {W_rec.shape}")
        if input_limit is None:
            W_out = initial.glorot_uniform(n_out, n_rec, rng)
        else:
            W_out = initial.uniform((n_out, n_rec), input_limit, rng)
        parts = None if dale is None else dale.constraint(n_rec, n_in, n_out, np.float64)
        if parts is not None:
            W_in, W_rec, W_out = parts.W_in.raw(W_in), parts.W_rec.raw(W_rec), parts.W_out.raw(W_out)
        if spectral_radius is not None:
            acting = W_rec if parts is None else parts.W_rec._replace(F=None).effective(W_rec)
            scaled = initial.with_spectral_radius(acting, spectral_radius)
            W_rec = W_rec * (np.abs(scaled).max() / np.abs(acting).max())
        return cls(
            W_in.astype(dtype), W_rec.astype(dtype), W_out.astype(dtype),
            np.zeros(n_rec, dtype) if b_rec else None, np.zeros(n_out, dtype) if b_out else None, **constants,
        )  # fmt: skip

    @classmethod
    def for_task(
        cls, task: Any, *, n_rec: int | None = None, recurrent: Any = None, gain: float | None = None, dtype: Any = "float32",
        rng: np.random.Generator | int, **changes: Any,
    ) -> "Network":  # fmt: skip
        """An untrained network as the task's protocol has it: sizes, start, form, constants, sign constraint.

        What is not None stands in for the protocol's; `changes` are keyword arguments of `random` (dale=None for no constraint).
        """
        p = task.protocol
        constants: dict[str, Any] = {"b_rec": p.b_rec, "b_out": p.b_out, "dt": task.dt, **p.constants}
        if "tau" not in constants:
            constants["tau"] = task.dt
        n_rec = p.n_rec if n_rec is None else n_rec
        rng = as_generator(rng)
        if p.dale is not None and "dale" not in changes:
            masks = {"W_in": "mask_in", "W_rec": "mask", "W_out": "mask_out"}
            connected = task.dale_masks(n_rec, rng) if hasattr(task, "dale_masks") else {}
            constants["dale"] = Dale(**p.dale, **{masks[name]: mask for name, mask in connected.items()})
        if p.h0:
            constants["h0"] = np.full(n_rec, p.h0, dtype)
        return cls.random(
            task.n_in, n_rec, task.n_out, recurrent=p.recurrent if recurrent is None else recurrent,
            gain=p.gain if gain is None else gain, dtype=dtype, rng=rng, **constants | changes,
        )  # fmt: skip

    @property
    def n_in(self) -> int:
        """I."""
        return int(self._W_in.shape[1])

    @property
    def n_rec(self) -> int:
        """N."""
        return len(self._W_rec)

    @property
    def n_out(self) -> int:
        """O."""
        return len(self._W_out)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self._W_rec.dtype

    @property
    def params(self) -> Params:
        """The trained arrays themselves (raw ones under a sign constraint), not copies; None where absent or not trained."""
        return Params(self._W_in, self._W_rec, self._W_out, self._b_rec, self._b_out, self.h0 if self.train_h0 else None)

    @property
    def weights(self) -> Params:
        """The arrays that act, h0 always among them; what `dale` makes of the raw ones is computed at each call."""
        raw = Params(self._W_in, self._W_rec, self._W_out, self._b_rec, self._b_out, self.h0)
        return raw if self.constraint is None else self.constraint.effective(raw)

    def effective(self, params: Params) -> Params:
        """The arrays that act when the trained ones are `params`."""
        return params if self.constraint is None else self.constraint.effective(params)

    @property
    def leak(self) -> Array:
        """dt / tau, (N,) float64."""
        return np.broadcast_to(self.dt / np.asarray(self.tau), (self.n_rec,))

    @property
    def gain(self) -> Array:
        """What phi is multiplied with in a step: dt / tau (drive="normalised") or dt ("literal"), (N,) float64."""
        return self.leak if self.drive == "normalised" else np.full(self.n_rec, self.dt)

    @property
    def constants(self) -> dict[str, Any]:
        """The keyword arguments that make this network from its arrays."""
        return {name: getattr(self, name) for name in CONSTANTS} | {"dale": self.dale}

    @property
    def model(self) -> Model:
        """The constants as `minirnn.reference` takes them."""
        return Model(
            self.leak, self.gain, self.phi, self.form, self.output, self.reduction, self.rate_penalty, self.l2, self.vanishing
        )

    @property
    def noise_scale(self) -> Array:
        """The standard deviation of the state noise of a step (`minirnn.noise.scale`), (N,) float64."""
        return scale(self.noise, self.leak, self.form, self.noise_scaling)

    def __repr__(self) -> str:
        tau = f"{self.tau:g}" if isinstance(self.tau, float) else f"{self.tau.min():g}..{self.tau.max():g}"
        bias = " + b_rec" if self._b_rec is not None else ""
        gain = "" if self.drive == "normalised" else " tau"
        if self.form == "rate":
            equation = f"-h +{gain} {self.phi}(W_rec h + W_in x{bias})"
        elif gain:
            equation = f"-h + tau (W_rec {self.phi}(h) + W_in x{bias})"
        else:
            equation = f"-h + W_rec {self.phi}(h) + W_in x{bias}"
        said = [f"Network(tau dh/dt = {equation}", f"{self.n_in} -> {self.n_rec} -> {self.n_out}"]
        said += [] if self.output == "linear" else [f"{self.output} output"]
        said += [] if self.dale is None else [repr(self.dale)]
        count = sum(p.size for p in self.params if p is not None)
        return ", ".join([*said, f"tau {tau} ms", f"dt {self.dt:g} ms", str(self.dtype), f"{count} parameters)"])

    def with_params(self, params: Params) -> "Network":
        """A network with these arrays (copied) and this one's constants; its h0 stays where `params.h0` is None."""
        h0 = self.h0.astype(np.asarray(params.W_rec).dtype) if params.h0 is None else params.h0
        return Network(*params[:5], h0, **self.constants)

    def copy(self) -> "Network":
        """An independent copy."""
        return self.with_params(self.params)

    def astype(self, dtype: Any) -> "Network":
        """A copy in float32 or float64."""
        dtype = _float_dtype(dtype)
        raw = (*self.params[:5], self.h0)
        return self.with_params(Params(*[None if p is None else p.astype(dtype) for p in raw]))  # type: ignore[arg-type]

    # ---- what it does

    def run(self, x: Any, *, h0: Any = None, noise: Any = None) -> tuple[Array, Array]:
        """States h (T+1, B, N), h[0] the initial one, and outputs z (T, B, O) for the inputs x (T, B, I).

        h0: (N,) or (B, N) instead of the network's own. noise: (T, B, N), already scaled, added to the current inside phi, in
        the current form to the state; None for none, whatever `self.noise` is.
        """
        x = self._inputs(x)
        T, B, _ = x.shape
        start = self.h0 if h0 is None else self._cast("h0", h0)
        if start.shape not in ((self.n_rec,), (B, self.n_rec)):
            raise ValueError(f"h0 must be ({self.n_rec},) or ({B}, {self.n_rec}), got {start.shape}")
        noise = self._noise(noise, T, B)
        h = np.empty((T + 1, B, self.n_rec), self.dtype)
        z = np.empty((T, B, self.n_out), self.dtype)
        with self.engine(T, B) as engine:
            engine.set_params(self.effective(self.params), self.h0)
            engine.run(h, z, x, np.broadcast_to(start, (B, self.n_rec)), noise)
        return h, outputs(z, self.output)

    def outputs(self, x: Any) -> Array:
        """The outputs z of `run` alone, without the memory that all states take."""
        x = self._inputs(x)
        T, B, _ = x.shape
        z = np.empty((T, B, self.n_out), self.dtype)
        with self.engine(T, B, recompute=OUTPUT_STEPS) as engine:
            engine.set_params(self.effective(self.params), self.h0)
            engine.run(None, z, x, np.broadcast_to(self.h0, (B, self.n_rec)), None)
        return outputs(z, self.output)

    def rates(self, h: Array) -> Array:
        """The rates of these states: phi(h) in the current form, the states themselves in the rate form."""
        return h if self.form == "rate" else phi(h, self.phi)

    def draw_noise(self, T: int, B: int, rng: np.random.Generator | int) -> Array:
        """State noise (T, B, N) for `run`: `noise_scale` times independent standard normals, sigma = `self.noise`.

        In the rate form it is added to the current inside phi, sqrt(2 tau/dt) sigma of it, in the current form to the state,
        sqrt(2 dt/tau) sigma. Both are (the former with a linear phi and drive="normalised") the Euler-Maruyama increment of
        tau dh/dt = .. + sqrt(2 tau) sigma xi(t), so that the effect does not depend on dt; a unit without weights then has the
        variance sigma^2 / (1 - dt/(2 tau)). With noise_shared_across_batch all trials have the same noise.
        """
        trials = 1 if self.noise_shared_across_batch else B
        drawn: Array = as_generator(rng).standard_normal((T, trials, self.n_rec), self.dtype)
        drawn *= self.noise_scale.astype(self.dtype)
        return np.ascontiguousarray(np.broadcast_to(drawn, (T, B, self.n_rec)))

    def loss_and_gradient(
        self, trials: Trials, *, noise: Any = None, truncate: int | None = None, recompute: int | None = None
    ) -> tuple[float, Params]:
        """The loss sum(mask (z - target)^2) / sum(mask), or the cross entropy, plus penalties (reference, 6 to 8, 14), and its
        gradient to `params`.

        truncate: None for the gradient; or a number of steps, for truncated back-propagation through time: the states at its
        multiples are taken for constants in the steps that follow, so that what lies further apart is left out
        (`minirnn.gradient_flow.truncation_bias` measures how much that is).
        recompute: None, or a number of steps: of the states only about every so-manieth is kept, and those between are computed
        again on the way back. That takes a second forward pass and little memory (least near the root of T), and changes no bit.
        """
        self.check(trials)
        for name, steps in (("truncate", truncate), ("recompute", recompute)):
            if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1):
                raise ValueError(f"{name} must be None or an integer of at least 1, got {steps!r}")
        T, B, _ = trials.x.shape
        given = self._noise(noise, T, B)
        store = Store.of(trials, self.dtype)
        gradient = Flat(self.params, self.dtype)
        with self.engine(T, B, truncate=truncate, recompute=recompute) as engine:

            def noise_of(chunk: int) -> Fill:
                rows = engine.rows(B, chunk)

                def fill(t0: int, out: Array) -> None:
                    assert given is not None
                    out[:, rows < 0] = 0.0
                    out[:, rows >= 0] = given[t0 : t0 + len(out), rows[rows >= 0]]

                return fill

            weights = self.effective(self.params)
            engine.set_params(weights, self.h0)
            loss = engine.loss_and_gradient(store, np.arange(B), gradient, weights, None if given is None else noise_of)
        if self.constraint is not None:
            self.constraint.adjoint(gradient.params, self.params)
        return loss, gradient.params

    def engine(
        self, T: int, batch: int, threads: int | None = 1, truncate: int | None = None, recompute: int | None = None
    ) -> Engine:
        """An engine of this network's shape and constants, without its weights."""
        return Engine(
            self.n_in, self.n_rec, self.n_out, T, batch, dtype=self.dtype, model=self.model, threads=threads,
            truncate=truncate or 0, recompute=recompute or 0,
        )  # fmt: skip

    def check(self, trials: Trials) -> None:
        """ValueError where the trials do not fit this network: sizes or dt."""
        if not isinstance(trials, Trials):
            raise TypeError(f"trials must be Trials, got {type(trials).__name__}")
        if trials.x.shape[2] != self.n_in:
            raise ValueError(f"x must be (T, B, {self.n_in}) for this network, got {trials.x.shape}")
        if trials.target.shape[2] != self.n_out:
            raise ValueError(f"target must be (T, B, {self.n_out}) for this network, got {trials.target.shape}")
        if trials.dt is not None and not math.isclose(trials.dt, self.dt, rel_tol=1e-9):
            raise ValueError(f"dt of the trials is {trials.dt:g} ms but the network's is {self.dt:g} ms")
        if self.output != "linear":
            counted = trials.target[np.broadcast_to(trials.weights() > 0, trials.target.shape)]
            if counted.min() < 0 or counted.max() > 1:
                raise ValueError(f"target must be in [0, 1] for a {self.output} output, got {counted.min():g} to {counted.max():g}")

    def _inputs(self, x: Any) -> Array:
        x = self._cast("x", x)
        if x.ndim != 3 or x.shape[2] != self.n_in or 0 in x.shape[:2]:
            raise ValueError(f"x must be (T, B, {self.n_in}) for this network, with T and B > 0, got {x.shape}")
        return x

    def _cast(self, name: str, value: Any) -> Array:
        with np.errstate(over="ignore"):
            return numeric(name, numeric(name, value).astype(self.dtype))

    def _noise(self, noise: Any, T: int, B: int) -> Array | None:
        if noise is None:
            return None
        noise = self._cast("noise", noise)
        if noise.shape != (T, B, self.n_rec):
            raise ValueError(f"noise must be ({T}, {B}, {self.n_rec}), got {noise.shape}")
        return noise

    # ---- where it is kept

    def save(self, path: files.PathLike) -> None:
        """Write everything that makes this network to an `.npz` file, in one piece; `Network.load` gives it back bit for bit."""
        files.write_npz(path, self.arrays())

    def arrays(self) -> dict[str, Any]:
        """What `save` writes: the effective arrays, constants and, under a sign constraint, the raw arrays V and its settings."""
        found: dict[str, Any] = {name: p for name, p in zip(Params._fields, self.weights, strict=True) if p is not None}
        found |= {name: getattr(self, name) for name in CONSTANTS}
        if self.dale is not None:
            found |= {raw: getattr(self.params, name) for raw, name in RAW.items()}
            found |= {f"dale_{name}": value for name, value in self.dale.settings().items()}
            if self.dale.excitatory is None:
                found["dale_unsigned"] = True
        return found

    @classmethod
    def load(cls, path: files.PathLike, *, initial: bool = False) -> "Network":
        """Read a network from `.npz`: one of `save`, or one of arrays alone, which is a rate, tanh, tau = dt = 1 network.

        A path that ends in .h5 or .hdf5 is read as a Keras full-model file (`minirnn.interop.read_keras`, extra `keras`).
        initial: read the untrained `W_in_initial`, .. that some published files hold beside the trained arrays; biases that
        have no initial value there start at 0, as in their authors' code. Other arrays in the file are ignored.
        ValueError, naming the file, where it does not hold a sound network.
        """
        if os.fspath(path).endswith((".h5", ".hdf5")):
            from .interop import read_keras  # which imports this module

            if initial:
                raise ValueError(f"{path}: a Keras file holds one set of weights; load that of the untrained network itself")
            return read_keras(path).network
        suffix = "_initial" if initial else ""
        dale_fields = tuple(f"dale_{name}" for name in (*Dale.__dataclass_fields__, "unsigned"))
        wanted = tuple(name + suffix for name in Params._fields) + Params._fields + CONSTANTS + tuple(RAW) + dale_fields
        found = files.read_npz(path, wanted)
        missing = [name + suffix for name in ("W_in", "W_rec", "W_out") if name + suffix not in found]
        if missing:
            raise ValueError(f"{path} does not hold a network: {', '.join(missing)} missing")
        arrays: dict[str, Any] = {name: found.get(name + suffix) for name in Params._fields}
        if initial:
            for name in ("b_rec", "b_out"):
                if arrays[name] is None and name in found:
                    arrays[name] = np.zeros_like(found[name])
        try:
            constants = {name: _constant(name, found[name]) for name in CONSTANTS if name in found}
            if any(name in found for name in (*RAW, *dale_fields)):
                if initial or not all(name in found for name in RAW):
                    raise ValueError("the raw arrays V_in, V_rec and V_out of its sign constraint are not all there")
                arrays |= {name: found[raw] for raw, name in RAW.items()}
                constants["dale"] = _dale({name[5:]: found[name] for name in dale_fields if name in found})
            return cls(**arrays, **constants)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} does not hold a sound network: {error}") from error


def _start(name: str, n: int, gain: float, dale: Dale | None, rng: np.random.Generator) -> Array:
    """W_rec (N, N) by the name of its start, before any sign constraint."""
    if name == "orthogonal":
        return initial.orthogonal(n, gain, rng)
    if name == "normal":
        return initial.normal(n, gain, rng)
    if name == "glorot_uniform":
        return initial.glorot_uniform(n, n, rng)
    if name == "sparse":
        return initial.sparse(n, 0.1, gain, rng)
    if name == "low_rank":
        return initial.low_rank(n, min(4, n), gain, rng)
    if name == "lognormal":
        return initial.lognormal(n, rng)
    if name == "scaled_normal":
        return initial.scaled_normal(n, rng)
    if name not in initial.RECURRENT:
        raise ValueError(f"recurrent must be one of {', '.join(initial.RECURRENT)}, got {name!r}")
    if dale is None or dale.excitatory is None:
        raise ValueError(f"recurrent={name!r} needs dale, which says which units are excitatory")
    if name == "two_gaussians":
        return initial.two_gaussians(dale.signs(n) > 0, gain, rng)
    connected = np.ones((n, n), bool) if dale.mask is None else dale.mask > 0
    if not dale.self_connections:
        connected = connected & ~np.eye(n, dtype=bool)
    excitatory = dale.signs(n) > 0
    return initial.gamma(excitatory, rng, mask=initial.balanced(excitatory, connected))


def _float_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}") from error
    if found not in _FLOATS:
        raise ValueError(f"dtype must be float32 or float64, got {found}")
    return found


def _constant(name: str, array: Array) -> Any:
    """A constant as it was given to `Network`: a number, a word or a truth value, or tau per unit."""
    if array.ndim == 0:
        return array.item()
    if name == "tau":
        return array
    raise ValueError(f"{name} must be a single value, got an array of shape {array.shape}")


def _dale(found: dict[str, Array]) -> Dale:
    """The sign constraint whose settings a file holds."""
    settings: dict[str, Any] = {name: value.item() if value.ndim == 0 else value for name, value in found.items()}
    if settings.pop("unsigned", False):
        settings["excitatory"] = None
    return Dale(**settings)
