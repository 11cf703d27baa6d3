"""Traces of other people's models: both pages work, and say in words what is not there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from samviz.analysis.scale import memory_scale, scales
from samviz.app.stage.feed import overview_message
from samviz.app.stage.pack import unpack
from samviz.app.stage.window import window
from samviz.trace import open_trace
from tests.app.conftest import OpenPage, running
from tests.app.foreign_traces import FOREIGN, write_foreign, write_full
from tests.app.test_browser_pages import COLORS, PANELS
from tests.app.test_pages import run
from tests.app.waiting import stage
from tests.builders import add_start, make_dimensions, random_events, write_trace

GATES = "This trace holds no gates and no read strength: the model has none, or they were not recorded."
TASK = "This trace holds no inputs, outputs or targets: there is nothing to show of the task."
EMPTY = {
    "dense": {"gates": GATES, "task": TASK},
    "largest": {"gates": GATES},
    "full": {"gates": GATES, "task": TASK},
}
FOOT = {
    "dense": "Links were not recorded. Batch element 0 of 2 is shown.",
    "largest": "Each head reads 64 slots; its 4 largest weights were recorded. Cosines of query and row",
    "full": "The memory was not empty when recording began",
    "some": "Cosines of query and row were not recorded. Links were not recorded.",
}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One trace of each kind."""
    return write_foreign(tmp_path_factory.mktemp("foreign"))


@pytest.fixture(scope="module")
def address(foreign: Path) -> Iterator[str]:
    """Where the app shows them."""
    with running(foreign) as at:
        yield at


@pytest.mark.parametrize("name", FOREIGN)
def test_both_pages_run(name: str, foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("home", foreign, monkeypatch, trace=f"{name}.h5")
    test = run("replay", foreign, monkeypatch, trace=f"{name}.h5", t="7")
    assert test.session_state["samviz"].selection.t == 7


@pytest.mark.parametrize("name", FOREIGN)
def test_a_window_holds_what_the_trace_does_and_no_more(name: str, foreign: Path) -> None:
    with open_trace(foreign / f"{name}.h5") as trace:
        header, arrays = unpack(window(trace, 0, name, scales(trace)))
        for gate in ("alpha", "gamma", "beta"):
            assert (gate in arrays) == (f"gate/{gate}" in trace)
        for column in ("input", "output", "target", "source"):
            assert (column in arrays) == (f"io/{column}" in trace)
        assert "read_score" not in arrays
        assert "mask" not in arrays
        assert header["read_of"] == (64 if name == "largest" else 0)
        assert not unpack(overview_message(trace, name, None, []))[0]["erases"]


def test_the_colours_of_a_memory_that_is_only_read_fit_what_it_held(tmp_path: Path) -> None:
    with open_trace(write_full(tmp_path / "full.h5")) as trace:
        held = np.abs(trace["start/row"][:])
        assert 0.5 * held.max() < memory_scale(trace) <= held.max()


@pytest.mark.browser
@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_panel_shows_something_or_says_why_not(
    open_page: OpenPage, address: str, name: str, width: int, scheme: str
) -> None:
    page = open_page(f"/replay?trace={name}.h5&t=7", at=address, width=width, scheme=scheme)
    stage(page, t=7, trace=f"{name}.h5")
    for panel in PANELS:
        canvas = page.locator(f".panel-{panel} canvas")
        assert canvas.evaluate(COLORS) > 3, panel
        why = EMPTY.get(name, {}).get(panel)
        label = canvas.get_attribute("aria-label") or ""
        assert label.endswith(f": {why}") if why else ":" not in label
    expect(page.locator(".foot")).to_contain_text(FOOT[name])
    assert page.locator(".mark-erase, .mark-right, .mark-wrong, .mark-source").count() == 0


@pytest.mark.browser
def test_what_one_trace_said_is_gone_with_the_next(open_page: OpenPage, address: str) -> None:
    page = open_page("/replay?trace=some.h5&t=7", at=address)
    stage(page, t=7, trace="some.h5")
    expect(page.locator(".panel-gates .note")).to_have_text("steps 0–24")
    page.get_by_label("trace", exact=True).select_option("dense.h5")
    stage(page, trace="dense.h5")
    expect(page.locator(".panel-gates .note")).to_have_text("")
    assert page.locator(".panel-gates canvas").get_attribute("aria-label") == f"Gates and strength: {GATES}"
    page.get_by_label("trace", exact=True).select_option("some.h5")
    stage(page, trace="some.h5")
    assert page.locator(".panel-gates canvas").get_attribute("aria-label") == "Gates and strength"


@pytest.mark.browser
def test_home_says_that_nothing_was_answered(open_page: OpenPage, address: str) -> None:
    page = open_page("/?trace=dense.h5", at=address)
    page.wait_for_selector(".home[data-shown='dense.h5']")
    expect(page.locator(".home")).to_contain_text("No answers were recorded")
    expect(page.locator(".home")).to_contain_text("No losses were recorded.")
    expect(page.locator("tr[data-episode]")).to_have_count(3)
    expect(page.get_by_role("group", name="which episodes")).to_have_count(0)


@pytest.mark.browser
def test_an_access_before_the_recording_is_told(
    open_page: OpenPage, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    sizes = make_dimensions(slots=40, heads=1, reads=1)
    events = random_events(np.random.default_rng(0), 3, sizes)
    events.read_slot[:], events.write_slot[:] = 30, 31
    path = write_trace(tmp_path / "run.h5", events, sizes)
    add_start(path, [0, 1], [0, 0], np.ones((2, 3)), [-8, -1])
    page = open_page("/replay?trace=run.h5&t=2&slot=0", at=serve(tmp_path))
    stage(page, t=2, slot=0)
    page.locator(".panel-memory canvas").hover(position={"x": 150, "y": 35})
    expect(page.locator(".tip")).to_contain_text(
        "slot 0 at the end of step 2, last accessed before recording began, 9 steps ago"
    )
    page.locator(".panel-memory canvas").hover(position={"x": 150, "y": 46})
    expect(page.locator(".tip")).to_contain_text(
        "slot 1 at the end of step 2, not accessed in this episode so far"
    )
