"""What a URL means, and how what is wrong with it is repaired."""

import pytest

from samviz.app.address import Limits, Selection, pair, parse, repaired, to_params, whole

LIMITS = Limits(steps=100, slots=8, heads=2, landing=42)


def test_a_selection_survives_its_url() -> None:
    chosen = Selection(trace="a b&c.h5", t=7, slot=0, head=1, window=(3, 9))
    assert parse(to_params(chosen)) == chosen
    assert to_params(Selection()) == {}


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "1e3", "٣", "9" * 13, None, True, 2.0])
def test_what_is_no_whole_number_counts_as_not_given(text: object) -> None:
    assert whole(text) is None


@pytest.mark.parametrize("text", ["", "5", "5-", "a-b", "1-2-3", [1], [1, None], None, 5])
def test_what_is_no_pair_counts_as_not_given(text: object) -> None:
    assert pair(text) is None


def test_repair_goes_to_the_nearest_thing_there_is() -> None:
    assert repaired(Selection(), LIMITS).t == 42
    assert repaired(Selection(t=1000), LIMITS).t == 99
    assert repaired(Selection(t=5, slot=8, head=2), LIMITS) == Selection(t=5)
    assert repaired(Selection(t=5, slot=7, head=1), LIMITS) == Selection(t=5, slot=7, head=1)
    assert repaired(Selection(t=5, window=(90, 500)), LIMITS).window == (90, 100)
    assert repaired(Selection(t=5, window=(0, 100)), LIMITS).window is None
    assert repaired(Selection(t=5, window=(9, 9)), LIMITS).window is None
