import asyncio
import functools
import threading
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from bot.rehearsal.aws.emulator import EmulatedAws


async def test_any_boto3_program_reaches_it_with_the_endpoint_variable_alone(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    assert boto3.client("sts").get_caller_identity()["Account"] == aws.account


async def test_regions_are_separate(aws: EmulatedAws) -> None:
    aws.client("sqs", "us-east-1").create_queue(QueueName="here")
    assert "QueueUrls" not in aws.client("sqs", "eu-west-1").list_queues()


async def test_what_no_feature_knows_passes_through_unchanged(aws: EmulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a/b c+d", Body=b"\x00" * 70_000, Metadata={"my_key": "ü"[:0] + "v"})
    head = s3.head_object(Bucket="bucket", Key="a/b c+d")
    assert (head["ContentLength"], head["Metadata"]) == (70_000, {"my_key": "v"})
    assert s3.get_object(Bucket="bucket", Key="a/b c+d")["Body"].read() == b"\x00" * 70_000
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="bucket", Key="missing")


async def test_a_compressed_request_passes_through(aws: EmulatedAws) -> None:
    cloudwatch = aws.client("cloudwatch")
    data = [{"MetricName": f"{'m' * 40}{number}", "Value": 1.0} for number in range(400)]
    cloudwatch.put_metric_data(Namespace="n", MetricData=data)
    assert cloudwatch.list_metrics(Namespace="n")["Metrics"]


async def test_what_moto_cannot_do_is_an_error_in_the_protocol_of_aws(aws: EmulatedAws) -> None:
    with pytest.raises(ClientError, match="NotImplementedError"):
        aws.client("cloudwatch").describe_alarm_history()
    assert aws.calls[-1].status == 500


async def test_it_starts_empty_and_leaves_no_thread() -> None:
    async with EmulatedAws() as first:
        first.client("sqs").create_queue(QueueName="queue")
    async with EmulatedAws() as second:
        assert "QueueUrls" not in second.client("sqs").list_queues()
    assert "emulated-aws" not in {thread.name for thread in threading.enumerate()}


async def test_a_second_one_in_the_same_process_is_refused(aws: EmulatedAws) -> None:
    with pytest.raises(RuntimeError, match="running in this process already"):
        async with EmulatedAws():
            pass
    assert aws.client("sts").get_caller_identity()


async def test_what_takes_time_in_aws_takes_as_much_less_as_the_speed_says() -> None:
    async with EmulatedAws(speed=1000) as aws:
        ecs = aws.client("ecs")
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(family="api", containerDefinitions=[{"name": "a", "image": "a", "memory": 1}])
        ecs.create_service(cluster="prod", serviceName="api", taskDefinition="api", desiredCount=1)
        async with asyncio.timeout(10):
            while not ecs.describe_services(cluster="prod", services=["api"])["services"][0]["runningCount"]:  # noqa: ASYNC110  # a client of ECS can only ask again
                await asyncio.sleep(0)


async def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_behind(aws: EmulatedAws) -> None:
    port = int(aws.url.rsplit(":", 1)[1])
    EmulatedAws._running = False  # stands for the same port taken by another process
    with pytest.raises(OSError, match="address already in use"):
        async with EmulatedAws(port=port):
            pass
    EmulatedAws._running = True
    assert sum(thread.name == "emulated-aws" for thread in threading.enumerate()) == 1


async def test_a_long_poll_ends_with_the_message_and_keeps_nobody_waiting(aws: EmulatedAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="queue", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})["QueueUrl"]
    started = aws.hold("sqs", "ReceiveMessage")
    polling = asyncio.create_task(asyncio.to_thread(aws.client("sqs").receive_message, QueueUrl=url))
    await started.reached()
    started.release()
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    received = await asyncio.wait_for(polling, 10)
    assert [message["Body"] for message in received["Messages"]] == ["hello"]


async def test_a_long_poll_does_not_keep_the_emulator_from_stopping() -> None:
    async with EmulatedAws() as aws:
        url = aws.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
        started = aws.hold("sqs", "ReceiveMessage")
        receive = functools.partial(aws.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)
        polling = asyncio.create_task(asyncio.to_thread(receive))
        await started.reached()
        started.release()
    with pytest.raises(HTTPClientError):
        await asyncio.wait_for(polling, 10)


async def test_the_log_shows_calls_in_order_without_what_aws_calls_sensitive(aws: EmulatedAws) -> None:
    aws.client("ssm").put_parameter(Name="table", Value="orders", Type="SecureString")
    aws.client("secretsmanager", "eu-west-1").create_secret(Name="pin", SecretString="1234")
    with pytest.raises(ClientError):
        aws.client("dynamodb").describe_table(TableName="none")
    assert [(call.service, call.operation, call.region, call.status) for call in aws.calls] == [
        ("ssm", "PutParameter", "us-east-1", 200),
        ("secretsmanager", "CreateSecret", "eu-west-1", 200),
        ("dynamodb", "DescribeTable", "us-east-1", 400),
    ]
    assert aws.calls.of("ssm")[0].parameters["Value"] == "(hidden)"
    assert aws.calls.of("secretsmanager", region="eu-west-1")[0].parameters["SecretString"] == "(hidden)"
    assert aws.calls[-1].error.endswith("ResourceNotFoundException")
    assert aws.calls[-1].at == datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_calls_of_s3_are_recognised_though_its_clients_change_their_model(aws: EmulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a/b", Body=b"-")
    assert [call.operation for call in aws.calls.of("s3")] == ["CreateBucket", "PutObject"]
    assert aws.calls[-1].parameters == {"Bucket": "shop", "Key": "a/b"}
