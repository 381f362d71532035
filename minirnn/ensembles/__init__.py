"""Ensembles of networks: training many of them, and the papers' studies of them, a module each."""

from .runs import Outcome, Run, ensemble, read_outcome, train_many

STUDIES = {"success-rate": "how often training succeeds (1906.01094, Table 6), with the authors' settings and with better ones"}
"""The studies by name, and what they are about: `minirnn.ensembles.success_rate.study`."""

__all__ = ["STUDIES", "Outcome", "Run", "ensemble", "read_outcome", "train_many"]
