"""A SAM whose gates, write words and queries come from a script in place of a controller.

The script stores items (a key and a value each) and asks for them again; the memory is SAM's own: the write,
the read and the usage are those of the model. A word says the value in its first V numbers, as signs, and the
key in the others. Each head stores a slightly different copy of an item, so that the words nearest to a
query for it are known without a search: those copies.

Shape legend: T B H N W K as everywhere, B = 1; I items, V bits of a value, C candidates of a head.
"""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.content import choose_slots, weigh_content
from samviz.kernels.counted import mixed
from samviz.kernels.exact import nearest
from samviz.kernels.forward import note_usage, read_words
from samviz.kernels.script import (
    DECOY,
    GATE,
    QUERY,
    STORE,
    WORD,
    Answers,
    Items,
    Script,
    random_key,
    set_gates,
    set_query,
    set_word,
    tell,
)
from samviz.kernels.write import write

Array = np.ndarray[Any, Any]

EXACT_BELOW = 4096  # live slots: so many are searched for the nearest; among more, the copies are known
DECOYS = 4
GAIN = 4.0  # from what was read to the answer's logits


@compiled
def scripted_window(
    memory: MemoryArrays,
    journal: Journal,
    script: Script,
    items: Items,
    answers: Answers,
    candidates: Array,
    seed: Any,
    delta: float,
    first_step: int,
) -> None:
    """Run a window: script, write, read, usage. Row 0 of the journal's reads holds the window's start.

    Args:
        candidates: [B, H, C] int32, room; seed: uint64; delta: access threshold.
        first_step: steps of the memory's life before the window.
    """
    for t in range(script.kind.shape[0]):
        tell(script, items, answers, t, seed, first_step + t)
        for head in range(script.wanted.shape[1]):
            set_gates(journal, script.kind[t], t, head, random_key(seed, GATE, first_step + t, head))
            key = random_key(seed, WORD, first_step + t, head)
            set_word(journal.word[t, 0, head], script, items, answers, t, seed, key)
        write(memory, journal, t, 0)
        _note_owners(journal.write_slot[t, 0], script, items, t)
        for head in range(script.wanted.shape[1]):
            key = random_key(seed, QUERY, first_step + t, head)
            set_query(
                journal.query[t, 0, head], answers, memory, script.wanted[t, head], items, head, seed, key
            )
        _search(memory, journal, script, items, candidates, t, random_key(seed, DECOY, first_step + t, 0))
        weigh_content(journal, t, 0)
        read_words(memory, journal, t, 0)
        note_usage(memory, journal, t, 0, delta, first_step + t)
        _answer(journal.joined[t + 1, 0], answers.output[t], script.wanted.shape[1])


@inlined
def _note_owners(slots: Array, script: Script, items: Items, t: int) -> None:
    """What was in the taken slots is gone; a new item is there now."""
    last = slots.shape[1] - 1
    for head in range(slots.shape[0]):
        items.owner[slots[head, last]] = -1
    if script.kind[t] == STORE:
        for head in range(slots.shape[0]):
            items.slot[script.item[t], head] = slots[head, last]
            items.owner[slots[head, last]] = script.item[t]


@inlined
def _search(
    memory: MemoryArrays, journal: Journal, script: Script, items: Items, candidates: Array, t: int, key: Any
) -> None:
    """The nearest of all live slots while they are few; then of the item's copies and some decoys."""
    live = memory.live[0]
    if live <= EXACT_BELOW:
        slots, scores = journal.content_slot[t, 0], journal.content_score[t, 0]
        nearest(memory.word[0], memory.norm[0], live, journal.query[t, 0], slots, scores)
        return
    for head in range(candidates.shape[1]):
        proposed, count = candidates[0, head], 0
        item = script.wanted[t, head]
        for copy in range(items.slot.shape[1]):
            slot = items.slot[item, copy]
            if items.owner[slot] == item:
                proposed[count] = slot
                count += 1
        for place in range(proposed.shape[0] - count):
            slot = np.int64(mixed(key, head * proposed.shape[0] + place) % np.uint64(live))
            if not _among(proposed[:count], slot):
                proposed[count] = slot
                count += 1
        proposed[count:] = -1
    choose_slots(memory, candidates, journal, t, 0)


@inlined
def _among(slots: Array, slot: int) -> bool:
    for other in slots:  # noqa: SIM110  # numba knows no any() of a generator
        if other == slot:
            return True
    return False


@inlined
def _answer(words: Array, output: Array, heads: int) -> None:
    """The heads' mean of what the words read say about the value."""
    size = words.shape[0] // heads
    for bit in range(output.shape[0]):
        total = output.dtype.type(0)
        for head in range(heads):
            total += words[head * size + bit]
        output[bit] = GAIN * total / heads
