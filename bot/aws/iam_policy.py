"""The IAM policies that the playbooks need, and nothing beyond: `lifeboat iam-policy`. Pure.

    read           whatever only looks, and what Lifeboat does for itself: its queues, its topics, text messages
    tier-1-2       the changes of playbooks of tier 1 and 2
    tier-3         the changes of playbooks of tier 3, for a role of its own
    tier-3-trust   that role's trust policy: assumed for one approved run, whose id stays in CloudTrail
    deny           what Lifeboat never does, whatever else the role is allowed

A permission is scoped by the `resources` that its action declares, in the regions of lifeboat.yaml. Everything is sorted,
so that a difference between two outputs is a difference in what is allowed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from bot.aws.iam_document import Document, Statement, split
from bot.aws.session import READS
from bot.aws.survey import ENDPOINTS_IN
from bot.aws.survey import PERMISSIONS as SURVEYS
from bot.config import Config
from bot.errors import NotFound
from bot.incident.survey import subjects
from bot.playbook.action import Check, Facts
from bot.playbook.model import Playbook, Step, ValueType

READ, TIER_1_2, TIER_3, TRUST, DENY = "read", "tier-1-2", "tier-3", "tier-3-trust", "deny"

#: What no playbook of ours may ever do; `NotResource` leaves open exactly what an action declares.
NEVER = (
    "account:*",
    "application-autoscaling:Delete*",
    "application-autoscaling:Deregister*",
    "backup:Delete*",
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "dynamodb:DeleteBackup",
    "dynamodb:DeleteItem",
    "dynamodb:DeleteResourcePolicy",
    "dynamodb:DeleteTable",
    "dynamodb:DeleteTableReplica",
    "dynamodb:PartiQLDelete",
    "ec2:Delete*",
    "ec2:TerminateInstances",
    "ecs:Delete*",
    "elasticloadbalancing:Delete*",
    "iam:Add*",
    "iam:Attach*",
    "iam:Create*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:Put*",
    "iam:Remove*",
    "iam:Update*",
    "kinesis:Delete*",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "organizations:*",
    "rds:Delete*",
    "route53:Delete*",
    "s3:DeleteBucket*",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion*",
    "secretsmanager:DeleteSecret",
    "ssm:Delete*",
)

#: What forms ask for the menus of inputs of these types (`bot/aws/choices.py`).
MENUS: Mapping[ValueType, tuple[str, ...]] = {
    "autoscaling.groups": ("autoscaling:DescribeAutoScalingGroups",),
    "dynamodb.table": ("dynamodb:ListTables",),
    "dynamodb.tables": ("dynamodb:ListTables",),
    "ecs.cluster": ("ecs:ListClusters",),
    "ecs.service": ("ecs:ListServices",),
    "ecs.services": ("ecs:ListClusters", "ecs:ListServices"),
    "elasticache.group": ("elasticache:DescribeReplicationGroups",),
    "elb.load_balancers": ("elasticloadbalancing:DescribeLoadBalancers",),
    "rds.cluster": ("rds:DescribeDBClusters",),
    "rds.global_cluster": ("rds:DescribeGlobalClusters",),
    "region": ("ec2:DescribeRegions",),
    "s3.bucket": ("s3:ListAllMyBuckets",),
    "ssm.parameter": ("ssm:DescribeParameters",),
    "zone": ("ec2:DescribeAvailabilityZones",),
}

#: To whom AWS's services pass a role that an action of theirs names; a service is told by the action's own name.
_PASSED_TO = {"backup": "backup.amazonaws.com", "ecs": "ecs-tasks.amazonaws.com"}
_TO = " to "
#: Reads whose names do not say so.
_ALSO_READS = frozenset({"iam:SimulatePrincipalPolicy"})
#: Services that compare `aws:ResourceTag` for what we change there. A restored table has no tags yet, so not DynamoDB.
_BY_TAG = frozenset({"autoscaling", "ecs", "rds", "ssm"})

Scoped = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Where:
    """Whose account, which regions, the name of Lifeboat's own role; `tag`: only what carries it may be changed."""

    account: str
    regions: tuple[str, ...]
    own_region: str
    role: str = "lifeboat"
    tag: tuple[str, str] | None = None

    @property
    def partition(self) -> str:
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for prefix, name in prefixes.items() if self.own_region.startswith(prefix)), "aws")

    def role_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"


def where(
    config: Config,
    account: str,
    regions: Iterable[str] = (),
    role: str = "lifeboat",
    tag: tuple[str, str] | None = None,
) -> Where:
    """`regions` replace those of lifeboat.yaml: the services' own and where they stand by, the swept ones, and Lifeboat's."""
    known = {config.region, *config.sources.sweep_regions, *(one.region for one in config.services.values())}
    known |= {region for one in subjects(config) for region in (one.home, one.standby)}
    return Where(account, tuple(sorted(set(regions) or known - {""})), config.region, role, tag)


def policies(
    playbooks: Iterable[Playbook], table: Mapping[str, Check], config: Config, place: Where
) -> dict[str, Document]:
    """The documents by name, each within what IAM takes; one that would be larger is `name-1`, `name-2` …

    Raises `NotFound` for a playbook with an action that does not exist.
    """
    books = tuple(playbooks)
    needed = {True: _declared(books, table, (1, 2)), False: _declared(books, table, (3,))}
    everything = _merged(needed.values())
    reads = {
        action: scope for action, scope in _merged([everything, _asked_by_forms(books)]).items() if is_read(action)
    }
    found: dict[str, list[Document]] = {READ: [*_own(config, place), *_statements(reads, place)]}
    for lower, name in ((True, TIER_1_2), (False, TIER_3)):
        changes = {action: scope for action, scope in needed[lower].items() if not is_read(action)}
        found[name] = _statements(changes, place)
    found[DENY] = _denied(everything, place)
    parts = {name: part for whole, statements in found.items() for name, part in split(whole, statements)}
    return parts | ({TRUST: _trust(place)} if found[TIER_3] else {})


def is_read(permission: str) -> bool:
    """Whether an IAM action only looks."""
    return permission in _ALSO_READS or READS.match(permission.partition(":")[2]) is not None


def uses(playbook: Playbook, table: Mapping[str, Check]) -> Iterator[Facts]:
    """The facts of everything that a playbook's steps and their undos name. Raises `NotFound`."""
    for step in playbook.steps:
        for name, parameters in _names(step):
            if name not in table:
                raise NotFound("action", name, ", ".join(sorted(table)))
            yield table[name].facts.given(parameters)


def _asked_by_forms(playbooks: Iterable[Playbook]) -> Scoped:
    inputs = (wanted for playbook in playbooks for wanted in playbook.inputs.values())
    return {permission: frozenset({"*"}) for wanted in inputs for permission in MENUS.get(wanted.type, ())}


def _names(step: Step) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if step.uses:
        yield step.uses, step.parameters
    if step.undo:
        yield step.undo.action, step.undo.parameters


def _declared(playbooks: Iterable[Playbook], table: Mapping[str, Check], tiers: tuple[int, ...]) -> Scoped:
    """Each permission of these tiers' playbooks with its ARN patterns; `*` when an action declares none."""
    return _merged(
        {_told_apart(permission, facts): frozenset(facts.resources.get(permission, ("*",)))}
        for playbook in playbooks
        if playbook.tier in tiers
        for facts in uses(playbook, table)
        for permission in facts.permissions
    )


def _told_apart(permission: str, facts: Facts) -> str:
    """Roles for tasks are other ones than the role for restores: `iam:PassRole to backup`."""
    return permission + _TO + facts.name.partition(".")[0] if permission == "iam:PassRole" else permission


def _merged(parts: Iterable[Scoped]) -> dict[str, frozenset[str]]:
    """Every scope that is asked for, without what another one covers: `*` covers all."""
    merged: dict[str, frozenset[str]] = {}
    for part in parts:
        for permission, scope in part.items():
            merged[permission] = merged.get(permission, frozenset()) | scope
    return {permission: _widest(scope) for permission, scope in merged.items()}


def _widest(scope: frozenset[str]) -> frozenset[str]:
    return frozenset(one for one in scope if not any(fnmatchcase(one, other) for other in scope if other != one))


def _statements(scoped: Scoped, place: Where) -> list[Document]:
    """One statement for each service and scope."""
    groups: dict[tuple[str, tuple[str, ...], str], set[str]] = {}
    for told, patterns in scoped.items():
        permission, _, to = told.partition(_TO)
        groups.setdefault((_service(permission), _filled(patterns, place), to), set()).add(permission)
    made = [
        Statement(frozenset(permissions), scope, _condition(permissions, scope, to, place)).document() | _sid_of(to)
        for (_, scope, to), permissions in groups.items()
    ]
    return sorted(made, key=lambda one: str(one["Sid"]))


def _sid_of(to: str) -> Document:
    """Passing a role is the one action that has several statements: each is named by whom the role is passed to."""
    return {"Sid": f"IamPassRoleTo{to.capitalize()}"} if to else {}


def _service(permission: str) -> str:
    return permission.partition(":")[0]


def _filled(patterns: Iterable[str], place: Where) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                pattern.format(partition=place.partition, region=region, account=place.account)
                for pattern in patterns
                for region in place.regions
            }
        )
    )


def _condition(permissions: Collection[str], scope: tuple[str, ...], to: str, place: Where) -> Document:
    """An ARN names its region; `*` has to be told. A tag is asked of what is changed, where the service compares it.

    A role is passed `to` one service alone: whoever may pass it to any may do whatever it may.
    """
    service = _service(next(iter(permissions)))
    equals: dict[str, Any] = {}
    if scope == ("*",) and service not in {"iam", "route53", "sts"}:
        equals["aws:RequestedRegion"] = list(place.regions)
    if to:
        equals["iam:PassedToService"] = _PASSED_TO[to]
    if place.tag and service in _BY_TAG and not all(map(is_read, permissions)):
        key, value = place.tag
        equals[f"aws:ResourceTag/{key}"] = value
    return {"StringEquals": equals} if equals else {}


def _own(config: Config, place: Where) -> list[Document]:
    """What Lifeboat does for itself, as far as lifeboat.yaml asks for it."""
    sources = config.sources
    pages_from = sorted({place.own_region, *config.contact.regions})
    own = {"StringEquals": {"aws:RequestedRegion": pages_from}}
    statements = [
        Statement(frozenset({"iam:GetRole", "iam:SimulatePrincipalPolicy"}), (place.role_arn(place.role),)),
        Statement(frozenset({"sns:Publish"}), (f"arn:{place.partition}:sns:*:*:*",), own, everything_but=True),
    ]
    contact = config.contact
    if contact.email:
        statements.append(
            Statement(frozenset({"ses:SendEmail"}), (f"arn:{place.partition}:ses:*:{place.account}:identity/*",))
        )
    if contact.sms.sender:
        numbers = f"arn:{place.partition}:sms-voice:*:{place.account}:*"
        statements.append(Statement(frozenset({"sms-voice:SendTextMessage"}), (numbers,)))
    for line in contact.voice:
        calls = f"arn:{place.partition}:connect:{line.region}:{place.account}:instance/{line.instance}/*"
        statements.append(Statement(frozenset({"connect:StartOutboundVoiceContact"}), (calls,)))
    if config.heartbeat.regions:
        beats = {"StringEquals": {"cloudwatch:namespace": config.heartbeat.namespace}}
        statements.append(Statement(frozenset({"cloudwatch:PutMetricData"}), condition=beats))
    if sources.queues:
        queues = tuple(_queue_arn(url, place) for url in sources.queues)
        statements.append(Statement(frozenset({"sqs:DeleteMessage", "sqs:ReceiveMessage"}), queues))
    if sources.topics:
        statements.append(Statement(frozenset({"sns:ConfirmSubscription"}), tuple(sources.topics)))
    if sources.sweep_regions:
        swept = {"StringEquals": {"aws:RequestedRegion": sorted(sources.sweep_regions)}}
        statements.append(Statement(frozenset({"cloudwatch:DescribeAlarms"}), condition=swept))
    if surveyed := tuple(subjects(config)):
        asked = {region for one in surveyed for region in (one.home, one.standby)}
        asked |= {ENDPOINTS_IN} if any(one.routing_cluster for one in surveyed) else set()
        statements.append(
            Statement(frozenset(SURVEYS), condition={"StringEquals": {"aws:RequestedRegion": sorted(asked)}})
        )
    return [statement.document() for statement in statements]


def _queue_arn(url: str, place: Where) -> str:
    """Of `https://sqs.<region>.amazonaws.com/<account>/<name>`; another address is taken to be in our own region."""
    parts = urlsplit(url)
    host, (account, name) = (parts.hostname or "").split("."), ["", "", *parts.path.split("/")][-2:]
    region = host[1] if host[0] == "sqs" and len(host) > 2 else place.own_region
    return f"arn:{place.partition}:sqs:{region}:{account or place.account}:{name}"


def _denied(declared: Scoped, place: Where) -> list[Document]:
    """`NEVER` on everything, or on everything but what an action declares there."""
    groups: dict[tuple[str, ...], set[str]] = {}
    for pattern in NEVER:
        scopes = [scope for permission, scope in declared.items() if fnmatchcase(permission, pattern)]
        excepted = _filled(frozenset().union(*scopes), place)
        if "*" not in excepted:
            groups.setdefault(excepted, set()).add(pattern)
    made = [
        Statement(frozenset(actions), but or ("*",), effect="Deny", everything_but=bool(but)).document()
        for but, actions in groups.items()
    ]
    return sorted(made, key=lambda one: str(one["Sid"]))


def _trust(place: Where) -> Document:
    """Who may take the role of tier 3. STS refuses a session without a source identity that names a run.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyForAnApprovedRun",
                "Effect": "Allow",
                "Principal": {"AWS": place.role_arn(place.role)},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {"StringLike": {"sts:SourceIdentity": "lifeboat-run-*"}},
            }
        ],
    }
