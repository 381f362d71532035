"""Studies of what trained networks do: spectra, end states, and the tasks side by side."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minirnn as mr
from minirnn import cli, tasks
from minirnn.ensembles import arms, compare_tasks, inner_states, runs, spectrum, statistics
from minirnn.ensembles.study import Setting, write_findings


def made(W, start=None, seed=3, dt=1.0):
    """What `spectrum.measured` looks at of an outcome: W_rec before and after."""
    networks = [SimpleNamespace(weights=SimpleNamespace(W_rec=np.asarray(w, float))) for w in (W if start is None else start, W)]
    run = SimpleNamespace(task=SimpleNamespace(dt=dt), seed=seed)
    return SimpleNamespace(run=run, path=Path("and-0.npz"), untrained=networks[0], network=networks[1])


def untrained_outcomes(monkeypatch, tmp_path, module, measured):
    """Networks that nothing trains, and this instead of the module's `measured`."""

    def train(setting, wanted):
        return [runs.Outcome(run, tmp_path / run.name, np.array([0.1]), *[np.zeros(1)] * 3, "done", 3600.0) for run in wanted]

    monkeypatch.setattr(Setting, "train", train)
    monkeypatch.setattr(module, "measured", measured)


def words(findings):
    return {verdict.claim: verdict.verdict for verdict in findings.verdicts}


def from_the_command_line(name, tmp_path, capsys, *options):
    command = ["study", name, "--quick", *options, "--out", str(tmp_path)]
    assert cli.main([*command, "--jobs", "1"]) == 0
    assert "**A quick run" in capsys.readouterr().out
    made = {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}.*")}
    assert sorted(made) == [f"{name}.{ending}" for ending in ("csv", "json", "md", "png")]
    assert cli.main([*command, "--report-only"]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}.*")} == made
    return made


def test_the_cells_that_are_compared(tmp_path):
    setting = Setting(tmp_path)
    cells = arms.compared(setting)
    assert len(cells) == 21 and all(len(of_cell) == 10 for of_cell in cells.values())
    assert cells["authors", "normal", "xor"] == arms.authors(setting, "xor", "normal", 10)
    assert cells["recommended", "orthogonal", "not"] == arms.recommended(setting, "not", 10)
    assert {cell[2] for cell in arms.compared(Setting(tmp_path, quick=True))} == {"and"}
    with pytest.raises(ValueError, match="task must be one of and, or, xor, not, flip-flop, oscillation, time-pulse, got rdm"):
        arms.compared(Setting(tmp_path, task="rdm"))


def test_signs_are_counted():
    assert statistics.sign([1, 2, 3, 4, 5, 0]) == (5, 0, pytest.approx(2 / 2**5))
    assert statistics.sign([1, -1]) == (1, 1, pytest.approx(1.0))
    assert statistics.sign([0.0]) == (0, 0, 1.0)


def test_exponents_are_found_again():
    x = np.repeat([10.0, 20.0, 40.0, 80.0], 5)
    found = statistics.power_law(x, 3 * x**1.5 - 1)
    assert found == pytest.approx((1.5, 1.5, 1.5))
    rng = np.random.default_rng(0)
    noisy = statistics.power_law(x, np.exp(0.5 * np.log(x) + rng.normal(0, 0.2, 20)) - 1)
    assert noisy.low < 0.5 < noisy.high and 0.1 < noisy.high - noisy.low < 0.5
    assert np.isnan(statistics.power_law([50, 50], [1, 2]).value)
    assert np.isnan(statistics.power_law([50, 100], [1, 2]).low)


def test_most_is_more_than_half():
    assert [statistics.most(k, 10) for k in (10, 5, 0)] == ["agrees", "cannot be told", "disagrees"]
    assert statistics.most(0, 0) == "cannot be told"


class TestSpectrum:
    def test_a_matrix_of_which_one_eigenvalue_left(self):
        start = np.diag([0.5, -0.9, 0.2, 0.0])
        row, found = spectrum.measured(made(np.diag([1.3, -0.9, 0.2, 0.0]), start))
        assert (row["outside_before"], row["outside"], row["leading_before"], row["leading"]) == (0, 1, "none", "real")
        assert row["moved_outside"] == pytest.approx(0.8) and row["moved_rest"] == pytest.approx(0.0, abs=1e-12)
        assert row["change"] == pytest.approx(0.8 / np.sqrt(0.25 + 0.81 + 0.04))
        assert (row["radius_before"], row["radius"]) == (pytest.approx(0.9), pytest.approx(1.3))
        np.testing.assert_allclose(found.after, [1.3, -0.9, 0.2, 0.0], atol=1e-12)

    def test_a_pair_that_turns_left(self):
        angle = 2 * np.pi * 20 / 1000  # 20 Hz at 1 ms
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        W = np.zeros((3, 3))
        W[:2, :2] = 1.1 * turn
        start = W / 1.1 + np.diag([0, 0, 0.3])
        row = spectrum.measured(made(W + np.diag([0, 0, 0.3]), start))[0]
        assert (row["outside"], row["leading"], row["hz"]) == (2, "pairs", pytest.approx(20.0))
        assert row["moved_outside"] == pytest.approx(0.1)

    def test_the_control_has_the_entries_of_the_change_and_not_their_order(self):
        rng = np.random.default_rng(1)
        start = np.linalg.qr(rng.standard_normal((40, 40)))[0]
        v = np.ones(40) / np.sqrt(40)
        change = 0.5 * np.outer(start @ v, v) * np.linspace(0.5, 1.5, 40)  # of rank one, and along an orthogonal matrix's own way
        row = spectrum.measured(made(start + change, start, seed=5))[0]
        shuffled = start + np.random.default_rng(np.random.SeedSequence(5, spawn_key=(17,))).permutation(change.ravel()).reshape(
            40, 40
        )
        assert row["outside_shuffled"] == (np.abs(np.linalg.eigvals(shuffled)) > 1.02).sum()

    def row(self, outside, before=0, shuffled=0, units=50):
        return {
            "units": units, "outside_before": before, "outside": outside, "outside_shuffled": shuffled, "radius_before": 1.0,
            "radius": 1.1, "leading_before": "none", "leading": "real", "moved_outside": 0.1, "moved_rest": 0.01,
            "moved_shuffled": 0.01, "change": 0.1, "largest_real": 1.1, "hz": np.nan, "network": "x",
        }, spectrum.Eigenvalues(np.ones(2, complex), np.ones(2, complex))  # fmt: skip

    def test_it_agrees_with_networks_like_the_papers(self, monkeypatch, tmp_path):
        def measured(outcome):
            return self.row(3 + outcome.run.seed % 2, units=outcome.run.network.get("n_rec", 50))

        untrained_outcomes(monkeypatch, tmp_path, spectrum, measured)
        found = spectrum.study(Setting(tmp_path, task="time-pulse"))
        assert set(words(found).values()) == {"agrees"} and len(found.verdicts) == 3 * 3 + 2
        assert len(found.rows) == 3 * 10 + 48
        text = write_findings("spectrum", found, tmp_path)
        assert "| time-pulse | authors     | normal     | 10 " in text
        assert "| 500 | 3 " in text

    def test_it_disagrees_with_networks_that_are_otherwise(self, monkeypatch, tmp_path):
        def measured(outcome):
            units = outcome.run.network.get("n_rec", 50)
            return self.row(units // 5, before=units // 2, shuffled=units, units=units)

        untrained_outcomes(monkeypatch, tmp_path, spectrum, measured)
        found = spectrum.study(Setting(tmp_path, task="time-pulse"))
        assert set(words(found).values()) == {"disagrees"}
        assert "grows like N to the 0.9" in next(v.found for v in found.verdicts if "grow" in v.claim)

    def test_two_networks_tell_nothing(self, monkeypatch, tmp_path):
        untrained_outcomes(monkeypatch, tmp_path, spectrum, lambda outcome: self.row(3))
        found = spectrum.study(Setting(tmp_path, networks=2, task="and"))
        assert set(words(found).values()) == {"cannot be told"}
        assert "by the number of units" not in found.text

    @pytest.mark.compiled
    def test_from_the_command_line(self, tmp_path, capsys):
        made = from_the_command_line("spectrum", tmp_path, capsys)
        lines = made["spectrum.csv"].decode().splitlines()
        assert len(lines) == 1 + 3 * 2 + 2


def by_hand(bias=None):
    """Three units: A sets one that stays, at tanh(2 h) = h; B starts a pair that turns by 90 degrees. The output is the first's."""
    W = np.array([[2.0, 0, 0], [0, 0, -1.3], [0, 1.3, 0]])
    return mr.Network(np.array([[1.0, 0], [0, 1], [0, 0]]), W, np.array([[1.0, 0, 0]]), bias, np.zeros(1), dt=1.0, tau=1.0)


class TestInnerStates:
    def test_a_network_made_by_hand(self):
        task = tasks.And(onset=2, pulse=2, gap=1, tail=4)
        outcome = SimpleNamespace(network=by_hand(), run=SimpleNamespace(task=task), path=Path("and-0.npz"))
        rows = inner_states.measured(outcome)
        assert [row["condition"] for row in rows] == ["00", "10", "01", "11"]
        assert [row["state"] for row in rows] == ["rest", "fixed point", "oscillation", "oscillation"]
        assert [row["output"] for row in rows] == ["low", "high", "low", "high"]
        assert rows[1]["mean_output"] == pytest.approx(0.957504, abs=1e-5)
        assert rows[2]["hz"] == pytest.approx(250.0, abs=0.1)
        assert {(row["leading"], row["success"], row["radius"]) for row in rows} == {("real + pairs", False, 2.0)}
        assert inner_states.label(rows) == "r f o o"

    def test_the_free_network_has_its_bias(self):
        step = inner_states.free(by_hand(np.array([0.2, 0.0, 0.0])))
        np.testing.assert_allclose(step(np.zeros((1, 3))), [[np.tanh(0.2), 0, 0]])

    def test_outputs_on_both_sides_are_both(self):
        assert [inner_states.level(np.array(z)) for z in ([[0.6], [0.7]], [[0.1], [0.2]], [[0.1], [0.7]])] == [
            "high",
            "low",
            "both",
        ]

    def found(self, monkeypatch, tmp_path, ends, leading="real + pairs", success=True, **options):
        """The study where every network ends so: ends[task][condition], the last turn of a flip-flop, or else at rest."""

        def measured(outcome):
            name = next(name for name in arms.SEVEN if isinstance(outcome.run.task, tasks.BY_NAME[name]))
            rows = []
            for condition in outcome.run.task.condition_names:
                states = ends.get(name, {})
                state, output = states.get(condition, states.get(condition[-1], ("rest", "low")))
                rows.append({
                    "condition": condition, "state": state, "output": output, "hz": 20.0 if state == "oscillation" else np.nan,
                    "mean_output": 0.1, "largest": 1.0, "success": success,
                    "leading": leading if name == "and" or leading == "none" else "real", "radius": 1.1, "network": "x",
                })  # fmt: skip
            return rows

        untrained_outcomes(monkeypatch, tmp_path, inner_states, measured)
        return inner_states.study(Setting(tmp_path, **options))

    def test_it_agrees_with_networks_like_the_papers(self, monkeypatch, tmp_path):
        turning, staying = ("oscillation", "low"), ("fixed point", "high")
        ends = {
            "and": {"10": turning, "01": turning, "11": staying}, "flip-flop": {"S": staying, "R": turning},
            "oscillation": {"pulse": ("oscillation", "both")},
        }  # fmt: skip
        found = self.found(monkeypatch, tmp_path, ends)
        assert set(words(found).values()) == {"agrees"} and len(found.verdicts) == 2 * 7
        assert len(found.rows) == 3 * 10 * (3 * 4 + 2 + 8 + 2 + 2)
        text = " ".join(write_findings("inner-states", found, tmp_path).split())
        assert "r o o f 10" in text
        assert "| flip-flop | set last | authors | normal | 0/10 [0, 31] (0/10) | 10/10 [69, 100] (10/10) |" in text

    def test_it_disagrees_with_networks_that_all_rest(self, monkeypatch, tmp_path):
        ends = {"and": {"00": ("fixed point", "low")}, "or": {"11": ("oscillation", "high")}}
        found = self.found(monkeypatch, tmp_path, ends, networks=80)  # pairs in AND, and those of OR oscillate
        claims = words(found)
        assert set(claims.values()) == {"disagrees"} and len(claims) == 14

    def test_a_flip_flop_whose_sequences_end_differently_is_mixed(self, monkeypatch, tmp_path):
        ends = {"flip-flop": {"RRS": ("fixed point", "high")}}
        text = " ".join(self.found(monkeypatch, tmp_path, ends, task="flip-flop", networks=4).text.split())
        none, every = "0/4 [0, 60] (0/4)", "4/4 [40, 100] (4/4)"
        assert f"| set last | authors | orthogonal | {none} | {none} | {none} | {every} | {none} | {none} | -" in text

    def test_networks_that_fail_are_counted_apart(self, monkeypatch, tmp_path):
        found = self.found(monkeypatch, tmp_path, {}, task="and", networks=3, success=False)
        assert found.verdicts == []
        assert " ".join(found.text.split()).count("| and | 11 | authors | normal | 0/0 (3/3) | 0/0 (0/3)") == 1

    def test_few_networks_tell_little(self, monkeypatch, tmp_path):
        found = self.found(monkeypatch, tmp_path, {}, networks=2, leading="none")
        assert set(words(found).values()) == {"cannot be told"}

    @pytest.mark.compiled
    def test_from_the_command_line(self, tmp_path, capsys):
        made = from_the_command_line("inner-states", tmp_path, capsys)
        assert len(made["inner-states.csv"].decode().splitlines()) == 1 + 3 * 2 * 4


def two_memories(read):
    """Two units that each hold what they got, by connections of 1.9 and 2.0; the output is that of one of them."""
    W_out = np.eye(2)[[read]]
    return mr.Network(np.ones((2, 1)), np.diag([1.9, 2.0]), W_out, None, np.zeros(1), dt=1.0, tau=1.0)


class TestCompareTasks:
    @pytest.mark.parametrize(("read", "percent"), [(0, 50.0), (1, 100.0)])
    def test_damage_is_where_the_memory_that_is_read_goes(self, read, percent):
        network = two_memories(read)
        x = np.zeros((20, 1, 1))
        x[1] = 1.0
        trials = SimpleNamespace(x=x, target=network.outputs(x))
        assert compare_tasks.damage_threshold(network, trials, 0.0, (0, 50, 100), 1) == percent
        assert compare_tasks.damage_threshold(network, trials, 0.0, (0, 25), 1) == np.inf

    def test_what_is_lost_may_be_too_little(self):
        network, x = two_memories(1), np.zeros((20, 1, 1))
        network = network.with_params(network.params._replace(W_out=0.1 * network.params.W_out))
        x[1] = 1.0
        trials = SimpleNamespace(x=x, target=network.outputs(x))  # without its memory it is 0.4 off, of the 0.47 that count
        assert compare_tasks.damage_threshold(network, trials, 0.0, (0, 50, 100), 1) == np.inf

    def test_what_is_bad_from_the_start_has_to_double(self):
        network, x = two_memories(1), np.zeros((20, 1, 1))
        x[1] = 1.0
        trials = SimpleNamespace(x=x, target=network.outputs(x) - 1.0)  # lost, it would be 0.04 off: better, not worse
        assert compare_tasks.damage_threshold(network, trials, 0.0, (0, 50, 100), 1) == np.inf

    def test_epochs_to_a_tenth_above_the_least_distance(self):
        assert compare_tasks.epochs_needed([5.0, 2.0, 1.05, 1.0, 3.0]) == 3
        assert compare_tasks.epochs_needed([1.0]) == 1
        assert np.isnan(compare_tasks.epochs_needed([])) and np.isnan(compare_tasks.epochs_needed([np.nan]))

    def test_a_network_made_by_hand(self):
        task = tasks.And(onset=2, pulse=2, gap=1, tail=4)
        network = by_hand()
        outcome = SimpleNamespace(
            network=network, run=SimpleNamespace(task=task), path=Path("and-0.npz"), loss=np.ones(3),
            validation_distance=np.array([3.0, 1.0, 1.0]),
        )  # fmt: skip
        row = compare_tasks.measured(outcome, (0, 2), 2)
        X = network.run(task.conditions().x)[0][1:].reshape(-1, 3)
        variances = np.linalg.eigvalsh(np.cov(X.T))[::-1]
        assert row["dimension"] == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
        assert row["components"] == 1 + (np.cumsum(variances) / variances.sum() < 0.95).sum()
        assert (row["states"], row["oscillating"], row["outside"], row["epochs"]) == ("r f o o", 50.0, 3, 2)

    def test_medians_and_the_published_curve(self):
        assert [statistics.median(v) for v in ([3, 1, 2], [1, 2], [1, 2, np.inf], [1, np.inf])] == [2, 1.5, 2, np.inf]
        assert np.isnan(statistics.median([]))
        # analyses 4.9: the means of the types are 1.30 at 14 % and 1.52 at 16 %
        assert compare_tasks.published_damage() == 16.0

    def found(self, monkeypatch, tmp_path, low, high, **options):
        """The study with these values in networks from an orthogonal and a normal start; of three, the last fails."""

        calls = itertools.count()

        def measured(outcome, **_):
            k = next(calls) % 3
            value = low if outcome.run.network["recurrent"] == "orthogonal" else high
            return {
                "success": k < 2, "outside": value, "dimension": float(value), "components": value, "states": "r o o f",
                "oscillating": 50.0, "damage": float(value) if k < 1 else np.inf, "epochs": value if k < 2 else 99.0, "trained": 20,
                "network": "x",
            }  # fmt: skip

        untrained_outcomes(monkeypatch, tmp_path, compare_tasks, measured)
        return compare_tasks.study(Setting(tmp_path, networks=3, **options))

    def test_a_line_is_of_the_networks_that_succeed(self, monkeypatch, tmp_path):
        found = self.found(monkeypatch, tmp_path, 3, 5, task="xor")
        text = " ".join(write_findings("compare-tasks", found, tmp_path).split())
        assert "| xor | authors | normal | 2/3 | 5 | 5.0 | 5 | r o o f 2 | > 52 (5 to > 52) | 5 |" in text
        assert found.numbers["cells"][0]["epochs"] == 3.0 and found.numbers["cells"][0]["damage"] is None

    def test_starts_that_differ_in_all_tasks_do_and_one_task_tells_nothing(self):
        rows = [
            {"settings": "authors", "start": start, "task": task, "success": True, "outside": 3, "dimension": value,
             "damage": np.inf, "epochs": 20 - value}
            for task in arms.SEVEN for start, value in zip(arms.STARTS, (2, 3), strict=True)
        ]  # fmt: skip
        assert [v.verdict for v in compare_tasks._questions(rows)] == ["disagrees", "cannot be told", "agrees", "cannot be told"]
        assert {v.verdict for v in compare_tasks._questions(rows[:2])} == {"cannot be told"}

    @pytest.mark.compiled
    def test_from_the_command_line(self, tmp_path, capsys):
        made = from_the_command_line("compare-tasks", tmp_path, capsys)
        assert len(made["compare-tasks.csv"].decode().splitlines()) == 1 + 3 * 2


@pytest.mark.parametrize("module", [spectrum, inner_states, compare_tasks])
def test_a_report_on_nothing_has_no_rows_and_no_verdicts(module, tmp_path):
    found = module.study(Setting(tmp_path, report_only=True, task="xor"))
    assert found.rows == [] and set(words(found).values()) <= {"cannot be told"}
    write_findings("nothing", found, tmp_path)


def test_three_networks_do_not_tell_of_growth():
    def growth(n):
        rows = [{"settings": "sizes", "units": 50 * (k + 1), "outside": 2 + k} for k in range(n)]
        return spectrum._growth(rows)[1].verdict

    assert [growth(n) for n in (3, 5)] == ["cannot be told", "disagrees"]  # p = 1/3, 2/120
