"""Ensembles of networks: training many of them, and the papers' studies of them, a module each."""

from .runs import Outcome, Run, ensemble, read_outcome, train_many

STUDIES = {
    "success-rate": "how often training succeeds (1906.01094, Table 6), with the authors' settings and with better ones",
    "memory-delay": "the time pulse, distance against delay (Fig 13)",
    "memory-size": "the time pulse, distance against network size (Fig 13)",
    "damage": "distance against connections removed (Fig 14 a-f)",
    "spectrum": "eigenvalues after training (Fig 6), outliers against size",
    "invariance": "the same trial earlier and later (Fig 12)",
    "inner-states": "what networks end in, per task and trial type (Figs 7-11)",
    "dale-time": "training with and without Dale's law and noise (thesis, Fig 3.3)",
    "ei-spectrum": "spectral radius of E/I networks against size and fraction (2208.10304)",
    "multitask-damage": "connections removed from networks of several tasks (poster)",
    "multitask-size": "three tasks in one network against each alone, by size",
    "compare-tasks": "a row per task and start: outliers, dimension, end states, damage, epochs",
}
"""The studies by name, and what they are about; `minirnn.ensembles.success_rate.study` and so on."""

__all__ = ["STUDIES", "Outcome", "Run", "ensemble", "read_outcome", "train_many"]
