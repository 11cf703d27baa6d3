"""Record for ever into the path given, for the crash tests to kill. Window i is made from seed i."""

import sys
from types import SimpleNamespace

import numpy as np

from tests.builders import Arrays, make_dimensions, random_arrays, recorder_for

SIZES = make_dimensions(word_size=8)
WINDOW = 100
EPISODE_WINDOWS = 7


def window_arrays(number: int) -> Arrays:
    return random_arrays(np.random.default_rng(number), WINDOW, SIZES)


if __name__ == "__main__":
    with recorder_for(sys.argv[1], SIZES, fsync_s=0.05) as recorder:
        number = 0
        while True:
            arrays = window_arrays(number)
            recorder.append(SimpleNamespace(**arrays), episode=number // EPISODE_WINDOWS)
            number += 1
