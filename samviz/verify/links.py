"""Do the links of an SDNC's trace follow from its writes?"""

import numpy as np

from samviz.errors import TraceError
from samviz.kernels.arrays import LinkArrays
from samviz.kernels.audit_links import audit_links
from samviz.kernels.link_tables import empty_links
from samviz.trace import Episode, Trace
from samviz.trace.hdf5.column import Array
from samviz.verify.report import Check, without_path
from samviz.verify.values import Progress

NAME = "links"
PIECE_STEPS = 4096
MOST_LINKS = 2**27  # in the tables of one memory: 2 GiB

PAIRS = ("link/precedence", "link/forward", "link/backward")


def link_check(trace: Trace, report: Progress = lambda _: None) -> Check:
    """Replay the tables from the writes; precedence, forward and backward must come out bit for bit."""
    sizes = trace.dimensions
    if sizes.links == 0:
        return Check(NAME, "skipped", "the model keeps no links")
    if sizes.heads * sizes.slots * sizes.links > MOST_LINKS:
        return Check(NAME, "skipped", f"the tables of {sizes.slots:,} slots do not fit into memory here")
    compared, off, first = 0, 0, -1
    try:
        for batch in range(sizes.batch):
            for episode in trace.episodes_of(batch):
                if episode.start == 0 and "start/slot" in trace:
                    continue  # what was linked before is not known
                wrong = _replay(trace, episode, batch, report)
                compared += wrong.size
                off += int(wrong.sum())
                if wrong.any() and first < 0:
                    first = episode.start + int(wrong.argmax())
    except TraceError as error:
        return Check(NAME, "failed", f"a value cannot be read: {without_path(trace, error)}")
    if off:
        return Check(
            NAME,
            "failed",
            f"at {off:,} steps, first at step {first}: not what the writes link (float32)",
        )
    if compared == 0:
        return Check(NAME, "skipped", "what was linked before the first step is not recorded")
    return Check(NAME, "passed", f"{compared:,} steps, equal bit for bit")


def _replay(trace: Trace, episode: Episode, batch: int, report: Progress) -> Array:
    """Which steps of an episode are off: [steps] bool."""
    sizes = trace.dimensions
    links: LinkArrays = empty_links(1, sizes.heads, sizes.slots, sizes.links, np.float32)
    last_slot = np.full((sizes.heads, sizes.read_entries), -1, np.int32)
    last_weight = np.zeros((sizes.heads, sizes.read_entries), np.float32)
    mark = np.full(sizes.slots, -1, np.int32)
    off = np.zeros(episode.stop - episode.start, bool)
    for start in range(episode.start, episode.stop, PIECE_STEPS):
        stop = min(start + PIECE_STEPS, episode.stop)

        def told(name: str, start: int = start, stop: int = stop) -> Array:
            return np.ascontiguousarray(trace[name][start:stop, batch])

        audit_links(
            links,
            *(told(name) for name in ("write/slot", "write/weight", "read/slot", "read/weight")),
            *((told(f"{name}_slot"), told(f"{name}_weight")) for name in PAIRS),
            last_slot,
            last_weight,
            mark,
            off[start - episode.start : stop - episode.start],
        )
        report(stop - start)
    return off
