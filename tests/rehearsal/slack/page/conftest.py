import itertools
import os
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

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


# One server and one tab too, so that the browser loads the page's files once.
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
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport=DESKTOP, locale="en-US", timezone_id="Asia/Seoul") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.fixture
def page(tab: Page, server: FakeServer) -> Iterator[Page]:
    """The page, with Ada in the incident's room. Errors, refused content and calls to other hosts fail the test."""
    problems: list[str] = []
    listeners: dict[str, Callable[[Any], None]] = {
        "pageerror": lambda error: problems.append(str(error)),
        "console": lambda message: problems.append(message.text) if is_problem(message) else None,
        "request": lambda request: problems.append(request.url) if leaves(request.url, server) else None,
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    tab.set_viewport_size(DESKTOP)
    show(tab, server, channel=canned.ROOM)
    yield tab
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    assert problems == []


def is_problem(message: ConsoleMessage) -> bool:
    # A server that was stopped on purpose is reported by the browser as a failed load.
    return message.type == "error" and "ERR_" not in message.text


def leaves(url: str, server: FakeServer) -> bool:
    return not url.startswith((server.url, "data:"))


_visits = itertools.count()


def show(page: Page, server: FakeServer, user: str = canned.ADA, **place: str) -> None:
    # The query makes it another address: with only another fragment, nothing would be loaded anew.
    fragment = f"user={user}" + "".join(f"&{name}={value}" for name, value in place.items())
    server.connected = queue.Queue()
    page.goto(f"{server.url}?visit={next(_visits)}#{fragment}", wait_until="commit")
    page.locator("#scroller").wait_for()
    server.connected.get(timeout=10)  # from here on no event is missed
