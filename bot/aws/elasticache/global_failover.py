"""`elasticache.failover_global`: this region's replication group becomes the one of its global datastore that writes.

It is called in the region that shall write, and everything is asked there: the failing region takes no part.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.aws.calls import perform
from bot.aws.elasticache.group import GROUPS
from bot.aws.polling import SETTLING, next_look
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Figures,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

_DATASTORES = ("arn:{partition}:elasticache::{account}:globalreplicationgroup:*",)
_READY, _MOVING = "available", "modifying"
_IN_THE_WAY = "InvalidGlobalReplicationGroupState"
Datastore = Mapping[str, Any]  # as DescribeGlobalReplicationGroups shows it
Member = Mapping[str, Any]


class World(Params):
    """The group that shall write is the datastore's member in the region that the step acts in."""

    datastore: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,62}$")]


@action(
    "elasticache.failover_global",
    World,
    permissions=("elasticache:DescribeGlobalReplicationGroups", "elasticache:FailoverGlobalReplicationGroup"),
    calls=("elasticache:DescribeGlobalReplicationGroups", "elasticache:FailoverGlobalReplicationGroup"),
    resources={"elasticache:FailoverGlobalReplicationGroup": (*_DATASTORES, *GROUPS)},
    plane="control",
    changes=N_("Makes this region's replication group the one of the global datastore that writes."),
    undo=N_("Is taken back by the same action in the other region, once that is healthy: a decision of its own."),
    undone_by=None,
    recognised_by=N_("This region's group is the primary, or AWS is making it so."),
    outputs={"group": "str", "previous": "region"},
    recovers=Figures(rpo=timedelta(seconds=1), rto=timedelta(minutes=5)),
    takes=timedelta(minutes=2),
)
class FailoverGlobal:
    facts: ClassVar[Facts]

    def plan(self, params: World, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        found = _find(aws, params.datastore)
        here, touches = _member_in(found, aws.region), (f"elasticache:global:{params.datastore}",)
        if here is None or (found["Status"] != _READY and not _writes(here)):
            return StepPlan(warnings=(_unfit(found, here, aws.region),), touches=touches)
        name = here["ReplicationGroupId"]
        if _writes(here):
            what = N_("{group} in {region} writes already: there is nothing to fail over.")
            return StepPlan(warnings=(phrase(what, group=name, region=aws.region),), touches=touches)
        before = _primary_region(found)
        return StepPlan(
            calls=(_call(params.datastore, name, aws.region),),
            changes=(
                Change(phrase(N_("The region that {name} is written in"), name=params.datastore), before, aws.region),
            ),
            warnings=(
                phrase(
                    N_("What {region} has not received yet is lost: regions follow without being waited for."),
                    region=aws.region,
                ),
                phrase(N_("Clients must be given this region's own endpoint: a global datastore has none for writes.")),
            ),
            foreseen={"group": name, "previous": before},
            disturbs=(phrase(N_("Nobody can write to {name} for a minute or two."), name=params.datastore),),
            touches=touches,
        )

    def act(self, params: World, aws: Aws, attempt: Attempt) -> Progress:
        found = _find(aws, params.datastore)
        here = _member_in(found, aws.region)
        if here is None:
            return Failed(_unfit(found, here, aws.region))
        if "asked_at" not in attempt.memory:
            memory = {"from": _primary_region(found), "asked_at": attempt.now.isoformat()}
            note = phrase(N_("{group} in {region} shall write"), group=here["ReplicationGroupId"], region=aws.region)
            return Working(note, again_in=timedelta(), memory=memory, more=True)
        if not _writes(here) and found["Status"] == _READY:
            try:
                perform(aws, _call(params.datastore, here["ReplicationGroupId"], aws.region))
            except ActionFailed as error:
                if error.code != _IN_THE_WAY or _find(aws, params.datastore)["Status"] == _READY:
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: World, aws: Aws, attempt: Attempt) -> Progress:
        found, memory = _find(aws, params.datastore), attempt.memory
        here = _member_in(found, aws.region)
        if here is None:
            return Failed(_unfit(found, here, aws.region))
        name = here["ReplicationGroupId"]
        if _writes(here) and found["Status"] != _MOVING:
            what = N_("{group} in {region} writes for {name} now.")
            output = {"group": name, "previous": memory.get("from", "")}
            return Done(phrase(what, group=name, region=aws.region, name=params.datastore), output)
        asked_at = datetime.fromisoformat(memory.get("asked_at", attempt.started_at.isoformat()))
        if found["Status"] != _MOVING and attempt.now - asked_at > SETTLING:
            return Failed(_unfit(found, here, aws.region))
        note = phrase(N_("{group} is becoming the primary of {name}"), group=name, name=params.datastore)
        return Working(note, again_in=next_look(attempt), memory=memory)


def _find(aws: Aws, name: str) -> Datastore:
    asked = {"GlobalReplicationGroupId": name, "ShowMemberInfo": True}
    found: list[Datastore] = aws.client("elasticache").describe_global_replication_groups(**asked)[
        "GlobalReplicationGroups"
    ]
    return found[0]


def _member_in(found: Datastore, region: str) -> Member | None:
    return next((one for one in found["Members"] if one["ReplicationGroupRegion"] == region), None)


def _writes(member: Member) -> bool:
    return str(member["Role"]).upper() == "PRIMARY"


def _primary_region(found: Datastore) -> str:
    return next((str(one["ReplicationGroupRegion"]) for one in found["Members"] if _writes(one)), "")


def _unfit(found: Datastore, here: Member | None, region: str) -> Phrase:
    name = found["GlobalReplicationGroupId"]
    if here is None:
        what = N_("Global datastore {name} has no member in {region}; it has some in {regions}. Act in one of these.")
        regions = ", ".join(one["ReplicationGroupRegion"] for one in found["Members"])
        return phrase(what, name=name, region=region, regions=regions)
    what = N_(
        "Global datastore {name} is {status}, and {region} does not write. Look at it in ElastiCache, then retry."
    )
    return phrase(what, name=name, status=found["Status"], region=region)


def _call(name: str, group: str, region: str) -> Call:
    parameters = {"GlobalReplicationGroupId": name, "PrimaryRegion": region, "PrimaryReplicationGroupId": group}
    return Call("elasticache", "FailoverGlobalReplicationGroup", parameters, region)
