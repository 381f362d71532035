"""Excitatory-inhibitory spectra and training times of ensembles, against closed forms and networks made by hand."""

import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, tasks
from minirnn.analysis import activity
from minirnn.ensembles import arms, dale_time, ei_spectrum, runs, statistics, study
from minirnn.ensembles.study import Setting


def ei_network(N, excitatory, start, seed, **changes):
    dale = mr.Dale(excitatory, by="projection", axis="post", readout=False)
    return mr.Network.random(2, N, 1, recurrent=start, dale=dale, rng=seed, **changes)


# ---- time constants


def test_the_time_constant_of_an_autoregressive_process_is_that_of_its_coefficient():
    rng = np.random.default_rng(0)
    a = np.exp(-1 / np.array([2.5, 6.0, 20.0]))
    h = np.zeros((500, 400, 3))
    h[0] = rng.standard_normal((400, 3)) / np.sqrt(1 - a**2)
    for t in range(1, 500):
        h[t] = a * h[t - 1] + rng.standard_normal((400, 3))
    found = activity.time_constants(h + np.sin(np.arange(500))[:, None, None], dt=2.0)  # what trials share does not count
    np.testing.assert_allclose(found, [5.0, 12.0, 40.0], rtol=0.03)


def test_the_time_constant_of_oscillations_is_that_of_the_cosine():
    phases = 2 * np.pi * np.arange(4) / 4
    t = np.arange(200)[:, None]
    h = np.stack([np.cos(2 * np.pi * t / period + phases) for period in (40.0, 100.0)], axis=2)
    np.testing.assert_allclose(activity.time_constants(h), np.arccos(1 / np.e) / (2 * np.pi) * np.array([40, 100]), rtol=2e-3)


def test_units_that_never_forget_and_that_never_differ_are_told():
    h = np.zeros((10, 3, 3))
    h[:, :, 0] = [1.0, 2.0, 4.0]
    h[:, :, 1] = np.arange(10.0)[:, None]
    h[:, 0, 2], h[:, 1, 2] = (-1.0) ** np.arange(10), -((-1.0) ** np.arange(10))
    found = activity.time_constants(h)
    assert found[0] == np.inf and np.isnan(found[1])
    assert found[2] == pytest.approx((1 - 1 / np.e) / 2)  # A(1) = -1
    for wrong, words in (({"states": h[:, :1]}, "2 trials"), ({"dt": 0.0}, "dt must be"), ({"lags": 10}, "lags must be")):
        with pytest.raises(ValueError, match=words):
            activity.time_constants(**{"states": h, **wrong})


# ---- statistics


def test_slopes_differences_and_ratios_have_their_intervals():
    x = np.arange(12.0)
    noise = np.tile([1.0, -1.0, -1.0, 1.0], 3)
    found = statistics.slope(x, 3 * x + 5 + noise)
    X = np.stack([x, np.ones(12)], axis=1)
    beta = np.linalg.lstsq(X, 3 * x + 5 + noise, rcond=None)[0]
    rest = 3 * x + 5 + noise - X @ beta
    half = 2.2281388 * np.sqrt((rest**2).sum() / 10 * np.linalg.inv(X.T @ X)[0, 0])  # t of ten degrees of freedom
    assert found == pytest.approx((beta[0], beta[0] - half, beta[0] + half), rel=1e-6)
    assert np.isnan(statistics.slope([1, 1], [2, 3]).value)
    assert np.isnan(statistics.slope([1, 2, 3], [2, 3, 4]).low)
    rng = np.random.default_rng(0)
    a, b = rng.normal(6.0, 1.0, 200), rng.normal(2.0, 0.5, 100)
    apart, times = statistics.difference(a, b), statistics.ratio(a, b)
    assert apart.high - apart.low == pytest.approx(2 * 1.96 * np.hypot(1 / 200**0.5, 0.5 / 10), rel=0.15)
    assert times.value == a.mean() / b.mean() and times.low < 3.0 < times.high
    assert np.isnan(statistics.difference([], [1.0]).value) and np.isnan(statistics.ratio([1.0, 2.0], [1.0]).low)
    assert statistics.rank_sum([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert statistics.rank_sum([151, 151, 151], [5, 6, 7, 8]) == pytest.approx(2 / 35)  # ties are shared out like any ranks
    assert statistics.rank_sum([1, 1], [1, 2, 2]) == pytest.approx(4 / 10)
    assert np.isnan(statistics.rank_sum([], [1.0]))


# ---- ei-spectrum


@pytest.mark.parametrize(("start", "spread"), [("normal", 0.03), ("orthogonal", 0.02)])
def test_spectra_of_large_matrices_are_the_closed_forms(start, spread):
    found = ei_spectrum.spectral(ei_network(400, 0.7, start, 3), start)
    assert found["outer"] == pytest.approx(0.5838, rel=spread)
    assert found["outer_by_norm"] == pytest.approx(0.5838, rel=0.005)  # of W_rec itself, rows of one sign, it is 0.70
    assert found["median"] == pytest.approx(0.508 if start == "orthogonal" else 0.413, rel=spread)
    assert found["median"] == pytest.approx(found["theory_median"], rel=spread)
    assert found["largest_real"] == pytest.approx(20 * 0.4 * 0.39894, rel=0.1)
    assert found["theory_outlier"] == pytest.approx(20 * 0.4 * 0.39894, rel=1e-4)
    if start == "orthogonal":
        assert found["inner"] == pytest.approx(0.3989, rel=0.03)
        assert found["inner"] / found["median"] > 0.7
    else:
        assert found["inner"] / found["median"] < 0.4
    assert found["outside_unit_circle"] == 1


def test_spectra_are_those_of_a_matrix_made_by_hand():
    net = mr.Network.random(2, 10, 1, dale=None, rng=0)
    W = np.diag([1.5, -1.3, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]).astype("f4")
    found = ei_spectrum.spectral(net.with_params(net.params._replace(W_rec=W)), "normal")
    assert (found["authors_outer"], found["authors_inner"]) == (pytest.approx(0.5), pytest.approx(0.2))
    assert (found["largest_real"], found["largest"], found["outside_unit_circle"]) == (pytest.approx(1.5), pytest.approx(1.5), 2)
    assert (found["theory_outer"], found["theory_inner"], found["theory_median"]) == (1.0, 0.0, pytest.approx(np.sqrt(0.5)))


@pytest.mark.compiled
def test_activity_is_that_of_units_that_hold_forget_and_saturate():
    """Three units: one rests, one is driven to tanh(3) = 0.995 by its bias, one remembers its input for -1 / log(0.9) steps."""
    task = tasks.EIAnd(onset=5, pulse=3, gap=2, tail=120, jitter=0)
    W_in, W_out = np.array([[0, 0], [0, 0], [0.1, 0.0]], "f4"), np.ones((1, 3), "f4")
    b_rec = np.array([0.0, 3.0, 0.0], "f4")
    net = mr.Network(W_in, np.diag([0.0, 0.0, 0.9]).astype("f4"), W_out, b_rec=b_rec, dt=1.0, tau=1.0)
    found = ei_spectrum.active(net, task, trials=400)
    h = net.run(task.conditions().x)[0][1 + task.answer_start :]
    assert found["rate"] == pytest.approx(np.abs(h).mean(), rel=1e-6)
    assert found["saturated"] == pytest.approx(1 / 3)
    assert found["time_constant"] == pytest.approx(-1 / np.log(0.9), rel=0.1)
    slow = mr.Network(0.1 * W_in, np.diag([0.0, 0.0, 0.9999]).astype("f4"), W_out, dt=1.0, tau=1.0)
    task = tasks.EIAnd(onset=600, pulse=3, gap=2, tail=120, jitter=0)
    assert ei_spectrum.active(slow, task, trials=8)["time_constant"] == 60.0  # half the answer, the longest that is told


def row(start="orthogonal", units=100, f=0.5, run=0, when="after", constrained=True, **values):
    theory = {"theory_outer": 0.584, "theory_inner": 0.399, "theory_outlier": 0.0, "theory_median": 0.508}
    found = {"outer": 0.584, "inner": 0.39, "outer_by_norm": 0.584, "median": 0.508, "authors_outer": 0.6, "authors_inner": 0.2}
    more = {"largest_real": 1.1, "largest": 1.1, "outside_unit_circle": 1, "outside_bulk": 2}
    lived = {"rate": 0.2, "saturated": 0.1, "time_constant": 3.0, "success": True, "distance": 1.0, "epochs": 20, "network": "x"}
    f = f if constrained else np.nan
    cell = {"constrained": constrained, "start": start, "units": units, "excitatory": f, "run": run, "when": when}
    return {**cell, **found, **theory, **more, **lived, **values}


class TestEISpectrum:
    def found(self, monkeypatch, tmp_path, value):
        """The study's findings with rows that `value(cell, when, rng)` makes, without training."""
        rng = np.random.default_rng(0)

        def train(setting, wanted):
            return [runs.Outcome(run, tmp_path / run.name, np.array([0.1]), *[np.zeros(1)] * 3, "done", 3600.0) for run in wanted]

        def made(cell, when):
            names = {"f" if name == "excitatory" else name: cell[name] for name in cell}
            return row(**names, when=when, **value(cell, when, rng))

        monkeypatch.setattr(Setting, "train", train)
        monkeypatch.setattr(ei_spectrum, "measured", lambda outcome, cell: [made(cell, "before"), made(cell, "after")])
        monkeypatch.setattr(ei_spectrum, "drawn", lambda run, cell: made(cell, "before"))
        monkeypatch.setattr(ei_spectrum, "DRAWN", 12)
        monkeypatch.setattr(ei_spectrum, "_cloud", lambda runs, of_name: (np.ones(3, complex), np.ones(3, complex)))
        return ei_spectrum.study(Setting(tmp_path))

    def test_it_agrees_where_all_is_the_closed_form(self, monkeypatch, tmp_path):
        def value(cell, when, rng):
            found = {name: 0.584 * rng.normal(1, 0.005) for name in ("outer", "outer_by_norm", "authors_outer")}
            ring = cell["start"] == "orthogonal"
            found |= {"median": (0.508 if ring else 0.413) * rng.normal(1, 0.005), "theory_median": 0.508 if ring else 0.413}
            return found | {"inner": (0.399 if ring else 0.13) * rng.normal(1, 0.005), "rate": rng.uniform(0.1, 0.2)}

        found = self.found(monkeypatch, tmp_path, value)
        assert {verdict.verdict for verdict in found.verdicts} == {"agrees"}
        assert len(found.verdicts) == 7 + 3 + 9 + 4
        text = study.write_findings("ei-spectrum", found, tmp_path)
        assert "| orthogonal | 500 | 0.5 | 10 " in text and "| normal     | 200 | 0.5 | 5/5 " in text
        assert (tmp_path / "ei-spectrum.png").read_bytes()[:4] == b"\x89PNG"

    def test_it_disagrees_where_radii_follow_size_and_fraction(self, monkeypatch, tmp_path):
        def value(cell, when, rng):
            grown = (0.7 + 0.004 * cell["units"]) * (1.0 if np.isnan(cell["excitatory"]) else 1 + cell["excitatory"])
            found = {name: grown * rng.normal(1, 0.01) for name in ("outer", "outer_by_norm", "authors_outer", "median")}
            inner = 0.2 if cell["start"] == "orthogonal" else 0.9
            return found | {"inner": grown * inner * rng.normal(1, 0.01), "rate": rng.uniform(0.1, 0.2)}

        found = self.found(monkeypatch, tmp_path, value)
        assert [verdict.claim for verdict in found.verdicts if verdict.verdict != "disagrees"] == []

    def test_nothing_agrees_where_a_size_is_missing_or_means_differ_without_a_slope(self):
        rng = np.random.default_rng(0)
        x = np.repeat([75, 100, 150, 200], 5)
        flat = 0.58 * rng.normal(1, 0.005, 20)
        assert ei_spectrum.independent(x, flat, (75, 100, 150, 200))[2] == "agrees"
        assert ei_spectrum.independent(x[:15], flat[:15], (75, 100, 150, 200))[2] == "cannot be told"
        x40, flat40 = np.tile(x, 8), np.tile(flat, 8)
        change, apart, word = ei_spectrum.independent(x40, flat40 * np.where(x40 == 150, 1.2, 1.0), (75, 100, 150, 200))
        assert -0.1 < change.low < change.high < 0.1 < 0.15 < apart and word == "cannot be told"
        assert ei_spectrum.independent(x, 0.5 + 0.002 * x, (75, 100, 150, 200))[2] == "disagrees"
        assert ei_spectrum.independent([], [], (75,))[2] == "cannot be told"

    def test_a_network_is_measured_before_and_after(self, tmp_path):
        task = tasks.EIAnd(onset=3, pulse=2, gap=1, tail=6, jitter=2)
        settings = {"network": {"n_rec": 8}, "training": {"samples": 8, "epochs": 1, "batch": 4, "validation": 2}}
        outcome = runs.train_many(runs.ensemble(task, 1, **settings), out=tmp_path, jobs=1, progress=False)[0]
        before, after = ei_spectrum.measured(outcome, {"start": "orthogonal", "units": 8})
        assert (before["when"], after["when"], before["epochs"], after["epochs"]) == ("before", "after", 0, 1)
        for found, net in ((before, outcome.untrained), (after, outcome.network)):
            W = net.weights.W_rec.astype(float)
            assert found["largest"] == pytest.approx(np.abs(np.linalg.eigvals(W)).max(), rel=1e-6)
            assert found["outer_by_norm"] == pytest.approx(np.linalg.norm(W - W.mean(axis=1, keepdims=True)) / 8**0.5, rel=1e-6)
            z = net.outputs(task.conditions().x)
            assert found["distance"] == pytest.approx(tasks.distance(z, task.conditions()).mean(), rel=1e-6)
        run = outcome.run
        bare = ei_spectrum.drawn(run, {"start": "orthogonal", "units": 8})
        assert set(bare) == set(before) and bare["outer"] == before["outer"] and np.isnan(bare["rate"])

    def test_the_task_is_named_and_nothing_is_reported_of_nothing(self, tmp_path):
        with pytest.raises(ValueError, match="task must be ei-and, got xor"):
            ei_spectrum.study(Setting(tmp_path, task="xor"))
        found = ei_spectrum.study(Setting(tmp_path, report_only=True))
        assert found.rows == [] and {verdict.verdict for verdict in found.verdicts} == {"cannot be told"}
        assert study.write_findings("ei-spectrum", found, tmp_path)

    @pytest.mark.compiled
    def test_the_study_from_the_command_line(self, tmp_path, capsys):
        command = ["study", "ei-spectrum", "--quick", "--out", str(tmp_path)]
        assert cli.main([*command, "--jobs", "1"]) == 0
        assert "**A quick run" in capsys.readouterr().out
        made = {name: (tmp_path / f"ei-spectrum.{name}").read_bytes() for name in ("csv", "json", "png", "md")}
        assert len(made["csv"].splitlines()) == 1 + 2 * 6
        assert cli.main([*command, "--report-only"]) == 0
        assert {name: (tmp_path / f"ei-spectrum.{name}").read_bytes() for name in made} == made


def test_the_arms_without_signs_are_unconstrained(tmp_path):
    net = arms.unconstrained(Setting(tmp_path), 20)[0].untrained()
    assert net.dale is None and net.n_rec == 20
    np.testing.assert_allclose(net.weights.W_rec @ net.weights.W_rec.T, np.eye(20), atol=1e-5)


# ---- dale-time


def test_thresholds_and_asymptotes_are_those_of_losses_made_by_hand():
    loss = np.concatenate([np.full(20, 0.2), np.full(20, 0.02), np.full(20, 0.01)])
    found = dale_time.falling(loss, 60)
    assert (found["epochs"], found["reached"], found["epochs_to_threshold"]) == (60, True, 21)
    assert (found["asymptote"], found["remains"]) == (pytest.approx(0.01), pytest.approx(0.5))
    flat = dale_time.falling(np.full(60, 0.1), 60)
    assert (flat["reached"], flat["epochs_to_threshold"], flat["remains"]) == (False, 61, pytest.approx(1.0))
    assert dale_time.falling(np.full(5, 0.1), 150)["epochs_to_threshold"] == 151  # it ended early
    assert dale_time.falling([dale_time.THRESHOLD])["epochs_to_threshold"] == 1
    assert np.isnan(dale_time.falling(np.full(29, 0.1))["remains"])
    assert np.isnan(dale_time.falling([], 150)["asymptote"])


class TestDaleTime:
    def found(self, monkeypatch, tmp_path, loss):
        """The study's findings with networks that are not trained and have this loss, of an arm and a number."""

        def train(setting, wanted):
            arm_of = {run.name: arm for arm in arms.DALE_ARMS for run in arms.dale_time(setting, arm)}
            return [
                runs.Outcome(run, tmp_path / run.name, loss(arm_of[run.name], k), *[np.zeros(1)] * 3, "done", 36.0)
                for k, run in enumerate(wanted)
            ]

        def measured(outcome):
            return {**dale_time.falling(outcome.loss), "success": True, "distance": 1.0, "network": outcome.path.stem}

        monkeypatch.setattr(Setting, "train", train)
        monkeypatch.setattr(runs.Outcome, "network", property(lambda outcome: outcome.run.untrained()))
        monkeypatch.setattr(dale_time, "measured", measured)
        monkeypatch.setattr(dale_time, "_figure", lambda found: drawn())
        return dale_time.study(Setting(tmp_path))

    def test_it_tells_which_of_the_two_it_is(self, monkeypatch, tmp_path):
        def loss(arm, k):
            slow, floor = {"none": (5, 0.001), "Dale alone": (6, 0.0011)}.get(arm, (18, 0.01 if arm == "Dale and noise" else 0.1))
            return (floor + 0.2 * np.exp(-np.arange(150) / (slow + 0.1 * (k % 5)))) * (1 + 0.01 * (k % 3))

        found = self.found(monkeypatch, tmp_path, loss)
        words = {verdict.claim: verdict.verdict for verdict in found.verdicts}
        assert words == {
            "training takes much longer with Dale's law and noise than without": "agrees",
            "with Dale's law and noise the loss comes to an asymptote here, above that without": "agrees",
            "training takes much longer with KerasCog's diagonal and noise than without": "agrees",
            "with KerasCog's diagonal and noise the loss comes to an asymptote here, above that without": "agrees",
            "Dale's law alone makes training much longer": "disagrees",
            "with Dale's law, noise makes training much longer": "agrees",
            "Dale's law alone raises the loss at the end": "agrees",
            "with Dale's law, noise raises the loss at the end": "agrees",
            "KerasCog's diagonal ends above a true Dale's law, both with noise": "agrees",
        }
        text = study.write_findings("dale-time", found, tmp_path)
        assert "| KerasCog's diagonal and noise | 5/5     | 0/5                 | 151.0 " in text and "36.0" in text
        assert not any("second" in name for name in found.rows[0])  # never the same again
        assert "36.0" not in (tmp_path / "dale-time.json").read_text()

    def test_it_disagrees_where_dales_law_helps(self, monkeypatch, tmp_path):
        def loss(arm, k):
            return (0.02 if arm == "none" else 0.001) + 0.2 * np.exp(-np.arange(150) / (20 + 0.1 * (k % 5))) + 1e-5 * k

        found = self.found(monkeypatch, tmp_path, loss)
        assert [verdict.verdict for verdict in found.verdicts[:2]] == ["disagrees", "disagrees"]

    def test_a_loss_that_still_falls_has_no_asymptote(self, monkeypatch, tmp_path):
        def loss(arm, k):
            return (0.02 if arm == "none" else 0.2) * np.exp(-np.arange(150) / (50 + k % 5))

        found = self.found(monkeypatch, tmp_path, loss)
        assert found.verdicts[1].verdict == "disagrees"

    def test_nothing_is_told_where_no_arm_reaches_the_threshold(self, monkeypatch, tmp_path):
        found = self.found(monkeypatch, tmp_path, lambda arm, k: np.full(150, 0.25))
        assert {verdict.verdict for verdict in found.verdicts} == {"cannot be told"}

    def test_the_task_is_named_and_nothing_is_reported_of_nothing(self, tmp_path):
        with pytest.raises(ValueError, match="task must be kerascog-flip-flop, got and"):
            dale_time.study(Setting(tmp_path, task="and"))
        found = dale_time.study(Setting(tmp_path, report_only=True))
        assert found.rows == [] and {verdict.verdict for verdict in found.verdicts} == {"cannot be told"}
        assert study.write_findings("dale-time", found, tmp_path)

    @pytest.mark.compiled
    def test_the_study_from_the_command_line(self, tmp_path, capsys):
        command = ["study", "dale-time", "--quick", "--out", str(tmp_path)]
        assert cli.main([*command, "--jobs", "1"]) == 0
        assert "**A quick run" in capsys.readouterr().out
        made = {name: (tmp_path / f"dale-time.{name}").read_bytes() for name in ("csv", "json", "png", "md")}
        assert len(made["csv"].splitlines()) == 1 + 4 * 2
        assert cli.main([*command, "--report-only"]) == 0
        assert {name: (tmp_path / f"dale-time.{name}").read_bytes() for name in made} == made
        outcome = runs.read_outcome(arms.dale_time(Setting(tmp_path, quick=True), "none")[0], tmp_path)
        row, trials = dale_time.measured(outcome), outcome.run.task.conditions()
        z = outcome.network.run(trials.x)[1]
        assert row["distance"] == pytest.approx(tasks.distance(z, trials, masked=True).mean(), rel=1e-5)
        assert row["success"] == tasks.success(z, trials, outcome.run.task)
        assert row["asymptote"] == outcome.loss[0]


def drawn():
    from minirnn import plots

    return plots.figure(1, 1, 2.0, 2.0)[0]


def test_epochs_that_are_lower_bounds_are_not_said_to_be_few():
    rows = [{"arm": "a", "reached": False, "epochs_to_threshold": 151} for _ in range(5)]
    rows += [{"arm": "b", "reached": True, "epochs_to_threshold": 101 + k} for k in range(5)]
    assert dale_time._longer(rows, "a", "b", "", "").verdict == "cannot be told"
    known = [row | {"reached": True} for row in rows]
    assert dale_time._longer(known, "a", "b", "", "").verdict == "disagrees"


def test_a_ring_is_denied_by_its_networks_and_not_by_too_few():
    def word(rings):
        rows = [
            {"start": start, "when": "after", "constrained": True, "units": 75, "excitatory": 0.5, "outer": 0.6, "inner": inner,
             "median": 0.5}
            for start, inner, n in rings
            for _ in range(n)
        ]  # fmt: skip
        return ei_spectrum._shape(rows)[-1].verdict

    assert word([("orthogonal", 0.4, 9), ("normal", 0.1, 9)]) == "agrees"
    assert word([("orthogonal", 0.1, 1), ("normal", 0.1, 10)]) == "cannot be told"
    assert word([("orthogonal", 0.1, 9), ("normal", 0.1, 9)]) == "disagrees"
