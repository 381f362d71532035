# %% [markdown]
# # 3. Back-propagation through time
#
# **You will**
# - derive the gradient of a network's loss by hand, equation by equation, from the last to the first;
# - write it in pieces, each checked before the next;
# - see how an error travels back in time, how far it gets, and which steps a weight's gradient is made of;
# - hold your gradient against a difference quotient and against `minirnn`, for agreement and for time.
#
# **Before**: tutorial 2; the chain rule, partial derivatives.
#
# **Minutes**: 80
#
# **Runs in** 3 s on two cores (`MINIRNN_FAST=1`: 2 s), after `minirnn warmup` has compiled the kernels once.
#
# **Marks**: error-adjoint 3, readout-adjoint 4, one-step-back 6, bptt 7.

# %%
import os
import time

import numpy as np

import minirnn as mr
from minirnn import gradient_flow, plots, tasks, teaching

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(3)
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A"

# %% [markdown]
# ## 3.1 What is asked for
#
# A network is trained by changing its weights a little, again and again, so that the loss falls. For that we need the
# derivative of the loss with respect to *each* weight: of 50 units, 2500 in `W_rec` alone. Here is all that the loss is made
# of, with the numbers of `minirnn/reference.py`:
#
# $$a_t = W_{\text{rec}} h_t + W_{\text{in}} x_t + b_{\text{rec}} \tag{2}$$
# $$r_t = \tanh(a_t) \tag{3}$$
# $$h_{t+1} = (1 - \alpha)\, h_t + \alpha\, r_t \tag{4}$$
# $$z_t = W_{\text{out}} h_{t+1} + b_{\text{out}} \tag{5}$$
# $$E = \frac{1}{M} \sum_{t, b, l} m_{tbl}\, (z_{tbl} - y_{tbl})^2, \qquad M = \sum_{t, b, l} m_{tbl} \tag{6}$$
#
# with $t$ for the step, $b$ for the trial, $l$ for the output, $y$ the target. The *mask* $m$ says where the answer counts: in
# a task where the network answers at the end, it is 0 before. It may also hold weights.
#
# One could change one weight, run the network again, and look at the loss. That is 2500 runs for one step of training. Going
# *backwards* costs as much as a few runs, whatever the number of weights. That is the whole reason for what follows.
#
# ## 3.2 The rule
#
# For any quantity $v$ on the way to the loss write
#
# $$\bar v = \frac{\partial E}{\partial v} \tag{3.1}$$
#
# (in the code `v_bar`): how much the loss changes if $v$ alone is pushed and all that comes after follows. It has the shape of
# $v$. It is also called the *adjoint* of $v$. The chain rule says:
#
# > **The adjoint of $v$ is the sum, over all the places where $v$ is used directly, of the adjoint of what is made there times
# > the derivative of that with respect to $v$.**
#
# So one starts at the loss and goes through the equations from the last to the first. An equation marked (4) has an *adjoint
# equation* (4\*). Let us do it for one unit, one trial, two steps, without biases, and with the loss $E = (z_1 - y)^2$ of
# the last output alone:
#
# | forward | | backward | |
# |---|---|---|---|
# | $a_0 = w h_0 + u x_0$ | (2) | $\bar z_1 = 2 (z_1 - y)$ | (6\*) |
# | $h_1 = (1 - \alpha) h_0 + \alpha \tanh a_0$ | (3, 4) | $\bar h_2 = c\, \bar z_1$ | (5\*) |
# | $a_1 = w h_1 + u x_1$ | (2) | $\bar a_1 = \alpha\, (1 - \tanh^2 a_1)\, \bar h_2$ | (4\*, 3\*) |
# | $h_2 = (1 - \alpha) h_1 + \alpha \tanh a_1$ | (3, 4) | $\bar h_1 = (1 - \alpha)\, \bar h_2 + w\, \bar a_1$ | (4\*, 2\*) |
# | $z_1 = c\, h_2$ | (5) | $\bar a_0 = \alpha\, (1 - \tanh^2 a_0)\, \bar h_1$ | (4\*, 3\*) |
# | $E = (z_1 - y)^2$ | (6) | $\bar w = h_1 \bar a_1 + h_0 \bar a_0$ | (2\*) |
#
# Look at $\bar h_1$: $h_1$ is used twice, in $h_2$ through the leak and in $a_1$ through the weight, so it has two terms. And
# at $\bar w$: the weight is the same in both steps, so it is used twice as well. *What is used more than once sums.*

# %%
w, u, c, step, y, start = 0.9, 0.7, 1.3, 0.4, 0.5, 0.2
inputs = (1.0, -0.5)


def two_steps(w):
    """The left column of the table: loss and everything on the way."""
    a0 = w * start + u * inputs[0]  # (2)
    h1 = (1 - step) * start + step * np.tanh(a0)  # (3), (4)
    a1 = w * h1 + u * inputs[1]  # (2)
    h2 = (1 - step) * h1 + step * np.tanh(a1)  # (3), (4)
    z1 = c * h2  # (5)
    return (z1 - y) ** 2, a0, h1, a1, z1  # (6)


loss, a0, h1, a1, z1 = two_steps(w)
z1_bar = 2 * (z1 - y)  # (6*)
h2_bar = c * z1_bar  # (5*)
a1_bar = step * (1 - np.tanh(a1) ** 2) * h2_bar  # (4*), (3*)
h1_bar = (1 - step) * h2_bar + w * a1_bar  # (4*), (2*)
a0_bar = step * (1 - np.tanh(a0) ** 2) * h1_bar  # (4*), (3*)
w_bar = h1 * a1_bar + start * a0_bar  # (2*)

eps = 1e-6
quotient = (two_steps(w + eps)[0] - two_steps(w - eps)[0]) / (2 * eps)
print(f"by hand {w_bar:.10f}, difference quotient {quotient:.10f}")
assert abs(w_bar - quotient) < 1e-9

# %% [markdown]
# Now the same for B trials, N units and T steps. As before, arrays are (time, trial, unit) and weights (to, from); one step has
# rows for trials, so that (2) reads `a = h @ W_rec.T + x @ W_in.T + b_rec`.
#
# ## 3.3 The error: (6\*)
#
# $z_{tbl}$ is used in one place, in its own square in (6).
#
# ### Exercise: error-adjoint (3 marks)
#
# Take the derivative of (6) with respect to each $z_{tbl}$. All arrays are (T, B, O).


# %% exercise="error-adjoint"
def error_adjoint(z, target, mask):
    """z_bar (T, B, O)."""
    ### BEGIN SOLUTION
    return 2 * mask * (z - target) / mask.sum()  # (6*)
    ### END SOLUTION


teaching.check("error-adjoint", error_adjoint).expect_right()

# %% [markdown]
# ## 3.4 The readout: (5\*)
#
# With all indices, (5) is $z_{tbl} = \sum_n W_{ln}\, h_{t+1, b, n} + b_l$, with $W$ for $W_{\text{out}}$. It uses three things:
#
# - $h_{t+1, b, n}$ is used in each output $l$ of that step and trial: $\;\bar h_{t+1, b, n} = \sum_l \bar z_{tbl} W_{ln}$;
# - $W_{ln}$ is used in each step and trial: $\;\bar W_{ln} = \sum_{t, b} \bar z_{tbl}\, h_{t+1, b, n}$;
# - $b_l$ likewise: $\;\bar b_l = \sum_{t, b} \bar z_{tbl}$.
#
# $h_0$ is not read, so its direct share is 0. A sum over one index of two arrays is a product of matrices:
#
# $$\bar h_{t+1} = \bar z_t W_{\text{out}}, \qquad \bar W_{\text{out}} = \sum_t \bar z_t^\top h_{t+1}, \qquad
# \bar b_{\text{out}} = \sum_{t, b} \bar z_{tb} \tag{5*}$$
#
# A rule of thumb: *the shapes decide*. From $\bar z_t$ (B, O) and $W_{\text{out}}$ (O, N) there is one product that gives (B,
# N).
#
# ### Exercise: readout-adjoint (4 marks)
#
# Write (5\*). `h` has T+1 states, and `z_bar[t]` belongs to `h[t + 1]`.


# %% exercise="readout-adjoint"
def readout_adjoint(z_bar, h, W_out):
    """h_bar (T+1, B, N), W_out_bar (O, N) and b_out_bar (O,) from z_bar (T, B, O), h (T+1, B, N) and W_out (O, N)."""
    h_bar = np.zeros_like(h)
    ### BEGIN SOLUTION
    h_bar[1:] = z_bar @ W_out  # (5*)
    W_out_bar = sum(z_bar[t].T @ h[t + 1] for t in range(len(z_bar)))  # (5*)
    b_out_bar = z_bar.sum(axis=(0, 1))  # (5*)
    ### END SOLUTION
    return h_bar, W_out_bar, b_out_bar


teaching.check("readout-adjoint", readout_adjoint).expect_right()

# %% [markdown]
# ## 3.5 One step back: (4\*), (3\*), (2\*)
#
# Now suppose $\bar h_{t+1}$ is known *completely*: all that the loss feels of $h_{t+1}$, through its output and through
# everything later. Go through a step in reverse.
#
# (4) uses $r_t$ and $h_t$. The second we keep for below; the first gives
#
# $$\bar r_t = \alpha\, \bar h_{t+1} \tag{4*}$$
#
# (3) uses $a_t$, unit by unit. $\tanh' = 1 - \tanh^2$, and $\tanh(a_t)$ is $r_t$:
#
# $$\bar a_t = (1 - r_t^2)\, \bar r_t \tag{3*}$$
#
# (2) is, with indices, $a_{bi} = \sum_j W_{ij} h_{bj} + \sum_k U_{ik} x_{bk} + b_i$, where $U = W_{\text{in}}$. It uses (2\*)
#
# - $h_{bj}$ in each $a_{bi}$: $\;\sum_i \bar a_{bi} W_{ij}$. Errors go *against* the weights: from the receiving unit $i$ to
#   the sending one $j$. Forward it was `h @ W_rec.T`; back it is a product with `W_rec` as it stands;
# - $W_{ij}$ in each trial: $\;\bar W_{ij} = \sum_b \bar a_{bi}\, h_{bj}$: the error of the receiver times the activity of the
#   sender;
# - $U_{ik}$ likewise with $x_{bk}$, and $b_i$ with 1.
#
# $h_t$ has come twice, in (4) and in (2), and is also read by the output before, $z_{t-1}$, whose share (5\*) has put into
# $\bar h_t$ already:
#
# $$\bar h_t = \underbrace{\bar z_{t-1} W_{\text{out}}}_{(5^*)} + \underbrace{(1 - \alpha)\, \bar h_{t+1}}_{(4^*)}
# + \underbrace{\bar a_t W_{\text{rec}}}_{(2^*)} \tag{3.2}$$
#
# ### Exercise: one-step-back (6 marks)
#
# From the complete `h_bar_next` $= \bar h_{t+1}$ of one step, return what comes to $\bar h_t$ through (4\*) and (2\*),
# *without* the readout's share, and what this step adds to the gradients of `W_rec`, `W_in` and `b_rec`. `h`, `r` and `x` are
# those of step t.


# %% exercise="one-step-back"
def one_step_back(h_bar_next, h, r, x, W_rec, alpha):
    """h_bar (B, N), W_rec_bar (N, N), W_in_bar (N, I), b_rec_bar (N,) from h_bar_next, h, r (B, N), x (B, I), W_rec (N, N)."""
    ### BEGIN SOLUTION
    r_bar = alpha * h_bar_next  # (4*)
    a_bar = r_bar * (1 - r**2)  # (3*)
    h_bar = (1 - alpha) * h_bar_next + a_bar @ W_rec  # (4*), (2*)
    W_rec_bar = a_bar.T @ h  # (2*)
    W_in_bar = a_bar.T @ x  # (2*)
    b_rec_bar = a_bar.sum(axis=0)  # (2*)
    ### END SOLUTION
    return h_bar, W_rec_bar, W_in_bar, b_rec_bar


teaching.check("one-step-back", one_step_back).expect_right()

# %% [markdown]
# ## 3.6 All of it
#
# The way back is a loop from the last step to the first. At its start $\bar h_T$ is complete, as nothing comes after it. Each
# turn makes $\bar h_t$ complete by adding to what the readout has put there. And $h_0$, where it is trained, is used by all
# trials: $\bar h_0$ sums over them.
#
# ### Exercise: bptt (7 marks)
#
# The forward pass is given; it keeps `h` (T+1, B, N) and `r` (T, B, N), which the way back needs: that is why training takes
# more memory than running. Use your three functions. Return the loss (6) and the gradient as
# `mr.Params(W_in, W_rec, W_out, b_rec, b_out, h0)`, each with the shape of the parameter of that name.


# %%
def forward(params, x, alpha):
    """h (T+1, B, N), r (T, B, N) and z (T, B, O)."""
    h, r = [np.broadcast_to(params.h0, (x.shape[1], len(params.W_rec)))], []
    for x_t in x:
        r.append(np.tanh(h[-1] @ params.W_rec.T + x_t @ params.W_in.T + params.b_rec))  # (2), (3)
        h.append((1 - alpha) * h[-1] + alpha * r[-1])  # (4)
    h, r = np.array(h), np.array(r)
    return h, r, h[1:] @ params.W_out.T + params.b_out  # (5)


# %% exercise="bptt"
def loss_and_gradient(params, x, target, mask, alpha):
    """The loss, a number, and its gradient, a Params."""
    h, r, z = forward(params, x, alpha)
    W_rec_bar, W_in_bar, b_rec_bar = np.zeros_like(params.W_rec), np.zeros_like(params.W_in), np.zeros_like(params.b_rec)
    ### BEGIN SOLUTION
    loss = (mask * (z - target) ** 2).sum() / mask.sum()  # (6)
    z_bar = error_adjoint(z, target, mask)
    h_bar, W_out_bar, b_out_bar = readout_adjoint(z_bar, h, params.W_out)
    for t in reversed(range(len(x))):
        back, W_rec_part, W_in_part, b_rec_part = one_step_back(h_bar[t + 1], h[t], r[t], x[t], params.W_rec, alpha)
        h_bar[t] += back  # (3.2)
        W_rec_bar += W_rec_part
        W_in_bar += W_in_part
        b_rec_bar += b_rec_part
    h0_bar = h_bar[0].sum(axis=0)
    ### END SOLUTION
    return loss, mr.Params(W_in_bar, W_rec_bar, W_out_bar, b_rec_bar, b_out_bar, h0_bar)


teaching.check_bptt(loss_and_gradient).expect_right()

# %% [markdown]
# That is back-propagation through time. Nothing in it is special to this network: any list of equations has its list of adjoint
# equations, and `minirnn/reference.py` shows both side by side, with noise, other activations and penalties.
#
# ## 3.7 How far back does an error get?
#
# Take a network of 50 units, let the *last* output alone count, and follow $\bar h_t$ back. By (3.2) each step
# multiplies it, a row, from the right by
#
# $$J_t = \frac{\partial h_{t+1}}{\partial h_t} = (1 - \alpha)\, I
# + \alpha\, \operatorname{diag}(1 - r_t^2)\, W_{\text{rec}} \tag{3.3}$$
#
# For a small state $r \approx 0$, and $J_t$ is the matrix $M$ of tutorial 2: what decides whether a disturbance is forgotten on
# its way forward decides whether an error is forgotten on its way back. **Predict before you run**: where does the gradient
# vanish, where does it explode, at gain 0.5, 1, 1.5 and 2.5?

# %%
T, B = 150, 8
alpha = 0.1
x = np.zeros((T, B, 1))
x[10:30] = rng.uniform(0.5, 1.5, (1, B, 1))  # a pulse, of another height in each trial


def network(gain):
    """Fifty units whose weights differ between gains by a factor alone."""
    return mr.Network.random(
        1, 50, 1, recurrent="normal", gain=gain, b_rec=True, tau=10.0, dt=1.0, dtype="float64", rng=np.random.default_rng(5)
    )


def way_back(params, x, target, mask, alpha):
    """The complete h_bar (T+1, B, N), and what each step adds to W_rec_bar (T, N, N), from your functions."""
    h, r, z = forward(params, x, alpha)
    h_bar, _, _ = readout_adjoint(error_adjoint(z, target, mask), h, params.W_out)
    parts = np.empty((len(x), *params.W_rec.shape))
    for t in reversed(range(len(x))):
        back, parts[t], _, _ = one_step_back(h_bar[t + 1], h[t], r[t], x[t], params.W_rec, alpha)
        h_bar[t] += back
    return h_bar, parts


last = np.zeros((T, B, 1))
last[-1] = 1.0  # the mask: the last step alone
target = np.ones((T, B, 1))


def reach(ax, gain):
    """The size of h_bar along the trial."""
    h_bar, _ = way_back(network(gain).weights, x, target, last, alpha)
    size = np.sqrt((h_bar**2).sum(axis=(1, 2)))
    ax.semilogy(size / size[-1], color=BLUE)
    ax.axhline(1, color=GREY, lw=0.8, ls=":")
    ax.set(xlabel="time t (ms)", ylim=(1e-5, 300))
    if ax.get_subplotspec().is_first_col():
        ax.set(ylabel="|h_bar| / |h_bar at the end|")


teaching.explore(reach, [0.5, 1.0, 1.5, 2.5], label="gain", name="03_reach", width=3.1, height=2.9, sharey=True)

norms = {}
for gain in (0.5, 1.0, 1.5, 2.5):
    h_bar, _ = way_back(network(gain).weights, x, target, last, alpha)
    norms[gain] = np.sqrt((h_bar[0] ** 2).sum() / (h_bar[-1] ** 2).sum())
print("what is left of the error at t = 0:", ", ".join(f"gain {g:g}: {n:.2g}" for g, n in norms.items()))
assert norms[0.5] < 1e-3 and round(norms[1.0], 2) == 0.07 and round(norms[1.5]) == 3 and round(norms[2.5]) == 26

# %% [markdown]
# Time runs from left to right, the error from right to left. At gain 0.5 it vanishes: less than a thousandth of it is left at
# the beginning, so that whatever happened there can hardly be learnt from this output. At gain 1 it is 7 %. At 1.5 and 2.5
# the error grows, 3 and 26 times, but mainly near the beginning, where the network is still close to rest: later the units
# are far from 0, and the slope $1 - r^2 < 1$ in (3.3) holds the error down. In this way tanh slows an explosion; it does
# nothing against vanishing. Pascanu, Mikolov and Bengio (arXiv 1211.5063) work out both, and what helps.
#
# ## 3.8 Which steps make the gradient?
#
# The gradient of `W_rec` is a sum over time, $\bar W_{\text{rec}} = \sum_t \bar a_t^\top h_t$: the error of a step times the
# activity in it. A step contributes where both are there. Here is the AND task of Jarne and Laje: a pulse on A, on B, on both
# or on none, from 30 to 50 ms; from 70 ms on the answer, which is to be held until the end. Every step counts. Left: the size
# of each step's contribution for an untrained network. Right, taken apart: the output of *one* step s counts (a row), and the
# picture shows what this output's error contributes at step t.

# %%
task = tasks.And()
trials = task.conditions()
net = mr.Network.random(2, 50, 1, b_rec=True, dtype="float64", rng=rng)  # orthogonal, alpha = 1: the paper's start
steps, params = trials.x.shape[0], net.weights
ones = np.ones_like(trials.target)
h_bar, parts = way_back(params, trials.x.astype(float), trials.target, ones, 1.0)
contribution = np.sqrt((parts**2).sum(axis=(1, 2)))

every = 20 if FAST else 4
rows = np.arange(every - 1, steps, every)
apart = np.zeros((len(rows), steps))
for k, s in enumerate(rows):
    mask = np.zeros_like(ones)
    mask[s] = 1.0
    _, one = way_back(params, trials.x.astype(float), trials.target, mask, 1.0)
    apart[k] = np.sqrt((one**2).sum(axis=(1, 2)))

made, axes = plots.figure(1, 2, 9.6, 3.5)
ax = axes[0, 0]
ax.plot(contribution, color=BLUE)
on = np.flatnonzero(trials.x.any(axis=(1, 2)))
ax.axvspan(on[0], on[-1] + 1, color="0.9", lw=0, zorder=-1, label="pulses")
ax.set(xlabel="time t (ms)", ylabel="|contribution to W_rec_bar|", title="all outputs count", ylim=(0, None))
ax.legend(frameon=False)
ax = axes[0, 1]
shown = np.where(apart > 0, np.log10(np.maximum(apart, 1e-12)), np.nan)
image = ax.pcolormesh(np.arange(steps), rows, shown, vmin=np.nanmax(shown) - 3, shading="nearest", rasterized=True)
ax.set(xlabel="contributes at time t (ms)", ylabel="output counts at s (ms)", title="one output counts", ylim=(0, steps))
made.colorbar(image, ax=ax, label="log10 |contribution|")
teaching.show(made, "03_contributions")

flat = apart[-1, 60] / apart[-1, 180]
print(f"the last output's error: contribution at 60 ms / at 180 ms = {flat:.2f}")
assert 0.8 < flat < 1.25 and 40 <= contribution.argmax() <= 60  # the pulse ends at 50 ms
after = np.arange(steps)[None, :] > rows[:, None]
assert (apart[after] == 0).all() and (contribution[: on[0] + 1] == 0).all()
assert np.allclose(parts.sum(axis=0), loss_and_gradient(params, trials.x.astype(float), trials.target, ones, 1.0)[1].W_rec)

# %% [markdown]
# Left: before the pulse nothing contributes. The errors do arrive there, but the units are at 0, and error times 0 is 0. The
# largest contributions come from the end of the pulse, when the units are active and the errors of all later outputs have added
# up; towards the end of the trial fewer and fewer outputs lie ahead.
#
# Right: an output can be blamed on earlier steps alone, hence the triangle. The brightness of a row is the error of that
# output. Within a row it hardly changes from the end of the pulse to s: this network, orthogonal at gain 1, carries an error
# over a hundred steps nearly undiminished.
#
# The package takes $\bar h_t$ apart into the three terms of (3.2), in `minirnn.gradient_flow`:

# %%
flow = gradient_flow.flow(net, trials)
yours = np.sqrt((h_bar**2).sum(axis=(1, 2)))
made, axes = plots.figure(1, 2, 9, 3.2, sharey=True)
plots.gradient_flow(axes[0, 0], *flow)
axes[0, 0].set(title="alpha = 1")
leaky = mr.Network(*params, tau=10.0)
slow = gradient_flow.flow(leaky, trials)
plots.gradient_flow(axes[0, 1], *slow)
axes[0, 1].set(title="alpha = 0.1, the same weights", ylabel="")
teaching.show(made, "03_flow")
apart_by = np.abs(yours - flow.total).max() / flow.total.max()
print(f"largest relative difference of |h_bar|: {apart_by:.1e}")
assert apart_by < 1e-12 and (flow.leak == 0).all() and 5 < slow.leak[100] / slow.recurrent[100] < 15

# %% [markdown]
# Black is all that reaches $h_t$. Orange is its own output's error, largest from 70 ms on, when the answer is due. At
# $\alpha = 1$ there is no leak, and all that comes from later steps comes through `W_rec`. At $\alpha = 0.1$ most of it comes
# through the leak, and the share of `W_rec` is about a tenth of it: the same weights act ten times as slowly, forward and back.
#
# ## 3.9 Is it right, and is it fast?
#
# Your gradient was checked on small random networks. Now on one of the paper's size: against a difference quotient along one
# random direction $d$ of all weights together,
# $(E(\theta + \varepsilon d) - E(\theta - \varepsilon d)) / 2\varepsilon \approx \bar\theta \cdot d$, and against the compiled
# kernels of `minirnn`.

# %%
batch = task.trials(16 if FAST else 64, rng)
x, target = batch.x.astype(float), batch.target.astype(float)
mask = np.ones_like(target)
net = mr.Network.random(2, 50, 1, b_rec=True, dtype="float64", train_h0=True, rng=rng)
loss, gradient = loss_and_gradient(net.params, x, target, mask, 1.0)
package_loss, package = net.loss_and_gradient(batch)

direction = [rng.standard_normal(p.shape) for p in net.params]
eps = 1e-5
shifted = [mr.Params(*[p + s * eps * d for p, d in zip(net.params, direction, strict=True)]) for s in (1, -1)]
up, down = (loss_and_gradient(p, x, target, mask, 1.0)[0] for p in shifted)
quotient = (up - down) / (2 * eps)
along = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True))
print(f"along a random direction: yours {along:.9f}, difference quotient {quotient:.9f}")
assert abs(along - quotient) < 1e-6 * abs(along) + 1e-9

for name, mine, theirs in zip(mr.Params._fields, gradient, package, strict=True):
    apart_by = np.abs(mine - theirs).max() / np.abs(theirs).max()
    print(f"{name:6s} {mine.shape!s:9s} differs by {apart_by:.0e}")
    assert apart_by < 1e-11
assert abs(loss - package_loss) < 1e-12


def milliseconds(function, *arguments):
    """The best of a few calls, in ms."""
    taken = []
    for _ in range(3 if FAST else 15):
        begin = time.perf_counter()
        function(*arguments)
        taken.append(time.perf_counter() - begin)
    return 1000 * min(taken)


single = net.astype("float32")
times = {
    "forward pass alone": milliseconds(forward, net.params, x, 1.0),
    "your gradient": milliseconds(loss_and_gradient, net.params, x, target, mask, 1.0),
    "minirnn, float64": milliseconds(net.loss_and_gradient, batch),
    "minirnn, float32": milliseconds(single.loss_and_gradient, batch),
}
for name, taken in times.items():
    print(f"{name:18s} {taken:6.1f} ms")
runs = times["your gradient"] / times["forward pass alone"]
print(f"your gradient costs {runs:.1f} forward passes; one by one the parameters would take {sum(p.size for p in net.params)}")

# %% [markdown]
# The quotient agrees to six digits, as well as such a quotient can; `minirnn` agrees to rounding. Compare the printed times:
# your gradient costs a few forward passes, not thousands. `minirnn` does the same arithmetic in a compiled kernel that reuses
# its memory and takes the weights' gradients as one product each, outside the loop over time; float32 halves the bytes to be
# moved. None of this changes the equations: the kernel's lines carry the same numbers (`minirnn/kernels/dynamics.py`), and a
# test holds them against the plain reference.

# %% [markdown]
# ## What to conclude
#
# - The gradient of all weights costs a few forward passes: go through the equations from the last to the first, and note for
#   each quantity what the loss feels of it.
# - What is used more than once sums: a state in its leak, its weights and its output; a weight in every step and trial.
# - Errors travel against the weights, along `W_rec` as it stands, times the slope of tanh; they vanish or explode as
#   disturbances do.
# - A step contributes to a weight's gradient the error of the receiver times the activity of the sender.
#
# **If you have more time.** (a) Add noise $n_t$ to (2): which adjoint lines change? (b) Derive the adjoint of the current form,
# (2c) to (4c), and check it with `teaching.check_bptt(.., form="current")`. (c) Where in (3.2) would you cut to look back k
# steps only, and what would the gradient lose? (`minirnn.gradient_flow.truncation_bias`)
#
# ## Where to go next
#
# [Tutorial 4](04_is_my_gradient_right.py) asks how to find out that a gradient is wrong.
#
# Sources: Jarne and Laje, arXiv 1906.01094, eqs. 3-5 (the model); Werbos, Proc. IEEE 78:1550 (1990), back-propagation through
# time; Pascanu, Mikolov and Bengio, arXiv 1211.5063 (vanishing and exploding gradients).
