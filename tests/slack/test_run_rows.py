"""The list of a run: what stands in it, what is left out when it is full, and which buttons."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import phrase
from bot.incident.run import Approval, Step
from bot.incident.timeline import store
from bot.incident.view import RunView
from bot.language import Words
from bot.playbook.forecast import Spread
from bot.rehearsal.slack.blocks import check_message
from bot.slack.run_buttons import (
    PLAN_SHOW,
    RUN_ABORT,
    RUN_APPROVE,
    RUN_NOW,
    RUN_REPLAN,
    RUN_UNDO,
    STEP_NO,
    STEP_RETRY,
    STEP_SKIP,
    STEP_YES,
)
from bot.slack.run_message import run_message
from bot.slack.run_rows import ROWS, WITH_BUTTONS
from bot.slack.values import decode_value
from tests.slack import views
from tests.slack.views import NOW, elements, row

EN = Words("en", "UTC")
MIN = timedelta(minutes=1)


def who(actor: str) -> str:
    return {"mina": "Mina Park", "jun": "Jun Lee"}.get(actor, actor)


def shown(view: RunView, words: Words = EN) -> str:
    """Every text of the message, top to bottom; checked against Slack's rules."""
    message = run_message(view, words, who)
    ids = itertools.count()
    check_message(message.blocks, lambda: str(next(ids)))
    return "\n".join(_texts(message.blocks))


def _texts(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for one in part for text in _texts(one)]
    if isinstance(part, dict):
        return [part["text"]] if isinstance(part.get("text"), str) else [t for v in part.values() for t in _texts(v)]
    return []


def pressed(view: RunView) -> list[tuple[str, str]]:
    """Every button: its action and its row."""
    blocks = run_message(view, EN, who).blocks
    rows = [block["elements"] for block in blocks if block["type"] == "actions"]
    return [(one["action_id"], decode_value(one["value"]).get("s", "")) for row_ in rows for one in row_]


def seen(steps: Sequence[dict[str, Any]], rows: Sequence[Step], *, book: Any = None, **run: Any) -> RunView:
    playbook = views.playbook(list(steps), **(book or {}))
    plans = [views.planned(step.id) for step in playbook.steps]
    made = views.run(playbook, plans, **({"status": "running", "started_at": NOW - 10 * MIN} | run))
    return RunView(views.incident(), made, rows, NOW)


def act(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "action": "a.b", "needs": [], **more}


EACH = act("move", for_each={"in": ["x"], "batch": 5, "stop_after": 9})


# --- one row


def test_a_row_that_runs_says_how_long_it_has_and_how_long_it_usually_takes() -> None:
    running = row("a", 0, "running", started_at=NOW - 3 * MIN - timedelta(seconds=59))
    view = seen([act("a")], [running])
    usual = {"a": Spread(10 * MIN, 12 * MIN, 3, stated=False)}
    assert "⏳ *a* · 3 min of about 10 min" in shown(replace(view, expected=usual))
    assert "⏳ *a* · since <!date" in shown(view)
    late = replace(view, expected={"a": Spread(MIN, MIN, 3, stated=False)})
    assert "3 min, usually about 1 min" in shown(late)


def test_a_row_that_waits_says_what_to_expect_and_one_that_is_done_what_it_took() -> None:
    usual = {"b": Spread(4 * MIN, 5 * MIN, 3, stated=False)}
    rows = [row("a", 0, "done", started_at=NOW - 2 * MIN, ended_at=NOW - MIN), row("b", 1)]
    text = shown(replace(seen([act("a"), act("b")], rows), expected=usual))
    assert "✅ *a* · 1 min" in text
    assert "⚪ *b* · about 4 min" in text


@pytest.mark.parametrize(("retries", "said"), [(1, "try 2 of 3"), (2, "try 3 of 3")])
def test_tries_without_a_person_are_counted_against_the_steps_own_number(retries: int, said: str) -> None:
    steps = [act("a", retry={"times": 2})]
    text = shown(seen(steps, [row("a", 0, "running", retries=retries, attempt=retries + 1, started_at=NOW)]))
    assert said in text
    assert "attempt" not in text


def test_a_step_that_was_left_out_shows_its_condition_and_no_person() -> None:
    text = shown(seen([act("a", when="{{ cache }}")], [row("a", 0, "skipped", note=store(phrase("left out")))]))
    assert "Left out, because this does not hold: `{{ cache }}`" in text
    assert "left out" not in text


def test_an_engines_own_question_is_asked_in_its_words_with_yes_and_no() -> None:
    question = store(phrase("Approve step {name} of document X?", name="Stop"))
    view = seen([act("a")], [row("a", 0, "asking", question=question, note=question)])
    assert shown(view).count("Approve step Stop of document X?") == 1
    assert [one for one in pressed(view) if one[1]] == [(STEP_YES, "a"), (STEP_NO, "a")]


# --- elements


def test_elements_are_summed_up_and_only_those_that_need_eyes_have_a_row() -> None:
    states = ["done"] * 4 + ["running"] * 2 + ["failed"] + ["waiting"] * 5
    why = store(phrase("no capacity"))
    parts = [one.model_copy(update={"note": why}) for one in elements("move", 0, states)]
    view = seen([EACH], [row("move", 0, "running", started_at=NOW), *parts])
    text = shown(view)
    assert "4 of 12 done, 2 running: `web-4`, `web-5`, 1 failed: `web-6`" in text
    assert "↳ ❌ *web-6*" in text
    assert text.count("no capacity") == 1
    assert "*web-7*" not in text
    assert [one for one in pressed(view) if one[1]] == [(STEP_RETRY, "move[6]"), (STEP_SKIP, "move[6]")]


# --- limits


@pytest.mark.parametrize(("count", "left"), [(ROWS, 0), (ROWS + 1, 1), (ROWS + 160, 160)])
def test_forty_rows_are_shown_and_the_rest_is_counted(count: int, left: int) -> None:
    steps = [act(f"s{n}") for n in range(count)]
    text = shown(seen(steps, [row(f"s{n}", n) for n in range(count)]))
    assert (f"and {left} more steps: {left} waiting" in text) == bool(left)
    assert sum(f"*s{n}*" in text for n in range(count)) == ROWS


def test_forty_steps_and_a_hundred_elements_show_what_failed() -> None:
    steps = [act(f"s{n}") for n in range(39)] + [EACH]
    parts = elements("move", 39, ["done"] * 60 + ["failed"] * 3 + ["waiting"] * 37)
    rows = [*(row(f"s{n}", n, "done") for n in range(39)), row("move", 39, "running", started_at=NOW), *parts]
    text = shown(seen(steps, rows))
    for name in ("web-60", "web-61", "web-62"):
        assert f"↳ ❌ *{name}*" in text
    assert "60 of 100 done" in text
    assert "and 3 more steps: 3 done" in text


@pytest.mark.parametrize(("failed", "silent"), [(WITH_BUTTONS, 0), (WITH_BUTTONS + 1, 1), (100, 100 - WITH_BUTTONS)])
def test_more_rows_with_buttons_than_fit_are_said_to_come_later(failed: int, silent: int) -> None:
    parts = elements("move", 0, ["failed"] * failed, note=store(phrase("x" * 390)))
    view = seen([EACH], [row("move", 0, "running", started_at=NOW), *parts])
    text = shown(view)
    assert (f"{silent} more wait for a person" in text) == bool(silent)
    assert sum(action == STEP_RETRY for action, _ in pressed(view)) == WITH_BUTTONS


@pytest.mark.parametrize(
    ("more", "agreed"), [({"attempt": 1}, True), ({"attempt": 2}, False), ({"answer": "yes"}, True)]
)
def test_who_answered_an_actions_question_stands_there_afterwards(more: dict[str, Any], agreed: bool) -> None:
    """The answer itself is spent by then; a second attempt may be decided by whoever pressed Retry."""
    view = seen([act("a")], [row("a", 0, "done", decided_by="mina", **more)])
    assert ("Agreed by Mina Park." in shown(view)) == agreed


# --- taking back


def test_what_is_taken_back_stands_below_with_its_own_buttons() -> None:
    steps = [act("a", undo={"action": "a.u"}), act("b", undo={"action": "a.u"})]
    rows = [
        row("a", 0, "done", happened=1), row("b", 1, "failed", happened=2),
        row("undo:b", 10_000, "done", of="b", undoes="b"), row("undo:a", 10_001, "failed", of="a", undoes="a"),
    ]  # fmt: skip
    view = seen(steps, rows, status="needs_person", undone_by="mina")
    text = shown(view)
    above, below = text.split("*Taken back*, the latest change first")
    assert "*b* · taken back" in above
    assert "*a* · taken back" not in above
    assert below.index("✅ *b*") < below.index("❌ *a*")
    assert [one for one in pressed(view) if one[1]] == [(STEP_RETRY, "undo:a"), (STEP_SKIP, "undo:a")]


def test_what_stays_after_taking_back_is_named_with_its_reason() -> None:
    steps = [act("a", undo={"action": "a.u"}), act("b", irreversible={"en": "Mail is sent.", "ko": "보냄"})]
    rows = [row("a", 0, "done", happened=1), row("b", 1, "done", happened=2),
            row("undo:a", 10_000, "done", of="a", undoes="a")]  # fmt: skip
    view = seen(steps, rows, status="undone", undone_by="mina", ended_at=NOW)
    assert "⚠️ *Cannot be taken back*\n• *b*: Mail is sent." in shown(view)
    assert "*Taken back* by Mina Park" in shown(view)


# --- the whole run


@pytest.mark.parametrize(("undone", "whole"), [((0, 2), True), ((0,), False), ((), False)])
def test_a_list_is_taken_back_when_all_of_it_is_that_had_happened(undone: Sequence[int], whole: bool) -> None:
    done, never, late = elements("move", 0, ["done", "waiting", "done"])
    parts = [done.model_copy(update={"happened": 1}), never, late.model_copy(update={"happened": 2})]
    undos = [
        row(f"undo:move[{at}]", 10_000 + at, "done", of="move", undoes=f"move[{at}]", item=f"web-{at}") for at in undone
    ]  # fmt: skip
    view = seen([EACH], [row("move", 0, "done"), *parts, *undos], status="undone", undone_by="mina")
    assert ("*move* · taken back" in shown(view)) == whole


def test_a_plan_says_what_cannot_be_taken_back_what_may_be_missed_and_who_must_approve() -> None:
    steps = [act("a", irreversible="The old table is gone.")]
    book = {
        "approval": {"people": 2},
        "targets": {"rto": "30m", "rpo": "5m", "caveat": {"en": "May take longer.", "ko": "김"}},
    }
    one = Approval(by="jun", at=NOW, plan_hash="0123456789ab")
    text = shown(seen(steps, [row("a", 0)], book=book, status="planned", approvals=(one,), planned_at=NOW))
    for said in ("*a*: The old table is gone.", "May take longer.", "Jun Lee approved plan `01234567` at", "1 of 2 approvals",
                 "Somebody other than Mina Park must approve it"):  # fmt: skip
        assert said in text


def test_each_approval_is_shown_with_its_time_and_the_terminal_it_came_from() -> None:
    both = (
        Approval(by="mina", at=NOW, plan_hash="a" * 64),
        Approval(by="jun", at=NOW + MIN, plan_hash="a" * 64, via="root"),
    )
    text = shown(seen([act("a")], [row("a", 0)], approvals=both))
    stamps = [int((NOW + n * MIN).timestamp()) for n in range(2)]
    assert f"👍 Mina Park approved plan `aaaaaaaa` at <!date^{stamps[0]}" in text
    assert f"👍 Jun Lee approved plan `aaaaaaaa` at <!date^{stamps[1]}" in text
    assert "at a terminal as `root`" in text


def test_a_failed_run_names_the_step_that_is_to_blame() -> None:
    steps = [act("db", title={"en": "Fail over", "ko": "전환"})]
    failed = seen(steps, [row("db", 0, "failed")], status="failed", failed_step="db", ended_at=NOW)
    assert "❌ *Failed* at *Fail over* after 10 min" in shown(failed)
    element = seen([EACH], [row("move", 0, "failed")], status="failed", failed_step="move[3]", ended_at=NOW)
    assert "❌ *Failed* at *move*" in shown(element)


def test_a_region_is_approved_in_a_form_and_its_button_says_so() -> None:
    for tier, label in ((1, "Run"), (3, "Run…")):
        book = {"tier": tier, "regions": {"acting": "us-west-2", "failing": "us-east-1"}}
        blocks = run_message(seen([act("a")], [row("a", 0)], book=book, status="planned"), EN, who).blocks
        [button] = [one for block in blocks if block["type"] == "actions" for one in block["elements"]
                    if one["action_id"] == RUN_APPROVE]  # fmt: skip
        assert button["text"]["text"] == label


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("planning", [RUN_ABORT, PLAN_SHOW]),
        ("planned", [RUN_APPROVE, RUN_ABORT, RUN_REPLAN, PLAN_SHOW]),
        ("announced", [RUN_NOW, RUN_ABORT, PLAN_SHOW]),
        ("running", [RUN_ABORT, PLAN_SHOW]),
        ("undoing", [RUN_ABORT, PLAN_SHOW]),
        ("needs_person", [RUN_ABORT, RUN_UNDO, PLAN_SHOW]),
        ("succeeded", [RUN_UNDO, PLAN_SHOW]),
        ("failed", [RUN_UNDO, PLAN_SHOW]),
        ("aborted", [RUN_UNDO, PLAN_SHOW]),
        ("expired", [RUN_REPLAN, PLAN_SHOW]),
    ],
)
def test_the_buttons_of_a_run_are_where_they_can_act(status: str, expected: list[str]) -> None:
    rows = [row("a", 0, "done", happened=1)]
    ended = NOW if status in {"succeeded", "failed", "aborted", "expired"} else None
    view = seen([act("a", undo={"action": "a.u"})], rows, status=status, ended_at=ended)
    assert [action for action, _ in pressed(view)] == expected


def test_the_time_a_run_is_given_is_shown_where_the_playbook_sets_one() -> None:
    def text(**book: Any) -> str:
        return shown(seen([act("a")], [row("a", 0)], book=book, deadline_at=NOW + 50 * MIN))

    assert "given up at" in text(deadline="1h")
    assert "given up at" not in text()
