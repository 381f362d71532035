"""Files: written whole or not at all, read without pickle, with an error that says what is wrong."""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]
PathLike = str | os.PathLike[str]


def write_atomically(path: PathLike, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file in the same folder, then put it in the place of `path`; on failure nothing changes."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # mkstemp's file is private; the result gets the rights of any new file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_npz(path: PathLike, arrays: dict[str, Any]) -> None:
    """An uncompressed `.npz` of these arrays."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"{name} has dtype object, which a file without pickle can not hold")
    write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def write_json(path: PathLike, content: Any) -> None:
    """Indented JSON; NaN and infinity are refused, since JSON has neither."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def read_npz(path: PathLike, names: tuple[str, ...] | None = None) -> dict[str, Array]:
    """The arrays of an `.npz` file, all or those of `names` that are there; others are not even unpacked.

    FileNotFoundError where there is no file; ValueError, naming the file, where it is not a sound `.npz` of plain arrays.
    """
    try:
        with open(path, "rb") as handle:
            file = np.load(handle, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array, not a set of named ones")
            return {name: file[name] for name in file.files if names is None or name in names}
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (OSError, ValueError, EOFError, KeyError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{os.fspath(path)} can not be read as an .npz file: {error}") from error
