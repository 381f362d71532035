"""`minirnn analyze` and `minirnn animate`: what they find, what they write, and what they refuse."""

import base64
import html.parser
import json
import re

import numpy as np
import pytest
from PIL import Image

import minirnn as mr
from minirnn import cli, report, tasks

SMALL = tasks.And(onset=3, pulse=2, gap=2, tail=6)


class Sound(html.parser.HTMLParser):
    """Each opened tag is closed, but for those that need not be."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.pictures = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))
        elif tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(path):
    page = Sound()
    page.feed(path.read_text())
    assert page.open == []
    for picture in page.pictures:
        kind, data = re.fullmatch(r"data:image/(png|gif);base64,(.*)", picture["src"]).groups()
        assert base64.b64decode(data)[:4] == {"png": b"\x89PNG", "gif": b"GIF8"}[kind]
        assert picture["alt"]
    assert not re.search(r"(src|href)=\"https?:", path.read_text())
    return page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run of the command line."""
    out = tmp_path_factory.mktemp("runs") / "and_run"
    assert cli.main(["train", "and", "--units", "8", "--epochs", "2", "--samples", "16", "--quiet", "--out", str(out)]) == 0
    return out


@pytest.mark.compiled
def test_a_run_is_analysed_with_its_task_and_its_start(run, tmp_path, capsys):
    assert cli.main(["analyze", str(run), "--out", str(tmp_path)]) == 0
    numbers = json.loads((tmp_path / "analysis.json").read_text())
    names = [
        "network",
        "conditions",
        "spectrum",
        "weights",
        "activity",
        "trajectories",
        "end_states",
        "landscape",
        "onsets",
        "damage",
    ]
    assert list(numbers) == names
    for name in names:
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    page = checked(tmp_path / "index.html")
    assert len(page.pictures) == len(names)
    assert "page" not in capsys.readouterr().err
    net = mr.Network.load(run / "network.npz")
    trials = tasks.And().conditions()
    found = numbers["conditions"]["distance"]
    np.testing.assert_allclose(list(found.values()), tasks.distance(net.run(trials.x)[1], trials))
    moduli = np.abs([complex(*value) for value in numbers["spectrum"]["eigenvalues"]])
    np.testing.assert_allclose(moduli, np.sort(np.abs(np.linalg.eigvals(net.weights.W_rec.astype(float))))[::-1], rtol=1e-6)
    assert numbers["weights"]["change"]["relative_norm"] > 0
    assert len(numbers["end_states"]["labels"]) == 4
    fixed = np.array(numbers["trajectories"]["fixed points"])
    step = report._dynamics(net)
    assert len(fixed) >= 1
    assert np.abs(step(fixed) - fixed).max() < 1e-11


def test_networks_of_both_forms_with_signs_and_relu(tmp_path):
    task = SMALL
    for form in ("rate", "current"):
        net = mr.Network.for_task(
            task, n_rec=10, form=form, phi="relu", tau=5.0, dale=mr.Dale(), spectral_radius=0.8, b_rec=True, rng=0
        )
        names = [part.name for part in report.analysed(net, task)]
        expected = [
            "network",
            "conditions",
            "spectrum",
            "weights",
            "signs",
            "activity",
            "trajectories",
            "end_states",
            "landscape",
            "active",
            "onsets",
            "damage",
        ]
        assert names == expected
        step = report._dynamics(net)
        h, _ = net.astype(np.float64).run(np.zeros((3, 1, 2)))
        np.testing.assert_allclose(step(h[:-1]), h[1:], rtol=1e-6, atol=1e-9)


def test_contexts_have_a_part_of_their_own():
    task = tasks.ContextGates(context_onset=2, onset=6, pulse=2, gap=2, tail=6, jitter=4)
    parts = report.analysed(mr.Network.for_task(task, n_rec=12, rng=0), task)
    assert parts[-1].name == "contexts"
    assert len(parts[-1].numbers["participation ratio"]) == 3
    assert len(parts[-1].numbers["clusters"]) == 12


@pytest.mark.compiled
def test_several_networks_are_compared(run, tmp_path):
    other = mr.Network.random(2, 6, 1, rng=1)
    other.save(tmp_path / "other.npz")
    out = tmp_path / "out"
    assert cli.main(["analyze", str(run), str(tmp_path / "other.npz"), "--task", "and", "--out", str(out)]) == 0
    rows = json.loads((out / "analysis.json").read_text())["comparison"]["rows"]
    assert [row[0] for row in rows] == ["network", "other", "and_run"]  # by task, then by start
    assert [row[3] for row in rows] == ["N", "6", "8"]
    assert [row[2] for row in rows] == ["start", "", "orthogonal"]
    text = (out / "index.html").read_text()
    for name in ("and_run", "other"):
        assert f'href="{name}/index.html"' in text
        checked(out / name / "index.html")
    checked(out / "index.html")


def test_a_checkpoint_folder_is_shown_during_training(run, tmp_path):
    assert cli.main(["analyze", str(run / "checkpoint"), "--out", str(tmp_path)]) == 0
    numbers = json.loads((tmp_path / "analysis.json").read_text())
    assert list(numbers) == ["paths", "history", "epochs", "states"]
    assert numbers["paths"]["epochs"] == ["epoch 0", "epoch 1", "epoch 2"]
    assert np.shape(numbers["epochs"]["distance"]) == (3, 4)
    with Image.open(tmp_path / "spectrum.gif") as gif:
        assert gif.n_frames >= 3
    page = checked(tmp_path / "index.html")
    assert len(page.pictures) == 5


def test_what_a_page_says_is_escaped(tmp_path):
    part = report.Part("a", "<b>", "x < y & z", None, {}, [("<i>",), ("&",)])
    text = report.page("<script>", [part])
    assert "<script>" not in text
    assert "&lt;b&gt;" in text
    assert "x &lt; y &amp; z" in text
    (tmp_path / "page.html").write_text(text)
    checked(tmp_path / "page.html")


@pytest.mark.compiled
def test_a_trial_is_animated(run, tmp_path, capsys):
    out = tmp_path / "trial.gif"
    assert cli.main(["animate", str(run), "--condition", "11", "--out", str(out)]) == 0
    with Image.open(out) as gif:
        assert gif.n_frames > 40
        first = np.asarray(gif.convert("RGB")).astype(int)
        gif.seek(gif.n_frames - 1)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - first).max() > 50
    assert "condition 11" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["animate", "{run}", "--condition", "12"], "--condition must be one of 00, 10, 01, 11, got 12"),
        (["animate", "{file}"], "--task must be given"),
        (["analyze", "{run}/checkpoint", "{file}"], "is a checkpoint folder: analyze it alone"),
        (["analyze", "{file}", "--task", "not"], r"x must be \(T, B, 2\)"),
        (["analyze", "absent.npz"], "absent.npz"),
    ],
)
def test_what_does_not_fit_is_told(run, tmp_path, capsys, arguments, told):
    mr.Network.random(2, 5, 1, rng=0).save(tmp_path / "net.npz")
    filled = [part.format(run=run, file=tmp_path / "net.npz") for part in arguments]
    assert cli.main([*filled, "--out", str(tmp_path / "out.gif")]) == 2
    assert re.search(told, capsys.readouterr().err)


@pytest.mark.compiled
def test_author_networks_carry_their_start(author_networks, tmp_path):
    assert cli.main(["analyze", str(author_networks / "and_n50_ortho_14.npz"), "--task", "and", "--out", str(tmp_path)]) == 0
    numbers = json.loads((tmp_path / "analysis.json").read_text())
    assert numbers["spectrum"]["frequency, authors (Hz)"] == pytest.approx(462.83, abs=0.01)
    assert numbers["weights"]["change"]["relative_norm"] == pytest.approx(0.074, abs=0.001)
    assert numbers["end_states"]["labels"] == ["rest", "fixed point", "fixed point", "fixed point"]
    assert numbers["damage"]["f"]["distance"][0][1] == pytest.approx(7.44, abs=0.01)  # 0.2 % of the connections, condition 10
    assert np.ptp(numbers["onsets"]["distance"], axis=0).max() < 0.01  # at rest before the stimulus


def test_a_table_of_several_networks_and_a_page_of_one(tmp_path):
    nets = [mr.Network.for_task(SMALL, n_rec=5, rng=seed) for seed in (0, 1)]
    parts = [report.analysed(nets[0], SMALL, nets[1]), report.analysed(nets[1])]
    table = report.compared(["a", "b"], parts, ["orthogonal", ""]).table
    assert [row[:4] for row in table[1:]] == [("b", "", "", "5"), ("a", "And", "orthogonal", "5")]
    assert {len(row) for row in table} == {len(table[0])}
    (tmp_path / "index.html").write_text(report.page("one", parts[0], links=["other"]))
    assert len(checked(tmp_path / "index.html").pictures) == len(parts[0])
    for part in parts[0]:
        json.dumps(part.numbers, allow_nan=False)  # as files.write_json asks


def test_a_folder_of_networks_is_compared(tmp_path, capsys):
    folder = tmp_path / "nets"
    folder.mkdir()
    assert cli.main(["analyze", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "holds neither a run nor networks" in capsys.readouterr().err
    for seed, name in enumerate(("b", "a")):
        mr.Network.random(2, 5 + seed, 1, rng=seed).save(folder / f"{name}.npz")
    (folder / "notes.txt").write_text("not a network")
    assert cli.main(["analyze", str(folder), "--out", str(tmp_path / "out")]) == 0
    rows = json.loads((tmp_path / "out" / "analysis.json").read_text())["comparison"]["rows"]
    assert [(row[0], row[3]) for row in rows[1:]] == [("a", "6"), ("b", "5")]


def test_a_network_without_a_task_is_shown_by_its_weights(tmp_path):
    mr.Network.random(2, 6, 1, rng=1).save(tmp_path / "net.npz")
    assert cli.main(["analyze", str(tmp_path / "net.npz"), "--out", str(tmp_path / "out")]) == 0
    assert list(json.loads((tmp_path / "out" / "analysis.json").read_text())) == ["network", "spectrum", "weights"]
