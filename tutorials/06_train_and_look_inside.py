# %% [markdown]
# # 6. Train AND, and look inside
#
# **You will**
# - train the 50-unit AND network of Jarne and Laje and judge it by its output;
# - write principal component analysis in a few lines, and see the four conditions as curves;
# - compare the eigenvalues of $W_{\text{rec}}$ before and after training, and turn an angle into a frequency;
# - find the fixed points that the network has after its trial, and decide from a matrix whether they are stable;
# - say of each of these what it has to do with the output.
#
# **Before**: [2. The network](02_the_network.py), [5. Adam](05_adam.py); eigenvalues, the singular value decomposition.
#
# **Minutes**: 75
#
# **Runs in** 15 s on two cores (`MINIRNN_FAST=1`: 6 s).
#
# **Marks**: principal-components 6, outside-circle 4, turns-to-hertz 4, slope-of-a-step 6.

# %%
import os

import numpy as np

import minirnn as mr
from minirnn import plots, tasks, teaching
from minirnn.analysis import end_states, fixed_points

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(0)

# %% [markdown]
# ## 6.1 The task and the training
#
# Two inputs, A and B. At 30 ms each may have a pulse of 20 ms. From 70 ms on the output must be 1 if both had one, else 0, and
# must stay there to the end at 200 ms (arXiv 1906.01094, Table 1). The network has to remember the answer for 130 ms without
# any input. A unit without connections cannot: with $dt = \tau = 1$ ms it forgets in a step. Only the connections can keep it.
#
# The model is that of the tutorials before (eqs. 3 to 5 of the paper), with $\alpha = dt/\tau = 1$:
#
# $$h_{t+1} = (1-\alpha)\,h_t + \alpha\,\tanh(W_{\text{rec}} h_t + W_{\text{in}} x_t), \qquad
# z_t = W_{\text{out}} h_{t+1} + b_{\text{out}} \tag{1}$$
#
# There is no recurrent bias: without input, $h = 0$ stays 0. That will matter.
#
# We train on 15000 noisy trials, with settings that [the studies](../docs/studies/README.md) found to succeed nearly always: an
# orthogonal start scaled by 0.9, Adam with a rate of 5e-4 that falls, and the gradient clipped to norm 1. The fast form of
# this tutorial stops after 3 of the 20 epochs.

# %%
task = tasks.And()
untrained = mr.Network.random(n_in=2, n_rec=50, n_out=1, recurrent="orthogonal", gain=0.9, rng=rng)
adam = mr.Adam(lr=5e-4, decay=5e-4, clip=1.0)
result = mr.train(untrained, task, optimizer=adam, epochs=3 if FAST else 20, rng=rng, progress=False)
network = result.network
print(network)
print(result.stopped)

made, axes = plots.figure(1, 2, 10, 3.2)
plots.history(axes[0, 0], result.history.loss, result.history.validation_distance)
axes[0, 1].plot(np.arange(1, len(result.history.loss) + 1), result.history.gradient_norm, "o-", ms=4)
axes[0, 1].axhline(1.0, color="0.5", lw=1, ls=":")
axes[0, 1].set(xlabel="epoch", ylabel="norm of the gradient", ylim=(0, None))
axes[0, 1].xaxis.get_major_locator().set_params(integer=True)
made.get_layout_engine().set(wspace=0.08)
teaching.show(made, "06_history")

# %% [markdown]
# The loss is the mean of the squared error over steps and trials. A network that always said 0 would be wrong by 1 in a quarter
# of the trials, for 130 of 200 steps: a loss of $\tfrac14 \cdot \tfrac{130}{200} = 0.16$. Read the curve against that number.
# Right: the norm of the gradient before clipping, as a mean over the updates of an epoch; above the dotted line, at 1, a
# gradient is clipped. It is largest while the network finds the answer.

# %%
trials = task.conditions()  # one trial without noise of each type: 00, 10, 01, 11
h, z = network.run(trials.x)  # h (T+1, 4, N), z (T, 4, 1)
names = task.condition_names
distances = tasks.distance(z, trials)
titles = [f"{name}:  distance {d:.2f}" for name, d in zip(names, distances, strict=True)]
teaching.show(plots.conditions(trials.x, trials.target, z, titles, names=task.input_names), "06_conditions")

print("success:", tasks.success(z, trials, task))
assert tasks.success(z, trials, task)
assert result.history.loss[-1] < 0.02 < 0.16
assert result.history.gradient_norm.argmax() <= 2
squares = ((z - trials.target) ** 2)[:, 3, 0]
print(f"11: {100 * squares[65:85].sum() / squares.sum():.0f} % of the squared distance between 65 and 85 ms")
assert squares[65:85].sum() > 0.5 * squares.sum()

# %% [markdown]
# Judged from outside, it works. The distance is the Euclidean norm of output minus target over the 200 steps, the paper's
# measure; in 11 most of it comes from the rise around 70 ms, a jump in the target. Now we look inside, in three ways.
#
# ## 6.2 Principal components: 50 curves as one
#
# A trial is a curve in a space of 50 dimensions. Does it fill them? Take all states of the four conditions as rows of a
# matrix $X$ (M, N), take off the mean row $m$, and decompose:
#
# $$X - m = U S V^T \tag{2}$$
#
# The rows of $V^T$ are orthonormal directions in state space, the *axes*; the coordinate of a state $x$ along axis $v_k$ is
# $v_k \cdot (x - m)$, the *component*; the variance along it is proportional to the square of the singular value $s_k$. The
# share of axis $k$ in all variance is
#
# $$\text{ratio}_k = s_k^2 \Big/ \sum_j s_j^2 \tag{3}$$
#
# No other $k$ directions hold more of the variance than the first $k$ axes.
#
# ### Exercise: principal-components (6 marks)
#
# Write it with `np.linalg.svd(.., full_matrices=False)`, which returns `U`, `s`, `Vt`. If $v$ is an axis, so is $-v$: the sign
# is open. So that results can be compared, turn the axes with `turned` (given) *before* you compute coordinates.


# %%
def turned(axes):
    """Each row with its entry of largest size made positive."""
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return axes * np.sign(largest)[:, None]


# %% exercise="principal-components"
def principal_components(X, k):
    """Coordinates (M, k), axes (k, N) and ratio (k,) of states X (M, N): the first k components."""
    ### BEGIN SOLUTION
    m = X.mean(axis=0)
    _, s, Vt = np.linalg.svd(X - m, full_matrices=False)  # (2)
    axes = turned(Vt[:k])
    return (X - m) @ axes.T, axes, s[:k] ** 2 / (s**2).sum()  # (3)
    ### END SOLUTION


teaching.check("principal-components", principal_components).expect_right()

# %%
states = h[1:].astype(np.float64)  # (T, 4, N), the states after each input
T, B, N = states.shape
coordinates, axes_of, ratio = principal_components(states.reshape(-1, N), 10)
curves = coordinates.reshape(T, B, 10)
print("shares of the first five:", ratio[:5].round(2), " together, of the first three:", ratio[:3].sum().round(2))
assert ratio[:3].sum() > 0.85

spans = plots.epochs(task.onset, task.pulse, task.gap, T)
made, axes = plots.figure(2, 2, 8.5, 8.5, subplot_kw={"projection": "3d"})
for b, ax in enumerate(axes.flat):
    plots.trajectory(ax, curves[:, b, :3], spans, title=names[b], legend=False)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), zlim=(-3, 3))
made.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=6, frameon=False)
teaching.show(made, "06_trajectories")

# %% [markdown]
# Three numbers per step, instead of 50, tell nearly all. Condition 00 is a point: nothing comes in, nothing moves. After one
# pulse the state is kicked out and comes to turn in a loop; the loops of 10 and 01 look alike. After two pulses it leaves for
# another place and stays there.
#
# What does the output see of that? It reads one direction, $W_{\text{out}}$, a row of 50 numbers.

# %%
made, axes = plots.figure(1, 4, 12, 2.7, sharey=True)
for b, ax in enumerate(axes[0]):
    ax.plot(curves[:, b, :3], lw=1, label=["component 1", "component 2", "component 3"])
    ax.plot(z[:, b, 0], color="black", lw=2, label="output")
    ax.set(title=names[b], xlabel="time (ms)")
axes[0, 0].set_ylabel("coordinate, output")
axes[0, 0].legend(fontsize=8, frameon=False)
teaching.show(made, "06_components")

late = slice(150, None)
turning = np.ptp(curves[late, 1, :3], axis=0).max()
print(f"10, from 150 ms on: the coordinates move by up to {turning:.2f}, the output by {np.ptp(z[late, 1]):.2f}")
assert np.ptp(z[late, 1]) < 0.25 * turning

# %% [markdown]
# In 10 and 01 the state moves all the time and the output stays at 0: the loop lies, nearly, in directions that
# $W_{\text{out}}$ does not read. *A quiet output does not mean a quiet network.* (In 00 the components stand still, but not at
# 0: the state there is $h = 0$, and components are counted from the mean $m$ of all states.)

# %% [markdown]
# ## 6.3 Eigenvalues before and after
#
# Near $h = 0$ tanh is the identity, and without input (1) is $h_{t+1} = W_{\text{rec}} h_t$ ($\alpha = 1$). If $h_0$ is an
# eigenvector with eigenvalue $\lambda$, then $h_t = \lambda^t h_0$: it decays for $|\lambda| < 1$ and grows for
# $|\lambda| > 1$. The border is the unit circle.
#
# The paper reports that training pushes a few eigenvalues out of the circle (arXiv 1906.01094, Fig. 6). We count those
# with $|\lambda| > 1 + \text{margin}$; the margin, 0.02, leaves out what is on the rim.
#
# ### Exercise: outside-circle (4 marks)
#
# How many eigenvalues of `W_rec` (N, N) lie outside? `np.linalg.eigvals` gives all N, complex.


# %% exercise="outside-circle"
def outside(W_rec, margin):
    """The number of eigenvalues with |lambda| > 1 + margin."""
    ### BEGIN SOLUTION
    return (np.abs(np.linalg.eigvals(W_rec)) > 1 + margin).sum()
    ### END SOLUTION


teaching.check("outside-circle", outside).expect_right()

# %% [markdown]
# **Predict before you run**: where are the eigenvalues of the untrained matrix, 0.9 times an orthogonal one?

# %%
W_before = untrained.weights.W_rec.astype(np.float64)
W_rec = network.weights.W_rec.astype(np.float64)
before, after = np.linalg.eigvals(W_before), np.linalg.eigvals(W_rec)
number = outside(W_rec, 0.02)
change = np.linalg.norm(W_rec - W_before) / np.linalg.norm(W_before)
print(f"outside: {outside(W_before, 0.02)} before, {number} after; the matrix changed by {change:.0%} of its norm")
assert np.allclose(np.abs(before), 0.9, atol=1e-4)
assert outside(W_before, 0.02) == 0
assert number == 3
assert (np.abs(after[after.imag == 0]) > 1.02).sum() == 1  # a real one, and a pair
assert change < 0.3

made, axes = plots.figure(1, 1, 5.4, 5.4)
plots.eigenvalues(axes[0, 0], after, before, outliers=np.abs(after) > 1.02)
teaching.show(made, "06_eigenvalues")

# %% [markdown]
# Before: all on the circle of radius 0.9. After: most have moved little, and three stick out, a real one and a pair. (The
# dotted line is the border of a network in continuous time; here the circle counts. Not every network is like this one: with
# these settings three fifths of the networks have none outside and solve their tasks all the same, see
# [the study](../docs/studies/spectrum.md).)
#
# A complex pair *turns*. Write $\lambda = |\lambda| e^{i\theta}$: in each step the state turns by the angle $\theta$ in the
# plane of the pair. A full turn is $2\pi$, a step lasts $dt$.
#
# ### Exercise: turns-to-hertz (4 marks)
#
# Turns per second, in Hz, for an array of eigenvalues; `dt` in ms. `np.angle` gives $\theta$ between $-\pi$ and $\pi$; the two
# of a pair have the same frequency.


# %% exercise="turns-to-hertz"
def frequency(eigenvalue, dt):
    """The frequency in Hz at which a mode turns; dt in ms."""
    ### BEGIN SOLUTION
    return 1000 * np.abs(np.angle(eigenvalue)) / (2 * np.pi * dt)
    ### END SOLUTION


teaching.check("turns-to-hertz", frequency).expect_right()

# %%
pairs = after[after.imag > 0]
pair = pairs[np.abs(pairs).argmax()]
predicted = frequency(pair, task.dt)
print(f"the pair farthest out: {pair:.3f}, |lambda| = {abs(pair):.3f}, {predicted:.1f} Hz, a turn in {1000 / predicted:.0f} ms")
assert abs(pair) > 1.02

# %% [markdown]
# Is this the loop of 6.2? A prediction: after one pulse the states turn at this frequency. We let each trial go on for 3000
# steps without input and measure, in the last 600, where the power of the states is (a Fourier transform;
# `minirnn.analysis.end_states`).

# %%
step = fixed_points.Dynamics(W_rec, leak=network.leak)  # h -> the next h, without input
free = end_states.continued(step, states[-1], 3000)
ends = end_states.end_states(free)
for name, label, f in zip(names, ends.labels, ends.frequency, strict=True):
    print(f"{name}: {label}" + ("" if np.isnan(f) else f", {f:.2f} Hz (predicted {predicted:.2f})"))

made, axes = plots.figure(1, 4, 14, 2.9)
for b, ax in enumerate(axes[0]):
    plots.end_state(ax, ends.tail[:, b], ends.labels[b], ends.frequency[b], title=names[b], shown=150)
teaching.show(made, "06_end_states")

assert ends.labels == ("rest", "oscillation", "oscillation", "fixed point")
assert np.abs(ends.frequency[1:3] - predicted).max() < 1.5

# %% [markdown]
# Drawn are the six units that move most, in the last 150 of the 3000 steps.
#
# The eigenvalue of a linear model at $h = 0$ tells the frequency of a large oscillation to within a Hertz or so. It cannot tell
# the size: the linear model would grow for ever. tanh stops it.
#
# The paper says the same of its networks: no input, zero activity; one pulse, a state with a low output, which may oscillate;
# two pulses, another state with a high output.

# %% [markdown]
# ## 6.4 Fixed points and their stability
#
# After the pulses the input is 0, and the network is a map from a state to the next,
#
# $$G(h) = (1-\alpha)\,h + \alpha\,\tanh(W_{\text{rec}} h) \tag{4}$$
#
# A *fixed point* has $G(h^*) = h^*$. Next to it, $h = h^* + \delta$, one step gives
#
# $$G(h^* + \delta) - h^* \approx J \delta, \qquad J_{ij} = \frac{\partial G_i}{\partial h_j} \tag{5}$$
#
# so that $J$, the *Jacobian*, plays the part that $W_{\text{rec}}$ plays at 0. The fixed point is stable if all eigenvalues of
# $J$ have $|\lambda| < 1$; each one with $|\lambda| > 1$ is an *unstable mode*, a direction in which small disturbances grow.
#
# ### Exercise: slope-of-a-step (6 marks)
#
# Derive $J$ from (4) for any $h$ and any $\alpha$, and write it. Start with one entry: $G_i$ contains $\tanh(a_i)$ with
# $a_i = \sum_j W_{ij} h_j$, and $\tanh'(a) = 1 - \tanh^2(a)$. Which slope multiplies $W_{ij}$, that of unit i or of unit j?


# %% exercise="slope-of-a-step"
def slope(h, W_rec, alpha):
    """J (N, N) of one step without input, at the state h (N,): row = to, column = from."""
    ### BEGIN SOLUTION
    slopes = 1 - np.tanh(W_rec @ h) ** 2
    return (1 - alpha) * np.eye(len(h)) + alpha * slopes[:, None] * W_rec  # (5)
    ### END SOLUTION


teaching.check("slope-of-a-step", slope).expect_right()

# %% [markdown]
# To find the fixed points, `fixed_points.find` starts from states of the trials, with some noise, and makes $|G(h) - h|$
# smaller until it is 0 (Sussillo & Barak 2013). Unstable ones are found as well: the search follows Newton's method, not the
# network. tanh is odd, so if $h$ is a fixed point, so is $-h$; we start from both.

# %%
start = fixed_points.starts(states, rng, per_trial=25)
found = fixed_points.find(step, np.concatenate([start, -start]))
points = found.h[found.fixed]
read_out = points @ network.weights.W_out[0] + network.weights.b_out[0]
modes = [np.linalg.eigvals(slope(point, W_rec, 1.0)) for point in points]
print("output there   |h|    unstable modes   largest |lambda|")
for value, point, lam in zip(read_out, points, modes, strict=True):
    print(f"{value:10.2f} {np.linalg.norm(point):8.2f} {(np.abs(lam) > 1).sum():10d} {np.abs(lam).max():18.3f}")

stable = np.array([(np.abs(lam) < 1).all() for lam in modes])
rest = int(np.linalg.norm(points, axis=1).argmin())
up = int(np.abs(read_out - 1).argmin())
assert len(points) == 3
assert np.linalg.norm(points[rest]) < 1e-6
assert not stable[rest]
assert stable[up]
assert stable.sum() == 2
assert abs(read_out.min() + 1) < 0.1
assert abs(read_out[up] - 1) < 0.1
assert np.abs(free[-1, 3] - points[up]).max() < 1e-3  # condition 11 ends there

# %%
made, axes = plots.figure(1, 3, 14, 4.2)
plots.jacobian_eigenvalues(axes[0, 0], modes[rest], title="rest")
plots.jacobian_eigenvalues(axes[0, 1], modes[up], title=f"output {read_out[up]:.2f}")


def in_plane(x):
    """Coordinates of any states on the first two axes of 6.2."""
    return (x - states.mean(axis=(0, 1))) @ axes_of[:2].T


both = np.concatenate([states, free[:600]])
plots.fixed_points(
    axes[0, 2],
    in_plane(points),
    stable,
    np.array([(np.abs(lam) > 1).sum() for lam in modes]),
    trajectories=in_plane(both),
    names=names,
)
teaching.show(made, "06_fixed_points")

# %% [markdown]
# Left and in the middle: the eigenvalues of $J$ at two of the points; unstable modes are red. ("In continuous time" counts
# those to the right of the dotted line $\mathrm{Re} = 1$, the rule for a network whose time is not cut into steps.) On the
# right, the plane of the first two components (PC); the number at a fixed point is that of its unstable modes.
#
# Three fixed points, and each belongs to something that you saw:
#
# - **Rest**, $h = 0$, output $b_{\text{out}}$. Here $J = W_{\text{rec}}$: the eigenvalues outside the circle *are* its unstable
#   modes. Condition 00 stays there only because nothing disturbs it.
# - **A stable one with output 1**, where condition 11 ends. All its eigenvalues are inside: the slopes $1 - \tanh^2$ are below
#   1 where units are saturated, and draw the spectrum inwards. A disturbance dies out, and so the answer is held for as long as
#   you like, though training asked for 130 ms only.
# - **Its mirror image** with output -1. No trial of the task goes there.
#
# Conditions 10 and 01 end at no fixed point: they turn on a loop, to which the unstable pair of rest leads (6.5).
#
# **What if** the pulses were -1 instead of 1? Answer first, with the symmetry in mind; then run.

# %%
_, mirrored = network.run(-trials.x)
print(f"11 with negative pulses ends at {mirrored[-1, 3, 0]:.2f}")
assert abs(mirrored[-1, 3, 0] + z[-1, 3, 0] - 2 * float(network.weights.b_out[0])) < 1e-3

# %% [markdown]
# ## 6.5 Rest is unstable. Why does 00 work with noise?
#
# In training all inputs were noisy. Rest has unstable modes, so noise must drive the state away from it, in every trial. The
# answer to 00 is 0 all the same. **Predict**: where does the state go?

# %%


def noisy_rest(ax, noise):
    x = np.zeros((T, 20, 2)) + noise * np.random.default_rng(5).standard_normal((T, 20, 2))
    states_of, out = network.run(x)
    ax.plot(np.linalg.norm(states_of[1:], axis=2), color="#56B4E9", lw=0.7)
    ax.plot(out[:, :, 0], color="black", lw=0.7)
    ax.set(xlabel="time (ms)", ylabel="|h| (blue), output (black)", ylim=(-1, 4.5))


teaching.explore(noisy_rest, [0.0, 0.001, 0.01, 0.1], label="input noise", name="06_noise", width=3.4, height=3.0)

x = 0.1 * rng.standard_normal((T, 200, 2))
noisy_states, noisy_z = network.run(x)
length = np.linalg.norm(noisy_states[-1], axis=1)
wrong = (noisy_z[-1, :, 0] > 0.5).mean()
print(f"200 trials of 00 with the noise of training: |h| at the end {np.median(length):.2f}; answered 1: {100 * wrong:.0f} %")
assert np.median(length) > 0.5
assert (np.abs(noisy_z[-1, :, 0]) < 0.25).mean() > 0.95  # on the loop, not at one of the points with output 1 and -1
assert wrong < 0.05

# %% [markdown]
# Blue: the length of the state, black: the output, 20 trials each. The more noise, the sooner the state leaves rest. It goes to
# the loop of 10 and 01, where the output is 0 as well. So three of the four conditions share one end state in practice.
# Training never asked for a stable rest, only for a 0 in the output.
#
# And the *real* eigenvalue outside the circle? A small push along its eigenvector, and along the pair's, tells what they are
# for.

# %%
values, vectors = np.linalg.eig(W_rec)
real = int(np.where(values.imag == 0, values.real, -np.inf).argmax())
turn = int(np.where(values.imag > 0, np.abs(values), -np.inf).argmax())
along = vectors[:, real].real * np.sign(network.weights.W_out[0] @ vectors[:, real].real)  # to the side of a larger output
pushes = 0.01 * np.array([along, -along, vectors[:, turn].real])
pushed = end_states.continued(step, pushes, 600)
outputs = pushed @ network.weights.W_out[0] + network.weights.b_out[0]

made, axes = plots.figure(1, 1, 5.5, 3)
axes[0, 0].plot(outputs, label=["along the real mode", "against it", "along the pair"])
axes[0, 0].set(xlabel="time after the push (ms)", ylabel="output", xlim=(0, 300))
axes[0, 0].legend(loc="center right", bbox_to_anchor=(1.0, 0.7), fontsize=8, frameon=False)
teaching.show(made, "06_pushes")
assert np.allclose(outputs[-1, :2], [read_out.max(), read_out.min()], atol=0.05)
assert abs(outputs[-1, 2]) < 0.1

# %% [markdown]
# The real mode leads from rest to the point with output 1, or to its mirror image: two pulses must push the state along it and
# to the right side. The pair leads to the loop, which the output does not see: one pulse must leave the state there.

# %% [markdown]
# ## What to conclude
#
# - Three views of one network: states (PCA), weights (eigenvalues), fixed points (Jacobians). None alone explains the output.
# - Eigenvalues of $W_{\text{rec}}$ speak about $h = 0$. They tell what leaves rest, and how fast it turns there.
# - What is *held* is told by the Jacobian where the state ends: a stable fixed point is a memory without a time limit.
# - The output sees one direction. Oscillations may go on unseen in the others.
# - One network is one network. Another seed may rest after one pulse, or stand still: count over many before you write
#   "networks do".
#
# **If you have more time.** (a) Train with another seed and fill in the same table. (b) `task = tasks.Xor()`: which conditions
# end in fixed points now? (c) Multiply $W_{\text{rec}}$ by 0.9 after training: which fixed points are left, and which answers?
#
# ## Where to go next
#
# [7. Vanishing and exploding gradients](07_vanishing_and_exploding.py); [11. The flip-flop](11_flip_flop.py) has eight such
# memories at once; `minirnn analyze` makes all these figures for any network. Sources: Jarne and Laje, arXiv 1906.01094 (task,
# Figs. 6-11); Jarne, arXiv 2005.13074 (classes of final states); Sussillo and Barak, Neural Computation 25:626, 2013 (fixed
# points).
