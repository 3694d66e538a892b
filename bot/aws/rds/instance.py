"""`rds.failover_instance`: the standby of a Multi-AZ database takes over (RebootDBInstance with ForceFailover).

The call moves the database to the other zone, and a second one would move it back: it takes no token, and no target can be
named. So both zones are written down before the call, and a call that may have been sent is given time to show.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.polling import SETTLING, next_look
from bot.aws.rds.cluster import AVAILABLE, INSTANCES, Described, InstanceName
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

#: "Failover times are typically 60 to 120 seconds"; large transactions make it longer.
EXPECTED, LONGEST = timedelta(seconds=120), timedelta(minutes=10)


class Instance(Params):
    """`zone`: the zone that it shall leave; when it is in another one already, nothing is done. None: the one it is in."""

    instance: InstanceName
    zone: str | None = None


@action(
    "rds.failover_instance",
    Instance,
    permissions=("rds:DescribeDBInstances", "rds:RebootDBInstance"),
    calls=("rds:DescribeDBInstances", "rds:RebootDBInstance"),
    resources={"rds:RebootDBInstance": INSTANCES},
    plane="control",
    changes=N_("The standby in the other zone takes over; the database cannot be used for one to two minutes."),
    undo=N_("Fails over once more, back to the zone of before, with the same interruption."),
    undone_by="rds.failover_instance",
    recognised_by=N_("The database is in another zone than before; both zones are stored before the call."),
    outputs={"zone": "str", "previous": "str"},
    recovers=Figures(rpo=timedelta(), rto=EXPECTED),
    takes=timedelta(seconds=90),
)
class FailoverInstance:
    facts: ClassVar[Facts]

    def plan(self, params: Instance, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        found = _find(aws, params.instance)
        touches = (f"rds:{aws.region}:{params.instance}",)
        if (problem := _done_already(params, found) or _unfit(found)) is not None:
            return StepPlan(warnings=(problem,), touches=touches)
        zone, standby = found["AvailabilityZone"], found["SecondaryAvailabilityZone"]
        what = phrase(N_("The zone of {instance}"), instance=params.instance)
        broken = N_(
            "{instance} cannot be used for about {expected}: connections break, and transactions are rolled back."
        )
        return StepPlan(
            calls=(_call(params),),
            changes=(Change(what, zone, standby),),
            foreseen={"zone": standby, "previous": zone},
            disturbs=(phrase(broken, instance=params.instance, expected=EXPECTED),),
            touches=touches,
            loses=timedelta(),
        )

    def act(self, params: Instance, aws: Aws, attempt: Attempt) -> Progress:
        found = _find(aws, params.instance)
        if "from" not in attempt.memory:
            return _choose(params, found, attempt)
        memory = attempt.memory
        if found["AvailabilityZone"] == memory["from"] and found["DBInstanceStatus"] == AVAILABLE:
            if attempt.again or "doubted_at" in memory:
                memory = {"doubted_at": attempt.now.isoformat(), **memory}
                if attempt.now - datetime.fromisoformat(memory["doubted_at"]) < SETTLING:
                    what = N_("{instance} may have been told to fail over already; waiting to see")
                    return Working(phrase(what, instance=params.instance), timedelta(seconds=10), memory, more=True)
            perform(aws, _call(params))
        return self._progress(params, aws, attempt, memory)

    def look(self, params: Instance, aws: Aws, attempt: Attempt) -> Progress:
        return self._progress(params, aws, attempt, attempt.memory)

    def _progress(self, params: Instance, aws: Aws, attempt: Attempt, memory: Mapping[str, Any]) -> Progress:
        found = _find(aws, params.instance)
        zone, status = found["AvailabilityZone"], found["DBInstanceStatus"]
        if "from" not in memory:
            return Failed(
                phrase(N_("The failover of {instance} has not begun. Retry the step."), instance=params.instance)
            )
        if zone != memory["from"] and status == AVAILABLE:
            what = N_("{instance} is in {zone} now.")
            output = {"zone": zone, "previous": memory["from"]}
            return Done(phrase(what, instance=params.instance, zone=zone), output)
        if attempt.now - datetime.fromisoformat(memory["asked_at"]) > LONGEST:
            what = N_("{instance} is still in {zone} ({status}) after {limit}. Look at its events in RDS, then retry.")
            return Failed(phrase(what, instance=params.instance, zone=zone, status=status, limit=LONGEST))
        note = phrase(N_("{instance} is failing over: {status}"), instance=params.instance, status=status)
        return Working(note, again_in=next_look(attempt), memory=memory)


def _choose(params: Instance, found: Described, attempt: Attempt) -> Progress:
    """Nothing is done yet: where it is and where it shall be is stored before the call."""
    if (why := _done_already(params, found)) is not None:
        return Done(why, {"zone": found["AvailabilityZone"], "previous": found["AvailabilityZone"]})
    if (problem := _unfit(found)) is not None:
        return Failed(problem)
    memory = {"from": found["AvailabilityZone"], "asked_at": attempt.now.isoformat()}
    note = phrase(N_("{instance} shall leave {zone}"), instance=params.instance, zone=found["AvailabilityZone"])
    return Working(note, again_in=timedelta(), memory=memory, more=True)


def _find(aws: Aws, name: str) -> Described:
    try:
        [found] = aws.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    except ActionFailed as error:
        if error.code != "DBInstanceNotFound":
            raise
        what = N_("There is no database instance {instance} in {region}. Check the name and the region.")
        raise ActionFailed(phrase(what, instance=name, region=aws.region), code=error.code) from error
    described: Described = found
    return described


def _done_already(params: Instance, found: Described) -> Phrase | None:
    zone = found["AvailabilityZone"]
    if params.zone is None or zone == params.zone or found["DBInstanceStatus"] != AVAILABLE:
        return None
    what = N_("{instance} is in {zone}, not in {other}: there is nothing to do.")
    return phrase(what, instance=params.instance, zone=zone, other=params.zone)


def _unfit(found: Described) -> Phrase | None:
    name, status = found["DBInstanceIdentifier"], found["DBInstanceStatus"]
    if found.get("DBClusterIdentifier"):
        what = N_("{instance} belongs to cluster {cluster}: use rds.failover_cluster.")
        return phrase(what, instance=name, cluster=found["DBClusterIdentifier"])
    if not found.get("MultiAZ") or not found.get("SecondaryAvailabilityZone"):
        what = N_(
            "{instance} has no standby in another zone (Multi-AZ is off), so it cannot fail over. Restore it instead."
        )
        return phrase(what, instance=name)
    if status != AVAILABLE:
        what = N_("{instance} is {status}, not available. Wait until it is, then retry.")
        return phrase(what, instance=name, status=status)
    return None


def _call(params: Instance) -> Call:
    return Call("rds", "RebootDBInstance", {"DBInstanceIdentifier": params.instance, "ForceFailover": True})
