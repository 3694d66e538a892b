"""S3 Multi-Region Access Points through plain boto3."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"
NUMBERS = count(1)


@pytest.fixture
def aws(running: EmulatedAws) -> EmulatedAws:
    running.outages.forget()
    return running


@pytest.fixture
def arn(aws: EmulatedAws) -> str:
    number = next(NUMBERS)
    names = {HOME: f"shop-{number}-home", STANDBY: f"shop-{number}-standby"}
    aws.client("s3", HOME).create_bucket(Bucket=names[HOME])
    location = {"LocationConstraint": STANDBY}
    aws.client("s3", STANDBY).create_bucket(Bucket=names[STANDBY], CreateBucketConfiguration=location)
    control = aws.client("s3control", "us-west-2")
    control.create_multi_region_access_point(
        AccountId=aws.account, ClientToken="1",
        Details={"Name": f"shop-{number}", "Regions": [{"Bucket": name} for name in names.values()]},
    )  # fmt: skip
    found = control.get_multi_region_access_point(AccountId=aws.account, Name=f"shop-{number}")["AccessPoint"]
    assert {one["Region"]: one["Bucket"] for one in found["Regions"]} == names
    return f"arn:aws:s3::{aws.account}:accesspoint/{found['Alias']}"


def submit(aws: EmulatedAws, arn: str, region: str = "eu-west-1", **dials: int) -> None:
    routes = [{"Region": name.replace("_", "-"), "TrafficDialPercentage": dial} for name, dial in dials.items()]
    aws.client("s3control", region).submit_multi_region_access_point_routes(
        AccountId=aws.account, Mrap=arn, RouteUpdates=routes
    )


def dials(aws: EmulatedAws, arn: str, region: str = "eu-west-1") -> Any:
    found = aws.client("s3control", region).get_multi_region_access_point_routes(AccountId=aws.account, Mrap=arn)
    return {one["Region"]: one["TrafficDialPercentage"] for one in found["Routes"]}


def test_a_turn_is_shown_at_once_and_takes_effect_two_minutes_later(aws: EmulatedAws, arn: str) -> None:
    assert dials(aws, arn) == {HOME: 100, STANDBY: 100}
    submit(aws, arn, us_east_1=0)
    assert dials(aws, arn, "us-west-2") == {HOME: 0, STANDBY: 100}
    aws.clock.move(timedelta(seconds=119))
    assert aws.access_points.active(arn) == {HOME, STANDBY}
    aws.clock.move(timedelta(seconds=1))
    assert aws.access_points.active(arn) == {STANDBY}


def test_at_least_one_region_stays_active(aws: EmulatedAws, arn: str) -> None:
    submit(aws, arn, us_east_1=0)
    with pytest.raises(ClientError, match="At least one region"):
        submit(aws, arn, us_west_2=0)
    with pytest.raises(ClientError, match="no state"):
        submit(aws, arn, us_west_2=50)
    with pytest.raises(ClientError, match="no region"):
        submit(aws, arn, eu_west_1=100)


def test_dials_are_turned_in_five_regions_and_nowhere_else(aws: EmulatedAws, arn: str) -> None:
    with pytest.raises(ConnectionClosedError):
        submit(aws, arn, "eu-central-1", us_east_1=0)
    aws.outages.darken_region(HOME)
    with pytest.raises(ConnectionClosedError):
        submit(aws, arn, HOME, us_east_1=0)
    submit(aws, arn, "ap-southeast-2", us_east_1=0)


def test_what_does_not_exist_is_not_found(aws: EmulatedAws, arn: str) -> None:
    with pytest.raises(ClientError, match="NotFound"):
        dials(aws, arn.replace(".mrap", "x.mrap"))
    with pytest.raises(ClientError, match="NotFound"):
        aws.client("s3control", "us-west-2").get_multi_region_access_point(AccountId=aws.account, Name="no")


def test_the_bots_own_clients_reach_it(aws: EmulatedAws, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.aws.session import Session

    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    found = (
        Session("eu-west-1").client("s3control").get_multi_region_access_point_routes(AccountId=aws.account, Mrap=arn)
    )
    assert len(found["Routes"]) == 2
