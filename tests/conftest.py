import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# random cases while developing, the same ones in CI
settings.register_profile("dev", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def author_networks() -> Path:
    folder = SHARED / "author_networks"
    if not folder.is_dir():
        pytest.skip("the authors' published networks are not beside the project (../shared/author_networks)")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=2, help="kills of each run in test_checkpoint.py (full form: 10)")
