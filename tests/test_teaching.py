"""Verdicts on students' functions: right ones of any style are accepted, planted mistakes are named, two at once are unknown."""

import inspect
import itertools
import json
import re
import types

import numpy as np
import pytest

from minirnn import gallery, reference, teaching
from minirnn.gallery.bugs import ADJOINT, CURRENT, FORWARD, OPTIMIZER
from minirnn.reference import Params
from minirnn.teaching import heart, verdict
from minirnn.teaching.verdict import Draw, Exercise, Mistake

SEEDS = (101, 202)  # nothing was tuned on these
# form and phi in which a mistake shows; most do with tanh
WHERE = {
    "sigmoid too steep": ("rate", "sigmoid"),
    "relu' at rest": ("rate", "relu"),
    **{b.name: ("current", "tanh") for b in CURRENT},
}
# the same function as another mistake of the gallery on every draw
SAME = {"relu' at rest": "phi' dropped (3*)"}


def of_module(module, form="rate", phi="tanh"):
    def loss_and_gradient(params, x, target, mask, alpha, n=None):
        step = np.full(len(params.W_rec), alpha)
        model = reference.Model(step, step, phi, form)
        return module.loss_and_gradient(params, x, target, mask, params.h0, n, model)

    return loss_and_gradient


def test_at_least_45_bugs_of_the_gallery_are_named_and_none_is_misnamed():
    named = set()
    for bug in (*FORWARD, *ADJOINT, *CURRENT):
        form, phi = WHERE.get(bug.name, ("rate", "tanh"))
        for seed in SEEDS:
            function = of_module(gallery.planted(bug), form, phi)
            found = teaching.check_bptt(function, form=form, phi=phi, noise=True, seed=seed)
            if not found.right:  # penalties, the input's gradient and other forms are not asked for
                assert found.mistake == SAME.get(bug.name, bug.name)
                assert bug.story in found.words or bug.name in SAME
                named.add(bug.name)
    assert len(named) >= 45


def test_a_wrong_model_with_the_right_gradient_is_named_too():
    for bug in FORWARD[:3]:
        module = gallery.planted(bug)

        def consistent(params, x, target, mask, alpha, module=module):
            step = np.full(len(params.W_rec), alpha)
            model = reference.Model(step, step)

            def loss(p):
                return module.loss(p, x, target, mask, params.h0, None, model)

            return loss(params).real, heart.exact_gradient(loss, params)

        found = teaching.check_bptt(consistent, seed=7)
        assert found.mistake == bug.name
        assert "does belong to your loss" in found.words


def with_both(first, second):
    """The reference with two bugs."""
    lines = inspect.getsource(reference).splitlines()
    for bug in (first, second):
        (place,) = (number for number, text in enumerate(lines) if text.strip() == bug.line)
        lines[place] = lines[place].replace(bug.line, bug.wrong)
    module = types.ModuleType(reference.__name__)
    module.__package__ = reference.__package__
    exec(compile("\n".join(lines), str(reference.__file__), "exec"), module.__dict__)
    return module


def test_two_bugs_at_once_are_unknown():
    names = {bug.name: bug for bug in (*FORWARD, *ADJOINT)}
    chosen = [
        "leak dropped", "W_rec transposed", "readout before input", "mask dropped", "target late", "leak dropped (4*)",
        "W_rec_bar transposed", "factor 2 dropped (6*)",
    ]  # fmt: skip
    pairs = 0
    for first, second in itertools.combinations([names[name] for name in chosen], 2):
        if first.line == second.line:
            continue
        module = with_both(first, second)
        found = teaching.check_bptt(of_module(module), seed=3)
        assert found.mistake == "unknown", f"{first.name} and {second.name}"
        assert found.differs
        pairs += 1
    assert pairs >= 25


# ---- right answers in three styles


def in_arrays(params, x, target, mask, alpha):
    W_in, W_rec, W_out, b_rec, b_out, h0 = params
    T, B, _ = x.shape
    h = np.zeros((T + 1, B, len(W_rec)))
    r = np.zeros((T, B, len(W_rec)))
    h[0] = h0
    for t in range(T):
        r[t] = np.tanh(h[t] @ W_rec.T + x[t] @ W_in.T + b_rec)
        h[t + 1] = h[t] + alpha * (r[t] - h[t])
    e = h[1:] @ W_out.T + b_out - target
    z_bar = 2 * mask * e / mask.sum()
    gradient = {name: np.zeros_like(array) for name, array in params._asdict().items()}
    gradient["W_out"] = np.einsum("tbo,tbn->on", z_bar, h[1:])
    gradient["b_out"] = z_bar.sum((0, 1))
    h_bar = np.zeros((B, len(W_rec)))
    for t in reversed(range(T)):
        h_bar = h_bar + z_bar[t] @ W_out
        a_bar = alpha * h_bar * (1 - r[t] ** 2)
        gradient["W_rec"] += a_bar.T @ h[t]
        gradient["W_in"] += a_bar.T @ x[t]
        gradient["b_rec"] += a_bar.sum(0)
        h_bar = (1 - alpha) * h_bar + a_bar @ W_rec
    gradient["h0"] = h_bar.sum(0)
    return (mask * e**2).sum() / mask.sum(), gradient


def in_loops(params, x, target, mask, alpha):
    """Trial by trial, unit by unit, lists for arrays."""
    W_in, W_rec, W_out, b_rec, b_out, h0 = (array.tolist() for array in params)
    T, B, I = x.shape
    N, O = len(W_rec), len(W_out)
    M = float(mask.sum())
    loss = 0.0
    g_in, g_rec, g_out = (np.zeros(array.shape).tolist() for array in params[:3])
    g_b, g_o, g_h = [0.0] * N, [0.0] * O, [0.0] * N
    for b in range(B):
        h, r = [list(h0)], []
        for t in range(T):
            a = [
                sum(W_rec[i][j] * h[t][j] for j in range(N)) + sum(W_in[i][k] * x[t, b, k] for k in range(I)) + b_rec[i]
                for i in range(N)
            ]
            r.append([float(np.tanh(value)) for value in a])
            h.append([(1 - alpha) * h[t][i] + alpha * r[t][i] for i in range(N)])
        back = [0.0] * N
        for t in range(T - 1, -1, -1):
            for o in range(O):
                e = sum(W_out[o][i] * h[t + 1][i] for i in range(N)) + b_out[o] - target[t, b, o]
                loss += mask[t, b, o] * e * e / M
                z_bar = 2 * mask[t, b, o] * e / M
                g_o[o] += z_bar
                for i in range(N):
                    g_out[o][i] += z_bar * h[t + 1][i]
                    back[i] += z_bar * W_out[o][i]
            a_bar = [alpha * back[i] * (1 - r[t][i] ** 2) for i in range(N)]
            for i in range(N):
                g_b[i] += a_bar[i]
                for j in range(N):
                    g_rec[i][j] += a_bar[i] * h[t][j]
                for k in range(I):
                    g_in[i][k] += a_bar[i] * x[t, b, k]
            back = [(1 - alpha) * back[j] + sum(a_bar[i] * W_rec[i][j] for i in range(N)) for j in range(N)]
        g_h = [total + value for total, value in zip(g_h, back, strict=True)]
    return loss, g_in, g_rec, g_out, g_b, g_o, g_h


class InObjects:
    """A step as an object that remembers what its way back needs; the bias as a further input, the gradient as one matrix."""

    def __init__(self, params, alpha):
        self.W = np.hstack([params.W_rec, params.W_in, params.b_rec[:, None]])
        self.alpha, self.tape, self.gradient = alpha, [], np.zeros_like(self.W)

    def forward(self, h, x):
        inputs = np.vstack([h.T, x.T, np.ones(len(h))])
        r = np.tanh(self.W @ inputs)
        self.tape.append((inputs, r))
        return (1 - self.alpha) * h + self.alpha * r.T

    def backward(self, h_bar):
        inputs, r = self.tape.pop()
        slope = self.alpha * h_bar.T * (1 - r * r)
        self.gradient += slope @ inputs.T
        return (1 - self.alpha) * h_bar + (self.W.T @ slope)[: len(r)].T

    def __call__(self, x, target, mask, params):
        states = [np.tile(params.h0, (x.shape[1], 1))]
        for now in x:
            states.append(self.forward(states[-1], now))
        h = np.array(states[1:])
        error = np.tensordot(h, params.W_out, (2, 1)) + params.b_out - target
        weight = mask / mask.sum()
        W_out_bar = np.tensordot(2 * weight * error, h, ((0, 1), (0, 1)))
        h_bar = np.zeros_like(states[0])
        for now in (2 * weight * error)[::-1]:
            h_bar = self.backward(h_bar + now @ params.W_out)
        N = len(params.W_rec)
        W = self.gradient
        found = Params(W[:, N:-1], W[:, :N], W_out_bar, W[:, -1], (2 * weight * error).sum((0, 1)), h_bar.sum(0))
        return float((weight * error * error).sum()), found


def in_objects(params, x, target, mask, alpha):
    return InObjects(params, alpha)(x, target, mask, params)


@pytest.mark.parametrize("style", [in_arrays, in_loops, in_objects])
@pytest.mark.parametrize("seed", SEEDS)
def test_right_gradients_of_three_styles_are_accepted(style, seed):
    found = teaching.check_bptt(style, seed=seed)
    assert found.right, found
    assert found.mistake == ""
    assert found.differs == {}


def step_at_once(h, x, W_rec, W_in, b_rec, alpha):
    return (1 - alpha) * h + alpha * np.tanh(h @ W_rec.T + x @ W_in.T + b_rec)


def step_in_loops(h, x, W_rec, W_in, b_rec, alpha):
    new = np.empty_like(h)
    for b in range(len(h)):
        for i in range(len(W_rec)):
            new[b, i] = h[b, i] + alpha * (np.tanh(W_rec[i] @ h[b] + W_in[i] @ x[b] + b_rec[i]) - h[b, i])
    return new


def step_of_columns(h, x, W_rec, W_in, b_rec, alpha):
    change = -h.T + np.tanh(np.einsum("ij,bj->ib", W_rec, h) + W_in @ x.T + b_rec[:, None])
    return (h.T + alpha * change).T.tolist()


@pytest.mark.parametrize("style", [step_at_once, step_in_loops, step_of_columns])
def test_right_steps_of_three_styles_are_accepted(style):
    assert teaching.check_step(style, seed=SEEDS[0]).right


def adam_at_once(theta, m, v, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def adam_as_differences(theta, m, v, g, t, lr, beta1, beta2, eps):
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
    rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return {"v": v, "m": m, "theta": theta - rate * m / (np.sqrt(v) + eps * np.sqrt(1 - beta2**t))}


def adam_in_loops(theta, m, v, g, t, lr, beta1, beta2, eps):
    new = [np.empty_like(theta) for _ in range(3)]
    for place in np.ndindex(theta.shape):
        new[1][place] = beta1 * m[place] + (1 - beta1) * g[place]
        new[2][place] = beta2 * v[place] + (1 - beta2) * g[place] ** 2
        m_hat, v_hat = new[1][place] / (1 - beta1**t), new[2][place] / (1 - beta2**t)
        new[0][place] = theta[place] - lr * m_hat / (v_hat**0.5 + eps)
    return new


@pytest.mark.parametrize("style", [adam_at_once, adam_as_differences, adam_in_loops])
def test_right_adams_of_three_styles_are_accepted(style):
    found = teaching.check_adam(style, seed=SEEDS[0])
    assert found.right, found


# ---- the other checks


@pytest.mark.parametrize("form", ["rate", "current"])
@pytest.mark.parametrize("noise", [False, True])
def test_each_slip_of_a_step_is_named(form, noise):
    phi = "softplus" if form == "current" else "tanh"
    for slip in heart._slips_of_a_step(form, phi):
        found = teaching.check_step(slip.function, form=form, phi=phi, noise=noise, seed=SEEDS[0])
        assert found.mistake == slip.name
        assert slip.words in found.words


def test_the_step_of_the_other_form_is_not_accepted():
    def current(h, x, W_rec, W_in, b_rec, alpha):
        return (1 - alpha) * h + alpha * (np.tanh(h) @ W_rec.T + x @ W_in.T + b_rec)

    assert teaching.check_step(current, form="current").right
    assert not teaching.check_step(current, form="rate").right


def test_a_forward_pass_is_checked_with_its_readout():
    def run(params, x, alpha, late=0):
        h = [np.tile(params.h0, (x.shape[1], 1))]
        for now in x:
            h.append(step_at_once(h[-1], now, params.W_rec, params.W_in, params.b_rec, alpha))
        h = np.array(h)
        return h, h[1 - late : len(h) - late] @ params.W_out.T + params.b_out

    assert teaching.check_run(run, seed=SEEDS[0]).right
    found = teaching.check_run(lambda *arguments: run(*arguments, late=1), seed=SEEDS[0])
    assert found.mistake == "readout before input"
    assert found.words.startswith("h is right, z not.")


def test_a_forward_pass_of_the_current_form_is_read_from_its_rates():
    def run(params, x, alpha, rate=np.tanh):
        h = [np.tile(params.h0, (x.shape[1], 1))]
        for now in x:
            drive = np.tanh(h[-1]) @ params.W_rec.T + now @ params.W_in.T + params.b_rec
            h.append(h[-1] + alpha * (drive - h[-1]))
        return np.array(h), rate(np.array(h[1:])) @ params.W_out.T + params.b_out

    assert teaching.check_run(run, form="current", seed=SEEDS[0]).right
    found = teaching.check_run(lambda *arguments: run(*arguments, rate=np.array), form="current", seed=SEEDS[0])
    assert found.words.startswith("h is right, z not.")
    assert not teaching.check_run(run, seed=SEEDS[0]).right


def test_no_axis_can_be_taken_for_another():
    sizes = []

    def look(params, x, target, mask, alpha):
        sizes.append((len(params.W_rec), *x.shape, target.shape[-1]))
        return in_arrays(params, x, target, mask, alpha)

    for seed in range(3):
        assert teaching.check_bptt(look, seed=seed).right
    assert all(len(set(drawn)) == 5 for drawn in sizes)
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("epsilon_hat", [False, True])
def test_each_slip_of_adam_is_named(epsilon_hat):
    bugs = [
        bug
        for bug in OPTIMIZER
        if bug.room == "reference" and not (epsilon_hat and bug.line.startswith(("return theta - lr * m_h", "m_hat")))
    ]
    modules = [(bug.name, gallery.planted(bug)) for bug in bugs]
    planted = [(name, lambda *a, module=module: module.adam(*a, epsilon_hat)) for name, module in modules]
    slips = [(slip.name, slip.function) for slip in heart._slips_of_adam(epsilon_hat)]
    other = (
        "the paper's for Keras' form" if epsilon_hat else "Keras' for the paper's form",
        lambda *a: reference.adam(*a, not epsilon_hat),
    )
    names = set()
    for name, function in [*planted, *slips, other]:
        found = teaching.check_adam(function, epsilon_hat=epsilon_hat, seed=SEEDS[1])
        assert found.mistake == name
        names.add(name)
    assert len(names) >= (13 if epsilon_hat else 18)


@pytest.mark.parametrize("name", teaching.EXERCISES)
def test_the_right_answer_of_each_exercise_is_accepted_and_each_mistake_is_named(name):
    exercise = teaching.EXERCISES[name]
    for seed in SEEDS:
        assert teaching.check(name, exercise.right, seed=seed).right
        mistakes = exercise.mistakes()
        assert len(mistakes) >= 3
        assert len({mistake.name for mistake in mistakes}) == len(mistakes)
        for mistake in mistakes:
            found = teaching.check(name, mistake.function, seed=seed)
            assert found.mistake == mistake.name, found
            assert mistake.words in found.words


# ---- what is said of what cannot be used


def plain(function, right=lambda h, w: h @ w, outputs=("y",)):
    def draw(rng):
        return Draw((rng.standard_normal((2, 3)), rng.standard_normal((3, 4))), {"N": 3})

    return verdict.judge("product", Exercise("f(h, w) -> y", outputs, draw, right), function)


def changing(h, w):
    h *= 2
    return h / 2 @ w


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda h, w: None, "it returns nothing: is the return missing?"),
        (lambda h: h, "it stops with TypeError: .*takes 1 positional argument.* It is called as f\\(h, w\\) -> y"),
        (lambda h, w: w @ h, "it stops with ValueError"),
        (lambda h, w: (h @ w).T, "y has the shape \\(4, 2\\), expected \\(2, 4\\). It has the shape of its transpose."),
        (lambda h, w: 0.0, "y has the shape \\(\\), expected \\(2, 4\\)"),
        (lambda h, w: h @ w * np.inf, "y holds numbers that are not finite, the first at \\[0, 0\\]"),
        (lambda h, w: "h @ w", "y is not an array of real numbers but str"),
        (lambda h, w: (h @ w, 1), "it returns more than y"),
        (lambda h, w: {"z": h @ w}, "it returns 'z', which is none of y"),
        (changing, "it changes the arrays that it is given"),
        (lambda h, w: (h @ w) + 0j, "y is not an array of real numbers but ndarray"),
    ],
)
def test_what_cannot_be_used_is_told(function, words):
    with np.errstate(invalid="ignore"):
        found = plain(function)
    assert not found.right
    assert found.mistake == "error"
    assert re.search(words, found.words), found.words


def test_missing_outputs_are_named():
    found = plain(lambda h, w: {"a": h}, right=lambda h, w: (h, w, h), outputs=("a", "b", "c"))
    assert "b and c are not returned" in found.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: -y, "y has the opposite sign"),
        (lambda y: 2 * y, "y is 2 times what it should be"),
        (lambda y: y / 2, "y is 1/2 times what it should be"),
        (lambda y: 3 * y, "y is N times what it should be"),
        (lambda y: y / 3, "y is 1/N times what it should be"),
        (lambda y: 0 * y, "y is 0 everywhere"),
    ],
)
def test_a_single_fact_is_told_in_words(change, words):
    found = plain(lambda h, w: change(h @ w))
    assert found.mistake == words


def test_different_facts_are_two_mistakes():
    found = plain(lambda h, w: (2 * h, -w), right=lambda h, w: (h, w), outputs=("h", "w"))
    assert found.mistake == "unknown"
    assert found.differs == {"h": "is 2 times what it should be", "w": "has the opposite sign"}


def test_a_square_array_may_be_transposed():
    square = Exercise("f(w) -> w", ("w",), lambda rng: Draw((rng.standard_normal((3, 3)),)), lambda w: w)
    assert verdict.judge("turn", square, lambda w: w.T).mistake == "w is transposed: weights are (to, from)"


def test_a_factor_has_to_hold_on_every_draw():
    calls = itertools.count()
    found = plain(lambda h, w: (2 if next(calls) == 0 else 3) * (h @ w))
    assert found.mistake == "unknown"
    assert "is off, most at" in found.differs["y"]


def test_a_mistake_that_cannot_be_made_is_no_answer():
    def broken(h, w):
        raise ValueError("no")

    exercise = Exercise(
        "f(w) -> w", ("w",), lambda rng: Draw((rng.standard_normal((3, 3)), 0)), lambda h, w: h,
        lambda: [Mistake("broken", "", broken), Mistake("plus one", "Why?", lambda h, w: h + 1)],
    )  # fmt: skip
    assert verdict.judge("e", exercise, lambda h, w: h + 1).mistake == "plus one"


def test_a_stub_is_not_a_mistake():
    def stub(h, w):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        plain(stub)


def test_a_verdict_is_text_and_json_and_may_be_expected(capsys):
    wrong = plain(lambda h, w: -(h @ w))
    assert str(wrong) == "product: not right yet. y has the opposite sign.\n    y has the opposite sign"
    assert json.loads(wrong.json()) == {
        "exercise": "product", "right": False, "mistake": "y has the opposite sign",
        "words": "not right yet. y has the opposite sign.",
        "differs": {"y": "has the opposite sign"},
    }  # fmt: skip
    with pytest.raises(AssertionError, match="y has the opposite sign"):
        wrong.expect_right()
    assert capsys.readouterr().out == ""
    plain(lambda h, w: h @ w).expect_right()
    assert capsys.readouterr().out == "product: right (3 random cases).\n"


def test_the_seed_decides_the_draws():
    seen = []
    for seed in (1, 1, 2):
        teaching.check("euler-unit", lambda *arguments: seen.append(arguments) or 0.0, seed=seed)
    assert seen[:3] == seen[3:6]
    assert seen[:3] != seen[6:9]


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="check_step checks a function, got float"):
        teaching.check_step(1.0)
    with pytest.raises(ValueError, match="form must be 'rate' or 'current', got 'both'"):
        teaching.check_run(in_arrays, form="both")
    with pytest.raises(ValueError, match="phi must be one of tanh"):
        teaching.check_bptt(in_arrays, phi="tan")
    with pytest.raises(ValueError, match="name must be one of euler-unit"):
        teaching.check("euler", lambda: 0)
    with pytest.raises(TypeError, match="seed must be an integer, got 'a'"):
        teaching.check_adam(adam_at_once, seed="a")


def test_two_numbers_in_one_array_are_two_outputs():
    right = teaching.EXERCISES["ei-outlier"].right
    assert teaching.check("ei-outlier", lambda *arguments: np.array(right(*arguments))).right
    found = teaching.check("ei-outlier", lambda *arguments: np.array(right(*arguments)[::-1]))
    assert found.mistake == "exchanged"
    assert "not returned" in teaching.check("ei-outlier", lambda *arguments: np.array(right(*arguments)[:1])).words


def test_each_slip_of_a_run_and_of_the_way_back_is_named():
    for slip in heart._slips_of_a_run("rate", "tanh"):
        assert teaching.check_run(slip.function, seed=SEEDS[0]).mistake == slip.name
    for slip in heart._slips_of_a_run("current", "softplus"):
        assert teaching.check_run(slip.function, form="current", phi="softplus", seed=SEEDS[0]).mistake == slip.name
    for slip in heart._slips_of_bptt("tanh"):
        assert teaching.check_bptt(slip.function, seed=SEEDS[0]).mistake == slip.name
