"""Record for ever into the path given, for the crash tests to kill. Window i is made from seed i.

Usage: python -m tests.recorder.writer PATH [--stop]; --stop ends it when recording stopped by itself.
"""

import sys
from types import SimpleNamespace

import numpy as np

from samviz.errors import TraceError
from samviz.terminal import stop_request
from tests.builders import Arrays, make_dimensions, random_arrays, recorder_for

SIZES = make_dimensions(word_size=8)
WINDOW = 100
EPISODE_WINDOWS = 7


def window_arrays(number: int) -> Arrays:
    return random_arrays(np.random.default_rng(number), WINDOW, SIZES)


def main(path: str, stop: bool) -> None:
    memory = np.zeros((SIZES.batch, SIZES.slots, SIZES.word_size), np.float32)
    with stop_request() as asked, recorder_for(path, SIZES, fsync_s=0.05, checks=True) as recorder:
        number = 0
        while not (asked() or (stop and recorder.stopped)):
            if number % EPISODE_WINDOWS == 0:
                memory[:] = 0
            arrays = window_arrays(number)
            written = arrays["write_slot"][:, 0] >= 0
            memory[0, arrays["write_slot"][:, 0][written]] = arrays["write_row"][:, 0][written]
            recorder.append(SimpleNamespace(**arrays), episode=number // EPISODE_WINDOWS, check=memory)
            number += 1


if __name__ == "__main__":
    try:
        main(sys.argv[1], "--stop" in sys.argv)
    except TraceError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
