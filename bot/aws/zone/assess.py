"""Is it one zone, and can the others carry what it carried? `zone.assess`: only looks, and comes first.

It says no when more than one zone is bad, when a shift would have no effect, and when the figures show that the zone does
no worse than the others; a person may be sure all the same (`anyway`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bot.aws.ecs.placing import Path, tasks_by_zone
from bot.aws.ecs.service import Which, describe
from bot.aws.zone.figures import Traffic, cpu_of, traffic_of
from bot.aws.zone.find import Balancer, Zone, ZoneName, find_balancer, find_managed, find_zone
from bot.aws.zone.fronts import fronts_of
from bot.aws.zone.health import health_of
from bot.aws.zone.obstacles import AUTOSHIFTS, CALLS, READS, listing
from bot.aws.zone.verdict import Evidence, Verdict, judge
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, check

#: A service's tasks in zones: what is asked of ECS besides.
_ECS = ("ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTasks")
_SHIFTS = ("arc-zonal-shift:ListZonalShifts", "cloudwatch:GetMetricData")
#: What refuses unless somebody is sure.
_NO = frozenset({"several-zones", "not-the-zone"})


class Assessed(Params):
    """`services`: `shop/web`, …: whether the other zones can carry their load. `busy`: a task is full at so many percent CPU."""

    zone: ZoneName
    load_balancers: Annotated[tuple[str, ...], InputType("elb.load_balancers")] | None = None
    services: Annotated[tuple[Path, ...], InputType("ecs.services")] | None = None
    busy: Annotated[int, Field(ge=1, le=100)] = 80
    anyway: bool = False


@check(
    "zone.assess",
    Assessed,
    permissions=(*READS, AUTOSHIFTS, *_SHIFTS, *_ECS),
    calls=(*CALLS, AUTOSHIFTS, *_SHIFTS, *_ECS),
    outputs={
        "zone": "zone", "zone_name": "str", "verdict": "str", "bad_zones": "list", "not_opted_in": "elb.load_balancers",
        "crowded": "list",
    },
    takes=timedelta(seconds=10),
    looks_up=True,
)  # fmt: skip
class Assess:
    """Holds when it is one zone, or too little is measured to say no. Says how many tasks the other zones lack."""

    facts: ClassVar[Facts]

    def look(self, params: Assessed, aws: Aws, attempt: Attempt) -> Progress:
        zone = find_zone(aws, params.zone)
        balancers = [find_balancer(aws, name) for name in params.load_balancers or ()]
        by_aws = _autoshifts(aws)
        verdict = judge(zone, _seen(aws, balancers, attempt), [name for name in by_aws if name])
        if verdict.kind == "fails-open" or (verdict.kind in _NO and not params.anyway):
            return Failed(verdict.why)
        if hidden := list(_behind(aws, balancers)):
            return Failed(listing(hidden))
        lacks = [lack for path in params.services or () if (lack := _lack(aws, zone, path, params, attempt))]
        crowded = [one for one in lacks if one["tasks"] > one["desired"]]  # also when all of its tasks have left
        notes = [verdict.why, *map(_too_few, lacks), *_elsewhere(aws, zone)]
        return Done(listing(notes), _output(aws, zone, verdict, balancers, crowded))


def _seen(aws: Aws, balancers: Sequence[Balancer], attempt: Attempt) -> dict[str, Evidence]:
    """What each zone shows, by its name, over all load balancers."""
    traffic: dict[str, Traffic] = {}
    healthy, targets, down = Counter[str](), Counter[str](), Counter[str]()
    for balancer in balancers:
        for name, one in traffic_of(aws, balancer, attempt.now).items():
            traffic[name] = traffic.get(name, Traffic()) + one
        for group in health_of(aws, balancer):
            healthy += group.healthy
            targets += group.all
            down.update(name for name, count in group.all.items() if count and not group.healthy[name])
    names = {name for name in (*traffic, *targets) if name}
    return {name: Evidence(traffic.get(name, Traffic()), healthy[name], targets[name], down[name]) for name in names}


def _autoshifts(aws: Aws) -> list[str]:
    """The names of the zones that AWS itself moves away from now."""
    names = {
        one["ZoneId"]: one["ZoneName"] for one in aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    }
    active = aws.client("arc-zonal-shift").list_autoshifts(status="ACTIVE")["items"]
    return [names.get(one["awayFrom"], one["awayFrom"]) for one in active]


def _behind(aws: Aws, balancers: Sequence[Balancer]) -> Iterator[Phrase]:
    for balancer in balancers:
        for front in fronts_of(aws, balancer):
            what = N_("{name} stands behind {front}: shift {front} instead, or its clients stay in the zone.")
            yield phrase(what, name=balancer["LoadBalancerName"], front=front)


def _lack(aws: Aws, zone: Zone, path: str, params: Assessed, attempt: Attempt) -> dict[str, Any] | None:
    """What a service lacks outside of the zone for its load of now; None: nothing, or nobody measured it.

    `tasks`: how many it needs there; `at_once`: how many it should have before it leaves, since ECS still spreads new ones.
    """
    cluster, _, name = path.partition("/")
    which = Which(cluster=cluster, service=name)
    desired, there = int(describe(which, aws)["desiredCount"]), tasks_by_zone(which, aws)
    cpu, zones = cpu_of(aws, cluster, name, attempt.now), max(2, len(+there))
    running, outside = there.total(), there.total() - there[zone.name]
    needed = 0 if cpu is None else _up(running * cpu, params.busy)
    if cpu is None or needed <= outside:
        return None
    fields = {"cluster": cluster, "service": name, "tasks": needed, "outside": outside, "desired": desired}
    return {**fields, "at_once": max(desired, _up(needed * zones, zones - 1)), "cpu": round(cpu)}


def _up(load: float, size: float) -> int:
    """So many of that size carry the load."""
    return -int(-load // size)


def _too_few(lack: Mapping[str, Any]) -> Phrase:
    what = N_(
        "{service} needs {tasks} tasks for its load now ({cpu} % CPU), and {outside} of {desired} are outside of the zone: let "
        "its tasks leave soon, or scale it out to {at_once} first."
    )
    return phrase(what, **lack)


def _elsewhere(aws: Aws, zone: Zone) -> Iterator[Phrase]:
    """Other shifts of this region that hold now, by whomever."""
    for one in aws.client("arc-zonal-shift").list_zonal_shifts(status="ACTIVE")["items"]:
        if one["awayFrom"] != zone.id:
            what = N_("The traffic of {name} is being kept away from {other} until {until} ({comment}).")
            name = one["resourceIdentifier"].rpartition("loadbalancer/")[2]
            yield phrase(what, name=name, other=one["awayFrom"], until=one["expiryTime"], comment=one["comment"])


def _output(
    aws: Aws, zone: Zone, verdict: Verdict, balancers: Sequence[Balancer], crowded: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "zone": zone.id,
        "zone_name": zone.name,
        "verdict": verdict.kind,
        "bad_zones": list(verdict.bad),
        "not_opted_in": [one["LoadBalancerName"] for one in balancers if find_managed(aws, one) is None],
        "crowded": [dict(one) for one in crowded],
    }
