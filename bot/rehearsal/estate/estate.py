"""The whole shop: laid down in its past, and described as lifeboat.yaml would."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.estate import (
    alarms,
    backups,
    cache,
    database,
    names,
    network,
    objects,
    routing,
    services,
    tables,
    workers,
)
from bot.rehearsal.estate.names import API, BALANCERS, CLUSTER, HOME, SERVICE, STANDBY, WEB
from bot.rehearsal.estate.site import Site
from bot.rehearsal.front import Front

#: How long before now it was all laid down, so that there are moments to go back to.
PAST = timedelta(hours=2)


class Estate:
    """`build` blocks, as boto3 does: `await asyncio.to_thread(estate.build)`. `probe` is set by whoever serves the storefront."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        self.home, self.standby = Site(aws, HOME), Site(aws, STANDBY)
        self.routing = routing.Routing()
        self.queue_url = self.switch_plan = self.probe = ""

    @property
    def sites(self) -> tuple[Site, Site]:
        return self.home, self.standby

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to be a client of this AWS."""
        return self.aws.environment

    def site(self, region: str) -> Site:
        """Raises KeyError for a region in which there is no shop."""
        return {site.region: site for site in self.sites}[region]

    def build(self) -> None:
        """Lay everything down, two hours ago, and come back to now."""
        self.aws.clock.move(-PAST)
        for site in self.sites:
            network.lay_down(site)
            services.lay_down(site)
        tables.lay_down(self.home, self.standby)
        objects.lay_down(self.home, self.standby)
        database.lay_down(self.home, self.standby)
        cache.lay_down(self.home)
        workers.lay_down(self.home)
        backups.lay_down(self.home)
        self.routing = routing.lay_down(self.home, self.standby)
        self.queue_url = alarms.lay_down(self.home, self.standby)
        front = Front(self.aws)
        self.switch_plan = front.make_plan()
        front.make_document()
        self.aws.clock.move(PAST)

    def config(self) -> dict[str, Any]:
        """lifeboat.yaml of the rehearsal, as values."""
        return {
            "region": STANDBY,
            "account": self.aws.account,
            "sources": {
                "topics": [site.topic for site in self.sites],
                "queues": [self.queue_url],
                "sweep_regions": [STANDBY],
            },
            "services": {
                SERVICE: {
                    "title": "Shop",
                    "match": [{"alarm": "*"}],
                    "region": HOME,
                    "tags": {"class": "critical"},
                    "parameters": self.parameters(),
                }
            },
        }

    def parameters(self) -> dict[str, str]:
        """What lifeboat.yaml says of the shop."""
        return {
            "ecs_services": ",".join(f"{CLUSTER}/{service}" for service in (WEB, API)),
            "load_balancers": ",".join(BALANCERS.values()),
            "table": names.POINTER,
            "tables": names.ORDERS,
            "bucket": self.home.bucket,
            "autoscaling_groups": names.WORKERS,
            "db_cluster": names.DATABASE,
            "db_global": names.DATABASES,
            "cache": names.CACHE,
            "backup_vault": names.VAULT,
            "routing_cluster": self.routing.cluster,
            "routing_controls": ",".join(f"{region}={arn}" for region, arn in self.routing.controls.items()),
            "health_object": f"s3://{self.standby.bucket}/{names.HEALTH_OBJECT}",
            "scale_out_to": "8",
            "home_region": HOME,
            "standby_region": STANDBY,
            "switch_plan": self.switch_plan,
            "fence": names.FENCE,
            "probe": self.probe,
        }
