"""The pictures of the README, from a trace of the shipped model: `make pictures`."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from samviz import session
from tests.app.conftest import ARGUMENTS, browser_path, running

DOCS = Path(__file__).parents[1] / "docs"
ANSWER = 25  # the last step of episode 1: an answer
SIZE = {"width": 1440, "height": 900}


def main() -> None:
    """Record the trace, open Replay at an answer, take its picture in light and dark."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        checkpoint = session.shipped_checkpoint("recall", "sam")
        path = Path(folder) / "recall-sam.h5"
        session.record(checkpoint, checkpoint.task(), checkpoint.model(), path, episodes=12, seed=0)
        browser = playwright.chromium.launch(executable_path=browser_path(playwright), args=ARGUMENTS)
        with running(Path(folder)) as address:
            for scheme in ("light", "dark"):
                page = browser.new_context(
                    viewport=SIZE, color_scheme=scheme, device_scale_factor=2
                ).new_page()  # type: ignore[arg-type]
                page.goto(f"{address}/replay?trace={path.name}&t={ANSWER}")
                page.wait_for_selector(f".samviz[data-ready='1'][data-t='{ANSWER}']")
                page.evaluate("document.fonts.ready")
                page.screenshot(path=DOCS / f"replay-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
