"""What happens when a person presses, types, chooses and sends."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.rehearsal.slack.page import canned
from tests.rehearsal.slack.page.conftest import PHONE, show
from tests.rehearsal.slack.page.fake_server import FakeServer

pytestmark = pytest.mark.browser

FROM_CARD = {"user": canned.ADA, "channel": canned.ROOM, "ts": canned.ts(2000)}


def facts(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "state"}


def open_modals(page: Page, server: FakeServer, *views: dict[str, Any]) -> None:
    server.workspace["modals"] = list(views)
    server.emit(type="modal")
    if views:
        expect(page.get_by_role("dialog", name=views[-1]["title"]["text"])).to_be_visible()
    else:
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_button_says_which_one_it_was(page: Page, server: FakeServer) -> None:
    page.get_by_role("button", name="Acknowledge").click()
    body = server.received("click")
    assert facts(body) == {**FROM_CARD, "block_id": "do", "action_id": "ack", "type": "button", "value": "ack"}
    assert body["state"]["values"] == {"do": {"plan": {"type": "static_select", "selected_option": None}}}


def test_a_button_with_a_confirmation_does_nothing_until_confirmed(page: Page, server: FakeServer) -> None:
    page.get_by_role("button", name="Resolve").click()
    asked = page.get_by_role("alertdialog", name="Resolve?")
    asked.get_by_role("button", name="Not yet").click()
    expect(asked).to_have_count(0)
    assert server.quiet("click")
    page.get_by_role("button", name="Resolve").click()
    page.keyboard.press("Escape")
    assert server.quiet("click")
    page.get_by_role("button", name="Resolve").click()
    asked.get_by_role("button", name="Resolve it").click()
    assert server.received("click")["action_id"] == "resolve"


def test_an_overflow_menu_works_from_the_keyboard(page: Page, server: FakeServer) -> None:
    page.get_by_role("button", name="More actions").press("Enter")
    expect(page.get_by_role("menuitem", name="Mute for an hour")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert server.received("click")["selected_option"]["value"] == "export"
    expect(page.get_by_role("button", name="More actions")).to_be_focused()


def test_a_select_in_a_message_acts_at_once(page: Page, server: FakeServer) -> None:
    page.get_by_role("combobox", name="Choose a playbook").click()
    page.get_by_role("option", name="Restart the service").click()
    body = server.received("click")
    assert (body["action_id"], body["selected_option"]["value"]) == ("plan", "restart")
    expect(page.get_by_role("combobox", name="Choose a playbook")).to_have_value("Restart the service")


def test_a_select_is_searched_and_chosen_from_the_keyboard(page: Page, server: FakeServer) -> None:
    box = page.get_by_role("combobox", name="Choose a playbook")
    box.focus()
    box.press_sequentially("table")
    expect(page.locator("[popover]:popover-open [role=option]")).to_have_text(["Restore the table"])
    box.press("Enter")
    assert server.received("click")["selected_option"]["value"] == "restore"


def test_what_slack_refuses_is_shown(page: Page, server: FakeServer) -> None:
    server.answers["click"] = {"ok": False, "notice": "This app did not respond."}
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_contain_text("This app did not respond.")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_message_is_posted_as_slack_writes_it(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.fill("a < b & c, @minsu and #general, mail@minsu")
    composer.press("Enter")
    text = f"a &lt; b &amp; c, <@{canned.MINSU}> and <#{canned.GENERAL}>, mail@minsu"
    assert server.received("post") == {"user": canned.ADA, "channel": canned.ROOM, "text": text}
    expect(composer).to_have_value("")


def test_a_message_that_did_not_arrive_is_not_lost(page: Page, server: FakeServer) -> None:
    server.answers["post"] = {"ok": False, "notice": "Not sent."}
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.fill("important")
    composer.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Not sent.")
    expect(composer).to_have_value("important")


def test_enter_that_ends_a_korean_syllable_does_not_send(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.fill("장애")
    composer.evaluate(
        "node => node.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    expect(composer).to_have_value("장애")
    assert server.quiet("post")


def test_shift_enter_starts_a_new_line(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.fill("one")
    composer.press("Shift+Enter")
    composer.press_sequentially("two")
    composer.press("Enter")
    assert server.received("post")["text"] == "one\ntwo"


def test_commands_are_offered_completed_and_sent(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.press_sequentially("/dr")
    offered = page.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(offered).to_have_count(2)
    expect(offered.first).to_contain_text("[declare | status | ack | resolve]")
    composer.press("ArrowDown")
    composer.press("Tab")
    expect(composer).to_have_value("/drill ")
    expect(page.locator(".composer-hint")).to_have_text("/drill [list | run NAME]  ·  Rehearse a failure")
    composer.press_sequentially("run <zone>")
    composer.press("Enter")
    assert server.received("command") == {"user": canned.ADA, "channel": canned.ROOM, "text": "/drill run <zone>"}


def test_a_command_typed_in_full_is_sent_with_one_enter(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name="Message #inc-20261122-orders")
    composer.press_sequentially("/dr")
    composer.press("Enter")
    assert server.received("command")["text"] == "/dr"


def test_drafts_stay_with_their_channel(page: Page) -> None:
    page.get_by_role("textbox", name="Message #inc-20261122-orders").fill("half a thought")
    page.get_by_role("link", name="general", exact=True).click()
    expect(page.get_by_role("textbox", name="Message #general")).to_have_value("")
    page.go_back()
    expect(page.get_by_role("textbox", name="Message #inc-20261122-orders")).to_have_value("half a thought")


def test_reading_a_channel_is_told_once(page: Page, server: FakeServer) -> None:
    assert server.received("read") == {"user": canned.ADA, "channel": canned.ROOM}
    server.emit(type="state")
    server.emit(type="notice", text="drawn again")
    expect(page.get_by_text("drawn again")).to_be_visible()
    assert server.quiet("read")


def test_a_channel_that_one_is_not_in_can_be_joined(page: Page, server: FakeServer) -> None:
    page.get_by_role("link", name="random").click()
    expect(page.get_by_text("You are looking at #random")).to_be_visible()
    page.get_by_role("button", name="Join channel").click()
    assert server.received("join") == {"user": canned.ADA, "channel": "C0OTHER"}


def test_what_went_wrong_stands_at_its_message(page: Page, server: FakeServer) -> None:
    server.messages[canned.ROOM][0]["trouble"] = "The app did not answer in time."
    server.emit(type="changed", channel=canned.ROOM, ts=canned.ts(2000))
    card = page.locator(f"[id='message-{canned.ts(2000)}']")
    expect(card.get_by_role("alert")).to_have_text("The app did not answer in time.")
    expect(card.get_by_role("button", name="Acknowledge")).to_be_visible()


def test_another_person_sees_the_same_channel(page: Page, server: FakeServer) -> None:
    page.get_by_label("You are:").select_option(label="김민수")
    page.wait_for_url(f"**#user={canned.MINSU}&channel={canned.ROOM}")
    page.get_by_role("button", name="Acknowledge").click()
    assert server.received("click")["user"] == canned.MINSU


def test_without_an_address_the_first_person_and_channel_are_shown(page: Page, server: FakeServer) -> None:
    page.goto("about:blank")
    page.goto(server.url)
    page.wait_for_url(f"**#user={canned.ADA}&channel={canned.GENERAL}")


def test_a_direct_message_is_opened_with_a_person(page: Page, server: FakeServer) -> None:
    def opened(body: dict[str, Any]) -> dict[str, Any]:
        server.workspace["channels"].append(canned.channel("D0MINSU", "", is_im=True, im_user=body["with"]))
        return {"ok": True}

    server.answers["open_im"] = opened
    page.get_by_role("button", name="New direct message").click()
    page.get_by_role("menuitem", name="김민수").click()
    expect(page.get_by_role("heading", name="김민수", level=2)).to_be_visible()
    assert server.received("open_im") == {"user": canned.ADA, "with": canned.MINSU}


def test_an_apps_home_is_opened_and_pressed(page: Page, server: FakeServer) -> None:
    page.get_by_role("region", name="Apps").get_by_role("link").click()
    assert server.received("home") == {"user": canned.ADA, "app_id": "A0WATCH"}
    page.get_by_role("button", name="Swap").click()
    assert facts(server.received("click")) == {
        "user": canned.ADA,
        "view_id": "V0HOME",
        "block_id": "s",
        "action_id": "swap",
        "type": "button",
        "value": "swap",
    }


def test_the_channel_list_is_walked_with_arrow_keys(page: Page) -> None:
    page.get_by_role("link", name="general", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="inc-20261122-orders")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="general", level=2)).to_be_visible()


def test_on_a_phone_the_sidebar_is_a_drawer(page: Page, server: FakeServer) -> None:
    page.set_viewport_size(PHONE)
    sidebar = page.get_by_role("complementary", name="Workspace")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="Show channels").click()
    expect(sidebar.get_by_role("link", name="inc-20261122-orders")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="Show channels").click()
    sidebar.get_by_role("link", name="general", exact=True).click()
    expect(sidebar).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everything_touched_on_a_phone_is_large_enough(page: Page, server: FakeServer) -> None:
    page.set_viewport_size(PHONE)
    show(page, server, channel=canned.ROOM)
    small = page.locator("main :is(button, .picker)").evaluate_all(
        "nodes => nodes.map(node => [node.outerHTML, node.getBoundingClientRect().height]).filter(([, height]) => height > 0 && height < 44)"
    )
    assert small == []


def test_a_modal_sends_what_was_entered(page: Page, server: FakeServer) -> None:
    open_modals(page, server, canned.view("V1", "Restore a table", canned.FORM))
    modal = page.get_by_role("dialog", name="Restore a table")
    expect(modal.get_by_label("Table")).to_be_focused()
    modal.get_by_label("Table").fill("주문")
    modal.get_by_role("combobox", name="Region").click()
    modal.get_by_role("option", name="Tokyo").click()
    for zone in ("Seoul", "Oregon"):
        modal.get_by_role("combobox", name="Zones").click()
        modal.get_by_role("option", name=zone).click()
    modal.get_by_role("combobox", name="Approver").click()
    modal.get_by_role("option", name="김민수").click()
    modal.get_by_label("For real").check()
    modal.get_by_label("Prepare undo").check()
    modal.get_by_label("Moment").fill("2026-11-22T21:00")
    modal.get_by_role("button", name="Run").click()
    body = server.received("submit")
    values = {block: fields["value"] for block, fields in body["state"]["values"].items()}
    assert (body["user"], body["view_id"]) == (canned.ADA, "V1")
    assert set(values) == {block["block_id"] for block in canned.FORM}
    assert values["table"] == {"type": "plain_text_input", "value": "주문"}
    assert values["why"] == {"type": "plain_text_input", "value": None}
    assert values["region"]["selected_option"] == canned.option("ap-northeast-1", "Tokyo")
    assert [each["value"] for each in values["zones"]["selected_options"]] == ["ap-northeast-2", "us-west-2"]
    assert values["who"] == {"type": "users_select", "selected_user": canned.MINSU}
    assert values["where"]["selected_conversations"] == []
    assert values["mode"]["selected_option"]["value"] == "real"
    assert [each["value"] for each in values["checks"]["selected_options"]] == ["undo"]
    assert values["day"] == {"type": "datepicker", "selected_date": "2026-11-20"}
    assert values["hour"] == {"type": "timepicker", "selected_time": "09:30"}
    assert values["moment"] == {"type": "datetimepicker", "selected_date_time": 1_795_348_800}


def test_a_required_field_is_asked_for_before_anything_is_sent(page: Page, server: FakeServer) -> None:
    open_modals(page, server, canned.view("V1", "Restore a table", canned.FORM))
    page.get_by_label("Count").fill("6")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("combobox", name="Region")).to_be_focused()
    expect(page.get_by_role("combobox", name="Region")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-error:not(:empty)")).to_have_text(
        ["Please complete this required field.", "Please enter 5 or less."]
    )
    assert server.quiet("submit")


def test_an_apps_errors_stand_at_their_fields(page: Page, server: FakeServer) -> None:
    server.answers["submit"] = {"ok": False, "errors": {"table": "There is no table of this name."}}
    open_modals(page, server, canned.view("V1", "Restore", [canned.FORM[0], canned.FORM[1]]))
    page.get_by_label("Reason").fill("a mistaken delete")
    page.get_by_role("button", name="Run").click()
    field = page.get_by_label("Table")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("The table that lost its data There is no table of this name.")
    expect(page.get_by_label("Reason")).to_have_value("a mistaken delete")
    field.fill("orders2")
    expect(page.get_by_text("There is no table of this name.")).to_have_count(0)


def test_an_app_that_does_not_answer_is_said_inside_the_modal(page: Page, server: FakeServer) -> None:
    server.answers["submit"] = {"ok": False, "notice": "We had some trouble connecting. Try again?"}
    open_modals(page, server, canned.view("V1", "Restore", [canned.FORM[0]]))
    page.get_by_label("Table").press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("We had some trouble connecting.")


def test_escape_closes_the_top_view_and_shows_the_one_below(page: Page, server: FakeServer) -> None:
    first, second = (canned.view(name, f"Form {name}", [canned.FORM[0]]) for name in ("V1", "V2"))

    def closed(body: dict[str, Any]) -> dict[str, Any]:
        server.workspace["modals"] = [] if body.get("all") else server.workspace["modals"][:-1]
        return {"ok": True}

    server.answers["close"] = closed
    open_modals(page, server, first)
    page.get_by_label("Table").fill("kept below")
    open_modals(page, server, first, second)
    page.keyboard.press("Escape")
    assert server.received("close") == {"user": canned.ADA, "view_id": "V2"}
    expect(page.get_by_role("dialog", name="Form V1").get_by_label("Table")).to_have_value("kept below")
    page.get_by_role("button", name="Close all").click()
    assert server.received("close") == {"user": canned.ADA, "view_id": "V1", "all": True}
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_external_select_asks_the_app(page: Page, server: FakeServer) -> None:
    server.answers["options"] = lambda body: {"options": [canned.option(f"{body['value']}-1", "Team one")]}
    owner = next(block for block in canned.FORM if block["block_id"] == "owner")
    open_modals(page, server, canned.view("V1", "Restore", [owner]))
    box = page.get_by_role("combobox", name="Owner")
    box.press_sequentially("te")
    page.get_by_role("option", name="Team one").click()
    page.get_by_role("button", name="Run").click()
    assert server.received("options")["action_id"] == "value"
    assert server.received("submit")["state"]["values"]["owner"]["value"]["selected_option"]["value"] == "te-1"


def test_a_field_that_dispatches_tells_the_app_at_once(page: Page, server: FakeServer) -> None:
    region = {**canned.FORM[2], "dispatch_action": True}
    open_modals(page, server, canned.view("V1", "Restore", [region]))
    page.get_by_role("combobox", name="Region").click()
    page.get_by_role("option", name="Tokyo").click()
    body = server.received("click")
    assert (body["view_id"], body["block_id"], body["selected_option"]["value"]) == ("V1", "region", "ap-northeast-1")
    assert body["state"]["values"]["region"]["value"]["selected_option"]["value"] == "ap-northeast-1"
