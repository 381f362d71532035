# %% [markdown]
# # 5. Adam
#
# **You will**
# - go downhill by gradient descent, and derive which learning rates are too large;
# - see what noise is good for, and what momentum does in a ravine;
# - write Adam, line by line, and understand the correction of its moments;
# - tell the paper's Adam from Keras' one, decay the rate, and clip a gradient in two ways;
# - train a network with your own Adam and find the weights that `mr.train` finds.
#
# **Before**: [4. Is my gradient right?](04_is_my_gradient_right.py) (the gradient is taken for granted here); eigenvalues.
#
# **Minutes**: 75
#
# **Runs in** 4 s on two cores (`MINIRNN_FAST=1`: 3 s).
#
# **Marks**: descent-path 3, momentum-step 3, adam 6, decayed-rate 3, clip-globally 5.

# %%
import os

import numpy as np

import minirnn as mr
from minirnn import checks, plots, reference, tasks, teaching

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(5)
BLACK, BLUE, ORANGE, GREEN, RED, GREY = "#000000", "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A"

# %% [markdown]
# ## 5.1 Downhill
#
# A loss $L(\theta)$ is a landscape over the parameters $\theta$. The gradient $g = dL/d\theta$ is at right angles to the level
# curves and points uphill. Gradient descent goes against it (eq. 1.5 of the thesis *Dynamic Working Memory in
# Recurrent Neural Networks*, which KerasCog was written for; below "the thesis"):
#
# $$\theta \leftarrow \theta - \eta\, g \tag{1}$$
#
# $\eta$ is the *learning rate*, `lr` in the code. Numbers (9) to (12) below are those of `minirnn/reference.py`.
#
# ### Exercise: descent-path (3 marks)
#
# Return the points that (1) visits, `theta` first, after it `n` more. `gradient` is a function of `theta` and returns its
# shape. `theta` is one point (K,) or many, (B, K), that go down each by itself: write it so that any shape will do.


# %% exercise="descent-path"
def descend(gradient, theta, lr, n):
    """The path of n updates, an array (n + 1, K) from theta (K,), (n + 1, B, K) from theta (B, K)."""
    ### BEGIN SOLUTION
    path = [theta]
    for _ in range(n):
        path.append(path[-1] - lr * gradient(path[-1]))  # (1)
    return np.array(path)
    ### END SOLUTION


teaching.check("descent-path", descend).expect_right()

# %% [markdown]
# A landscape of two parameters with two valleys, the left one deeper:
#
# $$L(\theta) = \tfrac14 \theta_1^4 - \tfrac12 \theta_1^2 + 0.15\, \theta_1 + \tfrac12 \theta_2^2 \tag{2}$$


# %%
def valleys(theta):
    x, y = np.moveaxis(theta, -1, 0)
    return x**4 / 4 - x**2 / 2 + 0.15 * x + y**2 / 2  # (2)


def valleys_gradient(theta):
    x, y = np.moveaxis(theta, -1, 0)
    return np.stack([x**3 - x + 0.15, y], axis=-1)


def contours(ax, loss, x, y, levels):
    points = np.stack(np.meshgrid(np.linspace(*x, 200), np.linspace(*y, 200)), axis=-1)
    ax.contour(*np.moveaxis(points, -1, 0), loss(points), levels, colors="0.75", linewidths=0.8)
    ax.set(xlabel="theta 1", ylabel="theta 2")


start = np.array([1.4, 1.2])
bottoms = np.sort(np.roots([1, 0, -1, 0.15]).real)[[0, 2]]  # where the gradient is 0, but for the ridge between
path = descend(valleys_gradient, start, 0.1, 60)

made, axes = plots.figure(1, 1, 5.4, 4.2)
ax = axes[0, 0]
ax.set_aspect("equal")
contours(ax, valleys, (-1.9, 1.9), (-1.4, 1.5), np.linspace(-0.4, 1.5, 16))
ax.plot(*path.T, "o-", ms=3, lw=1, color=BLUE)
ax.plot(bottoms, [0, 0], "x", color=BLACK, ms=8)
teaching.show(made, "05_descent")
assert np.abs(path[-1] - [bottoms[1], 0]).max() < 0.01 and valleys(np.array([bottoms[0], 0])) < valleys(path[-1])

# %% [markdown]
# The path crosses the level curves at right angles, its steps get shorter as the slope does, and it ends in the nearer valley
# (crosses are the two bottoms). That the other one is deeper it cannot know. (This is Figure 1.3 of the thesis.)
#
# ## 5.2 Noise
#
# In *stochastic* gradient descent the gradient is that of a few trials drawn at random. It is right in the mean, and its error
# $\xi$ differs from update to update:
#
# $$\theta \leftarrow \theta - \eta\, (g + \sigma \xi) \tag{3}$$
#
# **Predict before you run**: what share of 200 such paths ends in the deeper valley, for $\sigma$ = 0, 1, 2, 3?

# %%
noises = (0.0, 1.0, 2.0, 3.0)
starts = np.tile(start, (200, 1))
share, shown = [], {}
for sigma in noises:
    paths = descend(lambda theta, s=sigma: valleys_gradient(theta) + s * rng.standard_normal(theta.shape), starts, 0.05, 300)
    share.append(float((paths[-1, :, 0] < bottoms.mean()).mean()))
    shown[sigma] = paths[:, np.argmin(paths[-1, :, 0])]  # the one that is furthest to the left in the end

made, axes = plots.figure(1, 2, 9, 3.6)
contours(axes[0, 0], valleys, (-1.9, 1.9), (-1.4, 1.5), np.linspace(-0.4, 1.5, 16))
axes[0, 0].plot(*shown[2.0].T, lw=0.7, color=BLUE)
axes[0, 0].plot(*start, "o", mfc="none", mec=BLUE)
axes[0, 0].plot(*shown[2.0][-1], "o", color=BLUE)
axes[0, 0].set_title("one path, sigma = 2")
axes[0, 1].plot(noises, share, "o-", color=BLUE)
axes[0, 1].set(xlabel="sigma", ylabel="share in the deeper valley", ylim=(-0.02, 1))
teaching.show(made, "05_noise")
print(dict(zip(noises, share, strict=True)))
assert share[0] == 0 and 0.3 < share[2] < share[3] < 0.9

# %% [markdown]
# Noise kicks the path over the ridge (Figure 1.4 of the thesis). It does so in both directions. That more end in the deeper
# valley than in the other one takes noise of the right size and time. And the path never comes to rest: with a constant rate it
# trembles about the bottom.
#
# ## 5.3 A ravine, and too large a rate
#
# Close to a bottom a smooth loss looks like a quadratic form. The simplest one that is hard has one flat and one steep
# direction:
#
# $$L(\theta) = \tfrac12\,(\lambda_1 \theta_1^2 + \lambda_2 \theta_2^2), \qquad \lambda_1 = 1,\; \lambda_2 = 30 \tag{4}$$
#
# Put its gradient into (1): each direction is multiplied by its own factor, $\theta_k \leftarrow (1 - \eta \lambda_k)\,
# \theta_k$.
#
# **Predict before you run**: from which $\eta$ on does the steep direction overshoot, from which on does it explode?

# %%
curvature = np.array([1.0, 30.0])


def ravine(theta):
    return 0.5 * (curvature * theta**2).sum(axis=-1)  # (4)


def ravine_gradient(theta):
    return curvature * theta


far = np.array([-4.0, 1.0])


def descent_in_the_ravine(ax, lr):
    contours(ax, ravine, (-4.6, 1.6), (-1.6, 1.6), [0.3, 1, 2, 4, 8, 16, 32])
    with np.errstate(over="ignore"):
        ax.plot(*descend(ravine_gradient, far, lr, 40).T, "o-", ms=2.5, lw=0.9, color=BLACK)
    ax.set(xlim=(-4.6, 1.6), ylim=(-1.6, 1.6))


teaching.explore(descent_in_the_ravine, [0.01, 0.03, 0.06, 0.068], label="lr", name="05_rates", width=2.9, sharey=True)
assert np.abs(descend(ravine_gradient, far, 0.066, 2000)[-1]).max() < 1e-3
assert np.abs(descend(ravine_gradient, far, 0.067, 2000)[-1]).max() > 100

# %% [markdown]
# The factor of the steep direction is below 0 from $\eta = 1/\lambda_2 = 0.033$ on: zig-zag. It is below $-1$ from $\eta =
# 2/\lambda_2 = 0.067$ on: explosion. *The steepest direction sets the largest rate*, and with this rate the flat direction
# creeps: at $\eta = 0.06$ only 6 % of its way per update. This is what the thesis calls a ravine.
#
# ## 5.4 Momentum
#
# Let the path have a velocity $m$, like a heavy ball (Keras' form):
#
# $$m \leftarrow \mu\, m - \eta\, g, \qquad \theta \leftarrow \theta + m \tag{12}$$
#
# Across the ravine the gradient changes its sign, and its kicks cancel. Along the ravine they add up: for a constant $g$ the
# velocity goes to $-\eta g / (1 - \mu)$. With $\mu = 0.9$ the flat direction goes ten times as fast.
#
# ### Exercise: momentum-step (3 marks)
#
# Write (12). All arrays have the shape of `theta`; `m` goes in as it was left by the update before; `momentum` is $\mu$.


# %% exercise="momentum-step"
def momentum_step(theta, m, g, lr, momentum):
    """theta and m after one update."""
    ### BEGIN SOLUTION
    m = momentum * m - lr * g  # (12)
    return theta + m, m  # (12)
    ### END SOLUTION


teaching.check("momentum-step", momentum_step).expect_right()

# %% [markdown]
# ## 5.5 Adam
#
# Gradient descent has one rate for all parameters. Adam (Kingma and Ba, arXiv 1412.6980, Algorithm 1) gives each its own: the
# mean of its gradients, divided by their typical size. Both are running means, $m$ of the gradient and $v$ of its square
# (thesis eq. 1.6):
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad \hat m = m / (1 - \beta_1^t) \tag{9}$$
#
# $$v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad \hat v = v / (1 - \beta_2^t) \tag{10}$$
#
# $$\theta \leftarrow \theta - \eta\, \hat m \,/\, (\sqrt{\hat v} + \epsilon) \tag{11}$$
#
# $g^2$, the root and the division are entry by entry; $t = 1, 2, ..$ counts the updates, this one included; $\beta_1 = 0.9$,
# $\beta_2 = 0.999$ and $\epsilon = 10^{-8}$ are usual. $m$ and $v$ start at 0. Why they are divided by $1 - \beta^t$ is the
# subject of 5.6.
#
# ### Exercise: adam (6 marks)
#
# Write (9) to (11). Return `theta`, and `m` and `v` as they are to go into the next update. Do not change the arrays that you
# are given.


# %% exercise="adam"
def adam(theta, m, v, g, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """theta, m and v after update t = 1, 2, .. with the gradient g; all arrays of one shape."""
    ### BEGIN SOLUTION
    m = beta1 * m + (1 - beta1) * g  # (9)
    v = beta2 * v + (1 - beta2) * g**2  # (10)
    m_hat = m / (1 - beta1**t)  # (9)
    v_hat = v / (1 - beta2**t)  # (10)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v  # (11)
    ### END SOLUTION


teaching.check_adam(adam).expect_right()

# %% [markdown]
# The three of them in the ravine (Figure 1.5 of the thesis, with momentum added):


# %%
def momentum_path(gradient, theta, lr, n, momentum):
    points, m = [theta], np.zeros_like(theta)
    for _ in range(n):
        theta, m = momentum_step(theta, m, gradient(theta), lr, momentum)
        points.append(theta)
    return np.array(points)


def adam_path(gradient, theta, lr, n):
    points, m, v = [theta], np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, n + 1):
        theta, m, v = adam(theta, m, v, gradient(theta), t, lr)
        points.append(theta)
    return np.array(points)


def arrival(path):
    """The update after which the path stays within 0.04 of the bottom at 0, or the length of the path."""
    outside = np.flatnonzero(np.linalg.norm(path, axis=1) >= 0.04)
    return int(outside[-1]) + 1 if len(outside) else 0


n = 600
ways = {
    "descent, lr 0.06": (descend(ravine_gradient, far, 0.06, n), BLACK),
    "momentum 0.7, lr 0.03": (momentum_path(ravine_gradient, far, 0.03, n, 0.7), BLUE),
    "Adam, lr 0.3": (adam_path(ravine_gradient, far, 0.3, n), RED),
}
made, axes = plots.figure(1, 2, 10, 3.6)
contours(axes[0, 0], ravine, (-4.4, 1.4), (-1.2, 1.4), [0.3, 1, 2, 4, 8, 16, 32])
for name, (points, colour) in ways.items():
    axes[0, 0].plot(*points[:60].T, "o-", ms=2.5, lw=0.9, color=colour, label=name)
    axes[0, 1].semilogy(np.linalg.norm(points[:120], axis=1), color=colour, label=f"{name}: {arrival(points)}")
axes[0, 1].axhline(0.04, color=GREY, lw=0.8, ls=":")
axes[0, 1].set(xlabel="update", ylabel="distance from the bottom", ylim=(1e-4, 10))
axes[0, 1].legend(title="updates until within 0.04", fontsize=8.5, title_fontsize=8.5, frameon=False)
teaching.show(made, "05_ravine")
arrivals = {name: arrival(points) for name, (points, _) in ways.items()}
print(arrivals)
assert arrivals["momentum 0.7, lr 0.03"] < 40 < 60 < arrivals["Adam, lr 0.3"] < arrivals["descent, lr 0.06"] + 20

# %% [markdown]
# Descent zig-zags. Momentum swings and is soonest at the bottom. Adam starts along the diagonal, for the first update is $\eta$
# in *each* direction, whatever the slopes are; then it turns into the ravine and swings along it. It is not faster than a
# well-chosen descent here. What it wins is another thing: the choice.

# %%
rates = 10 ** np.linspace(-2.5, 0.5, 7 if FAST else 25)
with np.errstate(over="ignore", invalid="ignore"):
    by_rate = {
        "descent": [arrival(np.nan_to_num(descend(ravine_gradient, far, lr, n), nan=np.inf)) for lr in rates],
        "momentum 0.7": [arrival(np.nan_to_num(momentum_path(ravine_gradient, far, lr, n, 0.7), nan=np.inf)) for lr in rates],
        "Adam": [arrival(adam_path(ravine_gradient, far, lr, n)) for lr in rates],
        "Adam, loss times 1000": [arrival(adam_path(lambda theta: 1000 * ravine_gradient(theta), far, lr, n)) for lr in rates],
    }
made, axes = plots.figure(1, 1, 5.6, 3.6)
styles = (("o-", BLACK, 1.2), ("s-", BLUE, 1.2), ("-", RED, 3.5), ("x:", BLACK, 1.2))
for (name, found), (line, colour, width) in zip(by_rate.items(), styles, strict=True):
    axes[0, 0].semilogx(rates, found, line, ms=4, lw=width, color=colour, label=name)
axes[0, 0].set(xlabel="learning rate", ylabel=f"updates to arrive ({n}: not at all)", ylim=(0, n * 1.05))
axes[0, 0].legend(fontsize=8.5, loc="center right", frameon=False)
teaching.show(made, "05_rates_that_work")
near = (rates > 0.09) & (rates < 1.1)
assert max(np.array(by_rate["Adam"])[near]) < 120
assert min(np.array(by_rate["descent"])[rates > 0.07]) > n
assert by_rate["Adam"] == by_rate["Adam, loss times 1000"]

# %% [markdown]
# Descent works in a narrow range of rates that ends at $2/\lambda_2$, which nobody knows beforehand. Adam works from 0.1 to 1:
# its rate is *a length in parameter space*, not a factor. Multiply the loss by 1000 and nothing changes, because (11) divides a
# common factor out (up to $\epsilon$). A descent would explode.
#
# One caveat. A rate for each parameter helps where the ravine lies along the axes. Turn it by 45 degrees, and make it steeper
# and steeper:

# %%
turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
steepness = [1.0, 30.0, 300.0] if FAST else [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]


def turned_path(steep, n, lr=0.1):
    """Adam's path in the turned ravine, in the ravine's own axes."""
    return adam_path(lambda theta: ([1.0, steep] * (theta @ turn)) @ turn.T, far @ turn.T, lr, n) @ turn


straight = {steep: adam_path(lambda theta, k=steep: [1.0, k] * theta, far, 0.1, 400) for steep in steepness}
turned = {steep: turned_path(steep, 900 if FAST else 2000) for steep in steepness}
made, axes = plots.figure(1, 2, 9.6, 3.3)
contours(axes[0, 0], ravine, (-4.4, 1.4), (-1.2, 1.4), [0.3, 1, 2, 4, 8, 16, 32])
for name, points, colour in (("along the axes", straight, RED), ("turned", turned, BLUE)):
    axes[0, 0].plot(*points[30.0][:150].T, "-", lw=1.2, color=colour, label=name)
    axes[0, 1].loglog(steepness, [arrival(path) for path in points.values()], "o-", color=colour, label=name)
axes[0, 0].set(xlabel="along the ravine", ylabel="across", title="lambda_2 / lambda_1 = 30")
axes[0, 1].set(xlabel="lambda_2 / lambda_1", ylabel="updates to arrive")
axes[0, 1].legend(title="ravine", loc="upper left", frameon=False)
teaching.show(made, "05_turned")
counts = {steep: (arrival(straight[steep]), arrival(turned[steep])) for steep in steepness}
print(f"updates (along the axes, turned): {counts}")
assert len({along for along, _ in counts.values()}) == 1
assert counts[30.0][1] > 1.5 * counts[30.0][0] and counts[300.0][1] > 4 * counts[30.0][1]

# %% [markdown]
# Along the axes the steepness makes no difference: (11) divides it out, entry by entry. In the turned ravine each parameter
# feels the steep direction, Adam divides both by it, and the flat direction is slow again. Descent does not care how the ravine
# lies, for (1) has no axes.
#
# ## 5.6 Why the moments are corrected
#
# $m$ starts at 0 and is a mean of too many zeros at first. Write (9) out: $m_t = (1 - \beta_1) \sum_{s=1}^{t} \beta_1^{t-s}
# g_s$. If all $g_s$ have the mean $\bar g$, the mean of $m_t$ is
#
# $$\bar g\, (1 - \beta_1) \sum_{s=1}^{t} \beta_1^{t-s} = \bar g\, (1 - \beta_1^t) \tag{5}$$
#
# by the sum of a geometric series (section 3 of Adam's paper). Dividing by $1 - \beta_1^t$ mends that, and for $v$ likewise
# with $\beta_2$.
#
# **Predict before you run**: without any correction, are the first updates too small or too large?

# %%
t = np.arange(1, 5001)
bare = (1 - 0.9**t) / np.sqrt(1 - 0.999**t)  # m / sqrt(v) over m_hat / sqrt(v_hat), for a constant gradient
noisy = 1 + 0.5 * rng.standard_normal(200)
m = v = 0.0
kept = []
for k, g in enumerate(noisy, start=1):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    kept.append((m, m / (1 - 0.9**k), v, v / (1 - 0.999**k)))
kept = np.array(kept).T

made, axes = plots.figure(1, 2, 9.6, 3.3)
for values, label, colour, line in zip(
    kept, ("m", "m_hat", "v", "v_hat"), (BLUE, BLUE, RED, RED), ("--", "-", "--", "-"), strict=True
):
    axes[0, 0].plot(np.arange(1, 201), values, line, color=colour, label=label)
axes[0, 0].axhline(1, color=BLUE, lw=0.7, ls=":")
axes[0, 0].axhline(1.25, color=RED, lw=0.7, ls=":")
axes[0, 0].set(xlabel="update t", ylabel="moment", title="gradients of mean 1, mean square 1.25", ylim=(0, 3.2))
axes[0, 0].legend(ncols=4, loc="upper right", frameon=False)
axes[0, 1].semilogx(t, bare, color=BLACK)
axes[0, 1].axhline(1, color=GREY, lw=0.8, ls=":")
axes[0, 1].set(xlabel="update t", ylabel="step without correction / with", title="constant gradient", ylim=(0, 7))
teaching.show(made, "05_correction")
print(f"without correction: {bare[0]:.2f} times the step at first, {bare.max():.2f} times at t = {t[bare.argmax()]}")
assert round(bare[0], 2) == 3.16 and round(bare.max(), 2) == 6.57 and t[bare.argmax()] == 12
assert abs(kept[2, -1] - 1.25) > 0.9 and abs(kept[3, -1] - 1.25) < 0.2

# %% [markdown]
# Left: $m$ (dashed) is right after 30 updates, $v$ not after 200, for its memory is $1/(1-\beta_2) = 1000$ updates long. Right:
# both moments are too small, but the step divides one by the root of the other, and $v$ is the one that lags. So the first
# steps are too *large*: three times at once, 6.6 times at $t = 12$. The thesis and arXiv 1906.01094 print the first halves of
# (9) and (10) alone. Their networks were trained with Keras, which does correct.
#
# ## 5.7 Keras' form
#
# The end of the paper's section 2 reorders (11) to save a division, and Keras follows it:
#
# $$\theta \leftarrow \theta - \eta\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\, \frac{m}{\sqrt v + \hat\epsilon} \tag{11'}$$
#
# Divide above and below by $\sqrt{1 - \beta_2^t}$ and compare with (11): they agree if $\hat\epsilon = \epsilon \sqrt{1 -
# \beta_2^t}$. Keras keeps $\hat\epsilon$ constant. So its $\epsilon$, in the sense of the paper, is $1/\sqrt{1 - \beta_2^t}$
# times as large: 31.6 times at $t = 1$. Where does that matter? For a constant gradient $g$, the step of each form is:

# %%
size = np.logspace(-11, -3, 81)
made, axes = plots.figure(1, 1, 5.4, 3.4)
ax = axes[0, 0]
ratios = {}
for count, colour in ((1, BLUE), (1000, ORANGE)):
    forms = []
    for hat in (False, True):
        m, v = (1 - 0.9 ** (count - 1)) * size, (1 - 0.999 ** (count - 1)) * size**2  # after count - 1 updates
        theta, _, _ = reference.adam(np.zeros(81), m, v, size, count, 1.0, 0.9, 0.999, 1e-8, hat)
        forms.append(-theta)
    ax.semilogx(size, forms[0], color=colour, label=f"paper, t = {count}")
    ax.semilogx(size, forms[1], "--", color=colour, label=f"Keras, t = {count}")
    ratios[count] = forms[1] / forms[0]
ax.set(xlabel="|gradient|", ylabel="step / learning rate")
ax.legend(fontsize=8.5, frameon=False)
teaching.show(made, "05_epsilon_hat")
assert abs(1 / ratios[1][0] - 1 / np.sqrt(0.001)) < 0.1  # 31.6 where eps is all that counts
assert (ratios[1][size > 1e-4] > 0.99).all()
assert 0.75 < ratios[1000].min() < 0.8

# %% [markdown]
# Only for gradients below $10^{-5}$ or so, where $\epsilon$ counts at all, and there Keras' first steps are shorter. (The
# paper's two curves coincide: the corrected moments of a constant gradient do not depend on $t$.) `mr.Adam` has both:
# `epsilon_hat=True`, the default, is Keras'.
#
# ## 5.8 A rate that decays
#
# The trembling of 5.2 gets smaller with the rate. Keras 2 divides it:
#
# $$\eta_n = \eta \,/\, (1 + \text{decay} \cdot n), \qquad n \text{ the number of updates done before} \tag{6}$$
#
# ### Exercise: decayed-rate (3 marks)
#
# Write (6).


# %% exercise="decayed-rate"
def decayed_rate(lr, decay, updates):
    """The rate of the next update when so many were done, a number."""
    ### BEGIN SOLUTION
    return lr / (1 + decay * updates)  # (6)
    ### END SOLUTION


teaching.check("decayed-rate", decayed_rate).expect_right()

# %% [markdown]
# Jarne and Laje train with $\eta = 10^{-4}$ and a decay of $10^{-4}$, for 20 epochs of 235 updates.

# %%
last = decayed_rate(1e-4, 1e-4, 20 * 235)
print(f"after 4700 updates the rate is {last:.2e}")
assert round(last * 1e5, 2) == 6.80
assert decayed_rate(1e-4, 1e-4, 10000) == 0.5e-4

# %% [markdown]
# It falls by a third in all their training; half would take $1/\text{decay} = 10^4$ updates. This decay is a gentle one.
#
# ## 5.9 Clipping
#
# A gradient may explode (tutorial 7). Then one update can throw a network far away. Clipping shortens it. *Globally*, all
# arrays are one vector, and if its norm is above a limit $c$ all are scaled alike:
#
# $$g \leftarrow g \cdot \min\left(1,\; c / \lVert g \rVert\right), \qquad \lVert g \rVert^2 = \sum_{\text{arrays}} \sum_{ij} g_{ij}^2 \tag{7}$$
#
# *By array*, each has a norm and a scaling of its own. Keras up to 2.3 does the first with its argument `clipnorm`, Keras 3 the
# second with the same argument. `mr.Adam(clip=.., clip_scope=..)` knows both.
#
# ### Exercise: clip-globally (5 marks)
#
# Write (7) for two arrays, (N, I) and (N, N); `limit` is $c$. A gradient that is short enough stays as it is.


# %% exercise="clip-globally"
def clip(g_in, g_rec, limit):
    """Both arrays scaled so that their common norm is at most limit."""
    ### BEGIN SOLUTION
    norm = np.sqrt((g_in**2).sum() + (g_rec**2).sum())  # (7)
    factor = min(1.0, limit / norm)  # (7)
    return factor * g_in, factor * g_rec
    ### END SOLUTION


teaching.check("clip-globally", clip).expect_right()


# %%
def clip_each(g_in, g_rec, limit):
    return tuple(min(1.0, limit / np.linalg.norm(g)) * g for g in (g_in, g_rec))


def cosine(a, b):
    a, b = (np.concatenate([part.ravel() for part in g]) for g in (a, b))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


plane = np.array([[1.5]]), np.array([[4.0]])  # an array of one number each, so that it can be drawn
big = mr.Network.random(2, 50, 1, dtype="float64", rng=rng)
_, gradient = big.loss_and_gradient(tasks.And().trials(16, rng))
pair = gradient.W_in, gradient.W_rec
limit = 0.5 * np.linalg.norm(pair[0])

made, axes = plots.figure(1, 1, 4.4, 3.8)
ax = axes[0, 0]
arrows = (
    ("gradient", plane, BLACK),
    ("clipped globally", clip(*plane, 2.5), BLUE),
    ("clipped by array", clip_each(*plane, 2.5), RED),
)
for name, (g_in, g_rec), colour in arrows:
    ax.annotate("", (g_in.item(), g_rec.item()), (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})
    ax.plot([], [], color=colour, label=name)
angle = np.linspace(0, np.pi / 2)
ax.plot(2.5 * np.cos(angle), 2.5 * np.sin(angle), color=GREY, lw=0.8, ls=":")
ax.set(xlabel="gradient of the first array", ylabel="of the second", xlim=(0, 4.4), ylim=(0, 4.4), aspect="equal")
ax.legend(loc="upper right", fontsize=8.5, frameon=False)
teaching.show(made, "05_clipping")
turned_by = {"globally": cosine(pair, clip(*pair, limit)), "by array": cosine(pair, clip_each(*pair, limit))}
print(
    "cosine of the clipped gradient of an AND network with the whole one: "
    + str({k: round(float(c), 3) for k, c in turned_by.items()})
)
assert abs(turned_by["globally"] - 1) < 1e-12 and turned_by["by array"] < 0.99

# %% [markdown]
# Clipped globally, the gradient keeps its direction. Clipped by array it turns: the larger array loses more. Neither is wrong,
# but they are different methods under one name, and a network trained with one Keras is not repeated with another.
#
# ## 5.10 Your Adam trains a network
#
# Twenty units learn AND from 64 trials, all of them in each update. Once with your `adam` in a loop of six lines, once with
# `mr.train`.

# %%
task = tasks.And(onset=2, pulse=4, gap=3, tail=16, jitter=3, input_noise_std=0.05)
net = mr.Network.random(2, 20, 1, tau=2.0, dtype="float64", rng=rng)
trials = task.trials(64, rng)
updates = 60 if FAST else 300

theta = checks.named_arrays(net.params)
m, v = ({name: np.zeros_like(array) for name, array in theta.items()} for _ in range(2))
mine = []
for count in range(1, updates + 1):
    params = mr.Params(**{name: theta.get(name) for name in mr.Params._fields})
    loss, gradient = net.with_params(params).loss_and_gradient(trials)
    mine.append(loss)
    for name, g in checks.named_arrays(gradient).items():
        theta[name], m[name], v[name] = adam(theta[name], m[name], v[name], g, count, 3e-3)

settings = dict(epochs=updates, batch=64, rng=0, progress=False)
theirs = mr.train(net, trials, optimizer=mr.Adam(lr=3e-3, epsilon_hat=False), **settings)
apart = max(
    np.abs(theta[name] - array).max() / np.abs(array).max() for name, array in checks.named_arrays(theirs.network.params).items()
)
print(
    f"after {updates} updates: loss {mine[-1]:.6f} and {theirs.history.loss[-1]:.6f}, weights differ by {apart:.0e} of the largest"
)
assert apart < 1e-12
assert mine[-1] < (0.2 if FAST else 0.05) * mine[0]

# %% [markdown]
# The same weights to rounding, after hundreds of updates (not the same bits: the trials are shuffled, and a sum in another
# order is rounded differently). There is no more to it than your five lines.
#
# Finally the ravine's question, asked of a network. How low is the loss after the same number of updates, for every rate?

# %%
float32 = mr.Network.random(2, 20, 1, tau=2.0, rng=rng)
exponents = np.arange(-4, 1, 1.0) if FAST else np.arange(-5, 1.1, 0.5)
kinds = {"descent": mr.SGD, "momentum 0.9": lambda lr: mr.SGD(lr=lr, momentum=0.9), "Adam": mr.Adam}
epochs, after = (3 if FAST else 10), {}
for name, kind in kinds.items():
    after[name] = []
    for rate in 10**exponents:
        try:
            run = mr.train(
                float32,
                task,
                optimizer=kind(lr=float(rate)),
                epochs=epochs,
                samples=960,
                batch=32,
                stop_below=0,
                rng=0,
                progress=False,
            )
            after[name].append(run.history.loss[-1])
        except mr.Diverged:
            after[name].append(np.nan)

made, axes = plots.figure(1, 1, 5.8, 3.6)
for (name, found), colour, line in zip(after.items(), (BLACK, BLUE, RED), ("o-", "s-", "^-"), strict=True):
    axes[0, 0].loglog(10**exponents, found, line, color=colour, ms=4, label=name)
axes[0, 0].set(xlabel="learning rate", ylabel=f"loss after {30 * epochs} updates", ylim=(1e-3, 3))
axes[0, 0].legend(loc="lower left", frameon=False)
teaching.show(made, "05_rates_of_a_network")
at = {name: dict(zip(exponents, found, strict=True)) for name, found in after.items()}
print("loss at the rate 0.01: " + ", ".join(f"{name} {losses[-2]:.4f}" for name, losses in at.items()))
assert 1.5 * at["Adam"][-2] < at["momentum 0.9"][-2] < 0.7 * at["descent"][-2]
assert not any(losses[0] < 0.05 for losses in at.values())  # nan, too: diverged
if not FAST:
    good = {"descent": (-1, -0.5), "momentum 0.9": (-2, -1), "Adam": (-3, -1.5)}  # from, to; what is to the right is chance
    for name, (low, high) in good.items():
        assert all(loss < 0.01 for e, loss in at[name].items() if low <= e <= high) and at[name][low - 0.5] > 0.01
        print(f"loss below 0.01: {name} from lr {10.0**low:.1g} to {10.0**high:.1g}")
    assert np.allclose(after["momentum 0.9"][:6], after["descent"][2:8], rtol=0.1)

# %% [markdown]
# Each has a range of good rates, and a rate at which it fails; a line that stops diverged. While rates are small, descent and
# momentum 0.9 are one curve, shifted by the factor ten of 5.4. To come below a loss of 0.01 descent needs a rate of 0.1,
# momentum 0.01, Adam 0.001: a rate that is good for one method says nothing about another. From there on Adam has good
# rates over a factor of thirty, momentum over ten, descent over three. Do not read more into the right ends of the curves:
# training is so unsteady there that a processor which rounds otherwise may draw another point. This is one network and one
# task.
#
# ## What to conclude
#
# - Gradient descent is stable for $\eta < 2/\lambda_{\max}$; in a ravine this makes the flat direction slow.
# - Momentum adds up what agrees and cancels what alternates. Adam divides by the typical size of each gradient, so that $\eta$
#   is a length.
# - Without correction Adam's first steps are up to 6.6 times too large (for a constant gradient), not too small.
# - Keras' $\epsilon$ is not the paper's, its `decay` is $1/(1 + \text{decay}\cdot n)$, and `clipnorm` means two things in two
#   of its versions.
# - Your Adam and the package's agree to rounding.
#
# **If you have more time.** (a) Which $\mu$ and $\eta$ are best for (12) in the ravine? Polyak (1964) gives $\eta =
# 4/(\sqrt{\lambda_1} + \sqrt{\lambda_2})^2$, $\mu = (\sqrt{\kappa} - 1)^2/(\sqrt{\kappa} + 1)^2$ with $\kappa =
# \lambda_2/\lambda_1$. Try them. (b) Set $\beta_1 = \beta_2 = 0$: what is (11) then? (c) Let the gradient be 0 but for one
# update in a hundred. Which step does Adam take?
#
# ## Where to go next
#
# [6. Train and look inside](06_train_and_look_inside.py); [7. Vanishing and exploding](07_vanishing_and_exploding.py) shows
# where the gradients that need clipping come from.
#
# Sources: Kingma and Ba, arXiv 1412.6980; the thesis' section 1.2 and 1.3 (Figures 1.3 to 1.5); Polyak, USSR Comput. Math.
# Math. Phys. 1964, 4:1.
