"""Keras: full-model files of a SimpleRNN with a Dense readout, and Adam's moments in them.

Keras stores kernels for row vectors, h_t = tanh(x_t K + h_{t-1} U + b), z_t = h_t D + c: our weights (to, from) are the
transposes W_in = K^T, W_rec = U^T, W_out = D^T. Its arrays put the trial first, ours the time: `time_first`, `trial_first`.
"""

import json
import os
from typing import Any, NamedTuple

import numpy as np

from ..files import LARGEST_ARRAY, PathLike
from ..network import Network
from ..optimizer import Adam, OptimizerState
from ..reference import Params

Array = np.ndarray[Any, Any]


class KerasModel(NamedTuple):
    """What a Keras full-model file holds of a SimpleRNN with a Dense readout; None where the file does not say."""

    network: Network
    optimizer: Adam | None
    state: OptimizerState | None  # for `train(.., state=..)`
    version: str


def read_keras(path: PathLike) -> KerasModel:
    """Read a full-model HDF5 file of Keras 2.0, 2.3 or 3: SimpleRNN (tanh), then Dense (linear).

    The network has tau = dt = 1 and the file's dtype, float32. Where the file holds Adam's moments and settings, training
    goes on from them with `train(model.network, .., optimizer=model.optimizer, state=model.state)`.
    ImportError where h5py, the extra `keras`, is absent; ValueError, naming the file, where it does not hold such a model.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError('reading Keras files needs h5py: pip install "minirnn[keras]"') from error
    try:
        with h5py.File(path, "r") as file:
            return _model(file)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)} can not be read as a Keras model: {error}") from error


def _model(file: Any) -> KerasModel:
    recurrent, dense = _layers(file)
    config = _json(file.attrs.get("model_config"))
    _check_layers(config)
    missing = [name for name in ("kernel", "recurrent_kernel") if name not in recurrent]
    missing += ["dense kernel"] if "kernel" not in dense else []
    if missing:
        raise ValueError(f"it holds no array {', '.join(missing)}; an untrained Keras 3 model that was never built has none")
    network = Network(
        recurrent["kernel"].T, recurrent["recurrent_kernel"].T, dense["kernel"].T, recurrent.get("bias"), dense.get("bias")
    )
    training = _json(file.attrs.get("training_config"))
    settings = training.get("optimizer_config", {})
    version = _text(file.attrs.get("keras_version", "unknown"))
    optimizer = _adam(settings.get("config", {}), version) if settings.get("class_name") == "Adam" else None
    state = _moments(_own(file, "optimizer_weights"), network) if optimizer is not None and "optimizer_weights" in file else None
    return KerasModel(network, optimizer, state, version)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _json(value: Any) -> dict[str, Any]:
    """A JSON attribute as a dict, empty where it is absent."""
    if value is None:
        return {}
    found = json.loads(_text(value))
    if not isinstance(found, dict):
        raise ValueError("its configuration is not a JSON object")
    return found


def _own(group: Any, name: str) -> Any:
    """A member that is in this file itself: a link to another file, or elsewhere in this one, is not followed."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} is a link, which is not followed")
    return group[name]


def _datasets(group: Any) -> dict[str, Any]:
    """All datasets below a group, not read yet, by their path without ":0"."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:  # follows no links
        if isinstance(item, h5py.Dataset):
            found[name.removesuffix(":0")] = item

    group.visititems(visit)
    return found


def _read(dataset: Any) -> Array:
    """The array, or a ValueError before an absurd one is read."""
    if dataset.dtype.kind not in "fiu":
        raise ValueError(f"{dataset.name} has dtype {dataset.dtype}")
    if dataset.size * dataset.dtype.itemsize > LARGEST_ARRAY:
        raise ValueError(f"{dataset.name} claims a shape of {dataset.shape}, more than any network here")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{dataset.name} is kept in another file, which is not followed")
    return np.asarray(dataset[()])


def _layers(file: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays of the recurrent layer and of the one whose name contains "dense"."""
    import h5py

    if "model_weights" not in file:
        raise ValueError("it has no group model_weights")
    weights = _own(file, "model_weights")
    if not isinstance(weights, h5py.Group):
        raise ValueError("its model_weights is not a group")
    recurrent: dict[str, Array] = {}
    dense: dict[str, Array] = {}
    for layer in weights:
        group = _own(weights, layer)
        if not isinstance(group, h5py.Group):
            continue
        into, kind = (dense, "dense") if "dense" in layer else (recurrent, "recurrent")
        for path, dataset in _datasets(group).items():
            name = path.split("/")[-1]
            if name not in ("kernel", "recurrent_kernel", "bias"):
                continue
            if name in into:
                raise ValueError(f"it has more than one {kind} layer")
            into[name] = _read(dataset)
    return recurrent, dense


def _check_layers(config: dict[str, Any]) -> None:
    """ValueError where the model is not SimpleRNN with tanh and Dense without an activation."""
    layers = config.get("config", [])
    layers = layers.get("layers", []) if isinstance(layers, dict) else layers
    for layer in layers:
        kind, settings = layer.get("class_name"), layer.get("config", {})
        if kind == "SimpleRNN":
            if settings.get("activation") != "tanh":
                raise ValueError(f"its SimpleRNN has the activation {settings.get('activation')!r}, not tanh")
        elif kind == "Dense":
            if settings.get("activation") != "linear":
                raise ValueError(f"its Dense layer has the activation {settings.get('activation')!r}, not linear")
        elif kind != "InputLayer":
            raise ValueError(f"it has a layer of the kind {kind!r}; only SimpleRNN and Dense can be read")


def _adam(config: dict[str, Any], version: str) -> Adam:
    """Adam with the file's settings; Keras 2.0 calls the rate lr, and up to 2.3 clips by the global norm."""
    lr = config.get("learning_rate", config.get("lr", 1e-3))
    if not isinstance(lr, int | float):
        raise ValueError("its learning rate is a schedule, which can not be read")
    early = version.split(".")[0] in ("1", "2") and not version.startswith(tuple(f"2.{minor}." for minor in range(4, 20)))
    clip, clip_scope = config.get("clipnorm"), "global" if early else "per_array"
    if config.get("global_clipnorm") is not None:
        clip, clip_scope = config["global_clipnorm"], "global"
    eps = config.get("epsilon")
    return Adam(
        lr=float(lr), beta1=float(config.get("beta_1", 0.9)), beta2=float(config.get("beta_2", 0.999)),
        eps=1e-7 if eps is None else float(eps), decay=float(config.get("decay") or 0.0), clip=clip,
        clip_scope="global" if clip_scope == "global" else "per_array",
    )  # fmt: skip


def _moments(group: Any, network: Network) -> OptimizerState | None:
    """Adam's m and v: numbered in the order of the weights (Keras 2), or named by them (Keras 3); None where there are none."""
    found = {path.split("/")[-1]: dataset for path, dataset in _datasets(group).items()}
    order = [name for name in ("W_in", "W_rec", "b_rec", "W_out", "b_out") if getattr(network.params, name) is not None]
    n = len(order)
    if "m_0" in found:  # Keras 2.3
        m, v = ([found.get(f"{letter}_{k}") for k in range(n)] for letter in "mv")
    elif "Variable" in found:  # Keras 2.0: all m, then all v
        numbered = [found.get(f"Variable_{k}" if k else "Variable") for k in range(2 * n)]
        m, v = numbered[:n], numbered[n:]
    elif any(name.endswith("_momentum") for name in found):  # Keras 3
        endings = {
            "W_in": "cell_kernel", "W_rec": "recurrent_kernel", "b_rec": "cell_bias", "W_out": "dense_kernel", "b_out": "dense_bias"
        }  # fmt: skip
        m, v = (
            [next((d for key, d in found.items() if key.endswith(f"{endings[name]}_{kind}")), None) for name in order]
            for kind in ("momentum", "velocity")
        )
    else:
        return None
    counts = [dataset for name, dataset in found.items() if name in ("iterations", "iteration")]
    if len(counts) != 1 or counts[0].shape != ():
        raise ValueError("its optimiser does not say how many updates were done")
    moments = []
    for datasets in (m, v):
        params = Params(None, None, None, None, None, None)  # type: ignore[arg-type]
        for name, dataset in zip(order, datasets, strict=True):
            array = None if dataset is None else _read(dataset)
            if array is None or array.shape != getattr(network.params, name).T.shape or not np.isfinite(array).all():
                raise ValueError(f"its optimiser's moments do not fit the weights {name}")
            params = params._replace(**{name: np.ascontiguousarray(array.T.astype(network.dtype))})
        moments.append(params)
    return OptimizerState(moments[0], moments[1], int(_read(counts[0])))
