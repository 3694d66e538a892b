"""`region.scale_back`: a region that stands by again goes back to its warm size. Nothing is ever made larger."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.ecs.service import SERVICES as IAM_SERVICES
from bot.aws.ecs.service import touched
from bot.aws.region.known import SERVICES, Size, running
from bot.aws.region.services import batches, describe, targets
from bot.aws.region.sizes import TARGETS, Services, SizeTexts, lower_to, read, register, set_desired, without_numbers
from bot.aws.slices import Slice
from bot.aws.ssm import PARAMETERS, ParameterName
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

_READS = ("application-autoscaling:DescribeScalableTargets", "ecs:DescribeServices", "ssm:GetParameter")
_DOES = (*_READS, "application-autoscaling:RegisterScalableTarget", "ecs:UpdateService")


class Back(Services):
    """`sizes`: as `region.scale_out` wrote them down; left out, the warm size that the survey knows.

    `fence`: the parameter that names the region that writes; while that is this one, nothing is made smaller.
    """

    sizes: SizeTexts = ()
    fence: ParameterName | None = None


@action(
    "region.scale_back",
    Back,
    permissions=_DOES,
    calls=_DOES,
    resources={
        "application-autoscaling:RegisterScalableTarget": TARGETS,
        "ecs:UpdateService": IAM_SERVICES,
        "ssm:GetParameter": PARAMETERS,
    },
    plane="control",
    changes=N_("Gives autoscaling's minimum and the tasks of every service their usual size; never a larger one."),
    undo=N_("Scales out again."),
    undone_by="region.scale_out",
    recognised_by=N_("No service is larger than its usual size."),
    outputs={"lowered": "int"},
    takes=timedelta(seconds=30),
    recalls=(SERVICES,),
)
class ScaleBack:
    facts: ClassVar[Facts]

    def plan(self, params: Back, aws: Aws, attempt: Attempt) -> StepPlan:
        """Every service is named, whatever its size now: what was scaled out may go on growing until its turn comes."""
        sizes = _sizes(params, aws, attempt)
        calls: list[Call] = []
        changes: list[Change] = []
        for cluster, names in batches([name for name in params.services if name in sizes]):
            for name, service in describe(aws, cluster, names).items():
                size = sizes[f"{cluster}/{name}"]
                calls += (without_numbers(call) for call in _calls(cluster, name, size))
                if service["desiredCount"] > size.desired:
                    what = phrase(N_("Tasks of {service} in {region}"), service=f"{cluster}/{name}", region=aws.region)
                    changes.append(Change(what, str(service["desiredCount"]), str(size.desired)))
        fewer = phrase(N_("{region} can carry less load then, until it is scaled out again."), region=aws.region)
        missing = [name for name in params.services if name not in sizes]
        problem = _writes_here(params, aws)
        return StepPlan(
            calls=tuple(calls), changes=tuple(changes), disturbs=(fewer,) if changes else (),
            touches=tuple(touched(aws, *name.split("/", 1)) for name in params.services),
            warnings=(*((_unknown(missing),) if missing else ()), *((problem,) if problem else ())),
        )  # fmt: skip

    def act(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        if problem := _writes_here(params, aws):
            return Failed(problem)
        sizes, space, done = _sizes(params, aws, attempt), Slice(), int(attempt.memory.get("done", 0))
        parts = list(batches([name for name in params.services if name in sizes]))
        while done < len(parts):
            if space.is_over():
                note = phrase(
                    N_("{done} of {count} services are back at their usual size"), done=done * 10, count=len(sizes)
                )
                return Working(note, timedelta(), {"done": done}, more=True)
            cluster, names = parts[done]
            limits = targets(aws, cluster, names)
            for name, service in describe(aws, cluster, names).items():
                lower_to(aws, cluster, name, service, limits.get(name), sizes[f"{cluster}/{name}"])
            done += 1
            space.spend(2)
        return self.look(params, aws, attempt)

    def look(self, params: Back, aws: Aws, attempt: Attempt) -> Progress:
        sizes = _sizes(params, aws, attempt)
        larger = []
        for cluster, names in batches([name for name in params.services if name in sizes]):
            for name, service in describe(aws, cluster, names).items():
                if service["desiredCount"] > sizes[f"{cluster}/{name}"].desired:
                    larger.append(f"{cluster}/{name}")
        missing = [name for name in params.services if name not in sizes]
        if missing and not sizes:
            return Failed(_unknown(missing))
        if larger:
            what = N_("{services} are larger than usual again: autoscaling, or somebody, needs them so. They stay so.")
            return Done(phrase(what, services=", ".join(larger[:5])), {"lowered": len(sizes) - len(larger)})
        said = phrase(N_("{count} services in {region} have their usual size."), count=len(sizes), region=aws.region)
        return Done(said, {"lowered": len(sizes)})


def _sizes(params: Back, aws: Aws, attempt: Attempt) -> dict[str, Size]:
    if params.sizes:
        return read(params.sizes)
    found = {name: running(attempt.known, aws.region, name) for name in params.services}
    return {name: seen.value.warm for name, seen in found.items() if seen and seen.value.warm}


def _calls(cluster: str, name: str, size: Size) -> tuple[Call, ...]:
    fewer = set_desired(cluster, name, size.desired)
    return (fewer,) if size.minimum is None else (register(cluster, name, size.minimum), fewer)


def _writes_here(params: Back, aws: Aws) -> Phrase | None:
    """Why nothing may be made smaller here."""
    if params.fence is None:
        return None
    writer = aws.client("ssm").get_parameter(Name=params.fence)["Parameter"]["Value"]
    if writer != aws.region:
        return None
    what = N_("{fence} says that {region} does the work now, so it keeps its size. Move the traffic away first.")
    return phrase(what, fence=params.fence, region=aws.region)


def _unknown(missing: list[str]) -> Phrase:
    what = N_("The usual size of {services} is not known, so they stay as they are. Set it by hand, or give `sizes`.")
    return phrase(what, services=", ".join(sorted(missing)[:5]))
