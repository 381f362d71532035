"""Studies on processes that are killed, interrupted, lost or many end with the files of a calm one, bit for bit."""

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children

import pytest

from minirnn import cli, tasks
from minirnn.ensembles import ensemble, train_many

pytestmark = pytest.mark.compiled

RUNS = """
from minirnn import tasks
from minirnn.ensembles import ensemble, train_many
task = tasks.And(onset=2, pulse=2, gap=1, tail=4)
runs = ensemble(task, 4, network={"n_rec": 8}, training={"samples": 3000, "epochs": 12, "batch": 4})
"""
LOCAL = (
    RUNS
    + """
if __name__ == "__main__":
    train_many(runs, out="out", jobs=2)
"""
)
ON_DASK = (
    RUNS
    + """
import sys
from distributed import Client
if __name__ == "__main__":
    with Client(sys.argv[1]) as client:
        train_many(runs, client.get_executor(), "out")
"""
)


def files_in(out):
    found = {path.name: path.read_bytes() for path in sorted((out / "networks").iterdir())}
    return found | {"manifest": (out / "manifest.json").read_bytes()}


def started(folder, script, *arguments, **options):
    """The script in a folder of its own, with Ctrl-C as on a terminal, also where these tests run in the background."""
    folder.mkdir(exist_ok=True)
    (folder / "script.py").write_text(script)
    return subprocess.Popen(
        [sys.executable, "script.py", *arguments], cwd=folder, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options,
    )  # fmt: skip


def finished(process):
    """Its words on stderr, once it has ended as it should."""
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    return said


def wait_for_epochs(out, more, alive, limit=60.0):
    """Until so many epochs more are there, and runs are under way."""

    def epochs():
        return sum(1 for _ in out.glob("unfinished/*/epoch_*.npz"))

    before, end = epochs(), time.monotonic() + limit
    while epochs() <= before + more:
        assert alive(), "it was done before it could be disturbed"
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calm")
    finished(started(folder, LOCAL))
    assert len(list((folder / "out" / "networks").iterdir())) == 4
    return files_in(folder / "out")


def as_calm(out, calm):
    assert files_in(out) == calm
    assert list((out / "unfinished").iterdir()) == []


def test_a_study_killed_three_times(calm, tmp_path):
    for _ in range(3):
        process = started(tmp_path, LOCAL)
        wait_for_epochs(tmp_path / "out", 1, lambda: process.poll() is None)  # noqa: B023
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    finished(started(tmp_path, LOCAL))
    as_calm(tmp_path / "out", calm)


@pytest.mark.parametrize("whom", [os.kill, os.killpg])
def test_an_interrupted_study(calm, tmp_path, whom):
    """SIGINT to the process alone, and, as Ctrl-C on a terminal, to all of them."""
    process = started(tmp_path, LOCAL, start_new_session=True)
    wait_for_epochs(tmp_path / "out", 1, lambda: process.poll() is None)
    whom(process.pid, signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert process.returncode != 0
    with pytest.raises(ProcessLookupError):  # no worker is left behind
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    finished(started(tmp_path, LOCAL))
    as_calm(tmp_path / "out", calm)


def test_a_study_that_loses_a_worker_of_its_own(calm, tmp_path, capsys):
    task = tasks.And(onset=2, pulse=2, gap=1, tail=4)
    runs = ensemble(task, 4, network={"n_rec": 8}, training={"samples": 3000, "epochs": 12, "batch": 4})
    lost = []

    def kill_one():
        wait_for_epochs(tmp_path, 1, lambda: True)
        worker = active_children()[0]
        os.kill(worker.pid, signal.SIGKILL)
        lost.append(worker.pid)

    killer = threading.Thread(target=kill_one)
    killer.start()
    train_many(runs, out=tmp_path, jobs=2)
    killer.join()
    assert len(lost) == 1
    assert "a worker was lost" in capsys.readouterr().err
    as_calm(tmp_path, calm)


def test_two_studies_in_one_folder(calm, tmp_path):
    both = [started(tmp_path, LOCAL) for _ in range(2)]
    for process in both:
        finished(process)
    as_calm(tmp_path / "out", calm)


@pytest.fixture
def cluster(tmp_path):
    """The address of a Dask scheduler, and two worker processes of one thread each, which nothing restarts."""
    pytest.importorskip("distributed")
    told, file = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}, tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "--scheduler-file", str(file)], cwd=tmp_path, **told)
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    workers = [subprocess.Popen([*worker, "--scheduler-file", str(file)], cwd=tmp_path, **told) for _ in range(2)]
    try:
        from distributed import Client

        with Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_a_study_on_dask_that_loses_one_of_two_workers(calm, cluster, tmp_path, capsys):
    address, workers = cluster
    process = started(tmp_path / "study", ON_DASK, address)
    out = tmp_path / "study" / "out"
    wait_for_epochs(out, 1, lambda: process.poll() is None)
    workers[0].kill()
    workers[0].wait()
    assert not len(list((out / "networks").glob("*.npz"))) == 4
    finished(process)
    as_calm(out, calm)
    command = ["study", "success-rate", "--quick", "--task", "and"]
    assert cli.main([*command, "--scheduler", address, "--out", str(tmp_path / "there")]) == 0
    assert cli.main([*command, "--jobs", "1", "--out", str(tmp_path / "here")]) == 0
    assert files_in(tmp_path / "there") == files_in(tmp_path / "here")
    assert "**A quick run" in capsys.readouterr().out


IN_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor

import minirnn as mr
from minirnn import tasks

runs = mr.ensemble(tasks.And(), 4, training={"samples": 64, "epochs": 1}, network={"n_rec": 10})
with ThreadPoolExecutor(4) as threads:
    print(len(mr.train_many(runs, threads, sys.argv[1], progress=False)))
"""


def test_threads_that_come_first_at_once_import_the_kernels_one_after_the_other(tmp_path):
    command = [sys.executable, "-c", IN_THREADS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # it hung
    assert done.stdout == "4\n", done.stderr
