import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import minirnn as mr
from minirnn import circuits, cli, plots, tasks
from minirnn.circuits.design import CLOSED, DESIGNS, PHI, SETTLED

KINDS = (("passive", "current"), ("op-amp", "current"), ("op-amp", "rate"), ("clocked", "rate"), ("clocked", "current"))


def some_weights(rng, N=5, I=2, O=2, dtype=np.float64, gain=1.2):
    shapes = ((N, I), (N, N), (O, N), (N,), (O,), (N,))
    scales = (1.0, gain / math.sqrt(N), 1.0, 0.3, 0.3, 0.2)
    return [(s * rng.normal(size=shape)).astype(dtype) for shape, s in zip(shapes, scales, strict=True)]


def built(arrays, design, form, *, tau=1.0, dt=1.0, **settings):
    period = dt if design == "clocked" else None
    return circuits.design(*arrays, design=design, form=form, tau=tau, dt=period, **settings)


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.tobytes() == b.tobytes()


# ---- weights and components


@given(
    seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS), N=st.integers(1, 9), I=st.integers(0, 3), biases=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]), scale=st.integers(-30, 12), R=st.integers(-8, 12), v0=st.integers(-6, 3),
)  # fmt: skip
def test_weights_to_components_and_back_is_exact(seed, kind, N, I, biases, dtype, scale, R, v0):
    rng = np.random.default_rng(seed)
    arrays = some_weights(rng, N, I, 2, dtype, gain=10.0**scale)
    for W in arrays[:3]:
        W[rng.random(W.shape) < 0.2] = rng.choice([0.0, -0.0])
    arrays = arrays if biases else [*arrays[:3], None, None, arrays[5]]
    tau = 1.0 if kind[0] == "clocked" else rng.uniform(1, 100, N)
    circuit = built(arrays, *kind, tau=tau, R=2.0**R, v0=2.0**v0)
    back = circuits.weights(circuit)
    for given_array, found in zip([*arrays, np.broadcast_to(tau, N)], back, strict=True):
        if given_array is None:
            assert found is None
        else:
            same_bits(found.astype(given_array.dtype), given_array)
            same_bits(found, given_array.astype(np.float64))
    for g in (circuit.g_in, circuit.g_rec, circuit.g_out, circuit.g_sum, circuit.g_state):
        assert (g >= 0).all()  # nothing that can not be bought
    assert (circuit.C > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_with_other_resistors_float32_is_still_exact_and_float64_to_the_last_bits(kind):
    arrays = some_weights(np.random.default_rng(3), 30, dtype=np.float32)
    back = circuits.weights(built(arrays, *kind, R=10.0, v0=0.3))
    for a, b in zip(arrays, back[:6], strict=True):
        same_bits(b.astype(np.float32), a)
        np.testing.assert_array_max_ulp(b, a.astype(np.float64), 4)


def test_the_round_trip_of_tau_in_a_clocked_circuit_is_to_rounding_and_exact_at_dt():
    arrays = some_weights(np.random.default_rng(0))
    tau = np.array([1.0, 1.5, 10.0, 400.0, 1.0 + 1e-12])
    back = circuits.weights(built(arrays, "clocked", "rate", tau=tau)).tau
    np.testing.assert_allclose(back, tau, rtol=1e-13)
    assert back[0] == 1.0


def test_a_long_row_of_a_passive_circuit_is_summed_exactly():
    arrays = some_weights(np.random.default_rng(1), 150)
    back = circuits.weights(built(arrays, "passive", "current", tau=3.0))
    for a, b in zip(arrays, back[:6], strict=True):
        same_bits(b, a)


def test_component_values_by_hand():
    # R = 100 kOhm, w = -2 in a rail of gain 8: 400 kOhm to the inverted rail; win = 0.25: 400 kOhm; load = 1/4 + 1/4
    arrays = ([[0.25]], [[-2.0]], [[0.5]], [0.1], None)
    c = circuits.design(*arrays, tau=20.0, design="passive", form="current", R=100.0, v0=0.5, gain=8.0, input_gain=1.0)
    found = {p.name: p for p in circuits.components(c)}
    expected = {
        "R1_1": ("n1", "m1", 400.0), "Rin1_1": ("n1", "e1", 400.0), "Rsum1": ("n1", "0", 200.0), "C1": ("n1", "0", 0.2),
        "I1": ("0", "n1", 0.5e-3), "Rout1_1": ("qz1", "p1", 1600.0), "Rsumout1": ("qz1", "uz1", 100.0),
    }  # fmt: skip
    assert set(found) == set(expected)
    for name, (a, b, value) in expected.items():
        assert found[name][1:3] == (a, b)
        assert found[name].value == pytest.approx(value, rel=1e-15)
    assert circuits.load([[0.25]], [[-2.0]], gain=8.0) == [0.5]
    c = circuits.design(*arrays[:3], None, [-0.3], [0.7], tau=20.0, R=100.0, v0=0.5)
    found = {p.name: p for p in circuits.components(c)}
    assert set(found) == {"R1_1", "Rin1_1", "Rsum1", "Rstate1", "C1", "Rout1_1", "Iout1", "Rsumout1"}
    assert found["R1_1"] == ("R1_1", "q1", "m1", 50.0, "kOhm")
    assert found["Rsum1"][1:] == ("q1", "u1", 100.0, "kOhm")
    assert found["Rstate1"][1:] == ("d1", "n1", 100.0, "kOhm")
    assert found["Iout1"].value == pytest.approx(-1.5e-3)
    assert c.v_start == [0.35]


@given(seed=st.integers(0, 2**32), N=st.integers(1, 8), I=st.integers(0, 3), scale=st.floats(0, 3), of_inputs=st.floats(0, 3))
def test_the_remedy_is_enough_and_half_of_it_is_not(seed, N, I, scale, of_inputs):
    rng = np.random.default_rng(seed)
    W_in, W_rec = of_inputs * rng.normal(size=(N, I)), scale * rng.normal(size=(N, N))
    gain, input_gain = circuits.remedy(W_in, W_rec)
    assert math.log2(gain).is_integer()
    assert math.log2(input_gain).is_integer()
    assert circuits.load(W_in, W_rec, gain=gain, input_gain=input_gain).max() <= 1
    assert circuits.load(W_in, 0 * W_rec, input_gain=input_gain).max() <= 0.5
    if gain > 1:
        assert circuits.load(W_in, W_rec, gain=gain / 2, input_gain=input_gain).max() > 1
    if input_gain > 1:
        assert circuits.load(W_in, 0 * W_rec, input_gain=input_gain / 2).max() > 0.5
    circuits.design(W_in, W_rec, np.ones((1, N)), design="passive", form="current")


def test_a_row_that_is_too_heavy_can_not_be_passive():
    W_in, W_rec = np.array([[0.5], [0.0]]), np.array([[0.25, -0.25], [0.7, -0.4]])
    np.testing.assert_allclose(circuits.load(W_in, W_rec), [1.0, 1.1])
    with pytest.raises(ValueError, match=r"gain must be larger: row 1 .* load 1\.1, above 1, .*gives \(2\.0, 1\.0\)"):
        circuits.design(W_in, W_rec, [[1.0, 1.0]], design="passive", form="current", gain=1.0)
    c = circuits.design(W_in, W_rec, [[1.0, 1.0]], design="passive", form="current", gain=1.1, R=1.0)
    np.testing.assert_allclose(c.g_sum, [1 - 0.5 - 0.5 / 1.1, 0], atol=1e-15)
    exactly = circuits.design(W_in[:1], W_rec[:1, :1] * 2, [[1.0]], design="passive", form="current", gain=1.0)
    assert exactly.g_sum == [0.0]  # a load of just 1 needs no leak at all
    assert "Rsum1" not in {p.name for p in circuits.components(exactly)}


# ---- trajectories


def continuous(arrays, x, dt, tau, form, phi):
    """h (T+1, B, N) and z of the network's own differential equation, from its weights."""
    W_in, W_rec, W_out, b_rec, b_out, h0 = arrays
    h = [np.broadcast_to(h0, (x.shape[1], len(h0)))]
    for held in x:

        def slope(t, y, held=held):
            y = y.reshape(h[0].shape)
            if form == "rate":
                return ((-y + phi(y @ W_rec.T + held @ W_in.T + b_rec)) / tau).ravel()
            return ((-y + phi(y) @ W_rec.T + held @ W_in.T + b_rec) / tau).ravel()

        h.append(solve_ivp(slope, (0, dt), h[-1].ravel(), "DOP853", rtol=1e-11, atol=1e-13).y[:, -1].reshape(h[0].shape))
    h = np.array(h)
    return h, (h if form == "rate" else phi(h))[1:] @ W_out.T + b_out


FUNCTIONS = {
    "tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)), "linear": lambda a: a,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("phi", PHI)
@pytest.mark.parametrize("v0", [1.0, 0.05])
def test_circuit_and_network_go_the_same_way_in_continuous_time(kind, phi, v0):
    rng = np.random.default_rng(7)
    arrays, tau = some_weights(rng), rng.uniform(2, 9, 5)
    x = np.repeat(rng.normal(size=(6, 3, 2)), 2, axis=0)
    found = circuits.simulate(built(arrays, *kind, tau=tau, phi=phi, v0=v0), x, 1.5, rtol=1e-11, atol=1e-13)
    h, z = continuous(arrays, x, 1.5, tau, kind[1], FUNCTIONS[phi])
    np.testing.assert_allclose(found.time, 1.5 * np.arange(13))
    np.testing.assert_allclose(found.state / v0, h, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.output / v0, z, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_the_network_comes_as_close_to_its_circuit_as_its_step_is_small(kind):
    rng = np.random.default_rng(2)
    arrays = some_weights(rng)
    x = rng.normal(size=(8, 2, 2))
    exact = circuits.simulate(built(arrays, *kind, tau=4.0), x, 1.0)
    errors = []
    for steps in (16, 32):
        net = mr.Network(*arrays, form=kind[1], tau=4.0, dt=1.0 / steps)
        h, _ = net.run(np.repeat(x, steps, axis=0))
        errors.append(np.abs(h[::steps] - exact.state).max())
    assert errors[0] < 0.05
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)  # Euler is of first order


@pytest.mark.parametrize("form", ["rate", "current"])
@pytest.mark.parametrize("tau", [1.0, 1.7, np.array([1.0, 2.0, 5.0, 40.0, 1.1])])
def test_a_clocked_circuit_takes_the_steps_of_the_network(form, tau):
    rng = np.random.default_rng(4)
    arrays = some_weights(rng, gain=0.9)
    x = rng.normal(size=(25, 3, 2))
    found = circuits.simulate(built(arrays, "clocked", form, tau=tau, v0=0.25), x, 1.0)
    h, z = mr.Network(*arrays, form=form, tau=tau).run(x)
    np.testing.assert_allclose(found.state / 0.25, h, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.output / 0.25, z, rtol=0, atol=1e-12)


def test_an_input_may_take_time_to_rise():
    # no recurrence, linear: tau dh/dt = -h + x, x a ramp of length r to 1, then held; h(t) in closed form
    one = circuits.design([[1.0]], [[0.0]], [[1.0]], tau=2.0, phi="linear")
    r, t = 0.75, np.arange(5.0)
    found = circuits.simulate(one, np.ones((4, 1, 1)), 1.0, rise=r, rtol=1e-12, atol=1e-14)
    at_r = 1 - 2 / r * (1 - math.exp(-r / 2))
    np.testing.assert_allclose(found.state[1:, 0, 0], 1 + (at_r - 1) * np.exp(-(t[1:] - r) / 2), atol=1e-10)
    x = np.array([1.0, 0.0, 0.0, 0.0]).reshape(4, 1, 1)
    down = circuits.simulate(one, x, 1.0, rise=r, rtol=1e-12, atol=1e-14).state[:, 0, 0]
    shifted = found.state[:, 0, 0] - np.concatenate([[0.0], found.state[:-1, 0, 0]])
    np.testing.assert_allclose(down, shifted, atol=1e-10)  # a pulse is a step less the same step later


# ---- the authors' networks


@pytest.mark.parametrize(
    ("name", "task", "in_continuous_time"),
    [
        ("and_n50_ortho_14", tasks.And(onset=60, tail=140), True), ("and_n50_ortho_04", tasks.And(), True),
        ("or_n50_ortho_01", tasks.Or(), True), ("xor_n50_ortho_00", tasks.Xor(), False), ("not_n50_ortho_17", tasks.Not(), False),
        ("ff_n50_ortho_06", tasks.FlipFlop(), True), ("timepulse_n50_ortho_03", tasks.TimePulse(), True),
    ],
)  # fmt: skip
def test_an_authors_network_performs_its_task_as_a_circuit(author_networks, name, task, in_continuous_time):
    net = mr.Network.load(author_networks / f"{name}.npz")
    trials = task.conditions()
    clocked = circuits.design(*net.weights, design="clocked", dt=1.0)
    found = circuits.simulate(clocked, trials.x, 1.0)
    assert tasks.success(found.output, trials, task)
    _, z = net.run(trials.x)
    np.testing.assert_allclose(found.output, z, rtol=0, atol=2e-4)  # the network's own arithmetic is float32
    same_bits(circuits.weights(clocked).W_rec.astype(np.float32), net.weights.W_rec)
    # where an oscillation of the map carries the answer, the system in continuous time does not have it
    flowing = circuits.simulate(circuits.design(*net.weights), trials.x, 1.0, rtol=1e-7, atol=1e-9)
    assert tasks.success(flowing.output, trials, task) == in_continuous_time


# ---- real components


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_components_are_within_their_tolerance(kind):
    c = built(some_weights(np.random.default_rng(0), 40), *kind)
    off = circuits.with_errors(c, resistors=0.05, capacitors=0.1, currents=0.02, rng=1)
    for name, p in (
        ("g_rec", 0.05),
        ("g_in", 0.05),
        ("g_out", 0.05),
        ("g_sum", 0.05),
        ("g_state", 0.05),
        ("C", 0.1),
        ("I_rec", 0.02),
    ):
        nominal, real = getattr(c, name), getattr(off, name)
        assert ((nominal == 0) == (real == 0)).all()
        some = nominal != 0
        ratio = real[some] / nominal[some] if name in ("C", "I_rec") else nominal[some] / real[some]
        if len(ratio):
            assert np.abs(ratio - 1).max() <= p * (1 + 1e-12)
            assert np.abs(ratio - 1).max() > 0.7 * p
        if ratio.size > 1000:
            assert np.std(ratio) == pytest.approx(p / math.sqrt(3), rel=0.1)
    unbiased = c._replace(I_rec=None, I_out=None)
    for exact in (c, unbiased):
        for a, b in zip(circuits.with_errors(exact, rng=1), exact, strict=True):
            assert (a is None and b is None) or np.array_equal(a, b)


def test_the_weights_of_a_circuit_that_is_off_are_those_of_its_components():
    arrays = some_weights(np.random.default_rng(5))
    for kind in KINDS[:3]:
        off = circuits.with_errors(built(arrays, *kind, tau=3.0), resistors=0.1, capacitors=0.1, currents=0.1, rng=2)
        real = circuits.weights(off)
        x = np.random.default_rng(6).normal(size=(5, 2, 2))
        h, z = continuous(real[:6], x, 1.0, real.tau, kind[1], np.tanh)
        found = circuits.simulate(off, x, 1.0, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found.state, h, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.output, z, rtol=0, atol=1e-9)
        assert np.abs(real.W_rec / arrays[1] - 1).max() > 0.05


def test_the_tolerance_study_counts_circuits_that_work():
    arrays = some_weights(np.random.default_rng(0), O=1)
    c = built(arrays, "clocked", "rate")
    x = np.random.default_rng(1).normal(size=(10, 3, 2))
    exact = circuits.simulate(c, x, 1.0).output

    def judge(z):
        far = np.abs(z - exact).max(axis=(0, 2))
        return far, bool(far.max() < 0.1)

    found = circuits.tolerance(c, x, 1.0, judge, tolerances=(0.0, 1e-4, 0.5), draws=4, rng=3)
    assert found.distances.shape == (3, 4, 3)
    assert (found.distances[0] == 0).all()
    assert found.works.tolist() == [[True] * 4, [True] * 4, [False] * 4]
    assert len({*found.distances[1].max(axis=1)}) == 4  # each draw is a circuit of its own
    again = circuits.tolerance(c, x, 1.0, judge, tolerances=(1e-4,), draws=4, rng=3)
    np.testing.assert_array_equal(again.distances[0], found.distances[1])
    for wrong in ({"draws": 0}, {"tolerances": ()}):
        with pytest.raises(ValueError, match="draws must be at least 1"):
            circuits.tolerance(c, x, 1.0, judge, rng=0, **wrong)


# ---- SPICE


def raw_file(path):
    """Variables by name, of ngspice's binary raw file."""
    head, data = path.read_bytes().split(b"Binary:\n", 1)
    count, points = (int(re.search(rf"No\. {word}: (\d+)", head.decode())[1]) for word in ("Variables", "Points"))
    names = [line.split()[1].lower() for line in head.decode().split("Variables:\n")[1].splitlines()[:count]]
    return dict(zip(names, np.frombuffer(data, np.float64).reshape(points, count).T, strict=True))


def in_ngspice(folder, text, time):
    """State and output at these times (ms), by column n1, n2 .. and z1 .. of the netlist's own .save lines."""
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is not installed (Debian: apt-get install ngspice)")
    (folder / "c.cir").write_text(text)
    command = ["ngspice", "-b", "-r", "c.raw", "c.cir"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = raw_file(folder / "c.raw")
    saved = re.findall(r"v\((\w+)\)", text.split("\n.options")[0].split(".save", 1)[1])
    values = {n: np.interp(time, found["time"] * 1e3, found[f"v({n})"]) for n in saved}
    return tuple(np.stack([v for n, v in values.items() if n[0] == kind], axis=1) for kind in "nz")


@pytest.mark.parametrize(("kind", "phi"), [*((kind, "tanh") for kind in KINDS), *((KINDS[2], phi) for phi in PHI[1:])])
@pytest.mark.parametrize("v0", [1.0, 0.0625])
def test_the_netlist_in_ngspice_goes_the_same_way(tmp_path, kind, phi, v0):
    rng = np.random.default_rng(0)
    arrays = some_weights(rng, N=3)
    x = np.repeat(rng.normal(size=(3, 2)), 4, axis=0)
    c = built(arrays, *kind, tau=rng.uniform(2, 6, 3), phi=phi, v0=v0)
    found = circuits.simulate(c, x[:, None], 1.0, rise=1e-3)
    state, output = in_ngspice(tmp_path, circuits.netlist(c, x, 1.0), found.time)
    assert np.ptp(found.state) > 0.3 * v0
    np.testing.assert_allclose(state[1:] / v0, found.state[1:, 0] / v0, rtol=0, atol=1e-4)
    np.testing.assert_allclose(output[1:] / v0, found.output[:, 0] / v0, rtol=0, atol=3e-4)


def test_an_authors_network_answers_in_ngspice(author_networks, tmp_path):
    net, task = mr.Network.load(author_networks / "and_n50_ortho_14.npz"), tasks.And(tail=30)
    trials = task.conditions()
    c = circuits.design(*net.weights)
    found = circuits.simulate(c, trials.x, 1.0, rise=1e-3)
    _, output = in_ngspice(tmp_path, circuits.netlist(c, trials.x[:, 3], 1.0, step=0.1), found.time)
    np.testing.assert_allclose(output[1:], found.output[:, 3], rtol=0, atol=2e-3)
    assert output[-1, 0] > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_a_netlist_holds_each_weight_of_float32_in_its_resistances(kind):
    arrays = some_weights(np.random.default_rng(8), 12, dtype=np.float32)
    c = built(arrays, *kind)
    text = circuits.netlist(c, np.zeros((2, 2)), 1.0)
    found = np.zeros((12, 12))
    for i, j, rail, value in re.findall(r"^R(\d+)_(\d+) [nq]\d+ ([pm])\d+ (\S+)k$", text, re.M):
        found[int(i) - 1, int(j) - 1] = (1 if rail == "p" else -1) * 64.0 / float(value) * c.gain
    same_bits(found.astype(np.float32), arrays[1])
    named = [line.split()[0].lower() for line in text.splitlines() if re.match(r"[A-Za-z]", line)]
    assert len(set(named)) == len(named)


def test_a_netlist_may_have_no_inputs_and_no_biases():
    c = circuits.design(np.zeros((2, 0)), np.eye(2), np.ones((1, 2)))
    text = circuits.netlist(c, np.zeros((3, 0)), 1.0, title="two")
    assert text.startswith("* two: 2 units")
    assert not re.search(r"^I|PWL", text, re.M)
    assert text.endswith(".end\n")


# ---- bad input


def test_what_does_not_fit_is_named():
    good = some_weights(np.random.default_rng(0))
    W_in, W_rec, W_out = good[:3]
    for error, match, change in (
        (ValueError, "design must be one of passive, op-amp, clocked", {"design": "digital"}),
        (ValueError, "form must be one of", {"form": "spiking"}),
        (ValueError, "phi must be one of", {"phi": "sin"}),
        (ValueError, 'form must be "current" for the passive', {"design": "passive"}),
        (ValueError, "dt must be given", {"design": "clocked"}),
        (ValueError, "dt must be given", {"dt": 1.0}),
        (ValueError, "dt must be positive", {"design": "clocked", "dt": 0.0}),
        (ValueError, "tau must be at least dt = 2", {"design": "clocked", "dt": 2.0}),
        (ValueError, r"W_rec must be \(5, 5\)", {"W_rec": W_rec[:, :4]}),
        (ValueError, r"W_in must be \(5, 2\)", {"W_in": W_in[:4]}),
        (ValueError, r"W_out must be \(2, 5\)", {"W_out": W_out[:, :3]}),
        (ValueError, "with N > 0", {"W_rec": np.zeros((0, 0))}),
        (ValueError, "W_in must have two axes", {"W_in": W_in[0]}),
        (ValueError, "W_rec must be finite, got nan", {"W_rec": W_rec * np.nan}),
        (TypeError, "W_out must be an array of real numbers", {"W_out": W_out + 1j}),
        (ValueError, r"b_rec must be \(5,\)", {"b_rec": np.zeros(4)}),
        (ValueError, r"tau must be \(5,\)", {"tau": np.ones(2)}),
        (ValueError, "tau must be positive, got -1", {"tau": -1.0}),
        (ValueError, "R must be positive", {"R": 0.0}),
        (ValueError, "v0 must be positive", {"v0": math.inf}),
        (ValueError, "input_gain must be positive", {"input_gain": -1.0}),
    ):
        with pytest.raises(error, match=match):
            circuits.design(**({"W_in": W_in, "W_rec": W_rec, "W_out": W_out} | change))
    c, clocked = circuits.design(*good), circuits.design(*good, design="clocked", dt=1.0)
    x = np.zeros((4, 1, 2))
    for match, call in (
        (r"x must be finite and \(T, B, 2\)", lambda: circuits.simulate(c, x[..., :1], 1.0)),
        ("x must be finite", lambda: circuits.simulate(c, x * np.inf, 1.0)),
        ("dt must be positive and rise", lambda: circuits.simulate(c, x, 1.0, rise=1.0)),
        ("dt must be the period of the clock, 1 ms, got 2", lambda: circuits.simulate(clocked, x, 2.0)),
        ("dt must be the period of the clock", lambda: circuits.netlist(clocked, x[:, 0], 2.0)),
        (r"x must be one trial, finite and \(T, 2\)", lambda: circuits.netlist(c, x, 1.0)),
        ("rise must be positive and below", lambda: circuits.netlist(c, x[:, 0], 1.0, rise=0.0)),
        ("W_in must have a row for each of the 5", lambda: circuits.load(W_in[:4], W_rec)),
        ("W_in must have a row for each of the 5", lambda: circuits.remedy(W_in[:4], 0 * W_rec)),
        ("capacitors must be a tolerance", lambda: circuits.with_errors(c, capacitors=1.0, rng=0)),
    ):
        with pytest.raises(ValueError, match=match), np.errstate(invalid="ignore"):
            call()


def test_a_circuit_that_runs_away_is_an_error():
    c = circuits.design([[1.0]], [[1e3]], [[1.0]], phi="linear")
    with pytest.raises(ValueError, match="can not be integrated at 0 ms"), np.errstate(all="ignore"):
        circuits.simulate(c, np.ones((2, 1, 1)), 1e3)


# ---- pictures and the command


@pytest.mark.parametrize("kind", KINDS)
def test_the_schematic_has_each_connection_on_its_rail(kind, tmp_path):
    c = built(([[0.8], [0.0]], [[0.5, -1e-4], [1e-7, 320.0]], [[1.0, 1.0]]), *kind, gain=None if kind[0] == "passive" else 1.0)
    made, axes = plots.figure(1, 1, 11, 6)
    ax = axes[0, 0]
    plots.schematic(ax, c.g_rec, c.s_rec, c.g_in, c.s_in, design=kind[0], form=kind[1])
    texts = [t.get_text() for t in ax.texts]
    assert [t for t in texts if t.startswith(("+E", "+V"))] == ["+E1", "+V1", "+V2", "+V1", "+V2"]
    taps = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in ax.get_lines()
        if line.get_marker() == "o" and line.get_color() != "#000000"
    ]
    columns = {0: 0.0, 2: 3.0, 5: 7.5, 4: 6.0}
    row = min(y for _, y in taps)
    assert sorted(x for x, y in taps if y > row + 1 and x < 8) == [columns[0], columns[2], columns[5]]
    assert sorted(x for x, y in taps if y == row and x < 8) == [columns[2], columns[4]]
    if kind[0] != "passive":
        assert {"80k", "128k", "640M", "640G", "200\N{GREEK CAPITAL LETTER OMEGA}"} <= set(texts)
    plots.save(made, tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 10_000


def test_the_picture_of_tolerances_counts_circuits():
    _, axes = plots.figure(1, 1, 5, 4)
    works = np.array([[True, True], [True, False]])
    plots.tolerances(axes[0, 0], np.array([1.0, 5.0]), np.array([[0.5, 0.6], [0.7, 9.0]]), works, nominal=0.5)
    assert [t.get_text() for t in axes[0, 0].texts] == ["2/2", "1/2"]
    assert [t.get_text() for t in axes[0, 0].get_xticklabels()] == ["1", "5"]
    one = plots.figure(1, 1, 5, 4)[1][0, 0]
    plots.tolerances(one, np.array([1.0]), np.array([[0.5]]), works[:1, :1], nominal=0.5)
    assert one.texts[0].get_text() == "1/1"


@pytest.fixture
def latch(tmp_path):
    """A unit of two states that answers AND, saved."""
    # h = tanh(3 h + u) loses its lower state at u = 1.30: one pulse, u = 0.8, leaves it there, two do not
    net = mr.Network(
        np.array([[0.8, 0.8]]), np.array([[3.0]]), np.array([[0.5025]]), np.array([0.0]), np.array([0.5]), np.array([-0.9949]),
        tau=4.0,
    )  # fmt: skip
    net.save(tmp_path / "latch.npz")
    return tmp_path / "latch.npz"


def test_the_command_leaves_components_netlist_and_figures(tmp_path, latch, capsys):
    out = tmp_path / "deep" / "out"
    command = ["circuit", str(latch), "--task", "and", "--tolerances", "1", "5", "--draws", "2", "--out", str(out)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    summary = json.loads((out / "circuit.json").read_text())
    assert summary["success"]
    assert "the circuit performs the task" in said
    files = {"components.csv", "circuit.cir", "circuit.json", "conditions.png", "schematic.png", "tolerance.png"}
    assert {p.name for p in out.iterdir()} == files
    lines = (out / "components.csv").read_text().splitlines()
    assert lines[0] == "name,from,to,value,unit"
    assert f"R1_1,q1,p1,{64 / 3!r},kOhm" in lines
    assert [row["percent"] for row in summary["tolerance"]] == [1.0, 5.0]
    assert summary["distance"].keys() == {"00", "10", "01", "11"}
    assert "resistors of 5 %:" in said
    clocked = ["circuit", str(latch), "--task", "and", "--design", "clocked", "--draws", "0", "--out", str(tmp_path / "clocked")]
    cli.main(clocked)
    found = json.loads((tmp_path / "clocked" / "circuit.json").read_text())
    trials = tasks.And().conditions()
    expected = tasks.distance(mr.Network.load(latch).run(trials.x)[1], trials)
    np.testing.assert_allclose(list(found["distance"].values()), expected, rtol=1e-6)
    assert not (tmp_path / "clocked" / "tolerance.png").exists()


def test_the_command_gives_a_verdict(tmp_path, capsys, author_networks):
    for name, design, code in (
        ("and_n50_ortho_14", "op-amp", 0),
        ("xor_n50_ortho_00", "op-amp", 1),
        ("xor_n50_ortho_00", "clocked", 0),
    ):
        task = name.split("_")[0]
        path = str(author_networks / f"{name}.npz")
        assert cli.main(["circuit", path, "--task", task, "--design", design, "--draws", "0", "--out", str(tmp_path)]) == code
        said = capsys.readouterr().out
        assert ("the circuit performs the task" in said) == (code == 0)
        assert ("try --design clocked" in said) == (code == 1)


def test_the_command_says_what_is_wrong(tmp_path, latch, capsys):
    out = ["--out", str(tmp_path / "never")]
    literal = mr.Network(*some_weights(np.random.default_rng(0), O=1), tau=2.0, drive="literal")
    literal.save(tmp_path / "literal.npz")
    for arguments, match in (
        ([str(latch)], "--task must be given"),
        ([str(tmp_path / "literal.npz"), "--task", "and"], 'a circuit needs output="linear" and drive="normalised"'),
        ([str(latch), "--task", "and", "--tolerances", "100"], "--tolerances must be percentages"),
        ([str(latch), "--task", "and", "--design", "passive"], "form must be"),
        ([str(latch), "--task", "not"], "x must be"),
    ):
        assert cli.main(["circuit", *arguments, *out]) == 2
        assert match in capsys.readouterr().err
    assert not (tmp_path / "never").exists()


def test_designs_are_those_that_are_told():
    assert {design for design, _ in KINDS} == set(DESIGNS)
    assert 0 < CLOSED < 0.5  # the two switches are never closed at once
    assert math.exp(-SETTLED) < np.finfo(float).eps / 2
