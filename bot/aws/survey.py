"""What is asked of AWS for the survey, reading only: sizes, releases, replicas, delays, quotas, endpoints, of both regions.

A region that does not answer is asked once and then left alone until the next survey; a single refusal (a permission, a
throttled call) costs that one answer.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.aws.fargate import QUOTA
from bot.aws.measured import longest
from bot.aws.quotas import room
from bot.aws.region.known import (
    MISSED,
    SAMPLED_FOR,
    Database,
    Replica,
    Running,
    Size,
    database_key,
    quota_key,
    region_key,
    running,
    service_key,
    table_key,
)
from bot.aws.region.services import batches, definitions, describe, targets
from bot.aws.routing_control.endpoints import KNOWN as ROUTING
from bot.aws.routing_control.endpoints import endpoints_of
from bot.errors import ActionFailed
from bot.incident.survey import Answers, Subject
from bot.playbook.action import Aws, Memo

#: What the survey needs besides the permissions of the actions, for the policy that only reads.
PERMISSIONS = (
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:GetMetricStatistics",
    "dynamodb:DescribeTable",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "rds:DescribeGlobalClusters",
    "route53-recovery-control-config:DescribeCluster",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
    "ssm:GetParameter",
)
#: Where the configuration of routing control clusters is, and nowhere else.
ENDPOINTS_IN = "us-west-2"
_HOUR = "%Y-%m-%dT%H"

Sessions = Callable[[str], Aws]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class _Place:
    """One region of one service. `stands_by`: the other region does the work now, so that this one's size is the warm one."""

    subject: Subject
    aws: Aws
    other: str
    before: Mapping[str, Memo]
    now: datetime
    stands_by: bool


Question = Callable[[_Place], Values]


@dataclass
class _Notes:
    values: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)


def ask(
    sessions: Sessions,
    subjects: Sequence[Subject],
    before: Mapping[str, Memo],
    now: datetime,
    but: Collection[str] = (),
) -> Answers:
    """Everything about every service; what AWS refuses is told, and not raised. Regions `but` are not asked."""
    notes = _Notes(dark=set(but))
    for subject in subjects:
        writer = _writer(sessions(subject.standby), subject, notes)
        for region, other in ((subject.standby, subject.home), (subject.home, subject.standby)):
            place = _Place(subject, sessions(region), other, before, now, stands_by=writer == other)
            _ask_one(place, notes)
    return Answers(notes.values, notes.refused)


def _writer(standby: Aws, subject: Subject, notes: _Notes) -> str:
    """The region that does the work, as the fence says it; without one, it is at home."""
    if not subject.fence:
        return subject.home
    if standby.region in notes.dark:
        return ""
    try:
        return str(standby.client("ssm").get_parameter(Name=subject.fence)["Parameter"]["Value"])
    except ActionFailed as error:
        notes.refused[f"{subject.name}: {subject.fence} ({standby.region})"] = str(error)
        return ""


def _ask_one(place: _Place, notes: _Notes) -> None:
    region = place.aws.region
    for question in QUESTIONS:
        if region in notes.dark:
            return
        try:
            notes.values |= question(place)
        except ActionFailed as error:
            notes.refused[f"{place.subject.name}: {question.__name__.strip('_')} ({region})"] = str(error)
            if error.kind == "unavailable":
                notes.dark.add(region)
        else:
            notes.values[region_key(region)] = {"since": _since(place)}


def _since(place: _Place) -> str:
    """Since when the region has answered every survey."""
    before = place.before.get(region_key(place.aws.region))
    unbroken = before is not None and place.now - before.seen_at <= MISSED and "since" in before.value
    return str(before.value["since"]) if before and unbroken else place.now.isoformat()


def _services(place: _Place) -> Values:
    """How many tasks run of each service, and what they are."""
    found: dict[str, Any] = {}
    for cluster, names in batches(place.subject.services):
        described = describe(place.aws, cluster, names)
        limits = targets(place.aws, cluster, names)
        for name, service in described.items():
            key = f"{cluster}/{name}"
            found[service_key(place.aws.region, key)] = _noted(place, key, service, limits.get(name)).model_dump(
                mode="json"
            )
    return found


def _noted(place: _Place, key: str, service: Mapping[str, Any], target: Mapping[str, Any] | None) -> Running:
    seen = running(place.before, place.aws.region, key)
    earlier = seen.value if seen else None
    release = str(service["taskDefinition"]).rpartition("/")[2]
    same = earlier is not None and earlier.task_definition == release
    about = (earlier.cpu, earlier.images) if earlier and same else definitions(place.aws, release)
    minimum = int(target["MinCapacity"]) if target else None
    size = Size(desired=service["desiredCount"], minimum=minimum)
    return Running(
        status=service["status"], running=service["runningCount"], desired=service["desiredCount"], minimum=minimum,
        maximum=int(target["MaxCapacity"]) if target else None, task_definition=release, cpu=about[0], images=about[1],
        hours=_hours(earlier.hours if earlier else {}, service["runningCount"], place.now),
        warm=size if place.stands_by else earlier and earlier.warm,
    )  # fmt: skip


def _hours(hours: Mapping[str, int], count: int, now: datetime) -> dict[str, int]:
    """With this sample, and without what is older than a day."""
    oldest, this = f"{now - SAMPLED_FOR:{_HOUR}}", f"{now:{_HOUR}}"
    kept = {hour: most for hour, most in hours.items() if hour >= oldest}
    return {**kept, this: max(count, kept.get(this, 0))}


def _tables(place: _Place) -> Values:
    """The replicas of each table, and how long its writes took from here lately."""
    found: dict[str, Any] = {}
    for name in place.subject.tables:
        table = place.aws.client("dynamodb").describe_table(TableName=name)["Table"]
        others = {one["RegionName"]: one.get("ReplicaStatus", "") for one in table.get("Replicas", ())}
        dimensions = {"TableName": name, "ReceivingRegion": place.other}
        latency = longest(place.aws, "AWS/DynamoDB", "ReplicationLatency", dimensions, place.now)
        replica = Replica(
            status=table["TableStatus"], replicas=others, latency={} if latency is None else {place.other: latency}
        )
        found[table_key(place.aws.region, name)] = replica.model_dump(mode="json")
    return found


def _databases(place: _Place) -> Values:
    """Who writes in the global database, and how far the other region is behind."""
    name = place.subject.database
    if not name:
        return {}
    asked = {"GlobalClusterIdentifier": name}
    [cluster] = place.aws.client("rds").describe_global_clusters(**asked)["GlobalClusters"]
    writer = next((one["DBClusterArn"] for one in cluster["GlobalClusterMembers"] if one["IsWriter"]), "")
    mine = [
        one["DBClusterArn"] for one in cluster["GlobalClusterMembers"] if f":{place.aws.region}:" in one["DBClusterArn"]
    ]
    lag = None
    if mine and mine[0] != writer:
        dimensions = {"DBClusterIdentifier": mine[0].rpartition(":")[2]}
        lag = longest(place.aws, "AWS/RDS", "AuroraGlobalDBReplicationLag", dimensions, place.now)
    database = Database(status=cluster["Status"], writer=writer, lag=lag)
    return {database_key(place.aws.region, name): database.model_dump(mode="json")}


def _quotas(place: _Place) -> Values:
    """Fargate's room for more tasks."""
    free = room(place.aws, *QUOTA, place.now) if place.subject.services else None
    return {} if free is None else {quota_key(place.aws.region): {"free": free}}


def _endpoints(place: _Place) -> Values:
    """Where the routing controls are thrown: known beforehand, because the configuration that tells it is in one region."""
    cluster = place.subject.routing_cluster
    if not cluster or place.aws.region != place.subject.standby:
        return {}
    return {f"{ROUTING}{cluster}": endpoints_of(place.aws, cluster)}


QUESTIONS: Sequence[Question] = (_services, _tables, _databases, _quotas, _endpoints)
