"""Keras files of three eras, the authors' own and such as this module makes itself, sound and hostile."""

import json

import numpy as np
import pytest

import minirnn as mr
from minirnn import interop, tasks
from minirnn.reference import Params

h5py = pytest.importorskip("h5py", reason="the extra keras is not installed")

N, I, O = 5, 2, 1


def write(path, era, *, bias=True, moments=True, change=None):
    """A Keras file of one of the three layouts; `change(file)` spoils it."""
    rng = np.random.default_rng(0)
    arrays = {"kernel": (I, N), "recurrent_kernel": (N, N), "bias": (N,), "dense_kernel": (N, O), "dense_bias": (O,)}
    arrays = {k: rng.standard_normal(shape).astype(np.float32) for k, shape in arrays.items() if bias or k != "bias"}
    m = {k: rng.standard_normal(a.shape).astype(np.float32) for k, a in arrays.items()}
    v = {k: rng.random(a.shape, np.float32) for k, a in arrays.items()}
    scope = {"2.0.6": "{}/{}/", "2.3.1": "{}/{}/", "3.6.0": "{}/sequential/{}/"}[era]
    end = "" if era == "3.6.0" else ":0"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = era
        layers = [
            {"class_name": "SimpleRNN", "config": {"activation": "tanh"}},
            {"class_name": "Dense", "config": {"activation": "linear"}},
        ]
        config = {"class_name": "Sequential", "config": layers if era == "2.0.6" else {"layers": layers}}
        file.attrs["model_config"] = json.dumps(config)
        for name, array in arrays.items():
            layer = "dense_7" if "dense" in name else "simple_rnn_7"
            cell = "simple_rnn_cell/" if era == "3.6.0" and "dense" not in name else ""
            file[f"model_weights/{scope.format(layer, layer)}{cell}{name.removeprefix('dense_')}{end}"] = array
        if moments:
            lr = "lr" if era == "2.0.6" else "learning_rate"
            adam = {lr: 0.002, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5, "clipnorm": 0.5}
            adam |= {} if era == "3.6.0" else {"decay": 0.01}
            file.attrs["training_config"] = json.dumps({"optimizer_config": {"class_name": "Adam", "config": adam}})
            for k, name in enumerate(arrays):
                if era == "2.0.6":
                    for j, array in ((k, m[name]), (k + len(arrays), v[name])):
                        file[f"optimizer_weights/training_3/Adam/Variable{f'_{j}' if j else ''}:0"] = array
                elif era == "2.3.1":
                    file[f"optimizer_weights/m_{k}:0"], file[f"optimizer_weights/v_{k}:0"] = m[name], v[name]
                    file[f"optimizer_weights/vhat_{k}:0"] = np.zeros(1, np.float32)
                else:
                    key = name if "dense" in name else f"simple_rnn_simple_rnn_cell_{name}"
                    file[f"optimizer_weights/adam/sequential_{key}_momentum"] = m[name]
                    file[f"optimizer_weights/adam/sequential_{key}_velocity"] = v[name]
            file[{"2.0.6": "optimizer_weights/Adam_3/iterations:0", "2.3.1": "optimizer_weights/Adam/iterations:0"}.get(
                era, "optimizer_weights/adam/iteration")] = np.int64(77)  # fmt: skip
        if change is not None:
            change(file)
    return arrays, m, v


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("era", ["2.0.6", "2.3.1", "3.6.0"])
def test_the_three_layouts(tmp_path, era, bias):
    arrays, m, v = write(tmp_path / "model.h5", era, bias=bias)
    model = interop.read_keras(tmp_path / "model.h5")
    keras = {"W_in": "kernel", "W_rec": "recurrent_kernel", "b_rec": "bias", "W_out": "dense_kernel", "b_out": "dense_bias"}
    for ours, theirs in ((model.network.params, arrays), (model.state.m, m), (model.state.v, v)):
        for name in Params._fields:
            expected = theirs.get(keras.get(name, ""))
            found = getattr(ours, name)
            if expected is None:
                assert found is None
            else:
                np.testing.assert_array_equal(found, expected.T)
    assert model.state.updates == 77
    assert model.version == era
    expected = mr.Adam(
        lr=0.002, beta1=0.8, beta2=0.99, eps=1e-5, decay=0.0 if era == "3.6.0" else 0.01, clip=0.5,
        clip_scope="per_array" if era == "3.6.0" else "global",
    )  # fmt: skip
    assert model.optimizer == expected
    # the forward formula of Keras, spelt out
    x = np.random.default_rng(1).standard_normal((3, 7, I)).astype(np.float32)  # (trial, time, unit)
    state, outputs = np.zeros((3, N)), []
    for t in range(7):
        state = np.tanh(x[:, t] @ arrays["kernel"] + state @ arrays["recurrent_kernel"] + arrays.get("bias", 0))
        outputs.append(state @ arrays["dense_kernel"] + arrays["dense_bias"])
    _, z = mr.Network.load(tmp_path / "model.h5").run(interop.time_first(x))
    np.testing.assert_allclose(interop.trial_first(z), np.stack(outputs, axis=1), atol=1e-5)


def test_training_goes_on_from_the_moments(tmp_path):
    write(tmp_path / "model.h5", "2.3.1")
    model = interop.read_keras(tmp_path / "model.h5")
    small = tasks.And(onset=2, pulse=2, gap=1, tail=4)
    settings = {"epochs": 1, "samples": 8, "batch": 8, "rng": 0, "progress": False}
    result = mr.train(model.network, small, optimizer=model.optimizer, state=model.state, **settings)
    # one update number 78, by the plain formulas
    from minirnn import reference
    from minirnn.randomness import DATA, SHUFFLE, counted, draw_run_seed

    run_seed = draw_run_seed(np.random.default_rng(0))
    data = small.trials(8, counted(run_seed, DATA))
    order = counted(run_seed, SHUFFLE, 1).permutation(8)
    net = model.network.astype("float64")
    x, target = (array[:, order].astype(float) for array in (data.x, data.target))
    _, g = reference.loss_and_gradient(net.params, x, target, np.ones_like(target), net.h0, None, net.model)
    norm = np.sqrt(sum((p * p).sum() for p in g if p is not None))
    scale = min(1.0, 0.5 / norm)
    for name in ("W_in", "W_rec", "W_out", "b_rec", "b_out"):
        theta, m, v = (getattr(p, name).astype(float) for p in (net.params, model.state.m, model.state.v))
        lr = 0.002 / (1 + 0.01 * 77)
        expected, _, _ = reference.adam(theta, m, v, scale * getattr(g, name), 78, lr, 0.8, 0.99, 1e-5, True)
        np.testing.assert_allclose(getattr(result.network.weights, name), expected, rtol=1e-4, atol=1e-6)
    assert result.history.learning_rate[0] == pytest.approx(0.002 / 1.77)


def test_a_state_that_does_not_fit_is_named(tmp_path):
    write(tmp_path / "model.h5", "2.3.1")
    model = interop.read_keras(tmp_path / "model.h5")
    task = tasks.And(onset=2, pulse=2, gap=1, tail=4)

    def go_on(state):
        return mr.train(model.network, task, epochs=1, samples=8, rng=0, progress=False, state=state)

    wrong = model.state._replace(m=model.state.m._replace(W_rec=np.zeros((2, 2), np.float32)))
    with pytest.raises(ValueError, match=r"state\.m\.W_rec does not fit"):
        go_on(wrong)
    with pytest.raises(ValueError, match=r"state\.v\.b_out must be finite"):
        go_on(model.state._replace(v=model.state.v._replace(b_out=np.full(1, np.nan, np.float32))))
    with pytest.raises(ValueError, match=r"state\.updates"):
        go_on(model.state._replace(updates=-1))
    with pytest.raises(TypeError, match="state must be OptimizerState"):
        go_on("adam")


def spoil(path, value):
    def change(file):
        del file[path]
        if value is not None:
            file[path] = value

    return change


def attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def absurd(file):
    del file[RECURRENT]
    file.create_dataset(RECURRENT, (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")


def outside(file):
    del file["model_weights"]
    file["model_weights"] = h5py.ExternalLink("other.h5", "/model_weights")


def outside_data(file):
    del file[RECURRENT]
    file.create_dataset(RECURRENT, (N, N), "f4", external=[("/etc/passwd", 0, 100)])


RECURRENT = "model_weights/simple_rnn_7/simple_rnn_7/recurrent_kernel:0"
DENSE = "model_weights/dense_7/dense_7/kernel:0"
LSTM = json.dumps({"config": [{"class_name": "LSTM", "config": {}}]})
RELU = json.dumps({"config": [{"class_name": "SimpleRNN", "config": {"activation": "relu"}}]})


@pytest.mark.parametrize(
    "change, message",
    [
        (spoil(RECURRENT, None), "no array recurrent_kernel"),
        (spoil(RECURRENT, np.zeros((N, N + 1), np.float32)), "W_rec must be"),
        (spoil(RECURRENT, np.full((N, N), np.nan, np.float32)), "W_rec must be finite"),
        (spoil(RECURRENT, np.zeros((N, N), "S3")), "dtype"),
        (spoil(DENSE, np.zeros((N + 1, O), np.float32)), "W_out must be"),
        (spoil("model_weights", None), "no group model_weights"),
        (spoil("model_weights", np.zeros(3)), "model_weights is not a group"),
        (spoil("optimizer_weights/m_1:0", None), "moments do not fit the weights W_rec"),
        (spoil("optimizer_weights/v_0:0", np.zeros(3)), "moments do not fit the weights W_in"),
        (spoil("optimizer_weights/Adam/iterations:0", None), "how many updates"),
        (absurd, "more than any network"),
        (outside, "model_weights is a link, which is not followed"),
        (outside_data, "kept in another file"),
        (attribute("model_config", LSTM), "layer of the kind 'LSTM'"),
        (attribute("model_config", RELU), "activation 'relu'"),
        (attribute("model_config", "{"), "can not be read"),
        (attribute("model_config", "[1]"), "not a JSON object"),
        (lambda file: file.copy("model_weights/simple_rnn_7", "model_weights/simple_rnn_8"), "more than one recurrent layer"),
    ],
)
def test_unsound_keras_files_give_a_clear_error(tmp_path, change, message):
    write(tmp_path / "model.h5", "2.3.1", change=change)
    with pytest.raises(ValueError, match=message) as caught:
        mr.Network.load(tmp_path / "model.h5")
    assert "model.h5" in str(caught.value)


def test_truncated_and_foreign_files(tmp_path):
    path = tmp_path / "model.hdf5"
    write(path, "2.3.1")
    whole = path.read_bytes()
    for content in (b"", b"not HDF5", whole[: len(whole) // 2], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.hdf5 can not be read"):
            mr.Network.load(path)
    # any flipped byte gives a network or a clear error, never anything else
    rng = np.random.default_rng(0)
    for _ in range(200):
        spoilt = bytearray(whole)
        for place in rng.integers(len(whole), size=3):
            spoilt[place] ^= int(rng.integers(1, 256))
        path.write_bytes(spoilt)
        try:
            mr.Network.load(path)
        except ValueError as error:
            assert "model.hdf5" in str(error)
    with pytest.raises(FileNotFoundError):
        mr.Network.load(tmp_path / "absent.h5")
    write(path, "2.3.1")
    with pytest.raises(ValueError, match="one set of weights"):
        mr.Network.load(path, initial=True)


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"minirnn\[keras\]"):
        mr.Network.load(tmp_path / "model.h5")


# ---- the authors' files


@pytest.mark.parametrize(
    "keras, exported",
    [
        ("and_n50_ortho_14_keras206", "and_n50_ortho_14"),
        ("not_n50_ortho_17_keras206", "not_n50_ortho_17"),
        ("multitask3_n200_ortho_gap8_ep13_keras231", "multitask3_n200_ortho_gap8_ep13"),
        ("simpledm_n100_ortho_keras3", "simpledm_n100_ortho_nobias_0_"),
    ],
)
def test_the_authors_files_hold_the_exported_weights(author_networks, keras, exported):
    ours = mr.Network.load(author_networks / "keras" / f"{keras}.hdf5")
    theirs = mr.Network.load(author_networks / f"{exported}.npz")
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


def test_the_authors_counters_and_settings(author_networks):
    for name, updates in (("and_n50_ortho_14_keras206", 4700), ("multitask3_n200_ortho_gap8_ep13_keras231", 2301)):
        model = interop.read_keras(author_networks / "keras" / f"{name}.hdf5")
        assert model.state.updates == updates
        assert (model.optimizer.lr, model.optimizer.decay) == pytest.approx((1e-4, 1e-4))
        assert model.optimizer.eps == 1e-8
        assert min(v.min() for v in model.state.v if v is not None) >= 0
    keras3 = interop.read_keras(author_networks / "keras" / "simpledm_n100_ortho_keras3.hdf5").optimizer
    assert (keras3.clip, keras3.clip_scope, keras3.decay) == (1.0, "per_array", 0.0)


def test_the_untrained_file_and_the_one_without_arrays(author_networks):
    model = interop.read_keras(author_networks / "keras" / "and_n50_ortho_14_untrained_keras206.hdf5")
    assert model.optimizer is None
    assert model.state is None
    untrained = mr.Network.load(author_networks / "and_n50_ortho_14.npz", initial=True)
    np.testing.assert_array_equal(model.network.weights.W_rec, untrained.weights.W_rec)
    with pytest.raises(ValueError, match=r"simpledm_no_arrays_keras3\.hdf5 can not be read as a Keras model: it holds no array"):
        mr.Network.load(author_networks / "keras" / "simpledm_no_arrays_keras3.hdf5")


@pytest.mark.compiled
def test_the_authors_moments_hold_the_next_steps_down(author_networks):
    # the published v is that of 4700 updates: the next step of an Adam that knows it is far smaller than the first of a new one,
    # which has the size of the learning rate in every weight
    model = interop.read_keras(author_networks / "keras" / "and_n50_ortho_14_keras206.hdf5")
    task = tasks.And(onset=60, tail=140)
    change = {}
    for name, state in (("known", model.state), ("new", None)):
        result = mr.train(model.network, task, optimizer=model.optimizer, state=state, epochs=1, samples=64, rng=0, progress=False)
        change[name] = np.sqrt(np.mean((result.network.weights.W_rec - model.network.weights.W_rec) ** 2))
    assert change["new"] == pytest.approx(1e-4, rel=0.1)
    assert change["known"] < 0.5 * change["new"]
