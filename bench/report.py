"""Tables (Markdown) and a figure (PNG) of what `bench/grid.py` wrote."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from minirnn.plots import style

BEGIN, END = "<!-- made by bench/grid.py -->\n", "<!-- end of what bench/grid.py made -->\n"
OURS = "minirnn"
COLOURS = {
    "minirnn": style.RED, "numpy": style.BLUE, "reference": style.GREY, "torch": style.ORANGE, "torch-compiled": "#B07AA1",
    "jax": style.GREEN, "keras": style.SKY,
}  # fmt: skip
LABELS = {"minirnn": "minirnn", "numpy": "optimised NumPy", "reference": "minirnn's reference", "torch": "PyTorch nn.RNN",
          "torch-compiled": "PyTorch compiled loop", "jax": "JAX scan", "keras": "Keras SimpleRNN"}  # fmt: skip
PAPER = [50, 200, 64, 2, 1]


def limit(cell: dict[str, Any], threads: int) -> float:
    """The least seconds of a step on this machine: (flops / rate of products + time of tanh) / threads."""
    N, T, B, I, O = cell["size"]
    measured = cell["limits"]
    rate = 2 * 1000.0**3 / measured["product"]
    tanh = min(seconds for name, seconds in measured.items() if name.startswith("tanh")) / 16384
    return (6.0 * B * T * N * (N + I + O) / rate + B * T * N * tanh) / threads


def digits(x: float) -> str:
    """Three of them."""
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def size_of(cell: dict[str, Any]) -> str:
    N, T, B, I, O = cell["size"]
    return f"{N}, {T}, {B}" + ("" if (I, O) == (2, 1) else f" ({I} in, {O} out)")


def peers_of(cells: list[dict[str, Any]]) -> list[str]:
    found = {label.rsplit(" ", 1)[0] for cell in cells for label in cell["seconds"]}
    return [name for name in LABELS if name in found]


def threads_of(cells: list[dict[str, Any]]) -> list[int]:
    return sorted({int(label.rsplit(" ", 1)[1]) for cell in cells for label in cell["seconds"]})


def table(cells: list[dict[str, Any]], value: Any, with_limit: bool = False) -> str:
    """A row per size, a column per peer: value(cell, label, threads) of each thread count."""
    peers, threads = peers_of(cells), threads_of(cells)
    rows = []
    for cell in cells:
        row = [size_of(cell)]
        if with_limit:
            row.append(" / ".join(digits(1e3 * limit(cell, k)) for k in threads))
        for name in peers:
            here = [value(cell, f"{name} {k}", k) if f"{name} {k}" in cell["seconds"] else "" for k in threads]
            row.append(" / ".join(here) if any(here) else "")
        rows.append(row)
    return markdown(["N, T, B", *(["limit"] if with_limit else []), *(LABELS[name] for name in peers)], rows)


def exponents(cells: list[dict[str, Any]]) -> str:
    """Log-log fits over the sizes that differ from the paper's in one number; float32, one thread."""
    rows = []
    for name in peers_of(cells):
        row = [LABELS[name]]
        for axis in range(3):
            xs, ys = line(cells, name, axis)
            row.append(f"{np.polyfit(np.log(xs), np.log(ys), 1)[0]:.2f}" if len(xs) >= 3 else "")
        rows.append(row)
    spans = ["N", "T", "B"]
    for axis in range(3):
        xs = line(cells, OURS, axis)[0]
        if xs:
            spans[axis] += f" = {', '.join(map(str, xs))}"
    return markdown(["", *spans], rows)


def line(cells: list[dict[str, Any]], name: str, axis: int) -> tuple[list[int], list[float]]:
    """(values of N, T or B; least seconds on one thread) where the other numbers are the paper's."""
    label = f"{name} 1"
    found = sorted(
        (cell["size"][axis], cell["seconds"][label]["min"])
        for cell in cells
        if cell["dtype"] == "float32" and label in cell["seconds"]
        and all(cell["size"][other] == PAPER[other] for other in range(5) if other != axis)
    )  # fmt: skip
    return [x for x, _ in found], [y for _, y in found]


def pieces(cells: list[dict[str, Any]]) -> str:
    """What the machine did beside the steps, and what a second thread brings."""
    rows = []
    for cell in cells:
        measured, seconds = cell["limits"], cell["seconds"]
        width = 4 if cell["dtype"] == "float32" else 8
        speed_up = [
            f"{a[0] / a[1]:.2f}" if all(a) else ""
            for a in (
                [seconds.get(f"{OURS} {k}", {}).get("min") for k in (1, 2)],
                [measured.get(f"products {k}") for k in (1, 2)],
            )
        ]
        rows.append([
            size_of(cell), cell["dtype"], f"{2 / measured['product']:.0f}", f"{2 * 32e6 / measured['copy'] / 1e9:.0f}",
            *(f"{measured[f'tanh {who}'] / 16384 * 1e9:.2f}" for who in ("numpy", "exp", "minirnn")), *speed_up,
            f"{width * cell['size'][1] * cell['size'][2] * cell['size'][0] / 1e6:.1f}",
        ])  # fmt: skip
    head = [
        "N, T, B", "dtype", "products, GFLOP/s", "copy, GB/s", "tanh of NumPy, ns", "by exp, ns", "of minirnn, ns",
        "speed-up on two threads", "of its products alone", "states, MB",
    ]  # fmt: skip
    return markdown(head, rows)


def text(found: dict[str, Any]) -> str:
    """All tables, with what they mean."""
    cells = list(found["cells"].values())
    machine, versions = found["machine"], {}
    for worker in found.get("versions", {}).values():
        versions |= worker
    said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    vectors = {"avx512f": "AVX-512", "avx2": "AVX2, no AVX-512"}.get(machine["vectors"], "")
    parts = [
        f"Made {machine['date']} on {machine['cores']} cores of {machine['processor']} (family and model {machine['model']}; "
        f"{vectors}; cache {machine['cache']}), {machine['system']}; {said}.",
        "One training step is forward pass, back-propagation through time and Adam; tanh, 2 inputs and 1 output unless said, all "
        "steps read out. Peers took turns within one run, from the same weights and data, and the losses of the first three steps "
        f"agree to 1e-4. Entries are for {' / '.join(map(str, threads_of(cells)))} threads. The limit is (6 B T N (N + I + O) "
        "flops over the rate of 1000 x 1000 products + time of B T N tanh, the quickest of those in the last table) / threads.",
    ]
    for dtype in ("float32", "float64"):
        here = [cell for cell in cells if cell["dtype"] == dtype and not cell["series"]]
        if not here:
            continue
        parts += [
            f"### Milliseconds per step, {dtype}, minimum",
            table(here, lambda c, l, k: digits(1e3 * c["seconds"][l]["min"]), True),
        ]
        parts += [
            f"### The same, median of all steps, {dtype}",
            table(here, lambda c, l, k: digits(1e3 * c["seconds"][l]["median"])),
        ]
        if OURS in peers_of(here):
            ours = [cell for cell in here if all(f"{OURS} {k}" in cell["seconds"] for k in threads_of(here))]
            parts += [
                f"### Times of minirnn's minimum, {dtype}",
                table(ours, lambda c, l, k: f"{c['seconds'][l]['min'] / c['seconds'][f'{OURS} {k}']['min']:.2f}"),
            ]
        parts += [
            f"### Percent of the limit, {dtype}",
            table(here, lambda c, l, k: f"{100 * limit(c, k) / c['seconds'][l]['min']:.0f}"),
        ]
    if cells:
        parts += ["### The machine in the same turns", pieces([cell for cell in cells if not cell["series"]])]
        if any(len(line(cells, OURS, axis)[0]) >= 3 for axis in range(3)):
            parts += ["### Scaling exponents: float32, one thread, the other numbers those of 50, 200, 64", exponents(cells)]
    if found.get("start"):
        rows = [
            [LABELS[name], f"{one['import']:.2f}", f"{one['first']:.2f}" + (f" (cold {one['cold']:.1f})" if "cold" in one else ""),
             f"{one['memory'] / 1e6:.0f}"]
            for name, one in found["start"].items()
        ]  # fmt: skip
        parts += ["### Start and memory at 50, 200, 64, float32, one thread", markdown(
            ["", "import (s)", "process start to the end of the first update (s)", "largest memory (MB)"], rows)]  # fmt: skip
        if "import alone" in found["start"].get(OURS, {}):
            parts.append(
                f"`import minirnn` alone takes {found['start'][OURS]['import alone']:.3f} s: its kernels load at first use."
            )
    if found.get("training"):
        done = found["training"]
        threads = sorted({int(label.rsplit(" ", 1)[1]) for label in done["seconds"]})
        names = [name for name in LABELS if any(f"{name} {k}" in done["seconds"] for k in threads)]
        rows = [[LABELS[name], *(digits(done["seconds"].get(f"{name} {k}", float("nan"))) for k in threads)] for name in names]
        parts += [
            f"### The whole training of AND: {done['samples']} trials, {done['epochs']} epochs, from process start (s)",
            markdown(["", *(f"{k} thread{'s' if k > 1 else ''}" for k in threads)], rows),
            f"minirnn is `minirnn.train`, with drawing of the trials, validation and checks; of the peers {done['trained']} epochs "
            "of bare steps on given trials were run, and the rest taken to be as long as the last.",
        ]
    return "\n\n".join(parts) + "\n"


@rc_context(style.STYLE)
def figure(found: dict[str, Any], path: Path) -> None:
    """Upper row: times over the limit at each size, a panel per thread count. Lower row: times against N, T and B."""
    every = list(found["cells"].values())
    cells = [cell for cell in every if cell["dtype"] == "float32"] or every
    threads, peers = threads_of(cells), peers_of(cells)
    made = Figure(figsize=(12.5, 8.5))
    grid = made.add_gridspec(2, 6)
    table_cells = [cell for cell in cells if not cell["series"]]
    for column, k in enumerate(threads[:2]):
        ax = made.add_subplot(grid[0, 3 * column : 3 * column + 3])
        for name in peers:
            here = [(y, cell["seconds"][f"{name} {k}"]["min"] / limit(cell, k)) for y, cell in enumerate(table_cells)
                    if f"{name} {k}" in cell["seconds"]]  # fmt: skip
            marker, zorder = ("D", 3) if name == OURS else ("o", 2)
            ax.plot(
                [v for _, v in here], [y for y, _ in here], marker, color=COLOURS[name], ms=7, label=LABELS[name], zorder=zorder
            )
        ax.axvline(1, color=style.BLACK, lw=1)
        ax.set_xscale("log")
        ax.set_yticks(range(len(table_cells)), [size_of(cell) for cell in table_cells] if column == 0 else [])
        ax.set_ylim(len(table_cells) - 0.5, -0.5)
        ax.grid(axis="y", lw=0.5, alpha=0.5)
        ax.set_title(f"{k} thread{'s' if k > 1 else ''}")
        ax.set_xlabel("time of a step / limit of the machine")
        if column == 0:
            ax.set_ylabel("N, T, B")
    for axis, what in enumerate(("units N", "steps T", "trials B")):
        ax = made.add_subplot(grid[1, 2 * axis : 2 * axis + 2])
        ax.set(xscale="log", yscale="log", xlabel=what, ylabel="ms per step, one thread" if axis == 0 else "")
        for name in peers:
            xs, ys = line(cells, name, axis)
            if xs:
                ax.plot(xs, 1e3 * np.array(ys), "o-", ms=4, color=COLOURS[name], zorder=3 if name == OURS else 2)
                ax.set_xticks(xs, [str(x) for x in xs])
        ax.minorticks_off()
    handles, labels = made.axes[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    style.save(made, path)


def make(path: Path, results: Path | None) -> None:
    """Write the tables and the figure beside the JSON file, and the tables into the marked part of `results`."""
    found = json.loads(path.read_text())
    tables = text(found)
    path.with_suffix(".md").write_text(tables)
    if found["cells"]:
        figure(found, path.with_suffix(".png"))
    if results is None:
        print(tables)
        return
    before, _, rest = results.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    picture = f"![Step times over the limit of the machine, and against N, T and B]({path.relative_to(results.parent)})".replace(
        ".json", ".png"
    )
    results.write_text(f"{before}{BEGIN}\n{picture}\n\n{tables}\n{END}{after}")
