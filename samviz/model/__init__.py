"""Sparse memory models: SAM (Rae et al. 2016)."""

from samviz.model.config import SAMConfig
from samviz.model.events import Events
from samviz.model.sam import SAM
from samviz.model.state import SAMState

__all__ = ["SAM", "Events", "SAMConfig", "SAMState"]
