"""`Network`: the weights and constants of one recurrent network, checked; runs and differentiates it through the engine.

The equations are in `minirnn.reference` (plain) and `minirnn.kernels.rate` (fast).
"""

import math
import os
from typing import Any, Literal

import numpy as np

from . import files, initial
from .engine import Engine, Flat, Store
from .randomness import as_generator
from .reference import ACTIVATIONS, Params
from .trials import Trials, numeric

Array = np.ndarray[Any, Any]

CONSTANTS = ("form", "phi", "tau", "dt", "drive", "noise", "train_h0", "rate_penalty", "l2")  # what a file keeps beside the arrays
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
    arithmetic. b_rec (N,), b_out (O,): biases, None where there is none. h0 (N,): initial state, zeros by default, trained
    with `train_h0`. form: "rate", tau dh/dt = -h + phi(W_rec h + W_in x + b_rec). phi: tanh, relu, sigmoid, softplus or linear.
    tau: time constant in ms, a number or one per unit; dt: Euler step in ms, at most tau. drive: "normalised",
    h <- (1 - dt/tau) h + (dt/tau) phi(a), or "literal", h <- (1 - dt/tau) h + dt phi(a), as arXiv 1906.01094 eq. 5 prints it.
    noise: sigma of the state noise, see `draw_noise`. rate_penalty and l2: weights of mean(h^2) and of the sum of squared
    weights (not biases) in the loss.

    ValueError or TypeError, naming the argument, for whatever does not fit.
    """

    def __init__(
        self, W_in: Any, W_rec: Any, W_out: Any, b_rec: Any = None, b_out: Any = None, h0: Any = None, *,
        form: Literal["rate"] = "rate", phi: str = "tanh", tau: Any = 1.0, dt: float = 1.0,
        drive: Literal["normalised", "literal"] = "normalised", noise: float = 0.0, train_h0: bool = False,
        rate_penalty: float = 0.0, l2: float = 0.0,
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

        if form != "rate":
            raise ValueError(f'form must be "rate", got {form!r}')
        if phi not in ACTIVATIONS:
            raise ValueError(f"phi must be one of {', '.join(ACTIVATIONS)}, got {phi!r}")
        if drive not in ("normalised", "literal"):
            raise ValueError(f'drive must be "normalised" or "literal", got {drive!r}')
        self.form, self.phi, self.drive = form, phi, drive
        self.dt = _positive("dt", dt)
        tau_array = numeric("tau", tau).astype(np.float64)
        if tau_array.shape not in ((), (N,)):
            raise ValueError(f"tau must be a number or ({N},), got {tau_array.shape}")
        if (tau_array < self.dt).any():
            raise ValueError(f"tau must be at least dt = {self.dt:g} ms, got {tau_array.min():g}")
        self.tau: float | Array = float(tau_array) if tau_array.ndim == 0 else tau_array.copy()
        self.noise = _not_negative("noise", noise)
        self.rate_penalty = _not_negative("rate_penalty", rate_penalty)
        self.l2 = _not_negative("l2", l2)
        self.train_h0 = bool(train_h0)

    # ---- what it is

    @classmethod
    def random(
        cls, n_in: int, n_rec: int, n_out: int, *, recurrent: str = "orthogonal", gain: float = 1.0,
        b_rec: bool = False, b_out: bool = True, dtype: Any = "float32", rng: np.random.Generator | int, **constants: Any,
    ) -> "Network":  # fmt: skip
        """An untrained network as in arXiv 1906.01094: W_in and W_out glorot uniform, biases 0.

        recurrent: "orthogonal" (gain times a random rotation or reflection) or "normal" (entries N(0, gain^2 / N)).
        b_rec, b_out: whether there are such biases. `constants` are the keyword arguments of `Network`.
        """
        for name, size in (("n_in", n_in), ("n_rec", n_rec), ("n_out", n_out)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < (0 if name == "n_in" else 1):
                raise ValueError(f"{name} must be a positive integer, got {size!r}")
        if recurrent not in initial.RECURRENT:
            raise ValueError(f"recurrent must be one of {', '.join(initial.RECURRENT)}, got {recurrent!r}")
        dtype = _float_dtype(dtype)
        rng = as_generator(rng)
        start = initial.orthogonal if recurrent == "orthogonal" else initial.normal
        W_in = initial.glorot_uniform(n_rec, n_in, rng)
        W_rec = start(n_rec, float(gain), rng)
        W_out = initial.glorot_uniform(n_out, n_rec, rng)
        return cls(
            W_in.astype(dtype), W_rec.astype(dtype), W_out.astype(dtype),
            np.zeros(n_rec, dtype) if b_rec else None, np.zeros(n_out, dtype) if b_out else None, **constants,
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
        """The trained arrays themselves, not copies; None where absent or not trained."""
        return Params(self._W_in, self._W_rec, self._W_out, self._b_rec, self._b_out, self.h0 if self.train_h0 else None)

    @property
    def weights(self) -> Params:
        """The arrays that act, h0 always among them."""
        return Params(self._W_in, self._W_rec, self._W_out, self._b_rec, self._b_out, self.h0)

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
        return {name: getattr(self, name) for name in CONSTANTS}

    def __repr__(self) -> str:
        tau = f"{self.tau:g}" if isinstance(self.tau, float) else f"{self.tau.min():g}..{self.tau.max():g}"
        bias = " + b_rec" if self._b_rec is not None else ""
        gain = "" if self.drive == "normalised" else " tau"
        count = sum(p.size for p in self.params if p is not None)
        return (
            f"Network(tau dh/dt = -h +{gain} {self.phi}(W_rec h + W_in x{bias}), "
            f"{self.n_in} -> {self.n_rec} -> {self.n_out}, tau {tau} ms, dt {self.dt:g} ms, {self.dtype}, {count} parameters)"
        )

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
        return self.with_params(Params(*[None if p is None else p.astype(dtype) for p in self.weights]))  # type: ignore[arg-type]

    # ---- what it does

    def run(self, x: Any, *, h0: Any = None, noise: Any = None) -> tuple[Array, Array]:
        """States h (T+1, B, N), h[0] the initial one, and outputs z (T, B, O) for the inputs x (T, B, I).

        h0: (N,) or (B, N) instead of the network's own. noise: (T, B, N), already scaled, added to the current inside phi;
        None for none, whatever `self.noise` is.
        """
        x = self._cast("x", x)
        if x.ndim != 3 or x.shape[2] != self.n_in or 0 in x.shape[:2]:
            raise ValueError(f"x must be (T, B, {self.n_in}) for this network, with T and B > 0, got {x.shape}")
        T, B, _ = x.shape
        start = self.h0 if h0 is None else self._cast("h0", h0)
        if start.shape not in ((self.n_rec,), (B, self.n_rec)):
            raise ValueError(f"h0 must be ({self.n_rec},) or ({B}, {self.n_rec}), got {start.shape}")
        noise = self._noise(noise, T, B)
        h = np.empty((T + 1, B, self.n_rec), self.dtype)
        z = np.empty((T, B, self.n_out), self.dtype)
        with self.engine(T, B) as engine:
            engine.set_params(self.params, self.h0)
            engine.run(h, z, x, np.broadcast_to(start, (B, self.n_rec)), noise)
        return h, z

    def rates(self, h: Array) -> Array:
        """The rates of these states: in the rate form the states themselves."""
        return h

    def draw_noise(self, T: int, B: int, rng: np.random.Generator | int) -> Array:
        """State noise (T, B, N) for `run`: sqrt(2 tau/dt) sigma times independent standard normals, sigma = `self.noise`.

        Added to the current inside phi, it becomes (with a linear phi and drive="normalised") the Euler-Maruyama increment
        sqrt(2 dt/tau) sigma of tau dh/dt = .. + sqrt(2 tau) sigma xi(t), so that its effect does not depend on dt; a unit
        without weights then has the variance sigma^2 / (1 - dt/(2 tau)).
        """
        scale = (self.noise * np.sqrt(2.0 / self.leak)).astype(self.dtype)
        noise: Array = as_generator(rng).standard_normal((T, B, self.n_rec), self.dtype)
        noise *= scale
        return noise

    def loss_and_gradient(self, trials: Trials, *, noise: Any = None, truncate: int | None = None) -> tuple[float, Params]:
        """The loss sum(mask (z - target)^2) / sum(mask) plus penalties (reference, 6 to 8), and its gradient.

        truncate: None for the gradient; or a number of steps, for truncated back-propagation through time: the states at its
        multiples are taken for constants in the steps that follow, so that what lies further apart is left out
        (`minirnn.gradient_flow.truncation_bias` measures how much that is).
        """
        self.check(trials)
        if truncate is not None and (isinstance(truncate, bool) or not isinstance(truncate, int | np.integer) or truncate < 1):
            raise ValueError(f"truncate must be None or an integer of at least 1, got {truncate!r}")
        T, B, _ = trials.x.shape
        given = self._noise(noise, T, B)
        store = Store.of(trials, self.dtype)
        gradient = Flat(self.params, self.dtype)
        with self.engine(T, B, truncate=truncate) as engine:

            def noise_of(chunk: int, shape: tuple[int, int, int]) -> Array:
                assert given is not None
                rows = engine.rows(B, chunk)
                part = np.zeros(shape, self.dtype)
                part[:, rows >= 0] = given[:, rows[rows >= 0]]
                return part

            engine.set_params(self.params, self.h0)
            loss = engine.loss_and_gradient(store, np.arange(B), gradient, self.params, None if given is None else noise_of)
        return loss, gradient.params

    def engine(self, T: int, batch: int, threads: int | None = 1, truncate: int | None = None) -> Engine:
        """An engine of this network's shape and constants, without its weights."""
        return Engine(
            self.n_in, self.n_rec, self.n_out, T, batch, dtype=self.dtype, leak=self.leak, gain=self.gain, phi=self.phi,
            threads=threads, rate_penalty=self.rate_penalty, l2=self.l2, truncate=truncate or 0,
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
        """What `save` writes: the arrays and constants by name."""
        return {name: p for name, p in zip(Params._fields, self.weights, strict=True) if p is not None} | self.constants

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
        wanted = tuple(name + suffix for name in Params._fields) + Params._fields + CONSTANTS
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
            return cls(**arrays, **{name: _constant(name, found[name]) for name in CONSTANTS if name in found})
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} does not hold a sound network: {error}") from error


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
