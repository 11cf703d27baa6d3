"""Sparse memory models: SAM and SDNC (Rae et al. 2016)."""

from samviz.model.config import SAMConfig, SDNCConfig
from samviz.model.events import Events
from samviz.model.sam import SAM
from samviz.model.sdnc import SDNC
from samviz.model.state import SAMState

__all__ = ["SAM", "SDNC", "Events", "SAMConfig", "SAMState", "SDNCConfig"]
