"""Memory models: SAM and SDNC (Rae et al. 2016), and what they are compared with: DAM, NTM, DNC, an LSTM."""

from samviz.model.config import SAMConfig, SDNCConfig
from samviz.model.dam import DAM, DAMState
from samviz.model.dense_config import DAMConfig, DNCConfig, LSTMConfig, NTMConfig
from samviz.model.dnc import DNC, DNCState
from samviz.model.events import Events
from samviz.model.lstm import LSTM, LSTMState
from samviz.model.ntm import NTM, NTMState
from samviz.model.sam import SAM
from samviz.model.sdnc import SDNC
from samviz.model.state import SAMState

__all__ = [
    "DAM",
    "DNC",
    "LSTM",
    "NTM",
    "SAM",
    "SDNC",
    "DAMConfig",
    "DAMState",
    "DNCConfig",
    "DNCState",
    "Events",
    "LSTMConfig",
    "LSTMState",
    "NTMConfig",
    "NTMState",
    "SAMConfig",
    "SAMState",
    "SDNCConfig",
]
