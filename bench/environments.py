"""Make the environments of the peers that are not minirnn's own dependencies: one folder each, with pinned versions.

    python bench/environments.py                        in bench/.environments
    python bench/environments.py --folder elsewhere     then also: bench/grid.py --environments elsewhere

What is there already is brought to these versions. About 4 GB.
"""

import argparse
import os
import subprocess
import venv
from pathlib import Path

FOLDER = Path(__file__).parent / ".environments"
PACKAGES = {
    "torch": ["torch==2.13.0", "numpy==2.4.6"],  # a build for CPUs where the registry has one
    "jax": ["jax==0.10.2", "jaxlib==0.10.2", "numpy==2.4.6"],
    "keras": ["keras==3.15.1", "jax==0.10.2", "jaxlib==0.10.2", "tensorflow-cpu==2.21.0", "numpy==2.4.6"],
}


def python(folder: Path, name: str) -> Path:
    """The interpreter of this environment."""
    return next((p for p in (folder / name / "bin/python", folder / name / "Scripts/python.exe") if p.exists()), folder / name)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--folder", type=Path, default=FOLDER)
    p.add_argument("--peers", nargs="+", choices=PACKAGES, default=list(PACKAGES))
    options = p.parse_args()
    for name in options.peers:
        print(f"{name}: {' '.join(PACKAGES[name])}", flush=True)
        venv.create(options.folder / name, with_pip=True, symlinks=os.name != "nt")
        subprocess.run([python(options.folder, name), "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)


if __name__ == "__main__":
    main()
