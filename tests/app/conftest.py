"""A running app and a browser that fails the test when anything on the page goes wrong."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

from tests.app.traces import write_recall

ROOT = Path(__file__).parents[2]
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
START_S = 40
WAIT_MS = 15_000

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good trace, a long one, and a file that is no trace."""
    directory = tmp_path_factory.mktemp("traces")
    write_recall(directory / "first.h5")
    write_recall(directory / "long.h5", episodes=40, slots=600)
    (directory / "broken.h5").write_bytes(b"this is no trace")
    return directory


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """The app over a folder, as a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "samviz/app/main.py", f"--server.port={port}"]
    process = subprocess.Popen(
        [*command, "--", "--traces", str(directory)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until the app answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the app did not start within {START_S} s (exit code {process.poll()})")


@pytest.fixture(scope="session")
def app(folder: Path) -> Iterator[str]:
    """The address of the app over `folder`."""
    with running(folder) as address:
        yield address


def browser_path(playwright: Playwright) -> str:
    """A Chromium on PATH, else playwright's own."""
    for name in ("chromium", "google-chrome"):
        if found := shutil.which(name):
            return found
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    pytest.fail("no Chromium for the browser tests; install one with: make browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(playwright), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Starts the app over other folders; it stops after the pages were closed."""
    with ExitStack() as stack:
        yield lambda directory: stack.enter_context(running(directory))


@pytest.fixture
def open_page(browser: Browser, app: str, serve: Callable[[Path], str]) -> Iterator[OpenPage]:
    """Opens pages; at the end no page may have met an error."""
    problems: list[str] = []
    contexts = []

    def opened(
        path: str = "/", *, width: int = 1440, height: int = 900, scheme: str = "light", at: str = app
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: problems.extend(console_problem(message)))
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"request failed: {request.url}"))
        page.goto(at + path)
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            if page.locator("[data-testid=stException]").count():
                problems.append("an exception is on the page")
        context.close()
    assert not problems


def console_problem(message: ConsoleMessage) -> list[str]:
    """Errors of the console, but for the two places where Streamlit looks for its server on a sub-page."""
    probing = "/replay/_stcore/" in message.location["url"]
    return [] if message.type != "error" or probing else [f"console: {message.text}"]
