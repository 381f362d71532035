"""Ensembles of networks: training many of them, and the papers' studies of them, a module each."""

from .runs import Outcome, Run, ensemble, read_outcome, train_many

__all__ = ["Outcome", "Run", "ensemble", "read_outcome", "train_many"]
