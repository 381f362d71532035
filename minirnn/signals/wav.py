"""WAV files: `scipy.io.wavfile` reads them, after their headers were held against their length.

scipy returns what a truncated file still holds, takes the samples that a header promises for granted, and gives each depth its
own range; here a file that is cut short is an error that says so, and samples are in units of full scale.
"""

import io
import os
import struct
import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.io import wavfile

Array = np.ndarray[Any, Any]
PathLike = str | os.PathLike[str]


class Recording(NamedTuple):
    """A sound."""

    samples: Array  # (T,) float64; full scale is -1 to 1, which floats may exceed
    rate: int  # samples per second
    channels: int  # in the file
    bits: int  # of a sample in the file


class _Header(NamedTuple):
    channels: int
    rate: int
    bits: int


def read(path: PathLike, channel: int = 0) -> Recording:
    """One channel of a WAV file: PCM of any depth, or float, of any number of channels.

    The default is the first channel, as in the authors' code. PCM of 8 bits or fewer is unsigned, its middle 0.
    OSError where the file can not be opened; TypeError for a channel that is no integer; ValueError, naming the file, where it is
    not a sound WAV file, is empty or cut short, holds no samples or NaN, or has no such channel.
    """
    if isinstance(channel, bool) or not isinstance(channel, int | np.integer):
        raise TypeError(f"channel must be an integer, got {type(channel).__name__}")
    with open(path, "rb") as file:
        content = file.read()
    name = os.fspath(path)
    header = _header(name, content)
    if not 0 <= channel < header.channels:
        raise ValueError(f"channel must be from 0 to {header.channels - 1}, those of {name}, got {channel}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks with other things than samples
            _, data = wavfile.read(io.BytesIO(content))
    except (ValueError, TypeError, OverflowError, ArithmeticError, MemoryError, EOFError, LookupError, struct.error,
            UnboundLocalError) as error:  # fmt: skip
        raise ValueError(f"{name} can not be read as a WAV file: {error}") from error
    if len(data) == 0:
        raise ValueError(f"{name} holds no samples")
    chosen = data if data.ndim == 1 else data[:, channel]
    samples = chosen.astype(np.float64)
    if chosen.dtype.kind == "u":
        samples = (samples - 128.0) / 128.0
    elif chosen.dtype.kind == "i":
        samples /= -float(np.iinfo(chosen.dtype).min)
    if not np.isfinite(samples).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return Recording(samples, header.rate, header.channels, header.bits)


def _header(name: str, content: bytes) -> _Header:
    """What the chunks say, up to the samples; the ValueErrors of `read`."""
    if not content:
        raise ValueError(f"{name} is empty: it has no bytes")
    if content[:4] not in (b"RIFF", b"RIFX") or (len(content) >= 12 and content[8:12] != b"WAVE"):
        raise ValueError(f"{name} is not a WAV file: it begins with {content[:12]!r}")
    order = "<" if content[:4] == b"RIFF" else ">"
    form = None
    at = 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], struct.unpack(f"{order}I", content[at + 4 : at + 8])[0]
        at += 8
        if kind == b"fmt " and at + 16 <= len(content):
            _, channels, rate, _, block, bits = struct.unpack(f"{order}HHIIHH", content[at : at + 16])
            form = _Header(channels, rate, bits)
            if not (channels and rate and bits and block and block % channels == 0):
                raise ValueError(f"{name} has a damaged header: {channels} channels of {bits} bits in {block} bytes at {rate} Hz")
        elif kind == b"data":
            if form is None:
                raise ValueError(f"{name} has a damaged header: its samples come before their format")
            there = len(content) - at
            if size > there:
                raise ValueError(f"{name} is cut short: {there} of {size} bytes of samples are there")
            return form
        at += size + size % 2
    raise ValueError(f"{name} is cut short: it ends before its samples")
