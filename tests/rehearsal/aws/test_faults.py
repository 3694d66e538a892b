import asyncio

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError

from bot.rehearsal.aws.emulator import EmulatedAws


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("dynamodb", "list_tables", "ThrottlingException"),
        ("sns", "list_topics", "Throttled"),
        ("s3", "list_buckets", "SlowDown"),
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
    ],
)
async def test_throttling_speaks_the_language_of_each_service(
    aws: EmulatedAws, service: str, call: str, code: str
) -> None:
    aws.faults.throttle(service, times=1)
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), call)()
    assert refused.value.response["Error"]["Code"] == code
    getattr(aws.client(service), call)()  # once means once


async def test_a_fault_touches_only_its_operation_and_region(aws: EmulatedAws) -> None:
    fault = aws.faults.deny("ssm", "GetParameters", "us-east-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("ssm").get_parameters(Names=["a"])
    aws.client("ssm", "eu-west-1").get_parameters(Names=["a"])
    aws.client("ssm").describe_parameters()
    fault.clear()
    aws.client("ssm").get_parameters(Names=["a"])


@pytest.mark.parametrize("status", [500, 503])
async def test_a_broken_service_answers_with_its_status(aws: EmulatedAws, status: int) -> None:
    aws.faults.fail("ecs", status=status)
    with pytest.raises(ClientError) as broken:
        aws.client("ecs").list_clusters()
    assert broken.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_an_unreachable_region_does_nothing_and_answers_nothing(aws: EmulatedAws) -> None:
    aws.faults.cut(region="us-east-1")
    with pytest.raises(HTTPClientError):
        aws.client("sqs").create_queue(QueueName="queue")
    assert aws.calls[-1].status is None
    aws.faults.clear()
    assert "QueueUrls" not in aws.client("sqs").list_queues()


async def test_a_lost_answer_comes_after_the_effect(aws: EmulatedAws) -> None:
    aws.faults.lose_answer("sqs", "CreateQueue", times=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        aws.client("sqs").create_queue(QueueName="queue")
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1


async def test_a_delay_is_as_long_as_a_client_can_notice(aws: EmulatedAws) -> None:
    aws.faults.delay(5, "sts")
    with pytest.raises(ReadTimeoutError):
        aws.client("sts", read_timeout=0.05).get_caller_identity()


@pytest.mark.parametrize(("when", "existing"), [("before", 0), ("after", 1)])
async def test_a_held_call_stops_before_or_after_its_effect(aws: EmulatedAws, when: str, existing: int) -> None:
    hold = aws.hold("sqs", "CreateQueue", when=when)
    creating = asyncio.create_task(asyncio.to_thread(aws.client("sqs").create_queue, QueueName="queue"))
    call = await hold.reached()
    assert call.parameters["QueueName"] == "queue"
    assert len(aws.client("sqs").list_queues().get("QueueUrls", [])) == existing
    assert not creating.done()
    hold.release()
    assert (await creating)["QueueUrl"]


@pytest.mark.parametrize(("when", "existing"), [("before", 0), ("after", 1)])
async def test_a_held_call_that_is_dropped_is_never_answered(aws: EmulatedAws, when: str, existing: int) -> None:
    hold = aws.hold("sqs", "CreateQueue", when=when)
    creating = asyncio.create_task(asyncio.to_thread(aws.client("sqs").create_queue, QueueName="queue"))
    await hold.reached()
    hold.drop()
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        await creating
    assert len(aws.client("sqs").list_queues().get("QueueUrls", [])) == existing


async def test_only_the_next_matching_call_is_held(aws: EmulatedAws) -> None:
    hold = aws.hold("sts")
    aws.client("sqs").list_queues()
    first = asyncio.create_task(asyncio.to_thread(aws.client("sts").get_caller_identity))
    await hold.reached()
    aws.client("sts").get_caller_identity()
    hold.release()
    await first


async def test_a_call_that_is_still_held_does_not_keep_the_emulator_from_stopping() -> None:
    async with EmulatedAws() as aws:
        hold = aws.hold("sts")
        held = asyncio.create_task(asyncio.to_thread(aws.client("sts").get_caller_identity))
        await hold.reached()
    with pytest.raises(HTTPClientError):
        await held


async def test_a_caller_that_is_gone_when_its_call_is_released_harms_nobody(
    aws: EmulatedAws, caplog: pytest.LogCaptureFixture
) -> None:
    hold = aws.hold("sqs", "CreateQueue", when="after")
    with pytest.raises(ReadTimeoutError):
        aws.client("sqs", read_timeout=0.1).create_queue(QueueName="queue")
    await hold.reached()
    hold.release()
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
    assert caplog.text == ""
