"""A checkpoint folder: the state of a training run after each epoch, from which it goes on to the same bits.

    run.json          settings, run_seed and package versions, written first
    epoch_0000.npz    the untrained network, epoch_0001.npz after the first epoch, ..
    finished.json     why training ended, written last
    lock              held, through the operating system, by the process that trains

An epoch's file holds the network as `Network.save` writes it (so `Network.load` reads it), the moments `m_W_in`, `v_W_in`, ..,
`updates`, and `history`, a row per epoch. No generator state: randomness is counted from run_seed. All files are written
whole or not at all, so a process that is killed at any instant loses its running epoch at most.
"""

import hashlib
import re
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import files
from .network import Network
from .optimizer import OptimizerState
from .reference import Params

Array = np.ndarray[Any, Any]


class Epoch(NamedTuple):
    """What an epoch's file holds."""

    network: Network
    state: OptimizerState
    history: Array  # (epochs, columns)


def digest(*arrays: Any) -> str:
    """A short fingerprint of arrays (or None), their dtypes and shapes."""
    sha = hashlib.sha256()
    for array in arrays:
        if array is None:
            sha.update(b"none")
            continue
        array = np.ascontiguousarray(array)
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()[:16]


def read_epoch(path: files.PathLike) -> Epoch:
    """The network, optimiser state and history of an epoch's file; ValueError, naming the file, if it is not sound."""
    network = Network.load(path)
    found = files.read_npz(path)
    moments: list[Params] = []
    for letter in "mv":
        arrays = [found.get(f"{letter}_{name}") for name in Params._fields]
        for name, array, p in zip(Params._fields, arrays, network.params, strict=True):
            sound = array is None if p is None else array is not None and array.shape == p.shape and array.dtype == p.dtype
            if not sound or (array is not None and not np.isfinite(array).all()):
                raise ValueError(f"{path} is not a sound checkpoint: {letter}_{name} does not fit {name}")
        moments.append(Params(*arrays))  # type: ignore[arg-type]
    updates, history = found.get("updates"), found.get("history")
    if updates is None or updates.shape != () or updates.dtype.kind not in "iu" or updates < 0:
        raise ValueError(f"{path} is not a sound checkpoint: updates must be a count")
    if history is None or history.ndim != 2 or history.dtype != np.float64:
        raise ValueError(f"{path} is not a sound checkpoint: history must be (epochs, columns)")
    return Epoch(network, OptimizerState(moments[0], moments[1], int(updates)), history)


def discard(path: files.PathLike) -> None:
    """Delete the files of a checkpoint folder, and no others; BlockingIOError while another process trains in it."""
    path = Path(path)
    if not path.is_dir():
        return
    with _locked(path):
        for name in ("finished.json", "run.json", "epoch_*.npz", ".*.part"):
            for file in path.glob(name):
                file.unlink()


def _locked(path: Path) -> Any:
    """The folder's lock, taken: held until it is released, its `with` block ends or the process dies."""
    import filelock

    lock = filelock.FileLock(path / "lock")
    try:
        return lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise BlockingIOError(f"checkpoint {path} is in use: another process trains in this folder") from error


class Folder:
    """A checkpoint folder that this process holds, between `with` and its end."""

    def __init__(self, path: files.PathLike, settings: dict[str, Any], run_seed: int) -> None:
        self.path = Path(path)
        self.settings, self.run_seed = settings, run_seed
        self.held = ExitStack()

    def __enter__(self) -> "Folder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise ValueError(f"checkpoint {self.path} is a file, not a folder") from error
        with ExitStack() as stack:
            stack.enter_context(_locked(self.path))
            self._claim()
            self.held = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    def _claim(self) -> None:
        """Compare with the run that is there, or write down the new one."""
        for left_over in self.path.glob(".*.part"):  # of a process that was killed while it wrote
            left_over.unlink()
        from importlib.metadata import version  # here: it takes a tenth of the time of `import minirnn`

        versions = {name: version(name) for name in ("minirnn", "numpy", "scipy", "numba")}
        now = self.settings | {"run_seed, drawn from rng,": f"{self.run_seed:032x}"}
        if not (self.path / "run.json").exists():
            if self.epochs():
                raise ValueError(f"checkpoint {self.path} holds epochs but no run.json, which says whose they are")
            files.write_json(self.path / "run.json", {"settings": now, "versions": versions})
            return
        found = files.read_json(self.path / "run.json")
        before = found.get("settings") if isinstance(found, dict) else None
        if not isinstance(before, dict):
            raise ValueError(f"{self.path / 'run.json'} does not hold the settings of a run")
        differing = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
        if differing:
            told = "; ".join(f"{name} was {before.get(name)}, now {now.get(name)}" for name in differing)
            raise ValueError(f"checkpoint {self.path} belongs to another run: {told}")
        if found.get("versions") != versions:
            warnings.warn(
                f"checkpoint {self.path} was begun with {found.get('versions')}, now {versions}: the bits may differ from those "
                "of a run that was not interrupted",
                RuntimeWarning,
                stacklevel=4,
            )

    def epochs(self) -> list[int]:
        """The epochs that have a file."""
        names = (re.fullmatch(r"epoch_(\d{4,})\.npz", path.name) for path in self.path.iterdir())
        return sorted(int(match[1]) for match in names if match)

    def file(self, epoch: int) -> Path:
        """Where an epoch is kept."""
        return self.path / f"epoch_{epoch:04d}.npz"

    def write(self, epoch: int, network: Network, state: OptimizerState, history: Array) -> None:
        """Keep an epoch."""
        arrays: dict[str, Any] = {"updates": np.int64(state.updates), "history": history}
        for letter, moments in (("m", state.m), ("v", state.v)):
            arrays |= {f"{letter}_{name}": p for name, p in zip(Params._fields, moments, strict=True) if p is not None}
        try:
            files.write_npz(self.file(epoch), network.arrays() | arrays)
        except OSError as error:
            kept = self.epochs()
            there = f"the run can go on from epoch {kept[-1]}" if kept else "nothing is kept yet"
            raise OSError(error.errno, f"epoch {epoch} could not be kept, {error.strerror}; {there}", str(self.path)) from error

    def newest(self) -> tuple[int, Epoch] | None:
        """The last complete epoch, if there is one."""
        epochs = self.epochs()
        return (epochs[-1], read_epoch(self.file(epochs[-1]))) if epochs else None

    def finished(self) -> str | None:
        """Why training ended, or None where it has not."""
        path = self.path / "finished.json"
        if not path.exists():
            return None
        found = files.read_json(path)
        if not isinstance(found, dict) or not isinstance(found.get("stopped"), str):
            raise ValueError(f"{path} does not say why training ended")
        return str(found["stopped"])

    def finish(self, stopped: str) -> None:
        """Note that training has ended."""
        files.write_json(self.path / "finished.json", {"stopped": stopped})
