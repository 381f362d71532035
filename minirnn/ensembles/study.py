"""What all studies of ensembles share: what was asked for, training, and the table, CSV, figure and verdicts at the end."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .. import files
from .runs import Outcome, Run, ensemble, file_of, read_outcome, train_many
from .statistics import UNCLEAR, Verdict

QUICK_NETWORKS = 2
QUICK_TRAINING = {"epochs": 1, "samples": 128}


class Setting(NamedTuple):
    """What was asked for on the command line.

    out: folder of networks and results, which studies share. networks: per ensemble, None for the study's own number. quick:
    QUICK_NETWORKS networks, trained hardly at all, and the smallest grid: whether all works, nothing else. jobs, executor: as in
    `train_many`. report_only: train nothing, and report on the networks that are there. task: its name, where a study has a choice.
    """

    out: Path
    networks: int | None = None
    quick: bool = False
    jobs: int | None = None
    seed: int = 0
    report_only: bool = False
    task: str | None = None
    executor: Executor | None = None
    progress: bool = True

    def ensemble(self, task: Any, networks: int, **settings: Any) -> list[Run]:
        """The runs of one ensemble: `networks`, or as many as were asked for; with `quick` hardly trained."""
        n = self.networks if self.networks is not None else QUICK_NETWORKS if self.quick else networks
        if self.quick:
            settings["training"] = {**settings.get("training", {}), **QUICK_TRAINING}
        return ensemble(task, n, seed=self.seed, **settings)

    def train(self, runs: Sequence[Run]) -> list[Outcome]:
        """The outcomes of these runs, trained where they are not there; with `report_only` of those that are."""
        if self.report_only:
            return [read_outcome(run, self.out) for run in runs if file_of(self.out, run.name).exists()]
        return train_many(runs, self.executor, self.out, jobs=self.jobs, progress=self.progress)


class Findings(NamedTuple):
    """What a study ends in.

    title, text: head and body of its report, Markdown. rows: the CSV, a mapping per line, with the same keys. figure: of
    matplotlib. numbers: for JSON, NaN as None (`finite`).
    """

    title: str
    text: str
    rows: Sequence[Mapping[str, Any]]
    figure: Any
    verdicts: Sequence[Verdict]
    numbers: Mapping[str, Any]


def untold(findings: Findings) -> Findings:
    """The findings of a quick run, which say nothing about any claim."""
    verdicts = [verdict._replace(verdict=UNCLEAR) for verdict in findings.verdicts]
    return findings._replace(text=f"**A quick run: only whether everything works.**\n\n{findings.text}", verdicts=verdicts)


def write_findings(name: str, findings: Findings, out: Path) -> str:
    """NAME.csv, NAME.png, NAME.json and NAME.md in `out`; returns the text of the last."""
    from .. import plots

    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, list(findings.rows[0]) if findings.rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in findings.rows)
    files.write_atomically(out / f"{name}.csv", lambda file: file.write(sheet.getvalue().encode()))
    files.write_atomically(out / f"{name}.png", partial(plots.save, findings.figure))
    verdicts = [verdict._asdict() for verdict in findings.verdicts]
    files.write_json(out / f"{name}.json", {"verdicts": verdicts, **findings.numbers})
    claims = [[v.claim, v.source, v.found, v.statistic, f"**{v.verdict}**"] for v in findings.verdicts]
    judged = "\n\n" + table(("claim", "source", "here", "statistic", "verdict"), claims) if claims else ""
    text = f"# {findings.title}\n\n![{findings.title}]({name}.png)\n\n{findings.text.strip()}{judged}\n"
    files.write_atomically(out / f"{name}.md", lambda file: file.write(text.encode()))
    return text


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table, its columns in line."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[k]) for row in cells)) for k in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def finite(value: Any) -> Any:
    """The same for JSON: numbers that are none as None, arrays as lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def wall_time(outcomes: Sequence[Outcome]) -> str:
    """In words, how long the networks took on one thread each."""
    seconds = [outcome.seconds for outcome in outcomes if math.isfinite(outcome.seconds)]
    return f"{len(outcomes)} networks, {sum(seconds) / 3600:.2f} core-hours" if seconds else f"{len(outcomes)} networks"


def _cell(value: Any) -> Any:
    """As the CSV has it: six digits are enough for a number, and a missing one is empty."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) or hasattr(value, "dtype"):
        value = value.item() if hasattr(value, "item") else value
        if isinstance(value, float):
            return f"{value:.6g}" if math.isfinite(value) else ""
        return int(value)
    return value
