"""A sign of life means that the worker and the database work; it is told to every region that can hear it."""

from typing import Any

import pytest

from bot.clock import SystemClock
from bot.errors import ActionFailed, phrase
from bot.heartbeat import EVERY, Heartbeat
from bot.jobs import HEARTBEAT, Job
from bot.store.sql import Store
from tests.support.core import Core, alarm, build

ONE_ENGINE = True  # decisions; the statements are judged on both elsewhere


@pytest.fixture
def core(store: Store, clock: SystemClock) -> Core:
    return build(store, clock)


class CloudWatch:
    def __init__(self, *, down: bool = False) -> None:
        self.down, self.put = down, list[dict[str, Any]]()

    async def __call__(self, **data: Any) -> None:
        if self.down:
            raise ActionFailed(phrase("no"), retry=True)
        self.put.append(data)


async def beat(core: Core, **regions: CloudWatch) -> None:
    async with core.store.begin() as tx:
        job = Job(0, HEARTBEAT, {}, tx.now, 1, 1, tx.now)
    record = await Heartbeat(core.store, regions, "Lifeboat").beat(job)
    async with core.store.begin() as tx:
        await record(tx)


def values(cloudwatch: CloudWatch) -> dict[str, float]:
    return {one["MetricName"]: one["Value"] for one in cloudwatch.put[-1]["MetricData"]}


async def test_it_says_alive_and_how_things_stand(core: Core) -> None:
    cloudwatch = CloudWatch()
    await beat(core, one=cloudwatch)
    assert cloudwatch.put[0]["Namespace"] == "Lifeboat"
    assert values(cloudwatch) == {"Alive": 1, "UrgentJobsLate": 0, "IncidentsOpen": 0}
    await core.raise_alarm(alarm())
    core.clock.advance(EVERY * 3)
    await beat(core, one=cloudwatch)
    seen = values(cloudwatch)
    assert seen["IncidentsOpen"] == 1
    assert seen["UrgentJobsLate"] > 0, "nobody works off the page"


async def test_a_region_that_does_not_answer_holds_up_no_other_and_not_the_next_beat(core: Core) -> None:
    other = CloudWatch()
    await beat(core, gone=CloudWatch(down=True), there=other)
    assert len(other.put) == 1
    async with core.store.begin() as tx:
        waiting = {kind: count for kind, state, count, _ in await tx.jobs.counts() if state == "waiting"}
    assert waiting[HEARTBEAT.name] == 1


async def test_a_database_that_does_not_answer_sends_no_sign_of_life(core: Core) -> None:
    cloudwatch = CloudWatch()

    class Gone:
        def begin(self, job: Any = None) -> Any:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await Heartbeat(Gone(), {"one": cloudwatch}, "Lifeboat").beat(None)  # type: ignore[arg-type]  # a store that is gone
    assert cloudwatch.put == []
