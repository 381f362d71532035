"""Counted randomness: each draw of a run has an address, so that nothing depends on order, threads or interruptions.

A run draws one 128-bit `run_seed`. Every later draw uses its own generator,
SeedSequence(run_seed, spawn_key=(purpose, epoch, batch, chunk)).
"""

import numpy as np

DATA, VALIDATION, SHUFFLE, FRESH, NOISE, STAGE = range(6)  # the purposes; append only, or old runs can not be repeated


def as_generator(rng: np.random.Generator | int) -> np.random.Generator:
    """The generator itself, or a new one from an integer seed >= 0. TypeError or ValueError for anything else."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise TypeError(f"rng must be a numpy.random.Generator or an integer seed, got {type(rng).__name__}")
    if rng < 0:
        raise ValueError(f"rng must be a seed >= 0, got {rng}")
    return np.random.default_rng(int(rng))


def draw_run_seed(rng: np.random.Generator) -> int:
    """One 128-bit integer."""
    return int.from_bytes(rng.bytes(16), "little")


def counted(run_seed: int, purpose: int, epoch: int = 0, batch: int = 0, chunk: int = 0) -> np.random.Generator:
    """The generator at this address of the run."""
    return np.random.default_rng(np.random.SeedSequence(run_seed, spawn_key=(purpose, epoch, batch, chunk)))
