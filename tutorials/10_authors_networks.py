# %% [markdown]
# # 10. The authors' networks
#
# **You will**
# - open a trained network that its authors published, from the arrays that Keras stored;
# - convert it, and find the mistakes that no shape warns you of: a square matrix, an index, an order;
# - reproduce numbers that the authors printed in a figure, to the last digit;
# - learn what such an agreement shows, and what it does not.
#
# **Before**: [2. The network](02_the_network.py), [6. Train AND, and look inside](06_train_and_look_inside.py).
#
# **Minutes**: 60
#
# **Runs in** 8 s on two cores, 4 s with the authors' file (`MINIRNN_FAST=1`: 5 s).
#
# **Marks**: keras-to-minirnn 5, simple-rnn 6, distance-to-target 4, held-answer 5.

# %%
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import minirnn as mr
from minirnn import plots, tasks, teaching
from minirnn.analysis import spectra, weights

FAST = os.environ.get("MINIRNN_FAST") == "1"
rng = np.random.default_rng(0)

# %% [markdown]
# ## 10.1 Get the file
#
# The networks of Jarne and Laje (arXiv 1906.01094) are in the public repository `katejarne/RNN_study_with_keras` on GitHub, in
# `code_paper_rep/Networks_and_files/networks`. We take one of their AND networks, number 14 with an orthogonal start:
#
#     AND/And_con_ruido_orto_#14/aca/and_weights-19.hdf5
#
# A figure of the authors (repository `katejarne/RRN_dynamics`, "and 14 ortho") shows the same network with numbers in its
# legend: something to compare with.
#
# Put the file into a folder and name the folder in the environment variable `MINIRNN_AUTHORS`, or put it into
# `../shared/author_networks`, seen from the folder that holds `minirnn`. Reading it needs `h5py` (`pip install
# "minirnn[keras]"`). The name's 19 is an index trap of its own: Keras 2.0 counted epochs from 0, so this is the network after
# *20* epochs.
#
# Without the file you need not stop: a network is trained here, written in Keras' shapes, and opened in the same way. Then the
# printed numbers are not yours, and everything else holds.

# %%
given = os.environ.get("MINIRNN_AUTHORS")
folder = Path(given) if given else Path(mr.__file__).resolve().parents[2] / "shared" / "author_networks"
NAMES = ("kernel", "recurrent_kernel", "dense_kernel", "dense_bias")


def from_hdf5(path):
    """Keras' arrays by name. A full-model file holds them below model_weights, in a group per layer."""
    import h5py

    arrays = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            print("   ", name, item.shape)
            last = name.split("/")[-1].removesuffix(":0")  # dense_15/dense_15/kernel:0
            arrays[("dense_" if "dense" in name else "") + last] = item[()]

    with h5py.File(path) as file:
        file["model_weights"].visititems(keep)
    return arrays


def stand_in(path):
    """Train a network on AND, and write it as Keras would shape it."""
    net = mr.Network.random(n_in=2, n_rec=50, n_out=1, recurrent="orthogonal", gain=0.9, rng=rng)
    adam = mr.Adam(lr=5e-4, decay=5e-4, clip=1.0)
    w = mr.train(net, tasks.And(), optimizer=adam, epochs=3 if FAST else 8, rng=rng, progress=False).network.weights
    arrays = (w.W_in.T, w.W_rec.T, w.W_out.T, w.b_out)
    np.savez(path, **dict(zip(NAMES, arrays, strict=True)))


places = (folder / "and_weights-19.hdf5", folder / "keras" / "and_n50_ortho_14_keras206.hdf5")
hdf5 = [path for path in places if path.is_file()]
npz = folder / "and_n50_ortho_14.npz"  # the same arrays with the axes of minirnn
if hdf5 and find_spec("h5py"):
    source, keras = "the authors' AND network 14", from_hdf5(hdf5[0])
elif npz.is_file():
    w = mr.Network.load(npz).weights
    source, keras = "the authors' AND network 14", dict(zip(NAMES, (w.W_in.T, w.W_rec.T, w.W_out.T, w.b_out), strict=True))
else:
    with tempfile.TemporaryDirectory() as temporary:
        stand_in(Path(temporary) / "and.npz")
        with np.load(Path(temporary) / "and.npz") as file:
            source, keras = "a network trained here", {name: file[name] for name in NAMES}
AUTHORS = source.startswith("the authors")
kernel, recurrent_kernel, dense_kernel, dense_bias = (keras[name].astype(np.float64) for name in NAMES)
print(f"{source}:", {name: keras[name].shape for name in NAMES})
N = len(recurrent_kernel)

# %% [markdown]
# No array `bias` in the recurrent layer: these networks have none.
#
# ## 10.2 Two conventions
#
# Keras writes states as *rows*, and so its formulas have the weights on the right:
#
# $$h_t = \tanh(x_t K + h_{t-1} U), \qquad h_{-1} = 0 \tag{1}$$
# $$z_t = h_t D + c \tag{2}$$
#
# with `kernel` $K$ (I, N), `recurrent_kernel` $U$ (N, N), `dense_kernel` $D$ (N, O) and `dense_bias` $c$ (O). In $h_{t-1} U$
# the first index of $U$ is the unit that *sends*. `minirnn`, and the paper's own equation 3, write $W h$ for columns: the first
# index is the unit that *receives*. So
#
# $$W_{\text{in}} = K^T, \qquad W_{\text{rec}} = U^T, \qquad W_{\text{out}} = D^T \tag{3}$$
#
# ### Exercise: keras-to-minirnn (5 marks)
#
# Write (3).


# %% exercise="keras-to-minirnn"
def from_keras(kernel, recurrent_kernel, dense_kernel):
    """(W_in (N, I), W_rec (N, N), W_out (O, N)) of Keras' (I, N), (N, N), (N, O)."""
    ### BEGIN SOLUTION
    return kernel.T, recurrent_kernel.T, dense_kernel.T  # (3)
    ### END SOLUTION


teaching.check("keras-to-minirnn", from_keras).expect_right()

# %%
W_in, W_rec, W_out = from_keras(kernel, recurrent_kernel, dense_kernel)
network = mr.Network(W_in, W_rec, W_out, b_out=dense_bias)
half_converted = mr.Network(W_in, W_rec.T, W_out, b_out=dense_bias)  # the square one forgotten
print(network)

task = tasks.And(onset=60, tail=140)  # the times of the authors' figure: T = 240
trials = task.conditions()
names = task.condition_names
COLOURS = ("#E69F00", "#009E73", "#56B4E9", "#000000")
made, axes = plots.figure(1, 2, 10, 3.2, sharey=True)
for ax, net, title in zip(axes[0], (network, half_converted), ("converted", "W_rec not transposed"), strict=True):
    for b, colour in enumerate(COLOURS):
        ax.plot(net.outputs(trials.x)[:, b, 0], color=colour, label=names[b])
    ax.set(title=title, xlabel="time (ms)")
axes[0, 0].set_ylabel("output")
axes[0, 0].legend(frameon=False)
teaching.show(made, "10_transposed")

eigenvalues = [np.sort_complex(np.linalg.eigvals(matrix)) for matrix in (W_rec, W_rec.T)]
print("largest difference between their eigenvalues:", np.abs(eigenvalues[0] - eigenvalues[1]).max())
assert np.abs(np.sort(np.abs(eigenvalues[0])) - np.sort(np.abs(eigenvalues[1]))).max() < 1e-9
assert tasks.success(network.outputs(trials.x), trials, task)
assert not tasks.success(half_converted.outputs(trials.x), trials, task)

# %% [markdown]
# A matrix and its transpose have the same shape, the same entries, the same eigenvalues, the same singular values. The spectrum
# of a paper comes out right with the wrong matrix. What tells them apart is running the network on its task. (Before training
# $U$ is orthogonal, and its transpose is even its inverse: without tanh the network would run backwards.)
#
# ## 10.3 Which state is read?
#
# A conversion is best tested by a second way that shares nothing with it. Run the layer in Keras' own convention, from (1)
# and (2), and compare.
#
# ### Exercise: simple-rnn (6 marks)
#
# Keras also puts the trial first: `x` is (B, T, I), `z` (B, T, O). Start from $h = 0$; $z_t$ is read from the state that *has
# seen* $x_t$.


# %% exercise="simple-rnn"
def simple_rnn(kernel, recurrent_kernel, dense_kernel, dense_bias, x):
    """Outputs z (B, T, O) of Keras' SimpleRNN (tanh, no bias) and Dense for inputs x (B, T, I)."""
    ### BEGIN SOLUTION
    h = np.zeros((len(x), len(recurrent_kernel)))
    z = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent_kernel)  # (1)
        z.append(h @ dense_kernel + dense_bias)  # (2)
    return np.stack(z, axis=1)
    ### END SOLUTION


teaching.check("simple-rnn", simple_rnn).expect_right()

# %%
as_keras = simple_rnn(kernel, recurrent_kernel, dense_kernel, dense_bias, trials.x.swapaxes(0, 1).astype(np.float64))
h, z = network.run(trials.x)  # (T+1, B, N), (T, B, O)
print("two ways, largest difference:", np.abs(as_keras.swapaxes(0, 1) - z).max())
assert np.abs(as_keras.swapaxes(0, 1) - z).max() < 1e-10

# %% [markdown]
# Equal to rounding. Now the index: `h` of `minirnn` has T + 1 states, `h[0]` the start, so the state that has seen `x[t]` is
# `h[t + 1]`. With `h[t]` the output is one step late, which no picture shows: one step in 240. To see it we need a number.
#
# ## 10.4 The authors' numbers
#
# The legend of the authors' figure gives for each condition the *distance* of output and target, the Euclidean norm over all
# steps (and outputs):
#
# $$d = \Big( \sum_{t} \sum_{o} (z_{to} - y_{to})^2 \Big)^{1/2} \tag{4}$$
#
# It is not divided by the length of the trial: a constant error of 0.1 over 240 steps gives $0.1 \sqrt{240} = 1.5$. The paper
# calls $d < 1$ good and $d > 1.5$ destroyed.
#
# ### Exercise: distance-to-target (4 marks)
#
# One number per trial, for `z` and `target` (T, B, O).


# %% exercise="distance-to-target"
def distance(z, target):
    """(B,) the norm (4) of z - target, both (T, B, O)."""
    ### BEGIN SOLUTION
    return np.sqrt(((z - target) ** 2).sum(axis=(0, 2)))  # (4)
    ### END SOLUTION


teaching.check("distance-to-target", distance).expect_right()

# %%
PRINTED = {"00": 0.0384, "10": 0.4668, "01": 0.3604, "11": 1.2293}  # the authors call 10 "A only" and 01 "B only"
late = h[:-1] @ network.weights.W_out.T + network.weights.b_out  # read from h[t]
found, found_late = distance(z, trials.target), distance(late, trials.target)
print("          printed    here   read a step late")
for name, d, other in zip(names, found, found_late, strict=True):
    print(f"{name:>6} {PRINTED[name] if AUTHORS else '-':>10} {d:8.4f} {other:10.4f}")
if AUTHORS:
    assert np.abs(found - [PRINTED[name] for name in names]).max() < 5e-5  # all four printed digits
    assert (found_late <= found).all()
    assert round(found_late[3], 3) == 1.148

# %% [markdown]
# With the authors' file, all four numbers agree in all four digits. That is strong: the weights, the orientation, the times of
# the task, the order of inputs and the index must all be right at once.
#
# Look at the last column. Read one step late, the distance of condition 11 is *smaller*, 1.148: the output begins to rise
# before the target does, and the mistake makes up for that. **A better number is not a sign of a right program.** Only the
# equality is.
#
# Two more traps of order, each of which permutes the table: the authors' programs count conditions 00, A, B, both in one place
# and 00, 11, 10, 01 in another (their damage tables); and channel 0 is A here, but "reset" in their flip-flop.

# %%
titles = [f"{name}:  d = {d:.4f}" for name, d in zip(names, found, strict=True)]
teaching.show(plots.conditions(trials.x, trials.target, z, titles, names=task.input_names), "10_conditions")

# %% [markdown]
# ## 10.5 Does it work?
#
# Distances do not say whether an answer is right. The paper counts "successful" networks (Table 6) but does not define success.
# The rule of `minirnn` asks, without noise, for two things of every condition:
#
# - in the *last half* of the answer, which begins at step `start`, the output is on the right side of 0.5 in at least 95 % of
#   the steps;
# - the mean of $d$ over conditions is below $1.5\sqrt{T/200}$.
#
# ### Exercise: held-answer (5 marks)
#
# The share of steps on the right side, for each trial. The answer lasts from `start` to the end, T; its last half begins at
# `start + (T - start) // 2`. "On the right side": the output is above 0.5 where the target is, and not above where it is not.


# %% exercise="held-answer"
def share_right(z, target, start):
    """(B,) the share of the last half of the answer in which z is on the target's side of 0.5; z, target (T, B, 1)."""
    ### BEGIN SOLUTION
    half = start + (len(z) - start) // 2
    right = (z[half:] > 0.5) == (target[half:] > 0.5)
    return right.mean(axis=(0, 2))
    ### END SOLUTION


teaching.check("held-answer", share_right).expect_right()

# %%
start = task.answer_start
limit = 1.5 * np.sqrt(task.steps / 200)
success = bool((share_right(z, trials.target, start) >= 0.95).all() and found.mean() < limit)
print(f"mean distance {found.mean():.3f}, limit {limit:.3f}: success {success}")
assert success == tasks.success(z, trials, task)
assert success


def outputs_with_noise(ax, noise):
    x = np.repeat(trials.x, 10, axis=1)
    x = x + noise * np.random.default_rng(4).standard_normal(x.shape)
    out = network.outputs(x)[:, :, 0]
    for b, colour in enumerate(COLOURS):
        ax.plot(out[:, 10 * b : 10 * b + 10], color=colour, lw=0.6)
    ax.axhline(0.5, color="0.6", lw=0.8, ls=":")
    ax.set(xlabel="time (ms)", ylabel="output", ylim=(-1.2, 1.6))


teaching.explore(outputs_with_noise, [0.0, 0.1, 0.3, 1.0], label="input noise", name="10_noise", width=3.3, height=2.9)

noisy = tasks.And(onset=60, tail=140, input_noise_std=0.1).trials(200 if FAST else 1000, rng)
share = (share_right(network.outputs(noisy.x), noisy.target, start) >= 0.95).mean()
print(f"with the noise of training {100 * share:.1f} % of the trials are answered rightly")
assert share > 0.9

# %% [markdown]
# Ten trials each of 00 (orange), 10 (green), 01 (blue) and 11 (black). At 0.1, the noise of training, nearly all are right (of
# the authors' network about one 11 in 200 is not). With more noise the 1 is lost first, it falls back to 0; the answer 0 is the
# one that a lost network gives as well.

# %% [markdown]
# ## 10.6 What the rest of the legend says
#
# The figure also gives moments of the weights, the eigenvalue of largest real part, the complex one of largest modulus, and
# a frequency.

# %%
LEGEND = {
    "mean": 0.0017,
    "deviation": 0.1409,
    "skewness": 0.4836,
    "kurtosis": -1.2993,
    "largest Re": 1.1487,
    "frequency (Hz)": 462.83,
}
print(f"{'':>16} {'printed':>10} {'authors way':>12} {'textbook':>10}")
columns = {}
for convention in ("authors", "textbook"):
    m = weights.moments(W_rec, convention=convention)
    s = spectra.spectrum(W_rec, convention=convention)
    columns[convention] = (m.mu, m.sigma, m.skew, m.kurtosis, s.largest_real.real, s.frequency)
for row, (name, printed) in enumerate(LEGEND.items()):
    print(f"{name:>16} {printed if AUTHORS else '-':>10} {columns['authors'][row]:12.4f} {columns['textbook'][row]:10.4f}")
if AUTHORS:
    assert np.allclose(columns["authors"][:5], list(LEGEND.values())[:5], atol=5e-5)
    assert abs(columns["authors"][5] - 462.83) < 0.005
    assert round(columns["textbook"][2], 2) == 0.01
    assert round(columns["textbook"][5]) == 197

made, axes = plots.figure(1, 2, 11, 5.2)
s = spectra.spectrum(W_rec)
plots.eigenvalues(
    axes[0, 0], s.eigenvalues, outliers=s.outliers, largest_real=s.largest_real, largest_complex=s.largest_complex, title=source
)
drawn = weights.histogram(W_rec)
plots.histogram(axes[0, 1], drawn.edges, drawn.density, drawn.gaussian, title="recurrent weights")
teaching.show(made, "10_legend")

# %% [markdown]
# With the authors' file, each printed number comes out in all its digits, by the authors' way of computing. And yet three of
# them are not what they are called:
#
# - *Frequency.* The authors use $|\mathrm{Im}\,\lambda| / (2\pi\,|\mathrm{Re}\,\lambda|)$ turns per step. That takes the
#   tangent of the angle for the angle: right for small angles, but this eigenvalue turns by 71 degrees in a step, at 197 Hz and
#   not 463.
# - *Skewness, kurtosis.* They are computed from the heights of a fitted normal curve at the edges of a histogram, and not from
#   the weights. The weights themselves have a skewness of 0.01: they are as symmetric as the picture looks.
#
# Agreement shows that you compute *the same thing*. Whether it is the thing that its name says, only the formula tells.
# `minirnn` does the textbook's by default and the authors' with `convention="authors"`, so that both can be compared.

# %% [markdown]
# ## What to conclude
#
# - Test a conversion by running the task, and by a second way that shares no code with it. Shapes and spectra do not see a
#   transpose.
# - An index that is off by one changes the third digit, and may change it for the better. Compare with printed digits.
# - Write down orders: of conditions, of channels, of axes, from which number epochs count.
# - A reproduced number is one that is understood only when its formula has been read.
#
# **If you have more time.** (a) Run the network with `onset=30` and with `onset=100`: do the distances change? Why not, without
# a recurrent bias? (b) Open another network of the folder, an OR or an XOR, with `mr.Network.load`. (c) Repeat sections 6.3 and
# 6.4 of [tutorial 6](06_train_and_look_inside.py) with this network.
#
# ## Where to go next
#
# [11. The flip-flop](11_flip_flop.py). `minirnn.interop` reads Keras 2.0 to 3, PsychRNN and PyTorch, with Adam's moments where
# the file has them. Sources: Jarne and Laje, arXiv 1906.01094, with the repositories `katejarne/RNN_study_with_keras`
# (networks) and `katejarne/RRN_dynamics` (the figure); `docs/studies/success-rate.md` on Table 6.
