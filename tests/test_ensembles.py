import concurrent.futures
import json
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, study_commands, tasks
from minirnn.ensembles import arms, ensemble, read_outcome, runs, statistics, study, success_rate, train_many
from minirnn.ensembles.runs import Run
from minirnn.ensembles.study import Findings, Setting

TASK = tasks.And(onset=2, pulse=2, gap=1, tail=4)
SMALL = {"network": {"n_rec": 3}, "training": {"samples": 8, "epochs": 2, "batch": 4, "validation": 2}}


def files_in(out):
    found = {path.name: path.read_bytes() for path in sorted((out / "networks").iterdir())}
    return found | {"manifest": (out / "manifest.json").read_bytes()}


@pytest.fixture(scope="module")
def small():
    return ensemble(TASK, 3, seed=5, **SMALL)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    train_many(small, out=out, jobs=1, progress=False)
    return files_in(out)


def test_equal_runs_have_equal_names_and_any_change_another():
    run = Run(TASK, 7, {"n_rec": 3}, mr.Adam(lr=1e-3), {"epochs": 2})
    assert run.name == Run(TASK, 7, {"n_rec": 3}, mr.Adam(lr=1e-3), {"epochs": 2}).name
    others = [
        replace(run, task=replace(TASK, tail=5.0)), replace(run, seed=8), replace(run, network={"n_rec": 4}),
        replace(run, optimizer=mr.SGD(lr=1e-3)), replace(run, training={"epochs": 3}), replace(run, keep="best"),
        replace(run, network={"n_rec": 3, "recurrent": np.eye(3)}), replace(run, network={"n_rec": 3, "dale": mr.Dale(0.5)}),
    ]  # fmt: skip
    assert len({run.name, *(other.name for other in others)}) == 1 + len(others)


def test_the_seeds_of_a_larger_ensemble_begin_with_those_of_a_smaller_and_arms_differ():
    few, many = ensemble(TASK, 2, seed=1, **SMALL), ensemble(TASK, 4, seed=1, **SMALL)
    assert few == many[:2]
    assert len({run.seed for run in many}) == 4
    other = ensemble(TASK, 4, seed=1, **SMALL | {"network": {"n_rec": 4}})
    assert not {run.seed for run in other} & {run.seed for run in many}
    assert not {run.seed for run in ensemble(TASK, 4, seed=2, **SMALL)} & {run.seed for run in many}


def test_an_outcome_is_what_train_gives(small, tmp_path):
    outcome = train_many(small[:1], out=tmp_path, jobs=1, progress=False)[0]
    rng = np.random.default_rng(small[0].seed)
    start = mr.Network.for_task(TASK, n_rec=3, rng=rng)
    result = mr.train(start, TASK, rng=rng, progress=False, **SMALL["training"])
    np.testing.assert_array_equal(outcome.network.weights.W_rec, result.network.weights.W_rec)
    np.testing.assert_array_equal(outcome.untrained.weights.W_rec, start.weights.W_rec)
    np.testing.assert_array_equal(mr.Network.load(outcome.path, initial=True).weights.W_in, start.weights.W_in)
    np.testing.assert_array_equal(outcome.loss, result.history.loss)
    assert outcome.stopped == "all 2 epochs done"
    assert outcome.seconds > 0


def test_the_best_network_can_be_kept(tmp_path):
    run = Run(TASK, 3, {"n_rec": 3}, mr.Adam(lr=0.3), {**SMALL["training"], "epochs": 4}, keep="best")
    outcome = train_many([run], out=tmp_path, jobs=1, progress=False)[0]
    rng = np.random.default_rng(3)
    start = mr.Network.for_task(TASK, n_rec=3, rng=rng)
    result = mr.train(start, TASK, optimizer=mr.Adam(lr=0.3), rng=rng, progress=False, **run.training)
    np.testing.assert_array_equal(outcome.network.weights.W_rec, result.best.weights.W_rec)


def test_any_executor_gives_the_same_files(small, undisturbed, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        train_many(small, executor, tmp_path, progress=False)
    assert files_in(tmp_path) == undisturbed
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_what_is_there_is_not_trained_again(small, undisturbed, tmp_path, monkeypatch, capsys):
    first = train_many(small, out=tmp_path, jobs=1, progress=False)
    first[1].path.unlink()
    trained = []
    monkeypatch.setattr(runs, "train", lambda *a, **k: trained.append(1) or mr.train(*a, **k))
    train_many(small, out=tmp_path, jobs=1)
    assert trained == [1]
    assert files_in(tmp_path) == undisturbed
    assert "2 of 3 networks are there already" in capsys.readouterr().err


def test_a_run_that_another_process_trains_is_waited_for(small, tmp_path, monkeypatch):
    said = iter([runs.BUSY])
    original = runs.train_one
    monkeypatch.setattr(runs, "train_one", lambda run, out: next(said, None) or original(run, out))
    assert len(train_many(small[:1], out=tmp_path, jobs=1, progress=False)) == 1


def test_ctrl_c_leaves_the_run_to_the_next_call(small, undisturbed, tmp_path, monkeypatch):
    original = runs.train_one
    calls = []

    def interrupted_second(run, out):
        calls.append(run)
        return runs.INTERRUPTED if len(calls) == 2 else original(run, out)

    monkeypatch.setattr(runs, "train_one", interrupted_second)
    with pytest.raises(KeyboardInterrupt):
        train_many(small, out=tmp_path, jobs=1, progress=False)
    train_many(small, out=tmp_path, jobs=1, progress=False)
    assert files_in(tmp_path) == undisturbed


def test_a_run_that_diverges_is_an_outcome(tmp_path):
    run = Run(TASK, 3, {"n_rec": 3, "phi": "relu"}, mr.Adam(lr=1e18), SMALL["training"])
    outcome = train_many([run], out=tmp_path, jobs=1, progress=False)[0]
    assert outcome.stopped.startswith("diverged: ")
    assert len(outcome.loss) < 2
    assert np.isnan(outcome.last_loss)
    assert success_rate.measured(outcome)["epochs"] == 0


def test_damaged_files_are_named(small, tmp_path):
    outcome = train_many(small[:1], out=tmp_path, jobs=1, progress=False)[0]
    name = outcome.path.name
    outcome.path.write_bytes(outcome.path.read_bytes()[:200])
    with pytest.raises(ValueError, match=name):
        train_many(small[:1], out=tmp_path, jobs=1, progress=False)
    np.savez(outcome.path, a=1)
    with pytest.raises(ValueError, match=name):
        read_outcome(small[0], tmp_path)
    with pytest.raises(ValueError, match="not a network of an ensemble"):
        runs.write_manifest(tmp_path)


@dataclass(frozen=True)
class Odd:
    what: object


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Run(tasks.And, 0), TypeError, "task must be a dataclass"),
        (lambda: Run(TASK, 1.5), TypeError, "seed must be an integer"),
        (lambda: Run(TASK, -1), ValueError, "seed must be 0 or more"),
        (lambda: Run(TASK, 0, training={"threads": 2}), ValueError, "threads"),
        (lambda: Run(TASK, 0, keep="first"), ValueError, "keep must be"),
        (lambda: Run(TASK, 0, {"gain": np.nan}), TypeError, r"network.gain must be made of"),
        (lambda: ensemble(TASK, 0), ValueError, "n must be a positive integer"),
        (lambda: train_many([TASK]), TypeError, "runs must be Run objects, got And at 0"),
        (lambda: train_many([], jobs=0), ValueError, "jobs must be None or a positive integer"),
    ],
)
def test_wrong_arguments_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_intervals_are_exact():
    low, high = statistics.binomial(17, 20)[1:]
    assert (low, high) == (pytest.approx(0.621, abs=1e-3), pytest.approx(0.968, abs=1e-3))  # published_results: [62, 97]
    assert np.isnan(statistics.binomial(0, 0).value)
    assert statistics.fisher(18, 20, 9, 20) == pytest.approx(0.0057, abs=5e-4)  # NOT in Table 6
    assert statistics.spearman([1, 2, 3, 4], [2, 4, 8, 9])[0] == pytest.approx(1.0)
    assert np.isnan(statistics.spearman([1, 2], [2, 4])[0])
    found = statistics.mean(np.random.default_rng(0).normal(3.0, 1.0, 400))
    assert found.high - found.low == pytest.approx(2 * 1.96 / 20, rel=0.2)
    assert np.isnan(statistics.mean([1.0, 1.0, 1.0]).low)
    assert np.isnan(statistics.mean([]).value)
    assert statistics.shown(statistics.Interval(0.5, 0.25, 0.75)) == "0.50 [0.25, 0.75]"
    assert statistics.shown(statistics.Interval(0.5, np.nan, np.nan)) == "0.50"


def test_logistic_regression_of_two_values_is_that_of_two_shares():
    x = np.repeat([0.0, 1.0], 40)
    y = np.concatenate([np.arange(40) < 10, np.arange(40) < 30])  # odds 1/3 and 3
    fit = statistics.logistic(x, y)
    assert fit.slope == pytest.approx(np.log(9) * 0.5, rel=1e-4)
    apart = 2 * 40 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75)) - 80 * np.log(0.5)
    from scipy.stats import chi2

    assert fit.p == pytest.approx(chi2.sf(2 * apart, 1), rel=1e-4)
    assert np.isnan(statistics.logistic([1, 1, 1], [True, False, True]).p)


def test_words_of_verdicts():
    assert statistics.against(16, 20, 17, 20) == "agrees"
    assert statistics.against(6, 20, 18, 20) == "disagrees"
    assert statistics.against(0, 2, 18, 20) == "cannot be told"
    assert statistics.against(6, 6, 18, 20) == "cannot be told"
    assert statistics.shown(statistics.binomial(0, 0)) == "-"
    assert statistics.against(0, 0, 18, 20) == "cannot be told"
    assert statistics.judged(False, True) == "disagrees"


class TestSuccessRate:
    def trained(self, monkeypatch, tmp_path, solved):
        """The study with networks that are not trained, and this verdict on each."""

        def train(setting, wanted):
            return [runs.Outcome(run, tmp_path / run.name, np.array([0.1]), *[np.zeros(1)] * 3, "done", 3600.0) for run in wanted]

        def measured(outcome):
            return {"success": solved(outcome.run), "distance": 1.0, "loss": 0.1, "epochs": 1, "density": outcome.run.seed % 97,
                    "network": outcome.path.stem}  # fmt: skip

        monkeypatch.setattr(Setting, "train", train)
        monkeypatch.setattr(success_rate, "measured", measured)
        return success_rate.study(Setting(tmp_path))

    def test_it_agrees_with_networks_like_the_papers(self, monkeypatch, tmp_path):
        def solved(run):
            return run.optimizer is not None or run.network.get("recurrent") is success_rate.STARTS[0] or run.seed % 3 > 0

        found = self.trained(monkeypatch, tmp_path, solved)
        words = {verdict.claim: verdict.verdict for verdict in found.verdicts}
        assert words["the orthogonal start succeeds more often than the normal one (128 and 95 of 140)"] == "agrees"
        assert words["the recommended settings succeed in 19 of 20 for every task"] == "agrees"
        assert words["time-pulse, orthogonal start: 100 % of networks succeed"] == "agrees"
        assert len(found.rows) == 3 * 7 * 20 + 5 * 10
        text = study.write_findings("success-rate", found, tmp_path)
        assert "470 networks, 470.00 core-hours" in text
        assert "| and         | 85 %              | 20/20, 100 % [83, 100]" in text
        assert (tmp_path / "success-rate.png").read_bytes()[:4] == b"\x89PNG"
        assert len((tmp_path / "success-rate.csv").read_text().splitlines()) == 1 + len(found.rows)

    def test_it_disagrees_with_networks_that_all_fail(self, monkeypatch, tmp_path):
        found = self.trained(monkeypatch, tmp_path, lambda run: False)
        words = [verdict.verdict for verdict in found.verdicts]
        assert words[:14] == ["disagrees"] * 14
        quick = study.untold(found)
        assert {verdict.verdict for verdict in quick.verdicts} == {"cannot be told"}
        assert quick.text.startswith("**A quick run")

    def test_what_few_networks_cannot_tell(self):
        words = ("agrees", "disagrees", "cannot be told")

        def counts(orthogonal, normal, recommended):
            return {
                ("authors", "orthogonal", "and"): orthogonal, ("authors", "normal", "and"): normal,
                ("recommended", "orthogonal", "and"): recommended,
            }  # fmt: skip

        for recommended, word in (((19, 20), 0), ((18, 20), 1), ((2, 2), 2), ((1, 2), 2)):
            (verdict,) = success_rate._recommended(["and"], counts((0, 0), (0, 0), recommended))
            assert verdict.verdict == words[word], recommended
        missing = counts((0, 0), (0, 0), (20, 20)) | {("recommended", "orthogonal", "or"): (0, 0)}
        assert success_rate._recommended(["and", "or"], missing)[0].verdict == words[2]
        given = {row["task"]: row for row in success_rate.published.rows("table6_success_rates")}
        (verdict,) = success_rate._pooled(["and"], given, counts((17, 20), (7, 20), (0, 0)))
        assert (verdict.verdict, verdict.claim.endswith("(17 and 13 of 20)")) == ("agrees", True)
        assert success_rate._pooled(["and"], given, counts((17, 20), (0, 0), (0, 0))) == []  # nothing to compare

    def test_the_density_of_starts_tells_where_it_does(self):
        def rows(success):
            return [{"settings": "authors", "start": "normal", "density": k / 40, "success": success(k)} for k in range(40)]

        assert [v.verdict for v in success_rate._density(rows(lambda k: (k % 7 > 0 and k > 15) or k == 3))] == ["agrees"]
        assert [v.verdict for v in success_rate._density(rows(lambda k: k % 2 == 0))] == ["cannot be told"]

    def test_a_network_is_measured(self, tmp_path):
        task = tasks.And(onset=2, pulse=2, gap=1, tail=4)
        outcome = train_many(ensemble(task, 1, **SMALL), out=tmp_path, jobs=1, progress=False)[0]
        row = success_rate.measured(outcome)
        trials = task.conditions()
        z = outcome.network.run(trials.x)[1]
        assert row["distance"] == pytest.approx(tasks.distance(z, trials).mean(), rel=1e-6)
        assert row["success"] == tasks.success(z, trials, task)
        assert row["density"] == np.mean(np.abs(outcome.untrained.weights.W_rec) > 3**-0.5)

    @pytest.mark.compiled
    def test_the_study_from_the_command_line(self, tmp_path, capsys):
        command = ["study", "success-rate", "--quick", "--task", "and", "--out", str(tmp_path)]
        assert cli.main([*command, "--jobs", "1"]) == 0
        assert "**A quick run" in capsys.readouterr().out
        made = {name: (tmp_path / name).read_bytes() for name in ("success-rate.csv", "success-rate.json", "success-rate.png")}
        assert len(json.loads(made["success-rate.json"])["cells"]) == 3
        assert cli.main([*command, "--report-only"]) == 0
        assert {name: (tmp_path / name).read_bytes() for name in made} == made


def test_arms_are_what_they_say(tmp_path):
    setting = Setting(tmp_path, networks=2)
    assert arms.authors(setting, "xor", "normal")[0].network == {"recurrent": "normal"}
    assert arms.recommended(setting, "and")[0].optimizer.clip == 1.0
    share = [np.mean(run.untrained().weights.W_rec != 0) for run in arms.sparse_starts(setting, 0.2)]
    assert np.mean(share) == pytest.approx(0.2, abs=0.03)
    assert arms.biased(setting, "and")[0].untrained().params.b_rec is not None
    assert arms.pulse(setting, 150.0, 60)[0].task.steps == 250
    assert arms.pulse(setting, 150.0, 60)[0].untrained().n_rec == 60
    W = arms.excitatory_inhibitory(setting, 20)[0].untrained().weights.W_rec
    assert (W[:10] >= 0).all() and (W[10:] <= 0).all()
    starts = {arm: arms.dale_time(setting, arm)[0].untrained() for arm in arms.DALE_ARMS}
    diagonal = starts["KerasCog's diagonal and noise"]
    assert np.count_nonzero(diagonal.weights.W_rec) == diagonal.n_rec == np.count_nonzero(np.diag(diagonal.weights.W_rec))
    assert [net.noise > 0 for net in starts.values()] == [False, True, False, True]
    assert starts["none"].dale is None
    gates = arms.gates(setting, ("and", "xor"), 20, dale=True)[0]
    assert gates.task.condition_names[0] == "and 00" and len(gates.task.condition_names) == 8
    assert gates.untrained().dale is not None


def test_quick_and_networks_make_ensembles_small(tmp_path):
    quick = Setting(tmp_path, quick=True).ensemble(TASK, 20)
    assert len(quick) == 2 and quick[0].training == study.QUICK_TRAINING
    assert len(Setting(tmp_path, networks=3).ensemble(TASK, 20)) == 3
    assert Setting(tmp_path, report_only=True).train(quick) == []


def test_tables_cells_and_numbers():
    assert study.table(("a", "bc"), [("x|y", 1)]) == "| a    | bc  |\n|------|-----|\n| x\\|y | 1   |"
    assert study.finite({"a": np.array([1.0, np.nan]), "b": (np.inf, 2)}) == {"a": [1.0, None], "b": [None, 2]}
    assert [study._cell(v) for v in (True, np.nan, np.float32(0.5), np.int64(3), "w")] == [1, "", "0.5", 3, "w"]
    assert study.wall_time([]) == "0 networks"


def test_findings_without_rows_are_written(tmp_path):
    from minirnn import plots

    made, _ = plots.figure(1, 1, 2.0, 2.0)
    assert study.write_findings("x", Findings("t", "nothing is there", [], made, [], {}), tmp_path).startswith("# t\n")


def test_means_are_drawn():
    from minirnn import plots

    _, axes = plots.figure(1, 1, 4.0, 3.0)
    x = np.arange(3.0)
    plots.means(axes[0, 0], {"ours": (x, x**2, x)}, xlabel="N", ylabel="d", each={"ours": (x, x)})
    assert axes[0, 0].get_xlabel() == "N" and len(axes[0, 0].lines) > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["success-rate", "--networks", "0"], "--networks must be at least 1"),
        (["time-step", "--quick"], "--quick is not for time-step"),
        (["success-rate", "--epochs", "3"], "--epochs is not for success-rate"),
        (["success-rate", "--task", "rdm"], "task must be one of and, or, xor"),
        (["gradient-error", "--jobs", "2"], "--jobs is not for gradient-error"),
    ],
)
def test_the_command_line_refuses_what_a_study_has_not(arguments, words, tmp_path, capsys):
    assert cli.main(["study", *arguments, "--out", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err


def test_a_report_on_nothing_says_so(tmp_path, capsys):
    assert cli.main(["study", "success-rate", "--report-only", "--out", str(tmp_path)]) == 1
    assert "no network of success-rate is in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_study_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(setting):
        raise KeyboardInterrupt

    monkeypatch.setattr(success_rate, "study", interrupted)
    assert cli.main(["study", "success-rate", "--out", str(tmp_path)]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_a_scheduler_needs_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match="cluster"), study_commands._cluster("tcp://127.0.0.1:1"):
        pass


def test_the_time_left_is_spoken():
    assert [runs._spoken(s) for s in (40, 720, 3900 + 2400)] == ["40 s", "12 min", "1 h 45 min"]
