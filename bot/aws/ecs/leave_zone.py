"""Take a service's tasks out of a zone: `ecs.leave_zone`. Shift the traffic first: that takes seconds, this minutes.

A zonal shift moves no tasks, and ECS goes on placing them in the zone. New subnets are a new deployment: every task is
started anew, so room for it is counted before. A service without subnets of its own has its tasks where its instances
are; there, ECS is only kept from moving them back while the instances leave (`asg.leave_zone`).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.ecs.deploying import CALLS, PLANS, READS, begun, beside, disturbed, drains, unfinished
from bot.aws.ecs.placing import (
    Placed,
    left_by,
    move,
    network_of,
    note_down,
    rebalance,
    rebalancing_of,
    stuck,
    tasks_by_zone,
)
from bot.aws.ecs.scaling import room
from bot.aws.ecs.service import SERVICES, Service, Which, counts, describe, touched, under_way
from bot.aws.left import Left
from bot.aws.polling import next_look
from bot.aws.subnets import Split, split
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
    Figures,
    Need,
    Progress,
    StepPlan,
    Working,
    action,
)

_IMAGE = N_(
    "Every task of {service} starts anew in the other zones: its image is pulled there now. Whether the registry, or the "
    "way to it (a NAT gateway in {zone}), can be reached is not known."
)


@action(
    "ecs.leave_zone",
    Placed,
    permissions=(
        *READS,
        *PLANS,
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSubnets",
        "ecs:DescribeTasks",
        "ecs:ListTagsForResource",
        "ecs:ListTasks",
        "ecs:TagResource",
        "ecs:UpdateService",
    ),
    calls=(
        *CALLS,
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSubnets",
        "ecs:DescribeTasks",
        "ecs:ListTagsForResource",
        "ecs:ListTasks",
        "ecs:TagResource",
        "ecs:UpdateService",
    ),
    resources={"ecs:TagResource": SERVICES, "ecs:UpdateService": SERVICES},
    plane="control",
    changes=N_("Takes the zone's subnets out of the service, so that all of its tasks start anew in the other zones."),
    undo=N_("Gives the service its subnets back; its tasks start anew over all of its zones."),
    undone_by="ecs.return_to_zone",
    recognised_by=N_("The service has no subnet in the zone; what it had is written on it as a tag."),
    outputs={"subnets_before": "list", "subnets": "list", "running": "int"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=10)),
    takes=timedelta(minutes=4),
)
class LeaveZone:
    facts: ClassVar[Facts]

    def plan(self, params: Placed, aws: Aws, attempt: Attempt) -> StepPlan:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        where, touches = split(aws, zone, _subnets(service)), (touched(aws, which.cluster, which.service),)
        if problem := _refused(which, zone, service, where):
            return StepPlan(warnings=(problem,), touches=touches)
        if _has_left(service, where):
            said = phrase(N_("{service} has left {zone} already."), service=which.service, zone=zone.id)
            return StepPlan(warnings=(said,), touches=touches)
        return StepPlan(
            calls=_calls(params, zone, service, where),
            changes=_changes(which, service, where),
            warnings=_warnings(aws, which, zone, service),
            foreseen={"subnets_before": _subnets(service), "subnets": list(where.outside)},
            disturbs=(disturbed(which, service),),
            touches=touches,
            needs=_needs(aws, service, where, attempt),
        )

    def act(self, params: Placed, aws: Aws, attempt: Attempt) -> Progress:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        where = split(aws, zone, _subnets(service))
        if _has_left(service, where):
            before = {}
        elif problem := _refused(which, zone, service, where):
            return Failed(problem)
        else:
            before = {"subnets_before": _subnets(service)}
            for call in _calls(params, zone, service, where):
                perform(aws, call)
        if not network_of(service):
            return self.look(params, aws, attempt)
        working = begun(which, attempt, describe(which, aws))
        return replace(working, memory={**working.memory, **before})

    def look(self, params: Placed, aws: Aws, attempt: Attempt) -> Progress:
        which, zone, service = params.which, find_zone(aws, params.zone), describe(params.which, aws)
        if network_of(service) and (progress := unfinished(which, aws, attempt, service)):
            return progress
        there = tasks_by_zone(which, aws)[zone.name]
        if there:
            what = N_("{service}: {there} tasks are still in {zone}")
            note = phrase(what, there=there, service=which.service, zone=zone.id)
            return Working(note, again_in=next_look(attempt), memory=attempt.memory)
        what = N_("No task of {service} is in {zone}: {running} of {desired} run in other zones.")
        return Done(phrase(what, zone=zone.id, **counts(which, service)), _output(aws, zone, service, attempt))


def _subnets(service: Service) -> list[str]:
    return list(network_of(service).get("subnets", ()))


def _has_left(service: Service, where: Split) -> bool:
    """Of a service without subnets: ECS does not move its tasks back by itself."""
    return not where.inside if network_of(service) else rebalancing_of(service) != "ENABLED"


def _refused(which: Which, zone: Zone, service: Service, where: Split) -> Phrase | None:
    if problem := stuck(which, service) or under_way(which, service):
        return problem
    if where.inside and not where.outside:
        what = N_("{service} has subnets in no other zone than {zone}. Give it one elsewhere first.")
        return phrase(what, service=which.service, zone=zone.id)
    return None


def _calls(params: Placed, zone: Zone, service: Service, where: Split) -> tuple[Call, ...]:
    """What it was is written down before it is changed."""
    if network_of(service):
        left = Left(where.inside)
        return (note_down(service, zone, left), move(params.which, service, where.outside))
    left = Left(settings={"rebalancing": rebalancing_of(service)})
    return (note_down(service, zone, left), rebalance(params.which, "DISABLED"))


def _changes(which: Which, service: Service, where: Split) -> tuple[Change, ...]:
    if not network_of(service):
        what = phrase(N_("Whether ECS moves tasks of {service} between zones by itself"), service=which.service)
        return (Change(what, rebalancing_of(service), "DISABLED"),)
    what = phrase(N_("The subnets of {service}; running: {running}"), **counts(which, service))
    return (Change(what, ", ".join(_subnets(service)), ", ".join(where.outside)),)


def _warnings(aws: Aws, which: Which, zone: Zone, service: Service) -> tuple[Phrase, ...]:
    if network_of(service):
        return (phrase(_IMAGE, service=which.service, zone=zone.id), *drains(aws, service))
    what = N_(
        "{service} has no subnets of its own: its tasks leave {zone} when its instances do. Take their Auto Scaling group "
        "out of the zone too."
    )
    return (phrase(what, service=which.service, zone=zone.id),)


def _needs(aws: Aws, service: Service, where: Split, attempt: Attempt) -> tuple[Need, ...]:
    """All tasks in one zone less, and while they are replaced more than that: vCPUs, and addresses in the other zones."""
    if not network_of(service):
        return ()
    elsewhere: dict[str, Any] = {**network_of(service), "subnets": list(where.outside)}
    moved = {**service, "networkConfiguration": {"awsvpcConfiguration": elsewhere}}
    return room(aws, moved, max(beside(service), crowded(service["desiredCount"], where.zones)), attempt.now)


def crowded(desired: int, zones_left: int) -> int:
    """How many tasks more the other zones must hold: `desired * n/(n-1) - desired`, rounded up."""
    return -(-desired // zones_left) if zones_left else 0


def _output(aws: Aws, zone: Zone, service: Service, attempt: Attempt) -> dict[str, Any]:
    """From what is written on the service, when the process died right after the call."""
    left, now = left_by(aws, service, zone) or Left(), _subnets(service)
    before = attempt.memory.get("subnets_before") or [*now, *(one for one in left.subnets if one not in now)]
    return {"subnets_before": before, "subnets": now, "running": service["runningCount"]}
