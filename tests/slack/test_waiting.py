"""The message that rings when a run waits for a person."""

from dataclasses import replace

import pytest

from bot.errors import phrase
from bot.language import Words
from bot.slack.waiting import lapsing, waiting
from tests.slack import views

_ = Words("en", "UTC")
STEPS = [
    {
        "id": "cut-over",
        "title": {"en": "Cut over", "ko": "전환"},
        "ask": {"en": "Point {{ incident.id }} there?", "ko": "전환할까요?"},
    },
    {"id": "left", "action": "thing.make", "irreversible": "x"},
]
BOOK = views.playbook(STEPS)


def text(state: str, attempt: int = 1, asked: int = 1) -> str | None:
    run = views.run(BOOK, status="running", started_at=views.NOW, plan=None)
    view = views.run_view(run, {"cut-over": state, "left": "waiting"})
    rows = [row.model_copy(update={"attempt": attempt, "note": None}) for row in view.steps]
    message = waiting(views.view(pages=[views.page()]), replace(view, steps=rows), "cut-over", asked, _)
    return message.text if message else None


def test_it_says_what_waits_for_what_and_mentions_who_was_paged() -> None:
    said = text("asking")
    assert said is not None
    assert "Restore a table" in said
    assert "Cut over" in said
    assert f"Point {views.incident_id} there?" in said
    assert "<@" in said


def test_a_failure_says_what_can_be_done() -> None:
    assert "has failed. Retry or skip it" in (text("failed") or "")


@pytest.mark.parametrize("state", ["done", "running", "skipped", "aborted", "waiting"])
def test_what_somebody_has_answered_meanwhile_is_not_said(state: str) -> None:
    assert text(state) is None


def test_what_was_about_an_earlier_attempt_is_not_said() -> None:
    assert text("failed", attempt=2, asked=1) is None


def test_what_ends_by_itself_is_told_with_its_reason_to_whoever_was_paged() -> None:
    run = views.run(BOOK, status="succeeded", started_at=views.NOW, plan=None)
    view = views.run_view(run, {"cut-over": "done", "left": "done"})
    why = phrase("It ends at {until}.", until=views.NOW)
    said = lapsing(views.view(pages=[views.page()]), view, "cut-over", why, _).text
    assert "Cut over is not renewed" in said
    assert "It ends at 03:00" in said
    assert "<@" in said
