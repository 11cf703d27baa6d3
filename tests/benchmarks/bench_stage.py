"""How fast the stage is: python -m tests.benchmarks.bench_stage TRACE.h5.

Prints the time from opening Replay to its first picture (server warm, browser cold), the median and 95th
percentile from a key to the end of the frame that shows its effect, and the frames a second of playback.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.conftest import ARGUMENTS, browser_path, running

KEYS = 120
PLAY_MS = 4000
MARKS = "performance.getEntriesByName('samviz-key-to-paint').map((m) => m.duration)"


def opened(browser: Browser, url: str) -> tuple[Page, float]:
    """A fresh page on Replay, and how long its first picture took in seconds."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".samviz[data-ready='1']")
    return page, time.perf_counter() - began


def key_to_paint(page: Page) -> list[float]:
    """Milliseconds of every step there and back within one window."""
    page.keyboard.press("Home")
    page.wait_for_selector(".samviz[data-t='0'][data-block='0']")
    page.evaluate("performance.clearMeasures()")
    t = 0
    for k in range(KEYS):
        forward = k % 40 < 20
        t += 1 if forward else -1
        page.keyboard.press("ArrowRight" if forward else "ArrowLeft")
        page.wait_for_selector(f".samviz[data-t='{t}']")
    found: list[float] = page.evaluate(MARKS)
    return found


def frames_a_second(page: Page) -> float:
    """Frames of playback at 60 steps a second."""
    page.keyboard.press("Home")
    page.wait_for_selector(".samviz[data-t='0'][data-block='0']")
    page.get_by_label("speed").select_option("60")
    page.locator(".transport .play").click()
    page.wait_for_function(f"performance.now() > {page.evaluate('performance.now()') + PLAY_MS}")
    return float(page.locator(".samviz").get_attribute("data-fps") or 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path)
    trace = parser.parse_args().trace
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        shutil.copy(trace, Path(directory, "trace.h5"))
        browser = playwright.chromium.launch(executable_path=browser_path(playwright), args=ARGUMENTS)
        with running(Path(directory)) as address:
            url = f"{address}/replay?trace=trace.h5&t=0"
            opened(browser, url)
            page, first = opened(browser, url)
            scrub = key_to_paint(page)
            quantiles = statistics.quantiles(scrub, n=20)
            print(f"{trace.name}: first picture {first:.2f} s")
            print(f"key to paint: median {statistics.median(scrub):.1f} ms, 95 % {quantiles[-1]:.1f} ms")
            print(f"playback: {frames_a_second(page):.1f} frames/s")
        browser.close()


if __name__ == "__main__":
    main()
