"""The mistakes of the gallery, each one line of a shipped module. Numbers in brackets are those of `minirnn.reference`."""

from typing import NamedTuple

TASKS = "tasks.logic"


class Bug(NamedTuple):
    """A mistake: in the module minirnn.`room` the line `line` (stripped; it must occur exactly once) reads `wrong` instead."""

    name: str
    room: str
    line: str
    wrong: str
    story: str


def _bugs(room: str, *entries: tuple[str, str, str, str]) -> tuple[Bug, ...]:
    return tuple(Bug(name, room, line, wrong, story) for name, line, wrong, story in entries)


_CURRENT = "a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T  # (2)"
_EULER = "h[t + 1] = (1 - model.leak) * h[t] + model.gain * r[t]  # (4)"
_ERROR = "return (m * e).sum() / count(m, output, reduction)  # (6)"
_ERROR_ADJOINT = "return 2 * m * (z - target) / M  # (6*)"
_NOISE = "a = a + noise[t]  # (2)"
_READOUT_ADJOINT = "rates_bar[1:] = q_bar @ params.W_out  # (5*)"
_ANSWER = 'target = played(answers, condition, start + steps(self, "pulse") + steps(self, "gap"))'
_DELAY = 'x, target = self._noiseless(condition, jittered(rng, steps(self, "jitter"), n))'

FORWARD = _bugs(
    "reference",
    ("leak dropped", _EULER, "h[t + 1] = h[t] + model.gain * r[t]", "The state integrates its drive and never forgets."),
    ("gain dropped", _EULER, "h[t + 1] = (1 - model.leak) * h[t] + r[t]", "The drive is not multiplied with the step."),
    ("gain squared", _EULER, "h[t + 1] = (1 - model.leak) * h[t] + model.gain * model.gain * r[t]", "The step is applied twice."),
    (
        "leak and gain exchanged", _EULER, "h[t + 1] = (1 - model.gain) * h[t] + model.leak * r[t]",
        "Where they are equal it does not matter.",
    ),
    ("W_rec transposed", _CURRENT, "a = h[t] @ params.W_rec + x[t] @ params.W_in.T", "Weights are read (from, to)."),
    ("input one step late", _CURRENT, "a = h[t] @ params.W_rec.T + x[t - 1] @ params.W_in.T", "x[-1] wraps to the trial's end."),
    (
        "state one step late", _CURRENT, "a = h[max(t - 1, 0)] @ params.W_rec.T + x[t] @ params.W_in.T",
        "The recurrent current comes from the state before the last.",
    ),
    ("bias dropped", "a = a + params.b_rec  # (2)", "pass", "The recurrent bias is trained but never acts."),
    ("noise dropped", _NOISE, "pass", "The state noise is drawn but never acts."),
    ("noise one step late", _NOISE, "a = a + noise[t - 1]", "Each step has the noise of the step before."),
    ("noise frozen", _NOISE, "a = a + noise[0]", "Every step has the noise of the first."),
    ("noise times gain", _NOISE, "a = a + model.gain * noise[t]", "The noise is scaled by the step, which (4) does already."),
    (
        "noise after phi", "r[t] = phi(a, model.phi)  # (3)",
        "r[t] = phi(a, model.phi) if noise is None else phi(a - noise[t], model.phi) + noise[t]",
        "The noise is added to the drive.",
    ),
    ("initial state ignored", "h[0] = h0", "h[0] = 0 * h0", "Every trial starts at 0 whatever h0 says."),
    ("sigmoid too steep", "return 0.5 + 0.5 * np.tanh(0.5 * a)", "return 0.5 + 0.5 * np.tanh(a)", "The half inside is forgotten."),
    ("readout before input", "q = rates[1:] @ params.W_out.T  # (5)", "q = rates[:-1] @ params.W_out.T", "z_t is read from h_t."),
    (
        "readout bias dropped", "return q if params.b_out is None else q + params.b_out  # (5)", "return q",
        "The output bias is trained but never acts.",
    ),
    ("mask dropped", _ERROR, "return e.sum() / count(m, output, reduction)", "Steps that should not count do."),
    ("mean over all entries", _ERROR, "return (m * e).sum() / m.size", "The mask does not set the count."),
    ("mask squared", "difference = q - target", "difference = m * (q - target)", "The mask acts three times; 0 and 1 hide it."),
    ("target late", "difference = q - target", "difference = q - np.roll(target, 1, axis=0)", "z_t is held against target_{t-1}."),
    ("mask on the wrong side", "difference = q - target", "difference = m * q - target", "The target counts where it should not."),
    ("targets shuffled", "difference = q - target", "difference = q - target[:, ::-1]", "A trial has the target of another."),
    ("rates with h_0", "active = rates[1:]", "active = rates", "The initial state counts as activity."),
    (
        "rate penalty per step", "R = rate_penalty * (active * active).mean()  # (7)",
        "R = rate_penalty * (active * active).sum() / len(active)", "The mean is taken over steps alone.",
    ),
    (
        "W_out not penalised", "Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec, params.W_out))  # (8)",
        "Q = l2 * sum((W * W).sum() for W in (params.W_in, params.W_rec))", "The readout's weights cost nothing.",
    ),
)  # fmt: skip

ADJOINT = _bugs(
    "reference",
    ("leak dropped (4*)", "h_bar[t] += (1 - model.leak) * h_bar[t + 1]  # (4*)", "pass", "Nothing flows back through the leak."),
    (
        "step's own error lost (4*)", "h_bar[t] += (1 - model.leak) * h_bar[t + 1]  # (4*)",
        "h_bar[t] = (1 - model.leak) * h_bar[t + 1]",
        "What readout and penalty put into h_bar[t] is overwritten, = for +=.",
    ),
    (
        "gain dropped (4*)", "r_bar = model.gain * h_bar[t + 1]  # (4*)", "r_bar = h_bar[t + 1]",
        "The step is missing on the way back.",
    ),
    (
        "phi' of the state (3*)", "a_bar = r_bar * phi_prime(r[t], model.phi)  # (3*)",
        "a_bar = r_bar * phi_prime(h[t + 1], model.phi)",
        "The slope is taken at h_{t+1}, which is r_t only where leak and gain are 1.",
    ),
    (
        "phi' one step early (3*)", "a_bar = r_bar * phi_prime(r[t], model.phi)  # (3*)",
        "a_bar = r_bar * phi_prime(r[t - 1], model.phi)",
        "The slope is that of the step before.",
    ),
    (
        "phi' dropped (3*)", "a_bar = r_bar * phi_prime(r[t], model.phi)  # (3*)", "a_bar = r_bar",
        "The activation is taken for linear.",
    ),
    ("tanh' without the square", "return 1 - r * r", "return 1 - r", "The slope is 1 - tanh for 1 - tanh^2."),
    ("relu' at rest", "return np.where(r > 0, 1.0, 0.0)", "return np.where(r >= 0, 1.0, 0.0)", "A silent unit passes errors on."),
    (
        "W_rec transposed (2*)", "h_bar[t] += a_bar @ params.W_rec  # (2*)", "h_bar[t] += a_bar @ params.W_rec.T",
        "Errors go along the weights' own direction, not back against it.",
    ),
    ("no flow through W_rec (2*)", "h_bar[t] += a_bar @ params.W_rec  # (2*)", "pass", "The gradient is cut at one step."),
    (
        "W_rec_bar of the next state", "W_rec_bar += a_bar.T @ h[t]  # (2*)", "W_rec_bar += a_bar.T @ h[t + 1]",
        "The product is taken with h_{t+1}, where (2) has h_t.",
    ),
    ("W_rec_bar transposed", "W_rec_bar += a_bar.T @ h[t]  # (2*)", "W_rec_bar += h[t].T @ a_bar", "It is laid out (from, to)."),
    ("W_in_bar sign", "W_in_bar += a_bar.T @ x[t]  # (2*)", "W_in_bar -= a_bar.T @ x[t]", "The loss climbs along it."),
    ("b_rec_bar not summed", "b_rec_bar += a_bar.sum(axis=0)  # (2*)", "b_rec_bar = a_bar.sum(axis=0)", "Only t = 0 counts."),
    (
        "b_rec_bar mean over trials", "b_rec_bar += a_bar.sum(axis=0)  # (2*)", "b_rec_bar += a_bar.mean(axis=0)",
        "The mean over trials is in (6*) already.",
    ),
    (
        "first step skipped", "for t in range(len(x) - 1, -1, -1):", "for t in range(len(x) - 1, 0, -1):",
        "The loop back ends one step early.",
    ),
    (
        "x_bar without phi'", "x_bar[t] = a_bar @ params.W_in  # (2*)", "x_bar[t] = r_bar @ params.W_in",
        "The gradient to the input is wrong, which no parameter's gradient needs.",
    ),
    (
        "last step lost (5*)", _READOUT_ADJOINT, "rates_bar[1:-1] = q_bar[:-1] @ params.W_out",
        "The last output sends no error back.",
    ),
    ("error one step early (5*)", _READOUT_ADJOINT, "rates_bar[:-1] = q_bar @ params.W_out", "z_t's error goes to h_t."),
    (
        "W_out_bar of the state before", 'W_out_bar = np.einsum("tbo,tbn->on", q_bar, rates[1:])  # (5*)',
        'W_out_bar = np.einsum("tbo,tbn->on", q_bar, rates[:-1])', "It takes h_t for h_{t+1}.",
    ),
    ("factor 2 dropped (6*)", _ERROR_ADJOINT, "return m * (z - target) / M", "The square's 2 is forgotten."),
    ("mean over all entries (6*)", _ERROR_ADJOINT, "return 2 * m * (z - target) / m.size", "The mask does not set the count."),
    (
        "target late (6*)", _ERROR_ADJOINT, "return 2 * m * (z - np.roll(target, 1, axis=0)) / M",
        "The error sent back is that against target_{t-1}.",
    ),
    (
        "rate penalty per step (7*)", "rates_bar[1:] += 2 * model.rate_penalty * rates[1:] / rates[1:].size  # (7*)",
        "rates_bar[1:] += 2 * model.rate_penalty * rates[1:] / len(rates[1:])", "The mean is taken over steps alone.",
    ),
    (
        "factor 2 dropped (8*)", "W_rec=W_rec_bar + 2 * model.l2 * params.W_rec,  # (8*)",
        "W_rec=W_rec_bar + model.l2 * params.W_rec,",
        "The square's 2 is forgotten.",
    ),
    (
        "h0_bar mean over trials", "h0=None if params.h0 is None else h_bar[0].sum(axis=0),",
        "h0=None if params.h0 is None else h_bar[0].mean(axis=0),", "h0 is shared by all trials: their gradients add.",
    ),
)  # fmt: skip

CURRENT = _bugs(
    "reference",
    (
        "current: noise times gain", "h[t + 1] += noise[t]  # (4c)", "h[t + 1] += model.gain * noise[t]",
        "In the current form the noise is added to the state, scaled already.",
    ),
    (
        "current: leak dropped", "h[t + 1] = (1 - model.leak) * h[t] + model.gain * a  # (4c)", "h[t + 1] = h[t] + model.gain * a",
        "The state integrates its drive and never forgets.",
    ),
    (
        "current: rate of the state before", "r[t + 1] = phi(h[t + 1], model.phi)  # (2c)", "r[t + 1] = phi(h[t], model.phi)",
        "The rates lag a step behind their currents.",
    ),
    (
        "current: state for rate", "a = r[t] @ params.W_rec.T + x[t] @ params.W_in.T  # (3c)",
        "a = h[t] @ params.W_rec.T + x[t] @ params.W_in.T", "The recurrent weights read the currents, not the rates.",
    ),
    (
        "current: phi' one step late (2c*)", "h_bar[t] = phi_prime(r[t], model.phi) * r_bar[t]  # (2c*)",
        "h_bar[t] = phi_prime(r[t + 1], model.phi) * r_bar[t]", "The slope is that of the next state.",
    ),
    (
        "current: leak through phi' (4c*)", "h_bar[t] += (1 - model.leak) * h_bar[t + 1]  # (4c*)",
        "h_bar[t] += phi_prime(r[t], model.phi) * (1 - model.leak) * h_bar[t + 1]", "The leak does not pass the activation.",
    ),
    (
        "current: gain dropped (4c*)", "a_bar = model.gain * h_bar[t + 1]  # (4c*)", "a_bar = h_bar[t + 1]",
        "The step is missing on the way back.",
    ),
    (
        "cross entropy with the square's 2", "return m * (z - target) / M  # (6*)", "return 2 * m * (z - target) / M",
        "The sigmoid's slope cancels in the cross entropy, and no 2 comes from anywhere.",
    ),
)  # fmt: skip

DALE = _bugs(
    "dale",
    (
        "sign of |V| lost (1*)", "W_bar *= np.sign(V)  # (1*), (4*)", "pass",
        "|V| is given the derivative 1: weights below 0 are pushed the wrong way.",
    ),
    (
        "Dale on the wrong axis", 'S_rec = C_rec * d if self.axis == "pre" else d[:, None] * C_rec  # (1)',
        'S_rec = C_rec * d if self.axis == "post" else d[:, None] * C_rec',
        "What a unit receives has its sign, as the thesis' eq. 2.2 does with weights (to, from).",
    ),
    (
        "diagonal Dale", 'S_rec = C_rec * d if self.axis == "pre" else d[:, None] * C_rec  # (1)', "S_rec = C_rec * np.diag(d)",
        "KerasCog's layer: entry by entry with a diagonal matrix, and all connections between units vanish.",
    ),
    (
        "rectify without its mask (1*)", "W_bar *= V > 0  # (1*), (4*)", "pass", "Weights that do not act are trained.",
    ),
    (
        "inhibitory units are read", "S_out = C_out * (d > 0) if signed and self.readout else C_out  # (3)", "S_out = C_out",
        "The readout is to take excitatory units alone.",
    ),
    (
        "projected the wrong way", "V[(V * self.S < 0) | (self.S == 0)] = 0.0  # (5)", "V[(V * self.S > 0) | (self.S == 0)] = 0.0",
        "What has the right sign is set to 0.",
    ),
)  # fmt: skip

NOISE = _bugs(
    "noise",
    (
        "noise without sqrt(dt)",
        's: Array = np.sqrt(2 * leak) * sigma if form == "current" else np.sqrt(2 / leak) * sigma  # (2), (3)',
        's = np.sqrt(2) * leak * sigma if form == "current" else 0 * leak + np.sqrt(2) * sigma',
        "Added to the state like a drive, so that it vanishes with the step.",
    ),
)  # fmt: skip

_SCALE_OF = "(lr * math.sqrt(unbias2) / unbias1, 1.0) if"
OPTIMIZER = (
    *_bugs(
        "reference",
        (
            "epsilon inside the root", "return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v  # (11) paper",
            "return theta - lr * m_hat / np.sqrt(v_hat + eps), m, v", "sqrt(v + eps) is far from sqrt(v) + eps for small v.",
        ),
        ("first moment not corrected", "m_hat = m / (1 - beta1**t)  # (9)", "m_hat = m", "The first updates are too small."),
        (
            "second moment not weighed", "v = beta2 * v + (1 - beta2) * g * g  # (10)", "v = beta2 * v + g * g",
            "The factor 1 - beta2 is missing, and the updates are too small.",
        ),
    ),
    *_bugs(
        "optimizer",
        (
            "decay one update ahead", "return optimizer.lr / (1.0 + optimizer.decay * updates)",
            "return optimizer.lr / (1.0 + optimizer.decay * (updates + 1))", "The first update is decayed already.",
        ),
        ("correction lags", "t = updates + 1", "t = max(updates, 1)", "From the second update on the correction is one behind."),
        (
            "no correction", "unbias1, unbias2 = 1.0 - optimizer.beta1**t, 1.0 - optimizer.beta2**t", "unbias1, unbias2 = 1.0, 1.0",
            "Neither moment is corrected for its start at 0.",
        ),
        (
            "Keras for paper", f"step, scale = {_SCALE_OF} optimizer.epsilon_hat else (lr / unbias1, 1.0 / unbias2)",
            f"step, scale = {_SCALE_OF} not optimizer.epsilon_hat else (lr / unbias1, 1.0 / unbias2)",
            "The switch is the wrong way round.",
        ),
        (
            "clipped by array", 'if optimizer.clip_scope == "global":', 'if optimizer.clip_scope != "global":',
            "The threshold meets each array's norm instead of that of all, and the direction turns.",
        ),
        (
            "largest norm for the total", "total = math.hypot(*found.values())", "total = max(found.values())",
            "The threshold is held against the largest array's norm.",
        ),
        (
            "clipped by value", "gradient.vector *= real(optimizer.clip / total)",
            "np.clip(gradient.vector, -optimizer.clip, optimizer.clip, out=gradient.vector)",
        "Each entry is cut, and the direction turns.",
        ),
        (
            "root mean square for the norm",
            "return dict(zip(gradient.slices, np.sqrt(sums).tolist(), strict=True))",
            "return dict(zip(gradient.slices, np.sqrt(sums / np.diff(gradient.ends, prepend=0)).tolist(), strict=True))",
            "The norm is divided by the root of the array's size.",
        ),
    ),
)  # fmt: skip

MODEL = _bugs(
    "network",
    (
        "exponential for Euler", "return np.broadcast_to(self.dt / np.asarray(self.tau), (self.n_rec,))",
        "return np.broadcast_to(1 - np.exp(-self.dt / np.asarray(self.tau)), (self.n_rec,))",
        "The leak of the exact solution for a constant drive, which is not the published one.",
    ),
    (
        "backward Euler", "return np.broadcast_to(self.dt / np.asarray(self.tau), (self.n_rec,))",
        "return np.broadcast_to(self.dt / (self.dt + np.asarray(self.tau)), (self.n_rec,))",
        "The leak of the implicit step, which is not the published one.",
    ),
    (
        "literal for normalised", 'return self.leak if self.drive == "normalised" else np.full(self.n_rec, self.dt)',
        'return self.leak if self.drive != "normalised" else np.full(self.n_rec, self.dt)', "The switch is the wrong way round.",
    ),
    (
        "batch-shared noise", "trials = 1 if self.noise_shared_across_batch else B", "trials = 1",
        "All trials of a batch have the same noise, as KerasCog's layer adds it.",
    ),
)  # fmt: skip

TRAINING = _bugs(
    "train",
    ("updates count epochs", "run.updates += 1", "run.updates = epoch", "Correction and decay run too slowly."),
    ("clip forgotten", "clip(gradient, found, plan.optimizer)", "pass", "The threshold is an argument that does nothing."),
    (
        "first batch only", "chosen = order[number * self.plan.batch : (number + 1) * self.plan.batch]",
        "chosen = order[: self.plan.batch]", "Most trials are never seen within an epoch.",
    ),
    (
        "never shuffled", "return counted(self.run_seed, SHUFFLE, epoch).permutation(self.plan.samples)",
        "return np.arange(self.plan.samples)", "The batches are the same ones in every epoch.",
    ),
    (
        "batch-shared noise in training", "if shared:", "if True:",
        "All trials of a batch are trained with the same noise.",
    ),
    (
        "gradient not turned into that of V", "net.constraint.adjoint(gradient.params, run.theta.params)", "pass",
        "Dale's law acts forward only.",
    ),
    (
        "never projected", "net.constraint.project(run.theta.params)", "pass",
        "Weights cross to the wrong sign after the first update.",
    ),
    (
        "last batch weighs too much", "loss_sum += loss * len(index)", "loss_sum += loss * plan.batch",
        "The loss of the history is not the mean over trials.",
    ),
    ("worst for best", "if record[1] < self.best_distance:", "if record[1] > self.best_distance:", "No epoch's network is kept."),
)  # fmt: skip

TASK = _bugs(
    TASKS,
    ("answer one step late", _ANSWER, _ANSWER[:-1] + " + 1)", "The target asks for the answer one step later than the rule."),
    (
        "gap forgotten", _ANSWER, 'target = played(answers, condition, start + steps(self, "pulse"))',
        "The answer is asked for as soon as the pulses end.",
    ),
    (
        "answer of 10 wrong", "answers: ClassVar[tuple[int, ...]] = (0, 0, 0, 1)",
        "answers: ClassVar[tuple[int, ...]] = (0, 1, 0, 1)", "AND answers with channel A alone.",
    ),
    (
        "OR is exclusive", "answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 1)",
        "answers: ClassVar[tuple[int, ...]] = (0, 1, 1, 0)", "OR is 0 after both pulses.",
    ),
    (
        "channels swapped", "x[:, :, channel] = played(course, condition, start)",
        "x[:, :, self.n_in - 1 - channel] = played(course, condition, start)", "A symmetric gate's answers hide it.",
    ),
    (
        "jitter from 0", _DELAY, 'x, target = self._noiseless(condition, rng.integers(steps(self, "jitter") + 1, size=n))',
        "A delay of 0 is drawn too.",
    ),
    (
        "one delay for all", _DELAY,
        'x, target = self._noiseless(condition, np.repeat(jittered(rng, steps(self, "jitter"), 1), n))',
        "All trials of a set start at once, and the network may learn the time.",
    ),
    (
        "low is the baseline", "answer = np.where(np.array(gate.answers) == 1, 1.0, gate.low)",
        "answer = np.where(np.array(gate.answers) == 1, 1.0, gate.baseline)", "The answer 0 can not be told from no answer.",
    ),
)  # fmt: skip

BUGS: tuple[Bug, ...] = FORWARD + ADJOINT + CURRENT + DALE + NOISE + MODEL + OPTIMIZER + TRAINING + TASK
