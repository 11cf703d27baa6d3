"""Recording: the model's events in, a trace out."""

from samviz.recorder.recorder import Recorder

__all__ = ["Recorder"]
