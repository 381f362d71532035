import json

import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, plots, tasks
from minirnn.ensembles import invariance, memory_delay, memory_size, statistics, study
from minirnn.ensembles.runs import Outcome, Run
from minirnn.ensembles.study import Setting

PULSE = tasks.TimePulse(onset=60, pulse=20, gap=1, tail=30, target_noise_std=0.1)  # T = 131
GATE = tasks.And(onset=6, pulse=2, gap=1, tail=5)


def outcome_of(task, network, path, seed=3):
    network.save(path)
    return Outcome(Run(task, seed), path, np.array([0.5, 0.1]), *[np.zeros(2)] * 3, "done", 3600.0)


def untrained(setting, wanted):
    """In place of Setting.train: outcomes of networks that are not there."""
    return [Outcome(run, setting.out / run.name, np.array([0.1]), *[np.zeros(1)] * 3, "done", 3600.0) for run in wanted]


def words(findings):
    return [verdict.verdict for verdict in findings.verdicts]


# ---- statistics


def test_a_correlation_has_an_exact_p_and_an_interval():
    found = statistics.correlation([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 6, 5])
    assert found.rho == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert found.p == pytest.approx(2 * (1 + 5) / 720)  # the order itself and five neighbours exchanged, and their opposites
    assert np.arctanh(found.high) - np.arctanh(found.low) == pytest.approx(2 * 1.96 * np.sqrt((1 + found.rho**2 / 2) / 3))
    perfect = statistics.correlation(range(5), range(5))
    assert perfect.p == pytest.approx(2 / 120) and np.isnan(perfect.low) and "[" not in str(perfect)
    assert str(statistics.correlation([1, 2], [1, 2])) == "-"
    rng = np.random.default_rng(0)
    many = statistics.correlation(*rng.standard_normal((2, 40)))
    assert (many.rho, many.p) == statistics.spearman(*np.random.default_rng(0).standard_normal((2, 40)))


def test_words_of_correlations():
    made = statistics.Correlation
    assert statistics.at_least(made(0.9, 0.7, 0.97, 1e-6, 24), 0.8) == "agrees"
    assert statistics.at_least(made(0.9, 0.1, 0.99, 0.08, 5), 0.8) == "cannot be told"
    assert statistics.at_least(made(0.7, 0.4, 0.87, 1e-4, 24), 0.8) == "cannot be told"
    assert statistics.at_least(made(0.3, -0.2, 0.65, 0.2, 24), 0.8) == "disagrees"
    assert statistics.at_least(made(-1.0, np.nan, np.nan, 0.01, 6), 0.8) == "disagrees"
    assert statistics.at_least(statistics.correlation([1, 2, 3, 4], [4, 3, 2, 1]), 0.8) == "cannot be told"  # p = 1/12
    assert statistics.at_least(statistics.correlation([], []), 0.8) == "cannot be told"
    assert [statistics.trend(made(-0.5, 0, 0, 0.01, 9), sign) for sign in (1, -1)] == ["disagrees", "agrees"]
    assert statistics.trend(made(0.5, 0, 0, 0.2, 9), 1) == "cannot be told"


# ---- memory: what is measured


def delay_line(task):
    """z[t] = x[t - pulse - gap], the answer that is asked for, with what noise the input had."""
    n = round((task.pulse + task.gap) / task.dt) + 1
    W_in, W_out = np.zeros((n, 1)), np.zeros((1, n))
    W_in[0] = W_out[0, -1] = 1
    return mr.Network(W_in, np.eye(n, k=-1), W_out, None, np.zeros(1), phi="linear")


@pytest.mark.compiled
def test_a_delay_line_answers_and_its_distance_is_that_of_both_noises(tmp_path):
    outcome = outcome_of(PULSE, delay_line(PULSE), tmp_path / "line.npz")
    row = memory_delay.measured(outcome)
    assert row["d_noiseless"] == pytest.approx(0.01 * np.sqrt(131 - 20), rel=1e-4)  # the baseline alone
    variance = 2 * 0.1**2  # of the delayed input's noise and the target's; of the first 21 steps' output there is none
    assert row["d_100"] == pytest.approx(np.sqrt(100 * variance), rel=0.02)
    assert row["d"] == pytest.approx(np.sqrt(131 * variance - 21 * 0.1**2), rel=0.02)
    assert row["d_rms"] == pytest.approx(row["d"] * np.sqrt(100 / 131))
    assert row["answers_noiseless"] is True
    quieter = tasks.TimePulse(onset=60, pulse=20, gap=1, tail=30, input_noise_std=0.01, target_noise_std=0.1)
    assert memory_delay.measured(outcome_of(quieter, delay_line(quieter), tmp_path / "quiet.npz"))["answered"] == 1.0
    assert memory_delay.measured(outcome) == row  # from the seed of the run alone
    assert memory_delay.measured(outcome._replace(run=Run(PULSE, 4)))["d"] != row["d"]


@pytest.mark.compiled
def test_a_silent_network_is_where_the_module_says_at_every_delay(tmp_path):
    zeros = np.zeros((2, 2))
    silent = mr.Network(zeros[:, :1], zeros, zeros[:1])
    for delay, rms in ((25.0, 1.72), (170.0, 1.41)):
        task = tasks.TimePulse(gap=delay, tail=30.0, target_noise_std=0.1)
        row = memory_delay.measured(outcome_of(task, silent, tmp_path / "silent.npz"))
        assert row["d_100"] == pytest.approx(1.85, abs=0.02)
        assert row["d_rms"] == pytest.approx(rms, abs=0.02)
        assert row["answered"] == 0 and row["answers_noiseless"] is False
    assert memory_delay.failed(1.84) == pytest.approx(1.0)
    assert [memory_delay.failed(d) for d in (0.9, 1.445, 3.0)] == pytest.approx([0, 0.5, 1])


# ---- memory: what is said of it

CURVES = {
    "delay": memory_delay.published_curve("scale_distance_vs_delay", "delay_ms"),
    "units": memory_delay.published_curve("scale_distance_vs_size_at_150ms", "n_units"),
}


def told(monkeypatch, tmp_path, module, level, networks=None):
    """The study with networks whose distance is `level` of their delay or size, and some scatter."""

    def measured(outcome):
        units = outcome.run.network["n_rec"]
        at = float(outcome.run.task.gap if module is memory_delay else units)
        d = level(at) + 0.02 * np.random.default_rng(outcome.run.seed).standard_normal()
        return {"d_100": d, "d": 3 - d, "d_rms": d, "d_noiseless": d - 1, "answered": 1 - memory_delay.failed(d),
                "answers_noiseless": d < 1.2, "epochs": 20, "loss": 0.1, "network": outcome.path.stem}  # fmt: skip

    monkeypatch.setattr(Setting, "train", untrained)
    monkeypatch.setattr(module, "measured", measured)
    return module.study(Setting(tmp_path, networks))


@pytest.mark.parametrize(("module", "key"), [(memory_delay, "delay"), (memory_size, "units")])
def test_memory_agrees_with_networks_like_the_papers(monkeypatch, tmp_path, module, key):
    found = told(monkeypatch, tmp_path, module, lambda at: CURVES[key][at][0])
    assert words(found) == ["agrees"] * 4
    assert len(found.rows) == (240 if module is memory_delay else 48)
    assert {row[key] for row in found.rows} <= set(CURVES[key])
    text = study.write_findings("memory", found, tmp_path)
    assert text.count("| meet |") == len(found.numbers["cells"]) == (24 if module is memory_delay else 6)
    assert found.numbers["spearman_of_others"]["d"]["rho"] < -0.9  # made to go the other way, and not judged
    line = found.numbers["unanswered"]
    assert (line["intercept"], line["slope"]) == pytest.approx((1.05, 0.79), abs=0.05)
    assert f"d_100 = {line['intercept']:.2f} + {line['slope']:.2f} failed" in text
    assert (tmp_path / "memory.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(("module", "key"), [(memory_delay, "delay"), (memory_size, "units")])
def test_memory_disagrees_with_networks_of_the_opposite_kind(monkeypatch, tmp_path, module, key):
    found = told(monkeypatch, tmp_path, module, lambda at: 4 - CURVES[key][at][0])
    assert words(found) == ["disagrees"] * 4
    assert {cell["bars"] for cell in found.numbers["cells"]} == {"above"}


def test_the_same_order_at_another_level_is_told_apart(monkeypatch, tmp_path):
    found = told(monkeypatch, tmp_path, memory_delay, lambda at: 0.5 + CURVES["delay"][at][0] / 2)
    assert words(found)[:3] == ["agrees", "disagrees", "agrees"]
    assert "are below, 0 above" in found.verdicts[1].found


def test_of_two_networks_each_nothing_is_compared(monkeypatch, tmp_path):
    found = told(monkeypatch, tmp_path, memory_size, lambda at: CURVES["units"][at][0], 2)
    assert [words(found)[k] for k in (0, 1, 3)] == ["cannot be told"] * 3
    assert {cell["bars"] for cell in found.numbers["cells"]} == {"-"}


def test_a_delay_without_networks_is_an_empty_line(monkeypatch, tmp_path):
    def most(setting, wanted):
        return [outcome for outcome in untrained(setting, wanted) if outcome.run.task.gap != 60]

    monkeypatch.setattr(memory_delay, "measured", lambda outcome: dict.fromkeys(
        ("d_100", "d", "d_rms", "d_noiseless", "answered"), 1.0) | {"network": outcome.path.stem})  # fmt: skip
    monkeypatch.setattr(Setting, "train", most)
    found = memory_delay.study(Setting(tmp_path))
    text = study.write_findings("memory", found, tmp_path)
    assert "| 60         | 0        | -          | 1.40 +- 0.08 |" in text
    assert json.loads((tmp_path / "memory.json").read_text())["cells"][7]["answered"] is None
    assert found.verdicts[0].verdict == "cannot be told"  # a constant has no rank correlation


# ---- invariance


def gate_network(bias):
    """Two units: one integrates both inputs, the other moves by itself where there is a bias, and both are read."""
    W_in = np.array([[1.0, 1.0], [0.0, 0.0]])
    W_rec = np.array([[1.0, 0.0], [0.0, 0.5]])
    b_rec = np.array([0.0, bias]) if bias is not None else None
    return mr.Network(W_in, W_rec, np.array([[0.5, 1.0]]), b_rec, np.array([0.25]), phi="linear")


def test_a_network_without_a_bias_does_not_mind(tmp_path):
    rows = invariance.measured(outcome_of(GATE, gate_network(None), tmp_path / "plain.npz"), [3.0, 6.0, 12.0])
    assert len(rows) == 12
    assert [(row["onset"], row["trained"]) for row in rows[::4]] == [(3, False), (6, True), (12, False)]
    assert {(row["bias"], row["change"], row["drift"]) for row in rows} == {(False, 0.0, 0.0)}
    of = {(row["onset"], row["condition"]): row for row in rows}
    for onset in (3.0, 6.0, 12.0):
        assert of[onset, "00"]["response"] == pytest.approx(0.25 * np.sqrt(8))
        assert of[onset, "00"]["distance"] == pytest.approx(0.25 * np.sqrt(8 + onset))
        z = 0.25 + 0.5 * np.array([1, *[2] * 7])  # of one input alone
        assert of[onset, "10"]["response"] == pytest.approx(np.linalg.norm(z))
        assert of[onset, "00"]["right"] and not of[onset, "10"]["right"]
    (found,) = invariance.summaries([row | {"task": "and"} for row in rows]).values()
    assert found == (invariance.PLAIN, "and", 0.0, 0.0, 0.0, False, False, [0.0, 0.0], [0.0, 0.0])


def test_a_bias_makes_a_clock_with_the_drift_of_its_unit(tmp_path):
    rows = invariance.measured(outcome_of(GATE, gate_network(0.4), tmp_path / "biased.npz"), [3.0, 6.0, 12.0])
    of = {(row["onset"], row["condition"]): row for row in rows}
    n = np.arange(40)
    unit = 0.8 * (1 - 0.5**n)  # n steps after the start
    for onset in (3, 6, 12):
        row = of[float(onset), "00"]
        assert row["drift"] == pytest.approx(0.4 * 0.5 ** (onset - 1))
        z = 0.25 + unit[onset + 1 : onset + 9]
        assert row["response"] == pytest.approx(np.linalg.norm(z))
        assert row["change"] == pytest.approx(abs(unit[onset + 1] - unit[7]), abs=1e-12)
    (found,) = invariance.summaries([row | {"task": "and"} for row in rows]).values()
    assert found.kind == invariance.BIASED and found.drift == pytest.approx(0.1)
    response = {onset: np.array([of[onset, name]["response"] for name in GATE.condition_names]) for onset in (3.0, 6.0, 12.0)}
    assert found.moved == pytest.approx([np.abs(response[s] - response[6.0]).max() for s in (3.0, 12.0)])
    assert found.spread == pytest.approx((response[12.0] - response[3.0]).max())
    assert found.drifts == pytest.approx([0.1, 0.4 * 0.5**11])


def test_the_condition_that_changes_most_is_shown(tmp_path):
    curves, name = invariance.outputs_of(outcome_of(GATE, gate_network(None), tmp_path / "plain.npz"), [3.0, 12.0])
    assert name == "11" and [len(z) for z in curves] == [11, 20]
    assert curves[0][3:] == pytest.approx(curves[1][12:])
    biased = gate_network(0.4)
    _, name = invariance.outputs_of(outcome_of(GATE, biased, tmp_path / "biased.npz"), [3.0, 12.0])
    assert name == "00"  # all change alike: the first


def invariance_told(monkeypatch, tmp_path, *, plain, biased, right=lambda onset: True):
    """The study with networks whose change with the onset is plain or biased of (onset, drift of the network)."""

    def measured(outcome, onsets):
        bias = outcome.run.network.get("b_rec", False)
        size = 0.5 + outcome.run.seed % 997 / 997
        change = biased if bias else plain
        return [
            {"bias": bias, "onset": onset, "condition": name, "distance": 1.0, "response": 1.0 + change(onset, size),
             "change": change(onset, size), "drift": size / onset if bias else 0.0, "right": right(onset) or not bias,
             "trained": onset == 30, "network": outcome.path.stem}
            for onset in onsets for name in outcome.run.task.condition_names
        ]  # fmt: skip

    monkeypatch.setattr(Setting, "train", untrained)
    monkeypatch.setattr(invariance, "measured", measured)
    monkeypatch.setattr(invariance, "outputs_of", lambda outcome, onsets: ([np.zeros(9)] * len(onsets), "11"))
    return invariance.study(Setting(tmp_path))


def test_invariance_agrees_where_only_drifting_networks_mind(monkeypatch, tmp_path):
    def clock(onset, size):
        return 0.0 if onset == 30 else size / onset

    found = invariance_told(monkeypatch, tmp_path, plain=lambda *_: 0.0, biased=clock, right=lambda onset: onset == 30)
    assert words(found) == ["agrees"] * 4
    assert len(found.rows) == 4 * 10 * 6 * 4 and len(found.numbers["networks"]) == 40
    text = study.write_findings("invariance", found, tmp_path)
    assert "20 of 20 networks, largest change of an output 0.0e+00" in text
    assert "| 30*        | 1.00                        | 10/10 " in text
    assert (tmp_path / "invariance.png").read_bytes()[:4] == b"\x89PNG"


def test_invariance_disagrees_where_it_is_the_other_way_round(monkeypatch, tmp_path):
    def opposite(onset, size):
        return 0.0 if onset == 30 else onset * (2 - size)

    found = invariance_told(monkeypatch, tmp_path, plain=lambda onset, _: 0.1 * (onset == 5), biased=opposite)
    assert words(found) == ["disagrees"] * 4


def test_one_network_that_minds_is_enough():
    plain = invariance.Summary(invariance.PLAIN, "and", 0.0, 0.0, 0.0, True, True, [], [])
    same = {str(k): plain for k in range(19)}
    assert invariance._unchanged(same).verdict == "agrees"
    assert invariance._unchanged(same | {"other": plain._replace(change=1e-3)}).verdict == "disagrees"
    assert invariance._unchanged({str(k): plain for k in range(4)}).verdict == "cannot be told"


def test_another_task_has_its_own_onset(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(Setting, "train", untrained)
    monkeypatch.setattr(invariance, "measured", lambda outcome, onsets: seen.append(onsets) or [])
    found = invariance.study(Setting(tmp_path, 3, task="oscillation"))
    assert len(seen) == 6 and seen[0] == [5, 30, 45, 60, 90, 100, 120]
    assert found.rows == [] and set(words(found)) == {"cannot be told"}


@pytest.mark.parametrize(("module", "name"), [(memory_delay, "time-pulse"), (memory_size, "time-pulse"), (invariance, "xor")])
def test_a_task_that_a_study_has_not_is_refused(module, name, tmp_path):
    with pytest.raises(ValueError, match=f"task must be .*{name}.*, got rdm"):
        module.study(Setting(tmp_path, task="rdm"))
    empty = module.study(Setting(tmp_path, task=name, report_only=True))
    assert empty.rows == [] and set(words(empty)) == {"cannot be told"}
    assert study.write_findings("empty", empty, tmp_path)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["memory-delay", "memory-size", "invariance"])
def test_the_studies_from_the_command_line(name, tmp_path, capsys):
    command = ["study", name, "--quick", "--out", str(tmp_path)]
    assert cli.main([*command, "--jobs", "1"]) == 0
    assert "**A quick run" in capsys.readouterr().out
    made = {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}.*")}
    assert len(made) == 4
    assert cli.main([*command, "--report-only"]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}.*")} == made


def test_guides_and_points_are_drawn():
    _, axes = plots.figure(1, 1, 4.0, 3.0)
    ax = axes[0, 0]
    plots.guides(ax, {"1.86": 1.86}, 25.0)
    assert [text.get_text() for text in ax.texts] == ["1.86", "25 ms"]
    plots.points(ax, {"a": (np.array([0.0, 1.0]), np.array([2.0, 0.0]))}, xlabel="x", ylabel="y", floor=1e-3)
    assert ax.get_xscale() == "log" and ax.lines[-1].get_xydata().min() == 1e-3
    plots.legend_above(ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a"]


def test_a_wide_interval_is_not_between_two_values():
    spread = np.array([1.0, 2.5] * 6)
    assert memory_delay.within(spread, 1.71, 1.86, "").verdict == "cannot be told"
    assert memory_delay.within(1.78 + 0.01 * spread, 1.71, 1.86, "").verdict == "agrees"
    assert memory_delay.within(1.5 + 0.01 * spread, 1.71, 1.86, "").verdict == "disagrees"
