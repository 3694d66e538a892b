"""Block Kit's limits: each at the limit, and one past it."""

from typing import Any

import pytest

from bot.rehearsal.slack.blocks import check_message, check_view
from bot.rehearsal.slack.refusal import Refusal


def plain(length: int) -> dict[str, str]:
    return {"type": "plain_text", "text": "x" * length}


def option(**changed: Any) -> dict[str, Any]:
    return {"text": plain(5), "value": "v", **changed}


def button(**changed: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(5), **changed}


def menu(**changed: Any) -> dict[str, Any]:
    return {"type": "static_select", "placeholder": plain(5), "options": [option()], **changed}


def confirm(**changed: Any) -> dict[str, Any]:
    return {"title": plain(5), "text": plain(5), "confirm": plain(5), "deny": plain(5), **changed}


def actions(*elements: Any, **changed: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **changed}


def section(length: int = 5, **changed: Any) -> dict[str, Any]:
    return {"type": "section", "text": plain(length), **changed}


def field(element: Any, **changed: Any) -> dict[str, Any]:
    return {"type": "input", "label": plain(5), "element": element, **changed}


def typed(**changed: Any) -> dict[str, Any]:
    return {"type": "plain_text_input", **changed}


LIMITS = {
    "blocks of a message": (50, lambda n: [section()] * n),
    "section text": (3000, lambda n: [section(n)]),
    "section fields": (10, lambda n: [{"type": "section", "fields": [plain(1)] * n}]),
    "section field": (2000, lambda n: [{"type": "section", "fields": [plain(n)]}]),
    "header": (150, lambda n: [{"type": "header", "text": plain(n)}]),
    "actions elements": (25, lambda n: [actions(*[button() for _ in range(n)])]),
    "context elements": (10, lambda n: [{"type": "context", "elements": [plain(1)] * n}]),
    "overflow options": (5, lambda n: [actions({"type": "overflow", "options": [option()] * n})]),
    "select options": (100, lambda n: [actions(menu(options=[option()] * n))]),
    "option text": (75, lambda n: [actions(menu(options=[option(text=plain(n))]))]),
    "option value": (150, lambda n: [actions(menu(options=[option(value="v" * n)]))]),
    "option description": (75, lambda n: [actions(menu(options=[option(description=plain(n))]))]),
    "button text": (75, lambda n: [actions(button(text=plain(n)))]),
    "button value": (2000, lambda n: [actions(button(value="v" * n))]),
    "button url": (3000, lambda n: [actions(button(url="https://" + "x" * (n - 8)))]),
    "action_id": (255, lambda n: [actions(button(action_id="a" * n))]),
    "block_id": (255, lambda n: [section(block_id="b" * n)]),
    "placeholder": (150, lambda n: [actions(menu(placeholder=plain(n)))]),
    "confirm title": (100, lambda n: [actions(button(confirm=confirm(title=plain(n))))]),
    "confirm text": (300, lambda n: [actions(button(confirm=confirm(text=plain(n))))]),
    "confirm button": (30, lambda n: [actions(button(confirm=confirm(confirm=plain(n))))]),
    "input label": (2000, lambda n: [field(typed(), label=plain(n))]),
    "input hint": (2000, lambda n: [field(typed(), hint=plain(n))]),
    "markdown": (12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
    "markdown of all blocks": (12_000, lambda n: [{"type": "markdown", "text": "x" * p} for p in (6000, n - 6000)]),
    "image alt text": (2000, lambda n: [{"type": "image", "image_url": "https://x.example/i", "alt_text": "x" * n}]),
    "checkboxes": (10, lambda n: [actions({"type": "checkboxes", "options": [option()] * n})]),
    "initial value": (3000, lambda n: [field(typed(initial_value="x" * n))]),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_message_at_the_limit_is_taken_and_one_past_it_is_refused(name: str) -> None:
    limit, build = LIMITS[name]
    check_message(build(limit), lambda: "id")
    with pytest.raises(Refusal, match="invalid_blocks") as refused:
        check_message(build(limit + 1), lambda: "id")
    assert all("json-pointer:/blocks" in message for message in refused.value.messages)


WRONG = {
    "a text is empty": [{"type": "section", "text": plain(0)}],
    "a section without text and fields": [{"type": "section"}],
    "an actions block is empty": [actions()],
    "an unknown block": [{"type": "fireworks"}],
    "a block without a type": [{"text": plain(1)}],
    "an unknown field": [section(colour="red")],
    "an element where it may not stand": [section(accessory=typed())],
    "a header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "an action_id twice in a block": [actions(button(action_id="a"), button(action_id="a"))],
    "a block_id twice": [section(block_id="b"), section(block_id="b")],
    "a menu with options and groups": [actions(menu(option_groups=[{"label": plain(1), "options": [option()]}]))],
    "a menu without options": [actions({"type": "static_select"})],
    "an initial option that is no option": [actions(menu(initial_option=option(value="other")))],
    "a style that does not exist": [actions(button(style="pink"))],
    "a date that is none": [actions({"type": "datepicker", "initial_date": "tomorrow"})],
    "a number input without is_decimal_allowed": [field({"type": "number_input"})],
    "an alert in a message": [{"type": "alert", "text": plain(1)}],
}


@pytest.mark.parametrize("name", WRONG)
def test_slack_refuses(name: str) -> None:
    with pytest.raises(Refusal, match="invalid_blocks"):
        check_message(WRONG[name], lambda: "id")


def test_the_message_names_the_block_that_is_wrong() -> None:
    with pytest.raises(Refusal) as refused:
        check_message([section(), actions(button(), menu(options=[option(text=plain(76))]))], lambda: "id")
    assert refused.value.messages == (
        "[ERROR] must be less than 76 characters [json-pointer:/blocks/1/elements/1/options/0/text/text]",
    )


@pytest.mark.parametrize("blocks", ["text", {"type": "section"}, ["section"]])
def test_blocks_that_are_no_list_of_objects_have_a_wrong_format(blocks: Any) -> None:
    with pytest.raises(Refusal, match="invalid_blocks_format"):
        check_message(blocks, lambda: "id")


def test_the_same_action_id_in_two_blocks_is_fine_and_missing_ids_are_made_up() -> None:
    ids = iter("abcdefgh")
    found = check_message(
        [actions(button(action_id="go")), actions(button(action_id="go"), button())], lambda: next(ids)
    )
    assert [block["block_id"] for block in found] == ["a", "b"]
    assert found[1]["elements"][1]["action_id"] == "c"


def modal(**changed: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain(5), "blocks": [section()], **changed}


VIEW_LIMITS = {
    "title": (24, lambda n: modal(title=plain(n))),
    "submit": (24, lambda n: modal(submit=plain(n))),
    "close": (24, lambda n: modal(close=plain(n))),
    "blocks of a view": (100, lambda n: modal(blocks=[section()] * n)),
    "private_metadata": (3000, lambda n: modal(private_metadata="m" * n)),
    "callback_id": (255, lambda n: modal(callback_id="c" * n)),
    "external_id": (255, lambda n: modal(external_id="e" * n)),
}


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_a_view_at_the_limit_is_taken_and_one_past_it_is_refused(name: str) -> None:
    limit, build = VIEW_LIMITS[name]
    check_view(build(limit), ("modal",), lambda: "id")
    with pytest.raises(Refusal, match="invalid_arguments") as refused:
        check_view(build(limit + 1), ("modal",), lambda: "id")
    assert "json-pointer:/view" in refused.value.messages[0]


WRONG_VIEWS = {
    "a modal with inputs and no submit": modal(blocks=[field(typed())]),
    "a modal without a title": {"type": "modal", "blocks": []},
    "a markdown block in a modal": modal(blocks=[{"type": "markdown", "text": "x"}]),
    "a dialog": modal(type="dialog"),
}


@pytest.mark.parametrize("name", WRONG_VIEWS)
def test_slack_refuses_the_view(name: str) -> None:
    with pytest.raises(Refusal, match="invalid_arguments"):
        check_view(WRONG_VIEWS[name], ("modal",), lambda: "id")


def test_a_home_tab_has_no_title() -> None:
    check_view({"type": "home", "blocks": []}, ("home",), lambda: "id")
    with pytest.raises(Refusal):
        check_view({"type": "home", "blocks": [], "title": plain(3)}, ("home",), lambda: "id")


def test_a_view_of_more_than_250_kb_is_too_large() -> None:
    big = [section(2900) for _ in range(90)]
    with pytest.raises(Refusal, match="view_too_large"):
        check_view(modal(blocks=big), ("modal",), lambda: "id")
    check_view(modal(blocks=big[:80]), ("modal",), lambda: "id")
