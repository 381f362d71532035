"""Pictures: each function draws arrays on an Axes that it is given. The only room that knows matplotlib."""

from .drawing import (
    conditions,
    diagnosis,
    gradient_error,
    gradient_flow,
    history,
    losses,
    spectrum,
    spectrum_reach,
    tasks,
    trial,
    weights,
    weights_reach,
)
from .style import figure, save

__all__ = [
    "conditions", "diagnosis", "figure", "gradient_error", "gradient_flow", "history", "losses", "save", "spectrum",
    "spectrum_reach", "tasks", "trial", "weights", "weights_reach",
]  # fmt: skip
