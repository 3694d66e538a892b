import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.rehearsal.slack.page import canned
from tests.rehearsal.slack.page.fake_server import FakeServer

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP = {"width": 1280, "height": 820}
PHONE = {"width": 390, "height": 844}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic"]  # fmt: skip


# One browser for each module: Playwright's loop must be gone before another module runs a loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have Chromium, and {CHROMIUM} is missing: apt-get install chromium")
        pytest.skip(f"there is no {CHROMIUM}: install Debian's chromium to run the page's tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


# One server and one context too, so that the browser loads the page's files once.
@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    server = FakeServer(canned.WORKSPACE, canned.MESSAGES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(running: FakeServer) -> FakeServer:
    running.reset()
    return running


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport=DESKTOP, locale="en-US", timezone_id="Asia/Seoul") as context:
        context.set_default_timeout(8_000)
        yield context


@pytest.fixture
def page(context: BrowserContext, server: FakeServer) -> Iterator[Page]:
    """The page, with Ada in the incident's room. Errors, refused content and calls to other hosts fail the test."""
    with context.new_page() as page:
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
        page.on("request", lambda request: problems.append(request.url) if leaves(request.url, server) else None)
        show(page, server, channel=canned.ROOM)
        yield page
        assert problems == []


def is_problem(message: ConsoleMessage) -> bool:
    # A server that was stopped on purpose is reported by the browser as a failed load.
    return message.type == "error" and "ERR_" not in message.text


def leaves(url: str, server: FakeServer) -> bool:
    return not url.startswith((server.url, "data:"))


def show(page: Page, server: FakeServer, user: str = canned.ADA, **place: str) -> None:
    if page.url != "about:blank":
        page.goto("about:blank")  # else only the fragment changes, and nothing is loaded anew
    page.goto(f"{server.url}#user={user}" + "".join(f"&{name}={value}" for name, value in place.items()))
    page.locator("#scroller").wait_for()
