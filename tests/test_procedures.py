"""Each statement about rescaling R, discretisation D and linearisation L, on random systems of both forms."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import minirnn as mr
from minirnn import integrators, noise, procedures, reference, studies
from minirnn.analysis import end_states, fixed_points
from minirnn.procedures import Setting, compare, discretise, linearise, rescale

FORMS = ("rate", "current")
SMOOTH = ("tanh", "sigmoid", "softplus")


class Case:
    """A random network and the numbers that made it; spectral radius about `gain`."""

    def __init__(self, seed, form="rate", phi="tanh", gain=1.0, several=False, sigma=0.0):
        self.rng = rng = np.random.default_rng(seed)
        self.N, self.form, self.phi = int(rng.integers(1, 5)), form, phi
        self.W = gain * rng.standard_normal((self.N, self.N)) / np.sqrt(self.N)
        self.U, self.b = rng.standard_normal((self.N, 2)), rng.standard_normal(self.N)
        self.tau = rng.uniform(0.5, 20, self.N) if several else float(rng.uniform(0.5, 20))
        self.system = procedures.network(self.W, self.U, self.b, tau=self.tau, phi=phi, form=form, sigma=sigma)
        self.h, self.x = rng.standard_normal(self.N), rng.standard_normal(2)

    def F(self, h, x):
        if self.form == "rate":
            return -h + reference.phi(self.W @ h + self.U @ x + self.b, self.phi)
        return -h + self.W @ reference.phi(h, self.phi) + self.U @ x + self.b

    def Lambda(self, h, x):
        argument = self.W @ h + self.U @ x + self.b if self.form == "rate" else h
        return np.diag(reference.phi_prime(reference.phi(argument, self.phi), self.phi))

    def rest(self):
        try:
            return procedures.equilibrium(self.system, self.x)
        except ValueError:
            assume(False)

    def setting(self, h=None, **changes):
        return Setting(float(np.min(self.tau)), 0.2 * float(np.min(self.tau)), self.h if h is None else h, self.x)._replace(
            **changes
        )


SEEDS = st.integers(0, 2**32 - 1)
CASES = st.builds(Case, SEEDS, st.sampled_from(FORMS), st.sampled_from(SMOOTH))
SEVERAL = st.builds(Case, SEEDS, st.sampled_from(FORMS), st.sampled_from(SMOOTH), several=st.just(True))
EITHER = st.one_of(CASES, SEVERAL)


# ---- R


@given(CASES)
def test_rescaled_by_tau_the_system_is_dimensionless(case):
    scaled = rescale(case.system)
    np.testing.assert_allclose(scaled.value(case.h, case.x), case.F(case.h, case.x), atol=1e-13)
    np.testing.assert_allclose(scaled.tau, 1)
    assert scaled.unit == case.tau


@settings(max_examples=10)
@given(EITHER)
def test_the_rescaled_system_runs_through_the_same_states_at_s_equal_to_t_over_S(case):
    S, s = float(case.rng.uniform(0.5, 5)), 1.3
    y = integrators.solved(lambda h: rescale(case.system, S).value(h, case.x), case.h, s)
    h = integrators.solved(lambda h: case.system.value(h, case.x), case.h, S * s)
    np.testing.assert_allclose(y, h, atol=1e-9)


@given(SEVERAL)
def test_several_time_constants_have_no_clock_of_their_own(case):
    np.testing.assert_allclose(np.diag(case.tau) @ case.system.value(case.h, case.x), case.F(case.h, case.x), atol=1e-12)
    assume(case.N > 1)
    with pytest.raises(ValueError, match="time must be given"):
        rescale(case.system)
    S = float(case.tau[0])
    scaled = rescale(case.system, S)  # T dh/dt = F keeps its ratios
    np.testing.assert_allclose(scaled.tau, case.tau / S)
    np.testing.assert_allclose(np.diag(case.tau / S) @ scaled.value(case.h, case.x), case.F(case.h, case.x), atol=1e-12)


@given(EITHER)
def test_rescaling_leaves_fixed_points_and_slopes_and_multiplies_the_speed(case):
    rest, S = case.rest(), 3.7
    scaled = rescale(case.system, S)
    assert np.abs(procedures.drift(scaled, rest, case.x)).max() < 1e-8
    for part, whole in zip(scaled.derivative(case.h, case.x), case.system.derivative(case.h, case.x), strict=True):
        np.testing.assert_allclose(part, S * whole, rtol=1e-13)


# ---- D


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("phi", ["tanh", "relu", "sigmoid", "softplus", "linear"])
def test_euler_of_the_system_is_the_network(form, phi):
    rng = np.random.default_rng(5)
    tau = rng.uniform(2, 9, 6)
    net = mr.Network.random(2, 6, 1, gain=0.9, form=form, phi=phi, tau=tau, dt=0.7, b_rec=True, dtype="float64", rng=rng)
    net = net.with_params(net.params._replace(b_rec=rng.standard_normal(6)))
    x = rng.standard_normal((12, 3, 2))
    h0 = rng.standard_normal((3, 6))
    expected, _ = reference.rollout(net.weights, x, h0, None, net.model)
    system = discretise(procedures.of(net), net.dt)
    np.testing.assert_allclose(integrators.trajectory(system.value, h0, x), expected, atol=1e-12)
    np.testing.assert_allclose(system.alpha, 0.7 / tau)


def test_the_literal_drive_is_known():
    net = mr.Network.random(1, 3, 1, tau=4.0, dt=0.5, drive="literal", dtype="float64", rng=0)
    x = np.ones((5, 1, 1))
    expected, _ = reference.rollout(net.weights, x, net.h0, None, net.model)
    step = discretise(procedures.of(net), 0.5).value
    np.testing.assert_allclose(integrators.trajectory(step, np.zeros((1, 3)), x), expected, atol=1e-13)


@given(EITHER)
def test_fixed_points_of_the_map_are_those_of_the_flow(case):
    rest = case.rest()
    for step in (0.1, 1.0, 2.5):
        map_ = discretise(case.system, step)
        assert np.abs(procedures.drift(map_, rest, case.x)).max() < 1e-7
        found = procedures.equilibrium(map_, case.x, start=rest + 1e-3)
        assert np.abs(procedures.drift(case.system, found, case.x)).max() < 1e-7
        # elsewhere neither rests: G(h) - h = dt f(h)
        np.testing.assert_allclose(
            procedures.drift(map_, case.h, case.x), step * procedures.drift(case.system, case.h, case.x), atol=1e-12
        )


# ---- L


@given(EITHER)
def test_the_linear_system_is_that_of_the_formula(case):
    linear = linearise(case.system, case.h, case.x)
    T, Lam = np.diag(1 / np.broadcast_to(case.tau, (case.N,))), case.Lambda(case.h, case.x)
    J = -np.eye(case.N) + (Lam @ case.W if case.form == "rate" else case.W @ Lam)
    B = Lam @ case.U if case.form == "rate" else case.U
    h, x = case.rng.standard_normal(case.N), case.rng.standard_normal(2)
    right = T @ (J @ (h - case.h) + B @ (x - case.x) + case.F(case.h, case.x))
    np.testing.assert_allclose(linear.value(h, x), right, atol=1e-11)
    assert linear.affine
    assert not case.system.affine


@given(EITHER, st.sampled_from(procedures.METHODS))
@settings(max_examples=20)
def test_the_derivatives_are_those_of_the_values(case, method):
    for system in (case.system, discretise(case.system, 0.4, method), discretise(linearise(case.system, case.h), 0.4, method)):
        A, B = system.derivative(case.h, case.x)
        d = 1e-5
        for k in range(case.N):
            e = d * np.eye(case.N)[k]
            slope = (system.value(case.h + e, case.x) - system.value(case.h - e, case.x)) / (2 * d)
            np.testing.assert_allclose(A[:, k], slope, rtol=1e-5, atol=1e-6)
        for k in range(2):
            e = d * np.eye(2)[k]
            slope = (system.value(case.h, case.x + e) - system.value(case.h, case.x - e)) / (2 * d)
            np.testing.assert_allclose(B[:, k], slope, rtol=1e-5, atol=1e-6)


@given(EITHER)
def test_the_constant_vanishes_at_an_equilibrium_only(case):
    rest = case.rest()
    assume(np.linalg.norm(case.h - rest) > 0.1)
    assert np.abs(linearise(case.system, rest, case.x).value(rest, case.x)).max() < 1e-8
    away = linearise(case.system, case.h, case.x).value(case.h, case.x)
    np.testing.assert_allclose(away, case.F(case.h, case.x) / case.tau, atol=1e-12)
    assume(np.abs(case.F(case.h, case.x)).max() > 1e-3)  # which it is but for another equilibrium nearby
    assert np.abs(away).max() > 0


# ---- their orders


@given(EITHER, st.sampled_from([0.25, 0.5, 0.9, 1.5, 2.0]))
def test_R_and_D_agree_if_and_only_if_ds_is_dt_over_tau(case, ratio):
    setting = case.setting()
    same = compare(case.system, "RD", "DR", setting)
    assert same.exact
    assert np.isnan(same.order)
    assert same.differences.max() < 1e-13
    a, b = (procedures.apply(case.system, order, setting) for order in ("RD", "DR"))
    assert (a.step, a.unit, a.step_ms) == pytest.approx((b.step, b.unit, setting.step), rel=1e-14)
    assume(np.abs(case.F(case.h, case.x)).max() > 1e-3)
    other = compare(case.system, "RD", "DR", setting._replace(ratio=ratio))  # in DR there is no clock to take another step on
    assert not other.exact
    assert other.order == pytest.approx(1, abs=0.35)
    assert other.conditions == (procedures.Condition("D", "ds = dt/tau", False),)
    assert "fails: ds = dt/tau" in str(other)


@given(CASES)
def test_with_another_step_fixed_points_are_the_same_and_multipliers_not(case):
    rest = case.rest()
    setting = case.setting(ratio=2.0)
    wrong, right = (procedures.apply(case.system, order, setting) for order in ("RD", "DR"))
    assert np.abs(procedures.drift(wrong, rest, case.x)).max() < 1e-8
    mu = np.sort_complex(np.linalg.eigvals(case.tau * case.system.derivative(rest, case.x)[0]))
    assume(np.diff(mu).size == 0 or np.abs(np.diff(mu)).min() > 1e-4)
    for map_, alpha in ((wrong, 0.4), (right, 0.2)):
        np.testing.assert_allclose(map_.alpha, alpha)
        found = np.sort_complex(np.linalg.eigvals(map_.derivative(rest, case.x)[0]))
        np.testing.assert_allclose(found, np.sort_complex(1 + alpha * mu), atol=1e-8)


@given(CASES)
def test_R_and_D_sample_an_input_at_the_same_instants_if_ds_is_dt_over_tau(case):
    def x(t):
        return [np.sin(t / case.tau), np.cos(2 * t / case.tau)]

    dt = 0.3 * case.tau
    xs = procedures.rescaled_input(x, case.tau)
    right = procedures.sampled_input(x, dt, 9)
    np.testing.assert_allclose(procedures.sampled_input(xs, dt / case.tau, 9), right, atol=1e-14)
    assert np.abs(procedures.sampled_input(xs, 0.4, 9) - right).max() > 0.01
    h = integrators.trajectory(discretise(case.system, dt).value, case.h, right)
    y = integrators.trajectory(
        discretise(rescale(case.system), dt / case.tau).value, case.h, procedures.sampled_input(xs, dt / case.tau, 9)
    )
    np.testing.assert_allclose(y, h, atol=1e-11)


@given(EITHER, st.booleans())
def test_R_and_L_always_agree(case, keep):
    found = compare(case.system, "RL", "LR", case.setting(keep=keep, time=float(case.rng.uniform(0.1, 9))))
    assert found.exact
    assert found.conditions == ()
    assert "always" in str(found)
    of_map = compare(case.system, "DRL", "DLR", case.setting(keep=keep, time=float(case.rng.uniform(0.1, 9))))
    assert of_map.exact


@given(EITHER, st.sampled_from(procedures.METHODS))
@settings(max_examples=20)
def test_L_and_D_agree_at_an_equilibrium_by_any_method(case, method):
    found = compare(case.system, "LD", "DL", case.setting(case.rest(), method=method))
    assert found.exact
    assert all(condition.holds for condition in found.conditions)


@given(EITHER)
def test_the_jacobian_of_eulers_map_is_euler_of_the_jacobian(case):
    rest, dt = case.rest(), 0.2 * float(np.min(case.tau))
    alpha = np.diag(np.broadcast_to(dt / case.tau, (case.N,)))
    Lam = case.Lambda(rest, case.x)
    LW = Lam @ case.W if case.form == "rate" else case.W @ Lam
    expected = np.eye(case.N) - alpha + alpha @ LW
    np.testing.assert_allclose(discretise(case.system, dt).derivative(rest, case.x)[0], expected, atol=1e-12)
    np.testing.assert_allclose(
        discretise(linearise(case.system, rest, case.x), dt).derivative(rest, case.x)[0], expected, atol=1e-12
    )


@given(EITHER)
@settings(max_examples=20)
def test_the_exact_flow_linearised_is_the_matrix_exponential(case):
    rest = case.rest()
    dt = 0.7 * float(np.min(case.tau))
    A = case.system.derivative(rest, case.x)[0]
    for order in ("DL", "LD"):
        system = procedures.apply(case.system, order, case.setting(rest, method="exact", step=dt))
        np.testing.assert_allclose(system.derivative(rest, case.x)[0], expm(dt * A), atol=1e-9)


@given(EITHER)
def test_away_from_an_equilibrium_euler_and_L_need_the_constant_in_both(case):
    F = case.F(case.h, case.x)
    assume(np.abs(F).max() > 1e-2)
    kept, dropped = case.setting(), case.setting(keep=False)
    assert compare(case.system, "LD", "DL", kept).exact
    for one, other in ((kept, dropped), (dropped, kept)):
        found = compare(case.system, "LD", "DL", one, other)
        assert not found.exact
        assert found.order == pytest.approx(1, abs=0.2)
        assert [condition.holds for condition in found.conditions] == [False]
        a, b = (procedures.apply(case.system, order, s) for order, s in (("LD", one), ("DL", other)))
        residual = np.abs(a.value(case.h, case.x) - b.value(case.h, case.x))
        np.testing.assert_allclose(residual, np.abs(kept.step / case.tau * F), rtol=1e-9, atol=1e-13)  # alpha F
    # dropped in both the orders agree, on a system that is not tangent to the network
    assert compare(case.system, "LD", "DL", dropped).exact
    assert np.abs(procedures.drift(procedures.apply(case.system, "LD", dropped), case.h, case.x)).max() == 0


@given(CASES, st.sampled_from(["rk4", "exact"]))
@settings(max_examples=20)
def test_away_from_an_equilibrium_other_methods_agree_to_second_order_only(case, method):
    # in a step the Jacobians differ by dt^2/2 D^2 f[f, .]
    found = compare(case.system, "LD", "DL", case.setting(method=method, step=0.1 * case.tau))
    assume(found.differences[-1] > 1e-7)
    assert not found.exact
    assert found.order == pytest.approx(2, abs=0.35)
    assert not all(condition.holds for condition in found.conditions)


@given(CASES)
def test_euler_and_the_exact_flow_differ_by_half_of_alpha_squared_J_squared(case):
    rest = case.rest()
    A = case.tau * case.system.derivative(rest, case.x)[0]
    found = compare(case.system, "LD", "DL", case.setting(rest), case.setting(rest, method="exact"))
    assume(np.abs(A @ A).max() > 1e-2)
    assert not found.exact
    assert found.order == pytest.approx(2, abs=0.2)
    assert procedures.Condition("D", "the same integrator", False) in found.conditions
    errors = []
    for alpha in (0.02, 0.01):
        map_ = discretise(linearise(case.system, rest, case.x), alpha * case.tau)
        errors.append(np.abs(map_.derivative(rest, case.x)[0] - expm(alpha * A)).max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] == pytest.approx(np.abs(A @ A).max() * 0.01**2 / 2, rel=0.2)


@given(CASES)
def test_runge_kutta_and_the_exact_flow_differ_by_the_fifth_power(case):
    rest = case.rest()
    setting = case.setting(rest, method="rk4", step=case.tau)
    system = linearise(case.system, rest, case.x)  # whose exact step is exact to rounding
    found = compare(system, "LD", "DL", setting, setting._replace(method="exact"), halvings=4)
    assume(not np.isnan(found.order))
    assert found.order == pytest.approx(5, abs=0.5)


@given(CASES)
@settings(max_examples=15)
def test_about_a_trajectory_jacobians_differ_by_first_order(case):
    x = case.rng.standard_normal((3, 2))
    found = procedures.along_trajectories(case.system, case.h, x, 0.25 * case.tau, halvings=5)
    assume(found.differences[-1] > 1e-5)
    assert not found.exact
    assert found.order == pytest.approx(1, abs=0.35)
    rest = case.rest()
    stays = procedures.along_trajectories(case.system, rest, np.tile(case.x, (3, 1)), 0.1 * case.tau)
    assert stays.exact == stays.conditions[0].holds


@given(EITHER)
def test_all_six_orders_are_one_system_if_their_conditions_hold(case):
    setting = case.setting(case.rest())
    for second in permutations("RDL"):
        found = compare(case.system, "RDL", "".join(second), setting)
        assert found.exact
        assert all(condition.holds for condition in found.conditions)


@settings(max_examples=60)
@given(
    CASES, st.permutations("RDL"), st.permutations("RDL"), st.sampled_from([1.0, 2.0]), st.tuples(st.booleans(), st.booleans()),
    st.tuples(*[st.sampled_from(procedures.METHODS)] * 2), st.booleans(),
)  # fmt: skip
def test_orders_agree_if_and_only_if_the_conditions_that_are_told_hold(case, first, second, ratio, keep, methods, resting):
    rest = case.rest()
    away = case.rng.standard_normal(case.N)
    assume(np.abs(case.F(away, case.x)).max() > 0.05)
    one, other = (
        case.setting(rest if resting else away, ratio=ratio, keep=k, method=m, step=0.5 * case.tau)
        for k, m in zip(keep, methods, strict=True)
    )
    found = compare(case.system, "".join(first), "".join(second), one, other)
    assume(found.exact or found.differences.max() > 1e-6)
    assert found.exact == all(condition.holds for condition in found.conditions)


@given(SEEDS, st.sampled_from(FORMS), st.sampled_from(procedures.METHODS))
@settings(max_examples=15)
def test_of_an_affine_network_all_orders_agree_anywhere(seed, form, method):
    case = Case(seed, form, "linear")
    assert case.system.affine
    found = compare(case.system, "LD", "DL", case.setting(method=method))
    assert found.exact
    assert all(condition.holds for condition in found.conditions)


# ---- noise


@given(SEEDS, st.floats(0.01, 3), st.floats(0.01, 1.0))
def test_noise_depends_on_alpha_alone(seed, sigma, alpha):
    case = Case(seed, "current", sigma=sigma)
    scaled = rescale(case.system)
    np.testing.assert_allclose(scaled.noise, np.sqrt(2) * sigma)
    np.testing.assert_allclose(discretise(case.system, alpha * case.tau).noise, np.sqrt(2 * alpha) * sigma)
    np.testing.assert_allclose(discretise(scaled, alpha).noise, np.sqrt(2 * alpha) * sigma)
    np.testing.assert_allclose(rescale(discretise(case.system, alpha * case.tau)).noise, np.sqrt(2 * alpha) * sigma)
    np.testing.assert_allclose(noise.scale(sigma, np.array([alpha]), "current", "euler"), np.sqrt(2 * alpha) * sigma)
    setting = case.setting(step=alpha * case.tau)
    assert compare(case.system, "RD", "DR", setting).exact
    quiet = replace(discretise(case.system, 1.0), noise=np.zeros(case.N))
    assert procedures.difference(discretise(case.system, 1.0), quiet, [(case.h, case.x)]) > 0


def test_the_noise_of_a_network_is_that_of_its_step():
    net = mr.Network.random(1, 4, 1, form="current", noise=0.3, tau=10.0, dt=2.0, rng=0)
    np.testing.assert_allclose(discretise(procedures.of(net), 2.0).noise, net.noise_scale)
    assert not procedures.of(mr.Network.random(1, 4, 1, noise=0.3, tau=10.0, dt=2.0, rng=0)).noise.any()


# ---- stability is not kept


@given(st.builds(Case, SEEDS, st.sampled_from(FORMS), gain=st.sampled_from([1.0, 3.0]), several=st.booleans()), st.floats(0.05, 3))
def test_modes_of_flow_and_map(case, step):
    rest = case.rest()
    found = procedures.stability(case.system, step, rest, case.x)
    np.testing.assert_allclose(found.multipliers, 1 + step * found.mu, atol=1e-12)
    A = case.system.derivative(rest, case.x)[0]
    assume(np.abs(found.mu.real).min() > 1e-9)
    assert found.stable == (np.linalg.eigvals(A).real.max() < 0)
    assert found.map_stable == (np.abs(np.linalg.eigvals(np.eye(case.N) + step * A)).max() < 1)
    np.testing.assert_array_equal(found.map_only, (found.mu.real < 0) & (np.abs(found.multipliers) > 1))
    np.testing.assert_allclose(found.frequency, 1000 * np.abs(found.mu.imag) / (2 * np.pi), atol=1e-9)
    np.testing.assert_allclose(found.map_frequency, 1000 * np.abs(np.angle(found.multipliers)) / (2 * np.pi * step), atol=1e-9)
    of_another_clock = procedures.stability(rescale(case.system, 2.5), step / 2.5, rest, case.x)
    np.testing.assert_allclose(np.sort_complex(of_another_clock.mu), np.sort_complex(found.mu), atol=1e-10)
    np.testing.assert_allclose(np.sort(of_another_clock.map_frequency), np.sort(found.map_frequency), atol=1e-6)
    for mu, largest in zip(found.mu, found.largest_step, strict=True):
        if mu.real < 0:
            assert abs(1 + 0.999 * largest * mu) < 1 < abs(1 + 1.001 * largest * mu)
        else:
            assert largest == 0


@given(CASES)
def test_with_one_tau_stability_is_a_matter_of_the_spectrum_of_Lambda_W(case):
    rest = case.rest()
    Lam = case.Lambda(rest, case.x)
    lam = np.linalg.eigvals(Lam @ case.W)  # W Lambda has the same
    assume(np.abs(np.abs(lam) - 1).min() > 1e-6)
    assume(np.abs(lam.real - 1).min() > 1e-6)
    for alpha in (1.0, 0.5):
        found = procedures.stability(rescale(case.system), alpha, rest, case.x)
        assert found.stable == (lam.real.max() < 1)
        assert found.map_stable == (np.abs(1 + alpha * (lam - 1)).max() < 1)
    assert procedures.stability(case.system, case.tau, rest, case.x).map_stable == (np.abs(lam).max() < 1)


@pytest.mark.parametrize("form", FORMS)
def test_one_unit_that_oscillates_in_steps_of_tau_only(form):
    system = procedures.network([[-1.1]], np.zeros((1, 0)), form=form)
    for alpha, only in ((0.5, False), (1.0, True)):
        found = procedures.stability(system, alpha, [0.0])
        assert found.stable
        assert found.map_only.tolist() == [only]
        states = end_states.continued(lambda h, a=alpha: discretise(system, a).value(h, np.zeros(0)), [[0.1]], 2000)
        if only:
            assert found.map_frequency == pytest.approx(500)  # period 2
            assert np.abs(states[-1] + states[-2]).max() < 1e-9
            assert np.abs(states[-1]).max() > 0.1
        else:
            assert np.abs(states[-1]).max() < 1e-9
    assert found.largest_step == pytest.approx(2 / 2.1)


def test_the_authors_xor_oscillates_in_its_steps_only(author_networks):
    net = mr.Network.load(author_networks / "xor_n50_ortho_00.npz")
    system = procedures.of(net.astype("float64"))
    found = procedures.stability(system, 1.0, np.zeros(50))
    worst = found.multipliers[-1]
    assert (worst.real, abs(worst.imag)) == pytest.approx((-0.731, 0.820), abs=5e-4)
    assert found.map_only[-1]
    assert found.map_frequency[-1] == pytest.approx(365.8, abs=0.05)
    assert found.frequency[-1] == pytest.approx(1000 * 0.8204 / (2 * np.pi), abs=0.05)
    assert found.largest_step[-1] == pytest.approx(0.9435, abs=1e-4)


# ---- arguments


@pytest.mark.parametrize(("changes", "said"), [
    ({"W_rec": np.zeros((2, 3))}, r"W_rec must be \(N, N\) with N > 0, got \(2, 3\)"),
    ({"W_rec": np.zeros(2)}, "W_rec must be finite and have 2 axes"),
    ({"W_rec": np.full((2, 2), np.nan)}, "W_rec must be finite"),
    ({"W_rec": np.zeros((0, 0)), "W_in": np.zeros((0, 1))}, "N > 0"),
    ({"W_in": np.zeros((3, 1))}, r"W_in must be \(2, I\), got \(3, 1\)"),
    ({"b_rec": np.zeros(3)}, r"b_rec must be a number or \(2,\), got shape \(3,\)"),
    ({"tau": [1.0, 0.0]}, "tau must be positive, got 0"),
    ({"sigma": -1.0}, "sigma must be 0 or positive, got -1"),
    ({"phi": "cosine"}, "phi must be one of tanh"),
    ({"form": "both"}, 'form must be "rate" or "current"'),
])  # fmt: skip
def test_a_network_that_is_none(changes, said):
    arguments = {"W_rec": np.eye(2), "W_in": np.zeros((2, 1))} | changes
    with pytest.raises(ValueError, match=said):
        procedures.network(arguments.pop("W_rec"), arguments.pop("W_in"), **arguments)


def test_arguments_of_another_kind():
    with pytest.raises(TypeError, match="W_rec must be an array of real numbers"):
        procedures.network([["a"]], [[1.0]])
    with pytest.raises(TypeError, match="net must be a Network, got str"):
        procedures.of("net")
    with pytest.raises(TypeError, match="step must be an array of real numbers"):
        discretise(Case(0).system, "1")


def test_procedures_that_can_not_be():
    case = Case(0)
    system, map_ = case.system, discretise(case.system, 1.0)
    for wrong, said in (
        (lambda: discretise(map_, 1.0), "system must be in continuous time, got a map of step 1"),
        (lambda: discretise(system, 0.0), "step must be positive, got 0.0"),
        (lambda: discretise(system, 1.0, "midpoint"), "method must be one of euler, rk4, exact, got 'midpoint'"),
        (lambda: discretise(Case(0, sigma=1.0).system, 1.0, "rk4"), 'method must be "euler" for a system with noise'),
        (lambda: procedures.stability(map_, 1.0, case.h), "system must be in continuous time"),
        (lambda: rescale(system, -2.0), "time must be positive, got -2.0"),
        (lambda: linearise(system, np.zeros(9)), r"h must be \(\d,\), got \(9,\)"),
        (lambda: linearise(system, case.h, np.zeros(3)), r"x must be \(2,\), got \(3,\)"),
        (lambda: system.alpha, "alpha must be asked of a map"),
        (lambda: procedures.apply(system, "RR", case.setting()), "order must be letters of RDL, each at most once, got 'RR'"),
        (lambda: procedures.apply(system, "X", case.setting()), "got 'X'"),
        (lambda: compare(system, "RD", "RL", case.setting()), "second must have the letters of first, 'RD', got 'RL'"),
        (lambda: compare(system, "RD", "DR", case.setting(), halvings=0), "halvings must be at least 1, got 0"),
        (lambda: procedures.along_trajectories(system, case.h, np.zeros((0, 2)), 1.0), r"x must be \(T, 2\) with T > 0"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    assert np.isnan(system.step_ms)
    assert procedures.difference(system, map_, []) == np.inf


def test_there_may_be_no_equilibrium():
    system = procedures.network([[1.0]], [[1.0]], phi="linear")  # dh/dt = x
    with pytest.raises(ValueError, match="start must lead to an equilibrium, but at the end of the search tau dh/dt is 1"):
        procedures.equilibrium(system, [1.0])


@pytest.mark.parametrize("form", FORMS)
def test_a_kink_has_no_derivative(form):
    system = procedures.network(np.eye(2), np.eye(2), phi="relu", form=form)
    with pytest.raises(ValueError, match="h must not lie on a kink of relu"):
        linearise(system, np.zeros(2))
    assert linearise(system, np.ones(2)).affine


def test_different_steps_or_differences_too_small_to_tell():
    case = Case(3)
    other = compare(case.system, "DL", "LD", case.setting(), case.setting(step=0.4 * case.tau))
    assert procedures.Condition("D", "the same step", False) in other.conditions
    linear = linearise(case.system, case.h)
    setting = case.setting(method="rk4", step=0.01 * case.tau)
    close = compare(linear, "LD", "DL", setting, setting._replace(method="exact"))
    assert not close.exact
    assert close.differences.max() < 1e-10
    assert "differ by too little to tell the power of dt" in str(close)


# ---- the study of all of them


def test_what_the_commuting_diagram_is_drawn_from():
    found = studies.commutations(systems=2, rng=1)
    assert all(case.foretold for case in found)
    order = {(case.first, case.second, case.case): case.order for case in found}
    assert {(first, second) for first, second, _ in order} >= {("RD", "DR"), ("RL", "LR"), ("DL", "LD"), ("RDL", "LDR")}
    expected = {
        "ds = dt/tau": None, "ds = 2 dt/tau": 1, "at an equilibrium": None, "elsewhere": None, "Euler, at an equilibrium": None,
        "Euler, elsewhere": None, "Euler, elsewhere, dropped": 1, "exact flow, at an equilibrium": None, "exact flow, elsewhere": 2,
        "Euler and exact flow": 2, "Euler, ds = dt/tau": None, "Euler, ds = 2 dt/tau": 1, "Euler, about a trajectory": 1,
    }  # fmt: skip
    assert {case.case for case in found} == set(expected)
    for case in found:
        if expected[case.case] is None:
            assert case.exact
            assert case.difference < 1e-10
        else:
            assert not case.exact
            assert case.order == pytest.approx(expected[case.case], abs=0.2)
    # the same conclusion as the fixed points' analysis, whose Jacobian is of a step
    dynamics = fixed_points.Dynamics(np.eye(1) * 0.5, 0.2, 0.1)
    system = discretise(procedures.network([[0.5]], [[1.0]], 0.2, tau=10.0), 1.0)
    np.testing.assert_allclose(dynamics.jacobian([0.3]), system.derivative(np.array([0.3]), np.zeros(1))[0])
