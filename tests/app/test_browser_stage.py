"""The stage in a real browser: keys, pointer, playback, and the cursor that the URL and Back follow."""

import pytest
from playwright.sync_api import expect

from tests.app.conftest import OpenPage
from tests.app.waiting import query, stage

pytestmark = pytest.mark.browser

REPLAY = "/replay?trace=first.h5"


def test_keys(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=long.h5&t=150")
    stage(page, t=150, block=1)
    for key, t in [
        ("ArrowRight", 151),
        ("ArrowLeft", 150),
        ("Shift+ArrowRight", 250),
        ("Shift+ArrowLeft", 150),
    ]:
        page.keyboard.press(key)
        stage(page, t=t)
    page.keyboard.press("End")
    stage(page, t=399, block=3)
    page.keyboard.press("Home")
    stage(page, t=0, block=0)
    query(page, "t=0")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("g")
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    stage(page, t=77)


def test_keys_are_left_to_whoever_types(open_page: OpenPage) -> None:
    page = open_page(REPLAY)
    stage(page, t=29)
    page.get_by_label("slot").focus()
    page.keyboard.press("Home")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    stage(page, t=29, slot=7)


def test_playing_moves_on_and_stops(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=first.h5&t=30")
    stage(page, t=30)
    page.get_by_label("speed").select_option("10")  # three seconds: long enough to be seen playing under load
    page.locator(".place").click()
    page.keyboard.press("Space")
    stage(page, playing=1)
    stage(page, playing=0, t=59)
    query(page, "t=59")
    page.locator(".transport .play").click()
    stage(page, playing=1)
    page.locator(".transport .play").click()
    stage(page, playing=0)


def test_events_of_the_focused_slot(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=long.h5&t=100&slot=5")
    stage(page, t=100, slot=5, events=5)
    page.keyboard.press(".")
    page.wait_for_selector(".samviz:not([data-t='100'])")
    later = int(page.locator(".samviz").get_attribute("data-t") or 0)
    assert later > 100
    page.keyboard.press(",")
    page.wait_for_selector(f".samviz:not([data-t='{later}'])")
    assert int(page.locator(".samviz").get_attribute("data-t") or 0) <= 100


def test_the_cursor_is_in_the_url_and_back_returns(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=first.h5&t=5")
    stage(page, t=5)
    page.keyboard.press("ArrowRight")
    query(page, "t=6")
    page.keyboard.press("End")
    query(page, "t=59")
    page.go_back()
    stage(page, t=6)
    page.go_back()
    stage(page, t=5)
    page.go_forward()
    stage(page, t=6)


def test_a_click_focuses_and_escape_clears(open_page: OpenPage) -> None:
    page = open_page(REPLAY)
    stage(page, t=29, slot="")
    page.locator(".panel-memory canvas").click(position={"x": 150, "y": 200})
    page.wait_for_selector(".samviz:not([data-slot=''])")
    query(page, "slot=")
    page.locator(".panel-task canvas").click(position={"x": 140, "y": 80})
    page.wait_for_selector(".samviz:not([data-t='29'])")
    page.keyboard.press("Escape")
    stage(page, slot="")


def test_hovering_says_what_happened(open_page: OpenPage) -> None:
    page = open_page(REPLAY)
    stage(page, t=29)
    page.locator(".panel-weights canvas").hover(position={"x": 24, "y": 60})
    expect(page.locator(".tip")).to_contain_text("step 29, head 0 read slot")


def test_dragging_zooms_and_fit_zooms_out(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=long.h5&t=10")
    stage(page, t=10, zoom="")
    box = page.locator(".panel-overview canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 60, steps=3)
    page.mouse.up()
    page.wait_for_selector(".samviz:not([data-zoom=''])")
    query(page, "window=")
    page.keyboard.press("f")
    stage(page, zoom="", t=10)


def test_a_late_report_never_moves_the_cursor_back(open_page: OpenPage) -> None:
    """Reports of an earlier cursor are still under way while it moves on over several blocks."""
    page = open_page("/replay?trace=long.h5&t=0")
    stage(page, t=0)
    for k in range(1, 4):
        page.keyboard.press("Shift+ArrowRight")
        stage(page, t=100 * k, block=100 * k // 128)
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    stage(page, t=310)
    query(page, "t=310")
    stage(page, t=310)
