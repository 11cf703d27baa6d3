"""A SAM whose gates, write words and queries come from a script in place of a controller.

The script stores items (a key and a value each) and asks for them again; the memory is SAM's own: the write,
the read and the usage are those of the model. A word says the value in its first V numbers, as signs, and the
key in the others. Each head stores a slightly different copy of an item, so that the words nearest to a
query for it are known without a search: those copies.

Shape legend: T B H N W K as everywhere, B = 1; I items, V bits of a value, C candidates of a head.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled, inlined, inlined_exactly
from samviz.kernels.content import choose_slots, weigh_content
from samviz.kernels.counted import bell, even, mixed
from samviz.kernels.exact import nearest
from samviz.kernels.forward import note_usage, read_words
from samviz.kernels.products import assign, norm
from samviz.kernels.write import write

Array = np.ndarray[Any, Any]

STORE, ASK, REVISE = 0, 1, 2
EXACT_BELOW = 4096  # live slots: so many are searched for the nearest; among more, the copies are known
COPY_NOISE = 0.25  # how much the copies of an item differ, and a query from what it asks for
QUERY_NOISE = 0.15
CORRECTION = 1.17  # a revision is written with weights that add up to about 0.85
DECOYS = 4
GAIN = 4.0  # from what was read to the answer's logits

_VALUE, _KEY, _GATE, _WORD, _QUERY, _DECOY = range(6)  # what random numbers are for


class Script(NamedTuple):
    """What happens at each step of a window."""

    kind: Any  # [T] uint8: STORE, ASK or REVISE
    item: Any  # [T] int32, the item that is stored, asked for or revised
    wanted: Any  # [T, H] int32, the item that each head looks for


class Items(NamedTuple):
    """Every item's fate."""

    slot: Any  # [I, H] int32, where its copies were stored
    version: Any  # [I] int32, how often its value was revised
    told: Any  # [I] int32, the step that told its value last
    owner: Any  # [N] int32, the item that a slot holds a copy of, -1 none


class Answers(NamedTuple):
    """What the toy task shows and what comes out."""

    value: Any  # [T, V] uint8, the item's value at that step
    told: Any  # [T] int32, the step that told it
    output: Any  # [T, V] logits of the value, out of the words that were read


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
        _tell(script, items, answers, t, seed, first_step + t)
        for head in range(script.wanted.shape[1]):
            _set_gates(journal, script.kind[t], t, head, _key(seed, _GATE, first_step + t, head))
            key = _key(seed, _WORD, first_step + t, head)
            _set_word(journal.word[t, 0, head], script, items, answers, t, seed, key)
        write(memory, journal, t, 0)
        _note_owners(journal.write_slot[t, 0], script, items, t)
        for head in range(script.wanted.shape[1]):
            key = _key(seed, _QUERY, first_step + t, head)
            _set_query(
                journal.query[t, 0, head], answers, memory, script.wanted[t, head], items, head, seed, key
            )
        _search(memory, journal, script, items, candidates, t, _key(seed, _DECOY, first_step + t, 0))
        weigh_content(journal, t, 0)
        read_words(memory, journal, t, 0)
        note_usage(memory, journal, t, 0, delta, first_step + t)
        _answer(journal.joined[t + 1, 0], answers.output[t], script.wanted.shape[1])


@inlined_exactly
def _key(seed: Any, purpose: int, first: int, second: int) -> Any:
    return mixed(mixed(mixed(seed, purpose), first), second)


@inlined
def _tell(script: Script, items: Items, answers: Answers, t: int, seed: Any, step: int) -> None:
    """Renew the item's value where the step tells one, and note value and source."""
    item = script.item[t]
    if script.kind[t] == REVISE:
        items.version[item] += 1
    if script.kind[t] != ASK:
        items.told[item] = step
    answers.told[t] = items.told[item]
    key = _key(seed, _VALUE, item, items.version[item])
    for bit in range(answers.value.shape[1]):
        answers.value[t, bit] = mixed(key, bit) & np.uint64(1)


@inlined
def _set_gates(journal: Journal, kind: int, t: int, head: int, key: Any) -> None:
    """Write to the taken slot alone, next to nothing, or to what was read at the step before."""
    first, second = even(key, 0), even(key, 1)
    if kind == STORE:
        journal.alpha[t, 0, head], journal.gamma[t, 0, head] = 0.9 + 0.1 * first, 0.04 * second
    elif kind == ASK:
        journal.alpha[t, 0, head], journal.gamma[t, 0, head] = 0.004 * first, 0.2 + 0.6 * second
    else:
        journal.alpha[t, 0, head], journal.gamma[t, 0, head] = 0.85 + 0.1 * first, 0.9 + 0.06 * second
    journal.beta[t, 0, head] = 8 + 12 * even(key, 2)


@inlined
def _set_word(
    word: Array, script: Script, items: Items, answers: Answers, t: int, seed: Any, key: Any
) -> None:
    """The head's copy of a new item, what turns an old value into the new one, or noise."""
    bits, item = answers.value.shape[1], script.item[t]
    if script.kind[t] == STORE:
        _set_code(word, bits, item, 0, seed)
    else:
        word[:] = 0
    if script.kind[t] == REVISE:
        before = _key(seed, _VALUE, item, items.version[item] - 1)
        for bit in range(bits):
            change = np.int64(answers.value[t, bit]) - np.int64(mixed(before, bit) & np.uint64(1))
            word[bit] = 2 * CORRECTION * change
        return
    for d in range(word.shape[0]):
        word[d] += COPY_NOISE * bell(key, d)


@inlined
def _set_code(word: Array, bits: int, item: int, version: int, seed: Any) -> None:
    """The word of an item: signs for its value, and its key."""
    value, key = _key(seed, _VALUE, item, version), _key(seed, _KEY, item, 0)
    for bit in range(bits):
        word[bit] = 1 if mixed(value, bit) & np.uint64(1) else -1
    for d in range(bits, word.shape[0]):
        word[d] = bell(key, d)


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
def _set_query(
    query: Array,
    answers: Answers,
    memory: MemoryArrays,
    item: int,
    items: Items,
    head: int,
    seed: Any,
    key: Any,
) -> None:
    """A noisy copy of the head's own copy of the item; of its word where that copy was overwritten."""
    slot = items.slot[item, head]
    if items.owner[slot] == item:
        assign(query, memory.word[0, slot])
    else:
        _set_code(query, answers.value.shape[1], item, items.version[item], seed)
    scale = QUERY_NOISE * norm(query) / np.sqrt(np.float32(query.shape[0]))
    for d in range(query.shape[0]):
        query[d] += scale * bell(key, d)


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
