"""Files and conventions of other packages. The only room that knows them."""

from .axes import time_first, trial_first
from .keras import KerasModel, read_keras
from .neurogym import from_neurogym
from .psychrnn import PsychRnnModel, from_trial_function, read_psychrnn
from .pytorch import read_state_dict, write_state_dict

__all__ = [
    "KerasModel", "PsychRnnModel", "from_neurogym", "from_trial_function", "read_keras", "read_psychrnn", "read_state_dict",
    "time_first", "trial_first", "write_state_dict",
]  # fmt: skip
