"""Aurora clusters on the emulated AWS, each with a name of its own: the emulator is shared by a module's tests."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.moto_app import backend

_NUMBERS = count(1)
_ZONES = ("a", "b", "c")
ENGINE = "aurora-postgresql"


def hurried(speed: float) -> Iterator[EmulatedAws]:
    """For a fixture `started` of one's own: AWS takes less time for everything, so that fewer looks see it through."""
    aws = EmulatedAws(clock=Clock(start=datetime(2026, 11, 23, 3, tzinfo=UTC), speed=speed))
    asyncio.run(aws.__aenter__())  # it lives on a thread of its own, not on this loop
    yield aws
    asyncio.run(aws.__aexit__(None, None, None))


class Aurora:
    """`db-1`: a writer in the first zone, and a reader in each of the next; `of` makes it a secondary of a global cluster."""

    def __init__(
        self, aws: EmulatedAws, region: str = "us-east-1", instances: int = 3, of: str = "", **settings: Any
    ) -> None:
        self.aws, self.region = aws, region
        self.name = settings.pop("name", f"db-{next(_NUMBERS)}")
        self.rds = aws.client("rds", region)
        login = {"MasterUsername": "shop", "MasterUserPassword": "p" * 12}
        part = {"GlobalClusterIdentifier": of} if of else login
        made = self.rds.create_db_cluster(DBClusterIdentifier=self.name, Engine=ENGINE, **part, **settings)
        self.arn = str(made["DBCluster"]["DBClusterArn"])
        self.instances = [self.add(number) for number in range(1, instances + 1)]

    def add(self, number: int) -> str:
        """An instance in the zone of that number. Laid down where moto keeps it: most tests are about something else."""
        made = {
            "db_instance_identifier": f"{self.name}-{number}",
            "db_cluster_identifier": self.name,
            "db_instance_class": "db.r6g.large",
            "engine": ENGINE,
            "availability_zone": f"{self.region}{_ZONES[(number - 1) % 3]}",
        }
        self.aws.inside(lambda: backend("rds", self.region).create_db_instance(made))
        return str(made["db_instance_identifier"])

    @property
    def writer(self) -> str:
        return self.aws.databases.writer(self.name, self.region)

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rds.describe_db_clusters(DBClusterIdentifier=self.name)["DBClusters"][0]
        return found

    def answers(self) -> bool:
        """Can it be written to?"""
        return self.aws.databases.answers(self.name, self.region, self.aws.clock.now())

    def pass_time(self, seconds: float) -> None:
        self.aws.clock.move(timedelta(seconds=seconds))

    def changes(self) -> list[str]:
        """What was asked of RDS for it, or for anything, that is no look; without what this class has done."""
        reads = ("Describe", "List", "Create")
        return [one.operation for one in self.aws.calls.of("rds") if not one.operation.startswith(reads)]
