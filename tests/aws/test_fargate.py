from typing import Any

import pytest

from bot.aws.ecs.restart import RestartService
from bot.aws.ecs.service import Which
from bot.aws.session import Session
from tests.aws.fakes import T0, Ecs, World, attempt, refused
from tests.aws.test_quotas import Quotas, Watch

PARAMS = Which(cluster="arn:aws:ecs:us-east-1:123456789012:cluster/shop", service="orders")


class Fargate(Ecs):
    """Four tasks of half a vCPU."""

    def __init__(self, **service: Any) -> None:
        super().__init__(desired=4)
        self.service |= {"launchType": "FARGATE", "taskDefinition": "orders:7"} | service

    def fake_describe_services(self, cluster: str, services: list[str]) -> Any:
        return super().fake_describe_services(cluster.rpartition("/")[2], services)

    def fake_describe_task_definition(self, **_: str) -> Any:
        return {"taskDefinition": {"cpu": "512"}}


def needs(ecs: Ecs, used: float = 9) -> list[tuple[float, float | None]]:
    quotas, watch = Quotas(), Watch(used)
    world = World(Session("us-east-1"), ecs=ecs, cloudwatch=watch, **{"service-quotas": quotas})
    plan = RestartService().plan(PARAMS, world, attempt(started_at=T0))
    assert plan.touches == ("ecs:us-east-1:shop/orders",)
    return [(need.needed, need.available) for need in plan.needs]


def test_new_tasks_beside_the_old_ones_need_vcpus() -> None:
    assert needs(Fargate()) == [(2.0, 1.0)]


def test_ecs_rounds_the_number_of_tasks_down() -> None:
    percents = {"minimumHealthyPercent": 50, "maximumPercent": 149}
    assert needs(Fargate(deploymentConfiguration=percents)) == [(0.5, 1.0)]


@pytest.mark.parametrize(
    "service",
    [
        {"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}},
        {"launchType": "EC2"},
        {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},
    ],
)
def test_what_does_not_count_against_the_quota_needs_nothing(service: Any) -> None:
    assert needs(Fargate(**service)) == []


def test_a_capacity_provider_of_fargate_counts_too() -> None:
    strategy = {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}
    assert needs(Fargate(**strategy)) == [(2.0, 1.0)]


def test_a_task_size_that_we_may_not_read_is_no_obstacle() -> None:
    ecs = Fargate()
    ecs.fail_before["describe_task_definition"] = refused("AccessDeniedException")
    assert needs(ecs) == []
