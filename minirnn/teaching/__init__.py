"""Answers, in words, to what a student wrote: right, which mistake, or what differs. The tutorials' exercises end here.

    check_step(f)     one Euler step              f(h, x, W_rec, W_in, b_rec, alpha) -> h
    check_run(f)      a whole forward pass        f(params, x, alpha) -> (h, z)
    check_bptt(f)     loss and gradient           f(params, x, target, mask, alpha) -> (loss, gradient)
    check_adam(f)     an update of Adam           f(theta, m, v, g, t, lr, beta1, beta2, eps) -> (theta, m, v)
    check(name, f)    an exercise of a tutorial   what it takes and returns stands in `EXERCISES[name]`

Each returns a `Verdict`: `print` it, `expect_right()` it, or give its `json()` to a grader. How a mistake is recognised is told
in `minirnn.teaching.verdict`; the mistakes are those of `minirnn.gallery.bugs`, and for Adam and the exercises a few more.
"""

from .exercises import EXERCISES, check
from .heart import check_adam, check_bptt, check_run, check_step
from .pictures import explore, show
from .verdict import Exercise, Verdict

__all__ = [
    "EXERCISES",
    "Exercise",
    "Verdict",
    "check",
    "check_adam",
    "check_bptt",
    "check_run",
    "check_step",
    "explore",
    "show",
]
