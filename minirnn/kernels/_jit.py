"""`kernel(fastmath=...)`: numba's `njit` with the GIL released and a disk cache that never stops an import.

numba looks for a cache folder beside the file, then in the user's own cache folder, and raises RuntimeError when it may write
to neither. Then a private temporary folder is used, and failing that the kernels are compiled anew in each process.
The options that change the machine code are named in each kernel file, because numba's cache watches only that file.
"""

import os
import stat
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numba
from numba import njit


def private_folder() -> str | None:
    """A temporary folder that belongs to this user alone (cached machine code is trusted when loaded), or None."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    path = os.path.join(tempfile.gettempdir(), f"minirnn-kernels-{user}")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        return None
    return path


def kernel(fastmath: set[str], forceinline: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: compile with these fastmath flags, cached on disk wherever a folder can be had.

    forceinline: part of whatever loop calls it, so that the loop is vectorised however long it is.
    """

    def compiled(function: Callable[..., Any], cache: bool) -> Any:
        return njit(cache=cache, nogil=True, error_model="numpy", fastmath=fastmath, forceinline=forceinline)(function)

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return compiled(function, cache=True)
        except RuntimeError:
            folder = private_folder()
        if folder is not None:
            setattr(numba.config, "CACHE_DIR", folder)  # noqa: B010  numba makes its settings at run time
            try:
                result = compiled(function, cache=True)
                warnings.warn(f"minirnn's compiled kernels are kept in {folder}", RuntimeWarning, stacklevel=2)
                return result
            except RuntimeError:
                pass
        warnings.warn(
            "no folder can hold minirnn's compiled kernels: they are compiled anew in each process "
            "(set NUMBA_CACHE_DIR to a writable folder)",
            RuntimeWarning,
            stacklevel=2,
        )
        return compiled(function, cache=False)

    return decorate
