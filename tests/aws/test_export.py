"""dynamodb.export_for_diff, on the emulated AWS."""

import gzip
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.aws.dynamodb.export import Exported, ExportForDiff
from bot.errors import ActionFailed
from bot.playbook.action import Done, Failed, Working
from bot.rehearsal.aws.emulator import EmulatedAws
from tests.aws.buckets import BUCKET, Bucket
from tests.aws.rehearsed import Cloud, Step
from tests.aws.tables import Tables


@pytest.fixture
def tables(emulated: EmulatedAws) -> Tables:
    made = Tables(emulated)
    made.forget()
    emulated.exports.forget()
    Bucket(emulated)
    made.create("orders", {"1": "paid", "2": "paid"})
    emulated.clock.move(timedelta(seconds=60))
    return made


@pytest.fixture
def right(tables: Tables) -> datetime:
    """The moment before the damage."""
    moment = tables.aws.clock.now() - timedelta(seconds=1)
    tables.write("orders", {"1": "damaged", "3": "new"})
    tables.aws.clock.move(timedelta(seconds=60))
    tables.aws.calls.clear()
    return moment


@pytest.fixture
def cloud(tables: Tables) -> Cloud:
    return Cloud(tables.aws)


@pytest.fixture
def export(right: datetime, cloud: Cloud) -> Step:
    return Step(ExportForDiff(), Exported(table="orders", at=right, bucket=BUCKET), cloud)


def exported(aws: EmulatedAws, manifest: str) -> dict[str, str]:
    """What the files hold that the manifest leads to."""
    s3 = aws.client("s3")

    def read(key: str) -> bytes:
        body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    files = read(json.loads(read(manifest))["manifestFilesS3Key"]).decode().splitlines()
    lines = [line for file in files for line in gzip.decompress(read(json.loads(file)["dataFileS3Key"])).splitlines()]
    items: list[dict[str, Any]] = [json.loads(line)["Item"] for line in lines]
    return {item["id"]["S"]: item["state"]["S"] for item in items}


def test_the_export_holds_the_items_as_of_the_moment_and_not_of_now(
    export: Step, tables: Tables, right: datetime
) -> None:
    done = export.run()
    assert isinstance(done, Done), done
    assert exported(tables.aws, done.output["manifest"]) == {"1": "paid", "2": "paid"}
    assert (done.output["items"], done.output["at"]) == (2, right.isoformat())
    assert tables.items("orders") == {"1": "damaged", "2": "paid", "3": "new"}


def test_the_plan_shows_the_call_and_that_the_files_hold_data(export: Step, cloud: Cloud, right: datetime) -> None:
    plan = ExportForDiff().plan(export.params, cloud, export.attempt())
    [call] = plan.calls
    assert call.parameters["ExportTime"] == right.isoformat()
    assert call.parameters["S3Prefix"] == "lifeboat/exports"
    assert plan.touches == (f"s3:us-east-1:{BUCKET}/lifeboat/exports",)
    assert plan.warnings
    assert isinstance(ExportForDiff().act(export.params, cloud, export.attempt()), Working)
    [asked] = cloud.aws.calls.of("dynamodb", "ExportTableToPointInTime")
    assert asked.parameters["ClientToken"] == call.parameters["ClientToken"]


def test_it_reads_no_capacity_of_the_table(export: Step, cloud: Cloud) -> None:
    export.run()
    asked = {call.operation for call in cloud.aws.calls.of("dynamodb")}
    assert asked == {"DescribeTable", "DescribeContinuousBackups", "ExportTableToPointInTime", "DescribeExport"}


def test_an_export_whose_answer_was_lost_is_the_same_by_its_token(export: Step, tables: Tables) -> None:
    tables.aws.faults.lose_answer("dynamodb", "ExportTableToPointInTime", times=1)
    with pytest.raises(ActionFailed) as caught:
        export.act()
    assert caught.value.retry
    assert isinstance(export.wait(export.act(again=True)), Done)
    assert len(tables.api.list_exports()["ExportSummaries"]) == 1


def test_it_is_not_done_until_the_manifest_can_be_read(export: Step, tables: Tables) -> None:
    done = export.run()
    assert isinstance(done, Done)
    tables.aws.client("s3").delete_object(Bucket=BUCKET, Key=done.output["manifest"])
    assert isinstance(ExportForDiff().look(export.params, export.cloud, export.attempt()), Working)


def test_a_bucket_that_is_not_there_is_told_as_dynamodb_tells_it(right: datetime, cloud: Cloud) -> None:
    failed = Step(ExportForDiff(), Exported(table="orders", at=right, bucket="nowhere"), cloud).run()
    assert isinstance(failed, Failed)
    assert "S3NoSuchBucket" in str(failed.why)


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (1, False)])
def test_the_latest_moment_can_be_exported_and_a_later_one_not(
    seconds: int, taken: bool, tables: Tables, cloud: Cloud
) -> None:
    found = tables.api.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    latest = found["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    params = Exported(table="orders", at=latest + timedelta(seconds=seconds), bucket=BUCKET)
    step = Step(ExportForDiff(), params, cloud)
    assert bool(step.plan().calls) == taken
    assert isinstance(step.act(), Working if taken else Failed)


def test_a_table_without_recovery_has_nothing_to_export(tables: Tables, cloud: Cloud) -> None:
    tables.create("carts", {}, recovery=False)
    failed = Step(ExportForDiff(), Exported(table="carts", at=tables.aws.clock.now(), bucket=BUCKET), cloud).act()
    assert isinstance(failed, Failed)
    assert "is off" in str(failed.why)
    gone = Step(ExportForDiff(), Exported(table="nothing", at=tables.aws.clock.now(), bucket=BUCKET), cloud).act()
    assert isinstance(gone, Failed)


def test_denied_and_throttled_are_told_apart(export: Step, tables: Tables) -> None:
    tables.aws.faults.deny("dynamodb", "ExportTableToPointInTime", times=1)
    with pytest.raises(ActionFailed, match="dynamodb:ExportTableToPointInTime") as denied:
        export.act()
    assert not denied.value.retry
    tables.aws.faults.throttle("dynamodb", "ExportTableToPointInTime", times=1)
    with pytest.raises(ActionFailed) as throttled:
        export.act()
    assert throttled.value.retry
