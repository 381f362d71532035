"""Published numbers, as the authors' repositories and papers have them.

table6_success_rates.csv: arXiv 1906.01094, Table 6. scale_distance_vs_delay.csv, scale_distance_vs_size_at_150ms.csv: the data
of its Fig 13, time_delay.txt and size_at_150_ms.txt of github.com/katejarne/RNN_study_with_keras. damage_tables.csv: the data of
its Fig 14, same place (`minirnn.analysis.damage.published` reads it).
"""

import csv
from pathlib import Path

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    """The rows of NAME.csv, a mapping from column to text each."""
    with open(FOLDER / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))
