"""Do larger networks remember longer? Their distance against the number of units (arXiv 1906.01094, Fig 13).

Time pulses after 150 ms in networks of 50 to 500 units. What is measured, and why over 100 samples, is told in `memory_delay`;
the trial is as long for all sizes here, so that no choice of the distance can make the curve fall. Published are 22 sizes; the
larger ones are costly, and have fewer networks here.
"""

from . import arms
from .memory_delay import (
    check_task,
    compared,
    described,
    drawn,
    level,
    like_published,
    measured,
    monotonic,
    numbers,
    published_curve,
    trained,
    within,
)
from .study import Findings, Setting

DELAY = 150.0  # ms
NETWORKS = {50: 10, 100: 10, 150: 10, 200: 10, 300: 5, 500: 3}
LARGE = 200  # units, from which on the published curve is flat


def study(setting: Setting) -> Findings:
    """Fig 13 against the size. ValueError for a task other than the time pulse."""
    check_task(setting)
    sizes = (50, 100) if setting.quick else tuple(NETWORKS)
    arms_of = {float(units): arms.pulse(setting, DELAY, units, NETWORKS[units]) for units in sizes}
    rows, told = trained(setting, arms_of, "units", measured)
    curve = published_curve("scale_distance_vs_size_at_150ms", "n_units")
    cells = compared(rows, "units", list(arms_of), curve)
    large = [row["d_100"] for row in rows if row["units"] >= LARGE]
    verdicts = [
        like_published(cells, "size"),
        level(cells, "size"),
        monotonic(rows, "units", -1, "the distance falls with the number of units"),
        within(large, 1.04, 1.20, f"from {LARGE} units on it is 1.04 to 1.20, that of networks which answer"),
    ]
    title = "Memory against the number of units, after 150 ms (arXiv 1906.01094, Fig 13)"
    text = described(rows, cells, "units", told)
    figure = drawn(rows, cells, "units", "units", curve)
    return Findings(title, text, rows, figure, verdicts, numbers(rows, cells))
