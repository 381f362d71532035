"""PsychRNN's weights and tasks, PyTorch's state dicts, neurogym's tasks. The truth is their equations in loops of their own."""

import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minirnn as mr
from minirnn import interop

N, I, O = 6, 2, 3


# ---- PsychRNN: files


def psychrnn_arrays(dale_out="rec", dtype=np.float32):
    """Variables of a PsychRNN model, before its masks and signs; dale_out: as PsychRNN starts it ("rec"), or as it says it does."""
    rng = np.random.default_rng(5)
    signs = np.where(np.arange(N) < 4, 1.0, -1.0)
    found = {
        "init_state": rng.standard_normal((1, N)), "W_in": rng.standard_normal((N, I)), "W_rec": rng.standard_normal((N, N)),
        "W_out": rng.standard_normal((O, N)), "b_rec": rng.standard_normal(N), "b_out": rng.standard_normal(O),
        "Dale_rec": np.diag(signs), "Dale_out": np.diag(signs if dale_out == "rec" else (signs > 0).astype(float)),
        "input_connectivity": rng.integers(2, size=(N, I)), "rec_connectivity": rng.integers(2, size=(N, N)),
        "output_connectivity": rng.integers(2, size=(O, N)),
    }  # fmt: skip
    return {name: array.astype(dtype) for name, array in found.items()}


def psychrnn_effective(v, dale):
    """rnn.py, get_effective_W_rec and its like."""
    W_rec, W_in, W_out = (
        v["W_rec"] * v["rec_connectivity"], v["W_in"] * v["input_connectivity"], v["W_out"] * v["output_connectivity"]
    )  # fmt: skip
    if dale:
        W_rec, W_in, W_out = np.matmul(abs(W_rec), v["Dale_rec"]), abs(W_in), np.matmul(abs(W_out), v["Dale_out"])
    return W_in, W_rec, W_out


def psychrnn_run(v, x, alpha, dale, noise=None):
    """basic.py, forward_pass, for x (trial, time, unit): outputs and states."""
    W_in, W_rec, W_out = psychrnn_effective(v, dale)
    state, outputs, states = np.tile(v["init_state"], [len(x), 1]), [], []
    for t in range(x.shape[1]):
        state = (1 - alpha) * state + alpha * (np.maximum(state, 0) @ W_rec.T + x[:, t] @ W_in.T + v["b_rec"])
        state = state if noise is None else state + noise[:, t]
        outputs.append(np.maximum(state, 0) @ W_out.T + v["b_out"])
        states.append(state)
    return np.transpose(outputs, [1, 0, 2]), np.transpose(states, [1, 0, 2])


def save_psychrnn(path, dale_ratio, *, effective=True, change=None, **kind):
    """A file as `model.save` (effective) or `WeightInitializer.save` writes it; returns the model's variables."""
    variables = psychrnn_arrays(**kind)
    saved = dict(variables)
    if effective:
        saved["W_in"], saved["W_rec"], saved["W_out"] = psychrnn_effective(variables, bool(dale_ratio))
        saved |= {f"{name}/{slot}": np.full_like(variables[name], 9) for name in ("W_in", "b_rec") for slot in ("Adam", "Adam_1")}
    saved["dale_ratio"] = dale_ratio
    if change is not None:
        change(saved)
    np.savez(path, **saved)
    return variables


@pytest.mark.parametrize("effective", [True, False])
@pytest.mark.parametrize("dale_ratio, dale_out", [(0.7, "rec"), (0.7, "said"), (None, "rec"), (0, "rec")])
def test_psychrnn_weights_run_as_its_forward_pass(tmp_path, effective, dale_ratio, dale_out):
    plain = {} if dale_ratio is not None else {"Dale_rec": np.eye(N), "Dale_out": np.eye(N)}  # as PsychRNN has them then
    variables = save_psychrnn(
        tmp_path / "w.npz", dale_ratio, effective=effective, dale_out=dale_out, dtype=np.float64, change=lambda s: s.update(plain)
    )
    model = interop.read_psychrnn(tmp_path / "w.npz")
    for found, expected in zip(model[:3], psychrnn_effective(variables, bool(dale_ratio)), strict=True):
        np.testing.assert_array_equal(found, expected)
    # unit by unit, with W[to, from]
    alpha, x = 0.2, np.random.default_rng(1).standard_normal((4, 5, I))
    outputs, states = psychrnn_run(variables, x, alpha, bool(dale_ratio))
    for b in range(len(x)):
        h = model.h0.copy()
        for t in range(x.shape[1]):
            r, new = np.maximum(h, 0), np.empty(N)
            for i in range(N):
                current = model.b_rec[i] + sum(model.W_rec[i, j] * r[j] for j in range(N))
                new[i] = (1 - alpha) * h[i] + alpha * (current + sum(model.W_in[i, k] * x[b, t, k] for k in range(I)))
            h = new
            np.testing.assert_allclose(h, states[b, t], rtol=1e-12, atol=1e-12)
            z = [model.b_out[o] + sum(model.W_out[o, j] * max(h[j], 0) for j in range(N)) for o in range(O)]
            np.testing.assert_allclose(z, outputs[b, t], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dale_ratio, dale_out", [(0.7, "rec"), (0.7, "said"), (None, "rec")])
@pytest.mark.parametrize("dtype, error", [(np.float32, 2e-6), (np.float64, 1e-12)])
def test_psychrnn_networks_run_as_its_forward_pass(tmp_path, dale_ratio, dale_out, dtype, error):
    plain = {} if dale_ratio is not None else {"Dale_rec": np.eye(N), "Dale_out": np.eye(N)}
    variables = save_psychrnn(
        tmp_path / "w.npz",
        dale_ratio,
        dale_out=dale_out,
        dtype=dtype,
        change=lambda s: s.update({k: v.astype(dtype) for k, v in plain.items()}),
    )
    net = interop.read_psychrnn(tmp_path / "w.npz").network(tau=100.0, dt=20.0, noise=0.15)
    assert (net.dtype, net.dt, net.tau, net.noise, net.phi) == (dtype, 20.0, 100.0, 0.15, "relu")
    rng = np.random.default_rng(1)
    x, noise = rng.standard_normal((4, 9, I)), np.sqrt(2.0 * 0.2 * 0.15 * 0.15) * rng.standard_normal((4, 9, N))
    for given in (None, noise):
        outputs, states = psychrnn_run({k: v.astype(float) for k, v in variables.items()}, x, 0.2, bool(dale_ratio), given)
        h, z = net.run(interop.time_first(x), noise=None if given is None else interop.time_first(given))
        np.testing.assert_allclose(interop.trial_first(h[1:]), states, rtol=error, atol=error)
        np.testing.assert_allclose(interop.trial_first(z), outputs, rtol=error, atol=error)
    drawn = net.draw_noise(2000, 4, 0)
    assert drawn.std() == pytest.approx(np.sqrt(2.0 * 0.2) * 0.15, rel=0.02)


def test_a_psychrnn_file_tells_its_constraint(tmp_path):
    variables = save_psychrnn(tmp_path / "w.npz", 0.7, dale_out="said")
    model = interop.read_psychrnn(tmp_path / "w.npz")
    assert model.excitatory.tolist() == [True] * 4 + [False] * 2
    assert model.readout
    assert (model.W_rec[:, 4:] <= 0).all()  # what inhibitory units send
    assert (model.W_rec[:, :4] >= 0).all()
    assert (model.W_out[:, 4:] == 0).all()
    assert {array.dtype for array in (*model[:6], *model[8:])} == {np.dtype(np.float32)}
    for name, mask in (("input", model.mask_in), ("rec", model.mask), ("output", model.mask_out)):
        np.testing.assert_array_equal(mask, variables[f"{name}_connectivity"])
    save_psychrnn(tmp_path / "w.npz", 0.7)  # Dale_out as PsychRNN starts it
    model = interop.read_psychrnn(tmp_path / "w.npz")
    assert not model.readout
    assert (model.W_out[:, 4:] < 0).any()


def without(*names):
    def change(saved):
        for name in names:
            del saved[name]

    return change


def test_a_psychrnn_file_may_lack_what_is_not_needed(tmp_path):
    names = ("input_connectivity", "rec_connectivity", "output_connectivity", "Dale_rec", "Dale_out", "dale_ratio")
    save_psychrnn(tmp_path / "w.npz", None, effective=False, change=without(*names))
    model = interop.read_psychrnn(tmp_path / "w.npz")
    np.testing.assert_array_equal(model.W_rec, psychrnn_arrays()["W_rec"])
    assert model.excitatory is None
    assert model.mask.all()
    save_psychrnn(tmp_path / "w.npz", None, change=lambda s: s.update(init_state=s["init_state"][0], Dale_rec=np.eye(N)))
    np.testing.assert_array_equal(interop.read_psychrnn(tmp_path / "w.npz").h0, psychrnn_arrays()["init_state"][0])


class Evil:
    def __reduce__(self):
        return (sys.exit, ("a pickle was run",))


def test_no_pickle_of_a_psychrnn_file_is_run(tmp_path):
    evil = {"dale_ratio": np.array(Evil(), object), "W_in/Adam": np.array([Evil()], object), "note": np.array(Evil(), object)}
    save_psychrnn(tmp_path / "w.npz", None, change=lambda s: s.update(evil, Dale_rec=np.eye(N)))
    assert interop.read_psychrnn(tmp_path / "w.npz").excitatory is None
    for name in ("W_rec", "init_state", "rec_connectivity", "Dale_rec"):
        save_psychrnn(tmp_path / "w.npz", None, change=lambda s, name=name: s.update({name: np.array([Evil()], object)}))
        with pytest.raises(ValueError, match=rf"w\.npz.*{name} has dtype object"):
            interop.read_psychrnn(tmp_path / "w.npz")


def setting(name, value):
    return lambda saved: saved.update({name: value})


@pytest.mark.parametrize(
    "change, message",
    [
        (without("W_rec"), "no array W_rec; the models Basic"),
        (without("b_out", "init_state"), "no array b_out, init_state"),
        (without("dale_ratio"), "no dale_ratio"),
        (setting("dale_ratio", None), "no dale_ratio"),
        (setting("dale_ratio", 1.5), "dale_ratio must be a number from 0 to 1, got 1.5"),
        (setting("dale_ratio", np.nan), "dale_ratio must be finite"),
        (setting("dale_ratio", "0.8"), "dale_ratio must be an array of real numbers"),
        (setting("dale_ratio", np.ones(2)), "dale_ratio must be a number"),
        (without("Dale_out"), "no array Dale_out, though Dale's law acts"),
        (setting("Dale_rec", np.ones((N, N))), "Dale_rec must be a diagonal matrix of -1 and 1"),
        (setting("Dale_rec", np.diag([1.0] * 5 + [0.0])), "Dale_rec must be a diagonal matrix of -1 and 1"),
        (setting("Dale_out", np.diag([2.0] * N)), "Dale_out must be a diagonal matrix of -1 and 0 and 1"),
        (setting("Dale_out", np.ones(N)), r"Dale_out must be \(6, 6\), got \(6,\)"),
        (setting("rec_connectivity", np.full((N, N), 0.5)), "rec_connectivity must be 0 or 1, got 0.5"),
        (setting("input_connectivity", np.ones((I, N))), r"input_connectivity must be \(6, 2\), got \(2, 6\)"),
        (setting("W_in", np.ones((I, N))), r"W_in must be \(6, 6\), got \(2, 6\)"),
        (setting("W_in", np.ones(N)), "W_in must have two axes"),
        (setting("W_rec", np.ones((N, N + 1))), r"W_rec must be \(6, 6\), got \(6, 7\)"),
        (setting("W_rec", np.full((N, N), np.nan)), "W_rec must be finite"),
        (setting("W_rec", np.ones((N, N), complex)), "W_rec must be an array of real numbers"),
        (setting("W_rec", np.full((N, N), "a")), "W_rec must be an array of real numbers"),
        (setting("W_out", np.ones((N, O))), r"W_out must be \(6, 6\), got \(6, 3\)"),
        (setting("W_out", np.ones((0, N))), "6 units and 0 outputs"),
        (setting("b_rec", np.ones(N + 1)), r"b_rec must be \(6,\), got \(7,\)"),
        (setting("b_out", np.full(O, 1e300)), "b_out must be finite, got inf"),
        (setting("init_state", np.ones((2, N))), r"init_state must be \(1, 6\), got \(2, 6\)"),
    ],
)
def test_unsound_psychrnn_files_give_a_clear_error(tmp_path, change, message):
    save_psychrnn(tmp_path / "w.npz", 0.7, change=change)
    with pytest.raises(ValueError, match=message) as caught:
        interop.read_psychrnn(tmp_path / "w.npz")
    assert "w.npz" in str(caught.value)


def test_truncated_and_foreign_psychrnn_files(tmp_path):
    path = tmp_path / "w.npz"
    save_psychrnn(path, 0.7)
    whole = path.read_bytes()
    for content in (b"", b"not a zip", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"w\.npz can not be read"):
            interop.read_psychrnn(path)
    rng = np.random.default_rng(0)
    for _ in range(300):
        spoilt = bytearray(whole)
        for place in rng.integers(len(whole), size=3):
            spoilt[place] ^= int(rng.integers(1, 256))
        path.write_bytes(spoilt)
        try:
            interop.read_psychrnn(path)
        except ValueError as error:
            assert "w.npz" in str(error)
    save_psychrnn(path, None, change=without("dale_ratio", "Dale_rec"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("dale_ratio.npy", b"not an array")
    with pytest.raises(ValueError, match=r"w\.npz can not be read"):
        interop.read_psychrnn(path)
    with pytest.raises(FileNotFoundError):
        interop.read_psychrnn(tmp_path / "absent.npz")


# ---- PsychRNN: tasks


class PsychTask:
    """As psychrnn/tasks/task.py makes trials; draws from a generator of its own in place of NumPy's global one."""

    N_in, N_out = 2, 3

    def __init__(self, dt=10, T=95, N_batch=4):
        self.dt, self.T, self.N_batch = dt, T, N_batch
        self.N_steps = int(np.ceil(self.T / self.dt))
        self.random = np.random.RandomState(7)
        self.x_t = np.zeros(2)

    def generate_trial_params(self, batch, trial):
        return {"onset": self.random.uniform(0, 50), "label": 10 * batch + trial}

    def trial_function(self, time, params):
        self.x_t[:] = self.random.randn(2) + time  # the same array each time
        y_t = np.array([params["label"], time, 0.5]) if time > params["onset"] else 0.0
        return self.x_t, y_t, np.array([True, time > params["onset"], False])

    def batches(self):
        batch = 1
        while True:
            x, y, mask = (np.zeros([self.N_batch, self.N_steps, n]) for n in (self.N_in, self.N_out, self.N_out))
            for trial in range(self.N_batch):
                params = self.generate_trial_params(batch, trial)
                for t in range(self.N_steps):
                    x[trial, t, :], y[trial, t, :], mask[trial, t, :] = self.trial_function(t * self.dt, params)
            batch += 1
            yield x, y, mask


@pytest.mark.parametrize("dt, T", [(10, 95), (10, 100), (0.1, 0.3)])
def test_trial_functions_give_psychrnns_batches(dt, T):
    theirs, ours = PsychTask(dt, T).batches(), PsychTask(dt, T)
    for batch in (1, 2):
        trials = interop.from_trial_function(
            ours.trial_function, 4, T=T, dt=dt, generate_trial_params=ours.generate_trial_params, batch=batch
        )
        for found, expected in zip((trials.x, trials.target, trials.mask), next(theirs), strict=True):
            np.testing.assert_array_equal(interop.trial_first(found), expected)
        assert trials.dt == dt


def test_trial_functions_with_parameters_given():
    def pulse(t, height):
        return height * (t >= 4), [height], True

    trials = interop.from_trial_function(pulse, [1.0, -2.0], T=10, dt=2.0)
    np.testing.assert_array_equal(trials.x[:, :, 0].T, [[0, 0, 1, 1, 1], [0, 0, -2, -2, -2]])
    np.testing.assert_array_equal(trials.target[:, :, 0].T, [[1] * 5, [-2] * 5])
    assert trials.mask.shape == (5, 2, 1)
    assert trials.mask.all()


def test_arguments_of_trial_functions():
    def sound(t, params):
        return np.zeros(2), np.zeros(1), np.ones(1)

    def call(function=sound, params=(0,), T=10, dt=1, **more):
        return interop.from_trial_function(function, params, T=T, dt=dt, **more)

    for keywords, kind, message in [
        ({"T": 0}, ValueError, "T must be positive, got 0"),
        ({"dt": np.nan}, ValueError, "dt must be positive"),
        ({"function": 3}, TypeError, "trial_function must be a function"),
        ({"params": ()}, ValueError, "params must have at least one entry"),
        ({"params": 0}, ValueError, "params must be at least 1 trial, got 0"),
        ({"params": True}, ValueError, "params must be at least 1 trial"),
        ({"params": 2.5}, TypeError, "params must be a number of trials or one entry per trial, got float"),
        ({"params": 2}, TypeError, "generate_trial_params must be given"),
        ({"generate_trial_params": lambda b, t: 0}, TypeError, "generate_trial_params is for a number of trials"),
        ({"function": lambda t, p: (1, 2)}, TypeError, r"must return \(x_t, y_t, mask_t\), got tuple at t = 0"),
        ({"function": lambda t, p: (np.zeros(2 + (t > 3)), 0, 1)}, ValueError, r"x_t must be \(3,\) at all times, got \(2,\)"),
        ({"function": lambda t, p: (0, np.zeros(3), np.ones(2))}, ValueError, r"mask_t must be \(3,\) at all times, got \(2,\)"),
        ({"function": lambda t, p: (0, np.zeros((2, 2)), 1)}, ValueError, r"y_t must be \(4,\) at all times, got \(2, 2\)"),
        ({"function": lambda t, p: (0, np.nan, 1)}, ValueError, "y_t must be finite"),
        ({"function": lambda t, p: ("a", 0, 1)}, TypeError, "x_t must be an array of real numbers"),
        ({"function": lambda t, p: (0, 0, 0)}, ValueError, "mask sums to 0"),
        ({"function": lambda t, p: (0, 0, -1)}, ValueError, "mask must not be negative"),
    ]:  # fmt: skip
        with pytest.raises(kind, match=message):
            call(**keywords)


# ---- PyTorch


def torch_arrays(dtype=np.float32, bias=True, rnn="rnn.", linear="fc."):
    rng = np.random.default_rng(3)
    shapes = {f"{rnn}weight_ih_l0": (N, I), f"{rnn}weight_hh_l0": (N, N), f"{linear}weight": (O, N)}
    if bias:
        shapes |= {f"{rnn}bias_ih_l0": (N,), f"{rnn}bias_hh_l0": (N,), f"{linear}bias": (O,)}
    return {name: 0.5 * rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def torch_run(arrays, x, phi):
    """The equation in the documentation of nn.RNN, for x (time, trial, unit)."""
    a = {key.rpartition(".")[2]: array.astype(float) for key, array in arrays.items()}
    h, out = np.zeros((x.shape[1], N)), []
    for x_t in x:
        pre = x_t @ a["weight_ih_l0"].T + a.get("bias_ih_l0", 0) + h @ a["weight_hh_l0"].T + a.get("bias_hh_l0", 0)
        h = np.tanh(pre) if phi == "tanh" else np.maximum(pre, 0)
        out.append(h @ a["weight"].T + a.get("bias", 0))
    return np.array(out)


@pytest.mark.parametrize("phi", ["tanh", "relu"])
@pytest.mark.parametrize("dtype, error", [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("bias", [True, False])
def test_state_dicts_run_as_the_equation_of_pytorch(phi, dtype, error, bias):
    arrays = torch_arrays(dtype, bias)
    x = np.random.default_rng(1).standard_normal((8, 4, I)).astype(dtype)
    net = interop.read_state_dict(arrays, phi=phi)
    assert net.dtype == dtype
    assert (net.params.b_rec is None) == (net.params.b_out is None) == (not bias)
    np.testing.assert_allclose(net.run(x)[1], torch_run(arrays, x, phi), rtol=10 * error, atol=error)


@pytest.mark.parametrize("phi", ["tanh", "relu"])
@pytest.mark.parametrize("name, error", [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("bias", [True, False])
def test_state_dicts_both_ways_through_torch(phi, name, error, bias):
    torch = pytest.importorskip("torch", reason="the extra crosscheck is not installed")
    dtype = getattr(torch, name)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = torch.nn.RNN(I, N, nonlinearity=phi, bias=bias, dtype=dtype)
            self.linear = torch.nn.Linear(N, O, bias=bias, dtype=dtype)

        def forward(self, x):
            return self.linear(self.rnn(x)[0])

    torch.manual_seed(0)
    x = np.random.default_rng(1).standard_normal((20, 4, I)).astype(name)
    theirs = Module()
    net = interop.read_state_dict(theirs.state_dict(), phi=phi)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(net.run(x)[1], expected, rtol=0, atol=error)
    assert interop.read_state_dict(dict(theirs.named_parameters()), phi=phi).dtype == name  # which require a gradient
    other = Module()
    other.load_state_dict({key: torch.from_numpy(array) for key, array in interop.write_state_dict(net).items()})
    np.testing.assert_allclose(other(torch.from_numpy(x)).detach().numpy(), expected, rtol=0, atol=error)


def test_a_tensor_numpy_does_not_know_is_named():
    torch = pytest.importorskip("torch", reason="the extra crosscheck is not installed")
    arrays = torch_arrays() | {"fc.weight": torch.zeros(O, N, dtype=torch.bfloat16)}
    with pytest.raises(TypeError, match=r"fc\.weight can not be read as an array"):
        interop.read_state_dict(arrays, phi="tanh")


def test_what_is_written_of_a_network():
    net = mr.Network.random(I, N, O, b_rec=True, rng=0, phi="relu", tau=5.0, dt=5.0, noise=0.1)
    net.params.b_rec[:] = np.arange(N)
    found = interop.write_state_dict(net, rnn="model.rnn.", linear="")
    assert list(found) == [
        "model.rnn.weight_ih_l0",
        "model.rnn.weight_hh_l0",
        "model.rnn.bias_ih_l0",
        "model.rnn.bias_hh_l0",
        "weight",
        "bias",
    ]
    assert not found["model.rnn.bias_hh_l0"].any()
    back = interop.read_state_dict(found, phi="relu", dt=5.0)
    for a, b in zip(back.weights, net.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (back.tau, back.dt, back.phi) == (5.0, 5.0, "relu")
    found["weight"][:] = 7  # a copy
    assert not (net.params.W_out == 7).any()


@pytest.mark.parametrize("rnn, linear", [("", ""), ("rnn.", "fc."), ("module.model.rnn.", "module.model.linear.")])
def test_prefixes_and_files_of_state_dicts(tmp_path, rnn, linear):
    arrays = torch_arrays(rnn=rnn, linear=linear) | {"epoch": np.array(3), "norm.running_mean": np.zeros(2)}
    np.savez(tmp_path / "w.npz", **arrays)
    for given in (arrays, tmp_path / "w.npz", str(tmp_path / "w.npz")):
        net = interop.read_state_dict(given, phi="tanh")
        np.testing.assert_array_equal(net.weights.W_rec, arrays[f"{rnn}weight_hh_l0"])
        np.testing.assert_array_equal(net.weights.W_out, arrays[f"{linear}weight"])
        np.testing.assert_array_equal(net.weights.b_rec, arrays[f"{rnn}bias_ih_l0"] + arrays[f"{rnn}bias_hh_l0"])


@pytest.mark.parametrize(
    "change, kind, message",
    [
        (without("rnn.weight_hh_l0"), ValueError, "no entry weight_hh_l0"),
        (without("rnn.bias_hh_l0"), ValueError, "no entry bias_hh_l0"),
        (setting("out.weight", np.ones((O, N))), ValueError, r"fc\.weight and out\.weight are two entries weight"),
        (setting("rnn.weight_ih_l1", np.ones((N, N))), ValueError, r"rnn\.weight_ih_l1 is no part of one nn\.RNN"),
        (setting("rnn.weight_hh_l0_reverse", np.ones((N, N))), ValueError, "is no part of one nn"),
        (setting("rnn.weight_hr_l0", np.ones((N, N))), ValueError, "is no part of one nn"),
        (setting("rnn.weight_hh_l0", np.ones((4 * N, N), "f4")), ValueError, r"must be \(N, N\), got \(24, 6\); nn.LSTM"),
        (setting("rnn.weight_ih_l0", np.ones((I, N), "f4")), ValueError, r"rnn\.weight_ih_l0 must be \(6, I\), got \(2, 6\)"),
        (setting("fc.weight", np.ones((N, O), "f4")), ValueError, r"fc\.weight must be \(O, 6\), got \(6, 3\)"),
        (setting("fc.weight", np.float32(1)), ValueError, r"fc\.weight must be \(O, 6\), got \(\)"),
        (setting("fc.bias", np.ones(O + 1, "f4")), ValueError, r"fc\.bias must be \(3,\), got \(4,\)"),
        (setting("rnn.bias_hh_l0", np.ones((N, 1), "f4")), ValueError, r"rnn\.bias_hh_l0 must be \(6,\), got \(6, 1\)"),
        (setting("rnn.weight_hh_l0", np.full((N, N), np.nan, "f4")), ValueError, r"rnn\.weight_hh_l0 must be finite"),
        (setting("fc.weight", np.ones((O, N), int)), TypeError, r"fc\.weight must be float32 or float64, got dtype int"),
        (setting("fc.weight", np.ones((O, N))), TypeError, r"fc\.weight is float64 but rnn\.weight_hh_l0 is float32"),
        (setting("fc.weight", [[1.0], [1.0, 2.0]]), TypeError, r"fc\.weight can not be read as an array"),
    ],
)
def test_unsound_state_dicts_give_a_clear_error(tmp_path, change, kind, message):
    arrays = torch_arrays()
    change(arrays)
    with pytest.raises(kind, match=message):
        interop.read_state_dict(arrays, phi="tanh")
    if all(isinstance(array, np.ndarray) for array in arrays.values()):
        np.savez(tmp_path / "w.npz", **arrays)
        with pytest.raises(ValueError, match=message) as caught:
            interop.read_state_dict(tmp_path / "w.npz", phi="tanh")
        assert "w.npz" in str(caught.value)


def test_arguments_of_state_dicts(tmp_path):
    with pytest.raises(ValueError, match='phi must be "tanh" or "relu"'):
        interop.read_state_dict(torch_arrays(), phi="sigmoid")
    with pytest.raises(TypeError, match="arrays must be a state dict or the path"):
        interop.read_state_dict([1], phi="tanh")
    with pytest.raises(ValueError, match="dt must be positive"):
        interop.read_state_dict(torch_arrays(), phi="tanh", dt=0)
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80")
    with pytest.raises(ValueError, match=r"w\.pt is a pickle, not read here"):
        interop.read_state_dict(tmp_path / "w.pt", phi="tanh")
    with pytest.raises(FileNotFoundError):
        interop.read_state_dict(tmp_path / "absent.npz", phi="tanh")
    np.savez(tmp_path / "w.npz", **torch_arrays(), other=np.array([Evil()], object))
    with pytest.raises(ValueError, match=r"w\.npz.*other has dtype object"):
        interop.read_state_dict(tmp_path / "w.npz", phi="tanh")


def test_what_nn_rnn_can_not_do_is_not_written():
    with pytest.raises(TypeError, match="net must be a Network"):
        interop.write_state_dict({})
    for constants, message in [
        ({"tau": 2.0}, r"leak and gain must be 1 for nn.RNN, got dt/tau = 0.5"),
        ({"tau": np.array([1.0] * (N - 1) + [4.0])}, "got dt/tau = 0.25"),
        ({"tau": 2.0, "drive": "literal"}, "got dt/tau = 0.5 and gain 1"),
        ({"tau": 3.0, "dt": 3.0, "drive": "literal"}, "gain 3"),
        ({"phi": "softplus"}, 'phi must be "tanh" or "relu" for nn.RNN'),
    ]:
        with pytest.raises(ValueError, match=message):
            interop.write_state_dict(mr.Network.random(I, N, O, rng=0, **constants))
    net = mr.Network.random(I, N, O, rng=0)
    net.h0[2] = 0.1
    with pytest.raises(ValueError, match="h0 must be 0"):
        interop.write_state_dict(net)

    class Current(mr.Network):
        form = "current"

        def __init__(self):
            pass

    with pytest.raises(ValueError, match=r'form must be "rate" for nn\.RNN'):
        interop.write_state_dict(Current())


def test_the_weights_that_act_are_written_and_no_output_but_a_linear_one():
    net = mr.Network.random(I, N, O, rng=0, dale=mr.Dale(0.5))
    net.params.W_rec[:] *= -1
    np.testing.assert_array_equal(interop.write_state_dict(net)["rnn.weight_hh_l0"], net.weights.W_rec)
    with pytest.raises(ValueError, match=r'output must be "linear" for nn\.Linear'):
        interop.write_state_dict(mr.Network.random(I, N, O, rng=0, output="sigmoid"))
    with pytest.raises(ValueError, match=r'form must be "rate" for nn\.RNN'):
        interop.write_state_dict(mr.Network.random(I, N, O, rng=0, form="current"))


# ---- neurogym


class Env:
    """What neurogym's TrialEnv shows: trials of different lengths from its own generator, which `seed` alone sets, not `reset`."""

    dt = 20

    def __init__(self, gt="int", start=0):
        self.kind, self.start = gt, start
        self.rng = np.random.RandomState()
        self.action_space = types.SimpleNamespace(n=np.int64(3), start=start) if gt == "int" else types.SimpleNamespace()

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)
        return [seed]

    def reset(self, seed=None, options=None):
        self.new_trial()
        return self.ob[0], {}

    def new_trial(self, **kwargs):
        steps, choice = self.rng.randint(4, 9), self.rng.randint(1, 3)
        self.ob = np.zeros((steps, 3), np.float32)  # fixation and two stimuli
        self.ob[:, 0] = 1
        self.ob[1:3, choice] += 1 + self.rng.randn(2).astype(np.float32)
        self.gt = np.full(steps, self.start)
        self.gt[3:] = self.start + choice
        if self.kind == "value":
            self.gt = self.rng.randn(steps, 2)
        elif self.kind == "angle":
            self.gt = self.rng.randn(steps)
        return {"ground_truth": choice}


def drawn(seed, n, **kind):
    """n trials of an Env, by hand."""
    env = Env(**kind)
    env.seed(int(np.random.default_rng(seed).integers(2**31)))
    found = []
    for _ in range(n):
        env.new_trial()
        found.append((env.ob, env.gt))
    return found


@pytest.mark.parametrize("T", [None, 12])
@pytest.mark.parametrize("start", [0, 5])
def test_neurogym_trials_are_padded_and_one_hot(T, start):
    expected = drawn(3, 10, start=start)
    trials = interop.from_neurogym(Env(start=start), 10, 3, T=T)
    longest = max(len(ob) for ob, _ in expected)
    assert len({len(ob) for ob, _ in expected}) > 1
    assert trials.x.shape == (T or longest, 10, 3)
    assert trials.target.shape == (T or longest, 10, 3)
    assert trials.mask.shape == (T or longest, 10)
    assert trials.dt == 20.0
    for b, (ob, gt) in enumerate(expected):
        for t in range(T or longest):
            inside = t < len(ob)
            assert trials.mask[t, b] == inside
            np.testing.assert_array_equal(trials.x[t, b], ob[t] if inside else np.zeros(3))
            for o in range(3):
                assert trials.target[t, b, o] == (inside and gt[t] == start + o)


@pytest.mark.parametrize("gt, width", [("value", 2), ("angle", 1)])
def test_neurogym_ground_truth_that_is_no_choice(gt, width):
    expected = drawn(0, 5, gt=gt)
    trials = interop.from_neurogym(Env(gt), 5, 0)
    for b, (_, value) in enumerate(expected):
        np.testing.assert_allclose(trials.target[: len(value), b], value.reshape(-1, width), rtol=1e-6)


def test_neurogym_trials_are_copies():
    class Reusing(Env):
        memory = np.zeros((9, 3), np.float32)

        def new_trial(self):
            super().new_trial()
            self.memory[: len(self.ob)] = self.ob
            self.ob = self.memory[: len(self.ob)]

    np.testing.assert_array_equal(interop.from_neurogym(Reusing(), 6, 0).x, interop.from_neurogym(Env(), 6, 0).x)


def test_neurogym_seeds():
    rng = np.random.default_rng(0)
    first, second = (interop.from_neurogym(Env(), 6, rng) for _ in range(2))
    again = interop.from_neurogym(Env(), 6, 0)
    np.testing.assert_array_equal(first.x, again.x)
    assert first.x.shape != second.x.shape or (first.x != second.x).any()
    env = Env()  # the same one twice, in whatever state it is
    env.new_trial()
    np.testing.assert_array_equal(interop.from_neurogym(env, 6, 0).x, first.x)

    class Modern(Env):
        seed = None

        def reset(self, *, seed=None):
            self.rng = np.random.RandomState(seed)

    np.testing.assert_array_equal(interop.from_neurogym(Modern(), 6, 0).x, first.x)


class Outer:
    """A wrapper of gymnasium 1.0, which passes no attributes on."""

    def __init__(self, env):
        self.env = env

    @property
    def unwrapped(self):
        return self.env

    def reset(self, *, seed=None, options=None):
        raise AssertionError("reset, though the task can be seeded")


def test_neurogym_wrappers(monkeypatch):
    expected = interop.from_neurogym(Env(), 4, 1)
    np.testing.assert_array_equal(interop.from_neurogym(Outer(Env()), 4, 1).x, expected.x)

    class Doubled(Outer):
        def new_trial(self, **kwargs):
            self.env.new_trial()
            self.env.ob *= 2

    np.testing.assert_array_equal(interop.from_neurogym(Doubled(Env()), 4, 1).x, 2 * expected.x)
    made = []
    fake = types.SimpleNamespace(make=lambda name, **settings: made.append((name, settings)) or Outer(Env()))
    monkeypatch.setitem(sys.modules, "neurogym", fake)
    np.testing.assert_array_equal(interop.from_neurogym("Choice-v0", 4, 1, dt=20).x, expected.x)
    assert made == [("Choice-v0", {"dt": 20})]
    monkeypatch.setitem(sys.modules, "neurogym", None)
    with pytest.raises(ImportError, match='making the task "Choice-v0" needs neurogym'):
        interop.from_neurogym("Choice-v0", 4, 1)


def spoilt(**attributes):
    """An Env whose trials have these attributes in place of their own."""

    class Spoilt(Env):
        def new_trial(self):
            super().new_trial()
            for name, value in attributes.items():
                setattr(self, name, value)

    return Spoilt()


class Growing(Env):
    count = 0

    def new_trial(self):
        super().new_trial()
        self.count += 1
        self.ob = np.ones((len(self.ob), self.count))


@pytest.mark.parametrize(
    "env, keywords, kind, message",
    [
        (Env(), {"n": 0}, ValueError, "n must be an integer of at least 1, got 0"),
        (Env(), {"n": 2.0}, ValueError, "n must be an integer"),
        (Env(), {"T": 0}, ValueError, "T must be None or an integer"),
        (Env(), {"T": 5}, ValueError, r"T must be at least as long as each trial, got 5 steps for a trial of 8"),
        (Env(), {"rng": -1}, ValueError, "rng must be a seed"),
        (Env(), {"dt": 10}, TypeError, "dt can not be given to a task that is made already"),
        (object(), {}, TypeError, r"env must be the name of a neurogym task or have new_trial\(\), got object"),
        (types.SimpleNamespace(new_trial=print), {}, TypeError, "env must have dt"),
        (types.SimpleNamespace(new_trial=print, dt=1), {}, TypeError, r"env must have seed\(seed\) or reset"),
        (spoilt(gt=None), {}, ValueError, "made a trial without gt"),
        (spoilt(ob=np.ones((2, 3))), {}, ValueError, r"same number of steps, got \(2, 3\)"),
        (spoilt(ob=np.ones((0, 3)), gt=np.ones(0)), {}, ValueError, "same number of steps"),
        (spoilt(gt=np.full(2, 3), ob=np.ones((2, 3))), {}, ValueError, "gt must be from 0 to 2, got 3 to 3"),
        (spoilt(gt=np.full(2, -1), ob=np.ones((2, 3))), {}, ValueError, "gt must be from 0 to 2, got -1 to -1"),
        (spoilt(action_space=None), {}, ValueError, r"env\.action_space\.n, the number of actions, is not there"),
        (spoilt(ob=np.full((2, 3), np.nan), gt=np.zeros(2, int)), {}, ValueError, "x must be finite"),
        (spoilt(dt=-1, ob=np.ones((2, 3)), gt=np.zeros(2, int)), {}, None, None),
        (Growing(), {}, ValueError, "trial 1 has 2 inputs and 3 outputs, the first 1 and 3"),
    ],
)  # fmt: skip
def test_arguments_of_neurogym_tasks(env, keywords, kind, message):
    arguments = {"n": 9, "rng": 3} | keywords
    n, rng = arguments.pop("n"), arguments.pop("rng")
    if kind is None:  # dt is read before the first trial
        assert interop.from_neurogym(env, n, rng).dt == 20
        return
    with pytest.raises(kind, match=message):
        interop.from_neurogym(env, n, rng, **arguments)


@pytest.mark.filterwarnings("ignore")  # gymnasium's own
def test_neurogym_itself():
    pytest.importorskip("neurogym", reason="neurogym is not installed")
    first, again, other = (interop.from_neurogym("PerceptualDecisionMaking-v0", 5, seed, dt=20) for seed in (0, 0, 1))
    assert (first.x.shape[1:], first.target.shape[1:], first.dt) == ((5, 3), (5, 3), 20.0)
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()
    assert (first.target[0, :, 0] == 1).all()  # fixation
    assert (first.target[-1, :, 1:].sum(axis=1) == 1).all()  # a choice


# ---- files that PsychRNN itself wrote (tests/data/README.md)

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("tag, excitatory", [("plain", None), ("dale", 16)])
def test_a_network_that_psychrnn_trained_answers_as_it_did_there(tag, excitatory):
    model = interop.read_psychrnn(DATA / f"psychrnn_{tag}.npz")
    net = model.network(tau=100.0, dt=10.0)
    with np.load(DATA / f"psychrnn_{tag}_answers.npz") as answers:
        h, z = net.run(interop.time_first(answers["x"]))
        assert np.abs(interop.trial_first(z) - answers["o"]).max() < 1e-6
        assert np.abs(interop.trial_first(h[1:]) - answers["s"]).max() < 1e-6
        assert np.abs(answers["o"]).max() > 0.05
    assert (np.diag(net.weights.W_rec) == 0).all()
    if excitatory is not None:
        W = net.weights.W_rec
        assert (W[:, :excitatory] >= 0).all()
        assert (W[:, excitatory:] <= 0).all()
