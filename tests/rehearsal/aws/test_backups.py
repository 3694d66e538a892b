"""Backups of tables, and versions of objects, as AWS gives them and moto does not."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws


@pytest.fixture
def dynamodb(aws: EmulatedAws) -> Any:
    client = aws.client("dynamodb")
    client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def test_backups_are_listed_by_kind_and_in_pages_that_boto3_walks(dynamodb: Any) -> None:
    for number in range(3):
        dynamodb.create_backup(TableName="orders", BackupName=f"nightly-{number}")
    pages = dynamodb.get_paginator("list_backups").paginate(TableName="orders", PaginationConfig={"PageSize": 2})
    assert [one["BackupName"] for page in pages for one in page["BackupSummaries"]] == [
        "nightly-0",
        "nightly-1",
        "nightly-2",
    ]
    assert dynamodb.list_backups(TableName="orders", BackupType="SYSTEM")["BackupSummaries"] == []


@pytest.mark.parametrize("recovery", [True, False])
def test_only_a_table_with_recovery_on_leaves_a_backup_behind(recovery: bool, dynamodb: Any, aws: EmulatedAws) -> None:
    on = {"PointInTimeRecoveryEnabled": recovery}
    dynamodb.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=on)
    dynamodb.delete_table(TableName="orders")
    left = dynamodb.list_backups(TableName="orders", BackupType="SYSTEM")["BackupSummaries"]
    assert [one["BackupName"] for one in left] == (["orders$DeletedTableBackup"] if recovery else [])
    if recovery:
        assert left[0]["BackupExpiryDateTime"] == aws.clock.now() + timedelta(days=35)


def test_a_backup_that_is_not_there_is_refused_as_aws_refuses_it(dynamodb: Any) -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/backup/0123456789-abcdef01"
    with pytest.raises(ClientError) as caught:
        dynamodb.describe_backup(BackupArn=arn)
    assert caught.value.response["Error"]["Code"] == "BackupNotFoundException"


def test_versions_are_stamped_by_the_emulators_clock_and_listed_newest_first(aws: EmulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="images")
    s3.put_bucket_versioning(Bucket="images", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b", "c"):
        for body in (b"1", b"2"):
            s3.put_object(Bucket="images", Key=key, Body=body)
    s3.delete_object(Bucket="images", Key="b")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="images", PaginationConfig={"PageSize": 2})
    seen = list(pages)
    versions = [(one["Key"], one["IsLatest"]) for page in seen for one in page.get("Versions", ())]
    assert versions == [("a", True), ("a", False), ("b", False), ("b", False), ("c", True), ("c", False)]
    assert [one["Key"] for page in seen for one in page.get("DeleteMarkers", ())] == ["b"]
    stamped = {one["LastModified"] for page in seen for one in page.get("Versions", ())}
    assert stamped == {aws.clock.now().replace(microsecond=0)}
    after = s3.list_object_versions(Bucket="images", KeyMarker="a")
    assert after["Versions"][0]["Key"] == "b", "a key marker alone passes over all of that key"
