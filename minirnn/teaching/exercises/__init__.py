"""The exercises of the tutorials, a module per tutorial of the same name: what is right, and which mistakes are typical."""

from ..verdict import Exercise, Function, Verdict, judge
from . import (
    adam,
    authors_networks,
    bptt,
    dale_and_noise,
    damage_and_ensembles,
    flip_flop,
    is_my_gradient_right,
    one_unit,
    the_network,
    train_and_look_inside,
    vanishing_and_exploding,
    your_own_task,
)

EXERCISES: dict[str, Exercise] = {
    **one_unit.EXERCISES,
    **the_network.EXERCISES,
    **bptt.EXERCISES,
    **is_my_gradient_right.EXERCISES,
    **adam.EXERCISES,
    **train_and_look_inside.EXERCISES,
    **vanishing_and_exploding.EXERCISES,
    **dale_and_noise.EXERCISES,
    **damage_and_ensembles.EXERCISES,
    **authors_networks.EXERCISES,
    **flip_flop.EXERCISES,
    **your_own_task.EXERCISES,
}


def check(name: str, function: Function, *, seed: int = 0) -> Verdict:
    """The verdict on a student's function for the exercise `name`. ValueError where there is no such exercise."""
    if name not in EXERCISES:
        raise ValueError(f"name must be one of {', '.join(EXERCISES)}, got {name!r}")
    return judge(name, EXERCISES[name], function, seed)
