"""The toy task: keys and values are shown, keys are asked again; what is right, and how it is drawn."""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.script import ASK, REVISE, STORE, Answers, Script

Array = np.ndarray[Any, Any]

KEY_BITS = 20
_ODD = 659_483  # spreads the keys of neighbouring items; odd, so that they differ
KINDS = {"store": STORE, "ask": ASK, "revise": REVISE}
DESCRIPTION = (
    "Keys with a value each are stored, and asked for after lags of all sizes; some values are revised. "
    "No model: a script writes the words and asks, the memory is SAM's."
)


def value_bits(word_size: int) -> int:
    """V: a quarter of the word says the value, at most 8 numbers of it."""
    return max(1, min(8, word_size // 4))


def input_size(bits: int) -> int:
    """Key, value, and a flag for each kind of step."""
    return KEY_BITS + bits + len(KINDS)


def task_meta(bits: int) -> dict[str, Any]:
    """What a trace says about the task."""
    flags = KEY_BITS + bits
    return {
        "name": "demo",
        "description": DESCRIPTION,
        "input_fields": [
            {"name": "key", "kind": "bits", "start": 0, "stop": KEY_BITS},
            {"name": "value", "kind": "bits", "start": KEY_BITS, "stop": flags},
            *(
                {"name": name, "kind": "flag", "start": flags + i, "stop": flags + i + 1}
                for i, name in enumerate(KINDS)
            ),
        ],
        "output_fields": [{"name": "value", "kind": "bits", "start": 0, "stop": bits}],
    }


class Told(NamedTuple):
    """The io columns of a window, all [T, 1, ...]; loss in bits."""

    input: Array
    output: Array
    target: Array
    mask: Array
    loss: Array
    source: Array


def io_columns(script: Script, answers: Answers) -> Told:
    """What the task shows, what came out, and what should have."""
    asked = script.kind == ASK
    key = (script.item.astype(np.int64) * _ODD) % 2**KEY_BITS
    shown = (
        key[:, None] >> np.arange(KEY_BITS) & 1,
        np.where(asked[:, None], 0, answers.value),
        script.kind[:, None] == np.array(list(KINDS.values())),
    )
    columns = Told(
        input=np.concatenate(shown, axis=1).astype(np.float32),
        output=answers.output,
        target=np.where(asked[:, None], answers.value, 0).astype(np.float32),
        mask=asked,
        loss=np.where(asked, _loss_bits(answers), 0).astype(np.float32),
        source=np.where(asked, answers.told, -1)[:, None],
    )
    return Told(*(column[:, None] for column in columns))


def _loss_bits(answers: Answers) -> Array:
    """Cross-entropy of the value's bits, in bits."""
    against = np.where(answers.value == 1, -answers.output, answers.output)
    return np.asarray(np.logaddexp(0, against).sum(1) / np.log(2))
