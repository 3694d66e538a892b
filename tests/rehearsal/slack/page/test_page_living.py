"""What must not be disturbed while the workspace changes under a person's eyes."""

import copy

import pytest
from playwright.sync_api import Page, expect

from tests.rehearsal.slack.page import canned
from tests.rehearsal.slack.page.conftest import show
from tests.rehearsal.slack.page.fake_server import FakeServer

pytestmark = pytest.mark.browser

CARD = f"[id='message-{canned.ts(2000)}']"


def edit_card(server: FakeServer, text: str, blocks: int = 1) -> None:
    card = server.messages[canned.ROOM][0]
    card["blocks"] = copy.deepcopy(canned.CARD)
    card["blocks"][0]["text"] = canned.plain(text)
    card["blocks"][1:1] = [{"type": "section", "text": canned.plain(f"line {number}")} for number in range(1, blocks)]
    server.emit(type="changed", channel=canned.ROOM, ts=card["ts"])


def post(server: FakeServer, second: int, text: str, user: str = canned.MINSU) -> None:
    server.messages[canned.ROOM].append(canned.message(second, user, text))
    server.emit(type="message", channel=canned.ROOM, ts=canned.ts(second))


def height_of(page: Page, text: str) -> float:
    box = page.get_by_text(text).bounding_box()
    assert box is not None
    return box["y"]


def test_a_new_message_appears_and_is_announced(page: Page, server: FakeServer) -> None:
    post(server, 5000, "*복구*가 끝났습니다 :tada: see <https://example.com|the report>")
    expect(page.locator(".message").last).to_contain_text("복구")
    expect(page.locator("#announcements")).to_have_text("김민수: *복구*가 끝났습니다 tada see the report")
    expect(page.locator(".message").last).to_be_in_viewport()


def test_an_edit_is_not_announced(page: Page, server: FakeServer) -> None:
    edit_card(server, "Recovered")
    expect(page.locator(CARD).get_by_role("heading")).to_have_text("Recovered")
    expect(page.locator("#announcements")).to_be_empty()


def test_a_deleted_message_goes(page: Page, server: FakeServer) -> None:
    server.messages[canned.ROOM].pop()
    server.emit(type="deleted", channel=canned.ROOM, ts=canned.ts(2200))
    expect(page.get_by_text("You are not on call")).to_have_count(0)


def test_an_edited_card_takes_no_focus_and_no_typed_text(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.press_sequentially("half a tho")
    edit_card(server, "Acknowledged")
    expect(page.locator(CARD).get_by_role("heading")).to_have_text("Acknowledged")
    expect(composer).to_be_focused()
    composer.press_sequentially("ught")
    expect(composer).to_have_value("half a thought")


def test_a_focused_button_keeps_its_focus_when_its_card_is_edited(page: Page, server: FakeServer) -> None:
    page.get_by_role("button", name="Escalate now").focus()
    edit_card(server, "Still open", blocks=4)
    expect(page.locator(CARD).get_by_role("heading")).to_have_text("Still open")
    expect(page.get_by_role("button", name="Escalate now")).to_be_focused()


def test_an_open_select_survives_an_edit_of_its_card(page: Page, server: FakeServer) -> None:
    page.get_by_role("combobox", name="Choose a playbook").click()
    edit_card(server, "Still open")
    expect(page.locator(CARD).get_by_role("heading")).to_have_text("Still open")
    page.get_by_role("option", name="Restore the table").click()
    assert server.received("click")["selected_option"]["value"] == "restore"


def test_a_reader_further_up_stays_where_they_are(page: Page, server: FakeServer) -> None:
    for number in range(30):
        server.messages[canned.ROOM].append(canned.message(3000 + number * 400, canned.MINSU, f"note {number}"))
    show(page, server, channel=canned.ROOM)
    expect(page.get_by_text("note 29")).to_be_in_viewport()
    page.get_by_text("note 10").evaluate("node => node.scrollIntoView({block: 'center'})")
    before = height_of(page, "note 10")
    edit_card(server, "Grown", blocks=8)
    expect(page.locator(CARD).get_by_role("heading")).to_have_text("Grown")
    assert height_of(page, "note 10") == pytest.approx(before, abs=1)
    post(server, 80_000, "a late one")
    expect(page.get_by_text("a late one", exact=True)).to_have_count(1)
    assert height_of(page, "note 10") == pytest.approx(before, abs=1)
    page.get_by_role("button", name="New messages").click()
    expect(page.get_by_text("a late one", exact=True)).to_be_in_viewport()


def test_a_view_that_is_updated_keeps_what_was_typed(page: Page, server: FakeServer) -> None:
    server.workspace["modals"] = [canned.view("V1", "Restore", canned.FORM[:2])]
    server.emit(type="modal")
    reason = page.get_by_label("Reason")
    reason.press_sequentially("someone del")
    plan = {"type": "section", "block_id": "plan", "text": canned.mrkdwn("The plan is *ready*")}
    server.workspace["modals"] = [{**canned.view("V1", "Restore", [plan, *canned.FORM[:2]]), "hash": "2"}]
    server.emit(type="modal")
    expect(page.get_by_text("The plan is ready")).to_be_visible()
    expect(reason).to_be_focused()
    reason.press_sequentially("eted it")
    expect(reason).to_have_value("someone deleted it")


def test_a_form_of_a_restarted_server_does_not_show_what_was_typed_before(page: Page, server: FakeServer) -> None:
    server.workspace["modals"] = [canned.view("V1", "Restore", canned.FORM[:2])]
    server.emit(type="modal")
    page.get_by_label("Table").fill("customers")
    server.workspace["epoch"] = 2
    server.emit(type="state")
    expect(page.get_by_label("Table")).to_have_value("orders")


def test_a_modal_that_comes_back_is_empty_again(page: Page, server: FakeServer) -> None:
    view = canned.view("V1", "Restore", canned.FORM[:2])
    server.workspace["modals"] = [view]
    server.emit(type="modal")
    page.get_by_label("Table").fill("customers")
    server.workspace["modals"] = []
    server.emit(type="modal")
    expect(page.get_by_role("dialog")).to_have_count(0)
    server.workspace["modals"] = [view]
    server.emit(type="modal")
    expect(page.get_by_label("Table")).to_have_value("orders")


def test_focus_returns_to_the_composer_when_a_modal_closes(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.focus()
    server.workspace["modals"] = [canned.view("V1", "Restore", canned.FORM[:1])]
    server.emit(type="modal")
    expect(page.get_by_label("Table")).to_be_focused()
    server.workspace["modals"] = []
    server.emit(type="modal")
    expect(composer).to_be_focused()


def test_a_notice_from_the_server_is_shown(page: Page, server: FakeServer) -> None:
    server.emit(type="notice", text="/dr failed with the error “dispatch_failed”")
    expect(page.get_by_role("alert")).to_contain_text("dispatch_failed")


def test_a_lost_server_is_said_and_found_again(page: Page, server: FakeServer) -> None:
    server.stop()
    expect(page.get_by_role("status")).to_contain_text("reconnecting…")
    page.get_by_role("textbox", name="Message #inc-20261122-orders").fill("typed while it was gone")
    server.messages[canned.ROOM].append(canned.message(6000, canned.MINSU, "it is back"))
    server.start()
    expect(page.get_by_text("it is back", exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Message #inc-20261122-orders")).to_have_value("typed while it was gone")


def test_a_new_channel_appears_in_the_list(page: Page, server: FakeServer) -> None:
    server.workspace["channels"].append(canned.channel("C0NEW", "inc-20261123-search", unread=120))
    server.emit(type="channel")
    expect(page.get_by_role("link", name="inc-20261123-search 99+ unread")).to_be_visible()
