"""Animations: arrays step by step, as GIF through matplotlib's Pillow writer."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from .drawing import trial
from .style import BLACK, BLUE, GREY, RED, STYLE, figure

Array = np.ndarray[Any, Any]

FRAMES = 60  # at most
PER_SECOND = 12


class Animation:
    """A figure and what makes frame k of it; `gif` is all of it."""

    def __init__(self, made: Figure, draw: Callable[[int], None], frames: int) -> None:
        self.made, self.draw, self.frames = made, draw, frames

    def gif(self) -> bytes:
        """The GIF as bytes; matplotlib's writer wants a path to write to."""
        with rc_context(STYLE), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.gif"
            moving = FuncAnimation(self.made, self._frame, frames=self.frames, blit=False, cache_frame_data=False)
            moving.save(path, writer=PillowWriter(fps=PER_SECOND), dpi=80)
            return path.read_bytes()

    def _frame(self, k: int) -> list[Any]:
        self.draw(k)
        return []


def one_trial(
    states: Array, x: Array, target: Array, z: Array, *, dt: float = 1.0, title: str = "", names: Any = "ABCDEFGH"
) -> Animation:
    """A trial: states (T+1, 2) in a plane on the left, input x (T, I), target and output z (T, O) on the right, as time goes on.

    Before its time the path is grey, and the output is not there.
    """
    made, axes = figure(1, 2, 9.6, 4.0, width_ratios=(1.0, 1.25))
    plane, course = axes[0]
    plane.plot(states[:, 0], states[:, 1], color=GREY, lw=0.8, alpha=0.5)
    plane.plot(*states[0], "o", mfc="none", mec=BLACK, ms=7)
    plane.set(xlabel="PC 1", ylabel="PC 2", title="states")
    (path,) = plane.plot([], [], color=BLUE, lw=1.8)
    (point,) = plane.plot([], [], "o", color=RED, ms=7)
    trial(course, x, target, z, dt=dt, title=title, names=names)
    course.set_xlabel("time (ms)")
    outputs = [line for line in course.get_lines() if line.get_color() == BLUE]
    now = course.axvline(0.0, color=RED, lw=1)
    T = len(x)
    steps = np.unique(np.linspace(0, T, min(FRAMES, T + 1)).round().astype(int))
    t = np.arange(T) * dt

    def draw(k: int) -> None:
        step = int(steps[k])
        path.set_data(states[: step + 1, 0], states[: step + 1, 1])
        point.set_data(states[step : step + 1, 0], states[step : step + 1, 1])
        now.set_xdata([step * dt, step * dt])
        for o, line in enumerate(outputs):
            line.set_data(t[:step], z[:step, o])

    return Animation(made, draw, len(steps))


def spectra_animation(eigenvalues: Array, labels: list[str]) -> Animation:
    """Eigenvalues (epochs, N) beside the unit circle, an epoch a frame."""
    made, axes = figure(1, 1, 5.2, 5.0)
    ax = axes[0, 0]
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=GREY, lw=1)
    reach = 1.08 * max(1.05, float(np.abs(eigenvalues).max()))
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="real part", ylabel="imaginary part")
    (points,) = ax.plot([], [], "o", color=BLUE, mec="white", mew=0.4, ms=5)
    held = 5  # frames per epoch, so that an eye can follow

    def draw(k: int) -> None:
        epoch = k // held
        points.set_data(eigenvalues[epoch].real, eigenvalues[epoch].imag)
        ax.set_title(labels[epoch])

    return Animation(made, draw, held * len(eigenvalues))
