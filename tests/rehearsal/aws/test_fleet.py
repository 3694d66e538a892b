"""What the services of a region share: launches, vCPUs and addresses; and how autoscaling moves their counts."""

from datetime import timedelta
from typing import Any

import pytest

from bot.aws.fargate import QUOTA
from bot.rehearsal.aws.emulator import EmulatedAws
from bot.rehearsal.aws.fleet import BURST, LAUNCHES_PER_SECOND
from tests.rehearsal.aws.balanced import CLUSTER, SERVICE, STARTED, ZONES, Balanced

A, B, C = ZONES
OUT, IN = 180, 900


def counts(service: dict[str, Any]) -> tuple[int, int, int]:
    return service["desiredCount"], service["runningCount"], service["pendingCount"]


def said(shop: Balanced, what: str) -> bool:
    return any(what in event["message"] for event in shop.service()["events"])


async def test_a_region_starts_so_many_at_once_and_then_so_many_a_second(aws: EmulatedAws) -> None:
    shop = Balanced(aws, desired=BURST + 2 * LAUNCHES_PER_SECOND)
    assert counts(shop.service())[2] == BURST
    assert counts(shop.after(1))[2] == BURST + LAUNCHES_PER_SECOND
    assert counts(shop.after(1))[2] == BURST + 2 * LAUNCHES_PER_SECOND
    assert not said(shop, "unable to place")  # it is no failure


async def test_services_of_a_region_share_the_launches_in_the_order_of_time(aws: EmulatedAws) -> None:
    shop = Balanced(aws, desired=BURST)
    shop.ecs.create_service(
        cluster=CLUSTER, serviceName="api", taskDefinition="web", desiredCount=10, launchType="FARGATE",
        networkConfiguration=shop.network(A, B, C),
    )  # fmt: skip
    aws.clock.move(timedelta(seconds=0.25))
    [api] = shop.ecs.describe_services(cluster=CLUSTER, services=["api"])["services"]
    assert counts(api) == (10, 0, 5)
    there = aws.client("ecs", "us-west-2")
    there.create_cluster(clusterName=CLUSTER)
    there.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "web:1", "memory": 1}])
    made = there.create_service(cluster=CLUSTER, serviceName="web", taskDefinition="web", desiredCount=10)["service"]
    assert counts(made) == (10, 0, 10)  # another region has its own


async def test_a_task_beyond_the_quota_is_not_placed_and_the_service_says_so(aws: EmulatedAws) -> None:
    aws.quotas.set(*QUOTA, 1)
    shop = Balanced(aws, desired=4)
    assert counts(shop.after(STARTED)) == (4, 4, 0)
    shop.update(desiredCount=5)
    assert counts(shop.after(60)) == (5, 4, 0)
    assert said(shop, "was unable to place a task. Reason: You've reached the limit on the number of vCPUs")
    aws.quotas.set(*QUOTA, 1.25)
    assert counts(shop.after(15 + STARTED)) == (5, 5, 0)


async def test_another_region_has_its_own_quota_and_ec2_tasks_have_none(aws: EmulatedAws) -> None:
    aws.quotas.set(*QUOTA, 0, "us-west-2")
    shop = Balanced(aws)
    assert counts(shop.after(STARTED)) == (3, 3, 0)
    aws.quotas.set(*QUOTA, 0)
    shop.ecs.create_service(cluster=CLUSTER, serviceName="api", taskDefinition="web", desiredCount=2, launchType="EC2")
    aws.clock.move(timedelta(seconds=STARTED))
    [api] = shop.ecs.describe_services(cluster=CLUSTER, services=["api"])["services"]
    assert counts(api) == (2, 2, 0)


async def test_a_subnet_without_free_addresses_takes_no_more_tasks(aws: EmulatedAws) -> None:
    shop = Balanced(aws, desired=11 * 3, block="10.0.{}.0/28")
    shop.after(STARTED)
    assert [shop.free(zone) for zone in ZONES] == [0, 0, 0]
    shop.update(desiredCount=34)
    assert counts(shop.after(60)) == (34, 33, 0)
    assert said(shop, "has no free addresses")


async def test_addresses_are_never_given_twice(aws: EmulatedAws) -> None:
    shop = Balanced(aws, desired=6)
    shop.after(STARTED)
    shop.update(forceNewDeployment=True)
    shop.after(STARTED)
    shown = [one["Target"]["Id"] for one in shop.targets()]
    assert len(shown) == len(set(shown)) == 12


class Scaled:
    """A service of three tasks that may have two to six."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.shop = Balanced(aws)
        self.scaling = aws.client("application-autoscaling")
        self.bound(MinCapacity=2, MaxCapacity=6)
        self.shop.after(STARTED)

    def bound(self, **bounds: Any) -> None:
        self.scaling.register_scalable_target(
            ServiceNamespace="ecs", ResourceId=f"service/{CLUSTER}/{SERVICE}",
            ScalableDimension="ecs:service:DesiredCount", **bounds,
        )  # fmt: skip

    def desired_after(self, seconds: float) -> int:
        return int(self.shop.after(seconds)["desiredCount"])

    def load(self, tasks: int) -> None:
        self.shop.aws.ecs.set_load(SERVICE, tasks, CLUSTER)


@pytest.fixture
def scaled(aws: EmulatedAws) -> Scaled:
    return Scaled(aws)


async def test_without_its_minimum_a_service_that_was_scaled_out_is_scaled_in_again(scaled: Scaled) -> None:
    scaled.shop.update(desiredCount=6)
    assert scaled.desired_after(IN - 1) == 6
    assert scaled.desired_after(1) == 3
    assert said(scaled.shop, "Successfully set desired count to 3")


async def test_with_its_minimum_it_stays(scaled: Scaled) -> None:
    scaled.bound(MinCapacity=6)
    scaled.shop.update(desiredCount=6)
    assert scaled.desired_after(2 * IN) == 6


async def test_a_service_follows_its_load_within_its_bounds(scaled: Scaled) -> None:
    scaled.load(9)
    assert scaled.desired_after(OUT - 1) == 3
    assert scaled.desired_after(1) == 6
    scaled.load(1)
    assert scaled.desired_after(IN) == 2


async def test_scaling_that_is_suspended_does_nothing(scaled: Scaled) -> None:
    scaled.bound(SuspendedState={"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": False})
    scaled.load(1)
    assert scaled.desired_after(2 * IN) == 3
    scaled.load(5)
    assert scaled.desired_after(OUT) == 5


async def test_a_target_that_was_taken_away_scales_nothing(scaled: Scaled) -> None:
    scaled.scaling.deregister_scalable_target(
        ServiceNamespace="ecs", ResourceId=f"service/{CLUSTER}/{SERVICE}", ScalableDimension="ecs:service:DesiredCount"
    )
    scaled.load(6)
    assert scaled.desired_after(2 * OUT) == 3


async def test_a_service_that_was_set_to_nothing_is_left_alone(scaled: Scaled) -> None:
    scaled.shop.update(desiredCount=0)
    assert scaled.desired_after(2 * IN) == 0


async def test_a_service_without_a_target_keeps_its_count(aws: EmulatedAws) -> None:
    shop = Balanced(aws)
    shop.update(desiredCount=5)
    assert shop.after(2 * IN)["desiredCount"] == 5
