"""Memory models: SAM (Rae et al. 2016), and what it is compared with: DAM, NTM, DNC and an LSTM."""

from samviz.model.config import SAMConfig
from samviz.model.dam import DAM, DAMState
from samviz.model.dense_config import DAMConfig, DNCConfig, LSTMConfig, NTMConfig
from samviz.model.dense_events import DenseEvents
from samviz.model.dnc import DNC, DNCState
from samviz.model.events import Events
from samviz.model.lstm import LSTM, LSTMState
from samviz.model.ntm import NTM, NTMState
from samviz.model.sam import SAM
from samviz.model.state import SAMState

__all__ = [
    "DAM",
    "DNC",
    "LSTM",
    "NTM",
    "SAM",
    "DAMConfig",
    "DAMState",
    "DNCConfig",
    "DNCState",
    "DenseEvents",
    "Events",
    "LSTMConfig",
    "LSTMState",
    "NTMConfig",
    "NTMState",
    "SAMConfig",
    "SAMState",
]
