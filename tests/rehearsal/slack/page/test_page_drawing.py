"""What a person sees of the things that apps and people post."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from slack_sdk.models.blocks import Block, BlockElement

from tests.rehearsal.slack.page import canned
from tests.rehearsal.slack.page.conftest import show
from tests.rehearsal.slack.page.fake_server import FakeServer

pytestmark = pytest.mark.browser


def say(server: FakeServer, text: str = "", **more: Any) -> None:
    server.messages[canned.ROOM].append(canned.message(9000, canned.BOT, text, **more))
    server.emit(type="message", channel=canned.ROOM, ts=canned.ts(9000))


def test_a_card_shows_its_header_fields_links_and_buttons(page: Page) -> None:
    card = page.locator(f"[id='message-{canned.ts(2000)}']")
    expect(card.get_by_role("heading", name="Orders: writes are failing")).to_be_visible()
    expect(card.locator(".fields .text")).to_have_count(4)
    expect(card.locator("strong", has_text="3.2 s")).to_be_visible()
    expect(card.locator("blockquote")).to_have_text("Threshold crossed: 3 of 5 datapoints")
    expect(card.get_by_role("link", name="the graph")).to_have_attribute("href", "https://example.com/graph?a=1&b=2")
    expect(card.get_by_role("link", name="#general")).to_be_visible()
    expect(card.get_by_text("@김민수")).to_be_visible()
    expect(card.get_by_role("button", name="Acknowledge")).to_be_visible()
    expect(card.get_by_text("(edited)")).to_be_visible()


def test_a_date_shows_the_readers_own_clock(page: Page) -> None:
    seoul = datetime.fromtimestamp(canned.NOON, ZoneInfo("Asia/Seoul"))
    shown = page.locator(f"[id='message-{canned.ts(2000)}'] [data-block=say] time")
    expect(shown).to_have_text(f"{seoul:%-I:%M %p}")
    expect(shown).to_have_attribute(
        "datetime", f"{datetime.fromtimestamp(canned.NOON, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%S.000Z}"
    )


def test_a_date_speaks_the_readers_language(page: Page, server: FakeServer) -> None:
    show(page, server, user=canned.MINSU, channel=canned.ROOM)
    expect(page.locator(f"[id='message-{canned.ts(2000)}'] [data-block=say] time")).to_have_text("오후 9:00")


MRKDWN = {
    "*bold* _italic_ ~gone~": "<strong>bold</strong> <em>italic</em> <s>gone</s>",
    "*bold _and italic_*": "<strong>bold <em>and italic</em></strong>",
    "snake_case_name and 2*3*4": "snake_case_name and 2*3*4",
    "* not bold *": "* not bold *",
    "*굵게*는 아님": "*굵게*는 아님",
    "`*raw* &lt;b&gt;`": "<code>*raw* &lt;b&gt;</code>",
    "```\na\n  b\n```": "<pre><code>a\n  b</code></pre>",
    "one\ntwo": "one<br>two",
    "&gt;quoted\nafter": "<blockquote>quoted</blockquote>after",
    "&gt;&gt;&gt;all\nof it": "<blockquote>all<br>of it</blockquote>",
    "&amp;lt; stays": "&amp;lt; stays",
    ":no_such_emoji: 10:30:45": ":no_such_emoji: 10:30:45",
    "<!date^soon^{date}|fallback>": "fallback",
    "<!date^1^{nonsense}|fallback>": (
        '<time datetime="1970-01-01T00:00:01.000Z" title="Thursday, January 1, 1970 at 9:00:01 AM">fallback</time>'
    ),
}


def test_mrkdwn_reads_as_in_slack(page: Page, server: FakeServer) -> None:
    server.messages[canned.GENERAL] = [canned.message(at * 1000, canned.BOT, text) for at, text in enumerate(MRKDWN)]
    show(page, server, channel=canned.GENERAL)
    texts = page.locator(".message .text")
    expect(texts).to_have_count(len(MRKDWN))
    html = [text.replace("\u202f", " ") for text in texts.evaluate_all("nodes => nodes.map(node => node.innerHTML)")]
    assert dict(zip(MRKDWN, html, strict=True)) == MRKDWN


def test_text_of_others_never_becomes_html_or_script(page: Page, server: FakeServer) -> None:
    hostile = '<img src=x onerror=alert(1)> &lt;script&gt;alert(1)&lt;/script&gt; <javascript:alert(1)|press me> <https://a.example/"onclick="x|ok>'
    say(server, hostile)
    message = page.locator(f"[id='message-{canned.ts(9000)}']")
    expect(message).to_contain_text("<script>alert(1)</script>")
    expect(message.locator("img, script, [onclick], [href^=javascript]")).to_have_count(0)
    expect(message.get_by_role("link")).to_have_count(1)


def test_plain_text_is_never_read_as_markup(page: Page, server: FakeServer) -> None:
    say(server, "x", blocks=[{"type": "section", "text": canned.plain("*a* <@U0ADA> <b>&amp;")}])
    expect(page.locator(f"[id='message-{canned.ts(9000)}'] .text")).to_have_text("*a* <@U0ADA> <b>&amp;")


def types_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        yield from itertools.chain.from_iterable(map(types_in, tree))
    elif isinstance(tree, dict):
        if isinstance(tree.get("type"), str):
            yield tree["type"]
        yield from types_in(list(tree.values()))


def every_subclass(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from every_subclass(each)


def test_every_block_and_element_of_the_sdk_is_drawn(page: Page, server: FakeServer) -> None:
    known = {getattr(each, "type", None) for kind in (Block, BlockElement) for each in every_subclass(kind)}
    not_for_apps_here = {None, "", "file_input"}  # file_input: there is nowhere to upload a file to
    assert known - not_for_apps_here <= set(types_in([canned.EVERYTHING, canned.CARD, canned.FORM, PARTS]))
    server.messages[canned.GENERAL].append(canned.message(9000, canned.BOT, "parts", blocks=PARTS))
    server.workspace["modals"] = [canned.view("V1", "Form", canned.FORM)]
    show(page, server, channel=canned.GENERAL)
    expect(page.locator("dialog .input")).to_have_count(len(canned.FORM))
    expect(page.locator(".unsupported")).to_have_text(["[unsupported: hologram]", "[unsupported: teleporter]"])


#: The pieces of rich text that the card does not use.
PARTS: list[dict[str, Any]] = [
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "channel", "channel_id": canned.GENERAL}, {"type": "usergroup", "usergroup_id": "S1"}, {"type": "team", "team_id": "T0"},
        {"type": "broadcast", "range": "here"}, {"type": "color", "value": "#ff0000"}, {"type": "date", "timestamp": canned.NOON, "format": "{date}"}]}]},
    {"type": "task_card", "task_id": "2", "title": "Alone", "status": "error", "sources": [{"type": "url", "url": "https://example.com", "text": "why"}]},
]  # fmt: skip


def test_a_picture_from_elsewhere_is_a_link_and_is_not_fetched(page: Page, server: FakeServer) -> None:
    show(page, server, channel=canned.GENERAL)
    expect(page.get_by_role("link", name="a picture elsewhere")).to_be_visible()
    expect(page.get_by_role("img", name="a teal box")).to_be_visible()


def test_an_attachment_has_its_colour(page: Page) -> None:
    expect(page.locator(".attachment-bar")).to_have_css("background-color", "rgb(224, 30, 90)")
    expect(page.locator(".attachment")).to_contain_text("ap-northeast-2")


def test_an_ephemeral_message_says_who_sees_it(page: Page) -> None:
    message = page.locator(".message", has_text="You are not on call")
    expect(message.get_by_text("Only visible to you")).to_be_visible()


def test_replies_are_in_their_thread_and_not_in_the_channel(page: Page) -> None:
    expect(page.locator("main").get_by_text("Tell me if you need hands")).to_have_count(0)
    page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("Tell me if you need hands")).to_be_visible()
    page.keyboard.press("Escape")
    expect(thread).to_have_count(0)
    expect(page.get_by_role("button", name="1 reply")).to_be_focused()


def test_the_sidebar_shows_where_a_person_can_go(page: Page) -> None:
    sidebar = page.get_by_role("complementary", name="Workspace")
    expect(sidebar.get_by_role("link", name="inc-20261122-orders 2 unread")).to_have_attribute("aria-current", "page")
    expect(sidebar.get_by_role("region", name="Not joined").get_by_role("link")).to_have_text("random")
    expect(sidebar.get_by_role("region", name="Apps").get_by_role("link")).to_contain_text("Watchman")
    expect(sidebar.get_by_text("Archived (1)")).to_be_visible()


def test_an_archived_channel_has_no_composer(page: Page, server: FakeServer) -> None:
    show(page, server, channel=canned.OLD)
    expect(page.get_by_text("This channel is archived")).to_be_visible()
    expect(page.locator(".composer")).to_have_count(0)


def test_the_pinned_card_can_be_found_again(page: Page) -> None:
    page.get_by_role("button", name="1 pinned").click()
    page.get_by_role("button", name="Orders: writes are failing").click()
    expect(page.locator(f"[id='message-{canned.ts(2000)}']")).to_be_focused()
