"""Temporal links: how much slot i was written right after slot j (supplement D, eq. 13, kept sparse).

Every head has a link matrix Lambda of its own, stored twice, by row (`before`) and by column (`after`), each
at most L entries, always each other's transpose. All here is a pure function of the write slots and weights:
a model calls it while it runs, a reader to replay. Plain arithmetic, so that both get the same bits.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import LinkArrays
from samviz.kernels.compiled import compiled_exactly, inlined_exactly
from samviz.kernels.link_tables import (
    LANES,
    Table,
    length_of,
    place_of,
    remove,
    set_entry,
    set_weight,
    slot_at,
    weight_at,
)

Array = np.ndarray[Any, Any]


class LinkScratch(NamedTuple):
    """Room to work in, for one step of one head at a time."""

    written_slot: Any  # [E] int32, the slots S that the head wrote, merged
    written_weight: Any  # [E]
    line_slot: Any  # [8Q] int32, a row or column with its new links, before truncation; 8Q >= 2L + E
    line_weight: Any  # [8Q]
    line_vector: Any  # [Q, 8] the same weights
    line_column: Any  # [8Q] int32, for a new link in a row: its column's place in the precedence
    order: Any  # [8Q] int32, the entries of the line, largest first
    new_slot: Any  # [L, E] int32, new links of each column of the precedence
    new_weight: Any  # [L, E]
    new_count: Any  # [L]


@compiled_exactly
def link_scratch(links: LinkArrays, entries: int) -> LinkScratch:
    """Room for writes of E entries."""
    kept = links.precedence_slot.shape[2]
    dtype = links.precedence_weight.dtype
    vectors = (2 * kept + entries + LANES - 1) // LANES
    line_vector = np.empty((vectors, LANES), dtype)
    return LinkScratch(
        np.empty(entries, np.int32),
        np.empty(entries, dtype),
        np.empty(vectors * LANES, np.int32),
        line_vector.reshape(-1),
        line_vector,
        np.empty(vectors * LANES, np.int32),
        np.empty(vectors * LANES, np.int32),
        np.empty((kept, entries), np.int32),
        np.empty((kept, entries), dtype),
        np.empty(kept, np.int64),
    )


@compiled_exactly
def advance_links(
    links: LinkArrays, b: int, write_slot: Array, write_weight: Array, mark: Array, scratch: LinkScratch
) -> None:
    """One step of element b: forget the taken slots, then link what was written to what was written before.

    Args:
        write_slot: [H, E], the least recently accessed (taken) slot last, -1 where there is no entry.
        write_weight: [H, E].
        mark: [N] int32, all -1 before and after.
    """
    heads, entries = write_slot.shape
    for head in range(heads):
        before = Table(links.before_slot[b, head], links.before_weight[b, head])
        after = Table(links.after_slot[b, head], links.after_weight[b, head])
        precedence, share = links.precedence_slot[b, head], links.precedence_weight[b, head]
        for other in range(heads):
            _forget(before, after, write_slot[other, entries - 1])
            _forget(after, before, write_slot[other, entries - 1])
            _drop(precedence, share, write_slot[other, entries - 1])
        written = _merge(write_slot[head], write_weight[head], mark, scratch)
        for s in range(written):
            _fade(before, after, mark, scratch, s)
        _link(before, after, precedence, share, scratch, written)
        _advance_precedence(precedence, share, mark, scratch, written)
        for s in range(written):
            mark[scratch.written_slot[s]] = -1


@inlined_exactly
def _merge(slots: Array, weights: Array, mark: Array, scratch: LinkScratch) -> int:
    """The slots S with a weight above 0, each once, its entries added, its place marked; returns how many."""
    count = 0
    for entry in range(slots.shape[0]):
        if slots[entry] < 0 or not weights[entry] > 0:
            continue
        place = mark[slots[entry]]
        if place < 0:
            mark[slots[entry]] = count
            scratch.written_slot[count] = slots[entry]
            scratch.written_weight[count] = weights[entry]
            count += 1
        else:
            scratch.written_weight[place] += weights[entry]
    return count


@inlined_exactly
def _forget(table: Table, mirror: Table, slot: int) -> None:
    """A taken slot's line becomes empty, and what it named no longer names it (step 1)."""
    for place in range(length_of(table, slot)):
        remove(mirror, slot_at(table, slot, place), slot)
        set_entry(table, slot, place, -1, 0)


@inlined_exactly
def _drop(precedence: Array, share: Array, slot: int) -> None:
    """A taken slot loses its place in the precedence; the others keep their order (step 1)."""
    kept = 0
    for c in range(precedence.shape[0]):
        if precedence[c] != slot:
            precedence[kept], share[kept] = precedence[c], share[c]
            kept += 1
    for c in range(kept, precedence.shape[0]):
        precedence[c], share[c] = -1, 0


@inlined_exactly
def _fade(before: Table, after: Table, mark: Array, scratch: LinkScratch, s: int) -> None:
    """Every link with an end in S: Lambda(i, j) *= 1 - w(i) - w(j) (step 2); here those of its s-th slot."""
    slot = scratch.written_slot[s]
    rest = scratch.written_weight.dtype.type(1) - scratch.written_weight[s]
    gone = 0
    for c in range(before.slot.shape[1]):
        for lane in range(LANES):
            other = before.slot[slot, c, lane]  # slot is the later end
            if other >= 0:
                factor = rest - scratch.written_weight[mark[other]] if mark[other] >= 0 else rest
                value = before.weight[slot, c, lane] * factor
                before.weight[slot, c, lane] = value
                set_weight(after, other, slot, value)
                gone += value <= 0
            other = after.slot[slot, c, lane]  # slot is the earlier end
            if other >= 0 and mark[other] < 0:  # else it is a row of S and has its turn there
                value = after.weight[slot, c, lane] * rest
                after.weight[slot, c, lane] = value
                set_weight(before, other, slot, value)
                gone += value <= 0
    if gone > 0:
        _drop_spent(before, after, slot)
        _drop_spent(after, before, slot)


@inlined_exactly
def _drop_spent(table: Table, mirror: Table, slot: int) -> None:
    """Links that came to nothing are kept in neither table."""
    for place in range(length_of(table, slot) - 1, -1, -1):
        if not weight_at(table, slot, place) > 0:
            other = slot_at(table, slot, place)
            remove(table, slot, other)
            remove(mirror, other, slot)


@inlined_exactly
def _link(
    before: Table, after: Table, precedence: Array, share: Array, scratch: LinkScratch, written: int
) -> None:
    """Lambda(i, j) += w(i) p(j), then keep the L largest of the rows, then of the columns (steps 3 and 4)."""
    for c in range(precedence.shape[0]):
        scratch.new_count[c] = 0
    for s in range(written):
        old = _copy_line(before, scratch.written_slot[s], scratch)
        length = _widen_row(before, after, precedence, share, scratch, s, old)
        _truncate_row(before, after, scratch, s, precedence.shape[0], old, length)
    for c in range(precedence.shape[0]):
        if scratch.new_count[c] > 0:
            _truncate_column(before, after, precedence[c], scratch, precedence.shape[0], c)


@inlined_exactly
def _copy_line(table: Table, line: int, scratch: LinkScratch) -> int:
    """Copy a row or column into the scratch line; returns its length."""
    for c in range(table.slot.shape[1]):
        for lane in range(LANES):
            scratch.line_slot[c * LANES + lane] = table.slot[line, c, lane]
            scratch.line_vector[c, lane] = table.weight[line, c, lane]
    return length_of(table, line)  # type: ignore[no-any-return]


@inlined_exactly
def _widen_row(
    before: Table, after: Table, precedence: Array, share: Array, scratch: LinkScratch, s: int, old: int
) -> int:
    """Add w(i) p to the row of the s-th written slot, in the line; returns the line's new length."""
    slot, weight = scratch.written_slot[s], scratch.written_weight[s]
    length = old
    for c in range(precedence.shape[0]):
        value = weight * share[c]
        if precedence[c] == slot or not value > 0:
            continue
        place = place_of(before, slot, precedence[c])
        if place >= 0:
            value += scratch.line_weight[place]
            scratch.line_weight[place] = value
            set_weight(after, precedence[c], slot, value)
        else:
            scratch.line_slot[length], scratch.line_weight[length] = precedence[c], value
            scratch.line_column[length] = c
            length += 1
    return length


@inlined_exactly
def _truncate_row(
    before: Table, after: Table, scratch: LinkScratch, s: int, kept: int, old: int, length: int
) -> None:
    """Store the L largest of the line as a row; old links that go leave their columns, new ones wait."""
    slot = scratch.written_slot[s]
    _order(scratch, length, kept)
    for place in range(min(kept, length)):
        entry = scratch.order[place]
        set_entry(before, slot, place, scratch.line_slot[entry], scratch.line_weight[entry])
        if entry >= old:
            c = scratch.line_column[entry]
            scratch.new_slot[c, scratch.new_count[c]] = slot
            scratch.new_weight[c, scratch.new_count[c]] = scratch.line_weight[entry]
            scratch.new_count[c] += 1
    for place in range(kept, length):
        if scratch.order[place] < old:
            remove(after, scratch.line_slot[scratch.order[place]], slot)


@inlined_exactly
def _truncate_column(before: Table, after: Table, slot: int, scratch: LinkScratch, kept: int, c: int) -> None:
    """Take a column's new links in and keep its L largest; those that go leave their rows."""
    length = _copy_line(after, slot, scratch)
    for n in range(scratch.new_count[c]):
        scratch.line_slot[length] = scratch.new_slot[c, n]
        scratch.line_weight[length] = scratch.new_weight[c, n]
        length += 1
    _order(scratch, length, kept)
    for place in range(min(kept, length)):
        entry = scratch.order[place]
        set_entry(after, slot, place, scratch.line_slot[entry], scratch.line_weight[entry])
    for place in range(kept, length):
        remove(before, scratch.line_slot[scratch.order[place]], slot)


@inlined_exactly
def _order(scratch: LinkScratch, length: int, kept: int) -> None:
    """The entries of the line, largest first, ties to the lower slot; in any order where all are kept."""
    for entry in range(length):
        scratch.order[entry] = entry
    if length > kept:
        _sort(scratch, length)


@inlined_exactly
def _sort(scratch: LinkScratch, length: int) -> None:
    """Put each entry where the number of larger ones says; where some are equal, the slots decide."""
    vectors = (length + LANES - 1) // LANES
    for place in range(length, vectors * LANES):
        scratch.line_weight[place] = -1
    total = 0
    for entry in range(length):
        larger = _larger(scratch.line_vector, vectors, scratch.line_weight[entry])
        scratch.order[larger] = entry
        total += larger
    if total < length * (length - 1) // 2:  # equal weights ask for the same place
        for entry in range(length):
            place = _larger(scratch.line_vector, vectors, scratch.line_weight[entry])
            for other in range(length):
                if (
                    scratch.line_weight[other] == scratch.line_weight[entry]
                    and scratch.line_slot[other] < scratch.line_slot[entry]
                ):
                    place += 1
            scratch.order[place] = entry


@inlined_exactly
def _larger(line_vector: Array, vectors: int, weight: float) -> int:
    count = 0
    for c in range(vectors):
        for lane in range(LANES):
            if line_vector[c, lane] > weight:
                count += 1
    return count


@inlined_exactly
def _advance_precedence(
    precedence: Array, share: Array, mark: Array, scratch: LinkScratch, written: int
) -> None:
    """p_t = (1 - sum w) p_{t-1} + w, the L largest of it (step 5)."""
    total = scratch.written_weight.dtype.type(0)
    for s in range(written):
        total += scratch.written_weight[s]
        scratch.line_slot[s], scratch.line_weight[s] = scratch.written_slot[s], scratch.written_weight[s]
    length = written
    for c in range(precedence.shape[0]):
        value = (scratch.written_weight.dtype.type(1) - total) * share[c]
        if not value > 0:
            continue
        place = mark[precedence[c]]
        if place >= 0:
            scratch.line_weight[place] += value
        else:
            scratch.line_slot[length], scratch.line_weight[length] = precedence[c], value
            length += 1
    _sort(scratch, length)
    for c in range(precedence.shape[0]):
        if c < length:
            entry = scratch.order[c]
            precedence[c], share[c] = scratch.line_slot[entry], scratch.line_weight[entry]
        else:
            precedence[c], share[c] = -1, 0
