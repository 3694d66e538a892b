"""`rds.restore_cluster`: a new Aurora cluster beside the damaged one, with the data as of a moment.

AWS restores the storage, and next to nothing else: the new cluster has no instance, so nobody can connect to it, and unless
the request names them it gets the default security group and the default parameter group. So three things are done one
after the other, each once it is seen that it is not there yet: the restore, with the source's settings; settings that differ
all the same; the instances. The names follow from source and incident: whoever comes second finds them and goes on.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field

from bot.aws.calls import perform
from bot.aws.polling import next_look
from bot.aws.rds.cluster import AVAILABLE, ClusterName, Described, describe_cluster, describe_members, touched
from bot.aws.rds.restored import RESTORED, RESTORED_INSTANCES, Restoring, instance_name, moment
from bot.aws.rds.window import name_taken, no_source, restoring, room
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

#: It takes minutes, and RDS allows few calls.
_SLOWLY = timedelta(seconds=10)
#: Another process of ours was faster; whether what it made is what we want is looked at afterwards.
_TAKEN = frozenset({"DBClusterAlreadyExistsFault", "DBInstanceAlreadyExists"})
#: What AWS must let us do with the restored cluster and what it is made of.
_MADE_OF = (
    *RESTORED,
    "arn:{partition}:rds:{region}:{account}:cluster:*",
    "arn:{partition}:rds:{region}:{account}:cluster-pg:*",
    "arn:{partition}:rds:{region}:{account}:og:*",
    "arn:{partition}:rds:{region}:{account}:subgrp:*",
)
_INSTANCE_OF = (
    *RESTORED_INSTANCES,
    *RESTORED,
    *(f"arn:{{partition}}:rds:{{region}}:{{account}}:{one}:*" for one in ("og", "pg", "subgrp")),
)


class Restore(Params):
    """`instances`: how many the new cluster gets, of the kind of the source's writer; the second is there to fail over to."""

    cluster: ClusterName
    at: AwareDatetime
    instances: Annotated[int, Field(ge=1, le=15)] = 2


@action(
    "rds.restore_cluster",
    Restore,
    permissions=(
        "rds:AddTagsToResource",
        "rds:CreateDBInstance",
        "rds:DescribeAccountAttributes",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:ModifyDBCluster",
        "rds:RestoreDBClusterToPointInTime",
    ),
    calls=(
        "rds:CreateDBInstance",
        "rds:DescribeAccountAttributes",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:ModifyDBCluster",
        "rds:RestoreDBClusterToPointInTime",
    ),
    resources={
        "rds:AddTagsToResource": (*RESTORED, *RESTORED_INSTANCES),
        "rds:CreateDBInstance": _INSTANCE_OF,
        "rds:ModifyDBCluster": RESTORED,
        "rds:RestoreDBClusterToPointInTime": _MADE_OF,
    },
    plane="control",
    changes=N_(
        "Makes a new cluster beside the damaged one, with the data as they were at the moment asked for, and its instances."
    ),
    undo=N_("Deletes the new cluster and its instances, and only if this incident restored them."),
    undone_by="rds.delete_restored",
    recognised_by=N_(
        "The new cluster's name follows from the source and the incident; its tags name source and moment."
    ),
    outputs={
        "cluster": "rds.cluster",
        "source": "rds.cluster",
        "at": "time",
        "endpoint": "str",
        "reader_endpoint": "str",
    },
    # LatestRestorableTime is "typically within the last 5 minutes"; of the restore itself, AWS promises no time.
    recovers=Figures(rpo=timedelta(minutes=5), rto=None),
    takes=timedelta(minutes=25),
)
class RestoreCluster:
    facts: ClassVar[Facts]

    def plan(self, params: Restore, aws: Aws, attempt: Attempt) -> StepPlan:
        wanted = restoring(params.cluster, params.at, attempt)
        touches, foreseen = (touched(aws, wanted.target),), {"cluster": wanted.target, "source": wanted.source}
        source = describe_cluster(aws, params.cluster)
        if source is None:
            return StepPlan(warnings=(no_source(params.cluster, aws.region),), touches=touches)
        found = describe_cluster(aws, wanted.target)
        if found is not None:
            used = phrase(N_("{target} exists already and is used if it fits."), target=wanted.target)
            return StepPlan(
                calls=_missing_instances(params, aws, wanted, source),
                warnings=(used,),
                foreseen=foreseen,
                touches=touches,
            )
        what = phrase(N_("Cluster {target}"), target=wanted.target)
        return StepPlan(
            calls=(
                _restore_call(wanted, source),
                *_instance_calls(params, wanted, source, describe_members(aws, params.cluster)),
            ),
            changes=(Change(what, None, f"{params.cluster} @ {moment(params.at)}"),),
            warnings=_warnings(params),
            foreseen=foreseen,
            touches=touches,
            needs=room(aws, params.instances),
            loses=max(attempt.now - params.at, timedelta()),
        )

    def act(self, params: Restore, aws: Aws, attempt: Attempt) -> Progress:
        wanted = restoring(params.cluster, params.at, attempt)
        found = describe_cluster(aws, wanted.target)
        if found is not None and not wanted.is_it(found):
            return Failed(name_taken(wanted))
        if found is not None and found["Status"] != AVAILABLE:
            return _on_its_way(wanted, found, attempt)
        source = describe_cluster(aws, params.cluster)
        if source is None:
            return Failed(no_source(params.cluster, aws.region))
        if found is None:
            _perform(aws, _restore_call(wanted, source))
            return _working(phrase(N_("AWS has accepted the restore of {target}"), target=wanted.target), attempt)
        for call in (*_settings_calls(wanted, source, found), *_missing_instances(params, aws, wanted, source)):
            _perform(aws, call)
        return self.look(params, aws, attempt)

    def look(self, params: Restore, aws: Aws, attempt: Attempt) -> Progress:
        wanted = restoring(params.cluster, params.at, attempt)
        source, found = describe_cluster(aws, params.cluster), describe_cluster(aws, wanted.target)
        if source is None or found is None:
            what = N_("{target} is not there: the restore has not begun, or someone deleted it. Retry the step.")
            return Failed(phrase(what, target=wanted.target))
        instances = describe_members(aws, wanted.target)
        states = {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in instances}
        ready = len(states) >= params.instances and set(states.values()) == {AVAILABLE}
        if found["Status"] != AVAILABLE or not ready or _differences(source, found):
            said = ", ".join(f"{name} ({status})" for name, status in sorted(states.items())) or "-"
            what = N_("{target} holds the data as of {at}; its instances: {instances}")
            return _working(phrase(what, target=wanted.target, at=params.at, instances=said), attempt)
        output = {
            "cluster": wanted.target,
            "source": wanted.source,
            "at": moment(params.at),
            "endpoint": found["Endpoint"],
            "reader_endpoint": found["ReaderEndpoint"],
        }
        what = N_(
            "{target} holds {cluster} as of {at}, with its security groups, parameter group and {count} instances."
        )
        return Done(phrase(what, target=wanted.target, cluster=wanted.source, at=params.at, count=len(states)), output)


def _restore_call(wanted: Restoring, source: Described) -> Call:
    """With what the source has; AWS would take the defaults."""
    parameters: dict[str, Any] = {
        "SourceDBClusterIdentifier": wanted.source,
        "DBClusterIdentifier": wanted.target,
        "RestoreToTime": moment(wanted.at),
        "DBSubnetGroupName": source["DBSubnetGroup"],
        "DBClusterParameterGroupName": source["DBClusterParameterGroup"],
        "VpcSecurityGroupIds": _groups(source),
        "Tags": [{"Key": key, "Value": value} for key, value in wanted.tags.items()],
    }
    if source.get("IAMDatabaseAuthenticationEnabled"):
        parameters["EnableIAMDatabaseAuthentication"] = True
    if scaling := source.get("ServerlessV2ScalingConfiguration"):
        wanted_scaling = {key: scaling[key] for key in ("MinCapacity", "MaxCapacity") if key in scaling}
        parameters["ServerlessV2ScalingConfiguration"] = wanted_scaling
    return Call("rds", "RestoreDBClusterToPointInTime", parameters)


def _differences(source: Described, found: Described) -> dict[str, Any]:
    """What differs and lets people in or keeps them out, where the restore was begun by somebody else."""
    wanted: dict[str, Any] = {}
    if sorted(_groups(found)) != sorted(_groups(source)):
        wanted["VpcSecurityGroupIds"] = _groups(source)
    if found["DBClusterParameterGroup"] != source["DBClusterParameterGroup"]:
        wanted["DBClusterParameterGroupName"] = source["DBClusterParameterGroup"]
    return wanted


def _settings_calls(wanted: Restoring, source: Described, found: Described) -> tuple[Call, ...]:
    if not (differing := _differences(source, found)):
        return ()
    where = {"DBClusterIdentifier": wanted.target, "ApplyImmediately": True}
    return (Call("rds", "ModifyDBCluster", {**where, **differing}),)


def _missing_instances(params: Restore, aws: Aws, wanted: Restoring, source: Described) -> tuple[Call, ...]:
    there = {one["DBInstanceIdentifier"] for one in describe_members(aws, wanted.target)}
    calls = _instance_calls(params, wanted, source, describe_members(aws, params.cluster))
    return tuple(call for call in calls if call.parameters["DBInstanceIdentifier"] not in there)


def _instance_calls(params: Restore, wanted: Restoring, source: Described, like: list[Described]) -> tuple[Call, ...]:
    """As the source's own, each in a zone of its own; where the source has fewer, as its writer."""
    writer = next((one["DBInstanceIdentifier"] for one in source["DBClusterMembers"] if one["IsClusterWriter"]), "")
    kinds = sorted(like, key=lambda one: (one["DBInstanceIdentifier"] != writer, one["DBInstanceIdentifier"]))
    tags = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
    return tuple(
        Call("rds", "CreateDBInstance", {
            "DBInstanceIdentifier": instance_name(wanted.target, number + 1),
            "DBClusterIdentifier": wanted.target,
            "Tags": tags,
            **(_kind(kinds[0]) if kinds else {}),
            **({"AvailabilityZone": kinds[number]["AvailabilityZone"]} if number < len(kinds) else {}),
        })
        for number in range(params.instances)
    )  # fmt: skip


def _kind(instance: Described) -> dict[str, Any]:
    """The settings of an instance that a new one of its kind must be given."""
    kept = {"DBInstanceClass": instance["DBInstanceClass"], "Engine": instance["Engine"]}
    groups = [one["DBParameterGroupName"] for one in instance.get("DBParameterGroups", ())]
    if groups and not groups[0].startswith("default."):
        kept["DBParameterGroupName"] = groups[0]
    return kept


def _perform(aws: Aws, call: Call) -> None:
    try:
        perform(aws, call)
    except ActionFailed as error:
        if error.code not in _TAKEN:
            raise


def _groups(described: Mapping[str, Any]) -> list[str]:
    return [one["VpcSecurityGroupId"] for one in described.get("VpcSecurityGroups", ())]


def _on_its_way(wanted: Restoring, found: Described, attempt: Attempt) -> Progress:
    if found["Status"] not in {"creating", "modifying", "backing-up"}:
        what = N_("The restored cluster {target} is {status}. Look at its events in RDS; then retry the step.")
        return Failed(phrase(what, target=wanted.target, status=found["Status"]))
    what = N_("Restoring {target} as of {at}: {status} for {elapsed}")
    elapsed = attempt.now - attempt.started_at
    return _working(phrase(what, target=wanted.target, at=wanted.at, status=found["Status"], elapsed=elapsed), attempt)


def _working(note: Phrase, attempt: Attempt) -> Working:
    """The next call acts: it sees what is missing by then."""
    return Working(note, again_in=max(_SLOWLY, next_look(attempt)), memory=attempt.memory, more=True)


def _warnings(params: Restore) -> tuple[Phrase, ...]:
    return (
        phrase(N_("Takes minutes to hours, by the size of the data; AWS promises no time.")),
        phrase(N_("What was written after {at} is not in the new cluster."), at=params.at),
        phrase(
            N_(
                "The new cluster has an endpoint of its own and is in no global cluster: nothing uses it until the application "
                "is pointed at it. Its alarms, scaling and secrets are for you to add."
            )
        ),
        phrase(N_("It is billed beside the old one until one of them is deleted.")),
    )
