"""Which states do networks end in, task by task? (arXiv 1906.01094, Figs 7-11; arXiv 2005.13074)

The paper shows single networks: AND rests without input, goes to a state of low output after one pulse and to another of high
output after two; in a second example one of these states is a fixed point and two oscillate, with a real eigenvalue and a complex
pair outside the circle; a flip-flop holds its high output in a fixed point and its low one in an oscillation; and all networks of
the oscillation task end in oscillations. Here the end states of 10 networks per task and start are counted, of the authors'
settings and of `arms.RECOMMENDED`. Each noiseless trial is continued for 3000 steps without input, and the last 600 are judged:

    (1)  rest, fixed point or oscillation                         `analysis.end_states`
    (2)  output: high where all z > 0.5, low where all z < 0.5, both otherwise
    (3)  a network's class: its end states, condition by condition

Without a recurrent bias (all but NOT) silence is a fixed point of every network, and noiseless trials without input stay there
exactly, be it stable or not: it is where the radius of W_rec is below 1.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..analysis import end_states, fixed_points, spectra
from ..analysis.end_states import FIXED, OSCILLATION, REST
from ..engine import single_blas_thread
from ..network import Network
from ..tasks import success
from . import arms, statistics
from .runs import Outcome
from .statistics import UNCLEAR, Verdict, judged
from .study import Findings, Setting, finite, table, wall_time

Array = np.ndarray[Any, Any]
Row = dict[str, Any]
Cell = tuple[str, str, str]

LOW, HIGH, BOTH = "low", "high", "both"
KINDS = {  # as they are drawn, from below
    "rest": (REST, None), "fixed point, low": (FIXED, LOW), "fixed point, high": (FIXED, HIGH),
    "oscillation, low": (OSCILLATION, LOW), "oscillation, low and high": (OSCILLATION, BOTH),
    "oscillation, high": (OSCILLATION, HIGH),
}  # fmt: skip
PUBLISHED_ALL = 20  # networks per task and start in the paper
RARE = 0.05  # what "may happen" must be likelier than


def free(network: Network) -> fixed_points.Dynamics:
    """The network as a map, without input."""
    w = network.weights
    current = 0.0 if w.b_rec is None else w.b_rec
    return fixed_points.Dynamics(w.W_rec, current, network.leak, network.gain, network.phi, network.form)


def ends(network: Network, h: Array) -> tuple[end_states.EndStates, Array]:
    """(1) of trials with these last states h (B, N), and the outputs (600, B, O) of the steps that are judged."""
    w = network.weights
    found = end_states.classify(free(network), h.astype(np.float64), dt=network.dt)
    return found, network.rates(found.tail) @ w.W_out.T + (0.0 if w.b_out is None else w.b_out)


def level(z: Array) -> str:
    """(2) of outputs (T, O)."""
    return HIGH if (z > 0.5).all() else LOW if (z < 0.5).all() else BOTH


def measured(outcome: Outcome) -> list[Row]:
    """A row per condition: what the network ended in, beside what it says of the network itself."""
    network, task = outcome.network, outcome.run.task
    trials = task.conditions()
    h, z = network.run(trials.x)
    with single_blas_thread:
        found, free_z = ends(network, h[-1])
        eigenvalues = spectra.spectrum(network.weights.W_rec).eigenvalues
    whole = {
        "success": success(z, trials, task), "leading": end_states.leading(eigenvalues),
        "radius": float(np.abs(eigenvalues[0])), "network": outcome.path.stem,
    }  # fmt: skip
    return [
        {
            "condition": name, "state": found.labels[b], "output": level(free_z[:, b]), "hz": float(found.frequency[b]),
            "mean_output": float(free_z[:, b].mean()), "largest": float(found.largest[b]), **whole,
        }
        for b, name in enumerate(task.condition_names)
    ]  # fmt: skip


def group(task: str, condition: str) -> str:
    """What conditions are counted together: those of the flip-flop by their last pulse."""
    return {"R": "reset last", "S": "set last"}[condition[-1]] if task == "flip-flop" else condition


def study(setting: Setting) -> Findings:
    """End states of the noiseless conditions, counted task by task."""
    cells = arms.compared(setting)
    outcomes = setting.train([run for runs in cells.values() for run in runs])
    of_name = {outcome.path.stem: outcome for outcome in outcomes}
    rows = [
        {"settings": settings, "start": start, "task": task, "run": k, **row}
        for (settings, start, task), runs in cells.items()
        for k, run in enumerate(runs)
        if run.name in of_name
        for row in measured(of_name[run.name])
    ]
    networks = together(rows)
    order = sorted(cells, key=lambda cell: (arms.SEVEN.index(cell[2]), list(cells).index(cell)))
    parts = [
        f"What noiseless trials end in, 3000 steps without input after them; {wall_time(outcomes)}. Counts of the networks that "
        "succeed, with exact 95 % intervals in %, and in parentheses of all. A flip-flop has four sequences with each last pulse, "
        "and counts where all four end alike, else as mixed.",
        table(
            ("task", "condition", "settings", "start", REST, FIXED, OSCILLATION, "mixed", "output low", "high", "Hz"),
            [line for cell in order for line in _lines(cell, networks.get(cell, []))],
        ),
        "Classes of networks (3), the three most frequent of those that succeed; r: rest, f: fixed point, o: oscillation:",
        table(
            ("task", "settings", "start", "succeed", "silence unstable", "conditions", "classes"),
            [_classes(cell, networks.get(cell, [])) for cell in order],
        ),
    ]
    numbers = {"cells": [_summary(cell, networks.get(cell, [])) for cell in order]}
    title = "End states (arXiv 1906.01094, Figs 7-11)"
    return Findings(title, "\n\n".join(parts), rows, _drawn(order, networks), _verdicts(networks), numbers)


def together(rows: Sequence[Row]) -> dict[Cell, list[list[Row]]]:
    """The rows of each network, by cell."""
    found: dict[Cell, dict[int, list[Row]]] = {}
    for row in rows:
        found.setdefault((row["settings"], row["start"], row["task"]), {}).setdefault(row["run"], []).append(row)
    return {cell: list(networks.values()) for cell, networks in found.items()}


def _solved(networks: Sequence[list[Row]]) -> list[list[Row]]:
    return [network for network in networks if network[0]["success"]]


def _groups(task: str, networks: Sequence[list[Row]]) -> list[str]:
    names = [row["condition"] for row in networks[0]] if networks else []
    return list(dict.fromkeys(group(task, name) for name in names))


def _alike(task: str, network: list[Row], which: str, name: str) -> str:
    """The value that all conditions of this group have in common, else mixed."""
    values = {row[name] for row in network if group(task, row["condition"]) == which}
    return values.pop() if len(values) == 1 else "mixed"


def _shares(task: str, networks: Sequence[list[Row]]) -> dict[str, dict[str, Any]]:
    """Per group of conditions the share of each of KINDS among these conditions of these networks."""
    made: dict[str, dict[str, Any]] = {}
    for which in _groups(task, networks):
        of_group = [row for network in networks for row in network if group(task, row["condition"]) == which]
        made[which] = {
            kind: sum(row["state"] == state and output in (None, row["output"]) for row in of_group) / len(of_group)
            for kind, (state, output) in KINDS.items()
        }
    return made


def _summary(cell: Cell, networks: Sequence[list[Row]]) -> Row:
    settings, start, task = cell
    solved = _solved(networks)
    whole = {"settings": settings, "start": start, "task": task, "networks": len(networks), "succeed": len(solved)}
    return whole | {"shares": finite(_shares(task, solved)), "classes": dict(sorted(Counter(map(label, solved)).items()))}


def _lines(cell: Cell, networks: Sequence[list[Row]]) -> list[list[Any]]:
    """A line of the first table per group of conditions."""
    settings, start, task = cell
    if not networks:
        return [[task, "-", settings, start, *["-"] * 7]]
    solved, made = _solved(networks), []
    for which in _groups(task, networks):

        def told(name: str, value: str, which: str = which) -> str:
            k, every = (sum(_alike(task, one, which, name) == value for one in chosen) for chosen in (solved, networks))
            low, high = statistics.binomial(k, len(solved))[1:]
            interval = f" [{100 * low:.0f}, {100 * high:.0f}]" if solved else ""
            return f"{k}/{len(solved)}{interval} ({every}/{len(networks)})"

        hz = [row["hz"] for one in solved for row in one if group(task, row["condition"]) == which and np.isfinite(row["hz"])]
        frequency = f"{np.median(hz):.1f} ({min(hz):.1f} to {max(hz):.1f})" if hz else "-"
        states = [told("state", state) for state in (REST, FIXED, OSCILLATION, "mixed")]
        made.append([task, which, settings, start, *states, told("output", LOW), told("output", HIGH), frequency])
    return made


def label(network: Sequence[Row]) -> str:
    """(3) in letters: r f f o."""
    return " ".join(row["state"][0] for row in network)


def _classes(cell: Cell, networks: Sequence[list[Row]]) -> list[Any]:
    settings, start, task = cell
    solved = _solved(networks)
    counted = Counter(label(network) for network in solved)
    unstable = sum(network[0]["radius"] > 1 for network in solved)
    shown = "; ".join(f"{name} {k}" for name, k in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:3])
    names = " ".join(row["condition"] for row in networks[0]) if networks else "-"
    return [task, settings, start, f"{len(solved)}/{len(networks)}", unstable if task != "not" else "-", names, shown or "-"]


# ---- what the paper says


def _verdicts(networks: Mapping[Cell, list[list[Row]]]) -> list[Verdict]:
    made = []
    for settings in dict.fromkeys(cell[0] for cell in networks):
        source = "1906.01094" if settings == "authors" else "1906.01094, our settings"

        def of(*tasks: str, settings: str = settings) -> list[list[Row]]:
            """Both starts together, of the networks that succeed."""
            return [one for cell, found in networks.items() if cell[0] == settings and cell[2] in tasks for one in _solved(found)]

        gate, oscillating, flip_flop = of("and"), of("oscillation"), of("flip-flop")
        for claim, holds in (
            ("AND without input ends at rest", lambda s: s["00"] == (REST, LOW)),
            (
                "AND after one pulse ends in a state other than rest, of low output",
                lambda s: _is(s["10"], LOW) and _is(s["01"], LOW),
            ),
            ("AND after two pulses ends in another, of high output", lambda s: _is(s["11"], HIGH)),
        ):  # fmt: skip
            made += _mostly(f"{claim} ({settings})", source, gate, holds)
        made += _may(
            f"an AND network may have one fixed point and two oscillations, a real eigenvalue and a pair outside ({settings})",
            source, gate,
            lambda s: sorted(s[c][0] for c in ("10", "01", "11")) == [FIXED, OSCILLATION, OSCILLATION],
            lambda network: network[0]["leading"] == "real + pairs",
        )  # fmt: skip
        made += _may(
            f"a flip-flop may hold the high output in a fixed point and the low one in an oscillation ({settings})", source,
            flip_flop, lambda s: all(state == {"S": FIXED, "R": OSCILLATION}[name[-1]] for name, (state, _) in s.items()),
        )  # fmt: skip
        if oscillating:
            k, n = sum(_states(one)["pulse"][0] == OSCILLATION for one in oscillating), len(oscillating)
            made.append(
                Verdict(
                    f"all networks of the oscillation task end in an oscillation after the pulse ({settings})", source,
                    f"{k} of {n} that succeed", f"share {statistics.shown(statistics.binomial(k, n))}",
                    statistics.against(k, n, PUBLISHED_ALL, PUBLISHED_ALL),
                )
            )  # fmt: skip
        made += _pairs(
            f"gates with a complex pair outside oscillate more often than those without ({settings})", of("and", "or", "xor")
        )
    return made


def _states(network: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """State and output by condition."""
    return {row["condition"]: (row["state"], row["output"]) for row in network}


def _is(found: tuple[str, str], output: str) -> bool:
    """A state other than rest, of this output."""
    return found[0] != REST and found[1] == output


def _mostly(claim: str, source: str, networks: Sequence[list[Row]], holds: Callable[[Any], bool]) -> list[Verdict]:
    """Does it hold in most networks?"""
    if not networks:
        return []
    k, n = sum(holds(_states(one)) for one in networks), len(networks)
    share = statistics.shown(statistics.binomial(k, n))
    return [Verdict(claim, source, f"{k} of {n} that succeed", f"share {share}", statistics.most(k, n))]


def _may(
    claim: str, source: str, networks: Sequence[list[Row]], holds: Callable[[Any], bool],
    also: Callable[[Any], bool] = lambda network: True,
) -> list[Verdict]:  # fmt: skip
    """Does it happen? One network is enough; that it does not takes so many that it would be rarer than RARE."""
    if not networks:
        return []
    k, n = sum(holds(_states(one)) and also(one) for one in networks), len(networks)
    share = statistics.binomial(k, n)
    word = judged(k > 0, share.high < RARE)
    return [Verdict(claim, source, f"{k} of {n} that succeed", f"share {statistics.shown(share)}", word)]


def _pairs(claim: str, networks: Sequence[list[Row]]) -> list[Verdict]:
    """Are the eigenvalues outside told by the end states? (arXiv 2005.13074)"""
    if not networks:
        return []
    moving = [any(row["state"] == OSCILLATION for row in one) for one in networks]
    paired = ["pairs" in one[0]["leading"] for one in networks]
    k1, n1 = sum(m and p for m, p in zip(moving, paired, strict=True)), sum(paired)
    k2, n2 = sum(moving) - k1, len(networks) - n1
    found = f"{k1} of {n1} with a pair oscillate, {k2} of {n2} without"
    if not (n1 and n2):
        return [Verdict(claim, "2005.13074", found, "-", UNCLEAR)]
    p = statistics.fisher(k1, n1, k2, n2)
    sure = p < statistics.LEVEL
    word = judged(sure and k1 / n1 > k2 / n2, sure and k1 / n1 < k2 / n2)
    return [Verdict(claim, "2005.13074", found, f"Fisher p = {p:.2g}", word)]


def _drawn(cells: Sequence[Cell], networks: Mapping[Cell, list[list[Row]]]) -> Any:
    from .. import plots

    panels: dict[str, dict[str, Any]] = {}
    for settings, start, task in cells:
        solved = _solved(networks.get((settings, start, task), []))
        shares = _shares(task, solved)
        name = settings if settings == "recommended" else start
        panels.setdefault(task, {})[name] = (len(solved), {which: list(kinds.values()) for which, kinds in shares.items()})
    return plots.stacked_by_task(panels, list(KINDS))
