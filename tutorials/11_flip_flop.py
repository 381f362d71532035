# %% [markdown]
# # 11. The flip-flop: three bits in fifty units
#
# **You will**
# - write the task, a machine that remembers the last pulse of each of three channels;
# - build it by hand from three units, and count its fixed points before any computer does;
# - train fifty units on it, see a cube in their states, and read the bits from it;
# - find what holds the corners of the cube (stable fixed points) and what lies between them (saddles);
# - check whether a list of fixed points is complete.
#
# **Before**: [6. Train AND, and look inside](06_train_and_look_inside.py): principal components, fixed points, the matrix $J$.
#
# **Minutes**: 75
#
# **Runs in** 15 s on two cores (`MINIRNN_FAST=1`: 7 s).
#
# **Marks**: flip-flop-target 6, corner-of-a-state 4, flow-energy 4, unstable-modes 6.

# %%
import itertools
import os

import numpy as np

import minirnn as mr
from minirnn import plots, tasks, teaching
from minirnn.analysis import end_states, fixed_points
from minirnn.analysis.pca import pca, project

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(4)

# %% [markdown]
# ## 11.1 A machine with eight states
#
# Three inputs A, B, C have pulses of height +1 or -1, at times of their own. Three outputs: each must show the sign of the last
# pulse on its own channel, and hold it until the next one. Between pulses the network gets no input but noise: what it shows it
# has to remember. Sussillo and Barak (2013) took this task to show how a trained network can be understood; Jarne (arXiv
# 2010.07858) trained 400 units on it.
#
# An output changes `wait` steps after the *start* of a pulse, so that there is time to react. In words: a memory $m$ per
# channel with
#
# $$m_t = \begin{cases} x_t & \text{if } x_t \neq 0 \\ m_{t-1} & \text{else} \end{cases}, \qquad m_{-1} = 0, \qquad
# \text{target}_t = m_{t-\text{wait}} \tag{1}$$
#
# and the target 0 for the first `wait` steps.
#
# ### Exercise: flip-flop-target (6 marks)
#
# Write (1) for B trials: `x` and the result are (T, B, 3). The pulses here are without noise. A loop over time is fine.


# %% exercise="flip-flop-target"
def flip_flop(x, wait):
    """The target (T, B, 3) of pulses x (T, B, 3), each +1 or -1 for some steps and 0 elsewhere."""
    ### BEGIN SOLUTION
    memory = np.zeros(x.shape[1:])
    target = np.zeros(x.shape)
    for t in range(wait, len(x)):
        memory = np.where(x[t - wait] != 0, x[t - wait], memory)  # (1)
        target[t] = memory
    return target
    ### END SOLUTION


teaching.check("flip-flop-target", flip_flop).expect_right()

# %% [markdown]
# `tasks.ThreeBitFlipFlop` is this task. We take steps of 5 ms, which makes everything five times as fast, and longer pauses
# between pulses than the paper (up to 650 ms): who has to remember for long has to remember well.

# %%
times = dict(dt=5.0, T=1500.0, second=200.0, third=200.0, jitter=450.0)  # ms
task = tasks.ThreeBitFlipFlop(**times)
wait = round((task.pulse + task.gap) / task.dt)
quiet = tasks.ThreeBitFlipFlop(**times, input_noise_std=0.0).trials(50, rng)
assert np.array_equal(flip_flop(quiet.x, wait), quiet.target)

t = np.arange(task.steps) * task.dt
made, axes = plots.figure(3, 1, 7.5, 4.2, sharex=True, sharey=True)
for k, ax in enumerate(axes[:, 0]):
    ax.fill_between(t, quiet.x[:, 0, k], color="#E69F00", alpha=0.6, step="post", lw=0, label="pulses")
    ax.plot(t, quiet.target[:, 0, k], "k--", lw=1.4, drawstyle="steps-post", label="target")
    ax.set(ylabel=task.input_names[k], ylim=(-1.3, 1.3))
axes[0, 0].legend(loc="lower left", ncols=2, frameon=False)
axes[2, 0].set_xlabel("time (ms)")
teaching.show(made, "11_task")

# %% [markdown]
# ## 11.2 By hand: three units
#
# [Tutorial 1](01_one_unit.py) ended with a unit that keeps a bit: with a weight $w > 1$ to itself, $h = \tanh(w h)$ has three
# solutions.

# %%
grid = np.linspace(-1.2, 1.2, 241)


def one_unit(ax, w):
    ax.plot(grid, grid, color="0.6", lw=1)
    ax.plot(grid, np.tanh(w * grid), color="#0072B2")
    crossing = np.diff(np.sign(np.tanh(w * grid) - grid)) != 0
    ax.plot(grid[:-1][crossing], grid[:-1][crossing], "o", color="black", ms=5)
    ax.set(xlabel="h", ylabel="tanh(w h)", aspect="equal")


teaching.explore(one_unit, [0.7, 1.0, 1.5, 3.0], label="w", name="11_one_unit", width=2.8, height=2.9)

# %% [markdown]
# Above $w = 1$ the outer two are stable (the curve is flatter than the diagonal), the middle one is not.
#
# Now three such units that do not know of each other, $W_{\text{rec}} = w I$ with the identity $I$, one for each channel.
#
# **Predict before you run**: how many fixed points does the network of three have? How many are stable? How many have one
# unstable mode, two, three? Where do they lie, if you think of the stable ones as the corners of a cube?

# %%
w = 1.5
by_hand = mr.Network(2 * np.eye(3), w * np.eye(3), 1.16 * np.eye(3), tau=task.dt, dt=task.dt)
dynamics = fixed_points.Dynamics(by_hand.weights.W_rec, leak=by_hand.leak)
found = fixed_points.find(dynamics, rng.uniform(-1, 1, (400, 3)))
counts = np.bincount(found.unstable[found.fixed], minlength=4)
print("fixed points with 0, 1, 2, 3 unstable modes:", counts, "together", counts.sum())
assert counts.tolist() == [8, 12, 6, 1]

trials = task.conditions()
at_once = by_hand.outputs(trials.x)
waited = np.concatenate([np.zeros((wait, 8, 3)), at_once[:-wait]])  # what it says, `wait` steps later
print("right in the eight conditions:", task.right(at_once, trials).sum(), "; if it waited:", task.right(waited, trials).sum())
assert task.right(waited, trials).all()
assert not task.right(at_once, trials).any()

# %% [markdown]
# Each unit is at one of its three fixed points, so there are $3^3 = 27$ combinations. A unit in the middle gives an unstable
# mode. With $k$ units in the middle there are $\binom{3}{k} 2^{3-k}$: 8 corners, 12 midpoints of edges, 6 midpoints of faces, 1
# centre.
#
# Three units, without any training, hold the bits. But they answer at once, and the task wants the answer `wait` steps after
# the pulse began. To *wait* takes something that carries the pulse for 40 ms, and these three units have nothing of the kind.
# So we take more. Where in a larger network will the bits be? Nobody tells it to use one unit per bit.

# %% [markdown]
# ## 11.3 Fifty units, trained
#
# As in tutorial 6: the rate form with $\alpha = dt/\tau = 1$, no recurrent bias, an orthogonal start of 0.9.

# %%
seed = np.random.default_rng(4)  # of the start, the trials and their order
untrained = mr.Network.random(n_in=3, n_rec=50, n_out=3, gain=0.9, tau=task.dt, dt=task.dt, rng=seed)
adam = mr.Adam(lr=2e-3, decay=5e-4, clip=1.0)
result = mr.train(
    untrained, task, optimizer=adam, epochs=7 if FAST else 30, samples=6000, batch=64, stop_below=0.0, rng=seed, progress=False
)
network = result.network.astype("float64")
outputs = network.outputs(trials.x)
right = task.right(outputs, trials)
print(f"loss {result.history.loss[0]:.2f} -> {result.history.loss[-1]:.3f}; right in {right.sum()} of 8 conditions")
assert right.sum() >= (6 if FAST else 8)

made, axes = plots.figure(1, 2, 10.5, 3.2)
plots.history(axes[0, 0], result.history.loss, result.history.validation_distance)
t = np.arange(task.steps) * task.dt
axes[0, 1].plot(t, trials.target[:, 2, 0], "k--", lw=1.4, label="target")
axes[0, 1].plot(t, outputs[:, 2, 0], color="#0072B2", label="output")
axes[0, 1].set(xlabel="time (ms)", ylabel="target and output of A", title=f"condition {task.condition_names[2]}")
axes[0, 1].legend(loc="upper right", frameon=False)
made.get_layout_engine().set(wspace=0.08)
teaching.show(made, "11_history")

wrong = (outputs - trials.target) ** 2
jumps = np.flatnonzero(np.abs(np.diff(trials.target, axis=0)).any(axis=(1, 2))) + 1
near = np.abs(np.arange(task.steps)[:, None] - jumps).min(axis=1) <= 10
share = wrong[near].sum() / wrong.sum()
print(f"within 10 steps of a jump of the target: {share:.0%} of the squared error, {near.mean():.0%} of the steps")
assert share > 0.5

# %% [markdown]
# More of the loss is left than with AND. Most of it is around the pulses: the target jumps at an exact step, the output slides
# over, and a pulse that repeats the last one makes a bump. The rule of success (the right side of 0 in the last half of every
# hold) does not mind.
#
# ## 11.4 A cube
#
# The test is one long trial of 16 pulses, on all three channels at once, that visits each of the eight combinations twice
# (`task.cube`). A combination is a corner of a cube with coordinates $\pm 1$. Number the corners: + is 1, - is 0, and channel A
# counts 4, B 2, C 1, so that +-+ is 5.
#
# ### Exercise: corner-of-a-state (4 marks)
#
# Read the outputs from states, $z = W_{\text{out}} h + b_{\text{out}}$ (`h` is (S, N), a state per row), take their bits, and
# return the corner's number for each state.


# %% exercise="corner-of-a-state"
def corner(h, W_out, b_out):
    """The number 0 .. 7 (S,) of the corner that states h (S, N) stand for; W_out (3, N), b_out (3,)."""
    ### BEGIN SOLUTION
    bits = h @ W_out.T + b_out > 0
    return bits @ np.array([4, 2, 1])
    ### END SOLUTION


teaching.check("corner-of-a-state", corner).expect_right()

# %%
W_rec, W_out, b_out = network.weights.W_rec, network.weights.W_out, network.weights.b_out
cube = task.cube(move=200.0)
h, z = network.run(cube.x)
states = h[1:, 0]  # (T, N)
pulses = np.flatnonzero((np.abs(cube.x[1:, 0, 0]) > 0) & (cube.x[:-1, 0, 0] == 0)) + 1  # the first step of each
ends = np.append(pulses[1:], len(states)) - 1  # the last step before the next
held = corner(states[ends], W_out, b_out)
asked = (cube.target[ends, 0] > 0) @ np.array([4, 2, 1])
print("asked:", asked)
print("held: ", held)
if FAST:
    assert (held == asked).mean() > 0.8
else:
    assert np.array_equal(held, asked)

moving, holding = pca(states), pca(states[ends])
print("share of three components, all states:     ", moving.ratio[:3].sum().round(3))
print("share of three components, ends of holds:  ", holding.ratio[:3].sum().round(3))
assert holding.ratio[:3].sum() > 0.98
assert moving.ratio[:3].sum() < holding.ratio[:3].sum() - 0.05

# %% [markdown]
# At the ends of the holds nearly all variance is in three dimensions out of fifty. In between, while pulses push it around, the
# state leaves them. We look along these three, PC 1 to PC 3.

# %%
names = task.condition_names


def seen_from(ax, azimuth):
    """Labels, three ticks and a view for an Axes in three dimensions."""
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_ticks([-1, 0, 1])
        axis.labelpad = 6
    ax.set(xlabel="PC 1", ylabel="PC 2", zlabel="PC 3")
    ax.view_init(elev=18, azim=azimuth)
    ax.set_box_aspect((1, 1, 1), zoom=0.85)


def ends_by_bit(states_of, numbers):
    """The mean state where bit A, B, C is + and where it is -."""
    bits = (numbers[:, None] >> np.array([2, 1, 0])) & 1
    return [(states_of[bits[:, k] == 1].mean(axis=0), states_of[bits[:, k] == 0].mean(axis=0)) for k in range(3)]


made, axes = plots.figure(1, 1, 6.5, 6, subplot_kw={"projection": "3d"})
ax = axes[0, 0]
path, corners = project(holding, states)[:, :3], project(holding, states[ends])[:, :3]
ax.plot(*path[pulses[0] :].T, color="0.7", lw=0.7)
ax.plot(*corners.T, "o", color="#0072B2", ms=8, zorder=5)
for number in np.unique(held):
    ax.text(*(1.18 * corners[held == number].mean(axis=0)), names[number], ha="center", va="center", zorder=6)
seen_from(ax, -62)
teaching.show(made, "11_cube")

directions = np.array([(h_k[0] - h_k[1]) / 2 for h_k in ends_by_bit(states[ends], held)])  # (3, N)
rebuilt = states[ends].mean(axis=0) + (2 * (held[:, None] >> np.array([2, 1, 0]) & 1) - 1) @ directions
missed = np.linalg.norm(rebuilt - states[ends]) / np.linalg.norm(states[ends] - states[ends].mean(axis=0))
print("lengths of the three directions:", np.linalg.norm(directions, axis=1).round(2))
print(f"corners as sums of the three: wrong by {100 * missed:.1f} % of their spread")
assert missed < (0.5 if FAST else 0.2)

# %% [markdown]
# Grey: the path of the trial. Blue: where it is at the end of each hold, 16 points at 8 places, named by the outputs. It is a
# cube, turned and somewhat skew. Nobody asked for this shape: each bit got a direction of its own in the space of fifty units,
# and a corner is, nearly, the sum of three of them with signs. Three bits that are kept side by side.
#
# ## 11.5 Energy: where is it slow?
#
# Without input the equation is $\tau\, dh/dt = F(h)$ with
#
# $$F(h) = -h + \tanh(W_{\text{rec}} h) \tag{2}$$
#
# and the *energy* of Sussillo and Barak is half the squared speed,
#
# $$q(h) = \tfrac12\, |F(h)|^2 = \tfrac12 \sum_i F_i(h)^2 \tag{3}$$
#
# $q \ge 0$, and $q = 0$ at fixed points and nowhere else.
#
# ### Exercise: flow-energy (4 marks)
#
# Write (3) for many states at once, `h` (S, N).


# %% exercise="flow-energy"
def energy(h, W_rec):
    """q (S,) of the states h (S, N), without input."""
    ### BEGIN SOLUTION
    F = -h + np.tanh(h @ W_rec.T)  # (2)
    return 0.5 * (F**2).sum(axis=1)  # (3)
    ### END SOLUTION


teaching.check("flow-energy", energy).expect_right()

# %%
q = energy(states, W_rec)
t = np.arange(len(states)) * cube.dt
made, axes = plots.figure(1, 1, 9, 3.2)
ax = axes[0, 0]
ax.semilogy(t, q, color="#0072B2")
for start in pulses:
    ax.axvspan(start * cube.dt, start * cube.dt + task.pulse, color="#E69F00", alpha=0.4, lw=0)
ax.set(xlabel="time (ms)", ylabel="q", ylim=(1e-12, 30), xlim=(0, t[-1]))
teaching.show(made, "11_energy")

during = np.concatenate([q[start : start + wait] for start in pulses])
print(f"median q from a pulse to its answer {np.median(during):.2g}, at the end of a hold {np.median(q[ends]):.2g}")
assert np.median(q[ends]) < 1e-3 * np.median(during)

# %% [markdown]
# Each pulse (orange) throws the state out; then $q$ falls by orders of magnitude. The straight slope on a logarithmic axis is
# an exponential approach to something where $q = 0$.

# %% [markdown]
# ## 11.6 Fixed points
#
# Is there a fixed point at each corner? And what is between the corners? We make $q$ smaller from many starts
# (`fixed_points.find`), first from states of a few trials.

# %%
dynamics = fixed_points.Dynamics(W_rec, leak=network.leak)
few, _ = network.run(task.trials(10, rng).x)
start = fixed_points.starts(few[1:], rng, per_trial=4)
first = fixed_points.find(dynamics, start)
print(f"from {len(start)} starts: {first.fixed.sum()} fixed points")

# %% [markdown]
# ### Exercise: unstable-modes (6 marks)
#
# Now the test of stability. A step is $G(h) = (1-\alpha)\,h + \alpha \tanh(W_{\text{rec}} h)$, and near a fixed point a small
# disturbance is multiplied by $J = \partial G / \partial h$ in each step (tutorial 6). Return the number of eigenvalues of $J$
# with $|\lambda| > 1$, and the largest $|\lambda|$, for a fixed point `h` (N,).


# %% exercise="unstable-modes"
def unstable(h, W_rec, alpha):
    """(the number of modes with |lambda| > 1, the largest |lambda|) at the fixed point h (N,)."""
    ### BEGIN SOLUTION
    slopes = 1 - np.tanh(W_rec @ h) ** 2
    J = (1 - alpha) * np.eye(len(h)) + alpha * slopes[:, None] * W_rec
    size = np.abs(np.linalg.eigvals(J))
    return (size > 1).sum(), size.max()
    ### END SOLUTION


teaching.check("unstable-modes", unstable).expect_right()

# %%
alpha = float(network.leak[0])
for name, points in (("by hand", found.h[found.fixed]), ("trained", first.h[first.fixed])):
    weight = by_hand.weights.W_rec if name == "by hand" else W_rec
    numbers = np.array([unstable(point, weight, alpha)[0] for point in points])
    print(f"{name}: with 0, 1, 2, .. unstable modes {np.bincount(numbers)}")

# %% [markdown]
# ### Is the list complete?
#
# A search finds what it finds. Two things help.
#
# *Symmetry.* tanh is odd and there is no bias, so with $h$ also $-h$ is a fixed point, of the same kind.
#
# *A count.* tanh is between -1 and 1, so at the border of the box $[-1, 1]^N$ the flow $F$ points inwards. For every such flow
# whose fixed points are all simple (no eigenvalue of $J$ is 1), a theorem (Poincaré and Hopf) says
#
# $$\sum_{h^*} (-1)^{n(h^*)} = 1, \qquad n = \text{number of real eigenvalues of } J \text{ above } 1 \tag{4}$$
#
# The sum is over *all* fixed points. For the network by hand: $8 - 12 + 6 - 1 = 1$. If a list gives something else, some are
# missing. (If it gives 1, two missing ones may cancel.)


# %%
def count(points):
    """The sum (4)."""
    total = 0
    for point in points:
        lam = np.linalg.eigvals(dynamics.jacobian(point))
        total += (-1) ** int(((np.abs(lam.imag) < 1e-9) & (lam.real > 1)).sum())
    return total


print(f"sum (4): {count(first.h[first.fixed])} for the first list")
stable_ones = first.h[first.fixed & first.stable]
stable_ones = np.concatenate([stable_ones, -stable_ones])
between = np.array([(a + b) / 2 for a, b in itertools.combinations(stable_ones, 2)])  # middles of edges, faces and the cube
found = fixed_points.find(dynamics, np.concatenate([start, -start, stable_ones, between]))
points = found.h[found.fixed]
modes = np.array([unstable(point, W_rec, alpha)[0] for point in points])
print(f"sum (4): {count(points)} for {len(points)} fixed points; with 0, 1, 2, .. unstable modes: {np.bincount(modes)}")
at_corners = corner(points[modes == 0], W_out, b_out)
print("corners of the stable ones:", np.sort(at_corners))
assert count(points) == 1
assert np.bincount(modes).tolist() == [8, 12, 6, 1]
assert np.array_equal(np.sort(at_corners), np.arange(8))

# %% [markdown]
# Fifty trained units, and the same 27 fixed points as three units by hand: eight stable ones, one for each combination of bits,
# and the 12, 6 and 1 between them. A state space of fifty dimensions, and what matters in it is a cube.

# %% [markdown]
# ## 11.7 What a saddle does
#
# A fixed point with one unstable mode is a pass between two valleys: stable in all directions but one. Push the state from
# there by a little to either side of that direction and let go. **Predict**: where does it end, and by how many bits do the two
# ends differ?

# %%
saddles = points[modes == 1]
ends_of, paths = [], []
for saddle in saddles:
    lam, vectors = np.linalg.eig(dynamics.jacobian(saddle))
    way = vectors[:, np.abs(lam).argmax()].real
    both = end_states.continued(dynamics, saddle + 0.02 * np.array([[1.0], [-1.0]]) * way, 400)  # (400, 2, N)
    ends_of.append(corner(both[-1], W_out, b_out))
    paths.append(np.concatenate([both[::-1, 0], saddle[None], both[:, 1]]))
edges = np.array(ends_of)
different = np.array([bin(a ^ b).count("1") for a, b in edges])
for (a, b), bits in zip(edges, different, strict=True):
    print(f"{names[a]} and {names[b]}: {bits} bit{'s' if bits > 1 else ''} differ")
assert (different == 1).all()
assert len({frozenset(pair) for pair in edges.tolist()}) == 12

made, axes = plots.figure(1, 2, 12, 5.8, subplot_kw={"projection": "3d"})
kinds = (("o", "#0072B2", "stable"), ("D", "#D55E00", "one unstable mode"), ("s", "#E69F00", "two"), ("*", "#000000", "three"))
for ax, azimuth in zip(axes[0], (-62, -20), strict=True):
    for line in paths:
        ax.plot(*project(holding, line)[:, :3].T, color="0.55", lw=1.2)
    for number, (marker, colour, label) in enumerate(kinds):
        where = project(holding, points[modes == number])[:, :3]
        ax.plot(*where.T, marker, color=colour, ms=9 if number in (0, 3) else 6, label=label, zorder=5)
    seen_from(ax, azimuth)
axes[0, 0].legend(loc="upper left", fontsize=8, frameon=False)
teaching.show(made, "11_saddles")

# %% [markdown]
# Grey: the ways down from the twelve saddles, seen from two sides. They draw the edges of the cube. Each saddle leads to two
# corners that differ in one bit: it is the pass over which one memory changes while the others stay. A pulse has to carry the
# state over the pass; once it is beyond, the network finishes alone.
#
# ## 11.8 What if the weights are weaker, or stronger?
#
# Multiply $W_{\text{rec}}$ by a number $g$. In the network by hand bits can be kept as long as $g w > 1$. In the trained one
# the part of $w$ is played by the leading eigenvalues of $W_{\text{rec}}$, which belong to rest. **Predict** from the three
# leading ones at which $g$ the memories go.

# %%
eigenvalues = np.linalg.eigvals(W_rec)
eigenvalues = eigenvalues[np.argsort(-np.abs(eigenvalues))]
print("leading eigenvalues:", eigenvalues[:5].round(3), " sizes:", np.abs(eigenvalues[:5]).round(3))
lost = 1 / np.abs(eigenvalues[0])
print(f"below g = {lost:.3f} rest is stable")
assert (np.abs(eigenvalues[:3]) > 1).all()
assert np.abs(eigenvalues[:3].imag).max() < 0.1


def with_factor(g):
    """The fixed points of the network with g W_rec, from those that it has with g = 1."""
    scaled = fixed_points.Dynamics(g * W_rec, leak=network.leak)
    return fixed_points.find(scaled, np.concatenate([size * points for size in (0.3, 1.0, 1.5)]))


def weaker(ax, g):
    there = with_factor(g)
    for kind, marker, colour in ((~there.stable, "D", "#D55E00"), (there.stable, "o", "#0072B2")):
        plane = project(holding, there.h[there.fixed & kind])[:, :2]
        ax.plot(*plane.T, marker, color=colour, ms=7 if marker == "o" else 4)
    ax.text(0.03, 0.97, f"{(there.fixed & there.stable).sum()} stable", transform=ax.transAxes, va="top")
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="PC 1", ylabel="PC 2")


values = [0.85, 1.0, 1.2] if FAST else [0.9, 0.97, 1.0, 1.05, 1.2]
teaching.explore(weaker, values, label="g", name="11_weaker", width=2.9, height=3.0)
below = with_factor(0.95 * lost)
print(f"at g = {0.95 * lost:.3f}: {(below.fixed & below.stable).sum()} stable fixed point")
assert (below.fixed & below.stable).sum() == 1


def flips(g):
    """At each corner, with g W_rec, a pulse against each bit: how many flip that bit alone, how many change nothing."""
    there = with_factor(g)
    at = there.h[there.fixed & there.stable]
    before = corner(at, W_out, b_out)
    scaled = network.with_params(network.params._replace(W_rec=g * W_rec))
    flipped, unchanged = 0, 0
    for bit, k in ((4, 0), (2, 1), (1, 2)):
        x = np.zeros((100, len(at), 3))
        x[: round(task.pulse / task.dt), :, k] = np.where(before & bit, -1.0, 1.0)  # against the bit that is held
        states_after, _ = scaled.run(x, h0=at)
        after = corner(states_after[-1], W_out, b_out)
        flipped += (after == before ^ bit).sum()
        unchanged += (after == before).sum()
    return flipped, unchanged


for g in (1.0, 1.1, 1.2):
    print(f"g = {g:.1f}: of 24 pulses {flips(g)[0]} flip their bit and no other, {flips(g)[1]} change nothing")
assert flips(1.2)[0] < flips(1.0)[0]
assert FAST or (flips(1.0)[0] >= 20 and flips(1.2)[1] >= 12)

# %% [markdown]
# Blue: stable, red: unstable. Below the border the cube is gone: it has shrunk into rest, the only fixed point that is left.
# Above it the cube grows with $g$.
#
# Stronger is not better. From each corner we gave the pulse that should flip a bit: with the trained weights it does; with
# weights a fifth stronger most pulses change nothing. The corners are farther apart, and a pulse of the same height no
# longer carries the state over the pass. A memory has to be stable *and* to be changed; training finds the weights between.

# %% [markdown]
# ## What to conclude
#
# - The fixed points say what the network can remember: eight stable ones for three bits, and the passes between them.
# - Fifty units, three dimensions, the same 27 points as three units by hand: a trained network can be described by something
#   much smaller than itself. Here; whether elsewhere has to be found out.
# - A search needs a check of its completeness. Symmetry and the sum (4) are two.
# - $q$ tells where it is slow, the eigenvalues of $J$ what is stable. A minimum of $q$ that is not 0 is no fixed point.
#
# **If you have more time.** (a) Train for 60 epochs, from another seed: are there still 27? (4) must hold all the same. (b)
# Train with the paper's pauses, `tasks.ThreeBitFlipFlop(dt=5.0)`: which corners are fixed points now, and does the network know
# that it should remember for longer than it was ever asked to? (c) Give the network a recurrent bias (`b_rec=True`): which of
# the two checks of 11.6 is lost?
#
# ## Where to go next
#
# [12. Your own task](12_your_own_task.py). Sources: Sussillo and Barak, Neural Computation 25:626, 2013 (the task, energy,
# saddles); Jarne, arXiv 2010.07858, code in `katejarne/3-bit-FF-tutorial` (three bits with 400 units); Poincaré-Hopf theorem:
# any book on differential topology, or Strogatz, *Nonlinear Dynamics and Chaos*, section 6.8, for two dimensions.
