"""samviz makes the memory of a sparse memory-augmented network visible: train, record, open, replay.

    >>> import samviz
    >>> trace = samviz.open("traces/recall-sam.h5")
    >>> trace.memory(12)
    >>> for trace, steps in samviz.follow("traces/run.h5"):  # while it is being recorded
    ...     print(trace["io/loss"][steps.start : steps.stop].mean())

Neither opening a trace nor recording one needs torch; `samviz.model` imports it.
"""

from typing import TYPE_CHECKING, Any

from samviz.errors import SamvizError
from samviz.trace import Trace, follow
from samviz.trace import open_trace as open

if TYPE_CHECKING:
    from samviz.recorder import Recorder

__all__ = ["Recorder", "SamvizError", "Trace", "follow", "open"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Recorder":
        from samviz.recorder import Recorder

        return Recorder
    raise AttributeError(f"module 'samviz' has no attribute {name!r}")
