"""Traces: the format, opening one safely, and what it says about a step. Nothing here imports torch."""

from samviz.trace.episodes import Episode
from samviz.trace.hdf5.column import Column
from samviz.trace.live import follow
from samviz.trace.memory.history import History
from samviz.trace.reader import Trace, open_trace
from samviz.trace.schema import Dimensions
from samviz.trace.summary import describe

__all__ = ["Column", "Dimensions", "Episode", "History", "Trace", "describe", "follow", "open_trace"]
