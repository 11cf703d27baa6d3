"""Both pages in a real browser: what is drawn in every look, and what must not happen."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from samviz.trace import open_trace
from tests.app.conftest import OpenPage
from tests.app.traces import META, write_model, write_recall
from tests.app.waiting import query, stage
from tests.builders import make_dimensions, random_events, write_trace

pytestmark = pytest.mark.browser

Serve = Callable[[Path], str]

REPLAY = "/replay?trace=first.h5"
PANELS = ("overview", "memory", "weights", "usage", "task", "gates")
LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]

# Distinct colours of a canvas: a blank one has one.
COLORS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_replay_draws_every_panel(open_page: OpenPage, width: int, height: int, scheme: str) -> None:
    page = open_page(REPLAY, width=width, height=height, scheme=scheme)
    stage(page, t=29, mode=scheme)
    for name in PANELS:
        assert page.locator(f".panel-{name} canvas").evaluate(COLORS) > 8, name
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("(n) => n.scrollWidth - n.clientWidth") <= 0
    if width == 1440:
        assert main.evaluate("(n) => n.scrollHeight - n.clientHeight") <= 0
    expect(page.locator(".foot")).to_contain_text("Links were not recorded: this is a SAM trace.")
    expect(page.locator(".verdict")).to_contain_text("2 of 4 bits wrong")


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_home_lists_traces_and_episodes(open_page: OpenPage, width: int, height: int, scheme: str) -> None:
    page = open_page("/", width=width, height=height, scheme=scheme)
    expect(page.locator(".home button.trace")).to_have_count(2)
    expect(page.locator(".home .broken")).to_contain_text("expected an HDF5 file")
    expect(page.locator("tr[data-episode]")).to_have_count(6)
    page.get_by_role("button", name="Wrong 2").click()
    expect(page.locator("tr[data-episode]")).to_have_count(2)
    assert page.locator("[data-testid=stMain]").evaluate("(n) => n.scrollWidth - n.clientWidth") <= 0


def test_an_episode_opens_at_its_first_wrong_answer_else_its_first_answer(open_page: OpenPage) -> None:
    page = open_page("/")
    page.locator("tr[data-episode='4']").click()
    stage(page, t=49, trace="first.h5")
    query(page, "t=49")
    page.go_back()
    page.locator("tr[data-episode='1']").get_by_role("button").press("Enter")
    stage(page, t=19)


def test_another_trace_can_be_picked_on_both_pages(open_page: OpenPage) -> None:
    page = open_page("/")
    page.locator("button.trace[data-name='long.h5']").click()
    page.wait_for_selector(".home[data-shown='long.h5']")
    page.locator("tr[data-episode='30']").click()
    stage(page, t=309, trace="long.h5", block=2)
    page.get_by_label("trace", exact=True).select_option("first.h5")
    stage(page, t=29, trace="first.h5")
    page.go_back()
    stage(page, t=309, trace="long.h5")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("trace=first.h5&t=99999", {"t": 59, "trace": "first.h5"}),
        ("trace=first.h5&t=abc&slot=99&head=-1", {"t": 29, "slot": "", "head": ""}),
        ("trace=..%2F..%2Fetc%2Fpasswd&t=3", {"trace": "first.h5"}),
        ("trace=first.h5&window=9-2&t=4", {"t": 4, "zoom": ""}),
    ],
)
def test_bad_urls_are_repaired(open_page: OpenPage, asked: str, shown: dict[str, object]) -> None:
    page = open_page(f"/replay?{asked}")
    stage(page, **shown)
    page.wait_for_url(
        lambda url: not any(bad in urlsplit(url).query for bad in ("99", "abc", "passwd", "9-2"))
    )


def test_a_file_that_is_no_trace_says_so(open_page: OpenPage) -> None:
    page = open_page("/replay?trace=broken.h5")
    expect(page.get_by_text("This file cannot be shown")).to_be_visible()


def test_an_empty_folder_says_how_to_record(open_page: OpenPage, serve: Serve, tmp_path: Path) -> None:
    address = serve(tmp_path)
    for path in ("/", "/replay"):
        page = open_page(path, at=address)
        expect(page.get_by_text("samviz record --task recall")).to_be_visible()


def test_strings_of_a_trace_are_text_and_nothing_else(
    open_page: OpenPage, serve: Serve, tmp_path: Path
) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    field = {"name": hostile, "kind": "flag", "start": 0, "stop": 6}
    task = {"name": hostile, "description": hostile, "input_fields": [field]}
    meta = {**META, "model": {"class": hostile}, "task": task}
    write_recall(tmp_path / "<b onclick=alert(1)>.h5", episodes=3, meta=meta)
    page = open_page("/", at=serve(tmp_path))
    expect(page.locator(".home .facts").first).to_contain_text("<script>")
    page.locator("tr[data-episode='2']").click()
    stage(page, t=29)
    page.locator(".panel-task canvas").hover(position={"x": 130, "y": 50})
    expect(page.locator(".tip")).to_contain_text("<img")
    assert page.title() == "samviz"
    assert page.locator("img[src='x']").count() == 0


SHAPES = {
    "smallest": {"slots": 2, "word_size": 1, "heads": 1, "reads": 1},
    "many-heads": {"slots": 700, "word_size": 48, "heads": 12, "reads": 8},
}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("shape", SHAPES)
def test_other_shapes_draw_and_say_what_is_missing(
    open_page: OpenPage, serve: Serve, tmp_path: Path, shape: str, width: int
) -> None:
    sizes = make_dimensions(**SHAPES[shape])
    write_trace(tmp_path / "run.h5", random_events(np.random.default_rng(0), 30, sizes), sizes, [10])
    page = open_page("/replay", at=serve(tmp_path), width=width)
    stage(page, t=0)
    page.keyboard.press("End")
    stage(page, t=29)
    for name in PANELS:
        assert page.locator(f".panel-{name} canvas").evaluate(COLORS) > 3, name
    expect(page.locator(".verdict")).to_contain_text("Not scored: output, target or mask was not recorded")


def test_an_entry_that_a_link_alone_led_to_says_so(open_page: OpenPage, serve: Serve, tmp_path: Path) -> None:
    with open_trace(write_model(tmp_path, "sdnc", heads=2)) as trace:
        score, weight = trace["read/score"][:, 0, 0], trace["read/weight"][:, 0, 0]
    t = int(np.flatnonzero(np.isnan(score[np.arange(len(score)), weight.argmax(-1)]))[0])
    page = open_page(f"/replay?trace=sdnc.h5&t={t}", at=serve(tmp_path))
    stage(page, t=t)
    page.locator(".panel-weights canvas").hover(position={"x": 24, "y": 60})
    expect(page.locator(".tip")).to_contain_text("not found by content: a link alone led here")
    expect(page.locator(".panel-usage .note")).to_contain_text("least recently accessed slots are erased")
    expect(page.locator(".foot")).not_to_contain_text("Links")


@pytest.mark.parametrize(("model", "note"), [("dam", "least used slots are erased first"), ("dnc", "")])
def test_a_dense_trace_is_not_taken_for_a_sparse_one(
    open_page: OpenPage, serve: Serve, tmp_path: Path, model: str, note: str
) -> None:
    write_model(tmp_path, model)
    page = open_page("/replay", at=serve(tmp_path))
    stage(page, trace=f"{model}.h5")
    expect(page.locator(".foot")).to_contain_text(f"this is a {model.upper()} trace")
    expect(page.locator(".panel-usage .note")).to_have_text(note)
    for name in PANELS:
        assert page.locator(f".panel-{name} canvas").evaluate(COLORS) > 3, name


def test_the_scale_of_a_faint_memory_is_not_zero(open_page: OpenPage, serve: Serve, tmp_path: Path) -> None:
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 20, sizes)
    write_trace(tmp_path / "faint.h5", events._replace(write_row=events.write_row * 0.002), sizes)
    page = open_page("/replay", at=serve(tmp_path))
    stage(page, t=0)
    expect(page.locator(".panel-memory .extra")).to_contain_text("+0.005")
