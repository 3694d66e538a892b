"""AWS Backup's restore jobs and restore testing: they make what they say, and say of themselves what AWS says."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.backup_vaults import Point
from bot.rehearsal.aws.emulator import EmulatedAws

ROLE = "arn:aws:iam::123456789012:role/lifeboat-restore"
CARTS = "arn:aws:dynamodb:us-east-1:123456789012:table/carts"
IMAGES = "arn:aws:s3:::images"


@pytest.fixture
def backup(aws: EmulatedAws) -> Any:
    client = aws.client("backup")
    client.create_backup_vault(BackupVaultName="shop")
    return client


@pytest.fixture
def table(backup: Any, aws: EmulatedAws) -> Point:
    """A point of a table with settings, which has been changed since."""
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "customer")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-customer",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    dynamodb.update_time_to_live(
        TableName="carts", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    dynamodb.put_item(TableName="carts", Item={"id": {"S": "1"}, "customer": {"S": "mina"}})
    made = aws.inside(lambda: aws.backup_vaults.add("shop", CARTS))
    dynamodb.put_item(TableName="carts", Item={"id": {"S": "2"}, "customer": {"S": "mina"}})
    aws.clock.move(timedelta(minutes=1))
    return made


@pytest.fixture
def objects(backup: Any, aws: EmulatedAws) -> Point:
    s3 = aws.client("s3")
    for bucket in ("images", "aside"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b"):
        s3.put_object(Bucket="images", Key=key, Body=b"1")
    made = aws.inside(lambda: aws.backup_vaults.add("shop", IMAGES))
    aws.clock.move(timedelta(minutes=1))
    return made


def start(backup: Any, point: Point, **metadata: str) -> str:
    asked = {"RecoveryPointArn": point.arn, "Metadata": metadata, "IamRoleArn": ROLE}
    return str(backup.start_restore_job(**asked)["RestoreJobId"])


def refusal(call: Any, *given: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*given, **parameters)
    return str(caught.value.response["Error"]["Code"])


def listed(aws: EmulatedAws, bucket: str) -> dict[str, bytes]:
    s3 = aws.client("s3")
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found}


def test_a_table_is_restored_as_of_its_point_with_indexes_and_without_its_settings(
    backup: Any, table: Point, aws: EmulatedAws
) -> None:
    dynamodb = aws.client("dynamodb")
    job = start(backup, table, TargetTableName="restored")
    made = dynamodb.describe_table(TableName="restored")["Table"]
    assert (made["TableStatus"], made["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    aws.clock.move(timedelta(seconds=8))
    made = dynamodb.describe_table(TableName="restored")["Table"]
    assert made["RestoreSummary"] == {
        "SourceBackupArn": table.arn,
        "SourceTableArn": CARTS,
        "RestoreDateTime": table.made_at,
        "RestoreInProgress": False,
    }
    assert [one["id"]["S"] for one in dynamodb.scan(TableName="restored")["Items"]] == ["1"]
    query = {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": "mina"}}}
    assert dynamodb.query(TableName="restored", IndexName="by-customer", **query)["Count"] == 1
    assert dynamodb.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == []
    ttl = dynamodb.describe_time_to_live(TableName="restored")["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"
    assert backup.describe_restore_job(RestoreJobId=job)["CreatedResourceArn"] == made["TableArn"]


def test_a_job_is_pending_runs_and_completes_and_its_percentage_stays_at_zero(
    backup: Any, table: Point, aws: EmulatedAws
) -> None:
    job, seen = start(backup, table, targettablename="restored"), []
    for _ in range(10):
        found = backup.describe_restore_job(RestoreJobId=job)
        seen.append((found["Status"], found["PercentDone"], "CreatedResourceArn" in found))
        aws.clock.move(timedelta(seconds=1))
    assert list(dict.fromkeys(seen)) == [
        ("PENDING", "0.00%", False),
        ("RUNNING", "0.00%", False),
        ("COMPLETED", "0.00%", True),
    ]


def test_a_table_is_always_a_new_one(backup: Any, table: Point, aws: EmulatedAws) -> None:
    job = start(backup, table, targetTableName="carts")
    aws.clock.move(timedelta(seconds=8))
    found = backup.describe_restore_job(RestoreJobId=job)
    assert (found["Status"], found["StatusMessage"]) == ("FAILED", "Table already exists: carts")
    assert aws.client("dynamodb").scan(TableName="carts")["Count"] == 2


def test_a_point_can_be_restored_more_than_once_and_each_table_is_its_own(
    backup: Any, table: Point, aws: EmulatedAws
) -> None:
    dynamodb = aws.client("dynamodb")
    for name in ("one", "two"):
        start(backup, table, targetTableName=name)
    aws.clock.move(timedelta(seconds=8))
    dynamodb.put_item(TableName="one", Item={"id": {"S": "9"}})
    assert (dynamodb.scan(TableName="one")["Count"], dynamodb.scan(TableName="two")["Count"]) == (2, 1)


def test_the_same_token_is_the_same_job(backup: Any, table: Point) -> None:
    asked = {"RecoveryPointArn": table.arn, "Metadata": {"targetTableName": "restored"}, "IamRoleArn": ROLE}
    first = backup.start_restore_job(IdempotencyToken="a", **asked)["RestoreJobId"]
    assert backup.start_restore_job(IdempotencyToken="a", **asked)["RestoreJobId"] == first
    assert backup.start_restore_job(IdempotencyToken="b", **asked)["RestoreJobId"] != first


def test_what_a_restore_needs_is_asked_for(backup: Any, table: Point, objects: Point, aws: EmulatedAws) -> None:
    assert refusal(start, backup, table) == "MissingParameterValueException"
    assert refusal(start, backup, objects) == "MissingParameterValueException"
    six = json.dumps([f"s3://images/{number}" for number in range(6)])
    wrong = {"DestinationBucketName": "aside", "ItemsToRestore": six}
    assert refusal(start, backup, objects, **wrong) == "InvalidParameterValueException"
    unfinished = aws.backup_vaults.change(table, status="PARTIAL")
    assert refusal(start, backup, unfinished, targetTableName="restored") == "InvalidRequestException"
    there = aws.client("backup", "us-west-2")
    assert refusal(start, there, table, targetTableName="restored") == "ResourceNotFoundException"


@pytest.mark.parametrize("bucket", ["nowhere", "plain", "far-away"])
def test_objects_go_into_a_bucket_of_the_region_that_keeps_versions(
    bucket: str, backup: Any, objects: Point, aws: EmulatedAws
) -> None:
    aws.client("s3").create_bucket(Bucket="plain")
    far = aws.client("s3", "us-west-2")
    far.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    far.put_bucket_versioning(Bucket="far-away", VersioningConfiguration={"Status": "Enabled"})
    job = start(backup, objects, DestinationBucketName=bucket)
    aws.clock.move(timedelta(seconds=8))
    found = backup.describe_restore_job(RestoreJobId=job)
    assert found["Status"] == "FAILED"
    assert bucket in found["StatusMessage"]


def test_a_restore_of_objects_adds_what_is_missing_and_touches_nothing_else(
    backup: Any, objects: Point, aws: EmulatedAws
) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket="images", Key="a", Body=b"changed")
    s3.put_object(Bucket="images", Key="c", Body=b"new")
    s3.delete_object(Bucket="images", Key="b")
    job = start(backup, objects, DestinationBucketName="images")
    assert set(listed(aws, "images")) == {"a", "c"}, "not before the job has ended"
    aws.clock.move(timedelta(seconds=8))
    assert backup.describe_restore_job(RestoreJobId=job)["Status"] == "COMPLETED"
    assert listed(aws, "images") == {"a": b"changed", "b": b"1", "c": b"new"}


def test_a_completed_job_that_left_something_out_says_so_in_its_message(
    backup: Any, objects: Point, aws: EmulatedAws
) -> None:
    aws.restore_jobs.lose("b")
    job = start(backup, objects, DestinationBucketName="aside")
    aws.clock.move(timedelta(seconds=8))
    found = backup.describe_restore_job(RestoreJobId=job)
    assert found["Status"] == "COMPLETED"
    assert "1 of 2 objects" in found["StatusMessage"]
    assert listed(aws, "aside") == {"a": b"1"}


def test_a_continuous_point_wants_its_moment_and_reaches_no_further_back_than_it_began(
    backup: Any, objects: Point, aws: EmulatedAws
) -> None:
    point = aws.inside(lambda: aws.backup_vaults.add("shop", IMAGES, continuous=True))
    aws.clock.move(timedelta(minutes=1))
    moment = aws.clock.now()
    aws.clock.move(timedelta(minutes=1))
    aws.client("s3").put_object(Bucket="images", Key="a", Body=b"damaged")
    to = {"DestinationBucketName": "aside"}
    assert refusal(start, backup, point, **to) == "InvalidParameterValueException"
    early = (point.made_at - timedelta(seconds=1)).isoformat()
    assert refusal(start, backup, point, RestoreTime=early, **to) == "InvalidParameterValueException"
    job = start(backup, point, RestoreTime=moment.isoformat(), **to)
    aws.clock.move(timedelta(seconds=8))
    assert backup.describe_restore_job(RestoreJobId=job)["Status"] == "COMPLETED"
    assert listed(aws, "aside") == {"a": b"1", "b": b"1"}


def test_jobs_are_listed_newest_first_by_resource_type_and_state(
    backup: Any, table: Point, objects: Point, aws: EmulatedAws
) -> None:
    for name in ("one", "two", "three"):
        start(backup, table, targetTableName=name)
        aws.clock.move(timedelta(seconds=1))
    start(backup, objects, DestinationBucketName="aside")
    of_table = backup.list_restore_jobs_by_protected_resource(ResourceArn=CARTS)["RestoreJobs"]
    metadata = [backup.get_restore_job_metadata(RestoreJobId=one["RestoreJobId"])["Metadata"] for one in of_table]
    assert [one["targetTableName"] for one in metadata] == ["three", "two", "one"]
    assert len(backup.list_restore_jobs(ByResourceType="S3")["RestoreJobs"]) == 1
    aws.clock.move(timedelta(seconds=20))
    assert backup.list_restore_jobs(ByStatus="RUNNING")["RestoreJobs"] == []


def test_a_verdict_is_kept_with_the_job_once_that_has_completed(backup: Any, table: Point, aws: EmulatedAws) -> None:
    job = start(backup, table, targetTableName="restored")
    said = {"RestoreJobId": job, "ValidationStatus": "SUCCESSFUL", "ValidationStatusMessage": "all there"}
    assert refusal(backup.put_restore_validation_result, **said) == "InvalidRequestException"
    aws.clock.move(timedelta(seconds=8))
    backup.put_restore_validation_result(**said)
    found = backup.describe_restore_job(RestoreJobId=job)
    assert (found["ValidationStatus"], found["ValidationStatusMessage"]) == ("SUCCESSFUL", "all there")


def test_a_testing_plan_restores_the_newest_point_of_what_it_selects(
    backup: Any, table: Point, aws: EmulatedAws
) -> None:
    newest = aws.inside(lambda: aws.backup_vaults.add("shop", CARTS))
    chosen = {"Algorithm": "LATEST_WITHIN_WINDOW", "IncludeVaults": ["*"], "RecoveryPointTypes": ["SNAPSHOT"]}
    plan = {
        "RestoreTestingPlanName": "weekly",
        "ScheduleExpression": "cron(0 5 ? * 1 *)",
        "RecoveryPointSelection": chosen,
    }
    made = backup.create_restore_testing_plan(RestoreTestingPlan=plan)
    selection = {
        "RestoreTestingSelectionName": "tables",
        "ProtectedResourceType": "DynamoDB",
        "ProtectedResourceArns": ["*"],
        "IamRoleArn": ROLE,
    }
    backup.create_restore_testing_selection(RestoreTestingPlanName="weekly", RestoreTestingSelection=selection)
    assert refusal(backup.create_restore_testing_plan, RestoreTestingPlan=plan) == "AlreadyExistsException"
    assert [one["RestoreTestingPlanName"] for one in backup.list_restore_testing_plans()["RestoreTestingPlans"]] == [
        "weekly"
    ]
    [job] = aws.inside(lambda: aws.restore_testing.run("weekly"))
    aws.clock.move(timedelta(seconds=8))
    found = backup.describe_restore_job(RestoreJobId=job)
    assert found["CreatedBy"] == {"RestoreTestingPlanArn": made["RestoreTestingPlanArn"]}
    assert (found["RecoveryPointArn"], found["Status"]) == (newest.arn, "COMPLETED")
    assert ":table/awsbackup-restore-test-" in found["CreatedResourceArn"]
    got = backup.get_restore_testing_plan(RestoreTestingPlanName="weekly")["RestoreTestingPlan"]
    assert got["LastExecutionTime"] == aws.clock.now() - timedelta(seconds=8)


def test_a_testing_plan_goes_after_its_selections(backup: Any) -> None:
    plan = {
        "RestoreTestingPlanName": "weekly",
        "ScheduleExpression": "cron(0 5 ? * 1 *)",
        "RecoveryPointSelection": {"Algorithm": "LATEST_WITHIN_WINDOW"},
    }
    backup.create_restore_testing_plan(RestoreTestingPlan=plan)
    name = {"RestoreTestingPlanName": "weekly"}
    one = {**name, "RestoreTestingSelectionName": "tables"}
    selection = {"RestoreTestingSelectionName": "tables", "ProtectedResourceType": "DynamoDB", "IamRoleArn": ROLE}
    backup.create_restore_testing_selection(RestoreTestingSelection=selection, **name)
    assert backup.get_restore_testing_selection(**one)["RestoreTestingSelection"]["IamRoleArn"] == ROLE
    assert len(backup.list_restore_testing_selections(**name)["RestoreTestingSelections"]) == 1
    assert refusal(backup.delete_restore_testing_plan, **name) == "InvalidRequestException"
    backup.delete_restore_testing_selection(**one)
    backup.delete_restore_testing_plan(**name)
    assert refusal(backup.get_restore_testing_plan, **name) == "ResourceNotFoundException"


def test_what_a_test_would_restore_with_is_told(backup: Any, table: Point, objects: Point) -> None:
    for point, wanted in ((table, "targetTableName"), (objects, "destinationBucketName")):
        found = backup.get_restore_testing_inferred_metadata(BackupVaultName="shop", RecoveryPointArn=point.arn)
        assert found["InferredMetadata"][wanted].startswith("awsbackup-restore-test-")
