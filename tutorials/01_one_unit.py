# %% [markdown]
# # 1. One unit
#
# **You will**
# - turn a differential equation into a line of code by Euler's method, and say what that line does to the time constant;
# - see why the step `dt` is part of the model and not a detail;
# - find out when one unit with a connection to itself forgets, remembers or alternates;
# - add noise so that its size does not depend on `dt`;
# - write the step of a whole network, with which the next tutorial begins.
#
# **Before**: Python and NumPy; derivatives, the exponential function, products of matrices, the variance. No tutorial.
#
# **Minutes**: 60
#
# **Runs in** 2 s on two cores (`MINIRNN_FAST=1`: 2 s).
#
# **Marks**: euler-unit 3, effective-tau 4, multiplier 4, noisy-unit 4, step 5.

# %%
import os

import numpy as np

from minirnn import plots, teaching

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(1)

# %% [markdown]
# ## 1.1 A unit that relaxes
#
# A unit has a state $h$, its activity. Left alone it forgets; driven, it goes to what drives it:
#
# $$\tau \frac{dh}{dt} = -h + r \tag{1}$$
#
# $r$ is the *drive*, what the unit receives, and $\tau$ its *time constant* in ms. For a constant drive the solution is known:
#
# $$h(t) = r + (h(0) - r)\, e^{-t/\tau} \tag{2}$$
#
# After one $\tau$ the unit has gone 63 % of the way. In a network $r$ depends on the states of other units, and no such
# formula exists. So we go in small steps: over a time $dt$ the right-hand side of (1) hardly changes, and $h$ changes by
# about $dt$ times the derivative. From here on an index $t$ counts steps:
#
# $$h_{t+1} = h_t + \alpha\,(r_t - h_t), \qquad \alpha = dt / \tau \tag{3}$$
#
# This is Euler's method. The papers that this course follows use no other, and the networks of `minirnn` are trained with it
# (line (4) of `minirnn/reference.py`).
#
# ### Exercise: euler-unit (3 marks)
#
# Write (3). `h`, `drive` and `alpha` are numbers.


# %% exercise="euler-unit"
def euler(h, drive, alpha):
    """The state one step later."""
    ### BEGIN SOLUTION
    return h + alpha * (drive - h)  # (3)
    ### END SOLUTION


teaching.check("euler-unit", euler).expect_right()

# %% [markdown]
# Now let the unit receive a pulse, $r = 1$ from 10 to 40 ms, and compare with (2), put together from two pieces.


# %%
def steps_of(drive, alpha, h=0.0):
    """States from h on, one more than there are drives."""
    states = [h]
    for r in drive:
        states.append(euler(states[-1], r, alpha))
    return np.array(states)


tau = 10.0  # ms
exact_time = np.linspace(0, 80, 801)
rise = 1 - np.exp(-(exact_time - 10) / tau)  # (2) from h = 0 to r = 1
fall = (1 - np.exp(-30 / tau)) * np.exp(-(exact_time - 40) / tau)  # (2) from there to r = 0
exact = np.where(exact_time < 10, 0, np.where(exact_time < 40, rise, fall))

made, axes = plots.figure(1, 1, 7, 3)
ax = axes[0, 0]
ax.plot(exact_time, exact, color="black", label="exact (2)")
for dt, colour in ((1.0, "#0072B2"), (5.0, "#E69F00")):
    time = np.arange(0, 80 + dt, dt)
    drive = ((time[:-1] >= 10) & (time[:-1] < 40)).astype(float)
    ax.plot(time, steps_of(drive, dt / tau), "o-", ms=3, lw=1, color=colour, label=f"Euler, dt = {dt:g} ms")
ax.axvspan(10, 40, color="0.93", zorder=-1)
ax.set(xlabel="time (ms)", ylabel="h")
ax.legend(frameon=False)
teaching.show(made, "01_pulse")

# %% [markdown]
# With `dt = 1` ms, a tenth of $\tau$, the points lie nearly on the curve. With `dt = 5` ms they rise and fall too fast. Nothing
# is wrong with the code: that *is* what (3) says for $\alpha = 0.5$.

# %% [markdown]
# ## 1.2 How wrong is a step?
#
# Expand (2) after one step without a drive: $e^{-\alpha} = 1 - \alpha + \alpha^2/2 - \dots$ Euler keeps the first two terms.
# A step is wrong by about $\alpha^2/2$; to come to a time $t$ takes $t/(\alpha\tau)$ steps; together the error is
# proportional to $\alpha$:
#
# $$|h_{\text{Euler}}(t) - h(t)| \approx C\,\alpha \tag{4}$$
#
# Half the step, half the error: Euler is a method of *first order*.

# %%
alphas = 0.5 ** np.arange(1, 7 if FAST else 11)
errors = np.array([abs((1 - a) ** round(1 / a) - np.exp(-1)) for a in alphas])  # decay over one tau, (3) against (2)
order = np.log(errors[-2] / errors[-1]) / np.log(2)

made, axes = plots.figure(1, 1, 4.5, 3.4)
ax = axes[0, 0]
ax.loglog(alphas, errors, "o-", label="decay over one time constant")
ax.loglog(alphas, errors[-1] * alphas / alphas[-1], "--", color="0.5", label="slope 1")
ax.set(xlabel="alpha = dt / tau", ylabel="error of h(tau)")
ax.legend(frameon=False)
teaching.show(made, "01_order")
print(f"order {order:.3f}; error at alpha = 0.5: {errors[0]:.3f}")
assert abs(order - 1) < 0.05

# %% [markdown]
# ### Exercise: effective-tau (4 marks)
#
# Without a drive, (3) multiplies $h$ by $1 - \alpha$ in each step: $h_n = (1-\alpha)^n h_0$. That is an exact exponential
# too, but with another time constant:
#
# $$(1 - \alpha)^{t/dt} = e^{-t/\tau_{\text{eff}}} \tag{5}$$
#
# Solve (5) for $\tau_{\text{eff}}$, in ms, and write it as a function of the numbers $\tau$ and $dt$ (both in ms, $dt < \tau$).


# %% exercise="effective-tau"
def effective_tau(tau, dt):
    """The time constant with which the steps decay, in ms."""
    ### BEGIN SOLUTION
    return -dt / np.log(1 - dt / tau)  # (5)
    ### END SOLUTION


teaching.check("effective-tau", effective_tau).expect_right()

# %%
print(f"tau = 100 ms in steps of 20 ms: {effective_tau(100, 20):.1f} ms")
assert round(effective_tau(100, 20), 1) == 89.6

fractions = np.linspace(0.01, 0.95, 95)
made, axes = plots.figure(1, 1, 4.5, 3.2)
ax = axes[0, 0]
ax.plot(fractions, [effective_tau(1.0, fraction) for fraction in fractions])
ax.set(xlabel="alpha = dt / tau", ylabel="effective tau / tau", ylim=(0, 1.05))
teaching.show(made, "01_effective_tau")

# %% [markdown]
# A step of a fifth of $\tau$, usual in KerasCog and pycog, two packages that train such networks, makes the time constant
# 10 % shorter than $\tau$ says. A network that is trained with this step learns with these time constants: run it with another
# `dt` and it is another network. At $\alpha = 1$ the time constant is 0: the state is replaced by the drive in each step. The
# networks of Jarne and Laje (arXiv 1906.01094) are of this kind, with $dt = \tau = 1$ ms.

# %% [markdown]
# ## 1.3 Too large a step
#
# Nothing stops us from choosing $\alpha > 1$. **Predict before you run**: what does $(1-\alpha)^n$ do for $\alpha = 1.5$,
# what for $\alpha = 2.1$?


# %%
def decay(ax, alpha):
    n = np.arange(16)
    ax.plot(n, steps_of(np.zeros(15), alpha, h=1.0), "o-", ms=3)
    ax.axhline(0, color="0.7", lw=0.8)
    ax.set(xlabel="step", ylim=(-4.6, 4.6))
    if ax.get_subplotspec().is_first_col():
        ax.set_ylabel("h")


teaching.explore(decay, [0.1, 0.9, 1.0, 1.5, 2.1], label="alpha", name="01_step_too_large", width=2.2, height=2.6, sharey=True)

# %% [markdown]
# Below 1 the unit decays, at 1 it is at 0 after one step, above 1 it overshoots and changes its sign in each step, above 2 it
# explodes. It decays where $|1 - \alpha| < 1$. The equation (1) neither oscillates nor explodes for any $\tau > 0$: that is the
# method's doing.

# %% [markdown]
# ## 1.4 A unit that hears itself
#
# Let the unit drive itself through a weight $w$ and a saturating activation:
#
# $$\tau \frac{dh}{dt} = -h + \tanh(w h), \qquad h_{t+1} = h_t + \alpha\,(\tanh(w h_t) - h_t) \tag{6}$$
#
# $h = 0$ is a fixed point. What happens to a small $h$? Close to 0, $\tanh(wh) \approx wh$, and a step multiplies $h$ by the
# derivative of the next state with respect to this one. That number is called the *multiplier*:
#
# $$\mu = \left.\frac{\partial h_{t+1}}{\partial h_t}\right|_{h=0} \tag{7}$$
#
# $|\mu| < 1$: forgotten. $\mu > 1$: grows until tanh saturates. $\mu < -1$: grows with changing sign.
#
# ### Exercise: multiplier (4 marks)
#
# Take the derivative of (6) at $h = 0$ ($\tanh'(0) = 1$).


# %% exercise="multiplier"
def multiplier(w, alpha):
    """d h_next / d h at h = 0."""
    ### BEGIN SOLUTION
    return 1 + alpha * (w - 1)  # (7)
    ### END SOLUTION


teaching.check("multiplier", multiplier).expect_right()


# %%
def run_with_weight(w, alpha, h=0.1, n=40):
    """(6) for n steps."""
    states = [h]
    for _ in range(n):
        states.append(euler(states[-1], np.tanh(w * states[-1]), alpha))  # (6)
    return np.array(states)


made, axes = plots.figure(1, 3, 9.6, 2.8, sharey=True)
for ax, w in zip(axes[0], (0.5, 1.5, -1.1), strict=True):
    for alpha, colour in ((0.5, "#0072B2"), (1.0, "#E69F00")):
        label = f"alpha = {alpha:g}: mu = {multiplier(w, alpha):.2f}"
        ax.plot(run_with_weight(w, alpha), "o-", ms=2.5, lw=1, color=colour, label=label)
    ax.axhline(0, color="0.7", lw=0.8)
    ax.set(title=f"w = {w:g}", xlabel="step")
    ax.legend(loc="upper right", fontsize=8, frameon=False)
axes[0, 0].set(ylabel="h", ylim=(-1, 1.6))
teaching.show(made, "01_weight")

assert abs(run_with_weight(0.5, 1.0)[-1]) < 1e-6
assert [round(float(run_with_weight(1.5, 0.5, h=h)[-1]), 2) for h in (0.1, -0.1)] == [0.86, -0.86]
assert abs(run_with_weight(-1.1, 0.5)[-1]) < 1e-6
alternating = run_with_weight(-1.1, 1.0, n=400)[-2:]
assert abs(alternating[0]) > 0.4 and abs(alternating.sum()) < 1e-6
print(f"w = -1.1, alpha = 1 ends at {alternating[0]:+.2f}, {alternating[1]:+.2f}, ..")

# %% [markdown]
# - $w = 0.5$: forgets.
# - $w = 1.5$: goes to 0.86 and stays; from below 0 it goes to -0.86. So one unit remembers a bit. The condition, $w > 1$, does
#   not depend on $\alpha$: fixed points of the steps are those of the equation.
# - $w = -1.1$: with $\alpha = 0.5$ it forgets; with $\alpha = 1$ it alternates for ever. The equation has no such solution.
#   *Stability depends on the step.* An oscillation in a network with $dt = \tau$ may exist in its steps alone
#   ([procedures](../docs/procedures.md) shows one of a published network).

# %% [markdown]
# ## 1.5 Noise
#
# A unit that gets white noise $\xi$ obeys, in the notation of the thesis behind KerasCog (eq. 1.1) and of pycog,
#
# $$\tau \frac{dh}{dt} = -h + r + \sqrt{2\tau\sigma^2}\, \xi(t)$$
#
# How large is the kick in one step? Noise of many short intervals adds up like a random walk: its *variance* grows with time,
# so that $\xi$ adds up to $\sqrt{dt}\, n_t$ over a step, with $n_t$ normal, mean 0 and variance 1. Division by $\tau$ makes
# $\sqrt{2\tau\sigma^2}\,\sqrt{dt} / \tau = \sqrt{2\alpha}\,\sigma$ of the factors:
#
# $$h_{t+1} = h_t + \alpha\,(r_t - h_t) + \sqrt{2\alpha}\,\sigma\, n_t \tag{8}$$
#
# Taking the variance of both sides for $r = 0$, once it no longer changes, gives
#
# $$\operatorname{Var}(h) = \frac{\sigma^2}{1 - \alpha/2} \tag{9}$$
#
# ### Exercise: noisy-unit (4 marks)
#
# Write (8) for `B` independent trials: `h`, `drive` and `n` are arrays (B,). The numbers `n` are given to the function, not
# drawn in it: so a run can be repeated exactly, and its gradient can be checked.


# %% exercise="noisy-unit"
def noisy(h, drive, alpha, sigma, n):
    """The next h (B,) of B trials with noise."""
    ### BEGIN SOLUTION
    return h + alpha * (drive - h) + np.sqrt(2 * alpha) * sigma * n  # (8)
    ### END SOLUTION


teaching.check("noisy-unit", noisy).expect_right()

# %%
sigma, B = 0.3, 500 if FAST else 4000


def standard_deviation(step, alpha):
    """Over trials, after ten time constants from h = 0."""
    h = np.zeros(B)
    for _ in range(round(10 / alpha)):
        h = step(h, 0.0, alpha, sigma, rng.standard_normal(B))
    return h.std()


def as_a_drive(h, drive, alpha, sigma, n):
    """A common mistake: the noise is multiplied by alpha, as if it were a drive."""
    return h + alpha * (drive + sigma * n - h)


alphas = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
right = np.array([standard_deviation(noisy, a) for a in alphas])
wrong = np.array([standard_deviation(as_a_drive, a) for a in alphas])
fine = np.geomspace(0.01, 1, 100)


def theory(alpha):
    return sigma / np.sqrt(1 - alpha / 2)  # (9)


made, axes = plots.figure(1, 1, 5, 3.3)
ax = axes[0, 0]
ax.semilogx(fine, theory(fine), color="black", label="theory (9)")
ax.semilogx(alphas, right, "o", color="#0072B2", label="noise as in (8)")
ax.semilogx(alphas, wrong, "s", color="#E69F00", label="noise multiplied by alpha")
ax.set(xlabel="alpha = dt / tau", ylabel="standard deviation of h", ylim=(0, None))
ax.legend(frameon=False)
teaching.show(made, "01_noise")
assert np.abs(right / theory(alphas) - 1).max() < 5 / np.sqrt(2 * B)  # five standard errors of a standard deviation
assert wrong[0] < 0.1 * sigma
assert (round(theory(0.2) / sigma, 2), round(theory(1.0) / sigma, 2)) == (1.05, 1.41)

# %% [markdown]
# With (8) the standard deviation is close to $\sigma$ for small steps, 5 % above it at $\alpha = 0.2$ and 41 % at $\alpha =
# 1$, as (9) says. With the noise treated as a drive the fluctuations vanish as the step gets small: the noise averages out. A
# check of gradients (tutorial 4) sees nothing of this, for both lines have right gradients. Only (9), a known answer, tells
# them apart.

# %% [markdown]
# ## 1.6 Many units at once
#
# A network is (6) with vectors. In the *rate form* of Jarne and Laje (eqs. 3, 5), the numbers as in `minirnn/reference.py`:
#
# $$a_t = W_{\text{rec}} h_t + W_{\text{in}} x_t + b_{\text{rec}} \tag{2'}$$
# $$r_t = \tanh(a_t) \tag{3'}$$
# $$h_{t+1} = (1 - \alpha)\, h_t + \alpha\, r_t \tag{4'}$$
#
# Two conventions hold everywhere in `minirnn`. Weights are (to, from): `W_rec[i, j]` leads from unit j to unit i. Arrays of
# activity have the axes (time, trial, unit), so that at one time `h` is (B, N): B trials side by side, *a row each*.
# A product with a row is from the other side: $W h$ for a column is `h @ W.T` for rows.
#
# ### Exercise: step (5 marks)
#
# Write one step for N units, I inputs and B trials.


# %% exercise="step"
def step(h, x, W_rec, W_in, b_rec, alpha):
    """The next h (B, N) from h (B, N), x (B, I), W_rec (N, N), W_in (N, I), b_rec (N,)."""
    ### BEGIN SOLUTION
    a = h @ W_rec.T + x @ W_in.T + b_rec  # (2')
    r = np.tanh(a)  # (3')
    return (1 - alpha) * h + alpha * r  # (4')
    ### END SOLUTION


teaching.check_step(step).expect_right()

# %% [markdown]
# Thirty random units and a pulse of 20 ms: the same equation in steps of 1 ms and of 10 ms.

# %%
N, tau, length = 30, 10.0, 60.0
W_rec = rng.normal(0, 1.2 / np.sqrt(N), (N, N))
W_in, b_rec = rng.normal(0, 1, (N, 1)), np.zeros(N)

made, axes = plots.figure(1, 2, 8, 2.9, sharey=True)
ends = []
for ax, dt in zip(axes[0], (1.0, 10.0), strict=True):
    h = np.zeros((1, N))
    states = [h[0]]
    for t in np.arange(0, length, dt):
        x = np.full((1, 1), float(t < 20))
        h = step(h, x, W_rec, W_in, b_rec, dt / tau)
        states.append(h[0])
    ends.append(states[-1])
    ax.axvspan(0, 20, color="0.93", zorder=-1)
    ax.plot(np.arange(len(states)) * dt, np.array(states)[:, :8], lw=1)
    ax.set(title=f"dt = {dt:g} ms, alpha = {dt / tau:g}", xlabel="time (ms)")
axes[0, 0].set(ylabel="h of eight units")
teaching.show(made, "01_many_units")
assert np.abs(ends[0] - ends[1]).max() > 0.5

# %% [markdown]
# In small steps each unit bends towards its drive; in steps of $\tau$ it jumps to it. The weights and the pulse (grey) are
# the same, and yet some units differ by more than 0.5 at the end: these are two networks.

# %% [markdown]
# ## What to conclude
#
# - Euler's step is the model. $\alpha = dt/\tau$ decides how fast units forget, whether they alternate, and what a given
#   weight does.
# - Fixed points do not depend on $\alpha$; whether they are stable does.
# - Noise is scaled with $\sqrt{\alpha}$. A known answer, such as a variance, tests what a gradient check cannot see.
# - A bit can be kept by one unit with $w > 1$. What a network adds is the subject of the next tutorials.
#
# **If you have more time.** (a) Derive (9): write the variance of both sides of (8) with $r = 0$. (b) For which $w$ and
# $\alpha$ does (6) alternate? Draw the border in the plane of $w$ and $\alpha$. (c) What is the effective time constant of a
# unit with a weight, from (7)?
#
# ## Where to go next
#
# [2. The network](02_the_network.py).
#
# Sources: Jarne and Laje, arXiv 1906.01094, eqs. 1-5 (rate form, Euler's step); Song, Yang and Wang, PLoS Comput. Biol.
# 12:e1004792 (2016; pycog: noise and its step); KerasCog, github.com/ABAtanasov/KerasCog, and its thesis, "Dynamic Working
# Memory in Recurrent Neural Networks", eqs. 1.1-1.3.
