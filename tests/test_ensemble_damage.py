"""Damage of many networks, and how many units several gates need: hand-made networks, made-up curves, the command line."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import minirnn as mr
from minirnn import cli, tasks
from minirnn.analysis import damage as analysis
from minirnn.ensembles import damage, multitask_damage, multitask_size, statistics
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


@pytest.fixture
def undrawn(monkeypatch):
    """Verdicts alone: no figures, which take most of the time."""
    for module in (damage, multitask_damage, multitask_size):
        monkeypatch.setattr(module, "_drawn", lambda *arguments: None)


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


def test_signs_do_not_hold_damaged_weights(tmp_path):
    task = tasks.And(onset=2, pulse=2, gap=1, tail=5)
    network = mr.Network.for_task(task, n_rec=8, dale=mr.Dale(0.5, by="abs"), rng=0)
    x, w = task.conditions().x, network.weights
    run = damage.runner(network)
    np.testing.assert_allclose(run(w.W_rec, x), network.outputs(x), rtol=1e-5)
    h, z = np.zeros((4, 8)), []
    for t in range(task.steps):
        h = np.tanh(h @ -w.W_rec.T + x[t] @ w.W_in.T)  # every sign another
        z.append(h @ w.W_out.T + (0 if w.b_out is None else w.b_out))
    np.testing.assert_allclose(run(-w.W_rec, x), z, rtol=1e-4, atol=1e-6)


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


def test_networks_like_the_papers_agree(undrawn):
    found = damage.reported("and", NAMES, made_up(LIKE), "10 networks")
    assert len(found.verdicts) == 11 and set(words(found).values()) == {"agrees"}
    first = found.verdicts[0]
    assert first.found == "first at 14 % [14 %, 14 %]; of all networks 14 %"
    assert "ratio 0.91 [0.91, 0.91]" in found.verdicts[1].found
    assert found.verdicts[4].found == "d rises by 0.14 below 10 % and 0.82 from there on, less in 10 of 10"
    assert found.numbers["curves"]["published"]["a"]["level"] == list(range(0, 37, 2))


def test_others_disagree(undrawn):
    found = damage.reported("and", NAMES, made_up(UNLIKE))
    told = words(found)
    assert [told[verdict.claim] for verdict in found.verdicts[:6]] == ["disagrees"] * 6
    assert told["a: the mean curve has the published shape"] == "disagrees"
    assert told["c: the mean curve has the published shape"] == "agrees"


def test_the_verdicts_are_on_networks_that_had_learnt(undrawn):
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


def test_an_erratic_ensemble_tells_nothing_of_the_level(undrawn):
    rows = made_up(LIKE)
    for row in rows:
        if row["variant"] == "a":
            jump = (2, 4, 14, 14, 14, 26, 30, 34, 36, 36)[row["run"]]
            row.update({key: 0.1 + 1.9 * (row["level"] >= jump) for key in row if key.startswith("d ")})
    assert damage.reported("and", NAMES, rows).verdicts[0].verdict == "cannot be told"


def test_a_ratio_within_the_stated_range_is_no_disagreement():
    percent = np.array([0.0, 5.0, 10.0])

    def curves(rise):
        return percent, np.stack([np.array([0.0, r, 2 * r])[:, None] for r in rise])

    rise = np.linspace(0.9, 1.1, 10)

    def judge(ratio):
        return damage._signs({}, {"b": curves(ratio * rise), "c": curves(rise[::-1])}, 1.0)[2]

    assert [judge(ratio) for ratio in (1.0, 1.3, 1.55, 2.5, 0.3)] == [
        "agrees",
        "agrees",
        "cannot be told",
        "disagrees",
        "disagrees",
    ]
    assert damage._signs({}, {"b": curves(0 * rise), "c": curves(0 * rise)}, 1.0)[2] == "cannot be told"


def test_one_network_that_stands_out_does_not_turn_the_direction():
    a, b = np.zeros(12), np.full(12, 0.3)
    a[0], b[0] = 6.0, 0.0
    assert damage._less(a, b, "", "")[2] == "agrees"


def test_what_is_beyond_the_limit_undamaged_is_not_destroyed():
    percent = np.array([0.0, 0.2, 1.0])
    d = np.full((9, 3, 1), 1.6)
    found = damage._strongest({}, {"f": (percent, d), "a": (percent, d)}, 1.0)
    assert found[0].startswith("0 of 0")
    assert found[2] == "cannot be told"


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
    for name in ("damage", "multitask-damage", "multitask-size"):
        assert cli.main(["study", name, "--report-only", "--out", str(tmp_path)]) == 1
        assert f"no network of {name}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ---- multitask-damage

SMALL = tasks.ContextGates(context_onset=1, onset=3, pulse=2, gap=1, tail=6, jitter=0)


def test_three_gates_are_damaged(tmp_path):
    network = mr.Network.for_task(SMALL, n_rec=20, dale=mr.Dale(0.8, by="abs"), rng=3)
    rows = multitask_damage.measured(outcome(tmp_path, network, SMALL), draws=2, step=6)
    assert [row["level"] for row in rows] == [0, 12, 24, 36]
    np.testing.assert_allclose([row["share"] for row in rows], [0, 12, 24, 36], atol=0.3)
    assert len([key for key in rows[0] if key.startswith("d ")]) == 12
    W = np.array(network.weights.W_rec)
    order = np.argsort(np.abs(W), axis=None)
    gone = order[np.abs(W.ravel()[order]) > 0][: round(0.24 * np.count_nonzero(W))]
    W.ravel()[gone] = 0
    trials = SMALL.conditions()
    z = damage.runner(network)(W, trials.x)
    still = tasks.distance(z, trials)
    np.testing.assert_allclose([rows[2][f"noiseless {name}"] for name in SMALL.condition_names], still, rtol=1e-4)
    assert not rows[2]["solved"]


def test_a_solved_network_is_solved_until_it_is_not(tmp_path):
    network = mr.Network.for_task(replace(SMALL, gates=(("and", 1.0),)), n_rec=6, rng=3)
    task = Always(gates=(("and", 1.0),), context_onset=1, onset=3, pulse=2, gap=1, tail=6, jitter=0)
    rows = multitask_damage.measured(outcome(tmp_path, network, task), draws=2, step=9)
    assert [row["solved"] for row in rows] == [True] * 3


class Always(tasks.ContextGates):
    """Whatever the output, it is right."""

    def is_solved(self, z, trials):
        return True


CONDITIONS = tuple(f"{gate} {kind}" for gate in multitask_damage.GATES for kind in NAMES)


def of_gates(limits, silent=None, solved=None, end=36):
    """Rows of networks whose d goes from 0.5 to 1.5 in steps of 2 % around these levels; with noise they have these plus 0."""
    rows = []
    for run, limit in enumerate(limits):
        for level in range(0, end + 1, 2):

            def d(at, level=level):
                return float(np.clip(1.0 + (level - at) / 4, 0.5, 1.5))

            still = d(limit if silent is None else silent[run])
            rows.append({"run": run, "level": float(level), "units": 100, "network": f"C-{run}",
                         "solved": level < (limit if solved is None else solved[run]),
                         **{f"d {name}": d(limit) for name in CONDITIONS},
                         **{f"noiseless {name}": still for name in CONDITIONS}})  # fmt: skip
    return rows


def test_limits_like_the_posters_agree_and_others_do_not(undrawn):
    found = multitask_damage.reported(CONDITIONS, of_gates([9, 11, 11, 12, 13]))
    assert list(words(found).values()) == ["agrees"] * 3
    assert found.numbers["limits"]["d"] == pytest.approx([9, 11, 11, 12, 13])
    assert found.numbers["limits"]["solved"] == [10, 12, 12, 12, 14]  # the first level on the ladder
    assert found.numbers["means"]["d"][0] == pytest.approx(11.2)
    assert "| xor     | 11.2 [" in found.text
    late = multitask_damage.reported(CONDITIONS, of_gates([22, 23, 25, 26, 99]))
    assert list(words(late).values()) == ["disagrees"] * 3
    assert "1 beyond 36 %" in late.verdicts[0].found
    apart = multitask_damage.reported(CONDITIONS, of_gates([2, 3, 11, 20, 34]))
    assert list(words(apart).values()) == ["cannot be told"] * 3


def test_networks_that_fail_undamaged_have_no_limit(undrawn):
    found = multitask_damage.reported(CONDITIONS, of_gates([-3, -3, -3, -3, 11], silent=[11] * 5, solved=[11] * 5))
    assert list(words(found).values()) == ["cannot be told", "agrees", "agrees"]
    assert found.verdicts[0].found == "1 networks that have a limit, 4 needed"
    unsolved = multitask_damage.reported(CONDITIONS, of_gates([11] * 5, solved=[0] * 5))
    assert list(words(unsolved).values()) == ["cannot be told"] * 3
    assert unsolved.text.count("**no**") == 5


@pytest.mark.compiled
def test_multitask_damage_from_the_command_line(tmp_path, capsys):
    rows, numbers = quick_study("multitask-damage", tmp_path, capsys)
    assert len(rows) == 2 * 4 and numbers["networks"] == 2


# ---- multitask-size


def test_a_network_of_gates_is_measured(tmp_path):
    network = mr.Network.for_task(SMALL, n_rec=5, rng=1)
    row = multitask_size.measured(outcome(tmp_path, network, SMALL))
    trials = SMALL.conditions()
    z = network.run(trials.x)[1]
    assert row["distance"] == pytest.approx(tasks.distance(z, trials).mean(), rel=1e-5)
    assert row["right"] == SMALL.right(z, trials).mean() and row["success"] == tasks.success(z, trials, SMALL)
    assert (row["epochs"], row["loss"]) == (1, 0.1)


def of_sizes(shares, networks=5):
    """Rows of which shares[arm] of `networks` succeed at each size."""
    return [
        {"arm": arm, "units": units, "run": k, "success": k < round(share * networks), "distance": 1.0 + k, "network": "x"}
        for arm, at in shares.items()
        for units, share in zip(multitask_size.SIZES, at, strict=True)
        for k in range(networks)
    ]


def test_three_gates_that_need_more_units(undrawn):
    shares = {"and": (1, 1, 1, 1), "or": (0.8, 1, 1, 1), "xor": (0, 0.2, 0.8, 1), "three": (0, 0, 0.6, 1),
              "three, Dale's law": (0, 0, 0, 0)}  # fmt: skip
    found = multitask_size.reported(multitask_size.SIZES, of_sizes(shares))
    assert list(words(found).values()) == ["agrees", "agrees", "cannot be told", "agrees"]
    assert found.numbers["least"] == {"and": 12, "or": 12, "xor": 50, "three": 50, "three, Dale's law": None}
    assert "8 of 20 succeed against 20 of 20; least sizes 50 and 12" in found.verdicts[0].found
    assert "least sizes larger and 50" in found.verdicts[3].found
    p = statistics.fisher_strata([(0, 5, 5, 5), (0, 5, 5, 5), (3, 5, 5, 5), (5, 5, 5, 5)])
    assert found.verdicts[0].statistic == f"Fisher within sizes p = {p:.2g}"
    assert "| three             | 0/5 (3.00) | 0/5 (3.00) | 3/5 (3.00) | 5/5 (3.00) | 50         |" in found.text


def test_three_gates_that_need_fewer(undrawn):
    shares = dict.fromkeys(("and", "or", "xor"), (0, 0, 0, 1)) | {"three": (1, 1, 1, 1), "three, Dale's law": (1, 1, 1, 1)}
    found = multitask_size.reported(multitask_size.SIZES, of_sizes(shares))
    assert list(words(found).values()) == ["disagrees"] * 3 + ["cannot be told"]


def test_what_is_not_there_is_a_dash():
    rows = [row for row in of_sizes({"and": (1, 1, 1, 1), "three": (0, 0, 0, 0)}) if (row["arm"], row["units"]) != ("three", 25)]
    found = multitask_size.reported(multitask_size.SIZES, rows)
    assert words(found)["more units are needed for three gates than for AND alone"] == "agrees"
    assert "0 of 15 succeed against 15 of 15" in found.verdicts[0].found
    assert list(words(found).values())[1:] == ["cannot be told"] * 3
    assert "| or                | -          | -          |" in found.text
    few = multitask_size.reported(multitask_size.SIZES, of_sizes({"and": (1, 1, 1, 1), "three": (0, 0, 0, 0)}, 2))
    assert set(words(few).values()) == {"cannot be told"}


@pytest.mark.compiled
def test_multitask_size_from_the_command_line(tmp_path, capsys):
    rows, numbers = quick_study("multitask-size", tmp_path, capsys)
    assert len(rows) == 5 * 2 and [cell["networks"] for cell in numbers["cells"]] == [2] * 5


def test_studies_of_contexts_take_no_task(tmp_path):
    for module in (multitask_damage, multitask_size):
        with pytest.raises(ValueError, match="task must not be given"):
            module.study(Setting(tmp_path, task="and"))
        assert module.study(Setting(tmp_path, report_only=True)).rows == []
