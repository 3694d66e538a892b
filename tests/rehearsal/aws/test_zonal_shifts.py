"""ARC zonal shift and target health through plain boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, Front

WEB = LOAD_BALANCERS[0]


@pytest.fixture
def front(aws: EmulatedAws) -> Front:
    made = Front(aws)
    made.build()
    return made


@pytest.fixture
def arc(aws: EmulatedAws) -> Any:
    return aws.client("arc-zonal-shift")


def start(arc: Any, front: Front, zone: str, lasting: str = "60m") -> str:
    asked = {"resourceIdentifier": front.arns[WEB], "awayFrom": zone, "expiresIn": lasting, "comment": "-"}
    return str(arc.start_zonal_shift(**asked)["zonalShiftId"])


def health(front: Front) -> list[tuple[str, str, str]]:
    described = front.aws.client("elbv2").describe_target_health(TargetGroupArn=front.groups[WEB])
    return [
        (one["Target"]["AvailabilityZone"], one["TargetHealth"]["State"], one["AdministrativeOverride"]["State"])
        for one in described["TargetHealthDescriptions"]
    ]


async def test_a_shift_takes_a_moment_and_ends_when_it_expires(front: Front, arc: Any) -> None:
    first, second, third = front.zones.values()
    id_ = start(arc, front, first, "1m")
    assert front.weights(WEB) == {first: 1, second: 1, third: 1}
    front.aws.clock.move(timedelta(seconds=2))
    assert front.weights(WEB) == {first: 0, second: 1, third: 1}
    [shift] = arc.list_zonal_shifts(status="ACTIVE", resourceIdentifier=front.arns[WEB])["items"]
    assert shift["zonalShiftId"] == id_
    assert ("us-east-1a", "healthy", "zonal_shift_active") in health(front)
    front.aws.clock.move(timedelta(seconds=58))
    assert front.weights(WEB)[first] == 1
    assert arc.list_zonal_shifts(status="ACTIVE")["items"] == []
    with pytest.raises(arc.exceptions.ConflictException, match="ZonalShiftStatusNotActive"):
        arc.cancel_zonal_shift(zonalShiftId=id_)


async def test_a_shift_can_be_made_longer_and_cancelled(front: Front, arc: Any) -> None:
    zone = front.zones["us-east-1a"]
    id_ = start(arc, front, zone, "1m")
    arc.update_zonal_shift(zonalShiftId=id_, expiresIn="1h", comment="longer")
    front.aws.clock.move(timedelta(minutes=59))
    assert front.weights(WEB)[zone] == 0
    assert arc.cancel_zonal_shift(zonalShiftId=id_)["status"] == "CANCELED"
    assert front.weights(WEB)[zone] == 1


async def test_a_load_balancer_has_one_shift_and_must_have_opted_in(front: Front, arc: Any) -> None:
    first, second, _ = front.zones.values()
    start(arc, front, first)
    with pytest.raises(arc.exceptions.ConflictException, match="ZonalShiftAlreadyExists"):
        start(arc, front, second)
    front.opt_in(WEB, on=False)
    with pytest.raises(arc.exceptions.ResourceNotFoundException):
        start(arc, front, first)


@pytest.mark.parametrize(("zone", "lasting"), [("use1-az9", "60m"), ("", "73h")])
async def test_a_zone_or_a_time_that_cannot_be_is_refused(front: Front, arc: Any, zone: str, lasting: str) -> None:
    with pytest.raises(ClientError, match="Invalid"):
        start(arc, front, zone or front.zones["us-east-1a"], lasting)


async def test_a_shift_by_hand_outranks_an_autoshift(front: Front, arc: Any) -> None:
    first, second, _ = front.zones.values()
    front.aws.zonal_shifts.start_autoshift(first)
    assert front.weights(WEB)[first] == 0
    assert [one["awayFrom"] for one in arc.list_autoshifts(status="ACTIVE")["items"]] == [first]
    start(arc, front, second)
    front.aws.clock.move(timedelta(seconds=2))
    assert (front.weights(WEB)[first], front.weights(WEB)[second]) == (1, 0)
    [autoshift] = arc.get_managed_resource(resourceIdentifier=front.arns[WEB])["autoshifts"]
    assert autoshift["appliedStatus"] == "NOT_APPLIED"
    front.aws.zonal_shifts.end_autoshift(first)
    assert arc.list_autoshifts(status="ACTIVE")["items"] == []


async def test_a_sick_zone_shows_in_the_health_of_its_targets(front: Front) -> None:
    zone = front.zones["us-east-1b"]
    front.aws.zonal_shifts.sicken_zone(zone)
    assert [state for _, state, _ in health(front)] == ["healthy", "unhealthy", "healthy"]
    front.aws.zonal_shifts.heal_zone(zone)
    assert [state for _, state, _ in health(front)] == ["healthy"] * 3
