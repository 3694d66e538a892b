from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.jobs import ALARM, DRAW_CARD, ESCALATE, PAGE, STEP, TIDY, Kind, NewJob
from bot.serve import Parts
from bot.store.sql import Store


def _parts(store: Store) -> Parts:
    """A process whose parts are all well, on a real database."""
    well: Any = SimpleNamespace(store=store, is_alive=True)
    return Parts(core=well, worker=well, queues=(), socket=None, desk=well, http=well)


async def _overdue(store: Store, clock: SystemClock, kind: Kind) -> None:
    async with store.begin() as tx:
        await tx.jobs.add(NewJob(kind))
    clock.advance(timedelta(seconds=61))


@pytest.mark.parametrize("kind", [DRAW_CARD, TIDY], ids=lambda kind: kind.name)
async def test_a_bot_that_only_slack_holds_up_stays_ready(store: Store, clock: SystemClock, kind: Kind) -> None:
    await _overdue(store, clock, kind)
    assert await _parts(store).problems() == {}


@pytest.mark.parametrize("kind", [ALARM, ESCALATE, PAGE, STEP], ids=lambda kind: kind.name)
async def test_a_bot_that_leaves_urgent_work_undone_is_not_ready(store: Store, clock: SystemClock, kind: Kind) -> None:
    await _overdue(store, clock, kind)
    await _overdue(store, clock, DRAW_CARD)
    assert await _parts(store).problems() == {"jobs": "1 overdue"}
