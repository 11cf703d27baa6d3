from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samviz.trace import Trace, open_trace
from tests.builders import make_dimensions, random_events, write_trace


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    """90 random steps in three episodes of 40, 20 and 30."""
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(1), 90, sizes)
    with open_trace(write_trace(tmp_path / "run.h5", events, sizes, [40, 20])) as opened:
        yield opened
