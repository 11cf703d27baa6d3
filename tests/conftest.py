"""Two test processes share the machine; a second thread in either costs torch more than it brings."""

import sys

import pytest


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Pin torch to one thread where a test has it anyway; imports that tests look at stay as they are."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
