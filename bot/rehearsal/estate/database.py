"""The shop's Aurora: a writer and a reader at home, and a secondary cluster of the same name in the standby region."""

from typing import Any

from bot.rehearsal.estate.names import DATABASE, DATABASES
from bot.rehearsal.estate.site import Site

_ENGINE = "aurora-postgresql"


def lay_down(home: Site, standby: Site) -> None:
    arn = _cluster(home, 2, MasterUsername="shop", MasterUserPassword="not-a-secret")
    home.client("rds").create_global_cluster(GlobalClusterIdentifier=DATABASES, SourceDBClusterIdentifier=arn)
    _cluster(standby, 1, GlobalClusterIdentifier=DATABASES)


def _cluster(site: Site, instances: int, **more: str) -> str:
    """Its ARN. The instances are in different zones; the first one writes."""
    rds: Any = site.client("rds")
    made = rds.create_db_cluster(DBClusterIdentifier=DATABASE, Engine=_ENGINE, BackupRetentionPeriod=7, **more)
    for number, zone in zip(range(instances), site.zones, strict=False):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{DATABASE}-{number + 1}", DBClusterIdentifier=DATABASE, Engine=_ENGINE,
            DBInstanceClass="db.r6g.large", AvailabilityZone=zone,
        )  # fmt: skip
    return str(made["DBCluster"]["DBClusterArn"])
