"""What a scripted memory is told: gates, write words and queries, made of an item's value and key.

Every number is a function of the seed, of what it is for, and of step and head, or item and version.

Shape legend: T B H N W K as everywhere, B = 1; I items, V bits of a value.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import inlined, inlined_exactly
from samviz.kernels.counted import bell, even, mixed
from samviz.kernels.products import assign, norm

Array = np.ndarray[Any, Any]

STORE, ASK, REVISE = 0, 1, 2
COPY_NOISE = 0.25  # how much the copies of an item differ, and a query from what it asks for
QUERY_NOISE = 0.15
CORRECTION = 1.17  # a revision is written with weights that add up to about 0.85

VALUE, KEY, GATE, WORD, QUERY, DECOY = range(6)  # what random numbers are for


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


@inlined_exactly
def random_key(seed: Any, purpose: int, first: int, second: int) -> Any:
    """What all random numbers of one purpose are drawn from."""
    return mixed(mixed(mixed(seed, purpose), first), second)


@inlined
def tell(script: Script, items: Items, answers: Answers, t: int, seed: Any, step: int) -> None:
    """Renew the item's value where the step tells one, and note value and source."""
    item = script.item[t]
    if script.kind[t] == REVISE:
        items.version[item] += 1
    if script.kind[t] != ASK:
        items.told[item] = step
    answers.told[t] = items.told[item]
    key = random_key(seed, VALUE, item, items.version[item])
    for bit in range(answers.value.shape[1]):
        answers.value[t, bit] = mixed(key, bit) & np.uint64(1)


@inlined
def set_gates(journal: Journal, kind: int, t: int, head: int, key: Any) -> None:
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
def set_word(
    word: Array, script: Script, items: Items, answers: Answers, t: int, seed: Any, key: Any
) -> None:
    """The head's copy of a new item, what turns an old value into the new one, or noise."""
    bits, item = answers.value.shape[1], script.item[t]
    if script.kind[t] == STORE:
        _set_code(word, bits, item, 0, seed)
    else:
        word[:] = 0
    if script.kind[t] == REVISE:
        before = random_key(seed, VALUE, item, items.version[item] - 1)
        for bit in range(bits):
            change = np.int64(answers.value[t, bit]) - np.int64(mixed(before, bit) & np.uint64(1))
            word[bit] = 2 * CORRECTION * change
        return
    for d in range(word.shape[0]):
        word[d] += COPY_NOISE * bell(key, d)


@inlined
def _set_code(word: Array, bits: int, item: int, version: int, seed: Any) -> None:
    """The word of an item: signs for its value, and its key."""
    value, key = random_key(seed, VALUE, item, version), random_key(seed, KEY, item, 0)
    for bit in range(bits):
        word[bit] = 1 if mixed(value, bit) & np.uint64(1) else -1
    for d in range(bits, word.shape[0]):
        word[d] = bell(key, d)


@inlined
def set_query(
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
