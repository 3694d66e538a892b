"""The shop's pictures in S3: a versioned bucket in each region, the one at home replicated to the other."""

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.estate.names import ASSETS
from bot.rehearsal.estate.site import Site

_ROLE = f"arn:aws:iam::{EmulatedAws.account}:role/replication"
#: What the bucket begins with, by key.
PICTURES = {f"{ASSETS}{number:02}.svg": f"<svg id='{number}'/>".encode() for number in range(6)}


def lay_down(home: Site, standby: Site) -> None:
    for site in (standby, home):
        s3 = site.client("s3")
        where = {} if site.home else {"CreateBucketConfiguration": {"LocationConstraint": site.region}}
        s3.create_bucket(Bucket=site.bucket, **where)
        s3.put_bucket_versioning(Bucket=site.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3 = home.client("s3")
    rule = {
        "ID": "to-standby", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{standby.bucket}"},
    }  # fmt: skip
    s3.put_bucket_replication(Bucket=home.bucket, ReplicationConfiguration={"Role": _ROLE, "Rules": [rule]})
    for key, body in PICTURES.items():
        s3.put_object(Bucket=home.bucket, Key=key, Body=body)
