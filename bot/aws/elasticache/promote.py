"""`elasticache.promote_replica`: another node of a replication group writes.

"You can't promote a read replica to primary while Multi-AZ with Automatic Failover is enabled": so both are switched off,
the replica is promoted, and they are switched on again, as three changes that the plan shows. Refusing instead would be of no
use, for a group that matters has them on. Until they are on again nobody but us fails the group over, so what they were is
written down before the first change; whoever retries gives it as a parameter (`elasticache.can_promote` tells it).

TestFailover is never called: AWS says that it is no tool for an emergency, and may block it in one.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Replication.PromoteReplica.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from bot.aws.calls import perform
from bot.aws.elasticache.chosen import READS, Choice, Which, bad_zone, choose, is_settled, no_need
from bot.aws.elasticache.group import AVAILABLE, GROUPS, Group, Node, find_group, touched
from bot.aws.polling import next_look
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
    Progress,
    StepPlan,
    Working,
    action,
)

LONGEST = timedelta(minutes=10)
#: Somebody else's change is under way, or ours already; looking again tells.
_IN_THE_WAY = "InvalidReplicationGroupState"


class Promote(Which):
    """`automatic_failover`, `multi_az`: what they shall be afterwards; None: what they are found to be."""

    automatic_failover: bool | None = None
    multi_az: bool | None = None


@action(
    "elasticache.promote_replica",
    Promote,
    permissions=(*READS, "elasticache:ModifyReplicationGroup"),
    calls=(*READS, "elasticache:ModifyReplicationGroup"),
    resources={"elasticache:ModifyReplicationGroup": GROUPS},
    plane="control",
    changes=N_("Makes a replica the primary; automatic failover and Multi-AZ are off meanwhile."),
    undo=N_("Makes the node that wrote before the primary again, in the same way."),
    undone_by="elasticache.promote_replica",
    recognised_by=N_("The node that was chosen writes already, and automatic failover is as it shall be."),
    outputs={"primary": "str", "previous": "str", "zone": "str"},
    recovers=Figures(rpo=timedelta(seconds=1), rto=timedelta(minutes=3)),
    takes=timedelta(minutes=2),
)
class PromoteReplica:
    facts: ClassVar[Facts]

    def plan(self, params: Promote, aws: Aws, attempt: Attempt) -> StepPlan:
        group, zone = find_group(aws, params.group), bad_zone(params, aws)
        touches, primary = (touched(aws, group.name),), group.primary
        wanted = _wanted(params, group)
        if is_settled(params, group, zone) and primary is not None:
            calls = () if _is_as_wanted(group, wanted) else (_switch(group.name, wanted),)
            return StepPlan(calls=calls, warnings=(no_need(group, primary),), touches=touches)
        choice = choose(params, aws, group, zone, attempt.now)
        if isinstance(choice, Phrase):
            return StepPlan(warnings=(choice,), touches=touches)
        before, after = (f"{one.name} ({one.zone})" for one in (choice.primary, choice.to))
        return StepPlan(
            calls=tuple(_calls(group, choice.to, wanted)),
            changes=(Change(phrase(N_("The primary of {group}"), group=group.name), before, after),),
            warnings=_warnings(group, choice),
            foreseen={"primary": choice.to.name, "previous": choice.primary.name, "zone": choice.to.zone},
            disturbs=(
                phrase(N_("Writes to {group} fail for up to a minute while the roles change."), group=group.name),
            ),
            touches=touches,
            loses=choice.behind,
        )

    def act(self, params: Promote, aws: Aws, attempt: Attempt) -> Progress:
        group = find_group(aws, params.group)
        if "to" not in attempt.memory:
            return _choose(params, aws, attempt, group)
        if group.status == AVAILABLE and (call := _next(group, attempt.memory)) is not None:
            try:
                perform(aws, call)
            except ActionFailed as error:
                if error.code != _IN_THE_WAY:
                    raise
        return self.look(params, aws, attempt)

    def look(self, params: Promote, aws: Aws, attempt: Attempt) -> Progress:
        group, memory = find_group(aws, params.group), attempt.memory
        if "to" not in memory:
            return Failed(phrase(N_("The promotion in {group} has not begun. Retry the step."), group=group.name))
        primary = group.primary
        if group.status == AVAILABLE and primary is not None and _left(group, memory) is None:
            if params.to and primary.name != memory["to"]:
                return Failed(_another(group, primary, memory["to"]))
            output = {"primary": primary.name, "previous": memory["from"], "zone": primary.zone}
            return Done(_written_by(group, primary), output)
        if attempt.now - datetime.fromisoformat(memory["asked_at"]) > LONGEST:
            return Failed(_too_long(group, memory))
        what = N_("{group} is {status}; {primary} writes, and {to} shall")
        name = primary.name if primary else "-"
        note = phrase(what, group=group.name, status=group.status, primary=name, to=memory["to"])
        return Working(note, again_in=next_look(attempt), memory=memory, more=True)


def _choose(params: Promote, aws: Aws, attempt: Attempt, group: Group) -> Progress:
    """Nothing is done yet: who writes, who shall, and what AWS did by itself is stored before the first change."""
    zone, primary, wanted = bad_zone(params, aws), group.primary, _wanted(params, group)
    if is_settled(params, group, zone) and primary is not None:
        if _is_as_wanted(group, wanted):
            output = {"primary": primary.name, "previous": primary.name, "zone": primary.zone}
            return Done(no_need(group, primary), output)
        former, to = "", primary
    else:
        choice = choose(params, aws, group, zone, attempt.now)
        if isinstance(choice, Phrase):
            return Failed(choice)
        former, to = choice.primary.name, choice.to
    memory = {"from": former, "to": to.name, "asked_at": attempt.now.isoformat(), **wanted}
    note = phrase(N_("{to} shall write for {group}"), to=to.name, group=group.name)
    return Working(note, again_in=timedelta(), memory=memory, more=True)


def _wanted(params: Promote, group: Group) -> dict[str, bool]:
    """What AWS shall do by itself afterwards."""
    own, multi = params.automatic_failover, params.multi_az
    return {
        "automatic_failover": group.fails_over if own is None else own,
        "multi_az": group.multi_az if multi is None else multi,
    }


def _is_as_wanted(group: Group, wanted: Mapping[str, Any]) -> bool:
    return (group.fails_over, group.multi_az) == (wanted["automatic_failover"], wanted["multi_az"])


def _left(group: Group, memory: Mapping[str, Any]) -> Literal["off", "promote", "as wanted"] | None:
    """The next of the three changes, by what can be seen; None: all are done."""
    primary = group.primary
    if primary is not None and primary.name == memory["from"]:
        return "off" if group.fails_over else "promote"
    return None if _is_as_wanted(group, memory) else "as wanted"


_OFF = {"automatic_failover": False, "multi_az": False}


def _next(group: Group, memory: Mapping[str, Any]) -> Call | None:
    match _left(group, memory):
        case "off":
            return _switch(group.name, _OFF)
        case "promote":
            return _promotion(group.name, memory["to"])
        case "as wanted":
            return _switch(group.name, memory)
        case None:
            return None


def _calls(group: Group, to: Node, wanted: Mapping[str, bool]) -> list[Call]:
    calls = [_switch(group.name, _OFF)] if group.fails_over else []
    calls.append(_promotion(group.name, to.name))
    return [*calls, _switch(group.name, wanted)] if wanted["automatic_failover"] else calls


def _switch(group: str, wanted: Mapping[str, Any]) -> Call:
    parameters = {
        "ReplicationGroupId": group,
        "AutomaticFailoverEnabled": bool(wanted["automatic_failover"]),
        "MultiAZEnabled": bool(wanted["multi_az"]),
        "ApplyImmediately": True,
    }
    return Call("elasticache", "ModifyReplicationGroup", parameters)


def _promotion(group: str, to: str) -> Call:
    parameters = {"ReplicationGroupId": group, "PrimaryClusterId": to, "ApplyImmediately": True}
    return Call("elasticache", "ModifyReplicationGroup", parameters)


def _written_by(group: Group, primary: Node) -> Phrase:
    fields = {"primary": primary.name, "zone": primary.zone, "group": group.name}
    if group.fails_over:
        return phrase(N_("{primary} in {zone} writes for {group} now."), **fields)
    what = N_(
        "{primary} in {zone} writes for {group} now. Automatic failover is off, as it was found: switch it on if it should "
        "be, or if an earlier try has switched it off."
    )
    return phrase(what, **fields)


def _another(group: Group, primary: Node, to: str) -> Phrase:
    what = N_(
        "{primary} writes for {group} now, and not {to}: ElastiCache was faster, and chose another. If that is as good, skip "
        "the step."
    )
    return phrase(what, primary=primary.name, group=group.name, to=to)


def _too_long(group: Group, memory: Mapping[str, Any]) -> Phrase:
    if memory["automatic_failover"] and not group.fails_over:
        what = N_(
            "{group} is {status} after {limit}, and its automatic failover is off: nobody fails it over. Look at it in "
            "ElastiCache; a retry goes on, or switch it on by hand."
        )
        return phrase(what, group=group.name, status=group.status, limit=LONGEST)
    what = N_("{group} is {status} after {limit}. Look at its events in ElastiCache, then retry.")
    return phrase(what, group=group.name, status=group.status, limit=LONGEST)


def _warnings(group: Group, choice: Choice) -> tuple[Phrase, ...]:
    said = [
        phrase(
            N_("What {to} has not received yet is lost: replicas follow without being waited for."), to=choice.to.name
        )
    ]
    if group.fails_over:
        what = N_(
            "ElastiCache does not let a replica be promoted while automatic failover is on: it is off for about two minutes, "
            "and then on again."
        )
        said.insert(0, phrase(what))
    if choice.behind is None:
        said.append(phrase(N_("CloudWatch does not say how far {to} is behind."), to=choice.to.name))
    return tuple(said)
