"""The task strip in a real browser: words as text, characters as images, values as bars, and sentences."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from samviz.app.stage.component import script
from tests.app.conftest import WAIT_MS, OpenPage, running
from tests.app.task_traces import VOCABULARY, write_characters, write_sort, write_story
from tests.app.test_browser_pages import COLORS
from tests.app.waiting import stage

pytestmark = pytest.mark.browser

LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]
ANSWER = 61  # a step of story.h5 that answers rightly
MISTAKE = 72  # one that does not


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app over one trace of each kind of field."""
    folder = tmp_path_factory.mktemp("tasks")
    write_story(folder / "story.h5")
    write_story(
        folder / "hostile.h5", tuple(f"<img src=x onerror=alert({i})>" for i in range(len(VOCABULARY)))
    )
    write_characters(folder / "characters.h5")
    write_sort(folder / "sort.h5")
    with running(folder) as address:
        yield address


def hover(page: Page, x: float, y: float) -> str:
    """What the tip says at a point of the task strip."""
    page.locator(".panel-task canvas").hover(position={"x": x, "y": y})
    expect(page.locator(".tip")).to_be_visible()
    return page.locator(".tip").inner_text()


def geometry(page: Page) -> dict[str, Any]:
    """Where the strip of a page of 28 steps has its columns, for a canvas of its width."""
    width = page.locator(".panel-task canvas").evaluate("(canvas) => canvas.clientWidth")
    return {"left": 92, "each": (width - 94) / 28}


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
@pytest.mark.parametrize(("trace", "t"), [("story", ANSWER), ("characters", 40), ("sort", 15)])
def test_the_strip_is_drawn_and_fits(
    open_page: OpenPage, tasks: str, trace: str, t: int, width: int, height: int, scheme: str
) -> None:
    page = open_page(f"/replay?trace={trace}.h5&t={t}", at=tasks, width=width, height=height, scheme=scheme)
    stage(page, t=t, mode=scheme)
    assert page.locator(".panel-task canvas").evaluate(COLORS) > 16
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("(n) => n.scrollWidth - n.clientWidth") <= 0
    if width == 1440:
        assert main.evaluate("(n) => n.scrollHeight - n.clientHeight") <= 0


def test_words_stand_in_sentences(open_page: OpenPage, tasks: str) -> None:
    page = open_page(f"/replay?trace=story.h5&t={MISTAKE}", at=tasks)
    stage(page, t=MISTAKE)
    expect(page.locator(".verdict")).to_contain_text('the model answered "in"')
    expect(page.locator(".verdict")).to_contain_text('target "hallway" · step 28 of 28 in the episode')
    expect(page.locator(".panel-task .legend")).to_contain_text("wrong answer")
    g = geometry(page)
    shown = hover(page, g["left"] + 4.5 * g["each"], 40)
    assert shown.splitlines()[0] == 'step 49: the input is "hallway"'
    said = hover(page, g["left"] + (ANSWER - 45 + 0.5) * g["each"], 125)
    assert said.startswith('step 61: the model answered "hallway" (0.93), right')
    assert "the answer was shown at step 49, 12 steps ago" in said
    quiet = hover(page, g["left"] + 0.5 * g["each"], 125)
    assert quiet.startswith("step 45: not scored, the largest output is")


def test_running_text_leads_to_its_step(open_page: OpenPage, tasks: str) -> None:
    page = open_page(f"/replay?trace=story.h5&t={ANSWER}", at=tasks)
    stage(page, t=ANSWER)
    canvas = page.locator(".panel-task canvas")
    height = canvas.evaluate("(canvas) => canvas.clientHeight")
    said = {}
    for y in range(height - 4, height - 60, -6):
        canvas.hover(position={"x": 100, "y": y})
        if page.locator(".tip").is_visible():
            said[y] = page.locator(".tip").inner_text()
    first = next(y for y, words in said.items() if 'step 45: the input is "mary"' in words)
    canvas.click(position={"x": 100, "y": first})
    stage(page, t=45)


def test_labels_of_a_trace_are_text_and_nothing_else(open_page: OpenPage, tasks: str) -> None:
    page = open_page(f"/replay?trace=hostile.h5&t={ANSWER}", at=tasks)
    stage(page, t=ANSWER)
    expect(page.locator(".verdict")).to_contain_text('the model answered "<img src=x onerror=alert')
    g = geometry(page)
    assert 'the input is "<img src=x onerror=alert' in hover(page, g["left"] + 3, 40)
    assert page.locator("img[src='x']").count() == 0


def test_an_image_and_the_label_beside_it(open_page: OpenPage, tasks: str) -> None:
    page = open_page("/replay?trace=characters.h5&t=40", at=tasks)
    stage(page, t=40)
    said = hover(page, 300, 50)
    assert "the model answered" in said
    assert "the input character, 20 × 20: " in said
    assert "% ink" in said


def test_a_value_is_told_in_numbers(open_page: OpenPage, tasks: str) -> None:
    page = open_page("/replay?trace=sort.h5&t=3", at=tasks)
    stage(page, t=3)
    lines = {hover(page, 100, y).splitlines()[-1] for y in range(20, 110, 6)}
    assert any(line.startswith("input priority: ") for line in lines)
    assert any(line.startswith("input item 0: ") for line in lines)
    expect(page.locator(".panel-task .legend")).to_contain_text("wrong bit")


def test_home_counts_what_can_be_wrong(open_page: OpenPage, tasks: str) -> None:
    page = open_page("/", at=tasks)
    page.locator("button.trace[data-name='story.h5']").click()
    page.wait_for_selector(".home[data-shown='story.h5']")
    expect(page.locator(".home thead")).to_contain_text("wrong answers")
    page.locator("button.trace[data-name='sort.h5']").click()
    page.wait_for_selector(".home[data-shown='sort.h5']")
    expect(page.locator(".home thead")).to_contain_text("wrong bits")


@pytest.fixture(scope="module")
def js(browser: Browser) -> Iterator[Page]:
    """A blank page that knows the strip's functions."""
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    names = (
        "format",
        "window",
        "task_fields",
        "task_rows",
        "task_words",
        "task_text",
        "task_image",
        "task_frames",
    )
    page.add_script_tag(content=f"const ARC = 16;{script(*names)}")
    yield page
    page.close()


def test_probabilities_of_any_outputs(js: Page) -> None:
    def softmax(values: list[str]) -> list[float]:
        found: list[float] = js.evaluate(f"[{','.join(values)}].map((_, k, all) => softmax(all)(k))")
        return found

    assert softmax(["1000", "1000"]) == [0.5, 0.5]
    np.testing.assert_allclose(softmax(["-1e4", "0", "1"]), [0, 0.268941, 0.731059], atol=1e-6)
    assert softmax(["Infinity", "3"]) == [1, 0]
    assert softmax(["-Infinity", "-Infinity"]) == [0.5, 0.5]
    assert np.isnan(softmax(["NaN", "3"])).all()


def test_the_chosen_class_is_the_first_of_the_largest(js: Page) -> None:
    assert js.evaluate("[[1, 3, 3], [2], [], [0, NaN], [-5, -Infinity]].map(largest)") == [1, 0, -1, -1, 0]


def test_fields_that_leave_gaps_are_not_drawn_apart(js: Page) -> None:
    tiled = "(stops) => tiled(stops.map(([start, stop]) => ({ start, stop })), 6, 'input').length"
    assert js.evaluate(tiled, [[0, 2], [2, 6]]) == 2
    for bad in ([[0, 2], [3, 6]], [[0, 2], [2, 5]], [], [[0, 4], [3, 6]]):
        assert js.evaluate(tiled, bad) == 1


def test_written_words_keep_their_distance(js: Page) -> None:
    thinned = (
        "([t, far]) => thinned(Array.from({ length: 12 }, (_, i) => ({ t: i })), t, far).map((w) => w.t)"
    )
    for t in range(12):
        for far in (1, 2, 3, 5):
            kept = js.evaluate(thinned, [t, far])
            assert t in kept
            assert (np.diff(kept) >= far).all()
    assert js.evaluate(thinned, [3, 1]) == list(range(12))


def test_texts_beside_marks_never_touch(js: Page) -> None:
    rng = np.random.default_rng(0)
    fitted = 0
    for _ in range(200):
        each, count = rng.uniform(6, 60), int(rng.integers(1, 8))
        words = [
            {"t": int(t), "width": float(rng.uniform(5, 80))}
            for t in sorted(rng.choice(40, count, replace=False))
        ]
        right = 92 + 40 * each
        places = js.evaluate(
            "([words, each, right]) => beside(words, { left: 92, from: 0, each }, right)",
            [words, each, right],
        )
        if places is None:
            continue
        fitted += 1
        texts = [(x, x + word["width"]) for x, word in zip(places, words, strict=True)]
        assert all(low >= 92 and high <= right for low, high in texts)
        assert all(a[1] < b[0] for a, b in pairwise(texts))
    assert fitted > 20


@pytest.mark.parametrize("height", [60, 187, 400])
def test_rows_stay_within_their_room(js: Page, height: int) -> None:
    lay = """([list, room]) => {
      const field = (size) => ({ start: 0, stop: size });
      const row = ([kind, size, want, least]) => ({ kind, size, want, least, gap: 2, field: field(size) });
      const rows = list.map(row);
      return [layRows(rows, 16, room), rows];
    }"""
    tall, image = ["words", 200, 62, 40], ["image", 400, 110, 30]
    for rows in (
        [tall, tall, tall],
        [image, tall],
        [["cells", 5000], ["flag", 1]],
        [tall, ["cells", 300], ["flag", 2]],
        [["cells", 8]],
    ):
        bottom, laid = js.evaluate(lay, [rows, height])
        assert bottom <= 16 + height + 4
        assert all(r["h"] > 0 for r in laid)
        assert all(a["y"] + a["h"] <= b["y"] + 1e-6 for a, b in pairwise(laid))


def test_every_channel_is_in_one_line(js: Page) -> None:
    lines = """(lines) => Array.from({ length: lines }, (_, line) =>
      lineChannels({ field: { start: 3 }, size: 50, lines }, line))"""
    for count in (1, 7, 49, 50):
        parts = js.evaluate(lines, count)
        assert [k for a, b in parts for k in range(a, b)] == list(range(3, 53))


def test_pictures_never_lie_on_each_other(js: Page) -> None:
    boxes = """([each, h, shape]) => {
      const r = { y: 20, h, field: { shape } }, g = { left: 102, from: 0, to: 40, each };
      r.pictures = imageLanes(g, r);
      return Array.from({ length: 40 }, (_, t) => imageBox(g, r, t));
    }"""
    for each in (6, 12.4, 30, 56):
        for h in (30, 110):
            for shape in ([20, 20], [5, 40], [40, 5]):
                found = js.evaluate(boxes, [each, h, shape])
                for i, a in enumerate(found):
                    assert a["w"] > 0
                    assert a["x"] >= 102 - 10.5
                    assert a["y"] >= 20 - 1e-6
                    assert a["y"] + a["h"] <= 20 + h + 1e-6
                    for b in found[i + 1 :]:
                        apart_x = a["x"] + a["w"] <= b["x"] + 1e-6 or b["x"] + b["w"] <= a["x"] + 1e-6
                        apart_y = a["y"] + a["h"] <= b["y"] + 1e-6 or b["y"] + b["h"] <= a["y"] + 1e-6
                        assert apart_x or apart_y
