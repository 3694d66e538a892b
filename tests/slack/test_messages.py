"""Every builder, at its extremes: checked by the block rules of the local Slack."""

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import phrase
from bot.incident.view import IncidentView, RunView
from bot.intake import understand
from bot.language import Words
from bot.rehearsal.slack.blocks import check_message, check_view
from bot.slack import summaries
from bot.slack.blocks import Message, bold, code, escape, preformatted
from bot.slack.card import card, summary
from bot.slack.home_view import home
from bot.slack.incident_buttons import ACKNOWLEDGE, ESCALATE, OFFER, RESOLVE
from bot.slack.limits import SECTION, clip, clip_markup
from bot.slack.page_message import page_message
from bot.slack.plan_view import plan_view
from bot.slack.run_buttons import (
    PLAN_SHOW,
    RUN_ABORT,
    RUN_APPROVE,
    RUN_REPLAN,
    STEP_NO,
    STEP_RETRY,
    STEP_SKIP,
    STEP_YES,
)
from bot.slack.run_message import run_message
from bot.slack.undo_form import Choice, undo_form
from bot.slack.values import decode_value
from tests.slack import views
from tests.slack.views import NOW, RTO

EN = Words("en", "UTC")
MANY = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def who(actor: str) -> str:
    return {"mina": "Mina Park", "jun": "Jun Lee"}.get(actor, actor)


def check(message: Message) -> None:
    ids = itertools.count()
    check_message(message.blocks, lambda: str(next(ids)))
    assert 0 < len(message.text) <= 4_000


def texts(part: Any) -> str:
    """Every text of blocks, in order."""
    if isinstance(part, dict):
        return "\n".join(
            texts(value) for key, value in part.items() if key in {"text", "elements", "accessory", "blocks"}
        )
    return "\n".join(texts(one) for one in part) if isinstance(part, list) else str(part)


def buttons(blocks: list[dict[str, Any]]) -> list[str]:
    rows = [
        block.get("elements", [block.get("accessory")]) for block in blocks if block["type"] in {"actions", "section"}
    ]
    return [element["action_id"] for row in rows for element in row if element]


def values(blocks: list[dict[str, Any]], action_id: str) -> list[Any]:
    rows = [
        block.get("elements", [block.get("accessory")]) for block in blocks if block["type"] in {"actions", "section"}
    ]
    return [decode_value(one["value"]) for row in rows for one in row if one and one["action_id"] == action_id]


# --- never refused by Slack, whatever it is about


@MANY
@given(views.views())
def test_no_incident_makes_a_message_that_slack_refuses(view: IncidentView) -> None:
    for message in (card(view, EN, who), summaries.exhausted(view, EN, who), summaries.resolved(view, EN, who)):
        check(message)
    for page in view.pages:
        check(page_message(page, view.incident, EN, who))


@MANY
@given(views.run_views())
def test_no_run_makes_a_message_or_a_modal_that_slack_refuses(view: RunView) -> None:
    check(run_message(view, EN, who))
    ids = itertools.count()
    check_view(plan_view(view, EN), ("modal",), lambda: str(next(ids)))
    for choice in (Choice(), Choice("s0"), Choice("s0[1]", only=True)):
        check_view(undo_form(view, choice, EN), ("modal",), lambda: str(next(ids)))


@MANY
@given(
    st.lists(views.views(), max_size=3),
    st.integers(1, 20),
    st.dictionaries(views.named, st.lists(st.just("mina")), max_size=3),
)
def test_no_home_tab_is_one_that_slack_refuses(
    some: list[IncidentView], times: int, on_call: dict[str, list[str]]
) -> None:
    ids = itertools.count()
    check_view(home(some * times, on_call, EN, who), ("home",), lambda: str(next(ids)))


_OURS = re.compile(r"<!date\^\d+\^[^|>]*\|[^>]*>|<#C1>|<@U1>")


@MANY
@given(views.views(), views.run_views())
def test_nothing_that_others_wrote_can_ping_or_link(view: IncidentView, runs: RunView) -> None:
    messages = [card(view, EN, who), summaries.resolved(view, EN, who), run_message(runs, EN, who)]
    messages += [page_message(page, view.incident, EN, who) for page in view.pages[:3]]
    for message in messages:
        for text in (message.text, *_marked_up(message.blocks)):
            assert "<" not in _OURS.sub("", text)


def _marked_up(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for one in part for text in _marked_up(one)]
    if not isinstance(part, dict):
        return []
    if part.get("type") == "mrkdwn":
        return [part["text"]]
    return [text for one in part.values() for text in _marked_up(one)]


# --- the card


def test_the_card_of_an_open_incident_says_what_where_until_when_and_who() -> None:
    view = views.view(
        alarms=[
            views.record(
                metric="Errors", readings=(12.0, 9.0), threshold=5.0, comparison="GreaterThanThreshold", reason="two points",
                dimensions={"TableName": "orders"}, count=3,
            )
        ],
        pages=[views.page(status="sent")],
        offers=[views.offer()],
    )  # fmt: skip
    shown = texts(card(view, EN, who).blocks)
    for part in ("🔴 orders-errors", "Nobody has acknowledged", "*orders*", "tier 1", "us-east-1", "12, 9", "threshold &gt; 5",
                 "two points", "TableName=orders", "raised 3 times", "Mina Park: paged by Slack", "Restore a table",
                 "The alarm is about it.", f"<!date^{int((NOW + RTO).timestamp())}^{{time}}|03:30:00 UTC>"):  # fmt: skip
        assert part in shown


def test_what_a_message_without_a_reader_says_is_not_kept_from_people() -> None:
    [unread] = understand('{"title": "Disk", "free": "3 %", "deep": [{"Token": "secret"}]}')
    page = page_message(views.page(), views.incident(alarm=unread), EN, who)
    shown = texts(card(views.view(alarms=[views.record().model_copy(update={"latest": unread})]), EN, who).blocks)
    for said in (shown, texts(page.blocks), page.text):
        assert "3 %" in said
        assert "secret" not in said
    assert "no reader" in shown


def test_our_own_word_about_an_alarm_is_not_said_in_english_too() -> None:
    word = phrase("Our own word.")
    shown = texts(card(views.view(alarms=[views.record(note=word, reason=str(word))]), EN, who).blocks)
    assert shown.count("Our own word.") == 1


def test_buttons_are_there_only_where_they_can_act() -> None:
    assert buttons(card(views.view(offers=[views.offer()]), EN, who).blocks) == [ACKNOWLEDGE, ESCALATE, RESOLVE, OFFER]
    assert buttons(card(views.view(views.acknowledged()), EN, who).blocks) == [ESCALATE, RESOLVE]
    assert buttons(card(views.view(views.resolved(), offers=[views.offer()]), EN, who).blocks) == []
    for status in ("running", "needs_person"):
        assert RESOLVE not in buttons(card(views.view(runs=[views.run(status=status)]), EN, who).blocks)


def test_a_button_carries_ids_and_never_state() -> None:
    blocks = card(views.view(offers=[views.offer()]), EN, who).blocks
    assert values(blocks, ACKNOWLEDGE) == [{"i": views.incident_id}]
    assert values(blocks, OFFER) == [{"i": views.incident_id, "p": "restore-table"}]


def test_the_card_changes_only_when_something_has_happened() -> None:
    first = card(views.view(now=NOW), EN, who)
    assert card(views.view(now=NOW + RTO / 2), EN, who) == first
    assert card(views.view(now=NOW + RTO), EN, who) != first


def test_the_clock_says_past_the_target_at_the_deadline_and_not_a_second_before() -> None:
    second = RTO / 1800
    assert "Past the target" not in texts(card(views.view(now=NOW + RTO - second), EN, who).blocks)
    assert "Past the target" in texts(card(views.view(now=NOW + RTO), EN, who).blocks)


@pytest.mark.parametrize(("factor", "said"), [(1, "within the target"), (1.01, "past the target")])
def test_a_resolved_incident_is_measured_against_its_target(factor: float, said: str) -> None:
    view = views.view(views.resolved(after=RTO * factor), now=NOW + 9 * RTO)
    assert said in texts(card(view, EN, who).blocks)
    assert said in summaries.resolved(view, EN, who).text


def test_names_are_shown_and_not_keys() -> None:
    view = views.view(views.acknowledged("jun"))
    assert "Acknowledged by Jun Lee" in card(view, EN, who).text


def test_an_alarm_that_is_ok_again_says_so() -> None:
    assert "OK since" in texts(card(views.view(alarms=[views.record(state="ok")]), EN, who).blocks)


def test_an_alarm_named_like_a_mention_pings_nobody() -> None:
    view = views.view(views.incident(title="<!channel> & <@U9>"), alarms=[views.record("<!here>")])
    message = card(view, EN, who)
    assert "&lt;!channel&gt; &amp; &lt;@U9&gt;" in message.text
    assert "&lt;!here&gt;" in texts(message.blocks)
    assert message.blocks[0]["text"]["type"] == "plain_text"


def test_a_notification_shows_no_asterisks_and_backticks() -> None:
    for message in (
        run_message(views.run_view(views.run()), EN, who),
        summaries.resolved(views.view(views.resolved()), EN, who),
    ):
        assert not {"*", "`"} & set(message.text)


def test_a_list_shows_no_line_break_of_a_title() -> None:
    assert "\n" not in summary(views.incident(title="a\nb"), EN, who)


# --- pages


def test_a_page_has_buttons_until_it_is_settled() -> None:
    assert buttons(page_message(views.page(status="due"), views.incident(), EN, who).blocks) == [ACKNOWLEDGE, ESCALATE]
    for status in ("acknowledged", "superseded"):
        message = page_message(views.page(status=status), views.acknowledged(), EN, who)
        assert buttons(message.blocks) == []
    assert buttons(page_message(views.page(status="sent"), views.resolved(), EN, who).blocks) == []


def test_a_page_after_the_answer_offers_no_second_answer() -> None:
    assert buttons(page_message(views.page(status="due"), views.acknowledged(), EN, who).blocks) == [ESCALATE]


# --- runs


def test_the_plan_shows_the_exact_calls_and_what_changes_before_run_is_pressed() -> None:
    blocks = run_message(views.run_view(views.run()), EN, who).blocks
    shown = texts(blocks)
    for part in (
        "dynamodb RestoreTableToPointInTime",
        "SourceTableName = orders",
        "— → `orders`",
        "⚠️ orders is disturbed.",
    ):
        assert part in shown
    assert buttons(blocks) == [RUN_APPROVE, RUN_ABORT, RUN_REPLAN, PLAN_SHOW]
    assert values(blocks, RUN_APPROVE) == [{"r": "r1", "h": views.run().plan_hash}]


def test_a_plan_that_was_cut_says_so_and_is_whole_in_its_modal() -> None:
    book = views.playbook([{"id": f"s{n}", "action": "a.b"} for n in range(30)])
    view = views.run_view(views.run(book, [views.planned(f"s{n}", text=f"table-{n}") for n in range(30)]))
    assert "Show the whole plan" in texts(run_message(view, EN, who).blocks[-3])
    assert all(f"table-{n}" in texts(plan_view(view, EN)) for n in range(30))


def test_a_plan_that_is_whole_does_not_say_that_it_was_cut() -> None:
    assert "not all of it" not in texts(run_message(views.run_view(views.run()), EN, who).blocks)


def _asked() -> Any:
    ask = {"id": "go", "ask": {"en": "Go?", "ko": "갈까요?"}, "action": "a.b"}
    return views.playbook(
        [ask, {"id": "fix", "action": "a.b", "needs": []}, {"id": "end", "action": "a.b", "needs": ["go"]}]
    )


def test_step_buttons_are_where_the_state_machine_takes_them() -> None:
    view = views.run_view(views.run(_asked(), status="needs_person"), {"go": "asking", "fix": "failed"})
    found = buttons(run_message(view, EN, who).blocks)
    assert [one for one in found if one.startswith("step.")] == [STEP_YES, STEP_NO, STEP_SKIP, STEP_RETRY, STEP_SKIP]
    assert values(run_message(view, EN, who).blocks, STEP_RETRY) == [{"r": "r1", "s": "fix"}]


@pytest.mark.parametrize("status", ["succeeded", "aborted", "failed", "undone"])
def test_a_run_that_is_over_and_changed_nothing_can_only_be_read(status: str) -> None:
    view = views.run_view(views.run(_asked(), status=status, ended_at=NOW + RTO), {"go": "asking", "fix": "failed"})
    assert buttons(run_message(view, EN, who).blocks) == [PLAN_SHOW]


@pytest.mark.parametrize("status", ["expired", "refused"])
def test_a_plan_that_led_to_nothing_can_be_made_anew_unless_the_incident_is_over(status: str) -> None:
    view = views.run_view(views.run(status=status, ended_at=NOW + RTO))
    assert buttons(run_message(view, EN, who).blocks) == [RUN_REPLAN, PLAN_SHOW]
    assert buttons(run_message(replace(view, incident=views.resolved()), EN, who).blocks) == [PLAN_SHOW]


def test_among_two_hundred_steps_the_one_that_wants_eyes_is_shown() -> None:
    book = views.playbook([{"id": f"s{n}", "action": "a.b"} for n in range(200)])
    states = {f"s{n}": "done" for n in range(150)} | {"s150": "failed"}
    shown = texts(run_message(views.run_view(views.run(book, status="needs_person"), states), EN, who).blocks)
    assert "❌ *s150*" in shown
    assert "✅ *s149*" in shown
    assert "and 160 more steps" in shown


def test_a_plan_is_read_in_the_readers_language() -> None:
    assert "Restore it (ko)" in texts(run_message(views.run_view(views.run()), Words("ko"), who).blocks)


# --- the small parts


@given(st.text(max_size=50), st.integers(1, 60))
def test_a_clipped_text_fits_and_is_cut_only_when_it_must_be(text: str, most: int) -> None:
    assert len(clip(text, most)) <= most
    assert len(text) > most or clip(text, most) == text


def test_what_an_alarm_does_not_say_leaves_no_trace() -> None:
    bare = views.record()
    shown = texts(card(views.view(alarms=[bare]), EN, who).blocks)
    assert "`…`" not in shown
    assert "threshold" not in shown
    assert "\n\n\n" not in shown


@pytest.mark.parametrize("length", [SECTION - 1, SECTION, SECTION + 1])
def test_markup_is_cut_only_past_the_limit(length: int) -> None:
    assert (clip_markup("x" * length, SECTION) == "x" * length) == (length <= SECTION)


@given(
    st.lists(st.sampled_from(["&amp;", "<@U1>", "<!date^1^{time}|x>", "a", " ", "```", "`"]), max_size=40),
    st.integers(20, 80),
)
def test_markup_is_never_cut_inside_an_entity_a_mention_or_a_code_block(parts: list[str], most: int) -> None:
    text = "".join(parts)
    cut = clip_markup(text, most)
    assert len(cut) <= most
    if cut != text:
        assert cut.count("<") == cut.count(">")
        assert cut.count("&") == cut.count("&amp;")
        assert cut.count("```") % 2 == 0


@given(st.text())
def test_escaped_text_has_no_markup_left(text: str) -> None:
    for made in (escape(text), bold(text), code(text), preformatted(text)):
        assert "<" not in made
        assert ">" not in made
    assert "`" not in code(text)[1:-1]
    assert "```" not in preformatted(text)[3:-3]
