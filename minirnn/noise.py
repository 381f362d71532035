"""State noise: the standard deviation of what is drawn in a step, and what other packages mean by their parameter.

White noise xi(t), <xi(t) xi(t')> = delta(t - t'), in the state h of a unit, sigma in the units of h, tau in ms:

    (1) tau dh/dt = -h + c + sqrt(2 tau) sigma xi(t),   c = phi(a) in the rate form, a in the current form

In a step of dt the integral of xi is sqrt(dt) n, n ~ N(0, 1), so that Euler-Maruyama adds (1/tau) sqrt(2 tau) sigma sqrt(dt) n
to h. With alpha = dt/tau, the `leak`:

    (2) current:   h <- (1 - alpha) h + alpha a + s n,         s = sqrt(2 alpha) sigma
    (3) rate:      h <- (1 - alpha) h + alpha phi(a + s n),    s = sqrt(2 / alpha) sigma
    (4) per step:  s = sigma, in either form

(3) is (2) where phi is linear, alpha sqrt(2 / alpha) = sqrt(2 alpha); elsewhere phi' scales the noise, and the curvature of phi
shifts the mean. Without weights and with phi linear, what is added, of variance q (s^2 in the current form, alpha^2 s^2 in the
rate form), is forgotten at the leak: the stationary variance of h is v = (1 - alpha)^2 v + q = q / (alpha (2 - alpha)). That is
sigma^2 / (1 - alpha/2) for (2) and for (3), sigma^2 as dt goes to 0; with (4) it depends on dt.

The packages, as read in their source. p is the parameter, a = alpha, u the input through a weight of 1; stationary standard
deviation of a unit without weights:

    package   parameter     its step, in our symbols                                                stationary
    minirnn   noise         (5) h <- (1-a) h + a W phi(h) + .. + sqrt(2 a) p n                      p / sqrt(1 - a/2)
    PsychRNN  rec_noise     (5) h <- (1-a) h + a W phi(h) + .. + sqrt(2 a p^2) n                    p / sqrt(1 - a/2)
    pycog     var_rec       (6) h <- (1-a) h + a (W phi(h) + .. + sqrt(2 p / a) n)                  sqrt(p / (1 - a/2))
    KerasCog  noise         (7) h <- (1-a) h + a W phi(h) + .. + p n                                p / sqrt(a (2 - a))
    neurogym  sigma         (8) u = .. + p n / sqrt(dt), and h <- (1-a) h + a (W phi(h) + u)        p / sqrt(2 tau (1 - a/2))
    multitask sigma_rec     (9) h <- (1-a) h + a phi(W h + .. + sqrt(2 / a) p n)                    p / sqrt(1 - a/2)

- pycog's var_rec is a variance in the units of h^2 (0.15^2 by default), the others' parameters are standard deviations; a vector
  or a covariance of var_rec is not converted. Source: frsong/pycog, pycog/dataset.py (training), rnn.py and euler.py (testing).
- PsychRNN: murraylab/PsychRNN, psychrnn/backend/models/basic.py. multitask: gyyang/multitask, network.py, LeakyRNNCell, the code
  of Yang et al. 2019; neurogym: neurogym/neurogym, neurogym/envs/contextdecisionmaking.py and others, `add_randn` in core.py.
- KerasCog: ABAtanasov/KerasCog, backend/Networks.py, leak_recurrent. One n for all trials (`noise_shared_across_batch`). The
  version with the sign constraint draws it with NumPy while the graph is built, a constant offset and no noise wherever the
  steps are a symbolic loop; what is converted is the meaning, n new in each step.
- neurogym's sigma belongs to the task's inputs, and has the unit of u times sqrt(ms). The conversion takes it for an input of
  weight 1 to each unit, with noise of its own. In truth W_in mixes it, units share it, it is on in some periods alone, and the
  RNN behind it has a noise of its own or none. sigma = sqrt(2 tau) minirnn's noise; neurogym's old sqrt(2 * 100 * 0.01) is 0.1.
- multitask's noise is inside phi, like ours in the rate form: equal to the others for a linear phi alone. For its softplus at
  rest, phi' = 1/2, the noise in h is about half of what the conversion says.
"""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def scale(sigma: float, leak: Any, form: str, scaling: str) -> Array:
    """(N,) float64: s, the standard deviation of the normal numbers of a step, of units with leak (N,) = dt/tau.

    form "rate": for what is added to the current inside phi, and multiplied by the gain afterwards (3); with drive="literal" the
    gain is dt, and the noise in h tau times that of (1), as the drive is. form "current": for what is added to the state (2).
    scaling "euler": sigma is that of (1); "per_step": s is sigma (4), as KerasCog has it. ValueError for any other name.
    """
    leak = np.asarray(leak, np.float64)
    if form not in ("rate", "current"):
        raise ValueError(f"form must be one of rate, current, got {form!r}")
    if scaling not in ("euler", "per_step"):
        raise ValueError(f"scaling must be one of euler, per_step, got {scaling!r}")
    if scaling == "per_step":
        return np.full(leak.shape, float(sigma))  # (4)
    s: Array = np.sqrt(2 * leak) * sigma if form == "current" else np.sqrt(2 / leak) * sigma  # (2), (3)
    return s


def convert(value: float, source: str, target: str, *, dt: float, tau: float) -> float:
    """The parameter of package `target` that adds as much to h in a step as `value` does in package `source`.

    source, target: "minirnn", "pycog", "PsychRNN", "KerasCog", "neurogym" or "multitask"; the table of this module says what
    each one's parameter is, and where the conversion holds only in part (neurogym, multitask). "minirnn" is `Network.noise` with
    noise_scaling="euler". dt: the Euler step, tau: the time constant, both in ms, of both packages.
    ValueError, naming it, for an unknown package, a value that is negative or not finite, dt or tau that is not positive, dt > tau.
    """
    for name, number in (("value", value), ("dt", dt), ("tau", tau)):
        if not math.isfinite(number):
            raise ValueError(f"{name} must be finite, got {number}")
    if value < 0:
        raise ValueError(f"value must be 0 or positive, got {value}")
    if not 0 < dt <= tau:
        raise ValueError(f"dt must be positive and at most tau = {tau} ms, got {dt}")
    alpha = dt / tau
    in_a_step = {  # standard deviation of what is added to h, for a parameter of 1
        "minirnn": math.sqrt(2 * alpha),  # (5)
        "PsychRNN": math.sqrt(2 * alpha),  # (5)
        "pycog": alpha * math.sqrt(2 / alpha),  # (6), of the root of its variance
        "KerasCog": 1.0,  # (7)
        "neurogym": alpha / math.sqrt(dt),  # (8)
        "multitask": alpha * math.sqrt(2 / alpha),  # (9)
    }
    for name, package in (("source", source), ("target", target)):
        if package not in in_a_step:
            raise ValueError(f"{name} must be one of {', '.join(in_a_step)}, got {package!r}")
    p = math.sqrt(value) if source == "pycog" else value
    found = p * in_a_step[source] / in_a_step[target]
    return found * found if target == "pycog" else float(found)
