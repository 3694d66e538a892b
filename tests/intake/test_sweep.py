from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from bot.errors import Phrase, Unavailable
from bot.intake import understand
from bot.intake.sweep import Sweep, missing
from tests.intake.fakes import NOW, TOPIC, MemoryInbox, MovedClock

T = TypeVar("T")
WENT_OFF = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


def listed(name: str = "api-5xx", region: str = "us-east-1", **changes: Any) -> dict[str, Any]:
    """A metric alarm as boto3 gives it."""
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{region}:111122223333:alarm:{name}",
        "AlarmActions": [TOPIC],
        "ActionsEnabled": True,
        "StateValue": "ALARM",
        "StateReason": "Threshold Crossed: 1 datapoint [66.6 (23/11/26 03:29:00)] was greater than the threshold (30.0).",
        "StateReasonData": '{"version":"1.0","recentDatapoints":[12.0,66.6],"threshold":30.0}',
        "StateUpdatedTimestamp": WENT_OFF,
        "StateTransitionedTimestamp": WENT_OFF,
        "Namespace": "AWS/DynamoDB",
        "MetricName": "SystemErrors",
        "Dimensions": [{"Name": "TableName", "Value": "orders"}],
        "Period": 60,
        "Threshold": 30.0,
        "ComparisonOperator": "GreaterThanThreshold",
    } | changes


def fingerprint(name: str = "api-5xx", region: str = "us-east-1") -> str:
    return f"111122223333|{region}|arn:aws:cloudwatch:{region}:111122223333:alarm:{name}"


class CloudWatch:
    """One region; lists in pages of one."""

    def __init__(self, **groups: list[dict[str, Any]]) -> None:
        self.items = [(group, item) for group, items in groups.items() for item in items]
        self.asked: list[Mapping[str, Any]] = []
        self.fails: Exception | None = None

    def describe_alarms(self, **parameters: Any) -> Mapping[str, Any]:
        self.asked.append(parameters)
        if self.fails:
            raise self.fails
        at = int(parameters.get("NextToken", "0"))
        page = {group: [item] for group, item in self.items[at : at + 1]}
        return {**page, "NextToken": str(at + 1)} if at + 1 < len(self.items) else page


async def at_once(call: Callable[[], T]) -> T:
    return call()


class House:
    def __init__(self, topics: frozenset[str] = frozenset(), **regions: CloudWatch) -> None:
        self.inbox, self.raised = MemoryInbox(), dict[str, datetime | None]()
        clients = {name.replace("_", "-"): client for name, client in regions.items()}
        self.sweep = Sweep(clients, self.inbox, self.known, at_once, MovedClock(), topics)

    async def known(self) -> Mapping[str, datetime | None]:
        return self.raised


async def test_an_alarm_that_no_incident_knows_is_taken_in_and_understood() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    assert await house.sweep.once() == 1
    (delivery,) = house.inbox.kept.values()
    assert delivery.door == "sweep"
    (alarm,) = understand(delivery.body)
    assert (alarm.fingerprint, alarm.state, alarm.resource) == (fingerprint(), "alarm", "dynamodb")
    assert alarm.dimensions == {"TableName": "orders"}
    assert alarm.readings == (66.6, 12.0)
    assert alarm.changed_at == WENT_OFF


@pytest.mark.parametrize("rounded", [timedelta(), timedelta(milliseconds=-900)])
async def test_a_change_we_were_told_of_is_left_alone_even_when_its_incident_was_resolved(rounded: timedelta) -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    house.raised = {fingerprint(): WENT_OFF + rounded}
    assert await house.sweep.once() == 0
    assert not house.inbox.accepted


async def test_an_alarm_whose_times_nobody_gave_is_not_taken_in_again() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    house.raised = {fingerprint(): None}
    assert await house.sweep.once() == 0


async def test_an_alarm_that_went_off_again_while_we_were_deaf_is_taken_in() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    house.raised = {fingerprint(): WENT_OFF - timedelta(hours=1)}
    assert await house.sweep.once() == 1


async def test_the_same_alarm_swept_again_is_not_a_second_delivery() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    await house.sweep.once()
    await house.sweep.once()
    assert list(house.inbox.kept) == [f"sweep:{fingerprint()}:{WENT_OFF.isoformat()}"]


async def test_an_alarm_that_goes_off_again_is_a_new_delivery() -> None:
    later = WENT_OFF.replace(hour=5)
    (first,) = missing([("MetricAlarms", listed())], {}, NOW)
    (second,) = missing([("MetricAlarms", listed(StateTransitionedTimestamp=later))], {}, NOW)
    assert first.id != second.id


async def test_a_change_of_the_evaluation_state_is_not_a_new_delivery() -> None:
    """`StateUpdatedTimestamp` moves with it although the alarm was on all the time."""
    (first,) = missing([("MetricAlarms", listed())], {}, NOW)
    (second,) = missing([("MetricAlarms", listed(StateUpdatedTimestamp=NOW))], {}, NOW)
    assert first.id == second.id


async def test_an_emulator_without_the_transition_time_still_has_a_stable_id() -> None:
    item = listed()
    del item["StateTransitionedTimestamp"]
    (delivery,) = missing([("MetricAlarms", item)], {}, NOW)
    assert delivery.id.endswith(WENT_OFF.isoformat())


async def test_composite_and_log_alarms_and_further_pages_are_not_forgotten() -> None:
    region = CloudWatch(
        MetricAlarms=[listed("a"), listed("b")],
        CompositeAlarms=[listed("c", AlarmRule="ALARM(a)", StateReasonData='{"triggeringAlarms":[{"arn":"x"}]}')],
        LogAlarms=[listed("d")],
    )
    house = House(us_east_1=region)
    assert await house.sweep.once() == 4
    assert set(region.asked[0]["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm", "LogAlarm"}
    assert region.asked[0]["StateValue"] == "ALARM"
    kinds = {alarm.name: alarm.kind for d in house.inbox.kept.values() for alarm in understand(d.body)}
    assert kinds == {"a": "metric", "b": "metric", "c": "composite", "d": "log"}


async def test_a_region_that_does_not_answer_does_not_hide_the_others() -> None:
    dead = CloudWatch()
    dead.fails = ConnectionError("region is away")
    house = House(us_east_1=dead, us_west_2=CloudWatch(MetricAlarms=[listed(region="us-west-2")]))
    assert await house.sweep.once() == 1
    assert house.sweep.failing == {"us-east-1"}
    dead.fails = None
    await house.sweep.once()
    assert house.sweep.failing == frozenset()


async def test_an_inbox_that_refuses_is_told_again_by_the_next_sweep() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[listed()]))
    house.inbox.refuses = Unavailable(Phrase("The database is away."))
    with pytest.raises(Unavailable):
        await house.sweep.once()
    house.inbox.refuses = None
    assert await house.sweep.once() == 1


async def test_an_autoscaling_alarm_pages_nobody_when_topics_are_named() -> None:
    scaling = listed(
        "TargetTracking-AlarmLow", AlarmActions=["arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:x"]
    )
    house = House(frozenset({TOPIC}), us_east_1=CloudWatch(MetricAlarms=[scaling, listed()]))
    assert await house.sweep.once() == 1


async def test_a_muted_alarm_is_found_and_says_that_it_is_muted() -> None:
    house = House(frozenset({TOPIC}), us_east_1=CloudWatch(MetricAlarms=[listed(ActionsEnabled=False)]))
    await house.sweep.once()
    (alarm,) = [alarm for delivery in house.inbox.kept.values() for alarm in understand(delivery.body)]
    assert alarm.suppressed_by == "ActionsDisabled"


async def test_an_alarm_without_any_of_its_fields_does_not_stop_the_sweep() -> None:
    house = House(us_east_1=CloudWatch(MetricAlarms=[{}, listed()]))
    assert await house.sweep.once() == 2
