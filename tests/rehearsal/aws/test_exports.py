"""DynamoDB's exports to S3: the items as of a moment, in the files that AWS writes."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"


@pytest.fixture
def dynamodb(aws: EmulatedAws) -> Any:
    """A table with recovery on, which was written to a minute ago and a moment ago."""
    client = aws.client("dynamodb")
    client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "line", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "line")],
        BillingMode="PAY_PER_REQUEST",
    )
    on = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=on)
    for line in ("1", "2"):
        client.put_item(TableName="orders", Item={"id": {"S": "a"}, "line": {"S": line}, "total": {"N": "10"}})
    aws.clock.move(timedelta(minutes=1))
    client.put_item(TableName="orders", Item={"id": {"S": "a"}, "line": {"S": "1"}, "total": {"N": "-1"}})
    aws.clock.move(timedelta(minutes=1))
    aws.client("s3").create_bucket(Bucket="evidence")
    return client


def start(dynamodb: Any, **asked: Any) -> dict[str, Any]:
    given = {"TableArn": TABLE, "S3Bucket": "evidence", "S3Prefix": "night", **asked}
    found: dict[str, Any] = dynamodb.export_table_to_point_in_time(**given)["ExportDescription"]
    return found


def refusal(dynamodb: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        start(dynamodb, **asked)
    return str(caught.value.response["Error"]["Code"])


def test_the_items_are_those_of_the_moment_and_are_found_by_the_manifests(dynamodb: Any, aws: EmulatedAws) -> None:
    at = aws.clock.now() - timedelta(seconds=90)
    made = start(dynamodb, ExportTime=at)
    assert made["ExportStatus"] == "IN_PROGRESS"
    aws.clock.move(timedelta(seconds=6))
    found = dynamodb.describe_export(ExportArn=made["ExportArn"])["ExportDescription"]
    assert (found["ExportStatus"], found["ItemCount"], found["ExportTime"]) == ("COMPLETED", 2, at)
    s3 = aws.client("s3")

    def read(key: str) -> bytes:
        body: bytes = s3.get_object(Bucket="evidence", Key=key)["Body"].read()
        return body

    summary = json.loads(read(found["ExportManifest"]))
    [file] = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    items = [json.loads(line)["Item"] for line in gzip.decompress(read(file["dataFileS3Key"])).splitlines()]
    assert {item["line"]["S"]: item["total"]["N"] for item in items} == {"1": "10", "2": "10"}
    assert file["itemCount"] == summary["itemCount"] == 2


def test_nothing_is_in_the_bucket_before_it_ends(dynamodb: Any, aws: EmulatedAws) -> None:
    export = start(dynamodb)["ExportArn"]
    dynamodb.describe_export(ExportArn=export)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="evidence")


def test_a_token_is_one_export_for_eight_hours_and_no_other(dynamodb: Any, aws: EmulatedAws) -> None:
    first = start(dynamodb, ClientToken="a")["ExportArn"]
    assert start(dynamodb, ClientToken="a")["ExportArn"] == first
    assert refusal(dynamodb, ClientToken="a", S3Prefix="other") == "ExportConflictException"
    aws.clock.move(timedelta(hours=8))
    assert start(dynamodb, ClientToken="a")["ExportArn"] != first
    assert len(dynamodb.list_exports(TableArn=TABLE)["ExportSummaries"]) == 2


def test_a_moment_outside_of_the_window_a_missing_table_and_recovery_that_is_off_are_refused(
    dynamodb: Any, aws: EmulatedAws
) -> None:
    assert refusal(dynamodb, ExportTime=aws.clock.now()) == "InvalidExportTimeException"
    assert refusal(dynamodb, ExportTime=aws.clock.now() - timedelta(hours=1)) == "InvalidExportTimeException"
    assert refusal(dynamodb, TableArn=TABLE.replace("orders", "carts")) == "TableNotFoundException"
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=off)
    assert refusal(dynamodb) == "PointInTimeRecoveryUnavailableException"


def test_a_bucket_that_is_not_there_makes_the_export_fail(dynamodb: Any, aws: EmulatedAws) -> None:
    export = start(dynamodb, S3Bucket="nowhere")["ExportArn"]
    aws.clock.move(timedelta(seconds=6))
    found = dynamodb.describe_export(ExportArn=export)["ExportDescription"]
    assert (found["ExportStatus"], found["FailureCode"]) == ("FAILED", "S3NoSuchBucket")


def test_an_export_of_another_region_or_nobody_knows_is_not_found(dynamodb: Any, aws: EmulatedAws) -> None:
    export = start(dynamodb)["ExportArn"]
    for client, arn in ((aws.client("dynamodb", "us-west-2"), export), (dynamodb, f"{export}0")):
        with pytest.raises(ClientError, match="ExportNotFoundException"):
            client.describe_export(ExportArn=arn)
