"""One step of a recorded memory after the other, computed once more and compared with what the trace says.

Each check keeps a tally: how many values were compared, the largest difference, how many steps were off and
the first of them. A difference is relative to the largest magnitude that was expected, or to `SMALL`.

Shape legend: T steps, H heads, E write entries, R read entries, N slots, W word size.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.usage import access, take_front

Array = np.ndarray[Any, Any]

SMALL = 1e-2  # below this magnitude differences are absolute
NORM_FLOOR = 1e-6  # model page, eq. 2: cosine(q, m) = q.m / (|q||m| + 1e-6)

ENTRIES, WRITES, ROWS, SAME, USAGE, COSINES, READS, WORDS, NEAREST, SUMS = range(10)
CHECKS = 10


class Recorded(NamedTuple):
    """Columns of one batch element, [T, H, ...]; what the trace lacks is of size 0 and not looked at."""

    read_slot: Any  # [T, H, R]
    read_weight: Any
    read_score: Any
    read_query: Any  # [T, H, W]
    read_word: Any
    read_usage: Any  # [T, H, R]
    write_slot: Any  # [T, H, E]
    write_weight: Any
    write_row: Any  # [T, H, E, W]
    write_word: Any  # [T, H, W]
    write_usage: Any
    alpha: Any  # [T, H]
    gamma: Any
    beta: Any
    mode: Any  # [T, H, 3]
    forward_slot: Any  # [T, H, K]
    forward_weight: Any
    backward_slot: Any
    backward_weight: Any


class Replayed(NamedTuple):
    """The memory between two steps, as it follows from the steps before."""

    memory: Any  # [N, W]
    last_access: Any  # [N] int64, -1 never
    after: Any  # [N + 1], the ring
    before: Any
    live: Any  # [N] bool, whether content reads may find the slot
    last_slot: Any  # [H, R], the reads of the step before
    last_weight: Any
    taken: Any  # [H]
    moved_slot: Any  # room for the moves of a step
    moved_from: Any


class Tally(NamedTuple):
    """By check: [CHECKS]."""

    compared: Any  # int64
    worst: Any  # float64, the largest difference
    off: Any  # int64, steps over the tolerance
    first: Any  # int64, the first of those, -1 none


@compiled
def audit(
    told: Recorded,
    now: Replayed,
    tally: Tally,
    asked: Array,
    tolerance: Array,
    delta: float,
    first: int,
    every: int,
    reads: int,
) -> None:
    """Go through T steps of one episode, the first of them numbered `first`.

    Args:
        asked: [CHECKS] bool, which checks the trace allows.
        tolerance: [CHECKS].
        every: the step's number must be a multiple of it for the search of nearer words.
        reads: K, how many slots a head reads by content.
    """
    off = np.zeros(CHECKS)
    for t in range(told.read_slot.shape[0]):
        off[:] = 0
        _check_write(told, now, tally, asked, off, t)
        _check_rows(told, now, tally, asked, off, t)
        _check_usage(told, now, tally, asked, off, t)
        _check_read(told, now, tally, asked, off, t)
        if asked[NEAREST] and (first + t) % every == 0:
            _check_nearest(told, now, tally, off, t, reads)
        _go_on(told, now, delta, first + t, t)
        for check in range(CHECKS):
            tally.worst[check] = max(tally.worst[check], off[check])
            if off[check] > tolerance[check]:
                tally.off[check] += 1
                if tally.first[check] < 0:
                    tally.first[check] = first + t


@inlined
def _worse(worst: float, difference: float) -> float:
    """The larger one; what is no number is larger than everything."""
    if difference <= worst:
        return worst
    return difference if difference == difference else np.inf


@inlined
def _note(off: Array, check: int, difference: float) -> None:
    """Keep the largest difference of a check."""
    off[check] = _worse(off[check], difference)


@inlined
def _check_write(told: Recorded, now: Replayed, tally: Tally, asked: Array, off: Array, t: int) -> None:
    """Entries: the last reads, then the slot taken (eq. 5); their weights alpha (gamma w, 1 - gamma)."""
    heads, entries = told.write_slot.shape[1:]
    if asked[ENTRIES]:
        take_front(now.after, now.taken)
        tally.compared[ENTRIES] += heads * entries
        for head in range(heads):
            for k in range(entries - 1):
                if told.write_slot[t, head, k] != now.last_slot[head, k]:
                    off[ENTRIES] = 1
            if told.write_slot[t, head, entries - 1] != now.taken[head]:
                off[ENTRIES] = 1
    if asked[WRITES]:
        tally.compared[WRITES] += heads * entries
        for head in range(heads):
            alpha, gamma = told.alpha[t, head], told.gamma[t, head]
            for k in range(entries):
                share = gamma * now.last_weight[head, k] if k < entries - 1 else 1 - gamma
                _note(off, WRITES, abs(told.write_weight[t, head, k] - alpha * share))
    if asked[SUMS]:
        tally.compared[SUMS] += 2 * heads
        for head in range(heads):
            _note(off, SUMS, _over_one(told.write_weight[t, head]))
            _note(off, SUMS, _over_one(told.read_weight[t, head]))


@inlined
def _over_one(weights: Array) -> float:
    """By how much weights pass what they may: below 0, or above 1 in all."""
    total, over = 0.0, 0.0
    for weight in weights:
        total += weight
        over = max(over, -weight)
    return max(over, total - 1)


@inlined
def _check_rows(told: Recorded, now: Replayed, tally: Tally, asked: Array, off: Array, t: int) -> None:
    """Rows: all erasures, then the sum of all that was added (eq. 8, 9). Then take over what was recorded."""
    heads, entries = told.write_slot.shape[1:]
    if asked[ROWS]:
        for head in range(heads):
            taken = told.write_slot[t, head, entries - 1]
            if taken >= 0:
                now.memory[taken] = 0
        for head in range(heads):
            for k in range(entries):
                slot = told.write_slot[t, head, k]
                if slot >= 0:
                    for w in range(now.memory.shape[1]):
                        now.memory[slot, w] += told.write_weight[t, head, k] * told.write_word[t, head, w]
        for head in range(heads):
            for k in range(entries):
                slot = told.write_slot[t, head, k]
                if slot >= 0:
                    tally.compared[ROWS] += 1
                    _note(off, ROWS, _difference(told.write_row[t, head, k], now.memory[slot]))
    for head in range(heads):
        for k in range(entries):
            slot = told.write_slot[t, head, k]
            if slot >= 0:
                now.memory[slot] = told.write_row[t, head, k]
        now.live[max(told.write_slot[t, head, entries - 1], 0)] |= told.write_slot[t, head, entries - 1] >= 0
    if asked[SAME]:
        for head in range(heads):
            for k in range(entries):
                slot = told.write_slot[t, head, k]
                if slot >= 0:
                    tally.compared[SAME] += 1
                    for w in range(now.memory.shape[1]):
                        if now.memory[slot, w] != told.write_row[t, head, k, w]:
                            off[SAME] = 1


@inlined
def _difference(found: Array, expected: Array) -> float:
    worst, scale = 0.0, SMALL
    for w in range(expected.shape[0]):
        worst = _worse(worst, abs(found[w] - expected[w]))
        scale = max(scale, abs(expected[w]))
    return worst / scale


@inlined
def _check_usage(told: Recorded, now: Replayed, tally: Tally, asked: Array, off: Array, t: int) -> None:
    if asked[USAGE]:
        _compare_usage(told.write_slot[t], told.write_usage[t], now, tally, off)
        _compare_usage(told.read_slot[t], told.read_usage[t], now, tally, off)


@inlined
def _compare_usage(slots: Array, usage: Array, now: Replayed, tally: Tally, off: Array) -> None:
    for head in range(slots.shape[0]):
        for k in range(slots.shape[1]):
            slot = slots[head, k]
            tally.compared[USAGE] += 1
            expected = max(now.last_access[slot], -1) if slot >= 0 else -1
            if usage[head, k] != expected:
                off[USAGE] = 1


@inlined
def _check_read(told: Recorded, now: Replayed, tally: Tally, asked: Array, off: Array, t: int) -> None:
    """Cosines (eq. 2), weights (softmax of beta cosine, mixed with what links lead to), words."""
    heads, entries = told.read_slot.shape[1:]
    words = now.memory.shape[1]
    for head in range(heads):
        slots = told.read_slot[t, head]
        if asked[COSINES]:
            for k in range(entries):
                if slots[k] >= 0 and not np.isnan(told.read_score[t, head, k]):
                    tally.compared[COSINES] += 1
                    true = cosine(told.read_query[t, head], now.memory[slots[k]])
                    _note(off, COSINES, abs(told.read_score[t, head, k] - true))
        if asked[READS]:
            tally.compared[READS] += entries
            _note(off, READS, _read_weights_off(told, t, head))
        if asked[WORDS]:
            tally.compared[WORDS] += words
            worst, scale = 0.0, SMALL
            for w in range(words):
                total = 0.0
                for k in range(entries):
                    if slots[k] >= 0:
                        total += told.read_weight[t, head, k] * now.memory[slots[k], w]
                worst = _worse(worst, abs(told.read_word[t, head, w] - total))
                scale = max(scale, abs(total))
            _note(off, WORDS, worst / scale)


@inlined
def _read_weights_off(told: Recorded, t: int, head: int) -> float:
    """The largest difference of a read weight from pi_c softmax(beta cosine) + pi_f f + pi_b b."""
    entries, linked = told.read_slot.shape[2], told.mode.shape[0] > 0
    beta = told.beta[t, head]
    largest, total = -np.inf, 0.0
    for k in range(entries):
        if _by_content(told, t, head, k):
            largest = max(largest, beta * told.read_score[t, head, k])
    for k in range(entries):
        if _by_content(told, t, head, k):
            total += np.exp(beta * told.read_score[t, head, k] - largest)
    worst = 0.0
    for k in range(entries):
        share = 0.0
        if _by_content(told, t, head, k):
            share = np.exp(beta * told.read_score[t, head, k] - largest) / total
        if linked:
            slot = told.read_slot[t, head, k]
            share *= told.mode[t, head, 1]
            share += told.mode[t, head, 0] * _weight_of(
                told.backward_slot[t, head], told.backward_weight[t, head], slot
            )
            share += told.mode[t, head, 2] * _weight_of(
                told.forward_slot[t, head], told.forward_weight[t, head], slot
            )
        worst = _worse(worst, abs(told.read_weight[t, head, k] - share))
    return worst


@inlined
def _by_content(told: Recorded, t: int, head: int, k: int) -> bool:
    return told.read_slot[t, head, k] >= 0 and not np.isnan(told.read_score[t, head, k])


@inlined
def _weight_of(slots: Array, weights: Array, slot: int) -> float:
    for k in range(slots.shape[0]):
        if slots[k] == slot and slot >= 0:
            return weights[k]  # type: ignore[no-any-return]
    return 0.0


@inlined
def cosine(query: Array, word: Array) -> float:
    """q.m / (|q||m| + 1e-6)."""
    product, query_square, word_square = 0.0, 0.0, 0.0
    for w in range(word.shape[0]):
        product += query[w] * word[w]
        query_square += query[w] * query[w]
        word_square += word[w] * word[w]
    return product / (np.sqrt(query_square) * np.sqrt(word_square) + NORM_FLOOR)  # type: ignore[no-any-return]


@inlined
def _check_nearest(told: Recorded, now: Replayed, tally: Tally, off: Array, t: int, reads: int) -> None:
    """Live slots were read by content, K if there are so many, and none left out has a larger cosine."""
    for head in range(told.read_slot.shape[1]):
        lowest, content = np.inf, 0
        for k in range(told.read_slot.shape[2]):
            if _by_content(told, t, head, k):
                lowest = min(lowest, told.read_score[t, head, k])
                content += 1
        live = 0
        for slot in range(now.memory.shape[0]):
            if not now.live[slot]:
                continue
            live += 1
            tally.compared[NEAREST] += 1
            over = cosine(told.read_query[t, head], now.memory[slot]) - lowest
            if over > off[NEAREST] and not _is_read(told, t, head, slot):
                off[NEAREST] = over
        if content < min(reads, live):
            off[NEAREST] = np.inf


@inlined
def _is_read(told: Recorded, t: int, head: int, slot: int) -> bool:
    for k in range(told.read_slot.shape[2]):
        if told.read_slot[t, head, k] == slot and _by_content(told, t, head, k):
            return True
    return False


@inlined
def _go_on(told: Recorded, now: Replayed, delta: float, step: int, t: int) -> None:
    """Note the accesses of the step, and what it read."""
    for slots, weights in (
        (told.write_slot[t], told.write_weight[t]),
        (told.read_slot[t], told.read_weight[t]),
    ):
        access(
            now.after,
            now.before,
            now.last_access,
            slots,
            weights,
            delta,
            step,
            now.moved_slot,
            now.moved_from,
            0,
        )
    now.last_slot[:] = told.read_slot[t]
    now.last_weight[:] = told.read_weight[t]
