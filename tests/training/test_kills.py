"""A run that is killed ends with the loss curve of an unbroken one."""

from pathlib import Path

import pytest

from tests.training.kills import killed_run


@pytest.mark.slow
def test_a_killed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    found = killed_run(tmp_path, kills=3, steps=1500, seed=1)
    assert found["kills"] >= 1  # a fast machine may come to the end before the third
    assert found["steps"] == [1500, 1500]
    assert found["different_steps"] == 0
    assert found["same_weights"]
