"""Compile the kernels of a verification, so that nobody waits for them later."""

import numpy as np

from samviz.kernels.audit import CHECKS, Recorded, audit
from samviz.kernels.audit_links import audit_links
from samviz.kernels.link_tables import empty_links
from samviz.trace import Dimensions
from samviz.verify.equations import COLUMNS, fresh_memory, fresh_tally, nothing
from samviz.verify.links import PAIRS

SMALL = Dimensions(slots=4, word_size=2, heads=1, reads=1, read_entries=3, write_entries=4, links=2, batch=1)


def compile_verification() -> None:
    """Go through no step at all, with arrays of the types that traces have."""
    told = Recorded(**{field: nothing(name) for field, name in COLUMNS.items()})
    now, none = fresh_memory(SMALL), np.zeros(CHECKS, bool)
    audit(told, now, fresh_tally(), none, np.zeros(CHECKS), 0.0, 0, 1, 1)
    audit_links(
        empty_links(1, SMALL.heads, SMALL.slots, SMALL.links, np.float32),
        *(nothing(name) for name in ("write/slot", "write/weight", "read/slot", "read/weight")),
        *((nothing(f"{name}_slot"), nothing(f"{name}_weight")) for name in PAIRS),
        now.last_slot,
        now.last_weight,
        np.full(SMALL.slots, -1, np.int32),
        np.zeros(0, bool),
    )
