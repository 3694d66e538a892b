"""`region.preflight`: may this region take over now? One list, the red points first; it is asked of this region alone.

A red point stops the failover, unless somebody has accepted it by name: that stands in the run's inputs, and is approved with
the plan.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from bot.aws.dynamodb.replicas import not_ready
from bot.aws.http import Url
from bot.aws.region import evidence, standby
from bot.aws.region.known import DATABASES, QUOTAS, REGIONS, SERVICES, TABLES, running
from bot.aws.region.losses import Data, aged, losses, shown
from bot.aws.region.points import Point, green, grey, listed, red, stopping
from bot.aws.region.services import NOTHING, ServiceNames
from bot.aws.routing_control.endpoints import KNOWN as ENDPOINTS
from bot.aws.routing_control.endpoints import endpoints_for
from bot.aws.routing_control.states import CONTROLS, READ, Cluster, states_at
from bot.aws.several import Answered, first_answer
from bot.aws.slices import Slice
from bot.aws.ssm import PARAMETERS, ParameterName
from bot.errors import N_, ActionFailed, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Progress, check

Names = Annotated[tuple[Annotated[str, StringConstraints(max_length=255)], ...], NOTHING, InputType("list")]
_CALLS = (
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricStatistics",
    "dynamodb:DescribeTable",
    "ecr:DescribeImages",
    "ecs:DescribeServices",
    "elbv2:DescribeTargetHealth",
    READ,
    "service-quotas:GetAWSDefaultServiceQuota",
    "service-quotas:GetServiceQuota",
    "ssm:GetParameter",
    "sts:GetCallerIdentity",
)
#: Knowledge of this age is told of as old, and does not stop anything: an outage makes everything old.
_OLD = timedelta(hours=24)


class Takeover(Data):
    """`failing`: the region that is left. `alarm`: the one that the incident is about. `witnesses`: alarms here that watch it.

    `cluster` and `controls`: of ARC routing control. `fence`: the parameter that says which region writes. `accept`: the names
    of points that may be red.
    """

    failing: Annotated[str, InputType("region")]
    services: ServiceNames
    percent: Annotated[int, Field(ge=1, le=400)] = 100
    probe: Url | None = None
    alarm: str | None = None
    witnesses: Names = ()
    cluster: str | None = None
    controls: Names = ()
    fence: ParameterName | None = None
    accept: Names = ()


@check(
    "region.preflight",
    Takeover,
    permissions=(
        *(one for one in _CALLS if not one.startswith(("elbv2", "service-quotas"))),
        "elasticloadbalancing:DescribeTargetHealth",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    ),
    calls=_CALLS,
    resources={READ: CONTROLS, "ssm:GetParameter": PARAMETERS},
    outputs={"red": "list", "accepted": "list"},
    recalls=(SERVICES, TABLES, DATABASES, QUOTAS, REGIONS, ENDPOINTS),
    takes=timedelta(seconds=15),
    tells=True,
)
class Preflight:
    """Holds when nothing is red, or what is red was accepted."""

    facts: ClassVar[Facts]

    def look(self, params: Takeover, aws: Aws, attempt: Attempt) -> Progress:
        points = list(_points(params, aws, attempt))
        stops = stopping(points, params.accept)
        reds = list(dict.fromkeys(point.name for point in points if point.colour == "red"))
        if stops:
            what = N_("{region} should not take over as things are. To go on all the same, accept by name: {names}.")
            return Failed(listed(phrase(what, region=aws.region, names=", ".join(stops)), points, params.accept))
        head = phrase(N_("{region} can take over from {failing}."), region=aws.region, failing=params.failing)
        accepted = [name for name in reds if name in params.accept]
        return Done(listed(head, points, params.accept), {"red": reds, "accepted": accepted})


def _points(params: Takeover, aws: Aws, attempt: Attempt) -> Iterator[Point]:
    """What cannot be asked is red too, under its own name: a missing permission must not hide the rest of the list."""
    found: dict[str, Any] = {}
    known, space, services = attempt.known, Slice(), params.services
    parts: Sequence[tuple[str, Callable[[], Iterable[Point]]]] = (
        ("signals", lambda: [_evidence(params, aws, attempt)]),
        ("fence", lambda: _here_already(params, aws)),
        ("credentials", lambda: [standby.credentials(aws)]),
        ("services", lambda: _look_up(aws, services, found)),
        ("services", lambda: standby.services(aws, known, params.failing, services, found)),
        ("quota", lambda: standby.size(aws, attempt, params.failing, params.percent, services, found)),
        ("targets", lambda: [standby.healthy(aws, found, space)]),
        ("images", lambda: [standby.images(aws, known, found, space)]),
        ("data", lambda: _data(params, aws, attempt)),
        ("routing", lambda: _routing(params, aws, attempt)),
        ("survey", lambda: [_age(params, attempt)]),
    )
    for name, ask in parts:
        try:
            yield from ask()
        except ActionFailed as error:
            yield red(name, error.phrase)


def _look_up(aws: Aws, services: Sequence[str], found: dict[str, Any]) -> Iterable[Point]:
    """Once, for all points about services; of what cannot be asked they say that it is not there."""
    found.update(standby.look_up(aws, services))
    return ()


def _evidence(params: Takeover, aws: Aws, attempt: Attempt) -> Point:
    return evidence.point(aws, attempt, params.failing, params.alarm or "", params.witnesses, params.probe)


def _here_already(params: Takeover, aws: Aws) -> Iterator[Point]:
    """Whether this region does the work already, as the fence says."""
    if params.fence is None:
        return
    writer = aws.client("ssm").get_parameter(Name=params.fence)["Parameter"]["Value"]
    if writer == aws.region:
        what = N_("{fence} says that {region} does the work already: a failover has begun, or was never taken back.")
        yield red("fence", phrase(what, fence=params.fence, region=aws.region))
    else:
        yield green("fence", phrase(N_("{fence} says that {writer} does the work."), fence=params.fence, writer=writer))


def _data(params: Takeover, aws: Aws, attempt: Attempt) -> Iterator[Point]:
    """The copies are ready; and what would be lost, as far as it is known."""
    problems = [problem for table in params.tables if (problem := not_ready(aws, table, params.failing))]
    yield from (red("data", problem) for problem in problems)
    if params.tables and not problems:
        what = N_("{count} tables are ready in {region}.")
        yield green("data", phrase(what, count=len(params.tables), region=aws.region))
    lost = losses(params.model_copy(update={"acting": params.acting or aws.region}), attempt)
    for said in lost.said:
        yield grey("loss", said)
    if lost.length is not None:
        yield grey("loss", phrase(N_("about {length} of the latest data are left behind."), length=shown(lost.length)))


def _routing(params: Takeover, aws: Aws, attempt: Attempt) -> Iterator[Point]:
    """The endpoints are known, and one answers."""
    if params.cluster is None:
        return
    named = Cluster(cluster=params.cluster, controls=params.controls)
    try:
        endpoints = endpoints_for(params.cluster, (), attempt)
        answered = first_answer(aws, endpoints, {}, lambda at: states_at(at, named.named.values()))
    except ActionFailed as error:
        yield red("routing", error.phrase)
        return
    if not isinstance(answered, Answered):
        yield red("routing", phrase(N_("none of {count} routing control endpoints answers."), count=len(endpoints)))
        return
    yield _states(named, answered, aws.region, len(endpoints))


def _states(named: Cluster, answered: Answered[dict[str, bool]], here: str, count: int) -> Point:
    on = [named.name_of(arn) for arn, is_on in answered.found.items() if is_on]
    fields = {"endpoint": answered.endpoint.region, "on": ", ".join(on) or "-", "count": count}
    if on == [here]:
        return red(
            "routing", phrase(N_("the traffic goes to {on} already, says the endpoint in {endpoint}."), **fields)
        )
    what = N_("{count} endpoints are known; the one in {endpoint} answers that {on} gets traffic.")
    return green("routing", phrase(what, **fields))


def _age(params: Takeover, attempt: Attempt) -> Point:
    """How old is what is known of the region that is left."""
    ages = [seen.at for name in params.services if (seen := running(attempt.known, params.failing, name))]
    if not ages:
        return red("survey", phrase(N_("nothing is known of {region}; see `lifeboat survey`."), region=params.failing))
    oldest = min(ages)
    said: Phrase = phrase(
        N_("what is known of {region} is {age} old."), region=params.failing, age=aged(attempt, oldest)
    )
    return grey("survey", said) if attempt.now - oldest < _OLD else red("survey", said)
