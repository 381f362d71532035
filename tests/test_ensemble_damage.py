"""Damage of many networks, and how many units several gates need: hand-made networks, made-up curves, the command line."""

import csv
import json
import math

import numpy as np
import pytest
from scipy import stats

import minirnn as mr
from minirnn import cli, tasks
from minirnn.analysis import damage as analysis
from minirnn.ensembles import damage, statistics
from minirnn.ensembles.arms import SEVEN
from minirnn.ensembles.runs import Outcome, Run
from minirnn.ensembles.study import Setting, write_findings

NAMES = ("00", "10", "01", "11")


def outcome(tmp_path, network, task, name="net"):
    """An outcome whose file holds this network."""
    path = tmp_path / f"{name}.npz"
    network.save(path)
    return Outcome(Run(task, 0), path, np.array([0.1]), *[np.zeros(1)] * 3, "done", 36.0)


def words(found):
    return {verdict.claim: verdict.verdict for verdict in found.verdicts}


# ---- statistics


def test_strata_of_fishers_test():
    for table in ((3, 10, 9, 12), (0, 5, 5, 5), (2, 4, 2, 4)):
        assert statistics.fisher_strata([table]) == pytest.approx(statistics.fisher(*table), rel=1e-9)
    pair = [(0, 3, 2, 2), (1, 2, 3, 4)]
    law = {}
    for a in range(3):
        for b in range(3):  # by hand: both strata's hypergeometric laws
            p = stats.hypergeom(5, 2, 3).pmf(a) * stats.hypergeom(6, 4, 2).pmf(b)
            law[a + b] = law.get(a + b, 0.0) + p
    assert statistics.fisher_strata(pair) == pytest.approx(sum(p for p in law.values() if p <= law[1] * (1 + 1e-9)), rel=1e-9)
    assert statistics.fisher_strata([*pair, (4, 4, 0, 0)]) == statistics.fisher_strata(pair)
    assert np.isnan(statistics.fisher_strata([(1, 2, 0, 0)]))
    assert np.isnan(statistics.fisher_strata([]))
    opposite = [(9, 10, 1, 10), (1, 10, 9, 10)]
    assert statistics.fisher_strata(opposite) == pytest.approx(1.0)


def test_bootstrap_and_pairs():
    values = np.random.default_rng(3).normal(2.0, 1.0, 100)
    found = statistics.bootstrap(lambda which: values[which].mean(), 100)
    assert found.value == values.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.1)
    some = np.array([1.0, 2.0, np.inf])
    assert statistics.bootstrap(lambda which: some[which].max(), 3)[1:] == (1.0, np.inf)
    assert np.isnan(statistics.bootstrap(lambda which: 1.0, 2).low) and np.isnan(statistics.bootstrap(lambda which: 1.0, 0).value)
    assert statistics.paired([1, 2, 3, 4, 5, 6], np.zeros(6)) == pytest.approx(2 / 2**6)  # all signs alike
    assert np.isnan(statistics.paired([1.0, 2.0], [1.0, 2.0]))


# ---- damage


def held(**changes):
    """One strong unit that keeps what a pulse on A gives it, and 49 weak ones that matter to nothing: its output follows unit 0."""
    N = 50
    W = np.full((N, N), 0.002, np.float32)
    W[0] = 0.0
    W[0, 0] = 2.0
    W_in, W_out = np.zeros((N, 2), np.float32), np.zeros((1, N), np.float32)
    W_in[0, 0], W_out[0, 0] = 2.0, 1.0
    return mr.Network(W_in, W, W_out, **changes)


def test_a_network_of_one_connection_is_measured(tmp_path):
    task = tasks.And(onset=2, pulse=2, gap=1, tail=20)
    rows = damage.measured(outcome(tmp_path, held(), task), draws=3, step=3)
    of = {(row["variant"], row["level"]): row for row in rows}
    assert len(of) == 5 * 8 + 6
    trials = task.conditions()
    course, h = [], 0.0
    for t in range(task.steps):
        h = math.tanh(2.0 * h + 2.0 * float(trials.x[t, 1, 0]))
        course.append(h)
    kept = np.linalg.norm(np.array(course) - trials.target[:, 1, 0])
    for variant, percent in (("a", 36.0), ("b", 18.0), ("d", 18.0), ("f", 0.0)):
        assert of[variant, percent]["noiseless 10"] == pytest.approx(kept, rel=1e-4)  # all that is weak does not matter
    lost = np.zeros(task.steps)
    lost[2:4] = np.tanh(2.0)
    assert of["f", 0.2]["noiseless 10"] == pytest.approx(np.linalg.norm(lost - trials.target[:, 1, 0]), rel=1e-4)
    assert of["f", 0.2]["noiseless 11"] > of["f", 0.0]["noiseless 11"] + 1
    assert of["a", 36.0]["share"] == of["b", 3.0]["share"] == pytest.approx(100 * 2450 / 2451)
    assert of["c", 18.0]["share"] == of["b", 0.0]["share"] == 0
    rest = np.linalg.norm(trials.target[:, 0])
    assert of["b", 18.0]["noiseless 00"] == pytest.approx(rest)
    assert of["b", 18.0]["d 00"] > rest + 0.1  # noise alone sets the unit going
    assert not rows[0]["success"]


def test_noise_and_other_sizes(tmp_path):
    task = tasks.And(onset=2, pulse=2, gap=1, tail=5)
    network = mr.Network.for_task(task, n_rec=12, rng=0)
    one = outcome(tmp_path, network, task)
    rows = damage.measured(one, draws=4, step=7)
    assert [row["level"] for row in rows if row["variant"] == "d"] == [0, 7, 14, 26]
    shares = [row["share"] for row in rows if row["variant"] == "a"]
    np.testing.assert_allclose(shares, [0, 14, 28, 52], atol=0.5)  # quantiles: 12 units are not 50
    trials = task.conditions()
    noise = np.random.default_rng(0).standard_normal((4, *trials.x.shape)).astype(np.float32)
    W = np.array(network.weights.W_rec)
    W[(np.abs(W) < rows[2]["threshold"]) & (W != 0)] = 0
    plain = mr.Network(network.weights.W_in, W, *network.weights[2:5])
    d = np.mean([tasks.distance(plain.outputs(trials.x + np.float32(0.1) * n), trials) for n in noise], axis=0)
    np.testing.assert_allclose([rows[2][f"d {name}"] for name in NAMES], d, rtol=1e-4)
    still = tasks.distance(plain.outputs(trials.x), trials)
    np.testing.assert_allclose([rows[2][f"noiseless {name}"] for name in NAMES], still, rtol=1e-4)


def test_damage_breaks_dales_law_of_no_network(tmp_path):
    task = tasks.And(onset=2, pulse=2, gap=1, tail=5)
    network = mr.Network.for_task(task, n_rec=8, dale=mr.Dale(0.5, by="abs"), rng=0)
    x = task.conditions().x
    W = network.weights.W_rec * 0
    run = damage.runner(network)
    np.testing.assert_allclose(run(network.weights.W_rec, x), network.outputs(x), rtol=1e-5)
    h = np.tanh(x @ network.weights.W_in.T)
    b = network.weights.b_out
    np.testing.assert_allclose(run(W, x), h @ network.weights.W_out.T + (0 if b is None else b), rtol=1e-4, atol=1e-6)


def made_up(curves, networks=10, success=lambda run: True, names=NAMES, steps=200):
    """Rows of networks whose d is curves[variant](level), the same in all conditions but for a little of their own."""
    rows = []
    for run in range(networks):
        own = 1 + 0.02 * run
        for variant in analysis.VARIANTS:
            levels = (0.0, *analysis.STRONGEST) if variant == "f" else np.array(analysis.PERCENT) / (1 if variant == "a" else 2)
            for level in levels:
                d = own * curves[variant](float(level))
                rows.append({"task": "and", "run": run, "variant": variant, "level": float(level), "threshold": 0.0, "share": level,
                             "network": f"And-{run}", "units": 50, "steps": steps, "success": success(run),
                             **{f"d {name}": d for name in names}, **{f"noiseless {name}": d for name in names}})  # fmt: skip
    return rows


LIKE = {
    "a": lambda p: 0.3 + 0.02 * p + 2.0 * (p >= 14), "b": lambda p: 0.3 + 0.1 * p, "c": lambda p: 0.3 + 0.11 * p,
    "d": lambda p: 0.3 + 0.02 * p + 0.4 * (p >= 10), "e": lambda p: 0.3 + 0.03 * p + 0.4 * (p >= 10),
    "f": lambda p: 0.3 + 5.0 * (p > 0),
}  # fmt: skip
UNLIKE = {
    "a": lambda p: 0.5 + 2.0 * (p >= 30) - 0.01 * p, "b": lambda p: 0.5 + 0.02 * p, "c": lambda p: 0.5 + 0.1 * p,
    "d": lambda p: 0.5 + 2.0 * (0 < p < 8) + 0.1 * (p > 0), "e": lambda p: 0.5 + 9.0 * (0 < p < 10), "f": lambda p: 0.5 + 0 * p,
}  # fmt: skip


def test_networks_like_the_papers_agree():
    found = damage.reported("and", NAMES, made_up(LIKE), "10 networks")
    assert len(found.verdicts) == 11 and set(words(found).values()) == {"agrees"}
    first = found.verdicts[0]
    assert first.found == "first at 14 % [14 %, 14 %]; of all networks 14 %"
    assert "ratio 0.91 [0.91, 0.91]" in found.verdicts[1].found
    assert found.numbers["curves"]["published"]["a"]["level"] == list(range(0, 37, 2))


def test_others_disagree():
    found = damage.reported("and", NAMES, made_up(UNLIKE))
    told = words(found)
    assert [told[verdict.claim] for verdict in found.verdicts[:6]] == ["disagrees"] * 6
    assert told["a: the mean curve has the published shape"] == "disagrees"
    assert told["c: the mean curve has the published shape"] == "agrees"


def test_the_verdicts_are_on_networks_that_had_learnt():
    rows = made_up(LIKE, success=lambda run: run < 7)
    for row in rows:
        if not row["success"]:
            row.update({key: 9.0 for key in row if key.startswith("d ")})
    found = damage.reported("and", NAMES, rows)
    assert set(words(found).values()) == {"agrees"}
    assert found.verdicts[0].found == "first at 14 % [14 %, 14 %]; of all networks 0 %"
    assert "10 networks, 7 of them successful" in found.text and "| 9       | **no**     |" in found.text
    few = damage.reported("and", NAMES, made_up(LIKE, success=lambda run: run < 4))
    assert set(words(few).values()) == {"cannot be told"}
    none = damage.reported("and", NAMES, made_up(LIKE, 1, success=lambda run: False))
    assert set(words(none).values()) == {"cannot be told"}


def test_an_erratic_ensemble_tells_nothing_of_the_level():
    rows = made_up(LIKE)
    for row in rows:
        if row["variant"] == "a":
            jump = (2, 4, 14, 14, 14, 26, 30, 34, 36, 36)[row["run"]]
            row.update({key: 0.1 + 1.9 * (row["level"] >= jump) for key in row if key.startswith("d ")})
    assert damage.reported("and", NAMES, rows).verdicts[0].verdict == "cannot be told"


def test_other_tasks_have_other_conditions_and_limits(tmp_path):
    names = tuple(f"sequence {k}" for k in range(8))
    found = damage.reported("flip-flop", names, made_up(LIKE, names=names, steps=800))
    assert "first passes 2, and 3" in found.text
    assert found.verdicts[0].source == "Fig 14, of AND" and len(found.verdicts) == 6
    assert "# Damage to networks of flip-flop" in write_findings("damage", found, tmp_path)
    with pytest.raises(ValueError, match="task must be one of and, or, xor"):
        damage.study(Setting(tmp_path, task="rdm"))
    for task in SEVEN:
        assert damage.study(Setting(tmp_path, report_only=True, task=task)).rows == []


def test_the_levels_of_the_published_curves():
    authors = damage._authors()
    assert damage.passes(*authors["a"], 1.0) == 14
    assert damage.passes(*authors["a"], 9.0) == math.inf
    assert math.isnan(damage.passes(authors["a"][0], np.zeros((0, 19, 4)), 1.0))
    b, c = (damage.rises(*authors[v])[0] for v in "bc")
    assert b / c == pytest.approx(1.3, abs=0.05)


def quick_study(name, tmp_path, capsys, *options):
    """Run the quick form, then its report alone: the CSV's rows and the JSON; both times the same bytes."""
    command = ["study", name, "--quick", *options, "--out", str(tmp_path)]
    assert cli.main([*command, "--jobs", "1"]) == 0
    assert "**A quick run" in capsys.readouterr().out
    made = {ending: (tmp_path / f"{name}.{ending}").read_bytes() for ending in ("csv", "json", "png", "md")}
    assert cli.main([*command, "--report-only"]) == 0
    assert {ending: (tmp_path / f"{name}.{ending}").read_bytes() for ending in made} == made
    assert made["png"][:4] == b"\x89PNG"
    return list(csv.DictReader(made["csv"].decode().splitlines())), json.loads(made["json"])


@pytest.mark.compiled
def test_damage_from_the_command_line(tmp_path, capsys):
    rows, numbers = quick_study("damage", tmp_path, capsys, "--task", "or")
    assert len(rows) == 2 * (5 * 4 + 6)
    assert numbers["networks"] == 2
    assert {verdict["verdict"] for verdict in numbers["verdicts"]} == {"cannot be told"}


def test_nothing_to_report_on(tmp_path, capsys):
    for name in ("damage",):
        assert cli.main(["study", name, "--report-only", "--out", str(tmp_path)]) == 1
        assert f"no network of {name}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
