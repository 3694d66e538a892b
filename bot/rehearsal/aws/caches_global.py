"""ElastiCache global datastores: one replication group writes, those of other regions read. moto has none of it.

The failover is taken in the region that shall write. Whether AWS refuses it in another one is not documented: here it does.
Not emulated: how a secondary catches up, and changes of nodes or shards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.underway import Underway

_PREFIX = "ldgnf"  # AWS puts five letters in front of the name that is asked for


@dataclass
class Datastore:
    """`members`: region and replication group; `primary` is the one that writes."""

    id: str
    description: str
    primary: tuple[str, str]
    members: list[tuple[str, str]] = field(default_factory=list)


class GlobalCaches:
    def __init__(self, underway: Underway[tuple[str, str]], seconds: float) -> None:
        self._underway, self._seconds = underway, seconds
        self._stores: dict[str, Datastore] = {}

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateGlobalReplicationGroup": self._create,
            "DescribeGlobalReplicationGroups": self._describe,
            "FailoverGlobalReplicationGroup": self._fail_over,
        }
        return {("elasticache", name): handler for name, handler in by_name.items()}

    def join(self, store: str, region: str, group: str) -> None:
        """A new replication group becomes a secondary."""
        self._store(store).members.append((region, group))

    def only_reads(self, region: str, group: str) -> bool:
        """A secondary, or one whose datastore is on the move."""
        store = self._of(region, group)
        return store is not None and (store.primary != (region, group) or self._status(store) != "available")

    def info(self, region: str, group: str) -> dict[str, str] | None:
        store = self._of(region, group)
        if store is None:
            return None
        role = "PRIMARY" if store.primary == (region, group) else "SECONDARY"
        return {"GlobalReplicationGroupId": store.id, "GlobalReplicationGroupMemberRole": role}

    async def _create(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        member = (call.region, asked["PrimaryReplicationGroupId"])
        if member[1] not in backend("elasticache", call.region).replication_groups:
            raise AwsError("ReplicationGroupNotFoundFault", f"Replication group {member[1]} not found.", 404)
        name = f"{_PREFIX}-{asked['GlobalReplicationGroupIdSuffix']}"
        store = Datastore(name, asked.get("GlobalReplicationGroupDescription", " "), member, [member])
        self._stores[name] = store
        return {"GlobalReplicationGroup": self._shown(store, members=True)}

    async def _describe(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        wanted = asked.get("GlobalReplicationGroupId")
        found = [self._store(wanted)] if wanted else list(self._stores.values())
        members = bool(asked.get("ShowMemberInfo"))
        return {"GlobalReplicationGroups": [self._shown(store, members=members) for store in found]}

    async def _fail_over(self, call: Call, _moto: Moto) -> Answer:
        asked = call.parameters
        store = self._store(asked["GlobalReplicationGroupId"])
        target = (asked["PrimaryRegion"], asked["PrimaryReplicationGroupId"])
        if self._status(store) != "available":
            raise AwsError("InvalidGlobalReplicationGroupState", f"{store.id} is not available.")
        if target not in store.members or target == store.primary:
            raise AwsError("InvalidParameterValue", f"{target[1]} in {target[0]} is no secondary of {store.id}.")
        if call.region != target[0]:
            raise AwsError("InvalidGlobalReplicationGroupState", "A failover is taken in the region that shall write.")

        def moved() -> None:
            store.primary = target

        self._underway.begin(("", store.id), "modifying", self._seconds, moved)
        return {"GlobalReplicationGroup": self._shown(store, members=True)}

    def _store(self, name: str) -> Datastore:
        if name not in self._stores:
            raise AwsError("GlobalReplicationGroupNotFoundFault", f"Global datastore {name} not found.", 404)
        return self._stores[name]

    def _of(self, region: str, group: str) -> Datastore | None:
        self._underway.settle()
        return next((one for one in self._stores.values() if (region, group) in one.members), None)

    def _status(self, store: Datastore) -> str:
        alone = "primary-only" if len(store.members) == 1 else "available"
        return self._underway.status(("", store.id)) or alone

    def _shown(self, store: Datastore, *, members: bool) -> dict[str, Any]:
        region, group = store.primary
        like = backend("elasticache", region).replication_groups[group]
        status = self._status(store)
        shown = {
            "GlobalReplicationGroupId": store.id,
            "GlobalReplicationGroupDescription": store.description,
            "Status": status,
            "CacheNodeType": like.cache_node_type,
            "Engine": like.engine,
            "ClusterEnabled": False,
            "AuthTokenEnabled": False,
            "TransitEncryptionEnabled": bool(like.transit_encryption_enabled),
            "AtRestEncryptionEnabled": bool(like.at_rest_encryption_enabled),
            "ARN": f"arn:aws:elasticache::{ACCOUNT}:globalreplicationgroup:{store.id}",
        }
        return {**shown, "Members": [_shown_member(store, *one) for one in store.members]} if members else shown


def _shown_member(store: Datastore, region: str, group: str) -> dict[str, Any]:
    return {
        "ReplicationGroupId": group,
        "ReplicationGroupRegion": region,
        "Role": "PRIMARY" if store.primary == (region, group) else "SECONDARY",
        "AutomaticFailover": backend("elasticache", region).replication_groups[group].automatic_failover,
        "Status": "associated",
    }
