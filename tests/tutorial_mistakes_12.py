"""Typical wrong answers to the exercises of tutorial 12."""

MISTAKES = [
    ("12_your_own_task", "first-answer", "sum(round(time / dt)", "sum(int(time / dt)", "cut off, not rounded"),
    ("12_your_own_task", "match-trials", "due = start + pulse + gap", "due = start + pulse", "the gap is free"),
    ("12_your_own_task", "match-trials", "(first == second)", "(first != second)", "the answer to a mismatch"),
    (
        "12_your_own_task",
        "shortcut",
        "ones = [answer[cue == c] for c in np.unique(cue)]",
        "ones = [answer]",
        "the cue is not used",
    ),
    (
        "12_your_own_task",
        "best-constant",
        "constant = (mask * target).sum() / mask.sum()",
        "constant = target.mean()",
        "the mask is used in the loss alone",
    ),
]
