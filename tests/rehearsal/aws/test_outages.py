"""Regions and zones that go dark, are slow or work by half, through plain boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError, ReadTimeoutError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


async def test_a_dark_region_answers_nothing_and_does_nothing(aws: EmulatedAws) -> None:
    aws.outages.darken_region(HOME)
    with pytest.raises(HTTPClientError):
        aws.client("sqs", HOME).create_queue(QueueName="queue")
    assert (aws.calls[-1].region, aws.calls[-1].status) == (HOME, None)
    aws.client("sqs", STANDBY).create_queue(QueueName="queue")  # the other one works
    aws.outages.light_region(HOME)
    assert "QueueUrls" not in aws.client("sqs", HOME).list_queues()


async def test_a_client_that_retries_is_cut_each_time_and_never_hangs(aws: EmulatedAws) -> None:
    aws.outages.darken_region(HOME)
    with pytest.raises(HTTPClientError):
        aws.client("sqs", HOME, retries={"mode": "standard", "total_max_attempts": 2}).list_queues()
    assert len(aws.calls.of("sqs")) == 2


async def test_a_bucket_is_dark_with_its_own_region(aws: EmulatedAws) -> None:
    for region in (HOME, STANDBY):
        place = {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        aws.client("s3", region).create_bucket(Bucket=f"shop-{region}", **place)
    aws.outages.darken_region(HOME)
    with pytest.raises(HTTPClientError):
        aws.client("s3", STANDBY).put_object(Bucket=f"shop-{HOME}", Key="a", Body=b"a")
    aws.client("s3", STANDBY).put_object(Bucket=f"shop-{STANDBY}", Key="a", Body=b"a")


async def test_without_its_home_a_global_service_is_read_and_not_changed(aws: EmulatedAws) -> None:
    aws.outages.darken_region(HOME)
    for service, read, change, parameters in (
        ("route53", "list_hosted_zones", "create_hosted_zone", {"Name": "shop.test", "CallerReference": "1"}),
        ("iam", "list_roles", "create_user", {"UserName": "mina"}),
    ):
        client: Any = aws.client(service, HOME)
        getattr(client, read)()
        with pytest.raises(ClientError) as refused:
            getattr(client, change)(**parameters)
        assert code_of(refused) == "ServiceUnavailable"
    aws.client("sts", STANDBY).get_caller_identity()


async def test_a_service_that_works_by_half_answers_who_only_looks(aws: EmulatedAws) -> None:
    aws.outages.half_working(HOME, "ecs")
    ecs = aws.client("ecs", HOME)
    assert ecs.list_clusters()["clusterArns"] == []
    with pytest.raises(ClientError) as refused:
        ecs.create_cluster(clusterName="shop")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    aws.client("ecs", STANDBY).create_cluster(clusterName="shop")
    aws.client("sqs", HOME).create_queue(QueueName="queue")
    aws.outages.mend(HOME)
    ecs.create_cluster(clusterName="shop")


async def test_a_slow_region_is_as_slow_as_a_client_can_notice(aws: EmulatedAws) -> None:
    aws.outages.slow_region(HOME, 5)
    with pytest.raises(ReadTimeoutError):
        aws.client("sqs", HOME, read_timeout=0.05).list_queues()
    aws.client("sqs", STANDBY, read_timeout=1).list_queues()
    aws.outages.mend(HOME)
    aws.client("sqs", HOME, read_timeout=1).list_queues()


async def test_a_rate_is_kept_by_the_clock_of_the_emulator(aws: EmulatedAws) -> None:
    aws.outages.throttle("ecs", 2)
    ecs = aws.client("ecs")
    for _ in range(2):
        ecs.list_clusters()
    with pytest.raises(ClientError) as refused:
        ecs.list_clusters()
    assert code_of(refused) == "ThrottlingException"
    aws.clock.move(timedelta(seconds=0.5))
    ecs.list_clusters()
    with pytest.raises(ClientError):
        ecs.list_clusters()
    aws.outages.unthrottle("ecs")
    ecs.list_clusters()


async def test_a_zone_is_known_by_its_name_and_by_its_id(aws: EmulatedAws) -> None:
    [zone] = aws.client("ec2").describe_availability_zones(ZoneNames=["us-east-1b"])["AvailabilityZones"]
    aws.outages.darken_zone(zone["ZoneId"])
    assert aws.outages.zone_is_dark("us-east-1b")
    assert aws.outages.dark_zones(HOME) == {"us-east-1b"}
    assert not aws.outages.dark_zones(STANDBY)
    aws.outages.light_zone("us-east-1b")
    assert not aws.outages.zone_is_dark(zone["ZoneId"])
    with pytest.raises(ValueError, match="There is no zone use1-az9"):
        aws.outages.darken_zone("use1-az9")


async def test_whoever_asks_later_learns_when_it_was_dark(aws: EmulatedAws) -> None:
    before = aws.clock.now()
    aws.clock.move(timedelta(seconds=10))
    aws.outages.darken_region(HOME)
    aws.clock.move(timedelta(seconds=10))
    aws.outages.light_region(HOME)
    dark = [aws.outages.region_is_dark(HOME, before + timedelta(seconds=at)) for at in (9, 10, 19, 20)]
    assert dark == [False, True, True, False]


async def test_what_is_replicated_waits_until_both_regions_are_there(aws: EmulatedAws) -> None:
    sent, lag = aws.clock.now(), timedelta(seconds=5)
    assert aws.outages.arrives(sent, lag, HOME, STANDBY) == sent + lag
    aws.outages.darken_region(HOME)
    assert aws.outages.arrives(sent, lag, HOME, STANDBY) is None
    aws.clock.move(timedelta(seconds=20))
    aws.outages.darken_region(STANDBY)
    aws.outages.light_region(HOME)
    assert aws.outages.arrives(sent, lag, HOME, STANDBY) is None
    assert aws.outages.arrives(sent, lag, HOME) == aws.clock.now()
    aws.clock.move(timedelta(seconds=20))
    aws.outages.light_region(STANDBY)
    assert aws.outages.arrives(sent, lag, HOME, STANDBY) == aws.clock.now()
    aws.outages.forget()
    assert aws.outages.arrives(sent, lag, HOME, STANDBY) == sent + lag
