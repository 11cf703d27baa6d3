"""Waiting for what a page shows: by data attributes and the URL, never by time."""

from playwright.sync_api import Page


def stage(page: Page, **expected: object) -> None:
    """Wait until the stage shows what is expected: t=29, slot="", ready=1 ..."""
    wanted = {"ready": 1, **expected}
    page.wait_for_selector(".samviz" + "".join(f'[data-{name}="{value}"]' for name, value in wanted.items()))


def query(page: Page, part: str) -> None:
    """Wait until the URL holds a part."""
    page.wait_for_url(lambda url: part in url)
