"""`ecs.stop_bad_tasks`: stop the sick tasks of a service alone, at most a third at a time; ECS replaces them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.aws.calls import perform
from bot.aws.ecs.deploying import cannot_place
from bot.aws.ecs.service import Service, Which, counts, describe, inactive, target_groups, touched
from bot.aws.polling import next_look
from bot.aws.tokens import comment_of, is_of_step
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Done,
    Facts,
    Failed,
    Progress,
    StepPlan,
    Working,
    action,
)

Task = Mapping[str, Any]  # as DescribeTasks shows it

_READS = ("ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTasks")


@action(
    "ecs.stop_bad_tasks",
    Which,
    permissions=(*_READS, "ecs:StopTask", "elasticloadbalancing:DescribeTargetHealth"),
    calls=(*_READS, "ecs:StopTask", "elbv2:DescribeTargetHealth"),
    resources={"ecs:StopTask": ("arn:{partition}:ecs:{region}:{account}:task/*",)},
    plane="control",
    changes=N_("Stops the tasks that are unhealthy, at most a third at a time; ECS starts new ones in their place."),
    undo=N_("A stopped task does not come back; its replacement is the same task definition, so nothing is missing."),
    undone_by=None,
    recognised_by=N_("A task that was stopped says in its reason which step has stopped it."),
    takes=timedelta(minutes=3),
)
class StopBadTasks:
    facts: ClassVar[Facts]

    def plan(self, params: Which, aws: Aws, attempt: Attempt) -> StepPlan:
        service = describe(params, aws)
        touches = (touched(aws, params.cluster, params.service),)
        bad = _bad(params, aws, service, attempt.now)
        if problem := inactive(params, service):
            return StepPlan(warnings=(problem,), touches=touches)
        if not bad:
            said = phrase(N_("No task of {service} is unhealthy."), service=params.service)
            return StepPlan(warnings=(said,), touches=touches)
        most = at_once(service)
        fields = {"bad": len(bad), "at_once": most, **counts(params, service)}
        warnings = [
            phrase(N_("What a task was doing is lost when it does not end what it has begun within its stop timeout."))
        ]
        if 2 * len(bad) > service["desiredCount"]:
            what = N_("{bad} of {desired} tasks are unhealthy: look for a cause that they share, or roll back.")
            warnings.append(phrase(what, **fields))
        return StepPlan(
            calls=tuple(_stop(params, task, attempt) for task in bad),
            changes=tuple(Change(phrase(N_("Task {id}"), id=_id(task)), "UNHEALTHY", None) for task in bad),
            warnings=tuple(warnings),
            disturbs=(phrase(N_("{service}: {at_once} of its tasks at a time are being replaced."), **fields),),
            touches=touches,
        )

    def act(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        """One wave; the next one when these have been replaced."""
        service = describe(params, aws)
        if problem := _gone_wrong(params, aws, service, attempt):
            return Failed(problem)
        bad = _bad(params, aws, service, attempt.now)
        for task in bad[: max(0, at_once(service) - _missing(params, aws, service))]:
            perform(aws, _stop(params, task, attempt))
        return self.look(params, aws, attempt)

    def look(self, params: Which, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if problem := _gone_wrong(params, aws, service, attempt):
            return Failed(problem)
        bad = _bad(params, aws, service, attempt.now)
        if not bad and not _missing(params, aws, service):
            what = N_("No task of {service} is unhealthy; {running} of {desired} are running.")
            return Done(phrase(what, **counts(params, service)))
        what = N_("{service}: {bad} unhealthy tasks are left, {running} of {desired} are running")
        note = phrase(what, bad=len(bad), **counts(params, service))
        return Working(note, again_in=next_look(attempt), more=True)


def at_once(service: Service) -> int:
    """A third of the tasks, rounded down; of one or two tasks, one."""
    return max(1, int(service["desiredCount"]) // 3)


def _stop(params: Which, task: Task, attempt: Attempt) -> Call:
    reason = comment_of(replace(attempt, number=1))  # the same for a retry, which may call only what was approved
    asked = {"cluster": params.cluster, "task": task["taskArn"], "reason": reason}
    return Call("ecs", "StopTask", asked)


def _missing(params: Which, aws: Aws, service: Service) -> int:
    """How many tasks are not there to take work: they count against the third, whoever stopped them."""
    starting = sum(task["lastStatus"] != "RUNNING" for task in _tasks(params, aws, "RUNNING"))
    return max(0, int(service["desiredCount"]) - int(service["runningCount"])) or starting


def _bad(params: Which, aws: Aws, service: Service, now: datetime) -> Sequence[Task]:
    """The oldest first. A task in its grace period is left alone: it is not expected to be healthy yet."""
    grace = timedelta(seconds=service.get("healthCheckGracePeriodSeconds") or 0)
    sick = _sick_addresses(aws, service)
    found = [
        task
        for task in _tasks(params, aws, "RUNNING")
        if task["lastStatus"] == "RUNNING"
        and now - task["startedAt"] >= grace
        and (task.get("healthStatus") == "UNHEALTHY" or sick & _addresses(task))
    ]
    return sorted(found, key=lambda task: (task["startedAt"], task["taskArn"]))


def _tasks(params: Which, aws: Aws, status: str) -> Iterator[Task]:
    """Those that shall run, or those that were stopped in the last hour; ECS describes a hundred at a time."""
    ecs = aws.client("ecs")
    asked: dict[str, Any] = {"cluster": params.cluster, "serviceName": params.service, "desiredStatus": status}
    while True:
        answer = ecs.list_tasks(**asked)
        if answer["taskArns"]:
            yield from ecs.describe_tasks(cluster=params.cluster, tasks=answer["taskArns"])["tasks"]
        if not answer.get("nextToken"):
            return
        asked["nextToken"] = answer["nextToken"]


def _sick_addresses(aws: Aws, service: Service) -> frozenset[str]:
    """What the load balancers find unhealthy; what they have not checked yet is not."""
    elb = aws.client("elbv2")
    return frozenset(
        one["Target"]["Id"]
        for group in target_groups(service)
        for one in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        if one["TargetHealth"]["State"] == "unhealthy"
    )


def _addresses(task: Task) -> frozenset[str]:
    """Of a task that has an interface of its own; one that shares its instance's cannot be told from its neighbours."""
    details = (detail for attachment in task.get("attachments", ()) for detail in attachment.get("details", ()))
    return frozenset(one["value"] for one in details if one["name"] == "privateIPv4Address")


def _gone_wrong(params: Which, aws: Aws, service: Service, attempt: Attempt) -> Phrase | None:
    """The replacements are no better, so that stopping more would only do harm."""
    if problem := inactive(params, service) or cannot_place(params, attempt, service):
        return problem
    stopped = [one for one in _tasks(params, aws, "STOPPED") if is_of_step(one.get("stoppedReason", ""), attempt)]
    first = min((one["stoppingAt"] for one in stopped if "stoppingAt" in one), default=None)
    if first is None:
        return None
    new = [one for one in _bad(params, aws, service, attempt.now) if one["createdAt"] >= first]
    if new:
        what = N_("{new} of the new tasks of {service} are unhealthy too. Stopping more does not help: roll back.")
        return phrase(what, new=len(new), service=params.service)
    return None


def _id(task: Task) -> str:
    return str(task["taskArn"]).rpartition("/")[2]
