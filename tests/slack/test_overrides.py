"""Changing who is on call from Slack."""

from collections.abc import AsyncIterator

import pytest

from bot.clock import SystemClock
from bot.store.sql import Store
from tests.slack.front import Front, open_front


@pytest.fixture
async def front(store: Store, clock: SystemClock) -> AsyncIterator[Front]:
    async with open_front(store, clock) as opened:
        yield opened


async def test_taking_the_pager_is_one_line_and_seen_by_everybody(front: Front) -> None:
    assert "Sofia Rossi is on call in primary" in await front.command("sofia", "override primary 2h")
    assert "Sofia" in (await front.command("alex", "oncall")).split("secondary")[0]
    assert "Sofia Rossi is on call in primary" in await front.command("alex", "교대")


async def test_without_a_length_it_lasts_to_the_end_of_the_shift(front: Front) -> None:
    assert "is on call in primary" in await front.command("sofia", "override primary")
    assert "is on call in primary" in await front.command("sofia", "override primary @alex")


async def test_it_can_be_taken_back_by_the_id_that_was_said(front: Front) -> None:
    said = await front.command("sofia", "override primary 2h")
    made = said.rstrip(" .").split("(")[-1].split(")")[0]
    assert "Taken back" in await front.command("alex", f"override cancel {made}")
    assert "There are none" in await front.command("alex", "override")
    assert "no override named" in await front.command("alex", f"override cancel {made}")


async def test_an_unknown_schedule_or_person_is_told_with_the_nearest(front: Front) -> None:
    assert "primary" in await front.command("sofia", "override primry 2h")
    assert "people.yaml" in await front.command("sofia", "override primary @nobody 2h")
