# %% [markdown]
# # 2. The network
#
# **You will**
# - write the forward pass of a network, from inputs to outputs, and see that it is what `minirnn` computes;
# - read off the eigenvalues of `W_rec` what a network at rest does with a small disturbance: forget, keep, turn or amplify it;
# - predict the spectrum of random weights from the size of their entries (Girko's circle), and know what an orthogonal start
#   is;
# - follow a random network from silence into chaos as its gain grows, and measure where chaos begins.
#
# **Before**: tutorial 1; eigenvalues and eigenvectors, complex numbers.
#
# **Minutes**: 75
#
# **Runs in** 25 s on two cores (`MINIRNN_FAST=1`: 3 s), after `minirnn warmup` has compiled the kernels once.
#
# **Marks**: forward-pass 7, growth 4, girko-radius 3, separation-rate 6.

# %%
import os

import numpy as np

import minirnn as mr
from minirnn import gradient_flow, initial, plots, teaching

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(2)
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A"

# %% [markdown]
# ## 2.1 From inputs to outputs
#
# Tutorial 1 ended with one step of a network. A trial is many of them, with an output after each. Equations (2) to (5) have
# the numbers of `minirnn/reference.py`; they are eqs. 3 to 5 of Jarne and Laje (arXiv 1906.01094), with biases and for any
# $\tau$ (theirs is 1 ms):
#
# $$a_t = W_{\text{rec}} h_t + W_{\text{in}} x_t + b_{\text{rec}} \tag{2}$$
# $$r_t = \tanh(a_t) \tag{3}$$
# $$h_{t+1} = (1 - \alpha)\, h_t + \alpha\, r_t \tag{4}$$
# $$z_t = W_{\text{out}} h_{t+1} + b_{\text{out}} \tag{5}$$
#
# There are T inputs $x_0 \dots x_{T-1}$, and one state more: $h_0$ is where the trial begins. The output $z_t$ is read *after*
# $x_t$ was consumed, from $h_{t+1}$. So a pulse at time t can be seen in the output at time t, not one step later.
#
# Arrays have the axes (time, trial, unit): `x` is (T, B, I), `h` (T+1, B, N), `z` (T, B, O). Weights are (to, from): `W_in` (N,
# I), `W_rec` (N, N), `W_out` (O, N).
#
# ### Exercise: forward-pass (7 marks)
#
# Write (2) to (5) for all steps. `params` has the fields `W_in`, `W_rec`, `W_out`, `b_rec` (N,), `b_out` (O,) and `h0` (N,),
# the state in which every trial begins. The inputs of step t are `x[t]`, (B, I), a row per trial.


# %% exercise="forward-pass"
def run(params, x, alpha):
    """States h (T+1, B, N) and outputs z (T, B, O) for inputs x (T, B, I)."""
    T, B, _ = x.shape
    N, O = len(params.W_rec), len(params.W_out)
    h, z = np.empty((T + 1, B, N)), np.empty((T, B, O))
    ### BEGIN SOLUTION
    h[0] = params.h0
    for t in range(T):
        a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T + params.b_rec  # (2)
        r = np.tanh(a)  # (3)
        h[t + 1] = (1 - alpha) * h[t] + alpha * r  # (4)
        z[t] = h[t + 1] @ params.W_out.T + params.b_out  # (5)
    ### END SOLUTION
    return h, z


teaching.check_run(run).expect_right()

# %% [markdown]
# The same network in `minirnn`: `mr.Network.random` draws weights, `net.run` does what you wrote. `net.weights` has the
# fields that your function wants; a bias that the network does not have is `None` there, so we ask for `b_rec`, which Jarne
# and Laje do without (`b_out` is there in any case). Biases of a new network are 0. `gain` is a factor of `W_rec`, of which
# section 2.3 tells more. One trial has a pulse, the other none.

# %%
tau, dt = 10.0, 1.0  # ms
alpha = dt / tau
net = mr.Network.random(1, 50, 1, recurrent="normal", gain=0.9, b_rec=True, tau=tau, dt=dt, dtype="float64", rng=rng)
x = np.zeros((150, 2, 1))
x[20:40, 0] = 1.0  # a pulse of 20 ms in the first trial
h, z = run(net.weights, x, alpha)
ours, theirs = (h, z), net.run(x)
apart = max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))
print(f"largest difference from net.run: {apart:.1e}")
assert apart < 1e-13
assert not h[:, 1].any() and not z[:, 1].any()

made, axes = plots.figure(1, 2, 9, 3)
time = np.arange(151) * dt
axes[0, 0].plot(time, h[:, 0, :12], lw=1)
axes[0, 0].set(xlabel="time (ms)", ylabel="h of twelve units", title="trial with a pulse")
axes[0, 1].plot(time[1:], z[:, 0, 0], color=BLUE, label="pulse")
axes[0, 1].plot(time[1:], z[:, 1, 0], color=ORANGE, label="no pulse")
axes[0, 1].set(xlabel="time (ms)", ylabel="output z", title="both trials")
axes[0, 1].legend(frameon=False)
for ax in axes[0]:
    ax.axvspan(20, 40, color="0.93", zorder=-1)
teaching.show(made, "02_pulse")

# %% [markdown]
# Your function and the package agree to rounding. During the pulse (grey) each unit goes its own way; afterwards all of them
# return to 0, some slowly, some only after crossing it. The trial without a pulse stays at 0 exactly: where bias and input
# are 0, $h = 0$ is a fixed point. How long such a network remembers a pulse is decided by `W_rec`, to which we turn.

# %% [markdown]
# ## 2.2 What the recurrent matrix does
#
# Let the network be alone, $x = 0$ and $b = 0$, and its state small. Then $\tanh(a) \approx a$, and a step is a matrix:
#
# $$h_{t+1} \approx M h_t, \qquad M = (1 - \alpha)\, I + \alpha\, W_{\text{rec}} \tag{2.1}$$
#
# Let $v$ be an eigenvector, $W_{\text{rec}} v = \lambda v$. It is an eigenvector of $M$ as well, and a step multiplies it by
#
# $$\mu = 1 - \alpha + \alpha \lambda \tag{2.2}$$
#
# which is the multiplier of tutorial 1 with $\lambda$ for the weight $w$. A state that is a sum of eigenvectors,
# $h_0 = \sum_k c_k v_k$, becomes $h_t = \sum_k c_k \mu_k^t v_k$: each part lives on its own. Only the moduli $|\mu_k|$ decide
# what grows. A complex $\mu$ turns by its angle in each step: it comes in a pair $\mu, \bar\mu$ and makes an oscillation.
#
# Two units are enough to see it. **Predict before you run**: the three matrices below have the eigenvalues $\pm 0.5$, $\pm 1$
# and $\pm 1.5 i$. Which network forgets, which one remembers, and what does it remember? Does the third one grow?

# %%
pairs = {
    "$\\lambda = \\pm 0.5$": np.array([[0.0, 0.5], [0.5, 0.0]]),
    "$\\lambda = \\pm 1$": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "$\\lambda = \\pm 1.5\\,i$": np.array([[0.0, -1.5], [1.5, 0.0]]),
}
starts = 0.1 * np.array([[1, 0.2], [-0.3, 1], [-1, -0.6], [0.5, -1.0]])
made, axes = plots.figure(1, 3, 9.6, 3.3)
for ax, (name, W) in zip(axes[0], pairs.items(), strict=True):
    for start in starts:
        M = (1 - alpha) * np.eye(2) + alpha * W  # (2.1)
        path = [start]
        for _ in range(60):
            path.append(M @ path[-1])
        path = np.array(path)
        ax.plot(*path.T, ".-", ms=3, lw=0.8, color=BLUE)
        ax.plot(*path[0], "o", mfc="white", mec=BLUE, ms=6)
        ax.plot(*path[-1], "o", color=BLUE, ms=6)
    ax.axhline(0, color="0.8", lw=0.7, zorder=-1)
    ax.axvline(0, color="0.8", lw=0.7, zorder=-1)
    ax.set(title=name, xlabel="h of unit 1", xlim=(-0.13, 0.13), ylim=(-0.13, 0.13), aspect="equal")
axes[0, 0].set(ylabel="h of unit 2")
teaching.show(made, "02_pairs")

moduli = [np.abs(1 - alpha + alpha * np.linalg.eigvals(W)).max() for W in pairs.values()]
print("largest |mu|:", ", ".join(f"{m:.3f}" for m in moduli))
assert moduli[0] < 1 and abs(moduli[1] - 1) < 1e-12 and round(moduli[2], 3) == 0.912

# %% [markdown]
# Circles are starts, discs are ends. The first network forgets. The second forgets the *difference* of its units
# ($\lambda = -1$) and keeps their *mean* ($\lambda = 1$, $\mu = 1$): its states end on a line, all of whose points are at rest.
# The third turns and comes in, although $|\lambda| = 1.5$: with $\alpha = 0.1$ the modulus of $\mu = 0.9 + 0.15\,i$ is 0.912.
# With $\alpha = 1$, $\mu = \lambda$, and the same weights would grow. What counts is $\mu$.
#
# ### Exercise: growth (4 marks)
#
# Which part of a small state is left after many steps? The one with the largest $|\mu|$. Return that number: the *spectral
# radius* of $M$ in (2.1), for a matrix `W_rec` (N, N). `np.linalg.eigvals` gives the eigenvalues of any square matrix.


# %% exercise="growth"
def growth(W_rec, alpha):
    """The largest |mu| of a step at rest, a number."""
    ### BEGIN SOLUTION
    mu = 1 - alpha + alpha * np.linalg.eigvals(W_rec)  # (2.2)
    return np.abs(mu).max()
    ### END SOLUTION


teaching.check("growth", growth).expect_right()

# %% [markdown]
# Does it hold for a network with tanh? Fifty units with random weights start from a small random state. The line is
# $|h_0|\,\mu^t$ with your $\mu$.


# %%
def alone(W_rec, h, alpha, steps):
    """States (steps + 1, N) of a network without input and bias, from the state h (N,)."""
    states = [h]
    for _ in range(steps):
        h = (1 - alpha) * h + alpha * np.tanh(W_rec @ h)  # (2) to (4)
        states.append(h)
    return np.array(states)


made, axes = plots.figure(1, 2, 8.6, 3.1)
for ax, gain in zip(axes[0], (0.8, 1.6), strict=True):
    W = initial.normal(50, gain, np.random.default_rng(4))
    size = np.linalg.norm(alone(W, initial.small_random(50, 1e-3, rng), alpha, 400), axis=1)
    mu = growth(W, alpha)
    ax.semilogy(size, color=BLUE, label="|h|")
    t = np.arange(401)
    line = size[0] * mu**t
    ax.semilogy(t[line < 30], line[line < 30], "--", color=RED, label=f"$|h_0|\\, \\mu^t$, $\\mu$ = {mu:.3f}")
    ax.set(title=f"gain {gain:g}", xlabel="step", ylabel="norm of the state")
    ax.legend(frameon=False)
    if gain < 1:
        slope = np.log(size[400] / size[200]) / 200
        print(f"gain {gain:g}: |h| is multiplied by {np.exp(slope):.4f} per step, largest |mu| {mu:.4f}")
        assert abs(slope - np.log(mu)) < 2e-3
    else:
        assert mu > 1 and 1 < size[-1] < np.sqrt(50)
teaching.show(made, "02_growth")

# %% [markdown]
# Left, the network forgets, after a while as fast as its largest $|\mu|$ says: the other parts are gone by then. Right, the
# state soon grows with $\mu$, until tanh saturates; from then on (2.1) says nothing. What such a network does is the question
# of section 2.5.

# %% [markdown]
# ## 2.3 Random weights: Girko's circle
#
# So we need eigenvalues. Random matrices have simple ones: if the entries of an $N \times N$ matrix are independent, of mean 0
# and variance $s^2$, then for large $N$ the eigenvalues fill, evenly, a disc around 0 of radius
#
# $$\rho = s \sqrt{N} \tag{2.3}$$
#
# (Girko's circular law, 1984). The distribution of the entries does not matter, their variance alone does. Weights of standard
# deviation $g/\sqrt{N}$ therefore have $\rho = g$, and $g$ is called the *gain*.
#
# ### Exercise: girko-radius (3 marks)
#
# In cortex most pairs of neurons are not connected. Let each connection be there with probability `p`; those that are there
# have mean 0 and standard deviation `std`, the others are 0. What is the variance $s^2$ of an entry, and so the radius?


# %% exercise="girko-radius"
def girko_radius(std, N, p):
    """The radius of the spectrum of a sparse random matrix."""
    ### BEGIN SOLUTION
    variance = p * std**2  # of an entry: 0 with probability 1 - p
    return np.sqrt(N * variance)  # (2.3)
    ### END SOLUTION


teaching.check("girko-radius", girko_radius).expect_right()

# %%
angle = np.linspace(0, 2 * np.pi, 4000)


def cloud(ax, W, radius, title=""):
    values = np.linalg.eigvals(W)
    ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=RED, lw=1)
    ax.plot(values.real, values.imag, ".", ms=3, color=BLUE)
    ax.set(xlabel="Re", xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal", title=title)
    return values


sizes = (25, 100, 400 if FAST else 1000)
made, axes = plots.figure(1, 5, 14, 3.1)
for ax, N in zip(axes[0], sizes, strict=False):
    values = cloud(ax, rng.normal(0, 1 / np.sqrt(N), (N, N)), girko_radius(1 / np.sqrt(N), N, 1.0), f"normal, N = {N}")
N, p = sizes[-1], 0.1
sparse = np.where(rng.random((N, N)) < p, rng.normal(0, 1 / np.sqrt(p * N), (N, N)), 0.0)
sparse_values = cloud(axes[0, 3], sparse, girko_radius(1 / np.sqrt(p * N), N, p), f"sparse, N = {N}")
rotation = initial.orthogonal(200, 1.0, rng)
ring = cloud(axes[0, 4], rotation, 1.0, "orthogonal, N = 200")
axes[0, 0].set(ylabel="Im")
teaching.show(made, "02_girko")

inside = (np.abs(values) < 0.5).mean()
print(f"largest |lambda|: normal {np.abs(values).max():.3f}, sparse {np.abs(sparse_values).max():.3f}")
print(f"within half the radius: {inside:.2f}; orthogonal: moduli differ from 1 by {np.abs(np.abs(ring) - 1).max():.0e}")
assert abs(np.abs(values).max() - 1) < 0.15 and abs(np.abs(sparse_values).max() - 1) < 0.25
assert abs(inside - 0.25) < 0.05 and np.abs(np.abs(ring) - 1).max() < 1e-12

# %% [markdown]
# The larger the network, the more evenly the disc is filled, and the sharper is its rim. A disc of half the radius has a
# quarter of the area, and holds a quarter of the eigenvalues. Sparse weights of the same variance have the same disc.
#
# The last panel is a random *orthogonal* matrix, $Q^\top Q = I$: a rotation, with or without a reflection, in N dimensions.
# It leaves every length as it is, hence $|\lambda| = 1$ for each eigenvalue: a ring instead of a disc. Its entries look like
# those of the first three, about normal with standard deviation $1/\sqrt{N}$; what differs is that they are not independent.
# Jarne and Laje train from both starts, and the orthogonal one is the default of `minirnn`.
#
# Which of these networks forgets? $|\mu| < 1$ in (2.2) means that $\lambda$ lies within the circle
#
# $$\left|\lambda - \left(1 - \frac{1}{\alpha}\right)\right| < \frac{1}{\alpha} \tag{2.4}$$
#
# (divide $|1 - \alpha + \alpha\lambda| < 1$ by $\alpha$). For $\alpha = 1$ that is the unit circle. As $\alpha$ goes to 0 the
# inside of the circle becomes the half-plane $\operatorname{Re} \lambda < 1$, the condition of the differential equation.


# %%
def stability(ax, gain):
    """Eigenvalues of 200 units and the borders (2.4) of alpha = 1 and 0.1."""
    W = initial.normal(200, gain, np.random.default_rng(3))
    for step, colour in ((1.0, ORANGE), (0.1, GREEN)):
        centre, radius = 1 - 1 / step, 1 / step
        label = f"alpha = {step:g}: |mu| up to {growth(W, step):.2f}"
        ax.plot(centre + radius * np.cos(angle), radius * np.sin(angle), color=colour, lw=1.2, label=label)
    values = np.linalg.eigvals(W)
    ax.plot(values.real, values.imag, ".", ms=3, color=BLUE)
    ax.set(xlabel="Re", ylabel="Im", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8.5, frameon=False)


teaching.explore(stability, [0.5, 0.9, 1.5], label="gain", name="02_gain", width=3.3, height=3.9)

# %% [markdown]
# The gain inflates the disc. Below 1 it lies within both borders, and the network returns to rest with either step. Above 1
# eigenvalues leave: at $\alpha = 1$ all around, at $\alpha = 0.1$ to the right alone. Those on the left, above and below grow
# at $\alpha = 1$, as oscillations of two to four steps; with the small step they decay.

# %% [markdown]
# ## 2.4 How long is a pulse remembered?
#
# Below gain 1 a state decays. In continuous time a part with a real $\lambda$ decays with the time constant
#
# $$\tau_\lambda = \frac{\tau}{1 - \lambda} \tag{2.5}$$
#
# ($\tau\, dh/dt = -h + \lambda h$), and as the disc reaches to $\lambda = g$, a random network forgets with about
# $\tau/(1 - g)$: at $g = 0.9$ ten times as slowly as one unit. This is a first answer to what recurrence is good for: *it makes
# slow networks out of fast units.* At $g = 1$ nothing seems to be forgotten.
#
# **Predict before you run**: a network with an orthogonal `W_rec`, $g = 1$ and $\alpha = 1$, the start of most networks in
# arXiv 1906.01094, has $|\mu| = 1$ for all parts. Does it remember a state for ever?

# %%
steps = 400 if FAST else 3000
start = initial.small_random(200, 0.3, rng)
made, axes = plots.figure(1, 2, 9, 3.2)
for gain, colour in ((0.5, GREEN), (0.9, ORANGE), (1.0, BLUE)):
    size = np.sqrt((alone(initial.orthogonal(200, gain, rng), start, 1.0, steps) ** 2).mean(axis=1))
    axes[0, 0].semilogy(np.where(size > 1e-8, size, np.nan), color=colour, label=f"gain {gain:g}")
    if gain == 1.0:
        axes[0, 1].loglog(np.arange(1, steps + 1), size[1:], color=colour, label="gain 1")
axes[0, 0].set(xlabel="step", ylabel="root mean square of h", xlim=(0, 400))
t = np.arange(1, steps + 1)
axes[0, 1].loglog(t, 1 / np.sqrt(2 * t + 1 / size[0] ** 2), "--", color=RED, label="(2.6)")
axes[0, 1].set(xlabel="step", ylabel="root mean square of h")
for ax in axes[0]:
    ax.legend(frameon=False)
teaching.show(made, "02_memory")

law = 1 / np.sqrt(2 * steps + 1 / size[0] ** 2)
half, quarter = (int(np.argmax(size < size[0] / part)) for part in (2, 4))
print(f"after {steps} steps: {size[-1]:.4f}, (2.6) says {law:.4f}; half is left after {half} steps, a quarter after {quarter}")
assert 17 <= half <= 25 and 85 <= quarter <= 115
assert abs(size[-1] / law - 1) < (0.1 if FAST else 0.05)

# %% [markdown]
# No: it forgets, but without a time constant. A rotation keeps the length of the state, and each tanh takes a little away:
# $\tanh(a)^2 \approx a^2 - \tfrac{2}{3} a^4$. With $s$ the mean square of the units, and with entries of a rotated vector about
# normal, so that $\langle a^4 \rangle = 3 s^2$, a step changes $s$ by $-2 s^2$. The solution of $ds/dt = -2 s^2$ is
#
# $$\sqrt{s_t} = \frac{1}{\sqrt{2t + 1/s_0}} \tag{2.6}$$
#
# the dashed line: half is lost in some twenty steps, half of the rest in some eighty more. Such a network is on the edge
# between forgetting and growing. Tutorial 3 shows what that means for its gradients.

# %% [markdown]
# ## 2.5 From silence to chaos
#
# Above gain 1 rest is unstable, and tanh keeps the states bounded. What is left is motion.


# %%
def activity(ax, gain):
    """Eight of 200 units for 600 ms, from a random state; tau = 10 ms, dt = 1 ms."""
    draws = np.random.default_rng(1)
    W = initial.normal(200, gain, draws)
    h = alone(W, initial.small_random(200, 0.5, draws), alpha, 600)
    ax.plot(np.arange(601) * dt, h[:, :8], lw=0.9)
    ax.set(xlabel="time (ms)", ylim=(-1.05, 1.05))
    if ax.get_subplotspec().is_first_col():
        ax.set_ylabel("h of eight units")


teaching.explore(activity, [0.8, 1.1, 1.5, 3.0], label="gain", name="02_activity", width=3.1, height=2.6, sharey=True)

# %% [markdown]
# Below 1 silence. At 1.1 the states creep, and in the end hardly move, but they are not at 0. At 1.5 there are slow waves, at 3
# fast ones, and no pattern comes back. Is this *chaos*? Chaos means: two copies of the network that start next to each other
# part exponentially, so that nothing can be predicted for long. Sompolinsky, Crisanti and Sommers (Phys. Rev. Lett. 61:259,
# 1988) showed that an infinitely large random network of this kind is silent for $g < 1$ and chaotic for $g > 1$. (They write
# the equation in the current form. $v = W_{\text{rec}} h$ turns one into the other.)
#
# To measure it, follow a state and a copy that was kicked by a small $\varepsilon v$, $|v| = 1$. After one step they differ by
# $\varepsilon d$. Note $|d|$, the growth in this step. Then *bring the copy back* to the distance $\varepsilon$, along the same
# direction, $v = d / |d|$, and go on. The mean of the logarithms is the largest *Lyapunov exponent*, per step:
#
# $$\Lambda = \frac{1}{n} \sum_{t=1}^{n} \log |d_t|, \qquad
# d_t = \frac{F(h_{t-1} + \varepsilon v_{t-1}) - F(h_{t-1})}{\varepsilon}, \qquad v_t = \frac{d_t}{|d_t|} \tag{2.7}$$
#
# with $F$ a step of the network (Benettin et al., Meccanica 15:9, 1980). $\Lambda > 0$ is chaos, $\Lambda < 0$ means that both
# copies end up in the same state. $\Lambda = 0$ belongs, for example, to an oscillation: a kick along it is neither forgotten
# nor amplified.
#
# ### Exercise: separation-rate (6 marks)
#
# Write (2.7). `h` and `v` are (N,), the start; `v` has length 1. A step of the network is given. Without bringing the copy back
# you would measure how far apart two states can be at all.


# %% exercise="separation-rate"
def separation_rate(W_rec, h, v, alpha, steps, eps):
    """The mean of log |d| over so many steps, a number."""

    def F(state):
        return (1 - alpha) * state + alpha * np.tanh(W_rec @ state)  # (2) to (4)

    total = 0.0
    ### BEGIN SOLUTION
    for _ in range(steps):
        d = (F(h + eps * v) - F(h)) / eps  # (2.7)
        size = np.linalg.norm(d)
        total += np.log(size)
        h, v = F(h), d / size
    return total / steps
    ### END SOLUTION


teaching.check("separation-rate", separation_rate).expect_right()

# %% [markdown]
# Now for many gains: three networks each of 50 and of 400 units. The rate is divided by $\alpha$, so that it is per time
# constant. Below gain 1 we know the answer: at rest a step multiplies by your `growth`, so that $\Lambda = \log \mu$.

# %%
gains = [0.6, 0.9, 1.2, 2.0, 3.0] if FAST else [0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0]
gains = np.array(gains)
networks, steps = (2, 400) if FAST else (3, 2000)
sizes = (50, 200) if FAST else (50, 400)
rates, at_rest = np.empty((2, 2, networks, len(gains)))
for row, N in enumerate(sizes):
    for k in range(networks):
        for column, gain in enumerate(gains):
            draws = np.random.default_rng(k)
            W = initial.normal(N, gain, draws)
            settled = alone(W, initial.small_random(N, 0.5, draws), alpha, steps // 3)[-1]
            v = draws.standard_normal(N)
            rates[row, k, column] = separation_rate(W, settled, v / np.linalg.norm(v), alpha, steps, 1e-6) / alpha
            at_rest[row, k, column] = np.log(growth(W, alpha)) / alpha

made, axes = plots.figure(1, 2, 9.4, 3.5, sharey=True)
for ax, N, found, rest in zip(axes[0], sizes, rates, at_rest, strict=True):
    ax.plot(gains, rest.T, "--", color=GREY, lw=1, label=None)
    ax.plot(gains, found.T, "o-", ms=4, lw=1, color=BLUE)
    ax.plot([], [], "--", color=GREY, label="of the state at rest, log(growth)")
    ax.plot([], [], "o-", color=BLUE, label="measured, a line per network")
    ax.axhline(0, color="0.6", lw=0.8)
    ax.axvline(1, color="0.6", lw=0.8, ls=":")
    ax.set(xlabel="gain", title=f"N = {N}", ylim=(-0.6, 0.5))
axes[0, 0].set(ylabel="separation rate (per tau)")
axes[0, 1].legend(loc="lower right", fontsize=8.5, frameon=False)
teaching.show(made, "02_chaos")

quiet, wild = gains < 0.95, gains == 3.0
print(
    "at gain 3:",
    "; ".join(f"N = {N}: {', '.join(f'{r:.2f}' for r in found[:, -1])}" for N, found in zip(sizes, rates, strict=True)),
)
assert (rates[:, :, quiet] < 0).all() and np.abs(rates - at_rest)[:, :, quiet].max() < (0.12 if FAST else 0.03)
assert (rates[1][:, wild] > 0.05).all() and (FAST or (rates[0][:, gains == 2.0] < 0.03).all())

N, length = (100, 150) if FAST else (100, 2000)
one = mr.Network(np.zeros((N, 1)), initial.normal(N, 3.0, np.random.default_rng(0)), np.zeros((1, N)), tau=tau, dt=dt)
h = alone(one.weights.W_rec, initial.small_random(N, 0.5, rng), alpha, 1000)[-1]
v = rng.standard_normal(N)
package = gradient_flow.lyapunov_exponents(one, np.zeros((length, 1, 1)), h0=h)[0] / alpha
yours = separation_rate(one.weights.W_rec, h, v / np.linalg.norm(v), alpha, length, 1e-6) / alpha
print(f"one network: yours {yours:.3f}, minirnn.gradient_flow.lyapunov_exponents {package:.3f}")
assert abs(yours - package) < (0.2 if FAST else 0.02)

# %% [markdown]
# Below gain 1 both sizes do what the eigenvalues say: they return to rest, faster the smaller the gain. At 1 the measured rate
# leaves the line of the state at rest, which is no longer where the network is. The large networks do as the theory says: a
# rate near 0 just above 1, then positive and growing. The small ones differ from one to the next, and none of the three is
# clearly chaotic even at gain 2: they are in a fixed point (rate below 0) or in an oscillation (rate 0). "Chaos above gain 1"
# is a statement about large networks.
#
# The package measures the same with exact derivatives instead of a kick, and for all exponents at once
# (`minirnn.gradient_flow.lyapunov_exponents`).

# %% [markdown]
# ## What to conclude
#
# - A network is four lines per step. The output at time t already contains the input at time t.
# - At rest each eigenvector of `W_rec` lives on its own, multiplied by $\mu = 1 - \alpha + \alpha\lambda$ per step. Its modulus
#   says whether it is forgotten, its angle whether it oscillates.
# - Independent random weights have eigenvalues in a disc of radius $s\sqrt{N}$; orthogonal ones on a ring.
# - Below gain 1 a network is silent, and the slower the closer to 1. Above it, a large one is chaotic. Jarne and Laje
#   train from gain 1, the border.
#
# **If you have more time.** (a) What does a bias, or noise in the input, do to silence? (b) At $\alpha = 1$, which gain makes
# an orthogonal network chaotic? (c) Weights with a mean $m \ne 0$ have one more eigenvalue, near $mN$: why? Tutorial 8 needs
# it.
#
# ## Where to go next
#
# [3. Back-propagation through time](03_bptt.py): the gradient of a loss with respect to all these weights.
#
# Sources: Jarne and Laje, arXiv 1906.01094, eqs. 1-5; Girko, Theory Probab. Appl. 29:694 (1985; Russian original 1984);
# Sompolinsky, Crisanti and Sommers, Phys. Rev. Lett. 61:259 (1988); Benettin, Galgani, Giorgilli and Strelcyn, Meccanica 15:9
# (1980).
