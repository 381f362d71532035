"""The experiments: each a frozen dataclass with `trials(n, rng)`, `conditions()`, `condition_names` and `protocol`."""

from .logic import And
from .measures import distance, success
from .protocol import Protocol

BY_NAME = {"and": And}  # the command line's names

__all__ = ["BY_NAME", "And", "Protocol", "distance", "success"]
