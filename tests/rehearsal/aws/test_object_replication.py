"""S3's cross-region replication through plain boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.rehearsal.aws.emulator import EmulatedAws

HOME, STANDBY = "us-east-1", "us-west-2"
FROM, TO = "shop-home", "shop-standby"


@pytest.fixture
def s3(aws: EmulatedAws) -> Any:
    """Two versioned buckets, the first replicated to the second: what is under `assets/`, deletions too."""
    home = aws.client("s3", HOME)
    standby = aws.client("s3", STANDBY)
    home.create_bucket(Bucket=FROM)
    standby.create_bucket(Bucket=TO, CreateBucketConfiguration={"LocationConstraint": STANDBY})
    for bucket in (FROM, TO):
        home.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    replicate(aws)
    return home


def replicate(aws: EmulatedAws, markers: str = "Enabled") -> None:
    rule = {
        "ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "assets/"},
        "DeleteMarkerReplication": {"Status": markers}, "Destination": {"Bucket": f"arn:aws:s3:::{TO}"},
    }  # fmt: skip
    aws.client("s3", HOME).put_bucket_replication(
        Bucket=FROM,
        ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/replication", "Rules": [rule]},
    )


def there(aws: EmulatedAws, key: str) -> bytes | None:
    try:
        return bytes(aws.client("s3", STANDBY).get_object(Bucket=TO, Key=key)["Body"].read())
    except ClientError:
        return None


def later(aws: EmulatedAws, seconds: float) -> None:
    aws.clock.move(timedelta(seconds=seconds))


def test_an_object_crosses_after_the_lag_with_its_version(aws: EmulatedAws, s3: Any) -> None:
    put = s3.put_object(Bucket=FROM, Key="assets/a", Body=b"1", Metadata={"by": "mina"})
    assert there(aws, "assets/a") is None
    later(aws, 3)
    assert there(aws, "assets/a") == b"1"
    copied = aws.client("s3", STANDBY).head_object(Bucket=TO, Key="assets/a")
    assert (copied["VersionId"], copied["Metadata"], copied["ETag"]) == (put["VersionId"], {"by": "mina"}, put["ETag"])


def test_what_the_rule_does_not_name_stays(aws: EmulatedAws, s3: Any) -> None:
    s3.put_object(Bucket=FROM, Key="other/a", Body=b"1")
    later(aws, 60)
    assert there(aws, "other/a") is None


def test_a_delete_marker_crosses_only_if_the_rule_says_so(aws: EmulatedAws, s3: Any) -> None:
    s3.put_object(Bucket=FROM, Key="assets/a", Body=b"1")
    s3.put_object(Bucket=FROM, Key="assets/b", Body=b"1")
    later(aws, 3)
    s3.delete_object(Bucket=FROM, Key="assets/a")
    later(aws, 3)
    assert there(aws, "assets/a") is None
    replicate(aws, markers="Disabled")
    s3.delete_object(Bucket=FROM, Key="assets/b")
    later(aws, 3)
    assert there(aws, "assets/b") == b"1"


def test_the_deletion_of_a_version_never_crosses(aws: EmulatedAws, s3: Any) -> None:
    """So that whoever destroys the source cannot destroy the copy."""
    put = s3.put_object(Bucket=FROM, Key="assets/a", Body=b"1")
    later(aws, 3)
    s3.delete_object(Bucket=FROM, Key="assets/a", VersionId=put["VersionId"])
    later(aws, 3)
    assert there(aws, "assets/a") == b"1"


def test_nothing_crosses_from_a_dark_region_until_it_returns(aws: EmulatedAws, s3: Any) -> None:
    s3.put_object(Bucket=FROM, Key="assets/a", Body=b"1")
    aws.outages.darken_region(HOME)
    later(aws, 600)
    assert (there(aws, "assets/a"), aws.object_replication.waiting(TO)) == (None, 1)
    aws.outages.light_region(HOME)
    assert there(aws, "assets/a") == b"1"


def test_versions_keep_the_order_in_which_they_were_written(aws: EmulatedAws, s3: Any) -> None:
    for body in (b"1", b"2", b"3"):
        s3.put_object(Bucket=FROM, Key="assets/a", Body=body)
        later(aws, 1)
    later(aws, 3)
    assert there(aws, "assets/a") == b"3"
    versions = aws.client("s3", STANDBY).list_object_versions(Bucket=TO)["Versions"]
    assert len(versions) == 3


def test_what_was_replicated_is_not_replicated_further(aws: EmulatedAws, s3: Any) -> None:
    rule = {"ID": "back", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{FROM}"}}  # fmt: skip
    s3.put_bucket_replication(
        Bucket=TO, ReplicationConfiguration={"Role": "arn:aws:iam::123456789012:role/replication", "Rules": [rule]}
    )
    s3.put_object(Bucket=FROM, Key="assets/a", Body=b"1")
    later(aws, 10)
    assert there(aws, "assets/a") == b"1"
    assert len(s3.list_object_versions(Bucket=FROM)["Versions"]) == 1
