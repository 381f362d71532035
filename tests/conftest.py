import os
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401  whose BLAS is then there to be limited
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

# random cases while developing, the same ones in CI
settings.register_profile("dev", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_blas():
    """Threads of BLAS that wait for each other cost more than they do at these sizes, beside another test run above all."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def author_networks() -> Path:
    folder = SHARED / "author_networks"
    if not folder.is_dir():
        pytest.skip("the authors' published networks are not beside the project (../shared/author_networks)")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=2, help="kills of each run in test_checkpoint.py (full form: 10)")
    parser.addoption(
        "--site-tutorials", action="store_true", help="test_site.py builds the site with all tutorials, in their short form"
    )
