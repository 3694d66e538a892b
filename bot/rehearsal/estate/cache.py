"""The shop's cache at home: a primary and two replicas, one in each zone, which somebody promotes by hand."""

from bot.rehearsal.estate.names import CACHE
from bot.rehearsal.estate.site import Site


def lay_down(home: Site) -> None:
    home.client("elasticache").create_replication_group(
        ReplicationGroupId=CACHE, ReplicationGroupDescription="The shop's cache", Engine="valkey", CacheNodeType="cache.r7g.large",
        NumCacheClusters=len(home.zones), PreferredCacheClusterAZs=list(home.zones), AutomaticFailoverEnabled=False,
        MultiAZEnabled=False,
    )  # fmt: skip
