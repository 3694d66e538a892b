"""A versioned bucket of the emulated AWS, in which tests delete, damage and bring back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend

BUCKET = "shop-images"


class Bucket:
    def __init__(self, aws: EmulatedAws) -> None:
        self.aws, self.api = aws, aws.client("s3")
        backend("s3", "aws").reset()
        self.api.create_bucket(Bucket=BUCKET)
        self.versioning("Enabled")

    def versioning(self, status: str) -> None:
        self.api.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})

    def put(self, key: str, body: str, **more: Any) -> str:
        return str(self.api.put_object(Bucket=BUCKET, Key=key, Body=body.encode(), **more)["VersionId"])

    def delete(self, key: str) -> None:
        self.api.delete_object(Bucket=BUCKET, Key=key)

    def later(self, seconds: float = 60) -> datetime:
        """Time passes; the moment that lies right before it."""
        now = self.aws.clock.now()
        self.aws.clock.move(timedelta(seconds=seconds))
        return now

    def objects(self) -> dict[str, str]:
        """What a service sees."""
        listed = self.api.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return {one["Key"]: self.body(one["Key"]) for one in listed}

    def body(self, key: str) -> str:
        return str(self.api.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())

    def versions(self) -> set[str]:
        return {one["VersionId"] for one in self._all("Versions")}

    def markers(self) -> int:
        return len(list(self._all("DeleteMarkers")))

    def _all(self, kind: str) -> Iterator[Any]:
        for page in self.api.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            yield from page.get(kind, ())
