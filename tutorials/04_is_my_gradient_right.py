# %% [markdown]
# # 4. Is my gradient right?
#
# **You will**
# - see that a network learns with a wrong gradient too, so that a falling loss proves nothing;
# - measure slopes by forward and central differences, and find the best step from theory;
# - get slopes that are exact to rounding, by a step into the complex plane;
# - test all entries of a gradient at once, by dot products and by Taylor's remainder;
# - find out which mistakes each check sees, and which none of them can see.
#
# **Before**: [2. The network](02_the_network.py) and [3. Back-propagation through time](03_bptt.py); Taylor series, complex
# numbers.
#
# **Minutes**: 75
#
# **Runs in** 11 s on two cores (`MINIRNN_FAST=1`: 4 s).
#
# **Marks**: central-difference 4, best-central-step 4, complex-step 4, dot-product-test 4, taylor-order 4.

# %%
import os

import numpy as np

import minirnn as mr
from minirnn import checks, gallery, plots, reference, studies, tasks, teaching

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(4)
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"

# %% [markdown]
# ## 4.1 A wrong gradient learns too
#
# `minirnn.gallery` holds a hundred or so plausible mistakes. Each is one line of the package, and what it would read instead;
# `planted` makes a module with that mistake in it. Here are three in the backward pass. A small network learns AND with each.
#
# - *no flow through W_rec*: the error goes back through the leak, but not through the recurrent weights.
# - *factor 2 dropped*: the derivative of $e^2$ is taken for $e$.
# - *first step skipped*: the loop back in time ends one step early.
#
# **Predict before you run**: which of the three will you notice from the loss?

# %%
bug_of = {bug.name: bug for bug in gallery.BUGS}
chosen = ("no flow through W_rec (2*)", "factor 2 dropped (6*)", "first step skipped")
task = tasks.And(onset=2, pulse=4, gap=3, tail=16, jitter=3, input_noise_std=0.05)


def learn(module, updates):
    """Losses (updates,) of a network of 20 units trained with the gradient of this module, by Adam."""
    rng = np.random.default_rng(1)
    net = mr.Network.random(2, 20, 1, tau=2.0, dtype="float64", rng=rng)
    theta = checks.named_arrays(net.params)
    m, v = ({name: np.zeros_like(array) for name, array in theta.items()} for _ in range(2))
    found = []
    for t in range(1, updates + 1):
        trials = task.trials(16, rng)
        params = mr.Params(**{name: theta.get(name) for name in mr.Params._fields})
        x, target = trials.x.astype(float), trials.target.astype(float)
        loss, gradient = module.loss_and_gradient(params, x, target, trials.weights(), net.h0, None, net.model)
        g = checks.named_arrays(gradient)
        for name in theta:
            theta[name], m[name], v[name] = reference.adam(theta[name], m[name], v[name], g[name], t, 3e-3, 0.9, 0.999, 1e-8, True)
        found.append(loss)
    return np.array(found)


updates = 60 if FAST else 150
curves = {"right": learn(reference, updates)} | {name: learn(gallery.planted(bug_of[name]), updates) for name in chosen}

made, axes = plots.figure(1, 1, 6, 3.4)
ax = axes[0, 0]
for (name, curve), colour, line in zip(curves.items(), ("black", RED, BLUE, ORANGE), ("-", "-", "--", ":"), strict=True):
    ax.semilogy(np.convolve(curve, np.ones(5) / 5, "valid"), line, color=colour, lw=2, label=name)
ax.set(xlabel="update", ylabel="loss (mean of 5 batches)")
ax.legend(frameon=False)
teaching.show(made, "04_wrong_gradients_learn")

ends = {name: curve[-10:].mean() / curve[0] for name, curve in curves.items()}
print({name: f"{end:.2f} of the first loss" for name, end in ends.items()})
assert all(end < 0.5 for end in ends.values())
assert all(abs(ends[name] / ends["right"] - 1) < 0.05 for name in chosen[1:])
assert ends[chosen[0]] > (1.1 if FAST else 3) * ends["right"]

# %% [markdown]
# All four losses fall. Two of the wrong gradients cannot be told from the right one here: Adam divides a common factor out, and
# in the first step nothing happens yet. The third is slower, and who would know how fast it ought to be? Wrong gradients live
# long. So we check the gradient itself, before the first training.
#
# ## 4.2 Differences
#
# All we need is the loss $L(p)$ as a function of a vector of parameters $p$, a direction $v$, and a small number $d$, the
# *step*. The slope of $L$ at $p$ along $v$ is the dot product $\langle g, v\rangle$ of $v$ and the gradient $g =
# dL/dp$. With $v = (0, .., 1, .., 0)$ it is one entry of $g$. From outside it is seen by differences (numbers (1) to (7) are
# those of `minirnn/checks.py`):
#
# $$\frac{L(p + d v) - L(p)}{d} \qquad \text{forward} \tag{1}$$
#
# $$\frac{L(p + d v) - L(p - d v)}{2 d} \qquad \text{central} \tag{2}$$
#
# ### Exercise: central-difference (4 marks)
#
# Write (2). `loss` is a function of `p` (K,) that returns a number, `v` is (K,), `d` a number.


# %% exercise="central-difference"
def central_difference(loss, p, v, d):
    """The slope of loss at p along v, a number."""
    ### BEGIN SOLUTION
    return (loss(p + d * v) - loss(p - d * v)) / (2 * d)  # (2)
    ### END SOLUTION


teaching.check("central-difference", central_difference).expect_right()

# %% [markdown]
# How small should $d$ be? Try it on a loss that we know: $L(p) = e^p$ at $p = 1$, where the slope is $e$ too. We take for $d$
# powers of 2, for which a computer adds $1 + d$ without rounding.


# %%
def forward_difference(loss, p, v, d):
    return (loss(p + d * v) - loss(p)) / d  # (1)


steps = 0.5 ** np.arange(1, 50)
error = {
    f"{kind} difference": np.array([abs(difference(np.exp, 1.0, 1.0, d) - np.e) for d in steps]) / np.e
    for kind, difference in (("forward", forward_difference), ("central", central_difference))
}


def v_curve(ax, theory):
    for (kind, values), colour, marker in zip(error.items(), (ORANGE, BLUE), "so", strict=True):
        ax.loglog(steps, np.where(values > 0, values, np.nan), marker, ms=3.5, color=colour, label=kind)
    for values, colour in zip(theory, (ORANGE, BLUE), strict=False):
        ax.loglog(steps, values, "-", color=colour, lw=1.2)
    ax.set(xlabel="step d", ylabel="relative error", ylim=(1e-14, 10))
    ax.legend(loc="lower left", frameon=False)


made, axes = plots.figure(1, 1, 5.5, 3.6)
v_curve(axes[0, 0], [])
teaching.show(made, "04_v_curve")

# %% [markdown]
# Too large a step is wrong, and so is too small a step: each curve is a V. On its right arm the error falls with $d$, for (1)
# as $d$, for (2) as $d^2$. On its left arm it grows as $1/d$, and jumps about as rounding does.
#
# ## 4.3 The best step
#
# *Right arm.* Taylor's series along $v$, with $L', L'', L'''$ the derivatives along it:
#
# $$L(p \pm d v) = L \pm d L' + \tfrac{d^2}{2} L'' \pm \tfrac{d^3}{6} L''' + \dots$$
#
# In (1) the first term that is left over is $\tfrac{d}{2} L''$. In (2) all even terms cancel, and $\tfrac{d^2}{6} L'''$ is
# left.
#
# *Left arm.* A computer keeps a number to a relative error of about $\epsilon$, $2\cdot 10^{-16}$ in float64. Each of the two
# losses is wrong by up to about $\epsilon |L|$, and so is their difference, however small it is, by up to $2 \epsilon |L|$.
# Then it is divided by $d$ or by $2d$. Together, largest errors:
#
# $$E_1(d) = \frac{d\,|L''|}{2} + \frac{2\,\epsilon\,|L|}{d}, \qquad E_2(d) = \frac{d^2\,|L'''|}{6} + \frac{\epsilon\,|L|}{d} \tag{8}$$
#
# ### Exercise: best-central-step (4 marks)
#
# Find the $d$ for which $E_2(d)$ is least: set its derivative to 0 and solve for $d$. `L` and `third` ($L'''$) may have any
# sign.


# %% exercise="best-central-step"
def best_central_step(L, third, eps):
    """The step d at which the largest error of a central difference is least, a number."""
    ### BEGIN SOLUTION
    return (3 * eps * abs(L) / abs(third)) ** (1 / 3)  # (8)
    ### END SOLUTION


teaching.check("best-central-step", best_central_step).expect_right()

# %%
eps = np.finfo(np.float64).eps
first = steps / 2 + 2 * eps / steps  # (8) for exp, relative: L = L' = L'' = L'''
second = steps**2 / 6 + eps / steps  # (8)
best_forward, best = 2 * np.sqrt(eps), best_central_step(1.0, 1.0, eps)

made, axes = plots.figure(1, 1, 5.5, 3.6)
v_curve(axes[0, 0], [first, second])
for d, colour in ((best_forward, ORANGE), (best, BLUE)):
    axes[0, 0].axvline(d, color=colour, lw=1.2, ls=":")
teaching.show(made, "04_v_curve_theory")
print(f"best step: forward {best_forward:.1e}, central {best:.1e}")
print(f"largest error there: forward {2 * np.sqrt(eps):.0e}, central {best**2 / 6 + eps / best:.0e}")
near = steps < 0.2  # where the series may be cut
assert (error["forward difference"][near] <= 1.1 * first[near]).all()
assert (error["central difference"][near] <= 1.1 * second[near]).all()
assert 8e-6 < best < 9e-6
assert best**2 / 6 + eps / best < 5e-11

# %% [markdown]
# No error is above the lines of (8), and the dotted lines are where theory puts the best steps. Remember the sizes: a forward
# difference is best near $\epsilon^{1/2} \approx 10^{-8}$ and then right to 7 digits; a central one near $\epsilon^{1/3}
# \approx 10^{-5}$, and right to 10. No choice of $d$ gives more.
#
# **Question.** A colleague takes $d = 10^{-12}$, "to be on the safe side", and finds a relative error of $10^{-4}$. Is the
# gradient wrong? (Read it off the figure. It proves nothing: both kinds of difference are about that bad there.)
#
# ## 4.4 A network, and float32
#
# Now the loss of a network of 6 units on AND, along random directions, array by array: `studies.gradient_error` compares four
# kinds of numerical derivative with the gradient by back-propagation. The forward pass runs once in float32 ($\epsilon = 1.2
# \cdot 10^{-7}$), in which networks are trained, and once in float64.

# %%
net = mr.Network.random(2, 6, 1, tau=2.0, b_rec=True, dtype="float64", rng=rng)
small = tasks.And(onset=2, pulse=4, gap=2, tail=8, jitter=3)
trials = small.trials(5, rng)
grid = np.logspace(-12, 0, 13 if FAST else 49)
measured = studies.gradient_error(net, trials, steps=grid, directions=1 if FAST else 3, rng=0)

made, axes = plots.figure(1, 2, 9, 3.8, sharey=True)
plots.gradient_error(axes[0], measured.steps, measured.errors, measured.theory_optimum, ["float32", "float64"])
axes[0, 0].set_ylim(1e-18, 1e9)  # room for the legend
teaching.show(made, "04_float32_float64")

worst = measured.errors.max(axis=2)  # (dtype, method, step)
least = worst.min(axis=2)
print("least error over all steps, of the worst array:")
for dtype, row in zip(studies.DTYPES, least, strict=True):
    print(f"  {dtype}: " + ", ".join(f"{method} {value:.0e}" for method, value in zip(studies.METHODS, row, strict=True)))
assert least[0, 1] > 1e-5 and least[1, 1] < 1e-8  # central: float32 and float64
assert worst[0, 1][np.abs(np.log10(grid) + 5) < 0.1].min() > 3e-3  # central in float32, d = 1e-5
assert np.median(worst[1, 3][grid <= 1e-8]) < 1e-14  # complex step: any small step

# %% [markdown]
# Thin lines are single arrays, thick ones the worst of them, dotted lines the best steps of theory. The Vs are those of 4.3,
# with other $L$, $L''$, $L'''$. In float32 central differences are right to four digits or so at best, and with a step of
# $10^{-5}$, the best one in float64, hardly to two. *Check in float64, train in float32*: `check_gradient` always casts to
# float64.
#
# The two other curves: *Richardson* takes central differences with $d$, $d/2$, $d/4$, .. and removes the error's leading terms
# one after the other (checks (3)). The *complex step* has no left arm at all. How?
#
# ## 4.5 A step aside
#
# Put $i d$ for $d$ in Taylor's series, with $i^2 = -1$:
#
# $$L(p + i d v) = L + i\,d\,L' - \tfrac{d^2}{2} L'' - i\,\tfrac{d^3}{6} L''' + \dots$$
#
# The slope is in the imaginary part, alone with terms of order $d^3$ and above. Nothing is subtracted, so nothing cancels, and
# $d$ may be as small as we like, say $10^{-20}$ (Squire and Trapp 1998):
#
# $$L' \approx \operatorname{Im} L(p + i d v) \,/\, d \tag{4}$$
#
# ### Exercise: complex-step (4 marks)
#
# Write (4). In Python $i$ is `1j`, the imaginary part of `z` is `np.imag(z)`.


# %% exercise="complex-step"
def complex_step(loss, p, v, d=1e-20):
    """The slope of loss at p (K,) along v (K,), a number."""
    ### BEGIN SOLUTION
    return np.imag(loss(p + 1j * d * v)) / d  # (4)
    ### END SOLUTION


teaching.check("complex-step", complex_step).expect_right()

# %%
print(f"exp at 1: off by {abs(complex_step(np.exp, 1.0, 1.0) / np.e - 1):.0e}")
assert abs(complex_step(np.exp, 1.0, 1.0) / np.e - 1) < 1e-15  # a few roundings

point = np.array([0.3, -0.4])
for name, function, right in (
    ("sum(p * p)", lambda p: (p * p).sum(), 2 * point[0]),
    ("sum(abs(p)**2)", lambda p: (np.abs(p) ** 2).sum(), 2 * point[0]),
    ("conj(p) @ p", lambda p: np.conj(p) @ p, 2 * point[0]),
    ("maximum(p, 0).sum()", lambda p: np.maximum(p, 0).sum(), 1.0),
):
    found = complex_step(function, point, np.array([1.0, 0.0]))
    print(f"{name:<20} slope {right:.1f}, complex step {found:.1f}")
    assert (abs(found - right) < 1e-12) == ("abs" not in name and "conj" not in name)

# %% [markdown]
# The price: the loss must be made of functions that know complex numbers. `abs` and the complex conjugate are not
# differentiable in the complex sense, and give 0 here without a word of warning. The forward lines of `minirnn/reference.py`
# are written so that a complex step passes through them, and its gradient is held against that: agreement to 13 digits or more
# leaves no room for a small mistake.
#
# ## 4.6 All entries at once
#
# An AND network of 50 units has 2651 parameters. Two losses per entry, each of a whole trial, take long. But let entries of $g$
# be wrong. Then $\langle g, v \rangle$ is wrong by the sum of their errors, each times its entry of $v$, and for a *random* $v$
# such a sum is not 0 except by a rare chance. One number tests all entries.
#
# The same idea tests a single function in the chain, before there is any loss. Let $f$ take a state $u$ (n,) to a state (m,),
# with the Jacobian $J = df/du$, (m, n). Its adjoint, the *pullback*, takes $w$ (m,), a derivative with respect to what comes
# out, to $J^T w$ (n,), that with respect to what goes in. Nobody builds $J$. But for any $v$ and $w$
#
# $$\langle w, J v \rangle = \langle J^T w, v \rangle \tag{5}$$
#
# The left side needs $f$ alone: $\langle w, J v\rangle$ is the slope of $\langle w, f(u) \rangle$ along $v$. The right side
# needs the pullback alone.
#
# ### Exercise: dot-product-test (4 marks)
#
# Return both sides of (5). Use your `complex_step` for the left one. `f(u)` returns (m,), `pullback(u, w)` claims to return
# $J^T w$ (n,).


# %% exercise="dot-product-test"
def dot_products(f, pullback, u, v, w):
    """<w, J v> and <pullback(u, w), v>, two numbers; u and v (n,), w (m,)."""
    ### BEGIN SOLUTION
    return complex_step(lambda state: w @ f(state), u, v), pullback(u, w) @ v  # (5)
    ### END SOLUTION


teaching.check("dot-product-test", dot_products).expect_right()

# %% [markdown]
# We try it on one step of a network, $f(h) = (1 - \alpha) h + \alpha \tanh(W h)$, with its right pullback and with three wrong
# ones.

# %%
alpha, N = 0.3, 5
W = rng.standard_normal((N, N))


def one_step(h):
    return (1 - alpha) * h + alpha * np.tanh(W @ h)


def slope_at(h):
    return 1 - np.tanh(W @ h) ** 2


pullbacks = {
    "right": lambda h, w: (1 - alpha) * w + (alpha * w * slope_at(h)) @ W,
    "leak forgotten": lambda h, w: (alpha * w * slope_at(h)) @ W,
    "W transposed": lambda h, w: (1 - alpha) * w + (alpha * w * slope_at(h)) @ W.T,
    "slope at h": lambda h, w: (1 - alpha) * w + (alpha * w * (1 - np.tanh(h) ** 2)) @ W,
}
for name, pullback in pullbacks.items():
    left, right = dot_products(one_step, pullback, *rng.standard_normal((3, N)))
    print(f"{name:<15} <w, J v> = {left:+.12f}   <J^T w, v> = {right:+.12f}")
    assert (abs(left - right) < 1e-12) == (name == "right")

# %% [markdown]
# ## 4.7 Taylor's remainder
#
# The last check needs neither a good step nor complex numbers. If $g$ is the gradient, then $L(p) + d \langle g, v\rangle$ is
# the tangent, and the loss leaves it as $d^2$. If $g$ is wrong, the line is no tangent, and the loss leaves it as $d$:
#
# $$R(d) = |L(p + d v) - L(p) - d\,\langle g, v\rangle| \;\sim\; d^{\,\text{order}}, \qquad \text{order 2 if } g \text{ is right, else 1} \tag{6}$$
#
# ### Exercise: taylor-order (4 marks)
#
# Return $R$ for each of the `steps` (S,), and the order: the slope of the straight line through $(\log d, \log R)$ by least
# squares (`np.polyfit(x, y, 1)` returns slope and intercept).


# %% exercise="taylor-order"
def taylor_order(loss, p, g, v, steps):
    """Remainders (S,) of (6) and their order, a number; p, g and v are (K,)."""
    ### BEGIN SOLUTION
    remainders = np.array([abs(loss(p + d * v) - loss(p) - d * (g @ v)) for d in steps])  # (6)
    return remainders, np.polyfit(np.log(steps), np.log(remainders), 1)[0]
    ### END SOLUTION


teaching.check("taylor-order", taylor_order).expect_right()

# %% [markdown]
# Now the network of 4.4, all its parameters in one vector, its right gradient, and that of three planted bugs.

# %%
p0 = np.concatenate([array.ravel() for array in checks.named_arrays(net.params).values()])
data = (trials.x.astype(float), trials.target.astype(float), trials.weights(), net.h0, None, net.model)


def params_of(p):
    """The arrays of the network from one vector (K,)."""
    arrays, start = {}, 0
    for name, array in checks.named_arrays(net.params).items():
        arrays[name] = p[start : start + array.size].reshape(array.shape)
        start += array.size
    return mr.Params(**{name: arrays.get(name) for name in mr.Params._fields})


def network_loss(p):
    return reference.loss(params_of(p), *data)


def gradient_by(module):
    _, gradient = module.loss_and_gradient(net.params, *data)
    return np.concatenate([array.ravel() for array in checks.named_arrays(gradient).values()])


modules = {"right": reference} | {name: gallery.planted(bug_of[name]) for name in chosen}
v = rng.standard_normal(len(p0))
sizes = np.logspace(-1, -5, 13)
orders = {}
made, axes = plots.figure(1, 1, 5.5, 3.8)
ax = axes[0, 0]
for (name, module), colour, marker in zip(modules.items(), ("black", RED, BLUE, ORANGE), "os^D", strict=True):
    remainders, orders[name] = taylor_order(network_loss, p0, gradient_by(module), v, sizes)
    ax.loglog(sizes, remainders, marker + "-", ms=3.5, lw=1, color=colour, label=f"{name}: order {orders[name]:.2f}")
ax.set(xlabel="step d", ylabel="remainder R")
ax.legend(loc="lower right", fontsize=8.5, frameon=False)
teaching.show(made, "04_taylor")
assert abs(orders["right"] - 2) < 0.05
assert all(orders[name] < 1.5 for name in chosen)

# %% [markdown]
# The black line falls twice as steeply as the red and the blue one. A *small* mistake shows only at small steps: the orange
# curve leaves the black one late, and its order over all steps lies between 1 and 2. Rounding puts an end to this at $R \approx
# \epsilon |L|$; below it no order is seen.
#
# ## 4.8 Where to check
#
# A check looks at one point. There are points at which a wrong gradient is right. **Predict before you run**: at which of these
# does which mistake hide?

# %%
everyday = dict(tau=2.0, b_rec=True, dtype="float64")
B, T = 3, 6
x = rng.standard_normal((T, B, 2))
late = x * (np.arange(T) > 0)[:, None, None]  # nothing in the first step, as before a pulse
target, mask = rng.standard_normal((T, B, 1)), np.ones((T, B, 1))


def found_by_complex_step(module, net, x, h0):
    """Largest difference of the module's gradient and the complex step through the reference, relative."""
    arrays = (x, target, mask, h0, None, net.model)
    claimed = module.loss_and_gradient(net.params, *arrays)[1]
    report = checks.check(
        lambda p: reference.loss(p, *arrays), net.params, claimed, methods=("complex",), rng=np.random.default_rng(0)
    )
    return report.worst


generic = mr.Network.random(2, 5, 1, rng=rng, **everyday)
W = generic.params.W_rec
symmetric = generic.with_params(generic.params._replace(W_rec=W + W.T))
discrete = mr.Network.random(2, 5, 1, rng=rng, **(everyday | {"tau": 1.0}))
unbiased = mr.Network.random(2, 5, 1, rng=rng, **(everyday | {"b_rec": False}))
random_start, rest = rng.standard_normal(5), np.zeros(5)
points = {
    "all random": (generic, x, random_start),
    "W_rec symmetric": (symmetric, x, random_start),
    "tau = dt": (discrete, x, random_start),
    "starts at rest, no bias": (unbiased, late, rest),
}
mistakes = ("W_rec transposed (2*)", "leak dropped (4*)", "first step skipped")
worst = np.array([[found_by_complex_step(gallery.planted(bug_of[m]), *point) for point in points.values()] for m in mistakes])
print(f"{'error seen':<24}" + "".join(f"{name:>25}" for name in points))
for mistake, row in zip(mistakes, worst, strict=True):
    print(f"{mistake:<24}" + "".join(f"{value:>25.0e}" for value in row))
assert (worst[:, 0] > 1e-3).all()
assert (worst.diagonal(1) < 1e-13).all()

# %% [markdown]
# Each mistake is plain at a random point and invisible at the one point that suits it: transposing a symmetric matrix changes
# nothing, a leak that is not there cannot be forgotten, and where the first step does nothing it may be skipped. Many a
# gradient has been checked at the start of training, with states at 0. So: *draw everything at random, switch everything on,
# give every axis another size*. The tests of this package do so.
#
# There are also points without a gradient. relu has a kink at 0:

# %%
slopes = [float(central_difference(lambda p: np.maximum(p, 0.0), 0.0, 1.0, d)) for d in (1e-2, 1e-4, 1e-6)]
print(f"relu at 0: central differences {slopes}, the package's relu' {reference.phi_prime(np.zeros(1), 'relu')[0]}")
assert slopes == [0.5, 0.5, 0.5]

silent = mr.Network.random(2, 6, 1, phi="relu", b_rec=True, dtype="float64", rng=rng)
quiet = tasks.And(onset=2, pulse=4, gap=2, tail=8, jitter=3, input_noise_std=0.0).trials(4, rng)
report = mr.check_gradient(silent, quiet)
print(report)
kinks = sum(row.kinks for row in report.rows)
assert kinks > 0 and report.within_rounding

# %% [markdown]
# Central differences say 0.5, whatever the step, the code says 0, and both are in order: there is no derivative to agree on. A
# network of relu units at rest stands on a kink exactly, with every current 0 until the pulse comes. `check_gradient`
# recognises a kink by (7) (the two one-sided slopes do not approach each other), counts such entries and leaves them out.
#
# ## 4.9 Which check sees what
#
# The gallery runs every check on every planted bug. The first four are those of this tutorial. The others state the right
# answer anew: *kernel* compares two implementations, *closed form* spells the equations out in loops over numbers, and the last
# three work updates, trainings and trials out by hand.
#
# **Predict before you run**: will central differences see (a) a forward pass that forgets the recurrent bias; (b) noise that is
# added but never changes from step to step; (c) AND that answers 1 to the first pulse alone; (d) Adam without the correction of
# its moments?

# %%
rooms = {}
for bug in gallery.BUGS:
    rooms.setdefault("Adam" if bug in gallery.bugs.OPTIMIZER else bug.room, []).append(bug)
if FAST:
    rooms = {room: found[:: 8 if room == "reference" else 4] for room, found in rooms.items()}
cells = {room: [gallery.verdicts(gallery.planted(bug)) for bug in found] for room, found in rooms.items()}
names = [check.name for check in gallery.CHECKS]
seen = np.array([[sum(row[k] is True for row in rows) for k in range(len(names))] for rows in cells.values()])
total = np.array([len(rows) for rows in cells.values()])
titles = {"reference": "model, loss, gradient", "dale": "Dale's law", "noise": "noise's size", "network": "leak and constants",
          "train": "training loop", "tasks.logic": "task"}  # fmt: skip
labels = [f"{titles.get(room, room)} ({n})" for room, n in zip(cells, total, strict=True)]

made, axes = plots.figure(1, 1, 8.2, 4.2)
ax = axes[0, 0]
ax.imshow(seen / total[:, None], cmap="Greens", vmin=0, vmax=1.3, aspect="auto")
for i, rows in enumerate(cells.values()):
    for k in range(len(names)):
        run = any(row[k] is not None for row in rows)
        ax.text(k, i, str(seen[i, k]) if run else "-", ha="center", va="center", color="black" if seen[i, k] else "0.55")
ax.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names], fontsize=9)
ax.set_yticks(range(len(labels)), labels)
ax.set_title("bugs seen; -: this check cannot be run there")
teaching.show(made, "04_gallery")

by_differences = seen[:, names.index("central differences")].sum()
print(f"central differences see {by_differences} of {total.sum()} bugs")
for room, rows in cells.items():
    for bug, row in zip(rooms[room], rows, strict=True):
        if room == "reference" and not row[0]:
            print(f"  not: {bug.name}: {bug.story}")
assert all(any(row) for rows in cells.values() for row in rows)  # each is seen by something
assert by_differences < total.sum() * 2 / 3
asked = ("bias dropped", "noise frozen", "answer of 10 wrong", "no correction")
answers = [gallery.verdicts(gallery.planted(bug_of[name]))[0] for name in asked]
print(f"seen by central differences: {dict(zip(asked, answers, strict=True))}")
assert answers == [True, False, False, None]  # None: there is no gradient to look at
if not FAST:
    assert (by_differences, total.sum()) == (56, 99)
    row = dict(zip(("differences", "complex", "dot", "Taylor"), seen[0, :4], strict=True))
    assert row["differences"] == row["complex"] == row["Taylor"] == row["dot"] - 1

# %% [markdown]
# - Mistakes in the gradient, and in a forward line whose adjoint stays right (a), are seen by all four. Finite differences are
#   no worse than the complex step on these, because the mistakes are large. The dot products see one more: the gradient with
#   respect to the input, which no parameter needs.
# - Whatever comes to the network as a number, and acts on loss and gradient alike, is seen by none: noise (b), constants such
#   as the leak, the task (c).
# - What comes after the gradient is not looked at: Adam (d), clipping, the training loop.
#
# ## 4.10 What no gradient check can see
#
# In 4.9 most mistakes of the forward pass were seen *because the backward pass was right*. Someone who derives the gradient
# with care from a wrong model is in another position. So is everyone who uses automatic differentiation. Take a forward pass in
# which the input comes one step late, and differentiate that:

# %%
late_input = gallery.planted(bug_of["input one step late"])


def late_loss(p):
    return late_input.loss(params_of(p), *data)


own_gradient = np.array([complex_step(late_loss, p0, unit) for unit in np.eye(len(p0))])
by_differences = np.array([central_difference(late_loss, p0, unit, 1e-5) for unit in np.eye(len(p0))])
scale = np.abs(own_gradient).max()
_, order = taylor_order(late_loss, p0, own_gradient, v, sizes)
print(f"central differences: off by {np.abs(by_differences - own_gradient).max() / scale:.0e}; Taylor: order {order:.2f}")
print(f"loss {late_loss(p0):.6f}, that of the equations {network_loss(p0):.6f}")
assert np.abs(by_differences - own_gradient).max() / scale < 1e-7 and abs(order - 2) < 0.05
assert abs(late_loss(p0) / network_loss(p0) - 1) > 1e-4

# %% [markdown]
# Every check of this tutorial passes, for the gradient *is* that of the loss. It is the loss of another model. A gradient check
# compares a program with itself. What is left is to state the right answer a second time: a known solution (tutorial 1: the
# variance of a noisy unit), loops that follow the printed equation, another implementation, numbers by hand.
#
# ## What to conclude
#
# - A falling loss says little about a gradient.
# - In float64: central differences with $d \approx 10^{-5}$ are right to ten digits or so, a complex step to rounding, if the
#   loss is made of functions that know complex numbers.
# - One dot product with a random direction tests all entries. Taylor's remainder tests without a tuned step: order 2 or not.
# - Check at random points, with everything switched on, all axes of different length, and away from kinks.
# - A right gradient of a wrong model passes. Test the forward pass against something that is not made from it.
#
# **If you have more time.** (a) Solve $E_1'(d) = 0$ in (8), and compare with the dotted line. (b) Apply Richardson's idea once:
# combine the central differences with $d$ and $d/2$ so that $\tfrac{d^2}{6} L'''$ cancels; how does the error fall now? (c)
# Plant a mistake of your own in the pullback of 4.6 that the dot-product test does not see at $u = 0$.
#
# ## Where to go next
#
# [5. Adam](05_adam.py): what to do with a gradient that is right. `python -m minirnn.gallery` prints the whole table of 4.9, a
# line per bug.
#
# Sources: Squire and Trapp, SIAM Review 1998, 40:110 (complex step); Ridders, Advances in Engineering Software 1982, 4:75
# (Richardson's scheme for derivatives). `minirnn/checks.py` holds all checks of this tutorial, for any loss.
