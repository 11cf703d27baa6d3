from pathlib import Path

import pytest

from tests.rewrite.builders import make_trace


@pytest.fixture
def trace_path(tmp_path: Path) -> Path:
    """A finished trace of 90 steps in three episodes, with all that a trace can hold."""
    return make_trace(tmp_path / "run.h5", [40, 20, 30], start=True, check=True, weights=b"w" * 100, batch=2)
