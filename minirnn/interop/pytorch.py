"""PyTorch: the weights of an nn.RNN with an nn.Linear readout.

One layer of nn.RNN, h_t = phi(weight_ih_l0 x_t + bias_ih_l0 + weight_hh_l0 h_{t-1} + bias_hh_l0), z_t = weight h_t + bias, is
our rate form with leak 1. Weights are (to, from), as here. torch is not imported: a tensor is what has `detach`.
Source: pytorch/pytorch, torch/nn/modules/rnn.py (RNN, RNNBase) and linear.py.
"""

import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from .. import files
from ..network import Network
from ..trials import numeric

Array = np.ndarray[Any, Any]

_NEEDED = ("weight_ih_l0", "weight_hh_l0", "weight")
_NAMES = (*_NEEDED, "bias_ih_l0", "bias_hh_l0", "bias")
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def read_state_dict(arrays: Mapping[str, Any] | files.PathLike, *, phi: Literal["tanh", "relu"], dt: float = 1.0) -> Network:
    """The network of a module that holds one nn.RNN, of one layer and one direction, and one nn.Linear.

    arrays: its state dict, of tensors or arrays, or the path of an `.npz` file of the same. Names are weight_ih_l0 (N, I),
    weight_hh_l0 (N, N), weight (O, N), and bias_ih_l0, bias_hh_l0 (N,) and bias (O,) where there are biases, after any prefix
    that ends in a dot, each once. phi: the nonlinearity of nn.RNN, which a state dict does not tell ("tanh" is its default).
    dt: a step in ms; tau is the same. The two recurrent biases are added up, h0 is 0. Other entries are ignored, unless they are
    weights or biases: of a second layer, a second direction, a projection.

    TypeError or ValueError, naming the entry, or the file, where it does not hold such weights.
    """
    if phi not in ("tanh", "relu"):
        raise ValueError(f'phi must be "tanh" or "relu", got {phi!r}')
    if isinstance(arrays, Mapping):
        return _network(arrays, phi, dt)
    if not isinstance(arrays, str | os.PathLike):
        raise TypeError(f"arrays must be a state dict or the path of an .npz file, got {type(arrays).__name__}")
    if os.fspath(arrays).endswith((".pt", ".pth")):
        raise ValueError(f"{os.fspath(arrays)} is a pickle, not read here: give the dict of torch.load(.., weights_only=True)")
    found = files.read_npz(arrays)
    try:
        return _network(found, phi, dt)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(arrays)} does not hold such a state dict: {error}") from error


def _network(arrays: Mapping[str, Any], phi: str, dt: float) -> Network:
    keys: dict[str, str] = {}
    for key in arrays:
        name = str(key).rpartition(".")[2]
        if name in keys:
            raise ValueError(f"{keys[name]} and {key} are two entries {name}: one nn.RNN and one nn.Linear can be read")
        if name in _NAMES:
            keys[name] = key
        elif name.startswith(("weight", "bias")):
            raise ValueError(f"{key} is no part of one nn.RNN, of one layer and one direction, and one nn.Linear")
    missing = [name for name in _NEEDED if name not in keys]
    if ("bias_ih_l0" in keys) != ("bias_hh_l0" in keys):
        missing += [name for name in ("bias_ih_l0", "bias_hh_l0") if name not in keys]
    if missing:
        raise ValueError(f"it holds no entry {', '.join(missing)}")
    found = {name: _array(key, arrays[key]) for name, key in keys.items()}

    W_rec = found["weight_hh_l0"]
    if W_rec.ndim != 2 or W_rec.shape[0] != W_rec.shape[1]:
        raise ValueError(f"{keys['weight_hh_l0']} must be (N, N), got {W_rec.shape}; nn.LSTM and nn.GRU can not be read")
    N, O = len(W_rec), len(found["weight"]) if found["weight"].ndim else 0
    shapes: dict[str, tuple[tuple[int | None, ...], str]] = {
        "weight_ih_l0": ((N, None), f"({N}, I)"), "weight": ((None, N), f"(O, {N})"), "bias_ih_l0": ((N,), f"({N},)"),
        "bias_hh_l0": ((N,), f"({N},)"), "bias": ((O,), f"({O},)"),
    }  # fmt: skip
    for name, (shape, meaning) in shapes.items():
        if name not in found:
            continue
        got = found[name].shape
        if len(got) != len(shape) or any(want not in (None, side) for want, side in zip(shape, got, strict=True)):
            raise ValueError(f"{keys[name]} must be {meaning}, got {got}")
    for name, array in found.items():
        if array.dtype != W_rec.dtype:
            raise TypeError(f"{keys[name]} is {array.dtype} but {keys['weight_hh_l0']} is {W_rec.dtype}")
    b_rec = found["bias_ih_l0"] + found["bias_hh_l0"] if "bias_ih_l0" in found else None
    return Network(found["weight_ih_l0"], W_rec, found["weight"], b_rec, found.get("bias"), phi=phi, tau=dt, dt=dt)


def _array(key: str, value: Any) -> Array:
    """A tensor or array as an array of float32 or float64, or an error that names the entry."""
    try:
        array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # such as bfloat16, which NumPy does not know, or a ragged list
        raise TypeError(f"{key} can not be read as an array: {error}") from error
    if array.dtype not in _FLOATS:
        raise TypeError(f"{key} must be float32 or float64, got dtype {array.dtype}")
    return numeric(key, array)


def write_state_dict(net: Network, *, rnn: str = "rnn.", linear: str = "linear.") -> dict[str, Array]:
    """The state dict of an nn.RNN and an nn.Linear that do what this network does, of arrays; see `read_state_dict`.

    rnn, linear: what the names start with, for a module with `self.rnn` and `self.linear`; "" for none. It is loaded by
    `module.load_state_dict({key: torch.from_numpy(array) for key, array in ..})`. The arrays are copies of `net.weights`, those
    that act. bias_hh_l0 is 0; where the network has no bias there is no entry, as with `bias=False`. State noise, penalties and
    sign constraints are not in a state dict.

    ValueError where nn.RNN can not do the same: form other than "rate", leak or gain other than 1, phi other than tanh and relu,
    an output that is not linear, an h0 other than 0, which nn.RNN takes beside its input.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    if net.form != "rate":
        raise ValueError(f'form must be "rate" for nn.RNN, got {net.form!r}')
    if net.phi not in ("tanh", "relu"):
        raise ValueError(f'phi must be "tanh" or "relu" for nn.RNN, got {net.phi!r}')
    if (net.leak != 1).any() or (net.gain != 1).any():
        raise ValueError(f"leak and gain must be 1 for nn.RNN, got dt/tau = {net.leak.min():g} and gain {net.gain.min():g}")
    output = net.constants.get("output", "linear")
    if output != "linear":
        raise ValueError(f'output must be "linear" for nn.Linear, got {output!r}')
    if net.h0.any():
        raise ValueError("h0 must be 0: nn.RNN takes its start beside the input; write a copy with h0 = 0 and give it net.h0")
    W_in, W_rec, W_out, b_rec, b_out, _ = net.weights
    found = {f"{rnn}weight_ih_l0": W_in.copy(), f"{rnn}weight_hh_l0": W_rec.copy()}
    if b_rec is not None:
        found |= {f"{rnn}bias_ih_l0": b_rec.copy(), f"{rnn}bias_hh_l0": np.zeros_like(b_rec)}
    found[f"{linear}weight"] = W_out.copy()
    if b_out is not None:
        found[f"{linear}bias"] = b_out.copy()
    return found
