"""`dynamodb.reapply_settings`: give a restored table the settings of its source, so that it can take its place."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.dynamodb.settings import SETTINGS, AutoScaling, Setting
from bot.aws.dynamodb.table import RESTORED, Table, TableName, describe, is_restore_of, on_demand, touched
from bot.aws.polling import next_look
from bot.errors import N_, ActionFailed, Phrase, Refused, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Params,
    Progress,
    StepPlan,
    Working,
    action,
)

#: Every one of these changes shows within seconds to a minute; after this long it was lost.
PATIENCE = timedelta(minutes=5)
#: What IAM calls the targets of auto scaling, and the streams.
SCALABLE = ("arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*",)
STREAMS = ("arn:{partition}:kinesis:{region}:{account}:stream/*",)


class Settings(Params):
    like: TableName
    to: TableName


@dataclass(frozen=True)
class Pair:
    """A setting that is on at the source, and what the restored table has of it (None: nothing)."""

    setting: Setting
    wanted: Any
    have: Any

    @property
    def name(self) -> Phrase:
        return phrase(self.setting.name)

    @property
    def differs(self) -> bool:
        return not _covers(self.have, self.wanted)


@action(
    "dynamodb.reapply_settings",
    Settings,
    permissions=(
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeContributorInsights",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:EnableKinesisStreamingDestination",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTagsOfResource",
        "dynamodb:PutResourcePolicy",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateContributorInsights",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive",
        # What AWS itself asks for when a Kinesis destination is added.
        "kinesis:DescribeStream",
        "kinesis:PutRecord",
        "kinesis:PutRecords",
    ),
    plane="control",
    changes=N_("Gives the restored table what a restore loses: time to live, tags, recovery, stream, protection …"),
    undo=N_("The settings go with the restored table when that is deleted; the source was only read."),
    undone_by=None,
    recognised_by=N_("Each setting is read on both tables, and written only where they differ."),
    resources={
        "application-autoscaling:PutScalingPolicy": SCALABLE,
        "application-autoscaling:PutScheduledAction": SCALABLE,
        "application-autoscaling:RegisterScalableTarget": SCALABLE,
        "dynamodb:EnableKinesisStreamingDestination": RESTORED,
        "dynamodb:PutResourcePolicy": RESTORED,
        "dynamodb:TagResource": RESTORED,
        "dynamodb:UpdateContinuousBackups": RESTORED,
        "dynamodb:UpdateContributorInsights": RESTORED,
        "dynamodb:UpdateTable": RESTORED,
        "dynamodb:UpdateTimeToLive": RESTORED,
        "kinesis:DescribeStream": STREAMS,
        "kinesis:PutRecord": STREAMS,
        "kinesis:PutRecords": STREAMS,
    },
    outputs={"carried": "str", "left": "str"},
    calls=(
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeContributorInsights",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:EnableKinesisStreamingDestination",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTagsOfResource",
        "dynamodb:PutResourcePolicy",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateContributorInsights",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive",
    ),
    takes=timedelta(minutes=1),
)
class ReapplySettings:
    facts: ClassVar[Facts]

    def plan(self, params: Settings, aws: Aws, attempt: Attempt) -> StepPlan:  # noqa: ARG002  # nothing depends on it
        source, target = _tables(params, aws)
        pairs, unreadable = _pairs(aws, source, target)
        return StepPlan(
            calls=_calls(pairs, target),
            changes=tuple(Change(pair.name, _text(pair.have), _text(pair.wanted)) for pair in pairs if pair.differs),
            warnings=(
                *(problem.phrase for problem in unreadable),
                *_left(source, target),
                phrase(N_("Items whose time to live has passed will be deleted by AWS.")),
            ),
            touches=(touched(aws, params.to),),
        )

    def act(self, params: Settings, aws: Aws, attempt: Attempt) -> Progress:
        source, target = _tables(params, aws)
        pairs, unreadable = _pairs(aws, source, target)
        # One setting that cannot be read or written must not cost the others; a retry sends only what is missing.
        _raise_all(params, unreadable + _perform_all(aws, _calls(pairs, target)))
        return self.look(params, aws, attempt)

    def look(self, params: Settings, aws: Aws, attempt: Attempt) -> Progress:
        source, target = _tables(params, aws)
        pairs, unreadable = _pairs(aws, source, target)
        _raise_all(params, unreadable)
        missing = [pair.name for pair in pairs if pair.differs]
        if not missing and target["TableStatus"] == "ACTIVE":
            return _done(pairs, source, target)
        waiting = _listed(missing) if missing else phrase(N_("the table itself"))
        if attempt.now - attempt.started_at > PATIENCE:
            what = N_("{table} still lacks: {missing}. Someone may have changed them meanwhile; retry the step.")
            return Failed(phrase(what, table=params.to, missing=waiting))
        return Working(phrase(N_("AWS is applying: {settings}"), settings=waiting), again_in=next_look(attempt))


def _tables(params: Settings, aws: Aws) -> tuple[Table, Table]:
    """Both tables; raises `Refused` unless one was restored from the other, so that no live table is rewritten."""
    source, target = describe(aws, params.like), describe(aws, params.to)
    if source is None or target is None:
        gone = params.like if source is None else params.to
        raise ActionFailed(phrase(N_("There is no table {table}. Check the step's parameters."), table=gone))
    if not is_restore_of(target, params.like):
        what = N_("{to} was not restored from {like}, so its settings are left alone. Check the step's parameters.")
        raise Refused(phrase(what, to=params.to, like=params.like))
    return source, target


def _pairs(aws: Aws, source: Table, target: Table) -> tuple[list[Pair], list[ActionFailed]]:
    """Every setting that is on at the source, and why some could not be read.

    What only the restored table has is left alone: someone wanted it there.
    """
    pairs, unreadable = [], []
    for setting in SETTINGS:
        try:
            wanted = setting.read(aws, source) if _applies(setting, target) else None
            if wanted is not None:
                pairs.append(Pair(setting, wanted, setting.read(aws, target)))
        except ActionFailed as error:
            unreadable.append(error)
    return pairs, unreadable


def _applies(setting: Setting, target: Table) -> bool:
    """Auto scaling means nothing to a table that is billed per request."""
    return not (isinstance(setting, AutoScaling) and on_demand(target))


def _covers(have: Any, wanted: Any) -> bool:
    """Whether nothing of `wanted` is missing; more than that (another tag) does no harm."""
    if isinstance(have, dict) and isinstance(wanted, dict):
        return all(key in have and _covers(have[key], value) for key, value in wanted.items())
    if isinstance(have, list) and isinstance(wanted, list):
        return all(entry in have for entry in wanted)
    return bool(have == wanted)


def _calls(pairs: Iterable[Pair], target: Table) -> tuple[Call, ...]:
    """The calls that remove the differences; the changes of the table itself are one call, for AWS takes one at a time."""
    calls = [call for pair in pairs if pair.differs for call in pair.setting.calls(target, pair.wanted)]
    updates = [call.parameters for call in calls if call.operation == "UpdateTable"]
    others = tuple(call for call in calls if call.operation != "UpdateTable")
    if not updates:
        return others
    together = reduce(lambda one, two: {**one, **two}, updates)
    return (*others, Call("dynamodb", "UpdateTable", together))


def _perform_all(aws: Aws, calls: Iterable[Call]) -> list[ActionFailed]:
    """Makes every call, also after one failed; returns what failed."""
    problems = []
    for call in calls:
        try:
            perform(aws, call)
        except ActionFailed as error:
            problems.append(error)
    return problems


def _raise_all(params: Settings, problems: Sequence[ActionFailed]) -> None:
    if problems:
        what = N_("Some settings of {table} could not be applied: {problems}")
        said = phrase(what, table=params.to, problems=_told(problem.phrase for problem in problems))
        raise ActionFailed(said, retry=all(problem.retry for problem in problems), code=problems[0].code)


def _done(pairs: Sequence[Pair], source: Table, target: Table) -> Done:
    carried = [pair.name for pair in pairs]
    left = _left(source, target)
    names = _listed(carried) if carried else phrase(N_("nothing was set"))
    what = N_("{to} has the settings of {like}: {carried}. Still to do by hand: {left}")
    note = phrase(what, to=target["TableName"], like=source["TableName"], carried=names, left=_told(left))
    return Done(note, {"carried": str(names), "left": str(_told(left))})


def _left(source: Table, target: Table) -> tuple[Phrase, ...]:
    """What no API carries from one table to another."""
    name, restored = source["TableName"], target["TableName"]
    left = [
        phrase(
            N_("CloudWatch alarms and IAM policies that name {table} do not see {restored}."),
            table=name,
            restored=restored,
        ),
        phrase(N_("Terraform or CloudFormation does not know {restored}."), restored=restored),
    ]
    if source.get("StreamSpecification", {}).get("StreamEnabled"):
        left.append(phrase(N_("The stream has a new ARN: connect its consumers (Lambda) again.")))
    if source.get("Replicas"):
        left.append(phrase(N_("The replicas in other regions are not restored: add them again.")))
    if on_demand(target) and not on_demand(source):
        left.append(
            phrase(N_("{restored} is billed per request: set capacity and auto scaling later."), restored=restored)
        )
    return tuple(left)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)


def _listed(names: Iterable[Phrase]) -> Phrase:
    """Several names as one phrase, in the reader's own way of listing."""
    return reduce(lambda one, two: phrase(N_("{one}, {two}"), one=one, two=two), names)


def _told(sentences: Iterable[Phrase]) -> Phrase:
    """Several sentences as one phrase."""
    return reduce(lambda one, two: phrase(N_("{one} {two}"), one=one, two=two), sentences)
