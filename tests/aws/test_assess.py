"""zone.assess: is it one zone, and can the others carry what it carried?"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.aws.zone.assess import Assess, Assessed
from bot.aws.zone.figures import Traffic
from bot.aws.zone.find import Zone
from bot.aws.zone.verdict import ENOUGH, ERRORS, SLOW, Evidence, is_bad, judge
from bot.playbook.action import Done, Failed, Progress
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.front import LOAD_BALANCERS, Front
from tests.aws.rehearsed import Cloud, Step
from tests.aws.services import CLUSTER, Served

WEB, API = LOAD_BALANCERS
A = Zone("use1-az6", "us-east-1a")
HEALTHY = Evidence(Traffic(1000, 2, 0.1), 3, 3)


def seen(a: Evidence, b: Evidence = HEALTHY, c: Evidence = HEALTHY) -> dict[str, Evidence]:
    return {"us-east-1a": a, "us-east-1b": b, "us-east-1c": c}


def errors(count: float, requests: float = 1000) -> Evidence:
    return Evidence(Traffic(requests, count, 0.1), 3, 3)


def test_three_times_the_errors_of_the_others_are_a_matter_of_the_zone() -> None:
    others = errors(10)
    assert judge(A, seen(errors(30), others, others), ()).kind == "one-zone"
    assert judge(A, seen(errors(29), others, others), ()).kind == "not-the-zone"


def test_few_errors_are_no_trouble_however_well_the_others_do() -> None:
    perfect = errors(0)
    assert judge(A, seen(errors(1000 * ERRORS), perfect, perfect), ()).kind == "one-zone"
    assert judge(A, seen(errors(1000 * ERRORS - 1), perfect, perfect), ()).kind == "not-the-zone"


def test_a_bad_release_is_bad_in_every_zone_and_no_matter_of_one() -> None:
    verdict = judge(A, seen(errors(500), errors(480), errors(510)), ())
    assert verdict.kind == "not-the-zone"
    assert "release" in str(verdict.why)
    assert "50.0%" in str(verdict.why)


def test_two_bad_zones_are_several_even_when_they_are_equally_bad() -> None:
    verdict = judge(A, seen(errors(500), errors(500)), ())
    assert (verdict.kind, verdict.bad) == ("several-zones", ("us-east-1a", "us-east-1b"))
    assert "region" in str(verdict.why)


def test_another_zone_alone_is_not_this_one() -> None:
    assert judge(A, seen(HEALTHY, errors(500)), ()).kind == "several-zones"


def test_of_too_few_requests_nothing_is_told() -> None:
    assert judge(A, seen(errors(ENOUGH - 1, ENOUGH - 1)), ()).kind == "unknown"
    assert judge(A, seen(errors(ENOUGH, ENOUGH)), ()).kind == "one-zone"
    assert judge(A, {}, ()).kind == "unknown"


def test_answers_that_take_three_times_as_long_are_a_matter_of_the_zone() -> None:
    def slow(seconds: float) -> Evidence:
        return Evidence(Traffic(1000, 0, seconds), 3, 3)

    assert judge(A, seen(slow(SLOW), slow(0.3), slow(0.3)), ()).kind == "one-zone"
    assert judge(A, seen(slow(SLOW), slow(0.4), slow(0.4)), ()).kind == "not-the-zone"
    assert not is_bad("us-east-1a", seen(slow(SLOW - 0.01)))


def test_targets_that_are_all_sick_need_no_figures() -> None:
    dark = Evidence(healthy=0, targets=3, down=1)
    silent = Evidence(healthy=3, targets=3)
    assert judge(A, seen(dark, silent, silent), ()).kind == "one-zone"


def test_a_load_balancer_that_fails_open_is_refused_before_all_else() -> None:
    dark = Evidence(healthy=0, targets=3, down=1)
    verdict = judge(A, seen(dark, dark, dark), ())
    assert verdict.kind == "fails-open"
    assert "no effect" in str(verdict.why)


def test_a_zone_that_falls_silent_is_bad_although_it_counts_no_error() -> None:
    """The nodes of its load balancers are not reached any more; the share of the clients that asked them is lost."""
    busy = Evidence(Traffic(1000, 2, 0.1, before=3000), 3, 3)

    def left(requests: float, before: float = 3000) -> Evidence:
        return Evidence(Traffic(requests, 0, None, before), 3, 3)

    assert judge(A, seen(left(0), busy, busy), ()).kind == "one-zone"
    assert judge(A, seen(left(99), busy, busy), ()).kind == "one-zone"
    assert judge(A, seen(left(100), busy, busy), ()).kind == "unknown"
    assert (
        judge(A, seen(left(0, before=0), busy, busy), ()).kind == "unknown"
    )  # it never got any: that is how it is set up
    assert judge(A, seen(left(0), left(0), left(0)), ()).kind == "unknown"  # CloudWatch is late, or everybody sleeps


def test_a_zone_whose_trouble_has_only_begun_is_not_said_to_do_no_worse() -> None:
    """The figures are those of three minutes: in the first two of them half of what is seen was well."""
    busy = Evidence(Traffic(1200, 0, 0.1, 4800), 3, 3)

    def fading(requests: float) -> Evidence:
        return Evidence(Traffic(requests, 0, 0.1, 4800))

    assert judge(A, seen(fading(599), busy, busy), ()).kind == "unknown"
    assert judge(A, seen(fading(600), busy, busy), ()).kind == "not-the-zone"
    assert judge(A, seen(*[fading(500)] * 3), ()).kind == "not-the-zone"  # everybody goes to bed
    assert judge(A, seen(Evidence(Traffic(500, 0, 0.1)), busy, busy), ()).kind == "not-the-zone"  # nothing came before


def test_what_aws_itself_moves_away_from_counts() -> None:
    silent = Evidence(healthy=3, targets=3)
    assert judge(A, seen(silent, silent, silent), ["us-east-1a"]).kind == "one-zone"
    assert judge(A, seen(silent, silent, silent), ["us-east-1b"]).kind == "several-zones"


@pytest.fixture(scope="module")
def built(started: EmulatedAws) -> Front:
    made = Front(started)
    made.build()
    return made


@pytest.fixture
def front(built: Front, emulated: EmulatedAws) -> Front:
    for name in LOAD_BALANCERS:
        built.opt_in(name)
    emulated.clock.move(timedelta(minutes=10))  # what an earlier test has measured is over
    return built


@pytest.fixture
def bad(front: Front) -> str:
    return front.zones["us-east-1a"]


def measure(front: Front, errors: Mapping[str, float], name: str = WEB) -> None:
    """What CloudWatch has of the last minutes, by zone name: errors of a thousand requests.

    So many that what the emulated load balancers publish of themselves does not matter.
    """
    many = 100_000.0
    balancer = front.arns[name].partition(":loadbalancer/")[2]
    for zone, count in errors.items():
        dimensions = [{"Name": "LoadBalancer", "Value": balancer}, {"Name": "AvailabilityZone", "Value": zone}]
        put(front, "AWS/ApplicationELB", "RequestCount", 1000 * many, dimensions)
        put(front, "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", count * many, dimensions)
        put(front, "AWS/ApplicationELB", "TargetResponseTime", 0.1, dimensions)


def put(front: Front, namespace: str, metric: str, value: float, dimensions: list[dict[str, str]]) -> None:
    at = front.aws.clock.now() - timedelta(minutes=2)
    data = {"MetricName": metric, "Value": value, "Dimensions": dimensions, "Timestamp": at}
    front.aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[data])


def assess(front: Front, zone: str, **more: Any) -> Progress:
    params = Assessed(zone=zone, **{"load_balancers": LOAD_BALANCERS} | more)
    cloud = Cloud(front.aws)
    front.aws.calls.clear()
    ended = Assess().look(params, cloud, Step(Assess(), params, cloud).attempt())
    assert [call for call in front.aws.calls if not call.operation.startswith(("Get", "List", "Describe"))] == []
    return ended


def test_one_sick_zone_is_found_by_its_name_or_its_id(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.sicken_zone(bad)
    for zone in (bad, "us-east-1a"):
        done = assess(front, zone)
        assert isinstance(done, Done)
        assert done.output == {
            "zone": bad, "zone_name": "us-east-1a", "verdict": "one-zone", "bad_zones": ["us-east-1a"],
            "not_opted_in": [], "crowded": [],
        }  # fmt: skip


def test_errors_by_zone_are_read_from_cloudwatch(front: Front, bad: str) -> None:
    measure(front, {"us-east-1a": 400, "us-east-1b": 3, "us-east-1c": 2})
    done = assess(front, bad)
    assert isinstance(done, Done)
    assert done.output["verdict"] == "one-zone"
    assert "40.0% 5xx" in str(done.note)


def test_a_zone_that_does_no_worse_is_refused_unless_a_person_is_sure(front: Front, bad: str) -> None:
    measure(front, {"us-east-1a": 400, "us-east-1b": 380, "us-east-1c": 420})
    refused = assess(front, bad)
    assert isinstance(refused, Failed)
    assert "sure" in str(refused.why)
    done = assess(front, bad, anyway=True)
    assert isinstance(done, Done)
    assert done.output["verdict"] == "not-the-zone"


def test_all_balancers_are_judged_together(front: Front, bad: str) -> None:
    measure(front, {"us-east-1a": 400, "us-east-1b": 3, "us-east-1c": 2}, name=API)
    done = assess(front, bad)
    assert isinstance(done, Done)
    assert done.output["verdict"] == "one-zone"


def test_old_figures_say_nothing_about_now(front: Front, bad: str) -> None:
    measure(front, {"us-east-1a": 400, "us-east-1b": 3, "us-east-1c": 2})
    assert isinstance(assess(front, bad), Done)
    front.aws.clock.move(timedelta(minutes=6))
    assert isinstance(assess(front, bad), Failed)


def test_more_than_one_bad_zone_is_a_matter_of_the_region(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.sicken_zone(bad)
    front.aws.zonal_shifts.sicken_zone(front.zones["us-east-1c"])
    refused = assess(front, bad)
    assert isinstance(refused, Failed)
    assert "region" in str(refused.why)


def test_a_service_that_is_sick_everywhere_is_not_shifted_even_by_who_is_sure(front: Front, bad: str) -> None:
    for zone in front.zones.values():
        front.aws.zonal_shifts.sicken_zone(zone)
    assert isinstance(assess(front, bad, anyway=True), Failed)


def test_an_autoshift_of_another_zone_refuses(front: Front, bad: str) -> None:
    front.aws.zonal_shifts.start_autoshift(front.zones["us-east-1b"])
    assert isinstance(assess(front, bad), Failed)


def test_balancers_that_have_not_opted_in_are_named(front: Front, bad: str) -> None:
    front.opt_in(API, on=False)
    done = assess(front, bad, anyway=True)
    assert isinstance(done, Done)
    assert done.output["not_opted_in"] == [API]


def test_other_shifts_of_the_region_are_told(front: Front, bad: str) -> None:
    other = front.zones["us-east-1c"]
    front.aws.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=front.arns[API], awayFrom=other, expiresIn="30m", comment="by hand"
    )
    done = assess(front, bad, anyway=True, load_balancers=(WEB,))
    assert isinstance(done, Done)
    assert "by hand" in str(done.note)


def test_a_balancer_behind_another_one_is_refused_for_the_one_in_front(front: Front, bad: str) -> None:
    elb = front.aws.client("elbv2")
    vpc = elb.describe_load_balancers(Names=[WEB])["LoadBalancers"][0]
    subnets = [one["SubnetId"] for one in vpc["AvailabilityZones"]]
    made = elb.create_load_balancer(Name="front-door", Type="network", Subnets=subnets)["LoadBalancers"][0]
    group = elb.create_target_group(
        Name="to-web", Protocol="TCP", Port=80, VpcId=vpc["VpcId"], TargetType="alb"
    )["TargetGroups"][0]  # fmt: skip
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": front.arns[WEB], "Port": 80}])
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Protocol="TCP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )["Listeners"][0]  # fmt: skip
    refused = assess(front, bad, anyway=True)
    assert isinstance(refused, Failed)
    assert "shop-web stands behind front-door" in str(refused.why)
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    assert isinstance(assess(front, bad, anyway=True), Done)


@pytest.mark.parametrize(("cpu", "told", "lacks"), [(53, False, 0), (54, True, 0), (80, True, 0), (81, True, 7)])
def test_the_other_zones_must_carry_the_whole_load(front: Front, bad: str, cpu: float, told: bool, lacks: int) -> None:
    """Six tasks over three zones, each full at 80 %: four are left at once, and six again when all have moved."""
    served = Served(front.aws, desired=6)
    dimensions = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": served.name}]
    put(front, "AWS/ECS", "CPUUtilization", cpu, dimensions)
    done = assess(front, bad, anyway=True, services=(f"{CLUSTER}/{served.name}",))
    assert isinstance(done, Done)
    assert ("scale it out to" in str(done.note)) is told
    assert [one["tasks"] for one in done.output["crowded"]] == ([lacks] if lacks else [])


def test_how_many_tasks_to_start_before_it_leaves_counts_those_that_start_in_the_zone(front: Front, bad: str) -> None:
    served = Served(front.aws, desired=6)
    dimensions = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": served.name}]
    put(front, "AWS/ECS", "CPUUtilization", 54, dimensions)
    done = assess(front, bad, anyway=True, services=(f"{CLUSTER}/{served.name}",))
    assert isinstance(done, Done)
    assert "needs 5 tasks" in str(done.note)
    assert "scale it out to 8 first" in str(done.note)  # of eight, five are outside of the zone


def test_a_service_that_nobody_measured_is_not_called_crowded(front: Front, bad: str) -> None:
    served = Served(front.aws, desired=6)
    done = assess(front, bad, anyway=True, services=(f"{CLUSTER}/{served.name}",))
    assert isinstance(done, Done)
    assert done.output["crowded"] == []


def test_nothing_named_is_nothing_known(front: Front, bad: str) -> None:
    done = assess(front, bad, load_balancers=None)
    assert isinstance(done, Done)
    assert done.output["verdict"] == "unknown"


@pytest.mark.parametrize("busy", [0, 101])
def test_a_share_of_the_cpu_is_a_percentage(busy: int) -> None:
    with pytest.raises(ValidationError):
        Assessed(zone="use1-az1", busy=busy)
