from pathlib import Path

import numpy as np
import pytest

from tests.builders import make_dimensions, random_events, write_trace


@pytest.fixture
def trace_path(tmp_path: Path) -> Path:
    """A closed trace of 90 steps in three episodes."""
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 90, sizes)
    meta = {"model": {"class": "SAM"}, "task": {"name": "recall"}, "seed": 0}
    return write_trace(tmp_path / "run.h5", events, sizes, [40, 20], meta=meta)
