"""Tasks as targets: registered, checked, drained, and what becomes of them when their zone goes dark."""

from collections import Counter
from datetime import timedelta

import pytest

from bot.rehearsal.aws.emulator import EmulatedAws
from tests.rehearsal.aws.balanced import CLUSTER, INTERVAL, SERVICE, STARTED, ZONES, Balanced

A, B, C = ZONES
FOUND = 2 * INTERVAL  # until a target that does not answer is unhealthy
BACK = 3 * INTERVAL  # until one that answers again is healthy


@pytest.fixture
def shop(aws: EmulatedAws) -> Balanced:
    """Three tasks, one in each zone, all healthy."""
    made = Balanced(aws)
    made.after(STARTED)
    return made


def steady(shop: Balanced) -> bool:
    service = shop.service()
    done = [one["rolloutState"] for one in service["deployments"]] == ["COMPLETED"]
    return done and service["runningCount"] == service["desiredCount"]


async def test_a_task_is_a_target_with_its_address_and_zone_as_soon_as_it_runs(aws: EmulatedAws) -> None:
    shop = Balanced(aws)
    assert shop.targets() == []
    shop.after(3)
    addresses = {task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in shop.tasks()}
    assert {one["Target"]["Id"] for one in shop.targets()} == addresses
    assert {one["Target"]["Port"] for one in shop.targets()} == {8080}
    assert shop.health() == [(A, "initial"), (B, "initial"), (C, "initial")]
    assert {one["AdministrativeOverride"]["State"] for one in shop.targets()} == {"no_override"}


async def test_an_address_is_in_the_subnet_and_is_taken_from_it(shop: Balanced) -> None:
    [task] = [one for one in shop.tasks() if one["availabilityZone"] == B]
    details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
    assert details["subnetId"] == shop.subnets[B]
    assert details["privateIPv4Address"].startswith("10.0.1.")
    assert shop.free(B) == 256 - 5 - 1


async def test_a_deployment_waits_until_the_load_balancer_finds_its_tasks_healthy(aws: EmulatedAws) -> None:
    shop = Balanced(aws)
    assert shop.after(STARTED - 0.1)["runningCount"] == 3
    assert not steady(shop)
    shop.after(0.1)
    assert shop.states() == ["healthy"] * 3
    assert steady(shop)


async def test_old_tasks_drain_before_they_end_and_the_deployment_waits_for_them(shop: Balanced) -> None:
    shop.update(forceNewDeployment=True)
    shop.after(STARTED)
    assert Counter(shop.states()) == {"healthy": 3, "draining": 3}
    assert {task["lastStatus"] for task in shop.tasks("STOPPED")} == {"DEACTIVATING"}
    shop.after(30)
    assert shop.states() == ["healthy"] * 3
    assert not steady(shop)
    shop.after(2)
    assert steady(shop)


async def test_a_stopped_task_gives_its_address_back_when_it_has_ended(shop: Balanced) -> None:
    shop.update(desiredCount=0)
    assert shop.free(A) == 250
    shop.after(32)
    assert shop.free(A) == 251
    assert shop.targets() == []


async def test_a_dark_zone_makes_its_targets_time_out_after_the_health_checks(shop: Balanced) -> None:
    shop.aws.outages.darken_zone(A)
    assert [task["healthStatus"] for task in shop.tasks() if task["availabilityZone"] == A] == ["UNHEALTHY"]
    shop.after(FOUND - 0.1)
    assert shop.states() == ["healthy"] * 3
    shop.aws.ecs.rollouts["us-east-1", CLUSTER, SERVICE].grace = timedelta(hours=1)  # ECS lets it be
    shop.after(0.1)
    assert shop.health() == [(A, "unhealthy"), (B, "healthy"), (C, "healthy")]
    [bad] = [one for one in shop.targets() if one["Target"]["AvailabilityZone"] == A]
    assert bad["TargetHealth"]["Reason"] == "Target.Timeout"
    shop.aws.outages.light_zone(A)
    shop.after(BACK - 0.1)
    assert shop.health()[0] == (A, "unhealthy")
    shop.after(0.1)
    assert shop.states() == ["healthy"] * 3


async def test_a_short_darkness_is_not_noticed(shop: Balanced) -> None:
    shop.aws.outages.darken_zone(A)
    shop.after(FOUND - 1)
    shop.aws.outages.light_zone(A)
    shop.after(BACK)
    assert shop.states() == ["healthy"] * 3
    assert shop.tasks("STOPPED") == []


async def test_ecs_replaces_what_times_out_in_the_same_dark_zone_again_and_again(shop: Balanced) -> None:
    """Which is why an evacuation takes the zone's subnet away."""
    shop.aws.outages.darken_zone(A)
    for _ in range(3):
        shop.after(FOUND + 3)
        assert [task["availabilityZone"] for task in shop.tasks()].count(A) == 1
    assert len(shop.tasks("STOPPED")) >= 2
    assert (A, "healthy") not in shop.health()
    assert any("is unhealthy in (target-group" in event["message"] for event in shop.service()["events"])


async def test_a_deployment_into_a_dark_zone_never_ends_and_one_around_it_does(shop: Balanced) -> None:
    shop.aws.outages.darken_zone(A)
    shop.update(forceNewDeployment=True)
    shop.after(600)
    assert not steady(shop)
    shop.update(networkConfiguration=shop.network(B, C))
    shop.after(60)
    assert steady(shop)
    assert {task["availabilityZone"] for task in shop.tasks()} == {B, C}
    assert shop.service()["deployments"][0]["networkConfiguration"] == shop.network(B, C)


async def test_the_grace_period_is_kept_and_holds_ecs_back(aws: EmulatedAws) -> None:
    aws.outages.darken_zone(A)
    shop = Balanced(aws, healthCheckGracePeriodSeconds=60)
    assert shop.service()["healthCheckGracePeriodSeconds"] == 60
    shop.after(3 + 59.9)
    assert (A, "unhealthy") in shop.health()
    assert shop.tasks("STOPPED") == []
    shop.after(0.1)
    assert len(shop.tasks("STOPPED")) == 1


async def test_failed_health_checks_trip_the_circuit_breaker(aws: EmulatedAws) -> None:
    shop = Balanced(aws, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    shop.after(STARTED)
    bad = shop.register()
    aws.ecs.spoil_release(bad)
    shop.update(taskDefinition=bad)
    shop.after(200)
    assert shop.service()["taskDefinition"].endswith("web:1")
    assert steady(shop)


async def test_sick_tasks_are_left_to_whoever_looks(shop: Balanced) -> None:
    shop.aws.ecs.sicken_tasks(SERVICE, CLUSTER, count=1)
    shop.after(600)
    assert shop.states() == ["healthy", "healthy", "unhealthy"]
    [bad] = [one for one in shop.targets() if one["TargetHealth"]["State"] == "unhealthy"]
    assert bad["TargetHealth"]["Reason"] == "Target.FailedHealthChecks"
    [sick] = [task for task in shop.tasks() if task["healthStatus"] == "UNHEALTHY"]
    shop.ecs.stop_task(cluster=CLUSTER, task=sick["taskArn"])
    shop.after(60)
    assert shop.states() == ["healthy"] * 3


async def test_a_release_that_errs_passes_its_health_checks(shop: Balanced) -> None:
    bad = shop.register()
    shop.aws.ecs.spoil_release(bad, "errors")
    shop.update(taskDefinition=bad)
    shop.after(60)
    assert steady(shop)
    assert shop.states() == ["healthy"] * 3
    assert not any(one.answers for one in shop.aws.targets.of(shop.group, "us-east-1"))


async def test_health_can_be_asked_of_single_targets(shop: Balanced) -> None:
    first = shop.targets()[0]["Target"]
    asked = shop.elb.describe_target_health(TargetGroupArn=shop.group, Targets=[{"Id": first["Id"]}])
    assert [one["Target"] for one in asked["TargetHealthDescriptions"]] == [first]


async def test_tasks_are_known_by_their_shifted_zone(shop: Balanced) -> None:
    opted = [{"Key": "zonal_shift.config.enabled", "Value": "true"}]
    shop.elb.modify_load_balancer_attributes(LoadBalancerArn=shop.balancer, Attributes=opted)
    [zone] = shop.ec2.describe_availability_zones(ZoneNames=[A])["AvailabilityZones"]
    shop.aws.client("arc-zonal-shift").start_zonal_shift(
        resourceIdentifier=shop.balancer, awayFrom=zone["ZoneId"], expiresIn="1h", comment="-"
    )
    shop.after(2)
    overrides = {one["Target"]["AvailabilityZone"]: one["AdministrativeOverride"]["State"] for one in shop.targets()}
    assert overrides == {A: "zonal_shift_active", B: "no_override", C: "no_override"}


async def test_a_target_that_was_registered_by_hand_stands_beside_the_tasks(shop: Balanced) -> None:
    shop.elb.register_targets(TargetGroupArn=shop.group, Targets=[{"Id": "10.0.2.200", "AvailabilityZone": C}])
    assert Counter(shop.health()) == {(A, "healthy"): 1, (B, "healthy"): 1, (C, "healthy"): 2}
    shop.aws.outages.darken_zone(C)
    shop.aws.clock.move(timedelta(seconds=FOUND))
    assert (C, "unhealthy") in shop.health()


async def test_a_service_outlives_its_target_group(shop: Balanced) -> None:
    listener = shop.elb.describe_listeners(LoadBalancerArn=shop.balancer)["Listeners"][0]["ListenerArn"]
    shop.elb.delete_listener(ListenerArn=listener)
    shop.elb.delete_target_group(TargetGroupArn=shop.group)
    shop.update(desiredCount=4)
    assert shop.after(3)["runningCount"] == 4
