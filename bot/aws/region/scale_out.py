"""`region.scale_out`: all services of a region as large as they were in the other one, in one step.

How large that is was sampled while all was well, so the other region is not asked. Nothing is ever made smaller. First every
size is written down, then the changes are made in slices, no faster than ECS starts tasks, then all is watched together:
what is ready is not asked again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bot.aws.ecs.service import SERVICES as IAM_SERVICES
from bot.aws.ecs.service import touched
from bot.aws.fargate import QUOTA
from bot.aws.quotas import room
from bot.aws.region.known import SERVICES, Size, running
from bot.aws.region.losses import aged
from bot.aws.region.services import batches, definitions, describe, targets
from bot.aws.region.sizes import (
    BURST,
    PER_SECOND,
    TARGETS,
    Services,
    raise_to,
    register,
    set_desired,
    size_of,
    unknown,
    wanted,
    without_numbers,
    written,
)
from bot.aws.region.watching import Work, watch
from bot.aws.slices import Slice
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import (
    Attempt,
    Aws,
    Call,
    Change,
    Facts,
    Failed,
    Figures,
    InputType,
    Need,
    Progress,
    StepPlan,
    Working,
    action,
)

_READS = ("application-autoscaling:DescribeScalableTargets", "ecs:DescribeServices", "ecs:DescribeTaskDefinition")


class Out(Services):
    """`like`: the region whose size is wanted, `percent` of it. `ungraceful`: nine tenths of the tasks are enough."""

    like: Annotated[str, InputType("region")]
    percent: Annotated[int, Field(ge=1, le=400)] = 100
    ungraceful: bool = False


@action(
    "region.scale_out",
    Out,
    permissions=(
        *_READS,
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:GetMetricStatistics",
        "ecs:UpdateService",
        "elasticloadbalancing:DescribeTargetHealth",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    ),
    calls=(
        *_READS,
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:GetMetricStatistics",
        "ecs:UpdateService",
        "elbv2:DescribeTargetHealth",
        "service-quotas:GetAWSDefaultServiceQuota",
        "service-quotas:GetServiceQuota",
    ),
    resources={"application-autoscaling:RegisterScalableTarget": TARGETS, "ecs:UpdateService": IAM_SERVICES},
    plane="control",
    changes=N_("Raises autoscaling's minimum and the tasks of every service to what ran in the other region."),
    undo=N_("Gives every service the size that was written down before the first change."),
    undone_by="region.scale_back",
    recognised_by=N_("The service is to run that many tasks already; what was done before a crash is passed over."),
    outputs={"sizes": "list", "running": "int", "wanted": "int"},
    recovers=Figures(rpo=timedelta(), rto=timedelta(minutes=6)),
    takes=timedelta(minutes=3),
    recalls=(SERVICES,),
)
class ScaleOut:
    facts: ClassVar[Facts]

    def plan(self, params: Out, aws: Aws, attempt: Attempt) -> StepPlan:
        goal = wanted(attempt.known, params.like, params.services, params.percent)
        if (missing := set(params.services) - goal.keys()) and not params.ungraceful:
            raise ActionFailed(unknown(params.like, missing), code="SizeUnknown")
        calls: list[Call] = []
        changes: list[Change] = []
        sizes: dict[str, Size] = {}
        more: dict[str, int] = {}
        for name, service, target in _all(aws, params.services):
            sizes[name] = size_of(service, target)
            tasks = _goal(name, service, target, goal, params)
            more[name] = max(0, tasks - service["desiredCount"])
            calls += _calls(name, service, target, tasks)
            if more[name] or (target and target["MinCapacity"] < tasks):
                what = phrase(N_("Tasks of {service} in {region}"), service=name, region=aws.region)
                changes.append(Change(what, str(service["desiredCount"]), str(tasks)))
        return StepPlan(
            calls=tuple(calls), changes=tuple(changes), warnings=tuple(_warnings(params, attempt, missing)),
            disturbs=(phrase(N_("What the services use (databases, queues) gets more load.")),) if any(more.values()) else (),
            touches=tuple(_touched(aws, name) for name in params.services),
            needs=_needs(aws, attempt, more), foreseen={"sizes": written(sizes)},
        )  # fmt: skip

    def act(self, params: Out, aws: Aws, attempt: Attempt) -> Progress:
        work, space = Work(**attempt.memory), Slice()
        if problem := _write_down(params, aws, attempt, work, space):
            return problem
        parts = list(batches(params.services))
        while work.changed < len(parts):
            if space.is_over():
                return _more(work, len(params.services))
            if wait := _ahead_by(work, attempt.now):
                return _more(work, len(params.services), wait)
            self._change(aws, attempt, work, *parts[work.changed])
            work.changed += 1
            space.spend(2)
        return watch(aws, attempt, work, ungraceful=params.ungraceful)

    def look(self, params: Out, aws: Aws, attempt: Attempt) -> Progress:
        return watch(aws, attempt, Work(**attempt.memory), ungraceful=params.ungraceful)

    def _change(self, aws: Aws, attempt: Attempt, work: Work, cluster: str, names: list[str]) -> None:
        """Ten services. One that is refused does not hold up the others."""
        described, limits = describe(aws, cluster, names), targets(aws, cluster, names)
        work.since = work.since or attempt.now.isoformat()
        for name, service in described.items():
            key = f"{cluster}/{name}"
            try:
                work.asked += raise_to(aws, cluster, name, service, limits.get(name), work.goal[key])
            except ActionFailed as error:
                if error.retry:
                    raise
                work.refused[key] = str(error)


def _write_down(params: Out, aws: Aws, attempt: Attempt, work: Work, space: Slice) -> Progress | None:
    """Every size as it is before the first change, and what it shall be: neither changes while we go on."""
    goal = wanted(attempt.known, params.like, params.services, params.percent)
    if (missing := set(params.services) - goal.keys()) and not params.ungraceful:
        return Failed(unknown(params.like, missing))
    left = [name for name in params.services if name not in work.sizes]
    for cluster, names in batches(left):
        if space.is_over():
            return _more(work, len(params.services))
        for name, service, target in _described(aws, cluster, names):
            work.sizes[name] = _before(attempt, aws.region, name, size_of(service, target)).model_dump()
            work.goal[name] = _goal(name, service, target, goal, params)
        space.spend(2)
    # Stored before anything is changed: what a size was can be read only once.
    return _more(work, len(params.services)) if left else None


def _before(attempt: Attempt, region: str, name: str, now: Size) -> Size:
    """A retry finds the size that the first try has made: what was usual here is what the survey knows as warm."""
    seen = running(attempt.known, region, name)
    warm = seen.value.warm if seen else None
    if attempt.number == 1 or warm is None:
        return now
    least = None if now.minimum is None or warm.minimum is None else min(now.minimum, warm.minimum)
    return Size(desired=min(now.desired, warm.desired), minimum=least)


def _all(aws: Aws, services: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]]:
    for cluster, names in batches(services):
        yield from _described(aws, cluster, names)


def _described(
    aws: Aws, cluster: str, names: list[str]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]]:
    """Each by `cluster/service`. Raises `ActionFailed` for one that is not there, or not active."""
    described, limits = describe(aws, cluster, names), targets(aws, cluster, names)
    for name in names:
        service = described.get(name)
        if service is None or service["status"] != "ACTIVE":
            what = N_("There is no active service {service} in {region}. Correct the list, or create it first.")
            raise ActionFailed(phrase(what, service=f"{cluster}/{name}", region=aws.region), code="ServiceNotActive")
        yield f"{cluster}/{name}", service, limits.get(name)


def _goal(
    name: str, service: Mapping[str, Any], target: Mapping[str, Any] | None, goal: Mapping[str, int], params: Out
) -> int:
    """Never fewer than there are. More than autoscaling allows is refused, or with `ungraceful` cut off there."""
    tasks = max(goal.get(name, 0), int(service["desiredCount"]))
    if target is None or tasks <= target["MaxCapacity"]:
        return tasks
    if params.ungraceful:
        return max(int(target["MaxCapacity"]), int(service["desiredCount"]))
    what = N_(
        "Autoscaling allows {service} at most {most} tasks here, and {tasks} are needed. Raise its maximum, ask for fewer "
        "percent, or go on with `ungraceful`, which starts as many as are allowed."
    )
    fields = {"service": name, "most": target["MaxCapacity"], "tasks": tasks}
    raise ActionFailed(phrase(what, **fields), code="AboveTheMaximum")


def _calls(name: str, service: Mapping[str, Any], target: Mapping[str, Any] | None, tasks: int) -> Iterator[Call]:
    cluster, _, short = name.partition("/")
    both = (register(cluster, short, tasks),) if target else ()
    return map(without_numbers, (*both, set_desired(cluster, short, max(tasks, service["desiredCount"]))))


def _needs(aws: Aws, attempt: Attempt, more: Mapping[str, int]) -> tuple[Need, ...]:
    """Fargate's vCPUs for all that is started; a task of unknown size counts as none."""
    units = sum(count * _units(aws, attempt, name) for name, count in more.items() if count)
    if not units:
        return ()
    what = phrase(N_("Fargate vCPUs in {region}"), region=aws.region)
    return (Need(what, units / 1024, room(aws, *QUOTA, attempt.now)),)


def _units(aws: Aws, attempt: Attempt, name: str) -> int:
    """CPU units of one task: as noted, else looked up here."""
    if seen := running(attempt.known, aws.region, name):
        return seen.value.cpu
    cluster, _, short = name.partition("/")
    return definitions(aws, str(describe(aws, cluster, [short])[short]["taskDefinition"]))[0]


def _warnings(params: Out, attempt: Attempt, missing: set[str]) -> Iterator[Phrase]:
    oldest = min(
        (seen.at for name in params.services if (seen := running(attempt.known, params.like, name))), default=None
    )
    if oldest is not None:
        what = N_("The sizes are the most of 24 hours in {region}; the oldest was noted {age} ago.")
        yield phrase(what, region=params.like, age=aged(attempt, oldest))
    if missing:
        what = N_("Nobody has noted how many tasks of {services} ran in {region}: they stay as they are.")
        yield phrase(what, services=", ".join(sorted(missing)), region=params.like)
    yield phrase(N_("The tasks cost money until this is taken back."))


def _touched(aws: Aws, name: str) -> str:
    cluster, _, short = name.partition("/")
    return touched(aws, cluster, short)


def _ahead_by(work: Work, now: datetime) -> timedelta | None:
    """How long to wait so that ECS can start what was asked for."""
    if not work.since:
        return None
    over = work.asked - BURST - (now - datetime.fromisoformat(work.since)).total_seconds() * PER_SECOND
    return timedelta(seconds=over / PER_SECOND) if over > 0 else None


def _more(work: Work, count: int, wait: timedelta = timedelta()) -> Working:
    done = min(work.changed * 10, count)
    what = N_("{done} of {count} services are asked to run more tasks ({tasks} so far)")
    return Working(phrase(what, done=done, count=count, tasks=work.asked), wait, work.memory, more=True)
