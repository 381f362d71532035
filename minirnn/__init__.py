"""minirnn: understand and train the small recurrent networks of computational neuroscience."""

from .checks import Report
from .dale import Dale
from .ensembles import Run, ensemble, train_many
from .gradcheck import check_gradient
from .network import Network
from .optimizer import SGD, Adam, OptimizerState
from .reference import Params
from .train import Diverged, History, Result, train
from .trials import Trials

__all__ = [
    "SGD",
    "Adam",
    "Dale",
    "Diverged",
    "History",
    "Network",
    "OptimizerState",
    "Params",
    "Report",
    "Result",
    "Run",
    "Trials",
    "check_gradient",
    "ensemble",
    "train",
    "train_many",
]
__version__ = "0.1.0"
