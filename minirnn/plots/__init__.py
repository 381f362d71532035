"""Pictures: each function draws arrays on an Axes that it is given. The only room that knows matplotlib."""

from .activity import connectivity, epochs, heat_map, panels, schema, task_variance, trajectory, units
from .animation import Animation, one_trial, spectra_animation
from .circuits import schematic, tolerances
from .damage import variants
from .drawing import (
    conditions,
    diagnosis,
    gradient_error,
    gradient_flow,
    history,
    losses,
    over_epochs,
    paths,
    tasks,
    trial,
    weights,
    weights_reach,
)
from .dynamics import end_state, fixed_points, jacobian_eigenvalues, landscape, onsets, unit_frequencies
from .ensembles import (
    bulk,
    counts,
    dots_by_task,
    falling,
    groups,
    guides,
    legend_above,
    limits,
    means,
    points,
    radii,
    shares,
    spectra_by_task,
    stacked_by_task,
)
from .procedures import commuting, convergence, map_only, step_and_flow
from .signals import aligned, lags, pitch, sweep, waveform
from .spectra import active_eigenvalues, eigenvalue_paths, eigenvalues, histogram, regression, ring, signed_histograms
from .style import figure, save

__all__ = [
    "Animation", "active_eigenvalues", "aligned", "bulk", "commuting", "conditions", "connectivity", "convergence",
    "counts", "diagnosis", "dots_by_task", "eigenvalue_paths", "eigenvalues", "end_state", "epochs", "falling", "figure",
    "fixed_points", "gradient_error", "gradient_flow", "groups", "guides", "heat_map", "histogram", "history",
    "jacobian_eigenvalues", "lags", "landscape", "legend_above", "limits", "losses", "map_only", "means", "one_trial",
    "onsets", "over_epochs", "panels", "paths", "pitch", "points", "radii", "regression", "ring", "save", "schema",
    "schematic", "shares", "signed_histograms", "spectra_animation", "spectra_by_task", "stacked_by_task", "step_and_flow",
    "sweep", "task_variance", "tasks", "tolerances", "trajectory", "trial", "unit_frequencies", "units", "variants",
    "waveform", "weights", "weights_reach",
]  # fmt: skip
