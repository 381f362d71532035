"""Files: written whole or not at all, read without pickle, with an error that says what is wrong."""

import json
import lzma
import math
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]
PathLike = str | os.PathLike[str]

LARGEST_ARRAY = 2**30  # bytes; a network of 16,000 units in float32 has fewer


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


def read_json(path: PathLike) -> Any:
    """The content of a JSON file; ValueError, naming it, where it is not JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)} can not be read as JSON: {error}") from error


def read_npz(path: PathLike, names: tuple[str, ...] | None = None) -> dict[str, Array]:
    """The arrays of an `.npz` file, all or those of `names` that are there; others are not even unpacked.

    FileNotFoundError where there is no file; ValueError, naming the file, where it is not a sound `.npz` of plain arrays, or
    one of them would unpack to more than LARGEST_ARRAY bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            wanted = [name for name in members if names is None or name in names]
            return {name: _read_member(archive, name, members[name]) for name in wanted}
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (
        OSError, ValueError, EOFError, KeyError, MemoryError, NotImplementedError, RuntimeError, RecursionError, SyntaxError,
        UnicodeError, struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    ) as error:  # fmt: skip
        raise ValueError(f"{os.fspath(path)} can not be read as an .npz file: {error}") from error


def _read_member(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Array:
    """One array, after its header was held against the size that the archive tells."""
    if info.file_size > LARGEST_ARRAY:
        raise ValueError(f"{name} would unpack to {info.file_size} bytes, more than any array here")
    with archive.open(info) as file:
        major, _ = np.lib.format.read_magic(file)
        if major not in (1, 2):
            raise ValueError(f"{name} has an unknown format version, {major}")
        read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise ValueError(f"{name} has dtype object, which is not read: it could run code")
        if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize > info.file_size:
            raise ValueError(f"{name} claims a shape of {shape}, more than its {info.file_size} bytes hold")
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
