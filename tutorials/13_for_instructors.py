# %% [markdown]
# # 13. For instructors
#
# An appendix, without exercises: how the course can be used, how notebooks are made and graded, the answers to what was asked
# without code, what the checks say to typical mistakes, and how to add an exercise of your own. It runs, like the others:
# what it lists is read from the tutorials and from `minirnn.teaching`, so it is what you have.
#
# **Runs in** 4 s (`MINIRNN_FAST=1`: 4 s).

# %%
import importlib.util
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np

import minirnn as mr
from minirnn import gradient_flow, plots, teaching
from minirnn.teaching import Verdict, exercises
from minirnn.teaching.verdict import Draw, Exercise, Mistake, judge

# the scripts, from a script among them or from a notebook anywhere in a copy of the repository
START = Path(globals().get("__file__", Path.cwd() / "notebook")).resolve().parent
PLACES = [START, *(up / "tutorials" for up in (START, *START.parents)), Path(mr.__file__).resolve().parents[1] / "tutorials"]
FOLDER = next((place for place in PLACES if (place / "01_one_unit.py").exists()), PLACES[-1])
SCRIPTS = [path for path in sorted(FOLDER.glob("[01][0-9]_*.py")) if path.stem[:2] != "13"]
PARTS = {name: found for name, found in vars(exercises).items() if isinstance(found, ModuleType)}
ORDER = list(teaching.EXERCISES)  # that of the tutorials
MODULES = {name: found for name, found in PARTS.items() if hasattr(found, "EXERCISES")}
MODULES = dict(sorted(MODULES.items(), key=lambda item: ORDER.index(next(iter(item[1].EXERCISES)))))

# %% [markdown]
# ## 13.1 What there is
#
# Twelve tutorials of 60 to 85 minutes, each with 20 marks. A tutorial is one script, from which a student's notebook and a
# solved one are made. An exercise is a short function; its last line asks `minirnn.teaching`, which calls it with random
# arguments and says *right*, or which mistake it is, or what differs.


# %%
def head(script):
    """What the first cell of a tutorial says in bold: minutes, marks per exercise, and its title."""
    text = script.read_text().split("\n# %%")[0]
    marks = {name: int(n) for name, n in re.findall(r"([a-z][\w-]*) (\d+)", text.split("**Marks**")[-1])}
    return re.search(r"# # (.*)", text)[1], int(re.search(r"\*\*Minutes\*\*: (\d+)", text)[1]), marks


HEADS = [head(script) for script in SCRIPTS]
for title, minutes, marks in HEADS:
    print(f"{title:<46} {minutes} min   " + ", ".join(f"{name} {n}" for name, n in marks.items()))
if HEADS:
    print(f"together {sum(minutes for _, minutes, _ in HEADS) / 60:.0f} hours")
    assert all(sum(marks.values()) == 20 for _, _, marks in HEADS)
if len(HEADS) == 12:
    assert 10 < sum(minutes for _, minutes, _ in HEADS) / 60 < 17

# %% [markdown]
# The minutes are those of a student who writes the exercises and reads the rest, in our estimate; nobody has timed a class.
# Where you have a group that programs little, take one and a half times as long, and let pairs share a keyboard.
#
# ## 13.2 Plans
#
# What needs what:
#
#     1 one unit -> 2 the network -> 3 BPTT -> 4 is my gradient right -> 5 Adam -> 6 train and look inside
#     3, 5 -> 7 vanishing and exploding           1, 2, 3 -> 8 Dale's law and noise
#     6 -> 10 the authors' networks               6 -> 11 the flip-flop
#     2, 6 -> 9 damage and ensembles -> 12 your own task
#
# **Twelve weeks**, one session of 90 minutes and about as much at home:
#
# | week | tutorial | in class | at home |
# |---|---|---|---|
# | 1 | 1 | Euler by hand on the board, 1.1 to 1.3 | noise, the step of a network |
# | 2 | 2 | forward pass, eigenvalues of two units | the circle, chaos |
# | 3 | 3 | the derivation on the board, line by line | the code, held against `check_bptt` |
# | 4 | 4 | central differences, complex step | dot products; one mistake of your own planted and found |
# | 5 | 5 | descent, momentum, Adam | Keras' form, decay, clipping |
# | 6 | 6 | training, PCA | eigenvalues, fixed points |
# | 7 | 7 | products of Jacobians | leak, memory; *hand in 1 to 6* |
# | 8 | 8 | the side of Dale's law | noise and its scaling |
# | 9 | 9 | damage; one network or all | intervals; each student trains five (`mr.ensemble(.., seed=..)`), the class pools them |
# | 10 | 10 or 11 | one half of the class each | each half tells the other what it found |
# | 11 | 12 | a task of one's own: the arrays and the checks | training, and why it fails |
# | 12 | 12 | talks of five minutes: a task, a network, one figure, one interval | *hand in 7 to 12 and the task* |
#
# **Six weeks**, two sessions each: 1 and 2; 3 and 4; 5 and 6; 7, and 8 or 11; 9 and 10; 12 with a project. Leave out of the
# first reading: 2.5 (chaos), 4.8 and 4.9, Keras' form in 5, all but 7.1 to 7.3 and 7.10 of tutorial 7.
#
# **One afternoon** (four hours): 1.1 to 1.4 and 1.6; 3 as a demonstration; 6 as a whole; 9.5 and 9.6, with the networks
# trained beforehand.
#
# A week before: `pip install ".[notebooks]" jupyterlab`, then `minirnn warmup`, which compiles the kernels once. Where
# machines are slow, set `MINIRNN_FAST=1`: every exercise and every figure stays, with fewer networks.
#
# ## 13.3 Notebooks
#
#     python tutorials/build.py --out build/notebooks      # student/NAME.ipynb and solution/NAME.ipynb of all tutorials
#
# In the scripts the cell of an exercise is marked `# %% exercise="name"`, and what a student writes stands between
# `### BEGIN SOLUTION` and `### END SOLUTION`. In the student's version a line that raises NotImplementedError is there
# instead, so that a notebook that is run from the top stops at the first exercise that is not done. Cell i of one version is
# cell i of the other.
#
# **nbgrader** knows these markers, but wants the check in a cell of its own, behind the answer, with points. (A cell that is
# both answer and test is graded by hand there.) This makes such cells of a tutorial (tried with nbgrader 0.9.6:
# `generate_assignment` and `autograde` give 16 of 20 to a first tutorial whose `multiplier` is wrong):


# %%
def for_nbgrader(notebook, check, marks):
    """Split each exercise of a notebook that still has its markers: the answer, and behind it a locked cell with its points.

    check: the regular expression of the last line, `grade.CHECK`; marks: points per exercise.
    """
    cells = []
    for cell in notebook.cells:
        name = cell.metadata.get("exercise")
        if name is None:
            cells.append(cell)
            continue
        answer, test = cell.copy(), cell.copy()
        lines = [found.group(0) for found in check.finditer(cell.source)]
        answer.source, test.source = check.sub("", cell.source).rstrip(), "\n".join(lines)
        test["id"] = f"{cell['id']}-check"
        shared = {"schema_version": 3, "task": False}
        answer.metadata = {"nbgrader": {**shared, "grade": False, "solution": True, "locked": False, "grade_id": name}}
        test.metadata = {"nbgrader": {**shared, "grade": True, "solution": False, "locked": True, "grade_id": f"{name}-check"}}
        test.metadata["nbgrader"]["points"] = marks[name]
        cells += [answer, test]
    notebook.cells = cells
    return notebook


if HEADS and importlib.util.find_spec("jupytext"):
    sys.path.insert(0, str(FOLDER))
    import build
    import grade
    import nbformat

    made = for_nbgrader(build.notebook(SCRIPTS[0], lambda source: source), grade.CHECK, grade.marks_of(SCRIPTS[0]))
    nbformat.validate(nbformat.from_dict(made))
    points = [cell.metadata["nbgrader"]["points"] for cell in made.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    print(f"{SCRIPTS[0].name}: {len(points)} checks, {sum(points)} points; write it with nbformat.write(.., 'source/..')")
    assert sum(points) == 20

# %% [markdown]
# Students can read the right answer in the installed package, as they can in any text book. A mark for code that runs is a
# mark for having been there; ask for the reason in a sentence (13.5).
#
# ## 13.4 Grading
#
#     python tutorials/grade.py handed_in/*/03_bptt.ipynb > marks.jsonl
#
# A line of JSON per notebook: marks, and of each exercise what `Verdict.json()` says. Only the exercise cells are taken from
# the student, each is run in what the tutorial itself gives so far: a wrong answer does not spoil a later one, and a student
# who deleted or changed other cells, the checks among them, changes nothing. It is a student's code that runs: use a
# container, or a machine that may be lost.
#
# The same by hand, for one function:


# %%
def wrong(h, drive, alpha):
    """What is often written for Euler's step."""
    return alpha * (drive - h)


verdict = teaching.check("euler-unit", wrong)
print(verdict.json())
assert not verdict.right
assert verdict.mistake == "the change alone"

# %% [markdown]
# `right` is for the marks, `mistake` for your statistics (which one did half of the class make? start the next session with
# it), `words` for the student, `differs` for both. `mistake` is "error" where the function could not be used (its shape, a
# missing return, an array of the caller changed), "unknown" where no known mistake fits. The draws depend on the seed alone;
# another seed, `teaching.check(name, f, seed=7)`, asks with other numbers and other sizes. Whoever returns stored numbers is
# found out.
#
# ## 13.5 Marking schemes
#
# - **All or nothing**, what `grade.py` gives: full marks for a right function. Good for homework with as many tries as you
#   like: the checks are there to be used.
# - **Half for the reason**: half of the marks for the function, half for two sentences: *which mistake did the check find in
#   your first attempt, and why is it one?* Students hand in the verdict's words, too. This is the one that we would take.
# - **By the kind of mistake**, for a test without the checks, graded afterwards:


# %%
def partial_marks(verdict: Verdict, full: int) -> float:
    """Full marks; three quarters for a constant factor or a sign; half for a known mistake; a quarter for some output right."""
    if verdict.right:
        return full
    if re.search(r" (is \S+ times what it should be|has the opposite sign|is transposed)", verdict.mistake):
        return 0.75 * full
    if verdict.mistake not in ("error", "unknown"):
        return 0.5 * full
    return 0.25 * full if " right, " in verdict.words else 0.0


answers = {
    "right": lambda h, drive, alpha: h + alpha * (drive - h),
    "twice": lambda h, drive, alpha: 2 * (h + alpha * (drive - h)),
    "the change alone": wrong,
    "something else": lambda h, drive, alpha: h + np.sin(alpha) * drive,
}
for name, answer in answers.items():
    verdict = teaching.check("euler-unit", answer)
    print(f"{name:<17} {partial_marks(verdict, 4):g} of 4 ({verdict.mistake or 'right'})")
assert [partial_marks(teaching.check("euler-unit", answer), 4) for answer in answers.values()] == [4, 3, 2, 0]

# %% [markdown]
# - **The project** (tutorial 12), of 20: the task is stated so that another could write it (3); the checks of 12.4 are made
#   and shown (4); a prediction is made before training, and compared (3); success is judged by a rule that was stated
#   beforehand (3); more than one network, counts with intervals (4); one look inside that answers a question (3). No mark for
#   a low loss.
#
# ## 13.6 Typical mistakes, and what the checks say
#
# Each exercise knows some typical mistakes. What a student reads who makes one, all of them, live. (Two mistakes may return the
# same numbers on the draws of one seed, and then the first is named; so a few seeds are tried here.)


# %%
def recognised(name, mistake):
    """The verdict on a known mistake, by the first seed on which no other looks like it."""
    for seed in range(20):
        verdict = teaching.check(name, mistake.function, seed=seed)
        if verdict.mistake == mistake.name:
            return verdict
    raise AssertionError(f"{name}: {mistake.name} is called {verdict.mistake}")


known, of_tutorial = {}, {}
for module_name, module in MODULES.items():
    print(f"\n{module_name.replace('_', ' ').upper()}")
    for name, exercise in module.EXERCISES.items():
        print(f"  {name}: {exercise.asks}")
        known[name], of_tutorial[name] = 0, module_name
        for mistake in exercise.mistakes():
            verdict = recognised(name, mistake)
            told = f"{verdict.mistake}. {mistake.words}"
            print(textwrap.fill(told, 120, initial_indent="    - ", subsequent_indent="      "))
            assert mistake.words in verdict.words
            known[name] += 1
print(f"\n{len(known)} exercises with {sum(known.values())} known mistakes")
assert min(known.values()) >= 3

order = list(MODULES)
made, axes = plots.figure(1, 1, 7.6, 0.9 + 0.17 * len(known))
colours = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#8A8A8A")
for y, (name, count) in enumerate(known.items()):
    axes[0, 0].barh(y, count, color=colours[order.index(of_tutorial[name]) % len(colours)])
    axes[0, 0].text(count + 0.1, y, of_tutorial[name].replace("_", " "), va="center", fontsize=7, color="0.4")
axes[0, 0].set_yticks(range(len(known)), known, fontsize=7.5)
axes[0, 0].set(xlabel="mistakes known to the check", ylim=(len(known) - 0.4, -0.6), xlim=(0, max(known.values()) + 4))
teaching.show(made, "13_mistakes")

# %% [markdown]
# The four checks of the engine itself, `check_step`, `check_run`, `check_bptt` and `check_adam`, know more: the bugs of
# `minirnn.gallery`, each a line of the reference that reads otherwise, those of the forward pass once more with the gradient
# that belongs to them. `python -m minirnn.gallery` prints which of the usual checks sees which.
#
# ## 13.7 Where students are likely to stumble
#
# | tutorial | what | what helps |
# |---|---|---|
# | 1 | $\alpha$ is taken for a numerical detail | run the same weights with two `dt`: two networks |
# | 1 | noise times $\alpha$, not $\sqrt{\alpha}$ | the figure of 1.5; ask for the variance of a sum |
# | 2 | `W @ h` for rows; (to, from) | write two units out; sizes that differ for each axis |
# | 3 | a term of a state that is used three times is missing | draw the arrows out of $h_t$ before deriving |
# | 3 | a factor $1/B$ or $1/T$ too many | the loss is *one* number: where is the division? |
# | 4 | the smallest step is believed to be the best | the V of 4.3, before any formula |
# | 4 | a passed gradient check is believed to prove the model | 4.9: a wrong model, rightly differentiated |
# | 5 | $t$ from 0; corrected moments carried on | the first two updates by hand |
# | 6 | eigenvalues of `W_rec` are read as those of any state | they are the Jacobian at $h = 0$ alone |
# | 7 | a vanishing gradient is taken for forgetting | 7.10: the network that remembers for ever |
# | 8 | signs on rows | a unit *sends* one sign: a column |
# | 9 | draws of noise counted as networks | the two intervals of 9.7 |
# | 10 | an agreement in five digits taken for understanding | 10.6: the same number by another formula |
# | 11 | a search for fixed points is believed to be complete | the sum (4) of 11.6 |
# | 12 | one step early; an unbalanced set | 12.1, and `shortcut` |
#
# ## 13.8 Answers to what was asked without code
#
# Where a prediction is asked for, the paragraph below the figure answers. Numbers of trained networks are those of the full
# form on the machine where this was written; with another processor they may be others. The rest:
#
# **1.** (a) Variance of both sides of (8) with $r = 0$: $V = (1-\alpha)^2 V + 2\alpha\sigma^2$, so $V\,(2\alpha - \alpha^2) =
# 2\alpha\sigma^2$, which is (9). (b) Where $\mu < -1$: $w < 1 - 2/\alpha$; at $\alpha = 1$ below $-1$, at $\alpha = 0.5$ below
# $-3$. (c) $\mu^{t/dt} = e^{-t/\tau_{\text{eff}}}$ gives $\tau_{\text{eff}} = -dt/\ln\mu$ for $0 < \mu < 1$, about
# $\tau/(1-w)$ for small $\alpha$.
#
# **2.** (a) Both end it: with a bias the state at rest is another one, with $h \ne 0$; noise in the input keeps the network
# moving about it. (b) Any above 1, as far as we tried, though at first hardly so: see the cell below. With 200 units the
# largest exponent is 0.005 per step at a gain of 1.1, 0.016 at 1.2 and 0.064 at 1.5. Compare with the leaky network of 2.5.
# (c) $m\,\mathbf 1 \mathbf 1^\top$ has the eigenvector $\mathbf 1$ with the eigenvalue $mN$, all others 0; where $mN$ is far
# outside the circle the random part moves it little.

# %%
rng = np.random.default_rng(13)
for gain in (0.9, 1.1, 1.5):
    net = mr.Network.random(1, 50, 1, recurrent="orthogonal", gain=gain, dtype="float64", rng=rng)
    x, start = np.zeros((600, 1, 1)), rng.uniform(-1, 1, 50)
    largest = gradient_flow.lyapunov_exponents(net, x, h0=start, settle=200)[0]
    print(f"orthogonal, alpha = 1, gain {gain}: largest exponent {largest:+.3f} per step")
    assert (largest > 0) == (gain > 1)

# %% [markdown]
# **3.** (a) None: $n_t$ is added, its derivative is 1, and it is no parameter; only the states at which the slopes are taken
# are others. (b) With $r_t = \tanh h_t$ and $h_{t+1} = (1-\alpha) h_t + \alpha a_t$: $\bar a_t = \alpha \bar h_{t+1}$, $\bar
# r_t = \bar a_t W_{\text{rec}}$ and the share of the output, $\bar h_t = (1-\alpha)\bar h_{t+1} + (1 - r_t^2)\,\bar r_t$,
# $\bar W_{\text{rec}} = \sum_t \bar a_t^\top r_t$. (c) Both terms that come from $\bar h_{t+1}$, at every k-th step. All that
# a weight does to outputs further ahead is lost from its gradient: that is a bias, not noise, which more trials do not mend.
#
# **4.** (a) $L''/2 = 2\epsilon L/d^2$, $d = 2\sqrt{\epsilon\,|L|/|L''|}$. (b) $\tfrac43 D(d/2) - \tfrac13 D(d)$ for the
# central difference $D$: the error falls as $d^4$. (c) One that is right at $u = 0$ alone, whatever $v$ and $w$: a slope taken
# at the wrong place where both places coincide for $h = 0$, as "slope at h" does: $\tanh'(0) = \tanh'(W 0)$.
#
# **5.** (a) and (c): the cell below. (b) $m = g$, $v = g^2$: the step is $\eta\,g/(|g| + \epsilon)$, the sign of the gradient.

# %%
roots = np.sqrt([1.0, 30.0])
lr, momentum = 4 / roots.sum() ** 2, ((roots[1] - roots[0]) / roots.sum()) ** 2
theta, m = np.array([-4.0, 1.0]), np.zeros(2)
for _ in range(40):
    m = momentum * m - lr * np.array([1.0, 30.0]) * theta  # (12) of tutorial 5
    theta = theta + m
print(f"Polyak: eta = {lr:.4f}, mu = {momentum:.3f}; after 40 updates |theta| = {np.linalg.norm(theta):.1e}")
assert np.linalg.norm(theta) < 1e-3

m = v = 0.0
steps = []
for t in range(1, 20001):
    g = float(t % 100 == 0)
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    steps.append(m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8))
print(f"Adam: {steps[-1]:.2f} lr at the update with a gradient, {sum(steps[-100:]):.1f} lr in a hundred")
assert 0.9 < steps[-1] < 1.1
assert 9 < sum(steps[-100:]) < 11

# %% [markdown]
# So rare gradients get whole steps: a gradient that is there once in a hundred updates moves the weight by nearly ten times
# $\eta$ per hundred updates, where one that is always there moves it by a hundred.
#
# **6.** What if: with $-x$ all states turn their sign, and $z - b_{\text{out}}$ too (there is no recurrent bias, and tanh is
# odd). (a) Seeds differ: whether one pulse ends in a loop, a fixed point or at rest is a question for [a study of
# many](../docs/studies/inner-states.md). (b) Ours rests after 00 and after 11, and ends in a fixed point with output 1.01
# after 10 and after 01. No eigenvalue lies outside 1.02, rest is stable, and there are two saddles with outputs of about $\pm
# 0.66$. In [compare-tasks](../docs/studies/compare-tasks.md), with the same settings and more trials, 7 of 10 XOR networks
# rest after no pulse and after two and end in fixed points after one; 2 more end in a fixed point after two as well. (c) The
# multipliers at rest shrink by 0.9, and all three that were outside the circle come in (the largest from 1.097 to 0.988): rest
# is stable and the only fixed point left, and the answer to 11 is down to 0.02 at 200 ms. At 0.95 everything is still there,
# but the 1 has become 0.68.
#
# **7.** (a) $|1 - \alpha + \alpha\lambda| \le 1 - \alpha + \alpha|\lambda| < 1$ for $0 < \alpha \le 1$. (b) Those that keep
# the length of the error that comes back, at each step that counts: it asks for $|b_t| = |g_{t+1}|$. (c) Log the trial with
# two pulses alone; at rest, which is unstable, the flow of the others explodes. `FlowLog` keeps the growth over all 300 steps,
# the figure of 7.10 has $dh_{300}/dh_{100}$; both rise and fall. The latter is at most 0.003, 0.07, 0.35, 0.04, 0.03, 0.009,
# 0.003 and 0.002 after epochs 1 to 8. After the first epoch one pulse and two end at the same output, 0.7: that state is
# stable already, but it is no answer. After the second the answers are there. They are barely held at first (epoch 3), and the
# firmer the state becomes, the less is left of a small change.
#
# **8.** (a) Both make zeros. A rectified weight that has become 0 gets no gradient and stays; a projected one is put back to 0
# as often as it wants to cross, and comes back when its gradient turns. Of 2500 weights 1098 (rectifier), 268 (projection) and
# none (modulus) are 0 after 60 epochs with noise. (b) With a share $p$ of the connections the mean is $p\,m$, and $\lambda^* =
# p\,m\,N(2f - 1)$. (c) The gradient has a share that fits the weights to this one course, which the mean over trials does not
# average away. The next batch has another course: nothing of it lasts, the gradient is only noisier.
#
# **9.** (a) The interval must lie within 1/1.5 to 1.5. Its lower end has to move from $\ln(0.60/0.97) = -0.48$ to above
# $\ln(0.667/0.97) = -0.37$; widths go as $1/\sqrt n$, so about $9\,(0.48/0.37)^2 \approx 15$ networks *that succeed*, if the
# ratio stays where it is. (b) In how many networks is there such a pair? Do those without it fail? What happens when the pair
# is pushed inside, and when another pair is? (c) Right for what successful networks bear; wrong for how often they succeed:
# the number of tries is then what is random, and a binomial interval for a fixed number does not apply.
#
# If you have more time: (a) $P(X \ge n \mid p) = p^n = 0.025$. (b) Cannot be told with the eight networks of 9.5 that start
# with a gain of 1: at 14 % seven of them are hurt more (sign test, p = 0.07), at 26 % four. (c) About 11 of each kind and task
# reach 80 %, if all seven tasks have 85 and 65 %: that is 77 networks of each kind, hardly fewer than the 80 of one task
# alone.
#
# **10.** (a) Hardly: without bias the network rests at 0 until the first pulse, whenever it comes; a longer silence adds only
# what `b_out` differs from the target by. For onsets of 30, 60 and 100 the authors' network has 0.0360, 0.0384 and 0.0415 on
# 00, and 1.2292, 1.2293 and 1.2294 on 11. (b) is for looking. (c) Their AND #14 has three real eigenvalues outside 1.02
# (1.149, 1.102 and 1.028); it rests after 00 and ends in a fixed point in the three other conditions.
#
# **11.** (a) There may be more points, or fewer: seed 5 with 60 epochs has 27 again, of which 8, 12, 6 and 1 have 0, 1, 2 and
# 3 unstable modes. The sum (4) is 1 whenever the list is complete. (b) All eight conditions are right, but only `---` and
# `+++` are stable fixed points. After 10 s without input each corner has drifted to one of these two, and bit C alone decides
# to which. The network remembers for as long as it was asked to. (c) The symmetry: with a bias $-h$ is no fixed point. The
# count holds all the same.
#
# **12.** (a) As small as you like: `z[t]` has read `x[t]`, and one step of a pulse of height 1 in noise of 0.1 tells A from B
# nearly always. One step *earlier* it could not be known; the best output there is 1/2, with a squared error of 1/4 at that
# step. (b) "Same seed, same trials". (c) No: $-x$ is then no trial of the task, and A A and B B are not each other's
# negatives.
#
# If you have more time: (a) With `jitter=200.0` and 40 epochs three networks of three are right on 99 % or more of the trials
# at delays from 50 to 400 ms, and two of them up to 600 ms. A delay of 0, for which none was trained, remains worse (67 to 84
# %). (b) Three networks of three learn it without a bias. (c) is open.
#
# ## 13.9 Add an exercise
#
# An exercise is an `Exercise`: what it asks, the names of what it returns, how arguments are drawn, the right function, and
# typical mistakes. As an example the *participation ratio* of eigenvalues of a covariance, a measure of dimension:
# $(\sum_k \lambda_k)^2 / \sum_k \lambda_k^2$.


# %%
def _variances(rng):
    """Sizes and values at random, so that two mistakes do not agree by chance; and factors that an answer may be off by."""
    K = int(rng.integers(3, 8))
    return Draw((rng.uniform(0.2, 3.0, K),), {"K": K})


participation = Exercise(
    "participation_ratio(variances) -> a number, from variances (K,)",
    ("ratio",),
    _variances,
    lambda v: v.sum() ** 2 / (v**2).sum(),
    lambda: [
        Mistake("the square is missing", "Which sum is squared as a whole?", lambda v: v.sum() / (v**2).sum()),
        Mistake("upside down", "For equal variances it should be K. What do you get?", lambda v: (v**2).sum() / v.sum() ** 2),
        Mistake("the root of it", "Nothing asks for a root.", lambda v: v.sum() / np.sqrt((v**2).sum())),
        Mistake("squares of squares", "The eigenvalues are variances already.", lambda v: (v**2).sum() ** 2 / (v**4).sum()),
    ],
)
for name, answer in {
    "right": lambda v: v.sum() ** 2 / np.square(v).sum(),
    "a mistake it knows": lambda v: np.sum(v**2) ** 2 / np.sum(v**4),
    "a factor": lambda v: v.mean() * v.sum() / (v**2).sum(),
    "a shape": lambda v: v**2 / (v**2).sum(),
}.items():
    print(f"{name}: {judge('participation-ratio', participation, answer)}\n")
assert judge("participation-ratio", participation, participation.right).right
for mistake in participation.mistakes():
    assert judge("participation-ratio", participation, mistake.function).mistake == mistake.name

# %% [markdown]
# Then:
#
# 1. Put it into `minirnn/teaching/exercises/NAME.py`, NAME being that of the tutorial, as an entry of `EXERCISES`. Names are
#    unique over all tutorials, and say what is computed. Where the package has the function, let `right` call it.
# 2. In the tutorial: a cell of text that asks (shapes, marks), and a cell `# %% exercise="participation-ratio"` with the
#    function, the markers, and `teaching.check("participation-ratio", f).expect_right()` as its last line. Use the function in
#    the next cell.
# 3. A wrong answer or three into `tests/tutorial_mistakes.py`. The tests then run each stub, each solution and each wrong
#    answer, and hold every mistake against every seed: a mistake that equals the right answer, or another mistake, is found.
#
# Words of a mistake ask or point; they do not give the line. Think of what you would say across the table.
#
# ## 13.10 When something is wrong with us
#
# A right answer that is called wrong, a mistake that many make and no check knows, a sentence that nobody understands: these
# are what to report first. A mistake takes five lines to add.
