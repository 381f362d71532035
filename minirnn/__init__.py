"""minirnn: understand and train the small recurrent networks of computational neuroscience."""

from .gradcheck import GradientReport, check_gradient
from .network import Network
from .optimizer import Adam, AdamState
from .reference import Params
from .train import Diverged, History, Result, train
from .trials import Trials

__all__ = [
    "Adam",
    "AdamState",
    "Diverged",
    "GradientReport",
    "History",
    "Network",
    "Params",
    "Result",
    "Trials",
    "check_gradient",
    "train",
]
__version__ = "0.1.0"
