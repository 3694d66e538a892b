"""Give a service the zone back that it left: `ecs.return_to_zone`. Its tasks start anew, over all of its zones."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, ClassVar

from bot.aws.calls import perform
from bot.aws.ecs.deploying import CALLS, PLANS, READS, begun, beside, disturbed, drains, unfinished
from bot.aws.ecs.placing import (
    Placed,
    left_by,
    move,
    network_of,
    rebalance,
    rebalancing_of,
    strike_out,
    stuck,
    tasks_by_zone,
)
from bot.aws.ecs.scaling import room
from bot.aws.ecs.service import SERVICES, Service, Which, counts, describe, touched, under_way
from bot.aws.left import Left
from bot.aws.polling import next_look
from bot.aws.subnets import split
from bot.aws.zone.find import Zone, find_zone
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    InputType,
    Progress,
    StepPlan,
    Working,
    action,
)


class Back(Placed):
    """`subnets`: all that it shall have; left out, what it has and what is written on it.

    `rebalance` False: where leaving has kept ECS from moving tasks by itself, it stays so until a later step.
    """

    subnets: Annotated[tuple[str, ...], InputType("list")] | None = None
    rebalance: bool = True


@action(
    "ecs.return_to_zone",
    Back,
    permissions=(
        *READS,
        *PLANS,
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSubnets",
        "ecs:DescribeTasks",
        "ecs:ListTagsForResource",
        "ecs:ListTasks",
        "ecs:UntagResource",
        "ecs:UpdateService",
    ),
    calls=(
        *CALLS,
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSubnets",
        "ecs:DescribeTasks",
        "ecs:ListTagsForResource",
        "ecs:ListTasks",
        "ecs:UntagResource",
        "ecs:UpdateService",
    ),
    resources={"ecs:UntagResource": SERVICES, "ecs:UpdateService": SERVICES},
    plane="control",
    changes=N_("Gives the service the zone's subnets back, so that its tasks start anew over all of its zones."),
    undo=N_("Takes the zone's subnets out of the service again."),
    undone_by="ecs.leave_zone",
    recognised_by=N_("The service has the zone's subnets, and nothing is written on it about the zone any more."),
    outputs={"running": "int", "in_zone": "int"},
    takes=timedelta(minutes=4),
)
class ReturnToZone:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        touches, left = (touched(aws, which.cluster, which.service),), left_by(aws, service, zone)
        calls = _calls(params, zone, service, left)
        if problem := _refused(which, service, calls) or _unknown(params, aws, zone, service, left):
            return StepPlan(warnings=(problem,), touches=touches)
        if not calls:
            return StepPlan(warnings=(_is_back(which, zone),), touches=touches)
        moved = _moves(calls)
        return StepPlan(
            calls=calls,
            changes=_changes(params, service, left),
            warnings=drains(aws, service) if moved else (),
            disturbs=(disturbed(which, service),) if moved else (),
            touches=touches,
            needs=room(aws, service, beside(service), attempt.now) if moved else (),
        )

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        left = left_by(aws, service, zone)
        calls = _calls(params, zone, service, left)
        if problem := _refused(which, service, calls) or _unknown(params, aws, zone, service, left):
            return Failed(problem)
        for call in calls:
            perform(aws, call)
        service = describe(which, aws)
        if network_of(service) and under_way(which, service):  # ours, also when an earlier call has begun it
            return begun(which, attempt, service)
        return self.look(params, aws, attempt)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        if "deployment" in attempt.memory and (progress := unfinished(which, aws, attempt, service)):
            return progress
        there = tasks_by_zone(which, aws)
        if "deployment" in attempt.memory and _is_empty(service, zone, there):
            note = phrase(N_("No task of {service} has started in {zone} yet"), service=which.service, zone=zone.id)
            return Working(note, again_in=next_look(attempt), memory=attempt.memory)
        what = N_("{service} is back in {zone}: {there} of its {running} tasks run there.")
        note = phrase(what, there=there[zone.name], zone=zone.id, **counts(which, service))
        return Done(note, {"running": service["runningCount"], "in_zone": there[zone.name]})


def _calls(params: Back, zone: Zone, service: Service, left: Left | None) -> tuple[Call, ...]:
    """What is missing. What is written on the service goes last, when nothing of it is needed any more."""
    which, now = params.which, list(network_of(service).get("subnets", ()))
    wanted = _wanted(params, service, left)
    before = (left or Left()).settings.get("rebalancing")
    calls = [move(which, service, wanted)] if set(wanted) != set(now) else []
    if before and params.rebalance and before != rebalancing_of(service):
        calls.append(rebalance(which, before))
    if left is not None and (params.rebalance or not before):
        calls.append(strike_out(service, zone))
    return tuple(calls)


def _moves(calls: tuple[Call, ...]) -> bool:
    return any("networkConfiguration" in call.parameters for call in calls)


def _wanted(params: Back, service: Service, left: Left | None) -> list[str]:
    """What people have added or taken out since stays so, unless all subnets are named."""
    now = list(network_of(service).get("subnets", ()))
    if not now or params.subnets:
        return list(params.subnets or ()) if now else []
    return [*now, *(one for one in (left or Left()).subnets if one not in now)]


def _changes(params: Back, service: Service, left: Left | None) -> tuple[Change, ...]:
    name, now = params.which.service, list(network_of(service).get("subnets", ()))
    wanted = _wanted(params, service, left)
    if set(wanted) != set(now):
        what = phrase(N_("The subnets of {service}; running: {running}"), **counts(params.which, service))
        return (Change(what, ", ".join(now), ", ".join(wanted)),)
    before = (left or Left()).settings.get("rebalancing")
    if before and params.rebalance:
        what = phrase(N_("Whether ECS moves tasks of {service} between zones by itself"), service=name)
        return (Change(what, rebalancing_of(service), before),)
    return ()


def _refused(which: Which, service: Service, calls: tuple[Call, ...]) -> Phrase | None:
    return (stuck(which, service) or under_way(which, service)) if _moves(calls) else None


def _unknown(params: Back, aws: Aws, zone: Zone, service: Service, left: Left | None) -> Phrase | None:
    """Nobody says which subnets it had there."""
    wanted = _wanted(params, service, left)
    if not wanted or split(aws, zone, wanted).inside:
        return None
    what = N_("Nothing says which subnets {service} had in {zone}. Name all that it shall have.")
    return phrase(what, service=params.which.service, zone=zone.id)


def _is_back(which: Which, zone: Zone) -> Phrase:
    return phrase(N_("{service} is in {zone} already."), service=which.service, zone=zone.id)


def _is_empty(service: Service, zone: Zone, there: Counter[str]) -> bool:
    """With at least one task for each zone, one belongs there."""
    return service["desiredCount"] >= max(1, len(+there) + 1) and not there[zone.name]
