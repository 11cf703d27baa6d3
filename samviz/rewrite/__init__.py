"""Make a new trace out of old ones: packed, repaired, cut, put together, in a newer version.

All go the same way: a plan of pieces of old columns, written under NAME.part, synced, read back and compared
value for value, and only then given its name. Nothing here imports torch.
"""

from samviz.rewrite.merging import merge
from samviz.rewrite.migrating import migrate
from samviz.rewrite.packing import repack
from samviz.rewrite.repairing import repair
from samviz.rewrite.result import Rewritten
from samviz.rewrite.slicing import slice_trace

__all__ = ["Rewritten", "merge", "migrate", "repack", "repair", "slice_trace"]
